/* SPDX-License-Identifier: MIT */
/* Rows and cells of every spelling that spreadsheets write, and what is none. */
#include "fa_test.h"
#include "client/csv.h"

/* All rows as "line: cell|cell" lines, or what was wrong. */
static const char *read_all(struct fa_str text, char buf[2048])
{
    struct fa_csv csv;
    struct fa_err err = {0};
    size_t len = 0;
    int rc;
    buf[0] = '\0';
    fa_csv_init(&csv, text);
    while ((rc = fa_csv_parse(&csv, &err)) == 0 && csv.count > 0) {
        len += (size_t)snprintf(buf + len, 2048 - len, "%u: ", csv.line);
        for (size_t i = 0; i < csv.count; i++) {
            len += (size_t)snprintf(buf + len, 2048 - len, "%s%.*s", i > 0 ? "|" : "",
                                    (int)csv.cells[i].len, csv.cells[i].ptr);
        }
        len += (size_t)snprintf(buf + len, 2048 - len, "\n");
    }
    if (rc != 0) {
        snprintf(buf + len, 2048 - len, "%u! %s", err.line, err.text);
        assert_int_equal(fa_csv_parse(&csv, &err), 0); /* and nothing after it */
        assert_int_equal(csv.count, 0);
    }
    fa_csv_done(&csv);
    return buf;
}

/* clang-format off: a row is a line */
static void rows_are_read_as_spreadsheets_write_them(void **state)
{
    static const struct {
        const char *text, *expect;
    } rows[] = {
        {"", ""},
        {"\n\n  \n", ""},
        {"a", "1: a\n"},
        {"a,b\n1,2\n", "1: a|b\n2: 1|2\n"},
        {"a,b\r\n1,2\r\n", "1: a|b\n2: 1|2\n"},
        {"a,b\r1,2\r3,4", "1: a|b\n2: 1|2\n3: 3|4\n"},
        {"\xef\xbb\xbf"
         "a,b",
         "1: a|b\n"},
        {"a;b\n1,5;2\n", "1: a|b\n2: 1,5|2\n"},
        {"a\tb\n 1 \t2 x\n", "1: a|b\n2: 1|2 x\n"},
        {"\"a;b\",c\n", "1: a;b|c\n"},
        {"a,,\n,,\n", "1: a||\n2: ||\n"},
        {" a , b \n", "1: a|b\n"},
        {"\" a \" ,b\n", "1:  a |b\n"},
        {"\"say \"\"no\"\"\",b\n", "1: say \"no\"|b\n"},
        {"\"two\nlines\",b\n\nc,d\n", "1: two\nlines|b\n4: c|d\n"},
        {"\"\",b\n", "1: |b\n"},
        {"a\"b,c\n", "1: a\"b|c\n"},
        {"a,b\n\"open,\n1\n", "1: a|b\n2! a quote is opened here and never closed"},
        {"a\n\"b\"c\n", "1: a\n2! text behind a closing quote; a quote within quotes is doubled"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char buf[2048];
        if (strcmp(read_all(fa_str_of(rows[i].text), buf), rows[i].expect) != 0) {
            fail_msg("row %zu: got\n%s\ninstead of\n%s", i, buf, rows[i].expect);
        }
    }
}
/* clang-format on */

static void what_is_no_text_or_too_wide_is_refused(void **state)
{
    char buf[2048], wide[200];
    read_all((struct fa_str){"a,b\n1,\0\n", 8}, buf);
    assert_string_equal(buf, "1: a|b\n2! a zero byte: this is no text");
    memset(wide, ',', sizeof wide);
    wide[63] = '\n';
    read_all((struct fa_str){wide, 64}, buf);
    assert_non_null(strstr(buf, "1: |"));
    read_all((struct fa_str){wide, 200}, buf);
    assert_non_null(strstr(buf, "2! more than 64 cells"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_read_as_spreadsheets_write_them),
        cmocka_unit_test(what_is_no_text_or_too_wide_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
