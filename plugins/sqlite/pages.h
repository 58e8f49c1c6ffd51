/* SPDX-License-Identifier: MIT */
/* Journal entries, packed: those of one transaction are one row of the table (or a few), as a row
 * for each costs several times more than what it holds. */
#ifndef FIREALARM_SQLITE_PAGES_H
#define FIREALARM_SQLITE_PAGES_H

#include "internal.h"

/* Entries in one row at most: who reads one entry reads its page. */
#define PAGE_ENTRIES 1024

/* Entries that follow each other; count 0: none. */
struct page {
    uint64_t first, count;
    int64_t time;                             /* of the first */
    uint8_t chain[FIREALARM_STORE_MAC_BYTES]; /* of the last */
    char *bytes;
    size_t len, cap;
};

HIDDEN void sqlite_page_done(struct page *page);
HIDDEN void sqlite_page_clear(struct page *page); /* keeps the memory */
/* -1: out of memory. */
HIDDEN int sqlite_page_add(struct page *page, const struct firealarm_entry *entry);

/* Takes the first entry off *bytes; 0, 1 at the end, -1: they are no page. */
HIDDEN int sqlite_page_next(struct firealarm_text *bytes, struct firealarm_entry *ret_entry);

#endif
