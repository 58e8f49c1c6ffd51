/* SPDX-License-Identifier: MIT */
/* What the weekly digest asks of the metric rules: when what they read came last, and how near to
 * their thresholds it came. Series are walked over in pieces, so that however many there are nobody
 * waits for it. */
#include "rules/group.h"

static void heard(void *ctx, void *owner, fa_time at)
{
    struct fa_leaf *leaf = owner;
    leaf->hearing = at > leaf->hearing ? at : leaf->hearing;
}

/* What is still heard of a rule that reads several is no excuse for what is not. */
static fa_time least_heard(const struct fa_rule_state *state)
{
    fa_time least = FA_NEVER;
    for (size_t i = 0; i < state->plan.count; i++) {
        fa_time at = state->leaves[i].heard;
        least = at != 0 && at < least ? at : least;
    }
    return least != FA_NEVER ? least : 0;
}

bool fa_rules_survey(struct fa_rules *rules, size_t max)
{
    if (fa_watcher_survey(rules->watcher, &rules->survey_at, max, heard, NULL)) {
        return true;
    }
    rules->survey_at = 0;
    for (size_t i = 0; i < rules->count; i++) {
        for (size_t k = 0; k < rules->states[i]->plan.count; k++) {
            struct fa_leaf *leaf = &rules->states[i]->leaves[k];
            leaf->heard = leaf->hearing > leaf->heard ? leaf->hearing : leaf->heard;
            leaf->hearing = 0;
        }
    }
    return false;
}

bool fa_rules_seen(struct fa_rules *rules, size_t i, struct fa_rule_seen *ret_seen)
{
    if (i >= rules->count) {
        return false;
    }
    struct fa_rule_state *state = rules->states[i];
    *ret_seen = (struct fa_rule_seen){.rule = state->rule,
                                      .heard = least_heard(state),
                                      .near = state->near,
                                      .nearest = state->nearest};
    state->near = state->nearest = 0;
    return true;
}

void fa_rules_mind_near(struct fa_rules *rules)
{
    for (size_t i = 0; i < rules->count; i++) {
        struct fa_rule_state *state = rules->states[i];
        state->minds_near = state->number != NULL && state->rule->metric.absent == 0;
    }
}
