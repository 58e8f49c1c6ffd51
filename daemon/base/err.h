/* SPDX-License-Identifier: MIT */
/* Errors: a negative code for programs, a text with file, line and column for people.
 * Every fallible function returns 0 or one of these codes and is FA_MUST_CHECK. */
#ifndef FA_BASE_ERR_H
#define FA_BASE_ERR_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#define FA_MUST_CHECK         __attribute__((warn_unused_result))
#define FA_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))

#define FA_ERR_LIST(X)                                                                             \
    X(INVAL, 1, "not valid")                                                                       \
    X(PARSE, 2, "cannot be read")                                                                  \
    X(RANGE, 3, "out of range")                                                                    \
    X(TOOBIG, 4, "larger than its limit")                                                          \
    X(NOTFOUND, 5, "not found")                                                                    \
    X(EXISTS, 6, "exists already")                                                                 \
    X(AGAIN, 7, "try again")                                                                       \
    X(TIMEOUT, 8, "took too long")                                                                 \
    X(BUSY, 9, "in use")                                                                           \
    X(FULL, 10, "no room")                                                                         \
    X(IO, 11, "input/output error")                                                                \
    X(CORRUPT, 12, "damaged")                                                                      \
    X(CONFLICT, 13, "in conflict with what is there")                                              \
    X(VERSION, 14, "of another version")                                                           \
    X(DENIED, 15, "not allowed")                                                                   \
    X(CLOSED, 16, "closed")                                                                        \
    X(UNSUPPORTED, 17, "not supported")                                                            \
    X(PROTO, 18, "breaks the protocol")

enum fa_errcode {
#define X(name, number, text) FA_E##name = -(number),
    FA_ERR_LIST(X)
#undef X
};

/* Filled by the function that fails; never NULL where asked for. line and col are 1-based, 0: none.
 */
struct fa_err {
    int code;
    uint32_t line, col;
    char file[160];
    char text[512];
};

/* Each sets *err and returns code, so that a caller writes `return fa_err_set(...)`. */
int fa_err_set(struct fa_err *err, int code, const char *fmt, ...) FA_PRINTF(3, 4);
int fa_err_at(struct fa_err *err, int code, const char *file, uint32_t line, uint32_t col,
              const char *fmt, ...) FA_PRINTF(6, 7);
/* Puts "prefix: " before the text: outer layers say what they were doing. Returns err->code. */
int fa_err_wrap(struct fa_err *err, const char *fmt, ...) FA_PRINTF(2, 3);
/* "file:line:col: text" with the parts that are known; returns buf. */
const char *fa_err_format(const struct fa_err *err, char *buf, size_t size);
/* The code's own words, e.g. "not found"; never NULL. */
const char *fa_err_words(int code);

#endif
