/* SPDX-License-Identifier: MIT */
/* What expressions make of the samples, told anew from outside: a second evaluator, of a part of
 * PromQL and over nothing but the newest sample of each series. It walks the tree that the parser
 * gave and calls no function of rules/.
 *
 *   6  what an expression yields has an alarm once it has settled; one that it yields is not over;
 *      an alarm is over only while each selector still finds a sample of its label set, but those
 *      whose silence is an answer (absent, the right side of unless)
 *   3  a filing that numbers confirm is raised by their rule, and by nothing that they do not yield
 *
 * Judged are comparisons with a number, and, unless, sum by and absent over gauges. Where it cannot
 * know what the daemon knows (ranges; counters; what came before a reload) it says nothing. */
#include "lab/world.h"
#include "base/texts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLACK (2 * FA_SECOND)

/* An element of a result: labels without the metric's name, canonical. */
struct element {
    char *labels; /* owned */
    double value;
    fa_time until; /* elapsed: when the first of its samples is too old */
};

struct vector {
    struct element *list;
    size_t count, cap;
};

struct walk {
    const struct fa_lab *lab;
    fa_time look_back;
    bool unsure; /* what it found is not all that counts */
    bool waits;  /* that nothing is there is an answer in it */
};

static void add(struct vector *vector, struct fa_str labels, double value, fa_time until)
{
    vector->list = fa_xgrow(vector->list, vector->count, &vector->cap, sizeof vector->list[0]);
    vector->list[vector->count++] =
        (struct element){fa_xstrndup(labels.ptr, labels.len), value, until};
}

static void done(struct vector *vector)
{
    for (size_t i = 0; i < vector->count; i++) {
        free(vector->list[i].labels);
    }
    free(vector->list);
}

static const struct element *find(const struct vector *vector, const char *labels)
{
    for (size_t i = 0; i < vector->count; i++) {
        if (strcmp(vector->list[i].labels, labels) == 0) {
            return &vector->list[i];
        }
    }
    return NULL;
}

/* ---- labels ---- */

static struct fa_str labels_of(const struct fa_lab_fed *fed)
{
    const char *brace = strchr(fed->series, '{');
    return brace != NULL ? (struct fa_str){brace + 1, strlen(brace) - 2} : FA_STR("");
}

/* The pair of that name, name="value"; empty: there is none. */
static struct fa_str pair_of(struct fa_str labels, struct fa_str name)
{
    while (labels.len > 0) {
        struct fa_str pair = fa_str_cut(labels, ',', &labels);
        if (fa_str_eq(fa_str_cut(pair, '=', &(struct fa_str){0}), name)) {
            return pair;
        }
    }
    return (struct fa_str){0};
}

/* Where both have a label it is equal. */
static bool agree(struct fa_str a, struct fa_str b)
{
    while (a.len > 0) {
        struct fa_str pair = fa_str_cut(a, ',', &a);
        struct fa_str other = pair_of(b, fa_str_cut(pair, '=', &(struct fa_str){0}));
        if (other.len > 0 && !fa_str_eq(pair, other)) {
            return false;
        }
    }
    return true;
}

/* Those of the names that are there, in their order. */
static void project(struct fa_str labels, const struct fa_promql_names *names, struct fa_buf *buf)
{
    for (size_t i = 0; i < names->count; i++) {
        struct fa_str pair = pair_of(labels, names->items[i]);
        fa_buf_puts(buf, pair.len > 0 && buf->len > 0 ? "," : "");
        fa_buf_put(buf, pair.ptr, pair.len);
    }
}

/* ---- selectors ---- */

static bool selects(const struct fa_promql_node *node, const struct fa_lab_fed *fed)
{
    for (size_t i = 0; i < node->u.selector.matcher_count; i++) {
        const struct fa_promql_matcher *m = &node->u.selector.matchers[i];
        struct fa_str value, pair = pair_of(labels_of(fed), m->name);
        (void)fa_str_cut(pair, '"', &value);
        value.len -= value.len > 0;
        value = fa_str_is(m->name, "__name__")
                    ? (struct fa_str){fed->series, strcspn(fed->series, "{")}
                    : value;
        if (m->kind != FA_MATCH_EQUAL || !fa_str_eq(value, m->value)) {
            return false;
        }
    }
    return true;
}

static bool is_plain(const struct fa_lab_fed *fed)
{
    return !fed->mixed && (fed->kind == FA_KIND_GAUGE || fed->kind == FA_KIND_STATE);
}

static void eval_selector(struct walk *walk, const struct fa_promql_node *node, struct vector *out)
{
    const struct fa_lab *lab = walk->lab;
    walk->unsure = walk->unsure || node->range > 0 || node->offset != 0 || node->at != FA_AT_NONE;
    for (size_t i = 0; i < lab->fed_count; i++) {
        const struct fa_lab_fed *fed = &lab->fed[i];
        if (!selects(node, fed) || lab->elapsed - fed->last > walk->look_back) {
            continue;
        }
        bool is_edge = lab->elapsed - fed->last == walk->look_back;
        walk->unsure = walk->unsure || !is_plain(fed) || fed->last <= lab->reloaded || is_edge;
        add(out, labels_of(fed), fed->value, fed->last + walk->look_back);
    }
}

/* ---- the part of the language ---- */

static void eval(struct walk *walk, const struct fa_promql_node *node, struct vector *out);

static bool compares(enum fa_promql_op op, double a, double b)
{
    return op == FA_PROMQL_OP_GT   ? a > b
           : op == FA_PROMQL_OP_LT ? a < b
           : op == FA_PROMQL_OP_GE ? a >= b
                                   : a <= b;
}

static void eval_compare(struct walk *walk, const struct fa_promql_node *node, struct vector *out)
{
    enum fa_promql_op op = node->u.binary.op;
    bool is_known = op == FA_PROMQL_OP_GT || op == FA_PROMQL_OP_LT || op == FA_PROMQL_OP_GE ||
                    op == FA_PROMQL_OP_LE;
    struct vector left = {0};
    if (!is_known || node->u.binary.returns_bool ||
        node->u.binary.right->kind != FA_PROMQL_NUMBER) {
        walk->unsure = true;
        return;
    }
    eval(walk, node->u.binary.left, &left);
    for (size_t i = 0; i < left.count; i++) {
        const struct element *e = &left.list[i];
        if (compares(op, e->value, node->u.binary.right->u.number)) {
            add(out, fa_str_of(e->labels), e->value, e->until);
        }
    }
    done(&left);
}

static char *key_of(const struct fa_promql_node *node, const struct element *e)
{
    struct fa_buf key;
    fa_buf_init(&key, FA_ROW_BYTES_MAX);
    if (node->u.binary.on) {
        project(fa_str_of(e->labels), &node->u.binary.names, &key);
    } else {
        fa_buf_puts(&key, e->labels);
    }
    return fa_buf_take(&key);
}

/* and, unless: elements of the left side, with or without a partner. */
static void eval_set(struct walk *walk, const struct fa_promql_node *node, struct vector *out)
{
    bool is_unless = node->u.binary.op == FA_PROMQL_OP_UNLESS;
    struct vector left = {0}, right = {0};
    walk->waits = walk->waits || is_unless;
    walk->unsure = walk->unsure || (!node->u.binary.on && node->u.binary.names.count > 0);
    eval(walk, node->u.binary.left, &left);
    eval(walk, node->u.binary.right, &right);
    for (size_t i = 0; i < left.count; i++) {
        const struct element *e = &left.list[i];
        char *key = key_of(node, e);
        bool found = false;
        fa_time until = e->until;
        for (size_t k = 0; k < right.count && !found; k++) {
            char *other = key_of(node, &right.list[k]);
            found = strcmp(key, other) == 0;
            until = found && right.list[k].until < until ? right.list[k].until : until;
            free(other);
        }
        if (found != is_unless) {
            add(out, fa_str_of(e->labels), e->value, until);
        }
        free(key);
    }
    done(&left);
    done(&right);
}

static void eval_sum(struct walk *walk, const struct fa_promql_node *node, struct vector *out)
{
    struct vector of = {0};
    if (node->u.aggregate.agg != FA_PROMQL_AGG_SUM || node->u.aggregate.without) {
        walk->unsure = true;
        return;
    }
    eval(walk, node->u.aggregate.arg, &of);
    for (size_t i = 0; i < of.count; i++) {
        struct fa_buf labels;
        fa_buf_init(&labels, FA_ROW_BYTES_MAX);
        project(fa_str_of(of.list[i].labels), &node->u.aggregate.names, &labels);
        struct element *sum = (struct element *)find(out, fa_buf_text(&labels));
        if (sum == NULL) {
            add(out, fa_buf_str(&labels), of.list[i].value, of.list[i].until);
        } else {
            sum->value += of.list[i].value;
            sum->until = of.list[i].until < sum->until ? of.list[i].until : sum->until;
        }
        fa_buf_done(&labels);
    }
    done(&of);
}

static void eval_absent(struct walk *walk, const struct fa_promql_node *node, struct vector *out)
{
    const struct fa_promql_node *arg = node->u.call.args[0];
    struct vector of = {0};
    struct fa_buf labels;
    walk->waits = true;
    if (node->u.call.fn != FA_PROMQL_FN_ABSENT || arg->kind != FA_PROMQL_SELECTOR) {
        walk->unsure = true;
        return;
    }
    eval(walk, arg, &of);
    fa_buf_init(&labels, FA_ROW_BYTES_MAX);
    for (size_t i = 0; i < arg->u.selector.matcher_count; i++) {
        const struct fa_promql_matcher *m = &arg->u.selector.matchers[i];
        if (!fa_str_is(m->name, "__name__")) {
            fa_buf_printf(&labels, "%s%.*s=\"%.*s\"", labels.len > 0 ? "," : "",
                          FA_STR_ARG(m->name), FA_STR_ARG(m->value));
        }
    }
    if (of.count == 0) {
        add(out, fa_buf_str(&labels), 1, FA_NEVER);
    }
    fa_buf_done(&labels);
    done(&of);
}

static void eval(struct walk *walk, const struct fa_promql_node *node, struct vector *out)
{
    switch ((int)node->kind) {
    case FA_PROMQL_SELECTOR:
        eval_selector(walk, node, out);
        break;
    case FA_PROMQL_PAREN:
        eval(walk, node->u.arg, out);
        break;
    case FA_PROMQL_AGGREGATE:
        eval_sum(walk, node, out);
        break;
    case FA_PROMQL_CALL:
        eval_absent(walk, node, out);
        break;
    case FA_PROMQL_BINARY:
        if (node->u.binary.op == FA_PROMQL_OP_AND || node->u.binary.op == FA_PROMQL_OP_UNLESS) {
            eval_set(walk, node, out);
        } else {
            eval_compare(walk, node, out);
        }
        break;
    default:
        walk->unsure = true;
    }
}

static struct walk eval_tree(const struct fa_lab *lab, const struct fa_rule *rule,
                             const struct fa_promql *promql, struct vector *ret_result)
{
    struct walk walk = {
        .lab = lab, .look_back = rule->query.look_back > 0 ? rule->query.look_back : FA_LOOK_BACK};
    *ret_result = (struct vector){0};
    eval(&walk, promql->root, ret_result);
    /* What has not been sent yet is not missing. */
    fa_time anew = lab->remade > lab->reloaded ? lab->remade : lab->reloaded;
    walk.unsure = walk.unsure || (walk.waits && lab->elapsed <= anew + walk.look_back + SLACK);
    return walk;
}

/* ---- what is over ---- */

/* A selector that finds no sample of the label set, where that is no answer; NULL: none. */
static const struct fa_promql_node *empty_selector(const struct fa_lab *lab,
                                                   const struct fa_rule *rule,
                                                   const struct fa_promql_node *node,
                                                   struct fa_str labels)
{
    const struct fa_promql_node *found = NULL;
    fa_time look_back = rule->query.look_back > 0 ? rule->query.look_back : FA_LOOK_BACK;
    if (node->kind == FA_PROMQL_SELECTOR) {
        for (size_t i = 0; i < lab->fed_count; i++) {
            const struct fa_lab_fed *fed = &lab->fed[i];
            bool is_silent_well =
                fed->mixed || (fed->kind != FA_KIND_GAUGE && fed->kind != FA_KIND_STATE &&
                               fed->kind != FA_KIND_COUNTER_CUMULATIVE);
            if (selects(node, fed) && agree(labels, labels_of(fed)) &&
                (is_silent_well || lab->elapsed - fed->last <= look_back)) {
                return NULL;
            }
        }
        return node;
    }
    if (node->kind == FA_PROMQL_PAREN) {
        return empty_selector(lab, rule, node->u.arg, labels);
    }
    if (node->kind == FA_PROMQL_AGGREGATE) {
        return empty_selector(lab, rule, node->u.aggregate.arg, labels);
    }
    if (node->kind == FA_PROMQL_BINARY) {
        found = empty_selector(lab, rule, node->u.binary.left, labels);
        return found != NULL || node->u.binary.op == FA_PROMQL_OP_UNLESS
                   ? found
                   : empty_selector(lab, rule, node->u.binary.right, labels);
    }
    bool is_absent =
        node->kind == FA_PROMQL_CALL && (node->u.call.fn == FA_PROMQL_FN_ABSENT ||
                                         node->u.call.fn == FA_PROMQL_FN_ABSENT_OVER_TIME);
    for (size_t i = 0; node->kind == FA_PROMQL_CALL && !is_absent && i < node->u.call.count; i++) {
        found = found != NULL ? found : empty_selector(lab, rule, node->u.call.args[i], labels);
    }
    return found;
}

void fa_lab_numbers_check_clear(struct fa_lab *lab, const struct fa_signal *signal,
                                const char *identity)
{
    const struct fa_query_rule *query = &signal->rule->query;
    const struct fa_promql *clear = query->clear != NULL ? query->clear : query->expr;
    const struct fa_promql_node *empty =
        empty_selector(lab, signal->rule, clear->root, fa_str_of(signal->labels));
    struct vector result;
    if (empty != NULL) {
        fa_lab_fail(lab,
                    "invariant 6 (missing data never resolves an alarm): %s is said to be over, "
                    "and no sample of %.*s says so",
                    identity, (int)(empty->to - empty->from), clear->text.ptr + empty->from);
        return;
    }
    struct walk walk = eval_tree(lab, signal->rule, clear, &result);
    bool yields = find(&result, signal->labels) != NULL;
    if (!walk.unsure && yields != (query->clear != NULL)) {
        fa_lab_fail(lab,
                    "invariant 6 (flapping never swallows a worsening): %s is said to be over, and "
                    "the samples say that it is not",
                    identity);
    }
    done(&result);
}

/* ---- what must be there ---- */

static struct fa_lab_held *find_held(struct fa_lab *lab, const char *rule, const char *labels)
{
    for (size_t i = 0; i < lab->held_count; i++) {
        if (strcmp(lab->held[i].rule, rule) == 0 && strcmp(lab->held[i].labels, labels) == 0) {
            return &lab->held[i];
        }
    }
    lab->held = fa_xgrow(lab->held, lab->held_count, &lab->held_cap, sizeof lab->held[0]);
    struct fa_lab_held *held = &lab->held[lab->held_count++];
    *held = (struct fa_lab_held){.rule = fa_xstrdup(rule),
                                 .labels = fa_xstrdup(labels),
                                 .since = lab->elapsed,
                                 .until = FA_NEVER};
    return held;
}

static void drop_held(struct fa_lab *lab, size_t i)
{
    free(lab->held[i].rule);
    free(lab->held[i].labels);
    lab->held[i] = lab->held[--lab->held_count];
}

void fa_lab_numbers_forget(struct fa_lab *lab)
{
    while (lab->held_count > 0) {
        drop_held(lab, lab->held_count - 1);
    }
}

static bool has_alarm(const struct fa_lab *lab, const struct fa_rule *rule, const char *labels)
{
    struct fa_buf identity;
    fa_buf_init(&identity, FA_ROW_BYTES_MAX);
    fa_buf_printf(&identity, "%s{%s}", rule->name, labels);
    bool there = fa_engine_alarm_by_identity(lab->engine, fa_buf_text(&identity)) != NULL;
    fa_buf_clear(&identity);
    fa_buf_printf(&identity, "%s/further", rule->name);
    there = there || fa_engine_alarm_by_identity(lab->engine, fa_buf_text(&identity)) != NULL;
    fa_buf_done(&identity);
    return there;
}

struct confirmed {
    struct fa_lab *lab;
    const struct fa_rule *rule;
    const char *labels; /* of what holds */
};

/* An open filing of the rule's kinds, alone in its pattern. */
static void check_raised(void *ctx, const struct fa_incident *incident)
{
    const struct confirmed *c = ctx;
    const struct fa_incident_rule *pattern = &c->rule->incident;
    char pair[300] = "";
    if (pattern->per_count > 0 && incident->customer != NULL) {
        snprintf(pair, sizeof pair, "customer=\"%s\"", incident->customer);
    }
    bool is_meant =
        incident->state != FA_INCIDENT_CLOSED && pattern->count <= 1 &&
        pattern->distinct_reporters <= 1 &&
        (pattern->per_count == 0 || incident->customer != NULL) && /* else it has no group */
        fa_texts_has(pattern->categories, pattern->category_count, incident->category) &&
        (pattern->within == 0 || fa_lab_now(c->lab).wall - incident->filed < pattern->within) &&
        agree(fa_str_of(pair), fa_str_of(c->labels));
    if (is_meant && !fa_texts_has(incident->raised_by, incident->raised_by_count, c->rule->name)) {
        fa_lab_fail(c->lab,
                    "invariant 3 (always a next step): %s{%s} holds, and a filing that it confirms "
                    "is not raised by it",
                    c->rule->name, c->labels);
    }
}

static void check_yields(struct fa_lab *lab, const struct fa_rule *rule, const struct element *e)
{
    struct fa_lab_held *held = find_held(lab, rule->name, e->labels);
    bool is_new = lab->elapsed >= held->until || held->since < lab->reloaded;
    held->since = is_new ? lab->elapsed : held->since;
    held->until = e->until;
    held->is_there = true;
    if (lab->elapsed <= held->since + rule->query.settle + SLACK) {
        return;
    }
    if (rule->is_incident) {
        struct confirmed confirmed = {lab, rule, e->labels};
        if (!rule->shadow) {
            fa_engine_each_incident(lab->engine, check_raised, &confirmed);
        }
    } else if (!has_alarm(lab, rule, e->labels)) {
        fa_lab_fail(lab,
                    "invariant 6 (a worsening is never swallowed): %s yields {%s} for %lld s and "
                    "has no alarm",
                    rule->name, e->labels, (long long)((lab->elapsed - held->since) / FA_SECOND));
    }
}

void fa_lab_numbers_check_rules(struct fa_lab *lab)
{
    const struct fa_setup *setup = &lab->config->setup;
    for (size_t i = 0; i < lab->held_count; i++) {
        lab->held[i].is_there = false;
    }
    for (size_t r = 0; r < setup->rule_count; r++) {
        const struct fa_rule *rule = setup->rules[r];
        struct vector result;
        if (rule->query.expr == NULL) {
            continue;
        }
        struct walk walk = eval_tree(lab, rule, rule->query.expr, &result);
        for (size_t i = 0; i < result.count && !walk.unsure; i++) {
            check_yields(lab, rule, &result.list[i]);
        }
        done(&result);
    }
    for (size_t i = lab->held_count; i-- > 0;) {
        if (!lab->held[i].is_there) {
            drop_held(lab, i);
        }
    }
}

/* ---- what must not ---- */

void fa_lab_numbers_check_raised(struct fa_lab *lab, const struct fa_alarm *alarm)
{
    const struct fa_rule *rule = fa_setup_rule(&lab->config->setup, alarm->texts->rule);
    struct vector result;
    if (rule == NULL || !rule->is_incident || rule->query.expr == NULL) {
        return;
    }
    struct walk walk = eval_tree(lab, rule, rule->query.expr, &result);
    bool found = walk.unsure;
    for (size_t i = 0; i < result.count && !found; i++) {
        found = agree(fa_str_of(alarm->labels), fa_str_of(result.list[i].labels));
    }
    if (!found) {
        fa_lab_fail(lab, "%s is raised, and no numbers confirm it", alarm->identity);
    }
    done(&result);
}

void fa_lab_numbers_done(struct fa_lab *lab)
{
    fa_lab_numbers_forget(lab);
    free(lab->held);
}
