/* SPDX-License-Identifier: MIT */
/* A statement that has ended holds nothing: neither a lock on a page nor a pointer to the caller's
 * bytes. */
#include "stmt.h"

int32_t sqlite_stmts_open(sqlite3 *db, const char *const *sql, size_t count, sqlite3_stmt **stmts,
                          struct firealarm_error *error)
{
    for (size_t i = 0; i < count; i++) {
        if (sqlite3_prepare_v3(db, sql[i], -1, SQLITE_PREPARE_PERSISTENT, &stmts[i], NULL) !=
            SQLITE_OK) {
            return sqlite_fail_db(error, db, "prepare");
        }
    }
    return 0;
}

void sqlite_stmts_close(sqlite3_stmt **stmts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        sqlite3_finalize(stmts[i]);
        stmts[i] = NULL;
    }
}

void sqlite_stmt_bind(sqlite3_stmt *stmt, int index, const void *ptr, size_t len)
{
    /* An empty blob needs a pointer that is not NULL, or it would be stored as NULL. */
    sqlite3_bind_blob64(stmt, index, len > 0 ? ptr : "", len, SQLITE_STATIC);
}

struct firealarm_text sqlite_stmt_blob(sqlite3_stmt *stmt, int column)
{
    const char *ptr = sqlite3_column_blob(stmt, column);
    size_t len = (size_t)sqlite3_column_bytes(stmt, column);
    return (struct firealarm_text){ptr != NULL ? ptr : "", len};
}

int32_t sqlite_stmt_end(sqlite3_stmt *stmt, int rc, struct firealarm_error *error,
                        const char *doing)
{
    int32_t code = rc == SQLITE_DONE ? 0 : sqlite_fail_db(error, sqlite3_db_handle(stmt), doing);
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    return code;
}

int32_t sqlite_stmt_run(sqlite3_stmt *stmt, struct firealarm_error *error, const char *doing)
{
    return sqlite_stmt_end(stmt, sqlite3_step(stmt), error, doing);
}

int32_t sqlite_read_failed(int32_t code)
{
    return code == FIREALARM_STORE_UNKNOWN ? FIREALARM_STORE_FAILED : code;
}
