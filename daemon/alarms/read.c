/* SPDX-License-Identifier: MIT */
/* Reading the engine: look-ups and what fa_may() needs of an alarm. Changes nothing. */
#include "alarms/internal.h"

#include <stdlib.h>
#include <string.h>

const struct fa_setup *fa_engine_setup(const struct fa_engine *engine)
{
    return engine->setup;
}

const struct fa_alarm *fa_engine_alarm(const struct fa_engine *engine, struct fa_alarm_id id)
{
    return fa_book_find(&engine->alarms, id.id);
}

const struct fa_alarm *fa_engine_alarm_by_identity(const struct fa_engine *engine,
                                                   const char *identity)
{
    return fa_names_find(&engine->identities, identity);
}

const struct fa_incident *fa_engine_incident(const struct fa_engine *engine,
                                             struct fa_incident_id id)
{
    return fa_book_find(&engine->incidents, id.id);
}

const struct fa_notification *fa_engine_notification(const struct fa_engine *engine,
                                                     struct fa_notification_id id)
{
    return fa_book_find(&engine->notifications, id.id);
}

const struct fa_silence *fa_engine_silence(const struct fa_engine *engine, struct fa_silence_id id)
{
    return fa_book_find(&engine->hiders.silences, id.id);
}

const struct fa_silence *fa_engine_silence_of(const struct fa_engine *engine,
                                              const struct fa_alarm *alarm)
{
    return (alarm->flags & FA_FLAG_SHELVED) != 0 && alarm->hiding != NULL
               ? fa_engine_silence(engine, alarm->hiding->silence)
               : NULL;
}

bool fa_alarm_keeps_level(const struct fa_alarm *alarm)
{
    return alarm->level != FA_LEVEL_UNKNOWN || (alarm->flags & FA_FLAG_OVER) == 0;
}

int fa_engine_read_alarm(struct fa_engine *engine, struct fa_str value, struct fa_alarm **ret_alarm)
{
    return fa_alarm_decode(value, &engine->texts, ret_alarm);
}

int fa_engine_read_incident(struct fa_engine *engine, struct fa_str value,
                            struct fa_incident **ret_incident)
{
    return fa_incident_decode(value, &engine->texts, ret_incident);
}

void fa_engine_each_alarm(const struct fa_engine *engine, fa_alarm_fn *fn, void *ctx)
{
    for (const struct fa_alarm *a = engine->alarms.first; a != NULL; a = a->after) {
        fn(ctx, a);
    }
}

void fa_engine_each_incident(const struct fa_engine *engine, fa_incident_fn *fn, void *ctx)
{
    for (const struct fa_incident *i = engine->incidents.first; i != NULL; i = i->after) {
        fn(ctx, i);
    }
}

void fa_engine_each_notification(const struct fa_engine *engine, fa_notification_fn *fn, void *ctx)
{
    for (const struct fa_notification *n = engine->notifications.first; n != NULL; n = n->after) {
        fn(ctx, n);
    }
}

void fa_engine_each_silence(const struct fa_engine *engine, fa_silence_fn *fn, void *ctx)
{
    for (const struct fa_silence *s = engine->hiders.silences.first; s != NULL; s = s->after) {
        fn(ctx, s);
    }
}

static void add_named(const struct fa_directory *dir, const char *name, struct fa_pset *set)
{
    if (name != NULL) {
        fa_pset_add(set, fa_directory_find(dir, fa_str_of(name)));
    }
}

fa_time fa_alarm_first_told(const struct fa_alarm *alarm)
{
    fa_time first = alarm->first_told;
    for (size_t i = 0; i < alarm->told_count && alarm->first_told == 0; i++) {
        first = first == 0 || alarm->told[i].when < first ? alarm->told[i].when : first;
    }
    return first;
}

/* Those the alarm was meant for: its policy, those told, its owner, and the independent contacts
 * when a conflict sent it there or its loops have widened so far. */
static void add_targets(const struct fa_engine *engine, const struct fa_alarm *alarm,
                        struct fa_pset *set)
{
    const struct fa_directory *dir = engine->setup->people;
    struct fa_aim aim;
    fa_aim_init(&aim, engine, alarm);
    fa_policy_people(aim.policy, dir, &aim.ask, set);
    fa_aim_done(&aim);
    for (size_t i = 0; i < alarm->told_count; i++) {
        add_named(dir, alarm->told[i].to->person, set);
    }
    for (const struct fa_notification *n = alarm->notifications; n != NULL; n = n->next) {
        add_named(dir, n->person, set);
    }
    add_named(dir, alarm->people->owner, set);
    if ((alarm->flags & FA_FLAG_EMPTIED) != 0) {
        (void)!fa_directory_resolve(dir, FA_STR(FA_TARGET_INDEPENDENT), set);
    }
}

static fa_person reporter_of(const struct fa_engine *engine, const struct fa_alarm *alarm)
{
    if (alarm->people->incident_count != 1) {
        return FA_NOBODY;
    }
    const struct fa_incident *incident = fa_engine_incident(engine, alarm->people->incidents[0]);
    if (incident == NULL || incident->reporter == NULL ||
        strncmp(incident->reporter, "person:", 7) != 0) {
        return FA_NOBODY;
    }
    return fa_directory_find(engine->setup->people, fa_str_of(incident->reporter + 7));
}

bool fa_engine_may_rule(const struct fa_engine *engine, fa_person person, enum fa_verb verb,
                        const struct fa_rule *rule, fa_time at)
{
    const struct fa_directory *dir = engine->setup->people;
    const struct fa_policy *policy = fa_setup_policy(engine->setup, rule->policy);
    const struct fa_ask ask = {.at = at};
    struct fa_pset targets;
    struct fa_object object = {
        .targets = &targets, .reporter = FA_NOBODY, .is_filing = rule->is_incident};
    fa_pset_init(&targets, dir);
    if (policy != NULL) {
        fa_policy_people(policy, dir, &ask, &targets);
    }
    bool allowed = fa_may(dir, (struct fa_viewer){person}, verb, &object);
    fa_pset_done(&targets);
    return allowed;
}

static void init_sets(struct fa_access *access, const struct fa_directory *dir)
{
    *access = (struct fa_access){.object.reporter = FA_NOBODY};
    fa_pset_init(&access->conflicted, dir);
    fa_pset_init(&access->struck, dir);
    fa_pset_init(&access->targets, dir);
    access->object.conflicted = &access->conflicted;
    access->object.struck = &access->struck;
}

static void add_circle(struct fa_access *access, const struct fa_directory *dir, char *const *about,
                       size_t about_count, char *const *struck, size_t struck_count)
{
    for (size_t i = 0; i < about_count; i++) {
        fa_people_conflicted(dir, fa_str_of(about[i]), &access->conflicted);
    }
    for (size_t i = 0; i < struck_count; i++) {
        fa_people_struck(dir, fa_str_of(struck[i]), &access->struck);
    }
}

bool fa_engine_has_subject(const struct fa_engine *engine, const struct fa_notification *n)
{
    const struct fa_alarm *alarm = fa_engine_alarm(engine, n->alarm);
    const struct fa_incident *incident = fa_engine_incident(engine, n->incident);
    bool has = (alarm != NULL && alarm->people->about_count + alarm->people->struck_count > 0) ||
               (incident != NULL && incident->about_count + incident->struck_count > 0);
    for (size_t i = 0; n->lines != NULL && i < n->lines->id_count && !has; i++) {
        const struct fa_notification *line = fa_engine_notification(engine, n->lines->ids[i]);
        has = line != NULL && fa_engine_has_subject(engine, line);
    }
    return has;
}

void fa_access_init(struct fa_access *access, const struct fa_engine *engine,
                    const struct fa_alarm *alarm)
{
    const struct fa_directory *dir = engine->setup->people;
    init_sets(access, dir);
    add_circle(access, dir, alarm->people->about, alarm->people->about_count, alarm->people->struck,
               alarm->people->struck_count);
    fa_circle_close(dir, alarm, NULL, &access->conflicted);
    add_targets(engine, alarm, &access->targets);
    access->object.targets = &access->targets;
    access->object.reporter = reporter_of(engine, alarm);
    access->object.is_filing = (alarm->flags & FA_FLAG_FILED) != 0;
}

void fa_access_init_queue(struct fa_access *access, const struct fa_engine *engine,
                          const struct fa_notification *notification)
{
    const struct fa_directory *dir = engine->setup->people;
    const struct fa_alarm *alarm = fa_engine_alarm(engine, notification->alarm);
    const struct fa_incident *incident = fa_engine_incident(engine, notification->incident);
    init_sets(access, dir);
    if (alarm != NULL) {
        add_circle(access, dir, alarm->people->about, alarm->people->about_count,
                   alarm->people->struck, alarm->people->struck_count);
    }
    if (incident != NULL) {
        add_circle(access, dir, incident->about, incident->about_count, incident->struck,
                   incident->struck_count);
    }
    fa_circle_close(dir, alarm, incident, &access->conflicted);
    access->object.is_filing =
        incident != NULL || (alarm != NULL && (alarm->flags & FA_FLAG_FILED) != 0);
}

void fa_access_done(struct fa_access *access)
{
    fa_pset_done(&access->conflicted);
    fa_pset_done(&access->struck);
    fa_pset_done(&access->targets);
}

bool fa_rung_init(struct fa_rung *rung, const struct fa_engine *engine,
                  const struct fa_alarm *alarm, uint32_t step)
{
    const struct fa_policy *policy = fa_policy_of(engine, alarm);
    struct fa_circle circle;
    struct fa_aim aim;
    if (step >= policy->step_count) {
        return false;
    }
    fa_circle_of(&circle, engine, alarm);
    fa_aim_init(&aim, engine, alarm);
    rung->wait = policy->steps[step].wait;
    rung->measure = policy->steps[step].measure;
    rung->during = policy->steps[step].during;
    fa_pset_init(&rung->people, aim.dir);
    rung->independent = fa_aim_targets(&aim, step, 0, &circle, &rung->people) == FA_AIMED_EMPTIED;
    fa_aim_done(&aim);
    fa_circle_done(&circle);
    return true;
}

void fa_rung_done(struct fa_rung *rung)
{
    fa_pset_done(&rung->people);
}
