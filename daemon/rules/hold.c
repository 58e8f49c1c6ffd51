/* SPDX-License-Identifier: MIT */
/* What a rule asks of a condition beyond that it holds now: that it held at `hits` of the last `of`
 * samples, and that it is over for `keep_firing_for` before it clears.
 *
 * Invariants: missing data is judged by neither, it stays unknown, and begins the time that it must
 * be over anew; whoever fired before a restart fires until `of` samples have been judged again. */
#include "rules/group.h"

/* A sample was judged: does it fire by those before it, too? */
static enum fa_level count_hits(struct fa_group *group, enum fa_level level)
{
    const struct fa_rule *rule = group->state->rule;
    if (group->by_sample) {
        group->judged = group->judged << 1 | (level == FA_LEVEL_FIRING);
        group->judged_count = (uint8_t)(group->judged_count + (group->judged_count < rule->of));
    }
    uint64_t among = group->judged & (~UINT64_C(0) >> (64 - rule->of));
    bool fires = (uint32_t)__builtin_popcountll(among) >= rule->hits;
    bool restored = group->held && group->judged_count < rule->of;
    return fires || restored ? FA_LEVEL_FIRING : FA_LEVEL_CLEAR;
}

enum fa_level fa_group_hold(struct fa_group *group, enum fa_level level, fa_time now,
                            fa_time *next_at)
{
    fa_time keep = group->state->rule->keep_firing_for;
    if (group->state->rule->hits > 0 && level != FA_LEVEL_UNKNOWN) {
        level = count_hits(group, level);
    }
    if (level != FA_LEVEL_CLEAR || !group->held || keep == 0) {
        group->over_since = 0;
        return level;
    }
    if (group->over_since == 0) {
        group->over_since = now;
    }
    fa_time until = group->over_since + keep;
    if (now >= until) {
        return FA_LEVEL_CLEAR;
    }
    *next_at = until < *next_at ? until : *next_at;
    return FA_LEVEL_FIRING;
}

bool fa_group_has_hits(const struct fa_group *group)
{
    return group->state->rule->hits > 0 &&
           (group->judged & (~UINT64_C(0) >> (64 - group->state->rule->of))) != 0;
}
