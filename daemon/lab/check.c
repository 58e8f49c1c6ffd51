/* SPDX-License-Identifier: MIT */
/* DESIGN's invariants, looked at after every step of the engine, at every try to deliver, at every
 * reply and at every start. A violation names its invariant by DESIGN's number.
 *
 *   1  a positive reply needs its rows; a start finds every row as it was written; what is in
 * memory is what is stored; a filing that was accepted is never lost 2  a try needs durable rows;
 * one key is one message for ever; a key that was taken comes again only after a crash, a lost
 * answer, a dead courier or an operator's word 3  a climbing or owned alarm has a deadline that is
 * armed and near enough; steps go up; climbs stop only for a person or for data; filings never by
 * themselves; silence is no data 4  nobody too near or struck: no delivery, no shared channel, no
 * right to read, no count 6  unknown data move no state; a recovery is heard and a worsening is
 * kept 8  is judged by playing twice (lab.c), 7 by scenarios, 5, 9 and 10 in their own rooms
 *
 * What is asked of people is asked of oracle.c, never of people/. */
#include "alarms/evidence.h"
#include "lab/world.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct fa_signal *signal_of(const struct fa_lab *lab, const struct fa_lab_alarm *seen)
{
    const struct fa_signal *signal = lab->event->kind == FA_EV_SIGNAL ? lab->event->u.signal : NULL;
    return signal != NULL && !signal->rule->is_incident &&
                   strcmp(signal->rule->name, seen->rule) == 0 &&
                   strcmp(signal->labels, seen->labels) == 0
               ? signal
               : NULL;
}

static bool by_a_person(const struct fa_lab *lab, const struct fa_lab_alarm *seen)
{
    return (lab->event->kind == FA_EV_ACK || lab->event->kind == FA_EV_RESOLVE) &&
           fa_id_eq(lab->event->u.act.alarm.id, seen->id.id);
}

/* ---- 1: what is stored ---- */

static void check_row(struct fa_lab *lab, uint32_t kind, const struct fa_id *id,
                      const struct fa_buf *value, const char *what)
{
    const struct fa_lab_row *row =
        fa_lab_find_row(&lab->store.latest, kind, id->bytes, FA_ID_BYTES);
    char text[FA_ID_TEXT_SIZE];
    if (row == NULL || !row->live) {
        fa_lab_fail(lab, "invariant 1 (accepted means kept): %s %s is in memory and not stored",
                    what, fa_id_format(*id, text));
    } else if (row->len != value->len || memcmp(row->value, value->data, value->len) != 0) {
        fa_lab_fail(lab,
                    "invariant 1 (accepted means kept): %s %s is not stored as it is in memory",
                    what, fa_id_format(*id, text));
    }
}

/* Whatever fired can be explained by what is stored. */
static void check_evidence(struct fa_lab *lab, const struct fa_alarm *alarm)
{
    struct fa_evidence evidence;
    uint8_t key[FA_EVIDENCE_KEY_BYTES];
    char text[FA_ID_TEXT_SIZE];
    if (alarm->state == FA_ALARM_PENDING ||
        (alarm->flags & (FA_FLAG_FILED | FA_FLAG_TROUBLE)) != 0) {
        return;
    }
    fa_evidence_key(alarm->id, 0, key);
    const struct fa_lab_row *row =
        fa_lab_find_row(&lab->store.latest, FA_ROW_RAISED, key, sizeof key);
    if (row == NULL || row->time != alarm->raised ||
        fa_evidence_decode((struct fa_str){row->value, row->len}, &evidence) != 0 ||
        (evidence.causes & FA_CAUSE_RAISED) == 0 || !fa_str_is(evidence.rule, alarm->texts->rule)) {
        fa_lab_fail(lab, "alarm %s was raised and nothing is kept to explain it by",
                    fa_id_format(alarm->id.id, text));
    }
}

static void check_stored_alarm(void *ctx, const struct fa_alarm *alarm)
{
    struct fa_buf buf;
    fa_buf_init(&buf, FA_ROW_BYTES_MAX);
    fa_alarm_encode(alarm, &buf);
    check_row(ctx, FA_ROW_ALARM, &alarm->id.id, &buf, "alarm");
    check_evidence(ctx, alarm);
    fa_buf_done(&buf);
}

static void check_stored_incident(void *ctx, const struct fa_incident *incident)
{
    struct fa_buf buf;
    fa_buf_init(&buf, FA_ROW_BYTES_MAX);
    fa_incident_encode(incident, &buf);
    check_row(ctx, FA_ROW_INCIDENT, &incident->id.id, &buf, "filing");
    fa_buf_done(&buf);
}

static void check_stored_notification(void *ctx, const struct fa_notification *n)
{
    struct fa_buf buf;
    fa_buf_init(&buf, FA_ROW_BYTES_MAX);
    fa_notification_encode(n, &buf);
    check_row(ctx, FA_ROW_NOTIFICATION, &n->id.id, &buf, "notification");
    fa_buf_done(&buf);
}

static void check_stored_silence(void *ctx, const struct fa_silence *silence)
{
    struct fa_buf buf;
    fa_buf_init(&buf, FA_ROW_BYTES_MAX);
    fa_silence_encode(silence, &buf);
    check_row(ctx, FA_ROW_SILENCE, &silence->id.id, &buf, "silence");
    fa_buf_done(&buf);
}

static void check_stored(struct fa_lab *lab)
{
    fa_engine_each_silence(lab->engine, check_stored_silence, lab);
    fa_engine_each_alarm(lab->engine, check_stored_alarm, lab);
    fa_engine_each_incident(lab->engine, check_stored_incident, lab);
    fa_engine_each_notification(lab->engine, check_stored_notification, lab);
}

static struct fa_id id_of(const struct fa_lab_row *row)
{
    struct fa_id id;
    memcpy(id.bytes, row->key, FA_ID_BYTES);
    return id;
}

void fa_lab_check_load(struct fa_lab *lab)
{
    for (size_t i = 0; i < lab->store.durable.count; i++) {
        const struct fa_lab_row *row = &lab->store.durable.list[i];
        struct fa_id id = id_of(row);
        bool found =
            !row->live || row->kind == FA_ROW_POLICY || row->kind == FA_ROW_PACE ||
            row->kind == FA_ROW_DRILL || row->kind == FA_ROW_TALLY ||
            row->kind == FA_ROW_KEPT_OUT || row->kind == FA_ROW_FURTHER ||
            (row->kind == FA_ROW_ALARM &&
             fa_engine_alarm(lab->engine, (struct fa_alarm_id){id}) != NULL) ||
            (row->kind == FA_ROW_INCIDENT &&
             fa_engine_incident(lab->engine, (struct fa_incident_id){id}) != NULL) ||
            (row->kind == FA_ROW_NOTIFICATION &&
             fa_engine_notification(lab->engine, (struct fa_notification_id){id}) != NULL) ||
            (row->kind == FA_ROW_SILENCE &&
             fa_engine_silence(lab->engine, (struct fa_silence_id){id}) != NULL);
        if (!found) {
            fa_lab_fail(lab, "invariant 1 (accepted means kept): a row of kind %u is lost at start",
                        row->kind);
        }
    }
    check_stored(lab);
    fa_lab_recused_start(lab);
    for (size_t i = 0; i < lab->alarm_count; i++) {
        struct fa_lab_alarm *seen = &lab->alarms[i];
        if (!seen->gone && fa_engine_alarm(lab->engine, seen->id) == NULL) {
            /* It never became durable; whoever told of it is told again. */
            seen->gone = true;
            seen->raised = false;
        }
    }
    lab->looks_at_all = true;
    fa_lab_see_alarms(lab);
}

void fa_lab_check_reply(struct fa_lab *lab, const struct fa_action *action)
{
    struct fa_id incident = action->u.reply.incident.id, alarm = action->u.reply.alarm.id;
    if (action->u.reply.code != 0) {
        return;
    }
    if (!fa_id_is_zero(incident)) {
        struct fa_lab_filing *filing = fa_lab_find_filing(lab, action->u.reply.incident);
        if (filing != NULL) {
            filing->accepted = true;
        }
        if (fa_lab_find_row(&lab->store.durable, FA_ROW_INCIDENT, incident.bytes, FA_ID_BYTES) ==
            NULL) {
            fa_lab_fail(lab, "invariant 1 (accepted means kept): a filing was accepted and is not "
                             "on stable storage");
        }
    }
    if (!fa_id_is_zero(alarm) &&
        fa_lab_find_row(&lab->store.durable, FA_ROW_ALARM, alarm.bytes, FA_ID_BYTES) == NULL) {
        fa_lab_fail(lab, "invariant 1 (accepted means kept): an answer about an alarm left before "
                         "the alarm was on stable storage");
    }
}

/* A raised filing is in an alarm, an open one has its due time. */
static void check_filing(void *ctx, const struct fa_incident *incident)
{
    struct fa_lab *lab = ctx;
    if (incident->state == FA_INCIDENT_OPEN && incident->due.node.index == 0) {
        fa_lab_fail(lab, "invariant 3 (always a next step): an open filing has no due time");
    }
    if (incident->state != FA_INCIDENT_RAISED) {
        return;
    }
    for (size_t i = 0; i < incident->alarm_count; i++) {
        const struct fa_alarm *alarm = fa_engine_alarm(lab->engine, incident->alarms[i]);
        if (alarm != NULL && alarm->state != FA_ALARM_RESOLVED) {
            return;
        }
    }
    fa_lab_fail(lab, "invariant 3 (always a next step): a raised filing is in no open alarm");
}

static void check_accepted(struct fa_lab *lab)
{
    for (size_t i = 0; i < lab->filing_count; i++) {
        const struct fa_lab_filing *filing = &lab->filings[i];
        if (filing->accepted && fa_lab_find_row(&lab->store.latest, FA_ROW_INCIDENT,
                                                filing->id.id.bytes, FA_ID_BYTES) == NULL) {
            fa_lab_fail(lab, "invariant 1 (accepted means kept): filing %s is gone", filing->name);
        }
    }
}

/* ---- 2: what leaves ---- */

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool same_number(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

static void check_key(struct fa_lab *lab, const struct fa_notification *n)
{
    const struct fa_lab_key *key = fa_lab_find_key(lab, n->id);
    if (key == NULL) {
        return;
    }
    const struct fa_lab_delivery *first = &lab->deliveries[key->first];
    if (!same_text(first->person, n->person) || !same_text(first->channel, n->channel) ||
        !same_text(first->address, n->address) || first->kind != n->kind ||
        !fa_id_eq(first->alarm.id, n->alarm.id) || !fa_id_eq(first->incident.id, n->incident.id) ||
        !same_number(first->value, n->value)) {
        fa_lab_fail(lab,
                    "invariant 2 (same key, same message): a key of %s via %s carries another "
                    "message now",
                    first->person, first->channel);
    }
    if (key->settled) {
        fa_lab_fail(lab,
                    "invariant 2 (send, then mark): %s via %s was marked as sent and is sent "
                    "again",
                    n->person, n->channel);
    } else if (key->reached && !key->may_repeat) {
        fa_lab_fail(lab,
                    "invariant 2: %s via %s took this message, nothing was lost since, and it "
                    "is sent again",
                    n->person, n->channel);
    }
}

/* Another key with the same words: only for a step that is told anew. */
static void check_twins(struct fa_lab *lab, const struct fa_notification *n)
{
    if (n->kind != FA_NOTE_ALARM || fa_lab_find_key(lab, n->id) != NULL) {
        return;
    }
    const struct fa_lab_alarm *seen = fa_lab_find_alarm(lab, n->alarm);
    size_t at = seen != NULL && !seen->told_anew ? seen->last_key : 0;
    for (; at > 0; at = lab->keys[at - 1].before) {
        const struct fa_lab_key *key = &lab->keys[at - 1];
        const struct fa_lab_delivery *other = &lab->deliveries[key->first];
        if (key->reached && key->kind == n->kind && key->step == n->step && key->loop == n->loop &&
            same_text(other->person, n->person) && same_text(other->channel, n->channel) &&
            same_text(other->address, n->address)) {
            fa_lab_fail(lab,
                        "invariant 2 (same message, same key): %s is told step %u of one alarm "
                        "via %s under two keys",
                        n->person, n->step + 1, n->channel);
        }
    }
}

static void check_durable(struct fa_lab *lab, const struct fa_notification *n)
{
    const struct fa_lab_rows *rows = &lab->store.durable;
    if (fa_lab_find_row(rows, FA_ROW_NOTIFICATION, n->id.id.bytes, FA_ID_BYTES) == NULL) {
        fa_lab_fail(lab,
                    "invariant 2 (nothing leaves before its cause is durable): a message to %s",
                    n->person);
    }
    if (!fa_id_is_zero(n->alarm.id) &&
        fa_lab_find_row(rows, FA_ROW_ALARM, n->alarm.id.bytes, FA_ID_BYTES) == NULL) {
        fa_lab_fail(lab,
                    "invariant 2 (nothing leaves before its cause is durable): the alarm of a "
                    "message to %s",
                    n->person);
    }
}

static bool is_urgent(const struct fa_lab *lab, const struct fa_notification *n)
{
    const struct fa_setup *setup = &lab->config->setup;
    const struct fa_alarm *alarm = fa_engine_alarm(lab->engine, n->alarm);
    const struct fa_incident *filing = fa_engine_incident(lab->engine, n->incident);
    const struct fa_policy *policy = alarm != NULL ? fa_policy_of(lab->engine, alarm) : NULL;
    const char *severity = alarm != NULL ? alarm->texts->severity : NULL;
    for (size_t i = 0; filing != NULL && i < setup->category_count; i++) {
        bool same = strcmp(setup->categories[i].name, filing->category) == 0;
        severity = same ? setup->categories[i].severity : severity;
    }
    bool in_step = policy != NULL && n->step < policy->step_count && policy->steps[n->step].urgent;
    if (alarm != NULL && (alarm->flags & FA_FLAG_DRILL) != 0) {
        const struct fa_drill *drill = fa_engine_drill(lab->engine, alarm->texts->policy);
        return in_step || (drill != NULL && drill->urgent);
    }
    if (n->kind == FA_NOTE_WEEKLY) {
        return false; /* nobody needs it at night */
    }
    bool urgent = n->kind == FA_NOTE_TEST || severity == NULL || in_step ||
                  (alarm != NULL && (alarm->flags & FA_FLAG_TROUBLE) != 0);
    bool known = false;
    for (size_t i = 0; !urgent && i < setup->severity_count; i++) {
        if (strcmp(setup->severities[i].name, severity) == 0) {
            known = true;
            urgent = setup->severities[i].urgent;
        }
    }
    return urgent || !known;
}

/* What was tried once goes on; what was not waits for its addressee's hours, and no longer. */
static bool is_quiet(const struct fa_lab *lab, const struct fa_notification *n)
{
    const struct fa_directory *dir = lab->config->people;
    size_t person = fa_lab_person(dir, n->person, strlen(n->person));
    return person != SIZE_MAX && !fa_lab_is_open(lab, dir->people[person].hours) &&
           !is_urgent(lab, n);
}

static void check_held(void *ctx, const struct fa_notification *n)
{
    struct fa_lab *lab = ctx;
    if (n->state == FA_NOTICE_HELD && !is_quiet(lab, n) &&
        fa_engine_next_deadline(lab->engine) > fa_lab_now(lab).mono) {
        fa_lab_fail(lab, "a message to %s via %s waits, and their hours are open", n->person,
                    n->channel);
    }
}

void fa_lab_check_attempt(struct fa_lab *lab, const struct fa_notification *n)
{
    const struct fa_alarm *alarm = fa_engine_alarm(lab->engine, n->alarm);
    if (n->attempts == 0 && n->failing == fa_lab_now(lab).wall &&
        !fa_id_eq(n->id.id, lab->replayed.id) && is_quiet(lab, n)) {
        fa_lab_fail(lab, "quiet hours: %s is told via %s", n->person, n->channel);
    }
    const char *why = fa_lab_why_not(lab, alarm, n->incident, n->person, n->channel);
    if (why != NULL) {
        fa_lab_fail(lab, "invariant 4 (a subject is never told): %s via %s: %s", n->person,
                    n->channel, why);
    }
    if (alarm != NULL && (alarm->flags & FA_FLAG_SHADOW) != 0) {
        fa_lab_fail(lab, "a shadow rule tells %s via %s", n->person, n->channel);
    }
    bool climbs_on =
        n->kind == FA_NOTE_ALARM || n->kind == FA_NOTE_REMINDER || n->kind == FA_NOTE_OVERDUE;
    if (climbs_on && alarm != NULL && fa_is_hidden(alarm)) {
        fa_lab_fail(lab, "%s is hidden and tells %s", alarm->identity, n->person);
    }
    for (size_t i = 0; i < lab->never_count; i++) {
        const struct fa_lab_never *never = &lab->nevers[i];
        if (strcmp(never->person, n->person) == 0 &&
            (never->channel == NULL || strcmp(never->channel, n->channel) == 0)) {
            fa_lab_fail(lab, "never tell %s (line %u): %s of %s via %s", n->person, never->line,
                        fa_notification_kind_name(n->kind),
                        alarm != NULL ? alarm->identity : "a filing", n->channel);
        }
    }
    check_durable(lab, n);
    check_key(lab, n);
    check_twins(lab, n);
}

/* ---- 3: the climb ---- */

/* The latest moment, wall, at which the next rung may be due; *ret_elapsed: the longest wait, or
 * FA_NEVER where some steps have working hours. */
static fa_time latest_step(const struct fa_lab *lab, const struct fa_alarm *alarm,
                           fa_time *ret_elapsed)
{
    const struct fa_policy *policy = fa_policy_of(lab->engine, alarm);
    fa_time latest = 0;
    *ret_elapsed = 0;
    for (size_t i = 0; i < policy->step_count; i++) {
        const struct fa_step *step = &policy->steps[i];
        fa_time at = fa_lab_due_by(lab, step);
        latest = at > latest ? at : latest;
        bool is_elapsed = step->during == NULL && step->measure == FA_MEASURE_CLOCK;
        *ret_elapsed = !is_elapsed                 ? FA_NEVER
                       : step->wait > *ret_elapsed ? step->wait
                                                   : *ret_elapsed;
    }
    return latest;
}

static bool is_put_off(const struct fa_alarm *alarm)
{
    return alarm->deadline.length == FA_OUTBOX_FULL_WAIT || alarm->clock == FA_CLOCK_OPENING;
}

/* A step that is to be told once more waits for room or for its hours, for nothing else. */
static void check_put_off(struct fa_lab *lab, const struct fa_alarm *alarm)
{
    if ((alarm->flags & FA_FLAG_PUT_OFF) != 0 && !is_put_off(alarm)) {
        fa_lab_fail(lab, "invariant 3 (always a next step): %s is put off and waits for nothing",
                    alarm->identity);
    }
}

static void check_next_step(struct fa_lab *lab, const struct fa_alarm *alarm,
                            const struct fa_lab_alarm *seen)
{
    const struct fa_now now = fa_lab_now(lab);
    fa_time longest, latest = latest_step(lab, alarm, &longest);
    fa_time left = fa_engine_due(lab->engine, alarm) - now.mono;
    if (now.wall + left > latest) {
        fa_lab_fail(lab, "invariant 3 (always a next step): the next step of %s is %lld s away",
                    alarm->identity, (long long)(left / FA_SECOND));
    }
    if (longest != FA_NEVER && !is_put_off(alarm) &&
        lab->elapsed > seen->last_step + longest + FA_SECOND) {
        fa_lab_fail(lab, "invariant 3 (always a next step): %s has not climbed for %lld s",
                    alarm->identity, (long long)((lab->elapsed - seen->last_step) / FA_SECOND));
    }
}

static void check_deadline(struct fa_lab *lab, const struct fa_alarm *alarm,
                           const struct fa_lab_alarm *seen)
{
    fa_time now = fa_lab_now(lab).mono;
    fa_time at = fa_engine_due(lab->engine, alarm);
    if (at == FA_NEVER || alarm->deadline.length == FA_NEVER ||
        fa_engine_next_deadline(lab->engine) > at) {
        fa_lab_fail(lab, "invariant 3 (always a next step): %s is %s and has no deadline",
                    alarm->identity, fa_alarm_state_name(alarm->state));
        return;
    }
    if (alarm->state == FA_ALARM_UNACKED && !fa_is_hidden(alarm)) {
        check_put_off(lab, alarm);
        check_next_step(lab, alarm, seen);
    } else if (at > now + 90 * FA_DAY ||
               (alarm->people->owner == NULL && alarm->state == FA_ALARM_ACKED)) {
        fa_lab_fail(lab, "invariant 3 (until somebody owns it): %s is owned by %s for %lld s",
                    alarm->identity, alarm->people->owner != NULL ? alarm->people->owner : "nobody",
                    (long long)((at - now) / FA_SECOND));
    }
}

static void check_levels(struct fa_lab *lab, const struct fa_alarm *alarm,
                         const struct fa_lab_alarm *seen)
{
    bool back = alarm->loop < seen->loop || (alarm->loop == seen->loop && alarm->step < seen->step);
    /* A promise was missed, and the rung that is told again waits for room or for its hours. */
    bool put_off =
        (seen->state == FA_ALARM_ACKED || lab->event->kind == FA_EV_RECUSE) && is_put_off(alarm);
    if (back && !seen->resumed && !put_off) {
        fa_lab_fail(lab,
                    "invariant 3 (levels only climb): %s went from step %u loop %u to step %u "
                    "loop %u",
                    alarm->identity, seen->step + 1, seen->loop, alarm->step + 1, alarm->loop);
    }
}

struct further {
    const char *rule;
    bool *found;
};

static void look_for_further(void *ctx, const char *rule, const char *labels,
                             const struct fa_source *source)
{
    const struct further *further = ctx;
    *further->found = *further->found || strcmp(further->rule, rule) == 0;
}

/* May this alarm stop climbing, or be let go, in this step? */
static bool may_stop(const struct fa_lab *lab, const struct fa_lab_alarm *seen)
{
    const struct fa_signal *signal = signal_of(lab, seen);
    if (by_a_person(lab, seen)) {
        return true;
    }
    if (fa_lab_drill_is_over(lab, seen)) {
        return true;
    }
    if ((seen->flags & FA_FLAG_TROUBLE) != 0) {
        return lab->event->kind != FA_EV_TICK || seen->state == FA_ALARM_RETURNED ||
               seen->state == FA_ALARM_RESOLVED;
    }
    if (seen->state == FA_ALARM_RETURNED || seen->state == FA_ALARM_RESOLVED) {
        return true; /* its climb had stopped before */
    }
    if (strstr(seen->identity, "/further") != NULL) {
        bool any = false;
        struct further further = {seen->rule, &any};
        fa_engine_each_further(lab->engine, look_for_further, &further);
        return !any && (seen->flags & FA_FLAG_LATCHED) == 0; /* fed.c looks at the samples */
    }
    if (seen->filings > 0) {
        return false;
    }
    if (seen->state == FA_ALARM_PENDING) {
        /* Nobody measures any more whether it lasts when its rule is gone. */
        return (signal != NULL && signal->level == FA_LEVEL_CLEAR) ||
               ((lab->event->kind == FA_EV_RELOAD || lab->event->kind == FA_EV_START) &&
                fa_setup_rule(&lab->config->setup, seen->rule) == NULL);
    }
    return signal != NULL && signal->level == FA_LEVEL_CLEAR &&
           (seen->flags & FA_FLAG_LATCHED) == 0;
}

static bool climbs(enum fa_alarm_state state)
{
    return state == FA_ALARM_UNACKED || state == FA_ALARM_ACKED;
}

static const char *why_not_stop(const struct fa_lab *lab, const struct fa_lab_alarm *seen)
{
    const struct fa_signal *signal = signal_of(lab, seen);
    if (seen->filings > 0) {
        return "invariant 3 (a filing is closed only by a person)";
    }
    if (signal != NULL && signal->level == FA_LEVEL_UNKNOWN) {
        return "invariant 6 (missing data never resolves an alarm)";
    }
    return "invariant 3 (a climb is stopped only by a person or by data that say it is over)";
}

static void check_transition(struct fa_lab *lab, const struct fa_alarm *alarm,
                             const struct fa_lab_alarm *seen)
{
    bool stopped = (climbs(seen->state) || seen->state == FA_ALARM_PENDING) &&
                   (alarm->state == FA_ALARM_RETURNED || alarm->state == FA_ALARM_RESOLVED);
    if (stopped && !may_stop(lab, seen)) {
        fa_lab_fail(lab, "%s: %s became %s", why_not_stop(lab, seen), seen->identity,
                    fa_alarm_state_name(alarm->state));
    }
    if (alarm->people->incident_count > 0 && alarm->state == FA_ALARM_RETURNED) {
        fa_lab_fail(lab, "invariant 3 (a filing never returns by itself): %s", seen->identity);
    }
    if (alarm->state == FA_ALARM_ACKED && seen->state == FA_ALARM_UNACKED &&
        !by_a_person(lab, seen)) {
        fa_lab_fail(lab, "invariant 3 (only a person owns): %s", seen->identity);
    }
}

/* ---- 6: data ---- */

static void check_data(struct fa_lab *lab, const struct fa_alarm *alarm,
                       const struct fa_lab_alarm *seen)
{
    const struct fa_signal *signal = signal_of(lab, seen);
    if (signal == NULL || fa_engine_alarm_by_identity(lab->engine, alarm->identity) != alarm ||
        strstr(alarm->identity, "/further") != NULL) {
        return; /* a closed one, or the one for all beyond the limit, beside what the data mean */
    }
    if (signal->level == FA_LEVEL_UNKNOWN && alarm->state != seen->state) {
        fa_lab_fail(lab, "invariant 6 (missing data never resolves an alarm): %s became %s",
                    seen->identity, fa_alarm_state_name(alarm->state));
    }
    if (signal->level == FA_LEVEL_CLEAR && climbs(seen->state) && !climbs(alarm->state)) {
        (signal->rule->is_alert             ? fa_lab_alerts_check_clear
         : signal->rule->query.expr != NULL ? fa_lab_numbers_check_clear
                                            : fa_lab_fed_check_clear)(lab, signal, seen->identity);
    }
    if (signal->level == FA_LEVEL_FIRING && !same_number(alarm->value, signal->value)) {
        fa_lab_fail(lab,
                    "invariant 6 (flapping never swallows a worsening): %s keeps %g and not %g",
                    seen->identity, alarm->value, signal->value);
    }
    if (signal->level == FA_LEVEL_CLEAR && climbs(alarm->state) &&
        (alarm->flags & FA_FLAG_LATCHED) == 0) {
        fa_lab_fail(lab, "invariant 6 (flapping never swallows a recovery): %s", seen->identity);
    }
    if (signal->level == FA_LEVEL_FIRING && alarm->state == FA_ALARM_RETURNED) {
        fa_lab_fail(lab,
                    "invariant 6 (flapping never swallows a worsening): %s fires again and is "
                    "still returned",
                    seen->identity);
    }
}

/* ---- 4: reading ---- */

/* What is written, or the directory that it is asked of, has changed in this step. */
static bool is_changed(const struct fa_lab *lab, const struct fa_alarm *alarm)
{
    bool changed = lab->event->kind == FA_EV_RELOAD || lab->event->kind == FA_EV_START;
    for (size_t i = lab->step_from; !changed && i < lab->actions.count; i++) {
        const struct fa_action *action = &lab->actions.list[i];
        changed = action->kind == FA_ACT_PUT && action->u.row.kind == FA_ROW_ALARM &&
                  memcmp(action->u.row.key, alarm->id.id.bytes, FA_ID_BYTES) == 0;
    }
    return changed;
}

static void check_reading(struct fa_lab *lab, const struct fa_alarm *alarm)
{
    const struct fa_directory *dir = lab->config->people;
    struct fa_incident_id none = {{{0}}};
    struct fa_access access;
    if (alarm->people->incident_count == 0 || !is_changed(lab, alarm)) {
        return;
    }
    fa_access_init(&access, lab->engine, alarm);
    for (fa_person p = 0; p < dir->people_count; p++) {
        if (fa_lab_why_not(lab, alarm, none, dir->people[p].name, NULL) == NULL) {
            continue;
        }
        for (int verb = 0; verb < FA_VERB__COUNT; verb++) {
            if (fa_may(dir, (struct fa_viewer){p}, (enum fa_verb)verb, &access.object)) {
                fa_lab_fail(lab, "invariant 4 (a subject is never told): %s may look at %s",
                            dir->people[p].name, alarm->identity);
            }
        }
    }
    fa_access_done(&access);
}

static bool is_about_somebody(const struct fa_lab *lab, struct fa_incident_id id)
{
    for (size_t i = 0; i < lab->filing_count; i++) {
        if (fa_id_eq(lab->filings[i].id.id, id.id) && lab->filings[i].about_count > 0) {
            return true;
        }
    }
    return false;
}

/* It has a subject, or tests people: it is in no count. */
static bool is_uncounted(const struct fa_lab *lab, const struct fa_alarm *alarm)
{
    if (strncmp(alarm->identity, "firealarm:drill{", 16) == 0) {
        return true;
    }
    for (size_t i = 0; i < alarm->people->incident_count; i++) {
        if (is_about_somebody(lab, alarm->people->incidents[i])) {
            return true;
        }
    }
    return fa_lab_is_recused(lab, alarm->id);
}

struct tally {
    struct fa_lab *lab;
    uint32_t alarms[FA_ALARM__COUNT], outbox, filings;
};

static void count_alarm(void *ctx, const struct fa_alarm *alarm)
{
    struct tally *tally = ctx;
    tally->alarms[alarm->state] += !is_uncounted(tally->lab, alarm);
}

static void count_notification(void *ctx, const struct fa_notification *n)
{
    struct tally *tally = ctx;
    const struct fa_alarm *alarm = fa_engine_alarm(tally->lab->engine, n->alarm);
    bool hidden = (alarm != NULL && is_uncounted(tally->lab, alarm)) ||
                  is_about_somebody(tally->lab, n->incident);
    tally->outbox += !hidden && n->lines == NULL; /* its lines count, themselves */
}

static void count_incident(void *ctx, const struct fa_incident *incident)
{
    struct tally *tally = ctx;
    tally->filings += incident->state != FA_INCIDENT_CLOSED && incident->about_count == 0;
}

static void check_counts(struct fa_lab *lab)
{
    struct fa_engine_stats stats;
    struct tally tally = {.lab = lab};
    fa_engine_stats(lab->engine, &stats);
    fa_engine_each_alarm(lab->engine, count_alarm, &tally);
    fa_engine_each_notification(lab->engine, count_notification, &tally);
    fa_engine_each_incident(lab->engine, count_incident, &tally);
    for (int state = 0; state < FA_ALARM__COUNT; state++) {
        if (stats.alarms[state] != tally.alarms[state]) {
            fa_lab_fail(lab, "invariant 4 (not by a count): %u alarms are counted as %s, not %u",
                        stats.alarms[state], fa_alarm_state_name((enum fa_alarm_state)state),
                        tally.alarms[state]);
        }
    }
    if (stats.outbox != tally.outbox) {
        fa_lab_fail(lab, "invariant 4 (not by a count): %u notifications are counted, not %u",
                    stats.outbox, tally.outbox);
    }
    if (stats.filings_open != tally.filings) {
        fa_lab_fail(lab, "invariant 4 (not by a count): %u filings are counted as open, not %u",
                    stats.filings_open, tally.filings);
    }
}

void fa_lab_choose_look(struct fa_lab *lab)
{
    size_t many = lab->engine->alarms.count + lab->engine->notifications.count;
    lab->looks_at_all = many < 32 || lab->cover.steps % 16 == 0;
}

void fa_lab_each_looked_at(struct fa_lab *lab, void (*fn)(void *ctx, const struct fa_alarm *alarm))
{
    if (lab->looks_at_all) {
        fa_engine_each_alarm(lab->engine, fn, lab);
        return;
    }
    for (size_t i = lab->step_from; i < lab->actions.count; i++) {
        const struct fa_action *action = &lab->actions.list[i];
        struct fa_alarm_id id;
        if (action->kind == FA_ACT_PUT && action->u.row.kind == FA_ROW_ALARM) {
            memcpy(id.id.bytes, action->u.row.key, FA_ID_BYTES);
            const struct fa_alarm *alarm = fa_engine_alarm(lab->engine, id);
            if (alarm != NULL) {
                fn(lab, alarm);
            }
        }
    }
}

/* ---- after a step ---- */

static void check_alarm(void *ctx, const struct fa_alarm *alarm)
{
    struct fa_lab *lab = ctx;
    const struct fa_lab_alarm *seen = fa_lab_find_alarm(lab, alarm->id);
    if (lab->failed || seen == NULL) {
        return; /* a new one without a journal entry cannot be: every beginning has one */
    }
    bool kept = alarm->state == FA_ALARM_ACKED && fa_is_hidden(alarm); /* its promise waits */
    if (climbs(alarm->state) && (alarm->flags & FA_FLAG_SHADOW) == 0 && !kept) {
        check_deadline(lab, alarm, seen);
    }
    fa_lab_check_hidden(lab, alarm);
    check_levels(lab, alarm, seen);
    check_transition(lab, alarm, seen);
    check_data(lab, alarm, seen);
    check_reading(lab, alarm);
}

static void check_gone(struct fa_lab *lab)
{
    for (size_t i = 0; i < lab->alarm_count && !lab->failed; i++) {
        const struct fa_lab_alarm *seen = &lab->alarms[i];
        if (!seen->gone && fa_engine_alarm(lab->engine, seen->id) == NULL && !may_stop(lab, seen)) {
            fa_lab_fail(lab, "%s: %s is gone", why_not_stop(lab, seen), seen->identity);
        }
    }
}

/* What somebody stepped out of goes on as another alarm, whatever numbers say now. */
static void check_raised(struct fa_lab *lab)
{
    for (size_t i = lab->step_from; i < lab->actions.count; i++) {
        const struct fa_action *action = &lab->actions.list[i];
        const struct fa_alarm *alarm =
            action->kind == FA_ACT_JOURNAL && action->u.journal.code == FA_J_RAISED
                ? fa_engine_alarm(lab->engine, action->u.journal.alarm)
                : NULL;
        if (alarm != NULL && lab->event->kind != FA_EV_RECUSE) {
            fa_lab_numbers_check_raised(lab, alarm);
        }
    }
}

void fa_lab_check_step(struct fa_lab *lab)
{
    check_raised(lab);
    fa_lab_each_looked_at(lab, check_alarm);
    check_gone(lab);
    fa_engine_each_incident(lab->engine, check_filing, lab);
    if (lab->event->kind == FA_EV_TICK &&
        fa_engine_next_deadline(lab->engine) <= fa_lab_now(lab).mono) {
        fa_lab_fail(lab, "invariant 3 (always a next step): a deadline is left over after a tick");
    }
    if (lab->looks_at_all) {
        fa_engine_each_notification(lab->engine, check_held, lab);
        check_accepted(lab);
        check_stored(lab);
        check_counts(lab);
        fa_lab_check_hidden_counts(lab);
        fa_lab_check_drills(lab);
    }
}

/* Every message that is asked for belongs to a row of this turn or an earlier one. */
void fa_lab_check_turn(struct fa_lab *lab)
{
    for (size_t i = 0; i < lab->actions.count; i++) {
        const struct fa_action *action = &lab->actions.list[i];
        if (action->kind == FA_ACT_SEND &&
            fa_lab_find_row(&lab->store.latest, FA_ROW_NOTIFICATION, action->u.send.id.bytes,
                            FA_ID_BYTES) == NULL) {
            fa_lab_fail(lab, "invariant 2 (nothing leaves before its cause is durable): a message "
                             "was asked for and is not to be stored");
        }
    }
}
