/* SPDX-License-Identifier: MIT */
/* firealarm-calendar: reads what it is asked on standard input, answers on standard output, ends.
 *
 * One process for one calendar, started by calendar/reader.c: rules can be written that a library
 * works on for ever or until memory is gone, so the process has little of both. It opens no file
 * but the system's zones. */
#include "base/panic.h"
#include "calendar/child/ical.h"
#include "calendar/child/zones.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define CPU_MAX    2 /* seconds */
#define MEMORY_MAX ((rlim_t)256 * 1024 * 1024)
#define FILES_MAX  64

static void limit(int resource, rlim_t value)
{
    struct rlimit limit = {value, value};
    (void)setrlimit(resource, &limit);
}

static void set_limits(void)
{
    prctl(PR_SET_DUMPABLE, 0);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    limit(RLIMIT_CPU, CPU_MAX);
    limit(RLIMIT_NOFILE, FILES_MAX);
#ifndef FA_COVERAGE /* gcov writes at the end */
    limit(RLIMIT_FSIZE, 0);
#endif
    limit(RLIMIT_CORE, 0);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    /* What the sanitizer keeps beside the memory would count, too. */
    limit(RLIMIT_DATA, MEMORY_MAX);
#endif
}

static bool read_all(struct fa_buf *buf)
{
    char piece[16384];
    for (;;) {
        ssize_t got = read(STDIN_FILENO, piece, sizeof piece);
        if (got == 0) {
            return !buf->over;
        }
        if (got < 0 && errno != EINTR) {
            return false;
        }
        fa_buf_put(buf, piece, got > 0 ? (size_t)got : 0);
    }
}

static bool write_all(struct fa_str bytes)
{
    while (bytes.len > 0) {
        ssize_t done = write(STDOUT_FILENO, bytes.ptr, bytes.len);
        if (done < 0 && errno != EINTR) {
            return false;
        }
        bytes.ptr += done > 0 ? done : 0;
        bytes.len -= done > 0 ? (size_t)done : 0;
    }
    return true;
}

static int work(struct fa_str record, struct fa_calendar_answer *answer, struct fa_err *err)
{
    struct fa_calendar_ask ask;
    int rc = fa_calendar_get_ask(record, &ask, err);
    if (rc == 0) {
        rc = fa_zones_load(ask.zone, ask.from - 400 * FA_DAY, ask.until + 2 * FA_DAY, &answer->zone,
                           err);
    }
    return rc == 0 && ask.text.ptr != NULL ? fa_ical_read(&ask, answer, err) : rc;
}

int main(int argc, char **argv)
{
    struct fa_calendar_answer answer = {0};
    struct fa_buf in, out;
    struct fa_err err = {0};
    if (argc != 1) {
        fputs("firealarm-calendar is started by firealarmd and firealarm; it takes no arguments\n",
              stderr);
        return 2;
    }
    set_limits();
    fa_buf_init(&in, FA_CALENDAR_ASK_MAX);
    fa_buf_init(&out, FA_CALENDAR_ANSWER_MAX);
    if (!read_all(&in)) {
        return 1;
    }
    if (work(fa_buf_str(&in), &answer, &err) != 0) {
        answer.error = fa_xstrdup(err.text);
    }
    if (fa_calendar_put_answer(&out, &answer) != 0) {
        fa_calendar_answer_done(&answer);
        answer.error = fa_xstrdup("more events than an answer holds: split the calendar");
        fa_buf_done(&out);
        fa_buf_init(&out, FA_CALENDAR_ANSWER_MAX);
        (void)!fa_calendar_put_answer(&out, &answer);
    }
    bool ok = write_all(fa_buf_str(&out));
    fa_calendar_answer_done(&answer);
    fa_buf_done(&in);
    fa_buf_done(&out);
    return ok ? 0 : 1;
}
