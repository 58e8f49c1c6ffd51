/* SPDX-License-Identifier: MIT */
/* Do samples come often enough for what a rule asks of them? A rule that looks back five minutes at
 * what comes once a day is unknown nearly always, and a range of five minutes never has two samples
 * of what comes every ten.
 *
 * How often samples come is seen of the first few series of each selector, from the number of
 * samples between two looks: nothing is done when one comes. Looks lie an hour apart or further, so
 * that there are three samples in a row, and the shortest of the last three times counts: an outage
 * makes one of them long, or two. A series that ends without another in its place leaves its
 * place to the next. */
#include "rules/group.h"

#define EACH      FA_HOUR
#define AT_ONCE   16 /* rules */
#define INTERVALS 2u

/* 0: too few samples came. */
static fa_time interval_between(const struct fa_probe *since, const struct fa_probe *now)
{
    uint32_t count = now->samples - since->samples;
    fa_time time = now->newest_at - since->newest_at;
    return count >= INTERVALS && time > 0 ? time / count : 0;
}

/* What was sent while no daemon ran is missing, so the time before these rules ran does not count.
 */
void fa_rules_note_pace(const struct fa_rules *rules, struct fa_leaf *leaf,
                        const struct fa_link *link)
{
    struct fa_probe probe;
    if (leaf->pace_count == FA_PACES || !fa_link_probe(link, &probe)) {
        return;
    }
    for (size_t i = 0; i < leaf->pace_count; i++) {
        if (leaf->paces[i].since.place == probe.place &&
            leaf->paces[i].since.generation == probe.generation) {
            return;
        }
    }
    if (rules->has_run && probe.newest_at < rules->started) {
        probe.newest_at = rules->started;
    }
    leaf->paces[leaf->pace_count++] = (struct fa_pace){.since = probe};
}

static void look(const struct fa_watcher *watcher, struct fa_leaf *leaf)
{
    for (size_t i = leaf->pace_count; i-- > 0;) {
        struct fa_pace *pace = &leaf->paces[i];
        struct fa_probe now;
        if (!fa_watcher_probe(watcher, &pace->since, &now)) {
            *pace = leaf->paces[--leaf->pace_count];
            continue;
        }
        fa_time interval = interval_between(&pace->since, &now);
        if (interval > 0 && now.newest_at - pace->since.newest_at >= EACH) {
            *pace = (struct fa_pace){now, interval, pace->before};
        }
    }
}

void fa_rules_pace(struct fa_rules *rules, fa_time now)
{
    if (rules->pace_at == rules->count) {
        if (now < rules->pace_next) {
            return;
        }
        rules->pace_at = 0;
        rules->pace_next = now + EACH;
    }
    for (size_t n = 0; n < AT_ONCE && rules->pace_at < rules->count; n++, rules->pace_at++) {
        struct fa_rule_state *state = rules->states[rules->pace_at];
        for (size_t i = 0; i < state->plan.count; i++) {
            look(rules->watcher, &state->leaves[i]);
        }
    }
}

/* Of those that are known. */
static fa_time shorter(fa_time a, fa_time b)
{
    return a == 0 || (b > 0 && b < a) ? b : a;
}

static fa_time interval_of(const struct fa_watcher *watcher, const struct fa_leaf *leaf)
{
    fa_time longest = 0;
    for (size_t i = 0; i < leaf->pace_count; i++) {
        const struct fa_pace *pace = &leaf->paces[i];
        struct fa_probe now;
        fa_time interval = 0;
        if (fa_watcher_probe(watcher, &pace->since, &now)) {
            interval = shorter(interval_between(&pace->since, &now),
                               shorter(pace->before, pace->longer_ago));
        }
        longest = interval > longest ? interval : longest;
    }
    return longest;
}

static void format_bare(const struct fa_promql_node *selector, struct fa_buf *buf)
{
    struct fa_promql_node bare = *selector;
    bare.range = bare.offset = 0;
    bare.at = FA_AT_NONE;
    fa_promql_format(&bare, buf);
}

bool fa_rules_feed(struct fa_rules *rules, const char *rule, size_t i,
                   struct fa_rule_feed *ret_feed, struct fa_buf *selector)
{
    const struct fa_rule_state *state = fa_state_find(rules, rule);
    size_t count = state != NULL && state->rule->metric.absent == 0 ? state->plan.count : 0;
    fa_rules_collect(rules);
    for (size_t k = 0; k < count; k++) {
        const struct fa_plan_leaf *leaf = &state->plan.leaves[k];
        if (leaf->exempt || i-- > 0) {
            continue;
        }
        *ret_feed =
            (struct fa_rule_feed){.window = leaf->window,
                                  .serves = leaf->serves,
                                  .pair = leaf->pair,
                                  .interval = interval_of(rules->watcher, &state->leaves[k])};
        format_bare(leaf->selector, selector);
        return true;
    }
    return false;
}

/* Windows get a third more, as samples of even times do not come at quite even ones. */
enum fa_feed_pace fa_rule_feed_pace(const struct fa_rule_feed *feed, fa_time interval)
{
    bool by_steps = feed->serves > feed->window;
    if (feed->pair && interval >= feed->window) {
        return FA_PACE_NEVER;
    }
    if (feed->window == 0) {
        return interval > feed->serves ? FA_PACE_SELDOM : FA_PACE_ENOUGH;
    }
    bool is_seldom =
        feed->pair ? !by_steps && 3 * interval > 2 * feed->window : 3 * interval > 4 * feed->serves;
    return is_seldom ? FA_PACE_SELDOM : FA_PACE_ENOUGH;
}
