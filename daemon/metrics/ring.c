/* SPDX-License-Identifier: MIT */
/* The slots of a long window but for the open one: a ring. A slot has its newest sample's time in
 * six bytes, doubled, with a 1 when there are more samples than it; then a word for each field that
 * is read, in the order of enum fa_reads.
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
#define MARK_BYTES 6u /* of a time and whether there are more */

static size_t fields_each(const struct fa_window *window)
{
    return (size_t)__builtin_popcount(window->reads) * sizeof(double);
}

static size_t bytes_each(const struct fa_window *window)
{
    return MARK_BYTES + fields_each(window);
}

static size_t place_of(const struct fa_window *window, size_t i)
{
    size_t at = window->u.ring.head + i;
    return at < window->size ? at : at - window->size;
}

static char *slot_at(const struct fa_window *window, size_t i)
{
    return window->u.ring.slots + place_of(window, i) * bytes_each(window);
}

/* As it was put: fa_slot_is_time leaves room for it. */
static int64_t get_mark(const char *slot)
{
    uint32_t low;
    int16_t high;
    memcpy(&low, slot, sizeof low);
    memcpy(&high, slot + sizeof low, sizeof high);
    return (int64_t)((uint64_t)high << 32 | low);
}

static void put_mark(char *slot, int64_t mark)
{
    uint32_t low = (uint32_t)mark;
    int16_t high = (int16_t)(mark >> 32);
    memcpy(slot, &low, sizeof low);
    memcpy(slot + sizeof low, &high, sizeof high);
}

static fa_time time_at(const struct fa_window *window, size_t i)
{
    return get_mark(slot_at(window, i)) >> 1;
}

static bool is_single(const struct fa_window *window, size_t i)
{
    return (get_mark(slot_at(window, i)) & 1) == 0;
}

/* Where the pointers to sketches begin: behind `size` slots. */
static size_t slots_bytes(const struct fa_window *window, size_t size)
{
    size_t align = sizeof(struct fa_sketch *);
    return (size * bytes_each(window) + align - 1) / align * align;
}

static struct fa_sketch **sketches_of(const struct fa_window *window)
{
    return (struct fa_sketch **)(void *)(window->u.ring.slots + slots_bytes(window, window->size));
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
    char *at = slot_at(window, i);
    put_mark(at, slot->last_at * 2 + (slot->samples > 1));
    at += MARK_BYTES;
    for (size_t field = 0; field < sizeof fields / sizeof fields[0]; field++) {
        if ((window->reads >> field & 1) != 0) {
            memcpy(at, &fields[field], sizeof fields[0]);
            at += sizeof fields[0];
        }
    }
}

/* With the increase from the slot before; u.first is not known. */
static void read_slot(const struct fa_window *window, size_t i, struct fa_slot *ret_slot)
{
    double fields[7] = {0};
    const char *at = slot_at(window, i);
    int64_t mark = get_mark(at);
    at += MARK_BYTES;
    for (size_t field = 0; field < sizeof fields / sizeof fields[0]; field++) {
        if ((window->reads >> field & 1) != 0) {
            memcpy(&fields[field], at, sizeof fields[0]);
            at += sizeof fields[0];
        }
    }
    bool has_samples = fields[2] >= 1 && fields[2] <= UINT32_MAX;
    *ret_slot = (struct fa_slot){.last_at = mark >> 1,
                                 .last = fields[0],
                                 .samples = has_samples ? (uint32_t)fields[2] : 1 + (mark & 1),
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
    return fa_slot_id(time_at(window, i), window->u.ring.width);
}

static void resize(struct fa_window *window, size_t size)
{
    struct fa_window old = *window;
    size_t sketches = window->sketch ? (size + 1) * sizeof(struct fa_sketch *) : 0;
    window->u.ring.slots = fa_xmalloc(slots_bytes(window, size) + sketches);
    window->u.ring.head = 0;
    window->size = (uint16_t)size;
    for (size_t i = 0; i < old.u.ring.count; i++) {
        memcpy(slot_at(window, i), slot_at(&old, i), bytes_each(window));
    }
    if (window->sketch) {
        for (size_t i = 0; i < old.u.ring.count; i++) {
            *sketch_at(window, i) = *sketch_at(&old, i);
        }
        *sketch_at(window, window->u.ring.count) =
            old.size > 0 ? *sketch_at(&old, old.u.ring.count) : NULL;
    }
    free(old.u.ring.slots);
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
    while (window->u.ring.count > 1 && time_at(window, 1) <= edge) {
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
    free(window->u.ring.slots);
    window->u.ring.slots = NULL;
    window->u.ring.head = window->u.ring.count = window->size = 0;
}

/* The first whose newest sample is behind the time; count when there is none. */
static size_t find_behind(const struct fa_window *window, fa_time time)
{
    size_t low = 0, high = window->u.ring.count;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (time_at(window, mid) <= time) {
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
    bool single = is_single(window, i + 1);
    read_slot(window, i + 1, &next);
    if (single) {
        next.increase = fa_slot_difference(now, next.last);
    } else if (next.increase >= now - was) {
        next.increase -= now - was;
    }
    next.samples += !single && next.samples == 1;
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
    bool single = is_single(window, i);
    read_slot(window, i, &slot);
    double was = slot.last;
    bool is_newest = sample->time >= slot.last_at;
    if (sample->corrects && single && sample->time == slot.last_at) {
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
    make_room(window);
    window->u.ring.count++;
    for (size_t k = window->u.ring.count - 1u; k > i; k--) {
        memcpy(slot_at(window, k), slot_at(window, k - 1), bytes_each(window));
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

size_t fa_ring_save(const struct fa_window *window, size_t i, char *ret_bytes)
{
    const char *slot = slot_at(window, i);
    int64_t mark = get_mark(slot);
    memcpy(ret_bytes, &mark, sizeof mark);
    memcpy(ret_bytes + sizeof mark, slot + MARK_BYTES, fields_each(window));
    return sizeof mark + fields_each(window);
}

int fa_ring_load(struct fa_window *window, struct fa_str bytes)
{
    size_t count = window->u.ring.count;
    int64_t mark;
    if (bytes.len != sizeof mark + fields_each(window) ||
        count >= (size_t)(window->u.ring.span / window->u.ring.width) + 2) {
        return FA_EPARSE;
    }
    memcpy(&mark, bytes.ptr, sizeof mark);
    fa_time at = mark >> 1;
    if (!fa_slot_is_time(at) ||
        (count > 0 && fa_slot_id(at, window->u.ring.width) <= id_of(window, count - 1))) {
        return FA_EPARSE;
    }
    make_room(window);
    char *slot = slot_at(window, count);
    put_mark(slot, mark);
    memcpy(slot + MARK_BYTES, bytes.ptr + sizeof mark, fields_each(window));
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
