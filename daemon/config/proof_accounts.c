/* SPDX-License-Identifier: MIT */
/* Customers proved: the company owns the relationship, so whoever leaves or is away, somebody with
 * the model's role stands in. Hence each model's role has somebody, and where a policy or a
 * category tells conduits, somebody with a channel that may carry filings. A conduit whom the
 * directory does not know has left, or is misspelt: pointed out, and their role stands in. */
#include "config/proof.h"
#include "base/texts.h"

#include <stdlib.h>
#include <string.h>

static bool says_account(char *const *targets, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strncmp(targets[i], "account.", 8) == 0) {
            return true;
        }
    }
    return false;
}

/* Does anything tell conduits? */
static bool are_told(const struct fa_setup *setup)
{
    for (size_t i = 0; i < setup->category_count; i++) {
        if (says_account(setup->categories[i].helpers, setup->categories[i].helper_count)) {
            return true;
        }
    }
    for (size_t i = 0; i < setup->policy_count; i++) {
        for (size_t s = 0; s < setup->policies[i].step_count; s++) {
            const struct fa_step *step = &setup->policies[i].steps[s];
            if (says_account(step->targets, step->target_count)) {
                return true;
            }
        }
    }
    return false;
}

static void prove_model(const struct fa_proof *proof, size_t i, bool is_told)
{
    const struct fa_directory *dir = proof->config->people;
    const struct fa_model_entry *model = &dir->models[i];
    const config_setting_t *at = fa_proof_at(proof, FA_KIND_MODEL, i);
    bool any = false, reached = false;
    for (size_t p = 0; model->conduit != NULL && p < dir->people_count; p++) {
        if (fa_texts_has(dir->people[p].roles, dir->people[p].role_count, model->conduit)) {
            any = true;
            reached = reached || fa_proof_reachable(proof, p, NULL, 0, true);
        }
    }
    if (model->conduit != NULL && !any) {
        fa_proof_unknown_role(proof, config_setting_get_member(at, "conduit"), "conduit",
                              model->conduit);
    } else if (any && is_told && !reached) {
        fa_fault_key(proof->faults, at, "conduit", FA_EINVAL,
                     "nobody with the role '%s' has a channel that may carry filings, and conduits "
                     "are told",
                     model->conduit);
    }
}

static void prove_conduit(const struct fa_proof *proof, size_t i, bool is_told)
{
    const struct fa_directory *dir = proof->config->people;
    const struct fa_account_entry *account = &dir->accounts[i];
    const config_setting_t *at = fa_proof_at(proof, FA_KIND_ACCOUNT, i);
    size_t person = fa_proof_find(proof, FA_KIND_PERSON, account->conduit);
    if (account->conduit != NULL && person == FA_NONE) {
        fa_warn(proof->faults, config_setting_get_member(at, "conduit"),
                "there is no person '%s': those with the role of the model '%s' stand in",
                account->conduit, account->model != NULL ? account->model : "?");
    } else if (person != FA_NONE && is_told && !fa_proof_reachable(proof, person, NULL, 0, true)) {
        fa_fault_key(proof->faults, at, "conduit", FA_EINVAL,
                     "'%s' has no channel that may carry filings, and conduits are told",
                     account->conduit);
    }
}

static void prove_touches(const struct fa_proof *proof, size_t i, bool *set)
{
    const struct fa_account_entry *account = &proof->config->people->accounts[i];
    const config_setting_t *at = fa_proof_at(proof, FA_KIND_ACCOUNT, i);
    for (size_t t = 0; t < account->touch_count; t++) {
        struct fa_str label;
        if (fa_proof_depends(account->touches[t], &label) != FA_DEPENDS_NOT) {
            fa_fault(proof->faults, fa_proof_elem(at, "touches", account->touches[t]), FA_EINVAL,
                     "touches: '%.64s' depends on the alarm: name people, \"team:NAME\", "
                     "\"role:NAME\" or \"schedule:NAME\"",
                     account->touches[t]);
        } else {
            (void)fa_proof_targets(proof, at, "touches", &account->touches[t], 1, set);
        }
    }
}

void fa_prove_accounts(const struct fa_proof *proof)
{
    const struct fa_directory *dir = proof->config->people;
    bool is_told = are_told(&proof->config->setup);
    bool *set = fa_xcalloc(dir->people_count + 1, sizeof *set);
    for (size_t i = 0; i < dir->model_count; i++) {
        prove_model(proof, i, is_told);
    }
    for (size_t i = 0; i < dir->account_count; i++) {
        const config_setting_t *at = fa_proof_at(proof, FA_KIND_ACCOUNT, i);
        fa_proof_need(proof, FA_KIND_MODEL, dir->accounts[i].model,
                      config_setting_get_member(at, "model"), "model");
        prove_conduit(proof, i, is_told);
        prove_touches(proof, i, set);
    }
    if (is_told && dir->account_count == 0) {
        fa_warn(proof->faults, NULL,
                "account.conduit or account.touches is told, and there is no account");
    }
    free(set);
}
