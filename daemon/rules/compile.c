/* SPDX-License-Identifier: MIT */
/* The short form as an expression tree. All series that fall together under `per` are one
 * population:
 *
 *   last      newest(m) or newest(last_over_time(m[over]))
 *   avg share sum(sum_over_time(m[over])) / sum(count_over_time(m[over]))
 *   min max   min(min_over_time(m[over]))           max likewise
 *   sum count sum(sum_over_time(m[over]))           count likewise
 *   rate increase  sum(rate(m[over]))               increase likewise
 *   pNN       sketch_quantile(NN / 100, sketch_over_time(m[over]))
 *   at_least  ... and (sum(samples_over_time(m[over])) >= at_least)
 *
 * `share` is `avg` of samples that are 0 or 1; it has a name of its own because that is what people
 * mean. A rule of `absent` reads the newest sample; only its time matters.
 *
 * increase and rate here are what the samples say: the sum of differences, each found at the later
 * of its two samples, and of deltas. Nothing is extrapolated to the window's edges, so three
 * complaints are 3 and not 3.2; PromQL text will have functions of its own for its own meaning. */
#include "rules/expr.h"
#include "base/panic.h"

static struct fa_expr *new_expr(enum fa_expr_kind kind)
{
    struct fa_expr *expr = fa_xcalloc(1, sizeof *expr);
    expr->kind = kind;
    return expr;
}

static struct fa_expr *new_number(double number)
{
    struct fa_expr *expr = new_expr(FA_EXPR_NUMBER);
    expr->u.number = number;
    return expr;
}

static struct fa_expr *new_selector(const struct fa_metric_rule *rule, fa_time range)
{
    struct fa_expr *expr = new_expr(FA_EXPR_SELECTOR);
    expr->u.selector.metric = rule->metric;
    expr->u.selector.matches = rule->matches;
    expr->u.selector.match_count = rule->match_count;
    expr->u.selector.range = range;
    expr->u.selector.look_back = rule->look_back > 0 ? rule->look_back : FA_LOOK_BACK;
    return expr;
}

static struct fa_expr *new_binary(enum fa_op op, struct fa_expr *left, struct fa_expr *right)
{
    struct fa_expr *expr = new_expr(FA_EXPR_BINARY);
    expr->u.binary.op = op;
    expr->u.binary.left = left;
    expr->u.binary.right = right;
    return expr;
}

static struct fa_expr *new_aggregate(const struct fa_metric_rule *rule, enum fa_agg agg,
                                     struct fa_expr *arg)
{
    struct fa_expr *expr = new_expr(FA_EXPR_AGGREGATE);
    expr->u.aggregate.agg = agg;
    expr->u.aggregate.param = rule->quantile;
    expr->u.aggregate.by = rule->per;
    expr->u.aggregate.by_count = rule->per_count;
    expr->u.aggregate.arg = arg;
    return expr;
}

/* agg(fn(metric[over])) */
static struct fa_expr *population(const struct fa_metric_rule *rule, enum fa_agg agg, enum fa_fn fn)
{
    struct fa_expr *call = new_expr(FA_EXPR_CALL);
    call->u.call.fn = fn;
    call->u.call.arg = new_selector(rule, rule->over);
    return new_aggregate(rule, agg, call);
}

static struct fa_expr *value_of(const struct fa_metric_rule *rule)
{
    switch (rule->take) {
    case FA_TAKE_LAST:
        return rule->over > 0 ? population(rule, FA_AGG_NEWEST, FA_FN_LAST_OVER_TIME)
                              : new_aggregate(rule, FA_AGG_NEWEST, new_selector(rule, 0));
    case FA_TAKE_AVG:
    case FA_TAKE_SHARE:
        return new_binary(FA_OP_DIV, population(rule, FA_AGG_SUM, FA_FN_SUM_OVER_TIME),
                          population(rule, FA_AGG_SUM, FA_FN_COUNT_OVER_TIME));
    case FA_TAKE_MIN:
        return population(rule, FA_AGG_MIN, FA_FN_MIN_OVER_TIME);
    case FA_TAKE_MAX:
        return population(rule, FA_AGG_MAX, FA_FN_MAX_OVER_TIME);
    case FA_TAKE_SUM:
        return population(rule, FA_AGG_SUM, FA_FN_SUM_OVER_TIME);
    case FA_TAKE_COUNT:
        return population(rule, FA_AGG_SUM, FA_FN_COUNT_OVER_TIME);
    case FA_TAKE_RATE:
        return population(rule, FA_AGG_SUM, FA_FN_RATE);
    case FA_TAKE_INCREASE:
        return population(rule, FA_AGG_SUM, FA_FN_INCREASE);
    case FA_TAKE_QUANTILE:
        return population(rule, FA_AGG_SKETCH_QUANTILE, FA_FN_SKETCH_OVER_TIME);
    case FA_TAKE__COUNT:
        break;
    }
    fa_panic(__FILE__, __LINE__, "a take that is none");
}

struct fa_expr *fa_compile(const struct fa_metric_rule *rule)
{
    if (rule->absent > 0) {
        return new_aggregate(rule, FA_AGG_NEWEST, new_selector(rule, 0));
    }
    fa_assert(rule->over > 0 || rule->take == FA_TAKE_LAST);
    struct fa_expr *value = value_of(rule);
    if (rule->at_least > 0 && rule->over > 0) {
        struct fa_expr *samples = population(rule, FA_AGG_SUM, FA_FN_SAMPLES_OVER_TIME);
        struct fa_expr *enough = new_binary(FA_OP_GE, samples, new_number((double)rule->at_least));
        return new_binary(FA_OP_AND, value, enough);
    }
    return value;
}
