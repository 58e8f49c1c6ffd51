/* SPDX-License-Identifier: MIT */
/* The lines that nearly all senders write, read in one pass and looked up many at a time.
 *
 * What is not of that shape, or only looks odd (a sign, an exponent, a second value, a timestamp, a
 * control byte), is left to statsd.c, which alone decides what is refused; so is each line of a
 * series that the host does not know yet. Samples are pushed in the order of their lines.
 *
 * A decimal of up to 15 digits is an exact integer over an exact power of ten, so that its one
 * division rounds correctly: the same value that number.c gives. */
#include "statsd.h"

#include <string.h>

#define DIGITS_MAX 15
#define COPY       16 /* bytes; of names and of tags, most have less */
#define ONES       UINT64_C(0x0101010101010101)
#define HIGHS      UINT64_C(0x8080808080808080)

static const double POWERS[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};

/* High bits where a byte is 0; above the first such byte there may be false ones. */
static inline uint64_t zeros(uint64_t word)
{
    return (word - ONES) & ~word & HIGHS;
}

static inline int is_stop(unsigned char c, unsigned char stop)
{
    return c == stop || c < 0x20 || c == 0x7f;
}

/* The first byte that is `stop` or a control byte, or end. */
static inline const char *find_stop(const char *at, const char *end, unsigned char stop)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    for (; end - at >= 8; at += 8) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
        uint64_t found = zeros(word ^ ONES * stop) | zeros(word ^ ONES * 0x7f) |
                         ((word - ONES * 0x20) & ~word & HIGHS);
        if (found != 0) {
            return at + __builtin_ctzll(found) / 8;
        }
    }
#endif
    while (at < end && !is_stop((unsigned char)*at, stop)) {
        at++;
    }
    return at;
}

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
/* The digits at the beginning of eight bytes and their number, without a branch that depends on how
 * many they are. A byte that is no digit sets its high bit in `other`; so may bytes above it. */
static inline size_t read_digits(const char *at, uint64_t *ret_digits)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    uint64_t other = ((word + ONES * 0x46) | (word - ONES * 0x30)) & HIGHS;
    size_t count = other != 0 ? (size_t)__builtin_ctzll(other) / 8 : 8;
    if (count == 0) {
        return 0;
    }
    word = word << (64 - 8 * count) & ONES * 0x0f;
    word = word * 2561 >> 8 & UINT64_C(0x00ff00ff00ff00ff);
    word = word * 6553601 >> 16 & UINT64_C(0x0000ffff0000ffff);
    *ret_digits = word * UINT64_C(42949672960001) >> 32;
    return count;
}

/* Up to seven digits and, perhaps, a fraction of up to seven. NULL: more, or near the end. */
static inline const char *read_short(const char *at, const char *end, double *ret_value)
{
    uint64_t digits, after;
    if (end - at < 18) {
        return NULL;
    }
    size_t count = read_digits(at, &digits), more;
    if (count == 0 || count == 8) {
        return NULL;
    }
    at += count;
    if (*at != '.') {
        *ret_value = (double)digits;
        return at;
    }
    more = read_digits(at + 1, &after);
    if (more == 0 || more == 8) {
        return NULL;
    }
    *ret_value = ((double)digits * POWERS[more] + (double)after) / POWERS[more];
    return at + 1 + more;
}
#else
static const char *read_short(const char *at, const char *end, double *ret_value)
{
    return NULL;
}
#endif

/* digits [ "." digits ]; NULL: not of that shape or too long. */
static const char *read_decimal(const char *at, const char *end, double *ret_value)
{
    const char *from = at, *stop = read_short(at, end, ret_value);
    if (stop != NULL) {
        return stop;
    }
    uint64_t digits = 0;
    for (; at < end && (unsigned char)(*at - '0') < 10; at++) {
        digits = digits * 10 + (uint64_t)(*at - '0');
    }
    ptrdiff_t count = at - from, after = 0;
    if (count > 0 && at < end && *at == '.') {
        for (from = ++at; at < end && (unsigned char)(*at - '0') < 10; at++) {
            digits = digits * 10 + (uint64_t)(*at - '0');
        }
        after = at - from;
        count += after;
    }
    if (count == 0 || count > DIGITS_MAX) {
        return NULL;
    }
    *ret_value = after == 0 ? (double)digits : (double)digits / POWERS[after];
    return at;
}

static inline const char *read_type(const char *at, const char *end, uint32_t *ret_kind)
{
    static const unsigned char kinds[256] = {
        ['c'] = FIREALARM_COUNTER_DELTA, ['g'] = FIREALARM_GAUGE,
        ['h'] = FIREALARM_DISTRIBUTION,  ['d'] = FIREALARM_DISTRIBUTION,
        ['m'] = FIREALARM_DISTRIBUTION,
    };
    if (end - at < 2) {
        return at < end && *at != 'm' && (*ret_kind = kinds[(unsigned char)*at]) != 0 ? at + 1
                                                                                      : NULL;
    }
    int is_ms = at[0] == 'm';
    *ret_kind = kinds[(unsigned char)*at];
    return (*ret_kind == 0) | (is_ms & (at[1] != 's')) ? NULL : at + 1 + is_ms;
}

/* Copies more than it has to where the source has bytes enough behind it; `to` has. */
static inline void copy(char *to, const char *from, size_t len, const char *end)
{
    if (len > COPY || (size_t)(end - from) < COPY) {
        memcpy(to, from, len);
        return;
    }
    memcpy(to, from, COPY);
}

/* The series' key: the name, or the name and its tags put together. len 0: too long. */
static inline struct firealarm_text make_key(struct statsd_batch *batch, const char *name,
                                             size_t name_len, struct firealarm_text tags,
                                             const char *end)
{
    if (tags.ptr == NULL) {
        return (struct firealarm_text){name, name_len};
    }
    size_t len = name_len + 2 + tags.len;
    if (len > STATSD_RAW_MAX || len > STATSD_KEYS - batch->used) {
        return (struct firealarm_text){name, 0};
    }
    char *key = batch->keys + batch->used;
    copy(key, name, name_len, end);
    memcpy(key + name_len, "|#", 2);
    copy(key + name_len + 2, tags.ptr, tags.len, end);
    batch->used += len;
    return (struct firealarm_text){key, len};
}

/* [ "|@" rate ] [ "|#" tags ]; NULL: something else. */
static inline const char *read_fields(const char *at, const char *end, double *ret_weight,
                                      struct firealarm_text *ret_tags)
{
    if (end - at >= 2 && at[0] == '|' && at[1] == '@') {
        double rate;
        at = read_decimal(at + 2, end, &rate);
        if (at == NULL || !(rate > 0 && rate <= 1)) {
            return NULL;
        }
        *ret_weight = 1 / rate;
    }
    if (end - at >= 2 && at[0] == '|' && at[1] == '#') {
        const char *from = at + 2;
        at = find_stop(from, end, '|');
        *ret_tags = (struct firealarm_text){from, (size_t)(at - from)};
    }
    return at;
}

const char *statsd_fast(struct statsd_conn *conn, const char *at, const char *end, int last)
{
    struct statsd_batch *batch = &conn->batch;
    const char *name = at, *colon = find_stop(at, end, ':');
    size_t name_len = (size_t)(colon - name);
    if (colon == end || *colon != ':' || name_len == 0 || name_len >= STATSD_RAW_MAX ||
        *name == '_') {
        return NULL;
    }
    double value, weight = 1;
    uint32_t kind;
    struct firealarm_text tags = {NULL, 0};
    at = read_decimal(colon + 1, end, &value);
    if (at == NULL || at == end || *at != '|' || (at = read_type(at + 1, end, &kind)) == NULL ||
        (at = read_fields(at, end, &weight, &tags)) == NULL || (at == end ? !last : *at != '\n')) {
        return NULL;
    }
    struct firealarm_text key = make_key(batch, name, name_len, tags, end);
    if (key.len == 0) {
        return NULL;
    }
    uint32_t i = batch->count++;
    batch->kinds[i] = kind;
    batch->raws[i] = key;
    batch->lines[i] = (struct firealarm_text){name, (size_t)(at - name)};
    batch->values[i] = value;
    batch->weights[i] = kind == FIREALARM_GAUGE ? 1 : weight;
    batch->has_weights |= weight != 1;
    if (batch->count == STATSD_BATCH) {
        statsd_fast_flush(conn);
    }
    return at == end ? end : at + 1;
}

static void look_up(const struct firealarm_sink *sink, struct statsd_batch *batch, uint32_t count)
{
    size_t known = offsetof(struct firealarm_sink, keys) + sizeof sink->keys;
    if (sink->size >= known && sink->keys != NULL) {
        sink->keys(sink->ctx, batch->kinds, batch->raws, batch->handles, count);
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        batch->handles[i] = sink->key(sink->ctx, batch->kinds[i], batch->raws[i]);
    }
}

/* Those from..to, which have no MISS among them: the ignored ones fall out. */
static void push_known(const struct firealarm_sink *sink, struct statsd_batch *batch, uint32_t from,
                       uint32_t to)
{
    uint32_t kept = from;
    for (uint32_t i = from; i < to; i++) {
        if (batch->handles[i] != FIREALARM_IGNORED) {
            batch->handles[kept] = batch->handles[i];
            batch->values[kept] = batch->values[i];
            batch->weights[kept] = batch->weights[i];
            kept++;
        }
    }
    if (kept > from) {
        sink->push(sink->ctx, batch->handles + from, batch->values + from,
                   batch->has_weights ? batch->weights + from : NULL, NULL, kept - from);
    }
}

void statsd_fast_flush(struct statsd_conn *conn)
{
    struct statsd_batch *batch = &conn->batch;
    uint32_t count = batch->count, from = 0;
    batch->count = 0;
    if (count == 0) {
        return;
    }
    statsd_flush(conn);
    look_up(conn->sink, batch, count);
    for (uint32_t i = 0; i < count; i++) {
        if (batch->handles[i] == FIREALARM_MISS) {
            push_known(conn->sink, batch, from, i);
            statsd_line(conn, batch->lines[i].ptr, batch->lines[i].len);
            statsd_flush(conn);
            from = i + 1;
        }
    }
    push_known(conn->sink, batch, from, count);
    batch->used = 0;
    batch->has_weights = 0;
}
