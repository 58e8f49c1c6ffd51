/* SPDX-License-Identifier: MIT */
/* What people may file, proved: severities, values with their violations, categories. Values and
 * categories refer to each other; whichever side says it, it must hold on both. */
#include "config/proof.h"
#include "base/texts.h"

#include <stdlib.h>
#include <string.h>

static void prove_severity(const struct fa_proof *proof, size_t i)
{
    const struct fa_severity *severity = &proof->config->setup.severities[i];
    char low[40], high[40];
    if (severity->ack_default > severity->ack_max) {
        fa_fault_key(proof->faults, proof->draft->severities.items[i].at, "ack_default", FA_ERANGE,
                     "ack_default (%s) is longer than ack_max (%s)",
                     fa_format_duration(severity->ack_default, low),
                     fa_format_duration(severity->ack_max, high));
    }
}

static bool lists(const struct fa_value *value, const char *category)
{
    return fa_texts_has(value->violations, value->violation_count, category);
}

static void prove_value(const struct fa_proof *proof, size_t i)
{
    struct fa_setup *setup = &proof->config->setup;
    const struct fa_value *value = &setup->values[i];
    const config_setting_t *at = proof->draft->values.items[i].at;
    for (size_t v = 0; v < value->violation_count; v++) {
        const char *violation = value->violations[v];
        const config_setting_t *elem = fa_proof_elem(at, "violations", violation);
        size_t category = fa_proof_need(proof, FA_KIND_CATEGORY, violation, elem, "violations");
        for (size_t other = 0; other < i; other++) {
            if (lists(&setup->values[other], violation)) {
                fa_fault(proof->faults, elem, FA_EEXISTS,
                         "'%s' violates the value '%s' already: a category belongs to one value",
                         violation,
                         setup->values[other].name != NULL ? setup->values[other].name : "?");
            }
        }
        if (category != FA_NONE && setup->categories[category].value == NULL &&
            value->name != NULL) {
            setup->categories[category].value = fa_xstrdup(value->name);
        }
    }
}

static void refuse_labels(const struct fa_proof *proof, const config_setting_t *at,
                          const struct fa_category *category)
{
    for (size_t i = 0; i < category->helper_count; i++) {
        struct fa_str label;
        if (fa_proof_depends(category->helpers[i], &label) == FA_DEPENDS_LABEL) {
            fa_fault(proof->faults, fa_proof_elem(at, "helpers", category->helpers[i]), FA_EINVAL,
                     "helpers: '%.64s' would be nobody: what people file has no labels",
                     category->helpers[i]);
        }
    }
}

static void prove_helpers(const struct fa_proof *proof, size_t i)
{
    const struct fa_category *category = &proof->config->setup.categories[i];
    const config_setting_t *at = proof->draft->categories.items[i].at;
    bool *set = fa_xcalloc(proof->draft->people.count + 1, sizeof *set);
    size_t before = proof->faults->count;
    refuse_labels(proof, at, category);
    bool depends =
        fa_proof_targets(proof, at, "helpers", category->helpers, category->helper_count, set);
    bool any = false, reached = false;
    for (size_t p = 0; p < proof->draft->people.count; p++) {
        any = any || set[p];
        reached = reached || (set[p] && fa_proof_reachable(proof, p, NULL, 0, true));
    }
    if (category->guidance == FA_GUIDE_HELP && category->helper_count == 0) {
        fa_fault(proof->faults, at, FA_EINVAL,
                 "a category with guidance \"help\" needs helpers: who is asked?");
    } else if (any && !reached) {
        fa_fault_key(proof->faults, at, "helpers", FA_EINVAL,
                     "none of the helpers has a channel that may carry filings");
    }
    if (depends && !any && proof->faults->count == before) {
        fa_fault_key(proof->faults, at, "helpers", FA_EINVAL,
                     "who helps depends on each filing and may be nobody: add a person, a team or "
                     "a role");
    }
    free(set);
}

static void prove_category(const struct fa_proof *proof, size_t i)
{
    const struct fa_setup *setup = &proof->config->setup;
    const struct fa_category *category = &setup->categories[i];
    const config_setting_t *at = proof->draft->categories.items[i].at;
    fa_proof_need(proof, FA_KIND_SEVERITY, category->severity,
                  config_setting_get_member(at, "severity"), "severity");
    size_t policy = fa_proof_need(proof, FA_KIND_POLICY, category->policy,
                                  config_setting_get_member(at, "policy"), "policy");
    if (policy != FA_NONE) {
        proof->policy_used[policy] = proof->policy_filings[policy] = true;
        proof->policy_categories[policy] = true;
    }
    prove_helpers(proof, i);
    if (category->guidance == FA_GUIDE_RAISE && config_setting_get_member(at, "due") != NULL) {
        fa_warn(proof->faults, config_setting_get_member(at, "due"),
                "due says nothing where guidance is \"raise\": the alarm is raised at once");
    }
    size_t value = fa_proof_need(proof, FA_KIND_VALUE, category->value,
                                 config_setting_get_member(at, "value"), "value");
    if (value != FA_NONE && category->name != NULL &&
        !lists(&setup->values[value], category->name)) {
        fa_fault_key(proof->faults, at, "value", FA_EINVAL,
                     "the value '%s' does not list '%s' among its violations",
                     setup->values[value].name, category->name);
    }
}

void fa_prove_guide(const struct fa_proof *proof)
{
    for (size_t i = 0; i < proof->draft->severities.count; i++) {
        prove_severity(proof, i);
    }
    for (size_t i = 0; i < proof->draft->values.count; i++) {
        prove_value(proof, i);
    }
    for (size_t i = 0; i < proof->draft->categories.count; i++) {
        prove_category(proof, i);
    }
}
