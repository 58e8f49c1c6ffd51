/* SPDX-License-Identifier: MIT */
/* links: fa_bench_rig */
/* One alarm at a time, from its cause to its webhook: from a StatsD datagram over the threshold,
 * and from a filing's request. Each includes one commit to disk before anything leaves (invariant
 * 2), whose own time in the same directory is printed beside it. */
#include "rig.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ROUNDS 3
#define EACH   200

struct arrival {
    _Atomic int64_t ns[EACH * 2]; /* by number; 0: not yet */
};

/* The number behind the mark that statsd's label or the filing's text carries. */
static void on_post(void *ctx, int64_t ns, const char *path, const char *body)
{
    struct arrival *arrival = ctx;
    const char *label = strstr(body, "\"k\":\"v"), *text = strstr(body, "Monday <");
    unsigned long n = label != NULL  ? strtoul(label + 6, NULL, 10)
                      : text != NULL ? EACH + strtoul(text + 8, NULL, 10)
                                     : EACH * 2;
    int64_t none = 0;
    if (n < EACH * 2) {
        atomic_compare_exchange_strong(&arrival->ns[n], &none, ns);
    }
}

static double wait_for(struct arrival *arrival, unsigned n, int64_t start)
{
    int64_t ns;
    while ((ns = atomic_load(&arrival->ns[n])) == 0) {
        if (bench_ms_since(start) > 10000) {
            bench_fail("no webhook within 10 s for number %u", n);
        }
        bench_pause_us(50);
    }
    return (double)(ns - start) / 1e6;
}

static void from_statsd(const struct rig *rig, struct arrival *arrival, struct figures *figures)
{
    int fd = rig_connect_udp(rig);
    for (unsigned n = 0; n < EACH; n++) {
        char line[64];
        int len = snprintf(line, sizeof line, "queue_seconds:312|g|#k:v%u", n);
        int64_t start = bench_ns();
        if (send(fd, line, (size_t)len, 0) != len) {
            bench_fail("cannot send: %s", strerror(errno));
        }
        figures_add(figures, wait_for(arrival, n, start));
    }
    close(fd);
}

static void from_filing(const struct rig *rig, struct arrival *arrival, struct figures *webhook,
                        struct figures *receipt)
{
    int fd = rig_connect_api(rig);
    for (unsigned n = 0; n < EACH; n++) {
        char request[1024];
        size_t len = rig_filing(request, sizeof request, "danger", n);
        int64_t start = bench_ns();
        int status = rig_ask(fd, request, len, NULL, 0);
        figures_add(receipt, bench_ms_since(start));
        if (status != 201) {
            bench_fail("a filing was answered %d", status);
        }
        figures_add(webhook, wait_for(arrival, EACH + n, start));
    }
    close(fd);
}

int main(void)
{
    struct figures sync = {0}, statsd = {0}, filing = {0}, receipt = {0};
    for (int round = 0; round < ROUNDS; round++) {
        struct arrival *arrival = calloc(1, sizeof *arrival);
        struct rig rig = {.on_post = on_post, .ctx = arrival};
        rig_open(&rig);
        rig_start(&rig);
        int fd = rig_open_disk(&rig);
        for (unsigned i = 0; i < EACH; i++) {
            figures_add(&sync, rig_sync_ms(fd, i));
        }
        close(fd);
        from_statsd(&rig, arrival, &statsd);
        from_filing(&rig, arrival, &filing, &receipt);
        rig_close(&rig);
        free(arrival);
    }
    figures_print_latency(&sync, "alarm_disk_sync_ms");
    figures_print_latency(&statsd, "alarm_statsd_to_webhook_ms");
    figures_print_latency(&receipt, "alarm_filing_to_receipt_ms");
    figures_print_latency(&filing, "alarm_filing_to_webhook_ms");
    printf("alarm_statsd_to_sync_ratio=%.3g alarm_filing_to_sync_ratio=%.3g\n",
           figures_at(&statsd, 0.5) / figures_at(&sync, 0.5),
           figures_at(&filing, 0.5) / figures_at(&sync, 0.5));
    figures_done(&sync);
    figures_done(&statsd);
    figures_done(&filing);
    figures_done(&receipt);
    return 0;
}
