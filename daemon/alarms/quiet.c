/* SPDX-License-Identifier: MIT */
/* People's quiet hours: what is not urgent waits until they open.
 *
 * Invariants:
 *  1. What was tried once is not held back: only a message that has not left yet waits, so that no
 *     failure goes unnoticed overnight.
 *  2. Urgent is what the severity or the step says, the daemon's own trouble, and a test; a drill
 *     is when its operator says so.
 *  3. Nothing waits for ever: a calendar that ends, or is gone, is open.
 *
 * That a message waits is no failure, and it does not hold the climb up. */
#include "alarms/internal.h"

static bool is_severe(const struct fa_engine *engine, const char *name)
{
    const struct fa_severity *severity = fa_setup_severity(engine->setup, name);
    return severity == NULL || severity->urgent;
}

static bool is_urgent(const struct fa_engine *engine, const struct fa_notification *n)
{
    const struct fa_alarm *alarm = n->owner_alarm;
    if (n->kind == FA_NOTE_WEEKLY) {
        return false;
    }
    if (alarm == NULL) {
        const struct fa_incident *incident = fa_engine_incident(engine, n->incident);
        const struct fa_category *category =
            incident != NULL ? fa_setup_category(engine->setup, incident->category) : NULL;
        return category == NULL || is_severe(engine, category->severity);
    }
    const struct fa_policy *policy = fa_policy_of(engine, alarm);
    bool urgent =
        (alarm->flags & FA_FLAG_DRILL) != 0
            ? fa_drill_is_urgent(engine, alarm)
            : (alarm->flags & FA_FLAG_TROUBLE) != 0 || is_severe(engine, alarm->texts->severity);
    return urgent || (n->step < policy->step_count && policy->steps[n->step].urgent);
}

fa_time fa_quiet_until(const struct fa_engine *engine, const struct fa_notification *n)
{
    const struct fa_directory *dir = engine->setup->people;
    fa_person person = fa_directory_find(dir, fa_str_of(n->person));
    if (person == FA_NOBODY || dir->people[person].hours == NULL || n->kind == FA_NOTE_TEST ||
        n->attempts > 0 || n->failing != 0 || is_urgent(engine, n)) {
        return engine->now.wall;
    }
    return fa_calendar_opens(fa_directory_calendar(dir, dir->people[person].hours),
                             engine->now.wall);
}

void fa_quiet_reckon(struct fa_engine *engine)
{
    for (struct fa_notification *n = engine->notifications.first; n != NULL; n = n->after) {
        fa_time left = fa_quiet_until(engine, n) - engine->now.wall;
        if (n->state == FA_NOTICE_HELD &&
            n->deadline.armed + n->deadline.length != engine->now.wall + left) {
            fa_arm(engine, &engine->notification_heap, &n->deadline, left);
            fa_touch_notification(engine, n);
        }
    }
}
