/* SPDX-License-Identifier: MIT */
/* The walk over a PromQL tree at one time: literals, selectors, subqueries and signs; calls,
 * aggregations and operators have files of their own. A subquery walks its inner expression once a
 * step. Invariants: a vector's label sets differ; work and memory are counted, and the first limit
 * that is reached ends the evaluation with the place in the text. */
#include "rules/query_walk.h"

#include "base/panic.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct fa_query_params fa_query_defaults(fa_time at)
{
    return (struct fa_query_params){.at = at,
                                    .look_back = FA_LOOK_BACK,
                                    .every = FA_MINUTE,
                                    .bytes_max = (size_t)1 << 30,
                                    .steps_max = 50000000};
}

int fa_walk_count(struct fa_query *query, const struct fa_promql_node *node, size_t steps)
{
    if (steps > query->params.steps_max - query->steps || query->arena.over) {
        return fa_err_at(query->err, FA_ETOOBIG, NULL, 0, node->from + 1,
                         "the expression needs more than %zu values or %zu MiB of memory",
                         query->params.steps_max, query->params.bytes_max >> 20);
    }
    query->steps += steps;
    return 0;
}

/* ---- vectors ---- */

struct fa_query_value fa_vector_new(struct fa_query *query, size_t count_max)
{
    struct fa_query_value value = {.type = FA_PROMQL_VECTOR};
    value.samples = fa_scratch_take(&query->arena, count_max * sizeof *value.samples);
    return value;
}

void fa_vector_add(struct fa_query_value *vector, const struct fa_labels *labels, double value,
                   fa_time at)
{
    vector->samples[vector->count++] = (struct fa_query_sample){labels, value, at};
}

int fa_walk_distinct(struct fa_query *query, const struct fa_promql_node *node,
                     const struct fa_query_value *vector)
{
    struct fa_label_map map = {0};
    bool added;
    for (size_t i = 0; vector->count > 1 && i < vector->count; i++) {
        (void)fa_label_map_put(query, &map, vector->samples[i].labels, &added);
        if (!added) {
            return fa_walk_error(query, node,
                                 "vector cannot contain metrics with the same labelset");
        }
    }
    return 0;
}

/* ---- selectors ---- */

struct find {
    struct fa_query *query;
    struct fa_query_selected *selected;
};

static int on_found(void *ctx, const struct fa_labels *labels, void *series)
{
    struct find *find = ctx;
    struct fa_query_selected *selected = find->selected;
    selected->items = fa_scratch_grow(&find->query->arena, selected->items, selected->count,
                                      &selected->cap, sizeof *selected->items);
    selected->items[selected->count++] = (struct fa_query_found){labels, series};
    return 0;
}

static int select_series(struct fa_query *query, const struct fa_promql_node *node,
                         const struct fa_query_selected **ret_selected)
{
    struct fa_query_selected *selected = &query->selected[node->u.selector.number];
    struct find find = {query, selected};
    *ret_selected = selected;
    if (selected->asked) {
        return 0;
    }
    selected->asked = true;
    int ret = query->source->select(query->source->ctx, node->u.selector.matchers,
                                    node->u.selector.matcher_count, on_found, &find);
    return ret != 0 ? ret : fa_walk_count(query, node, selected->count);
}

/* Where the samples of a selector or subquery end. */
static fa_time window_end(const struct fa_query *query, const struct fa_promql_node *node,
                          fa_time at)
{
    switch (node->at) {
    case FA_AT_TIME:
        return node->at_time - node->offset;
    case FA_AT_START:
    case FA_AT_END: /* an evaluation at one time starts and ends there */
        return query->params.at - node->offset;
    case FA_AT_NONE:
    default:
        return at - node->offset;
    }
}

static int walk_selector(struct fa_query *query, const struct fa_promql_node *node, fa_time at,
                         struct fa_query_value *ret_value)
{
    const struct fa_query_selected *selected;
    fa_time end = window_end(query, node, at);
    int ret = select_series(query, node, &selected);
    if (ret != 0) {
        return ret;
    }
    *ret_value = fa_vector_new(query, selected->count);
    for (size_t i = 0; i < selected->count; i++) {
        const struct fa_point *points;
        size_t count = query->source->read(query->source->ctx, selected->items[i].series,
                                           end - query->params.look_back, end, &points);
        if (count > 0 && !fa_is_stale(points[count - 1].value)) {
            fa_vector_add(ret_value, selected->items[i].labels, points[count - 1].value,
                          points[count - 1].at);
        }
    }
    return fa_walk_count(query, node, selected->count);
}

/* Without stale markers; the source's own points when there are none. */
static struct fa_query_series living(struct fa_query *query, const struct fa_labels *labels,
                                     const struct fa_point *points, size_t count)
{
    struct fa_point *kept = NULL;
    size_t kept_count = 0;
    for (size_t i = 0; i < count; i++) {
        bool stale = fa_is_stale(points[i].value);
        if (stale && kept == NULL) {
            kept = fa_scratch_copy(&query->arena, points, count * sizeof *points);
            kept_count = i;
        } else if (!stale && kept != NULL) {
            kept[kept_count++] = points[i];
        }
    }
    return (struct fa_query_series){.labels = labels,
                                    .points = kept != NULL ? kept : points,
                                    .count = kept != NULL ? kept_count : count};
}

static int range_selector(struct fa_query *query, const struct fa_promql_node *node, fa_time from,
                          fa_time to, struct fa_query_value *ret_value)
{
    const struct fa_query_selected *selected;
    size_t read = 0;
    int ret = select_series(query, node, &selected);
    if (ret != 0) {
        return ret;
    }
    ret_value->series = fa_scratch_take(&query->arena, selected->count * sizeof *ret_value->series);
    for (size_t i = 0; i < selected->count; i++) {
        const struct fa_point *points;
        size_t count =
            query->source->read(query->source->ctx, selected->items[i].series, from, to, &points);
        struct fa_query_series series = living(query, selected->items[i].labels, points, count);
        series.series = selected->items[i].series;
        read += count;
        if (series.count > 0) {
            ret_value->series[ret_value->count++] = series;
        }
    }
    return fa_walk_count(query, node, read + selected->count);
}

/* ---- subqueries ---- */

struct growing {
    struct fa_point *points;
    size_t count, cap;
};

struct rows {
    struct fa_label_map map;
    struct growing *items;
    size_t cap;
};

static void take_step(struct fa_query *query, struct rows *rows,
                      const struct fa_query_value *vector, fa_time at)
{
    for (size_t i = 0; i < vector->count; i++) {
        bool added;
        size_t number = fa_label_map_put(query, &rows->map, vector->samples[i].labels, &added);
        if (added) {
            rows->items = fa_scratch_grow(&query->arena, rows->items, number, &rows->cap,
                                          sizeof *rows->items);
            rows->items[number] = (struct growing){0};
        }
        struct growing *row = &rows->items[number];
        row->points =
            fa_scratch_grow(&query->arena, row->points, row->count, &row->cap, sizeof *row->points);
        row->points[row->count++] = (struct fa_point){at, vector->samples[i].value};
    }
}

/* Steps lie at whole multiples of the step since 1970, so that two evaluations see the same. */
static int subquery(struct fa_query *query, const struct fa_promql_node *node, fa_time from,
                    fa_time to, struct fa_query_value *ret_value)
{
    fa_time step = node->step > 0 ? node->step : query->params.every;
    struct rows rows = {0};
    fa_time at = from / step * step;
    int ret = 0;
    while (at <= from) {
        at += step;
    }
    for (; at <= to && ret == 0; at += step) {
        struct fa_query_value vector;
        ret = fa_walk(query, node->u.arg, at, &vector);
        if (ret == 0) {
            take_step(query, &rows, &vector, at);
            ret = fa_walk_count(query, node, 1 + vector.count);
        }
    }
    ret_value->series = fa_scratch_take(&query->arena, rows.map.count * sizeof *ret_value->series);
    for (size_t i = 0; i < rows.map.count; i++) {
        struct fa_query_series series =
            living(query, rows.map.items[i], rows.items[i].points, rows.items[i].count);
        if (series.count > 0) {
            ret_value->series[ret_value->count++] = series;
        }
    }
    return ret;
}

int fa_walk_range(struct fa_query *query, const struct fa_promql_node *node, fa_time at,
                  struct fa_query_value *ret_value, fa_time *ret_from, fa_time *ret_to)
{
    node = fa_promql_bare(node);
    *ret_to = window_end(query, node, at);
    *ret_from = *ret_to - node->range;
    *ret_value = (struct fa_query_value){.type = FA_PROMQL_MATRIX};
    return node->kind == FA_PROMQL_SELECTOR
               ? range_selector(query, node, *ret_from, *ret_to, ret_value)
               : subquery(query, node, *ret_from, *ret_to, ret_value);
}

/* ---- the walk ---- */

static int negate(struct fa_query *query, const struct fa_promql_node *node, fa_time at,
                  struct fa_query_value *ret_value)
{
    struct fa_query_value value;
    int ret = fa_walk(query, node->u.arg, at, &value);
    if (ret != 0 || value.type == FA_PROMQL_SCALAR) {
        value.number = -value.number;
        *ret_value = value;
        return ret;
    }
    *ret_value = fa_vector_new(query, value.count);
    for (size_t i = 0; i < value.count; i++) {
        fa_vector_add(ret_value, fa_labels_nameless(query, value.samples[i].labels),
                      -value.samples[i].value, at);
    }
    return fa_walk_distinct(query, node, ret_value);
}

int fa_walk(struct fa_query *query, const struct fa_promql_node *node, fa_time at,
            struct fa_query_value *ret_value)
{
    fa_time from, to;
    int ret = fa_walk_count(query, node, 1);
    if (ret != 0) {
        return ret;
    }
    *ret_value = (struct fa_query_value){.type = node->type};
    if (node->type == FA_PROMQL_MATRIX) {
        return fa_walk_range(query, node, at, ret_value, &from, &to);
    }
    switch (node->kind) {
    case FA_PROMQL_NUMBER:
        ret_value->number = node->u.number;
        return 0;
    case FA_PROMQL_TEXT:
        ret_value->text = node->u.text;
        return 0;
    case FA_PROMQL_SELECTOR:
        return walk_selector(query, node, at, ret_value);
    case FA_PROMQL_CALL:
        return fa_walk_call(query, node, at, ret_value);
    case FA_PROMQL_AGGREGATE:
        return fa_walk_aggregate(query, node, at, ret_value);
    case FA_PROMQL_BINARY:
        return fa_walk_binary(query, node, at, ret_value);
    case FA_PROMQL_NEGATE:
        return negate(query, node, at, ret_value);
    case FA_PROMQL_PAREN:
        return fa_walk(query, node->u.arg, at, ret_value);
    case FA_PROMQL_SUBQUERY:
    default:
        fa_panic(__FILE__, __LINE__, "a subquery is a range vector");
    }
}

int fa_walk_number(struct fa_query *query, const struct fa_promql_node *node, fa_time at,
                   double *ret_number)
{
    struct fa_query_value value;
    int ret = fa_walk(query, node, at, &value);
    *ret_number = ret == 0 ? value.number : 0;
    return ret;
}

/* A range vector at the top is shown in the order of its labels. */
static void sort_series(struct fa_query_value *value)
{
    for (size_t i = 1; i < value->count; i++) {
        for (size_t j = i;
             j > 0 && fa_labels_cmp(value->series[j - 1].labels, value->series[j].labels) > 0;
             j--) {
            struct fa_query_series other = value->series[j];
            value->series[j] = value->series[j - 1];
            value->series[j - 1] = other;
        }
    }
}

int fa_query_run(const struct fa_promql *promql, const struct fa_query_source *source,
                 const struct fa_query_params *params, struct fa_query **ret_query,
                 struct fa_query_value *ret_value, struct fa_err *err)
{
    struct fa_query *query = fa_xcalloc(1, sizeof *query);
    query->source = source;
    query->params = *params;
    query->err = err;
    fa_scratch_init(&query->arena, params->bytes_max);
    query->selected =
        fa_scratch_take(&query->arena, promql->selector_count * sizeof *query->selected);
    int ret = fa_walk(query, promql->root, params->at, ret_value);
    if (ret != 0) {
        fa_query_free(query);
        return ret;
    }
    if (ret_value->type == FA_PROMQL_MATRIX) {
        sort_series(ret_value);
    }
    *ret_query = query;
    return 0;
}

void fa_query_free(struct fa_query *query)
{
    if (query != NULL) {
        fa_scratch_done(&query->arena);
        free(query);
    }
}
