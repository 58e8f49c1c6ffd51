/* SPDX-License-Identifier: MIT */
/* The tree evaluator. A tree is evaluated for one label set at a time: its aggregates all group by
 * the same labels (compile.c and, later, the PromQL planner see to that), so each aggregate runs
 * over the label set's own series and the operators between aggregates work on plain numbers.
 *
 * Invariants: no value stays no value through every operator; a comparison keeps its left side or
 * nothing (PromQL's filter); a result that is not finite, such as a division by zero, is no value.
 * Samples of one time in a population: the larger is its newest.
 *
 * A window is summed up again only when its series got a sample or one left: everything else reads
 * the summary kept in the member. Sketches are merged anew each time. */
#include "rules/eval.h"
#include "base/panic.h"

#include <math.h>

void fa_member_refresh(struct fa_member *member, fa_time over, fa_time now)
{
    uint32_t version = fa_link_version(member->link);
    if (over == 0 || (member->read && version == member->version &&
                      now < member->summary->next_at && now >= member->read_at)) {
        return;
    }
    fa_link_read(member->link, now, over, member->summary, NULL);
    member->version = version;
    member->read = true;
    member->read_at = now;
}

/* A function of one series' window. */
static bool call_value(enum fa_fn fn, const struct fa_summary *summary, fa_time range,
                       double *ret_value)
{
    double value = 0;
    switch (fn) {
    case FA_FN_LAST_OVER_TIME:
        value = summary->last;
        break;
    case FA_FN_MIN_OVER_TIME:
        value = summary->min;
        break;
    case FA_FN_MAX_OVER_TIME:
        value = summary->max;
        break;
    case FA_FN_SUM_OVER_TIME:
        value = summary->sum;
        break;
    case FA_FN_COUNT_OVER_TIME:
        value = summary->count;
        break;
    case FA_FN_SAMPLES_OVER_TIME:
        value = (double)summary->samples;
        break;
    case FA_FN_INCREASE:
        value = summary->increase;
        break;
    case FA_FN_RATE:
        value = summary->increase / ((double)range / (double)FA_SECOND);
        break;
    case FA_FN_SKETCH_OVER_TIME:
    case FA_FN__COUNT:
        return false;
    }
    *ret_value = value;
    bool is_increase = fn == FA_FN_INCREASE || fn == FA_FN_RATE;
    return summary->samples > 0 && (!is_increase || summary->has_increase);
}

/* The operand of an aggregate for one member, and the time of the sample it is from. */
static bool member_value(const struct fa_eval *eval, const struct fa_expr *expr,
                         const struct fa_member *member, double *ret_value, fa_time *ret_at)
{
    if (expr->kind == FA_EXPR_SELECTOR) {
        return fa_link_newest(member->link, ret_at, ret_value) &&
               *ret_at > eval->now - expr->u.selector.look_back;
    }
    fa_assert(expr->kind == FA_EXPR_CALL);
    *ret_at = member->summary->last_at;
    return call_value(expr->u.call.fn, member->summary, expr->u.call.arg->u.selector.range,
                      ret_value);
}

static const struct fa_expr *selector_of(const struct fa_expr *expr)
{
    return expr->kind == FA_EXPR_CALL ? expr->u.call.arg : expr;
}

static bool eval_quantile(const struct fa_eval *eval, const struct fa_expr *expr, double *ret_value)
{
    const struct fa_expr *selector = selector_of(expr->u.aggregate.arg);
    fa_sketch_clear(eval->scratch);
    const struct fa_member *member = eval->leaves[selector->u.selector.leaf].first;
    for (; member != NULL; member = member->next) {
        struct fa_summary summary;
        fa_link_read(member->link, eval->now, selector->u.selector.range, &summary, eval->scratch);
    }
    *ret_value = fa_sketch_quantile(eval->scratch, expr->u.aggregate.param);
    return eval->scratch->count > 0;
}

struct sum {
    bool any;
    double value;
    fa_time at; /* of the newest */
};

static void add_to_sum(struct sum *sum, enum fa_agg agg, double value, fa_time at)
{
    if (!sum->any) {
        *sum = (struct sum){true, value, at};
        return;
    }
    switch (agg) {
    case FA_AGG_SUM:
        sum->value += value;
        break;
    case FA_AGG_MIN:
        sum->value = fmin(sum->value, value);
        break;
    case FA_AGG_MAX:
        sum->value = fmax(sum->value, value);
        break;
    case FA_AGG_NEWEST:
        sum->value = at > sum->at || (at == sum->at && value > sum->value) ? value : sum->value;
        sum->at = at > sum->at ? at : sum->at;
        break;
    case FA_AGG_SKETCH_QUANTILE:
    case FA_AGG__COUNT:
        break;
    }
}

static bool eval_aggregate(const struct fa_eval *eval, const struct fa_expr *expr,
                           double *ret_value)
{
    if (expr->u.aggregate.agg == FA_AGG_SKETCH_QUANTILE) {
        return eval_quantile(eval, expr, ret_value);
    }
    const struct fa_expr *arg = expr->u.aggregate.arg;
    struct sum sum = {0};
    const struct fa_member *member = eval->leaves[selector_of(arg)->u.selector.leaf].first;
    for (; member != NULL; member = member->next) {
        double value;
        fa_time at;
        if (member_value(eval, arg, member, &value, &at)) {
            add_to_sum(&sum, expr->u.aggregate.agg, value, at);
        }
    }
    *ret_value = sum.value;
    return sum.any;
}

static bool apply(enum fa_op op, double left, double right, double *ret_value)
{
    *ret_value = left;
    switch (op) {
    case FA_OP_ADD:
        *ret_value = left + right;
        return true;
    case FA_OP_SUB:
        *ret_value = left - right;
        return true;
    case FA_OP_MUL:
        *ret_value = left * right;
        return true;
    case FA_OP_DIV:
        *ret_value = right != 0 ? left / right : 0;
        return right != 0;
    case FA_OP_GT:
        return left > right;
    case FA_OP_GE:
        return left >= right;
    case FA_OP_LT:
        return left < right;
    case FA_OP_LE:
        return left <= right;
    case FA_OP_AND:
        return true;
    case FA_OP__COUNT:
        break;
    }
    return false;
}

bool fa_eval(const struct fa_eval *eval, const struct fa_expr *expr, double *ret_value)
{
    double value = 0, right = 0;
    bool any = false;
    if (expr->kind == FA_EXPR_NUMBER) {
        value = expr->u.number;
        any = true;
    } else if (expr->kind == FA_EXPR_AGGREGATE) {
        any = eval_aggregate(eval, expr, &value);
    } else if (expr->kind == FA_EXPR_BINARY) {
        any = fa_eval(eval, expr->u.binary.left, &value) &&
              fa_eval(eval, expr->u.binary.right, &right) &&
              apply(expr->u.binary.op, value, right, &value);
    } else {
        fa_panic(__FILE__, __LINE__, "a series where a number is wanted");
    }
    if (any && isfinite(value)) {
        *ret_value = value;
        return true;
    }
    return false;
}
