/* SPDX-License-Identifier: MIT */
/* links: fa_daemon_rig */
/* needs: fa_daemon_programs */
/* Samples in, alarms out; garbage, limits and hostile bytes on every socket. */
#include "daemon_rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static bool need_root(void)
{
    if (getuid() != 0) {
        print_message("SKIPPED: only root can call as somebody else\n");
    }
    return getuid() == 0;
}

static json_t *show(struct rig *rig, const char *rule)
{
    char path[128];
    const char *id = rig_alarm(rig, rule);
    snprintf(path, sizeof path, "/v1/alarms/%s", id);
    return id[0] == '\0'
               ? NULL
               : rig_json(
                     rig_ask(rig, &(struct rig_call){.method = "GET", .path = path, .uid = 2005}));
}

static bool has_state(struct rig *rig, const char *rule, const char *state)
{
    json_t *alarm = show(rig, rule);
    bool has =
        alarm != NULL && strcmp(json_string_value(json_object_get(alarm, "state")), state) == 0;
    json_decref(alarm);
    return has;
}

static int act(struct rig *rig, const char *rule, const char *deed, const char *body)
{
    char path[128];
    snprintf(path, sizeof path, "/v1/alarms/%s/%s", rig_alarm(rig, rule), deed);
    return rig_ask(rig,
                   &(struct rig_call){.method = "POST", .path = path, .body = body, .uid = 2005})
        ->status;
}

static void a_number_becomes_an_alarm_that_is_told_owned_and_resolved(void **state)
{
    struct rig *rig = *state;
    if (!need_root()) {
        return;
    }
    rig_start(rig);
    rig_statsd(rig, "queue_seconds:119|g|#queue:south\nqueue_seconds:312|g|#queue:north\n");
    rig_until(rig, receiver_find(rig->receiver, "/first", "north answers in") != NULL);
    const struct received *item = receiver_find(rig->receiver, "/first", NULL);
    assert_contains(item->body, "\"kind\":\"alarm\"");
    assert_contains(item->body, "\"severity\":\"critical\"");
    assert_contains(item->body, "\"rule\":\"queue-slow\"");
    assert_contains(item->body, "\"queue\":\"north\"");
    assert_contains(item->body, "\"expect\":\"Decide on staffing\"");
    assert_contains(item->body, "5 min 12 s");
    json_t *alarm = show(rig, "queue-slow");
    assert_double_near(json_number_value(json_object_get(alarm, "value")), 312, 0);
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(alarm, "labels"), "queue")), "north");
    assert_int_equal(json_integer_value(json_object_get(alarm, "step")), 1);
    json_decref(alarm);
    assert_int_equal(act(rig, "queue-slow", "ack", "{\"for\":\"1h\",\"note\":\"calling them\"}"),
                     200);
    alarm = show(rig, "queue-slow");
    assert_string_equal(json_string_value(json_object_get(alarm, "owner")), "chris");
    assert_true(json_is_null(json_object_get(alarm, "next")));
    json_decref(alarm);
    assert_int_equal(act(rig, "queue-slow", "resolve", "{\"note\":\"staff is there\"}"), 200);
    rig_until(rig, rig_alarm(rig, "queue-slow")[0] == '\0');
    const struct rig_reply *reply = rig_ask(
        rig, &(struct rig_call){.method = "GET", .path = "/v1/alarms?state=closed", .uid = 2005});
    assert_contains(reply->body, "\"rule\":\"queue-slow\"");
    assert_contains(reply->body, "\"state\":\"resolved\"");
    assert_int_equal(receiver_matches(rig->receiver, NULL, "south"), 0);
    assert_int_equal(receiver_matches(rig->receiver, "/dana", NULL), 0);
    rig_stop(rig);
}

static void numbers_that_are_good_again_return_the_alarm_and_it_resumes(void **state)
{
    struct rig *rig = *state;
    if (!need_root()) {
        return;
    }
    rig_start(rig);
    rig_statsd_local(rig, "queue_seconds:300|g|#queue:north");
    rig_until(rig, has_state(rig, "queue-slow", "unacknowledged"));
    rig_until(rig, receiver_matches(rig->receiver, "/first", "north") == 1);
    rig_statsd_local(rig, "queue_seconds:100|g|#queue:north"); /* above clear_below: no return */
    rig_statsd_local(rig, "queue_seconds:89|g|#queue:north");
    rig_until(rig, has_state(rig, "queue-slow", "returned"));
    char id[64];
    snprintf(id, sizeof id, "%s", rig_alarm(rig, "queue-slow"));
    rig_statsd_local(rig, "queue_seconds:300|g|#queue:north");
    rig_until(rig, has_state(rig, "queue-slow", "unacknowledged"));
    assert_string_equal(rig_alarm(rig, "queue-slow"), id);
    rig_stop(rig);
}

static void a_feed_over_its_limit_counts_and_tells_the_operators(void **state)
{
    struct rig *rig = *state;
    rig->words.feeds =
        "feeds = ( { name = \"statsd\"; address = \"udp:127.0.0.1:0\"; decoder = \"statsd\";"
        " limits = { series = 5; }; } );\n";
    rig_start(rig);
    for (int i = 0; i < 20; i++) {
        char line[64];
        snprintf(line, sizeof line, "queue_seconds:1|g|#queue:q%d", i);
        rig_statsd(rig, line);
    }
    rig_until(rig, rig_metric(rig, "firealarm_feed_series_refused_total{feed=\"statsd\"}") == 15);
    assert_true(rig_metric(rig, "firealarm_feed_series{feed=\"statsd\"}") == 5);
    if (rig_has_hooks()) {
        rig_later(rig);
        rig_until(rig, receiver_find(rig->receiver, "/ines", "limit of 5 series") != NULL);
    }
    /* Those that were there first are still heard. */
    rig_statsd(rig, "queue_seconds:500|g|#queue:q0");
    rig_until(rig, receiver_find(rig->receiver, "/first", "q0 answers in") != NULL);
    rig_stop(rig);
}

static void garbage_in_datagrams_is_counted_and_harms_nothing(void **state)
{
    static const char *const bad[] = {
        "queue_seconds",
        "queue_seconds:|g",
        "queue_seconds:1|zz",
        ":1|g",
        "||||",
        "queue_seconds:nan|g",
        "queue_seconds:1e999|g",
        "\xff\xfe\xfd:1|g",
        "queue_seconds:1|g|#",
        "queue_seconds:1|c|@0",
    };
    struct rig *rig = *state;
    rig_start(rig);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        rig_statsd(rig, bad[i]);
    }
    srandom(7);
    for (int i = 0; i < 200; i++) {
        char bytes[600];
        size_t len = 1 + (size_t)random() % (sizeof bytes - 2);
        for (size_t k = 0; k < len; k++) {
            bytes[k] = (char)(1 + random() % 255);
        }
        bytes[len] = '\0';
        i % 2 == 0 ? rig_statsd(rig, bytes) : rig_statsd_local(rig, bytes);
    }
    rig_statsd(rig, "queue_seconds:300|g|#queue:last");
    rig_until(rig, receiver_find(rig->receiver, "/first", "last answers in") != NULL);
    assert_true(rig_metric(rig, "firealarm_feed_rejected_total{feed=\"statsd\"}") >= 5);
    assert_true(rig_metric(rig, "firealarm_feed_packets_total{feed=\"local\"}") == 100);
    rig_stop(rig);
}

/* ---- hostile bytes ---- */

static int connect_metrics(struct rig *rig)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                             .sin_port = htons((uint16_t)rig_port(rig, "metrics"))};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    return fd;
}

static void hostile_bytes_on_every_socket_leave_it_answering(void **state)
{
    static const char *const texts[] = {
        "GET / HTTP/9.9\r\n\r\n",
        "GET",
        "\r\n\r\n\r\n",
        "POST /v1/incidents HTTP/1.1\r\n",
        "POST /v1/incidents HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "POST /v1/incidents HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        "POST /v1/incidents HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "POST /v1/incidents HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
        "GET /v1/alarms/%00%ff%2e%2e HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /v1/alarms?limit=99999999999999999999&state=%zz HTTP/1.1\r\nHost: x\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    };
    struct rig *rig = *state;
    char receipt[64];
    rig_start(rig);
    srandom(11);
    for (int i = 0; i < 300; i++) {
        char bytes[4096];
        size_t len = 1 + (size_t)random() % sizeof bytes;
        int fd = i % 2 == 0 ? rig_connect(rig) : connect_metrics(rig);
        assert_true(fd >= 0);
        size_t which = (size_t)i % (2 * sizeof texts / sizeof texts[0]);
        if (which < sizeof texts / sizeof texts[0]) {
            len = strlen(texts[which]);
            memcpy(bytes, texts[which], len);
        } else {
            for (size_t k = 0; k < len; k++) {
                bytes[k] = (char)random();
            }
        }
        (void)!send(fd, bytes, len, MSG_NOSIGNAL);
        close(fd);
    }
    rig_until(rig, rig_file(rig, 1, "danger", receipt) == 201);
    rig_until(rig, rig_metric(rig, "firealarm_filings_open") == 1);
    assert_true(rig_metric(rig, "firealarm_http_bad_requests_total{listener=\"api\"}") > 0);
    rig_stop(rig);
}

static void a_body_over_the_limit_is_413_and_a_head_over_it_431(void **state)
{
    struct rig *rig = *state;
    char *big = malloc(3 << 20), *header = malloc(40000);
    rig_start(rig);
    memset(big, ' ', 400000);
    big[400000] = '\0';
    memset(header, 'x', 39990);
    memcpy(header, "X-Big: ", 7);
    snprintf(header + 39990, 10, "\r\n");
    struct rig_call call = {.method = "GET", .path = "/v1/guide", .header = header};
    assert_int_equal(rig_ask(rig, &call)->status, 431);
    /* Head and length alone: the answer comes before the body would. */
    int fd = rig_connect(rig);
    static const char huge[] =
        "POST /v1/incidents HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n";
    assert_int_equal(send(fd, huge, sizeof huge - 1, MSG_NOSIGNAL), sizeof huge - 1);
    char answer[64] = "";
    struct pollfd ready = {fd, POLLIN, 0};
    assert_int_equal(poll(&ready, 1, RIG_GUARD_MS), 1);
    assert_true(recv(fd, answer, sizeof answer - 1, 0) > 12);
    assert_memory_equal(answer, "HTTP/1.1 413", 12);
    close(fd);
    free(big);
    free(header);
    rig_stop(rig);
}

static void three_hundred_clients_and_few_descriptors_leave_it_answering_and_idle(void **state)
{
    struct rig *rig = *state;
    int fds[300];
    char receipt[64];
    rig->files_max = 64;
    rig->words.listeners =
        "listeners = ( { name = \"api\"; address = \"unix:./run/api.sock\"; mode = \"0666\";"
        " routes = [ \"api\" ]; limits = { connections = 4000; }; },"
        " { name = \"metrics\"; address = \"127.0.0.1:0\"; routes = [ \"metrics\" ]; } );\n";
    rig_start(rig);
    for (size_t i = 0; i < 300; i++) {
        struct sockaddr_un at = {.sun_family = AF_UNIX};
        assert_true(strlen(rig->api) < sizeof at.sun_path);
        strcpy(at.sun_path, rig->api);
        fds[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)!connect(fds[i], (struct sockaddr *)&at, sizeof at);
    }
    /* While all descriptors are taken it waits for one, and does not turn in circles. */
    long before = rig_cpu_ms(rig);
    int64_t until = rig_ms() + 1500;
    while (rig_ms() < until) {
        rig_pause();
    }
    long used = rig_cpu_ms(rig) - before;
    for (size_t i = 0; i < 300; i++) {
        close(fds[i]);
    }
    if (used > 500) {
        fail_msg("%ld ms of CPU in 1500 ms of doing nothing", used);
    }
    rig_until(rig, rig_file(rig, 1, "danger", receipt) == 201);
    rig_until(rig, rig_status(rig, receipt) == 200);
    rig_until(rig, receiver_find(rig->receiver, "/first", "text-1") != NULL);
    rig_stop(rig);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_number_becomes_an_alarm_that_is_told_owned_and_resolved),
        TEST(numbers_that_are_good_again_return_the_alarm_and_it_resumes),
        TEST(a_feed_over_its_limit_counts_and_tells_the_operators),
        TEST(garbage_in_datagrams_is_counted_and_harms_nothing),
        TEST(hostile_bytes_on_every_socket_leave_it_answering),
        TEST(a_body_over_the_limit_is_413_and_a_head_over_it_431),
        TEST(three_hundred_clients_and_few_descriptors_leave_it_answering_and_idle),
    };
    signal(SIGPIPE, SIG_IGN);
    cmocka_set_test_filter(getenv("FA_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
