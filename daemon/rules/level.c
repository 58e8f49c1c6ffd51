/* SPDX-License-Identifier: MIT */
/* Levels.
 *
 * A window is covered once samples were taken at or before its beginning. Until then the rule is
 * warming: what is missing could change the number. Which way, decides what may be said early:
 *
 *   take                  fires above early      fires below early   clears early
 *   last                  (reads no window that must be covered: always says what it sees)
 *   max                   yes: it can only grow  no                  no
 *   min                   no                     yes: only falls     no
 *   count rate increase   yes                    no                  no
 *   sum                   if none is negative    no                  no
 *   avg share pNN         with at_least, met     with at_least, met  no
 *
 * at_least is the operator's own word for "enough to judge by", so a mean of enough samples may
 * fire before the window is full. Warming and not firing is unknown.
 *
 *   value?  held?  the number is              level
 *   no      -      -                          unknown
 *   yes     no     past the threshold         firing when covered or early, else unknown
 *   yes     no     not past it                clear when covered, else unknown
 *   yes     yes    past the threshold         firing
 *   yes     yes    in the dead band           firing
 *   yes     yes    past the clear threshold   clear when covered and fresh; firing while warming;
 *                                             unknown when not fresh: samples leaving the window of
 *                                             a source that went silent are no recovery
 *
 * "Past" is strict. `held` survives unknown: data that come back into the dead band fire again. */
#include "rules/level.h"

enum early {
    NEVER,
    ALWAYS,
    NOT_NEGATIVE,
    ENOUGH,
};

static const struct {
    bool cover;
    enum early above, below;
} TAKES[FA_TAKE__COUNT] = {
    [FA_TAKE_LAST] = {false, ALWAYS, ALWAYS},    [FA_TAKE_AVG] = {true, ENOUGH, ENOUGH},
    [FA_TAKE_MIN] = {true, NEVER, ALWAYS},       [FA_TAKE_MAX] = {true, ALWAYS, NEVER},
    [FA_TAKE_SUM] = {true, NOT_NEGATIVE, NEVER}, [FA_TAKE_COUNT] = {true, ALWAYS, NEVER},
    [FA_TAKE_RATE] = {true, ALWAYS, NEVER},      [FA_TAKE_INCREASE] = {true, ALWAYS, NEVER},
    [FA_TAKE_SHARE] = {true, ENOUGH, ENOUGH},    [FA_TAKE_QUANTILE] = {true, ENOUGH, ENOUGH},
};

bool fa_level_needs_cover(const struct fa_metric_rule *rule)
{
    return rule->absent == 0 && TAKES[rule->take].cover;
}

static bool may_be_early(const struct fa_metric_rule *rule, enum early early, bool growing)
{
    return early == ALWAYS || (early == NOT_NEGATIVE && growing) ||
           (early == ENOUGH && rule->at_least > 0);
}

enum fa_level fa_level_decide(const struct fa_metric_rule *rule, const struct fa_level_input *input)
{
    if (!input->has_value) {
        return FA_LEVEL_UNKNOWN;
    }
    bool above = rule->has_above && input->value > rule->above;
    bool below = rule->has_below && input->value < rule->below;
    bool covered = input->covered || !TAKES[rule->take].cover;
    if (input->held) {
        bool dead_band = (rule->has_clear_below && !(input->value < rule->clear_below)) ||
                         (rule->has_clear_above && !(input->value > rule->clear_above));
        if (above || below || dead_band || !covered) {
            return FA_LEVEL_FIRING;
        }
        return input->fresh ? FA_LEVEL_CLEAR : FA_LEVEL_UNKNOWN;
    }
    if (above || below) {
        bool early = (above && may_be_early(rule, TAKES[rule->take].above, input->growing)) ||
                     (below && may_be_early(rule, TAKES[rule->take].below, input->growing));
        return covered || early ? FA_LEVEL_FIRING : FA_LEVEL_UNKNOWN;
    }
    return covered ? FA_LEVEL_CLEAR : FA_LEVEL_UNKNOWN;
}

static double excess(const struct fa_metric_rule *rule, double value)
{
    double above = rule->has_above ? value - rule->above : rule->below - value;
    double below = rule->has_below ? rule->below - value : above;
    return above > below ? above : below;
}

bool fa_level_is_worse(const struct fa_metric_rule *rule, double value, double than)
{
    return (rule->has_above || rule->has_below) && excess(rule, value) > excess(rule, than);
}
