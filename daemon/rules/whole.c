/* SPDX-License-Identifier: MIT */
/* The series that a rule's selectors match, by selector and in the order of their labels. The exact
 * evaluator asks for them by a selector's matchers, which no two selectors of an expression share,
 * and for points, which are read from the windows; what a series ended with is a stale marker. */
#include "rules/whole.h"

#include "base/panic.h"
#include "rules/eval.h"

#include <stdlib.h>
#include <string.h>

#define BYTES_MAX ((size_t)128 << 20) /* of one evaluation */
#define STEPS_MAX 10000000

struct member {
    struct fa_labels *labels; /* owned, with __name__ */
    struct fa_link *link;
    struct leaf *leaf;
};

struct leaf {
    const struct fa_plan_leaf *plan;
    struct member **items; /* owned, by labels */
    size_t count, cap;
};

struct fa_whole {
    const struct fa_plan *plan;
    struct leaf *leaves; /* owned */
    fa_time look_back;
    struct fa_scratch points; /* of the evaluation that goes on */
    struct fa_sketch sketch;  /* of the series that it is at */
    const struct fa_plan_tree *tree;
    struct fa_query_source source;
};

/* ---- members ---- */

static struct fa_labels *named_labels(const struct fa_link *link)
{
    const struct fa_labels *own = fa_link_labels(link);
    struct fa_label all[FA_LABELS_MAX + 1];
    struct fa_labels *labels = NULL;
    size_t count = 0;
    for (size_t i = 0; i < own->count && count < FA_LABELS_MAX - 1; i++) {
        all[count++] = own->items[i];
    }
    all[count++] = (struct fa_label){FA_STR("__name__"), fa_link_metric(link)};
    int ret = fa_labels_new(all, count, &labels);
    fa_assert(ret == 0); /* they were sound before */
    return labels;
}

/* The number of the first member that does not stand before these labels. */
static size_t place_of(const struct leaf *leaf, const struct fa_labels *labels)
{
    size_t low = 0, high = leaf->count;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (fa_labels_cmp(leaf->items[mid]->labels, labels) < 0) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}

size_t fa_whole_leaf_count(const struct fa_whole *whole, size_t leaf)
{
    return whole->leaves[leaf].count;
}

size_t fa_whole_count(const struct fa_whole *whole)
{
    size_t count = 0;
    for (size_t i = 0; i < whole->plan->count; i++) {
        count += whole->leaves[i].count;
    }
    return count;
}

void fa_whole_join(struct fa_whole *whole, size_t number, struct fa_link *link)
{
    struct leaf *leaf = &whole->leaves[number];
    struct member *member = fa_xcalloc(1, sizeof *member);
    member->link = link;
    member->leaf = leaf;
    member->labels = named_labels(link);
    link->member = member;
    leaf->items = fa_xgrow(leaf->items, leaf->count, &leaf->cap, sizeof(struct member *));
    size_t at = place_of(leaf, member->labels);
    memmove(&leaf->items[at + 1], &leaf->items[at], (leaf->count - at) * sizeof(struct member *));
    leaf->items[at] = member;
    leaf->count++;
}

void fa_whole_drop(struct fa_link *link)
{
    struct member *member = link->member;
    struct leaf *leaf = member->leaf;
    size_t at = place_of(leaf, member->labels);
    while (leaf->items[at] != member) {
        at++;
    }
    leaf->count--;
    memmove(&leaf->items[at], &leaf->items[at + 1], (leaf->count - at) * sizeof(struct member *));
    fa_labels_free(member->labels);
    free(member);
    link->member = NULL;
}

/* ---- the source ---- */

static size_t leaf_of(const struct fa_plan_tree *tree, const struct fa_promql_matcher *matchers)
{
    size_t i = 0;
    while (tree->selectors[i]->u.selector.matchers != matchers) {
        i++;
        fa_assert(i < tree->count);
    }
    return tree->leaves[i];
}

static int select_members(void *ctx, const struct fa_promql_matcher *matchers, size_t count,
                          fa_query_found_fn *found, void *found_ctx)
{
    const struct fa_whole *whole = ctx;
    const struct leaf *leaf = &whole->leaves[leaf_of(whole->tree, matchers)];
    (void)count;
    for (size_t i = 0; i < leaf->count; i++) {
        /* Of two kinds of one series the one with the newest sample. */
        struct member *member = leaf->items[i];
        for (;
             i + 1 < leaf->count && fa_labels_cmp(member->labels, leaf->items[i + 1]->labels) == 0;
             i++) {
            fa_time at, other_at;
            double value;
            bool is_there = fa_link_newest(member->link, &at, &value);
            bool is_other = fa_link_newest(leaf->items[i + 1]->link, &other_at, &value);
            member = is_other && (!is_there || other_at > at) ? leaf->items[i + 1] : member;
        }
        int ret = found(found_ctx, member->labels, member);
        if (ret != 0) {
            return ret;
        }
    }
    return 0;
}

static size_t read_points(void *ctx, void *series, fa_time from, fa_time to,
                          const struct fa_point **ret_points)
{
    struct fa_whole *whole = ctx;
    const struct member *member = series;
    size_t count = fa_link_points(member->link, from, to, NULL, 0), again;
    struct fa_point *points = fa_scratch_take(&whole->points, (count + 1) * sizeof *points);
    fa_time newest_at;
    double newest;
    again = fa_link_points(member->link, from, to, points, count);
    fa_assert(again == count);
    if (!fa_link_newest(member->link, &newest_at, &newest) && count > 0 && newest_at <= to) {
        points[count++] = (struct fa_point){newest_at, fa_stale_marker()};
    }
    *ret_points = points;
    return count;
}

/* An exact quantile needs every sample. */
static const char *why_no_quantile(const struct fa_link *link, const struct fa_summary *summary)
{
    if (fa_link_kind(link) == FA_KIND_DISTRIBUTION) {
        return "quantile_over_time is exact, and of a distribution only a sketch is kept: use "
               "sketch_quantile_over_time";
    }
    return summary->points < summary->samples
               ? "quantile_over_time is exact, and of several samples in a second, or in a "
                 "thousandth of a range over an hour, only the newest is kept: use "
                 "sketch_quantile_over_time"
               : NULL;
}

/* Sums, extremes and ends are kept of every sample, points of one a second or slot. */
static bool fold_window(void *ctx, void *series, const struct fa_query_fold *fold,
                        struct fa_query_folded *ret)
{
    struct fa_whole *whole = ctx;
    const struct member *member = series;
    struct fa_summary summary;
    bool by_sketch = fold->fn == FA_PROMQL_FN_SKETCH_QUANTILE_OVER_TIME;
    if (member->link->window == NULL) {
        return false;
    }
    fa_sketch_clear(&whole->sketch);
    fa_link_read(member->link, fold->to, fold->to - fold->from, &summary,
                 by_sketch ? &whole->sketch : NULL);
    if (by_sketch) {
        ret->any = whole->sketch.count > 0;
        ret->value = fa_eval_sketch(&whole->sketch, fold->param);
        return true;
    }
    if (fold->fn == FA_PROMQL_FN_QUANTILE_OVER_TIME) {
        ret->refused = why_no_quantile(member->link, &summary);
        return ret->refused != NULL;
    }
    return fa_eval_summary(fold->fn, &summary, fold->from, fold->to, &ret->any, &ret->value);
}

struct fa_whole *fa_whole_new(const struct fa_plan *plan, fa_time look_back)
{
    struct fa_whole *whole = fa_xcalloc(1, sizeof *whole);
    whole->plan = plan;
    whole->look_back = look_back;
    whole->leaves = fa_xcalloc(plan->count + 1, sizeof *whole->leaves);
    for (size_t i = 0; i < plan->count; i++) {
        whole->leaves[i].plan = &plan->leaves[i];
    }
    whole->source = (struct fa_query_source){
        .ctx = whole, .select = select_members, .read = read_points, .fold = fold_window};
    fa_scratch_init(&whole->points, BYTES_MAX);
    return whole;
}

void fa_whole_free(struct fa_whole *whole)
{
    if (whole == NULL) {
        return;
    }
    for (size_t i = 0; i < whole->plan->count; i++) {
        for (size_t k = 0; k < whole->leaves[i].count; k++) {
            fa_labels_free(whole->leaves[i].items[k]->labels);
            free(whole->leaves[i].items[k]);
        }
        free(whole->leaves[i].items);
    }
    fa_scratch_done(&whole->points);
    fa_sketch_done(&whole->sketch);
    free(whole->leaves);
    free(whole);
}

int fa_whole_run(struct fa_whole *whole, const struct fa_plan_tree *tree,
                 const struct fa_promql *promql, fa_time now, struct fa_query **ret_query,
                 struct fa_query_value *ret_value, struct fa_err *err)
{
    struct fa_query_params params = fa_query_defaults(now);
    params.look_back = whole->look_back;
    params.bytes_max = BYTES_MAX;
    params.steps_max = STEPS_MAX;
    whole->tree = tree;
    fa_scratch_done(&whole->points);
    fa_scratch_init(&whole->points, BYTES_MAX);
    int ret = fa_query_run(promql, &whole->source, &params, ret_query, ret_value, err);
    if (ret == 0 && whole->points.over) {
        fa_query_free(*ret_query);
        ret = fa_err_set(err, FA_ETOOBIG, "the expression reads more than %zu MiB of samples",
                         BYTES_MAX >> 20);
    }
    return ret;
}

/* ---- what they tell ---- */

/* Are enough samples where the leaf looks? *ret_next: when that may change without another;
 * FA_NEVER. */
static bool finds(const struct fa_whole *whole, const struct member *member, fa_time now,
                  fa_time *ret_newest_at, fa_time *ret_next)
{
    const struct fa_plan_leaf *leaf = member->leaf->plan;
    double newest;
    bool is_alive = fa_link_newest(member->link, ret_newest_at, &newest);
    if (leaf->over == 0) {
        *ret_next = *ret_newest_at + whole->look_back;
        return is_alive && *ret_next > now;
    }
    struct fa_point first;
    fa_time from = now - leaf->over;
    bool any = fa_link_points(member->link, from, now, &first, 1) > 0;
    *ret_next = any ? first.at + leaf->over : FA_NEVER;
    return fa_link_points(member->link, from, now - leaf->selector->offset, NULL, 0) >=
           fa_link_needed(member->link, leaf);
}

static fa_time later(fa_time a, fa_time b)
{
    return a > b ? a : b;
}

static void look_at_leaf(struct fa_whole *whole, const struct leaf *leaf,
                         const struct fa_labels *labels, fa_time now, struct fa_whole_facts *facts,
                         fa_time started)
{
    fa_time since = FA_NEVER, newest_at, next;
    bool any = false, fresh = leaf->plan->over == 0;
    for (size_t i = 0; i < leaf->count; i++) {
        const struct member *member = leaf->items[i];
        if (!fa_plan_agree(member->labels, labels)) {
            continue;
        }
        fa_time own = fa_link_since(member->link);
        since = own < since ? own : since;
        any = finds(whole, member, now, &newest_at, &next) || any;
        fresh = fresh || fa_link_is_fresh(member->link, leaf->plan, now, whole->look_back);
        facts->newest_at = later(facts->newest_at, newest_at);
    }
    if (leaf->plan->exempt) {
        fa_time reach = leaf->plan->over > 0 ? leaf->plan->over : whole->look_back;
        facts->covered_at = any ? facts->covered_at : later(facts->covered_at, started + reach);
        return;
    }
    if (leaf->plan->cover) {
        facts->covered_at =
            since == FA_NEVER ? FA_NEVER : later(facts->covered_at, since + leaf->plan->over);
    }
    if (!any && facts->lacks == SIZE_MAX) {
        facts->lacks = (size_t)(leaf - whole->leaves);
    }
    if (!fresh && facts->stale == SIZE_MAX) {
        facts->stale = (size_t)(leaf - whole->leaves);
    }
}

struct fa_whole_facts fa_whole_look(struct fa_whole *whole, const struct fa_labels *labels,
                                    fa_time now, fa_time started)
{
    struct fa_whole_facts facts = {.lacks = SIZE_MAX, .stale = SIZE_MAX};
    for (size_t i = 0; i < whole->plan->count; i++) {
        look_at_leaf(whole, &whole->leaves[i], labels, now, &facts, started);
    }
    return facts;
}

void fa_whole_each(struct fa_whole *whole, size_t number, const char *text, fa_whole_fn *fn,
                   void *ctx)
{
    const struct leaf *leaf = &whole->leaves[number];
    struct fa_labels *labels = NULL;
    int ret = fa_labels_parse(fa_str_of(text), &labels);
    fa_assert(ret == 0); /* of a label set that is known */
    for (size_t i = 0; i < leaf->count; i++) {
        if (fa_plan_agree(leaf->items[i]->labels, labels)) {
            fn(ctx, number, leaf->items[i]->link);
        }
    }
    fa_labels_free(labels);
}

fa_time fa_whole_next(const struct fa_whole *whole, fa_time now)
{
    fa_time least = FA_NEVER, newest_at, next;
    for (size_t i = 0; i < whole->plan->count; i++) {
        for (size_t k = 0; k < whole->leaves[i].count; k++) {
            (void)finds(whole, whole->leaves[i].items[k], now, &newest_at, &next);
            least = next > now && next < least ? next : least;
        }
    }
    return least;
}

bool fa_whole_has_data(const struct fa_whole *whole, fa_time now)
{
    fa_time newest_at, next;
    for (size_t i = 0; i < whole->plan->count; i++) {
        for (size_t k = 0; k < whole->leaves[i].count; k++) {
            (void)finds(whole, whole->leaves[i].items[k], now, &newest_at, &next);
            if (next != FA_NEVER && next > now) {
                return true; /* an offset may hide it so far */
            }
        }
    }
    return false;
}
