/* SPDX-License-Identifier: MIT */
/* A growing byte buffer with a limit, for everything that a peer can size. The first append that
 * would pass the limit sets `over` and appends nothing; later appends are ignored, so a chain of
 * appends needs one check at its end. data is always NUL-terminated once something was appended. */
#ifndef FA_BASE_BUF_H
#define FA_BASE_BUF_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>

struct fa_buf {
    char *data;      /* owned; NULL while nothing was appended */
    size_t len, cap; /* bytes; cap counts the terminating NUL */
    size_t max;      /* bytes; the limit on len */
    bool over;       /* an append was refused */
};

void fa_buf_init(struct fa_buf *buf, size_t max);
void fa_buf_done(struct fa_buf *buf);
/* Empties it and keeps the memory. */
void fa_buf_clear(struct fa_buf *buf);
void fa_buf_put(struct fa_buf *buf, const void *data, size_t len);
void fa_buf_puts(struct fa_buf *buf, const char *text);
void fa_buf_putstr(struct fa_buf *buf, struct fa_str str);
void fa_buf_putc(struct fa_buf *buf, char c);
void fa_buf_printf(struct fa_buf *buf, const char *fmt, ...) FA_PRINTF(2, 3);
/* Keeps the first len bytes. */
void fa_buf_cut(struct fa_buf *buf, size_t len);
/* Drops the first n bytes. */
void fa_buf_drop(struct fa_buf *buf, size_t n);
/* What is in it, borrowed until the next call; never a NULL pointer. */
struct fa_str fa_buf_str(const struct fa_buf *buf);
const char *fa_buf_text(const struct fa_buf *buf);
/* Takes the memory out (free() it); the buffer is empty afterwards. Never NULL. */
char *fa_buf_take(struct fa_buf *buf);

#endif
