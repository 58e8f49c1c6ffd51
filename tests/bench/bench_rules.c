/* SPDX-License-Identifier: MIT */
/* links: fa_rules fa_metrics fa_base fa_bench_rig */
/* A full pass of rules in PromQL: each series gets a sample, each rule says what it has to say. CPU
 * of this process, medians of PASSES, without feeds and store. At a tenth, once and ten times.
 *
 *   pass      10,000 rules `m > x`, each over its own ten series, of which nothing crosses a line
 *   crossing  the same, and every sample crosses it
 *   rate      1,000 rules `sum by (g) (rate(x[5m])) > y`, each over its own 100 series
 *   window    100 series of a sample a second under avg_over_time() and its kin: of each
 *             evaluation, against the window's length
 *   bare      a comparison for each series, in a loop over an array
 *
 * Beside them, where they are installed, a pass of the same rules over as many series by Debian's
 * prometheus, and by victoria-metrics and vmalert together. That is not the same: ours is the two
 * rooms that judge, without sockets, and takes a sample of each series in that time; theirs are
 * whole processes that take no samples meanwhile and read each series from their store, vmalert by
 * an HTTP request for each rule. Ours judges a sample as it comes, theirs each rule every 2 s,
 * whatever came. Ten series of theirs are beyond the line.
 * FA_PROMETHEUS, FA_VICTORIA and FA_VMALERT name programs in other places. */
#include "base/panic.h"
#include "rules/promql.h"
#include "rules/rules.h"

#include "evaluators.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PASSES     9
#define T0         INT64_C(1700000000000)
#define PEER_RULES 10000

struct world {
    struct fa_metrics *metrics;
    struct fa_feed *feed;
    struct fa_rules *rules;
    struct fa_rule *all;
    const struct fa_rule **pointers;
    size_t rule_count, series_count;
    uint64_t *handles;
    double *values;
    fa_time now, every;
    uint64_t said;
};

static double cpu_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void say(void *ctx, const struct fa_signal *signal)
{
    struct world *world = ctx;
    (void)signal;
    world->said++;
}

static void add_rule(struct world *world, size_t i, const char *const expr[2])
{
    struct fa_rule *rule = &world->all[i];
    struct fa_err err;
    char text[200], name[40];
    snprintf(text, sizeof text, "%s%zu%s", expr[0], i, expr[1]);
    snprintf(name, sizeof name, "r%zu", i);
    rule->name = fa_xstrdup(name);
    if (fa_promql_parse(fa_str_of(text), &rule->query.expr, &err) != 0) {
        fa_panic(__FILE__, __LINE__, err.text);
    }
    rule->query.settle = FA_SECOND;
    rule->query.every = 15 * FA_SECOND;
    world->pointers[i] = rule;
}

static void world_open(struct world *world, size_t rules, size_t series, const char *const expr[2])
{
    struct fa_metrics_limits limits = {.series = 20000000};
    *world = (struct world){
        .rule_count = rules, .series_count = series, .now = T0, .every = 10 * FA_SECOND};
    world->all = fa_xcalloc(rules, sizeof *world->all);
    world->pointers = fa_xcalloc(rules, sizeof(const struct fa_rule *));
    world->handles = fa_xcalloc(series, sizeof *world->handles);
    world->values = fa_xcalloc(series, sizeof *world->values);
    world->metrics = fa_metrics_new(&limits);
    world->feed = fa_metrics_feed(world->metrics, "bench");
    for (size_t i = 0; i < rules; i++) {
        add_rule(world, i, expr);
    }
    world->rules = fa_rules_new(world->pointers, rules, world->metrics);
    for (size_t i = 0; i < series; i++) {
        char name[40], host[40], g[4];
        snprintf(name, sizeof name, "m%zu", i % rules);
        snprintf(host, sizeof host, "host-%zu", i / rules);
        snprintf(g, sizeof g, "%zu", i / rules % 4);
        const struct fa_label labels[] = {{FA_STR("g"), fa_str_of(g)},
                                          {FA_STR("host"), fa_str_of(host)}};
        world->handles[i] =
            fa_metrics_define(world->feed, FA_KIND_GAUGE, FA_STR(""), fa_str_of(name), labels, 2);
    }
}

static void world_close(struct world *world)
{
    fa_rules_free(world->rules);
    fa_metrics_free(world->metrics);
    for (size_t i = 0; i < world->rule_count; i++) {
        fa_promql_free(world->all[i].query.expr);
        free(world->all[i].name);
    }
    free(world->all);
    free(world->pointers);
    free(world->handles);
    free(world->values);
}

/* CPU from the first sample to the last word. */
static double pass(struct world *world, double value, fa_time settle, double *ret_push)
{
    for (size_t i = 0; i < world->series_count; i++) {
        world->values[i] = value + (double)(i % 7);
    }
    world->now += world->every;
    struct fa_now now = {world->now - T0, world->now};
    double before = cpu_ms();
    fa_metrics_push(world->feed, now, world->handles, world->values, NULL, NULL,
                    world->series_count);
    *ret_push = cpu_ms() - before;
    fa_rules_run(world->rules, now, say, world);
    if (settle > 0) {
        world->now += settle;
        now = (struct fa_now){world->now - T0, world->now};
        fa_rules_run(world->rules, now, say, world);
    }
    return cpu_ms() - before;
}

static int by_size(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static double median(double *values)
{
    qsort(values, PASSES, sizeof values[0], by_size);
    return values[PASSES / 2];
}

/* Gives the ms of a quiet pass. */
static double bench_pass(size_t rules)
{
    struct world world;
    double quiet[PASSES], crossing[PASSES], bare[PASSES], push;
    static const char *const expr[2] = {"m", " > 1000"};
    world_open(&world, rules, rules * 10, expr);
    for (int i = 0; i < 3; i++) {
        (void)pass(&world, i, 0, &push);
    }
    for (int i = 0; i < PASSES; i++) {
        quiet[i] = pass(&world, i, 0, &push);
        double before = cpu_ms();
        volatile uint64_t over = 0;
        for (size_t s = 0; s < world.series_count; s++) {
            over += world.values[s] > 1000;
        }
        bare[i] = cpu_ms() - before;
    }
    uint64_t evaluated = fa_rules_evaluations(world.rules);
    for (int i = 0; i < PASSES; i++) {
        crossing[i] = pass(&world, i % 2 == 0 ? 2000 : 0, 0, &push);
    }
    evaluated = fa_rules_evaluations(world.rules) - evaluated;
    if (evaluated != PASSES * world.series_count || world.said < evaluated) {
        fa_panic(__FILE__, __LINE__, "a sample that crosses the line is evaluated, and once");
    }
    printf("rules=%zu series=%zu rules_pass_ms=%.3f rules_crossing_ms=%.3f rules_bare_ms=%.3f\n",
           rules, rules * 10, median(quiet), median(crossing), median(bare));
    world_close(&world);
    return median(quiet);
}

static void bench_rate(size_t rules)
{
    struct world world;
    double took[PASSES], pushed[PASSES];
    static const char *const expr[2] = {"sum by (g) (rate(m", "[5m])) > 1e9"};
    world_open(&world, rules, rules * 100, expr);
    for (int i = 0; i < 35; i++) { /* five minutes and more */
        (void)pass(&world, i * 10, FA_SECOND, &pushed[0]);
    }
    uint64_t evaluated = fa_rules_evaluations(world.rules);
    for (int i = 0; i < PASSES; i++) {
        took[i] = pass(&world, (35 + i) * 10, FA_SECOND, &pushed[i]);
    }
    evaluated = fa_rules_evaluations(world.rules) - evaluated;
    printf("rate_rules=%zu series=%zu rate_pass_ms=%.3f rate_of_it_push_ms=%.3f "
           "rate_evaluated_a_pass=%.1f\n",
           rules, rules * 100, median(took), median(pushed), (double)evaluated / PASSES);
    world_close(&world);
}

static void bench_window(const char *name, unsigned minutes, unsigned more)
{
    struct world world;
    char function[40], rest[40];
    const char *const expr[2] = {function, rest};
    double took[PASSES], push;
    snprintf(function, sizeof function, "%s_over_time(m", name);
    snprintf(rest, sizeof rest, "[%um]) > 1e9", minutes);
    world_open(&world, 100, 100, expr);
    world.every = FA_SECOND;
    for (unsigned i = 0; i < 60 * minutes + 10 + more; i++) {
        (void)pass(&world, i % 50, 0, &push);
    }
    uint64_t evaluated = fa_rules_evaluations(world.rules);
    for (int i = 0; i < PASSES; i++) {
        took[i] = pass(&world, i, 0, &push);
    }
    evaluated = fa_rules_evaluations(world.rules) - evaluated;
    printf("window_%s_%um_us_an_evaluation=%.3f window_%s_%um_evaluated_a_pass=%.1f\n", name,
           minutes, median(took) * 1000 / 100, name, minutes, (double)evaluated / PASSES);
    world_close(&world);
}

/* `bench_rules window NAME MINUTES MORE` for one alone, with so many passes more: what callgrind
 * counts with and without them is theirs. */
int main(int argc, char **argv)
{
    static const char *const functions[] = {"count", "sum", "avg", "min", "max"};
    static const unsigned minutes[] = {1, 15, 60};
    if (argc == 5) {
        bench_window(argv[2], (unsigned)strtoul(argv[3], NULL, 10),
                     (unsigned)strtoul(argv[4], NULL, 10));
        return 0;
    }
    for (size_t i = 0; i < 15; i++) {
        bench_window(functions[i / 3], minutes[i % 3], 0);
    }
    size_t most = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000;
    for (size_t rules = 1000; rules <= most; rules *= 10) {
        double own_ms = bench_pass(rules);
        if (rules == PEER_RULES) {
            evaluators_run("rules_pass", rules, 10, own_ms);
        }
        bench_rate(rules / 10);
    }
    return 0;
}
