/* SPDX-License-Identifier: MIT */
/* Starts firealarm-calendar for each calendar and zone that is wanted, a few at once, and keeps
 * what they answer.
 *
 * Invariants: 1. a process that was started is reaped before fa_calendars_read() returns; 2. a
 * question is asked once, and its answer is the same for whoever asks again.
 * A process limits itself to 2 s of computing and its memory; the longer time on the clock here is
 * for a machine that is busy, and for a program that does not even begin. */
#include "calendar/reader.h"
#include "base/panic.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define AT_ONCE  8u
#define WALL_MAX (10 * FA_SECOND)

struct question {
    char *zone, *text; /* owned; text NULL: only the zone */
    size_t text_len;
    bool is_done;
    int rc; /* of the answer */
    struct fa_err err;
    struct fa_calendar_answer answer;
};

struct fa_calendars {
    struct fa_calendars_config config;
    char *program;
    struct question *list;
    size_t count, cap;
};

/* One process at work. */
struct run {
    struct question *question; /* NULL: free */
    pid_t pid;
    int fd;
    size_t sent;
    fa_time by; /* CLOCK_MONOTONIC */
    struct fa_buf ask, answer;
};

const char *fa_calendars_program(void)
{
    const char *program = getenv("FIREALARM_CALENDAR");
    return program != NULL && program[0] == '/' ? program : FA_CALENDAR_PATH;
}

struct fa_calendars_config fa_calendars_ahead(fa_time now)
{
    return (struct fa_calendars_config){
        .from = now - FA_CALENDARS_BEFORE, .until = now + FA_CALENDARS_AFTER, .now = now};
}

struct fa_calendars *fa_calendars_new(const struct fa_calendars_config *config)
{
    struct fa_calendars *calendars = fa_xcalloc(1, sizeof *calendars);
    calendars->config = *config;
    calendars->program =
        fa_xstrdup(config->program != NULL ? config->program : fa_calendars_program());
    return calendars;
}

void fa_calendars_free(struct fa_calendars *calendars)
{
    for (size_t i = 0; calendars != NULL && i < calendars->count; i++) {
        struct question *question = &calendars->list[i];
        fa_calendar_answer_done(&question->answer);
        free(question->zone);
        free(question->text);
    }
    if (calendars != NULL) {
        free(calendars->list);
        free(calendars->program);
        free(calendars);
    }
}

fa_time fa_calendars_now(const struct fa_calendars *calendars)
{
    return calendars->config.now;
}

fa_time fa_calendars_from(const struct fa_calendars *calendars)
{
    return calendars->config.from;
}

fa_time fa_calendars_until(const struct fa_calendars *calendars)
{
    return calendars->config.until;
}

static struct question *find(const struct fa_calendars *calendars, const char *zone,
                             struct fa_str text)
{
    for (size_t i = 0; i < calendars->count; i++) {
        struct question *question = &calendars->list[i];
        bool is_zone = text.ptr == NULL;
        bool same = is_zone ? question->text == NULL
                            : question->text != NULL && question->text_len == text.len &&
                                  memcmp(question->text, text.ptr, text.len) == 0;
        if (same && strcmp(question->zone, zone) == 0) {
            return question;
        }
    }
    return NULL;
}

void fa_calendars_want(struct fa_calendars *calendars, const char *zone, struct fa_str text)
{
    if (find(calendars, zone, text) != NULL) {
        return;
    }
    calendars->list =
        fa_xgrow(calendars->list, calendars->count, &calendars->cap, sizeof *calendars->list);
    calendars->list[calendars->count++] =
        (struct question){.zone = fa_xstrdup(zone),
                          .text = text.ptr != NULL ? fa_xstrndup(text.ptr, text.len) : NULL,
                          .text_len = text.len};
}

bool fa_calendars_is_ready(const struct fa_calendars *calendars)
{
    for (size_t i = 0; i < calendars->count; i++) {
        if (!calendars->list[i].is_done) {
            return false;
        }
    }
    return true;
}

int fa_calendars_get(const struct fa_calendars *calendars, const char *zone, struct fa_str text,
                     const struct fa_calendar_answer **ret_answer, struct fa_err *err)
{
    const struct question *question = find(calendars, zone, text);
    if (question == NULL || !question->is_done) {
        return fa_err_set(err, FA_EAGAIN, "the calendar was not read yet");
    }
    if (question->rc != 0) {
        *err = question->err;
        return question->rc;
    }
    *ret_answer = &question->answer;
    return 0;
}

/* ---- a process ---- */

static fa_time mono_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (fa_time)now.tv_sec * FA_SECOND + now.tv_nsec / 1000000;
}

static int spawn(const char *program, int fd, pid_t *ret_pid)
{
    char *const argv[] = {(char *)(uintptr_t)program, NULL};
    char zones[512];
    char *env[] = {"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", NULL, NULL};
    const char *dir = getenv("TZDIR");
    if (dir != NULL) {
        snprintf(zones, sizeof zones, "TZDIR=%s", dir);
        env[2] = zones;
    }
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attr);
    posix_spawn_file_actions_adddup2(&files, fd, 0);
    posix_spawn_file_actions_adddup2(&files, fd, 1);
    posix_spawn_file_actions_addclosefrom_np(&files, 3);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setsigdefault(&attr, &all);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    int rc = posix_spawn(ret_pid, program, &files, &attr, argv, env);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&files);
    return rc;
}

/* The process ended, or is ended: judges what it said. */
static void finish(const struct fa_calendars *calendars, struct run *run, const char *why)
{
    struct question *question = run->question;
    struct fa_calendar_ask ask = {
        .from = calendars->config.from, .until = calendars->config.until, .zone = question->zone};
    int status = 0;
    close(run->fd);
    if (why != NULL) {
        kill(run->pid, SIGKILL);
    }
    while (waitpid(run->pid, &status, 0) < 0 && errno == EINTR) {
    }
    bool is_cpu = WIFSIGNALED(status) &&
                  (WTERMSIG(status) == SIGXCPU || (why == NULL && WTERMSIG(status) == SIGKILL));
    question->is_done = true;
    if (why == NULL && WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        question->rc = fa_calendar_get_answer(fa_buf_str(&run->answer), &ask, &question->answer,
                                              &question->err);
        if (question->rc == 0 && question->answer.error != NULL) {
            question->rc = fa_err_set(&question->err, FA_EINVAL, "%s", question->answer.error);
        }
    } else {
        question->rc = fa_err_set(
            &question->err, is_cpu ? FA_ETIMEOUT : FA_EIO, "%s",
            is_cpu ? "it takes more than 2 s to read: a rule in it repeats too often, or never"
            : why != NULL ? why
                          : "it cannot be read: firealarm-calendar ended without an answer");
    }
    fa_buf_done(&run->ask);
    fa_buf_done(&run->answer);
    run->question = NULL;
}

static void fail(struct question *question, const char *what, int error)
{
    question->is_done = true;
    question->rc = fa_err_set(&question->err, FA_EIO, "%.200s: %s", what, strerror(error));
}

static void start(const struct fa_calendars *calendars, struct question *question, struct run *run)
{
    struct fa_calendar_ask ask = {.build = fa_calendar_build(),
                                  .from = calendars->config.from,
                                  .until = calendars->config.until,
                                  .zone = question->zone,
                                  .text = {question->text, question->text_len}};
    int fds[2];
    fa_buf_init(&run->ask, FA_CALENDAR_ASK_MAX);
    if (fa_calendar_put_ask(&run->ask, &ask) != 0) {
        fa_buf_done(&run->ask);
        question->is_done = true;
        question->rc = fa_err_set(&question->err, FA_ETOOBIG, "larger than %zu KiB",
                                  FA_CALENDAR_TEXT_MAX >> 10);
        return;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0) {
        fa_buf_done(&run->ask);
        fail(question, "no socket", errno);
        return;
    }
    int rc = spawn(calendars->program, fds[1], &run->pid);
    close(fds[1]);
    if (rc != 0) {
        close(fds[0]);
        fa_buf_done(&run->ask);
        fail(question, calendars->program, rc);
        return;
    }
    (void)fcntl(fds[0], F_SETFL, O_NONBLOCK);
    fa_buf_init(&run->answer, FA_CALENDAR_ANSWER_MAX);
    run->question = question;
    run->fd = fds[0];
    run->sent = 0;
    run->by = mono_now() + WALL_MAX;
}

static void send_some(struct run *run)
{
    struct fa_str all = fa_buf_str(&run->ask);
    ssize_t len = send(run->fd, all.ptr + run->sent, all.len - run->sent, MSG_NOSIGNAL);
    run->sent += len > 0 ? (size_t)len : 0;
    if (run->sent == all.len || (len < 0 && errno != EAGAIN && errno != EINTR)) {
        run->sent = all.len;
        shutdown(run->fd, SHUT_WR);
    }
}

/* False: it is over. */
static bool receive_some(struct run *run, const char **ret_why)
{
    char piece[16384];
    ssize_t len = recv(run->fd, piece, sizeof piece, 0);
    if (len < 0) {
        return errno == EAGAIN || errno == EINTR;
    }
    fa_buf_put(&run->answer, piece, (size_t)len);
    if (run->answer.over) {
        *ret_why = "it has more events than can be taken: split the calendar";
        return false;
    }
    return len > 0;
}

static void work(const struct fa_calendars *calendars, struct run *runs)
{
    struct pollfd polls[AT_ONCE];
    fa_time now = mono_now(), next = now + WALL_MAX;
    for (size_t i = 0; i < AT_ONCE; i++) {
        bool is_sending = runs[i].question != NULL && runs[i].sent < runs[i].ask.len;
        polls[i] = (struct pollfd){.fd = runs[i].question != NULL ? runs[i].fd : -1,
                                   .events = (short)(POLLIN | (is_sending ? POLLOUT : 0))};
        next = runs[i].question != NULL && runs[i].by < next ? runs[i].by : next;
    }
    (void)poll(polls, AT_ONCE, next > now ? (int)(next - now) : 0);
    now = mono_now();
    for (size_t i = 0; i < AT_ONCE; i++) {
        const char *why = now >= runs[i].by ? "it takes too long to read" : NULL;
        if (runs[i].question == NULL) {
            continue;
        }
        if ((polls[i].revents & POLLOUT) != 0) {
            send_some(&runs[i]);
        }
        bool goes_on =
            (polls[i].revents & (POLLIN | POLLHUP | POLLERR)) == 0 || receive_some(&runs[i], &why);
        if (!goes_on || why != NULL) {
            finish(calendars, &runs[i], why);
        }
    }
}

void fa_calendars_read(struct fa_calendars *calendars)
{
    struct run runs[AT_ONCE] = {{0}};
    size_t next = 0, busy;
    do {
        busy = 0;
        for (size_t i = 0; i < AT_ONCE; i++) {
            while (runs[i].question == NULL && next < calendars->count) {
                struct question *question = &calendars->list[next++];
                if (!question->is_done) {
                    start(calendars, question, &runs[i]);
                }
            }
            busy += runs[i].question != NULL;
        }
        if (busy > 0) {
            work(calendars, runs);
        }
    } while (busy > 0);
}
