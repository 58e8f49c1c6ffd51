/* SPDX-License-Identifier: MIT */
/* The rows: those that live and those that are past, each in a table of its own. The calls are the
 * plugin's of the same name; put and erase come within a transaction. */
#ifndef FIREALARM_SQLITE_ROWS_H
#define FIREALARM_SQLITE_ROWS_H

#include "places.h"

#define ROWS_STATEMENTS 12

struct rows {
    sqlite3_stmt *stmts[ROWS_STATEMENTS];
    struct places places; /* of live rows, if they are known */
    bool places_known;
    bool places_changed; /* by the transaction */
    uint64_t no_past;    /* kinds below 64 of which no history can be named: bits */
};

HIDDEN int32_t sqlite_rows_open(struct rows *rows, sqlite3 *db, struct firealarm_error *error);
HIDDEN void sqlite_rows_close(struct rows *rows); /* accepts zeros */
HIDDEN int32_t sqlite_rows_begin(struct rows *rows, struct firealarm_error *error);
/* What was put since then is not there. */
HIDDEN void sqlite_rows_rolled_back(struct rows *rows);
HIDDEN int32_t sqlite_rows_put(struct rows *rows, const struct firealarm_row *row,
                               struct firealarm_error *error);
HIDDEN int32_t sqlite_rows_erase(struct rows *rows, uint32_t kind, struct firealarm_text key,
                                 struct firealarm_error *error);
/* The live ones, and the past too if asked. */
HIDDEN int32_t sqlite_rows_load(struct rows *rows, bool past, firealarm_row_fn *row, void *ctx,
                                struct firealarm_error *error);
HIDDEN int32_t sqlite_rows_get(struct rows *rows, uint32_t kind, struct firealarm_text key,
                               firealarm_row_fn *row, void *ctx, struct firealarm_error *error);
HIDDEN int32_t sqlite_rows_query(struct rows *rows, uint32_t kind, int64_t before,
                                 struct firealarm_text before_key, uint32_t limit,
                                 firealarm_row_fn *row, void *ctx, struct firealarm_error *error);

#endif
