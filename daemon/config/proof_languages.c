/* SPDX-License-Identifier: MIT */
/* Languages proved: each phrase is one that there is, and its text says all that the English does.
 * So the daemon never finds out at the time of an alarm that a word is missing. A phrase that is
 * left out is none's fault: it is said in English, and one warning for each language counts them.
 */
#include "config/proof.h"

#include <stdlib.h>
#include <string.h>

#define NAMED_MAX 5u /* of the phrases that are left out */

static void unknown_phrase(const struct fa_proof *proof, const config_setting_t *at,
                           const char *name)
{
    char(*names)[FA_PHRASE_NAME_SIZE] = fa_xcalloc(FA_PHRASE__COUNT, sizeof *names);
    const char **candidates = fa_xcalloc(FA_PHRASE__COUNT, sizeof *candidates);
    char hint[96];
    for (enum fa_phrase i = 0; i < FA_PHRASE__COUNT; i++) {
        candidates[i] = fa_phrase_name(i, names[i]);
    }
    fa_fault_key(proof->faults, at, name, FA_ENOTFOUND, "phrases: there is no phrase '%.60s'%s",
                 name, fa_did_you_mean(name, candidates, FA_PHRASE__COUNT, hint));
    free(candidates);
    free(names);
}

static void take_phrase(const struct fa_proof *proof, const config_setting_t *at,
                        struct fa_rule_match *pair, struct fa_language *language)
{
    enum fa_phrase phrase = fa_phrase_find(pair->name);
    struct fa_err err;
    if (phrase == FA_PHRASE__COUNT) {
        unknown_phrase(proof, at, pair->name);
    } else if (fa_phrase_check(phrase, fa_str_of(pair->value), &err) != 0) {
        fa_fault_key(proof->faults, at, pair->name, err.code, "%s: %s", pair->name, err.text);
    } else {
        language->texts[phrase] = pair->value;
        pair->value = NULL;
    }
}

static void warn_of_missing(const struct fa_proof *proof, const config_setting_t *at,
                            const struct fa_language *language)
{
    struct fa_buf names;
    char name[FA_PHRASE_NAME_SIZE];
    unsigned missing = 0;
    fa_buf_init(&names, 512);
    for (enum fa_phrase i = 0; i < FA_PHRASE__COUNT; i++) {
        if (language->texts[i] == NULL && ++missing <= NAMED_MAX) {
            fa_buf_printf(&names, "%s%s", missing > 1 ? ", " : "", fa_phrase_name(i, name));
        }
    }
    if (missing > 0) {
        fa_warn(proof->faults, at, "language '%s' says %u of %u phrases in English: %s%s",
                language->name, missing, (unsigned)FA_PHRASE__COUNT, fa_buf_text(&names),
                missing > NAMED_MAX ? " ..." : "");
    }
    fa_buf_done(&names);
}

static void prove_language(const struct fa_proof *proof, struct fa_draft_language *draft)
{
    struct fa_setup *setup = &proof->config->setup;
    const config_setting_t *at = config_setting_get_member(draft->at, "phrases");
    size_t before = proof->faults->count;
    bool is_english = strcmp(draft->name, "en") == 0 || strncmp(draft->name, "en-", 3) == 0;
    if (is_english) {
        fa_fault_key(proof->faults, draft->at, "name", FA_EINVAL,
                     "'%s': English is what is said without any language", draft->name);
    }
    for (size_t i = 0; i < setup->language_count; i++) {
        if (strcmp(setup->languages[i].name, draft->name) == 0) {
            fa_fault_key(proof->faults, draft->at, "name", FA_EEXISTS,
                         "there are two languages '%s'", draft->name);
        }
    }
    struct fa_language *language = &setup->languages[setup->language_count++];
    language->name = fa_xstrdup(draft->name);
    for (size_t i = 0; i < draft->phrases.count; i++) {
        take_phrase(proof, at, &draft->phrases.items[i], language);
    }
    if (proof->faults->count == before) {
        warn_of_missing(proof, draft->at, language);
    }
}

static bool is_read_before(const struct fa_directory *dir, size_t person, const char *language)
{
    for (size_t i = 0; i < person; i++) {
        if (dir->people[i].language != NULL && strcmp(dir->people[i].language, language) == 0) {
            return true;
        }
    }
    return false;
}

/* Whoever reads another language is told even so: people may come from an import. */
static void warn_of_readers(const struct fa_proof *proof)
{
    const struct fa_setup *setup = &proof->config->setup;
    const struct fa_directory *dir = proof->config->people;
    for (size_t i = 0; i < dir->people_count; i++) {
        const char *language = dir->people[i].language;
        if (language == NULL || strncmp(language, "en", 2) == 0 ||
            is_read_before(dir, i, language) ||
            fa_language_find(setup->languages, setup->language_count, fa_str_of(language)) !=
                NULL) {
            continue;
        }
        fa_warn(proof->faults,
                config_setting_get_member(proof->draft->people.items[i].at, "language"),
                "language '%s' is not under languages: who reads it is told in English", language);
    }
}

void fa_prove_languages(const struct fa_proof *proof)
{
    struct fa_setup *setup = &proof->config->setup;
    size_t count = proof->draft->languages.count;
    setup->languages = fa_xcalloc(count + 1, sizeof *setup->languages);
    for (size_t i = 0; i < count; i++) {
        if (proof->draft->languages.items[i].name != NULL) {
            prove_language(proof, &proof->draft->languages.items[i]);
        }
    }
    warn_of_readers(proof);
}
