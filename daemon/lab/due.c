/* SPDX-License-Identifier: MIT */
/* How long things last in the measure that the configuration says, by the clock, in business hours
 * or in business days; told anew from the spans of the calendar and from what was signalled, with
 * no function of people/ or alarms/ that counts the same.
 *
 *   - an alarm is raised when its condition was known to hold for its `for`, not earlier and not
 *     later; what it held before data were missing counts, by the calendar of that day;
 *   - when a step reached somebody and nothing came between, the next one is told when its wait is
 *     over, not earlier; and not later in any case.
 *
 * Where a crash lost what was written, or the clock was set, it is not judged until it begins anew.
 */
#include "lab/world.h"

#include <string.h>

#define TOLERANCE FA_SECOND /* days are divided */

/* ---- a rule's for ---- */

static const struct fa_rule *rule_of(const struct fa_lab *lab, const char *name)
{
    const struct fa_setup *setup = &lab->config->setup;
    for (size_t i = 0; i < setup->rule_count; i++) {
        if (strcmp(setup->rules[i]->name, name) == 0) {
            return setup->rules[i];
        }
    }
    return NULL;
}

/* What its condition has held by now, in its measure. */
static fa_time held(const struct fa_lab *lab, const struct fa_lab_alarm *seen)
{
    const struct fa_rule *rule = rule_of(lab, seen->rule);
    const char *calendar = rule != NULL ? rule->calendar : NULL;
    return seen->lasts.done + (seen->lasts.from != 0
                                   ? fa_lab_measured(lab, calendar, seen->lasts.measure,
                                                     seen->lasts.from, fa_lab_now(lab).wall)
                                   : 0);
}

/* What waited for room among the further ones has held before. */
static bool has_further(const struct fa_lab *lab, const char *rule)
{
    bool found = false;
    for (size_t i = 0; i < lab->alarm_count && !found; i++) {
        found = strcmp(lab->alarms[i].rule, rule) == 0 &&
                strstr(lab->alarms[i].identity, "/further") != NULL;
    }
    return found;
}

static void begin_for(const struct fa_lab *lab, struct fa_lab_alarm *seen)
{
    const struct fa_rule *rule = rule_of(lab, seen->rule);
    bool by_itself = lab->event->kind == FA_EV_SIGNAL &&
                     strcmp(lab->event->u.signal->rule->name, seen->rule) == 0 &&
                     strcmp(lab->event->u.signal->labels, seen->labels) == 0;
    if (rule != NULL && by_itself && !has_further(lab, seen->rule)) {
        seen->lasts = (struct fa_lab_lasting){.judged = true,
                                              .measure = rule->for_measure,
                                              .length = rule->for_ms,
                                              .from = fa_lab_now(lab).wall};
    }
}

static void raised(struct fa_lab *lab, struct fa_lab_alarm *seen)
{
    if (seen->lasts.judged && held(lab, seen) + TOLERANCE < seen->lasts.length) {
        fa_lab_fail(lab, "%s is raised after %lld s of the %lld s of its for", seen->identity,
                    (long long)(held(lab, seen) / FA_SECOND),
                    (long long)(seen->lasts.length / FA_SECOND));
    }
    seen->lasts.judged = false;
}

/* The condition holds, or nobody knows. */
static void hear(struct fa_lab *lab)
{
    const struct fa_signal *signal = lab->event->u.signal;
    for (size_t i = 0; i < lab->alarm_count; i++) {
        struct fa_lab_alarm *seen = &lab->alarms[i];
        if (!seen->lasts.judged || strcmp(seen->rule, signal->rule->name) != 0 ||
            strcmp(seen->labels, signal->labels) != 0) {
            continue;
        }
        if (signal->level == FA_LEVEL_UNKNOWN) {
            seen->lasts.done = held(lab, seen);
            seen->lasts.from = 0;
        } else if (seen->lasts.from == 0) {
            seen->lasts.from = fa_lab_now(lab).wall;
        }
    }
}

static void check_for(struct fa_lab *lab, const struct fa_alarm *alarm,
                      const struct fa_lab_alarm *seen)
{
    if (fa_engine_next_deadline(lab->engine) > fa_lab_now(lab).mono && seen->lasts.judged &&
        seen->lasts.from != 0 && alarm->state == FA_ALARM_PENDING &&
        (alarm->flags & FA_FLAG_UNKNOWN) == 0 && held(lab, seen) > seen->lasts.length + TOLERANCE) {
        fa_lab_fail(lab, "%s has held for %lld s, its for is %lld s, and it is not raised",
                    seen->identity, (long long)(held(lab, seen) / FA_SECOND),
                    (long long)(seen->lasts.length / FA_SECOND));
    }
}

/* ---- a step's wait ---- */

static bool is_climb_kind(enum fa_notification_kind kind)
{
    return kind == FA_NOTE_ALARM || kind == FA_NOTE_REMINDER || kind == FA_NOTE_OVERDUE;
}

/* Since its step was told somebody of it was reached who may know of it still. */
static bool was_reached(const struct fa_lab *lab, const struct fa_alarm *alarm,
                        const struct fa_lab_alarm *seen)
{
    const struct fa_incident_id none = {{{0}}};
    for (size_t at = seen->last_key; at > 0; at = lab->keys[at - 1].before) {
        const struct fa_lab_key *key = &lab->keys[at - 1];
        if (is_climb_kind(key->kind) && key->sent != FA_NEVER && key->tried >= seen->told_from &&
            fa_lab_why_not(lab, alarm, none, lab->deliveries[key->first].person, NULL) == NULL) {
            return true;
        }
    }
    return false;
}

static void step_is_told(struct fa_lab *lab, struct fa_lab_alarm *seen,
                         const struct fa_action *action)
{
    const struct fa_alarm *alarm = fa_engine_alarm(lab->engine, action->u.journal.alarm);
    size_t step = (size_t)(action->u.journal.number % 1000) - 1;
    if (alarm == NULL || (alarm->flags & FA_FLAG_DRILL) != 0) {
        return; /* a drill has an end of its own */
    }
    if (lab->event->kind == FA_EV_TICK && seen->step_due != 0 &&
        fa_lab_now(lab).wall + TOLERANCE < seen->step_due && was_reached(lab, alarm, seen)) {
        fa_lab_fail(lab, "step %zu of %s is told %lld s before the wait is over", step + 1,
                    seen->identity,
                    (long long)((seen->step_due - fa_lab_now(lab).wall) / FA_SECOND));
    }
    seen->step_due = seen->policy != NULL && step < seen->policy->step_count
                         ? fa_lab_due_by(lab, &seen->policy->steps[step])
                         : 0;
}

static void check_wait(struct fa_lab *lab, const struct fa_alarm *alarm, struct fa_lab_alarm *seen)
{
    bool is_on = alarm->state == FA_ALARM_UNACKED && alarm->climbing && !fa_is_hidden(alarm) &&
                 (alarm->flags & (FA_FLAG_PUT_OFF | FA_FLAG_SHADOW)) == 0 &&
                 alarm->clock != FA_CLOCK_OPENING && alarm->deadline.length != FA_OUTBOX_FULL_WAIT;
    seen->step_due = is_on ? seen->step_due : 0;
    /* What is due at this instant is still to come. */
    if (fa_engine_next_deadline(lab->engine) > fa_lab_now(lab).mono && seen->step_due != 0 &&
        fa_lab_now(lab).wall > seen->step_due + TOLERANCE) {
        fa_lab_fail(lab, "invariant 3 (always a next step): the wait of step %u of %s is over",
                    alarm->step + 1, seen->identity);
    }
}

/* ---- after a step of the engine ---- */

static void look_at(void *ctx, const struct fa_alarm *alarm)
{
    struct fa_lab *lab = ctx;
    struct fa_lab_alarm *seen = fa_lab_find_alarm(lab, alarm->id);
    if (seen != NULL) {
        check_for(lab, alarm, seen);
        check_wait(lab, alarm, seen);
    }
}

/* A clock that was set, or that stood still while nobody looked. */
static bool is_clock_set(const struct fa_lab *lab)
{
    return lab->event->kind == FA_EV_CLOCK ||
           (lab->event->kind == FA_EV_START && (lab->wall_offset != lab->stopped_offset ||
                                                fa_lab_now(lab).wall < lab->store.last_wall));
}

void fa_lab_due_step(struct fa_lab *lab)
{
    enum fa_event_kind kind = lab->event->kind;
    bool is_reckoned = kind == FA_EV_START || kind == FA_EV_RELOAD || kind == FA_EV_CLOCK;
    bool is_set = is_clock_set(lab);
    for (size_t i = 0; i < lab->alarm_count && (is_reckoned || kind == FA_EV_RECUSE); i++) {
        lab->alarms[i].lasts.judged = lab->alarms[i].lasts.judged && !is_set;
        lab->alarms[i].step_due = 0; /* its wait is reckoned anew */
    }
    for (size_t i = lab->step_from; i < lab->actions.count; i++) {
        const struct fa_action *action = &lab->actions.list[i];
        struct fa_lab_alarm *seen =
            action->kind == FA_ACT_JOURNAL ? fa_lab_find_alarm(lab, action->u.journal.alarm) : NULL;
        if (seen != NULL && action->u.journal.code == FA_J_PENDING) {
            begin_for(lab, seen);
        } else if (seen != NULL && action->u.journal.code == FA_J_RAISED) {
            raised(lab, seen);
        } else if (seen != NULL && action->u.journal.code == FA_J_STEP) {
            step_is_told(lab, seen, action);
        }
    }
    if (lab->event->kind == FA_EV_SIGNAL) {
        hear(lab);
    }
    fa_lab_each_looked_at(lab, look_at);
}

void fa_lab_due_stop(struct fa_lab *lab, bool clean)
{
    for (size_t i = 0; i < lab->alarm_count; i++) {
        lab->alarms[i].lasts.judged = lab->alarms[i].lasts.judged && clean;
        lab->alarms[i].step_due = 0;
    }
}
