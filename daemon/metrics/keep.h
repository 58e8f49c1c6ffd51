/* SPDX-License-Identifier: MIT */
/* Inside metrics/ only: where the slots of a window are but for the open one. Raw windows keep them
 * packed in a list of chunks (raw.c), long ones in a ring of words (ring.c). */
#ifndef FA_METRICS_KEEP_H
#define FA_METRICS_KEEP_H

#include "base/err.h"
#include "base/str.h"
#include "metrics/pack.h"
#include "metrics/window.h"

/* Slots, oldest first. The increase of one is measured from the one before it to u.first and from
 * there on by itself: of a long window's packed slot u.first is where the one before ended. */
struct fa_slots {
    const struct fa_windows *all;
    const struct fa_window *window;
    size_t at;      /* long: in the ring */
    uint32_t own;   /* raw: the chunk of the last slot */
    uint32_t chunk; /* raw: the one after it */
    bool is_open;   /* the next is the open one */
    fa_time whole;  /* raw: chunks of which all is at or before this may be told as one slot */
    size_t points;  /* for how many slots the last one stood */
    struct fa_unpack unpack;
};
/* Begins at the last slot at or before `from`, or at an earlier one. */
void fa_slots_begin(struct fa_slots *slots, const struct fa_windows *all,
                    const struct fa_window *window, fa_time from);
bool fa_slots_next(struct fa_slots *slots, struct fa_slot *ret_slot);

#define FA_CHUNK_IS_LARGE UINT32_C(0x80000000) /* in an id */

static inline struct fa_packed *fa_raw_at(const struct fa_windows *all, uint32_t id)
{
    return (id & FA_CHUNK_IS_LARGE) != 0 ? fa_pool_at(&all->large, id & ~FA_CHUNK_IS_LARGE)
                                         : fa_pool_at(&all->small, id);
}
static inline size_t fa_raw_size(uint32_t id)
{
    return (id & FA_CHUNK_IS_LARGE) != 0 ? FA_CHUNK_LARGE : FA_CHUNK_SMALL;
}

/* slot is later than all that is kept. */
void fa_raw_append(struct fa_windows *all, struct fa_window *window, const struct fa_slot *slot);
/* A sample of a time before the newest kept slot's end. */
void fa_raw_late(struct fa_windows *all, struct fa_window *window, const struct fa_sample *sample);
/* Takes the newest slot out. */
void fa_raw_pop(struct fa_windows *all, struct fa_window *window, struct fa_slot *ret_slot);
void fa_raw_expire(struct fa_windows *all, struct fa_window *window, fa_time edge);
void fa_raw_free(struct fa_windows *all, struct fa_window *window);
void fa_raw_begin(struct fa_slots *slots, fa_time from);
bool fa_raw_next(struct fa_slots *slots, struct fa_slot *ret_slot);

/* The chunk as it is kept, without the zeros at its end; FA_POOL_NONE after the last. */
uint32_t fa_raw_chunk(const struct fa_windows *all, uint32_t id, struct fa_str *ret_bytes,
                      bool *ret_large);
/* Puts such a chunk behind the others. FA_EPARSE: it is damaged, or not later than they are. */
int fa_raw_load(struct fa_windows *all, struct fa_window *window, struct fa_str bytes,
                bool is_large) FA_MUST_CHECK;
/* All of `from`, which is empty then, into an empty one; of a longer span, it knows what is kept.
 */
void fa_raw_move(struct fa_windows *all, struct fa_window *window, struct fa_window *from);

void fa_ring_append(struct fa_window *window, const struct fa_slot *slot);
void fa_ring_late(struct fa_window *window, const struct fa_sample *sample);
void fa_ring_expire(struct fa_window *window, fa_time edge);
void fa_ring_free(struct fa_window *window);
void fa_ring_begin(struct fa_slots *slots, fa_time from);
bool fa_ring_next(struct fa_slots *slots, struct fa_slot *ret_slot);
/* Writes a slot of the ring to *ret_bytes, FA_RING_SAVED_MAX at most; returns how many. */
size_t fa_ring_save(const struct fa_window *window, size_t i, char *ret_bytes);
#define FA_RING_SAVED_MAX 64u
/* Puts such a slot behind the others; FA_EPARSE as above. With sketches it takes the one that was
 * opened. */
int fa_ring_load(struct fa_window *window, struct fa_str bytes) FA_MUST_CHECK;
/* A new open slot gets a sketch. */
void fa_ring_open_sketch(struct fa_window *window);
bool fa_ring_has_open_sketch(const struct fa_window *window);
/* The same with what fa_sketch_save wrote. FA_EPARSE: it did not, or there is one. */
int fa_ring_load_sketch(struct fa_window *window, struct fa_str bytes) FA_MUST_CHECK;
/* The newest slot, behind those that are kept. FA_EPARSE: it is not, or no samples made it. */
int fa_window_load_open(struct fa_windows *all, struct fa_window *window,
                        const struct fa_slot *slot) FA_MUST_CHECK;
/* The sketch of a slot of the ring, or of the open one (number `count`). */
struct fa_sketch *fa_ring_sketch(const struct fa_window *window, size_t i);

#endif
