/* SPDX-License-Identifier: MIT */
/* links: fa_metrics fa_base */
/* A checkpoint of any bytes: nothing crashes, hangs or grows without bound; what was read is
 * written as bytes that are read, and are the same when they are written again; and samples go on
 * behind it. */
#include "fuzz.h"
#include "metrics/save.h"
#include "metrics/watch.h"

#include <stdio.h>

#define NOW INT64_C(1700000000000)

static void must_be(bool cond, const char *what)
{
    if (!cond) {
        fprintf(stderr, "not true: %s\n", what);
        abort();
    }
}

struct world {
    struct fa_metrics *metrics;
    struct fa_watcher *watcher;
    struct fa_feed *feed;
};

static struct world world_new(void)
{
    static const struct {
        const char *metric;
        fa_time over;
        bool sketch;
        uint8_t reads;
    } watches[] = {
        {"a", 0, false, 0},
        {"a", 15 * FA_MINUTE, false, 0},
        {"b", FA_HOUR, false, 0},
        {"b", FA_DAY, false, FA_READS_INCREASE},
        {"c", 15 * FA_MINUTE, true, 0},
        {"c", FA_DAY, false, 0},
    };
    struct world world = {.metrics = fa_metrics_new(NULL)};
    world.watcher = fa_watcher_new(world.metrics);
    world.feed = fa_metrics_feed(world.metrics, "f");
    for (size_t i = 0; i < sizeof watches / sizeof watches[0]; i++) {
        struct fa_watch_spec spec = {.metric = fa_str_of(watches[i].metric),
                                     .over = watches[i].over,
                                     .sketch = watches[i].sketch,
                                     .reads = watches[i].reads,
                                     .owner = watches[i].over > 0 ? world.metrics : NULL};
        fa_watcher_add(world.watcher, &spec);
    }
    return world;
}

/* Reads all there is, and adds to it. */
static void use(struct world *world)
{
    struct fa_link *link;
    struct fa_point points[16];
    while ((link = fa_watcher_take_dirty(world->watcher)) != NULL) {
        struct fa_sketch sketch = {.zero = 0};
        struct fa_summary sum;
        size_t count = fa_link_points(link, NOW - FA_DAY, NOW, points, 16);
        if (fa_link_owner(link) != NULL && count > 0) {
            fa_link_read(link, NOW, FA_DAY, &sum, &sketch);
            must_be(sum.samples >= sum.points, "a slot has a sample");
        }
        fa_sketch_done(&sketch);
    }
    for (size_t i = 0; i < 3; i++) {
        static const char *const names[] = {"a", "b", "c"};
        static const enum fa_kind kinds[] = {FA_KIND_GAUGE, FA_KIND_COUNTER_CUMULATIVE,
                                             FA_KIND_DISTRIBUTION};
        uint64_t handle = fa_metrics_define(world->feed, kinds[i], fa_str_of(names[i]),
                                            fa_str_of(names[i]), NULL, 0);
        double values[] = {1, 2, 3};
        uint64_t handles[] = {handle, handle, handle};
        int64_t times[] = {NOW - 1, NOW, NOW - 5 * FA_MINUTE};
        fa_metrics_push(world->feed, (struct fa_now){NOW, NOW}, handles, values, NULL, times, 3);
    }
}

static void save(struct world *world, struct fa_buf *buf)
{
    struct fa_save cursor = {0};
    fa_buf_init(buf, SIZE_MAX / 2);
    while (fa_metrics_save(world->metrics, &cursor, (struct fa_now){NOW, NOW}, 100, buf)) {
    }
}

static void world_free(struct world *world)
{
    fa_watcher_free(world->watcher);
    fa_metrics_free(world->metrics);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct world world = world_new(), next = world_new();
    struct fa_now now = {NOW, NOW};
    struct fa_loaded loaded;
    struct fa_err err;
    struct fa_buf buf, again;
    struct fa_str bytes = {(const char *)data, size};
    bool sound = fa_metrics_load(world.metrics, bytes, now, &loaded, &err) == 0;
    use(&world);
    save(&world, &buf);
    int rc = fa_metrics_load(next.metrics, fa_buf_str(&buf), now, &loaded, &err);
    must_be(!sound || rc == 0, "what is written is read");
    if (rc == 0) {
        use(&next);
    }
    save(&next, &again);
    fa_buf_done(&buf);
    fa_buf_done(&again);
    world_free(&world);
    world_free(&next);
    return 0;
}
