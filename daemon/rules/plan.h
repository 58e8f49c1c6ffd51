/* SPDX-License-Identifier: MIT */
/* How an expression is evaluated as samples arrive: which series it reads, whether each label set
 * of its result hangs on the series of one key only, and what else may change its value.
 *
 * Keyed: the labels that a key names (all; some; all but some; never the metric's name) tell one
 * label set from another, and what an element is computed from has the same key. So each label set
 * is evaluated by itself, as plain numbers (eval.h). Everything else is evaluated whole (whole.h).
 */
#ifndef FA_RULES_PLAN_H
#define FA_RULES_PLAN_H

#include "metrics/labels.h"
#include "metrics/window.h"
#include "rules/promql.h"

enum fa_plan_key_kind { FA_PLAN_ALL, FA_PLAN_BY, FA_PLAN_WITHOUT };

struct fa_plan_key {
    enum fa_plan_key_kind kind;
    struct fa_promql_names names; /* borrowed; of the last two */
};

/* A selector and how far it reaches: a watch. Equal ones share it. */
struct fa_plan_leaf {
    const struct fa_promql_node *selector; /* the first of them */
    fa_time over;                          /* how far back it reads; 0: the newest sample only */
    fa_time window;                        /* of its ranges the shortest; 0: it has none */
    fa_time serves; /* how long a sample is of use: the range or look-back and subqueries' ranges */
    uint8_t reads;  /* enum fa_reads */
    bool sketch;
    bool exempt; /* that nothing is there is an answer too: absent(), the right side of unless */
    bool cover;  /* says little until samples cover all it reads */
    bool pair;   /* one sample says nothing: rate() and its like need two */
};

/* One of the plan's expressions. */
struct fa_plan_tree {
    const struct fa_promql_node *root;       /* NULL: there is none */
    const struct fa_promql_node **selectors; /* by their number */
    size_t *leaves;                          /* of the plan, by the selector's number */
    size_t count;
};

struct fa_plan {
    bool is_keyed;
    struct fa_plan_key key; /* if keyed */
    struct fa_plan_leaf *leaves;
    size_t count, cap;
    struct fa_plan_tree tree, clear;
    bool early;   /* it fires before it is covered: more data can only raise its value */
    bool moves;   /* its value changes by itself */
    bool settles; /* it aggregates or joins: samples that belong together should be there */
};

/* clear: may be NULL. Trees are borrowed. look_back: of the rule, in reach of offsets. */
void fa_plan_make(struct fa_plan *plan, const struct fa_promql *promql,
                  const struct fa_promql *clear, fa_time look_back);
void fa_plan_done(struct fa_plan *plan);

/* Are the labels of all that the expression yields known by name? They are those of the key then.
 */
bool fa_plan_labels(const struct fa_promql *promql, struct fa_promql_names *ret_names);
/* Whether a rule may have it: an instant vector that reads no fixed time. */
int fa_plan_check(const struct fa_promql *promql, struct fa_err *err) FA_MUST_CHECK;

/* Is what it reads of its windows that which can be followed from one time to the next? */
bool fa_plan_leaf_follows(const struct fa_plan_leaf *leaf);
/* The metric's name, if only one will do; else len 0. */
struct fa_str fa_plan_metric(const struct fa_promql_node *selector);
/* The one selector of an aggregation's operand in a keyed plan. */
const struct fa_promql_node *fa_plan_operand(const struct fa_promql_node *node);
/* Of the functions of a range, its argument; NULL for others. */
const struct fa_promql_node *fa_plan_range(const struct fa_promql_node *call);
/* Does the series' label set lie in labels (canonical text) as far as both have a label? */
bool fa_plan_agree(const struct fa_labels *series, const struct fa_labels *labels);
/* Writes the key's labels as canonical text; buf is empty. */
void fa_plan_key_format(const struct fa_plan_key *key, const struct fa_labels *labels,
                        struct fa_buf *buf);
/* Is the label one of the key's? */
bool fa_plan_key_has(const struct fa_plan_key *key, struct fa_str name);

#endif
