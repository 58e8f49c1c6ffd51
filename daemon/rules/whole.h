/* SPDX-License-Identifier: MIT */
/* Inside rules/ only: the series of an expression that is evaluated whole, as a source for the
 * exact evaluator, and what they tell about its results. */
#ifndef FA_RULES_WHOLE_H
#define FA_RULES_WHOLE_H

#include "metrics/watch.h"
#include "rules/plan.h"
#include "rules/query.h"

struct fa_whole;

/* plan: borrowed. */
struct fa_whole *fa_whole_new(const struct fa_plan *plan, fa_time look_back);
void fa_whole_free(struct fa_whole *whole);
/* link->member says whether it has joined. */
void fa_whole_join(struct fa_whole *whole, size_t leaf, struct fa_link *link);
void fa_whole_drop(struct fa_link *link);

/* Evaluates one of the plan's trees. As fa_query_run(); the value is borrowed until fa_query_free()
 * and the next call here. */
int fa_whole_run(struct fa_whole *whole, const struct fa_plan_tree *tree,
                 const struct fa_promql *promql, fa_time now, struct fa_query **ret_query,
                 struct fa_query_value *ret_value, struct fa_err *err) FA_MUST_CHECK;

struct fa_whole_facts {
    size_t lacks; /* the first leaf where no series that agrees has enough samples; SIZE_MAX */
    size_t stale; /* the first range where none that agrees has a fresh one; SIZE_MAX */
    fa_time covered_at; /* as in struct fa_rule_status */
    fa_time newest_at;  /* of the series that agree; 0: none */
};
/* What the series that agree with the label set tell. */
struct fa_whole_facts fa_whole_look(struct fa_whole *whole, const struct fa_labels *labels,
                                    fa_time now, fa_time started);
/* The leaf's series that agree with the label set (canonical text). */
typedef void fa_whole_fn(void *ctx, size_t leaf, const struct fa_link *link);
void fa_whole_each(struct fa_whole *whole, size_t leaf, const char *labels, fa_whole_fn *fn,
                   void *ctx);
/* Series that it reads, each as often as a selector matches it. */
/* Series of one leaf. */
size_t fa_whole_leaf_count(const struct fa_whole *whole, size_t leaf);
size_t fa_whole_count(const struct fa_whole *whole);
/* When a sample gets too old or leaves a window; FA_NEVER. */
fa_time fa_whole_next(const struct fa_whole *whole, fa_time now);
/* Has any series a sample? */
bool fa_whole_has_data(const struct fa_whole *whole, fa_time now);

#endif
