/* SPDX-License-Identifier: MIT */
/* The windows and the rules over them, and those over alerts of others: made at start, made anew
 * for a configuration, and forgotten when the wall clock steps. Samples are kept by wall time:
 * after a step back new ones would look late for hours, after a step forward every feed would look
 * silent. What a rule knew of its active alarms, and since when a feed is silent, is handed on each
 * time; the rest warms up. */
#include "app/internal.h"
#include "base/panic.h"

#include <sodium.h>

/* Series looked at in one turn for the weekly digest: a fifth of a millisecond. */
#define SURVEY_EACH 20000

static struct fa_metrics *new_metrics(void)
{
    struct fa_metrics_limits limits = {0};
    randombytes_buf(&limits.hash_seed, sizeof limits.hash_seed);
    return fa_metrics_new(&limits);
}

static struct fa_rules *new_rules(struct fa_daemon *daemon, const struct fa_config *config)
{
    struct fa_rules *rules =
        fa_rules_new(config->setup.rules, config->setup.rule_count, daemon->metrics);
    if (config->setup.weekly.to_count > 0) {
        fa_rules_mind_near(rules);
    }
    return rules;
}

static struct fa_foreign *new_foreign(struct fa_daemon *daemon, const struct fa_config *config)
{
    return fa_foreign_new(config->setup.rules, config->setup.rule_count, 0,
                          fa_metrics_hash_seed(daemon->metrics));
}

void fa_windows_open(struct fa_daemon *daemon)
{
    daemon->metrics = new_metrics();
    daemon->rules = new_rules(daemon, daemon->config);
    daemon->foreign = new_foreign(daemon, daemon->config);
}

void fa_windows_restore(struct fa_daemon *daemon)
{
    fa_engine_restore_rules(daemon->engine, daemon->rules, daemon->foreign,
                            fa_loop_now(daemon->loop).wall);
    daemon->rules_dirty = true;
}

void fa_windows_reload(struct fa_daemon *daemon, const struct fa_config *config)
{
    struct fa_rules *old = daemon->rules;
    struct fa_foreign *old_foreign = daemon->foreign;
    daemon->rules = new_rules(daemon, config);
    daemon->foreign = new_foreign(daemon, config);
    fa_windows_restore(daemon);
    fa_rules_hand_on(old, daemon->rules, 0);
    fa_rules_free(old);
    fa_foreign_free(old_foreign);
    fa_metrics_sweep(daemon->metrics);
    fa_checkpoint_forget(daemon); /* the one under way is of the old label sets */
}

void fa_windows_forget(struct fa_daemon *daemon, fa_time shift)
{
    struct fa_metrics *old = daemon->metrics;
    struct fa_rules *old_rules = daemon->rules;
    fa_foreign_free(daemon->foreign);
    daemon->metrics = new_metrics();
    daemon->rules = new_rules(daemon, daemon->config);
    daemon->foreign = new_foreign(daemon, daemon->config);
    fa_windows_restore(daemon);
    fa_rules_hand_on(old_rules, daemon->rules, shift);
    fa_rules_free(old_rules);
    fa_feeds_bind(daemon);
    fa_fetch_bind(daemon); /* its jobs push into what is there now, too */
    fa_metrics_free(old);
    fa_checkpoint_forget(daemon);
}

void fa_windows_step(struct fa_daemon *daemon, fa_time delta)
{
    if (fa_clock_is_stepped(delta)) {
        fa_windows_forget(daemon, delta);
    }
}

void fa_windows_survey(struct fa_daemon *daemon)
{
    struct fa_rule_seen *list = NULL;
    size_t count = 0, cap = 0;
    if (daemon->engine == NULL || daemon->config->setup.weekly.to_count == 0 ||
        fa_rules_survey(daemon->rules, SURVEY_EACH)) {
        return;
    }
    do {
        list = fa_xgrow(list, count, &cap, sizeof *list);
    } while (fa_rules_seen(daemon->rules, count, &list[count]) && ++count > 0);
    struct fa_event event = {.kind = FA_EV_SEEN, .u.seen = {list, count}};
    fa_turn_step(daemon, &event);
    free(list);
}

void fa_windows_close(struct fa_daemon *daemon)
{
    fa_rules_free(daemon->rules);
    fa_foreign_free(daemon->foreign);
    fa_metrics_free(daemon->metrics);
    fa_changes_done(daemon);
}
