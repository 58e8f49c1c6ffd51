/* SPDX-License-Identifier: MIT */
/* Which labels the elements of a vector can have, asked of the tree for one name at a time, and
 * whether two vectors can meet by them.
 *
 * A label is fixed (one value), present (some value), empty, or any of it. Two sides never meet
 * when one name of their match is fixed to two values, or there on one side and empty on the other.
 * What could meet only in series that lack a label others of them have is a warning: that is what
 * `sum by (queue) (a) / sum(b)` says, and nearly never what was meant. */
#include "rules/regex.h"
#include "rules/sound_walk.h"

#include <string.h>

#define NAMES_MAX 32 /* told apart in one match; more are not looked at */

enum state { ANY, EMPTY, PRESENT, FIXED };

struct label {
    enum state state;
    struct fa_str value; /* of a fixed one */
};

static struct label label_of(const struct fa_promql_node *node, struct fa_str name);

static bool holds(const struct fa_promql_names *names, struct fa_str name)
{
    for (size_t i = 0; i < names->count; i++) {
        if (fa_str_eq(names->items[i], name)) {
            return true;
        }
    }
    return false;
}

static bool takes(const struct fa_promql_matcher *matcher, struct fa_str value)
{
    switch (matcher->kind) {
    case FA_MATCH_EQUAL:
        return fa_str_eq(matcher->value, value);
    case FA_MATCH_NOT_EQUAL:
        return !fa_str_eq(matcher->value, value);
    case FA_MATCH_REGEX:
        return fa_regex_matches(matcher->regex, value);
    case FA_MATCH_NOT_REGEX:
    default:
        return !fa_regex_matches(matcher->regex, value);
    }
}

static struct label of_selector(const struct fa_promql_node *node, struct fa_str name)
{
    struct label label = {ANY, FA_STR("")};
    for (size_t i = 0; i < node->u.selector.matcher_count; i++) {
        const struct fa_promql_matcher *matcher = &node->u.selector.matchers[i];
        if (!fa_str_eq(matcher->name, name)) {
            continue;
        }
        if (matcher->kind == FA_MATCH_EQUAL) {
            return (struct label){matcher->value.len > 0 ? FIXED : EMPTY, matcher->value};
        }
        label.state = takes(matcher, FA_STR("")) ? label.state : PRESENT;
    }
    return label;
}

static const struct fa_promql_node *vector_arg(const struct fa_promql_node *call)
{
    for (size_t i = 0; i < call->u.call.count; i++) {
        enum fa_promql_type type = call->u.call.args[i]->type;
        if (type == FA_PROMQL_VECTOR || type == FA_PROMQL_MATRIX) {
            return call->u.call.args[i];
        }
    }
    return NULL;
}

static struct label of_call(const struct fa_promql_node *node, struct fa_str name)
{
    const struct fa_promql_node *arg = vector_arg(node);
    switch ((int)node->u.call.fn) {
    case FA_PROMQL_FN_ABSENT:
    case FA_PROMQL_FN_ABSENT_OVER_TIME:
        return (struct label){ANY, FA_STR("")};
    case FA_PROMQL_FN_LABEL_REPLACE:
    case FA_PROMQL_FN_LABEL_JOIN:
        if (fa_str_eq(node->u.call.args[1]->u.text, name)) {
            return (struct label){ANY, FA_STR("")};
        }
        break;
    case FA_PROMQL_FN_HISTOGRAM_QUANTILE:
    case FA_PROMQL_FN_HISTOGRAM_FRACTION:
        if (fa_str_is(name, "le")) {
            return (struct label){EMPTY, FA_STR("")};
        }
        break;
    default:
        break;
    }
    return arg != NULL ? label_of(arg, name) : (struct label){EMPTY, FA_STR("")};
}

/* topk and its like choose among their elements and leave them as they are. */
static bool chooses(enum fa_promql_agg agg)
{
    return agg == FA_PROMQL_AGG_TOPK || agg == FA_PROMQL_AGG_BOTTOMK ||
           agg == FA_PROMQL_AGG_LIMITK || agg == FA_PROMQL_AGG_LIMIT_RATIO;
}

static struct label of_aggregate(const struct fa_promql_node *node, struct fa_str name)
{
    if (node->u.aggregate.agg == FA_PROMQL_AGG_COUNT_VALUES) {
        const struct fa_promql_node *param = fa_promql_bare(node->u.aggregate.param);
        if (fa_str_eq(param->u.text, name)) {
            return (struct label){PRESENT, FA_STR("")};
        }
    }
    if (chooses(node->u.aggregate.agg) ||
        holds(&node->u.aggregate.names, name) != node->u.aggregate.without) {
        return label_of(node->u.aggregate.arg, name);
    }
    return (struct label){EMPTY, FA_STR("")};
}

static bool is_vector(const struct fa_promql_node *node)
{
    return node->type == FA_PROMQL_VECTOR;
}

static struct label of_binary(const struct fa_promql_node *node, struct fa_str name)
{
    const struct fa_promql_node *left = node->u.binary.left, *right = node->u.binary.right;
    if (!is_vector(left) || !is_vector(right)) {
        return label_of(is_vector(left) ? left : right, name);
    }
    struct label of_left = label_of(left, name), of_right = label_of(right, name);
    if (node->u.binary.op == FA_PROMQL_OP_OR) {
        bool same = of_left.state == of_right.state && fa_str_eq(of_left.value, of_right.value);
        return same ? of_left : (struct label){ANY, FA_STR("")};
    }
    if (fa_promql_op_is_set(node->u.binary.op)) {
        return of_left;
    }
    if (node->u.binary.card != FA_CARD_ONE_TO_ONE) {
        bool many_left = node->u.binary.card == FA_CARD_MANY_TO_ONE;
        return holds(&node->u.binary.include, name) == many_left ? of_right : of_left;
    }
    if (holds(&node->u.binary.names, name) != node->u.binary.on) {
        return (struct label){EMPTY, FA_STR("")};
    }
    return of_left.state >= of_right.state ? of_left : of_right;
}

static struct label label_of(const struct fa_promql_node *node, struct fa_str name)
{
    switch ((int)node->kind) {
    case FA_PROMQL_SELECTOR:
        return of_selector(node, name);
    case FA_PROMQL_CALL:
        return of_call(node, name);
    case FA_PROMQL_AGGREGATE:
        return of_aggregate(node, name);
    case FA_PROMQL_BINARY:
        return of_binary(node, name);
    case FA_PROMQL_SUBQUERY:
    case FA_PROMQL_NEGATE:
    case FA_PROMQL_PAREN:
        return label_of(node->u.arg, name);
    case FA_PROMQL_NUMBER:
    case FA_PROMQL_TEXT:
    default:
        return (struct label){EMPTY, FA_STR("")};
    }
}

/* Has it no labels but those that its text names? */
static bool is_closed(const struct fa_promql_node *node)
{
    switch ((int)node->kind) {
    case FA_PROMQL_AGGREGATE:
        return (!node->u.aggregate.without && !chooses(node->u.aggregate.agg)) ||
               is_closed(node->u.aggregate.arg);
    case FA_PROMQL_CALL: {
        const struct fa_promql_node *arg = vector_arg(node);
        return arg == NULL || node->u.call.fn == FA_PROMQL_FN_ABSENT ||
               node->u.call.fn == FA_PROMQL_FN_ABSENT_OVER_TIME || is_closed(arg);
    }
    case FA_PROMQL_BINARY: {
        const struct fa_promql_node *left = node->u.binary.left, *right = node->u.binary.right;
        if (!is_vector(left) || !is_vector(right)) {
            return is_closed(is_vector(left) ? left : right);
        }
        bool set = fa_promql_op_is_set(node->u.binary.op);
        if (!set && node->u.binary.card == FA_CARD_ONE_TO_ONE && node->u.binary.on) {
            return true;
        }
        return is_closed(left) && (node->u.binary.op != FA_PROMQL_OP_OR || is_closed(right));
    }
    case FA_PROMQL_SUBQUERY:
    case FA_PROMQL_NEGATE:
    case FA_PROMQL_PAREN:
        return is_closed(node->u.arg);
    default:
        return false;
    }
}

/* ------------------------------------------------------------------------------ names in a tree */

struct names {
    struct fa_str items[NAMES_MAX];
    size_t count;
};

static void add_name(struct names *names, struct fa_str name)
{
    for (size_t i = 0; i < names->count; i++) {
        if (fa_str_eq(names->items[i], name)) {
            return;
        }
    }
    if (names->count < NAMES_MAX && !fa_str_is(name, "__name__")) {
        names->items[names->count++] = name;
    }
}

static void add_names(struct names *names, const struct fa_promql_names *more)
{
    for (size_t i = 0; i < more->count; i++) {
        add_name(names, more->items[i]);
    }
}

/* Those that the text speaks of: of all others nothing is known on either side. */
static void collect(struct names *names, const struct fa_promql_node *node)
{
    switch ((int)node->kind) {
    case FA_PROMQL_SELECTOR:
        for (size_t i = 0; i < node->u.selector.matcher_count; i++) {
            add_name(names, node->u.selector.matchers[i].name);
        }
        break;
    case FA_PROMQL_CALL:
        for (size_t i = 0; i < node->u.call.count; i++) {
            collect(names, node->u.call.args[i]);
        }
        break;
    case FA_PROMQL_TEXT: /* what count_values and label_replace make */
        add_name(names, node->u.text);
        break;
    case FA_PROMQL_AGGREGATE:
        if (node->u.aggregate.param != NULL) {
            collect(names, node->u.aggregate.param);
        }
        add_names(names, &node->u.aggregate.names);
        collect(names, node->u.aggregate.arg);
        break;
    case FA_PROMQL_BINARY:
        add_names(names, &node->u.binary.names);
        add_names(names, &node->u.binary.include);
        collect(names, node->u.binary.left);
        collect(names, node->u.binary.right);
        break;
    case FA_PROMQL_SUBQUERY:
    case FA_PROMQL_NEGATE:
    case FA_PROMQL_PAREN:
        collect(names, node->u.arg);
        break;
    case FA_PROMQL_NUMBER:
    default:
        break;
    }
}

/* ------------------------------------------------------------------------------------- findings */

bool fa_sound_selector(struct fa_sound *sound, const struct fa_promql_node *node)
{
    const struct fa_promql_matcher *matchers = node->u.selector.matchers;
    for (size_t i = 0; i < node->u.selector.matcher_count; i++) {
        if (matchers[i].kind != FA_MATCH_EQUAL) {
            continue;
        }
        for (size_t k = 0; k < node->u.selector.matcher_count; k++) {
            if (k != i && fa_str_eq(matchers[k].name, matchers[i].name) &&
                !takes(&matchers[k], matchers[i].value)) {
                fa_sound_tell(sound, true, node,
                              "finds no series: no label %.*s is \"%.*s\" and passes the other "
                              "matcher on it",
                              (int)matchers[i].name.len, matchers[i].name.ptr,
                              (int)matchers[i].value.len, matchers[i].value.ptr);
                return false;
            }
        }
    }
    return true;
}

static bool is_there(struct label label)
{
    return label.state == PRESENT || label.state == FIXED;
}

/* How the sides stand to each other in one name: 0 they may meet, 1 only where it is empty, 2
 * never.
 */
static int conflict(struct label left, struct label right)
{
    if (left.state == FIXED && right.state == FIXED) {
        return fa_str_eq(left.value, right.value) ? 0 : 2;
    }
    if (left.state == EMPTY || right.state == EMPTY) {
        struct label other = left.state == EMPTY ? right : left;
        return is_there(other) ? 2 : other.state == ANY;
    }
    return 0;
}

static void tell_never(struct fa_sound *sound, const struct fa_promql_node *node,
                       struct fa_str name)
{
    bool unless = node->u.binary.op == FA_PROMQL_OP_UNLESS;
    fa_sound_tell(sound, !unless, node,
                  "%s: its two sides never agree in label %.*s; name the labels that both have "
                  "with on(...)",
                  unless ? "takes nothing away" : "never gives anything", (int)name.len, name.ptr);
}

bool fa_sound_match(struct fa_sound *sound, const struct fa_promql_node *node)
{
    const struct fa_promql_node *left = node->u.binary.left, *right = node->u.binary.right;
    struct names names = {.count = 0};
    bool is_told = false;
    if (node->u.binary.op == FA_PROMQL_OP_OR) {
        return true;
    }
    collect(&names, left);
    collect(&names, right);
    for (size_t i = 0; i < names.count; i++) {
        struct fa_str name = names.items[i];
        if (holds(&node->u.binary.names, name) != node->u.binary.on) {
            continue;
        }
        int how = conflict(label_of(left, name), label_of(right, name));
        if (how == 2) {
            tell_never(sound, node, name);
            return node->u.binary.op == FA_PROMQL_OP_UNLESS;
        }
        if (how == 1 && !is_told && is_closed(left) && is_closed(right)) {
            is_told = true;
            fa_sound_tell(sound, false, node,
                          "gives something only where label %.*s is empty, as one side does not "
                          "have it: aggregate both by the same labels, or use on(...) with "
                          "group_left or group_right",
                          (int)name.len, name.ptr);
        }
    }
    if (!node->u.binary.on && is_closed(left) != is_closed(right)) {
        fa_sound_tell(sound, false, node,
                      "matches all labels of series on its %s with the few that the other side "
                      "has: aggregate both by the same labels, or use on(...) with group_left or "
                      "group_right",
                      is_closed(left) ? "right" : "left");
    }
    return true;
}

bool fa_sound_buckets(struct fa_sound *sound, const struct fa_promql_node *node)
{
    enum fa_promql_fn fn = node->u.call.fn;
    if ((fn != FA_PROMQL_FN_HISTOGRAM_QUANTILE && fn != FA_PROMQL_FN_HISTOGRAM_FRACTION) ||
        label_of(vector_arg(node), FA_STR("le")).state != EMPTY) {
        return true;
    }
    fa_sound_tell(sound, true, node,
                  "never gives anything: what it reads has lost the label le, which tells one "
                  "bucket from another; keep it, as in sum by (le, ...)");
    return false;
}
