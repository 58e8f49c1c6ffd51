/* SPDX-License-Identifier: MIT */
/* PromQL's tables of functions, aggregations and operators, and the tree written back as text. */
#include "rules/promql.h"

#include "metrics/labels.h"

#include <math.h>
#include <string.h>

const struct fa_promql_fn_info fa_promql_fns[FA_PROMQL_FN__COUNT] = {
#define X(name, text, args, optional, type) {text, args, optional, type},
    FA_PROMQL_FN_LIST(X)
#undef X
};

const struct fa_promql_agg_info fa_promql_aggs[FA_PROMQL_AGG__COUNT] = {
#define X(name, text, param) {text, param},
    FA_PROMQL_AGG_LIST(X)
#undef X
};

const struct fa_promql_op_info fa_promql_ops[FA_PROMQL_OP__COUNT] = {
#define X(name, text, precedence) {text, precedence},
    FA_PROMQL_OP_LIST(X)
#undef X
};

bool fa_promql_op_is_set(enum fa_promql_op op)
{
    return op == FA_PROMQL_OP_AND || op == FA_PROMQL_OP_OR || op == FA_PROMQL_OP_UNLESS;
}

bool fa_promql_op_compares(enum fa_promql_op op)
{
    return op >= FA_PROMQL_OP_EQ && op <= FA_PROMQL_OP_GT;
}

const char *fa_promql_type_name(enum fa_promql_type type)
{
    static const char *const names[] = {"a number", "an instant vector", "a range vector",
                                        "a text"};
    return names[type];
}

const struct fa_promql_node *fa_promql_bare(const struct fa_promql_node *node)
{
    while (node->kind == FA_PROMQL_PAREN) {
        node = node->u.arg;
    }
    return node;
}

/* ---- as text ---- */

static void put_quoted(struct fa_buf *buf, struct fa_str text)
{
    fa_buf_putc(buf, '"');
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c == '"' || c == '\\') {
            fa_buf_putc(buf, '\\');
            fa_buf_putc(buf, (char)c);
        } else if (c < 0x20 || c == 0x7f) {
            fa_buf_printf(buf, "\\x%02x", c);
        } else {
            fa_buf_putc(buf, (char)c);
        }
    }
    fa_buf_putc(buf, '"');
}

static bool is_plain(struct fa_str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool alpha = c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!alpha && !(i > 0 && c >= '0' && c <= '9')) {
            return false;
        }
    }
    return name.len > 0;
}

static void put_name(struct fa_buf *buf, struct fa_str name)
{
    if (is_plain(name)) {
        fa_buf_putstr(buf, name);
    } else {
        put_quoted(buf, name);
    }
}

static void put_names(struct fa_buf *buf, const char *word, const struct fa_promql_names *names)
{
    fa_buf_puts(buf, word);
    fa_buf_puts(buf, " (");
    for (size_t i = 0; i < names->count; i++) {
        fa_buf_puts(buf, i > 0 ? ", " : "");
        put_name(buf, names->items[i]);
    }
    fa_buf_puts(buf, ")");
}

static void put_number(struct fa_buf *buf, double number)
{
    char text[32];
    if (isnan(number)) {
        fa_buf_puts(buf, "NaN");
    } else if (isinf(number)) {
        fa_buf_puts(buf, number > 0 ? "Inf" : "-Inf");
    } else {
        fa_buf_puts(buf, fa_format_double(number, text));
    }
}

/* PromQL knows no day of its own length: milliseconds are always right. */
static void put_duration(struct fa_buf *buf, fa_time ms)
{
    char text[40];
    fa_buf_puts(buf, ms < 0 ? "-" : "");
    fa_buf_puts(buf, fa_format_duration(ms < 0 ? -ms : ms, text));
}

static void put_modifiers(struct fa_buf *buf, const struct fa_promql_node *node)
{
    if (node->at == FA_AT_TIME) {
        fa_time ms = node->at_time < 0 ? -node->at_time : node->at_time;
        fa_buf_printf(buf, " @ %s%lld.%03lld", node->at_time < 0 ? "-" : "", (long long)(ms / 1000),
                      (long long)(ms % 1000));
    } else if (node->at != FA_AT_NONE) {
        fa_buf_puts(buf, node->at == FA_AT_START ? " @ start()" : " @ end()");
    }
    if (node->offset != 0) {
        fa_buf_puts(buf, " offset ");
        put_duration(buf, node->offset);
    }
}

static void put_selector(struct fa_buf *buf, const struct fa_promql_node *node)
{
    static const char *const signs[] = {"=", "!=", "=~", "!~"};
    size_t count = node->u.selector.matcher_count - (node->u.selector.name.len > 0 ? 1 : 0);
    fa_buf_putstr(buf, node->u.selector.name);
    if (count > 0) {
        fa_buf_putc(buf, '{');
        for (size_t i = 0; i < count; i++) {
            const struct fa_promql_matcher *matcher = &node->u.selector.matchers[i];
            fa_buf_puts(buf, i > 0 ? ", " : "");
            put_name(buf, matcher->name);
            fa_buf_puts(buf, signs[matcher->kind]);
            put_quoted(buf, matcher->value);
        }
        fa_buf_putc(buf, '}');
    }
    if (node->range > 0) {
        fa_buf_putc(buf, '[');
        put_duration(buf, node->range);
        fa_buf_putc(buf, ']');
    }
    put_modifiers(buf, node);
}

static void put_subquery(struct fa_buf *buf, const struct fa_promql_node *node)
{
    fa_promql_format(node->u.arg, buf);
    fa_buf_putc(buf, '[');
    put_duration(buf, node->range);
    fa_buf_putc(buf, ':');
    if (node->step > 0) {
        put_duration(buf, node->step);
    }
    fa_buf_putc(buf, ']');
    put_modifiers(buf, node);
}

static void put_call(struct fa_buf *buf, const struct fa_promql_node *node)
{
    fa_buf_printf(buf, "%s(", fa_promql_fns[node->u.call.fn].name);
    for (size_t i = 0; i < node->u.call.count; i++) {
        fa_buf_puts(buf, i > 0 ? ", " : "");
        fa_promql_format(node->u.call.args[i], buf);
    }
    fa_buf_putc(buf, ')');
}

static void put_aggregate(struct fa_buf *buf, const struct fa_promql_node *node)
{
    const struct fa_promql_names *names = &node->u.aggregate.names;
    fa_buf_puts(buf, fa_promql_aggs[node->u.aggregate.agg].name);
    if (node->u.aggregate.without || names->count > 0) {
        put_names(buf, node->u.aggregate.without ? " without" : " by", names);
        fa_buf_putc(buf, ' ');
    }
    fa_buf_putc(buf, '(');
    if (node->u.aggregate.param != NULL) {
        fa_promql_format(node->u.aggregate.param, buf);
        fa_buf_puts(buf, ", ");
    }
    fa_promql_format(node->u.aggregate.arg, buf);
    fa_buf_putc(buf, ')');
}

static void put_binary(struct fa_buf *buf, const struct fa_promql_node *node)
{
    const struct fa_promql_names *names = &node->u.binary.names, *more = &node->u.binary.include;
    fa_promql_format(node->u.binary.left, buf);
    fa_buf_printf(buf, " %s ", fa_promql_ops[node->u.binary.op].name);
    fa_buf_puts(buf, node->u.binary.returns_bool ? "bool " : "");
    if (node->u.binary.on || names->count > 0 || node->u.binary.card != FA_CARD_ONE_TO_ONE) {
        put_names(buf, node->u.binary.on ? "on" : "ignoring", names);
        fa_buf_putc(buf, ' ');
    }
    if (node->u.binary.card != FA_CARD_ONE_TO_ONE) {
        put_names(buf, node->u.binary.card == FA_CARD_MANY_TO_ONE ? "group_left" : "group_right",
                  more);
        fa_buf_putc(buf, ' ');
    }
    fa_promql_format(node->u.binary.right, buf);
}

void fa_promql_format(const struct fa_promql_node *node, struct fa_buf *buf)
{
    switch (node->kind) {
    case FA_PROMQL_NUMBER:
        put_number(buf, node->u.number);
        break;
    case FA_PROMQL_TEXT:
        put_quoted(buf, node->u.text);
        break;
    case FA_PROMQL_SELECTOR:
        put_selector(buf, node);
        break;
    case FA_PROMQL_SUBQUERY:
        put_subquery(buf, node);
        break;
    case FA_PROMQL_CALL:
        put_call(buf, node);
        break;
    case FA_PROMQL_AGGREGATE:
        put_aggregate(buf, node);
        break;
    case FA_PROMQL_BINARY:
        put_binary(buf, node);
        break;
    case FA_PROMQL_NEGATE:
        fa_buf_putc(buf, '-');
        fa_promql_format(node->u.arg, buf);
        break;
    case FA_PROMQL_PAREN:
    default:
        fa_buf_putc(buf, '(');
        fa_promql_format(node->u.arg, buf);
        fa_buf_putc(buf, ')');
        break;
    }
}

void fa_promql_point(struct fa_str text, uint32_t col, const char *before, struct fa_buf *buf)
{
    size_t at = col > 0 ? col - 1 : 0, from, to;
    at = at < text.len ? at : text.len;
    for (from = at; from > 0 && text.ptr[from - 1] != '\n'; from--) {
    }
    for (to = at; to < text.len && text.ptr[to] != '\n'; to++) {
    }
    fa_buf_printf(buf, "%s%.*s\n%s", before, (int)(to - from), text.ptr + from, before);
    for (size_t i = from; i < at; i++) {
        /* One column a character, and a tab for a tab. */
        if (((unsigned char)text.ptr[i] & 0xc0) != 0x80) {
            fa_buf_putc(buf, text.ptr[i] == '\t' ? '\t' : ' ');
        }
    }
    fa_buf_putc(buf, '^');
}
