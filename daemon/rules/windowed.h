/* SPDX-License-Identifier: MIT */
/* An expression over the daemon's own windows, for tools that ask what it would have seen: watches
 * what the expression reads, and evaluates it when asked. */
#ifndef FA_RULES_WINDOWED_H
#define FA_RULES_WINDOWED_H

#include "metrics/metrics.h"
#include "rules/query.h"

struct fa_windowed;

/* promql: one that fa_plan_check() allows. Both are borrowed and must outlive it. */
struct fa_windowed *fa_windowed_new(const struct fa_promql *promql, fa_time look_back,
                                    struct fa_metrics *metrics);
void fa_windowed_free(struct fa_windowed *windowed); /* accepts NULL */
/* As fa_query_run(), of what was pushed to the metrics so far. */
int fa_windowed_run(struct fa_windowed *windowed, fa_time now, struct fa_query **ret_query,
                    struct fa_query_value *ret_value, struct fa_err *err) FA_MUST_CHECK;

#endif
