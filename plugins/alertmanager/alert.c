/* SPDX-License-Identifier: MIT */
/* One alert as Alertmanager's API v2 takes it: labels, annotations and two times.
 *
 * As there: labels and annotations with an empty value are none, one label must be left, and the
 * year 1 (Go's zero time) is no time. An alert is resolved when its end is past by our clock at
 * its arrival, and only then: that an end comes later and nobody renews the alert says nothing.
 *
 * A name given twice is no error, the last one counts: vmalert really sends `alertname` twice. */
#include "alertmanager.h"
#include "shared/rfc3339.h"

#include <jansson.h>
#include <string.h>

/* 0: there is none. -1: it is no time, or before 1970. */
static int64_t read_time(const json_t *alert, const char *key)
{
    const json_t *value = json_object_get(alert, key);
    int64_t ms;
    if (value == NULL || json_is_null(value)) {
        return 0;
    }
    struct firealarm_text text = {json_string_value(value), json_string_length(value)};
    if (text.ptr == NULL || !rfc3339_parse(text, &ms)) {
        return -1;
    }
    if (memcmp(text.ptr, "0001-01-01", 10) == 0) {
        return 0;
    }
    return ms > 0 ? ms : -1;
}

static const char *read_pairs(json_t *map, struct firealarm_label *pairs, uint32_t *ret_count)
{
    const char *name;
    json_t *value;
    *ret_count = 0;
    if (map == NULL || json_is_null(map)) {
        return NULL;
    }
    if (!json_is_object(map)) {
        return "labels or annotations are no object";
    }
    json_object_foreach(map, name, value)
    {
        struct firealarm_text text = {json_string_value(value), json_string_length(value)};
        if (text.ptr == NULL) {
            return "a label or annotation is no text";
        }
        if (text.len == 0) {
            continue;
        }
        if (name[0] == '\0') {
            return "a label or annotation has no name";
        }
        if (*ret_count == ALERT_PAIRS_MAX) {
            return "too many labels or annotations";
        }
        pairs[(*ret_count)++] = (struct firealarm_label){{name, strlen(name)}, text};
    }
    return NULL;
}

static const char *read_object(const struct firealarm_sink *sink, const json_t *object)
{
    struct firealarm_label labels[ALERT_PAIRS_MAX], annotations[ALERT_PAIRS_MAX];
    struct firealarm_alert alert = {.labels = labels, .annotations = annotations};
    if (!json_is_object(object)) {
        return "an alert is no object";
    }
    const char *why = read_pairs(json_object_get(object, "labels"), labels, &alert.label_count);
    if (why == NULL) {
        why = read_pairs(json_object_get(object, "annotations"), annotations,
                         &alert.annotation_count);
    }
    if (why != NULL) {
        return why;
    }
    if (alert.label_count == 0) {
        return "an alert needs a label";
    }
    alert.starts = read_time(object, "startsAt");
    alert.ends = read_time(object, "endsAt");
    if (alert.starts < 0 || alert.ends < 0) {
        return "startsAt or endsAt is no time";
    }
    if (alert.ends > 0 && alert.ends < alert.starts) {
        return "endsAt is before startsAt";
    }
    alert.resolved = alert.ends > 0 && alert.ends <= sink->now;
    sink->alert(sink->ctx, &alert);
    return NULL;
}

const char *alert_read(const struct firealarm_sink *sink, const char *text, size_t len)
{
    json_t *object = json_loadb(text, len, JSON_DECODE_ANY, NULL);
    const char *why = object != NULL ? read_object(sink, object) : "an alert is no sound JSON";
    json_decref(object);
    return why;
}
