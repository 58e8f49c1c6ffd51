/* SPDX-License-Identifier: MIT */
/* Whom a step of an alarm's policy means at a moment: its targets, then who stands in, then wider
 * with each loop, then without those who must not know.
 *
 * Loop k adds the managers up to k levels above, until nobody is above; the loop after that adds
 * everyone on the policy; the next and all further ones add the independent contacts.
 *
 * Invariants:
 *  1. Nobody in the circle (conflicted or struck) is ever meant, whatever the step says.
 *  2. A step that the circle emptied falls to the independent contacts: those who are there, and
 *     when none is, all of them. Nobody stands in for them, for a deputy is not independent.
 *  3. `reporter.manager` is a statement about who filed: it means nobody unless every filing of the
 *     alarm names and strikes nobody and the first one's reporter is proved and gave their name.
 *     Then its readers see that name anyway.
 *  4. Who is away does not end the line above them: levels are counted as the directory has them,
 *     and only then does somebody stand in. */
#include "alarms/internal.h"
#include "metrics/labels.h"

#include <stdlib.h>
#include <string.h>

static bool has_target(const struct fa_policy *policy, const char *prefix)
{
    for (size_t s = 0; s < policy->step_count; s++) {
        for (size_t t = 0; t < policy->steps[s].target_count; t++) {
            if (strncmp(policy->steps[s].targets[t], prefix, strlen(prefix)) == 0) {
                return true;
            }
        }
    }
    return false;
}

const char *fa_reporter_asked(const struct fa_incident *incident)
{
    return incident->about_count + incident->struck_count == 0 && incident->reporter != NULL &&
                   strncmp(incident->reporter, "person:", 7) == 0
               ? incident->reporter + 7
               : NULL;
}

static const char *reporter_of(const struct fa_engine *engine, const struct fa_alarm *alarm)
{
    const char *reporter = NULL;
    for (size_t i = 0; i < alarm->people->incident_count; i++) {
        const struct fa_incident *incident =
            fa_engine_incident(engine, alarm->people->incidents[i]);
        if (incident == NULL || incident->about_count + incident->struck_count > 0) {
            return NULL;
        }
        reporter = i == 0 ? fa_reporter_asked(incident) : reporter;
    }
    return reporter;
}

/* Of the first filing that names one: a step means the same customer however many follow. */
static const char *filed_customer(const struct fa_engine *engine, const struct fa_alarm *alarm)
{
    const char *customer = NULL;
    for (size_t i = 0; customer == NULL && i < alarm->people->incident_count; i++) {
        const struct fa_incident *incident =
            fa_engine_incident(engine, alarm->people->incidents[i]);
        customer = incident != NULL ? incident->customer : NULL;
    }
    return customer;
}

static void take_labels(struct fa_aim *aim, const struct fa_engine *engine,
                        const struct fa_alarm *alarm)
{
    struct fa_str customer = {NULL, 0};
    if (fa_labels_parse(fa_str_of(alarm->labels), &aim->labels) == 0) {
        aim->asked = fa_xcalloc(aim->labels->count + 1, sizeof *aim->asked);
        for (size_t i = 0; i < aim->labels->count; i++) {
            const struct fa_label *label = &aim->labels->items[i];
            aim->asked[i] = (struct fa_ask_label){label->name, label->value};
            customer = fa_str_is(label->name, "customer") ? label->value : customer;
        }
        aim->ask.labels = aim->asked;
        aim->ask.label_count = aim->labels->count;
    }
    aim->customer = customer.len > 0 ? fa_xstrndup(customer.ptr, customer.len)
                                     : fa_xstrdup(filed_customer(engine, alarm));
    aim->ask.customer = aim->customer;
}

void fa_aim_init(struct fa_aim *aim, const struct fa_engine *engine, const struct fa_alarm *alarm)
{
    *aim = (struct fa_aim){.dir = engine->setup->people,
                           .policy = fa_policy_of(engine, alarm),
                           .ask = {.at = engine->now.wall}};
    /* Most policies name people and roles: a storm of alarms does not read its labels for them. */
    bool has_account = has_target(aim->policy, "account."); /* its touches may be any target */
    if (has_account || has_target(aim->policy, "label.")) {
        take_labels(aim, engine, alarm);
    }
    if (has_account || has_target(aim->policy, "reporter.")) {
        aim->ask.reporter = reporter_of(engine, alarm);
    }
}

void fa_aim_done(struct fa_aim *aim)
{
    fa_labels_free(aim->labels);
    free(aim->asked);
    free(aim->customer);
}

void fa_aim_person(const struct fa_aim *aim, fa_person person, struct fa_pset *set)
{
    if (person == FA_NOBODY || aim->dir->people[person].leave.count == 0) {
        fa_pset_add(set, person);
        return;
    }
    int rc = fa_directory_reach(aim->dir, fa_str_of(aim->dir->people[person].name), &aim->ask, set);
    fa_assert(rc == 0);
}

void fa_aim_step(const struct fa_aim *aim, uint32_t step, struct fa_pset *set)
{
    const struct fa_step *rung = &aim->policy->steps[step];
    for (size_t i = 0; i < rung->target_count; i++) {
        /* A target that has left the directory adds nobody: the step is then skipped. */
        (void)!fa_directory_reach(aim->dir, fa_str_of(rung->targets[i]), &aim->ask, set);
    }
}

/* Adds the managers one level above everybody in set; false when that added nobody. */
static bool add_level(const struct fa_directory *dir, struct fa_pset *set)
{
    struct fa_pset above;
    bool added = false;
    fa_pset_init(&above, dir);
    for (fa_person p = fa_pset_next(set, 0); p != FA_NOBODY; p = fa_pset_next(set, p + 1)) {
        fa_person manager = fa_directory_manager(dir, p);
        added = added || (manager != FA_NOBODY && !fa_pset_has(set, manager));
        fa_pset_add(&above, manager);
    }
    fa_pset_add_all(set, &above);
    fa_pset_done(&above);
    return added;
}

void fa_circle_keep_out(const struct fa_circle *circle, struct fa_pset *set)
{
    fa_pset_remove_all(set, &circle->conflicted);
    fa_pset_remove_all(set, &circle->struck);
}

void fa_aim_independents(const struct fa_aim *aim, const struct fa_circle *circle,
                         struct fa_pset *set)
{
    const struct fa_directory *dir = aim->dir;
    struct fa_pset all;
    bool is_any_there = false;
    fa_pset_init(&all, dir);
    (void)!fa_directory_resolve(dir, FA_STR(FA_TARGET_INDEPENDENT), &all);
    if (circle != NULL) {
        fa_circle_keep_out(circle, &all);
    }
    for (fa_person p = fa_pset_next(&all, 0); p != FA_NOBODY; p = fa_pset_next(&all, p + 1)) {
        bool is_there = !fa_spans_has(&dir->people[p].leave, aim->ask.at);
        is_any_there = is_any_there || is_there;
        fa_pset_add(set, is_there ? p : FA_NOBODY);
    }
    if (!is_any_there) {
        fa_pset_add_all(set, &all);
    }
    fa_pset_done(&all);
}

/* The managers up to so many levels above those in set, and who stands in for them. Returns how
 * many levels there were no more. */
static uint32_t add_managers(const struct fa_aim *aim, uint32_t levels, struct fa_pset *set)
{
    struct fa_pset line;
    fa_pset_init(&line, aim->dir);
    fa_pset_add_all(&line, set);
    while (levels > 0 && add_level(aim->dir, &line)) {
        levels--;
    }
    fa_pset_remove_all(&line, set);
    for (fa_person p = fa_pset_next(&line, 0); p != FA_NOBODY; p = fa_pset_next(&line, p + 1)) {
        fa_aim_person(aim, p, set);
    }
    fa_pset_done(&line);
    return levels;
}

void fa_aim_rung(const struct fa_aim *aim, uint32_t step, uint32_t loop, struct fa_pset *set)
{
    fa_aim_step(aim, step, set);
    uint32_t left = loop > 0 ? add_managers(aim, loop, set) : 0;
    if (left > 0) {
        fa_policy_people(aim->policy, aim->dir, &aim->ask, set);
    }
    if (left > 1) {
        fa_aim_independents(aim, NULL, set);
    }
}

void fa_aim_above(const struct fa_aim *aim, uint32_t step, uint32_t loop, struct fa_pset *set)
{
    struct fa_pset rung;
    fa_pset_init(&rung, aim->dir);
    fa_aim_rung(aim, step, loop, &rung);
    fa_pset_add_all(set, &rung);
    (void)add_managers(aim, 1, set);
    fa_pset_remove_all(set, &rung);
    fa_pset_done(&rung);
}

uint32_t fa_aim_widest(const struct fa_aim *aim)
{
    uint32_t first = fa_policy_repeat(aim->policy), most = 0;
    for (uint32_t step = first; step < aim->policy->step_count; step++) {
        struct fa_pset set;
        uint32_t levels = 0;
        fa_pset_init(&set, aim->dir);
        fa_aim_step(aim, step, &set);
        while (add_level(aim->dir, &set)) {
            levels++;
        }
        fa_pset_done(&set);
        most = levels > most ? levels : most;
    }
    return most + 2;
}

enum fa_aimed fa_aim_targets(const struct fa_aim *aim, uint32_t step, uint32_t loop,
                             const struct fa_circle *circle, struct fa_pset *ret_set)
{
    fa_aim_rung(aim, step, loop, ret_set);
    if (fa_pset_is_empty(ret_set)) {
        return FA_AIMED_NOBODY;
    }
    fa_circle_keep_out(circle, ret_set);
    if (!fa_pset_is_empty(ret_set)) {
        return FA_AIMED_SOMEBODY;
    }
    fa_aim_independents(aim, circle, ret_set);
    return FA_AIMED_EMPTIED;
}
