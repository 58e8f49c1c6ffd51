/* SPDX-License-Identifier: MIT */
/* Comma-separated values after RFC 4180, a row at a time: quoted cells, doubled quotes, line breaks
 * within quotes, CR LF or LF, a byte order mark; parted by commas, semicolons or tabs, whichever
 * the first line has most of. */
#ifndef FA_CLIENT_CSV_H
#define FA_CLIENT_CSV_H

#include "base/buf.h"

#include <stdint.h>

#define FA_CSV_COLUMNS_MAX 64u

struct fa_csv {
    struct fa_str rest;                      /* borrowed: not read yet */
    uint32_t next_line;                      /* of what is not read yet */
    char part;                               /* between cells */
    struct fa_buf text;                      /* the row's cells */
    struct fa_str cells[FA_CSV_COLUMNS_MAX]; /* until the next row */
    size_t count;                            /* 0: there is no further row */
    uint32_t line;                           /* where the row began */
};

void fa_csv_init(struct fa_csv *csv, struct fa_str text);
void fa_csv_done(struct fa_csv *csv);
/* The next row that is not empty. FA_EPARSE with the line: a quote that is not closed, text behind
 * one, a zero byte, too many cells; there is no row after it. */
int fa_csv_parse(struct fa_csv *csv, struct fa_err *err) FA_MUST_CHECK;

#endif
