/* SPDX-License-Identifier: MIT */
/* What `firealarm expr` prints and how it ends: answers in Prometheus' own spelling, to the
 * character, and refusals that point at their place. What expressions mean is test_rules_query's.
 */
#include "fa_test.h"
#include "client/client.h"

#include <fcntl.h>
#include <unistd.h>

#define ARGS_MAX 8
#define LINES    "[60,\"1\"],[61.500,\"2\"]"
#define SAMPLES  "firealarm-samples" /* stands for the file's path in a command line */
#define WITH(...)                                                                                  \
    {                                                                                              \
        "expr", "--samples", SAMPLES, "--at", __VA_ARGS__                                          \
    }

static const char samples_text[] = "{\"my.metric\",\"µ\"=\"1\"} 3.25 61000\n"
                                   "up{job=\"a\"} 2 61500\n"
                                   "up{job=\"a\"} 1 60000\n"
                                   "up{job=\"b\"} NaN 61000\n"
                                   "# any order, any label\n"
                                   "odd{job=\"q\\\"uo\\\\te\\n\",z=\"tab\t\"} 0.1 -1250\n"
                                   "high +Inf 61007\n"
                                   "low -Inf 61000\n"
                                   "a 7 61000\n";

struct said {
    char *out, *err;
    int code;
};

/* A file with that text, open for reading; path becomes its name. */
static int text_file(char *path, const char *text)
{
    int fd = mkstemp(path);
    assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

static struct said say(const char *const args[ARGS_MAX], const char *text)
{
    struct said said = {NULL, NULL, 0};
    size_t out_size, err_size;
    char path[] = "/tmp/fa-expr-XXXXXX";
    const char *argv[ARGS_MAX + 1] = {"firealarm"};
    int argc = 1;
    struct fa_world world = {.in = text_file(path, text),
                             .out = open_memstream(&said.out, &out_size),
                             .err = open_memstream(&said.err, &err_size),
                             .config_home = "/nonexistent",
                             .state_home = "/nonexistent",
                             .cache_home = "/nonexistent",
                             .system_config = "/nonexistent/client.cfg",
                             .now = 1};
    for (size_t i = 0; i < ARGS_MAX && args[i] != NULL; i++) {
        argv[argc++] = strcmp(args[i], SAMPLES) == 0 ? path : args[i];
    }
    said.code = fa_client_main(&world, argc, argv);
    fclose(world.out);
    fclose(world.err);
    close(world.in);
    unlink(path);
    return said;
}

static void done(struct said *said)
{
    free(said->out);
    free(said->err);
}

static void the_answer_is_what_prometheus_gives_as_data(void **state)
{
    static const struct {
        const char *args[ARGS_MAX], *type, *result;
    } cases[] = {
        /* numbers */
        {WITH("61.5", "1/0"), "scalar", "[61.500,\"+Inf\"]"},
        {WITH("62", "-1/0"), "scalar", "[62,\"-Inf\"]"},
        {WITH("0", "0/0"), "scalar", "[0,\"NaN\"]"},
        {WITH("1", "1e22 / 3"), "scalar", "[1,\"3.3333333333333335e+21\"]"},
        {WITH("1", "1e20 / 3"), "scalar", "[1,\"33333333333333330000\"]"},
        {WITH("1", "1e-7"), "scalar", "[1,\"1e-07\"]"},
        /* times: thousandths are all there or none, and there is a time before 1970 */
        {WITH("61.5", "time()"), "scalar", "[61.500,\"61.5\"]"},
        {WITH("61.007", "1"), "scalar", "[61.007,\"1\"]"},
        {WITH("-1.25", "1"), "scalar", "[-1.250,\"1\"]"},
        {WITH("1763798400", "1"), "scalar", "[1763798400,\"1\"]"},
        {WITH("0.0004", "1"), "scalar", "[0,\"1\"]"},
        /* texts */
        {WITH("61.5", "\"a\\\"\\\\b\""), "string", "[61.500,\"a\\\"\\\\b\"]"},
        {WITH("1", "\"\\u0001\\n µ\""), "string", "[1,\"\\u0001\\u000a µ\"]"},
        /* vectors */
        {WITH("61.5", "up"), "vector",
         "[{\"metric\":{\"__name__\":\"up\",\"job\":\"a\"},\"value\":[61.500,\"2\"]},"
         "{\"metric\":{\"__name__\":\"up\",\"job\":\"b\"},\"value\":[61.500,\"NaN\"]}]"},
        {WITH("61.5", "{\"my.metric\"}"), "vector",
         "[{\"metric\":{\"__name__\":\"my.metric\",\"µ\":\"1\"},\"value\":[61.500,\"3.25\"]}]"},
        {WITH("0", "odd"), "vector",
         "[{\"metric\":{\"__name__\":\"odd\",\"job\":\"q\\\"uo\\\\te\\u000a\",\"z\":\"tab\\u0009\"},"
         "\"value\":[0,\"0.1\"]}]"},
        {WITH("62", "sum(high)"), "vector", "[{\"metric\":{},\"value\":[62,\"+Inf\"]}]"},
        {WITH("62", "sum(low)"), "vector", "[{\"metric\":{},\"value\":[62,\"-Inf\"]}]"},
        {WITH("62", "nothing"), "vector", "[]"},
        /* matrices */
        {WITH("61.5", "up[2s]"), "matrix",
         "[{\"metric\":{\"__name__\":\"up\",\"job\":\"a\"},\"values\":[" LINES "]},"
         "{\"metric\":{\"__name__\":\"up\",\"job\":\"b\"},\"values\":[[61,\"NaN\"]]}]"},
        {WITH("62", "nothing[1m]"), "matrix", "[]"},
        /* The last word is the expression; what stands before it are options. */
        {WITH("62", "-a"), "vector", "[{\"metric\":{},\"value\":[62,\"-7\"]}]"},
        {WITH("62", "--a"), "vector", "[{\"metric\":{},\"value\":[62,\"7\"]}]"},
        {WITH("62", "--as-daemon", "-a"), "vector", "[{\"metric\":{},\"value\":[62,\"-7\"]}]"},
        {{"expr", "--at", "62", "--samples", "-", "a"},
         "vector",
         "[{\"metric\":{\"__name__\":\"a\"},\"value\":[62,\"7\"]}]"},
        /* The daemon keeps no NaN and, of texts, no control characters. */
        {WITH("61.5", "--as-daemon", "{job=~\".+\"} + 0"), "vector",
         "[{\"metric\":{\"job\":\"a\"},\"value\":[61.500,\"2\"]}]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct said said = say(cases[i].args, samples_text);
        char want[1024];
        snprintf(want, sizeof want, "{\"resultType\":\"%s\",\"result\":%s}\n", cases[i].type,
                 cases[i].result);
        assert_string_equal(said.err, "");
        assert_string_equal(said.out, want);
        assert_int_equal(said.code, FA_EXIT_OK);
        done(&said);
    }
}

static void what_is_refused_says_where_and_prints_no_answer(void **state)
{
    static const struct {
        const char *args[ARGS_MAX];
        int code;
        const char *says; /* the end of it: what stands last is the caret */
    } cases[] = {
        {WITH("1", "abs(-1"), FA_EXIT_USAGE,
         "column 7: the expression ends where \",\" or \")\" should stand\n  abs(-1\n        ^\n"},
        {WITH("1", "foo(up)"), FA_EXIT_USAGE,
         "column 1: there is no function foo(); did you mean cos()?\n  foo(up)\n  ^\n"},
        /* The line that is meant, a tab for a tab, and one column for what takes two bytes. */
        {WITH("1", "up +\n\t\"µµ\" + 1\n+ up"), FA_EXIT_USAGE, "\n  \t\"µµ\" + 1\n  \t^\n"},
        {WITH("1", "{\"µ\"} + $x"), FA_EXIT_USAGE, "\n  {\"µ\"} + $x\n          ^\n"},
        {WITH("1", "--as-daemon", "up[1m]"), FA_EXIT_USAGE,
         "this is a range vector\n  up[1m]\n  ^\n"},
        /* What only the samples show is no fault of the command line. */
        {WITH("62", "a + on(job) group_left {job=~\".+\"} + -{job=~\".+\",__name__=~\"up|odd\"}"),
         FA_EXIT_OK, NULL},
        {WITH("62", "a * on() {__name__=~\"a|high\"}"), FA_EXIT_FAILED, "\n  ^\n"},
        {{"expr", "--samples", "/nonexistent/s", "--at", "1", "up"},
         FA_EXIT_FAILED,
         "firealarm: /nonexistent/s: cannot be opened: No such file or directory\n"},
        {{"expr", "--at", "1", "up"}, FA_EXIT_USAGE, "--samples FILE is needed\n"},
        {{"expr", "--samples", SAMPLES, "up"},
         FA_EXIT_USAGE,
         "--at needs a time in seconds since 1970\n"},
        {WITH("soon", "up"), FA_EXIT_USAGE, "--at needs a time in seconds since 1970\n"},
        {WITH("NaN", "up"), FA_EXIT_USAGE, "--at needs a time in seconds since 1970\n"},
        {WITH("1e12", "up"), FA_EXIT_USAGE, "--at needs a time in seconds since 1970\n"},
        {WITH("1"), FA_EXIT_USAGE, "firealarm expr needs: EXPR\n"},
        {WITH("1", "-a", "up"), FA_EXIT_USAGE, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct said said = say(cases[i].args, samples_text);
        size_t len = strlen(said.err), end = cases[i].says != NULL ? strlen(cases[i].says) : 0;
        assert_int_equal(said.code, cases[i].code);
        assert_int_equal(strlen(said.out) == 0, cases[i].code != FA_EXIT_OK);
        assert_true(end <= len);
        assert_string_equal(said.err + len - end, cases[i].says != NULL ? cases[i].says : "");
        done(&said);
    }
}

static void a_line_of_the_samples_that_cannot_be_read_is_named(void **state)
{
    static const char *const files[] = {"/tmp/fa-expr-", "standard input:"};
    static const char *const args[][ARGS_MAX] = {WITH("1", "up"),
                                                 {"expr", "--samples", "-", "--at", "1", "up"}};
    for (size_t i = 0; i < 2; i++) {
        struct said said = say(args[i], "up 1 1000\nup one 2000\n");
        assert_int_equal(said.code, FA_EXIT_FAILED);
        assert_string_equal(said.out, "");
        assert_contains(said.err, files[i]);
        assert_contains(said.err, ":2:4: a value");
        done(&said);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_answer_is_what_prometheus_gives_as_data),
        cmocka_unit_test(what_is_refused_says_where_and_prints_no_answer),
        cmocka_unit_test(a_line_of_the_samples_that_cannot_be_read_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
