/* SPDX-License-Identifier: MIT */
/* When each reader's weekly digest is due, and what it says.
 *
 * Invariants:
 *  1. A digest is due at the first such moment of the reader's clocks after the one that was told
 *     last; what fell due while no daemon ran is one, sent at start. That moment is in the row of
 *     the reader's tally, written in the step that makes the message.
 *  2. It is composed when it leaves, also again: what its reader may know is asked then, of the
 *     one table that messages and lists ask. What may not be listed is in no number either.
 *  3. It is an ordinary notification about nothing: it moves no alarm, waits for no room, and is
 *     in nobody's five messages.
 *
 * What the numbers are is tally.c's. */
#include "alarms/weekly.h"
#include "alarms/describe.h"
#include "alarms/internal.h"

#include <stdio.h>
#include <string.h>

/* Lines of one part; a mail that scrolls is not read. */
#define LINES_MAX 15

#define MONDAY (3 * FA_DAY) /* 1970 began on a Thursday */

/* ---- when ---- */

fa_time fa_weekly_next(const struct fa_zone *zone, uint32_t minute, fa_time after)
{
    fa_time local = (zone != NULL ? fa_zone_local(zone, after) : after) + MONDAY;
    fa_time slot = local - local % FA_WEEK - MONDAY + minute * FA_MINUTE - FA_WEEK;
    fa_time next = slot;
    do {
        slot += FA_WEEK;
        next = zone != NULL ? fa_zone_instant(zone, slot, false) : slot;
    } while (next <= after);
    return next;
}

static void resolve_readers(const struct fa_engine *engine, struct fa_pset *ret_set)
{
    const struct fa_weekly *weekly = &engine->setup->weekly;
    fa_pset_init(ret_set, engine->setup->people);
    for (size_t i = 0; i < weekly->to_count; i++) {
        (void)!fa_directory_resolve(engine->setup->people, fa_str_of(weekly->to[i]), ret_set);
    }
}

bool fa_weekly_is_reader(const struct fa_engine *engine, fa_person person)
{
    struct fa_pset readers;
    resolve_readers(engine, &readers);
    bool is_reader = fa_pset_has(&readers, person);
    fa_pset_done(&readers);
    return is_reader;
}

/* The moment of their next one, after telling what is due. */
static fa_time run_reader(struct fa_engine *engine, fa_person person)
{
    const char *name = engine->setup->people->people[person].name;
    const struct fa_zone *zone = fa_directory_zone_of(engine->setup->people, name);
    uint32_t minute = engine->setup->weekly.minute;
    struct fa_tally *tally = fa_tally_take(engine, FA_TALLY_PERSON, name);
    fa_time now = engine->now.wall;
    if (tally->told == 0 || tally->told > now + FA_WEEK) { /* new, or the clock was far ahead */
        tally->told = now;
        fa_tally_touch(engine, tally);
    }
    if (fa_weekly_next(zone, minute, tally->told) <= now) {
        struct fa_note_spec spec = {.person = person, .kind = FA_NOTE_WEEKLY};
        (void)!fa_notify(engine, &spec); /* the check says who has no channel for it */
        tally->told = now;
        fa_tally_touch(engine, tally);
    }
    return fa_weekly_next(zone, minute, tally->told);
}

void fa_weekly_run(struct fa_engine *engine)
{
    struct fa_pset readers;
    fa_time first = FA_NEVER;
    resolve_readers(engine, &readers);
    for (fa_person p = fa_pset_next(&readers, 0); p != FA_NOBODY;
         p = fa_pset_next(&readers, p + 1)) {
        fa_time next = run_reader(engine, p);
        first = next < first ? next : first;
    }
    fa_pset_done(&readers);
    engine->weekly_due =
        first == FA_NEVER ? FA_NEVER : engine->now.mono + (first - engine->now.wall);
}

/* ---- what it says ---- */

struct text {
    const struct fa_engine *engine;
    const struct fa_directory *dir;
    fa_person reader;
    const struct fa_zone *zone;
    int64_t from, until; /* hours */
    fa_time now;
    struct fa_buf *out;
    const char *title; /* of the part under way */
    size_t lines;      /* of it */
    bool began;        /* something was said */
    size_t matters;    /* lines of all parts */
};

static void begin_paragraph(struct text *text)
{
    fa_buf_puts(text->out, text->began ? "\n" : "");
    text->began = true;
}

static void begin_part(struct text *text, const char *title)
{
    text->title = title;
    text->lines = 0;
}

/* False: there are too many, it is counted only. */
static bool begin_line(struct text *text)
{
    text->matters++;
    if (++text->lines > LINES_MAX) {
        return false;
    }
    if (text->lines == 1) {
        begin_paragraph(text);
        fa_buf_printf(text->out, "%s\n", text->title);
    }
    fa_buf_puts(text->out, "- ");
    return true;
}

static void end_part(struct text *text)
{
    if (text->lines > LINES_MAX) {
        fa_buf_printf(text->out, "- and %zu more\n", text->lines - LINES_MAX);
    }
}

static void put_time(struct text *text, fa_time wall)
{
    struct fa_reader_zone zone;
    char time[FA_READER_TIME_SIZE];
    fa_describe_zone_at(text->zone, wall, &zone);
    fa_buf_puts(text->out, fa_reader_time(wall, 0, &zone, time));
}

static const char *display_of(const struct text *text, fa_person person)
{
    const struct fa_person_entry *entry = &text->dir->people[person];
    return entry->display != NULL ? entry->display : entry->name;
}

static const struct fa_tally *tally_of(const struct text *text, fa_person person)
{
    return fa_tally_find(text->engine, FA_TALLY_PERSON, text->dir->people[person].name);
}

static uint32_t sum(const struct text *text, const struct fa_tally *tally,
                    enum fa_tally_count which)
{
    return fa_tally_sum(tally, which, text->from, text->until);
}

static uint32_t budget_of(const struct text *text, fa_person person)
{
    uint32_t own = text->dir->people[person].budget;
    return own > 0 ? own : text->engine->setup->weekly.budget;
}

/* ---- promises ---- */

static bool may_list(const struct text *text, const struct fa_alarm *alarm)
{
    struct fa_access access;
    fa_access_init(&access, text->engine, alarm);
    bool may = fa_may(text->dir, (struct fa_viewer){text->reader}, FA_VERB_LIST, &access.object);
    fa_access_done(&access);
    return may;
}

static void put_overdue(struct text *text, const struct fa_alarm *alarm)
{
    struct fa_describe describe;
    if (!begin_line(text)) {
        return;
    }
    fa_buf_puts(text->out, "past due: ");
    fa_describe_init(&describe, text->engine, alarm, alarm->value);
    describe.zone = text->zone;
    fa_describe_title(&describe, alarm, text->now, text->out);
    fa_describe_done(&describe);
    fa_buf_puts(text->out, ", open since ");
    put_time(text, alarm->raised);
    fa_buf_puts(text->out, "\n");
}

static void put_words(struct text *text)
{
    const struct fa_tally *own = tally_of(text, text->reader);
    uint32_t kept = sum(text, own, FA_TALLY_KEPT_WORD);
    uint32_t missed = sum(text, own, FA_TALLY_MISSED_WORD);
    if (kept + missed > 0 && begin_line(text)) {
        fa_buf_printf(text->out, "yours this week: %u kept, %u missed\n", kept, missed);
        text->matters -= missed == 0;
    }
}

static void put_promises(struct text *text)
{
    begin_part(text, "Promises");
    put_words(text);
    for (const struct fa_alarm *a = text->engine->alarms.first; a != NULL; a = a->after) {
        bool is_open = a->state == FA_ALARM_UNACKED || a->state == FA_ALARM_RETURNED;
        if (is_open && (a->flags & FA_FLAG_OVERDUE) != 0 && may_list(text, a)) {
            put_overdue(text, a);
        }
    }
    end_part(text);
}

/* ---- people ---- */

static void put_unreached_one(struct text *text, fa_person person)
{
    const struct fa_tally *tally = tally_of(text, person);
    uint32_t failed = sum(text, tally, FA_TALLY_FAILED);
    bool is_reached = tally != NULL && tally->last >= text->from * FA_HOUR;
    bool is_untried = tally == NULL || tally->last == 0; /* whatever else of them was counted */
    if (failed > 0 && !is_reached && begin_line(text)) {
        fa_buf_printf(text->out, "%s: %u %s, none arrived\n", display_of(text, person), failed,
                      failed == 1 ? "message failed" : "messages failed");
    } else if (is_untried && begin_line(text)) {
        fa_buf_printf(text->out, "%s: nothing has reached them yet (firealarm channel test %s)\n",
                      display_of(text, person), text->dir->people[person].name);
    }
}

static void put_unreached(struct text *text)
{
    const struct fa_setup *setup = text->engine->setup;
    const struct fa_ask ask = {.at = text->now};
    struct fa_pset people;
    fa_pset_init(&people, text->dir);
    for (size_t i = 0; i < setup->policy_count; i++) {
        fa_policy_people(&setup->policies[i], text->dir, &ask, &people);
    }
    begin_part(text, "People never reached");
    for (fa_person p = fa_pset_next(&people, 0); p != FA_NOBODY; p = fa_pset_next(&people, p + 1)) {
        put_unreached_one(text, p);
    }
    end_part(text);
    fa_pset_done(&people);
}

/* Who runs the daemon sees whose rules are too loud. */
static void put_over_budget(struct text *text)
{
    begin_part(text, "Over their budget of messages");
    for (fa_person p = 0; text->dir->people[text->reader].operator_ && p < text->dir->people_count;
         p++) {
        uint32_t got = sum(text, tally_of(text, p), FA_TALLY_GOT), budget = budget_of(text, p);
        if (p != text->reader && budget > 0 && got > budget && begin_line(text)) {
            fa_buf_printf(text->out, "%s: %u of %u\n", display_of(text, p), got, budget);
        }
    }
    end_part(text);
}

static void put_own(struct text *text)
{
    uint32_t got = sum(text, tally_of(text, text->reader), FA_TALLY_GOT);
    uint32_t budget = budget_of(text, text->reader);
    begin_paragraph(text);
    fa_buf_printf(text->out, "Messages to you this week: %u", got);
    if (budget > 0) {
        fa_buf_printf(text->out, got > budget ? ", over your budget of %u" : " of %u", budget);
        text->matters += got > budget;
    }
    fa_buf_puts(text->out, "\n");
}

/* ---- rules ---- */

static const char *times(uint32_t count)
{
    return count == 1 ? "time" : "times";
}

static void put_near(struct text *text, const char *rule, const struct fa_tally *tally)
{
    uint32_t near = sum(text, tally, FA_TALLY_NEAR), brief = sum(text, tally, FA_TALLY_BRIEF);
    uint32_t peak = fa_tally_peak(tally, text->from, text->until);
    if (near + brief + peak == 0 || !begin_line(text)) {
        return;
    }
    fa_buf_printf(text->out, "%s: ", rule);
    if (peak > 0) { /* it may have come near the week before, and stayed there */
        fa_buf_printf(text->out, "%u %s within a tenth of its threshold, at worst %u %% of it%s",
                      near > 0 ? near : 1, times(near > 0 ? near : 1), peak / 10,
                      brief > 0 ? "; " : "");
    }
    if (brief > 0) {
        fa_buf_printf(text->out, "began %u %s and did not last", brief, times(brief));
    }
    fa_buf_puts(text->out, "\n");
}

/* For longer than ever before, and not for a moment only. */
static void put_stopped(struct text *text, const char *rule, const struct fa_tally *tally)
{
    char length[40];
    fa_time silence = text->now - tally->fed, usual = tally->gap + tally->gap / 10;
    if (tally->fed == 0 || silence < FA_HOUR || silence <= usual || !begin_line(text)) {
        return;
    }
    fa_buf_printf(text->out, "%s: no data for %s, since ", rule,
                  fa_reader_duration(silence, length));
    put_time(text, tally->fed);
    if (tally->gap >= FA_MINUTE) {
        fa_buf_printf(text->out, "; before that never longer than %s",
                      fa_reader_duration(tally->gap, length));
    }
    fa_buf_puts(text->out, "\n");
}

static void put_silent(struct text *text, const char *rule, const struct fa_tally *tally)
{
    if (tally->last == 0 && begin_line(text)) {
        fa_buf_printf(text->out, "%s: known since ", rule);
        put_time(text, tally->since);
        fa_buf_puts(text->out, "\n");
    }
}

static void put_rules(struct text *text, const char *title,
                      void (*put)(struct text *text, const char *rule,
                                  const struct fa_tally *tally))
{
    const struct fa_setup *setup = text->engine->setup;
    begin_part(text, title);
    for (size_t i = 0; i < setup->rule_count; i++) {
        const struct fa_rule *rule = setup->rules[i];
        const struct fa_tally *tally = fa_tally_find(text->engine, FA_TALLY_RULE, rule->name);
        if (tally != NULL && !rule->is_incident &&
            fa_engine_may_rule(text->engine, text->reader, FA_VERB_LIST, rule, text->now)) {
            put(text, rule->name, tally);
        }
    }
    end_part(text);
}

size_t fa_weekly_compose(const struct fa_engine *engine, fa_person reader, fa_time until,
                         fa_time now, struct fa_buf *out)
{
    const struct fa_directory *dir = engine->setup->people;
    struct text text = {.engine = engine,
                        .dir = dir,
                        .reader = reader,
                        .zone = fa_directory_zone_of(dir, dir->people[reader].name),
                        .from = (until - FA_WEEK) / FA_HOUR,
                        .until = until / FA_HOUR,
                        .now = now,
                        .out = out};
    put_promises(&text);
    put_rules(&text, "Near misses", put_near);
    put_rules(&text, "Feeds that stopped", put_stopped);
    put_unreached(&text);
    put_over_budget(&text);
    put_rules(&text, "Rules that never fired", put_silent);
    if (text.matters == 0) {
        begin_paragraph(&text);
        fa_buf_puts(out, "All quiet: nothing came near, nothing stopped, everybody was reached.\n");
    }
    put_own(&text);
    return text.matters;
}
