/* SPDX-License-Identifier: MIT */
/* Reads Prometheus text. A line is read by PromQL's own lexer; the bytes in front of its value are
 * remembered, and a later line that begins with the same bytes is of the same series without being
 * read again: a year of samples is mostly such lines. */
#include "lab/history.h"

#include "base/panic.h"
#include "metrics/index.h"
#include "rules/promql_lex.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a line says. */
struct found {
    struct fa_str key; /* the bytes that name the series */
    size_t series;
    struct fa_point point;
};

/* ---- one line by the grammar ---- */

struct line {
    struct fa_history *history;
    struct fa_lexer lexer;
    struct fa_token token;
    struct fa_label labels[FA_HISTORY_LABELS_MAX];
    size_t count;
    struct fa_err *err;
};

static int refuse(const struct line *line, const char *wanted)
{
    uint32_t column = (uint32_t)(line->token.text.ptr - line->lexer.text.ptr) + 1;
    return fa_err_at(line->err, FA_EPARSE, NULL, 0, column, "%s should stand here", wanted);
}

static int next(struct line *line)
{
    return fa_lex_next(&line->lexer, FA_LEX_BRACES, &line->token, line->err);
}

static bool at_sign(const struct line *line, const char *sign)
{
    return line->token.kind == FA_TOKEN_SIGN && fa_str_is(line->token.text, sign);
}

/* Sorted as they come; an empty value is no label. */
static int add_label(struct line *line, struct fa_str name, struct fa_str value)
{
    size_t at = line->count;
    if (line->count == FA_HISTORY_LABELS_MAX) {
        return refuse(line, "the end of the labels, since 256 are the most,");
    }
    while (at > 0 && fa_str_cmp(line->labels[at - 1].name, name) > 0) {
        at--;
    }
    if (at > 0 && fa_str_eq(line->labels[at - 1].name, name)) {
        return refuse(line, "a label that was not named before");
    }
    if (value.len > 0) {
        memmove(&line->labels[at + 1], &line->labels[at],
                (line->count - at) * sizeof line->labels[0]);
        line->labels[at] = (struct fa_label){name, value};
        line->count++;
    }
    return 0;
}

static int quoted(struct line *line, struct fa_str *ret_text)
{
    int ret = fa_lex_unquote(line->token.text, line->lexer.text, fa_history_arena(line->history),
                             ret_text, line->err);
    if (ret == 0 && !fa_utf8_valid(*ret_text)) {
        ret = refuse(line, "a text in UTF-8");
    }
    return ret;
}

/* One of `name="value"`, `"name"="value"` and the quoted name of the metric. */
static int label(struct line *line)
{
    struct fa_str name = line->token.text, value;
    bool is_quoted = line->token.kind == FA_TOKEN_STRING;
    int ret = is_quoted ? quoted(line, &name) : 0;
    if (!is_quoted && line->token.kind != FA_TOKEN_WORD) {
        return refuse(line, "the name of a label");
    }
    if (ret == 0) {
        ret = next(line);
    }
    if (ret == 0 && is_quoted && !at_sign(line, "=")) {
        return add_label(line, FA_STR("__name__"), name);
    }
    if (ret == 0 && !at_sign(line, "=")) {
        return refuse(line, "\"=\"");
    }
    if (ret == 0) {
        ret = next(line);
    }
    if (ret == 0 && line->token.kind != FA_TOKEN_STRING) {
        return refuse(line, "a value in quotes");
    }
    if (ret == 0) {
        ret = quoted(line, &value);
    }
    if (ret == 0) {
        ret = add_label(
            line, is_quoted ? name : fa_scratch_str(fa_history_arena(line->history), name), value);
    }
    return ret != 0 ? ret : next(line);
}

static int braces(struct line *line)
{
    int ret = next(line);
    while (ret == 0 && !at_sign(line, "}")) {
        ret = label(line);
        if (ret == 0 && at_sign(line, ",")) {
            ret = next(line);
        } else if (ret == 0 && !at_sign(line, "}")) {
            ret = refuse(line, "\",\" or \"}\"");
        }
    }
    return ret; /* what follows is no token of PromQL's */
}

static int series_name(struct line *line)
{
    int ret = fa_lex_next(&line->lexer, FA_LEX_EXPRESSION, &line->token, line->err);
    if (ret != 0 || line->token.kind != FA_TOKEN_WORD) {
        return ret;
    }
    return add_label(line, FA_STR("__name__"),
                     fa_scratch_str(fa_history_arena(line->history), line->token.text));
}

static int parse_value(struct fa_str text, double *ret_value)
{
    if (fa_str_is(text, "stale")) {
        *ret_value = fa_stale_marker();
        return 0;
    }
    return fa_number_parse(text, ret_value);
}

static struct fa_str word_at(struct line *line)
{
    struct fa_str text = line->lexer.text;
    size_t from = line->lexer.at;
    while (from < text.len && (text.ptr[from] == ' ' || text.ptr[from] == '\t')) {
        from++;
    }
    size_t to = from;
    while (to < text.len && text.ptr[to] != ' ' && text.ptr[to] != '\t' && text.ptr[to] != '\r') {
        to++;
    }
    line->lexer.at = to;
    line->token.text = (struct fa_str){text.ptr + from, to - from};
    return line->token.text;
}

static int value_and_time(struct line *line, struct fa_point *ret_point)
{
    int64_t at;
    if (parse_value(word_at(line), &ret_point->value) != 0) {
        return refuse(line, "a value, a number such as 1.5e3, NaN or +Inf,");
    }
    if (fa_parse_i64(word_at(line), &at) != 0 || at > FA_DURATION_MAX || at < -FA_DURATION_MAX) {
        return refuse(line, "the time in milliseconds since 1970");
    }
    ret_point->at = at;
    return word_at(line).len == 0 ? 0 : refuse(line, "the end of the line");
}

static int read_series(struct line *line)
{
    struct fa_str text = line->lexer.text;
    int ret = series_name(line);
    if (ret == 0 && line->count == 0 && !at_sign(line, "{")) {
        return refuse(line, "the name of a metric");
    }
    if (ret == 0) {
        while (line->lexer.at < text.len && text.ptr[line->lexer.at] == ' ') {
            line->lexer.at++;
        }
        if (line->count > 0 && line->lexer.at < text.len && text.ptr[line->lexer.at] == '{') {
            ret = next(line);
        }
    }
    if (ret == 0 && at_sign(line, "{")) {
        ret = braces(line);
    }
    return ret == 0 && line->count == 0 ? refuse(line, "the name of a metric before this") : ret;
}

static int read_line(struct fa_history *history, struct fa_str text, struct found *ret_found,
                     struct fa_err *err)
{
    struct line line = {.history = history, .lexer = {text, 0}, .err = err};
    struct fa_point point;
    int ret = read_series(&line);
    size_t key_len = line.lexer.at;
    if (ret == 0) {
        ret = value_and_time(&line, &point);
    }
    if (ret == 0) {
        *ret_found = (struct found){.key = {text.ptr, key_len},
                                    .series = fa_history_add(history, line.labels, line.count),
                                    .point = point};
    }
    return ret;
}

int fa_history_name(struct fa_history *history, struct fa_str text, size_t *ret_series,
                    struct fa_err *err)
{
    struct line line = {.history = history, .lexer = {text, 0}, .err = err};
    int ret = read_series(&line);
    if (ret == 0 && word_at(&line).len > 0) {
        ret = refuse(&line, "the end");
    }
    if (ret == 0) {
        *ret_series = fa_history_add(history, line.labels, line.count);
    }
    return ret;
}

/* ---- known lines ---- */

struct known {
    struct fa_history *history;
    struct fa_index index;
    struct key {
        struct fa_str text; /* in the arena */
        size_t series;
    } * keys; /* owned */
    size_t count, cap;
    size_t last; /* index + 1 of the key of the line before; 0: none */
};

/* Takes the last word off, and the blanks around it. */
static struct fa_str last_word(struct fa_str *text)
{
    size_t to = text->len;
    while (to > 0 &&
           (text->ptr[to - 1] == ' ' || text->ptr[to - 1] == '\t' || text->ptr[to - 1] == '\r')) {
        to--;
    }
    size_t from = to;
    while (from > 0 && text->ptr[from - 1] != ' ' && text->ptr[from - 1] != '\t') {
        from--;
    }
    text->len = from;
    return (struct fa_str){text->ptr + from, to - from};
}

static size_t find_key(struct known *known, struct fa_str text)
{
    if (known->last > 0 && fa_str_eq(known->keys[known->last - 1].text, text)) {
        return known->last;
    }
    size_t cursor;
    uint32_t hash = fa_index_hash(fa_hash(text, 0));
    uint32_t id = fa_index_first(&known->index, hash, &cursor);
    while (id != FA_INDEX_NONE && !fa_str_eq(known->keys[id].text, text)) {
        id = fa_index_next(&known->index, hash, &cursor);
    }
    return id == FA_INDEX_NONE ? 0 : (size_t)id + 1;
}

/* A key that the grammar has read, and behind it exactly two words. */
static bool read_known(struct known *known, struct fa_str line)
{
    struct fa_point point;
    struct fa_str time = last_word(&line), value = last_word(&line);
    size_t key = find_key(known, fa_str_trim(line));
    if (key == 0 || fa_parse_i64(time, &point.at) != 0 || point.at > FA_DURATION_MAX ||
        point.at < -FA_DURATION_MAX || parse_value(value, &point.value) != 0) {
        return false;
    }
    known->last = key;
    fa_history_append(known->history, known->keys[key - 1].series, point);
    return true;
}

static int read_new(struct known *known, struct fa_str line, struct fa_err *err)
{
    struct found found;
    int ret = read_line(known->history, line, &found, err);
    if (ret != 0) {
        return ret;
    }
    struct fa_str key = fa_str_trim(found.key);
    fa_history_append(known->history, found.series, found.point);
    if (find_key(known, key) == 0) {
        known->keys = fa_xgrow(known->keys, known->count, &known->cap, sizeof known->keys[0]);
        known->keys[known->count] =
            (struct key){fa_scratch_str(fa_history_arena(known->history), key), found.series};
        fa_index_add(&known->index, fa_index_hash(fa_hash(key, 0)), (uint32_t)known->count++);
    }
    return fa_history_arena(known->history)->over
               ? fa_err_set(err, FA_ETOOBIG, "more than can be held in memory")
               : 0;
}

int fa_history_read(struct fa_history *history, struct fa_str text, const char *name,
                    struct fa_err *err)
{
    struct known known = {.history = history};
    uint32_t number = 0;
    int ret = 0;
    while (ret == 0 && text.len > 0) {
        struct fa_str line = fa_str_cut(text, '\n', &text);
        number++;
        if (read_known(&known, line)) {
            continue;
        }
        struct fa_str bare = fa_str_trim(line);
        if (bare.len > 0 && bare.ptr[0] != '#' && bare.ptr[0] != '\r') {
            *err = (struct fa_err){0};
            ret = read_new(&known, line, err);
        }
    }
    if (ret != 0) {
        err->line = number;
        snprintf(err->file, sizeof err->file, "%s", name);
    }
    fa_index_done(&known.index);
    free(known.keys);
    return ret;
}
