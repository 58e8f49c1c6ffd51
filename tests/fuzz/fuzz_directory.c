/* SPDX-License-Identifier: MIT */
/* links: fa_client fa_config */
/* What an import of the directory reads: CSV, JSON, and the directory's own file. The first byte
 * chooses. Each fault has a line; what was taken is written, read again and then the same, and the
 * configuration's own parser has nothing against it. */
#include "fuzz.h"

#include "client/csv.h"
#include "client/roster.h"

static void on_fault(void *ctx, bool is_warning, const struct fa_err *err)
{
    fa_assert(err->line > 0 && err->text[0] != '\0' && !is_warning);
}

static void check_written(const struct fa_roster *roster)
{
    struct fa_buf first, second;
    struct fa_roster again = {0};
    struct fa_roster_line *lines = NULL, *others = NULL;
    size_t count = 0, other_count = 0, newlines = 0;
    struct fa_err err;
    fa_buf_init(&first, (size_t)1 << 24);
    fa_buf_init(&second, (size_t)1 << 24);
    fa_roster_write(roster, &first, &lines, &count);
    int rc = fa_roster_parse(&again, "written", fa_buf_str(&first), &err);
    fa_assert(rc == 0 && again.count == roster->count);
    fa_roster_write(&again, &second, &others, &other_count);
    fa_assert(fa_str_eq(fa_buf_str(&first), fa_buf_str(&second)) && count == other_count);
    for (size_t i = 0; i < first.len; i++) {
        newlines += first.data[i] == '\n';
    }
    fa_assert(newlines == count);
    free(lines);
    free(others);
    fa_roster_done(&again);
    fa_buf_done(&first);
    fa_buf_done(&second);
}

static void read_cells(struct fa_str text)
{
    struct fa_csv csv;
    struct fa_err err = {0};
    uint32_t line = 0;
    fa_csv_init(&csv, text);
    while (fa_csv_parse(&csv, &err) == 0 && csv.count > 0) {
        fa_assert(csv.line > line && csv.count <= FA_CSV_COLUMNS_MAX);
        line = csv.line;
        for (size_t i = 0; i < csv.count; i++) {
            fa_assert(csv.cells[i].len <= text.len);
        }
    }
    fa_csv_done(&csv);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    uint8_t kind = fuzz_byte(&input) % 3;
    struct fa_str text = {input.size > 0 ? (const char *)input.data : "", input.size};
    struct fa_intake_roster in = {.told = on_fault};
    struct fa_err err = {0};
    if (kind == 0) {
        read_cells(text);
        fa_roster_parse_csv(&in, "in", text);
    } else if (kind == 1) {
        fa_roster_parse_json(&in, "in", text);
    } else {
        in.faults = fa_roster_parse(&in.roster, "in", text, &err) != 0;
        fa_assert(in.faults == 0 || err.text[0] != '\0');
    }
    if (in.faults == 0) {
        check_written(&in.roster);
    }
    fa_roster_done(&in.roster);
    return 0;
}
