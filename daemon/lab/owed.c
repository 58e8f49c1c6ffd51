/* SPDX-License-Identifier: MIT */
/* What the daemon owes, told from outside: from the configuration's lists, from what was asked and
 * answered and from what went out, with no function of the deciding rooms that decides the same.
 *
 *   1, 3  an acknowledgement that was answered holds until its promised time, over crashes too, and
 *         not longer; nobody but a person closes a filing
 *   3, 4  each rung tells everybody whom the policy names, in the words that it had when the alarm
 *         began, widened loop by loop, but those who must not know; a rung that a conflict emptied
 *         tells the independent contacts; who has no channel that may carry it is passed over
 *   6     an alarm ends by data only when data came that are young enough; a sample past its
 *         threshold is never without an alarm
 *   7     when all tries of a rung have failed and nobody was reached, the next rung is told at
 * once 9     limits hold
 *
 * Where a person of the circle has left the directory, who may be told is not certain: then only
 * the independent contacts are owed anything. */
#include "lab/world.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool is_climb_kind(enum fa_notification_kind kind)
{
    return kind == FA_NOTE_ALARM || kind == FA_NOTE_REMINDER || kind == FA_NOTE_OVERDUE;
}

static bool is_live(const struct fa_notification *n)
{
    return n->state == FA_NOTICE_QUEUED || n->state == FA_NOTICE_WAITING ||
           n->state == FA_NOTICE_SLOW || n->state == FA_NOTICE_HELD;
}

/* ---- 3, 4: whom a rung tells ---- */

struct rung {
    uint32_t step, loop;
};

static void add_targets(const struct fa_lab *lab, const struct fa_alarm *alarm,
                        const struct fa_step *step, bool *set)
{
    for (size_t t = 0; t < step->target_count; t++) {
        fa_lab_add_target(lab, alarm, step->targets[t], set);
    }
}

/* The managers of all in set; false: all of them are in it. */
static bool add_managers(const struct fa_directory *dir, bool *set)
{
    bool *above = fa_xcalloc(dir->people_count + 1, sizeof *above);
    bool added = false;
    for (size_t i = 0; i < dir->people_count; i++) {
        const char *name = set[i] ? dir->people[i].manager : NULL;
        size_t manager = fa_lab_person(dir, name, name != NULL ? strlen(name) : 0);
        if (manager != SIZE_MAX && !set[manager]) {
            above[manager] = added = true;
        }
    }
    for (size_t i = 0; i < dir->people_count; i++) {
        set[i] = set[i] || above[i];
    }
    free(above);
    return added;
}

/* Those who are there; when none of those who may know is, all of them. alarm NULL: all may. */
static void add_independents(struct fa_lab *lab, const struct fa_alarm *alarm, bool *set)
{
    const struct fa_directory *dir = lab->config->people;
    const struct fa_incident_id none = {{{0}}};
    bool any_there = false;
    for (int pass = 0; pass < 2 && !any_there; pass++) {
        for (size_t i = 0; i < dir->people_count; i++) {
            const char *name = dir->people[i].name;
            if (!dir->people[i].independent || (pass == 0 && fa_lab_is_away(lab, i)) ||
                (alarm != NULL && fa_lab_why_not(lab, alarm, none, name, NULL) != NULL)) {
                continue;
            }
            set[i] = any_there = true;
        }
    }
}

static size_t repeat_of(const struct fa_policy *policy)
{
    return policy->repeat > 0 ? policy->repeat - 1 : policy->step_count - 1;
}

/* The number of the first loop that adds nobody more. */
static uint32_t widest_loop(const struct fa_lab *lab, const struct fa_alarm *alarm,
                            const struct fa_policy *policy)
{
    const struct fa_directory *dir = lab->config->people;
    uint32_t widest = 0;
    for (size_t s = repeat_of(policy); s < policy->step_count; s++) {
        bool *set = fa_xcalloc(dir->people_count + 1, sizeof *set);
        uint32_t loop = 2;
        add_targets(lab, alarm, &policy->steps[s], set);
        while (add_managers(dir, set)) {
            loop++;
        }
        widest = loop > widest ? loop : widest;
        free(set);
    }
    return widest;
}

/* As the line of command goes up; who is away is stood in for afterwards. */
static uint32_t add_lines(const struct fa_lab *lab, uint32_t levels, bool *set)
{
    const struct fa_directory *dir = lab->config->people;
    bool *line = fa_xcalloc(dir->people_count + 1, sizeof *line);
    memcpy(line, set, dir->people_count * sizeof *line);
    while (levels > 0 && add_managers(dir, line)) {
        levels--;
    }
    for (size_t i = 0; i < dir->people_count; i++) {
        line[i] = line[i] && !set[i];
    }
    for (size_t i = 0; i < dir->people_count; i++) {
        if (line[i]) {
            fa_lab_add_there(lab, i, set);
        }
    }
    free(line);
    return levels;
}

static void add_rung(struct fa_lab *lab, const struct fa_alarm *alarm,
                     const struct fa_policy *policy, struct rung rung, bool *set)
{
    add_targets(lab, alarm, &policy->steps[rung.step], set);
    uint32_t left = add_lines(lab, rung.loop, set);
    for (size_t s = 0; left > 0 && s < policy->step_count; s++) {
        add_targets(lab, alarm, &policy->steps[s], set);
    }
    if (left > 1) {
        add_independents(lab, NULL, set);
    }
}

static bool any(const bool *set, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (set[i]) {
            return true;
        }
    }
    return false;
}

/* True when somebody had to be taken out. */
static bool take_out(struct fa_lab *lab, const struct fa_alarm *alarm, bool *set)
{
    const struct fa_directory *dir = lab->config->people;
    struct fa_incident_id none = {{{0}}};
    bool taken = false;
    for (size_t i = 0; i < dir->people_count; i++) {
        if (set[i] && fa_lab_why_not(lab, alarm, none, dir->people[i].name, NULL) != NULL) {
            set[i] = false;
            taken = true;
        }
    }
    return taken;
}

static bool names_channel(const struct fa_step *step, const char *channel)
{
    bool named = step == NULL || step->channel_count == 0;
    for (size_t i = 0; !named && i < step->channel_count; i++) {
        named = strcmp(step->channels[i], channel) == 0;
    }
    return named;
}

/* Has the person a channel that may carry it, beyond doubt? step NULL: any of theirs. */
static bool is_reachable(struct fa_lab *lab, const struct fa_alarm *alarm,
                         const struct fa_person_entry *entry, const struct fa_step *step)
{
    const struct fa_directory *dir = lab->config->people;
    struct fa_incident_id none = {{{0}}};
    bool unsure = fa_lab_has_unknown(lab, alarm);
    for (size_t c = 0; c < entry->contact_count; c++) {
        const char *name = entry->contacts[c].channel;
        for (size_t i = 0; i < dir->channel_count; i++) {
            if (strcmp(dir->channels[i].name, name) == 0 && names_channel(step, name) &&
                !(unsure && dir->channels[i].shared) &&
                fa_lab_why_not(lab, alarm, none, entry->name, name) == NULL) {
                return true;
            }
        }
    }
    return false;
}

struct look {
    struct fa_alarm_id alarm;
    const char *person;
    bool found;
};

static void look(void *ctx, const struct fa_notification *n)
{
    struct look *look = ctx;
    look->found = look->found || (fa_id_eq(n->alarm.id, look->alarm.id) && is_live(n) &&
                                  strcmp(n->person, look->person) == 0);
}

static bool is_being_told(struct fa_lab *lab, const struct fa_alarm *alarm, const char *person)
{
    struct look state = {alarm->id, person, false};
    fa_engine_each_notification(lab->engine, look, &state);
    return state.found;
}

static void count_live(void *ctx, const struct fa_notification *n)
{
    *(size_t *)ctx += n->of_series && is_live(n);
}

static bool outbox_is_full(struct fa_lab *lab)
{
    size_t live = 0;
    fa_engine_each_notification(lab->engine, count_live, &live);
    return live >= lab->config->setup.outbox_max;
}

/* How many are owed this rung; a failure for each of them whom nothing is under way to. */
static size_t check_told(struct fa_lab *lab, const struct fa_alarm *alarm, const bool *set,
                         const struct fa_step *step)
{
    const struct fa_directory *dir = lab->config->people;
    bool unsure = fa_lab_has_unknown(lab, alarm);
    size_t owed = 0;
    for (size_t i = 0; i < dir->people_count; i++) {
        const struct fa_person_entry *entry = &dir->people[i];
        if (!set[i] || (unsure && !entry->independent) || !is_reachable(lab, alarm, entry, step)) {
            continue;
        }
        owed++;
        if (!is_being_told(lab, alarm, entry->name) &&
            !fa_lab_storm_is_suppressed(lab, alarm, entry->name)) {
            fa_lab_fail(lab, "invariant 3 (a step names somebody): %s of %s is not told to %s",
                        alarm->loop > 0 ? "a loop" : "a step", alarm->identity, entry->name);
        }
    }
    return owed;
}

static void check_rung(struct fa_lab *lab, const struct fa_alarm *alarm, int64_t number,
                       bool is_last)
{
    const struct fa_directory *dir = lab->config->people;
    const struct fa_lab_alarm *seen = fa_lab_find_alarm(lab, alarm->id);
    const struct fa_policy *policy = seen->policy;
    uint32_t step = (uint32_t)(number % 1000) - 1, loop = (uint32_t)(number / 1000);
    if (policy == NULL) {
        return;
    }
    if (step >= policy->step_count) {
        fa_lab_fail(lab, "invariant 3: %s is told step %u of %zu", alarm->identity, step + 1,
                    policy->step_count);
        return;
    }
    if (!fa_lab_is_open(lab, policy->steps[step].during)) {
        fa_lab_fail(lab, "step %u of %s is told outside its working hours", step + 1,
                    alarm->identity);
    }
    bool *set = fa_xcalloc(dir->people_count + 1, sizeof *set);
    add_rung(lab, alarm, policy, (struct rung){step, loop}, set);
    bool emptied = take_out(lab, alarm, set) && !any(set, dir->people_count);
    if (emptied) {
        add_independents(lab, alarm, set);
    }
    size_t owed = check_told(lab, alarm, set, emptied || loop > 0 ? NULL : &policy->steps[step]);
    free(set);
    bool admits = false; /* that nobody is reached */
    for (size_t i = lab->step_from; i < lab->actions.count; i++) {
        const struct fa_action *action = &lab->actions.list[i];
        admits =
            admits || (action->kind == FA_ACT_JOURNAL && action->u.journal.code == FA_J_UNREACHED &&
                       fa_id_eq(action->u.journal.alarm.id, alarm->id.id));
    }
    bool is_paused = alarm->clock == FA_CLOCK_OPENING; /* check.c knows whether it may */
    if (is_last && owed == 0 && !admits && !is_paused && !fa_lab_has_unknown(lab, alarm)) {
        fa_lab_fail(lab,
                    "invariant 3 (the last step always names somebody): %s stays on step %u "
                    "loop %u, which tells nobody",
                    alarm->identity, step + 1, loop);
    }
}

static void check_rungs(struct fa_lab *lab)
{
    for (size_t i = lab->step_from; i < lab->actions.count && !lab->failed; i++) {
        const struct fa_action *action = &lab->actions.list[i];
        if (action->kind != FA_ACT_JOURNAL || action->u.journal.code != FA_J_STEP) {
            continue;
        }
        const struct fa_alarm *alarm = fa_engine_alarm(lab->engine, action->u.journal.alarm);
        bool is_last = true;
        for (size_t k = i + 1; k < lab->actions.count; k++) {
            const struct fa_action *later = &lab->actions.list[k];
            is_last =
                is_last && !(later->kind == FA_ACT_JOURNAL && later->u.journal.code == FA_J_STEP &&
                             fa_id_eq(later->u.journal.alarm.id, action->u.journal.alarm.id));
        }
        if (alarm != NULL && (alarm->flags & FA_FLAG_SHADOW) == 0 && !fa_is_hidden(alarm) &&
            !outbox_is_full(lab)) {
            check_rung(lab, alarm, action->u.journal.number, is_last);
        }
    }
}

/* ---- 7: failures move on ---- */

static const struct fa_severity *severity_of(const struct fa_lab *lab, const struct fa_alarm *alarm)
{
    const struct fa_setup *setup = &lab->config->setup;
    for (size_t i = 0; i < setup->severity_count; i++) {
        if (strcmp(setup->severities[i].name, alarm->texts->severity) == 0) {
            return &setup->severities[i];
        }
    }
    return &setup->severities[0];
}

static bool has_failed(const struct fa_lab *lab, const struct fa_lab_key *key,
                       const struct fa_severity *severity)
{
    return key->rejected || key->retries >= severity->fail_attempts ||
           lab->elapsed > key->tried + severity->fail_after + FA_SECOND;
}

struct hope {
    struct fa_lab *lab;
    const struct fa_alarm *alarm;
    bool found; /* something of the rung is under way that was not tried yet */
};

static void look_for_hope(void *ctx, const struct fa_notification *n)
{
    struct hope *hope = ctx;
    hope->found =
        hope->found || (fa_id_eq(n->alarm.id, hope->alarm->id.id) && is_live(n) &&
                        n->state != FA_NOTICE_HELD && n->step == hope->alarm->step &&
                        n->loop == hope->alarm->loop && fa_lab_find_key(hope->lab, n->id) == NULL);
}

static void check_moves_on(void *ctx, const struct fa_alarm *alarm)
{
    struct fa_lab *lab = ctx;
    const struct fa_lab_alarm *seen = fa_lab_find_alarm(lab, alarm->id);
    const struct fa_severity *severity = severity_of(lab, alarm);
    struct hope hope = {lab, alarm, false};
    size_t tries = 0;
    uint32_t widest = seen != NULL && seen->policy != NULL && alarm->loop > 0
                          ? widest_loop(lab, alarm, seen->policy)
                          : UINT32_MAX;
    if (lab->failed || alarm->state != FA_ALARM_UNACKED || !alarm->climbing ||
        (alarm->flags & (FA_FLAG_SHADOW | FA_FLAG_PUT_OFF)) != 0 || fa_is_hidden(alarm) ||
        seen == NULL || seen->policy == NULL || alarm->clock == FA_CLOCK_OPENING ||
        alarm->loop > widest ||
        (alarm->loop == widest && alarm->step + 1u >= seen->policy->step_count)) {
        return;
    }
    if (seen->spared) {
        return; /* somebody of the rung knows of it */
    }
    for (size_t at = seen->last_key; at > 0; at = lab->keys[at - 1].before) {
        const struct fa_lab_key *key = &lab->keys[at - 1];
        if (!is_climb_kind(key->kind)) {
            continue;
        }
        /* A start begins the step's wait anew, and not the step. */
        bool is_rung = key->step == alarm->step && key->loop == alarm->loop;
        if (key->sent != FA_NEVER && (key->sent >= seen->told_from || is_rung)) {
            const char *who = lab->deliveries[key->first].person;
            const struct fa_incident_id none = {{{0}}};
            if (key->tried <= lab->reloaded ||
                fa_lab_why_not(lab, alarm, none, who, NULL) == NULL) {
                return; /* somebody was reached; whom a reload keeps out, only the wait replaces */
            }
        }
        if (is_rung && key->tried >= seen->last_step) {
            bool is_line = !fa_id_eq(key->id.id, key->message.id);
            const struct fa_severity *of = is_line ? &lab->config->setup.severities[0] : severity;
            if (key->excused || !has_failed(lab, key, of)) {
                return;
            }
            tries++;
        }
    }
    fa_engine_each_notification(lab->engine, look_for_hope, &hope);
    bool waits_for_room = alarm->deadline.length == FA_OUTBOX_FULL_WAIT;
    if (tries > 0 && !hope.found && !waits_for_room && !outbox_is_full(lab)) {
        fa_lab_fail(lab,
                    "invariant 7 (a failed delivery moves the escalation on): all %zu tries "
                    "of step %u loop %u of %s failed and it stays there",
                    tries, alarm->step + 1, alarm->loop, alarm->identity);
    }
}

/* ---- 1, 3: promises ---- */

void fa_lab_owed_ask(struct fa_lab *lab, const struct fa_event *event)
{
    const struct fa_alarm *alarm = fa_engine_alarm(lab->engine, event->u.act.alarm);
    if (event->kind != FA_EV_ACK || alarm == NULL || alarm->state == FA_ALARM_RETURNED) {
        return;
    }
    const struct fa_severity *severity = severity_of(lab, alarm);
    fa_time length = event->u.act.for_ms > 0 ? event->u.act.for_ms : severity->ack_default;
    length = length < severity->ack_max ? length : severity->ack_max;
    lab->promises =
        fa_xgrow(lab->promises, lab->promise_count, &lab->promise_cap, sizeof lab->promises[0]);
    lab->promises[lab->promise_count++] =
        (struct fa_lab_promise){event->reply_to,       alarm->id, fa_xstrdup(event->u.act.who),
                                lab->elapsed + length, false,     false};
}

void fa_lab_owed_reply(struct fa_lab *lab, const struct fa_action *action)
{
    for (size_t i = 0; i < lab->promise_count; i++) {
        struct fa_lab_promise *promise = &lab->promises[i];
        if (promise->reply_to != action->u.reply.to) {
            continue;
        }
        promise->given = action->u.reply.code == 0;
        promise->over = !promise->given;
        for (size_t k = 0; promise->given && k < i; k++) {
            lab->promises[k].over =
                lab->promises[k].over || fa_id_eq(lab->promises[k].alarm.id, promise->alarm.id);
        }
    }
}

void fa_lab_owed_stop(struct fa_lab *lab)
{
    for (size_t i = 0; i < lab->promise_count; i++) {
        lab->promises[i].over = lab->promises[i].over || !lab->promises[i].given;
    }
    for (size_t i = 0; i < lab->key_count; i++) {
        lab->keys[i].excused = lab->keys[i].excused || !lab->keys[i].settled;
    }
    lab->stopped_offset = lab->wall_offset;
}

void fa_lab_owed_start(struct fa_lab *lab)
{
    /* A clock that jumped while nobody looked: how long it was away cannot be known. */
    bool unsure =
        lab->wall_offset != lab->stopped_offset || fa_lab_now(lab).wall < lab->store.last_wall;
    for (size_t i = 0; unsure && i < lab->promise_count; i++) {
        lab->promises[i].over = true;
    }
}

static void check_promise(struct fa_lab *lab, struct fa_lab_promise *promise, bool is_newest)
{
    const struct fa_alarm *alarm = fa_engine_alarm(lab->engine, promise->alarm);
    bool stepped_out = lab->event->kind == FA_EV_RECUSE &&
                       fa_id_eq(lab->event->u.recuse.alarm.id, promise->alarm.id) &&
                       alarm != NULL && alarm->state == FA_ALARM_UNACKED;
    if (alarm == NULL || alarm->state == FA_ALARM_RESOLVED || stepped_out) {
        promise->over = true;
    } else if (lab->elapsed < promise->until && promise->given &&
               (alarm->state != FA_ALARM_ACKED ||
                (is_newest && strcmp(alarm->people->owner, promise->who) != 0))) {
        fa_lab_fail(lab,
                    "invariant 1 (accepted means kept): %s acknowledged %s, was answered, and "
                    "it is %s and owned by %s",
                    promise->who, alarm->identity, fa_alarm_state_name(alarm->state),
                    alarm->people->owner != NULL ? alarm->people->owner : "nobody");
    } else if (is_newest && lab->elapsed > promise->until + FA_SECOND &&
               alarm->state == FA_ALARM_ACKED && !fa_is_hidden(alarm) &&
               fa_engine_next_deadline(lab->engine) > fa_lab_now(lab).mono) {
        fa_lab_fail(lab,
                    "invariant 3 (until somebody owns it): %s said nothing more, and %s is "
                    "still owned by %s",
                    promise->who, alarm->identity, alarm->people->owner);
    }
}

static void check_promises(struct fa_lab *lab)
{
    for (size_t i = 0; i < lab->promise_count && !lab->failed; i++) {
        bool is_newest = true;
        for (size_t k = i + 1; k < lab->promise_count; k++) {
            is_newest =
                is_newest && (lab->promises[k].over ||
                              !fa_id_eq(lab->promises[k].alarm.id, lab->promises[i].alarm.id));
        }
        if (!lab->promises[i].over) {
            check_promise(lab, &lab->promises[i], is_newest);
        }
    }
}

/* ---- 3: who closes filings ---- */

static void check_closers(struct fa_lab *lab)
{
    bool by_person = lab->event->kind == FA_EV_RESOLVE || lab->event->kind == FA_EV_ACK ||
                     lab->event->kind == FA_EV_REPORTER;
    for (size_t i = lab->step_from; i < lab->actions.count && !by_person; i++) {
        const struct fa_action *action = &lab->actions.list[i];
        if (action->kind == FA_ACT_JOURNAL && action->u.journal.code == FA_J_INCIDENT_CLOSED) {
            fa_lab_fail(lab, "invariant 3 (a filing is closed only by a person): nobody closed it");
        }
    }
}

/* ---- 9: limits ---- */

struct counts {
    size_t filings, alarms, live;
};

static void count_filing(void *ctx, const struct fa_incident *incident)
{
    ((struct counts *)ctx)->filings += incident->state != FA_INCIDENT_CLOSED;
}

static void count_alarm(void *ctx, const struct fa_alarm *alarm)
{
    ((struct counts *)ctx)->alarms += (alarm->flags & (FA_FLAG_FILED | FA_FLAG_TROUBLE)) == 0 &&
                                      alarm->state != FA_ALARM_RESOLVED;
}

static void check_limits(struct fa_lab *lab)
{
    const struct fa_setup *setup = &lab->config->setup;
    struct counts counts = {0};
    fa_engine_each_incident(lab->engine, count_filing, &counts);
    fa_engine_each_alarm(lab->engine, count_alarm, &counts);
    fa_engine_each_notification(lab->engine, count_live, &counts.live);
    if (counts.filings > setup->filings_open_max && lab->event->kind != FA_EV_RELOAD) {
        fa_lab_fail(lab, "invariant 9 (a limit): %zu filings are open", counts.filings);
    }
    if (counts.alarms > setup->alarms_open_max + setup->rule_count) {
        fa_lab_fail(lab, "invariant 9 (a limit): %zu alarms are open", counts.alarms);
    }
    if (counts.live > (size_t)2 * setup->outbox_max) {
        fa_lab_fail(lab, "invariant 9 (a limit): %zu messages are under way", counts.live);
    }
}

/* ---- after a step ---- */

void fa_lab_owed_step(struct fa_lab *lab)
{
    lab->reloaded = lab->event->kind == FA_EV_RELOAD ? lab->elapsed : lab->reloaded;
    check_rungs(lab);
    check_promises(lab);
    check_closers(lab);
    if (!lab->looks_at_all) {
        return;
    }
    check_limits(lab);
    if (lab->store.count == 0 && !lab->post.dead && lab->post.held_count == 0) {
        fa_engine_each_alarm(lab->engine, check_moves_on, lab);
    }
}

/* A reconciler that finds something has found an error of the engine's: nothing is damaged here. */
void fa_lab_owed_reconcile(struct fa_lab *lab)
{
    struct fa_event event = {.kind = FA_EV_RECONCILE};
    size_t before = lab->actions.count;
    if (lab->engine == NULL || lab->failed) {
        return;
    }
    fa_lab_step(lab, &event);
    if (lab->actions.count != before) {
        fa_lab_fail(lab,
                    "invariant 3 (always a next step): the reconciler found something to mend");
    }
}

/* ---- at the end ---- */

static void check_heard(void *ctx, const struct fa_alarm *alarm)
{
    struct fa_lab *lab = ctx;
    bool heard = alarm->state != FA_ALARM_UNACKED || (alarm->flags & FA_FLAG_SHADOW) != 0 ||
                 fa_is_hidden(alarm);
    for (size_t i = 0; !heard && i < lab->delivery_count; i++) {
        heard = lab->deliveries[i].reached && fa_id_eq(lab->deliveries[i].alarm.id, alarm->id.id);
    }
    for (size_t i = 0; !heard && i < lab->journal_count; i++) {
        heard = lab->journal[i].code == FA_J_UNREACHED &&
                fa_id_eq(lab->journal[i].alarm.id, alarm->id.id);
    }
    for (const struct fa_notification *n = alarm->notifications; n != NULL; n = n->next) {
        heard = heard || n->state == FA_NOTICE_HELD; /* check.c knows whether it may wait */
    }
    heard = heard || alarm->clock == FA_CLOCK_OPENING;
    if (!heard) {
        fa_lab_fail(lab, "nobody has heard of %s", alarm->identity);
    }
}

void fa_lab_owed_heard(struct fa_lab *lab)
{
    if (fa_lab_is_up(lab)) {
        fa_engine_each_alarm(lab->engine, check_heard, lab);
    }
}
