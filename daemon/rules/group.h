/* SPDX-License-Identifier: MIT */
/* Inside rules/ only: one rule and its label sets. rules.c keeps them, group.c evaluates one. */
#ifndef FA_RULES_GROUP_H
#define FA_RULES_GROUP_H

#include "base/heap.h"
#include "metrics/index.h"
#include "metrics/pool.h"
#include "rules/eval.h"
#include "rules/plan.h"
#include "rules/quiet.h"
#include "rules/signal.h"

struct fa_rule_state;

/* A leaf as the owner of a watch: what a link leads back to. */
struct fa_leaf {
    struct fa_rule_state *state;
    size_t number;
};

struct fa_rule_state {
    const struct fa_rule *rule;
    struct fa_expr *expr; /* owned */
    struct fa_plan plan;
    struct fa_shape shape;
    fa_time rest; /* its label sets may rest until their newest sample is so old; 0: never */
    struct fa_quiet calm; /* shared by the label sets that neither fire nor add up */
    struct fa_leaf leaves[FA_PLAN_LEAVES];
    struct fa_pool groups_pool, members_pool, quiets_pool;
    struct fa_index groups; /* by hash of the labels */
    struct fa_group *first_group, *last_group;
};

struct fa_group {
    struct fa_rule_state *state;
    char *labels; /* owned, canonical */
    uint32_t place, hash;
    struct fa_heap_node due;
    struct fa_group *next, *prev; /* of the rule */
    struct fa_group *next_dirty;
    struct fa_quiet *quiet; /* from the rule's pool; NULL until it needs one of its own */
    uint32_t quiet_place;
    bool dirty;
    bool by_sample;      /* dirty because of a sample, not of the clock */
    bool pinned;         /* exists without series: a rule of `absent` whose labels are known */
    bool held;           /* it fired and has not cleared since */
    enum fa_level level; /* as last signalled */
    fa_time grace_until; /* restored: its level stands so long without data */
    double value;        /* as last evaluated; NaN: none */
    double worst;        /* the worst signalled since it fires */
    fa_time newest_at;   /* of all samples ever seen; 0: none */
    fa_time covered_at;  /* as in struct fa_rule_status */
    uint64_t samples;
    struct fa_population leaves[]; /* as many as the plan has */
};

/* Evaluates, signals what changed through fn, and returns when to look again without a sample
 * (FA_NEVER). started: wall time of the first run. */
fa_time fa_group_evaluate(struct fa_group *group, fa_time now, fa_time started,
                          struct fa_sketch *scratch, fa_signal_fn *fn, void *ctx);

/* Nothing of it would be missed: it can be made again from its only series. next_at: as evaluated.
 */
bool fa_group_may_rest(const struct fa_group *group, fa_time now, fa_time next_at);
/* As it was before its only series, of that link, went to rest. */
void fa_group_awake(struct fa_group *group, const struct fa_link *link);

/* Brings what it shows (value, newest_at, covered_at, samples) up to date and decides nothing. */
void fa_group_look(struct fa_group *group, fa_time now, fa_time started, struct fa_sketch *scratch);

#endif
