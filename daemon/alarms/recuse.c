/* SPDX-License-Identifier: MIT */
/* Recusal: somebody who was told finds out that it is about them, or about a friend.
 *
 * Whoever says so of themselves is struck, as a reporter would have struck them; whom they name is
 * a subject from then on, with all who are too near. Both hold at once: nothing that is queued
 * reaches them, no list shows it, and they own it no longer.
 *
 * Invariants:
 *  1. It can only move an alarm, never silence it: an independent contact cannot be named, a step
 *     that is emptied goes to the independent contacts, one that nobody else has heard of climbs
 * on.
 *  2. Nobody is let in again: there is no way back but a new filing. */
#include "alarms/internal.h"
#include "base/texts.h"

#include <string.h>

static size_t bytes_of(char *const *texts, size_t count)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        bytes += strlen(texts[i]) + 8;
    }
    return bytes;
}

/* Adds the name to whom the alarm is kept from; 0 also when it was there. */
static int keep_from(struct fa_alarm *alarm, const char *name, bool is_subject)
{
    struct fa_alarm_people *people = fa_alarm_people(alarm);
    char ***list = is_subject ? &people->about : &people->struck;
    size_t *count = is_subject ? &people->about_count : &people->struck_count;
    if (fa_texts_has(*list, *count, name)) {
        return 0;
    }
    if (bytes_of(people->about, people->about_count) +
            bytes_of(people->struck, people->struck_count) + strlen(name) + 8 >
        FA_SUBJECTS_BYTES_MAX) {
        return FA_EFULL;
    }
    fa_texts_add(list, count, fa_str_of(name));
    return 0;
}

static bool is_out(const struct fa_engine *engine, const struct fa_alarm *alarm, const char *name)
{
    struct fa_circle circle;
    fa_circle_of(&circle, engine, alarm);
    fa_person person = fa_directory_find(engine->setup->people, fa_str_of(name));
    bool out = fa_pset_has(&circle.conflicted, person) || fa_pset_has(&circle.struck, person);
    fa_circle_done(&circle);
    return out;
}

static bool is_emptied(const struct fa_engine *engine, const struct fa_alarm *alarm)
{
    struct fa_circle circle;
    struct fa_pset set;
    struct fa_aim aim;
    fa_circle_of(&circle, engine, alarm);
    fa_aim_init(&aim, engine, alarm);
    fa_pset_init(&set, aim.dir);
    uint32_t last = (uint32_t)aim.policy->step_count - 1;
    uint32_t step = alarm->step < last ? alarm->step : last;
    bool emptied = fa_aim_targets(&aim, step, alarm->loop, &circle, &set) == FA_AIMED_EMPTIED;
    fa_pset_done(&set);
    fa_aim_done(&aim);
    fa_circle_done(&circle);
    return emptied;
}

/* With them gone: has anybody heard of it? */
static void go_on(struct fa_engine *engine, struct fa_alarm *alarm)
{
    if (alarm->people->owner != NULL && is_out(engine, alarm, alarm->people->owner)) {
        int rc = fa_alarm_event(engine, alarm, FA_AEV_DISOWN, NULL);
        fa_assert(rc == 0);
    } else if (alarm->state == FA_ALARM_UNACKED && alarm->climbing &&
               (alarm->flags & FA_FLAG_SHADOW) == 0 && !fa_rung_is_heard(engine, alarm)) {
        if (is_emptied(engine, alarm)) {
            fa_climb_again(engine, alarm);
        } else if (alarm->clock != FA_CLOCK_OPENING && !fa_climb_is_widest(engine, alarm)) {
            fa_climb(engine, alarm);
        }
    }
}

int fa_recuse(struct fa_engine *engine, struct fa_alarm_id id, const char *who, const char *person)
{
    const struct fa_directory *dir = engine->setup->people;
    struct fa_alarm *alarm = fa_book_find(&engine->alarms, id.id);
    const char *name = person != NULL ? person : who;
    fa_person out = fa_directory_find(dir, fa_str_of(name));
    if (alarm == NULL || alarm->state == FA_ALARM_PENDING) {
        return FA_ENOTFOUND;
    }
    if (alarm->state == FA_ALARM_RESOLVED) {
        return FA_ECONFLICT;
    }
    if (out == FA_NOBODY) {
        return FA_EINVAL;
    }
    if (person != NULL && dir->people[out].independent) {
        return FA_EDENIED;
    }
    int rc = keep_from(alarm, name, person != NULL);
    if (rc == 0) {
        fa_journal_alarm(engine, FA_J_RECUSED, alarm, who, person != NULL);
        fa_tally_forget(engine, alarm);
        fa_notifications_recuse(engine, alarm);
        go_on(engine, alarm);
        fa_hiding_review(engine, alarm); /* what is kept from somebody is hidden from nobody else */
    }
    return rc;
}
