/* SPDX-License-Identifier: MIT */
/* A small reader of what Prometheus posts to an Alertmanager: a JSON array of alerts. What it asks
 * of the contract: alerts instead of samples, "resolved" judged from the sink's clock, valid
 * members kept while others are refused. RFC 3339 times in UTC only. */
#include "body.h"

#include <jansson.h>
#include <stdio.h>
#include <time.h>

#define LABELS 32

/* 0: absent, or Go's zero time. -1: no time. */
static int64_t read_time(const json_t *alert, const char *key)
{
    const char *text = json_string_value(json_object_get(alert, key));
    struct tm tm = {0};
    if (text == NULL || strncmp(text, "0001-01-01", 10) == 0) {
        return 0;
    }
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    int64_t ms = 0, unit = 100;
    if (rest != NULL && *rest == '.') {
        for (rest++; *rest >= '0' && *rest <= '9'; rest++, unit /= 10) {
            ms += (*rest - '0') * unit;
        }
    }
    if (rest == NULL || strcmp(rest, "Z") != 0) {
        return -1;
    }
    return (int64_t)timegm(&tm) * 1000 + ms;
}

/* Empty values are left out; -1: a value is no text. */
static int read_map(const json_t *alert, const char *key, struct firealarm_label *labels)
{
    const char *name;
    json_t *value;
    int count = 0;
    json_object_foreach(json_object_get(alert, key), name, value)
    {
        if (!json_is_string(value) || count == LABELS) {
            return -1;
        }
        struct firealarm_text text = {json_string_value(value), json_string_length(value)};
        if (text.len > 0) {
            labels[count++] = (struct firealarm_label){{name, strlen(name)}, text};
        }
    }
    return count;
}

static const char *read_alert(const struct firealarm_sink *sink, const json_t *item)
{
    struct firealarm_label labels[LABELS], annotations[LABELS];
    int label_count = read_map(item, "labels", labels);
    int annotation_count = read_map(item, "annotations", annotations);
    int64_t starts = read_time(item, "startsAt"), ends = read_time(item, "endsAt");
    if (label_count < 0 || annotation_count < 0) {
        return "a label is no text, or there are too many";
    }
    if (label_count == 0) {
        return "at least one label is needed";
    }
    if (starts < 0 || ends < 0 || (ends > 0 && starts > ends)) {
        return "a time is not valid";
    }
    struct firealarm_alert alert = {.labels = labels,
                                    .annotations = annotations,
                                    .label_count = (uint32_t)label_count,
                                    .annotation_count = (uint32_t)annotation_count,
                                    .starts = starts,
                                    .ends = ends,
                                    .resolved = ends > 0 && ends <= sink->now};
    sink->alert(sink->ctx, &alert);
    return NULL;
}

static uint32_t read_array(const struct firealarm_sink *sink, const json_t *array)
{
    uint32_t bad = 0;
    size_t i;
    json_t *item;
    json_array_foreach(array, i, item)
    {
        const char *why = read_alert(sink, item);
        if (why != NULL) {
            char *text = json_dumps(item, JSON_COMPACT | JSON_ENCODE_ANY);
            sink->reject(sink->ctx, why,
                         (struct firealarm_text){text, text != NULL ? strlen(text) : 0});
            free(text);
            bad++;
        }
    }
    return bad;
}

static int32_t feed(void *conn, const struct firealarm_sink *sink, struct firealarm_text bytes,
                    uint32_t flags, struct firealarm_error *error)
{
    struct body *body = conn;
    json_error_t why;
    body_add(body, bytes);
    if (!(flags & FIREALARM_FEED_END)) {
        return 0;
    }
    struct firealarm_text none = {"", 0}, json = FIREALARM_TEXT("application/json");
    if (body->over) {
        sink->reply(sink->ctx, 413, json, FIREALARM_TEXT("\"body too large\""));
        return 0;
    }
    /* Duplicate keys are meant to pass: vmalert really sends them. */
    json_t *array = json_loadb(body->bytes, body->len, 0, &why);
    if (!json_is_array(array)) {
        sink->reject(sink->ctx, "the body is no JSON array",
                     (struct firealarm_text){body->bytes, body->len});
        sink->reply(sink->ctx, 400, json, FIREALARM_TEXT("\"the body is no JSON array\""));
    } else if (read_array(sink, array) > 0) {
        sink->reply(sink->ctx, 400, json, FIREALARM_TEXT("\"some alerts were refused\""));
    } else {
        sink->reply(sink->ctx, 200, none, none);
    }
    json_decref(array);
    return 0;
}

FIREALARM_EXPORT const struct firealarm_decoder firealarm_decoder = {
    .abi = FIREALARM_DECODER_ABI,
    .size = sizeof(struct firealarm_decoder),
    .name = "alertmanager",
    .version = "0",
    .summary = "Alertmanager API v2 as a receiver, for tests",
    .transports = 1u << FIREALARM_HTTP,
    .create = no_create,
    .destroy = no_destroy,
    .open = body_open,
    .feed = feed,
    .close = body_close,
};
