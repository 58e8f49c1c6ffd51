/* SPDX-License-Identifier: MIT */
/* Percent-decoding for paths and queries, and the walk over a query's pairs.
 *
 * What others do and this does not: drop every parameter for a lone name, leave "%zz" as it is, cut
 * a value at "%00". Every value is either decoded whole or an error.
 * Tests: tests/unit/test_net_query.c, tests/fuzz/fuzz_query.c. */
#include "net/query.h"

#include <string.h>

#define QUERY_VALUE_MAX 65536 /* bytes; the head's own limit is below it */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Appends the decoded text. NUL is FA_EINVAL here already. */
static int decode(struct fa_str text, bool plus_is_blank, struct fa_buf *out)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '%') {
            int high = i + 2 < text.len ? hex_digit(text.ptr[i + 1]) : -1;
            int low = high >= 0 ? hex_digit(text.ptr[i + 2]) : -1;
            if (low < 0) {
                return FA_EPARSE;
            }
            c = (char)(high * 16 + low);
            i += 2;
        } else if (c == '+' && plus_is_blank) {
            c = ' ';
        }
        if (c == '\0') {
            return FA_EINVAL;
        }
        fa_buf_putc(out, c);
    }
    return out->over ? FA_ETOOBIG : 0;
}

int fa_path_decode(struct fa_str path, struct fa_buf *out)
{
    if (path.len == 0 || path.ptr[0] != '/') {
        return FA_EPARSE;
    }
    size_t start = out->len;
    int rc = decode(path, false, out);
    if (rc != 0) {
        return rc;
    }
    struct fa_str decoded = {out->data + start, out->len - start};
    if (fa_str_has_control(decoded) || memchr(decoded.ptr, ' ', decoded.len) != NULL ||
        !fa_utf8_valid(decoded)) {
        return FA_EINVAL;
    }
    return 0;
}

void fa_query_init(struct fa_query *query, struct fa_str text)
{
    query->rest = text;
    fa_buf_init(&query->name, QUERY_VALUE_MAX);
    fa_buf_init(&query->value, QUERY_VALUE_MAX);
}

void fa_query_done(struct fa_query *query)
{
    fa_buf_done(&query->name);
    fa_buf_done(&query->value);
}

static int decode_part(struct fa_str text, struct fa_buf *out)
{
    fa_buf_clear(out);
    int rc = decode(text, true, out);
    return rc == 0 && !fa_utf8_valid(fa_buf_str(out)) ? FA_EINVAL : rc;
}

int fa_query_next(struct fa_query *query)
{
    struct fa_str piece = {NULL, 0};
    while (piece.len == 0) {
        if (query->rest.len == 0) {
            return 0;
        }
        piece = fa_str_cut(query->rest, '&', &query->rest);
    }
    struct fa_str value;
    struct fa_str name = fa_str_cut(piece, '=', &value);
    if (name.len == 0) {
        return FA_EPARSE;
    }
    int rc = decode_part(name, &query->name);
    rc = rc == 0 ? decode_part(value, &query->value) : rc;
    return rc == 0 ? 1 : rc;
}

int fa_query_get(struct fa_str text, const char *name, struct fa_buf *out)
{
    struct fa_query query;
    bool found = false;
    int rc;
    fa_buf_clear(out);
    fa_query_init(&query, text);
    while ((rc = fa_query_next(&query)) > 0) {
        if (!found && fa_str_is(fa_buf_str(&query.name), name)) {
            fa_buf_putstr(out, fa_buf_str(&query.value));
            found = true;
        }
    }
    fa_query_done(&query);
    if (rc == 0) {
        rc = !found ? FA_ENOTFOUND : out->over ? FA_ETOOBIG : 0;
    }
    return rc;
}
