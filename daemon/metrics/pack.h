/* SPDX-License-Identifier: MIT */
/* Slots of a second in few bits: about 2 bytes for a sample of two decimals that comes at even
 * times. A chunk stands for itself; all that is needed to append to it is in struct fa_pack. */
#ifndef FA_METRICS_PACK_H
#define FA_METRICS_PACK_H

#include "metrics/slot.h"

#include <stddef.h>
#include <stdint.h>

#define FA_PACK_WIDTH   FA_SECOND
#define FA_CHUNK_SMALL  64u
#define FA_CHUNK_LARGE  256u /* ends with its slots' sum */
#define FA_CHUNK_SLOTS  255u
#define FA_PACK_LENGTHS 64u
#define FA_SCALE_MAX    9u
#define FA_SCALE_NONE   15u /* not decimals: as the bits that differ */

/* How to write: chosen for a chunk by what the one before it held. */
struct fa_pack_style {
    uint8_t scale; /* decimals; FA_SCALE_NONE */
    uint8_t time_bits, value_bits;
    bool is_full; /* there may be slots of more than a plain sample */
};

struct fa_packed {
    uint32_t next; /* the user's */
    uint8_t count;
    uint8_t bytes[]; /* its style, the time of its first slot, its slots */
};

/* Where a chunk ends. */
struct fa_pack {
    fa_time last_at;
    double last;
    uint32_t delta; /* between its last two */
    uint16_t bits;  /* used */
};

/* size: FA_CHUNK_SMALL or FA_CHUNK_LARGE. */
void fa_pack_begin(struct fa_packed *chunk, size_t size, struct fa_pack_style style,
                   struct fa_pack *ret_pack);
/* slot is later than all that the chunk has. False: it does not fit, or the style cannot hold it
 * well: the chunk is full. An empty one with the style that is for this slot takes it. */
bool fa_pack_append(struct fa_packed *chunk, size_t size, struct fa_pack *pack, enum fa_fold fold,
                    const struct fa_slot *slot);
/* The style for a chunk that begins with this slot. found: what fits the one before it. */
struct fa_pack_style fa_pack_style_for(struct fa_pack_style found, const struct fa_slot *slot,
                                       enum fa_fold fold);

/* What a chunk holds, so that the next one can be written better. All zeros at first. */
struct fa_pack_found {
    uint16_t times[FA_PACK_LENGTHS], values[FA_PACK_LENGTHS]; /* numbers of so many bits */
    unsigned raw, count;
    bool is_fine; /* a value needs all decimals of the scale */
    bool is_full;
};

struct fa_unpack {
    const struct fa_packed *chunk;
    size_t bit, limit;
    enum fa_fold fold;
    struct fa_pack_style style;
    struct fa_pack at;
    int64_t scaled; /* the last value, or 0 */
    unsigned left;
    bool is_damaged;
    struct fa_pack_found *found; /* may be NULL */
};

void fa_unpack_begin(struct fa_unpack *unpack, const struct fa_packed *chunk, size_t size,
                     enum fa_fold fold);
/* False: that was all, or the rest is damaged (is_damaged). */
bool fa_unpack_next(struct fa_unpack *unpack, struct fa_slot *ret_slot);
/* As if `done` slots of the chunk just begun had been read, at the last of which it was *at. */
void fa_unpack_skip(struct fa_unpack *unpack, const struct fa_pack *at, unsigned done);
/* style: of the chunk. */
struct fa_pack_style fa_pack_style_after(struct fa_pack_style style,
                                         const struct fa_pack_found *found);
/* The time of the chunk's first slot. */
fa_time fa_packed_begins(const struct fa_packed *chunk);

#endif
