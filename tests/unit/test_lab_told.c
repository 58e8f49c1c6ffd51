/* SPDX-License-Identifier: MIT */
/* links: PkgConfig::JANSSON */
/* What a scenario states of messages: who, when, over which channel, in which words, and nothing
 * else. Each row is a test that must pass or fail with that said. */
#include "fa_test.h"

#include "base/buf.h"
#include "lab/lab.h"
#include "lab/runs.h"

#include <jansson.h>
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIRM                                                                                                        \
    "config <<END\n"                                                                                                \
    "company = \"A\"; people = ( { name = \"coo\"; channels = ( { channel = \"mail\"; address = \"c@x\"; } ); },\n" \
    "  { name = \"cfo\"; channels = ( { channel = \"mail\"; address = \"f@x\"; } ); },\n"                           \
    "  { name = \"ruth\"; independent = true; channels = ( { channel = \"mail\"; address = "                        \
    "\"r@x\"; } ); },\n"                                                                                            \
    "  { name = \"leo\"; independent = true; channels = ( { channel = \"mail\"; address = "                         \
    "\"l@x\"; } ); } );\n"                                                                                          \
    "channels = ( { name = \"mail\"; plugin = \"email\"; },\n"                                                      \
    "  { name = \"pager\"; plugin = \"webhook\"; } );\n"                                                            \
    "policies = ( { name = \"up\"; steps = ( { targets = [ \"coo\" ]; wait = \"15m\"; },\n"                         \
    "    { targets = [ \"cfo\" ]; wait = \"8h\"; } ); },\n"                                                         \
    "  { name = \"operators\"; steps = ( { targets = [ \"coo\" ]; wait = \"8h\"; } ); } );\n"                       \
    "categories = ( { name = \"service\"; title = \"Service\"; guidance = \"raise\"; "                              \
    "severity = \"critical\"; policy = \"up\"; } );\n"                                                              \
    "rules = ( { name = \"slow\"; category = \"service\"; policy = \"up\"; metric = \"q\"; "                        \
    "above = 120.0; for = \"5m\"; summary = \"answers in {value|duration}\"; } );\n"                                \
    "END\n"

static char directory[] = "/tmp/fa-told-XXXXXX";

static const char *write_scenario(const char *text)
{
    static char path[64];
    snprintf(path, sizeof path, "%s/one.fas", directory);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "%s%s", FIRM, text);
    fclose(file);
    return path;
}

/* Returns the exit code and what was printed (free it). */
static int play(const char *option, const char *path, char **ret_out)
{
    char name[] = "test", given[32], file[64];
    size_t len = 0;
    FILE *out = open_memstream(ret_out, &len);
    snprintf(given, sizeof given, "%s", option);
    snprintf(file, sizeof file, "%s", path);
    char *argv[] = {name, given, file, NULL};
    int code = fa_lab_main(3, argv, out, out);
    fclose(out);
    return code;
}

static void the_timeline_is_stated_exactly(void **state)
{
    static const struct {
        const char *text;
        int code;
        const char *said[3];
    } rows[] = {
        /* Who, when, over which channel, with what text. */
        {"metric q \"100 130x60\"\nadvance 1h\nat +6m expect tell coo via mail kind alarm step 1 says "
         "\"answers in 2 min 10 s\"\nat +21m expect tell cfo contains \"2 min\"\nnothing else\n",
         0,
         {"ok "}},
        {"metric qq \"100 130x60\"\nadvance 1h\nnothing else\n", 0, {"no rule reads qq"}},
        {"metric q \"100 130x60\"\nadvance 1h\nat +7m expect tell coo\n",
         1,
         {":16:8: nobody was told that", "told instead, sooner: at +6m expect tell coo via mail"}},
        {"metric q \"100 130x60\"\nadvance 1h\nat +6m expect tell coo says \"answers in 2 min\"\n",
         1,
         {"told instead, in other words:", "says \"answers in 2 min 10 s\""}},
        {"metric q \"100 130x60\"\nadvance 1h\nat +6m expect tell coo contains \"3 min\"\n",
         1,
         {"told instead, in other words:"}},
        {"metric q \"100 130x60\"\nadvance 1h\nat +6m expect tell coo via pager\n",
         1,
         {"told instead, over another channel"}},
        {"metric q \"100 130x60\"\nexpect tell coo within 5m\n", 1, {"nobody was told that"}},
        {"metric q \"100 130x60\"\nexpect tell coo within 6m\nexpect nothing for 14m59s\n",
         0,
         {"ok "}},
        {"metric q \"100 130x60\"\nat +5m expect tell coo within 1m\n", 0, {"ok "}},
        {"metric q 5\nexpect tell coc\n", 1, {"there is nobody 'coc': did you mean 'coo'?"}},
        {"metric q 5\nexpect tell coo via male\n", 1, {"there is no channel 'male'"}},
        /* All that fail are reported, beside what came. */
        {"metric q \"100 130x60\"\nadvance 1h\nexpect tell ruth\nexpect tell leo\nexpect tell coo\n",
         1,
         {":16:1: nobody was told that", ":17:1: nobody was told that",
          "18  coo       =  coo via mail"}},
        /* What must not be. */
        {"never tell \"cfo\"\nmetric q 130 every 1m\nadvance 1h\n",
         1,
         {"never tell cfo (line 14): alarm of slow{} via mail"}},
        {"never tell \"cof\"\nmetric q 1\n", 1, {"there is nobody 'cof'"}},
        {"metric q 1\nexpect no tell cof\n", 1, {"there is nobody 'cof'"}},
        {"metric q 130 every 1m\nadvance 1h\nnothing else\nexpect tell coo\n",
         1,
         {":16:1: told and not expected\n            at +20m expect tell cfo",
          "+  cfo via mail kind alarm of slow{} step 2 loop 0"}},
        {"metric q 130 every 1m\nadvance 1h\nallow tell cfo via mail\nnothing else\n"
         "expect tell coo\n",
         0,
         {"ok "}},
        {"metric q 130 every 1m\nadvance 1h\nallow tell anyone\nnothing else\n", 0, {"ok "}},
        {"metric q 130 every 1m\nadvance 1h\nallow tell cfo kind reminder\nnothing else\n"
         "expect tell coo\n",
         1,
         {"told and not expected"}},
        /* Samples as promtool writes them come once, an interval apart. */
        {"metric q \"100+10x20\"\nadvance 30m\nat +8m expect tell coo says \"answers in 3 min\"\n"
         "allow tell anyone\nnothing else\n",
         0,
         {"ok "}},
        {"interval 10s\nmetric q \"100 130x60\"\nadvance 30m\nat +5m10s expect tell coo\n",
         0,
         {"ok "}},
        {"metric q 130x20 every 30s\nadvance 30m\nexpect alarm slow unacknowledged unknown\n",
         0,
         {"ok "}},
        {"metric q \"130 130 stale\"\nadvance 2m\nexpect alarm slow pending unknown\n", 0, {"ok "}},
        {"metric q \"130x3 _x3 130x3\"\nat +6m expect tell coo within 1m\n",
         1,
         {"nobody was told"}},
        {"metric q 130x\n", 2, {"'130x' is not a number"}},
        {"metric q \"1 2y\"\n", 2, {"'1 2y' is not a number"}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *out = NULL;
        int code = play("--restart-everywhere", write_scenario(rows[i].text), &out);
        if (code != rows[i].code) {
            fail_msg("row %zu gives %d:\n%s", i, code, out);
        }
        for (size_t s = 0; s < 3 && rows[i].said[s] != NULL; s++) {
            assert_contains(out, rows[i].said[s]);
        }
        free(out);
    }
}

static void what_verbose_prints_is_what_can_be_expected(void **state)
{
    char *out = NULL, *again = NULL;
    const char *text = "metric q \"100 130x60 50x9\"\nat +30m ack slow by cfo for 2h\nadvance 2h\n";
    assert_int_equal(play("--verbose", write_scenario(text), &out), FA_LAB_EXIT_OK);
    const char *told = strstr(out, "at +6m expect tell");
    assert_non_null(told);
    struct fa_buf whole;
    fa_buf_init(&whole, 65536);
    fa_buf_printf(&whole, "%s%s", text, told);
    assert_int_equal(play("--json", write_scenario(fa_buf_text(&whole)), &again), FA_LAB_EXIT_OK);
    assert_contains(again, "\"ok\":true");
    assert_contains(again, "\"expected_line\":17");
    free(out);
    free(again);
    fa_buf_done(&whole);
}

static void write_puts_the_timeline_at_the_end_once(void **state)
{
    char *out = NULL;
    const char *path = write_scenario("metric q 130x90\nat +5m expect tell coo\nadvance 1h\n");
    for (int i = 0; i < 2; i++) {
        assert_int_equal(play("--write", path, &out), FA_LAB_EXIT_OK);
        free(out);
        char text[8192];
        FILE *file = fopen(path, "r");
        assert_non_null(file);
        text[fread(text, 1, sizeof text - 1, file)] = '\0';
        fclose(file);
        const char *mark = strstr(text, "\n# What is told");
        assert_non_null(mark);
        assert_null(strstr(mark + 1, "\n# What is told"));
        assert_null(strstr(mark, "tell coo")); /* it was expected before */
        assert_contains(mark, "at +20m expect tell cfo via mail kind alarm of slow{} step 2 says");
        assert_contains(mark, "\nnothing else\n");
    }
    assert_int_equal(play("--write", write_scenario("metric q 1\nexpect tell coo\n"), &out),
                     FA_LAB_EXIT_FAILED);
    assert_contains(out, "nothing is written, for this fails: nobody was told that");
    free(out);
}

static void a_directory_is_played_in_the_order_of_names(void **state)
{
    char *out = NULL, path[96];
    (void)write_scenario("metric q 1\n");
    snprintf(path, sizeof path, "%s/sub", directory);
    assert_int_equal(mkdir(path, 0700), 0);
    char *empty = NULL;
    assert_int_equal(play("--verbose", path, &empty), FA_LAB_EXIT_USAGE);
    assert_contains(empty, "no scenario (*.fas) in there");
    free(empty);
    char file[128];
    snprintf(file, sizeof file, "%s/two.fas", path);
    FILE *two = fopen(file, "w");
    fputs("advance 5\n", two);
    fclose(two);
    assert_int_equal(play("--json", directory, &out), FA_LAB_EXIT_USAGE);
    assert_contains(out, "one.fas\",\"ok\":true");
    assert_contains(strstr(out, "one.fas"), "sub/two.fas\",\"ok\":false");
    free(out);
    unlink(file);
    rmdir(path);
}

/* Each expectation that failed, and no other, in the order of the lines. */
static void programs_get_each_failure_with_its_line(void **state)
{
    static const struct {
        int line, column, at_ms;
        const char *expected, *failure, *hint;
    } rows[] = {
        {16, 8, 420000, "at +7m expect tell coo", "nobody was told that",
         "told instead, sooner: at +6m expect tell coo via mail"},
        {18, 1, 1260000, "expect tell cfo says \"\\\"no\\\"\"", "nobody was told that",
         "told instead, to somebody else, in other words: at +6m expect tell coo"},
        {19, 1, 1260000, "expect alarm slow resolved", "slow{} is unacknowledged", NULL},
    };
    char *out = NULL;
    json_error_t error;
    int code = play("--json",
                    write_scenario("metric q \"100 130x60\"\nadvance 1m\nat +7m expect tell coo\n"
                                   "at +21m expect tell cfo\nexpect tell cfo says \"\\\"no\\\"\"\n"
                                   "expect alarm slow resolved\n"),
                    &out);
    json_t *json = json_loads(out, 0, &error), *failures = json_object_get(json, "failures");
    assert_int_equal(code, FA_LAB_EXIT_FAILED);
    assert_true(json_is_false(json_object_get(json, "ok")));
    assert_int_equal(json_integer_value(json_object_get(json, "line")), rows[0].line);
    assert_int_equal(json_array_size(failures), 3);
    for (size_t i = 0; i < 3; i++) {
        const json_t *item = json_array_get(failures, i);
        assert_int_equal(json_integer_value(json_object_get(item, "line")), rows[i].line);
        assert_int_equal(json_integer_value(json_object_get(item, "column")), rows[i].column);
        assert_int_equal(json_integer_value(json_object_get(item, "at_ms")), rows[i].at_ms);
        assert_string_equal(json_string_value(json_object_get(item, "expected")), rows[i].expected);
        assert_contains(json_string_value(json_object_get(item, "failure")), rows[i].failure);
        const char *hint = json_string_value(json_object_get(item, "hint"));
        assert_int_equal(hint == NULL, rows[i].hint == NULL);
        assert_contains(hint != NULL ? hint : "", rows[i].hint != NULL ? rows[i].hint : "");
    }
    json_decref(json);
    free(out);
}

static void runs_are_read_as_promtool_reads_them(void **state)
{
    static const struct {
        const char *text;
        enum fa_run_kind kind;
        double first, last;
        uint32_t count;
    } rows[] = {
        {"5", FA_RUN_VALUE, 5, 5, 1},
        {"-2+4x3", FA_RUN_VALUE, -2, 10, 4},
        {"1-2x4", FA_RUN_VALUE, 1, -7, 5},
        {"1x4", FA_RUN_VALUE, 1, 1, 5},
        {"0+0.1x10", FA_RUN_VALUE, 0, 1, 11},
        {"1e3-1e2x2", FA_RUN_VALUE, 1000, 800, 3},
        {"1e-3x1", FA_RUN_VALUE, .001, .001, 2},
        {"_", FA_RUN_MISSING, 0, 0, 1},
        {"_x4", FA_RUN_MISSING, 0, 0, 4},
        {"stale", FA_RUN_STALE, 0, 0, 1},
        {"  7 , 8", FA_RUN_VALUE, 7, 7, 1},
        {"+Inf", FA_RUN_VALUE, INFINITY, INFINITY, 1},
    };
    static const char *const bad[] = {
        "",        " ",     "x4",      "1x",        "1xx2",
        "1+x2",    "_+1x2", "stale x", "1x1000000", "1x99999999999999999999",
        "0x10x2y", "--1"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fa_str rest = fa_str_of(rows[i].text);
        struct fa_run run;
        assert_int_equal(fa_run_next(&rest, &run), 0);
        assert_int_equal(run.kind, rows[i].kind);
        assert_int_equal(run.count, rows[i].count);
        assert_true(run.kind != FA_RUN_VALUE ||
                    (fa_run_value(&run, 0) == rows[i].first &&
                     fa_run_value(&run, run.count - 1) == rows[i].last));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct fa_str rest = fa_str_of(bad[i]);
        struct fa_run run;
        int rc = 0;
        do {
            rc = fa_run_next(&rest, &run);
        } while (rc == 0 && rest.ptr != NULL);
        if (rc == 0) {
            fail_msg("'%s' is taken", bad[i]);
        }
    }
}

static int make_directory(void **state)
{
    return mkdtemp(directory) == NULL;
}

static int drop_directory(void **state)
{
    char path[64];
    snprintf(path, sizeof path, "%s/one.fas", directory);
    unlink(path);
    return rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_timeline_is_stated_exactly),
        cmocka_unit_test(what_verbose_prints_is_what_can_be_expected),
        cmocka_unit_test(write_puts_the_timeline_at_the_end_once),
        cmocka_unit_test(a_directory_is_played_in_the_order_of_names),
        cmocka_unit_test(programs_get_each_failure_with_its_line),
        cmocka_unit_test(runs_are_read_as_promtool_reads_them),
    };
    return cmocka_run_group_tests(tests, make_directory, drop_directory) != 0;
}
