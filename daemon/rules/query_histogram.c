/* SPDX-License-Identifier: MIT */
/* histogram_quantile() and histogram_fraction() over classic buckets: series that differ in `le`
 * alone are the buckets of one histogram, counts are cumulative. */
#include "rules/query_walk.h"

#include <float.h>
#include <math.h>

struct bucket {
    double bound, count;
};

struct histogram {
    const struct fa_labels *labels;
    struct bucket *buckets;
    size_t count, cap;
};

static void sort_buckets(struct histogram *histogram)
{
    for (size_t i = 1; i < histogram->count; i++) {
        struct bucket bucket = histogram->buckets[i];
        size_t j = i;
        for (; j > 0 && histogram->buckets[j - 1].bound > bucket.bound; j--) {
            histogram->buckets[j] = histogram->buckets[j - 1];
        }
        histogram->buckets[j] = bucket;
    }
}

/* Sorted, equal bounds added up. False: there is no +Inf bucket, so nothing is known. */
static bool settle(struct histogram *histogram)
{
    size_t kept = 0;
    sort_buckets(histogram);
    if (!(isinf(histogram->buckets[histogram->count - 1].bound) &&
          histogram->buckets[histogram->count - 1].bound > 0)) {
        return false;
    }
    for (size_t i = 1; i < histogram->count; i++) {
        if (histogram->buckets[i].bound == histogram->buckets[kept].bound) {
            histogram->buckets[kept].count += histogram->buckets[i].count;
        } else {
            histogram->buckets[++kept] = histogram->buckets[i];
        }
    }
    histogram->count = kept + 1;
    return true;
}

static bool is_almost(double a, double b)
{
    double sum = fabs(a) + fabs(b), difference = fabs(a - b);
    if (a == b || (isnan(a) && isnan(b))) {
        return true;
    }
    if (a == 0 || b == 0 || sum < DBL_MIN) {
        return difference < 1e-12 * DBL_MIN;
    }
    return difference / (sum < DBL_MAX ? sum : DBL_MAX) < 1e-12;
}

/* Counts that fall, be it by rounding or by scrapes that tore, stay where they were. */
static void make_monotonic(struct histogram *histogram)
{
    double before = histogram->buckets[0].count;
    for (size_t i = 1; i < histogram->count; i++) {
        double count = histogram->buckets[i].count;
        if (count != before && (is_almost(before, count) || count < before)) {
            histogram->buckets[i].count = before;
        } else {
            before = count;
        }
    }
}

static double quantile_of(double q, struct histogram *histogram)
{
    const struct bucket *buckets = histogram->buckets;
    size_t b = 0;
    if (isnan(q)) {
        return (double)NAN;
    }
    if (q < 0 || q > 1) {
        return q < 0 ? -(double)INFINITY : (double)INFINITY;
    }
    if (!settle(histogram)) {
        return (double)NAN;
    }
    make_monotonic(histogram);
    size_t last = histogram->count - 1;
    if (last < 1 || buckets[last].count == 0) {
        return (double)NAN;
    }
    double rank = q * buckets[last].count, start = 0, count;
    while (b < last && !(buckets[b].count >= rank)) {
        b++;
    }
    if (b == last) {
        return buckets[last - 1].bound;
    }
    if (b == 0 && buckets[0].bound <= 0) {
        return buckets[0].bound;
    }
    count = buckets[b].count;
    if (b > 0) {
        start = buckets[b - 1].bound;
        count -= buckets[b - 1].count;
        rank -= buckets[b - 1].count;
    }
    return start + (buckets[b].bound - start) * (rank / count);
}

/* How many observations lie below a value, taken as evenly spread within a bucket. */
static double rank_below(double value, const struct histogram *histogram)
{
    double rank = 0, lower = -(double)INFINITY;
    for (size_t i = 0; i < histogram->count; i++) {
        const struct bucket *bucket = &histogram->buckets[i];
        if (lower >= value) {
            return rank;
        }
        if (bucket->bound > value) {
            return rank + (bucket->count - rank) * (value - lower) / (bucket->bound - lower);
        }
        rank = bucket->count;
        lower = bucket->bound;
    }
    return histogram->buckets[histogram->count - 1].count;
}

static double fraction_of(double lower, double upper, struct histogram *histogram)
{
    if (!settle(histogram)) {
        return (double)NAN;
    }
    double count = histogram->buckets[histogram->count - 1].count;
    if (count == 0 || isnan(lower) || isnan(upper)) {
        return (double)NAN;
    }
    if (lower >= upper) {
        return 0;
    }
    double below = rank_below(lower, histogram), above = rank_below(upper, histogram);
    below = below > count ? count : below;
    above = above > count ? count : above;
    return (above - below) / count;
}

/* Elements without a bound that can be read are passed over. */
static struct histogram *gather(struct fa_query *query, const struct fa_query_value *vector,
                                size_t *ret_count)
{
    struct fa_str le = FA_STR("le");
    struct fa_promql_names only_le = {&le, 1};
    struct fa_label_map map = {0};
    struct histogram *histograms = NULL;
    size_t cap = 0;
    for (size_t i = 0; i < vector->count; i++) {
        const struct fa_labels *labels = vector->samples[i].labels;
        double bound;
        bool added;
        if (fa_number_parse(fa_labels_get(labels, le), &bound) != 0) {
            continue;
        }
        size_t number =
            fa_label_map_put(query, &map, fa_labels_drop(query, labels, &only_le, false), &added);
        if (added) {
            histograms =
                fa_scratch_grow(&query->arena, histograms, number, &cap, sizeof *histograms);
            histograms[number] = (struct histogram){.labels = map.items[number]};
        }
        struct histogram *histogram = &histograms[number];
        histogram->buckets = fa_scratch_grow(&query->arena, histogram->buckets, histogram->count,
                                             &histogram->cap, sizeof *histogram->buckets);
        histogram->buckets[histogram->count++] = (struct bucket){bound, vector->samples[i].value};
    }
    *ret_count = map.count;
    return histograms;
}

int fa_walk_histogram(struct fa_query *query, const struct fa_promql_node *node, fa_time at,
                      struct fa_query_value *ret_value)
{
    bool is_quantile = node->u.call.fn == FA_PROMQL_FN_HISTOGRAM_QUANTILE;
    size_t numbers = node->u.call.count - 1, count;
    struct fa_query_value vector;
    double params[2] = {0, 0};
    int ret = 0;
    for (size_t i = 0; i < numbers && ret == 0; i++) {
        ret = fa_walk_number(query, node->u.call.args[i], at, &params[i]);
    }
    if (ret == 0) {
        ret = fa_walk(query, node->u.call.args[numbers], at, &vector);
    }
    if (ret != 0) {
        return ret;
    }
    struct histogram *histograms = gather(query, &vector, &count);
    *ret_value = fa_vector_new(query, count);
    for (size_t i = 0; i < count; i++) {
        fa_vector_add(ret_value, fa_labels_nameless(query, histograms[i].labels),
                      is_quantile ? quantile_of(params[0], &histograms[i])
                                  : fraction_of(params[0], params[1], &histograms[i]),
                      at);
    }
    return fa_walk_distinct(query, node, ret_value);
}
