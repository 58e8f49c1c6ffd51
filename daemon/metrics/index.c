/* SPDX-License-Identifier: MIT */
/* Open addressing with linear probing; removal moves the followers back, so there are no
 * tombstones and a table under churn stays as fast as a new one. At most 4/5 full, and grown by a
 * quarter, as the tables are much of what a quiet series takes. A cell has all of the hash that its
 * place depends on, so a table grows without a look at what it points to. */
#include "metrics/index.h"
#include "base/panic.h"

#include <stdlib.h>
#define XXH_INLINE_ALL /* a call through the linker's table costs as much as a short key's hash */
#include <xxhash.h>

uint64_t fa_hash(struct fa_str bytes, uint64_t seed)
{
    return XXH3_64bits_withSeed(bytes.ptr, bytes.len, seed);
}

void fa_index_done(struct fa_index *index)
{
    free(index->cells);
    *index = (struct fa_index){0};
}

static void put(struct fa_index *index, uint32_t hash, uint32_t item)
{
    size_t at = fa_index_home(index, hash);
    while (index->cells[at].item != 0) {
        at = fa_index_behind(index, at);
    }
    index->cells[at] = (struct fa_index_cell){hash, item};
}

void fa_index_add(struct fa_index *index, uint32_t hash, uint32_t id)
{
    fa_assert(id != FA_INDEX_NONE);
    if (5 * (index->count + 1) > 4 * index->cap) {
        struct fa_index old = *index;
        index->cap = old.cap == 0 ? 16 : old.cap + old.cap / 4;
        fa_assert(index->cap <= UINT32_MAX);
        index->cells = fa_xcalloc(index->cap, sizeof index->cells[0]);
        for (size_t i = 0; i < old.cap; i++) {
            if (old.cells[i].item != 0) {
                put(index, old.cells[i].hash, old.cells[i].item);
            }
        }
        free(old.cells);
    }
    put(index, hash, id + 1);
    index->count++;
}

/* From one place on to the other. */
static size_t way(const struct fa_index *index, size_t from, size_t to)
{
    return to >= from ? to - from : to + index->cap - from;
}

void fa_index_remove(struct fa_index *index, uint32_t hash, uint32_t id)
{
    size_t hole = fa_index_home(index, hash);
    while (index->cells[hole].item != id + 1) {
        fa_assert(index->cells[hole].item != 0);
        hole = fa_index_behind(index, hole);
    }
    for (size_t at = fa_index_behind(index, hole); index->cells[at].item != 0;
         at = fa_index_behind(index, at)) {
        size_t home = fa_index_home(index, index->cells[at].hash);
        /* May it move into the hole: is its home not between the hole and itself? */
        if (way(index, home, at) >= way(index, hole, at)) {
            index->cells[hole] = index->cells[at];
            hole = at;
        }
    }
    index->cells[hole] = (struct fa_index_cell){0};
    index->count--;
}
