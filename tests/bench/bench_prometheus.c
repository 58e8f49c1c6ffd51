/* SPDX-License-Identifier: MIT */
/* links: fa_plugin_prometheus_static fa_metrics fa_rules fa_base fa_public snappy */
/* The prometheus decoder into real metrics, without sockets: CPU time of a sample as text and as
 * remote write, in pieces as the server hands them on. 10,000 series with five labels each, of
 * which a rule watches all, half or none; a body has 2,000 of them, as Debian's prometheus sends.
 * Beside it, in the same run, memchr over the same text, and snappy's own undoing of the same body.
 * Prints key=value lines. */
#include "firealarm/decoder.h"
#include "metrics/metrics.h"
#include "rules/rules.h"

#include "../support/remote_write.h"

#include <stdio.h>
#include <time.h>

#define SERIES 10000
#define BODIES 5
#define EACH   (SERIES / BODIES)
#define PIECE  4096
#define T0     INT64_C(1700000000000)

struct state {
    struct fa_feed *feed;
    struct fa_now now;
};

static uint64_t key(void *ctx, uint32_t kind, struct firealarm_text raw)
{
    struct state *state = ctx;
    return fa_metrics_key(state->feed, (enum fa_kind)kind, (struct fa_str){raw.ptr, raw.len});
}

static void keys(void *ctx, const uint32_t *kinds, const struct firealarm_text *raws,
                 uint64_t *handles, uint32_t n)
{
    struct state *state = ctx;
    fa_metrics_keys(state->feed, kinds, (const struct fa_str *)(const void *)raws, handles, n);
}

static uint64_t define(void *ctx, uint32_t kind, struct firealarm_text raw,
                       struct firealarm_text name, const struct firealarm_label *labels,
                       uint32_t count)
{
    struct state *state = ctx;
    return fa_metrics_define(state->feed, (enum fa_kind)kind, (struct fa_str){raw.ptr, raw.len},
                             (struct fa_str){name.ptr, name.len},
                             (const struct fa_label *)(const void *)labels, count);
}

static void push(void *ctx, const uint64_t *handles, const double *values, const double *weights,
                 const int64_t *times, uint32_t n)
{
    struct state *state = ctx;
    fa_metrics_push(state->feed, state->now, handles, values, weights, times, n);
}

static void stop(const char *what)
{
    fprintf(stderr, "%s\n", what);
    exit(1);
}

static void reject(void *ctx, const char *reason, struct firealarm_text excerpt)
{

    stop(reason);
}

static void reply(void *ctx, uint32_t status, struct firealarm_text type,
                  struct firealarm_text body)
{
    stop("the decoder refused the body");
}

/* All series once, at one time. */
struct bodies {
    unsigned watched; /* 2: all of them, 1: every second, 0: none */
    struct rw text[BODIES], message[BODIES], packed[BODIES];
};

static void put_text(struct rw *text, const char *const values[6], double value, int64_t time)
{
    char line[300];
    int len = snprintf(line, sizeof line,
                       "%s{instance=\"%s\",job=\"%s\",le=\"%s\",method=\"%s\",path=\"%s\"} %.10g "
                       "%lld\n",
                       values[0], values[1], values[2], values[3], values[4], values[5], value,
                       (long long)time);
    rw_put(text, line, (size_t)len);
}

static void put_message(struct rw *message, const char *const values[6], double value, int64_t time)
{
    static const char *const names[] = {"__name__", "instance", "job", "le", "method", "path"};
    struct rw series = {0};
    for (int i = 0; i < 6; i++) {
        rw_label(&series, names[i], values[i]);
    }
    rw_sample(&series, value, time);
    rw_message(message, 1, &series);
}

static void empty(struct bodies *bodies)
{
    for (int b = 0; b < BODIES; b++) {
        free(bodies->text[b].data);
        free(bodies->message[b].data);
        free(bodies->packed[b].data);
        bodies->text[b] = bodies->message[b] = bodies->packed[b] = (struct rw){0};
    }
}

static void fill(struct bodies *bodies, int64_t time)
{
    static const char *const methods[] = {"GET", "PUT", "POST"};
    static const char *const bounds[] = {"0.1", "0.5", "1", "+Inf"};
    empty(bodies);
    for (unsigned i = 0; i < SERIES; i++) {
        bool is_watched = bodies->watched == 2 || (bodies->watched == 1 && i % 2 == 0);
        char path[40];
        const char *values[] = {is_watched ? "http_request_duration_seconds_bucket"
                                           : "http_response_duration_seconds_bucket",
                                "10.1.2.3:9100",
                                "checkout",
                                bounds[i % 4],
                                methods[i % 3],
                                path};
        snprintf(path, sizeof path, "/api/v1/%u", i);
        put_text(&bodies->text[i / EACH], values, i * 1.5, time);
        put_message(&bodies->message[i / EACH], values, i * 1.5, time);
    }
    for (int b = 0; b < BODIES; b++) {
        struct rw copy = {0};
        rw_put(&copy, bodies->message[b].data, bodies->message[b].len);
        bodies->packed[b] = rw_pack(&copy);
    }
}

static double seconds(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

struct feed {
    void *self;
    struct firealarm_sink sink;
};

static void post(struct feed *feed, const char *path, const struct rw *body)
{
    struct firealarm_request request = {.size = sizeof request,
                                        .transport = FIREALARM_HTTP,
                                        .method = FIREALARM_TEXT("POST"),
                                        .path = {path, strlen(path)}};
    struct firealarm_error error;
    void *conn = NULL;
    if (firealarm_decoder.open(feed->self, &request, &conn, &error) != 0) {
        stop(error.text);
    }
    for (size_t at = 0; at < body->len; at += PIECE) {
        size_t n = body->len - at < PIECE ? body->len - at : PIECE;
        if (firealarm_decoder.feed(conn, &feed->sink, (struct firealarm_text){body->data + at, n},
                                   at + n == body->len ? FIREALARM_FEED_END : 0, &error) != 0) {
            stop(error.text);
        }
    }
    firealarm_decoder.close(conn);
}

static void post_all(struct feed *feed, const char *path, const struct rw bodies[BODIES])
{
    for (int b = 0; b < BODIES; b++) {
        post(feed, path, &bodies[b]);
    }
}

static void count_lines(const struct rw bodies[BODIES])
{
    size_t lines = 0;
    for (int b = 0; b < BODIES; b++) {
        const char *at = bodies[b].data, *end = at + bodies[b].len;
        for (; (at = memchr(at, '\n', (size_t)(end - at))) != NULL; at++) {
            lines++;
        }
    }
    if (lines != SERIES) {
        stop("not all lines were seen");
    }
}

static void unpack(const struct bodies *bodies)
{
    for (int b = 0; b < BODIES; b++) {
        size_t len = bodies->message[b].len;
        char *out = malloc(len);
        if (out == NULL || snappy_uncompress(bodies->packed[b].data, bodies->packed[b].len, out,
                                             &len) != SNAPPY_OK) {
            stop("snappy says no");
        }
        free(out);
    }
}

struct times {
    double text, remote, bare, snappy; /* seconds of CPU */
};

/* A scrape of all series 15 s after the one before; the first, which defines, is not counted. */
static void bench(struct feed *feed, struct bodies *bodies, int rounds, struct times *times)
{
    struct state *state = feed->sink.ctx;
    for (int round = -1; round < rounds; round++) {
        state->now.wall += 15000;
        fill(bodies, state->now.wall - 1);
        double at[5] = {seconds()};
        post_all(feed, "/text", bodies->text);
        at[1] = seconds();
        count_lines(bodies->text);
        at[2] = seconds();
        fill(bodies, state->now.wall);
        at[3] = seconds();
        post_all(feed, "/write", bodies->packed);
        at[4] = seconds();
        unpack(bodies);
        if (round >= 0) {
            times->text += at[1] - at[0];
            times->bare += at[2] - at[1];
            times->remote += at[4] - at[3];
            times->snappy += seconds() - at[4];
        }
    }
}

static void print(const char *name, const char *what, double seconds_taken, int rounds,
                  const struct times *times)
{
    double samples = (double)rounds * SERIES;
    printf("prometheus_%s_%s_cpu_ns_a_sample=%.1f prometheus_%s_%s_samples_per_second=%.0f"
           " prometheus_%s_%s_to_memchr=%.1f\n",
           name, what, seconds_taken * 1e9 / samples, name, what, samples / seconds_taken, name,
           what, seconds_taken / times->bare);
}

static void bench_all(const char *name, unsigned watched, int rounds)
{
    static char metric[] = "http_request_duration_seconds_bucket";
    static char *per[] = {"path"};
    struct fa_rule rule = {.name = metric,
                           .metric = {.metric = metric,
                                      .take = FA_TAKE_LAST,
                                      .has_above = true,
                                      .above = 1e18,
                                      .per = per,
                                      .per_count = 1}};
    const struct fa_rule *list[] = {&rule};
    struct fa_metrics *metrics = fa_metrics_new(NULL);
    struct fa_rules *rules = fa_rules_new(list, 1, metrics);
    struct state state = {.feed = fa_metrics_feed(metrics, "prom"), .now = {0, T0}};
    struct firealarm_value values[] = {{.number = 1 << 24}, {.number = 1 << 26}};
    struct firealarm_settings settings = {.name = "bench", .values = values, .count = 2};
    struct firealarm_host host = {.abi = FIREALARM_HOST_ABI, .size = sizeof host};
    struct firealarm_error error;
    struct feed feed = {.sink = {.abi = FIREALARM_DECODER_ABI,
                                 .size = sizeof feed.sink,
                                 .ctx = &state,
                                 .now = T0,
                                 .key = key,
                                 .keys = keys,
                                 .define = define,
                                 .push = push,
                                 .reject = reject,
                                 .reply = reply}};
    struct bodies bodies = {.watched = watched};
    struct times times = {0};
    if (firealarm_decoder.create(&host, &settings, &feed.self, &error) != 0) {
        stop(error.text);
    }
    bench(&feed, &bodies, rounds, &times);
    print(name, "text", times.text, rounds, &times);
    print(name, "remote", times.remote, rounds, &times);
    printf("prometheus_%s_remote_to_snappy=%.1f prometheus_%s_text_bytes=%zu"
           " prometheus_%s_remote_bytes=%zu prometheus_%s_samples=%llu\n",
           name, times.remote / times.snappy, name, bodies.text[0].len / EACH, name,
           bodies.packed[0].len / EACH, name,
           (unsigned long long)fa_feed_stats(state.feed).samples);
    firealarm_decoder.destroy(feed.self);
    fa_rules_free(rules);
    fa_metrics_free(metrics);
    empty(&bodies);
}

int main(void)
{
    const char *rounds_text = getenv("FA_BENCH_ROUNDS");
    int rounds = rounds_text != NULL ? atoi(rounds_text) : 50;
    bench_all("watched", 2, rounds);
    bench_all("half", 1, rounds);
    bench_all("unwatched", 0, rounds);
    return 0;
}
