/* SPDX-License-Identifier: MIT */
/* Encoding and decoding of the fetcher's own frames; child/frame.c has what holds for all. */
#include "fetcher/frame.h"

enum {
    RUN_N = 1,
    RUN_KIND,
    RUN_URL,
    RUN_QUERY,
    RUN_METRIC,
    RUN_USER,
    RUN_PASSWORD,
    RUN_TOKEN,
    RUN_CA,
    RUN_ALLOW_PRIVATE,
    RUN_TIMEOUT,
    RUN_BODY_MAX,
    RUN_HEADER_NAME,
    RUN_HEADER_VALUE,
    RUN_SECRET_URL,
    RUN_ALLOW_PLAIN,
};
enum { BODY_N = 1, BODY_BYTES, BODY_TYPE };
enum { DONE_N = 1, DONE_OK, DONE_STATUS, DONE_DURATION, DONE_ERROR };

int fa_fetch_frame_put_run(struct fa_buf *out, const struct fa_fetch_run *run)
{
    size_t at = fa_frame_start(out);
    fa_rec_put_u64(out, RUN_N, run->n);
    fa_rec_put_u64(out, RUN_KIND, (uint64_t)run->kind);
    fa_frame_put_cstr(out, RUN_URL, run->url);
    fa_frame_put_cstr(out, RUN_SECRET_URL, run->secret_url);
    fa_frame_put_cstr(out, RUN_QUERY, run->query);
    fa_frame_put_cstr(out, RUN_METRIC, run->metric);
    fa_frame_put_cstr(out, RUN_USER, run->user);
    fa_frame_put_cstr(out, RUN_PASSWORD, run->password);
    fa_frame_put_cstr(out, RUN_TOKEN, run->token);
    fa_frame_put_cstr(out, RUN_CA, run->ca);
    fa_rec_put_u64(out, RUN_ALLOW_PRIVATE, run->allow_private);
    fa_rec_put_u64(out, RUN_ALLOW_PLAIN, run->allow_plain);
    fa_rec_put_i64(out, RUN_TIMEOUT, run->timeout);
    fa_rec_put_u64(out, RUN_BODY_MAX, run->body_max);
    for (uint32_t i = 0; i < run->header_count; i++) {
        fa_frame_put_cstr(out, RUN_HEADER_NAME, run->headers[i].name);
        fa_frame_put_cstr(out, RUN_HEADER_VALUE, run->headers[i].value);
    }
    return fa_frame_finish(out, at, FA_FRAME_RUN);
}

int fa_fetch_frame_put_body(struct fa_buf *out, const struct fa_fetch_body *body)
{
    size_t at = fa_frame_start(out);
    fa_rec_put_u64(out, BODY_N, body->n);
    fa_rec_put_bytes(out, BODY_TYPE, body->type.ptr, body->type.len);
    fa_rec_put_bytes(out, BODY_BYTES, body->bytes.ptr, body->bytes.len);
    return fa_frame_finish(out, at, FA_FRAME_BODY);
}

int fa_fetch_frame_put_done(struct fa_buf *out, const struct fa_fetch_done *done)
{
    size_t at = fa_frame_start(out);
    fa_rec_put_u64(out, DONE_N, done->n);
    fa_rec_put_u64(out, DONE_OK, done->ok);
    fa_rec_put_u64(out, DONE_STATUS, done->status);
    fa_rec_put_i64(out, DONE_DURATION, done->duration);
    fa_rec_put_bytes(out, DONE_ERROR, done->error.ptr, done->error.len);
    return fa_frame_finish(out, at, FA_FRAME_DONE);
}

/* A header is its name and then its value. */
static void take_header(struct fa_walk *walk, struct fa_fetch_run *run)
{
    if (walk->field.tag == RUN_HEADER_NAME) {
        walk->bad = run->header_count == FA_FETCH_HEADERS_MAX ||
                    (run->header_count > 0 && run->headers[run->header_count - 1].value == NULL);
        if (!walk->bad) {
            fa_walk_cstr(walk, &run->headers[run->header_count++].name);
        }
    } else {
        walk->bad = run->header_count == 0;
        if (!walk->bad) {
            fa_walk_cstr(walk, &run->headers[run->header_count - 1].value);
        }
    }
}

static void take_run(struct fa_walk *walk, struct fa_fetch_run *run)
{
    switch (walk->field.tag) {
    case RUN_N:
        run->n = fa_walk_u64(walk, UINT64_MAX);
        break;
    case RUN_KIND:
        run->kind = (enum fa_fetch_kind)fa_walk_u64(walk, FA_FETCH__COUNT - 1);
        break;
    case RUN_URL:
        fa_walk_cstr(walk, &run->url);
        break;
    case RUN_SECRET_URL:
        fa_walk_cstr(walk, &run->secret_url);
        break;
    case RUN_QUERY:
        fa_walk_cstr(walk, &run->query);
        break;
    case RUN_METRIC:
        fa_walk_cstr(walk, &run->metric);
        break;
    case RUN_USER:
        fa_walk_cstr(walk, &run->user);
        break;
    case RUN_PASSWORD:
        fa_walk_cstr(walk, &run->password);
        break;
    case RUN_TOKEN:
        fa_walk_cstr(walk, &run->token);
        break;
    case RUN_CA:
        fa_walk_cstr(walk, &run->ca);
        break;
    case RUN_ALLOW_PRIVATE:
        run->allow_private = fa_walk_u64(walk, 1) == 1;
        break;
    case RUN_ALLOW_PLAIN:
        run->allow_plain = fa_walk_u64(walk, 1) == 1;
        break;
    case RUN_TIMEOUT:
        run->timeout = fa_walk_i64(walk);
        walk->bad = walk->bad || run->timeout < 1 || run->timeout > FA_HOUR;
        break;
    case RUN_BODY_MAX:
        run->body_max = fa_walk_u64(walk, FA_FETCH_BODY_MAX);
        break;
    case RUN_HEADER_NAME:
    case RUN_HEADER_VALUE:
        take_header(walk, run);
        break;
    default:
        break;
    }
}

int fa_fetch_frame_get_run(struct fa_str record, struct fa_fetch_run *ret_run, struct fa_err *err)
{
    struct fa_walk walk = fa_walk_start("RUN", record);
    struct fa_fetch_run *run = ret_run;
    *run = (struct fa_fetch_run){0};
    while (fa_walk_next(&walk)) {
        take_run(&walk, run);
    }
    bool headers = run->header_count == 0 || run->headers[run->header_count - 1].value != NULL;
    bool query = run->kind != FA_FETCH_QUERY || (run->query != NULL && run->metric != NULL);
    bool secret = run->kind == FA_FETCH_HEARTBEAT;
    bool address = (run->url != NULL) == !secret && (run->secret_url != NULL) == secret;
    return fa_walk_end(&walk, address && run->timeout > 0 && headers && query, err);
}

int fa_fetch_frame_get_body(struct fa_str record, struct fa_fetch_body *ret_body,
                            struct fa_err *err)
{
    struct fa_walk walk = fa_walk_start("BODY", record);
    bool has_n = false;
    *ret_body = (struct fa_fetch_body){.type = {"", 0}, .bytes = {"", 0}};
    while (fa_walk_next(&walk)) {
        if (walk.field.tag == BODY_N) {
            ret_body->n = fa_walk_u64(&walk, UINT64_MAX);
            has_n = true;
        } else if (walk.field.tag == BODY_TYPE) {
            fa_walk_str(&walk, &ret_body->type);
            walk.bad = walk.bad || ret_body->type.len > FA_FETCH_TYPE_MAX;
        } else if (walk.field.tag == BODY_BYTES) {
            fa_walk_str(&walk, &ret_body->bytes);
            walk.bad = walk.bad || ret_body->bytes.len > FA_FETCH_PIECE_MAX;
        }
    }
    return fa_walk_end(&walk, has_n && ret_body->bytes.len > 0, err);
}

int fa_fetch_frame_get_done(struct fa_str record, struct fa_fetch_done *ret_done,
                            struct fa_err *err)
{
    struct fa_walk walk = fa_walk_start("DONE", record);
    struct fa_fetch_done done = {.error = {"", 0}};
    bool has_n = false;
    while (fa_walk_next(&walk)) {
        switch (walk.field.tag) {
        case DONE_N:
            done.n = fa_walk_u64(&walk, UINT64_MAX);
            has_n = true;
            break;
        case DONE_OK:
            done.ok = fa_walk_u64(&walk, 1) == 1;
            break;
        case DONE_STATUS:
            done.status = (uint32_t)fa_walk_u64(&walk, 999);
            break;
        case DONE_DURATION:
            done.duration = fa_walk_i64(&walk);
            walk.bad = walk.bad || done.duration < 0 || done.duration > 2 * FA_HOUR;
            break;
        case DONE_ERROR:
            fa_walk_str(&walk, &done.error);
            break;
        default:
            break;
        }
    }
    *ret_done = done;
    return fa_walk_end(&walk, has_n && done.ok == (done.error.len == 0), err);
}

const char *fa_fetcher_build(void)
{
    return FA_FETCHER_BUILD;
}
