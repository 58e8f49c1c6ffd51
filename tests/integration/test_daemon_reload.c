/* SPDX-License-Identifier: MIT */
/* links: fa_daemon_rig */
/* needs: fa_daemon_programs */
/* SIGHUP: a good configuration swaps whole, a bad one is refused whole, work under way goes on. And
 * starts with a configuration that is refused. */
#include "daemon_rig.h"

#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void reload(struct rig *rig, bool good)
{
    const char *word = good ? "the new configuration holds" : "the new configuration is refused";
    size_t before = rig_log_count(rig, word);
    rig_signal(rig, SIGHUP);
    rig_until(rig, rig_log_count(rig, word) == before + 1);
}

/* Chris left: dana leads alone. */
static const char dana_alone[] =
    "policies = (\n"
    "  { name = \"leaders\"; steps = ( { targets = [ \"dana\" ]; wait = \"15m\"; } ); },\n"
    "  { name = \"independent\"; steps = ( { targets = [ \"independent\" ]; wait = \"4h\"; } ); },\n"
    "  { name = \"operators\"; steps = ( { targets = [ \"team:it\" ]; wait = \"30m\"; } ); }\n"
    ");\n";

static void a_good_configuration_swaps_and_the_next_filing_goes_to_the_new_person(void **state)
{
    struct rig *rig = *state;
    char receipts[2][64];
    rig_start(rig);
    assert_int_equal(rig_file(rig, 1, "danger", receipts[0]), 201);
    rig_until(rig, receiver_find(rig->receiver, "/first", "text-1") != NULL);
    rig->words.policies = dana_alone;
    rig_write_config(rig);
    reload(rig, true);
    assert_true(rig_metric(rig, "firealarm_configuration_up") == 1);
    assert_int_equal(rig_file(rig, 2, "danger", receipts[1]), 201);
    rig_until(rig, receiver_find(rig->receiver, "/dana", "text-2") != NULL);
    assert_null(receiver_find(rig->receiver, "/first", "text-2"));
    assert_int_equal(rig_status(rig, receipts[0]), 200);
    rig_stop(rig);
    /* What was accepted last is what the next start runs on when the files are broken. */
    rig_write(rig, "firealarm.cfg", "company = ", 0644);
    rig_again(rig);
    assert_true(rig_logged(rig, "running on the configuration that was accepted last"));
    assert_true(rig_metric(rig, "firealarm_configuration_up") == 0);
    assert_int_equal(rig_file(rig, 3, "danger", receipts[1]), 201);
    rig_until(rig, receiver_find(rig->receiver, "/dana", "text-3") != NULL);
    rig_until(rig,
              receiver_find(rig->receiver, "/ines", "configuration was refused at start") != NULL);
    assert_int_equal(rig_status(rig, receipts[0]), 200);
    rig_stop(rig);
}

static void a_bad_configuration_is_refused_whole_and_operators_hear_of_it(void **state)
{
    static const char *const bad[] = {
        "nonsense = 1;\n",
        "rules = ( { name = \"x\"; metric = \"m\"; } );\n",
        "channels = ( { name = \"first\"; plugin = \"nothing\"; } );\n",
        "}}}\n",
    };
    struct rig *rig = *state;
    char receipt[64];
    rig_start(rig);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        rig->words.policies = dana_alone; /* nothing of a refused one holds, not its good parts */
        rig->words.more = bad[i];
        rig_write_config(rig);
        reload(rig, false);
        assert_true(rig_metric(rig, "firealarm_configuration_up") == 0);
        assert_int_equal(rig_file(rig, 10 + (unsigned)i, "danger", receipt), 201);
        assert_int_equal(rig_status(rig, receipt), 200);
    }
    rig_until(rig, receiver_find(rig->receiver, "/first", "text-13") != NULL);
    assert_int_equal(receiver_matches(rig->receiver, "/dana", NULL), 0);
    rig_until(rig,
              receiver_find(rig->receiver, "/ines", "changed configuration was refused") != NULL);
    rig->words.more = NULL;
    rig_write_config(rig);
    reload(rig, true);
    assert_int_equal(rig_file(rig, 20, "danger", receipt), 201);
    rig_until(rig, receiver_find(rig->receiver, "/dana", "text-20") != NULL);
    rig_stop(rig);
}

static void a_port_that_is_taken_refuses_the_configuration_whole(void **state)
{
    struct rig *rig = *state;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    char listeners[500], receipt[64];
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    rig_start(rig);
    unsigned port = rig_port(rig, "metrics");
    snprintf(listeners, sizeof listeners,
             "listeners = ( { name = \"api\"; address = \"unix:./run/api.sock\"; mode = \"0666\";"
             " routes = [ \"api\" ]; }, { name = \"new\"; address = \"unix:./run/new.sock\";"
             " mode = \"0666\"; routes = [ \"api\" ]; },"
             " { name = \"taken\"; address = \"127.0.0.1:%u\"; routes = [ \"metrics\" ]; } );\n",
             ntohs(at.sin_port));
    rig->words.listeners = listeners;
    rig->words.policies = dana_alone;
    rig_write_config(rig);
    for (int i = 0; i < 3; i++) {
        reload(rig, false);
    }
    assert_int_not_equal(access(rig_path(rig, "run/new.sock"), F_OK), 0);
    assert_int_equal(
        rig_ask(rig, &(struct rig_call){.method = "GET", .path = "/-/healthy", .port = port})
            ->status,
        200);
    assert_int_equal(rig_file(rig, 1, "danger", receipt), 201);
    rig_until(rig, receiver_find(rig->receiver, "/first", "text-1") != NULL);
    close(fd);
    reload(rig, true);
    assert_int_equal(rig_file(rig, 2, "danger", receipt), 201);
    rig_until(rig, receiver_find(rig->receiver, "/dana", "text-2") != NULL);
    rig_stop(rig);
}

static void listeners_and_feeds_come_and_go_and_those_that_stay_keep_their_sockets(void **state)
{
    static const char more_listeners[] =
        "listeners = (\n"
        "  { name = \"second\"; address = \"unix:./run/second.sock\"; mode = \"0666\";"
        " routes = [ \"api\" ]; },\n"
        "  { name = \"api\"; address = \"unix:./run/api.sock\"; mode = \"0666\";"
        " routes = [ \"api\" ]; },\n"
        "  { name = \"metrics\"; address = \"127.0.0.1:0\"; routes = [ \"metrics\" ]; }\n"
        ");\n";
    static const char one_feed[] =
        "feeds = ( { name = \"statsd\"; address = \"udp:127.0.0.1:0\"; decoder = \"statsd\"; } );\n";
    struct rig *rig = *state;
    char second[200];
    rig_start(rig);
    snprintf(second, sizeof second, "%s", rig_path(rig, "run/second.sock"));
    unsigned metrics = rig_port(rig, "metrics"), statsd = rig_port(rig, "statsd");
    int held = rig_connect(rig); /* a connection from before outlives the reload */
    struct rig_call call = {.method = "GET", .path = "/v1/guide", .socket = second};
    assert_int_equal(rig_ask(rig, &call)->status, 0);
    rig->words.listeners = more_listeners;
    rig->words.feeds = one_feed;
    rig_write_config(rig);
    reload(rig, true);
    assert_int_equal(rig_ask(rig, &call)->status, 200);
    assert_int_equal(rig_port(rig, "metrics"), metrics);
    assert_int_equal(rig_port(rig, "statsd"), statsd);
    assert_int_not_equal(access(rig->statsd, F_OK), 0);
    static const char ask[] = "GET /v1/version HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    char answer[16] = "";
    assert_int_equal(send(held, ask, sizeof ask - 1, MSG_NOSIGNAL), sizeof ask - 1);
    assert_int_equal(recv(held, answer, 12, MSG_WAITALL), 12);
    assert_string_equal(answer, "HTTP/1.1 200");
    close(held);
    rig_statsd(rig, "queue_seconds:300|g|#queue:north");
    rig_until(rig, receiver_find(rig->receiver, "/first", "north answers in") != NULL);
    rig->words.listeners = NULL;
    rig->words.feeds = NULL;
    rig_write_config(rig);
    reload(rig, true);
    assert_int_equal(rig_ask(rig, &call)->status, 0);
    rig_statsd_local(rig, "queue_seconds:300|g|#queue:south");
    rig_until(rig, receiver_find(rig->receiver, "/first", "south answers in") != NULL);
    rig_stop(rig);
}

static void limits_and_options_of_a_feed_that_stays_are_the_new_ones(void **state)
{
    struct rig *rig = *state;
    rig_start(rig);
    rig->words.feeds =
        "feeds = ( { name = \"statsd\"; address = \"udp:127.0.0.1:0\"; decoder = \"statsd\";"
        " limits = { series = 2; }; } );\n";
    rig_write_config(rig);
    reload(rig, true);
    for (int i = 0; i < 10; i++) {
        char line[64];
        snprintf(line, sizeof line, "queue_seconds:1|g|#queue:q%d", i);
        rig_statsd(rig, line);
    }
    rig_until(rig, rig_metric(rig, "firealarm_feed_series_refused_total{feed=\"statsd\"}") == 8);
    /* A sign is a step from the value before; with the new option it is the value's own. */
    rig_statsd(rig, "queue_seconds:+200|g|#queue:q0");
    rig_until(rig, receiver_find(rig->receiver, "/first", "q0 answers in 3 min 21 s") != NULL);
    rig->words.feeds =
        "feeds = ( { name = \"statsd\"; address = \"udp:127.0.0.1:0\"; decoder = \"statsd\";"
        " gauge_sign = \"absolute\"; } );\n";
    rig->words.listeners =
        "listeners = ( { name = \"api\"; address = \"unix:./run/api.sock\"; mode = \"0660\";"
        " routes = [ \"api\" ]; }, { name = \"metrics\"; address = \"127.0.0.1:0\";"
        " routes = [ \"metrics\" ]; } );\n";
    rig_write_config(rig);
    reload(rig, true);
    assert_true(rig_logged(rig, "listener api: its new mode holds after a restart"));
    assert_false(rig_logged(rig, "listener metrics: its new"));
    rig_statsd(rig, "queue_seconds:+190|g|#queue:q1");
    rig_until(rig, receiver_find(rig->receiver, "/first", "q1 answers in 3 min 10 s") != NULL);
    rig_stop(rig);
}

static const char hits_rules[] =
    "rules = (\n"
    "  { name = \"queue-slow\"; category = \"danger\"; severity = \"critical\"; policy = \"leaders\";\n"
    "    metric = \"queue_seconds\"; take = \"last\"; per = [ \"queue\" ]; above = 120.0; hits = 3; of = 5;\n"
    "    summary = \"{queue} answers in {value}\"; }\n"
    ");\n";

static void send_and_wait(struct rig *rig, const char *line, double samples)
{
    rig_statsd(rig, line);
    rig_until(rig, rig_metric(rig, "firealarm_feed_samples_total{feed=\"statsd\"}") == samples);
}

static void hits_are_counted_on_over_a_reload(void **state)
{
    struct rig *rig = *state;
    rig->words.rules = hits_rules;
    rig_start(rig);
    send_and_wait(rig, "queue_seconds:300|g|#queue:north", 1);
    send_and_wait(rig, "queue_seconds:300|g|#queue:north", 2);
    reload(rig, true);
    assert_null(receiver_find(rig->receiver, "/first", "north"));
    rig_statsd(rig, "queue_seconds:301|g|#queue:north");
    rig_until(rig, receiver_find(rig->receiver, "/first", "north answers in 301") != NULL);
    rig_stop(rig);
}

static void limits_and_routes_of_a_listener_that_stays_are_the_new_ones(void **state)
{
    struct rig *rig = *state;
    rig_start(rig);
    unsigned port = rig_port(rig, "metrics");
    struct rig_call call = {.method = "GET", .path = "/v1/version", .port = port};
    assert_int_equal(rig_ask(rig, &call)->status, 404);
    rig->words.listeners =
        "listeners = (\n"
        "  { name = \"api\"; address = \"unix:./run/api.sock\"; mode = \"0666\";\n"
        "    routes = [ \"api\" ]; limits = { body_bytes = 1024; }; },\n"
        "  { name = \"metrics\"; address = \"127.0.0.1:0\"; routes = [ \"metrics\", \"api\" ]; } );\n";
    rig_write_config(rig);
    rig_signal(rig, SIGHUP);
    rig_until(rig, rig_logged(rig, "the new configuration holds"));
    assert_int_equal(rig_port(rig, "metrics"), port);
    assert_int_equal(rig_ask(rig, &call)->status, 401);
    char body[2048] = "{\"text\":\"";
    memset(body + strlen(body), 'x', 1500);
    assert_int_equal(rig_post(rig, "/v1/incidents", body)->status, 413);
    rig_stop(rig);
}

static void a_channel_that_moves_is_used_at_its_new_place(void **state)
{
    struct rig *rig = *state;
    char channel[300], receipt[64];
    rig_start(rig);
    rig->words.chris = "{ channel = \"moved\"; }, { channel = \"second\"; }";
    snprintf(channel, sizeof channel,
             "{ name = \"moved\"; plugin = \"webhook\"; machine = true; allow_private = true;"
             " allow_plain = true; url = \"http://127.0.0.1:%u/moved\"; }",
             receiver_http(rig->receiver));
    rig->words.channels = channel;
    rig_write_config(rig);
    reload(rig, true);
    assert_int_equal(rig_file(rig, 1, "danger", receipt), 201);
    rig_until(rig, receiver_find(rig->receiver, "/moved", "text-1") != NULL);
    rig_stop(rig);
}

static void work_under_way_goes_on_over_a_reload(void **state)
{
    struct rig *rig = *state;
    char receipt[64];
    receiver_answer(rig->receiver, "/first", 503);
    rig->words.severities = "severities = ( { name = \"critical\"; fail_attempts = 50;"
                            " fail_after = \"1m\"; }, { name = \"info\"; } );\n";
    rig_start(rig);
    assert_int_equal(rig_file(rig, 1, "danger", receipt), 201);
    rig_until(rig, receiver_matches(rig->receiver, "/first", "text-1") >= 1);
    rig->words.rules = "rules = ( );\n"; /* and a rule that is gone closes no alarm */
    rig_write_config(rig);
    reload(rig, true);
    receiver_answer(rig->receiver, "/first", 200);
    rig_until(rig, rig_metric(rig, "firealarm_outbox") == 0);
    const struct received *item;
    const char *key = receiver_at(rig->receiver, 0)->key;
    for (size_t i = 0; (item = receiver_at(rig->receiver, i)) != NULL; i++) {
        assert_string_equal(item->key, key);
    }
    assert_int_equal(rig_status(rig, receipt), 200);
    rig_stop(rig);
}

static void an_alarm_whose_rule_is_gone_keeps_climbing(void **state)
{
    struct rig *rig = *state;
    if (getuid() != 0) {
        print_message("SKIPPED: only root can call as somebody else\n");
        return;
    }
    rig_start(rig);
    rig_statsd(rig, "queue_seconds:300|g|#queue:north");
    rig_until(rig, rig_alarm(rig, "queue-slow")[0] != '\0');
    rig->words.rules = "rules = ( );\n";
    rig_write_config(rig);
    reload(rig, true);
    const struct rig_reply *reply =
        rig_ask(rig, &(struct rig_call){.method = "GET", .path = "/v1/alarms", .uid = 2005});
    assert_contains(reply->body, "\"orphaned\"");
    assert_contains(reply->body, "\"state\":\"unacknowledged\"");
    assert_null(strstr(reply->body, "\"next\":null"));
    rig_stop(rig);
}

static void forty_reloads_leak_no_descriptor(void **state)
{
    struct rig *rig = *state;
    rig_start(rig);
    (void)rig_courier(rig);
    reload(rig, true);
    size_t before = rig_fd_count(rig);
    for (int i = 0; i < 40; i++) {
        rig->words.more = i % 2 == 0 ? "nonsense = 1;\n" : NULL;
        rig->words.listeners =
            i % 4 == 1 ? "listeners = ( { name = \"api\"; address = \"unix:./run/api.sock\";"
                         " mode = \"0666\"; routes = [ \"api\" ]; }, { name = \"metrics\";"
                         " address = \"127.0.0.1:0\"; routes = [ \"metrics\" ]; }, { name ="
                         " \"more\"; address = \"unix:./run/more.sock\"; routes = [ \"api\" ]; }"
                         " );\n"
                       : NULL;
        rig_write_config(rig);
        reload(rig, i % 2 == 1);
    }
    rig->words.listeners = NULL;
    rig_write_config(rig);
    reload(rig, true);
    rig_until(rig, rig_fd_count(rig) == before);
    rig_stop(rig);
}

static void a_first_start_with_a_refused_configuration_ends_with_78(void **state)
{
    struct rig *rig = *state;
    rig->words.more = "nonsense = 1;\n";
    rig_write_config(rig);
    rig_spawn(rig);
    int status = rig_wait(rig);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 78);
    assert_true(rig_logged(rig, "nonsense"));
    assert_true(rig_logged(rig, "firealarm.cfg:"));
}

static void an_accepted_copy_that_others_may_write_is_not_believed(void **state)
{
    struct rig *rig = *state;
    rig_start(rig);
    rig_stop(rig);
    assert_int_equal(chmod(rig_path(rig, "state/accepted.cfg"), 0666), 0);
    rig_write(rig, "firealarm.cfg", "company = ", 0644);
    rig_spawn(rig);
    int status = rig_wait(rig);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 78);
}

static void the_accepted_copy_holds_no_secret(void **state)
{
    struct rig *rig = *state;
    char *text = NULL;
    rig_start(rig);
    rig_stop(rig);
    assert_true(rig_has_text(rig_path(rig, "state/accepted.cfg"), "company", &text));
    assert_null(strstr(text, "8f3c1d2e4b5a6978"));
    assert_null(strstr(text, RIG_TOKEN));
    free(text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_good_configuration_swaps_and_the_next_filing_goes_to_the_new_person),
        TEST(a_bad_configuration_is_refused_whole_and_operators_hear_of_it),
        TEST(a_port_that_is_taken_refuses_the_configuration_whole),
        TEST(listeners_and_feeds_come_and_go_and_those_that_stay_keep_their_sockets),
        TEST(limits_and_options_of_a_feed_that_stays_are_the_new_ones),
        TEST(limits_and_routes_of_a_listener_that_stays_are_the_new_ones),
        TEST(hits_are_counted_on_over_a_reload),
        TEST(a_channel_that_moves_is_used_at_its_new_place),
        TEST(work_under_way_goes_on_over_a_reload),
        TEST(an_alarm_whose_rule_is_gone_keeps_climbing),
        TEST(forty_reloads_leak_no_descriptor),
        TEST(a_first_start_with_a_refused_configuration_ends_with_78),
        TEST(an_accepted_copy_that_others_may_write_is_not_believed),
        TEST(the_accepted_copy_holds_no_secret),
    };
    signal(SIGPIPE, SIG_IGN);
    cmocka_set_test_filter(getenv("FA_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
