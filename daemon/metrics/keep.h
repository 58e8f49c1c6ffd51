/* SPDX-License-Identifier: MIT */
/* Inside metrics/ only: where the slots of a window are but for the open one. Raw windows keep them
 * packed in a list of chunks (raw.c), long ones in a ring of words (ring.c). */
#ifndef FA_METRICS_KEEP_H
#define FA_METRICS_KEEP_H

#include "metrics/pack.h"
#include "metrics/window.h"

/* Slots, oldest first. The increase of one is measured from the one before it to u.first and from
 * there on by itself: of a long window's packed slot u.first is where the one before ended. */
struct fa_slots {
    const struct fa_windows *all;
    const struct fa_window *window;
    size_t at;      /* long: in the ring */
    uint32_t chunk; /* raw: the one after this */
    bool is_open;   /* the next is the open one */
    fa_time whole;  /* raw: chunks of which all is at or before this may be told as one slot */
    size_t points;  /* for how many slots the last one stood */
    struct fa_unpack unpack;
};
/* Begins at the last slot at or before `from`, or at an earlier one. */
void fa_slots_begin(struct fa_slots *slots, const struct fa_windows *all,
                    const struct fa_window *window, fa_time from);
bool fa_slots_next(struct fa_slots *slots, struct fa_slot *ret_slot);

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

void fa_ring_append(struct fa_window *window, const struct fa_slot *slot);
void fa_ring_late(struct fa_window *window, const struct fa_sample *sample);
void fa_ring_expire(struct fa_window *window, fa_time edge);
void fa_ring_free(struct fa_window *window);
void fa_ring_begin(struct fa_slots *slots, fa_time from);
bool fa_ring_next(struct fa_slots *slots, struct fa_slot *ret_slot);
/* A new open slot gets a sketch. */
void fa_ring_open_sketch(struct fa_window *window);
/* The sketch of a slot of the ring, or of the open one (number `count`). */
struct fa_sketch *fa_ring_sketch(const struct fa_window *window, size_t i);

#endif
