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
 *  4. No index on the disk is in the order of the keys of live rows: keys are random, and keeping
 *     them in order would cost more than the rows themselves once there are many. Where live
 *     rows lie is known in memory alone (places.h), read from the disk before the first change
 *     and again after a rollback that took some back; the row itself says whether it is the one
 *     meant.
 *
 * What it does not do: understand a row, hold one in memory, wait for a lock.
 * Tests: tests/unit/test_store_conformance.c, tests/unit/test_store_sqlite.c, and the campaigns
 * tests/faults/fault_power_loss.c, fault_disk_io.c, fault_bit_flips.c, fault_migration.c. */
#include "pages.h"
#include "places.h"

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

enum {
    STMT_BEGIN,
    STMT_COMMIT,
    STMT_ROLLBACK,
    STMT_INSERT,
    STMT_UPDATE,
    STMT_ERASE,
    STMT_APPEND,
    STMT_IS,
    STMT_PAST,
    STMT_PLACES,
    STMT_GET,
    STMT_LIVE,
    STMT_ALL,
    STMT_QUERY,
    STMT_HEAD,
    STMT_JOURNAL,
    STMT__COUNT
};

#define ROW_COLUMNS   "kind, live, time, key, value, mac"
#define ENTRY_COLUMNS "n, time, body, chain, count"

static const char *const statements[STMT__COUNT] = {
    [STMT_BEGIN] = "BEGIN IMMEDIATE",
    [STMT_COMMIT] = "COMMIT",
    [STMT_ROLLBACK] = "ROLLBACK",
    [STMT_INSERT] = "INSERT INTO row (" ROW_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    [STMT_UPDATE] = "UPDATE row SET live = ?2, time = ?3, value = ?5, mac = ?6 WHERE id = ?7",
    [STMT_ERASE] = "DELETE FROM row WHERE id = ?1",
    [STMT_APPEND] = "INSERT INTO journal (" ENTRY_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5)",
    [STMT_IS] = "SELECT id FROM row WHERE id = ?1 AND kind = ?2 AND key = ?3",
    [STMT_PAST] = "SELECT id FROM row WHERE live = 0 AND kind = ?1 AND key = ?2",
    [STMT_PLACES] = "SELECT id, kind, key FROM row WHERE live = 1",
    [STMT_GET] = "SELECT " ROW_COLUMNS " FROM row WHERE id = ?1",
    [STMT_LIVE] = "SELECT " ROW_COLUMNS " FROM row WHERE live = 1",
    [STMT_ALL] = "SELECT " ROW_COLUMNS " FROM row NOT INDEXED",
    [STMT_QUERY] = "SELECT " ROW_COLUMNS " FROM row WHERE live <> 1 AND kind = ?1 "
                   "AND (time, key) < (?2, ?3) ORDER BY time DESC, key DESC LIMIT ?4",
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
    struct places places;    /* of live rows, if they are known */
    bool places_known;
    bool places_changed;  /* by the transaction */
    struct copy *copying; /* NULL: none is being taken */
    bool is_copy;         /* its directory is not the store's */
    struct dir target;    /* the store's, if this copy may be adopted */
};

static void close_database(struct self *self)
{
    sqlite_copy_end(self->copying);
    self->copying = NULL;
    for (size_t i = 0; i < STMT__COUNT; i++) {
        sqlite3_finalize(self->stmts[i]);
        self->stmts[i] = NULL;
    }
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
    sqlite_places_done(&self->places);
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

static int32_t prepare(struct self *self, struct firealarm_error *error)
{
    for (size_t i = 0; i < STMT__COUNT; i++) {
        if (sqlite3_prepare_v3(self->db, statements[i], -1, SQLITE_PREPARE_PERSISTENT,
                               &self->stmts[i], NULL) != SQLITE_OK) {
            return sqlite_fail_db(error, self->db, "prepare");
        }
    }
    return 0;
}

/* Ends a statement: 0 if it came to its end, else what went wrong. */
static int32_t finish(struct self *self, sqlite3_stmt *stmt, int rc, struct firealarm_error *error,
                      const char *doing)
{
    int32_t code = rc == SQLITE_DONE ? 0 : sqlite_fail_db(error, self->db, doing);
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    return code;
}

static int32_t step(struct self *self, int which, struct firealarm_error *error, const char *doing)
{
    sqlite3_stmt *stmt = self->stmts[which];
    return finish(self, stmt, sqlite3_step(stmt), error, doing);
}

static struct firealarm_text column_blob(sqlite3_stmt *stmt, int column)
{
    const char *ptr = sqlite3_column_blob(stmt, column);
    size_t len = (size_t)sqlite3_column_bytes(stmt, column);
    return (struct firealarm_text){ptr != NULL ? ptr : "", len};
}

/* An empty blob needs a pointer that is not NULL, or it would be stored as NULL. */
static void bind_blob(sqlite3_stmt *stmt, int index, const void *ptr, size_t len)
{
    sqlite3_bind_blob64(stmt, index, len > 0 ? ptr : "", len, SQLITE_STATIC);
}

static struct firealarm_row read_row(sqlite3_stmt *stmt)
{
    struct firealarm_row row = {
        .kind = (uint32_t)sqlite3_column_int64(stmt, 0),
        .live = (uint32_t)sqlite3_column_int64(stmt, 1),
        .time = sqlite3_column_int64(stmt, 2),
        .key = column_blob(stmt, 3),
        .value = column_blob(stmt, 4),
    };
    struct firealarm_text mac = column_blob(stmt, 5);
    memcpy(row.mac, mac.ptr, mac.len < sizeof row.mac ? mac.len : sizeof row.mac);
    return row;
}

/* A read error is never an open question: nothing was written. */
static int32_t read_failed(int32_t code)
{
    return code == FIREALARM_STORE_UNKNOWN ? FIREALARM_STORE_FAILED : code;
}

/* Walks a bound statement. */
static int32_t walk_rows(struct self *self, sqlite3_stmt *stmt, firealarm_row_fn *fn, void *ctx,
                         struct firealarm_error *error)
{
    int rc;
    int32_t stop = 0;
    while (stop == 0 && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct firealarm_row row = read_row(stmt);
        stop = fn(ctx, &row);
    }
    int32_t code = finish(self, stmt, stop != 0 ? SQLITE_DONE : rc, error, "read");
    return stop != 0 ? stop : read_failed(code);
}

/* A row that was looked for; id 0: there is none. */
struct found {
    int64_t id;
    bool live;
    uint32_t hash;
};

/* The one row a bound statement finds, 0: none. */
static int32_t ask_id(struct self *self, sqlite3_stmt *stmt, int64_t *ret_id,
                      struct firealarm_error *error)
{
    int rc = sqlite3_step(stmt);
    *ret_id = rc == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;
    return finish(self, stmt, rc == SQLITE_ROW ? SQLITE_DONE : rc, error, "look up");
}

static int32_t find_live(struct self *self, uint32_t kind, struct firealarm_text key,
                         struct found *ret, struct firealarm_error *error)
{
    size_t at = SIZE_MAX;
    int64_t id = 0;
    int32_t rc = 0;
    *ret = (struct found){.live = true, .hash = sqlite_places_hash(&self->places, kind, key)};
    while (rc == 0 && ret->id == 0 &&
           (id = sqlite_places_next(&self->places, ret->hash, &at)) != 0) {
        sqlite3_stmt *stmt = self->stmts[STMT_IS];
        sqlite3_bind_int64(stmt, 1, id);
        sqlite3_bind_int64(stmt, 2, kind);
        bind_blob(stmt, 3, key.ptr, key.len);
        rc = ask_id(self, stmt, &ret->id, error);
    }
    return rc;
}

static int32_t find(struct self *self, uint32_t kind, struct firealarm_text key, struct found *ret,
                    struct firealarm_error *error)
{
    int32_t rc = find_live(self, kind, key, ret, error);
    if (rc != 0 || ret->id != 0) {
        return rc;
    }
    sqlite3_stmt *stmt = self->stmts[STMT_PAST];
    ret->live = false;
    sqlite3_bind_int64(stmt, 1, kind);
    bind_blob(stmt, 2, key.ptr, key.len);
    return ask_id(self, stmt, &ret->id, error);
}

static int32_t add_place(struct self *self, uint32_t hash, int64_t id,
                         struct firealarm_error *error)
{
    return sqlite_places_add(&self->places, hash, id) == 0
               ? 0
               : sqlite_fail(error, FIREALARM_STORE_FAILED, "out of memory");
}

static int32_t learn_place(struct self *self, sqlite3_stmt *stmt, struct firealarm_error *error)
{
    struct found found;
    int32_t rc = find_live(self, (uint32_t)sqlite3_column_int64(stmt, 1), column_blob(stmt, 2),
                           &found, error);
    if (rc == 0 && found.id != 0) {
        rc = sqlite_fail(error, FIREALARM_STORE_CORRUPT, "%s is damaged: a live row is there twice",
                         DB_FILE);
    }
    return rc == 0 ? add_place(self, found.hash, sqlite3_column_int64(stmt, 0), error) : rc;
}

/* Where the live rows lie, if that is not known. */
static int32_t learn_places(struct self *self, struct firealarm_error *error)
{
    sqlite3_stmt *stmt = self->stmts[STMT_PLACES];
    int rc = SQLITE_DONE;
    int32_t stop = 0;
    if (self->places_known) {
        return 0;
    }
    sqlite_places_done(&self->places);
    while (stop == 0 && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        stop = learn_place(self, stmt, error);
    }
    int32_t code = finish(self, stmt, stop != 0 ? SQLITE_DONE : rc, error, "read");
    code = read_failed(stop != 0 ? stop : code);
    self->places_known = code == 0;
    return code;
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
    struct firealarm_text bytes = column_blob(stmt, 2), chain = column_blob(stmt, 3);
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
    int32_t code = finish(self, stmt, ended ? SQLITE_DONE : rc, walk->error, "read the journal");
    return stop != 0 ? stop : read_failed(code);
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
        struct firealarm_text chain = column_blob(stmt, 3);
        struct firealarm_entry entry = {
            .n = (uint64_t)(sqlite3_column_int64(stmt, 0) + sqlite3_column_int64(stmt, 4) - 1),
            .time = sqlite3_column_int64(stmt, 1),
            .body = {"", 0}};
        memcpy(entry.chain, chain.ptr,
               chain.len < sizeof entry.chain ? chain.len : sizeof entry.chain);
        stop = fn(ctx, &entry);
        rc = SQLITE_DONE;
    }
    int32_t code = finish(self, stmt, rc, error, "read the journal");
    return stop != 0 ? stop : read_failed(code);
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
        rc = prepare(self, error);
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
        sqlite3_randomness(sizeof self->places.seed, &self->places.seed);
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
    sqlite3_stmt *stmt = self->stmts[self->doubtful ? STMT_ALL : STMT_LIVE];
    int32_t rc = learn_places(self, error);
    rc = rc == 0 ? walk_rows(self, stmt, row, ctx, error) : rc;
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
    rc = rc == 0 ? learn_places(self, error) : rc;
    if (rc == 0) {
        rc = step(self, STMT_BEGIN, error, "begin");
    }
    if (rc == 0) {
        self->in_transaction = true;
        sqlite_page_clear(&self->page);
        self->appended = self->head;
        self->places_changed = false;
    }
    return rc;
}

/* The row is found->id now, and live or not: keeps what is known of its place true. */
static int32_t move_place(struct self *self, const struct found *found, int64_t id, bool live,
                          struct firealarm_error *error)
{
    bool was = found->id != 0 && found->live;
    if (was == live) {
        return 0;
    }
    self->places_changed = true;
    if (live) {
        return add_place(self, found->hash, id, error);
    }
    sqlite_places_remove(&self->places, found->hash, id);
    return 0;
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
        return sqlite_fail(error, FIREALARM_STORE_FAILED, "a row breaks the store's limits");
    }
    struct found found;
    rc = find(self, row->kind, row->key, &found, error);
    if (rc != 0) {
        return rc;
    }
    int which = found.id != 0 ? STMT_UPDATE : STMT_INSERT;
    sqlite3_stmt *stmt = self->stmts[which];
    sqlite3_bind_int64(stmt, 2, row->live);
    sqlite3_bind_int64(stmt, 3, row->time);
    bind_blob(stmt, 5, row->value.ptr, row->value.len);
    bind_blob(stmt, 6, row->mac, sizeof row->mac);
    if (found.id != 0) {
        sqlite3_bind_int64(stmt, 7, found.id);
    } else {
        sqlite3_bind_int64(stmt, 1, row->kind);
        bind_blob(stmt, 4, row->key.ptr, row->key.len);
    }
    rc = step(self, which, error, "put");
    int64_t id = found.id != 0 ? found.id : sqlite3_last_insert_rowid(self->db);
    return rc == 0 ? move_place(self, &found, id, row->live == 1, error) : rc;
}

static int32_t erase(void *ptr, uint32_t kind, struct firealarm_text key,
                     struct firealarm_error *error)
{
    struct self *self = ptr;
    struct found found;
    int32_t rc = expect(self, true, error);
    rc = rc == 0 ? find(self, kind, key, &found, error) : rc;
    if (rc != 0 || found.id == 0) {
        return rc;
    }
    sqlite3_bind_int64(self->stmts[STMT_ERASE], 1, found.id);
    rc = step(self, STMT_ERASE, error, "erase");
    return rc == 0 ? move_place(self, &found, found.id, false, error) : rc;
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
    bind_blob(stmt, 3, page->bytes, page->len);
    bind_blob(stmt, 4, page->chain, sizeof page->chain);
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

/* How long the WAL may get before it is moved into the database. On a full disk the ballast must
 * have room for both what moving it adds to the database and the commits until then: only a WAL
 * that was moved whole is written over and needs no more room. */
static int frames_max(const struct self *self)
{
    int64_t frames = self->dir.ballast_bytes / 2 / PAGE_BYTES;
    return frames == 0 || frames > FRAMES_MAX ? FRAMES_MAX
           : frames < FRAMES_MIN              ? FRAMES_MIN
                                              : (int)frames;
}

/* A WAL that cannot be moved into the database for want of room just grows a little; one that
 * cannot because the disk fails is invariant 2. */
static int32_t checkpoint(struct self *self, struct firealarm_error *error)
{
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
    rc = sqlite_dir_there(&self->dir, error);
    return rc != 0 ? rc : checkpoint(self, error);
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
    if (self->in_transaction && self->places_changed) {
        self->places_known = false;
    }
    self->in_transaction = false;
}

static int32_t get(void *ptr, uint32_t kind, struct firealarm_text key, firealarm_row_fn *row,
                   void *ctx, struct firealarm_error *error)
{
    struct self *self = ptr;
    struct found found;
    int32_t rc = learn_places(self, error);
    rc = rc == 0 ? read_failed(find(self, kind, key, &found, error)) : rc;
    if (rc == 0 && found.id == 0) {
        rc = sqlite_fail(error, FIREALARM_STORE_NOT_FOUND, "there is no such row");
    }
    if (rc != 0) {
        return rc;
    }
    sqlite3_bind_int64(self->stmts[STMT_GET], 1, found.id);
    return walk_rows(self, self->stmts[STMT_GET], row, ctx, error);
}

static int32_t query(void *ptr, uint32_t kind, int64_t before, struct firealarm_text before_key,
                     uint32_t limit, firealarm_row_fn *row, void *ctx,
                     struct firealarm_error *error)
{
    struct self *self = ptr;
    sqlite3_stmt *stmt = self->stmts[STMT_QUERY];
    sqlite3_bind_int64(stmt, 1, kind);
    sqlite3_bind_int64(stmt, 2, before);
    bind_blob(stmt, 3, before_key.ptr, before_key.len);
    sqlite3_bind_int64(stmt, 4, limit);
    return walk_rows(self, stmt, row, ctx, error);
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
};
