/* SPDX-License-Identifier: MIT */
/* links: fa_bench_rig */
/* The same work for us and for Debian's prometheus-alertmanager, by turns in one run: one alarm
 * from its cause to its webhook, and 10,000 at once (100 rules of 100 label sets) to one receiver.
 *
 * What is not the same: alertmanager gets alerts that are decided already, as JSON over HTTP; ours
 * come as StatsD samples, on which our rules are run. Ours are on disk, with every step and
 * verdict, before a webhook leaves; alertmanager keeps alerts in memory and writes a snapshot now
 * and then. It sends groups: "by rule" is one request for all alerts of a rule that are there,
 * "alone" a request for each; ours puts together what waits (batch = 500).
 *
 * FA_ALERTMANAGER names the program, else the one in the PATH that Debian installs. Without it this
 * bench says so and measures nothing. It listens on loopback only, without its cluster. */
#include "peer.h"
#include "rig.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ROUNDS   3
#define ONES     100
#define RULES    100
#define SETS     100
#define GUARD_MS 60000

struct arrivals {
    atomic_uchar seen[RULES * SETS];
    atomic_uint count;
    _Atomic int64_t last;
    _Atomic int64_t ones[ONES];
};

static void arrived(struct arrivals *arrivals, int64_t ns, unsigned long rule, unsigned long set)
{
    int64_t none = 0;
    if (rule == RULES && set < ONES) {
        atomic_compare_exchange_strong(&arrivals->ones[set], &none, ns);
    } else if (rule < RULES && set < SETS &&
               atomic_exchange(&arrivals->seen[rule * SETS + set], 1) == 0) {
        atomic_store(&arrivals->last, ns);
        atomic_fetch_add(&arrivals->count, 1);
    }
}

/* Ours: one alarm for each call. */
static void on_own(void *ctx, int64_t ns, const char *path, const char *body)
{
    const char *rule = strstr(body, "\"rule\":\"r"), *label = strstr(body, "\"k\":\"v");
    if (rule != NULL && label != NULL) {
        arrived(ctx, ns, strtoul(rule + 9, NULL, 10), strtoul(label + 6, NULL, 10));
    }
}

/* Alertmanager's: a list of alerts, each with labels of its own. */
static void on_theirs(void *ctx, int64_t ns, const char *path, const char *body)
{
    static const char labels[] = "\"labels\":{\"alertname\":\"r";
    for (const char *at = body; (at = strstr(at, labels)) != NULL;) {
        at += sizeof labels - 1;
        const char *label = strstr(at, "\"k\":\"v");
        if (label != NULL) {
            arrived(ctx, ns, strtoul(at, NULL, 10), strtoul(label + 6, NULL, 10));
        }
    }
}

static double wait_for_one(struct arrivals *arrivals, unsigned n, int64_t start)
{
    int64_t ns;
    while ((ns = atomic_load(&arrivals->ones[n])) == 0) {
        if (bench_ms_since(start) > GUARD_MS) {
            bench_fail("no webhook for alarm %u", n);
        }
        bench_pause_us(50);
    }
    return (double)(ns - start) / 1e6;
}

static double wait_for_all(struct arrivals *arrivals, int64_t start)
{
    while (atomic_load(&arrivals->count) < RULES * SETS) {
        if (bench_ms_since(start) > GUARD_MS) {
            bench_fail("%u of %d within %d s", atomic_load(&arrivals->count), RULES * SETS,
                       GUARD_MS / 1000);
        }
        bench_pause_us(200);
    }
    return (double)(atomic_load(&arrivals->last) - start) / 1e6;
}

struct column {
    const char *name;
    struct figures one, all, cpu, peak;
};

/* ---- ours ---- */

static char *make_rules(void)
{
    char *text = malloc((RULES + 1) * 300);
    size_t len = 0;
    len += (size_t)sprintf(text + len, "rules = (");
    for (int i = 0; i <= RULES; i++) {
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

static void send_samples(int fd, int rule, int from, int to)
{
    char bytes[2600];
    size_t len = 0;
    for (int set = from; set < to; set++) {
        len += (size_t)snprintf(bytes + len, sizeof bytes - len, "m%d:99|g|#k:v%d\n", rule, set);
    }
    if (send(fd, bytes, len, 0) != (ssize_t)len) {
        bench_fail("cannot send: %s", strerror(errno));
    }
}

static double cpu_of_both(const struct rig *rig, pid_t courier)
{
    return usage_of(rig->pid).cpu_ms + usage_of(courier).cpu_ms;
}

static void measure_own(const char *rules, struct column *column)
{
    struct arrivals *arrivals = calloc(1, sizeof *arrivals);
    struct rig rig = {.rules = rules, .on_post = on_own, .ctx = arrivals};
    rig_open(&rig);
    rig_start(&rig);
    pid_t courier = rig_courier(&rig);
    int fd = rig_connect_statsd(&rig);
    for (int n = 0; n < ONES; n++) {
        int64_t start = bench_ns();
        send_samples(fd, RULES, n, n + 1);
        figures_add(&column->one, wait_for_one(arrivals, (unsigned)n, start));
    }
    double before = cpu_of_both(&rig, courier);
    int64_t start = bench_ns();
    for (int rule = 0; rule < RULES; rule++) {
        send_samples(fd, rule, 0, SETS);
    }
    figures_add(&column->all, wait_for_all(arrivals, start));
    close(fd);
    int http = rig_connect_http(&rig);
    while (rig_metric(http, "firealarm_outbox") > 0) { /* the verdicts belong to the bill */
        bench_pause_us(20000);
    }
    close(http);
    figures_add(&column->cpu, (cpu_of_both(&rig, courier) - before) * 1000 / (RULES * SETS));
    figures_add(&column->peak, usage_of(rig.pid).peak_mib + usage_of(courier).peak_mib);
    rig_close(&rig);
    free(arrivals);
}

/* ---- theirs ---- */

struct theirs {
    struct peer peer;
    struct receiver *receiver;
    struct arrivals *arrivals;
};

static const char *program(void)
{
    static const char *const places[] = {"/usr/bin/prometheus-alertmanager",
                                         "/usr/local/bin/alertmanager", NULL};
    return peer_program("FA_ALERTMANAGER", places);
}

static int is_alone(const char *group_by)
{
    return strcmp(group_by, "'...'") == 0;
}

/* A group that does not wait at all leaves with the first of its alerts, and the others come a
 * group_interval later. */
static void start_theirs(struct theirs *theirs, const char *group_by)
{
    char config[128], data[128], listening[64];
    struct peer *peer = &theirs->peer;
    const char *const argv[] = {
        program(), config, data, listening, "--cluster.listen-address=", "--log.level=error", NULL};
    theirs->arrivals = calloc(1, sizeof *theirs->arrivals);
    theirs->receiver = receiver_open(on_theirs, theirs->arrivals);
    peer_open(peer);
    peer_write(peer, "am.yml",
               "route:\n  receiver: hook\n  group_by: [%s]\n  group_wait: %s\n"
               "  group_interval: 1s\n  repeat_interval: 4h\n"
               "receivers:\n- name: hook\n  webhook_configs:\n"
               "  - url: http://127.0.0.1:%u/first\n    send_resolved: false\n",
               group_by, is_alone(group_by) ? "0s" : "100ms", receiver_port(theirs->receiver));
    snprintf(config, sizeof config, "--config.file=%s/am.yml", peer->dir);
    snprintf(data, sizeof data, "--storage.path=%s/data", peer->dir);
    snprintf(listening, sizeof listening, "--web.listen-address=127.0.0.1:%u", peer->port);
    peer_start(peer, argv, "/-/ready");
}

static void stop_theirs(struct theirs *theirs)
{
    peer_close(&theirs->peer);
    receiver_close(theirs->receiver);
    free(theirs->arrivals);
}

/* Alerts of one rule in one request, as Prometheus sends them. */
static void post_alerts(int fd, int rule, int from, int to)
{
    static char body[64 * 1024], request[72 * 1024];
    size_t len = 0;
    for (int set = from; set < to; set++) {
        len += (size_t)snprintf(body + len, sizeof body - len,
                                "%s{\"labels\":{\"alertname\":\"r%d\",\"k\":\"v%d\",\"severity\":"
                                "\"critical\"},\"annotations\":{\"summary\":\"v%d is at 99\","
                                "\"expect\":\"Decide\"}}",
                                set > from ? "," : "[", rule, set, set);
    }
    len += (size_t)snprintf(body + len, sizeof body - len, "]");
    int total = snprintf(request, sizeof request,
                         "POST /api/v2/alerts HTTP/1.1\r\nHost: x\r\nContent-Type: "
                         "application/json\r\nContent-Length: %zu\r\n\r\n%s",
                         len, body);
    if (rig_ask(fd, request, (size_t)total, NULL, 0) != 200) {
        bench_fail("alertmanager refuses alerts");
    }
}

static void measure_theirs(const char *group_by, struct column *column)
{
    struct theirs theirs = {0};
    start_theirs(&theirs, group_by);
    int fd = peer_connect(theirs.peer.port);
    for (int n = 0; n < ONES; n++) {
        if (is_alone(group_by)) { /* in a group the second alert waits for group_interval */
            int64_t start = bench_ns();
            post_alerts(fd, RULES, n, n + 1);
            figures_add(&column->one, wait_for_one(theirs.arrivals, (unsigned)n, start));
        }
    }
    double before = usage_of(theirs.peer.pid).cpu_ms;
    int64_t start = bench_ns();
    for (int rule = 0; rule < RULES; rule++) {
        post_alerts(fd, rule, 0, SETS);
    }
    figures_add(&column->all, wait_for_all(theirs.arrivals, start));
    close(fd);
    struct usage after = usage_of(theirs.peer.pid);
    figures_add(&column->cpu, (after.cpu_ms - before) * 1000 / (RULES * SETS));
    figures_add(&column->peak, after.peak_mib);
    stop_theirs(&theirs);
}

static void print(struct column *column)
{
    char name[80];
    if (column->one.count > 0) {
        snprintf(name, sizeof name, "peer_%s_one_alarm_ms", column->name);
        figures_print_latency(&column->one, name);
    }
    snprintf(name, sizeof name, "peer_%s_10000_last_ms", column->name);
    figures_print(&column->all, name);
    snprintf(name, sizeof name, "peer_%s_10000_cpu_us_each", column->name);
    figures_print(&column->cpu, name);
    snprintf(name, sizeof name, "peer_%s_10000_peak_mib", column->name);
    figures_print(&column->peak, name);
    figures_done(&column->one);
    figures_done(&column->all);
    figures_done(&column->cpu);
    figures_done(&column->peak);
}

int main(void)
{
    struct column own = {.name = "firealarm"}, by_rule = {.name = "alertmanager_by_rule"},
                  alone = {.name = "alertmanager_alone"};
    if (program() == NULL) {
        printf("bench_peer=skipped: prometheus-alertmanager is not installed\n");
        return 0;
    }
    char *rules = make_rules();
    for (int round = 0; round < ROUNDS; round++) {
        measure_own(rules, &own);
        measure_theirs("alertname", &by_rule);
        measure_theirs("'...'", &alone);
    }
    print(&own);
    print(&by_rule);
    print(&alone);
    free(rules);
    return 0;
}
