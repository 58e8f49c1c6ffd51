/* SPDX-License-Identifier: MIT */
/* The tree of a keyed plan as plain numbers. At the key's level each node has one value or none; in
 * an aggregation the operand is evaluated for one series after the other.
 *
 * Invariants: no value stays no value through every operator but or and unless; a comparison keeps
 * its vector's side or nothing. Samples of one time in a population: the larger is its newest.
 *
 * A window is summed up again only when its series got a sample or one left: what sums, extremes
 * and ends tell reads the summary kept in the member, all else its points. Sketches are merged anew
 * each time. A series that is sent as two kinds counts, where one is asked for, as the one with the
 * newest sample. */
#include "rules/eval.h"
#include "base/panic.h"
#include "rules/functions.h"

#include <math.h>
#include <stdlib.h>

void fa_room_done(struct fa_room *room)
{
    fa_sketch_done(&room->sketch);
    free(room->points);
    free(room->values);
    free(room->gathered);
}

bool fa_link_is_event(const struct fa_link *link)
{
    enum fa_kind kind = fa_link_kind(link);
    return kind == FA_KIND_COUNTER_DELTA || kind == FA_KIND_DISTRIBUTION || kind == FA_KIND_SET;
}

size_t fa_link_needed(const struct fa_link *link, const struct fa_plan_leaf *leaf)
{
    return leaf->pair && !fa_link_is_event(link) ? 2 : 1;
}

bool fa_link_is_fresh(const struct fa_link *link, const struct fa_plan_leaf *leaf, fa_time now,
                      fa_time look_back)
{
    fa_time to = now - leaf->selector->offset, newest_at;
    double newest;
    if (fa_link_is_event(link)) {
        return true;
    }
    if (leaf->selector->offset != 0) {
        return fa_link_points(link, to - look_back, to, NULL, 0) > 0;
    }
    return fa_link_newest(link, &newest_at, &newest) && newest_at + look_back > now;
}

void fa_member_refresh(struct fa_member *member, const struct fa_plan_leaf *leaf, fa_time now)
{
    uint32_t version = fa_link_version(member->link);
    if (leaf->over == 0 || (member->read && version == member->version &&
                            now < member->summary->next_at && now >= member->read_at)) {
        return;
    }
    if (fa_plan_leaf_follows(leaf)) {
        struct fa_follow *follow = fa_member_follow(member);
        follow->is_valid = follow->is_valid && now >= member->read_at;
        fa_link_follow(member->link, now, leaf->over, follow, member->summary);
    } else {
        fa_link_read(member->link, now, leaf->over, member->summary, NULL);
    }
    member->version = version;
    member->read = true;
    member->read_at = now;
}

/* ---- ranges ---- */

static bool ends_of(enum fa_promql_fn fn, const struct fa_summary *summary, fa_time from,
                    fa_time to, double *ret_value)
{
    struct fa_ends ends = {.first = summary->first,
                           .change = fn == FA_PROMQL_FN_DELTA ? summary->last - summary->first
                                                              : summary->between,
                           .first_at = summary->first_at,
                           .last_at = summary->last_at,
                           .from = from,
                           .to = to,
                           .count = (double)summary->samples};
    if (summary->samples < 2 || summary->first_at >= summary->last_at) {
        return false;
    }
    *ret_value = fa_fn_extrapolated(&ends, fn);
    return true;
}

bool fa_eval_summary(enum fa_promql_fn fn, const struct fa_summary *summary, fa_time from,
                     fa_time to, bool *ret_any, double *ret_value)
{
    *ret_any = summary->samples > 0;
    switch ((int)fn) {
    case FA_PROMQL_FN_LAST_OVER_TIME:
        *ret_value = summary->last;
        return true;
    case FA_PROMQL_FN_MIN_OVER_TIME:
        *ret_value = summary->min;
        return true;
    case FA_PROMQL_FN_MAX_OVER_TIME:
        *ret_value = summary->max;
        return true;
    case FA_PROMQL_FN_SUM_OVER_TIME:
        *ret_value = summary->sum;
        return true;
    case FA_PROMQL_FN_COUNT_OVER_TIME:
        *ret_value = summary->count;
        return true;
    case FA_PROMQL_FN_AVG_OVER_TIME:
        *ret_value = summary->sum / summary->count;
        return true;
    case FA_PROMQL_FN_PRESENT_OVER_TIME:
        *ret_value = 1;
        return true;
    case FA_PROMQL_FN_TS_OF_LAST_OVER_TIME:
        *ret_value = (double)summary->last_at / 1000;
        return true;
    case FA_PROMQL_FN_SAMPLES_OVER_TIME:
        *ret_value = (double)summary->samples;
        return true;
    case FA_PROMQL_FN_SEEN_INCREASE:
    case FA_PROMQL_FN_SEEN_RATE:
        *ret_any = summary->samples > 0 && summary->has_increase;
        *ret_value = fn == FA_PROMQL_FN_SEEN_RATE
                         ? summary->increase / ((double)(to - from) / (double)FA_SECOND)
                         : summary->increase;
        return true;
    case FA_PROMQL_FN_RATE:
    case FA_PROMQL_FN_INCREASE:
    case FA_PROMQL_FN_DELTA:
        *ret_any = ends_of(fn, summary, from, to, ret_value);
        return true;
    default:
        return false;
    }
}

static size_t read_points(struct fa_room *room, const struct fa_link *link, fa_time from,
                          fa_time to)
{
    size_t count = fa_link_points(link, from, to, room->points, room->point_cap);
    if (count > room->point_cap) {
        room->point_cap = count + count / 2;
        room->points = fa_xrealloc(room->points, room->point_cap * sizeof *room->points);
        count = fa_link_points(link, from, to, room->points, room->point_cap);
    }
    return count;
}

static double *values_of(struct fa_room *room, size_t count)
{
    if (count > room->value_cap) {
        room->value_cap = count + count / 2;
        room->values = fa_xrealloc(room->values, room->value_cap * sizeof *room->values);
    }
    return room->values;
}

static bool eval_points(const struct fa_eval *eval, const struct fa_promql_node *call,
                        const struct fa_link *link, struct fa_over_time *window, double *ret_value)
{
    size_t params = 0;
    for (size_t i = 0; i < call->u.call.count; i++) {
        if (call->u.call.args[i]->type != FA_PROMQL_MATRIX) {
            (void)fa_eval(eval, call->u.call.args[i], &window->params[params++]);
        }
    }
    window->count = read_points(eval->room, link, window->from, window->to);
    window->points = eval->room->points;
    if (fa_fn_needs_values(window->fn)) {
        window->values = values_of(eval->room, window->count);
    }
    return window->count > 0 && fa_fn_over_time(window, ret_value);
}

static const struct fa_member *member_of(const struct fa_eval *eval,
                                         const struct fa_promql_node *selector)
{
    if (eval->bound != NULL) {
        return eval->bound;
    }
    size_t leaf = eval->tree->leaves[selector->u.selector.number];
    const struct fa_member *best = eval->leaves[leaf].first;
    const struct fa_member *member = best != NULL ? best->next : NULL;
    for (; member != NULL; member = member->next) {
        fa_time at, best_at;
        double value;
        bool is_there = fa_link_newest(member->link, &at, &value);
        bool is_best = fa_link_newest(best->link, &best_at, &value);
        best = is_there && (!is_best || at > best_at) ? member : best;
    }
    return best;
}

double fa_eval_sketch(const struct fa_sketch *sketch, double q)
{
    if (!(q >= 0 && q <= 1)) { /* as of points */
        return q < 0 ? -INFINITY : q > 1 ? INFINITY : NAN;
    }
    return fa_sketch_quantile(sketch, q);
}

static bool eval_sketch(const struct fa_eval *eval, const struct fa_promql_node *call,
                        const struct fa_link *link, double *ret_value)
{
    const struct fa_promql_node *range = fa_plan_range(call);
    struct fa_sketch *sketch = &eval->room->sketch;
    struct fa_summary summary;
    double q;
    (void)fa_eval(eval, call->u.call.args[0], &q);
    fa_sketch_clear(sketch);
    fa_link_read(link, eval->now - range->offset, range->range, &summary, sketch);
    *ret_value = fa_eval_sketch(sketch, q);
    return sketch->count > 0;
}

static bool eval_range(const struct fa_eval *eval, const struct fa_promql_node *call,
                       double *ret_value)
{
    const struct fa_promql_node *range = fa_plan_range(call);
    const struct fa_member *member = member_of(eval, range);
    struct fa_over_time window = {.fn = call->u.call.fn,
                                  .at = eval->now,
                                  .from = eval->now - range->offset - range->range,
                                  .to = eval->now - range->offset};
    bool any = false;
    if (member == NULL) {
        return false;
    }
    if (window.fn == FA_PROMQL_FN_SKETCH_QUANTILE_OVER_TIME) {
        return eval_sketch(eval, call, member->link, ret_value);
    }
    if (range->offset == 0 &&
        fa_eval_summary(window.fn, member->summary, window.from, window.to, &any, ret_value)) {
        return any;
    }
    return eval_points(eval, call, member->link, &window, ret_value);
}

/* ---- selectors ---- */

static bool newest_of(const struct fa_eval *eval, const struct fa_promql_node *selector,
                      const struct fa_link *link, double *ret_value, fa_time *ret_at)
{
    fa_time to = eval->now - selector->offset;
    bool is_alive = fa_link_newest(link, ret_at, ret_value);
    if (selector->offset == 0 || (is_alive && *ret_at <= to)) {
        return is_alive && *ret_at > to - eval->look_back;
    }
    size_t count = read_points(eval->room, link, to - eval->look_back, to);
    if (count == 0) {
        return false;
    }
    *ret_at = eval->room->points[count - 1].at;
    *ret_value = eval->room->points[count - 1].value;
    return true;
}

static bool eval_selector(const struct fa_eval *eval, const struct fa_promql_node *node,
                          double *ret_value, fa_time *ret_at)
{
    const struct fa_member *member = member_of(eval, node);
    return member != NULL && newest_of(eval, node, member->link, ret_value, ret_at);
}

/* ---- functions ---- */

static bool eval_call(const struct fa_eval *eval, const struct fa_promql_node *node,
                      double *ret_value)
{
    enum fa_promql_fn fn = node->u.call.fn;
    double args[3] = {0, fn == FA_PROMQL_FN_ROUND ? 1 : 0, 0};
    if (fn == FA_PROMQL_FN_TIME) {
        *ret_value = (double)eval->now / 1000;
        return true;
    }
    if (fn == FA_PROMQL_FN_PI) {
        *ret_value = 3.14159265358979323846;
        return true;
    }
    if (fa_plan_range(node) != NULL) {
        return eval_range(eval, node, ret_value);
    }
    const struct fa_promql_node *arg = fa_promql_bare(node->u.call.args[0]);
    if (fn == FA_PROMQL_FN_TIMESTAMP && arg->kind == FA_PROMQL_SELECTOR) {
        fa_time at;
        bool any = eval_selector(eval, arg, ret_value, &at);
        *ret_value = any ? (double)at / 1000 : 0;
        return any;
    }
    for (size_t i = 0; i < node->u.call.count; i++) {
        if (!fa_eval(eval, node->u.call.args[i], &args[i])) {
            return false;
        }
    }
    *ret_value = args[0];
    if (fn == FA_PROMQL_FN_TIMESTAMP) {
        *ret_value = (double)eval->now / 1000;
    } else if (fa_fn_is_date(fn)) {
        *ret_value = fa_fn_date(fn, args[0]);
    } else if (fa_fn_is_element(fn)) {
        *ret_value = fa_fn_element(fn, args[0], &args[1]);
    }
    return fn != FA_PROMQL_FN_CLAMP || !(args[2] < args[1]);
}

/* ---- aggregations ---- */

static bool eval_quantile_of_sketches(const struct fa_eval *eval, const struct fa_promql_node *node,
                                      double *ret_value)
{
    const struct fa_promql_node *range = fa_plan_range(node->u.aggregate.arg);
    size_t leaf = eval->tree->leaves[range->u.selector.number];
    struct fa_sketch *sketch = &eval->room->sketch;
    fa_sketch_clear(sketch);
    const struct fa_member *member = eval->leaves[leaf].first;
    for (; member != NULL; member = member->next) {
        struct fa_summary summary;
        fa_link_read(member->link, eval->now, range->range, &summary, sketch);
    }
    *ret_value = fa_sketch_quantile(sketch, node->u.aggregate.param->u.number);
    return sketch->count > 0;
}

static bool eval_newest(const struct fa_eval *eval, const struct fa_promql_node *arg, size_t leaf,
                        double *ret_value)
{
    bool any = false;
    fa_time newest_at = 0;
    const struct fa_member *member = eval->leaves[leaf].first;
    for (; member != NULL; member = member->next) {
        double value;
        fa_time at;
        bool has_value;
        if (arg->kind == FA_PROMQL_SELECTOR) {
            has_value = newest_of(eval, arg, member->link, &value, &at);
        } else {
            value = member->summary->last;
            at = member->summary->last_at;
            has_value = member->summary->samples > 0;
        }
        if (has_value && (!any || at > newest_at || (at == newest_at && value > *ret_value))) {
            *ret_value = value;
            newest_at = at;
            any = true;
        }
    }
    return any;
}

static void gather(struct fa_room *room, size_t at, double value)
{
    room->gathered = fa_xgrow(room->gathered, at, &room->gathered_cap, sizeof value);
    room->gathered[at] = value;
}

/* Of the plain function of a range, which most operands are: no walk for each series. False: it is
 * another. */
static bool add_summaries(const struct fa_eval *eval, enum fa_promql_agg agg,
                          const struct fa_promql_node *arg, struct fa_accumulator *all)
{
    if (arg->kind != FA_PROMQL_CALL || arg->u.call.count != 1 ||
        arg->u.call.args[0]->kind != FA_PROMQL_SELECTOR || arg->u.call.args[0]->offset != 0 ||
        arg->u.call.args[0]->range == 0 || agg == FA_PROMQL_AGG_QUANTILE) {
        return false;
    }
    const struct fa_promql_node *range = arg->u.call.args[0];
    fa_time from = eval->now - range->range;
    const struct fa_member *member =
        eval->leaves[eval->tree->leaves[range->u.selector.number]].first;
    for (; member != NULL; member = member->next) {
        double value;
        bool any;
        if (!fa_eval_summary(arg->u.call.fn, member->summary, from, eval->now, &any, &value)) {
            return false; /* the same for each */
        }
        if (any) {
            fa_agg_add(agg, all, value);
        }
    }
    return true;
}

static bool eval_aggregate(const struct fa_eval *eval, const struct fa_promql_node *node,
                           double *ret_value)
{
    enum fa_promql_agg agg = node->u.aggregate.agg;
    const struct fa_promql_node *arg = node->u.aggregate.arg;
    if (agg == FA_PROMQL_AGG_SKETCH_QUANTILE) {
        return eval_quantile_of_sketches(eval, node, ret_value);
    }
    struct fa_accumulator all = {0};
    double param = 0, value;
    if (agg != FA_PROMQL_AGG_NEWEST && add_summaries(eval, agg, arg, &all)) {
        *ret_value = all.count > 0 ? fa_agg_end(agg, &all, 0, NULL) : 0;
        return all.count > 0;
    }
    size_t leaf = eval->tree->leaves[fa_plan_operand(arg)->u.selector.number];
    if (agg == FA_PROMQL_AGG_NEWEST) {
        return eval_newest(eval, arg, leaf, ret_value);
    }
    struct fa_eval inner = *eval;
    if (node->u.aggregate.param != NULL) {
        (void)fa_eval(eval, node->u.aggregate.param, &param);
    }
    for (inner.bound = eval->leaves[leaf].first; inner.bound != NULL;
         inner.bound = inner.bound->next) {
        if (fa_eval(&inner, arg, &value)) {
            if (agg == FA_PROMQL_AGG_QUANTILE) {
                gather(eval->room, (size_t)all.count, value);
            }
            fa_agg_add(agg, &all, value);
        }
    }
    if (all.count > 0) {
        *ret_value = fa_agg_end(agg, &all, param, eval->room->gathered);
    }
    return all.count > 0;
}

/* ---- operators ---- */

static bool eval_set(const struct fa_eval *eval, const struct fa_promql_node *node,
                     double *ret_value)
{
    double right = 0;
    bool has_left = fa_eval(eval, node->u.binary.left, ret_value);
    if (node->u.binary.op == FA_PROMQL_OP_OR) {
        return has_left || fa_eval(eval, node->u.binary.right, ret_value);
    }
    return has_left &&
           fa_eval(eval, node->u.binary.right, &right) == (node->u.binary.op == FA_PROMQL_OP_AND);
}

static bool eval_binary(const struct fa_eval *eval, const struct fa_promql_node *node,
                        double *ret_value)
{
    const struct fa_promql_node *left = node->u.binary.left, *right = node->u.binary.right;
    enum fa_promql_op op = node->u.binary.op;
    double a = 0, b = 0;
    bool keep;
    if (fa_promql_op_is_set(op)) {
        return eval_set(eval, node, ret_value);
    }
    if (!fa_eval(eval, left, &a) || !fa_eval(eval, right, &b)) {
        return false;
    }
    *ret_value = fa_op_compute(op, a, b, &keep);
    if (!fa_promql_op_compares(op)) {
        return true;
    }
    if (node->u.binary.returns_bool) {
        *ret_value = keep ? 1 : 0;
        return true;
    }
    *ret_value = left->type == FA_PROMQL_SCALAR ? b : a;
    return keep;
}

bool fa_eval(const struct fa_eval *eval, const struct fa_promql_node *node, double *ret_value)
{
    fa_time at;
    switch (node->kind) {
    case FA_PROMQL_NUMBER:
        *ret_value = node->u.number;
        return true;
    case FA_PROMQL_SELECTOR:
        return eval_selector(eval, node, ret_value, &at);
    case FA_PROMQL_CALL:
        return eval_call(eval, node, ret_value);
    case FA_PROMQL_AGGREGATE:
        return eval_aggregate(eval, node, ret_value);
    case FA_PROMQL_BINARY:
        return eval_binary(eval, node, ret_value);
    case FA_PROMQL_PAREN:
        return fa_eval(eval, node->u.arg, ret_value);
    case FA_PROMQL_NEGATE: {
        bool any = fa_eval(eval, node->u.arg, ret_value);
        *ret_value = any ? -*ret_value : 0;
        return any;
    }
    case FA_PROMQL_TEXT:
    case FA_PROMQL_SUBQUERY:
        break;
    }
    fa_panic(__FILE__, __LINE__, "a part that no keyed plan has");
}
