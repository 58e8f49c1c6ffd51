/* SPDX-License-Identifier: MIT */
/* Stretches of time as sorted lists: looked up by halving, changed only while they are built. */
#include "people/span.h"
#include "base/panic.h"

#include <stdlib.h>
#include <string.h>

void fa_spans_done(struct fa_spans *spans)
{
    free(spans->list);
    *spans = (struct fa_spans){0};
}

/* The first span that ends after `at`; count when there is none. */
static size_t first_ending_after(const struct fa_spans *spans, fa_time at)
{
    size_t low = 0, high = spans->count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (spans->list[mid].until > at) {
            high = mid;
        } else {
            low = mid + 1;
        }
    }
    return low;
}

/* Puts `put_count` spans in the place of those from `at` to before `end`. */
static void splice(struct fa_spans *spans, size_t at, size_t end, const struct fa_span *put,
                   size_t put_count)
{
    size_t count = spans->count - (end - at) + put_count;
    if (count > spans->cap) {
        spans->cap = count < 8 ? 8 : 2 * count;
        spans->list = fa_xrealloc(spans->list, spans->cap * sizeof *spans->list);
    }
    if (spans->count > end) {
        memmove(&spans->list[at + put_count], &spans->list[end],
                (spans->count - end) * sizeof *spans->list);
    }
    if (put_count > 0) {
        memcpy(&spans->list[at], put, put_count * sizeof *put);
    }
    spans->count = count;
}

void fa_spans_add(struct fa_spans *spans, struct fa_span span)
{
    if (span.from >= span.until) {
        return;
    }
    size_t at = first_ending_after(spans, span.from);
    if (at > 0 && spans->list[at - 1].until == span.from) {
        at--;
    }
    size_t end = at;
    for (; end < spans->count && spans->list[end].from <= span.until; end++) {
        span.from = spans->list[end].from < span.from ? spans->list[end].from : span.from;
        span.until = spans->list[end].until > span.until ? spans->list[end].until : span.until;
    }
    splice(spans, at, end, &span, 1);
}

void fa_spans_remove(struct fa_spans *spans, struct fa_span span)
{
    struct fa_span left[2];
    size_t left_count = 0;
    if (span.from >= span.until) {
        return;
    }
    size_t at = first_ending_after(spans, span.from), end = at;
    for (; end < spans->count && spans->list[end].from < span.until; end++) {
        if (spans->list[end].from < span.from) {
            left[left_count++] = (struct fa_span){spans->list[end].from, span.from};
        }
        if (spans->list[end].until > span.until) {
            left[left_count++] = (struct fa_span){span.until, spans->list[end].until};
        }
    }
    if (end > at) {
        splice(spans, at, end, left, left_count);
    }
}

bool fa_spans_has(const struct fa_spans *spans, fa_time at)
{
    size_t i = first_ending_after(spans, at);
    return i < spans->count && spans->list[i].from <= at;
}

fa_time fa_spans_change(const struct fa_spans *spans, fa_time at)
{
    size_t i = first_ending_after(spans, at);
    if (i == spans->count) {
        return FA_NEVER;
    }
    return spans->list[i].from > at ? spans->list[i].from : spans->list[i].until;
}

fa_time fa_spans_inside(const struct fa_spans *spans, fa_time at)
{
    size_t i = first_ending_after(spans, at);
    if (i == spans->count) {
        return FA_NEVER;
    }
    return spans->list[i].from > at ? spans->list[i].from : at;
}

fa_time fa_spans_after(const struct fa_spans *spans, fa_time from, fa_time length)
{
    for (size_t i = first_ending_after(spans, from); i < spans->count; i++) {
        fa_time begin = spans->list[i].from > from ? spans->list[i].from : from;
        if (spans->list[i].until - begin >= length) {
            return begin + length;
        }
        length -= spans->list[i].until - begin;
    }
    return FA_NEVER;
}

fa_time fa_spans_length(const struct fa_spans *spans, fa_time from, fa_time until)
{
    fa_time length = 0;
    for (size_t i = first_ending_after(spans, from);
         i < spans->count && spans->list[i].from < until; i++) {
        fa_time begin = spans->list[i].from > from ? spans->list[i].from : from;
        fa_time end = spans->list[i].until < until ? spans->list[i].until : until;
        length += end - begin;
    }
    return length;
}

/* The shift in force at a moment. */
static size_t shift_at(const struct fa_zone *zone, fa_time wall)
{
    size_t low = 0, high = zone->count - 1; /* the last that began, the first at least */
    while (low < high) {
        size_t mid = low + (high - low + 1) / 2;
        if (zone->shifts[mid].from <= wall) {
            low = mid;
        } else {
            high = mid - 1;
        }
    }
    return low;
}

const struct fa_zone_shift *fa_zone_at(const struct fa_zone *zone, fa_time wall)
{
    return &zone->shifts[shift_at(zone, wall)];
}

fa_time fa_zone_local(const struct fa_zone *zone, fa_time wall)
{
    return wall + fa_zone_at(zone, wall)->offset_s * FA_SECOND;
}

fa_time fa_zone_instant(const struct fa_zone *zone, fa_time local, bool last)
{
    /* No clock is further from UTC, so no other shift can be in force when it shows `local`. */
    size_t i = shift_at(zone, local - 26 * FA_HOUR), end = shift_at(zone, local + 26 * FA_HOUR);
    fa_time found = FA_NEVER;
    for (; i <= end; i++) {
        fa_time wall = local - zone->shifts[i].offset_s * FA_SECOND;
        bool is_over = i + 1 < zone->count && wall >= zone->shifts[i + 1].from;
        if (is_over) {
            continue;
        }
        bool is_before = i > 0 && wall < zone->shifts[i].from;
        if (!is_before && (last || found == FA_NEVER)) {
            found = wall;
        } else if (is_before && found == FA_NEVER) {
            found = zone->shifts[i].from; /* over in the shift before and not yet begun in this */
        }
    }
    return found;
}
