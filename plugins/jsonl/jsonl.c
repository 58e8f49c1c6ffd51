/* SPDX-License-Identifier: MIT */
/* Numbers as JSON, one object a line, over datagrams, streams or requests.
 *
 * A line that cannot be read costs nothing but itself; blank lines are none. A request is answered
 * by the host: 204, or 400 with what was refused. Texts that are no numbers (events) lead nowhere
 * yet: such a line is refused for the value that it lacks. */
#include "jsonl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int is_text(struct firealarm_text text, const char *other)
{
    return text.len == strlen(other) && memcmp(text.ptr, other, text.len) == 0;
}

uint32_t jsonl_kind(struct firealarm_text word)
{
    static const struct {
        const char *word;
        uint32_t kind;
    } kinds[] = {
        {"gauge", FIREALARM_GAUGE},
        {"counter", FIREALARM_COUNTER_CUMULATIVE},
        {"delta", FIREALARM_COUNTER_DELTA},
        {"distribution", FIREALARM_DISTRIBUTION},
        {"set", FIREALARM_SET},
        {"state", FIREALARM_STATE},
    };
    for (size_t i = 0; word.ptr != NULL && i < sizeof kinds / sizeof kinds[0]; i++) {
        if (is_text(word, kinds[i].word)) {
            return kinds[i].kind;
        }
    }
    return 0;
}

/* ---- lines ---- */

static int is_blank(const char *line, size_t len)
{
    while (len > 0 && (line[len - 1] == ' ' || line[len - 1] == '\t' || line[len - 1] == '\r')) {
        len--;
    }
    return len == 0;
}

static void take(struct jsonl_conn *conn, const char *line, size_t len)
{
    const char *why = NULL;
    if (len > JSONL_LINE_MAX) {
        why = "a line is too long";
    } else if (!is_blank(line, len)) {
        why = jsonl_line(conn, line, len);
    }
    if (why != NULL) {
        conn->sink->reject(conn->sink->ctx, why, (struct firealarm_text){line, len});
    }
}

/* Bytes of the line that began in an earlier call. */
static void keep(struct jsonl_conn *conn, const char *from, size_t len)
{
    if (conn->skipping) {
        return;
    }
    if (len > JSONL_LINE_MAX - conn->line_len) {
        struct firealarm_text start = {conn->line_len > 0 ? conn->line : from, 200};
        start.len = conn->line_len > 0 && conn->line_len < 200 ? conn->line_len : start.len;
        conn->sink->reject(conn->sink->ctx, "a line is too long", start);
        conn->skipping = 1;
        conn->line_len = 0;
        return;
    }
    if (len > 0) {
        memcpy(conn->line + conn->line_len, from, len);
    }
    conn->line_len += len;
}

static void finish_kept(struct jsonl_conn *conn)
{
    if (!conn->skipping) {
        take(conn, conn->line, conn->line_len);
    }
    conn->skipping = 0;
    conn->line_len = 0;
}

static void read_lines(struct jsonl_conn *conn, struct firealarm_text bytes, int last)
{
    const char *at = bytes.ptr, *end = bytes.len > 0 ? at + bytes.len : at;
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *stop = newline != NULL ? newline : end;
        if (conn->line_len == 0 && !conn->skipping && (newline != NULL || last)) {
            take(conn, at, (size_t)(stop - at));
        } else {
            keep(conn, at, (size_t)(stop - at));
            if (newline != NULL) {
                finish_kept(conn);
            }
        }
        at = stop + 1;
    }
    if (last) {
        finish_kept(conn);
    }
}

static int32_t feed(void *ptr, const struct firealarm_sink *sink, struct firealarm_text bytes,
                    uint32_t flags, struct firealarm_error *error)
{
    struct jsonl_conn *conn = ptr;
    int last = (flags & FIREALARM_FEED_END) != 0;
    (void)error;
    if (conn->refused_status != 0) {
        if (last) {
            sink->reply(sink->ctx, conn->refused_status, FIREALARM_TEXT("text/plain"),
                        conn->refused_status == 405
                            ? FIREALARM_TEXT("lines are taken by POST\n")
                            : FIREALARM_TEXT("lines are taken as they are, not compressed\n"));
        }
        return 0;
    }
    conn->sink = sink;
    read_lines(conn, bytes, last);
    jsonl_flush(conn);
    conn->sink = NULL;
    return 0;
}

/* ---- opening ---- */

static uint32_t refusal_of(const struct firealarm_request *request)
{
    if (request->transport != FIREALARM_HTTP) {
        return 0;
    }
    for (uint32_t i = 0; i < request->header_count; i++) {
        const struct firealarm_label *header = &request->headers[i];
        if (is_text(header->name, "content-encoding") && header->value.len > 0 &&
            !is_text(header->value, "identity")) {
            return 415;
        }
    }
    return is_text(request->method, "POST") || is_text(request->method, "PUT") ? 0 : 405;
}

static int32_t open_conn(void *self, const struct firealarm_request *request, void **ret_conn,
                         struct firealarm_error *error)
{
    struct jsonl_conn *conn = malloc(sizeof *conn);
    if (conn == NULL) {
        snprintf(error->text, sizeof error->text, "no memory");
        return -1;
    }
    /* The line needs no zeros, and is most of it. */
    memset(conn, 0, offsetof(struct jsonl_conn, line));
    conn->self = self;
    conn->refused_status = refusal_of(request);
    *ret_conn = conn;
    return 0;
}

static struct firealarm_text copy(char **at, struct firealarm_text text)
{
    struct firealarm_text made = {*at, text.len};
    if (text.len > 0) {
        memcpy(*at, text.ptr, text.len);
    }
    *at += text.len;
    return made;
}

static double unit_of(struct firealarm_text word)
{
    return is_text(word, "s") ? 1e3 : is_text(word, "us") ? 1e-3 : is_text(word, "ns") ? 1e-6 : 1;
}

static int32_t create(const struct firealarm_host *host, const struct firealarm_settings *settings,
                      void **ret_self, struct firealarm_error *error)
{
    const struct firealarm_value *values = settings->values;
    size_t bytes = 0;
    (void)host;
    for (uint32_t i = 0; i < settings->count; i++) {
        bytes += values[i].text.len;
    }
    struct jsonl_self *self = calloc(1, sizeof *self + bytes);
    if (self == NULL) {
        snprintf(error->text, sizeof error->text, "no memory");
        return -1;
    }
    char *at = self->texts;
    self->name = copy(&at, values[OPT_NAME].text);
    self->metric = copy(&at, values[OPT_METRIC].text);
    self->value = copy(&at, values[OPT_VALUE].text);
    self->time = copy(&at, values[OPT_TIME].text);
    self->labels = copy(&at, values[OPT_LABELS].text);
    self->kind = copy(&at, values[OPT_KIND].text);
    self->unit = unit_of(values[OPT_UNIT].text);
    self->default_kind = jsonl_kind(values[OPT_DEFAULT_KIND].text);
    *ret_self = self;
    return 0;
}

static const struct firealarm_option OPTIONS[] = {
    [OPT_NAME] = {.name = "metric",
                  .type = FIREALARM_OPT_TEXT,
                  .default_text = "metric",
                  .help = "the member that holds the metric's name; a.b leads into objects"},
    [OPT_METRIC] = {.name = "metric_name",
                    .type = FIREALARM_OPT_TEXT,
                    .help = "the metric's name, for lines that hold none"},
    [OPT_VALUE] = {.name = "value",
                   .type = FIREALARM_OPT_TEXT,
                   .default_text = "value",
                   .help = "the member that holds the number; null ends the series"},
    [OPT_TIME] = {.name = "time",
                  .type = FIREALARM_OPT_TEXT,
                  .default_text = "time",
                  .help = "the member that holds the time: a number, or RFC 3339; without: now"},
    [OPT_UNIT] = {.name = "time_unit",
                  .type = FIREALARM_OPT_CHOICE,
                  .default_text = "ms",
                  .choices = "s ms us ns",
                  .help = "what a number means as time, since 1970"},
    [OPT_LABELS] = {.name = "labels",
                    .type = FIREALARM_OPT_TEXT,
                    .default_text = "labels",
                    .help = "members, separated by blanks: an object of labels, or a label itself"},
    [OPT_KIND] = {.name = "kind",
                  .type = FIREALARM_OPT_TEXT,
                  .default_text = "kind",
                  .help = "the member that says what the number means, by a word of default_kind"},
    [OPT_DEFAULT_KIND] = {.name = "default_kind",
                          .type = FIREALARM_OPT_CHOICE,
                          .default_text = "gauge",
                          .choices = "gauge counter delta distribution set state",
                          .help = "of lines that do not say: counter is a total that grows, delta "
                                  "what is added"},
    {.name = NULL},
};

FIREALARM_EXPORT const struct firealarm_decoder firealarm_decoder = {
    .abi = FIREALARM_DECODER_ABI,
    .size = sizeof(struct firealarm_decoder),
    .name = "jsonl",
    .version = FA_VERSION,
    .summary = "One JSON object a line, over datagrams, streams or HTTP",
    .options = OPTIONS,
    .transports = 1u << FIREALARM_DATAGRAM | 1u << FIREALARM_STREAM | 1u << FIREALARM_HTTP,
    .create = create,
    .destroy = free,
    .open = open_conn,
    .feed = feed,
    .close = free,
    .paths = "/api/v1/import/jsonl",
};
