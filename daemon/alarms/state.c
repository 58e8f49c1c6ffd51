/* SPDX-License-Identifier: MIT */
/* The alarm state table: what each event does in each state. DESIGN's words, after ISA-18.2.
 *
 * Guards that stand before the table:
 *  - CLEAR does nothing to a latched alarm or to one that people filed: only a person closes those;
 *  - UNKNOWN sets a flag and moves no state: missing data never resolves an alarm;
 *  - DUE waits while the alarm is hidden (hiding.c);
 *  - a drill that somebody answers, or whose time is over, is closed (drill.c);
 *  - DUE in the calm of a flapping alarm moves no state: that it is over is told now (flap.c).
 *
 * A timeline with for = 30m and a policy that waits 15m between two steps:
 *   t=0    the rule holds            PENDING         for is running
 *   t=30m  still holds               UNACKNOWLEDGED  step 1 is told
 *   t=45m  nobody owns it            UNACKNOWLEDGED  step 2 is told
 *   t=50m  the COO acknowledges, 1h  ACKNOWLEDGED    those told are told
 *   t=110m no word                   UNACKNOWLEDGED  step 2 again and the level above: overdue
 *   t=115m the queue is fine again   RETURNED        those told are told, 24 h to own it
 */
#include "alarms/evidence.h"
#include "alarms/internal.h"
#include "base/texts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef void fa_cell_fn(struct fa_engine *engine, struct fa_alarm *alarm,
                        const struct fa_deed *deed);

struct cell {
    enum fa_alarm_state next;
    fa_cell_fn *act; /* NULL: the event is refused */
    const char *why;
};

static void enter(struct fa_engine *engine, struct fa_alarm *alarm, enum fa_alarm_state state)
{
    alarm->state = state;
    alarm->changed = engine->now.wall;
    fa_touch_alarm(engine, alarm);
}

static void set_owner(const struct fa_engine *engine, struct fa_alarm *alarm, const char *who)
{
    char *owner = fa_xstrdup(who);
    struct fa_alarm_people *people = fa_alarm_people(alarm);
    free(people->owner);
    people->owner = owner;
    people->owned = people->owned != 0 ? people->owned : engine->now.wall;
}

static void forget_identity(struct fa_engine *engine, struct fa_alarm *alarm)
{
    if (!alarm->named) {
        return;
    }
    fa_names_remove(&engine->identities, alarm);
    fa_further_count(engine, alarm, false);
    fa_further_closed(engine, alarm);
    fa_kept_out_note(engine, alarm);
}

/* ---- what the cells do ---- */

static void nothing(struct fa_engine *engine, struct fa_alarm *alarm, const struct fa_deed *deed)
{
}

static const struct fa_calendar_entry *calendar_of_rule(const struct fa_engine *engine,
                                                        const struct fa_alarm *alarm)
{
    const struct fa_rule *rule = fa_setup_rule(engine->setup, alarm->texts->rule);
    return fa_calendar_named(engine, rule != NULL ? rule->calendar : NULL);
}

static fa_time left_of_for(const struct fa_alarm *alarm)
{
    return alarm->held < alarm->texts->for_ms ? alarm->texts->for_ms - alarm->held : 0;
}

fa_time fa_for_over(const struct fa_engine *engine, const struct fa_alarm *alarm, fa_time from)
{
    return fa_calendar_after(calendar_of_rule(engine, alarm), alarm->for_measure, from,
                             left_of_for(alarm));
}

/* `for` goes on from now. */
static void arm_for(struct fa_engine *engine, struct fa_alarm *alarm)
{
    if (alarm->for_measure == FA_MEASURE_CLOCK) {
        fa_arm(engine, &engine->alarm_heap, &alarm->deadline, left_of_for(alarm));
    } else {
        fa_arm_at(engine, alarm, fa_for_over(engine, alarm, engine->now.wall), FA_CLOCK_OPEN_TIME);
    }
}

/* PENDING: `for` counts only while the condition is known to hold. */
static void pending_holds(struct fa_engine *engine, struct fa_alarm *alarm,
                          const struct fa_deed *deed)
{
    if (alarm->deadline.length == FA_NEVER) {
        arm_for(engine, alarm);
    }
}

static void pending_unknown(struct fa_engine *engine, struct fa_alarm *alarm,
                            const struct fa_deed *deed)
{
    if (alarm->deadline.length != FA_NEVER) {
        fa_time left =
            fa_calendar_between(calendar_of_rule(engine, alarm), alarm->for_measure,
                                engine->now.wall, alarm->deadline.armed + alarm->deadline.length);
        left = left > 0 ? left : 0;
        alarm->held = left < alarm->texts->for_ms ? alarm->texts->for_ms - left : 0;
    }
    fa_disarm(&engine->alarm_heap, &alarm->deadline);
}

/* It never was an alarm: no trace but the journal's. */
static void pending_over(struct fa_engine *engine, struct fa_alarm *alarm,
                         const struct fa_deed *deed)
{
    forget_identity(engine, alarm);
    fa_disarm(&engine->alarm_heap, &alarm->deadline);
    fa_tally_alarm(engine, alarm, FA_TALLY_BRIEF, NULL);
    alarm->changed = 0;
}

static void raise_it(struct fa_engine *engine, struct fa_alarm *alarm, const struct fa_deed *deed)
{
    if ((alarm->flags & FA_FLAG_UNKNOWN) != 0) {
        /* `for` was over while the daemon was down: the data must say again that it holds. */
        alarm->state = FA_ALARM_PENDING;
        alarm->held = alarm->texts->for_ms;
        return;
    }
    alarm->raised = engine->now.wall;
    alarm->worst = alarm->value;
    fa_journal_alarm(engine, FA_J_RAISED, alarm, NULL, 0);
    fa_tally_alarm(engine, alarm, FA_TALLY_RAISED, NULL);
    fa_want_evidence(alarm, FA_CAUSE_RAISED);
    fa_hiding_raise(engine, alarm);
    fa_climb(engine, alarm);
}

static void climb(struct fa_engine *engine, struct fa_alarm *alarm, const struct fa_deed *deed)
{
    fa_climb(engine, alarm);
}

static void give_back(struct fa_engine *engine, struct fa_alarm *alarm, const struct fa_deed *deed)
{
    fa_journal_alarm(engine, FA_J_RETURNED, alarm, NULL, 0);
    fa_notifications_stop(engine, alarm);
    if (fa_flap_calm(engine, alarm)) {
        return;
    }
    if (!fa_is_hidden(alarm)) {
        fa_hiding_keep_left(engine, alarm);
        fa_tell_told(engine, alarm, FA_NOTE_RETURNED, NULL);
    }
    fa_arm(engine, &engine->alarm_heap, &alarm->deadline, engine->setup->returned_max);
}

static void resume(struct fa_engine *engine, struct fa_alarm *alarm, const struct fa_deed *deed)
{
    fa_journal_alarm(engine, FA_J_RESUMED, alarm, NULL, alarm->step);
    fa_want_evidence(alarm, FA_CAUSE_RESUMED);
    bool goes_on = fa_flap_resume(engine, alarm);
    if (deed->for_ms > engine->setup->rearm) { /* for_ms: how long it had been returned */
        alarm->climbing = false;
        alarm->step = alarm->loop = 0;
        fa_climb(engine, alarm);
    } else if (!goes_on) {
        fa_climb_again(engine, alarm);
    }
}

static void fires_on(struct fa_engine *engine, struct fa_alarm *alarm, const struct fa_deed *deed)
{
    if ((alarm->wanted & FA_CAUSE_WORSE) != 0) {
        fa_hiding_worse(alarm);
    }
    if (fa_flap_is_news(engine, alarm)) {
        fa_climb_again(engine, alarm);
    }
}

/* Before the time they gave, the owner says more or closes it. */
static void keep_word(struct fa_engine *engine, struct fa_alarm *alarm, const char *who)
{
    if (who != NULL && alarm->people->owner != NULL && strcmp(alarm->people->owner, who) == 0) {
        fa_journal_alarm(engine, FA_J_KEPT, alarm, who, alarm->people->promised - engine->now.wall);
        fa_tally_alarm(engine, alarm, FA_TALLY_KEPT_WORD, who);
        fa_incidents_word(engine, alarm, true);
    }
}

static void own(struct fa_engine *engine, struct fa_alarm *alarm, const struct fa_deed *deed)
{
    const struct fa_severity *severity = fa_setup_severity(engine->setup, alarm->texts->severity);
    severity = severity != NULL ? severity : &engine->setup->severities[0];
    fa_time length = deed->for_ms > 0 ? deed->for_ms : severity->ack_default;
    length = length < severity->ack_max ? length : severity->ack_max;
    keep_word(engine, alarm, deed->who);
    set_owner(engine, alarm, deed->who);
    fa_alarm_people(alarm)->promised = engine->now.wall + length;
    alarm->flags &= ~FA_FLAG_OVERDUE;
    fa_journal_alarm(engine, FA_J_ACKED, alarm, deed->who, length);
    fa_notifications_stop(engine, alarm);
    fa_tell_told(engine, alarm, FA_NOTE_ACKNOWLEDGED, deed->who);
    fa_arm(engine, &engine->alarm_heap, &alarm->deadline, length);
}

/* The promised word did not come: the climb goes on where it was, and one level above the owner.
 * With nobody above, the next step is the level above. */
static void overdue(struct fa_engine *engine, struct fa_alarm *alarm, const struct fa_deed *deed)
{
    struct fa_alarm_people *people = fa_alarm_people(alarm);
    char *late = people->owner;
    people->owner = NULL;
    people->promised = 0;
    alarm->flags |= FA_FLAG_OVERDUE;
    fa_journal_alarm(engine, FA_J_OVERDUE, alarm, late, 0);
    if (late != NULL) {
        fa_tally_alarm(engine, alarm, FA_TALLY_MISSED_WORD, late);
    }
    fa_incidents_word(engine, alarm, false);
    if (late != NULL && fa_tell_above(engine, alarm, late, FA_NOTE_OVERDUE)) {
        fa_climb_again(engine, alarm);
    } else {
        fa_climb(engine, alarm);
    }
    free(late);
}

/* Who owned it may not know of it any more. It is no missed word: nobody is to blame. */
static void disown(struct fa_engine *engine, struct fa_alarm *alarm, const struct fa_deed *deed)
{
    struct fa_alarm_people *people = fa_alarm_people(alarm);
    free(people->owner);
    people->owner = NULL;
    people->promised = 0;
    fa_climb_again(engine, alarm);
}

/* Closed. A series that still fires keeps the alarm in memory for `rearm`, so that the next sample
 * does not raise it at once; then it is raised anew. */
static void close_it(struct fa_engine *engine, struct fa_alarm *alarm, const struct fa_deed *deed)
{
    const char *who = deed->who; /* NULL: the data */
    bool still_fires = (alarm->flags & FA_FLAG_FILED) == 0 && alarm->level == FA_LEVEL_FIRING;
    keep_word(engine, alarm, who);
    fa_journal_alarm(engine, FA_J_RESOLVED, alarm, who, 0);
    if (who != NULL) {
        set_owner(engine, alarm, who);
    }
    if (alarm->people->promised != 0) {
        fa_alarm_people(alarm)->promised = 0;
    }
    fa_notifications_stop(engine, alarm);
    fa_tell_told(engine, alarm, FA_NOTE_RESOLVED, who);
    fa_incidents_closed(engine, alarm);
    if (still_fires) { /* a person closed it: data do so by saying that it does not */
        fa_arm(engine, &engine->alarm_heap, &alarm->deadline, engine->setup->rearm);
    } else {
        forget_identity(engine, alarm);
        fa_disarm(&engine->alarm_heap, &alarm->deadline);
    }
}

static void unowned(struct fa_engine *engine, struct fa_alarm *alarm, const struct fa_deed *deed)
{
    fa_journal_alarm(engine, FA_J_UNOWNED, alarm, NULL, 0);
    fa_tell_above_rung(engine, alarm, FA_NOTE_UNOWNED);
    forget_identity(engine, alarm);
    fa_disarm(&engine->alarm_heap, &alarm->deadline);
}

static void forget(struct fa_engine *engine, struct fa_alarm *alarm, const struct fa_deed *deed)
{
    forget_identity(engine, alarm);
    fa_disarm(&engine->alarm_heap, &alarm->deadline);
}

/* A person closed it, and `rearm` later its series still fires: a new alarm. */
static void raise_anew(struct fa_engine *engine, struct fa_alarm *alarm, const struct fa_deed *deed)
{
    if ((alarm->flags & (FA_FLAG_UNKNOWN | FA_FLAG_ORPHANED)) != 0) {
        forget(engine, alarm, NULL); /* nothing says that it still fires; data that do, raise it */
        return;
    }
    const struct fa_policy *policy = fa_setup_policy(engine->setup, alarm->texts->policy);
    struct fa_alarm_spec spec = {
        .identity = alarm->identity,
        .rule = alarm->texts->rule,
        .category = alarm->texts->category,
        .severity = alarm->texts->severity,
        .labels = fa_alarm_labels(alarm),
        .summary = alarm->texts->summary,
        .expect = alarm->texts->expect,
        .policy = policy != NULL ? policy : fa_policy_of(engine, alarm),
        .flags = alarm->flags & (FA_FLAG_LATCHED | FA_FLAG_SHADOW | FA_FLAG_TROUBLE),
        .since = alarm->since,
        .value = alarm->value,
        .source = alarm->source,
    };
    forget(engine, alarm, NULL);
    fa_alarm_start(engine, fa_alarm_begin(engine, &spec));
}

/* ---- the table ---- */

/* clang-format off */
/* clang-format off */
static const struct cell fsm[FA_ALARM__COUNT][FA_AEV__COUNT] = {
    [FA_ALARM_PENDING] = {
        [FA_AEV_FIRE]    = {FA_ALARM_PENDING, pending_holds, "for goes on"},
        [FA_AEV_CLEAR]   = {FA_ALARM_RESOLVED, pending_over, "it did not last: never raised"},
        [FA_AEV_UNKNOWN] = {FA_ALARM_PENDING, pending_unknown, "for stands still without data"},
        [FA_AEV_DUE]     = {FA_ALARM_UNACKED, raise_it, "for is over: step 1 is told"},
        [FA_AEV_ACK]     = {FA_ALARM_PENDING, NULL, "not raised yet"},
        [FA_AEV_RESOLVE] = {FA_ALARM_PENDING, NULL, "not raised yet"},
        [FA_AEV_DISOWN]  = {FA_ALARM_PENDING, NULL, "not raised yet"},
    },
    [FA_ALARM_UNACKED] = {
        [FA_AEV_FIRE]    = {FA_ALARM_UNACKED, fires_on, "climbs on"},
        [FA_AEV_CLEAR]   = {FA_ALARM_RETURNED, give_back, "steps stop, those told are told"},
        [FA_AEV_UNKNOWN] = {FA_ALARM_UNACKED, nothing, "climbs on without data"},
        [FA_AEV_DUE]     = {FA_ALARM_UNACKED, climb, "the next step or loop is told"},
        [FA_AEV_ACK]     = {FA_ALARM_ACKED, own, "owned until the promised time"},
        [FA_AEV_RESOLVE] = {FA_ALARM_RESOLVED, close_it, "closed by a person"},
        [FA_AEV_DISOWN]  = {FA_ALARM_UNACKED, NULL, "nobody owns it"},
    },
    [FA_ALARM_ACKED] = {
        [FA_AEV_FIRE]    = {FA_ALARM_ACKED, nothing, "owned"},
        [FA_AEV_CLEAR]   = {FA_ALARM_RESOLVED, close_it, "over, and somebody had owned it"},
        [FA_AEV_UNKNOWN] = {FA_ALARM_ACKED, nothing, "owned"},
        [FA_AEV_DUE]     = {FA_ALARM_UNACKED, overdue, "no word came: the level above hears"},
        [FA_AEV_ACK]     = {FA_ALARM_ACKED, own, "a new promise, or another owner"},
        [FA_AEV_RESOLVE] = {FA_ALARM_RESOLVED, close_it, "closed by a person"},
        [FA_AEV_DISOWN]  = {FA_ALARM_UNACKED, disown, "its owner stepped out: the climb goes on"},
    },
    [FA_ALARM_RETURNED] = {
        [FA_AEV_FIRE]    = {FA_ALARM_UNACKED, resume, "the same alarm and step within rearm"},
        [FA_AEV_CLEAR]   = {FA_ALARM_RETURNED, nothing, "over"},
        [FA_AEV_UNKNOWN] = {FA_ALARM_RETURNED, nothing, "over, as last known"},
        [FA_AEV_DUE]     = {FA_ALARM_RESOLVED, unowned, "nobody owned it: the level above hears"},
        [FA_AEV_ACK]     = {FA_ALARM_RESOLVED, close_it, "over and owned"},
        [FA_AEV_RESOLVE] = {FA_ALARM_RESOLVED, close_it, "closed by a person"},
        [FA_AEV_DISOWN]  = {FA_ALARM_RETURNED, NULL, "nobody owns it"},
    },
    [FA_ALARM_RESOLVED] = {
        [FA_AEV_FIRE]    = {FA_ALARM_RESOLVED, nothing, "quiet until rearm is over"},
        [FA_AEV_CLEAR]   = {FA_ALARM_RESOLVED, forget, "the series is over too"},
        [FA_AEV_UNKNOWN] = {FA_ALARM_RESOLVED, nothing, "quiet until rearm is over"},
        [FA_AEV_DUE]     = {FA_ALARM_RESOLVED, raise_anew, "it still fires: a new alarm"},
        [FA_AEV_ACK]     = {FA_ALARM_RESOLVED, NULL, "closed already"},
        [FA_AEV_RESOLVE] = {FA_ALARM_RESOLVED, NULL, "closed already"},
        [FA_AEV_DISOWN]  = {FA_ALARM_RESOLVED, NULL, "closed already"},
    },
};
/* clang-format on */

static const char *const event_names[FA_AEV__COUNT] = {
    "fire", "clear", "unknown", "due", "acknowledge", "resolve", "disown",
};

bool fa_alarm_cell(size_t index, struct fa_alarm_cell_text *ret_text)
{
    if (index >= (size_t)FA_ALARM__COUNT * FA_AEV__COUNT) {
        return false;
    }
    const struct cell *cell = &fsm[index / FA_AEV__COUNT][index % FA_AEV__COUNT];
    *ret_text = (struct fa_alarm_cell_text){
        fa_alarm_state_name((enum fa_alarm_state)(index / FA_AEV__COUNT)),
        event_names[index % FA_AEV__COUNT],
        cell->act != NULL ? fa_alarm_state_name(cell->next) : "refused",
        cell->why,
    };
    return true;
}

int fa_alarm_event(struct fa_engine *engine, struct fa_alarm *alarm, enum fa_alarm_event event,
                   const struct fa_deed *deed)
{
    static const struct fa_deed nobody = {0};
    struct fa_deed given = deed != NULL ? *deed : nobody;
    if ((alarm->flags & FA_FLAG_DRILL) != 0) {
        event = fa_drill_event(engine, alarm, event, &given);
    }
    const struct cell *cell = &fsm[alarm->state][event];
    if (cell->act == NULL) {
        return FA_ECONFLICT;
    }
    if (event == FA_AEV_CLEAR && (alarm->flags & (FA_FLAG_LATCHED | FA_FLAG_FILED)) != 0 &&
        alarm->state != FA_ALARM_PENDING && alarm->state != FA_ALARM_RESOLVED) {
        return 0;
    }
    if (event == FA_AEV_DUE && fa_is_hidden(alarm) && alarm->state != FA_ALARM_RESOLVED) {
        fa_hiding_due(engine, alarm);
        return 0;
    }
    if (event == FA_AEV_DUE && fa_flap_is_calm(alarm)) {
        fa_flap_stays(engine, alarm);
        return 0;
    }
    if (event == FA_AEV_UNKNOWN && (alarm->flags & FA_FLAG_UNKNOWN) == 0) {
        alarm->flags |= FA_FLAG_UNKNOWN;
        fa_journal_alarm(engine, FA_J_UNKNOWN, alarm, NULL, 0);
        fa_touch_alarm(engine, alarm);
    }
    if (alarm->state == FA_ALARM_RETURNED && event == FA_AEV_FIRE) {
        /* A calm that nobody was told of is none: `rearm` does not count it. */
        given.for_ms = fa_flap_is_calm(alarm) ? 0 : engine->now.wall - alarm->changed;
    }
    if (cell->next != alarm->state) {
        enter(engine, alarm, cell->next);
    }
    fa_touch_alarm(engine, alarm);
    cell->act(engine, alarm, &given);
    fa_hiding_follow(engine, alarm);
    fa_alarm_settle(engine, alarm);
    return 0;
}

static bool same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool is_same(const struct fa_alarm_texts *texts, const struct fa_alarm_spec *spec)
{
    return texts->for_ms == spec->for_ms && same_text(texts->rule, spec->rule) &&
           same_text(texts->category, spec->category) &&
           same_text(texts->severity, spec->severity) &&
           same_text(texts->policy, spec->policy->name) &&
           same_text(texts->policy_hash, spec->policy->hash) &&
           same_text(texts->summary, spec->summary) && same_text(texts->expect, spec->expect);
}

static const struct fa_alarm_texts *texts_of(struct fa_engine *engine,
                                             const struct fa_alarm_spec *spec)
{
    struct fa_interned **texts = &engine->texts;
    const struct fa_alarm *last = engine->alarms.last;
    const char *hash = fa_use_policy(engine, spec->policy); /* its row may have been lost */
    if (last != NULL && is_same(last->texts, spec)) {       /* a storm of one rule */
        return last->texts;
    }
    const struct fa_alarm_texts found = {
        .rule = fa_intern(texts, spec->rule),
        .category = fa_intern(texts, spec->category),
        .severity = fa_intern(texts, spec->severity),
        .policy = fa_intern(texts, spec->policy->name),
        .policy_hash = hash,
        .summary = fa_intern(texts, spec->summary),
        .expect = fa_intern(texts, spec->expect),
        .for_ms = spec->for_ms,
    };
    return fa_intern_bytes(texts, &found, sizeof found);
}

struct fa_alarm *fa_alarm_begin(struct fa_engine *engine, const struct fa_alarm_spec *spec)
{
    struct fa_alarm *alarm = fa_alarm_new();
    do {
        alarm->id.id = fa_id_random(&engine->rng);
    } while (fa_id_is_zero(alarm->id.id) || fa_engine_alarm(engine, alarm->id) != NULL);
    fa_alarm_name(alarm, fa_str_of(spec->identity), fa_str_of(spec->labels));
    alarm->texts = texts_of(engine, spec);
    alarm->state = FA_ALARM_PENDING;
    alarm->flags = spec->flags;
    alarm->level = FA_LEVEL_FIRING;
    alarm->value = spec->value;
    alarm->since = spec->since;
    alarm->source = fa_source_copy(spec->source);
    alarm->raised = alarm->changed = engine->now.wall;
    alarm->for_measure = (uint8_t)spec->for_measure;
    fa_book_add(&engine->alarms, alarm);
    fa_names_add(&engine->identities, alarm);
    fa_further_count(engine, alarm, true);
    fa_kept_out_apply(engine, alarm, alarm->identity);
    fa_touch_alarm(engine, alarm);
    return alarm;
}

void fa_alarm_start(struct fa_engine *engine, struct fa_alarm *alarm)
{
    if (alarm->texts->for_ms > 0) {
        arm_for(engine, alarm);
        fa_journal_alarm(engine, FA_J_PENDING, alarm, NULL, alarm->deadline.length);
        return;
    }
    int rc = fa_alarm_event(engine, alarm, FA_AEV_DUE, NULL);
    fa_assert(rc == 0);
}

void fa_alarm_settle(struct fa_engine *engine, struct fa_alarm *alarm)
{
    if (alarm->state == FA_ALARM_RESOLVED && alarm->notifications == NULL &&
        alarm->deadline.length == FA_NEVER) {
        fa_touch_alarm(engine, alarm); /* the step's end moves it to history */
    }
}
