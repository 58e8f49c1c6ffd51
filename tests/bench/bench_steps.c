/* SPDX-License-Identifier: MIT */
/* links: fa_bench_rig */
/* How punctual a step is while 100,000 alarms are open: each of PROBES alarms climbs to its second
 * step a minute after it was raised, and the receiver notes when that message comes. What is
 * printed is how much later than a minute after its cause, so raising it, the commit and the
 * delivery are in it. The 100,000 were told and wait for their own next step, a week away. An
 * argument gives their number. */
#include "rig.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RULES    100
#define PROBES   400
#define WAIT_MS  60000
#define GAP_US   50000
#define GUARD_MS 240000

struct arrivals {
    atomic_uint told; /* of the many */
    _Atomic int64_t second[PROBES];
    atomic_uint climbed;
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
        bench_pause_us(20000);
    }
    close(http);
}

static void probe(const struct rig *rig, struct arrivals *arrivals, struct figures *late)
{
    int64_t sent[PROBES];
    int fd = rig_connect_statsd(rig);
    for (unsigned i = 0; i < PROBES; i++) {
        char line[64];
        size_t len = (size_t)sprintf(line, "m%d:99|g|#k:p%u\n", RULES, i);
        sent[i] = bench_ns();
        send_gauge(fd, line, len);
        bench_pause_us(GAP_US);
    }
    close(fd);
    int64_t start = bench_ns();
    while (atomic_load(&arrivals->climbed) < PROBES) {
        if (bench_ms_since(start) > GUARD_MS) {
            bench_fail("%u of %d climbed", atomic_load(&arrivals->climbed), PROBES);
        }
        bench_pause_us(10000);
    }
    for (unsigned i = 0; i < PROBES; i++) {
        double ms = (double)(atomic_load(&arrivals->second[i]) - sent[i]) / 1e6 - WAIT_MS;
        if (ms < 0) {
            bench_fail("step 2 came %.3f ms early", -ms);
        }
        figures_add(late, ms);
    }
}

/* RULES for the many, as no rule raises more than a thousand; the last is the probes'. */
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

int main(int argc, char **argv)
{
    unsigned many = argc > 1 ? (unsigned)atoi(argv[1]) : 100000;
    struct arrivals *arrivals = calloc(1, sizeof *arrivals);
    struct figures late = {0};
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
    probe(&rig, arrivals, &late);
    printf("steps_open=%u\n", many);
    figures_print_latency(&late, "steps_late_ms");
    rig_close(&rig);
    figures_done(&late);
    free(rules);
    free(arrivals);
    return 0;
}
