/* SPDX-License-Identifier: MIT */
/* links: fa_bench_rig */
/* A million series under one `last` rule with `for`, over UDP: how much memory they take, and the
 * CPU of a sample when each series reports in turn, so that nothing is in any cache. The daemon has
 * one core, the generator the other; the barest receiver gets the same. Then the longest slice of
 * the checkpoint that holds them all, which comes within a minute. */
#include "flood.h"
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SERIES    1000000
#define DATAGRAMS 26000 /* hold each series once */
#define RATE      1.5e6
#define RUN_MS    4000.0

static const char rules[] =
    "rules = (\n"
    "  { name = \"a\"; category = \"danger\"; severity = \"critical\"; policy = \"leaders\";\n"
    "    metric = \"desk.wait\"; take = \"last\"; per = [ \"q\" ]; above = 100000.0;\n"
    "    for = \"10m\"; summary = \"{q}\"; expect = \"Decide\"; } );\n";

static size_t line(char *at, size_t size, unsigned n, unsigned value)
{
    return (size_t)snprintf(at, size, "desk.wait:%u|g|#q:%u\n", value, n);
}

static double wait_for(int http, const char *name, double at_least)
{
    double seen = 0;
    for (int64_t start = bench_ns(); bench_ms_since(start) < 60000;) {
        seen = rig_metric(http, name);
        if (seen >= at_least) {
            break;
        }
        bench_pause_us(20000);
    }
    return seen;
}

static void run(struct flood *flood, const struct rig *rig, int http)
{
    static const char samples[] = "firealarm_feed_samples_total{feed=\"udp\"}";
    int fd = rig_connect_udp(rig);
    double before = rig_metric(http, samples), cpu = flood_cpu_us(rig->pid);
    double sent = flood_send(flood, fd, RATE, RUN_MS);
    bench_pause_us(300000);
    double taken = rig_metric(http, samples) - before;
    printf("series_cpu_us_a_sample=%.4f series_sent_a_second=%.0f series_lost_percent=%.3f\n",
           (flood_cpu_us(rig->pid) - cpu) / taken, sent * 1000 / RUN_MS, (1 - taken / sent) * 100);
    close(fd);
}

static void show_checkpoint(const struct rig *rig, int http)
{
    char path[256];
    struct stat st = {0};
    snprintf(path, sizeof path, "%s/state/windows", rig->dir);
    if (wait_for(http, "firealarm_checkpoints_total", 1) < 1 || stat(path, &st) != 0) {
        bench_fail("no checkpoint was written");
    }
    printf("series_checkpoint_slice_cpu_ms_max=%.3f series_checkpoint_mib=%.1f\n",
           rig_metric(http, "firealarm_checkpoint_slice_seconds") * 1000,
           (double)st.st_size / 1048576);
}

static void run_bare(struct flood *flood)
{
    struct bare bare;
    bare_start(&bare, 0, SERIES);
    struct rig to = {.udp_port = bare.port};
    int fd = rig_connect_udp(&to);
    double cpu = flood_cpu_us(bare.pid);
    (void)flood_send(flood, fd, RATE, RUN_MS);
    bench_pause_us(300000);
    if (bare.shared->lines == 0) {
        bench_fail("the yardstick got nothing");
    }
    printf("series_bare_cpu_us_a_sample=%.4f\n",
           (flood_cpu_us(bare.pid) - cpu) / (double)bare.shared->lines);
    close(fd);
    bare_stop(&bare);
}

int main(void)
{
    struct flood flood;
    struct rig rig = {.rules = rules, .feed_limits = " limits = { series = 1100000; };"};
    flood_pin(0, 1);
    flood_init(&flood, DATAGRAMS, SERIES, 1, line);
    run_bare(&flood);
    rig_open(&rig);
    rig_start(&rig);
    flood_pin(rig.pid, 0);
    if (getenv("FA_BENCH_STEPS") != NULL) {
        fprintf(stderr, "daemon %d\n", (int)rig.pid);
    }
    int fd = rig_connect_udp(&rig);
    double empty = usage_of(rig.pid).rss_mib, cpu = flood_cpu_us(rig.pid);
    int64_t start = bench_ns();
    for (int i = 0; i < 3; i++) { /* what is lost the first time is not the second */
        flood_send_once(&flood, fd);
        bench_pause_us(300000);
    }
    int http = rig_connect_http(&rig); /* only now: it has 10 s for its first request */
    double series = wait_for(http, "firealarm_feed_series{feed=\"udp\"}", SERIES);
    double evaluated = wait_for(http, "firealarm_rule_evaluations_total", SERIES);
    printf(
        "series=%.0f series_evaluated=%.0f series_made_in_ms=%.0f series_made_cpu_us_each=%.2f\n",
        series, evaluated, bench_ms_since(start), (flood_cpu_us(rig.pid) - cpu) / SERIES);
    struct usage usage = usage_of(rig.pid);
    printf("series_rss_mib=%.1f series_peak_mib=%.1f series_bytes_each=%.0f\n", usage.rss_mib,
           usage.peak_mib, (usage.rss_mib - empty) * 1048576 / SERIES);
    for (int round = 0; round < 3; round++) {
        run(&flood, &rig, http);
    }
    show_checkpoint(&rig, http);
    close(fd);
    close(http);
    rig_close(&rig);
    flood_done(&flood);
    return 0;
}
