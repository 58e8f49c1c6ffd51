/* SPDX-License-Identifier: MIT */
/* People proved: every reference leads somewhere, nobody is their own manager, everybody who is
 * told anything has a channel, and whoever is accused, somebody independent can still be told.
 *
 * The last is the promise behind "a subject is never told": when each step of a policy is emptied
 * because all its people are too near to the accused, the filing falls to an independent contact.
 * It holds only if there is one left for every possible subject, which is tried here for each
 * person, team and role, with the very function that the engine asks. */
#include "config/proof.h"
#include "base/texts.h"

#include <stdlib.h>
#include <string.h>

#define REPORTED_MAX 20u /* subjects named one by one */

static void need_people(const struct fa_proof *proof, const config_setting_t *at, const char *key,
                        char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        fa_proof_need(proof, FA_KIND_PERSON, names[i], fa_proof_elem(at, key, names[i]), key);
    }
}

static void not_oneself(const struct fa_proof *proof, const config_setting_t *at,
                        const struct fa_person_entry *entry)
{
    if (entry->manager != NULL && entry->name != NULL && strcmp(entry->manager, entry->name) == 0) {
        fa_fault_key(proof->faults, at, "manager", FA_EINVAL, "'%s' is their own manager",
                     entry->name);
    }
}

static void prove_uids(const struct fa_proof *proof, const config_setting_t *at,
                       const struct fa_person_entry *entry)
{
    for (size_t i = 1; i < entry->uid_count; i++) {
        for (size_t k = 0; k < i; k++) {
            if (entry->uids[i] == entry->uids[k]) {
                fa_fault(proof->faults, at, FA_EEXISTS, "uid %u is given twice", entry->uids[i]);
            }
        }
    }
}

/* A name that a target's notation means otherwise would be told in somebody else's stead. */
static void prove_name(const struct fa_proof *proof, const config_setting_t *at, const char *name)
{
    struct fa_str label;
    if (name != NULL && strcmp(name, FA_TARGET_INDEPENDENT) == 0) {
        fa_fault_key(proof->faults, at, "name", FA_EINVAL,
                     "no person may be named '%s': as a target it means the independent contacts",
                     name);
    } else if (name != NULL && fa_proof_depends(name, &label) != FA_DEPENDS_NOT) {
        fa_fault_key(proof->faults, at, "name", FA_EINVAL,
                     "no person may be named '%s': targets that begin with account., label. or "
                     "reporter. mean others",
                     name);
    }
}

static void prove_aliases(const struct fa_proof *proof, const config_setting_t *at,
                          const struct fa_person_entry *entry)
{
    for (size_t i = 0; i < entry->alias_count; i++) {
        size_t other = fa_proof_find(proof, FA_KIND_PERSON, entry->aliases[i]);
        char place[200];
        if (other != FA_NONE) {
            fa_fault(proof->faults, fa_proof_elem(at, "aliases", entry->aliases[i]), FA_EEXISTS,
                     "alias '%.64s' is somebody's name (%s): no alias is needed for one's own, and "
                     "another's means them",
                     entry->aliases[i],
                     fa_place_of(proof->faults, proof->draft->people.items[other].at, place));
        }
    }
}

static void prove_person(const struct fa_proof *proof, size_t i)
{
    const struct fa_person_entry *entry = &proof->config->people->people[i];
    const config_setting_t *at = proof->draft->people.items[i].at;
    prove_name(proof, at, entry->name);
    need_people(proof, at, "manager", (char *const *)&entry->manager, entry->manager != NULL);
    need_people(proof, at, "deputies", entry->deputies, entry->deputy_count);
    need_people(proof, at, "assistants", entry->assistants, entry->assistant_count);
    need_people(proof, at, "delegates", entry->delegates, entry->delegate_count);
    prove_aliases(proof, at, entry);
    not_oneself(proof, at, entry);
    prove_uids(proof, at, entry);
    for (size_t c = 0; c < entry->contact_count; c++) {
        const config_setting_t *contact = proof->draft->people.items[i].contacts.items[c].at;
        fa_proof_need(proof, FA_KIND_CHANNEL, entry->contacts[c].channel,
                      fa_proof_elem(contact, "channel", ""), "channel");
    }
}

/* Two people with one uid or token: who is calling could not be told. */
static void shared_identity(const struct fa_proof *proof, size_t i, size_t k, const char *what)
{
    const char *name = proof->config->people->people[i].name;
    char place[200];
    fa_fault(proof->faults, proof->draft->people.items[k].at, FA_EEXISTS,
             "%s belongs to '%s' already (%s): each belongs to one person", what,
             name != NULL ? name : "?",
             fa_place_of(proof->faults, proof->draft->people.items[i].at, place));
}

static void prove_apart(const struct fa_proof *proof, size_t i, size_t k)
{
    const struct fa_person_entry *a = &proof->config->people->people[i];
    const struct fa_person_entry *b = &proof->config->people->people[k];
    for (size_t x = 0; x < a->uid_count; x++) {
        for (size_t y = 0; y < b->uid_count; y++) {
            char what[32];
            if (a->uids[x] == b->uids[y]) {
                snprintf(what, sizeof what, "uid %u", b->uids[y]);
                shared_identity(proof, i, k, what);
            }
        }
    }
    for (size_t x = 0; x < a->token_count; x++) {
        for (size_t y = 0; y < b->token_count; y++) {
            if (memcmp(a->tokens[x], b->tokens[y], FA_TOKEN_HASH_BYTES) == 0) {
                shared_identity(proof, i, k, "this token");
            }
        }
    }
}

/* Reports each circle once, at the member with the lowest index. */
static void prove_lines_end(const struct fa_proof *proof)
{
    const struct fa_directory *dir = proof->config->people;
    size_t *up = fa_xcalloc(dir->people_count + 1, sizeof *up);
    for (size_t i = 0; i < dir->people_count; i++) {
        up[i] = fa_proof_find(proof, FA_KIND_PERSON, dir->people[i].manager);
    }
    for (size_t i = 0; i < dir->people_count; i++) {
        size_t at = up[i], lowest = i, steps = 0;
        while (at != FA_NONE && at != i && steps++ < dir->people_count) {
            lowest = at < lowest ? at : lowest;
            at = up[at];
        }
        if (at == i && lowest == i && up[i] != i) {
            fa_fault_key(proof->faults, proof->draft->people.items[i].at, "manager", FA_EINVAL,
                         "the managers above '%s' form a circle: %s -> %s -> ... -> %s",
                         dir->people[i].name, dir->people[i].name, dir->people[up[i]].name,
                         dir->people[i].name);
        }
    }
    free(up);
}

static void prove_readers(const struct fa_proof *proof, size_t i)
{
    const struct fa_channel_entry *entry = &proof->config->people->channels[i];
    const config_setting_t *at = proof->draft->channels.items[i].at;
    if (entry->reader_count > 0 && !entry->shared) {
        fa_fault_key(proof->faults, at, "readers", FA_EINVAL,
                     "readers are for shared channels: add shared = true, or remove them");
    }
    for (size_t r = 0; r < entry->reader_count; r++) {
        const char *reader = entry->readers[r];
        const config_setting_t *elem = fa_proof_elem(at, "readers", reader);
        if (strncmp(reader, "team:", 5) == 0) {
            fa_proof_need(proof, FA_KIND_TEAM, reader + 5, elem, "readers");
        } else {
            fa_proof_need(proof, FA_KIND_PERSON, reader, elem, "readers");
        }
    }
}

static void prove_channel_used(const struct fa_proof *proof, size_t i)
{
    const struct fa_directory *dir = proof->config->people;
    const char *name = dir->channels[i].name;
    for (size_t p = 0; name != NULL && p < dir->people_count; p++) {
        for (size_t c = 0; c < dir->people[p].contact_count; c++) {
            const char *used = dir->people[p].contacts[c].channel;
            if (used != NULL && strcmp(used, name) == 0) {
                return;
            }
        }
    }
    if (name != NULL) {
        fa_warn(proof->faults, proof->draft->channels.items[i].at,
                "nobody is reached by channel '%s'", name);
    }
}

static void prove_independents(const struct fa_proof *proof)
{
    const struct fa_directory *dir = proof->config->people;
    size_t count = 0;
    for (size_t i = 0; i < dir->people_count; i++) {
        const config_setting_t *at = proof->draft->people.items[i].at;
        if (!dir->people[i].independent) {
            continue;
        }
        count++;
        if (!fa_proof_reachable(proof, i, NULL, 0, true)) {
            fa_fault(proof->faults, at, FA_EINVAL,
                     "the independent contact '%s' needs a channel that may carry filings: one of "
                     "their own, or a shared one that lists its readers",
                     dir->people[i].name != NULL ? dir->people[i].name : "?");
        }
    }
    for (size_t i = 0; i < proof->draft->independent_roles.count; i++) {
        const char *role = proof->draft->independent_roles.items[i];
        bool any = false;
        for (size_t p = 0; p < dir->people_count && !any; p++) {
            any = fa_texts_has(dir->people[p].roles, dir->people[p].role_count, role);
        }
        if (!any) {
            fa_proof_unknown_role(proof, fa_proof_elem(proof->draft->at, "independent_roles", role),
                                  "independent_roles", role);
        }
    }
    if (count < 2 && proof->faults->people_count == 0) {
        fa_fault(
            proof->faults, NULL, FA_EINVAL,
            "%s: at least two people with independent = true, or a role of independent_roles, are "
            "needed, so that a filing about one of them reaches the other",
            count == 0 ? "there is no independent contact" : "there is one independent contact");
    }
}

static void warn_of_one_channel(const struct fa_proof *proof, size_t i)
{
    const struct fa_person_entry *entry = &proof->config->people->people[i];
    if (entry->contact_count == 1 && entry->name != NULL) {
        fa_warn(proof->faults, proof->draft->people.items[i].at,
                "'%s' has one channel only: when it fails, the escalation passes them by",
                entry->name);
    }
}

void fa_prove_people(const struct fa_proof *proof)
{
    size_t count = proof->draft->people.count;
    for (size_t i = 0; i < count; i++) {
        prove_person(proof, i);
        warn_of_one_channel(proof, i);
        for (size_t k = i + 1; k < count; k++) {
            prove_apart(proof, i, k);
        }
    }
    for (size_t i = 0; i < proof->draft->teams.count; i++) {
        const struct fa_team_entry *team = &proof->config->people->teams[i];
        need_people(proof, proof->draft->teams.items[i].at, "members", team->members,
                    team->member_count);
    }
    for (size_t i = 0; i < proof->draft->channels.count; i++) {
        prove_readers(proof, i);
        prove_channel_used(proof, i);
    }
    prove_lines_end(proof);
    prove_independents(proof);
}

static bool readers_may(const struct fa_directory *dir, const struct fa_channel_entry *channel,
                        const struct fa_pset *conflicted)
{
    struct fa_pset readers;
    fa_pset_init(&readers, dir);
    bool known = true;
    for (size_t i = 0; i < channel->reader_count; i++) {
        known = fa_directory_resolve(dir, fa_str_of(channel->readers[i]), &readers) == 0 && known;
    }
    bool may = known && !fa_pset_is_empty(&readers) && !fa_pset_intersects(&readers, conflicted);
    fa_pset_done(&readers);
    return may;
}

static bool can_take(const struct fa_directory *dir, fa_person person,
                     const struct fa_pset *conflicted)
{
    const struct fa_person_entry *entry = &dir->people[person];
    if (!entry->independent || fa_pset_has(conflicted, person)) {
        return false;
    }
    for (size_t i = 0; i < entry->contact_count; i++) {
        const struct fa_channel_entry *channel =
            fa_directory_channel(dir, entry->contacts[i].channel);
        if (!channel->shared || readers_may(dir, channel, conflicted)) {
            return true;
        }
    }
    return false;
}

/* Can somebody independent still be told? */
static bool somebody_outside(const struct fa_directory *dir, const struct fa_pset *conflicted)
{
    bool found = false;
    for (fa_person p = 0; !found && p < dir->people_count; p++) {
        found = can_take(dir, p, conflicted);
    }
    return found;
}

/* Is somebody left to take a filing about `subject`? */
static bool somebody_left(const struct fa_directory *dir, const char *subject)
{
    struct fa_pset conflicted;
    fa_pset_init(&conflicted, dir);
    fa_people_conflicted(dir, fa_str_of(subject), &conflicted);
    bool found = somebody_outside(dir, &conflicted);
    fa_pset_done(&conflicted);
    return found;
}

struct tally {
    const struct fa_proof *proof;
    uint32_t reported;
};

static void report(struct tally *tally, const config_setting_t *at, const char *subject)
{
    if (tally->reported++ < REPORTED_MAX) {
        fa_fault(
            tally->proof->faults, at, FA_EINVAL,
            "a filing about '%s' would reach nobody: every independent contact is the subject, "
            "reports to them, stands in for them or shares a channel with them; add one from "
            "outside",
            subject);
    }
}

static void try_subject(struct tally *tally, const config_setting_t *at, const char *subject)
{
    if (!somebody_left(tally->proof->config->people, subject)) {
        report(tally, at, subject);
    }
}

/* Where neither alone is reported. */
static void try_pair(struct tally *tally, size_t i, const struct fa_pset *role)
{
    const struct fa_directory *dir = tally->proof->config->people;
    const struct fa_account_entry *account = &dir->accounts[i];
    struct fa_pset both;
    char subject[220];
    fa_pset_init(&both, dir);
    fa_people_conflicted(dir, fa_str_of(account->conduit), &both);
    bool is_one = !somebody_outside(dir, &both) || !somebody_outside(dir, role);
    fa_pset_add_all(&both, role);
    if (!is_one && !somebody_outside(dir, &both)) {
        snprintf(subject, sizeof subject, FA_ABOUT_CONDUIT "%s", account->name);
        report(tally, tally->proof->draft->accounts.items[i].at, subject);
    }
    fa_pset_done(&both);
}

/* A conduit who is away has those with the model's role in their place: a filing may be about both.
 * Each pair once. */
static void try_conduits(struct tally *tally, const struct fa_model_entry *model)
{
    const struct fa_directory *dir = tally->proof->config->people;
    struct fa_pset role, tried;
    char subject[80];
    fa_pset_init(&role, dir);
    fa_pset_init(&tried, dir);
    snprintf(subject, sizeof subject, "role:%s", model->conduit);
    fa_people_conflicted(dir, fa_str_of(subject), &role);
    for (size_t i = 0; i < dir->account_count; i++) {
        const struct fa_account_entry *account = &dir->accounts[i];
        fa_person conduit = strcmp(account->model, model->name) == 0
                                ? fa_directory_find(dir, fa_str_of(account->conduit))
                                : FA_NOBODY;
        if (conduit != FA_NOBODY && !fa_pset_has(&tried, conduit)) {
            fa_pset_add(&tried, conduit);
            try_pair(tally, i, &role);
        }
    }
    fa_pset_done(&role);
    fa_pset_done(&tried);
}

/* Every role once, at the first who has it. */
static void try_roles(struct tally *tally)
{
    const struct fa_directory *dir = tally->proof->config->people;
    for (fa_person p = 0; p < dir->people_count; p++) {
        for (size_t r = 0; r < dir->people[p].role_count; r++) {
            const char *role = dir->people[p].roles[r];
            bool seen = false;
            for (fa_person before = 0; !seen && before < p; before++) {
                seen = fa_directory_has_role(dir, before, fa_str_of(role));
            }
            char subject[1100];
            snprintf(subject, sizeof subject, "role:%s", role);
            if (!seen) {
                try_subject(tally,
                            fa_proof_elem(tally->proof->draft->people.items[p].at, "roles", role),
                            subject);
            }
        }
    }
}

void fa_prove_conflicts(const struct fa_proof *proof)
{
    const struct fa_directory *dir = proof->config->people;
    struct tally tally = {proof, 0};
    for (fa_person p = 0; p < dir->people_count; p++) {
        try_subject(&tally, proof->draft->people.items[p].at, dir->people[p].name);
    }
    for (size_t t = 0; t < dir->team_count; t++) {
        char subject[80];
        snprintf(subject, sizeof subject, "team:%s", dir->teams[t].name);
        try_subject(&tally, proof->draft->teams.items[t].at, subject);
    }
    try_roles(&tally);
    for (size_t i = 0; i < dir->model_count; i++) {
        try_conduits(&tally, &dir->models[i]);
    }
    if (tally.reported > REPORTED_MAX) {
        fa_fault(proof->faults, NULL, FA_EINVAL,
                 "a filing about %u others would reach nobody either",
                 tally.reported - REPORTED_MAX);
    }
}
