/* SPDX-License-Identifier: MIT */
/* Prepared statements: bound, run to their end and reset. */
#ifndef FIREALARM_SQLITE_STMT_H
#define FIREALARM_SQLITE_STMT_H

#include "internal.h"

#include <stddef.h>

/* On failure some are prepared: close them as well. */
HIDDEN int32_t sqlite_stmts_open(sqlite3 *db, const char *const *sql, size_t count,
                                 sqlite3_stmt **stmts, struct firealarm_error *error);
HIDDEN void sqlite_stmts_close(sqlite3_stmt **stmts, size_t count);

/* The bytes must last until the statement has ended. */
HIDDEN void sqlite_stmt_bind(sqlite3_stmt *stmt, int index, const void *ptr, size_t len);
HIDDEN struct firealarm_text sqlite_stmt_blob(sqlite3_stmt *stmt, int column);
/* Ends a statement whose last step gave rc: 0 if it came to its end, else what went wrong. */
HIDDEN int32_t sqlite_stmt_end(sqlite3_stmt *stmt, int rc, struct firealarm_error *error,
                               const char *doing);
/* One step, which must be the last. */
HIDDEN int32_t sqlite_stmt_run(sqlite3_stmt *stmt, struct firealarm_error *error,
                               const char *doing);
/* A read error is never an open question: nothing was written. */
HIDDEN int32_t sqlite_read_failed(int32_t code);

#endif
