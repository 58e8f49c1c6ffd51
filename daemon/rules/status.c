/* SPDX-License-Identifier: MIT */
/* What the rules say of their label sets when they are asked: levels and numbers, why something is
 * unknown, and the samples behind it. Nothing is decided here, and label sets at rest are shown as
 * if they were awake for as long as they are told. */
#include "rules/group.h"

#include <math.h>
#include <string.h>

#define POINTS_AT_ONCE 128
#define SERIES_TOLD    64 /* whose samples are told */

/* Why an expression's label set is unknown. NULL: nothing to say. */
static const char *reason_of(struct fa_rules *rules, const struct fa_group *group)
{
    const struct fa_rule_state *state = group->state;
    if (state->err.code != 0) {
        return state->err.text;
    }
    if (group->level != FA_LEVEL_UNKNOWN || group->lacks == FA_LACKS_NONE) {
        return NULL;
    }
    fa_buf_clear(&rules->text);
    fa_buf_puts(&rules->text, "no sample of ");
    fa_promql_format(state->plan.leaves[group->lacks].selector, &rules->text);
    fa_buf_puts(&rules->text, " for these labels");
    return fa_buf_text(&rules->text);
}

static struct fa_rule_status status_of(struct fa_rules *rules, struct fa_group *group)
{
    if (rules->started != FA_NEVER && group->state->whole == NULL) {
        fa_group_look(group, rules->ran, rules->started, &rules->room);
    }
    return (struct fa_rule_status){.rule = group->state->rule,
                                   .labels = group->labels,
                                   .text = reason_of(rules, group),
                                   .level = group->level,
                                   .value = group->value,
                                   .newest = group->newest_at,
                                   .covered_at = group->covered_at,
                                   .samples = group->samples};
}

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
        const struct fa_rule_status status = status_of(rules, group);
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
            const struct fa_rule_status status = status_of(rules, group);
            goes_on = fn(ctx, &status);
        }
    }
    return goes_on;
}

static bool tell_all(struct fa_rules *rules, struct fa_rule_state *state, fa_rule_set_fn *fn,
                     void *ctx)
{
    if (state->first_group == NULL && state->err.code != 0) {
        const struct fa_rule_status status = {
            .rule = state->rule, .text = state->err.text, .value = (double)NAN};
        return fn(ctx, &status);
    }
    return tell_groups(rules, state, true, fn, ctx) && tell_groups(rules, state, false, fn, ctx) &&
           (state->rest == 0 || tell_rested(rules, state, fn, ctx));
}

bool fa_rules_has(const struct fa_rules *rules, const char *rule)
{
    return fa_rules_find(rules, rule) != NULL;
}

bool fa_rules_each_of(struct fa_rules *rules, const char *rule, fa_rule_set_fn *fn, void *ctx)
{
    struct fa_rule_state *state = fa_rules_find(rules, rule);
    fa_rules_collect(rules);
    if (state != NULL) {
        (void)tell_all(rules, state, fn, ctx);
    }
    return state != NULL;
}

static struct fa_group *find(const struct fa_rules *rules, const char *rule, const char *labels)
{
    struct fa_rule_state *state = fa_rules_find(rules, rule);
    return state != NULL ? fa_group_find(rules, state, fa_str_of(labels)) : NULL;
}

bool fa_rules_look(struct fa_rules *rules, const char *rule, const char *labels,
                   struct fa_rule_status *ret_status)
{
    struct fa_group *group = find(rules, rule, labels);
    if (group != NULL) {
        *ret_status = status_of(rules, group);
    }
    return group != NULL;
}

struct points {
    fa_time from, to;
    fa_rule_points_fn *fn;
    void *ctx;
    size_t told; /* series */
};

static void tell_points(void *ctx, size_t leaf, const struct fa_link *link)
{
    struct points *all = ctx;
    struct fa_point points[POINTS_AT_ONCE];
    fa_time from = all->from;
    size_t count;
    (void)leaf;
    if (all->told++ >= SERIES_TOLD) {
        return;
    }
    do {
        count = fa_link_points(link, from, all->to, points, POINTS_AT_ONCE);
        size_t told = count < POINTS_AT_ONCE ? count : POINTS_AT_ONCE;
        if (told > 0) {
            all->fn(all->ctx, points, told, count > told);
            from = points[told - 1].at;
        }
    } while (count > POINTS_AT_ONCE);
}

void fa_rules_points(struct fa_rules *rules, const char *rule, const char *labels,
                     fa_rule_points_fn *fn, void *ctx)
{
    struct fa_group *group = find(rules, rule, labels);
    for (size_t leaf = 0; group != NULL && leaf < group->state->plan.count; leaf++) {
        const struct fa_rule_state *state = group->state;
        fa_time over = state->plan.leaves[leaf].over;
        struct points points = {.from = rules->ran - (over > 0 ? over : state->look_back),
                                .to = rules->ran,
                                .fn = fn,
                                .ctx = ctx};
        if (state->whole != NULL) {
            fa_whole_each(state->whole, leaf, labels, tell_points, &points);
            continue;
        }
        const struct fa_member *member = group->leaves[leaf].first;
        for (; member != NULL; member = member->next) {
            tell_points(&points, leaf, member->link);
        }
    }
}

void fa_rules_text(struct fa_rules *rules, const char *rule, struct fa_buf *buf)
{
    const struct fa_rule_state *state = fa_rules_find(rules, rule);
    if (state != NULL && state->own != NULL) {
        fa_promql_format(state->own->root, buf);
    } else if (state != NULL) {
        fa_buf_putstr(buf, state->rule->query.expr->text);
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
