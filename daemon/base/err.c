/* SPDX-License-Identifier: MIT */
#include "base/err.h"

#include <stdio.h>
#include <string.h>

FA_PRINTF(3, 0) static void set(struct fa_err *err, int code, const char *fmt, va_list ap)
{
    err->code = code;
    vsnprintf(err->text, sizeof err->text, fmt, ap);
}

int fa_err_set(struct fa_err *err, int code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    set(err, code, fmt, ap);
    va_end(ap);
    err->file[0] = '\0';
    err->line = err->col = 0;
    return code;
}

int fa_err_at(struct fa_err *err, int code, const char *file, uint32_t line, uint32_t col,
              const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    set(err, code, fmt, ap);
    va_end(ap);
    snprintf(err->file, sizeof err->file, "%s", file != NULL ? file : "");
    err->line = line;
    err->col = col;
    return code;
}

int fa_err_wrap(struct fa_err *err, const char *fmt, ...)
{
    char prefix[256], whole[sizeof err->text + sizeof prefix + 2];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(prefix, sizeof prefix, fmt, ap);
    va_end(ap);
    snprintf(whole, sizeof whole, "%s: %s", prefix, err->text);
    whole[sizeof err->text - 1] = '\0';
    memcpy(err->text, whole, strlen(whole) + 1);
    return err->code;
}

const char *fa_err_format(const struct fa_err *err, char *buf, size_t size)
{
    if (err->file[0] == '\0') {
        snprintf(buf, size, "%s", err->text);
    } else if (err->line == 0) {
        snprintf(buf, size, "%s: %s", err->file, err->text);
    } else if (err->col == 0) {
        snprintf(buf, size, "%s:%u: %s", err->file, err->line, err->text);
    } else {
        snprintf(buf, size, "%s:%u:%u: %s", err->file, err->line, err->col, err->text);
    }
    return buf;
}

const char *fa_err_words(int code)
{
    switch (code) {
#define X(name, number, text)                                                                      \
    case -(number):                                                                                \
        return text;
        FA_ERR_LIST(X)
#undef X
    default:
        return code == 0 ? "ok" : "failed";
    }
}
