/* SPDX-License-Identifier: MIT */
/* The store contract in memory: rows in one sorted array, a transaction as a list of changes that
 * commit() applies, so that a rolled-back one never touched anything. History is sorted for each
 * query: simple, and fast enough for what tests and played worlds hold. */
#include "store_mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct firealarm_option options[] = {
    {.name = "disk",
     .type = FIREALARM_OPT_INT,
     .flags = FIREALARM_OPT_REQUIRED,
     .help = "address of a struct fa_mem_disk"},
    {.name = NULL},
};

struct change {
    enum { PUT, ERASE, APPEND } what;
    struct firealarm_row row; /* PUT, ERASE; texts owned */
    struct firealarm_entry entry;
};

struct self {
    struct fa_mem_disk *disk;
    struct change *changes;
    size_t change_count, change_cap;
    uint64_t appended;
    bool in_transaction;
};

static void *grow(void *array, size_t count, size_t *cap, size_t element)
{
    if (count < *cap) {
        return array;
    }
    *cap = *cap == 0 ? 16 : *cap * 2;
    array = realloc(array, *cap * element);
    if (array == NULL) {
        abort();
    }
    return array;
}

static struct firealarm_text copy_text(struct firealarm_text text)
{
    char *copy = malloc(text.len + 1);
    if (copy == NULL) {
        abort();
    }
    if (text.len > 0) {
        memcpy(copy, text.ptr, text.len);
    }
    copy[text.len] = '\0';
    return (struct firealarm_text){copy, text.len};
}

static void free_text(struct firealarm_text text)
{
    char *owned;
    memcpy(&owned, &text.ptr, sizeof owned);
    free(owned);
}

static int compare_text(struct firealarm_text a, struct firealarm_text b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len > 0 ? memcmp(a.ptr, b.ptr, len) : 0;
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static int compare(uint32_t kind, struct firealarm_text key, const struct firealarm_row *row)
{
    return kind != row->kind ? (kind > row->kind ? 1 : -1) : compare_text(key, row->key);
}

/* Where (kind, key) is or belongs. */
static size_t locate(const struct fa_mem_disk *disk, uint32_t kind, struct firealarm_text key,
                     bool *ret_found)
{
    size_t low = 0, high = disk->row_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare(kind, key, &disk->rows[middle].row);
        if (order == 0) {
            *ret_found = true;
            return middle;
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    *ret_found = false;
    return low;
}

static int32_t fail(struct firealarm_error *error, int32_t code, const char *text)
{
    snprintf(error->text, sizeof error->text, "%s", text);
    return code;
}

void fa_mem_disk_init(struct fa_mem_disk *disk)
{
    *disk = (struct fa_mem_disk){0};
}

void fa_mem_disk_done(struct fa_mem_disk *disk)
{
    for (size_t i = 0; i < disk->row_count; i++) {
        free_text(disk->rows[i].row.key);
        free_text(disk->rows[i].row.value);
    }
    for (size_t i = 0; i < disk->entry_count; i++) {
        free_text(disk->entries[i].entry.body);
    }
    free(disk->rows);
    free(disk->entries);
    fa_mem_disk_init(disk);
}

struct firealarm_settings fa_mem_settings(struct fa_mem_disk *disk, struct firealarm_value *value)
{
    *value = (struct firealarm_value){.number = (int64_t)(intptr_t)disk};
    return (struct firealarm_settings){"memory", value, 1};
}

struct firealarm_row *fa_mem_find(struct fa_mem_disk *disk, uint32_t kind, const char *key)
{
    bool found;
    size_t at = locate(disk, kind, (struct firealarm_text){key, strlen(key)}, &found);
    return found ? &disk->rows[at].row : NULL;
}

static int32_t store_open(const struct firealarm_host *host,
                          const struct firealarm_settings *settings, void **ret_self,
                          struct firealarm_error *error)
{
    struct fa_mem_disk *disk = (struct fa_mem_disk *)(intptr_t)settings->values[0].number;
    if (disk->held) {
        return fail(error, FIREALARM_STORE_BUSY, "held by this process");
    }
    struct self *self = calloc(1, sizeof *self);
    if (self == NULL) {
        abort();
    }
    self->disk = disk;
    disk->held = true;
    *ret_self = self;
    return 0;
}

static void forget_changes(struct self *self)
{
    for (size_t i = 0; i < self->change_count; i++) {
        free_text(self->changes[i].row.key);
        free_text(self->changes[i].row.value);
        free_text(self->changes[i].entry.body);
    }
    self->change_count = 0;
    self->in_transaction = false;
}

static void store_close(void *ptr)
{
    struct self *self = ptr;
    if (self != NULL) {
        forget_changes(self);
        free(self->changes);
        self->disk->held = false;
        free(self);
    }
}

static int32_t load(void *ptr, firealarm_row_fn *row, firealarm_entry_fn *head, void *ctx,
                    struct firealarm_error *error)
{
    const struct fa_mem_disk *disk = ((struct self *)ptr)->disk;
    for (size_t i = 0; i < disk->row_count; i++) {
        int32_t rc = disk->rows[i].row.live % 2 == 1 ? row(ctx, &disk->rows[i].row) : 0;
        if (rc != 0) {
            return rc;
        }
    }
    return disk->entry_count > 0 ? head(ctx, &disk->entries[disk->entry_count - 1].entry) : 0;
}

static int32_t expect(const struct self *self, bool in_transaction, struct firealarm_error *error)
{
    return self->in_transaction == in_transaction
               ? 0
               : fail(error, FIREALARM_STORE_FAILED, "begin, then change, then commit");
}

static int32_t begin(void *ptr, struct firealarm_error *error)
{
    struct self *self = ptr;
    int32_t rc = expect(self, false, error);
    if (rc == 0) {
        self->in_transaction = true;
        self->appended = self->disk->entry_count;
    }
    return rc;
}

static struct change *add_change(struct self *self)
{
    self->changes =
        grow(self->changes, self->change_count, &self->change_cap, sizeof *self->changes);
    struct change *change = &self->changes[self->change_count++];
    memset(change, 0, sizeof *change);
    return change;
}

static int32_t put(void *ptr, const struct firealarm_row *row, struct firealarm_error *error)
{
    struct self *self = ptr;
    int32_t rc = expect(self, true, error);
    if (rc != 0) {
        return rc;
    }
    if (row->key.len == 0 || row->key.len > FIREALARM_STORE_KEY_MAX ||
        row->value.len > FIREALARM_STORE_VALUE_MAX || row->live > 2) {
        return fail(error, FIREALARM_STORE_FAILED, "a row breaks the store's limits");
    }
    struct change *change = add_change(self);
    change->what = PUT;
    change->row = *row;
    change->row.key = copy_text(row->key);
    change->row.value = copy_text(row->value);
    return 0;
}

static int32_t erase(void *ptr, uint32_t kind, struct firealarm_text key,
                     struct firealarm_error *error)
{
    struct self *self = ptr;
    int32_t rc = expect(self, true, error);
    if (rc == 0) {
        struct change *change = add_change(self);
        change->what = ERASE;
        change->row.kind = kind;
        change->row.key = copy_text(key);
    }
    return rc;
}

static int32_t append(void *ptr, const struct firealarm_entry *entry, struct firealarm_error *error)
{
    struct self *self = ptr;
    int32_t rc = expect(self, true, error);
    if (rc != 0) {
        return rc;
    }
    if (entry->n != self->appended + 1) {
        return fail(error, FIREALARM_STORE_FAILED, "a gap in the journal");
    }
    struct change *change = add_change(self);
    change->what = APPEND;
    change->entry = *entry;
    change->entry.body = copy_text(entry->body);
    self->appended = entry->n;
    return 0;
}

static void apply_row(struct fa_mem_disk *disk, struct change *change)
{
    bool found;
    size_t at = locate(disk, change->row.kind, change->row.key, &found);
    if (found) {
        free_text(disk->rows[at].row.key);
        free_text(disk->rows[at].row.value);
    }
    if (change->what == ERASE) {
        if (found) {
            memmove(&disk->rows[at], &disk->rows[at + 1],
                    (disk->row_count - at - 1) * sizeof *disk->rows);
            disk->row_count--;
        }
        return;
    }
    if (!found) {
        disk->rows = grow(disk->rows, disk->row_count, &disk->row_cap, sizeof *disk->rows);
        memmove(&disk->rows[at + 1], &disk->rows[at], (disk->row_count - at) * sizeof *disk->rows);
        disk->row_count++;
    }
    disk->rows[at].row = change->row;
    change->row.key = change->row.value = (struct firealarm_text){NULL, 0};
}

static int32_t commit(void *ptr, struct firealarm_error *error)
{
    struct self *self = ptr;
    struct fa_mem_disk *disk = self->disk;
    int32_t rc = expect(self, true, error);
    if (rc != 0) {
        return rc;
    }
    for (size_t i = 0; i < self->change_count; i++) {
        struct change *change = &self->changes[i];
        if (change->what != APPEND) {
            apply_row(disk, change);
            continue;
        }
        disk->entries =
            grow(disk->entries, disk->entry_count, &disk->entry_cap, sizeof *disk->entries);
        disk->entries[disk->entry_count++].entry = change->entry;
        change->entry.body = (struct firealarm_text){NULL, 0};
    }
    forget_changes(self);
    disk->commits++;
    return 0;
}

static void rollback(void *ptr)
{
    forget_changes(ptr);
}

static int32_t get(void *ptr, uint32_t kind, struct firealarm_text key, firealarm_row_fn *row,
                   void *ctx, struct firealarm_error *error)
{
    const struct fa_mem_disk *disk = ((struct self *)ptr)->disk;
    bool found;
    size_t at = locate(disk, kind, key, &found);
    return found ? row(ctx, &disk->rows[at].row)
                 : fail(error, FIREALARM_STORE_NOT_FOUND, "there is no such row");
}

static int compare_age(const struct firealarm_row *row, int64_t time, struct firealarm_text key)
{
    return row->time != time ? (row->time > time ? 1 : -1) : compare_text(row->key, key);
}

static int newest_first(const void *a, const void *b)
{
    const struct firealarm_row *const *left = a, *const *right = b;
    return -compare_age(*left, (*right)->time, (*right)->key);
}

static int32_t query(void *ptr, uint32_t kind, int64_t before, struct firealarm_text before_key,
                     uint32_t limit, firealarm_row_fn *row, void *ctx,
                     struct firealarm_error *error)
{
    const struct fa_mem_disk *disk = ((struct self *)ptr)->disk;
    const struct firealarm_row **found = calloc(disk->row_count + 1, sizeof *found);
    size_t count = 0;
    int32_t rc = 0;
    for (size_t i = 0; i < disk->row_count && found != NULL; i++) {
        const struct firealarm_row *at = &disk->rows[i].row;
        if (at->kind == kind && at->live != 1 && compare_age(at, before, before_key) < 0) {
            found[count++] = at;
        }
    }
    if (count > 0) {
        qsort(found, count, sizeof *found, newest_first);
    }
    for (size_t i = 0; i < count && i < limit && rc == 0; i++) {
        rc = row(ctx, found[i]);
    }
    free(found);
    return rc;
}

static int32_t journal(void *ptr, uint64_t from, uint32_t limit, firealarm_entry_fn *entry,
                       void *ctx, struct firealarm_error *error)
{
    const struct fa_mem_disk *disk = ((struct self *)ptr)->disk;
    uint64_t n = from > 0 ? from : 1;
    int32_t rc = 0;
    for (uint32_t i = 0; i < limit && n <= disk->entry_count && rc == 0; i++, n++) {
        rc = entry(ctx, &disk->entries[n - 1].entry);
    }
    return rc;
}

const struct firealarm_store fa_store_mem = {
    .abi = FIREALARM_STORE_ABI,
    .size = sizeof(struct firealarm_store),
    .name = "memory",
    .version = "1",
    .summary = "rows in memory, for tests",
    .options = options,
    .open = store_open,
    .close = store_close,
    .load = load,
    .begin = begin,
    .put = put,
    .erase = erase,
    .append = append,
    .commit = commit,
    .rollback = rollback,
    .get = get,
    .query = query,
    .journal = journal,
};
