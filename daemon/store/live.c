/* SPDX-License-Identifier: MIT */
/* A hash table with linear probing; ids are keyed hashes already, so their lowest bits are
 * the place. Erasing moves the rows behind the gap up, there are no tombstones. The digest always
 * is that of the rows in the table: putting the same changes in twice, as a retried batch does,
 * ends with the same digest. */
#include "store/live.h"

#include "base/panic.h"

#include <stdlib.h>
#include <string.h>

static size_t place(const struct live_set *set, uint64_t id)
{
    return (size_t)id & (set->cap - 1);
}

/* Where the id is, or the free place where it belongs. */
static size_t find(const struct live_set *set, uint64_t id)
{
    size_t at = place(set, id);
    while (set->rows[at].id != 0 && set->rows[at].id != id) {
        at = (at + 1) & (set->cap - 1);
    }
    return at;
}

static void grow(struct live_set *set)
{
    struct live_row *old = set->rows;
    size_t old_cap = set->cap;
    set->cap = old_cap == 0 ? 64 : old_cap * 2;
    set->rows = fa_xcalloc(set->cap, sizeof *set->rows);
    for (size_t i = 0; i < old_cap; i++) {
        if (old[i].id != 0) {
            set->rows[find(set, old[i].id)] = old[i];
        }
    }
    free(old);
}

void live_set_done(struct live_set *set)
{
    free(set->rows);
    *set = (struct live_set){.rows = NULL};
}

void live_set_put(struct live_set *set, uint64_t id, const uint8_t mac[FIREALARM_STORE_MAC_BYTES])
{
    if (8 * (set->count + 1) > 7 * set->cap) {
        grow(set);
    }
    id = id != 0 ? id : 1;
    struct live_row *row = &set->rows[find(set, id)];
    set->count += row->id == 0;
    set->digest ^= row->mac; /* 0 in a free place */
    row->id = id;
    memcpy(&row->mac, mac, sizeof row->mac);
    set->digest ^= row->mac;
}

void live_set_erase(struct live_set *set, uint64_t id)
{
    size_t gap = set->cap > 0 ? find(set, id != 0 ? id : 1) : 0;
    if (set->cap == 0 || set->rows[gap].id == 0) {
        return;
    }
    set->digest ^= set->rows[gap].mac;
    set->count--;
    size_t mask = set->cap - 1;
    for (size_t at = (gap + 1) & mask; set->rows[at].id != 0; at = (at + 1) & mask) {
        /* A row may move up unless that would put it before the place it hashes to. */
        if (((at - place(set, set->rows[at].id)) & mask) >= ((at - gap) & mask)) {
            set->rows[gap] = set->rows[at];
            gap = at;
        }
    }
    set->rows[gap] = (struct live_row){0};
}
