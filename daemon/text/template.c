/* SPDX-License-Identifier: MIT */
/* The template language of template.h.
 *
 *   template = *( text | "{{" | "}}" | "{" field *( "|" filter [ ":" argument ] ) "}" )
 *   field    = letter or "_", then letters, digits, "_", ".", "-"
 *   argument = anything but "|", "}" and a newline
 *
 * Invariants: a template that compiled always renders; a value never becomes template text (one
 * pass, nothing is expanded twice); filters never fail, they pass on what they cannot read. There
 * are no loops and no conditions: a message is written by people for people. */
#include "text/template.h"
#include "base/panic.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FILTERS_MAX 8u
#define PARTS_MAX   ((size_t)4096)

/* Reads in, writes its outcome to out (emptied before) and says true; false: pass `in` on. */
typedef bool filter_fn(const struct fa_template_input *input, struct fa_str in, struct fa_buf *out);

struct applied {
    const struct filter *filter;
    struct fa_str argument; /* points into the source */
};

struct part {
    struct fa_str text; /* literal text, or the field's name */
    bool is_field;
    uint32_t col;
    uint32_t filter_count;
    struct applied filters[FILTERS_MAX];
};

struct fa_template {
    char *source;
    struct part *parts; /* owned array */
    size_t count, cap;
};

static bool read_number(struct fa_str in, double *ret_value)
{
    return fa_parse_double(fa_str_trim(in), ret_value) == 0;
}

static bool filter_duration(const struct fa_template_input *input, struct fa_str in,
                            struct fa_buf *out)
{
    double seconds;
    char buf[40];
    if (!read_number(in, &seconds) || fabs(seconds) > 1e12) {
        return false;
    }
    fa_buf_puts(out, fa_reader_duration(input->language, (fa_time)llround(seconds * 1000), buf));
    return true;
}

static bool filter_time(const struct fa_template_input *input, struct fa_str in, struct fa_buf *out)
{
    double ms;
    char buf[FA_READER_TIME_SIZE];
    struct fa_reader_zone zone = {0, "UTC"};
    if (!read_number(in, &ms) || fabs(ms) > 1e16) {
        return false;
    }
    if (input->zone_at != NULL) {
        input->zone_at(input->zone, (fa_time)ms, &zone);
    }
    fa_buf_puts(out, fa_reader_time(input->language, (fa_time)ms, input->now, &zone, buf));
    return true;
}

static bool filter_number(const struct fa_template_input *input, struct fa_str in,
                          struct fa_buf *out)
{
    double value;
    char buf[40];
    if (!read_number(in, &value)) {
        return false;
    }
    fa_buf_puts(out, fa_reader_number(input->language, value, buf));
    return true;
}

static bool filter_percent(const struct fa_template_input *input, struct fa_str in,
                           struct fa_buf *out)
{
    double value;
    char buf[40];
    if (!read_number(in, &value)) {
        return false;
    }
    fa_buf_puts(out, fa_reader_percent(input->language, value, buf));
    return true;
}

static void put_cased(struct fa_str in, struct fa_buf *out, char from, char to)
{
    for (size_t i = 0; i < in.len; i++) {
        char c = in.ptr[i];
        fa_buf_putc(out, c >= from && c <= from + 25 ? (char)(c - from + to) : c);
    }
}

static bool filter_upper(const struct fa_template_input *input, struct fa_str in,
                         struct fa_buf *out)
{
    put_cased(in, out, 'a', 'A');
    return true;
}

static bool filter_lower(const struct fa_template_input *input, struct fa_str in,
                         struct fa_buf *out)
{
    put_cased(in, out, 'A', 'a');
    return true;
}

/* `default` has no function: it acts on a value that is not there. */
static const struct filter {
    const char *name;
    filter_fn *apply;
} FILTERS[] = {
    {"duration", filter_duration},
    {"time", filter_time},
    {"number", filter_number},
    {"percent", filter_percent},
    {"upper", filter_upper},
    {"lower", filter_lower},
    {"default", NULL},
};
#define FILTER_COUNT (sizeof FILTERS / sizeof FILTERS[0])

static const struct filter *find_filter(struct fa_str name, uint32_t col, struct fa_err *err)
{
    const char *names[FILTER_COUNT];
    char word[32];
    for (size_t i = 0; i < FILTER_COUNT; i++) {
        if (fa_str_is(name, FILTERS[i].name)) {
            return &FILTERS[i];
        }
        names[i] = FILTERS[i].name;
    }
    size_t len = fa_utf8_cut(name, sizeof word - 1);
    memcpy(word, name.ptr, len);
    word[len] = '\0';
    const char *near = fa_suggest(word, names, FILTER_COUNT);
    (void)fa_err_at(err, FA_EPARSE, NULL, 0, col, "unknown filter \"%s\"%s%s%s", word,
                    near != NULL ? "; did you mean \""
                                 : "; there are duration, time, number, "
                                   "percent, upper, lower and default:TEXT",
                    near != NULL ? near : "", near != NULL ? "\"?" : "");
    return NULL;
}

static bool is_field_name(struct fa_str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && (i == 0 || !((c >= '0' && c <= '9') || c == '.' || c == '-'))) {
            return false;
        }
    }
    return name.len > 0;
}

static uint32_t col_of(const struct fa_template *tpl, const char *at)
{
    return (uint32_t)(at - tpl->source) + 1;
}

static int add_filter(const struct fa_template *tpl, struct part *part, struct fa_str text,
                      struct fa_err *err)
{
    struct fa_str argument, name = fa_str_cut(text, ':', &argument);
    name = fa_str_trim(name);
    uint32_t col = col_of(tpl, text.ptr);
    const struct filter *filter = find_filter(name, col, err);
    if (filter == NULL) {
        return FA_EPARSE;
    }
    bool wants = filter->apply == NULL;
    if (wants != (argument.ptr != NULL)) {
        return fa_err_at(err, FA_EPARSE, NULL, 0, col,
                         wants ? "filter \"%s\" needs a text: %s:TEXT"
                               : "filter \"%s\" takes nothing after it: write only %s",
                         filter->name, filter->name);
    }
    if (part->filter_count == FILTERS_MAX) {
        return fa_err_at(err, FA_EPARSE, NULL, 0, col, "more than %u filters on one field",
                         FILTERS_MAX);
    }
    part->filters[part->filter_count++] = (struct applied){filter, argument};
    return 0;
}

static int add_part(struct fa_template *tpl, struct part part, struct fa_err *err)
{
    if (tpl->count == PARTS_MAX) {
        return fa_err_at(err, FA_ETOOBIG, NULL, 0, part.col, "more than %zu fields and texts",
                         PARTS_MAX);
    }
    tpl->parts = fa_xgrow(tpl->parts, tpl->count, &tpl->cap, sizeof tpl->parts[0]);
    tpl->parts[tpl->count++] = part;
    return 0;
}

/* What stands between the braces. */
static int add_field(struct fa_template *tpl, struct fa_str inside, struct fa_err *err)
{
    struct fa_str rest, name = fa_str_cut(inside, '|', &rest);
    struct part part = {.is_field = true, .col = col_of(tpl, inside.ptr)};
    part.text = fa_str_trim(name);
    if (!is_field_name(part.text)) {
        return fa_err_at(err, FA_EPARSE, NULL, 0, part.col,
                         part.text.len == 0
                             ? "a field's name is missing between { and }; write {{ for a brace"
                             : "\"%.*s\" is not a field's name; write {{ for a brace",
                         (int)fa_utf8_cut(part.text, 40), part.text.ptr);
    }
    while (rest.ptr != NULL) {
        struct fa_str one = fa_str_cut(rest, '|', &rest);
        int rc = add_filter(tpl, &part, one, err);
        if (rc < 0) {
            return rc;
        }
    }
    return add_part(tpl, part, err);
}

/* One piece of the source at *at, which moves on. */
static int parse_piece(struct fa_template *tpl, const char **at, const char *end,
                       struct fa_err *err)
{
    const char *p = *at;
    struct part literal = {.col = col_of(tpl, p)};
    if (*p != '{' && *p != '}') {
        const char *q = p;
        while (q < end && *q != '{' && *q != '}') {
            q++;
        }
        literal.text = (struct fa_str){p, (size_t)(q - p)};
        *at = q;
        return add_part(tpl, literal, err);
    }
    if (p + 1 < end && p[1] == *p) {
        literal.text = (struct fa_str){p, 1};
        *at = p + 2;
        return add_part(tpl, literal, err);
    }
    if (*p == '}') {
        return fa_err_at(err, FA_EPARSE, NULL, 0, literal.col,
                         "a } without its {; write }} for a brace");
    }
    const char *close = p + 1;
    while (close < end && *close != '}' && *close != '{' && *close != '\n') {
        close++;
    }
    if (close == end || *close != '}') {
        return fa_err_at(err, FA_EPARSE, NULL, 0, literal.col,
                         "this { is not closed by a }; write {{ for a brace");
    }
    *at = close + 1;
    return add_field(tpl, (struct fa_str){p + 1, (size_t)(close - p - 1)}, err);
}

int fa_template_compile(struct fa_str source, struct fa_template **ret_template, struct fa_err *err)
{
    if (source.len > FA_TEMPLATE_SOURCE_MAX) {
        return fa_err_set(err, FA_ETOOBIG, "a template of %zu bytes; at most %zu are taken",
                          source.len, FA_TEMPLATE_SOURCE_MAX);
    }
    if (source.len > 0 && (memchr(source.ptr, '\0', source.len) || !fa_utf8_valid(source))) {
        return fa_err_set(err, FA_EPARSE, "a template must be UTF-8 text");
    }
    struct fa_template *tpl = fa_xcalloc(1, sizeof *tpl);
    tpl->source = fa_xstrndup(source.len > 0 ? source.ptr : "", source.len);
    const char *at = tpl->source, *end = tpl->source + source.len;
    int rc = 0;
    while (rc == 0 && at < end) {
        rc = parse_piece(tpl, &at, end, err);
    }
    if (rc < 0) {
        fa_template_free(tpl);
        return rc;
    }
    *ret_template = tpl;
    return 0;
}

void fa_template_free(struct fa_template *tpl)
{
    if (tpl != NULL) {
        free(tpl->parts);
        free(tpl->source);
        free(tpl);
    }
}

int fa_template_check(const struct fa_template *tpl, const char *const *known, size_t count,
                      struct fa_err *err)
{
    for (size_t i = 0; i < tpl->count; i++) {
        const struct part *part = &tpl->parts[i];
        bool found = !part->is_field;
        for (size_t j = 0; j < count && !found; j++) {
            found = known[j] != NULL && fa_str_is(part->text, known[j]);
        }
        if (!found) {
            char word[64];
            size_t len = fa_utf8_cut(part->text, sizeof word - 1);
            memcpy(word, part->text.ptr, len);
            word[len] = '\0';
            const char *near = fa_suggest(word, known, count);
            return fa_err_at(err, FA_ENOTFOUND, NULL, 0, part->col, "unknown field \"%s\"%s%s%s",
                             word, near != NULL ? "; did you mean \"" : "",
                             near != NULL ? near : "", near != NULL ? "\"?" : "");
        }
    }
    return 0;
}

static struct fa_str find_value(const struct fa_template_input *input, struct fa_str name)
{
    struct fa_str value = {"", 0};
    for (size_t i = 0; i < input->field_count; i++) {
        if (fa_str_is(name, input->fields[i].name)) {
            return input->fields[i].value;
        }
    }
    return input->find != NULL && input->find(input->ctx, name, &value) ? value
                                                                        : (struct fa_str){"", 0};
}

/* The value of a field after its filters; borrowed from the input, the template or scratch. */
static struct fa_str evaluate(const struct part *part, const struct fa_template_input *input,
                              struct fa_buf scratch[2])
{
    struct fa_str value = find_value(input, part->text);
    size_t used = 0;
    for (uint32_t i = 0; i < part->filter_count; i++) {
        const struct applied *applied = &part->filters[i];
        struct fa_buf *out = &scratch[used % 2]; /* value may point into the other one */
        if (applied->filter->apply == NULL) {
            value = value.len == 0 ? applied->argument : value;
            continue;
        }
        if (value.len == 0) {
            continue;
        }
        fa_buf_clear(out);
        if (applied->filter->apply(input, value, out) && !out->over) {
            value = fa_buf_str(out);
            used++;
        }
    }
    return value.len > 0 ? value : FA_STR("?");
}

/* The template's own text is mark-up where mark-up is wanted. */
static enum fa_escape literal_escape(enum fa_escape escape)
{
    return escape == FA_ESCAPE_HTML ? FA_ESCAPE_PLAIN : escape;
}

int fa_template_render(const struct fa_template *tpl, const struct fa_template_input *input,
                       struct fa_buf *out)
{
    struct fa_buf scratch[2];
    int rc = 0;
    fa_buf_init(&scratch[0], FA_TEMPLATE_SOURCE_MAX);
    fa_buf_init(&scratch[1], FA_TEMPLATE_SOURCE_MAX);
    for (size_t i = 0; i < tpl->count && rc == 0; i++) {
        const struct part *part = &tpl->parts[i];
        rc = part->is_field ? fa_escape_put(out, input->escape, evaluate(part, input, scratch))
                            : fa_escape_put(out, literal_escape(input->escape), part->text);
    }
    fa_buf_done(&scratch[0]);
    fa_buf_done(&scratch[1]);
    return rc;
}
