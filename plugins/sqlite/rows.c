/* SPDX-License-Identifier: MIT */
/* Live rows lie in a table without any index, in the order they were written: keys are random, and
 * keeping them in order would cost more than the rows themselves once there are many. Where they
 * lie is known in memory alone (places.h).
 *
 * Invariants:
 *  1. A row is in one of the tables. What ended is past, and is not looked for by its key.
 *  2. What is known of places is read from the disk before the first change, and again after a
 *     rollback that took some back; the row itself says whether it is the one meant.
 *
 * It knows nothing of transactions but where they begin and that one was rolled back. */
#include "rows.h"
#include "stmt.h"

#include <string.h>

enum {
    STMT_INSERT,
    STMT_UPDATE,
    STMT_ERASE,
    STMT_INSERT_PAST,
    STMT_ERASE_PAST,
    STMT_ANY_PAST,
    STMT_PLACES,
    STMT_GET,
    STMT_GET_PAST,
    STMT_LIVE,
    STMT_PAST,
    STMT_QUERY,
    STMT__COUNT
};
_Static_assert(STMT__COUNT == ROWS_STATEMENTS, "one for each");

#define LIVE_COLUMNS "kind, 1, time, key, value, mac"
#define PAST_COLUMNS "kind, 2 * ended, time, key, value, mac"

/* ?1 is its kind, ?2 its key, ?3 where it lies. */
#define THE_LIVE_ROW " WHERE id = ?3 AND kind = ?1 AND key = ?2"
#define THE_PAST_ROW " WHERE ended = 0 AND kind = ?1 AND key = ?2"

static const char *const statements[STMT__COUNT] = {
    [STMT_INSERT] = "INSERT INTO live (kind, key, time, value, mac) VALUES (?1, ?2, ?4, ?5, ?6)",
    [STMT_UPDATE] = "UPDATE live SET time = ?4, value = ?5, mac = ?6" THE_LIVE_ROW,
    [STMT_ERASE] = "DELETE FROM live" THE_LIVE_ROW,
    [STMT_INSERT_PAST] = "INSERT INTO past (kind, key, ended, time, value, mac)"
                         " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    [STMT_ERASE_PAST] = "DELETE FROM past" THE_PAST_ROW,
    [STMT_ANY_PAST] = "SELECT 1 FROM past WHERE ended = 0 AND kind = ?1 LIMIT 1",
    [STMT_PLACES] = "SELECT id, kind, key FROM live",
    [STMT_GET] = "SELECT " LIVE_COLUMNS " FROM live" THE_LIVE_ROW,
    [STMT_GET_PAST] = "SELECT " PAST_COLUMNS " FROM past" THE_PAST_ROW,
    [STMT_LIVE] = "SELECT " LIVE_COLUMNS " FROM live",
    [STMT_PAST] = "SELECT " PAST_COLUMNS " FROM past NOT INDEXED",
    [STMT_QUERY] = "SELECT " PAST_COLUMNS " FROM past WHERE kind = ?1 "
                   "AND (time, key) < (?2, ?3) ORDER BY time DESC, key DESC LIMIT ?4",
};

int32_t sqlite_rows_open(struct rows *rows, sqlite3 *db, struct firealarm_error *error)
{
    sqlite3_randomness(sizeof rows->places.seed, &rows->places.seed);
    return sqlite_stmts_open(db, statements, STMT__COUNT, rows->stmts, error);
}

void sqlite_rows_close(struct rows *rows)
{
    sqlite_stmts_close(rows->stmts, STMT__COUNT);
    sqlite_places_done(&rows->places);
    *rows = (struct rows){0};
}

/* ---- showing rows ---- */

static struct firealarm_row read_row(sqlite3_stmt *stmt)
{
    struct firealarm_row row = {
        .kind = (uint32_t)sqlite3_column_int64(stmt, 0),
        .live = (uint32_t)sqlite3_column_int64(stmt, 1),
        .time = sqlite3_column_int64(stmt, 2),
        .key = sqlite_stmt_blob(stmt, 3),
        .value = sqlite_stmt_blob(stmt, 4),
    };
    struct firealarm_text mac = sqlite_stmt_blob(stmt, 5);
    memcpy(row.mac, mac.ptr, mac.len < sizeof row.mac ? mac.len : sizeof row.mac);
    return row;
}

/* Walks a bound statement. */
static int32_t walk(sqlite3_stmt *stmt, firealarm_row_fn *fn, void *ctx,
                    struct firealarm_error *error)
{
    int rc;
    int32_t stop = 0;
    while (stop == 0 && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct firealarm_row row = read_row(stmt);
        stop = fn(ctx, &row);
    }
    int32_t code = sqlite_stmt_end(stmt, stop != 0 ? SQLITE_DONE : rc, error, "read");
    return stop != 0 ? stop : sqlite_read_failed(code);
}

static void bind_name(sqlite3_stmt *stmt, uint32_t kind, struct firealarm_text key)
{
    sqlite3_bind_int64(stmt, 1, kind);
    sqlite_stmt_bind(stmt, 2, key.ptr, key.len);
}

static void bind_rest(sqlite3_stmt *stmt, const struct firealarm_row *row)
{
    sqlite3_bind_int64(stmt, 4, row->time);
    sqlite_stmt_bind(stmt, 5, row->value.ptr, row->value.len);
    sqlite_stmt_bind(stmt, 6, row->mac, sizeof row->mac);
}

/* Shows the live row of that name, if there is one. */
static int32_t show_live(struct rows *rows, uint32_t kind, struct firealarm_text key,
                         firealarm_row_fn *row, void *ctx, struct firealarm_error *error)
{
    uint32_t hash = sqlite_places_hash(&rows->places, kind, key);
    size_t at = SIZE_MAX;
    int64_t id = 0;
    int32_t rc = 0;
    while (rc == 0 && (id = sqlite_places_next(&rows->places, hash, &at)) != 0) {
        bind_name(rows->stmts[STMT_GET], kind, key);
        sqlite3_bind_int64(rows->stmts[STMT_GET], 3, id);
        rc = walk(rows->stmts[STMT_GET], row, ctx, error);
    }
    return rc;
}

struct shown {
    firealarm_row_fn *row; /* NULL: it is enough that there is one */
    void *ctx;
    bool any;
};

static int32_t show(void *ctx, const struct firealarm_row *row)
{
    struct shown *shown = ctx;
    shown->any = true;
    return shown->row != NULL ? shown->row(shown->ctx, row) : 0;
}

/* ---- where live rows lie ---- */

static int32_t add_place(struct rows *rows, uint32_t kind, struct firealarm_text key, int64_t id,
                         struct firealarm_error *error)
{
    uint32_t hash = sqlite_places_hash(&rows->places, kind, key);
    return sqlite_places_add(&rows->places, hash, id) == 0
               ? 0
               : sqlite_fail(error, FIREALARM_STORE_FAILED, "out of memory");
}

static int32_t learn_place(struct rows *rows, sqlite3_stmt *stmt, struct firealarm_error *error)
{
    struct shown shown = {0};
    uint32_t kind = (uint32_t)sqlite3_column_int64(stmt, 1);
    struct firealarm_text key = sqlite_stmt_blob(stmt, 2);
    int32_t rc = show_live(rows, kind, key, show, &shown, error);
    if (rc == 0 && shown.any) {
        rc = sqlite_fail(error, FIREALARM_STORE_CORRUPT, "%s is damaged: a live row is there twice",
                         DB_FILE);
    }
    return rc == 0 ? add_place(rows, kind, key, sqlite3_column_int64(stmt, 0), error) : rc;
}

static int32_t learn_places(struct rows *rows, struct firealarm_error *error)
{
    sqlite3_stmt *stmt = rows->stmts[STMT_PLACES];
    int rc = SQLITE_DONE;
    int32_t stop = 0;
    if (rows->places_known) {
        return 0;
    }
    sqlite_places_done(&rows->places);
    while (stop == 0 && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        stop = learn_place(rows, stmt, error);
    }
    int32_t code = sqlite_stmt_end(stmt, stop != 0 ? SQLITE_DONE : rc, error, "read");
    code = sqlite_read_failed(stop != 0 ? stop : code);
    rows->places_known = code == 0;
    return code;
}

int32_t sqlite_rows_begin(struct rows *rows, struct firealarm_error *error)
{
    rows->places_changed = false;
    return learn_places(rows, error);
}

void sqlite_rows_rolled_back(struct rows *rows)
{
    rows->places_known = rows->places_known && !rows->places_changed;
    rows->no_past = 0;
}

/* ---- changing them ---- */

/* Runs UPDATE or ERASE on the live row. *ret_there: was there one? */
static int32_t change_live(struct rows *rows, int which, const struct firealarm_row *row,
                           bool *ret_there, struct firealarm_error *error)
{
    sqlite3_stmt *stmt = rows->stmts[which];
    uint32_t hash = sqlite_places_hash(&rows->places, row->kind, row->key);
    size_t at = SIZE_MAX;
    int64_t id = 0;
    int32_t rc = 0;
    *ret_there = false;
    while (rc == 0 && !*ret_there && (id = sqlite_places_next(&rows->places, hash, &at)) != 0) {
        bind_name(stmt, row->kind, row->key);
        sqlite3_bind_int64(stmt, 3, id);
        if (which == STMT_UPDATE) {
            bind_rest(stmt, row);
        }
        rc = sqlite_stmt_run(stmt, error, "change");
        *ret_there = rc == 0 && sqlite3_changes(sqlite3_db_handle(stmt)) > 0;
    }
    if (*ret_there && which == STMT_ERASE) {
        rows->places_changed = true;
        sqlite_places_remove(&rows->places, hash, id);
    }
    return rc;
}

static int32_t add_live(struct rows *rows, const struct firealarm_row *row,
                        struct firealarm_error *error)
{
    sqlite3_stmt *stmt = rows->stmts[STMT_INSERT];
    bind_name(stmt, row->kind, row->key);
    bind_rest(stmt, row);
    int32_t rc = sqlite_stmt_run(stmt, error, "put");
    rows->places_changed = true;
    return rc == 0 ? add_place(rows, row->kind, row->key,
                               sqlite3_last_insert_rowid(sqlite3_db_handle(stmt)), error)
                   : rc;
}

static uint64_t bit_of(uint32_t kind)
{
    return kind < 64 ? (uint64_t)1 << kind : 0;
}

static int32_t add_past(struct rows *rows, const struct firealarm_row *row,
                        struct firealarm_error *error)
{
    sqlite3_stmt *stmt = rows->stmts[STMT_INSERT_PAST];
    bind_name(stmt, row->kind, row->key);
    sqlite3_bind_int64(stmt, 3, row->live == 2);
    bind_rest(stmt, row);
    if (row->live == 0) {
        rows->no_past &= ~bit_of(row->kind);
    }
    return sqlite_stmt_run(stmt, error, "put");
}

/* Most kinds have no history that can be named, and then it is not asked for each row. */
static int32_t learn_past(struct rows *rows, uint32_t kind, struct firealarm_error *error)
{
    sqlite3_stmt *stmt = rows->stmts[STMT_ANY_PAST];
    sqlite3_bind_int64(stmt, 1, kind);
    int rc = sqlite3_step(stmt);
    if (rc == SQLITE_DONE) {
        rows->no_past |= bit_of(kind);
    }
    return sqlite_stmt_end(stmt, rc == SQLITE_ROW ? SQLITE_DONE : rc, error, "look up");
}

static int32_t erase_past(struct rows *rows, uint32_t kind, struct firealarm_text key,
                          struct firealarm_error *error)
{
    int32_t rc = (rows->no_past & bit_of(kind)) == 0 ? learn_past(rows, kind, error) : 0;
    if (rc == 0 && (rows->no_past & bit_of(kind)) == 0) {
        bind_name(rows->stmts[STMT_ERASE_PAST], kind, key);
        rc = sqlite_stmt_run(rows->stmts[STMT_ERASE_PAST], error, "erase");
    }
    return rc;
}

int32_t sqlite_rows_put(struct rows *rows, const struct firealarm_row *row,
                        struct firealarm_error *error)
{
    bool there = false, live = row->live == 1;
    if (row->key.len == 0 || row->key.len > FIREALARM_STORE_KEY_MAX ||
        row->value.len > FIREALARM_STORE_VALUE_MAX || row->live > 2) {
        return sqlite_fail(error, FIREALARM_STORE_FAILED, "a row breaks the store's limits");
    }
    int32_t rc = change_live(rows, live ? STMT_UPDATE : STMT_ERASE, row, &there, error);
    if (rc == 0 && !there) {
        rc = erase_past(rows, row->kind, row->key, error);
    }
    if (rc != 0 || (live && there)) {
        return rc;
    }
    return live ? add_live(rows, row, error) : add_past(rows, row, error);
}

int32_t sqlite_rows_erase(struct rows *rows, uint32_t kind, struct firealarm_text key,
                          struct firealarm_error *error)
{
    struct firealarm_row row = {.kind = kind, .key = key};
    bool there = false;
    int32_t rc = change_live(rows, STMT_ERASE, &row, &there, error);
    return rc == 0 && !there ? erase_past(rows, kind, key, error) : rc;
}

/* ---- reading ---- */

int32_t sqlite_rows_load(struct rows *rows, bool past, firealarm_row_fn *row, void *ctx,
                         struct firealarm_error *error)
{
    int32_t rc = learn_places(rows, error);
    rc = rc == 0 ? walk(rows->stmts[STMT_LIVE], row, ctx, error) : rc;
    return rc == 0 && past ? walk(rows->stmts[STMT_PAST], row, ctx, error) : rc;
}

int32_t sqlite_rows_get(struct rows *rows, uint32_t kind, struct firealarm_text key,
                        firealarm_row_fn *row, void *ctx, struct firealarm_error *error)
{
    struct shown shown = {.row = row, .ctx = ctx};
    int32_t rc = learn_places(rows, error);
    rc = rc == 0 ? show_live(rows, kind, key, show, &shown, error) : rc;
    if (rc == 0 && !shown.any) {
        bind_name(rows->stmts[STMT_GET_PAST], kind, key);
        rc = walk(rows->stmts[STMT_GET_PAST], show, &shown, error);
    }
    return rc == 0 && !shown.any
               ? sqlite_fail(error, FIREALARM_STORE_NOT_FOUND, "there is no such row")
               : rc;
}

int32_t sqlite_rows_query(struct rows *rows, uint32_t kind, int64_t before,
                          struct firealarm_text before_key, uint32_t limit, firealarm_row_fn *row,
                          void *ctx, struct firealarm_error *error)
{
    sqlite3_stmt *stmt = rows->stmts[STMT_QUERY];
    sqlite3_bind_int64(stmt, 1, kind);
    sqlite3_bind_int64(stmt, 2, before);
    sqlite_stmt_bind(stmt, 3, before_key.ptr, before_key.len);
    sqlite3_bind_int64(stmt, 4, limit);
    return walk(stmt, row, ctx, error);
}
