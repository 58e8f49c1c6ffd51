/* SPDX-License-Identifier: MIT */
/* The climb: which rung is told when, and what comes after the last one. A rung is a step in a
 * loop: after the last step the policy goes back to the one that it repeats from, and each loop
 * widens. Whom a rung means is aim.c's.
 *
 * Invariants:
 *  1. A step that has nobody to tell is skipped at once.
 *  2. Whatever happens here, the alarm leaves with an armed deadline.
 *  3. Failures push a climb on at once only until the circle is as wide as it gets; from there on
 *     loops keep their wait, or receivers that reject at once would be called without a pause.
 *  4. An outbox without room puts a rung off, it passes none over.
 *  5. A step with working hours is told inside them alone, and its wait runs there alone. So a
 *     closing window pauses the climb; it loses no rung, and a calendar that ends holds nothing up.
 *  6. A rung that is put off is told next, however often the climb is begun again meanwhile.
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
    bool known = alarm->people->owner != NULL && strcmp(alarm->people->owner, name) == 0;
    for (size_t i = 0; i < alarm->told_count && !known; i++) {
        known = strcmp(alarm->told[i].to->person, name) == 0;
    }
    return known;
}

void fa_circle_close(const struct fa_directory *dir, const struct fa_alarm *alarm,
                     const struct fa_incident *incident, struct fa_pset *set)
{
    bool unknown =
        (alarm != NULL && (has_unknown(dir, alarm->people->about, alarm->people->about_count) ||
                           has_unknown(dir, alarm->people->struck, alarm->people->struck_count))) ||
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

void fa_circle_of(struct fa_circle *circle, const struct fa_engine *engine,
                  const struct fa_alarm *alarm)
{
    fa_circle_init(circle, engine->setup->people, alarm->people->about, alarm->people->about_count,
                   alarm->people->struck, alarm->people->struck_count);
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
    fa_diary_note(&engine->texts, alarm, &moment);
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
static uint32_t count_left_out(const struct fa_aim *aim, const struct fa_alarm *alarm,
                               const struct fa_circle *circle)
{
    struct fa_pset rung;
    uint32_t count = 0;
    if (alarm->people->about_count + alarm->people->struck_count == 0) {
        return 0;
    }
    fa_pset_init(&rung, aim->dir);
    fa_aim_rung(aim, alarm->step, alarm->loop, &rung);
    for (fa_person p = fa_pset_next(&rung, 0); p != FA_NOBODY; p = fa_pset_next(&rung, p + 1)) {
        count += fa_pset_has(&circle->conflicted, p) || fa_pset_has(&circle->struck, p);
    }
    fa_pset_done(&rung);
    return count;
}

static int64_t rung_number(const struct fa_alarm *alarm)
{
    return (int64_t)alarm->step + 1 + (int64_t)alarm->loop * 1000;
}

/* True when at least one notification is under way. */
static bool tell_step(struct fa_engine *engine, struct fa_alarm *alarm, const struct fa_aim *aim,
                      enum fa_notification_kind kind)
{
    struct fa_circle circle;
    struct fa_pset set;
    fa_circle_of(&circle, engine, alarm);
    fa_pset_init(&set, aim->dir);
    enum fa_aimed aimed = fa_aim_targets(aim, alarm->step, alarm->loop, &circle, &set);
    uint32_t left_out = count_left_out(aim, alarm, &circle);
    if (left_out > 0) {
        note(engine, alarm, FA_M_LEFT_OUT, NULL, left_out);
    }
    if (aimed == FA_AIMED_EMPTIED) {
        alarm->flags |= FA_FLAG_EMPTIED;
        fa_journal_alarm(engine, FA_J_EMPTIED, alarm, NULL, alarm->step);
    } else if (aimed == FA_AIMED_NOBODY) {
        fa_journal_alarm(engine, FA_J_SKIPPED, alarm, NULL, rung_number(alarm));
    }
    /* The independent contact is reached over any of his channels. */
    const struct fa_step *step =
        aimed == FA_AIMED_EMPTIED || alarm->loop > 0 ? NULL : &aim->policy->steps[alarm->step];
    uint32_t told = tell_set(engine, alarm, step, &set, kind);
    fa_pset_done(&set);
    fa_circle_done(&circle);
    return told > 0;
}

/* Where the alarm is, or will be: steps count from 0. */
struct rung {
    uint32_t step, loop;
};

/* It was told before, and is to be told once more. */
static bool is_put_off(const struct fa_alarm *alarm, const struct fa_policy *policy)
{
    return alarm->climbing && (alarm->flags & FA_FLAG_PUT_OFF) != 0 &&
           alarm->step < policy->step_count;
}

static struct rung next_rung(const struct fa_alarm *alarm, const struct fa_policy *policy)
{
    if (!alarm->climbing) {
        return (struct rung){0, 0};
    }
    if (is_put_off(alarm, policy)) {
        return (struct rung){alarm->step, alarm->loop};
    }
    return alarm->step + 1 < policy->step_count
               ? (struct rung){alarm->step + 1, alarm->loop}
               : (struct rung){fa_policy_repeat(policy), alarm->loop + 1};
}

static void note_step(struct fa_engine *engine, struct fa_alarm *alarm)
{
    fa_journal_alarm(engine, FA_J_STEP, alarm, NULL, rung_number(alarm));
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

const struct fa_calendar_entry *fa_calendar_named(const struct fa_engine *engine, const char *name)
{
    return name != NULL ? fa_directory_calendar(engine->setup->people, name) : NULL;
}

/* NULL: the step is told at any time. */
static const struct fa_calendar_entry *calendar_of(const struct fa_engine *engine,
                                                   const struct fa_policy *policy, uint32_t step)
{
    return fa_calendar_named(engine, policy->steps[step].during);
}

static void arm_wait(struct fa_engine *engine, struct fa_alarm *alarm,
                     const struct fa_policy *policy)
{
    const struct fa_step *step = &policy->steps[alarm->step];
    fa_time wait = fa_hiding_wait(alarm, step->wait);
    const char *calendar;
    if (fa_step_measure(step, &calendar) == FA_MEASURE_CLOCK) {
        fa_arm(engine, &engine->alarm_heap, &alarm->deadline, wait);
    } else {
        fa_arm_at(engine, alarm, fa_step_over(step, engine->setup->people, engine->now.wall, wait),
                  FA_CLOCK_OPEN_TIME);
    }
}

fa_time fa_climb_left(const struct fa_engine *engine, const struct fa_alarm *alarm)
{
    const struct fa_policy *policy = fa_policy_of(engine, alarm);
    uint32_t last = (uint32_t)policy->step_count - 1;
    uint32_t step = alarm->step < last ? alarm->step : last;
    fa_time now = engine->now.wall, due = alarm->deadline.armed + alarm->deadline.length;
    if (alarm->clock == FA_CLOCK_OPENING) {
        return 0;
    }
    const char *name;
    enum fa_measure measure = fa_step_measure(&policy->steps[step], &name);
    return alarm->clock == FA_CLOCK_ELAPSED
               ? due - now
               : fa_calendar_between(fa_calendar_named(engine, name), measure, now, due);
}

static bool is_widest(const struct fa_aim *aim, const struct fa_alarm *alarm)
{
    if (alarm->loop == 0) {
        return false;
    }
    uint32_t widest = fa_aim_widest(aim);
    return alarm->loop > widest ||
           (alarm->loop == widest && alarm->step + UINT64_C(1) >= aim->policy->step_count);
}

bool fa_climb_is_widest(const struct fa_engine *engine, const struct fa_alarm *alarm)
{
    struct fa_aim aim;
    fa_aim_init(&aim, engine, alarm);
    bool answer = is_widest(&aim, alarm);
    fa_aim_done(&aim);
    return answer;
}

/* True when the rung has to wait for room in the outbox. */
static bool waits_for_room(struct fa_engine *engine, struct fa_alarm *alarm)
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

/* True when the step has to wait for its working hours. */
static bool waits_to_open(struct fa_engine *engine, struct fa_alarm *alarm,
                          const struct fa_policy *policy, uint32_t step)
{
    fa_time opens = fa_calendar_opens(calendar_of(engine, policy, step), engine->now.wall);
    if (opens <= engine->now.wall) {
        return false;
    }
    fa_journal_alarm(engine, FA_J_PAUSED, alarm, NULL, opens);
    fa_arm_at(engine, alarm, opens, FA_CLOCK_OPENING);
    return true;
}

/* True when this rung tells nobody and the next one is to be told at once. */
static bool climb_once(struct fa_engine *engine, struct fa_alarm *alarm, const struct fa_aim *aim)
{
    struct rung rung = next_rung(alarm, aim->policy);
    if (waits_to_open(engine, alarm, aim->policy, rung.step)) {
        return false;
    }
    bool again = is_put_off(alarm, aim->policy);
    if (!again) {
        fa_hiding_new_step(alarm);
    }
    alarm->flags &= ~FA_FLAG_PUT_OFF;
    alarm->climbing = true;
    alarm->step = rung.step;
    alarm->loop = rung.loop;
    /* Armed before anything is told: a notification that fails at once may climb again. */
    arm_wait(engine, alarm, aim->policy);
    note_step(engine, alarm);
    if (tell_step(engine, alarm, aim,
                  again || alarm->loop > 0 ? FA_NOTE_REMINDER : FA_NOTE_ALARM)) {
        return false;
    }
    if (is_widest(aim, alarm)) {
        unreached(engine, alarm); /* those who can mend it hear */
        return false;
    }
    return true;
}

void fa_climb(struct fa_engine *engine, struct fa_alarm *alarm)
{
    struct fa_aim aim;
    fa_touch_alarm(engine, alarm);
    if ((alarm->flags & FA_FLAG_SHADOW) != 0) {
        fa_disarm(&engine->alarm_heap, &alarm->deadline);
        return;
    }
    if (fa_is_hidden(alarm)) {
        fa_arm(engine, &engine->alarm_heap, &alarm->deadline, FA_DAY);
        return;
    }
    if (waits_for_room(engine, alarm)) {
        return;
    }
    fa_aim_init(&aim, engine, alarm);
    while (climb_once(engine, alarm, &aim)) {
    }
    fa_aim_done(&aim);
    fa_drill_clip(engine, alarm);
}

void fa_climb_again(struct fa_engine *engine, struct fa_alarm *alarm)
{
    const struct fa_policy *policy = fa_policy_of(engine, alarm);
    struct fa_aim aim;
    fa_touch_alarm(engine, alarm);
    if (!alarm->climbing || fa_is_hidden(alarm)) {
        fa_climb(engine, alarm);
        return;
    }
    if (alarm->step >= policy->step_count) {
        alarm->step = (uint32_t)policy->step_count - 1;
    }
    if (waits_for_room(engine, alarm) || waits_to_open(engine, alarm, policy, alarm->step)) {
        alarm->flags |= FA_FLAG_PUT_OFF;
        fa_drill_clip(engine, alarm);
        return;
    }
    alarm->flags &= ~FA_FLAG_PUT_OFF;
    fa_aim_init(&aim, engine, alarm);
    arm_wait(engine, alarm, policy);
    note_step(engine, alarm);
    bool told = tell_step(engine, alarm, &aim, FA_NOTE_REMINDER);
    fa_aim_done(&aim);
    fa_drill_clip(engine, alarm);
    if (!told) {
        fa_climb(engine, alarm);
    }
}

static void drop_told(const struct fa_alarm *alarm, const struct fa_directory *dir, fa_time since,
                      struct fa_pset *set)
{
    struct fa_pset told;
    fa_pset_init(&told, dir);
    for (size_t i = 0; i < alarm->told_count; i++) {
        if (alarm->told[i].when >= since) {
            fa_pset_add(&told, fa_directory_find(dir, fa_str_of(alarm->told[i].to->person)));
        }
    }
    fa_pset_remove_all(set, &told);
    fa_pset_done(&told);
}

/* Else the step comes, or comes again, by the clock. */
static bool is_on_step(const struct fa_engine *engine, const struct fa_alarm *alarm,
                       const struct fa_policy *policy)
{
    return alarm->climbing && alarm->step < policy->step_count &&
           !fa_outbox_is_full(engine, alarm) &&
           fa_calendar_opens(calendar_of(engine, policy, alarm->step), engine->now.wall) <=
               engine->now.wall;
}

void fa_climb_tell_rest(struct fa_engine *engine, struct fa_alarm *alarm, fa_time since)
{
    const struct fa_policy *policy = fa_policy_of(engine, alarm);
    struct fa_circle circle;
    struct fa_pset set;
    struct fa_aim aim;
    if (!is_on_step(engine, alarm, policy)) {
        return;
    }
    fa_aim_init(&aim, engine, alarm);
    fa_circle_of(&circle, engine, alarm);
    fa_pset_init(&set, aim.dir);
    enum fa_aimed aimed = fa_aim_targets(&aim, alarm->step, alarm->loop, &circle, &set);
    drop_told(alarm, aim.dir, since, &set);
    const struct fa_step *step =
        aimed == FA_AIMED_EMPTIED || alarm->loop > 0 ? NULL : &policy->steps[alarm->step];
    (void)tell_set(engine, alarm, step, &set, FA_NOTE_REMINDER);
    fa_pset_done(&set);
    fa_circle_done(&circle);
    fa_aim_done(&aim);
}

void fa_climb_go_on(struct fa_engine *engine, struct fa_alarm *alarm, fa_time since)
{
    const struct fa_policy *policy = fa_policy_of(engine, alarm);
    if ((alarm->flags & FA_FLAG_PUT_OFF) != 0 || !is_on_step(engine, alarm, policy)) {
        fa_climb_again(engine, alarm);
        return;
    }
    arm_wait(engine, alarm, policy);
    fa_climb_tell_rest(engine, alarm, since);
}

/* When what the alarm waits for comes by the calendar as it is now. */
static fa_time reckon(const struct fa_engine *engine, const struct fa_alarm *alarm)
{
    if (alarm->state == FA_ALARM_PENDING) {
        return fa_for_over(engine, alarm, alarm->deadline.armed);
    }
    const struct fa_policy *policy = fa_policy_of(engine, alarm);
    if (alarm->clock == FA_CLOCK_OPENING) {
        const struct rung next = next_rung(alarm, policy);
        return fa_calendar_opens(calendar_of(engine, policy, next.step), engine->now.wall);
    }
    uint32_t last = (uint32_t)policy->step_count - 1;
    uint32_t step = alarm->step < last ? alarm->step : last;
    return fa_step_over(&policy->steps[step], engine->setup->people, alarm->deadline.armed,
                        fa_hiding_wait(alarm, policy->steps[step].wait));
}

void fa_climb_reckon_one(struct fa_engine *engine, struct fa_alarm *alarm)
{
    if (alarm->clock == FA_CLOCK_ELAPSED || alarm->deadline.length == FA_NEVER) {
        return;
    }
    fa_time length = reckon(engine, alarm) - alarm->deadline.armed;
    if (length != alarm->deadline.length) {
        fa_time left = alarm->deadline.armed + length - engine->now.wall;
        alarm->deadline.length = length > 0 ? length : 0;
        fa_heap_set(&engine->alarm_heap, &alarm->deadline.node,
                    engine->now.mono + (left > 0 ? left : 0));
        fa_drill_clip(engine, alarm);
        fa_touch_alarm(engine, alarm);
    }
}

void fa_climb_reckon(struct fa_engine *engine)
{
    for (struct fa_alarm *a = engine->alarms.first; a != NULL; a = a->after) {
        fa_climb_reckon_one(engine, a);
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
    fa_circle_of(&circle, engine, alarm);
    for (size_t i = 0; i < alarm->told_count; i++) {
        fa_person person = fa_directory_find(dir, fa_str_of(alarm->told[i].to->person));
        if (person == FA_NOBODY || fa_pset_has(&circle.conflicted, person) ||
            fa_pset_has(&circle.struck, person) ||
            (but != NULL && strcmp(but, alarm->told[i].to->person) == 0)) {
            continue;
        }
        struct fa_note_spec spec = {
            .alarm = alarm,
            .person = person,
            .kind = kind,
            .contact = contact_for(&dir->people[person], alarm->told[i].to->channel),
        };
        fa_notify(engine, &spec);
    }
    fa_circle_done(&circle);
}

/* The nearest level above the person at which somebody else is there. */
static void add_above(const struct fa_aim *aim, fa_person person, struct fa_pset *set)
{
    struct fa_pset own;
    fa_pset_init(&own, aim->dir);
    fa_pset_add(&own, person);
    fa_person above = person != FA_NOBODY ? fa_directory_manager(aim->dir, person) : FA_NOBODY;
    while (above != FA_NOBODY && fa_pset_is_empty(set)) {
        fa_aim_person(aim, above, set);
        fa_pset_remove_all(set, &own); /* they stand in for their own manager */
        above = fa_directory_manager(aim->dir, above);
    }
    fa_pset_done(&own);
}

static uint32_t tell_those_above(struct fa_engine *engine, struct fa_alarm *alarm,
                                 const struct fa_aim *aim, struct fa_pset *set,
                                 enum fa_notification_kind kind)
{
    struct fa_circle circle;
    fa_circle_of(&circle, engine, alarm);
    fa_circle_keep_out(&circle, set);
    if (fa_pset_is_empty(set)) {
        alarm->flags |= FA_FLAG_EMPTIED; /* whom it goes to may read it */
        fa_journal_alarm(engine, FA_J_EMPTIED, alarm, NULL, alarm->step);
        fa_aim_independents(aim, &circle, set);
    }
    fa_circle_done(&circle);
    return tell_set(engine, alarm, NULL, set, kind);
}

bool fa_tell_above(struct fa_engine *engine, struct fa_alarm *alarm, const char *person,
                   enum fa_notification_kind kind)
{
    struct fa_aim aim;
    struct fa_pset set;
    uint32_t told = 0;
    fa_aim_init(&aim, engine, alarm);
    fa_pset_init(&set, aim.dir);
    add_above(&aim, fa_directory_find(aim.dir, fa_str_of(person)), &set);
    if (!fa_pset_is_empty(&set)) {
        told = tell_those_above(engine, alarm, &aim, &set, kind);
    }
    fa_pset_done(&set);
    fa_aim_done(&aim);
    return told > 0;
}

void fa_tell_above_rung(struct fa_engine *engine, struct fa_alarm *alarm,
                        enum fa_notification_kind kind)
{
    struct fa_aim aim;
    struct fa_pset set;
    fa_aim_init(&aim, engine, alarm);
    uint32_t last = (uint32_t)aim.policy->step_count - 1;
    fa_pset_init(&set, aim.dir);
    fa_aim_above(&aim, alarm->step < last ? alarm->step : last, alarm->loop, &set);
    if (fa_pset_is_empty(&set)) {
        fa_policy_people(aim.policy, aim.dir, &aim.ask, &set);
    }
    (void)tell_those_above(engine, alarm, &aim, &set, kind);
    fa_pset_done(&set);
    fa_aim_done(&aim);
}
