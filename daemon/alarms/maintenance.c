/* SPDX-License-Identifier: MIT */
/* When a maintenance window is open: from a calendar, or from slots of the week in a zone. Looks at
 * one moment at a time; who asks again at `change` misses nothing, as an answer that is asked for
 * too early is only the same answer. */
#include "alarms/silence.h"
#include "base/buf.h"
#include "base/panic.h"

#include <stdlib.h>
#include <string.h>

/* 1970-01-01 was a Thursday. */
#define MONDAY_MINUTES (3 * 24 * 60)

void fa_maintenance_done(struct fa_maintenance *window)
{
    free(window->name);
    free(window->reason);
    free(window->owner);
    free(window->calendar);
    free(window->zone);
    free(window->weekly);
    fa_matchers_done(&window->where);
    *window = (struct fa_maintenance){0};
}

/* ---- reading ---- */

static bool read_day(struct fa_str text, uint32_t *ret_day)
{
    static const char *const days[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
    for (uint32_t i = 0; i < 7; i++) {
        if (fa_str_is(text, days[i])) {
            *ret_day = i;
            return true;
        }
    }
    return false;
}

static bool read_days(struct fa_str text, uint32_t *ret_from, uint32_t *ret_until)
{
    struct fa_str rest, first = fa_str_cut(text, '-', &rest);
    if (fa_str_is(text, "daily")) {
        *ret_from = 0;
        *ret_until = 6;
        return true;
    }
    return read_day(first, ret_from) && read_day(rest.ptr != NULL ? rest : first, ret_until);
}

/* "02:00", up to "24:00". */
static bool read_minutes(struct fa_str text, uint32_t *ret_minutes)
{
    struct fa_str rest, hours = fa_str_cut(text, ':', &rest);
    uint64_t hour, minute;
    bool good = hours.len == 2 && rest.len == 2 && fa_parse_u64(hours, &hour) == 0 &&
                fa_parse_u64(rest, &minute) == 0 && minute < 60 &&
                (hour < 24 || (hour == 24 && minute == 0));
    *ret_minutes = good ? (uint32_t)(hour * 60 + minute) : 0;
    return good;
}

static void add_slot(struct fa_maintenance *window, uint32_t day, uint32_t from, uint32_t until)
{
    uint32_t begin = day * 24 * 60 + from, end = day * 24 * 60 + until;
    end += until <= from ? 24 * 60 : 0;
    window->weekly =
        fa_xrealloc(window->weekly, (window->weekly_count + 1) * sizeof *window->weekly);
    window->weekly[window->weekly_count++] = (struct fa_week_slot){begin, end % FA_MINUTES_OF_WEEK};
}

int fa_maintenance_add_weekly(struct fa_maintenance *window, struct fa_str text, struct fa_err *err)
{
    uint32_t day, last, from, until;
    struct fa_str hours, end, days = fa_str_cut(fa_str_trim(text), ' ', &hours);
    struct fa_str begin = fa_str_cut(fa_str_trim(hours), '-', &end);
    if (!read_days(days, &day, &last) || !read_minutes(begin, &from) ||
        !read_minutes(end, &until) || from == 24 * 60 || from == until) {
        return fa_err_set(err, FA_EPARSE,
                          "'%.*s' is no time of the week: write \"sun 02:00-04:00\", "
                          "\"mon-fri 22:00-02:00\" or \"daily 03:00-03:30\"",
                          (int)(text.len < 80 ? text.len : 80), text.ptr);
    }
    for (bool more = true; more; day = (day + 1) % 7) {
        if (window->weekly_count >= FA_MAINTENANCE_SLOTS) {
            return fa_err_set(err, FA_EFULL, "more than %d days: make it two windows",
                              FA_MAINTENANCE_SLOTS);
        }
        add_slot(window, day, from, until);
        more = day != last;
    }
    return 0;
}

/* ---- asking ---- */

static bool calendar_has(const struct fa_calendar_entry *calendar, fa_time at, fa_time *ret_change)
{
    if (calendar == NULL || at >= calendar->known_until) {
        *ret_change = FA_NEVER;
        return false; /* what nobody knows hides nothing */
    }
    fa_time change = fa_spans_change(&calendar->open, at);
    *ret_change = change < calendar->known_until ? change : calendar->known_until;
    return fa_spans_has(&calendar->open, at);
}

/* The next moment at which the zone's clocks are shifted. */
static fa_time next_shift(const struct fa_zone *zone, fa_time at)
{
    for (size_t i = 0; zone != NULL && i < zone->count; i++) {
        if (zone->shifts[i].from > at) {
            return zone->shifts[i].from;
        }
    }
    return FA_NEVER;
}

/* Minutes from `minute` to the next `until` of the week, at least one. */
static fa_time minutes_to(uint32_t minute, uint32_t until)
{
    uint32_t way = (until + FA_MINUTES_OF_WEEK - minute) % FA_MINUTES_OF_WEEK;
    return way > 0 ? way : FA_MINUTES_OF_WEEK;
}

static bool weekly_has(const struct fa_maintenance *window, const struct fa_zone *zone, fa_time at,
                       fa_time *ret_change)
{
    fa_time offset = zone != NULL ? fa_zone_at(zone, at)->offset_s * FA_SECOND : 0;
    fa_time local = at + offset, first = FA_MINUTES_OF_WEEK, shift = next_shift(zone, at);
    uint32_t minute = (uint32_t)((local / FA_MINUTE + MONDAY_MINUTES) % FA_MINUTES_OF_WEEK);
    bool inside = false;
    for (size_t i = 0; i < window->weekly_count; i++) {
        const struct fa_week_slot *slot = &window->weekly[i];
        bool whole = slot->from <= slot->until;
        bool after = minute >= slot->from, before = minute < slot->until;
        inside = inside || (whole ? after && before : after || before);
        fa_time begins = minutes_to(minute, slot->from), ends = minutes_to(minute, slot->until);
        first = begins < first ? begins : first;
        first = ends < first ? ends : first;
    }
    fa_time change = at - local % FA_MINUTE + first * FA_MINUTE;
    *ret_change = change < shift ? change : shift;
    return inside;
}

bool fa_maintenance_has(const struct fa_maintenance *window, const struct fa_directory *dir,
                        fa_time at, fa_time *ret_change)
{
    if (window->calendar != NULL) {
        return calendar_has(fa_directory_calendar(dir, window->calendar), at, ret_change);
    }
    const struct fa_zone *zone = window->zone != NULL ? fa_directory_zone(dir, window->zone) : NULL;
    return weekly_has(window, zone, at, ret_change);
}
