/* SPDX-License-Identifier: MIT */
/* Open addressing with linear probing; removal moves the followers back, so there are no
 * tombstones and a table under churn stays as fast as a new one. At most 3/4 full. A cell has all
 * of the hash that its place depends on, so a table grows without a look at what it points to. */
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
    size_t at = hash & (index->cap - 1);
    while (index->cells[at].item != 0) {
        at = (at + 1) & (index->cap - 1);
    }
    index->cells[at] = (struct fa_index_cell){hash, item};
}

void fa_index_add(struct fa_index *index, uint32_t hash, uint32_t id)
{
    fa_assert(id != FA_INDEX_NONE);
    if (4 * (index->count + 1) > 3 * index->cap) {
        struct fa_index old = *index;
        index->cap = old.cap == 0 ? 16 : old.cap * 2;
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

void fa_index_remove(struct fa_index *index, uint32_t hash, uint32_t id)
{
    size_t mask = index->cap - 1;
    size_t hole = hash & mask;
    while (index->cells[hole].item != id + 1) {
        fa_assert(index->cells[hole].item != 0);
        hole = (hole + 1) & mask;
    }
    for (size_t at = (hole + 1) & mask; index->cells[at].item != 0; at = (at + 1) & mask) {
        size_t home = index->cells[at].hash & mask;
        /* May it move into the hole: is its home not between the hole and itself? */
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            index->cells[hole] = index->cells[at];
            hole = at;
        }
    }
    index->cells[hole] = (struct fa_index_cell){0};
    index->count--;
}
