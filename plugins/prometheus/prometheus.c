/* SPDX-License-Identifier: MIT */
/* Prometheus: what is pushed or scraped as text, and remote write 1.0.
 *
 * A body is remote write if its path ends with "/write" or its type is protobuf, else text; gzip is
 * undone for text, snappy is remote write's own. What a sender shall never try again gets 4xx (it
 * throws the batch away), what it shall gets 503. A version or encoding that is not read here is
 * 415 at once: senders of remote write 2.0 and of zstd change over to what is read.
 *
 * A body that was refused is read to its end and forgotten: many senders see no answer before. */
#include "prometheus.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* More than text is ever packed; it bounds what one piece can become. */
#define GZIP_RATIO 128
#define GZIP_FREE  65536
#define GZIP_OUT   16384

static const struct firealarm_option options[] = {
    {"body_bytes", FIREALARM_OPT_INT, 0, "16777216", 65536, 1 << 28, NULL,
     "Of one body, decompressed; a larger one is refused."},
    {"kept_bytes", FIREALARM_OPT_INT, 0, "67108864", 65536, INT64_C(1) << 32, NULL,
     "Of all remote-write bodies that are being read; over it senders shall try again."},
    {.name = NULL},
};

void prom_refuse(struct prom_conn *conn, uint32_t status, const char *why)
{
    if (conn->status == 0) {
        conn->status = status;
        conn->why = why;
    }
}

void *prom_keep(struct prom_conn *conn, void *old, size_t old_size, size_t size)
{
    struct prom *prom = conn->prom;
    size_t more = size - old_size;
    void *memory = more <= prom->kept_max - prom->kept ? realloc(old, size) : NULL;
    if (memory == NULL) {
        prom_refuse(conn, 503, "too many bodies at once: send it again");
    } else {
        prom->kept += more;
    }
    return memory;
}

/* ---- one feed ---- */

static int32_t prometheus_create(const struct firealarm_host *host,
                                 const struct firealarm_settings *settings, void **ret_self,
                                 struct firealarm_error *error)
{
    struct prom *prom = calloc(1, sizeof *prom);
    if (prom != NULL) {
        prom->body_max = (size_t)settings->values[0].number;
        prom->kept_max = (size_t)settings->values[1].number;
        prom->plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    }
    if (prom == NULL || prom->plain == (locale_t)0) {
        free(prom);
        snprintf(error->text, sizeof error->text, "no memory");
        return -1;
    }
    *ret_self = prom;
    return 0;
}

static void prometheus_destroy(void *self)
{
    struct prom *prom = self;
    if (prom != NULL) {
        freelocale(prom->plain);
        free(prom);
    }
}

/* ---- one body ---- */

static struct firealarm_text header(const struct firealarm_request *request, const char *name)
{
    for (uint32_t i = 0; i < request->header_count; i++) {
        if (prom_is(request->headers[i].name, name)) {
            return request->headers[i].value;
        }
    }
    return (struct firealarm_text){"", 0};
}

/* In any case; words are ASCII. */
static int holds(struct firealarm_text text, const char *word)
{
    size_t len = strlen(word);
    for (size_t i = 0; i + len <= text.len; i++) {
        if (strncasecmp(text.ptr + i, word, len) == 0) {
            return 1;
        }
    }
    return 0;
}

static int is_word(struct firealarm_text text, const char *word)
{
    return text.len == strlen(word) && strncasecmp(text.ptr, word, text.len) == 0;
}

static void check_remote(struct prom_conn *conn, const struct firealarm_request *request)
{
    struct firealarm_text type = header(request, "content-type");
    struct firealarm_text encoding = header(request, "content-encoding");
    struct firealarm_text version = header(request, "x-prometheus-remote-write-version");
    if (encoding.len > 0 && !is_word(encoding, "snappy")) {
        prom_refuse(conn, 415, "remote write is packed with snappy");
    } else if ((holds(type, "proto=") && !holds(type, "proto=prometheus.WriteRequest")) ||
               (version.len > 0 && *version.ptr != '0' && *version.ptr != '1')) {
        prom_refuse(conn, 415, "remote write 1.0 is read, and no other");
    }
}

static void check_text(struct prom_conn *conn, const struct firealarm_request *request)
{
    struct firealarm_text encoding = header(request, "content-encoding");
    conn->is_open_metrics = holds(header(request, "content-type"), "application/openmetrics-text");
    conn->is_gzip = is_word(encoding, "gzip") || is_word(encoding, "x-gzip");
    if (conn->is_gzip) {
        conn->gzip_open = inflateInit2(&conn->gzip, 16 + MAX_WBITS) == Z_OK;
        if (!conn->gzip_open) {
            prom_refuse(conn, 503, "no memory");
        }
    } else if (encoding.len > 0 && !is_word(encoding, "identity")) {
        prom_refuse(conn, 415, "gzip is read, and no other encoding");
    }
}

static int32_t prometheus_open(void *self, const struct firealarm_request *request, void **ret_conn,
                               struct firealarm_error *error)
{
    struct prom_conn *conn = calloc(1, sizeof *conn);
    if (conn == NULL) {
        snprintf(error->text, sizeof error->text, "no memory");
        return -1;
    }
    conn->prom = self;
    conn->is_remote = prom_ends_with(request->path, "/write") ||
                      holds(header(request, "content-type"), "application/x-protobuf");
    if (conn->is_remote) {
        prom_remote_init(conn);
        check_remote(conn, request);
    } else {
        prom_text_init(conn);
        check_text(conn, request);
    }
    if (request->method.len > 0 && !prom_is(request->method, "POST") &&
        !prom_is(request->method, "PUT")) {
        conn->status = 405;
        conn->why = "POST is what is taken here";
    }
    *ret_conn = conn;
    return 0;
}

static void prometheus_close(void *arg)
{
    struct prom_conn *conn = arg;
    if (conn == NULL) {
        return;
    }
    if (conn->gzip_open) {
        inflateEnd(&conn->gzip);
    }
    conn->prom->kept -= conn->snappy.cap;
    free(conn->snappy.out);
    free(conn->line);
    free(conn->arena);
    free(conn);
}

/* ---- its bytes ---- */

static void take_text(struct prom_conn *conn, const char *at, size_t len)
{
    conn->meant += len;
    if (conn->meant > conn->prom->body_max) {
        prom_refuse(conn, 413, "the body is larger than body_bytes");
    } else {
        prom_text(conn, at, at + len);
    }
}

static void inflate_text(struct prom_conn *conn, struct firealarm_text bytes)
{
    char out[GZIP_OUT];
    conn->gzip.next_in = (Bytef *)(uintptr_t)bytes.ptr;
    conn->gzip.avail_in = (uInt)bytes.len;
    while (conn->status == 0 && (conn->gzip.avail_in > 0 || conn->gzip.avail_out == 0)) {
        if (conn->gzip_done) { /* gzip files may follow each other */
            if (conn->gzip.avail_in == 0) {
                break;
            }
            conn->gzip_done = 0;
            inflateReset(&conn->gzip);
        }
        conn->gzip.next_out = (Bytef *)out;
        conn->gzip.avail_out = sizeof out;
        int rc = inflate(&conn->gzip, Z_NO_FLUSH);
        if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR) {
            prom_refuse(conn, rc == Z_MEM_ERROR ? 503 : 400, "the body is no gzip, or damaged");
            break;
        }
        conn->gzip_done = rc == Z_STREAM_END;
        take_text(conn, out, sizeof out - conn->gzip.avail_out);
        if (conn->meant > GZIP_FREE + GZIP_RATIO * conn->received) {
            prom_refuse(conn, 413, "the body is packed more than 128-fold");
        }
    }
}

static void take(struct prom_conn *conn, struct firealarm_text bytes)
{
    conn->received += bytes.len;
    if (conn->is_remote) {
        prom_remote(conn, bytes.ptr, bytes.ptr + bytes.len);
    } else if (conn->is_gzip) {
        inflate_text(conn, bytes);
    } else {
        take_text(conn, bytes.ptr, bytes.len);
    }
}

static void finish(struct prom_conn *conn)
{
    if (conn->is_remote) {
        prom_remote_end(conn);
        return;
    }
    if (conn->is_gzip && !conn->gzip_done && conn->received > 0) {
        prom_refuse(conn, 400, "the body is no gzip, or cut short");
        return; /* half a line may end in half a number */
    }
    prom_text_end(conn);
}

static void answer(struct prom_conn *conn)
{
    char text[128];
    int len = snprintf(text, sizeof text, "%s\n", conn->why);
    conn->sink->reject(conn->sink->ctx, conn->why, FIREALARM_TEXT(""));
    if (conn->status != 400) { /* there the host says what else was refused */
        conn->sink->reply(conn->sink->ctx, conn->status,
                          FIREALARM_TEXT("text/plain; charset=utf-8"),
                          (struct firealarm_text){text, (size_t)len});
    }
}

static int32_t prometheus_feed(void *arg, const struct firealarm_sink *sink,
                               struct firealarm_text bytes, uint32_t flags,
                               struct firealarm_error *error)
{
    struct prom_conn *conn = arg;
    conn->sink = sink;
    if (conn->status == 0 && bytes.len > 0) {
        take(conn, bytes);
    }
    if ((flags & FIREALARM_FEED_END) != 0) {
        if (conn->status == 0) {
            finish(conn);
        }
        if (conn->status != 0) {
            answer(conn);
        }
    }
    return 0;
}

FIREALARM_EXPORT const struct firealarm_decoder firealarm_decoder = {
    .abi = FIREALARM_DECODER_ABI,
    .size = sizeof(struct firealarm_decoder),
    .name = "prometheus",
    .version = "1",
    .summary = "Prometheus' text, OpenMetrics and remote write 1.0",
    .options = options,
    .transports = 1u << FIREALARM_HTTP,
    .create = prometheus_create,
    .destroy = prometheus_destroy,
    .open = prometheus_open,
    .feed = prometheus_feed,
    .close = prometheus_close,
    .paths = "/api/v1/import/prometheus /api/v1/write",
};
