/* SPDX-License-Identifier: MIT */
/* Walks an expression twice: for its selectors, and for the key that tells its label sets apart.
 *
 * Keyed is, with one metric's name in each selector, what keeps each element within its key:
 *   a selector, a function of a range of it         all labels
 *   a function of one element, a sign               the key of its argument
 *   an operator with a number                       the key of the other side
 *   an operator between sides of one key            that key; matching by all labels or by on() the
 *                                                   key's, one to one
 *   an aggregation to one value over one selector   its labels
 * Anything that picks, renames, counts label sets or looks at more than one of them is not. */
#include "rules/plan.h"

#include "base/panic.h"
#include "rules/functions.h"

#include <stdlib.h>
#include <string.h>

struct fa_str fa_plan_metric(const struct fa_promql_node *selector)
{
    for (size_t i = 0; i < selector->u.selector.matcher_count; i++) {
        const struct fa_promql_matcher *matcher = &selector->u.selector.matchers[i];
        if (matcher->kind == FA_MATCH_EQUAL && fa_str_is(matcher->name, "__name__")) {
            return matcher->value;
        }
    }
    return FA_STR("");
}

bool fa_plan_leaf_follows(const struct fa_plan_leaf *leaf)
{
    const unsigned others = FA_READS_COUNT | FA_READS_SUM | FA_READS_MIN | FA_READS_MAX;
    return leaf->over > 0 && leaf->over <= FA_RAW_MAX && !leaf->sketch &&
           (leaf->reads & others) == 0;
}

const struct fa_promql_node *fa_plan_range(const struct fa_promql_node *call)
{
    for (size_t i = 0; i < call->u.call.count; i++) {
        if (call->u.call.args[i]->type == FA_PROMQL_MATRIX) {
            return fa_promql_bare(call->u.call.args[i]);
        }
    }
    return NULL;
}

const struct fa_promql_node *fa_plan_operand(const struct fa_promql_node *node)
{
    const struct fa_promql_node *found = NULL;
    switch (node->kind) {
    case FA_PROMQL_SELECTOR:
        return node;
    case FA_PROMQL_NEGATE:
    case FA_PROMQL_PAREN:
    case FA_PROMQL_SUBQUERY:
        return fa_plan_operand(node->u.arg);
    case FA_PROMQL_CALL:
        for (size_t i = 0; i < node->u.call.count && found == NULL; i++) {
            found = fa_plan_operand(node->u.call.args[i]);
        }
        return found;
    case FA_PROMQL_AGGREGATE:
        return fa_plan_operand(node->u.aggregate.arg);
    case FA_PROMQL_BINARY:
        found = fa_plan_operand(node->u.binary.left);
        return found != NULL ? found : fa_plan_operand(node->u.binary.right);
    case FA_PROMQL_NUMBER:
    case FA_PROMQL_TEXT:
        break;
    }
    return NULL;
}

/* ---- keys ---- */

static bool has_name(const struct fa_promql_names *names, struct fa_str name)
{
    for (size_t i = 0; i < names->count; i++) {
        if (fa_str_eq(names->items[i], name)) {
            return true;
        }
    }
    return false;
}

bool fa_plan_key_has(const struct fa_plan_key *key, struct fa_str name)
{
    return key->kind == FA_PLAN_ALL || has_name(&key->names, name) == (key->kind == FA_PLAN_BY);
}

void fa_plan_key_format(const struct fa_plan_key *key, const struct fa_labels *labels,
                        struct fa_buf *buf)
{
    for (size_t i = 0; i < labels->count; i++) {
        if (fa_plan_key_has(key, labels->items[i].name)) {
            fa_label_format(labels->items[i].name, labels->items[i].value, buf);
        }
    }
}

bool fa_plan_labels(const struct fa_promql *promql, struct fa_promql_names *ret_names)
{
    struct fa_plan plan = {0};
    fa_plan_make(&plan, promql, NULL, FA_LOOK_BACK);
    bool known = plan.is_keyed && plan.key.kind == FA_PLAN_BY;
    *ret_names = known ? plan.key.names : (struct fa_promql_names){0};
    fa_plan_done(&plan);
    return known;
}

bool fa_plan_agree(const struct fa_labels *series, const struct fa_labels *labels)
{
    for (size_t i = 0; i < labels->count; i++) {
        struct fa_str own = fa_labels_get(series, labels->items[i].name);
        if (own.len > 0 && !fa_str_eq(own, labels->items[i].value)) {
            return false;
        }
    }
    return true;
}

static bool same_names(const struct fa_promql_names *a, const struct fa_promql_names *b)
{
    for (size_t i = 0; i < a->count; i++) {
        if (!has_name(b, a->items[i])) {
            return false;
        }
    }
    return a->count == b->count;
}

static bool same_key(const struct fa_plan_key *a, const struct fa_plan_key *b)
{
    return a->kind == b->kind && (a->kind == FA_PLAN_ALL || same_names(&a->names, &b->names));
}

/* ---- what hangs on one key ---- */

enum hold { APART, NUMBER, KEYED };

struct sort {
    enum hold hold;
    struct fa_plan_key key;
};

static const struct sort apart = {.hold = APART}, number = {.hold = NUMBER};

static struct sort sort_of(const struct fa_promql_node *node);

static struct sort sort_of_call(const struct fa_promql_node *node)
{
    enum fa_promql_fn fn = node->u.call.fn;
    struct sort all = {.hold = KEYED, .key = {.kind = FA_PLAN_ALL}}, own = apart;
    const struct fa_promql_node *range = fa_plan_range(node);
    if (fn == FA_PROMQL_FN_TIME || fn == FA_PROMQL_FN_PI) {
        return number;
    }
    bool known = fa_fn_is_element(fn) || (fa_fn_is_date(fn) && node->u.call.count > 0) ||
                 fn == FA_PROMQL_FN_SORT || fn == FA_PROMQL_FN_SORT_DESC ||
                 fn == FA_PROMQL_FN_TIMESTAMP;
    for (size_t i = 0; i < node->u.call.count; i++) {
        const struct fa_promql_node *arg = node->u.call.args[i];
        if (arg->type == FA_PROMQL_VECTOR) {
            own = known ? sort_of(arg) : apart;
        } else if (arg->type != FA_PROMQL_MATRIX && sort_of(arg).hold != NUMBER) {
            return apart;
        }
    }
    if (range == NULL) {
        return own;
    }
    bool plain = range->kind == FA_PROMQL_SELECTOR && fn != FA_PROMQL_FN_ABSENT_OVER_TIME &&
                 fn != FA_PROMQL_FN_DOUBLE_EXPONENTIAL_SMOOTHING && /* may be an error, as is */
                 fn != FA_PROMQL_FN_QUANTILE_OVER_TIME;
    return plain ? sort_of(range).hold == KEYED ? all : apart : apart;
}

static size_t count_selectors(const struct fa_promql_node *node)
{
    switch (node->kind) {
    case FA_PROMQL_SELECTOR:
        return 1;
    case FA_PROMQL_SUBQUERY:
    case FA_PROMQL_NEGATE:
    case FA_PROMQL_PAREN:
        return count_selectors(node->u.arg);
    case FA_PROMQL_CALL: {
        size_t count = 0;
        for (size_t i = 0; i < node->u.call.count; i++) {
            count += count_selectors(node->u.call.args[i]);
        }
        return count;
    }
    case FA_PROMQL_BINARY:
        return count_selectors(node->u.binary.left) + count_selectors(node->u.binary.right);
    case FA_PROMQL_AGGREGATE:
        return count_selectors(node->u.aggregate.arg);
    case FA_PROMQL_NUMBER:
    case FA_PROMQL_TEXT:
        break;
    }
    return 0;
}

static struct sort sort_of_aggregate(const struct fa_promql_node *node)
{
    enum fa_promql_agg agg = node->u.aggregate.agg;
    const struct fa_promql_names *names = &node->u.aggregate.names;
    bool one_value = agg != FA_PROMQL_AGG_TOPK && agg != FA_PROMQL_AGG_BOTTOMK &&
                     agg != FA_PROMQL_AGG_COUNT_VALUES && agg != FA_PROMQL_AGG_LIMITK &&
                     agg != FA_PROMQL_AGG_LIMIT_RATIO;
    struct sort operand = sort_of(node->u.aggregate.arg);
    bool fits =
        one_value && operand.hold == KEYED && operand.key.kind == FA_PLAN_ALL &&
        count_selectors(node->u.aggregate.arg) == 1 && !has_name(names, FA_STR("__name__")) &&
        (node->u.aggregate.param == NULL || sort_of(node->u.aggregate.param).hold == NUMBER);
    struct sort own = {.hold = KEYED,
                       .key = {node->u.aggregate.without ? FA_PLAN_WITHOUT : FA_PLAN_BY, *names}};
    return fits ? own : apart;
}

static struct sort sort_of_binary(const struct fa_promql_node *node)
{
    struct sort left = sort_of(node->u.binary.left), right = sort_of(node->u.binary.right);
    if (left.hold == APART || right.hold == APART) {
        return apart;
    }
    if (left.hold == NUMBER || right.hold == NUMBER) {
        return left.hold == NUMBER ? right : left;
    }
    bool on = node->u.binary.on;
    const struct fa_promql_names *names = &node->u.binary.names;
    bool matches_key =
        on ? left.key.kind == FA_PLAN_BY && same_names(names, &left.key.names) : names->count == 0;
    bool one = node->u.binary.card == FA_CARD_ONE_TO_ONE;
    return one && matches_key && same_key(&left.key, &right.key) ? left : apart;
}

static struct sort sort_of(const struct fa_promql_node *node)
{
    static const struct sort all = {.hold = KEYED, .key = {.kind = FA_PLAN_ALL}};
    switch (node->kind) {
    case FA_PROMQL_NUMBER:
        return number;
    case FA_PROMQL_SELECTOR:
        return fa_plan_metric(node).len > 0 ? all : apart;
    case FA_PROMQL_CALL:
        return sort_of_call(node);
    case FA_PROMQL_AGGREGATE:
        return sort_of_aggregate(node);
    case FA_PROMQL_BINARY:
        return sort_of_binary(node);
    case FA_PROMQL_NEGATE:
    case FA_PROMQL_PAREN:
        return sort_of(node->u.arg);
    case FA_PROMQL_SUBQUERY:
    case FA_PROMQL_TEXT:
        break;
    }
    return apart;
}

/* ---- leaves ---- */

struct walk {
    struct fa_plan *plan;
    struct fa_plan_tree *tree;
    fa_time look_back;
};

/* What the nodes above say of a selector. */
struct above {
    fa_time reach; /* of subqueries: how much further back */
    fa_time steps; /* of that, their ranges */
    uint8_t reads; /* enum fa_reads */
    bool sketch, exempt, cover, pair;
    bool shares; /* a window that is kept for sketches is as good as another */
};

static bool same_matchers(const struct fa_promql_node *a, const struct fa_promql_node *b)
{
    for (size_t i = 0; i < a->u.selector.matcher_count; i++) {
        const struct fa_promql_matcher *one = &a->u.selector.matchers[i];
        if (i >= b->u.selector.matcher_count || one->kind != b->u.selector.matchers[i].kind ||
            !fa_str_eq(one->name, b->u.selector.matchers[i].name) ||
            !fa_str_eq(one->value, b->u.selector.matchers[i].value)) {
            return false;
        }
    }
    return a->u.selector.matcher_count == b->u.selector.matcher_count;
}

static fa_time at_least_0(fa_time time)
{
    return time > 0 ? time : 0;
}

static void add_leaf(struct walk *walk, const struct fa_promql_node *node,
                     const struct above *above)
{
    struct fa_plan *plan = walk->plan;
    struct fa_plan_leaf leaf = {.selector = node,
                                .over = above->reach + node->range + at_least_0(node->offset),
                                .reads = FA_READS_LAST | above->reads,
                                .sketch = above->sketch,
                                .exempt = above->exempt,
                                .cover = above->cover,
                                .pair = above->pair && node->range > 0,
                                .window = node->range,
                                .serves = above->steps};
    size_t i = 0;
    if (leaf.over > 0 && node->range == 0) {
        leaf.over += walk->look_back;
    }
    leaf.serves += node->range > 0 ? node->range : walk->look_back;
    while (i < plan->count && !(plan->leaves[i].over == leaf.over &&
                                (plan->leaves[i].selector->range > 0) == (node->range > 0) &&
                                plan->leaves[i].exempt == leaf.exempt &&
                                (plan->leaves[i].sketch == leaf.sketch || above->shares) &&
                                same_matchers(plan->leaves[i].selector, node))) {
        i++;
    }
    if (i == plan->count) {
        plan->leaves = fa_xgrow(plan->leaves, plan->count, &plan->cap, sizeof leaf);
        plan->leaves[plan->count++] = leaf;
    }
    plan->leaves[i].reads |= leaf.reads;
    plan->leaves[i].sketch = plan->leaves[i].sketch || leaf.sketch;
    plan->leaves[i].cover = plan->leaves[i].cover || leaf.cover;
    plan->leaves[i].pair = plan->leaves[i].pair || leaf.pair;
    if (leaf.serves < plan->leaves[i].serves) {
        plan->leaves[i].window = leaf.window;
        plan->leaves[i].serves = leaf.serves;
    }
    walk->tree->selectors[node->u.selector.number] = node;
    walk->tree->leaves[node->u.selector.number] = i;
    plan->moves = plan->moves || node->offset != 0 || node->at != FA_AT_NONE;
}

/* Its value is carried on with time, or is of the time. */
static bool fn_moves(const struct fa_promql_node *call)
{
    enum fa_promql_fn fn = call->u.call.fn;
    return fn == FA_PROMQL_FN_TIME || fn == FA_PROMQL_FN_RATE || fn == FA_PROMQL_FN_INCREASE ||
           fn == FA_PROMQL_FN_DELTA || fn == FA_PROMQL_FN_PREDICT_LINEAR ||
           (fa_fn_is_date(fn) && call->u.call.count == 0) ||
           (fn == FA_PROMQL_FN_TIMESTAMP &&
            fa_promql_bare(call->u.call.args[0])->kind != FA_PROMQL_SELECTOR);
}

/* What fa_eval_summary() and quiet.c need of a long window's slots. */
static uint8_t reads_of(enum fa_promql_fn fn)
{
    switch ((int)fn) {
    case FA_PROMQL_FN_SUM_OVER_TIME:
    case FA_PROMQL_FN_AVG_OVER_TIME:
        return FA_READS_SUM | FA_READS_COUNT | FA_READS_SAMPLES | FA_READS_MIN | FA_READS_MAX;
    case FA_PROMQL_FN_COUNT_OVER_TIME: /* of values, each counts as one sample */
        return FA_READS_COUNT | FA_READS_SAMPLES;
    case FA_PROMQL_FN_MIN_OVER_TIME:
        return FA_READS_MIN;
    case FA_PROMQL_FN_MAX_OVER_TIME:
        return FA_READS_MAX;
    case FA_PROMQL_FN_RATE:
    case FA_PROMQL_FN_INCREASE:
        return FA_READS_INCREASE | FA_READS_SAMPLES;
    case FA_PROMQL_FN_SEEN_INCREASE:
    case FA_PROMQL_FN_SEEN_RATE:
        return FA_READS_INCREASE;
    case FA_PROMQL_FN_SAMPLES_OVER_TIME:
    case FA_PROMQL_FN_QUANTILE_OVER_TIME:
    case FA_PROMQL_FN_DELTA:
        return FA_READS_SAMPLES;
    default:
        return 0;
    }
}

/* What is in a part of the range only is as good as all of it. */
static bool fn_needs_cover(enum fa_promql_fn fn)
{
    return fn != FA_PROMQL_FN_LAST_OVER_TIME && fn != FA_PROMQL_FN_PRESENT_OVER_TIME &&
           fn != FA_PROMQL_FN_TS_OF_LAST_OVER_TIME && fn != FA_PROMQL_FN_IRATE &&
           fn != FA_PROMQL_FN_IDELTA && fn != FA_PROMQL_FN_ABSENT_OVER_TIME;
}

/* Has it no value of one sample? */
static bool fn_needs_pair(enum fa_promql_fn fn)
{
    return fn == FA_PROMQL_FN_RATE || fn == FA_PROMQL_FN_INCREASE || fn == FA_PROMQL_FN_DELTA ||
           fn == FA_PROMQL_FN_IRATE || fn == FA_PROMQL_FN_IDELTA || fn == FA_PROMQL_FN_DERIV ||
           fn == FA_PROMQL_FN_PREDICT_LINEAR || fn == FA_PROMQL_FN_DOUBLE_EXPONENTIAL_SMOOTHING;
}

static void visit(struct walk *walk, const struct fa_promql_node *node, struct above above);

static void visit_call(struct walk *walk, const struct fa_promql_node *node, struct above above)
{
    enum fa_promql_fn fn = node->u.call.fn;
    walk->plan->moves = walk->plan->moves || fn_moves(node);
    above.sketch =
        fn == FA_PROMQL_FN_SKETCH_OVER_TIME || fn == FA_PROMQL_FN_SKETCH_QUANTILE_OVER_TIME;
    above.shares = fn == FA_PROMQL_FN_SAMPLES_OVER_TIME;
    above.reads = reads_of(fn);
    above.exempt = above.exempt || fn == FA_PROMQL_FN_ABSENT || fn == FA_PROMQL_FN_ABSENT_OVER_TIME;
    above.cover = fa_plan_range(node) != NULL ? fn_needs_cover(fn) : above.cover;
    above.pair = fa_plan_range(node) != NULL ? fn_needs_pair(fn) : above.pair;
    for (size_t i = 0; i < node->u.call.count; i++) {
        visit(walk, node->u.call.args[i], above);
    }
}

static void visit_binary(struct walk *walk, const struct fa_promql_node *node, struct above above)
{
    const struct fa_promql_node *left = node->u.binary.left, *right = node->u.binary.right;
    struct above beside = above;
    beside.exempt = beside.exempt || node->u.binary.op == FA_PROMQL_OP_UNLESS;
    walk->plan->settles =
        walk->plan->settles || (left->type == FA_PROMQL_VECTOR && right->type == FA_PROMQL_VECTOR);
    visit(walk, left, above);
    visit(walk, right, beside);
}

static void visit(struct walk *walk, const struct fa_promql_node *node, struct above above)
{
    switch (node->kind) {
    case FA_PROMQL_SELECTOR:
        add_leaf(walk, node, &above);
        break;
    case FA_PROMQL_SUBQUERY:
        above.reach += node->range + at_least_0(node->offset);
        above.steps += node->range;
        above.pair = false; /* one sample is found at many steps */
        walk->plan->moves = true;
        visit(walk, node->u.arg, above);
        break;
    case FA_PROMQL_NEGATE:
    case FA_PROMQL_PAREN:
        visit(walk, node->u.arg, above);
        break;
    case FA_PROMQL_CALL:
        visit_call(walk, node, above);
        break;
    case FA_PROMQL_AGGREGATE:
        walk->plan->settles = true;
        if (node->u.aggregate.param != NULL) {
            visit(walk, node->u.aggregate.param, above);
        }
        visit(walk, node->u.aggregate.arg, above);
        break;
    case FA_PROMQL_BINARY:
        visit_binary(walk, node, above);
        break;
    case FA_PROMQL_NUMBER:
    case FA_PROMQL_TEXT:
        break;
    }
}

/* More data can only raise it. */
static bool only_grows(const struct fa_promql_node *node)
{
    node = fa_promql_bare(node);
    if (node->kind == FA_PROMQL_CALL) {
        enum fa_promql_fn fn = node->u.call.fn;
        return fn == FA_PROMQL_FN_RATE || fn == FA_PROMQL_FN_INCREASE ||
               fn == FA_PROMQL_FN_COUNT_OVER_TIME || fn == FA_PROMQL_FN_MAX_OVER_TIME ||
               fn == FA_PROMQL_FN_CHANGES || fn == FA_PROMQL_FN_RESETS;
    }
    if (node->kind == FA_PROMQL_AGGREGATE) {
        enum fa_promql_agg agg = node->u.aggregate.agg;
        return (agg == FA_PROMQL_AGG_SUM || agg == FA_PROMQL_AGG_MAX) &&
               only_grows(node->u.aggregate.arg);
    }
    if (node->kind == FA_PROMQL_BINARY &&
        (node->u.binary.op == FA_PROMQL_OP_MUL || node->u.binary.op == FA_PROMQL_OP_DIV)) {
        const struct fa_promql_node *by = fa_promql_bare(node->u.binary.right);
        return by->kind == FA_PROMQL_NUMBER && by->u.number > 0 && only_grows(node->u.binary.left);
    }
    return false;
}

/* What already is over the line stays over it, whatever comes to be known. */
static bool fires_early(const struct fa_promql_node *root)
{
    root = fa_promql_bare(root);
    return root->kind == FA_PROMQL_BINARY && !root->u.binary.returns_bool &&
           (root->u.binary.op == FA_PROMQL_OP_GT || root->u.binary.op == FA_PROMQL_OP_GE) &&
           fa_promql_bare(root->u.binary.right)->kind == FA_PROMQL_NUMBER &&
           only_grows(root->u.binary.left);
}

static void make_tree(struct walk *walk, struct fa_plan_tree *tree, const struct fa_promql *promql)
{
    if (promql == NULL) {
        return;
    }
    tree->root = promql->root;
    tree->count = promql->selector_count;
    tree->selectors = fa_xcalloc(tree->count + 1, sizeof(const struct fa_promql_node *));
    tree->leaves = fa_xcalloc(tree->count + 1, sizeof *tree->leaves);
    walk->tree = tree;
    visit(walk, tree->root, (struct above){0});
}

void fa_plan_make(struct fa_plan *plan, const struct fa_promql *promql,
                  const struct fa_promql *clear, fa_time look_back)
{
    struct walk walk = {.plan = plan, .look_back = look_back};
    *plan = (struct fa_plan){0};
    make_tree(&walk, &plan->tree, promql);
    plan->early = fires_early(promql->root);
    make_tree(&walk, &plan->clear, clear);
    struct sort own = sort_of(promql->root);
    struct sort clears = clear != NULL ? sort_of(clear->root) : own;
    plan->key = own.key;
    plan->is_keyed = own.hold == KEYED && clears.hold == KEYED && same_key(&own.key, &clears.key);
}

void fa_plan_done(struct fa_plan *plan)
{
    free(plan->leaves);
    free(plan->tree.selectors);
    free(plan->tree.leaves);
    free(plan->clear.selectors);
    free(plan->clear.leaves);
}

/* ---- what a rule may have ---- */

static int check(const struct fa_promql_node *node, struct fa_err *err)
{
    int ret = 0;
    if (node->at == FA_AT_TIME) {
        return fa_err_at(err, FA_EUNSUPPORTED, NULL, 0, node->from + 1,
                         "a rule cannot read at one fixed time: its samples are soon forgotten");
    }
    switch (node->kind) {
    case FA_PROMQL_SUBQUERY:
    case FA_PROMQL_NEGATE:
        return check(node->u.arg, err);
    case FA_PROMQL_PAREN:
        ret = check(node->u.arg, err);
        if (ret != 0 && node->define != NULL) {
            err->col = node->from + 1; /* what is within has places in another text */
        }
        return ret;
    case FA_PROMQL_CALL:
        for (size_t i = 0; i < node->u.call.count && ret == 0; i++) {
            ret = check(node->u.call.args[i], err);
        }
        return ret;
    case FA_PROMQL_AGGREGATE:
        return check(node->u.aggregate.arg, err);
    case FA_PROMQL_BINARY:
        ret = check(node->u.binary.left, err);
        return ret != 0 ? ret : check(node->u.binary.right, err);
    case FA_PROMQL_NUMBER:
    case FA_PROMQL_TEXT:
    case FA_PROMQL_SELECTOR:
        break;
    }
    return 0;
}

int fa_plan_check(const struct fa_promql *promql, struct fa_err *err)
{
    if (promql->root->type != FA_PROMQL_VECTOR) {
        return fa_err_at(err, FA_EINVAL, NULL, 0, promql->root->from + 1,
                         "a rule needs an instant vector, which fires while it has an element; "
                         "this is %s",
                         fa_promql_type_name(promql->root->type));
    }
    return check(promql->root, err);
}
