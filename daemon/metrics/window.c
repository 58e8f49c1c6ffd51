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
    *window = (struct fa_window){.width = fa_window_width(span, sketch),
                                 .span = span,
                                 .fold = fold,
                                 .sketch = sketch,
                                 .since = FA_NEVER};
}

static struct fa_slot *slot_at(const struct fa_window *window, size_t i)
{
    return &window->slots[(window->head + i) & (window->cap - 1)];
}

static void slot_done(struct fa_slot *slot)
{
    if (slot->sketch != NULL) {
        fa_sketch_done(slot->sketch);
        free(slot->sketch);
    }
}

void fa_window_done(struct fa_window *window)
{
    for (size_t i = 0; i < window->count; i++) {
        slot_done(slot_at(window, i));
    }
    free(window->slots);
    window->slots = NULL;
    window->head = window->count = window->cap = 0;
}

static void grow(struct fa_window *window)
{
    size_t cap = window->cap == 0 ? 4 : window->cap * 2;
    struct fa_slot *slots = fa_xmalloc(cap * sizeof slots[0]);
    for (size_t i = 0; i < window->count; i++) {
        slots[i] = *slot_at(window, i);
    }
    free(window->slots);
    window->slots = slots;
    window->head = 0;
    window->cap = cap;
}

static void expire(struct fa_window *window, fa_time now)
{
    while (window->count > 1 && slot_at(window, 1)->last_at <= now - window->span) {
        slot_done(slot_at(window, 0));
        window->head = (window->head + 1) & (window->cap - 1);
        window->count--;
    }
}

/* The number of the first slot whose id is at least this. */
static size_t find(const struct fa_window *window, fa_time id)
{
    if (window->count == 0 || slot_at(window, window->count - 1)->id < id) {
        return window->count;
    }
    size_t low = 0, high = window->count - 1;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (slot_at(window, mid)->id < id) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}

/* The slot of that id, made when it is not there: then its samples are 0. */
static struct fa_slot *take_slot(struct fa_window *window, fa_time id)
{
    size_t at = find(window, id);
    if (at < window->count && slot_at(window, at)->id == id) {
        return slot_at(window, at);
    }
    if (window->count == window->cap) {
        grow(window);
    }
    window->count++;
    for (size_t i = window->count - 1; i > at; i--) {
        *slot_at(window, i) = *slot_at(window, i - 1);
    }
    struct fa_slot *slot = slot_at(window, at);
    *slot = (struct fa_slot){.id = id};
    if (window->sketch) {
        slot->sketch = fa_xcalloc(1, sizeof *slot->sketch);
    }
    return slot;
}

static double difference(double before, double after)
{
    return after >= before ? after - before : after;
}

static fa_time slot_id(const struct fa_window *window, fa_time time)
{
    fa_time id = time / window->width;
    return time % window->width < 0 ? id - 1 : id;
}

static void fold_increase(struct fa_window *window, struct fa_slot *slot,
                          const struct fa_sample *sample)
{
    if (window->fold == FA_FOLD_DELTA) {
        slot->increase += sample->increase;
    } else if (window->fold == FA_FOLD_VALUE && slot->samples > 0) {
        if (sample->time >= slot->last_at) {
            slot->increase += difference(slot->last, sample->value);
        } else if (sample->time < slot->first_at) {
            slot->increase += difference(sample->value, slot->first);
        }
    }
}

static void fold_sample(struct fa_window *window, struct fa_slot *slot,
                        const struct fa_sample *sample)
{
    bool first = slot->samples == 0;
    fold_increase(window, slot, sample);
    if (first || sample->time < slot->first_at) {
        slot->first_at = sample->time;
        slot->first = sample->value;
    }
    if (first || sample->time >= slot->last_at) {
        slot->last_at = sample->time;
        slot->last = sample->value;
    }
    slot->min = first ? sample->value : fmin(slot->min, sample->value);
    slot->max = first ? sample->value : fmax(slot->max, sample->value);
    slot->count += sample->weight;
    slot->sum += sample->value * sample->weight;
    slot->samples++;
    if (slot->sketch != NULL) {
        fa_sketch_add(slot->sketch, sample->value, sample->weight);
    }
}

bool fa_window_add(struct fa_window *window, const struct fa_sample *sample, fa_time now)
{
    expire(window, now);
    if (sample->time <= now - window->span) {
        return false;
    }
    fold_sample(window, take_slot(window, slot_id(window, sample->time)), sample);
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

/* A later slot's samples into an earlier one of the same id, or into an empty one. */
static void fold_slot(struct fa_window *window, struct fa_slot *into, const struct fa_slot *from)
{
    bool first = into->samples == 0;
    into->increase += from->increase;
    if (!first && window->fold == FA_FOLD_VALUE) {
        into->increase += difference(into->last, from->first);
    }
    into->first_at = first ? from->first_at : into->first_at;
    into->first = first ? from->first : into->first;
    into->last_at = from->last_at;
    into->last = from->last;
    into->min = first ? from->min : fmin(into->min, from->min);
    into->max = first ? from->max : fmax(into->max, from->max);
    into->count += from->count;
    into->sum += from->sum;
    into->samples += from->samples;
    if (into->sketch != NULL && from->sketch != NULL) {
        fa_sketch_merge(into->sketch, from->sketch);
    }
}

void fa_window_seed(struct fa_window *window, const struct fa_window *from)
{
    fa_assert(window->count == 0 && (!window->sketch || from->sketch));
    for (size_t i = 0; i < from->count; i++) {
        const struct fa_slot *slot = slot_at(from, i);
        fold_slot(window, take_slot(window, slot_id(window, slot->last_at)), slot);
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
    if (first || sample->time >= summary->last_at) {
        summary->last = sample->value;
        summary->last_at = sample->time;
    }
}

static void read_slot(struct fa_summary *summary, const struct fa_slot *slot)
{
    bool first = summary->samples == 0;
    summary->samples += slot->samples;
    summary->count += slot->count;
    summary->sum += slot->sum;
    summary->min = first ? slot->min : fmin(summary->min, slot->min);
    summary->max = first ? slot->max : fmax(summary->max, slot->max);
    summary->increase += slot->increase;
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
    for (size_t i = first_inside(window, now - over); i < window->count; i++) {
        const struct fa_slot *slot = slot_at(window, i);
        if (summary.samples == 0) {
            summary.next_at = slot->last_at + over;
        }
        if (window->fold == FA_FOLD_VALUE) {
            if (i > 0) {
                summary.increase += difference(slot_at(window, i - 1)->last, slot->first);
            }
            summary.has_increase = summary.has_increase || i > 0 || slot->samples > 1;
        }
        read_slot(&summary, slot);
        if (sketch != NULL && slot->sketch != NULL) {
            fa_sketch_merge(sketch, slot->sketch);
        }
    }
    summary.has_increase =
        summary.has_increase || (window->fold == FA_FOLD_DELTA && summary.samples > 0);
    *ret_summary = summary;
}
