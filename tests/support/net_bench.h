/* SPDX-License-Identifier: MIT */
/* A loop, a temporary directory and plain client sockets for tests of net/. Nothing sleeps: over
 * Unix sockets and loopback a few turns without waiting settle everything that was sent. */
#ifndef NET_BENCH_H
#define NET_BENCH_H

#include "fa_test.h"
#include "base/panic.h"
#include "net/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#ifndef FA_TEST_HOOKS
/* Without the test clock a test that needs it is skipped. */
#define fa_loop_test_advance(loop, ms) skip()
#define fa_loop_test_jump(loop, ms)    skip()
#endif

struct net_bench {
    struct fa_loop *loop;
    char dir[64], path[96];
};

static inline void net_bench_open(struct net_bench *bench)
{
    struct fa_err err;
    bench->loop = fa_loop_new(&err);
    assert_non_null(bench->loop);
    strcpy(bench->dir, "/tmp/fa-net-XXXXXX");
    assert_non_null(mkdtemp(bench->dir));
    snprintf(bench->path, sizeof bench->path, "%s/http.sock", bench->dir);
}

static inline void net_bench_close(struct net_bench *bench)
{
    fa_loop_free(bench->loop);
    assert_int_equal(rmdir(bench->dir), 0);
}

static inline void net_settle(struct fa_loop *loop)
{
    for (int i = 0; i < 12; i++) {
        fa_loop_turn(loop, false);
    }
}

static inline int net_connect_unix(const char *path)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    snprintf(addr.sun_path, sizeof addr.sun_path, "%s", path);
    if (connect(fd, (struct sockaddr *)&addr, sizeof addr) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static inline int net_connect_tcp(uint16_t port)
{
    struct sockaddr_in addr = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof addr), 0);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    int on = 1; /* or a second write would wait for the delayed acknowledgement of the first */
    assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), 0);
    return fd;
}

struct net_answer {
    char text[65536]; /* what came, cut to fit, NUL-terminated */
    size_t len;
    bool closed; /* the server ended its side */
    bool reset;
};

/* Appends what is there. */
static inline void net_read(int fd, struct net_answer *answer)
{
    char buf[16384];
    ssize_t n;
    while ((n = read(fd, buf, sizeof buf)) > 0) {
        size_t room = sizeof answer->text - 1 - answer->len;
        size_t take = (size_t)n < room ? (size_t)n : room;
        memcpy(answer->text + answer->len, buf, take);
        answer->len += take;
    }
    answer->text[answer->len] = '\0';
    answer->closed = answer->closed || n == 0;
    answer->reset = answer->reset || (n < 0 && errno != EAGAIN);
}

static inline void net_send(int fd, const char *data, size_t len)
{
    assert_int_equal(send(fd, data, len, MSG_NOSIGNAL), len);
}

/* Sends text, settles, reads what came back. */
static inline void net_exchange(struct fa_loop *loop, int fd, const char *text,
                                struct net_answer *answer)
{
    memset(answer, 0, sizeof *answer);
    net_send(fd, text, strlen(text));
    net_settle(loop);
    net_read(fd, answer);
}

/* The status codes in the text, "200 404". */
static inline const char *net_statuses(const char *text, char buf[256])
{
    size_t len = 0;
    buf[0] = '\0';
    for (const char *at = text; len < 240 && (at = strstr(at, "HTTP/1.1 ")) != NULL; at += 9) {
        if (at[9] >= '1' && at[9] <= '9') {
            len += (size_t)snprintf(buf + len, 256 - len, "%s%.3s", len > 0 ? " " : "", at + 9);
        }
    }
    return buf;
}

#endif
