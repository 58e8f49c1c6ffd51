/* SPDX-License-Identifier: MIT */
/* Who stepped out of an alarm, remembered from outside: what was said counts from the step that
 * takes it, a start keeps what was stored of it, and the alarm that follows one keeps it too, as
 * does one that was among those beyond the limit for which the other stood. */
#include "lab/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

static struct fa_lab_recusal *add(struct fa_lab *lab, struct fa_alarm_id alarm, const char *name,
                                  bool is_subject)
{
    lab->recusals =
        fa_xgrow(lab->recusals, lab->recusal_count, &lab->recusal_cap, sizeof lab->recusals[0]);
    lab->recusals[lab->recusal_count] =
        (struct fa_lab_recusal){.alarm = alarm, .name = fa_xstrdup(name), .is_subject = is_subject};
    return &lab->recusals[lab->recusal_count++];
}

static void take_back(struct fa_lab *lab, size_t at)
{
    free(lab->recusals[at].name);
    lab->recusals[at] = lab->recusals[--lab->recusal_count];
}

void fa_lab_recuse(struct fa_lab *lab, struct fa_alarm_id alarm, const char *who,
                   const char *person)
{
    struct fa_event event = {.kind = FA_EV_RECUSE,
                             .reply_to = fa_lab_ask(lab),
                             .u.recuse = {.alarm = alarm, .who = who, .person = person}};
    size_t at = lab->recusal_count, from = lab->actions.count;
    const struct fa_alarm *object = fa_engine_alarm(lab->engine, alarm);
    bool takes =
        object != NULL && object->state != FA_ALARM_PENDING && object->state != FA_ALARM_RESOLVED;
    const struct fa_directory *dir = lab->config->people;
    size_t out = person != NULL ? fa_lab_person(dir, person, strlen(person)) : 0;
    takes = takes && out != SIZE_MAX && (person == NULL || !dir->people[out].independent);
    if (takes) {
        add(lab, alarm, person != NULL ? person : who, person != NULL)->asked = event.reply_to;
    }
    fa_lab_step(lab, &event);
    for (size_t i = from; i < lab->actions.count; i++) {
        const struct fa_action *action = &lab->actions.list[i];
        if (action->kind == FA_ACT_REPLY && action->u.reply.to == event.reply_to &&
            (action->u.reply.code == 0) != takes) {
            fa_lab_fail(lab, "a recusal is %s", takes ? "refused" : "taken");
        }
    }
    if (takes && lab->failed) {
        take_back(lab, at);
    }
    fa_lab_turn_end(lab);
}

void fa_lab_recused_reply(struct fa_lab *lab, const struct fa_action *action)
{
    for (size_t i = 0; i < lab->recusal_count; i++) {
        lab->recusals[i].given =
            lab->recusals[i].given ||
            (lab->recusals[i].asked == action->u.reply.to && action->u.reply.code == 0);
    }
}

static bool is_stored(const struct fa_lab *lab, const struct fa_lab_recusal *recusal)
{
    const struct fa_alarm *alarm = fa_engine_alarm(lab->engine, recusal->alarm);
    bool found = false;
    char *const *list = alarm == NULL         ? NULL
                        : recusal->is_subject ? alarm->people->about
                                              : alarm->people->struck;
    size_t count = alarm == NULL         ? 0
                   : recusal->is_subject ? alarm->people->about_count
                                         : alarm->people->struck_count;
    for (size_t i = 0; i < count; i++) {
        found = found || strcmp(list[i], recusal->name) == 0;
    }
    return found;
}

void fa_lab_recused_start(struct fa_lab *lab)
{
    for (size_t i = lab->recusal_count; i > 0; i--) {
        const struct fa_lab_recusal *recusal = &lab->recusals[i - 1];
        if (!recusal->given && !is_stored(lab, recusal)) {
            take_back(lab, i - 1); /* it was lost, and nobody had been answered */
        }
    }
}

/* Its row among the label sets without an alarm went in the step that began it. */
static bool was_further(const struct fa_lab *lab, const struct fa_alarm *alarm)
{
    XXH128_canonical_t key;
    bool was = false;
    XXH128_canonicalFromHash(&key, XXH3_128bits(alarm->identity, strlen(alarm->identity)));
    for (size_t i = lab->step_from; i < lab->actions.count; i++) {
        const struct fa_action *action = &lab->actions.list[i];
        was = was || (action->kind == FA_ACT_ERASE && action->u.row.kind == FA_ROW_FURTHER &&
                      memcmp(action->u.row.key, key.digest, sizeof key.digest) == 0);
    }
    return was;
}

void fa_lab_recused_anew(struct fa_lab *lab, const struct fa_alarm *alarm)
{
    size_t count = lab->recusal_count;
    char further[300];
    if (alarm->people->incident_count > 0 ||
        strncmp(alarm->identity, "firealarm:drill{", strlen("firealarm:drill{")) == 0) {
        return;
    }
    snprintf(further, sizeof further, "%s/further", alarm->texts->rule);
    bool follows = count > 0 && was_further(lab, alarm);
    for (size_t i = 0; i < count; i++) {
        const struct fa_lab_alarm *old = fa_lab_find_alarm(lab, lab->recusals[i].alarm);
        if (old != NULL && !fa_id_eq(old->id.id, alarm->id.id) && old->filings == 0 &&
            (old->closed == 0 || lab->elapsed - old->closed < 30 * FA_DAY) &&
            (strcmp(old->identity, alarm->identity) == 0 ||
             (follows && strcmp(old->identity, further) == 0))) {
            const struct fa_lab_recusal copy = lab->recusals[i];
            add(lab, alarm->id, copy.name, copy.is_subject)->given = true;
        }
    }
}

bool fa_lab_is_recused(const struct fa_lab *lab, struct fa_alarm_id alarm)
{
    for (size_t i = 0; i < lab->recusal_count; i++) {
        if (lab->recusals[i].is_subject && fa_id_eq(lab->recusals[i].alarm.id, alarm.id)) {
            return true;
        }
    }
    return false;
}

void fa_lab_recused_done(struct fa_lab *lab)
{
    while (lab->recusal_count > 0) {
        take_back(lab, lab->recusal_count - 1);
    }
    free(lab->recusals);
}
