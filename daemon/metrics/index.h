/* SPDX-License-Identifier: MIT */
/* A hash table of borrowed objects by a 64-bit hash that the caller computes with fa_hash. The
 * caller compares keys: walk the objects of equal hash with fa_index_first and fa_index_next. */
#ifndef FA_METRICS_INDEX_H
#define FA_METRICS_INDEX_H

#include "base/str.h"

struct fa_index_cell {
    uint64_t hash;
    void *item; /* NULL: free */
};
struct fa_index {
    struct fa_index_cell *cells; /* owned; cap is 0 or a power of two */
    size_t count, cap;
};

uint64_t fa_hash(struct fa_str bytes, uint64_t seed);

void fa_index_done(struct fa_index *index);
void fa_index_add(struct fa_index *index, uint64_t hash, void *item);
/* The item must be there. */
void fa_index_remove(struct fa_index *index, uint64_t hash, const void *item);
/* NULL when there is none; *cursor is for fa_index_next. */
void *fa_index_first(const struct fa_index *index, uint64_t hash, size_t *cursor);
void *fa_index_next(const struct fa_index *index, uint64_t hash, size_t *cursor);

#endif
