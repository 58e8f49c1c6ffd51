/* SPDX-License-Identifier: MIT */
#include "fa_test.h"
#include "firealarm/decoder.h"
#include "metrics/watch.h"
/* links: fa_public */

#define T0 INT64_C(1700000000000)

_Static_assert(FA_KIND_GAUGE == FIREALARM_GAUGE && FA_KIND_GAUGE_DELTA == FIREALARM_GAUGE_DELTA &&
                   FA_KIND_SET == FIREALARM_SET && FA_KIND_STATE == FIREALARM_STATE &&
                   FA_HANDLE_MISS == FIREALARM_MISS && FA_HANDLE_IGNORED == FIREALARM_IGNORED,
               "the kinds of the contract");

struct world {
    struct fa_metrics *metrics;
    struct fa_watcher *watcher;
    struct fa_feed *feed;
};

static struct world world_new(const struct fa_metrics_limits *limits)
{
    struct world world = {.metrics = fa_metrics_new(limits)};
    world.watcher = fa_watcher_new(world.metrics);
    world.feed = fa_metrics_feed(world.metrics, "statsd");
    return world;
}

static void world_free(struct world *world)
{
    fa_watcher_free(world->watcher);
    fa_metrics_free(world->metrics);
}

static void watch(struct world *world, const char *metric, fa_time over)
{
    struct fa_watch_spec spec = {.metric = fa_str_of(metric), .over = over};
    fa_watcher_add(world->watcher, &spec);
}

static struct fa_now at(fa_time wall)
{
    return (struct fa_now){.mono = wall - T0, .wall = wall};
}

/* One label "l"; the raw spelling is name|value. */
static uint64_t series(struct fa_feed *feed, enum fa_kind kind, const char *name, const char *value)
{
    char raw[64];
    snprintf(raw, sizeof raw, "%s|%s", name, value);
    uint64_t handle = fa_metrics_key(feed, kind, fa_str_of(raw));
    struct fa_label label = {FA_STR("l"), fa_str_of(value)};
    return handle != FA_HANDLE_MISS
               ? handle
               : fa_metrics_define(feed, kind, fa_str_of(raw), fa_str_of(name), &label, 1);
}

static void push(struct fa_feed *feed, uint64_t handle, double value, double weight, fa_time time,
                 fa_time now)
{
    fa_metrics_push(feed, at(now), &handle, &value, &weight, &time, 1);
}

static size_t drain(struct world *world, struct fa_link **last)
{
    size_t count = 0;
    struct fa_link *link;
    while ((link = fa_watcher_take_dirty(world->watcher)) != NULL) {
        count++;
        *last = link;
        if (link->gone) {
            fa_link_release(link);
        }
    }
    return count;
}

static void only_watched_series_are_kept(void **state)
{
    struct world world = world_new(NULL);
    watch(&world, "a", FA_MINUTE);
    uint64_t a = series(world.feed, FA_KIND_GAUGE, "a", "1");
    assert_true(a != FA_HANDLE_IGNORED && a != FA_HANDLE_MISS);
    assert_int_equal(series(world.feed, FA_KIND_GAUGE, "b", "1"), FA_HANDLE_IGNORED);
    assert_int_equal(fa_metrics_key(world.feed, FA_KIND_GAUGE, FA_STR("b|1")), FA_HANDLE_IGNORED);
    assert_int_equal(fa_metrics_key(world.feed, FA_KIND_GAUGE, FA_STR("a|1")), a);
    assert_int_equal(fa_metrics_key(world.feed, FA_KIND_SET, FA_STR("a|1")), FA_HANDLE_MISS);
    assert_string_equal(fa_metrics_catalogue(world.metrics, 0), "b");
    assert_null(fa_metrics_catalogue(world.metrics, 1));
    /* who comes to want it, gets it at once */
    watch(&world, "b", FA_MINUTE);
    assert_true(series(world.feed, FA_KIND_GAUGE, "b", "1") != FA_HANDLE_IGNORED);
    assert_int_equal(fa_feed_stats(world.feed).series, 2);
    world_free(&world);
}

static void spellings_of_one_series_meet(void **state)
{
    struct world world = world_new(NULL);
    watch(&world, "a", FA_MINUTE);
    struct fa_label xy[] = {{FA_STR("x"), FA_STR("1")}, {FA_STR("y"), FA_STR("2")}};
    struct fa_label yx[] = {{FA_STR("y"), FA_STR("2")}, {FA_STR("x"), FA_STR("1")}};
    uint64_t one =
        fa_metrics_define(world.feed, FA_KIND_GAUGE, FA_STR("a|#x:1,y:2"), FA_STR("a"), xy, 2);
    uint64_t two =
        fa_metrics_define(world.feed, FA_KIND_GAUGE, FA_STR("a|#y:2,x:1"), FA_STR("a"), yx, 2);
    assert_int_equal(one, two);
    uint64_t delta = fa_metrics_define(world.feed, FA_KIND_GAUGE_DELTA, FA_STR("a|#x:1,y:2"),
                                       FA_STR("a"), xy, 2);
    uint64_t counter = fa_metrics_define(world.feed, FA_KIND_COUNTER_DELTA, FA_STR("a|#x:1,y:2"),
                                         FA_STR("a"), xy, 2);
    assert_true(delta != one && counter != one);
    assert_int_equal(fa_feed_stats(world.feed).series, 2); /* a gauge and a counter */
    struct fa_feed *other = fa_metrics_feed(world.metrics, "influx");
    assert_int_equal(fa_metrics_define(other, FA_KIND_GAUGE, FA_STR("own"), FA_STR("a"), xy, 2),
                     one);
    assert_int_equal(fa_feed_stats(other).series, 0);
    world_free(&world);
}

static void limits_refuse_the_new_and_let_the_old_go_on(void **state)
{
    struct world world = world_new(&(struct fa_metrics_limits){.series = 10,
                                                               .labels = 2,
                                                               .name_bytes = 8,
                                                               .value_bytes = 8,
                                                               .catalogue = 5,
                                                               .hash_seed = 7});
    watch(&world, "a", FA_MINUTE);
    char value[16];
    for (int i = 0; i < 1000; i++) {
        snprintf(value, sizeof value, "v%d", i);
        uint64_t handle = series(world.feed, FA_KIND_GAUGE, "a", value);
        assert_int_equal(handle != FA_HANDLE_IGNORED, i < 10);
        push(world.feed, handle, 1, 1, 0, T0);
        snprintf(value, sizeof value, "n%d", i);
        series(world.feed, FA_KIND_GAUGE, value, "x");
    }
    struct fa_feed_stats stats = fa_feed_stats(world.feed);
    assert_int_equal(stats.series, 10);
    assert_int_equal(stats.series_refused, 990);
    assert_int_equal(stats.samples, 10);
    assert_int_equal(stats.unwatched, 1000);
    assert_non_null(fa_metrics_catalogue(world.metrics, 4));
    assert_null(fa_metrics_catalogue(world.metrics, 5));
    push(world.feed, series(world.feed, FA_KIND_GAUGE, "a", "v3"), 2, 1, 0, T0);
    assert_int_equal(fa_feed_stats(world.feed).samples, 11);
    /* another feed has room of its own; a raised limit counts at once */
    struct fa_feed *other = fa_metrics_feed(world.metrics, "other");
    assert_true(series(other, FA_KIND_GAUGE, "a", "new") != FA_HANDLE_IGNORED);
    fa_feed_set_limits(world.feed, &(struct fa_metrics_limits){.series = 11});
    assert_true(series(world.feed, FA_KIND_GAUGE, "a", "v500") != FA_HANDLE_IGNORED);
    /* labels: too many, too long, malformed */
    struct fa_label labels[] = {
        {FA_STR("x"), FA_STR("1")}, {FA_STR("y"), FA_STR("123456789")}, {FA_STR("z"), FA_STR("3")}};
    assert_int_equal(fa_metrics_define(other, FA_KIND_GAUGE, FA_STR("r1"), FA_STR("a"), labels, 3),
                     0);
    assert_int_equal(fa_metrics_define(other, FA_KIND_GAUGE, FA_STR("r2"), FA_STR("a"), labels, 2),
                     0);
    labels[0].value = FA_STR("\x01");
    assert_int_equal(fa_metrics_define(other, FA_KIND_GAUGE, FA_STR("r3"), FA_STR("a"), labels, 1),
                     0);
    assert_int_equal(fa_feed_stats(other).labels_refused, 3);
    world_free(&world);
}

static void a_sender_that_permutes_its_tags_takes_no_memory(void **state)
{
    struct world world = world_new(NULL);
    watch(&world, "a", FA_MINUTE);
    struct fa_label label = {FA_STR("l"), FA_STR("1")};
    uint64_t first = 0, known = 0;
    for (int i = 0; i < 10000; i++) {
        char raw[32];
        snprintf(raw, sizeof raw, "a|%d", i);
        uint64_t handle =
            fa_metrics_define(world.feed, FA_KIND_GAUGE, fa_str_of(raw), FA_STR("a"), &label, 1);
        first = i == 0 ? handle : first;
        assert_int_equal(handle, first);
        known += fa_metrics_key(world.feed, FA_KIND_GAUGE, fa_str_of(raw)) == first;
    }
    assert_true(known < 100);
    world_free(&world);
}

static void numbers_that_are_none_are_rejected_and_counted(void **state)
{
    struct world world = world_new(NULL);
    watch(&world, "a", FA_MINUTE);
    uint64_t gauge = series(world.feed, FA_KIND_GAUGE, "a", "1");
    uint64_t counter = series(world.feed, FA_KIND_COUNTER_DELTA, "a", "1");
    push(world.feed, gauge, NAN, 1, 0, T0);
    push(world.feed, gauge, INFINITY, 1, 0, T0);
    push(world.feed, gauge, -INFINITY, 1, 0, T0);
    push(world.feed, gauge, 1e300, 1, 0, T0);
    push(world.feed, counter, 1e200, 1e100, 0, T0);
    assert_int_equal(fa_feed_stats(world.feed).not_finite, 5);
    push(world.feed, counter, 1, 0.5, 0, T0);
    push(world.feed, counter, 1, NAN, 0, T0);
    push(world.feed, counter, 1, INFINITY, 0, T0);
    assert_int_equal(fa_feed_stats(world.feed).bad_weight, 3);
    assert_int_equal(fa_feed_stats(world.feed).samples, 0);
    push(world.feed, FA_HANDLE_IGNORED, 1, 1, 0, T0);
    push(world.feed, FA_HANDLE_MISS, 1, 1, 0, T0);
    push(world.feed, gauge + 7, 1, 1, 0, T0);
    assert_int_equal(fa_feed_stats(world.feed).stale_handle, 2);
    world_free(&world);
}

static void times_are_taken_moved_or_rejected(void **state)
{
    struct world world = world_new(NULL);
    watch(&world, "a", FA_MINUTE);
    uint64_t a = series(world.feed, FA_KIND_GAUGE, "a", "1");
    struct fa_link *link = NULL;
    struct fa_summary sum;
    push(world.feed, a, 1, 1, 0, T0);
    push(world.feed, a, 2, 1, T0 + FA_HOUR, T0 + 1);     /* ahead: at its arrival */
    push(world.feed, a, 3, 1, T0 + FA_HOUR + 2, T0 + 1); /* too far */
    push(world.feed, a, 4, 1, T0 - 30 * FA_SECOND, T0 + 1);
    push(world.feed, a, 5, 1, T0 - 61 * FA_SECOND, T0 + 1);
    struct fa_feed_stats stats = fa_feed_stats(world.feed);
    assert_int_equal(stats.ahead, 1);
    assert_int_equal(stats.future, 1);
    assert_int_equal(stats.late, 1);
    assert_int_equal(stats.too_old, 1);
    assert_int_equal(stats.samples, 3);
    assert_int_equal(drain(&world, &link), 1);
    fa_link_read(link, T0 + 1, FA_MINUTE, &sum, NULL);
    assert_int_equal(sum.samples, 3);
    assert_true(sum.last == 2 && sum.last_at == T0 + 1);
    assert_true(sum.min == 1 && sum.max == 4);
    world_free(&world);
}

static void statsd_kinds_mean_what_they_say(void **state)
{
    struct world world = world_new(NULL);
    struct fa_summary sum;
    struct fa_link *link = NULL;
    watch(&world, "a", FA_MINUTE);
    uint64_t counter = series(world.feed, FA_KIND_COUNTER_DELTA, "a", "1");
    push(world.feed, counter, 3, 1, 0, T0);
    push(world.feed, counter, 1, 10, 0, T0 + 500);
    drain(&world, &link);
    fa_link_read(link, T0 + 500, FA_MINUTE, &sum, NULL);
    assert_true(sum.increase == 13 && sum.last == 13 && sum.has_increase && sum.samples == 2);

    uint64_t gauge = series(world.feed, FA_KIND_GAUGE, "a", "2");
    uint64_t delta = series(world.feed, FA_KIND_GAUGE_DELTA, "a", "2");
    push(world.feed, delta, -5, 1, 0, T0); /* never seen: starts at 0 */
    push(world.feed, gauge, 10, 1, 0, T0 + 1);
    push(world.feed, delta, 4, 1, 0, T0 + 2);
    drain(&world, &link);
    fa_link_read(link, T0 + 2, FA_MINUTE, &sum, NULL);
    assert_true(sum.min == -5 && sum.last == 14 && sum.samples == 3);

    uint64_t timer = series(world.feed, FA_KIND_DISTRIBUTION, "a", "3");
    push(world.feed, timer, 100, 10, 0, T0);
    push(world.feed, timer, 20, 1, 0, T0);
    drain(&world, &link);
    fa_link_read(link, T0, FA_MINUTE, &sum, NULL);
    assert_true(sum.count == 11 && sum.sum == 1020 && sum.samples == 2 && sum.increase == 11);
    world_free(&world);
}

static void a_set_is_the_number_of_its_members_in_ten_seconds(void **state)
{
    struct world world = world_new(&(struct fa_metrics_limits){.set_members = 100});
    struct fa_summary sum;
    struct fa_link *link = NULL;
    watch(&world, "a", FA_MINUTE);
    uint64_t set = series(world.feed, FA_KIND_SET, "a", "1");
    for (int i = 0; i < 90; i++) {
        push(world.feed, set, i % 30, 1, 0, T0 + i * 100);
    }
    drain(&world, &link);
    fa_link_read(link, T0 + 9000, FA_MINUTE, &sum, NULL);
    assert_true(sum.samples == 1 && sum.last == 30);
    for (int i = 0; i < 5; i++) {
        push(world.feed, set, i, 1, 0, T0 + 10000 + i);
    }
    push(world.feed, set, 99, 1, T0 + 9999, T0 + 10010); /* its period is over */
    assert_int_equal(fa_feed_stats(world.feed).too_old, 1);
    fa_link_read(link, T0 + 11000, FA_MINUTE, &sum, NULL);
    assert_true(sum.samples == 2 && sum.last == 5 && sum.max == 30 && sum.sum == 35);
    for (int i = 0; i < 150; i++) {
        push(world.feed, set, 1000 + i, 1, 0, T0 + 20000);
    }
    fa_link_read(link, T0 + 20000, FA_MINUTE, &sum, NULL);
    assert_true(sum.last == 100);
    assert_int_equal(fa_feed_stats(world.feed).set_overflow, 50);
    fa_link_read(link, T0 + 20000 + FA_MINUTE, FA_MINUTE, &sum, NULL);
    assert_int_equal(sum.samples, 0);
    world_free(&world);
}

static void a_change_is_told_once_until_taken(void **state)
{
    struct world world = world_new(NULL);
    struct fa_link *link = NULL;
    watch(&world, "a", FA_MINUTE);
    watch(&world, "a", 0);
    uint64_t one = series(world.feed, FA_KIND_GAUGE, "a", "1");
    series(world.feed, FA_KIND_GAUGE, "a", "2");
    assert_int_equal(drain(&world, &link), 4); /* new ones are changes */
    push(world.feed, one, 1, 1, 0, T0);
    push(world.feed, one, 2, 1, 0, T0);
    assert_int_equal(drain(&world, &link), 2);
    assert_int_equal(drain(&world, &link), 0);
    fa_time time;
    double value;
    assert_true(fa_link_newest(link, &time, &value) && value == 2 && time == T0);
    fa_metrics_stale(world.feed, one, T0 + 5);
    assert_int_equal(drain(&world, &link), 2);
    assert_false(fa_link_newest(link, &time, &value));
    push(world.feed, one, 3, 1, 0, T0 + 10);
    assert_true(fa_link_newest(link, &time, &value));
    world_free(&world);
}

static void the_samples_of_a_window_are_listed_left_open(void **state)
{
    struct world world = world_new(NULL);
    struct fa_link *link = NULL;
    struct fa_point points[8];
    watch(&world, "a", FA_MINUTE);
    uint64_t a = series(world.feed, FA_KIND_GAUGE, "a", "1");
    for (int i = 0; i < 5; i++) {
        push(world.feed, a, i == 3 ? 1 : 10 * i, 1, 0, T0 + i * 10 * FA_SECOND);
    }
    drain(&world, &link);
    fa_time from = T0 + 10 * FA_SECOND, to = T0 + 40 * FA_SECOND;
    assert_int_equal(fa_link_points(link, from, to, points, 8), 3);
    assert_true(points[0].at == from + 10 * FA_SECOND && points[0].value == 20);
    assert_true(points[2].at == to && points[2].value == 40);
    assert_int_equal(fa_link_points(link, from, to - 1, points, 8), 2);
    assert_int_equal(fa_link_points(link, from - 1, to, NULL, 0), 4);
    assert_int_equal(fa_link_points(link, to, to, points, 8), 0);
    struct fa_summary sum;
    fa_link_read(link, from + FA_MINUTE, FA_MINUTE, &sum, NULL);
    assert_true(sum.first == 20 && sum.first_at == points[0].at);
    assert_true(sum.last == 40 && sum.last_at == to);
    assert_double_near(sum.between, 1 + 39, 0);
    assert_double_near(sum.increase, 10 + 1 + 39, 0);
    /* without a window there is the newest one */
    watch(&world, "b", 0);
    uint64_t b = series(world.feed, FA_KIND_COUNTER_DELTA, "b", "1");
    push(world.feed, b, 7, 1, 0, T0);
    push(world.feed, b, 2, 1, 0, T0 + 1);
    drain(&world, &link);
    assert_int_equal(fa_link_points(link, T0, T0 + 1, points, 8), 1);
    assert_true(points[0].at == T0 + 1 && points[0].value == 9);
    assert_int_equal(fa_link_points(link, T0 + 1, T0 + 2, points, 8), 0);
    /* a set's period that is not over is a point too */
    watch(&world, "s", FA_MINUTE);
    uint64_t s = series(world.feed, FA_KIND_SET, "s", "1");
    push(world.feed, s, 5, 1, 0, T0);
    push(world.feed, s, 6, 1, 0, T0 + 1);
    push(world.feed, s, 6, 1, 0, T0 + 12000);
    drain(&world, &link);
    assert_int_equal(fa_link_points(link, T0 - 1, T0 + 20000, points, 8), 2);
    assert_true(points[0].at == T0 + 1 && points[0].value == 2);
    assert_true(points[1].at == T0 + 12000 && points[1].value == 1);
    world_free(&world);
}

static void what_nobody_wants_or_sends_is_dropped(void **state)
{
    struct world world = world_new(NULL);
    struct fa_link *link = NULL;
    watch(&world, "a", 2 * FA_DAY);
    watch(&world, "b", FA_MINUTE);
    uint64_t a = series(world.feed, FA_KIND_GAUGE, "a", "1");
    uint64_t b = series(world.feed, FA_KIND_GAUGE, "b", "1");
    push(world.feed, a, 1, 1, 0, T0);
    push(world.feed, b, 1, 1, 0, T0);
    drain(&world, &link);
    assert_int_equal(fa_metrics_expire(world.metrics, at(T0 + FA_DAY - 1)), 0);
    assert_int_equal(fa_metrics_expire(world.metrics, at(T0 + FA_DAY)), 1);
    assert_int_equal(drain(&world, &link), 1);
    push(world.feed, b, 1, 1, 0, T0 + FA_DAY);
    assert_int_equal(fa_feed_stats(world.feed).stale_handle, 1);
    uint64_t again = series(world.feed, FA_KIND_GAUGE, "b", "1");
    assert_true(again != b && again != FA_HANDLE_IGNORED);
    /* a reload that no longer wants a: b keeps its data */
    push(world.feed, again, 5, 1, 0, T0 + FA_DAY);
    struct fa_watcher *old = world.watcher;
    world.watcher = fa_watcher_new(world.metrics);
    watch(&world, "b", FA_HOUR);
    fa_watcher_free(old);
    fa_metrics_sweep(world.metrics);
    assert_int_equal(fa_feed_stats(world.feed).series, 1);
    assert_int_equal(drain(&world, &link), 1);
    struct fa_summary sum;
    fa_link_read(link, T0 + FA_DAY, FA_HOUR, &sum, NULL);
    assert_true(sum.samples == 1 && sum.last == 5);
    assert_int_equal(series(world.feed, FA_KIND_GAUGE, "a", "1"), FA_HANDLE_IGNORED);
    world_free(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_watched_series_are_kept),
        cmocka_unit_test(spellings_of_one_series_meet),
        cmocka_unit_test(limits_refuse_the_new_and_let_the_old_go_on),
        cmocka_unit_test(a_sender_that_permutes_its_tags_takes_no_memory),
        cmocka_unit_test(numbers_that_are_none_are_rejected_and_counted),
        cmocka_unit_test(times_are_taken_moved_or_rejected),
        cmocka_unit_test(statsd_kinds_mean_what_they_say),
        cmocka_unit_test(a_set_is_the_number_of_its_members_in_ten_seconds),
        cmocka_unit_test(a_change_is_told_once_until_taken),
        cmocka_unit_test(the_samples_of_a_window_are_listed_left_open),
        cmocka_unit_test(what_nobody_wants_or_sends_is_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
