/* SPDX-License-Identifier: MIT */
/* The expression tree's memory and its text. The text is what `explain` shows and what the tests
 * of compile.c compare; it is PromQL but for the functions that PromQL lacks (see expr.h). */
#include "rules/expr.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

static const char *const FN_TEXT[] = {
#define X(name, text) text,
    FA_FN_LIST(X)
#undef X
};
static const char *const AGG_TEXT[] = {
#define X(name, text) text,
    FA_AGG_LIST(X)
#undef X
};
static const char *const OP_TEXT[] = {
#define X(name, text) text,
    FA_OP_LIST(X)
#undef X
};

void fa_expr_free(struct fa_expr *expr)
{
    if (expr == NULL) {
        return;
    }
    if (expr->kind == FA_EXPR_CALL) {
        fa_expr_free(expr->u.call.arg);
    } else if (expr->kind == FA_EXPR_AGGREGATE) {
        fa_expr_free(expr->u.aggregate.arg);
    } else if (expr->kind == FA_EXPR_BINARY) {
        fa_expr_free(expr->u.binary.left);
        fa_expr_free(expr->u.binary.right);
    }
    free(expr);
}

static void put_number(double number, struct fa_buf *buf)
{
    char text[32];
    fa_buf_puts(buf, fa_format_double(number, text));
}

static void put_selector(const struct fa_expr *expr, struct fa_buf *buf)
{
    fa_buf_puts(buf, expr->u.selector.metric);
    for (size_t i = 0; i < expr->u.selector.match_count; i++) {
        const struct fa_rule_match *match = &expr->u.selector.matches[i];
        fa_buf_printf(buf, "%s%s=\"", i == 0 ? "{" : ",", match->name);
        for (const char *c = match->value; *c != '\0'; c++) {
            if (*c == '"' || *c == '\\') {
                fa_buf_putc(buf, '\\');
            }
            fa_buf_puts(buf, *c == '\n' ? "\\n" : (char[2]){*c, '\0'});
        }
        fa_buf_puts(buf, i + 1 == expr->u.selector.match_count ? "\"}" : "\"");
    }
    if (expr->u.selector.range > 0) {
        char text[40];
        fa_buf_printf(buf, "[%s]", fa_format_duration(expr->u.selector.range, text));
    }
}

static void put_aggregate(const struct fa_expr *expr, struct fa_buf *buf)
{
    fa_buf_puts(buf, AGG_TEXT[expr->u.aggregate.agg]);
    if (expr->u.aggregate.by_count > 0) {
        fa_buf_puts(buf, " by (");
        for (size_t i = 0; i < expr->u.aggregate.by_count; i++) {
            fa_buf_printf(buf, "%s%s", i > 0 ? ", " : "", expr->u.aggregate.by[i]);
        }
        fa_buf_puts(buf, ") ");
    }
    fa_buf_putc(buf, '(');
    if (expr->u.aggregate.agg == FA_AGG_SKETCH_QUANTILE) {
        put_number(expr->u.aggregate.param, buf);
        fa_buf_puts(buf, ", ");
    }
    fa_expr_format(expr->u.aggregate.arg, buf);
    fa_buf_putc(buf, ')');
}

static void put_operand(const struct fa_expr *expr, struct fa_buf *buf)
{
    bool nested = expr->kind == FA_EXPR_BINARY;
    fa_buf_puts(buf, nested ? "(" : "");
    fa_expr_format(expr, buf);
    fa_buf_puts(buf, nested ? ")" : "");
}

void fa_expr_format(const struct fa_expr *expr, struct fa_buf *buf)
{
    switch (expr->kind) {
    case FA_EXPR_NUMBER:
        put_number(expr->u.number, buf);
        break;
    case FA_EXPR_SELECTOR:
        put_selector(expr, buf);
        break;
    case FA_EXPR_CALL:
        fa_buf_printf(buf, "%s(", FN_TEXT[expr->u.call.fn]);
        fa_expr_format(expr->u.call.arg, buf);
        fa_buf_putc(buf, ')');
        break;
    case FA_EXPR_AGGREGATE:
        put_aggregate(expr, buf);
        break;
    case FA_EXPR_BINARY:
        put_operand(expr->u.binary.left, buf);
        fa_buf_printf(buf, " %s ", OP_TEXT[expr->u.binary.op]);
        put_operand(expr->u.binary.right, buf);
        break;
    case FA_EXPR__COUNT:
        break;
    }
}
