/* SPDX-License-Identifier: MIT */
/* A body compressed as a snappy block that holds lines "NAME VALUE TIME". What it asks of the
 * contract: a length declared by the peer that is checked before memory is taken, an encoding that
 * is refused by a status of its own (415), an instance's own limit as an option, stale markers. */
#include "body.h"

#include <snappy-c.h>
#include <stdio.h>

struct reader {
    int64_t limit;
};
struct conn {
    struct body body; /* first: closed as one */
    const struct reader *reader;
    int wrong_encoding;
};

static const struct firealarm_option OPTIONS[] = {
    {"max_bytes", FIREALARM_OPT_INT, 0, "65536", 1, 1 << 20, NULL, "bytes after decompression"},
    {NULL, 0, 0, NULL, 0, 0, NULL, NULL},
};

static int32_t create(const struct firealarm_host *host, const struct firealarm_settings *settings,
                      void **ret_self, struct firealarm_error *error)
{
    struct reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL || settings->count != 1) {
        free(reader);
        snprintf(error->text, sizeof error->text, "one option is expected");
        return -1;
    }
    reader->limit = settings->values[0].number;
    *ret_self = reader;
    return 0;
}

static int32_t open_conn(void *self, const struct firealarm_request *request, void **ret_conn,
                         struct firealarm_error *error)
{
    struct conn *conn = calloc(1, sizeof *conn);
    if (conn == NULL) {
        return -1;
    }
    conn->reader = self;
    for (uint32_t i = 0; i < request->header_count; i++) {
        const struct firealarm_label *header = &request->headers[i];
        if (header->name.len == 16 && memcmp(header->name.ptr, "content-encoding", 16) == 0 &&
            !(header->value.len == 6 && memcmp(header->value.ptr, "snappy", 6) == 0)) {
            conn->wrong_encoding = 1;
        }
    }
    *ret_conn = conn;
    return 0;
}

static void read_line(const struct firealarm_sink *sink, const char *line, size_t len)
{
    char copy[256], name[64];
    double value;
    long long time;
    int used = 0;
    memcpy(copy, line, len < sizeof copy ? len : sizeof copy - 1);
    copy[len < sizeof copy ? len : sizeof copy - 1] = '\0';
    int stale = sscanf(copy, "%63s stale %lld%n", name, &time, &used) == 2;
    if ((!stale && sscanf(copy, "%63s %lf %lld%n", name, &value, &time, &used) != 3) ||
        (size_t)used != len) {
        sink->reject(sink->ctx, "not NAME VALUE TIME", (struct firealarm_text){line, len});
        return;
    }
    struct firealarm_text text = {name, strlen(name)};
    uint64_t handle = sink->key(sink->ctx, FIREALARM_COUNTER_CUMULATIVE, text);
    if (handle == FIREALARM_MISS) {
        handle = sink->define(sink->ctx, FIREALARM_COUNTER_CUMULATIVE, text, text, NULL, 0);
    }
    int64_t at = time;
    if (stale && handle != FIREALARM_IGNORED) {
        sink->stale(sink->ctx, handle, at);
    } else if (!stale) {
        sink->push(sink->ctx, &handle, &value, NULL, &at, 1);
    }
}

static const char *unpack(const struct conn *conn, char **ret_text, size_t *ret_len)
{
    size_t len = 0;
    if (snappy_uncompressed_length(conn->body.bytes, conn->body.len, &len) != SNAPPY_OK) {
        return "not a snappy block";
    }
    if (len > (size_t)conn->reader->limit) {
        return "declares more than max_bytes";
    }
    char *text = malloc(len + 1);
    if (text == NULL ||
        snappy_uncompress(conn->body.bytes, conn->body.len, text, &len) != SNAPPY_OK) {
        free(text);
        return "a damaged snappy block";
    }
    *ret_text = text;
    *ret_len = len;
    return NULL;
}

static int32_t feed(void *ptr, const struct firealarm_sink *sink, struct firealarm_text bytes,
                    uint32_t flags, struct firealarm_error *error)
{
    struct conn *conn = ptr;
    struct firealarm_text plain = FIREALARM_TEXT("text/plain"), none = {"", 0};
    if (conn->wrong_encoding) {
        if (flags & FIREALARM_FEED_END) {
            sink->reply(sink->ctx, 415, plain, FIREALARM_TEXT("only snappy"));
        }
        return 0;
    }
    body_add(&conn->body, bytes);
    if (!(flags & FIREALARM_FEED_END)) {
        return 0;
    }
    char *text = NULL;
    size_t len = 0;
    const char *why = conn->body.over ? "body too large" : unpack(conn, &text, &len);
    if (why != NULL) {
        sink->reject(sink->ctx, why, none);
        sink->reply(sink->ctx, 400, plain, (struct firealarm_text){why, strlen(why)});
        return 0;
    }
    for (const char *at = text; at < text + len;) {
        const char *end = memchr(at, '\n', (size_t)(text + len - at));
        end = end != NULL ? end : text + len;
        read_line(sink, at, (size_t)(end - at));
        at = end + 1;
    }
    free(text);
    sink->reply(sink->ctx, 204, none, none);
    return 0;
}

FIREALARM_EXPORT const struct firealarm_decoder firealarm_decoder = {
    .abi = FIREALARM_DECODER_ABI,
    .size = sizeof(struct firealarm_decoder),
    .name = "snappy",
    .version = "0",
    .summary = "lines in a snappy block over HTTP, for tests",
    .options = OPTIONS,
    .transports = 1u << FIREALARM_HTTP,
    .create = create,
    .destroy = free,
    .open = open_conn,
    .feed = feed,
    .close = body_close,
};
