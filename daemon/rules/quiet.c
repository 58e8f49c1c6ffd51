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

static enum fa_shape_kind shape_of_call(enum fa_promql_fn fn)
{
    switch ((int)fn) {
    case FA_PROMQL_FN_LAST_OVER_TIME:
        return FA_SHAPE_NEWEST;
    case FA_PROMQL_FN_MIN_OVER_TIME:
        return FA_SHAPE_MIN;
    case FA_PROMQL_FN_MAX_OVER_TIME:
        return FA_SHAPE_MAX;
    case FA_PROMQL_FN_SUM_OVER_TIME:
        return FA_SHAPE_SUM;
    case FA_PROMQL_FN_COUNT_OVER_TIME:
        return FA_SHAPE_COUNT;
    case FA_PROMQL_FN_AVG_OVER_TIME:
        return FA_SHAPE_MEAN;
    case FA_PROMQL_FN_SEEN_INCREASE:
    case FA_PROMQL_FN_SEEN_RATE:
        return FA_SHAPE_INCREASE;
    default:
        return FA_SHAPE_NONE;
    }
}

/* Does the aggregation of several such numbers have the shape of one? */
static bool keeps_shape(enum fa_promql_agg agg, enum fa_shape_kind kind)
{
    switch (kind) {
    case FA_SHAPE_NEWEST:
        return agg == FA_PROMQL_AGG_NEWEST;
    case FA_SHAPE_MIN:
        return agg == FA_PROMQL_AGG_MIN;
    case FA_SHAPE_MAX:
        return agg == FA_PROMQL_AGG_MAX;
    case FA_SHAPE_SUM:
    case FA_SHAPE_COUNT:
    case FA_SHAPE_INCREASE:
        return agg == FA_PROMQL_AGG_SUM;
    case FA_SHAPE_NONE:
    case FA_SHAPE_MEAN:
        break;
    }
    return false;
}

/* Of one series, or of an aggregation of series. */
static struct fa_shape shape_of_one(const struct fa_promql_node *node)
{
    struct fa_shape shape = {FA_SHAPE_NONE, 1};
    node = fa_promql_bare(node);
    if (node->kind == FA_PROMQL_AGGREGATE) {
        shape = shape_of_one(node->u.aggregate.arg);
        if (!keeps_shape(node->u.aggregate.agg, shape.kind)) {
            shape.kind = FA_SHAPE_NONE;
        }
    } else if (node->kind == FA_PROMQL_SELECTOR && node->offset == 0) {
        shape.kind = FA_SHAPE_NEWEST;
    } else if (node->kind == FA_PROMQL_CALL) {
        const struct fa_promql_node *range = fa_plan_range(node);
        bool plain = range != NULL && range->kind == FA_PROMQL_SELECTOR && range->offset == 0;
        shape.kind = plain ? shape_of_call(node->u.call.fn) : FA_SHAPE_NONE;
        if (node->u.call.fn == FA_PROMQL_FN_SEEN_RATE) {
            shape.per = (double)range->range / (double)FA_SECOND;
        }
    }
    return shape;
}

/* "... and enough samples": more of them keep it true. */
static bool is_enough(const struct fa_promql_node *node)
{
    if (node->kind != FA_PROMQL_BINARY || node->u.binary.op != FA_PROMQL_OP_GE ||
        node->u.binary.right->kind != FA_PROMQL_NUMBER ||
        node->u.binary.left->kind != FA_PROMQL_AGGREGATE) {
        return false;
    }
    const struct fa_promql_node *call = node->u.binary.left->u.aggregate.arg;
    return call->kind == FA_PROMQL_CALL && call->u.call.fn == FA_PROMQL_FN_SAMPLES_OVER_TIME;
}

static size_t leaf_of(const struct fa_plan_tree *tree, const struct fa_promql_node *node)
{
    return tree->leaves[fa_plan_operand(node)->u.selector.number];
}

struct fa_shape fa_shape_of(const struct fa_plan_tree *tree, const struct fa_promql_node *node)
{
    node = fa_promql_bare(node);
    if (node->kind != FA_PROMQL_BINARY) {
        return shape_of_one(node);
    }
    const struct fa_promql_node *left = node->u.binary.left, *right = node->u.binary.right;
    if (node->u.binary.op == FA_PROMQL_OP_AND && is_enough(right)) {
        return fa_shape_of(tree, left);
    }
    bool mean = node->u.binary.op == FA_PROMQL_OP_DIV && shape_of_one(left).kind == FA_SHAPE_SUM &&
                shape_of_one(right).kind == FA_SHAPE_COUNT &&
                leaf_of(tree, left) == leaf_of(tree, right);
    return (struct fa_shape){mean ? FA_SHAPE_MEAN : FA_SHAPE_NONE, 1};
}

bool fa_limits_of(const struct fa_promql_node *root, struct fa_limits *ret_limits,
                  const struct fa_promql_node **ret_node)
{
    root = fa_promql_bare(root);
    *ret_limits = (struct fa_limits){0};
    if (root->kind != FA_PROMQL_BINARY || root->u.binary.returns_bool) {
        return false;
    }
    const struct fa_promql_node *left = fa_promql_bare(root->u.binary.left);
    const struct fa_promql_node *right = fa_promql_bare(root->u.binary.right);
    enum fa_promql_op op = root->u.binary.op;
    bool swapped = left->kind == FA_PROMQL_NUMBER;
    double limit = swapped ? left->u.number : right->u.number;
    if ((swapped ? right : left)->type != FA_PROMQL_VECTOR ||
        (swapped ? left : right)->kind != FA_PROMQL_NUMBER || !isfinite(limit)) {
        return false;
    }
    bool above = op == FA_PROMQL_OP_GT || op == FA_PROMQL_OP_GE;
    bool equal = op == FA_PROMQL_OP_GE || op == FA_PROMQL_OP_LE;
    if (!above && op != FA_PROMQL_OP_LT && op != FA_PROMQL_OP_LE) {
        return false;
    }
    above = above != swapped;
    /* What is at least a number is above the one before it. */
    ret_limits->or_equal = equal;
    ret_limits->written = limit;
    limit = equal ? nextafter(limit, above ? -INFINITY : INFINITY) : limit;
    ret_limits->has_above = above;
    ret_limits->has_below = !above;
    ret_limits->above = ret_limits->below = limit;
    *ret_node = swapped ? right : left;
    return true;
}

/* A little: what is that close to a threshold is evaluated. */
static double least(double bound)
{
    return fabs(bound) * MARGIN + 1e-300;
}

/* `part` thousandths of the way to a threshold, counted in thousandths of it. */
static double on_the_way(double threshold, bool above, uint32_t part)
{
    double left = fabs(threshold) * (double)(1000 - part) / 1000;
    return above ? threshold - left : threshold + left;
}

static double nearness_of(double threshold, bool above, double value)
{
    double left = (above ? threshold - value : value - threshold) / fabs(threshold);
    return left >= 0 && left <= (1000 - FA_NEAR_LEFT) / 1000.0 ? (1 - left) * 1000 : 0;
}

uint32_t fa_nearness(const struct fa_limits *limits, double value)
{
    double above =
        limits->has_above && limits->above != 0 ? nearness_of(limits->above, true, value) : 0;
    double below =
        limits->has_below && limits->below != 0 ? nearness_of(limits->below, false, value) : 0;
    return (uint32_t)(above > below ? above : below);
}

/* From here on it is nearer than it was, and there it is not near any more. */
static void bound_near(const struct fa_limits *limits, const struct fa_quiet_facts *facts,
                       double *low, double *high)
{
    uint32_t near = fa_nearness(limits, facts->value);
    uint32_t next = facts->is_near ? near - near % FA_NEAR_STEP + FA_NEAR_STEP : FA_NEAR;
    next = next < 1000 ? next : 1000;
    if (limits->has_above && limits->above != 0) {
        *high = fmin(*high, on_the_way(limits->above, true, next));
    }
    if (limits->has_below && limits->below != 0) {
        *low = fmax(*low, on_the_way(limits->below, false, next));
    }
    /* Of two thresholds at most one is near, as a rule; where both are, all of it is evaluated. */
    if (facts->is_near && limits->has_above && !limits->has_below) {
        *low = on_the_way(limits->above, true, FA_NEAR_LEFT);
    } else if (facts->is_near && limits->has_below && !limits->has_above) {
        *high = on_the_way(limits->below, false, FA_NEAR_LEFT);
    } else if (facts->is_near) {
        *low = *high = facts->value;
    }
}

/* False: its level hangs on more than the number. */
static bool find_bounds(const struct fa_limits *limits, const struct fa_quiet_facts *facts,
                        double *ret_low, double *ret_high)
{
    double value = facts->value;
    bool waits =
        facts->level == FA_LEVEL_CLEAR || (facts->level == FA_LEVEL_UNKNOWN && !facts->covered);
    if (facts->is_absent) {
        *ret_low = -INFINITY;
        *ret_high = INFINITY;
        return facts->level == FA_LEVEL_CLEAR;
    }
    if (waits && !facts->held) {
        *ret_low = limits->has_below ? limits->below : -INFINITY;
        *ret_high = limits->has_above ? limits->above : INFINITY;
        if (facts->minds_near) {
            bound_near(limits, facts, ret_low, ret_high);
        }
    } else if (facts->level == FA_LEVEL_FIRING && limits->has_above && !limits->has_below) {
        *ret_low = limits->has_clear_below ? fmin(limits->clear_below, limits->above)
                                           : limits->above + least(limits->above);
        *ret_high = facts->worst;
    } else if (facts->level == FA_LEVEL_FIRING && limits->has_below && !limits->has_above) {
        *ret_low = facts->worst;
        *ret_high = limits->has_clear_above ? fmax(limits->clear_above, limits->below)
                                            : limits->below - least(limits->below);
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

bool fa_shape_adds_up(enum fa_shape_kind kind)
{
    return kind >= FA_SHAPE_SUM;
}

bool fa_quiet_find(const struct fa_limits *limits, struct fa_shape shape,
                   const struct fa_quiet_facts *facts, struct fa_quiet *ret_quiet)
{
    static const enum fa_quiet_kind kinds[] = {
        [FA_SHAPE_NEWEST] = FA_QUIET_POINT, [FA_SHAPE_MIN] = FA_QUIET_MIN,
        [FA_SHAPE_MAX] = FA_QUIET_MAX,      [FA_SHAPE_SUM] = FA_QUIET_ROOM,
        [FA_SHAPE_COUNT] = FA_QUIET_ROOM,   [FA_SHAPE_INCREASE] = FA_QUIET_ROOM,
        [FA_SHAPE_MEAN] = FA_QUIET_ROOM,
    };
    double low, high;
    if (shape.kind == FA_SHAPE_NONE || !find_bounds(limits, facts, &low, &high)) {
        return false;
    }
    *ret_quiet = (struct fa_quiet){.kind = kinds[shape.kind], .low = low, .high = high};
    if (ret_quiet->kind == FA_QUIET_ROOM) {
        find_rooms(shape.kind, shape.per, facts, ret_quiet);
        return ret_quiet->room_up > 0 && ret_quiet->room_down > 0;
    }
    return true;
}
