/* SPDX-License-Identifier: MIT */
/* Linear probing without tombstones: what lies behind a gap moves up. A cell is a pointer and no
 * more; the hash is in the object, an id's own bytes or kept beside an identity.
 *
 * Invariant: the order of a walk is that of adding, whatever the hashes are: what the engine
 * decides rests on it. */
#include "alarms/alarm.h"
#include "base/panic.h"
#include "metrics/index.h"

#include <stdlib.h>
#include <string.h>

_Static_assert(offsetof(struct fa_alarm, after) == offsetof(struct fa_listed, after) &&
                   offsetof(struct fa_incident, after) == offsetof(struct fa_listed, after) &&
                   offsetof(struct fa_notification, after) == offsetof(struct fa_listed, after) &&
                   offsetof(struct fa_silence, after) == offsetof(struct fa_listed, after) &&
                   offsetof(struct fa_silence, before) == offsetof(struct fa_listed, before) &&
                   offsetof(struct fa_alarm, before) == offsetof(struct fa_listed, before) &&
                   offsetof(struct fa_incident, before) == offsetof(struct fa_listed, before) &&
                   offsetof(struct fa_notification, before) == offsetof(struct fa_listed, before),
               "each begins as fa_listed");

typedef uint32_t hash_fn(const void *object);

static uint32_t hash_id(struct fa_id id)
{
    uint64_t half; /* random, or a keyed hash, but for damaged rows */
    memcpy(&half, id.bytes, sizeof half);
    return (uint32_t)((half * 0x9e3779b97f4a7c15u) >> 32);
}

static uint32_t hash_object(const void *object)
{
    return hash_id(((const struct fa_listed *)object)->id);
}

static uint32_t hash_name(const void *object)
{
    return ((const struct fa_alarm *)object)->name_hash;
}

static void place(struct fa_cells *cells, void *object, hash_fn *hash)
{
    size_t at = hash(object) & (cells->cap - 1);
    while (cells->list[at] != NULL) {
        at = (at + 1) & (cells->cap - 1);
    }
    cells->list[at] = object;
}

/* At most 7/8 full. */
static void add(struct fa_cells *cells, void *object, hash_fn *hash)
{
    if (8 * (cells->count + 1) > 7 * cells->cap) {
        struct fa_cells old = *cells;
        cells->cap = old.cap == 0 ? 16 : 2 * old.cap;
        cells->list = fa_xcalloc(cells->cap, sizeof cells->list[0]);
        /* From behind a gap on, so that of two alike the first stays the first. */
        size_t gap = 0;
        while (gap < old.cap && old.list[gap] != NULL) {
            gap++;
        }
        for (size_t i = 0; i < old.cap; i++) {
            void *moved = old.list[(gap + i) & (old.cap - 1)];
            if (moved != NULL) {
                place(cells, moved, hash);
            }
        }
        free(old.list);
    }
    place(cells, object, hash);
    cells->count++;
}

static void take_out(struct fa_cells *cells, const void *object, hash_fn *hash)
{
    size_t mask = cells->cap - 1, gap = hash(object) & mask;
    while (cells->list[gap] != object) {
        fa_assert(cells->list[gap] != NULL);
        gap = (gap + 1) & mask;
    }
    for (size_t at = (gap + 1) & mask; cells->list[at] != NULL; at = (at + 1) & mask) {
        /* It may move up unless that would put it before the place its hash asks for. */
        if (((at - hash(cells->list[at])) & mask) >= ((at - gap) & mask)) {
            cells->list[gap] = cells->list[at];
            gap = at;
        }
    }
    cells->list[gap] = NULL;
    cells->count--;
}

static void done(struct fa_cells *cells)
{
    free(cells->list);
    *cells = (struct fa_cells){0};
}

/* ---- by id ---- */

void fa_book_done(struct fa_book *book)
{
    done(&book->by_id);
    *book = (struct fa_book){0};
}

void *fa_book_find(const struct fa_book *book, struct fa_id id)
{
    const struct fa_cells *cells = &book->by_id;
    if (cells->cap == 0) {
        return NULL;
    }
    size_t at = hash_id(id) & (cells->cap - 1);
    while (cells->list[at] != NULL &&
           !fa_id_eq(((const struct fa_listed *)cells->list[at])->id, id)) {
        at = (at + 1) & (cells->cap - 1);
    }
    return cells->list[at];
}

void fa_book_add(struct fa_book *book, void *object)
{
    struct fa_listed *listed = object;
    listed->after = NULL;
    listed->before = book->last;
    if (book->last != NULL) {
        ((struct fa_listed *)book->last)->after = object;
    } else {
        book->first = object;
    }
    book->last = object;
    book->count++;
    add(&book->by_id, object, hash_object);
}

void fa_book_remove(struct fa_book *book, void *object)
{
    struct fa_listed *listed = object, *before = listed->before, *after = listed->after;
    take_out(&book->by_id, object, hash_object);
    if (before != NULL) {
        before->after = after;
    } else {
        book->first = after;
    }
    if (after != NULL) {
        after->before = before;
    } else {
        book->last = before;
    }
    listed->after = listed->before = NULL;
    book->count--;
}

/* ---- by identity ---- */

static uint32_t hash_text(const char *identity)
{
    return fa_index_hash(fa_hash(fa_str_of(identity), 0));
}

void fa_names_add(struct fa_cells *names, struct fa_alarm *alarm)
{
    alarm->name_hash = hash_text(alarm->identity);
    alarm->named = true;
    add(names, alarm, hash_name);
}

void fa_names_remove(struct fa_cells *names, struct fa_alarm *alarm)
{
    if (alarm->named) {
        take_out(names, alarm, hash_name);
        alarm->named = false;
    }
}

struct fa_alarm *fa_names_find(const struct fa_cells *names, const char *identity)
{
    if (names->cap == 0) {
        return NULL;
    }
    uint32_t hash = hash_text(identity);
    size_t at = hash & (names->cap - 1);
    struct fa_alarm *alarm;
    while ((alarm = names->list[at]) != NULL &&
           (alarm->name_hash != hash || strcmp(alarm->identity, identity) != 0)) {
        at = (at + 1) & (names->cap - 1);
    }
    return alarm;
}

void fa_names_done(struct fa_cells *names)
{
    done(names);
}
