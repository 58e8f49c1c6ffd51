/* SPDX-License-Identifier: MIT */
/* links: fa_client */
#include "fa_test.h"
#include "client/import.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PIECE 64

struct sent {
    char text[1 << 16];
    size_t len, pieces;
    int rc;
};

static int note(void *ctx, struct fa_str piece, struct fa_err *err)
{
    struct sent *sent = ctx;
    assert_true(piece.len > 0 && piece.len <= PIECE);
    sent->len += (size_t)snprintf(sent->text + sent->len, sizeof sent->text - sent->len, "%.*s|",
                                  FA_STR_ARG(piece));
    sent->pieces++;
    return sent->rc == 0 ? 0 : fa_err_set(err, sent->rc, "no");
}

/* The text in steps of that many bytes. */
static int import(struct fa_import *import, struct sent *sent, const char *text, size_t step)
{
    struct fa_err err;
    size_t len = strlen(text);
    int rc = 0;
    sent->len = sent->pieces = 0;
    sent->text[0] = '\0';
    fa_import_init(import, PIECE, note, sent);
    for (size_t at = 0; at < len && rc == 0; at += step) {
        rc = fa_import_put(import, (struct fa_str){text + at, len - at < step ? len - at : step},
                           &err);
    }
    return rc == 0 ? fa_import_end(import, &err) : rc;
}

static void lines_go_out_whole_and_once_whatever_the_pieces(void **state)
{
    static const struct {
        const char *text, *sent;
        uint64_t lines;
    } rows[] = {
        {"", "", 0},
        {"a 1\n", "a 1\n|", 1},
        {"a 1\nb 2", "a 1\nb 2|", 2},
        {"\n\r\n# comment\n  \na 1\n", "\n\r\n# comment\n  \na 1\n|", 1},
        {"0123456789012345678901234567890123456789 1\n"
         "0123456789012345678901234567890123456789 2\nc 3\n",
         "0123456789012345678901234567890123456789 1\n|"
         "0123456789012345678901234567890123456789 2\nc 3\n|",
         3},
        /* What a TYPE line says holds in the next request too. */
        {"# TYPE a counter\na{x=\"01234567890123456789\"} 1\na{x=\"01234567890123456789\"} 2\n"
         "# TYPE b gauge\nb{x=\"01234567890123456789\"} 3\n",
         "# TYPE a counter\na{x=\"01234567890123456789\"} 1\n|"
         "# TYPE a counter\na{x=\"01234567890123456789\"} 2\n# TYPE b gauge\n|"
         "# TYPE b gauge\nb{x=\"01234567890123456789\"} 3\n|",
         3},
    };
    static const size_t steps[] = {1, 7, 63, 64, 65, 1000};
    struct sent *sent = calloc(1, sizeof *sent);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t k = 0; k < sizeof steps / sizeof steps[0]; k++) {
            struct fa_import one;
            assert_int_equal(import(&one, sent, rows[i].text, steps[k]), 0);
            assert_string_equal(sent->text, rows[i].sent);
            assert_true(one.lines == rows[i].lines && one.requests == sent->pieces);
            assert_true(one.bytes == strlen(rows[i].text));
            fa_import_done(&one);
        }
    }
    free(sent);
}

static void a_line_that_no_request_can_hold_ends_it_and_is_named(void **state)
{
    struct sent *sent = calloc(1, sizeof *sent);
    struct fa_import one;
    struct fa_err err;
    char text[400] = "a 1\nb 2\n";
    memset(text + 8, 'x', 200);
    assert_int_equal(import(&one, sent, text, 1000), FA_ETOOBIG);
    assert_string_equal(sent->text, "a 1\nb 2\n|");
    assert_int_equal(fa_import_put(&one, FA_STR("y"), &err), FA_ETOOBIG);
    assert_non_null(strstr(err.text, "after 2 lines of samples one is longer"));
    fa_import_done(&one);
    free(sent);
}

static void what_sending_says_ends_it(void **state)
{
    struct sent *sent = calloc(1, sizeof *sent);
    struct fa_import one;
    sent->rc = FA_EIO;
    assert_int_equal(import(&one, sent, "a 1\n", 4), FA_EIO);
    assert_true(one.requests == 0 && one.lines == 0);
    fa_import_done(&one);
    free(sent);
}

static void refusals_are_counted_and_the_first_reasons_kept(void **state)
{
    struct fa_import one;
    fa_import_init(&one, PIECE, note, NULL);
    fa_import_answer(
        &one, FA_STR("3 refused; everything else was taken\nno value: x\nno name: y\n"), true);
    fa_import_answer(&one, FA_STR("2 refused; everything else was taken\nthird\nfourth\n"), true);
    fa_import_answer(&one, FA_STR("\"the body is no JSON array\""), true);
    fa_import_answer(&one, FA_STR("18446744073709551616 refused"), true);
    fa_import_answer(&one, FA_STR(""), true);
    assert_true(one.refused == 8);
    assert_int_equal(one.reason_count, 5);
    assert_string_equal(one.reasons[0], "no value: x");
    assert_string_equal(one.reasons[3], "fourth");
    assert_string_equal(one.reasons[4], "\"the body is no JSON array\"");
    fa_import_done(&one);
}

static void what_was_taken_and_ignored_is_summed_and_names_are_kept_once(void **state)
{
    struct fa_import one;
    fa_import_init(&one, PIECE, note, NULL);
    fa_import_answer(&one, FA_STR("3 taken\n2 ignored\nunwatched a b\nunwatched c\n"), false);
    fa_import_answer(&one, FA_STR("0 taken\n1 ignored\nunwatched c\n1 refused; x\nunwatched d\n"),
                     true);
    assert_true(one.is_counted && one.taken == 3 && one.ignored == 3 && one.refused == 1);
    assert_int_equal(one.name_count, 2);
    assert_string_equal(one.names[0], "a b");
    assert_string_equal(one.names[1], "c");
    assert_string_equal(one.reasons[0], "unwatched d"); /* words of who was refused */
    for (int i = 0; i < 30; i++) {
        char text[60];
        snprintf(text, sizeof text, "1 taken\n1 ignored\nunwatched n%d\n", i);
        fa_import_answer(&one, fa_str_of(text), false);
    }
    assert_int_equal(one.name_count, FA_IMPORT_NAMES);
    /* One that does not count makes the sums worth nothing. */
    fa_import_answer(&one, FA_STR(""), false);
    assert_false(one.is_counted);
    fa_import_answer(&one, FA_STR("1 taken\n1 ignored\n"), false);
    assert_false(one.is_counted);
    fa_import_done(&one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_go_out_whole_and_once_whatever_the_pieces),
        cmocka_unit_test(a_line_that_no_request_can_hold_ends_it_and_is_named),
        cmocka_unit_test(what_sending_says_ends_it),
        cmocka_unit_test(refusals_are_counted_and_the_first_reasons_kept),
        cmocka_unit_test(what_was_taken_and_ignored_is_summed_and_names_are_kept_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
