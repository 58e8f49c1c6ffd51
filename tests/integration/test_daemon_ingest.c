/* SPDX-License-Identifier: MIT */
/* links: fa_daemon_rig snappy */
/* needs: fa_daemon_programs */
/* Feeds over requests: what is pushed becomes alarms, who may push, what is answered, and that
 * neither a flood nor a reload costs a filing. */
#include "daemon_rig.h"
#include "remote_write.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define TEXT  "/api/v1/import/prometheus"
#define WRITE "/api/v1/write"

/* b2sum -l 256 of "pusher.secret" */
#define PUSHER "228625fd3ec54bb80c9ef11262e069f28ddfcb03d9a3bd6ed70d048fc6af8a54"

static const char listeners[] =
    "listeners = (\n"
    "  { name = \"api\"; address = \"unix:./run/api.sock\"; mode = \"0666\"; routes = [ \"api\" ]; },\n"
    "  { name = \"metrics\"; address = \"127.0.0.1:0\"; routes = [ \"metrics\", \"ingest\" ]; },\n"
    "  { name = \"push\"; address = \"127.0.0.1:0\"; routes = [ \"ingest\" ]; },\n"
    "  { name = \"guarded\"; address = \"127.0.0.1:0\"; routes = [ \"ingest\" ];\n"
    "    token = \"" PUSHER "\"; limits = { body_bytes = 4096; }; }\n"
    ");\n";
static const char feeds[] =
    "feeds = (\n"
    "  { name = \"prom\"; decoder = \"prometheus\"; },\n"
    "  { name = \"other\"; decoder = \"prometheus\"; listener = \"push\";\n"
    "    path = [ \"/other\", \"/other/write\" ]; limits = { series = 3; }; }\n"
    ");\n";

static void start(struct rig *rig)
{
    rig->words.listeners = listeners;
    rig->words.feeds = feeds;
    rig_start(rig);
}

static const struct rig_reply *push(struct rig *rig, const char *path, const char *body)
{
    return rig_ask(
        rig, &(struct rig_call){
                 .method = "POST", .path = path, .body = body, .port = rig_port(rig, "push")});
}

static double count(struct rig *rig, const char *what)
{
    char name[128];
    snprintf(name, sizeof name, "firealarm_feed_%s", what);
    return rig_metric(rig, name);
}

static int64_t wall_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void text_that_is_pushed_raises_an_alarm(void **state)
{
    struct rig *rig = *state;
    start(rig);
    const struct rig_reply *reply =
        push(rig, TEXT,
             "# TYPE queue_seconds gauge\nqueue_seconds{queue=\"south\"} 119\n"
             "queue_seconds{queue=\"north\"} 312\nunwatched 1\n");
    assert_int_equal(reply->status, 204);
    assert_string_equal(reply->body, "");
    rig_until(rig, receiver_find(rig->receiver, "/first", "north answers in") != NULL);
    assert_true(count(rig, "samples_total{feed=\"prom\"}") == 2);
    assert_true(count(rig, "series{feed=\"prom\"}") == 2);
    assert_true(count(rig, "requests_total{feed=\"prom\",code=\"2xx\"}") == 1);
    assert_true(count(rig, "packets_total{feed=\"prom\"}") == -1);
    assert_null(receiver_find(rig->receiver, "/first", "south"));
    rig_stop(rig);
}

/* However long the names are: a refusal that is not said would look like none. */
static void what_was_ignored_leaves_room_for_what_was_refused(void **state)
{
    struct rig *rig = *state;
    char body[16384];
    size_t at = 0;
    start(rig);
    for (unsigned i = 0; i < 10; i++) {
        char name[700];
        memset(name, 'x', sizeof name - 1);
        name[sizeof name - 1] = '\0';
        at += (size_t)snprintf(body + at, sizeof body - at, "%s%u 1\n", name, i);
    }
    snprintf(body + at, sizeof body - at, "queue_seconds{ 1\nqueue_seconds{queue=\"south\"} 119\n");
    const struct rig_reply *reply =
        rig_ask(rig, &(struct rig_call){.method = "POST",
                                        .path = TEXT,
                                        .body = body,
                                        .header = "Prefer: return=representation\r\n",
                                        .port = rig_port(rig, "push")});
    assert_int_equal(reply->status, 400);
    assert_contains(reply->body, "1 taken\n10 ignored\n");
    assert_contains(reply->body, "1 refused; what was sound was taken");
    rig_stop(rig);
}

static void rw_queue(struct rw *message, const char *queue, double value, int64_t ms)
{
    struct rw series = {0};
    rw_label(&series, "__name__", "queue_seconds");
    rw_label(&series, "queue", queue);
    rw_sample(&series, value, ms);
    rw_message(message, 1, &series);
}

/* As chris sees his alarms. */
static bool is_unknown(struct rig *rig)
{
    struct rig_call call = {
        .method = "GET", .path = "/v1/alarms", .header = "Authorization: Bearer " RIG_TOKEN "\r\n"};
    return strstr(rig_ask(rig, &call)->body, "\"unknown\"") != NULL;
}

static void a_remote_write_raises_an_alarm_and_its_marker_ends_the_data(void **state)
{
    struct rig *rig = *state;
    struct rw message = {0}, series = {0};
    start(rig);
    rw_queue(&message, "north", 312, wall_ms());
    struct rw body = rw_pack(&message);
    struct rig_call call = {.method = "POST",
                            .path = WRITE,
                            .body = body.data,
                            .body_len = body.len,
                            .header = "Content-Encoding: snappy\r\n"
                                      "X-Prometheus-Remote-Write-Version: 0.1.0\r\n",
                            .port = rig_port(rig, "metrics")};
    assert_int_equal(rig_ask(rig, &call)->status, 204);
    rig_until(rig, receiver_find(rig->receiver, "/first", "north answers in") != NULL);
    free(body.data);
    rw_label(&series, "__name__", "queue_seconds");
    rw_label(&series, "queue", "north");
    rw_sample_bits(&series, RW_STALE, wall_ms());
    rw_message(&message, 1, &series);
    body = rw_pack(&message);
    call.body = body.data;
    call.body_len = body.len;
    assert_false(is_unknown(rig));
    assert_int_equal(rig_ask(rig, &call)->status, 204);
    rig_until(rig, is_unknown(rig));
    call.header = "Content-Encoding: zstd\r\n";
    assert_int_equal(rig_ask(rig, &call)->status, 415);
    call.header = NULL;
    call.body_len--;
    const struct rig_reply *reply = rig_ask(rig, &call);
    assert_int_equal(reply->status, 400);
    assert_contains(reply->body, "cut short");
    free(body.data);
    rig_stop(rig);
}

static void its_own_metrics_are_sound_openmetrics(void **state)
{
    struct rig *rig = *state;
    start(rig);
    struct rig_call call = {.method = "GET", .path = "/metrics", .port = rig_port(rig, "metrics")};
    char *text = strdup(rig_ask(rig, &call)->body);
    call = (struct rig_call){.method = "POST",
                             .path = TEXT,
                             .body = text,
                             .header = "Content-Type: application/openmetrics-text\r\n",
                             .port = rig_port(rig, "push")};
    assert_contains(text, "# EOF\n");
    const struct rig_reply *reply = rig_ask(rig, &call);
    assert_string_equal(reply->body, "");
    assert_int_equal(reply->status, 204);
    free(text);
    rig_stop(rig);
}

static void what_is_wrong_is_told_and_the_rest_taken(void **state)
{
    struct rig *rig = *state;
    start(rig);
    const struct rig_reply *reply =
        push(rig, TEXT,
             "queue_seconds{queue=\"a\"} 1\nbroken\nqueue_seconds{queue=\"b\" 2\n"
             "queue_seconds{queue=\"c\"} x\nqueue_seconds{queue=\"d\"} \xff\n"
             "queue_seconds{queue=\"e\"} 2\n");
    assert_int_equal(reply->status, 400);
    assert_contains(reply->head, "Content-Type: text/plain; charset=utf-8");
    assert_string_equal(reply->body, "4 refused; what was sound was taken\n"
                                     "a value is missing: broken\n"
                                     "a series does not end: queue_seconds{queue=\"b\" 2\n"
                                     "a value is no number: queue_seconds{queue=\"c\"} x\n");
    assert_true(count(rig, "samples_total{feed=\"prom\"}") == 2);
    assert_true(count(rig, "rejected_total{feed=\"prom\"}") == 4);
    assert_true(count(rig, "requests_total{feed=\"prom\",code=\"4xx\"}") == 1);
    assert_false(rig_logged(rig, "broken"));
    rig_stop(rig);
}

static void only_who_has_a_token_feeds_where_one_is_asked_for(void **state)
{
    static const struct {
        const char *header;
        int status;
    } rows[] = {
        {NULL, 401},
        {"Authorization: Bearer wrong\r\n", 401},
        {"Authorization: Bearer " RIG_TOKEN "\r\n", 401}, /* a person's */
        {"Authorization: Basic cHVzaGVyOnNlY3JldA==\r\n", 401},
        {"Authorization: Bearer pusher.secret\r\n", 204},
    };
    struct rig *rig = *state;
    start(rig);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct rig_call call = {.method = "POST",
                                .path = TEXT,
                                .body = "queue_seconds{queue=\"a\"} 1\n",
                                .header = rows[i].header,
                                .port = rig_port(rig, "guarded")};
        const struct rig_reply *reply = rig_ask(rig, &call);
        if (reply->status != rows[i].status) {
            fail_msg("row %zu: %d %s", i, reply->status, reply->body);
        }
    }
    assert_true(count(rig, "samples_total{feed=\"prom\"}") == 1);
    /* Nor does a feed's token open anything else, or people's socket take samples. */
    assert_int_equal(rig_post(rig, TEXT, "a 1\n")->status, 404);
    struct rig_call guide = {
        .method = "GET", .path = "/v1/guide", .header = "Authorization: Bearer pusher.secret\r\n"};
    assert_int_equal(rig_ask(rig, &guide)->status, 401);
    guide.port = rig_port(rig, "guarded");
    assert_int_equal(rig_ask(rig, &guide)->status, 404);
    rig_stop(rig);
}

static void each_path_has_its_feed_and_each_feed_its_limits(void **state)
{
    struct rig *rig = *state;
    char big[5000];
    start(rig);
    assert_int_equal(push(rig, "/other",
                          "queue_seconds{queue=\"a\"} 1\n"
                          "queue_seconds{queue=\"b\"} 1\n"
                          "queue_seconds{queue=\"c\"} 1\n"
                          "queue_seconds{queue=\"d\"} 1\n")
                         ->status,
                     204);
    assert_true(count(rig, "series{feed=\"other\"}") == 3);
    assert_true(count(rig, "series_refused_total{feed=\"other\"}") == 1);
    assert_int_equal(push(rig, "/other", "queue_seconds{queue=\"\t\"} 1\n")->status, 400);
    assert_true(count(rig, "labels_refused_total{feed=\"other\"}") == 1);
    assert_int_equal(push(rig, "/other", "queue_seconds{queue=\"a\"} 1 99999999999999\n")->status,
                     400);
    assert_true(count(rig, "future_total{feed=\"other\"}") == 1);
    assert_true(count(rig, "series{feed=\"prom\"}") == 0);
    struct rig_call call = {.method = "POST", .path = "/other", .port = rig_port(rig, "metrics")};
    assert_int_equal(rig_ask(rig, &call)->status, 404); /* of another listener */
    call.port = rig_port(rig, "push");
    call.path = "/other/";
    assert_int_equal(rig_ask(rig, &call)->status, 404);
    call.path = "/other";
    call.method = "GET";
    assert_int_equal(rig_ask(rig, &call)->status, 405);
    memset(big, ' ', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    call = (struct rig_call){.method = "POST",
                             .path = TEXT,
                             .body = big,
                             .header = "Authorization: Bearer pusher.secret\r\n",
                             .port = rig_port(rig, "guarded")};
    assert_int_equal(rig_ask(rig, &call)->status, 413);
    rig_stop(rig);
}

/* ---- slow and many ---- */

static int connect_push(struct rig *rig)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                             .sin_port = htons((uint16_t)rig_port(rig, "push"))};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    return fd;
}

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static int status_of(int fd)
{
    char answer[512] = "";
    struct pollfd ready = {fd, POLLIN, 0};
    assert_int_equal(poll(&ready, 1, RIG_GUARD_MS), 1);
    ssize_t n = recv(fd, answer, sizeof answer - 1, 0);
    return n > 12 ? (int)strtol(answer + 9, NULL, 10) : 0;
}

static void a_body_is_taken_as_it_comes_in(void **state)
{
    struct rig *rig = *state;
    start(rig);
    int fd = connect_push(rig);
    say(fd, "POST " TEXT " HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
            "1b\r\nqueue_seconds{queue=\"a\"} 1\n\r\n12\r\nqueue_seconds{queu\r\n");
    rig_until(rig, count(rig, "samples_total{feed=\"prom\"}") == 1);
    say(fd, "d\r\ne=\"north\"} 31\r\n0\r\n\r\n");
    assert_int_equal(status_of(fd), 204);
    assert_true(count(rig, "samples_total{feed=\"prom\"}") == 2);
    /* The connection goes on. */
    say(fd, "POST " TEXT " HTTP/1.1\r\nContent-Length: 0\r\n\r\n");
    assert_int_equal(status_of(fd), 204);
    say(fd, "POST " TEXT " HTTP/1.1\r\nContent-Length: 99\r\n\r\nqueue_seconds{queue=\"b\"} 1\n");
    rig_until(rig, count(rig, "samples_total{feed=\"prom\"}") == 3);
    close(fd);
    rig_until(rig, rig_metric(rig, "firealarm_http_requests_total{listener=\"push\"}") == 3);
    rig_stop(rig);
}

static void reload(struct rig *rig)
{
    size_t before = rig_log_count(rig, "the new configuration holds");
    rig_signal(rig, SIGHUP);
    rig_until(rig, rig_log_count(rig, "the new configuration holds") > before);
}

static void a_reload_asks_for_what_is_under_way_again(void **state)
{
    struct rig *rig = *state;
    start(rig);
    int fd = connect_push(rig), other = connect_push(rig);
    say(fd, "POST " TEXT " HTTP/1.1\r\nContent-Length: 99\r\n\r\nqueue_seconds{queue=\"b\"} 1\n");
    say(other, "POST /other HTTP/1.1\r\nContent-Length: 9\r\n\r\nqu");
    rig_until(rig, count(rig, "samples_total{feed=\"prom\"}") == 1);
    rig_until(rig, rig_metric(rig, "firealarm_http_requests_total{listener=\"push\"}") == 2);
    rig->words.feeds =
        "feeds = ( { name = \"prom\"; decoder = \"prometheus\"; path = \"/new\"; } );\n";
    rig_write_config(rig);
    reload(rig);
    assert_int_equal(status_of(fd), 503);
    assert_int_equal(status_of(other), 503);
    close(fd);
    close(other);
    assert_int_equal(push(rig, TEXT, "a 1\n")->status, 404);
    assert_int_equal(push(rig, "/other", "a 1\n")->status, 404);
    assert_int_equal(push(rig, "/new", "queue_seconds{queue=\"b\"} 2\n")->status, 204);
    assert_true(count(rig, "samples_total{feed=\"prom\"}") == 2);
    assert_true(count(rig, "requests_total{feed=\"prom\",code=\"5xx\"}") == 1);
    rig_stop(rig);
}

#define SENDERS 16

/* Bodies without end on many connections: each filing is still answered. */
static void a_flood_of_bodies_holds_up_no_filing(void **state)
{
    struct rig *rig = *state;
    char receipt[64], *lines = malloc(1 << 18);
    size_t len = 0, at[SENDERS] = {0};
    int fds[SENDERS];
    while (len < (1 << 18) - 100) {
        len += (size_t)sprintf(lines + len, "queue_seconds{queue=\"q%zu\"} 1\n", len % 1000);
    }
    start(rig);
    for (int i = 0; i < SENDERS; i++) {
        fds[i] = connect_push(rig);
        say(fds[i], "POST " TEXT " HTTP/1.1\r\nContent-Length: 1048576\r\n\r\n");
        assert_int_equal(fcntl(fds[i], F_SETFL, O_NONBLOCK), 0);
    }
    int64_t worst = 0;
    for (unsigned n = 1; n <= 20; n++) {
        for (int i = 0; i < SENDERS; i++) {
            ssize_t sent =
                at[i] < 1000000 ? send(fds[i], lines + at[i] % 1000, len / 8, MSG_NOSIGNAL) : 0;
            at[i] += sent > 0 ? (size_t)sent : 0;
        }
        int64_t from = rig_ms();
        assert_int_equal(rig_file(rig, n, "danger", receipt), 201);
        worst = rig_ms() - from > worst ? rig_ms() - from : worst;
    }
    assert_true(worst < 5000); /* a busy machine's sanitizer; the bench has the figure */
    assert_true(count(rig, "samples_total{feed=\"prom\"}") > 10000);
    for (int i = 0; i < SENDERS; i++) {
        close(fds[i]);
    }
    free(lines);
    rig_stop(rig);
}

static void hostile_bodies_leave_it_answering(void **state)
{
    static const char *const heads[] = {"", "Content-Encoding: gzip\r\n",
                                        "Content-Encoding: snappy\r\n",
                                        "Content-Type: application/openmetrics-text\r\n"};
    struct rig *rig = *state;
    start(rig);
    srandom(5);
    for (int i = 0; i < 300; i++) {
        char bytes[3000];
        size_t len = 1 + (size_t)random() % (sizeof bytes - 1);
        for (size_t k = 0; k < len; k++) {
            bytes[k] = (char)(i % 3 == 0 ? random() : "{}\"\\\n =,#a1.e-"[random() % 15]);
        }
        struct rig_call call = {.method = "POST",
                                .path = i % 2 == 0 ? TEXT : WRITE,
                                .body = bytes,
                                .body_len = len,
                                .header = heads[i / 2 % 4],
                                .port = rig_port(rig, "push")};
        int status = rig_ask(rig, &call)->status;
        if (status != 204 && status != 400 && status != 413 && status != 415) {
            fail_msg("%d", status);
        }
    }
    assert_int_equal(push(rig, TEXT, "queue_seconds{queue=\"north\"} 312\n")->status, 204);
    rig_until(rig, receiver_find(rig->receiver, "/first", "north answers in") != NULL);
    rig_stop(rig);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(text_that_is_pushed_raises_an_alarm),
        TEST(what_was_ignored_leaves_room_for_what_was_refused),
        TEST(a_remote_write_raises_an_alarm_and_its_marker_ends_the_data),
        TEST(its_own_metrics_are_sound_openmetrics),
        TEST(what_is_wrong_is_told_and_the_rest_taken),
        TEST(only_who_has_a_token_feeds_where_one_is_asked_for),
        TEST(each_path_has_its_feed_and_each_feed_its_limits),
        TEST(a_body_is_taken_as_it_comes_in),
        TEST(a_reload_asks_for_what_is_under_way_again),
        TEST(a_flood_of_bodies_holds_up_no_filing),
        TEST(hostile_bodies_leave_it_answering),
    };
    signal(SIGPIPE, SIG_IGN);
    cmocka_set_test_filter(getenv("FA_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
