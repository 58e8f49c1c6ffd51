/* SPDX-License-Identifier: MIT */
/* Rules of any form tell whether what they read comes often enough for them. */
#include "fa_test.h"
#include "rules/promql.h"
#include "rules/rules.h"

#define T0 INT64_C(1700000000000)
#define S  FA_SECOND
#define M  FA_MINUTE
#define H  FA_HOUR
#define D  FA_DAY

struct spell { /* so many times, so far apart */
    unsigned count;
    fa_time every;
};

struct scene {
    const char *what, *expr; /* NULL: the short form, of the newest sample, one label set each q */
    unsigned series;
    struct spell spells[4];
    enum fa_feed_pace pace;
    fa_time interval;
};

static const struct scene scenes[] = {
    {"nothing came", "m > 1", 1, {{0, 0}}, FA_PACE_ENOUGH, 0},
    {"two samples say nothing yet", "m > 1", 1, {{2, D}}, FA_PACE_ENOUGH, 0},
    {"a look-back of 5 min, often", "m > 1", 1, {{20, M}}, FA_PACE_ENOUGH, M},
    {"just often enough", "m > 1", 1, {{20, 5 * M}}, FA_PACE_ENOUGH, 5 * M},
    {"a look-back of 5 min, too seldom", "m > 1", 1, {{3, 10 * M}}, FA_PACE_SELDOM, 10 * M},
    {"a KPI once a day", "m > 1", 1, {{3, D}}, FA_PACE_SELDOM, D},
    {"the short form", NULL, 1, {{4, 10 * M}}, FA_PACE_SELDOM, 10 * M},
    {"of very many label sets", NULL, 500, {{4, 10 * M}}, FA_PACE_SELDOM, 10 * M},
    {"of very many that come often", NULL, 500, {{4, M}}, FA_PACE_ENOUGH, M},
    {"what it was a while ago", "m offset 1d > 1", 1, {{4, 10 * M}}, FA_PACE_SELDOM, 10 * M},
    {"never two in the range", "rate(m[5m]) > 1", 1, {{4, 10 * M}}, FA_PACE_NEVER, 10 * M},
    {"not if they lie that far apart", "rate(m[5m]) > 1", 1, {{4, 5 * M}}, FA_PACE_NEVER, 5 * M},
    {"sometimes two in the range", "delta(m[5m]) > 1", 1, {{4, 4 * M}}, FA_PACE_SELDOM, 4 * M},
    {"twice in the range", "rate(m[5m]) > 1", 1, {{9, 150 * S}}, FA_PACE_ENOUGH, 150 * S},
    {"one is enough for a mean",
     "avg_over_time(m[5m]) > 1",
     1,
     {{9, 5 * M}},
     FA_PACE_ENOUGH,
     5 * M},
    {"and is not there", "avg_over_time(m[5m]) > 1", 1, {{9, 10 * M}}, FA_PACE_SELDOM, 10 * M},
    {"over days, of a KPI", "increase(m[12h]) > 1", 1, {{4, D}}, FA_PACE_NEVER, D},
    {"over a week, of a KPI", "increase(m[7d]) > 1", 1, {{4, D}}, FA_PACE_ENOUGH, D},
    {"an aggregate", "sum by (q) (rate(m[5m])) > 1", 200, {{4, 10 * M}}, FA_PACE_NEVER, 10 * M},
    {"an aggregate of all", "avg(m) > 1", 200, {{4, 10 * M}}, FA_PACE_SELDOM, 10 * M},
    {"a join", "m / on (q) group_left () (m + 1) > 0", 9, {{4, 7 * M}}, FA_PACE_SELDOM, 7 * M},
    {"steps find it again",
     "max_over_time(m[1h:1m]) > 1",
     1,
     {{4, 50 * M}},
     FA_PACE_ENOUGH,
     50 * M},
    {"steps do not reach", "max_over_time(m[1h:1m]) > 1", 1, {{4, 2 * H}}, FA_PACE_SELDOM, 2 * H},
    {"a rate at steps",
     "max_over_time(rate(m[5m])[1h:1m]) > 1",
     1,
     {{9, 4 * M}},
     FA_PACE_ENOUGH,
     4 * M},
    {"that is never one",
     "max_over_time(rate(m[5m])[1h:1m]) > 1",
     1,
     {{9, 5 * M}},
     FA_PACE_NEVER,
     5 * M},
    {"an outage of what comes often",
     "m > 1",
     1,
     {{200, 30 * S}, {1, 7 * H}, {2, 30 * S}},
     FA_PACE_ENOUGH,
     30 * S},
    {"before and after it too seldom",
     "m > 1",
     1,
     {{20, 10 * M}, {1, 7 * H}, {2, 10 * M}},
     FA_PACE_SELDOM,
     10 * M},
    {"it came often once", "m > 1", 1, {{300, 30 * S}, {20, 10 * M}}, FA_PACE_SELDOM, 10 * M},
    {"it comes often now", "m > 1", 1, {{20, 10 * M}, {300, 30 * S}}, FA_PACE_ENOUGH, 30 * S},
    {"it stopped", "m > 1", 1, {{200, 30 * S}, {0, 0}}, FA_PACE_ENOUGH, 30 * S},
};

static void say(void *ctx, const struct fa_signal *signal)
{
    (void)ctx;
    (void)signal;
}

static fa_time play(const struct scene *scene, struct fa_metrics *metrics, struct fa_rules *rules,
                    fa_time now)
{
    struct fa_feed *feed = fa_metrics_feed(metrics, "f");
    fa_rules_run(rules, (struct fa_now){now, now}, say, NULL);
    for (size_t spell = 0; spell < 4; spell++) {
        for (unsigned n = 0; n < scene->spells[spell].count; n++) {
            now += scene->spells[spell].every;
            for (unsigned i = 0; i < scene->series; i++) {
                char q[16];
                int len = snprintf(q, sizeof q, "%u", i);
                struct fa_label label = {FA_STR("q"), {q, (size_t)len}};
                uint64_t handle =
                    fa_metrics_define(feed, FA_KIND_GAUGE, label.value, FA_STR("m"), &label, 1);
                double value = n;
                fa_metrics_push(feed, (struct fa_now){now, now}, &handle, &value, NULL, NULL, 1);
            }
            fa_rules_run(rules, (struct fa_now){now, now}, say, NULL);
        }
    }
    return now;
}

/* interval below 0: any. */
static void check_scene(const struct scene *scene)
{
    static char name[] = "r", metric[] = "m", q[] = "q", *per[] = {q};
    struct fa_err err;
    struct fa_promql *expr = NULL;
    struct fa_metrics *metrics = fa_metrics_new(NULL);
    struct fa_rule rule = {.name = name};
    if (scene->expr != NULL) {
        assert_int_equal(fa_promql_parse(fa_str_of(scene->expr), &expr, &err), 0);
        rule.query = (struct fa_query_rule){
            .text = name, .expr = expr, .settle = S, .every = 15 * S, .look_back = 5 * M};
    } else {
        rule.metric = (struct fa_metric_rule){.metric = metric,
                                              .look_back = 5 * M,
                                              .per = per,
                                              .per_count = 1,
                                              .has_above = true,
                                              .above = 1000};
    }
    struct fa_rules *rules = fa_rules_new((const struct fa_rule *[]){&rule}, 1, metrics);
    (void)play(scene, metrics, rules, T0);
    struct fa_rule_feed feed;
    struct fa_buf selector;
    fa_buf_init(&selector, 1000);
    assert_true(fa_rules_feed(rules, "r", 0, &feed, &selector));
    assert_string_equal(fa_buf_text(&selector), "m");
    if ((feed.interval != scene->interval && scene->interval >= 0) ||
        fa_rule_feed_pace(&feed, feed.interval) != scene->pace) {
        fail_msg("%s: %lld, %d", scene->what, (long long)feed.interval,
                 (int)fa_rule_feed_pace(&feed, feed.interval));
    }
    assert_false(fa_rules_feed(rules, "r", 1, &feed, &selector));
    fa_buf_done(&selector);
    fa_rules_free(rules);
    fa_metrics_free(metrics);
    fa_promql_free(expr);
}

static void what_comes_too_seldom_for_a_rule_is_seen(void **state)
{
    for (size_t i = 0; i < sizeof scenes / sizeof scenes[0]; i++) {
        check_scene(&scenes[i]);
    }
}

static void an_outage_at_any_time_is_no_interval(void **state)
{
    for (unsigned before = 125; before < 500; before += 7) {
        for (unsigned after = 0; after < 4; after++) {
            check_scene(&(struct scene){"an outage",
                                        "m > 1",
                                        1,
                                        {{before, 30 * S}, {1, 7 * H}, {after, 30 * S}},
                                        FA_PACE_ENOUGH,
                                        -1});
        }
    }
}

static void what_may_find_nothing_is_left_out(void **state)
{
    static const struct {
        const char *expr;
        size_t feeds;
    } cases[] = {
        {"absent(m)", 0}, {"m unless n", 1}, {"m or n", 2}, {"absent_over_time(m[5m])", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        static char name[] = "r";
        struct fa_err err;
        struct fa_rule rule = {.name = name, .query = {.text = name, .look_back = 5 * M}};
        struct fa_metrics *metrics = fa_metrics_new(NULL);
        assert_int_equal(fa_promql_parse(fa_str_of(cases[i].expr), &rule.query.expr, &err), 0);
        struct fa_rules *rules = fa_rules_new((const struct fa_rule *[]){&rule}, 1, metrics);
        struct fa_rule_feed feed;
        struct fa_buf selector;
        fa_buf_init(&selector, 1000);
        size_t count = 0;
        while (fa_rules_feed(rules, "r", count, &feed, &selector)) {
            count++;
        }
        assert_int_equal(count, cases[i].feeds);
        assert_false(fa_rules_feed(rules, "nobody", 0, &feed, &selector));
        fa_buf_done(&selector);
        fa_rules_free(rules);
        fa_metrics_free(metrics);
        fa_promql_free(rule.query.expr);
    }
}

/* A reload or a start: what came before it came long ago. */
static void the_time_in_which_nobody_listened_is_no_interval(void **state)
{
    static char name[] = "r", metric[] = "m";
    const struct fa_rule rule = {
        .name = name,
        .metric = {.metric = metric, .look_back = 5 * M, .has_above = true, .above = 1e6}};
    const struct fa_rule *const list[] = {&rule};
    const struct scene scene = {.series = 3, .spells = {{3, 30 * S}}};
    struct fa_metrics *metrics = fa_metrics_new(NULL);
    struct fa_rules *rules = fa_rules_new(list, 1, metrics);
    struct fa_rule_feed feed;
    struct fa_buf selector;
    fa_buf_init(&selector, 1000);
    fa_time now = play(&scene, metrics, rules, T0);
    struct fa_rules *next = fa_rules_new(list, 1, metrics);
    fa_rules_free(rules);
    (void)play(&scene, metrics, next, now + 9 * H);
    assert_true(fa_rules_feed(next, "r", 0, &feed, &selector));
    assert_int_equal(feed.interval, 30 * S);
    fa_buf_done(&selector);
    fa_rules_free(next);
    fa_metrics_free(metrics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_comes_too_seldom_for_a_rule_is_seen),
        cmocka_unit_test(an_outage_at_any_time_is_no_interval),
        cmocka_unit_test(what_may_find_nothing_is_left_out),
        cmocka_unit_test(the_time_in_which_nobody_listened_is_no_interval),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
