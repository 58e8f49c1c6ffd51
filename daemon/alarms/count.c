/* SPDX-License-Identifier: MIT */
/* What /metrics asks of the engine, counted as it changes: a walk over a hundred thousand alarms
 * would hold the loop.
 *
 * Invariants:
 *  1. When a step ends each object counts as what it is then. An object that changes is touched, as
 *     its row depends on that too, and whatever was touched is counted anew at the step's end.
 *  2. What has a subject and what is a drill is in no count, nor are the notifications of an alarm
 * or filing with one, also when that filing is history already. */
#include "alarms/internal.h"

void fa_count_notification(struct fa_engine *engine, struct fa_notification *n, bool is_there)
{
    n->hidden = fa_notification_is_hidden(engine, n);
    bool counts = is_there && !n->hidden;
    engine->stats.outbox += counts;
    engine->stats.outbox -= n->counted;
    n->counted = counts;
}

void fa_count_alarm(struct fa_engine *engine, struct fa_alarm *alarm, bool is_there)
{
    uint8_t was = alarm->counted;
    bool counts = alarm->people->about_count == 0 && (alarm->flags & FA_FLAG_DRILL) == 0;
    alarm->counted = is_there && counts ? (uint8_t)(alarm->state + 1) : 0;
    if (was > 0) {
        engine->stats.alarms[was - 1]--;
    }
    if (alarm->counted > 0) {
        engine->stats.alarms[alarm->counted - 1]++;
    }
    if ((was > 0) != (alarm->counted > 0)) { /* it has a subject now, or it is new */
        for (struct fa_notification *n = alarm->notifications; n != NULL; n = n->next) {
            fa_count_notification(engine, n, true);
        }
    }
}

void fa_count_incident(struct fa_engine *engine, struct fa_incident *incident, bool is_there)
{
    bool counts = is_there && incident->about_count == 0 && incident->state != FA_INCIDENT_CLOSED;
    engine->stats.filings_open += counts;
    engine->stats.filings_open -= incident->counted;
    incident->counted = counts;
}

void fa_engine_count(struct fa_engine *engine)
{
    for (struct fa_incident *i = engine->incidents.first; i != NULL; i = i->after) {
        fa_count_incident(engine, i, true);
    }
    for (struct fa_alarm *a = engine->alarms.first; a != NULL; a = a->after) {
        fa_count_alarm(engine, a, true);
    }
    for (struct fa_notification *n = engine->notifications.first; n != NULL; n = n->after) {
        fa_count_notification(engine, n, true);
    }
}

void fa_engine_stats(const struct fa_engine *engine, struct fa_engine_stats *ret_stats)
{
    *ret_stats = engine->stats;
}
