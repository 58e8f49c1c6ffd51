/* SPDX-License-Identifier: MIT */
/* A stream of frames for fuzz targets: its first byte says how it is cut, as fuzz_cut() has it.
 * However it comes, the same frames are taken off it and the same is wrong with it; a frame that
 * decodes is encoded and decoded again to the same bytes. What has not come yet cannot be read: the
 * bytes that are there are a copy of their exact size. */
#ifndef FA_FUZZ_FRAME_CHECK_H
#define FA_FUZZ_FRAME_CHECK_H

#include "child/frame.h"
#include "fuzz.h"

/* Decodes a frame and encodes what it said: 0, or negative when it does not decode. */
typedef int frame_again_fn(const struct fa_frame *frame, struct fa_buf *out);

static inline void frame_check_one(const struct fa_frame *frame, frame_again_fn *again,
                                   uint64_t *hash)
{
    struct fa_frame second;
    struct fa_err err = {0};
    struct fa_buf out, twice;
    fa_buf_init(&out, 4 * FA_FRAME_MAX);
    fa_buf_init(&twice, 4 * FA_FRAME_MAX);
    fuzz_mix_number(hash, frame->type);
    if (again(frame, &out) == 0) {
        struct fa_str own = fa_buf_str(&out);
        fuzz_mix(hash, out.data, out.len);
        int rc = fa_frame_next(&own, &second, &err);
        fa_assert(rc == 1 && own.len == 0);
        rc = again(&second, &twice);
        fa_assert(rc == 0 && fa_str_eq(fa_buf_str(&out), fa_buf_str(&twice)));
    }
    fa_buf_done(&out);
    fa_buf_done(&twice);
}

/* The hash of all that was taken off, and of how it ended. */
static inline uint64_t frame_check_run(struct fa_str stream, uint32_t seed, frame_again_fn *again)
{
    uint64_t hash = FUZZ_HASH;
    struct fa_err err = {.text = ""};
    size_t taken = 0, there = 0;
    int rc = 0;
    while (rc == 0 && there < stream.len) {
        struct fa_frame frame;
        there += fuzz_cut(&seed, stream.len - there);
        struct fa_str bytes = {stream.ptr + taken, there - taken};
        char *copy = fuzz_copy(bytes);
        bytes.ptr = copy;
        while ((rc = fa_frame_next(&bytes, &frame, &err)) > 0) {
            frame_check_one(&frame, again, &hash);
        }
        taken = there - bytes.len;
        free(copy);
    }
    fuzz_mix_number(&hash, rc);
    fuzz_mix_number(&hash, (int64_t)taken);
    fuzz_mix(&hash, err.text, strlen(err.text));
    return hash;
}

static inline void frame_check(const uint8_t *data, size_t size, frame_again_fn *again)
{
    struct fuzz_input in = {data, size};
    uint32_t seed = fuzz_byte(&in) * 2654435761u + 1;
    struct fa_str stream = {in.size > 0 ? (const char *)in.data : "", in.size};
    uint64_t whole = frame_check_run(stream, 0, again);
    uint64_t cut = frame_check_run(stream, seed, again);
    fa_assert(whole == cut);
}

#endif
