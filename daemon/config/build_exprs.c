/* SPDX-License-Identifier: MIT */
/* Expressions: parsed once, here, and owned by the configuration. Definitions may use each other
 * in any order, but not in a circle. What is wrong is shown with the line of the
 * expression and a caret under the place. Whether a rule can do something with an expression is
 * asked of rules/. */
#include "config/build.h"
#include "rules/plan.h"

#include <stdlib.h>
#include <string.h>

#define SHOWN_MAX 180 /* bytes of a line: more would be no help on a screen */

/* The fault at the member `key`, with the place inside its text. */
static void refuse(struct fa_faults *faults, const config_setting_t *at, const char *key,
                   const char *text, const struct fa_err *err)
{
    struct fa_buf buf;
    uint32_t col = err->col > 0 ? err->col : 1;
    fa_buf_init(&buf, SIZE_MAX);
    fa_promql_point(fa_str_of(text), col, "  ", &buf);
    fa_fault_key(faults, at, key, err->code, "%s, column %u: %s%s%s", key, col, err->text,
                 buf.len <= 2 * SHOWN_MAX ? "\n" : "",
                 buf.len <= 2 * SHOWN_MAX ? fa_buf_text(&buf) : "");
    fa_buf_done(&buf);
}

static bool is_name(const char *text)
{
    for (size_t i = 0; text[i] != '\0'; i++) {
        bool letter = (text[i] >= 'a' && text[i] <= 'z') || (text[i] >= 'A' && text[i] <= 'Z') ||
                      text[i] == '_' || text[i] == ':';
        if (!letter && (i == 0 || text[i] < '0' || text[i] > '9')) {
            return false;
        }
    }
    return text[0] != '\0';
}

/* ---- definitions ---- */

enum define_state { WAITING, DONE };

struct defining {
    struct fa_faults *faults;
    struct fa_draft_define *items;
    size_t count;
    enum define_state *states; /* of each */
};

/* A definition of that name that is not understood yet; the count of them: none. */
static size_t find_waiting(const struct defining *all, struct fa_str name)
{
    size_t i = 0;
    while (i < all->count && (all->states[i] != WAITING || !fa_str_is(name, all->items[i].name))) {
        i++;
    }
    return i;
}

/* The definition that the expression means and that is not understood yet. */
static size_t find_used(const struct defining *all, const struct fa_promql_node *node)
{
    size_t found = all->count;
    switch (node->kind) {
    case FA_PROMQL_SELECTOR:
        return find_waiting(all, node->u.selector.name);
    case FA_PROMQL_SUBQUERY:
    case FA_PROMQL_NEGATE:
    case FA_PROMQL_PAREN:
        return find_used(all, node->u.arg);
    case FA_PROMQL_CALL:
        for (size_t i = 0; i < node->u.call.count && found == all->count; i++) {
            found = find_used(all, node->u.call.args[i]);
        }
        return found;
    case FA_PROMQL_AGGREGATE:
        if (node->u.aggregate.param != NULL) {
            found = find_used(all, node->u.aggregate.param);
        }
        return found < all->count ? found : find_used(all, node->u.aggregate.arg);
    case FA_PROMQL_BINARY:
        found = find_used(all, node->u.binary.left);
        return found < all->count ? found : find_used(all, node->u.binary.right);
    case FA_PROMQL_NUMBER:
    case FA_PROMQL_TEXT:
        break;
    }
    return found;
}

static void check_names(const struct defining *all)
{
    for (size_t i = 0; i < all->count; i++) {
        const struct fa_draft_define *item = &all->items[i];
        if (item->name == NULL || item->expr == NULL) {
            all->states[i] = DONE; /* told already */
        } else if (!is_name(item->name)) {
            fa_fault_key(all->faults, item->at, "name", FA_EINVAL,
                         "'%.80s' is no name for an expression: letters, digits and _, first no "
                         "digit",
                         item->name);
            all->states[i] = DONE;
        }
        for (size_t k = 0; k < i && all->states[i] == WAITING; k++) {
            if (all->items[k].name != NULL && strcmp(all->items[k].name, item->name) == 0) {
                fa_fault_key(all->faults, item->at, "name", FA_EEXISTS, "'%.80s' is defined twice",
                             item->name);
                all->states[i] = DONE;
            }
        }
    }
}

/* True: it is done with; false: it means one that is not, the number of which is *ret_used. */
static bool define(struct defining *all, size_t i, struct fa_config *config, size_t *ret_used)
{
    const struct fa_draft_define *item = &all->items[i];
    struct fa_promql *promql = NULL;
    struct fa_err err;
    if (fa_promql_parse_with(fa_str_of(item->expr), config->defines, config->define_count, &promql,
                             &err) != 0) {
        refuse(all->faults, item->at, "expr", item->expr, &err);
        all->states[i] = DONE;
        return true;
    }
    *ret_used = find_used(all, promql->root);
    if (*ret_used < all->count) {
        fa_promql_free(promql);
        return false;
    }
    config->defines[config->define_count++] =
        (struct fa_promql_define){fa_xstrdup(item->name), promql};
    all->states[i] = DONE;
    return true;
}

/* What is left means itself, by way of others or at once. */
static void refuse_cycles(const struct defining *all, const size_t *used)
{
    for (size_t i = 0; i < all->count; i++) {
        if (all->states[i] == WAITING) {
            fa_fault_key(all->faults, all->items[i].at, "expr", FA_EINVAL,
                         "'%.80s' is defined by itself%s%.80s", all->items[i].name,
                         used[i] != i ? ", by way of " : "",
                         used[i] != i ? all->items[used[i]].name : "");
            return; /* the others of the circle are no news */
        }
    }
}

void fa_build_defines(struct fa_faults *faults, struct fa_draft *draft, struct fa_config *config)
{
    struct defining all = {faults, draft->defines.items, draft->defines.count, NULL};
    size_t *used = fa_xcalloc(all.count + 1, sizeof *used);
    bool more = true;
    config->defines = fa_xcalloc(all.count + 1, sizeof *config->defines);
    all.states = fa_xcalloc(all.count + 1, sizeof *all.states);
    check_names(&all);
    while (more) {
        more = false;
        for (size_t i = 0; i < all.count; i++) {
            more = (all.states[i] == WAITING && define(&all, i, config, &used[i])) || more;
        }
    }
    refuse_cycles(&all, used);
    free(all.states);
    free(used);
}

void fa_build_defines_free(struct fa_config *config)
{
    /* The last ones may borrow from those before them. */
    for (size_t i = config->define_count; i-- > 0;) {
        fa_promql_free((struct fa_promql *)(uintptr_t)config->defines[i].promql);
        free((char *)(uintptr_t)config->defines[i].name);
    }
    free(config->defines);
}

static void parse(struct fa_faults *faults, const struct fa_config *config,
                  const config_setting_t *at, const char *key, const char *text,
                  struct fa_promql **ret_promql)
{
    struct fa_err err;
    if (text == NULL) {
        return;
    }
    int rc = fa_promql_parse_with(fa_str_of(text), config->defines, config->define_count,
                                  ret_promql, &err);
    if (rc == 0) {
        rc = fa_plan_check(*ret_promql, &err);
    }
    if (rc != 0) {
        refuse(faults, at, key, text, &err);
    }
}

void fa_build_query(struct fa_faults *faults, const struct fa_config *config,
                    struct fa_draft_rule *from, struct fa_rule *rule)
{
    struct fa_query_rule *query = &rule->query;
    bool is_second = from->and_expr != NULL && query->text == NULL;
    if (is_second) {
        query->text = from->and_expr;
        from->and_expr = NULL;
    }
    parse(faults, config, from->at, is_second ? "and_expr" : "expr", query->text, &query->expr);
    parse(faults, config, from->at, "clear_expr", query->clear_text, &query->clear);
    query->look_back = rule->metric.look_back;
}
