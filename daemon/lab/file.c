/* SPDX-License-Identifier: MIT */
/* What people file, and the reporter's later word. Remembers what each filing was about and whom it
 * struck: oracle.c judges by that and not by what the engine made of it. A store that is known to
 * be full takes no filing, as in the daemon. */
#include "lab/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_MAX 16

struct filing {
    const char *key, *receipt;
    struct fa_filing given;
    char *about[NAMES_MAX], *strike[NAMES_MAX]; /* owned */
    char reporter[128];
};

static size_t split_names(const char *text, char **names)
{
    struct fa_str rest = fa_str_of(text);
    size_t count = 0;
    while (rest.len > 0 && count < NAMES_MAX) {
        struct fa_str name = fa_str_cut(rest, ',', &rest);
        names[count++] = fa_xstrndup(name.ptr, name.len);
    }
    return count;
}

static void read_pair(struct fa_lab *lab, struct filing *filing, const char *pair)
{
    static const char *const known[] = {"category", "customer", "about",   "strike", "level",
                                        "key",      "known",    "receipt", "since"};
    static const char *const levels[] = {"solve", "help", "raise"};
    static const char *const sources[] = {"seen", "told", "heard"};
    const char *value = strchr(pair, '=') + 1;
    size_t len = (size_t)(value - pair) - 1;
    char name[32];
    snprintf(name, sizeof name, "%.*s", len < 31 ? (int)len : 31, pair);
    struct fa_filing *given = &filing->given;
    switch (fa_lab_index_of(name, known, sizeof known / sizeof known[0])) {
    case 0:
        given->category = value;
        break;
    case 1:
        given->customer = value;
        break;
    case 2:
        given->about_count = split_names(value, filing->about);
        break;
    case 3:
        given->struck_count = split_names(value, filing->strike);
        break;
    case 4:
        given->level = fa_lab_index_of(value, levels, 3);
        if (given->level < 0) {
            fa_lab_fail(lab, "level=%s: solve, help or raise", value);
        }
        break;
    case 5:
        filing->key = value;
        break;
    case 6: {
        int at = fa_lab_index_of(value, sources, 3);
        given->known = at >= 0 ? (enum fa_known)at : FA_KNOWN_SEEN;
        break;
    }
    case 7:
        filing->receipt = value;
        break;
    case 8:
        given->since = value;
        break;
    default: {
        const char *near = fa_suggest(name, known, sizeof known / sizeof known[0]);
        fa_lab_fail(lab, "a filing has no '%s'%s%s", name, near != NULL ? ": did you mean " : "",
                    near != NULL ? near : "");
    }
    }
}

static struct fa_incident_id id_of_key(const char *key)
{
    struct fa_rng rng = {{UINT64_C(0x5eed), 1}};
    for (const char *p = key; *p != '\0'; p++) {
        rng.state[0] = (rng.state[0] ^ (unsigned char)*p) * UINT64_C(1099511628211);
    }
    fa_rng_next(&rng);
    return (struct fa_incident_id){fa_id_random(&rng)};
}

static char **copy_names(char *const *names, size_t count)
{
    char **copy = fa_xcalloc(count + 1, sizeof(char *));
    for (size_t i = 0; i < count; i++) {
        copy[i] = fa_xstrdup(names[i]);
    }
    return copy;
}

/* Whom a team or role means today stays out, whatever the directory says tomorrow. */
static void keep_meant(const struct fa_directory *dir, struct fa_lab_filing *filing)
{
    size_t given = filing->about_count;
    for (size_t a = 0; a < given; a++) {
        for (size_t i = 0; strchr(filing->about[a], ':') != NULL && i < dir->people_count; i++) {
            if (fa_lab_is_meant(dir, filing->about[a], &dir->people[i])) {
                filing->about =
                    fa_xrealloc(filing->about, (filing->about_count + 2) * sizeof(char *));
                filing->about[filing->about_count++] = fa_xstrdup(dir->people[i].name);
            }
        }
    }
}

/* "account.conduit" is the conduit of the customer in the same filing. */
static void name_conduits(const struct fa_directory *dir, struct fa_lab_filing *filing,
                          const char *customer)
{
    for (size_t a = 0; a < filing->about_count && customer != NULL; a++) {
        for (size_t i = 0;
             strcmp(filing->about[a], FA_TARGET_CONDUIT) == 0 && i < dir->account_count; i++) {
            if (strcmp(dir->accounts[i].name, customer) == 0) {
                size_t size = sizeof FA_ABOUT_CONDUIT + strlen(customer);
                free(filing->about[a]);
                filing->about[a] = fa_xmalloc(size);
                snprintf(filing->about[a], size, FA_ABOUT_CONDUIT "%s", customer);
            }
        }
    }
}

static void forget_circle(struct fa_lab_filing *filing)
{
    while (filing->about_count > 0) {
        free(filing->about[--filing->about_count]);
    }
    while (filing->struck_count > 0) {
        free(filing->struck[--filing->struck_count]);
    }
}

static void remember_filing(struct fa_lab *lab, const struct filing *filing, bool is_kept)
{
    lab->filings =
        fa_xgrow(lab->filings, lab->filing_count, &lab->filing_cap, sizeof lab->filings[0]);
    lab->filings[lab->filing_count++] = (struct fa_lab_filing){
        .name = fa_xstrdup(filing->receipt),
        .id = filing->given.id,
        .about = copy_names(filing->about, filing->given.about_count),
        .struck = copy_names(filing->strike, filing->given.struck_count),
        .about_count = filing->given.about_count,
        .struck_count = filing->given.struck_count,
    };
    struct fa_lab_filing *filed = &lab->filings[lab->filing_count - 1];
    for (size_t i = 0; i + 1 < lab->filing_count; i++) {
        /* Of two with one key the one that is kept counts: the older, unless that was lost. */
        if (fa_id_eq(lab->filings[i].id.id, filed->id.id)) {
            forget_circle(is_kept ? filed : &lab->filings[i]);
        }
    }
    name_conduits(lab->config->people, filed, filing->given.customer);
    keep_meant(lab->config->people, filed);
}

/* The preview must name nobody who may not know either. */
static void check_preview(struct fa_lab *lab, const struct fa_filing *given)
{
    struct fa_preview preview;
    if (fa_engine_preview(lab->engine, given, fa_lab_now(lab).wall, &preview) != 0) {
        return;
    }
    for (size_t i = 0; i < preview.line_count; i++) {
        const char *name = lab->config->people->people[preview.lines[i].person].name;
        if (fa_lab_why_not(lab, NULL, given->id, name, NULL) != NULL) {
            fa_lab_fail(lab,
                        "invariant 4 (a subject is never told): the preview says that %s would "
                        "be told",
                        name);
        }
    }
    fa_preview_done(&preview);
}

static void file_once(struct fa_lab *lab, const struct fa_script_line *line)
{
    struct filing filing = {.given = {.level = -1}};
    char receipt[32];
    const char *reporter = fa_script_text(line, "NAME"), *text = fa_script_text(line, "TEXT");
    if (!fa_lab_is_up(lab)) {
        return;
    }
    snprintf(receipt, sizeof receipt, "R%zu", lab->filing_count + 1);
    filing.receipt = receipt;
    for (size_t i = 0; i < line->rest_count; i++) {
        read_pair(lab, &filing, line->rest[i]);
    }
    filing.given.id = id_of_key(filing.key != NULL ? filing.key : filing.receipt);
    filing.given.text = text != NULL ? text : "something happened";
    filing.given.category = filing.given.category != NULL ? filing.given.category : "";
    snprintf(filing.reporter, sizeof filing.reporter, "person:%s", reporter);
    filing.given.reporter = strcmp(reporter, "nobody") != 0 ? filing.reporter : NULL;
    filing.given.about = (const char *const *)filing.about;
    filing.given.struck = (const char *const *)filing.strike;
    filing.given.journal_n = lab->store.journal_n;
    bool is_kept = fa_engine_incident(lab->engine, filing.given.id) != NULL;
    remember_filing(lab, &filing, is_kept);
    fa_lab_tell(lab, "%s files %s: %s", reporter, filing.receipt, filing.given.category);
    if (lab->store.full) {
        fa_lab_refuse(lab, FA_EFULL);
    } else if (!lab->failed) {
        struct fa_event event = {
            .kind = FA_EV_FILE, .reply_to = fa_lab_ask(lab), .u.file = &filing.given};
        if (!is_kept) {
            check_preview(lab, &filing.given);
        }
        fa_lab_turn(lab, &event);
    }
    for (size_t i = 0; i < NAMES_MAX; i++) {
        free(filing.about[i]);
        free(filing.strike[i]);
    }
}

void fa_lab_file(struct fa_lab *lab, const struct fa_script_line *line)
{
    const struct fa_script_slot *times = fa_script_slot(line, "times");
    for (uint32_t i = 0; !lab->failed && i < (times != NULL ? (uint32_t)times->number : 1); i++) {
        file_once(lab, line);
    }
}

void fa_lab_word(struct fa_lab *lab, const struct fa_script_line *line)
{
    const struct fa_lab_filing *filing = fa_lab_named_filing(lab, fa_script_text(line, "NAME"));
    if (fa_lab_is_up(lab) && filing != NULL) {
        struct fa_event event = {.kind = FA_EV_REPORTER,
                                 .reply_to = fa_lab_ask(lab),
                                 .u.reporter = {.incident = filing->id,
                                                .text = fa_script_text(line, "TEXT"),
                                                .done = line->verb == FA_DO_DONE}};
        fa_lab_turn(lab, &event);
    }
}
