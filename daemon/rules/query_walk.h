/* SPDX-License-Identifier: MIT */
/* What the files of an evaluation share. Nothing here outlives the evaluation: label sets, vectors
 * and points lie in its arena or are the source's. */
#ifndef FA_RULES_QUERY_WALK_H
#define FA_RULES_QUERY_WALK_H

#include "rules/query.h"

struct fa_query_found {
    const struct fa_labels *labels;
    void *series;
};

/* What a selector of the expression found; asked of the source once. */
struct fa_query_selected {
    bool asked;
    struct fa_query_found *items;
    size_t count, cap;
};

struct fa_query {
    const struct fa_query_source *source;
    struct fa_query_params params;
    struct fa_query_selected *selected; /* by the selector's number */
    struct fa_scratch arena;
    size_t steps; /* done so far */
    struct fa_err *err;
};

/* ---- the walk (query.c) ---- */
int fa_walk(struct fa_query *query, const struct fa_promql_node *node, fa_time at,
            struct fa_query_value *ret_value) FA_MUST_CHECK;
int fa_walk_number(struct fa_query *query, const struct fa_promql_node *node, fa_time at,
                   double *ret_number) FA_MUST_CHECK;
/* A range selector or subquery, with its window: (*ret_from, *ret_to]. Series without points are
 * left out, stale markers too. */
int fa_walk_range(struct fa_query *query, const struct fa_promql_node *node, fa_time at,
                  struct fa_query_value *ret_value, fa_time *ret_from,
                  fa_time *ret_to) FA_MUST_CHECK;
/* Counts what was done. FA_ETOOBIG beyond a limit. */
int fa_walk_count(struct fa_query *query, const struct fa_promql_node *node,
                  size_t steps) FA_MUST_CHECK;
/* The data do not allow it: FA_EINVAL with the node's place. */
#define fa_walk_error(query, node, ...)                                                            \
    fa_err_at((query)->err, FA_EINVAL, NULL, 0, (node)->from + 1, __VA_ARGS__)
/* FA_EINVAL when two samples have the same labels. */
int fa_walk_distinct(struct fa_query *query, const struct fa_promql_node *node,
                     const struct fa_query_value *vector) FA_MUST_CHECK;
struct fa_query_value fa_vector_new(struct fa_query *query, size_t count_max);
void fa_vector_add(struct fa_query_value *vector, const struct fa_labels *labels, double value,
                   fa_time at);

int fa_walk_call(struct fa_query *query, const struct fa_promql_node *node, fa_time at,
                 struct fa_query_value *ret_value) FA_MUST_CHECK;
int fa_walk_over_time(struct fa_query *query, const struct fa_promql_node *node, fa_time at,
                      struct fa_query_value *ret_value) FA_MUST_CHECK;
int fa_walk_aggregate(struct fa_query *query, const struct fa_promql_node *node, fa_time at,
                      struct fa_query_value *ret_value) FA_MUST_CHECK;
int fa_walk_binary(struct fa_query *query, const struct fa_promql_node *node, fa_time at,
                   struct fa_query_value *ret_value) FA_MUST_CHECK;
int fa_walk_histogram(struct fa_query *query, const struct fa_promql_node *node, fa_time at,
                      struct fa_query_value *ret_value) FA_MUST_CHECK;
int fa_walk_relabel(struct fa_query *query, const struct fa_promql_node *node, fa_time at,
                    struct fa_query_value *ret_value) FA_MUST_CHECK;

/* ---- label sets (query_labels.c): each returns a set in the arena, or the one it was given ----
 */
const struct fa_labels *fa_labels_none(void);
const struct fa_labels *fa_labels_nameless(struct fa_query *query, const struct fa_labels *labels);
const struct fa_labels *fa_labels_keep(struct fa_query *query, const struct fa_labels *labels,
                                       const struct fa_promql_names *names);
/* Without those named, and without __name__ when asked. */
const struct fa_labels *fa_labels_drop(struct fa_query *query, const struct fa_labels *labels,
                                       const struct fa_promql_names *names, bool name_too);
/* An empty value takes the label away. */
const struct fa_labels *fa_labels_with(struct fa_query *query, const struct fa_labels *labels,
                                       struct fa_str name, struct fa_str value);
/* What absent() says of the matchers. */
const struct fa_labels *fa_labels_absent(struct fa_query *query, const struct fa_promql_node *node);

/* Numbers label sets as they come, from 0. */
struct fa_label_map {
    const struct fa_labels **items;
    uint64_t *hashes;
    size_t count, cap;
    uint32_t *slots; /* number + 1 */
    size_t slot_count;
};
size_t fa_label_map_put(struct fa_query *query, struct fa_label_map *map,
                        const struct fa_labels *labels, bool *ret_added);
/* SIZE_MAX: it is not there. */
size_t fa_label_map_find(const struct fa_label_map *map, const struct fa_labels *labels);

/* ---- arithmetic that several need (query_math.c) ---- */
/* Neumaier's sum: add to *sum, and what is lost to *c. */
void fa_sum_add(double value, double *sum, double *c);
/* values are sorted in place. */
double fa_quantile(double quantile, double *values, size_t count);
/* Stable; less(a, b) says whether a stands before b. */
typedef bool fa_sample_less_fn(const struct fa_query_sample *a, const struct fa_query_sample *b,
                               const void *ctx);
void fa_samples_sort(struct fa_query *query, struct fa_query_sample *items, size_t count,
                     fa_sample_less_fn *less, const void *ctx);

#endif
