/* SPDX-License-Identifier: MIT */
/* Memory for very many small objects, without an allocation each.
 *
 * A pool has objects of one size, named by 32-bit ids, at addresses that stay. An arena has pieces
 * of any length up to FA_ARENA_MAX, named by 32-bit ids. What was given back is used again for the
 * same size; all of it is freed at the end. */
#ifndef FA_METRICS_POOL_H
#define FA_METRICS_POOL_H

#include <stddef.h>
#include <stdint.h>

#define FA_POOL_NONE  UINT32_MAX
#define FA_POOL_SHIFT 8 /* log2 of the objects of a chunk */

struct fa_chunk {
    char *items; /* on a cache line's beginning */
    void *memory;
};
struct fa_pool {
    size_t item_bytes;
    struct fa_chunk *chunks;
    size_t chunk_count, chunk_cap;
    uint32_t count; /* ids given out so far, those given back included */
    uint32_t first_free;
};

/* item_bytes: at least 4. */
void fa_pool_init(struct fa_pool *pool, size_t item_bytes);
void fa_pool_done(struct fa_pool *pool);
/* The object is zeros when its id is new, else what it was, but for its first four bytes. */
uint32_t fa_pool_take(struct fa_pool *pool);
void fa_pool_give(struct fa_pool *pool, uint32_t id);

static inline void *fa_pool_at(const struct fa_pool *pool, uint32_t id)
{
    const struct fa_chunk *chunk = &pool->chunks[id >> FA_POOL_SHIFT];
    return chunk->items + (id & ((1u << FA_POOL_SHIFT) - 1)) * pool->item_bytes;
}

#define FA_ARENA_UNIT  4u
#define FA_ARENA_SHIFT 14 /* log2 of the units of a chunk */
#define FA_ARENA_MAX   ((size_t)FA_ARENA_UNIT << FA_ARENA_SHIFT)

struct fa_arena {
    char **chunks;
    size_t chunk_count, chunk_cap;
    uint32_t used;  /* units of the last chunk */
    uint32_t *free; /* by size: the first that was given back, + 1; 0: none */
};

void fa_arena_done(struct fa_arena *arena);
/* bytes: 1 to FA_ARENA_MAX. The piece is at an address of FA_ARENA_UNIT. */
uint32_t fa_arena_take(struct fa_arena *arena, size_t bytes);
void fa_arena_give(struct fa_arena *arena, uint32_t id, size_t bytes);

static inline void *fa_arena_at(const struct fa_arena *arena, uint32_t id)
{
    char *chunk = arena->chunks[id >> FA_ARENA_SHIFT];
    return chunk + (size_t)(id & ((1u << FA_ARENA_SHIFT) - 1)) * FA_ARENA_UNIT;
}

#endif
