/* SPDX-License-Identifier: MIT */
/* Chunks, and lists of what was given back, whose links lie in the free memory itself. Chunks are
 * taken one at a time, so a million objects never need twice their memory for a moment, as a
 * growing array does. Objects are cleared as they are taken and not a chunk at a time, so that of a
 * chunk that few use (a rule of a hundred label sets) the rest takes no memory of the machine.
 * Nothing is given back to the system before the end. */
#include "metrics/pool.h"
#include "base/panic.h"

#include <stdlib.h>
#include <string.h>

#define LINE 64u

/* Sizes of an arena's pieces in units: each up to FINE, then each COARSEth. */
#define FINE   1024u
#define COARSE 16u
#define LISTS  (FINE + ((1u << FA_ARENA_SHIFT) - FINE) / COARSE + 1)

void fa_pool_init(struct fa_pool *pool, size_t item_bytes)
{
    fa_assert(item_bytes >= sizeof(uint32_t));
    *pool = (struct fa_pool){.item_bytes = item_bytes, .first_free = FA_POOL_NONE};
}

void fa_pool_done(struct fa_pool *pool)
{
    for (size_t i = 0; i < pool->chunk_count; i++) {
        free(pool->chunks[i].memory);
    }
    free(pool->chunks);
    *pool = (struct fa_pool){0};
}

static void add_chunk(struct fa_pool *pool)
{
    pool->chunks =
        fa_xgrow(pool->chunks, pool->chunk_count, &pool->chunk_cap, sizeof pool->chunks[0]);
    char *memory = fa_xmalloc((pool->item_bytes << FA_POOL_SHIFT) + LINE);
    size_t ahead = LINE - (uintptr_t)memory % LINE;
    pool->chunks[pool->chunk_count++] = (struct fa_chunk){memory + ahead, memory};
}

uint32_t fa_pool_take(struct fa_pool *pool)
{
    uint32_t id = pool->first_free;
    if (id != FA_POOL_NONE) {
        memcpy(&pool->first_free, fa_pool_at(pool, id), sizeof pool->first_free);
        return id;
    }
    fa_assert(pool->count < FA_POOL_NONE);
    if (pool->count >> FA_POOL_SHIFT == pool->chunk_count) {
        add_chunk(pool);
    }
    memset(fa_pool_at(pool, pool->count), 0, pool->item_bytes);
    return pool->count++;
}

void fa_pool_give(struct fa_pool *pool, uint32_t id)
{
    memcpy(fa_pool_at(pool, id), &pool->first_free, sizeof pool->first_free);
    pool->first_free = id;
}

void fa_arena_done(struct fa_arena *arena)
{
    for (size_t i = 0; i < arena->chunk_count; i++) {
        free(arena->chunks[i]);
    }
    free(arena->chunks);
    free(arena->free);
    *arena = (struct fa_arena){0};
}

/* Pieces of many units are of few sizes, so that their lists take little. */
static uint32_t units_of(size_t bytes)
{
    uint32_t units = (uint32_t)((bytes + FA_ARENA_UNIT - 1) / FA_ARENA_UNIT);
    return units <= FINE ? units : (units + COARSE - 1) / COARSE * COARSE;
}

static uint32_t *free_list(const struct fa_arena *arena, uint32_t units)
{
    return &arena->free[units <= FINE ? units : FINE + (units - FINE) / COARSE];
}

static void put_back(struct fa_arena *arena, uint32_t id, uint32_t units)
{
    uint32_t *list = free_list(arena, units);
    memcpy(fa_arena_at(arena, id), list, sizeof *list);
    *list = id + 1;
}

static void add_arena_chunk(struct fa_arena *arena)
{
    uint32_t rest = (1u << FA_ARENA_SHIFT) - arena->used;
    if (arena->chunk_count == 0) {
        arena->free = fa_xcalloc(LISTS, sizeof arena->free[0]);
    } else if (rest > 0) {
        uint32_t id = (uint32_t)(arena->chunk_count - 1) << FA_ARENA_SHIFT | arena->used;
        put_back(arena, id, rest <= FINE ? rest : rest / COARSE * COARSE);
    }
    arena->chunks =
        fa_xgrow(arena->chunks, arena->chunk_count, &arena->chunk_cap, sizeof arena->chunks[0]);
    arena->chunks[arena->chunk_count++] = fa_xmalloc(FA_ARENA_MAX);
    arena->used = 0;
}

uint32_t fa_arena_take(struct fa_arena *arena, size_t bytes)
{
    uint32_t units = units_of(bytes);
    fa_assert(units > 0 && units <= 1u << FA_ARENA_SHIFT);
    uint32_t *list = arena->chunk_count > 0 ? free_list(arena, units) : NULL;
    if (list != NULL && *list != 0) {
        uint32_t id = *list - 1;
        memcpy(list, fa_arena_at(arena, id), sizeof *list);
        return id;
    }
    if (arena->chunk_count == 0 || units > (1u << FA_ARENA_SHIFT) - arena->used) {
        add_arena_chunk(arena);
    }
    uint32_t id = (uint32_t)(arena->chunk_count - 1) << FA_ARENA_SHIFT | arena->used;
    arena->used += units;
    return id;
}

void fa_arena_give(struct fa_arena *arena, uint32_t id, size_t bytes)
{
    put_back(arena, id, units_of(bytes));
}
