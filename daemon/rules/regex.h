/* SPDX-License-Identifier: MIT */
/* Regular expressions of matchers and label_replace(): anchored at both ends, a dot takes every
 * character, and only what can be matched in linear time: no back-references, no look-around, no
 * atomic groups, no recursion. */
#ifndef FA_RULES_REGEX_H
#define FA_RULES_REGEX_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>

struct fa_regex {
    struct fa_regex *next; /* the owner's list */
    void *code, *data;     /* the library's */
};

/* FA_EPARSE (err->col is the place within the pattern, 1-based) or FA_EUNSUPPORTED. */
int fa_regex_new(struct fa_str pattern, struct fa_regex **ret, struct fa_err *err) FA_MUST_CHECK;
void fa_regex_free(struct fa_regex *regex); /* accepts NULL */
bool fa_regex_matches(const struct fa_regex *regex, struct fa_str text);
/* When text matches, appends `to` with $1, ${1}, $name, ${name} and $$ replaced; false: no match.
 * Takes a step limit, beyond which it is no match and *ret_over is true. */
bool fa_regex_expand(const struct fa_regex *regex, struct fa_str text, struct fa_str to,
                     struct fa_buf *buf, bool *ret_over);

#endif
