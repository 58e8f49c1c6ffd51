/* SPDX-License-Identifier: MIT */
/* A rule and its label sets as they are shown, also while they are being decided on. */
#include "fa_test.h"
#include "base/panic.h"
#include "rules/promql.h"
#include "rules/rules.h"

#include <math.h>

#define T0 INT64_C(1700000000000)

struct world {
    struct fa_metrics *metrics;
    struct fa_feed *feed;
    struct fa_rules *rules;
    struct fa_rule rule[2];
    const struct fa_rule *pointers[2];
    struct fa_promql *expr;
    fa_time now;
    bool asks; /* while it is told */
    char said[1024], parts[1024];
    struct fa_buf empty, reason;
};

static void note_part(void *ctx, const struct fa_explained *part)
{
    struct world *w = ctx;
    size_t len = strlen(w->parts);
    snprintf(w->parts + len, sizeof w->parts - len, "%s=%.6g;", part->text, part->value);
}

static void say(void *ctx, const struct fa_signal *signal)
{
    struct world *w = ctx;
    struct fa_rule_look look;
    size_t len = strlen(w->said);
    snprintf(w->said + len, sizeof w->said - len, "%s %d %.6g %d;", signal->labels,
             (int)signal->level, signal->value, signal->worse);
    if (w->asks) {
        assert_true(fa_rules_look(w->rules, signal->rule->name, signal->labels, &look, &w->empty,
                                  &w->reason));
        assert_int_equal(look.status.level, signal->level);
        assert_int_equal(
            fa_rules_explain(w->rules, signal->rule->name, signal->labels, note_part, w), 0);
    }
}

static void begin(struct world *w, const char *expr)
{
    static char r0[] = "b-short", r1[] = "a-expr", metric[] = "m", per[] = "h";
    static char *labels[] = {per};
    struct fa_err err;
    memset(w, 0, sizeof *w);
    w->rule[0] = (struct fa_rule){.name = r0,
                                  .metric = {.metric = metric,
                                             .per = labels,
                                             .per_count = 1,
                                             .has_above = true,
                                             .above = 10,
                                             .has_clear_below = true,
                                             .clear_below = 5}};
    assert_int_equal(fa_promql_parse(fa_str_of(expr), &w->expr, &err), 0);
    w->rule[1] = (struct fa_rule){.name = r1,
                                  .query = {.text = (char *)(uintptr_t)expr,
                                            .expr = w->expr,
                                            .settle = FA_SECOND,
                                            .every = 15 * FA_SECOND}};
    w->pointers[0] = &w->rule[0];
    w->pointers[1] = &w->rule[1];
    w->metrics = fa_metrics_new(NULL);
    w->feed = fa_metrics_feed(w->metrics, "test");
    w->rules = fa_rules_new(w->pointers, 2, w->metrics);
    w->now = T0;
    fa_buf_init(&w->empty, 4096);
    fa_buf_init(&w->reason, 4096);
}

static void end(struct world *w)
{
    fa_rules_free(w->rules);
    fa_metrics_free(w->metrics);
    fa_promql_free(w->expr);
    fa_buf_done(&w->empty);
    fa_buf_done(&w->reason);
}

static void run(struct world *w)
{
    fa_rules_run(w->rules, (struct fa_now){.mono = w->now - T0, .wall = w->now}, say, w);
}

static void put(struct world *w, const char *metric, const char *label, double value)
{
    char raw[64];
    struct fa_label item = {FA_STR("h"), fa_str_of(label)};
    int64_t time = w->now;
    snprintf(raw, sizeof raw, "%s|%s", metric, label);
    uint64_t handle = fa_metrics_key(w->feed, FA_KIND_GAUGE, fa_str_of(raw));
    if (handle == FA_HANDLE_MISS) {
        handle =
            fa_metrics_define(w->feed, FA_KIND_GAUGE, fa_str_of(raw), fa_str_of(metric), &item, 1);
    }
    fa_metrics_push(w->feed, (struct fa_now){.mono = w->now - T0, .wall = w->now}, &handle, &value,
                    NULL, &time, 1);
}

struct points {
    struct fa_point list[600];
    size_t count, series;
};

static void take_points(void *ctx, const struct fa_point *points, size_t count, bool more)
{
    struct points *all = ctx;
    for (size_t i = 0; i < count; i++) {
        all->list[all->count++] = points[i];
    }
    all->series += !more;
}

static void a_label_set_shows_its_limits_and_the_samples_that_it_reads(void **state)
{
    static struct points points;
    struct world w;
    struct fa_rule_look look;
    begin(&w, "avg_over_time(m[10m]) > 4");
    for (int i = 0; i < 300; i++) {
        w.now = T0 + i * FA_SECOND;
        put(&w, "m", "x", i);
    }
    run(&w);
    assert_true(fa_rules_look(w.rules, "a-expr", "h=\"x\"", &look, &w.empty, &w.reason));
    assert_true(look.has_above && look.above == 4 && !look.has_below && !look.is_whole);
    assert_true(look.over == 10 * FA_MINUTE && look.look_back == 5 * FA_MINUTE);
    assert_double_near(look.status.value, 149.5, 1e-9);
    assert_int_equal(w.empty.len + w.reason.len, 0);
    memset(&points, 0, sizeof points);
    fa_rules_points(w.rules, "a-expr", "h=\"x\"", take_points, &points);
    assert_int_equal(points.count, 300);
    assert_int_equal(points.series, 1);
    for (size_t i = 0; i < 300; i++) {
        assert_true(points.list[i].value == (double)i);
    }
    assert_true(fa_rules_look(w.rules, "b-short", "h=\"x\"", &look, &w.empty, &w.reason));
    assert_true(look.above == 10 && look.has_clear_below && look.clear_below == 5);
    assert_int_equal(look.over, 0);
    assert_false(fa_rules_look(w.rules, "b-short", "h=\"y\"", &look, &w.empty, &w.reason));
    assert_false(fa_rules_look(w.rules, "none", "h=\"x\"", &look, &w.empty, &w.reason));
    memset(&points, 0, sizeof points);
    fa_rules_points(w.rules, "none", "h=\"x\"", take_points, &points);
    assert_int_equal(points.count, 0);
    end(&w);
}

static void a_limit_is_shown_as_it_was_written(void **state)
{
    static const struct {
        const char *expr;
        bool above, or_equal;
        double limit;
    } rows[] = {
        {"m >= 0", true, true, 0},
        {"m <= 0", false, true, 0},
        {"5 <= m", true, true, 5},
        {"m > 0", true, false, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world w;
        struct fa_rule_look look;
        begin(&w, rows[i].expr);
        put(&w, "m", "x", rows[i].limit);
        run(&w);
        assert_true(fa_rules_look(w.rules, "a-expr", "h=\"x\"", &look, &w.empty, &w.reason));
        assert_int_equal(look.has_above, rows[i].above);
        assert_int_equal(look.or_equal, rows[i].or_equal);
        assert_true((rows[i].above ? look.above : look.below) == rows[i].limit);
        assert_int_equal(look.status.level == FA_LEVEL_FIRING, rows[i].or_equal);
        end(&w);
    }
}

static void what_no_series_ever_matched_is_named(void **state)
{
    static const struct {
        const char *expr, *unfed; /* after samples of m and of n */
    } rows[] = {
        {"m > 1", NULL},
        {"mm > 1", "mm"},
        {"m{h=\"y\"} > 1", "m{h=\"y\"}"},
        {"rate(m[5m]) > 1", NULL},
        {"m / on (h) nn > 1", "nn"},
        {"sum(m) + sum(n) > 1", NULL},
        {"m unless nn", NULL},
        {"absent(nn)", NULL},
        {"topk(1, nn) > 1", "nn"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world w;
        struct fa_buf selector;
        fa_buf_init(&selector, 1000);
        begin(&w, rows[i].expr);
        put(&w, "m", "x", 1);
        put(&w, "n", "x", 1);
        for (int turn = 0; turn < 2; turn++) { /* taken, and at rest */
            run(&w);
            assert_int_equal(fa_rules_unfed(w.rules, "a-expr", &selector), rows[i].unfed != NULL);
            w.now += 2 * FA_SECOND;
        }
        assert_true(rows[i].unfed == NULL || strstr(fa_buf_text(&selector), rows[i].unfed) != NULL);
        assert_false(fa_rules_unfed(w.rules, "none", &selector));
        fa_buf_done(&selector);
        end(&w);
    }
}

static void one_that_is_evaluated_whole_says_which_selector_is_empty(void **state)
{
    static struct points points;
    struct world w;
    struct fa_rule_look look;
    begin(&w, "m / on () group_left () sum(n) > 4");
    put(&w, "m", "x", 100);
    put(&w, "n", "y", 2);
    run(&w);
    w.now += 2 * FA_SECOND;
    run(&w);
    assert_contains(w.said, "h=\"x\" 2 50 0;");
    w.now += 4 * FA_MINUTE;
    put(&w, "m", "x", 100);
    w.now += 2 * FA_MINUTE;
    run(&w);
    w.now += 2 * FA_SECOND;
    run(&w);
    assert_true(fa_rules_look(w.rules, "a-expr", "h=\"x\"", &look, &w.empty, &w.reason));
    assert_true(look.is_whole && look.status.level == FA_LEVEL_UNKNOWN);
    assert_string_equal(fa_buf_text(&w.empty), "n");
    memset(&points, 0, sizeof points);
    fa_rules_points(w.rules, "a-expr", "h=\"x\"", take_points, &points);
    assert_int_equal(points.count, 1);
    assert_true(points.list[0].value == 100 && look.series == 2);
    end(&w);
}

static void who_is_told_may_ask_and_changes_nothing(void **state)
{
    struct world w, silent;
    begin(&w, "avg_over_time(m[1m]) > 4");
    begin(&silent, "avg_over_time(m[1m]) > 4");
    w.asks = true;
    for (int i = 0; i < 40; i++) {
        put(&w, "m", "x", i % 17);
        put(&silent, "m", "x", i % 17);
        run(&w);
        run(&silent);
        w.now = silent.now = w.now + 7 * FA_SECOND;
    }
    assert_string_equal(w.said, silent.said);
    assert_contains(w.said, "h=\"x\" 2 16 1;");
    assert_contains(w.parts, "avg_over_time(m[1m])=");
    end(&w);
    end(&silent);
}

struct sets {
    char seen[256];
    size_t most;
};

static bool take_set(void *ctx, const struct fa_rule_status *status)
{
    struct sets *sets = ctx;
    size_t len = strlen(sets->seen);
    snprintf(sets->seen + len, sizeof sets->seen - len, "%s %d;", status->labels,
             (int)status->level);
    return --sets->most > 0;
}

static void label_sets_are_told_firing_first_and_as_many_as_are_wanted(void **state)
{
    struct world w;
    struct sets all = {.most = 10}, two = {.most = 2}, none = {.most = 10};
    begin(&w, "m > 1");
    put(&w, "m", "a", 1); /* at rest after the run, as is c */
    put(&w, "m", "b", 50);
    put(&w, "m", "c", 2);
    run(&w);
    fa_rules_each_of(w.rules, "b-short", take_set, &all);
    assert_contains(all.seen, "h=\"b\" 2;");
    assert_int_equal(strncmp(all.seen, "h=\"b\"", 5), 0);
    assert_contains(all.seen, "h=\"a\" 1;");
    assert_contains(all.seen, "h=\"c\" 1;");
    fa_rules_each_of(w.rules, "b-short", take_set, &two);
    assert_int_equal(two.most, 0);
    fa_rules_each_of(w.rules, "none", take_set, &none);
    assert_string_equal(none.seen, "");
    end(&w);
}

static void a_rule_is_told_as_it_was_written(void **state)
{
    struct world w;
    struct fa_buf text;
    fa_buf_init(&text, 4096);
    begin(&w, "m  >  1");
    assert_true(fa_rules_has(w.rules, "a-expr") && !fa_rules_has(w.rules, "c"));
    fa_rules_text(w.rules, "a-expr", false, &text);
    assert_string_equal(fa_buf_text(&text), "m  >  1");
    fa_buf_clear(&text);
    fa_rules_text(w.rules, "a-expr", true, &text);
    assert_string_equal(fa_buf_text(&text), "m > 1");
    fa_buf_clear(&text);
    fa_rules_text(w.rules, "b-short", false, &text);
    assert_contains(fa_buf_text(&text), "m");
    fa_buf_clear(&text);
    fa_rules_text(w.rules, "none", false, &text);
    assert_int_equal(text.len, 0);
    fa_buf_done(&text);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_label_set_shows_its_limits_and_the_samples_that_it_reads),
        cmocka_unit_test(a_limit_is_shown_as_it_was_written),
        cmocka_unit_test(what_no_series_ever_matched_is_named),
        cmocka_unit_test(one_that_is_evaluated_whole_says_which_selector_is_empty),
        cmocka_unit_test(who_is_told_may_ask_and_changes_nothing),
        cmocka_unit_test(label_sets_are_told_firing_first_and_as_many_as_are_wanted),
        cmocka_unit_test(a_rule_is_told_as_it_was_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
