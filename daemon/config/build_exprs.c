/* SPDX-License-Identifier: MIT */
/* Expressions: parsed once, here, and owned by the configuration. A definition may use those before
 * it, in the order in which the files are read. What is wrong is shown with the line of the
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

static bool is_known(const struct fa_config *config, const char *name)
{
    for (size_t i = 0; i < config->define_count; i++) {
        if (strcmp(config->defines[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

void fa_build_defines(struct fa_faults *faults, struct fa_draft *draft, struct fa_config *config)
{
    config->defines = fa_xcalloc(draft->defines.count + 1, sizeof *config->defines);
    for (size_t i = 0; i < draft->defines.count; i++) {
        const struct fa_draft_define *from = &draft->defines.items[i];
        struct fa_promql *promql = NULL;
        struct fa_err err;
        if (from->name == NULL || from->expr == NULL) {
            continue; /* told already */
        }
        if (!is_name(from->name)) {
            fa_fault_key(faults, from->at, "name", FA_EINVAL,
                         "'%.80s' is no name for an expression: letters, digits and _, first no "
                         "digit",
                         from->name);
        } else if (is_known(config, from->name)) {
            fa_fault_key(faults, from->at, "name", FA_EEXISTS, "'%.80s' is defined twice",
                         from->name);
        } else if (fa_promql_parse_with(fa_str_of(from->expr), config->defines,
                                        config->define_count, &promql, &err) != 0) {
            refuse(faults, from->at, "expr", from->expr, &err);
        } else {
            config->defines[config->define_count++] =
                (struct fa_promql_define){fa_xstrdup(from->name), promql};
        }
    }
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
