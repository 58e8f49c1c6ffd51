/* SPDX-License-Identifier: MIT */
/* Aggregations: many elements of a vector become one for each group, or some of them are chosen. */
#include "rules/functions.h"
#include "rules/query_walk.h"

#include <math.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

struct group {
    const struct fa_labels *labels;
    struct fa_accumulator sum;
    double *values; /* for quantile */
    size_t values_cap;
    struct fa_query_sample *chosen; /* a heap of the k best, the worst of them first */
    size_t chosen_count, chosen_cap;
};

struct groups {
    struct fa_label_map map;
    struct group *items;
    size_t cap;
};

static const struct fa_labels *group_labels(struct fa_query *query,
                                            const struct fa_promql_node *node,
                                            const struct fa_labels *labels)
{
    return node->u.aggregate.without ? fa_labels_drop(query, labels, &node->u.aggregate.names, true)
                                     : fa_labels_keep(query, labels, &node->u.aggregate.names);
}

static struct group *group_of(struct fa_query *query, struct groups *groups,
                              const struct fa_labels *labels, bool *ret_first)
{
    size_t number = fa_label_map_put(query, &groups->map, labels, ret_first);
    if (*ret_first) {
        groups->items = fa_scratch_grow(&query->arena, groups->items, number, &groups->cap,
                                        sizeof *groups->items);
        groups->items[number] = (struct group){.labels = labels};
    }
    return &groups->items[number];
}

/* ---- one value for a group ---- */

static void add_to_average(struct fa_accumulator *group, double value)
{
    if (!group->by_mean) {
        double sum = group->value, c = group->c;
        fa_sum_add(value, &sum, &c);
        if (!isinf(sum)) {
            group->value = sum;
            group->c = c;
            return;
        }
        group->by_mean = true;
        group->mean = group->value / (group->count - 1);
        group->c /= group->count - 1;
    }
    double part = (group->count - 1) / group->count;
    group->mean *= part;
    group->c *= part;
    fa_sum_add(value / group->count, &group->mean, &group->c);
}

static void begin(enum fa_promql_agg agg, struct fa_accumulator *group, double value)
{
    group->count = 1;
    group->value = group->mean = value;
    if (agg == FA_PROMQL_AGG_STDVAR || agg == FA_PROMQL_AGG_STDDEV) {
        group->value = isnan(value) || isinf(value) ? (double)NAN : 0;
    } else if (agg == FA_PROMQL_AGG_GROUP) {
        group->value = 1;
    }
}

void fa_agg_add(enum fa_promql_agg agg, struct fa_accumulator *group, double value)
{
    double delta;
    if (group->count == 0) {
        begin(agg, group, value);
        return;
    }
    group->count++;
    switch (agg) {
    case FA_PROMQL_AGG_SUM:
        fa_sum_add(value, &group->value, &group->c);
        break;
    case FA_PROMQL_AGG_AVG:
        add_to_average(group, value);
        break;
    case FA_PROMQL_AGG_MAX:
        group->value = group->value < value || isnan(group->value) ? value : group->value;
        break;
    case FA_PROMQL_AGG_MIN:
        group->value = group->value > value || isnan(group->value) ? value : group->value;
        break;
    case FA_PROMQL_AGG_STDDEV:
    case FA_PROMQL_AGG_STDVAR:
        delta = value - group->mean;
        group->mean += delta / group->count;
        group->value += delta * (value - group->mean);
        break;
    case FA_PROMQL_AGG_COUNT:
    case FA_PROMQL_AGG_GROUP:
    case FA_PROMQL_AGG_TOPK:
    case FA_PROMQL_AGG_BOTTOMK:
    case FA_PROMQL_AGG_COUNT_VALUES:
    case FA_PROMQL_AGG_QUANTILE:
    case FA_PROMQL_AGG_LIMITK:
    case FA_PROMQL_AGG_LIMIT_RATIO:
    case FA_PROMQL_AGG_NEWEST:
    case FA_PROMQL_AGG_SKETCH_QUANTILE:
    case FA_PROMQL_AGG__COUNT:
    default:
        break;
    }
}

double fa_agg_end(enum fa_promql_agg agg, const struct fa_accumulator *group, double param,
                  double *values)
{
    switch (agg) {
    case FA_PROMQL_AGG_SUM:
        return group->value + group->c;
    case FA_PROMQL_AGG_AVG:
        return group->by_mean ? group->mean + group->c
                              : group->value / group->count + group->c / group->count;
    case FA_PROMQL_AGG_COUNT:
    case FA_PROMQL_AGG_COUNT_VALUES:
        return group->count;
    case FA_PROMQL_AGG_STDVAR:
        return group->value / group->count;
    case FA_PROMQL_AGG_STDDEV:
        return sqrt(group->value / group->count);
    case FA_PROMQL_AGG_QUANTILE:
        return fa_quantile(param, values, (size_t)group->count);
    case FA_PROMQL_AGG_MIN:
    case FA_PROMQL_AGG_MAX:
    case FA_PROMQL_AGG_GROUP:
    case FA_PROMQL_AGG_TOPK:
    case FA_PROMQL_AGG_BOTTOMK:
    case FA_PROMQL_AGG_LIMITK:
    case FA_PROMQL_AGG_LIMIT_RATIO:
    case FA_PROMQL_AGG_NEWEST:
    case FA_PROMQL_AGG_SKETCH_QUANTILE:
    case FA_PROMQL_AGG__COUNT:
    default:
        return group->value;
    }
}

static void keep_value(struct fa_query *query, struct group *group, double value)
{
    size_t at = (size_t)group->sum.count - 1;
    group->values = fa_scratch_grow(&query->arena, group->values, at, &group->values_cap,
                                    sizeof *group->values);
    group->values[at] = value;
}

/* count_values groups by the value too, as one more label. */
static const struct fa_labels *counted_labels(struct fa_query *query,
                                              const struct fa_promql_node *node,
                                              const struct fa_query_sample *sample)
{
    char text[FA_NUMBER_TEXT_SIZE];
    struct fa_str name = fa_promql_bare(node->u.aggregate.param)->u.text;
    struct fa_str value =
        fa_scratch_str(&query->arena, fa_str_of(fa_number_format(sample->value, false, text)));
    const struct fa_labels *labels = fa_labels_with(query, sample->labels, name, value);
    const struct fa_labels *kept = group_labels(query, node, labels);
    return node->u.aggregate.without ? kept : fa_labels_with(query, kept, name, value);
}

static int reduce(struct fa_query *query, const struct fa_promql_node *node,
                  const struct fa_query_value *vector, double param,
                  struct fa_query_value *ret_value)
{
    enum fa_promql_agg agg = node->u.aggregate.agg;
    struct groups groups = {0};
    bool first;
    for (size_t i = 0; i < vector->count; i++) {
        const struct fa_query_sample *sample = &vector->samples[i];
        struct group *group =
            group_of(query, &groups,
                     agg == FA_PROMQL_AGG_COUNT_VALUES ? counted_labels(query, node, sample)
                                                       : group_labels(query, node, sample->labels),
                     &first);
        fa_agg_add(agg, &group->sum, sample->value);
        if (agg == FA_PROMQL_AGG_QUANTILE) {
            keep_value(query, group, sample->value);
        }
    }
    *ret_value = fa_vector_new(query, groups.map.count);
    for (size_t i = 0; i < groups.map.count; i++) {
        struct group *group = &groups.items[i];
        fa_vector_add(ret_value, group->labels, fa_agg_end(agg, &group->sum, param, group->values),
                      query->params.at);
    }
    return agg == FA_PROMQL_AGG_COUNT_VALUES ? fa_walk_distinct(query, node, ret_value) : 0;
}

/* ---- some of a group ---- */

/* Whether a is to leave before b; NaN leaves first. */
static bool is_worse(enum fa_promql_agg agg, double a, double b)
{
    return isnan(a) || (agg == FA_PROMQL_AGG_TOPK ? a < b : a > b);
}

static void swap(struct fa_query_sample *a, struct fa_query_sample *b)
{
    struct fa_query_sample other = *a;
    *a = *b;
    *b = other;
}

static void heap_push(enum fa_promql_agg agg, struct group *group)
{
    size_t at = group->chosen_count - 1;
    while (at > 0) {
        size_t parent = (at - 1) / 2;
        if (!is_worse(agg, group->chosen[at].value, group->chosen[parent].value)) {
            return;
        }
        swap(&group->chosen[at], &group->chosen[parent]);
        at = parent;
    }
}

static void heap_fix_first(enum fa_promql_agg agg, struct group *group)
{
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= group->chosen_count) {
            return;
        }
        if (child + 1 < group->chosen_count &&
            is_worse(agg, group->chosen[child + 1].value, group->chosen[child].value)) {
            child++;
        }
        if (!is_worse(agg, group->chosen[child].value, group->chosen[at].value)) {
            return;
        }
        swap(&group->chosen[at], &group->chosen[child]);
        at = child;
    }
}

static void append(struct fa_query *query, struct group *group,
                   const struct fa_query_sample *sample)
{
    group->chosen = fa_scratch_grow(&query->arena, group->chosen, group->chosen_count,
                                    &group->chosen_cap, sizeof *group->chosen);
    group->chosen[group->chosen_count++] = *sample;
}

/* An even part of all label sets, the same one at each evaluation; a negative ratio is the rest. */
static bool in_ratio(const struct fa_query_sample *sample, double ratio)
{
    struct fa_buf bytes;
    fa_buf_init(&bytes, SIZE_MAX);
    for (size_t i = 0; i < sample->labels->count; i++) {
        const struct fa_label *label = &sample->labels->items[i];
        fa_buf_putc(&bytes, (char)label->name.len);
        fa_buf_putstr(&bytes, label->name);
        fa_buf_putc(&bytes, (char)label->value.len);
        fa_buf_putstr(&bytes, label->value);
    }
    uint64_t hash = XXH64(bytes.data, bytes.len, 0);
    fa_buf_done(&bytes);
    double place = (double)hash / (double)UINT64_MAX;
    return ratio >= 0 ? place < ratio : place >= 1 + ratio;
}

static void choose(struct fa_query *query, enum fa_promql_agg agg, struct group *group,
                   const struct fa_query_sample *sample, double param)
{
    if (agg == FA_PROMQL_AGG_LIMIT_RATIO) {
        if (in_ratio(sample, param)) {
            append(query, group, sample);
        }
        return;
    }
    if (group->chosen_count < (size_t)param) {
        append(query, group, sample);
        if (agg != FA_PROMQL_AGG_LIMITK) {
            heap_push(agg, group);
        }
        return;
    }
    double worst = group->chosen[0].value;
    bool better = agg == FA_PROMQL_AGG_TOPK ? worst < sample->value : worst > sample->value;
    if (agg != FA_PROMQL_AGG_LIMITK && (better || (isnan(worst) && !isnan(sample->value)))) {
        group->chosen[0] = *sample;
        heap_fix_first(agg, group);
    }
}

static bool best_first(const struct fa_query_sample *a, const struct fa_query_sample *b,
                       const void *ctx)
{
    return is_worse(*(const enum fa_promql_agg *)ctx, b->value, a->value);
}

static int some(struct fa_query *query, const struct fa_promql_node *node,
                const struct fa_query_value *vector, double param, struct fa_query_value *ret_value)
{
    enum fa_promql_agg agg = node->u.aggregate.agg;
    struct groups groups = {0};
    bool first;
    *ret_value = fa_vector_new(query, vector->count);
    if (vector->count == 0) {
        return 0;
    }
    if (agg != FA_PROMQL_AGG_LIMIT_RATIO) {
        if (!(fabs(param) < 9e18)) {
            return fa_walk_error(query, node, "the number of elements is no whole number");
        }
        if (param < 1) {
            return 0;
        }
        param = param > (double)vector->count ? (double)vector->count : trunc(param);
    } else if (isnan(param)) {
        return fa_walk_error(query, node, "the ratio is not a number");
    }
    for (size_t i = 0; i < vector->count; i++) {
        struct group *group =
            group_of(query, &groups, group_labels(query, node, vector->samples[i].labels), &first);
        choose(query, agg, group, &vector->samples[i], param);
    }
    for (size_t i = 0; i < groups.map.count; i++) {
        struct group *group = &groups.items[i];
        if (agg == FA_PROMQL_AGG_TOPK || agg == FA_PROMQL_AGG_BOTTOMK) {
            fa_samples_sort(query, group->chosen, group->chosen_count, best_first, &agg);
        }
        for (size_t j = 0; j < group->chosen_count; j++) {
            fa_vector_add(ret_value, group->chosen[j].labels, group->chosen[j].value,
                          query->params.at);
        }
    }
    return 0;
}

int fa_walk_aggregate(struct fa_query *query, const struct fa_promql_node *node, fa_time at,
                      struct fa_query_value *ret_value)
{
    enum fa_promql_agg agg = node->u.aggregate.agg;
    struct fa_query_value vector;
    double param = 0;
    int ret = 0;
    if (fa_promql_aggs[agg].param == 's') {
        ret = fa_walk_number(query, node->u.aggregate.param, at, &param);
    }
    if (ret == 0) {
        ret = fa_walk(query, node->u.aggregate.arg, at, &vector);
    }
    if (ret == 0) {
        ret = fa_walk_count(query, node, vector.count);
    }
    if (ret != 0) {
        return ret;
    }
    bool chooses = agg == FA_PROMQL_AGG_TOPK || agg == FA_PROMQL_AGG_BOTTOMK ||
                   agg == FA_PROMQL_AGG_LIMITK || agg == FA_PROMQL_AGG_LIMIT_RATIO;
    return chooses ? some(query, node, &vector, param, ret_value)
                   : reduce(query, node, &vector, param, ret_value);
}
