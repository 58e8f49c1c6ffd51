/* SPDX-License-Identifier: MIT */
/* Inside lab/ only: a backtest is played (backtest.c), summed up (backtest_report.c) and repeated
 * with other thresholds (backtest_tune.c). */
#ifndef FA_LAB_BACKTEST_PARTS_H
#define FA_LAB_BACKTEST_PARTS_H

#include "lab/backtest.h"
#include "metrics/metrics.h"

/* Fills what the world shows; the report has its rules and people already. */
int fa_backtest_play(const struct fa_config *config, struct fa_history *history,
                     const struct fa_backtest_options *options, struct fa_backtest *report,
                     struct fa_err *err) FA_MUST_CHECK;
/* When the earliest sample of that time is. FA_ENOTFOUND. */
int fa_backtest_span(struct fa_history *history, const struct fa_backtest_options *options,
                     fa_time *ret_from, struct fa_err *err) FA_MUST_CHECK;
/* No rule reads any of it: FA_ENOTFOUND, with what there is and what is read. */
int fa_backtest_unread(const struct fa_backtest *report, struct fa_history *history,
                       struct fa_err *err);
/* An expression of the configuration with another threshold; the caller frees it before that. NULL:
 * that number cannot be replaced. */
struct fa_promql *fa_backtest_replace(const struct fa_config *config,
                                      const struct fa_promql *promql, double threshold);
/* Of a rule written as PromQL, which has no value while it does not fire: what its expression holds
 * against the threshold, from the history. */
void fa_backtest_values(struct fa_history *history, struct fa_backtest *report,
                        struct fa_backtest_rule *rule);
/* Fills tries of each rule that has a threshold. */
void fa_backtest_tune(const struct fa_config *config, struct fa_history *history,
                      const struct fa_backtest_options *options, struct fa_backtest *report);

#endif
