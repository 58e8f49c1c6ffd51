/* SPDX-License-Identifier: MIT */
/* links: fa_bench_rig snappy */
/* StatsD through the sockets: lines a second until /metrics has counted them, with a sender that
 * waits for a full queue (Unix) and one that does not (UDP, where the kernel drops); the same as
 * Prometheus' text and as remote write, over one connection that waits for each answer; and the
 * receipt of a filing while UDP, and while requests, flood the daemon (aim: p99 within 20 ms, where
 * the disk alone allows it). Half the lines are of series that a rule watches. */
#include "rig.h"

#include "../support/remote_write.h"

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
#define BODIES    64
#define SAMPLES   2000 /* of each body */
#define PUSHERS   4

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

/* A request: head and body. */
static struct rw texts[BODIES], writes[BODIES];

static void put_sample(struct rw *text, struct rw *message, uint64_t n)
{
    static unsigned odd;
    const char *name = odd++ % 2 == 0 ? "response_time" : "something_else";
    struct timespec now;
    struct rw series = {0};
    char line[80], queue[16];
    snprintf(queue, sizeof queue, "q%u", (unsigned)(n >> 33) % SERIES);
    clock_gettime(CLOCK_REALTIME, &now);
    rw_put(text, line,
           (size_t)snprintf(line, sizeof line, "%s{env=\"prod\",queue=\"%s\"} %u\n", name, queue,
                            (unsigned)(n >> 50)));
    rw_label(&series, "__name__", name);
    rw_label(&series, "env", "prod");
    rw_label(&series, "queue", queue);
    rw_sample(&series, (double)(n >> 50), (int64_t)now.tv_sec * 1000);
    rw_message(message, 1, &series);
}

static struct rw request(const char *path, struct rw *body)
{
    struct rw ret = {0};
    char head[200];
    int len =
        snprintf(head, sizeof head, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n",
                 path, body->len);
    rw_put(&ret, head, (size_t)len);
    rw_put(&ret, body->data, body->len);
    free(body->data);
    return ret;
}

static void fill_bodies(void)
{
    uint64_t n = 1;
    for (size_t i = 0; i < BODIES; i++) {
        struct rw text = {0}, message = {0};
        for (int k = 0; k < SAMPLES; k++) {
            n = n * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            put_sample(&text, &message, n);
        }
        struct rw packed = rw_pack(&message);
        texts[i] = request("/api/v1/import/prometheus", &text);
        writes[i] = request("/api/v1/write", &packed);
    }
}

static void ignore(void *ctx, int64_t ns, const char *path, const char *body)
{
}

struct columns {
    struct figures local_rate, local_cpu, udp_rate, udp_dropped, udp_cpu;
    struct figures text_rate, text_cpu, write_rate, write_cpu;
    struct figures receipt, receipt_flooded, receipt_pushed;
};

static void push_once(int fd, const struct rw *body)
{
    if (rig_ask(fd, body->data, body->len, NULL, 0) != 204) {
        bench_fail("a body was refused");
    }
}

/* CPU in us a sample, watched or not. */
static void push(const struct rig *rig, const struct rw *bodies, struct figures *rate,
                 struct figures *cpu)
{
    int fd = rig_connect_push(rig);
    for (size_t i = 0; i < BODIES; i++) {
        push_once(fd, &bodies[i]); /* defines */
    }
    double before = usage_of(rig->pid).cpu_ms;
    int64_t start = bench_ns();
    for (size_t i = 0; i < (size_t)4 * BODIES; i++) {
        push_once(fd, &bodies[i % BODIES]);
    }
    double samples = 4.0 * BODIES * SAMPLES;
    figures_add(rate, samples * 1000 / bench_ms_since(start));
    figures_add(cpu, (usage_of(rig->pid).cpu_ms - before) * 1000 / samples);
    close(fd);
}

/* All of it is taken: nothing is dropped, so the rate is the daemon's. */
static void local(const struct rig *rig, struct columns *c)
{
    int fd = rig_connect_statsd(rig), http = rig_connect_http(rig);
    double before = rig_metric(http, "firealarm_feed_packets_total{feed=\"local\"}");
    double samples = rig_metric(http, "firealarm_feed_samples_total{feed=\"local\"}");
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
    samples = rig_metric(http, "firealarm_feed_samples_total{feed=\"local\"}") - samples;
    if (samples != SEND * LINES / 2.0) {
        bench_fail("%.0f samples of %d watched lines", samples, SEND * LINES / 2);
    }
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

static void *run_push(void *arg)
{
    struct flood *flood = arg;
    int fd = rig_connect_push(flood->rig);
    for (size_t i = 0; !atomic_load(&flood->stop); i++) {
        push_once(fd, &texts[i % BODIES]);
    }
    close(fd);
    return NULL;
}

static void begin(struct flood *flood, void *(*run)(void *))
{
    if (pthread_create(&flood->thread, NULL, run, flood) != 0) {
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
    begin(&flood, run_flood);
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

static void file_while_pushed(const struct rig *rig, struct figures *receipt)
{
    struct flood floods[PUSHERS];
    for (size_t i = 0; i < PUSHERS; i++) {
        floods[i] = (struct flood){.rig = rig};
        begin(&floods[i], run_push);
    }
    file_all(rig, receipt);
    for (size_t i = 0; i < PUSHERS; i++) {
        end(&floods[i]);
    }
}

int main(void)
{
    struct columns c = {0};
    fill();
    fill_bodies();
    for (int round = 0; round < ROUNDS; round++) {
        struct rig rig = {.on_post = ignore, .rules = rules};
        struct flood flood = {.rig = &rig};
        rig_open(&rig);
        rig_start(&rig);
        local(&rig, &c);
        udp(&rig, &c);
        push(&rig, texts, &c.text_rate, &c.text_cpu);
        push(&rig, writes, &c.write_rate, &c.write_cpu);
        file_all(&rig, &c.receipt);
        begin(&flood, run_flood);
        file_all(&rig, &c.receipt_flooded);
        end(&flood);
        file_while_pushed(&rig, &c.receipt_pushed);
        rig_close(&rig);
    }
    figures_print(&c.local_rate, "ingest_unix_lines_per_second");
    figures_print(&c.local_cpu, "ingest_unix_daemon_cpu_percent");
    figures_print(&c.udp_rate, "ingest_udp_lines_per_second");
    figures_print(&c.udp_dropped, "ingest_udp_dropped_percent");
    figures_print(&c.udp_cpu, "ingest_udp_daemon_cpu_percent");
    figures_print(&c.text_rate, "ingest_text_samples_per_second");
    figures_print(&c.text_cpu, "ingest_text_cpu_us_a_sample");
    figures_print(&c.write_rate, "ingest_remote_samples_per_second");
    figures_print(&c.write_cpu, "ingest_remote_cpu_us_a_sample");
    figures_print_latency(&c.receipt, "ingest_receipt_ms");
    figures_print_latency(&c.receipt_flooded, "ingest_receipt_flooded_ms");
    figures_print_latency(&c.receipt_pushed, "ingest_receipt_pushed_ms");
    struct figures *all[] = {&c.local_rate, &c.local_cpu, &c.udp_rate,        &c.udp_dropped,
                             &c.udp_cpu,    &c.text_rate, &c.text_cpu,        &c.write_rate,
                             &c.write_cpu,  &c.receipt,   &c.receipt_flooded, &c.receipt_pushed};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        figures_done(all[i]);
    }
    return 0;
}
