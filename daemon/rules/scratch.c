/* SPDX-License-Identifier: MIT */
/* Blocks in a list, the newest first; a large piece has a block of its own. */
#include "rules/scratch.h"

#include "base/panic.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES ((size_t)16 * 1024)
#define BLOCK_FIRST ((size_t)2 * 1024) /* of a rule's own there are as many as rules */

struct fa_scratch_block {
    struct fa_scratch_block *next;
    size_t used, cap; /* bytes of data */
    max_align_t data[];
};

void fa_scratch_init(struct fa_scratch *arena, size_t max)
{
    *arena = (struct fa_scratch){.max = max};
}

void fa_scratch_done(struct fa_scratch *arena)
{
    struct fa_scratch_block *block = arena->blocks;
    while (block != NULL) {
        struct fa_scratch_block *next = block->next;
        free(block);
        block = next;
    }
    *arena = (struct fa_scratch){.max = arena->max};
}

static struct fa_scratch_block *add_block(struct fa_scratch *arena, size_t bytes)
{
    size_t room = arena->blocks != NULL ? BLOCK_BYTES : BLOCK_FIRST;
    size_t cap = bytes > room / 4 ? bytes : room;
    struct fa_scratch_block *block = fa_xmalloc(sizeof *block + cap);
    *block = (struct fa_scratch_block){.cap = cap};
    if (cap == bytes && arena->blocks != NULL) {
        /* The block in use stays first. */
        block->next = arena->blocks->next;
        arena->blocks->next = block;
    } else {
        block->next = arena->blocks;
        arena->blocks = block;
    }
    return block;
}

void *fa_scratch_take(struct fa_scratch *arena, size_t bytes)
{
    size_t size = (bytes + alignof(max_align_t) - 1) / alignof(max_align_t) * alignof(max_align_t);
    struct fa_scratch_block *block = arena->blocks;
    fa_assert(size >= bytes);
    if (size > arena->max - arena->used) {
        arena->over = true;
    } else {
        arena->used += size;
    }
    if (block == NULL || block->cap - block->used < size) {
        block = add_block(arena, size);
    }
    char *piece = (char *)block->data + block->used;
    block->used += size;
    memset(piece, 0, size); /* as it is taken: what nobody takes is not touched */
    return piece;
}

void *fa_scratch_copy(struct fa_scratch *arena, const void *data, size_t bytes)
{
    void *copy = fa_scratch_take(arena, bytes);
    if (bytes > 0) {
        memcpy(copy, data, bytes);
    }
    return copy;
}

struct fa_str fa_scratch_str(struct fa_scratch *arena, struct fa_str text)
{
    char *copy = fa_scratch_take(arena, text.len + 1);
    if (text.len > 0) {
        memcpy(copy, text.ptr, text.len);
    }
    return (struct fa_str){copy, text.len};
}

void *fa_scratch_grow(struct fa_scratch *arena, void *array, size_t count, size_t *cap,
                      size_t element_bytes)
{
    if (count < *cap) {
        return array;
    }
    size_t wider = *cap == 0 ? 8 : *cap * 2;
    void *moved = fa_scratch_take(arena, wider * element_bytes);
    if (count > 0) {
        memcpy(moved, array, count * element_bytes);
    }
    *cap = wider;
    return moved;
}
