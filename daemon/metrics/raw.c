/* SPDX-License-Identifier: MIT */
/* The chunks of a raw window: a list, oldest first.
 *
 * Invariants:
 *  1. Slots are ordered by second, one a second, none empty; no chunk is empty.
 *  2. All slots inside the span are kept, and the last one before it, which an increase is measured
 *     from; besides them only what shares a chunk with it, or came since the last look.
 *  3. A large chunk that is not the last ends with the sum of its slots.
 *
 * Appending writes some bits behind the last slot. Everything else (a late sample, a corrected one)
 * unpacks one chunk and packs it anew, into as many as it takes. What a chunk held when it was full
 * says how the next is written; one that cannot hold a slot though it has room is written anew.
 * Slots that stand for many samples take much more, and windows with many slots are read too often:
 * those get large chunks. */
#include "base/panic.h"
#include "metrics/keep.h"

#include <string.h>

#define LARGE       FA_CHUNK_IS_LARGE
#define LARGE_FROM  400 /* slots of a window */
#define LOOK_EACH   4   /* slots appended between two looks for what is over */
#define SPREAD      24  /* slots of a window's first chunk, at most */
#define FIRST_STYLE ((struct fa_pack_style){.time_bits = 1, .value_bits = 14})

static uint32_t take_chunk(struct fa_windows *all, bool is_large)
{
    uint32_t id = is_large ? fa_pool_take(&all->large) | LARGE : fa_pool_take(&all->small);
    fa_assert(id != FA_POOL_NONE);
    fa_raw_at(all, id)->next = FA_POOL_NONE;
    return id;
}

static void give_chunk(struct fa_windows *all, uint32_t id)
{
    fa_pool_give((id & LARGE) != 0 ? &all->large : &all->small, id & ~LARGE);
}

static struct fa_slot *sum_of(struct fa_packed *chunk)
{
    return (struct fa_slot *)(void *)((char *)chunk + FA_CHUNK_LARGE - sizeof(struct fa_slot));
}

static struct fa_pack pack_of(const struct fa_window *window)
{
    return (struct fa_pack){.last_at = window->u.raw.last_at,
                            .last = window->u.raw.last,
                            .delta = window->u.raw.delta,
                            .bits = window->size};
}

static void set_pack(struct fa_window *window, const struct fa_pack *pack)
{
    window->u.raw.last_at = pack->last_at;
    window->u.raw.last = pack->last;
    window->u.raw.delta = pack->delta;
    window->size = pack->bits;
}

/* Nothing is added to the last chunk any more. Returns how the next is to be written. */
static struct fa_pack_style close_chunk(struct fa_windows *all, struct fa_window *window)
{
    uint32_t id = window->last_chunk;
    struct fa_packed *chunk = fa_raw_at(all, id);
    struct fa_pack_found found = {.count = 0};
    struct fa_unpack unpack;
    struct fa_slot sum = {.samples = 0}, slot;
    fa_unpack_begin(&unpack, chunk, fa_raw_size(id), (enum fa_fold)window->fold);
    unpack.found = &found;
    while (fa_unpack_next(&unpack, &slot)) {
        if (sum.samples == 0) {
            sum = slot;
        } else {
            fa_slot_append(&sum, &slot, (enum fa_fold)window->fold);
        }
    }
    if ((id & LARGE) != 0) {
        *sum_of(chunk) = sum;
    }
    return fa_pack_style_after(unpack.style, &found);
}

static bool wants_large(const struct fa_windows *all, const struct fa_window *window,
                        const struct fa_slot *slot)
{
    if (slot->samples > 1 || window->last_chunk == FA_POOL_NONE) {
        return slot->samples > 1;
    }
    const struct fa_packed *chunk = fa_raw_at(all, window->last_chunk);
    fa_time took = window->u.raw.last_at - fa_packed_begins(chunk);
    return (fa_time)(chunk->count - 1) * window->span_ms > LARGE_FROM * took;
}

static void add_chunk(struct fa_windows *all, struct fa_window *window, const struct fa_slot *slot)
{
    enum fa_fold fold = (enum fa_fold)window->fold;
    bool is_first = window->last_chunk == FA_POOL_NONE;
    struct fa_pack_style style = is_first ? FIRST_STYLE : close_chunk(all, window);
    uint32_t id = take_chunk(all, wants_large(all, window, slot));
    struct fa_packed *chunk = fa_raw_at(all, id);
    struct fa_pack pack;
    fa_pack_begin(chunk, fa_raw_size(id), fa_pack_style_for(style, slot, fold), &pack);
    bool fits = fa_pack_append(chunk, fa_raw_size(id), &pack, fold, slot);
    fa_assert(fits);
    set_pack(window, &pack);
    window->is_spread = !is_first;
    *(is_first ? &window->u.raw.first : &fa_raw_at(all, window->last_chunk)->next) = id;
    window->last_chunk = id;
}

/* Of many windows that began together, the first chunks end at different times: what is half full
 * then is never half full in all of them, and no turn has all of them to close. */
static bool ends_here(const struct fa_windows *all, const struct fa_window *window)
{
    return !window->is_spread &&
           fa_raw_at(all, window->last_chunk)->count >= 1 + window->place % SPREAD;
}

/* Each in its half of the byte. */
static void count_change(struct fa_window *window, unsigned change)
{
    unsigned half = change * 15u;
    window->changes = (uint8_t)((window->changes & ~half) | ((window->changes + change) & half));
}

/* The last chunk has room, but its style cannot hold the slot: all is written anew in one that can.
 * False: it does not fit, and nothing was changed. */
static bool restyle(struct fa_windows *all, struct fa_window *window, const struct fa_slot *slot)
{
    uint32_t id = window->last_chunk;
    enum fa_fold fold = (enum fa_fold)window->fold;
    struct fa_packed *chunk = fa_raw_at(all, id);
    union {
        struct fa_packed chunk;
        char bytes[FA_CHUNK_LARGE];
    } anew = {.chunk.next = chunk->next};
    struct fa_slot old;
    struct fa_unpack unpack;
    struct fa_pack pack;
    struct fa_pack_style style = fa_pack_style_for(close_chunk(all, window), slot, fold);
    style.time_bits =
        style.time_bits > 0 ? style.time_bits : 1; /* an even slot would have fitted */
    fa_pack_begin(&anew.chunk, fa_raw_size(id), style, &pack);
    fa_unpack_begin(&unpack, chunk, fa_raw_size(id), fold);
    while (fa_unpack_next(&unpack, &old)) {
        if (!fa_pack_append(&anew.chunk, fa_raw_size(id), &pack, fold, &old)) {
            return false;
        }
    }
    if (!fa_pack_append(&anew.chunk, fa_raw_size(id), &pack, fold, slot)) {
        return false;
    }
    memcpy(chunk, anew.bytes, fa_raw_size(id));
    set_pack(window, &pack);
    count_change(window, FA_CHANGE_INSIDE);
    return true;
}

/* Was it no lack of room that ended the last chunk? */
static bool has_room(const struct fa_windows *all, const struct fa_window *window)
{
    uint32_t id = window->last_chunk;
    size_t bytes = FA_CHUNK_SMALL;
    if ((id & LARGE) != 0) {
        bytes = FA_CHUNK_LARGE - sizeof(struct fa_slot);
    }
    return 4 * (size_t)window->size < 3 * 8 * bytes && fa_raw_at(all, id)->count < FA_CHUNK_SLOTS;
}

void fa_raw_append(struct fa_windows *all, struct fa_window *window, const struct fa_slot *slot)
{
    uint32_t id = window->last_chunk;
    struct fa_pack pack = pack_of(window);
    bool ends = id == FA_POOL_NONE || ends_here(all, window);
    if (!ends && fa_pack_append(fa_raw_at(all, id), fa_raw_size(id), &pack,
                                (enum fa_fold)window->fold, slot)) {
        set_pack(window, &pack);
    } else if (ends || !has_room(all, window) || !restyle(all, window, slot)) {
        add_chunk(all, window, slot);
    }
    if (fa_raw_at(all, window->last_chunk)->count % LOOK_EACH == 1) {
        fa_raw_expire(all, window, slot->last_at - window->span_ms);
    }
}

void fa_raw_expire(struct fa_windows *all, struct fa_window *window, fa_time edge)
{
    uint32_t before = window->u.raw.first;
    while (window->u.raw.first != window->last_chunk) {
        uint32_t first = window->u.raw.first, next = fa_raw_at(all, first)->next;
        if (fa_packed_begins(fa_raw_at(all, next)) > edge) {
            break;
        }
        give_chunk(all, first);
        window->u.raw.first = next;
    }
    if (window->u.raw.first != before) {
        count_change(window, FA_CHANGE_LEFT);
    }
}

void fa_raw_free(struct fa_windows *all, struct fa_window *window)
{
    for (uint32_t id = window->u.raw.first, next; id != FA_POOL_NONE; id = next) {
        next = fa_raw_at(all, id)->next;
        give_chunk(all, id);
    }
    window->u.raw.first = window->last_chunk = FA_POOL_NONE;
}

/* Where the window's last chunk ends, from the chunk itself. */
static void find_end(struct fa_windows *all, struct fa_window *window)
{
    struct fa_unpack unpack;
    struct fa_slot slot;
    uint32_t id = window->last_chunk;
    if (id == FA_POOL_NONE) {
        return;
    }
    fa_unpack_begin(&unpack, fa_raw_at(all, id), fa_raw_size(id), (enum fa_fold)window->fold);
    while (fa_unpack_next(&unpack, &slot)) {
    }
    set_pack(window, &unpack.at);
}

/* Packs the slots anew, in place of the chunk `id` behind `before`. */
static void replace(struct fa_windows *all, struct fa_window *window, uint32_t before, uint32_t id,
                    const struct fa_slot *slots, size_t count)
{
    uint32_t after = fa_raw_at(all, id)->next;
    count_change(window, FA_CHANGE_INSIDE);
    struct fa_window packed = {.fold = window->fold,
                               .span_ms = window->span_ms,
                               .last_chunk = FA_POOL_NONE,
                               .is_spread = true};
    packed.u.raw.first = FA_POOL_NONE;
    for (size_t i = 0; i < count; i++) {
        fa_raw_append(all, &packed, &slots[i]);
    }
    give_chunk(all, id);
    uint32_t *link = before != FA_POOL_NONE ? &fa_raw_at(all, before)->next : &window->u.raw.first;
    *link = count > 0 ? packed.u.raw.first : after;
    if (count > 0 && after != FA_POOL_NONE) {
        (void)close_chunk(all, &packed);
        fa_raw_at(all, packed.last_chunk)->next = after;
    } else if (after == FA_POOL_NONE) {
        window->last_chunk = count > 0 ? packed.last_chunk : before;
        find_end(all, window);
    }
}

static size_t unpack_all(const struct fa_windows *all, const struct fa_window *window, uint32_t id,
                         struct fa_slot *slots)
{
    struct fa_unpack unpack;
    size_t count = 0;
    fa_unpack_begin(&unpack, fa_raw_at(all, id), fa_raw_size(id), (enum fa_fold)window->fold);
    while (fa_unpack_next(&unpack, &slots[count])) {
        count++;
    }
    return count;
}

void fa_raw_late(struct fa_windows *all, struct fa_window *window, const struct fa_sample *sample)
{
    enum fa_fold fold = (enum fa_fold)window->fold;
    fa_time second = fa_slot_id(sample->time, FA_PACK_WIDTH);
    struct fa_slot slots[FA_CHUNK_SLOTS + 1], own = fa_slot_of(sample, fold, FA_PACK_WIDTH);
    uint32_t before = FA_POOL_NONE, id = window->u.raw.first, next;
    if (id == FA_POOL_NONE) {
        fa_raw_append(all, window, &own);
        return;
    }
    while ((next = fa_raw_at(all, id)->next) != FA_POOL_NONE &&
           fa_slot_id(fa_packed_begins(fa_raw_at(all, next)), FA_PACK_WIDTH) <= second) {
        before = id;
        id = next;
    }
    size_t count = unpack_all(all, window, id, slots), at = count;
    while (at > 0 && fa_slot_id(slots[at - 1].last_at, FA_PACK_WIDTH) > second) {
        at--;
    }
    if (at > 0 && fa_slot_id(slots[at - 1].last_at, FA_PACK_WIDTH) == second) {
        fa_slot_fold(&slots[at - 1], sample, fold, FA_PACK_WIDTH);
    } else {
        memmove(&slots[at + 1], &slots[at], (count - at) * sizeof slots[0]);
        slots[at] = own;
        count++;
    }
    replace(all, window, before, id, slots, count);
}

void fa_raw_pop(struct fa_windows *all, struct fa_window *window, struct fa_slot *ret_slot)
{
    struct fa_slot slots[FA_CHUNK_SLOTS];
    uint32_t before = FA_POOL_NONE, id = window->u.raw.first;
    while (id != window->last_chunk) {
        before = id;
        id = fa_raw_at(all, id)->next;
    }
    size_t count = unpack_all(all, window, id, slots);
    *ret_slot = slots[count - 1];
    replace(all, window, before, id, slots, count - 1);
}

static void unpack_chunk(struct fa_slots *slots, uint32_t id)
{
    const struct fa_packed *chunk = fa_raw_at(slots->all, id);
    fa_unpack_begin(&slots->unpack, chunk, fa_raw_size(id), (enum fa_fold)slots->window->fold);
    slots->own = id;
    slots->chunk = chunk->next;
}

void fa_raw_begin(struct fa_slots *slots, fa_time from)
{
    uint32_t id = slots->window->u.raw.first, next;
    if (id == FA_POOL_NONE) {
        slots->chunk = id;
        return;
    }
    while ((next = fa_raw_at(slots->all, id)->next) != FA_POOL_NONE &&
           fa_packed_begins(fa_raw_at(slots->all, next)) <= from) {
        id = next;
    }
    unpack_chunk(slots, id);
}

bool fa_raw_next(struct fa_slots *slots, struct fa_slot *ret_slot)
{
    slots->points = 1;
    if (fa_unpack_next(&slots->unpack, ret_slot)) {
        return true;
    }
    uint32_t id = slots->chunk;
    if (id == FA_POOL_NONE) {
        return false;
    }
    struct fa_packed *chunk = fa_raw_at(slots->all, id);
    if ((id & LARGE) != 0 && id != slots->window->last_chunk &&
        sum_of(chunk)->last_at <= slots->whole) {
        *ret_slot = *sum_of(chunk);
        slots->points = chunk->count;
        slots->own = id;
        slots->chunk = chunk->next;
        return true;
    }
    unpack_chunk(slots, id);
    return fa_unpack_next(&slots->unpack, ret_slot);
}

uint32_t fa_raw_chunk(const struct fa_windows *all, uint32_t id, struct fa_str *ret_bytes,
                      bool *ret_large)
{
    const struct fa_packed *chunk = fa_raw_at(all, id);
    *ret_large = (id & LARGE) != 0;
    size_t len = fa_raw_size(id) - (*ret_large ? sizeof(struct fa_slot) : 0);
    const char *bytes = (const char *)chunk;
    while (len > sizeof chunk->next && bytes[len - 1] == 0) {
        len--;
    }
    *ret_bytes = (struct fa_str){bytes + sizeof chunk->next, len - sizeof chunk->next};
    return chunk->next;
}

/* What is behind the last slot is written over by the next. */
static void clear_rest(struct fa_packed *chunk, size_t size, size_t bits)
{
    char *bytes = (char *)chunk;
    size_t at = (bits + 7) / 8;
    if (bits % 8 != 0) {
        bytes[at - 1] = (char)((unsigned char)bytes[at - 1] & ((1u << bits % 8) - 1));
    }
    memset(bytes + at, 0, size - at);
}

static bool is_sound(const struct fa_slot *slot, const struct fa_slot *before)
{
    return fa_slot_is_sound(slot, FA_PACK_WIDTH) &&
           (before->samples == 0 ||
            fa_slot_id(slot->last_at, FA_PACK_WIDTH) > fa_slot_id(before->last_at, FA_PACK_WIDTH));
}

int fa_raw_load(struct fa_windows *all, struct fa_window *window, struct fa_str bytes,
                bool is_large)
{
    uint32_t last = window->last_chunk, id = take_chunk(all, is_large);
    struct fa_packed *chunk = fa_raw_at(all, id);
    size_t size = fa_raw_size(id), room = size - (is_large ? sizeof(struct fa_slot) : 0);
    struct fa_slot slot,
        before = {.last_at = window->u.raw.last_at, .samples = last != FA_POOL_NONE};
    struct fa_unpack unpack;
    bool fits = bytes.len + sizeof chunk->next <= room, sound = true;
    memset(chunk, 0, size);
    chunk->next = FA_POOL_NONE;
    memcpy((char *)chunk + sizeof chunk->next, bytes.ptr, fits ? bytes.len : 0);
    fa_unpack_begin(&unpack, chunk, size, (enum fa_fold)window->fold);
    while (fa_unpack_next(&unpack, &slot)) {
        sound = sound && is_sound(&slot, &before);
        before = slot;
    }
    if (!fits || !sound || unpack.is_damaged || chunk->count == 0) {
        give_chunk(all, id);
        return FA_EPARSE;
    }
    clear_rest(chunk, size, unpack.at.bits);
    if (last != FA_POOL_NONE) {
        (void)close_chunk(all, window);
    }
    set_pack(window, &unpack.at);
    window->is_spread = last != FA_POOL_NONE;
    *(last != FA_POOL_NONE ? &fa_raw_at(all, last)->next : &window->u.raw.first) = id;
    window->last_chunk = id;
    return 0;
}

void fa_raw_move(struct fa_windows *all, struct fa_window *window, struct fa_window *from)
{
    fa_window_extend(all, from, window->span_ms);
    window->u = from->u;
    window->size = from->size;
    window->last_chunk = from->last_chunk;
    window->since = from->since;
    window->is_spread = from->is_spread;
    from->u.raw.first = from->last_chunk = FA_POOL_NONE;
}
