/* SPDX-License-Identifier: MIT */
/* Rules proved: each is about a metric, an expression, filings or alerts of others, can fire, can
 * clear, and leads to a category, a severity and a policy that exist. What a rule leaves out it
 * takes from its
 * category.
 */
#include "config/proof.h"
#include "base/texts.h"
#include "rules/plan.h"
#include "rules/sound.h"
#include "text/template.h"

#include <stdlib.h>
#include <string.h>

/* See config.h: what the host fills in for every alarm, beside the labels of its rule. */
static const char *const template_fields[] = {
    "value", "since",    "raised", "rule",        "severity", "category",
    "kind",  "customer", "filing", "at_customer", "filings",
};
#define TEMPLATE_FIELDS (sizeof template_fields / sizeof template_fields[0])

const char *const *fa_config_summary_fields(size_t *ret_count)
{
    *ret_count = TEMPLATE_FIELDS;
    return template_fields;
}

static void fault_at(const struct fa_proof *proof, size_t i, const char *key, const char *text)
{
    fa_fault_key(proof->faults, proof->draft->rules.items[i].at, key, FA_EINVAL, "%s", text);
}

static bool is_given(const struct fa_proof *proof, size_t i, const char *key)
{
    return config_setting_get_member(proof->draft->rules.items[i].at, key) != NULL;
}

/* Hysteresis and limits on the wrong side never clear, or never fire. */
static void prove_limits(const struct fa_proof *proof, size_t i)
{
    const struct fa_metric_rule *m = &proof->config->rules[i]->metric;
    if (m->has_clear_below && !is_given(proof, i, "above")) {
        fault_at(proof, i, "clear_below", "clear_below goes with above, which is not given");
    } else if (m->has_clear_below && m->has_above && m->clear_below >= m->above) {
        fault_at(proof, i, "clear_below",
                 "clear_below must be lower than above: it is where the alarm clears again");
    }
    if (m->has_clear_above && !is_given(proof, i, "below")) {
        fault_at(proof, i, "clear_above", "clear_above goes with below, which is not given");
    } else if (m->has_clear_above && m->has_below && m->clear_above <= m->below) {
        fault_at(proof, i, "clear_above",
                 "clear_above must be higher than below: it is where the alarm clears again");
    }
    if (m->has_above && m->has_below && m->below >= m->above) {
        fault_at(
            proof, i, "below",
            "above and below contradict each other: every number would fire; for a band, below "
            "is the lower end and above the upper");
    }
}

static void prove_absent(const struct fa_proof *proof, size_t i)
{
    static const char *const others[] = {"above", "below", "clear_below", "clear_above",
                                         "take",  "over",  "at_least"};
    for (size_t k = 0; k < sizeof others / sizeof others[0]; k++) {
        if (is_given(proof, i, others[k])) {
            fa_fault_key(proof->faults, proof->draft->rules.items[i].at, others[k], FA_EINVAL,
                         "%s does not go with absent, which looks only at when samples come",
                         others[k]);
        }
    }
}

static bool is_label(const char *text)
{
    size_t len = strlen(text);
    for (size_t i = 0; i < len; i++) {
        bool is_letter = (text[i] >= 'a' && text[i] <= 'z') || (text[i] >= 'A' && text[i] <= 'Z') ||
                         text[i] == '_';
        if (!is_letter && (i == 0 || text[i] < '0' || text[i] > '9')) {
            return false;
        }
    }
    return len > 0 && len <= 64;
}

/* at: the group that holds per and where. */
static void prove_per(const struct fa_proof *proof, const config_setting_t *at, char *const *per,
                      size_t count)
{
    for (size_t k = 0; k < count; k++) {
        if (!is_label(per[k])) {
            fa_fault(proof->faults, fa_proof_elem(at, "per", per[k]), FA_EINVAL,
                     "'%.80s' is no label: letters, digits and _, first no digit", per[k]);
        }
    }
}

static void prove_where(const struct fa_proof *proof, const config_setting_t *at,
                        const struct fa_rule_match *matches, size_t count)
{
    for (size_t k = 0; k < count; k++) {
        if (!is_label(matches[k].name)) {
            fa_fault_key(proof->faults, at, "where", FA_EINVAL,
                         "where: a label holds letters, digits and _ only");
        }
    }
}

static void prove_window(const struct fa_proof *proof, size_t i)
{
    const struct fa_metric_rule *m = &proof->config->rules[i]->metric;
    bool has_over = is_given(proof, i, "over");
    if (m->take == FA_TAKE_LAST && has_over) {
        fault_at(
            proof, i, "over",
            "over says nothing with take = \"last\": give another take, or look_back for how old "
            "the newest sample may be");
    } else if (m->take != FA_TAKE_LAST && !has_over) {
        fault_at(proof, i, "take", "take needs over: the window, for instance over = \"15m\"");
    }
    if (m->over >= FA_DAY && !is_given(proof, i, "look_back")) {
        fa_warn(proof->faults, proof->draft->rules.items[i].at,
                "over a day or more, yet a series without a sample for 5m counts as unknown: what "
                "comes once a day needs look_back = \"2d\"");
    }
    bool is_noisy = m->take == FA_TAKE_LAST || m->take == FA_TAKE_MIN || m->take == FA_TAKE_MAX;
    if (is_noisy && proof->config->rules[i]->for_ms == 0 && (m->has_above || m->has_below)) {
        fa_warn(proof->faults, proof->draft->rules.items[i].at,
                "one sample is enough to fire: give for, so that a single outlier wakes nobody");
    }
}

static void prove_metric(const struct fa_proof *proof, size_t i)
{
    const struct fa_metric_rule *m = &proof->config->rules[i]->metric;
    const char *metric = m->metric;
    if (metric != NULL && strpbrk(metric, " \t{}\"") != NULL) {
        fault_at(proof, i, "metric",
                 "a metric's name holds no blanks, braces or quotes; labels go "
                 "into where");
    }
    prove_per(proof, proof->draft->rules.items[i].at, m->per, m->per_count);
    prove_where(proof, proof->draft->rules.items[i].at, m->matches, m->match_count);
    if (is_given(proof, i, "absent")) {
        prove_absent(proof, i);
        return;
    }
    if (!is_given(proof, i, "above") && !is_given(proof, i, "below")) {
        fa_fault(proof->faults, proof->draft->rules.items[i].at, FA_EINVAL,
                 "this rule can never fire: give above, below or absent");
    }
    prove_limits(proof, i);
    prove_window(proof, i);
}

struct expression {
    const struct fa_proof *proof;
    const config_setting_t *at; /* the rule */
    const char *key;
};

static void on_finding(void *ctx, const struct fa_sound_finding *finding)
{
    const struct expression *expression = ctx;
    struct fa_faults *faults = expression->proof->faults;
    if (finding->is_error) {
        fa_fault_key(faults, expression->at, expression->key, FA_EINVAL, "%s: %s", expression->key,
                     finding->text);
    } else {
        fa_warn(faults, config_setting_get_member(expression->at, expression->key), "%s: %s",
                expression->key, finding->text);
    }
}

static void prove_expressions(const struct fa_proof *proof, size_t i)
{
    const struct fa_query_rule *query = &proof->config->rules[i]->query;
    struct expression expr = {proof, proof->draft->rules.items[i].at, "expr"}, clear = expr;
    expr.key = proof->config->rules[i]->is_incident ? "and_expr" : "expr";
    clear.key = "clear_expr";
    if (query->expr != NULL) {
        fa_sound(query->expr, on_finding, &expr);
    }
    if (query->clear != NULL) {
        fa_sound(query->clear, on_finding, &clear);
    }
    if (query->expr != NULL && query->clear != NULL) {
        fa_sound_clear(query->expr, query->clear, on_finding, &clear);
    }
}

/* expr instead of metric: what belongs to the short form does not go with it. */
static void prove_query(const struct fa_proof *proof, size_t i)
{
    static const char *const others[] = {"where", "take",  "at_least",    "over",        "per",
                                         "above", "below", "clear_below", "clear_above", "absent"};
    for (size_t k = 0; k < sizeof others / sizeof others[0]; k++) {
        if (is_given(proof, i, others[k])) {
            fa_fault_key(proof->faults, proof->draft->rules.items[i].at, others[k], FA_EINVAL,
                         "%s goes with metric; with expr the expression itself says it", others[k]);
        }
    }
    prove_expressions(proof, i);
}

static void prove_no_query(const struct fa_proof *proof, size_t i)
{
    static const char *const keys[] = {"clear_expr", "settle", "every"};
    bool has_and = is_given(proof, i, "and_expr");
    for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++) {
        if (is_given(proof, i, keys[k]) && !(has_and && k > 0)) {
            fa_fault_key(proof->faults, proof->draft->rules.items[i].at, keys[k], FA_EINVAL,
                         "%s goes with expr, which is not given", keys[k]);
        }
    }
}

/* Of a rule over something else; `instead` says what that has. */
static void refuse_metric_keys(const struct fa_proof *proof, size_t i, const char *instead)
{
    static const char *const metric_keys[] = {
        "where", "take",  "at_least", "over",        "look_back",   "per",
        "above", "below", "absent",   "clear_below", "clear_above",
    };
    bool has_and = is_given(proof, i, "and_expr");
    for (size_t k = 0; k < sizeof metric_keys / sizeof metric_keys[0]; k++) {
        if (is_given(proof, i, metric_keys[k]) &&
            !(has_and && strcmp(metric_keys[k], "look_back") == 0)) {
            fa_fault_key(proof->faults, proof->draft->rules.items[i].at, metric_keys[k], FA_EINVAL,
                         "%s is for metrics; %s", metric_keys[k], instead);
        }
    }
}

static void prove_alert(const struct fa_proof *proof, size_t i)
{
    const struct fa_draft_alert *draft = &proof->draft->rules.items[i].alert;
    const struct fa_alert_rule *alert = &proof->config->rules[i]->alert;
    refuse_metric_keys(proof, i, "an alert rule says where and per inside alert = { }");
    prove_per(proof, draft->at, alert->per, alert->per_count);
    prove_where(proof, draft->at, alert->matches, alert->match_count);
    if (alert->match_count == 0 && config_setting_get_member(draft->at, "where") != NULL) {
        fa_warn(proof->faults, draft->at,
                "an empty where takes every alert that anybody sends; name at least a severity");
    }
}

static void prove_incident(const struct fa_proof *proof, size_t i)
{
    static const char instead[] =
        "an incident rule says per, count and within inside incident = { }";
    const struct fa_draft_rule *draft = &proof->draft->rules.items[i];
    const struct fa_incident_rule *incident = &proof->config->rules[i]->incident;
    refuse_metric_keys(proof, i, instead);
    if (is_given(proof, i, "for")) {
        fa_fault_key(proof->faults, draft->at, "for", FA_EINVAL, "for is for metrics; %s", instead);
    }
    for (size_t k = 0; k < incident->category_count; k++) {
        const char *name = incident->categories[k];
        if (config_setting_get_member(draft->incident.at, "category") != NULL) {
            fa_proof_need(proof, FA_KIND_CATEGORY, name,
                          fa_proof_elem(draft->incident.at, "category", name), "incident");
        }
    }
    for (size_t k = 0; k < draft->incident.values.count; k++) {
        const char *name = draft->incident.values.items[k];
        fa_proof_need(proof, FA_KIND_VALUE, name, fa_proof_elem(draft->incident.at, "value", name),
                      "incident");
    }
    if (!is_given(proof, i, "incident")) {
        return;
    }
    prove_expressions(proof, i);
    if (config_setting_get_member(draft->incident.at, "category") == NULL &&
        config_setting_get_member(draft->incident.at, "value") == NULL) {
        fa_fault(proof->faults, draft->incident.at, FA_EINVAL,
                 "this rule can never fire: incident needs category or value");
    }
    for (size_t k = 0; k < incident->per_count; k++) {
        if (strcmp(incident->per[k], "customer") != 0) {
            fa_fault_key(proof->faults, draft->incident.at, "per", FA_EINVAL,
                         "per: '%.64s' is no field of a filing; only \"customer\" is",
                         incident->per[k]);
        }
    }
}

/* Category, severity and policy: there, or inherited, and existing. */
static void prove_references(const struct fa_proof *proof, size_t i)
{
    const struct fa_rule *rule = proof->config->rules[i];
    const config_setting_t *at = proof->draft->rules.items[i].at;
    if (is_given(proof, i, "category")) {
        fa_proof_need(proof, FA_KIND_CATEGORY, rule->category,
                      config_setting_get_member(at, "category"), "category");
    } else if (!rule->is_incident) {
        fa_fault(proof->faults, at, FA_EINVAL, "a rule for %s lacks category",
                 rule->is_alert ? "alerts" : "a metric");
    }
    bool is_inherited = fa_proof_find(proof, FA_KIND_CATEGORY, rule->category) != FA_NONE;
    if (is_given(proof, i, "severity")) {
        fa_proof_need(proof, FA_KIND_SEVERITY, rule->severity,
                      config_setting_get_member(at, "severity"), "severity");
    } else if (!is_inherited) {
        fa_fault(proof->faults, at, FA_EINVAL,
                 "a rule without its severity: give severity, or a "
                 "category that has one");
    }
    if (is_given(proof, i, "policy")) {
        fa_proof_need(proof, FA_KIND_POLICY, rule->policy, config_setting_get_member(at, "policy"),
                      "policy");
    } else if (!is_inherited) {
        fa_fault(proof->faults, at, FA_EINVAL,
                 "a rule without its policy: give policy, or a category that has one");
    }
    size_t policy = fa_proof_find(proof, FA_KIND_POLICY, rule->policy);
    if (policy != FA_NONE) {
        proof->policy_used[policy] = true;
        proof->policy_filings[policy] = proof->policy_filings[policy] || rule->is_incident;
    }
}

/* A field that nobody fills would show as "?" on a phone at night. */
static void prove_summary(const struct fa_proof *proof, size_t i)
{
    const struct fa_rule *rule = proof->config->rules[i];
    const struct fa_metric_rule *m = &rule->metric;
    struct fa_template *tpl = NULL;
    struct fa_err err;
    if (rule->summary == NULL) {
        return;
    }
    size_t count = 0;
    struct fa_promql_names names = {0};
    bool has_labels =
        rule->query.expr != NULL && !rule->is_incident && fa_plan_labels(rule->query.expr, &names);
    const char **known = fa_xcalloc(
        TEMPLATE_FIELDS + m->per_count + m->match_count + names.count + 1, sizeof *known);
    char **label_texts = fa_xcalloc(names.count + 1, sizeof *label_texts);
    for (size_t k = 0; k < TEMPLATE_FIELDS; k++) {
        known[count++] = template_fields[k];
    }
    for (size_t k = 0; k < m->per_count; k++) {
        known[count++] = m->per[k];
    }
    for (size_t k = 0; k < m->match_count; k++) {
        known[count++] = m->matches[k].name;
    }
    for (size_t k = 0; k < names.count; k++) {
        known[count++] = label_texts[k] = fa_xstrndup(names.items[k].ptr, names.items[k].len);
    }
    int rc = fa_template_compile(fa_str_of(rule->summary), &tpl, &err);
    /* What an alert brings along only its sender knows; so it is with an expression's labels, but
     * where an aggregation names them. */
    bool is_query = rule->query.text != NULL && !rule->is_incident;
    if (rc == 0 && !rule->is_alert && (!is_query || has_labels)) {
        rc = fa_template_check(tpl, known, count, &err);
    }
    if (rc != 0) {
        fa_fault_key(proof->faults, proof->draft->rules.items[i].at, "summary", rc,
                     "summary, at character %u: %s", err.col, err.text);
    }
    fa_template_free(tpl);
    fa_texts_free(label_texts, names.count);
    free(known);
}

/* What goes with a condition over samples. */
static void prove_hits(const struct fa_proof *proof, size_t i)
{
    static const char *const conditions[] = {"clear_below", "clear_above", "clear_expr", "absent"};
    const struct fa_rule *rule = proof->config->rules[i];
    if (is_given(proof, i, "hits") != is_given(proof, i, "of")) {
        fault_at(proof, i, is_given(proof, i, "hits") ? "hits" : "of",
                 "hits and of go together: hits = 3; of = 5; fires when the condition held at 3 of "
                 "the last 5 samples");
    } else if (rule->hits > rule->of) {
        fault_at(proof, i, "hits", "hits is more than of: it could never fire");
    }
    for (size_t k = 0; rule->hits > 0 && k < sizeof conditions / sizeof conditions[0]; k++) {
        if (is_given(proof, i, conditions[k])) {
            fa_fault_key(proof->faults, proof->draft->rules.items[i].at, conditions[k], FA_EINVAL,
                         "%s does not go with hits, which judges each sample for itself",
                         conditions[k]);
        }
    }
}

/* Filings and alerts of others have no samples. */
static void refuse_sample_keys(const struct fa_proof *proof, size_t i)
{
    static const char *const keys[] = {"hits", "of", "keep_firing_for"};
    for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++) {
        if (is_given(proof, i, keys[k])) {
            fa_fault_key(proof->faults, proof->draft->rules.items[i].at, keys[k], FA_EINVAL,
                         "%s goes with metric or expr", keys[k]);
        }
    }
}

static void prove_rule(const struct fa_proof *proof, size_t i)
{
    const struct fa_rule *rule = proof->config->rules[i];
    const config_setting_t *at = proof->draft->rules.items[i].at;
    bool has_incident = is_given(proof, i, "incident"), has_alert = is_given(proof, i, "alert");
    bool has_metric = is_given(proof, i, "metric"), has_expr = is_given(proof, i, "expr");
    int kinds = has_incident + has_metric + has_expr + has_alert;
    prove_references(proof, i);
    prove_summary(proof, i);
    if (rule->expect != NULL && strpbrk(rule->expect, "{}") != NULL) {
        fault_at(proof, i, "expect", "expect is plain text: fields in braces are for summary");
    }
    if (!has_expr) {
        prove_no_query(proof, i);
    }
    if (is_given(proof, i, "and_expr") && !has_incident) {
        fault_at(proof, i, "and_expr", "and_expr goes with incident, which is not given");
    }
    if (has_metric || has_expr) {
        prove_hits(proof, i);
    } else {
        refuse_sample_keys(proof, i);
    }
    if (kinds != 1) {
        fa_fault(proof->faults, at, FA_EINVAL,
                 kinds > 1 ? "a rule has only one of metric, expr, incident and alert"
                           : "a rule needs metric, expr, incident or alert: what is watched?");
    } else if (has_expr) {
        prove_query(proof, i);
    } else if (has_incident && rule->is_incident) {
        prove_incident(proof, i);
    } else if (has_alert && rule->is_alert) {
        prove_alert(proof, i);
    } else if (has_metric) { /* what is none of the three is no group, and was said so */
        prove_metric(proof, i);
    }
}

void fa_prove_rules(const struct fa_proof *proof)
{
    for (size_t i = 0; i < proof->draft->rules.count; i++) {
        prove_rule(proof, i);
    }
}
