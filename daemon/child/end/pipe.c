/* SPDX-License-Identifier: MIT */
/* Frames over descriptor 3. See pipe.h; the daemon's side is child/child.c. */
#include "child/end/pipe.h"
#include "base/panic.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define OUT_MAX  ((size_t)16 * 1024 * 1024)
#define READ_MAX ((size_t)1024 * 1024) /* a turn; transfers need their share of it */

struct fa_pipe {
    int fd;
    const char *who;
    struct event *readable, *writable;
    struct fa_buf in, out;
    bool held;
    fa_pipe_frame_fn *on_frame;
    fa_pipe_read_fn *on_read, *on_drained;
    void *ctx;
};

void fa_pipe_leave(struct fa_pipe *pipe, int status, const char *why)
{
    if (why[0] != '\0') {
        fprintf(stderr, "%s: %s\n", pipe->who, why);
        fa_pipe_log(pipe, 3, "%s", why);
    }
    fa_pipe_flush(pipe, FA_SECOND);
    _exit(status);
}

static void write_some(struct fa_pipe *pipe)
{
    while (pipe->out.len > 0) {
        ssize_t len = send(pipe->fd, pipe->out.data, pipe->out.len, MSG_NOSIGNAL);
        if (len < 0 && errno == EINTR) {
            continue;
        }
        if (len < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            event_add(pipe->writable, NULL);
            return;
        }
        if (len < 0) {
            _exit(0); /* the daemon is gone */
        }
        fa_buf_drop(&pipe->out, (size_t)len);
    }
}

static void on_writable(evutil_socket_t fd, short what, void *ctx)
{
    struct fa_pipe *pipe = ctx;
    write_some(pipe);
    if (pipe->out.len == 0 && pipe->on_drained != NULL) {
        pipe->on_drained(pipe->ctx);
    }
}

void fa_pipe_on_drained(struct fa_pipe *pipe, fa_pipe_read_fn *fn)
{
    pipe->on_drained = fn;
}

void fa_pipe_flush(struct fa_pipe *pipe, fa_time within)
{
    write_some(pipe);
    if (pipe->out.len > 0) {
        struct pollfd poll_fd = {.fd = pipe->fd, .events = POLLOUT};
        (void)poll(&poll_fd, 1, (int)within);
        write_some(pipe);
    }
}

struct fa_buf *fa_pipe_out(struct fa_pipe *pipe)
{
    return &pipe->out;
}

void fa_pipe_queued(struct fa_pipe *pipe, int rc)
{
    if (rc < 0) {
        fprintf(stderr, "%s: the daemon takes no more\n", pipe->who);
        _exit(74);
    }
    if (!pipe->held) {
        write_some(pipe);
    }
}

void fa_pipe_hold(struct fa_pipe *pipe)
{
    pipe->held = true;
}

void fa_pipe_release(struct fa_pipe *pipe)
{
    pipe->held = false;
    write_some(pipe);
}

static void take_frames(struct fa_pipe *pipe)
{
    struct fa_str bytes = fa_buf_str(&pipe->in);
    struct fa_frame frame;
    struct fa_err err = {0};
    int rc;
    while ((rc = fa_frame_next(&bytes, &frame, &err)) > 0) {
        rc = pipe->on_frame(pipe->ctx, &frame, &err);
        if (rc < 0) {
            break;
        }
    }
    if (rc < 0) {
        fa_pipe_leave(pipe, rc == FA_EVERSION ? 78 : 76, err.text);
    }
    fa_buf_drop(&pipe->in, pipe->in.len - bytes.len);
}

static void on_readable(evutil_socket_t fd, short what, void *ctx)
{
    struct fa_pipe *pipe = ctx;
    char chunk[65536];
    for (size_t total = 0; total < READ_MAX;) {
        ssize_t len = recv(pipe->fd, chunk, sizeof chunk, 0);
        if (len < 0 && errno == EINTR) {
            continue;
        }
        if (len < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            break;
        }
        if (len <= 0) {
            _exit(0);
        }
        total += (size_t)len;
        fa_buf_put(&pipe->in, chunk, (size_t)len);
        fa_assert(!pipe->in.over); /* whole frames are taken after every chunk */
        take_frames(pipe);
        if ((size_t)len < sizeof chunk) {
            break; /* that was all; what came since makes a turn of its own */
        }
    }
    pipe->on_read(pipe->ctx);
}

struct fa_pipe *fa_pipe_new(struct event_base *base, int fd, const char *who,
                            fa_pipe_frame_fn *on_frame, fa_pipe_read_fn *on_read, void *ctx)
{
    struct fa_pipe *pipe = fa_xcalloc(1, sizeof *pipe);
    *pipe = (struct fa_pipe){
        .fd = fd, .who = who, .on_frame = on_frame, .on_read = on_read, .ctx = ctx};
    fa_buf_init(&pipe->in, FA_FRAME_MAX + 4 + 65536);
    fa_buf_init(&pipe->out, OUT_MAX);
    evutil_make_socket_nonblocking(fd);
    evutil_make_socket_closeonexec(fd);
    pipe->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, pipe);
    pipe->writable = event_new(base, fd, EV_WRITE, on_writable, pipe);
    fa_assert(pipe->readable != NULL && pipe->writable != NULL);
    event_add(pipe->readable, NULL);
    return pipe;
}

void fa_pipe_hello(struct fa_pipe *pipe, const char *build)
{
    struct fa_frame_hello hello = {.build = build, .abi = FA_FRAME_ABI};
    fa_pipe_queued(pipe, fa_frame_put_hello(&pipe->out, &hello));
}

void fa_pipe_pong(struct fa_pipe *pipe, uint64_t n)
{
    struct fa_frame_ping ping = {.n = n};
    fa_pipe_queued(pipe, fa_frame_put_ping(&pipe->out, FA_FRAME_PONG, &ping));
}

void fa_pipe_log(struct fa_pipe *pipe, uint32_t level, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (len > 0) {
        struct fa_frame_log log = {.level = level, .text = fa_str_of(text)};
        fa_pipe_queued(pipe, fa_frame_put_log(&pipe->out, &log));
    }
}
