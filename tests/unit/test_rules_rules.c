/* SPDX-License-Identifier: MIT */
#include "fa_test.h"
#include "base/id.h"
#include "metrics/window.h"
#include "rules/compile.h"
#include "rules/level.h"
#include "rules/rules.h"

#define T0 INT64_C(1700000000000)

struct world {
    struct fa_metrics *metrics;
    struct fa_feed *feed;
    struct fa_rules *rules;
    fa_time now;
    char said[4096]; /* "LABELS LEVEL VALUE" of each signal, joined by "; " */
    fa_time since;   /* of the last */
};

static void say(void *ctx, const struct fa_signal *signal)
{
    static const char *const levels[] = {"unknown", "clear", "firing"};
    struct world *world = ctx;
    size_t len = strlen(world->said);
    snprintf(world->said + len, sizeof world->said - len, "%s%s%s%s", len > 0 ? "; " : "",
             signal->labels, signal->labels[0] != '\0' ? " " : "", levels[signal->level]);
    len = strlen(world->said);
    if (!isnan(signal->value)) {
        snprintf(world->said + len, sizeof world->said - len, " %g", signal->value);
    }
    assert_int_equal(isnan(signal->value), signal->level == FA_LEVEL_UNKNOWN);
    world->since = signal->since;
}

static void world_open(struct world *world, const struct fa_rule *const *rules, size_t count)
{
    memset(world, 0, sizeof *world);
    world->metrics = fa_metrics_new(NULL);
    world->feed = fa_metrics_feed(world->metrics, "test");
    world->rules = fa_rules_new(rules, count, world->metrics);
    world->now = T0;
}

static void world_close(struct world *world)
{
    fa_rules_free(world->rules);
    fa_metrics_free(world->metrics);
}

static void run(struct world *world)
{
    world->said[0] = '\0';
    struct fa_now now = {.mono = world->now - T0, .wall = world->now};
    fa_rules_run(world->rules, now, say, world);
}

/* labels as canonical text. */
static void put(struct world *world, enum fa_kind kind, const char *metric, const char *labels,
                double value, fa_time time)
{
    char raw[200];
    snprintf(raw, sizeof raw, "%s|%s", metric, labels);
    uint64_t handle = fa_metrics_key(world->feed, kind, fa_str_of(raw));
    if (handle == FA_HANDLE_MISS) {
        struct fa_labels *set = NULL;
        assert_int_equal(fa_labels_parse(fa_str_of(labels), &set), 0);
        handle = fa_metrics_define(world->feed, kind, fa_str_of(raw), fa_str_of(metric), set->items,
                                   set->count);
        fa_labels_free(set);
    }
    struct fa_now now = {.mono = world->now - T0, .wall = world->now};
    fa_metrics_push(world->feed, now, &handle, &value, NULL, &time, 1);
}

static void gauge(struct world *world, const char *labels, double value)
{
    put(world, FA_KIND_GAUGE, "m", labels, value, 0);
}

/* Lets time pass from one due moment to the next, collecting what is said. */
static void advance(struct world *world, fa_time by)
{
    fa_time until = world->now + by;
    struct fa_buf all;
    fa_time next;
    fa_buf_init(&all, sizeof world->said - 1);
    while ((next = fa_rules_next(world->rules)) <= until) {
        world->now = next > world->now ? next : world->now;
        run(world);
        if (world->said[0] != '\0') {
            fa_buf_puts(&all, all.len > 0 ? "; " : "");
            fa_buf_puts(&all, world->said);
        }
    }
    assert_false(all.over);
    world->now = until;
    memcpy(world->said, fa_buf_text(&all), all.len + 1);
    fa_buf_done(&all);
}

#define EXPECT(world, text) assert_string_equal((world)->said, text)

/* Warms a window of gauges of one label set: a sample a minute of this value for `span`. */
static void warm(struct world *world, const char *labels, double value, fa_time span)
{
    for (fa_time t = 0; t <= span; t += FA_MINUTE) {
        gauge(world, labels, value);
        run(world);
        world->now += FA_MINUTE;
    }
}

static void the_short_form_becomes_the_tree_of_its_words(void **state)
{
    char *per[] = {"queue", "site"};
    struct fa_rule_match where[] = {{"env", "pro\"d"}, {"x", ""}};
    const struct {
        struct fa_metric_rule rule;
        const char *text;
    } rows[] = {
        {{.take = FA_TAKE_LAST}, "newest(m)"},
        {{.take = FA_TAKE_LAST, .over = FA_HOUR}, "newest(last_over_time(m[1h]))"},
        {{.take = FA_TAKE_AVG, .over = 90000},
         "sum(sum_over_time(m[1m30s])) / sum(count_over_time(m[1m30s]))"},
        {{.take = FA_TAKE_SHARE, .over = FA_HOUR, .per = per, .per_count = 2},
         "sum by (queue, site) (sum_over_time(m[1h])) / "
         "sum by (queue, site) (count_over_time(m[1h]))"},
        {{.take = FA_TAKE_MIN, .over = FA_HOUR}, "min(min_over_time(m[1h]))"},
        {{.take = FA_TAKE_MAX, .over = FA_HOUR}, "max(max_over_time(m[1h]))"},
        {{.take = FA_TAKE_SUM, .over = FA_HOUR}, "sum(sum_over_time(m[1h]))"},
        {{.take = FA_TAKE_COUNT, .over = FA_HOUR}, "sum(count_over_time(m[1h]))"},
        {{.take = FA_TAKE_RATE, .over = FA_HOUR}, "sum(seen_rate(m[1h]))"},
        {{.take = FA_TAKE_INCREASE, .over = FA_HOUR}, "sum(seen_increase(m[1h]))"},
        {{.take = FA_TAKE_QUANTILE, .quantile = .9, .over = FA_HOUR, .per = per, .per_count = 1},
         "sketch_quantile by (queue) (0.9, sketch_over_time(m[1h]))"},
        {{.take = FA_TAKE_MAX, .over = FA_HOUR, .at_least = 20},
         "max(max_over_time(m[1h])) and sum(samples_over_time(m[1h])) >= 20"},
        {{.take = FA_TAKE_LAST, .matches = where, .match_count = 2},
         "newest(m{env=\"pro\\\"d\", x=\"\"})"},
        {{.take = FA_TAKE_MAX, .absent = FA_HOUR}, "newest(m)"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fa_metric_rule rule = rows[i].rule;
        struct fa_buf buf;
        rule.metric = "m";
        fa_buf_init(&buf, 1000);
        struct fa_promql *promql = fa_compile(&rule);
        fa_promql_format(promql->root, &buf);
        assert_string_equal(fa_buf_text(&buf), rows[i].text);
        fa_promql_free(promql);
        fa_buf_done(&buf);
    }
}

/* --- every take over a population, against all samples ------------------------------------ */

#define SERIES 6
#define OBS    150

struct obs {
    int series;
    fa_time at;
    double value, increase;
    bool has_increase;
};

static const char *const LABELS[SERIES] = {
    "host=\"1\",q=\"a\"", "host=\"2\",q=\"a\"", "host=\"3\",q=\"a\"",
    "host=\"1\",q=\"b\"", "host=\"2\",q=\"b\"", "host=\"1\"",
};
static const char *const GROUPS[] = {"q=\"a\"", "q=\"b\"", ""};

static int group_of(int series)
{
    return series < 3 ? 0 : series < 5 ? 1 : 2;
}

static bool inside(const struct obs *all, size_t n, const struct obs *one, fa_time width,
                   fa_time edge)
{
    for (size_t i = 0; i < n; i++) {
        if (all[i].series == one->series && all[i].at / width == one->at / width &&
            all[i].at > edge) {
            return true;
        }
    }
    return false;
}

static int by_value(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static double reference(const struct fa_metric_rule *rule, const struct obs *all, size_t n,
                        int group, fa_time now)
{
    static double values[OBS];
    fa_time over = rule->take == FA_TAKE_LAST ? rule->look_back : rule->over;
    fa_time width =
        rule->take == FA_TAKE_LAST ? 1 : fa_window_width(over, rule->take == FA_TAKE_QUANTILE);
    size_t count = 0;
    double sum = 0, increase = 0, last = NAN;
    fa_time last_at = INT64_MIN;
    bool has_increase = false;
    for (size_t i = 0; i < n; i++) {
        if (group_of(all[i].series) == group && inside(all, n, &all[i], width, now - over)) {
            values[count++] = all[i].value;
            sum += all[i].value;
            increase += all[i].increase;
            has_increase = has_increase || all[i].has_increase;
            if (all[i].at > last_at || (all[i].at == last_at && all[i].value > last)) {
                last_at = all[i].at;
                last = all[i].value;
            }
        }
    }
    if (count == 0 || count < rule->at_least) {
        return NAN;
    }
    qsort(values, count, sizeof values[0], by_value);
    switch (rule->take) {
    case FA_TAKE_LAST:
        return last;
    case FA_TAKE_AVG:
    case FA_TAKE_SHARE:
        return sum / (double)count;
    case FA_TAKE_MIN:
        return values[0];
    case FA_TAKE_MAX:
        return values[count - 1];
    case FA_TAKE_SUM:
        return sum;
    case FA_TAKE_COUNT:
        return (double)count;
    case FA_TAKE_RATE:
        return has_increase ? increase / ((double)over / 1000) : NAN;
    case FA_TAKE_INCREASE:
        return has_increase ? increase : NAN;
    case FA_TAKE_QUANTILE: {
        size_t rank = (size_t)ceil(rule->quantile * (double)count - 1e-9);
        return values[rank > 0 ? rank - 1 : 0];
    }
    case FA_TAKE__COUNT:
        break;
    }
    return NAN;
}

struct values {
    double group[3];
};

static void note_value(void *ctx, const struct fa_rule_status *status)
{
    struct values *values = ctx;
    for (int i = 0; i < 3; i++) {
        if (strcmp(status->labels, GROUPS[i]) == 0) {
            values->group[i] = status->value;
            return;
        }
    }
    fail_msg("a label set that is none: %s", status->labels);
}

static void check_values(struct world *world, const struct fa_rule *rule, const struct obs *all,
                         size_t n, const char *what)
{
    struct values got = {{NAN, NAN, NAN}};
    fa_rules_each(world->rules, note_value, &got);
    for (int i = 0; i < 3; i++) {
        double want = reference(&rule->metric, all, n, i, world->now);
        double slack = rule->metric.take == FA_TAKE_QUANTILE ? fabs(want) * 0.0101 : 1e-6;
        if (isnan(want) ? !isnan(got.group[i]) : !(fabs(got.group[i] - want) <= slack)) {
            fail_msg("take %d, %s, group %d, sample %zu: %.17g is not %.17g", rule->metric.take,
                     what, i, n, got.group[i], want);
        }
    }
}

static void try_take(enum fa_take take, enum fa_kind kind, uint64_t at_least, uint64_t seed)
{
    char *per[] = {"q"};
    struct fa_rng rng = {{seed, seed + 1}};
    struct fa_rule rule = {.name = "r",
                           .metric = {.metric = "m",
                                      .take = take,
                                      .quantile = .9,
                                      .at_least = at_least,
                                      .over = take == FA_TAKE_LAST ? 0 : 100 * FA_SECOND,
                                      .look_back = 50 * FA_SECOND,
                                      .per = per,
                                      .per_count = 1,
                                      .has_above = true,
                                      .above = 1e9}};
    const struct fa_rule *rules[] = {&rule};
    struct world world;
    static struct obs all[OBS];
    double total[SERIES] = {0}, before[SERIES] = {0};
    bool seen[SERIES] = {false};
    world_open(&world, rules, 1);
    for (size_t n = 0; n < OBS; n++) {
        if (fa_rng_next(&rng) % 3 == 0) {
            advance(&world, (fa_time)(fa_rng_next(&rng) % 60000));
            check_values(&world, &rule, all, n, "after a pause");
        }
        world.now += (fa_time)(fa_rng_next(&rng) % 1500);
        int series = (int)(fa_rng_next(&rng) % SERIES);
        struct obs *obs = &all[n];
        bool late = kind != FA_KIND_COUNTER_CUMULATIVE && fa_rng_next(&rng) % 4 == 0;
        *obs = (struct obs){.series = series, .at = world.now - (late ? 5000 : 0)};
        double sent = take == FA_TAKE_SHARE ? (double)(fa_rng_next(&rng) % 2)
                                            : (double)(fa_rng_next(&rng) % 1000);
        obs->value = sent;
        if (kind == FA_KIND_COUNTER_DELTA) {
            obs->value = total[series] += sent;
            obs->increase = sent;
            obs->has_increase = true;
        } else if (kind == FA_KIND_COUNTER_CUMULATIVE) {
            obs->increase = sent >= before[series] ? sent - before[series] : sent;
            obs->increase = seen[series] ? obs->increase : 0;
            obs->has_increase = seen[series];
            before[series] = sent;
            seen[series] = true;
        }
        put(&world, kind, "m", LABELS[series], sent, obs->at);
        run(&world);
        check_values(&world, &rule, all, n + 1, "after a sample");
    }
    world_close(&world);
}

static void every_take_of_a_population_agrees_with_all_its_samples(void **state)
{
    for (int take = 0; take < FA_TAKE__COUNT; take++) {
        bool increase = take == FA_TAKE_RATE || take == FA_TAKE_INCREASE;
        for (uint64_t seed = 1; seed <= 4; seed++) {
            try_take((enum fa_take)take, increase ? FA_KIND_COUNTER_DELTA : FA_KIND_GAUGE, 0, seed);
            try_take((enum fa_take)take,
                     increase ? FA_KIND_COUNTER_CUMULATIVE : FA_KIND_DISTRIBUTION,
                     take == FA_TAKE_LAST ? 0 : 8, seed + 10);
        }
    }
}

/* --- levels ------------------------------------------------------------------------------- */

static void levels_follow_the_table(void **state)
{
    const enum fa_level U = FA_LEVEL_UNKNOWN, C = FA_LEVEL_CLEAR, F = FA_LEVEL_FIRING;
    /* value 15 is past above 10, 7 is in the dead band to clear_below 5, 3 is past that;
     * for below: 5 fires, dead band to clear_above 10, 12 is past it */
    const struct {
        enum fa_take take;
        bool below, at_least, growing;
        enum fa_level early_firing, early_clear;
    } takes[] = {
        {FA_TAKE_LAST, false, false, true, F, C},     {FA_TAKE_LAST, true, false, true, F, C},
        {FA_TAKE_MAX, false, false, true, F, U},      {FA_TAKE_MAX, true, false, true, U, U},
        {FA_TAKE_MIN, false, false, true, U, U},      {FA_TAKE_MIN, true, false, true, F, U},
        {FA_TAKE_COUNT, false, false, true, F, U},    {FA_TAKE_COUNT, true, false, true, U, U},
        {FA_TAKE_RATE, false, false, true, F, U},     {FA_TAKE_RATE, true, false, true, U, U},
        {FA_TAKE_INCREASE, false, false, true, F, U}, {FA_TAKE_INCREASE, true, false, true, U, U},
        {FA_TAKE_SUM, false, false, true, F, U},      {FA_TAKE_SUM, false, false, false, U, U},
        {FA_TAKE_SUM, true, false, true, U, U},       {FA_TAKE_AVG, false, false, true, U, U},
        {FA_TAKE_AVG, false, true, true, F, U},       {FA_TAKE_AVG, true, true, true, F, U},
        {FA_TAKE_SHARE, false, false, true, U, U},    {FA_TAKE_SHARE, false, true, true, F, U},
        {FA_TAKE_QUANTILE, false, false, true, U, U}, {FA_TAKE_QUANTILE, false, true, true, F, U},
    };
    for (size_t i = 0; i < sizeof takes / sizeof takes[0]; i++) {
        struct fa_metric_rule rule = {.take = takes[i].take, .over = FA_MINUTE};
        rule.at_least = takes[i].at_least ? 5 : 0;
        rule.has_above = rule.has_clear_below = !takes[i].below;
        rule.has_below = rule.has_clear_above = takes[i].below;
        rule.above = rule.clear_above = 10;
        rule.below = rule.clear_below = 5;
        double fires = takes[i].below ? 3 : 15, band = 7, clears = takes[i].below ? 12 : 3;
        struct fa_level_input in = {.growing = takes[i].growing, .fresh = true};
        assert_int_equal(fa_level_decide(&rule, &in), U);
        in.held = true;
        assert_int_equal(fa_level_decide(&rule, &in), U);
        in.has_value = true;
        for (int held = 0; held < 2; held++) {
            in.held = held;
            in.covered = true;
            in.value = fires;
            assert_int_equal(fa_level_decide(&rule, &in), F);
            in.value = band;
            assert_int_equal(fa_level_decide(&rule, &in), held ? F : C);
            in.value = takes[i].below ? 10 : 5; /* at the clear threshold is not past it */
            assert_int_equal(fa_level_decide(&rule, &in), held ? F : C);
            in.value = clears;
            assert_int_equal(fa_level_decide(&rule, &in), C);
            in.fresh = false;
            assert_int_equal(fa_level_decide(&rule, &in), held ? U : C);
            in.fresh = true;
            in.covered = false;
            bool warms = takes[i].take != FA_TAKE_LAST;
            assert_int_equal(fa_level_decide(&rule, &in), held && warms ? F : takes[i].early_clear);
            in.value = fires;
            assert_int_equal(fa_level_decide(&rule, &in), held ? F : takes[i].early_firing);
        }
        in.held = false;
        in.covered = true;
        in.value = takes[i].below ? 5 : 10; /* at the threshold is not past it */
        assert_int_equal(fa_level_decide(&rule, &in), C);
    }
}

static struct fa_rule last_above(double above)
{
    return (struct fa_rule){
        .name = "r",
        .metric = {.metric = "m", .take = FA_TAKE_LAST, .has_above = true, .above = above}};
}

static void hysteresis_holds_until_the_clear_threshold_is_passed(void **state)
{
    struct fa_rule rule = last_above(120);
    rule.metric.has_clear_below = true;
    rule.metric.clear_below = 90;
    struct world world;
    world_open(&world, (const struct fa_rule *[]){&rule}, 1);
    static const struct {
        double value;
        const char *said;
    } rows[] = {{100, "clear 100"}, {120, ""},           {121, "firing 121"}, {110, ""},
                {121, ""},          {130, "firing 130"}, {125, ""},           {131, "firing 131"},
                {90, ""},           {89, "clear 89"},    {110, ""},           {121, "firing 121"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        world.now += FA_SECOND;
        gauge(&world, "", rows[i].value);
        run(&world);
        EXPECT(&world, rows[i].said);
        if (rows[i].said[0] != '\0') {
            assert_int_equal(world.since, world.now);
        }
    }
    world_close(&world);
}

static void silence_turns_unknown_and_never_clear(void **state)
{
    struct fa_rule rule = last_above(10);
    rule.metric.look_back = 2 * FA_MINUTE;
    struct world world;
    world_open(&world, (const struct fa_rule *[]){&rule}, 1);
    gauge(&world, "", 11);
    run(&world);
    EXPECT(&world, "firing 11");
    assert_int_equal(fa_rules_next(world.rules), T0 + 2 * FA_MINUTE);
    advance(&world, 2 * FA_MINUTE - 1);
    EXPECT(&world, "");
    advance(&world, 1);
    EXPECT(&world, "unknown");
    assert_int_equal(world.since, world.now);
    gauge(&world, "", 9);
    run(&world);
    EXPECT(&world, "clear 9");
    world_close(&world);
}

static void a_stale_marker_is_no_value(void **state)
{
    struct fa_rule rule = last_above(10);
    struct world world;
    world_open(&world, (const struct fa_rule *[]){&rule}, 1);
    gauge(&world, "", 11);
    run(&world);
    fa_metrics_stale(world.feed, fa_metrics_key(world.feed, FA_KIND_GAUGE, FA_STR("m|")),
                     world.now);
    run(&world);
    EXPECT(&world, "unknown");
    world_close(&world);
}

static void samples_leaving_a_silent_source_are_no_recovery(void **state)
{
    struct fa_rule rule = {.name = "r",
                           .metric = {.metric = "m",
                                      .take = FA_TAKE_AVG,
                                      .over = 10 * FA_MINUTE,
                                      .has_above = true,
                                      .above = 10}};
    struct world world;
    world_open(&world, (const struct fa_rule *[]){&rule}, 1);
    warm(&world, "", 100, 10 * FA_MINUTE);
    gauge(&world, "", 1); /* the last word is good, the mean still bad */
    run(&world);
    advance(&world, FA_HOUR);
    EXPECT(&world, "unknown");
    warm(&world, "", 1, 10 * FA_MINUTE);
    EXPECT(&world, "");
    assert_int_equal(world.now - T0 > FA_HOUR, 1);
    world_close(&world);
}

static void counted_events_clear_when_they_are_old(void **state)
{
    struct fa_rule rule = {.name = "r",
                           .metric = {.metric = "m",
                                      .take = FA_TAKE_INCREASE,
                                      .over = FA_HOUR,
                                      .has_above = true,
                                      .above = 2}};
    struct world world;
    world_open(&world, (const struct fa_rule *[]){&rule}, 1);
    for (int i = 0; i < 3; i++) {
        put(&world, FA_KIND_COUNTER_DELTA, "m", "", 1, 0);
        run(&world);
        EXPECT(&world, i < 2 ? "" : "firing 3"); /* warming, but it can only grow */
        world.now += 10 * FA_MINUTE;
    }
    advance(&world, 30 * FA_MINUTE - 1);
    EXPECT(&world, "");
    advance(&world, 1);
    EXPECT(&world, "clear 2");
    advance(&world, FA_HOUR);
    EXPECT(&world, "unknown");
    assert_int_equal(fa_rules_next(world.rules), FA_NEVER);
    world_close(&world);
}

static void find_status(void *ctx, const struct fa_rule_status *status)
{
    *(struct fa_rule_status *)ctx = *status;
}

static void a_warming_rule_says_from_when_it_can_fire(void **state)
{
    struct fa_rule rule = {.name = "r",
                           .metric = {.metric = "m",
                                      .take = FA_TAKE_AVG,
                                      .over = 15 * FA_MINUTE,
                                      .has_above = true,
                                      .above = 10}};
    struct world world;
    struct fa_rule_status status;
    world_open(&world, (const struct fa_rule *[]){&rule}, 1);
    for (int i = 0; i < 15; i++) {
        gauge(&world, "", 20);
        run(&world);
        EXPECT(&world, "");
        fa_rules_each(world.rules, find_status, &status);
        assert_int_equal(status.covered_at, T0 + 15 * FA_MINUTE);
        assert_int_equal(status.samples, i + 1);
        assert_true(status.value == 20 && status.newest == world.now);
        advance(&world, FA_MINUTE);
    }
    EXPECT(&world, "firing 20"); /* by the clock, when the window is covered */
    assert_int_equal(world.since, T0 + 15 * FA_MINUTE);
    world_close(&world);
}

static void under_at_least_samples_it_is_unknown(void **state)
{
    struct fa_rule rule = {.name = "r",
                           .metric = {.metric = "m",
                                      .take = FA_TAKE_QUANTILE,
                                      .quantile = .5,
                                      .at_least = 3,
                                      .over = FA_MINUTE,
                                      .has_above = true,
                                      .above = 10}};
    struct world world;
    world_open(&world, (const struct fa_rule *[]){&rule}, 1);
    for (int i = 0; i < 3; i++) {
        put(&world, FA_KIND_DISTRIBUTION, "m", i == 0 ? "h=\"1\"" : "h=\"2\"", 20, 0);
        run(&world);
        EXPECT(&world, i < 2 ? "" : "firing 20");
        world.now += 15 * FA_SECOND;
    }
    advance(&world, FA_MINUTE);
    EXPECT(&world, "unknown");
    world_close(&world);
}

static void a_mean_that_worsens_is_told_again(void **state)
{
    struct fa_rule rule = last_above(0);
    rule.metric.has_above = false;
    rule.metric.has_below = true;
    rule.metric.below = 10;
    struct world world;
    world_open(&world, (const struct fa_rule *[]){&rule}, 1);
    static const double values[] = {9, 8, 8.5, 8, 7, 11, 9};
    static const char *const said[] = {"firing 9", "firing 8", "",        "",
                                       "firing 7", "clear 11", "firing 9"};
    for (size_t i = 0; i < 7; i++) {
        gauge(&world, "", values[i]);
        run(&world);
        EXPECT(&world, said[i]);
        world.now++;
    }
    world_close(&world);
}

static void per_tells_label_sets_apart_and_where_picks_series(void **state)
{
    char *per[] = {"queue"};
    struct fa_rule_match where[] = {{"env", "prod"}};
    struct fa_rule rule = last_above(10);
    rule.metric.per = per;
    rule.metric.per_count = 1;
    rule.metric.matches = where;
    rule.metric.match_count = 1;
    struct world world;
    world_open(&world, (const struct fa_rule *[]){&rule}, 1);
    gauge(&world, "env=\"prod\",queue=\"a\"", 11);
    gauge(&world, "env=\"prod\",queue=\"b \\\"q\\\"\"", 9);
    gauge(&world, "env=\"test\",queue=\"c\"", 99);
    gauge(&world, "env=\"prod\"", 12);
    run(&world);
    EXPECT(&world, "queue=\"a\" firing 11; queue=\"b \\\"q\\\"\" clear 9; firing 12");
    world_close(&world);
}

static void what_a_bounded_run_leaves_is_said_by_the_next_ones(void **state)
{
    char *per[] = {"q"};
    struct fa_rule rule = last_above(10);
    rule.metric.per = per;
    rule.metric.per_count = 1;
    struct world world;
    struct fa_now now = {.mono = 0, .wall = T0};
    world_open(&world, (const struct fa_rule *[]){&rule}, 1);
    gauge(&world, "q=\"a\"", 11);
    gauge(&world, "q=\"b\"", 12);
    gauge(&world, "q=\"c\"", 13);
    world.said[0] = '\0';
    assert_true(fa_rules_run_some(world.rules, now, 2, say, &world));
    EXPECT(&world, "q=\"a\" firing 11; q=\"b\" firing 12");
    gauge(&world, "q=\"c\"", 14); /* waits already, and both are said */
    gauge(&world, "q=\"a\"", 9);
    world.said[0] = '\0';
    assert_true(fa_rules_run_some(world.rules, now, 1, say, &world));
    EXPECT(&world, "q=\"c\" firing 13; q=\"c\" firing 14");
    world.said[0] = '\0';
    assert_false(fa_rules_run_some(world.rules, now, 1, say, &world));
    EXPECT(&world, "q=\"a\" clear 9");
    world_close(&world);
}

/* --- absent ------------------------------------------------------------------------------- */

static void absence_fires_after_its_time_and_clears_on_a_sample(void **state)
{
    struct fa_rule rule = {.name = "r", .metric = {.metric = "m", .absent = 10 * FA_MINUTE}};
    struct world world;
    world_open(&world, (const struct fa_rule *[]){&rule}, 1);
    run(&world);
    EXPECT(&world, "");
    advance(&world, 10 * FA_MINUTE - 1);
    EXPECT(&world, "");
    advance(&world, 1);
    EXPECT(&world, "firing 600"); /* though no such series was ever seen */
    advance(&world, FA_HOUR);
    EXPECT(&world, "");
    gauge(&world, "host=\"1\"", 5);
    run(&world);
    EXPECT(&world, "clear 0");
    world.now += 9 * FA_MINUTE;
    gauge(&world, "host=\"2\"", 5);
    run(&world);
    EXPECT(&world, "");
    advance(&world, 10 * FA_MINUTE);
    EXPECT(&world, "firing 600");
    world_close(&world);
}

static void absence_knows_the_label_sets_it_has_seen(void **state)
{
    char *per[] = {"host"};
    struct fa_rule rule = {
        .name = "r",
        .metric = {.metric = "m", .absent = 10 * FA_MINUTE, .per = per, .per_count = 1}};
    struct world world;
    world_open(&world, (const struct fa_rule *[]){&rule}, 1);
    run(&world);
    advance(&world, FA_HOUR);
    EXPECT(&world, "");
    gauge(&world, "host=\"1\"", 5);
    run(&world);
    world.now += FA_MINUTE;
    gauge(&world, "host=\"2\"", 5);
    run(&world);
    advance(&world, 9 * FA_MINUTE);
    EXPECT(&world, "host=\"1\" firing 600");
    /* the series is long gone from memory: the alarm is not */
    advance(&world, 3 * FA_DAY);
    EXPECT(&world, "host=\"2\" firing 600");
    fa_metrics_expire(world.metrics, (struct fa_now){.wall = world.now});
    assert_int_equal(fa_feed_stats(world.feed).series, 0);
    run(&world);
    EXPECT(&world, "");
    gauge(&world, "host=\"1\"", 5);
    run(&world);
    EXPECT(&world, "host=\"1\" clear 0");
    world_close(&world);
}

/* --- what is evaluated, and when ---------------------------------------------------------- */

static void a_sample_evaluates_exactly_the_rules_that_read_it(void **state)
{
    static struct fa_rule rules[1001];
    static const struct fa_rule *pointers[1001];
    static char names[1000][16];
    char *per[] = {"l"};
    for (int i = 0; i < 1000; i++) {
        snprintf(names[i], sizeof names[i], "m%d", i % 500);
        rules[i] = last_above(10);
        rules[i].metric.metric = names[i];
        pointers[i] = &rules[i];
    }
    rules[1000] = last_above(10);
    rules[1000].metric.per = per;
    rules[1000].metric.per_count = 1;
    pointers[1000] = &rules[1000];
    struct world world;
    world_open(&world, pointers, 1001);
    for (int i = 0; i < 1000; i++) {
        char labels[32];
        if (i < 500) {
            put(&world, FA_KIND_GAUGE, names[i], "", 1, 0);
        }
        snprintf(labels, sizeof labels, "l=\"%d\"", i);
        gauge(&world, labels, 1);
    }
    run(&world);
    uint64_t before = fa_rules_evaluations(world.rules);
    assert_int_equal(before, 2000);
    put(&world, FA_KIND_GAUGE, "m7", "", 20, 0); /* two rules read m7 */
    run(&world);
    assert_int_equal(fa_rules_evaluations(world.rules) - before, 2);
    gauge(&world, "l=\"7\"", 20); /* one of 1,000 label sets of one rule */
    gauge(&world, "l=\"7\"", 30); /* each value is judged */
    run(&world);
    assert_int_equal(fa_rules_evaluations(world.rules) - before, 4);
    gauge(&world, "l=\"8\"", 9); /* says nothing that is not known */
    run(&world);
    assert_int_equal(fa_rules_evaluations(world.rules) - before, 4);
    put(&world, FA_KIND_GAUGE, "nobody", "", 2, 0);
    run(&world);
    assert_int_equal(fa_rules_evaluations(world.rules) - before, 4);
    world_close(&world);
}

static void a_late_sample_corrects_its_window(void **state)
{
    struct fa_rule rule = {
        .name = "r",
        .metric = {
            .metric = "m", .take = FA_TAKE_SUM, .over = FA_MINUTE, .has_above = true, .above = 10}};
    struct world world;
    world_open(&world, (const struct fa_rule *[]){&rule}, 1);
    put(&world, FA_KIND_GAUGE, "m", "", 6, T0);
    world.now = T0 + 50 * FA_SECOND;
    put(&world, FA_KIND_GAUGE, "m", "", 1, world.now);
    run(&world);
    EXPECT(&world, "");
    put(&world, FA_KIND_GAUGE, "m", "", 5, T0 + 20 * FA_SECOND);
    run(&world);
    EXPECT(&world, "firing 12");
    put(&world, FA_KIND_GAUGE, "m", "", -3, T0 + 30 * FA_SECOND);
    run(&world);
    EXPECT(&world, ""); /* 9, but not covered yet */
    advance(&world, 10 * FA_SECOND);
    EXPECT(&world, "clear 3");
    world_close(&world);
}

/* A sample that says its time takes the place of the one of that time. */
static void a_corrected_sample_clears_only_what_it_undoes(void **state)
{
    static const struct {
        fa_time at;
        double value;
        const char *said;
    } rows[] = {
        {0, 20, "firing 20"},
        {FA_DAY, 30, "firing 30"},
        {0, 5, ""},          /* yesterday is well by now; today is not */
        {FA_DAY / 2, 4, ""}, /* one that comes late */
        {FA_DAY, 12, ""},    /* less bad, and bad */
        {0, 90, ""},         /* today is as it was */
        {FA_DAY, 40, "firing 40"},
        {FA_DAY, 9, "clear 9"},
        {0, 50, ""},
        {FA_DAY, 11, "firing 11"},
    };
    struct fa_rule rule = last_above(10);
    rule.metric.look_back = 2 * FA_DAY;
    struct world world;
    world_open(&world, (const struct fa_rule *[]){&rule}, 1);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        world.now = i == 0 ? T0 : T0 + FA_DAY + (fa_time)i * FA_SECOND;
        put(&world, FA_KIND_GAUGE, "m", "", rows[i].value, T0 + rows[i].at);
        run(&world);
        EXPECT(&world, rows[i].said);
    }
    world_close(&world);
}

static void a_restored_alarm_in_its_dead_band_stays_firing(void **state)
{
    struct fa_rule rule = last_above(120);
    rule.metric.has_clear_below = true;
    rule.metric.clear_below = 90;
    struct world world;
    world_open(&world, (const struct fa_rule *[]){&rule}, 1);
    fa_rules_restore(world.rules, "r", "", FA_LEVEL_FIRING);
    fa_rules_restore(world.rules, "no such rule", "", FA_LEVEL_FIRING);
    fa_rules_restore(world.rules, "r", "not labels", FA_LEVEL_FIRING);
    run(&world);
    EXPECT(&world, "");
    gauge(&world, "", 100);
    run(&world);
    EXPECT(&world, "firing 100"); /* the value is news, the level is not */
    gauge(&world, "", 89);
    run(&world);
    EXPECT(&world, "clear 89");
    world_close(&world);
}

static void a_restored_alarm_that_data_cleared_is_unknown_without_them(void **state)
{
    struct fa_rule rule = last_above(120);
    struct world world;
    world_open(&world, (const struct fa_rule *[]){&rule}, 1);
    fa_rules_restore(world.rules, "r", "", FA_LEVEL_FIRING);
    run(&world);
    EXPECT(&world, "");
    gauge(&world, "", 50);
    run(&world);
    EXPECT(&world, "clear 50");
    fa_metrics_stale(world.feed, fa_metrics_key(world.feed, FA_KIND_GAUGE, FA_STR("m|")),
                     ++world.now);
    run(&world);
    EXPECT(&world, "unknown");
    world_close(&world);
}

static void a_restored_alarm_is_held_by_data_that_came_first(void **state)
{
    struct fa_rule rule = last_above(120);
    rule.metric.has_clear_below = true;
    rule.metric.clear_below = 90;
    struct world world;
    world_open(&world, (const struct fa_rule *[]){&rule}, 1);
    fa_rules_restore(world.rules, "r", "", FA_LEVEL_FIRING);
    gauge(&world, "", 100);
    run(&world);
    EXPECT(&world, "firing 100");
    world_close(&world);
}

static void a_restored_alarm_whose_data_stay_away_turns_unknown_and_stays_held(void **state)
{
    struct fa_rule rule = last_above(120);
    rule.metric.has_clear_below = true;
    rule.metric.clear_below = 90;
    struct world world;
    world_open(&world, (const struct fa_rule *[]){&rule}, 1);
    fa_rules_restore(world.rules, "r", "", FA_LEVEL_FIRING);
    run(&world);
    advance(&world, FA_LOOK_BACK - 1);
    EXPECT(&world, "");
    advance(&world, 1);
    EXPECT(&world, "unknown");
    advance(&world, FA_DAY);
    gauge(&world, "", 100);
    run(&world);
    EXPECT(&world, "firing 100");
    world_close(&world);
}

static void a_reload_keeps_the_samples_and_the_levels(void **state)
{
    struct fa_rule rule = {.name = "r",
                           .metric = {.metric = "m",
                                      .take = FA_TAKE_AVG,
                                      .over = 5 * FA_MINUTE,
                                      .has_above = true,
                                      .above = 10}};
    struct world world;
    world_open(&world, (const struct fa_rule *[]){&rule}, 1);
    warm(&world, "", 20, 5 * FA_MINUTE);
    struct fa_rule changed = rule;
    changed.metric.above = 30;
    const struct fa_rule *rules[] = {&changed};
    struct fa_rules *next = fa_rules_new(rules, 1, world.metrics);
    fa_rules_restore(next, "r", "", FA_LEVEL_FIRING);
    fa_rules_free(world.rules);
    fa_metrics_sweep(world.metrics);
    world.rules = next;
    world.now -= FA_MINUTE;
    run(&world);
    EXPECT(&world, "clear 20");
    assert_int_equal(fa_feed_stats(world.feed).series, 1);
    /* and rules that want nothing of it let it go */
    changed.metric.metric = "other";
    next = fa_rules_new(rules, 1, world.metrics);
    fa_rules_free(world.rules);
    fa_metrics_sweep(world.metrics);
    world.rules = next;
    assert_int_equal(fa_feed_stats(world.feed).series, 0);
    world_close(&world);
}

static void incident_rules_are_somebody_elses(void **state)
{
    struct fa_rule rule = {.name = "i", .is_incident = true};
    struct world world;
    world_open(&world, (const struct fa_rule *[]){&rule}, 1);
    run(&world);
    assert_int_equal(fa_rules_evaluations(world.rules), 0);
    assert_int_equal(fa_rules_next(world.rules), FA_NEVER);
    world_close(&world);
}

static void a_clock_that_steps_back_breaks_nothing(void **state)
{
    struct fa_rule rule = {
        .name = "r",
        .metric = {
            .metric = "m", .take = FA_TAKE_MAX, .over = FA_MINUTE, .has_above = true, .above = 10}};
    struct world world;
    world_open(&world, (const struct fa_rule *[]){&rule}, 1);
    gauge(&world, "", 20);
    run(&world);
    EXPECT(&world, "firing 20");
    world.now -= FA_HOUR;
    gauge(&world, "", 5);
    run(&world);
    EXPECT(&world, "");
    world.now += FA_HOUR;
    gauge(&world, "", 21);
    run(&world);
    EXPECT(&world, "firing 21");
    advance(&world, FA_DAY);
    EXPECT(&world, "unknown");
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_short_form_becomes_the_tree_of_its_words),
        cmocka_unit_test(every_take_of_a_population_agrees_with_all_its_samples),
        cmocka_unit_test(levels_follow_the_table),
        cmocka_unit_test(what_a_bounded_run_leaves_is_said_by_the_next_ones),
        cmocka_unit_test(hysteresis_holds_until_the_clear_threshold_is_passed),
        cmocka_unit_test(silence_turns_unknown_and_never_clear),
        cmocka_unit_test(a_stale_marker_is_no_value),
        cmocka_unit_test(samples_leaving_a_silent_source_are_no_recovery),
        cmocka_unit_test(counted_events_clear_when_they_are_old),
        cmocka_unit_test(a_warming_rule_says_from_when_it_can_fire),
        cmocka_unit_test(under_at_least_samples_it_is_unknown),
        cmocka_unit_test(a_mean_that_worsens_is_told_again),
        cmocka_unit_test(per_tells_label_sets_apart_and_where_picks_series),
        cmocka_unit_test(absence_fires_after_its_time_and_clears_on_a_sample),
        cmocka_unit_test(absence_knows_the_label_sets_it_has_seen),
        cmocka_unit_test(a_sample_evaluates_exactly_the_rules_that_read_it),
        cmocka_unit_test(a_late_sample_corrects_its_window),
        cmocka_unit_test(a_corrected_sample_clears_only_what_it_undoes),
        cmocka_unit_test(a_restored_alarm_in_its_dead_band_stays_firing),
        cmocka_unit_test(a_restored_alarm_that_data_cleared_is_unknown_without_them),
        cmocka_unit_test(a_restored_alarm_is_held_by_data_that_came_first),
        cmocka_unit_test(a_restored_alarm_whose_data_stay_away_turns_unknown_and_stays_held),
        cmocka_unit_test(a_reload_keeps_the_samples_and_the_levels),
        cmocka_unit_test(incident_rules_are_somebody_elses),
        cmocka_unit_test(a_clock_that_steps_back_breaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
