/* SPDX-License-Identifier: MIT */
/* Storms, told from outside: a person gets at most five messages in ten minutes beside digests, and
 * nothing is lost on the way. Judged by what was asked for, what went out and the journal:
 *
 *   - what somebody has to act on has left a minute after it was decided on, alone or as a line,
 * while the daemon was up, its disk took what it wrote, and the clock was not set;
 *   - what was suppressed is a reminder, of no filing and not of the worst severity, to somebody
 * who was told of the alarm in a message that arrived.
 *
 * What a person got is counted by the world's own clock, from what arrived. */
#include "lab/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGES 5u
#define SPAN     (10 * FA_MINUTE)
#define WAIT     FA_MINUTE

static bool is_read_by_people(const struct fa_lab *lab, const char *name)
{
    const struct fa_directory *dir = lab->config->people;
    for (size_t i = 0; i < dir->channel_count; i++) {
        if (strcmp(dir->channels[i].name, name) == 0) {
            return !dir->channels[i].machine;
        }
    }
    return true;
}

/* ---- how many ---- */

/* Tests and notices of silences have no limit: somebody just asked for them. Nor has what comes
 * once a week. */
static bool is_asked_for(enum fa_notification_kind kind)
{
    return kind == FA_NOTE_TEST || kind == FA_NOTE_WEEKLY || kind == FA_NOTE_SILENCED ||
           kind == FA_NOTE_SILENCE_OVER;
}

/* Did it reach the person at its first try, less than ten minutes ago? What failed was given back
 * its room. */
static bool counts(const struct fa_lab *lab, const struct fa_lab_key *key,
                   const struct fa_lab_delivery *first, const struct fa_notification *n)
{
    return key->tried + SPAN > lab->elapsed && key->tried >= lab->upset && key->sent != FA_NEVER &&
           !key->rejected && key->retries == 0 && !is_asked_for(key->kind) &&
           strcmp(first->person, n->person) == 0 && is_read_by_people(lab, first->channel);
}

/* When the word was decided on: over another channel before, maybe, whose refusal this answers. */
static fa_time owed_since(const struct fa_lab *lab, const struct fa_notification *n)
{
    fa_time since = n->created;
    for (size_t i = lab->key_count; i > 0; i--) {
        const struct fa_lab_key *key = &lab->keys[i - 1];
        const struct fa_lab_delivery *first = &lab->deliveries[key->first];
        if (key->rejected && key->refused == since && fa_id_eq(key->alarm.id, n->alarm.id) &&
            fa_id_eq(first->incident.id, n->incident.id) && key->kind == n->kind &&
            key->step == n->step && key->loop == n->loop && strcmp(first->person, n->person) == 0) {
            since = key->created < since ? key->created : since;
        }
    }
    return since;
}

void fa_lab_storm_attempt(struct fa_lab *lab, const struct fa_notification *n)
{
    size_t messages = 0;
    struct fa_notification_id last = {{{0}}};
    /* What was held back for its minute and has nothing to leave with is a digest of one line. */
    /* After a pile has left, for ten minutes and one: the engine counts some of it from when its
     * verdict was kept, which may be later than its try. */
    bool is_late = fa_lab_now(lab).wall - owed_since(lab, n) >= WAIT ||
                   lab->elapsed < lab->upset + SPAN + WAIT;
    if (is_late || n->lines != NULL || is_asked_for(n->kind) || n->instead ||
        !is_read_by_people(lab, n->channel) || fa_lab_find_key(lab, n->id) != NULL) {
        return;
    }
    for (size_t i = 0; i < lab->key_count; i++) {
        const struct fa_lab_key *key = &lab->keys[i];
        bool is_other = !fa_id_eq(key->message.id, last.id);
        last = key->message;
        messages += is_other && counts(lab, key, &lab->deliveries[key->first], n);
    }
    if (messages >= MESSAGES && !lab->unchecked) {
        fa_lab_fail(lab, "a storm: %s gets one more message via %s after %zu in ten minutes",
                    n->person, n->channel, messages);
    }
}

/* ---- none is lost ---- */

static bool is_to_act_on(const struct fa_notification *n)
{
    return n->kind == FA_NOTE_ALARM || n->kind == FA_NOTE_REMINDER || n->kind == FA_NOTE_OVERDUE ||
           n->kind == FA_NOTE_UNOWNED || n->kind == FA_NOTE_HELP;
}

static void note_wait(struct fa_lab *lab, const struct fa_action *action)
{
    const struct fa_notification *n =
        fa_engine_notification(lab->engine, action->u.journal.notification);
    if (n != NULL && is_to_act_on(n)) {
        lab->waits = fa_xgrow(lab->waits, lab->wait_count, &lab->wait_cap, sizeof lab->waits[0]);
        lab->waits[lab->wait_count++] = (struct fa_lab_wait){n->id, lab->elapsed, false};
    }
}

static bool was_told(const struct fa_lab *lab, struct fa_alarm_id alarm, const char *person)
{
    bool told = false;
    for (size_t i = 0; i < lab->delivery_count && !told; i++) {
        const struct fa_lab_delivery *delivery = &lab->deliveries[i];
        told = delivery->reached && fa_id_eq(delivery->alarm.id, alarm.id) &&
               strcmp(delivery->person, person) == 0;
    }
    return told;
}

/* Whom the entry names; copied. */
static char *who_of(const struct fa_lab *lab, const struct fa_action *action)
{
    return fa_xstrndup(lab->actions.bytes.data + action->u.journal.who_at,
                       action->u.journal.who_len);
}

static void check_suppressed(struct fa_lab *lab, const struct fa_action *action)
{
    const struct fa_alarm *alarm = fa_engine_alarm(lab->engine, action->u.journal.alarm);
    const struct fa_lab_alarm *seen = fa_lab_find_alarm(lab, action->u.journal.alarm);
    const struct fa_setup *setup = &lab->config->setup;
    char *who = who_of(lab, action);
    bool is_worst = alarm != NULL && strcmp(alarm->texts->severity, setup->severities[0].name) == 0;
    if (alarm == NULL || seen == NULL || alarm->people->incident_count > 0 || is_worst) {
        fa_lab_fail(lab,
                    "a storm: a message to %s about a filing or of the worst severity is "
                    "suppressed",
                    who);
    } else if (action->u.journal.number != FA_NOTE_REMINDER || !was_told(lab, alarm->id, who)) {
        fa_lab_fail(lab, "a storm: what %s was not told of %s is suppressed", who, alarm->identity);
    }
    free(who);
}

/* Remembers whose reminders are not compared. */
static void spare(struct fa_lab *lab, const char *person)
{
    char line[300];
    struct fa_buf buf;
    snprintf(line, sizeof line, "\n%s\n", person);
    if (lab->spared != NULL && strstr(lab->spared, line) != NULL) {
        return;
    }
    fa_buf_init(&buf, (size_t)1 << 20);
    fa_buf_printf(&buf, "%s%s\n", lab->spared != NULL ? lab->spared : "\n", person);
    free(lab->spared);
    lab->spared = fa_buf_take(&buf);
}

bool fa_lab_storm_is_suppressed(const struct fa_lab *lab, const struct fa_alarm *alarm,
                                const char *person)
{
    bool found = false;
    for (size_t i = lab->step_from; i < lab->actions.count && !found; i++) {
        const struct fa_action *action = &lab->actions.list[i];
        if (action->kind == FA_ACT_JOURNAL && action->u.journal.code == FA_J_SPARED &&
            fa_id_eq(action->u.journal.alarm.id, alarm->id.id)) {
            char *who = who_of(lab, action);
            found = strcmp(who, person) == 0;
            free(who);
        }
    }
    return found;
}

static void look_at_waits(struct fa_lab *lab)
{
    size_t kept = 0;
    /* What is not durable cannot leave, and a clock that was set moves deadlines. */
    bool judges = lab->store.count == 0 && !lab->post.dead && lab->post.held_count == 0 &&
                  lab->elapsed > lab->upset + 2 * WAIT;
    for (size_t i = 0; i < lab->wait_count; i++) {
        struct fa_lab_wait wait = lab->waits[i];
        const struct fa_notification *n = fa_engine_notification(lab->engine, wait.id);
        bool is_hidden = n != NULL && n->owner_alarm != NULL && fa_is_hidden(n->owner_alarm);
        if (n == NULL || fa_lab_find_key(lab, wait.id) != NULL ||
            (is_hidden && n->state == FA_NOTICE_DEAD)) {
            continue; /* what a silence kept back is told anew when that is over */
        }
        bool is_quiet = n->state == FA_NOTICE_HELD || is_hidden;
        if (is_quiet || wait.is_quiet) {
            wait.since = lab->elapsed;
            wait.is_quiet = is_quiet;
        }
        if (judges && lab->elapsed > wait.since + WAIT + FA_SECOND) {
            fa_lab_fail(lab, "a storm: %s was to be told via %s and after %lld s nothing has left",
                        n->person, n->channel,
                        (long long)((lab->elapsed - wait.since) / FA_SECOND));
        }
        lab->waits[kept++] = wait;
    }
    lab->wait_count = kept;
}

void fa_lab_storm_step(struct fa_lab *lab)
{
    for (size_t i = lab->step_from; i < lab->actions.count && !lab->failed; i++) {
        const struct fa_action *action = &lab->actions.list[i];
        if (action->kind == FA_ACT_JOURNAL && action->u.journal.code == FA_J_NOTIFY) {
            note_wait(lab, action);
        } else if (action->kind == FA_ACT_JOURNAL && action->u.journal.code == FA_J_SPARED) {
            char *who = who_of(lab, action);
            spare(lab, who);
            free(who);
            check_suppressed(lab, action);
        }
    }
    lab->upset = lab->store.full || lab->store.takes > 0 ? lab->elapsed : lab->upset;
    look_at_waits(lab);
}

void fa_lab_storm_start(struct fa_lab *lab)
{
    for (size_t i = 0; i < lab->wait_count; i++) {
        lab->waits[i].since = lab->elapsed; /* of its minute may be left what was left */
    }
}

void fa_lab_storm_end(struct fa_lab *lab)
{
    for (size_t i = 0; lab->engine != NULL && i < lab->wait_count; i++) {
        const struct fa_notification *n = fa_engine_notification(lab->engine, lab->waits[i].id);
        if (n != NULL) {
            spare(lab, n->person);
        }
    }
}
