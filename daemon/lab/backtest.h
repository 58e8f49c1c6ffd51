/* SPDX-License-Identifier: MIT */
/* What the rules and policies of a configuration would have done over samples of the past: they are
 * played through the virtual world, as fast as it goes. Nobody answers in it, unless `owned_after`
 * says that whoever is called owns the alarm so long after. */
#ifndef FA_LAB_BACKTEST_H
#define FA_LAB_BACKTEST_H

#include "config/config.h"
#include "lab/history.h"

struct fa_backtest_date {
    fa_time from, to; /* wall; of a day its beginning and end */
};

struct fa_backtest_options {
    fa_time from, to;    /* wall; what lies before and behind is left out. FA_NEVER: all */
    fa_time owned_after; /* FA_NEVER: nobody ever does */
    /* Minutes since midnight, 22:00 to 07:00 is {1320, 420}; and where midnight is: what to add to
     * UTC at a time. NULL: nothing. */
    uint32_t night_from, night_to;
    fa_time (*zone)(fa_time wall);
    const char *only_file;                /* rules of this file; NULL: all */
    const struct fa_backtest_date *known; /* what the company knows to have gone wrong, when */
    size_t known_count;
    fa_time within;   /* a firing so long before a known date is a sign of it */
    uint32_t columns; /* of plots; 0: none */
    bool tune;
    void (*progress)(void *ctx, double done); /* 0 to 1; may be NULL */
    void *ctx;
};

struct fa_backtest_firing {
    fa_time from, to; /* wall; to: of the last sample if it still fires */
    char *labels;     /* owned */
    bool open;        /* it fires at the end */
};

struct fa_backtest_step { /* people were called */
    fa_time at;
    uint32_t step, loop; /* from 1, from 0 */
    uint32_t people;
};

/* The rule with another threshold. */
struct fa_backtest_try {
    double threshold, clear; /* clear NaN: none */
    size_t fired;
    fa_time firing; /* in all */
    bool current;
};

struct fa_backtest_rule {
    const struct fa_rule *rule;         /* of the report's configuration */
    size_t label_sets;                  /* that fired */
    struct fa_backtest_firing *firings; /* owned; in order of their beginning */
    size_t firing_count, firing_cap;
    fa_time median, longest, total;
    uint32_t calls, calls_at_night, messages; /* messages: what else they were told */
    struct fa_backtest_step *steps;           /* owned */
    size_t step_count, step_cap;
    /* The value of the label set nearest to firing, by time; NaN where there is none. */
    double *values;                /* owned; `columns` of them */
    struct fa_backtest_try *tries; /* owned */
    size_t try_count;
};

struct fa_backtest_person {
    const char *name; /* of the configuration */
    uint32_t calls, at_night;
};

/* The first rule that fired before (or at) a known date, and each other that did. */
struct fa_backtest_known {
    struct fa_backtest_date date;
    struct fa_backtest_sign {
        const struct fa_rule *rule;
        fa_time at; /* when it began to fire */
    } * signs;      /* owned; earliest first */
    size_t sign_count;
};

struct fa_backtest {
    struct fa_backtest_rule *rules;
    size_t rule_count;
    struct fa_backtest_person *people; /* most called first; those who were never are left out */
    size_t person_count;
    struct fa_backtest_known *known;
    size_t known_count;
    fa_time from, to; /* of the samples played */
    size_t series, samples;
    uint32_t columns;
};

/* config is borrowed and must outlive the report. FA_ENOTFOUND: no sample lies in that time, or no
 * rule reads any of the series (err names some of both); FA_EINVAL: the world broke one of its own
 * rules, a bug. */
int fa_backtest(const struct fa_config *config, struct fa_history *history,
                const struct fa_backtest_options *options, struct fa_backtest **ret_report,
                struct fa_err *err) FA_MUST_CHECK;
void fa_backtest_free(struct fa_backtest *report); /* accepts NULL */

/* What the configuration's rules read, as PromQL selectors without a range, each once. */
void fa_backtest_selectors(const struct fa_config *config,
                           void (*fn)(void *ctx, const char *selector), void *ctx);
/* The threshold of a rule, above first; false: it has none. */
bool fa_backtest_threshold(const struct fa_rule *rule, double *ret_threshold, bool *ret_is_above);

#endif
