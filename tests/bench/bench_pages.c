/* SPDX-License-Identifier: MIT */
/* links: fa_bench_rig */
/* The page behind a message's link: how long a phone waits until it is shown, and until the alarm
 * is owned, durably. First while nothing else happens, then while StatsD floods the daemon as fast
 * as a sender can (aim: p99 within 50 ms). Beside both the loop's and the machine's own lag. */
#include "flood.h"
#include "rig.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ROUNDS 3
#define ALARMS 100 /* half of them are owned in peace */
#define SHOWS  400
#define BODY   ((size_t)64 * 1024)

static const char listeners[] =
    ", { name = \"pages\"; address = \"127.0.0.1:0\"; routes = [ \"pages\" ]; }";
static const char rules[] =
    "rules = ( { name = \"slow\"; category = \"danger\"; severity = \"critical\";\n"
    "  policy = \"leaders\"; metric = \"queue_seconds\"; take = \"last\"; per = [ \"k\" ];\n"
    "  above = 100.0; summary = \"{k} answers in {value}\"; expect = \"Decide on staffing\"; } );\n"
    "pages = { url = \"https://x.example\"; };\n";

struct link {
    char path[200], code[8]; /* digits */
};
static struct {
    pthread_mutex_t lock;
    struct link list[ALARMS];
    size_t count;
} links = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void take_link(const char *at)
{
    static const char url[] = "\"ack_url\":\"https://x.example", code[] = "\"ack_code\":\"";
    const char *to = strstr(at, url), *digits = to != NULL ? strstr(to, code) : NULL;
    if (digits == NULL || links.count == ALARMS) {
        return;
    }
    struct link *link = &links.list[links.count++];
    to += sizeof url - 1;
    digits += sizeof code - 1;
    snprintf(link->path, sizeof link->path, "%.*s", (int)strcspn(to, "\""), to);
    snprintf(link->code, sizeof link->code, "%.3s%.3s", digits, digits + 4);
}

static void on_post(void *ctx, int64_t ns, const char *path, const char *body)
{
    pthread_mutex_lock(&links.lock);
    for (const char *at = body; (at = strstr(at, "\"kind\":\"alarm\"")) != NULL; at++) {
        take_link(at);
    }
    pthread_mutex_unlock(&links.lock);
}

static size_t link_count(void)
{
    pthread_mutex_lock(&links.lock);
    size_t count = links.count;
    pthread_mutex_unlock(&links.lock);
    return count;
}

static void raise_alarms(const struct rig *rig)
{
    int fd = rig_connect_statsd(rig);
    int64_t start = bench_ns();
    links.count = 0;
    for (unsigned i = 0; i < ALARMS; i++) {
        char line[80];
        int len = snprintf(line, sizeof line, "queue_seconds:300|g|#k:q%u", i);
        if (send(fd, line, (size_t)len, 0) != len) {
            bench_fail("cannot send: %s", strerror(errno));
        }
    }
    close(fd);
    while (link_count() < ALARMS) {
        if (bench_ms_since(start) > 30000) {
            bench_fail("%zu of %d links came", link_count(), ALARMS);
        }
        bench_pause_us(1000);
    }
}

static void show(int fd, const struct link *link, char *body, struct figures *latency)
{
    char path[256];
    snprintf(path, sizeof path, "%s", link->path);
    int64_t start = bench_ns();
    int status = rig_get(fd, path, body, BODY);
    figures_add(latency, bench_ms_since(start));
    if (status != 200) {
        bench_fail("%s: %d", path, status);
    }
}

static void own(int fd, const struct link *link, char *body, struct figures *latency)
{
    char request[700], form[120];
    const char *seen = strstr(body, "name=\"seen\" value=\"");
    int len = snprintf(form, sizeof form, "code=%s&seen=%.16s", link->code,
                       seen != NULL ? seen + 19 : "");
    int size = snprintf(request, sizeof request,
                        "POST %s HTTP/1.1\r\nHost: x\r\n"
                        "Content-Type: application/x-www-form-urlencoded\r\n"
                        "Content-Length: %d\r\n\r\n%s",
                        link->path, len, form);
    int64_t start = bench_ns();
    int status = rig_ask(fd, request, (size_t)size, body, BODY);
    figures_add(latency, bench_ms_since(start));
    if (status != 200) {
        bench_fail("an alarm was not owned: %d", status);
    }
}

struct column {
    struct figures shown, owned, lag, machine;
};

/* Shows pages every 2 ms, and owns half of the alarms between. */
static void measure(const struct rig *rig, size_t from, struct column *column)
{
    char *body = malloc(BODY);
    int fd = rig_connect_listener(rig, "pages");
    struct probe *probe = probe_start(rig);
    for (size_t i = 0; i < SHOWS; i++) {
        size_t at = from + i * (ALARMS / 2) / SHOWS;
        bool last = i + 1 == SHOWS || from + (i + 1) * (ALARMS / 2) / SHOWS != at;
        show(fd, &links.list[at], body, &column->shown);
        if (last) {
            own(fd, &links.list[at], body, &column->owned);
        }
        bench_pause_us(2000);
    }
    probe_stop(probe, &column->lag, &column->machine);
    close(fd);
    free(body);
}

static size_t line_of(char *at, size_t size, unsigned n, unsigned value)
{
    return (size_t)snprintf(at, size, "requests.%u:%u|c\n", n, value % 1000);
}

struct sender {
    const struct rig *rig;
    struct flood flood;
    atomic_int stop;
    double lines, ms;
};

static void *run(void *arg)
{
    struct sender *sender = arg;
    int fd = rig_connect_udp(sender->rig);
    int64_t start = bench_ns();
    while (!atomic_load(&sender->stop)) {
        sender->lines += flood_send(&sender->flood, fd, 0, 50);
    }
    sender->ms = bench_ms_since(start);
    close(fd);
    return NULL;
}

static void measure_flooded(const struct rig *rig, struct column *column, struct figures *rate)
{
    struct sender sender = {.rig = rig};
    pthread_t thread;
    flood_init(&sender.flood, 4096, 1000, 1, line_of);
    if (pthread_create(&thread, NULL, run, &sender) != 0) {
        bench_fail("no thread");
    }
    measure(rig, ALARMS / 2, column);
    atomic_store(&sender.stop, 1);
    pthread_join(thread, NULL);
    figures_add(rate, sender.lines * 1000 / sender.ms);
    flood_done(&sender.flood);
}

static void print(struct column *column, const char *name)
{
    struct {
        const char *what;
        struct figures *figures;
    } rows[] = {{"shown_ms", &column->shown},
                {"owned_ms", &column->owned},
                {"loop_lag_ms", &column->lag},
                {"machine_lag_ms", &column->machine}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[80];
        snprintf(text, sizeof text, "%s_%s", name, rows[i].what);
        figures_print_latency(rows[i].figures, text);
        figures_done(rows[i].figures);
    }
}

int main(void)
{
    struct column alone = {0}, flooded = {0};
    struct figures rate = {0};
    for (int round = 0; round < ROUNDS; round++) {
        struct rig rig = {.on_post = on_post, .listeners = listeners, .rules = rules};
        rig_open(&rig);
        rig_start(&rig);
        raise_alarms(&rig);
        measure(&rig, 0, &alone);
        measure_flooded(&rig, &flooded, &rate);
        rig_close(&rig);
    }
    print(&alone, "pages_alone");
    print(&flooded, "pages_flooded");
    figures_print(&rate, "pages_flood_lines_per_second");
    figures_done(&rate);
    return 0;
}
