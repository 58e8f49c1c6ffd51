/* SPDX-License-Identifier: MIT */
/* Each limit of a listener, reached by a client, with its counter read afterwards. */
#include "net_bench.h"

#include <sys/resource.h>

struct app {
    struct net_bench bench;
    struct fa_http_server *server;
    char *big; /* of BIG bytes */
};

#define BIG (8u * 1024 * 1024)

static void on_head(void *self, struct fa_http_request *req, struct fa_http_route *route)
{
    if (fa_str_is(fa_http_field(req, "authorization"), "Bearer wrong")) {
        route->status = 401;
        assert_int_equal(fa_http_reply_field(req, "WWW-Authenticate", FA_STR("Bearer")), 0);
    }
}

static void on_request(void *self, struct fa_http_request *req)
{
    struct app *app = self;
    bool big = strcmp(fa_http_path(req), "/big") == 0;
    fa_http_reply(req, 200, "text/plain", big ? (struct fa_str){app->big, BIG} : FA_STR("ok"));
}

static const struct fa_http_handler handler = {.on_head = on_head, .on_request = on_request};

static int setup(void **state)
{
    struct app *app = calloc(1, sizeof *app);
    struct fa_err err;
    net_bench_open(&app->bench);
    app->big = calloc(1, BIG);
    struct fa_http_config cfg = {
        .listener = {.address = "127.0.0.1:0", .connections = 6, .connections_per_peer = 4},
        .limits = {.header_bytes = 300,
                   .body_bytes = 50,
                   .header_ms = 2000, /* real time passes, too: more than a busy machine takes */
                   .total_ms = 5000,
                   .idle_ms = 10000},
        .handler = &handler,
        .self = app};
    app->server = fa_http_server_open(app->bench.loop, &cfg, &err);
    assert_non_null(app->server);
    *state = app;
    return 0;
}

static int teardown(void **state)
{
    struct app *app = *state;
    fa_http_server_close(app->server);
    net_bench_close(&app->bench);
    free(app->big);
    free(app);
    return 0;
}

static struct fa_http_counters counters(const struct app *app)
{
    struct fa_http_counters ret;
    fa_http_server_counters(app->server, &ret);
    return ret;
}

static void settle(struct app *app)
{
    net_settle(app->bench.loop);
}

static int dial(struct app *app)
{
    int fd = net_connect_tcp(fa_http_server_port(app->server));
    settle(app);
    return fd;
}

static void pass(struct app *app, fa_time ms)
{
    fa_loop_test_advance(app->bench.loop, ms);
    settle(app);
}

static void a_silent_connection_is_closed_after_the_header_time(void **state)
{
    struct app *app = *state;
    struct net_answer answer = {0};
    int fd = dial(app);
    pass(app, 500);
    net_read(fd, &answer);
    assert_false(answer.closed);
    pass(app, 2000);
    net_read(fd, &answer);
    assert_true(answer.closed);
    assert_int_equal(answer.len, 0);
    assert_int_equal(counters(app).header_timeout, 1);
    assert_int_equal(counters(app).listener.open_now, 0);
    close(fd);
}

static void a_dripped_head_is_cut_by_its_total_time(void **state)
{
    struct app *app = *state;
    struct net_answer answer = {0};
    int fd = dial(app), drops = 0;
    const char *text = "GET / HTTP/1.1\r\nX: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    for (; drops < 60 && answer.len == 0; drops++) {
        net_send(fd, text + drops, 1);
        settle(app);
        pass(app, 100);
        net_read(fd, &answer);
    }
    assert_in_range(drops, 3, 22); /* fewer when real time passes between */
    assert_contains(answer.text, "HTTP/1.1 408 ");
    assert_int_equal(counters(app).header_timeout, 1);
    close(fd);
}

static void a_dripped_body_is_cut_by_the_total_time(void **state)
{
    struct app *app = *state;
    struct net_answer answer = {0};
    int fd = dial(app), drops = 0;
    net_exchange(app->bench.loop, fd, "POST / HTTP/1.1\r\nContent-Length: 50\r\n\r\n", &answer);
    for (; drops < 49 && answer.len == 0; drops++) {
        net_send(fd, "x", 1);
        pass(app, 200);
        net_read(fd, &answer);
    }
    assert_in_range(drops, 5, 28);
    assert_contains(answer.text, "HTTP/1.1 408 ");
    assert_int_equal(counters(app).total_timeout, 1);
    close(fd);
}

static void a_reply_that_is_not_taken_is_cut_by_the_total_time(void **state)
{
    struct app *app = *state;
    int fd = dial(app);
    net_send(fd, "GET /big HTTP/1.1\r\n\r\n", 21);
    settle(app);
    /* Real time passes too, and on a slow machine much of it: bounds then, not instants. */
    pass(app, 500);
    assert_int_equal(counters(app).listener.open_now, 1);
    for (int i = 0; i < 20 && counters(app).total_timeout == 0; i++) {
        pass(app, 500);
    }
    assert_int_equal(counters(app).total_timeout, 1);
    assert_int_equal(counters(app).listener.open_now, 0);
    close(fd);
}

static void an_idle_connection_is_closed(void **state)
{
    struct app *app = *state;
    struct net_answer answer;
    int fd = dial(app);
    net_exchange(app->bench.loop, fd, "GET / HTTP/1.1\r\n\r\n", &answer);
    assert_contains(answer.text, "200 OK");
    pass(app, 5000);
    net_exchange(app->bench.loop, fd, "GET / HTTP/1.1\r\n\r\n", &answer);
    assert_contains(answer.text, "200 OK");
    pass(app, 10000);
    net_read(fd, &answer);
    assert_true(answer.closed);
    assert_int_equal(counters(app).idle_closed, 1);
    assert_int_equal(counters(app).requests, 2);
    close(fd);
}

static void a_client_that_lingers_is_closed_all_the_same(void **state)
{
    struct app *app = *state;
    struct net_answer answer;
    int fd = dial(app);
    net_exchange(app->bench.loop, fd, "GET / HTTP/1.0\r\n\r\n", &answer);
    assert_true(answer.closed);
    assert_int_equal(counters(app).listener.open_now, 1);
    pass(app, 2000);
    assert_int_equal(counters(app).listener.open_now, 0);
    close(fd);
}

static void a_refusal_reaches_a_client_that_is_still_sending(void **state)
{
    struct app *app = *state;
    struct net_answer answer = {0};
    static char junk[100000];
    int fd = dial(app);
    net_exchange(app->bench.loop, fd, "POST / HTTP/1.1\r\nContent-Length: 900000\r\n\r\n", &answer);
    for (int i = 0; i < 5; i++) {
        assert_true(send(fd, junk, sizeof junk, MSG_NOSIGNAL) > 0);
        settle(app);
    }
    net_read(fd, &answer);
    assert_contains(answer.text, "HTTP/1.1 413 ");
    assert_true(answer.closed);
    assert_false(answer.reset);
    assert_int_equal(counters(app).body_too_big, 1);
    close(fd);
}

static void heads_and_bodies_over_their_limit_are_counted(void **state)
{
    struct app *app = *state;
    struct net_answer answer;
    char text[400] = "GET / HTTP/1.1\r\nX: ";
    memset(text + strlen(text), 'a', 350);
    int fd = dial(app);
    net_exchange(app->bench.loop, fd, text, &answer);
    assert_contains(answer.text, "HTTP/1.1 431 ");
    assert_int_equal(counters(app).header_too_big, 1);
    close(fd);
    fd = dial(app);
    net_exchange(app->bench.loop, fd,
                 "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n33\r\n"
                 "0123456789012345678901234567890123456789012345678901",
                 &answer);
    assert_contains(answer.text, "HTTP/1.1 413 ");
    assert_int_equal(counters(app).body_too_big, 1);
    close(fd);
    fd = dial(app);
    net_exchange(app->bench.loop, fd, "what\r\n", &answer);
    assert_contains(answer.text, "HTTP/1.1 400 ");
    assert_int_equal(counters(app).bad, 1);
    close(fd);
    fd = dial(app);
    net_exchange(app->bench.loop, fd, "GET / HTTP/1.1\r\nAuthorization: Bearer wrong\r\n\r\n",
                 &answer);
    assert_contains(answer.text, "WWW-Authenticate: Bearer\r\n");
    assert_int_equal(counters(app).refused, 1);
    close(fd);
}

static void one_peer_cannot_take_all_connections(void **state)
{
    struct app *app = *state;
    struct net_answer answer = {0};
    int fds[5];
    for (int i = 0; i < 5; i++) {
        fds[i] = dial(app);
    }
    net_read(fds[4], &answer);
    assert_contains(answer.text, "HTTP/1.1 503 ");
    assert_true(answer.closed);
    assert_int_equal(counters(app).listener.refused_peer, 1);
    assert_int_equal(counters(app).listener.open_now, 4);
    close(fds[0]);
    settle(app);
    int again = dial(app);
    net_exchange(app->bench.loop, again, "GET / HTTP/1.1\r\n\r\n", &answer);
    assert_contains(answer.text, "200 OK");
    for (int i = 1; i < 5; i++) {
        close(fds[i]);
    }
    close(again);
}

static void a_full_house_of_half_heads_makes_room_for_a_caller(void **state)
{
    struct app *app = *state;
    struct fa_err err;
    struct net_answer answer = {0};
    struct fa_http_config cfg = {
        .listener = {.address = app->bench.path, .mode = 0600, .connections = 3},
        .limits = fa_http_limits_default(),
        .handler = &handler,
        .self = app};
    struct fa_http_server *server = fa_http_server_open(app->bench.loop, &cfg, &err);
    assert_non_null(server);
    int fds[5];
    for (int i = 0; i < 3; i++) {
        fds[i] = net_connect_unix(app->bench.path);
        net_send(fds[i], "GET / HT", 8);
        settle(app);
        pass(app, i == 0 ? 10 : 0); /* the first has been at it longest */
    }
    fds[3] = net_connect_unix(app->bench.path);
    settle(app);
    net_read(fds[3], &answer);
    assert_contains(answer.text, "HTTP/1.1 503 "); /* all have begun just now */
    pass(app, 1000);
    fds[4] = net_connect_unix(app->bench.path);
    net_exchange(app->bench.loop, fds[4], "GET / HTTP/1.1\r\n\r\n", &answer);
    assert_contains(answer.text, "200 OK");
    answer = (struct net_answer){0};
    net_read(fds[0], &answer);
    assert_true(answer.closed);
    struct net_answer other = {0};
    net_read(fds[1], &other);
    assert_false(other.closed);
    struct fa_http_counters now;
    fa_http_server_counters(server, &now);
    assert_int_equal(now.gave_way, 1);
    assert_int_equal(now.listener.refused_limit, 1);
    for (int i = 0; i < 5; i++) {
        close(fds[i]);
    }
    fa_http_server_close(server);
}

static void connections_over_the_limit_are_answered_busy(void **state)
{
    struct app *app = *state;
    struct fa_err err;
    struct net_answer answer = {0};
    struct fa_http_config cfg = {
        .listener = {.address = app->bench.path, .mode = 0600, .connections = 2},
        .limits = fa_http_limits_default(),
        .handler = &handler};
    struct fa_http_server *server = fa_http_server_open(app->bench.loop, &cfg, &err);
    assert_non_null(server);
    int fds[3];
    for (int i = 0; i < 3; i++) {
        fds[i] = net_connect_unix(app->bench.path);
        settle(app);
    }
    net_read(fds[2], &answer);
    assert_contains(answer.text, "HTTP/1.1 503 ");
    assert_contains(answer.text, "Retry-After: ");
    struct fa_http_counters now;
    fa_http_server_counters(server, &now);
    assert_int_equal(now.listener.refused_limit, 1);
    assert_int_equal(now.listener.accepted, 2);
    for (int i = 0; i < 3; i++) {
        close(fds[i]);
    }
    fa_http_server_close(server);
}

/* Leaves the process without a free descriptor; returns how many were taken. */
static int exhaust(int fds[256])
{
    int count = 0;
    while (count < 256 && (fds[count] = dup(0)) >= 0) {
        count++;
    }
    assert_in_range(count, 0, 255);
    return count;
}

static void count_turn(void *self)
{
    (*(int *)self)++;
}

static void running_out_of_descriptors_never_spins_and_is_recovered_from(void **state)
{
    struct app *app = *state;
    struct net_answer answer = {0};
    struct rlimit old, low;
    int fds[256], turns = 0;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    low = old;
    low.rlim_cur = 128;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    int first = net_connect_tcp(fa_http_server_port(app->server));
    int second = net_connect_tcp(fa_http_server_port(app->server));
    int count = exhaust(fds);
    settle(app);
    assert_int_equal(counters(app).listener.fd_pauses, 1);
    net_read(first, &answer);
    assert_true(answer.closed || answer.reset); /* turned away at once, not left waiting */

    /* A caller waits in the queue; the loop sleeps until the pause is over, and again. */
    close(second);
    second = net_connect_tcp(fa_http_server_port(app->server));
    fa_loop_on_turn(app->bench.loop, count_turn, &turns);
    while (counters(app).listener.fd_pauses < 2) {
        fa_loop_turn(app->bench.loop, true);
        assert_in_range(turns, 0, 5);
    }
    for (int i = 0; i < count; i++) {
        close(fds[i]);
    }
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    pass(app, 250);
    int third = dial(app);
    net_exchange(app->bench.loop, third, "GET / HTTP/1.1\r\n\r\n", &answer);
    assert_contains(answer.text, "200 OK");
    close(first);
    close(second);
    close(third);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_silent_connection_is_closed_after_the_header_time),
        TEST(a_dripped_head_is_cut_by_its_total_time),
        TEST(a_dripped_body_is_cut_by_the_total_time),
        TEST(a_reply_that_is_not_taken_is_cut_by_the_total_time),
        TEST(an_idle_connection_is_closed),
        TEST(a_client_that_lingers_is_closed_all_the_same),
        TEST(a_refusal_reaches_a_client_that_is_still_sending),
        TEST(heads_and_bodies_over_their_limit_are_counted),
        TEST(one_peer_cannot_take_all_connections),
        TEST(a_full_house_of_half_heads_makes_room_for_a_caller),
        TEST(connections_over_the_limit_are_answered_busy),
        TEST(running_out_of_descriptors_never_spins_and_is_recovered_from),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
