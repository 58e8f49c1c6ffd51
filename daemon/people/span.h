/* SPDX-License-Identifier: MIT */
/* Stretches of time: working hours, leave, holidays, turns of duty. config/ turns calendars into
 * them for some 400 days; here they are only looked at. */
#ifndef FA_PEOPLE_SPAN_H
#define FA_PEOPLE_SPAN_H

#include "base/time.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Wall time, half-open: from <= t < until. */
struct fa_span {
    fa_time from, until;
};

/* Sorted, none empty, none touching another. {0} is never. */
struct fa_spans {
    struct fa_span *list; /* owned */
    size_t count, cap;
};

void fa_spans_done(struct fa_spans *spans);
/* In any order; what touches or overlaps becomes one. An empty span adds nothing. */
void fa_spans_add(struct fa_spans *spans, struct fa_span span);
void fa_spans_remove(struct fa_spans *spans, struct fa_span span);
bool fa_spans_has(const struct fa_spans *spans, fa_time at);
/* The first moment after `at` at which fa_spans_has() changes; FA_NEVER. */
fa_time fa_spans_change(const struct fa_spans *spans, fa_time at);
/* The first moment at or after `at` that is inside; FA_NEVER. */
fa_time fa_spans_inside(const struct fa_spans *spans, fa_time at);
/* When `length` of the time inside has passed since `from`; FA_NEVER when there is not so much. */
fa_time fa_spans_after(const struct fa_spans *spans, fa_time from, fa_time length);
/* How much of from..until is inside. */
fa_time fa_spans_length(const struct fa_spans *spans, fa_time from, fa_time until);

/* A time zone as its shifts in the time that is looked at: from then on clocks show UTC + offset.
 */
struct fa_zone_shift {
    fa_time from; /* wall */
    int32_t offset_s;
    char abbr[8]; /* "CET" */
};

struct fa_zone {
    char *name; /* "Europe/Berlin" */
    struct fa_zone_shift *shifts;
    size_t count; /* at least one; the first holds before its `from` too */
};

const struct fa_zone_shift *fa_zone_at(const struct fa_zone *zone, fa_time wall);

/* What clocks in the zone show is written as if it were UTC ("local"). */
fa_time fa_zone_local(const struct fa_zone *zone, fa_time wall);
/* The moment at which they show `local`. One that they leap over is the leap's; one that they show
 * twice is the first time, or with `last` the second: a stretch that begins with the first and ends
 * with the second leaves no hole. */
fa_time fa_zone_instant(const struct fa_zone *zone, fa_time local, bool last);

#endif
