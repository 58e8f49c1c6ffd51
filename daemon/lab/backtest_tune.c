/* SPDX-License-Identifier: MIT */
/* Each rule once more, with its threshold lower and higher: how often would it have fired? The
 * copies of all rules are evaluated together, in one pass over the samples, without the engine:
 * `for` is counted here, as the engine does (it stands still while data are missing). The condition
 * to clear keeps its distance in proportion. */
#include "lab/backtest.h"
#include "lab/backtest_parts.h"

#include "base/heap.h"
#include "base/panic.h"
#include "lab/playlist.h"
#include "rules/promql.h"
#include "rules/rules.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static const double FACTORS[] = {0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.25, 1.5, 2, 3};
#define TRIES         (sizeof FACTORS / sizeof FACTORS[0])
#define PROGRESS_EACH 4096u

/* `for` of one label set of one copy. */
struct pending {
    char *labels;    /* owned */
    fa_time held;    /* how long it has held so far */
    fa_time running; /* since when it holds; FA_NEVER: it does not, or nobody knows */
    fa_time raised;  /* FA_NEVER: not yet */
};

struct copy {
    struct fa_rule rule;                      /* a copy; its texts are borrowed */
    const struct fa_calendar_entry *calendar; /* that its `for` is counted by; NULL: none */
    struct fa_promql *owned;                  /* its expression; NULL: a short form */
    struct fa_backtest_try *entry;
    struct pending *pending; /* owned */
    size_t count, cap;
};

struct tuning {
    const struct fa_config *config;
    struct copy *copies; /* owned; fa_rules borrows the rules in them */
    size_t count;
    fa_time now;
};

/* ---- for ---- */

static struct pending *pending_of(struct copy *copy, const char *labels)
{
    for (size_t i = 0; i < copy->count; i++) {
        if (strcmp(copy->pending[i].labels, labels) == 0) {
            return &copy->pending[i];
        }
    }
    copy->pending = fa_xgrow(copy->pending, copy->count, &copy->cap, sizeof copy->pending[0]);
    copy->pending[copy->count] =
        (struct pending){.labels = fa_xstrdup(labels), .running = FA_NEVER, .raised = FA_NEVER};
    return &copy->pending[copy->count++];
}

/* It is raised when it has held for so long, be it noticed later. */
static void settle(struct copy *copy, struct pending *pending, fa_time now)
{
    if (pending->raised != FA_NEVER || pending->running == FA_NEVER) {
        return;
    }
    fa_time left = copy->rule.for_ms - pending->held;
    fa_time over =
        fa_calendar_after(copy->calendar, copy->rule.for_measure, pending->running, left);
    if (over <= now) {
        pending->raised = over;
        copy->entry->fired++;
    }
}

static void on_signal(void *ctx, const struct fa_signal *signal)
{
    struct tuning *tuning = ctx;
    struct copy *copy = fa_container_of(signal->rule, struct copy, rule);
    struct pending *pending = pending_of(copy, signal->labels);
    settle(copy, pending, tuning->now);
    if (signal->level == FA_LEVEL_FIRING) {
        pending->running = pending->running != FA_NEVER ? pending->running : tuning->now;
        settle(copy, pending, tuning->now);
    } else if (signal->level == FA_LEVEL_UNKNOWN) {
        pending->held += pending->running != FA_NEVER
                             ? fa_calendar_between(copy->calendar, copy->rule.for_measure,
                                                   pending->running, tuning->now)
                             : 0;
        pending->running = FA_NEVER;
    } else {
        copy->entry->firing += pending->raised != FA_NEVER ? tuning->now - pending->raised : 0;
        *pending =
            (struct pending){.labels = pending->labels, .running = FA_NEVER, .raised = FA_NEVER};
    }
}

static void end(struct copy *copy, fa_time now)
{
    for (size_t i = 0; i < copy->count; i++) {
        struct pending *pending = &copy->pending[i];
        settle(copy, pending, now);
        copy->entry->firing += pending->raised != FA_NEVER ? now - pending->raised : 0;
        free(pending->labels);
    }
    fa_promql_free(copy->owned);
    free(copy->pending);
}

/* ---- the copies ---- */

/* Moves by the same part of the threshold, or by so much where that is 0. */
static double scaled(double value, double factor)
{
    return value != 0 ? value * factor : factor - 1;
}

static void scale_metric(const struct fa_rule *rule, double factor, struct fa_rule *ret_copy,
                         struct fa_backtest_try *ret_try)
{
    struct fa_metric_rule *metric = &ret_copy->metric;
    *ret_copy = *rule;
    metric->above = scaled(metric->above, factor);
    metric->below = scaled(metric->below, factor);
    metric->clear_below = scaled(metric->clear_below, factor);
    metric->clear_above = scaled(metric->clear_above, factor);
    *ret_try =
        (struct fa_backtest_try){.threshold = metric->has_above ? metric->above : metric->below,
                                 .clear = metric->has_clear_below   ? metric->clear_below
                                          : metric->has_clear_above ? metric->clear_above
                                                                    : (double)NAN};
}

/* False: the expression cannot be had with another number. */
static bool scale(const struct fa_config *config, const struct fa_rule *rule, double factor,
                  struct copy *copy)
{
    double threshold;
    bool above;
    if (rule->query.expr == NULL) {
        scale_metric(rule, factor, &copy->rule, copy->entry);
        return true;
    }
    (void)fa_backtest_threshold(rule, &threshold, &above);
    threshold = scaled(threshold, factor);
    copy->rule = *rule;
    copy->owned = fa_backtest_replace(config, rule->query.expr, threshold);
    copy->rule.query.expr = copy->owned;
    *copy->entry = (struct fa_backtest_try){.threshold = threshold, .clear = (double)NAN};
    return copy->owned != NULL;
}

static void add_copies(struct tuning *tuning, struct fa_backtest_rule *rule)
{
    double threshold;
    bool above, can = fa_backtest_threshold(rule->rule, &threshold, &above);
    rule->tries = can ? fa_xcalloc(TRIES, sizeof rule->tries[0]) : NULL;
    for (size_t i = 0; i < TRIES && can; i++) {
        struct copy *copy = &tuning->copies[tuning->count];
        copy->entry = &rule->tries[i];
        copy->calendar = rule->rule->calendar != NULL
                             ? fa_directory_calendar(tuning->config->people, rule->rule->calendar)
                             : NULL;
        can = scale(tuning->config, rule->rule, FACTORS[i], copy);
        copy->entry->current = FACTORS[i] == 1;
        tuning->count += can;
        rule->try_count += can;
    }
}

static void run(struct tuning *tuning, struct fa_rules *rules, fa_time at)
{
    for (fa_time next; (next = fa_rules_next(rules)) < at;) {
        next = next > tuning->now ? next : tuning->now + 1;
        tuning->now = next;
        fa_rules_run(rules, (struct fa_now){next, next}, on_signal, tuning);
    }
    tuning->now = at;
}

void fa_backtest_tune(const struct fa_config *config, struct fa_history *history,
                      const struct fa_backtest_options *options, struct fa_backtest *report)
{
    struct tuning tuning = {.config = config,
                            .copies =
                                fa_xcalloc(report->rule_count * TRIES + 1, sizeof(struct copy)),
                            .now = report->from};
    for (size_t i = 0; i < report->rule_count; i++) {
        add_copies(&tuning, &report->rules[i]);
    }
    const struct fa_rule **list = fa_xcalloc(tuning.count + 1, sizeof *list);
    for (size_t i = 0; i < tuning.count; i++) {
        list[i] = &tuning.copies[i].rule;
    }
    struct fa_metrics *metrics = fa_metrics_new(NULL);
    struct fa_rules *rules = fa_rules_new(list, tuning.count, metrics);
    struct fa_playlist *samples = fa_playlist_new(history, metrics, options->from, options->to);
    fa_time at;
    for (size_t i = 0; (at = fa_playlist_next(samples)) != FA_NEVER; i++) {
        run(&tuning, rules, at);
        fa_playlist_push(samples, (struct fa_now){at, at});
        fa_rules_run(rules, (struct fa_now){at, at}, on_signal, &tuning);
        if (options->progress != NULL && i % PROGRESS_EACH == 0) {
            options->progress(options->ctx, fa_playlist_done(samples));
        }
    }
    fa_playlist_free(samples);
    fa_rules_free(rules);
    fa_metrics_free(metrics);
    for (size_t i = 0; i < tuning.count; i++) {
        end(&tuning.copies[i], report->to);
    }
    free(list);
    free(tuning.copies);
}
