/* SPDX-License-Identifier: MIT */
/* The server as callers see it: opening, draining, closing, and the request's accessors and
 * replies. The way of a connection is in http_conn.c.
 *
 * A request outlives its connection: after on_gone its conn is NULL, everything it shows is its own
 * memory, and reply or release merely frees it.
 * Tests: tests/unit/test_net_http.c, tests/unit/test_net_limits.c. */
#include "net/http_conn.h"

#include "base/panic.h"
#include "net/tls_ctx.h"

#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SERVER_MAGIC 0xfa477000u

static const char busy_text[] = "HTTP/1.1 503 Service Unavailable\r\n"
                                "Retry-After: 5\r\n"
                                "Content-Length: 0\r\n"
                                "Connection: close\r\n\r\n";

struct fa_http_limits fa_http_limits_default(void)
{
    return (struct fa_http_limits){.header_bytes = 16 * 1024,
                                   .body_bytes = 1024 * 1024,
                                   .header_ms = 10 * FA_SECOND,
                                   .total_ms = 60 * FA_SECOND,
                                   .idle_ms = 75 * FA_SECOND};
}

/* --- the server --- */

/* Whoever has not sent a whole head for so long gives way to a new caller. */
#define HEAD_PATIENCE_MS 1000

static bool gives_way(const struct fa_http_conn *conn, fa_time now)
{
    return conn->phase == FA_HTTP_READS_HEAD &&
           (conn->is_idle || now - conn->began >= HEAD_PATIENCE_MS);
}

/* Between two requests first, then the one that has taken longest over its head. */
static bool is_better(const struct fa_http_conn *a, const struct fa_http_conn *b)
{
    return b == NULL || (a->is_idle != b->is_idle ? a->is_idle : a->began < b->began);
}

static bool make_room(void *self, const struct fa_peer *of)
{
    struct fa_http_server *server = self;
    struct fa_http_conn *found = NULL;
    fa_time now = fa_loop_now(server->loop).mono;
    for (struct fa_http_conn *conn = server->conns; conn != NULL; conn = conn->next) {
        if (gives_way(conn, now) && (of == NULL || fa_peer_same(&conn->seat.peer, of)) &&
            is_better(conn, found)) {
            found = conn;
        }
    }
    if (found != NULL) {
        server->counters.gave_way++;
        fa_http_conn_close(found);
    }
    return found != NULL;
}

struct fa_http_server *fa_http_server_open(struct fa_loop *loop, const struct fa_http_config *cfg,
                                           struct fa_err *err)
{
    struct fa_listener_options listener_cfg = cfg->listener;
    struct fa_http_server *server = fa_xcalloc(1, sizeof *server);
    if (cfg->tls == NULL && listener_cfg.busy_text == NULL) {
        listener_cfg.busy_text = busy_text;
    }
    listener_cfg.make_room = make_room;
    server->magic = SERVER_MAGIC;
    server->loop = loop;
    server->limits = cfg->limits;
    server->handler = cfg->handler;
    server->self = cfg->self;
    server->listener = fa_listener_open(loop, &listener_cfg, fa_http_conn_accept, server, err);
    if (server->listener == NULL) {
        free(server);
        return NULL;
    }
    server->tls = cfg->tls != NULL ? fa_tls_share(cfg->tls) : NULL;
    server->out = evbuffer_new();
    fa_assert(server->out != NULL);
    fa_http_pace_init(server);
    return server;
}

void fa_http_server_set_tls(struct fa_http_server *server, struct fa_tls *tls)
{
    fa_assert(server->tls != NULL && tls != NULL);
    struct fa_tls *old = server->tls;
    server->tls = fa_tls_share(tls);
    fa_tls_close(old);
}

void fa_http_server_set_limits(struct fa_http_server *server, const struct fa_http_limits *limits,
                               uint32_t connections, uint32_t connections_per_peer)
{
    server->limits = *limits;
    if (server->listener != NULL) {
        fa_listener_set_limits(server->listener, connections, connections_per_peer);
    }
}

static void stop_listening(struct fa_http_server *server)
{
    if (server->listener != NULL) {
        server->counters.listener = *fa_listener_counters(server->listener);
        fa_listener_close(server->listener);
        server->listener = NULL;
    }
}

void fa_http_server_drain(struct fa_http_server *server, fa_time ms, fa_loop_fn *on_drained,
                          void *self)
{
    stop_listening(server);
    fa_timer_init(&server->drain_timer, server->loop, on_drained, self);
    server->draining = true;
    fa_timer_set(&server->drain_timer, server->conns != NULL ? ms : 0);
    for (struct fa_http_conn *conn = server->conns, *next; conn != NULL; conn = next) {
        next = conn->next;
        if (conn->phase == FA_HTTP_READS_HEAD && fa_http_parse_idle(&conn->parse)) {
            fa_http_conn_close(conn);
        }
    }
}

static void free_server(void *object)
{
    struct fa_http_server *server = object;
    server->magic = 0;
    fa_tls_close(server->tls);
    evbuffer_free(server->out);
    free(server);
}

void fa_http_server_close(struct fa_http_server *server)
{
    if (server == NULL) {
        return;
    }
    FA_MAGIC_CHECK(server, SERVER_MAGIC);
    stop_listening(server);
    server->draining = false;
    while (server->conns != NULL) {
        fa_http_conn_close(server->conns);
    }
    fa_timer_stop(&server->drain_timer);
    fa_http_pace_done(server);
    fa_loop_bury(server->loop, server, free_server);
}

uint16_t fa_http_server_port(const struct fa_http_server *server)
{
    return server->listener != NULL ? fa_listener_port(server->listener) : 0;
}

void fa_http_server_counters(const struct fa_http_server *server, struct fa_http_counters *ret)
{
    *ret = server->counters;
    if (server->listener != NULL) {
        ret->listener = *fa_listener_counters(server->listener);
    }
}

/* --- what was asked --- */

struct fa_str fa_http_method(const struct fa_http_request *req)
{
    return req->head->method;
}

const char *fa_http_path(const struct fa_http_request *req)
{
    return fa_buf_text(&req->head->path);
}

struct fa_str fa_http_query(const struct fa_http_request *req)
{
    return req->head->query;
}

struct fa_str fa_http_field(const struct fa_http_request *req, const char *name)
{
    return fa_http_head_field(req->head, name);
}

bool fa_http_field_at(const struct fa_http_request *req, size_t index, struct fa_str *ret_name,
                      struct fa_str *ret_value)
{
    if (index >= req->head->field_count) {
        return false;
    }
    *ret_name = req->head->fields[index].name;
    *ret_value = req->head->fields[index].value;
    return true;
}

struct fa_str fa_http_body(const struct fa_http_request *req)
{
    return fa_buf_str(&req->body);
}

const struct fa_peer *fa_http_peer(const struct fa_http_request *req)
{
    return &req->peer;
}

bool fa_http_is_tls(const struct fa_http_request *req)
{
    return req->is_tls;
}

bool fa_http_is_gone(const struct fa_http_request *req)
{
    return req->conn == NULL;
}

bool fa_http_is_complete(const struct fa_http_request *req)
{
    return req->is_complete;
}

void fa_http_set_data(struct fa_http_request *req, void *data)
{
    req->data = data;
}

void *fa_http_data(const struct fa_http_request *req)
{
    return req->data;
}

/* --- replies --- */

static bool is_reserved(const char *name)
{
    static const char *const names[] = {"Content-Length", "Connection", "Date", "Transfer-Encoding",
                                        "Content-Type"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcasecmp(name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

int fa_http_reply_field(struct fa_http_request *req, const char *name, struct fa_str value)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";
    if (name[0] == '\0' || name[strspn(name, letters)] != '\0' || is_reserved(name) ||
        fa_str_has_control(value)) {
        return FA_EINVAL;
    }
    if (strlen(name) + value.len + 4 > req->fields.max - req->fields.len) {
        return FA_ETOOBIG;
    }
    fa_buf_printf(&req->fields, "%s: %.*s\r\n", name, FA_STR_ARG(value));
    return 0;
}

void fa_http_reply(struct fa_http_request *req, int status, const char *content_type,
                   struct fa_str body)
{
    struct fa_http_conn *conn = req->conn;
    if (conn != NULL) {
        bool complete =
            conn->phase == FA_HTTP_WAITS || (!req->head->chunked && req->head->content_length == 0);
        conn->keep = req->head->keep_alive && complete && !conn->server->draining;
        struct fa_http_response res = {.status = status,
                                       .content_type = content_type,
                                       .fields = fa_buf_str(&req->fields),
                                       .body = body,
                                       .is_head = fa_str_is(req->head->method, "HEAD"),
                                       .keep = conn->keep,
                                       .minor = req->head->minor};
        conn->req = NULL;
        fa_http_conn_answer(conn, &res);
    }
    fa_http_request_free(req);
}

const struct fa_http_words *fa_http_words_of(const struct fa_http_request *req)
{
    static const struct fa_http_words problem = {"application/problem+json", fa_http_problem_text};
    return req != NULL && req->route.words != NULL ? req->route.words : &problem;
}

void fa_http_reply_problem(struct fa_http_request *req, int status, const char *detail)
{
    const struct fa_http_words *words = fa_http_words_of(req);
    struct fa_buf body;
    fa_buf_init(&body, 8192);
    words->put(&body, status, detail);
    if (body.over) {
        fa_buf_clear(&body);
        words->put(&body, status, NULL);
    }
    fa_http_reply(req, status, words->content_type, fa_buf_str(&body));
    fa_buf_done(&body);
}

void fa_http_release(struct fa_http_request *req)
{
    struct fa_http_conn *conn = req->conn;
    if (conn != NULL) {
        conn->req = NULL;
        fa_http_conn_close(conn);
    }
    fa_http_request_free(req);
}
