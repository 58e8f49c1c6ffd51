/* SPDX-License-Identifier: MIT */
/* A sink for fuzz targets of decoders: it checks what the contract promises and makes a hash of all
 * that it is told, by which two ways of cutting a body are compared. */
#ifndef FA_FUZZ_SINK_H
#define FA_FUZZ_SINK_H

#include "firealarm/decoder.h"
#include "fuzz.h"

struct fuzz_sink {
    struct firealarm_sink sink;
    /* Of definitions apart: they are looked up in batches, so when they come is open. */
    uint64_t hash, definitions;
    uint64_t handles;
};

static inline void fuzz_sink_text(uint64_t *hash, struct firealarm_text text)
{
    fuzz_mix_number(hash, (int64_t)text.len);
    fuzz_mix(hash, text.ptr, text.len);
}

/* A third of the series are known to nobody who asks, a third are unwatched. */
static inline uint64_t fuzz_sink_key(void *ctx, uint32_t kind, struct firealarm_text raw)
{
    uint64_t sum = FUZZ_HASH;
    fa_assert(kind >= FIREALARM_GAUGE && kind <= FIREALARM_GAUGE_DELTA);
    fuzz_mix(&sum, raw.ptr, raw.len);
    return sum % 3 == 0 ? FIREALARM_IGNORED : FIREALARM_MISS;
}

static inline uint64_t fuzz_sink_define(void *ctx, uint32_t kind, struct firealarm_text raw,
                                        struct firealarm_text name,
                                        const struct firealarm_label *labels, uint32_t count)
{
    struct fuzz_sink *self = ctx;
    fa_assert(name.len > 0);
    fuzz_mix_number(&self->definitions, kind);
    fuzz_sink_text(&self->definitions, raw);
    fuzz_sink_text(&self->definitions, name);
    for (uint32_t i = 0; i < count; i++) {
        fa_assert(labels[i].name.len > 0 && labels[i].value.len > 0);
        fuzz_sink_text(&self->definitions, labels[i].name);
        fuzz_sink_text(&self->definitions, labels[i].value);
    }
    return ++self->handles;
}

static inline void fuzz_sink_push(void *ctx, const uint64_t *handles, const double *values,
                                  const double *weights, const int64_t *times, uint32_t n)
{
    struct fuzz_sink *self = ctx;
    fa_assert(n > 0 && weights == NULL);
    for (uint32_t i = 0; i < n; i++) {
        fa_assert(handles[i] > 0 && handles[i] <= self->handles);
        fa_assert(times == NULL || times[i] >= 0);
        fuzz_mix(&self->hash, &handles[i], sizeof handles[i]);
        fuzz_mix(&self->hash, &values[i], sizeof values[i]);
        fuzz_mix_number(&self->hash, times != NULL ? times[i] : 0);
    }
}

static inline void fuzz_sink_stale(void *ctx, uint64_t handle, int64_t time)
{
    struct fuzz_sink *self = ctx;
    fa_assert(handle > 0 && handle <= self->handles && time > 0);
    fuzz_mix_number(&self->hash, (int64_t)handle);
    fuzz_mix_number(&self->hash, time);
}

static inline void fuzz_sink_reject(void *ctx, const char *reason, struct firealarm_text excerpt)
{
    struct fuzz_sink *self = ctx;
    fa_assert(strlen(reason) <= 60);
    fuzz_sink_text(&self->hash, (struct firealarm_text){reason, strlen(reason)});
    fuzz_sink_text(&self->hash, excerpt);
}

static inline void fuzz_sink_reply(void *ctx, uint32_t status, struct firealarm_text type,
                                   struct firealarm_text body)
{
    struct fuzz_sink *self = ctx;
    fa_assert(status >= 400 && status < 600);
    fuzz_mix_number(&self->hash, status);
    fuzz_sink_text(&self->hash, body);
}

/* One body through one connection of the decoder; seed as in fuzz_cut. */
static inline uint64_t fuzz_sink_run(const struct firealarm_settings *settings,
                                     const struct firealarm_request *request, struct fa_str body,
                                     uint32_t seed)
{
    struct fuzz_sink self = {.hash = FUZZ_HASH, .definitions = FUZZ_HASH};
    struct firealarm_host host = {.abi = FIREALARM_HOST_ABI, .size = sizeof host};
    struct firealarm_error error;
    void *decoder = NULL, *conn = NULL;
    size_t at = 0;
    self.sink = (struct firealarm_sink){
        .abi = FIREALARM_DECODER_ABI,
        .size = sizeof self.sink,
        .ctx = &self,
        .now = 1700000000000,
        .key = fuzz_sink_key,
        .define = fuzz_sink_define,
        .push = fuzz_sink_push,
        .stale = fuzz_sink_stale,
        .reject = fuzz_sink_reject,
        .reply = fuzz_sink_reply,
    };
    fa_assert(firealarm_decoder.create(&host, settings, &decoder, &error) == 0);
    fa_assert(firealarm_decoder.open(decoder, request, &conn, &error) == 0);
    do {
        size_t n = fuzz_cut(&seed, body.len - at);
        char *copy = fuzz_copy((struct fa_str){body.ptr + at, n});
        at += n;
        fa_assert(firealarm_decoder.feed(conn, &self.sink, (struct firealarm_text){copy, n},
                                         at == body.len ? FIREALARM_FEED_END : 0, &error) == 0);
        free(copy);
    } while (at < body.len);
    firealarm_decoder.close(conn);
    firealarm_decoder.destroy(decoder);
    return self.hash ^ self.definitions;
}

#endif
