/* SPDX-License-Identifier: MIT */
/* The deadlines lie beside each other in the heap itself, and each has four below it: where there
 * are very many, what makes a change slow is memory that was not looked at for long, and so no node
 * but those that move is touched. */
#include "base/heap.h"
#include "base/panic.h"

#include <stdlib.h>

#define BELOW 4

struct fa_heap_entry {
    fa_time at;
    struct fa_heap_node *node;
    uint32_t tie;
};

void fa_heap_done(struct fa_heap *heap)
{
    free(heap->entries);
    *heap = (struct fa_heap){0};
}

static bool before(const struct fa_heap_entry *a, const struct fa_heap_entry *b)
{
    return a->at != b->at ? a->at < b->at : (int32_t)(a->tie - b->tie) < 0;
}

static void place(struct fa_heap *heap, const struct fa_heap_entry *entry, size_t at)
{
    heap->entries[at] = *entry;
    entry->node->index = (uint32_t)at + 1;
}

/* The entry that comes first of those below; `at` itself when there is none. */
static size_t first_below(const struct fa_heap *heap, size_t at)
{
    size_t child = BELOW * at + 1, end = child + BELOW, first = child;
    if (child >= heap->count) {
        return at;
    }
    end = end < heap->count ? end : heap->count;
    while (++child < end) {
        first = before(&heap->entries[child], &heap->entries[first]) ? child : first;
    }
    return first;
}

/* Where the entry belongs, from the free place `at` on. */
static void sift(struct fa_heap *heap, struct fa_heap_entry entry, size_t at)
{
    while (at > 0 && before(&entry, &heap->entries[(at - 1) / BELOW])) {
        place(heap, &heap->entries[(at - 1) / BELOW], at);
        at = (at - 1) / BELOW;
    }
    for (size_t child; (child = first_below(heap, at)) != at; at = child) {
        if (!before(&heap->entries[child], &entry)) {
            break;
        }
        place(heap, &heap->entries[child], at);
    }
    place(heap, &entry, at);
}

void fa_heap_set(struct fa_heap *heap, struct fa_heap_node *node, fa_time at)
{
    if (at == FA_NEVER) {
        fa_heap_remove(heap, node);
        return;
    }
    if (fa_heap_at(heap, node) == at && heap->entries[node->index - 1].tie == node->tie) {
        return;
    }
    if (node->index == 0) {
        fa_assert(heap->count < UINT32_MAX);
        heap->entries =
            fa_xgrow(heap->entries, heap->count, &heap->cap, sizeof(struct fa_heap_entry));
        node->index = (uint32_t)++heap->count;
    }
    sift(heap, (struct fa_heap_entry){at, node, node->tie}, node->index - 1);
}

void fa_heap_remove(struct fa_heap *heap, struct fa_heap_node *node)
{
    if (node->index == 0) {
        return;
    }
    fa_assert(node->index <= heap->count && heap->entries[node->index - 1].node == node);
    struct fa_heap_entry last = heap->entries[--heap->count];
    if (last.node != node) {
        sift(heap, last, node->index - 1);
    }
    node->index = 0;
}

struct fa_heap_node *fa_heap_first(const struct fa_heap *heap)
{
    return heap->count > 0 ? heap->entries[0].node : NULL;
}

fa_time fa_heap_next(const struct fa_heap *heap)
{
    return heap->count > 0 ? heap->entries[0].at : FA_NEVER;
}

fa_time fa_heap_at(const struct fa_heap *heap, const struct fa_heap_node *node)
{
    return node->index != 0 ? heap->entries[node->index - 1].at : FA_NEVER;
}
