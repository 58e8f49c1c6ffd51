/* SPDX-License-Identifier: MIT */
/* The proof: what no table can see, because it lies between the groups. Works on a configuration
 * that is put together but may still have holes where values were refused: every name may be NULL.
 * Faults that follow only from another fault are left out where that is possible. */
#ifndef FA_CONFIG_PROOF_H
#define FA_CONFIG_PROOF_H

#include "config/draft.h"

/* The lists that have names. */
enum fa_kind {
    FA_KIND_PERSON,
    FA_KIND_TEAM,
    FA_KIND_MODEL,
    FA_KIND_ACCOUNT,
    FA_KIND_CHANNEL,
    FA_KIND_SEVERITY,
    FA_KIND_VALUE,
    FA_KIND_CATEGORY,
    FA_KIND_POLICY,
    FA_KIND_RULE,
    FA_KIND_LISTENER,
    FA_KIND_FEED,
    FA_KIND_FETCH,
    FA_KIND_MAINTENANCE,
    FA_KIND__COUNT
};

struct fa_proof_name {
    const char *name;
    size_t i;
};

struct fa_proof {
    struct fa_faults *faults;
    const struct fa_draft *draft;
    struct fa_config *config;                               /* lists in the order of the draft's */
    struct fa_plugins *plugins;                             /* NULL: not looked at */
    bool *policy_used, *policy_filings, *policy_categories; /* for each policy */
    struct fa_proof_name *names[FA_KIND__COUNT];            /* of each kind, sorted */
    size_t name_counts[FA_KIND__COUNT];
};

#define FA_NONE SIZE_MAX

size_t fa_proof_count(const struct fa_proof *proof, enum fa_kind kind);
/* May be NULL. */
const char *fa_proof_name(const struct fa_proof *proof, enum fa_kind kind, size_t i);
const config_setting_t *fa_proof_at(const struct fa_proof *proof, enum fa_kind kind, size_t i);
/* Once, when the lists stand: what fa_proof_find() looks in. */
void fa_proof_index(struct fa_proof *proof);
void fa_proof_index_done(struct fa_proof *proof);
/* FA_NONE: not there, or name is NULL. Of several the first. */
size_t fa_proof_find(const struct fa_proof *proof, enum fa_kind kind, const char *name);
/* The same with a fault at `at` when a name is not there. `what` says whose it is. */
size_t fa_proof_need(const struct fa_proof *proof, enum fa_kind kind, const char *name,
                     const config_setting_t *at, const char *what);
/* The element of the list `key` of group `at` that is this text; the list, or the group. */
const config_setting_t *fa_proof_elem(const config_setting_t *at, const char *key,
                                      const char *text);
/* What decides whom a target means, beside the directory: nobody is meant when it is not there. */
enum fa_depends { FA_DEPENDS_NOT, FA_DEPENDS_CUSTOMER, FA_DEPENDS_LABEL, FA_DEPENDS_REPORTER };
/* ret_label: of a target that names one; "customer" where that is what counts. */
enum fa_depends fa_proof_depends(const char *target, struct fa_str *ret_label);
/* Marks in set[people_count] whom the targets mean for certain; a fault for each that can mean
 * nobody. True: some depend on more than the directory. */
bool fa_proof_targets(const struct fa_proof *proof, const config_setting_t *at, const char *key,
                      char *const *targets, size_t count, bool *set);
/* "role:ROLE" or a model's conduit that nobody is, with the nearest role that somebody has. */
void fa_proof_unknown_role(const struct fa_proof *proof, const config_setting_t *at,
                           const char *what, const char *role);
/* Can this person be reached: by any channel, or by one of `channels`? For filings a shared channel
 * counts only with readers. */
bool fa_proof_reachable(const struct fa_proof *proof, size_t person, char *const *channels,
                        size_t channel_count, bool is_filing);

void fa_prove_names(const struct fa_proof *proof);
void fa_prove_people(const struct fa_proof *proof);
/* Needs the sealed directory. */
void fa_prove_conflicts(const struct fa_proof *proof);
/* The same, and calendars. */
void fa_prove_days(const struct fa_proof *proof);
void fa_prove_accounts(const struct fa_proof *proof);
void fa_prove_guide(const struct fa_proof *proof);
void fa_prove_rules(const struct fa_proof *proof);
/* After rules and categories, which say what policies are used for. */
void fa_prove_policies(const struct fa_proof *proof);
/* Builds what hides alarms, too: it is read by the alarms' own notation. */
void fa_prove_hiding(const struct fa_proof *proof);
/* Builds the time of the weekly digest, too. */
void fa_prove_weekly(const struct fa_proof *proof);
/* Builds them, too, and says who reads one that is not there. */
void fa_prove_languages(const struct fa_proof *proof);
void fa_prove_sockets(const struct fa_proof *proof);
void fa_prove_fetches(const struct fa_proof *proof);
/* The address alone, and how one logs in there. */
void fa_prove_address(struct fa_faults *faults, const config_setting_t *at,
                      const struct fa_fetch_entry *entry);
void fa_prove_plugins(const struct fa_proof *proof);

#endif
