/* SPDX-License-Identifier: MIT */
/* A hash table with linear probing and no tombstones: what lies behind a gap moves up. It decides
 * nothing: two rows may have one hash, and the table of the database says which is meant. The seed
 * keeps whoever chooses keys from choosing their places. */
#include "places.h"

#include <stdlib.h>
#include <string.h>

#define CAP_FIRST 64

void sqlite_places_done(struct places *places)
{
    free(places->list);
    *places = (struct places){.seed = places->seed};
}

static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 32) * 0xd6e8feb86659fd93u;
    return (x ^ x >> 29) * 0xa0761d6478bd642fu;
}

uint32_t sqlite_places_hash(const struct places *places, uint32_t kind, struct firealarm_text key)
{
    uint64_t hash = mix(places->seed ^ ((uint64_t)kind << 8 | key.len));
    for (size_t i = 0; i < key.len; i += 8) {
        uint64_t word = 0;
        memcpy(&word, key.ptr + i, key.len - i < 8 ? key.len - i : 8);
        hash = mix(hash + word);
    }
    return (uint32_t)(hash >> 32);
}

static void insert(struct places *places, struct place place)
{
    size_t at = place.hash & (places->cap - 1);
    while (places->list[at].id != 0) {
        at = (at + 1) & (places->cap - 1);
    }
    places->list[at] = place;
}

static int grow(struct places *places)
{
    struct places wider = {.count = places->count,
                           .cap = places->cap == 0 ? CAP_FIRST : 2 * places->cap,
                           .seed = places->seed};
    wider.list = calloc(wider.cap, sizeof *wider.list);
    if (wider.list == NULL) {
        return -1;
    }
    for (size_t i = 0; i < places->cap; i++) {
        if (places->list[i].id != 0) {
            insert(&wider, places->list[i]);
        }
    }
    free(places->list);
    *places = wider;
    return 0;
}

int sqlite_places_add(struct places *places, uint32_t hash, int64_t id)
{
    if (8 * (places->count + 1) > 7 * places->cap && grow(places) != 0) {
        return -1;
    }
    insert(places, (struct place){.id = id, .hash = hash});
    places->count++;
    return 0;
}

int64_t sqlite_places_next(const struct places *places, uint32_t hash, size_t *at)
{
    if (places->cap == 0) {
        return 0;
    }
    size_t mask = places->cap - 1;
    *at = (*at == SIZE_MAX ? hash : *at + 1) & mask;
    while (places->list[*at].id != 0 && places->list[*at].hash != hash) {
        *at = (*at + 1) & mask;
    }
    return places->list[*at].id;
}

void sqlite_places_remove(struct places *places, uint32_t hash, int64_t id)
{
    size_t mask = places->cap - 1, gap = hash & mask;
    while (places->list[gap].id != id) {
        gap = (gap + 1) & mask;
    }
    for (size_t at = (gap + 1) & mask; places->list[at].id != 0; at = (at + 1) & mask) {
        /* It may move up unless that would put it before the place its hash asks for. */
        if (((at - places->list[at].hash) & mask) >= ((at - gap) & mask)) {
            places->list[gap] = places->list[at];
            gap = at;
        }
    }
    places->list[gap].id = 0;
    places->count--;
}
