/* SPDX-License-Identifier: MIT */
/* links: fa_daemon_rig */
/* needs: fa_daemon_programs fa_plugin_jsonl firealarm */
/* `firealarm feed import` against a daemon that runs. */
#include "daemon_rig.h"

#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATH "/api/v1/import/jsonl"

#define LISTENERS(limits)                                                                            \
    "listeners = (\n"                                                                                \
    "  { name = \"api\"; address = \"unix:./run/api.sock\"; mode = \"0666\"; routes = \"api\"; },\n" \
    "  { name = \"metrics\"; address = \"127.0.0.1:0\"; routes = \"metrics\"; },\n"                  \
    "  { name = \"feeds\"; address = \"127.0.0.1:0\"; routes = \"ingest\"; " limits " }\n"           \
    ");\n"
static const char feeds[] = "feeds = ( { name = \"numbers\"; decoder = \"jsonl\"; } );\n";
static const char rules[] =
    "rules = ( { name = \"sold\"; category = \"danger\"; metric = \"sold\"; take = \"sum\";\n"
    "  over = \"1h\"; above = 999.5; summary = \"{value} sold\"; } );\n";

static void start(struct rig *rig)
{
    char text[400];
    rig->words.listeners = rig->words.listeners != NULL ? rig->words.listeners : LISTENERS("");
    rig->words.feeds = rig->words.feeds != NULL ? rig->words.feeds : feeds;
    rig->words.rules = rules;
    rig_start(rig);
    snprintf(text, sizeof text, "socket = \"%s\";\n", rig->api);
    rig_write(rig, "client.cfg", text, 0644);
}

struct run {
    const char *source, *option, *value; /* option NULL: none */
    unsigned uid;                        /* not 0: as this one */
    bool is_plain;                       /* for people */
};

/* The exit status; what was said is in *ret, which the test frees. */
static int import(struct rig *rig, const struct run *run, char **ret)
{
    char program[300], config[300];
    int status = 0;
    snprintf(program, sizeof program, "%s/daemon/client/firealarm", getenv("FA_BUILD_DIR"));
    snprintf(config, sizeof config, "%s/client.cfg", rig->dir);
    pid_t pid = fork();
    if (pid == 0) {
        const char *argv[] = {"firealarm", "feed",   "import",    run->source, "--config",
                              config,      "--json", run->option, run->value,  NULL};
        if (run->is_plain) {
            memmove(&argv[6], &argv[7], 3 * sizeof argv[0]);
        }
        int out = open(rig_path(rig, "import.out"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
        int file = open(program, O_RDONLY | O_CLOEXEC); /* where others may not look, perhaps */
        dup2(out, 1);
        dup2(out, 2);
        if (run->uid != 0 && (setgid(run->uid) != 0 || setuid(run->uid) != 0)) {
            _exit(126);
        }
        fexecve(file, (char *const *)(uintptr_t)argv, environ);
        _exit(127);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(rig_has_text(rig_path(rig, "import.out"), "", ret));
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* n lines of 1, a second apart, the last a minute ago; after each `every`th one that is none. */
static void write_history(struct rig *rig, int n, int every)
{
    char *text = malloc((size_t)n * 100 + 1), *at = text;
    for (int i = 0; i < n; i++) {
        at += sprintf(at, "{\"metric\":\"sold\",\"value\":1,\"time\":%lld}\n",
                      ((long long)time(NULL) - 60 - n + i) * 1000);
        at += every > 0 && i % every == 0 ? sprintf(at, "{\"metric\":\"sold\"}\n") : 0;
    }
    rig_write(rig, "history.jsonl", text, 0644);
    free(text);
}

static const char *feed_url(struct rig *rig)
{
    static char url[100];
    snprintf(url, sizeof url, "http://127.0.0.1:%u%s", rig_port(rig, "feeds"), PATH);
    return url;
}

static void earlier_samples_count_at_their_own_times(void **state)
{
    struct rig *rig = *state;
    char *said = NULL;
    start(rig);
    write_history(rig, 1000, 0);
    char history[200];
    snprintf(history, sizeof history, "%s", rig_path(rig, "history.jsonl"));
    struct run run = {history, "--to", feed_url(rig), .uid = 0};
    assert_int_equal(import(rig, &run, &said), 0);
    assert_contains(said, "\"lines\":1000");
    assert_contains(said, "\"refused\":0");
    free(said);
    assert_true(rig_metric(rig, "firealarm_feed_samples_total{feed=\"numbers\"}") == 1000);
    rig_until(rig, receiver_find(rig->receiver, "/first", "1,000 sold") != NULL ||
                       receiver_find(rig->receiver, "/first", "1000 sold") != NULL);
    rig_stop(rig);
}

static void refused_lines_are_counted_and_the_others_taken(void **state)
{
    struct rig *rig = *state;
    char *said = NULL;
    start(rig);
    write_history(rig, 200, 50);
    char history[200];
    snprintf(history, sizeof history, "%s", rig_path(rig, "history.jsonl"));
    struct run run = {history, "--to", feed_url(rig), .uid = 0};
    assert_int_equal(import(rig, &run, &said), 65);
    assert_contains(said, "\"lines\":204");
    assert_contains(said, "\"refused\":4");
    assert_contains(said, "there is no value: {\\\"metric\\\":\\\"sold\\\"}");
    free(said);
    assert_true(rig_metric(rig, "firealarm_feed_samples_total{feed=\"numbers\"}") == 200);
    rig_stop(rig);
}

/* Twelve names that nothing watches, each in two lines, and one that is. */
static void write_strangers(struct rig *rig, bool with_known)
{
    static char text[12000];
    size_t len = 0;
    for (int i = 0; i < 24; i++) {
        len += (size_t)snprintf(text + len, sizeof text - len,
                                "{\"metric\":\"other%d\",\"value\":1}\n", i % 12);
    }
    if (with_known) {
        snprintf(text + len, sizeof text - len, "{\"metric\":\"sold\",\"value\":1}\n");
    }
    rig_write(rig, "strangers.jsonl", text, 0644);
}

static void names_that_no_rule_reads_are_said(void **state)
{
    struct rig *rig = *state;
    char *said = NULL, file[200];
    start(rig);
    snprintf(file, sizeof file, "%s", rig_path(rig, "strangers.jsonl"));
    struct run run = {file, "--to", feed_url(rig), .uid = 0};
    for (int i = 0; i < 2; i++) { /* the second time the daemon knows them */
        write_strangers(rig, true);
        assert_int_equal(import(rig, &run, &said), 0);
        assert_contains(said, "\"taken\":1,\"ignored\":24");
        assert_contains(said, "\"unwatched\":[\"other0\",\"other1\",");
        assert_contains(said, "\"other9\"]");
        free(said);
    }
    write_strangers(rig, false);
    assert_int_equal(import(rig, &run, &said), 1);
    assert_contains(said, "\"taken\":0,\"ignored\":24");
    free(said);
    run.is_plain = true;
    assert_int_equal(import(rig, &run, &said), 1);
    assert_contains(said, "0 samples were taken, 24 ignored");
    assert_contains(said, "no rule reads: other0, other1, other2");
    free(said);
    rig_stop(rig);
}

static void an_operator_needs_the_feeds_name_alone(void **state)
{
    struct rig *rig = *state;
    char *said = NULL;
    if (getuid() != 0) {
        print_message("SKIPPED: only root can call as somebody else\n");
        return;
    }
    rig->words.listeners = LISTENERS("limits = { body_bytes = 4096; };");
    start(rig);
    write_history(rig, 200, 0);
    char history[200];
    snprintf(history, sizeof history, "%s", rig_path(rig, "history.jsonl"));
    struct run run = {history, "--feed", "numbers", .uid = 2007};
    assert_int_equal(import(rig, &run, &said), 0);
    assert_contains(said, "\"lines\":200"); /* in requests of what the listener takes */
    free(said);
    run.value = "nmbers";
    assert_int_equal(import(rig, &run, &said), 1);
    assert_contains(said, "there is no feed nmbers; feeds that take requests: numbers");
    free(said);
    run.option = run.value = NULL;
    assert_int_equal(import(rig, &run, &said), 0);
    free(said);
    run.uid = 2005; /* chris leads and does not operate */
    assert_int_equal(import(rig, &run, &said), 77);
    free(said);
    rig_stop(rig);
}

static void what_stands_in_the_way_is_said(void **state)
{
    struct rig *rig = *state;
    char *said = NULL, nobody[64], other[120], none[200], history[200];
    start(rig);
    write_history(rig, 10, 0);
    snprintf(other, sizeof other, "http://127.0.0.1:%u/elsewhere", rig_port(rig, "feeds"));
    snprintf(none, sizeof none, "%s", rig_path(rig, "none"));
    snprintf(history, sizeof history, "%s", rig_path(rig, "history.jsonl"));
    snprintf(nobody, sizeof nobody, "http://127.0.0.1:1/x");
    const struct {
        const char *source, *to;
        int code;
        const char *says;
    } rows[] = {
        {none, feed_url(rig), 74, "cannot be opened"},
        {"http://127.0.0.1:1/metrics", feed_url(rig), 74, "http://127.0.0.1:1/metrics: "},
        {history, "127.0.0.1:8652", 2, "--to is a whole URL"},
        {history, "http://127.0.0.1:8652", 2, "lacks its host or"},
        {history, nobody, 69, "cannot be reached"},
        {history, other, 1, "no feed takes lines at /elsewhere"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct run run = {rows[i].source, "--to", rows[i].to, .uid = 0};
        assert_int_equal(import(rig, &run, &said), rows[i].code);
        assert_contains(said, rows[i].says);
        free(said);
    }
    rig_stop(rig);
}

static void a_url_is_read_and_sent_on(void **state)
{
    struct rig *rig = *state;
    char *said = NULL, source[100];
    start(rig);
    /* The daemon's own metrics are no JSON: each line is refused, and the daemon keeps well. */
    snprintf(source, sizeof source, "http://127.0.0.1:%u/metrics", rig_port(rig, "metrics"));
    struct run run = {source, "--to", feed_url(rig), .uid = 0};
    assert_int_equal(import(rig, &run, &said), 65);
    assert_contains(said, "the line is no JSON object: # TYPE");
    free(said);
    rig_stop(rig);
}

/* On a terminal of its own; *ret as it was printed, which the test frees. */
static int import_on_terminal(const char *const *argv, char **ret)
{
    char program[300];
    char *text = calloc(1, 1 << 16);
    size_t len = 0;
    ssize_t n;
    int fd, status = 0;
    snprintf(program, sizeof program, "%s/daemon/client/firealarm", getenv("FA_BUILD_DIR"));
    pid_t pid = forkpty(&fd, NULL, NULL, &(struct winsize){.ws_row = 50, .ws_col = 90});
    assert_true(pid >= 0);
    if (pid == 0) {
        execv(program, (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    while (len < (1 << 16) - 1 && (n = read(fd, text + len, (1 << 16) - 1 - len)) > 0) {
        len += (size_t)n;
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    close(fd);
    *ret = text;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void progress_is_shown_on_a_terminal(void **state)
{
    struct rig *rig = *state;
    char history[200], config[200], *said = NULL;
    unsigned last = 0, count = 0, percent, size = 0;
    start(rig);
    write_history(rig, 30000, 0); /* 1.5 MB */
    snprintf(history, sizeof history, "%s", rig_path(rig, "history.jsonl"));
    snprintf(config, sizeof config, "%s", rig_path(rig, "client.cfg"));
    const char *argv[] = {"firealarm", "feed", "import",      history, "--config",
                          config,      "--to", feed_url(rig), NULL,    NULL};
    assert_int_equal(import_on_terminal(argv, &said), 0);
    for (const char *at = said; (at = strstr(at, " % of ")) != NULL; at++, count++) {
        const char *line = at;
        while (line > said && *line != '\r') {
            line--;
        }
        assert_int_equal(sscanf(line, "\r%u %% of %u KiB", &percent, &size), 2);
        assert_true(percent > last && percent <= 100 && size > 1000);
        last = percent;
    }
    assert_true(count >= 4 && last > 70);
    free(said);
    argv[8] = "--json";
    assert_int_equal(import_on_terminal(argv, &said), 0);
    assert_null(strchr(said, '%'));
    free(said);
    rig_stop(rig);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(earlier_samples_count_at_their_own_times),
        TEST(refused_lines_are_counted_and_the_others_taken),
        TEST(names_that_no_rule_reads_are_said),
        TEST(an_operator_needs_the_feeds_name_alone),
        TEST(what_stands_in_the_way_is_said),
        TEST(a_url_is_read_and_sent_on),
        TEST(progress_is_shown_on_a_terminal),
    };
    signal(SIGPIPE, SIG_IGN);
    cmocka_set_test_filter(getenv("FA_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
