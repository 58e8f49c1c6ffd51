/* SPDX-License-Identifier: MIT */
/* Rules in PromQL, evaluated as samples arrive: who fires, who has cleared, who is unknown, and
 * what is evaluated at all. */
#include "fa_test.h"
#include "base/panic.h"
#include "metrics/save.h"
#include "rules/rules.h"

#include "rules/promql.h"

#include <math.h>

#define T0    INT64_C(1700000000000)
#define RULES 8

struct world {
    struct fa_metrics *metrics;
    struct fa_feed *feed;
    enum fa_kind kind; /* of what is put */
    struct fa_rules *rules;
    struct fa_rule rule[RULES];
    const struct fa_rule *pointers[RULES];
    size_t count;
    fa_time now;
    char said[8192]; /* "LABELS LEVEL VALUE" of each signal, joined by "; " */
    fa_time since;
    char status[2048];
};

static void say(void *ctx, const struct fa_signal *signal)
{
    static const char *const levels[] = {"unknown", "clear", "firing"};
    struct world *world = ctx;
    size_t len = strlen(world->said);
    snprintf(world->said + len, sizeof world->said - len, "%s%s%s%s", len > 0 ? "; " : "",
             signal->labels, signal->labels[0] != '\0' ? " " : "", levels[signal->level]);
    len = strlen(world->said);
    if (signal->level == FA_LEVEL_FIRING) {
        snprintf(world->said + len, sizeof world->said - len, " %.6g", signal->value);
    }
    world->since = signal->since;
}

static void ignore(void *ctx, const struct fa_signal *signal)
{
}

static struct fa_promql *parse(const char *text)
{
    struct fa_promql *promql = NULL;
    struct fa_err err;
    if (fa_promql_parse(fa_str_of(text), &promql, &err) != 0) {
        fail_msg("%s: %s at column %u", text, err.text, err.col);
    }
    return promql;
}

static void add_rule(struct world *world, const char *expr, const char *clear)
{
    static char *names[RULES] = {"r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7"};
    struct fa_rule *rule = &world->rule[world->count];
    *rule = (struct fa_rule){.name = names[world->count]};
    rule->query.expr = parse(expr);
    rule->query.clear = clear != NULL ? parse(clear) : NULL;
    rule->query.settle = FA_SECOND;
    rule->query.every = 15 * FA_SECOND;
    world->pointers[world->count++] = rule;
}

static void start(struct world *world)
{
    world->metrics = fa_metrics_new(NULL);
    world->feed = fa_metrics_feed(world->metrics, "test");
    world->rules = fa_rules_new(world->pointers, world->count, world->metrics);
    world->kind = FA_KIND_GAUGE;
    world->now = T0;
}

static void open_one(struct world *world, const char *expr, const char *clear)
{
    memset(world, 0, sizeof *world);
    add_rule(world, expr, clear);
    start(world);
}

static void close_world(struct world *world)
{
    fa_rules_free(world->rules);
    fa_metrics_free(world->metrics);
    for (size_t i = 0; i < world->count; i++) {
        fa_promql_free(world->rule[i].query.expr);
        fa_promql_free(world->rule[i].query.clear);
    }
}

static void run(struct world *world)
{
    world->said[0] = '\0';
    struct fa_now now = {.mono = world->now - T0, .wall = world->now};
    fa_rules_run(world->rules, now, say, world);
}

/* labels as canonical text; time 0: now. */
static void put(struct world *world, const char *metric, const char *labels, double value,
                fa_time time)
{
    char raw[200];
    snprintf(raw, sizeof raw, "%s|%s", metric, labels);
    uint64_t handle = fa_metrics_key(world->feed, world->kind, fa_str_of(raw));
    if (handle == FA_HANDLE_MISS) {
        struct fa_labels *set = NULL;
        assert_int_equal(fa_labels_parse(fa_str_of(labels), &set), 0);
        handle = fa_metrics_define(world->feed, world->kind, fa_str_of(raw), fa_str_of(metric),
                                   set->items, set->count);
        fa_labels_free(set);
    }
    struct fa_now now = {.mono = world->now - T0, .wall = world->now};
    fa_metrics_push(world->feed, now, &handle, &value, NULL, &time, 1);
}

static void stale(struct world *world, const char *metric, const char *labels)
{
    char raw[200];
    snprintf(raw, sizeof raw, "%s|%s", metric, labels);
    fa_metrics_stale(world->feed, fa_metrics_key(world->feed, FA_KIND_GAUGE, fa_str_of(raw)),
                     world->now);
}

/* Lets time pass from one due moment to the next, collecting what is said. */
static void advance(struct world *world, fa_time by)
{
    fa_time until = world->now + by, next;
    char all[sizeof world->said] = "";
    while ((next = fa_rules_next(world->rules)) <= until) {
        world->now = next > world->now ? next : world->now;
        run(world);
        size_t len = strlen(all);
        if (world->said[0] != '\0') {
            snprintf(all + len, sizeof all - len, "%s%s", len > 0 ? "; " : "", world->said);
        }
    }
    world->now = until;
    memcpy(world->said, all, sizeof all);
}

/* What was sent belongs together, and is evaluated once it has settled. */
static void settle(struct world *world)
{
    char first[sizeof world->said / 2];
    run(world);
    snprintf(first, sizeof first, "%s", world->said);
    advance(world, FA_SECOND);
    if (first[0] != '\0') {
        char later[sizeof world->said / 2];
        snprintf(later, sizeof later, "%.4000s", world->said);
        snprintf(world->said, sizeof world->said, "%s%s%s", first, later[0] != '\0' ? "; " : "",
                 later);
    }
}

#define EXPECT(world, text) assert_string_equal((world)->said, text)

static void note_status(void *ctx, const struct fa_rule_status *status)
{
    static const char *const levels[] = {"unknown", "clear", "firing"};
    struct world *world = ctx;
    size_t len = strlen(world->status);
    snprintf(world->status + len, sizeof world->status - len, "%s%s|%s|%s", len > 0 ? "; " : "",
             status->labels != NULL ? status->labels : "(rule)", levels[status->level],
             status->text != NULL ? status->text : "");
}

static const char *status(struct world *world)
{
    world->status[0] = '\0';
    fa_rules_each(world->rules, note_status, world);
    return world->status;
}

/* ---- what fires ---- */

static void a_comparison_filters_and_what_is_left_fires(void **state)
{
    struct world world;
    open_one(&world, "m{env!=\"test\", host=~\"[ab]\"} > 5", NULL);
    put(&world, "m", "env=\"live\",host=\"a\"", 6, 0);
    put(&world, "m", "host=\"b\"", 5, 0);
    put(&world, "m", "host=\"c\"", 7, 0);
    put(&world, "m", "env=\"test\",host=\"a\"", 7, 0);
    run(&world);
    EXPECT(&world, "env=\"live\",host=\"a\" firing 6; host=\"b\" clear");
    world.now += FA_SECOND;
    put(&world, "m", "env=\"live\",host=\"a\"", 4, 0);
    put(&world, "m", "host=\"b\"", 5.5, 0);
    run(&world);
    EXPECT(&world, "host=\"b\" firing 5.5; env=\"live\",host=\"a\" clear");
    /* Worse is said again, better is not. */
    world.now += FA_SECOND;
    put(&world, "m", "host=\"b\"", 5.2, 0);
    run(&world);
    EXPECT(&world, "");
    put(&world, "m", "host=\"b\"", 9, 0);
    run(&world);
    EXPECT(&world, "host=\"b\" firing 9");
    close_world(&world);
}

static void a_silent_series_is_unknown_and_never_clear(void **state)
{
    static const char *const exprs[] = {"m > 5",
                                        "m >= 5.5",
                                        "5 < m",
                                        "sum by (h) (m) > 5",
                                        "m * 2 > 10",
                                        "topk(3, m) > 5",
                                        "label_replace(m, \"h\", \"$1\", \"h\", \"(.*)\") > 5",
                                        "m > 5 and m > 4",
                                        "last_over_time(m[5m]) > 5"};
    for (size_t i = 0; i < sizeof exprs / sizeof exprs[0]; i++) {
        struct world world;
        open_one(&world, exprs[i], NULL);
        put(&world, "m", "h=\"a\"", 6, 0);
        settle(&world);
        if (strncmp(world.said, "h=\"a\" firing", 12) != 0 && strncmp(exprs[i], "m * 2", 5) != 0) {
            run(&world);
        }
        advance(&world, 10 * FA_MINUTE);
        assert_string_equal(world.said, "h=\"a\" unknown");
        assert_non_null(strstr(status(&world), "h=\"a\"|unknown|no sample of m"));
        put(&world, "m", "h=\"a\"", 1, 0);
        run(&world);
        char said[100];
        snprintf(said, sizeof said, "%s", world.said);
        advance(&world, FA_SECOND);
        if (strcmp(said, "h=\"a\" clear") != 0 && strcmp(world.said, "h=\"a\" clear") != 0) {
            fail_msg("%s: %s, %s", exprs[i], said, world.said);
        }
        close_world(&world);
    }
}

static void a_join_is_unknown_when_either_side_is_empty(void **state)
{
    struct world world;
    open_one(&world, "used > on (h) group_left limit", NULL);
    put(&world, "used", "disk=\"x\",h=\"a\"", 90, 0);
    put(&world, "used", "disk=\"x\",h=\"b\"", 90, 0);
    put(&world, "limit", "h=\"a\"", 80, 0);
    put(&world, "limit", "h=\"b\"", 95, 0);
    settle(&world);
    EXPECT(&world, "disk=\"x\",h=\"a\" firing 90");
    world.now += FA_MINUTE;
    put(&world, "used", "disk=\"x\",h=\"a\"", 91, 0);
    stale(&world, "limit", "h=\"a\"");
    settle(&world);
    EXPECT(&world, "disk=\"x\",h=\"a\" unknown");
    assert_string_equal(status(&world),
                        "disk=\"x\",h=\"a\"|unknown|no sample of limit for these labels");
    put(&world, "limit", "h=\"a\"", 99, 0);
    settle(&world);
    EXPECT(&world, "disk=\"x\",h=\"a\" clear");
    /* Two limits for one host: not a guess but an error that says so. */
    put(&world, "limit", "h=\"a\"", 80, 0);
    settle(&world);
    EXPECT(&world, "disk=\"x\",h=\"a\" firing 91");
    put(&world, "limit", "h=\"a\",v=\"2\"", 99, 0);
    settle(&world);
    EXPECT(&world, "disk=\"x\",h=\"a\" unknown");
    assert_non_null(strstr(status(&world), "found duplicate series for the match group"));
    close_world(&world);
}

static void absent_and_unless_may_find_nothing(void **state)
{
    struct world world;
    open_one(&world, "absent(up{job=\"x\"})", NULL);
    run(&world);
    advance(&world, 4 * FA_MINUTE);
    EXPECT(&world, ""); /* just started: nobody can know yet */
    advance(&world, 2 * FA_MINUTE);
    EXPECT(&world, "job=\"x\" firing 1");
    put(&world, "up", "job=\"x\"", 1, 0);
    settle(&world);
    EXPECT(&world, "job=\"x\" clear");
    advance(&world, 4 * FA_MINUTE);
    EXPECT(&world, "");
    advance(&world, FA_MINUTE);
    EXPECT(&world, "job=\"x\" firing 1");
    close_world(&world);

    open_one(&world, "m > 5 unless maintenance", NULL);
    put(&world, "m", "h=\"a\"", 6, 0);
    settle(&world);
    for (int i = 0; i < 4; i++) {
        advance(&world, FA_MINUTE);
        EXPECT(&world, ""); /* the maintenance may not have been sent yet */
        put(&world, "m", "h=\"a\"", 6, 0);
        settle(&world);
    }
    advance(&world, FA_MINUTE);
    EXPECT(&world, "h=\"a\" firing 6");
    put(&world, "maintenance", "h=\"a\"", 1, 0);
    settle(&world);
    EXPECT(&world, "h=\"a\" clear");
    close_world(&world);
}

static void a_clear_condition_keeps_an_alarm_until_it_holds(void **state)
{
    static const char *const exprs[][2] = {{"m > 100", "m < 90"},
                                           {"sum by (h) (m) > 100", "sum by (h) (m) < 90"},
                                           {"topk(9, m) > 100", "m < 90"}};
    for (size_t i = 0; i < 3; i++) {
        struct world world;
        open_one(&world, exprs[i][0], exprs[i][1]);
        put(&world, "m", "h=\"a\"", 95, 0);
        settle(&world);
        put(&world, "m", "h=\"a\"", 101, 0);
        run(&world);
        if (world.said[0] == '\0') {
            advance(&world, FA_SECOND);
        }
        EXPECT(&world, "h=\"a\" firing 101");
        put(&world, "m", "h=\"a\"", 95, 0);
        settle(&world);
        EXPECT(&world, "");
        put(&world, "m", "h=\"a\"", 89, 0);
        run(&world);
        if (world.said[0] == '\0') {
            advance(&world, FA_SECOND);
        }
        EXPECT(&world, "h=\"a\" clear");
        close_world(&world);
    }
}

static void a_range_that_is_not_covered_warms(void **state)
{
    struct world world;
    open_one(&world, "avg_over_time(m[10m]) > 5", NULL);
    for (int i = 0; i < 10; i++) {
        put(&world, "m", "", 6, 0);
        run(&world);
        EXPECT(&world, "");
        world.now += FA_MINUTE;
    }
    put(&world, "m", "", 6, 0);
    run(&world);
    EXPECT(&world, "firing 6");
    close_world(&world);
    /* What only grows need not wait. */
    open_one(&world, "count_over_time(m[10m]) > 1", NULL);
    put(&world, "m", "", 1, 0);
    run(&world);
    world.now += FA_SECOND;
    put(&world, "m", "", 1, 0);
    run(&world);
    EXPECT(&world, "firing 2");
    close_world(&world);
}

/* A sample a minute of {h="a"}, `step` more each time. What is said is joined. */
static void send_for(struct world *world, double *value, double step, int minutes)
{
    char all[sizeof world->said] = "";
    for (int i = 0; i < minutes; i++) {
        put(world, "m", "h=\"a\"", *value += step, 0);
        settle(world);
        size_t len = strlen(all);
        snprintf(all + len, sizeof all - len, "%s;", world->said);
        advance(world, FA_MINUTE - FA_SECOND);
        len = strlen(all);
        snprintf(all + len, sizeof all - len, "%s;", world->said);
    }
    memcpy(world->said, all, sizeof all);
}

static void an_alarm_is_not_over_while_its_window_fills_again(void **state)
{
    static const char *const exprs[] = {
        "increase(m[1h]) > 100", "count_over_time(m[1h]) > 100", "max_over_time(m[1h]) > 100",
        "sum by (h) (increase(m[1h])) > 100", "count_over_time({__name__=~\"m.*\"}[1h]) > 100"};
    for (size_t i = 0; i < sizeof exprs / sizeof exprs[0]; i++) {
        struct world world;
        double value = 1;
        open_one(&world, exprs[i], NULL);
        fa_rules_restore(world.rules, "r0", "h=\"a\"", FA_LEVEL_FIRING);
        send_for(&world, &value, 0, 59);
        if (strstr(world.said, "clear") != NULL) {
            fail_msg("%s: %s", exprs[i], world.said);
        }
        assert_non_null(strstr(world.said, "h=\"a\" unknown")); /* its grace is over */
        send_for(&world, &value, 0, 1);
        assert_non_null(strstr(world.said, "h=\"a\" clear"));
        /* What is over the line already need not wait. */
        close_world(&world);
        open_one(&world, exprs[i], NULL);
        value = 200;
        send_for(&world, &value, 200, 3);
        assert_true((strstr(world.said, "firing") != NULL) == (strstr(exprs[i], "count") == NULL));
        assert_null(strstr(world.said, "clear"));
        close_world(&world);
    }
}

/* The first sample after a start, of what needs two. */
static void one_sample_of_two_that_are_needed_says_nothing(void **state)
{
    static const char *const exprs[] = {"irate(m[5m]) > 1", "idelta(m[5m]) > 1",
                                        "sum by (h) (irate(m[5m])) > 1",
                                        "topk(9, irate(m[5m])) > 1", "irate(m[3m] offset 1m) > 1"};
    for (size_t i = 0; i < sizeof exprs / sizeof exprs[0]; i++) {
        struct world world;
        double value = 1;
        open_one(&world, exprs[i], NULL);
        fa_rules_restore(world.rules, "r0", "h=\"a\"", FA_LEVEL_FIRING);
        advance(&world, 10 * FA_MINUTE);
        send_for(&world, &value, 0, 1);
        if (strstr(world.said, "clear") != NULL) {
            fail_msg("%s: %s", exprs[i], world.said);
        }
        send_for(&world, &value, 0, 2);
        assert_non_null(strstr(world.said, "h=\"a\" clear"));
        close_world(&world);
    }
}

static void a_range_of_a_source_that_dies_is_unknown_and_never_clear(void **state)
{
    static const char *const exprs[] = {
        "rate(m[150s]) > 0.5",          "increase(m[150s]) > 50",
        "delta(m[150s]) > 50",          "irate(m[150s]) > 0.5",
        "deriv(m[200s]) > 0.5",         "rate(m[150s] offset 1m) > 0.5",
        "topk(9, rate(m[150s])) > 0.5", "sum by (h) (rate(m[150s])) > 0.5"};
    for (size_t i = 0; i < sizeof exprs / sizeof exprs[0]; i++) {
        struct world world;
        double value = 0;
        open_one(&world, exprs[i], NULL);
        send_for(&world, &value, 60, 12);
        if (strstr(world.said, "firing") == NULL || strstr(world.said, "clear") != NULL) {
            fail_msg("%s: %s", exprs[i], world.said);
        }
        advance(&world, FA_HOUR);
        if (strcmp(world.said, "h=\"a\" unknown") != 0) {
            fail_msg("%s: %s", exprs[i], world.said);
        }
        close_world(&world);
    }
}

static void samples_that_leave_the_range_of_a_silent_source_do_not_clear(void **state)
{
    static const char *const exprs[][2] = {
        {"count_over_time(m[10m]) > 2.5"},
        {"sum_over_time(m[10m]) > 800"},
        {"-min_over_time(m[10m]) > -500"},
        {"-min_over_time(m[10m:1m]) > -500"},
        {"increase(m[10m]) > 70"},
        {"sum by (h) (count_over_time(m[10m])) > 2.5"},
        {"count_over_time(m[10m] offset 2m) > 2.5"},
        {"topk(9, count_over_time(m[10m])) > 2.5"},
        {"count_over_time({__name__=~\"m.*\"}[10m] offset 2m) > 2.5"},
        {"count_over_time(m[10m]) > 5", "count_over_time(m[10m]) < 3"}};
    for (size_t i = 0; i < sizeof exprs / sizeof exprs[0]; i++) {
        struct world world;
        double value = 0;
        open_one(&world, exprs[i][0], exprs[i][1]);
        send_for(&world, &value, 30, 20);
        if (strstr(world.said, "firing") == NULL || strstr(world.said, "clear") != NULL) {
            fail_msg("%s: %s", exprs[i][0], world.said);
        }
        run(&world);
        advance(&world, FA_HOUR);
        if (strcmp(world.said, "h=\"a\" unknown") != 0) {
            fail_msg("%s: %s", exprs[i][0], world.said);
        }
        value = 700;
        send_for(&world, &value, 0, 4);
        if (strstr(world.said, "h=\"a\" clear") == NULL) {
            fail_msg("%s lives again: %s", exprs[i][0], world.said);
        }
        close_world(&world);
    }
}

static void nothing_more_is_counted_of_a_silent_counter_of_events(void **state)
{
    static const char *const exprs[] = {"count_over_time(m[10m]) > 2.5", "increase(m[10m]) > 9",
                                        "irate(m[10m]) > 0", "topk(9, increase(m[10m])) > 9"};
    for (size_t i = 0; i < sizeof exprs / sizeof exprs[0]; i++) {
        struct world world;
        double value = 3;
        open_one(&world, exprs[i], NULL);
        world.kind = FA_KIND_COUNTER_DELTA;
        send_for(&world, &value, 0, 12);
        advance(&world, 10 * FA_MINUTE);
        if (strstr(world.said, "h=\"a\" clear") == NULL) {
            fail_msg("%s: %s", exprs[i], world.said);
        }
        close_world(&world);
    }
}

static void what_moves_by_itself_is_looked_at_without_samples(void **state)
{
    struct world world;
    open_one(&world, "time() - m > 60", NULL);
    put(&world, "m", "", (double)T0 / 1000, 0);
    run(&world);
    EXPECT(&world, "clear");
    advance(&world, 2 * FA_MINUTE);
    EXPECT(&world, "firing 75; firing 90; firing 105; firing 120");
    close_world(&world);
}

static void samples_that_belong_together_settle(void **state)
{
    struct world world;
    open_one(&world, "sum(m) < 3", NULL);
    put(&world, "m", "h=\"a\"", 2, 0);
    run(&world);
    EXPECT(&world, "");
    put(&world, "m", "h=\"b\"", 2, 0);
    run(&world);
    assert_int_equal(fa_rules_next(world.rules), world.now + FA_SECOND);
    advance(&world, FA_SECOND);
    EXPECT(&world, "clear");
    assert_int_equal(fa_rules_evaluations(world.rules), 1);
    close_world(&world);
}

static void elements_that_differ_by_name_only_are_an_error(void **state)
{
    struct world world;
    open_one(&world, "{__name__=~\"queue_.*\"} > 5", NULL);
    put(&world, "queue_a", "h=\"a\"", 6, 0);
    put(&world, "other", "h=\"a\"", 6, 0);
    settle(&world);
    EXPECT(&world, "h=\"a\" firing 6");
    put(&world, "queue_b", "h=\"a\"", 6, 0);
    settle(&world);
    EXPECT(&world, "h=\"a\" unknown");
    assert_non_null(strstr(status(&world), "differ by the metric's name only"));
    put(&world, "queue_b", "h=\"a\"", 1, 0);
    settle(&world);
    EXPECT(&world, "h=\"a\" firing 6");
    close_world(&world);
}

/* ---- what is evaluated ---- */

#define MANY 100000

static void a_sample_evaluates_exactly_the_rules_that_read_it(void **state)
{
    struct world world = {0};
    add_rule(&world, "m > 5", NULL);
    add_rule(&world, "m >= 7", NULL);
    add_rule(&world, "m{h=\"77\"} < -1", NULL);
    add_rule(&world, "other > 5", NULL);
    add_rule(&world, "sum by (h) (other) > 5", NULL);
    start(&world);
    for (int i = 0; i < MANY; i++) {
        char labels[40];
        snprintf(labels, sizeof labels, "h=\"%d\"", i);
        put(&world, "m", labels, 1, 0);
        put(&world, "other", "h=\"1\"", 1, 0);
    }
    settle(&world);
    uint64_t before = fa_rules_evaluations(world.rules);
    put(&world, "m", "h=\"5\"", 6, 0);
    run(&world);
    EXPECT(&world, "h=\"5\" firing 6");
    assert_int_equal(fa_rules_evaluations(world.rules) - before, 1); /* under 7 says nothing new */
    before = fa_rules_evaluations(world.rules);
    put(&world, "m", "h=\"6\"", 8, 0);
    run(&world);
    assert_int_equal(fa_rules_evaluations(world.rules) - before, 2);
    before = fa_rules_evaluations(world.rules);
    put(&world, "m", "h=\"77\"", 2, 0);
    run(&world);
    assert_int_equal(fa_rules_evaluations(world.rules) - before, 0);
    put(&world, "m", "h=\"77\"", -2, 0);
    run(&world);
    EXPECT(&world, "h=\"77\" firing -2");
    assert_int_equal(fa_rules_evaluations(world.rules) - before, 1);
    close_world(&world);
}

struct said_of {
    char text[200], reason[400];
};

static void keep_last(struct said_of *said, const struct world *world)
{
    const char *at = strrchr(world->said, ';');
    if (world->said[0] != '\0') {
        snprintf(said->text, sizeof said->text, "%s", at != NULL ? at + 2 : world->said);
    }
}

static void note_reason(void *ctx, const struct fa_rule_status *status)
{
    struct said_of *said = ctx;
    snprintf(said->reason, sizeof said->reason, "%s", status->text != NULL ? status->text : "");
}

/* The same words, and a last number within a hundredth. */
static bool is_near(const char *said, const char *wanted)
{
    const char *a = strstr(said, "firing "), *b = strstr(wanted, "firing ");
    if (a == NULL || b == NULL || a - said != b - wanted) {
        return strcmp(said, wanted) == 0;
    }
    double number = atof(a + 7), other = atof(b + 7);
    return strncmp(said, wanted, (size_t)(a - said)) == 0 &&
           fabs(number - other) <= 0.01 * fabs(other);
}

/* Several samples of one series between two evaluations. */
static void put_all(struct world *world, const char *labels, const double *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        put(world, "x", labels, values[i], 0);
    }
}

static void each_value_of_a_turn_is_judged(void **state)
{
    static const struct {
        const char *expr;
        double before; /* NaN: the series is new */
        double values[6];
        size_t count;
        uint64_t evaluations;
        const char *said;
    } rows[] = {
        {"x > 5", NAN, {1, 10, 1}, 3, 3, "s=\"a\" clear; s=\"a\" firing 10; s=\"a\" clear"},
        {"x > 5", NAN, {10, 1}, 2, 2, "s=\"a\" firing 10; s=\"a\" clear"},
        {"x > 5", 1, {10, 1}, 2, 2, "s=\"a\" firing 10; s=\"a\" clear"},
        {"x > 5", 1, {10, 1, 2, 3}, 4, 4, "s=\"a\" firing 10; s=\"a\" clear"},
        {"x > 5", 1, {2, 3, 4, 5, 0, 1}, 6, 0, ""}, /* all are quiet */
        {"x > 5",
         1,
         {2, 3, 10, 12, 7, 1},
         6,
         4,
         "s=\"a\" firing 10; s=\"a\" firing 12; s=\"a\" clear"},
        {"x > 5", 10, {1, 11}, 2, 2, "s=\"a\" clear; s=\"a\" firing 11"},
        {"x > 5", 10, {8, 7, 6}, 3, 0, ""},
        {"max by (s) (x) > 5", 1, {10, 1}, 2, 1, "s=\"a\" clear"}, /* it settles */
        {"x % 2 == 1", 2, {3, 4}, 2, 2, "s=\"a\" firing 1; s=\"a\" clear"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world world;
        open_one(&world, rows[i].expr, NULL);
        bool settles = i == 8;
        if (!isnan(rows[i].before)) {
            put(&world, "x", "s=\"a\"", rows[i].before, 0);
            run(&world);
            advance(&world, settles ? 2 * FA_SECOND : 0);
        }
        uint64_t before = fa_rules_evaluations(world.rules);
        put_all(&world, "s=\"a\"", rows[i].values, rows[i].count);
        run(&world);
        if (settles) {
            assert_string_equal(world.said, "");
        } else if (strcmp(world.said, rows[i].said) != 0 ||
                   fa_rules_evaluations(world.rules) - before != rows[i].evaluations) {
            fail_msg("row %zu: %s, %d evaluations", i, world.said,
                     (int)(fa_rules_evaluations(world.rules) - before));
        }
        close_world(&world);
    }
}

static void each_value_counts_for_hits(void **state)
{
    static const double values[] = {10, 1, 10, 1};
    struct world world;
    open_one(&world, "x > 5", NULL);
    world.rule[0].hits = 3, world.rule[0].of = 5;
    fa_rules_free(world.rules);
    world.rules = fa_rules_new(world.pointers, world.count, world.metrics);
    put_all(&world, "s=\"a\"", values, 4);
    run(&world);
    assert_string_equal(world.said, "s=\"a\" clear");
    put_all(&world, "s=\"a\"", values, 2);
    run(&world);
    assert_string_equal(world.said, "s=\"a\" firing 10; s=\"a\" clear");
    close_world(&world);
}

static void quantiles_of_a_distribution_are_sketched_and_never_exact(void **state)
{
    static const struct {
        const char *expr, *said, *reason;
    } rows[] = {
        {"sketch_quantile_over_time(0.9, x[1m]) > 80", "s=\"a\" firing 90", NULL},
        {"max(sketch_quantile_over_time(0.9, x[1m])) > 80", "firing 90", NULL},
        {"sketch_quantile_over_time(0.9, x[1m]) / on (s) y > 8", "s=\"a\" firing 9", NULL},
        {"sketch_quantile_over_time(0.5, x[1m]) > 80", "s=\"a\" clear", NULL},
        {"quantile_over_time(0.9, x[1m]) > 80", "", "use sketch_quantile_over_time"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world world;
        struct said_of said = {.text = ""};
        open_one(&world, rows[i].expr, NULL);
        for (int turn = 0; turn < 7; turn++) {
            world.kind = FA_KIND_DISTRIBUTION;
            for (int value = 1; value <= 100; value++) {
                put(&world, "x", "s=\"a\"", value, 0);
            }
            world.kind = FA_KIND_GAUGE;
            put(&world, "y", "s=\"a\"", 10, 0);
            run(&world);
            advance(&world, 10 * FA_SECOND);
            keep_last(&said, &world);
        }
        if (!is_near(said.text, rows[i].said)) {
            fail_msg("%s: %s", rows[i].expr, said.text);
        }
        fa_rules_each(world.rules, note_reason, &said);
        assert_true(rows[i].reason == NULL || strstr(said.reason, rows[i].reason) != NULL);
        close_world(&world);
    }
}

static void what_came_before_a_series_ended_is_judged(void **state)
{
    struct world world;
    open_one(&world, "x > 5", NULL);
    put(&world, "x", "s=\"a\"", 10, 0);
    stale(&world, "x", "s=\"a\"");
    run(&world);
    assert_string_equal(world.said, "s=\"a\" firing 10; s=\"a\" unknown");
    close_world(&world);
}

static void values_wait_for_a_run_that_has_room_for_them(void **state)
{
    struct world world;
    struct fa_now now = {.wall = T0};
    open_one(&world, "x > 5", NULL);
    for (int turn = 0; turn < 3; turn++) {
        for (char name = 'a'; name < 'f'; name++) {
            char labels[16];
            snprintf(labels, sizeof labels, "s=\"%c\"", name);
            put_all(&world, labels, (const double[]){10, 1}, 2);
        }
    }
    int runs = 0;
    while (fa_rules_run_some(world.rules, now, 2, say, &world)) {
        runs++;
    }
    assert_true(runs >= 4);
    size_t fired = 0;
    for (const char *at = world.said; (at = strstr(at, "firing")) != NULL; at++) {
        fired++;
    }
    assert_int_equal(fired, 15);
    assert_int_equal(fa_rules_evaluations(world.rules), 30);
    close_world(&world);
}

static void more_values_than_there_is_room_for_are_counted(void **state)
{
    enum { MORE = 70000 };
    struct world world;
    open_one(&world, "x > 5", NULL);
    for (int i = 0; i < MORE; i++) {
        put(&world, "x", "s=\"a\"", i % 2 == 0 ? 10 : 1, 0);
    }
    uint64_t unjudged = fa_feed_stats(world.feed).unjudged;
    assert_int_equal(unjudged, MORE - 1 - 65536);
    struct fa_now now = {.wall = T0};
    while (fa_rules_run_some(world.rules, now, SIZE_MAX, ignore, NULL)) {
    }
    assert_int_equal(fa_rules_evaluations(world.rules), 65537);
    put(&world, "x", "s=\"a\"", 10, 0); /* and goes on */
    put(&world, "x", "s=\"a\"", 1, 0);
    run(&world);
    assert_string_equal(world.said, "s=\"a\" firing 10; s=\"a\" clear");
    close_world(&world);
}

static void a_restored_alarm_stands_until_data_come_back(void **state)
{
    static const char *const exprs[] = {"m > 100", "topk(9, m) > 100"};
    for (size_t i = 0; i < 2; i++) {
        struct world world;
        open_one(&world, exprs[i], "m < 90");
        fa_rules_restore(world.rules, "r0", "h=\"a\"", FA_LEVEL_FIRING);
        fa_rules_restore(world.rules, "r0", "h=\"b\"", FA_LEVEL_FIRING);
        settle(&world);
        EXPECT(&world, "");
        put(&world, "m", "h=\"a\"", 95, 0); /* inside the dead band */
        settle(&world);
        EXPECT(&world, i == 0 ? "h=\"a\" firing 95" : ""); /* no number but the result's */
        advance(&world, 4 * FA_MINUTE);
        EXPECT(&world, "");
        put(&world, "m", "h=\"a\"", 95, 0);
        settle(&world);
        advance(&world, FA_MINUTE);
        EXPECT(&world, "h=\"b\" unknown");
        close_world(&world);
    }
}

/* ---- what is explained ---- */

static void note_part(void *ctx, const struct fa_explained *part)
{
    struct world *world = ctx;
    size_t len = strlen(world->said);
    snprintf(world->said + len, sizeof world->said - len, "%*s%s%s", (int)part->depth * 2, "",
             part->is_clear ? "clear: " : "", part->text);
    len = strlen(world->said);
    if (part->has_value) {
        snprintf(world->said + len, sizeof world->said - len, " {%s} %.6g %llu",
                 part->labels != NULL ? part->labels : "-", part->value,
                 (unsigned long long)part->samples);
    }
    len = strlen(world->said);
    snprintf(world->said + len, sizeof world->said - len, "\n");
}

static void each_part_is_explained(void **state)
{
    struct world world;
    open_one(&world, "sum by (h) (m * 2) / (max by (h) (last_over_time(n[5m]))) > 1", NULL);
    put(&world, "m", "d=\"1\",h=\"a\"", 2, 0);
    put(&world, "m", "d=\"2\",h=\"a\"", 3, 0);
    put(&world, "m", "d=\"2\",h=\"b\"", 3, 0);
    put(&world, "n", "h=\"a\"", 4, 0);
    settle(&world);
    EXPECT(&world, "h=\"a\" firing 2.5");
    world.said[0] = '\0';
    assert_int_equal(fa_rules_explain(world.rules, "r0", "h=\"a\"", note_part, &world), 0);
    EXPECT(&world, "sum by (h) (m * 2) / (max by (h) (last_over_time(n[5m]))) > 1 {h=\"a\"} 2.5 0\n"
                   "  sum by (h) (m * 2) / (max by (h) (last_over_time(n[5m]))) {h=\"a\"} 2.5 0\n"
                   "    sum by (h) (m * 2) {h=\"a\"} 10 0\n"
                   "      m * 2 {d=\"1\",h=\"a\"} 4 0\n"
                   "      m * 2 {d=\"2\",h=\"a\"} 6 0\n"
                   "        m {d=\"1\",h=\"a\"} 2 0\n"
                   "        m {d=\"2\",h=\"a\"} 3 0\n"
                   "    (max by (h) (last_over_time(n[5m]))) {h=\"a\"} 4 0\n"
                   "      max by (h) (last_over_time(n[5m])) {h=\"a\"} 4 0\n"
                   "        last_over_time(n[5m]) {h=\"a\"} 4 0\n"
                   "          n[5m] {h=\"a\"} 4 1\n");
    close_world(&world);
    open_one(&world, "topk(1, m) by (h) > on (h) group_left n", NULL);
    put(&world, "m", "d=\"1\",h=\"a\"", 2, 0);
    put(&world, "m", "d=\"2\",h=\"b\"", 2, 0);
    put(&world, "n", "h=\"a\"", 4, 0);
    settle(&world);
    world.said[0] = '\0';
    assert_int_equal(fa_rules_explain(world.rules, "r0", "d=\"1\",h=\"a\"", note_part, &world), 0);
    EXPECT(&world, "topk by (h) (1, m) > on (h) group_left () n\n"
                   "  topk by (h) (1, m) {__name__=\"m\",d=\"1\",h=\"a\"} 2 0\n"
                   "    m {__name__=\"m\",d=\"1\",h=\"a\"} 2 0\n"
                   "  n {__name__=\"n\",h=\"a\"} 4 0\n");
    assert_int_equal(fa_rules_explain(world.rules, "r1", "", note_part, &world), FA_ENOTFOUND);
    close_world(&world);
    /* At rest, and the short form. */
    open_one(&world, "m > 5", NULL);
    put(&world, "m", "h=\"a\"", 2, 0);
    settle(&world);
    assert_int_equal(fa_rules_test_rested(world.rules), 1);
    world.said[0] = '\0';
    assert_int_equal(fa_rules_explain(world.rules, "r0", "h=\"a\"", note_part, &world), 0);
    EXPECT(&world, "m > 5\n  m {h=\"a\"} 2 0\n");
    assert_int_equal(fa_rules_test_rested(world.rules), 1);
    close_world(&world);
}

/* One sample a minute; what is said of each, "-" for nothing. */
static void assert_said_of(struct world *world, const double *values, const char *const *said,
                           size_t count)
{
    for (size_t i = 0; i < count; i++) {
        put(world, "m", "h=\"x\"", values[i], 0);
        run(world);
        if (strcmp(world->said, said[i]) != 0) {
            fail_msg("sample %zu (%g): \"%s\", wanted \"%s\"", i, values[i], world->said, said[i]);
        }
        world->now += FA_MINUTE;
    }
}

static void hits_counts_samples_past_the_threshold(void **state)
{
    static const double values[] = {9, 1, 9, 1, 9, 1, 1, 9, 9, 9};
    static const char *const said[] = {
        "h=\"x\" clear",    "", "", "", "h=\"x\" firing 9", "h=\"x\" clear", "", "",
        "h=\"x\" firing 9", ""};
    struct world w;
    memset(&w, 0, sizeof w);
    add_rule(&w, "m > 5", NULL);
    w.rule[0].hits = 3;
    w.rule[0].of = 5;
    start(&w);
    assert_said_of(&w, values, said, sizeof values / sizeof values[0]);
    close_world(&w);
}

static void hits_before_a_restart_are_not_forgotten_while_it_fires(void **state)
{
    static const double values[] = {1, 9, 1, 1, 1, 1};
    static const char *const said[] = {
        "h=\"x\" firing 1", "h=\"x\" firing 9", "", "", "h=\"x\" clear", ""};
    struct world w;
    memset(&w, 0, sizeof w);
    add_rule(&w, "m > 5", NULL);
    w.rule[0].hits = 3;
    w.rule[0].of = 5;
    start(&w);
    fa_rules_restore(w.rules, "r0", "h=\"x\"", FA_LEVEL_FIRING);
    assert_said_of(&w, values, said, sizeof values / sizeof values[0]);
    close_world(&w);
}

/* What next knows is what the checkpoint of w says, beside what was restored already. */
static void hand_on(struct world *w, struct world *next)
{
    struct fa_save save = {0};
    struct fa_rules_save place = {0};
    struct fa_loaded loaded;
    struct fa_buf buf;
    struct fa_err err;
    struct fa_now now = {.mono = w->now - T0, .wall = w->now};
    fa_buf_init(&buf, 1 << 20);
    assert_false(fa_metrics_save(w->metrics, &save, now, 1 << 20, &buf));
    while (fa_rules_save(w->rules, &place, 1, &buf)) {
    }
    assert_int_equal(fa_metrics_load(next->metrics, fa_buf_str(&buf), now, &loaded, &err), 0);
    fa_rules_load(next->rules, fa_buf_str(&buf));
    fa_buf_done(&buf);
    next->now = w->now;
}

static void hits_are_counted_on_after_a_restart(void **state)
{
    static const double values[] = {9, 1, 9};
    static const char *const said[] = {"h=\"x\" clear", "", ""};
    struct world w, next;
    memset(&w, 0, sizeof w);
    memset(&next, 0, sizeof next);
    add_rule(&w, "m > 5", NULL);
    add_rule(&next, "m > 5", NULL);
    w.rule[0].hits = next.rule[0].hits = 3;
    w.rule[0].of = next.rule[0].of = 5;
    start(&w);
    start(&next);
    assert_said_of(&w, values, said, 3);
    hand_on(&w, &next);
    run(&next); /* the newest is judged again, and counts once */
    assert_string_equal(next.said, "h=\"x\" clear");
    next.now += FA_MINUTE;
    put(&next, "m", "h=\"x\"", 8, 0);
    run(&next);
    assert_string_equal(next.said, "h=\"x\" firing 8");
    close_world(&w);
    close_world(&next);
}

static void hits_of_an_expression_evaluated_whole(void **state)
{
    struct world w;
    memset(&w, 0, sizeof w);
    add_rule(&w, "topk(1, m) > 5", NULL);
    w.rule[0].hits = 2;
    w.rule[0].of = 3;
    start(&w);
    for (int i = 0; i < 3; i++) {
        put(&w, "m", "h=\"x\"", i % 2 == 0 ? 9 : 1, 0);
        settle(&w);
        assert_true((strstr(w.said, "firing") != NULL) == (i == 2));
        w.now += FA_MINUTE;
    }
    close_world(&w);
}

static void a_sample_of_another_series_is_no_hit(void **state)
{
    struct world w;
    memset(&w, 0, sizeof w);
    add_rule(&w, "topk(9, m) > 5", NULL);
    w.rule[0].hits = 3;
    w.rule[0].of = 5;
    start(&w);
    for (int i = 0; i < 9; i++) {
        put(&w, "m", "h=\"y\"", 9, 0);
        if (i % 4 == 0) {
            put(&w, "m", "h=\"x\"", 9, 0);
        }
        settle(&w);
        assert_true((strstr(w.said, "h=\"x\" firing") != NULL) == (i == 8)); /* its third */
        assert_true((strstr(w.said, "h=\"y\" firing") != NULL) == (i == 2));
        advance(&w, FA_MINUTE);
    }
    close_world(&w);
}

static void label_sets_with_hits_are_forgotten_with_their_series(void **state)
{
    struct world w;
    memset(&w, 0, sizeof w);
    add_rule(&w, "topk(9, m) > 5", NULL);
    w.rule[0].hits = 2;
    w.rule[0].of = 3;
    start(&w);
    put(&w, "m", "h=\"x\"", 9, 0);
    settle(&w);
    put(&w, "m", "h=\"x\"", 1, w.now);
    settle(&w);
    assert_string_equal(status(&w), "h=\"x\"|clear|"); /* one hit more, and it fires */
    advance(&w, FA_HOUR);
    assert_string_equal(status(&w), "");
    close_world(&w);
}

/* One sample a day, and each row one that says its day: what it corrects counts as if it had never
 * been otherwise. */
static void a_corrected_sample_is_judged_as_if_it_had_come_first(void **state)
{
    static const struct {
        int day;
        double value;
        const char *newest, *worst, *all;
    } rows[] = {
        {0, 20, "firing 20", "firing 20", ""},
        {1, 30, "firing 30", "firing 30", ""},
        {2, 25, "", "", "firing 75"},
        {1, 5, "", "", "clear"},
        {2, 12, "", "", ""},
        {2, 40, "firing 40", "firing 40", "firing 65"},
        {0, 1, "", "", "clear"},
        {2, 9, "clear", "clear", ""},
        {0, 11, "", "firing 11", ""},
    };
    static const char *const exprs[] = {"m > 10", "max_over_time(m[3d]) > 10",
                                        "sum_over_time(m[3d]) > 60"};
    for (size_t e = 0; e < 3; e++) {
        struct world w;
        memset(&w, 0, sizeof w);
        add_rule(&w, exprs[e], NULL);
        w.rule[0].query.look_back = 2 * FA_DAY;
        start(&w);
        for (int day = 0; day < 4; day++, w.now += FA_DAY) {
            put(&w, "m", "", 0, 0);
            run(&w);
        }
        fa_time first = w.now;
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            const char *said[] = {rows[i].newest, rows[i].worst, rows[i].all};
            w.now = first + (i < 2 ? (fa_time)i : 2) * FA_DAY + (fa_time)i * FA_SECOND;
            put(&w, "m", "", rows[i].value, first + rows[i].day * FA_DAY);
            run(&w);
            assert_string_equal(w.said, said[e]);
        }
        close_world(&w);
    }
}

static void it_is_kept_firing_until_it_is_over_for_so_long(void **state)
{
    struct world w;
    memset(&w, 0, sizeof w);
    add_rule(&w, "m > 5", NULL);
    w.rule[0].keep_firing_for = 3 * FA_MINUTE;
    start(&w);
    put(&w, "m", "h=\"x\"", 9, 0);
    run(&w);
    assert_string_equal(w.said, "h=\"x\" firing 9");
    w.now += FA_MINUTE;
    put(&w, "m", "h=\"x\"", 1, 0); /* over, and */
    run(&w);
    assert_string_equal(w.said, "");
    w.now += 2 * FA_MINUTE;
    put(&w, "m", "h=\"x\"", 7, 0); /* again, not worse: the three minutes begin anew */
    run(&w);
    put(&w, "m", "h=\"x\"", 1, 0);
    run(&w);
    assert_string_equal(w.said, "");
    advance(&w, 3 * FA_MINUTE - 1);
    assert_string_equal(w.said, "");
    advance(&w, 1);
    assert_string_equal(w.said, "h=\"x\" clear");
    close_world(&w);
}

static void what_is_kept_firing_is_over_when_it_would_be_without_a_restart(void **state)
{
    struct world w, next;
    memset(&w, 0, sizeof w);
    memset(&next, 0, sizeof next);
    add_rule(&w, "m > 5", NULL);
    add_rule(&next, "m > 5", NULL);
    w.rule[0].keep_firing_for = next.rule[0].keep_firing_for = 3 * FA_MINUTE;
    start(&w);
    start(&next);
    put(&w, "m", "h=\"x\"", 9, 0);
    run(&w);
    w.now += FA_MINUTE;
    put(&w, "m", "h=\"x\"", 1, 0);
    run(&w);
    assert_string_equal(w.said, "");
    w.now += 2 * FA_MINUTE;
    fa_rules_restore(next.rules, "r0", "h=\"x\"", FA_LEVEL_FIRING);
    hand_on(&w, &next);
    run(&next);
    assert_string_equal(next.said, "h=\"x\" firing 1");
    advance(&next, FA_MINUTE - 1);
    assert_string_equal(next.said, "");
    advance(&next, 1);
    assert_string_equal(next.said, "h=\"x\" clear");
    close_world(&w);
    close_world(&next);
}

static void missing_data_is_not_the_end_that_keep_firing_for_waits_for(void **state)
{
    struct world w;
    memset(&w, 0, sizeof w);
    add_rule(&w, "m > 5", NULL);
    w.rule[0].keep_firing_for = 10 * FA_MINUTE;
    start(&w);
    put(&w, "m", "h=\"x\"", 9, 0);
    run(&w);
    w.now += FA_MINUTE;
    put(&w, "m", "h=\"x\"", 1, 0);
    run(&w);
    advance(&w, 6 * FA_MINUTE);
    assert_string_equal(w.said, "h=\"x\" unknown");
    put(&w, "m", "h=\"x\"", 1, 0);
    run(&w);
    assert_string_equal(w.said, "h=\"x\" firing 1");
    advance(&w, 4 * FA_MINUTE);
    put(&w, "m", "h=\"x\"", 1, 0);
    run(&w);
    advance(&w, 4 * FA_MINUTE);
    put(&w, "m", "h=\"x\"", 1, 0);
    run(&w);
    assert_string_equal(w.said, "");
    advance(&w, 2 * FA_MINUTE);
    assert_string_equal(w.said, "h=\"x\" clear");
    close_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_comparison_filters_and_what_is_left_fires),
        cmocka_unit_test(a_silent_series_is_unknown_and_never_clear),
        cmocka_unit_test(a_join_is_unknown_when_either_side_is_empty),
        cmocka_unit_test(absent_and_unless_may_find_nothing),
        cmocka_unit_test(a_clear_condition_keeps_an_alarm_until_it_holds),
        cmocka_unit_test(a_range_that_is_not_covered_warms),
        cmocka_unit_test(an_alarm_is_not_over_while_its_window_fills_again),
        cmocka_unit_test(one_sample_of_two_that_are_needed_says_nothing),
        cmocka_unit_test(a_range_of_a_source_that_dies_is_unknown_and_never_clear),
        cmocka_unit_test(samples_that_leave_the_range_of_a_silent_source_do_not_clear),
        cmocka_unit_test(nothing_more_is_counted_of_a_silent_counter_of_events),
        cmocka_unit_test(what_moves_by_itself_is_looked_at_without_samples),
        cmocka_unit_test(samples_that_belong_together_settle),
        cmocka_unit_test(elements_that_differ_by_name_only_are_an_error),
        cmocka_unit_test(a_sample_evaluates_exactly_the_rules_that_read_it),
        cmocka_unit_test(each_part_is_explained),
        cmocka_unit_test(each_value_of_a_turn_is_judged),
        cmocka_unit_test(each_value_counts_for_hits),
        cmocka_unit_test(what_came_before_a_series_ended_is_judged),
        cmocka_unit_test(quantiles_of_a_distribution_are_sketched_and_never_exact),
        cmocka_unit_test(values_wait_for_a_run_that_has_room_for_them),
        cmocka_unit_test(more_values_than_there_is_room_for_are_counted),
        cmocka_unit_test(a_restored_alarm_stands_until_data_come_back),
        cmocka_unit_test(hits_counts_samples_past_the_threshold),
        cmocka_unit_test(hits_before_a_restart_are_not_forgotten_while_it_fires),
        cmocka_unit_test(hits_are_counted_on_after_a_restart),
        cmocka_unit_test(hits_of_an_expression_evaluated_whole),
        cmocka_unit_test(a_sample_of_another_series_is_no_hit),
        cmocka_unit_test(label_sets_with_hits_are_forgotten_with_their_series),
        cmocka_unit_test(a_corrected_sample_is_judged_as_if_it_had_come_first),
        cmocka_unit_test(it_is_kept_firing_until_it_is_over_for_so_long),
        cmocka_unit_test(what_is_kept_firing_is_over_when_it_would_be_without_a_restart),
        cmocka_unit_test(missing_data_is_not_the_end_that_keep_firing_for_waits_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
