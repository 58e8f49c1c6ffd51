/* SPDX-License-Identifier: MIT */
/* The outbox: one notification for each person, channel and occasion, until it is settled.
 *
 *   QUEUED --sent--> SENT (history)
 *     | retry                 first failures: WAITING, back-off with jitter
 *     | rejected, three tries, or 60 s of failing (as the severity says):
 *     |     the escalation moves on AT ONCE: the person's next channel; with none left and nobody
 *     |     else of the step reached, the next step. The notification itself becomes
 *     v     SLOW (tried every 5 min) while its alarm is unowned, DEAD when it is owned or closed.
 *
 * Invariants:
 *  1. Send, then mark: a notification counts as sent only by a verdict; after a crash it is sent
 *     again under the same id, which is its idempotency key.
 *  2. moved_on is set once: one failing notification moves the escalation once.
 *  3. A shared channel carries a message only when each of its readers may be told.
 *  4. Each time one leaves, also again, fa_may() is asked: the directory may have changed since.
 *  5. Nobody is called by an alarm that is owned, closed or hidden: what fails then is not tried
 *     elsewhere.
 */
#include "alarms/internal.h"
#include "alarms/weekly.h"
#include "base/texts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BACKOFF_FIRST (2 * FA_SECOND)
#define BACKOFF_MAX   (5 * FA_MINUTE)

static bool is_series(const struct fa_alarm *alarm)
{
    return (alarm->flags & (FA_FLAG_FILED | FA_FLAG_TROUBLE)) == 0;
}

void fa_notification_link(struct fa_alarm *alarm, struct fa_notification *n)
{
    n->owner_alarm = alarm;
    n->of_series = is_series(alarm);
    n->prev = NULL;
    n->next = alarm->notifications;
    if (n->next != NULL) {
        n->next->prev = n;
    }
    alarm->notifications = n;
}

void fa_notification_unlink(struct fa_notification *n)
{
    if (n->owner_alarm == NULL) {
        return;
    }
    if (n->prev != NULL) {
        n->prev->next = n->next;
    } else {
        n->owner_alarm->notifications = n->next;
    }
    if (n->next != NULL) {
        n->next->prev = n->prev;
    }
    n->owner_alarm = NULL;
    n->next = n->prev = NULL;
}

static struct fa_journal_ids ids_of(const struct fa_notification *n)
{
    return (struct fa_journal_ids){n->alarm, n->incident, n->id, n->silence};
}

void fa_notification_note(struct fa_engine *engine, const struct fa_notification *n, unsigned code,
                          int64_t number)
{
    const struct fa_moment moment = {
        .when = engine->now.wall,
        .person = n->person,
        .channel = n->channel,
        .number = number,
        .code = (uint8_t)code,
        .attempt = (uint16_t)(n->attempts < UINT16_MAX ? n->attempts : UINT16_MAX),
        .kind = (uint8_t)n->kind};
    if (n->owner_alarm != NULL) {
        fa_diary_note(&engine->texts, n->owner_alarm, &moment);
        fa_touch_alarm(engine, n->owner_alarm);
    }
}

void fa_notification_record(struct fa_engine *engine, const struct fa_notification *n,
                            enum fa_journal_code code, int64_t number)
{
    fa_journal(engine, code, ids_of(n), NULL, number);
    fa_notification_note(engine, n, code, code == FA_J_HELD ? number : n->status);
}

static const struct fa_severity *severity_of(const struct fa_engine *engine,
                                             const struct fa_notification *n)
{
    const char *name = n->owner_alarm != NULL ? n->owner_alarm->texts->severity
                                              : engine->setup->severities[0].name;
    const struct fa_severity *severity = fa_setup_severity(engine->setup, name);
    return severity != NULL ? severity : &engine->setup->severities[0];
}

bool fa_notification_is_critical(const struct fa_engine *engine, const struct fa_notification *n)
{
    bool is_filed = n->owner_alarm != NULL ? (n->owner_alarm->flags & FA_FLAG_FILED) != 0
                                           : !fa_id_is_zero(n->incident.id);
    return is_filed || severity_of(engine, n)->rank == 0;
}

static bool is_climb_kind(enum fa_notification_kind kind)
{
    return kind == FA_NOTE_ALARM || kind == FA_NOTE_REMINDER || kind == FA_NOTE_OVERDUE;
}

bool fa_notification_is_climb(const struct fa_notification *n)
{
    return is_climb_kind(n->kind);
}

/* Does anything still hang on this notification's arrival? */
bool fa_notification_is_wanted(const struct fa_notification *n)
{
    if (n->lines != NULL) {
        return fa_digest_is_wanted(n);
    }
    return n->owner_alarm != NULL && n->owner_alarm->state == FA_ALARM_UNACKED &&
           !fa_is_hidden(n->owner_alarm) && fa_notification_is_climb(n);
}

bool fa_notification_is_hidden(const struct fa_engine *engine, const struct fa_notification *n)
{
    const struct fa_incident *incident = fa_engine_incident(engine, n->incident);
    return n->hidden || n->kind == FA_NOTE_DIGEST ||
           (n->owner_alarm != NULL && (n->owner_alarm->people->about_count > 0 ||
                                       (n->owner_alarm->flags & FA_FLAG_DRILL) != 0)) ||
           (incident != NULL && incident->about_count > 0);
}

static bool is_live(enum fa_notification_state state)
{
    return state == FA_NOTICE_QUEUED || state == FA_NOTICE_WAITING || state == FA_NOTICE_SLOW ||
           state == FA_NOTICE_HELD;
}

void fa_notification_to_state(struct fa_engine *engine, struct fa_notification *n,
                              enum fa_notification_state state)
{
    engine->series_live -= n->of_series && is_live(n->state);
    engine->series_live += n->of_series && is_live(state);
    engine->dead_letters -= n->state == FA_NOTICE_DEAD;
    engine->dead_letters += state == FA_NOTICE_DEAD;
    n->state = state;
    fa_touch_notification(engine, n);
}

void fa_notification_settle(struct fa_engine *engine, struct fa_notification *n,
                            enum fa_notification_state state)
{
    struct fa_alarm *alarm = n->owner_alarm;
    bool hidden = fa_notification_is_hidden(engine, n);
    if (state == FA_NOTICE_DEAD && engine->dead_letters >= engine->setup->outbox_max) {
        fa_notification_record(engine, n, FA_J_DROPPED, n->status);
        state = FA_NOTICE_DROPPED; /* as many are kept as may be under way */
    }
    fa_notification_to_state(engine, n, state);
    n->with_courier = false;
    fa_digest_remove(engine, n);
    fa_disarm(&engine->notification_heap, &n->deadline);
    engine->stats.notifications[state] += !hidden;
    if (state == FA_NOTICE_SENT || state == FA_NOTICE_DROPPED) {
        fa_notification_unlink(n);
        if (alarm != NULL) {
            fa_alarm_settle(engine, alarm);
        }
    } else {
        fa_arm(engine, &engine->notification_heap, &n->deadline, FA_DEAD_LETTER_KEPT);
    }
}

void fa_notification_send(struct fa_engine *engine, struct fa_notification *n)
{
    fa_notification_to_state(engine, n, FA_NOTICE_QUEUED);
    n->with_courier = true;
    n->failing = n->failing != 0 ? n->failing : engine->now.wall;
    /* Without any verdict by then it counts as failing. */
    fa_time left = n->failing + severity_of(engine, n)->fail_after - engine->now.wall;
    if (n->moved_on) {
        fa_disarm(&engine->notification_heap, &n->deadline);
    } else {
        fa_arm(engine, &engine->notification_heap, &n->deadline, left > 0 ? left : 0);
    }
    fa_engine_send(engine, n->id);
}

bool fa_notification_hold(struct fa_engine *engine, struct fa_notification *n)
{
    fa_time until = fa_quiet_until(engine, n);
    if (until <= engine->now.wall) {
        return false;
    }
    if (n->state != FA_NOTICE_HELD) {
        fa_notification_record(engine, n, FA_J_HELD, until);
    }
    fa_notification_to_state(engine, n, FA_NOTICE_HELD);
    fa_arm(engine, &engine->notification_heap, &n->deadline, until - engine->now.wall);
    return true;
}

/* Alone or with others, when the quiet hours of its addressee are over. */
static void send_or_hold(struct fa_engine *engine, struct fa_notification *n)
{
    if (!fa_notification_hold(engine, n)) {
        fa_digest_take(engine, n);
    }
}

static bool channel_in_step(const struct fa_step *step, const char *channel)
{
    return step == NULL || step->channel_count == 0 ||
           fa_texts_has(step->channels, step->channel_count, channel);
}

uint32_t fa_usable_contact(const struct fa_engine *engine, const struct fa_circle *circle,
                           bool is_filing, fa_person person, uint32_t first,
                           const struct fa_step *step)
{
    const struct fa_directory *dir = engine->setup->people;
    const struct fa_person_entry *entry = &dir->people[person];
    struct fa_pset addressee;
    struct fa_object object = {.conflicted = &circle->conflicted,
                               .struck = &circle->struck,
                               .targets = &addressee,
                               .reporter = FA_NOBODY,
                               .is_filing = is_filing};
    uint32_t found = first;
    fa_pset_init(&addressee, dir);
    fa_pset_add(&addressee, person);
    if (!fa_may(dir, (struct fa_viewer){person}, FA_VERB_TELL, &object)) {
        found = (uint32_t)entry->contact_count;
    }
    fa_pset_done(&addressee);
    for (; found < entry->contact_count; found++) {
        const struct fa_channel_entry *channel =
            fa_directory_channel(dir, entry->contacts[found].channel);
        if (channel != NULL && channel_in_step(step, channel->name) &&
            fa_may_channel(dir, channel, &object)) {
            return found;
        }
    }
    return (uint32_t)entry->contact_count;
}

static void circle_of(struct fa_circle *circle, const struct fa_directory *dir,
                      const struct fa_alarm *alarm, const struct fa_incident *incident)
{
    if (alarm != NULL) {
        fa_circle_init(circle, dir, alarm->people->about, alarm->people->about_count,
                       alarm->people->struck, alarm->people->struck_count);
    } else if (incident != NULL) {
        fa_circle_init(circle, dir, incident->about, incident->about_count, incident->struck,
                       incident->struck_count);
    } else {
        fa_circle_init(circle, dir, NULL, 0, NULL, 0);
    }
    fa_circle_close(dir, alarm, alarm == NULL ? incident : NULL, &circle->conflicted);
}

static bool is_filing(const struct fa_alarm *alarm, const struct fa_incident *incident)
{
    return incident != NULL || (alarm != NULL && (alarm->flags & FA_FLAG_FILED) != 0);
}

/* A weekly digest is composed for one reader: it goes where that one alone reads. */
static bool is_for_one(enum fa_notification_kind kind)
{
    return kind == FA_NOTE_WEEKLY;
}

static bool is_shared(const struct fa_engine *engine, const char *name)
{
    const struct fa_channel_entry *channel = fa_directory_channel(engine->setup->people, name);
    return channel == NULL || channel->shared;
}

static uint32_t usable_contact(const struct fa_engine *engine, const struct fa_note_spec *spec)
{
    const struct fa_person_entry *entry = &engine->setup->people->people[spec->person];
    struct fa_circle circle;
    circle_of(&circle, engine->setup->people, spec->alarm, spec->incident);
    bool is_filed = is_filing(spec->alarm, spec->incident);
    uint32_t found =
        fa_usable_contact(engine, &circle, is_filed, spec->person, spec->contact, spec->step);
    while (found < entry->contact_count && is_for_one(spec->kind) &&
           is_shared(engine, entry->contacts[found].channel)) {
        found = fa_usable_contact(engine, &circle, is_filed, spec->person, found + 1, spec->step);
    }
    fa_circle_done(&circle);
    return found;
}

static bool same_address(const struct fa_notification *n, const char *address)
{
    return n->address == address ||
           (n->address != NULL && address != NULL && strcmp(n->address, address) == 0);
}

/* An older unsettled one for the same person and channel: in progress it serves, else it is
 * superseded. True when it serves. */
static bool supersede(struct fa_engine *engine, const struct fa_note_spec *spec,
                      const struct fa_contact *contact)
{
    const char *person = engine->setup->people->people[spec->person].name;
    struct fa_notification *next;
    for (struct fa_notification *n = spec->alarm->notifications; n != NULL; n = next) {
        next = n->next;
        bool is_news = fa_notification_is_climb(n) ||
                       n->state == FA_NOTICE_HELD; /* what waits is not old news */
        if (!is_news || strcmp(n->person, person) != 0 ||
            strcmp(n->channel, contact->channel) != 0 || !same_address(n, contact->address)) {
            continue;
        }
        if (n->kind == spec->kind && n->step == spec->alarm->step && n->loop == spec->alarm->loop &&
            !n->moved_on) {
            return true;
        }
        if (fa_digest_holds(n) && (spec->kind == n->kind ||
                                   (n->kind == FA_NOTE_ALARM && spec->kind == FA_NOTE_REMINDER))) {
            /* It has not left: it says the new rung. */
            n->step = spec->alarm->step;
            n->loop = spec->alarm->loop;
            fa_touch_notification(engine, n);
            return true;
        }
        if (n->with_courier && n->moved_on && is_climb_kind(spec->kind)) {
            return true; /* no verdict for so long: one more would only queue up behind it */
        }
        if (n->state == FA_NOTICE_SLOW || n->state == FA_NOTICE_WAITING ||
            n->state == FA_NOTICE_HELD) {
            fa_notification_record(engine, n, FA_J_DROPPED, 0);
            fa_notification_settle(engine, n, FA_NOTICE_DROPPED);
        }
    }
    return false;
}

struct fa_notification *fa_notification_begin(struct fa_engine *engine, const char *person,
                                              const struct fa_contact *contact,
                                              enum fa_notification_kind kind)
{
    struct fa_notification *n = fa_xcalloc(1, sizeof *n);
    do {
        n->id.id = fa_id_random(&engine->rng);
    } while (fa_id_is_zero(n->id.id) || fa_engine_notification(engine, n->id) != NULL);
    n->person = fa_intern(&engine->texts, person);
    n->channel = fa_intern(&engine->texts, contact->channel);
    n->address = fa_intern(&engine->texts, contact->address);
    n->kind = kind;
    n->created = engine->now.wall;
    n->value = (double)NAN;
    n->deadline.length = FA_NEVER;
    fa_book_add(&engine->notifications, n);
    fa_touch_notification(engine, n);
    return n;
}

static struct fa_notification *make(struct fa_engine *engine, const struct fa_note_spec *spec,
                                    uint32_t contact)
{
    const struct fa_person_entry *entry = &engine->setup->people->people[spec->person];
    struct fa_notification *n =
        fa_notification_begin(engine, entry->name, &entry->contacts[contact], spec->kind);
    n->contact = contact;
    n->instead = spec->instead;
    if (spec->alarm != NULL) {
        n->value = spec->alarm->value;
        n->flaps = fa_alarm_flaps(spec->alarm, engine->now.wall);
        n->alarm = spec->alarm->id;
        n->step = spec->alarm->step;
        n->loop = spec->alarm->loop;
        fa_notification_link(spec->alarm, n);
        fa_notification_loaded(engine, n);
    }
    if (spec->incident != NULL) {
        n->incident = spec->incident->id;
    }
    if (spec->silence != NULL) {
        n->silence = spec->silence->id;
        fa_silence_notice(engine, n, 1);
    }
    fa_journal(engine, FA_J_NOTIFY, ids_of(n), entry->name, (int64_t)n->kind);
    send_or_hold(engine, n);
    return n;
}

void fa_notification_loaded(struct fa_engine *engine, const struct fa_notification *n)
{
    engine->series_live += n->of_series && is_live(n->state);
}

bool fa_outbox_is_full(const struct fa_engine *engine, const struct fa_alarm *alarm)
{
    return is_series(alarm) && engine->series_live >= engine->setup->outbox_max;
}

/* That it is calm or owned is so no more: it is not said any longer, nor over another channel. */
static bool is_belied(const struct fa_notification *n)
{
    const struct fa_alarm *alarm = n->owner_alarm;
    return alarm != NULL && ((n->kind == FA_NOTE_RETURNED && (alarm->state == FA_ALARM_UNACKED ||
                                                              alarm->state == FA_ALARM_ACKED)) ||
                             (n->kind == FA_NOTE_ACKNOWLEDGED && alarm->state == FA_ALARM_UNACKED));
}

static void drop(struct fa_engine *engine, struct fa_notification *n)
{
    fa_notification_record(engine, n, FA_J_DROPPED, n->status);
    fa_notification_settle(engine, n, FA_NOTICE_DROPPED);
}

/* It climbs again: that it was calm or owned has not left yet, and is not to be the last word. */
static void drop_belied(struct fa_engine *engine, const struct fa_note_spec *spec)
{
    const char *person = engine->setup->people->people[spec->person].name;
    struct fa_notification *next;
    for (struct fa_notification *n = spec->alarm->notifications; n != NULL; n = next) {
        next = n->next;
        if (is_belied(n) && is_live(n->state) && !n->with_courier &&
            strcmp(n->person, person) == 0) {
            drop(engine, n);
        }
    }
}

bool fa_notify(struct fa_engine *engine, const struct fa_note_spec *spec)
{
    const struct fa_person_entry *entry = &engine->setup->people->people[spec->person];
    uint32_t contact = usable_contact(engine, spec);
    if (contact >= entry->contact_count) {
        return false;
    }
    if (spec->alarm != NULL && (spec->alarm->flags & FA_FLAG_SHADOW) != 0) {
        return true;
    }
    if (spec->alarm != NULL && fa_outbox_is_full(engine, spec->alarm) &&
        engine->series_live >= (size_t)2 * engine->setup->outbox_max) {
        /* Rungs wait at the limit; what they began and what follows them has as much room again. */
        fa_trouble_once(engine, "outbox-full",
                        "the limit of unsettled notifications is reached: steps wait for room");
        return false;
    }
    if (spec->alarm != NULL && is_climb_kind(spec->kind)) {
        drop_belied(engine, spec);
    }
    if (spec->alarm == NULL || !supersede(engine, spec, &entry->contacts[contact])) {
        make(engine, spec, contact);
    }
    return true;
}

/* One test of a channel at a time: nobody fills the outbox with them. */
static bool is_tested(const struct fa_engine *engine, const struct fa_person_entry *entry,
                      const struct fa_contact *contact)
{
    for (const struct fa_notification *n = engine->notifications.first; n != NULL; n = n->after) {
        if (n->kind == FA_NOTE_TEST && is_live(n->state) && strcmp(n->person, entry->name) == 0 &&
            strcmp(n->channel, contact->channel) == 0 && same_address(n, contact->address)) {
            return true;
        }
    }
    return false;
}

uint32_t fa_notify_test(struct fa_engine *engine, fa_person person)
{
    const struct fa_person_entry *entry = &engine->setup->people->people[person];
    struct fa_note_spec spec = {.person = person, .kind = FA_NOTE_TEST};
    for (uint32_t i = 0; i < entry->contact_count; i++) {
        if (!is_tested(engine, entry, &entry->contacts[i])) {
            make(engine, &spec, i);
        }
    }
    return (uint32_t)entry->contact_count;
}

/* Is anybody of this step reached, or still being tried? */
static bool step_has_hope(const struct fa_alarm *alarm)
{
    for (const struct fa_notification *n = alarm->notifications; n != NULL; n = n->next) {
        if (fa_notification_is_climb(n) && !n->moved_on && n->state != FA_NOTICE_HELD &&
            n->step == alarm->step && n->loop == alarm->loop) {
            return true;
        }
    }
    return false;
}

/* Was anybody reached since the step under way began, or not told again for they know of it? Its
 * deadline was armed then. A notification's own beginning will not do: over a person's second
 * channel it begins after others were reached. */
static bool was_told_in_step(const struct fa_engine *engine, const struct fa_alarm *alarm)
{
    struct fa_circle circle;
    bool found = false;
    fa_time since = fa_hiding_told_since(alarm);
    fa_circle_of(&circle, engine, alarm); /* who is out by now, was told for nothing */
    for (size_t i = 0; i < alarm->told_count && !found; i++) {
        fa_person person =
            fa_directory_find(engine->setup->people, fa_str_of(alarm->told[i].to->person));
        found = (alarm->told[i].when >= since || alarm->told[i].spared >= since) &&
                !fa_pset_has(&circle.conflicted, person) && !fa_pset_has(&circle.struck, person);
    }
    fa_circle_done(&circle);
    return found;
}

bool fa_rung_is_heard(const struct fa_engine *engine, const struct fa_alarm *alarm)
{
    return step_has_hope(alarm) || was_told_in_step(engine, alarm);
}

/* The step a notification of the alarm belongs to, for its channel list. */
static const struct fa_step *step_of(const struct fa_engine *engine,
                                     const struct fa_notification *n)
{
    const struct fa_policy *policy =
        n->owner_alarm != NULL ? fa_policy_of(engine, n->owner_alarm) : NULL;
    return policy != NULL && n->loop == 0 && n->step < policy->step_count &&
                   (n->owner_alarm->flags & FA_FLAG_EMPTIED) == 0
               ? &policy->steps[n->step]
               : NULL;
}

/* This one failed: the person's next channel, and with none left and nobody of the step reached,
 * the next step; now. */
void fa_notification_move_on(struct fa_engine *engine, struct fa_notification *n)
{
    struct fa_alarm *alarm = n->owner_alarm;
    fa_person person = fa_directory_find(engine->setup->people, fa_str_of(n->person));
    if (n->lines != NULL) {
        fa_digest_move_on(engine, n);
        return;
    }
    n->moved_on = true;
    fa_notification_record(engine, n, FA_J_MOVED_ON, n->status);
    if (n->kind == FA_NOTE_TEST || is_belied(n) ||
        (fa_notification_is_climb(n) && !fa_notification_is_wanted(n))) {
        return;
    }
    if (person != FA_NOBODY) {
        struct fa_note_spec spec = {
            .alarm = alarm,
            .incident = fa_engine_incident(engine, n->incident),
            .silence = fa_engine_silence(engine, n->silence),
            .person = person,
            .kind = n->kind,
            .contact = n->contact + 1,
            .instead = n->place != NULL,
            .step = step_of(engine, n),
        };
        /* What serves instead may have failed itself: hope is asked of the step, not of this. */
        (void)!fa_notify(engine, &spec);
    }
    if (fa_notification_is_wanted(n) && n->step == alarm->step && n->loop == alarm->loop &&
        !fa_rung_is_heard(engine, alarm) && !fa_climb_is_widest(engine, alarm)) {
        fa_climb(engine, alarm);
    }
}

static void trouble_with_channel(struct fa_engine *engine, const struct fa_notification *n,
                                 bool over)
{
    char code[96], text[192];
    if (over && !fa_channel_is_troubled(engine, n->channel)) {
        return; /* nearly always: a word for each message that arrives would cost more than it */
    }
    if (n->owner_alarm != NULL && (n->owner_alarm->flags & FA_FLAG_TROUBLE) != 0) {
        return; /* or the trouble about a channel would trouble that channel */
    }
    snprintf(code, sizeof code, "channel-%s", n->channel);
    char answer[32] = "no answer";
    if (n->status != 0) {
        snprintf(answer, sizeof answer, "last answer %u", n->status);
    }
    snprintf(text, sizeof text, "channel '%s' fails (%s): see the log and firealarm outbox list",
             n->channel, answer);
    fa_trouble(engine, code, text, over);
}

/* Does a later rung tell the same person over the same channel already? */
bool fa_notification_is_superseded(const struct fa_notification *n)
{
    const struct fa_notification *o = n->owner_alarm != NULL ? n->owner_alarm->notifications : NULL;
    for (; o != NULL; o = o->next) {
        if (fa_notification_is_climb(o) && is_live(o->state) && strcmp(o->person, n->person) == 0 &&
            strcmp(o->channel, n->channel) == 0 && same_address(o, n->address) &&
            (o->loop > n->loop || (o->loop == n->loop && o->step > n->step))) {
            return true;
        }
    }
    return false;
}

static void give_up(struct fa_engine *engine, struct fa_notification *n)
{
    if (n->lines != NULL && !fa_digest_slow_down(engine, n)) {
        return; /* settled with its last line */
    }
    if (fa_notification_is_wanted(n) && fa_notification_is_superseded(n)) {
        fa_notification_record(engine, n, FA_J_DROPPED, n->status);
        fa_notification_settle(engine, n, FA_NOTICE_DROPPED);
    } else if (fa_notification_is_wanted(n)) {
        fa_notification_to_state(engine, n, FA_NOTICE_SLOW);
        fa_arm(engine, &engine->notification_heap, &n->deadline, engine->setup->slow_retry);
    } else {
        fa_notification_record(engine, n, FA_J_DEAD, n->status);
        fa_notification_settle(engine, n, FA_NOTICE_DEAD);
    }
}

static void fail_for_good(struct fa_engine *engine, struct fa_notification *n)
{
    bool first = !n->moved_on;
    fa_touch_notification(engine, n);
    if (first) {
        fa_pace_uncount(engine, n);
        fa_tally_failed(engine, n);
        fa_notification_move_on(engine, n);
        trouble_with_channel(engine, n, false);
    }
    give_up(engine, n);
}

/* May it still leave? Its addressee or a reader of its channel may have come too near since. */
static bool is_allowed(const struct fa_engine *engine, const struct fa_notification *n)
{
    const struct fa_directory *dir = engine->setup->people;
    const struct fa_incident *incident = fa_engine_incident(engine, n->incident);
    fa_person person = fa_directory_find(dir, fa_str_of(n->person));
    bool allowed = false;
    struct fa_circle circle;
    if (person == FA_NOBODY || (n->owner_alarm == NULL && !fa_id_is_zero(n->alarm.id)) ||
        (incident == NULL && !fa_id_is_zero(n->incident.id))) {
        return false; /* who may not be told of it cannot be said any more */
    }
    if ((is_for_one(n->kind) &&
         (is_shared(engine, n->channel) || !fa_weekly_is_reader(engine, person))) ||
        (fa_notification_is_climb(n) && n->owner_alarm != NULL && fa_is_hidden(n->owner_alarm)) ||
        (!fa_id_is_zero(n->silence.id) && fa_engine_silence(engine, n->silence) == NULL)) {
        return false;
    }
    const struct fa_step here = {.channels = (char *[]){(char *)(uintptr_t)n->channel},
                                 .channel_count = 1};
    circle_of(&circle, dir, n->owner_alarm, incident);
    allowed = n->kind == FA_NOTE_TEST ||
              fa_usable_contact(engine, &circle, is_filing(n->owner_alarm, incident), person, 0,
                                &here) < dir->people[person].contact_count;
    fa_circle_done(&circle);
    return allowed;
}

static void count_line(void *ctx, const struct fa_notification *line)
{
    (*(size_t *)ctx)++;
}

bool fa_engine_may_send(const struct fa_engine *engine, const struct fa_notification *n)
{
    size_t lines = 0;
    fa_engine_each_line(engine, n, count_line, &lines);
    return n->lines != NULL ? lines > 0 : is_allowed(engine, n);
}

/* Nobody needs it any more: help with a filing that is closed or raised, or that is gone. */
static bool is_stale(const struct fa_engine *engine, const struct fa_notification *n)
{
    const struct fa_incident *incident = fa_engine_incident(engine, n->incident);
    return n->kind == FA_NOTE_HELP && (incident == NULL || incident->state != FA_INCIDENT_OPEN);
}

bool fa_notification_may_leave(const struct fa_engine *engine, const struct fa_notification *n)
{
    return !is_stale(engine, n) && !is_belied(n) && is_allowed(engine, n);
}

void fa_notification_refuse(struct fa_engine *engine, struct fa_notification *n)
{
    bool wanted = fa_notification_is_wanted(n) && !n->moved_on;
    /* So that no newer one supersedes it meanwhile. */
    fa_notification_to_state(engine, n, FA_NOTICE_QUEUED);
    if (wanted) {
        fa_notification_move_on(engine, n);
    }
    fa_notification_record(engine, n, FA_J_DROPPED, 0);
    fa_notification_settle(engine, n, FA_NOTICE_DROPPED);
}

bool fa_notification_leave(struct fa_engine *engine, struct fa_notification *n)
{
    if (n->lines != NULL) {
        return fa_digest_leave(engine, n);
    }
    if (!fa_notification_may_leave(engine, n)) {
        fa_notification_refuse(engine, n);
        return false;
    }
    if (n->state == FA_NOTICE_HELD) {
        send_or_hold(engine, n);
        return false;
    }
    fa_notification_send(engine, n);
    return true;
}

static void wait_and_retry(struct fa_engine *engine, struct fa_notification *n, fa_time retry_after)
{
    const struct fa_severity *severity = severity_of(engine, n);
    fa_time limit = n->failing + severity->fail_after - engine->now.wall;
    uint32_t doublings = n->attempts - 1; /* a verdict counted one */
    fa_time wait = BACKOFF_FIRST << (doublings < 7 ? doublings : 7);
    wait = wait < BACKOFF_MAX ? wait : BACKOFF_MAX;
    wait = (fa_time)((double)wait * (0.5 + fa_rng_unit(&engine->rng)));
    wait = retry_after > wait ? retry_after : wait;
    /* The last chance is at the limit, not after it. */
    wait = wait < limit ? wait : limit > 0 ? limit : 0;
    fa_notification_to_state(engine, n, FA_NOTICE_WAITING);
    fa_arm(engine, &engine->notification_heap, &n->deadline, wait);
}

static void retry(struct fa_engine *engine, struct fa_notification *n, fa_time retry_after)
{
    const struct fa_severity *severity = severity_of(engine, n);
    fa_notification_record(engine, n, FA_J_RETRY, n->status);
    if (is_belied(n) ||
        (fa_notification_is_climb(n) && !fa_notification_is_wanted(n) && !n->moved_on)) {
        drop(engine, n); /* that changed while it was on its way: as if it had not left yet */
    } else if (n->moved_on || n->attempts >= severity->fail_attempts ||
               engine->now.wall - n->failing >= severity->fail_after) {
        fail_for_good(engine, n);
    } else {
        wait_and_retry(engine, n, retry_after);
    }
}

/* Whoever was being told while somebody owned or closed it, or its data recovered, was in no list
 * then: they hear of that now, or they would go on believing that nobody has it. */
static void tell_latecomer(struct fa_engine *engine, struct fa_alarm *alarm,
                           const struct fa_notification *n)
{
    static const enum fa_notification_kind kinds[FA_ALARM__COUNT] = {
        [FA_ALARM_ACKED] = FA_NOTE_ACKNOWLEDGED,
        [FA_ALARM_RETURNED] = FA_NOTE_RETURNED,
        [FA_ALARM_RESOLVED] = FA_NOTE_RESOLVED,
    };
    fa_person person = fa_directory_find(engine->setup->people, fa_str_of(n->person));
    bool by_them = alarm->people->owner != NULL && strcmp(alarm->people->owner, n->person) == 0;
    bool is_said = n->place != NULL && alarm->changed <= n->failing; /* by the line itself */
    if (person != FA_NOBODY && !by_them && !is_said && alarm->state != FA_ALARM_UNACKED &&
        !fa_flap_is_calm(alarm)) {
        struct fa_note_spec spec = {
            .alarm = alarm, .person = person, .kind = kinds[alarm->state], .contact = n->contact};
        fa_notify(engine, &spec);
    }
}

void fa_notification_sent(struct fa_engine *engine, struct fa_notification *n)
{
    if (n->lines != NULL) {
        fa_digest_sent(engine, n);
        trouble_with_channel(engine, n, true);
        return;
    }
    struct fa_alarm *alarm = n->owner_alarm;
    fa_notification_record(engine, n, FA_J_SENT, n->status);
    fa_tally_sent(engine, n);
    if (alarm != NULL && fa_notification_is_climb(n)) {
        alarm->first_told = alarm->told_count == 0 ? engine->now.wall : alarm->first_told;
        bool known = false;
        for (size_t i = 0; i < alarm->told_count && !known; i++) {
            known = strcmp(alarm->told[i].to->person, n->person) == 0;
            if (known) {
                alarm->told[i].when = engine->now.wall;
            }
        }
        if (!known) {
            *fa_alarm_add_told(alarm) = (struct fa_told){
                fa_reach(&engine->texts, n->person, n->channel), engine->now.wall, 0};
            tell_latecomer(engine, alarm, n);
        }
        fa_touch_alarm(engine, alarm);
    }
    trouble_with_channel(engine, n, true);
    fa_notification_settle(engine, n, FA_NOTICE_SENT);
}

int fa_notification_verdict(struct fa_engine *engine, const struct fa_event *event)
{
    struct fa_notification *n = fa_book_find(&engine->notifications, event->u.verdict.id.id);
    if (n == NULL || !n->with_courier) {
        return FA_ENOTFOUND; /* dropped meanwhile, or a verdict that came twice */
    }
    n->with_courier = false;
    n->status = event->u.verdict.status;
    n->attempts += n->attempts < UINT32_MAX;
    switch (event->u.verdict.verdict) {
    case FA_VERDICT_SENT:
        fa_notification_sent(engine, n);
        break;
    case FA_VERDICT_REJECTED:
        fa_notification_record(engine, n, FA_J_REJECTED, n->status);
        fail_for_good(engine, n);
        break;
    case FA_VERDICT_UNKNOWN:
        /* The courier died with it: the same key again, now. It is no answer of the receiver's. */
        fa_notification_note(engine, n, FA_M_LOST, n->status);
        fa_notification_leave(engine, n);
        break;
    case FA_VERDICT_RETRY:
        retry(engine, n, event->u.verdict.retry_after);
        break;
    }
    return 0;
}

void fa_notification_due(struct fa_engine *engine, struct fa_notification *n)
{
    if (fa_digest_holds(n)) {
        fa_digest_due(engine, n);
        return;
    }
    fa_disarm(&engine->notification_heap, &n->deadline);
    fa_touch_notification(engine, n);
    if (n->state == FA_NOTICE_QUEUED) {
        /* With the courier all this time and no verdict: go on without it. Its verdict may come. */
        if (!n->moved_on) {
            fa_tally_failed(engine, n);
            fa_notification_move_on(engine, n);
            trouble_with_channel(engine, n, false);
        }
    } else if (n->state == FA_NOTICE_DEAD || is_stale(engine, n)) {
        fa_notification_record(engine, n, FA_J_DROPPED, 0);
        fa_notification_settle(engine, n, FA_NOTICE_DROPPED);
    } else if (n->state == FA_NOTICE_SLOW && !fa_notification_is_wanted(n)) {
        give_up(engine, n);
    } else {
        fa_notification_leave(engine, n);
    }
}

int fa_notification_replay(struct fa_engine *engine, struct fa_notification_id id)
{
    struct fa_notification *n = fa_book_find(&engine->notifications, id.id);
    if (n == NULL || n->lines != NULL) {
        return FA_ENOTFOUND;
    }
    if (n->with_courier || is_belied(n)) {
        return FA_ECONFLICT;
    }
    if (!is_allowed(engine, n)) {
        return FA_EDENIED;
    }
    fa_notification_record(engine, n, FA_J_REPLAY, 0);
    fa_digest_remove(engine, n); /* by itself now */
    fa_notification_send(engine, n);
    return 0;
}

int fa_notification_drop(struct fa_engine *engine, struct fa_notification_id id)
{
    struct fa_notification *n = fa_book_find(&engine->notifications, id.id);
    if (n == NULL || n->lines != NULL) {
        return FA_ENOTFOUND;
    }
    /* The escalation must not count on a message that an operator threw away. */
    fa_notification_refuse(engine, n);
    return 0;
}

void fa_notifications_stop(struct fa_engine *engine, struct fa_alarm *alarm)
{
    struct fa_notification *next;
    for (struct fa_notification *n = alarm->notifications; n != NULL; n = next) {
        next = n->next;
        if (!fa_notification_is_climb(n) || n->with_courier || n->state == FA_NOTICE_DEAD ||
            fa_digest_holds(n)) {
            /* What is on the wire cannot be called back, its verdict settles it; what is held back
             * is told with how its alarm stands then: nobody's first word is swallowed. */
            continue;
        }
        bool rejected = n->state == FA_NOTICE_SLOW;
        fa_notification_record(engine, n, rejected ? FA_J_DEAD : FA_J_DROPPED, n->status);
        fa_notification_settle(engine, n, rejected ? FA_NOTICE_DEAD : FA_NOTICE_DROPPED);
    }
}

static void recuse(struct fa_engine *engine, struct fa_alarm *alarm, struct fa_notification *n)
{
    fa_person person = fa_directory_find(engine->setup->people, fa_str_of(n->person));
    n->moved_on = true;
    fa_touch_notification(engine, n);
    if (person != FA_NOBODY && (fa_notification_is_wanted(n) || !fa_notification_is_climb(n))) {
        /* Only a reader of the channel is out: over their next one. */
        struct fa_note_spec spec = {.alarm = alarm,
                                    .person = person,
                                    .kind = n->kind,
                                    .contact = n->contact + 1,
                                    .step = step_of(engine, n)};
        (void)!fa_notify(engine, &spec);
    }
    if (!n->with_courier) { /* else it is asked again before it leaves */
        fa_notification_record(engine, n, FA_J_DROPPED, 0);
        fa_notification_settle(engine, n, FA_NOTICE_DROPPED);
    }
}

/* What is told instead of one may supersede others, and settle them: none is looked at then. */
void fa_notifications_recuse(struct fa_engine *engine, struct fa_alarm *alarm)
{
    size_t count = 0, i = 0;
    for (const struct fa_notification *n = alarm->notifications; n != NULL; n = n->next) {
        count++;
    }
    struct fa_notification **list = fa_xmalloc((count + 1) * sizeof(struct fa_notification *));
    for (struct fa_notification *n = alarm->notifications; n != NULL; n = n->next) {
        list[i++] = n;
    }
    for (i = 0; i < count; i++) { /* what is settled is there until the step's end */
        if (list[i]->owner_alarm == alarm && !is_allowed(engine, list[i])) {
            recuse(engine, alarm, list[i]);
        }
    }
    free(list);
}

void fa_notifications_restart(struct fa_engine *engine)
{
    for (struct fa_notification *n = engine->notifications.first; n != NULL; n = n->after) {
        if (n->state == FA_NOTICE_QUEUED && !n->with_courier && n->place == NULL) {
            fa_notification_leave(engine, n);
        }
    }
}
