/* SPDX-License-Identifier: MIT */
/* What all frames have in common, and those that every child speaks.
 *
 * A `const char *` is written with its NUL, and the reader checks that the NUL is there and is the
 * only one; so decoded texts need no copy. Numbers out of their range, lists over their limit and
 * missing fields are errors: both sides come from one build, so nothing may be odd. Tags are per
 * frame type, listed in the enums, and never used anew. */
#include "child/frame.h"

#include <string.h>

enum { HELLO_BUILD = 1, HELLO_ABI, HELLO_PLUGINS, HELLO_CREDENTIALS };
enum { PING_N = 1 };
enum { LOG_LEVEL = 1, LOG_TEXT };

/* ---------------------------------------------------------------------------------- encoding */

void fa_frame_put_cstr(struct fa_buf *rec, uint32_t tag, const char *text)
{
    if (text != NULL) {
        fa_rec_put_bytes(rec, tag, text, strlen(text) + 1);
    }
}

size_t fa_frame_start(struct fa_buf *out)
{
    size_t at = out->len;
    fa_buf_put(out, "\0\0\0\0", 5);
    return at;
}

int fa_frame_finish(struct fa_buf *out, size_t at, unsigned type)
{
    size_t len = out->len - at - 4;
    if (out->over || len > FA_FRAME_MAX) {
        bool too_big = !out->over || out->max - at > FA_FRAME_MAX + 4;
        out->over = false;
        fa_buf_cut(out, at);
        return too_big ? FA_ETOOBIG : FA_EFULL;
    }
    char head[5] = {(char)len, (char)(len >> 8), (char)(len >> 16), (char)(len >> 24), (char)type};
    memcpy(out->data + at, head, sizeof head);
    return 0;
}

int fa_frame_put_hello(struct fa_buf *out, const struct fa_frame_hello *hello)
{
    size_t at = fa_frame_start(out);
    fa_frame_put_cstr(out, HELLO_BUILD, hello->build);
    fa_rec_put_u64(out, HELLO_ABI, hello->abi);
    fa_frame_put_cstr(out, HELLO_PLUGINS, hello->plugins_dir);
    fa_frame_put_cstr(out, HELLO_CREDENTIALS, hello->credentials_dir);
    return fa_frame_finish(out, at, FA_FRAME_HELLO);
}

int fa_frame_put_ping(struct fa_buf *out, unsigned type, const struct fa_frame_ping *ping)
{
    size_t at = fa_frame_start(out);
    fa_rec_put_u64(out, PING_N, ping->n);
    return fa_frame_finish(out, at, type);
}

int fa_frame_put_log(struct fa_buf *out, const struct fa_frame_log *log)
{
    size_t at = fa_frame_start(out);
    fa_rec_put_u64(out, LOG_LEVEL, log->level);
    fa_rec_put_bytes(out, LOG_TEXT, log->text.ptr, log->text.len);
    return fa_frame_finish(out, at, FA_FRAME_LOG);
}

int fa_frame_put_empty(struct fa_buf *out, unsigned type)
{
    return fa_frame_finish(out, fa_frame_start(out), type);
}

/* ---------------------------------------------------------------------------------- decoding */

int fa_frame_next(struct fa_str *bytes, struct fa_frame *ret_frame, struct fa_err *err)
{
    const unsigned char *p = (const unsigned char *)bytes->ptr;
    if (bytes->len < 4) {
        return 0;
    }
    uint32_t len = p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
    if (len == 0 || len > FA_FRAME_MAX) {
        return fa_err_set(err, FA_EPROTO, "a frame of %u bytes; 1 to %zu are taken", len,
                          FA_FRAME_MAX);
    }
    if (bytes->len >= 5 && (p[4] < FA_FRAME_HELLO || p[4] >= FA_FRAME__END)) {
        return fa_err_set(err, FA_EPROTO, "a frame of the unknown type %u", p[4]);
    }
    if (bytes->len - 4 < len) {
        return 0;
    }
    *ret_frame = (struct fa_frame){p[4], {bytes->ptr + 5, len - 1}};
    *bytes = (struct fa_str){bytes->ptr + 4 + len, bytes->len - 4 - len};
    return 1;
}

struct fa_walk fa_walk_start(const char *name, struct fa_str record)
{
    return (struct fa_walk){.reader = fa_rec_read(record), .name = name};
}

bool fa_walk_next(struct fa_walk *walk)
{
    return !walk->bad && fa_rec_next(&walk->reader, &walk->field);
}

bool fa_walk_is(struct fa_walk *walk, enum fa_rec_type type)
{
    walk->bad = walk->bad || walk->field.type != type;
    return !walk->bad;
}

void fa_walk_cstr(struct fa_walk *walk, const char **ret)
{
    struct fa_str bytes = walk->field.bytes;
    if (fa_walk_is(walk, FA_REC_BYTES)) {
        walk->bad =
            bytes.len == 0 || memchr(bytes.ptr, '\0', bytes.len) != bytes.ptr + bytes.len - 1;
        *ret = walk->bad ? NULL : bytes.ptr;
    }
}

void fa_walk_str(struct fa_walk *walk, struct fa_str *ret)
{
    if (fa_walk_is(walk, FA_REC_BYTES)) {
        *ret = walk->field.bytes;
    }
}

uint64_t fa_walk_u64(struct fa_walk *walk, uint64_t max)
{
    walk->bad = !fa_walk_is(walk, FA_REC_U64) || walk->field.u64 > max;
    return walk->bad ? 0 : walk->field.u64;
}

uint32_t fa_walk_u32(struct fa_walk *walk)
{
    return (uint32_t)fa_walk_u64(walk, UINT32_MAX);
}

int64_t fa_walk_i64(struct fa_walk *walk)
{
    return fa_walk_is(walk, FA_REC_I64) ? walk->field.i64 : 0;
}

int fa_walk_end(const struct fa_walk *walk, bool complete, struct fa_err *err)
{
    if (walk->bad || walk->reader.bad) {
        return fa_err_set(err, FA_EPROTO, "a %s frame that cannot be read (field %u)", walk->name,
                          walk->field.tag);
    }
    return complete ? 0 : fa_err_set(err, FA_EPROTO, "a %s frame that lacks a field", walk->name);
}

int fa_frame_get_hello(struct fa_str record, struct fa_frame_hello *ret_hello, struct fa_err *err)
{
    struct fa_frame_hello hello = {0};
    struct fa_walk walk = fa_walk_start("HELLO", record);
    while (fa_walk_next(&walk)) {
        switch (walk.field.tag) {
        case HELLO_BUILD:
            fa_walk_cstr(&walk, &hello.build);
            break;
        case HELLO_ABI:
            hello.abi = fa_walk_u32(&walk);
            break;
        case HELLO_PLUGINS:
            fa_walk_cstr(&walk, &hello.plugins_dir);
            break;
        case HELLO_CREDENTIALS:
            fa_walk_cstr(&walk, &hello.credentials_dir);
            break;
        default:
            break;
        }
    }
    *ret_hello = hello;
    return fa_walk_end(&walk, hello.build != NULL, err);
}

int fa_frame_get_ping(struct fa_str record, struct fa_frame_ping *ret_ping, struct fa_err *err)
{
    struct fa_walk walk = fa_walk_start("PING", record);
    bool has_n = false;
    *ret_ping = (struct fa_frame_ping){0};
    while (fa_walk_next(&walk)) {
        if (walk.field.tag == PING_N) {
            ret_ping->n = fa_walk_u64(&walk, UINT64_MAX);
            has_n = true;
        }
    }
    return fa_walk_end(&walk, has_n, err);
}

int fa_frame_get_log(struct fa_str record, struct fa_frame_log *ret_log, struct fa_err *err)
{
    struct fa_walk walk = fa_walk_start("LOG", record);
    *ret_log = (struct fa_frame_log){.level = 6, .text = {"", 0}};
    while (fa_walk_next(&walk)) {
        if (walk.field.tag == LOG_LEVEL) {
            ret_log->level = (uint32_t)fa_walk_u64(&walk, 7);
        } else if (walk.field.tag == LOG_TEXT) {
            fa_walk_str(&walk, &ret_log->text);
        }
    }
    return fa_walk_end(&walk, ret_log->text.len > 0, err);
}

int fa_frame_check_hello(const struct fa_frame_hello *hello, const char *build, const char *program,
                         struct fa_err *err)
{
    if (hello->abi != FA_FRAME_ABI || strcmp(hello->build, build) != 0) {
        return fa_err_set(err, FA_EVERSION,
                          "the other side is build \"%.64s\", this is build \"%s\": firealarmd and "
                          "%s must come from one installation; install both and restart",
                          hello->build, build, program);
    }
    return 0;
}
