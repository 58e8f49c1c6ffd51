/* SPDX-License-Identifier: MIT */
/* The HTTP/1.1 server. It reads requests with limits on everything, asks the caller's handler
 * about each one, and sends the reply whenever the caller gives it: turns later, when a commit is
 * durable. One request a connection at a time; pipelined ones wait their turn.
 *
 * A request that on_head routed is the caller's until exactly one fa_http_reply() or
 * fa_http_release(). When the client leaves before, on_gone says so; the pointer stays good. */
#ifndef FA_NET_HTTP_H
#define FA_NET_HTTP_H

#include "base/str.h"
#include "net/listener.h"
#include "net/tls.h"

#include <stdbool.h>

struct fa_http_server;
struct fa_http_request;

struct fa_http_limits {
    size_t header_bytes; /* request line and headers; over it 431 */
    size_t body_bytes;   /* over it 413; a route may ask for less */
    fa_time
        header_ms;    /* from the connection, or the request's first byte, to the end of its head */
    fa_time total_ms; /* from there to the end of the body; and again for taking the reply */
    fa_time idle_ms;  /* between two requests of a connection */
};
/* 16 KiB, 1 MiB, 10 s, 60 s, 75 s. */
struct fa_http_limits fa_http_limits_default(void);

/* The handler's answer about a head. Zeros: collect the body up to the server's limit. */
struct fa_buf;
/* How an answer looks that the server gives by itself, or that says no more than a problem. */
struct fa_http_words {
    const char *content_type;
    /* detail: NULL: none. At most 4,000 bytes. */
    void (*put)(struct fa_buf *out, int status, const char *detail);
};

struct fa_http_route {
    int status;         /* not 0: refuse with this status; then allow and detail are used */
    const char *allow;  /* with 405: "GET, POST"; borrowed until on_head returns */
    const char *detail; /* for people, in the problem+json; borrowed likewise; NULL: none */
    size_t body_bytes;  /* lower limit than the server's; 0: the server's */
    const struct fa_http_words *words; /* borrowed for ever; NULL: problem+json */
    /* The body goes to on_body in pieces of some KB instead of being collected, and no faster than
     * the loop's ingest budget allows, which all streamed bodies share fairly. */
    bool stream;
};

struct fa_http_handler {
    /* Path, query, fields and peer are there, the body is not. With route->status set the request
     * is the server's again; fields for the answer may be added with fa_http_reply_field(). */
    void (*on_head)(void *self, struct fa_http_request *req, struct fa_http_route *route);
    /* Streamed routes only; piece is borrowed until return. May reply early. NULL: no route
     * streams. */
    void (*on_body)(void *self, struct fa_http_request *req, struct fa_str piece);
    /* The body is complete. Reply now or keep req and reply later. */
    void (*on_request)(void *self, struct fa_http_request *req);
    /* The client is gone, was cut for a limit, or the server is closing: reply or release, now or
     * later; a reply goes nowhere. May come before on_request. NULL: a request that was not
     * complete ends by itself; a complete one shows it by fa_http_is_gone(). */
    void (*on_gone)(void *self, struct fa_http_request *req);
};

struct fa_http_config {
    struct fa_listener_options listener;
    struct fa_tls *tls; /* borrowed, its context is shared; NULL: plain */
    struct fa_http_limits limits;
    const struct fa_http_handler *handler; /* borrowed, must outlive the server */
    void *self;
};

struct fa_http_counters {
    struct fa_listener_counters listener;
    uint64_t requests;       /* heads that were routed */
    uint64_t header_timeout; /* cut: head too slow */
    uint64_t total_timeout;  /* cut: body or taking the reply too slow */
    uint64_t idle_closed;
    uint64_t gave_way;            /* cut while idle or slow over a head, for a new caller */
    uint64_t header_too_big;      /* 431 */
    uint64_t body_too_big;        /* 413 */
    uint64_t bad;                 /* 400, 417, 501, 505 of the server's own */
    uint64_t refused;             /* by the handler's on_head: 401, 403, 404, 405 ... */
    uint64_t gone;                /* left before the reply */
    uint64_t tls_failed;          /* handshakes */
    uint64_t bytes_in, bytes_out; /* of bodies received, of replies */
};

struct fa_http_server *fa_http_server_open(struct fa_loop *loop, const struct fa_http_config *cfg,
                                           struct fa_err *err);
/* New connections use tls; those that are there stay. Only on a server opened with TLS. */
void fa_http_server_set_tls(struct fa_http_server *server, struct fa_tls *tls);
/* For what begins from now on. connections as in fa_listener_options. */
void fa_http_server_set_limits(struct fa_http_server *server, const struct fa_http_limits *limits,
                               uint32_t connections, uint32_t connections_per_peer);
/* Stops accepting, closes idle connections, lets the others finish what they have begun; on_drained
 * runs on the loop when none is left or after ms. Call fa_http_server_close() then. */
void fa_http_server_drain(struct fa_http_server *server, fa_time ms, fa_loop_fn *on_drained,
                          void *self);
/* Cuts all connections, with on_gone for each routed request; those stay good until replied or
 * released, which must happen before the loop is freed. Not from within a callback of the handler.
 * Accepts NULL. */
void fa_http_server_close(struct fa_http_server *server);
uint16_t fa_http_server_port(const struct fa_http_server *server);
void fa_http_server_counters(const struct fa_http_server *server, struct fa_http_counters *ret);

/* What was asked. All slices live as long as the request. */
struct fa_str fa_http_method(const struct fa_http_request *req);
const char *fa_http_path(const struct fa_http_request *req);
struct fa_str fa_http_query(const struct fa_http_request *req);
/* The first field of that name, in any case; ptr NULL: none. */
struct fa_str fa_http_field(const struct fa_http_request *req, const char *name);
/* All of them in the order sent; false past the last. */
bool fa_http_field_at(const struct fa_http_request *req, size_t index, struct fa_str *ret_name,
                      struct fa_str *ret_value);
/* The collected body; empty before on_request and for streamed routes. */
struct fa_str fa_http_body(const struct fa_http_request *req);
const struct fa_peer *fa_http_peer(const struct fa_http_request *req);
bool fa_http_is_tls(const struct fa_http_request *req);
bool fa_http_is_gone(const struct fa_http_request *req);
/* on_request was called. */
bool fa_http_is_complete(const struct fa_http_request *req);
/* Something of the handler's own that belongs to the request; NULL until it is set. */
void fa_http_set_data(struct fa_http_request *req, void *data);
void *fa_http_data(const struct fa_http_request *req);

/* A field for the reply. FA_EINVAL, and nothing is added, when name is no token or value has a
 * control character. Content-Type, Content-Length, Connection, Date and Transfer-Encoding are the
 * server's. */
int fa_http_reply_field(struct fa_http_request *req, const char *name,
                        struct fa_str value) FA_MUST_CHECK;
/* Sends the reply and ends the request; takes req. body is copied; HEAD, 204 and 304 send none.
 * content_type NULL: no such field. A reply before the body is complete closes the connection. */
void fa_http_reply(struct fa_http_request *req, int status, const char *content_type,
                   struct fa_str body);
/* An RFC 9457 problem of type about:blank; takes req. detail may be NULL. */
void fa_http_reply_problem(struct fa_http_request *req, int status, const char *detail);
/* Ends the request without a reply: the connection is cut. Takes req. */
void fa_http_release(struct fa_http_request *req);
/* The standard phrase, e.g. "Not Found"; "Unknown" for others. */
const char *fa_http_phrase(int status);

#endif
