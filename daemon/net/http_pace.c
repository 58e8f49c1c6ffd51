/* SPDX-License-Identifier: MIT */
/* When streamed bodies go on: while the turn's ingest budget lasts, which they share with the
 * datagram sockets; then they queue and take turns, a piece each.
 *
 * Invariants
 * 1. While others wait nobody hands over a piece but at the head of the queue.
 * 2. The head goes on once in each turn even when datagrams took all of the budget.
 * 3. A queue means that another turn follows without waiting. */
#include "net/http_conn.h"
#include "net/loop_base.h"

#include "base/panic.h"

static void call_soon(struct fa_http_server *server)
{
    static const struct timeval at_once = {0, 0};
    fa_assert(event_add(server->pace_event, &at_once) == 0);
}

static void on_turn(evutil_socket_t fd, short what, void *arg)
{
    struct fa_http_server *server = arg;
    bool first = true;
    while (server->paced_first != NULL && (first || fa_loop_ingest_left(server->loop))) {
        struct fa_http_conn *conn = server->paced_first;
        first = false;
        fa_http_pace_leave(conn);
        conn->may_go = true;
        fa_http_conn_run(conn);
    }
    if (server->paced_first != NULL) {
        call_soon(server);
    }
}

void fa_http_pace_init(struct fa_http_server *server)
{
    server->pace_event = evtimer_new(fa_loop_base(server->loop), on_turn, server);
    fa_assert(server->pace_event != NULL);
}

void fa_http_pace_done(struct fa_http_server *server)
{
    event_free(server->pace_event);
}

bool fa_http_pace_go(struct fa_http_conn *conn)
{
    struct fa_http_server *server = conn->server;
    if (conn->paced) {
        return false;
    }
    if (conn->may_go || (server->paced_first == NULL && fa_loop_ingest_left(server->loop))) {
        conn->may_go = false;
        return true;
    }
    conn->paced = true;
    conn->paced_prev = server->paced_last;
    conn->paced_next = NULL;
    *(conn->paced_prev != NULL ? &conn->paced_prev->paced_next : &server->paced_first) = conn;
    server->paced_last = conn;
    call_soon(server);
    return false;
}

void fa_http_pace_leave(struct fa_http_conn *conn)
{
    struct fa_http_server *server = conn->server;
    if (!conn->paced) {
        return;
    }
    conn->paced = false;
    *(conn->paced_prev != NULL ? &conn->paced_prev->paced_next : &server->paced_first) =
        conn->paced_next;
    *(conn->paced_next != NULL ? &conn->paced_next->paced_prev : &server->paced_last) =
        conn->paced_prev;
}
