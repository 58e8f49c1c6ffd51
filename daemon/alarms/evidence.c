/* SPDX-License-Identifier: MIT */
/* How evidence is stored, and which slot a moment takes.
 *
 * Invariants: whatever it is given it writes at most FA_EVIDENCE_BYTES_MAX bytes; what it reads is
 * bounded alike, and unknown fields are skipped. A tag is never reused. */
#include "alarms/evidence.h"
#include "alarms/internal.h"
#include "base/rec.h"

#include <math.h>
#include <string.h>

#define TIME_MOST ((fa_time)1 << 52)

/* clang-format off */
enum evidence_tag {
    E_CAUSES = 1, E_AT, E_LEVEL, E_VALUE, E_SINCE, E_FOR, E_STEP, E_LOOP, E_RULE, E_LABELS,
    E_EXPR, E_FULL, E_NOW_VALUE, E_ABOVE, E_BELOW, E_CLEAR_ABOVE, E_CLEAR_BELOW, E_OVER,
    E_LOOK_BACK, E_NEWEST, E_COVERED, E_SAMPLES, E_EMPTY, E_PART, E_POINT, E_BUCKETED, E_CUT, E_REASON,
    E_OR_EQUAL,
};
enum part_tag { P_DEPTH = 1, P_TEXT, P_VALUE, P_SAMPLES, P_LABELS, P_CLEAR };
enum point_tag { T_AGE = 1, T_LAST, T_MIN };
/* clang-format on */

const char *fa_evidence_cause_name(uint32_t causes)
{
    static const struct {
        uint32_t cause;
        const char *name;
    } names[] = {
        {FA_CAUSE_RAISED, "raised"},   {FA_CAUSE_CLEAR, "clear"}, {FA_CAUSE_UNKNOWN, "unknown"},
        {FA_CAUSE_RESUMED, "resumed"}, {FA_CAUSE_STEP, "step"},   {FA_CAUSE_WORSE, "worse"},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if ((causes & names[i].cause) != 0) {
            return names[i].name;
        }
    }
    return "unnamed";
}

void fa_evidence_key(struct fa_alarm_id alarm, unsigned slot, uint8_t ret[FA_EVIDENCE_KEY_BYTES])
{
    memcpy(ret, alarm.id.bytes, FA_ID_BYTES);
    ret[FA_ID_BYTES] = (uint8_t)slot;
}

/* ---- samples ---- */

static void put_in_bucket(struct fa_evidence_point *buckets, struct fa_evidence_point point,
                          fa_time from, fa_time to)
{
    fa_time length = to > from ? to - from : 1;
    fa_time place = (point.at - from) * FA_EVIDENCE_POINTS / length;
    place = place < 0 ? 0 : place >= FA_EVIDENCE_POINTS ? FA_EVIDENCE_POINTS - 1 : place;
    struct fa_evidence_point *bucket = &buckets[place];
    if (bucket->at == 0) {
        *bucket = point;
        return;
    }
    bucket->min = point.min < bucket->min ? point.min : bucket->min;
    if (point.at >= bucket->at) {
        bucket->at = point.at;
        bucket->last = point.last;
    }
}

/* From now on each place in the list is a bucket; one with `at` 0 is empty. */
static void fold(struct fa_evidence *e, fa_time from)
{
    struct fa_evidence_point buckets[FA_EVIDENCE_POINTS] = {{0}};
    for (size_t i = 0; i < e->point_count; i++) {
        put_in_bucket(buckets, e->points[i], from, e->at);
    }
    memcpy(e->points, buckets, sizeof buckets);
    e->point_count = FA_EVIDENCE_POINTS;
    e->bucketed = true;
}

void fa_evidence_add(struct fa_evidence *e, struct fa_point point, fa_time from, bool begins)
{
    struct fa_evidence_point added = {point.at, point.value, point.value};
    if (!e->bucketed && (e->point_count == FA_EVIDENCE_POINTS || (begins && e->point_count > 0))) {
        fold(e, from);
    }
    if (e->bucketed) {
        put_in_bucket(e->points, added, from, e->at);
    } else {
        e->points[e->point_count++] = added;
    }
}

void fa_evidence_seal(struct fa_evidence *e)
{
    size_t kept = 0;
    for (size_t i = 0; i < e->point_count; i++) {
        if (!e->bucketed || e->points[i].at != 0) {
            e->points[kept++] = e->points[i];
        }
    }
    e->point_count = kept;
}

/* ---- writing ---- */

/* Cut where no character is torn. True: nothing was lost. */
static bool put_text(struct fa_buf *buf, uint32_t tag, struct fa_str text, size_t max)
{
    size_t len = text.len > max ? fa_utf8_cut(text, max) : text.len;
    if (len > 0) {
        fa_rec_put_bytes(buf, tag, text.ptr, len);
    }
    return len == text.len;
}

static void put_value(struct fa_buf *buf, uint32_t tag, bool has, double value)
{
    if (has && !isnan(value)) {
        fa_rec_put_f64(buf, tag, value);
    }
}

static void put_time(struct fa_buf *buf, uint32_t tag, fa_time time)
{
    if (time != 0) {
        fa_rec_put_i64(buf, tag, time);
    }
}

static void put_count(struct fa_buf *buf, uint32_t tag, uint64_t count)
{
    if (count != 0) {
        fa_rec_put_u64(buf, tag, count);
    }
}

void fa_evidence_encode_head(const struct fa_evidence *e, struct fa_buf *buf)
{
    fa_rec_put_u64(buf, E_CAUSES, e->causes);
    fa_rec_put_i64(buf, E_AT, e->at);
    fa_rec_put_u64(buf, E_LEVEL, e->level);
    put_value(buf, E_VALUE, true, e->value);
    put_time(buf, E_SINCE, e->since);
    put_time(buf, E_FOR, e->for_ms);
    put_count(buf, E_STEP, e->step);
    put_count(buf, E_LOOP, e->loop);
    bool whole = put_text(buf, E_RULE, e->rule, FA_EVIDENCE_TEXT_MAX / 4);
    whole = put_text(buf, E_LABELS, e->labels, FA_EVIDENCE_TEXT_MAX) && whole;
    put_count(buf, E_CUT, !whole || e->cut);
}

/* True: nothing was lost. */
static bool put_part(struct fa_buf *buf, const struct fa_evidence_part *part)
{
    size_t from = buf->len;
    put_count(buf, P_DEPTH, part->depth);
    bool whole = put_text(buf, P_TEXT, part->text, FA_EVIDENCE_TEXT_MAX / 4);
    whole = put_text(buf, P_LABELS, part->labels, FA_EVIDENCE_TEXT_MAX / 4) && whole;
    put_value(buf, P_VALUE, true, part->value);
    put_count(buf, P_SAMPLES, part->samples);
    put_count(buf, P_CLEAR, part->is_clear);
    fa_rec_wrap(buf, E_PART, from);
    return whole;
}

void fa_evidence_encode_part(const struct fa_evidence_part *part, size_t *count, struct fa_buf *buf)
{
    const size_t most =
        FA_EVIDENCE_TEXT_MAX / 2 + 96; /* of a part, and what says that one is cut */
    bool fits = *count < FA_EVIDENCE_PARTS && buf->len + most <= FA_EVIDENCE_BYTES_MAX;
    bool whole = fits && put_part(buf, part);
    if (!whole && *count <= FA_EVIDENCE_PARTS) {
        put_count(buf, E_CUT, 1);
    }
    *count = fits ? *count + 1 : FA_EVIDENCE_PARTS + 1;
}

static void put_points(struct fa_buf *buf, const struct fa_evidence *e)
{
    for (size_t i = 0; i < e->point_count; i++) {
        const struct fa_evidence_point *point = &e->points[i];
        size_t from = buf->len;
        put_time(buf, T_AGE, e->at - point->at);
        fa_rec_put_f64(buf, T_LAST, point->last);
        put_value(buf, T_MIN, point->min != point->last, point->min);
        fa_rec_wrap(buf, E_POINT, from);
    }
}

void fa_evidence_encode_rule(const struct fa_evidence *e, struct fa_buf *buf)
{
    bool whole = !e->cut;
    if (!e->has_rule) {
        return;
    }
    whole = put_text(buf, E_EXPR, e->expr, FA_EVIDENCE_TEXT_MAX) && whole;
    whole = put_text(buf, E_FULL, e->full, FA_EVIDENCE_TEXT_MAX) && whole;
    put_value(buf, E_NOW_VALUE, true, e->now_value);
    put_value(buf, E_ABOVE, e->has_above, e->above);
    put_value(buf, E_BELOW, e->has_below, e->below);
    put_value(buf, E_CLEAR_ABOVE, e->has_clear_above, e->clear_above);
    put_value(buf, E_CLEAR_BELOW, e->has_clear_below, e->clear_below);
    put_count(buf, E_OR_EQUAL, e->or_equal);
    put_time(buf, E_OVER, e->over);
    put_time(buf, E_LOOK_BACK, e->look_back);
    put_time(buf, E_NEWEST, e->newest);
    put_time(buf, E_COVERED, e->covered_at);
    put_count(buf, E_SAMPLES, e->samples);
    put_count(buf, E_BUCKETED, e->bucketed);
    whole = put_text(buf, E_EMPTY, e->empty, FA_EVIDENCE_TEXT_MAX / 4) && whole;
    whole = put_text(buf, E_REASON, e->reason, FA_EVIDENCE_TEXT_MAX / 4) && whole;
    put_points(buf, e);
    put_count(buf, E_CUT, !whole);
    size_t count = 0;
    for (size_t i = 0; i < e->part_count; i++) {
        fa_evidence_encode_part(&e->parts[i], &count, buf);
    }
}

/* ---- reading ---- */

/* Times that sums of a few cannot overflow, whatever damage wrote. */
static fa_time sane(int64_t time)
{
    return time == FA_NEVER    ? time
           : time > TIME_MOST  ? TIME_MOST
           : time < -TIME_MOST ? -TIME_MOST
                               : time;
}

static bool read_part(struct fa_evidence *e, struct fa_str bytes)
{
    struct fa_rec_reader reader = fa_rec_read(bytes);
    struct fa_rec_field field;
    struct fa_evidence_part part = {.value = (double)NAN};
    while (fa_rec_next(&reader, &field)) {
        if (field.tag == P_DEPTH) {
            part.depth = (uint32_t)field.u64;
        } else if (field.tag == P_TEXT) {
            part.text = field.bytes;
        } else if (field.tag == P_VALUE) {
            part.value = field.f64;
        } else if (field.tag == P_SAMPLES) {
            part.samples = field.u64;
        } else if (field.tag == P_LABELS) {
            part.labels = field.bytes;
        } else if (field.tag == P_CLEAR) {
            part.is_clear = field.u64 != 0;
        }
    }
    if (e->part_count < FA_EVIDENCE_PARTS) {
        e->parts[e->part_count++] = part;
    }
    return !reader.bad;
}

static bool read_point(struct fa_evidence *e, struct fa_str bytes)
{
    struct fa_rec_reader reader = fa_rec_read(bytes);
    struct fa_rec_field field;
    struct fa_evidence_point point = {.at = e->at, .min = (double)NAN};
    while (fa_rec_next(&reader, &field)) {
        if (field.tag == T_AGE) {
            int64_t age = field.i64 > 4 * TIME_MOST    ? 4 * TIME_MOST
                          : field.i64 < -4 * TIME_MOST ? -4 * TIME_MOST
                                                       : field.i64;
            point.at = sane(e->at - age);
        } else if (field.tag == T_LAST) {
            point.last = field.f64;
        } else if (field.tag == T_MIN) {
            point.min = field.f64;
        }
    }
    point.min = isnan(point.min) ? point.last : point.min;
    if (e->point_count < FA_EVIDENCE_POINTS) {
        e->points[e->point_count++] = point;
    }
    return !reader.bad;
}

static void read_time(struct fa_evidence *e, const struct fa_rec_field *f)
{
    const struct {
        uint32_t tag;
        fa_time *time;
    } times[] = {{E_SINCE, &e->since},         {E_FOR, &e->for_ms},    {E_OVER, &e->over},
                 {E_LOOK_BACK, &e->look_back}, {E_NEWEST, &e->newest}, {E_COVERED, &e->covered_at}};
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        if (times[i].tag == f->tag) {
            *times[i].time = sane(f->i64);
        }
    }
    if (f->tag == E_AT) {
        e->at = f->i64 == FA_NEVER ? 0 : sane(f->i64);
    }
}

static void read_number(struct fa_evidence *e, const struct fa_rec_field *f)
{
    const struct {
        uint32_t tag;
        double *value;
        bool *has;
    } values[] = {{E_VALUE, &e->value, NULL},
                  {E_NOW_VALUE, &e->now_value, NULL},
                  {E_ABOVE, &e->above, &e->has_above},
                  {E_BELOW, &e->below, &e->has_below},
                  {E_CLEAR_ABOVE, &e->clear_above, &e->has_clear_above},
                  {E_CLEAR_BELOW, &e->clear_below, &e->has_clear_below}};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        if (values[i].tag == f->tag) {
            *values[i].value = f->f64;
        }
        if (values[i].tag == f->tag && values[i].has != NULL) {
            *values[i].has = !isnan(f->f64);
        }
    }
    if (f->tag == E_CAUSES) {
        e->causes = (uint32_t)f->u64;
    } else if (f->tag == E_LEVEL) {
        e->level = (enum fa_level)(f->u64 < FA_LEVEL__COUNT ? f->u64 : FA_LEVEL_UNKNOWN);
    } else if (f->tag == E_STEP) {
        e->step = (uint32_t)f->u64;
    } else if (f->tag == E_LOOP) {
        e->loop = (uint32_t)f->u64;
    } else if (f->tag == E_SAMPLES) {
        e->samples = f->u64;
    } else if (f->tag == E_OR_EQUAL) {
        e->or_equal = f->u64 != 0;
    } else if (f->tag == E_BUCKETED) {
        e->bucketed = f->u64 != 0;
    } else if (f->tag == E_CUT) {
        e->cut = f->u64 != 0;
    }
}

/* False: a record inside is broken. */
static bool read_bytes(struct fa_evidence *e, const struct fa_rec_field *f)
{
    const struct {
        uint32_t tag;
        struct fa_str *text;
    } texts[] = {{E_RULE, &e->rule}, {E_LABELS, &e->labels}, {E_EXPR, &e->expr},
                 {E_FULL, &e->full}, {E_EMPTY, &e->empty},   {E_REASON, &e->reason}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (texts[i].tag == f->tag) {
            *texts[i].text = f->bytes;
        }
    }
    if (f->tag == E_EXPR) {
        e->has_rule = f->bytes.len > 0;
    }
    return (f->tag != E_PART || read_part(e, f->bytes)) &&
           (f->tag != E_POINT || read_point(e, f->bytes));
}

int fa_evidence_decode(struct fa_str bytes, struct fa_evidence *ret)
{
    struct fa_rec_reader reader = fa_rec_read(bytes);
    struct fa_rec_field field;
    bool ok = bytes.len <= FA_EVIDENCE_BYTES_MAX;
    *ret = (struct fa_evidence){.value = (double)NAN, .now_value = (double)NAN};
    while (ok && fa_rec_next(&reader, &field)) {
        read_time(ret, &field);
        read_number(ret, &field);
        ok = read_bytes(ret, &field);
    }
    return ok && !reader.bad && ret->causes != 0 && ret->rule.len > 0 ? 0 : FA_ECORRUPT;
}
