/* SPDX-License-Identifier: MIT */
/* Series by their label sets, samples by their time. Texts and sets lie in one arena; samples are
 * put in order once, before the first question. */
#include "lab/history.h"

#include "base/panic.h"
#include "rules/promql_lex.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_LABELS_MAX 256

struct series {
    const struct fa_labels *labels;
    struct fa_point *points; /* owned */
    size_t count, cap;
};

struct fa_history {
    struct fa_scratch arena;
    struct series *series; /* owned; in order of labels once sealed */
    size_t count, cap, samples;
    uint32_t *slots; /* owned; number + 1, by hash */
    size_t slot_count;
    bool sealed;
    struct fa_query_source source;
};

struct fa_history *fa_history_new(void)
{
    struct fa_history *history = fa_xcalloc(1, sizeof *history);
    fa_scratch_init(&history->arena, FA_HISTORY_BYTES_MAX);
    return history;
}

void fa_history_free(struct fa_history *history)
{
    if (history == NULL) {
        return;
    }
    for (size_t i = 0; i < history->count; i++) {
        free(history->series[i].points);
    }
    free(history->series);
    free(history->slots);
    fa_scratch_done(&history->arena);
    free(history);
}

size_t fa_history_series(const struct fa_history *history)
{
    return history->count;
}

size_t fa_history_samples(const struct fa_history *history)
{
    return history->samples;
}

/* ---- series by labels ---- */

static void widen(struct fa_history *history)
{
    if (history->count * 2 < history->slot_count) {
        return;
    }
    free(history->slots);
    history->slot_count = history->slot_count == 0 ? 64 : history->slot_count * 2;
    history->slots = fa_xcalloc(history->slot_count, sizeof *history->slots);
    for (size_t i = 0; i < history->count; i++) {
        size_t slot = fa_labels_hash(history->series[i].labels) & (history->slot_count - 1);
        while (history->slots[slot] != 0) {
            slot = (slot + 1) & (history->slot_count - 1);
        }
        history->slots[slot] = (uint32_t)i + 1;
    }
}

static struct series *series_of(struct fa_history *history, const struct fa_labels *labels)
{
    widen(history);
    size_t slot = fa_labels_hash(labels) & (history->slot_count - 1);
    while (history->slots[slot] != 0) {
        struct series *series = &history->series[history->slots[slot] - 1];
        if (fa_labels_cmp(series->labels, labels) == 0) {
            return series;
        }
        slot = (slot + 1) & (history->slot_count - 1);
    }
    history->series =
        fa_xgrow(history->series, history->count, &history->cap, sizeof *history->series);
    history->series[history->count] = (struct series){.labels = labels};
    history->slots[slot] = (uint32_t)++history->count;
    return &history->series[history->count - 1];
}

/* ---- one line ---- */

struct line {
    struct fa_history *history;
    struct fa_lexer lexer;
    struct fa_token token;
    struct fa_label labels[LINE_LABELS_MAX];
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
    if (line->count == LINE_LABELS_MAX) {
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
    int ret = fa_lex_unquote(line->token.text, line->lexer.text, &line->history->arena, ret_text,
                             line->err);
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
        ret =
            add_label(line, is_quoted ? name : fa_scratch_str(&line->history->arena, name), value);
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
                     fa_scratch_str(&line->history->arena, line->token.text));
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

static void add_point(struct fa_history *history, struct line *line, struct fa_point point)
{
    struct fa_labels *labels =
        fa_scratch_take(&history->arena, sizeof *labels + line->count * sizeof labels->items[0]);
    labels->count = line->count;
    memcpy(labels->items, line->labels, line->count * sizeof labels->items[0]);
    struct series *series = series_of(history, labels);
    series->points = fa_xgrow(series->points, series->count, &series->cap, sizeof *series->points);
    series->points[series->count++] = point;
    history->samples++;
}

static int read_line(struct fa_history *history, struct fa_str text, struct fa_err *err)
{
    struct line line = {.history = history, .lexer = {text, 0}, .err = err};
    struct fa_point point;
    int ret = series_name(&line);
    if (ret == 0 && line.count == 0 && !at_sign(&line, "{")) {
        return refuse(&line, "the name of a metric");
    }
    if (ret == 0) {
        while (line.lexer.at < text.len && text.ptr[line.lexer.at] == ' ') {
            line.lexer.at++;
        }
        if (line.count > 0 && line.lexer.at < text.len && text.ptr[line.lexer.at] == '{') {
            ret = next(&line);
        }
    }
    if (ret == 0 && at_sign(&line, "{")) {
        ret = braces(&line);
    }
    if (ret == 0 && line.count == 0) {
        return refuse(&line, "the name of a metric before this");
    }
    if (ret == 0) {
        ret = value_and_time(&line, &point);
    }
    if (ret == 0) {
        add_point(history, &line, point);
    }
    return ret;
}

int fa_history_read(struct fa_history *history, struct fa_str text, const char *name,
                    struct fa_err *err)
{
    uint32_t number = 0;
    fa_assert(!history->sealed);
    while (text.len > 0) {
        struct fa_str line = fa_str_cut(text, '\n', &text);
        struct fa_str bare = fa_str_trim(line);
        number++;
        if (bare.len == 0 || bare.ptr[0] == '#' || bare.ptr[0] == '\r') {
            continue;
        }
        *err = (struct fa_err){0};
        int ret = read_line(history, line, err);
        if (ret == 0 && history->arena.over) {
            ret = fa_err_set(err, FA_ETOOBIG, "more than can be held in memory");
        }
        if (ret != 0) {
            err->line = number;
            snprintf(err->file, sizeof err->file, "%s", name);
            return ret;
        }
    }
    return 0;
}

/* ---- questions ---- */

static int by_labels(const void *a, const void *b)
{
    return fa_labels_cmp(((const struct series *)a)->labels, ((const struct series *)b)->labels);
}

/* By merging, so that the later of two lines stays behind the other. */
static void sort_points(struct fa_point *points, size_t count, struct fa_point *scratch)
{
    size_t half = count / 2, i = 0, j = half, k = 0;
    if (count < 2) {
        return;
    }
    sort_points(points, half, scratch);
    sort_points(points + half, count - half, scratch);
    if (points[half - 1].at <= points[half].at) {
        return;
    }
    memcpy(scratch, points, count * sizeof *points);
    while (k < count) {
        bool right = i == half || (j < count && scratch[j].at < scratch[i].at);
        points[k++] = right ? scratch[j++] : scratch[i++];
    }
}

static void order(struct series *series)
{
    size_t kept = 0;
    struct fa_point *scratch = fa_xmalloc(series->count * sizeof *scratch);
    sort_points(series->points, series->count, scratch);
    free(scratch);
    for (size_t i = 0; i < series->count; i++) {
        if (kept > 0 && series->points[kept - 1].at == series->points[i].at) {
            kept--;
        }
        series->points[kept++] = series->points[i];
    }
    series->count = kept;
}

static int select_series(void *ctx, const struct fa_promql_matcher *matchers, size_t count,
                         fa_query_found_fn *found, void *found_ctx)
{
    struct fa_history *history = ctx;
    for (size_t i = 0; i < history->count; i++) {
        size_t match = 0;
        while (match < count && fa_promql_matches(&matchers[match], history->series[i].labels)) {
            match++;
        }
        int ret =
            match == count ? found(found_ctx, history->series[i].labels, &history->series[i]) : 0;
        if (ret != 0) {
            return ret;
        }
    }
    return 0;
}

/* How many points are at `at` or before. */
static size_t until(const struct series *series, fa_time at)
{
    size_t low = 0, high = series->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (series->points[middle].at <= at) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static size_t read_points(void *ctx, void *handle, fa_time from, fa_time to,
                          const struct fa_point **ret_points)
{
    const struct series *series = handle;
    size_t first = until(series, from), end = until(series, to);
    *ret_points = series->points + first;
    return end > first ? end - first : 0;
}

const struct fa_query_source *fa_history_source(struct fa_history *history)
{
    if (!history->sealed) {
        history->sealed = true;
        for (size_t i = 0; i < history->count; i++) {
            order(&history->series[i]);
        }
        if (history->count > 0) {
            qsort(history->series, history->count, sizeof *history->series, by_labels);
        }
        free(history->slots);
        history->slots = NULL;
        history->source = (struct fa_query_source){history, select_series, read_points};
    }
    return &history->source;
}
