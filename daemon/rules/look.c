/* SPDX-License-Identifier: MIT */
/* A rule and one label set of it as they stand, for `explain` and evidence. Decides nothing and
 * changes nothing but what fa_group_look() brings up to date. */
#include "rules/group.h"

#define POINTS_AT_ONCE 128
#define SERIES_TOLD    64 /* whose samples are told */

bool fa_rules_has(const struct fa_rules *rules, const char *rule)
{
    return fa_state_find(rules, rule) != NULL;
}

const char *fa_state_text(struct fa_rule_state *state)
{
    if (state->text == NULL) { /* each alarm of a storm asks for it */
        struct fa_buf buf;
        fa_buf_init(&buf, SIZE_MAX / 2);
        fa_promql_format(state->plan.tree.root, &buf);
        state->text = fa_buf_take(&buf);
    }
    return state->text;
}

void fa_rules_text(const struct fa_rules *rules, const char *rule, bool defined, struct fa_buf *buf)
{
    struct fa_rule_state *state = fa_state_find(rules, rule);
    if (state == NULL) {
        return;
    }
    if (state->own == NULL && !defined) {
        fa_buf_puts(buf, state->rule->query.text);
    } else {
        fa_buf_puts(buf, fa_state_text(state));
    }
}

/* ---- one label set ---- */

static struct fa_group *find(const struct fa_rules *rules, const char *rule, const char *labels)
{
    const struct fa_rule_state *state = fa_state_find(rules, rule);
    return state != NULL ? fa_group_find(rules, state, fa_str_of(labels)) : NULL;
}

static fa_time longest_window(const struct fa_plan *plan)
{
    fa_time over = 0;
    for (size_t i = 0; i < plan->count; i++) {
        over = plan->leaves[i].over > over ? plan->leaves[i].over : over;
    }
    return over;
}

bool fa_rules_look(struct fa_rules *rules, const char *rule, const char *labels,
                   struct fa_rule_look *ret_look, struct fa_buf *empty, struct fa_buf *reason)
{
    struct fa_group *group = find(rules, rule, labels);
    if (group == NULL) {
        return false;
    }
    const struct fa_rule_state *state = group->state;
    const struct fa_limits *limits = &state->limits;
    *ret_look = (struct fa_rule_look){
        .is_whole = state->whole != NULL,
        .series = state->whole != NULL ? fa_whole_count(state->whole) : 0,
        .has_above = limits->has_above,
        .has_below = limits->has_below,
        .has_clear_above = limits->has_clear_above,
        .has_clear_below = limits->has_clear_below,
        .above = limits->or_equal ? limits->written : limits->above,
        .below = limits->or_equal ? limits->written : limits->below,
        .or_equal = limits->or_equal,
        .clear_above = limits->clear_above,
        .clear_below = limits->clear_below,
        .over = longest_window(&state->plan),
        .look_back = state->look_back,
    };
    ret_look->status = fa_group_status(rules, group);
    ret_look->status.text = NULL;
    if (group->level == FA_LEVEL_UNKNOWN && group->lacks != FA_LACKS_NONE) {
        fa_promql_format(state->plan.leaves[group->lacks].selector, empty);
    }
    if (state->err.code != 0) {
        fa_buf_puts(reason, state->err.text);
    }
    return true;
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
    size_t count = all->told++ < SERIES_TOLD ? SIZE_MAX : 0;
    while (count > POINTS_AT_ONCE) {
        count = fa_link_points(link, from, all->to, points, POINTS_AT_ONCE);
        size_t told = count < POINTS_AT_ONCE ? count : POINTS_AT_ONCE;
        if (told > 0) {
            all->fn(all->ctx, points, told, count > told);
            from = points[told - 1].at;
        }
    }
}

void fa_rules_points(struct fa_rules *rules, const char *rule, const char *labels,
                     fa_rule_points_fn *fn, void *ctx)
{
    const struct fa_group *group = find(rules, rule, labels);
    const struct fa_rule_state *state = group != NULL ? group->state : NULL;
    if (state == NULL || state->plan.count == 0) {
        return;
    }
    fa_time over = state->plan.leaves[0].over;
    struct points points = {.from = rules->ran - (over > 0 ? over : state->look_back),
                            .to = rules->ran,
                            .fn = fn,
                            .ctx = ctx};
    if (state->whole != NULL) {
        fa_whole_each(state->whole, 0, labels, tell_points, &points);
        return;
    }
    const struct fa_member *member = group->leaves[0].first;
    for (; member != NULL; member = member->next) {
        tell_points(&points, 0, member->link);
    }
}
