/* SPDX-License-Identifier: MIT */
/* From stored rows to a running engine. Rows come in any order and may be damaged or from an older
 * version; START puts them together, and whatever does not fit is repaired so that it climbs rather
 * than is lost. Deadlines go on with what was left of them.
 *
 * START changes each alarm of a series. A host that has very many takes these rows a page at a time
 * before it (GAPS), each durable while the next is made. The journal says nothing of a page: its
 * newest entry stays the one before the gap, and if the daemon ends between two pages, alarms that
 * had theirs learn of another gap from the same time on. */
#include "alarms/internal.h"
#include "alarms/weekly.h"

#include <stdlib.h>
#include <string.h>

/* Alarms of a page: some 2 MB of rows. Who has fewer has no pages. */
#define GAPS_PAGE 2000

/* ---- loading ---- */

static int load_policy(struct fa_engine *engine, struct fa_str value)
{
    struct fa_policy_ref *ref = fa_xcalloc(1, sizeof *ref), *known = NULL;
    if (fa_policy_decode(value, &ref->policy) != 0) {
        free(ref);
        return FA_ECORRUPT;
    }
    HASH_FIND_STR(engine->policies, ref->policy.hash, known);
    if (known != NULL) {
        fa_policy_done(&ref->policy);
        free(ref);
    } else {
        HASH_ADD_KEYPTR(hh, engine->policies, ref->policy.hash, strlen(ref->policy.hash), ref);
    }
    return 0;
}

static int load_alarm(struct fa_engine *engine, struct fa_str value)
{
    struct fa_alarm *alarm = NULL;
    if (fa_alarm_decode(value, &engine->texts, &alarm) != 0) {
        return FA_ECORRUPT;
    }
    if (fa_book_find(&engine->alarms, alarm->id.id) != NULL) {
        fa_alarm_free(alarm);
        return FA_ECORRUPT;
    }
    fa_book_add(&engine->alarms, alarm);
    return 0;
}

static int load_incident(struct fa_engine *engine, struct fa_str value)
{
    struct fa_incident *incident = NULL;
    if (fa_incident_decode(value, &engine->texts, &incident) != 0) {
        return FA_ECORRUPT;
    }
    if (fa_book_find(&engine->incidents, incident->id.id) != NULL) {
        fa_incident_free(incident);
        return FA_ECORRUPT;
    }
    fa_book_add(&engine->incidents, incident);
    return 0;
}

static int load_notification(struct fa_engine *engine, struct fa_str value)
{
    struct fa_notification *notification = NULL;
    if (fa_notification_decode(value, &engine->texts, &notification) != 0) {
        return FA_ECORRUPT;
    }
    if (fa_book_find(&engine->notifications, notification->id.id) != NULL ||
        notification->state == FA_NOTICE_SENT || notification->state == FA_NOTICE_DROPPED) {
        fa_notification_free(notification); /* settled ones are history's and no live row */
        return FA_ECORRUPT;
    }
    engine->dead_letters += notification->state == FA_NOTICE_DEAD;
    fa_book_add(&engine->notifications, notification);
    return 0;
}

int fa_engine_load_row(struct fa_engine *engine, enum fa_row_kind kind, struct fa_str key,
                       struct fa_str value, struct fa_err *err)
{
    int rc = FA_ECORRUPT;
    switch (kind) {
    case FA_ROW_ALARM:
        rc = load_alarm(engine, value);
        break;
    case FA_ROW_INCIDENT:
        rc = load_incident(engine, value);
        break;
    case FA_ROW_NOTIFICATION:
        rc = load_notification(engine, value);
        break;
    case FA_ROW_POLICY:
        rc = load_policy(engine, value);
        break;
    case FA_ROW_PACE:
        rc = fa_pace_load(engine, value);
        break;
    case FA_ROW_DRILL:
        rc = fa_drill_load(engine, value);
        break;
    case FA_ROW_TALLY:
        rc = fa_tally_load(engine, value);
        break;
    case FA_ROW_KEPT_OUT:
        rc = fa_kept_out_load(engine, value);
        break;
    case FA_ROW_FURTHER:
        rc = fa_further_load(engine, value);
        break;
    case FA_ROW_SILENCE:
        rc = fa_silence_load(engine, value);
        break;
    case FA_ROW_EVIDENCE:
    case FA_ROW_RAISED: /* is read when somebody asks */
        rc = 0;
        break;
    }
    if (rc != 0) {
        char hex[65];
        fa_err_set(err, rc, "a stored row of kind %d cannot be understood (key %s)", (int)kind,
                   fa_hex(key.ptr, key.len < 32 ? key.len : 32, hex));
    }
    return rc;
}

/* Deadlines are elapsed: what was left when the daemon went down, less the time it was away. */
static void rearm(struct fa_engine *engine, struct fa_heap *heap, struct fa_deadline *deadline,
                  fa_time shift)
{
    if (deadline->length == FA_NEVER) {
        return;
    }
    deadline->armed += shift;
    fa_time left = deadline->armed + deadline->length - engine->now.wall;
    deadline->node.tie = ++engine->tie;
    fa_heap_set(heap, &deadline->node, engine->now.mono + (left > 0 ? left : 0));
}

void fa_shift_all(struct fa_engine *engine, fa_time shift)
{
    for (struct fa_alarm *a = engine->alarms.first; a != NULL; a = a->after) {
        rearm(engine, &engine->alarm_heap, &a->deadline, shift);
        a->raised += a->state == FA_ALARM_PENDING ? shift : 0;
        if (a->people->promised != 0) { /* the deadline in words */
            fa_alarm_people(a)->promised += shift;
        }
        for (size_t i = 0; i < a->told_count; i++) {          /* in the step, or before it? */
            if (shift < 0 || a->told[i].when >= a->changed) { /* before its state, it stays so */
                a->told[i].when += shift;
            }
            a->told[i].spared += a->told[i].spared != 0 ? shift : 0;
        }
        fa_flap_shift(a, shift);
        fa_hiding_shift(a, shift);
        a->changed += a->state == FA_ALARM_RETURNED ? shift : 0; /* `rearm` counts from it */
        if (shift != 0) {
            fa_touch_alarm(engine, a);
        }
    }
    for (struct fa_incident *i = engine->incidents.first; i != NULL; i = i->after) {
        rearm(engine, &engine->incident_heap, &i->due, shift);
        if (shift != 0) {
            fa_touch_incident(engine, i);
        }
    }
    for (struct fa_notification *n = engine->notifications.first; n != NULL; n = n->after) {
        /* People's hours begin when the clock says so. */
        rearm(engine, &engine->notification_heap, &n->deadline,
              n->state == FA_NOTICE_HELD ? 0 : shift);
        n->failing += n->failing != 0 ? shift : 0;
        if (shift != 0) {
            fa_touch_notification(engine, n);
        }
    }
    fa_pace_shift(engine, shift);
    fa_drills_shift(engine, shift);
    fa_kept_out_shift(engine, shift);
    fa_further_shift(engine, shift);
    /* Open time is counted from the moved beginning; openings are not moved. */
    fa_climb_reckon(engine);
    fa_incidents_reckon(engine);
    fa_silences_shift(engine, shift);
}

void fa_mark_orphans(struct fa_engine *engine)
{
    for (struct fa_alarm *a = engine->alarms.first; a != NULL; a = a->after) {
        bool ruled = (a->flags & (FA_FLAG_FILED | FA_FLAG_TROUBLE)) == 0;
        bool gone = ruled && fa_setup_rule(engine->setup, a->texts->rule) == NULL;
        if (gone != ((a->flags & FA_FLAG_ORPHANED) != 0)) {
            a->flags ^= FA_FLAG_ORPHANED;
            fa_journal_alarm(engine, FA_J_ORPHANED, a, NULL, gone);
            fa_touch_alarm(engine, a);
            if (gone && a->state == FA_ALARM_PENDING) {
                /* Nobody measures any more whether it lasts. */
                int rc = fa_alarm_event(engine, a, FA_AEV_CLEAR, NULL);
                fa_assert(rc == 0);
            }
        }
    }
}

/* Whatever a damaged row lacks, it climbs: a firing alarm has a next step on the clock. */
static bool repair(struct fa_engine *engine, struct fa_alarm *a)
{
    bool armed = a->deadline.length != FA_NEVER || (a->flags & FA_FLAG_SHADOW) != 0 ||
                 (fa_is_hidden(a) && a->state != FA_ALARM_UNACKED); /* what was due is kept */
    if (!armed && (a->state == FA_ALARM_UNACKED || a->state == FA_ALARM_ACKED ||
                   a->state == FA_ALARM_RETURNED)) {
        fa_arm(engine, &engine->alarm_heap, &a->deadline, 0);
        fa_touch_alarm(engine, a);
        return true;
    }
    return false;
}

void fa_engine_reconcile(struct fa_engine *engine)
{
    bool found = false;
    for (struct fa_alarm *a = engine->alarms.first; a != NULL; a = a->after) {
        found = repair(engine, a) || found;
    }
    fa_incidents_reconcile(engine);
    if (found) {
        fa_trouble_once(engine, "reconciled",
                        "an alarm had no next step on the clock and was given one");
    }
}

/* Between these two times nobody looked at its data; the windows are empty, and nothing is known
 * of it. */
static void note_gap(struct fa_engine *engine, struct fa_alarm *alarm, fa_time last_wall)
{
    const struct fa_moment moment = {
        .when = engine->now.wall, .number = last_wall, .code = FA_J_START};
    if ((alarm->flags & (FA_FLAG_FILED | FA_FLAG_TROUBLE)) != 0) {
        return;
    }
    alarm->flags |= FA_FLAG_UNKNOWN;
    alarm->level = alarm->level == FA_LEVEL_FIRING ? alarm->level : FA_LEVEL_UNKNOWN;
    if (alarm->state != FA_ALARM_RESOLVED) {
        fa_diary_note(&engine->texts, alarm, &moment);
    }
    fa_touch_alarm(engine, alarm);
}

bool fa_engine_note_gaps(struct fa_engine *engine, fa_time last_wall)
{
    const struct fa_alarm *last = engine->gaps_noted;
    if (engine->alarms.count <= GAPS_PAGE) {
        return false;
    }
    struct fa_alarm *a = last != NULL ? last->after : engine->alarms.first;
    for (size_t i = 0; a != NULL && i < GAPS_PAGE; i++, a = a->after) {
        if (a->state != FA_ALARM_RESOLVED) { /* START knows whether messages of it are left */
            note_gap(engine, a, last_wall);
        }
        engine->gaps_noted = a;
    }
    return a != NULL;
}

void fa_engine_start(struct fa_engine *engine, fa_time last_wall)
{
    struct fa_alarm *next;
    bool noted = engine->gaps_noted != NULL;
    for (struct fa_alarm *a = engine->alarms.first; a != NULL; a = a->after) {
        if (a->state != FA_ALARM_RESOLVED || a->deadline.length != FA_NEVER) {
            fa_names_add(&engine->identities, a);
            fa_further_count(engine, a, true);
        }
        if (!noted || a->state == FA_ALARM_RESOLVED) {
            note_gap(engine, a, last_wall);
        }
        noted = noted && a != engine->gaps_noted;
    }
    engine->gaps_noted = NULL;
    fa_further_start(engine);
    fa_journal(engine, FA_J_START, (struct fa_journal_ids){0}, NULL, last_wall);
    fa_time shift = engine->now.wall < last_wall ? engine->now.wall - last_wall : 0;
    fa_shift_all(engine, shift);
    for (struct fa_notification *n = engine->notifications.first; n != NULL; n = n->after) {
        struct fa_alarm *alarm = fa_book_find(&engine->alarms, n->alarm.id);
        if (alarm != NULL) {
            fa_notification_link(alarm, n);
            fa_notification_loaded(engine, n);
        }
        fa_silence_notice(engine, n, 1);
    }
    fa_digest_restore(engine);
    fa_pace_start(engine);
    fa_drills_start(engine);
    fa_kept_out_forget(engine);
    for (struct fa_alarm *a = engine->alarms.first; a != NULL; a = next) {
        next = a->after;
        repair(engine, a);
        fa_alarm_settle(engine, a);
    }
    fa_notifications_restart(engine);
    fa_quiet_reckon(engine);
    fa_mark_orphans(engine);
    fa_incidents_reconcile(engine);
    fa_hiding_start(engine);
    fa_tally_review(engine);
    fa_weekly_run(engine);
    fa_engine_count(engine);
    fa_trouble(engine, "clock-behind",
               "the clock was behind the journal at start: deadlines are held, not shortened",
               shift == 0);
}
