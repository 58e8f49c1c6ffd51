/* SPDX-License-Identifier: MIT */
/* Which samples cannot change what a label set says, so that they need no evaluation. A property of
 * the plan: it is read off the expression tree, and a tree of no known shape is evaluated always.
 */
#ifndef FA_RULES_QUIET_H
#define FA_RULES_QUIET_H

#include "metrics/watch.h"
#include "rules/plan.h"
#include "rules/signal.h"

/* What adds up comes last. */
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

/* Of an expression without its thresholds. */
struct fa_shape fa_shape_of(const struct fa_plan_tree *tree, const struct fa_promql_node *node);

/* Are bounds of it kept as sums (FA_QUIET_ROOM)? */
bool fa_shape_adds_up(enum fa_shape_kind kind);

/* Where a number makes a rule fire, as the short form says it: past above or below, strictly. */
struct fa_limits {
    bool has_above, has_below, has_clear_below, has_clear_above;
    double above, below, clear_below, clear_above;
    bool or_equal; /* it was written so: above or below lie beside `written` */
    double written;
};
/* Of a comparison with a number: the limits, and what is compared. False: it is none, or one that
 * cannot be said so. */
bool fa_limits_of(const struct fa_promql_node *root, struct fa_limits *ret_limits,
                  const struct fa_promql_node **ret_node);

/* How near the number is to a threshold, in thousandths of it; 0: not within FA_NEAR_LEFT, or past
 * it. Of a threshold of 0 nothing is near. */
#define FA_NEAR      900u /* within a tenth it is near */
#define FA_NEAR_LEFT 850u /* and stays so until it is here */
#define FA_NEAR_STEP 10u  /* how exactly it is known how near it came */
uint32_t fa_nearness(const struct fa_limits *limits, double value);

/* What an evaluation found. */
struct fa_quiet_facts {
    bool minds_near; /* that it comes near, nearer, or goes is to be evaluated */
    bool is_near;
    bool is_absent; /* only silence counts, not the number */
    enum fa_level level;
    bool held, covered;
    double value, worst; /* NaN: none */
    double count;        /* of the window's samples: sum of weights */
    double largest;      /* |value| of any of them is not over it */
};

/* May what comes be left alone for a while? True: *ret_quiet says what of it. */
bool fa_quiet_find(const struct fa_limits *limits, struct fa_shape shape,
                   const struct fa_quiet_facts *facts, struct fa_quiet *ret_quiet);

#endif
