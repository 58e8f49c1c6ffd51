/* SPDX-License-Identifier: MIT */
#include "net_bench.h"
#include "base/id.h"

struct app {
    struct net_bench bench;
    struct fa_http_server *server;
    struct fa_http_request *parked[4];
    size_t parked_count;
    int gone, streamed_pieces;
    size_t streamed_bytes;
};

static void on_head(void *self, struct fa_http_request *req, struct fa_http_route *route)
{
    const char *path = fa_http_path(req);
    struct fa_str method = fa_http_method(req);
    bool is_known = strcmp(path, "/echo") == 0 || strcmp(path, "/park") == 0 ||
                    strcmp(path, "/small") == 0 || strcmp(path, "/stream") == 0 ||
                    strcmp(path, "/early") == 0 || strcmp(path, "/nothing") == 0;
    if (!is_known) {
        route->status = 404;
        route->detail = "No \"such\" route.";
    } else if (!fa_str_is(method, "GET") && !fa_str_is(method, "HEAD") &&
               !fa_str_is(method, "POST")) {
        route->status = 405;
        route->allow = "GET, HEAD, POST";
    } else if (strcmp(path, "/small") == 0) {
        route->body_bytes = 4;
    }
    route->stream = strcmp(path, "/stream") == 0 || strcmp(path, "/early") == 0;
}

static void on_body(void *self, struct fa_http_request *req, struct fa_str piece)
{
    struct app *app = self;
    app->streamed_pieces++;
    app->streamed_bytes += piece.len;
    if (strcmp(fa_http_path(req), "/early") == 0) {
        fa_http_reply(req, 422, NULL, FA_STR("enough"));
    }
}

static void on_request(void *self, struct fa_http_request *req)
{
    struct app *app = self;
    if (strcmp(fa_http_path(req), "/park") == 0) {
        if (app->parked_count == 4) { /* only the crowd asks for so many */
            fa_http_reply_problem(req, 503, "full");
            return;
        }
        app->parked[app->parked_count++] = req;
        return;
    }
    if (strcmp(fa_http_path(req), "/nothing") == 0) {
        fa_http_reply(req, 204, NULL, FA_STR(""));
        return;
    }
    struct fa_str query = fa_http_query(req), body = fa_http_body(req);
    char text[512];
    snprintf(text, sizeof text, "%s|%.*s|%.*s", fa_http_path(req), FA_STR_ARG(query),
             FA_STR_ARG(body));
    fa_http_reply(req, 200, "text/plain", fa_str_of(text));
}

static void on_gone(void *self, struct fa_http_request *req)
{
    struct app *app = self;
    app->gone++;
    bool parked = false;
    for (size_t i = 0; i < app->parked_count; i++) {
        parked = parked || app->parked[i] == req;
    }
    if (!parked) {
        fa_http_release(req);
    }
}

static const struct fa_http_handler handler = {on_head, on_body, on_request, on_gone};

static int setup(void **state)
{
    struct app *app = calloc(1, sizeof *app);
    struct fa_err err;
    net_bench_open(&app->bench);
    struct fa_http_config cfg = {
        .listener = {.address = app->bench.path, .mode = 0600, .connections = 8},
        .limits = fa_http_limits_default(),
        .handler = &handler,
        .self = app};
    cfg.limits.header_bytes = 600;
    cfg.limits.body_bytes = 100;
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

#define A50         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define A100        A50 A50
#define A600        A100 A100 A100 A100 A100 A100
#define H10         "a:\na:\na:\na:\na:\na:\na:\na:\na:\na:\n"
#define H100        H10 H10 H10 H10 H10 H10 H10 H10 H10 H10
#define BYTES(text) text, sizeof(text) - 1
#define GET         "GET /echo HTTP/1.1\r\nHost: a\r\n"
#define POST        "POST /echo HTTP/1.1\r\nHost: a\r\n"
#define CHUNK       POST "Transfer-Encoding: chunked\r\n\r\n"

static const struct row {
    const char *name, *request;
    size_t len;
    const char *statuses; /* "" none */
    bool closed;
    const char *contains; /* NULL: whatever */
} rows[] = {
    {"plain", BYTES(GET "\r\n"), "200", false, "/echo||"},
    {"no Host", BYTES("GET /echo HTTP/1.1\r\n\r\n"), "200", false, NULL},
    {"odd Host", BYTES("GET /echo HTTP/1.1\r\nHost: tcp:127.0.0.1:21400\r\n\r\n"), "200", false,
     NULL},
    {"two Hosts", BYTES(GET "Host: b\r\n\r\n"), "200", false, NULL},
    {"HTTP/1.0 closes", BYTES("GET /echo HTTP/1.0\r\n\r\n"), "200", true, "Connection: close"},
    {"HTTP/1.0 keep-alive", BYTES("GET /echo HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"), "200",
     false, "Connection: keep-alive"},
    {"Connection: close", BYTES(GET "Connection: close\r\n\r\n"), "200", true, NULL},
    {"unknown method", BYTES("FROB /echo HTTP/1.1\r\n\r\n"), "501", true, NULL},
    {"method in small letters", BYTES("get /echo HTTP/1.1\r\n\r\n"), "501", true, NULL},
    {"CONNECT", BYTES("CONNECT a:1 HTTP/1.1\r\n\r\n"), "501", true, NULL},
    {"known method, not routed", BYTES("DELETE /echo HTTP/1.1\r\n\r\n"), "405", false,
     "Allow: GET, HEAD, POST\r\n"},
    {"PATCH", BYTES("PATCH /echo HTTP/1.1\r\n\r\n"), "405", false, NULL},
    {"OPTIONS", BYTES("OPTIONS /echo HTTP/1.1\r\n\r\n"), "405", false, NULL},
    {"OPTIONS *", BYTES("OPTIONS * HTTP/1.1\r\n\r\n"), "404", false, NULL},
    {"GET *", BYTES("GET * HTTP/1.1\r\n\r\n"), "400", true, NULL},
    {"no such route", BYTES("GET /none HTTP/1.1\r\n\r\n" GET "\r\n"), "404 200", false,
     "\"detail\":\"No \\\"such\\\" route.\""},
    {"refused with a body closes",
     BYTES("POST /none HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc" GET "\r\n"), "404", true, NULL},
    {"HEAD", BYTES("HEAD /echo HTTP/1.1\r\n\r\n" GET "\r\n"), "200 200", false, NULL},
    {"204 has no body", BYTES("GET /nothing HTTP/1.1\r\n\r\n" GET "\r\n"), "204 200", false, NULL},
    {"body", BYTES(POST "Content-Length: 3\r\n\r\nabc"), "200", false, "/echo||abc"},
    {"GET with body stays in step", BYTES(GET "Content-Length: 3\r\n\r\nabc" GET "\r\n"), "200 200",
     false, "/echo||abc"},
    {"two equal Content-Length", BYTES(POST "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc"),
     "400", true, NULL},
    {"two different", BYTES(POST "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc"), "400", true,
     NULL},
    {"length list", BYTES(POST "Content-Length: 3, 3\r\n\r\nabc"), "400", true, NULL},
    {"length +3", BYTES(POST "Content-Length: +3\r\n\r\nabc"), "400", true, NULL},
    {"length -3", BYTES(POST "Content-Length: -3\r\n\r\nabc"), "400", true, NULL},
    {"length 0x3", BYTES(POST "Content-Length: 0x3\r\n\r\nabc"), "400", true, NULL},
    {"length 3 3", BYTES(POST "Content-Length: 3 3\r\n\r\nabc"), "400", true, NULL},
    {"length empty", BYTES(POST "Content-Length:\r\n\r\nabc"), "400", true, NULL},
    {"length of 20 digits", BYTES(POST "Content-Length: 10000000000000000000\r\n\r\n"), "400", true,
     NULL},
    {"length past 64 bits", BYTES(POST "Content-Length: 99999999999999999999999\r\n\r\n"), "400",
     true, NULL},
    {"length and chunked",
     BYTES(POST "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
     "400", true, NULL},
    {"chunked and length",
     BYTES(POST "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
     "400", true, NULL},
    {"gzip, chunked", BYTES(POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"), "501", true,
     NULL},
    {"gzip", BYTES(POST "Transfer-Encoding: gzip\r\n\r\n"), "501", true, NULL},
    {"identity", BYTES(POST "Transfer-Encoding: identity\r\n\r\n"), "501", true, NULL},
    {"xchunked", BYTES(POST "Transfer-Encoding: xchunked\r\n\r\n"), "501", true, NULL},
    {"chunked twice",
     BYTES(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), "501",
     true, NULL},
    {"Chunked in any case", BYTES(POST "transfer-encoding: CHUNKED\r\n\r\n0\r\n\r\n"), "200", false,
     NULL},
    {"chunked in HTTP/1.0",
     BYTES("POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), "400", true,
     NULL},
    {"chunks", BYTES(CHUNK "3\r\nabc\r\n00A\r\n0123456789\r\n0\r\n\r\n" GET "\r\n"), "200 200",
     false, "/echo||abc0123456789"},
    {"chunk size 0x3", BYTES(CHUNK "0x3\r\nabc\r\n0\r\n\r\n"), "400", true, NULL},
    {"chunk size +3", BYTES(CHUNK "+3\r\nabc\r\n0\r\n\r\n"), "400", true, NULL},
    {"chunk size -3", BYTES(CHUNK "-3\r\nabc\r\n0\r\n\r\n"), "400", true, NULL},
    {"chunk size missing", BYTES(CHUNK "\r\nabc\r\n0\r\n\r\n"), "400", true, NULL},
    {"chunk size g", BYTES(CHUNK "g\r\nabc\r\n0\r\n\r\n"), "400", true, NULL},
    {"chunk size of 17 digits", BYTES(CHUNK "10000000000000003\r\nabc\r\n0\r\n\r\n"), "400", true,
     NULL},
    {"chunk size past the limit", BYTES(CHUNK "ffffffffffffff\r\n" A100 "a"), "413", true, NULL},
    {"chunk longer than said", BYTES(CHUNK "3\r\nabcd\r\n0\r\n\r\n"), "400", true, NULL},
    {"chunk line end of other bytes", BYTES(CHUNK "3\r\nabcXY0\r\n\r\n"), "400", true, NULL},
    {"chunk size line CR X", BYTES(CHUNK "3\rXabc\r\n0\r\n\r\n"), "400", true, NULL},
    {"bare LF in chunks", BYTES(CHUNK "3\nabc\n0\n\n"), "400", true, NULL},
    {"chunk extension", BYTES(CHUNK "3;ext=1\r\nabc\r\n0;a=\"b\"\r\n\r\n" GET "\r\n"), "200 200",
     false, "/echo||abc"},
    {"blank before extension", BYTES(CHUNK "3 ;ext=1\r\nabc\r\n0\r\n\r\n"), "200", false,
     "/echo||abc"},
    {"two chunk sizes", BYTES(CHUNK "3 3\r\nabc\r\n0\r\n\r\n"), "400", true, NULL},
    {"LF in an extension", BYTES(CHUNK "3;a\nb\r\nabc\r\n0\r\n\r\n"), "400", true, NULL},
    {"trailers", BYTES(CHUNK "3\r\nabc\r\n0\r\nX: y\r\nContent-Length: 9\r\n\r\n" GET "\r\n"),
     "200 200", false, "/echo||abc"},
    {"extensions past the limit", BYTES(CHUNK "3;" A600 "\r\nabc\r\n0\r\n\r\n"), "431", true, NULL},
    {"trailers past the limit", BYTES(CHUNK "0\r\nX: " A600 "\r\n\r\n"), "431", true, NULL},
    {"blank before colon", BYTES(GET "X : y\r\n\r\n"), "400", true, NULL},
    {"blank in name", BYTES(GET "X Y: y\r\n\r\n"), "400", true, NULL},
    {"tab in name", BYTES(GET "X\t: y\r\n\r\n"), "400", true, NULL},
    {"empty name", BYTES(GET ": y\r\n\r\n"), "400", true, NULL},
    {"no colon", BYTES(GET "XY\r\n\r\n"), "400", true, NULL},
    {"name not ASCII", BYTES(GET "\xc3\xbc: y\r\n\r\n"), "400", true, NULL},
    {"empty value", BYTES(GET "X:\r\n\r\n"), "200", false, NULL},
    {"NUL in value", BYTES(GET "X: a\0b\r\n\r\n"), "400", true, NULL},
    {"bare CR in value", BYTES(GET "X: a\rb\r\n\r\n"), "400", true, NULL},
    {"folded line", BYTES(GET "X: a\r\n b\r\n\tc\r\n\r\n"), "200", false, NULL},
    {"folded length", BYTES(POST "Content-Length:\r\n 3\r\n\r\nabc" GET "\r\n"), "200 200", false,
     "/echo||abc"},
    {"folded length of two", BYTES(POST "Content-Length: 3\r\n 3\r\n\r\nabc"), "400", true, NULL},
    {"first line folded", BYTES("GET /echo HTTP/1.1\r\n X: y\r\n\r\n"), "400", true, NULL},
    {"bare LF", BYTES("POST /echo HTTP/1.1\nContent-Length: 3\n\nabc" GET "\r\n"), "200 200", false,
     "/echo||abc"},
    {"bare LF, folded", BYTES("GET /echo HTTP/1.1\nX: a\n b\n\n"), "200", false, NULL},
    {"empty lines before", BYTES("\r\n\r\n\n" GET "\r\n"), "200", false, NULL},
    {"NUL in path", BYTES("GET /ec%00ho HTTP/1.1\r\n\r\n"), "400", true, NULL},
    {"raw NUL in path", BYTES("GET /ec\0ho HTTP/1.1\r\n\r\n"), "400", true, NULL},
    {"blank in path", BYTES("GET /ec%20ho HTTP/1.1\r\n\r\n"), "400", true, NULL},
    {"raw blank in path", BYTES("GET /ec ho HTTP/1.1\r\n\r\n"), "400", true, NULL},
    {"control in path", BYTES("GET /ec%0aho HTTP/1.1\r\n\r\n"), "400", true, NULL},
    {"DEL in path", BYTES("GET /ec%7fho HTTP/1.1\r\n\r\n"), "400", true, NULL},
    {"broken escape", BYTES("GET /ec%zzho HTTP/1.1\r\n\r\n"), "400", true, NULL},
    {"not UTF-8", BYTES("GET /ec%ffho HTTP/1.1\r\n\r\n"), "400", true, NULL},
    {"decoded path", BYTES("GET /%65cho?a=%31&b HTTP/1.1\r\n\r\n"), "200", false, "/echo|a=%31&b|"},
    {"fragment", BYTES("GET /echo?a#b HTTP/1.1\r\n\r\n"), "200", false, "/echo|a|"},
    {"absolute form", BYTES("GET http://x.example:80/echo?q HTTP/1.1\r\n\r\n"), "200", false,
     "/echo|q|"},
    {"absolute form, no path", BYTES("GET http://x.example HTTP/1.1\r\n\r\n"), "404", false, NULL},
    {"two slashes are a path", BYTES("GET //echo HTTP/1.1\r\n\r\n"), "404", false, NULL},
    {"target without slash", BYTES("GET echo HTTP/1.1\r\n\r\n"), "400", true, NULL},
    {"HTTP/2 preface", BYTES("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), "400", true, "HTTP/2"},
    {"HTTP/2.0", BYTES("GET /echo HTTP/2.0\r\n\r\n"), "505", true, NULL},
    {"HTTP/1.2", BYTES("GET /echo HTTP/1.2\r\n\r\n"), "505", true, NULL},
    {"HTTP/0.9", BYTES("GET /echo HTTP/0.9\r\n\r\n"), "505", true, NULL},
    {"HTTP/0.9 in its own words", BYTES("GET /echo\r\n\r\n"), "400", true, NULL},
    {"http/1.1", BYTES("GET /echo http/1.1\r\n\r\n"), "400", true, NULL},
    {"HTTP/1.10", BYTES("GET /echo HTTP/1.10\r\n\r\n"), "400", true, NULL},
    {"two blanks", BYTES("GET  /echo HTTP/1.1\r\n\r\n"), "400", true, NULL},
    {"a TLS hello", BYTES("\x16\x03\x01\x02\x00\x01"), "400", true, NULL},
    {"garbage", BYTES("\xff\xfe\xfd\n\n\n"), "400", true, NULL},
    {"Upgrade ignored",
     BYTES(POST "Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 3\r\n\r\nabc" GET
                "\r\n"),
     "200 200", false, "/echo||abc"},
    {"Upgrade to h2c ignored",
     BYTES(GET "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n" GET "\r\n"), "200 200",
     false, NULL},
    {"Expect: 100-continue", BYTES(POST "Expect: 100-Continue\r\nContent-Length: 3\r\n\r\n"), "100",
     false, NULL},
    {"Expect and body", BYTES(POST "Expect: 100-continue\r\nContent-Length: 3\r\n\r\nabc"),
     "100 200", false, NULL},
    {"Expect without body", BYTES(GET "Expect: 100-continue\r\n\r\n"), "200", false, NULL},
    {"Expect, too large: 413 and no 100",
     BYTES(POST "Expect: 100-continue\r\nContent-Length: 101\r\n\r\n"), "413", true, NULL},
    {"Expect, refused: no 100",
     BYTES("POST /none HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"), "404", true,
     NULL},
    {"another Expect", BYTES(POST "Expect: 200-ok\r\nContent-Length: 3\r\n\r\n"), "417", true,
     NULL},
    {"Expect of HTTP/1.0 ignored",
     BYTES("POST /echo HTTP/1.0\r\nExpect: x\r\nContent-Length: 3\r\n\r\nabc"), "200", true, NULL},
    {"head at the limit passes", BYTES(GET "X: " A100 A100 A100 A100 A100 "\r\n\r\n"), "200", false,
     NULL},
    {"head over the limit", BYTES(GET "X: " A600 "\r\n\r\n"), "431", true, NULL},
    {"request line over the limit", BYTES("GET /" A600 " HTTP/1.1\r\n\r\n"), "431", true, NULL},
    {"endless line", BYTES("GET /" A600 A600), "431", true, NULL},
    {"100 fields", BYTES("GET /echo HTTP/1.1\n" H100 "\n"), "200", false, NULL},
    {"101 fields", BYTES("GET /echo HTTP/1.1\n" H100 "a:\n\n"), "431", true, NULL},
    {"body at the limit", BYTES(POST "Content-Length: 100\r\n\r\n" A100), "200", false, NULL},
    {"body over the limit, said", BYTES(POST "Content-Length: 101\r\n\r\n" A100 "a"), "413", true,
     NULL},
    {"body over the limit, chunked", BYTES(CHUNK "32\r\n" A50 "\r\n33\r\n" A50 "a\r\n0\r\n\r\n"),
     "413", true, NULL},
    {"body over the route's limit", BYTES("POST /small HTTP/1.1\r\nContent-Length: 5\r\n\r\nabcde"),
     "413", true, NULL},
    {"body over the route's limit, chunked",
     BYTES("POST /small HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n"),
     "413", true, NULL},
    {"streamed", BYTES("POST /stream HTTP/1.1\r\nContent-Length: 5\r\n\r\nabcde" GET "\r\n"),
     "200 200", false, "/stream||"},
    {"streamed over the limit", BYTES("POST /stream HTTP/1.1\r\nContent-Length: 101\r\n\r\n"),
     "413", true, NULL},
    {"an early reply closes", BYTES("POST /early HTTP/1.1\r\nContent-Length: 50\r\n\r\nabcde"),
     "422", true, "Connection: close"},
    {"pipelined", BYTES(GET "\r\n" POST "Content-Length: 1\r\n\r\nx" GET "\r\n" CHUNK "0\r\n\r\n"),
     "200 200 200 200", false, NULL},
    {"nothing after an error", BYTES("GET /echo HTTP/3.0\r\n\r\n" GET "\r\n"), "505", true, NULL},
};

static void check_row(struct app *app, const struct row *row, size_t step)
{
    int fd = net_connect_unix(app->bench.path);
    struct net_answer answer;
    char statuses[256];
    memset(&answer, 0, sizeof answer);
    for (size_t at = 0; at < row->len; at += step) {
        size_t len = row->len - at < step ? row->len - at : step;
        if (send(fd, row->request + at, len, MSG_NOSIGNAL) != (ssize_t)len) {
            break; /* the server lingered long enough and is gone */
        }
        fa_loop_turn(app->bench.loop, false);
    }
    net_settle(app->bench.loop);
    net_read(fd, &answer);
    close(fd);
    net_settle(app->bench.loop);
    net_statuses(answer.text, statuses);
    if (strcmp(statuses, row->statuses) != 0 || answer.closed != row->closed || answer.reset ||
        (row->contains != NULL && strstr(answer.text, row->contains) == NULL)) {
        fail_msg("%s, %zu bytes a time: %s, %s%s, expected %s\n%s", row->name, step, statuses,
                 answer.closed ? "closed" : "open", answer.reset ? ", reset" : "", row->statuses,
                 answer.text);
    }
}

static void each_request_gets_its_answer_all_at_once(void **state)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row(*state, &rows[i], 1000000);
    }
}

static void each_request_gets_its_answer_one_byte_at_a_time(void **state)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row(*state, &rows[i], 1);
    }
}

static void each_request_gets_its_answer_in_odd_pieces(void **state)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row(*state, &rows[i], 7);
        check_row(*state, &rows[i], 61);
    }
}

/* Acts as one of several clients and as the caller, at random; the sanitizers and the server's own
 * counts are the judges. */
struct crowd {
    struct fa_rng rng;
    int fds[6];
    struct net_answer sink;
};

static uint64_t pick(struct crowd *crowd, uint64_t below)
{
    return fa_rng_next(&crowd->rng) % below;
}

static void send_something(struct crowd *crowd, struct app *app, int *fd)
{
    const struct row *row = &rows[pick(crowd, sizeof rows / sizeof rows[0])];
    const char *park = "POST /park HTTP/1.1\r\nContent-Length: 1\r\n\r\nx";
    if (*fd < 0) {
        *fd = net_connect_unix(app->bench.path);
    }
    if (*fd >= 0 && pick(crowd, 4) == 0) {
        (void)!send(*fd, park, strlen(park), MSG_NOSIGNAL);
    } else if (*fd >= 0) {
        (void)!send(*fd, row->request, pick(crowd, row->len) + 1, MSG_NOSIGNAL);
    }
}

static void answer_parked(struct crowd *crowd, struct app *app)
{
    struct fa_http_request *req = app->parked[--app->parked_count];
    if (pick(crowd, 3) == 0) {
        fa_http_release(req);
    } else {
        fa_http_reply_problem(req, 503, "later");
    }
}

static void step_crowd(struct crowd *crowd, struct app *app)
{
    int *fd = &crowd->fds[pick(crowd, 6)];
    uint64_t what = pick(crowd, 20);
    if (app->parked_count > 0 && (what < 3 || app->parked_count == 4)) {
        answer_parked(crowd, app);
    }
    if (what < 12) {
        send_something(crowd, app, fd);
    } else if (what < 14 && *fd >= 0) {
        close(*fd);
        *fd = -1;
    } else if (what == 14 && *fd >= 0) {
        shutdown(*fd, SHUT_WR);
    } else if (what == 15) {
        fa_loop_test_advance(app->bench.loop, (fa_time)pick(crowd, 90000));
    } else if (*fd >= 0) {
        crowd->sink.len = 0;
        net_read(*fd, &crowd->sink);
    }
    fa_loop_turn(app->bench.loop, false);
}

static void a_random_crowd_does_not_break_the_server(void **state)
{
    struct app *app = *state;
    struct fa_http_counters counters;
    struct crowd *crowd = calloc(1, sizeof *crowd);
    crowd->rng = (struct fa_rng){{11, 12}};
    for (int i = 0; i < 6; i++) {
        crowd->fds[i] = -1;
    }
    for (int i = 0; i < 20000; i++) {
        step_crowd(crowd, app);
    }
    while (app->parked_count > 0) {
        answer_parked(crowd, app);
    }
    for (int i = 0; i < 6; i++) {
        close(crowd->fds[i]);
    }
    net_settle(app->bench.loop);
    fa_loop_test_advance(app->bench.loop, FA_HOUR);
    net_settle(app->bench.loop);
    while (app->parked_count > 0) {
        answer_parked(crowd, app);
    }
    net_settle(app->bench.loop);
    fa_http_server_counters(app->server, &counters);
    assert_int_equal(counters.listener.open_now, 0);
    assert_true(counters.requests > 300 && counters.gone > 10 && counters.bad > 10);
    assert_true(counters.header_timeout > 10 && counters.total_timeout > 0);
    assert_true(counters.idle_closed > 0 && counters.body_too_big > 0);
    free(crowd);
}

static void errors_are_problems_with_date_and_length(void **state)
{
    struct app *app = *state;
    struct net_answer answer;
    int fd = net_connect_unix(app->bench.path);
    net_exchange(app->bench.loop, fd, "FROB / HTTP/1.1\r\n\r\n", &answer);
    assert_contains(answer.text, "HTTP/1.1 501 Not Implemented\r\nDate: ");
    assert_contains(answer.text, " GMT\r\n");
    assert_contains(answer.text, "Content-Type: application/problem+json\r\n");
    assert_contains(answer.text, "Connection: close\r\n\r\n{\"type\":\"about:blank\",\"title\":"
                                 "\"Not Implemented\",\"status\":501,\"detail\":\"");
    close(fd);
}

static void head_and_204_send_no_body(void **state)
{
    struct app *app = *state;
    struct net_answer answer;
    int fd = net_connect_unix(app->bench.path);
    net_exchange(app->bench.loop, fd, "HEAD /echo HTTP/1.1\r\n\r\n", &answer);
    assert_contains(answer.text, "Content-Length: 7\r\n\r\n");
    assert_string_equal(strstr(answer.text, "\r\n\r\n"), "\r\n\r\n");
    net_exchange(app->bench.loop, fd, "GET /nothing HTTP/1.1\r\n\r\n", &answer);
    assert_null(strstr(answer.text, "Content-Length"));
    assert_string_equal(strstr(answer.text, "\r\n\r\n"), "\r\n\r\n");
    close(fd);
}

static void a_parked_request_blocks_those_behind_it_and_no_others(void **state)
{
    struct app *app = *state;
    struct net_answer answer;
    int fd = net_connect_unix(app->bench.path), other = net_connect_unix(app->bench.path);
    net_exchange(app->bench.loop, fd, "GET /park?1 HTTP/1.1\r\n\r\n" GET "\r\n", &answer);
    assert_int_equal(answer.len, 0);
    fa_loop_test_advance(app->bench.loop, FA_DAY); /* no limit runs while the caller thinks */
    net_exchange(app->bench.loop, other, GET "\r\n", &answer);
    assert_contains(answer.text, "200 OK");
    assert_int_equal(app->parked_count, 1);
    assert_int_equal(fa_http_reply_field(app->parked[0], "X-Receipt", FA_STR("7")), 0);
    fa_http_reply(app->parked[0], 201, "text/plain", FA_STR("done"));
    net_settle(app->bench.loop);
    memset(&answer, 0, sizeof answer);
    net_read(fd, &answer);
    char statuses[256];
    assert_string_equal(net_statuses(answer.text, statuses), "201 200");
    assert_contains(answer.text, "X-Receipt: 7\r\n");
    close(fd);
    close(other);
}

static void an_answer_leaves_when_it_is_given(void **state)
{
    struct app *app = *state;
    struct net_answer answer;
    char statuses[256];
    int fd = net_connect_unix(app->bench.path);
    net_exchange(app->bench.loop, fd, "GET /park HTTP/1.1\r\n\r\n", &answer);
    fa_http_reply(app->parked[0], 201, NULL, FA_STR("done")); /* and no turn of the loop */
    net_read(fd, &answer);
    assert_string_equal(net_statuses(answer.text, statuses), "201");
    assert_int_equal(app->gone, 0);
    net_exchange(app->bench.loop, fd, GET "\r\n", &answer);
    assert_contains(answer.text, "200 OK");
    close(fd);
}

/* More than the socket takes at once: the rest follows as the client reads, nothing twice. */
static void an_answer_too_long_to_leave_at_once_arrives_whole(void **state)
{
    struct app *app = *state;
    struct net_answer answer;
    const size_t len = (size_t)4 << 20;
    size_t got = 0, at = 0;
    char *body = malloc(len), *text = malloc(len + 4096);
    for (size_t i = 0; i < len; i++) {
        body[i] = (char)('a' + i / 977 % 26);
    }
    int fd = net_connect_unix(app->bench.path);
    net_exchange(app->bench.loop, fd, "GET /park HTTP/1.1\r\n\r\n", &answer);
    fa_http_reply(app->parked[0], 200, NULL, (struct fa_str){body, len});
    for (ssize_t n; (n = recv(fd, text + got, len + 4096 - got, MSG_DONTWAIT)) > 0;) {
        got += (size_t)n;
    }
    assert_true(got > 0 && got < len);
    for (int i = 0; i < 10000 && got < len; i++) {
        fa_loop_turn(app->bench.loop, false);
        for (ssize_t n; (n = recv(fd, text + got, len + 4096 - got, MSG_DONTWAIT)) > 0;) {
            got += (size_t)n;
        }
    }
    at = got - len;
    assert_true(got > len && memcmp(text + at, body, len) == 0);
    assert_memory_equal(text + at - 4, "\r\n\r\n", 4);
    net_exchange(app->bench.loop, fd, GET "\r\n", &answer);
    assert_contains(answer.text, "200 OK");
    free(body);
    free(text);
    close(fd);
}

/* One who sends many in one piece has one of them served a turn. */
static void an_answer_with_a_request_behind_it_waits_for_the_next_turn(void **state)
{
    struct app *app = *state;
    struct net_answer answer;
    int fd = net_connect_unix(app->bench.path);
    net_exchange(app->bench.loop, fd, "GET /park HTTP/1.1\r\n\r\nGET /park HTTP/1.1\r\n\r\n",
                 &answer);
    assert_int_equal(app->parked_count, 1);
    fa_http_reply(app->parked[0], 200, NULL, FA_STR(""));
    assert_int_equal(app->parked_count, 1);
    net_settle(app->bench.loop);
    assert_int_equal(app->parked_count, 2);
    fa_http_reply(app->parked[1], 200, NULL, FA_STR(""));
    close(fd);
}

static void a_client_that_left_is_told_and_its_request_stays_good(void **state)
{
    struct app *app = *state;
    int fd = net_connect_unix(app->bench.path);
    const char *text = "POST /park HTTP/1.1\r\nX: y\r\nContent-Length: 3\r\n\r\nabc";
    net_send(fd, text, strlen(text));
    net_settle(app->bench.loop);
    assert_int_equal(app->parked_count, 1);
    assert_false(fa_http_is_gone(app->parked[0]));
    close(fd);
    net_settle(app->bench.loop);
    assert_int_equal(app->gone, 1);
    assert_true(fa_http_is_gone(app->parked[0]));
    assert_true(fa_str_is(fa_http_body(app->parked[0]), "abc"));
    assert_true(fa_str_is(fa_http_field(app->parked[0], "x"), "y"));
    assert_string_equal(fa_http_path(app->parked[0]), "/park");
    fa_http_reply(app->parked[0], 200, NULL, FA_STR("nobody"));
    struct fa_http_counters counters;
    fa_http_server_counters(app->server, &counters);
    assert_int_equal(counters.gone, 1);
    assert_int_equal(counters.listener.open_now, 0);
}

static void a_client_that_only_ended_its_side_gets_its_reply(void **state)
{
    struct app *app = *state;
    struct net_answer answer;
    int fd = net_connect_unix(app->bench.path);
    net_exchange(app->bench.loop, fd, "GET /park HTTP/1.1\r\n\r\n" GET "\r\n", &answer);
    shutdown(fd, SHUT_WR);
    net_settle(app->bench.loop);
    assert_int_equal(app->gone, 0);
    fa_http_reply(app->parked[0], 200, NULL, FA_STR("still there"));
    net_settle(app->bench.loop);
    net_read(fd, &answer);
    char statuses[256];
    assert_string_equal(net_statuses(answer.text, statuses), "200 200");
    assert_true(answer.closed);
    close(fd);
}

static void leaving_in_the_middle_of_a_body_is_told(void **state)
{
    struct app *app = *state;
    struct net_answer answer;
    int fd = net_connect_unix(app->bench.path);
    net_exchange(app->bench.loop, fd, "POST /stream HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc",
                 &answer);
    assert_int_equal(app->streamed_bytes, 3);
    close(fd);
    net_settle(app->bench.loop);
    assert_int_equal(app->gone, 1);
}

static void a_release_cuts_the_connection(void **state)
{
    struct app *app = *state;
    struct net_answer answer;
    int fd = net_connect_unix(app->bench.path);
    net_exchange(app->bench.loop, fd, "GET /park HTTP/1.1\r\n\r\n", &answer);
    fa_http_release(app->parked[0]);
    net_settle(app->bench.loop);
    net_read(fd, &answer);
    assert_int_equal(answer.len, 0);
    assert_true(answer.closed);
    close(fd);
}

static void requests_outlive_the_server(void **state)
{
    struct app *app = *state;
    struct net_answer answer;
    int fd = net_connect_unix(app->bench.path);
    net_exchange(app->bench.loop, fd, "GET /park HTTP/1.1\r\n\r\n", &answer);
    fa_http_server_close(app->server);
    app->server = NULL;
    net_settle(app->bench.loop);
    assert_int_equal(app->gone, 1);
    assert_string_equal(fa_http_path(app->parked[0]), "/park");
    fa_http_reply_problem(app->parked[0], 503, "stopping");
    close(fd);
}

static void reply_fields_cannot_split_the_response(void **state)
{
    static const struct {
        const char *name, *value;
        int rc;
    } fields[] = {
        {"X-Fine", "yes", 0},        {"X-Split", "a\r\nSet-Cookie: b", FA_EINVAL},
        {"X-Lf", "a\nb", FA_EINVAL}, {"X: y", "z", FA_EINVAL},
        {"", "z", FA_EINVAL},        {"content-length", "9", FA_EINVAL},
        {"X\r\nY", "z", FA_EINVAL},  {"Transfer-Encoding", "chunked", FA_EINVAL},
    };
    struct app *app = *state;
    struct net_answer answer;
    int fd = net_connect_unix(app->bench.path);
    net_exchange(app->bench.loop, fd, "GET /park HTTP/1.1\r\n\r\n", &answer);
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        assert_int_equal(
            fa_http_reply_field(app->parked[0], fields[i].name, fa_str_of(fields[i].value)),
            fields[i].rc);
    }
    fa_http_reply_problem(app->parked[0], 409, "a \"quoted\"\nline \xff");
    net_settle(app->bench.loop);
    net_read(fd, &answer);
    assert_contains(answer.text, "X-Fine: yes\r\n");
    assert_null(strstr(answer.text, "Set-Cookie"));
    assert_contains(answer.text, "\"detail\":\"a \\\"quoted\\\"\\u000aline ?\"}");
    close(fd);
}

static void count_drained(void *self)
{
    (*(int *)self)++;
}

static void draining_lets_the_begun_finish_and_turns_the_rest_away(void **state)
{
    struct app *app = *state;
    struct net_answer answer;
    int drained = 0;
    int idle = net_connect_unix(app->bench.path), busy = net_connect_unix(app->bench.path);
    net_exchange(app->bench.loop, idle, GET "\r\n", &answer);
    net_exchange(app->bench.loop, busy, "GET /park HTTP/1.1\r\n\r\n", &answer);
    fa_http_server_drain(app->server, 5000, count_drained, &drained);
    net_settle(app->bench.loop);
    memset(&answer, 0, sizeof answer);
    net_read(idle, &answer);
    assert_true(answer.closed);
    assert_int_equal(net_connect_unix(app->bench.path), -1);
    assert_int_equal(drained, 0);
    fa_http_reply(app->parked[0], 200, NULL, FA_STR("last"));
    net_settle(app->bench.loop);
    net_read(busy, &answer);
    assert_contains(answer.text, "Connection: close\r\n");
    assert_true(answer.closed);
    close(busy);
    close(idle);
    net_settle(app->bench.loop);
    fa_loop_test_advance(app->bench.loop, 10);
    net_settle(app->bench.loop);
    assert_int_equal(drained, 1);
}

static void draining_ends_at_its_deadline(void **state)
{
    struct app *app = *state;
    struct net_answer answer;
    int drained = 0;
    int fd = net_connect_unix(app->bench.path);
    net_exchange(app->bench.loop, fd, "GET /park HTTP/1.1\r\n\r\n", &answer);
    fa_http_server_drain(app->server, 5000, count_drained, &drained);
    fa_loop_test_advance(app->bench.loop, 4000);
    net_settle(app->bench.loop);
    assert_int_equal(drained, 0);
    fa_loop_test_advance(app->bench.loop, 1000);
    net_settle(app->bench.loop);
    assert_int_equal(drained, 1);
    fa_http_server_close(app->server);
    app->server = NULL;
    fa_http_release(app->parked[0]);
    close(fd);
}

static void the_peer_is_the_uid_at_connect_time(void **state)
{
    struct app *app = *state;
    struct net_answer answer;
    int fd = net_connect_unix(app->bench.path);
    net_exchange(app->bench.loop, fd, "GET /park HTTP/1.1\r\n\r\n", &answer);
    const struct fa_peer *peer = fa_http_peer(app->parked[0]);
    assert_int_equal(peer->kind, FA_PEER_UNIX);
    assert_int_equal(peer->uid, getuid());
    fa_http_reply(app->parked[0], 204, NULL, FA_STR(""));
    close(fd);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(each_request_gets_its_answer_all_at_once),
        TEST(each_request_gets_its_answer_one_byte_at_a_time),
        TEST(each_request_gets_its_answer_in_odd_pieces),
        TEST(a_random_crowd_does_not_break_the_server),
        TEST(errors_are_problems_with_date_and_length),
        TEST(head_and_204_send_no_body),
        TEST(a_parked_request_blocks_those_behind_it_and_no_others),
        TEST(an_answer_leaves_when_it_is_given),
        TEST(an_answer_too_long_to_leave_at_once_arrives_whole),
        TEST(an_answer_with_a_request_behind_it_waits_for_the_next_turn),
        TEST(a_client_that_left_is_told_and_its_request_stays_good),
        TEST(a_client_that_only_ended_its_side_gets_its_reply),
        TEST(leaving_in_the_middle_of_a_body_is_told),
        TEST(a_release_cuts_the_connection),
        TEST(requests_outlive_the_server),
        TEST(reply_fields_cannot_split_the_response),
        TEST(draining_lets_the_begun_finish_and_turns_the_rest_away),
        TEST(draining_ends_at_its_deadline),
        TEST(the_peer_is_the_uid_at_connect_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
