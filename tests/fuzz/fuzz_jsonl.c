/* SPDX-License-Identifier: MIT */
/* links: fa_plugin_jsonl_static fa_public m */
/* Any lines, whole and in pieces (the first byte says how long and by which options). Checked
 * beside memory: both say the same; what is pushed is finite, has a handle that was given out and a
 * time that is one; keys are not empty; reasons are short. */
#include "firealarm/decoder.h"

#include <math.h>
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

struct said {
    uint64_t handles, samples, sum, rejects;
};

static void add(struct said *said, struct firealarm_text text)
{
    for (size_t i = 0; i < text.len; i++) {
        said->sum = said->sum * 31 + (unsigned char)text.ptr[i];
    }
}

static uint64_t key(void *ctx, uint32_t kind, struct firealarm_text raw)
{
    CHECK(kind >= FIREALARM_GAUGE && kind <= FIREALARM_STATE && raw.len > 1);
    add(ctx, raw);
    return ((const struct said *)ctx)->sum % 4 == 0 ? FIREALARM_IGNORED : FIREALARM_MISS;
}

static uint64_t define(void *ctx, uint32_t kind, struct firealarm_text raw,
                       struct firealarm_text name, const struct firealarm_label *labels,
                       uint32_t count)
{
    struct said *said = ctx;
    (void)kind, (void)raw;
    CHECK(name.len > 0);
    for (uint32_t i = 0; i < count; i++) {
        CHECK(labels[i].name.len > 0 && labels[i].value.len > 0);
        add(said, labels[i].value);
    }
    return ++said->handles;
}

static void push(void *ctx, const uint64_t *handles, const double *values, const double *weights,
                 const int64_t *times, uint32_t n)
{
    struct said *said = ctx;
    CHECK(weights == NULL && n > 0);
    for (uint32_t i = 0; i < n; i++) {
        CHECK(handles[i] > 0 && handles[i] <= said->handles);
        CHECK(isfinite(values[i]));
        CHECK(times[i] >= 0 && times[i] <= INT64_C(253402300800000));
    }
    said->samples += n;
}

static void stale(void *ctx, uint64_t handle, int64_t time)
{
    struct said *said = ctx;
    CHECK(handle > 0 && handle <= said->handles && time >= 0);
    said->sum++;
}

static void reject(void *ctx, const char *reason, struct firealarm_text excerpt)
{
    struct said *said = ctx;
    CHECK(strlen(reason) <= 60 && (excerpt.len == 0 || excerpt.ptr[0] != '\n'));
    said->rejects++;
}

static struct said run(int other, const uint8_t *data, size_t size, size_t piece)
{
    static const char *const texts[2][8] = {
        {"metric", "", "value", "time", "ms", "labels", "kind", "gauge"},
        {"n", "m", "a.b", "t", "ns", "l a.c", "k", "set"},
    };
    struct said said = {0};
    struct firealarm_error error;
    struct firealarm_value values[8];
    struct firealarm_settings settings = {.name = "fuzz", .values = values, .count = 8};
    struct firealarm_host host = {.abi = FIREALARM_HOST_ABI, .size = sizeof host};
    struct firealarm_request request = {.size = sizeof request, .transport = FIREALARM_STREAM};
    struct firealarm_sink sink = {.abi = FIREALARM_DECODER_ABI,
                                  .size = sizeof sink,
                                  .ctx = &said,
                                  .now = 1700000000000,
                                  .key = key,
                                  .define = define,
                                  .push = push,
                                  .stale = stale,
                                  .reject = reject};
    void *self = NULL, *conn = NULL;
    for (size_t i = 0; i < 8; i++) {
        values[i] = (struct firealarm_value){.text = {texts[other][i], strlen(texts[other][i])}};
    }
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
    return said;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    struct said whole = run(data[0] & 1, data + 1, size - 1, 0);
    struct said cut = run(data[0] & 1, data + 1, size - 1, (size_t)(data[0] >> 1) + 1);
    CHECK(memcmp(&whole, &cut, sizeof whole) == 0);
    return 0;
}
