/* SPDX-License-Identifier: MIT */
/* Reads CSV as spreadsheets and databases write it: quoted cells with doubled quotes, CRLF, one
 * header. A cell never spans lines: no number and no label needs that. */
#include "lab/history.h"

#include "base/panic.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define COLUMNS_MAX ((size_t)FA_HISTORY_LABELS_MAX)
#define LINE_MAX    ((size_t)64 * 1024)
#define NO_COLUMN   SIZE_MAX

struct sheet {
    struct fa_history *history;
    const char *name; /* of the file */
    struct fa_err *err;
    char parted;
    uint32_t line;
    struct fa_str cells[COLUMNS_MAX]; /* of the line under way */
    size_t count;
    char room[LINE_MAX]; /* for cells in quotes */
    /* of the header */
    struct fa_str titles[COLUMNS_MAX];
    size_t series[COLUMNS_MAX]; /* of a sheet without a column of values */
    size_t columns, time, value, metric;
    struct fa_str metric_name; /* when no column gives it */
};

static int fault(const struct sheet *sheet, size_t column, const char *what)
{
    return fa_err_at(sheet->err, FA_EPARSE, sheet->name, sheet->line, 0, "column %zu: %s",
                     column + 1, what);
}

/* ---- cells ---- */

/* What stood in quotes is written to *room, which moves on. False: the quote is not closed, or
 * something stands behind it. */
static bool take_quoted(struct fa_str *rest, char parted, char **room, struct fa_str *ret_cell)
{
    const char *at = rest->ptr + 1, *end = rest->ptr + rest->len;
    char *to = *room;
    while (at < end && (*at != '"' || (at + 1 < end && at[1] == '"'))) {
        at += *at == '"';
        *to++ = *at++;
    }
    if (at == end) {
        return false;
    }
    *ret_cell = (struct fa_str){*room, (size_t)(to - *room)};
    *room = to;
    at++;
    return fa_str_trim(fa_str_cut((struct fa_str){at, (size_t)(end - at)}, parted, rest)).len == 0;
}

static int split(struct sheet *sheet, struct fa_str rest)
{
    char *room = sheet->room;
    if (rest.len > 0 && rest.ptr[rest.len - 1] == '\r') {
        rest.len--;
    }
    if (rest.len >= LINE_MAX) {
        return fault(sheet, 0, "a line longer than 64 KiB");
    }
    sheet->count = 0;
    do {
        struct fa_str *cell = &sheet->cells[sheet->count];
        if (sheet->count == COLUMNS_MAX) {
            return fault(sheet, sheet->count, "more than 256 columns");
        }
        if (rest.len == 0 || rest.ptr[0] != '"') {
            *cell = fa_str_trim(fa_str_cut(rest, sheet->parted, &rest));
        } else if (!take_quoted(&rest, sheet->parted, &room, cell)) {
            return fault(sheet, sheet->count, "the quote is not closed before the next column");
        }
        sheet->count++;
    } while (rest.ptr != NULL);
    return 0;
}

/* A date, with or without a time of day, and no zone: UTC. */
static int read_local_time(struct fa_str text, fa_time *ret_at)
{
    char whole[40];
    if (text.len < 10 || text.len > 23) {
        return FA_EPARSE;
    }
    snprintf(whole, sizeof whole, "%.*s%s", FA_STR_ARG(text),
             text.len == 10   ? "T00:00:00Z"
             : text.len == 16 ? ":00Z"
                              : "Z");
    whole[10] = whole[10] == ' ' ? 'T' : whole[10];
    return fa_parse_time(fa_str_of(whole), ret_at);
}

static int read_time(struct fa_str text, fa_time *ret_at)
{
    double number;
    if (fa_parse_double(text, &number) != 0) {
        return fa_parse_time(text, ret_at) == 0 ? 0 : read_local_time(text, ret_at);
    }
    number = number > 1e11 || number < -1e11 ? number : number * 1000;
    if (number > (double)FA_DURATION_MAX || number < -(double)FA_DURATION_MAX) {
        return FA_ERANGE;
    }
    *ret_at = (fa_time)number;
    return 0;
}

/* ---- the header ---- */

static size_t find_title(const struct sheet *sheet, const char *const *names, size_t count)
{
    for (size_t n = 0; n < count; n++) {
        for (size_t i = 0; i < sheet->columns; i++) {
            if (sheet->titles[i].len == strlen(names[n]) &&
                strncasecmp(sheet->titles[i].ptr, names[n], sheet->titles[i].len) == 0) {
                return i;
            }
        }
    }
    return NO_COLUMN;
}

static char parted_by(struct fa_str header)
{
    static const char signs[] = {'\t', ';', ','};
    for (size_t i = 0; i < sizeof signs; i++) {
        if (header.len > 0 && memchr(header.ptr, signs[i], header.len) != NULL) {
            return signs[i];
        }
    }
    return ',';
}

/* Each column but the time's is a series: its title in PromQL's notation, else as it stands. */
static int name_columns(struct sheet *sheet)
{
    struct fa_err ignored;
    for (size_t i = 0; i < sheet->columns; i++) {
        struct fa_label name = {FA_STR("__name__"), sheet->titles[i]};
        if (i == sheet->time) {
            continue;
        }
        if (name.value.len == 0 || !fa_utf8_valid(name.value)) {
            return fault(sheet, i, "has no title, which would name its series");
        }
        if (fa_history_name(sheet->history, name.value, &sheet->series[i], &ignored) != 0) {
            sheet->series[i] = fa_history_add(sheet->history, &name, 1);
        }
    }
    return 0;
}

static int read_header(struct sheet *sheet, struct fa_str header, const char *metric)
{
    static const char *const times[] = {"time", "timestamp", "date", "datetime", "ts"};
    static const char *const values[] = {"value"};
    static const char *const metrics[] = {"metric", "name", "__name__"};
    sheet->parted = parted_by(header);
    int ret = split(sheet, header);
    if (ret != 0) {
        return ret;
    }
    sheet->columns = sheet->count;
    for (size_t i = 0; i < sheet->count; i++) {
        sheet->titles[i] = fa_scratch_str(fa_history_arena(sheet->history), sheet->cells[i]);
    }
    sheet->time = find_title(sheet, times, sizeof times / sizeof times[0]);
    sheet->time = sheet->time == NO_COLUMN ? 0 : sheet->time;
    sheet->value = find_title(sheet, values, 1);
    sheet->metric = find_title(sheet, metrics, sizeof metrics / sizeof metrics[0]);
    sheet->metric_name = fa_str_of(metric);
    if (sheet->columns < 2) {
        return fault(sheet, 0,
                     "a header with the titles of at least two columns should stand here");
    }
    if (sheet->value == NO_COLUMN) {
        return name_columns(sheet);
    }
    return sheet->metric == NO_COLUMN && metric == NULL
               ? fault(sheet, sheet->value, "no column `metric` names what this value is of")
               : 0;
}

/* ---- lines ---- */

static int add_value(struct sheet *sheet, size_t column, size_t series, fa_time at)
{
    struct fa_point point = {.at = at};
    if (sheet->cells[column].len == 0) {
        return 0;
    }
    if (fa_number_parse(sheet->cells[column], &point.value) != 0) {
        return fault(sheet, column, "a number should stand here");
    }
    fa_history_append(sheet->history, series, point);
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return fa_str_cmp(((const struct fa_label *)a)->name, ((const struct fa_label *)b)->name);
}

/* The labels of a line that has one value. */
static int series_of_line(struct sheet *sheet, size_t *ret_series)
{
    struct fa_label labels[COLUMNS_MAX + 1];
    size_t count = 1;
    labels[0] = (struct fa_label){FA_STR("__name__"), sheet->metric != NO_COLUMN
                                                          ? sheet->cells[sheet->metric]
                                                          : sheet->metric_name};
    if (labels[0].value.len == 0) {
        return fault(sheet, sheet->metric, "the name of a metric should stand here");
    }
    for (size_t i = 0; i < sheet->columns; i++) {
        if (i != sheet->time && i != sheet->value && i != sheet->metric &&
            sheet->cells[i].len > 0) {
            if (sheet->titles[i].len == 0 || !fa_utf8_valid(sheet->cells[i])) {
                return fault(sheet, i, "no label: it has no title, or is no UTF-8");
            }
            labels[count++] = (struct fa_label){sheet->titles[i], sheet->cells[i]};
        }
    }
    qsort(labels, count, sizeof labels[0], by_name);
    for (size_t i = 1; i < count; i++) {
        if (fa_str_eq(labels[i - 1].name, labels[i].name)) {
            return fault(sheet, 0, "two columns have one title");
        }
    }
    *ret_series = fa_history_add(sheet->history, labels, count);
    return 0;
}

static int read_row(struct sheet *sheet, struct fa_str line)
{
    fa_time at;
    int ret = split(sheet, line);
    if (ret != 0 || (sheet->count == 1 && sheet->cells[0].len == 0)) {
        return ret; /* an empty line */
    }
    if (sheet->count != sheet->columns) {
        return fault(sheet, sheet->count - 1, "not as many columns as the header has");
    }
    if (read_time(sheet->cells[sheet->time], &at) != 0) {
        return fault(sheet, sheet->time,
                     "a time should stand here, such as 2026-11-22T08:15:00Z, 2026-11-22 or "
                     "seconds since 1970");
    }
    if (sheet->value != NO_COLUMN) {
        size_t series;
        ret = series_of_line(sheet, &series);
        return ret == 0 ? add_value(sheet, sheet->value, series, at) : ret;
    }
    for (size_t i = 0; ret == 0 && i < sheet->columns; i++) {
        ret = i == sheet->time ? 0 : add_value(sheet, i, sheet->series[i], at);
    }
    return ret;
}

int fa_history_read_csv(struct fa_history *history, struct fa_str text, const char *name,
                        const char *metric, struct fa_err *err)
{
    struct sheet *sheet = fa_xcalloc(1, sizeof *sheet);
    int ret = 0;
    sheet->history = history;
    sheet->name = name;
    sheet->err = err;
    if (fa_str_starts(text, "\xef\xbb\xbf")) { /* as spreadsheets begin */
        text = (struct fa_str){text.ptr + 3, text.len - 3};
    }
    while (ret == 0 && text.len > 0) {
        struct fa_str line = fa_str_cut(text, '\n', &text);
        sheet->line++;
        ret = sheet->line == 1 ? read_header(sheet, line, metric) : read_row(sheet, line);
        if (ret == 0 && fa_history_arena(history)->over) {
            ret =
                fa_err_at(err, FA_ETOOBIG, name, sheet->line, 0, "more than can be held in memory");
        }
    }
    free(sheet);
    return ret;
}

bool fa_history_is_csv(struct fa_str text)
{
    struct fa_str line = fa_str_cut(text, '\n', &(struct fa_str){0});
    size_t to = 0;
    if (fa_str_starts(line, "\"") || fa_str_starts(line, "\xef\xbb\xbf")) {
        return true;
    }
    /* Prometheus text has a comma between braces only. */
    while (to < line.len && line.ptr[to] != '{' && line.ptr[to] != '#') {
        if (line.ptr[to] == ',' || line.ptr[to] == ';' || line.ptr[to] == '\t') {
            return true;
        }
        to++;
    }
    return false;
}
