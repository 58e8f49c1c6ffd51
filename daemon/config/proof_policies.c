/* SPDX-License-Identifier: MIT */
/* Policies proved: no climb can end with nobody. Each step names people who exist, each of them can
 * be reached, and at least one of them over the channels that the step allows; where filings climb,
 * over channels that may carry filings. A step that tells nobody new over no other channel is
 * pointed out: it only delays the next. What depends on a customer, a label or a reporter may mean
 * nobody: a last step needs somebody beside it, and where it can mean nobody at all, because no
 * rule with this policy has the label, it is refused. */
#include "config/proof.h"
#include "base/texts.h"

#include <stdlib.h>
#include <string.h>

/* People who are told and have no channel at all: said once for each policy that tells them. */
static void need_channels(const struct fa_proof *proof, const config_setting_t *at, const bool *set)
{
    for (size_t p = 0; p < proof->draft->people.count; p++) {
        const struct fa_person_entry *entry = &proof->config->people->people[p];
        if (set[p] && entry->contact_count == 0 && entry->name != NULL) {
            fa_fault_key(proof->faults, at, "targets", FA_EINVAL,
                         "'%s' has no channel: this step tells a person who cannot be reached",
                         entry->name);
        }
    }
}

static size_t reachable_count(const struct fa_proof *proof, const struct fa_step *step,
                              const bool *set, bool is_filing)
{
    size_t count = 0;
    for (size_t p = 0; p < proof->draft->people.count; p++) {
        count +=
            set[p] && fa_proof_reachable(proof, p, step->channels, step->channel_count, is_filing);
    }
    return count;
}

static bool any(const bool *set, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (set[i]) {
            return true;
        }
    }
    return false;
}

static bool all_channels_known(const struct fa_proof *proof, const struct fa_step *step,
                               const config_setting_t *at)
{
    bool known = true;
    for (size_t c = 0; c < step->channel_count; c++) {
        known = fa_proof_need(proof, FA_KIND_CHANNEL, step->channels[c],
                              fa_proof_elem(at, "channels", step->channels[c]),
                              "channels") != FA_NONE &&
                known;
    }
    return known;
}

static void prove_hours(const struct fa_proof *proof, const struct fa_step *step,
                        const config_setting_t *at)
{
    const struct fa_directory *dir = proof->config->people;
    bool known = step->during == NULL;
    for (size_t i = 0; i < dir->calendar_count && !known; i++) {
        known = dir->calendars[i].name != NULL && strcmp(dir->calendars[i].name, step->during) == 0;
    }
    if (!known) {
        fa_fault_key(proof->faults, at, "during", FA_ENOTFOUND, "during: there is no calendar '%s'",
                     step->during);
    }
}

/* Can alarms of this rule carry the label? An expression's labels come with its samples. */
static bool may_have_label(const struct fa_rule *rule, struct fa_str label)
{
    char name[100];
    snprintf(name, sizeof name, "%.*s", (int)(label.len < 99 ? label.len : 99), label.ptr);
    if (rule->is_incident) {
        return strcmp(name, "customer") == 0;
    }
    if (rule->is_alert) {
        return fa_texts_has(rule->alert.per, rule->alert.per_count, name);
    }
    return rule->query.text != NULL || fa_texts_has(rule->metric.per, rule->metric.per_count, name);
}

/* Every user of the policy lacks the label: refused; some do: pointed out where they stand. */
static void prove_label(const struct fa_proof *proof, size_t policy, const config_setting_t *at,
                        const char *target)
{
    const struct fa_config *config = proof->config;
    const char *name = config->setup.policies[policy].name;
    struct fa_str label;
    bool is_customer = fa_proof_depends(target, &label) == FA_DEPENDS_CUSTOMER;
    size_t have = is_customer && proof->policy_categories[policy] ? 1 : 0, lack = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < config->rule_count && name != NULL; i++) {
            const struct fa_rule *rule = config->rules[i];
            if (rule->policy == NULL || strcmp(rule->policy, name) != 0) {
                continue;
            }
            bool has = may_have_label(rule, label);
            have += pass == 0 && has;
            lack += pass == 0 && !has;
            if (pass == 1 && !has && have > 0) {
                fa_warn(proof->faults, proof->draft->rules.items[i].at,
                        "the policy '%s' tells '%s', and per here does not hold \"%.*s\": that "
                        "target is passed over",
                        name, target, (int)label.len, label.ptr);
            }
        }
    }
    if (have == 0 && (lack > 0 || proof->policy_categories[policy])) {
        fa_fault(proof->faults, at, FA_EINVAL,
                 "'%s' would always be nobody: no rule with this policy has the label \"%.*s\" in "
                 "its per",
                 target, (int)label.len, label.ptr);
    }
}

static void prove_dependent(const struct fa_proof *proof, size_t policy, const struct fa_step *step,
                            const config_setting_t *at)
{
    for (size_t i = 0; i < step->target_count; i++) {
        struct fa_str label;
        const char *target = step->targets[i];
        const config_setting_t *elem = fa_proof_elem(at, "targets", target);
        enum fa_depends depends = fa_proof_depends(target, &label);
        if (depends == FA_DEPENDS_REPORTER) {
            if (proof->policy_used[policy] && !proof->policy_filings[policy]) {
                fa_fault(proof->faults, elem, FA_EINVAL,
                         "'%s' would always be nobody: nothing that people file has this policy",
                         target);
            }
        } else if (depends != FA_DEPENDS_NOT) {
            prove_label(proof, policy, elem, target);
        }
    }
}

/* A step of which some targets depend on more than the directory. */
static void prove_open_step(const struct fa_proof *proof, size_t policy, size_t i, bool is_empty)
{
    const struct fa_policy *entry = &proof->config->setup.policies[policy];
    const config_setting_t *at = proof->draft->policies.items[policy].steps.items[i].at;
    size_t before = proof->faults->count;
    prove_dependent(proof, policy, &entry->steps[i], at);
    if (is_empty && i + 1 == entry->step_count && proof->faults->count == before) {
        fa_fault_key(proof->faults, at, "targets", FA_EINVAL,
                     "the last step may be nobody: all its targets depend on the alarm; add a "
                     "person, a team, a role or \"independent\"");
    }
}

/* Fills set with whom the step tells for certain. True: it may tell others. */
static bool prove_step(const struct fa_proof *proof, size_t policy, size_t i, bool *set)
{
    const struct fa_step *step = &proof->config->setup.policies[policy].steps[i];
    const config_setting_t *at = proof->draft->policies.items[policy].steps.items[i].at;
    size_t people = proof->draft->people.count;
    size_t before = proof->faults->count;
    prove_hours(proof, step, at);
    bool is_open = fa_proof_targets(proof, at, "targets", step->targets, step->target_count, set);
    bool is_known = all_channels_known(proof, step, at) && proof->faults->count == before;
    if (is_open && is_known) {
        prove_open_step(proof, policy, i, !any(set, people));
    }
    if (!is_known || !any(set, people)) {
        return is_open; /* a target or channel that is not there was reported */
    }
    need_channels(proof, at, set);
    if (is_open) {
        return true;
    }
    if (reachable_count(proof, step, set, false) == 0) {
        fa_fault_key(proof->faults, at, "channels", FA_EINVAL,
                     "step %zu reaches nobody: none of its people has one of its channels", i + 1);
    } else if (proof->policy_filings[policy] && reachable_count(proof, step, set, true) == 0) {
        fa_fault_key(proof->faults, at, "targets", FA_EINVAL,
                     "step %zu cannot carry what people file: all its channels are shared and list "
                     "no readers",
                     i + 1);
    }
    return false;
}

/* Nobody new over no other channel than before? */
static void warn_of_repetition(const struct fa_proof *proof, size_t policy, size_t i,
                               const bool *told, const bool *set)
{
    const struct fa_policy *entry = &proof->config->setup.policies[policy];
    bool is_new = entry->steps[i].channel_count > 0;
    for (size_t p = 0; p < proof->draft->people.count; p++) {
        is_new = is_new || (set[p] && !told[p]);
    }
    if (i > 0 && !is_new && any(set, proof->draft->people.count)) {
        fa_warn(proof->faults, proof->draft->policies.items[policy].steps.items[i].at,
                "step %zu tells nobody who was not told before", i + 1);
    }
}

static void warn_of_one_operator(const struct fa_proof *proof, size_t policy, const bool *told)
{
    const char *name = proof->config->setup.policies[policy].name;
    size_t count = 0;
    for (size_t p = 0; p < proof->draft->people.count; p++) {
        count += told[p];
    }
    if (name != NULL && strcmp(name, FA_POLICY_OPERATORS) == 0 && count == 1) {
        fa_warn(
            proof->faults, proof->draft->policies.items[policy].at,
            "the policy \"operators\" tells one person: who hears of trouble on their holiday?");
    }
}

static void prove_policy(const struct fa_proof *proof, size_t i)
{
    const struct fa_policy *policy = &proof->config->setup.policies[i];
    const config_setting_t *at = proof->draft->policies.items[i].at;
    size_t people = proof->draft->people.count;
    bool *told = fa_xcalloc(people + 1, sizeof *told);
    bool *set = fa_xcalloc(people + 1, sizeof *set);
    const config_setting_t *steps = config_setting_get_member(at, "steps");
    if (steps != NULL && config_setting_length(steps) == 0) {
        fa_fault(proof->faults, steps, FA_EINVAL, "a policy without steps ends with nobody");
    }
    if (steps != NULL && policy->repeat > policy->step_count) {
        fa_fault_key(proof->faults, at, "repeat_from", FA_ERANGE,
                     "repeat_from: there is no step %u; the last is %zu", policy->repeat,
                     policy->step_count);
    }
    for (size_t s = 0; s < policy->step_count; s++) {
        memset(set, 0, people * sizeof *set);
        if (!prove_step(proof, i, s, set)) {
            warn_of_repetition(proof, i, s, told, set);
        }
        for (size_t p = 0; p < people; p++) {
            told[p] = told[p] || set[p];
        }
    }
    warn_of_one_operator(proof, i, told);
    free(told);
    free(set);
}

static void need_operators(const struct fa_proof *proof)
{
    size_t i = fa_proof_find(proof, FA_KIND_POLICY, FA_POLICY_OPERATORS);
    if (i != FA_NONE) {
        proof->policy_used[i] = true;
        return;
    }
    fa_fault(proof->faults, NULL, FA_EINVAL,
             "there is no policy \"operators\": it hears of a full disk, a dead channel, a refused "
             "configuration; name at least two people in it");
}

void fa_prove_policies(const struct fa_proof *proof)
{
    need_operators(proof);
    for (size_t i = 0; i < proof->draft->policies.count; i++) {
        prove_policy(proof, i);
    }
    for (size_t i = 0; i < proof->draft->policies.count; i++) {
        const char *name = proof->config->setup.policies[i].name;
        if (!proof->policy_used[i] && name != NULL) {
            fa_warn(proof->faults, proof->draft->policies.items[i].at,
                    "no rule and no category uses the policy '%s'", name);
        }
    }
}
