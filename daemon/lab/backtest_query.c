/* SPDX-License-Identifier: MIT */
/* What a backtest needs to know of rules' expressions: what they read, the threshold that they hold
 * something against, and the values of that something. A threshold is a number at one side of the
 * comparison that is the whole expression; any other expression has none. */
#include "lab/backtest.h"
#include "lab/backtest_parts.h"

#include "base/panic.h"
#include "rules/compile.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define VALUES_MAX 215u /* evaluations for a plot: each may read a long window */

/* ---- what rules read ---- */

struct selectors {
    void (*fn)(void *ctx, const char *selector);
    void *ctx;
    char **seen; /* owned */
    size_t count, cap;
};

static void put_matcher(const struct fa_promql_matcher *matcher, struct fa_buf *buf)
{
    static const char *const signs[] = {"=", "!=", "=~", "!~"};
    struct fa_buf name, value;
    fa_buf_init(&name, 65536);
    fa_buf_init(&value, 65536);
    fa_label_format(matcher->name, FA_STR(""), &name);
    fa_label_format(FA_STR("x"), matcher->value, &value);
    fa_buf_printf(buf, "%s%.*s%s%s", buf->len > 1 ? "," : "", (int)name.len - 3, fa_buf_text(&name),
                  signs[matcher->kind], fa_buf_text(&value) + 2);
    fa_buf_done(&name);
    fa_buf_done(&value);
}

static void tell_selector(struct selectors *selectors, const struct fa_promql_node *node)
{
    struct fa_buf buf;
    bool known = false;
    fa_buf_init(&buf, 65536);
    fa_buf_putc(&buf, '{');
    for (size_t i = 0; i < node->u.selector.matcher_count; i++) {
        put_matcher(&node->u.selector.matchers[i], &buf);
    }
    fa_buf_putc(&buf, '}');
    for (size_t i = 0; i < selectors->count; i++) {
        known = known || strcmp(selectors->seen[i], fa_buf_text(&buf)) == 0;
    }
    if (!known) {
        selectors->seen =
            fa_xgrow(selectors->seen, selectors->count, &selectors->cap, sizeof selectors->seen[0]);
        selectors->seen[selectors->count] = fa_buf_take(&buf);
        selectors->fn(selectors->ctx, selectors->seen[selectors->count++]);
    }
    fa_buf_done(&buf);
}

static void each_selector(struct selectors *selectors, const struct fa_promql_node *node)
{
    if (node == NULL) {
        return;
    }
    switch (node->kind) {
    case FA_PROMQL_SELECTOR:
        tell_selector(selectors, node);
        break;
    case FA_PROMQL_SUBQUERY:
    case FA_PROMQL_NEGATE:
    case FA_PROMQL_PAREN:
        each_selector(selectors, node->u.arg);
        break;
    case FA_PROMQL_CALL:
        for (size_t i = 0; i < node->u.call.count; i++) {
            each_selector(selectors, node->u.call.args[i]);
        }
        break;
    case FA_PROMQL_AGGREGATE:
        each_selector(selectors, node->u.aggregate.param);
        each_selector(selectors, node->u.aggregate.arg);
        break;
    case FA_PROMQL_BINARY:
        each_selector(selectors, node->u.binary.left);
        each_selector(selectors, node->u.binary.right);
        break;
    case FA_PROMQL_NUMBER:
    case FA_PROMQL_TEXT:
        break;
    }
}

static void selectors_of(struct selectors *selectors, const struct fa_rule *rule)
{
    if (rule->query.expr != NULL) {
        each_selector(selectors, rule->query.expr->root);
        each_selector(selectors, rule->query.clear != NULL ? rule->query.clear->root : NULL);
    } else if (rule->metric.metric != NULL) {
        struct fa_promql *promql = fa_compile(&rule->metric);
        each_selector(selectors, promql->root);
        fa_promql_free(promql);
    }
}

void fa_backtest_selectors(const struct fa_config *config,
                           void (*fn)(void *ctx, const char *selector), void *ctx)
{
    struct selectors selectors = {.fn = fn, .ctx = ctx};
    for (size_t i = 0; i < config->rule_count; i++) {
        selectors_of(&selectors, config->rules[i]);
    }
    while (selectors.count > 0) {
        free(selectors.seen[--selectors.count]);
    }
    free(selectors.seen);
}

/* ---- thresholds ---- */

struct comparison {
    const struct fa_promql_node *value, *number;
    bool is_above;
};

static bool find_comparison(const struct fa_promql *promql, struct comparison *ret)
{
    const struct fa_promql_node *root = fa_promql_bare(promql->root);
    if (root->kind != FA_PROMQL_BINARY || root->u.binary.returns_bool) {
        return false;
    }
    enum fa_promql_op op = root->u.binary.op;
    const struct fa_promql_node *left = fa_promql_bare(root->u.binary.left);
    const struct fa_promql_node *right = fa_promql_bare(root->u.binary.right);
    bool greater = op == FA_PROMQL_OP_GT || op == FA_PROMQL_OP_GE;
    if (!greater && op != FA_PROMQL_OP_LT && op != FA_PROMQL_OP_LE) {
        return false;
    }
    if (right->kind == FA_PROMQL_NUMBER && left->type == FA_PROMQL_VECTOR) {
        *ret = (struct comparison){left, right, greater};
        return true;
    }
    if (left->kind == FA_PROMQL_NUMBER && right->type == FA_PROMQL_VECTOR) {
        *ret = (struct comparison){right, left, !greater};
        return true;
    }
    return false;
}

bool fa_backtest_threshold(const struct fa_rule *rule, double *ret_threshold, bool *ret_is_above)
{
    const struct fa_metric_rule *metric = &rule->metric;
    struct comparison comparison;
    if (rule->query.expr != NULL) {
        if (!find_comparison(rule->query.expr, &comparison)) {
            return false;
        }
        *ret_threshold = comparison.number->u.number;
        *ret_is_above = comparison.is_above;
        return true;
    }
    if (metric->metric == NULL || metric->absent > 0 ||
        (!metric->has_above && !metric->has_below)) {
        return false;
    }
    *ret_is_above = metric->has_above;
    *ret_threshold = metric->has_above ? metric->above : metric->below;
    return true;
}

struct fa_promql *fa_backtest_replace(const struct fa_config *config,
                                      const struct fa_promql *promql, double threshold)
{
    struct comparison comparison;
    struct fa_promql *copy = NULL;
    struct fa_err ignored;
    char number[32];
    double before;
    if (!find_comparison(promql, &comparison)) {
        return NULL;
    }
    struct fa_str text = promql->text;
    uint32_t from = comparison.number->from, to = comparison.number->to;
    /* A number in a named expression has its place in that one's text. */
    if (from >= to || to > text.len ||
        fa_number_parse((struct fa_str){text.ptr + from, to - from}, &before) != 0 ||
        before != comparison.number->u.number) {
        return NULL;
    }
    struct fa_buf buf;
    fa_buf_init(&buf, text.len + sizeof number);
    fa_buf_put(&buf, text.ptr, from);
    fa_buf_puts(&buf, fa_format_double(threshold, number));
    fa_buf_put(&buf, text.ptr + to, text.len - to);
    if (fa_promql_parse_with(fa_buf_str(&buf), config->defines, config->define_count, &copy,
                             &ignored) != 0) {
        copy = NULL;
    }
    fa_buf_done(&buf);
    return copy;
}

/* ---- values for a plot ---- */

static double worst_of(const struct fa_query_value *value, bool is_above)
{
    double worst = (double)NAN;
    for (size_t i = 0; value->type == FA_PROMQL_VECTOR && i < value->count; i++) {
        double one = value->samples[i].value;
        if (isnan(worst) || (is_above ? one > worst : one < worst)) {
            worst = one;
        }
    }
    return worst;
}

static double evaluate(const struct fa_promql *promql, struct fa_history *history,
                       const struct fa_query_rule *rule, fa_time at, bool is_above)
{
    struct fa_query_params params = fa_query_defaults(at);
    struct fa_query *query = NULL;
    struct fa_query_value value;
    struct fa_err ignored;
    double worst = (double)NAN;
    params.look_back = rule->look_back > 0 ? rule->look_back : params.look_back;
    if (fa_query_run(promql, fa_history_source(history), &params, &query, &value, &ignored) == 0) {
        worst = worst_of(&value, is_above);
        fa_query_free(query);
    }
    return worst;
}

/* Keeps what the rule itself said while it fired: those are its peaks. */
static void merge(double *value, double other, bool is_above)
{
    if (isnan(*value) || (is_above ? other > *value : other < *value)) {
        *value = other;
    }
}

void fa_backtest_values(struct fa_history *history, struct fa_backtest *report,
                        struct fa_backtest_rule *rule)
{
    const struct fa_query_rule *query = &rule->rule->query;
    struct comparison comparison;
    struct fa_promql *promql = NULL;
    struct fa_err ignored;
    struct fa_buf text;
    if (query->expr == NULL || report->columns == 0 || !find_comparison(query->expr, &comparison)) {
        return;
    }
    fa_buf_init(&text, 1 << 20);
    fa_promql_format(comparison.value, &text);
    uint32_t each = report->columns / VALUES_MAX + 1;
    bool is_read = fa_promql_parse(fa_buf_str(&text), &promql, &ignored) == 0;
    for (uint32_t i = 0; is_read && i < report->columns; i += each) {
        fa_time at =
            report->from + (report->to - report->from) * (i + 1) / (fa_time)report->columns;
        double value = evaluate(promql, history, query, at, comparison.is_above);
        for (uint32_t k = i; !isnan(value) && k < i + each && k < report->columns; k++) {
            merge(&rule->values[k], value, comparison.is_above);
        }
    }
    fa_promql_free(promql);
    fa_buf_done(&text);
}
