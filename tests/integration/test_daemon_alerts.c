/* SPDX-License-Identifier: MIT */
/* links: fa_daemon_rig */
/* needs: fa_daemon_programs fa_plugin_alertmanager */
/* What other systems have decided: alerts posted by hand, and by Debian's prometheus as it is. */
#include "daemon_rig.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATH "/api/v2/alerts"

static const char listeners[] =
    "listeners = (\n"
    "  { name = \"api\"; address = \"unix:./run/api.sock\"; mode = \"0666\"; routes = [ \"api\" ]; },\n"
    "  { name = \"metrics\"; address = \"127.0.0.1:0\"; routes = [ \"metrics\" ]; },\n"
    "  { name = \"feeds\"; address = \"127.0.0.1:0\"; routes = [ \"ingest\" ]; }\n"
    ");\n";
static const char feeds[] = "feeds = ( { name = \"prom\"; decoder = \"alertmanager\"; } );\n";
static const char rules[] =
    "rules = ( { name = \"queue-alert\"; category = \"danger\";\n"
    "  alert = { where = { alertname = \"QueueSlow\"; severity = [ \"page\", \"critical\" ]; }; };\n"
    "  summary = \"{queue}: {summary} ({missing|default:-})\"; } );\n";

static void start(struct rig *rig)
{
    rig->words.listeners = listeners;
    rig->words.feeds = rig->words.feeds != NULL ? rig->words.feeds : feeds;
    rig->words.rules = rig->words.rules != NULL ? rig->words.rules : rules;
    rig_start(rig);
}

static const struct rig_reply *post(struct rig *rig, const char *body)
{
    return rig_ask(
        rig, &(struct rig_call){
                 .method = "POST", .path = PATH, .body = body, .port = rig_port(rig, "feeds")});
}

/* An alert that ends so many seconds from now. */
static int send_of(struct rig *rig, const char *name, const char *queue, int ends)
{
    char body[400], text[40];
    time_t at = time(NULL) + ends;
    struct tm tm;
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&at, &tm));
    snprintf(body, sizeof body,
             "[{\"labels\":{\"alertname\":\"%s\",\"queue\":\"%s\",\"severity\":\"page\"},"
             "\"annotations\":{\"summary\":\"answers in 4 min\"},\"endsAt\":\"%s\"}]",
             name, queue, text);
    return post(rig, body)->status;
}

static int send(struct rig *rig, const char *name, int ends)
{
    return send_of(rig, name, "north", ends);
}

static bool need_root(void)
{
    if (getuid() != 0) {
        print_message("SKIPPED: only root can call as somebody else\n");
    }
    return getuid() == 0;
}

static bool has_flag(struct rig *rig, const char *flag)
{
    char path[128];
    const char *id = rig_alarm(rig, "queue-alert");
    snprintf(path, sizeof path, "/v1/alarms/%s", id);
    return id[0] != '\0' &&
           strstr(
               rig_ask(rig, &(struct rig_call){.method = "GET", .path = path, .uid = 2005})->body,
               flag) != NULL;
}

static void an_alert_is_told_with_its_words_and_returns_when_it_is_over(void **state)
{
    struct rig *rig = *state;
    start(rig);
    assert_int_equal(send(rig, "QueueSlow", 240), 200);
    rig_until(rig, receiver_find(rig->receiver, "/first", "north: answers in 4 min (-)") != NULL);
    assert_contains(receiver_find(rig->receiver, "/first", NULL)->body, "\"queue\":\"north\"");
    assert_int_equal(send(rig, "QueueSlow", -1), 200);
    rig_until(rig, receiver_find(rig->receiver, "/first", "\"kind\":\"returned\"") != NULL);
    rig_stop(rig);
}

static void an_alert_that_no_rule_takes_is_counted(void **state)
{
    struct rig *rig = *state;
    start(rig);
    assert_int_equal(send(rig, "DiskFull", 240), 200);
    assert_int_equal(post(rig, "[{\"labels\":{}}]")->status, 400);
    assert_int_equal(post(rig, "{}")->status, 400);
    assert_true(rig_metric(rig, "firealarm_feed_alerts_total{feed=\"prom\"}") == 1);
    assert_true(rig_metric(rig, "firealarm_feed_alerts_untaken_total{feed=\"prom\"}") == 1);
    assert_string_equal(rig_alarm(rig, "queue-alert"), "");
    if (need_root()) {
        const struct rig_call ask = {.method = "GET", .path = "/v1/feeds", .uid = 2007};
        assert_contains(rig_ask(rig, &ask)->body, "\"untaken\":[\"DiskFull\"]");
    }
    rig_stop(rig);
}

static void labels_beyond_the_feeds_limits_are_refused_and_counted(void **state)
{
    struct rig *rig = *state;
    rig->words.feeds = "feeds = ( { name = \"prom\"; decoder = \"alertmanager\";"
                       " limits = { labels = 1; }; } );\n";
    start(rig);
    assert_int_equal(send(rig, "QueueSlow", 240), 200);
    assert_true(rig_metric(rig, "firealarm_feed_alerts_refused_total{feed=\"prom\"}") == 1);
    assert_string_equal(rig_alarm(rig, "queue-alert"), "");
    if (rig_has_hooks()) {
        rig_later(rig);
        rig_until(rig, receiver_find(rig->receiver, "/ines", "alerts beyond a limit") != NULL);
    }
    rig_stop(rig);
}

static void alerts_that_are_pulled_are_taken(void **state)
{
    struct rig *rig = *state;
    char more[200];
    receiver_say(rig->receiver, "/alerts", 200,
                 "[{\"labels\":{\"alertname\":\"QueueSlow\",\"queue\":\"north\","
                 "\"severity\":\"page\"},\"annotations\":{\"summary\":\"answers slowly\"}}]");
    snprintf(more, sizeof more,
             "fetch = ( { name = \"other\"; url = \"http://127.0.0.1:%u/alerts\"; every = \"1s\";"
             " decoder = \"alertmanager\"; allow_private = true; } );\n",
             receiver_http(rig->receiver));
    rig->words.more = more;
    start(rig);
    rig_until(rig, receiver_find(rig->receiver, "/first", "north: answers slowly") != NULL);
    rig_stop(rig);
}

static void after_a_restart_it_is_unknown_until_it_is_renewed(void **state)
{
    struct rig *rig = *state;
    if (!need_root()) {
        return;
    }
    start(rig);
    assert_int_equal(send(rig, "QueueSlow", 240), 200);
    rig_until(rig, receiver_find(rig->receiver, "/first", "north") != NULL);
    assert_false(has_flag(rig, "\"unknown\""));
    rig_kill(rig);
    rig_again(rig);
    assert_true(has_flag(rig, "\"unknown\""));
    assert_int_equal(send(rig, "QueueSlow", 240), 200);
    rig_until(rig, !has_flag(rig, "\"unknown\""));
    assert_int_equal(send(rig, "QueueSlow", -1), 200);
    rig_until(rig, receiver_find(rig->receiver, "/first", "\"kind\":\"returned\"") != NULL);
    rig_stop(rig);
}

static size_t count_alarms(struct rig *rig, const char *state)
{
    json_t *item, *root = rig_json(rig_ask(
                      rig, &(struct rig_call){.method = "GET", .path = "/v1/alarms", .uid = 2005}));
    size_t i, count = 0;
    json_array_foreach(json_object_get(root, "alarms"), i, item)
    {
        const char *is = json_string_value(json_object_get(item, "state"));
        count += is != NULL && strcmp(is, state) == 0;
    }
    json_decref(root);
    return count;
}

/* North has the one alarm that there may be; of south, which is beyond, two alerts fire. */
static void after_a_restart_both_of_two_must_be_over_beyond_the_limit_too(void **state)
{
    struct rig *rig = *state;
    if (!need_root()) {
        return;
    }
    rig->words.rules =
        "rules = ( { name = \"queue-alert\"; category = \"danger\";\n"
        "  alert = { where = { queue = [ \"north\", \"south\" ]; }; per = [ \"queue\" ]; };\n"
        "  summary = \"{queue} is slow\"; } );\n";
    rig->words.more = "limits = { alarms_per_rule = 1; };\n";
    start(rig);
    assert_int_equal(send_of(rig, "QueueSlow", "north", 240), 200);
    rig_until(rig, receiver_find(rig->receiver, "/first", "north is slow") != NULL);
    assert_int_equal(send_of(rig, "QueueSlow", "south", 240), 200);
    assert_int_equal(send_of(rig, "QueueLong", "south", 240), 200);
    rig_until(rig, receiver_find(rig->receiver, "/first", "without an alarm of their own") != NULL);
    rig_kill(rig);
    rig_again(rig);
    assert_int_equal(send_of(rig, "QueueSlow", "south", -1), 200);
    assert_int_equal(send_of(rig, "QueueSlow", "north", -1), 200);
    rig_until(rig, count_alarms(rig, "returned") > 0);
    assert_int_equal(count_alarms(rig, "returned"), 1);
    assert_int_equal(send_of(rig, "QueueLong", "south", -1), 200);
    rig_until(rig, count_alarms(rig, "returned") == 2);
    rig_stop(rig);
}

/* ---- Debian's prometheus ---- */

static void write_rule(struct rig *rig, const char *expr)
{
    char text[600];
    snprintf(text, sizeof text,
             "groups:\n- name: g\n  interval: 200ms\n  rules:\n"
             "  - alert: QueueSlow\n    expr: %s\n"
             "    labels: { severity: critical, queue: north }\n"
             "    annotations: { summary: 'answers in {{ $value }} s' }\n",
             expr);
    rig_write(rig, "rules.yml", text, 0644);
}

static pid_t prometheus; /* 0: none runs */

static bool start_prometheus(struct rig *rig)
{
    char config[600], file[200], data[200];
    snprintf(
        config, sizeof config,
        "global: { external_labels: { cluster: dev } }\n"
        "rule_files: [ rules.yml ]\n"
        "alerting:\n  alertmanagers:\n  - static_configs:\n    - targets: [ '127.0.0.1:%u' ]\n",
        rig_port(rig, "feeds"));
    rig_write(rig, "prometheus.yml", config, 0644);
    snprintf(file, sizeof file, "--config.file=%s/prometheus.yml", rig->dir);
    snprintf(data, sizeof data, "--storage.tsdb.path=%s/data", rig->dir);
    char *args[] = {"prometheus",
                    file,
                    data,
                    "--web.listen-address=127.0.0.1:0",
                    "--rules.alert.resend-delay=2s",
                    NULL};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 2, rig_path(rig, "prometheus.log"),
                                     O_WRONLY | O_CREAT | O_TRUNC, 0600);
    int rc = posix_spawnp(&prometheus, "prometheus", &actions, NULL, args, environ);
    posix_spawn_file_actions_destroy(&actions);
    prometheus = rc == 0 ? prometheus : 0;
    return rc == 0;
}

static int end_prometheus(void **state)
{
    if (prometheus > 0) {
        (void)kill(prometheus, SIGTERM);
        (void)waitpid(prometheus, NULL, 0);
        prometheus = 0;
    }
    return rig_teardown(state);
}

static void what_prometheus_sends_fires_climbs_and_is_over(void **state)
{
    struct rig *rig = *state;
    /* Nobody reaches chris: his alarms climb at once. */
    receiver_answer(rig->receiver, "/first", 404);
    receiver_answer(rig->receiver, "/second", 404);
    start(rig);
    write_rule(rig, "vector(312)");
    if (!start_prometheus(rig)) {
        print_message("SKIPPED: prometheus is not installed\n");
        rig_stop(rig);
        return;
    }
    rig_until(rig, receiver_find(rig->receiver, "/first", "north: answers in 312 s") != NULL);
    assert_contains(receiver_find(rig->receiver, "/first", NULL)->body, "\"cluster\":\"dev\"");
    /* It is renewed, and that is no news. */
    rig_until(rig, rig_metric(rig, "firealarm_feed_alerts_total{feed=\"prom\"}") >= 3);
    assert_int_equal(receiver_matches(rig->receiver, "/dana", "\"kind\":\"alarm\""), 1);
    rig_until(rig, receiver_find(rig->receiver, "/dana", "north: answers in 312 s") != NULL);
    write_rule(rig, "vector(312) > 1000");
    assert_int_equal(kill(prometheus, SIGHUP), 0);
    rig_until(rig, receiver_find(rig->receiver, "/dana", "\"kind\":\"returned\"") != NULL);
    /* It says for a quarter of an hour that it is over: once is enough. */
    double sent = rig_metric(rig, "firealarm_feed_alerts_total{feed=\"prom\"}");
    rig_until(rig, rig_metric(rig, "firealarm_feed_alerts_total{feed=\"prom\"}") >= sent + 2);
    assert_int_equal(receiver_matches(rig->receiver, "/dana", "\"kind\":\"returned\""), 1);
    rig_stop(rig);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, end_prometheus)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_alert_is_told_with_its_words_and_returns_when_it_is_over),
        TEST(an_alert_that_no_rule_takes_is_counted),
        TEST(labels_beyond_the_feeds_limits_are_refused_and_counted),
        TEST(alerts_that_are_pulled_are_taken),
        TEST(after_a_restart_it_is_unknown_until_it_is_renewed),
        TEST(after_a_restart_both_of_two_must_be_over_beyond_the_limit_too),
        TEST(what_prometheus_sends_fires_climbs_and_is_over),
    };
    signal(SIGPIPE, SIG_IGN);
    cmocka_set_test_filter(getenv("FA_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
