/* SPDX-License-Identifier: MIT */
/* Walks a tree once and collects its leaves. Two selectors share a leaf when they name the same
 * series (texts are borrowed from one rule, so equal means the same pointer) and the same range; a
 * leaf keeps sketches when one of its readers needs them. */
#include "rules/plan.h"
#include "base/panic.h"

static void add_leaf(struct fa_plan *plan, struct fa_expr *selector, bool sketch)
{
    size_t i = 0;
    while (i < plan->count &&
           !(plan->leaves[i].selector->u.selector.metric == selector->u.selector.metric &&
             plan->leaves[i].selector->u.selector.matches == selector->u.selector.matches &&
             plan->leaves[i].over == selector->u.selector.range)) {
        i++;
    }
    fa_assert(i < FA_PLAN_LEAVES);
    if (i == plan->count) {
        plan->leaves[i].selector = selector;
        plan->leaves[i].over = selector->u.selector.range;
        plan->count++;
    }
    plan->leaves[i].sketch = plan->leaves[i].sketch || sketch;
    selector->u.selector.leaf = i;
}

static void walk(struct fa_plan *plan, struct fa_expr *expr, bool sketch)
{
    switch (expr->kind) {
    case FA_EXPR_SELECTOR:
        add_leaf(plan, expr, sketch);
        break;
    case FA_EXPR_CALL:
        walk(plan, expr->u.call.arg, expr->u.call.fn == FA_FN_SKETCH_OVER_TIME);
        break;
    case FA_EXPR_AGGREGATE:
        walk(plan, expr->u.aggregate.arg, false);
        break;
    case FA_EXPR_BINARY:
        walk(plan, expr->u.binary.left, false);
        walk(plan, expr->u.binary.right, false);
        break;
    case FA_EXPR_NUMBER:
    case FA_EXPR__COUNT:
        break;
    }
}

void fa_plan(struct fa_expr *expr, struct fa_plan *ret_plan)
{
    *ret_plan = (struct fa_plan){0};
    walk(ret_plan, expr, false);
}
