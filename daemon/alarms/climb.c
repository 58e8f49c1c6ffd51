/* SPDX-License-Identifier: MIT */
/* The climb: whom a step tells, and what comes after the last one.
 *
 * The last step loops, and each loop widens: loop k adds the managers up to k levels above its
 * targets, until nobody is above; the loop after that adds everyone on the policy; the next and all
 * further ones add the independent contacts.
 *
 * Invariants:
 *  1. Nobody in the circle (conflicted or struck) is ever told, whatever the step says.
 *  2. A step that the circle emptied falls to the independent contacts; one that had nobody to
 *     begin with is skipped at once.
 *  3. Whatever happens here, the alarm leaves with an armed deadline.
 *  4. Failures push a climb on at once only until the circle is as wide as it gets; from there on
 *     loops keep their wait, or receivers that reject at once would be called without a pause.
 *  5. An outbox without room puts a rung off, it passes none over.
 */
#include "alarms/evidence.h"
#include "alarms/internal.h"

#include <stdlib.h>
#include <string.h>

void fa_circle_init(struct fa_circle *circle, const struct fa_directory *dir, char *const *about,
                    size_t about_count, char *const *struck, size_t struck_count)
{
    fa_pset_init(&circle->conflicted, dir);
    fa_pset_init(&circle->struck, dir);
    for (size_t i = 0; i < about_count; i++) {
        fa_people_conflicted(dir, fa_str_of(about[i]), &circle->conflicted);
    }
    for (size_t i = 0; i < struck_count; i++) {
        fa_people_struck(dir, fa_str_of(struck[i]), &circle->struck);
    }
}

/* A name that the directory does not know any more: gone, or somebody with a new name. Groups are
 * named beside those who were meant by them. */
static bool has_unknown(const struct fa_directory *dir, char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strchr(names[i], ':') == NULL &&
            fa_directory_find(dir, fa_str_of(names[i])) == FA_NOBODY) {
            return true;
        }
    }
    return false;
}

static bool knows(const struct fa_directory *dir, const struct fa_alarm *alarm, fa_person person)
{
    const char *name = dir->people[person].name;
    bool known = alarm->owner != NULL && strcmp(alarm->owner, name) == 0;
    for (size_t i = 0; i < alarm->told_count && !known; i++) {
        known = strcmp(alarm->told[i].person, name) == 0;
    }
    return known;
}

void fa_circle_close(const struct fa_directory *dir, const struct fa_alarm *alarm,
                     const struct fa_incident *incident, struct fa_pset *set)
{
    bool unknown =
        (alarm != NULL && (has_unknown(dir, alarm->about, alarm->about_count) ||
                           has_unknown(dir, alarm->struck, alarm->struck_count))) ||
        (incident != NULL && (has_unknown(dir, incident->about, incident->about_count) ||
                              has_unknown(dir, incident->struck, incident->struck_count)));
    for (fa_person p = 0; unknown && p < dir->people_count; p++) {
        if (!dir->people[p].independent && (alarm == NULL || !knows(dir, alarm, p))) {
            fa_pset_add(set, p);
        }
    }
}

void fa_circle_done(struct fa_circle *circle)
{
    fa_pset_done(&circle->conflicted);
    fa_pset_done(&circle->struck);
}

static void resolve_step(const struct fa_directory *dir, const struct fa_step *step,
                         struct fa_pset *set)
{
    for (size_t i = 0; i < step->target_count; i++) {
        /* A target that has left the directory adds nobody: the step is then skipped. */
        (void)!fa_directory_resolve(dir, fa_str_of(step->targets[i]), set);
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

static void widen(const struct fa_directory *dir, const struct fa_policy *policy, uint32_t loop,
                  struct fa_pset *set)
{
    uint32_t left = loop;
    while (left > 0 && add_level(dir, set)) {
        left--;
    }
    if (left > 0) {
        fa_policy_people(policy, dir, set);
        left--;
    }
    if (left > 0) {
        (void)!fa_directory_resolve(dir, FA_STR(FA_TARGET_INDEPENDENT), set);
    }
}

void fa_step_targets(const struct fa_directory *dir, const struct fa_policy *policy, uint32_t step,
                     uint32_t loop, const struct fa_circle *circle, struct fa_pset *ret_set,
                     bool *ret_emptied)
{
    resolve_step(dir, &policy->steps[step], ret_set);
    if (loop > 0) {
        widen(dir, policy, loop, ret_set);
    }
    bool had = !fa_pset_is_empty(ret_set);
    fa_pset_remove_all(ret_set, &circle->conflicted);
    fa_pset_remove_all(ret_set, &circle->struck);
    *ret_emptied = had && fa_pset_is_empty(ret_set);
    if (*ret_emptied) {
        (void)!fa_directory_resolve(dir, FA_STR(FA_TARGET_INDEPENDENT), ret_set);
        fa_pset_remove_all(ret_set, &circle->conflicted);
        fa_pset_remove_all(ret_set, &circle->struck);
    }
}

static void circle_of(struct fa_circle *circle, const struct fa_engine *engine,
                      const struct fa_alarm *alarm)
{
    fa_circle_init(circle, engine->setup->people, alarm->about, alarm->about_count, alarm->struck,
                   alarm->struck_count);
    fa_circle_close(engine->setup->people, alarm, NULL, &circle->conflicted);
}

/* Into the diary alone. */
static void note(struct fa_engine *engine, struct fa_alarm *alarm, enum fa_moment_code code,
                 const char *person, int64_t number)
{
    const struct fa_moment moment = {.when = engine->now.wall,
                                     .person = fa_intern(&engine->texts, person),
                                     .number = number,
                                     .code = (uint8_t)code};
    fa_diary_note(alarm, &moment);
    fa_touch_alarm(engine, alarm);
}

/* Tells everybody in set; how many could be told over some channel. Of a filing the diary names
 * nobody who was not: the reason may be who reads their channel. */
static uint32_t tell_set(struct fa_engine *engine, struct fa_alarm *alarm,
                         const struct fa_step *step, const struct fa_pset *set,
                         enum fa_notification_kind kind)
{
    uint32_t told = 0, mute = 0;
    const char *first = NULL;
    for (fa_person p = fa_pset_next(set, 0); p != FA_NOBODY; p = fa_pset_next(set, p + 1)) {
        struct fa_note_spec spec = {.alarm = alarm, .person = p, .kind = kind, .step = step};
        bool is_told = fa_notify(engine, &spec);
        told += is_told;
        mute += !is_told;
        first = is_told || mute > 1 ? first : engine->setup->people->people[p].name;
    }
    if (mute > 0) {
        bool may_name = mute == 1 && (alarm->flags & FA_FLAG_FILED) == 0;
        note(engine, alarm, FA_M_MUTE, may_name ? first : NULL, mute);
    }
    return told;
}

/* How many of those whom the rung names the circle keeps out. */
static uint32_t count_left_out(const struct fa_directory *dir, const struct fa_policy *policy,
                               const struct fa_alarm *alarm, const struct fa_circle *circle)
{
    struct fa_pset rung;
    uint32_t count = 0;
    if (alarm->about_count + alarm->struck_count == 0) {
        return 0;
    }
    fa_pset_init(&rung, dir);
    resolve_step(dir, &policy->steps[alarm->step], &rung);
    widen(dir, policy, alarm->loop, &rung);
    for (fa_person p = fa_pset_next(&rung, 0); p != FA_NOBODY; p = fa_pset_next(&rung, p + 1)) {
        count += fa_pset_has(&circle->conflicted, p) || fa_pset_has(&circle->struck, p);
    }
    fa_pset_done(&rung);
    return count;
}

/* True when at least one notification is under way. */
static bool tell_step(struct fa_engine *engine, struct fa_alarm *alarm,
                      const struct fa_policy *policy, enum fa_notification_kind kind)
{
    struct fa_circle circle;
    struct fa_pset set;
    bool emptied = false;
    circle_of(&circle, engine, alarm);
    fa_pset_init(&set, engine->setup->people);
    fa_step_targets(engine->setup->people, policy, alarm->step, alarm->loop, &circle, &set,
                    &emptied);
    uint32_t left_out = count_left_out(engine->setup->people, policy, alarm, &circle);
    if (left_out > 0) {
        note(engine, alarm, FA_M_LEFT_OUT, NULL, left_out);
    }
    if (emptied) {
        alarm->flags |= FA_FLAG_EMPTIED;
        fa_journal_alarm(engine, FA_J_EMPTIED, alarm, NULL, alarm->step);
    }
    /* The independent contact is reached over any of his channels. */
    const struct fa_step *step = emptied || alarm->loop > 0 ? NULL : &policy->steps[alarm->step];
    uint32_t told = tell_set(engine, alarm, step, &set, kind);
    fa_pset_done(&set);
    fa_circle_done(&circle);
    return told > 0;
}

static void next_rung(struct fa_alarm *alarm, const struct fa_policy *policy)
{
    if (!alarm->climbing) {
        alarm->climbing = true;
        alarm->step = alarm->loop = 0;
    } else if (alarm->step + 1 < policy->step_count) {
        alarm->step++;
    } else {
        alarm->step = (uint32_t)policy->step_count - 1;
        alarm->loop++;
    }
}

/* The other way: next_rung() of it is where the alarm is now. */
static void last_rung(struct fa_alarm *alarm)
{
    if (alarm->loop > 0) {
        alarm->loop--;
    } else if (alarm->step > 0) {
        alarm->step--;
    } else {
        alarm->climbing = false;
    }
}

static void note_step(struct fa_engine *engine, struct fa_alarm *alarm)
{
    fa_journal_alarm(engine, FA_J_STEP, alarm, NULL,
                     (int64_t)alarm->step + 1 + (int64_t)alarm->loop * 1000);
    fa_want_evidence(alarm, FA_CAUSE_STEP);
}

static void unreached(struct fa_engine *engine, struct fa_alarm *alarm)
{
    fa_journal_alarm(engine, FA_J_UNREACHED, alarm, NULL, alarm->step);
    if ((alarm->flags & FA_FLAG_TROUBLE) == 0) {
        fa_trouble_once(engine, "nobody-reachable",
                        "an alarm climbs and none of its targets has a channel that may carry it");
    }
}

static fa_time wait_of(const struct fa_policy *policy, const struct fa_alarm *alarm)
{
    size_t step = alarm->step < policy->step_count ? alarm->step : policy->step_count - 1;
    return policy->steps[step].wait;
}

/* The loop from which on nobody more is added. */
static uint32_t widest_loop(const struct fa_directory *dir, const struct fa_policy *policy)
{
    struct fa_pset set;
    uint32_t levels = 0;
    fa_pset_init(&set, dir);
    resolve_step(dir, &policy->steps[policy->step_count - 1], &set);
    while (add_level(dir, &set)) {
        levels++;
    }
    fa_pset_done(&set);
    return levels + 2;
}

bool fa_climb_is_widest(const struct fa_engine *engine, const struct fa_alarm *alarm)
{
    const struct fa_policy *policy = fa_policy_of(engine, alarm);
    return alarm->step + UINT64_C(1) >= policy->step_count && alarm->loop > 0 &&
           alarm->loop >= widest_loop(engine->setup->people, policy);
}

/* True when the rung has to wait for room in the outbox. */
static bool put_off(struct fa_engine *engine, struct fa_alarm *alarm)
{
    if (!fa_outbox_is_full(engine, alarm)) {
        return false;
    }
    fa_arm(engine, &engine->alarm_heap, &alarm->deadline, FA_OUTBOX_FULL_WAIT);
    note(engine, alarm, FA_M_FULL, NULL, 0);
    fa_trouble_once(engine, "outbox-full",
                    "the limit of unsettled notifications is reached: steps wait for room");
    return true;
}

void fa_climb(struct fa_engine *engine, struct fa_alarm *alarm)
{
    const struct fa_policy *policy = fa_policy_of(engine, alarm);
    fa_touch_alarm(engine, alarm);
    if ((alarm->flags & FA_FLAG_SHADOW) != 0) {
        fa_disarm(&engine->alarm_heap, &alarm->deadline);
        return;
    }
    if (fa_is_hidden(alarm)) {
        fa_arm(engine, &engine->alarm_heap, &alarm->deadline, FA_DAY);
        return;
    }
    if (put_off(engine, alarm)) {
        return;
    }
    /* Steps that tell nobody are passed over, at most until the circle is widest. Armed before
     * anything is told: a notification that fails at once may climb again. */
    for (bool told = false; !told;) {
        next_rung(alarm, policy);
        fa_arm(engine, &engine->alarm_heap, &alarm->deadline, wait_of(policy, alarm));
        note_step(engine, alarm);
        told = tell_step(engine, alarm, policy, alarm->loop > 0 ? FA_NOTE_REMINDER : FA_NOTE_ALARM);
        if (!told && fa_climb_is_widest(engine, alarm)) {
            unreached(engine, alarm); /* those who can mend it hear */
            return;
        }
    }
}

void fa_climb_again(struct fa_engine *engine, struct fa_alarm *alarm)
{
    const struct fa_policy *policy = fa_policy_of(engine, alarm);
    fa_touch_alarm(engine, alarm);
    if (!alarm->climbing || fa_is_hidden(alarm)) {
        fa_climb(engine, alarm);
        return;
    }
    if (alarm->step >= policy->step_count) {
        alarm->step = (uint32_t)policy->step_count - 1;
    }
    if (put_off(engine, alarm)) {
        last_rung(alarm); /* the one that is put off comes next then */
        return;
    }
    fa_arm(engine, &engine->alarm_heap, &alarm->deadline, wait_of(policy, alarm));
    note_step(engine, alarm);
    if (!tell_step(engine, alarm, policy, FA_NOTE_REMINDER)) {
        fa_climb(engine, alarm);
    }
}

static uint32_t contact_for(const struct fa_person_entry *entry, const char *channel)
{
    for (size_t i = 0; i < entry->contact_count; i++) {
        if (strcmp(entry->contacts[i].channel, channel) == 0) {
            return (uint32_t)i;
        }
    }
    return 0;
}

void fa_tell_told(struct fa_engine *engine, struct fa_alarm *alarm, enum fa_notification_kind kind,
                  const char *but)
{
    const struct fa_directory *dir = engine->setup->people;
    struct fa_circle circle;
    if (alarm->told_count == 0) {
        return;
    }
    circle_of(&circle, engine, alarm);
    for (size_t i = 0; i < alarm->told_count; i++) {
        fa_person person = fa_directory_find(dir, fa_str_of(alarm->told[i].person));
        if (person == FA_NOBODY || fa_pset_has(&circle.conflicted, person) ||
            fa_pset_has(&circle.struck, person) ||
            (but != NULL && strcmp(but, alarm->told[i].person) == 0)) {
            continue;
        }
        struct fa_note_spec spec = {
            .alarm = alarm,
            .person = person,
            .kind = kind,
            .contact = contact_for(&dir->people[person], alarm->told[i].channel),
        };
        fa_notify(engine, &spec);
    }
    fa_circle_done(&circle);
}

/* The managers of all whom the rung names, but those of them whom it names itself. Who of them was
 * reached, and who first, makes no difference. */
static void add_above_rung(const struct fa_directory *dir, const struct fa_policy *policy,
                           const struct fa_alarm *alarm, struct fa_pset *set)
{
    size_t step = alarm->step < policy->step_count ? alarm->step : policy->step_count - 1;
    struct fa_pset rung;
    fa_pset_init(&rung, dir);
    resolve_step(dir, &policy->steps[step], &rung);
    widen(dir, policy, alarm->loop, &rung);
    fa_pset_add_all(set, &rung);
    add_level(dir, set);
    fa_pset_remove_all(set, &rung);
    fa_pset_done(&rung);
}

void fa_tell_above(struct fa_engine *engine, struct fa_alarm *alarm, const char *person,
                   enum fa_notification_kind kind)
{
    const struct fa_directory *dir = engine->setup->people;
    struct fa_circle circle;
    struct fa_pset set;
    circle_of(&circle, engine, alarm);
    fa_pset_init(&set, dir);
    if (person == NULL) {
        add_above_rung(dir, fa_policy_of(engine, alarm), alarm, &set);
    } else {
        fa_person at = fa_directory_find(dir, fa_str_of(person));
        fa_pset_add(&set, at != FA_NOBODY ? fa_directory_manager(dir, at) : FA_NOBODY);
    }
    if (fa_pset_is_empty(&set)) {
        fa_policy_people(fa_policy_of(engine, alarm), dir, &set);
    }
    fa_pset_remove_all(&set, &circle.conflicted);
    fa_pset_remove_all(&set, &circle.struck);
    if (fa_pset_is_empty(&set)) {
        alarm->flags |= FA_FLAG_EMPTIED; /* whom it goes to may read it */
        fa_journal_alarm(engine, FA_J_EMPTIED, alarm, NULL, alarm->step);
        (void)!fa_directory_resolve(dir, FA_STR(FA_TARGET_INDEPENDENT), &set);
        fa_pset_remove_all(&set, &circle.conflicted);
        fa_pset_remove_all(&set, &circle.struck);
    }
    tell_set(engine, alarm, NULL, &set, kind);
    fa_pset_done(&set);
    fa_circle_done(&circle);
}
