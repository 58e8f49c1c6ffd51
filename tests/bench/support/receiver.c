/* SPDX-License-Identifier: MIT */
/* As little HTTP as a receiver needs whose sender is known: Content-Length bodies, keep-alive, no
 * pipelining beyond what fits the buffer. A request that does not fit closes its connection. */
#include "receiver.h"
#include "figures.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUEST_MAX ((size_t)2 * 1024 * 1024)

struct conn {
    int fd;
    size_t len;
    char bytes[REQUEST_MAX + 1];
    struct conn *next, **link;
};

struct receiver {
    int fd, epoll, stop;
    unsigned port;
    pthread_t thread;
    receiver_fn *fn;
    void *ctx;
    struct conn *conns;
};

static void watch(struct receiver *receiver, int fd, void *what)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = what};
    if (epoll_ctl(receiver->epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
        bench_fail("epoll_ctl: %s", strerror(errno));
    }
}

static void drop(struct conn *conn)
{
    *conn->link = conn->next;
    if (conn->next != NULL) {
        conn->next->link = conn->link;
    }
    close(conn->fd);
    free(conn);
}

static void take(struct receiver *receiver)
{
    int fd, one = 1;
    while ((fd = accept4(receiver->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
        struct conn *conn = malloc(sizeof *conn);
        if (conn == NULL) {
            bench_fail("out of memory");
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        conn->fd = fd;
        conn->len = 0;
        conn->next = receiver->conns;
        conn->link = &receiver->conns;
        if (conn->next != NULL) {
            conn->next->link = &conn->next;
        }
        receiver->conns = conn;
        watch(receiver, fd, conn);
    }
}

/* Bytes of the first request in the buffer; 0: it is not whole yet. */
static size_t whole(const struct conn *conn, const char **ret_body)
{
    const char *end = strstr(conn->bytes, "\r\n\r\n");
    const char *at = strcasestr(conn->bytes, "\r\nContent-Length:");
    size_t length = 0;
    if (end == NULL) {
        return 0;
    }
    if (at != NULL && at < end) {
        length = strtoul(at + strlen("\r\nContent-Length:"), NULL, 10);
    }
    *ret_body = end + 4;
    size_t total = (size_t)(end + 4 - conn->bytes) + length;
    return total <= conn->len ? total : 0;
}

/* Each message of a batch is a body of its own to whoever looks at it; all came at one time. */
static void hand_on(const struct receiver *receiver, const char *path, char *body)
{
    static const char batch[] = "{\"type\":\"firealarm.batch\"", first[] = "{\"version\":1,";
    int64_t ns = bench_ns();
    if (strncmp(body, batch, sizeof batch - 1) != 0) {
        receiver->fn(receiver->ctx, ns, path, body);
        return;
    }
    char *at = strstr(body, first);
    while (at != NULL) {
        char *next = strstr(at + 1, first);
        if (next != NULL) {
            next[-1] = '\0';
        }
        receiver->fn(receiver->ctx, ns, path, at);
        at = next;
    }
}

/* False: the connection is to be closed. */
static int answer(struct receiver *receiver, struct conn *conn)
{
    static const char reply[] = "HTTP/1.1 204 No Content\r\n\r\n";
    const char *body;
    size_t total;
    conn->bytes[conn->len] = '\0';
    while ((total = whole(conn, &body)) > 0) {
        char path[128] = "", kept = conn->bytes[total];
        conn->bytes[total] = '\0';
        (void)sscanf(conn->bytes, "%*s %127s", path);
        hand_on(receiver, path, conn->bytes + (body - conn->bytes));
        conn->bytes[total] = kept;
        if (send(conn->fd, reply, sizeof reply - 1, MSG_NOSIGNAL) != (ssize_t)(sizeof reply - 1)) {
            return 0;
        }
        conn->len -= total;
        memmove(conn->bytes, conn->bytes + total, conn->len + 1);
    }
    return conn->len < REQUEST_MAX;
}

static void serve(struct receiver *receiver, struct conn *conn)
{
    ssize_t n = recv(conn->fd, conn->bytes + conn->len, REQUEST_MAX - conn->len, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (n <= 0) {
        drop(conn);
        return;
    }
    conn->len += (size_t)n;
    if (!answer(receiver, conn)) {
        drop(conn);
    }
}

static void *run(void *arg)
{
    struct receiver *receiver = arg;
    struct epoll_event events[64];
    for (;;) {
        int n = epoll_wait(receiver->epoll, events, 64, -1);
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr == &receiver->stop) {
                return NULL;
            }
            if (events[i].data.ptr == receiver) {
                take(receiver);
            } else {
                serve(receiver, events[i].data.ptr);
            }
        }
    }
}

struct receiver *receiver_open(receiver_fn *fn, void *ctx)
{
    struct receiver *receiver = calloc(1, sizeof *receiver);
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof addr;
    if (receiver == NULL) {
        bench_fail("out of memory");
    }
    receiver->fn = fn;
    receiver->ctx = ctx;
    receiver->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    receiver->epoll = epoll_create1(EPOLL_CLOEXEC);
    receiver->stop = eventfd(0, EFD_CLOEXEC);
    if (bind(receiver->fd, (struct sockaddr *)&addr, len) != 0 || listen(receiver->fd, 512) != 0 ||
        getsockname(receiver->fd, (struct sockaddr *)&addr, &len) != 0) {
        bench_fail("the receiver cannot listen: %s", strerror(errno));
    }
    receiver->port = ntohs(addr.sin_port);
    watch(receiver, receiver->fd, receiver);
    watch(receiver, receiver->stop, &receiver->stop);
    if (pthread_create(&receiver->thread, NULL, run, receiver) != 0) {
        bench_fail("the receiver cannot start a thread");
    }
    return receiver;
}

unsigned receiver_port(const struct receiver *receiver)
{
    return receiver->port;
}

void receiver_close(struct receiver *receiver)
{
    if (eventfd_write(receiver->stop, 1) != 0 || pthread_join(receiver->thread, NULL) != 0) {
        bench_fail("the receiver cannot be stopped");
    }
    while (receiver->conns != NULL) {
        drop(receiver->conns);
    }
    close(receiver->stop);
    close(receiver->epoll);
    close(receiver->fd);
    free(receiver);
}
