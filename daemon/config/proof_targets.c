/* SPDX-License-Identifier: MIT */
/* Targets proved: each means somebody, now or once a customer, a label or a reporter is known. For
 * certain are people, teams, roles, schedules and the independent contacts; what depends on more
 * may mean nobody at night, so that no policy may end with it alone (proof_policies.c). */
#include "config/proof.h"
#include "base/texts.h"

#include <stdlib.h>
#include <string.h>

static const char *const dependent[] = {"account.conduit", "account.touches", "reporter.manager"};
#define DEPENDENT_COUNT (sizeof dependent / sizeof dependent[0])

static bool cut_start(struct fa_str *text, const char *start)
{
    size_t len = strlen(start);
    if (!fa_str_starts(*text, start)) {
        return false;
    }
    text->ptr += len;
    text->len -= len;
    return true;
}

enum fa_depends fa_proof_depends(const char *target, struct fa_str *ret_label)
{
    struct fa_str text = fa_str_of(target), end = FA_STR(".manager");
    *ret_label = FA_STR("customer");
    if (fa_str_starts(text, "account.")) {
        return FA_DEPENDS_CUSTOMER;
    }
    if (fa_str_starts(text, "reporter.")) {
        return FA_DEPENDS_REPORTER;
    }
    if (!cut_start(&text, "label.")) {
        return FA_DEPENDS_NOT;
    }
    if (text.len > end.len && memcmp(text.ptr + text.len - end.len, end.ptr, end.len) == 0) {
        text.len -= end.len;
    }
    *ret_label = text;
    return FA_DEPENDS_LABEL;
}

void fa_proof_unknown_role(const struct fa_proof *proof, const config_setting_t *at,
                           const char *what, const char *role)
{
    const struct fa_directory *dir = proof->config->people;
    const char *near = NULL;
    char hint[96] = "";
    for (size_t i = 0; near == NULL && i < dir->people_count; i++) {
        const struct fa_person_entry *person = &dir->people[i];
        near = fa_suggest(role, (const char *const *)person->roles, person->role_count);
    }
    if (near != NULL) {
        snprintf(hint, sizeof hint, " (did you mean '%s%.70s'?)",
                 strcmp(what, "target") == 0 ? "role:" : "", near);
    }
    fa_fault(proof->faults, at, FA_ENOTFOUND, "%s '%s%.64s': nobody has this role%s", what,
             strcmp(what, "target") == 0 ? "role:" : "", role, hint);
}

static void add_people(const struct fa_proof *proof, char *const *names, size_t count, bool *set)
{
    for (size_t i = 0; i < count; i++) {
        size_t person = fa_proof_find(proof, FA_KIND_PERSON, names[i]);
        if (person != FA_NONE) {
            set[person] = true;
        }
    }
}

static void add_team(const struct fa_proof *proof, const config_setting_t *at, const char *name,
                     bool *set)
{
    size_t team = fa_proof_need(proof, FA_KIND_TEAM, name, at, "target");
    if (team != FA_NONE) {
        const struct fa_team_entry *entry = &proof->config->people->teams[team];
        add_people(proof, entry->members, entry->member_count, set);
    }
}

/* Marks those of the role, or the independent contacts; of them others are sure to complain. */
static void add_role(const struct fa_proof *proof, const config_setting_t *at, const char *role,
                     bool *set)
{
    const struct fa_directory *dir = proof->config->people;
    bool any = role == NULL;
    for (size_t i = 0; i < dir->people_count; i++) {
        const struct fa_person_entry *person = &dir->people[i];
        if (role == NULL ? person->independent
                         : fa_texts_has(person->roles, person->role_count, role)) {
            set[i] = any = true;
        }
    }
    if (!any) {
        fa_proof_unknown_role(proof, at, "target", role);
    }
}

static void add_schedule(const struct fa_proof *proof, const config_setting_t *at, const char *name,
                         bool *set)
{
    const struct fa_directory *dir = proof->config->people;
    const char **names = fa_xcalloc(dir->schedule_count + 1, sizeof *names);
    bool found = false;
    char hint[96];
    for (size_t i = 0; i < dir->schedule_count; i++) {
        const struct fa_schedule_entry *schedule = &dir->schedules[i];
        names[i] = schedule->name;
        if (schedule->name != NULL && strcmp(schedule->name, name) == 0) {
            add_people(proof, schedule->members, schedule->member_count, set);
            found = true;
        }
    }
    if (!found) {
        fa_fault(proof->faults, at, FA_ENOTFOUND, "target: there is no schedule '%.64s'%s", name,
                 fa_did_you_mean(name, names, dir->schedule_count, hint));
    }
    free(names);
}

static void add_person(const struct fa_proof *proof, const config_setting_t *at, const char *name,
                       bool *set)
{
    size_t person = fa_proof_find(proof, FA_KIND_PERSON, name), count = proof->draft->people.count;
    if (person != FA_NONE) {
        set[person] = true;
        return;
    }
    const char **names = fa_xcalloc(count + DEPENDENT_COUNT, sizeof *names);
    char hint[96];
    for (size_t i = 0; i < count; i++) {
        names[i] = fa_proof_name(proof, FA_KIND_PERSON, i);
    }
    memcpy(names + count, dependent, sizeof dependent);
    fa_fault(proof->faults, at, FA_ENOTFOUND, "target: there is no person '%.64s'%s", name,
             fa_did_you_mean(name, names, count + DEPENDENT_COUNT, hint));
    free(names);
}

static bool is_label(struct fa_str text)
{
    bool is = text.len > 0 && !(text.ptr[0] >= '0' && text.ptr[0] <= '9');
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        is = is && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '_');
    }
    return is;
}

static void prove_dependent(const struct fa_proof *proof, const config_setting_t *at,
                            const char *target)
{
    struct fa_str label;
    char hint[96];
    if (fa_proof_depends(target, &label) == FA_DEPENDS_LABEL) {
        if (!is_label(label)) {
            fa_fault(proof->faults, at, FA_EINVAL,
                     "target '%.64s': after label. comes a label's name, then .manager or nothing",
                     target);
        }
        return;
    }
    for (size_t i = 0; i < DEPENDENT_COUNT; i++) {
        if (strcmp(target, dependent[i]) == 0) {
            return;
        }
    }
    fa_fault(proof->faults, at, FA_ENOTFOUND,
             "target '%.64s' is none of account.conduit, account.touches, reporter.manager%s",
             target, fa_did_you_mean(target, dependent, DEPENDENT_COUNT, hint));
}

/* True: it depends on more than the directory. */
static bool add_target(const struct fa_proof *proof, const config_setting_t *at, const char *target,
                       bool *set)
{
    struct fa_str label;
    if (fa_proof_depends(target, &label) != FA_DEPENDS_NOT) {
        prove_dependent(proof, at, target);
        return true;
    }
    if (strncmp(target, "team:", 5) == 0) {
        add_team(proof, at, target + 5, set);
    } else if (strncmp(target, "role:", 5) == 0) {
        add_role(proof, at, target + 5, set);
    } else if (strncmp(target, "schedule:", 9) == 0) {
        add_schedule(proof, at, target + 9, set);
    } else if (strcmp(target, FA_TARGET_INDEPENDENT) == 0) {
        add_role(proof, at, NULL, set);
    } else {
        add_person(proof, at, target, set);
    }
    return false;
}

bool fa_proof_targets(const struct fa_proof *proof, const config_setting_t *at, const char *key,
                      char *const *targets, size_t count, bool *set)
{
    bool depends = false;
    for (size_t i = 0; i < count; i++) {
        depends = add_target(proof, fa_proof_elem(at, key, targets[i]), targets[i], set) || depends;
    }
    return depends;
}
