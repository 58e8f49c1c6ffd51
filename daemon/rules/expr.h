/* SPDX-License-Identifier: MIT */
/* The expression tree. The short form of a rule is built into it by compile.c and PromQL text will
 * be parsed into it; plan.c and eval.c know nothing else. */
#ifndef FA_RULES_EXPR_H
#define FA_RULES_EXPR_H

#include "base/buf.h"
#include "rules/rule.h"

enum fa_expr_kind {
    FA_EXPR_NUMBER,
    FA_EXPR_SELECTOR,
    FA_EXPR_CALL,
    FA_EXPR_AGGREGATE,
    FA_EXPR_BINARY,
    FA_EXPR__COUNT
};

/* name, and what it makes of the samples of a range. */
#define FA_FN_LIST(X)                                                                              \
    X(LAST_OVER_TIME, "last_over_time")                                                            \
    X(MIN_OVER_TIME, "min_over_time")                                                              \
    X(MAX_OVER_TIME, "max_over_time")                                                              \
    X(SUM_OVER_TIME, "sum_over_time")                                                              \
    X(COUNT_OVER_TIME, "count_over_time")                                                          \
    X(SAMPLES_OVER_TIME, "samples_over_time") /* received ones, whatever their weight */           \
    X(INCREASE, "increase")                                                                        \
    X(RATE, "rate")                                                                                \
    X(SKETCH_OVER_TIME, "sketch_over_time") /* the operand of sketch_quantile */

enum fa_fn {
#define X(name, text) FA_FN_##name,
    FA_FN_LIST(X)
#undef X
        FA_FN__COUNT
};

#define FA_AGG_LIST(X)                                                                             \
    X(SUM, "sum")                                                                                  \
    X(MIN, "min")                                                                                  \
    X(MAX, "max")                                                                                  \
    X(NEWEST, "newest") /* the value of the newest sample */                                       \
    X(SKETCH_QUANTILE, "sketch_quantile")

enum fa_agg {
#define X(name, text) FA_AGG_##name,
    FA_AGG_LIST(X)
#undef X
        FA_AGG__COUNT
};

#define FA_OP_LIST(X)                                                                              \
    X(ADD, "+")                                                                                    \
    X(SUB, "-")                                                                                    \
    X(MUL, "*")                                                                                    \
    X(DIV, "/")                                                                                    \
    X(GT, ">")                                                                                     \
    X(GE, ">=")                                                                                    \
    X(LT, "<")                                                                                     \
    X(LE, "<=")                                                                                    \
    X(AND, "and")

enum fa_op {
#define X(name, text) FA_OP_##name,
    FA_OP_LIST(X)
#undef X
        FA_OP__COUNT
};

struct fa_expr {
    enum fa_expr_kind kind;
    union {
        double number;
        struct {
            const char *metric;                  /* borrowed from the rule */
            const struct fa_rule_match *matches; /* borrowed */
            size_t match_count;
            fa_time range; /* 0: an instant selector, the newest sample within look_back */
            fa_time look_back;
            size_t leaf; /* set by the planner: number of the watch */
        } selector;
        struct {
            enum fa_fn fn;
            struct fa_expr *arg; /* owned */
        } call;
        struct {
            enum fa_agg agg;
            double param;    /* the quantile */
            char *const *by; /* borrowed */
            size_t by_count;
            struct fa_expr *arg; /* owned */
        } aggregate;
        struct {
            enum fa_op op;
            struct fa_expr *left, *right; /* owned */
        } binary;
    } u;
};

void fa_expr_free(struct fa_expr *expr); /* accepts NULL */
/* Appends the tree as PromQL text. */
void fa_expr_format(const struct fa_expr *expr, struct fa_buf *buf);

/* How old the newest sample may be when a rule does not say. */
#define FA_LOOK_BACK (5 * FA_MINUTE)

/* The number of a metric rule as a tree; thresholds are not in it, so that a value on the quiet
 * side is told from no value. The tree borrows the rule's texts. Never NULL. */
struct fa_expr *fa_compile(const struct fa_metric_rule *rule);

#endif
