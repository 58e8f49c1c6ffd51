/* SPDX-License-Identifier: MIT */
/* links: fa_plugin_statsd_static fa_rules fa_metrics fa_base fa_public */
/* The StatsD decoder into real metrics and rules, without sockets: CPU time of a line. Datagrams of
 * 1,024 bytes over 10,000 series, half under a `last`, a quarter under a `rate` over 5 min, a
 * quarter under an `avg` over 15 min; time goes on by a millisecond for 300 lines. And lines that
 * no rule reads. Prints key=value lines. */
#include "firealarm/decoder.h"
#include "metrics/metrics.h"
#include "rules/rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SERIES    10000
#define DATAGRAMS 2048
#define BYTES     1024
#define TURN      7 /* datagrams */

struct state {
    struct fa_feed *feed;
    struct fa_rules *rules;
    struct fa_now now;
    uint64_t signals;
};

static void keys(void *ctx, const uint32_t *kinds, const struct firealarm_text *raws,
                 uint64_t *handles, uint32_t n)
{
    struct state *state = ctx;
    fa_metrics_keys(state->feed, kinds, (const struct fa_str *)(const void *)raws, handles, n);
}

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

static void on_signal(void *ctx, const struct fa_signal *signal)
{
    (void)signal;
    ((struct state *)ctx)->signals++;
}

struct datagram {
    char bytes[BYTES];
    size_t len;
};

static uint64_t fill(struct datagram *datagrams, const char *const names[4])
{
    static const char *const types[] = {"g", "c", "g", "ms"};
    uint64_t lines = 0, n = 1;
    for (size_t i = 0; i < DATAGRAMS; i++) {
        struct datagram *datagram = &datagrams[i];
        datagram->len = 0;
        for (;;) {
            char line[128];
            n = n * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            unsigned series = (unsigned)(n >> 33) % SERIES;
            int len = snprintf(line, sizeof line, "%s:%u|%s|#q:%u\n", names[series % 4],
                               (unsigned)(n >> 54), types[series % 4], series);
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
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void feed_all(void *conn, struct firealarm_sink *sink, const struct datagram *datagrams)
{
    struct state *state = sink->ctx;
    struct firealarm_error error;
    for (size_t i = 0; i < DATAGRAMS; i++) {
        struct firealarm_text bytes = {datagrams[i].bytes, datagrams[i].len};
        (void)firealarm_decoder.feed(conn, sink, bytes, FIREALARM_FEED_END, &error);
        if (i % TURN == 0) {
            sink->now = ++state->now.wall;
            fa_rules_run(state->rules, state->now, on_signal, state);
        }
    }
}

static void bench(const char *name, const char *const names[4], void *conn,
                  struct firealarm_sink *sink, struct datagram *datagrams)
{
    const char *rounds_text = getenv("FA_BENCH_ROUNDS");
    int rounds = rounds_text != NULL ? atoi(rounds_text) : 50;
    uint64_t lines = fill(datagrams, names) * (uint64_t)rounds;
    feed_all(conn, sink, datagrams);
    double start = seconds();
    for (int round = 0; round < rounds; round++) {
        feed_all(conn, sink, datagrams);
    }
    double took = seconds() - start;
    printf("statsd_%s_lines=%llu statsd_%s_cpu_ns_a_line=%.1f\n", name, (unsigned long long)lines,
           name, took * 1e9 / (double)lines);
}

static struct fa_rule rule_of(char *metric, enum fa_take take, fa_time over)
{
    static char *per[] = {"q"};
    return (struct fa_rule){.name = metric,
                            .for_ms = FA_MINUTE,
                            .metric = {.metric = metric,
                                       .take = take,
                                       .over = over,
                                       .has_above = true,
                                       .above = 1e8,
                                       .per = per,
                                       .per_count = 1}};
}

int main(void)
{
    static char wait_name[] = "desk.wait", calls_name[] = "desk.calls", talk_name[] = "desk.talk";
    static const char *const watched[] = {"desk.wait", "desk.calls", "desk.wait", "desk.talk"};
    static const char *const others[] = {"some.wait", "some.calls", "some.wait", "some.talk"};
    struct fa_rule rules[] = {rule_of(wait_name, FA_TAKE_LAST, 0),
                              rule_of(calls_name, FA_TAKE_RATE, 5 * FA_MINUTE),
                              rule_of(talk_name, FA_TAKE_AVG, 15 * FA_MINUTE)};
    const struct fa_rule *list[] = {&rules[0], &rules[1], &rules[2]};
    struct fa_metrics *metrics = fa_metrics_new(NULL);
    struct state state = {.feed = fa_metrics_feed(metrics, "statsd"),
                          .rules = fa_rules_new(list, 3, metrics),
                          .now = {0, 1700000000000}};
    struct firealarm_sink sink = {.abi = FIREALARM_DECODER_ABI,
                                  .size = sizeof sink,
                                  .ctx = &state,
                                  .key = key,
                                  .keys = keys,
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
    bench("watched", watched, conn, &sink, datagrams);
    bench("unwatched", others, conn, &sink, datagrams);
    printf("statsd_samples=%llu statsd_evaluations=%llu statsd_signals=%llu\n",
           (unsigned long long)fa_feed_stats(state.feed).samples,
           (unsigned long long)fa_rules_evaluations(state.rules),
           (unsigned long long)state.signals);
    firealarm_decoder.close(conn);
    firealarm_decoder.destroy(self);
    free(datagrams);
    fa_rules_free(state.rules);
    fa_metrics_free(metrics);
    return 0;
}
