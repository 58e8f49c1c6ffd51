/* SPDX-License-Identifier: MIT */
/* Remote write 1.0: a WriteRequest in protobuf, walked while it is being decompressed.
 *
 *   WriteRequest  1 TimeSeries *            others are passed over (metadata say nothing to rules)
 *   TimeSeries    1 Label *  2 Sample *  3 Exemplar *  4 Histogram *
 *   Label         1 name  2 value           Sample  1 double value  2 int64 milliseconds
 *
 * A field of zero is absent. Labels need no order, as some senders give them none. The bytes of the
 * labels are the series' key where they lie together, as all senders write them: a series that is
 * known costs no look at its labels.
 *
 * A series is taken or refused whole, but for samples without a time. A series that does not fit
 * its own length is refused alone; a message that does not is not read on. Nothing recurses.
 *
 * A stale marker is told by its bits: it must never pass through arithmetic. Native histograms are
 * refused, and the series' other samples are taken. */
#include "prometheus.h"

#include <stdlib.h>
#include <string.h>

#define STALE_BITS UINT64_C(0x7ff0000000000002)

enum wire { WIRE_VARINT, WIRE_EIGHT, WIRE_BYTES, WIRE_FOUR = 5 };

struct cursor {
    const char *at, *end;
};

struct field {
    uint32_t number;
    uint32_t wire;
    uint64_t value;              /* VARINT, EIGHT, FOUR */
    struct firealarm_text bytes; /* BYTES */
};

/* 0: it does not end here, or is too long to be one. */
static int read_varint(struct cursor *cursor, uint64_t *ret)
{
    uint64_t value = 0;
    for (unsigned shift = 0; cursor->at < cursor->end && shift < 70; shift += 7) {
        unsigned char byte = (unsigned char)*cursor->at++;
        value |= shift < 64 ? (uint64_t)(byte & 0x7f) << shift : 0;
        if (byte < 0x80) {
            *ret = value;
            return 1;
        }
    }
    return 0;
}

static int read_fixed(struct cursor *cursor, size_t size, uint64_t *ret)
{
    if ((size_t)(cursor->end - cursor->at) < size) {
        return 0;
    }
    *ret = 0;
    for (size_t i = 0; i < size; i++) {
        *ret |= (uint64_t)(unsigned char)cursor->at[i] << (8 * i);
    }
    cursor->at += size;
    return 1;
}

static int read_field(struct cursor *cursor, struct field *field)
{
    uint64_t tag, len;
    if (!read_varint(cursor, &tag) || tag >> 3 == 0 || tag >> 3 > UINT32_MAX >> 3) {
        return 0;
    }
    *field = (struct field){.number = (uint32_t)(tag >> 3), .wire = (uint32_t)(tag & 7)};
    switch (field->wire) {
    case WIRE_VARINT:
        return read_varint(cursor, &field->value);
    case WIRE_EIGHT:
        return read_fixed(cursor, 8, &field->value);
    case WIRE_FOUR:
        return read_fixed(cursor, 4, &field->value);
    case WIRE_BYTES:
        if (!read_varint(cursor, &len) || len > (size_t)(cursor->end - cursor->at)) {
            return 0;
        }
        field->bytes = (struct firealarm_text){cursor->at, (size_t)len};
        cursor->at += len;
        return 1;
    default:
        return 0;
    }
}

static struct cursor cursor_of(struct firealarm_text text)
{
    return (struct cursor){text.ptr, text.ptr + text.len};
}

/* ---- labels ---- */

/* 0: damaged. */
static int read_label(struct firealarm_text bytes, struct firealarm_label *label)
{
    struct cursor cursor = cursor_of(bytes);
    struct field field = {0};
    *label = (struct firealarm_label){{"", 0}, {"", 0}};
    while (cursor.at < cursor.end) {
        if (!read_field(&cursor, &field)) {
            return 0;
        }
        if (field.number <= 2 && field.wire == WIRE_BYTES) {
            *(field.number == 1 ? &label->name : &label->value) = field.bytes;
        }
    }
    return 1;
}

/* The labels of a series' message; NULL, or what is wrong with them. */
static const char *read_labels(struct firealarm_text raw, struct firealarm_label *labels,
                               uint32_t *count, struct firealarm_text *name)
{
    struct cursor cursor = cursor_of(raw);
    struct field field = {0};
    *name = (struct firealarm_text){"", 0};
    *count = 0;
    while (cursor.at < cursor.end && read_field(&cursor, &field)) {
        struct firealarm_label label;
        if (field.wire != WIRE_BYTES || !read_label(field.bytes, &label)) {
            return "a label is damaged";
        }
        if (prom_is(label.name, "__name__")) {
            if (name->len > 0) {
                return "a label comes twice";
            }
            *name = label.value;
        } else if (*count == PROM_LABELS_MAX) {
            return "a series has too many labels";
        } else {
            labels[(*count)++] = label;
        }
    }
    if (name->len == 0) {
        return "a series has no __name__";
    }
    return prom_is_utf8(*name) ? prom_check_labels(labels, count) : "a name is not UTF-8";
}

static struct firealarm_text find_name(struct firealarm_text raw)
{
    struct cursor cursor = cursor_of(raw);
    struct field field = {0};
    struct firealarm_label label;
    while (cursor.at < cursor.end && read_field(&cursor, &field)) {
        if (field.wire == WIRE_BYTES && read_label(field.bytes, &label) &&
            prom_is(label.name, "__name__")) {
            return label.value;
        }
    }
    return (struct firealarm_text){"", 0};
}

static uint64_t define(struct prom_conn *conn, const struct prom_item *item)
{
    struct firealarm_label labels[PROM_LABELS_MAX];
    struct firealarm_text name;
    uint32_t count = 0;
    if (item->ends) {
        return FIREALARM_IGNORED; /* it ends before anybody knew it */
    }
    const char *why = read_labels(item->raw, labels, &count, &name);
    if (why != NULL) {
        prom_reject(conn, why, item->name);
        return FIREALARM_IGNORED;
    }
    return conn->sink->define(conn->sink->ctx, item->kind, item->raw, name, labels, count);
}

/* ---- samples ---- */

static int read_sample(struct firealarm_text bytes, uint64_t *ret_bits, int64_t *ret_time)
{
    struct cursor cursor = cursor_of(bytes);
    struct field field = {0};
    *ret_bits = 0;
    *ret_time = 0;
    while (cursor.at < cursor.end) {
        if (!read_field(&cursor, &field)) {
            return 0;
        }
        if (field.number == 1 && field.wire == WIRE_EIGHT) {
            *ret_bits = field.value;
        } else if (field.number == 2 && field.wire == WIRE_VARINT) {
            *ret_time = (int64_t)field.value;
        }
    }
    return 1;
}

static void deliver(struct prom_conn *conn, const struct prom_item *item, uint64_t handle)
{
    struct cursor cursor = cursor_of(item->rest);
    struct field field = {0};
    uint64_t bits;
    int64_t time;
    while (cursor.at < cursor.end && read_field(&cursor, &field)) {
        if (field.number != 2 || field.wire != WIRE_BYTES ||
            !read_sample(field.bytes, &bits, &time)) {
            continue;
        }
        if (time <= 0) {
            prom_reject(conn, "a time is before 1970", item->name);
        } else if (bits == STALE_BITS) {
            prom_stale(conn, handle, time);
        } else {
            double value;
            memcpy(&value, &bits, sizeof value);
            prom_push(conn, handle, value, time);
        }
    }
}

/* ---- series ---- */

struct shape {
    const char *labels_end; /* they lie at the front, up to here */
    size_t samples;
    int others; /* fields that are no labels were seen */
    int late_labels, histograms, only_stale;
};

/* 0: damaged. */
static int look_over(struct firealarm_text series, struct shape *shape)
{
    struct cursor cursor = cursor_of(series);
    struct field field = {0};
    uint64_t bits;
    int64_t time;
    *shape = (struct shape){.labels_end = series.ptr, .only_stale = 1};
    while (cursor.at < cursor.end) {
        if (!read_field(&cursor, &field)) {
            return 0;
        }
        if (field.number == 1) {
            shape->late_labels |= shape->others;
            shape->labels_end = cursor.at;
        }
        shape->others |= field.number != 1;
        if (field.number == 2) {
            if (field.wire != WIRE_BYTES || !read_sample(field.bytes, &bits, &time)) {
                return 0;
            }
            shape->samples++;
            shape->only_stale &= bits == STALE_BITS;
        } else if (field.number == 4) {
            shape->histograms = 1;
        }
    }
    return 1;
}

static void read_series(struct prom_conn *conn, struct firealarm_text series)
{
    struct shape shape;
    if (!look_over(series, &shape)) {
        prom_reject(conn, "a series is damaged", FIREALARM_TEXT(""));
        return;
    }
    size_t labels = (size_t)(shape.labels_end - series.ptr);
    struct firealarm_text raw = {series.ptr, labels};
    struct firealarm_text name = find_name(raw);
    if (shape.late_labels) {
        prom_reject(conn, "a label follows the samples", name);
        return;
    }
    if (shape.histograms) {
        prom_reject(conn, "native histograms are not read", name);
    }
    if (shape.samples > 0) {
        *prom_next(conn) = (struct prom_item){
            .raw = raw,
            .name = name,
            .rest = {series.ptr + labels, series.len - labels},
            .kind = prom_kind_of(name),
            .ends = shape.only_stale,
        };
    }
}

/* ---- the message ---- */

/* 1: a field was walked; 0: there is not enough of it yet, or the message is damaged. */
static int walk(struct prom_conn *conn)
{
    const struct prom_snappy *snappy = &conn->snappy;
    struct cursor cursor = {snappy->out, snappy->out};
    struct field field = {0};
    if (conn->at < snappy->len) {
        cursor = (struct cursor){snappy->out + conn->at, snappy->out + snappy->len};
    }
    if (!read_field(&cursor, &field)) {
        return 0;
    }
    conn->at = (size_t)(cursor.at - snappy->out);
    if (field.number == 1 && field.wire == WIRE_BYTES) {
        read_series(conn, field.bytes);
    }
    return 1;
}

void prom_remote(struct prom_conn *conn, const char *at, const char *end)
{
    prom_snappy(conn, at, end);
    while (walk(conn)) { /* up to where the body breaks off, if it does */
    }
    prom_flush(conn); /* the next piece may move the memory */
}

void prom_remote_end(struct prom_conn *conn)
{
    if (conn->status == 0 && !prom_snappy_is_complete(&conn->snappy)) {
        prom_refuse(conn, 400, "the body is no snappy block, or cut short");
    } else if (conn->status == 0 && conn->at != conn->snappy.len) {
        prom_refuse(conn, 400, "the message is damaged");
    }
}

void prom_remote_init(struct prom_conn *conn)
{
    conn->define = define;
    conn->deliver = deliver;
}
