/* SPDX-License-Identifier: MIT */
/* links: fa_bench_rig */
/* 10,000 alarms at once (100 rules, 100 label sets each) to one machine channel: until the receiver
 * has the last, what it costs, how long the loop is held meanwhile, and what a filing's receipt
 * takes then. The daemon is ended and started on that store: how long until it answers, and in what
 * memory, beside a start on an empty store. Then the same with 100,000 (1,000 label sets each), in
 * one round. An argument gives the label sets of one rule, and then only that is run. */
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
#define SETS_MAX 5000
#define GUARD_MS 120000

static int sets; /* of each rule */

struct arrivals {
    atomic_uchar seen[RULES * SETS_MAX];
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
    unsigned long n = strtoul(rule + 9, NULL, 10) * (unsigned)sets + strtoul(label + 6, NULL, 10);
    if (n >= (unsigned)(RULES * sets) || atomic_exchange(&arrivals->seen[n], 1) != 0) {
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
        for (int set = 0; set < sets;) {
            char bytes[1400];
            size_t len = 0;
            while (set < sets && len < sizeof bytes - 64) {
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
    while ((int)atomic_load(&arrivals->count) < RULES * sets) {
        if (bench_ms_since(start) > GUARD_MS) {
            bench_fail("%u of %d within %d s", atomic_load(&arrivals->count), RULES * sets,
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

/* Someone files every 10 ms meanwhile. */
struct filer {
    const struct rig *rig;
    pthread_t thread;
    atomic_int stop;
    struct figures receipts;
};

static void *file_meanwhile(void *arg)
{
    struct filer *filer = arg;
    int fd = rig_connect_api(filer->rig);
    for (unsigned n = 0; !atomic_load(&filer->stop); n++) {
        char request[1024];
        size_t len = rig_filing(request, sizeof request, "question", n);
        int64_t start = bench_ns();
        if (rig_ask(fd, request, len, NULL, 0) != 201) {
            bench_fail("a filing was refused during the storm");
        }
        figures_add(&filer->receipts, bench_ms_since(start));
        bench_pause_us(10000);
    }
    close(fd);
    return NULL;
}

struct columns {
    struct figures durable_ms, total_peak, receipts;
    struct figures all_ms, first_ms, rate, cpu, daemon_cpu, daemon_peak, courier_peak, lag, machine,
        again, climbed;
    struct figures empty_start, start, start_rss, start_peak, metrics_ms, list_ms;
};

/* Until the store holds every alarm: from then on a crash loses none. An answer leaves when what it
 * says is durable, so that the counter is enough; verdicts may still be on their way. */
static double wait_until_durable(const struct rig *rig, int64_t start)
{
    int fd = rig_connect_http(rig);
    while (rig_metric(fd, "firealarm_alarms{state=\"unacknowledged\"}") < RULES * sets) {
        if (bench_ms_since(start) > GUARD_MS) {
            bench_fail("the store does not catch up");
        }
        bench_pause_us(20000);
    }
    close(fd);
    return bench_ms_since(start);
}

static void storm(struct rig *rig, struct arrivals *arrivals, struct columns *c)
{
    pid_t courier = rig_courier(rig);
    double before = usage_of(rig->pid).cpu_ms, courier_before = usage_of(courier).cpu_ms;
    struct probe *probe = probe_start(rig);
    struct filer filer = {.rig = rig};
    if (pthread_create(&filer.thread, NULL, file_meanwhile, &filer) != 0) {
        bench_fail("no thread can be started");
    }
    int64_t start = bench_ns();
    raise_all(rig);
    if (sets > 100) { /* asking costs: not where every millisecond counts */
        figures_add(&c->durable_ms, wait_until_durable(rig, start));
    }
    wait_for_all(arrivals, start);
    probe_stop(probe, &c->lag, &c->machine);
    atomic_store(&filer.stop, 1);
    pthread_join(filer.thread, NULL);
    for (size_t i = 0; i < filer.receipts.count; i++) {
        figures_add(&c->receipts, filer.receipts.values[i]);
    }
    figures_done(&filer.receipts);
    wait_for_rest(rig);
    double ms = (double)(atomic_load(&arrivals->last) - start) / 1e6;
    struct usage daemon = usage_of(rig->pid), child = usage_of(courier);
    figures_add(&c->all_ms, ms);
    figures_add(&c->first_ms, (double)(atomic_load(&arrivals->first) - start) / 1e6);
    figures_add(&c->rate, RULES * sets * 1000.0 / ms);
    figures_add(&c->daemon_cpu, (daemon.cpu_ms - before) * 1000 / (RULES * sets));
    figures_add(&c->cpu,
                (daemon.cpu_ms - before + child.cpu_ms - courier_before) * 1000 / (RULES * sets));
    figures_add(&c->daemon_peak, daemon.peak_mib);
    figures_add(&c->courier_peak, child.peak_mib);
    figures_add(&c->total_peak, daemon.peak_mib + child.peak_mib);
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

static void print(struct columns *c)
{
    struct {
        const char *name;
        struct figures *figures;
    } rows[] = {
        {"last_ms", &c->all_ms},
        {"first_ms", &c->first_ms},
        {"durable_ms", &c->durable_ms},
        {"alarms_per_second", &c->rate},
        {"cpu_us_each", &c->cpu},
        {"daemon_cpu_us_each", &c->daemon_cpu},
        {"peak_mib", &c->total_peak},
        {"daemon_peak_mib", &c->daemon_peak},
        {"courier_peak_mib", &c->courier_peak},
        {"sent_again", &c->again},
        {"climbed_on", &c->climbed},
        {"metrics_ms", &c->metrics_ms},
        {"list_100_ms", &c->list_ms},
        {"start_empty_ms", &c->empty_start},
        {"start_ms", &c->start},
        {"start_rss_mib", &c->start_rss},
        {"start_peak_mib", &c->start_peak},
    };
    char name[80];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].figures->count > 0) {
            snprintf(name, sizeof name, "storm_%d_%s", RULES * sets, rows[i].name);
            figures_print(rows[i].figures, name);
        }
        figures_done(rows[i].figures);
    }
    struct figures *latencies[] = {&c->receipts, &c->lag, &c->machine};
    static const char *const names[] = {"receipt_ms", "loop_lag_ms", "machine_lag_ms"};
    for (size_t i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "storm_%d_%s", RULES * sets, names[i]);
        figures_print_latency(latencies[i], name);
        figures_done(latencies[i]);
    }
}

static void run(int of_each, int rounds)
{
    struct columns c = {0};
    char *rules = make_rules();
    sets = of_each;
    for (int round = 0; round < rounds; round++) {
        round_of(rules, &c);
    }
    print(&c);
    free(rules);
}

int main(int argc, char **argv)
{
    int asked = argc > 1 ? atoi(argv[1]) : 0;
    if (asked < 0 || asked > SETS_MAX) {
        bench_fail("1 to %d label sets of each rule", SETS_MAX);
    }
    if (asked > 0) {
        run(asked, asked > 100 ? 1 : ROUNDS);
    } else {
        run(100, ROUNDS);
        run(1000, 1);
    }
    return 0;
}
