/* SPDX-License-Identifier: MIT */
/* CSV as records. The header's column "person", "team" or "account" holds the name and says what
 * the file is of; "channel.NAME" is the person's address there, the preferred channel first; all
 * other columns are keys of the configuration. Lists are parted by ";" or "|" within a cell; an
 * empty cell says nothing. */
#include "client/csv.h"
#include "client/roster.h"

#include <stdarg.h>
#include <string.h>

struct column {
    const struct fa_key *key; /* NULL: refused */
    char name[80];
    const char *channel; /* within name; NULL: it is none */
};

struct sheet {
    struct fa_intake_roster *in;
    const char *file;
    enum fa_roster_kind kind;
    struct column columns[FA_CSV_COLUMNS_MAX];
    size_t count;
};

void fa_roster_fault(struct fa_intake_roster *in, const char *file, uint32_t line,
                     const char *column, const char *fmt, ...)
{
    struct fa_err err;
    char text[400];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (column != NULL) {
        fa_err_at(&err, FA_EINVAL, file, line, 0, "column '%s': %s", column, text);
    } else {
        fa_err_at(&err, FA_EINVAL, file, line, 0, "%s", text);
    }
    in->faults++;
    in->told(in->ctx, false, &err);
}

/* The kind that one of the columns names; false when none or two do. */
static bool find_kind(struct sheet *sheet, const struct fa_csv *csv)
{
    size_t found = 0;
    for (size_t i = 0; i < csv->count; i++) {
        for (enum fa_roster_kind kind = 0; kind < FA_ROSTER__COUNT; kind++) {
            if (fa_str_is(csv->cells[i], fa_roster_word(kind))) {
                sheet->kind = kind;
                found++;
            }
        }
    }
    if (found != 1) {
        fa_roster_fault(sheet->in, sheet->file, csv->line, NULL,
                        "the header needs one of the columns person, team and account: it holds "
                        "the name, and says what the file is of");
    }
    return found == 1;
}

static void read_column(struct sheet *sheet, const struct fa_csv *csv, size_t i)
{
    struct column *column = &sheet->columns[i];
    struct fa_str cell = csv->cells[i], name = cell;
    struct fa_err err;
    snprintf(column->name, sizeof column->name, "%.*s", (int)(cell.len < 79 ? cell.len : 79),
             cell.ptr);
    for (size_t k = 0; k < i; k++) {
        if (strcmp(sheet->columns[k].name, column->name) == 0) {
            fa_roster_fault(sheet->in, sheet->file, csv->line, column->name,
                            "there are two of that name");
            return;
        }
    }
    if (fa_str_is(cell, fa_roster_word(sheet->kind))) {
        name = FA_STR("name");
    } else if (fa_str_is(cell, "name")) {
        fa_roster_fault(sheet->in, sheet->file, csv->line, column->name,
                        "the name stands in the column '%s'", fa_roster_word(sheet->kind));
        return;
    } else if (sheet->kind == FA_ROSTER_PERSON && fa_str_starts(cell, "channel.")) {
        column->channel = column->name + strlen("channel.");
        name = FA_STR("channels");
    }
    if (fa_roster_key(sheet->kind, name, &column->key, &err) != 0) {
        fa_roster_fault(sheet->in, sheet->file, csv->line, column->name, "%s", err.text);
    } else if (fa_roster_is_channels(column->key) && column->channel == NULL) {
        fa_roster_fault(sheet->in, sheet->file, csv->line, column->name,
                        "write a column channel.NAME with the address for each channel");
        column->key = NULL;
    }
}

static struct fa_str trim(struct fa_str text)
{
    while (text.len > 0 && text.ptr[0] == ' ') {
        text.ptr++;
        text.len--;
    }
    while (text.len > 0 && text.ptr[text.len - 1] == ' ') {
        text.len--;
    }
    return text;
}

static void put(struct sheet *sheet, struct fa_roster_record *record,
                const struct fa_roster_field *field, struct fa_str text)
{
    struct fa_err err;
    if (fa_roster_put(record, (struct fa_roster_field *)(uintptr_t)field, text, &err) != 0) {
        fa_roster_fault(sheet->in, sheet->file, record->line, field->column, "%s", err.text);
    }
}

static void put_cell(struct sheet *sheet, struct fa_roster_record *record,
                     const struct column *column, struct fa_str cell)
{
    struct fa_roster_field *field =
        fa_roster_field(record, column->key, record->line, column->name);
    if (column->channel != NULL) {
        put(sheet, record, field, fa_str_of(column->channel));
        put(sheet, record, field, fa_str_is(cell, "-") ? FA_STR("") : cell);
        return;
    }
    if (!fa_roster_is_list(column->key)) {
        put(sheet, record, field, cell);
        return;
    }
    while (cell.len > 0) {
        size_t len = 0;
        while (len < cell.len && cell.ptr[len] != ';' && cell.ptr[len] != '|') {
            len++;
        }
        struct fa_str text = trim((struct fa_str){cell.ptr, len});
        if (text.len > 0) {
            put(sheet, record, field, text);
        }
        len += len < cell.len;
        cell = (struct fa_str){cell.ptr + len, cell.len - len};
    }
}

static void read_row(struct sheet *sheet, const struct fa_csv *csv)
{
    if (csv->count != sheet->count) {
        fa_roster_fault(sheet->in, sheet->file, csv->line, NULL,
                        "a row of %zu cells under a header of %zu: is a cell with a separator not "
                        "in quotes?",
                        csv->count, sheet->count);
        return;
    }
    struct fa_roster_record *record =
        fa_roster_add(&sheet->in->roster, sheet->kind, sheet->file, csv->line);
    for (size_t i = 0; i < csv->count; i++) {
        if (csv->cells[i].len > 0 && sheet->columns[i].key != NULL) {
            put_cell(sheet, record, &sheet->columns[i], csv->cells[i]);
        }
    }
    if (record->name[0] == '\0') {
        fa_roster_fault(sheet->in, sheet->file, csv->line, fa_roster_word(sheet->kind),
                        "the name is missing");
    }
}

void fa_roster_parse_csv(struct fa_intake_roster *in, const char *file, struct fa_str text)
{
    struct sheet sheet = {.in = in, .file = file};
    struct fa_csv csv;
    struct fa_err err;
    fa_csv_init(&csv, text);
    int rc = fa_csv_parse(&csv, &err);
    if (rc == 0 && csv.count == 0) {
        fa_roster_fault(in, file, 1, NULL, "is empty: a header is needed");
    } else if (rc == 0 && find_kind(&sheet, &csv)) {
        sheet.count = csv.count;
        in->has[sheet.kind] = true;
        for (size_t i = 0; i < csv.count; i++) {
            read_column(&sheet, &csv, i);
        }
        while ((rc = fa_csv_parse(&csv, &err)) == 0 && csv.count > 0) {
            read_row(&sheet, &csv);
        }
    }
    if (rc != 0) {
        fa_roster_fault(in, file, err.line, NULL, "%s", err.text);
    }
    fa_csv_done(&csv);
}
