/* SPDX-License-Identifier: MIT */
/* links: fa_daemon_rig */
/* needs: fa_daemon_programs */
/* Debian's prometheus as a real sender: it scrapes the daemon's own /metrics and writes what it
 * found back to it, where a rule reads it. */
#include "daemon_rig.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROMETHEUS "/usr/bin/prometheus"
#define GUARD_MS   60000 /* it takes seconds to start where others use the machine */

static pid_t prometheus;

static void end_prometheus(void)
{
    if (prometheus > 0) {
        kill(prometheus, SIGKILL);
        waitpid(prometheus, NULL, 0);
        prometheus = 0;
    }
}

static int teardown(void **state)
{
    end_prometheus();
    return rig_teardown(state);
}

static void start_prometheus(struct rig *rig)
{
    char text[1000], config[300], data[300], log[300];
    snprintf(text, sizeof text,
             "global: { scrape_interval: 200ms, scrape_timeout: 200ms,\n"
             "          external_labels: { cluster: \"here\" } }\n"
             "scrape_configs:\n"
             "- job_name: firealarm\n"
             "  static_configs: [ { targets: [ \"127.0.0.1:%u\" ] } ]\n"
             "remote_write:\n"
             "- url: http://127.0.0.1:%u/api/v1/write\n"
             "  authorization: { credentials: pusher.secret }\n"
             "  queue_config: { batch_send_deadline: 100ms }\n"
             "  metadata_config: { send_interval: 200ms }\n",
             rig_port(rig, "metrics"), rig_port(rig, "push"));
    rig_write(rig, "prometheus.yml", text, 0600);
    snprintf(config, sizeof config, "--config.file=%s", rig_path(rig, "prometheus.yml"));
    snprintf(data, sizeof data, "--storage.tsdb.path=%s", rig_path(rig, "tsdb"));
    snprintf(log, sizeof log, "%s", rig_path(rig, "prometheus.log"));
    char *const args[] = {(char *)(uintptr_t)PROMETHEUS, config, data,
                          (char *)(uintptr_t) "--web.listen-address=127.0.0.1:0", NULL};
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 1, log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_adddup2(&files, 1, 2);
    assert_int_equal(posix_spawn(&prometheus, PROMETHEUS, &files, NULL, args, environ), 0);
    posix_spawn_file_actions_destroy(&files);
}

#define until_long(rig, cond)                                                                      \
    do {                                                                                           \
        int64_t end_ = rig_ms() + GUARD_MS;                                                        \
        while (!(cond)) {                                                                          \
            if (rig_ms() > end_) {                                                                 \
                show_log(rig);                                                                     \
                rig_fail((rig), #cond, __FILE__, __LINE__);                                        \
            }                                                                                      \
            rig_pause();                                                                           \
        }                                                                                          \
    } while (0)

static void show_log(const struct rig *rig)
{
    char *text = NULL;
    rig_has_text(rig_path(rig, "prometheus.log"), "", &text);
    print_error("%s\n", text != NULL ? text : "no log of prometheus");
    free(text);
}

static double answers(struct rig *rig, const char *code)
{
    char name[100];
    snprintf(name, sizeof name, "firealarm_feed_requests_total{feed=\"prom\",code=\"%s\"}", code);
    return rig_metric(rig, name);
}

static void what_prometheus_scrapes_and_writes_raises_an_alarm(void **state)
{
    struct rig *rig = *state;
    char receipt[64];
    if (access(PROMETHEUS, X_OK) != 0) {
        print_message("SKIPPED: the package prometheus is not installed\n");
        return;
    }
    rig->words.listeners =
        "listeners = (\n"
        "  { name = \"api\"; address = \"unix:./run/api.sock\"; mode = \"0666\";"
        " routes = [ \"api\" ]; },\n"
        "  { name = \"metrics\"; address = \"127.0.0.1:0\"; routes = [ \"metrics\" ]; },\n"
        "  { name = \"push\"; address = \"127.0.0.1:0\"; routes = [ \"ingest\" ];\n"
        "    token = \"228625fd3ec54bb80c9ef11262e069f28ddfcb03d9a3bd6ed70d048fc6af8a54\"; } );\n";
    rig->words.feeds = "feeds = ( { name = \"prom\"; decoder = \"prometheus\"; } );\n";
    rig->words.rules =
        "rules = (\n"
        "  { name = \"backlog\"; category = \"danger\"; severity = \"critical\";"
        " policy = \"leaders\"; metric = \"firealarm_filings_open\"; take = \"last\";\n"
        "    where = { cluster = \"here\"; }; per = [ \"job\" ]; above = 0.5;\n"
        "    summary = \"{job} has {value} open\"; expect = \"Read them\"; } );\n";
    rig_start(rig);
    start_prometheus(rig);
    until_long(rig, rig_metric(rig, "firealarm_feed_samples_total{feed=\"prom\"}") >= 3);
    assert_null(receiver_find(rig->receiver, "/first", "firealarm has"));
    assert_int_equal(rig_file(rig, 1, "danger", receipt), 201);
    until_long(rig, receiver_find(rig->receiver, "/first", "firealarm has 1 open") != NULL);
    assert_true(answers(rig, "2xx") >= 3);
    assert_true(answers(rig, "4xx") == 0);
    assert_true(answers(rig, "5xx") == 0);
    assert_true(rig_metric(rig, "firealarm_feed_rejected_total{feed=\"prom\"}") == 0);
    end_prometheus();
    rig_stop(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_prometheus_scrapes_and_writes_raises_an_alarm,
                                        rig_setup, teardown),
    };
    signal(SIGPIPE, SIG_IGN);
    cmocka_set_test_filter(getenv("FA_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
