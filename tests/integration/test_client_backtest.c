/* SPDX-License-Identifier: MIT */
/* links: fa_client PkgConfig::JANSSON */
/* `firealarm backtest` as people and programs call it: the same past from Prometheus text, from CSV
 * and from Debian's prometheus gives the same report. */
#include "fa_test.h"
#include "tmpdir.h"

#include "client/client.h"

#include <arpa/inet.h>
#include <ftw.h>
#include <jansson.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define BEGIN   INT64_C(1767571200000) /* 2026-01-05T00:00:00Z */
#define MINUTES 1440

static struct tmpdir dir;

static const char RULES[] =
    "rules = ( { name = \"slow\"; category = \"service\"; severity = \"critical\"; policy = "
    "\"senior-leadership\"; metric = \"queue_seconds\"; per = [ \"queue\" ]; above = 120.0; "
    "clear_below = 90.0; for = \"10m\"; },\n"
    "{ name = \"slow-too\"; category = \"service\"; severity = \"critical\"; policy = "
    "\"senior-leadership\"; for = \"10m\"; expr = \"queue_seconds > 120\"; } );\n";

struct said {
    char *out, *err;
    int code;
};

static void said_done(struct said *said)
{
    free(said->out);
    free(said->err);
}

static bool on_terminal; /* what people read goes to one */

/* rules and from: names in the directory, or a URL; NULL ends the options. */
static struct said backtest(const char *rules, const char *from, const char *const *more)
{
    struct said said = {NULL, NULL, 0};
    size_t out_size, err_size;
    char path[256], with[512], past[256];
    snprintf(path, sizeof path, "%s/%s", dir.path, rules);
    bool is_url = strncmp(from, "http", 4) == 0;
    snprintf(past, sizeof past, "%s%s%s", is_url ? "" : dir.path, is_url ? "" : "/", from);
    snprintf(with, sizeof with, "%s/etc/firealarm.cfg", getenv("FA_SOURCE_DIR"));
    struct fa_world world = {.in = 0,
                             .out = open_memstream(&said.out, &out_size),
                             .err = open_memstream(&said.err, &err_size),
                             .config_home = "/nonexistent",
                             .state_home = "/nonexistent",
                             .cache_home = "/nonexistent",
                             .system_config = "/nonexistent/client.cfg",
                             .ascii = true,
                             .err_tty = on_terminal,
                             .now = BEGIN + 30 * FA_DAY};
    const char *argv[24] = {"firealarm", "backtest", path, "--from", past, "--with", with};
    int argc = 7;
    for (; more != NULL && *more != NULL; more++) {
        argv[argc++] = *more;
    }
    said.code = fa_client_main(&world, argc, argv);
    fclose(world.out);
    fclose(world.err);
    return said;
}

/* Half an hour in the afternoon. */
static double value_at(int minute)
{
    return minute >= 800 && minute < 830 ? 150 : 60 + minute % 7;
}

static FILE *create(const char *name)
{
    FILE *file = fopen(tmpdir_file(&dir, name), "we");
    assert_non_null(file);
    return file;
}

static int make_past(void **state)
{
    tmpdir_make(&dir);
    FILE *text = create("past.txt"), *csv = create("past.csv"), *metrics = create("past.om");
    fputs("time,\"queue_seconds{queue=\"\"north\"\"}\"\n", csv);
    fputs("# TYPE queue_seconds gauge\n", metrics);
    for (int i = 0; i < MINUTES; i++) {
        int64_t at = BEGIN + i * FA_MINUTE;
        fprintf(text, "queue_seconds{queue=\"north\"} %g %lld\n", value_at(i), (long long)at);
        fprintf(csv, "%lld,%g\n", (long long)(at / 1000), value_at(i));
        fprintf(metrics, "queue_seconds{queue=\"north\"} %g %lld\n", value_at(i),
                (long long)(at / 1000));
    }
    fputs("# EOF\n", metrics);
    fclose(text);
    fclose(csv);
    fclose(metrics);
    FILE *rules = create("rules.cfg");
    fputs(RULES, rules);
    fclose(rules);
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    return remove(path);
}

static int drop_past(void **state)
{
    return nftw(dir.path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void assert_report(struct said *said)
{
    json_error_t error;
    if (said->code != 0) {
        fail_msg("%d: %s", said->code, said->err);
    }
    json_t *root = json_loads(said->out, 0, &error), *rules = json_object_get(root, "rules");
    assert_int_equal(json_integer_value(json_object_get(root, "samples")), MINUTES);
    assert_int_equal(json_array_size(rules), 2);
    for (size_t i = 0; i < 2; i++) {
        json_t *rule = json_array_get(rules, i);
        json_t *firing = json_array_get(json_object_get(rule, "firings"), 0);
        assert_int_equal(json_integer_value(json_object_get(rule, "fired")), 1);
        assert_int_equal(json_integer_value(json_object_get(rule, "longest_ms")), 20 * FA_MINUTE);
        assert_string_equal(json_string_value(json_object_get(firing, "from")),
                            "2026-01-05T13:30:00.000Z");
        assert_string_equal(json_string_value(json_object_get(firing, "labels")),
                            "queue=\"north\"");
    }
    json_decref(root);
    said_done(said);
}

static void text_and_csv_give_the_same_report(void **state)
{
    const char *const json[] = {"--json", NULL};
    struct said said = backtest("rules.cfg", "past.txt", json);
    assert_report(&said);
    said = backtest("rules.cfg", "past.csv", json);
    assert_report(&said);
}

static void progress_is_shown_on_a_terminal_and_nowhere_else(void **state)
{
    static const char wiped[] = "\r\x1b[K";
    FILE *file = create("long.txt");
    for (int i = 0; i < 20000; i++) {
        fprintf(file, "queue_seconds{queue=\"support\"} 60 %lld\n",
                (long long)(BEGIN + i * 10 * FA_SECOND));
    }
    fclose(file);
    struct said said = backtest("rules.cfg", "long.txt", NULL);
    assert_null(strchr(said.err, '\r'));
    said_done(&said);
    on_terminal = true;
    said = backtest("rules.cfg", "long.txt", NULL);
    on_terminal = false;
    assert_int_equal(said.code, 0);
    assert_null(strchr(said.out, '\r'));
    unsigned last = 0, count = 0, percent;
    for (const char *at = said.err; (at = strstr(at, "\rplaying ")) != NULL; at++, count++) {
        assert_int_equal(sscanf(at, "\rplaying %u %%", &percent), 1);
        assert_true(percent >= last && percent <= 100);
        last = percent;
    }
    assert_true(count > 1 && last > 0);
    assert_string_equal(said.err + strlen(said.err) - strlen(wiped), wiped);
    said_done(&said);
}

static void people_get_a_table_and_a_picture(void **state)
{
    char plot[256], svg[65536];
    snprintf(plot, sizeof plot, "%s/plot.svg", dir.path);
    const char *const more[] = {"--plot",     plot,      "--tune", "--known",
                                "2026-01-06", "--night", "13-14",  NULL};
    struct said said = backtest("rules.cfg", "past.txt", more);
    assert_int_equal(said.code, 0);
    assert_contains(said.out, "1,440 samples of 1 series, 5 Jan 00:00 UTC to 5 Jan 23:59 UTC");
    assert_contains(said.out, "slow      1      1           20 min  20 min");
    assert_contains(said.out,
                    "6 Jan 00:00 UTC: slow on 5 Jan 13:30 UTC, 10 h 30 min before; then ");
    assert_contains(said.out, "fires |");
    assert_contains(said.out, "now  120        90         1");
    FILE *file = fopen(plot, "re");
    assert_non_null(file);
    svg[fread(svg, 1, sizeof svg - 1, file)] = '\0';
    fclose(file);
    assert_contains(svg, "<svg ");
    assert_contains(svg, "fires at 120");
    assert_contains(svg, ">step 1 … step 2<");
    assert_contains(svg, "</svg>");
    said_done(&said);
}

static void exit_codes_tell_unseen_from_unreadable(void **state)
{
    FILE *file = create("bad.csv");
    fputs("time,queue_seconds\nyesterday,5\n", file);
    fclose(file);
    file = create("bad.cfg");
    fputs("rules = ( { name = \"slow\"; metric = \"q\"; abvoe = 1.0; } );\n", file);
    fclose(file);
    const struct {
        const char *rules, *from, *more[4];
        int code;
        const char *words;
    } rows[] = {
        {"rules.cfg", "past.txt", {"--known", "2026-01-20"}, FA_EXIT_FAILED, ""},
        {"rules.cfg", "bad.csv", {NULL}, FA_EXIT_USAGE, "bad.csv:2: column 1: a time should"},
        {"bad.cfg", "past.txt", {NULL}, FA_EXIT_USAGE, "abvoe"},
        {"rules.cfg", "none.txt", {NULL}, FA_EXIT_IO, "none.txt: cannot be opened"},
        {"none.cfg", "past.txt", {NULL}, FA_EXIT_USAGE, "none.cfg: cannot be opened"},
        {"rules.cfg", "rules.cfg", {NULL}, FA_EXIT_USAGE, "rules.cfg:1:"},
        {"rules.cfg", "past.txt", {"--known", "soon"}, FA_EXIT_USAGE, "--known wants a date"},
        {"rules.cfg", "past.txt", {"--night", "22"}, FA_EXIT_USAGE, "--night wants two hours"},
        {"rules.cfg", "past.txt", {"--begin", "2026-02-01"}, FA_EXIT_USAGE, "no sample in that"},
        {"rules.cfg", "http://127.0.0.1:1", {NULL}, FA_EXIT_IO, "cannot be reached"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct said said = backtest(rows[i].rules, rows[i].from, rows[i].more);
        if (said.code != rows[i].code || strstr(said.err, rows[i].words) == NULL) {
            fail_msg("row %zu: %d %s", i, said.code, said.err);
        }
        said_done(&said);
    }
}

/* ---- a real server ---- */

static int free_port(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    close(fd);
    return ntohs(at.sin_port);
}

static pid_t run(const char *const *argv, int *ret_err)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(ends[1], STDERR_FILENO);
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        execv(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    close(ends[1]);
    *ret_err = ends[0];
    return pid;
}

/* Reads what it says until the words; false: it ended before. */
static bool says(int fd, const char *words)
{
    static char text[1 << 20];
    size_t len = 0;
    ssize_t got;
    while (len < sizeof text - 1 && (got = read(fd, text + len, sizeof text - 1 - len)) > 0) {
        len += (size_t)got;
        text[len] = '\0';
        if (strstr(text, words) != NULL) {
            return true;
        }
    }
    return false;
}

static void a_prometheus_is_asked_for_the_same_past(void **state)
{
    char data[256], om[256], config[256], listen[64], url[64], storage[300];
    int fd, status, port = free_port();
    const char *const json[] = {"--json", "--begin", "2026-01-05", "--end", "2026-01-05", NULL};
    if (access("/usr/bin/prometheus", X_OK) != 0 || access("/usr/bin/promtool", X_OK) != 0) {
        printf("SKIPPED: prometheus is not installed\n");
        skip();
    }
    snprintf(data, sizeof data, "%s/tsdb", dir.path);
    snprintf(om, sizeof om, "%s/past.om", dir.path);
    snprintf(config, sizeof config, "--config.file=%s/prometheus.yml", dir.path);
    snprintf(listen, sizeof listen, "--web.listen-address=127.0.0.1:%d", port);
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", port);
    snprintf(storage, sizeof storage, "--storage.tsdb.path=%s", data);
    fclose(create("prometheus.yml"));
    const char *const blocks[] = {
        "/usr/bin/promtool", "tsdb", "create-blocks-from", "openmetrics", om, data, NULL};
    pid_t pid = run(blocks, &fd);
    (void)says(fd, "never said");
    close(fd);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    const char *const server[] = {
        "/usr/bin/prometheus", config, listen, storage, "--storage.tsdb.retention.time=100y", NULL};
    pid = run(server, &fd);
    bool ready = says(fd, "Server is ready to receive web requests");
    struct said said = backtest("rules.cfg", url, json);
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    close(fd);
    assert_true(ready);
    assert_report(&said);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_and_csv_give_the_same_report),
        cmocka_unit_test(progress_is_shown_on_a_terminal_and_nowhere_else),
        cmocka_unit_test(people_get_a_table_and_a_picture),
        cmocka_unit_test(exit_codes_tell_unseen_from_unreadable),
        cmocka_unit_test(a_prometheus_is_asked_for_the_same_past),
    };
    return cmocka_run_group_tests(tests, make_past, drop_past) != 0;
}
