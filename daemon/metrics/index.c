/* SPDX-License-Identifier: MIT */
/* Open addressing with linear probing; removal moves the followers back, so there are no
 * tombstones and a table under churn stays as fast as a new one. At most 3/4 full. */
#include "metrics/index.h"
#include "base/panic.h"

#include <stdlib.h>
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

static void put(struct fa_index *index, uint64_t hash, void *item)
{
    size_t at = (size_t)hash & (index->cap - 1);
    while (index->cells[at].item != NULL) {
        at = (at + 1) & (index->cap - 1);
    }
    index->cells[at] = (struct fa_index_cell){hash, item};
}

void fa_index_add(struct fa_index *index, uint64_t hash, void *item)
{
    if (4 * (index->count + 1) > 3 * index->cap) {
        struct fa_index old = *index;
        index->cap = old.cap == 0 ? 16 : old.cap * 2;
        index->cells = fa_xcalloc(index->cap, sizeof index->cells[0]);
        for (size_t i = 0; i < old.cap; i++) {
            if (old.cells[i].item != NULL) {
                put(index, old.cells[i].hash, old.cells[i].item);
            }
        }
        free(old.cells);
    }
    put(index, hash, item);
    index->count++;
}

void fa_index_remove(struct fa_index *index, uint64_t hash, const void *item)
{
    size_t mask = index->cap - 1;
    size_t hole = (size_t)hash & mask;
    while (index->cells[hole].item != item) {
        fa_assert(index->cells[hole].item != NULL);
        hole = (hole + 1) & mask;
    }
    for (size_t at = (hole + 1) & mask; index->cells[at].item != NULL; at = (at + 1) & mask) {
        size_t home = (size_t)index->cells[at].hash & mask;
        /* May it move into the hole: is its home not between the hole and itself? */
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            index->cells[hole] = index->cells[at];
            hole = at;
        }
    }
    index->cells[hole] = (struct fa_index_cell){0};
    index->count--;
}

static void *scan(const struct fa_index *index, uint64_t hash, size_t *cursor)
{
    for (; index->cells[*cursor].item != NULL; *cursor = (*cursor + 1) & (index->cap - 1)) {
        if (index->cells[*cursor].hash == hash) {
            return index->cells[*cursor].item;
        }
    }
    return NULL;
}

void *fa_index_first(const struct fa_index *index, uint64_t hash, size_t *cursor)
{
    if (index->cap == 0) {
        return NULL;
    }
    *cursor = (size_t)hash & (index->cap - 1);
    return scan(index, hash, cursor);
}

void *fa_index_next(const struct fa_index *index, uint64_t hash, size_t *cursor)
{
    *cursor = (*cursor + 1) & (index->cap - 1);
    return scan(index, hash, cursor);
}
