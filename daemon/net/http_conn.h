/* SPDX-License-Identifier: MIT */
/* Inner to this room: what http.c, http_conn.c and http_reply.c share. */
#ifndef FA_NET_HTTP_CONN_H
#define FA_NET_HTTP_CONN_H

#include "net/http.h"
#include "net/http_parse.h"

struct bufferevent;
struct evbuffer;
struct event;

enum fa_http_phase {
    FA_HTTP_READS_HEAD, /* between requests, or within a head */
    FA_HTTP_READS_BODY,
    FA_HTTP_WAITS,   /* the request is complete, the reply is the caller's */
    FA_HTTP_WRITES,  /* the reply is on its way */
    FA_HTTP_LINGERS, /* we have ended; read and forget until the client ends too */
    FA_HTTP_CLOSED,  /* buried */
};

struct fa_http_conn {
    unsigned magic;
    struct fa_http_server *server;
    struct fa_http_conn *prev, *next;
    struct bufferevent *bev;
    struct fa_seat seat;
    struct fa_timer timer; /* of the phase */
    struct fa_http_parse parse;
    struct fa_http_request *req; /* NULL: none between reply and next head */
    enum fa_http_phase phase;
    fa_time began;      /* mono: accept, or first byte of this request */
    size_t linger_left; /* bytes it may still send */
    bool is_idle;       /* a request is behind it, no byte of the next one is there */
    bool shaken;        /* TLS is up, or was not asked for */
    bool throttled;     /* enough is read ahead */
    bool eof;           /* the client has ended its side */
    bool keep;          /* goes on after this reply */
    bool running;       /* fa_http_conn_run is below us on the stack */
    bool paced;         /* in the server's queue: its body waits for a turn with time for it */
    bool may_go;        /* it was its turn in the queue */
    struct fa_http_conn *paced_prev, *paced_next;
};

struct fa_http_request {
    unsigned magic;
    struct fa_http_conn *conn; /* NULL: gone */
    struct fa_http_head *head; /* owned */
    struct fa_http_route route;
    struct fa_buf body;
    struct fa_buf fields; /* of the reply, "name: value\r\n" each */
    struct fa_peer peer;
    uint64_t received; /* bytes of body */
    size_t body_max;
    bool is_tls;
    bool is_routed;   /* the caller's to reply or release */
    bool is_complete; /* on_request was called */
    void *data;       /* the handler's */
};

struct fa_http_server {
    unsigned magic;
    struct fa_loop *loop;
    struct fa_listener *listener; /* NULL: drained */
    struct fa_tls *tls;           /* owned share; NULL: plain */
    struct fa_http_limits limits;
    const struct fa_http_handler *handler;
    void *self;
    struct fa_http_conn *conns;
    struct fa_http_counters counters;
    struct evbuffer *out; /* the answer being given; empty between two */
    struct fa_timer drain_timer;
    bool draining;
    struct event *pace_event;
    struct fa_http_conn *paced_first, *paced_last;
};

/* http_conn.c */
void fa_http_conn_accept(void *server, int fd, const struct fa_peer *peer);
void fa_http_conn_close(struct fa_http_conn *conn);
/* Reads on with what has come in. */
void fa_http_conn_run(struct fa_http_conn *conn);
void fa_http_request_free(struct fa_http_request *req);

/* http_pace.c: streamed bodies wait their turn. */
void fa_http_pace_init(struct fa_http_server *server);
void fa_http_pace_done(struct fa_http_server *server);
/* May the connection hand over a piece of its body now? False: it was queued, and will be run. */
bool fa_http_pace_go(struct fa_http_conn *conn);
void fa_http_pace_leave(struct fa_http_conn *conn);

/* http_reply.c */
struct fa_http_response {
    int status;
    const char *content_type; /* NULL: none */
    struct fa_str fields;     /* complete lines */
    struct fa_str body;
    bool is_head; /* the body is counted and not sent */
    bool keep;
    uint8_t minor; /* of the request */
};
/* Copies the answer and takes care that it gets there: at once if the socket takes it and nothing
 * else of the connection waits, else when it can be written. May close the connection. */
void fa_http_conn_answer(struct fa_http_conn *conn, const struct fa_http_response *res);
/* Returns the bytes added. */
size_t fa_http_write(struct evbuffer *out, const struct fa_http_response *res, fa_time wall);
/* The problem+json text; appends. */
void fa_http_problem_text(struct fa_buf *out, int status, const char *detail);
/* Of the request's route, or problem+json; req may be NULL. */
const struct fa_http_words *fa_http_words_of(const struct fa_http_request *req);

#endif
