/* SPDX-License-Identifier: MIT */
/* links: fa_test_world fa_test_support fa_bench_rig */
/* 100,000 alarms in the engine alone: the CPU time and memory of each, of the verdict that settles
 * its notification, and of what a loop turn or a reader asks while all of them are open. */
#include "fa_test.h"
#include "figures.h"
#include "world.h"

#include <malloc.h>

#define ALARMS 100000
#define ROUNDS 3
#define ASKED  20

struct columns {
    struct figures raise, bytes, verdict, stats_us, deadline, tick;
};

/* Gives the ids of all notifications that are to be sent, and drops the rest of the actions. */
static size_t take_sends(struct world *w, struct fa_notification_id *ids, size_t count)
{
    for (size_t i = 0; i < w->actions.count; i++) {
        if (w->actions.list[i].kind == FA_ACT_SEND && count < ALARMS) {
            ids[count++] = w->actions.list[i].u.send;
        }
    }
    fa_actions_clear(&w->actions);
    return count;
}

static void step(struct world *w, struct fa_event *event)
{
    event->rng.state[0] = ++w->seed * UINT64_C(0x9e3779b97f4a7c15);
    event->rng.state[1] = w->seed;
    fa_engine_step(w->engine, event, w->now, &w->actions);
}

static size_t raise_all(struct world *w, struct fa_notification_id *ids)
{
    size_t count = 0;
    for (unsigned i = 0; i < ALARMS; i++) {
        char labels[64];
        snprintf(labels, sizeof labels, "queue=\"q%u\"", i);
        struct fa_signal signal = {.rule = w->setup.rules[0],
                                   .labels = labels,
                                   .level = FA_LEVEL_FIRING,
                                   .value = i,
                                   .since = w->now.wall};
        struct fa_event event = {.kind = FA_EV_SIGNAL, .u.signal = &signal};
        step(w, &event);
        count = take_sends(w, ids, count);
    }
    return count;
}

static double each_ns(int64_t start, size_t count)
{
    return (double)(bench_ns() - start) / (double)count;
}

static void ask(struct world *w, struct columns *c)
{
    struct fa_engine_stats stats;
    fa_time sum = 0;
    int64_t start = bench_ns();
    for (int i = 0; i < ASKED; i++) {
        fa_engine_stats(w->engine, &stats);
    }
    figures_add(&c->stats_us, each_ns(start, ASKED) / 1000);
    start = bench_ns();
    for (int i = 0; i < ALARMS; i++) {
        sum += fa_engine_next_deadline(w->engine);
    }
    figures_add(&c->deadline, each_ns(start, ALARMS));
    if (sum == 0 || stats.alarms[FA_ALARM_UNACKED] < ALARMS) {
        bench_fail("the engine holds %u alarms", stats.alarms[FA_ALARM_UNACKED]);
    }
}

static void round_of(struct fa_notification_id *ids, struct columns *c)
{
    struct world w;
    world_begin_firm(&w);
    w.unchecked = true;
    w.setup.alarms_open_max = w.setup.outbox_max = 10 * ALARMS;
    fa_actions_clear(&w.actions);
    size_t before = mallinfo2().uordblks;
    int64_t start = bench_ns();
    size_t count = raise_all(&w, ids);
    figures_add(&c->raise, each_ns(start, ALARMS));
    figures_add(&c->bytes, (double)(mallinfo2().uordblks - before) / ALARMS);
    if (count != ALARMS) {
        bench_fail("%zu of %d were to be sent", count, ALARMS);
    }
    ask(&w, c);
    start = bench_ns();
    for (size_t i = 0; i < count; i++) {
        struct fa_event event = {.kind = FA_EV_VERDICT,
                                 .u.verdict = {ids[i], FA_VERDICT_SENT, 0, -1}};
        step(&w, &event);
        fa_actions_clear(&w.actions);
    }
    figures_add(&c->verdict, each_ns(start, count));
    w.now.mono += 16 * FA_MINUTE; /* everybody's second step is due at once */
    w.now.wall += 16 * FA_MINUTE;
    struct fa_event tick = {.kind = FA_EV_TICK};
    start = bench_ns();
    step(&w, &tick);
    figures_add(&c->tick, each_ns(start, ALARMS));
    fa_actions_clear(&w.actions);
    world_done(&w);
}

int main(void)
{
    struct columns c = {0};
    struct fa_notification_id *ids = malloc(ALARMS * sizeof *ids);
    for (int round = 0; ids != NULL && round < ROUNDS; round++) {
        round_of(ids, &c);
    }
    figures_print(&c.raise, "engine_raise_ns_each");
    figures_print(&c.bytes, "engine_bytes_each");
    figures_print(&c.verdict, "engine_verdict_ns_each");
    figures_print(&c.tick, "engine_all_step_at_once_ns_each");
    figures_print(&c.deadline, "engine_next_deadline_ns");
    figures_print(&c.stats_us, "engine_stats_of_100000_us");
    struct figures *all[] = {&c.raise, &c.bytes, &c.verdict, &c.tick, &c.deadline, &c.stats_us};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        figures_done(all[i]);
    }
    free(ids);
    return 0;
}
