/* SPDX-License-Identifier: MIT */
/* links: fa_bench_rig */
/* StatsD over UDP, counted by the daemon itself: CPU of a sample and the highest rate that loses at
 * most one in a thousand. The daemon has one core, the generator the other. 10,000 series: half
 * under a `last`, a quarter under a `rate` over 5 min, a quarter under an `avg` over 15 min, all
 * with `for`. Each figure stands beside the barest receiver's in the same round. */
#include "flood.h"
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ROUNDS   3
#define SERIES   10000
#define STEP_MS  1000.0
#define LOSS_MAX 0.001

static const char rules[] =
    "rules = (\n"
    "  { name = \"a\"; category = \"danger\"; severity = \"critical\"; policy = \"leaders\";\n"
    "    metric = \"desk.wait\"; take = \"last\"; per = [ \"q\" ]; above = 100000.0;\n"
    "    for = \"10m\"; summary = \"{q}\"; expect = \"Decide\"; },\n"
    "  { name = \"b\"; category = \"danger\"; severity = \"critical\"; policy = \"leaders\";\n"
    "    metric = \"desk.calls\"; take = \"rate\"; over = \"5m\"; per = [ \"q\" ];\n"
    "    above = 100000000.0; for = \"10m\"; summary = \"{q}\"; expect = \"Decide\"; },\n"
    "  { name = \"c\"; category = \"danger\"; severity = \"critical\"; policy = \"leaders\";\n"
    "    metric = \"desk.talk\"; take = \"avg\"; over = \"15m\"; per = [ \"q\" ];\n"
    "    above = 100000.0; for = \"10m\"; summary = \"{q}\"; expect = \"Decide\"; } );\n";

static size_t line(char *at, size_t size, unsigned n, unsigned value)
{
    static const char *const names[] = {"desk.wait", "desk.calls", "desk.wait", "desk.talk"};
    static const char *const types[] = {"g", "c", "g", "ms"};
    return (size_t)snprintf(at, size, "%s:%u|%s|#q:%u\n", names[n % 4], value, types[n % 4], n);
}

struct columns {
    struct figures cpu, bare_cpu, ratio, rate, bare_rate, full, bare_full;
};

struct step {
    double lines, taken, cpu_us;
};

static double taken_of(int http)
{
    return rig_metric(http, "firealarm_feed_samples_total{feed=\"udp\"}");
}

/* What comes late is waited for, a quarter of a second without news. */
static double settle(double (*read)(void *ctx), void *ctx)
{
    double seen = read(ctx);
    for (int64_t since = bench_ns(); bench_ms_since(since) < 250;) {
        bench_pause_us(10000);
        double now = read(ctx);
        since = now != seen ? bench_ns() : since;
        seen = now;
    }
    return seen;
}

static double read_daemon(void *ctx)
{
    return taken_of(*(int *)ctx);
}

static double read_bare(void *ctx)
{
    return (double)((struct bare *)ctx)->shared->lines;
}

struct target {
    pid_t pid;
    int fd;
    double (*read)(void *ctx);
    void *ctx;
};

static struct step run_step(struct flood *flood, const struct target *target, double rate)
{
    double before = settle(target->read, target->ctx), cpu = flood_cpu_us(target->pid);
    struct step step = {.lines = flood_send(flood, target->fd, rate, STEP_MS)};
    step.taken = settle(target->read, target->ctx) - before;
    step.cpu_us = flood_cpu_us(target->pid) - cpu;
    return step;
}

/* The highest rate of the ladder that is taken (nearly) whole, and the CPU of a sample there. */
static void climb(struct flood *flood, const struct target *target, struct figures *rate,
                  struct figures *cpu, struct figures *full)
{
    static const double ladder[] = {1e6, 2e6, 3e6, 4e6, 5e6, 6e6, 7e6, 8e6, 10e6, 12e6, 14e6};
    double best = 0, best_cpu = 0;
    for (size_t i = 0; i < sizeof ladder / sizeof ladder[0]; i++) {
        struct step step = run_step(flood, target, ladder[i]);
        double real = step.lines / STEP_MS * 1000;
        if (getenv("FA_BENCH_STEPS") != NULL) {
            fprintf(stderr, "asked %.1f sent %.2f M/s lost %.3f%% cpu %.4f us\n", ladder[i] / 1e6,
                    real / 1e6, (1 - step.taken / step.lines) * 100, step.cpu_us / step.taken);
        }
        if (step.taken >= step.lines * (1 - LOSS_MAX) && real > best) {
            best = real;
            best_cpu = step.cpu_us / step.taken;
        }
        if (real < ladder[i] * 0.95 || step.taken < step.lines * 0.9) {
            break;
        }
    }
    struct step step = run_step(flood, target, 0);
    figures_add(rate, best / 1e6);
    figures_add(cpu, best_cpu);
    figures_add(full, step.taken / STEP_MS * 1000 / 1e6);
}

static int connect_port(unsigned port)
{
    struct rig to = {.udp_port = port};
    return rig_connect_udp(&to);
}

static void one_round(struct flood *flood, struct columns *c)
{
    struct bare bare;
    bare_start(&bare, 0, SERIES);
    struct target target = {bare.pid, connect_port(bare.port), read_bare, &bare};
    climb(flood, &target, &c->bare_rate, &c->bare_cpu, &c->bare_full);
    close(target.fd);
    bare_stop(&bare);

    struct rig rig = {.rules = rules};
    rig_open(&rig);
    rig_start(&rig);
    flood_pin(rig.pid, 0);
    if (getenv("FA_BENCH_STEPS") != NULL) {
        fprintf(stderr, "daemon %d\n", (int)rig.pid);
    }
    int http = rig_connect_http(&rig);
    target = (struct target){rig.pid, rig_connect_udp(&rig), read_daemon, &http};
    flood_send_once(flood, target.fd);
    (void)settle(read_daemon, &http);
    climb(flood, &target, &c->rate, &c->cpu, &c->full);
    figures_add(&c->ratio,
                c->cpu.values[c->cpu.count - 1] / c->bare_cpu.values[c->bare_cpu.count - 1]);
    close(target.fd);
    close(http);
    rig_close(&rig);
}

int main(void)
{
    struct flood flood;
    struct columns c = {0};
    flood_pin(0, 1);
    flood_init(&flood, 2048, SERIES, 0, line);
    for (int round = 0; round < ROUNDS; round++) {
        one_round(&flood, &c);
    }
    printf("flood_lines_a_datagram=%.1f\n", flood.lines_each);
    figures_print(&c.cpu, "flood_cpu_us_a_sample");
    figures_print(&c.bare_cpu, "flood_bare_cpu_us_a_sample");
    figures_print(&c.ratio, "flood_cpu_ratio_to_bare");
    figures_print(&c.rate, "flood_loss_free_millions_a_second");
    figures_print(&c.bare_rate, "flood_bare_loss_free_millions_a_second");
    figures_print(&c.full, "flood_saturated_millions_a_second");
    figures_print(&c.bare_full, "flood_bare_saturated_millions_a_second");
    struct figures *all[] = {&c.cpu,       &c.bare_cpu, &c.ratio,    &c.rate,
                             &c.bare_rate, &c.full,     &c.bare_full};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        figures_done(all[i]);
    }
    flood_done(&flood);
    return 0;
}
