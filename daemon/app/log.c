/* SPDX-License-Identifier: MIT */
/* One write a line, so that lines of two processes do not mix; and never a wait for whoever reads
 * them: a log that takes nothing loses lines and counts them, the alarms go on.
 *
 * The descriptor is shared with other processes, so it is not set to O_NONBLOCK: a pipe or terminal
 * is opened once more for ourselves, a socket is told at each send, and what cannot be opened again
 * is asked first. A file is written to as it is: it waits for its disk alone. */
#include "app/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static bool to_journal;
static enum { LOG_PLAIN, LOG_SOCKET, LOG_ASK_FIRST } how;
static int log_fd = STDERR_FILENO;
static _Atomic unsigned long long dropped, dropped_told; /* the store's threads speak too */

void fa_log_init(bool journal)
{
    struct stat st;
    to_journal = journal;
    if (fstat(STDERR_FILENO, &st) != 0 || S_ISREG(st.st_mode)) {
        return;
    }
    if (S_ISSOCK(st.st_mode)) {
        how = LOG_SOCKET;
        return;
    }
    int own = open("/proc/self/fd/2", O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (own >= 0) {
        log_fd = own;
    } else {
        how = LOG_ASK_FIRST;
    }
}

static bool put(const char *line, size_t len)
{
    struct pollfd ready = {log_fd, POLLOUT, 0};
    if (how == LOG_SOCKET) {
        return send(log_fd, line, len, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)len;
    }
    if (how == LOG_ASK_FIRST && (poll(&ready, 1, 0) != 1 || (ready.revents & POLLOUT) == 0)) {
        return false;
    }
    return write(log_fd, line, len) == (ssize_t)len;
}

static size_t compose(char *line, size_t size, enum fa_log_level level, const char *fmt, va_list ap)
{
    static const char *const words[] = {[FA_LOG_ERROR] = "error: ",
                                        [FA_LOG_WARNING] = "warning: ",
                                        [FA_LOG_NOTICE] = "",
                                        [FA_LOG_INFO] = ""};
    int at = to_journal ? snprintf(line, size, "<%d>", (int)level)
                        : snprintf(line, size, "firealarmd: %s", words[level]);
    int len = vsnprintf(line + at, size - (size_t)at - 1, fmt, ap);
    size_t end = (size_t)at + (len < 0 ? 0 : (size_t)len);
    end = end < size - 2 ? end : size - 2;
    for (size_t i = (size_t)at; i < end; i++) {
        line[i] = (unsigned char)line[i] < 0x20 ? ' ' : line[i];
    }
    line[end++] = '\n';
    return end;
}

static bool say(enum fa_log_level level, const char *fmt, ...) FA_PRINTF(2, 3);
static bool say(enum fa_log_level level, const char *fmt, ...)
{
    char line[200];
    va_list ap;
    va_start(ap, fmt);
    size_t len = compose(line, sizeof line, level, fmt, ap);
    va_end(ap);
    return put(line, len);
}

void fa_log(enum fa_log_level level, const char *fmt, ...)
{
    char line[1200];
    va_list ap;
    va_start(ap, fmt);
    size_t len = compose(line, sizeof line, level, fmt, ap);
    va_end(ap);
    /* What was lost is said as soon as something can be said. */
    if (dropped > dropped_told &&
        say(FA_LOG_WARNING, "%llu lines of this log were lost", dropped - dropped_told)) {
        dropped_told = dropped;
    }
    dropped += !put(line, len);
}

void fa_log_err(enum fa_log_level level, const struct fa_err *err)
{
    char text[800];
    fa_log(level, "%s", fa_err_format(err, text, sizeof text));
}

unsigned long long fa_log_dropped(void)
{
    return dropped;
}
