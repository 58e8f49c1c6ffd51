/* SPDX-License-Identifier: MIT */
/* A label set's number and level stay what they are as long as the number stays within bounds:
 *
 *   level                        bounds
 *   clear, or warming and not    the thresholds it would fire past
 *   past a threshold
 *   firing                       from where it would clear to the worst value signalled: past that
 *                                it is signalled again
 *   anything else                none: every sample is evaluated
 *
 * Time alone changes a level too (a sample leaves the window, the window gets covered, the newest
 * sample gets old), but that is what the label set's own time is armed for, and until then samples
 * are only added. So it is enough that what is added keeps the number within the bounds:
 *
 *   newest      each new value is within
 *   min, max    no new value is past the one bound it can move the number to
 *   sums        what is added towards a bound is less than the distance to it; what is added away
 *               from it is not believed to come back, so the distance only shrinks
 *   mean        the same of the distance sum(w * (bound - v)): a sample within the bounds never
 *               uses any of it
 *
 * The distance is cut by a margin for the rounding of the sums it is compared with. An alarm that
 * worsens, clears or starts is thus always found by the full evaluation; this file decides only
 * when that may be left out. Tested against evaluating always: tests/unit/test_rules_quiet.c. */
#include "rules/quiet.h"

#include <math.h>

#define MARGIN 1e-9

static const struct {
    enum fa_agg agg;
    enum fa_fn fn;
    enum fa_shape_kind kind;
} CALLS[] = {
    {FA_AGG_NEWEST, FA_FN_LAST_OVER_TIME, FA_SHAPE_NEWEST},
    {FA_AGG_MIN, FA_FN_MIN_OVER_TIME, FA_SHAPE_MIN},
    {FA_AGG_MAX, FA_FN_MAX_OVER_TIME, FA_SHAPE_MAX},
    {FA_AGG_SUM, FA_FN_SUM_OVER_TIME, FA_SHAPE_SUM},
    {FA_AGG_SUM, FA_FN_COUNT_OVER_TIME, FA_SHAPE_COUNT},
    {FA_AGG_SUM, FA_FN_INCREASE, FA_SHAPE_INCREASE},
    {FA_AGG_SUM, FA_FN_RATE, FA_SHAPE_INCREASE},
};

static struct fa_shape shape_of_aggregate(const struct fa_expr *expr)
{
    struct fa_shape shape = {FA_SHAPE_NONE, 1};
    const struct fa_expr *arg = expr->u.aggregate.arg;
    enum fa_agg agg = expr->u.aggregate.agg;
    if (arg->kind == FA_EXPR_SELECTOR && agg == FA_AGG_NEWEST) {
        shape.kind = FA_SHAPE_NEWEST;
    }
    for (size_t i = 0; arg->kind == FA_EXPR_CALL && i < sizeof CALLS / sizeof CALLS[0]; i++) {
        if (CALLS[i].agg == agg && CALLS[i].fn == arg->u.call.fn) {
            shape.kind = CALLS[i].kind;
        }
    }
    if (arg->kind == FA_EXPR_CALL && arg->u.call.fn == FA_FN_RATE) {
        shape.per = (double)arg->u.call.arg->u.selector.range / (double)FA_SECOND;
    }
    return shape;
}

static bool is_samples(const struct fa_expr *expr)
{
    return expr->kind == FA_EXPR_AGGREGATE && expr->u.aggregate.agg == FA_AGG_SUM &&
           expr->u.aggregate.arg->kind == FA_EXPR_CALL &&
           expr->u.aggregate.arg->u.call.fn == FA_FN_SAMPLES_OVER_TIME;
}

/* "... and enough samples": more of them keep it true. */
static bool is_enough(const struct fa_expr *expr)
{
    return expr->kind == FA_EXPR_BINARY && expr->u.binary.op == FA_OP_GE &&
           is_samples(expr->u.binary.left) && expr->u.binary.right->kind == FA_EXPR_NUMBER;
}

/* Both sides of a mean read the same leaf. */
static size_t leaf_of(const struct fa_expr *aggregate)
{
    return aggregate->u.aggregate.arg->u.call.arg->u.selector.leaf;
}

struct fa_shape fa_shape_of(const struct fa_expr *expr)
{
    static const struct fa_shape none = {FA_SHAPE_NONE, 1};
    if (expr->kind == FA_EXPR_AGGREGATE) {
        return shape_of_aggregate(expr);
    }
    if (expr->kind != FA_EXPR_BINARY) {
        return none;
    }
    const struct fa_expr *left = expr->u.binary.left, *right = expr->u.binary.right;
    if (expr->u.binary.op == FA_OP_AND && is_enough(right)) {
        return fa_shape_of(left);
    }
    bool mean = expr->u.binary.op == FA_OP_DIV && left->kind == FA_EXPR_AGGREGATE &&
                right->kind == FA_EXPR_AGGREGATE && shape_of_aggregate(left).kind == FA_SHAPE_SUM &&
                shape_of_aggregate(right).kind == FA_SHAPE_COUNT && leaf_of(left) == leaf_of(right);
    return mean ? (struct fa_shape){FA_SHAPE_MEAN, 1} : none;
}

/* A little: what is that close to a threshold is evaluated. */
static double least(double bound)
{
    return fabs(bound) * MARGIN + 1e-300;
}

/* False: its level hangs on more than the number. */
static bool find_bounds(const struct fa_metric_rule *rule, const struct fa_quiet_facts *facts,
                        double *ret_low, double *ret_high)
{
    double value = facts->value;
    bool waits =
        facts->level == FA_LEVEL_CLEAR || (facts->level == FA_LEVEL_UNKNOWN && !facts->covered);
    if (rule->absent > 0) {
        *ret_low = -INFINITY;
        *ret_high = INFINITY;
        return facts->level == FA_LEVEL_CLEAR;
    }
    if (waits && !facts->held) {
        *ret_low = rule->has_below ? rule->below : -INFINITY;
        *ret_high = rule->has_above ? rule->above : INFINITY;
    } else if (facts->level == FA_LEVEL_FIRING && rule->has_above && !rule->has_below) {
        *ret_low = rule->has_clear_below ? fmin(rule->clear_below, rule->above)
                                         : rule->above + least(rule->above);
        *ret_high = facts->worst;
    } else if (facts->level == FA_LEVEL_FIRING && rule->has_below && !rule->has_above) {
        *ret_low = facts->worst;
        *ret_high = rule->has_clear_above ? fmax(rule->clear_above, rule->below)
                                          : rule->below - least(rule->below);
    } else {
        return false;
    }
    return value >= *ret_low && value <= *ret_high; /* no value is NaN: false */
}

/* The distance from `total` to the bound; rounding: how far apart two ways to add may lie. */
static double room(double bound, double total, double rounding)
{
    double distance = fabs(bound - total);
    return isinf(bound) ? INFINITY : distance - MARGIN * (fabs(bound) + rounding);
}

/* Sums of samples: what a sample adds to the number that the bounds are about. */
static void find_rooms(enum fa_shape_kind kind, double per, const struct fa_quiet_facts *facts,
                       struct fa_quiet *quiet)
{
    double low = quiet->low, high = quiet->high;
    double all = facts->count * facts->largest;
    switch (kind) {
    case FA_SHAPE_MEAN:
        quiet->of_value = 1;
        quiet->room_up = room(high * facts->count, facts->value * facts->count, all);
        quiet->room_down = room(low * facts->count, facts->value * facts->count, all);
        return;
    case FA_SHAPE_SUM:
        quiet->of_value = 1;
        quiet->room_up = room(high, facts->value, all);
        quiet->room_down = room(low, facts->value, all);
        quiet->low = quiet->high = 0;
        return;
    case FA_SHAPE_COUNT:
        quiet->room_up = room(high, facts->value, facts->value);
        quiet->room_down = room(low, facts->value, facts->value);
        quiet->low = quiet->high = -1;
        return;
    case FA_SHAPE_INCREASE:
        quiet->of_increase = 1;
        quiet->room_up = room(high * per, facts->value * per, fabs(facts->value) * per);
        quiet->room_down = room(low * per, facts->value * per, fabs(facts->value) * per);
        quiet->low = quiet->high = 0;
        return;
    case FA_SHAPE_NONE:
    case FA_SHAPE_NEWEST:
    case FA_SHAPE_MIN:
    case FA_SHAPE_MAX:
        return;
    }
}

bool fa_quiet_find(const struct fa_metric_rule *rule, struct fa_shape shape,
                   const struct fa_quiet_facts *facts, struct fa_quiet *ret_quiet)
{
    static const enum fa_quiet_kind kinds[] = {
        [FA_SHAPE_NEWEST] = FA_QUIET_POINT, [FA_SHAPE_MIN] = FA_QUIET_MIN,
        [FA_SHAPE_MAX] = FA_QUIET_MAX,      [FA_SHAPE_SUM] = FA_QUIET_ROOM,
        [FA_SHAPE_COUNT] = FA_QUIET_ROOM,   [FA_SHAPE_INCREASE] = FA_QUIET_ROOM,
        [FA_SHAPE_MEAN] = FA_QUIET_ROOM,
    };
    double low, high;
    if (shape.kind == FA_SHAPE_NONE || !find_bounds(rule, facts, &low, &high)) {
        return false;
    }
    *ret_quiet = (struct fa_quiet){.kind = kinds[shape.kind], .low = low, .high = high};
    if (ret_quiet->kind == FA_QUIET_ROOM) {
        find_rooms(shape.kind, shape.per, facts, ret_quiet);
        return ret_quiet->room_up > 0 && ret_quiet->room_down > 0;
    }
    return true;
}
