/* SPDX-License-Identifier: MIT */
#include "app/log.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool to_journal;

void fa_log_init(bool journal)
{
    to_journal = journal;
}

void fa_log(enum fa_log_level level, const char *fmt, ...)
{
    static const char *const words[] = {[FA_LOG_ERROR] = "error: ",
                                        [FA_LOG_WARNING] = "warning: ",
                                        [FA_LOG_NOTICE] = "",
                                        [FA_LOG_INFO] = ""};
    char line[1200];
    int at = to_journal ? snprintf(line, sizeof line, "<%d>", (int)level)
                        : snprintf(line, sizeof line, "firealarmd: %s", words[level]);
    va_list ap;
    va_start(ap, fmt);
    int len = vsnprintf(line + at, sizeof line - (size_t)at - 1, fmt, ap);
    va_end(ap);
    size_t end = (size_t)at + (len < 0 ? 0 : (size_t)len);
    end = end < sizeof line - 2 ? end : sizeof line - 2;
    for (size_t i = (size_t)at; i < end; i++) {
        line[i] = (unsigned char)line[i] < 0x20 ? ' ' : line[i];
    }
    line[end++] = '\n';
    /* One write a line: lines of two processes do not mix. A full or closed log loses the line. */
    (void)!write(STDERR_FILENO, line, end);
}

void fa_log_err(enum fa_log_level level, const struct fa_err *err)
{
    char text[800];
    fa_log(level, "%s", fa_err_format(err, text, sizeof text));
}
