/* SPDX-License-Identifier: MIT */
/* Between which bounds each number of an expression lies, whatever the samples, and which
 * comparisons that decides.
 *
 * Bounds are kept for values that are numbers; NaN passes no comparison but !=, so "never" needs no
 * word about it and "always" is told only of what cannot be NaN. Rounding can move a bound by the
 * last bit: bounds come from what functions give by definition (a count, an hour of the day) and
 * from constants, and arithmetic on them is only as sharp as it is with doubles, the same doubles
 * that the evaluation has. */
#include "rules/plan.h"
#include "rules/sound_walk.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TEXT_MAX 120 /* bytes of a node shown */

struct range {
    double lo, hi;
    bool nan;   /* may be NaN */
    bool never; /* there is never a value, and that was told */
    bool guess; /* holds for what a function is meant for, not for all that it can be given */
};

static const struct range EVERY = {-INFINITY, INFINITY, true, false, false};

static struct range walk(struct fa_sound *sound, const struct fa_promql_node *node);
static bool filters(const struct fa_promql_node *node);

void fa_sound_tell(struct fa_sound *sound, bool is_error, const struct fa_promql_node *node,
                   const char *fmt, ...)
{
    char words[400];
    struct fa_buf text;
    va_list args;
    va_start(args, fmt);
    vsnprintf(words, sizeof words, fmt, args);
    va_end(args);
    fa_buf_init(&text, 1 << 20);
    fa_promql_format(node, &text);
    if (text.len > TEXT_MAX) {
        fa_buf_cut(&text, fa_utf8_cut(fa_buf_str(&text), TEXT_MAX));
        fa_buf_puts(&text, "...");
    }
    fa_buf_printf(&text, " %s", words);
    struct fa_sound_finding finding = {is_error, node, fa_buf_text(&text)};
    sound->fn(sound->ctx, &finding);
    fa_buf_done(&text);
}

static struct range between(double lo, double hi)
{
    return (struct range){lo, hi, false, false, false};
}

static struct range with(struct range range, double lo, double hi)
{
    range.lo = lo;
    range.hi = hi;
    return range;
}

/* ---------------------------------------------------------------------------------- comparisons */

static bool may_hold(enum fa_promql_op op, struct range left, struct range right)
{
    switch ((int)op) {
    case FA_PROMQL_OP_GT:
        return left.hi > right.lo;
    case FA_PROMQL_OP_GE:
        return left.hi >= right.lo;
    case FA_PROMQL_OP_LT:
        return left.lo < right.hi;
    case FA_PROMQL_OP_LE:
        return left.lo <= right.hi;
    case FA_PROMQL_OP_EQ:
        return left.lo <= right.hi && right.lo <= left.hi;
    default:
        return left.nan || right.nan || left.lo != left.hi || right.lo != right.hi ||
               left.lo != right.lo;
    }
}

static enum fa_promql_op opposite(enum fa_promql_op op)
{
    switch ((int)op) {
    case FA_PROMQL_OP_GT:
        return FA_PROMQL_OP_LE;
    case FA_PROMQL_OP_GE:
        return FA_PROMQL_OP_LT;
    case FA_PROMQL_OP_LT:
        return FA_PROMQL_OP_GE;
    case FA_PROMQL_OP_LE:
        return FA_PROMQL_OP_GT;
    case FA_PROMQL_OP_EQ:
        return FA_PROMQL_OP_NE;
    default:
        return FA_PROMQL_OP_EQ;
    }
}

/* What of `range` is left where it compares so with the other side. */
static struct range narrowed(enum fa_promql_op op, struct range range, struct range other)
{
    switch ((int)op) {
    case FA_PROMQL_OP_GT:
        range.lo = fmax(range.lo, nextafter(other.lo, INFINITY));
        break;
    case FA_PROMQL_OP_GE:
        range.lo = fmax(range.lo, other.lo);
        break;
    case FA_PROMQL_OP_LT:
        range.hi = fmin(range.hi, nextafter(other.hi, -INFINITY));
        break;
    case FA_PROMQL_OP_LE:
        range.hi = fmin(range.hi, other.hi);
        break;
    case FA_PROMQL_OP_EQ:
        range.lo = fmax(range.lo, other.lo);
        range.hi = fmin(range.hi, other.hi);
        break;
    default:
        return range;
    }
    range.nan = false;
    return range;
}

static const char *hint(const struct fa_promql_node *node)
{
    node = fa_promql_bare(node);
    if (node->kind == FA_PROMQL_AGGREGATE && node->u.aggregate.agg == FA_PROMQL_AGG_COUNT) {
        return "; a count of nothing is no value and not 0: use absent(...)";
    }
    if (node->kind == FA_PROMQL_CALL && node->u.call.fn == FA_PROMQL_FN_COUNT_OVER_TIME) {
        return "; a count of nothing is no value and not 0: use absent_over_time(...)";
    }
    return "";
}

/* Rounded, so that "over 5" reads as 5 and not as the next number after it. */
static const char *bounds(struct range range, char buf[100])
{
    if (range.lo == range.hi) {
        snprintf(buf, 100, "is always %.6g", range.lo);
    } else if (isinf(range.hi)) {
        snprintf(buf, 100, "is at least %.6g", range.lo);
    } else if (isinf(range.lo)) {
        snprintf(buf, 100, "is at most %.6g", range.hi);
    } else {
        snprintf(buf, 100, "is between %.6g and %.6g", range.lo, range.hi);
    }
    return buf;
}

/* True: it never holds. */
static bool judge(struct fa_sound *sound, const struct fa_promql_node *node, struct range left,
                  struct range right)
{
    enum fa_promql_op op = node->u.binary.op;
    char why[100];
    bool never = !may_hold(op, left, right);
    bool always = !never && !left.nan && !right.nan && !may_hold(opposite(op), left, right);
    bool tells_left = fa_promql_bare(node->u.binary.left)->kind != FA_PROMQL_NUMBER;
    const struct fa_promql_node *told = tells_left ? node->u.binary.left : node->u.binary.right;
    always = always && !filters(told); /* of what passed a filter, it is the filter that speaks */
    if (!never && !always) {
        return false;
    }
    (void)bounds(tells_left ? left : right, why);
    fa_sound_tell(sound, never && !left.guess && !right.guess && !node->u.binary.returns_bool, node,
                  "is %s true: its %s side %s%s", never ? "never" : "always",
                  tells_left ? "left" : "right", why, never ? hint(told) : "");
    return never;
}

/* A total that only grows is compared as it is. */
static void look_at_total(struct fa_sound *sound, const struct fa_promql_node *node)
{
    const struct fa_promql_node *left = fa_promql_bare(node->u.binary.left);
    bool grows = node->u.binary.op == FA_PROMQL_OP_GT || node->u.binary.op == FA_PROMQL_OP_GE;
    if (left->kind != FA_PROMQL_SELECTOR || !grows) {
        return;
    }
    struct fa_str name = left->u.selector.name;
    if (name.len > 6 && memcmp(name.ptr + name.len - 6, "_total", 6) == 0) {
        fa_sound_tell(sound, false, node,
                      "never clears once it is true, as a total only grows: compare "
                      "increase(%.*s[...]) or rate(...)",
                      (int)name.len, name.ptr);
    }
}

static struct range compare(struct fa_sound *sound, const struct fa_promql_node *node,
                            struct range left, struct range right)
{
    enum fa_promql_op op = node->u.binary.op;
    bool never = judge(sound, node, left, right);
    if (node->u.binary.returns_bool || node->type == FA_PROMQL_SCALAR) {
        return with(between(0, 1), 0, never ? 0 : 1);
    }
    look_at_total(sound, node);
    struct range result = narrowed(op, left, right);
    if (node->u.binary.left->type == FA_PROMQL_SCALAR) { /* then the vector's values are kept */
        static const enum fa_promql_op turned[FA_PROMQL_OP__COUNT] = {
            [FA_PROMQL_OP_EQ] = FA_PROMQL_OP_EQ, [FA_PROMQL_OP_NE] = FA_PROMQL_OP_NE,
            [FA_PROMQL_OP_LE] = FA_PROMQL_OP_GE, [FA_PROMQL_OP_LT] = FA_PROMQL_OP_GT,
            [FA_PROMQL_OP_GE] = FA_PROMQL_OP_LE, [FA_PROMQL_OP_GT] = FA_PROMQL_OP_LT,
        };
        result = narrowed(turned[op], right, left);
    }
    result.never = never;
    return result;
}

/* ----------------------------------------------------------------------------------- arithmetic */

static struct range spanned(const double *values, size_t count, struct range left,
                            struct range right)
{
    struct range range = {INFINITY, -INFINITY, left.nan || right.nan, false,
                          left.guess || right.guess};
    for (size_t i = 0; i < count; i++) {
        if (isnan(values[i])) {
            return with(EVERY, -INFINITY, INFINITY);
        }
        range.lo = fmin(range.lo, values[i]);
        range.hi = fmax(range.hi, values[i]);
    }
    return range;
}

static struct range multiply(struct range left, struct range right)
{
    const double values[] = {left.lo * right.lo, left.lo * right.hi, left.hi * right.lo,
                             left.hi * right.hi};
    return spanned(values, 4, left, right);
}

static struct range calculate(enum fa_promql_op op, struct range left, struct range right)
{
    const double sums[] = {left.lo + right.lo, left.hi + right.hi};
    const double differences[] = {left.lo - right.hi, left.hi - right.lo};
    switch ((int)op) {
    case FA_PROMQL_OP_ADD:
        return spanned(sums, 2, left, right);
    case FA_PROMQL_OP_SUB:
        return spanned(differences, 2, left, right);
    case FA_PROMQL_OP_MUL:
        return multiply(left, right);
    case FA_PROMQL_OP_DIV:
        if (right.lo <= 0 && right.hi >= 0) {
            bool positive = left.lo >= 0 && right.lo >= 0;
            struct range range = EVERY; /* 0 / 0 is NaN */
            range.guess = left.guess || right.guess;
            return with(range, positive ? 0 : -INFINITY, INFINITY);
        }
        return multiply(left,
                        (struct range){1 / right.hi, 1 / right.lo, right.nan, false, right.guess});
    default:
        return EVERY;
    }
}

/* ------------------------------------------------------------------------------------ functions */

static struct range rounded(struct range range, double (*function)(double))
{
    return with(range, function(range.lo), function(range.hi));
}

static struct range summed(struct range range)
{
    double lo = range.lo >= 0 ? range.lo : -INFINITY, hi = range.hi <= 0 ? range.hi : INFINITY;
    range.nan = range.nan || (isinf(range.lo) && isinf(range.hi));
    return with(range, lo, hi);
}

static struct range absolute(struct range range)
{
    double far = fmax(fabs(range.lo), fabs(range.hi));
    double near = range.lo <= 0 && range.hi >= 0 ? 0 : fmin(fabs(range.lo), fabs(range.hi));
    return with(range, near, far);
}

/* Where values are cut off: only constants tell anything. */
static struct range clamped(struct range range, const struct range *low, const struct range *high)
{
    if (low != NULL) {
        range.lo = fmax(range.lo, low->lo);
        range.hi = fmax(range.hi, low->hi);
    }
    if (high != NULL) {
        range.lo = fmin(range.lo, high->lo);
        range.hi = fmin(range.hi, high->hi);
    }
    return range;
}

static void look_at_quantile(struct fa_sound *sound, const struct fa_promql_node *node,
                             struct range share)
{
    char lo[32];
    if (share.lo == share.hi && (share.lo < 0 || share.lo > 1)) {
        fa_sound_tell(sound, true, node,
                      "asks for a quantile of %s, which lies in 0..1; 90 %% is 0.9",
                      fa_format_double(share.lo, lo));
    }
}

/* Bounds that a function has by its meaning; false: by its arguments, or none. */
static bool known(enum fa_promql_fn fn, struct range *ret_range)
{
    static const struct {
        double lo, hi;
        bool set, nan, guess;
    } all[FA_PROMQL_FN__COUNT] = {
        [FA_PROMQL_FN_ABSENT] = {1, 1, true, false, false},
        [FA_PROMQL_FN_ABSENT_OVER_TIME] = {1, 1, true, false, false},
        [FA_PROMQL_FN_PRESENT_OVER_TIME] = {1, 1, true, false, false},
        [FA_PROMQL_FN_COUNT_OVER_TIME] = {1, INFINITY, true, false, false},
        [FA_PROMQL_FN_CHANGES] = {0, INFINITY, true, false, false},
        [FA_PROMQL_FN_RESETS] = {0, INFINITY, true, false, false},
        [FA_PROMQL_FN_STDDEV_OVER_TIME] = {0, INFINITY, true, true, false},
        [FA_PROMQL_FN_STDVAR_OVER_TIME] = {0, INFINITY, true, true, false},
        [FA_PROMQL_FN_MAD_OVER_TIME] = {0, INFINITY, true, true, false},
        [FA_PROMQL_FN_EXP] = {0, INFINITY, true, true, false},
        [FA_PROMQL_FN_SQRT] = {0, INFINITY, true, true, false},
        [FA_PROMQL_FN_COSH] = {1, INFINITY, true, true, false},
        [FA_PROMQL_FN_SGN] = {-1, 1, true, true, false},
        [FA_PROMQL_FN_SIN] = {-1, 1, true, true, false},
        [FA_PROMQL_FN_COS] = {-1, 1, true, true, false},
        [FA_PROMQL_FN_TANH] = {-1, 1, true, true, false},
        [FA_PROMQL_FN_HISTOGRAM_FRACTION] = {0, 1, true, true, false},
        [FA_PROMQL_FN_MINUTE] = {0, 59, true, true, false},
        [FA_PROMQL_FN_HOUR] = {0, 23, true, true, false},
        [FA_PROMQL_FN_DAY_OF_WEEK] = {0, 6, true, true, false},
        [FA_PROMQL_FN_DAY_OF_MONTH] = {1, 31, true, true, false},
        [FA_PROMQL_FN_DAY_OF_YEAR] = {1, 366, true, true, false},
        [FA_PROMQL_FN_DAYS_IN_MONTH] = {28, 31, true, true, false},
        [FA_PROMQL_FN_MONTH] = {1, 12, true, true, false},
        [FA_PROMQL_FN_RATE] = {0, INFINITY, true, true, true},
        [FA_PROMQL_FN_IRATE] = {0, INFINITY, true, true, true},
        [FA_PROMQL_FN_INCREASE] = {0, INFINITY, true, true, true},
    };
    *ret_range = (struct range){all[fn].lo, all[fn].hi, all[fn].nan, false, all[fn].guess};
    return all[fn].set;
}

static struct range of_args(struct fa_sound *sound, const struct fa_promql_node *node,
                            const struct range *args)
{
    switch ((int)node->u.call.fn) {
    case FA_PROMQL_FN_ABS:
        return absolute(args[0]);
    case FA_PROMQL_FN_CEIL:
        return rounded(args[0], ceil);
    case FA_PROMQL_FN_FLOOR:
        return rounded(args[0], floor);
    case FA_PROMQL_FN_CLAMP:
        return clamped(args[0], &args[1], &args[2]);
    case FA_PROMQL_FN_CLAMP_MIN:
        return clamped(args[0], &args[1], NULL);
    case FA_PROMQL_FN_CLAMP_MAX:
        return clamped(args[0], NULL, &args[1]);
    case FA_PROMQL_FN_SUM_OVER_TIME:
        return summed(args[0]);
    case FA_PROMQL_FN_QUANTILE_OVER_TIME:
        look_at_quantile(sound, node, args[0]);
        return args[1];
    case FA_PROMQL_FN_HISTOGRAM_QUANTILE:
        look_at_quantile(sound, node, args[0]);
        return EVERY;
    case FA_PROMQL_FN_AVG_OVER_TIME:
    case FA_PROMQL_FN_LAST_OVER_TIME:
    case FA_PROMQL_FN_MAX_OVER_TIME:
    case FA_PROMQL_FN_MIN_OVER_TIME:
    case FA_PROMQL_FN_LABEL_JOIN:
    case FA_PROMQL_FN_LABEL_REPLACE:
    case FA_PROMQL_FN_SORT:
    case FA_PROMQL_FN_SORT_BY_LABEL:
    case FA_PROMQL_FN_SORT_BY_LABEL_DESC:
    case FA_PROMQL_FN_SORT_DESC:
    case FA_PROMQL_FN_VECTOR:
        return args[0];
    case FA_PROMQL_FN_SCALAR: { /* of none or several elements it is NaN */
        struct range range = args[0];
        range.nan = true;
        return range;
    }
    default:
        return EVERY;
    }
}

/* A value is there as soon as its operand is; without it only for these. */
static bool speaks_of_nothing(enum fa_promql_fn fn)
{
    return fn == FA_PROMQL_FN_ABSENT || fn == FA_PROMQL_FN_ABSENT_OVER_TIME ||
           fn == FA_PROMQL_FN_SCALAR;
}

static struct range call(struct fa_sound *sound, const struct fa_promql_node *node)
{
    struct range args[5] = {EVERY, EVERY, EVERY, EVERY, EVERY}, range;
    bool never = false;
    for (size_t i = 0; i < node->u.call.count; i++) {
        struct range arg = walk(sound, node->u.call.args[i]);
        never = never || arg.never;
        args[i < 5 ? i : 4] = arg;
    }
    bool is_known = known(node->u.call.fn, &range);
    range = is_known ? range : of_args(sound, node, args);
    range.never = never && !speaks_of_nothing(node->u.call.fn);
    if (!range.never && !fa_sound_buckets(sound, node)) {
        range.never = true;
    }
    return range;
}

static struct range aggregate(struct fa_sound *sound, const struct fa_promql_node *node)
{
    struct range range = walk(sound, node->u.aggregate.arg), param = EVERY;
    bool never = range.never;
    if (node->u.aggregate.param != NULL) {
        param = walk(sound, node->u.aggregate.param);
    }
    switch ((int)node->u.aggregate.agg) {
    case FA_PROMQL_AGG_SUM:
        range = summed(range);
        break;
    case FA_PROMQL_AGG_COUNT:
    case FA_PROMQL_AGG_COUNT_VALUES:
        range = between(1, INFINITY);
        break;
    case FA_PROMQL_AGG_GROUP:
        range = between(1, 1);
        break;
    case FA_PROMQL_AGG_STDDEV:
    case FA_PROMQL_AGG_STDVAR:
        range = with(EVERY, 0, INFINITY);
        break;
    case FA_PROMQL_AGG_QUANTILE:
        look_at_quantile(sound, node, param);
        break;
    default: /* of the elements themselves, or between them */
        break;
    }
    range.never = never;
    return range;
}

/* ------------------------------------------------------------------------------------ operators */

/* The vector whose elements a filter lets through: `x > 5` is about x. */
static const struct fa_promql_node *filtered(const struct fa_promql_node *node)
{
    node = fa_promql_bare(node);
    while (node->kind == FA_PROMQL_BINARY && fa_promql_op_compares(node->u.binary.op) &&
           !node->u.binary.returns_bool && node->u.binary.left->type == FA_PROMQL_VECTOR) {
        node = fa_promql_bare(node->u.binary.left);
    }
    return node;
}

static bool same_text(const struct fa_promql_node *a, const struct fa_promql_node *b)
{
    struct fa_buf of_a, of_b;
    fa_buf_init(&of_a, 1 << 20);
    fa_buf_init(&of_b, 1 << 20);
    fa_promql_format(a, &of_a);
    fa_promql_format(b, &of_b);
    bool same = fa_str_eq(fa_buf_str(&of_a), fa_buf_str(&of_b));
    fa_buf_done(&of_a);
    fa_buf_done(&of_b);
    return same;
}

/* `x > 5 and x < 3`: each side holds now and then, never both. */
static struct range both(struct fa_sound *sound, const struct fa_promql_node *node,
                         struct range left, struct range right)
{
    if (node->u.binary.on || node->u.binary.names.count > 0 ||
        !same_text(filtered(node->u.binary.left), filtered(node->u.binary.right))) {
        return left;
    }
    struct range range = with(left, fmax(left.lo, right.lo), fmin(left.hi, right.hi));
    if (range.lo > range.hi) {
        fa_sound_tell(sound, true, node, "is never true: its two sides contradict each other");
        range.never = true;
    }
    return range;
}

static struct range set(struct fa_sound *sound, const struct fa_promql_node *node,
                        struct range left, struct range right)
{
    switch ((int)node->u.binary.op) {
    case FA_PROMQL_OP_AND:
        left = both(sound, node, left, right);
        left.never = left.never || right.never;
        return left;
    case FA_PROMQL_OP_UNLESS:
        return left;
    default:
        if (left.never || right.never) {
            return left.never ? right : left;
        }
        left.lo = fmin(left.lo, right.lo);
        left.hi = fmax(left.hi, right.hi);
        left.nan = left.nan || right.nan;
        left.guess = left.guess || right.guess;
        return left;
    }
}

static struct range binary(struct fa_sound *sound, const struct fa_promql_node *node)
{
    enum fa_promql_op op = node->u.binary.op;
    struct range left = walk(sound, node->u.binary.left);
    struct range right = walk(sound, node->u.binary.right), range;
    bool needs_both = op != FA_PROMQL_OP_OR && op != FA_PROMQL_OP_UNLESS;
    bool never = needs_both ? left.never || right.never : op == FA_PROMQL_OP_UNLESS && left.never;
    if (never) {
        range = EVERY;
    } else if (fa_promql_op_is_set(op)) {
        range = set(sound, node, left, right);
    } else if (fa_promql_op_compares(op)) {
        range = compare(sound, node, left, right);
    } else {
        range = calculate(op, left, right);
    }
    never = never || range.never;
    if (!never && node->u.binary.left->type == FA_PROMQL_VECTOR &&
        node->u.binary.right->type == FA_PROMQL_VECTOR) {
        never = !fa_sound_match(sound, node);
    }
    range.never = never;
    return range;
}

static struct range walk(struct fa_sound *sound, const struct fa_promql_node *node)
{
    struct range range;
    switch ((int)node->kind) {
    case FA_PROMQL_NUMBER:
        range = between(node->u.number, node->u.number);
        return isnan(node->u.number) ? EVERY : range;
    case FA_PROMQL_SELECTOR:
        range = EVERY;
        range.never = !fa_sound_selector(sound, node);
        return range;
    case FA_PROMQL_CALL:
        return call(sound, node);
    case FA_PROMQL_AGGREGATE:
        return aggregate(sound, node);
    case FA_PROMQL_BINARY:
        return binary(sound, node);
    case FA_PROMQL_NEGATE:
        range = walk(sound, node->u.arg);
        return with(range, -range.hi, -range.lo);
    case FA_PROMQL_SUBQUERY:
    case FA_PROMQL_PAREN:
        return walk(sound, node->u.arg);
    case FA_PROMQL_TEXT:
    default:
        return EVERY;
    }
}

/* Can a label set with data be left out of what it gives? */
static bool filters(const struct fa_promql_node *node)
{
    switch ((int)node->kind) {
    case FA_PROMQL_CALL:
        if (speaks_of_nothing(node->u.call.fn)) {
            return node->type == FA_PROMQL_VECTOR;
        }
        for (size_t i = 0; i < node->u.call.count; i++) {
            if (filters(node->u.call.args[i])) {
                return true;
            }
        }
        return false;
    case FA_PROMQL_AGGREGATE:
        return node->u.aggregate.param != NULL || filters(node->u.aggregate.arg);
    case FA_PROMQL_BINARY:
        return (fa_promql_op_compares(node->u.binary.op) && !node->u.binary.returns_bool) ||
               node->u.binary.op == FA_PROMQL_OP_AND || node->u.binary.op == FA_PROMQL_OP_UNLESS ||
               filters(node->u.binary.left) || filters(node->u.binary.right);
    case FA_PROMQL_SUBQUERY:
    case FA_PROMQL_NEGATE:
    case FA_PROMQL_PAREN:
        return filters(node->u.arg);
    default:
        return false;
    }
}

void fa_sound(const struct fa_promql *promql, fa_sound_fn *fn, void *ctx)
{
    struct fa_sound sound = {fn, ctx};
    (void)walk(&sound, promql->root);
    const struct fa_promql_node *root = fa_promql_bare(promql->root);
    if (root->kind == FA_PROMQL_BINARY && root->u.binary.returns_bool) {
        fa_sound_tell(&sound, false, root,
                      "gives 0 or 1 for every label set, so that each fires while it has data: "
                      "leave out bool");
    } else if (!filters(root)) {
        fa_sound_tell(&sound, false, root,
                      "has no comparison: every label set fires while it has data");
    }
}

/* != leaves out a point and no range. */
static bool is_threshold(const struct fa_promql_node *node)
{
    return node->kind == FA_PROMQL_BINARY && fa_promql_op_compares(node->u.binary.op) &&
           node->u.binary.op != FA_PROMQL_OP_NE && !node->u.binary.returns_bool &&
           node->u.binary.left->type == FA_PROMQL_VECTOR &&
           fa_promql_bare(node->u.binary.right)->kind == FA_PROMQL_NUMBER;
}

static struct range passed(const struct fa_promql_node *node)
{
    double limit = fa_promql_bare(node->u.binary.right)->u.number;
    return narrowed(node->u.binary.op, EVERY, between(limit, limit));
}

static bool has_all(const struct fa_promql_names *some, const struct fa_promql_names *all)
{
    size_t found = 0;
    for (size_t i = 0; i < all->count; i++) {
        for (size_t k = 0; k < some->count; k++) {
            if (fa_str_eq(some->items[k], all->items[i])) {
                found++;
                break;
            }
        }
    }
    return found == all->count;
}

void fa_sound_clear(const struct fa_promql *promql, const struct fa_promql *clear, fa_sound_fn *fn,
                    void *ctx)
{
    struct fa_sound sound = {fn, ctx};
    const struct fa_promql_node *fires = fa_promql_bare(promql->root);
    const struct fa_promql_node *clears = fa_promql_bare(clear->root);
    struct fa_promql_names own, other;
    if (fa_plan_labels(promql, &own) && fa_plan_labels(clear, &other) &&
        !(has_all(&own, &other) && has_all(&other, &own))) {
        fa_sound_tell(&sound, true, clears,
                      "has other labels than what fires: it never yields the same label set, and "
                      "the alarm never clears");
        return;
    }
    if (!is_threshold(fires) || !is_threshold(clears) ||
        !same_text(fa_promql_bare(fires->u.binary.left), fa_promql_bare(clears->u.binary.left))) {
        return;
    }
    struct range above = passed(fires), below = passed(clears);
    if (fmax(above.lo, below.lo) <= fmin(above.hi, below.hi)) {
        fa_sound_tell(&sound, true, clears,
                      "holds for values that fire, too: what clears lies beyond the threshold, on "
                      "its other side");
    }
}
