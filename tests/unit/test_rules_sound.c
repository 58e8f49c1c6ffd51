/* SPDX-License-Identifier: MIT */
/* What is said of an expression before any sample came: each mistake in words, and nothing of what
 * is sound. */
#include "fa_test.h"
#include "rules/sound.h"

struct told {
    char text[1024];
    unsigned errors, warnings;
};

static void on_finding(void *ctx, const struct fa_sound_finding *finding)
{
    struct told *told = ctx;
    size_t len = strlen(told->text);
    told->errors += finding->is_error;
    told->warnings += !finding->is_error;
    assert_non_null(finding->node);
    snprintf(told->text + len, sizeof told->text - len, "%s%s", len > 0 ? "\n" : "", finding->text);
}

static struct told look(const char *text)
{
    struct told told = {.errors = 0};
    struct fa_promql *promql = NULL;
    struct fa_err err;
    if (fa_promql_parse(fa_str_of(text), &promql, &err) != 0) {
        fail_msg("\"%s\" is refused at column %u: %s", text, err.col, err.text);
    }
    fa_sound(promql, on_finding, &told);
    fa_promql_free(promql);
    return told;
}

static void assert_told(const char *text, unsigned errors, unsigned warnings, const char *words)
{
    struct told told = look(text);
    if (told.errors != errors || told.warnings != warnings || strstr(told.text, words) == NULL) {
        fail_msg("\"%s\": %u errors and %u warnings, wanted %u and %u with \"%s\":\n%s", text,
                 told.errors, told.warnings, errors, warnings, words, told.text);
    }
}

static void nothing_is_said_of_what_is_sound(void **state)
{
    static const char *const texts[] = {
        "x > 5",
        "absent(x) == 1",
        "count(up == 0) > 0",
        "sum by (job) (count(up == 0) > 0) >= 1",
        "x != 5",
        "5 < x",
        "count(x) > 3",
        "absent(x{job=\"a\"})",
        "absent(x) or y > 2",
        "sum by (queue) (rate(a[5m])) / sum by (queue) (rate(b[5m])) > 0.02",
        "sum(a) / sum(b) > 0.5",
        "a / on (queue) group_left sum by (queue) (b) > 0.5",
        "a / b > 2",
        "rate(a_total[5m]) > 0",
        "hour() >= 8 and on () hour() < 18",
        "x > 3 and x < 5",
        "x > 5 and y < 3",
        "x > 5 or x < 3",
        "histogram_quantile(0.9, sum by (le) (rate(b_bucket[5m]))) > 2",
        "quantile_over_time(0.99, x[5m]) > 3",
        "clamp_max(x, 10) > 9",
        "x{a=\"1\", a=~\"1|2\"} > 1",
        "x unless on (host) y",
        "sum by (a) (x) and on (a) y{a=~\".+\"}",
        "label_replace(x, \"b\", \"$1\", \"a\", \"(.*)\") * on (b) y{b=\"2\"} > 1",
        "-x < -5",
        "sum(rate(a[5m])) / sum(rate(b[5m])) * 100 > 150",
        "stddev(x) / avg(x) > 1.5",
        "topk(3, x)",
        "x % 2 == 1",
        "time() - last_backup > 86400",
        "scalar(x) < y",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_told(texts[i], 0, 0, "");
    }
}

static void a_comparison_that_cannot_hold_is_an_error(void **state)
{
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"count(x) == 0", "use absent(...)"},
        {"count by (job) (x) < 1", "its left side is at least 1"},
        {"count_over_time(x[5m]) == 0", "use absent_over_time(...)"},
        {"0 > count(x)", "its right side is at least 1"},
        {"abs(x) < 0", "its left side is at least 0"},
        {"x > 5 < 3", "its left side is at least 5"},
        {"(x < 3) * 2 > 6", "its left side is at most 6"},
        {"(x < 3) + 1 > 4", "is at most 4"},
        {"10 - (x > 3) > 7", "is at most 7"},
        {"hour() > 23", "its left side is between 0 and 23"},
        {"day_of_week() == 7", "between 0 and 6"},
        {"clamp(x, 0, 1) > 1", "between 0 and 1"},
        {"clamp_max(x, 5) > 5", "is at most 5"},
        {"clamp_min(x, 5) < 5", "is at least 5"},
        {"changes(x[1h]) < 0", "is at least 0"},
        {"sum(abs(x)) < 0", "is at least 0"},
        {"sum(count by (a) (x)) < 1", "is at least 1"},
        {"floor(clamp_max(x, 5.5)) > 5.5", "is at most 5"},
        {"max(x > 10) <= 10", "is never true"},
        {"group(x) != 1", "is always 1"},
        {"-abs(x) > 0", "is at most"},
        {"x > 5 and x < 5", "contradict each other"},
        {"x > 5 and x < 3", "contradict each other"},
        {"(x > 5) and ((x) < 3)", "contradict each other"},
        {"sum by (a) (x) > 5 and sum by (a) (x) < 3", "contradict each other"},
        {"quantile_over_time(95, x[5m]) > 2", "90 % is 0.9"},
        {"quantile(90, x) > 2", "a quantile of 90"},
        {"histogram_quantile(99, b) > 2", "a quantile of 99"},
        {"histogram_quantile(0.9, sum by (job) (rate(h_bucket[5m]))) > 1", "lost the label le"},
        {"histogram_fraction(0, 1, h{le=\"\"}) > 0.5", "lost the label le"},
        {"x{a=\"1\", a=\"2\"} > 1", "finds no series"},
        {"x{a=\"1\", a!=\"1\"} > 1", "finds no series"},
        {"x{a=\"1\", a=~\"2.*\"} > 1", "finds no series"},
        {"{__name__=\"x\", __name__!~\"x|y\"} > 1", "finds no series"},
        {"x{a=\"1\"} / y{a=\"2\"} > 1", "never agree in label a"},
        {"x{a=\"1\"} and sum by (b) (y) > 1", "never agree in label a"},
        {"x{a!=\"\"} / ignoring (b) sum by (c) (y) > 1", "never agree in label a"},
        {"count_values by (c) (\"v\", x) and sum by (c) (y)", "never agree in label v"},
        {"x / on (a) y{a=\"\"} > 1 and x{a=\"q\"} / on (a) y{a=\"\"} > 1",
         "never agree in label a"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct told told = look(cases[i].text);
        if (told.errors != 1 || strstr(told.text, cases[i].words) == NULL) {
            fail_msg("\"%s\": %u errors, wanted one with \"%s\":\n%s", cases[i].text, told.errors,
                     cases[i].words, told.text);
        }
    }
}

static void what_is_likely_a_mistake_is_a_warning(void **state)
{
    assert_told("rate(x[5m]) < 0", 0, 1, "is never true");
    assert_told("abs(x) >= 0 and x > 1", 0, 0, "");
    assert_told("count(x) >= 1", 0, 1, "is always true");
    assert_told("count(x) > 0", 0, 1, "is always true");
    assert_told("count(x) != 0", 0, 1, "is always true");
    assert_told("x > bool 5", 0, 1, "leave out bool");
    assert_told("count(x) > bool -1", 0, 2, "is always true");
    assert_told("count(x) == bool 0", 0, 2, "is never true");
    assert_told("sum(x) + 1", 0, 1, "has no comparison");
    assert_told("errors_total > 5", 0, 1, "increase(errors_total[...])");
    assert_told("sum by (queue) (a) / sum(b) > 1", 0, 1, "only where label queue is empty");
    assert_told("a / sum(b) > 1", 0, 1, "series on its left");
    assert_told("sum by (c) (a) > b", 0, 1, "series on its right");
    assert_told("x > 1 unless y{a=\"1\"} == 2 unless x{a=\"2\"}", 0, 0, "");
    assert_told("x{a=\"1\"} unless y{a=\"2\"}", 0, 1, "takes nothing away");
}

static void a_finding_is_told_once(void **state)
{
    assert_told("sum(count(x) == 0) > 5 and y > 3", 1, 0, "count(x) == 0 is never true");
    assert_told("absent(count(x) == 0)", 1, 0, "count(x) == 0 is never true");
    assert_told("(count(x) == 0) or y > 5", 1, 0, "count(x) == 0 is never true");
    assert_told("x{a=\"1\",a=\"2\"} > count(x)", 1, 0, "finds no series");
}

static struct told look_at_clear(const char *text, const char *clear_text)
{
    struct told told = {.errors = 0};
    struct fa_promql *promql = NULL, *clear = NULL;
    struct fa_err err;
    assert_int_equal(fa_promql_parse(fa_str_of(text), &promql, &err), 0);
    assert_int_equal(fa_promql_parse(fa_str_of(clear_text), &clear, &err), 0);
    fa_sound_clear(promql, clear, on_finding, &told);
    fa_promql_free(promql);
    fa_promql_free(clear);
    return told;
}

static void what_clears_lies_on_the_other_side_of_the_threshold(void **state)
{
    static const struct {
        const char *expr, *clear;
        unsigned errors;
    } cases[] = {
        {"x > 5", "x < 7", 1},     {"x > 5", "x < 5", 0},
        {"x > 5", "x <= 5", 0},    {"x >= 5", "x <= 5", 1},
        {"x > 5", "(x) < (3)", 0}, {"x < 5", "x > 3", 1},
        {"x < 5", "x >= 5", 0},    {"x > 5", "x > 9", 1},
        {"x > 5", "y < 7", 0},     {"sum by (a) (x) > 5", "sum by (a) (x) < 7", 1},
        {"x == 1", "x != 1", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct told told = look_at_clear(cases[i].expr, cases[i].clear);
        if (told.errors != cases[i].errors) {
            fail_msg("%s, cleared by %s: %u findings", cases[i].expr, cases[i].clear, told.errors);
        }
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_said_of_what_is_sound),
        cmocka_unit_test(a_comparison_that_cannot_hold_is_an_error),
        cmocka_unit_test(what_is_likely_a_mistake_is_a_warning),
        cmocka_unit_test(a_finding_is_told_once),
        cmocka_unit_test(what_clears_lies_on_the_other_side_of_the_threshold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
