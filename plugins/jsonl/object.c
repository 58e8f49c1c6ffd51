/* SPDX-License-Identifier: MIT */
/* One JSON object as a sample.
 *
 *   {"metric":"queue_seconds","value":12.5,"time":1700000000000,"labels":{"queue":"north"},
 *    "kind":"gauge"}
 *
 * Which members these are, the options say; a member's name may lead into objects, "data.value". A
 * value is a number, true or false (1 and 0), null (the series has no value any longer), and in a
 * set any text. Whole numbers are exact up to 2^53, as everywhere in JSON.
 *
 * The key of a series is its name and labels in the order sent, held apart by a byte that no UTF-8
 * holds; the same labels in another order are another key of the same series. */
#include "jsonl.h"
#include "shared/rfc3339.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define TIME_MAX 253402300800000.0 /* the year 10000 */
#define EXACT    9007199254740992.0

struct sample {
    struct firealarm_text name;
    struct firealarm_label labels[JSONL_LABELS_MAX];
    uint32_t label_count, kind;
    int64_t time;
    double value;
    int no_value;
    char numbers[JSONL_LABELS_MAX][24]; /* labels that are numbers */
};

static struct firealarm_text text_of(const json_t *value)
{
    return (struct firealarm_text){json_string_value(value), json_string_length(value)};
}

/* The member of that name, or at the end of that path. NULL: there is none. */
static json_t *find(const json_t *object, struct firealarm_text path)
{
    char name[256];
    json_t *whole;
    if (path.len == 0 || path.len >= sizeof name) {
        return NULL;
    }
    memcpy(name, path.ptr, path.len);
    name[path.len] = '\0';
    whole = json_object_get(object, name);
    char *dot = whole == NULL ? strchr(name, '.') : NULL;
    if (dot == NULL) {
        return whole;
    }
    *dot = '\0';
    size_t rest = (size_t)(dot + 1 - name);
    return find(json_object_get(object, name),
                (struct firealarm_text){path.ptr + rest, path.len - rest});
}

static const char *read_name(const struct jsonl_self *self, const json_t *object,
                             struct sample *sample)
{
    sample->name = self->metric.len > 0 ? self->metric : text_of(find(object, self->name));
    return sample->name.ptr == NULL || sample->name.len == 0 ? "there is no metric's name" : NULL;
}

static const char *read_kind(const struct jsonl_self *self, const json_t *object,
                             struct sample *sample)
{
    const json_t *kind = find(object, self->kind);
    sample->kind = kind == NULL ? self->default_kind : jsonl_kind(text_of(kind));
    return sample->kind == 0 ? "the kind is not known" : NULL;
}

/* Equal texts have one number of 53 bits. */
static double hash_of(struct firealarm_text text)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < text.len; i++) {
        hash = (hash ^ (unsigned char)text.ptr[i]) * UINT64_C(1099511628211);
    }
    return (double)((hash ^ (hash >> 32)) & ((UINT64_C(1) << 53) - 1));
}

static const char *read_value(const struct jsonl_self *self, const json_t *object,
                              struct sample *sample)
{
    const json_t *value = find(object, self->value);
    if (value == NULL) {
        return "there is no value";
    }
    sample->no_value = json_is_null(value);
    if (json_is_string(value) && sample->kind == FIREALARM_SET) {
        sample->value = hash_of(text_of(value));
    } else if (json_is_number(value)) {
        sample->value = json_number_value(value);
    } else if (json_is_boolean(value)) {
        sample->value = json_is_true(value);
    } else if (!sample->no_value) {
        return "the value is no number";
    }
    return NULL;
}

static const char *read_time(const struct jsonl_self *self, const json_t *object,
                             struct sample *sample)
{
    static const char bad[] = "the time is none";
    const json_t *time = find(object, self->time);
    sample->time = 0;
    if (time == NULL || json_is_null(time)) {
        return NULL;
    }
    if (json_is_string(time)) {
        return rfc3339_parse(text_of(time), &sample->time) && sample->time > 0 ? NULL : bad;
    }
    double ms = json_number_value(time) * self->unit;
    if (!json_is_number(time) || !(ms >= 1 && ms < TIME_MAX)) {
        return bad;
    }
    sample->time = (int64_t)(ms + 0.5);
    return NULL;
}

static const char *add_label(struct sample *sample, struct firealarm_text name, const json_t *value)
{
    uint32_t at = sample->label_count;
    struct firealarm_text text = text_of(value);
    if (json_is_null(value) || at == JSONL_LABELS_MAX) {
        return NULL; /* the host counts a label too many */
    }
    if (json_is_boolean(value)) {
        text = json_is_true(value) ? FIREALARM_TEXT("true") : FIREALARM_TEXT("false");
    } else if (json_is_number(value)) {
        double number = json_number_value(value);
        if (floor(number) != number || fabs(number) > EXACT) {
            return "a label is no text and no whole number";
        }
        snprintf(sample->numbers[at], sizeof sample->numbers[at], "%.0f", number);
        text = (struct firealarm_text){sample->numbers[at], strlen(sample->numbers[at])};
    } else if (text.ptr == NULL) {
        return "a label is no text and no whole number";
    }
    if (text.len > 0 && name.len > 0) {
        sample->labels[sample->label_count++] = (struct firealarm_label){name, text};
    }
    return NULL;
}

static const char *add_labels(struct sample *sample, struct firealarm_text path, json_t *value)
{
    const char *name, *why = NULL;
    json_t *member;
    if (!json_is_object(value)) {
        const char *dot = memrchr(path.ptr, '.', path.len);
        size_t from = dot != NULL ? (size_t)(dot + 1 - path.ptr) : 0;
        return add_label(sample, (struct firealarm_text){path.ptr + from, path.len - from}, value);
    }
    json_object_foreach(value, name, member)
    {
        why = why == NULL ? add_label(sample, (struct firealarm_text){name, strlen(name)}, member)
                          : why;
    }
    return why;
}

/* Each word of the option is a member: an object of labels, or a label itself. */
static const char *read_labels(const struct jsonl_self *self, const json_t *object,
                               struct sample *sample)
{
    const char *at = self->labels.ptr, *end = at + self->labels.len, *why = NULL;
    while (at < end && why == NULL) {
        const char *blank = memchr(at, ' ', (size_t)(end - at));
        const char *stop = blank != NULL ? blank : end;
        struct firealarm_text path = {at, (size_t)(stop - at)};
        json_t *value = find(object, path);
        why = value != NULL ? add_labels(sample, path, value) : NULL;
        at = stop + (blank != NULL);
    }
    return why;
}

static int append(char *raw, size_t *len, struct firealarm_text text)
{
    if (text.len >= JSONL_RAW_MAX - *len) {
        return 0;
    }
    memcpy(raw + *len, text.ptr, text.len);
    *len += text.len;
    raw[(*len)++] = '\xff';
    return 1;
}

/* FIREALARM_MISS: it is too long. */
static uint64_t series_of(struct jsonl_conn *conn, const struct sample *sample)
{
    const struct firealarm_sink *sink = conn->sink;
    size_t len = 0;
    int fits = append(conn->raw, &len, sample->name);
    for (uint32_t i = 0; i < sample->label_count && fits; i++) {
        fits = append(conn->raw, &len, sample->labels[i].name) &&
               append(conn->raw, &len, sample->labels[i].value);
    }
    if (!fits) {
        return FIREALARM_MISS;
    }
    struct firealarm_text raw = {conn->raw, len};
    uint64_t handle = sink->key(sink->ctx, sample->kind, raw);
    return handle != FIREALARM_MISS ? handle
                                    : sink->define(sink->ctx, sample->kind, raw, sample->name,
                                                   sample->labels, sample->label_count);
}

void jsonl_flush(struct jsonl_conn *conn)
{
    if (conn->count > 0) {
        conn->sink->push(conn->sink->ctx, conn->handles, conn->values, NULL, conn->times,
                         conn->count);
        conn->count = 0;
    }
}

static const char *push(struct jsonl_conn *conn, const struct sample *sample)
{
    uint64_t handle = series_of(conn, sample);
    if (handle == FIREALARM_MISS) {
        return "a name and its labels are too long";
    }
    if (handle == FIREALARM_IGNORED) {
        return NULL;
    }
    if (sample->no_value) {
        jsonl_flush(conn);
        conn->sink->stale(conn->sink->ctx, handle, sample->time);
        return NULL;
    }
    conn->handles[conn->count] = handle;
    conn->values[conn->count] = sample->value;
    conn->times[conn->count++] = sample->time;
    if (conn->count == JSONL_BATCH) {
        jsonl_flush(conn);
    }
    return NULL;
}

static const char *read_object(struct jsonl_conn *conn, const json_t *object)
{
    static const char *(*const parts[])(const struct jsonl_self *, const json_t *,
                                        struct sample *) = {read_name, read_kind, read_value,
                                                            read_time, read_labels};
    struct sample sample;
    sample.label_count = 0;
    sample.value = 0;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        const char *why = parts[i](conn->self, object, &sample);
        if (why != NULL) {
            return why;
        }
    }
    return push(conn, &sample);
}

const char *jsonl_line(struct jsonl_conn *conn, const char *line, size_t len)
{
    json_t *object = json_loadb(line, len, JSON_DECODE_INT_AS_REAL, NULL);
    const char *why =
        json_is_object(object) ? read_object(conn, object) : "the line is no JSON object";
    json_decref(object);
    return why;
}
