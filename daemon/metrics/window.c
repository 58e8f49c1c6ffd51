/* SPDX-License-Identifier: MIT */
/* Sparse windows of slots.
 *
 * Invariants:
 *  1. Slots are ordered by id, one an id, each with at least one sample, first_at <= last_at.
 *  2. The slots inside the span and at most one before it are kept. The one before it is what the
 *     increase up to the first sample inside is measured from, so that an increase is found once,
 *     at the later of its two samples, and none is lost at the window's edge.
 *  3. No more than span / width + 2 slots exist: the width is the span / 1000.
 *
 * Increase within a slot and between two slots is kept apart: a late sample then changes only its
 * own slot, whose neighbours' differences are taken when the window is read. A late sample between
 * the first and the last of its slot cannot say what it adds to an increase and is taken to lie
 * on the way: exact for totals that do not reset inside the slot.
 *
 * Not done here: what a sample means (metrics.c) and any limit but the number of slots. */
#include "metrics/window.h"
#include "base/panic.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS_OF_A_WINDOW 1000
#define SKETCH_WIDTH      (10 * FA_SECOND)

fa_time fa_window_width(fa_time over, bool sketch)
{
    fa_time width = over / SLOTS_OF_A_WINDOW;
    fa_time least = sketch ? SKETCH_WIDTH : FA_SECOND;
    return width > least ? width : least;
}

void fa_window_init(struct fa_window *window, enum fa_fold fold, fa_time span, bool sketch)
{
    *window = (struct fa_window){.width = (uint32_t)fa_window_width(span, sketch),
                                 .span = span,
                                 .fold = (uint8_t)fold,
                                 .sketch = sketch,
                                 .since = FA_NEVER};
}

static size_t ring_at(const struct fa_window *window, size_t i)
{
    return (window->head + i) & (window->cap - 1u);
}

static const struct fa_slot *slot_at(const struct fa_window *window, size_t i)
{
    return i + 1 == window->count ? &window->open : &window->slots[ring_at(window, i)];
}

static struct fa_slot *own_slot(struct fa_window *window, size_t i)
{
    return i + 1 == window->count ? &window->open : &window->slots[ring_at(window, i)];
}

/* Where the sketch of a slot is; only in a window that has them. */
static struct fa_sketch **sketch_at(const struct fa_window *window, size_t i)
{
    struct fa_sketch **sketches = (struct fa_sketch **)(void *)(window->slots + window->cap);
    return i + 1 == window->count ? &sketches[window->cap] : &sketches[ring_at(window, i)];
}

static void drop_sketch(struct fa_window *window, size_t i)
{
    if (window->sketch) {
        fa_sketch_done(*sketch_at(window, i));
        free(*sketch_at(window, i));
    }
}

/* A ring on a cache line's beginning; the byte before it says how far from its memory's. */
static struct fa_slot *new_ring(size_t cap, bool sketch)
{
    size_t sketches = sketch ? (cap + 1) * sizeof(struct fa_sketch *) : 0;
    char *memory = fa_xmalloc((cap + 1) * sizeof(struct fa_slot) + sketches);
    size_t ahead = sizeof(struct fa_slot) - (uintptr_t)memory % sizeof(struct fa_slot);
    memory[ahead - 1] = (char)ahead;
    return (struct fa_slot *)(void *)(memory + ahead);
}

static void free_ring(struct fa_slot *slots)
{
    char *memory = (char *)slots;
    if (memory != NULL) {
        free(memory - memory[-1]);
    }
}

void fa_window_done(struct fa_window *window)
{
    for (size_t i = 0; i < window->count; i++) {
        drop_sketch(window, i);
    }
    free_ring(window->slots);
    window->slots = NULL;
    window->open_end = 0;
    window->head = window->count = window->cap = 0;
}

static fa_time slot_id(const struct fa_window *window, fa_time time)
{
    fa_time id = time / window->width;
    return time % window->width < 0 ? id - 1 : id;
}

static fa_time id_of(const struct fa_window *window, size_t i)
{
    return slot_id(window, slot_at(window, i)->last_at);
}

static void grow(struct fa_window *window)
{
    struct fa_window old = *window;
    window->cap = old.cap == 0 ? 4 : (uint16_t)(old.cap * 2);
    window->slots = new_ring(window->cap, window->sketch);
    window->head = 0;
    for (size_t i = 0; i < window->count; i++) {
        *own_slot(window, i) = *slot_at(&old, i);
        if (window->sketch) {
            *sketch_at(window, i) = *sketch_at(&old, i);
        }
    }
    free_ring(old.slots);
}

static void expire(struct fa_window *window, fa_time now)
{
    while (window->count > 1 && slot_at(window, 1)->last_at <= now - window->span) {
        drop_sketch(window, 0);
        window->head = (uint16_t)((window->head + 1) & (window->cap - 1));
        window->count--;
    }
}

/* The number of the first slot whose id is at least this. */
static size_t find(const struct fa_window *window, fa_time id)
{
    if (window->count == 0 || id_of(window, window->count - 1u) < id) {
        return window->count;
    }
    size_t low = 0, high = window->count - 1u;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (id_of(window, mid) < id) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}

static void move_slot(struct fa_window *window, size_t to, const struct fa_slot *slot,
                      struct fa_sketch *const *sketch)
{
    window->slots[ring_at(window, to)] = *slot;
    if (window->sketch) {
        struct fa_sketch **sketches = (struct fa_sketch **)(void *)(window->slots + window->cap);
        sketches[ring_at(window, to)] = *sketch;
    }
}

/* Room for one more at `at`: its samples are 0. */
static void insert(struct fa_window *window, size_t at, fa_time id)
{
    size_t count = window->count;
    if (count > window->cap || (window->sketch && window->cap == 0)) {
        grow(window);
    }
    size_t from = at == count && count > 0 ? count - 1 : at;
    for (size_t i = count > 0 ? count - 1 : 0; i > at; i--) {
        move_slot(window, i, slot_at(window, i - 1),
                  window->sketch ? sketch_at(window, i - 1) : NULL);
    }
    if (from < at) { /* the newest so far makes room */
        move_slot(window, from, &window->open, window->sketch ? sketch_at(window, from) : NULL);
    }
    window->count++;
    *own_slot(window, at) = (struct fa_slot){.last_at = id * window->width};
    if (window->sketch) {
        *sketch_at(window, at) = fa_xcalloc(1, sizeof(struct fa_sketch));
    }
    window->open_end = (slot_id(window, window->open.last_at) + 1) * window->width;
}

/* The number of the slot of that id, made when it is not there. */
static size_t take_slot(struct fa_window *window, fa_time id, fa_time now)
{
    size_t at = find(window, id);
    if (at < window->count && id_of(window, at) == id) {
        return at;
    }
    expire(window, now);
    at = find(window, id);
    insert(window, at, id);
    return at;
}

static void fold_increase(const struct fa_window *window, struct fa_slot *slot,
                          const struct fa_sample *sample, fa_time first_at)
{
    if (window->fold == FA_FOLD_DELTA) {
        slot->increase += sample->increase;
    } else if (window->fold == FA_FOLD_VALUE && slot->samples > 0) {
        if (sample->time >= slot->last_at) {
            slot->increase += fa_window_difference(slot->last, sample->value);
        } else if (sample->time < first_at) {
            slot->increase += fa_window_difference(sample->value, slot->u.first);
        }
    }
}

static void add_count(const struct fa_window *window, struct fa_slot *slot, double weight,
                      uint64_t samples)
{
    uint64_t all = slot->samples + samples;
    slot->u.count += window->fold == FA_FOLD_DELTA ? weight : 0;
    slot->samples = all < UINT32_MAX ? (uint32_t)all : UINT32_MAX;
}

static double count_of(const struct fa_window *window, const struct fa_slot *slot)
{
    return window->fold == FA_FOLD_DELTA ? slot->u.count : (double)slot->samples;
}

static void fold_sample(struct fa_window *window, size_t at, const struct fa_sample *sample)
{
    struct fa_slot *slot = own_slot(window, at);
    fa_time begins = slot_id(window, slot->last_at) * window->width;
    bool first = slot->samples == 0;
    fold_increase(window, slot, sample, begins + slot->first_ms);
    if (first || sample->time < begins + slot->first_ms) {
        slot->first_ms = (uint32_t)(sample->time - begins);
        slot->u.first = window->fold == FA_FOLD_VALUE ? sample->value : slot->u.first;
    }
    if (first || sample->time >= slot->last_at) {
        slot->last_at = sample->time;
        slot->last = sample->value;
    }
    slot->min = first ? sample->value : fmin(slot->min, sample->value);
    slot->max = first ? sample->value : fmax(slot->max, sample->value);
    slot->sum += sample->value * sample->weight;
    add_count(window, slot, sample->weight, 1);
    if (window->sketch) {
        fa_sketch_add(*sketch_at(window, at), sample->value, sample->weight);
    }
}

bool fa_window_take(struct fa_window *window, const struct fa_sample *sample, fa_time now)
{
    if (sample->time <= now - window->span) {
        return false;
    }
    size_t at = take_slot(window, slot_id(window, sample->time), now);
    fold_sample(window, at, sample);
    window->since = sample->time < window->since ? sample->time : window->since;
    return true;
}

void fa_window_extend(struct fa_window *window, fa_time span)
{
    if (span > window->span) {
        window->span = span;
        window->since = window->count > 0 ? slot_at(window, 0)->last_at : FA_NEVER;
    }
}

/* A later slot's samples, of the same time's slot in `from`, into an earlier or an empty one. */
static void fold_slot(struct fa_window *window, size_t at, const struct fa_window *from, size_t i)
{
    struct fa_slot *into = own_slot(window, at);
    const struct fa_slot *slot = slot_at(from, i);
    bool first = into->samples == 0;
    into->increase += slot->increase;
    if (!first && window->fold == FA_FOLD_VALUE) {
        into->increase += fa_window_difference(into->last, slot->u.first);
    }
    if (first) {
        fa_time begins = id_of(from, i) * from->width + slot->first_ms;
        fa_time own = slot_id(window, slot->last_at) * window->width;
        into->first_ms = begins > own ? (uint32_t)(begins - own) : 0;
        into->u.first = window->fold == FA_FOLD_VALUE ? slot->u.first : 0;
    }
    into->last_at = slot->last_at;
    into->last = slot->last;
    into->min = first ? slot->min : fmin(into->min, slot->min);
    into->max = first ? slot->max : fmax(into->max, slot->max);
    into->sum += slot->sum;
    add_count(window, into, count_of(from, slot), slot->samples);
    if (window->sketch && from->sketch) {
        fa_sketch_merge(*sketch_at(window, at), *sketch_at(from, i));
    }
}

void fa_window_seed(struct fa_window *window, const struct fa_window *from)
{
    fa_assert(window->count == 0 && (!window->sketch || from->sketch));
    for (size_t i = 0; i < from->count; i++) {
        fa_time last_at = slot_at(from, i)->last_at;
        fold_slot(window, take_slot(window, slot_id(window, last_at), last_at), from, i);
    }
    window->since = from->since;
    if (window->count > 0 && window->span > from->span) {
        window->since = slot_at(window, 0)->last_at;
    }
}

void fa_summary_add(struct fa_summary *summary, const struct fa_sample *sample)
{
    bool first = summary->samples == 0;
    summary->samples++;
    summary->count += sample->weight;
    summary->sum += sample->value * sample->weight;
    summary->min = first ? sample->value : fmin(summary->min, sample->value);
    summary->max = first ? sample->value : fmax(summary->max, sample->value);
    if (first || sample->time < summary->first_at) {
        summary->first = sample->value;
        summary->first_at = sample->time;
    }
    if (first || sample->time >= summary->last_at) {
        summary->last = sample->value;
        summary->last_at = sample->time;
    }
}

static void read_slot(struct fa_summary *summary, const struct fa_window *window,
                      const struct fa_slot *slot)
{
    bool first = summary->samples == 0;
    summary->samples += slot->samples;
    summary->count += count_of(window, slot);
    summary->sum += slot->sum;
    summary->min = first ? slot->min : fmin(summary->min, slot->min);
    summary->max = first ? slot->max : fmax(summary->max, slot->max);
    summary->increase += slot->increase;
    summary->first = first ? slot->last : summary->first;
    summary->first_at = first ? slot->last_at : summary->first_at;
    summary->last = slot->last;
    summary->last_at = slot->last_at;
}

/* The number of the first slot inside the window. */
static size_t first_inside(const struct fa_window *window, fa_time edge)
{
    size_t low = 0, high = window->count;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (slot_at(window, mid)->last_at <= edge) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}

void fa_window_read(const struct fa_window *window, fa_time now, fa_time over,
                    struct fa_summary *ret_summary, struct fa_sketch *sketch)
{
    struct fa_summary summary = {.next_at = FA_NEVER};
    double to_first = 0;
    for (size_t i = first_inside(window, now - over); i < window->count; i++) {
        const struct fa_slot *slot = slot_at(window, i);
        bool first = summary.samples == 0;
        summary.next_at = first ? slot->last_at + over : summary.next_at;
        if (window->fold == FA_FOLD_VALUE) {
            if (i > 0) {
                summary.increase +=
                    fa_window_difference(slot_at(window, i - 1)->last, slot->u.first);
            }
            summary.has_increase = summary.has_increase || i > 0 || slot->samples > 1;
        }
        read_slot(&summary, window, slot);
        to_first = first ? summary.increase : to_first;
        if (sketch != NULL && window->sketch) {
            fa_sketch_merge(sketch, *sketch_at(window, i));
        }
    }
    summary.has_increase =
        summary.has_increase || (window->fold == FA_FOLD_DELTA && summary.samples > 0);
    summary.between = summary.increase - to_first;
    *ret_summary = summary;
}

size_t fa_window_points(const struct fa_window *window, fa_time from, fa_time to,
                        struct fa_point *ret, size_t max)
{
    size_t count = 0;
    for (size_t i = first_inside(window, from); i < window->count; i++, count++) {
        const struct fa_slot *slot = slot_at(window, i);
        if (slot->last_at > to) {
            break;
        }
        if (count < max) {
            ret[count] = (struct fa_point){slot->last_at, slot->last};
        }
    }
    return count;
}
