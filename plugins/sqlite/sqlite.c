/* SPDX-License-Identifier: MIT */
/* The embedded store: rows and journal in one SQLite database, in a directory of their own.
 *
 * Invariants:
 *  1. commit() is 0 only after SQLite synced the WAL (synchronous=FULL).
 *  2. A failure that leaves the outcome open is FIREALARM_STORE_UNKNOWN and never retried here:
 *     after a failed fsync the kernel may take dirty pages for clean, so only a fresh look at the
 *     disk tells the truth. A checkpoint that fails this way is the same, although the commit
 *     before it is durable.
 *  3. FIREALARM_STORE_FULL means that nothing of the transaction is there, as long as this process
 *     lives: half a page that was still written may happen to be whole with what lay there before,
 *     which the next start would find.
 *
 * Rows are in rows.c, the journal and its transactions are here.
 * What it does not do: understand a row, hold one in memory, wait for a lock.
 * Tests: tests/unit/test_store_conformance.c, tests/unit/test_store_sqlite.c, and the campaigns
 * tests/faults/fault_power_loss.c, fault_disk_io.c, fault_bit_flips.c, fault_migration.c. */
#include "pages.h"
#include "rows.h"
#include "stmt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FRAMES_MAX 512
#define FRAMES_MIN 16
#define PAGE_BYTES 4096

enum { OPT_PATH, OPT_BALLAST, OPT_ALLOW_UNSAFE_FS };

static const struct firealarm_option options[] = {
    [OPT_PATH] = {.name = "path",
                  .type = FIREALARM_OPT_TEXT,
                  .flags = FIREALARM_OPT_REQUIRED,
                  .help = "directory of the store, absolute; nothing else belongs in it"},
    [OPT_BALLAST] = {.name = "ballast",
                     .type = FIREALARM_OPT_INT,
                     .default_text = "4194304",
                     .max = 1 << 30,
                     .help = "bytes held back for when the disk is full; 0: none"},
    [OPT_ALLOW_UNSAFE_FS] = {.name = "allow_unsafe_fs",
                             .type = FIREALARM_OPT_BOOL,
                             .default_text = "false",
                             .help = "take a network, overlay or memory file system"},
    {.name = NULL},
};

enum { STMT_BEGIN, STMT_COMMIT, STMT_ROLLBACK, STMT_APPEND, STMT_HEAD, STMT_JOURNAL, STMT__COUNT };

#define ENTRY_COLUMNS "n, time, body, chain, count"

static const char *const statements[STMT__COUNT] = {
    [STMT_BEGIN] = "BEGIN IMMEDIATE",
    [STMT_COMMIT] = "COMMIT",
    [STMT_ROLLBACK] = "ROLLBACK",
    [STMT_APPEND] = "INSERT INTO journal (" ENTRY_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5)",
    [STMT_HEAD] = "SELECT " ENTRY_COLUMNS " FROM journal ORDER BY n DESC LIMIT 1",
    [STMT_JOURNAL] = "SELECT " ENTRY_COLUMNS " FROM journal WHERE n >= (SELECT "
                     "coalesce(max(n), ?1) FROM journal WHERE n <= ?1) ORDER BY n",
};

struct self {
    bool in_transaction;
    bool doubtful; /* load() shows every row, for the host to look at its MAC */
    struct dir dir;
    sqlite3 *db;
    sqlite3_stmt *stmts[STMT__COUNT];
    uint64_t head, appended; /* newest journal entry: durable, and within the transaction */
    struct page page;        /* of them, those that are not in a row yet */
    int wal_frames;          /* after the last commit */
    struct rows rows;
    struct copy *copying; /* NULL: none is being taken */
    bool is_copy;         /* its directory is not the store's */
    struct dir target;    /* the store's, if this copy may be adopted */
};

static void close_database(struct self *self)
{
    sqlite_copy_end(self->copying);
    self->copying = NULL;
    sqlite_stmts_close(self->stmts, STMT__COUNT);
    sqlite_rows_close(&self->rows);
    sqlite3_close(self->db);
    self->db = NULL;
}

static void store_close(void *ptr)
{
    struct self *self = ptr;
    if (self == NULL) {
        return;
    }
    close_database(self);
    if (self->target.fd >= 0) {
        sqlite_copy_unstage(&self->target);
    } else if (self->is_copy && self->dir.fd >= 0) {
        (void)unlinkat(self->dir.fd, LOCK_FILE, 0);
    }
    sqlite_page_done(&self->page);
    sqlite_dir_close(&self->dir);
    sqlite_dir_close(&self->target);
    free(self);
}

static int on_wal(void *ctx, sqlite3 *db, const char *name, int frames)
{
    struct self *self = ctx;
    self->wal_frames = frames;
    return SQLITE_OK;
}

static int32_t step(struct self *self, int which, struct firealarm_error *error, const char *doing)
{
    return sqlite_stmt_run(self->stmts[which], error, doing);
}

struct walk {
    firealarm_entry_fn *fn;
    void *ctx;
    uint64_t from; /* entries before it are passed over */
    uint64_t left; /* how many more are wanted */
    struct firealarm_error *error;
};

/* The entries of one row of the journal. */
static int32_t walk_page(const struct walk *walk, sqlite3_stmt *stmt, uint64_t *left)
{
    struct firealarm_text bytes = sqlite_stmt_blob(stmt, 2), chain = sqlite_stmt_blob(stmt, 3);
    struct firealarm_entry entry = {.n = (uint64_t)sqlite3_column_int64(stmt, 0),
                                    .time = sqlite3_column_int64(stmt, 1),
                                    .body = bytes};
    int32_t stop = 0;
    int rc = 0;
    if (sqlite3_column_int64(stmt, 4) == 0) { /* one entry, as it is */
        memcpy(entry.chain, chain.ptr,
               chain.len < sizeof entry.chain ? chain.len : sizeof entry.chain);
        if (entry.n >= walk->from) {
            stop = walk->fn(walk->ctx, &entry);
            --*left;
        }
        return stop;
    }
    for (; stop == 0 && *left > 0 && (rc = sqlite_page_next(&bytes, &entry)) == 0; entry.n++) {
        if (entry.n >= walk->from) {
            stop = walk->fn(walk->ctx, &entry);
            --*left;
        }
    }
    return rc < 0 ? sqlite_fail(walk->error, FIREALARM_STORE_CORRUPT,
                                "the journal's page from %llu on cannot be read",
                                (unsigned long long)sqlite3_column_int64(stmt, 0))
                  : stop;
}

static int32_t walk_entries(struct self *self, sqlite3_stmt *stmt, const struct walk *walk)
{
    int rc = SQLITE_DONE;
    int32_t stop = 0;
    uint64_t left = walk->left;
    while (stop == 0 && left > 0 && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        stop = walk_page(walk, stmt, &left);
    }
    bool ended = stop != 0 || left == 0;
    int32_t code = sqlite_stmt_end(stmt, ended ? SQLITE_DONE : rc, walk->error, "read the journal");
    return stop != 0 ? stop : sqlite_read_failed(code);
}

static int32_t newest(void *ctx, const struct firealarm_entry *entry)
{
    struct walk *walk = ctx;
    walk->from = entry->n;
    return 0;
}

/* The newest entry as its row alone tells it: its number and its chain, and no body. */
static int32_t head_of_row(struct self *self, firealarm_entry_fn *fn, void *ctx,
                           struct firealarm_error *error)
{
    sqlite3_stmt *stmt = self->stmts[STMT_HEAD];
    int32_t stop = 0;
    int rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW) {
        struct firealarm_text chain = sqlite_stmt_blob(stmt, 3);
        struct firealarm_entry entry = {
            .n = (uint64_t)(sqlite3_column_int64(stmt, 0) + sqlite3_column_int64(stmt, 4) - 1),
            .time = sqlite3_column_int64(stmt, 1),
            .body = {"", 0}};
        memcpy(entry.chain, chain.ptr,
               chain.len < sizeof entry.chain ? chain.len : sizeof entry.chain);
        stop = fn(ctx, &entry);
        rc = SQLITE_DONE;
    }
    int32_t code = sqlite_stmt_end(stmt, rc, error, "read the journal");
    return stop != 0 ? stop : sqlite_read_failed(code);
}

/* The newest entry; its page is gone through twice, as only its end says which it is. One that has
 * rotted is the host's to find, by the chain: a store is not refused for it. */
static int32_t walk_head(struct self *self, firealarm_entry_fn *fn, void *ctx,
                         struct firealarm_error *error)
{
    struct walk last = {.fn = fn, .ctx = ctx, .left = UINT64_MAX, .error = error};
    struct walk all = {.fn = newest, .ctx = &last, .left = UINT64_MAX, .error = error};
    int32_t rc = walk_entries(self, self->stmts[STMT_HEAD], &all);
    if (rc == FIREALARM_STORE_CORRUPT) {
        return head_of_row(self, fn, ctx, error);
    }
    return rc != 0 || last.from == 0 ? rc : walk_entries(self, self->stmts[STMT_HEAD], &last);
}

static int32_t keep_head(void *ctx, const struct firealarm_entry *entry)
{
    struct self *self = ctx;
    self->head = entry->n;
    return 0;
}

static int32_t check(const struct firealarm_settings *settings, struct firealarm_error *error)
{
    struct firealarm_text path = settings->values[OPT_PATH].text;
    if (path.len == 0 || path.ptr[0] != '/') {
        return sqlite_fail(error, FIREALARM_STORE_FAILED, "path must be absolute");
    }
    return 0;
}

/* The store's own directory, locked. */
static int32_t open_place(const struct firealarm_settings *settings, struct dir *ret_dir,
                          struct firealarm_error *error)
{
    const struct firealarm_value *values = settings->values;
    char path[4000];
    struct firealarm_text text = values[OPT_PATH].text;
    if (text.len >= sizeof path) {
        return sqlite_fail(error, FIREALARM_STORE_FAILED, "path is too long");
    }
    memcpy(path, text.ptr, text.len);
    path[text.len] = '\0';
    int32_t rc = sqlite_dir_open(ret_dir, path, values[OPT_ALLOW_UNSAFE_FS].number != 0, error);
    ret_dir->ballast_bytes = values[OPT_BALLAST].number;
    return rc;
}

/* copy NULL: the store itself, from the settings; else the copy in that directory. */
static int32_t open_parts(struct self *self, const struct firealarm_host *host,
                          const struct firealarm_settings *settings, const char *copy,
                          struct firealarm_error *error)
{
    int32_t rc = 0;
    if (copy != NULL) {
        rc = sqlite_dir_open(&self->dir, copy, true, error);
    } else {
        rc = open_place(settings, &self->dir, error);
        rc = rc == 0 ? sqlite_copy_finish(&self->dir, error) : rc;
    }
    if (rc == 0) {
        rc = sqlite_schema_open(host, &self->dir, &self->db, &self->doubtful, error);
    }
    if (rc == 0) {
        sqlite3_wal_hook(self->db, on_wal, self);
        rc = sqlite_stmts_open(self->db, statements, STMT__COUNT, self->stmts, error);
    }
    if (rc == 0) {
        rc = sqlite_rows_open(&self->rows, self->db, error);
    }
    if (rc == 0) {
        rc = walk_head(self, keep_head, self, error);
    }
    return rc;
}

static struct self *new_self(void)
{
    struct self *self = calloc(1, sizeof *self);
    if (self != NULL) {
        *self =
            (struct self){.dir = {.fd = -1, .lock_fd = -1}, .target = {.fd = -1, .lock_fd = -1}};
    }
    return self;
}

static int32_t store_open(const struct firealarm_host *host,
                          const struct firealarm_settings *settings, void **ret_self,
                          struct firealarm_error *error)
{
    int32_t rc = check(settings, error);
    if (rc != 0) {
        return rc;
    }
    struct self *self = new_self();
    if (self == NULL) {
        return sqlite_fail(error, FIREALARM_STORE_FAILED, "out of memory");
    }
    /* Counting its memory takes a lock at each malloc. Refused once SQLite is in use: as well. */
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    rc = open_parts(self, host, settings, NULL, error);
    if (rc != 0) {
        store_close(self);
        return rc;
    }
    *ret_self = self;
    return 0;
}

static int32_t load(void *ptr, firealarm_row_fn *row, firealarm_entry_fn *head, void *ctx,
                    struct firealarm_error *error)
{
    struct self *self = ptr;
    int32_t rc = sqlite_rows_load(&self->rows, self->doubtful, row, ctx, error);
    return rc != 0 ? rc : walk_head(self, head, ctx, error);
}

static int32_t expect(const struct self *self, bool in_transaction, struct firealarm_error *error)
{
    return self->in_transaction == in_transaction
               ? 0
               : sqlite_fail(error, FIREALARM_STORE_FAILED,
                             in_transaction ? "no transaction was begun"
                                            : "a transaction is open already");
}

static int32_t begin(void *ptr, struct firealarm_error *error)
{
    struct self *self = ptr;
    int32_t rc = expect(self, false, error);
    rc = rc == 0 ? sqlite_rows_begin(&self->rows, error) : rc;
    if (rc == 0) {
        rc = step(self, STMT_BEGIN, error, "begin");
    }
    if (rc == 0) {
        self->in_transaction = true;
        sqlite_page_clear(&self->page);
        self->appended = self->head;
    }
    return rc;
}

static int32_t put(void *ptr, const struct firealarm_row *row, struct firealarm_error *error)
{
    struct self *self = ptr;
    int32_t rc = expect(self, true, error);
    return rc == 0 ? sqlite_rows_put(&self->rows, row, error) : rc;
}

static int32_t erase(void *ptr, uint32_t kind, struct firealarm_text key,
                     struct firealarm_error *error)
{
    struct self *self = ptr;
    int32_t rc = expect(self, true, error);
    return rc == 0 ? sqlite_rows_erase(&self->rows, kind, key, error) : rc;
}

static int32_t write_page(struct self *self, struct firealarm_error *error)
{
    struct page *page = &self->page;
    if (page->count == 0) {
        return 0;
    }
    sqlite3_stmt *stmt = self->stmts[STMT_APPEND];
    sqlite3_bind_int64(stmt, 1, (sqlite3_int64)page->first);
    sqlite3_bind_int64(stmt, 2, page->time);
    sqlite_stmt_bind(stmt, 3, page->bytes, page->len);
    sqlite_stmt_bind(stmt, 4, page->chain, sizeof page->chain);
    sqlite3_bind_int64(stmt, 5, (sqlite3_int64)page->count);
    int32_t rc = step(self, STMT_APPEND, error, "append");
    sqlite_page_clear(page);
    return rc;
}

static int32_t append(void *ptr, const struct firealarm_entry *entry, struct firealarm_error *error)
{
    struct self *self = ptr;
    int32_t rc = expect(self, true, error);
    if (rc != 0) {
        return rc;
    }
    if (entry->n != self->appended + 1 || entry->body.len > FIREALARM_STORE_VALUE_MAX) {
        return sqlite_fail(error, FIREALARM_STORE_FAILED,
                           "journal entry %llu does not follow %llu or is too large",
                           (unsigned long long)entry->n, (unsigned long long)self->appended);
    }
    if (self->page.count == PAGE_ENTRIES) {
        rc = write_page(self, error);
    }
    if (rc == 0 && sqlite_page_add(&self->page, entry) != 0) {
        rc = sqlite_fail(error, FIREALARM_STORE_FAILED, "out of memory");
    }
    if (rc == 0) {
        self->appended = entry->n;
    }
    return rc;
}

/* How long the WAL may get before it is moved into the database: once in some thirty alarms, and
 * then it takes longer than the commit, so that nobody who waits for that waits for it too. On a
 * full disk the ballast must have room for both what moving it adds to the database and the commits
 * until then: only a WAL that was moved whole is written over and needs no more room. */
static int frames_max(const struct self *self)
{
    int64_t frames = self->dir.ballast_bytes / 2 / PAGE_BYTES;
    return frames == 0 || frames > FRAMES_MAX ? FRAMES_MAX
           : frames < FRAMES_MIN              ? FRAMES_MIN
                                              : (int)frames;
}

/* A WAL that cannot be moved into the database for want of room just grows a little; one that
 * cannot because the disk fails is invariant 2. */
static int32_t tidy(void *ptr, struct firealarm_error *error)
{
    struct self *self = ptr;
    if (self->wal_frames < frames_max(self)) {
        return 0;
    }
    if (sqlite3_wal_checkpoint_v2(self->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL) ==
        SQLITE_OK) {
        self->wal_frames = 0;
        return 0;
    }
    int32_t rc = sqlite_fail_db(error, self->db, "checkpoint");
    return rc == FIREALARM_STORE_UNKNOWN || rc == FIREALARM_STORE_CORRUPT ? FIREALARM_STORE_UNKNOWN
                                                                          : 0;
}

static int32_t commit(void *ptr, struct firealarm_error *error)
{
    struct self *self = ptr;
    int32_t rc = expect(self, true, error);
    if (rc == 0) {
        rc = write_page(self, error);
    }
    if (rc == 0) {
        rc = step(self, STMT_COMMIT, error, "commit");
    }
    if (rc != 0) {
        return rc == FIREALARM_STORE_CORRUPT ? FIREALARM_STORE_UNKNOWN : rc;
    }
    self->in_transaction = false;
    self->head = self->appended;
    return sqlite_dir_there(&self->dir, error);
}

static void rollback(void *ptr)
{
    struct self *self = ptr;
    /* SQLite may have rolled back by itself, e.g. when the disk is full. */
    if (!sqlite3_get_autocommit(self->db)) {
        struct firealarm_error ignored;
        (void)step(self, STMT_ROLLBACK, &ignored, "rollback");
    }
    sqlite_page_clear(&self->page);
    if (self->in_transaction) {
        sqlite_rows_rolled_back(&self->rows);
    }
    self->in_transaction = false;
}

static int32_t get(void *ptr, uint32_t kind, struct firealarm_text key, firealarm_row_fn *row,
                   void *ctx, struct firealarm_error *error)
{
    struct self *self = ptr;
    return sqlite_rows_get(&self->rows, kind, key, row, ctx, error);
}

static int32_t query(void *ptr, uint32_t kind, int64_t before, struct firealarm_text before_key,
                     uint32_t limit, firealarm_row_fn *row, void *ctx,
                     struct firealarm_error *error)
{
    struct self *self = ptr;
    return sqlite_rows_query(&self->rows, kind, before, before_key, limit, row, ctx, error);
}

static int32_t journal(void *ptr, uint64_t from, uint32_t limit, firealarm_entry_fn *entry,
                       void *ctx, struct firealarm_error *error)
{
    struct self *self = ptr;
    struct walk walk = {.fn = entry, .ctx = ctx, .from = from, .left = limit, .error = error};
    sqlite3_stmt *stmt = self->stmts[STMT_JOURNAL];
    sqlite3_bind_int64(stmt, 1, from > INT64_MAX ? INT64_MAX : (sqlite3_int64)from);
    return walk_entries(self, stmt, &walk);
}

static int32_t reserve(void *ptr, uint32_t hold, struct firealarm_error *error)
{
    struct self *self = ptr;
    return hold != 0 ? sqlite_dir_hold(&self->dir, error) : sqlite_dir_release(&self->dir, error);
}

static int32_t copy_begin(void *ptr, const char *dir, struct firealarm_error *error)
{
    struct self *self = ptr;
    int32_t rc = expect(self, false, error);
    if (rc == 0 && self->copying != NULL) {
        rc = sqlite_fail(error, FIREALARM_STORE_FAILED, "a copy is being taken already");
    }
    return rc == 0 ? sqlite_copy_begin(self->db, dir, &self->copying, error) : rc;
}

static int32_t copy_step(void *ptr, uint64_t *ret_done, uint64_t *ret_total,
                         struct firealarm_error *error)
{
    struct self *self = ptr;
    int32_t rc = expect(self, false, error);
    return rc == 0 ? sqlite_copy_step(self->copying, ret_done, ret_total, error) : rc;
}

static void copy_end(void *ptr)
{
    struct self *self = ptr;
    sqlite_copy_end(self->copying);
    self->copying = NULL;
}

static int32_t copy_open(const struct firealarm_host *host,
                         const struct firealarm_settings *settings, const char *dir, uint32_t adopt,
                         void **ret_self, struct firealarm_error *error)
{
    char staged[4100];
    struct self *self = new_self();
    if (self == NULL) {
        return sqlite_fail(error, FIREALARM_STORE_FAILED, "out of memory");
    }
    self->is_copy = true;
    int32_t rc = 0;
    if (adopt != 0) {
        rc = open_place(settings, &self->target, error);
        rc = rc == 0 ? sqlite_copy_finish(&self->target, error) : rc;
        rc = rc == 0 ? sqlite_copy_stage(&self->target, dir, staged, sizeof staged, error) : rc;
        dir = staged;
    }
    rc = rc == 0 ? open_parts(self, host, settings, dir, error) : rc;
    if (rc != 0) {
        store_close(self);
        return rc;
    }
    *ret_self = self;
    return 0;
}

static int32_t adopt(void *ptr, struct firealarm_error *kept, struct firealarm_error *error)
{
    struct self *self = ptr;
    if (self->target.fd < 0 || expect(self, false, error) != 0) {
        return sqlite_fail(error, FIREALARM_STORE_FAILED, "this is no copy that may be adopted");
    }
    close_database(self);
    return sqlite_copy_adopt(&self->target, kept, error);
}

FIREALARM_EXPORT const struct firealarm_store firealarm_store = {
    .abi = FIREALARM_STORE_ABI,
    .size = sizeof(struct firealarm_store),
    .name = "sqlite",
    .version = FA_VERSION,
    .summary = "one SQLite database in a directory of this machine",
    .options = options,
    .check = check,
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
    .reserve = reserve,
    .copy_begin = copy_begin,
    .copy_step = copy_step,
    .copy_end = copy_end,
    .copy_open = copy_open,
    .adopt = adopt,
    .tidy = tidy,
};
