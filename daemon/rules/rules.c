/* SPDX-License-Identifier: MIT */
/* Rules over metrics: which label sets exist, which are to be evaluated.
 *
 * Each rule is compiled to a tree and planned into leaves; each leaf is a watch. A series that
 * matches becomes a member of the label set that its `per` labels name, made at its first sample.
 * A run evaluates, in this order and each once: new label sets and those that rested, then the
 * others whose series changed, each in the order of the changes; then those that are due by the
 * clock, by time. Same samples and same times in, same signals out, in the same order.
 *
 * Rest: a label set of one series, of a rule that reads the newest sample only, is given up when it
 * is clear or unknown and nothing is remembered of it but that (fa_group_may_rest). Its series
 * goes on, and has the label set made again when a sample may change what the rule says, when the
 * newest sample gets too old, or when another series of the same label set comes. So most of what
 * is watched and well costs the memory of its series alone. A bounded run wakes no more of
 * them than it evaluates.
 *
 * A label set goes when it has no series left and nothing to remember: not firing, not held, not
 * in its grace after a restart. Bounded by the limits on series in metrics/. */
#include "rules/rules.h"
#include "base/panic.h"
#include "rules/group.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOVES_EACH     32 /* series at rest that may be put off for each label set of a bounded run */
#define POINTS_AT_ONCE 128
#define SERIES_TOLD    64 /* whose samples are told */
#define QUIET_BYTES    64 /* each on a cache line of its own */
_Static_assert(sizeof(struct fa_quiet) <= QUIET_BYTES, "a fa_quiet fits");

struct fa_rules {
    struct fa_metrics *metrics;
    struct fa_watcher *watcher;
    struct fa_rule_state **states;  /* owned, one a metric rule */
    struct fa_rule_state **by_name; /* the same */
    size_t count;
    struct fa_heap due;
    struct fa_group *dirty_first, *dirty_last;
    struct fa_sketch scratch;
    fa_time started; /* wall time of the first run; FA_NEVER: none yet */
    fa_time ran;     /* wall time of the last */
    uint64_t evaluations;
    uint64_t made; /* label sets ever; orders equal deadlines */
};

static void watch_leaves(struct fa_rules *rules, struct fa_rule_state *state)
{
    const struct fa_metric_rule *metric = &state->rule->metric;
    struct fa_label *matches = fa_xcalloc(metric->match_count + 1, sizeof matches[0]);
    for (size_t i = 0; i < metric->match_count; i++) {
        matches[i].name = fa_str_of(metric->matches[i].name);
        matches[i].value = fa_str_of(metric->matches[i].value);
    }
    if (state->plan.count == 1 && state->plan.leaves[0].over == 0 && metric->absent == 0) {
        state->rest = metric->look_back > 0 ? metric->look_back : FA_LOOK_BACK;
    }
    for (size_t i = 0; i < state->plan.count; i++) {
        state->leaves[i] = (struct fa_leaf){.state = state, .number = i};
        struct fa_watch_spec spec = {.metric = fa_str_of(metric->metric),
                                     .matches = matches,
                                     .match_count = metric->match_count,
                                     .over = state->plan.leaves[i].over,
                                     .sketch = state->plan.leaves[i].sketch,
                                     .rest = state->rest,
                                     .owner = &state->leaves[i]};
        fa_watcher_add(rules->watcher, &spec);
    }
    free(matches);
}

/* All members of a rule are of one size: with a window's summary when any leaf has a window. */
static void init_pools(struct fa_rule_state *state)
{
    size_t summary = 0;
    for (size_t i = 0; i < state->plan.count; i++) {
        summary = state->plan.leaves[i].over > 0 ? sizeof(struct fa_summary) : summary;
    }
    fa_pool_init(&state->quiets_pool, QUIET_BYTES);
    fa_pool_init(&state->members_pool, sizeof(struct fa_member) + summary);
    fa_pool_init(&state->groups_pool,
                 sizeof(struct fa_group) + state->plan.count * sizeof(struct fa_population));
}

static int compare_names(const void *left, const void *right)
{
    const struct fa_rule_state *const *a = left, *const *b = right;
    return strcmp((*a)->rule->name, (*b)->rule->name);
}

struct fa_rules *fa_rules_new(const struct fa_rule *const *rules, size_t count,
                              struct fa_metrics *metrics)
{
    struct fa_rules *self = fa_xcalloc(1, sizeof *self);
    self->metrics = metrics;
    self->watcher = fa_watcher_new(metrics);
    self->states = fa_xcalloc(count + 1, sizeof(struct fa_rule_state *));
    self->started = FA_NEVER;
    for (size_t i = 0; i < count; i++) {
        if (!rules[i]->is_incident && !rules[i]->is_alert) {
            struct fa_rule_state *state = fa_xcalloc(1, sizeof *state);
            state->rule = rules[i];
            state->expr = fa_compile(&rules[i]->metric);
            fa_plan(state->expr, &state->plan);
            state->shape = fa_shape_of(state->expr);
            init_pools(state);
            self->states[self->count++] = state;
            watch_leaves(self, state);
        }
    }
    self->by_name = fa_xcalloc(count + 1, sizeof(struct fa_rule_state *));
    memcpy(self->by_name, self->states, self->count * sizeof(struct fa_rule_state *));
    qsort(self->by_name, self->count, sizeof(struct fa_rule_state *), compare_names);
    return self;
}

void fa_rules_free(struct fa_rules *rules)
{
    if (rules == NULL) {
        return;
    }
    for (size_t i = 0; i < rules->count; i++) {
        struct fa_rule_state *state = rules->states[i];
        for (struct fa_group *group = state->first_group; group != NULL; group = group->next) {
            free(group->labels);
        }
        fa_pool_done(&state->groups_pool);
        fa_pool_done(&state->members_pool);
        fa_pool_done(&state->quiets_pool);
        fa_index_done(&state->groups);
        fa_expr_free(state->expr);
        free(state);
    }
    fa_watcher_free(rules->watcher);
    fa_heap_done(&rules->due);
    fa_sketch_done(&rules->scratch);
    free(rules->states);
    free(rules->by_name);
    free(rules);
}

static int compare_name(const void *name, const void *item)
{
    const struct fa_rule_state *const *state = item;
    return strcmp(name, (*state)->rule->name);
}

static struct fa_rule_state *find_rule(const struct fa_rules *rules, const char *name)
{
    struct fa_rule_state **found =
        bsearch(name, rules->by_name, rules->count, sizeof rules->by_name[0], compare_name);
    return found != NULL ? *found : NULL;
}

static struct fa_group *find_group(const struct fa_rule_state *state, uint32_t hash,
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

static struct fa_group *take_group(struct fa_rules *rules, struct fa_rule_state *state,
                                   struct fa_str labels)
{
    uint32_t hash = fa_index_hash(fa_hash(labels, fa_metrics_hash_seed(rules->metrics)));
    struct fa_group *group = find_group(state, hash, labels);
    if (group != NULL) {
        return group;
    }
    uint32_t place = fa_pool_take(&state->groups_pool);
    group = fa_pool_at(&state->groups_pool, place);
    memset(group, 0, state->groups_pool.item_bytes);
    group->state = state;
    group->labels = fa_xstrndup(labels.ptr, labels.len);
    group->place = place;
    group->hash = hash;
    group->value = group->worst = NAN;
    group->due.tie = rules->made++;
    group->prev = state->last_group;
    *(state->last_group != NULL ? &state->last_group->next : &state->first_group) = group;
    state->last_group = group;
    fa_index_add(&state->groups, hash, place);
    return group;
}

/* It has no member left. */
static void drop_group(struct fa_rules *rules, struct fa_group *group)
{
    struct fa_rule_state *state = group->state;
    *(group->prev != NULL ? &group->prev->next : &state->first_group) = group->next;
    *(group->next != NULL ? &group->next->prev : &state->last_group) = group->prev;
    fa_index_remove(&state->groups, group->hash, group->place);
    fa_heap_set(&rules->due, &group->due, FA_NEVER);
    if (group->quiet != NULL) {
        fa_pool_give(&state->quiets_pool, group->quiet_place);
    }
    free(group->labels);
    fa_pool_give(&state->groups_pool, group->place);
}

static void mark(struct fa_rules *rules, struct fa_group *group, bool by_sample)
{
    group->by_sample = group->by_sample || by_sample;
    if (group->dirty) {
        return;
    }
    group->dirty = true;
    group->next_dirty = NULL;
    *(rules->dirty_last != NULL ? &rules->dirty_last->next_dirty : &rules->dirty_first) = group;
    rules->dirty_last = group;
}

static struct fa_member *join(struct fa_group *group, struct fa_link *link)
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
    *(population->last != NULL ? &population->last->next : &population->first) = member;
    population->last = member;
    population->count++;
    link->member = member;
    return member;
}

/* A new label set of this series may be that of another, which rests. */
static void wake_namesake(struct fa_group *group, const struct fa_link *link)
{
    const struct fa_metric_rule *metric = &group->state->rule->metric;
    const struct fa_labels *all = fa_link_labels(link);
    struct fa_label own[FA_LABELS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < metric->per_count && count < FA_LABELS_MAX; i++) {
        struct fa_str name = fa_str_of(metric->per[i]), value = fa_labels_get(all, name);
        own[count] = (struct fa_label){name, value};
        count += value.len > 0;
    }
    struct fa_labels *labels = NULL;
    if (!fa_link_may_have_namesake(link, count == all->count) ||
        fa_labels_new(own, count, &labels) < 0) {
        return;
    }
    struct fa_link *other;
    while ((other = fa_link_wake_named(link, labels)) != NULL) {
        (void)join(group, other);
        fa_group_awake(group, other);
    }
    fa_labels_free(labels);
}

static struct fa_group *group_of(struct fa_rules *rules, struct fa_rule_state *state,
                                 const struct fa_link *link)
{
    const struct fa_metric_rule *metric = &state->rule->metric;
    struct fa_buf labels;
    fa_buf_init(&labels, SIZE_MAX / 2);
    fa_labels_format_only(fa_link_labels(link), (const char *const *)metric->per, metric->per_count,
                          &labels);
    struct fa_group *group = take_group(rules, state, fa_buf_str(&labels));
    fa_buf_done(&labels);
    return group;
}

static struct fa_member *take_member(struct fa_rules *rules, struct fa_link *link)
{
    if (link->member != NULL) {
        return link->member;
    }
    struct fa_rule_state *state = ((const struct fa_leaf *)fa_link_owner(link))->state;
    uint64_t made = rules->made;
    struct fa_group *group = group_of(rules, state, link);
    if (rules->made != made && link->was_quiet) {
        fa_group_awake(group, link);
    } else if (rules->made != made && state->rest > 0) {
        wake_namesake(group, link);
    }
    return join(group, link);
}

static void drop_member(struct fa_member *member)
{
    struct fa_group *group = member->group;
    struct fa_population *population = &group->leaves[member->leaf];
    *(member->prev != NULL ? &member->prev->next : &population->first) = member->next;
    *(member->next != NULL ? &member->next->prev : &population->last) = member->prev;
    population->count--;
    fa_pool_give(&group->state->members_pool, member->place);
}

static void collect_changed(struct fa_rules *rules)
{
    struct fa_link *link;
    while ((link = fa_watcher_take_dirty(rules->watcher)) != NULL) {
        if (!link->gone) {
            struct fa_member *member = take_member(rules, link);
            member->read = false;
            mark(rules, member->group, true);
            continue;
        }
        struct fa_member *member = link->member;
        if (member != NULL) {
            mark(rules, member->group, false);
            drop_member(member);
        }
        fa_link_release(link);
    }
}

/* What is new or rested and got samples. */
static void collect_queued(struct fa_rules *rules, size_t max)
{
    struct fa_link *link;
    for (; max > 0 && (link = fa_watcher_take_queued(rules->watcher)) != NULL; max--) {
        mark(rules, take_member(rules, link)->group, true);
    }
}

/* What rested and is not heard of: among the others, by time. */
static void wake_due(struct fa_rules *rules, fa_time now, size_t max)
{
    struct fa_link *link;
    size_t moves = max < SIZE_MAX / MOVES_EACH ? max * MOVES_EACH : SIZE_MAX;
    while (max-- > 0 && (link = fa_watcher_take_due(rules->watcher, now, &moves)) != NULL) {
        struct fa_group *group = take_member(rules, link)->group;
        fa_time newest_at;
        double newest;
        (void)fa_link_newest(link, &newest_at, &newest);
        fa_heap_set(&rules->due, &group->due, newest_at + group->state->rest);
    }
}

static void collect_due(struct fa_rules *rules, fa_time now)
{
    struct fa_heap_node *node;
    while ((node = fa_heap_first(&rules->due)) != NULL && node->at <= now) {
        fa_heap_remove(&rules->due, node);
        mark(rules, fa_container_of(node, struct fa_group, due), false);
    }
}

/* The label set that a rule of `absent` has before any sample came: known when `per` is empty or
 * pinned to one value by `where`. */
static void pin_absent(struct fa_rules *rules, struct fa_rule_state *state)
{
    const struct fa_metric_rule *metric = &state->rule->metric;
    struct fa_label labels[FA_LABELS_MAX];
    size_t count = 0;
    if (metric->absent == 0 || metric->per_count > FA_LABELS_MAX) {
        return;
    }
    for (size_t i = 0; i < metric->per_count; i++) {
        for (size_t k = 0; k < metric->match_count; k++) {
            if (strcmp(metric->per[i], metric->matches[k].name) == 0) {
                labels[count].name = fa_str_of(metric->matches[k].name);
                labels[count++].value = fa_str_of(metric->matches[k].value);
                break;
            }
        }
    }
    struct fa_labels *set = NULL;
    if (count != metric->per_count || fa_labels_new(labels, count, &set) < 0) {
        return;
    }
    struct fa_buf text;
    fa_buf_init(&text, SIZE_MAX / 2);
    fa_labels_format(set, &text);
    struct fa_group *group = take_group(rules, state, fa_buf_str(&text));
    group->pinned = true;
    mark(rules, group, false);
    fa_buf_done(&text);
    fa_labels_free(set);
}

static void start(struct fa_rules *rules, fa_time now)
{
    rules->started = now;
    for (size_t i = 0; i < rules->count; i++) {
        struct fa_rule_state *state = rules->states[i];
        pin_absent(rules, state);
        fa_time look_back = state->rule->metric.look_back;
        for (struct fa_group *group = state->first_group; group != NULL; group = group->next) {
            if (group->level != FA_LEVEL_UNKNOWN) {
                group->grace_until = now + (look_back > 0 ? look_back : FA_LOOK_BACK);
                mark(rules, group, false);
            }
        }
    }
}

static bool is_forgettable(const struct fa_group *group, fa_time now)
{
    for (size_t leaf = 0; leaf < group->state->plan.count; leaf++) {
        if (group->leaves[leaf].count > 0) {
            return false;
        }
    }
    return !group->pinned && !group->held && group->level == FA_LEVEL_UNKNOWN &&
           group->grace_until <= now;
}

/* False: it has to stay. */
static bool rest(struct fa_rules *rules, struct fa_group *group, fa_time now, fa_time next_at)
{
    if (!fa_group_may_rest(group, now, next_at)) {
        return false;
    }
    struct fa_member *member = group->leaves[0].first;
    if (!fa_link_rest(member->link)) {
        return false;
    }
    drop_member(member);
    drop_group(rules, group);
    return true;
}

bool fa_rules_run_some(struct fa_rules *rules, struct fa_now now, size_t max, fa_signal_fn *fn,
                       void *ctx)
{
    if (rules->started == FA_NEVER) {
        start(rules, now.wall);
    }
    rules->ran = now.wall;
    collect_queued(rules, max);
    collect_changed(rules);
    wake_due(rules, now.wall, max);
    collect_due(rules, now.wall);
    for (size_t done = 0; done < max && rules->dirty_first != NULL; done++) {
        struct fa_group *group = rules->dirty_first;
        rules->dirty_first = group->next_dirty;
        if (rules->dirty_first == NULL) {
            rules->dirty_last = NULL;
        }
        group->dirty = false;
        rules->evaluations++;
        fa_time next_at =
            fa_group_evaluate(group, now.wall, rules->started, &rules->scratch, fn, ctx);
        group->by_sample = false;
        if (is_forgettable(group, now.wall)) {
            drop_group(rules, group);
        } else if (!rest(rules, group, now.wall, next_at)) {
            fa_heap_set(&rules->due, &group->due, next_at);
        }
    }
    return rules->dirty_first != NULL || fa_watcher_is_queued(rules->watcher) ||
           fa_watcher_next_due(rules->watcher) <= now.wall;
}

void fa_rules_run(struct fa_rules *rules, struct fa_now now, fa_signal_fn *fn, void *ctx)
{
    (void)fa_rules_run_some(rules, now, SIZE_MAX, fn, ctx);
}

fa_time fa_rules_next(const struct fa_rules *rules)
{
    const struct fa_heap_node *node = fa_heap_first(&rules->due);
    fa_time rested = fa_watcher_next_due(rules->watcher);
    return node != NULL && node->at < rested ? node->at : rested;
}

void fa_rules_restore(struct fa_rules *rules, const char *rule, const char *labels,
                      enum fa_level level)
{
    struct fa_labels *set = NULL;
    if (level == FA_LEVEL_UNKNOWN || fa_labels_parse(fa_str_of(labels), &set) < 0) {
        return;
    }
    fa_labels_free(set);
    struct fa_rule_state *state = find_rule(rules, rule);
    if (state != NULL) {
        struct fa_group *group = take_group(rules, state, fa_str_of(labels));
        group->level = level;
        group->held = level == FA_LEVEL_FIRING;
    }
}

#ifdef FA_TEST_HOOKS
void fa_rules_test_always(struct fa_rules *rules)
{
    for (size_t i = 0; i < rules->count; i++) {
        rules->states[i]->shape.kind = FA_SHAPE_NONE;
    }
}

size_t fa_rules_test_rested(struct fa_rules *rules)
{
    size_t count = 0;
    struct fa_link link;
    for (size_t i = 0; i < rules->count; i++) {
        uint32_t cursor = 0;
        while (
            fa_watcher_each_at_rest(rules->watcher, &rules->states[i]->leaves[0], &cursor, &link)) {
            count++;
        }
    }
    return count;
}
#endif

uint64_t fa_rules_evaluations(const struct fa_rules *rules)
{
    return rules->evaluations;
}

static struct fa_rule_status status_of(struct fa_rules *rules, struct fa_group *group)
{
    if (rules->started != FA_NEVER) {
        fa_group_look(group, rules->ran, rules->started, &rules->scratch);
    }
    return (struct fa_rule_status){.rule = group->state->rule,
                                   .labels = group->labels,
                                   .level = group->level,
                                   .value = group->value,
                                   .newest = group->newest_at,
                                   .covered_at = group->covered_at,
                                   .samples = group->samples};
}

/* As if they were awake, for as long as they are told. */
static bool tell_rested(struct fa_rules *rules, struct fa_rule_state *state, fa_rule_set_fn *fn,
                        void *ctx)
{
    struct fa_link link;
    uint32_t cursor = 0;
    bool goes_on = true;
    while (goes_on && fa_watcher_each_at_rest(rules->watcher, &state->leaves[0], &cursor, &link)) {
        struct fa_group *group = group_of(rules, state, &link);
        struct fa_member *member = join(group, &link);
        fa_group_awake(group, &link);
        const struct fa_rule_status status = status_of(rules, group);
        goes_on = fn(ctx, &status);
        drop_member(member);
        drop_group(rules, group);
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
    return tell_groups(rules, state, true, fn, ctx) && tell_groups(rules, state, false, fn, ctx) &&
           (state->rest == 0 || tell_rested(rules, state, fn, ctx));
}

bool fa_rules_has(const struct fa_rules *rules, const char *rule)
{
    return find_rule(rules, rule) != NULL;
}

bool fa_rules_each_of(struct fa_rules *rules, const char *rule, fa_rule_set_fn *fn, void *ctx)
{
    struct fa_rule_state *state = find_rule(rules, rule);
    if (state != NULL) {
        (void)tell_all(rules, state, fn, ctx);
    }
    return state != NULL;
}

static struct fa_group *find(const struct fa_rules *rules, const char *rule, const char *labels)
{
    struct fa_rule_state *state = find_rule(rules, rule);
    struct fa_str text = fa_str_of(labels);
    return state == NULL
               ? NULL
               : find_group(state,
                            fa_index_hash(fa_hash(text, fa_metrics_hash_seed(rules->metrics))),
                            text);
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

static void tell_points(const struct fa_link *link, fa_time from, fa_time to, fa_rule_points_fn *fn,
                        void *ctx)
{
    struct fa_point points[POINTS_AT_ONCE];
    size_t count;
    do {
        count = fa_link_points(link, from, to, points, POINTS_AT_ONCE);
        size_t told = count < POINTS_AT_ONCE ? count : POINTS_AT_ONCE;
        if (told > 0) {
            fn(ctx, points, told, count > told);
            from = points[told - 1].at;
        }
    } while (count > POINTS_AT_ONCE);
}

void fa_rules_points(struct fa_rules *rules, const char *rule, const char *labels,
                     fa_rule_points_fn *fn, void *ctx)
{
    struct fa_group *group = find(rules, rule, labels);
    for (size_t leaf = 0; group != NULL && leaf < group->state->plan.count; leaf++) {
        const struct fa_member *member = group->leaves[leaf].first;
        const struct fa_plan_leaf *plan = &group->state->plan.leaves[leaf];
        fa_time look_back = group->state->rule->metric.look_back;
        fa_time over = plan->over > 0 ? plan->over : look_back > 0 ? look_back : FA_LOOK_BACK;
        for (size_t i = 0; member != NULL && i < SERIES_TOLD; i++, member = member->next) {
            tell_points(member->link, rules->ran - over, rules->ran, fn, ctx);
        }
    }
}

void fa_rules_text(struct fa_rules *rules, const char *rule, struct fa_buf *buf)
{
    const struct fa_rule_state *state = find_rule(rules, rule);
    if (state != NULL) {
        fa_expr_format(state->expr, buf);
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
    for (size_t i = 0; i < rules->count; i++) {
        (void)tell_all(rules, rules->states[i], tell_one, &every);
    }
}
