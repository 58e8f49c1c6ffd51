/* SPDX-License-Identifier: MIT */
/* links: fa_plugin_statsd_static fa_public */
/* Any bytes, in any pieces, as datagram and as stream, with both meanings of a signed gauge. The
 * first byte chooses. Checked beside memory: what is pushed is finite, weighs at least 1 and has a
 * handle that was given out; reasons are short; a stream cut otherwise says as many samples. */
#include "firealarm/decoder.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(cond)                                                                                \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            fprintf(stderr, "not true: %s\n", #cond);                                              \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

struct counts {
    uint64_t handles, samples, rejects, events;
};

static uint64_t touch(struct firealarm_text text)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < text.len; i++) {
        sum += (unsigned char)text.ptr[i];
    }
    return sum;
}

static uint64_t key(void *ctx, uint32_t kind, struct firealarm_text raw)
{
    (void)ctx;
    CHECK(kind >= FIREALARM_GAUGE && kind <= FIREALARM_GAUGE_DELTA && raw.len > 0);
    return touch(raw) % 3 == 0 ? FIREALARM_IGNORED : FIREALARM_MISS;
}

static uint64_t define(void *ctx, uint32_t kind, struct firealarm_text raw,
                       struct firealarm_text name, const struct firealarm_label *labels,
                       uint32_t count)
{
    struct counts *counts = ctx;
    (void)kind;
    CHECK(name.len > 0 && name.len <= raw.len);
    for (uint32_t i = 0; i < count; i++) {
        CHECK(labels[i].name.len > 0);
        (void)touch(labels[i].name);
        (void)touch(labels[i].value);
    }
    return ++counts->handles;
}

static void push(void *ctx, const uint64_t *handles, const double *values, const double *weights,
                 const int64_t *times, uint32_t n)
{
    struct counts *counts = ctx;
    for (uint32_t i = 0; i < n; i++) {
        CHECK(handles[i] > 0 && handles[i] <= counts->handles);
        CHECK(isfinite(values[i]));
        CHECK(weights == NULL || (weights[i] >= 1 && isfinite(weights[i])));
        CHECK(times == NULL || times[i] >= 0);
    }
    counts->samples += n;
}

static void event(void *ctx, const struct firealarm_event *one)
{
    CHECK(one->title.len > 0);
    (void)touch(one->title);
    (void)touch(one->text);
    (void)touch(one->source);
    ((struct counts *)ctx)->events++;
}

static void reject(void *ctx, const char *reason, struct firealarm_text excerpt)
{
    CHECK(strlen(reason) <= 60);
    (void)touch(excerpt);
    ((struct counts *)ctx)->rejects++;
}

/* piece 0: one datagram. */
static struct counts run(const char *sign, const uint8_t *data, size_t size, size_t piece)
{
    struct counts counts = {0};
    struct firealarm_error error;
    struct firealarm_value value = {.text = {sign, strlen(sign)}};
    struct firealarm_settings settings = {.name = "fuzz", .values = &value, .count = 1};
    struct firealarm_host host = {.abi = FIREALARM_HOST_ABI, .size = sizeof host};
    struct firealarm_request request = {.size = sizeof request};
    struct firealarm_sink sink = {.abi = FIREALARM_DECODER_ABI,
                                  .size = sizeof sink,
                                  .ctx = &counts,
                                  .now = 1700000000000,
                                  .key = key,
                                  .define = define,
                                  .push = push,
                                  .event = event,
                                  .reject = reject};
    void *self = NULL, *conn = NULL;
    CHECK(firealarm_decoder.create(&host, &settings, &self, &error) == 0);
    CHECK(firealarm_decoder.open(self, &request, &conn, &error) == 0);
    size_t at = 0;
    do {
        size_t n = piece == 0 || size - at < piece ? size - at : piece;
        struct firealarm_text bytes = {(const char *)data + at, n};
        at += n;
        CHECK(firealarm_decoder.feed(conn, &sink, bytes, at == size ? FIREALARM_FEED_END : 0,
                                     &error) == 0);
    } while (at < size);
    firealarm_decoder.close(conn);
    firealarm_decoder.destroy(self);
    return counts;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    const char *sign = data[0] & 1 ? "absolute" : "delta";
    size_t piece = (size_t)(data[0] >> 1) + 1;
    struct counts whole = run(sign, data + 1, size - 1, 0);
    struct counts cut = run(sign, data + 1, size - 1, piece);
    if (size < 8000) { /* no line can be too long for a stream */
        CHECK(whole.samples == cut.samples && whole.rejects == cut.rejects &&
              whole.events == cut.events);
    }
    return 0;
}
