/* SPDX-License-Identifier: MIT */
/* Slices of bytes that somebody else owns, and the strict parsers of small values: numbers without
 * a locale, durations, UTF-8. A slice is not NUL-terminated and is borrowed. */
#ifndef FA_BASE_STR_H
#define FA_BASE_STR_H

#include "base/err.h"
#include "base/time.h"

#include <stdbool.h>

struct fa_str {
    const char *ptr;
    size_t len;
};

#define FA_STR(literal) ((struct fa_str){(literal), sizeof(literal) - 1})
/* For printf's "%.*s". */
#define FA_STR_ARG(str) (int)(str).len, (str).ptr

/* NULL gives an empty slice. */
struct fa_str fa_str_of(const char *text);
bool fa_str_eq(struct fa_str a, struct fa_str b);
bool fa_str_is(struct fa_str a, const char *text);
bool fa_str_starts(struct fa_str a, const char *prefix);
/* memcmp order, shorter first. */
int fa_str_cmp(struct fa_str a, struct fa_str b);
/* Blanks and tabs off both ends. */
struct fa_str fa_str_trim(struct fa_str a);
/* Up to `sep`; *rest is what follows it. Without `sep`: all of it, and *rest is empty with a NULL
 * ptr. Works when a and *rest are the same. */
struct fa_str fa_str_cut(struct fa_str a, char sep, struct fa_str *rest);

/* Decimal or scientific only, the whole slice; no blanks, hex, Inf or NaN: FA_EPARSE. An overflow
 * is FA_ERANGE. Correctly rounded. */
int fa_parse_double(struct fa_str text, double *ret_value) FA_MUST_CHECK;
int fa_parse_i64(struct fa_str text, int64_t *ret_value) FA_MUST_CHECK;
int fa_parse_u64(struct fa_str text, uint64_t *ret_value) FA_MUST_CHECK;
/* The shortest text that reads back as the same number; buf of 32 bytes. */
const char *fa_format_double(double value, char buf[32]);

/* Durations are written as number and unit, several in falling order: 250ms 15s 15m 1h30m 2d 1w.
 * Negative, empty or unitless text is FA_EPARSE; more than 100 years FA_ERANGE. */
int fa_parse_duration(struct fa_str text, fa_time *ret_ms) FA_MUST_CHECK;
/* The same notation, e.g. "1h30m"; buf of 40 bytes. */
const char *fa_format_duration(fa_time ms, char buf[40]);

/* A duration, or "2 business days", "4 business hours": then the measure says so. The same faults.
 */
int fa_parse_measured(struct fa_str text, fa_time *ret_length,
                      enum fa_measure *ret_measure) FA_MUST_CHECK;
/* The same notation, "1.5 business days" where it is no whole number; buf of 40 bytes. */
const char *fa_format_measured(fa_time length, enum fa_measure measure, char buf[40]);

/* RFC 3339 from 1970 on, the whole slice: "2026-11-22T08:15:00Z", with a fraction of a second (cut
 * to milliseconds) or an offset. FA_EPARSE: any other form, or a date or time that does not exist.
 */
int fa_parse_time(struct fa_str text, fa_time *ret_wall) FA_MUST_CHECK;
/* Since when something is so: a day ("2026-11-20", which begins at UTC) or RFC 3339, from 1970 on
 * and not after now, but for a day, as clocks and zones differ. now FA_NEVER: any future will do.
 * FA_EPARSE and FA_ERANGE, with what is wrong and what to write. */
int fa_parse_since(struct fa_str text, fa_time now, fa_time *ret_wall,
                   struct fa_err *err) FA_MUST_CHECK;

/* Well-formed UTF-8 without surrogates and overlong forms. */
bool fa_utf8_valid(struct fa_str text);
/* How many bytes of text make a whole number of characters and are at most max. */
size_t fa_utf8_cut(struct fa_str text, size_t max);
/* What people type or paste for an id, a receipt or a code, in plain characters: dashes and blanks
 * of any kind are '-', full-width forms are ASCII, and what nobody sees (soft hyphens, blanks
 * without width, marks of direction) is left out; all else stays. Gives the length, which is never
 * more than text's; out may be where text lies. */
size_t fa_str_typed(struct fa_str text, char *out);
/* True if a byte below 0x20 or 0x7f is in it. */
bool fa_str_has_control(struct fa_str text);

/* The candidate nearest to `word` by edit distance, NULL if none is near enough to suggest.
 * candidates may hold NULLs. */
const char *fa_suggest(const char *word, const char *const *candidates, size_t count);

#endif
