/* SPDX-License-Identifier: MIT */
/* Paths and query strings, decoded strictly: a broken %-escape or a control character is an error
 * and never half a value. */
#ifndef FA_NET_QUERY_H
#define FA_NET_QUERY_H

#include "base/buf.h"

/* Decodes the path of a request target into *out (appended). FA_EPARSE: broken escape, a path that
 * does not begin with "/"; FA_EINVAL: NUL, blank or control character after decoding, or bytes
 * that are not UTF-8; FA_ETOOBIG. "%2F" stays apart from "/" in no way: a route that cares must
 * not take free text in a path. Dot segments are not resolved: no route is a file. */
int fa_path_decode(struct fa_str path, struct fa_buf *out) FA_MUST_CHECK;

/* Walks "a=1&b&c=%20x": "&" alone separates, a name without "=" has an empty value, empty pieces
 * are skipped, "+" is a blank. */
struct fa_query {
    struct fa_str rest; /* not walked yet */
    struct fa_buf name, value;
};
/* text is borrowed until fa_query_done(). */
void fa_query_init(struct fa_query *query, struct fa_str text);
void fa_query_done(struct fa_query *query);
/* 1: query->name and query->value hold the next pair; 0: the end; FA_EPARSE: broken escape or
 * empty name; FA_EINVAL: NUL in it or not UTF-8. */
int fa_query_next(struct fa_query *query) FA_MUST_CHECK;
/* The first value of name, decoded into *out (cleared first). FA_ENOTFOUND without one; every pair
 * is checked, so that the errors above do not depend on the order. */
int fa_query_get(struct fa_str text, const char *name, struct fa_buf *out) FA_MUST_CHECK;

#endif
