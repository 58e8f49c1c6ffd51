/* SPDX-License-Identifier: MIT */
/* When a reader's weekly digest comes, told anew: from the configuration's lists, the shifts of the
 * reader's zone and what was decided, with no function of people/ or of alarms/weekly.c.
 *
 *   - each reader gets one at the minute of the week that the configuration says, by their own
 *     clocks, and one for all that fell due while no daemon ran; nobody gets two for one moment;
 *   - nobody else gets one, also not one that waited when they were taken off the list;
 *   - it names no alarm that its reader must not know of, and no message that did not reach them.
 *
 * A clock that was set back, or a crash that lost what was decided, leaves it unsure until the
 * next.
 */
#include "alarms/describe.h"
#include "lab/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WEEK (7 * FA_DAY)

/* ---- clocks ---- */

static const struct fa_zone *zone_of(const struct fa_directory *dir, const char *person)
{
    size_t at = fa_lab_person(dir, person, strlen(person));
    const char *name = at != SIZE_MAX ? dir->people[at].zone : NULL;
    for (size_t i = 0; name != NULL && i < dir->zone_count; i++) {
        if (strcmp(dir->zones[i].name, name) == 0) {
            return &dir->zones[i];
        }
    }
    return NULL;
}

/* From when the shift holds. */
static fa_time begin_of(const struct fa_zone *zone, size_t i)
{
    return i == 0 ? INT64_MIN / 4 : zone->shifts[i].from;
}

/* The first moment at which clocks show it; of a time that they leap over, the leap. */
static fa_time shown_at(const struct fa_zone *zone, fa_time local)
{
    for (size_t i = 0; zone != NULL && i < zone->count; i++) {
        fa_time at = local - (fa_time)zone->shifts[i].offset_s * FA_SECOND;
        fa_time end = i + 1 < zone->count ? zone->shifts[i + 1].from : FA_NEVER;
        if (at < end) {
            return at > begin_of(zone, i) ? at : begin_of(zone, i);
        }
    }
    return local;
}

/* The first such moment behind `after`; the epoch was a Thursday. */
static fa_time first_behind(const struct fa_zone *zone, uint32_t minute, fa_time after)
{
    fa_time local = 4 * FA_DAY + (fa_time)minute * FA_MINUTE; /* of the second Monday ... */
    local += (after - local) / WEEK * WEEK - 2 * WEEK;
    while (shown_at(zone, local) <= after) {
        local += WEEK;
    }
    return shown_at(zone, local);
}

/* ---- readers ---- */

static bool is_reader(const struct fa_lab *lab, const struct fa_person_entry *entry)
{
    const struct fa_weekly *weekly = &lab->config->setup.weekly;
    bool meant = false;
    for (size_t i = 0; i < weekly->to_count; i++) {
        meant = meant || fa_lab_is_meant(lab->config->people, weekly->to[i], entry);
    }
    return meant;
}

static struct fa_lab_week *week_of(struct fa_lab *lab, const char *person)
{
    for (size_t i = 0; i < lab->week_count; i++) {
        if (strcmp(lab->weeks[i].person, person) == 0) {
            return &lab->weeks[i];
        }
    }
    lab->weeks = fa_xgrow(lab->weeks, lab->week_count, &lab->week_cap, sizeof lab->weeks[0]);
    struct fa_lab_week *week = &lab->weeks[lab->week_count++];
    *week = (struct fa_lab_week){.person = fa_xstrdup(person)};
    return week;
}

/* Whoever is on the list again may be remembered, or not. */
static void read_lists(struct fa_lab *lab)
{
    const struct fa_directory *dir = lab->config->people;
    for (size_t i = 0; i < lab->week_count; i++) {
        size_t at = fa_lab_person(dir, lab->weeks[i].person, strlen(lab->weeks[i].person));
        lab->weeks[i].is_reader = lab->weeks[i].is_reader && at != SIZE_MAX;
    }
    for (size_t i = 0; i < dir->people_count; i++) {
        bool reads = is_reader(lab, &dir->people[i]);
        struct fa_lab_week *week = reads ? week_of(lab, dir->people[i].name) : NULL;
        if (week == NULL) {
            for (size_t w = 0; w < lab->week_count; w++) {
                bool same = strcmp(lab->weeks[w].person, dir->people[i].name) == 0;
                lab->weeks[w].is_reader = lab->weeks[w].is_reader && !same;
            }
        } else if (!week->is_reader) {
            week->unsure = week->told != 0;
            week->told = week->unsure ? week->told : fa_lab_now(lab).wall;
            week->is_reader = true;
        }
    }
}

/* ---- when ---- */

static void decided(struct fa_lab *lab, const char *person)
{
    const fa_time now = fa_lab_now(lab).wall;
    struct fa_lab_week *week = week_of(lab, person);
    fa_time due = first_behind(zone_of(lab->config->people, person),
                               lab->config->setup.weekly.minute, week->told);
    if (!week->is_reader) {
        fa_lab_fail(lab, "%s gets a weekly digest and is no reader", person);
    } else if (!week->unsure && due > now) {
        fa_lab_fail(lab, "%s gets a weekly digest %lld s before it is due", person,
                    (long long)((due - now) / FA_SECOND));
    }
    week->told = now;
    week->unsure = false;
}

struct before {
    const struct fa_notification *n;
    fa_time told;
    bool found;
};

static void look_before(void *ctx, const struct fa_notification *n)
{
    struct before *before = ctx;
    before->found =
        before->found || (n != before->n && n->kind == FA_NOTE_WEEKLY &&
                          n->created == before->told && strcmp(n->person, before->n->person) == 0);
}

/* Is it the digest of before, which failed over another of their channels? */
static bool is_next_channel(struct fa_lab *lab, const struct fa_notification *n)
{
    const struct fa_lab_week *week = week_of(lab, n->person);
    struct before before = {n, week->told, false};
    for (size_t i = 0; i < lab->key_count && !before.found; i++) {
        const struct fa_lab_key *key = &lab->keys[i];
        before.found = key->kind == FA_NOTE_WEEKLY && key->created == week->told &&
                       key->sent == FA_NEVER &&
                       strcmp(lab->deliveries[key->first].person, n->person) == 0;
    }
    fa_engine_each_notification(lab->engine, look_before, &before);
    return before.found &&
           first_behind(zone_of(lab->config->people, n->person), lab->config->setup.weekly.minute,
                        week->told) > fa_lab_now(lab).wall;
}

static void check_missed(struct fa_lab *lab)
{
    const struct fa_now now = fa_lab_now(lab);
    if (lab->config->setup.weekly.to_count == 0 ||
        fa_engine_next_deadline(lab->engine) <= now.mono) {
        return;
    }
    for (size_t i = 0; i < lab->week_count; i++) {
        const struct fa_lab_week *week = &lab->weeks[i];
        fa_time due = week->is_reader && !week->unsure
                          ? first_behind(zone_of(lab->config->people, week->person),
                                         lab->config->setup.weekly.minute, week->told)
                          : FA_NEVER;
        if (due <= now.wall) {
            fa_lab_fail(lab, "the weekly digest of %s is due for %lld s and was not made",
                        week->person, (long long)((now.wall - due) / FA_SECOND));
        }
    }
}

void fa_lab_weekly_step(struct fa_lab *lab)
{
    enum fa_event_kind kind = lab->event->kind;
    if (kind == FA_EV_START || kind == FA_EV_RELOAD) {
        read_lists(lab);
    }
    for (size_t i = 0; i < lab->week_count; i++) {
        bool ahead = lab->weeks[i].told > fa_lab_now(lab).wall;
        lab->weeks[i].unsure = lab->weeks[i].unsure || ahead;
    }
    for (size_t i = lab->step_from; i < lab->actions.count; i++) {
        const struct fa_action *action = &lab->actions.list[i];
        const struct fa_notification *n =
            action->kind == FA_ACT_JOURNAL && action->u.journal.code == FA_J_NOTIFY
                ? fa_engine_notification(lab->engine, action->u.journal.notification)
                : NULL;
        if (n != NULL && n->kind == FA_NOTE_WEEKLY && !is_next_channel(lab, n)) {
            decided(lab, n->person);
        }
    }
    check_missed(lab);
}

void fa_lab_weekly_stop(struct fa_lab *lab, bool is_lost)
{
    for (size_t i = 0; i < lab->week_count; i++) {
        lab->weeks[i].unsure = lab->weeks[i].unsure || is_lost;
    }
}

/* ---- what it says ---- */

/* Messages that reached them and that they could be told of: tests and digests are not counted. */
static size_t most_messages(const struct fa_lab *lab, const char *person)
{
    const struct fa_directory *dir = lab->config->people;
    size_t count = 0;
    for (size_t i = 0; i < lab->delivery_count; i++) {
        const struct fa_lab_delivery *delivery = &lab->deliveries[i];
        bool machine = false;
        for (size_t c = 0; c < dir->channel_count; c++) {
            machine = machine || (dir->channels[c].machine &&
                                  strcmp(dir->channels[c].name, delivery->channel) == 0);
        }
        count += delivery->reached && !machine && delivery->kind != FA_NOTE_TEST &&
                 delivery->kind != FA_NOTE_WEEKLY && !fa_lab_is_recused(lab, delivery->alarm) &&
                 strcmp(delivery->person, person) == 0;
    }
    return count;
}

struct past_due {
    struct fa_lab *lab;
    const char *reader;
    size_t most;
};

static void count_past_due(void *ctx, const struct fa_alarm *alarm)
{
    struct past_due *count = ctx;
    const struct fa_incident_id none = {{{0}}};
    count->most += (alarm->flags & FA_FLAG_OVERDUE) != 0 &&
                   fa_lab_why_not(count->lab, alarm, none, count->reader, NULL) == NULL;
}

/* Of what they must not know no line says that it is past due. */
static void check_past_due(struct fa_lab *lab, const char *reader, const char *text)
{
    static const char word[] = "\n- past due: ";
    struct past_due count = {lab, reader, 0};
    size_t lines = 0;
    fa_engine_each_alarm(lab->engine, count_past_due, &count);
    for (const char *at = text; (at = strstr(at, word)) != NULL; at += sizeof word - 1) {
        lines++;
    }
    if (lines > count.most) {
        fa_lab_fail(lab,
                    "invariant 4 (not by a digest): the weekly one of %s has %zu alarms past "
                    "due, and there are %zu that they may know of",
                    reader, lines, count.most);
    }
}

void fa_lab_weekly_attempt(struct fa_lab *lab, const struct fa_notification *n)
{
    static const char own[] = "Messages to you this week: ";
    const struct fa_directory *dir = lab->config->people;
    size_t at = n->kind == FA_NOTE_WEEKLY ? fa_lab_person(dir, n->person, strlen(n->person)) : 0;
    struct fa_buf buf;
    if (n->kind != FA_NOTE_WEEKLY) {
        return;
    }
    if (at == SIZE_MAX || !is_reader(lab, &dir->people[at])) {
        fa_lab_fail(lab, "a weekly digest leaves to %s, who is no reader", n->person);
        return;
    }
    fa_buf_init(&buf, (size_t)1 << 20);
    fa_describe_message(lab->engine, n, &buf);
    const char *count = strstr(fa_buf_text(&buf), own);
    size_t said = count != NULL ? strtoul(count + sizeof own - 1, NULL, 10) : 0;
    if (said > most_messages(lab, n->person)) {
        fa_lab_fail(lab, "the weekly digest of %s counts %zu messages, and they got %zu", n->person,
                    said, most_messages(lab, n->person));
    }
    check_past_due(lab, n->person, fa_buf_text(&buf));
    fa_buf_done(&buf);
}

void fa_lab_weekly_done(struct fa_lab *lab)
{
    for (size_t i = 0; i < lab->week_count; i++) {
        free(lab->weeks[i].person);
    }
    free(lab->weeks);
}
