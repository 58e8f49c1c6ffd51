/* SPDX-License-Identifier: MIT */
/* What may stand where in a PromQL expression, and of which type a node is. */
#include "rules/promql_parse.h"

#include "base/panic.h"

#include <stdio.h>
#include <string.h>

static int wrong(const struct fa_promql_node *node, struct fa_err *err, const char *words)
{
    return fa_err_at(err, FA_EPARSE, NULL, 0, node->from + 1, "%s", words);
}

static enum fa_promql_type type_of(char letter)
{
    switch (letter) {
    case 's':
        return FA_PROMQL_SCALAR;
    case 'm':
        return FA_PROMQL_MATRIX;
    case 't':
        return FA_PROMQL_STRING;
    default:
        return FA_PROMQL_VECTOR;
    }
}

static int want(const struct fa_promql_node *node, enum fa_promql_type type, const char *where,
                struct fa_err *err)
{
    if (node->type == type) {
        return 0;
    }
    return fa_err_at(err, FA_EPARSE, NULL, 0, node->from + 1, "%s takes %s here, and this is %s",
                     where, fa_promql_type_name(type), fa_promql_type_name(node->type));
}

static bool matches_empty(const struct fa_promql_matcher *matcher)
{
    switch (matcher->kind) {
    case FA_MATCH_EQUAL:
        return matcher->value.len == 0;
    case FA_MATCH_NOT_EQUAL:
        return matcher->value.len != 0;
    case FA_MATCH_REGEX:
        return fa_regex_matches(matcher->regex, FA_STR(""));
    case FA_MATCH_NOT_REGEX:
    default:
        return !fa_regex_matches(matcher->regex, FA_STR(""));
    }
}

static int check_selector(const struct fa_promql_node *node, struct fa_err *err)
{
    size_t written = node->u.selector.matcher_count;
    bool narrows = node->u.selector.name.len > 0;
    if (narrows) {
        written--; /* the last one is the name before the braces */
    }
    for (size_t i = 0; i < written; i++) {
        const struct fa_promql_matcher *matcher = &node->u.selector.matchers[i];
        if (fa_str_is(matcher->name, "__name__") && node->u.selector.name.len > 0) {
            return wrong(node, err, "the metric's name stands before the braces and within them");
        }
        narrows = narrows || !matches_empty(matcher);
    }
    if (!narrows) {
        return wrong(node, err,
                     "a selector needs a metric's name or a matcher that an absent label does not "
                     "satisfy; this one would select everything");
    }
    return 0;
}

static int check_call(const struct fa_promql_node *node, struct fa_err *err)
{
    const struct fa_promql_fn_info *info = &fa_promql_fns[node->u.call.fn];
    size_t known = strlen(info->args), count = node->u.call.count;
    size_t least = info->optional == 0 ? known : known - 1;
    char where[64];
    if (count < least || (info->optional >= 0 && count > known)) {
        return fa_err_at(err, FA_EPARSE, NULL, 0, node->from + 1,
                         "%s() takes %s%zu argument%s, not %zu", info->name,
                         info->optional == 0 ? ""
                         : count < least     ? "at least "
                                             : "at most ",
                         count < least ? least : known,
                         (count < least ? least : known) == 1 ? "" : "s", count);
    }
    snprintf(where, sizeof where, "%s()", info->name);
    for (size_t i = 0; i < count; i++) {
        int ret =
            want(node->u.call.args[i], type_of(info->args[i < known ? i : known - 1]), where, err);
        if (ret != 0) {
            return ret;
        }
    }
    return 0;
}

static int check_aggregate(const struct fa_promql_node *node, struct fa_err *err)
{
    const struct fa_promql_agg_info *info = &fa_promql_aggs[node->u.aggregate.agg];
    int ret = want(node->u.aggregate.arg, FA_PROMQL_VECTOR, info->name, err);
    if (ret == 0 && node->u.aggregate.param != NULL) {
        ret = want(node->u.aggregate.param, type_of(info->param), info->name, err);
    }
    return ret;
}

/* The same for an operator, at its own place. */
static int misplaced(const struct fa_promql_node *node, struct fa_err *err, const char *words)
{
    return fa_err_at(err, FA_EPARSE, NULL, 0, node->u.binary.place + 1, "%s", words);
}

static int check_matching(const struct fa_promql_node *node, struct fa_err *err)
{
    const struct fa_promql_names *names = &node->u.binary.names, *more = &node->u.binary.include;
    for (size_t i = 0; node->u.binary.on && i < names->count; i++) {
        for (size_t j = 0; j < more->count; j++) {
            if (fa_str_eq(names->items[i], more->items[j])) {
                return misplaced(node, err,
                                 "a label stands both in on() and in group_left() or "
                                 "group_right()");
            }
        }
    }
    if (fa_promql_op_is_set(node->u.binary.op) && node->u.binary.card != FA_CARD_ONE_TO_ONE) {
        return misplaced(node, err, "and, or and unless take no group_left and no group_right");
    }
    return 0;
}

static int check_binary(const struct fa_promql_node *node, struct fa_err *err)
{
    const struct fa_promql_node *left = node->u.binary.left, *right = node->u.binary.right;
    enum fa_promql_op op = node->u.binary.op;
    bool vectors = left->type == FA_PROMQL_VECTOR && right->type == FA_PROMQL_VECTOR;
    for (const struct fa_promql_node *side = left;; side = right) {
        if (side->type != FA_PROMQL_SCALAR && side->type != FA_PROMQL_VECTOR) {
            return fa_err_at(err, FA_EPARSE, NULL, 0, side->from + 1,
                             "an operator joins numbers and instant vectors, and this is %s",
                             fa_promql_type_name(side->type));
        }
        if (side == right) {
            break;
        }
    }
    if (node->u.binary.returns_bool && !fa_promql_op_compares(op)) {
        return misplaced(node, err, "\"bool\" goes with a comparison only");
    }
    if (fa_promql_op_compares(op) && !node->u.binary.returns_bool &&
        left->type == FA_PROMQL_SCALAR && right->type == FA_PROMQL_SCALAR) {
        return misplaced(node, err, "a comparison of two numbers needs \"bool\", as in 1 > bool 2");
    }
    if (!vectors && fa_promql_op_is_set(op)) {
        return misplaced(node, err, "and, or and unless join instant vectors only");
    }
    if (!vectors && node->u.binary.names.count > 0) {
        return misplaced(node, err, "on() and ignoring() go between instant vectors only");
    }
    return check_matching(node, err);
}

static int check_negation(const struct fa_promql_node *node, struct fa_err *err)
{
    if (node->u.arg->type != FA_PROMQL_SCALAR && node->u.arg->type != FA_PROMQL_VECTOR) {
        return fa_err_at(err, FA_EPARSE, NULL, 0, node->from + 1,
                         "a sign goes before a number or an instant vector, and this is %s",
                         fa_promql_type_name(node->u.arg->type));
    }
    return 0;
}

int fa_promql_check(struct fa_promql_node *node, struct fa_err *err)
{
    node->type = FA_PROMQL_VECTOR;
    switch (node->kind) {
    case FA_PROMQL_NUMBER:
        node->type = FA_PROMQL_SCALAR;
        return 0;
    case FA_PROMQL_TEXT:
        node->type = FA_PROMQL_STRING;
        return 0;
    case FA_PROMQL_SELECTOR:
        node->type = node->range > 0 ? FA_PROMQL_MATRIX : FA_PROMQL_VECTOR;
        return check_selector(node, err);
    case FA_PROMQL_SUBQUERY:
        node->type = FA_PROMQL_MATRIX;
        return want(node->u.arg, FA_PROMQL_VECTOR, "a subquery", err);
    case FA_PROMQL_CALL:
        node->type = type_of(fa_promql_fns[node->u.call.fn].type);
        return check_call(node, err);
    case FA_PROMQL_AGGREGATE:
        return check_aggregate(node, err);
    case FA_PROMQL_BINARY:
        node->type = node->u.binary.left->type == FA_PROMQL_SCALAR &&
                             node->u.binary.right->type == FA_PROMQL_SCALAR
                         ? FA_PROMQL_SCALAR
                         : FA_PROMQL_VECTOR;
        return check_binary(node, err);
    case FA_PROMQL_NEGATE:
        node->type = node->u.arg->type;
        return check_negation(node, err);
    case FA_PROMQL_PAREN:
    default:
        node->type = node->u.arg->type;
        return 0;
    }
}

int fa_promql_unknown(const char *name, const char *const *names, uint32_t from, struct fa_err *err)
{
    static const char *const native[] = {"histogram_avg",    "histogram_count", "histogram_stddev",
                                         "histogram_stdvar", "histogram_sum",   "info"};
    for (size_t i = 0; i < sizeof native / sizeof native[0]; i++) {
        if (strcmp(name, native[i]) == 0) {
            return fa_err_at(err, FA_EPARSE, NULL, 0, from + 1,
                             strcmp(name, "info") == 0
                                 ? "%s() is not supported: join with group_left instead"
                                 : "%s() reads native histograms, which are not supported; "
                                   "classic ones are, by histogram_quantile()",
                             name);
        }
    }
    const char *near = fa_suggest(name, names, FA_PROMQL_FN__COUNT);
    return fa_err_at(err, FA_EPARSE, NULL, 0, from + 1, "there is no function %s()%s%s%s", name,
                     near != NULL ? "; did you mean " : "", near != NULL ? near : "",
                     near != NULL ? "()?" : "");
}
