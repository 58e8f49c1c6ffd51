/* SPDX-License-Identifier: MIT */
/* What every proof needs: the named lists seen alike, references with suggestions, and the check
 * that no name is given twice. Own look-ups instead of the directory's:
 * these must work before it can be sealed, with names missing. */
#include "config/proof.h"
#include "base/texts.h"

#include <stdlib.h>
#include <string.h>

static const char *const kind_words[FA_KIND__COUNT] = {
    "person",   "team",   "service model", "account",  "channel", "severity",  "value",
    "category", "policy", "rule",          "listener", "feed",    "fetch job", "maintenance window",
};

size_t fa_proof_count(const struct fa_proof *proof, enum fa_kind kind)
{
    const struct fa_draft *d = proof->draft;
    const size_t counts[FA_KIND__COUNT] = {
        d->people.count,   d->teams.count,       d->models.count,    d->accounts.count,
        d->channels.count, d->severities.count,  d->values.count,    d->categories.count,
        d->policies.count, d->rules.count,       d->listeners.count, d->feeds.count,
        d->fetches.count,  d->maintenance.count,
    };
    return counts[kind];
}

const char *fa_proof_name(const struct fa_proof *proof, enum fa_kind kind, size_t i)
{
    const struct fa_config *c = proof->config;
    switch (kind) {
    case FA_KIND_PERSON:
        return c->people->people[i].name;
    case FA_KIND_TEAM:
        return c->people->teams[i].name;
    case FA_KIND_MODEL:
        return c->people->models[i].name;
    case FA_KIND_ACCOUNT:
        return c->people->accounts[i].name;
    case FA_KIND_CHANNEL:
        return c->people->channels[i].name;
    case FA_KIND_SEVERITY:
        return c->setup.severities[i].name;
    case FA_KIND_VALUE:
        return c->setup.values[i].name;
    case FA_KIND_CATEGORY:
        return c->setup.categories[i].name;
    case FA_KIND_POLICY:
        return c->setup.policies[i].name;
    case FA_KIND_RULE:
        return c->rules[i]->name;
    case FA_KIND_LISTENER:
        return c->listeners[i].name;
    case FA_KIND_FEED:
        return c->feeds[i].name;
    case FA_KIND_FETCH:
        return c->fetches[i].name;
    case FA_KIND_MAINTENANCE:
        return proof->draft->maintenance.items[i].name;
    case FA_KIND__COUNT:
    default:
        fa_assert(!"a kind");
        return NULL;
    }
}

const config_setting_t *fa_proof_at(const struct fa_proof *proof, enum fa_kind kind, size_t i)
{
    const struct fa_draft *d = proof->draft;
    switch (kind) {
    case FA_KIND_PERSON:
        return d->people.items[i].at;
    case FA_KIND_TEAM:
        return d->teams.items[i].at;
    case FA_KIND_MODEL:
        return d->models.items[i].at;
    case FA_KIND_ACCOUNT:
        return d->accounts.items[i].at;
    case FA_KIND_CHANNEL:
        return d->channels.items[i].at;
    case FA_KIND_SEVERITY:
        return d->severities.items[i].at;
    case FA_KIND_VALUE:
        return d->values.items[i].at;
    case FA_KIND_CATEGORY:
        return d->categories.items[i].at;
    case FA_KIND_POLICY:
        return d->policies.items[i].at;
    case FA_KIND_RULE:
        return d->rules.items[i].at;
    case FA_KIND_LISTENER:
        return d->listeners.items[i].at;
    case FA_KIND_FEED:
        return d->feeds.items[i].at;
    case FA_KIND_FETCH:
        return d->fetches.items[i].at;
    case FA_KIND_MAINTENANCE:
        return d->maintenance.items[i].at;
    case FA_KIND__COUNT:
    default:
        fa_assert(!"a kind");
        return NULL;
    }
}

/* Without a list of severities the standard ones stand in the configuration alone. */
static size_t known_count(const struct fa_proof *proof, enum fa_kind kind)
{
    return kind == FA_KIND_SEVERITY ? proof->config->setup.severity_count
                                    : fa_proof_count(proof, kind);
}

/* By name, of one name the first first. */
static int by_name(const void *a, const void *b)
{
    const struct fa_proof_name *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order != 0 ? order : x->i < y->i ? -1 : x->i > y->i;
}

void fa_proof_index(struct fa_proof *proof)
{
    for (enum fa_kind kind = 0; kind < FA_KIND__COUNT; kind++) {
        size_t count = known_count(proof, kind);
        struct fa_proof_name *names = fa_xcalloc(count + 1, sizeof *names);
        proof->name_counts[kind] = 0;
        for (size_t i = 0; i < count; i++) {
            const char *name = fa_proof_name(proof, kind, i);
            if (name != NULL) {
                names[proof->name_counts[kind]++] = (struct fa_proof_name){name, i};
            }
        }
        qsort(names, proof->name_counts[kind], sizeof *names, by_name);
        proof->names[kind] = names;
    }
}

void fa_proof_index_done(struct fa_proof *proof)
{
    for (enum fa_kind kind = 0; kind < FA_KIND__COUNT; kind++) {
        free(proof->names[kind]);
    }
}

size_t fa_proof_find(const struct fa_proof *proof, enum fa_kind kind, const char *name)
{
    const struct fa_proof_name *names = proof->names[kind];
    size_t low = 0, high = proof->name_counts[kind];
    while (name != NULL && low < high) { /* the first that is not before it */
        size_t mid = low + (high - low) / 2;
        if (strcmp(names[mid].name, name) < 0) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    bool found =
        name != NULL && low < proof->name_counts[kind] && strcmp(names[low].name, name) == 0;
    return found ? names[low].i : FA_NONE;
}

/* Every name of the kind; the caller frees the array. */
static const char **all_names(const struct fa_proof *proof, enum fa_kind kind, size_t *ret_count)
{
    size_t count = known_count(proof, kind);
    const char **names = fa_xcalloc(count + 1, sizeof *names);
    for (size_t i = 0; i < count; i++) {
        names[i] = fa_proof_name(proof, kind, i);
    }
    *ret_count = count;
    return names;
}

size_t fa_proof_need(const struct fa_proof *proof, enum fa_kind kind, const char *name,
                     const config_setting_t *at, const char *what)
{
    size_t found = fa_proof_find(proof, kind, name);
    if (found == FA_NONE && name != NULL) {
        size_t count = 0;
        char hint[96];
        const char **names = all_names(proof, kind, &count);
        fa_fault(proof->faults, at, FA_ENOTFOUND, "%s: there is no %s '%.64s'%s", what,
                 kind_words[kind], name, fa_did_you_mean(name, names, count, hint));
        free(names);
    }
    return found;
}

const config_setting_t *fa_proof_elem(const config_setting_t *at, const char *key, const char *text)
{
    const config_setting_t *list = at != NULL ? config_setting_get_member(at, key) : NULL;
    if (list == NULL) {
        return at;
    }
    int type = config_setting_type(list);
    int length =
        type == CONFIG_TYPE_ARRAY || type == CONFIG_TYPE_LIST ? config_setting_length(list) : 0;
    for (int i = 0; i < length; i++) {
        const config_setting_t *elem = config_setting_get_elem(list, (unsigned)i);
        const char *other = config_setting_get_string(elem);
        if (other != NULL && strcmp(other, text) == 0) {
            return elem;
        }
    }
    return list;
}

bool fa_proof_reachable(const struct fa_proof *proof, size_t person, char *const *channels,
                        size_t channel_count, bool is_filing)
{
    const struct fa_person_entry *entry = &proof->config->people->people[person];
    for (size_t i = 0; i < entry->contact_count; i++) {
        const char *name = entry->contacts[i].channel;
        size_t channel = fa_proof_find(proof, FA_KIND_CHANNEL, name);
        if (channel == FA_NONE ||
            (channel_count > 0 && !fa_texts_has(channels, channel_count, name))) {
            continue;
        }
        const struct fa_channel_entry *found = &proof->config->people->channels[channel];
        if (!is_filing || !found->shared || found->reader_count > 0) {
            return true;
        }
    }
    return false;
}

void fa_prove_names(const struct fa_proof *proof)
{
    for (enum fa_kind kind = 0; kind < FA_KIND__COUNT; kind++) {
        for (size_t i = 1; i < fa_proof_count(proof, kind); i++) {
            const char *name = fa_proof_name(proof, kind, i);
            size_t first = fa_proof_find(proof, kind, name);
            char place[200];
            if (first != FA_NONE && first < i) {
                fa_fault_key(proof->faults, fa_proof_at(proof, kind, i), "name", FA_EEXISTS,
                             "the %s '%s' was given already at %s", kind_words[kind], name,
                             fa_place_of(proof->faults, fa_proof_at(proof, kind, first), place));
            }
        }
    }
}
