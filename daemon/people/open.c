/* SPDX-License-Identifier: MIT */
/* Open time of a calendar, for steps that are told in working hours, people's quiet hours and what
 * is counted in business hours or days.
 *
 * A business day is a day on which the calendar is open, and half of its open time is half a day.
 * So a length begun at four o'clock is over at four o'clock where the days are alike, one begun
 * while it is closed begins with the opening, and none ends while it is closed.
 *
 * Invariant: every answer is a moment, never FA_NEVER: where the calendar ends, or is missing, time
 * is open. Too early is better than never. */
#include "people/directory.h"

fa_time fa_calendar_opens(const struct fa_calendar_entry *calendar, fa_time at)
{
    if (calendar == NULL || at >= calendar->known_until) {
        return at;
    }
    fa_time inside = fa_spans_inside(&calendar->open, at);
    fa_time opens = inside < calendar->known_until ? inside : calendar->known_until;
    return opens != FA_NEVER ? opens : at;
}

/* ---- days ---- */

struct day {
    fa_time from, until; /* from its opening to the next day's */
    fa_time open;        /* of it */
};

static struct day day_of(const struct fa_calendar_entry *calendar, size_t i)
{
    fa_time end = i + 1 < calendar->day_count ? calendar->days[i + 1] : calendar->known_until;
    return (struct day){calendar->days[i], end,
                        fa_spans_length(&calendar->open, calendar->days[i], end)};
}

/* The day that goes on at that time, or the first. */
static size_t first_day(const struct fa_calendar_entry *calendar, fa_time at)
{
    size_t low = 0, high = calendar->day_count; /* the first that begins later */
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (calendar->days[mid] > at) {
            high = mid;
        } else {
            low = mid + 1;
        }
    }
    return low > 0 ? low - 1 : 0;
}

/* To the nearest millisecond: what is there and back is the same moment. */
static fa_time part_of(fa_time whole, fa_time part, fa_time of)
{
    return of > 0 ? (part * whole + of / 2) / of : 0;
}

/* How much of from..until is in days, of which the last may be begun. */
static fa_time days_between(const struct fa_calendar_entry *calendar, fa_time from, fa_time until)
{
    fa_time length = 0;
    for (size_t i = first_day(calendar, from); i < calendar->day_count && calendar->days[i] < until;
         i++) {
        const struct day day = day_of(calendar, i);
        fa_time begin = day.from > from ? day.from : from;
        fa_time end = day.until < until ? day.until : until;
        length += part_of(FA_DAY, fa_spans_length(&calendar->open, begin, end), day.open);
    }
    return length;
}

/* FA_NEVER: there are not so many. */
static fa_time days_after(const struct fa_calendar_entry *calendar, fa_time from, fa_time length)
{
    for (size_t i = first_day(calendar, from); i < calendar->day_count; i++) {
        const struct day day = day_of(calendar, i);
        fa_time begin = day.from > from ? day.from : from;
        fa_time open = fa_spans_length(&calendar->open, begin, day.until);
        fa_time rest = part_of(FA_DAY, open, day.open);
        if (open > 0 && rest >= length) {
            fa_time need = part_of(day.open, length, FA_DAY);
            return fa_spans_after(&calendar->open, begin, need < open ? need : open);
        }
        length -= rest;
    }
    return FA_NEVER;
}

/* ---- any measure ---- */

static fa_time known_between(const struct fa_calendar_entry *calendar, enum fa_measure measure,
                             fa_time from, fa_time until)
{
    return measure == FA_MEASURE_DAYS ? days_between(calendar, from, until)
                                      : fa_spans_length(&calendar->open, from, until);
}

fa_time fa_calendar_after(const struct fa_calendar_entry *calendar, enum fa_measure measure,
                          fa_time from, fa_time length)
{
    if (measure == FA_MEASURE_CLOCK || calendar == NULL || from >= calendar->known_until) {
        return from + length;
    }
    fa_time at = measure == FA_MEASURE_DAYS ? days_after(calendar, from, length)
                                            : fa_spans_after(&calendar->open, from, length);
    if (at != FA_NEVER && at <= calendar->known_until) {
        return at;
    }
    fa_time end = calendar->known_until != FA_NEVER ? calendar->known_until : from;
    return end + length - known_between(calendar, measure, from, end);
}

fa_time fa_calendar_between(const struct fa_calendar_entry *calendar, enum fa_measure measure,
                            fa_time from, fa_time until)
{
    if (measure == FA_MEASURE_CLOCK || calendar == NULL || from >= calendar->known_until) {
        return until - from;
    }
    fa_time end = until < calendar->known_until ? until : calendar->known_until;
    return known_between(calendar, measure, from, end) + until - end;
}
