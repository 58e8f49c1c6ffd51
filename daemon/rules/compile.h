/* SPDX-License-Identifier: MIT */
/* The short form of a rule as PromQL. */
#ifndef FA_RULES_COMPILE_H
#define FA_RULES_COMPILE_H

#include "rules/promql.h"
#include "rules/rule.h"

/* The number of a metric rule as a tree; thresholds are not in it, so that a value on the quiet
 * side is told from no value. The tree borrows the rule's texts. Never NULL. */
struct fa_promql *fa_compile(const struct fa_metric_rule *rule);

#endif
