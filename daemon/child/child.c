/* SPDX-License-Identifier: MIT */
/* The daemon's side of a child program.
 *
 *   STOPPED --start--> STARTING --HELLO of our build--> UP
 *   STARTING, UP --end, hang, breach--> WAITING --back-off passed and child reaped--> STARTING
 *   any --stop--> (STOP sent, 2 s) --> STOPPED
 *
 * Invariants:
 *  1. At most one process exists, and its pid is signalled only while it is not reaped.
 *  2. After any callback the state may be another one: nothing is kept over a callback but the
 *     child itself.
 *  3. Nothing that the child started outlives it, nor the child the daemon. Each asks the kernel
 *     for that at its begin; the child leads a process group of its own for those that were stopped
 *     before they came to ask: such a group has SIGHUP and SIGCONT when its last tie is gone.
 *
 * Does not know what the two talk about. */
#include "child/child.h"
#include "base/panic.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHILD_FD      3
#define PONG_WITHIN   1200 /* with the ping and a restart: what waits for it waits 2 s at most */
#define PONG_MAX      15000
#define HELLO_WITHIN  (10 * FA_SECOND) /* loading libraries from a cold disk takes its time */
#define STOP_WITHIN   (2 * FA_SECOND)
#define BACKOFF_FIRST 100
#define BACKOFF_MAX   (5 * FA_SECOND)
#define STEADY_AFTER  (10 * FA_SECOND) /* up for so long: the next end starts with a short wait */
#define REAP_EVERY    10
#define SLEPT_MIN     (5 * FA_SECOND) /* a tick so late was not late by load */

static void set_state(struct fa_child *child, enum fa_child_state state, const char *why,
                      fa_time mono)
{
    child->state = state;
    child->callbacks.on_state(child->ctx, state, why, mono);
}

static void disarm(struct fa_child *child)
{
    child->hello_by = child->stop_by = child->restart_at = FA_NEVER;
    child->ping_at = child->pong_by = FA_NEVER;
}

/* --------------------------------------------------------------------------- starting, ending */

/* What the child gets to know of our environment: nothing, unless a test names the place where it
 * is to die. */
static char *const *environment(void)
{
    static char *const plain[] = {"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", NULL};
#if defined(FA_TEST_HOOKS)
    static char crash_at[100];
    static char *const hooked[] = {"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", crash_at, NULL};
    const char *wanted = getenv("FA_CRASH_AT");
    if (wanted != NULL) {
        snprintf(crash_at, sizeof crash_at, "FA_CRASH_AT=%s", wanted);
        return hooked;
    }
#endif
    return plain;
}

static int spawn(const struct fa_child *child, int fd, pid_t *ret_pid)
{
    char *const argv[] = {(char *)(uintptr_t)child->config.path, NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    sigset_t none, all;
    int last = child->extra_fd >= 0 ? FA_CHILD_EXTRA_FD : CHILD_FD;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attr);
    /* First the socket, or /dev/null might be opened over it. */
    posix_spawn_file_actions_adddup2(&files, fd, CHILD_FD);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
    if (child->extra_fd >= 0) {
        posix_spawn_file_actions_adddup2(&files, child->extra_fd, FA_CHILD_EXTRA_FD);
    }
    posix_spawn_file_actions_addclosefrom_np(&files, last + 1);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setsigdefault(&attr, &all);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                        POSIX_SPAWN_SETPGROUP);
    int rc = posix_spawn(ret_pid, child->config.path, &files, &attr, argv,
                         child->config.env != NULL ? child->config.env : environment());
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&files);
    return rc;
}

static void wait_before_restart(struct fa_child *child, fa_time mono)
{
    child->restart_at = mono + child->backoff;
    child->backoff = child->backoff * 2 > BACKOFF_MAX ? BACKOFF_MAX : child->backoff * 2;
}

/* 0 with *ret_fd, or an errno. */
static int open_process(struct fa_child *child, int *ret_fd)
{
    int fds[2];
    int rc = child->callbacks.prepare != NULL ? child->callbacks.prepare(child->ctx) : 0;
    if (rc != 0) {
        return rc;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0) {
        return errno;
    }
    rc = spawn(child, fds[1], &child->pid);
    close(fds[1]);
    if (rc != 0) {
        close(fds[0]);
        child->pid = 0;
        return rc;
    }
    *ret_fd = fds[0];
    return 0;
}

static void start_process(struct fa_child *child, fa_time mono)
{
    struct fa_frame_hello hello = {.build = child->config.build,
                                   .abi = FA_FRAME_ABI,
                                   .plugins_dir = child->config.plugins_dir,
                                   .credentials_dir = child->config.credentials_dir};
    struct fa_err err = {0};
    disarm(child);
    int rc = open_process(child, &child->fd);
    if (rc != 0) {
        wait_before_restart(child, mono);
        (void)fa_err_set(&err, FA_EIO, "%s cannot be started: %s", child->config.path,
                         strerror(rc));
        set_state(child, FA_CHILD_WAITING, err.text, mono);
        return;
    }
    child->hello_by = mono + HELLO_WITHIN;
    fa_buf_clear(&child->in);
    fa_buf_clear(&child->out);
    rc = fa_frame_put_hello(&child->out, &hello);
    fa_assert(rc == 0);
    child->callbacks.greet(child->ctx, &child->out);
    set_state(child, FA_CHILD_STARTING, "", mono);
}

/* True when there is no process (any more). */
static bool reap(struct fa_child *child, int *ret_status)
{
    *ret_status = 0;
    if (child->pid == 0) {
        return true;
    }
    pid_t rc;
    do {
        rc = waitpid(child->pid, ret_status, WNOHANG);
    } while (rc < 0 && errno == EINTR);
    if (rc == 0) {
        return false;
    }
    child->pid = 0;
    return true;
}

static void describe_end(const struct fa_child *child, int status, const char *why,
                         struct fa_err *err)
{
    const char *who = child->config.who;
    if (WIFSIGNALED(status)) {
        (void)fa_err_set(err, FA_EIO, "the %s %s (signal %d)", who, why, WTERMSIG(status));
    } else if (WIFEXITED(status) && WEXITSTATUS(status) != 0) {
        (void)fa_err_set(err, FA_EIO, "the %s %s (exit status %d)", who, why, WEXITSTATUS(status));
    } else {
        (void)fa_err_set(err, FA_EIO, "the %s %s", who, why);
    }
}

void fa_child_end(struct fa_child *child, fa_time mono, const char *why)
{
    struct fa_err err = {0};
    int status = 0;
    bool steady = child->state == FA_CHILD_UP && mono - child->up_since >= STEADY_AFTER;
    if (!reap(child, &status)) {
        kill(child->pid, SIGKILL);
        status = 0;
        child->reap_at = mono + REAP_EVERY;
    }
    describe_end(child, status, why, &err);
    if (child->fd >= 0) {
        close(child->fd);
        child->fd = -1;
    }
    fa_buf_clear(&child->in);
    fa_buf_clear(&child->out);
    disarm(child);
    if (!child->stopping) {
        child->backoff = steady ? BACKOFF_FIRST : child->backoff;
        wait_before_restart(child, mono);
    }
    set_state(child, child->stopping ? FA_CHILD_STOPPED : FA_CHILD_WAITING, err.text, mono);
}

/* ------------------------------------------------------------------------------ from the child */

static int on_hello(struct fa_child *child, struct fa_str record, fa_time mono, struct fa_err *err)
{
    struct fa_frame_hello hello;
    char program[64];
    snprintf(program, sizeof program, "firealarm-%s", child->config.who);
    int rc = fa_frame_get_hello(record, &hello, err);
    rc = rc == 0 ? fa_frame_check_hello(&hello, child->config.build, program, err) : rc;
    if (rc == 0) {
        child->hello_by = FA_NEVER;
        child->up_since = mono;
        child->ping_at = mono;
        set_state(child, FA_CHILD_UP, "", mono);
    }
    return rc;
}

static int on_pong(struct fa_child *child, struct fa_str record, struct fa_err *err)
{
    struct fa_frame_ping ping;
    int rc = fa_frame_get_ping(record, &ping, err);
    if (rc == 0 && (ping.n != child->ping_n || child->pong_by == FA_NEVER)) {
        rc = fa_err_set(err, FA_EPROTO, "an answer to a ping that was not sent");
    }
    if (rc == 0) {
        child->pong_by = FA_NEVER;
        child->patience -= (child->patience - PONG_WITHIN) / 16;
    }
    return rc;
}

static int on_log(struct fa_child *child, struct fa_str record, struct fa_err *err)
{
    struct fa_frame_log log;
    char text[512];
    int rc = fa_frame_get_log(record, &log, err);
    if (rc == 0) {
        size_t len = fa_utf8_cut(log.text, sizeof text - 1);
        for (size_t i = 0; i < len; i++) {
            unsigned char c = (unsigned char)log.text.ptr[i];
            text[i] = c < 0x20 || c == 0x7f ? ' ' : log.text.ptr[i];
        }
        text[len] = '\0';
        child->callbacks.on_log(child->ctx, log.level, text);
    }
    return rc;
}

static int on_frame(struct fa_child *child, const struct fa_frame *frame, fa_time mono,
                    struct fa_err *err)
{
    bool greeting = child->state == FA_CHILD_STARTING;
    if (greeting != (frame->type == FA_FRAME_HELLO) && frame->type != FA_FRAME_LOG) {
        return fa_err_set(err, FA_EPROTO,
                          greeting ? "its first frame was no HELLO" : "it said HELLO twice");
    }
    switch (frame->type) {
    case FA_FRAME_HELLO:
        return on_hello(child, frame->record, mono, err);
    case FA_FRAME_PONG:
        return on_pong(child, frame->record, err);
    case FA_FRAME_LOG:
        return on_log(child, frame->record, err);
    case FA_FRAME_PING:
    case FA_FRAME_STOP:
        return fa_err_set(err, FA_EPROTO, "a frame of type %u, which only the daemon sends",
                          frame->type);
    default:
        return child->callbacks.on_frame(child->ctx, frame, mono, err);
    }
}

/* All whole frames of what was read. False: the child is no more. */
static bool take_frames(struct fa_child *child, fa_time mono)
{
    struct fa_str bytes = fa_buf_str(&child->in);
    struct fa_frame frame;
    struct fa_err err = {0}, why = {0};
    int rc;
    while ((rc = fa_frame_next(&bytes, &frame, &err)) > 0) {
        rc = on_frame(child, &frame, mono, &err);
        if (rc < 0) {
            break;
        }
    }
    if (rc < 0) {
        (void)fa_err_set(&why, rc, rc == FA_EVERSION ? "was refused: %s" : "broke the protocol: %s",
                         err.text);
        fa_child_end(child, mono, why.text);
        return false;
    }
    fa_buf_drop(&child->in, child->in.len - bytes.len);
    return true;
}

bool fa_child_on_readable(struct fa_child *child, struct fa_now now)
{
    char chunk[16384];
    for (size_t total = 0; child->fd >= 0 && total < child->config.read_max;) {
        ssize_t len = recv(child->fd, chunk, sizeof chunk, 0);
        if (len < 0 && errno == EINTR) {
            continue;
        }
        if (len < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            return true;
        }
        if (len <= 0) {
            fa_child_end(child, now.mono, "ended");
            return false;
        }
        total += (size_t)len;
        fa_buf_put(&child->in, chunk, (size_t)len);
        fa_assert(!child->in.over); /* whole frames are taken after every chunk */
        if (!take_frames(child, now.mono)) {
            return false;
        }
    }
    return child->fd >= 0;
}

/* ---------------------------------------------------------------------------------- the public */

static char *dup_or_null(const char *text)
{
    return text != NULL ? fa_xstrdup(text) : NULL;
}

void fa_child_init(struct fa_child *child, const struct fa_child_config *config,
                   const struct fa_child_callbacks *callbacks, void *ctx)
{
    *child = (struct fa_child){.config = *config,
                               .callbacks = *callbacks,
                               .ctx = ctx,
                               .fd = -1,
                               .extra_fd = -1,
                               .backoff = BACKOFF_FIRST,
                               .patience = PONG_WITHIN,
                               .reap_at = FA_NEVER};
    child->config.path = fa_xstrdup(config->path);
    child->config.who = fa_xstrdup(config->who);
    child->config.build = fa_xstrdup(config->build);
    child->config.plugins_dir = dup_or_null(config->plugins_dir);
    child->config.credentials_dir = dup_or_null(config->credentials_dir);
    fa_buf_init(&child->in, FA_FRAME_MAX + 32768);
    fa_buf_init(&child->out, config->out_max);
    disarm(child);
}

void fa_child_done(struct fa_child *child)
{
    if (child->fd >= 0) {
        close(child->fd);
    }
    if (child->pid != 0) {
        kill(child->pid, SIGKILL);
        while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR) {
        }
    }
    fa_buf_done(&child->in);
    fa_buf_done(&child->out);
    free((char *)(uintptr_t)child->config.path);
    free((char *)(uintptr_t)child->config.who);
    free((char *)(uintptr_t)child->config.build);
    free((char *)(uintptr_t)child->config.plugins_dir);
    free((char *)(uintptr_t)child->config.credentials_dir);
}

void fa_child_start(struct fa_child *child, struct fa_now now)
{
    child->stopping = false;
    if (child->state == FA_CHILD_STOPPED && child->pid == 0) {
        start_process(child, now.mono);
    } else if (child->state == FA_CHILD_STOPPED) {
        child->restart_at = now.mono;
        set_state(child, FA_CHILD_WAITING, "", now.mono);
    }
}

void fa_child_stop(struct fa_child *child, struct fa_now now)
{
    child->stopping = true;
    if (child->fd < 0) {
        disarm(child);
        if (child->state != FA_CHILD_STOPPED) {
            set_state(child, FA_CHILD_STOPPED, "", now.mono);
        }
        return;
    }
    if (child->stop_by == FA_NEVER) {
        child->stop_by = now.mono + STOP_WITHIN;
        if (fa_frame_put_empty(&child->out, FA_FRAME_STOP) < 0) {
            fa_child_end(child, now.mono, "was stopped");
        }
    }
}

void fa_child_expect(struct fa_child *child, fa_time mono)
{
    child->ping_at = child->ping_at == FA_NEVER ? mono : child->ping_at;
}

bool fa_child_wants_write(const struct fa_child *child)
{
    return child->fd >= 0 && child->out.len > 0;
}

void fa_child_on_writable(struct fa_child *child, struct fa_now now)
{
    while (child->fd >= 0 && child->out.len > 0) {
        ssize_t len = send(child->fd, child->out.data, child->out.len, MSG_NOSIGNAL);
        if (len < 0 && errno == EINTR) {
            continue;
        }
        if (len < 0 && errno != EAGAIN && errno != EWOULDBLOCK) {
            /* What it wrote before its end still counts. */
            if (fa_child_on_readable(child, now)) {
                fa_child_end(child, now.mono, "ended");
            }
        }
        if (len <= 0) {
            return;
        }
        fa_buf_drop(&child->out, (size_t)len);
    }
}

/* Something is overdue. What waits in the socket is heard first: it was we who came late. */
static void overdue(struct fa_child *child, struct fa_now now, const fa_time *deadline,
                    const char *why)
{
    if (fa_child_on_readable(child, now) && child->fd >= 0 && now.mono >= *deadline) {
        fa_child_end(child, now.mono, why);
    }
}

static void silent(struct fa_child *child, struct fa_now now)
{
    char why[64], length[40];
    snprintf(why, sizeof why, "did not answer for %s", fa_format_duration(child->patience, length));
    overdue(child, now, &child->pong_by, why);
    if (child->fd < 0) {
        child->patience = child->patience * 2 < PONG_MAX ? child->patience * 2 : PONG_MAX;
    }
}

static void ping(struct fa_child *child, fa_time mono)
{
    struct fa_frame_ping frame = {.n = ++child->ping_n};
    child->ping_at = child->callbacks.is_busy(child->ctx) ? mono + child->config.ping_ms : FA_NEVER;
    if (child->pong_by == FA_NEVER && fa_frame_put_ping(&child->out, FA_FRAME_PING, &frame) == 0) {
        child->pong_by = mono + child->patience;
    } else {
        child->ping_n--;
    }
}

/* What it died of is often known only after its socket closed. Our own SIGKILL is no news; one that
 * was already ending keeps its own status. */
static void reap_late(struct fa_child *child, fa_time mono)
{
    struct fa_err err = {0};
    int status;
    if (!reap(child, &status)) {
        child->reap_at = mono + REAP_EVERY;
        return;
    }
    child->reap_at = FA_NEVER;
    bool ours = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    if (!ours && status != 0) {
        describe_end(child, status, "has ended", &err);
        child->callbacks.on_log(child->ctx, 3, err.text);
    }
}

fa_time fa_child_slept(struct fa_child *child, struct fa_now now, fa_time deadline)
{
    fa_time *const times[] = {&child->hello_by, &child->stop_by, &child->ping_at, &child->pong_by};
    fa_time next = fa_child_next_deadline(child);
    fa_time slept = now.mono - (deadline < next ? deadline : next);
    if (child->fd < 0 || slept < SLEPT_MIN) {
        return 0;
    }
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        *times[i] += *times[i] != FA_NEVER ? slept : 0;
    }
    if (child->pong_by != FA_NEVER) {
        child->pong_by = now.mono + child->patience; /* it may be the one that was due first */
    }
    return slept;
}

void fa_child_on_tick(struct fa_child *child, struct fa_now now)
{
    fa_time mono = now.mono;
    if (child->fd < 0) {
        if (mono >= child->reap_at) {
            reap_late(child, mono);
        }
        if (mono >= child->restart_at && child->pid == 0) {
            start_process(child, mono);
        }
        return;
    }
    if (mono >= child->stop_by) {
        overdue(child, now, &child->stop_by, "did not stop");
    } else if (mono >= child->hello_by) {
        overdue(child, now, &child->hello_by, "did not say HELLO");
    } else if (mono >= child->pong_by) {
        silent(child, now);
    }
    if (child->fd >= 0 && mono >= child->ping_at) {
        ping(child, mono);
    }
    if (child->fd >= 0) {
        fa_child_on_writable(child, now);
    }
}

static fa_time earlier(fa_time a, fa_time b)
{
    return a < b ? a : b;
}

fa_time fa_child_next_deadline(const struct fa_child *child)
{
    if (child->fd < 0) {
        /* A restart waits for the reaping. */
        return child->pid != 0 ? child->reap_at : child->restart_at;
    }
    return earlier(earlier(child->hello_by, child->stop_by),
                   earlier(child->ping_at, child->pong_by));
}
