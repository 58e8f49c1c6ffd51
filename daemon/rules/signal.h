/* SPDX-License-Identifier: MIT */
/* What rules/ tells alarms/: the truth of one rule for one label set. `for`, acknowledgements and
 * escalation are the engine's; hysteresis (clear_below) is already in the level. */
#ifndef FA_RULES_SIGNAL_H
#define FA_RULES_SIGNAL_H

#include "rules/rule.h"

enum fa_level {
    FA_LEVEL_UNKNOWN, /* no data, too few samples or still warming: never "ok" */
    FA_LEVEL_CLEAR,
    FA_LEVEL_FIRING,
    FA_LEVEL__COUNT
};

/* What rules/ wants kept with an alarm that alerts of other systems raised. */
struct fa_source {
    const char *details;     /* texts of the alert, as canonical labels; fields of the summary */
    const uint64_t *members; /* the alerts behind it, for fa_foreign_restore */
    size_t member_count;
};

/* Emitted when the level of a label set changes, and for a firing one when its value worsened. */
struct fa_signal {
    const struct fa_rule *rule;
    const char *labels; /* canonical: name="value",... sorted by name, values escaped as in
                           Prometheus text; "" for none. Borrowed until the call returns */
    enum fa_level level;
    double value;  /* NaN when unknown */
    fa_time since; /* wall: the sample that made it so */
    int worse;     /* firing: 1: higher values are worse, -1: lower ones, 0: not known */
    const struct fa_source *source; /* of a rule over alerts; else NULL. Borrowed as labels are */
};

typedef void fa_signal_fn(void *ctx, const struct fa_signal *signal);

/* What a rule has seen lately, beside its levels. */
struct fa_rule_seen {
    const struct fa_rule *rule;
    fa_time heard;    /* wall: the last sample of what it reads came; 0: none known */
    uint32_t near;    /* how often a number came within a tenth of the threshold and no further */
    uint32_t nearest; /* of these: in thousandths of the threshold */
};

#endif
