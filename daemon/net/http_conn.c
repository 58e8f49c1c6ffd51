/* SPDX-License-Identifier: MIT */
/* One connection: accept, requests one after the other, end.
 *
 *   READS_HEAD -> READS_BODY -> WAITS -> WRITES -> READS_HEAD
 *       |             |                    |
 *       +------> WRITES (own error) -------+-> LINGERS -> CLOSED      (any) -> CLOSED
 *
 * Invariants
 * 1. One timer, of the phase. None in WAITS: that time is the caller's.
 * 2. The next request is parsed when the last byte of the reply before has left, so a connection
 *    holds one reply at most, and READ_AHEAD bytes of what comes after, give or take one read.
 * 3. Closing frees nothing at once: the connection is buried, because a handler that closes it may
 *    be called from its own read callback.
 * 4. What the client has sent is read before its end is believed.
 * 5. A close after an answer lingers: closing with unread input would reset the answer away.
 * 6. An answer given later than in the handler (a turn's end) leaves at once and asks nobody
 * whether the socket is writable: it nearly always is. What does not fit, and all of TLS, is
 * libevent's.
 * 7. A streamed body is handed on in small pieces and only while the turn has time for it
 *    (http_pace.c); what is read ahead meanwhile is bounded by 2.
 *
 * A client that ends its side (half-close) still gets its reply; over TCP a full close looks the
 * same until the reply fails. Over a Unix socket the kernel tells them apart.
 * Tests: tests/unit/test_net_http.c, tests/unit/test_net_limits.c, tests/unit/test_net_tls.c. */
#include "net/http_conn.h"

#include "base/panic.h"
#include "net/loop_base.h"
#include "net/tls_ctx.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONN_MAGIC   0xfa477001u
#define REQ_MAGIC    0xfa477002u
#define READ_MAX     16384         /* bytes a connection reads in one turn */
#define READ_AHEAD   65536         /* bytes read beyond the request in hand */
#define LINGER_MS    2000          /* as long as a client may take to notice */
#define LINGER_BYTES (1024 * 1024) /* as much as it may have had on the way */
#define FIELDS_MAX   8192
#define PIECE_MAX    4096 /* bytes of a streamed body in one go, between two looks at the clock */

/* --- requests --- */

static struct fa_http_request *new_request(struct fa_http_conn *conn)
{
    struct fa_http_server *server = conn->server;
    struct fa_http_request *req = fa_xcalloc(1, sizeof *req);
    req->magic = REQ_MAGIC;
    req->conn = conn;
    req->head = conn->parse.head;
    conn->parse.head = NULL;
    req->peer = conn->seat.peer;
    req->is_tls = server->tls != NULL;
    req->body_max = server->limits.body_bytes;
    fa_buf_init(&req->body, req->body_max);
    fa_buf_init(&req->fields, FIELDS_MAX);
    return req;
}

void fa_http_request_free(struct fa_http_request *req)
{
    req->magic = 0;
    fa_http_head_free(req->head);
    fa_buf_done(&req->body);
    fa_buf_done(&req->fields);
    free(req);
}

/* The connection and its request part: the caller hears of it and ends the request in its time. */
static void part(struct fa_http_conn *conn)
{
    struct fa_http_request *req = conn->req;
    const struct fa_http_handler *handler = conn->server->handler;
    if (req == NULL) {
        return;
    }
    conn->req = NULL;
    req->conn = NULL;
    if (!req->is_routed || (handler->on_gone == NULL && !req->is_complete)) {
        fa_http_request_free(req);
    } else if (handler->on_gone != NULL) {
        handler->on_gone(conn->server->self, req);
    }
}

/* --- the end --- */

static void free_conn(void *object)
{
    struct fa_http_conn *conn = object;
    bufferevent_free(conn->bev);
    fa_http_parse_done(&conn->parse);
    conn->magic = 0;
    free(conn);
}

void fa_http_conn_close(struct fa_http_conn *conn)
{
    struct fa_http_server *server = conn->server;
    if (conn->phase == FA_HTTP_CLOSED) {
        return;
    }
    if (conn->req != NULL && conn->req->is_routed) {
        server->counters.gone++;
    }
    conn->phase = FA_HTTP_CLOSED;
    part(conn);
    bufferevent_setcb(conn->bev, NULL, NULL, NULL, NULL);
    bufferevent_disable(conn->bev, EV_READ | EV_WRITE);
    fa_timer_stop(&conn->timer);
    fa_seat_leave(&conn->seat);
    fa_http_pace_leave(conn);
    *(conn->prev != NULL ? &conn->prev->next : &server->conns) = conn->next;
    if (conn->next != NULL) {
        conn->next->prev = conn->prev;
    }
    if (server->draining && server->conns == NULL) {
        fa_timer_set(&server->drain_timer, 0);
    }
    fa_loop_bury(server->loop, conn, free_conn);
}

static void linger(struct fa_http_conn *conn)
{
    int fd = bufferevent_getfd(conn->bev);
    SSL *ssl = conn->server->tls != NULL ? bufferevent_openssl_get_ssl(conn->bev) : NULL;
    if (ssl != NULL) {
        SSL_shutdown(ssl);
    }
    shutdown(fd, SHUT_WR);
    if (conn->eof) {
        fa_http_conn_close(conn);
        return;
    }
    conn->phase = FA_HTTP_LINGERS;
    conn->linger_left = LINGER_BYTES;
    fa_timer_set(&conn->timer, LINGER_MS);
    fa_http_conn_run(conn);
}

static void forget_input(struct fa_http_conn *conn)
{
    struct evbuffer *in = bufferevent_get_input(conn->bev);
    size_t len = evbuffer_get_length(in);
    evbuffer_drain(in, len);
    if (len >= conn->linger_left) {
        fa_http_conn_close(conn);
    } else {
        conn->linger_left -= len;
    }
}

/* --- answers --- */

static void next_request(struct fa_http_conn *conn)
{
    conn->phase = FA_HTTP_READS_HEAD;
    conn->is_idle = true;
    fa_timer_set(&conn->timer, conn->server->limits.idle_ms);
    fa_http_conn_run(conn);
}

static void go_on(struct fa_http_conn *conn)
{
    if (conn->keep && !conn->server->draining) {
        next_request(conn);
    } else {
        linger(conn);
    }
}

/* Nothing is to leave before it, and no request behind it: many in one piece would hold the turn
 * if each answer let the next one in. */
static bool may_leave_at_once(const struct fa_http_conn *conn)
{
    return conn->server->tls == NULL && !conn->running &&
           evbuffer_get_length(bufferevent_get_output(conn->bev)) == 0 &&
           evbuffer_get_length(bufferevent_get_input(conn->bev)) == 0;
}

void fa_http_conn_answer(struct fa_http_conn *conn, const struct fa_http_response *res)
{
    struct fa_http_server *server = conn->server;
    struct evbuffer *out = server->out;
    server->counters.bytes_out += fa_http_write(out, res, fa_loop_now(server->loop).wall);
    conn->phase = FA_HTTP_WRITES;
    if (may_leave_at_once(conn)) {
        (void)evbuffer_write(out, bufferevent_getfd(conn->bev)); /* libevent meets errors again */
    }
    if (evbuffer_get_length(out) == 0) {
        go_on(conn);
    } else {
        fa_timer_set(&conn->timer, server->limits.total_ms);
        evbuffer_add_buffer(bufferevent_get_output(conn->bev), out);
    }
}

/* The server's own answer to what is no request, or no longer one; the connection ends. */
static void answer_own(struct fa_http_conn *conn, int status, const char *detail)
{
    const struct fa_http_words *words = fa_http_words_of(conn->req);
    struct fa_buf body;
    fa_buf_init(&body, 4096);
    words->put(&body, status, detail);
    struct fa_http_response res = {.status = status,
                                   .content_type = words->content_type,
                                   .fields = {"", 0},
                                   .body = fa_buf_str(&body)};
    part(conn);
    if (conn->phase != FA_HTTP_CLOSED) {
        conn->keep = false;
        fa_http_conn_answer(conn, &res);
    }
    fa_buf_done(&body);
}

static void refuse_too_big(struct fa_http_conn *conn)
{
    conn->server->counters.body_too_big++;
    answer_own(conn, 413, "The body is larger than this route takes.");
}

static void answer_bad(struct fa_http_conn *conn)
{
    struct fa_http_counters *counters = &conn->server->counters;
    (*(conn->parse.status == 431 ? &counters->header_too_big : &counters->bad))++;
    answer_own(conn, conn->parse.status, conn->parse.reason);
}

/* --- the way of a request --- */

/* on_head said no. A request without a body leaves the connection in step. */
static void answer_refused(struct fa_http_conn *conn, struct fa_http_request *req)
{
    const struct fa_http_route route = req->route;
    conn->server->counters.refused++;
    if (route.allow != NULL && fa_http_reply_field(req, "Allow", fa_str_of(route.allow)) != 0) {
        fa_panic(__FILE__, __LINE__, "a route's Allow has control characters");
    }
    fa_http_reply_problem(req, route.status, route.detail);
}

static void on_head(struct fa_http_conn *conn)
{
    struct fa_http_server *server = conn->server;
    struct fa_http_request *req = conn->req = new_request(conn);
    struct fa_http_route route = {0};
    conn->phase = FA_HTTP_READS_BODY;
    fa_time spent = fa_loop_now(server->loop).mono - conn->began;
    fa_timer_set(&conn->timer, server->limits.total_ms - spent);
    server->handler->on_head(server->self, req, &route);
    if (conn->req != req) {
        return; /* replied or released already */
    }
    req->route = route;
    if (route.status != 0) {
        answer_refused(conn, req);
        return;
    }
    req->is_routed = true;
    server->counters.requests++;
    if (route.body_bytes != 0 && route.body_bytes < req->body_max) {
        req->body_max = req->body.max = route.body_bytes;
    }
    if (req->head->content_length > req->body_max) {
        refuse_too_big(conn);
    } else if (req->head->expects_continue &&
               (req->head->chunked || req->head->content_length > 0)) {
        evbuffer_add_printf(bufferevent_get_output(conn->bev), "HTTP/1.1 100 Continue\r\n\r\n");
    }
}

static void on_body(struct fa_http_conn *conn, struct fa_str piece)
{
    struct fa_http_server *server = conn->server;
    struct fa_http_request *req = conn->req;
    server->counters.bytes_in += piece.len;
    req->received += piece.len;
    if (req->received > req->body_max) {
        refuse_too_big(conn);
    } else if (req->route.stream) {
        server->handler->on_body(server->self, req, piece);
    } else {
        fa_buf_putstr(&req->body, piece);
    }
}

static void on_end(struct fa_http_conn *conn)
{
    if (conn->req == NULL) {
        return; /* answered at its head, before its end was parsed */
    }
    conn->phase = FA_HTTP_WAITS;
    conn->req->is_complete = true;
    fa_timer_stop(&conn->timer);
    conn->server->handler->on_request(conn->server->self, conn->req);
}

static void on_parsed(struct fa_http_conn *conn, enum fa_http_event event, struct fa_str piece)
{
    switch (event) {
    case FA_HTTP_MORE:
        break;
    case FA_HTTP_HEAD:
        on_head(conn);
        break;
    case FA_HTTP_BODY:
        on_body(conn, piece);
        break;
    case FA_HTTP_END:
        on_end(conn);
        break;
    case FA_HTTP_BAD:
        answer_bad(conn);
        break;
    }
}

static bool reads(const struct fa_http_conn *conn)
{
    return conn->phase == FA_HTTP_READS_HEAD || conn->phase == FA_HTTP_READS_BODY;
}

static bool is_streaming(const struct fa_http_conn *conn)
{
    return conn->phase == FA_HTTP_READS_BODY && conn->req != NULL && conn->req->route.stream;
}

/* The first byte of a request that follows another starts its clock; that of the first request has
 * run since the accept. */
static void note_begin(struct fa_http_conn *conn)
{
    if (conn->phase == FA_HTTP_READS_HEAD && conn->is_idle) {
        conn->is_idle = false;
        conn->began = fa_loop_now(conn->server->loop).mono;
        fa_timer_set(&conn->timer, conn->server->limits.header_ms);
    }
}

/* The client will send no more, and all it sent was read. */
static void act_on_eof(struct fa_http_conn *conn)
{
    struct pollfd pfd = {.fd = bufferevent_getfd(conn->bev)};
    bool hung_up = conn->seat.peer.kind == FA_PEER_UNIX && poll(&pfd, 1, 0) == 1 &&
                   (pfd.revents & (POLLHUP | POLLERR)) != 0;
    if (hung_up || reads(conn) || conn->phase == FA_HTTP_LINGERS) {
        fa_http_conn_close(conn);
    }
}

/* Not by a watermark: bufferevent_openssl stops at it in the middle of a record, and what OpenSSL
 * then holds decrypted never makes the socket readable again. Disabled, it first reads all of that.
 */
static void throttle(struct fa_http_conn *conn)
{
    bool full = evbuffer_get_length(bufferevent_get_input(conn->bev)) >= READ_AHEAD;
    if (full && !conn->throttled) {
        bufferevent_disable(conn->bev, EV_READ);
    } else if (!full && conn->throttled) {
        bufferevent_enable(conn->bev, EV_READ);
    }
    conn->throttled = full;
}

void fa_http_conn_run(struct fa_http_conn *conn)
{
    struct evbuffer *in = bufferevent_get_input(conn->bev);
    if (conn->running) {
        return;
    }
    conn->running = true;
    while (reads(conn) && (!is_streaming(conn) || fa_http_pace_go(conn))) {
        struct evbuffer_iovec vec = {NULL, 0};
        evbuffer_peek(in, -1, NULL, &vec, 1);
        size_t len =
            is_streaming(conn) && vec.iov_len > PIECE_MAX ? (size_t)PIECE_MAX : vec.iov_len;
        struct fa_str input = {vec.iov_base, len}, piece = {NULL, 0};
        if (input.len > 0) {
            note_begin(conn);
        }
        enum fa_http_event event = fa_http_parse_feed(&conn->parse, &input, &piece);
        on_parsed(conn, event, piece);
        evbuffer_drain(in, len - input.len);
        if (event == FA_HTTP_MORE && evbuffer_get_length(in) == 0) {
            break;
        }
    }
    if (conn->phase == FA_HTTP_LINGERS) {
        forget_input(conn);
    }
    conn->running = false;
    if (conn->phase == FA_HTTP_CLOSED) {
        return;
    }
    throttle(conn);
    if (conn->eof && !conn->paced) {
        act_on_eof(conn);
    }
}

/* --- libevent's callbacks --- */

static void on_read(struct bufferevent *bev, void *arg)
{
    struct fa_http_conn *conn = arg;
    FA_MAGIC_CHECK(conn, CONN_MAGIC);
    fa_http_conn_run(conn);
}

static void on_written(struct bufferevent *bev, void *arg)
{
    struct fa_http_conn *conn = arg;
    FA_MAGIC_CHECK(conn, CONN_MAGIC);
    if (conn->phase == FA_HTTP_WRITES &&
        evbuffer_get_length(bufferevent_get_output(conn->bev)) == 0) {
        go_on(conn);
    }
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
    struct fa_http_conn *conn = arg;
    FA_MAGIC_CHECK(conn, CONN_MAGIC);
    if (what & BEV_EVENT_CONNECTED) {
        conn->shaken = true;
    } else if (what & BEV_EVENT_EOF && conn->shaken) {
        conn->eof = true;
        fa_http_conn_run(conn);
    } else {
        conn->server->counters.tls_failed += !conn->shaken;
        fa_http_conn_close(conn);
    }
}

static void on_time(void *self)
{
    struct fa_http_conn *conn = self;
    struct fa_http_counters *counters = &conn->server->counters;
    switch (conn->phase) {
    case FA_HTTP_READS_HEAD:
        (*(conn->is_idle ? &counters->idle_closed : &counters->header_timeout))++;
        if (fa_http_parse_idle(&conn->parse)) {
            fa_http_conn_close(conn);
        } else {
            answer_own(conn, 408, "The request's head took too long.");
        }
        break;
    case FA_HTTP_READS_BODY:
        counters->total_timeout++;
        answer_own(conn, 408, "The request's body took too long.");
        break;
    case FA_HTTP_WRITES:
        counters->total_timeout++;
        fa_http_conn_close(conn);
        break;
    case FA_HTTP_LINGERS:
        fa_http_conn_close(conn);
        break;
    case FA_HTTP_WAITS:
    case FA_HTTP_CLOSED:
        break;
    }
}

/* --- the beginning --- */

static struct bufferevent *new_bufferevent(struct fa_http_server *server, int fd)
{
    struct event_base *base = fa_loop_base(server->loop);
    if (server->tls == NULL) {
        return bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
    }
    SSL *ssl = fa_tls_accept(server->tls);
    if (ssl == NULL) {
        return NULL;
    }
    struct bufferevent *bev = bufferevent_openssl_socket_new(
        base, fd, ssl, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
    if (bev == NULL) {
        SSL_free(ssl);
    } else {
        bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
    }
    return bev;
}

void fa_http_conn_accept(void *self, int fd, const struct fa_peer *peer)
{
    struct fa_http_server *server = self;
    struct bufferevent *bev = new_bufferevent(server, fd);
    int on = 1;
    if (bev == NULL) {
        close(fd);
        return;
    }
    if (peer->kind == FA_PEER_INET) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    struct fa_http_conn *conn = fa_xcalloc(1, sizeof *conn);
    conn->magic = CONN_MAGIC;
    conn->server = server;
    conn->bev = bev;
    conn->shaken = server->tls == NULL;
    conn->began = fa_loop_now(server->loop).mono;
    conn->next = server->conns;
    if (conn->next != NULL) {
        conn->next->prev = conn;
    }
    server->conns = conn;
    fa_http_parse_init(&conn->parse, server->limits.header_bytes);
    fa_listener_seat(server->listener, &conn->seat, peer);
    fa_timer_init(&conn->timer, server->loop, on_time, conn);
    fa_timer_set(&conn->timer, server->limits.header_ms);
    bufferevent_set_max_single_read(bev, READ_MAX);
    bufferevent_setcb(bev, on_read, on_written, on_event, conn);
    bufferevent_enable(bev, EV_READ | EV_WRITE);
}
