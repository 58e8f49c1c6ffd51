/* SPDX-License-Identifier: MIT */
/* The value of a PromQL expression at a time, with the meaning of Prometheus 3.5: ranges are open
 * on the left, names are dropped by what computes, two results of one label set are an error.
 * Samples come from a source, so the same walk serves a file, a replay and the daemon's own series.
 * Everything here is pure: the same source, expression and time give the same value. */
#ifndef FA_RULES_QUERY_H
#define FA_RULES_QUERY_H

#include "metrics/labels.h"
#include "metrics/points.h"
#include "rules/promql.h"

/* A series that a selector found: the source's own handle. */
typedef int fa_query_found_fn(void *ctx, const struct fa_labels *labels, void *series);

struct fa_query_fold {
    enum fa_promql_fn fn;
    double param; /* of a quantile */
    fa_time from, to;
};
struct fa_query_folded {
    bool any; /* there is a value */
    double value;
    const char *refused; /* why the function has no value of these samples; NULL: it has */
};

struct fa_query_source {
    void *ctx;
    /* Calls found() for every series that all matchers select, in the order of fa_labels_cmp();
     * labels hold __name__ and stay until the evaluation ends. What found() returns, if not 0, ends
     * the walk and is returned. */
    int (*select)(void *ctx, const struct fa_promql_matcher *matchers, size_t count,
                  fa_query_found_fn *found, void *found_ctx);
    /* The points with from < at <= to, oldest first, stale markers among them. Borrowed until the
     * evaluation ends. */
    size_t (*read)(void *ctx, void *series, fa_time from, fa_time to,
                   const struct fa_point **ret_points);
    /* What a function is of the range (from, to], where the source has better than points. False:
     * it has not; *ret is zeros before. NULL: it never has. */
    bool (*fold)(void *ctx, void *series, const struct fa_query_fold *fold,
                 struct fa_query_folded *ret);
};

struct fa_query_params {
    fa_time at;
    fa_time look_back; /* how old the newest sample may be; FA_LOOK_BACK in Prometheus */
    fa_time every;     /* the step of a subquery that names none; a minute in Prometheus */
    size_t bytes_max;  /* memory of the evaluation */
    size_t steps_max;  /* values computed and points read */
};
/* As Prometheus has them by default, at that time, with limits that a person's query keeps. */
struct fa_query_params fa_query_defaults(fa_time at);

struct fa_query_sample {
    const struct fa_labels *labels;
    double value;
    fa_time at; /* of the sample that a selector found; else of the evaluation */
};

struct fa_query_series {
    const struct fa_labels *labels;
    const struct fa_point *points;
    size_t count;
    void *series; /* the source's; NULL: of a subquery */
};

struct fa_query_value {
    enum fa_promql_type type;
    double number;
    struct fa_str text;
    struct fa_query_sample *samples; /* an instant vector */
    struct fa_query_series *series;  /* a range vector */
    size_t count;                    /* of either */
};

struct fa_query;

/* Evaluates. The value is borrowed until fa_query_free(). FA_EINVAL: the data do not allow it (two
 * series match where one may); FA_ETOOBIG: a limit was reached; err->col is the place in the text.
 */
int fa_query_run(const struct fa_promql *promql, const struct fa_query_source *source,
                 const struct fa_query_params *params, struct fa_query **ret_query,
                 struct fa_query_value *ret_value, struct fa_err *err) FA_MUST_CHECK;
void fa_query_free(struct fa_query *query); /* accepts NULL */

bool fa_promql_matches(const struct fa_promql_matcher *matcher, const struct fa_labels *labels);
/* Order of label sets: name, value, name, value, ...; fewer labels first. */
int fa_labels_cmp(const struct fa_labels *a, const struct fa_labels *b);
uint64_t fa_labels_hash(const struct fa_labels *labels);

/* The marker of a series that ended; it is a NaN and never the value of anything. */
double fa_stale_marker(void);
bool fa_is_stale(double value);

#define FA_NUMBER_TEXT_SIZE 400
/* The shortest text that reads back as the same number, as Prometheus writes it: "NaN", "+Inf",
 * "-Inf", no exponent. With exponents: for numbers below 1e-6 and from 1e21 on, as in its JSON. */
const char *fa_number_format(double value, bool exponents, char buf[FA_NUMBER_TEXT_SIZE]);
/* A number as Prometheus text and `le` labels write it: with a plus, as Inf or as NaN too, in any
 * case of letters. */
int fa_number_parse(struct fa_str text, double *ret_value) FA_MUST_CHECK;

#endif
