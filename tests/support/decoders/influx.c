/* SPDX-License-Identifier: MIT */
/* A small reader of Influx line protocol over HTTP: escapes, quoted strings with newlines, several
 * fields a line, its own replies. Each numeric or boolean field is a series MEASUREMENT_FIELD. What
 * it asks of the contract: names and keys that are put together in the decoder's own memory, bad
 * lines between good ones, an answer of its own. Times are nanoseconds. */
#include "body.h"

#include <stdio.h>

#define LABELS 16
#define ARENA  4096

struct cursor {
    const char *at, *end;
};

struct line {
    const struct firealarm_sink *sink;
    char arena[ARENA];
    size_t used;
    struct firealarm_text measurement, series; /* series: as sent, up to the first blank */
    struct firealarm_label labels[LABELS];
    uint32_t label_count;
    uint64_t handles[LABELS];
    double values[LABELS];
    int64_t times[LABELS];
    uint32_t samples;
};

static int is_in(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

/* Unescapes up to an unescaped byte of `stops`; a backslash counts only before `escapable`. */
static const char *take_word(struct line *line, struct cursor *cursor, const char *stops,
                             const char *escapable, struct firealarm_text *ret_word)
{
    char *out = line->arena + line->used;
    size_t len = 0;
    while (cursor->at < cursor->end && !is_in(*cursor->at, stops)) {
        if (*cursor->at == '\\' && cursor->at + 1 < cursor->end &&
            is_in(cursor->at[1], escapable)) {
            cursor->at++;
        }
        if (line->used + len >= ARENA) {
            return "a line is too long";
        }
        out[len++] = *cursor->at++;
    }
    line->used += len;
    *ret_word = (struct firealarm_text){out, len};
    return len > 0 ? NULL : "a name or value is empty";
}

static const char *take_tags(struct line *line, struct cursor *cursor)
{
    const char *why = take_word(line, cursor, ", \n", ", ", &line->measurement);
    while (why == NULL && cursor->at < cursor->end && *cursor->at == ',') {
        struct firealarm_label *label = &line->labels[line->label_count];
        cursor->at++;
        if (line->label_count++ == LABELS) {
            return "too many tags";
        }
        why = take_word(line, cursor, "=, \n", ",= ", &label->name);
        if (why == NULL && (cursor->at == cursor->end || *cursor->at++ != '=')) {
            why = "a tag has no value";
        }
        why = why != NULL ? why : take_word(line, cursor, "=, \n", ",= ", &label->value);
    }
    return why;
}

static int is_true(const char *text, size_t len)
{
    return (len == 1 && (*text == 't' || *text == 'T')) ||
           (len == 4 && (memcmp(text, "true", 4) == 0 || memcmp(text, "True", 4) == 0 ||
                         memcmp(text, "TRUE", 4) == 0));
}

static int is_false(const char *text, size_t len)
{
    return (len == 1 && (*text == 'f' || *text == 'F')) ||
           (len == 5 && (memcmp(text, "false", 5) == 0 || memcmp(text, "False", 5) == 0 ||
                         memcmp(text, "FALSE", 5) == 0));
}

/* A fixture may use strtod: the shape of the number is checked first. */
static int read_number(const char *text, size_t len, double *ret_value)
{
    char copy[64], *end;
    if (len > 1 && (text[len - 1] == 'i' || text[len - 1] == 'u')) {
        len--;
    }
    if (len == 0 || len >= sizeof copy) {
        return 0;
    }
    memcpy(copy, text, len);
    copy[len] = '\0';
    *ret_value = strtod(copy, &end);
    return end == copy + len && strspn(copy, "0123456789+-.eE") == len;
}

/* 1: a number, 0: a string, skipped, -1: neither. */
static int take_value(struct cursor *cursor, double *ret_value, uint32_t *ret_kind)
{
    *ret_kind = FIREALARM_GAUGE;
    if (cursor->at < cursor->end && *cursor->at == '"') {
        for (cursor->at++; cursor->at < cursor->end && *cursor->at != '"'; cursor->at++) {
            cursor->at += *cursor->at == '\\' && cursor->at + 1 < cursor->end;
        }
        return cursor->at++ < cursor->end ? 0 : -1;
    }
    const char *from = cursor->at;
    while (cursor->at < cursor->end && !is_in(*cursor->at, ", \r\n")) {
        cursor->at++;
    }
    size_t len = (size_t)(cursor->at - from);
    if (is_true(from, len) || is_false(from, len)) {
        *ret_kind = FIREALARM_STATE;
        *ret_value = is_true(from, len);
        return 1;
    }
    return read_number(from, len, ret_value) ? 1 : -1;
}

/* The key is what the line says of it: the series as sent, a blank, the field. */
static uint64_t series_of(struct line *line, uint32_t kind, struct firealarm_text field)
{
    size_t need = line->series.len + 2 * field.len + line->measurement.len + 2;
    if (line->used + need > ARENA) {
        return FIREALARM_IGNORED;
    }
    char *raw = line->arena + line->used;
    memcpy(raw, line->series.ptr, line->series.len);
    raw[line->series.len] = ' ';
    memcpy(raw + line->series.len + 1, field.ptr, field.len);
    struct firealarm_text key = {raw, line->series.len + 1 + field.len};
    line->used += key.len;
    uint64_t handle = line->sink->key(line->sink->ctx, kind, key);
    if (handle != FIREALARM_MISS) {
        return handle;
    }
    char *name = line->arena + line->used;
    memcpy(name, line->measurement.ptr, line->measurement.len);
    name[line->measurement.len] = '_';
    memcpy(name + line->measurement.len + 1, field.ptr, field.len);
    struct firealarm_text full = {name, line->measurement.len + 1 + field.len};
    line->used += full.len;
    return line->sink->define(line->sink->ctx, kind, key, full, line->labels, line->label_count);
}

static const char *take_field(struct line *line, struct cursor *cursor)
{
    struct firealarm_text field;
    double value = 0;
    uint32_t kind;
    const char *why = take_word(line, cursor, "=, \n", ",= ", &field);
    if (why != NULL || cursor->at == cursor->end || *cursor->at++ != '=') {
        return why != NULL ? why : "a field has no value";
    }
    int is = take_value(cursor, &value, &kind);
    if (is < 0) {
        return "a field's value is neither number, boolean nor string";
    }
    if (is > 0) {
        if (line->samples == LABELS) {
            return "too many fields";
        }
        line->handles[line->samples] = series_of(line, kind, field);
        line->values[line->samples++] = value;
    }
    return NULL;
}

static const char *take_time(struct line *line, struct cursor *cursor)
{
    double nanoseconds = 0;
    while (cursor->at < cursor->end && *cursor->at == ' ') {
        cursor->at++;
    }
    const char *from = cursor->at;
    while (cursor->at < cursor->end && !is_in(*cursor->at, " \r\n")) {
        cursor->at++;
    }
    if (cursor->at > from && !read_number(from, (size_t)(cursor->at - from), &nanoseconds)) {
        return "a timestamp is no number";
    }
    for (uint32_t i = 0; i < line->samples; i++) {
        line->times[i] = (int64_t)(nanoseconds / 1e6);
    }
    while (cursor->at < cursor->end && is_in(*cursor->at, " \r")) {
        cursor->at++;
    }
    return cursor->at == cursor->end || *cursor->at == '\n' ? NULL : "something follows the time";
}

/* On success the cursor is at the line's end. */
static const char *read_line(struct line *line, struct cursor *cursor)
{
    const char *from = cursor->at;
    const char *why = take_tags(line, cursor);
    line->series = (struct firealarm_text){from, (size_t)(cursor->at - from)};
    if (why == NULL && (cursor->at == cursor->end || *cursor->at != ' ')) {
        why = "fields are missing";
    }
    do {
        cursor->at += why == NULL;
        why = why != NULL ? why : take_field(line, cursor);
    } while (why == NULL && cursor->at < cursor->end && *cursor->at == ',');
    return why != NULL ? why : take_time(line, cursor);
}

static uint32_t read_body(const struct firealarm_sink *sink, const char *bytes, size_t len)
{
    struct cursor cursor = {bytes, bytes + len};
    struct line line;
    uint32_t bad = 0;
    for (; cursor.at < cursor.end; cursor.at++) {
        while (cursor.at < cursor.end && is_in(*cursor.at, " \r")) {
            cursor.at++;
        }
        const char *from = cursor.at;
        const char *why = NULL;
        if (cursor.at < cursor.end && *cursor.at != '\n' && *cursor.at != '#') {
            line.sink = sink;
            line.used = line.samples = line.label_count = 0;
            why = read_line(&line, &cursor);
            if (why == NULL) {
                sink->push(sink->ctx, line.handles, line.values, NULL, line.times, line.samples);
            }
        }
        while (cursor.at < cursor.end && *cursor.at != '\n') {
            cursor.at++;
        }
        if (why != NULL) {
            bad++;
            sink->reject(sink->ctx, why, (struct firealarm_text){from, (size_t)(cursor.at - from)});
        }
    }
    return bad;
}

static int32_t feed(void *conn, const struct firealarm_sink *sink, struct firealarm_text bytes,
                    uint32_t flags, struct firealarm_error *error)
{
    struct body *body = conn;
    char text[80];
    body_add(body, bytes);
    if (!(flags & FIREALARM_FEED_END)) {
        return 0;
    }
    struct firealarm_text json = FIREALARM_TEXT("application/json");
    if (body->over) {
        sink->reply(sink->ctx, 413, json, FIREALARM_TEXT("{\"error\":\"body too large\"}"));
        return 0;
    }
    uint32_t bad = read_body(sink, body->bytes, body->len);
    if (bad > 0) {
        int len = snprintf(text, sizeof text, "{\"error\":\"partial write: dropped=%u\"}", bad);
        sink->reply(sink->ctx, 400, json, (struct firealarm_text){text, (size_t)len});
    } else {
        sink->reply(sink->ctx, 204, (struct firealarm_text){"", 0}, (struct firealarm_text){"", 0});
    }
    return 0;
}

FIREALARM_EXPORT const struct firealarm_decoder firealarm_decoder = {
    .abi = FIREALARM_DECODER_ABI,
    .size = sizeof(struct firealarm_decoder),
    .name = "influx",
    .version = "0",
    .summary = "Influx line protocol over HTTP, for tests",
    .transports = 1u << FIREALARM_HTTP,
    .create = no_create,
    .destroy = no_destroy,
    .open = body_open,
    .feed = feed,
    .close = body_close,
};
