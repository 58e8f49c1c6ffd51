/* SPDX-License-Identifier: MIT */
/* What hides alarms, read and proved: maintenance windows with an owner, a reason and a time;
 * inhibitions with an owner and a reason, that lead in no circle. A matcher that asks for a rule,
 * severity or category by a name that is not there would hide nothing, quietly: it is refused. */
#include "config/proof.h"

#include <stdlib.h>
#include <string.h>

/* What has a name in the configuration, when it is asked for by name. */
static void prove_matcher(const struct fa_proof *proof, const struct fa_matcher *matcher,
                          const config_setting_t *at, const char *key)
{
    static const struct {
        const char *name;
        enum fa_kind kind;
    } known[] = {{"rule", FA_KIND_RULE}, {"severity", FA_KIND_SEVERITY}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(matcher->name, known[i].name) == 0 &&
            (matcher->kind == FA_MATCH_EQUAL || matcher->kind == FA_MATCH_NOT_EQUAL)) {
            (void)fa_proof_need(proof, known[i].kind, matcher->value, at, key);
        }
    }
}

static void read_matchers(const struct fa_proof *proof, const config_setting_t *at, const char *key,
                          char *const *texts, size_t count, struct fa_matchers *ret)
{
    struct fa_err err;
    for (size_t i = 0; i < count; i++) {
        const config_setting_t *elem = fa_proof_elem(at, key, texts[i]);
        int rc = fa_matchers_add(ret, fa_str_of(texts[i]), &err);
        if (rc != 0) {
            fa_fault(proof->faults, elem, rc, "%s: %s", key, err.text);
        } else {
            prove_matcher(proof, &ret->list[ret->count - 1], elem, key);
        }
    }
    if (ret->count == count && count > 0 && fa_matchers_check(ret, &err) != 0) {
        fa_fault_key(proof->faults, at, key, FA_EINVAL, "%s: %s", key, err.text);
    }
}

static char *copy(const char *text)
{
    return text != NULL ? fa_xstrdup(text) : NULL;
}

static void need_calendar(const struct fa_proof *proof, const config_setting_t *at,
                          const char *name)
{
    const struct fa_directory *dir = proof->config->people;
    bool found = name == NULL;
    for (size_t i = 0; i < dir->calendar_count && !found; i++) {
        found = dir->calendars[i].name != NULL && strcmp(dir->calendars[i].name, name) == 0;
    }
    if (!found) {
        fa_fault_key(proof->faults, at, "calendar", FA_ENOTFOUND, "there is no calendar '%.64s'",
                     name);
    }
}

static void read_maintenance(const struct fa_proof *proof, const struct fa_draft_maintenance *draft,
                             struct fa_maintenance *ret)
{
    struct fa_err err;
    ret->name = copy(draft->name);
    ret->reason = copy(draft->reason);
    ret->owner = copy(draft->owner);
    ret->calendar = copy(draft->calendar);
    ret->zone = copy(draft->zone != NULL ? draft->zone : proof->draft->zone);
    (void)fa_proof_need(proof, FA_KIND_PERSON, draft->owner, draft->at, "owner");
    read_matchers(proof, draft->at, "where", draft->where.items, draft->where.count, &ret->where);
    need_calendar(proof, draft->at, draft->calendar);
    for (size_t i = 0; i < draft->weekly.count; i++) {
        int rc = fa_maintenance_add_weekly(ret, fa_str_of(draft->weekly.items[i]), &err);
        if (rc != 0) {
            fa_fault(proof->faults, fa_proof_elem(draft->at, "weekly", draft->weekly.items[i]), rc,
                     "weekly: %s", err.text);
        }
    }
    if ((draft->weekly.count > 0) == (draft->calendar != NULL)) {
        fa_fault(proof->faults, draft->at, FA_EINVAL,
                 "a maintenance window has either calendar or weekly: when is it?");
    }
    if (draft->zone != NULL && draft->calendar != NULL) {
        fa_fault_key(proof->faults, draft->at, "zone", FA_EINVAL,
                     "zone is of weekly; a calendar has its own");
    }
}

static void read_inhibition(const struct fa_proof *proof, const struct fa_draft_inhibition *draft,
                            struct fa_inhibition *ret)
{
    ret->reason = copy(draft->reason);
    ret->owner = copy(draft->owner);
    (void)fa_proof_need(proof, FA_KIND_PERSON, draft->owner, draft->at, "owner");
    read_matchers(proof, draft->at, "when", draft->when.items, draft->when.count, &ret->when);
    read_matchers(proof, draft->at, "hide", draft->hide.items, draft->hide.count, &ret->hide);
    ret->equal_count = draft->equal.count;
    ret->equal = fa_xcalloc(draft->equal.count + 1, sizeof(char *));
    for (size_t i = 0; i < draft->equal.count; i++) {
        ret->equal[i] = fa_xstrdup(draft->equal.items[i]);
    }
}

static void prove_no_circle(const struct fa_proof *proof)
{
    const struct fa_setup *setup = &proof->config->setup;
    struct fa_err err;
    size_t found = FA_NONE;
    if (setup->inhibition_count > FA_INHIBITIONS_MAX) {
        fa_fault(proof->faults, proof->draft->inhibitions.items[FA_INHIBITIONS_MAX].at, FA_EFULL,
                 "there are more than %d inhibitions", FA_INHIBITIONS_MAX);
    } else if (fa_inhibitions_check(setup->inhibitions, setup->inhibition_count, &found, &err) !=
               0) {
        fa_fault_key(proof->faults, proof->draft->inhibitions.items[found].at, "hide", FA_ECONFLICT,
                     "%s", err.text);
    }
}

void fa_prove_hiding(const struct fa_proof *proof)
{
    const struct fa_draft *draft = proof->draft;
    struct fa_setup *setup = &proof->config->setup;
    setup->maintenance_count = draft->maintenance.count;
    setup->maintenance = fa_xcalloc(draft->maintenance.count + 1, sizeof *setup->maintenance);
    for (size_t i = 0; i < draft->maintenance.count; i++) {
        read_maintenance(proof, &draft->maintenance.items[i], &setup->maintenance[i]);
    }
    setup->inhibition_count = draft->inhibitions.count;
    setup->inhibitions = fa_xcalloc(draft->inhibitions.count + 1, sizeof *setup->inhibitions);
    for (size_t i = 0; i < draft->inhibitions.count; i++) {
        read_inhibition(proof, &draft->inhibitions.items[i], &setup->inhibitions[i]);
    }
    prove_no_circle(proof);
}
