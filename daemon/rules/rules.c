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

#define MOVES_EACH 32 /* series at rest that may be put off for each label set of a bounded run */

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
    fa_buf_init(&self->text, SIZE_MAX / 2);
    fa_buf_init(&self->labels, SIZE_MAX / 2);
    for (size_t i = 0; i < count; i++) {
        if (!rules[i]->is_alert && (!rules[i]->is_incident || rules[i]->query.expr != NULL)) {
            self->states[self->count++] = fa_state_new(rules[i], self, false);
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
        fa_state_free(rules->states[i]);
    }
    fa_watcher_free(rules->watcher);
    fa_heap_done(&rules->due);
    fa_room_done(&rules->room);
    fa_buf_done(&rules->text);
    fa_buf_done(&rules->labels);
    free(rules->states);
    free(rules->by_name);
    free(rules);
}

static int compare_name(const void *name, const void *item)
{
    const struct fa_rule_state *const *state = item;
    return strcmp(name, (*state)->rule->name);
}

struct fa_rule_state *fa_state_find(const struct fa_rules *rules, const char *name)
{
    struct fa_rule_state **found =
        bsearch(name, rules->by_name, rules->count, sizeof rules->by_name[0], compare_name);
    return found != NULL ? *found : NULL;
}

/* A new link, or one with a new sample: whose label sets are to be looked at? */
static void take_changed(struct fa_rules *rules, struct fa_link *link)
{
    struct fa_leaf *leaf = fa_link_owner(link);
    struct fa_rule_state *state = leaf->state;
    if (link->member == NULL) {
        fa_rules_note_pace(rules, leaf, link);
    }
    if (state->whole != NULL) {
        if (link->member == NULL) {
            fa_whole_join(state->whole, leaf->number, link);
        }
        fa_group_mark(rules, state->self, true);
        return;
    }
    struct fa_member *member = fa_member_take(rules, link);
    member->read = false;
    fa_group_mark(rules, member->group, true);
}

static void take_gone(struct fa_rules *rules, struct fa_link *link)
{
    struct fa_rule_state *state = ((const struct fa_leaf *)fa_link_owner(link))->state;
    struct fa_member *member = link->member;
    if (member == NULL) {
        return;
    }
    if (state->whole != NULL) {
        fa_whole_drop(link);
        fa_group_mark(rules, state->self, false);
        return;
    }
    fa_group_mark(rules, member->group, false);
    fa_member_drop(member);
}

void fa_rules_collect(struct fa_rules *rules)
{
    struct fa_link *link;
    while ((link = fa_watcher_take_dirty(rules->watcher)) != NULL) {
        if (link->gone) {
            take_gone(rules, link);
            fa_link_release(link);
        } else {
            take_changed(rules, link);
        }
    }
}

/* What is new or rested and got samples. */
static void collect_queued(struct fa_rules *rules, size_t max)
{
    struct fa_link *link;
    for (; max > 0 && (link = fa_watcher_take_queued(rules->watcher)) != NULL; max--) {
        fa_rules_note_pace(rules, fa_link_owner(link), link);
        fa_group_mark(rules, fa_member_take(rules, link)->group, true);
    }
}

/* What rested and is not heard of: among the others, by time. */
static void wake_due(struct fa_rules *rules, fa_time now, size_t max)
{
    struct fa_link *link;
    size_t moves = max < SIZE_MAX / MOVES_EACH ? max * MOVES_EACH : SIZE_MAX;
    while (max-- > 0 && (link = fa_watcher_take_due(rules->watcher, now, &moves)) != NULL) {
        struct fa_group *group = fa_member_take(rules, link)->group;
        fa_time newest_at;
        double newest;
        (void)fa_link_newest(link, &newest_at, &newest);
        fa_heap_set(&rules->due, &group->due, newest_at + group->state->rest);
    }
}

static void collect_due(struct fa_rules *rules, fa_time now)
{
    while (fa_heap_next(&rules->due) <= now) {
        struct fa_heap_node *node = fa_heap_first(&rules->due);
        fa_heap_remove(&rules->due, node);
        fa_group_mark(rules, fa_container_of(node, struct fa_group, due), false);
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
    struct fa_group *group = fa_group_take(rules, state, fa_buf_str(&text));
    group->pinned = true;
    fa_group_mark(rules, group, false);
    fa_buf_done(&text);
    fa_labels_free(set);
}

static void start(struct fa_rules *rules, fa_time now)
{
    rules->has_run = true;
    rules->started = now;
    for (size_t i = 0; i < rules->count; i++) {
        struct fa_rule_state *state = rules->states[i];
        state->since = state->since < now ? state->since : now;
        if (state->self != NULL) {
            fa_group_mark(rules, state->self, false); /* that nothing is there may say something */
        }
        pin_absent(rules, state);
        for (struct fa_group *group = state->first_group; group != NULL; group = group->next) {
            group->newest_at = group->newest_at < now ? group->newest_at : now; /* another clock */
            if (group->level != FA_LEVEL_UNKNOWN) {
                group->grace_until = now + state->look_back;
                fa_group_mark(rules, group, false);
            }
        }
    }
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
    fa_member_drop(member);
    fa_group_drop(rules, group);
    return true;
}

/* Values that came and went since it was evaluated last, each in the place of the newest. Of a
 * label set of several series nobody knows any longer what the others were when one of them passed:
 * there only the newest of each is judged. */
static size_t judge_past(struct fa_rules *rules, struct fa_group *group, fa_time now,
                         fa_signal_fn *fn, void *ctx)
{
    size_t count = 0;
    struct fa_member *member = group->state->each ? group->leaves[0].first : NULL;
    for (; member != NULL; member = member->next) {
        struct fa_recalled newest, passed;
        bool any = fa_link_recall(member->link, &newest);
        for (bool more = any; more; more = fa_link_recall(member->link, &passed)) {
            if (group->leaves[0].count == 1) {
                (void)fa_group_evaluate(group, now, &rules->room, fn, ctx);
                count++;
            }
        }
        if (any) {
            fa_link_forth(member->link, &newest);
        }
    }
    rules->evaluations += count;
    return count;
}

bool fa_rules_run_some(struct fa_rules *rules, struct fa_now now, size_t max, fa_signal_fn *fn,
                       void *ctx)
{
    if (!rules->has_run) {
        start(rules, now.wall);
    }
    rules->ran = now.wall;
    fa_rules_pace(rules, now.wall);
    collect_queued(rules, max);
    fa_rules_collect(rules);
    wake_due(rules, now.wall, max);
    collect_due(rules, now.wall);
    for (size_t done = 0; done < max && rules->dirty_first != NULL; done++) {
        struct fa_group *group = rules->dirty_first;
        rules->dirty_first = group->next_dirty;
        if (rules->dirty_first == NULL) {
            rules->dirty_last = NULL;
        }
        group->dirty = group->settles = false;
        rules->evaluations++;
        struct fa_rule_state *state = group->state;
        bool is_whole = group == state->self;
        done += is_whole ? 0 : judge_past(rules, group, now.wall, fn, ctx);
        fa_time next_at = is_whole ? fa_results_evaluate(rules, state, now.wall, fn, ctx)
                                   : fa_group_evaluate(group, now.wall, &rules->room, fn, ctx);
        group->by_sample = false;
        if (is_whole) {
            fa_heap_set(&rules->due, &group->due, next_at);
        } else if (fa_group_is_forgettable(group, now.wall)) {
            fa_group_drop(rules, group);
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
    fa_time due = fa_heap_next(&rules->due), rested = fa_watcher_next_due(rules->watcher);
    return due < rested ? due : rested;
}

void fa_rules_restore(struct fa_rules *rules, const char *rule, const char *labels,
                      enum fa_level level)
{
    struct fa_labels *set = NULL;
    if (fa_labels_parse(fa_str_of(labels), &set) < 0) {
        return;
    }
    fa_labels_free(set);
    struct fa_rule_state *state = fa_state_find(rules, rule);
    if (state != NULL) {
        struct fa_group *group = fa_group_take(rules, state, fa_str_of(labels));
        group->level = level;
        group->held = level != FA_LEVEL_CLEAR;
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
