/* SPDX-License-Identifier: MIT */
/* links: fa_bench_rig */
/* A courier that is killed, stopped, or waits for a name server that never answers: how long the
 * daemon's loop is held (a probe asks /-/healthy every ms; aim: never over 50 ms), and how long an
 * alarm on a channel that works takes meanwhile (aim: 2 s). A killed or stopped courier takes all
 * channels with it until it is replaced. With DNS, one alarm is on a person whose first channel
 * hangs and whose second works, too. With dead endpoints, a hundred people with a receiver each
 * that never reads are told at once, and then the one whose receiver works. */
#include "rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ROUNDS   3
#define HANGING  100
#define MANY     5000
#define QUIET_US 1500000
#define GUARD_MS 40000

struct arrivals {
    _Atomic int64_t first, fallback; /* 0: not yet */
};

static void on_post(void *ctx, int64_t ns, const char *path, const char *body)
{
    struct arrivals *arrivals = ctx;
    int64_t none = 0;
    if (strcmp(path, "/first") == 0) {
        atomic_compare_exchange_strong(&arrivals->first, &none, ns);
    } else if (strcmp(path, "/far") == 0) {
        atomic_compare_exchange_strong(&arrivals->fallback, &none, ns);
    }
}

static double wait_for(_Atomic int64_t *arrival, int64_t start, const char *what)
{
    int64_t ns;
    while ((ns = atomic_load(arrival)) == 0) {
        if (bench_ms_since(start) > GUARD_MS) {
            bench_fail("%s: nothing within %d s", what, GUARD_MS / 1000);
        }
        bench_pause_us(100);
    }
    return (double)(ns - start) / 1e6;
}

struct columns {
    struct figures lag, machine, delivered, fallback;
};

static void statsd(const struct rig *rig, const char *metric, unsigned from, unsigned to)
{
    int fd = rig_connect_statsd(rig);
    while (from < to) {
        char bytes[1400];
        size_t len = 0;
        while (from < to && len < sizeof bytes - 64) {
            len += (size_t)sprintf(bytes + len, "%s:500|g|#k:v%u\n", metric, from++);
        }
        if (send(fd, bytes, len, 0) != (ssize_t)len) {
            bench_fail("cannot send: %s", strerror(errno));
        }
    }
    close(fd);
}

/* signo 0: nothing happens, for comparison. */
static void signalled(int signo, struct columns *c)
{
    struct arrivals arrivals = {0};
    struct rig rig = {.on_post = on_post, .ctx = &arrivals};
    rig_open(&rig);
    rig_start(&rig);
    statsd(&rig, "queue_seconds", 1, 2);
    (void)wait_for(&arrivals.first, bench_ns(), "before");
    bench_pause_us(200000);
    atomic_store(&arrivals.first, 0);
    struct probe *probe = probe_start(&rig);
    pid_t courier = rig_courier(&rig);
    int64_t start = bench_ns();
    if (signo != 0) {
        kill(courier, signo);
    }
    statsd(&rig, "queue_seconds", 2, 3);
    figures_add(&c->delivered, wait_for(&arrivals.first, start, "a courier that was signalled"));
    bench_pause_us(QUIET_US);
    probe_stop(probe, &c->lag, &c->machine);
    rig_close(&rig);
}

static const char dark_people[] =
    ",\n  { name = \"dark\"; manager = \"top\"; channels = ( { channel = \"dark\"; },\n"
    "    { channel = \"far\"; } ); }";
static const char dark_channels[] =
    "  ,{ name = \"dark\"; plugin = \"webhook\"; machine = true; allow_private = true;\n"
    "    allow_plain = true; url = \"http://receiver.firealarm.test/dark\"; }\n";
static const char dark_policies[] =
    ",\n  { name = \"dark\"; steps = ( { targets = [ \"dark\" ]; wait = \"1h\"; },\n"
    "      { targets = [ \"top\" ]; wait = \"4h\"; } ); }";
static const char dead_policies[] =
    ",\n  { name = \"dark\"; steps = ( { targets = [ \"team:dead\" ]; wait = \"1h\"; },\n"
    "      { targets = [ \"top\" ]; wait = \"4h\"; } ); }";
static const char dark_rules[] =
    "rules = ( { name = \"slow\"; category = \"danger\"; severity = \"critical\";\n"
    "    policy = \"leaders\"; metric = \"queue_seconds\"; take = \"last\"; per = [ \"k\" ];\n"
    "    above = 100.0; summary = \"{k}\"; expect = \"Decide\"; },\n"
    "  { name = \"dark\"; category = \"danger\"; severity = \"critical\";\n"
    "    policy = \"dark\"; metric = \"dark_seconds\"; take = \"last\"; per = [ \"k\" ];\n"
    "    above = 100.0; summary = \"{k}\"; expect = \"Decide\"; } );\n";

/* `hanging` alarms to the channel that hangs, and then one to the one that works. */
static void silent_dns(unsigned hanging, struct columns *c)
{
    struct arrivals arrivals = {0};
    struct rig rig = {.on_post = on_post,
                      .ctx = &arrivals,
                      .people = dark_people,
                      .channels = dark_channels,
                      .policies = dark_policies,
                      .rules = dark_rules,
                      .fail_after = "2s",
                      .silent_dns = 1};
    rig_open(&rig);
    rig_start(&rig);
    struct probe *probe = probe_start(&rig);
    int64_t start = bench_ns();
    statsd(&rig, "dark_seconds", 0, hanging);
    bench_pause_us(500000);
    int64_t other = bench_ns();
    statsd(&rig, "queue_seconds", 1, 2);
    figures_add(&c->delivered, wait_for(&arrivals.first, other, "beside a silent name server"));
    figures_add(&c->fallback, wait_for(&arrivals.fallback, start, "the second channel"));
    probe_stop(probe, &c->lag, &c->machine);
    rig_close(&rig);
}

static int dead_port(unsigned *ret_port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) != 0 || listen(fd, 8) != 0 ||
        getsockname(fd, (struct sockaddr *)&at, &len) != 0) {
        bench_fail("cannot listen: %s", strerror(errno));
    }
    *ret_port = ntohs(at.sin_port);
    return fd;
}

/* People, channels and their team, as further groups and settings. */
static void make_dead(int fds[HANGING], char *texts[3])
{
    size_t len;
    FILE *out[3];
    for (size_t i = 0; i < 3; i++) {
        out[i] = open_memstream(&texts[i], &len);
    }
    fprintf(out[2], "%steams = ( { name = \"dead\"; members = [ ", dark_rules);
    for (unsigned i = 0; i < HANGING; i++) {
        unsigned port;
        fds[i] = dead_port(&port);
        fprintf(out[0],
                ", { name = \"d%u\"; manager = \"top\"; channels = ( { channel = \"d%u\"; },\n"
                "  { channel = \"far\"; } ); }\n",
                i, i);
        fprintf(out[1],
                ", { name = \"d%u\"; plugin = \"webhook\"; machine = true;\n"
                "  allow_private = true; allow_plain = true; url = \"http://127.0.0.1:%u/d\"; }\n",
                i, port);
        fprintf(out[2], "%s\"d%u\"", i > 0 ? ", " : "", i);
    }
    fputs(" ]; } );\n", out[2]);
    for (size_t i = 0; i < 3; i++) {
        if (fclose(out[i]) != 0) {
            bench_fail("no memory");
        }
    }
}

static void dead_endpoints(struct columns *c)
{
    struct arrivals arrivals = {0};
    char *texts[3];
    int fds[HANGING];
    make_dead(fds, texts);
    struct rig rig = {.on_post = on_post,
                      .ctx = &arrivals,
                      .people = texts[0],
                      .channels = texts[1],
                      .policies = dead_policies,
                      .rules = texts[2],
                      .fail_after = "2s"};
    rig_open(&rig);
    rig_start(&rig);
    struct probe *probe = probe_start(&rig);
    int64_t start = bench_ns();
    statsd(&rig, "dark_seconds", 0, 1);
    bench_pause_us(100000);
    int64_t other = bench_ns();
    statsd(&rig, "queue_seconds", 1, 2);
    figures_add(&c->delivered, wait_for(&arrivals.first, other, "beside dead endpoints"));
    figures_add(&c->fallback, wait_for(&arrivals.fallback, start, "the second channel"));
    probe_stop(probe, &c->lag, &c->machine);
    rig_close(&rig);
    for (size_t i = 0; i < HANGING; i++) {
        close(fds[i]);
    }
    for (size_t i = 0; i < 3; i++) {
        free(texts[i]);
    }
}

static void print(const char *name, struct columns *c)
{
    char text[80];
    snprintf(text, sizeof text, "courier_%s_other_delivered_ms", name);
    figures_print(&c->delivered, text);
    if (c->fallback.count > 0) {
        snprintf(text, sizeof text, "courier_%s_second_channel_ms", name);
        figures_print(&c->fallback, text);
    }
    snprintf(text, sizeof text, "courier_%s_loop_lag_ms", name);
    figures_print_latency(&c->lag, text);
    snprintf(text, sizeof text, "courier_%s_machine_lag_ms", name);
    figures_print_latency(&c->machine, text);
    figures_done(&c->delivered);
    figures_done(&c->fallback);
    figures_done(&c->lag);
    figures_done(&c->machine);
}

int main(void)
{
    struct columns idle = {0}, killed = {0}, stopped = {0}, dead = {0}, dns = {0}, many = {0};
    for (int round = 0; round < ROUNDS; round++) {
        signalled(0, &idle);
        signalled(SIGKILL, &killed);
        signalled(SIGSTOP, &stopped);
        dead_endpoints(&dead);
    }
    print("well", &idle);
    print("killed", &killed);
    print("stopped", &stopped);
    print("dead_100", &dead);
    if (!rig_can_silence_dns()) {
        printf("courier_dns=skipped (needs the right to make a mount namespace)\n");
        return 0;
    }
    for (int round = 0; round < ROUNDS; round++) {
        silent_dns(HANGING, &dns);
    }
    silent_dns(MANY, &many);
    print("dns_100", &dns);
    print("dns_5000", &many);
    return 0;
}
