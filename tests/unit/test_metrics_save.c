/* SPDX-License-Identifier: MIT */
#include "fa_test.h"
#include "base/id.h"
#include "base/rec.h"
#include "metrics/save.h"
#include "metrics/watch.h"

#define T0     INT64_C(1700000000000)
#define SERIES 12

struct world {
    struct fa_metrics *metrics;
    struct fa_watcher *watcher;
    struct fa_feed *feed;
};

struct wanted {
    const char *metric;
    fa_time over;
    bool sketch;
    uint8_t reads;
};

static const struct wanted ALL[] = {
    {"gauge", 0, false, 0},
    {"gauge", 15 * FA_MINUTE, false, 0},
    {"total", FA_HOUR, false, 0},
    {"total", 30 * FA_DAY, false, FA_READS_INCREASE},
    {"delta", 5 * FA_MINUTE, false, 0},
    {"timer", 15 * FA_MINUTE, true, 0},
    {"timer", FA_DAY, false, 0},
    {"set", FA_HOUR, false, 0},
    {"rests", 0, false, 0},
};

static struct fa_now at(fa_time wall)
{
    return (struct fa_now){wall, wall};
}

static struct world world_new(const struct wanted *wanted, size_t count)
{
    struct world world = {.metrics = fa_metrics_new(NULL)};
    world.watcher = fa_watcher_new(world.metrics);
    world.feed = fa_metrics_feed(world.metrics, "statsd");
    for (size_t i = 0; i < count; i++) {
        struct fa_watch_spec spec = {.metric = fa_str_of(wanted[i].metric),
                                     .over = wanted[i].over,
                                     .sketch = wanted[i].sketch,
                                     .reads = wanted[i].reads,
                                     .rest = wanted[i].metric[0] == 'r' ? FA_HOUR : 0,
                                     .owner = (void *)(uintptr_t)(i + 1)};
        fa_watcher_add(world.watcher, &spec);
    }
    return world;
}

static void world_free(struct world *world)
{
    struct fa_link *link;
    while ((link = fa_watcher_take_dirty(world->watcher)) != NULL) {
        if (link->gone) {
            fa_link_release(link);
        }
    }
    fa_watcher_free(world->watcher);
    fa_metrics_free(world->metrics);
}

static uint64_t series(struct world *world, enum fa_kind kind, const char *name, unsigned n)
{
    char raw[64], value[16];
    snprintf(raw, sizeof raw, "%s|%u", name, n);
    snprintf(value, sizeof value, "%u", n);
    struct fa_label label = {FA_STR("l"), fa_str_of(value)};
    return fa_metrics_define(world->feed, kind, fa_str_of(raw), fa_str_of(name), &label, 1);
}

static void push(struct world *world, uint64_t handle, double value, fa_time now)
{
    fa_metrics_push(world->feed, at(now), &handle, &value, NULL, NULL, 1);
}

/* Half an hour of everything; what is busy has an open slot at the end. */
static fa_time fill(struct world *world, struct fa_rng *rng)
{
    fa_time now = T0;
    for (int i = 0; i < 180; i++) {
        now += 10 * FA_SECOND;
        for (unsigned n = 0; n < SERIES; n++) {
            double unit = fa_rng_unit(rng);
            push(world, series(world, FA_KIND_GAUGE, "gauge", n), round(unit * 1e4) / 100, now);
            push(world, series(world, FA_KIND_COUNTER_CUMULATIVE, "total", n), (double)(7 * i) + n,
                 now);
            push(world, series(world, FA_KIND_COUNTER_DELTA, "delta", n), 1, now - 5);
            push(world, series(world, FA_KIND_COUNTER_DELTA, "delta", n), 2, now);
            push(world, series(world, FA_KIND_DISTRIBUTION, "timer", n), unit * 100, now);
            push(world, series(world, FA_KIND_SET, "set", n), floor(unit * 5), now);
            push(world, series(world, FA_KIND_GAUGE, "rests", n), n, now);
        }
    }
    (void)series(world, FA_KIND_GAUGE, "nobody.asks", 1);
    return now;
}

static void save(struct world *world, fa_time now, size_t bytes, struct fa_buf *buf)
{
    struct fa_save cursor = {0};
    size_t before = 0;
    while (fa_metrics_save(world->metrics, &cursor, at(now), bytes, buf)) {
        assert_true(buf->len - before < bytes + 100000); /* a slice and one series */
        before = buf->len;
    }
    assert_false(buf->over);
}

struct read {
    struct fa_summary sum;
    double quantile, newest;
    fa_time since, newest_at;
    bool has_newest;
    size_t points;
    bool seen;
};

/* What each watch's links say. */
static void read_all(struct world *world, fa_time now, const struct wanted *wanted,
                     struct read (*reads)[SERIES])
{
    struct fa_link *link;
    while ((link = fa_watcher_take_queued(world->watcher)) != NULL ||
           (link = fa_watcher_take_dirty(world->watcher)) != NULL) {
        size_t i = (size_t)(uintptr_t)fa_link_owner(link) - 1;
        struct fa_str label = fa_labels_get(fa_link_labels(link), FA_STR("l"));
        uint64_t n = 0;
        assert_int_equal(fa_parse_u64(label, &n), 0);
        struct read *read = &reads[i][n % SERIES];
        struct fa_sketch sketch = {.zero = 0};
        read->seen = true;
        read->has_newest = fa_link_newest(link, &read->newest_at, &read->newest);
        read->since = fa_link_since(link);
        read->points = fa_link_points(link, now - FA_HOUR, now, NULL, 0);
        if (wanted[i].over > 0) {
            fa_link_read(link, now, wanted[i].over, &read->sum, &sketch);
            read->quantile = wanted[i].sketch ? fa_sketch_quantile(&sketch, .9) : 0;
        }
        fa_sketch_done(&sketch);
    }
}

static void assert_same(const struct read *a, const struct read *b, fa_time over)
{
    assert_true(a->seen && b->seen);
    assert_int_equal(a->has_newest, b->has_newest);
    assert_int_equal(a->newest_at, b->newest_at);
    assert_true(a->newest == b->newest);
    assert_int_equal(a->points, b->points);
    if (over == 0) {
        return;
    }
    assert_true(a->since == b->since || (a->since < b->since && b->since <= T0 + 17 * FA_MINUTE));
    assert_int_equal(a->sum.samples, b->sum.samples);
    assert_int_equal(a->sum.points, b->sum.points);
    assert_double_near(a->sum.sum, b->sum.sum, 1e-9 * fabs(a->sum.sum));
    assert_true(a->sum.min == b->sum.min && a->sum.max == b->sum.max);
    assert_double_near(a->sum.increase, b->sum.increase, 1e-9 * fabs(a->sum.increase));
    assert_true(a->sum.last == b->sum.last && a->sum.first == b->sum.first);
    assert_true(a->quantile == b->quantile);
}

static void what_was_kept_is_there_after_a_restart(void **state)
{
    static struct read before[9][SERIES], after[9][SERIES];
    struct fa_rng rng = {{1, 2}};
    struct world world = world_new(ALL, 9), next = world_new(ALL, 9);
    struct fa_buf buf;
    struct fa_loaded loaded;
    struct fa_err err;
    memset(before, 0, sizeof before);
    memset(after, 0, sizeof after);
    fa_buf_init(&buf, SIZE_MAX / 2);
    fa_time now = fill(&world, &rng);
    save(&world, now, 5000, &buf);
    assert_int_equal(fa_metrics_load(next.metrics, fa_buf_str(&buf), at(now + 5), &loaded, &err),
                     0);
    assert_int_equal(loaded.series, 6 * SERIES);
    assert_int_equal(loaded.unwanted, 0);
    assert_int_equal(loaded.saved, now);
    assert_string_equal(fa_metrics_catalogue(next.metrics, 0), "nobody.asks");
    read_all(&world, now, ALL, before);
    read_all(&next, now, ALL, after);
    for (size_t i = 0; i < 9; i++) {
        for (size_t n = 0; n < SERIES && strcmp(ALL[i].metric, "set") != 0; n++) {
            assert_same(&before[i][n], &after[i][n], ALL[i].over);
        }
    }
    assert_true(after[7][0].sum.samples >= 178); /* a set's last period is not saved */
    /* and goes on: totals from where they were, new samples behind the old ones */
    push(&next, series(&next, FA_KIND_COUNTER_DELTA, "delta", 3), 2, now + 10000);
    push(&world, series(&world, FA_KIND_COUNTER_DELTA, "delta", 3), 2, now + 10000);
    push(&next, series(&next, FA_KIND_DISTRIBUTION, "timer", 3), 2, now + 1);
    push(&world, series(&world, FA_KIND_DISTRIBUTION, "timer", 3), 2, now + 1);
    read_all(&world, now + 10000, ALL, before);
    read_all(&next, now + 10000, ALL, after);
    assert_same(&before[4][3], &after[4][3], ALL[4].over);
    assert_true(after[4][3].newest == 2 + 3 * 180);
    assert_same(&before[5][3], &after[5][3], ALL[5].over);
    fa_buf_done(&buf);
    world_free(&world);
    world_free(&next);
}

static void what_no_rule_reads_any_more_is_left_out(void **state)
{
    static const struct wanted less[] = {
        {"gauge", 5 * FA_MINUTE, false, 0},
        {"total", FA_HOUR, false, 0},
        {"timer", 2 * FA_HOUR, false, FA_READS_SUM | FA_READS_COUNT}};
    static struct read after[3][SERIES];
    struct fa_rng rng = {{1, 2}};
    struct world world = world_new(ALL, 9), next = world_new(less, 3);
    struct fa_metrics_limits limits = {.series = 2 * SERIES + 1};
    struct fa_buf buf;
    struct fa_loaded loaded;
    struct fa_err err;
    memset(after, 0, sizeof after);
    fa_buf_init(&buf, SIZE_MAX / 2);
    fa_feed_set_limits(next.feed, &limits);
    fa_time now = fill(&world, &rng);
    save(&world, now, 1 << 20, &buf);
    assert_int_equal(fa_metrics_load(next.metrics, fa_buf_str(&buf), at(now), &loaded, &err), 0);
    assert_int_equal(loaded.series, 2 * SERIES + 1); /* the limit holds */
    assert_int_equal(loaded.series + loaded.unwanted, 6 * SERIES);
    read_all(&next, now, less, after);
    assert_int_equal(after[0][0].sum.samples, 30); /* of 5 min */
    assert_int_equal(after[1][0].sum.samples, 180);
    assert_int_equal(after[2][0].sum.count, 180); /* from the day's slots */
    fa_buf_done(&buf);
    world_free(&world);
    world_free(&next);
}

/* Sums are of doubles: the bytes of any damage must not matter, so only that it ends is tested. */
static void what_is_damaged_is_refused(void **state)
{
    struct fa_rng rng = {{3, 4}};
    struct world world = world_new(ALL, 9);
    struct fa_buf buf;
    struct fa_loaded loaded;
    struct fa_err err;
    fa_buf_init(&buf, SIZE_MAX / 2);
    fa_time now = fill(&world, &rng);
    save(&world, now, 1 << 20, &buf);
    for (int round = 0; round < 200; round++) {
        struct world next = world_new(ALL, 9);
        struct fa_str bytes = {buf.data,
                               buf.len - (round % 2 == 0 ? 0 : fa_rng_next(&rng) % buf.len)};
        size_t at_byte = fa_rng_next(&rng) % buf.len;
        char was = buf.data[at_byte];
        buf.data[at_byte] = (char)(was ^ (1 << round % 8));
        int rc = fa_metrics_load(next.metrics, bytes, at(now), &loaded, &err);
        assert_true(rc == 0 || rc == FA_EPARSE || rc == FA_EVERSION || rc == FA_EINVAL);
        buf.data[at_byte] = was;
        world_free(&next);
    }
    struct world next = world_new(ALL, 9);
    assert_int_equal(
        fa_metrics_load(next.metrics, fa_buf_str(&buf), at(now - FA_HOUR), &loaded, &err),
        FA_EINVAL);
    assert_int_equal(fa_metrics_load(next.metrics, FA_STR(""), at(now), &loaded, &err), FA_EPARSE);
    buf.data[4] = 3; /* the version */
    assert_int_equal(fa_metrics_load(next.metrics, fa_buf_str(&buf), at(now), &loaded, &err),
                     FA_EVERSION);
    fa_buf_done(&buf);
    world_free(&next);
    world_free(&world);
}

/* 40 samples of a gauge, 10 s apart but for one. */
static void what_version_1_saved_is_read(void **state)
{
    static const char saved[] =
        "\x07\x13\x04\x01\x0b\x08\x08\x07\x06\x05\x04\x03\x02\x01\x0d\xa0\xa6\xdd\xfe\xf9\x62\x0f\xbb\x01"
        "\x07\x06\x73\x74\x61\x74\x73\x64\x0b\x05\x67\x61\x75\x67\x65\x0c\x01\x13\x01\x6c\x17\x01\x31\x19"
        "\xa0\xa6\xdd\xfe\xf9\x62\x1e\x00\x00\x00\x00\x00\x80\x30\x40\x20\x00\x28\x9a\xe5\xcf\xaa\x06\x2f"
        "\x89\x01\x05\xc0\xee\x6d\x09\xa0\xbc\xac\xfe\xf9\x62\x0c\x00\x10\x7f\x17\x09\x01\x10\x08\x10\x8f"
        "\xe5\xcf\x8b\x01\x1b\x6d\x27\x12\x01\x20\xb6\xe5\xcf\x8b\xd1\x90\x3f\x20\xce\x88\xa5\x88\xbe\x89"
        "\x57\x13\xe1\x2a\x26\xaa\x28\xaa\xe2\xae\x8a\xd4\x32\x3b\xef\xa2\x41\x17\x3f\xba\x88\x53\x66\xb5"
        "\x5d\x54\xeb\xe2\x60\x17\x39\xcb\x6c\xb0\x8b\xce\x65\xa6\x56\x46\x00\x65\xcc\x50\xe6\x44\x65\x5c"
        "\x52\xe6\x2b\x65\xec\x53\xe6\x12\x65\x66\x50\x46\x64\x3f\x20\xce\xcb\xda\x3f\x1f\xce\x8c\xfa\xba"
        "\x8c\xda\xe5\xc7\x32\x16\xed\x72\x57\x97\x89\xba\xbc\x52\xc6\xd4\x55\xce\x07";
    static const struct wanted wanted[] = {{"gauge", 15 * FA_MINUTE, false, 0}};
    struct world world = world_new(wanted, 1);
    struct fa_loaded loaded;
    struct fa_err err;
    struct fa_point points[40];
    fa_time now = T0 + 410 * FA_SECOND;
    assert_int_equal(fa_metrics_load(world.metrics, (struct fa_str){saved, sizeof saved - 1},
                                     at(now), &loaded, &err),
                     0);
    assert_int_equal(loaded.series, 1);
    push(&world, series(&world, FA_KIND_GAUGE, "gauge", 1), 5, now);
    struct fa_link *link = fa_watcher_take_dirty(world.watcher);
    assert_non_null(link);
    assert_int_equal(fa_link_points(link, now - FA_HOUR, now, points, 40), 40);
    for (int i = 0; i < 39; i++) {
        assert_int_equal(points[i].at, T0 + (i + 1 + (i >= 30)) * 10 * FA_SECOND);
        assert_true(points[i].value == (i * i % 97) / 4.0);
    }
    world_free(&world);
}

/* Fields of one window, by the numbers that save.c gives them. */
enum { W_SPAN = 1, W_SINCE, W_SKETCH, W_READS, W_SMALL, W_LARGE, W_SLOT, W_OPEN, W_BINS };

static void put_window(struct fa_buf *buf, const uint32_t *tags, size_t count)
{
    const struct fa_slot open = {.last_at = T0, .last = 1, .samples = 1};
    const uint64_t slot[8] = {(uint64_t)(T0 + FA_MINUTE) << 1};
    const struct fa_sketch empty = {.zero = 0};
    size_t from = buf->len;
    fa_rec_put_i64(buf, W_SPAN, 15 * FA_MINUTE);
    fa_rec_put_i64(buf, W_SINCE, T0);
    fa_rec_put_u64(buf, W_SKETCH, 1);
    for (size_t i = 0; i < count; i++) {
        size_t at = buf->len;
        if (tags[i] == W_BINS) {
            fa_sketch_save(&empty, buf);
            fa_rec_wrap(buf, W_BINS, at);
        } else if (tags[i] == W_OPEN) {
            fa_rec_put_bytes(buf, W_OPEN, &open, sizeof open);
        } else {
            fa_rec_put_bytes(buf, W_SLOT, slot, sizeof slot);
        }
    }
    fa_rec_wrap(buf, 11, from);
}

/* A save of one series with that window. */
static void put_series(struct fa_buf *buf, const uint32_t *tags, size_t count)
{
    struct world none = world_new(NULL, 0);
    save(&none, T0, 1 << 20, buf);
    world_free(&none);
    size_t from = buf->len;
    fa_rec_put_text(buf, 1, "statsd");
    fa_rec_put_text(buf, 2, "timer");
    fa_rec_put_u64(buf, 3, FA_KIND_DISTRIBUTION);
    put_window(buf, tags, count);
    fa_rec_wrap(buf, 3, from);
}

static void nothing_may_follow_the_open_slot(void **state)
{
    static const struct {
        uint32_t tags[4];
        size_t count;
        int rc;
    } rows[] = {
        {{W_BINS, W_OPEN}, 2, 0},
        {{W_BINS, W_SLOT}, 2, 0},
        {{W_BINS, W_OPEN, W_SLOT}, 3, FA_EPARSE}, /* the slot would take the open one's sketch */
        {{W_BINS, W_OPEN, W_BINS, W_SLOT}, 4, FA_EPARSE},
        {{W_BINS, W_OPEN, W_OPEN}, 3, FA_EPARSE},
        {{W_OPEN}, 1, FA_EPARSE},
        {{W_SLOT}, 1, FA_EPARSE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world next = world_new(ALL, 9);
        struct fa_loaded loaded;
        struct fa_err err;
        struct fa_buf buf;
        fa_buf_init(&buf, SIZE_MAX / 2);
        put_series(&buf, rows[i].tags, rows[i].count);
        assert_int_equal(fa_metrics_load(next.metrics, fa_buf_str(&buf), at(T0), &loaded, &err),
                         rows[i].rc);
        fa_buf_done(&buf);
        world_free(&next);
    }
}

/* A gauge each 10 s for that long, kept by a window of `from`, then by one of `to`. */
static fa_time since_after(fa_time kept, fa_time from, fa_time to, fa_time hole)
{
    const struct wanted old = {"gauge", from, false, 0}, new = {"gauge", to, false, 0};
    struct world world = world_new(&old, 1), next = world_new(&new, 1);
    struct fa_loaded loaded;
    struct fa_err err;
    struct fa_buf buf;
    fa_buf_init(&buf, SIZE_MAX / 2);
    for (fa_time t = 0; t <= kept; t += 10 * FA_SECOND) {
        push(&world, series(&world, FA_KIND_GAUGE, "gauge", 1), 1, T0 + t);
    }
    save(&world, T0 + kept, 1 << 20, &buf);
    assert_int_equal(
        fa_metrics_load(next.metrics, fa_buf_str(&buf), at(T0 + kept + hole), &loaded, &err), 0);
    struct fa_link *link = fa_watcher_take_dirty(next.watcher);
    assert_non_null(link);
    fa_time since = fa_link_since(link) - T0;
    fa_buf_done(&buf);
    world_free(&world);
    world_free(&next);
    return since;
}

static void a_longer_window_knows_only_what_the_shorter_one_kept(void **state)
{
    const fa_time day = FA_DAY, minute = FA_MINUTE;
    assert_int_equal(since_after(day, 5 * minute, 5 * minute, 0), 0);
    assert_int_equal(since_after(day, 30 * minute, 5 * minute, 0), 0);
    fa_time since = since_after(day, 5 * minute, 30 * minute, 0);
    assert_in_range(since, day - 29 * minute, day - 5 * minute);
    since = since_after(day, 5 * minute, 6 * FA_HOUR, 0);
    assert_in_range(since, day - 29 * minute, day - 5 * minute);
}

static void a_window_is_covered_anew_after_a_long_hole(void **state)
{
    static const struct {
        fa_time from, to, hole;
        bool anew;
    } rows[] = {
        {5 * FA_MINUTE, 5 * FA_MINUTE, 3 * FA_SECOND, false},
        {15 * FA_MINUTE, 15 * FA_MINUTE, 90 * FA_SECOND, false},
        {15 * FA_MINUTE, 15 * FA_MINUTE, 91 * FA_SECOND, true},
        {5 * FA_MINUTE, 15 * FA_MINUTE, 4 * FA_MINUTE, true},
        {15 * FA_MINUTE, 5 * FA_MINUTE, 4 * FA_MINUTE, true},
        {FA_DAY, FA_DAY, 30 * FA_MINUTE, false},
        {FA_DAY, FA_DAY, FA_HOUR, true},
        {FA_DAY, FA_HOUR, 30 * FA_MINUTE, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fa_time since = since_after(FA_DAY, rows[i].from, rows[i].to, rows[i].hole);
        assert_int_equal(since >= FA_DAY, rows[i].anew);
        assert_true(!rows[i].anew || since == FA_DAY + rows[i].hole);
    }
}

/* A rule that reads a longer span comes with a reload. */
static void a_hole_stays_one_in_a_window_that_gets_longer(void **state)
{
    const struct wanted wanted = {"gauge", 5 * FA_MINUTE, false, 0};
    struct world world = world_new(&wanted, 1), next = world_new(&wanted, 1);
    struct fa_watch_spec longer = {
        .metric = FA_STR("gauge"), .over = 10 * FA_MINUTE, .owner = &longer};
    struct fa_loaded loaded;
    struct fa_link *link;
    struct fa_err err;
    struct fa_buf buf;
    fa_buf_init(&buf, SIZE_MAX / 2);
    push(&world, series(&world, FA_KIND_GAUGE, "gauge", 1), 1, T0);
    save(&world, T0, 1 << 20, &buf);
    assert_int_equal(
        fa_metrics_load(next.metrics, fa_buf_str(&buf), at(T0 + 2 * FA_MINUTE), &loaded, &err), 0);
    fa_watcher_add(next.watcher, &longer);
    while ((link = fa_watcher_take_dirty(next.watcher)) != NULL) {
        assert_int_equal(fa_link_since(link), T0 + 2 * FA_MINUTE);
    }
    fa_buf_done(&buf);
    world_free(&world);
    world_free(&next);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_kept_is_there_after_a_restart),
        cmocka_unit_test(what_no_rule_reads_any_more_is_left_out),
        cmocka_unit_test(what_is_damaged_is_refused),
        cmocka_unit_test(what_version_1_saved_is_read),
        cmocka_unit_test(nothing_may_follow_the_open_slot),
        cmocka_unit_test(a_longer_window_knows_only_what_the_shorter_one_kept),
        cmocka_unit_test(a_window_is_covered_anew_after_a_long_hole),
        cmocka_unit_test(a_hole_stays_one_in_a_window_that_gets_longer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
