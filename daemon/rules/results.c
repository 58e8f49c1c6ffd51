/* SPDX-License-Identifier: MIT */
/* Expressions that are evaluated whole: from a result to what is news about each label set.
 *
 * Kept is what fires, what fired and has not cleared, what is in its grace after a restart, and
 * what is clear and has hits among the samples that count; all else is forgotten once it is over
 * and said. Two elements whose labels differ by the metric's name only would be one alarm: that is
 * an error, as in Prometheus. An evaluation that fails, or gives more than RESULTS_MAX label sets,
 * says nothing about any: they are unknown, and the rule's status has the text. */
#include "rules/group.h"

#include "base/panic.h"

#include <math.h>
#include <string.h>

#define RESULTS_MAX 10000

/* Of an element, without the metric's name, as canonical text. */
static void format_labels(const struct fa_labels *labels, struct fa_buf *buf)
{
    fa_buf_clear(buf);
    for (size_t i = 0; i < labels->count; i++) {
        if (!fa_str_is(labels->items[i].name, "__name__")) {
            fa_label_format(labels->items[i].name, labels->items[i].value, buf);
        }
    }
}

/* Marks as seen what the result has. Of the clear condition's only what is known counts. */
static int take_results(struct fa_rules *rules, struct fa_rule_state *state, bool is_clear,
                        const struct fa_query_value *value, struct fa_err *err)
{
    struct fa_buf text;
    int ret = 0;
    if (!is_clear && value->count > RESULTS_MAX) {
        return fa_err_set(err, FA_ETOOBIG, "the expression yields %zu label sets, more than %d",
                          value->count, RESULTS_MAX);
    }
    fa_buf_init(&text, SIZE_MAX / 2);
    for (size_t i = 0; i < value->count && ret == 0; i++) {
        format_labels(value->samples[i].labels, &text);
        struct fa_group *group = is_clear ? fa_group_find(rules, state, fa_buf_str(&text))
                                          : fa_group_take(rules, state, fa_buf_str(&text));
        if (group == NULL) {
            continue;
        }
        if (group->seen) {
            ret = fa_err_set(err, FA_EINVAL, "two elements differ by the metric's name only: {%s}",
                             group->labels);
        }
        group->seen = true;
        group->value = is_clear ? group->value : value->samples[i].value;
    }
    fa_buf_done(&text);
    return ret;
}

/* Evaluates one tree and marks as seen what it yields. */
static int run(struct fa_rules *rules, struct fa_rule_state *state, bool is_clear, fa_time now)
{
    const struct fa_query_rule *rule = &state->rule->query;
    struct fa_query *query = NULL;
    struct fa_query_value value;
    struct fa_err *err = &state->err;
    for (struct fa_group *group = state->first_group; group != NULL; group = group->next) {
        group->seen = false;
    }
    int ret = fa_whole_run(state->whole, is_clear ? &state->plan.clear : &state->plan.tree,
                           is_clear ? rule->clear : rule->expr, now, &query, &value, err);
    if (ret == 0) {
        ret = take_results(rules, state, is_clear, &value, err);
        fa_query_free(query);
    }
    return ret;
}

/* The level of a label set, but for whether the clear condition holds. Notes whether there is a
 * sample of its own to be judged: others of the expression's are none of its business. */
static enum fa_level judge(struct fa_rules *rules, struct fa_group *group, bool clears, fa_time now,
                           fa_time *next_at)
{
    struct fa_labels *labels = NULL;
    int ret = fa_labels_parse(fa_str_of(group->labels), &labels);
    fa_assert(ret == 0); /* it was formatted here */
    struct fa_whole_facts facts =
        fa_whole_look(group->state->whole, labels, now, group->state->since);
    fa_labels_free(labels);
    group->covered_at = facts.covered_at;
    group->by_sample = group->by_sample && facts.newest_at > group->newest_at;
    group->newest_at = facts.newest_at > group->newest_at ? facts.newest_at : group->newest_at;
    group->lacks = facts.lacks == SIZE_MAX ? FA_LACKS_NONE : (uint16_t)facts.lacks;
    group->stale = facts.stale == SIZE_MAX ? FA_LACKS_NONE : (uint16_t)facts.stale;
    return fa_group_level(group, group->fires, clears, now, next_at);
}

/* Is there a label set of which it must be known whether it may clear? */
static bool note_firing(struct fa_rule_state *state, bool is_sound)
{
    bool any = false;
    for (struct fa_group *group = state->first_group; group != NULL; group = group->next) {
        group->fires = is_sound && group->seen;
        group->value = group->fires ? group->value : NAN;
        any = any || (group->held && !group->fires);
    }
    return any;
}

static void signal_all(struct fa_rules *rules, struct fa_rule_state *state, int ret, fa_time now,
                       fa_time *next_at, fa_signal_fn *fn, void *ctx)
{
    bool by_sample = state->self->by_sample;
    for (struct fa_group *group = state->first_group, *next; group != NULL; group = next) {
        next = group->next;
        bool clears = state->plan.clear.root == NULL || (ret == 0 && group->seen);
        group->by_sample = by_sample;
        enum fa_level level = ret == 0                   ? judge(rules, group, clears, now, next_at)
                              : now < group->grace_until ? group->level
                                                         : FA_LEVEL_UNKNOWN;
        level = fa_group_hold(group, level, now, next_at);
        fa_group_signal(group, level, now, fn, ctx);
        group->by_sample = false;
        bool is_over = level == FA_LEVEL_CLEAR ? !fa_group_has_hits(group)
                                               : fa_group_is_forgettable(group, now);
        if (is_over && !group->fires && group->grace_until <= now) {
            fa_group_drop(rules, group);
        }
    }
}

fa_time fa_results_evaluate(struct fa_rules *rules, struct fa_rule_state *state, fa_time now,
                            fa_signal_fn *fn, void *ctx)
{
    const struct fa_query_rule *query = &state->rule->query;
    fa_time next_at = FA_NEVER;
    state->err = (struct fa_err){0};
    int ret = run(rules, state, false, now);
    bool asks = note_firing(state, ret == 0);
    if (ret == 0 && asks && query->clear != NULL) {
        ret = run(rules, state, true, now);
    }
    signal_all(rules, state, ret, now, &next_at, fn, ctx);
    fa_time leaves_at = fa_whole_next(state->whole, now);
    next_at = leaves_at < next_at ? leaves_at : next_at;
    if (state->plan.moves && fa_whole_has_data(state->whole, now) && now + query->every < next_at) {
        next_at = now + query->every;
    }
    return next_at < now + state->settle ? now + state->settle : next_at;
}
