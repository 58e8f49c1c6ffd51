/* SPDX-License-Identifier: MIT */
/* An expression over the past as the daemon would have kept it: the same as the exact value where
 * windows lose nothing, and what slots cost where they do. */
#include "fa_test.h"
#include "lab/as_daemon.h"
#include "lab/history.h"
#include "rules/plan.h"

#define T0 INT64_C(1700000000000)

static struct fa_history *history_of(fa_time step, size_t count)
{
    struct fa_history *history = fa_history_new();
    struct fa_buf text;
    struct fa_err err;
    fa_buf_init(&text, SIZE_MAX);
    for (size_t i = 0; i < count; i++) {
        long long at = T0 + (long long)i * step;
        fa_buf_printf(&text, "c{h=\"a\"} %zu %lld\n", i % 70, at); /* resets */
        fa_buf_printf(&text, "c{h=\"b\"} %zu %lld\n", i * 3, at + 1000);
        fa_buf_printf(&text, "g{h=\"a\",k=\"x\"} %g %lld\n", (double)(i * 37 % 11) / 2, at);
    }
    assert_int_equal(fa_history_read(history, fa_buf_str(&text), "text", &err), 0);
    fa_buf_done(&text);
    return history;
}

/* Of the first element; NaN: none. */
static double first(const struct fa_query_value *value)
{
    return value->count > 0 ? value->samples[0].value : (double)NAN;
}

static void values_of(struct fa_history *history, const char *text, fa_time at, double ret[2])
{
    const struct fa_query_source *source = fa_history_source(history);
    struct fa_query_params params = fa_query_defaults(at);
    struct fa_promql *promql = NULL;
    struct fa_query *query = NULL;
    struct fa_query_value value;
    struct fa_err err;
    assert_int_equal(fa_promql_parse(fa_str_of(text), &promql, &err), 0);
    assert_int_equal(fa_plan_check(promql, &err), 0);
    assert_int_equal(fa_query_run(promql, source, &params, &query, &value, &err), 0);
    size_t count = value.count;
    ret[0] = first(&value);
    fa_query_free(query);
    struct fa_as_daemon *daemon = fa_as_daemon_new(promql, source, at);
    assert_int_equal(fa_as_daemon_run(daemon, &query, &value, &err), 0);
    assert_int_equal(value.count, count);
    ret[1] = first(&value);
    fa_query_free(query);
    fa_as_daemon_free(daemon);
    fa_promql_free(promql);
}

static void a_window_of_an_hour_at_most_loses_nothing(void **state)
{
    static const char *const exprs[] = {"c",
                                        "c > 5",
                                        "g{k=\"x\"} * 2",
                                        "rate(c[5m])",
                                        "increase(c{h=\"a\"}[1h])",
                                        "sum by (h) (rate(c[5m]))",
                                        "avg_over_time(g[10m])",
                                        "quantile_over_time(0.9, g[20m])",
                                        "stddev_over_time(g[30m])",
                                        "c offset 10m",
                                        "max_over_time(g[5m] offset 10m)",
                                        "max_over_time(rate(c[5m])[30m:1m])",
                                        "c * on (h) group_left g",
                                        "topk(1, c)",
                                        "absent(x)",
                                        "deriv(g[15m])",
                                        "predict_linear(c[10m], 3600)",
                                        "{__name__=~\"g|x\"}",
                                        "resets(c[1h])"};
    struct fa_history *history = history_of(15 * FA_SECOND, 400);
    for (size_t i = 0; i < sizeof exprs / sizeof exprs[0]; i++) {
        double values[2];
        values_of(history, exprs[i], T0 + 399 * 15 * FA_SECOND + 7000, values);
        if (!(fabs(values[0] - values[1]) <= 1e-9 * fabs(values[0]))) {
            fail_msg("%s: %.17g exactly, %.17g as the daemon", exprs[i], values[0], values[1]);
        }
    }
    fa_history_free(history);
}

/* The exact one lies between two samples, half apart; the sketch says one of them. */
static void a_sketch_is_near_the_exact_quantile(void **state)
{
    static const char *const exprs[] = {
        "sketch_quantile_over_time(0.9, g[20m])", "sketch_quantile_over_time(0.5, g[1h])",
        "max(sketch_quantile_over_time(0.99, g[50m]))", "sketch_quantile_over_time(2, g[20m])"};
    struct fa_history *history = history_of(15 * FA_SECOND, 400);
    for (size_t i = 0; i < sizeof exprs / sizeof exprs[0]; i++) {
        double values[2];
        values_of(history, exprs[i], T0 + 399 * 15 * FA_SECOND + 7000, values);
        bool same = isinf(values[0]) && isinf(values[1]);
        if (!same && !(fabs(values[0] - values[1]) <= 0.5 + 0.01 * fabs(values[0]))) {
            fail_msg("%s: %.17g exactly, %.17g as the daemon", exprs[i], values[0], values[1]);
        }
    }
    fa_history_free(history);
}

static void an_exact_quantile_of_a_thinned_window_is_refused(void **state)
{
    struct fa_history *history = history_of(200, 600); /* five samples a second */
    struct fa_promql *promql = NULL;
    struct fa_query *query = NULL;
    struct fa_query_value value;
    struct fa_err err;
    assert_int_equal(fa_promql_parse(FA_STR("1 + quantile_over_time(0.9, g[1m])"), &promql, &err),
                     0);
    struct fa_as_daemon *daemon =
        fa_as_daemon_new(promql, fa_history_source(history), T0 + 600 * 200);
    assert_int_equal(fa_as_daemon_run(daemon, &query, &value, &err), FA_EINVAL);
    assert_non_null(strstr(err.text, "only the newest is kept: use sketch_quantile_over_time"));
    assert_int_equal(err.col, 5);
    fa_as_daemon_free(daemon);
    fa_promql_free(promql);
    fa_history_free(history);
}

static void a_month_is_kept_in_slots_of_43_minutes(void **state)
{
    static const char *const exprs[] = {
        "increase(c{h=\"a\"}[30d])", "sum(increase(c[30d]))",
        "sum_over_time(g[30d])",     "count_over_time(c{h=\"a\"}[30d])",
        "max_over_time(g[30d])",     "sum(increase(c[20d] offset 5d)) by (h) or vector(1)"};
    struct fa_history *history = history_of(10 * FA_MINUTE, 6000);
    for (size_t i = 0; i < sizeof exprs / sizeof exprs[0]; i++) {
        double values[2];
        values_of(history, exprs[i], T0 + 5999 * 10 * FA_MINUTE + 7000, values);
        /* At most one slot's samples too many or too few. */
        if (!(fabs(values[0] - values[1]) <= 0.0015 * fabs(values[0]))) {
            fail_msg("%s: %.17g exactly, %.17g as the daemon", exprs[i], values[0], values[1]);
        }
    }
    fa_history_free(history);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_window_of_an_hour_at_most_loses_nothing),
        cmocka_unit_test(a_sketch_is_near_the_exact_quantile),
        cmocka_unit_test(an_exact_quantile_of_a_thinned_window_is_refused),
        cmocka_unit_test(a_month_is_kept_in_slots_of_43_minutes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
