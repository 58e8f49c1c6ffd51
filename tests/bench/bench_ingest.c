/* SPDX-License-Identifier: MIT */
/* links: fa_bench_rig */
/* StatsD through the sockets: lines a second until /metrics has counted them, with a sender that
 * waits for a full queue (Unix) and one that does not (UDP, where the kernel drops); and the
 * receipt of a filing while UDP is flooded (aim: p99 within 20 ms, where the disk alone allows it).
 * Half the lines are of series that a rule watches. */
#include "rig.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ROUNDS    3
#define SERIES    1000
#define DATAGRAMS 512
#define LINES     24 /* of each datagram */
#define SEND      40000
#define FLOOD_MS  1500
#define FILINGS   300

struct datagram {
    char bytes[1432];
    size_t len;
};
static struct datagram datagrams[DATAGRAMS];

static const char rules[] =
    "rules = ( { name = \"slow\"; category = \"danger\"; severity = \"critical\";\n"
    "  policy = \"leaders\"; metric = \"response_time\"; take = \"avg\"; over = \"5m\";\n"
    "  per = [ \"queue\" ]; above = 100000.0; summary = \"{queue}\"; expect = \"Decide\"; } );\n";

static void fill(void)
{
    uint64_t n = 1;
    for (size_t i = 0; i < DATAGRAMS; i++) {
        for (int line = 0; line < LINES; line++) {
            n = n * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            datagrams[i].len += (size_t)snprintf(datagrams[i].bytes + datagrams[i].len, 60,
                                                 "%s:%u|g|#env:prod,queue:q%u\n",
                                                 line % 2 == 0 ? "response_time" : "something_else",
                                                 (unsigned)(n >> 50), (unsigned)(n >> 33) % SERIES);
        }
    }
}

static void ignore(void *ctx, int64_t ns, const char *path, const char *body)
{
}

struct columns {
    struct figures local_rate, local_cpu, udp_rate, udp_dropped, udp_cpu;
    struct figures receipt, receipt_flooded;
};

/* All of it is taken: nothing is dropped, so the rate is the daemon's. */
static void local(const struct rig *rig, struct columns *c)
{
    int fd = rig_connect_statsd(rig), http = rig_connect_http(rig);
    double before = rig_metric(http, "firealarm_feed_packets_total{feed=\"local\"}");
    double cpu = usage_of(rig->pid).cpu_ms;
    int64_t start = bench_ns();
    for (size_t i = 0; i < SEND; i++) {
        const struct datagram *datagram = &datagrams[i % DATAGRAMS];
        if (send(fd, datagram->bytes, datagram->len, 0) != (ssize_t)datagram->len) {
            bench_fail("cannot send: %s", strerror(errno));
        }
    }
    while (rig_metric(http, "firealarm_feed_packets_total{feed=\"local\"}") - before < SEND) {
        if (bench_ms_since(start) > 60000) {
            bench_fail("not all datagrams were counted");
        }
        bench_pause_us(1000);
    }
    double ms = bench_ms_since(start);
    figures_add(&c->local_rate, SEND * LINES * 1000.0 / ms);
    figures_add(&c->local_cpu, (usage_of(rig->pid).cpu_ms - cpu) * 100 / ms);
    close(fd);
    close(http);
}

struct flood {
    const struct rig *rig;
    pthread_t thread;
    atomic_int stop;
    uint64_t sent;
};

static void *run_flood(void *arg)
{
    struct flood *flood = arg;
    int fd = rig_connect_udp(flood->rig);
    for (size_t i = 0; !atomic_load(&flood->stop); i++) {
        const struct datagram *datagram = &datagrams[i % DATAGRAMS];
        flood->sent += send(fd, datagram->bytes, datagram->len, 0) == (ssize_t)datagram->len;
    }
    close(fd);
    return NULL;
}

static void begin(struct flood *flood)
{
    if (pthread_create(&flood->thread, NULL, run_flood, flood) != 0) {
        bench_fail("no thread");
    }
}

static void end(struct flood *flood)
{
    atomic_store(&flood->stop, 1);
    pthread_join(flood->thread, NULL);
}

static void udp(const struct rig *rig, struct columns *c)
{
    struct flood flood = {.rig = rig};
    int http = rig_connect_http(rig);
    double before = rig_metric(http, "firealarm_feed_packets_total{feed=\"udp\"}");
    double cpu = usage_of(rig->pid).cpu_ms;
    int64_t start = bench_ns();
    begin(&flood);
    bench_pause_us(FLOOD_MS * 1000);
    end(&flood);
    double taken = rig_metric(http, "firealarm_feed_packets_total{feed=\"udp\"}") - before;
    double ms = bench_ms_since(start);
    figures_add(&c->udp_rate, taken * LINES * 1000 / ms);
    figures_add(&c->udp_dropped, (1 - taken / (double)flood.sent) * 100);
    figures_add(&c->udp_cpu, (usage_of(rig->pid).cpu_ms - cpu) * 100 / ms);
    close(http);
}

static void file_all(const struct rig *rig, struct figures *receipt)
{
    int fd = rig_connect_api(rig);
    for (unsigned n = 0; n < FILINGS; n++) {
        char request[1024];
        size_t len = rig_filing(request, sizeof request, "question", n);
        int64_t start = bench_ns();
        if (rig_ask(fd, request, len, NULL, 0) != 201) {
            bench_fail("a filing was refused");
        }
        figures_add(receipt, bench_ms_since(start));
    }
    close(fd);
}

int main(void)
{
    struct columns c = {0};
    fill();
    for (int round = 0; round < ROUNDS; round++) {
        struct rig rig = {.on_post = ignore, .rules = rules};
        struct flood flood = {.rig = &rig};
        rig_open(&rig);
        rig_start(&rig);
        local(&rig, &c);
        udp(&rig, &c);
        file_all(&rig, &c.receipt);
        begin(&flood);
        file_all(&rig, &c.receipt_flooded);
        end(&flood);
        rig_close(&rig);
    }
    figures_print(&c.local_rate, "ingest_unix_lines_per_second");
    figures_print(&c.local_cpu, "ingest_unix_daemon_cpu_percent");
    figures_print(&c.udp_rate, "ingest_udp_lines_per_second");
    figures_print(&c.udp_dropped, "ingest_udp_dropped_percent");
    figures_print(&c.udp_cpu, "ingest_udp_daemon_cpu_percent");
    figures_print_latency(&c.receipt, "ingest_receipt_ms");
    figures_print_latency(&c.receipt_flooded, "ingest_receipt_flooded_ms");
    struct figures *all[] = {&c.local_rate, &c.local_cpu, &c.udp_rate,       &c.udp_dropped,
                             &c.udp_cpu,    &c.receipt,   &c.receipt_flooded};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        figures_done(all[i]);
    }
    return 0;
}
