/* SPDX-License-Identifier: MIT */
/* links: fa_bench_rig fa_metrics fa_base */
/* Memory of a watched series, all that metrics/ has of it included (spelling, labels, indexes, the
 * link to its rule), and the time of a sample: without a window, with 15 min at one sample in 10 s
 * of gauges of two decimals, with 30 days of an increase; each at a tenth and ten times the size.
 * And the time of a sample when a hundred come in a second. Prints key=value lines. */
#include "figures.h"
#include "metrics/watch.h"

#include <malloc.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define T0 INT64_C(1700000000000)

struct shape {
    const char *name;
    struct fa_watch_spec spec;
    enum fa_kind kind;
    fa_time every, run; /* a sample each, for so long */
    unsigned series;
    double grows; /* a total: by that at most; 0: any of two decimals; below 0: by a little */
};

struct world {
    struct fa_metrics *metrics;
    struct fa_watcher *watcher;
    struct fa_feed *feed;
    uint64_t *handles;
    double *values;
    unsigned count;
};

static double used_bytes(void)
{
    struct mallinfo2 info = mallinfo2();
    return (double)(info.uordblks + info.hblkhd);
}

/* Links are looked at and left, as a rule does that has nothing to say. */
static void settle(struct world *world)
{
    static struct fa_quiet quiet = {.kind = FA_QUIET_POINT, .low = -INFINITY, .high = INFINITY};
    struct fa_link *link;
    while ((link = fa_watcher_take_queued(world->watcher)) != NULL ||
           (link = fa_watcher_take_dirty(world->watcher)) != NULL) {
        fa_link_set_quiet(link, &quiet);
        (void)fa_link_rest(link);
    }
}

static void define(struct world *world, const struct shape *shape)
{
    for (unsigned i = 0; i < world->count; i++) {
        char raw[48], value[16];
        int len = snprintf(raw, sizeof raw, "desk.wait|#q:%u", i);
        int digits = snprintf(value, sizeof value, "%u", i);
        struct fa_label label = {FA_STR("q"), {value, (size_t)digits}};
        world->handles[i] =
            fa_metrics_define(world->feed, shape->kind, (struct fa_str){raw, (size_t)len},
                              shape->spec.metric, &label, 1);
    }
}

static void push(struct world *world, const struct shape *shape, fa_time now, uint64_t *random)
{
    for (unsigned i = 0; i < world->count; i++) {
        *random = *random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        double unit = (double)(*random >> 44) / (double)(1 << 20);
        world->values[i] = shape->grows > 0 ? world->values[i] + floor(unit * shape->grows)
                           : shape->grows < 0
                               ? round(world->values[i] * 100 + (unit - 0.5) * 200) / 100
                               : floor(unit * 10000) / 100;
    }
    fa_metrics_push(world->feed, (struct fa_now){now, now}, world->handles, world->values, NULL,
                    NULL, world->count);
    settle(world);
}

static void run(const struct shape *shape, const char *size, unsigned count)
{
    struct fa_metrics_limits limits = {.series = count};
    struct world world = {.count = count,
                          .handles = malloc(count * sizeof(uint64_t)),
                          .values = calloc(count, sizeof(double))};
    double before = used_bytes();
    uint64_t random = 1, samples = 0;
    world.metrics = fa_metrics_new(&limits);
    world.watcher = fa_watcher_new(world.metrics);
    world.feed = fa_metrics_feed(world.metrics, "bench");
    double empty = used_bytes();
    fa_watcher_add(world.watcher, &shape->spec);
    define(&world, shape);
    settle(&world);
    double most = 0;
    int64_t start = bench_ns();
    for (fa_time t = 0; t < shape->run; t += shape->every, samples += count) {
        push(&world, shape, T0 + t, &random);
        double now = used_bytes() - empty;
        most = now > most ? now : most;
    }
    printf("windows_%s%s_series=%u windows_%s%s_bytes_each=%.0f windows_%s%s_ns_a_sample=%.1f\n",
           shape->name, size, count, shape->name, size, most / count, shape->name, size,
           (double)(bench_ns() - start) / (double)samples);
    if (fa_feed_stats(world.feed).samples != samples) {
        bench_fail("%llu samples were not taken", (unsigned long long)samples);
    }
    fa_watcher_free(world.watcher);
    fa_metrics_free(world.metrics);
    free(world.handles);
    free(world.values);
    malloc_trim(0);
    if (used_bytes() > before + 1e6) {
        bench_fail("memory was left");
    }
}

int main(void)
{
    const struct shape shapes[] = {
        {"none",
         {.metric = FA_STR("a"), .rest = FA_HOUR},
         FA_KIND_GAUGE,
         10 * FA_SECOND,
         FA_MINUTE,
         100000,
         0},
        {"15m",
         {.metric = FA_STR("a"), .over = 15 * FA_MINUTE},
         FA_KIND_GAUGE,
         10 * FA_SECOND,
         30 * FA_MINUTE,
         100000,
         0},
        {"15m_walk",
         {.metric = FA_STR("a"), .over = 15 * FA_MINUTE},
         FA_KIND_GAUGE,
         10 * FA_SECOND,
         30 * FA_MINUTE,
         10000,
         -1},
        {"15m_ms",
         {.metric = FA_STR("a"), .over = 15 * FA_MINUTE},
         FA_KIND_GAUGE,
         9997,
         30 * FA_MINUTE,
         10000,
         0},
        {"1h_1s",
         {.metric = FA_STR("a"), .over = FA_HOUR},
         FA_KIND_GAUGE,
         FA_SECOND,
         70 * FA_MINUTE,
         1000,
         0},
        {"30d",
         {.metric = FA_STR("a"), .over = 30 * FA_DAY, .reads = FA_READS_INCREASE},
         FA_KIND_COUNTER_CUMULATIVE,
         20 * FA_MINUTE,
         31 * FA_DAY,
         500,
         100},
        {"busy",
         {.metric = FA_STR("a"), .over = 15 * FA_MINUTE},
         FA_KIND_DISTRIBUTION,
         10,
         FA_MINUTE,
         1000,
         0},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        run(&shapes[i], "_tenth", shapes[i].series / 10);
        run(&shapes[i], "", shapes[i].series);
        run(&shapes[i], "_tenfold", shapes[i].series * 10);
    }
    return 0;
}
