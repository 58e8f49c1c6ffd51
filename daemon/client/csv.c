/* SPDX-License-Identifier: MIT */
/* Rows of cells out of bytes. Cells are copied into one buffer, as doubled quotes become one; what
 * they mean is not looked at, but that blanks around a cell without quotes are none of it. */
#include "client/csv.h"

#include <string.h>

#define CELLS_MAX ((size_t)1 << 20) /* bytes of one row */

static char most_of(struct fa_str text)
{
    static const char parts[] = {',', ';', '\t'};
    size_t counts[3] = {0}, best = 0;
    bool is_quoted = false;
    for (size_t i = 0; i < text.len && (is_quoted || text.ptr[i] != '\n'); i++) {
        is_quoted = is_quoted != (text.ptr[i] == '"');
        for (size_t p = 0; p < 3 && !is_quoted; p++) {
            counts[p] += text.ptr[i] == parts[p];
        }
    }
    for (size_t p = 1; p < 3; p++) {
        best = counts[p] > counts[best] ? p : best;
    }
    return parts[best];
}

void fa_csv_init(struct fa_csv *csv, struct fa_str text)
{
    if (fa_str_starts(text, "\xef\xbb\xbf")) {
        text = (struct fa_str){text.ptr + 3, text.len - 3};
    }
    *csv = (struct fa_csv){.rest = text, .next_line = 1, .part = most_of(text)};
    fa_buf_init(&csv->text, CELLS_MAX);
}

void fa_csv_done(struct fa_csv *csv)
{
    fa_buf_done(&csv->text);
}

static bool at(const struct fa_csv *csv, char c)
{
    return csv->rest.len > 0 && csv->rest.ptr[0] == c;
}

static bool at_end(const struct fa_csv *csv)
{
    return csv->rest.len == 0 || at(csv, '\n') || at(csv, '\r');
}

static char take(struct fa_csv *csv)
{
    char c = csv->rest.ptr[0];
    csv->rest.ptr++;
    csv->rest.len--;
    csv->next_line += c == '\n';
    return c;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static void skip_blanks(struct fa_csv *csv)
{
    while (csv->rest.len > 0 && is_blank(csv->rest.ptr[0]) && csv->rest.ptr[0] != csv->part) {
        take(csv);
    }
}

static int refuse(struct fa_csv *csv, struct fa_err *err, uint32_t line, const char *why)
{
    csv->rest.len = 0;
    csv->count = 0;
    return fa_err_at(err, FA_EPARSE, NULL, line, 0, "%s", why);
}

static int quoted(struct fa_csv *csv, struct fa_err *err)
{
    uint32_t line = csv->next_line;
    take(csv);
    for (;;) {
        if (csv->rest.len == 0) {
            return refuse(csv, err, line, "a quote is opened here and never closed");
        }
        if (!at(csv, '"')) {
            fa_buf_putc(&csv->text, take(csv));
            continue;
        }
        take(csv);
        if (!at(csv, '"')) {
            break;
        }
        fa_buf_putc(&csv->text, take(csv));
    }
    skip_blanks(csv);
    if (!at_end(csv) && !at(csv, csv->part)) {
        return refuse(csv, err, csv->next_line,
                      "text behind a closing quote; a quote within quotes is doubled");
    }
    return 0;
}

static void plain(struct fa_csv *csv)
{
    while (!at_end(csv) && !at(csv, csv->part)) {
        fa_buf_putc(&csv->text, take(csv));
    }
    while (csv->text.len > 0 && is_blank(csv->text.data[csv->text.len - 1])) {
        fa_buf_cut(&csv->text, csv->text.len - 1);
    }
}

/* Appends the next cell behind a byte that no cell ends with, so that trimming stops there. */
static int cell(struct fa_csv *csv, size_t *ret_start, struct fa_err *err)
{
    fa_buf_putc(&csv->text, '\n');
    *ret_start = csv->text.len;
    skip_blanks(csv);
    if (at(csv, '"')) {
        return quoted(csv, err);
    }
    plain(csv);
    return 0;
}

static void end_row(struct fa_csv *csv)
{
    if (at(csv, '\r')) {
        take(csv);
        csv->next_line += !at(csv, '\n');
    }
    if (at(csv, '\n')) {
        take(csv);
    }
}

static int row(struct fa_csv *csv, struct fa_err *err)
{
    size_t starts[FA_CSV_COLUMNS_MAX + 1];
    fa_buf_clear(&csv->text);
    csv->count = 0;
    csv->line = csv->next_line;
    for (bool more = true; more;) {
        if (csv->count == FA_CSV_COLUMNS_MAX) {
            return refuse(csv, err, csv->line, "more than 64 cells");
        }
        int rc = cell(csv, &starts[csv->count], err);
        if (rc != 0) {
            return rc;
        }
        csv->count++;
        more = at(csv, csv->part);
        if (more) {
            take(csv);
        }
    }
    end_row(csv);
    starts[csv->count] = csv->text.len + 1;
    for (size_t i = 0; i < csv->count; i++) {
        csv->cells[i] = (struct fa_str){csv->text.data + starts[i], starts[i + 1] - 1 - starts[i]};
    }
    if (csv->text.over || memchr(csv->text.data, '\0', csv->text.len) != NULL) {
        return refuse(csv, err, csv->line,
                      csv->text.over ? "a row of more than 1 MiB" : "a zero byte: this is no text");
    }
    return 0;
}

int fa_csv_parse(struct fa_csv *csv, struct fa_err *err)
{
    csv->count = 0;
    while (csv->rest.len > 0) {
        int rc = row(csv, err);
        if (rc != 0 || csv->count > 1 || csv->cells[0].len > 0) {
            return rc;
        }
        csv->count = 0;
    }
    return 0;
}
