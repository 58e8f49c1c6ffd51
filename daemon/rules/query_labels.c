/* SPDX-License-Identifier: MIT */
/* Label sets of an evaluation. They are never changed, only made anew, and share their texts with
 * the set that they were made of. */
#include "rules/query_walk.h"

#include "base/panic.h"
#include "rules/regex.h"

#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

int fa_labels_cmp(const struct fa_labels *a, const struct fa_labels *b)
{
    for (size_t i = 0; i < a->count && i < b->count; i++) {
        int order = fa_str_cmp(a->items[i].name, b->items[i].name);
        if (order == 0) {
            order = fa_str_cmp(a->items[i].value, b->items[i].value);
        }
        if (order != 0) {
            return order;
        }
    }
    return a->count < b->count ? -1 : a->count > b->count;
}

bool fa_promql_matches(const struct fa_promql_matcher *matcher, const struct fa_labels *labels)
{
    struct fa_str value = fa_labels_get(labels, matcher->name);
    switch (matcher->kind) {
    case FA_MATCH_EQUAL:
        return fa_str_eq(value, matcher->value);
    case FA_MATCH_NOT_EQUAL:
        return !fa_str_eq(value, matcher->value);
    case FA_MATCH_REGEX:
        return fa_regex_matches(matcher->regex, value.len > 0 ? value : FA_STR(""));
    case FA_MATCH_NOT_REGEX:
    default:
        return !fa_regex_matches(matcher->regex, value.len > 0 ? value : FA_STR(""));
    }
}

const struct fa_labels *fa_labels_none(void)
{
    static const struct fa_labels none = {.count = 0};
    return &none;
}

static struct fa_labels *labels_new(struct fa_query *query, size_t count_max)
{
    return fa_scratch_take(&query->arena,
                           sizeof(struct fa_labels) + count_max * sizeof(struct fa_label));
}

static bool is_meta(struct fa_str name)
{
    return fa_str_is(name, "__name__") || fa_str_is(name, "__type__") ||
           fa_str_is(name, "__unit__");
}

const struct fa_labels *fa_labels_nameless(struct fa_query *query, const struct fa_labels *labels)
{
    struct fa_labels *made = NULL;
    for (size_t i = 0; i < labels->count; i++) {
        bool drop = is_meta(labels->items[i].name);
        if (drop && made == NULL) {
            made = labels_new(query, labels->count);
            memcpy(made->items, labels->items, i * sizeof labels->items[0]);
            made->count = i;
        } else if (!drop && made != NULL) {
            made->items[made->count++] = labels->items[i];
        }
    }
    return made != NULL ? made : labels;
}

static bool has_name(const struct fa_promql_names *names, struct fa_str name)
{
    for (size_t i = 0; i < names->count; i++) {
        if (fa_str_eq(names->items[i], name)) {
            return true;
        }
    }
    return false;
}

const struct fa_labels *fa_labels_keep(struct fa_query *query, const struct fa_labels *labels,
                                       const struct fa_promql_names *names)
{
    struct fa_labels *made = labels_new(query, labels->count);
    for (size_t i = 0; i < labels->count; i++) {
        if (has_name(names, labels->items[i].name)) {
            made->items[made->count++] = labels->items[i];
        }
    }
    return made;
}

const struct fa_labels *fa_labels_drop(struct fa_query *query, const struct fa_labels *labels,
                                       const struct fa_promql_names *names, bool name_too)
{
    struct fa_labels *made = labels_new(query, labels->count);
    for (size_t i = 0; i < labels->count; i++) {
        if (!has_name(names, labels->items[i].name) &&
            !(name_too && fa_str_is(labels->items[i].name, "__name__"))) {
            made->items[made->count++] = labels->items[i];
        }
    }
    return made;
}

const struct fa_labels *fa_labels_with(struct fa_query *query, const struct fa_labels *labels,
                                       struct fa_str name, struct fa_str value)
{
    struct fa_labels *made = labels_new(query, labels->count + 1);
    bool placed = value.len == 0;
    for (size_t i = 0; i < labels->count; i++) {
        int order = fa_str_cmp(labels->items[i].name, name);
        if (order >= 0 && !placed) {
            made->items[made->count++] = (struct fa_label){name, value};
            placed = true;
        }
        if (order != 0) {
            made->items[made->count++] = labels->items[i];
        }
    }
    if (!placed) {
        made->items[made->count++] = (struct fa_label){name, value};
    }
    return made;
}

/* A label that two matchers speak of is not said, as Prometheus has it. */
const struct fa_labels *fa_labels_absent(struct fa_query *query, const struct fa_promql_node *node)
{
    const struct fa_labels *labels = fa_labels_none();
    if (node->kind != FA_PROMQL_SELECTOR) {
        return labels;
    }
    for (size_t i = 0; i < node->u.selector.matcher_count; i++) {
        const struct fa_promql_matcher *matcher = &node->u.selector.matchers[i];
        bool seen = false;
        if (fa_str_is(matcher->name, "__name__")) {
            continue;
        }
        for (size_t j = 0; j < i; j++) {
            const struct fa_promql_matcher *before = &node->u.selector.matchers[j];
            seen =
                seen || (before->kind == FA_MATCH_EQUAL && fa_str_eq(before->name, matcher->name));
        }
        labels =
            fa_labels_with(query, labels, matcher->name,
                           matcher->kind == FA_MATCH_EQUAL && !seen ? matcher->value : FA_STR(""));
    }
    return labels;
}

uint64_t fa_labels_hash(const struct fa_labels *labels)
{
    uint64_t hash = labels->count;
    for (size_t i = 0; i < labels->count; i++) {
        hash = XXH64(labels->items[i].name.ptr, labels->items[i].name.len, hash);
        hash = XXH64(labels->items[i].value.ptr, labels->items[i].value.len, hash);
    }
    return hash;
}

/* ---- numbering ---- */

static size_t slot_of(const struct fa_label_map *map, const struct fa_labels *labels, uint64_t hash)
{
    size_t slot = hash & (map->slot_count - 1);
    while (map->slots[slot] != 0) {
        size_t number = map->slots[slot] - 1;
        if (map->hashes[number] == hash && fa_labels_cmp(map->items[number], labels) == 0) {
            break;
        }
        slot = (slot + 1) & (map->slot_count - 1);
    }
    return slot;
}

static void widen(struct fa_query *query, struct fa_label_map *map)
{
    size_t old_cap = map->cap, hash_cap = map->cap;
    map->items = fa_scratch_grow(&query->arena, map->items, map->count, &map->cap,
                                 sizeof(const struct fa_labels *));
    map->hashes =
        fa_scratch_grow(&query->arena, map->hashes, map->count, &hash_cap, sizeof *map->hashes);
    if (map->cap == old_cap) {
        return;
    }
    map->slot_count = 16;
    while (map->slot_count < map->cap * 2) {
        map->slot_count *= 2;
    }
    map->slots = fa_scratch_take(&query->arena, map->slot_count * sizeof *map->slots);
    for (size_t i = 0; i < map->count; i++) {
        size_t slot = map->hashes[i] & (map->slot_count - 1);
        while (map->slots[slot] != 0) {
            slot = (slot + 1) & (map->slot_count - 1);
        }
        map->slots[slot] = (uint32_t)i + 1;
    }
}

size_t fa_label_map_find(const struct fa_label_map *map, const struct fa_labels *labels)
{
    if (map->slot_count == 0) {
        return SIZE_MAX;
    }
    uint32_t number = map->slots[slot_of(map, labels, fa_labels_hash(labels))];
    return number != 0 ? number - 1 : SIZE_MAX;
}

size_t fa_label_map_put(struct fa_query *query, struct fa_label_map *map,
                        const struct fa_labels *labels, bool *ret_added)
{
    uint64_t hash = fa_labels_hash(labels);
    widen(query, map);
    size_t slot = slot_of(map, labels, hash);
    *ret_added = map->slots[slot] == 0;
    if (*ret_added) {
        map->items[map->count] = labels;
        map->hashes[map->count++] = hash;
        map->slots[slot] = (uint32_t)map->count;
    }
    return map->slots[slot] - 1;
}
