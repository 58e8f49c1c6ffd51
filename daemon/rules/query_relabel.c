/* SPDX-License-Identifier: MIT */
/* Functions that change labels or go by them: label_replace(), label_join(), sort_by_label(). */
#include "rules/query_walk.h"

#include "rules/regex.h"

#include <string.h>

#define VALUE_MAX 65536 /* bytes of a label that is made */

static struct fa_str text_of(const struct fa_promql_node *node, size_t arg)
{
    return fa_promql_bare(node->u.call.args[arg])->u.text;
}

static bool is_label(struct fa_str name)
{
    return name.len > 0 && fa_utf8_valid(name);
}

static int replaced(struct fa_query *query, const struct fa_promql_node *node,
                    const struct fa_labels *labels, const struct fa_labels **ret_labels)
{
    struct fa_buf value;
    bool over;
    struct fa_str source = fa_labels_get(labels, text_of(node, 3));
    fa_buf_init(&value, VALUE_MAX);
    bool matches = fa_regex_expand(node->u.call.regex, source.len > 0 ? source : FA_STR(""),
                                   text_of(node, 2), &value, &over);
    *ret_labels = labels;
    if (matches) {
        *ret_labels = fa_labels_with(query, labels, text_of(node, 1),
                                     fa_scratch_str(&query->arena, fa_buf_str(&value)));
    }
    fa_buf_done(&value);
    return over ? fa_walk_error(query, node, "the regular expression takes too long") : 0;
}

static const struct fa_labels *joined(struct fa_query *query, const struct fa_promql_node *node,
                                      const struct fa_labels *labels)
{
    struct fa_buf value;
    fa_buf_init(&value, VALUE_MAX);
    for (size_t i = 3; i < node->u.call.count; i++) {
        if (i > 3) {
            fa_buf_putstr(&value, text_of(node, 2));
        }
        fa_buf_putstr(&value, fa_labels_get(labels, text_of(node, i)));
    }
    labels = fa_labels_with(query, labels, text_of(node, 1),
                            fa_scratch_str(&query->arena, fa_buf_str(&value)));
    fa_buf_done(&value);
    return labels;
}

/* ---- natural order ---- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The next run of digits or of anything else. */
static struct fa_str chunk(struct fa_str *text)
{
    size_t len = 1;
    while (len < text->len && is_digit(text->ptr[len]) == is_digit(text->ptr[0])) {
        len++;
    }
    struct fa_str taken = {text->ptr, len};
    text->ptr += len;
    text->len -= len;
    return taken;
}

/* Numbers within texts by their value: web2 before web10. */
static int natural_cmp(struct fa_str a, struct fa_str b)
{
    while (a.len > 0 && b.len > 0) {
        struct fa_str left = chunk(&a), right = chunk(&b);
        int64_t x, y;
        int order = fa_str_cmp(left, right);
        if (fa_parse_i64(left, &x) == 0 && fa_parse_i64(right, &y) == 0) {
            order = x < y ? -1 : x > y;
        }
        if (order != 0) {
            return order;
        }
    }
    return a.len > 0 ? 1 : b.len > 0 ? -1 : 0;
}

static bool by_label(const struct fa_query_sample *a, const struct fa_query_sample *b,
                     const void *ctx)
{
    const struct fa_promql_node *node = ctx;
    bool falling = node->u.call.fn == FA_PROMQL_FN_SORT_BY_LABEL_DESC;
    int order = 0;
    for (size_t i = 1; i < node->u.call.count && order == 0; i++) {
        struct fa_str name = text_of(node, i);
        order = natural_cmp(fa_labels_get(a->labels, name), fa_labels_get(b->labels, name));
    }
    if (order == 0) {
        order = fa_labels_cmp(a->labels, b->labels);
    }
    return falling ? order > 0 : order < 0;
}

int fa_walk_relabel(struct fa_query *query, const struct fa_promql_node *node, fa_time at,
                    struct fa_query_value *ret_value)
{
    enum fa_promql_fn fn = node->u.call.fn;
    bool sorts = fn == FA_PROMQL_FN_SORT_BY_LABEL || fn == FA_PROMQL_FN_SORT_BY_LABEL_DESC;
    int ret = fa_walk(query, node->u.call.args[0], at, ret_value);
    if (ret != 0) {
        return ret;
    }
    if (sorts) {
        fa_samples_sort(query, ret_value->samples, ret_value->count, by_label, node);
        return 0;
    }
    for (size_t i = 1; i < node->u.call.count; i++) {
        bool names = i == 1 || (fn == FA_PROMQL_FN_LABEL_JOIN && i >= 3);
        if (names && !is_label(text_of(node, i))) {
            return fa_walk_error(query, node->u.call.args[i], "\"%.*s\" is no name of a label",
                                 FA_STR_ARG(text_of(node, i)));
        }
    }
    for (size_t i = 0; i < ret_value->count && ret == 0; i++) {
        const struct fa_labels **labels = &ret_value->samples[i].labels;
        if (fn == FA_PROMQL_FN_LABEL_JOIN) {
            *labels = joined(query, node, *labels);
        } else {
            ret = replaced(query, node, *labels, labels);
        }
    }
    return ret != 0 ? ret : fa_walk_distinct(query, node, ret_value);
}
