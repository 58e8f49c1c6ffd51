/* SPDX-License-Identifier: MIT */
/* The daemon's side of the courier.
 *
 *   STOPPED --start--> STARTING --HELLO of our build--> UP
 *   STARTING, UP --end, hang, breach--> WAITING --back-off passed and child reaped--> STARTING
 *   any --stop--> (STOP sent, 2 s) --> STOPPED
 *
 * Invariants: 1. every attempt taken by fa_link_send is in `open` until its one verdict was given;
 * 2. at most one child exists, and its pid is signalled only while it is not reaped; 3. `open` is
 * in the order of sending, so that its first is the oldest; 4. after any callback the state may be
 * another one: nothing is kept over a callback but the link itself.
 * Does not decide whether, when or how often something is sent again: that is the engine's. */
#include "courier/link.h"
#include "base/panic.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define uthash_fatal(msg) fa_panic(__FILE__, __LINE__, msg)
#include <uthash.h>

#define CHILD_FD       3
#define PING_EVERY     500
#define PONG_WITHIN    1200 /* with the ping and a restart: other channels wait 2 s at most */
#define PONG_MAX       15000
#define HELLO_WITHIN   (10 * FA_SECOND) /* loading libraries from a cold disk takes its time */
#define STOP_WITHIN    (2 * FA_SECOND)
#define BACKOFF_FIRST  100
#define BACKOFF_MAX    (5 * FA_SECOND)
#define STEADY_AFTER   (10 * FA_SECOND) /* up for so long: the next end starts with a short wait */
#define ATTEMPT_WITHIN (60 * FA_SECOND) /* beyond the channel's own time-out */
#define REAP_EVERY     10
#define SLEPT_MIN      (5 * FA_SECOND) /* a tick so late was not late by load */
#define CHANNELS_MAX   ((size_t)16 * 1024 * 1024)
#define READ_MAX       ((size_t)32 * 1024) /* a turn: some hundred verdicts, a few ms of deciding */
#define SUSPECTS       64u
#define DEATHS_PLAIN   2u
#define ALONE_FOR      STEADY_AFTER

/* Attempts under way for one channel. Kept as long as the link: there are as many as channels. */
struct share {
    char *channel;
    size_t count;
    UT_hash_handle hh;
};

struct attempt {
    struct share *share;
    struct fa_notification_id id;
    uint32_t attempt;
    fa_time started;
    UT_hash_handle hh; /* by id; walked in the order of sending */
};

/* A notification that was there when the courier ended. */
struct suspect {
    struct fa_notification_id id;
    uint32_t deaths;
};

struct fa_link {
    char *path, *plugins_dir, *credentials_dir;
    char *const *env;
    struct fa_link_callbacks callbacks;
    void *ctx;
    enum fa_link_state state;
    pid_t pid;              /* 0: none, or reaped */
    int fd;                 /* -1: none */
    bool stopping;          /* fa_link_stop was called */
    struct fa_buf in, out;  /* out also holds what is not a SEND, beyond FA_LINK_OUT_MAX */
    struct fa_buf channels; /* CHANNEL frames and CHANNELS_END, as sent to every courier */
    fa_time attempt_within; /* by the longest time-out of a channel */
    fa_time up_since, backoff;
    fa_time hello_by, stop_by, restart_at, reap_at; /* FA_NEVER: not armed */
    fa_time ping_at, pong_by;
    /* For the next pong. It doubles with each courier that was silent and falls with each that
     * answers: a machine that is merely slow must not have couriers killed one after the other. */
    fa_time patience;
    uint64_t ping_n;
    struct attempt *open;     /* a hash; its first is the oldest */
    struct share *shares;     /* a hash */
    int at_fd;                /* -1: until the first start */
    struct fa_courier_at *at; /* the page that the courier writes; never believed */
    fa_time alone_until;
    struct suspect suspects[SUSPECTS];
    size_t suspect_next;
};

/* ----------------------------------------------------------------------------- open attempts */

static bool same_id(struct fa_notification_id a, struct fa_notification_id b)
{
    return fa_id_eq(a.id, b.id);
}

static struct attempt *find_open(struct fa_link *link, struct fa_notification_id id)
{
    struct attempt *attempt;
    HASH_FIND(hh, link->open, &id, sizeof id, attempt);
    return attempt;
}

static struct share *take_share(struct fa_link *link, const char *channel)
{
    struct share *share;
    HASH_FIND_STR(link->shares, channel, share);
    if (share == NULL) {
        share = fa_xcalloc(1, sizeof *share);
        share->channel = fa_xstrdup(channel);
        HASH_ADD_KEYPTR(hh, link->shares, share->channel, strlen(share->channel), share);
    }
    return share;
}

static void free_shares(struct fa_link *link)
{
    struct share *share, *next;
    HASH_ITER(hh, link->shares, share, next) {
        HASH_DELETE(hh, link->shares, share);
        free(share->channel);
        free(share);
    }
}

static void add_open(struct fa_link *link, const struct fa_frame_send *send, fa_time mono)
{
    struct attempt *attempt = fa_xcalloc(1, sizeof *attempt);
    attempt->id = send->id;
    attempt->share = take_share(link, send->channel);
    attempt->share->count++;
    attempt->attempt = send->notice.attempt;
    attempt->started = mono;
    HASH_ADD(hh, link->open, id, sizeof attempt->id, attempt);
}

static void remove_open(struct fa_link *link, struct attempt *attempt)
{
    HASH_DELETE(hh, link->open, attempt);
    attempt->share->count--;
    free(attempt);
}

static void free_open(struct attempt **open)
{
    struct attempt *attempt, *next;
    HASH_ITER(hh, *open, attempt, next) {
        HASH_DELETE(hh, *open, attempt);
        free(attempt);
    }
}

static struct suspect *find_suspect(struct fa_link *link, struct fa_notification_id id)
{
    for (size_t i = 0; i < SUSPECTS; i++) {
        if (link->suspects[i].deaths > 0 && same_id(link->suspects[i].id, id)) {
            return &link->suspects[i];
        }
    }
    return NULL;
}

/* The one whose plugin code ran; where none ran, the oldest. */
static void blame(struct fa_link *link)
{
    struct fa_notification_id id = link->at->id;
    if (find_open(link, id) == NULL) {
        if (link->open == NULL) {
            return;
        }
        id = link->open->id;
    }
    struct suspect *suspect = find_suspect(link, id);
    if (suspect == NULL) {
        suspect = &link->suspects[link->suspect_next++ % SUSPECTS];
        *suspect = (struct suspect){.id = id};
    }
    suspect->deaths++;
}

/* Takes over the list first: the callback may call in again. */
static void give_up_open(struct fa_link *link, fa_time mono, const char *why)
{
    struct attempt *lost = link->open;
    link->open = NULL;
    for (struct attempt *at = lost; at != NULL; at = at->hh.next) {
        at->share->count--;
    }
    for (struct attempt *at = lost; at != NULL; at = at->hh.next) {
        struct fa_frame_verdict verdict = {.id = at->id,
                                           .attempt = at->attempt,
                                           .verdict = FA_FRAME_OUTCOME_UNKNOWN,
                                           .detail = fa_str_of(why),
                                           .retry_after = -1,
                                           .duration = mono - at->started};
        link->callbacks.on_verdict(link->ctx, &verdict);
    }
    free_open(&lost);
}

/* --------------------------------------------------------------------------- starting, ending */

static void set_state(struct fa_link *link, enum fa_link_state state, const char *why)
{
    link->state = state;
    link->callbacks.on_state(link->ctx, state, why);
}

static void disarm(struct fa_link *link)
{
    link->hello_by = link->stop_by = link->restart_at = FA_NEVER;
    link->ping_at = link->pong_by = FA_NEVER;
}

/* The page of whose code runs. Sealed: a courier that made it shorter would bring us down. Its
 * descriptor lies above the child's own, so that none is in its way, and low enough for a tight
 * limit. 0 or an errno. */
static int open_at(struct fa_link *link)
{
    if (link->at_fd >= 0) {
        memset(link->at, 0, sizeof *link->at);
        return 0;
    }
    int low = memfd_create("firealarm-at", MFD_CLOEXEC | MFD_ALLOW_SEALING), rc = 0;
    int fd = low >= 0 ? fcntl(low, F_DUPFD_CLOEXEC, FA_COURIER_AT_FD + 4) : -1;
    void *page = MAP_FAILED;
    if (fd >= 0 && ftruncate(fd, sizeof *link->at) == 0 &&
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0) {
        page = mmap(NULL, sizeof *link->at, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    }
    rc = page == MAP_FAILED ? errno : 0;
    if (low >= 0) {
        close(low);
    }
    if (rc != 0 && fd >= 0) {
        close(fd);
    } else if (rc == 0) {
        link->at_fd = fd;
        link->at = page;
    }
    return rc;
}

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

static int spawn(const struct fa_link *link, int fd, pid_t *ret_pid)
{
    char *const argv[] = {link->path, NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attr);
    /* First the socket, or /dev/null might be opened over it. */
    posix_spawn_file_actions_adddup2(&files, fd, CHILD_FD);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&files, link->at_fd, FA_COURIER_AT_FD);
    posix_spawn_file_actions_addclosefrom_np(&files, FA_COURIER_AT_FD + 1);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setsigdefault(&attr, &all);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    int rc = posix_spawn(ret_pid, link->path, &files, &attr, argv,
                         link->env != NULL ? link->env : environment());
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&files);
    return rc;
}

static void wait_before_restart(struct fa_link *link, fa_time mono)
{
    link->restart_at = mono + link->backoff;
    link->backoff = link->backoff * 2 > BACKOFF_MAX ? BACKOFF_MAX : link->backoff * 2;
}

static void start_child(struct fa_link *link, fa_time mono)
{
    struct fa_frame_hello hello = {.build = fa_courier_build(),
                                   .abi = FA_FRAME_ABI,
                                   .plugins_dir = link->plugins_dir,
                                   .credentials_dir = link->credentials_dir};
    struct fa_err err = {0};
    int fds[2], rc;
    disarm(link);
    rc = open_at(link);
    if (rc == 0 && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0) {
        rc = errno;
    } else if (rc == 0) {
        rc = spawn(link, fds[1], &link->pid);
        close(fds[1]);
        if (rc != 0) {
            close(fds[0]);
        }
    }
    if (rc != 0) {
        link->pid = 0;
        wait_before_restart(link, mono);
        (void)fa_err_set(&err, FA_EIO, "%s cannot be started: %s", link->path, strerror(rc));
        set_state(link, FA_LINK_WAITING, err.text);
        return;
    }
    link->fd = fds[0];
    link->hello_by = mono + HELLO_WITHIN;
    fa_buf_clear(&link->in);
    fa_buf_clear(&link->out);
    rc = fa_frame_put_hello(&link->out, &hello);
    fa_assert(rc == 0);
    fa_buf_putstr(&link->out, fa_buf_str(&link->channels));
    set_state(link, FA_LINK_STARTING, "");
}

/* True when there is no child (any more). */
static bool reap(struct fa_link *link, int *ret_status)
{
    *ret_status = 0;
    if (link->pid == 0) {
        return true;
    }
    pid_t rc;
    do {
        rc = waitpid(link->pid, ret_status, WNOHANG);
    } while (rc < 0 && errno == EINTR);
    if (rc == 0) {
        return false;
    }
    link->pid = 0;
    return true;
}

static void describe_end(int status, const char *why, struct fa_err *err)
{
    if (WIFSIGNALED(status)) {
        (void)fa_err_set(err, FA_EIO, "the courier %s (signal %d)", why, WTERMSIG(status));
    } else if (WIFEXITED(status) && WEXITSTATUS(status) != 0) {
        (void)fa_err_set(err, FA_EIO, "the courier %s (exit status %d)", why, WEXITSTATUS(status));
    } else {
        (void)fa_err_set(err, FA_EIO, "the courier %s", why);
    }
}

/* The end of this courier, whoever wanted it. */
static void end_child(struct fa_link *link, fa_time mono, const char *why)
{
    struct fa_err err = {0};
    int status = 0;
    bool steady = link->state == FA_LINK_UP && mono - link->up_since >= STEADY_AFTER;
    if (!reap(link, &status)) {
        kill(link->pid, SIGKILL);
        status = 0;
        link->reap_at = mono + REAP_EVERY;
    }
    describe_end(status, why, &err);
    if (link->fd >= 0) {
        close(link->fd);
        link->fd = -1;
    }
    fa_buf_clear(&link->in);
    fa_buf_clear(&link->out);
    disarm(link);
    if (link->stopping) {
        set_state(link, FA_LINK_STOPPED, "");
    } else {
        blame(link);
        link->alone_until = link->at->batched != 0 ? mono + ALONE_FOR : link->alone_until;
        link->backoff = steady ? BACKOFF_FIRST : link->backoff;
        wait_before_restart(link, mono);
        set_state(link, FA_LINK_WAITING, err.text);
    }
    give_up_open(link, mono, err.text);
}

/* ---------------------------------------------------------------------------- from the courier */

static int on_hello(struct fa_link *link, struct fa_str record, fa_time mono, struct fa_err *err)
{
    struct fa_frame_hello hello;
    int rc = fa_frame_get_hello(record, &hello, err);
    rc = rc == 0 ? fa_frame_check_hello(&hello, err) : rc;
    if (rc == 0) {
        link->hello_by = FA_NEVER;
        link->up_since = mono;
        link->ping_at = mono;
        set_state(link, FA_LINK_UP, "");
    }
    return rc;
}

static int on_verdict(struct fa_link *link, struct fa_str record, struct fa_err *err)
{
    struct fa_frame_verdict verdict;
    int rc = fa_frame_get_verdict(record, &verdict, err);
    if (rc < 0) {
        return rc;
    }
    struct attempt *attempt = find_open(link, verdict.id);
    if (attempt == NULL || attempt->attempt != verdict.attempt) {
        return fa_err_set(err, FA_EPROTO, "a verdict about an attempt that is not under way");
    }
    struct suspect *suspect = find_suspect(link, verdict.id);
    if (suspect != NULL && verdict.verdict == FIREALARM_SENT) {
        *suspect = (struct suspect){0};
    }
    remove_open(link, attempt);
    link->callbacks.on_verdict(link->ctx, &verdict);
    return 0;
}

static int on_pong(struct fa_link *link, struct fa_str record, struct fa_err *err)
{
    struct fa_frame_ping ping;
    int rc = fa_frame_get_ping(record, &ping, err);
    if (rc == 0 && (ping.n != link->ping_n || link->pong_by == FA_NEVER)) {
        rc = fa_err_set(err, FA_EPROTO, "an answer to a ping that was not sent");
    }
    if (rc == 0) {
        link->pong_by = FA_NEVER;
        link->patience -= (link->patience - PONG_WITHIN) / 16;
    }
    return rc;
}

static int on_log(struct fa_link *link, struct fa_str record, struct fa_err *err)
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
        link->callbacks.on_log(link->ctx, log.level, text);
    }
    return rc;
}

static int on_frame(struct fa_link *link, const struct fa_frame *frame, fa_time mono,
                    struct fa_err *err)
{
    bool greeting = link->state == FA_LINK_STARTING;
    if (greeting != (frame->type == FA_FRAME_HELLO) && frame->type != FA_FRAME_LOG) {
        return fa_err_set(err, FA_EPROTO,
                          greeting ? "its first frame was no HELLO" : "it said HELLO twice");
    }
    switch (frame->type) {
    case FA_FRAME_HELLO:
        return on_hello(link, frame->record, mono, err);
    case FA_FRAME_VERDICT:
        return on_verdict(link, frame->record, err);
    case FA_FRAME_PONG:
        return on_pong(link, frame->record, err);
    case FA_FRAME_LOG:
        return on_log(link, frame->record, err);
    case FA_FRAME_CHANNEL:
    case FA_FRAME_CHANNELS_END:
    case FA_FRAME_SEND:
    case FA_FRAME_PING:
    case FA_FRAME_STOP:
    case FA_FRAME__END:
        break;
    }
    return fa_err_set(err, FA_EPROTO, "a frame of type %d, which only the daemon sends",
                      (int)frame->type);
}

/* All whole frames of what was read. False: the courier is no more. */
static bool take_frames(struct fa_link *link, fa_time mono)
{
    struct fa_str bytes = fa_buf_str(&link->in);
    struct fa_frame frame;
    struct fa_err err = {0}, why = {0};
    int rc;
    while ((rc = fa_frame_next(&bytes, &frame, &err)) > 0) {
        rc = on_frame(link, &frame, mono, &err);
        if (rc < 0) {
            break;
        }
    }
    if (rc < 0) {
        (void)fa_err_set(&why, rc, rc == FA_EVERSION ? "was refused: %s" : "broke the protocol: %s",
                         err.text);
        end_child(link, mono, why.text);
        return false;
    }
    fa_buf_drop(&link->in, link->in.len - bytes.len);
    return true;
}

/* True: the descriptor has nothing more now; false: the courier ended, end_child was called. */
static bool read_all(struct fa_link *link, fa_time mono)
{
    char chunk[16384];
    for (size_t total = 0; link->fd >= 0 && total < READ_MAX;) {
        ssize_t len = recv(link->fd, chunk, sizeof chunk, 0);
        if (len < 0 && errno == EINTR) {
            continue;
        }
        if (len < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            return true;
        }
        if (len <= 0) {
            end_child(link, mono, "ended");
            return false;
        }
        total += (size_t)len;
        fa_buf_put(&link->in, chunk, (size_t)len);
        fa_assert(!link->in.over); /* whole frames are taken after every chunk */
        if (!take_frames(link, mono)) {
            return false;
        }
    }
    return link->fd >= 0;
}

/* ---------------------------------------------------------------------------------- the public */

static char *dup_or_null(const char *text)
{
    return text != NULL ? fa_xstrdup(text) : NULL;
}

struct fa_link *fa_link_new(const struct fa_link_config *config,
                            const struct fa_link_callbacks *callbacks, void *ctx)
{
    struct fa_link *link = fa_xcalloc(1, sizeof *link);
    struct fa_err err = {0};
    link->path = fa_xstrdup(config->path);
    link->plugins_dir = dup_or_null(config->plugins_dir);
    link->credentials_dir = dup_or_null(config->credentials_dir);
    link->env = config->env;
    link->callbacks = *callbacks;
    link->ctx = ctx;
    link->fd = link->at_fd = -1;
    link->backoff = BACKOFF_FIRST;
    link->patience = PONG_WITHIN;
    link->reap_at = FA_NEVER;
    fa_buf_init(&link->in, FA_FRAME_MAX + 32768);
    fa_buf_init(&link->out, FA_LINK_OUT_MAX + 2 * CHANNELS_MAX);
    fa_buf_init(&link->channels, CHANNELS_MAX);
    disarm(link);
    int rc = fa_link_set_channels(link, NULL, 0, &err);
    fa_assert(rc == 0);
    return link;
}

void fa_link_free(struct fa_link *link)
{
    if (link == NULL) {
        return;
    }
    if (link->fd >= 0) {
        close(link->fd);
    }
    if (link->pid != 0) {
        kill(link->pid, SIGKILL);
        while (waitpid(link->pid, NULL, 0) < 0 && errno == EINTR) {
        }
    }
    if (link->at_fd >= 0) {
        munmap(link->at, sizeof *link->at);
        close(link->at_fd);
    }
    fa_buf_done(&link->in);
    fa_buf_done(&link->out);
    fa_buf_done(&link->channels);
    free_open(&link->open);
    free_shares(link);
    free(link->path);
    free(link->plugins_dir);
    free(link->credentials_dir);
    free(link);
}

int fa_link_set_channels(struct fa_link *link, const struct fa_frame_channel *channels,
                         size_t count, struct fa_err *err)
{
    struct fa_buf frames;
    fa_time longest = 0;
    int rc = 0;
    fa_buf_init(&frames, CHANNELS_MAX);
    for (size_t i = 0; i < count; i++) {
        if (fa_frame_put_channel(&frames, &channels[i]) < 0) {
            rc = fa_err_at(err, FA_ETOOBIG, channels[i].file, channels[i].line, 0,
                           "channel \"%s\" is too large: at most %u options and 1 MiB, %zu MiB for "
                           "all channels",
                           channels[i].name, FA_FRAME_OPTIONS_MAX, CHANNELS_MAX >> 20);
            fa_buf_done(&frames);
            return rc;
        }
        longest = channels[i].timeout > longest ? channels[i].timeout : longest;
    }
    if (fa_frame_put_empty(&frames, FA_FRAME_CHANNELS_END) < 0) {
        fa_buf_done(&frames);
        return fa_err_set(err, FA_ETOOBIG, "more than %zu MiB of channels", CHANNELS_MAX >> 20);
    }
    if (link->fd >= 0) {
        /* A courier that takes nothing of the set before this one is as good as hung. */
        if (frames.len > link->out.max - link->out.len) {
            fa_buf_done(&frames);
            return fa_err_set(err, FA_EAGAIN, "the courier has not taken the last channels yet");
        }
        fa_buf_putstr(&link->out, fa_buf_str(&frames));
    }
    fa_buf_done(&link->channels);
    link->channels = frames;
    link->attempt_within = ATTEMPT_WITHIN + longest;
    return 0;
}

void fa_link_start(struct fa_link *link, struct fa_now now)
{
    link->stopping = false;
    if (link->state == FA_LINK_STOPPED && link->pid == 0) {
        start_child(link, now.mono);
    } else if (link->state == FA_LINK_STOPPED) {
        link->restart_at = now.mono;
        set_state(link, FA_LINK_WAITING, "");
    }
}

void fa_link_stop(struct fa_link *link, struct fa_now now)
{
    link->stopping = true;
    if (link->fd < 0) {
        disarm(link);
        if (link->state != FA_LINK_STOPPED) {
            set_state(link, FA_LINK_STOPPED, "");
        }
        return;
    }
    if (link->stop_by == FA_NEVER) {
        link->stop_by = now.mono + STOP_WITHIN;
        if (fa_frame_put_empty(&link->out, FA_FRAME_STOP) < 0) {
            end_child(link, now.mono, "was stopped");
        }
    }
}

int fa_link_send(struct fa_link *link, const struct fa_frame_send *send, struct fa_now now)
{
    if (link->state != FA_LINK_UP || link->stopping) {
        return FA_EAGAIN;
    }
    if (find_open(link, send->id) != NULL) {
        return FA_EEXISTS;
    }
    if (HASH_COUNT(link->open) >= FA_LINK_OPEN_MAX || link->out.len >= FA_LINK_OUT_MAX) {
        return FA_EFULL;
    }
    struct fa_frame_send copy = *send;
    const struct suspect *suspect = find_suspect(link, send->id);
    copy.plain = copy.plain || (suspect != NULL && suspect->deaths >= DEATHS_PLAIN);
    copy.alone = copy.alone || now.mono < link->alone_until;
    int rc = fa_frame_put_send(&link->out, &copy);
    if (rc == 0) {
        add_open(link, send, now.mono);
        link->ping_at = link->ping_at == FA_NEVER ? now.mono : link->ping_at;
    }
    return rc;
}

int fa_link_fd(const struct fa_link *link)
{
    return link->fd;
}

bool fa_link_wants_write(const struct fa_link *link)
{
    return link->fd >= 0 && link->out.len > 0;
}

void fa_link_on_readable(struct fa_link *link, struct fa_now now)
{
    (void)read_all(link, now.mono);
}

void fa_link_on_writable(struct fa_link *link, struct fa_now now)
{
    while (link->fd >= 0 && link->out.len > 0) {
        ssize_t len = send(link->fd, link->out.data, link->out.len, MSG_NOSIGNAL);
        if (len < 0 && errno == EINTR) {
            continue;
        }
        if (len < 0 && errno != EAGAIN && errno != EWOULDBLOCK) {
            /* What it wrote before its end still counts. */
            if (read_all(link, now.mono)) {
                end_child(link, now.mono, "ended");
            }
        }
        if (len <= 0) {
            return;
        }
        fa_buf_drop(&link->out, (size_t)len);
    }
}

/* Something is overdue. What waits in the socket is heard first: it was we who came late. */
static void overdue(struct fa_link *link, fa_time mono, const fa_time *deadline, const char *why)
{
    if (read_all(link, mono) && link->fd >= 0 && mono >= *deadline) {
        end_child(link, mono, why);
    }
}

static void silent(struct fa_link *link, fa_time mono)
{
    char why[64], length[40];
    snprintf(why, sizeof why, "did not answer for %s", fa_format_duration(link->patience, length));
    overdue(link, mono, &link->pong_by, why);
    if (link->fd < 0) {
        link->patience = link->patience * 2 < PONG_MAX ? link->patience * 2 : PONG_MAX;
    }
}

static fa_time attempt_deadline(const struct fa_link *link)
{
    return link->open != NULL && link->fd >= 0 ? link->open->started + link->attempt_within
                                               : FA_NEVER;
}

static void ping(struct fa_link *link, fa_time mono)
{
    struct fa_frame_ping frame = {.n = ++link->ping_n};
    /* With nothing under way a courier that hangs delays nobody: the next message asks it first. */
    link->ping_at = link->open != NULL ? mono + PING_EVERY : FA_NEVER;
    if (link->pong_by == FA_NEVER && fa_frame_put_ping(&link->out, FA_FRAME_PING, &frame) == 0) {
        link->pong_by = mono + link->patience;
    } else {
        link->ping_n--;
    }
}

/* What it died of is often known only after its socket closed. Our own SIGKILL is no news; one that
 * was already ending keeps its own status. */
static void reap_late(struct fa_link *link, fa_time mono)
{
    struct fa_err err = {0};
    int status;
    if (!reap(link, &status)) {
        link->reap_at = mono + REAP_EVERY;
        return;
    }
    link->reap_at = FA_NEVER;
    bool ours = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    if (!ours && status != 0) {
        describe_end(status, "has ended", &err);
        link->callbacks.on_log(link->ctx, 3, err.text);
    }
}

static void tick_without_child(struct fa_link *link, fa_time mono)
{
    if (mono >= link->reap_at) {
        reap_late(link, mono);
    }
    if (mono >= link->restart_at && link->pid == 0) {
        start_child(link, mono);
    }
}

/* The machine slept, or this process stood still: the courier did neither better nor worse than
 * before, and what it holds would be sent twice if it were ended now. */
static void forgive_sleep(struct fa_link *link, fa_time mono)
{
    fa_time *const times[] = {&link->hello_by, &link->stop_by, &link->ping_at, &link->pong_by};
    fa_time slept = mono - fa_link_next_deadline(link);
    if (slept < SLEPT_MIN) {
        return;
    }
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        *times[i] += *times[i] != FA_NEVER ? slept : 0;
    }
    if (link->pong_by != FA_NEVER) {
        link->pong_by = mono + link->patience; /* it may be the one that was due first */
    }
    for (struct attempt *at = link->open; at != NULL; at = at->hh.next) {
        at->started += slept;
    }
}

void fa_link_on_tick(struct fa_link *link, struct fa_now now)
{
    fa_time mono = now.mono;
    if (link->fd < 0) {
        tick_without_child(link, mono);
        return;
    }
    forgive_sleep(link, mono);
    fa_time oldest = attempt_deadline(link);
    if (mono >= link->stop_by) {
        overdue(link, mono, &link->stop_by, "did not stop");
    } else if (mono >= link->hello_by) {
        overdue(link, mono, &link->hello_by, "did not say HELLO");
    } else if (mono >= link->pong_by) {
        silent(link, mono);
    } else if (mono >= oldest && read_all(link, mono) && mono >= attempt_deadline(link)) {
        end_child(link, mono, "sat on an attempt");
    }
    if (link->fd >= 0 && mono >= link->ping_at) {
        ping(link, mono);
    }
    if (link->fd >= 0) {
        fa_link_on_writable(link, now);
    }
}

static fa_time earlier(fa_time a, fa_time b)
{
    return a < b ? a : b;
}

fa_time fa_link_next_deadline(const struct fa_link *link)
{
    if (link->fd < 0) {
        /* A restart waits for the reaping. */
        return link->pid != 0 ? link->reap_at : link->restart_at;
    }
    fa_time at = earlier(link->hello_by, link->stop_by);
    at = earlier(at, earlier(link->ping_at, link->pong_by));
    return earlier(at, attempt_deadline(link));
}

pid_t fa_link_pid(const struct fa_link *link)
{
    return link->pid;
}

size_t fa_link_channel_open(const struct fa_link *link, const char *channel)
{
    struct share *share;
    HASH_FIND_STR(link->shares, channel, share);
    return share != NULL ? share->count : 0;
}

size_t fa_link_open_count(const struct fa_link *link)
{
    return HASH_COUNT(link->open);
}
