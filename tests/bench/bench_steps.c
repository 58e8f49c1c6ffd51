/* SPDX-License-Identifier: MIT */
/* links: fa_bench_rig */
/* How punctual a step is while 100,000 alarms are open: PROBES others, RATE a second, climb to
 * their second step a minute after they were raised, and the receiver notes when that message
 * comes. What is printed is how much later that is than a minute after the sample that raised it
 * was sent, so taking it, the turn, the commit and the delivery are in it; beside it, of the same
 * seconds, what one append with fdatasync takes and for how long the loop is held. With TMPDIR in
 * memory no disk is in it. A turn of the daemon is one time, its beginning: a sample that comes
 * within one is raised a little before it was sent. The 100,000 were told and wait for their own
 * next step, a week away; they come through one feed and the probes through another, as each takes
 * 100,000 series. An argument gives their number. */
#include "rig.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RULES    100
#define PROBES   4000
#define RATE     200
#define WAIT_MS  60000
#define EARLY_MS 100   /* a turn, on a machine that is busy */
#define GUARD_MS 30000 /* of the storm, and of the climbing beyond the wait */

struct arrivals {
    atomic_uint told; /* of the many */
    _Atomic int64_t second[PROBES];
    atomic_uint climbed;
};

struct columns {
    struct figures late, sync, lag, machine;
};

static void on_post(void *ctx, int64_t ns, const char *path, const char *body)
{
    struct arrivals *arrivals = ctx;
    const char *label = strstr(body, "\"k\":\"p");
    if (label == NULL) {
        atomic_fetch_add(&arrivals->told, 1);
        return;
    }
    unsigned long n = strtoul(label + 6, NULL, 10);
    int64_t none = 0;
    if (n < PROBES && strcmp(path, "/top") == 0 &&
        atomic_compare_exchange_strong(&arrivals->second[n], &none, ns)) {
        atomic_fetch_add(&arrivals->climbed, 1);
    }
}

static void send_gauge(int fd, const char *bytes, size_t len)
{
    if (send(fd, bytes, len, 0) != (ssize_t)len) {
        bench_fail("cannot send: %s", strerror(errno));
    }
}

static void open_many(const struct rig *rig, const struct arrivals *arrivals, unsigned many)
{
    int fd = rig_connect_statsd(rig);
    char bytes[1400];
    size_t len = 0;
    for (unsigned i = 0; i < many; i++) {
        len += (size_t)sprintf(bytes + len, "m%u:99|g|#k:v%u\n", i % RULES, i);
        if (len > sizeof bytes - 64 || i + 1 == many) {
            send_gauge(fd, bytes, len);
            len = 0;
        }
    }
    close(fd);
    int64_t start = bench_ns();
    while (atomic_load(&arrivals->told) < many) {
        if (bench_ms_since(start) > GUARD_MS) {
            bench_fail("%u of %u alarms were told", atomic_load(&arrivals->told), many);
        }
        bench_pause_us(10000);
    }
    int http = rig_connect_http(rig);
    while (rig_metric(http, "firealarm_outbox") > 0) {
        if (bench_ms_since(start) > GUARD_MS) {
            bench_fail("the outbox does not empty");
        }
        bench_pause_us(20000);
    }
    close(http);
}

/* What the daemon did not take can never climb. */
static void check_taken(const struct rig *rig)
{
    int http = rig_connect_http(rig);
    double taken = rig_metric(http, "firealarm_feed_samples_total{feed=\"udp\"}");
    close(http);
    if (taken != PROBES) {
        bench_fail("%.0f of %d probes were taken", taken, PROBES);
    }
}

/* Until all have climbed; what the disk takes and how long the loop is held while they do. */
static void climb(const struct rig *rig, const struct arrivals *arrivals, int64_t start,
                  struct columns *c)
{
    int disk = rig_open_disk(rig);
    while (bench_ms_since(start) < WAIT_MS) {
        bench_pause_us(10000);
    }
    struct probe *probe = probe_start(rig);
    for (unsigned i = 0; atomic_load(&arrivals->climbed) < PROBES; i++) {
        if (bench_ms_since(start) > PROBES * 1000.0 / RATE + WAIT_MS + GUARD_MS) {
            bench_fail("%u of %d climbed", atomic_load(&arrivals->climbed), PROBES);
        }
        figures_add(&c->sync, rig_sync_ms(disk, i));
        bench_pause_us(10000);
    }
    probe_stop(probe, &c->lag, &c->machine);
    close(disk);
}

static void run_probes(const struct rig *rig, struct arrivals *arrivals, struct columns *c)
{
    static int64_t sent[PROBES];
    int fd = rig_connect_udp(rig);
    int64_t start = bench_ns();
    for (unsigned i = 0; i < PROBES; i++) {
        char line[64];
        size_t len = (size_t)sprintf(line, "m%d:99|g|#k:p%u\n", RULES, i);
        while (bench_ms_since(start) < i * 1000.0 / RATE) {
            bench_pause_us(500);
        }
        sent[i] = bench_ns();
        send_gauge(fd, line, len);
    }
    close(fd);
    bench_pause_us(100000);
    check_taken(rig);
    climb(rig, arrivals, start, c);
    for (unsigned i = 0; i < PROBES; i++) {
        double ms = (double)(atomic_load(&arrivals->second[i]) - sent[i]) / 1e6 - WAIT_MS;
        if (ms < -EARLY_MS) {
            bench_fail("step 2 came %.3f ms early", -ms);
        }
        figures_add(&c->late, ms);
    }
}

/* RULES for the many, a thousand each; the last is the probes'. */
static char *make_rules(void)
{
    char *text = malloc((RULES + 1) * 250);
    size_t len = (size_t)sprintf(text, "rules = (");
    for (int i = 0; i <= RULES; i++) {
        len += (size_t)sprintf(text + len,
                               "%s\n  { name = \"r%d\"; category = \"danger\"; policy = \"%s\";"
                               " severity = \"critical\";\n    metric = \"m%d\"; per = [ \"k\" ];"
                               " above = 10.0; summary = \"{k} is at {value}\"; }",
                               i > 0 ? "," : "", i, i < RULES ? "slow" : "quick", i);
    }
    sprintf(text + len, "\n);\n");
    return text;
}

static void print(struct columns *c)
{
    struct figures *figures[] = {&c->late, &c->sync, &c->lag, &c->machine};
    static const char *const names[] = {"steps_late_ms", "steps_disk_sync_ms", "steps_loop_lag_ms",
                                        "steps_machine_lag_ms"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        figures_print_latency(figures[i], names[i]);
        figures_done(figures[i]);
    }
}

int main(int argc, char **argv)
{
    unsigned many = argc > 1 ? (unsigned)atoi(argv[1]) : 100000;
    struct arrivals *arrivals = calloc(1, sizeof *arrivals);
    struct columns c = {0};
    char *rules = make_rules();
    struct rig rig = {
        .on_post = on_post,
        .ctx = arrivals,
        .policies =
            ", { name = \"slow\"; steps = ( { targets = [ \"boss\" ]; wait = \"7d\"; } ); },"
            " { name = \"quick\"; steps = ( { targets = [ \"boss\" ]; wait = \"1m\"; },"
            " { targets = [ \"top\" ]; wait = \"7d\"; } ); }",
        .rules = rules};
    rig_open(&rig);
    rig_start(&rig);
    open_many(&rig, arrivals, many);
    run_probes(&rig, arrivals, &c);
    printf("steps_open=%u\n", many);
    print(&c);
    rig_close(&rig);
    free(rules);
    free(arrivals);
    return 0;
}
