/* SPDX-License-Identifier: MIT */
/* A rule's state: its plan, its watches, its label sets and which series belong to them.
 *
 * Each leaf of the plan is a watch. A series that matches becomes a member of the label set that
 * the key's labels name, made at its first sample; of an expression that is evaluated whole it
 * becomes a member of the whole. A label set goes when it has no series left and nothing to
 * remember: not firing, not held, not in its grace after a restart. Bounded by the limits on series
 * in metrics/. */
#include "rules/group.h"

#include "base/panic.h"
#include "rules/compile.h"
#include "rules/regex.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* None lies on two cache lines. */
#define QUIET_BYTES       64
#define QUIET_BOUND_BYTES 32
_Static_assert(sizeof(struct fa_quiet) <= QUIET_BYTES &&
                   offsetof(struct fa_quiet, of_value) <= QUIET_BOUND_BYTES,
               "a fa_quiet fits");

/* ---- rules ---- */

/* What the equal labels of the watch do not say. */
static bool accepts(const void *ctx, struct fa_str metric, const struct fa_labels *labels)
{
    const struct fa_promql_node *selector = ctx;
    for (size_t i = 0; i < selector->u.selector.matcher_count; i++) {
        const struct fa_promql_matcher *matcher = &selector->u.selector.matchers[i];
        const struct fa_label name = {FA_STR("__name__"), metric};
        char room[sizeof(struct fa_labels) + sizeof(struct fa_label)]
            __attribute__((aligned(__alignof__(struct fa_labels))));
        struct fa_labels *own = (void *)room;
        if (matcher->kind == FA_MATCH_EQUAL && !fa_str_is(matcher->name, "__name__")) {
            continue;
        }
        own->count = 1;
        own->items[0] = name;
        if (!fa_promql_matches(matcher, fa_str_is(matcher->name, "__name__") ? own : labels)) {
            return false;
        }
    }
    return true;
}

static void watch_leaf(struct fa_rules *rules, struct fa_rule_state *state, size_t number)
{
    const struct fa_plan_leaf *leaf = &state->plan.leaves[number];
    const struct fa_promql_node *selector = leaf->selector;
    size_t count = selector->u.selector.matcher_count;
    struct fa_label *matches = fa_xcalloc(count + 1, sizeof matches[0]);
    struct fa_watch_spec spec = {.metric = fa_plan_metric(selector),
                                 .matches = matches,
                                 .over = leaf->over,
                                 .sketch = leaf->sketch,
                                 .reads = leaf->reads,
                                 .each = state->each,
                                 .rest = state->rest,
                                 .owner = &state->leaves[number]};
    for (size_t i = 0; i < count; i++) {
        const struct fa_promql_matcher *matcher = &selector->u.selector.matchers[i];
        bool is_name = fa_str_is(matcher->name, "__name__");
        if (matcher->kind == FA_MATCH_EQUAL && !is_name) {
            matches[spec.match_count++] = (struct fa_label){matcher->name, matcher->value};
        } else if (matcher->kind != FA_MATCH_EQUAL || spec.metric.len == 0 ||
                   !fa_str_eq(matcher->value, spec.metric)) {
            spec.accepts = accepts;
            spec.accepts_ctx = selector;
        }
    }
    state->leaves[number] =
        (struct fa_leaf){.state = state, .number = number, .follows = fa_plan_leaf_follows(leaf)};
    fa_watcher_add(rules->watcher, &spec);
    free(matches);
}

/* All members of a rule are of one size: that of the leaf with the most. */
static void init_pools(struct fa_rule_state *state)
{
    size_t read = 0, leaves = state->whole == NULL ? state->plan.count : 1;
    for (size_t i = 0; i < state->plan.count; i++) {
        const struct fa_plan_leaf *leaf = &state->plan.leaves[i];
        size_t own = (leaf->over > 0 ? sizeof(struct fa_summary) : 0) +
                     (fa_plan_leaf_follows(leaf) ? sizeof(struct fa_follow) : 0);
        read = own > read ? own : read;
    }
    fa_pool_init(&state->quiets_pool,
                 fa_shape_adds_up(state->shape.kind) ? QUIET_BYTES : QUIET_BOUND_BYTES);
    fa_pool_init(&state->members_pool, sizeof(struct fa_member) + read);
    fa_pool_init(&state->groups_pool,
                 sizeof(struct fa_group) + leaves * sizeof(struct fa_population));
}

static fa_time or_default(fa_time look_back)
{
    return look_back > 0 ? look_back : FA_LOOK_BACK;
}

static void plan_short(struct fa_rule_state *state)
{
    const struct fa_metric_rule *metric = &state->rule->metric;
    state->look_back = or_default(metric->look_back);
    state->own = fa_compile(metric);
    fa_plan_make(&state->plan, state->own, NULL, state->look_back);
    fa_assert(state->plan.is_keyed);
    state->number = state->plan.tree.root;
    state->limits = (struct fa_limits){.has_above = metric->has_above,
                                       .has_below = metric->has_below,
                                       .has_clear_below = metric->has_clear_below,
                                       .has_clear_above = metric->has_clear_above,
                                       .above = metric->above,
                                       .below = metric->below,
                                       .clear_below = metric->clear_below,
                                       .clear_above = metric->clear_above};
    state->shape = fa_shape_of(&state->plan.tree, state->number);
}

static void plan_query(struct fa_rule_state *state, bool as_whole)
{
    const struct fa_query_rule *query = &state->rule->query;
    state->look_back = or_default(query->look_back);
    fa_plan_make(&state->plan, query->expr, query->clear, state->look_back);
    state->settle = state->plan.settles ? query->settle : 0;
    if (as_whole || !state->plan.is_keyed) {
        state->settle = query->settle;
        state->whole = fa_whole_new(&state->plan, state->look_back);
    } else if (fa_limits_of(query->expr->root, &state->limits, &state->number) &&
               query->clear == NULL && !state->plan.moves) {
        state->shape = fa_shape_of(&state->plan.tree, state->number);
    }
}

static struct fa_group *new_group(struct fa_rules *rules, struct fa_rule_state *state,
                                  struct fa_str labels)
{
    uint32_t place = fa_pool_take(&state->groups_pool);
    struct fa_group *group = fa_pool_at(&state->groups_pool, place);
    memset(group, 0, state->groups_pool.item_bytes);
    group->state = state;
    group->labels = fa_xstrndup(labels.ptr, labels.len);
    group->place = place;
    group->quiet_place = FA_POOL_NONE;
    group->lacks = group->stale = FA_LACKS_NONE;
    group->value = group->worst = NAN;
    group->due.tie = rules->made++;
    return group;
}

static uint64_t reads_of(const struct fa_plan *plan)
{
    struct fa_buf text;
    fa_buf_init(&text, SIZE_MAX / 2);
    for (size_t i = 0; i < plan->count; i++) {
        fa_promql_format(plan->leaves[i].selector, &text);
        fa_buf_printf(&text, " %lld\n", (long long)plan->leaves[i].over);
    }
    uint64_t reads = fa_hash(fa_buf_str(&text), 0);
    fa_buf_done(&text);
    return reads;
}

struct fa_rule_state *fa_state_new(const struct fa_rule *rule, struct fa_rules *rules,
                                   bool as_whole)
{
    struct fa_rule_state *state = fa_xcalloc(1, sizeof *state);
    state->rule = rule;
    if (rule->query.expr != NULL) {
        plan_query(state, as_whole);
    } else {
        plan_short(state);
    }
    const struct fa_plan *plan = &state->plan;
    if (rule->hits > 0) { /* every sample is judged */
        state->shape.kind = FA_SHAPE_NONE;
    }
    if (plan->count == 1 && plan->leaves[0].over == 0 && rule->metric.absent == 0 &&
        state->shape.kind == FA_SHAPE_NEWEST) {
        state->rest = state->look_back;
    }
    state->each = state->whole == NULL && state->settle == 0 && plan->count == 1 &&
                  plan->leaves[0].over == 0 && rule->metric.absent == 0;
    init_pools(state);
    state->since = FA_NEVER;
    state->reads = reads_of(plan);
    state->leaves = fa_xcalloc(plan->count + 1, sizeof *state->leaves);
    for (size_t i = 0; i < plan->count; i++) {
        watch_leaf(rules, state, i);
    }
    if (state->whole != NULL) {
        state->self = new_group(rules, state, FA_STR(""));
    }
    return state;
}

void fa_state_free(struct fa_rule_state *state)
{
    for (struct fa_group *group = state->first_group; group != NULL; group = group->next) {
        free(group->labels);
    }
    if (state->self != NULL) {
        free(state->self->labels);
    }
    fa_pool_done(&state->groups_pool);
    fa_pool_done(&state->members_pool);
    fa_pool_done(&state->quiets_pool);
    fa_index_done(&state->groups);
    fa_whole_free(state->whole);
    fa_plan_done(&state->plan);
    fa_promql_free(state->own);
    free(state->leaves);
    free(state->text);
    free(state);
}

/* ---- label sets ---- */

static uint32_t hash_of(const struct fa_rules *rules, struct fa_str labels)
{
    return fa_index_hash(fa_hash(labels, fa_metrics_hash_seed(rules->metrics)));
}

static struct fa_group *find_hashed(const struct fa_rule_state *state, uint32_t hash,
                                    struct fa_str labels)
{
    size_t cursor;
    uint32_t id = fa_index_first(&state->groups, hash, &cursor);
    while (id != FA_INDEX_NONE) {
        struct fa_group *group = fa_pool_at(&state->groups_pool, id);
        if (fa_str_is(labels, group->labels)) {
            return group;
        }
        id = fa_index_next(&state->groups, hash, &cursor);
    }
    return NULL;
}

struct fa_group *fa_group_find(const struct fa_rules *rules, const struct fa_rule_state *state,
                               struct fa_str labels)
{
    return find_hashed(state, hash_of(rules, labels), labels);
}

struct fa_group *fa_group_take(struct fa_rules *rules, struct fa_rule_state *state,
                               struct fa_str labels)
{
    uint32_t hash = hash_of(rules, labels);
    struct fa_group *group = find_hashed(state, hash, labels);
    if (group != NULL) {
        return group;
    }
    group = new_group(rules, state, labels);
    group->hash = hash;
    group->prev = state->last_group;
    *(state->last_group != NULL ? &state->last_group->next : &state->first_group) = group;
    state->last_group = group;
    fa_index_add(&state->groups, group->hash, group->place);
    return group;
}

void fa_group_drop(struct fa_rules *rules, struct fa_group *group)
{
    struct fa_rule_state *state = group->state;
    *(group->prev != NULL ? &group->prev->next : &state->first_group) = group->next;
    *(group->next != NULL ? &group->next->prev : &state->last_group) = group->prev;
    fa_index_remove(&state->groups, group->hash, group->place);
    fa_heap_set(&rules->due, &group->due, FA_NEVER);
    if (group->quiet_place != FA_POOL_NONE) {
        fa_pool_give(&state->quiets_pool, group->quiet_place);
    }
    uint32_t place = group->place;
    free(group->labels);
    group->labels = NULL;
    fa_pool_give(&state->groups_pool, place);
}

bool fa_group_is_forgettable(const struct fa_group *group, fa_time now)
{
    size_t leaves = group->state->whole == NULL ? group->state->plan.count : 0;
    for (size_t leaf = 0; leaf < leaves; leaf++) {
        if (group->leaves[leaf].count > 0) {
            return false;
        }
    }
    return !group->pinned && !group->held && group->level == FA_LEVEL_UNKNOWN &&
           group->grace_until <= now;
}

static void make_dirty(struct fa_rules *rules, struct fa_group *group)
{
    group->dirty = true;
    group->next_dirty = NULL;
    *(rules->dirty_last != NULL ? &rules->dirty_last->next_dirty : &rules->dirty_first) = group;
    rules->dirty_last = group;
}

/* Samples that belong together come one after the other: the first of them arms the clock. */
void fa_group_mark(struct fa_rules *rules, struct fa_group *group, bool by_sample)
{
    struct fa_rule_state *state = group->state;
    group = state->self != NULL ? state->self : group;
    group->by_sample = group->by_sample || by_sample;
    if (group->dirty) {
        return;
    }
    if (!by_sample || state->settle == 0) {
        make_dirty(rules, group);
    } else if (!group->settles) {
        fa_time at = rules->ran + state->settle;
        bool sooner = fa_heap_at(&rules->due, &group->due) <= at;
        group->settles = true;
        if (!sooner) {
            fa_heap_set(&rules->due, &group->due, at);
        }
    }
}

/* ---- members ---- */

struct fa_member *fa_member_join(struct fa_group *group, struct fa_link *link)
{
    const struct fa_leaf *leaf = fa_link_owner(link);
    uint32_t place = fa_pool_take(&leaf->state->members_pool);
    struct fa_member *member = fa_pool_at(&leaf->state->members_pool, place);
    struct fa_population *population = &group->leaves[leaf->number];
    *member = (struct fa_member){.group = group,
                                 .link = link,
                                 .leaf = (uint32_t)leaf->number,
                                 .place = place,
                                 .prev = population->last};
    if (leaf->follows) {
        fa_member_follow(member)->is_valid = false;
    }
    *(population->last != NULL ? &population->last->next : &population->first) = member;
    population->last = member;
    population->count++;
    link->member = member;
    return member;
}

void fa_member_drop(struct fa_member *member)
{
    struct fa_group *group = member->group;
    struct fa_population *population = &group->leaves[member->leaf];
    *(member->prev != NULL ? &member->prev->next : &population->first) = member->next;
    *(member->next != NULL ? &member->next->prev : &population->last) = member->prev;
    population->count--;
    fa_pool_give(&group->state->members_pool, member->place);
}

/* A new label set of this series may be that of another, which rests. */
static void wake_namesake(struct fa_group *group, const struct fa_link *link)
{
    const struct fa_labels *all = fa_link_labels(link);
    struct fa_label own[FA_LABELS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < all->count; i++) {
        if (fa_plan_key_has(&group->state->plan.key, all->items[i].name)) {
            own[count++] = all->items[i];
        }
    }
    struct fa_labels *labels = NULL;
    if (!fa_link_may_have_namesake(link, count == all->count) ||
        fa_labels_new(own, count, &labels) < 0) {
        return;
    }
    struct fa_link *other;
    while ((other = fa_link_wake_named(link, labels)) != NULL) {
        (void)fa_member_join(group, other);
        fa_group_awake(group, other);
    }
    fa_labels_free(labels);
}

struct fa_group *fa_group_of(struct fa_rules *rules, struct fa_rule_state *state,
                             const struct fa_link *link)
{
    fa_buf_clear(&rules->labels);
    fa_plan_key_format(&state->plan.key, fa_link_labels(link), &rules->labels);
    return fa_group_take(rules, state, fa_buf_str(&rules->labels));
}

struct fa_member *fa_member_take(struct fa_rules *rules, struct fa_link *link)
{
    if (link->member != NULL) {
        return link->member;
    }
    struct fa_rule_state *state = ((const struct fa_leaf *)fa_link_owner(link))->state;
    uint32_t made = rules->made;
    struct fa_group *group = fa_group_of(rules, state, link);
    if (rules->made != made && link->was_quiet) {
        fa_group_awake(group, link);
    } else if (rules->made != made && state->rest > 0) {
        wake_namesake(group, link);
    }
    return fa_member_join(group, link);
}
