/* SPDX-License-Identifier: MIT */
/* The slots of a long window but for the open one: a ring of words. A slot has its newest sample's
 * time, doubled, with a 1 when there are more samples than it; then a word for each field that is
 * read, in the order of enum fa_reads.
 *
 * Invariants:
 *  1. Slots are ordered by id, one an id, none empty.
 *  2. The slots inside the span and at most one before it are kept: span / width + 2 at most.
 *  3. The increase of a slot is measured from the last sample of the slot before it.
 *
 * What a late sample changes: its own slot, and the increase of the next, which is exact when that
 * has a single sample and else when the total did not fall between the two. One before all others
 * of the window adds nothing to the increase inside the slot that was the first. */
#include "base/panic.h"
#include "metrics/keep.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_SIZE 4u

static size_t words_each(const struct fa_window *window)
{
    return 1 + (size_t)__builtin_popcount(window->reads);
}

static size_t place_of(const struct fa_window *window, size_t i)
{
    size_t at = window->u.ring.head + i;
    return at < window->size ? at : at - window->size;
}

static uint64_t *words_at(const struct fa_window *window, size_t i)
{
    return window->u.ring.words + place_of(window, i) * words_each(window);
}

static struct fa_sketch **sketches_of(const struct fa_window *window)
{
    return (struct fa_sketch **)(void *)(window->u.ring.words + window->size * words_each(window));
}

static struct fa_sketch **sketch_at(const struct fa_window *window, size_t i)
{
    return &sketches_of(window)[i == window->u.ring.count ? window->size : place_of(window, i)];
}

struct fa_sketch *fa_ring_sketch(const struct fa_window *window, size_t i)
{
    return *sketch_at(window, i);
}

static void write_slot(struct fa_window *window, size_t i, const struct fa_slot *slot)
{
    enum fa_fold fold = (enum fa_fold)window->fold;
    const double fields[] = {
        slot->last,    fa_slot_count(slot, fold), slot->samples, slot->sum, slot->min, slot->max,
        slot->increase};
    uint64_t *words = words_at(window, i);
    *words++ = (uint64_t)slot->last_at << 1 | (slot->samples > 1);
    for (size_t field = 0; field < sizeof fields / sizeof fields[0]; field++) {
        if ((window->reads >> field & 1) != 0) {
            memcpy(words++, &fields[field], sizeof *words);
        }
    }
}

/* With the increase from the slot before; u.first is not known. */
static void read_slot(const struct fa_window *window, size_t i, struct fa_slot *ret_slot)
{
    double fields[7] = {0};
    const uint64_t *words = words_at(window, i);
    unsigned more = *words & 1;
    fa_time last_at = (fa_time)*words++ >> 1;
    for (size_t field = 0; field < sizeof fields / sizeof fields[0]; field++) {
        if ((window->reads >> field & 1) != 0) {
            memcpy(&fields[field], words++, sizeof *words);
        }
    }
    bool has_samples = fields[2] >= 1 && fields[2] <= UINT32_MAX;
    *ret_slot = (struct fa_slot){.last_at = last_at,
                                 .last = fields[0],
                                 .samples = has_samples ? (uint32_t)fields[2] : 1 + more,
                                 .sum = fields[3],
                                 .min = fields[4],
                                 .max = fields[5],
                                 .increase = fields[6]};
    if (window->fold == FA_FOLD_DELTA) {
        ret_slot->u.count = fields[1];
    }
}

static fa_time id_of(const struct fa_window *window, size_t i)
{
    return fa_slot_id((fa_time)*words_at(window, i) >> 1, window->u.ring.width);
}

static void resize(struct fa_window *window, size_t size)
{
    struct fa_window old = *window;
    size_t each = words_each(window) * sizeof(uint64_t);
    size_t sketches = window->sketch ? (size + 1) * sizeof(struct fa_sketch *) : 0;
    window->u.ring.words = fa_xmalloc(size * each + sketches);
    window->u.ring.head = 0;
    window->size = (uint16_t)size;
    for (size_t i = 0; i < old.u.ring.count; i++) {
        memcpy(words_at(window, i), words_at(&old, i), each);
    }
    if (window->sketch) {
        for (size_t i = 0; i < old.u.ring.count; i++) {
            *sketch_at(window, i) = *sketch_at(&old, i);
        }
        *sketch_at(window, window->u.ring.count) =
            old.size > 0 ? *sketch_at(&old, old.u.ring.count) : NULL;
    }
    free(old.u.ring.words);
}

static void make_room(struct fa_window *window)
{
    size_t size = window->size, most = (size_t)(window->u.ring.span / window->u.ring.width) + 2;
    if (window->u.ring.count < size) {
        return;
    }
    size = size == 0 ? FIRST_SIZE : 2 * size;
    resize(window, size > most && window->u.ring.count < most ? most : size);
}

void fa_ring_open_sketch(struct fa_window *window)
{
    make_room(window);
    *sketch_at(window, window->u.ring.count) = fa_xcalloc(1, sizeof(struct fa_sketch));
}

/* The open slot's goes with what was put behind the others. */
static void keep_sketch(struct fa_window *window)
{
    size_t count = window->u.ring.count;
    *sketch_at(window, count - 1) = *sketch_at(window, count);
    *sketch_at(window, count) = NULL;
}

void fa_ring_append(struct fa_window *window, const struct fa_slot *slot)
{
    make_room(window);
    size_t i = window->u.ring.count++;
    write_slot(window, i, slot);
    if (window->sketch) {
        keep_sketch(window);
    }
}

static void free_sketch(struct fa_sketch *sketch)
{
    if (sketch != NULL) {
        fa_sketch_done(sketch);
        free(sketch);
    }
}

void fa_ring_expire(struct fa_window *window, fa_time edge)
{
    while (window->u.ring.count > 1 && (fa_time)*words_at(window, 1) >> 1 <= edge) {
        if (window->sketch) {
            free_sketch(*sketch_at(window, 0));
        }
        window->u.ring.head = (uint16_t)place_of(window, 1);
        window->u.ring.count--;
    }
}

void fa_ring_free(struct fa_window *window)
{
    for (size_t i = 0; window->sketch && window->size > 0 && i <= window->u.ring.count; i++) {
        free_sketch(*sketch_at(window, i));
    }
    free(window->u.ring.words);
    window->u.ring.words = NULL;
    window->u.ring.head = window->u.ring.count = window->size = 0;
}

/* The first whose newest sample is behind the time; count when there is none. */
static size_t find_behind(const struct fa_window *window, fa_time time)
{
    size_t low = 0, high = window->u.ring.count;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if ((fa_time)*words_at(window, mid) >> 1 <= time) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}

/* The slot before it ends with `now`; was: where that, or the one before, ended until then. */
static void fix_next(struct fa_window *window, size_t i, double was, double now)
{
    struct fa_slot next;
    if (i + 1 >= window->u.ring.count || window->fold != FA_FOLD_VALUE) {
        return;
    }
    bool is_single = (*words_at(window, i + 1) & 1) == 0;
    read_slot(window, i + 1, &next);
    if (is_single) {
        next.increase = fa_slot_difference(now, next.last);
    } else if (next.increase >= now - was) {
        next.increase -= now - was;
    }
    next.samples += !is_single && next.samples == 1;
    write_slot(window, i + 1, &next);
}

/* From the slot before; 0 when there is none. */
static double increase_to(const struct fa_window *window, size_t i, const struct fa_sample *sample)
{
    struct fa_slot before;
    if (window->fold != FA_FOLD_VALUE) {
        return sample->increase;
    }
    if (i == 0) {
        return 0;
    }
    read_slot(window, i - 1, &before);
    return fa_slot_difference(before.last, sample->value);
}

static void fold_into(struct fa_window *window, size_t i, const struct fa_sample *sample)
{
    enum fa_fold fold = (enum fa_fold)window->fold;
    struct fa_slot slot;
    bool is_single = (*words_at(window, i) & 1) == 0;
    read_slot(window, i, &slot);
    double was = slot.last;
    bool is_newest = sample->time >= slot.last_at;
    if (sample->corrects && is_single && sample->time == slot.last_at) {
        slot = fa_slot_of(sample, fold, window->u.ring.width);
        slot.increase = increase_to(window, i, sample);
    } else {
        slot.increase += fold == FA_FOLD_DELTA  ? sample->increase
                         : fold == FA_FOLD_NONE ? 0
                         : is_newest            ? fa_slot_difference(slot.last, sample->value)
                                                : 0;
        slot.u.count += fold == FA_FOLD_DELTA ? sample->weight : 0;
        slot.last = is_newest ? sample->value : slot.last;
        slot.last_at = is_newest ? sample->time : slot.last_at;
        slot.sum += sample->value * sample->weight;
        slot.min = fa_least(slot.min, sample->value);
        slot.max = fa_most(slot.max, sample->value);
        slot.samples += slot.samples < UINT32_MAX;
    }
    write_slot(window, i, &slot);
    if (is_newest) {
        fix_next(window, i, was, sample->value);
    }
}

static void insert(struct fa_window *window, size_t i, const struct fa_sample *sample)
{
    struct fa_slot slot = fa_slot_of(sample, (enum fa_fold)window->fold, window->u.ring.width);
    size_t each = words_each(window) * sizeof(uint64_t);
    make_room(window);
    window->u.ring.count++;
    for (size_t k = window->u.ring.count - 1u; k > i; k--) {
        memcpy(words_at(window, k), words_at(window, k - 1), each);
        if (window->sketch) {
            sketches_of(window)[place_of(window, k)] = sketches_of(window)[place_of(window, k - 1)];
        }
    }
    slot.increase = increase_to(window, i, sample);
    write_slot(window, i, &slot);
    if (window->sketch) {
        sketches_of(window)[place_of(window, i)] = fa_xcalloc(1, sizeof(struct fa_sketch));
    }
    struct fa_slot before = slot;
    if (i > 0) {
        read_slot(window, i - 1, &before);
    }
    fix_next(window, i, before.last, sample->value);
}

void fa_ring_late(struct fa_window *window, const struct fa_sample *sample)
{
    fa_time id = fa_slot_id(sample->time, window->u.ring.width);
    size_t i = find_behind(window, sample->time);
    if (i < window->u.ring.count && id_of(window, i) == id) {
        fold_into(window, i, sample);
    } else if (i > 0 && id_of(window, i - 1) == id) {
        fold_into(window, --i, sample);
    } else {
        insert(window, i, sample);
    }
    if (window->sketch) {
        fa_sketch_add(*sketch_at(window, i), sample->value, sample->weight);
    }
}

void fa_ring_begin(struct fa_slots *slots, fa_time from)
{
    size_t i = find_behind(slots->window, from);
    slots->at = i > 0 ? i - 1 : 0;
}

bool fa_ring_next(struct fa_slots *slots, struct fa_slot *ret_slot)
{
    const struct fa_window *window = slots->window;
    size_t i = slots->at;
    slots->points = 1;
    if (i >= window->u.ring.count) {
        return false;
    }
    slots->at++;
    read_slot(window, i, ret_slot);
    if (window->fold != FA_FOLD_DELTA) {
        struct fa_slot before = *ret_slot;
        if (i > 0) {
            read_slot(window, i - 1, &before);
        }
        ret_slot->u.first = before.last;
    }
    return true;
}

struct fa_str fa_ring_bytes(const struct fa_window *window, size_t i)
{
    return (struct fa_str){(const char *)words_at(window, i),
                           words_each(window) * sizeof(uint64_t)};
}

int fa_ring_load(struct fa_window *window, struct fa_str bytes)
{
    size_t count = window->u.ring.count;
    uint64_t first;
    if (bytes.len != words_each(window) * sizeof first ||
        count >= (size_t)(window->u.ring.span / window->u.ring.width) + 2) {
        return FA_EPARSE;
    }
    memcpy(&first, bytes.ptr, sizeof first);
    fa_time at = (fa_time)first >> 1;
    if (!fa_slot_is_time(at) ||
        (count > 0 && fa_slot_id(at, window->u.ring.width) <= id_of(window, count - 1))) {
        return FA_EPARSE;
    }
    make_room(window);
    memcpy(words_at(window, count), bytes.ptr, bytes.len);
    window->u.ring.count++;
    if (window->sketch) {
        keep_sketch(window);
    }
    return 0;
}

bool fa_ring_has_open_sketch(const struct fa_window *window)
{
    return window->size > 0 && *sketch_at(window, window->u.ring.count) != NULL;
}

int fa_ring_load_sketch(struct fa_window *window, struct fa_str bytes)
{
    if (fa_ring_has_open_sketch(window)) {
        return FA_EPARSE;
    }
    fa_ring_open_sketch(window);
    return fa_sketch_load(bytes, *sketch_at(window, window->u.ring.count));
}
