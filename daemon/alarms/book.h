/* SPDX-License-Identifier: MIT */
/* All objects of one sort that the engine knows: found by their id, walked in the order they came.
 * And alarms by their identity. Open addressing with cells of one pointer: in a storm there are a
 * hundred thousand of each. */
#ifndef FA_ALARMS_BOOK_H
#define FA_ALARMS_BOOK_H

#include "base/id.h"

#include <stddef.h>
#include <stdint.h>

/* How each object begins. */
struct fa_listed {
    struct fa_id id;
    void *after, *before; /* in the order they came */
};

struct fa_cells {
    void **list; /* owned; cap is 0 or a power of two */
    size_t count, cap;
};

struct fa_book {
    void *first, *last; /* borrowed, as all in it */
    size_t count;
    struct fa_cells by_id;
};

/* Forgets all; the objects are the caller's. */
void fa_book_done(struct fa_book *book);
/* NULL: there is none. */
void *fa_book_find(const struct fa_book *book, struct fa_id id);
/* Behind all others; its id must not be there yet. */
void fa_book_add(struct fa_book *book, void *object);
void fa_book_remove(struct fa_book *book, void *object);

struct fa_alarm;
/* Its identity has been set. Of two with one identity the first is found. */
void fa_names_add(struct fa_cells *names, struct fa_alarm *alarm);
/* Does nothing to one that is not there. */
void fa_names_remove(struct fa_cells *names, struct fa_alarm *alarm);
struct fa_alarm *fa_names_find(const struct fa_cells *names, const char *identity);
void fa_names_done(struct fa_cells *names);

#endif
