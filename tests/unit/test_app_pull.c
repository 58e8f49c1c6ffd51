/* SPDX-License-Identifier: MIT */
#include "app/fetch.h"
#include "fa_test.h"
#include "metrics/watch.h"

#define NOW INT64_C(1700000000000)

struct world {
    struct fa_metrics *metrics;
    struct fa_watcher *watcher;
    struct fa_feed *feed;
    struct fa_pull pull;
};

static struct world world_new(void)
{
    struct fa_watch_spec spec = {.metric = FA_STR("a"), .over = 0};
    struct world world = {.metrics = fa_metrics_new(NULL)};
    world.watcher = fa_watcher_new(world.metrics);
    world.feed = fa_metrics_feed(world.metrics, "shop");
    fa_watcher_add(world.watcher, &spec);
    return world;
}

static void world_free(struct world *world)
{
    fa_pull_done(&world->pull);
    fa_watcher_free(world->watcher);
    fa_metrics_free(world->metrics);
}

static uint64_t push(struct world *world, enum fa_kind kind, const char *l)
{
    char raw[16];
    double value = 1;
    struct fa_label label = {FA_STR("l"), fa_str_of(l)};
    snprintf(raw, sizeof raw, "a|%s", l);
    uint64_t handle = fa_metrics_define(world->feed, kind, fa_str_of(raw), FA_STR("a"), &label, 1);
    fa_metrics_push(world->feed, (struct fa_now){NOW, NOW}, &handle, &value, NULL, NULL, 1);
    return handle;
}

static void count(void *ctx, struct fa_feed *feed, uint64_t handle)
{
    ++*(size_t *)ctx;
}

static size_t valued(struct world *world)
{
    size_t n = 0;
    fa_metrics_each_valued(world->metrics, count, &n);
    return n;
}

static void recall(void *ctx, struct fa_feed *feed, uint64_t handle)
{
    fa_pull_recall(ctx, handle);
}

static void what_came_before_a_restart_ends_when_it_does_not_come_again(void **state)
{
    struct world world = world_new();
    (void)push(&world, FA_KIND_GAUGE, "1");
    (void)push(&world, FA_KIND_GAUGE, "2");
    fa_metrics_each_valued(world.metrics, recall, &world.pull);
    assert_int_equal(valued(&world), 2);
    /* one comes, as a state this time: it is the same series */
    uint64_t again = push(&world, FA_KIND_STATE, "2");
    fa_pull_note(&world.pull, &again, 1);
    fa_pull_end(&world.pull, world.feed, true, NOW);
    assert_int_equal(valued(&world), 1);
    again = push(&world, FA_KIND_STATE, "2");
    fa_pull_note(&world.pull, &again, 1);
    fa_pull_end(&world.pull, world.feed, true, NOW);
    assert_int_equal(valued(&world), 1);
    fa_pull_end(&world.pull, world.feed, false, NOW);
    assert_int_equal(valued(&world), 0);
    world_free(&world);
}

static struct fa_daemon daemon_of(struct world *world, struct fa_fetch_job **jobs)
{
    return (struct fa_daemon){.metrics = world->metrics, .fetch = {.jobs = jobs, .count = 1}};
}

/* As when the wall clock steps: the same numbers are those of other series then. */
static void other_metrics_have_none_of_its_series(void **state)
{
    struct world old = world_new(), new = world_new();
    struct fa_fetch_entry entry = {.name = "shop", .series_max = 9};
    struct fa_fetch_job job = {.entry = &entry}, *jobs[] = {&job};
    uint64_t handle = push(&old, FA_KIND_GAUGE, "1");
    struct fa_daemon daemon = daemon_of(&old, jobs);
    fa_fetch_bind_jobs(&daemon);
    fa_pull_note(&job.pull, &handle, 1);
    fa_pull_end(&job.pull, job.source.feed, true, NOW);
    fa_fetch_bind_jobs(&daemon); /* a reload: they stay */
    assert_int_equal(job.pull.before.count, 1);
    (void)push(&new, FA_KIND_GAUGE, "2");
    daemon = daemon_of(&new, jobs);
    fa_fetch_bind_jobs(&daemon);
    fa_pull_end(&job.pull, job.source.feed, true, NOW);
    assert_int_equal(valued(&new), 1);
    fa_pull_done(&job.pull);
    world_free(&old);
    world_free(&new);
}

/* Or each alert that a job pulls is over them. */
static void the_limits_of_a_job_are_those_of_its_alerts(void **state)
{
    struct world world = world_new();
    struct fa_fetch_entry entry = {
        .name = "shop", .series_max = 9, .labels_max = 7, .name_max = 100, .value_max = 200};
    struct fa_fetch_job job = {.entry = &entry}, *jobs[] = {&job};
    struct fa_daemon daemon = daemon_of(&world, jobs);
    fa_fetch_bind_jobs(&daemon);
    assert_int_equal(job.source.labels_max, 7);
    assert_int_equal(job.source.name_max, 100);
    assert_int_equal(job.source.value_max, 200);
    world_free(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_came_before_a_restart_ends_when_it_does_not_come_again),
        cmocka_unit_test(other_metrics_have_none_of_its_series),
        cmocka_unit_test(the_limits_of_a_job_are_those_of_its_alerts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
