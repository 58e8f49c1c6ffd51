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
    struct fa_reader as;
    int64_t from, until; /* hours */
    fa_time now;
    struct fa_buf *out;
    enum fa_phrase title; /* of the part under way */
    size_t lines;         /* of it */
    bool began;           /* something was said */
    size_t matters;       /* lines of all parts */
};

static void begin_paragraph(struct text *text)
{
    fa_buf_puts(text->out, text->began ? "\n" : "");
    text->began = true;
}

static void put(struct text *text, enum fa_phrase phrase, const char *const *values)
{
    fa_phrase_put(text->out, text->as.language, phrase, values);
}

/* The whole of a line that was begun. */
static void put_line(struct text *text, enum fa_phrase phrase, const char *const *values)
{
    put(text, phrase, values);
    fa_buf_puts(text->out, "\n");
}

static const char *number(uint32_t count, char buf[16])
{
    snprintf(buf, 16, "%u", count);
    return buf;
}

static void begin_part(struct text *text, enum fa_phrase title)
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
        put_line(text, text->title, NULL);
    }
    fa_buf_puts(text->out, "- ");
    return true;
}

static void end_part(struct text *text)
{
    if (text->lines > LINES_MAX) {
        char count[16];
        fa_buf_puts(text->out, "- ");
        put_line(text, FA_PHRASE_AND_MORE,
                 FA_VALUES(number((uint32_t)(text->lines - LINES_MAX), count)));
    }
}

static const char *time_of(const struct text *text, fa_time wall, char buf[FA_READER_TIME_SIZE])
{
    return fa_describe_time(text->as, wall, 0, buf);
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
    struct fa_buf title;
    char since[FA_READER_TIME_SIZE];
    if (!begin_line(text)) {
        return;
    }
    fa_buf_init(&title, 4096);
    fa_describe_init(&describe, text->engine, alarm, alarm->value, text->as);
    fa_describe_title(&describe, alarm, text->now, &title);
    fa_describe_done(&describe);
    put_line(text, FA_PHRASE_PROMISE_PAST_DUE,
             FA_VALUES(fa_buf_text(&title), time_of(text, alarm->raised, since)));
    fa_buf_done(&title);
}

static void put_words(struct text *text)
{
    const struct fa_tally *own = tally_of(text, text->reader);
    uint32_t kept = sum(text, own, FA_TALLY_KEPT_WORD);
    uint32_t missed = sum(text, own, FA_TALLY_MISSED_WORD);
    char counts[2][16];
    if (kept + missed > 0 && begin_line(text)) {
        put_line(text, FA_PHRASE_PROMISES_OWN,
                 FA_VALUES(number(kept, counts[0]), number(missed, counts[1])));
        text->matters -= missed == 0;
    }
}

static void put_promises(struct text *text)
{
    begin_part(text, FA_PHRASE_PROMISES);
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
    char count[16], command[120];
    if (failed > 0 && !is_reached && begin_line(text)) {
        put_line(text, failed == 1 ? FA_PHRASE_FAILED_ONE : FA_PHRASE_FAILED_MANY,
                 FA_VALUES(display_of(text, person), number(failed, count)));
    } else if (is_untried && begin_line(text)) {
        snprintf(command, sizeof command, "firealarm channel test %s",
                 text->dir->people[person].name);
        put_line(text, FA_PHRASE_UNTRIED, FA_VALUES(display_of(text, person), command));
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
    begin_part(text, FA_PHRASE_NEVER_REACHED);
    for (fa_person p = fa_pset_next(&people, 0); p != FA_NOBODY; p = fa_pset_next(&people, p + 1)) {
        put_unreached_one(text, p);
    }
    end_part(text);
    fa_pset_done(&people);
}

/* Who runs the daemon sees whose rules are too loud. */
static void put_over_budget(struct text *text)
{
    begin_part(text, FA_PHRASE_OVER_BUDGET);
    for (fa_person p = 0; text->dir->people[text->reader].operator_ && p < text->dir->people_count;
         p++) {
        uint32_t got = sum(text, tally_of(text, p), FA_TALLY_GOT), budget = budget_of(text, p);
        if (p != text->reader && budget > 0 && got > budget && begin_line(text)) {
            char counts[2][16];
            put_line(
                text, FA_PHRASE_OVER_BUDGET_LINE,
                FA_VALUES(display_of(text, p), number(got, counts[0]), number(budget, counts[1])));
        }
    }
    end_part(text);
}

static void put_own(struct text *text)
{
    uint32_t got = sum(text, tally_of(text, text->reader), FA_TALLY_GOT);
    uint32_t budget = budget_of(text, text->reader);
    char counts[2][16];
    begin_paragraph(text);
    number(got, counts[0]);
    if (budget > 0) {
        put_line(text, got > budget ? FA_PHRASE_GOT_OVER : FA_PHRASE_GOT_OF,
                 FA_VALUES(counts[0], number(budget, counts[1])));
        text->matters += got > budget;
    } else {
        put_line(text, FA_PHRASE_GOT, FA_VALUES(counts[0]));
    }
}

/* ---- rules ---- */

static void put_near(struct text *text, const char *rule, const struct fa_tally *tally)
{
    uint32_t near = sum(text, tally, FA_TALLY_NEAR), brief = sum(text, tally, FA_TALLY_BRIEF);
    uint32_t peak = fa_tally_peak(tally, text->from, text->until);
    char count[16], percent[16];
    if (near + brief + peak == 0 || !begin_line(text)) {
        return;
    }
    fa_buf_printf(text->out, "%s: ", rule);
    if (peak > 0) { /* it may have come near the week before, and stayed there */
        put(text, near > 1 ? FA_PHRASE_NEAR_MANY : FA_PHRASE_NEAR_ONE,
            FA_VALUES(number(near > 0 ? near : 1, count), number(peak / 10, percent)));
        fa_buf_puts(text->out, brief > 0 ? "; " : "");
    }
    if (brief > 0) {
        put(text, brief == 1 ? FA_PHRASE_BRIEF_ONE : FA_PHRASE_BRIEF_MANY,
            FA_VALUES(number(brief, count)));
    }
    fa_buf_puts(text->out, "\n");
}

/* For longer than ever before, and not for a moment only. */
static void put_stopped(struct text *text, const char *rule, const struct fa_tally *tally)
{
    char length[40], since[FA_READER_TIME_SIZE];
    fa_time silence = text->now - tally->fed, usual = tally->gap + tally->gap / 10;
    if (tally->fed == 0 || silence < FA_HOUR || silence <= usual || !begin_line(text)) {
        return;
    }
    fa_reader_duration(text->as.language, silence, length);
    time_of(text, tally->fed, since);
    if (tally->gap >= FA_MINUTE) {
        char gap[40];
        fa_reader_duration(text->as.language, tally->gap, gap);
        put_line(text, FA_PHRASE_NO_DATA_UNUSUAL, FA_VALUES(rule, length, since, gap));
    } else {
        put_line(text, FA_PHRASE_NO_DATA, FA_VALUES(rule, length, since));
    }
}

static void put_silent(struct text *text, const char *rule, const struct fa_tally *tally)
{
    char since[FA_READER_TIME_SIZE];
    if (tally->last == 0 && begin_line(text)) {
        put_line(text, FA_PHRASE_NEVER_FIRED_LINE,
                 FA_VALUES(rule, time_of(text, tally->since, since)));
    }
}

static void put_rules(struct text *text, enum fa_phrase title,
                      void (*put_one)(struct text *text, const char *rule,
                                      const struct fa_tally *tally))
{
    const struct fa_setup *setup = text->engine->setup;
    begin_part(text, title);
    for (size_t i = 0; i < setup->rule_count; i++) {
        const struct fa_rule *rule = setup->rules[i];
        const struct fa_tally *tally = fa_tally_find(text->engine, FA_TALLY_RULE, rule->name);
        if (tally != NULL && !rule->is_incident &&
            fa_engine_may_rule(text->engine, text->reader, FA_VERB_LIST, rule, text->now)) {
            put_one(text, rule->name, tally);
        }
    }
    end_part(text);
}

size_t fa_weekly_compose(const struct fa_engine *engine, const struct fa_weekly_ask *ask,
                         struct fa_buf *out)
{
    struct text text = {.engine = engine,
                        .dir = engine->setup->people,
                        .reader = ask->reader,
                        .as = ask->as,
                        .from = (ask->until - FA_WEEK) / FA_HOUR,
                        .until = ask->until / FA_HOUR,
                        .now = ask->now,
                        .out = out};
    put_promises(&text);
    put_rules(&text, FA_PHRASE_NEAR_MISSES, put_near);
    put_rules(&text, FA_PHRASE_FEEDS_STOPPED, put_stopped);
    put_unreached(&text);
    put_over_budget(&text);
    put_rules(&text, FA_PHRASE_NEVER_FIRED, put_silent);
    if (text.matters == 0) {
        begin_paragraph(&text);
        put_line(&text, FA_PHRASE_ALL_QUIET, NULL);
    }
    put_own(&text);
    return text.matters;
}
