/* SPDX-License-Identifier: MIT */
/* From a number to a level: thresholds, hysteresis, cover by data. One pure function. */
#ifndef FA_RULES_LEVEL_H
#define FA_RULES_LEVEL_H

#include "rules/signal.h"

struct fa_level_input {
    bool has_value;
    double value;
    bool covered; /* data are there since the window's beginning */
    bool fresh;   /* the newest sample is young enough to speak for now */
    bool held;    /* it fired and has not cleared since */
    bool growing; /* no sample in the window is negative: a sum can only grow until covered */
};

/* Does the take read a window that must be covered by data? */
bool fa_level_needs_cover(const struct fa_metric_rule *rule);
enum fa_level fa_level_decide(const struct fa_metric_rule *rule,
                              const struct fa_level_input *input);
/* Is `value` further past its threshold than `than`? */
bool fa_level_is_worse(const struct fa_metric_rule *rule, double value, double than);

#endif
