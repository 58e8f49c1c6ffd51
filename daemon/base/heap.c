/* SPDX-License-Identifier: MIT */
#include "base/heap.h"
#include "base/panic.h"

#include <stdlib.h>

void fa_heap_done(struct fa_heap *heap)
{
    free(heap->nodes);
    *heap = (struct fa_heap){0};
}

static bool before(const struct fa_heap_node *a, const struct fa_heap_node *b)
{
    return a->at != b->at ? a->at < b->at : a->tie < b->tie;
}

static void place(struct fa_heap *heap, struct fa_heap_node *node, size_t index)
{
    heap->nodes[index - 1] = node;
    node->index = index;
}

static void sift(struct fa_heap *heap, struct fa_heap_node *node)
{
    size_t at = node->index;
    while (at > 1 && before(node, heap->nodes[at / 2 - 1])) {
        place(heap, heap->nodes[at / 2 - 1], at);
        at /= 2;
    }
    for (size_t child; (child = 2 * at) <= heap->count; at = child) {
        if (child < heap->count && before(heap->nodes[child], heap->nodes[child - 1])) {
            child++;
        }
        if (!before(heap->nodes[child - 1], node)) {
            break;
        }
        place(heap, heap->nodes[child - 1], at);
    }
    place(heap, node, at);
}

void fa_heap_set(struct fa_heap *heap, struct fa_heap_node *node, fa_time at)
{
    if (at == FA_NEVER) {
        fa_heap_remove(heap, node);
        return;
    }
    node->at = at;
    if (node->index == 0) {
        heap->nodes = fa_xgrow(heap->nodes, heap->count, &heap->cap, sizeof(struct fa_heap_node *));
        place(heap, node, ++heap->count);
    }
    sift(heap, node);
}

void fa_heap_remove(struct fa_heap *heap, struct fa_heap_node *node)
{
    if (node->index == 0) {
        return;
    }
    fa_assert(node->index <= heap->count && heap->nodes[node->index - 1] == node);
    struct fa_heap_node *last = heap->nodes[--heap->count];
    if (last != node) {
        place(heap, last, node->index);
        sift(heap, last);
    }
    node->index = 0;
}

struct fa_heap_node *fa_heap_first(const struct fa_heap *heap)
{
    return heap->count > 0 ? heap->nodes[0] : NULL;
}
