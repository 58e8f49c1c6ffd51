/* SPDX-License-Identifier: MIT */
/* links: fa_rules fa_metrics fa_base */
/* Definitions, an expression and perhaps a clear condition, of any bytes, as a rule: "name=expr"
 * lines, then one that is the expression, and one that is the clear condition. What is planned says
 * of each selector where it is read, and is evaluated beside samples, keyed as well as whole. */
#include "fuzz.h"
#include "metrics/metrics.h"
#include "rules/plan.h"
#include "rules/rules.h"

#include <stdio.h>
#include <string.h>

#define NOW     INT64_C(1700000000000)
#define DEFINES 4

static void must_be(bool cond, const char *what)
{
    if (!cond) {
        fprintf(stderr, "not true: %s\n", what);
        abort();
    }
}

struct input {
    char names[DEFINES][16];
    struct fa_promql_define defines[DEFINES];
    size_t count;
    struct fa_promql *expr, *clear;
};

/* The one behind the sign; false: the line defines nothing. */
static bool take_define(struct input *input, struct fa_str line)
{
    const char *sign = line.len > 0 ? memchr(line.ptr, '=', line.len) : NULL;
    size_t len = sign != NULL ? (size_t)(sign - line.ptr) : 0;
    struct fa_promql *promql = NULL;
    struct fa_err err;
    if (len == 0 || len >= sizeof input->names[0] || input->count == DEFINES ||
        strspn(line.ptr, "abcdefghijklmnopqrstuvwxyz") != len) {
        return false;
    }
    struct fa_str text = {sign + 1, line.len - len - 1};
    if (fa_promql_parse_with(text, input->defines, input->count, &promql, &err) == 0) {
        char *name = input->names[input->count];
        memcpy(name, line.ptr, len);
        name[len] = '\0';
        input->defines[input->count++] = (struct fa_promql_define){name, promql};
    }
    return true;
}

static struct fa_promql *take_expr(struct input *input, struct fa_str line)
{
    struct fa_promql *promql = NULL;
    struct fa_err err;
    if (fa_promql_parse_with(line, input->defines, input->count, &promql, &err) != 0 ||
        fa_plan_check(promql, &err) != 0) {
        must_be(err.text[0] != '\0', "a refusal says why");
        fa_promql_free(promql);
        return NULL;
    }
    return promql;
}

static void check_tree(const struct fa_plan *plan, const struct fa_plan_tree *tree)
{
    for (size_t i = 0; i < tree->count; i++) {
        must_be(tree->selectors[i] != NULL, "each selector is known");
        must_be(tree->leaves[i] < plan->count, "each selector is read by a leaf");
    }
}

static void check_plan(const struct input *input)
{
    struct fa_plan plan = {0};
    struct fa_promql_names names;
    fa_plan_make(&plan, input->expr, input->clear, FA_LOOK_BACK);
    check_tree(&plan, &plan.tree);
    check_tree(&plan, &plan.clear);
    for (size_t i = 0; i < plan.count; i++) {
        must_be(plan.leaves[i].over >= 0, "a leaf reads the past");
        must_be(!plan.is_keyed || fa_plan_metric(plan.leaves[i].selector).len > 0,
                "what is keyed has names");
    }
    must_be(!fa_plan_labels(input->expr, &names) || input->clear != NULL || plan.is_keyed,
            "labels are known of a key");
    fa_plan_done(&plan);
}

static void ignore(void *ctx, const struct fa_signal *signal)
{
    must_be(signal->level < FA_LEVEL__COUNT, "a level is one");
}

static void run(const struct input *input)
{
    static char name[] = "r", text[] = "-";
    static const char *const metrics[] = {"a", "b", "c"};
    const struct fa_rule rule = {.name = name,
                                 .query = {.text = text,
                                           .expr = input->expr,
                                           .clear = input->clear,
                                           .settle = FA_SECOND,
                                           .every = 15 * FA_SECOND}};
    const struct fa_rule *rules[] = {&rule};
    struct fa_metrics *all = fa_metrics_new(NULL);
    struct fa_feed *feed = fa_metrics_feed(all, "f");
    struct fa_rules *self = fa_rules_new(rules, 1, all);
    for (int turn = 0; turn < 4; turn++) {
        struct fa_now now = {.mono = turn * FA_MINUTE, .wall = NOW + turn * FA_MINUTE};
        for (size_t i = 0; i < 6; i++) {
            const struct fa_label label = {FA_STR("l"), i % 2 == 0 ? FA_STR("x") : FA_STR("y")};
            double value = (double)(turn * 3 + (int)i);
            uint64_t handle = fa_metrics_define(feed, FA_KIND_GAUGE, FA_STR(""),
                                                fa_str_of(metrics[i / 2]), &label, 1);
            fa_metrics_push(feed, now, &handle, &value, NULL, NULL, 1);
        }
        fa_rules_run(self, now, ignore, NULL);
        must_be(fa_rules_next(self) > 0, "there is a time to go on, or never");
    }
    fa_rules_free(self);
    fa_metrics_free(all);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {.count = 0};
    struct fa_str rest = {(const char *)data, size};
    if (size > 2000 || (size > 0 && memchr(data, '\0', size) != NULL)) {
        return 0;
    }
    while (rest.len > 0 && input.clear == NULL) {
        struct fa_str line = fa_str_cut(rest, '\n', &rest);
        if (input.expr != NULL) {
            input.clear = take_expr(&input, line);
        } else if (!take_define(&input, line)) {
            input.expr = take_expr(&input, line);
        }
    }
    if (input.expr != NULL) {
        check_plan(&input);
        run(&input);
    }
    fa_promql_free(input.clear);
    fa_promql_free(input.expr);
    while (input.count > 0) {
        fa_promql_free((struct fa_promql *)(uintptr_t)input.defines[--input.count].promql);
    }
    return 0;
}
