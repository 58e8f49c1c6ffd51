/* SPDX-License-Identifier: MIT */
/* What fuzz targets share: an input read piece by piece, a cut of a stream into pieces by a seed,
 * and a hash over what came out, by which two ways of cutting are compared. */
#ifndef FA_FUZZ_H
#define FA_FUZZ_H

#include "base/panic.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fuzz_input {
    const uint8_t *data;
    size_t size;
};

/* 0 at the end of the input. */
static inline uint8_t fuzz_byte(struct fuzz_input *in)
{
    if (in->size == 0) {
        return 0;
    }
    in->size--;
    return *in->data++;
}

/* As many bytes as the next one says; borrowed from the input. Its ptr is never NULL. */
static inline struct fa_str fuzz_piece(struct fuzz_input *in)
{
    size_t len = fuzz_byte(in);
    len = len < in->size ? len : in->size;
    struct fa_str piece = {len > 0 ? (const char *)in->data : "", len};
    in->data += len;
    in->size -= len;
    return piece;
}

/* Up to the next zero byte or the end. */
static inline struct fa_str fuzz_word(struct fuzz_input *in)
{
    const uint8_t *end = in->size > 0 ? memchr(in->data, 0, in->size) : NULL;
    size_t len = end != NULL ? (size_t)(end - in->data) : in->size;
    struct fa_str word = {len > 0 ? (const char *)in->data : "", len};
    in->data += len + (end != NULL);
    in->size -= len + (end != NULL);
    return word;
}

/* The length of the next piece of a stream of which `left` bytes are left: single bytes often, a
 * few dozen else. Seed 0 gives the whole. */
static inline size_t fuzz_cut(uint32_t *seed, size_t left)
{
    if (*seed == 0) {
        return left;
    }
    *seed = *seed * 1664525u + 1013904223u;
    *seed += *seed == 0;
    size_t len = *seed >> 30 == 0 ? 1 : (*seed >> 20) % 64 + 1;
    return len < left ? len : left;
}

#define FUZZ_HASH UINT64_C(14695981039346656037)

static inline void fuzz_mix(uint64_t *hash, const void *data, size_t len)
{
    const uint8_t *bytes = data;
    for (size_t i = 0; i < len; i++) {
        *hash = (*hash ^ bytes[i]) * UINT64_C(1099511628211);
    }
}

static inline void fuzz_mix_number(uint64_t *hash, int64_t number)
{
    fuzz_mix(hash, &number, sizeof number);
}

/* A copy of its exact size, so that the sanitizer sees every byte read beyond it; free() it. */
static inline char *fuzz_copy(struct fa_str text)
{
    char *copy = fa_xmalloc(text.len > 0 ? text.len : 1);
    if (text.len > 0) {
        memcpy(copy, text.ptr, text.len);
    }
    return copy;
}

#endif
