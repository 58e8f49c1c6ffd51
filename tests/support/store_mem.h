/* SPDX-License-Identifier: MIT */
/* A store in memory. What it holds lies on a "disk" that outlives the store, so that a test or a
 * played world can close and open it again as a daemon would. */
#ifndef FA_TEST_STORE_MEM_H
#define FA_TEST_STORE_MEM_H

#include <firealarm/store.h>

#include <stdbool.h>

struct fa_mem_row {
    struct firealarm_row row; /* its texts are owned */
};
struct fa_mem_entry {
    struct firealarm_entry entry; /* its body is owned */
};

struct fa_mem_disk {
    struct fa_mem_row *rows; /* sorted by kind and key */
    size_t row_count, row_cap;
    struct fa_mem_entry *entries;
    size_t entry_count, entry_cap;
    uint64_t commits;
    bool held; /* a store is open on it */
};

extern const struct firealarm_store fa_store_mem;

void fa_mem_disk_init(struct fa_mem_disk *disk);
void fa_mem_disk_done(struct fa_mem_disk *disk);
/* Fills the settings that open fa_store_mem on disk; value is the caller's one option value. */
struct firealarm_settings fa_mem_settings(struct fa_mem_disk *disk, struct firealarm_value *value);
/* The row as it lies on the disk, for tests that damage it; NULL if there is none. */
struct firealarm_row *fa_mem_find(struct fa_mem_disk *disk, uint32_t kind, const char *key);

#endif
