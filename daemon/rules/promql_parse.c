/* SPDX-License-Identifier: MIT */
/* PromQL text to a tree, by recursive descent: what binds, and which words are keywords where.
 * Invariants: the first error ends the parse and carries a column; nesting is bounded; every node
 * that is built has been checked by promql_check.c, so a tree is well typed. */
#include "rules/promql_parse.h"

#include "base/panic.h"
#include "base/texts.h"

#include <math.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#define NAMES_MAX 64 /* labels in one list */
#define ARGS_MAX  32

struct parser {
    struct fa_promql *promql;
    struct fa_lexer lexer;
    enum fa_lex_mode mode;
    struct fa_token token; /* the one not yet taken */
    size_t end;            /* of the token taken last */
    unsigned depth;
    const struct fa_promql_define *defines;
    size_t define_count;
    struct fa_err *err;
};

/* ---- tokens ---- */

static uint32_t place(const struct parser *parser, struct fa_str text)
{
    return (uint32_t)(text.ptr - parser->lexer.text.ptr);
}

static uint32_t here(const struct parser *parser)
{
    return place(parser, parser->token.text);
}

static int refuse(struct parser *parser, const char *wanted)
{
    struct fa_str seen = parser->token.text;
    if (parser->token.kind == FA_TOKEN_END) {
        return fa_err_at(parser->err, FA_EPARSE, NULL, 0, here(parser) + 1,
                         "the expression ends where %s should stand", wanted);
    }
    return fa_err_at(parser->err, FA_EPARSE, NULL, 0, here(parser) + 1,
                     "\"%.*s\" where %s should stand", (int)fa_utf8_cut(seen, 40), seen.ptr,
                     wanted);
}

static int take(struct parser *parser)
{
    parser->end = here(parser) + parser->token.text.len;
    return fa_lex_next(&parser->lexer, parser->mode, &parser->token, parser->err);
}

static bool at_sign(const struct parser *parser, const char *sign)
{
    return parser->token.kind == FA_TOKEN_SIGN && fa_str_is(parser->token.text, sign);
}

static bool at_word(const struct parser *parser, const char *word)
{
    return parser->token.kind == FA_TOKEN_WORD && parser->token.text.len == strlen(word) &&
           strncasecmp(parser->token.text.ptr, word, parser->token.text.len) == 0;
}

static int expect(struct parser *parser, const char *sign, const char *wanted)
{
    return at_sign(parser, sign) ? take(parser) : refuse(parser, wanted);
}

static struct fa_promql_node *node_new(struct parser *parser, enum fa_promql_kind kind,
                                       uint32_t from)
{
    struct fa_promql_node *node = fa_scratch_take(&parser->promql->arena, sizeof *node);
    node->kind = kind;
    node->from = from;
    return node;
}

/* The node is whole: its place, and what its parts may be. */
static int finish(struct parser *parser, struct fa_promql_node *node,
                  struct fa_promql_node **ret_node)
{
    node->to = (uint32_t)parser->end;
    *ret_node = node;
    if (parser->promql->arena.over) {
        return fa_err_at(parser->err, FA_ETOOBIG, NULL, 0, node->from + 1,
                         "the expression has too many parts");
    }
    return fa_promql_check(node, parser->err);
}

static int parse_expr(struct parser *parser, int precedence, struct fa_promql_node **ret_node);

/* ---- names of labels ---- */

static void sort_names(struct fa_str *items, size_t *count)
{
    size_t kept = 0;
    for (size_t i = 1; i < *count; i++) {
        for (size_t j = i; j > 0 && fa_str_cmp(items[j - 1], items[j]) > 0; j--) {
            struct fa_str other = items[j];
            items[j] = items[j - 1];
            items[j - 1] = other;
        }
    }
    for (size_t i = 0; i < *count; i++) {
        if (kept == 0 || !fa_str_eq(items[kept - 1], items[i])) {
            items[kept++] = items[i];
        }
    }
    *count = kept;
}

static int label_name(struct parser *parser, struct fa_str *ret_name)
{
    if (parser->token.kind == FA_TOKEN_STRING) {
        int ret = fa_lex_unquote(parser->token.text, parser->lexer.text, &parser->promql->arena,
                                 ret_name, parser->err);
        if (ret == 0 && (ret_name->len == 0 || !fa_utf8_valid(*ret_name))) {
            ret = refuse(parser, "the name of a label (not empty, UTF-8)");
        }
        return ret != 0 ? ret : take(parser);
    }
    if (parser->token.kind != FA_TOKEN_WORD) {
        return refuse(parser, "the name of a label");
    }
    *ret_name = parser->token.text;
    return take(parser);
}

/* "(a, b)", which may be empty and may end with a comma. */
static int name_list(struct parser *parser, struct fa_promql_names *ret_names)
{
    struct fa_str *items = fa_scratch_take(&parser->promql->arena, NAMES_MAX * sizeof *items);
    size_t count = 0;
    int ret = expect(parser, "(", "\"(\" and names of labels");
    while (ret == 0 && !at_sign(parser, ")")) {
        if (count == NAMES_MAX) {
            return refuse(parser, "\")\", since 64 labels are the most");
        }
        ret = label_name(parser, &items[count]);
        if (ret == 0) {
            count++;
            if (at_sign(parser, ",")) {
                ret = take(parser);
            } else if (!at_sign(parser, ")")) {
                ret = refuse(parser, "\",\" or \")\"");
            }
        }
    }
    if (ret == 0) {
        sort_names(items, &count);
        *ret_names = (struct fa_promql_names){items, count};
        ret = take(parser);
    }
    return ret;
}

/* ---- selectors ---- */

static void add_matcher(struct parser *parser, struct fa_promql_node *node, size_t *cap,
                        const struct fa_promql_matcher *matcher)
{
    node->u.selector.matchers =
        fa_scratch_grow(&parser->promql->arena, node->u.selector.matchers,
                        node->u.selector.matcher_count, cap, sizeof *matcher);
    node->u.selector.matchers[node->u.selector.matcher_count++] = *matcher;
}

/* The pattern's quote stands at `from`; escapes before an error shift its column a little. */
static int own_regex(struct parser *parser, struct fa_str pattern, uint32_t from,
                     struct fa_regex **ret_regex)
{
    int ret = fa_regex_new(pattern, ret_regex, parser->err);
    if (ret != 0) {
        parser->err->col += from + 1;
        return ret;
    }
    (*ret_regex)->next = parser->promql->regexes;
    parser->promql->regexes = *ret_regex;
    return 0;
}

static int matcher_value(struct parser *parser, struct fa_promql_matcher *matcher)
{
    uint32_t from = here(parser);
    int ret;
    if (parser->token.kind != FA_TOKEN_STRING) {
        return refuse(parser, "a text in quotes");
    }
    ret = fa_lex_unquote(parser->token.text, parser->lexer.text, &parser->promql->arena,
                         &matcher->value, parser->err);
    if (ret == 0 && !fa_utf8_valid(matcher->value)) {
        ret = refuse(parser, "a text in UTF-8");
    }
    if (ret == 0 && matcher->kind >= FA_MATCH_REGEX) {
        ret = own_regex(parser, matcher->value, from, &matcher->regex);
    }
    return ret != 0 ? ret : take(parser);
}

/* One of `name="value"`, `"quoted name"="value"` and `"metric name"`. */
static int matcher(struct parser *parser, struct fa_promql_node *node, size_t *cap)
{
    static const char *const signs[] = {"=", "!=", "=~", "!~"};
    struct fa_promql_matcher matcher = {.kind = FA_MATCH_EQUAL};
    bool quoted = parser->token.kind == FA_TOKEN_STRING;
    size_t kind;
    int ret = label_name(parser, &matcher.name);
    if (ret != 0) {
        return ret;
    }
    for (kind = 0; kind < 4 && !at_sign(parser, signs[kind]); kind++) {
    }
    if (kind == 4 && quoted) {
        matcher.value = matcher.name;
        matcher.name = FA_STR("__name__");
    } else if (kind == 4) {
        return refuse(parser, "\"=\", \"!=\", \"=~\" or \"!~\"");
    } else {
        matcher.kind = (enum fa_promql_match)kind;
        ret = take(parser);
        if (ret == 0) {
            ret = matcher_value(parser, &matcher);
        }
    }
    if (ret == 0) {
        add_matcher(parser, node, cap, &matcher);
    }
    return ret;
}

static int braces(struct parser *parser, struct fa_promql_node *node, size_t *cap)
{
    parser->mode = FA_LEX_BRACES;
    int ret = take(parser);
    while (ret == 0 && !at_sign(parser, "}")) {
        ret = matcher(parser, node, cap);
        if (ret == 0 && at_sign(parser, ",")) {
            ret = take(parser);
        } else if (ret == 0 && !at_sign(parser, "}")) {
            ret = refuse(parser, "\",\" or \"}\"");
        }
    }
    parser->mode = FA_LEX_EXPRESSION;
    return ret != 0 ? ret : take(parser);
}

/* The name, if there was one, has been taken. */
static int selector(struct parser *parser, struct fa_str name, uint32_t from,
                    struct fa_promql_node **ret_node)
{
    struct fa_promql_node *node = node_new(parser, FA_PROMQL_SELECTOR, from);
    size_t cap = 0;
    int ret = 0;
    node->u.selector.name = name;
    if (at_sign(parser, "{")) {
        ret = braces(parser, node, &cap);
    }
    if (ret != 0) {
        return ret;
    }
    if (name.len > 0) {
        add_matcher(parser, node, &cap,
                    &(struct fa_promql_matcher){FA_MATCH_EQUAL, FA_STR("__name__"), name, NULL});
    }
    node->u.selector.number = parser->promql->selector_count++;
    return finish(parser, node, ret_node);
}

/* ---- what follows a selector: [range], [range:step], offset, @ ---- */

static int duration(struct parser *parser, const char *wanted, fa_time *ret_ms)
{
    int ret;
    if (parser->token.kind != FA_TOKEN_NUMBER && parser->token.kind != FA_TOKEN_DURATION) {
        return refuse(parser, wanted);
    }
    ret = fa_promql_duration(parser->token.text, ret_ms);
    if (ret != 0) {
        return refuse(parser, ret == FA_ERANGE ? "a duration of at most a hundred years"
                                               : "a duration with falling units (1d2h, not 2h1d)");
    }
    return take(parser);
}

static int positive(struct parser *parser, fa_time *ret_ms)
{
    uint32_t from = here(parser);
    int ret = duration(parser, "a duration such as 5m", ret_ms);
    if (ret == 0 && *ret_ms <= 0) {
        return fa_err_at(parser->err, FA_EPARSE, NULL, 0, from + 1,
                         "a duration here must be more than 0");
    }
    return ret;
}

static int bracket(struct parser *parser, struct fa_promql_node *inner,
                   struct fa_promql_node **ret_node)
{
    struct fa_promql_node *node = inner;
    fa_time range = 0, step = 0;
    uint32_t open = here(parser);
    bool is_subquery;
    parser->mode = FA_LEX_BRACKET;
    int ret = take(parser);
    if (ret == 0) {
        ret = positive(parser, &range);
    }
    is_subquery = ret == 0 && at_sign(parser, ":");
    if (is_subquery) {
        ret = take(parser);
        if (ret == 0 && !at_sign(parser, "]")) {
            ret = positive(parser, &step);
        }
    }
    parser->mode = FA_LEX_EXPRESSION;
    if (ret == 0) {
        ret = expect(parser, "]", is_subquery ? "\"]\"" : "\"]\" or \":\"");
    }
    if (ret != 0) {
        return ret;
    }
    if (is_subquery) {
        node = node_new(parser, FA_PROMQL_SUBQUERY, inner->from);
        node->u.arg = inner;
        node->step = step;
    } else if (inner->kind != FA_PROMQL_SELECTOR || inner->range != 0 || inner->offset != 0 ||
               inner->at != FA_AT_NONE) {
        return fa_err_at(parser->err, FA_EPARSE, NULL, 0, open + 1,
                         "a range stands right behind a selector: \"offset\" and \"@\" follow it, "
                         "and another expression needs a step, as in [5m:1m]");
    }
    node->range = range;
    return finish(parser, node, ret_node);
}

static bool takes_modifier(const struct fa_promql_node *node)
{
    return node->kind == FA_PROMQL_SELECTOR || node->kind == FA_PROMQL_SUBQUERY;
}

static int modifier_refused(struct parser *parser, const struct fa_promql_node *node, bool twice)
{
    return fa_err_at(parser->err, FA_EPARSE, NULL, 0, here(parser) + 1,
                     twice ? "\"%.*s\" stands twice behind one selector"
                           : "\"%.*s\" goes behind a selector or a subquery, not behind %s",
                     (int)parser->token.text.len, parser->token.text.ptr,
                     fa_promql_type_name(node->type));
}

static int offset(struct parser *parser, struct fa_promql_node *node)
{
    bool minus = false;
    fa_time ms;
    if (!takes_modifier(node) || node->offset != 0) {
        return modifier_refused(parser, node, takes_modifier(node));
    }
    int ret = take(parser);
    if (ret == 0 && (at_sign(parser, "-") || at_sign(parser, "+"))) {
        minus = at_sign(parser, "-");
        ret = take(parser);
    }
    if (ret == 0) {
        ret = duration(parser, "a duration such as 5m", &ms);
    }
    if (ret == 0) {
        node->offset = minus ? -ms : ms;
    }
    return ret;
}

static int at_preprocessor(struct parser *parser, struct fa_promql_node *node)
{
    node->at = at_word(parser, "start") ? FA_AT_START : FA_AT_END;
    int ret = take(parser);
    if (ret == 0) {
        ret = expect(parser, "(", "\"()\"");
    }
    return ret != 0 ? ret : expect(parser, ")", "\")\"");
}

static int at(struct parser *parser, struct fa_promql_node *node)
{
    bool minus = false;
    double seconds;
    if (!takes_modifier(node) || node->at != FA_AT_NONE) {
        return modifier_refused(parser, node, takes_modifier(node));
    }
    int ret = take(parser);
    if (ret == 0 && (at_word(parser, "start") || at_word(parser, "end"))) {
        return at_preprocessor(parser, node);
    }
    if (ret == 0 && (at_sign(parser, "-") || at_sign(parser, "+"))) {
        minus = at_sign(parser, "-");
        ret = take(parser);
    }
    if (ret != 0) {
        return ret;
    }
    if (parser->token.kind == FA_TOKEN_DURATION) {
        ret = duration(parser, "a time", &node->at_time);
        node->at = FA_AT_TIME;
        node->at_time = minus ? -node->at_time : node->at_time;
        return ret;
    }
    if (parser->token.kind != FA_TOKEN_NUMBER || fa_lex_number(parser->token.text, &seconds) != 0 ||
        !(seconds < 1e14)) {
        return refuse(parser, "a time in seconds, start() or end()");
    }
    node->at = FA_AT_TIME;
    node->at_time = (fa_time)round((minus ? -seconds : seconds) * 1000);
    return take(parser);
}

static int postfix(struct parser *parser, struct fa_promql_node **node)
{
    for (;;) {
        int ret;
        if (at_sign(parser, "[")) {
            ret = bracket(parser, *node, node);
        } else if (at_word(parser, "offset")) {
            ret = offset(parser, *node);
        } else if (at_sign(parser, "@")) {
            ret = at(parser, *node);
        } else {
            return 0;
        }
        if (ret != 0) {
            return ret;
        }
        (*node)->to = (uint32_t)parser->end;
    }
}

/* ---- named expressions ---- */

static struct fa_promql_node *copy(struct parser *parser, const struct fa_promql_node *from)
{
    struct fa_scratch *arena = &parser->promql->arena;
    struct fa_promql_node *node = fa_scratch_copy(arena, from, sizeof *from);
    if (arena->over) {
        return node; /* refused by whoever finishes it */
    }
    switch (from->kind) {
    case FA_PROMQL_SELECTOR:
        /* A selector is known by its matchers, see query.h. */
        node->u.selector.matchers =
            fa_scratch_copy(arena, from->u.selector.matchers,
                            from->u.selector.matcher_count * sizeof *from->u.selector.matchers);
        node->u.selector.number = parser->promql->selector_count++;
        break;
    case FA_PROMQL_SUBQUERY:
    case FA_PROMQL_NEGATE:
    case FA_PROMQL_PAREN:
        node->u.arg = copy(parser, from->u.arg);
        break;
    case FA_PROMQL_CALL:
        node->u.call.args =
            fa_scratch_take(arena, from->u.call.count * sizeof(struct fa_promql_node *));
        for (size_t i = 0; i < from->u.call.count; i++) {
            node->u.call.args[i] = copy(parser, from->u.call.args[i]);
        }
        break;
    case FA_PROMQL_AGGREGATE:
        node->u.aggregate.arg = copy(parser, from->u.aggregate.arg);
        node->u.aggregate.param =
            from->u.aggregate.param != NULL ? copy(parser, from->u.aggregate.param) : NULL;
        break;
    case FA_PROMQL_BINARY:
        node->u.binary.left = copy(parser, from->u.binary.left);
        node->u.binary.right = copy(parser, from->u.binary.right);
        break;
    case FA_PROMQL_NUMBER:
    case FA_PROMQL_TEXT:
        break;
    }
    return node;
}

static const struct fa_promql_define *find_define(const struct parser *parser, struct fa_str name)
{
    for (size_t i = 0; i < parser->define_count; i++) {
        if (fa_str_is(name, parser->defines[i].name)) {
            return &parser->defines[i];
        }
    }
    return NULL;
}

/* A chain of operators is a tree as deep as it is long, and whoever walks it calls himself. */
static int count_operators(struct parser *parser, unsigned more, uint32_t at)
{
    parser->promql->operators += more;
    return parser->promql->operators <= FA_PROMQL_OPERATORS_MAX
               ? 0
               : fa_err_at(parser->err, FA_ETOOBIG, NULL, 0, at + 1,
                           "the expression has more than %d operators", FA_PROMQL_OPERATORS_MAX);
}

static int defined(struct parser *parser, const struct fa_promql_define *define, uint32_t from,
                   struct fa_promql_node **ret_node)
{
    struct fa_promql_node *node = node_new(parser, FA_PROMQL_PAREN, from);
    unsigned depth = parser->depth + define->promql->depth;
    if (at_sign(parser, "{")) {
        return fa_err_at(parser->err, FA_EPARSE, NULL, 0, here(parser) + 1,
                         "%s is a defined expression and takes no matchers", define->name);
    }
    if (depth > FA_PROMQL_DEPTH_MAX) {
        return fa_err_at(parser->err, FA_ETOOBIG, NULL, 0, from + 1,
                         "with %s the expression is nested more than %d deep", define->name,
                         FA_PROMQL_DEPTH_MAX);
    }
    parser->promql->depth = depth > parser->promql->depth ? depth : parser->promql->depth;
    int ret = count_operators(parser, define->promql->operators, from);
    if (ret != 0) {
        return ret;
    }
    node->define = define;
    node->u.arg = copy(parser, define->promql->root);
    return finish(parser, node, ret_node);
}

/* ---- calls and aggregations ---- */

static int arguments(struct parser *parser, struct fa_promql_node ***ret_args, size_t *ret_count)
{
    struct fa_promql_node **args = NULL;
    size_t count = 0, cap = 0;
    int ret = expect(parser, "(", "\"(\"");
    while (ret == 0 && (count > 0 || !at_sign(parser, ")"))) {
        if (count == ARGS_MAX) {
            return refuse(parser, "\")\", since 32 arguments are the most");
        }
        args = fa_scratch_grow(&parser->promql->arena, args, count, &cap,
                               sizeof(struct fa_promql_node *));
        ret = parse_expr(parser, 0, &args[count]);
        if (ret == 0) {
            count++;
            if (at_sign(parser, ")")) {
                break;
            }
            ret = expect(parser, ",", "\",\" or \")\"");
        }
    }
    if (ret == 0) {
        *ret_args = args;
        *ret_count = count;
        ret = take(parser);
    }
    return ret;
}

static int call(struct parser *parser, struct fa_str name, uint32_t from,
                struct fa_promql_node **ret_node)
{
    const char *names[FA_PROMQL_FN__COUNT] = {0};
    char word[64];
    size_t fn;
    for (fn = 0; fn < FA_PROMQL_FN__OWN && !fa_str_is(name, fa_promql_fns[fn].name); fn++) {
        names[fn] = fa_promql_fns[fn].name;
    }
    if (fn == FA_PROMQL_FN__OWN) {
        snprintf(word, sizeof word, "%.*s", FA_STR_ARG(name));
        return fa_promql_unknown(word, names, from, parser->err);
    }
    struct fa_promql_node *node = node_new(parser, FA_PROMQL_CALL, from);
    node->u.call.fn = (enum fa_promql_fn)fn;
    int ret = arguments(parser, &node->u.call.args, &node->u.call.count);
    if (ret == 0) {
        ret = finish(parser, node, ret_node);
    }
    if (ret == 0 && fn == FA_PROMQL_FN_LABEL_REPLACE) {
        const struct fa_promql_node *pattern = fa_promql_bare(node->u.call.args[4]);
        ret = own_regex(parser, pattern->u.text, pattern->from, &node->u.call.regex);
    }
    return ret;
}

static int grouping(struct parser *parser, struct fa_promql_node *node, bool *ret_seen)
{
    *ret_seen = at_word(parser, "by") || at_word(parser, "without");
    if (!*ret_seen) {
        return 0;
    }
    node->u.aggregate.without = at_word(parser, "without");
    int ret = take(parser);
    return ret != 0 ? ret : name_list(parser, &node->u.aggregate.names);
}

static int aggregate(struct parser *parser, enum fa_promql_agg agg, uint32_t from,
                     struct fa_promql_node **ret_node)
{
    struct fa_promql_node *node = node_new(parser, FA_PROMQL_AGGREGATE, from), **args = NULL;
    size_t count = 0, wanted = fa_promql_aggs[agg].param == '-' ? 1 : 2;
    bool seen;
    node->u.aggregate.agg = agg;
    int ret = grouping(parser, node, &seen);
    if (ret == 0) {
        ret = arguments(parser, &args, &count);
    }
    if (ret == 0 && !seen) {
        ret = grouping(parser, node, &seen);
    }
    if (ret != 0) {
        return ret;
    }
    if (count != wanted) {
        return fa_err_at(parser->err, FA_EPARSE, NULL, 0, from + 1,
                         "%s() takes %zu argument%s, not %zu", fa_promql_aggs[agg].name, wanted,
                         wanted == 1 ? "" : "s", count);
    }
    node->u.aggregate.arg = args[count - 1];
    node->u.aggregate.param = wanted == 2 ? args[0] : NULL;
    return finish(parser, node, ret_node);
}

/* ---- the smallest expressions ---- */

static int number(struct parser *parser, struct fa_promql_node **ret_node)
{
    struct fa_promql_node *node = node_new(parser, FA_PROMQL_NUMBER, here(parser));
    struct fa_str text = parser->token.text;
    fa_time ms;
    int ret;
    if (parser->token.kind == FA_TOKEN_WORD) {
        node->u.number = at_word(parser, "nan") ? (double)NAN : (double)INFINITY;
        ret = take(parser);
    } else if (parser->token.kind == FA_TOKEN_DURATION) {
        ret = duration(parser, "a duration", &ms);
        node->u.number = ret == 0 ? (double)ms / 1000 : 0;
    } else if (fa_lex_number(text, &node->u.number) != 0) {
        return refuse(parser, "a number that a double can hold");
    } else {
        ret = take(parser);
    }
    return ret != 0 ? ret : finish(parser, node, ret_node);
}

static int quoted(struct parser *parser, struct fa_promql_node **ret_node)
{
    struct fa_promql_node *node = node_new(parser, FA_PROMQL_TEXT, here(parser));
    int ret = fa_lex_unquote(parser->token.text, parser->lexer.text, &parser->promql->arena,
                             &node->u.text, parser->err);
    if (ret == 0) {
        ret = take(parser);
    }
    return ret != 0 ? ret : finish(parser, node, ret_node);
}

static int word(struct parser *parser, struct fa_promql_node **ret_node)
{
    static const char *const reserved[] = {"bool",       "on",          "ignoring",
                                           "group_left", "group_right", "atan2"};
    struct fa_str name = parser->token.text;
    uint32_t from = here(parser);
    size_t agg;
    if (at_word(parser, "inf") || at_word(parser, "nan")) {
        return number(parser, ret_node);
    }
    for (agg = 0; agg < FA_PROMQL_AGG__OWN && !at_word(parser, fa_promql_aggs[agg].name); agg++) {
    }
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++) {
        if (at_word(parser, reserved[i])) {
            return refuse(parser, "an expression");
        }
    }
    int ret = take(parser);
    if (ret != 0) {
        return ret;
    }
    if (agg < FA_PROMQL_AGG__OWN &&
        (at_sign(parser, "(") || at_word(parser, "by") || at_word(parser, "without"))) {
        return aggregate(parser, (enum fa_promql_agg)agg, from, ret_node);
    }
    if (at_sign(parser, "(")) {
        return call(parser, name, from, ret_node);
    }
    const struct fa_promql_define *define = find_define(parser, name);
    if (define != NULL) {
        return defined(parser, define, from, ret_node);
    }
    return selector(parser, name, from, ret_node);
}

static int paren(struct parser *parser, struct fa_promql_node **ret_node)
{
    struct fa_promql_node *node = node_new(parser, FA_PROMQL_PAREN, here(parser));
    int ret = take(parser);
    if (ret == 0) {
        ret = parse_expr(parser, 0, &node->u.arg);
    }
    if (ret == 0) {
        ret = expect(parser, ")", "an operator or \")\"");
    }
    return ret != 0 ? ret : finish(parser, node, ret_node);
}

static int primary(struct parser *parser, struct fa_promql_node **ret_node)
{
    int ret;
    switch (parser->token.kind) {
    case FA_TOKEN_NUMBER:
    case FA_TOKEN_DURATION:
        ret = number(parser, ret_node);
        break;
    case FA_TOKEN_STRING:
        ret = quoted(parser, ret_node);
        break;
    case FA_TOKEN_WORD:
        ret = word(parser, ret_node);
        break;
    case FA_TOKEN_SIGN:
    case FA_TOKEN_END:
    default:
        if (at_sign(parser, "(")) {
            ret = paren(parser, ret_node);
        } else if (at_sign(parser, "{")) {
            ret = selector(parser, (struct fa_str){NULL, 0}, here(parser), ret_node);
        } else {
            return refuse(parser, "an expression");
        }
    }
    return ret != 0 ? ret : postfix(parser, ret_node);
}

/* A minus binds as a multiplication does: -2^2 is -4. */
static int unary(struct parser *parser, struct fa_promql_node **ret_node)
{
    uint32_t from = here(parser);
    bool minus = at_sign(parser, "-");
    struct fa_promql_node *arg;
    if (!minus && !at_sign(parser, "+")) {
        return primary(parser, ret_node);
    }
    int ret = take(parser);
    if (ret == 0) {
        ret = parse_expr(parser, fa_promql_ops[FA_PROMQL_OP_POW].precedence, &arg);
    }
    if (ret != 0) {
        return ret;
    }
    if (arg->kind == FA_PROMQL_NUMBER) {
        arg->u.number = minus ? -arg->u.number : arg->u.number;
        arg->from = from;
        *ret_node = arg;
        return 0;
    }
    struct fa_promql_node *node = node_new(parser, FA_PROMQL_NEGATE, from);
    node->u.arg = arg;
    ret = finish(parser, node, ret_node);
    if (ret == 0 && !minus) {
        *ret_node = arg; /* a plus says nothing, once it is known to be allowed */
    }
    return ret;
}

/* ---- binary operators ---- */

static int vector_matching(struct parser *parser, struct fa_promql_node *node)
{
    int ret = 0;
    if (at_word(parser, "bool")) {
        node->u.binary.returns_bool = true;
        ret = take(parser);
    }
    if (ret != 0 || (!at_word(parser, "on") && !at_word(parser, "ignoring"))) {
        return ret;
    }
    node->u.binary.on = at_word(parser, "on");
    ret = take(parser);
    if (ret == 0) {
        ret = name_list(parser, &node->u.binary.names);
    }
    if (ret != 0 || (!at_word(parser, "group_left") && !at_word(parser, "group_right"))) {
        return ret;
    }
    node->u.binary.card = at_word(parser, "group_left") ? FA_CARD_MANY_TO_ONE : FA_CARD_ONE_TO_MANY;
    ret = take(parser);
    return ret == 0 && at_sign(parser, "(") ? name_list(parser, &node->u.binary.include) : ret;
}

static bool at_operator(const struct parser *parser, enum fa_promql_op *ret_op)
{
    for (int op = 0; op < FA_PROMQL_OP__COUNT; op++) {
        if (at_sign(parser, fa_promql_ops[op].name) || at_word(parser, fa_promql_ops[op].name)) {
            *ret_op = (enum fa_promql_op)op;
            return true;
        }
    }
    return false;
}

static int binary(struct parser *parser, enum fa_promql_op op, struct fa_promql_node **left)
{
    struct fa_promql_node *node = node_new(parser, FA_PROMQL_BINARY, (*left)->from);
    int precedence = fa_promql_ops[op].precedence;
    node->u.binary.op = op;
    node->u.binary.place = here(parser);
    node->u.binary.left = *left;
    int ret = count_operators(parser, 1, here(parser));
    ret = ret == 0 ? take(parser) : ret;
    if (ret == 0) {
        ret = vector_matching(parser, node);
    }
    if (ret == 0) {
        ret = parse_expr(parser, op == FA_PROMQL_OP_POW ? precedence : precedence + 1,
                         &node->u.binary.right);
    }
    return ret != 0 ? ret : finish(parser, node, left);
}

static int parse_expr(struct parser *parser, int precedence, struct fa_promql_node **ret_node)
{
    enum fa_promql_op op;
    if (parser->depth == FA_PROMQL_DEPTH_MAX) {
        return fa_err_at(parser->err, FA_ETOOBIG, NULL, 0, here(parser) + 1,
                         "the expression is nested more than %d deep", FA_PROMQL_DEPTH_MAX);
    }
    parser->depth++;
    if (parser->depth > parser->promql->depth) {
        parser->promql->depth = parser->depth;
    }
    int ret = unary(parser, ret_node);
    while (ret == 0 && at_operator(parser, &op) && fa_promql_ops[op].precedence >= precedence) {
        ret = binary(parser, op, ret_node);
    }
    parser->depth--;
    return ret;
}

int fa_promql_parse(struct fa_str text, struct fa_promql **ret, struct fa_err *err)
{
    return fa_promql_parse_with(text, NULL, 0, ret, err);
}

int fa_promql_parse_with(struct fa_str text, const struct fa_promql_define *defines, size_t count,
                         struct fa_promql **ret, struct fa_err *err)
{
    struct fa_promql *promql = fa_xcalloc(1, sizeof *promql);
    struct parser parser = {
        .promql = promql, .defines = defines, .define_count = count, .err = err};
    *err = (struct fa_err){0};
    if (text.len > FA_PROMQL_TEXT_MAX) {
        free(promql);
        return fa_err_set(err, FA_ETOOBIG, "the expression is longer than %zu bytes",
                          FA_PROMQL_TEXT_MAX);
    }
    fa_scratch_init(&promql->arena, (size_t)64 << 20);
    promql->text = parser.lexer.text = fa_scratch_str(&promql->arena, text);
    int code = fa_lex_next(&parser.lexer, FA_LEX_EXPRESSION, &parser.token, err);
    if (code == 0) {
        code = parse_expr(&parser, 0, &promql->root);
    }
    if (code == 0 && parser.token.kind != FA_TOKEN_END) {
        code = refuse(&parser, "an operator or the end");
    }
    if (code != 0) {
        fa_promql_free(promql);
        return code;
    }
    *ret = promql;
    return 0;
}

void fa_promql_free(struct fa_promql *promql)
{
    if (promql == NULL) {
        return;
    }
    while (promql->regexes != NULL) {
        struct fa_regex *next = promql->regexes->next;
        fa_regex_free(promql->regexes);
        promql->regexes = next;
    }
    fa_scratch_done(&promql->arena);
    free(promql);
}
