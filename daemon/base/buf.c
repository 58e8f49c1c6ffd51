/* SPDX-License-Identifier: MIT */
#include "base/buf.h"
#include "base/panic.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fa_buf_init(struct fa_buf *buf, size_t max)
{
    *buf = (struct fa_buf){.max = max};
}

void fa_buf_done(struct fa_buf *buf)
{
    free(buf->data);
    *buf = (struct fa_buf){.max = buf->max};
}

void fa_buf_clear(struct fa_buf *buf)
{
    buf->len = 0;
    buf->over = false;
    if (buf->data != NULL) {
        buf->data[0] = '\0';
    }
}

/* True when len more bytes fit; grows the memory by doubling. */
static bool reserve(struct fa_buf *buf, size_t len)
{
    if (buf->over || len > buf->max - buf->len) {
        buf->over = true;
        return false;
    }
    size_t need = buf->len + len + 1;
    if (need > buf->cap) {
        size_t cap = buf->cap < 64 ? 64 : buf->cap;
        while (cap < need) {
            cap *= 2;
        }
        buf->data = fa_xrealloc(buf->data, cap);
        buf->cap = cap;
    }
    return true;
}

void fa_buf_put(struct fa_buf *buf, const void *data, size_t len)
{
    if (reserve(buf, len)) {
        if (len > 0) {
            memcpy(buf->data + buf->len, data, len);
        }
        buf->len += len;
        buf->data[buf->len] = '\0';
    }
}

void fa_buf_puts(struct fa_buf *buf, const char *text)
{
    fa_buf_put(buf, text, strlen(text));
}

void fa_buf_putstr(struct fa_buf *buf, struct fa_str str)
{
    fa_buf_put(buf, str.ptr, str.len);
}

void fa_buf_putc(struct fa_buf *buf, char c)
{
    fa_buf_put(buf, &c, 1);
}

void fa_buf_printf(struct fa_buf *buf, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int len = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    fa_assert(len >= 0);
    if (reserve(buf, (size_t)len)) {
        vsnprintf(buf->data + buf->len, (size_t)len + 1, fmt, again);
        buf->len += (size_t)len;
    }
    va_end(again);
}

void fa_buf_cut(struct fa_buf *buf, size_t len)
{
    fa_assert(len <= buf->len);
    buf->len = len;
    if (buf->data != NULL) {
        buf->data[len] = '\0';
    }
}

void fa_buf_drop(struct fa_buf *buf, size_t n)
{
    fa_assert(n <= buf->len);
    if (n > 0) {
        memmove(buf->data, buf->data + n, buf->len - n + 1);
        buf->len -= n;
    }
}

struct fa_str fa_buf_str(const struct fa_buf *buf)
{
    return (struct fa_str){fa_buf_text(buf), buf->len};
}

const char *fa_buf_text(const struct fa_buf *buf)
{
    return buf->data != NULL ? buf->data : "";
}

char *fa_buf_take(struct fa_buf *buf)
{
    char *data = buf->data != NULL ? buf->data : fa_xstrdup("");
    *buf = (struct fa_buf){.max = buf->max};
    return data;
}
