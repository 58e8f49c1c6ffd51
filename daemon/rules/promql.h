/* SPDX-License-Identifier: MIT */
/* PromQL as text and as a tree, with the meaning of Prometheus 3.5. A tree that fa_promql_parse()
 * gave is well typed: whoever walks it needs no checks of its own. Not in it: native histograms,
 * info(), and durations that are computed. */
#ifndef FA_RULES_PROMQL_H
#define FA_RULES_PROMQL_H

#include "base/buf.h"
#include "rules/scratch.h"

#include <stdbool.h>

#define FA_PROMQL_TEXT_MAX      ((size_t)64 * 1024) /* bytes of an expression */
#define FA_PROMQL_OPERATORS_MAX 1000 /* between two operands: so deep a tree of them may be */
#define FA_PROMQL_DEPTH_MAX     128  /* nesting */

enum fa_promql_type {
    FA_PROMQL_SCALAR,
    FA_PROMQL_VECTOR,
    FA_PROMQL_MATRIX,
    FA_PROMQL_STRING,
};

enum fa_promql_kind {
    FA_PROMQL_NUMBER,
    FA_PROMQL_TEXT,
    FA_PROMQL_SELECTOR, /* an instant or, with a range, a range selector */
    FA_PROMQL_SUBQUERY,
    FA_PROMQL_CALL,
    FA_PROMQL_AGGREGATE,
    FA_PROMQL_BINARY,
    FA_PROMQL_NEGATE,
    FA_PROMQL_PAREN,
};

enum fa_promql_match { FA_MATCH_EQUAL, FA_MATCH_NOT_EQUAL, FA_MATCH_REGEX, FA_MATCH_NOT_REGEX };

struct fa_regex;

struct fa_promql_matcher {
    enum fa_promql_match kind;
    struct fa_str name, value;
    struct fa_regex *regex; /* of the last two kinds; owned by the expression */
};

/* How old the newest sample may be when nobody says. */
#define FA_LOOK_BACK (5 * FA_MINUTE)

/* name, text, the types of its arguments (s: scalar, v: vector, m: matrix, t: text), how many of
 * the last argument may be left out (-1: it may also be repeated) and the type of its value. */
#define FA_PROMQL_FN_LIST(X)                                                                       \
    X(ABS, "abs", "v", 0, 'v')                                                                     \
    X(ABSENT, "absent", "v", 0, 'v')                                                               \
    X(ABSENT_OVER_TIME, "absent_over_time", "m", 0, 'v')                                           \
    X(ACOS, "acos", "v", 0, 'v')                                                                   \
    X(ACOSH, "acosh", "v", 0, 'v')                                                                 \
    X(ASIN, "asin", "v", 0, 'v')                                                                   \
    X(ASINH, "asinh", "v", 0, 'v')                                                                 \
    X(ATAN, "atan", "v", 0, 'v')                                                                   \
    X(ATANH, "atanh", "v", 0, 'v')                                                                 \
    X(AVG_OVER_TIME, "avg_over_time", "m", 0, 'v')                                                 \
    X(CEIL, "ceil", "v", 0, 'v')                                                                   \
    X(CHANGES, "changes", "m", 0, 'v')                                                             \
    X(CLAMP, "clamp", "vss", 0, 'v')                                                               \
    X(CLAMP_MAX, "clamp_max", "vs", 0, 'v')                                                        \
    X(CLAMP_MIN, "clamp_min", "vs", 0, 'v')                                                        \
    X(COS, "cos", "v", 0, 'v')                                                                     \
    X(COSH, "cosh", "v", 0, 'v')                                                                   \
    X(COUNT_OVER_TIME, "count_over_time", "m", 0, 'v')                                             \
    X(DAY_OF_MONTH, "day_of_month", "v", 1, 'v')                                                   \
    X(DAY_OF_WEEK, "day_of_week", "v", 1, 'v')                                                     \
    X(DAY_OF_YEAR, "day_of_year", "v", 1, 'v')                                                     \
    X(DAYS_IN_MONTH, "days_in_month", "v", 1, 'v')                                                 \
    X(DEG, "deg", "v", 0, 'v')                                                                     \
    X(DELTA, "delta", "m", 0, 'v')                                                                 \
    X(DERIV, "deriv", "m", 0, 'v')                                                                 \
    X(DOUBLE_EXPONENTIAL_SMOOTHING, "double_exponential_smoothing", "mss", 0, 'v')                 \
    X(EXP, "exp", "v", 0, 'v')                                                                     \
    X(FLOOR, "floor", "v", 0, 'v')                                                                 \
    X(HISTOGRAM_FRACTION, "histogram_fraction", "ssv", 0, 'v')                                     \
    X(HISTOGRAM_QUANTILE, "histogram_quantile", "sv", 0, 'v')                                      \
    X(HOUR, "hour", "v", 1, 'v')                                                                   \
    X(IDELTA, "idelta", "m", 0, 'v')                                                               \
    X(INCREASE, "increase", "m", 0, 'v')                                                           \
    X(IRATE, "irate", "m", 0, 'v')                                                                 \
    X(LABEL_JOIN, "label_join", "vttt", -1, 'v')                                                   \
    X(LABEL_REPLACE, "label_replace", "vtttt", 0, 'v')                                             \
    X(LAST_OVER_TIME, "last_over_time", "m", 0, 'v')                                               \
    X(LN, "ln", "v", 0, 'v')                                                                       \
    X(LOG10, "log10", "v", 0, 'v')                                                                 \
    X(LOG2, "log2", "v", 0, 'v')                                                                   \
    X(MAD_OVER_TIME, "mad_over_time", "m", 0, 'v')                                                 \
    X(MAX_OVER_TIME, "max_over_time", "m", 0, 'v')                                                 \
    X(MIN_OVER_TIME, "min_over_time", "m", 0, 'v')                                                 \
    X(MINUTE, "minute", "v", 1, 'v')                                                               \
    X(MONTH, "month", "v", 1, 'v')                                                                 \
    X(PI, "pi", "", 0, 's')                                                                        \
    X(PREDICT_LINEAR, "predict_linear", "ms", 0, 'v')                                              \
    X(PRESENT_OVER_TIME, "present_over_time", "m", 0, 'v')                                         \
    X(QUANTILE_OVER_TIME, "quantile_over_time", "sm", 0, 'v')                                      \
    X(RAD, "rad", "v", 0, 'v')                                                                     \
    X(RATE, "rate", "m", 0, 'v')                                                                   \
    X(RESETS, "resets", "m", 0, 'v')                                                               \
    X(ROUND, "round", "vs", 1, 'v')                                                                \
    X(SCALAR, "scalar", "v", 0, 's')                                                               \
    X(SGN, "sgn", "v", 0, 'v')                                                                     \
    X(SIN, "sin", "v", 0, 'v')                                                                     \
    X(SINH, "sinh", "v", 0, 'v')                                                                   \
    X(SKETCH_QUANTILE_OVER_TIME, "sketch_quantile_over_time", "sm", 0, 'v') /* ours */             \
    X(SORT, "sort", "v", 0, 'v')                                                                   \
    X(SORT_BY_LABEL, "sort_by_label", "vt", -1, 'v')                                               \
    X(SORT_BY_LABEL_DESC, "sort_by_label_desc", "vt", -1, 'v')                                     \
    X(SORT_DESC, "sort_desc", "v", 0, 'v')                                                         \
    X(SQRT, "sqrt", "v", 0, 'v')                                                                   \
    X(STDDEV_OVER_TIME, "stddev_over_time", "m", 0, 'v')                                           \
    X(STDVAR_OVER_TIME, "stdvar_over_time", "m", 0, 'v')                                           \
    X(SUM_OVER_TIME, "sum_over_time", "m", 0, 'v')                                                 \
    X(TAN, "tan", "v", 0, 'v')                                                                     \
    X(TANH, "tanh", "v", 0, 'v')                                                                   \
    X(TIME, "time", "", 0, 's')                                                                    \
    X(TIMESTAMP, "timestamp", "v", 0, 'v')                                                         \
    X(TS_OF_LAST_OVER_TIME, "ts_of_last_over_time", "m", 0, 'v')                                   \
    X(TS_OF_MAX_OVER_TIME, "ts_of_max_over_time", "m", 0, 'v')                                     \
    X(TS_OF_MIN_OVER_TIME, "ts_of_min_over_time", "m", 0, 'v')                                     \
    X(VECTOR, "vector", "s", 0, 'v')                                                               \
    X(YEAR, "year", "v", 1, 'v')                                                                   \
    FA_PROMQL_OWN_FN_LIST(X)

/* Ours, which the short form of a rule is compiled to; no text is parsed into them. Of the samples
 * of a range: how many were received, whatever their weight; what a counter was seen to grow,
 * without carrying that on to the range's ends, and the same a second; the operand of
 * sketch_quantile. */
#define FA_PROMQL_OWN_FN_LIST(X)                                                                   \
    X(SAMPLES_OVER_TIME, "samples_over_time", "m", 0, 'v')                                         \
    X(SEEN_INCREASE, "seen_increase", "m", 0, 'v')                                                 \
    X(SEEN_RATE, "seen_rate", "m", 0, 'v')                                                         \
    X(SKETCH_OVER_TIME, "sketch_over_time", "m", 0, 'v')

enum fa_promql_fn {
#define X(name, text, args, optional, type) FA_PROMQL_FN_##name,
    FA_PROMQL_FN_LIST(X)
#undef X
        FA_PROMQL_FN__COUNT,
    FA_PROMQL_FN__OWN = FA_PROMQL_FN_SAMPLES_OVER_TIME /* the first of ours */
};

struct fa_promql_fn_info {
    const char *name, *args;
    int optional;
    char type;
};
extern const struct fa_promql_fn_info fa_promql_fns[FA_PROMQL_FN__COUNT];

/* text, and the type of its parameter: '-' none, else as above. */
#define FA_PROMQL_AGG_LIST(X)                                                                      \
    X(SUM, "sum", '-')                                                                             \
    X(AVG, "avg", '-')                                                                             \
    X(COUNT, "count", '-')                                                                         \
    X(MIN, "min", '-')                                                                             \
    X(MAX, "max", '-')                                                                             \
    X(GROUP, "group", '-')                                                                         \
    X(STDDEV, "stddev", '-')                                                                       \
    X(STDVAR, "stdvar", '-')                                                                       \
    X(TOPK, "topk", 's')                                                                           \
    X(BOTTOMK, "bottomk", 's')                                                                     \
    X(COUNT_VALUES, "count_values", 't')                                                           \
    X(QUANTILE, "quantile", 's')                                                                   \
    X(LIMITK, "limitk", 's')                                                                       \
    X(LIMIT_RATIO, "limit_ratio", 's')                                                             \
    /* Ours: the value of the newest sample, and a quantile of all sketches as one. */             \
    X(NEWEST, "newest", '-')                                                                       \
    X(SKETCH_QUANTILE, "sketch_quantile", 's')

enum fa_promql_agg {
#define X(name, text, param) FA_PROMQL_AGG_##name,
    FA_PROMQL_AGG_LIST(X)
#undef X
        FA_PROMQL_AGG__COUNT,
    FA_PROMQL_AGG__OWN = FA_PROMQL_AGG_NEWEST /* the first of ours */
};

struct fa_promql_agg_info {
    const char *name;
    char param;
};
extern const struct fa_promql_agg_info fa_promql_aggs[FA_PROMQL_AGG__COUNT];

/* name, text, precedence (higher binds tighter). */
#define FA_PROMQL_OP_LIST(X)                                                                       \
    X(OR, "or", 1)                                                                                 \
    X(AND, "and", 2)                                                                               \
    X(UNLESS, "unless", 2)                                                                         \
    X(EQ, "==", 3)                                                                                 \
    X(NE, "!=", 3)                                                                                 \
    X(LE, "<=", 3)                                                                                 \
    X(LT, "<", 3)                                                                                  \
    X(GE, ">=", 3)                                                                                 \
    X(GT, ">", 3)                                                                                  \
    X(ADD, "+", 4)                                                                                 \
    X(SUB, "-", 4)                                                                                 \
    X(MUL, "*", 5)                                                                                 \
    X(DIV, "/", 5)                                                                                 \
    X(MOD, "%", 5)                                                                                 \
    X(ATAN2, "atan2", 5)                                                                           \
    X(POW, "^", 6)

enum fa_promql_op {
#define X(name, text, precedence) FA_PROMQL_OP_##name,
    FA_PROMQL_OP_LIST(X)
#undef X
        FA_PROMQL_OP__COUNT
};

struct fa_promql_op_info {
    const char *name;
    int precedence;
};
extern const struct fa_promql_op_info fa_promql_ops[FA_PROMQL_OP__COUNT];

bool fa_promql_op_is_set(enum fa_promql_op op);
bool fa_promql_op_compares(enum fa_promql_op op);

enum fa_promql_card {
    FA_CARD_ONE_TO_ONE,
    FA_CARD_MANY_TO_ONE, /* group_left */
    FA_CARD_ONE_TO_MANY, /* group_right */
};

enum fa_promql_at { FA_AT_NONE, FA_AT_TIME, FA_AT_START, FA_AT_END };

/* Label names, sorted, without duplicates. */
struct fa_promql_names {
    const struct fa_str *items;
    size_t count;
};

struct fa_promql;

/* An expression with a name, for use in others. */
struct fa_promql_define {
    const char *name;
    const struct fa_promql *promql;
};

struct fa_promql_node {
    enum fa_promql_kind kind;
    enum fa_promql_type type;
    uint32_t from, to; /* bytes of the text: [from, to) */
    /* Of a parenthesis that stands for a named expression: that one. The places of what is within
     * lie in its text. */
    const struct fa_promql_define *define;
    union {
        double number;
        struct fa_str text;
        struct {
            struct fa_str name; /* written before the braces; it is a matcher too */
            struct fa_promql_matcher *matchers;
            size_t matcher_count;
            size_t number; /* of this selector in the expression, from 0 */
        } selector;
        struct fa_promql_node *arg; /* of a subquery, a negation, a parenthesis */
        struct {
            enum fa_promql_fn fn;
            struct fa_promql_node **args;
            size_t count;
            struct fa_regex *regex; /* of label_replace(); owned by the expression */
        } call;
        struct {
            enum fa_promql_agg agg;
            bool without;
            struct fa_promql_names names; /* of by or without */
            struct fa_promql_node *param; /* NULL: it has none */
            struct fa_promql_node *arg;
        } aggregate;
        struct {
            enum fa_promql_op op;
            uint32_t place;        /* of the operator in the text */
            bool returns_bool, on; /* on: only the named labels match; else all but them */
            enum fa_promql_card card;
            struct fa_promql_names names, include;
            struct fa_promql_node *left, *right;
        } binary;
    } u;
    /* Of selectors and subqueries. */
    fa_time range, offset;
    fa_time step; /* of a subquery; 0: the evaluation's own */
    enum fa_promql_at at;
    fa_time at_time;
};

/* A parsed expression; nothing in it changes any more. */
struct fa_promql {
    struct fa_scratch arena;
    struct fa_str text; /* as it was parsed */
    struct fa_promql_node *root;
    unsigned depth;     /* of the nesting */
    unsigned operators; /* with those of the named expressions in it */
    size_t selector_count;
    struct fa_regex *regexes; /* owned list */
};

/* FA_EPARSE or FA_ETOOBIG with the column (1-based, in bytes) in err->col. The text is copied.
 * On success *ret is freed with fa_promql_free(). */
int fa_promql_parse(struct fa_str text, struct fa_promql **ret, struct fa_err *err) FA_MUST_CHECK;
/* The same with names: a bare name that is one of the defines stands for its expression. They are
 * borrowed, must outlive *ret, and were parsed with those before them at most. */
int fa_promql_parse_with(struct fa_str text, const struct fa_promql_define *defines, size_t count,
                         struct fa_promql **ret, struct fa_err *err) FA_MUST_CHECK;
void fa_promql_free(struct fa_promql *promql); /* accepts NULL */
/* Appends the line of the text that column col (1-based, in bytes) lies in, a newline, and a caret
 * under the place; each line begins with `before`. */
void fa_promql_point(struct fa_str text, uint32_t col, const char *before, struct fa_buf *buf);

/* Appends the tree as text that parses into the same tree. */
void fa_promql_format(const struct fa_promql_node *node, struct fa_buf *buf);
const char *fa_promql_type_name(enum fa_promql_type type);
/* Without parentheses around it. */
const struct fa_promql_node *fa_promql_bare(const struct fa_promql_node *node);

/* "1h30m", "300", "1.5" (seconds) as PromQL writes durations. Milliseconds. */
int fa_promql_duration(struct fa_str text, fa_time *ret_ms) FA_MUST_CHECK;

#endif
