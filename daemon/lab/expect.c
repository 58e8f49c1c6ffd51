/* SPDX-License-Identifier: MIT */
/* What must have come of it: every `expect` verb but those of messages (told.c). Looks and takes
 * what it found; changes nothing in the world but by letting time pass. */
#include "lab/world.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool fa_lab_count_is(const struct fa_script_line *line, const char *name, uint64_t value)
{
    const struct fa_script_slot *slot = fa_script_slot(line, name);
    return slot == NULL || (uint64_t)slot->number == value;
}

/* ---- alarms ---- */

static const struct {
    const char *name;
    uint32_t flag;
} FLAGS[] = {
    {"latched", FA_FLAG_LATCHED},       {"unknown", FA_FLAG_UNKNOWN},
    {"orphaned", FA_FLAG_ORPHANED},     {"shadow", FA_FLAG_SHADOW},
    {"emptied", FA_FLAG_EMPTIED},       {"filed", FA_FLAG_FILED},
    {"overdue", FA_FLAG_OVERDUE},       {"trouble", FA_FLAG_TROUBLE},
    {"drill", FA_FLAG_DRILL},           {"shelved", FA_FLAG_SHELVED},
    {"suppressed", FA_FLAG_SUPPRESSED}, {"flapping", FA_FLAG_FLAPPING},
};

static void expect_flag(struct fa_lab *lab, const struct fa_lab_alarm *seen, const char *text)
{
    bool unset = text[0] == '-';
    for (size_t i = 0; i < sizeof FLAGS / sizeof FLAGS[0]; i++) {
        if (strcmp(FLAGS[i].name, text + unset) == 0) {
            if (((seen->flags & FLAGS[i].flag) == 0) != unset) {
                fa_lab_fail(lab, "%s is %s%s", seen->identity, unset ? "" : "not ", text + unset);
            }
            return;
        }
    }
    fa_lab_fail(lab, "'%s' is no flag", text);
}

static void expect_alarm(struct fa_lab *lab, const struct fa_script_line *line)
{
    const struct fa_lab_alarm *seen = fa_lab_named_alarm(lab, fa_script_text(line, "ALARM"), false);
    const char *state = fa_script_text(line, "NAME");
    bool known = false;
    for (int i = 0; i < FA_ALARM__COUNT; i++) {
        known = known || strcmp(fa_alarm_state_name((enum fa_alarm_state)i), state) == 0;
    }
    if (!known) {
        fa_lab_fail(lab, "'%s' is no state of an alarm", state);
    } else if (seen != NULL && strcmp(fa_alarm_state_name(seen->state), state) != 0) {
        fa_lab_fail(lab, "%s is %s", seen->identity, fa_alarm_state_name(seen->state));
    }
    for (size_t i = 0; seen != NULL && i < line->rest_count; i++) {
        expect_flag(lab, seen, line->rest[i]);
    }
}

static void expect_no_alarm(struct fa_lab *lab, const struct fa_script_line *line)
{
    const struct fa_lab_alarm *seen = fa_lab_named_alarm(lab, fa_script_text(line, "ALARM"), true);
    if (seen != NULL && (seen->raised || !seen->gone)) {
        fa_lab_fail(lab, "%s is %s", seen->identity, fa_alarm_state_name(seen->state));
    }
}

static struct fa_lab_alarm *alarm_of(struct fa_lab *lab, const struct fa_script_line *line)
{
    return fa_lab_named_alarm(lab, fa_script_text(line, "of"), false);
}

static void expect_owner(struct fa_lab *lab, const struct fa_script_line *line)
{
    const struct fa_lab_alarm *seen = alarm_of(lab, line);
    const char *name = fa_script_text(line, "NAME");
    const char *owner = seen != NULL && seen->owner != NULL ? seen->owner : "nobody";
    if (seen != NULL && strcmp(owner, name) != 0) {
        fa_lab_fail(lab, "%s is owned by %s", seen->identity, owner);
    }
}

static void expect_step(struct fa_lab *lab, const struct fa_script_line *line)
{
    const struct fa_lab_alarm *seen = alarm_of(lab, line);
    if (seen != NULL && (!fa_lab_count_is(line, "COUNT", (uint64_t)seen->step + 1) ||
                         !fa_lab_count_is(line, "loop", seen->loop))) {
        fa_lab_fail(lab, "%s is at step %u loop %u", seen->identity, seen->step + 1, seen->loop);
    }
}

static void expect_value(struct fa_lab *lab, const struct fa_script_line *line)
{
    const struct fa_lab_alarm *seen = alarm_of(lab, line);
    double wanted = fa_script_slot(line, "NUMBER")->number;
    if (seen != NULL && !(fabs(seen->value - wanted) <= fabs(wanted) * 0.02)) {
        fa_lab_fail(lab, "%s has %g", seen->identity, seen->value);
    }
}

static void expect_filings(struct fa_lab *lab, const struct fa_script_line *line)
{
    const struct fa_lab_alarm *seen = alarm_of(lab, line);
    if (seen != NULL && !fa_lab_count_is(line, "COUNT", seen->filings)) {
        fa_lab_fail(lab, "%s has %zu filings", seen->identity, seen->filings);
    }
}

static void expect_view(struct fa_lab *lab, const struct fa_script_line *line, bool wanted)
{
    const struct fa_lab_alarm *seen = fa_lab_named_alarm(lab, fa_script_text(line, "ALARM"), false);
    const struct fa_alarm *alarm = seen != NULL ? fa_engine_alarm(lab->engine, seen->id) : NULL;
    const struct fa_directory *dir = lab->config->people;
    struct fa_viewer viewer = {fa_directory_find(dir, fa_str_of(fa_script_text(line, "NAME")))};
    struct fa_access access;
    if (alarm == NULL) {
        fa_lab_fail(lab, "it is closed");
        return;
    }
    fa_access_init(&access, lab->engine, alarm);
    bool may = fa_may(dir, viewer, FA_VERB_LIST, &access.object) &&
               fa_may(dir, viewer, FA_VERB_SHOW, &access.object);
    fa_access_done(&access);
    if (may != wanted) {
        fa_lab_fail(lab, "%s may %slook at %s", fa_script_text(line, "NAME"), may ? "" : "not ",
                    seen->identity);
    }
}

/* ---- answers, filings, journal, outbox ---- */

#define X(name, number, text) {#name, FA_E##name},
static const struct {
    const char *name;
    int code;
} CODES[] = {FA_ERR_LIST(X)};
#undef X

static const char *code_name(int code)
{
    for (size_t i = 0; i < sizeof CODES / sizeof CODES[0]; i++) {
        if (CODES[i].code == code) {
            return CODES[i].name;
        }
    }
    return "OK";
}

static void expect_reply(struct fa_lab *lab, const struct fa_script_line *line)
{
    const char *wanted = fa_script_text(line, "choice"), *code = fa_script_text(line, "NAME");
    const char *got = lab->reply_state == FA_LAB_REPLY_NONE        ? "none"
                      : lab->reply_state == FA_LAB_REPLY_NOT_ASKED ? "nothing was asked"
                      : lab->reply_code != 0                       ? "refused"
                      : lab->reply_already                         ? "already"
                                                                   : "ok";
    if (strcmp(got, wanted) != 0) {
        fa_lab_fail(lab, "the reply is: %s%s%s", got, lab->reply_code != 0 ? " " : "",
                    lab->reply_code != 0 ? code_name(lab->reply_code) : "");
    } else if (code != NULL && strcmp(code_name(lab->reply_code), code) != 0) {
        fa_lab_fail(lab, "refused: %s (%s)", code_name(lab->reply_code),
                    fa_err_words(lab->reply_code));
    }
}

static void expect_receipt(struct fa_lab *lab, const struct fa_script_line *line)
{
    const struct fa_lab_filing *a = fa_lab_named_filing(lab, fa_script_text(line, "NAME"));
    const struct fa_lab_filing *b = fa_lab_named_filing(lab, fa_script_text(line, "as"));
    if (a == NULL || b == NULL) {
        return;
    }
    const struct fa_incident *kept = fa_engine_incident(lab->engine, a->id);
    if (!fa_id_eq(a->id.id, b->id.id) || kept == NULL) {
        fa_lab_fail(lab, "they are two filings");
    }
}

static void expect_filing(struct fa_lab *lab, const struct fa_script_line *line)
{
    static const char *const names[] = {"open", "raised", "closed"};
    const struct fa_lab_filing *filing = fa_lab_named_filing(lab, fa_script_text(line, "NAME"));
    const struct fa_incident *incident =
        filing != NULL && lab->engine != NULL ? fa_engine_incident(lab->engine, filing->id) : NULL;
    const char *state = incident != NULL ? names[incident->state] : "gone";
    if (strcmp(state, fa_script_text(line, "choice")) != 0) {
        fa_lab_fail(lab, "filing %s is %s", fa_script_text(line, "NAME"), state);
    }
}

static uint64_t take_entries(struct fa_lab *lab, const char *code, bool all)
{
    uint64_t count = 0;
    for (size_t i = 0; i < lab->journal_count && (all || count == 0); i++) {
        if (!lab->journal[i].taken &&
            strcmp(fa_journal_code_name(lab->journal[i].code), code) == 0) {
            lab->journal[i].taken = true;
            count++;
        }
    }
    return count;
}

static bool is_code(const char *name)
{
#define X(code, number)                                                                            \
    if (strcmp(name, #code) == 0) {                                                                \
        return true;                                                                               \
    }
    FA_JOURNAL_CODES(X)
#undef X
    return false;
}

static void expect_journal(struct fa_lab *lab, const struct fa_script_line *line)
{
    const struct fa_script_slot *times = fa_script_slot(line, "times");
    const char *code = fa_script_text(line, "NAME");
    if (!is_code(code)) {
        fa_lab_fail(lab, "'%s' is no code of the journal", code);
        return;
    }
    uint64_t count = take_entries(lab, code, times != NULL);
    if (times != NULL ? count != (uint64_t)times->number : count == 0) {
        fa_lab_fail(lab, "%llu such entries", (unsigned long long)count);
    }
}

static void expect_no_journal(struct fa_lab *lab, const struct fa_script_line *line)
{
    const char *code = fa_script_text(line, "NAME");
    if (!is_code(code) || take_entries(lab, code, true) > 0) {
        fa_lab_fail(lab, is_code(code) ? "there is one" : "there is no such code");
    }
}

struct outbox {
    const char *state;
    uint64_t count;
};

static void count_notification(void *ctx, const struct fa_notification *n)
{
    struct outbox *outbox = ctx;
    outbox->count +=
        outbox->state == NULL || strcmp(outbox->state, fa_notification_state_name(n->state)) == 0;
}

static void expect_outbox(struct fa_lab *lab, const struct fa_script_line *line)
{
    struct outbox outbox = {.state = fa_script_text(line, "state")};
    if (lab->engine != NULL) {
        fa_engine_each_notification(lab->engine, count_notification, &outbox);
    }
    if (!fa_lab_count_is(line, "COUNT", outbox.count)) {
        fa_lab_fail(lab, "%llu are there", (unsigned long long)outbox.count);
    }
}

static void expect_heard(struct fa_lab *lab, const struct fa_script_line *line)
{
    fa_lab_owed_heard(lab);
}

void fa_lab_expect(struct fa_lab *lab, const struct fa_script_line *line)
{
    static void (*const table[FA_VERB_ID__COUNT])(struct fa_lab *,
                                                  const struct fa_script_line *) = {
        [FA_EXPECT_TELL] = fa_lab_expect_tell,
        [FA_EXPECT_NO_TELL] = fa_lab_expect_no_tell,
        [FA_EXPECT_MESSAGES] = fa_lab_expect_messages,
        [FA_EXPECT_TRY] = fa_lab_expect_try,
        [FA_EXPECT_NOTHING] = fa_lab_expect_nothing,
        [FA_EXPECT_ALARM] = expect_alarm,
        [FA_EXPECT_NO_ALARM] = expect_no_alarm,
        [FA_EXPECT_OWNER] = expect_owner,
        [FA_EXPECT_STEP] = expect_step,
        [FA_EXPECT_VALUE] = expect_value,
        [FA_EXPECT_FILINGS] = expect_filings,
        [FA_EXPECT_REPLY] = expect_reply,
        [FA_EXPECT_RECEIPT] = expect_receipt,
        [FA_EXPECT_FILING] = expect_filing,
        [FA_EXPECT_JOURNAL] = expect_journal,
        [FA_EXPECT_OUTBOX] = expect_outbox,
        [FA_EXPECT_NO_JOURNAL] = expect_no_journal,
        [FA_EXPECT_HEARD] = expect_heard,
        [FA_EXPECT_SILENCE] = fa_lab_expect_silence,
        [FA_EXPECT_DRILL] = fa_lab_expect_drill,
    };
    if (line->verb == FA_EXPECT_SEES || line->verb == FA_EXPECT_BLIND) {
        expect_view(lab, line, line->verb == FA_EXPECT_SEES);
    } else {
        fa_assert(table[line->verb] != NULL);
        table[line->verb](lab, line);
    }
}
