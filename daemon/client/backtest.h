/* SPDX-License-Identifier: MIT */
/* The parts of `firealarm backtest` around the play: which configuration, and what is shown. */
#ifndef FA_CLIENT_BACKTEST_H
#define FA_CLIENT_BACKTEST_H

#include "client/client.h"
#include "lab/backtest.h"

/* The configuration that RULES is, or is tried with: `with`, or one near to it. *ret_only: the file
 * whose rules are meant (borrowed from rules), NULL: all. Faults are said; then FA_EINVAL. */
int fa_backtest_config(struct fa_client *client, const char *rules, const char *with,
                       const char **ret_only, struct fa_config **ret_config,
                       struct fa_err *err) FA_MUST_CHECK;

void fa_backtest_print(struct fa_client *client, const struct fa_backtest *report,
                       const struct fa_backtest_options *opts);
void fa_backtest_print_json(struct fa_client *client, const struct fa_backtest *report,
                            const struct fa_backtest_options *opts);
void fa_backtest_svg(const struct fa_backtest *report, struct fa_buf *out);

#endif
