/* SPDX-License-Identifier: MIT */
/* A feed that looks like an Alertmanager to Prometheus, vmalert, Grafana and amtool.
 *
 *   POST .../api/v2/alerts     an array of alerts: 200 without a body; 400 and a JSON text when one
 *                              was refused, the others are taken even so
 *   GET  .../api/v2/status     what amtool asks for before every command
 *   GET  .../api/v2/alerts, .../api/v2/silences     none: what is open says `firealarm list`
 *   GET  .../-/healthy, .../-/ready     200
 *
 * Silences are refused: one that was taken and did nothing would be worse than none. Whatever path
 * a feed is mounted at comes before these; a POST with no such path is one of alerts. Content-Type
 * is not looked at: real senders leave it out or empty. */
#include "alertmanager.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct firealarm_text JSON = {"application/json", 16};

struct conn {
    enum { READ_ALERTS, ANSWER } does;
    uint32_t status; /* of ANSWER */
    struct firealarm_text body;
    struct alerts alerts;
};

static const char STATUS[] =
    "{\"cluster\":{\"status\":\"disabled\",\"peers\":[]},"
    "\"versionInfo\":{\"branch\":\"\",\"buildDate\":\"\",\"buildUser\":\"\",\"goVersion\":\"\","
    "\"revision\":\"\",\"version\":\"" FA_VERSION "\"},"
    "\"config\":{\"original\":\"\"},\"uptime\":\"1970-01-01T00:00:00.000Z\"}";

static int is_text(struct firealarm_text text, const char *other)
{
    return text.len == strlen(other) && memcmp(text.ptr, other, text.len) == 0;
}

static int ends_with(struct firealarm_text text, const char *end)
{
    size_t len = strlen(end);
    return text.len >= len && memcmp(text.ptr + text.len - len, end, len) == 0;
}

/* What a request that brings no alerts is told. */
static void choose_answer(struct conn *conn, const struct firealarm_request *request)
{
    static const struct {
        const char *path;
        struct firealarm_text body;
    } pages[] = {
        {"/api/v2/status", {STATUS, sizeof STATUS - 1}},
        {"/api/v2/alerts", {"[]", 2}},
        {"/api/v2/silences", {"[]", 2}},
        {"/-/healthy", {"\"OK\"", 4}},
        {"/-/ready", {"\"OK\"", 4}},
    };
    conn->does = ANSWER;
    if (!is_text(request->method, "GET") && !is_text(request->method, "HEAD")) {
        conn->status = 405;
        conn->body = FIREALARM_TEXT("\"here alerts are taken, nothing else\"");
        return;
    }
    conn->status = 404;
    conn->body = FIREALARM_TEXT("\"there is no such page\"");
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
        if (ends_with(request->path, pages[i].path)) {
            conn->status = 200;
            conn->body = pages[i].body;
        }
    }
}

static int is_encoded(const struct firealarm_request *request)
{
    for (uint32_t i = 0; i < request->header_count; i++) {
        const struct firealarm_label *header = &request->headers[i];
        if (is_text(header->name, "content-encoding") && header->value.len > 0 &&
            !is_text(header->value, "identity")) {
            return 1;
        }
    }
    return 0;
}

static int32_t open_conn(void *self, const struct firealarm_request *request, void **ret_conn,
                         struct firealarm_error *error)
{
    static const char no_memory[] = "no memory";
    struct conn *conn = malloc(sizeof *conn);
    (void)self;
    if (conn == NULL) {
        memcpy(error->text, no_memory, sizeof no_memory);
        return -1;
    }
    /* The element needs no zeros, and is most of it. */
    memset(conn, 0, offsetof(struct conn, alerts) + offsetof(struct alerts, element));
    if (!is_text(request->method, "POST") || ends_with(request->path, "/silences")) {
        choose_answer(conn, request);
    } else if (is_encoded(request)) {
        conn->does = ANSWER;
        conn->status = 415;
        conn->body = FIREALARM_TEXT("\"alerts are taken as plain JSON, not compressed\"");
    }
    *ret_conn = conn;
    return 0;
}

static void answer_alerts(struct alerts *alerts)
{
    const struct firealarm_sink *sink = alerts->sink;
    char text[200];
    const char *why = array_end(alerts);
    uint32_t alone = why != NULL; /* the broken array counts as refused, and is no alert */
    if (alerts->refused == 0) {
        sink->reply(sink->ctx, 200, FIREALARM_TEXT(""), FIREALARM_TEXT(""));
        return;
    }
    if (why != NULL) {
        snprintf(text, sizeof text, "\"%s; alerts before that: %u taken, %u refused\"", why,
                 alerts->taken, alerts->refused - alone);
    } else {
        snprintf(text, sizeof text, "\"%u of %u alerts were refused; the first: %s\"",
                 alerts->refused, alerts->refused + alerts->taken, alerts->why);
    }
    sink->reply(sink->ctx, 400, JSON, (struct firealarm_text){text, strlen(text)});
}

static int32_t feed(void *ptr, const struct firealarm_sink *sink, struct firealarm_text bytes,
                    uint32_t flags, struct firealarm_error *error)
{
    struct conn *conn = ptr;
    int last = (flags & FIREALARM_FEED_END) != 0;
    (void)error;
    if (conn->does == ANSWER) {
        if (last) {
            sink->reply(sink->ctx, conn->status, JSON, conn->body);
        }
        return 0;
    }
    conn->alerts.sink = sink;
    array_feed(&conn->alerts, bytes);
    if (last) {
        answer_alerts(&conn->alerts);
    }
    conn->alerts.sink = NULL;
    return 0;
}

static int32_t create(const struct firealarm_host *host, const struct firealarm_settings *settings,
                      void **ret_self, struct firealarm_error *error)
{
    (void)host, (void)settings, (void)error;
    *ret_self = NULL;
    return 0;
}

static void destroy(void *self)
{
    (void)self;
}

FIREALARM_EXPORT const struct firealarm_decoder firealarm_decoder = {
    .abi = FIREALARM_DECODER_ABI,
    .size = sizeof(struct firealarm_decoder),
    .name = "alertmanager",
    .version = FA_VERSION,
    .summary = "Alerts from Prometheus and others, as an Alertmanager takes them",
    .transports = 1u << FIREALARM_HTTP,
    .create = create,
    .destroy = destroy,
    .open = open_conn,
    .feed = feed,
    .close = free,
    .paths = "/api/v2/alerts /api/v2/status /api/v2/silences",
};
