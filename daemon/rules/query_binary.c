/* SPDX-License-Identifier: MIT */
/* Operators between numbers and vectors: which elements match, what their labels become, and when a
 * match is an error because it is ambiguous. */
#include "rules/functions.h"
#include "rules/query_walk.h"

#include <math.h>

double fa_op_compute(enum fa_promql_op op, double left, double right, bool *ret_keep)
{
    *ret_keep = true;
    switch (op) {
    case FA_PROMQL_OP_ADD:
        return left + right;
    case FA_PROMQL_OP_SUB:
        return left - right;
    case FA_PROMQL_OP_MUL:
        return left * right;
    case FA_PROMQL_OP_DIV:
        return left / right;
    case FA_PROMQL_OP_MOD:
        return fmod(left, right);
    case FA_PROMQL_OP_POW:
        return pow(left, right);
    case FA_PROMQL_OP_ATAN2:
        return atan2(left, right);
    case FA_PROMQL_OP_EQ:
        *ret_keep = left == right;
        return left;
    case FA_PROMQL_OP_NE:
        *ret_keep = left != right;
        return left;
    case FA_PROMQL_OP_LT:
        *ret_keep = left < right;
        return left;
    case FA_PROMQL_OP_LE:
        *ret_keep = left <= right;
        return left;
    case FA_PROMQL_OP_GT:
        *ret_keep = left > right;
        return left;
    case FA_PROMQL_OP_GE:
        *ret_keep = left >= right;
        return left;
    case FA_PROMQL_OP_AND:
    case FA_PROMQL_OP_OR:
    case FA_PROMQL_OP_UNLESS:
    case FA_PROMQL_OP__COUNT:
    default:
        return left;
    }
}

/* ---- a number on one side ---- */

static int with_number(struct fa_query *query, const struct fa_promql_node *node,
                       const struct fa_query_value *left, const struct fa_query_value *right,
                       fa_time at, struct fa_query_value *ret_value)
{
    bool swapped = left->type == FA_PROMQL_SCALAR, keep;
    const struct fa_query_value *vector = swapped ? right : left;
    enum fa_promql_op op = node->u.binary.op;
    bool compares = fa_promql_op_compares(op), returns_bool = node->u.binary.returns_bool;
    *ret_value = fa_vector_new(query, vector->count);
    for (size_t i = 0; i < vector->count; i++) {
        double own = vector->samples[i].value;
        double value = swapped ? fa_op_compute(op, left->number, own, &keep)
                               : fa_op_compute(op, own, right->number, &keep);
        if (compares) {
            value = returns_bool ? (double)keep : own;
        }
        if (keep || returns_bool) {
            const struct fa_labels *labels = vector->samples[i].labels;
            fa_vector_add(ret_value,
                          compares && !returns_bool ? labels : fa_labels_nameless(query, labels),
                          value, at);
        }
    }
    return fa_walk_distinct(query, node, ret_value);
}

/* ---- sets ---- */

static const struct fa_labels *signature(struct fa_query *query, const struct fa_promql_node *node,
                                         const struct fa_labels *labels)
{
    return node->u.binary.on ? fa_labels_keep(query, labels, &node->u.binary.names)
                             : fa_labels_drop(query, labels, &node->u.binary.names, true);
}

static void number_all(struct fa_query *query, const struct fa_promql_node *node,
                       const struct fa_query_value *vector, struct fa_label_map *map)
{
    bool added;
    for (size_t i = 0; i < vector->count; i++) {
        (void)fa_label_map_put(query, map, signature(query, node, vector->samples[i].labels),
                               &added);
    }
}

static int sets(struct fa_query *query, const struct fa_promql_node *node,
                const struct fa_query_value *left, const struct fa_query_value *right, fa_time at,
                struct fa_query_value *ret_value)
{
    enum fa_promql_op op = node->u.binary.op;
    const struct fa_query_value *other = op == FA_PROMQL_OP_OR ? left : right;
    const struct fa_query_value *filtered = op == FA_PROMQL_OP_OR ? right : left;
    struct fa_label_map map = {0};
    *ret_value = fa_vector_new(query, left->count + right->count);
    number_all(query, node, other, &map);
    for (size_t i = 0; op == FA_PROMQL_OP_OR && i < left->count; i++) {
        fa_vector_add(ret_value, left->samples[i].labels, left->samples[i].value, at);
    }
    for (size_t i = 0; i < filtered->count; i++) {
        const struct fa_query_sample *sample = &filtered->samples[i];
        bool there = fa_label_map_find(&map, signature(query, node, sample->labels)) != SIZE_MAX;
        if (there == (op == FA_PROMQL_OP_AND)) {
            fa_vector_add(ret_value, sample->labels, sample->value, at);
        }
    }
    return fa_walk_distinct(query, node, ret_value);
}

/* ---- vectors ---- */

struct match {
    struct fa_query *query;
    const struct fa_promql_node *node;
    const struct fa_query_value *many, *one;
    struct fa_label_map signatures; /* of the one side */
    const struct fa_query_sample **ones;
    bool *matched;             /* by the number of the signature */
    struct fa_label_map taken; /* results of one signature, when many may match */
};

static const struct fa_labels *
result_labels(const struct match *match, const struct fa_labels *many, const struct fa_labels *one)
{
    const struct fa_promql_node *node = match->node;
    const struct fa_labels *labels = many;
    if (!fa_promql_op_compares(node->u.binary.op)) {
        labels = fa_labels_nameless(match->query, labels);
    }
    if (node->u.binary.card == FA_CARD_ONE_TO_ONE) {
        labels = node->u.binary.on
                     ? fa_labels_keep(match->query, labels, &node->u.binary.names)
                     : fa_labels_drop(match->query, labels, &node->u.binary.names, false);
    }
    for (size_t i = 0; i < node->u.binary.include.count; i++) {
        struct fa_str name = node->u.binary.include.items[i];
        labels = fa_labels_with(match->query, labels, name, fa_labels_get(one, name));
    }
    return node->u.binary.returns_bool ? fa_labels_nameless(match->query, labels) : labels;
}

/* What is on the side of which there may be one only. */
static int index_ones(struct match *match)
{
    struct fa_query *query = match->query;
    bool left = match->node->u.binary.card == FA_CARD_ONE_TO_MANY, added;
    match->ones =
        fa_scratch_take(&query->arena, match->one->count * sizeof(const struct fa_query_sample *));
    match->matched = fa_scratch_take(&query->arena, match->one->count * sizeof *match->matched);
    for (size_t i = 0; i < match->one->count; i++) {
        const struct fa_query_sample *sample = &match->one->samples[i];
        size_t number = fa_label_map_put(query, &match->signatures,
                                         signature(query, match->node, sample->labels), &added);
        if (!added) {
            return fa_walk_error(query, match->node,
                                 "found duplicate series for the match group on the %s hand-side "
                                 "of the operation; many-to-many matching not allowed: matching "
                                 "labels must be unique on one side",
                                 left ? "left" : "right");
        }
        match->ones[number] = sample;
    }
    return 0;
}

/* Results of one signature must differ: the number of the signature joins the labels as one more.
 */
static int mark(struct match *match, size_t number, const struct fa_labels *labels)
{
    bool added;
    if (match->node->u.binary.card == FA_CARD_ONE_TO_ONE) {
        if (match->matched[number]) {
            return fa_walk_error(match->query, match->node,
                                 "multiple matches for labels: many-to-one matching must be "
                                 "explicit (group_left/group_right)");
        }
        match->matched[number] = true;
        return 0;
    }
    struct fa_str key =
        fa_scratch_str(&match->query->arena, (struct fa_str){(const char *)&number, sizeof number});
    (void)fa_label_map_put(match->query, &match->taken,
                           fa_labels_with(match->query, labels, FA_STR("\xff"), key), &added);
    return added ? 0
                 : fa_walk_error(match->query, match->node,
                                 "multiple matches for labels: grouping labels must ensure unique "
                                 "matches");
}

static int one_of_many(struct match *match, const struct fa_query_sample *many, fa_time at,
                       struct fa_query_value *vector)
{
    const struct fa_promql_node *node = match->node;
    bool swapped = node->u.binary.card == FA_CARD_ONE_TO_MANY, keep;
    size_t number =
        fa_label_map_find(&match->signatures, signature(match->query, node, many->labels));
    if (number == SIZE_MAX) {
        return 0;
    }
    const struct fa_query_sample *one = match->ones[number];
    double value = fa_op_compute(node->u.binary.op, swapped ? one->value : many->value,
                                 swapped ? many->value : one->value, &keep);
    if (node->u.binary.returns_bool) {
        value = keep ? 1 : 0;
    } else if (!keep) {
        return 0;
    }
    const struct fa_labels *labels = result_labels(match, many->labels, one->labels);
    int ret = mark(match, number, labels);
    if (ret == 0) {
        fa_vector_add(vector, labels, value, at);
    }
    return ret;
}

static int vectors(struct fa_query *query, const struct fa_promql_node *node,
                   const struct fa_query_value *left, const struct fa_query_value *right,
                   fa_time at, struct fa_query_value *ret_value)
{
    bool swapped = node->u.binary.card == FA_CARD_ONE_TO_MANY;
    struct match match = {.query = query,
                          .node = node,
                          .many = swapped ? right : left,
                          .one = swapped ? left : right};
    *ret_value = fa_vector_new(query, match.many->count);
    if (left->count == 0 || right->count == 0) {
        return 0; /* nothing matches, so nothing is ambiguous */
    }
    int ret = index_ones(&match);
    for (size_t i = 0; i < match.many->count && ret == 0; i++) {
        ret = one_of_many(&match, &match.many->samples[i], at, ret_value);
    }
    return ret != 0 ? ret : fa_walk_distinct(query, node, ret_value);
}

int fa_walk_binary(struct fa_query *query, const struct fa_promql_node *node, fa_time at,
                   struct fa_query_value *ret_value)
{
    struct fa_query_value left, right;
    bool keep;
    int ret = fa_walk(query, node->u.binary.left, at, &left);
    if (ret == 0) {
        ret = fa_walk(query, node->u.binary.right, at, &right);
    }
    if (ret != 0) {
        return ret;
    }
    if (left.type == FA_PROMQL_SCALAR && right.type == FA_PROMQL_SCALAR) {
        double value = fa_op_compute(node->u.binary.op, left.number, right.number, &keep);
        ret_value->number = fa_promql_op_compares(node->u.binary.op) ? (double)keep : value;
        return 0;
    }
    ret = fa_walk_count(query, node, left.count + right.count);
    if (ret != 0) {
        return ret;
    }
    if (left.type == FA_PROMQL_SCALAR || right.type == FA_PROMQL_SCALAR) {
        return with_number(query, node, &left, &right, at, ret_value);
    }
    return fa_promql_op_is_set(node->u.binary.op)
               ? sets(query, node, &left, &right, at, ret_value)
               : vectors(query, node, &left, &right, at, ret_value);
}
