/* SPDX-License-Identifier: MIT */
/* The text exposition format 0.0.4 and OpenMetrics, a line at a time.
 *
 *   line   = "#" ... / series value [ time ] [ "#" exemplar ]
 *   series = name [ "{" labels "}" ] / "{" quoted-name [ "," labels ] "}"
 *   label  = ( name / quoted ) "=" quoted
 *
 * Blanks may stand wherever they part things. `time` is milliseconds, in OpenMetrics seconds; there
 * the body must also end with "# EOF", or it may have been cut. Exemplars, HELP and UNIT are passed
 * over. TYPE says what the samples of its family mean; without it the name's ending does.
 *
 * The bytes that name a series are its key, so its labels are read once and not with each sample: a
 * fault in them is found where the series is defined.
 *
 * A line is taken or refused whole. One that goes on in the next piece is kept, up to
 * PROM_LINE_MAX; no other memory grows with the body. */
#include "prometheus.h"

#include <stdlib.h>
#include <string.h>

enum type {
    TYPE_NONE,
    TYPE_COUNTER,
    TYPE_GAUGE,
    TYPE_HISTOGRAM,
    TYPE_GAUGEHISTOGRAM,
    TYPE_SUMMARY
};

static int is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static const char *skip_blanks(const char *at, const char *end)
{
    while (at < end && is_blank(*at)) {
        at++;
    }
    return at;
}

#define ENDS_WORD   1
#define ENDS_NAME   2
#define ENDS_LABELS 4 /* or begins a text among them */

/* The first byte that ends it, or end. */
static const char *find_end(const char *at, const char *end, unsigned char what)
{
    static const unsigned char ends[256] = {
        [' '] = ENDS_WORD | ENDS_NAME,
        ['\t'] = ENDS_WORD | ENDS_NAME,
        ['{'] = ENDS_NAME,
        ['}'] = ENDS_LABELS,
        ['"'] = ENDS_LABELS,
    };
    while (at < end && (ends[(unsigned char)*at] & what) == 0) {
        at++;
    }
    return at;
}

static const char *word_end(const char *at, const char *end)
{
    return find_end(at, end, ENDS_WORD);
}

static struct firealarm_text text_between(const char *at, const char *end)
{
    return (struct firealarm_text){at, (size_t)(end - at)};
}

/* The quote that ends a text which begins behind `at`, NULL: none does. */
static const char *quote_end(const char *at, const char *end)
{
    for (;;) {
        const char *quote = memchr(at, '"', (size_t)(end - at));
        const char *escape = quote;
        if (quote == NULL) {
            return NULL;
        }
        while (escape > at && escape[-1] == '\\') {
            escape--;
        }
        if ((quote - escape) % 2 == 0) {
            return quote;
        }
        at = quote + 1;
    }
}

/* ---- what a family is ---- */

static enum type type_of(struct firealarm_text word, int *is_known)
{
    static const struct {
        const char *word;
        enum type type;
    } rows[] = {
        {"counter", TYPE_COUNTER},     {"gauge", TYPE_GAUGE},
        {"histogram", TYPE_HISTOGRAM}, {"gaugehistogram", TYPE_GAUGEHISTOGRAM},
        {"summary", TYPE_SUMMARY},     {"untyped", TYPE_NONE},
        {"unknown", TYPE_NONE},        {"info", TYPE_GAUGE},
        {"stateset", TYPE_GAUGE},
    };
    *is_known = 1;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (prom_is(word, rows[i].word)) {
            return rows[i].type;
        }
    }
    *is_known = 0;
    return TYPE_NONE;
}

/* What the samples of a family mean, by what follows its name in theirs. */
static const struct {
    enum type type;
    const char *suffix;
    uint32_t kind;
} family_kinds[] = {
    {TYPE_COUNTER, "", FIREALARM_COUNTER_CUMULATIVE},
    {TYPE_COUNTER, "_total", FIREALARM_COUNTER_CUMULATIVE},
    {TYPE_COUNTER, "_created", FIREALARM_GAUGE},
    {TYPE_GAUGE, "", FIREALARM_GAUGE},
    {TYPE_HISTOGRAM, "_bucket", FIREALARM_COUNTER_CUMULATIVE},
    {TYPE_HISTOGRAM, "_count", FIREALARM_COUNTER_CUMULATIVE},
    {TYPE_HISTOGRAM, "_sum", FIREALARM_COUNTER_CUMULATIVE},
    {TYPE_HISTOGRAM, "_created", FIREALARM_GAUGE},
    {TYPE_GAUGEHISTOGRAM, "_bucket", FIREALARM_GAUGE},
    {TYPE_SUMMARY, "", FIREALARM_GAUGE},
    {TYPE_SUMMARY, "_count", FIREALARM_COUNTER_CUMULATIVE},
    {TYPE_SUMMARY, "_sum", FIREALARM_COUNTER_CUMULATIVE},
};

static uint32_t kind_of(const struct prom_conn *conn, struct firealarm_text name)
{
    size_t len = conn->family_len;
    if (conn->type == TYPE_NONE || name.len < len || memcmp(name.ptr, conn->family, len) != 0) {
        return prom_kind_of(name);
    }
    struct firealarm_text suffix = {name.ptr + len, name.len - len};
    for (size_t i = 0; i < sizeof family_kinds / sizeof family_kinds[0]; i++) {
        if (family_kinds[i].type == (enum type)conn->type &&
            prom_is(suffix, family_kinds[i].suffix)) {
            return family_kinds[i].kind;
        }
    }
    return prom_kind_of(name);
}

/* name type */
static const char *read_type(struct prom_conn *conn, const char *at, const char *end)
{
    const char *stop = at < end && *at == '"' ? quote_end(at + 1, end) : word_end(at, end);
    int is_known;
    if (stop == NULL || stop == at) {
        return "a TYPE has no name";
    }
    int is_quoted = *at == '"';
    struct firealarm_text name = text_between(at + is_quoted, stop);
    at = skip_blanks(stop + is_quoted, end);
    const char *word = at;
    at = word_end(at, end);
    enum type type = type_of(text_between(word, at), &is_known);
    conn->type = name.len <= sizeof conn->family ? type : TYPE_NONE;
    conn->family_len = conn->type != TYPE_NONE ? name.len : 0;
    memcpy(conn->family, name.ptr, conn->family_len);
    return is_known && skip_blanks(at, end) == end ? NULL : "a TYPE is none";
}

static const char *read_comment(struct prom_conn *conn, const char *at, const char *end)
{
    const char *word = skip_blanks(at, end);
    at = word_end(word, end);
    struct firealarm_text first = text_between(word, at);
    if (prom_is(first, "TYPE")) {
        return read_type(conn, skip_blanks(at, end), end);
    }
    conn->saw_eof |= conn->is_open_metrics && prom_is(first, "EOF") && skip_blanks(at, end) == end;
    return NULL;
}

/* ---- a sample ---- */

/* Where the series ends and what its name is, quoted or not; NULL: its braces do not close. */
static const char *scan_series(const char *at, const char *end, struct firealarm_text *ret_name)
{
    const char *from = at;
    at = find_end(at, end, ENDS_NAME);
    *ret_name = text_between(from, at);
    const char *brace = skip_blanks(at, end);
    if (brace == end || *brace != '{') {
        return at;
    }
    at = find_end(brace + 1, end, ENDS_LABELS);
    while (at < end && *at == '"') {
        const char *stop = quote_end(at + 1, end);
        if (stop == NULL) {
            return NULL;
        }
        if (ret_name->len == 0) {
            *ret_name = text_between(at + 1, stop);
        }
        at = find_end(stop + 1, end, ENDS_LABELS);
    }
    return at < end ? at + 1 : NULL;
}

static const char *read_time(const struct prom_conn *conn, struct firealarm_text text,
                             int64_t *ret_time)
{
    if (!(conn->is_open_metrics ? prom_seconds(conn->prom, text, ret_time)
                                : prom_milliseconds(text, ret_time))) {
        return "a time is no number";
    }
    return *ret_time > 0 ? NULL : "a time is before 1970";
}

static const char *read_sample(struct prom_conn *conn, const char *at, const char *end)
{
    struct prom_item item = {.time = 0};
    const char *from = at;
    at = scan_series(at, end, &item.name);
    if (at == NULL) {
        return "a series does not end";
    }
    item.raw = text_between(from, at);
    from = skip_blanks(at, end);
    at = word_end(from, end);
    if (from == at) {
        return "a value is missing";
    }
    if (!prom_number(conn->prom, text_between(from, at), &item.value)) {
        return "a value is no number";
    }
    from = skip_blanks(at, end);
    if (from < end && *from != '#') {
        at = word_end(from, end);
        const char *why = read_time(conn, text_between(from, at), &item.time);
        if (why != NULL) {
            return why;
        }
        from = skip_blanks(at, end);
    }
    if (from < end && !(conn->is_open_metrics && *from == '#')) {
        return "something follows the sample";
    }
    item.kind = kind_of(conn, item.name);
    *prom_next(conn) = item;
    return NULL;
}

static void deliver(struct prom_conn *conn, const struct prom_item *item, uint64_t handle)
{
    prom_push(conn, handle, item->value, item->time);
}

/* ---- a series that is new ---- */

struct reader {
    const char *at, *end;
    char *arena; /* as large as the series */
    struct firealarm_label labels[PROM_LABELS_MAX];
    uint32_t count;
};

static char peek(struct reader *reader)
{
    reader->at = skip_blanks(reader->at, reader->end);
    return reader->at < reader->end ? *reader->at : '\0';
}

/* What stands between quotes, escapes undone where there are any. */
static struct firealarm_text read_quoted(struct reader *reader)
{
    const char *from = reader->at + 1, *stop = quote_end(from, reader->end);
    char *out = reader->arena;
    reader->at = stop + 1;
    if (memchr(from, '\\', (size_t)(stop - from)) == NULL) {
        return text_between(from, stop);
    }
    for (; from < stop; from++) {
        int escape =
            *from == '\\' && from + 1 < stop && strchr("\\\"n", from[1]) != NULL && from[1] != '\0';
        from += escape;
        *reader->arena++ = escape && *from == 'n' ? '\n' : *from;
    }
    return text_between(out, reader->arena);
}

/* colons: a metric's name may hold them. */
static int is_plain_name(struct firealarm_text name, int colons)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        int is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
                        (colons && c == ':') || (i > 0 && c >= '0' && c <= '9');
        if (!is_letter) {
            return 0;
        }
    }
    return name.len > 0;
}

static const char *read_label(struct reader *reader, struct firealarm_text *name)
{
    struct firealarm_text label;
    int is_quoted = *reader->at == '"';
    const char *from = reader->at;
    if (is_quoted) {
        label = read_quoted(reader);
    } else {
        while (reader->at < reader->end && !is_blank(*reader->at) &&
               strchr("=,}\"", *reader->at) == NULL) {
            reader->at++;
        }
        label = text_between(from, reader->at);
    }
    if (is_quoted && peek(reader) != '=') {
        int second = name->len > 0 || reader->count > 0;
        *name = label;
        return second ? "a series has two names" : NULL;
    }
    if (peek(reader) != '=') {
        return "a label has no value";
    }
    reader->at++;
    if (peek(reader) != '"') {
        return "a label's value is not in quotes";
    }
    if ((!is_quoted && !is_plain_name(label, 0)) || prom_is(label, "__name__")) {
        return "a label's name is none";
    }
    if (reader->count == PROM_LABELS_MAX) {
        return "a series has too many labels";
    }
    reader->labels[reader->count].name = label;
    reader->labels[reader->count++].value = read_quoted(reader);
    return NULL;
}

static const char *read_labels(struct reader *reader, struct firealarm_text *name)
{
    const char *why = NULL;
    while (why == NULL && peek(reader) != '}') {
        why = read_label(reader, name);
        char next = peek(reader);
        if (why == NULL && next != ',' && next != '}') {
            why = "labels are not parted by commas";
        }
        reader->at += next == ',';
    }
    return why;
}

static const char *read_series(struct reader *reader, struct firealarm_text *name)
{
    const char *from = reader->at;
    reader->at = find_end(from, reader->end, ENDS_NAME);
    *name = text_between(from, reader->at);
    if (name->len > 0 && !is_plain_name(*name, 1)) {
        return "a name needs quotes";
    }
    if (peek(reader) == '{') {
        reader->at++;
        const char *why = read_labels(reader, name);
        if (why != NULL) {
            return why;
        }
    }
    if (name->len == 0 || !prom_is_utf8(*name)) {
        return name->len == 0 ? "a name is missing" : "a name is not UTF-8";
    }
    return prom_check_labels(reader->labels, &reader->count);
}

static uint64_t define(struct prom_conn *conn, const struct prom_item *item)
{
    struct reader reader; /* without zeros for all the labels it has room for */
    struct firealarm_text name;
    reader.at = item->raw.ptr;
    reader.end = item->raw.ptr + item->raw.len;
    reader.count = 0;
    if (conn->arena_cap < item->raw.len) {
        char *arena = realloc(conn->arena, item->raw.len);
        if (arena == NULL) {
            prom_refuse(conn, 503, "no memory");
            return FIREALARM_IGNORED;
        }
        conn->arena = arena;
        conn->arena_cap = item->raw.len;
    }
    reader.arena = conn->arena;
    const char *why = read_series(&reader, &name);
    if (why != NULL) {
        prom_reject(conn, why, item->raw);
        return FIREALARM_IGNORED;
    }
    return conn->sink->define(conn->sink->ctx, item->kind, item->raw, name, reader.labels,
                              reader.count);
}

/* ---- lines ---- */

static void read_line(struct prom_conn *conn, const char *from, const char *end)
{
    const char *at = skip_blanks(from, end), *why;
    end -= end > at && end[-1] == '\r';
    if (at == end) {
        return;
    }
    if (conn->saw_eof) {
        why = "something follows # EOF";
    } else {
        why = *at == '#' ? read_comment(conn, at + 1, end) : read_sample(conn, at, end);
    }
    if (why != NULL) {
        prom_reject(conn, why, text_between(from, end));
    }
}

/* Keeps the beginning of a line until the rest comes. */
static void keep(struct prom_conn *conn, const char *at, const char *end)
{
    size_t more = (size_t)(end - at), need = conn->line_len + more;
    if (conn->skipping || more == 0) {
        return;
    }
    if (need > PROM_LINE_MAX) {
        prom_reject(conn, "a line is too long", FIREALARM_TEXT(""));
        conn->skipping = 1;
        conn->line_len = 0;
        return;
    }
    if (need > conn->line_cap) {
        size_t cap = need < PROM_LINE_MAX / 2 ? need * 2 : PROM_LINE_MAX;
        char *line = realloc(conn->line, cap);
        if (line == NULL) {
            prom_refuse(conn, 503, "no memory");
            return;
        }
        conn->line = line;
        conn->line_cap = cap;
    }
    memcpy(conn->line + conn->line_len, at, more);
    conn->line_len += more;
}

/* The line that was kept is whole. */
static void finish_line(struct prom_conn *conn)
{
    if (conn->line_len > 0) {
        read_line(conn, conn->line, conn->line + conn->line_len);
        prom_flush(conn); /* its bytes are written over */
    }
    conn->line_len = 0;
    conn->skipping = 0;
}

void prom_text(struct prom_conn *conn, const char *at, const char *end)
{
    while (conn->status == 0) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        if (stop == NULL) {
            break;
        }
        if (conn->line_len > 0 || conn->skipping) {
            keep(conn, at, stop);
            finish_line(conn);
        } else if (stop - at > PROM_LINE_MAX) {
            prom_reject(conn, "a line is too long", FIREALARM_TEXT(""));
        } else {
            read_line(conn, at, stop);
        }
        at = stop + 1;
    }
    prom_flush(conn);
    keep(conn, at, end);
}

void prom_text_end(struct prom_conn *conn)
{
    finish_line(conn);
    if (conn->is_open_metrics && !conn->saw_eof && conn->status == 0) {
        prom_reject(conn, "no # EOF ends it: it may be cut", FIREALARM_TEXT(""));
    }
}

void prom_text_init(struct prom_conn *conn)
{
    conn->define = define;
    conn->deliver = deliver;
}
