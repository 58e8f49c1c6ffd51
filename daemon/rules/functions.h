/* SPDX-License-Identifier: MIT */
/* What PromQL's functions, operators and aggregations make of plain numbers: shared by the walk
 * over vectors (query.h) and the evaluation of one label set (eval.h). */
#ifndef FA_RULES_FUNCTIONS_H
#define FA_RULES_FUNCTIONS_H

#include "metrics/points.h"
#include "rules/promql.h"

/* *ret_keep: what a comparison says; its value is the left side. Not for set operators. */
double fa_op_compute(enum fa_promql_op op, double left, double right, bool *ret_keep);

/* abs(), round() and the like: one number from another and up to two parameters. */
bool fa_fn_is_element(enum fa_promql_fn fn);
double fa_fn_element(enum fa_promql_fn fn, double value, const double params[2]);
/* day_of_week() and the like, of seconds since 1970. */
bool fa_fn_is_date(enum fa_promql_fn fn);
double fa_fn_date(enum fa_promql_fn fn, double seconds);

/* A series' points in a window, without stale markers; at least one. */
struct fa_over_time {
    enum fa_promql_fn fn;
    const struct fa_point *points;
    size_t count;
    fa_time at, from, to; /* of the evaluation; the window (from, to] */
    double params[2];
    double *values; /* room for `count`; for fa_fn_needs_values() only */
};
bool fa_fn_needs_values(enum fa_promql_fn fn);
/* False: it says nothing, as of too few points. */
bool fa_fn_over_time(const struct fa_over_time *window, double *ret_value);

/* rate(), increase() and delta() from a window's ends. */
struct fa_ends {
    double first, change; /* the first value; what the last one is away from it, resets corrected */
    fa_time first_at, last_at, from, to;
    double count; /* points */
};
double fa_fn_extrapolated(const struct fa_ends *ends, enum fa_promql_fn fn);

/* One group of an aggregation. */
struct fa_accumulator {
    double value, c, mean; /* c: what the sum lost */
    double count;
    bool by_mean; /* the sum overflowed: the mean is kept instead */
};
/* The first value has count 0 before it. */
void fa_agg_add(enum fa_promql_agg agg, struct fa_accumulator *group, double value);
/* values: all of them, for quantile only; sorted in place. */
double fa_agg_end(enum fa_promql_agg agg, const struct fa_accumulator *group, double param,
                  double *values);

#endif
