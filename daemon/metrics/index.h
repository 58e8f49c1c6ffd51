/* SPDX-License-Identifier: MIT */
/* A hash table of 32-bit ids by a 32-bit hash that the caller computes with fa_hash. The caller
 * compares keys: walk the ids of equal hash with fa_index_first and fa_index_next. */
#ifndef FA_METRICS_INDEX_H
#define FA_METRICS_INDEX_H

#include "base/str.h"

#define FA_INDEX_NONE UINT32_MAX

struct fa_index_cell {
    uint32_t hash;
    uint32_t item; /* the id + 1; 0: free */
};
struct fa_index {
    struct fa_index_cell *cells; /* owned */
    size_t count, cap;           /* cap: under 2^32 */
};

uint64_t fa_hash(struct fa_str bytes, uint64_t seed);
/* What the index knows of a hash. */
static inline uint32_t fa_index_hash(uint64_t hash)
{
    return (uint32_t)(hash >> 32);
}

void fa_index_done(struct fa_index *index);
void fa_index_add(struct fa_index *index, uint32_t hash, uint32_t id);
/* The id must be there. */
void fa_index_remove(struct fa_index *index, uint32_t hash, uint32_t id);

/* Where a hash belongs: any number of cells will do. */
static inline size_t fa_index_home(const struct fa_index *index, uint32_t hash)
{
    return (size_t)((uint64_t)hash * index->cap >> 32);
}

static inline size_t fa_index_behind(const struct fa_index *index, size_t at)
{
    return at + 1 < index->cap ? at + 1 : 0;
}

static inline uint32_t fa_index_scan(const struct fa_index *index, uint32_t hash, size_t *cursor)
{
    for (; index->cells[*cursor].item != 0; *cursor = fa_index_behind(index, *cursor)) {
        if (index->cells[*cursor].hash == hash) {
            return index->cells[*cursor].item - 1;
        }
    }
    return FA_INDEX_NONE;
}

/* FA_INDEX_NONE when there is none; *cursor is for fa_index_next. */
static inline uint32_t fa_index_first(const struct fa_index *index, uint32_t hash, size_t *cursor)
{
    if (index->cap == 0) {
        return FA_INDEX_NONE;
    }
    *cursor = fa_index_home(index, hash);
    return fa_index_scan(index, hash, cursor);
}

static inline uint32_t fa_index_next(const struct fa_index *index, uint32_t hash, size_t *cursor)
{
    *cursor = fa_index_behind(index, *cursor);
    return fa_index_scan(index, hash, cursor);
}

/* Asks the memory for the cell that fa_index_first of this hash will look at. */
static inline void fa_index_prefetch(const struct fa_index *index, uint32_t hash)
{
    if (index->cap > 0) {
        __builtin_prefetch(&index->cells[fa_index_home(index, hash)]);
    }
}

#endif
