/* SPDX-License-Identifier: MIT */
/* Debian's prometheus, and victoria-metrics with vmalert, under the rules of bench_rules: all
 * series are written once by remote write, and from then on nothing comes, so that the processes'
 * CPU is that of evaluating, with whatever else they do of themselves meanwhile (garbage,
 * compaction, their own metrics read once a second). What they evaluate in a window of some seconds
 * is counted by themselves; the CPU of the window over that count is a pass.
 *
 * The first rule's series are beyond the line for less than its `for`: each must say so in the end,
 * or its figure is of rules that saw nothing. */
#include "evaluators.h"

#include "peer.h"
#include "rig.h"

#include "../../support/remote_write.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BODY      2000  /* series in a message, as prometheus sends */
#define FIRST_MS  20000 /* until all rules were evaluated once */
#define WINDOW_MS 10000
#define ANSWER    (1u << 20)

struct evaluator {
    struct peer server; /* has the series */
    struct peer judge;  /* evaluates them; pid 0: the server does */
    char count[160];    /* the server's metric that goes up with each rule evaluated */
    size_t rules, each;
};

/* HTTP/1.0: the answer ends with the connection, and is in no chunks. */
static void fetch(const struct peer *peer, const char *path, char *answer)
{
    char request[200];
    size_t len = 0;
    ssize_t n;
    int fd = peer_connect(peer->port);
    int ask = snprintf(request, sizeof request, "GET %s HTTP/1.0\r\n\r\n", path);
    if (fd < 0 || send(fd, request, (size_t)ask, MSG_NOSIGNAL) != ask) {
        bench_fail("no GET %s: see %s/log", path, peer->dir);
    }
    while (len < ANSWER - 1 && (n = recv(fd, answer + len, ANSWER - 1 - len, 0)) > 0) {
        len += (size_t)n;
    }
    answer[len] = '\0';
    close(fd);
}

/* Gives 0 when the counter is not there yet. */
static double evaluated(const struct evaluator *evaluator)
{
    static char answer[ANSWER];
    char line[200];
    fetch(&evaluator->server, "/metrics", answer);
    snprintf(line, sizeof line, "\n%s ", evaluator->count);
    const char *at = strstr(answer, line);
    return at == NULL ? 0 : strtod(at + strlen(line), NULL);
}

static double cpu_ms(const struct evaluator *evaluator)
{
    double judge = evaluator->judge.pid > 0 ? usage_of(evaluator->judge.pid).cpu_ms : 0;
    return usage_of(evaluator->server.pid).cpu_ms + judge;
}

/* ---- series and rules ---- */

static void put_series(struct rw *message, size_t rule, size_t host, int64_t ms)
{
    struct rw series = {0};
    char name[40], label[40], g[24];
    snprintf(name, sizeof name, "m%zu", rule);
    snprintf(label, sizeof label, "host-%zu", host);
    snprintf(g, sizeof g, "%zu", host % 4);
    rw_label(&series, "__name__", name);
    rw_label(&series, "g", g);
    rw_label(&series, "host", label);
    rw_sample(&series, rule == 0 ? 2000 : (double)(rule % 7), ms);
    rw_message(message, 1, &series);
}

static void post(int fd, struct rw *message)
{
    struct rw packed = rw_pack(message), request = {0};
    char head[300];
    int len = snprintf(head, sizeof head,
                       "POST /api/v1/write HTTP/1.1\r\nHost: x\r\nContent-Encoding: snappy\r\n"
                       "Content-Type: application/x-protobuf\r\nContent-Length: %zu\r\n"
                       "X-Prometheus-Remote-Write-Version: 0.1.0\r\n\r\n",
                       packed.len);
    rw_put(&request, head, (size_t)len);
    rw_put(&request, packed.data, packed.len);
    int status = rig_ask(fd, request.data, request.len, NULL, 0);
    if (status != 204) {
        bench_fail("remote write is answered %d", status);
    }
    free(packed.data);
    free(request.data);
}

static void write_series(const struct evaluator *evaluator)
{
    struct rw message = {0};
    struct timespec now;
    int fd = peer_connect(evaluator->server.port);
    size_t all = evaluator->rules * evaluator->each;
    clock_gettime(CLOCK_REALTIME, &now);
    for (size_t i = 0; i < all; i++) {
        put_series(&message, i % evaluator->rules, i / evaluator->rules, now.tv_sec * 1000);
        if ((i + 1) % BODY == 0 || i + 1 == all) {
            post(fd, &message);
        }
    }
    close(fd);
}

static void write_rules(const struct evaluator *evaluator, const struct peer *peer)
{
    char path[128];
    snprintf(path, sizeof path, "%s/rules.yml", peer->dir);
    FILE *file = fopen(path, "we");
    if (file == NULL) {
        bench_fail("%s: %s", path, strerror(errno));
    }
    fprintf(file, "groups:\n- name: bench\n  interval: 2s\n  rules:\n");
    for (size_t i = 0; i < evaluator->rules; i++) {
        fprintf(file, "  - alert: r%zu\n    expr: m%zu > 1000\n    for: 1h\n", i, i);
    }
    fclose(file);
}

/* ---- the two ---- */

static void start_prometheus(struct evaluator *evaluator)
{
    struct peer *peer = &evaluator->server;
    char config[128], data[128], listening[64];
    const char *const argv[] = {peer_installed("FA_PROMETHEUS", "prometheus"),
                                config,
                                data,
                                listening,
                                "--web.enable-remote-write-receiver",
                                "--log.level=error",
                                NULL};
    peer_open(peer);
    write_rules(evaluator, peer);
    peer_write(peer, "prometheus.yml", "rule_files: [ %s/rules.yml ]\n", peer->dir);
    snprintf(config, sizeof config, "--config.file=%s/prometheus.yml", peer->dir);
    snprintf(data, sizeof data, "--storage.tsdb.path=%s/data", peer->dir);
    snprintf(listening, sizeof listening, "--web.listen-address=127.0.0.1:%u", peer->port);
    snprintf(evaluator->count, sizeof evaluator->count,
             "prometheus_rule_evaluations_total{rule_group=\"%s/rules.yml;bench\"}", peer->dir);
    peer_start(peer, argv, "/-/ready");
    write_series(evaluator);
}

static void start_victoria(struct evaluator *evaluator)
{
    struct peer *peer = &evaluator->server;
    char data[128], listening[64];
    const char *const argv[] = {peer_installed("FA_VICTORIA", "victoria-metrics"),
                                data,
                                listening,
                                "-search.latencyOffset=0s",
                                "-search.disableCache",
                                "-loggerLevel=ERROR",
                                NULL};
    peer_open(peer);
    snprintf(data, sizeof data, "-storageDataPath=%s/data", peer->dir);
    snprintf(listening, sizeof listening, "-httpListenAddr=127.0.0.1:%u", peer->port);
    snprintf(evaluator->count, sizeof evaluator->count,
             "vm_http_requests_total{path=\"/api/v1/query\"}");
    peer_start(peer, argv, "/health");
    write_series(evaluator);
}

static void start_vmalert(struct evaluator *evaluator)
{
    struct peer *peer = &evaluator->judge;
    char rule[128], source[64], listening[64];
    const char *const argv[] = {
        peer_installed("FA_VMALERT", "vmalert"),
        rule,
        source,
        "-notifier.url=http://127.0.0.1:1", /* it wants one; nothing is pending for long enough */
        listening,
        "-loggerLevel=ERROR",
        NULL};
    peer_open(peer);
    write_rules(evaluator, peer);
    snprintf(rule, sizeof rule, "-rule=%s/rules.yml", peer->dir);
    snprintf(source, sizeof source, "-datasource.url=http://127.0.0.1:%u", evaluator->server.port);
    snprintf(listening, sizeof listening, "-httpListenAddr=127.0.0.1:%u", peer->port);
    peer_start(peer, argv, "/health");
}

/* ---- measuring ---- */

static double wait_for(const struct evaluator *evaluator, double count, double ms)
{
    double at;
    int64_t start = bench_ns();
    while ((at = evaluated(evaluator)) < count && bench_ms_since(start) < ms) {
        bench_pause_us(1000000);
    }
    return at;
}

static void check_alerts(const struct evaluator *evaluator)
{
    static char answer[ANSWER];
    const struct peer *peer = evaluator->judge.pid > 0 ? &evaluator->judge : &evaluator->server;
    size_t pending = 0;
    fetch(peer, "/api/v1/alerts", answer);
    for (const char *at = answer; (at = strstr(at, "\"state\":\"pending\"")) != NULL; at++) {
        pending++;
    }
    if (pending != evaluator->each) {
        bench_fail("%zu alerts are pending, not %zu: see %s", pending, evaluator->each, peer->dir);
    }
}

/* CPU of one pass in ms. */
static double measure(const struct evaluator *evaluator)
{
    double rules = (double)evaluator->rules;
    double before = wait_for(evaluator, rules, FIRST_MS);
    if (before < rules) {
        bench_fail("%.0f of %.0f rules evaluated in %d s: see %s/log", before, rules,
                   FIRST_MS / 1000, evaluator->server.dir);
    }
    double cpu = cpu_ms(evaluator);
    int64_t start = bench_ns();
    while (bench_ms_since(start) < WINDOW_MS) {
        bench_pause_us(1000000);
    }
    double after = evaluated(evaluator);
    cpu = cpu_ms(evaluator) - cpu;
    if (after - before < rules / 2) {
        bench_fail("only %.0f rules evaluated in %d s", after - before, WINDOW_MS / 1000);
    }
    check_alerts(evaluator);
    return cpu * rules / (after - before);
}

static void print(const char *name, const char *who, double ms, double own_ms)
{
    printf("%s_%s_ms=%.1f %s_%s_ratio=%.0f\n", name, who, ms, name, who, ms / own_ms);
    fflush(stdout);
}

void evaluators_run(const char *name, size_t rules, size_t each, double own_ms)
{
    if (peer_installed("FA_PROMETHEUS", "prometheus") != NULL) {
        struct evaluator evaluator = {.rules = rules, .each = each};
        start_prometheus(&evaluator);
        print(name, "prometheus", measure(&evaluator), own_ms);
        peer_close(&evaluator.server);
    } else {
        printf("%s_prometheus=skipped: not installed\n", name);
    }
    if (peer_installed("FA_VICTORIA", "victoria-metrics") != NULL &&
        peer_installed("FA_VMALERT", "vmalert") != NULL) {
        struct evaluator evaluator = {.rules = rules, .each = each};
        start_victoria(&evaluator);
        start_vmalert(&evaluator);
        print(name, "vmalert", measure(&evaluator), own_ms);
        peer_close(&evaluator.judge);
        peer_close(&evaluator.server);
    } else {
        printf("%s_vmalert=skipped: not installed\n", name);
    }
}
