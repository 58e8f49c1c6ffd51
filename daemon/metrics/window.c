/* SPDX-License-Identifier: MIT */
/* Windows of slots: where a sample goes, and what is read of all slots.
 *
 * Invariants:
 *  1. The open slot is later than all that are kept; it has samples while open_end says so.
 *  2. A calm window has a single sample in its newest slot, or none at all.
 *  3. Nothing is ever subtracted: what is read is added up from slots, and from sums of whole
 *     chunks of them.
 *
 * Increase within a slot and between two slots is kept apart: a late sample then changes only its
 * own slot, whose neighbours' differences are taken when the window is read.
 *
 * Not done here: what a sample means (metrics.c), and how slots are kept (raw.c, ring.c). */
#include "metrics/window.h"
#include "base/panic.h"
#include "metrics/keep.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS_OF_A_WINDOW 1000
#define SKETCH_WIDTH      (10 * FA_SECOND)
#define NONE_OPEN         INT64_MIN

fa_time fa_window_width(fa_time over, bool sketch)
{
    fa_time width = over / SLOTS_OF_A_WINDOW;
    if (sketch) {
        return width > SKETCH_WIDTH ? width : SKETCH_WIDTH;
    }
    return over > FA_RAW_MAX ? width : FA_PACK_WIDTH;
}

void fa_windows_init(struct fa_windows *all)
{
    fa_pool_init(&all->calm, sizeof(struct fa_window));
    fa_pool_init(&all->busy, sizeof(struct fa_window) + sizeof(struct fa_slot));
    fa_pool_init(&all->small, FA_CHUNK_SMALL);
    fa_pool_init(&all->large, FA_CHUNK_LARGE);
}

void fa_windows_done(struct fa_windows *all)
{
    fa_pool_done(&all->calm);
    fa_pool_done(&all->busy);
    fa_pool_done(&all->small);
    fa_pool_done(&all->large);
}

static void set_span(struct fa_window *window, fa_time span)
{
    window->span_ms = span < UINT32_MAX ? (uint32_t)span : UINT32_MAX;
    if (!window->is_raw) {
        window->u.ring.span = span;
    }
}

fa_time fa_window_span(const struct fa_window *window)
{
    return window->is_raw ? window->span_ms : window->u.ring.span;
}

static fa_time width_of(const struct fa_window *window)
{
    return window->is_raw ? FA_PACK_WIDTH : window->u.ring.width;
}

struct fa_window *fa_window_new(struct fa_windows *all, enum fa_fold fold, fa_time span,
                                uint8_t reads, bool sketch)
{
    bool is_raw = span <= FA_RAW_MAX && !sketch;
    struct fa_pool *pool = is_raw ? &all->calm : &all->busy;
    uint32_t place = fa_pool_take(pool);
    struct fa_window *window = fa_pool_at(pool, place);
    bool all_fields = sketch || reads == 0;
    *window = (struct fa_window){.open_end = NONE_OPEN,
                                 .since = FA_NEVER,
                                 .place = place,
                                 .last_chunk = FA_POOL_NONE,
                                 .reads = all_fields ? FA_READS_ALL : reads | FA_READS_LAST,
                                 .fold = (unsigned)fold & 3u,
                                 .is_raw = is_raw,
                                 .sketch = sketch,
                                 .is_busy = !is_raw};
    if (is_raw) {
        window->changes = 0;
        window->u.raw.first = FA_POOL_NONE;
    } else {
        window->u.ring.slots = NULL;
        window->u.ring.head = window->u.ring.count = 0;
        window->u.ring.width = (uint32_t)fa_window_width(span, sketch);
    }
    set_span(window, span);
    return window;
}

static void give(struct fa_windows *all, struct fa_window *window)
{
    fa_pool_give(window->is_busy ? &all->busy : &all->calm, window->place);
}

void fa_window_free(struct fa_windows *all, struct fa_window *window)
{
    if (window->is_raw) {
        fa_raw_free(all, window);
    } else {
        fa_ring_free(window);
    }
    give(all, window);
}

void fa_slots_begin(struct fa_slots *slots, const struct fa_windows *all,
                    const struct fa_window *window, fa_time from)
{
    *slots = (struct fa_slots){.all = all, .window = window, .whole = INT64_MIN};
    slots->is_open = window->open_end == NONE_OPEN;
    if (window->is_raw) {
        fa_raw_begin(slots, from);
    } else {
        fa_ring_begin(slots, from);
    }
}

bool fa_slots_next(struct fa_slots *slots, struct fa_slot *ret_slot)
{
    const struct fa_window *window = slots->window;
    if (window->is_raw ? fa_raw_next(slots, ret_slot) : fa_ring_next(slots, ret_slot)) {
        return true;
    }
    if (slots->is_open) {
        return false;
    }
    slots->is_open = true;
    slots->at = window->is_raw ? 0 : window->u.ring.count + 1u;
    *ret_slot = window->open[0];
    return true;
}

static void keep_slot(struct fa_windows *all, struct fa_window *window, const struct fa_slot *slot)
{
    if (window->is_raw) {
        fa_raw_append(all, window, slot);
        return;
    }
    struct fa_slot kept = *slot;
    struct fa_slots slots = {.window = window, .at = window->u.ring.count};
    if (window->fold == FA_FOLD_VALUE && slots.at > 0) {
        struct fa_slot before;
        slots.at--;
        (void)fa_ring_next(&slots, &before);
        kept.increase += fa_slot_difference(before.last, slot->u.first);
    }
    fa_ring_append(window, &kept);
}

/* The newest slot is of that id from now on; its first samples follow. */
static void begin_slot(struct fa_windows *all, struct fa_window *window, fa_time id, fa_time now)
{
    if (window->open_end != NONE_OPEN) {
        keep_slot(all, window, window->open);
    }
    if (!window->is_raw) {
        fa_ring_expire(window, now - window->u.ring.span);
    }
    if (window->sketch) {
        fa_ring_open_sketch(window);
    }
    window->open_end = (id + 1) * width_of(window);
}

static void take_open(struct fa_windows *all, struct fa_window *window,
                      const struct fa_sample *sample, fa_time now)
{
    enum fa_fold fold = (enum fa_fold)window->fold;
    fa_time width = width_of(window);
    if (sample->time >= window->open_end || window->open_end == NONE_OPEN) {
        begin_slot(all, window, fa_slot_id(sample->time, width), now);
        *window->open = fa_slot_of(sample, fold, width);
    } else {
        fa_slot_fold(window->open, sample, fold, width);
    }
    if (window->sketch) {
        fa_sketch_add(fa_ring_sketch(window, window->u.ring.count), sample->value, sample->weight);
    }
}

static enum fa_taken take_calm(struct fa_windows *all, struct fa_window *window,
                               const struct fa_sample *sample)
{
    fa_time newest = window->u.raw.last_at, id = fa_slot_id(sample->time, FA_PACK_WIDTH);
    fa_time newest_id = fa_slot_id(newest, FA_PACK_WIDTH);
    if (window->last_chunk == FA_POOL_NONE || id > newest_id) {
        struct fa_slot slot = fa_slot_of(sample, (enum fa_fold)window->fold, FA_PACK_WIDTH);
        fa_raw_append(all, window, &slot);
    } else if (id == newest_id && !(sample->corrects && sample->time == newest)) {
        return FA_TAKEN_LATER;
    } else {
        fa_raw_late(all, window, sample);
    }
    return FA_TAKEN;
}

enum fa_taken fa_window_take(struct fa_windows *all, struct fa_window *window,
                             const struct fa_sample *sample, fa_time now)
{
    enum fa_taken taken = FA_TAKEN;
    if (sample->time <= now - fa_window_span(window)) {
        return FA_TAKEN_NOT;
    }
    if (!window->is_busy) {
        taken = take_calm(all, window, sample);
    } else if (window->open_end == NONE_OPEN ||
               sample->time >= window->open_end - width_of(window)) {
        take_open(all, window, sample, now);
    } else if (window->is_raw) {
        fa_raw_late(all, window, sample);
    } else {
        fa_ring_late(window, sample);
    }
    if (taken == FA_TAKEN && sample->time < window->since) {
        window->since = sample->time;
    }
    return taken;
}

struct fa_window *fa_window_wake(struct fa_windows *all, struct fa_window *window)
{
    uint32_t place = fa_pool_take(&all->busy);
    struct fa_window *busy = fa_pool_at(&all->busy, place);
    memcpy(busy, window, sizeof *busy);
    give(all, window);
    busy->place = place;
    busy->is_busy = true;
    fa_raw_pop(all, busy, busy->open);
    busy->open_end = (fa_slot_id(busy->open->last_at, FA_PACK_WIDTH) + 1) * FA_PACK_WIDTH;
    return busy;
}

void fa_window_extend(struct fa_windows *all, struct fa_window *window, fa_time span)
{
    if (span > fa_window_span(window)) {
        struct fa_slots slots;
        struct fa_slot oldest;
        set_span(window, span);
        fa_slots_begin(&slots, all, window, INT64_MIN);
        if (!fa_slots_next(&slots, &oldest)) {
            window->since = FA_NEVER;
        } else if (window->since < oldest.last_at) {
            window->since = oldest.last_at;
        }
    }
}

/* A slot of another width's window, later than all that is here. */
static void take_slot(struct fa_windows *all, struct fa_window *window, const struct fa_slot *slot,
                      fa_time first_at)
{
    enum fa_fold fold = (enum fa_fold)window->fold;
    fa_time width = width_of(window), id = fa_slot_id(slot->last_at, width);
    if (window->open_end != NONE_OPEN && slot->last_at < window->open_end) {
        fa_slot_append(window->open, slot, fold);
        return;
    }
    struct fa_slot own = *slot;
    own.first_ms = first_at > id * width ? (uint32_t)(first_at - id * width) : 0;
    if (!window->is_busy) {
        fa_raw_append(all, window, &own);
        return;
    }
    begin_slot(all, window, id, slot->last_at);
    *window->open = own;
}

void fa_window_seed(struct fa_windows *all, struct fa_window *window, const struct fa_window *from)
{
    struct fa_slots slots;
    struct fa_slot slot;
    fa_assert(window->since == FA_NEVER && (!window->sketch || from->sketch));
    fa_slots_begin(&slots, all, from, INT64_MIN);
    while (fa_slots_next(&slots, &slot)) {
        fa_time begins = fa_slot_id(slot.last_at, width_of(from)) * width_of(from);
        take_slot(all, window, &slot, begins + slot.first_ms);
        if (window->sketch) {
            fa_sketch_merge(fa_ring_sketch(window, window->u.ring.count),
                            fa_ring_sketch(from, slots.at - 1));
        }
        if (window->since == FA_NEVER) { /* those before it were dropped, if there were any */
            window->since = begins <= from->since ? from->since : slot.last_at;
        }
    }
}

int fa_window_load_open(struct fa_windows *all, struct fa_window *window,
                        const struct fa_slot *slot)
{
    fa_time width = width_of(window), id = fa_slot_id(slot->last_at, width);
    struct fa_slots slots;
    struct fa_slot last;
    fa_slots_begin(&slots, all, window, FA_NEVER);
    while (fa_slots_next(&slots, &last)) {
        if (fa_slot_id(last.last_at, width) >= id) {
            return FA_EPARSE;
        }
    }
    if (!fa_slot_is_sound(slot, width)) {
        return FA_EPARSE;
    }
    if (window->is_raw) {
        fa_raw_append(all, window, slot);
    } else {
        *window->open = *slot;
        window->open_end = (id + 1) * width;
    }
    return 0;
}

void fa_summary_add(struct fa_summary *summary, const struct fa_sample *sample)
{
    bool first = summary->samples == 0;
    summary->samples++;
    summary->points++;
    summary->count += sample->weight;
    summary->sum += sample->value * sample->weight;
    summary->min = first ? sample->value : fa_least(summary->min, sample->value);
    summary->max = first ? sample->value : fa_most(summary->max, sample->value);
    if (first || sample->time < summary->first_at) {
        summary->first = sample->value;
        summary->first_at = sample->time;
    }
    if (first || sample->time >= summary->last_at) {
        summary->last = sample->value;
        summary->last_at = sample->time;
    }
}

static void add_slot(struct fa_summary *summary, const struct fa_slot *slot, enum fa_fold fold)
{
    bool first = summary->samples == 0;
    summary->samples += slot->samples;
    summary->count += fa_slot_count(slot, fold);
    summary->sum += slot->sum;
    summary->min = first ? slot->min : fa_least(summary->min, slot->min);
    summary->max = first ? slot->max : fa_most(summary->max, slot->max);
    summary->first = first ? slot->last : summary->first;
    summary->first_at = first ? slot->last_at : summary->first_at;
    summary->last = slot->last;
    summary->last_at = slot->last_at;
}

struct fa_summary fa_window_read(const struct fa_windows *all, const struct fa_window *window,
                                 fa_time from, fa_time to, struct fa_sketch *sketch)
{
    enum fa_fold fold = (enum fa_fold)window->fold;
    struct fa_summary summary = {.next_at = FA_NEVER};
    struct fa_slots slots;
    struct fa_slot slot;
    double before = 0;
    bool has_before = false;
    for (fa_slots_begin(&slots, all, window, from); fa_slots_next(&slots, &slot);) {
        bool is_first = summary.samples == 0;
        if (slot.last_at > to) {
            summary.next_at = slot.last_at < summary.next_at ? slot.last_at : summary.next_at;
            break;
        }
        if (slot.last_at > from) {
            double *increase = is_first ? &summary.increase : &summary.between;
            *increase += slot.increase;
            if (fold == FA_FOLD_VALUE) {
                *increase += has_before ? fa_slot_difference(before, slot.u.first) : 0;
                summary.has_increase = summary.has_increase || has_before || slot.samples > 1;
            }
            add_slot(&summary, &slot, fold);
            summary.points += slots.points;
            summary.next_at = is_first ? slot.last_at + (to - from) : summary.next_at;
            slots.whole = to;
            if (sketch != NULL && window->sketch) {
                fa_sketch_merge(sketch, fa_ring_sketch(window, slots.at - 1));
            }
        }
        before = slot.last;
        has_before = true;
    }
    summary.has_increase = summary.has_increase || (fold == FA_FOLD_DELTA && summary.samples > 0);
    summary.increase += summary.between;
    return summary;
}

size_t fa_window_points(const struct fa_windows *all, const struct fa_window *window,
                        struct fa_range range, struct fa_point *ret, size_t max)
{
    struct fa_slots slots;
    struct fa_slot slot;
    size_t count = 0;
    fa_slots_begin(&slots, all, window, range.from);
    while (fa_slots_next(&slots, &slot) && slot.last_at <= range.to) {
        if (slot.last_at > range.from) {
            if (count < max) {
                ret[count] = (struct fa_point){slot.last_at, slot.last};
            }
            count++;
        }
    }
    return count;
}
