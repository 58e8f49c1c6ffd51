/* SPDX-License-Identifier: MIT */
/* What an expression needs from metrics/: one leaf for each different selector and range in it.
 * Selectors of one leaf are numbered alike and read the same window. */
#ifndef FA_RULES_PLAN_H
#define FA_RULES_PLAN_H

#include "rules/expr.h"

#define FA_PLAN_LEAVES 8

struct fa_plan_leaf {
    const struct fa_expr *selector; /* the first of them; borrowed from the tree */
    fa_time over;                   /* 0: the newest sample only */
    bool sketch;
};
struct fa_plan {
    struct fa_plan_leaf leaves[FA_PLAN_LEAVES];
    size_t count;
};

/* Numbers the tree's selectors. More than FA_PLAN_LEAVES different ones are a bug of the compiler.
 */
void fa_plan(struct fa_expr *expr, struct fa_plan *ret_plan);

#endif
