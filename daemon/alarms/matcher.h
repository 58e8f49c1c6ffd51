/* SPDX-License-Identifier: MIT */
/* Which alarms are meant: matchers over an alarm's rule, severity, category and labels, written as
 * people write them:
 *
 *   rule=queue-slow   site!=lab   site=~"eu-.*"   customer!~"Test.*"
 *
 * `rule`, `severity` and `category` are the alarm's own, whatever labels it has; any other name is
 * a label, and one that is not there is empty. Regular expressions are anchored. All of a list must
 * hold. */
#ifndef FA_ALARMS_MATCHER_H
#define FA_ALARMS_MATCHER_H

#include "base/buf.h"
#include "rules/promql.h"

#define FA_MATCHERS_MAX      16
#define FA_MATCHER_VALUE_MAX 500 /* bytes */

struct fa_matcher {
    enum fa_promql_match kind;
    char *name, *value;     /* owned */
    struct fa_regex *regex; /* owned; of the two regular kinds */
};

struct fa_matchers {
    struct fa_matcher *list; /* owned */
    size_t count;
};

/* Appends one. FA_EPARSE: it cannot be read; FA_EUNSUPPORTED: its regular expression has what is
 * not matched here; FA_EFULL: there are FA_MATCHERS_MAX. err says what would be right. */
int fa_matchers_add(struct fa_matchers *matchers, struct fa_str text,
                    struct fa_err *err) FA_MUST_CHECK;
/* FA_EINVAL: none of them asks for anything to be there, so that they would take nearly all. */
int fa_matchers_check(const struct fa_matchers *matchers, struct fa_err *err) FA_MUST_CHECK;
void fa_matchers_done(struct fa_matchers *matchers);
void fa_matchers_copy(const struct fa_matchers *matchers, struct fa_matchers *ret_copy);
bool fa_matchers_eq(const struct fa_matchers *a, const struct fa_matchers *b);
/* Appends `rule="queue-slow", site=~"eu-.*"`; each alone can be read again by fa_matchers_add(). */
void fa_matchers_format(const struct fa_matchers *matchers, struct fa_buf *buf);
void fa_matcher_format(const struct fa_matcher *matcher, struct fa_buf *buf);

/* An alarm, or a rule of which nothing but the labels is open. */
struct fa_labels;
struct fa_matched {
    const char *rule, *severity, *category;
    const char *labels; /* canonical text; NULL: any */
    struct fa_labels *parsed;
    bool tried;
};
void fa_matched_done(struct fa_matched *matched);
/* Borrowed until fa_matched_done(); empty: it has no such label. */
struct fa_str fa_matched_value(struct fa_matched *matched, const char *name);
/* With labels NULL: could it hold for some labels? */
bool fa_matchers_match(const struct fa_matchers *matchers, struct fa_matched *matched);
/* May both hold for one alarm? Never false when there is one; of two regular expressions, and of
 * what is excluded, it is not asked. */
bool fa_matchers_meet(const struct fa_matchers *a, const struct fa_matchers *b);

#endif
