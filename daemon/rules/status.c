/* SPDX-License-Identifier: MIT */
/* What the rules say of their label sets when they are asked: levels and numbers, and why something
 * is unknown. Nothing is decided here, and label sets at rest are shown as if they were awake for
 * as long as they are told. */
#include "rules/group.h"

#include <math.h>

/* Why an expression's label set is unknown. NULL: nothing to say. */
static const char *reason_of(const struct fa_group *group, struct fa_buf *buf)
{
    const struct fa_rule_state *state = group->state;
    if (state->err.code != 0) {
        return state->err.text;
    }
    bool is_stale = group->lacks == FA_LACKS_NONE && group->held;
    uint16_t leaf = is_stale ? group->stale : group->lacks;
    if (group->level != FA_LEVEL_UNKNOWN || leaf == FA_LACKS_NONE) {
        return NULL;
    }
    fa_buf_puts(buf, is_stale                        ? "no fresh sample of "
                     : state->plan.leaves[leaf].pair ? "no two samples of "
                                                     : "no sample of ");
    fa_promql_format(state->plan.leaves[leaf].selector, buf);
    fa_buf_puts(buf, " for these labels");
    return fa_buf_text(buf);
}

struct fa_rule_status fa_group_status(struct fa_rules *rules, struct fa_group *group)
{
    if (rules->has_run && group->state->whole == NULL) {
        fa_group_look(group, rules->ran, &rules->room);
    }
    fa_buf_clear(&rules->text);
    return (struct fa_rule_status){.rule = group->state->rule,
                                   .labels = group->labels,
                                   .text = reason_of(group, &rules->text),
                                   .level = group->level,
                                   .value = group->value,
                                   .newest = group->newest_at,
                                   .covered_at = group->covered_at,
                                   .samples = group->samples};
}

bool fa_rules_find_rested(struct fa_rules *rules, struct fa_rule_state *state, struct fa_str labels,
                          struct fa_link *ret_link)
{
    uint32_t cursor = 0;
    bool found = false;
    while (!found && state->rest > 0 &&
           fa_watcher_each_at_rest(rules->watcher, &state->leaves[0], &cursor, ret_link)) {
        struct fa_buf text;
        fa_buf_init(&text, SIZE_MAX / 2);
        fa_plan_key_format(&state->plan.key, fa_link_labels(ret_link), &text);
        found = fa_str_eq(fa_buf_str(&text), labels);
        fa_buf_done(&text);
    }
    return found;
}

static bool has_series(struct fa_rules *rules, const struct fa_rule_state *state, size_t leaf)
{
    struct fa_link rested;
    uint32_t cursor = 0;
    if (state->whole != NULL) {
        return fa_whole_leaf_count(state->whole, leaf) > 0;
    }
    for (const struct fa_group *group = state->first_group; group != NULL; group = group->next) {
        if (group->leaves[leaf].count > 0) {
            return true;
        }
    }
    return state->rest > 0 &&
           fa_watcher_each_at_rest(rules->watcher, &state->leaves[leaf], &cursor, &rested);
}

bool fa_rules_unfed(struct fa_rules *rules, const char *rule, struct fa_buf *selector)
{
    const struct fa_rule_state *state = fa_state_find(rules, rule);
    size_t count = state != NULL && state->rule->metric.absent == 0 ? state->plan.count : 0;
    fa_rules_collect(rules);
    for (size_t leaf = 0; leaf < count; leaf++) {
        if (!state->plan.leaves[leaf].exempt && !has_series(rules, state, leaf)) {
            fa_promql_format(state->plan.leaves[leaf].selector, selector);
            return true;
        }
    }
    return false;
}

/* As if they were awake, for as long as they are told. */
static bool tell_rested(struct fa_rules *rules, struct fa_rule_state *state, fa_rule_set_fn *fn,
                        void *ctx)
{
    struct fa_link link;
    uint32_t cursor = 0;
    bool goes_on = true;
    while (goes_on && fa_watcher_each_at_rest(rules->watcher, &state->leaves[0], &cursor, &link)) {
        struct fa_group *group = fa_group_of(rules, state, &link);
        struct fa_member *member = fa_member_join(group, &link);
        fa_group_awake(group, &link);
        const struct fa_rule_status status = fa_group_status(rules, group);
        goes_on = fn(ctx, &status);
        fa_member_drop(member);
        fa_group_drop(rules, group);
    }
    return goes_on;
}

static bool tell_groups(struct fa_rules *rules, const struct fa_rule_state *state, bool firing,
                        fa_rule_set_fn *fn, void *ctx)
{
    bool goes_on = true;
    for (struct fa_group *group = state->first_group; group != NULL && goes_on;
         group = group->next) {
        if ((group->level == FA_LEVEL_FIRING) == firing) {
            const struct fa_rule_status status = fa_group_status(rules, group);
            goes_on = fn(ctx, &status);
        }
    }
    return goes_on;
}

static bool tell_all(struct fa_rules *rules, struct fa_rule_state *state, fa_rule_set_fn *fn,
                     void *ctx)
{
    if (state->first_group == NULL && state->err.code != 0) {
        struct fa_rule_status status = {
            .rule = state->rule, .text = state->err.text, .value = (double)NAN};
        return fn(ctx, &status);
    }
    return tell_groups(rules, state, true, fn, ctx) && tell_groups(rules, state, false, fn, ctx) &&
           (state->rest == 0 || tell_rested(rules, state, fn, ctx));
}

void fa_rules_each_of(struct fa_rules *rules, const char *rule, fa_rule_set_fn *fn, void *ctx)
{
    struct fa_rule_state *state = fa_state_find(rules, rule);
    if (state != NULL) {
        fa_rules_collect(rules);
        (void)tell_all(rules, state, fn, ctx);
    }
}

struct every {
    fa_rule_status_fn *fn;
    void *ctx;
};

static bool tell_one(void *ctx, const struct fa_rule_status *status)
{
    const struct every *every = ctx;
    every->fn(every->ctx, status);
    return true;
}

void fa_rules_each(struct fa_rules *rules, fa_rule_status_fn *fn, void *ctx)
{
    struct every every = {fn, ctx};
    fa_rules_collect(rules);
    for (size_t i = 0; i < rules->count; i++) {
        (void)tell_all(rules, rules->states[i], tell_one, &every);
    }
}
