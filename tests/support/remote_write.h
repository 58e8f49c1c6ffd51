/* SPDX-License-Identifier: MIT */
/* Remote-write messages for tests: protobuf put together by hand, and packed by the real snappy. */
#ifndef FA_REMOTE_WRITE_H
#define FA_REMOTE_WRITE_H

#include <snappy-c.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define RW_STALE UINT64_C(0x7ff0000000000002)

struct rw {
    char *data; /* free() it */
    size_t len, cap;
};

static inline void rw_put(struct rw *rw, const void *bytes, size_t len)
{
    if (rw->len + len > rw->cap) {
        rw->cap = 2 * (rw->len + len) + 64;
        rw->data = realloc(rw->data, rw->cap);
        if (rw->data == NULL) {
            abort();
        }
    }
    memcpy(rw->data + rw->len, bytes, len);
    rw->len += len;
}

static inline void rw_varint(struct rw *rw, uint64_t value)
{
    char byte;
    for (; value >= 0x80; value >>= 7) {
        byte = (char)(value | 0x80);
        rw_put(rw, &byte, 1);
    }
    byte = (char)value;
    rw_put(rw, &byte, 1);
}

static inline void rw_bytes(struct rw *rw, uint32_t field, const void *bytes, size_t len)
{
    rw_varint(rw, (uint64_t)field << 3 | 2);
    rw_varint(rw, len);
    rw_put(rw, bytes, len);
}

/* Takes what is in `inner`. */
static inline void rw_message(struct rw *rw, uint32_t field, struct rw *inner)
{
    rw_bytes(rw, field, inner->len > 0 ? inner->data : "", inner->len);
    free(inner->data);
    *inner = (struct rw){0};
}

static inline void rw_label(struct rw *series, const char *name, const char *value)
{
    struct rw label = {0};
    rw_bytes(&label, 1, name, strlen(name));
    rw_bytes(&label, 2, value, strlen(value));
    rw_message(series, 1, &label);
}

static inline void rw_sample_bits(struct rw *series, uint64_t bits, int64_t ms)
{
    struct rw sample = {0};
    if (bits != 0) {
        rw_varint(&sample, 1 << 3 | 1);
        for (int i = 0; i < 8; i++) {
            char byte = (char)(bits >> (8 * i));
            rw_put(&sample, &byte, 1);
        }
    }
    if (ms != 0) {
        rw_varint(&sample, 2 << 3 | 0);
        rw_varint(&sample, (uint64_t)ms);
    }
    rw_message(series, 2, &sample);
}

static inline void rw_sample(struct rw *series, double value, int64_t ms)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    rw_sample_bits(series, bits, ms);
}

/* Takes the message. */
static inline struct rw rw_pack(struct rw *message)
{
    struct rw packed = {0};
    size_t len = snappy_max_compressed_length(message->len);
    packed.data = malloc(len);
    if (packed.data == NULL || snappy_compress(message->len > 0 ? message->data : "", message->len,
                                               packed.data, &len) != SNAPPY_OK) {
        abort();
    }
    packed.len = packed.cap = len;
    free(message->data);
    *message = (struct rw){0};
    return packed;
}

#endif
