/* SPDX-License-Identifier: MIT */
/* Silences in a scenario: setting and ending them as the daemon's HTTP side would, and what must
 * hold of hidden alarms after every step, told from outside:
 *
 *   3  what people filed, and the daemon's own troubles, are never hidden; a silence is active and
 *      not past its end; an inhibited alarm has one that fires and is not hidden
 *   4  hidden alarms are counted as such, and none that has a subject is among them */
#include "lab/world.h"

#include <stdlib.h>
#include <string.h>

struct fa_lab_silence {
    char *name; /* owned */
    struct fa_silence_id id;
};

static struct fa_lab_silence *find(const struct fa_lab *lab, const char *name)
{
    for (size_t i = lab->silence_count; i > 0; i--) {
        if (strcmp(lab->silences[i - 1].name, name) == 0) {
            return &lab->silences[i - 1];
        }
    }
    return NULL;
}

void fa_lab_silences_free(struct fa_lab *lab)
{
    for (size_t i = 0; i < lab->silence_count; i++) {
        free(lab->silences[i].name);
    }
    free(lab->silences);
}

/* The matchers of the text, separated by blanks. */
static bool read_matchers(struct fa_lab *lab, const char *text, struct fa_matchers *ret)
{
    struct fa_err err;
    struct fa_str rest = fa_str_of(text);
    int rc = 0;
    while (rest.len > 0 && rc == 0) {
        struct fa_str one = fa_str_cut(rest, ' ', &rest);
        rc = one.len > 0 ? fa_matchers_add(ret, one, &err) : 0;
    }
    if (rc != 0) {
        fa_lab_fail(lab, "%s", err.text);
    }
    return rc == 0;
}

static fa_person person_of(const struct fa_lab *lab, const char *name)
{
    return fa_directory_find(lab->config->people, fa_str_of(name));
}

static void set(struct fa_lab *lab, const struct fa_script_line *line,
                const struct fa_matchers *where)
{
    fa_time wall = fa_lab_now(lab).wall;
    const char *reason = fa_script_text(line, "says");
    struct fa_silence_spec spec = {
        .where = where,
        .owner = fa_script_text(line, "by"),
        .reason = reason != NULL ? reason : "work on it",
        .upto = fa_script_text(line, "upto"),
        .begin = wall + fa_script_duration(line, "after", 0),
    };
    spec.end = spec.begin + fa_script_duration(line, "for", 0);
    struct fa_event event = {
        .kind = FA_EV_SILENCE, .reply_to = fa_lab_ask(lab), .u.silence = &spec};
    const struct fa_silence *last = lab->engine->hiders.silences.last;
    fa_lab_turn(lab, &event);
    /* A crash may have come with the turn. */
    const struct fa_silence *made = lab->engine != NULL ? lab->engine->hiders.silences.last : NULL;
    if (made != NULL && made != last) {
        lab->silences =
            fa_xrealloc(lab->silences, (lab->silence_count + 1) * sizeof lab->silences[0]);
        lab->silences[lab->silence_count++] =
            (struct fa_lab_silence){fa_xstrdup(fa_script_text(line, "NAME")), made->id};
    }
}

static void do_silence(struct fa_lab *lab, const struct fa_script_line *line)
{
    const char *who = fa_script_text(line, "by"), *text = fa_script_text(line, "TEXT");
    struct fa_matchers where = {0};
    if (read_matchers(lab, text, &where)) {
        fa_lab_tell(lab, "%s silences %s", who, text);
        if (fa_engine_may_silence(lab->engine, person_of(lab, who), &where)) {
            set(lab, line, &where);
        } else {
            fa_lab_refuse(lab, FA_EDENIED);
        }
    }
    fa_matchers_done(&where);
}

static void do_unsilence(struct fa_lab *lab, const struct fa_script_line *line)
{
    const char *who = fa_script_text(line, "by");
    const struct fa_lab_silence *named = find(lab, fa_script_text(line, "NAME"));
    if (named == NULL) {
        fa_lab_fail(lab, "there is no silence '%s' in this scenario", fa_script_text(line, "NAME"));
        return;
    }
    const struct fa_silence *silence = fa_engine_silence(lab->engine, named->id);
    fa_lab_tell(lab, "%s ends the silence %s", who, named->name);
    if (silence != NULL && strcmp(silence->owner, who) != 0 &&
        !fa_engine_may_silence(lab->engine, person_of(lab, who), &silence->where)) {
        fa_lab_refuse(lab, FA_EDENIED);
        return;
    }
    struct fa_event event = {.kind = FA_EV_UNSILENCE,
                             .reply_to = fa_lab_ask(lab),
                             .u.unsilence = {.id = named->id, .who = who}};
    fa_lab_turn(lab, &event);
}

void fa_lab_do_silence(struct fa_lab *lab, const struct fa_script_line *line)
{
    if (fa_lab_is_up(lab)) {
        (line->verb == FA_DO_SILENCE ? do_silence : do_unsilence)(lab, line);
    }
}

bool fa_lab_has_silence(const struct fa_lab *lab, const char *name)
{
    return find(lab, name) != NULL;
}

void fa_lab_expect_silence(struct fa_lab *lab, const struct fa_script_line *line)
{
    const struct fa_lab_silence *named = find(lab, fa_script_text(line, "NAME"));
    const struct fa_silence *silence =
        named != NULL && lab->engine != NULL ? fa_engine_silence(lab->engine, named->id) : NULL;
    const char *state = silence != NULL ? fa_silence_state_name(silence->state) : "over";
    if (named == NULL) {
        fa_lab_fail(lab, "there is no silence '%s' in this scenario", fa_script_text(line, "NAME"));
    } else if (strcmp(state, fa_script_text(line, "choice")) != 0) {
        fa_lab_fail(lab, "it is %s", state);
    }
}

/* ---- after a step ---- */

static void look_for_inhibitor(void *ctx, const struct fa_alarm *alarm,
                               const struct fa_inhibition *by)
{
    (void)by;
    bool *found = ctx;
    *found = *found || ((alarm->state == FA_ALARM_UNACKED || alarm->state == FA_ALARM_ACKED) &&
                        (alarm->flags & (FA_FLAG_SHELVED | FA_FLAG_SUPPRESSED)) == 0);
}

static void check_silence(struct fa_lab *lab, const struct fa_alarm *alarm)
{
    const struct fa_silence *silence = fa_engine_silence_of(lab->engine, alarm);
    if (silence == NULL || silence->state != FA_SILENCE_ACTIVE ||
        silence->end < fa_lab_now(lab).wall) { /* at its end others may come before the tick */
        fa_lab_fail(lab, "invariant 3 (stopped by a silence): none hides %s any more",
                    alarm->identity);
    }
}

void fa_lab_check_hidden(struct fa_lab *lab, const struct fa_alarm *alarm)
{
    if ((alarm->flags & (FA_FLAG_SHELVED | FA_FLAG_SUPPRESSED)) == 0) {
        return;
    }
    if (alarm->people->incident_count > 0 ||
        (alarm->flags & (FA_FLAG_FILED | FA_FLAG_TROUBLE)) != 0) {
        fa_lab_fail(lab, "invariant 3 (a filing is never held back): %s is hidden",
                    alarm->identity);
    } else if ((alarm->flags & FA_FLAG_SHELVED) != 0) {
        check_silence(lab, alarm);
    }
    bool explained = (alarm->flags & FA_FLAG_SUPPRESSED) == 0;
    fa_engine_each_inhibitor(alarm, look_for_inhibitor, &explained);
    if (!explained) {
        fa_lab_fail(lab, "invariant 3 (hidden by another alarm): none that fires explains %s",
                    alarm->identity);
    }
}

struct tally {
    uint32_t shelved, suppressed, silences;
};

static void count_hidden(void *ctx, const struct fa_alarm *alarm)
{
    struct tally *tally = ctx;
    tally->shelved += (alarm->flags & FA_FLAG_SHELVED) != 0;
    tally->suppressed += (alarm->flags & FA_FLAG_SUPPRESSED) != 0;
}

static void count_silence(void *ctx, const struct fa_silence *silence)
{
    ((struct tally *)ctx)->silences += silence->state == FA_SILENCE_ACTIVE;
}

void fa_lab_check_hidden_counts(struct fa_lab *lab)
{
    struct fa_engine_stats stats;
    struct tally tally = {0};
    fa_engine_stats(lab->engine, &stats);
    fa_engine_each_alarm(lab->engine, count_hidden, &tally);
    fa_engine_each_silence(lab->engine, count_silence, &tally);
    if (stats.shelved != tally.shelved || stats.suppressed != tally.suppressed ||
        stats.silences != tally.silences) {
        fa_lab_fail(lab, "%u silences, %u and %u hidden alarms are counted, not %u, %u and %u",
                    stats.silences, stats.shelved, stats.suppressed, tally.silences, tally.shelved,
                    tally.suppressed);
    }
}
