/* SPDX-License-Identifier: MIT */
/* links: fa_bench_rig */
/* 10,000 alarms at once (100 rules, 100 label sets each) to one machine channel: until the receiver
 * has the last, what it costs, and how long the loop is held meanwhile. Then the daemon is ended
 * and started on that store: how long until it answers, and in what memory, beside a start on an
 * empty store. */
#include "rig.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ROUNDS   3
#define RULES    100
#define SETS     100
#define GUARD_MS 60000

struct arrivals {
    atomic_uchar seen[RULES * SETS];
    atomic_uint count, again, climbed;
    _Atomic int64_t first, last;
};

static void on_post(void *ctx, int64_t ns, const char *path, const char *body)
{
    struct arrivals *arrivals = ctx;
    const char *rule = strstr(body, "\"rule\":\"r"), *label = strstr(body, "\"k\":\"v");
    if (rule == NULL || label == NULL) {
        return;
    }
    if (strcmp(path, "/first") != 0) {
        atomic_fetch_add(&arrivals->climbed, 1);
        return;
    }
    unsigned long n = strtoul(rule + 9, NULL, 10) * SETS + strtoul(label + 6, NULL, 10);
    if (n >= RULES * SETS || atomic_exchange(&arrivals->seen[n], 1) != 0) {
        atomic_fetch_add(&arrivals->again, 1);
        return;
    }
    if (atomic_fetch_add(&arrivals->count, 1) == 0) {
        atomic_store(&arrivals->first, ns);
    }
    atomic_store(&arrivals->last, ns);
}

static char *make_rules(void)
{
    char *text = malloc(RULES * 300);
    size_t len = 0;
    len += (size_t)sprintf(text + len, "rules = (");
    for (int i = 0; i < RULES; i++) {
        len +=
            (size_t)sprintf(text + len,
                            "%s\n  { name = \"r%d\"; category = \"danger\"; policy = \"leaders\";"
                            " severity = \"critical\";\n    metric = \"m%d\"; take = \"last\";"
                            " per = [ \"k\" ]; above = 10.0;\n"
                            "    summary = \"{k} is at {value}\"; expect = \"Decide\"; }",
                            i > 0 ? "," : "", i, i);
    }
    sprintf(text + len, "\n);\n");
    return text;
}

static void raise_all(const struct rig *rig)
{
    int fd = rig_connect_statsd(rig);
    for (int rule = 0; rule < RULES; rule++) {
        for (int set = 0; set < SETS;) {
            char bytes[1400];
            size_t len = 0;
            while (set < SETS && len < sizeof bytes - 64) {
                len += (size_t)sprintf(bytes + len, "m%d:99|g|#k:v%d\n", rule, set++);
            }
            if (send(fd, bytes, len, 0) != (ssize_t)len) {
                bench_fail("cannot send: %s", strerror(errno));
            }
        }
    }
    close(fd);
}

static void wait_for_all(struct arrivals *arrivals, int64_t start)
{
    while (atomic_load(&arrivals->count) < RULES * SETS) {
        if (bench_ms_since(start) > GUARD_MS) {
            bench_fail("%u of %d within %d s", atomic_load(&arrivals->count), RULES * SETS,
                       GUARD_MS / 1000);
        }
        bench_pause_us(200);
    }
}

/* All verdicts are in and durable: what the last receipt costs belongs to the bill. */
static void wait_for_rest(const struct rig *rig)
{
    int fd = rig_connect_http(rig);
    int64_t start = bench_ns();
    while (rig_metric(fd, "firealarm_outbox") > 0) {
        if (bench_ms_since(start) > GUARD_MS) {
            bench_fail("the outbox does not empty");
        }
        bench_pause_us(20000);
    }
    close(fd);
}

struct columns {
    struct figures all_ms, first_ms, rate, cpu, daemon_cpu, daemon_peak, courier_peak, lag, machine,
        again, climbed;
    struct figures empty_start, start, start_rss, start_peak, metrics_ms, list_ms;
};

static void storm(struct rig *rig, struct arrivals *arrivals, struct columns *c)
{
    pid_t courier = rig_courier(rig);
    double before = usage_of(rig->pid).cpu_ms, courier_before = usage_of(courier).cpu_ms;
    struct probe *probe = probe_start(rig);
    int64_t start = bench_ns();
    raise_all(rig);
    wait_for_all(arrivals, start);
    probe_stop(probe, &c->lag, &c->machine);
    wait_for_rest(rig);
    double ms = (double)(atomic_load(&arrivals->last) - start) / 1e6;
    struct usage daemon = usage_of(rig->pid), child = usage_of(courier);
    figures_add(&c->all_ms, ms);
    figures_add(&c->first_ms, (double)(atomic_load(&arrivals->first) - start) / 1e6);
    figures_add(&c->rate, RULES * SETS * 1000.0 / ms);
    figures_add(&c->daemon_cpu, (daemon.cpu_ms - before) * 1000 / (RULES * SETS));
    figures_add(&c->cpu,
                (daemon.cpu_ms - before + child.cpu_ms - courier_before) * 1000 / (RULES * SETS));
    figures_add(&c->daemon_peak, daemon.peak_mib);
    figures_add(&c->courier_peak, child.peak_mib);
    figures_add(&c->again, atomic_load(&arrivals->again));
    figures_add(&c->climbed, atomic_load(&arrivals->climbed));
}

/* What reading costs while so many are open: the loop is held for so long. */
static void read_all(const struct rig *rig, struct columns *c)
{
    char body[256];
    int http = rig_connect_http(rig), api = rig_connect_api(rig);
    int64_t start = bench_ns();
    rig_get(http, "/metrics", body, sizeof body);
    figures_add(&c->metrics_ms, bench_ms_since(start));
    start = bench_ns();
    rig_get(api, "/v1/alarms?state=open&limit=100", body, sizeof body);
    figures_add(&c->list_ms, bench_ms_since(start));
    close(http);
    close(api);
}

static void round_of(const char *rules, struct columns *c)
{
    struct arrivals *arrivals = calloc(1, sizeof *arrivals);
    struct rig rig = {.rules = rules, .on_post = on_post, .ctx = arrivals};
    rig_open(&rig);
    figures_add(&c->empty_start, rig_start(&rig));
    storm(&rig, arrivals, c);
    read_all(&rig, c);
    rig_stop(&rig);
    figures_add(&c->start, rig_start(&rig));
    figures_add(&c->start_rss, usage_of(rig.pid).rss_mib);
    figures_add(&c->start_peak, usage_of(rig.pid).peak_mib);
    rig_close(&rig);
    free(arrivals);
}

int main(void)
{
    struct columns c = {0};
    char *rules = make_rules();
    for (int round = 0; round < ROUNDS; round++) {
        round_of(rules, &c);
    }
    struct {
        const char *name;
        struct figures *figures;
    } rows[] = {
        {"storm_10000_last_ms", &c.all_ms},
        {"storm_10000_first_ms", &c.first_ms},
        {"storm_alarms_per_second", &c.rate},
        {"storm_cpu_us_each", &c.cpu},
        {"storm_daemon_cpu_us_each", &c.daemon_cpu},
        {"storm_daemon_peak_mib", &c.daemon_peak},
        {"storm_courier_peak_mib", &c.courier_peak},
        {"storm_sent_again", &c.again},
        {"storm_climbed_on", &c.climbed},
        {"storm_metrics_ms", &c.metrics_ms},
        {"storm_list_100_ms", &c.list_ms},
        {"start_empty_ms", &c.empty_start},
        {"start_10000_ms", &c.start},
        {"start_10000_rss_mib", &c.start_rss},
        {"start_10000_peak_mib", &c.start_peak},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        figures_print(rows[i].figures, rows[i].name);
        figures_done(rows[i].figures);
    }
    figures_print_latency(&c.lag, "storm_loop_lag_ms");
    figures_print_latency(&c.machine, "storm_machine_lag_ms");
    figures_done(&c.lag);
    figures_done(&c.machine);
    free(rules);
    return 0;
}
