/* SPDX-License-Identifier: MIT */
/* A heap of deadlines. A node lives inside its owner and knows its place, so that a change or
 * removal costs O(log n); there are many, so what it is armed for is in the heap alone. Equal
 * deadlines come out in the order of `tie`, a number that rises and may begin anew, then any. */
#ifndef FA_BASE_HEAP_H
#define FA_BASE_HEAP_H

#include "base/time.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fa_heap_node {
    uint32_t index; /* 1-based place; 0: in no heap */
    uint32_t tie;
};

struct fa_heap_entry;
struct fa_heap {
    struct fa_heap_entry *entries; /* owned; the nodes are borrowed */
    size_t count, cap;
};

void fa_heap_done(struct fa_heap *heap);
/* Inserts the node or moves it to its new time; FA_NEVER removes it. */
void fa_heap_set(struct fa_heap *heap, struct fa_heap_node *node, fa_time at);
void fa_heap_remove(struct fa_heap *heap, struct fa_heap_node *node);
/* The earliest, NULL when empty. */
struct fa_heap_node *fa_heap_first(const struct fa_heap *heap);
/* Its time; FA_NEVER when empty. */
fa_time fa_heap_next(const struct fa_heap *heap);
/* What a node of this heap, or of none, is armed for; FA_NEVER: it is in none. */
fa_time fa_heap_at(const struct fa_heap *heap, const struct fa_heap_node *node);

/* The object that holds a member, from the member's address. */
#define fa_container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#endif
