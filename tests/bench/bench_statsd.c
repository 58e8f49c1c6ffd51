/* SPDX-License-Identifier: MIT */
/* links: fa_plugin_statsd_static fa_metrics fa_base fa_public */
/* Lines a second of the StatsD decoder into real metrics: datagrams of 1,432 bytes, one feed, keys
 * looked up, samples put into windows. Prints key=value lines. */
#include "firealarm/decoder.h"
#include "metrics/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SERIES    1000
#define DATAGRAMS 2000
#define ROUNDS    50

struct state {
    struct fa_feed *feed;
    struct fa_now now;
};

static uint64_t key(void *ctx, uint32_t kind, struct firealarm_text raw)
{
    struct state *state = ctx;
    return fa_metrics_key(state->feed, (enum fa_kind)kind, (struct fa_str){raw.ptr, raw.len});
}

static uint64_t define(void *ctx, uint32_t kind, struct firealarm_text raw,
                       struct firealarm_text name, const struct firealarm_label *labels,
                       uint32_t count)
{
    struct state *state = ctx;
    struct fa_label copy[FA_LABELS_MAX];
    count = count < FA_LABELS_MAX ? count : FA_LABELS_MAX;
    for (uint32_t i = 0; i < count; i++) {
        copy[i].name = (struct fa_str){labels[i].name.ptr, labels[i].name.len};
        copy[i].value = (struct fa_str){labels[i].value.ptr, labels[i].value.len};
    }
    return fa_metrics_define(state->feed, (enum fa_kind)kind, (struct fa_str){raw.ptr, raw.len},
                             (struct fa_str){name.ptr, name.len}, copy, count);
}

static void push(void *ctx, const uint64_t *handles, const double *values, const double *weights,
                 const int64_t *times, uint32_t n)
{
    struct state *state = ctx;
    fa_metrics_push(state->feed, state->now, handles, values, weights, times, n);
}

static void reject(void *ctx, const char *reason, struct firealarm_text excerpt)
{
    (void)ctx;
    fprintf(stderr, "%s: %.*s\n", reason, (int)excerpt.len, excerpt.ptr);
    exit(1);
}

struct datagram {
    char bytes[1432];
    size_t len;
};

static uint64_t fill(struct datagram *datagrams, const char *metric)
{
    uint64_t lines = 0, n = 1;
    for (size_t i = 0; i < DATAGRAMS; i++) {
        struct datagram *datagram = &datagrams[i];
        datagram->len = 0;
        for (;;) {
            char line[128];
            n = n * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            int len = snprintf(line, sizeof line, "%s:%u.%u|%s|#env:prod,queue:q%u\n", metric,
                               (unsigned)(n >> 50), (unsigned)(n >> 20 & 7),
                               n >> 40 & 1 ? "c" : "ms", (unsigned)(n >> 33) % SERIES);
            if (datagram->len + (size_t)len > sizeof datagram->bytes) {
                break;
            }
            memcpy(datagram->bytes + datagram->len, line, (size_t)len);
            datagram->len += (size_t)len;
            lines++;
        }
    }
    return lines;
}

static double seconds(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void bench(const char *name, const char *metric, void *conn, struct firealarm_sink *sink,
                  struct datagram *datagrams)
{
    struct state *state = sink->ctx;
    struct firealarm_error error;
    uint64_t lines = fill(datagrams, metric) * ROUNDS;
    double start = seconds();
    for (int round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < DATAGRAMS; i++) {
            struct firealarm_text bytes = {datagrams[i].bytes, datagrams[i].len};
            sink->now = ++state->now.wall;
            (void)firealarm_decoder.feed(conn, sink, bytes, FIREALARM_FEED_END, &error);
        }
    }
    double took = seconds() - start;
    printf("%s_lines=%llu\n%s_seconds=%.3f\n%s_lines_per_second=%.0f\n", name,
           (unsigned long long)lines, name, took, name, (double)lines / took);
}

int main(void)
{
    struct fa_metrics *metrics = fa_metrics_new(NULL);
    struct fa_watcher *watcher = fa_watcher_new(metrics);
    struct fa_watch_spec spec = {.metric = FA_STR("support.response_time"), .over = 15 * FA_MINUTE};
    fa_watcher_add(watcher, &spec);
    struct state state = {fa_metrics_feed(metrics, "statsd"), {0, 1700000000000}};
    struct firealarm_sink sink = {.abi = FIREALARM_DECODER_ABI,
                                  .size = sizeof sink,
                                  .ctx = &state,
                                  .key = key,
                                  .define = define,
                                  .push = push,
                                  .reject = reject};
    struct firealarm_value value = {.text = FIREALARM_TEXT("delta")};
    struct firealarm_settings settings = {.name = "bench", .values = &value, .count = 1};
    struct firealarm_host host = {.abi = FIREALARM_HOST_ABI, .size = sizeof host};
    struct firealarm_request request = {.size = sizeof request, .transport = FIREALARM_DATAGRAM};
    struct firealarm_error error;
    struct datagram *datagrams = malloc(DATAGRAMS * sizeof *datagrams);
    void *self = NULL, *conn = NULL;
    if (datagrams == NULL || firealarm_decoder.create(&host, &settings, &self, &error) < 0 ||
        firealarm_decoder.open(self, &request, &conn, &error) < 0) {
        return 1;
    }
    bench("watched", "support.response_time", conn, &sink, datagrams);
    bench("unwatched", "support.something_else", conn, &sink, datagrams);
    printf("samples=%llu\n", (unsigned long long)fa_feed_stats(state.feed).samples);
    firealarm_decoder.close(conn);
    firealarm_decoder.destroy(self);
    free(datagrams);
    fa_watcher_free(watcher);
    fa_metrics_free(metrics);
    return 0;
}
