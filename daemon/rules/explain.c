/* SPDX-License-Identifier: MIT */
/* What each part of an expression yields for a label set, with the same evaluators that decide. Of
 * a keyed expression: the label set's one number, and within an aggregation each series'. Of one
 * that is evaluated whole: each part is evaluated by itself, and of its elements those are told
 * that agree with the label set. */
#include "rules/group.h"

#include <math.h>

struct telling {
    struct fa_rules *rules;
    struct fa_rule_state *state;
    const struct fa_plan_tree *tree;
    const struct fa_promql *promql;
    const struct fa_group *group;   /* keyed; NULL: nothing is known of it */
    const struct fa_labels *labels; /* whole */
    fa_explain_fn *fn;
    void *ctx;
    struct fa_explained part; /* of the node that is its turn */
    size_t told;              /* of its elements */
};

static void tell(struct telling *telling, const struct fa_labels *labels, double value,
                 uint64_t samples)
{
    struct fa_explained part = telling->part;
    struct fa_buf text;
    if (telling->told++ >= FA_EXPLAIN_ELEMENTS) {
        return;
    }
    fa_buf_init(&text, SIZE_MAX / 2);
    for (size_t i = 0; labels != NULL && i < labels->count; i++) {
        fa_label_format(labels->items[i].name, labels->items[i].value, &text);
    }
    part.labels = labels != NULL ? fa_buf_text(&text) : NULL;
    part.has_value = true;
    part.value = value;
    part.samples = samples;
    telling->fn(telling->ctx, &part);
    fa_buf_done(&text);
}

/* ---- keyed ---- */

static void tell_series(struct telling *telling, const struct fa_eval *eval,
                        const struct fa_promql_node *node)
{
    const struct fa_promql_node *bare = fa_promql_bare(node);
    const struct fa_member *member = eval->bound;
    double value = NAN;
    uint64_t samples = 0;
    if (member == NULL) {
        return;
    }
    if (node->type == FA_PROMQL_MATRIX) {
        fa_time to = eval->now - bare->offset;
        samples = fa_link_points(member->link, to - bare->range, to, NULL, 0);
        fa_time at;
        (void)fa_link_newest(member->link, &at, &value);
    }
    if (node->type == FA_PROMQL_MATRIX ? samples > 0 : fa_eval(eval, node, &value)) {
        tell(telling, fa_link_labels(member->link), value, samples);
    }
}

/* within: the aggregation's operand is asked for each series. */
static void tell_node(struct telling *telling, struct fa_eval *eval,
                      const struct fa_promql_node *node, bool within)
{
    const struct fa_promql_node *selector = fa_plan_operand(node);
    double value;
    if (node->type != FA_PROMQL_MATRIX && !within) {
        if (fa_eval(eval, node, &value)) {
            tell(telling, node->type == FA_PROMQL_SCALAR ? NULL : telling->labels, value, 0);
        }
        return;
    }
    if (selector == NULL) {
        if (fa_eval(eval, node, &value)) {
            tell(telling, NULL, value, 0);
        }
        return;
    }
    eval->bound = eval->leaves[eval->tree->leaves[selector->u.selector.number]].first;
    for (; eval->bound != NULL; eval->bound = eval->bound->next) {
        tell_series(telling, eval, node);
    }
}

static void explain_keyed(struct telling *telling, const struct fa_promql_node *node, bool within)
{
    struct fa_eval eval = {.now = telling->rules->ran,
                           .look_back = telling->state->look_back,
                           .plan = &telling->state->plan,
                           .tree = telling->tree,
                           .room = &telling->rules->room};
    if (telling->group != NULL) {
        eval.leaves = telling->group->leaves;
        tell_node(telling, &eval, node, within);
    }
}

/* ---- whole ---- */

static void explain_whole(struct telling *telling, const struct fa_promql_node *node)
{
    struct fa_promql part = *telling->promql;
    struct fa_query *query = NULL;
    struct fa_query_value value;
    struct fa_err err;
    part.root = (struct fa_promql_node *)(uintptr_t)node;
    if (fa_whole_run(telling->state->whole, telling->tree, &part, telling->rules->ran, &query,
                     &value, &err) != 0) {
        return;
    }
    if (value.type == FA_PROMQL_SCALAR) {
        tell(telling, NULL, value.number, 0);
    }
    for (size_t i = 0; i < value.count && value.type == FA_PROMQL_VECTOR; i++) {
        if (fa_plan_agree(value.samples[i].labels, telling->labels)) {
            tell(telling, value.samples[i].labels, value.samples[i].value, 0);
        }
    }
    for (size_t i = 0; i < value.count && value.type == FA_PROMQL_MATRIX; i++) {
        const struct fa_query_series *series = &value.series[i];
        if (fa_plan_agree(series->labels, telling->labels)) {
            tell(telling, series->labels, series->points[series->count - 1].value, series->count);
        }
    }
    fa_query_free(query);
}

/* ---- the walk ---- */

static void explain(struct telling *telling, const struct fa_promql_node *node, bool within,
                    unsigned depth, const char *define)
{
    struct fa_buf text;
    fa_buf_init(&text, SIZE_MAX / 2);
    fa_promql_format(node, &text);
    telling->told = 0;
    telling->part = (struct fa_explained){.text = fa_buf_text(&text),
                                          .define = define,
                                          .from = node->from,
                                          .to = node->to,
                                          .depth = depth,
                                          .is_clear = telling->tree == &telling->state->plan.clear,
                                          .value = NAN};
    if (node->kind != FA_PROMQL_NUMBER && node->kind != FA_PROMQL_TEXT) {
        if (telling->state->whole != NULL) {
            explain_whole(telling, node);
        } else {
            explain_keyed(telling, node, within);
        }
        if (telling->told == 0) {
            telling->fn(telling->ctx, &telling->part);
        }
    }
    fa_buf_done(&text);
    depth++;
    switch (node->kind) {
    case FA_PROMQL_PAREN:
        define = node->define != NULL ? node->define->name : define;
        explain(telling, node->u.arg, within, depth, define);
        break;
    case FA_PROMQL_SUBQUERY:
    case FA_PROMQL_NEGATE:
        explain(telling, node->u.arg, within, depth, define);
        break;
    case FA_PROMQL_CALL:
        for (size_t i = 0; i < node->u.call.count; i++) {
            explain(telling, node->u.call.args[i], within, depth, define);
        }
        break;
    case FA_PROMQL_AGGREGATE:
        explain(telling, node->u.aggregate.arg, true, depth, define);
        break;
    case FA_PROMQL_BINARY:
        explain(telling, node->u.binary.left, within, depth, define);
        explain(telling, node->u.binary.right, within, depth, define);
        break;
    case FA_PROMQL_NUMBER:
    case FA_PROMQL_TEXT:
    case FA_PROMQL_SELECTOR:
        break;
    }
}

static void explain_trees(struct telling *telling)
{
    struct fa_rule_state *state = telling->state;
    const struct fa_query_rule *query = &state->rule->query;
    telling->tree = &state->plan.tree;
    telling->promql = state->own != NULL ? state->own : query->expr;
    explain(telling, telling->tree->root, false, 0, NULL);
    if (state->plan.clear.root != NULL) {
        telling->tree = &state->plan.clear;
        telling->promql = query->clear;
        explain(telling, telling->tree->root, false, 0, NULL);
    }
}

int fa_rules_explain(struct fa_rules *rules, const char *rule, const char *labels,
                     fa_explain_fn *fn, void *ctx)
{
    struct fa_labels *set = NULL;
    struct fa_rule_state *state = fa_state_find(rules, rule);
    if (state == NULL || fa_labels_parse(fa_str_of(labels), &set) != 0) {
        return FA_ENOTFOUND;
    }
    fa_rules_collect(rules);
    struct fa_group *group = fa_group_find(rules, state, fa_str_of(labels)), *made = NULL;
    struct fa_link rested;
    if (group == NULL && fa_rules_find_rested(rules, state, fa_str_of(labels), &rested)) {
        group = made = fa_group_take(rules, state, fa_str_of(labels));
        (void)fa_member_join(made, &rested);
    }
    if (group != NULL && state->whole == NULL && rules->has_run) {
        fa_group_look(group, rules->ran, &rules->room);
    }
    struct telling telling = {
        .rules = rules, .state = state, .group = group, .labels = set, .fn = fn, .ctx = ctx};
    explain_trees(&telling);
    if (made != NULL) {
        fa_member_drop(rested.member);
        fa_group_drop(rules, made);
    }
    fa_labels_free(set);
    return 0;
}
