/* SPDX-License-Identifier: MIT */
/* The value of a keyed expression for one label set: the series that fall together under its key,
 * as plain numbers. */
#ifndef FA_RULES_EVAL_H
#define FA_RULES_EVAL_H

#include "metrics/watch.h"
#include "rules/plan.h"

/* A series as one leaf of one label set reads it. */
struct fa_member {
    struct fa_member *next, *prev;
    void *group; /* the caller's */
    struct fa_link *link;
    uint32_t leaf, place; /* place: the caller's */
    uint32_t version;     /* of the series when it was read */
    bool read;            /* what follows is up to date but for samples and time's passing */
    fa_time read_at;
    /* Of the window, one; none for a leaf without window. Behind it lies a struct fa_follow when
     * the leaf follows its windows. */
    struct fa_summary summary[];
};

static inline struct fa_follow *fa_member_follow(struct fa_member *member)
{
    return (struct fa_follow *)(void *)(member->summary + 1);
}

struct fa_population {
    struct fa_member *first, *last;
    size_t count;
};

/* Memory of one evaluation after the other; all zero at first. */
struct fa_room {
    struct fa_sketch sketch;
    struct fa_point *points; /* of one series */
    double *values;          /* of one series; and of an aggregation */
    double *gathered;
    size_t point_cap, value_cap, gathered_cap;
};
void fa_room_done(struct fa_room *room);

struct fa_eval {
    fa_time now, look_back;
    const struct fa_plan *plan;
    const struct fa_plan_tree *tree;
    const struct fa_population *leaves; /* as numbered by the plan */
    const struct fa_member *bound;      /* inside an aggregation: the series that is its turn */
    struct fa_room *room;
};

/* Is it of a kind whose silence says "nothing happened", not "nobody looked"? */
bool fa_link_is_event(const struct fa_link *link);
/* So many samples of the series must lie where the leaf looks, or it has no answer from it. */
size_t fa_link_needed(const struct fa_link *link, const struct fa_plan_leaf *leaf);

/* Is the newest sample where the leaf, a range, looks young enough to speak for now? */
bool fa_link_is_fresh(const struct fa_link *link, const struct fa_plan_leaf *leaf, fa_time now,
                      fa_time look_back);

/* Brings a member up to date when it changed or a sample has left its window. */
void fa_member_refresh(struct fa_member *member, const struct fa_plan_leaf *leaf, fa_time now);
/* False: there is no value. Members must be refreshed. */
bool fa_eval(const struct fa_eval *eval, const struct fa_promql_node *node, double *ret_value);

/* As a quantile of points: below 0 and above 1 it is infinite. */
double fa_eval_sketch(const struct fa_sketch *sketch, double q);
/* A function of a range over a series, from what its window keeps added up. False: only its points
 * tell. *ret_any: it has a value. */
bool fa_eval_summary(enum fa_promql_fn fn, const struct fa_summary *summary, fa_time from,
                     fa_time to, bool *ret_any, double *ret_value);

#endif
