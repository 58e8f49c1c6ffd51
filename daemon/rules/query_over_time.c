/* SPDX-License-Identifier: MIT */
/* Functions of range vectors: one number from the points of each series in a window. A function of
 * two points or more says nothing about a series with one. */
#include "rules/functions.h"
#include "rules/query_walk.h"

#include <math.h>

/* ---- sums and the like ---- */

static double sum(const struct fa_over_time *window)
{
    double total = 0, c = 0;
    for (size_t i = 0; i < window->count; i++) {
        fa_sum_add(window->points[i].value, &total, &c);
    }
    return isinf(total) ? total : total + c;
}

/* By the sum while it can be held, by the mean from where it cannot. */
static double average(const struct fa_over_time *window)
{
    double total = window->points[0].value, c = 0, mean = 0;
    bool by_mean = false;
    for (size_t i = 1; i < window->count; i++) {
        double value = window->points[i].value, count = (double)(i + 1);
        if (!by_mean) {
            double next = total, next_c = c;
            fa_sum_add(value, &next, &next_c);
            if (!isinf(next)) {
                total = next;
                c = next_c;
                continue;
            }
            by_mean = true;
            mean = total / (count - 1);
            c /= count - 1;
        }
        double part = (count - 1) / count;
        mean *= part;
        c *= part;
        fa_sum_add(value / count, &mean, &c);
    }
    return by_mean ? mean + c : total / (double)window->count + c / (double)window->count;
}

static double variance(const struct fa_over_time *window)
{
    double count = 0, mean = 0, c_mean = 0, sum_of = 0, c_sum = 0;
    for (size_t i = 0; i < window->count; i++) {
        double value = window->points[i].value;
        count++;
        double delta = value - (mean + c_mean);
        fa_sum_add(delta / count, &mean, &c_mean);
        fa_sum_add(delta * (value - (mean + c_mean)), &sum_of, &c_sum);
    }
    return (sum_of + c_sum) / count;
}

/* The point that is largest or smallest; of equal ones the first, or the last. */
static const struct fa_point *extreme(const struct fa_over_time *window, bool largest, bool last)
{
    const struct fa_point *best = &window->points[0];
    for (size_t i = 0; i < window->count; i++) {
        double value = window->points[i].value;
        bool better = largest ? value > best->value : value < best->value;
        if (better || (last && value == best->value) || isnan(best->value)) {
            best = &window->points[i];
        }
    }
    return best;
}

static double quantile(const struct fa_over_time *window, double q, double offset, bool distances)
{
    double *values = window->values;
    for (size_t i = 0; i < window->count; i++) {
        values[i] = distances ? fabs(window->points[i].value - offset) : window->points[i].value;
    }
    return fa_quantile(q, values, window->count);
}

/* ---- steps between points ---- */

static double changes(const struct fa_over_time *window, bool resets)
{
    double count = 0;
    for (size_t i = 1; i < window->count; i++) {
        double before = window->points[i - 1].value, value = window->points[i].value;
        bool both_nan = isnan(before) && isnan(value);
        count += (resets ? value < before : value != before && !both_nan) ? 1 : 0;
    }
    return count;
}

/* What the points show is carried on to the ends of the window: to an end that is nearer than 1.1
 * mean distances fully, else by half of one, and a counter never below zero. */
double fa_fn_extrapolated(const struct fa_ends *ends, enum fa_promql_fn fn)
{
    double result = ends->change;
    double to_start = (double)(ends->first_at - ends->from) / 1000;
    double to_end = (double)(ends->to - ends->last_at) / 1000;
    double sampled = (double)(ends->last_at - ends->first_at) / 1000;
    double mean = sampled / (ends->count - 1), threshold = mean * 1.1;
    if (to_start >= threshold) {
        to_start = mean / 2;
    }
    if (fn != FA_PROMQL_FN_DELTA && result > 0 && ends->first >= 0) {
        double to_zero = sampled * (ends->first / result);
        to_start = to_zero < to_start ? to_zero : to_start;
    }
    if (to_end >= threshold) {
        to_end = mean / 2;
    }
    double interval = sampled + to_start + to_end, factor = interval / sampled;
    if (fn == FA_PROMQL_FN_RATE) {
        factor /= (double)(ends->to - ends->from) / 1000;
    }
    return result * factor;
}

static double extrapolated(const struct fa_over_time *window)
{
    const struct fa_point *first = &window->points[0], *last = &window->points[window->count - 1];
    struct fa_ends ends = {.first = first->value,
                           .change = last->value - first->value,
                           .first_at = first->at,
                           .last_at = last->at,
                           .from = window->from,
                           .to = window->to,
                           .count = (double)window->count};
    for (size_t i = 1; window->fn != FA_PROMQL_FN_DELTA && i < window->count; i++) {
        if (window->points[i].value < window->points[i - 1].value) {
            ends.change += window->points[i - 1].value;
        }
    }
    return fa_fn_extrapolated(&ends, window->fn);
}

static bool instant(const struct fa_over_time *window, bool rate, double *ret_value)
{
    const struct fa_point *last = &window->points[window->count - 1], *before = last - 1;
    double between = (double)(last->at - before->at) / 1000;
    double change = rate && last->value < before->value ? last->value : last->value - before->value;
    *ret_value = rate ? change / between : change;
    return between > 0;
}

/* ---- lines ---- */

static void regression(const struct fa_over_time *window, fa_time origin, double *slope,
                       double *intercept)
{
    double n = (double)window->count, x = 0, y = 0, xy = 0, xx = 0, cx = 0, cy = 0, cxy = 0,
           cxx = 0;
    bool constant = true;
    for (size_t i = 0; i < window->count; i++) {
        double value = window->points[i].value;
        double seconds = (double)(window->points[i].at - origin) / 1000;
        constant = constant && (i == 0 || value == window->points[0].value);
        fa_sum_add(seconds, &x, &cx);
        fa_sum_add(value, &y, &cy);
        fa_sum_add(seconds * value, &xy, &cxy);
        fa_sum_add(seconds * seconds, &xx, &cxx);
    }
    if (constant) {
        bool infinite = isinf(window->points[0].value);
        *slope = infinite ? (double)NAN : 0;
        *intercept = infinite ? (double)NAN : window->points[0].value;
        return;
    }
    x += cx;
    y += cy;
    xy += cxy;
    xx += cxx;
    double covariance = xy - x * y / n, variance_x = xx - x * x / n;
    *slope = covariance / variance_x;
    *intercept = y / n - *slope * x / n;
}

static double smoothed(const struct fa_over_time *window)
{
    double smoothing = window->params[0], trend = window->params[1];
    double before = 0, level = window->points[0].value;
    double b = window->points[1].value - window->points[0].value;
    for (size_t i = 1; i < window->count; i++) {
        if (i > 1) {
            b = trend * (level - before) + (1 - trend) * b;
        }
        double next = smoothing * window->points[i].value + (1 - smoothing) * (level + b);
        before = level;
        level = next;
    }
    return level;
}

/* ---- all of them ---- */

static bool of_two(const struct fa_over_time *window, double *ret_value)
{
    double slope, intercept;
    switch ((int)window->fn) {
    case FA_PROMQL_FN_RATE:
    case FA_PROMQL_FN_INCREASE:
    case FA_PROMQL_FN_DELTA:
        *ret_value = extrapolated(window);
        return true;
    case FA_PROMQL_FN_IRATE:
        return instant(window, true, ret_value);
    case FA_PROMQL_FN_IDELTA:
        return instant(window, false, ret_value);
    case FA_PROMQL_FN_DERIV:
        regression(window, window->points[0].at, ret_value, &intercept);
        return true;
    case FA_PROMQL_FN_PREDICT_LINEAR:
        regression(window, window->at, &slope, &intercept);
        *ret_value = slope * window->params[0] + intercept;
        return true;
    case FA_PROMQL_FN_DOUBLE_EXPONENTIAL_SMOOTHING:
    default:
        *ret_value = smoothed(window);
        return true;
    }
}

bool fa_fn_needs_values(enum fa_promql_fn fn)
{
    return fn == FA_PROMQL_FN_QUANTILE_OVER_TIME || fn == FA_PROMQL_FN_MAD_OVER_TIME ||
           fn == FA_PROMQL_FN_SKETCH_QUANTILE_OVER_TIME;
}

bool fa_fn_over_time(const struct fa_over_time *window, double *ret_value)
{
    switch ((int)window->fn) {
    case FA_PROMQL_FN_SUM_OVER_TIME:
        *ret_value = sum(window);
        return true;
    case FA_PROMQL_FN_AVG_OVER_TIME:
        *ret_value = average(window);
        return true;
    case FA_PROMQL_FN_COUNT_OVER_TIME:
        *ret_value = (double)window->count;
        return true;
    case FA_PROMQL_FN_MIN_OVER_TIME:
    case FA_PROMQL_FN_MAX_OVER_TIME:
        *ret_value = extreme(window, window->fn == FA_PROMQL_FN_MAX_OVER_TIME, false)->value;
        return true;
    case FA_PROMQL_FN_TS_OF_MIN_OVER_TIME:
    case FA_PROMQL_FN_TS_OF_MAX_OVER_TIME:
        *ret_value =
            (double)extreme(window, window->fn == FA_PROMQL_FN_TS_OF_MAX_OVER_TIME, true)->at /
            1000;
        return true;
    case FA_PROMQL_FN_LAST_OVER_TIME:
        *ret_value = window->points[window->count - 1].value;
        return true;
    case FA_PROMQL_FN_TS_OF_LAST_OVER_TIME:
        *ret_value = (double)window->points[window->count - 1].at / 1000;
        return true;
    case FA_PROMQL_FN_PRESENT_OVER_TIME:
        *ret_value = 1;
        return true;
    case FA_PROMQL_FN_STDVAR_OVER_TIME:
        *ret_value = variance(window);
        return true;
    case FA_PROMQL_FN_STDDEV_OVER_TIME:
        *ret_value = sqrt(variance(window));
        return true;
    case FA_PROMQL_FN_QUANTILE_OVER_TIME:
    case FA_PROMQL_FN_SKETCH_QUANTILE_OVER_TIME: /* of points, which need no sketch */
        *ret_value = quantile(window, window->params[0], 0, false);
        return true;
    case FA_PROMQL_FN_MAD_OVER_TIME:
        *ret_value = quantile(window, 0.5, quantile(window, 0.5, 0, false), true);
        return true;
    case FA_PROMQL_FN_CHANGES:
    case FA_PROMQL_FN_RESETS:
        *ret_value = changes(window, window->fn == FA_PROMQL_FN_RESETS);
        return true;
    default:
        return window->count >= 2 && of_two(window, ret_value);
    }
}

static int check_smoothing(struct fa_query *query, const struct fa_promql_node *node,
                           const double params[2])
{
    for (int i = 0; i < 2; i++) {
        if (!(params[i] > 0 && params[i] < 1)) {
            return fa_walk_error(query, node, "the %s factor must lie between 0 and 1, not be %g",
                                 i == 0 ? "smoothing" : "trend", params[i]);
        }
    }
    return 0;
}

/* The range is the argument of type m; numbers stand before or behind it. */
static int arguments(struct fa_query *query, const struct fa_promql_node *node,
                     struct fa_over_time *window, struct fa_query_value *matrix)
{
    size_t params = 0;
    int ret = 0;
    for (size_t i = 0; i < node->u.call.count && ret == 0; i++) {
        const struct fa_promql_node *arg = node->u.call.args[i];
        ret = arg->type == FA_PROMQL_MATRIX
                  ? fa_walk_range(query, arg, window->at, matrix, &window->from, &window->to)
                  : fa_walk_number(query, arg, window->at, &window->params[params++]);
    }
    if (ret == 0 && node->u.call.fn == FA_PROMQL_FN_DOUBLE_EXPONENTIAL_SMOOTHING &&
        matrix->count > 0) {
        ret = check_smoothing(query, node, window->params);
    }
    return ret;
}

static void absent(struct fa_query *query, const struct fa_promql_node *node, fa_time at,
                   struct fa_query_value *vector)
{
    const struct fa_promql_node *arg = fa_promql_bare(node->u.call.args[0]);
    fa_vector_add(vector, fa_labels_absent(query, arg), 1, at);
}

/* Does the source itself know what the function is of the window? */
static bool folded(const struct fa_query *query, const struct fa_over_time *window, void *series,
                   struct fa_query_folded *ret)
{
    const struct fa_query_fold fold = {window->fn, window->params[0], window->from, window->to};
    *ret = (struct fa_query_folded){.any = false};
    return query->source->fold != NULL && series != NULL &&
           query->source->fold(query->source->ctx, series, &fold, ret);
}

static void add(struct fa_query *query, struct fa_query_value *vector,
                const struct fa_labels *labels, const struct fa_over_time *window, double value)
{
    bool keeps_name = window->fn == FA_PROMQL_FN_LAST_OVER_TIME;
    fa_vector_add(vector, keeps_name ? labels : fa_labels_nameless(query, labels), value,
                  window->at);
}

int fa_walk_over_time(struct fa_query *query, const struct fa_promql_node *node, fa_time at,
                      struct fa_query_value *ret_value)
{
    struct fa_over_time window = {.fn = node->u.call.fn, .at = at};
    struct fa_query_value matrix = {0};
    int ret = arguments(query, node, &window, &matrix);
    if (ret != 0) {
        return ret;
    }
    *ret_value = fa_vector_new(query, matrix.count + 1);
    if (window.fn == FA_PROMQL_FN_ABSENT_OVER_TIME) {
        if (matrix.count == 0) {
            absent(query, node, at, ret_value);
        }
        return 0;
    }
    for (size_t i = 0; i < matrix.count; i++) {
        const struct fa_labels *labels = matrix.series[i].labels;
        struct fa_query_folded folding;
        double value;
        window.points = matrix.series[i].points;
        window.count = matrix.series[i].count;
        if (folded(query, &window, matrix.series[i].series, &folding)) {
            if (folding.refused != NULL) {
                return fa_walk_error(query, node, "%s", folding.refused);
            }
            if (folding.any) {
                add(query, ret_value, labels, &window, folding.value);
            }
            continue;
        }
        if (fa_fn_needs_values(window.fn)) {
            window.values = fa_scratch_take(&query->arena, window.count * sizeof *window.values);
        }
        if (fa_fn_over_time(&window, &value)) {
            add(query, ret_value, labels, &window, value);
        }
    }
    return fa_walk_distinct(query, node, ret_value);
}
