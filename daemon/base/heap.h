/* SPDX-License-Identifier: MIT */
/* A heap of deadlines. A node lives inside its owner and knows its place, so that a change or
 * removal costs O(log n). Equal deadlines come out in the order of `tie`, then any. */
#ifndef FA_BASE_HEAP_H
#define FA_BASE_HEAP_H

#include "base/time.h"

#include <stdbool.h>
#include <stddef.h>

struct fa_heap_node {
    fa_time at;
    uint64_t tie;
    size_t index; /* 1-based place; 0: in no heap */
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

/* The object that holds a member, from the member's address. */
#define fa_container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#endif
