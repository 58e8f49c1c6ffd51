/* SPDX-License-Identifier: MIT */
/* links: -Wl,--wrap=fa_heap_set -Wl,--wrap=fa_heap_remove */
/* Label sets that are well rest in their series alone, and nobody can tell from what is said. */
#include "fa_test.h"
#include "base/heap.h"
#include "rules/rules.h"

#define T0   INT64_C(1700000000000)
#define MANY 1000

struct world {
    struct fa_metrics *metrics;
    struct fa_feed *feed;
    struct fa_rules *rules;
    struct fa_rule rule;
    fa_time now;
    char said[1024]; /* "LABELS LEVEL VALUE" of each signal, joined by "; " */
    size_t count;
};

static void say(void *ctx, const struct fa_signal *signal)
{
    static const char *const levels[] = {"unknown", "clear", "firing"};
    struct world *world = ctx;
    size_t len = strlen(world->said);
    world->count++;
    snprintf(world->said + len, sizeof world->said - len, "%s%s %s %g", len > 0 ? "; " : "",
             signal->labels, levels[signal->level],
             signal->level == FA_LEVEL_UNKNOWN ? 0 : signal->value);
}

/* The linker leads every call of the heap here. */
static size_t heap_calls;

void __real_fa_heap_set(struct fa_heap *heap, struct fa_heap_node *node, fa_time at);
void __real_fa_heap_remove(struct fa_heap *heap, struct fa_heap_node *node);
void __wrap_fa_heap_set(struct fa_heap *heap, struct fa_heap_node *node, fa_time at);
void __wrap_fa_heap_remove(struct fa_heap *heap, struct fa_heap_node *node);

void __wrap_fa_heap_set(struct fa_heap *heap, struct fa_heap_node *node, fa_time at)
{
    heap_calls++;
    __real_fa_heap_set(heap, node, at);
}

void __wrap_fa_heap_remove(struct fa_heap *heap, struct fa_heap_node *node)
{
    heap_calls++;
    __real_fa_heap_remove(heap, node);
}

static char *per_q[] = {"q"};

static void open_world(struct world *world)
{
    *world = (struct world){.now = T0, .metrics = fa_metrics_new(NULL)};
    world->rule = (struct fa_rule){.name = "r",
                                   .metric = {.metric = "m",
                                              .take = FA_TAKE_LAST,
                                              .per = per_q,
                                              .per_count = 1,
                                              .look_back = 2 * FA_MINUTE,
                                              .has_above = true,
                                              .above = 10}};
    world->feed = fa_metrics_feed(world->metrics, "f");
    world->rules = fa_rules_new((const struct fa_rule *[]){&world->rule}, 1, world->metrics);
}

static void close_world(struct world *world)
{
    fa_rules_free(world->rules);
    fa_metrics_free(world->metrics);
}

static bool run_some(struct world *world, size_t max)
{
    world->said[0] = '\0';
    struct fa_now now = {.mono = world->now - T0, .wall = world->now};
    return fa_rules_run_some(world->rules, now, max, say, world);
}

static void expect(struct world *world, const char *said, size_t rested)
{
    run_some(world, SIZE_MAX);
    assert_string_equal(world->said, said);
    assert_int_equal(fa_rules_test_rested(world->rules), rested);
}

static uint64_t define(struct world *world, enum fa_kind kind, const char *q, const char *host)
{
    char raw[64];
    snprintf(raw, sizeof raw, "%s|%s", q, host);
    uint64_t handle = fa_metrics_key(world->feed, kind, fa_str_of(raw));
    struct fa_label labels[] = {{FA_STR("q"), fa_str_of(q)}, {FA_STR("host"), fa_str_of(host)}};
    return handle != FA_HANDLE_MISS
               ? handle
               : fa_metrics_define(world->feed, kind, fa_str_of(raw), FA_STR("m"), labels, 2);
}

static void put(struct world *world, uint64_t handle, double value)
{
    struct fa_now now = {.mono = world->now - T0, .wall = world->now};
    fa_metrics_push(world->feed, now, &handle, &value, NULL, NULL, 1);
}

static void gauge(struct world *world, const char *q, double value)
{
    put(world, define(world, FA_KIND_GAUGE, q, ""), value);
}

/* Until the next moment that anything is due. */
static void pass_to_next(struct world *world)
{
    fa_time next = fa_rules_next(world->rules);
    assert_true(next != FA_NEVER);
    world->now = next > world->now ? next : world->now;
}

static void a_clear_one_rests_until_a_sample_may_change_it(void **state)
{
    struct world world;
    open_world(&world);
    gauge(&world, "a", 5);
    expect(&world, "q=\"a\" clear 5", 1);
    uint64_t evaluated = fa_rules_evaluations(world.rules);
    gauge(&world, "a", 6);
    expect(&world, "", 1);
    assert_int_equal(fa_rules_evaluations(world.rules), evaluated);
    gauge(&world, "a", 11);
    expect(&world, "q=\"a\" firing 11", 0);
    gauge(&world, "a", 7);
    expect(&world, "q=\"a\" clear 7", 1);
    close_world(&world);
}

static void silence_wakes_it_to_the_millisecond_and_it_rests_unknown(void **state)
{
    struct world world;
    open_world(&world);
    gauge(&world, "a", 5);
    expect(&world, "q=\"a\" clear 5", 1);
    world.now += 77777;
    gauge(&world, "a", 6);
    fa_time until = world.now + 2 * FA_MINUTE;
    for (int looks = 0; world.now < until; looks++) {
        assert_true(looks < 20);
        expect(&world, "", 1);
        pass_to_next(&world);
    }
    assert_int_equal(world.now, until);
    expect(&world, "q=\"a\" unknown 0", 1);
    assert_int_equal(fa_rules_next(world.rules), FA_NEVER);
    gauge(&world, "a", 6);
    expect(&world, "q=\"a\" clear 6", 1);
    close_world(&world);
}

static void an_end_said_by_the_sender_wakes_it(void **state)
{
    struct world world;
    open_world(&world);
    gauge(&world, "a", 5);
    expect(&world, "q=\"a\" clear 5", 1);
    fa_metrics_stale(world.feed, define(&world, FA_KIND_GAUGE, "a", ""), world.now);
    expect(&world, "q=\"a\" unknown 0", 0);
    close_world(&world);
}

/* Each time the first of them rests when the second comes to the same label set. */
static void another_series_of_its_label_set_finds_it(void **state)
{
    static const struct {
        enum fa_kind kind;
        const char *host;
    } others[] = {{FA_KIND_COUNTER_CUMULATIVE, ""}, {FA_KIND_GAUGE, "h"}};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        struct world world;
        open_world(&world);
        gauge(&world, "a", 5);
        expect(&world, "q=\"a\" clear 5", 1);
        world.now += FA_SECOND;
        put(&world, define(&world, others[i].kind, "a", others[i].host), 6);
        expect(&world, "", 0); /* it is clear already */
        world.now += FA_SECOND;
        gauge(&world, "a", 12);
        expect(&world, "q=\"a\" firing 12", 0);
        close_world(&world);
    }
}

static void what_not_all_labels_name_stays_awake(void **state)
{
    struct world world;
    open_world(&world);
    put(&world, define(&world, FA_KIND_GAUGE, "a", "h"), 5);
    expect(&world, "q=\"a\" clear 5", 0);
    close_world(&world);
}

static void two_rules_over_a_series_keep_it_awake(void **state)
{
    struct world world;
    open_world(&world);
    struct fa_rule other = world.rule;
    other.name = "s";
    gauge(&world, "a", 5);
    expect(&world, "q=\"a\" clear 5", 1);
    struct fa_rules *more = fa_rules_new((const struct fa_rule *[]){&other}, 1, world.metrics);
    expect(&world, "", 0);
    fa_rules_free(more);
    gauge(&world, "a", 12);
    expect(&world, "q=\"a\" firing 12", 0);
    gauge(&world, "a", 5);
    expect(&world, "q=\"a\" clear 5", 1);
    close_world(&world);
}

static void a_bounded_run_wakes_no_more_than_it_evaluates(void **state)
{
    struct world world;
    open_world(&world);
    char q[16];
    for (int i = 0; i < MANY; i++) {
        snprintf(q, sizeof q, "%d", i);
        gauge(&world, q, 5);
    }
    for (size_t done = 0; done < MANY; done += 100) {
        assert_int_equal(run_some(&world, 100), done + 100 < MANY);
        assert_int_equal(world.count, done + 100);
    }
    assert_int_equal(fa_rules_test_rested(world.rules), MANY);
    world.now += 2 * FA_MINUTE; /* all are silent at once */
    world.count = 0;
    int runs = 1;
    for (; run_some(&world, 100); runs++) {
        assert_true(runs < MANY);
    }
    assert_true(runs >= MANY / 100);
    assert_int_equal(world.count, MANY);
    assert_int_equal(fa_rules_test_rested(world.rules), MANY);
    close_world(&world);
}

static void a_clock_that_is_set_back_delays_none(void **state)
{
    struct world world;
    open_world(&world);
    gauge(&world, "a", 5);
    run_some(&world, SIZE_MAX);
    world.now -= FA_DAY;
    gauge(&world, "b", 5); /* at rest, due long before the other */
    run_some(&world, SIZE_MAX);
    assert_int_equal(fa_rules_test_rested(world.rules), 2);
    fa_time until = world.now + 2 * FA_MINUTE;
    for (int looks = 0; world.now < until; looks++) {
        assert_true(looks < 20);
        pass_to_next(&world);
        expect(&world, world.now < until ? "" : "q=\"b\" unknown 0", 2);
    }
    assert_int_equal(world.now, until);
    close_world(&world);
}

/* A sample of each of ten series; they cannot change what is said. */
static void send_quietly(struct world *world, size_t times, fa_time every)
{
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"};
    for (size_t n = 0; n < times; n++, world->now += every) {
        for (size_t i = 0; i < 10; i++) {
            gauge(world, names[i], (double)(n % 3));
        }
        run_some(world, SIZE_MAX);
    }
}

/* A deadline is a matter of its own: after the hour that a window is long each run at ten minutes
 * finds a sample that leaves it, the minute before the next one finds none. */
static void a_sample_that_changes_nothing_touches_no_heap(void **state)
{
    static const struct {
        enum fa_take take;
        fa_time over;
        bool awake; /* a second rule reads the series */
    } cases[] = {{FA_TAKE_LAST, 0, false},          {FA_TAKE_LAST, 0, true},
                 {FA_TAKE_MAX, FA_HOUR, false},     {FA_TAKE_AVG, FA_HOUR, false},
                 {FA_TAKE_SUM, FA_HOUR, false},     {FA_TAKE_COUNT, FA_HOUR, false},
                 {FA_TAKE_INCREASE, FA_HOUR, false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct world world;
        open_world(&world);
        struct fa_rule other = world.rule;
        fa_rules_free(world.rules);
        world.rule.metric.take = cases[i].take;
        world.rule.metric.over = cases[i].over;
        world.rule.metric.above = 1e6;
        other.name = "s";
        world.rules = fa_rules_new((const struct fa_rule *[]){&world.rule, &other},
                                   cases[i].awake ? 2 : 1, world.metrics);
        world.rule.metric.look_back = other.metric.look_back = FA_HOUR;
        send_quietly(&world, 12, 10 * FA_MINUTE);
        world.now -= 8 * FA_MINUTE;
        send_quietly(&world, 1, FA_SECOND);
        uint64_t evaluated = fa_rules_evaluations(world.rules);
        assert_true(heap_calls > 0); /* it is led here */
        heap_calls = 0;
        send_quietly(&world, 60, FA_SECOND);
        assert_int_equal(heap_calls, 0);
        assert_int_equal(fa_rules_evaluations(world.rules), evaluated);
        close_world(&world);
    }
}

static void what_is_silent_for_a_day_is_dropped_at_rest(void **state)
{
    struct world world;
    open_world(&world);
    gauge(&world, "a", 5);
    expect(&world, "q=\"a\" clear 5", 1);
    world.now += FA_DAY + FA_SECOND;
    struct fa_now now = {.wall = world.now};
    assert_int_equal(fa_metrics_expire(world.metrics, now), 0); /* it is said to be clear */
    expect(&world, "q=\"a\" unknown 0", 1);
    assert_int_equal(fa_metrics_expire(world.metrics, now), 1);
    expect(&world, "", 0);
    gauge(&world, "a", 12);
    expect(&world, "q=\"a\" firing 12", 0);
    close_world(&world);
}

struct listed {
    size_t count;
    enum fa_level level;
    double value;
    fa_time newest;
};

static void list(void *ctx, const struct fa_rule_status *status)
{
    struct listed *listed = ctx;
    assert_string_equal(status->labels, "q=\"a\"");
    *listed = (struct listed){listed->count + 1, status->level, status->value, status->newest};
}

static void it_is_listed_as_it_stands(void **state)
{
    struct world world;
    struct listed listed = {0};
    open_world(&world);
    gauge(&world, "a", 5);
    expect(&world, "q=\"a\" clear 5", 1);
    world.now += FA_SECOND;
    gauge(&world, "a", 7);
    fa_rules_each(world.rules, list, &listed);
    assert_int_equal(listed.count, 1);
    assert_int_equal(listed.level, FA_LEVEL_CLEAR);
    assert_true(listed.value == 7 && listed.newest == world.now);
    expect(&world, "", 1);
    close_world(&world);
}

static void a_reload_begins_anew_for_what_rests(void **state)
{
    struct world world;
    open_world(&world);
    gauge(&world, "a", 5);
    expect(&world, "q=\"a\" clear 5", 1);
    world.rule.metric.above = 4;
    struct fa_rules *next = fa_rules_new((const struct fa_rule *[]){&world.rule}, 1, world.metrics);
    fa_rules_free(world.rules);
    fa_metrics_sweep(world.metrics);
    world.rules = next;
    expect(&world, "q=\"a\" firing 5", 0);
    close_world(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_clear_one_rests_until_a_sample_may_change_it),
        cmocka_unit_test(silence_wakes_it_to_the_millisecond_and_it_rests_unknown),
        cmocka_unit_test(an_end_said_by_the_sender_wakes_it),
        cmocka_unit_test(another_series_of_its_label_set_finds_it),
        cmocka_unit_test(what_not_all_labels_name_stays_awake),
        cmocka_unit_test(two_rules_over_a_series_keep_it_awake),
        cmocka_unit_test(a_bounded_run_wakes_no_more_than_it_evaluates),
        cmocka_unit_test(a_clock_that_is_set_back_delays_none),
        cmocka_unit_test(a_sample_that_changes_nothing_touches_no_heap),
        cmocka_unit_test(what_is_silent_for_a_day_is_dropped_at_rest),
        cmocka_unit_test(it_is_listed_as_it_stands),
        cmocka_unit_test(a_reload_begins_anew_for_what_rests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
