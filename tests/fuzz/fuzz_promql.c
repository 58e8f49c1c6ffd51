/* SPDX-License-Identifier: MIT */
/* links: fa_lab fa_rules fa_metrics fa_base */
/* An expression and, behind a NUL, samples: nothing crashes, hangs or grows without bound; what is
 * parsed is written as text that parses to the same text; the same evaluation gives the same; what
 * cannot fire by its text gives nothing. */
#include "lab/history.h"
#include "rules/sound.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must_be(bool cond, const char *what)
{
    if (!cond) {
        fprintf(stderr, "not true: %s\n", what);
        abort();
    }
}

static void there_and_back(const struct fa_promql *promql)
{
    struct fa_promql *again = NULL;
    struct fa_err err;
    struct fa_buf text, second;
    fa_buf_init(&text, 1 << 22);
    fa_buf_init(&second, 1 << 22);
    fa_promql_format(promql->root, &text);
    if (text.len <= FA_PROMQL_TEXT_MAX) {
        must_be(fa_promql_parse(fa_buf_str(&text), &again, &err) == 0, "what is written is read");
        fa_promql_format(again->root, &second);
        must_be(fa_str_eq(fa_buf_str(&text), fa_buf_str(&second)), "and is the same");
        fa_promql_free(again);
    }
    fa_buf_done(&text);
    fa_buf_done(&second);
}

struct sound {
    const struct fa_promql_node *root;
    bool never;
};

static void on_finding(void *ctx, const struct fa_sound_finding *finding)
{
    struct sound *sound = ctx;
    must_be(finding->node != NULL && finding->text[0] != '\0', "a finding has words");
    bool is_filter = finding->node->kind == FA_PROMQL_BINARY || /* a quantile still has a value */
                     finding->node->kind == FA_PROMQL_SELECTOR;
    sound->never = sound->never ||
                   (finding->is_error && is_filter && finding->node == fa_promql_bare(sound->root));
}

static void put(const struct fa_query_value *value, struct fa_buf *buf)
{
    char text[FA_NUMBER_TEXT_SIZE];
    fa_buf_printf(buf, "%d %zu %s", (int)value->type, value->count,
                  fa_number_format(value->number, true, text));
    for (size_t i = 0; i < value->count; i++) {
        bool range = value->type == FA_PROMQL_MATRIX;
        fa_labels_format(range ? value->series[i].labels : value->samples[i].labels, buf);
        fa_buf_puts(buf, fa_number_format(range ? value->series[i].points[0].value
                                                : value->samples[i].value,
                                          false, text));
    }
}

static void evaluate(const struct fa_promql *promql, struct fa_history *history, struct fa_buf *buf)
{
    struct fa_query_params params = fa_query_defaults(300000);
    struct fa_query *query = NULL;
    struct fa_query_value value;
    struct fa_err err;
    params.steps_max = 20000;
    params.bytes_max = (size_t)16 << 20;
    struct sound sound = {promql->root, false};
    fa_sound(promql, on_finding, &sound);
    int ret = fa_query_run(promql, fa_history_source(history), &params, &query, &value, &err);
    must_be(ret == 0 || ret == FA_EINVAL || ret == FA_ETOOBIG, "a known end");
    if (ret == 0) {
        must_be(!sound.never || value.count == 0, "what can never fire gives nothing");
        put(&value, buf);
    }
    fa_query_free(query);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *nul = size > 0 ? memchr(data, 0, size) : NULL;
    size_t len = nul != NULL ? (size_t)(nul - data) : size;
    struct fa_str samples = {nul != NULL ? (const char *)nul + 1 : "",
                             nul != NULL ? size - len - 1 : 0};
    struct fa_history *history = fa_history_new();
    struct fa_promql *promql = NULL;
    struct fa_err err;
    if (fa_history_read(history, samples, "samples", &err) != 0) {
        must_be(err.line > 0, "a line is named");
    }
    if (fa_promql_parse((struct fa_str){(const char *)data, len}, &promql, &err) == 0) {
        struct fa_buf first, second;
        there_and_back(promql);
        fa_buf_init(&first, 1 << 22);
        fa_buf_init(&second, 1 << 22);
        evaluate(promql, history, &first);
        evaluate(promql, history, &second);
        must_be(fa_str_eq(fa_buf_str(&first), fa_buf_str(&second)), "the same again");
        fa_buf_done(&first);
        fa_buf_done(&second);
        fa_promql_free(promql);
    } else {
        must_be(err.col > 0 && err.col <= len + 1, "a column is named");
    }
    fa_history_free(history);
    return 0;
}
