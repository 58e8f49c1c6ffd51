/* SPDX-License-Identifier: MIT */
/* Which samples cannot change what a label set says, so that they need no evaluation. A property of
 * the plan: it is read off the expression tree, and a tree of no known shape is evaluated always.
 */
#ifndef FA_RULES_QUIET_H
#define FA_RULES_QUIET_H

#include "metrics/watch.h"
#include "rules/expr.h"
#include "rules/signal.h"

enum fa_shape_kind {
    FA_SHAPE_NONE,
    FA_SHAPE_NEWEST,   /* the newest value */
    FA_SHAPE_MIN,      /* the least of all in the window */
    FA_SHAPE_MAX,      /* the largest */
    FA_SHAPE_SUM,      /* of value * weight */
    FA_SHAPE_COUNT,    /* of weight */
    FA_SHAPE_INCREASE, /* of increases, divided by `per` */
    FA_SHAPE_MEAN,     /* SUM / COUNT */
};
struct fa_shape {
    enum fa_shape_kind kind;
    double per;
};

struct fa_shape fa_shape_of(const struct fa_expr *expr);

/* What an evaluation found. */
struct fa_quiet_facts {
    enum fa_level level;
    bool held, covered;
    double value, worst; /* NaN: none */
    double count;        /* of the window's samples: sum of weights */
    double largest;      /* |value| of any of them is not over it */
};

/* May what comes be left alone for a while? True: *ret_quiet says what of it. */
bool fa_quiet_find(const struct fa_metric_rule *rule, struct fa_shape shape,
                   const struct fa_quiet_facts *facts, struct fa_quiet *ret_quiet);

#endif
