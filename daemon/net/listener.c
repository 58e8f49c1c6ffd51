/* SPDX-License-Identifier: MIT */
/* Accepting, with a seat for each connection.
 *
 * Invariants
 * 1. Nothing that accept() can say makes it spin: whatever is not "no more callers" or "this caller
 *    left" pauses the listener for 250 ms. A level-triggered listener without descriptors would
 *    fail millions of times a second.
 * 2. One descriptor is kept in reserve. Out of descriptors, it is given up for a moment to accept
 *    and close, so that callers learn at once instead of waiting in the queue.
 * 3. open_now is the number of seats in the list, always.
 *
 * Seats of one peer are counted by walking the list: hundreds of seats, and only when accepting.
 * Tests: tests/unit/test_net_listener.c, tests/unit/test_net_limits.c. */
#include "net/listener.h"

#include "base/panic.h"
#include "net/loop_base.h"
#include "net/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LISTENER_MAGIC 0xfa115731u
#define PAUSE_MS       250
#define ACCEPT_BATCH   64
#define BACKLOG        512

struct fa_listener {
    unsigned magic;
    struct fa_loop *loop;
    struct fa_socket sock;
    int reserve_fd; /* -1: given up, and not got back yet */
    struct fa_watch *watch;
    struct fa_timer pause;
    uint32_t connections, connections_per_peer;
    char *busy_text;
    fa_accept_fn *fn;
    fa_make_room_fn *make_room;
    void *self;
    struct fa_seat *seats;
    struct fa_listener_counters counters;
};

static void take_reserve(struct fa_listener *listener)
{
    if (listener->reserve_fd < 0) {
        listener->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    }
}

static void on_pause_over(void *self)
{
    struct fa_listener *listener = self;
    take_reserve(listener);
    fa_watch_set(listener->watch, FA_WATCH_READ);
}

static void pause_accepting(struct fa_listener *listener)
{
    fa_watch_set(listener->watch, 0);
    fa_timer_set(&listener->pause, PAUSE_MS);
}

/* Gives up the reserve to close callers one by one; they see an end at once. */
static void turn_callers_away(struct fa_listener *listener)
{
    for (int i = 0; i < ACCEPT_BATCH && listener->reserve_fd >= 0; i++) {
        close(listener->reserve_fd);
        listener->reserve_fd = -1;
        int fd = accept4(listener->sock.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0) {
            break;
        }
        close(fd);
        take_reserve(listener);
    }
    take_reserve(listener);
}

static void refuse(struct fa_listener *listener, int fd)
{
    if (listener->busy_text != NULL) {
        char sink[4096];
        ssize_t n =
            send(fd, listener->busy_text, strlen(listener->busy_text), MSG_DONTWAIT | MSG_NOSIGNAL);
        shutdown(fd, SHUT_WR);
        /* What the caller has sent by now, lest closing resets the answer away. */
        while (n >= 0 && (n = recv(fd, sink, sizeof sink, MSG_DONTWAIT)) == sizeof sink) {
        }
    }
    close(fd);
}

static uint32_t seats_of(const struct fa_listener *listener, const struct fa_peer *peer)
{
    uint32_t count = 0;
    for (const struct fa_seat *seat = listener->seats; seat != NULL; seat = seat->next) {
        count += fa_peer_same(&seat->peer, peer);
    }
    return count;
}

static void identify(int fd, const struct sockaddr_storage *addr, struct fa_peer *ret_peer)
{
    fa_peer_of_sockaddr(addr, ret_peer);
    struct ucred cred;
    socklen_t len = sizeof cred;
    if (ret_peer->kind == FA_PEER_UNIX &&
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0) {
        ret_peer->uid = cred.uid;
    }
}

static bool has_made_room(struct fa_listener *listener, const struct fa_peer *of)
{
    return listener->make_room != NULL && listener->make_room(listener->self, of);
}

static void seat_caller(struct fa_listener *listener, int fd, const struct sockaddr_storage *addr)
{
    struct fa_peer peer;
    identify(fd, addr, &peer);
    bool is_full = listener->counters.open_now >= listener->connections;
    bool is_greedy = seats_of(listener, &peer) >= listener->connections_per_peer;
    /* Who has their share already makes room among their own. */
    if ((is_full || is_greedy) && !has_made_room(listener, is_greedy ? &peer : NULL)) {
        (*(is_full ? &listener->counters.refused_limit : &listener->counters.refused_peer))++;
        refuse(listener, fd);
    } else {
        listener->counters.accepted++;
        listener->fn(listener->self, fd, &peer);
    }
}

/* False: stop for this turn. */
static bool accept_failed(struct fa_listener *listener)
{
    switch (errno) {
    case EAGAIN:
        return false;
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
        return true;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        listener->counters.fd_pauses++;
        turn_callers_away(listener);
        pause_accepting(listener);
        return false;
    default:
        listener->counters.accept_errors++;
        pause_accepting(listener);
        return false;
    }
}

static void on_ready(void *self, unsigned what)
{
    struct fa_listener *listener = self;
    FA_MAGIC_CHECK(listener, LISTENER_MAGIC);
    for (int i = 0; i < ACCEPT_BATCH; i++) {
        struct sockaddr_storage addr = {0};
        socklen_t len = sizeof addr;
        int fd = accept4(listener->sock.fd, (struct sockaddr *)&addr, &len,
                         SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0) {
            seat_caller(listener, fd, &addr);
        } else if (!accept_failed(listener)) {
            return;
        }
    }
}

struct fa_listener *fa_listener_open(struct fa_loop *loop, const struct fa_listener_options *cfg,
                                     fa_accept_fn *fn, void *self, struct fa_err *err)
{
    struct fa_socket_config socket_cfg = {
        .address = cfg->address, .adopted_fd = cfg->fd, .type = SOCK_STREAM, .mode = cfg->mode};
    struct fa_socket sock;
    if (fa_socket_open(&socket_cfg, &sock, err) != 0) {
        return NULL;
    }
    if (listen(sock.fd, BACKLOG) != 0) {
        fa_err_set(err, errno == EADDRINUSE ? FA_EBUSY : FA_EIO, "cannot listen on %s: %s",
                   cfg->address == NULL ? "the socket handed over" : cfg->address, strerror(errno));
        fa_socket_close(&sock);
        return NULL;
    }
    struct fa_listener *listener = fa_xcalloc(1, sizeof *listener);
    *listener = (struct fa_listener){.magic = LISTENER_MAGIC,
                                     .loop = loop,
                                     .sock = sock,
                                     .reserve_fd = -1,
                                     .busy_text = fa_xstrdup(cfg->busy_text),
                                     .fn = fn,
                                     .make_room = cfg->make_room,
                                     .self = self};
    fa_listener_set_limits(listener, cfg->connections, cfg->connections_per_peer);
    take_reserve(listener);
    fa_timer_init(&listener->pause, loop, on_pause_over, listener);
    listener->watch = fa_watch_new(loop, sock.fd, on_ready, listener);
    return listener;
}

void fa_listener_set_limits(struct fa_listener *listener, uint32_t connections,
                            uint32_t connections_per_peer)
{
    fa_assert(connections > 0);
    listener->connections = connections;
    listener->connections_per_peer = connections_per_peer > 0 ? connections_per_peer : connections;
}

static void free_listener(void *object)
{
    struct fa_listener *listener = object;
    listener->magic = 0;
    free(listener->busy_text);
    free(listener);
}

void fa_listener_close(struct fa_listener *listener)
{
    if (listener == NULL) {
        return;
    }
    for (struct fa_seat *seat = listener->seats; seat != NULL; seat = seat->next) {
        seat->listener = NULL;
    }
    fa_timer_stop(&listener->pause);
    fa_watch_free(listener->watch);
    fa_socket_close(&listener->sock);
    if (listener->reserve_fd >= 0) {
        close(listener->reserve_fd);
    }
    fa_loop_bury(listener->loop, listener, free_listener);
}

void fa_listener_seat(struct fa_listener *listener, struct fa_seat *seat,
                      const struct fa_peer *peer)
{
    *seat = (struct fa_seat){.listener = listener, .next = listener->seats, .peer = *peer};
    if (listener->seats != NULL) {
        listener->seats->prev = seat;
    }
    listener->seats = seat;
    listener->counters.open_now++;
}

void fa_seat_leave(struct fa_seat *seat)
{
    struct fa_listener *listener = seat->listener;
    if (listener == NULL) {
        return;
    }
    if (seat->prev != NULL) {
        seat->prev->next = seat->next;
    } else {
        listener->seats = seat->next;
    }
    if (seat->next != NULL) {
        seat->next->prev = seat->prev;
    }
    listener->counters.open_now--;
    *seat = (struct fa_seat){0};
}

uint16_t fa_listener_port(const struct fa_listener *listener)
{
    return listener->sock.port;
}

const struct fa_listener_counters *fa_listener_counters(const struct fa_listener *listener)
{
    return &listener->counters;
}
