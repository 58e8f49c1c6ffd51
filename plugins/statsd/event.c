/* SPDX-License-Identifier: MIT */
/* DogStatsD's events and service checks.
 *
 *   _e{TITLE_LEN,TEXT_LEN}:TITLE|TEXT *( "|" field )     field = d: h: k: p: s: t: c: #tags
 *   _sc|NAME|STATUS *( "|" field )                       field = d: h: #tags m: c:
 *
 * Lengths count bytes of the text as sent. Real clients miscount (they count UTF-16 units): when
 * the byte after the counted end begins no field, the text runs on to the next one, so no character
 * is cut. An event keeps its tags as labels, and host and alert type as labels `host` and
 * `alert_type`; priority, aggregation key and container are dropped.
 *
 * A service check is a gauge with the check's name: rules can ask for it like for any number. */
#include "statsd.h"

#include <string.h>

struct cursor {
    const char *at, *end;
};

/* Does a field begin at the "|" at this place? */
static int is_field(const char *bar, const char *end)
{
    if (end - bar >= 2 && bar[1] == '#') {
        return 1;
    }
    return end - bar >= 3 && bar[2] == ':' && strchr("dhkpstcm", bar[1]) != NULL;
}

static int take_length(struct cursor *cursor, char stop, size_t *ret_len)
{
    const char *end = memchr(cursor->at, stop, (size_t)(cursor->end - cursor->at));
    int64_t len;
    if (end == NULL || !statsd_integer(cursor->at, end, &len) || len > STATSD_LINE_MAX * 8) {
        return 0;
    }
    cursor->at = end + 1;
    *ret_len = (size_t)len;
    return 1;
}

/* The two characters \n are a newline. Returns the new length; in place of out. */
static size_t unescape(char *out, const char *from, const char *end)
{
    size_t len = 0;
    for (; from < end; from++) {
        int newline = from[0] == '\\' && from + 1 < end && from[1] == 'n';
        out[len++] = newline ? '\n' : *from;
        from += newline;
    }
    return len;
}

struct fields {
    struct firealarm_text source, host, type, tags;
    int64_t time;
};

static void read_fields(struct cursor *cursor, struct fields *fields)
{
    int64_t seconds;
    while (cursor->at < cursor->end) {
        const char *from = ++cursor->at;
        const char *bar = memchr(from, '|', (size_t)(cursor->end - from));
        const char *stop = bar != NULL ? bar : cursor->end;
        struct firealarm_text value = {from + 2, (size_t)(stop - from) - 2};
        cursor->at = stop;
        if (stop > from && *from == '#') {
            fields->tags = (struct firealarm_text){from + 1, (size_t)(stop - from) - 1};
        } else if (stop - from < 2 || from[1] != ':') {
            continue;
        } else if (*from == 'd' && statsd_integer(value.ptr, stop, &seconds) &&
                   seconds < INT64_MAX / 1000) {
            fields->time = seconds * 1000;
        } else if (*from == 'h') {
            fields->host = value;
        } else if (*from == 's') {
            fields->source = value;
        } else if (*from == 't') {
            fields->type = value;
        }
    }
}

static const char *cut_title_and_text(struct cursor *cursor, struct firealarm_text *title,
                                      struct firealarm_text *text)
{
    size_t title_len, text_len;
    if (!take_length(cursor, ',', &title_len) || !take_length(cursor, '}', &text_len)) {
        return "an event's lengths are no numbers";
    }
    if (title_len == 0) {
        return "an event's title is empty";
    }
    size_t left = (size_t)(cursor->end - cursor->at);
    if (left < 2 + title_len || cursor->at[0] != ':') {
        return "an event is shorter than it says";
    }
    *title = (struct firealarm_text){cursor->at + 1, title_len};
    const char *bar = title->ptr + title_len;
    while (bar < cursor->end && *bar != '|') {
        bar++;
    }
    if (bar == cursor->end || (size_t)(cursor->end - bar) < 1 + text_len) {
        return "an event is shorter than it says";
    }
    title->len = (size_t)(bar - title->ptr);
    const char *stop = bar + 1 + text_len;
    while (stop < cursor->end && !(*stop == '|' && is_field(stop, cursor->end))) {
        stop++;
    }
    *text = (struct firealarm_text){bar + 1, (size_t)(stop - bar) - 1};
    cursor->at = stop;
    return NULL;
}

const char *statsd_event(struct statsd_conn *conn, struct firealarm_text line)
{
    struct cursor cursor = {line.ptr + 3, line.ptr + line.len};
    struct firealarm_text title, text;
    struct fields fields = {.time = 0};
    struct firealarm_label labels[STATSD_TAGS_MAX];
    const char *why = cut_title_and_text(&cursor, &title, &text);
    if (why != NULL) {
        return why;
    }
    if (title.len + text.len > STATSD_RAW_MAX) {
        return "an event is too long";
    }
    read_fields(&cursor, &fields);
    uint32_t count = 0;
    if (fields.tags.len > 0) {
        count = statsd_tags(fields.tags, labels, STATSD_TAGS_MAX - 2);
    }
    if (fields.host.len > 0) {
        labels[count++] = (struct firealarm_label){FIREALARM_TEXT("host"), fields.host};
    }
    if (fields.type.len > 0) {
        labels[count++] = (struct firealarm_label){FIREALARM_TEXT("alert_type"), fields.type};
    }
    struct firealarm_event event = {
        .source = fields.source, .time = fields.time, .labels = labels, .label_count = count};
    event.title.ptr = conn->raw;
    event.title.len = unescape(conn->raw, title.ptr, title.ptr + title.len);
    event.text.ptr = conn->raw + event.title.len;
    event.text.len = unescape(conn->raw + event.title.len, text.ptr, text.ptr + text.len);
    conn->sink->event(conn->sink->ctx, &event);
    return NULL;
}

const char *statsd_check(struct statsd_conn *conn, struct firealarm_text line)
{
    struct cursor cursor = {line.ptr + 4, line.ptr + line.len};
    const char *bar = memchr(cursor.at, '|', (size_t)(cursor.end - cursor.at));
    if (bar == NULL || bar == cursor.at || bar + 1 == cursor.end || bar[1] < '0' || bar[1] > '3' ||
        (bar + 2 < cursor.end && bar[2] != '|')) {
        return "a service check has no name or no status 0..3";
    }
    size_t name_len = (size_t)(bar - cursor.at);
    struct fields fields = {.time = 0};
    struct cursor rest = {bar + 2, cursor.end};
    read_fields(&rest, &fields);
    if (name_len + 2 + fields.tags.len > STATSD_RAW_MAX) {
        return "a name and its tags are too long";
    }
    for (size_t i = 0; i < line.len; i++) {
        if ((unsigned char)line.ptr[i] < 0x20) {
            return "a control byte";
        }
    }
    size_t raw_len = name_len;
    memcpy(conn->raw, cursor.at, name_len);
    if (fields.tags.len > 0) {
        memcpy(conn->raw + name_len, "|#", 2);
        memcpy(conn->raw + name_len + 2, fields.tags.ptr, fields.tags.len);
        raw_len += 2 + fields.tags.len;
    }
    uint64_t handle = statsd_series(conn, FIREALARM_GAUGE, name_len, raw_len);
    statsd_push(conn, handle, bar[1] - '0', 1, fields.time);
    return NULL;
}
