/* SPDX-License-Identifier: MIT */
/* A rule as configured: what config/ builds and proves, what rules/ plans and alarms/ escalates.
 * Immutable once built; owned by the configuration, borrowed by everybody else. */
#ifndef FA_RULES_RULE_H
#define FA_RULES_RULE_H

#include "base/time.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The short form's `take`: how the samples of the window become one number. */
enum fa_take {
    FA_TAKE_LAST,
    FA_TAKE_AVG,
    FA_TAKE_MIN,
    FA_TAKE_MAX,
    FA_TAKE_SUM,
    FA_TAKE_COUNT,
    FA_TAKE_RATE,     /* increase per second */
    FA_TAKE_INCREASE, /* of a cumulative series, resets corrected */
    FA_TAKE_SHARE,    /* sum of 0/1 samples by their count, 0..1 */
    FA_TAKE_QUANTILE, /* p50..p99; `quantile` says which */
    FA_TAKE__COUNT
};

/* A label that the series must carry. */
struct fa_rule_match {
    char *name, *value;
};

struct fa_metric_rule {
    char *metric;
    struct fa_rule_match *matches; /* `where`; may be empty */
    size_t match_count;
    enum fa_take take;
    double quantile;   /* 0..1 for FA_TAKE_QUANTILE */
    uint64_t at_least; /* samples in the window; fewer: unknown. 0: no limit */
    fa_time over;      /* window; 0 with FA_TAKE_LAST: the newest sample within look_back */
    fa_time look_back; /* how old the newest sample may be */
    char **per;        /* labels that tell one alarm from another */
    size_t per_count;
    bool has_above, has_below, has_clear_below, has_clear_above;
    double above, below;             /* fires when the number is past it */
    double clear_below, clear_above; /* clears only past it; without: when it no longer fires */
    fa_time absent; /* > 0: fires when no sample came for so long, instead of a comparison */
};

struct fa_promql;

/* A rule written as PromQL: it fires for each label set that the expression yields. With an
 * incident pattern the expression is the rule's second condition: signals of it raise nothing, see
 * alarms/condition.c. */
struct fa_query_rule {
    char *text;
    char *clear_text;        /* NULL: clears when the expression yields the label set no longer */
    struct fa_promql *expr;  /* owned; NULL: the rule is not of this kind */
    struct fa_promql *clear; /* owned; may be NULL */
    fa_time settle;          /* what aggregates or joins is evaluated so long after a change */
    fa_time every;           /* what moves by itself is evaluated so often */
    fa_time look_back;       /* how old the newest sample may be */
};

struct fa_incident_rule {
    char **categories; /* `value` is expanded to its violations by config/ */
    size_t category_count;
    char **per; /* "customer" is the only field in the short form */
    size_t per_count;
    uint32_t count;              /* filings needed, >= 1 */
    uint32_t distinct_reporters; /* people needed, >= 1 */
    fa_time within;              /* 0: no limit on their age */
};

/* Alerts that other systems send; see foreign.h. */
struct fa_alert_rule {
    struct fa_rule_match *matches; /* `where`; a name that comes twice has either value */
    size_t match_count;
    char **per; /* labels that tell one alarm from another; none: all */
    size_t per_count;
};

struct fa_rule {
    char *name, *category, *severity, *policy;
    char *summary;  /* template, see text/template.h */
    char *expect;   /* what is expected of the reader; may be NULL */
    fa_time for_ms; /* the condition must hold so long */
    enum fa_measure for_measure;
    char *calendar;    /* that for_measure counts by; may be NULL */
    uint32_t hits, of; /* it fires when it held at so many of the last `of` samples; 0: at once */
    fa_time keep_firing_for;    /* it clears when it is over for so long */
    bool latched;               /* stays until a person closes it */
    bool shadow;                /* evaluated and journalled, tells nobody */
    bool is_incident, is_alert; /* neither: over a metric */
    struct fa_metric_rule metric;
    struct fa_query_rule query;
    struct fa_incident_rule incident;
    struct fa_alert_rule alert;
    char *file; /* where it was written, for messages */
    uint32_t line;
};

#endif
