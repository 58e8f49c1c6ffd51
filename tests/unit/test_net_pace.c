/* SPDX-License-Identifier: MIT */
/* Streamed bodies: no faster than the turn allows, and each in its turn. */
#include "net_bench.h"

#include <time.h>

#define SENDERS 6
#define BODY    32768

struct app {
    struct net_bench bench;
    struct fa_http_server *server;
    int spin_us; /* that a piece takes */
    int pieces, gone, complete;
    size_t bytes[SENDERS]; /* by sender */
    struct fa_http_request *reqs[SENDERS];
    char header[64];
};

static void spin(int us)
{
    struct timespec from, now;
    clock_gettime(CLOCK_MONOTONIC, &from);
    do {
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while ((now.tv_sec - from.tv_sec) * 1000000 + (now.tv_nsec - from.tv_nsec) / 1000 < us);
}

static void on_head(void *self, struct fa_http_request *req, struct fa_http_route *route)
{
    struct app *app = self;
    const char *path = fa_http_path(req);
    struct fa_str name, value;
    if (strcmp(path, "/plain") == 0) {
        return;
    }
    route->stream = true;
    fa_http_set_data(req, &app->bytes[path[1] - '0']);
    app->reqs[path[1] - '0'] = req;
    assert_true(fa_http_field_at(req, 0, &name, &value));
    snprintf(app->header, sizeof app->header, "%.*s=%.*s", FA_STR_ARG(name), FA_STR_ARG(value));
    assert_false(fa_http_field_at(req, 2, &name, &value));
}

static void on_body(void *self, struct fa_http_request *req, struct fa_str piece)
{
    struct app *app = self;
    spin(app->spin_us);
    app->pieces++;
    *(size_t *)fa_http_data(req) += piece.len;
    assert_true(piece.len <= 4096);
    assert_false(fa_http_is_complete(req));
}

static void on_request(void *self, struct fa_http_request *req)
{
    struct app *app = self;
    assert_true(fa_http_is_complete(req));
    app->complete++;
    fa_http_reply(req, fa_http_data(req) != NULL ? 204 : 200, NULL, FA_STR(""));
}

static void on_gone(void *self, struct fa_http_request *req)
{
    ((struct app *)self)->gone++;
    fa_http_release(req);
}

static const struct fa_http_handler handler = {on_head, on_body, on_request, on_gone};

static int setup(void **state)
{
    struct app *app = calloc(1, sizeof *app);
    struct fa_err err;
    net_bench_open(&app->bench);
    struct fa_http_config cfg = {
        .listener = {.address = app->bench.path, .mode = 0600, .connections = 16},
        .limits = fa_http_limits_default(),
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
    free(app);
    return 0;
}

static int begin(struct app *app, int sender)
{
    static char body[BODY];
    char head[128];
    int fd = net_connect_unix(app->bench.path);
    snprintf(head, sizeof head, "POST /%d HTTP/1.1\r\nX-Who: %d\r\nContent-Length: %d\r\n\r\n",
             sender, sender, BODY);
    net_send(fd, head, strlen(head));
    net_send(fd, body, sizeof body);
    return fd;
}

static size_t least(const struct app *app)
{
    size_t least = app->bytes[0];
    for (int i = 1; i < SENDERS; i++) {
        least = app->bytes[i] < least ? app->bytes[i] : least;
    }
    return least;
}

static void bodies_take_turns_and_hold_up_nobody(void **state)
{
    struct app *app = *state;
    struct net_answer answer = {.len = 0};
    int fds[SENDERS], turns = 0;
    app->spin_us = 600; /* two pieces spend the budget of 1 ms */
    for (int i = 0; i < SENDERS; i++) {
        fds[i] = begin(app, i);
    }
    net_settle(app->bench.loop); /* the connections are there, and their first bytes */
    int plain = net_connect_unix(app->bench.path);
    net_send(plain, "GET /plain HTTP/1.1\r\n\r\n", 23);
    for (; app->complete < SENDERS + 1 && turns < 200; turns++) {
        int before = app->pieces;
        fa_loop_turn(app->bench.loop, false);
        assert_true(app->pieces - before <= 3);
        for (int i = 0; i < SENDERS; i++) {
            assert_true(app->bytes[i] <= least(app) + 3 * 4096);
        }
        net_read(plain, &answer);
        assert_true(turns < 3 || answer.len > 0); /* accept, read, answer */
    }
    assert_int_equal(app->complete, SENDERS + 1);
    assert_true(turns >= SENDERS * BODY / 4096 / 3 - 12);
    for (int i = 0; i < SENDERS; i++) {
        assert_int_equal(app->bytes[i], BODY);
        close(fds[i]);
    }
    close(plain);
}

static void who_ends_his_side_is_read_to_the_end_and_answered(void **state)
{
    struct app *app = *state;
    struct net_answer answer = {.len = 0};
    app->spin_us = 1100; /* each piece spends it */
    int fds[2] = {begin(app, 0), begin(app, 1)};
    shutdown(fds[0], SHUT_WR);
    for (int i = 0; app->complete < 2 && i < 100; i++) {
        fa_loop_turn(app->bench.loop, false);
    }
    net_settle(app->bench.loop);
    net_read(fds[0], &answer);
    assert_memory_equal(answer.text, "HTTP/1.1 204", 12);
    assert_true(answer.closed);
    assert_int_equal(app->bytes[0], BODY);
    assert_int_equal(app->gone, 0);
    assert_string_equal(app->header, "X-Who=1");
    close(fds[0]);
    close(fds[1]);
}

static void who_is_cut_while_he_waits_leaves_the_others_going(void **state)
{
    struct app *app = *state;
    app->spin_us = 1100;
    int fds[3] = {begin(app, 0), begin(app, 1), begin(app, 2)};
    for (int i = 0; app->bytes[1] < 8192 && i < 100; i++) {
        fa_loop_turn(app->bench.loop, false);
    }
    assert_int_equal(app->complete, 0);
    size_t before = app->bytes[1]; /* it was his turn: he is the last in the queue */
    fa_http_release(app->reqs[1]);
    for (int i = 0; app->complete < 2 && i < 100; i++) {
        fa_loop_turn(app->bench.loop, false);
    }
    net_settle(app->bench.loop);
    assert_int_equal(app->complete, 2);
    assert_int_equal(app->bytes[1], before);
    close(fds[1]);
    assert_int_equal(app->bytes[0], BODY);
    assert_int_equal(app->bytes[2], BODY);
    close(fds[0]);
    close(fds[2]);
}

static void a_server_that_closes_while_bodies_wait_tells_each(void **state)
{
    struct app *app = *state;
    app->spin_us = 1100;
    int fds[2] = {begin(app, 0), begin(app, 1)};
    for (int i = 0; i < 4; i++) {
        fa_loop_turn(app->bench.loop, false);
    }
    assert_int_equal(app->complete, 0);
    fa_http_server_close(app->server);
    app->server = NULL;
    assert_int_equal(app->gone, 2);
    net_settle(app->bench.loop);
    close(fds[0]);
    close(fds[1]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(bodies_take_turns_and_hold_up_nobody),
        TEST(who_ends_his_side_is_read_to_the_end_and_answered),
        TEST(who_is_cut_while_he_waits_leaves_the_others_going),
        TEST(a_server_that_closes_while_bodies_wait_tells_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
