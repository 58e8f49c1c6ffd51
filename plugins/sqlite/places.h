/* SPDX-License-Identifier: MIT */
/* Where the live rows lie: from a hash of kind and key to the number of the row. */
#ifndef FIREALARM_SQLITE_PLACES_H
#define FIREALARM_SQLITE_PLACES_H

#include "internal.h"

/* id 0: free. Packed, as there is one for each live row. */
struct place {
    int64_t id;
    uint32_t hash;
} __attribute__((packed, aligned(4)));

struct places {
    struct place *list; /* open addressing; cap is 0 or a power of two */
    size_t count, cap;
    uint64_t seed;
};

HIDDEN void sqlite_places_done(struct places *places); /* keeps the seed */
HIDDEN uint32_t sqlite_places_hash(const struct places *places, uint32_t kind,
                                   struct firealarm_text key);
/* -1: out of memory, nothing has changed. */
HIDDEN int sqlite_places_add(struct places *places, uint32_t hash, int64_t id);
/* Forgets a row that is in it. */
HIDDEN void sqlite_places_remove(struct places *places, uint32_t hash, int64_t id);
/* The next row with this hash, 0 after the last. *at is SIZE_MAX before the first. Which of them
 * has the key only the table knows. */
HIDDEN int64_t sqlite_places_next(const struct places *places, uint32_t hash, size_t *at);

#endif
