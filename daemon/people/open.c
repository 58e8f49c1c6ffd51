/* SPDX-License-Identifier: MIT */
/* Open time of a calendar, for steps that are told in working hours and people's quiet hours.
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

fa_time fa_calendar_after(const struct fa_calendar_entry *calendar, fa_time from, fa_time length)
{
    if (calendar == NULL || from >= calendar->known_until) {
        return from + length;
    }
    fa_time at = fa_spans_after(&calendar->open, from, length);
    if (at != FA_NEVER && at <= calendar->known_until) {
        return at;
    }
    fa_time end = calendar->known_until != FA_NEVER ? calendar->known_until : from;
    return end + length - fa_spans_length(&calendar->open, from, end);
}

fa_time fa_calendar_between(const struct fa_calendar_entry *calendar, fa_time from, fa_time until)
{
    if (calendar == NULL || from >= calendar->known_until) {
        return until - from;
    }
    fa_time end = until < calendar->known_until ? until : calendar->known_until;
    return fa_spans_length(&calendar->open, from, end) + until - end;
}
