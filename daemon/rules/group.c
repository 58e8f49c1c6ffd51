/* SPDX-License-Identifier: MIT */
/* One label set of one rule: its number, its level, and when to look again.
 *
 * When a label set is looked at again without a sample:
 *   the oldest slot leaves a window                    values move then; those of the short form at
 *                                                      no other time, as its rate and increase are
 *                                                      not carried on to the ends of the window
 *   the newest sample passes the look-back             `last` without a window
 *   the window becomes covered                         what was warming may speak
 *   the silence reaches `absent`
 *   the grace after a restart ends
 *   an expression's value moves by itself              every `every`, while it has data: rate() and
 *                                                      increase() are carried on, as in PromQL
 * These times are found at an evaluation and not moved by the samples that quiet.c lets pass: what
 * comes due too early is looked at and put off.
 * A label set of more than MANY series looks at most once a second, so that a thousand series do
 * not cost a thousand evaluations a second when their samples leave one by one.
 *
 * Invariants: a level is signalled when it changes, and again while firing only when the value is
 * worse than any signalled before; without data the level is unknown, never clear; and samples that
 * leave the range of a source that went silent are no recovery: a held label set of an expression
 * clears only while each of its ranges has a sample no older than the look-back. */
#include "rules/group.h"
#include "rules/level.h"

#include <math.h>
#include <stddef.h>
#include <string.h>
#include <stdint.h>

#define MANY 32
/* Near to its threshold for so long: it counts, though it does not go away. */
#define NEAR_LONG FA_HOUR

struct facts {
    double count, largest; /* of the first leaf's windows: sum of weights; no |value| is over it */
    fa_time since;         /* of the series known for longest; FA_NEVER: none */
    fa_time next_at;       /* when the value may change by itself */
    bool events;           /* a series whose silence says "nothing happened", not "nobody looked" */
    bool growing;
    bool any; /* an expression's: some leaf has a sample */
    fa_time covered_at;
};

static fa_time earlier(fa_time a, fa_time b)
{
    return a < b ? a : b;
}

static fa_time look_back_of(const struct fa_group *group)
{
    return group->state->look_back;
}

static void add_window(struct facts *facts, const struct fa_summary *summary)
{
    facts->next_at = earlier(facts->next_at, summary->next_at);
    if (summary->samples > 0) {
        facts->growing = facts->growing && summary->min >= 0;
        facts->count += summary->count;
        facts->largest = fmax(facts->largest, fmax(fabs(summary->min), fabs(summary->max)));
    }
}

static void add_member(struct facts *facts, struct fa_group *group, const struct fa_member *member)
{
    fa_time since = fa_link_since(member->link), newest_at;
    double newest;
    facts->since = earlier(facts->since, since);
    facts->events = facts->events || fa_link_is_event(member->link);
    (void)fa_link_newest(member->link, &newest_at, &newest);
    if (newest_at > group->newest_at) {
        group->newest_at = newest_at;
    }
    if (group->state->plan.leaves[0].over > 0) {
        add_window(facts, member->summary);
        group->samples += member->summary->samples;
    }
}

static struct facts refresh(struct fa_group *group, fa_time now)
{
    struct facts facts = {.since = FA_NEVER, .next_at = FA_NEVER, .growing = true};
    const struct fa_plan *plan = &group->state->plan;
    group->samples = 0;
    for (size_t leaf = 0; leaf < plan->count; leaf++) {
        struct fa_member *member = group->leaves[leaf].first;
        for (; member != NULL; member = member->next) {
            fa_member_refresh(member, &plan->leaves[leaf], now);
            if (leaf == 0) {
                add_member(&facts, group, member);
            }
        }
    }
    return facts;
}

/* ---- expressions ---- */

static struct fa_eval eval_of(const struct fa_group *group, fa_time now, struct fa_room *room)
{
    const struct fa_rule_state *state = group->state;
    return (struct fa_eval){.now = now,
                            .look_back = state->look_back,
                            .plan = &state->plan,
                            .tree = &state->plan.tree,
                            .leaves = group->leaves,
                            .room = room};
}

/* Does the leaf find enough samples in the member? Notes when that or its value may change without
 * another, and whether any is there, which an offset may hide so far. */
static bool look_at_member(const struct fa_eval *eval, const struct fa_plan_leaf *leaf,
                           struct fa_group *group, struct fa_member *member, struct facts *facts)
{
    fa_time *next_at = &facts->next_at;
    fa_time newest_at;
    double newest;
    bool is_alive = fa_link_newest(member->link, &newest_at, &newest);
    if (newest_at > group->newest_at) {
        group->newest_at = newest_at;
    }
    if (leaf->over == 0) {
        fa_time until = newest_at + eval->look_back;
        bool is_fresh = is_alive && until > eval->now;
        *next_at = is_fresh ? earlier(*next_at, until) : *next_at;
        facts->any = facts->any || is_fresh;
        return is_fresh;
    }
    size_t needed = fa_link_needed(member->link, leaf);
    if (leaf->selector->offset != 0) {
        fa_time from = eval->now - leaf->over;
        facts->any = facts->any || fa_link_points(member->link, from, eval->now, NULL, 0) > 0;
        return fa_link_points(member->link, from, eval->now - leaf->selector->offset, NULL, 0) >=
               needed;
    }
    fa_member_refresh(member, leaf, eval->now);
    const struct fa_summary *summary = member->summary;
    *next_at = earlier(*next_at, summary->next_at);
    facts->any = facts->any || summary->samples > 0;
    return summary->samples > 0 && (needed < 2 || summary->first_at < summary->last_at);
}

/* Asks the memory for what the next members need, so that a hundred series do not wait for it one
 * after the other. */
static inline void prefetch_members(struct fa_member *next)
{
    struct fa_member *after = next != NULL ? next->next : NULL;
    if (after != NULL) {
        fa_link_prefetch(next->link, fa_member_follow(next));
        __builtin_prefetch(after->link);
        __builtin_prefetch(fa_member_follow(after));
        __builtin_prefetch(fa_member_follow(after) + 1);
        __builtin_prefetch(after->next);
    }
}

/* A leaf is content with one series of the label set: when of two under `max by (q)` the bad one
 * goes silent, the other still tells of the label set, and its alarm is over. */
static void look_at_leaf(const struct fa_eval *eval, size_t number, struct fa_group *group,
                         struct facts *facts)
{
    const struct fa_plan_leaf *leaf = &eval->plan->leaves[number];
    fa_time since = FA_NEVER;
    bool found = false, fresh = leaf->over == 0 || leaf->exempt;
    struct fa_member *member = group->leaves[number].first;
    for (; member != NULL; member = member->next) {
        if (group->state->leaves[number].follows) {
            prefetch_members(member->next);
        }
        found = look_at_member(eval, leaf, group, member, facts) || found;
        fresh = fresh || fa_link_is_fresh(member->link, leaf, eval->now, eval->look_back);
        if (leaf->cover) {
            since = earlier(since, fa_link_since(member->link));
        }
        if (number == 0 && leaf->over > 0 && leaf->selector->offset == 0) {
            add_window(facts, member->summary);
            group->samples += member->summary->samples;
        }
    }
    fa_time covered_at = 0;
    if (leaf->exempt && !found) {
        covered_at = group->state->since + (leaf->over > 0 ? leaf->over : eval->look_back);
    } else if (leaf->cover && !leaf->exempt) {
        covered_at = since == FA_NEVER ? FA_NEVER : since + leaf->over;
    }
    facts->covered_at = covered_at > facts->covered_at ? covered_at : facts->covered_at;
    if (!found && !leaf->exempt && group->lacks == FA_LACKS_NONE) {
        group->lacks = (uint16_t)number;
    }
    if (!fresh && group->stale == FA_LACKS_NONE) {
        group->stale = (uint16_t)number;
    }
}

/* Does it need less to go on than to begin? With `hits` each sample is judged for itself. */
static bool is_held(const struct fa_group *group)
{
    return group->held && group->state->rule->hits == 0;
}

/* Is the value past the limits? NaN never is. */
static bool is_past(const struct fa_limits *limits, double value)
{
    return (limits->has_above && value > limits->above) ||
           (limits->has_below && value < limits->below);
}

enum fa_level fa_group_level(struct fa_group *group, bool fires, bool clears, fa_time now,
                             fa_time *next_at)
{
    bool covered = group->covered_at <= now, held = is_held(group);
    if (!covered && group->covered_at != FA_NEVER) {
        *next_at = earlier(*next_at, group->covered_at);
    }
    if (fires) {
        bool may_fire = covered || held || group->state->plan.early;
        return may_fire ? FA_LEVEL_FIRING : FA_LEVEL_UNKNOWN;
    }
    if (covered && group->lacks == FA_LACKS_NONE) {
        if (held && !clears) {
            return FA_LEVEL_FIRING;
        }
        if (!group->held || group->stale == FA_LACKS_NONE) {
            group->grace_until = 0;
            return FA_LEVEL_CLEAR;
        }
    }
    if (now < group->grace_until) {
        *next_at = earlier(*next_at, group->grace_until);
        return group->level;
    }
    return FA_LEVEL_UNKNOWN;
}

static enum fa_level decide_query(struct fa_group *group, struct fa_eval *eval, struct facts *facts,
                                  fa_time *next_at)
{
    const struct fa_rule_state *state = group->state;
    const struct fa_plan *plan = &state->plan;
    bool fires, clears = true;
    double value;
    group->samples = 0;
    group->lacks = group->stale = FA_LACKS_NONE;
    for (size_t i = 0; i < plan->count; i++) {
        look_at_leaf(eval, i, group, facts);
    }
    group->covered_at = facts->covered_at;
    *next_at = facts->next_at;
    if (plan->moves && facts->any) {
        *next_at = earlier(*next_at, eval->now + state->rule->query.every);
    }
    if (state->number != NULL) {
        bool any = fa_eval(eval, state->number, &group->value);
        fires = any && is_past(&state->limits, group->value);
        group->value = any ? group->value : NAN;
    } else {
        fires = fa_eval(eval, plan->tree.root, &group->value);
        group->value = fires ? group->value : NAN;
    }
    if (!fires && group->held && plan->clear.root != NULL) {
        eval->tree = &plan->clear;
        clears = fa_eval(eval, plan->clear.root, &value);
    }
    return fa_group_level(group, fires, clears, eval->now, next_at);
}

/* ---- the short form ---- */

/* Silence instead of a number. */
static enum fa_level decide_absent(struct fa_group *group, fa_time now, fa_time *next_at)
{
    fa_time absent = group->state->rule->metric.absent, started = group->state->since;
    fa_time heard = group->newest_at > started ? group->newest_at : started;
    group->covered_at = 0;
    group->value = (double)(now - heard) / (double)FA_SECOND;
    if (now - heard >= absent) {
        return FA_LEVEL_FIRING;
    }
    *next_at = heard + absent;
    if (group->newest_at > started || (group->newest_at > 0 && now - group->newest_at < absent)) {
        return FA_LEVEL_CLEAR;
    }
    return group->held ? FA_LEVEL_FIRING : FA_LEVEL_UNKNOWN;
}

static void note_cover(struct fa_group *group, const struct facts *facts, fa_time now,
                       fa_time *next_at)
{
    const struct fa_metric_rule *rule = &group->state->rule->metric;
    if (!fa_level_needs_cover(rule)) {
        group->covered_at = 0;
        return;
    }
    group->covered_at = facts->since == FA_NEVER ? FA_NEVER : facts->since + rule->over;
    if (group->covered_at > now) {
        *next_at = earlier(*next_at, group->covered_at);
    }
}

static enum fa_level decide_value(struct fa_group *group, const struct fa_eval *eval,
                                  const struct facts *facts, fa_time *next_at)
{
    const struct fa_metric_rule *rule = &group->state->rule->metric;
    fa_time now = eval->now;
    fa_time until = group->newest_at + look_back_of(group);
    *next_at = facts->next_at;
    note_cover(group, facts, now, next_at);
    if (rule->over == 0 && group->newest_at > 0 && until > now) {
        *next_at = earlier(*next_at, until);
    }
    struct fa_level_input input = {.covered = group->covered_at <= now,
                                   .fresh = facts->events || until > now,
                                   .held = is_held(group),
                                   .growing = facts->growing};
    input.has_value = fa_eval(eval, eval->tree->root, &input.value) && isfinite(input.value);
    group->value = input.has_value ? input.value : NAN;
    if (!input.has_value && now < group->grace_until) {
        *next_at = earlier(*next_at, group->grace_until);
        return group->level;
    }
    enum fa_level level = fa_level_decide(rule, &input);
    group->grace_until = level == FA_LEVEL_CLEAR ? 0 : group->grace_until;
    return level;
}

/* Worse than any value signalled since it fires. Silence only grows: it is signalled once, when it
 * is long enough; after a restart that is not when the label set is restored, but when the silence
 * since the start is long enough again. */
static bool is_worse(const struct fa_group *group)
{
    const struct fa_metric_rule *metric = &group->state->rule->metric;
    const struct fa_limits *limits = &group->state->limits;
    if (group->state->own == NULL) {
        return isnan(group->worst) || (limits->has_above && group->value > group->worst) ||
               (limits->has_below && group->value < group->worst);
    }
    if (metric->absent > 0) {
        return isnan(group->worst) && group->value >= (double)metric->absent / (double)FA_SECOND;
    }
    return isnan(group->worst) || fa_level_is_worse(metric, group->value, group->worst);
}

static void count_near(struct fa_group *group)
{
    struct fa_rule_state *state = group->state;
    state->near += !group->near_counted;
    state->nearest = group->near_peak > state->nearest ? group->near_peak : state->nearest;
    group->near_counted = true;
}

/* A near miss is one that went away again, or stays for so long; what fires is none. */
static void mind_near(struct fa_group *group, fa_time now, fa_time *next_at)
{
    const struct fa_rule_state *state = group->state;
    bool may = state->minds_near && group->level == FA_LEVEL_CLEAR && !isnan(group->value);
    uint32_t near = may ? fa_nearness(&state->limits, group->value) : 0;
    bool was_near = group->near_since != 0;
    if (near < FA_NEAR && !(near > 0 && was_near)) {
        if (was_near && group->level != FA_LEVEL_FIRING) {
            count_near(group);
        }
        group->near_since = 0;
        return;
    }
    if (!was_near) {
        group->near_since = now;
        group->near_peak = 0;
        group->near_counted = false;
    }
    group->near_peak = near > group->near_peak ? (uint16_t)near : group->near_peak;
    if (now - group->near_since >= NEAR_LONG) {
        count_near(group);
    } else {
        *next_at = earlier(*next_at, group->near_since + NEAR_LONG);
    }
}

/* Leaves word with the series what need not be told, so that nobody is asked about it. */
static void quieten(struct fa_group *group, const struct facts *facts, fa_time now)
{
    struct fa_rule_state *state = group->state;
    struct fa_quiet_facts found = {.is_absent =
                                       state->own != NULL && state->rule->metric.absent > 0,
                                   .minds_near = state->minds_near,
                                   .is_near = group->near_since != 0,
                                   .level = group->level,
                                   .held = group->held,
                                   .covered = group->covered_at <= now,
                                   .value = group->value,
                                   .worst = group->worst,
                                   .count = facts->count,
                                   .largest = facts->largest};
    struct fa_quiet quiet, *kept = NULL;
    size_t bytes =
        fa_shape_adds_up(state->shape.kind) ? sizeof quiet : offsetof(struct fa_quiet, of_value);
    if (group->over_since == 0 && fa_quiet_find(&state->limits, state->shape, &found, &quiet)) {
        bool shared =
            group->level == FA_LEVEL_CLEAR && quiet.kind != FA_QUIET_ROOM && group->near_since == 0;
        if (!shared && group->quiet_place == FA_POOL_NONE) {
            group->quiet_place = fa_pool_take(&state->quiets_pool);
        }
        kept = shared ? &state->calm : fa_pool_at(&state->quiets_pool, group->quiet_place);
        memcpy(kept, &quiet, bytes); /* a shared one is the same each time */
    }
    for (size_t leaf = 0; leaf < state->plan.count; leaf++) {
        struct fa_member *member = group->leaves[leaf].first;
        for (; member != NULL; member = member->next) {
            fa_link_set_quiet(member->link, kept);
        }
    }
}

/* On which side of its limits does it fire? */
static int worse_side(const struct fa_group *group)
{
    const struct fa_limits *limits = &group->state->limits;
    return limits->has_above && group->value > limits->above   ? 1
           : limits->has_below && group->value < limits->below ? -1
                                                               : 0;
}

void fa_group_signal(struct fa_group *group, enum fa_level level, fa_time now, fa_signal_fn *fn,
                     void *ctx)
{
    const struct fa_rule *rule = group->state->rule;
    bool changed = level != group->level;
    bool worse = level == FA_LEVEL_FIRING && !isnan(group->value) && is_worse(group);
    group->level = level;
    group->held = level == FA_LEVEL_FIRING || (group->held && level == FA_LEVEL_UNKNOWN);
    if (level != FA_LEVEL_FIRING) {
        group->worst = NAN;
    } else if (worse) {
        group->worst = group->value;
    }
    if (!changed && !worse) {
        return;
    }
    bool is_sample = group->by_sample && group->newest_at > 0 && group->newest_at < now;
    struct fa_signal signal = {.rule = rule,
                               .labels = group->labels,
                               .level = level,
                               .value = level == FA_LEVEL_UNKNOWN ? NAN : group->value,
                               .worse = worse_side(group),
                               .since = is_sample ? group->newest_at : now};
    fn(ctx, &signal);
}

/* What is found on the way goes to *ret_facts. */
static enum fa_level decide(struct fa_group *group, struct fa_eval *eval, struct facts *ret_facts,
                            fa_time *next_at)
{
    if (group->state->own == NULL) {
        *ret_facts = (struct facts){.since = FA_NEVER, .next_at = FA_NEVER};
        return decide_query(group, eval, ret_facts, next_at);
    }
    *ret_facts = refresh(group, eval->now);
    return group->state->rule->metric.absent > 0 ? decide_absent(group, eval->now, next_at)
                                                 : decide_value(group, eval, ret_facts, next_at);
}

void fa_group_look(struct fa_group *group, fa_time now, struct fa_room *room)
{
    struct facts facts;
    struct fa_eval eval = eval_of(group, now, room);
    fa_time next_at = FA_NEVER;
    (void)decide(group, &eval, &facts, &next_at);
}

/* Every label of the series is in its text: no other series can come to be of this label set but
 * one of the same name, and that one is found by these labels. */
static bool has_all_labels(const struct fa_plan_key *key, const struct fa_link *link)
{
    if (key->kind == FA_PLAN_ALL) {
        return true;
    }
    const struct fa_labels *labels = fa_link_labels(link);
    for (size_t i = 0; i < labels->count; i++) {
        if (!fa_plan_key_has(key, labels->items[i].name)) {
            return false;
        }
    }
    return true;
}

bool fa_group_may_rest(const struct fa_group *group, fa_time now, fa_time next_at)
{
    const struct fa_rule_state *state = group->state;
    if (state->rest == 0 || state->shape.kind != FA_SHAPE_NEWEST || group->leaves[0].count != 1 ||
        group->dirty || group->pinned || group->held || group->near_since != 0 ||
        group->level == FA_LEVEL_FIRING || group->grace_until > now) {
        return false;
    }
    const struct fa_link *link = group->leaves[0].first->link;
    fa_time newest_at;
    double newest;
    (void)fa_link_newest(link, &newest_at, &newest);
    bool is_clear = group->level == FA_LEVEL_CLEAR;
    return newest_at == group->newest_at && fa_link_is_quiet(link) == is_clear &&
           next_at == (is_clear ? newest_at + state->rest : FA_NEVER) &&
           has_all_labels(&state->plan.key, link);
}

void fa_group_awake(struct fa_group *group, const struct fa_link *link)
{
    group->level = link->was_quiet ? FA_LEVEL_CLEAR : FA_LEVEL_UNKNOWN;
}

fa_time fa_group_evaluate(struct fa_group *group, fa_time now, struct fa_room *room,
                          fa_signal_fn *fn, void *ctx)
{
    struct facts facts;
    struct fa_eval eval = eval_of(group, now, room);
    fa_time next_at = FA_NEVER;
    enum fa_level level = decide(group, &eval, &facts, &next_at);
    level = fa_group_hold(group, level, now, &next_at);
    fa_group_signal(group, level, now, fn, ctx);
    mind_near(group, now, &next_at);
    quieten(group, &facts, now);
    if (group->leaves[0].count > MANY && next_at < now + FA_SECOND) {
        next_at = now + FA_SECOND;
    }
    return next_at;
}
