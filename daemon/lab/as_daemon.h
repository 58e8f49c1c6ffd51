/* SPDX-License-Identifier: MIT */
/* An expression over samples of the past as the daemon would have kept them: sample by sample into
 * its windows, with their slots and limits, then evaluated over those. */
#ifndef FA_LAB_AS_DAEMON_H
#define FA_LAB_AS_DAEMON_H

#include "rules/query.h"

struct fa_as_daemon;

/* promql: one that fa_plan_check() allows; borrowed. Samples after `at` are not sent. */
struct fa_as_daemon *fa_as_daemon_new(const struct fa_promql *promql,
                                      const struct fa_query_source *source, fa_time at);
void fa_as_daemon_free(struct fa_as_daemon *self); /* accepts NULL */
/* As fa_query_run(); the query is freed before this is. */
int fa_as_daemon_run(struct fa_as_daemon *self, struct fa_query **ret_query,
                     struct fa_query_value *ret_value, struct fa_err *err) FA_MUST_CHECK;

#endif
