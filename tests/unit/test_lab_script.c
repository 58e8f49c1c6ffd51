/* SPDX-License-Identifier: MIT */
/* The language of scenarios: every fault names its place and what to write instead. */
#include "fa_test.h"

#include "lab/lab.h"
#include "lab/script.h"

#include <unistd.h>

static void every_fault_names_its_place(void **state)
{
    static const struct {
        const char *text;
        uint32_t line, col;
        const char *words;
    } rows[] = {
        {"advanse 5m", 1, 1, "there is no verb 'advanse': did you mean 'advance'?"},
        {"\nexpect tel coo", 2, 8, "did you mean 'tell'?"},
        {"xyzzy", 1, 1, "there is no verb 'xyzzy' (see --language)"},
        {"advance 5", 1, 9, "'5' is not a duration such as 30s, 15m or 1h30m"},
        {"advance", 1, 1, "something is missing: advance DURATION"},
        {"at 5m advance 1m", 1, 1, "such as +15m"},
        {"at +5m", 1, 4, "and what happens at +5m?"},
        {"metric a{b=\"c\" 1", 1, 8, "is not a series"},
        {"metric a x", 1, 10, "'x' is not a number, or several such as 10,20"},
        {"metric a 1 as gague", 1, 15, "'gague' is not gauge|counter"},
        {"metric a 1 forever", 1, 12, "'forever' does not belong here"},
        {"metric a 1 every", 1, 12, "'every' wants something after it"},
        {"ack a coo", 1, 7, "'coo' does not belong here: ack ALARM by NAME"},
        {"ack a by coo \"text", 1, 14, "no closing quote"},
        {"config <<END\nx = 1;\n", 1, 8, "is not ended by a line 'END'"},
        {"config <<", 1, 8, "<< needs the word"},
        {"file maria category", 1, 12, "'category' is no key=value"},
        {"jump clock 1h", 1, 12, "a duration behind + or -"},
        {"expect outbox -1", 1, 15, "a whole number"},
        {"courier sleeps", 1, 9, "'sleeps' is not dies|returns"},
        {"\xff", 0, 0, "is no UTF-8 text"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fa_script script;
        struct fa_err err;
        int rc = fa_script_parse("x.fas", fa_str_of(rows[i].text), &script, &err);
        if (rc == 0) {
            fail_msg("row %zu is taken: %s", i, rows[i].text);
        }
        assert_contains(err.text, rows[i].words);
        assert_string_equal(err.file, "x.fas");
        assert_int_equal(err.line, rows[i].line);
        assert_int_equal(err.col, rows[i].col);
    }
}

static void groups_in_brackets_come_in_any_order(void **state)
{
    struct fa_script script;
    struct fa_err err;
    const char *text = "at +1m30s metric a{b=\"c d\"} 1,2 for 1h every 5s as timer # why\n";
    assert_int_equal(fa_script_parse("x.fas", fa_str_of(text), &script, &err), 0);
    assert_int_equal(script.count, 1);
    const struct fa_script_line *line = &script.lines[0];
    assert_int_equal(line->verb, FA_DO_METRIC);
    assert_int_equal(line->at, 90 * FA_SECOND);
    assert_string_equal(fa_script_text(line, "SERIES"), "a{b=\"c d\"}");
    assert_string_equal(fa_script_text(line, "as"), "timer");
    assert_int_equal(fa_script_duration(line, "for", 0), FA_HOUR);
    assert_int_equal(fa_script_duration(line, "every", 0), 5 * FA_SECOND);
    assert_null(fa_script_slot(line, "times"));
    fa_script_done(&script);
}

static void a_block_keeps_its_lines(void **state)
{
    struct fa_script script;
    struct fa_err err;
    const char *text = "config <<END\n a = 1; # kept\n\nEND\nadvance 1s\n";
    assert_int_equal(fa_script_parse("x.fas", fa_str_of(text), &script, &err), 0);
    assert_int_equal(script.count, 2);
    assert_string_equal(fa_script_text(&script.lines[0], "BLOCK"), " a = 1; # kept\n\n");
    assert_int_equal(script.lines[1].line, 5);
    fa_script_done(&script);
}

/* Plays a scenario's text; returns the exit code, and what was printed in *ret_out (free it). */
static int play(const char *option, const char *text, char **ret_out)
{
    char path[] = "/tmp/fa-lab-XXXXXX";
    char name[] = "test", given[32];
    size_t len = 0;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *file = fdopen(fd, "w");
    fputs(text, file);
    fclose(file);
    FILE *out = open_memstream(ret_out, &len);
    snprintf(given, sizeof given, "%s", option);
    char *argv[] = {name, given, path, NULL};
    int code = fa_lab_main(3, argv, out, out);
    fclose(out);
    unlink(path);
    return code;
}

static void the_exit_code_tells_failed_from_unreadable(void **state)
{
    char *out = NULL;
    assert_int_equal(play("--verbose", "advance 5\n", &out), FA_LAB_EXIT_USAGE);
    assert_contains(out, ":1:9: '5' is not a duration");
    free(out);
    assert_int_equal(play("--verbose", "advance 5m\n", &out), FA_LAB_EXIT_FAILED);
    assert_contains(out, "the configuration is refused");
    free(out);
    assert_int_equal(play("--verbos", "", &out), FA_LAB_EXIT_USAGE);
    assert_contains(out, "did you mean --verbose");
    free(out);
    assert_int_equal(play("--json", "expect nothing\n", &out), FA_LAB_EXIT_FAILED);
    assert_contains(out, "\"ok\":false");
    assert_contains(out, "\"line\":1,\"column\":1,");
    free(out);
}

static void a_file_that_cannot_be_read_is_named_without_a_line(void **state)
{
    char name[] = "test", path[] = "/nonexistent/a.fas";
    char *argv[] = {name, path, NULL}, *out = NULL;
    size_t len = 0;
    FILE *file = open_memstream(&out, &len);
    assert_int_equal(fa_lab_main(2, argv, file, file), FA_LAB_EXIT_USAGE);
    fclose(file);
    assert_string_equal(out, "FAILED  /nonexistent/a.fas: cannot be opened: No such file or "
                             "directory\n");
    free(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_fault_names_its_place),
        cmocka_unit_test(groups_in_brackets_come_in_any_order),
        cmocka_unit_test(a_block_keeps_its_lines),
        cmocka_unit_test(the_exit_code_tells_failed_from_unreadable),
        cmocka_unit_test(a_file_that_cannot_be_read_is_named_without_a_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
