/* SPDX-License-Identifier: MIT */
/* StatsD and DogStatsD: datagrams and streams of lines.
 *
 *   line   = name ":" piece *( ":" piece )
 *   piece  = values "|" type *( "|" field )        values = value *( ":" value )
 *   type   = "c" / "g" / "ms" / "h" / "d" / "s"
 *   field  = "@" rate / "#" tags / "T" seconds / anything, ignored
 *
 * Both ways to pack samples are read: several values before one type (DogStatsD), and several
 * pieces for one name (etsy, `a:1|c:2|ms`). Where the two would read one text differently (a set's
 * value with ":" in it), DogStatsD is right.
 *
 *   c   change of a counter, multiplied by 1 / rate      ms h d  one observation, counted 1 / rate
 *   g   gauge; with gauge_sign = "delta", a signed       s       member of a set
 *       value changes it by that much
 *
 * Values and names stay as sent: a timer in `ms` is compared in milliseconds by the rule that reads
 * it, and nothing is renamed, so two names never collide.
 *
 * Deviations from the reference daemons, each because the reference loses or breaks something:
 * an unknown type is refused (etsy counts it as a counter); a rate outside (0, 1] is refused (etsy
 * divides by what it finds, or dies); hex, Inf, NaN, blanks around numbers and decimal commas are
 * refused; a piece is taken or refused whole; a timestamp on a type other than c and g is ignored.
 *
 * Service checks become a gauge of the check's name: 0 ok, 1 warning, 2 critical, 3 unknown.
 *
 * Lines of the plain shape never come here: fast.c reads them, and gives back those whose series is
 * new. Both read any text alike (tests/unit/test_plugin_statsd.c).
 *
 * A stream's line is kept between reads up to STATSD_LINE_MAX. No memory is taken after open(). */
#include "statsd.h"

#include <stdlib.h>
#include <string.h>

struct piece {
    const char *values, *values_end;
    const char *type;
    size_t type_len;
    double weight;
    int64_t time;
    size_t raw_len; /* of conn->raw: name and tags */
};

void statsd_flush(struct statsd_conn *conn)
{
    if (conn->count > 0) {
        conn->sink->push(conn->sink->ctx, conn->handles, conn->values,
                         conn->has_weights ? conn->weights : NULL,
                         conn->has_times ? conn->times : NULL, conn->count);
    }
    conn->count = 0;
    conn->has_weights = conn->has_times = 0;
}

void statsd_push(struct statsd_conn *conn, uint64_t handle, double value, double weight,
                 int64_t time)
{
    if (handle == FIREALARM_IGNORED) {
        return;
    }
    conn->handles[conn->count] = handle;
    conn->values[conn->count] = value;
    conn->weights[conn->count] = weight;
    conn->times[conn->count] = time;
    conn->has_weights |= weight != 1;
    conn->has_times |= time != 0;
    if (++conn->count == STATSD_BATCH) {
        statsd_flush(conn);
    }
}

uint32_t statsd_tags(struct firealarm_text tags, struct firealarm_label *labels, uint32_t max)
{
    const char *end = tags.ptr + tags.len;
    uint32_t count = 0;
    for (const char *at = tags.ptr; at < end && count < max;) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        const char *stop = comma != NULL ? comma : end;
        at += at < stop && *at == '#'; /* one client repeats it before each tag */
        const char *colon = memchr(at, ':', (size_t)(stop - at));
        size_t name = (size_t)((colon != NULL ? colon : stop) - at);
        int internal = name >= 12 && memcmp(at, "dd.internal.", 12) == 0;
        if (name > 0 && !internal) {
            labels[count].name = (struct firealarm_text){at, name};
            labels[count].value =
                colon != NULL ? (struct firealarm_text){colon + 1, (size_t)(stop - colon - 1)}
                              : FIREALARM_TEXT("true");
            count++;
        }
        at = stop + 1;
    }
    return count;
}

uint64_t statsd_series(struct statsd_conn *conn, uint32_t kind, size_t name_len, size_t raw_len)
{
    const struct firealarm_sink *sink = conn->sink;
    struct firealarm_text raw = {conn->raw, raw_len}, name = {conn->raw, name_len};
    uint64_t handle = sink->key(sink->ctx, kind, raw);
    if (handle != FIREALARM_MISS) {
        return handle;
    }
    struct firealarm_label labels[STATSD_TAGS_MAX];
    uint32_t count = 0;
    if (raw_len > name_len + 2) {
        struct firealarm_text tags = {conn->raw + name_len + 2, raw_len - name_len - 2};
        count = statsd_tags(tags, labels, STATSD_TAGS_MAX);
    }
    handle = sink->define(sink->ctx, kind, raw, name, labels, count);
    return handle == FIREALARM_MISS ? FIREALARM_IGNORED : handle;
}

/* FNV-1a over the member, cut to the 53 bits that a double carries exactly. */
static double member_hash(const char *from, const char *end)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (; from < end; from++) {
        hash = (hash ^ (unsigned char)*from) * UINT64_C(0x100000001b3);
    }
    return (double)((hash ^ (hash >> 53)) & ((UINT64_C(1) << 53) - 1));
}

static int is_type(const struct piece *piece, const char *type)
{
    return piece->type_len == strlen(type) && memcmp(piece->type, type, piece->type_len) == 0;
}

/* 0: no known type. A gauge's kind depends on each value. */
static uint32_t kind_of(const struct piece *piece)
{
    if (piece->type_len == 1) {
        switch (piece->type[0]) {
        case 'c':
            return FIREALARM_COUNTER_DELTA;
        case 'g':
            return FIREALARM_GAUGE;
        case 'h':
        case 'd':
            return FIREALARM_DISTRIBUTION;
        case 's':
            return FIREALARM_SET;
        default:
            return 0;
        }
    }
    return is_type(piece, "ms") ? FIREALARM_DISTRIBUTION : 0;
}

static const char *end_of_value(const struct piece *piece, const char *at)
{
    const char *colon = memchr(at, ':', (size_t)(piece->values_end - at));
    return colon != NULL ? colon : piece->values_end;
}

/* All values, before the first is used: a piece is taken whole or not at all. */
static const char *check_values(const struct piece *piece)
{
    int any = 0;
    for (const char *at = piece->values; at < piece->values_end;) {
        const char *stop = end_of_value(piece, at);
        double value = 0;
        if (stop > at && !statsd_number(at, stop, &value)) {
            return "a value is no decimal number";
        }
        if (value < 0 && is_type(piece, "ms")) {
            return "a timer is below zero";
        }
        any |= stop > at;
        at = stop + 1;
    }
    return any ? NULL : "a value is missing";
}

static uint32_t value_kind(const struct statsd_conn *conn, uint32_t kind, char first)
{
    int is_signed = first == '+' || first == '-';
    return kind == FIREALARM_GAUGE && is_signed && !conn->self->gauge_sign_is_absolute
               ? FIREALARM_GAUGE_DELTA
               : kind;
}

static void push_values(struct statsd_conn *conn, const struct piece *piece, uint32_t kind,
                        size_t name_len)
{
    int64_t time = kind == FIREALARM_COUNTER_DELTA || kind == FIREALARM_GAUGE ? piece->time : 0;
    double weight =
        kind == FIREALARM_COUNTER_DELTA || kind == FIREALARM_DISTRIBUTION ? piece->weight : 1;
    uint32_t last_kind = 0;
    uint64_t handle = FIREALARM_IGNORED;
    for (const char *at = piece->values; at < piece->values_end;) {
        const char *stop = end_of_value(piece, at);
        double value;
        if (stop > at && statsd_number(at, stop, &value)) {
            uint32_t own = value_kind(conn, kind, *at);
            if (own != last_kind) {
                handle = statsd_series(conn, own, name_len, piece->raw_len);
                last_kind = own;
            }
            statsd_push(conn, handle, value, weight, time);
        }
        at = stop + 1;
    }
}

static const char *use_piece(struct statsd_conn *conn, const struct piece *piece, size_t name_len)
{
    uint32_t kind = kind_of(piece);
    if (kind == 0) {
        return "a type is none of c g ms h d s";
    }
    if (kind == FIREALARM_SET) {
        if (piece->values == piece->values_end) {
            return "a value is missing";
        }
        uint64_t handle = statsd_series(conn, kind, name_len, piece->raw_len);
        statsd_push(conn, handle, member_hash(piece->values, piece->values_end), 1, 0);
        return NULL;
    }
    const char *why = check_values(piece);
    if (why == NULL) {
        push_values(conn, piece, kind, name_len);
    }
    return why;
}

/* Tags become part of the key, behind the name. */
static const char *add_tags(struct statsd_conn *conn, struct piece *piece, size_t name_len,
                            const char *from, const char *end)
{
    size_t len = (size_t)(end - from);
    if (len + 2 > STATSD_RAW_MAX - piece->raw_len) {
        return "a name and its tags are too long";
    }
    int first = piece->raw_len == name_len;
    memcpy(conn->raw + piece->raw_len, first ? "|#" : ",", first ? 2 : 1);
    piece->raw_len += first ? 2 : 1;
    memcpy(conn->raw + piece->raw_len, from, len);
    piece->raw_len += len;
    return NULL;
}

static const char *read_rate(struct piece *piece, const char *from, const char *end)
{
    double rate;
    if (!statsd_number(from, end, &rate) || !(rate > 0 && rate <= 1) || 1 / rate > 1e300) {
        return "a sample rate is not above 0 and up to 1";
    }
    piece->weight = 1 / rate;
    return NULL;
}

static const char *read_time(struct piece *piece, const char *from, const char *end)
{
    int64_t seconds;
    if (!statsd_integer(from, end, &seconds) || seconds < 1 || seconds > INT64_MAX / 1000) {
        return "a timestamp is no whole number of seconds";
    }
    piece->time = seconds * 1000;
    return NULL;
}

/* The end of a type or a rate: a ":" there begins the next piece. */
static const char *find_end(const char *at, const char *end)
{
    while (at < end && *at != '|' && *at != ':') {
        at++;
    }
    return at;
}

/* One field after the type; *at is its first byte and becomes its end. */
static const char *read_field(struct statsd_conn *conn, struct piece *piece, size_t name_len,
                              const char **at, const char *end)
{
    const char *from = *at;
    const char *bar = memchr(from, '|', (size_t)(end - from));
    *at = bar != NULL ? bar : end;
    if (from == *at) {
        return NULL;
    }
    switch (*from) {
    case '@':
        *at = find_end(from, end);
        return read_rate(piece, from + 1, *at);
    case '#':
        return add_tags(conn, piece, name_len, from + 1, *at);
    case 'T':
        return read_time(piece, from + 1, *at);
    default:
        return NULL; /* container ids, cardinality and what is yet to come */
    }
}

/* One piece from *at on; *at becomes the first byte of the next, or end. */
static const char *read_piece(struct statsd_conn *conn, size_t name_len, const char **at,
                              const char *end)
{
    struct piece piece = {.values = *at, .weight = 1, .raw_len = name_len};
    piece.values_end = memchr(*at, '|', (size_t)(end - *at));
    if (piece.values_end == NULL) {
        return "the type is missing";
    }
    piece.type = piece.values_end + 1;
    *at = find_end(piece.type, end);
    piece.type_len = (size_t)(*at - piece.type);
    while (*at < end && **at == '|') {
        (*at)++;
        const char *why = read_field(conn, &piece, name_len, at, end);
        if (why != NULL) {
            return why;
        }
    }
    *at += *at < end;
    return use_piece(conn, &piece, name_len);
}

/* Without an early end, so that the compiler looks at many bytes at once. */
static int has_control(const char *from, size_t len)
{
    unsigned bad = 0;
    for (size_t i = 0; i < len; i++) {
        bad |= (unsigned char)from[i] < 0x20 || from[i] == 0x7f;
    }
    return bad != 0;
}

static const char *read_metric(struct statsd_conn *conn, struct firealarm_text line)
{
    const char *end = line.ptr + line.len;
    const char *colon = memchr(line.ptr, ':', line.len);
    if (colon == NULL) {
        return "no \":\" after the name";
    }
    size_t name_len = (size_t)(colon - line.ptr);
    if (name_len == 0 || name_len >= STATSD_RAW_MAX) {
        return name_len == 0 ? "the name is missing" : "a name and its tags are too long";
    }
    if (has_control(line.ptr, line.len)) {
        return "a control byte";
    }
    memcpy(conn->raw, line.ptr, name_len);
    const char *at = colon + 1;
    const char *why = NULL;
    do {
        why = read_piece(conn, name_len, &at, end);
    } while (why == NULL && at < end);
    return why;
}

static int starts(struct firealarm_text line, const char *prefix)
{
    size_t len = strlen(prefix);
    return line.len >= len && memcmp(line.ptr, prefix, len) == 0;
}

void statsd_line(struct statsd_conn *conn, const char *from, size_t len)
{
    struct firealarm_text line = {from, len};
    line.len -= len > 0 && from[len - 1] == '\r';
    if (line.len == 0) {
        return;
    }
    const char *why = NULL;
    if (line.ptr[0] != '_') {
        why = read_metric(conn, line);
    } else if (starts(line, "_e{")) {
        why = statsd_event(conn, line);
    } else if (starts(line, "_sc|")) {
        why = statsd_check(conn, line);
    } else {
        why = read_metric(conn, line);
    }
    if (why != NULL) {
        conn->sink->reject(conn->sink->ctx, why, line);
    }
}

/* Bytes of the line that began in an earlier call. */
static void keep(struct statsd_conn *conn, const char *from, size_t len)
{
    if (conn->skipping) {
        return;
    }
    if (len > STATSD_LINE_MAX - conn->line_len) {
        struct firealarm_text start = {conn->line, conn->line_len < 200 ? conn->line_len : 200};
        if (start.len == 0) {
            start = (struct firealarm_text){from, 200};
        }
        conn->sink->reject(conn->sink->ctx, "a line is too long", start);
        conn->skipping = 1;
        conn->line_len = 0;
        return;
    }
    memcpy(conn->line + conn->line_len, from, len);
    conn->line_len += len;
}

static void finish_kept(struct statsd_conn *conn)
{
    if (!conn->skipping) {
        statsd_line(conn, conn->line, conn->line_len);
    }
    conn->skipping = 0;
    conn->line_len = 0;
}

static int32_t feed(void *ptr, const struct firealarm_sink *sink, struct firealarm_text bytes,
                    uint32_t flags, struct firealarm_error *error)
{
    struct statsd_conn *conn = ptr;
    const char *end = bytes.len > 0 ? bytes.ptr + bytes.len : bytes.ptr;
    int last = (flags & FIREALARM_FEED_END) != 0;
    (void)error;
    conn->sink = sink;
    for (const char *at = bytes.ptr; at < end;) {
        int begun = conn->line_len > 0 || conn->skipping;
        const char *next = begun ? NULL : statsd_fast(conn, at, end, last);
        if (next != NULL) {
            at = next;
            continue;
        }
        statsd_fast_flush(conn);
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *stop = newline != NULL ? newline : end;
        if (begun || (newline == NULL && !last)) {
            keep(conn, at, (size_t)(stop - at));
            if (newline != NULL) {
                finish_kept(conn);
            }
        } else {
            statsd_line(conn, at, (size_t)(stop - at));
        }
        at = stop + 1;
    }
    statsd_fast_flush(conn);
    if (last) {
        finish_kept(conn);
    }
    statsd_flush(conn);
    conn->sink = NULL;
    return 0;
}

static int32_t create(const struct firealarm_host *host, const struct firealarm_settings *settings,
                      void **ret_self, struct firealarm_error *error)
{
    static const char no_memory[] = "no memory";
    struct statsd_self *self = calloc(1, sizeof *self);
    (void)host;
    if (self == NULL) {
        memcpy(error->text, no_memory, sizeof no_memory);
        return -1;
    }
    struct firealarm_text sign = settings->values[0].text;
    self->gauge_sign_is_absolute = sign.len == 8 && memcmp(sign.ptr, "absolute", 8) == 0;
    *ret_self = self;
    return 0;
}

static int32_t open_conn(void *self, const struct firealarm_request *request, void **ret_conn,
                         struct firealarm_error *error)
{
    static const char no_memory[] = "no memory";
    struct statsd_conn *conn = calloc(1, sizeof *conn);
    (void)request;
    if (conn == NULL) {
        memcpy(error->text, no_memory, sizeof no_memory);
        return -1;
    }
    conn->self = self;
    *ret_conn = conn;
    return 0;
}

static const struct firealarm_option OPTIONS[] = {
    {.name = "gauge_sign",
     .type = FIREALARM_OPT_CHOICE,
     .default_text = "delta",
     .choices = "delta absolute",
     .help = "what -5 means for a gauge: change it by -5 (etsy), or set it to -5 (DogStatsD)"},
    {.name = NULL},
};

FIREALARM_EXPORT const struct firealarm_decoder firealarm_decoder = {
    .abi = FIREALARM_DECODER_ABI,
    .size = sizeof(struct firealarm_decoder),
    .name = "statsd",
    .version = FA_VERSION,
    .summary = "StatsD and DogStatsD lines over UDP, TCP and Unix sockets",
    .options = OPTIONS,
    .transports = 1u << FIREALARM_DATAGRAM | 1u << FIREALARM_STREAM,
    .create = create,
    .destroy = free,
    .open = open_conn,
    .feed = feed,
    .close = free,
};
