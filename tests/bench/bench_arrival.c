/* SPDX-License-Identifier: MIT */
/* links: fa_bench_rig */
/* From the sample that crosses a threshold to the webhook's request, while 10,000 other samples a
 * second come: for us, and where they are installed for Debian's prometheus with alertmanager and
 * for victoria-metrics with vmalert and alertmanager, in the same run.
 *
 * Ours gets StatsD datagrams; the others scrape this bench's exporter every 100 ms, which shows
 * 1,000 series beside, and evaluate every 100 ms: that is as fast as they are made to go, and far
 * from their defaults (a minute). Ours is on disk before it leaves: what one append with fdatasync
 * takes in the same directory and at the same time is printed beside it. Ours stands beside a tenth
 * and ten times as many others too (series and samples a second), with fewer crossings; _tenth and
 * _tenfold are in the names.
 *
 * FA_PROMETHEUS, FA_ALERTMANAGER, FA_VICTORIA and FA_VMALERT name programs in other places. */
#include "peer.h"
#include "rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define EACH        200
#define EACH_PEER   40
#define OTHERS      1000 /* series beside */
#define BURST       100  /* samples in a datagram */
#define GUARD_MS    30000
#define SCRAPE_BODY (256 * 1024)

struct arrival {
    _Atomic int64_t ns[EACH]; /* by number; 0: not yet */
};

/* One alarm for each call of ours, a list with labels in alertmanager's: both say k="vN". */
static void on_post(void *ctx, int64_t ns, const char *path, const char *body)
{
    static const char label[] = "\"k\":\"v";
    struct arrival *arrival = ctx;
    for (const char *at = body; (at = strstr(at, label)) != NULL;) {
        at += sizeof label - 1;
        unsigned long n = strtoul(at, NULL, 10);
        int64_t none = 0;
        if (n < EACH) {
            atomic_compare_exchange_strong(&arrival->ns[n], &none, ns);
        }
    }
}

static double wait_for(struct arrival *arrival, unsigned n, int64_t start)
{
    int64_t ns;
    while ((ns = atomic_load(&arrival->ns[n])) == 0) {
        if (bench_ms_since(start) > GUARD_MS) {
            bench_fail("no webhook within %d s for number %u", GUARD_MS / 1000, n);
        }
        bench_pause_us(50);
    }
    return (double)(ns - start) / 1e6;
}

/* ---------------------------------------------------------------------------------------- ours */

static const char rules[] =
    "rules = (\n"
    "  { name = \"queue\"; category = \"danger\"; policy = \"leaders\"; severity = \"critical\";\n"
    "    metric = \"queue_seconds\"; take = \"last\"; per = [ \"k\" ]; above = 120.0;\n"
    "    summary = \"{k} is at {value}\"; expect = \"Decide\"; },\n"
    "  { name = \"other\"; category = \"danger\"; policy = \"leaders\"; severity = \"critical\";\n"
    "    metric = \"other\"; take = \"avg\"; over = \"5m\"; per = [ \"k\" ]; above = 1000000.0;\n"
    "    summary = \"{k} is at {value}\"; expect = \"Decide\"; }\n"
    ");\n";

/* So many others beside, for so many crossings. */
struct load {
    const char *suffix;    /* of the figures' names */
    unsigned series, rate; /* samples a second, a multiple of BURST */
    unsigned rounds, each; /* at most EACH */
};

struct background {
    pthread_t thread;
    const struct load *load;
    int fd;
    atomic_bool stop;
    atomic_ulong sent;
};

static void *send_others(void *ctx)
{
    struct background *background = ctx;
    int64_t start = bench_ns();
    for (unsigned n = 0; !atomic_load(&background->stop); n++) {
        char bytes[BURST * 32];
        size_t len = 0;
        for (unsigned i = 0; i < BURST; i++) {
            len +=
                (size_t)snprintf(bytes + len, sizeof bytes - len, "other:%u.%02u|g|#k:o%u\n",
                                 i * 37 % 500, n % 100, (n * BURST + i) % background->load->series);
        }
        if (send(background->fd, bytes, len, 0) == (ssize_t)len) {
            atomic_fetch_add(&background->sent, BURST);
        }
        double due = (n + 1) * 1000.0 * BURST / background->load->rate - bench_ms_since(start);
        bench_pause_us(due > 0 ? (long)(due * 1000) : 0);
    }
    return NULL;
}

static void begin_background(struct background *background, const struct rig *rig,
                             const struct load *load)
{
    *background = (struct background){.load = load, .fd = rig_connect_udp(rig)};
    if (pthread_create(&background->thread, NULL, send_others, background) != 0) {
        bench_fail("no thread");
    }
}

static void end_background(struct background *background)
{
    atomic_store(&background->stop, true);
    pthread_join(background->thread, NULL);
    close(background->fd);
}

/* A background that was late, or lost on its way, was another one. */
static void check_background(const struct background *background, const struct rig *rig, double ms)
{
    static const char samples[] = "firealarm_feed_samples_total{feed=\"udp\"}";
    int http = rig_connect_http(rig);
    double sent = (double)atomic_load(&background->sent), crossings = background->load->each, taken;
    int64_t start = bench_ns();
    while ((taken = rig_metric(http, samples) - crossings) < sent && bench_ms_since(start) < 1000) {
        bench_pause_us(10000); /* the last are on their way */
    }
    close(http);
    if (sent < 0.8 * background->load->rate * ms / 1000 || taken < 0.99 * sent) {
        bench_fail("the background%s fell behind: %.0f sent, %.0f taken in %.0f ms",
                   background->load->suffix, sent, taken, ms);
    }
}

static void measure_own(const struct load *load, struct figures *arrivals, struct figures *syncs)
{
    struct arrival *arrival = calloc(1, sizeof *arrival);
    struct rig rig = {.rules = rules, .on_post = on_post, .ctx = arrival};
    struct background background;
    rig_open(&rig);
    rig_start(&rig);
    int disk = rig_open_disk(&rig), fd = rig_connect_udp(&rig);
    int64_t begun = bench_ns();
    begin_background(&background, &rig, load);
    bench_pause_us(500000);
    for (unsigned n = 0; n < load->each; n++) {
        char line[64];
        int len = snprintf(line, sizeof line, "queue_seconds:312|g|#k:v%u", n);
        figures_add(syncs, rig_sync_ms(disk, n));
        bench_pause_us(2000 + (long)(n * 7919 % 5000)); /* nothing in step with the others */
        int64_t start = bench_ns();
        if (send(fd, line, (size_t)len, 0) != len) {
            bench_fail("cannot send: %s", strerror(errno));
        }
        figures_add(arrivals, wait_for(arrival, n, start));
    }
    end_background(&background);
    check_background(&background, &rig, bench_ms_since(begun));
    close(fd);
    close(disk);
    rig_close(&rig);
    free(arrival);
}

/* Prints its figures. */
static void bench_own(const struct load *load)
{
    struct figures own = {0}, syncs = {0};
    char name[64];
    for (unsigned round = 0; round < load->rounds; round++) {
        measure_own(load, &own, &syncs);
    }
    snprintf(name, sizeof name, "arrival_disk_sync%s_ms", load->suffix);
    figures_print_latency(&syncs, name);
    snprintf(name, sizeof name, "arrival_firealarm%s_ms", load->suffix);
    figures_print_latency(&own, name);
    printf("arrival_over_sync%s_p50_ms=%.3f arrival_over_sync%s_p99_ms=%.3f\n", load->suffix,
           figures_at(&own, 0.5) - figures_at(&syncs, 0.5), load->suffix,
           figures_at(&own, 0.99) - figures_at(&syncs, 0.99));
    figures_done(&own);
    figures_done(&syncs);
}

/* -------------------------------------------------------------------------------------- theirs */

/* An exporter: one connection at a time, closed after its answer. */
struct exporter {
    pthread_t thread;
    int fd;
    unsigned port;
    atomic_bool stop;
    atomic_uint crossed; /* so many of the series are over the threshold */
    atomic_uint scrapes;
};

static size_t expose(struct exporter *exporter, char *body, size_t size)
{
    unsigned crossed = atomic_load(&exporter->crossed);
    unsigned scrape = atomic_fetch_add(&exporter->scrapes, 1);
    size_t len = 0;
    for (unsigned n = 0; n < EACH_PEER; n++) {
        len += (size_t)snprintf(body + len, size - len, "queue_seconds{k=\"v%u\"} %d\n", n,
                                n < crossed ? 312 : 5);
    }
    for (unsigned n = 0; n < OTHERS; n++) {
        len += (size_t)snprintf(body + len, size - len, "other{k=\"o%u\"} %u.%02u\n", n,
                                n * 37 % 500, scrape % 100);
    }
    return len;
}

static void answer(struct exporter *exporter, int fd)
{
    static char body[SCRAPE_BODY];
    char head[256];
    struct timeval guard = {2, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &guard, sizeof guard);
    if (recv(fd, head, sizeof head, 0) > 0) { /* every request is a GET of the same */
        size_t len = expose(exporter, body, sizeof body);
        int head_len = snprintf(head, sizeof head,
                                "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n"
                                "Content-Length: %zu\r\nConnection: close\r\n\r\n",
                                len);
        (void)!send(fd, head, (size_t)head_len, MSG_NOSIGNAL | MSG_MORE);
        (void)!send(fd, body, len, MSG_NOSIGNAL);
    }
    shutdown(fd, SHUT_WR);
    while (recv(fd, head, sizeof head, 0) > 0) { /* what is unread would reset the answer */
    }
    close(fd);
}

static void *serve(void *ctx)
{
    struct exporter *exporter = ctx;
    while (!atomic_load(&exporter->stop)) {
        int fd = accept(exporter->fd, NULL, NULL);
        if (fd >= 0) {
            answer(exporter, fd);
        }
    }
    return NULL;
}

static void exporter_open(struct exporter *exporter)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof addr;
    *exporter = (struct exporter){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (bind(exporter->fd, (struct sockaddr *)&addr, len) != 0 || listen(exporter->fd, 16) != 0 ||
        getsockname(exporter->fd, (struct sockaddr *)&addr, &len) != 0 ||
        pthread_create(&exporter->thread, NULL, serve, exporter) != 0) {
        bench_fail("no exporter: %s", strerror(errno));
    }
    exporter->port = ntohs(addr.sin_port);
}

static void exporter_close(struct exporter *exporter)
{
    atomic_store(&exporter->stop, true);
    shutdown(exporter->fd, SHUT_RDWR);
    pthread_join(exporter->thread, NULL);
    close(exporter->fd);
}

static const char alerting[] = "groups:\n- name: bench\n  interval: 100ms\n  rules:\n"
                               "  - alert: queue\n    expr: queue_seconds > 120\n"
                               "  - alert: other\n    expr: avg_over_time(other[5m]) > 1000000\n";

static void start_alertmanager(struct peer *peer, const struct receiver *receiver)
{
    char config[128], data[128], listening[64];
    const char *const argv[] = {peer_installed("FA_ALERTMANAGER", "prometheus-alertmanager"),
                                config,
                                data,
                                listening,
                                "--cluster.listen-address=",
                                "--log.level=error",
                                NULL};
    peer_open(peer);
    peer_write(peer, "am.yml",
               "route:\n  receiver: hook\n  group_by: ['...']\n  group_wait: 0s\n"
               "  group_interval: 1s\n  repeat_interval: 4h\n"
               "receivers:\n- name: hook\n  webhook_configs:\n"
               "  - url: http://127.0.0.1:%u/first\n    send_resolved: false\n",
               receiver_port(receiver));
    snprintf(config, sizeof config, "--config.file=%s/am.yml", peer->dir);
    snprintf(data, sizeof data, "--storage.path=%s/data", peer->dir);
    snprintf(listening, sizeof listening, "--web.listen-address=127.0.0.1:%u", peer->port);
    peer_start(peer, argv, "/-/ready");
}

static void start_prometheus(struct peer *peer, const struct peer *alertmanager, unsigned exporter)
{
    char config[128], data[128], listening[64];
    const char *const argv[] = {peer_installed("FA_PROMETHEUS", "prometheus"),
                                config,
                                data,
                                listening,
                                "--log.level=error",
                                NULL};
    peer_open(peer);
    peer_write(peer, "rules.yml", "%s", alerting);
    peer_write(peer, "prometheus.yml",
               "global:\n  scrape_interval: 100ms\n  scrape_timeout: 100ms\n"
               "  evaluation_interval: 100ms\nrule_files: [ %s/rules.yml ]\n"
               "alerting:\n  alertmanagers:\n  - static_configs:\n"
               "    - targets: [ '127.0.0.1:%u' ]\n"
               "scrape_configs:\n- job_name: bench\n  static_configs:\n"
               "  - targets: [ '127.0.0.1:%u' ]\n",
               peer->dir, alertmanager->port, exporter);
    snprintf(config, sizeof config, "--config.file=%s/prometheus.yml", peer->dir);
    snprintf(data, sizeof data, "--storage.tsdb.path=%s/data", peer->dir);
    snprintf(listening, sizeof listening, "--web.listen-address=127.0.0.1:%u", peer->port);
    peer_start(peer, argv, "/-/ready");
}

static void start_victoria(struct peer *peer, unsigned exporter)
{
    char config[128], data[128], listening[64];
    const char *const argv[] = {peer_installed("FA_VICTORIA", "victoria-metrics"),
                                config,
                                data,
                                listening,
                                "-search.latencyOffset=0s",
                                "-search.disableCache",
                                "-loggerLevel=ERROR",
                                NULL};
    peer_open(peer);
    peer_write(peer, "scrape.yml",
               "global:\n  scrape_interval: 100ms\n  scrape_timeout: 100ms\n"
               "scrape_configs:\n- job_name: bench\n  static_configs:\n"
               "  - targets: [ '127.0.0.1:%u' ]\n",
               exporter);
    snprintf(config, sizeof config, "-promscrape.config=%s/scrape.yml", peer->dir);
    snprintf(data, sizeof data, "-storageDataPath=%s/data", peer->dir);
    snprintf(listening, sizeof listening, "-httpListenAddr=127.0.0.1:%u", peer->port);
    peer_start(peer, argv, "/health");
}

static void start_vmalert(struct peer *peer, const struct peer *victoria,
                          const struct peer *alertmanager)
{
    char rule[128], source[64], notifier[64], listening[64];
    const char *const argv[] = {peer_installed("FA_VMALERT", "vmalert"),
                                rule,
                                source,
                                notifier,
                                listening,
                                "-evaluationInterval=100ms",
                                "-loggerLevel=ERROR",
                                NULL};
    peer_open(peer);
    peer_write(peer, "rules.yml", "%s", alerting);
    snprintf(rule, sizeof rule, "-rule=%s/rules.yml", peer->dir);
    snprintf(source, sizeof source, "-datasource.url=http://127.0.0.1:%u", victoria->port);
    snprintf(notifier, sizeof notifier, "-notifier.url=http://127.0.0.1:%u", alertmanager->port);
    snprintf(listening, sizeof listening, "-httpListenAddr=127.0.0.1:%u", peer->port);
    peer_start(peer, argv, "/health");
}

static void measure_theirs(bool victoria, struct figures *arrivals)
{
    struct arrival *arrival = calloc(1, sizeof *arrival);
    struct exporter exporter;
    struct peer alertmanager, server, vmalert;
    struct receiver *receiver = receiver_open(on_post, arrival);
    exporter_open(&exporter);
    start_alertmanager(&alertmanager, receiver);
    if (victoria) {
        start_victoria(&server, exporter.port);
        start_vmalert(&vmalert, &server, &alertmanager);
    } else {
        start_prometheus(&server, &alertmanager, exporter.port);
    }
    while (atomic_load(&exporter.scrapes) < 30) {
        bench_pause_us(10000);
    }
    for (unsigned n = 0; n < EACH_PEER; n++) {
        bench_pause_us(20000 + (long)(n * 7919 % 100000));
        int64_t start = bench_ns();
        atomic_store(&exporter.crossed, n + 1);
        figures_add(arrivals, wait_for(arrival, n, start));
    }
    if (victoria) {
        peer_close(&vmalert);
    }
    peer_close(&server);
    peer_close(&alertmanager);
    exporter_close(&exporter);
    receiver_close(receiver);
    free(arrival);
}

int main(void)
{
    static const struct load loads[] = {
        {"", OTHERS, 10000, 3, EACH},
        {"_tenth", OTHERS / 10, 1000, 2, EACH / 2},
        {"_tenfold", OTHERS * 10, 100000, 2, EACH / 2},
    };
    struct figures prometheus = {0}, victoria = {0};
    for (size_t i = 0; i < sizeof loads / sizeof loads[0]; i++) {
        bench_own(&loads[i]);
    }
    bool sends = peer_installed("FA_ALERTMANAGER", "prometheus-alertmanager") != NULL;
    if (sends && peer_installed("FA_PROMETHEUS", "prometheus") != NULL) {
        measure_theirs(false, &prometheus);
        figures_print_latency(&prometheus, "arrival_prometheus_100ms_ms");
    } else {
        printf("arrival_prometheus=skipped: not installed\n");
    }
    if (sends && peer_installed("FA_VICTORIA", "victoria-metrics") != NULL &&
        peer_installed("FA_VMALERT", "vmalert") != NULL) {
        measure_theirs(true, &victoria);
        figures_print_latency(&victoria, "arrival_vmalert_100ms_ms");
    } else {
        printf("arrival_vmalert=skipped: not installed\n");
    }
    figures_done(&prometheus);
    figures_done(&victoria);
    return 0;
}
