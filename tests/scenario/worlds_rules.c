/* SPDX-License-Identifier: MIT */
/* The rules of a random company: the short form, PromQL, alerts of other systems, and patterns of
 * filings with and without numbers. A rule reads the metric of its own number, mN; a switch is sN.
 */
#include "worlds.h"

#include <stdio.h>
#include <string.h>

#define ONE_OF(rng, ...) worlds_one_of((rng), (const char *const[]){__VA_ARGS__, NULL})

bool worlds_is_filed(const struct worlds_rule *rule)
{
    return rule->kind == WORLDS_PATTERN || rule->kind == WORLDS_CONFIRMED;
}

bool worlds_is_fed(const struct worlds_rule *rule)
{
    return rule->kind != WORLDS_PATTERN && rule->kind != WORLDS_ALERT;
}

bool worlds_has_switch(const struct worlds_rule *rule)
{
    return rule->kind == WORLDS_EXPR_AND || rule->kind == WORLDS_EXPR_UNLESS;
}

bool worlds_is_below(const struct worlds_rule *rule)
{
    return rule->kind == WORLDS_LAST_BELOW || rule->kind == WORLDS_MIN;
}

void worlds_rule_make(struct worlds_rng *rng, const struct worlds_firm *firm,
                      struct worlds_rule *rule, uint32_t number)
{
    static const enum worlds_rule_kind often[] = {
        WORLDS_LAST,   WORLDS_LAST,      WORLDS_LAST_BELOW, WORLDS_PATTERN,  WORLDS_PATTERN,
        WORLDS_ABSENT, WORLDS_CONFIRMED, WORLDS_ALERT,      WORLDS_EXPR_SUM, WORLDS_EXPR_AND};
    *rule = (struct worlds_rule){
        .number = number,
        .kind = worlds_chance(rng, 50)
                    ? often[worlds_below(rng, sizeof often / sizeof often[0])]
                    : (enum worlds_rule_kind)worlds_below(rng, WORLDS_RULE__COUNT),
        .category = worlds_below(rng, firm->category_count),
        .policy = worlds_chance(rng, 50) ? worlds_below(rng, firm->policy_count) : WORLDS_NONE,
        .latched = worlds_chance(rng, 12),
        .shadow = worlds_chance(rng, 6),
        .per_label = worlds_chance(rng, 70),
        .clears_apart = worlds_chance(rng, 40),
        .for_text = worlds_chance(rng, 30) ? ONE_OF(rng, "1m", "5m", "20m", "1 business hour",
                                                    "3 business hours", "1 business day")
                                           : NULL,
        .count = 1 + worlds_below(rng, 3),
        .reporters = 1 + worlds_below(rng, 2),
        .per_customer = worlds_chance(rng, 60),
        .within = worlds_chance(rng, 50),
    };
}

/* ---- writing ---- */

static void write_metric(const struct worlds_rule *rule, struct fa_buf *buf)
{
    static const char *const says[WORLDS_RULE__COUNT] = {
        [WORLDS_LAST] = "above = 10.0;",
        [WORLDS_LAST_BELOW] = "below = 10.0;",
        [WORLDS_AVG] = "take = \"avg\"; over = \"5m\"; at_least = 3; above = 10.0;",
        [WORLDS_MAX] = "take = \"max\"; over = \"5m\"; above = 10.0;",
        [WORLDS_MIN] = "take = \"min\"; over = \"5m\"; below = 10.0;",
        [WORLDS_SUM] = "take = \"sum\"; over = \"5m\"; above = 10.0;",
        [WORLDS_COUNT] = "take = \"count\"; over = \"5m\"; above = 10.0;",
        [WORLDS_RATE] = "take = \"rate\"; over = \"5m\"; above = 1.0;",
        [WORLDS_INCREASE] = "take = \"increase\"; over = \"10m\"; above = 10.0;",
        [WORLDS_SHARE] = "take = \"share\"; over = \"5m\"; at_least = 3; above = 0.5;",
        [WORLDS_P90] = "take = \"p90\"; over = \"5m\"; at_least = 5; above = 10.0;",
        [WORLDS_ABSENT] = "absent = \"10m\";",
    };
    fa_buf_printf(buf, " metric = \"m%u\"; %s", rule->number, says[rule->kind]);
    if (rule->clears_apart && rule->kind != WORLDS_ABSENT) {
        fa_buf_puts(buf, worlds_is_below(rule) ? " clear_above = 12.0;" : " clear_below = 0.5;");
    }
    fa_buf_puts(buf, rule->per_label ? " per = [ \"queue\" ];" : "");
}

static void write_expr(const struct worlds_rule *rule, struct fa_buf *buf)
{
    const char *by = rule->per_label ? "by (queue) " : "";
    const char *on = rule->per_label ? "queue" : "";
    uint32_t n = rule->number;
    fa_buf_puts(buf, " expr = \"");
    switch ((int)rule->kind) {
    case WORLDS_EXPR_SUM:
        fa_buf_printf(buf, "sum %s(m%u) > 10", by, n);
        break;
    case WORLDS_EXPR_RATE:
        if (rule->clears_apart) {
            fa_buf_printf(buf, "rate(m%u[5m]) > 1", n);
        } else {
            fa_buf_printf(buf, "sum %s(rate(m%u[5m])) > 1", by, n);
        }
        break;
    case WORLDS_EXPR_AND:
    case WORLDS_EXPR_UNLESS:
        fa_buf_printf(buf, "m%u > 10 %s on (%s) s%u > 0", n,
                      rule->kind == WORLDS_EXPR_AND ? "and" : "unless", on, n);
        break;
    case WORLDS_EXPR_ABSENT:
        fa_buf_printf(buf, "absent(m%u%s)", n, rule->per_label ? "{queue=\\\"north\\\"}" : "");
        break;
    default:
        fa_buf_printf(buf, "m%u > 10", n);
    }
    fa_buf_puts(buf, "\";");
    if (rule->kind == WORLDS_EXPR && rule->clears_apart) {
        fa_buf_printf(buf, " clear_expr = \"m%u < 0.5\";", n);
    }
}

static void write_pattern(const struct worlds_rule *rule, struct fa_buf *buf)
{
    fa_buf_printf(buf, " incident = { category = [ \"kind%u\" ]; count = %u;%s%s%s };",
                  rule->category + 1, rule->count,
                  rule->reporters > 1 ? " distinct_reporters = 2;" : "",
                  rule->per_customer ? " per = [ \"customer\" ];" : "",
                  rule->within ? " within = \"1d\";" : "");
    if (rule->kind == WORLDS_CONFIRMED) {
        fa_buf_printf(buf, " and_expr = \"m%u > 10\";", rule->number);
    }
}

void worlds_rule_write(const struct worlds_rule *rule, struct fa_buf *buf)
{
    fa_buf_printf(buf, "{ name = \"rule%u\";", rule->number);
    if (rule->policy != WORLDS_NONE) {
        fa_buf_printf(buf, " policy = \"climb%u\";", rule->policy + 1);
    }
    if (worlds_is_filed(rule)) {
        write_pattern(rule, buf);
    } else {
        fa_buf_printf(buf, " category = \"kind%u\";", rule->category + 1);
    }
    if (rule->kind == WORLDS_ALERT) {
        fa_buf_printf(buf, " alert = { where = { alertname = \"A%u\"; };%s };", rule->number,
                      rule->per_label ? " per = [ \"queue\" ];" : "");
    } else if (rule->kind >= WORLDS_EXPR) {
        write_expr(rule, buf);
    } else if (!worlds_is_filed(rule)) {
        write_metric(rule, buf);
    }
    if (rule->for_text != NULL && !worlds_is_filed(rule)) {
        fa_buf_printf(buf, " for = \"%s\";", rule->for_text);
    }
    fa_buf_puts(buf, rule->latched && !worlds_is_filed(rule) ? " latched = true;" : "");
    fa_buf_puts(buf, rule->shadow ? " shadow = true; }\n" : " }\n");
}
