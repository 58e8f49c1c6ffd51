/* SPDX-License-Identifier: MIT */
/* links: fa_config */
/* A backtest says what the daemon would have done: how often, how long, who, at night, and what was
 * seen in time. */
#include "fa_test.h"

#include "lab/backtest.h"

#include <inttypes.h>
#include <math.h>

#define DAY0 INT64_C(1767571200000) /* 2026-01-05T00:00:00Z */

static const char FIRM[] =
    "company = \"A\";\n"
    "people = ( { name = \"coo\"; channels = ( { channel = \"mail\"; address = \"c@x\"; } ); },\n"
    "  { name = \"ceo\"; channels = ( { channel = \"mail\"; address = \"e@x\"; } ); },\n"
    "  { name = \"ruth\"; independent = true; channels = ( { channel = \"mail\"; address = \"r@x\"; "
    "} ); },\n"
    "  { name = \"leo\"; independent = true; channels = ( { channel = \"mail\"; address = \"l@x\"; } "
    "); } );\n"
    "channels = ( { name = \"mail\"; plugin = \"email\"; } );\n"
    "policies = ( { name = \"up\"; steps = ( { targets = [ \"coo\" ]; wait = \"15m\"; },\n"
    "    { targets = [ \"ceo\" ]; wait = \"8h\"; } ); },\n"
    "  { name = \"operators\"; steps = ( { targets = [ \"coo\" ]; wait = \"8h\"; } ); } );\n"
    "categories = ( { name = \"service\"; title = \"Service\"; guidance = \"raise\"; severity = "
    "\"critical\"; policy = \"up\"; } );\n";

#define RULE(name, rest)                                                                           \
    "rules = ( { name = \"" name "\"; category = \"service\"; policy = \"up\"; metric = \"q\"; "   \
    "per = [ \"queue\" ]; " rest " } );\n"

static const char SLOW[] =
    RULE("slow", "above = 120.0; clear_below = 90.0; for = \"10m\"; summary = \"{value}\";");

static void on_fault(void *ctx, bool is_warning, const struct fa_err *err)
{
    if (!is_warning) {
        fail_msg("%s", err->text);
    }
}

static struct fa_config *make_config(const char *rules)
{
    struct fa_config *config = NULL;
    struct fa_buf text;
    fa_buf_init(&text, 65536);
    fa_buf_printf(&text, "%s%s", FIRM, rules);
    assert_int_equal(fa_config_parse("x", fa_buf_str(&text), NULL, on_fault, NULL, &config), 0);
    fa_buf_done(&text);
    return config;
}

/* A day of minutes at 100, and 150 from minute to minute (both included). */
static void add_day(struct fa_history *history, const char *queue, unsigned day, unsigned from,
                    unsigned to)
{
    struct fa_label labels[] = {{FA_STR("__name__"), FA_STR("q")},
                                {FA_STR("queue"), fa_str_of(queue)}};
    size_t series = fa_history_add(history, labels, 2);
    for (unsigned minute = 0; minute < 1440; minute++) {
        bool bad = minute >= from && minute <= to;
        fa_history_append(
            history, series,
            (struct fa_point){DAY0 + day * FA_DAY + minute * FA_MINUTE, bad             ? 150
                                                                        : minute == 777 ? 50
                                                                                        : 80});
    }
}

static const struct fa_backtest_options PLAIN = {.from = FA_NEVER,
                                                 .to = FA_NEVER,
                                                 .owned_after = FA_NEVER,
                                                 .night_from = 22 * 60,
                                                 .night_to = 7 * 60,
                                                 .within = 3 * FA_DAY,
                                                 .columns = 100};

static struct fa_backtest *play(struct fa_config *config, struct fa_history *history,
                                const struct fa_backtest_options *options)
{
    struct fa_backtest *report = NULL;
    struct fa_err err;
    if (fa_backtest(config, history, options, &report, &err) != 0) {
        fail_msg("%s", err.text);
    }
    return report;
}

/* Fires on the second day in the night for an hour, on the fourth for 20 minutes at noon. */
static struct fa_history *two_firings(void)
{
    struct fa_history *history = fa_history_new();
    add_day(history, "north", 0, 9999, 0);
    add_day(history, "north", 1, 120, 189);
    add_day(history, "north", 2, 500, 505);
    add_day(history, "north", 3, 720, 749);
    add_day(history, "south", 3, 9999, 0);
    return history;
}

static uint32_t calls_of(const struct fa_backtest *report, const char *name)
{
    for (size_t i = 0; i < report->person_count; i++) {
        if (strcmp(report->people[i].name, name) == 0) {
            return report->people[i].calls;
        }
    }
    return 0;
}

static void firings_calls_and_nights_are_counted(void **state)
{
    struct fa_config *config = make_config(SLOW);
    struct fa_history *history = two_firings();
    struct fa_backtest *report = play(config, history, &PLAIN);
    const struct fa_backtest_rule *rule = &report->rules[0];
    assert_int_equal(report->rule_count, 1);
    assert_int_equal(report->series, 2);
    assert_int_equal(report->samples, 5 * 1440);
    assert_int_equal(rule->firing_count, 2);
    assert_int_equal(rule->label_sets, 1);
    assert_string_equal(rule->firings[0].labels, "queue=\"north\"");
    /* Raised when `for` is over, ended by the first sample that is well. */
    assert_int_equal(rule->firings[0].from, DAY0 + FA_DAY + 130 * FA_MINUTE);
    assert_int_equal(rule->firings[0].to, DAY0 + FA_DAY + 190 * FA_MINUTE);
    assert_int_equal(rule->firings[1].from, DAY0 + 3 * FA_DAY + 730 * FA_MINUTE);
    assert_int_equal(rule->longest, FA_HOUR);
    assert_int_equal(rule->median, 20 * FA_MINUTE);
    assert_int_equal(rule->total, 80 * FA_MINUTE);
    assert_false(rule->firings[1].open);
    /* coo and, 15 minutes later, ceo each time; and a day after the first that nobody owned it. */
    assert_true(rule->calls >= 4);
    assert_true(calls_of(report, "coo") >= 2 && calls_of(report, "ceo") >= 2);
    assert_true(rule->calls_at_night >= 2 && rule->calls_at_night < rule->calls);
    assert_int_equal(rule->steps[0].at, rule->firings[0].from);
    assert_int_equal(rule->steps[1].at, rule->firings[0].from + 15 * FA_MINUTE);
    assert_int_equal(rule->steps[1].step, 2);
    fa_backtest_free(report);
    fa_history_free(history);
    fa_config_free(config);
}

static fa_time far_east(fa_time wall)
{
    return 9 * FA_HOUR;
}

static void who_owns_it_is_called_once_and_night_is_where_people_are(void **state)
{
    struct fa_config *config = make_config(SLOW);
    struct fa_history *history = two_firings();
    struct fa_backtest_options options = PLAIN;
    options.owned_after = 5 * FA_MINUTE;
    options.zone = far_east;
    struct fa_backtest *report = play(config, history, &options);
    assert_int_equal(report->rules[0].firing_count, 2);
    assert_int_equal(report->rules[0].calls, 2);
    assert_int_equal(calls_of(report, "coo"), 2);
    assert_int_equal(calls_of(report, "ceo"), 0);
    assert_int_equal(report->rules[0].calls_at_night, 0); /* 02:10 is 11:10 there, 12:10 is 21:10 */
    fa_backtest_free(report);
    fa_history_free(history);
    fa_config_free(config);
}

static void a_sign_is_what_fired_within_the_time_before_a_date(void **state)
{
    struct fa_config *config = make_config(SLOW);
    struct fa_history *history = two_firings();
    struct fa_backtest_options options = PLAIN;
    const struct fa_backtest_date known[] = {
        {DAY0 + 2 * FA_DAY, DAY0 + 3 * FA_DAY - 1}, /* a day after the first */
        {DAY0 + FA_DAY + 100 * FA_MINUTE, DAY0 + FA_DAY + 100 * FA_MINUTE}, /* just before it */
        {DAY0 + 3 * FA_DAY, DAY0 + 4 * FA_DAY - 1}, /* the day of the second */
    };
    options.known = known;
    options.known_count = 3;
    options.within = FA_DAY;
    struct fa_backtest *report = play(config, history, &options);
    assert_int_equal(report->known[0].sign_count, 1);
    assert_int_equal(report->known[0].signs[0].at, report->rules[0].firings[0].from);
    assert_int_equal(report->known[1].sign_count, 0);
    assert_int_equal(report->known[2].sign_count, 1);
    assert_int_equal(report->known[2].signs[0].at, report->rules[0].firings[1].from);
    fa_backtest_free(report);
    fa_history_free(history);
    fa_config_free(config);
}

static void other_thresholds_fire_more_or_less_often(void **state)
{
    static const struct {
        double threshold;
        size_t fired;
    } wanted[] = {{60, 8}, {72, 8}, {84, 3}, {120, 2}, {150, 0}, {360, 0}};
    struct fa_config *config = make_config(SLOW);
    struct fa_history *history = two_firings();
    struct fa_backtest_options options = PLAIN;
    options.tune = true;
    struct fa_backtest *report = play(config, history, &options);
    const struct fa_backtest_rule *rule = &report->rules[0];
    size_t found = 0;
    for (size_t i = 0; i < rule->try_count; i++) {
        const struct fa_backtest_try *one = &rule->tries[i];
        if (one->current) {
            assert_double_near(one->threshold, 120, 0);
            assert_int_equal(one->fired, rule->firing_count);
            assert_int_equal(one->firing, rule->total);
        }
        for (size_t w = 0; w < sizeof wanted / sizeof wanted[0]; w++) {
            if (fabs(one->threshold - wanted[w].threshold) < 1e-9) {
                if (wanted[w].threshold > 80) {
                    assert_int_equal(one->fired, wanted[w].fired);
                } else {
                    assert_true(one->fired >= 2);
                }
                found++;
            }
        }
    }
    assert_int_equal(found, sizeof wanted / sizeof wanted[0]);
    fa_backtest_free(report);
    fa_history_free(history);
    fa_config_free(config);
}

static void missing_data_end_no_firing(void **state)
{
    struct fa_config *config = make_config(SLOW);
    struct fa_history *history = fa_history_new();
    add_day(history, "north", 0, 1380, 1439);
    add_day(history, "south", 0, 9999, 0);
    add_day(history, "south", 1, 9999, 0);
    struct fa_backtest *report = play(config, history, &PLAIN);
    assert_int_equal(report->rules[0].firing_count, 1);
    assert_true(report->rules[0].firings[0].open);
    assert_int_equal(report->rules[0].firings[0].to, report->to);
    fa_backtest_free(report);
    fa_history_free(history);
    fa_config_free(config);
}

static void a_plot_holds_the_worst_of_all_label_sets(void **state)
{
    struct fa_config *config = make_config(SLOW);
    struct fa_history *history = two_firings();
    struct fa_backtest *report = play(config, history, &PLAIN);
    size_t high = 0;
    for (uint32_t i = 0; i < report->columns; i++) {
        high += report->rules[0].values[i] == 150;
        assert_true(report->rules[0].values[i] > 0);
    }
    assert_true(high >= 2 && high < 10);
    fa_backtest_free(report);
    fa_history_free(history);
    fa_config_free(config);
}

static void only_the_time_asked_for_is_played(void **state)
{
    struct fa_config *config = make_config(SLOW);
    struct fa_history *history = two_firings();
    struct fa_backtest_options options = PLAIN;
    struct fa_backtest *report = NULL;
    struct fa_err err;
    options.from = DAY0 + 2 * FA_DAY;
    report = play(config, history, &options);
    assert_int_equal(report->rules[0].firing_count, 1);
    assert_int_equal(report->from, options.from);
    fa_backtest_free(report);
    options.to = options.from + 10;
    options.from += 5;
    assert_int_equal(fa_backtest(config, history, &options, &report, &err), FA_ENOTFOUND);
    assert_contains(err.text, "there is no sample in that time");
    fa_history_free(history);
    fa_config_free(config);
}

static void what_no_rule_reads_is_said(void **state)
{
    struct fa_config *config = make_config(SLOW);
    struct fa_history *history = fa_history_new();
    struct fa_backtest *report = NULL;
    struct fa_err err;
    assert_int_equal(fa_history_read(history, FA_STR("other 1 1767571200000\n"), "x", &err), 0);
    assert_int_equal(fa_backtest(config, history, &PLAIN, &report, &err), FA_ENOTFOUND);
    assert_contains(err.text, "no rule reads any of it; rules read: q; there is: other");
    fa_history_free(history);
    fa_config_free(config);
}

static void remember(void *ctx, const char *selector)
{
    struct fa_buf *buf = ctx;
    fa_buf_printf(buf, "%s\n", selector);
}

static void a_server_is_asked_for_each_selector_once(void **state)
{
    struct fa_config *config = make_config(
        "rules = ( { name = \"a\"; category = \"service\"; policy = \"up\"; metric = \"q\"; above = 1.0; "
        "where = { site = \"x\\\"y\"; }; },\n"
        "{ name = \"b\"; category = \"service\"; policy = \"up\"; metric = \"q\"; above = 2.0; },\n"
        "{ name = \"c\"; category = \"service\"; policy = \"up\"; metric = \"q\"; above = 3.0; },\n"
        "{ name = \"d\"; category = \"service\"; policy = \"up\"; look_back = \"2d\"; expr = \"sum(increase("
        "lost{shop=~\\\"o.*\\\",\\\"a b\\\"!=\\\"\\\"}[1h])) / sum(active offset 1d) > 0.02\"; } );\n");
    struct fa_buf buf;
    fa_buf_init(&buf, 4096);
    fa_backtest_selectors(config, remember, &buf);
    assert_string_equal(fa_buf_text(&buf), "{site=\"x\\\"y\",__name__=\"q\"}\n"
                                           "{__name__=\"q\"}\n"
                                           "{shop=~\"o.*\",\"a b\"!=\"\",__name__=\"lost\"}\n"
                                           "{__name__=\"active\"}\n");
    fa_buf_done(&buf);
    fa_config_free(config);
}

#define QUERY(name, expr)                                                                          \
    "rules = ( { name = \"" name "\"; category = \"service\"; policy = \"up\"; for = \"10m\"; "    \
    "expr = \"" expr "\"; } );\n"

static void rules_in_promql_are_played_tuned_and_drawn(void **state)
{
    struct fa_config *config = make_config(QUERY("slow", "avg_over_time(q[3m]) > 120"));
    struct fa_history *history = two_firings();
    struct fa_backtest_options options = PLAIN;
    options.tune = true;
    struct fa_backtest *report = play(config, history, &options);
    const struct fa_backtest_rule *rule = &report->rules[0];
    size_t high = 0, low = 0;
    assert_int_equal(rule->firing_count, 2);
    assert_string_equal(rule->firings[0].labels, "queue=\"north\"");
    /* Two of three minutes make it, and two of three end it. */
    assert_int_equal(rule->firings[0].from, DAY0 + FA_DAY + 131 * FA_MINUTE);
    assert_int_equal(rule->firings[0].to, DAY0 + FA_DAY + 191 * FA_MINUTE);
    assert_true(rule->calls >= 4);
    for (uint32_t i = 0; i < report->columns; i++) {
        high += rule->values[i] > 140;
        low += rule->values[i] >= 80 && rule->values[i] <= 81;
    }
    assert_true(high >= 2 && high < 10 && low > 80);
    assert_int_equal(rule->try_count, 11);
    for (size_t i = 0; i < rule->try_count; i++) {
        assert_int_equal(rule->tries[i].current, rule->tries[i].threshold == 120);
        if (rule->tries[i].threshold >= 84 && rule->tries[i].threshold < 149) {
            assert_int_equal(rule->tries[i].fired, 2);
        } else if (rule->tries[i].threshold > 150) {
            assert_int_equal(rule->tries[i].fired, 0);
        }
    }
    fa_backtest_free(report);
    fa_history_free(history);
    fa_config_free(config);
}

static void what_is_tuned_now_is_what_the_rule_says(void **state)
{
    struct fa_config *config =
        make_config("define = ( { name = \"mean\"; expr = \"avg_over_time(q[3m])\"; } );\n" QUERY(
            "slow", "mean > 120"));
    struct fa_history *history = two_firings();
    struct fa_backtest_options options = PLAIN;
    options.tune = true;
    struct fa_backtest *report = play(config, history, &options);
    const struct fa_backtest_rule *rule = &report->rules[0];
    assert_int_equal(rule->firing_count, 2);
    assert_int_equal(rule->try_count, 11);
    for (size_t i = 0; i < rule->try_count; i++) {
        assert_true(!rule->tries[i].current || rule->tries[i].fired == 2);
    }
    fa_backtest_free(report);
    fa_history_free(history);
    fa_config_free(config);
}

static void the_threshold_is_found_in_the_expression(void **state)
{
    static const struct {
        const char *rules;
        bool has, above;
        double threshold;
    } rows[] = {
        {QUERY("a", "q > 5"), true, true, 5},
        {QUERY("a", "(q >= bool 5) > 0"), true, true, 0},
        {QUERY("a", "5 > q"), true, false, 5},
        {QUERY("a", "((q) <= (2.5))"), true, false, 2.5},
        {QUERY("a", "q > 5 and q < 9"), false, false, 0},
        {QUERY("a", "q > q offset 1h"), false, false, 0},
        {QUERY("a", "q == 5"), false, false, 0},
        {QUERY("a", "absent(q)"), false, false, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fa_config *config = make_config(rows[i].rules);
        double threshold = 0;
        bool above = false;
        assert_int_equal(fa_backtest_threshold(config->rules[0], &threshold, &above), rows[i].has);
        assert_int_equal(above, rows[i].above);
        assert_double_near(threshold, rows[i].threshold, 0);
        fa_config_free(config);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(firings_calls_and_nights_are_counted),
        cmocka_unit_test(who_owns_it_is_called_once_and_night_is_where_people_are),
        cmocka_unit_test(a_sign_is_what_fired_within_the_time_before_a_date),
        cmocka_unit_test(other_thresholds_fire_more_or_less_often),
        cmocka_unit_test(missing_data_end_no_firing),
        cmocka_unit_test(a_plot_holds_the_worst_of_all_label_sets),
        cmocka_unit_test(only_the_time_asked_for_is_played),
        cmocka_unit_test(what_no_rule_reads_is_said),
        cmocka_unit_test(rules_in_promql_are_played_tuned_and_drawn),
        cmocka_unit_test(what_is_tuned_now_is_what_the_rule_says),
        cmocka_unit_test(the_threshold_is_found_in_the_expression),
        cmocka_unit_test(a_server_is_asked_for_each_selector_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
