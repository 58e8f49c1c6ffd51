/* SPDX-License-Identifier: MIT */
/* The short form as PromQL. All series that fall together under `per` are one
 * population:
 *
 *   last      newest(m) or newest(last_over_time(m[over]))
 *   avg share sum(sum_over_time(m[over])) / sum(count_over_time(m[over]))
 *   min max   min(min_over_time(m[over]))           max likewise
 *   sum count sum(sum_over_time(m[over]))           count likewise
 *   rate increase  sum(seen_rate(m[over]))          increase likewise
 *   pNN       sketch_quantile(NN / 100, sketch_over_time(m[over]))
 *   at_least  ... and (sum(samples_over_time(m[over])) >= at_least)
 *
 * `share` is `avg` of samples that are 0 or 1; it has a name of its own because that is what people
 * mean. A rule of `absent` reads the newest sample; only its time matters.
 *
 * increase and rate here are what the samples say: the sum of differences, each found at the later
 * of its two samples, and of deltas. Nothing is extrapolated to the window's edges, so three
 * complaints are 3 and not 3.2; hence functions of our own beside PromQL's. */
#include "rules/compile.h"
#include "base/panic.h"

static struct fa_promql_node *new_node(struct fa_promql *promql, enum fa_promql_kind kind,
                                       enum fa_promql_type type)
{
    struct fa_promql_node *node = fa_scratch_take(&promql->arena, sizeof *node);
    node->kind = kind;
    node->type = type;
    return node;
}

static struct fa_promql_node *new_number(struct fa_promql *promql, double number)
{
    struct fa_promql_node *node = new_node(promql, FA_PROMQL_NUMBER, FA_PROMQL_SCALAR);
    node->u.number = number;
    return node;
}

static struct fa_promql_node *new_selector(struct fa_promql *promql,
                                           const struct fa_metric_rule *rule, fa_time range)
{
    struct fa_promql_node *node =
        new_node(promql, FA_PROMQL_SELECTOR, range > 0 ? FA_PROMQL_MATRIX : FA_PROMQL_VECTOR);
    size_t count = rule->match_count;
    struct fa_promql_matcher *matchers =
        fa_scratch_take(&promql->arena, (count + 1) * sizeof *matchers);
    for (size_t i = 0; i < count; i++) {
        matchers[i] = (struct fa_promql_matcher){.kind = FA_MATCH_EQUAL,
                                                 .name = fa_str_of(rule->matches[i].name),
                                                 .value = fa_str_of(rule->matches[i].value)};
    }
    node->u.selector.name = fa_str_of(rule->metric);
    matchers[count] = (struct fa_promql_matcher){
        .kind = FA_MATCH_EQUAL, .name = FA_STR("__name__"), .value = node->u.selector.name};
    node->u.selector.matchers = matchers;
    node->u.selector.matcher_count = count + 1;
    node->u.selector.number = promql->selector_count++;
    node->range = range;
    return node;
}

static struct fa_promql_node *new_binary(struct fa_promql *promql, enum fa_promql_op op,
                                         struct fa_promql_node *left, struct fa_promql_node *right)
{
    struct fa_promql_node *node = new_node(promql, FA_PROMQL_BINARY, FA_PROMQL_VECTOR);
    node->u.binary.op = op;
    node->u.binary.left = left;
    node->u.binary.right = right;
    return node;
}

static struct fa_promql_node *new_aggregate(struct fa_promql *promql,
                                            const struct fa_metric_rule *rule,
                                            enum fa_promql_agg agg, struct fa_promql_node *arg)
{
    struct fa_promql_node *node = new_node(promql, FA_PROMQL_AGGREGATE, FA_PROMQL_VECTOR);
    struct fa_str *names = fa_scratch_take(&promql->arena, (rule->per_count + 1) * sizeof *names);
    for (size_t i = 0; i < rule->per_count; i++) {
        names[i] = fa_str_of(rule->per[i]);
    }
    node->u.aggregate.agg = agg;
    node->u.aggregate.names = (struct fa_promql_names){names, rule->per_count};
    node->u.aggregate.param =
        agg == FA_PROMQL_AGG_SKETCH_QUANTILE ? new_number(promql, rule->quantile) : NULL;
    node->u.aggregate.arg = arg;
    return node;
}

/* agg(fn(metric[over])) */
static struct fa_promql_node *population(struct fa_promql *promql,
                                         const struct fa_metric_rule *rule, enum fa_promql_agg agg,
                                         enum fa_promql_fn fn)
{
    struct fa_promql_node *call = new_node(promql, FA_PROMQL_CALL, FA_PROMQL_VECTOR);
    call->u.call.fn = fn;
    call->u.call.count = 1;
    call->u.call.args = fa_scratch_take(&promql->arena, sizeof(struct fa_promql_node *));
    call->u.call.args[0] = new_selector(promql, rule, rule->over);
    return new_aggregate(promql, rule, agg, call);
}

static struct fa_promql_node *value_of(struct fa_promql *promql, const struct fa_metric_rule *rule)
{
    static const struct {
        enum fa_promql_agg agg;
        enum fa_promql_fn fn;
    } takes[FA_TAKE__COUNT] = {
        [FA_TAKE_LAST] = {FA_PROMQL_AGG_NEWEST, FA_PROMQL_FN_LAST_OVER_TIME},
        [FA_TAKE_MIN] = {FA_PROMQL_AGG_MIN, FA_PROMQL_FN_MIN_OVER_TIME},
        [FA_TAKE_MAX] = {FA_PROMQL_AGG_MAX, FA_PROMQL_FN_MAX_OVER_TIME},
        [FA_TAKE_AVG] = {FA_PROMQL_AGG_SUM, FA_PROMQL_FN_SUM_OVER_TIME},
        [FA_TAKE_SHARE] = {FA_PROMQL_AGG_SUM, FA_PROMQL_FN_SUM_OVER_TIME},
        [FA_TAKE_SUM] = {FA_PROMQL_AGG_SUM, FA_PROMQL_FN_SUM_OVER_TIME},
        [FA_TAKE_COUNT] = {FA_PROMQL_AGG_SUM, FA_PROMQL_FN_COUNT_OVER_TIME},
        [FA_TAKE_RATE] = {FA_PROMQL_AGG_SUM, FA_PROMQL_FN_SEEN_RATE},
        [FA_TAKE_INCREASE] = {FA_PROMQL_AGG_SUM, FA_PROMQL_FN_SEEN_INCREASE},
        [FA_TAKE_QUANTILE] = {FA_PROMQL_AGG_SKETCH_QUANTILE, FA_PROMQL_FN_SKETCH_OVER_TIME},
    };
    fa_assert(rule->take < FA_TAKE__COUNT);
    if (rule->absent > 0 || (rule->take == FA_TAKE_LAST && rule->over == 0)) {
        return new_aggregate(promql, rule, FA_PROMQL_AGG_NEWEST, new_selector(promql, rule, 0));
    }
    fa_assert(rule->over > 0);
    struct fa_promql_node *value =
        population(promql, rule, takes[rule->take].agg, takes[rule->take].fn);
    if (rule->take == FA_TAKE_AVG || rule->take == FA_TAKE_SHARE) {
        value =
            new_binary(promql, FA_PROMQL_OP_DIV, value,
                       population(promql, rule, FA_PROMQL_AGG_SUM, FA_PROMQL_FN_COUNT_OVER_TIME));
    }
    return value;
}

struct fa_promql *fa_compile(const struct fa_metric_rule *rule)
{
    struct fa_promql *promql = fa_xcalloc(1, sizeof *promql);
    fa_scratch_init(&promql->arena, SIZE_MAX);
    struct fa_promql_node *value = value_of(promql, rule);
    if (rule->at_least > 0 && rule->over > 0 && rule->absent == 0) {
        struct fa_promql_node *samples =
            population(promql, rule, FA_PROMQL_AGG_SUM, FA_PROMQL_FN_SAMPLES_OVER_TIME);
        struct fa_promql_node *enough = new_binary(promql, FA_PROMQL_OP_GE, samples,
                                                   new_number(promql, (double)rule->at_least));
        value = new_binary(promql, FA_PROMQL_OP_AND, value, enough);
    }
    promql->root = value;
    return promql;
}
