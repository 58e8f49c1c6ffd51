/* SPDX-License-Identifier: MIT */
/* firealarm-fetcher: makes a process for each run that the daemon asks for over descriptor 3, holds
 * it to its time and its output, and hands on what it says.
 *
 * Invariants: 1. this process opens no connection, reads no secret and parses nothing that a server
 * sent: only frames of its own jobs, which it does not believe; 2. it has no threads, so that
 * fork() is all that a job costs; 3. each RUN gets one DONE, from its job or from here; 4. what the
 * daemon has not taken is bounded: jobs wait for it. It ends with the daemon, by STOP, or when the
 * two are not of one build. */
#include "base/panic.h"
#include "child/end/pipe.h"
#include "fetcher/child/job.h"

#include <curl/curl.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PIPE_FD  3
#define JOB_FD   3 /* of a job: where it writes its frames */
#define EX_USAGE 64
#define OUT_HIGH ((size_t)1024 * 1024) /* more than that is not taken from jobs */
/* Beyond a run's own time-out, by our clock. */
#define JOB_SLACK FA_SECOND
#define JOB_FRAME ((size_t)FA_FETCH_PIECE_MAX + 4096)

struct job {
    struct job *next;
    uint64_t n, body_left;
    pid_t pid;
    int fd;
    struct event *readable, *deadline;
    struct fa_buf in;
    struct timespec began;
    bool done; /* its DONE was handed on */
};

static struct fetcher {
    struct event_base *base;
    struct fa_pipe *pipe;
    struct job *jobs;
    char *credentials_dir;
    bool greeted;
} fetcher;

/* -------------------------------------------------------------------------------- ending a job */

static void free_job(struct job *job)
{
    struct job **at = &fetcher.jobs;
    while (*at != job) {
        at = &(*at)->next;
    }
    *at = job->next;
    event_free(job->readable);
    event_free(job->deadline);
    close(job->fd);
    fa_buf_done(&job->in);
    free(job);
}

static fa_time elapsed(const struct timespec *began)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (now.tv_sec - began->tv_sec) * FA_SECOND + (now.tv_nsec - began->tv_nsec) / 1000000;
}

/* What a job that did not say so itself came to. */
static void say_failed(const struct job *job, const char *why)
{
    struct fa_fetch_done done = {
        .n = job->n, .duration = elapsed(&job->began), .error = fa_str_of(why)};
    fa_pipe_queued(fetcher.pipe, fa_fetch_frame_put_done(fa_pipe_out(fetcher.pipe), &done));
}

static void describe(int status, char *buf, size_t size)
{
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU) {
        snprintf(buf, size, "its process used up its CPU time");
    } else if (WIFSIGNALED(status)) {
        snprintf(buf, size, "its process ended by signal %d; it may have reached its memory limit",
                 WTERMSIG(status));
    } else {
        snprintf(buf, size, "its process ended without a result (exit status %d)",
                 WEXITSTATUS(status));
    }
}

/* why: NULL, as it ended by itself. */
static void end_job(struct job *job, const char *why)
{
    char words[120];
    int status = 0;
    /* One that is ending keeps its own status; one that only closed its end would keep us waiting.
     */
    kill(job->pid, SIGKILL);
    while (waitpid(job->pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (!job->done) {
        describe(status, words, sizeof words);
        say_failed(job, why != NULL ? why : words);
    }
    free_job(job);
}

static void on_deadline(evutil_socket_t fd, short what, void *ctx)
{
    end_job(ctx, "it took longer than its timeout");
}

/* ------------------------------------------------------------------------------- hearing a job */

/* FA_EPROTO: a job that speaks of something else than its own run was taken over by somebody. */
static int hand_on(struct job *job, const struct fa_frame *frame, struct fa_err *err)
{
    struct fa_buf *out = fa_pipe_out(fetcher.pipe);
    struct fa_fetch_body body;
    struct fa_fetch_done done;
    int rc = FA_EPROTO;
    if (frame->type == FA_FRAME_BODY && !job->done) {
        rc = fa_fetch_frame_get_body(frame->record, &body, err);
        if (rc == 0 && body.n == job->n && body.bytes.len <= job->body_left) {
            job->body_left -= body.bytes.len;
            fa_pipe_queued(fetcher.pipe, fa_fetch_frame_put_body(out, &body));
            return 0;
        }
    } else if (frame->type == FA_FRAME_DONE && !job->done) {
        rc = fa_fetch_frame_get_done(frame->record, &done, err);
        if (rc == 0 && done.n == job->n) {
            job->done = true;
            fa_pipe_queued(fetcher.pipe, fa_fetch_frame_put_done(out, &done));
            return 0;
        }
    }
    return rc < 0 ? rc : FA_EPROTO;
}

static void take_frames(struct job *job)
{
    struct fa_str bytes = fa_buf_str(&job->in);
    struct fa_frame frame;
    struct fa_err err = {0};
    int rc;
    while ((rc = fa_frame_next(&bytes, &frame, &err)) > 0) {
        rc = hand_on(job, &frame, &err);
        if (rc < 0) {
            break;
        }
    }
    if (rc < 0) {
        end_job(job, "its process said what no job says");
        return;
    }
    fa_buf_drop(&job->in, job->in.len - bytes.len);
}

static void pause_all(void)
{
    for (struct job *job = fetcher.jobs; job != NULL; job = job->next) {
        event_del(job->readable);
    }
}

static void on_drained(void *ctx)
{
    for (struct job *job = fetcher.jobs; job != NULL; job = job->next) {
        event_add(job->readable, NULL);
    }
}

static void on_readable(evutil_socket_t fd, short what, void *ctx)
{
    struct job *job = ctx;
    char chunk[65536];
    ssize_t len = read(job->fd, chunk, sizeof chunk);
    if (len < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (len <= 0) {
        end_job(job, NULL);
        return;
    }
    fa_buf_put(&job->in, chunk, (size_t)len);
    if (job->in.over) {
        end_job(job, "its process said what no job says");
        return;
    }
    take_frames(job);
    if (fa_pipe_out(fetcher.pipe)->len > OUT_HIGH) {
        pause_all();
    }
}

/* ------------------------------------------------------------------------------ starting a job */

/* In the new process: nothing of the fetcher's but what the run needs. */
static _Noreturn void become_job(const struct fa_fetch_run *run, int fd, pid_t parent)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent || dup2(fd, JOB_FD) < 0) {
        _exit(1);
    }
    closefrom(JOB_FD + 1);
    (void)fcntl(JOB_FD, F_SETFL, fcntl(JOB_FD, F_GETFL) & ~O_NONBLOCK);
    fa_job_run(run, fetcher.credentials_dir, JOB_FD);
}

static struct job *new_job(const struct fa_fetch_run *run, pid_t pid, int fd)
{
    struct job *job = fa_xcalloc(1, sizeof *job);
    fa_time by = run->timeout + JOB_SLACK;
    struct timeval tv = {by / FA_SECOND, by % FA_SECOND * 1000};
    *job = (struct job){.next = fetcher.jobs, .n = run->n, .pid = pid, .fd = fd};
    job->body_left = run->body_max;
    clock_gettime(CLOCK_MONOTONIC, &job->began);
    fa_buf_init(&job->in, JOB_FRAME + 65536);
    job->readable = event_new(fetcher.base, fd, EV_READ | EV_PERSIST, on_readable, job);
    job->deadline = evtimer_new(fetcher.base, on_deadline, job);
    fa_assert(job->readable != NULL && job->deadline != NULL);
    event_add(job->readable, NULL);
    event_add(job->deadline, &tv);
    fetcher.jobs = job;
    return job;
}

static void start_job(const struct fa_fetch_run *run)
{
    struct job failed = {.n = run->n};
    int fds[2];
    pid_t parent = getpid(), pid = -1;
    clock_gettime(CLOCK_MONOTONIC, &failed.began);
    if (pipe2(fds, O_CLOEXEC) < 0) {
        say_failed(&failed, "no process can be started for it");
        return;
    }
    pid = fork();
    if (pid == 0) {
        become_job(run, fds[1], parent);
    }
    close(fds[1]);
    if (pid < 0) {
        close(fds[0]);
        say_failed(&failed, "no process can be started for it");
        return;
    }
    evutil_make_socket_nonblocking(fds[0]);
    (void)new_job(run, pid, fds[0]);
}

/* ------------------------------------------------------------------------------ from the daemon */

static int on_run(struct fa_str record, struct fa_err *err)
{
    struct fa_fetch_run run;
    int rc = fa_fetch_frame_get_run(record, &run, err);
    if (rc == 0) {
        start_job(&run);
    }
    return rc;
}

static int on_hello(struct fa_str record, struct fa_err *err)
{
    struct fa_frame_hello hello;
    int rc = fa_frame_get_hello(record, &hello, err);
    if (rc < 0) {
        return rc;
    }
    fa_pipe_hello(fetcher.pipe, fa_fetcher_build()); /* so that the daemon can say which two met */
    rc = fa_frame_check_hello(&hello, fa_fetcher_build(), "firealarm-fetcher", err);
    fetcher.greeted = rc == 0;
    fetcher.credentials_dir =
        hello.credentials_dir != NULL ? fa_xstrdup(hello.credentials_dir) : NULL;
    return rc;
}

static int on_ping(struct fa_str record, struct fa_err *err)
{
    struct fa_frame_ping ping;
    int rc = fa_frame_get_ping(record, &ping, err);
    if (rc == 0) {
        fa_pipe_pong(fetcher.pipe, ping.n);
    }
    return rc;
}

static int on_frame(void *ctx, const struct fa_frame *frame, struct fa_err *err)
{
    if (fetcher.greeted == (frame->type == FA_FRAME_HELLO)) {
        return fa_err_set(err, FA_EPROTO,
                          fetcher.greeted ? "the daemon said HELLO twice"
                                          : "the daemon did not begin with HELLO");
    }
    switch (frame->type) {
    case FA_FRAME_HELLO:
        return on_hello(frame->record, err);
    case FA_FRAME_RUN:
        return on_run(frame->record, err);
    case FA_FRAME_PING:
        return on_ping(frame->record, err);
    case FA_FRAME_STOP:
        fa_pipe_leave(fetcher.pipe, 0, "");
    default:
        return fa_err_set(err, FA_EPROTO,
                          "the daemon sent a frame of type %u, which only the fetcher sends",
                          frame->type);
    }
}

static void on_read(void *ctx)
{
}

/* --------------------------------------------------------------------------------------- start */

/* When memory is short it is this one that may go, not the daemon, from which it has the value that
 * keeps it last. */
static void offer_to_the_kernel(void)
{
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        ssize_t written = write(fd, "500", 3);
        (void)written;
        close(fd);
    }
}

/* Jobs read secrets: no core file, no debugger of another user. The daemon alone decides when this
 * process ends. */
static void protect(void)
{
    static const struct rlimit no_core;
    pid_t parent = getppid();
    offer_to_the_kernel(); /* not possible after the next line */
    (void)prctl(PR_SET_DUMPABLE, 0);
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    (void)setrlimit(RLIMIT_CORE, &no_core);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGTTOU, SIG_IGN); /* of a terminal it is in the background */
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {
        _exit(0); /* the daemon ended before the line above */
    }
}

int main(int argc, char **argv)
{
    int type;
    socklen_t len = sizeof type;
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        printf("firealarm-fetcher %s (build %s)\n%s\nlibevent %s\n", FA_VERSION, fa_fetcher_build(),
               curl_version(), event_get_version());
        return 0;
    }
    if (argc != 1 || getsockopt(PIPE_FD, SOL_SOCKET, SO_TYPE, &type, &len) < 0) {
        fprintf(stderr, "firealarm-fetcher is started by firealarmd, with a socket on descriptor "
                        "3; the only option is --version\n");
        return EX_USAGE;
    }
    protect();
    event_set_mem_functions(fa_xmalloc, fa_xrealloc, free);
    /* Once for all jobs, which inherit it. */
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK ||
        (fetcher.base = event_base_new()) == NULL) {
        fprintf(stderr, "firealarm-fetcher: libcurl or libevent cannot start\n");
        return 71;
    }
    fetcher.pipe = fa_pipe_new(fetcher.base, PIPE_FD, "firealarm-fetcher", on_frame, on_read, NULL);
    fa_pipe_on_drained(fetcher.pipe, on_drained);
    event_base_dispatch(fetcher.base);
    _exit(70);
}
