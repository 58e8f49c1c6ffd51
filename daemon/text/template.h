/* SPDX-License-Identifier: MIT */
/* The one template language, for summaries, mails, pages and subjects:
 *
 *   text {field} text {field|filter|filter:ARGUMENT} {{ is a brace, }} is one too
 *
 * A template is compiled once (errors carry the column), checked against the names that will be
 * known (config does that), and rendered as often as needed. A value is escaped for the place it
 * lands in; the template's own text is not, except that a header or JSON string stays one.
 *
 *   duration   seconds as a number        312        -> 5 min 12 s
 *   time       milliseconds since 1970    (a number) -> 22 Nov 08:15 UTC (25 min ago)
 *   number     thousands, few digits      12345.678  -> 12,346
 *   percent    a fraction                 0.0234     -> 2.3 %
 *   upper, lower                          ASCII letters only
 *   default:TEXT                          what stands for a value that is absent or empty
 *
 * A value that a number filter cannot read passes unchanged; an absent one without a default
 * renders as "?", so that a message is never lost for a missing word. */
#ifndef FA_TEXT_TEMPLATE_H
#define FA_TEXT_TEMPLATE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "base/time.h"
#include "text/reader.h"

#define FA_TEMPLATE_SOURCE_MAX ((size_t)64 * 1024) /* bytes */

enum fa_escape {
    FA_ESCAPE_PLAIN,  /* newline stays, other control characters become blanks */
    FA_ESCAPE_HTML,   /* fit for element text and quoted attributes */
    FA_ESCAPE_HEADER, /* one line: every control character becomes a blank */
    FA_ESCAPE_JSON,   /* fit for the inside of a JSON string */
    FA_ESCAPE__COUNT
};

struct fa_template_field {
    const char *name;
    struct fa_str value;
};

/* False: there is no such field. The value is borrowed until the render returns. */
typedef bool fa_template_find_fn(void *ctx, struct fa_str name, struct fa_str *ret_value);

struct fa_template_input {
    const struct fa_template_field *fields; /* looked up first; may be NULL */
    size_t field_count;
    fa_template_find_fn *find; /* then this; may be NULL */
    void *ctx;
    enum fa_escape escape;
    fa_time now;                        /* wall; for "25 min ago"; 0: say no such thing */
    fa_reader_zone_fn *zone_at;         /* NULL: UTC */
    const void *zone;                   /* its first argument */
    const struct fa_language *language; /* of times, lengths and numbers; NULL: English */
};

struct fa_template;

/* FA_EPARSE with err->col (1-based, bytes) and, for an unknown filter, the nearest one; FA_ETOOBIG.
 * The source is copied. */
int fa_template_compile(struct fa_str source, struct fa_template **ret_template,
                        struct fa_err *err) FA_MUST_CHECK;
void fa_template_free(struct fa_template *tpl); /* accepts NULL */

/* Are all its fields among `known`? FA_ENOTFOUND names the first that is not, its column and the
 * nearest known name. `known` may hold NULLs. */
int fa_template_check(const struct fa_template *tpl, const char *const *known, size_t count,
                      struct fa_err *err) FA_MUST_CHECK;

/* Appends to out. FA_ETOOBIG: out's limit was reached; out then holds what fitted, whole characters
 * and whole escapes, and is good to send; out->over is cleared. */
int fa_template_render(const struct fa_template *tpl, const struct fa_template_input *input,
                       struct fa_buf *out) FA_MUST_CHECK;

/* Appends one value escaped for its place. Bytes that are no UTF-8 become U+FFFD. Same result. */
int fa_escape_put(struct fa_buf *out, enum fa_escape escape, struct fa_str value) FA_MUST_CHECK;

#endif
