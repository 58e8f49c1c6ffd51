/* SPDX-License-Identifier: MIT */
/* The engine's frame: what is loaded, which deadline is next, one event in and its actions out.
 *
 * Invariants:
 *  1. Nothing is done inside a step but appending to `actions`: no call leaves these files.
 *  2. Each object that a step changed is written once, at the step's end, in the order
 *     policies, incidents, alarms, notifications, silences.
 *  3. An alarm in UNACKED or ACKED has an armed deadline when a step ends (shadow ones, and
 *     owned ones that are hidden, excepted): a firing alarm always has a next step on the clock.
 *  4. Same rows, same events, same times and seeds in: same actions out.
 */
#include "alarms/evidence.h"
#include "alarms/internal.h"
#include "alarms/weekly.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- objects ---- */

static void add_dirty(struct fa_dirty *dirty, void *object)
{
    dirty->list = fa_xgrow(dirty->list, dirty->count, &dirty->cap, sizeof dirty->list[0]);
    dirty->list[dirty->count++] = object;
}

void fa_touch_alarm(struct fa_engine *engine, struct fa_alarm *alarm)
{
    if (!alarm->dirty) {
        alarm->dirty = true;
        add_dirty(&engine->dirty_alarms, alarm);
    }
}

void fa_touch_incident(struct fa_engine *engine, struct fa_incident *incident)
{
    if (!incident->dirty) {
        incident->dirty = true;
        add_dirty(&engine->dirty_incidents, incident);
    }
}

void fa_touch_notification(struct fa_engine *engine, struct fa_notification *notification)
{
    if (!notification->dirty) {
        notification->dirty = true;
        add_dirty(&engine->dirty_notifications, notification);
    }
}

void fa_arm(struct fa_engine *engine, struct fa_heap *heap, struct fa_deadline *deadline,
            fa_time length)
{
    deadline->armed = engine->now.wall;
    deadline->length = length;
    if (heap == &engine->alarm_heap) {
        fa_container_of(deadline, struct fa_alarm, deadline)->clock = FA_CLOCK_ELAPSED;
    }
    if (deadline->node.index == 0) {
        deadline->node.tie = ++engine->tie;
    }
    fa_heap_set(heap, &deadline->node, length == FA_NEVER ? FA_NEVER : engine->now.mono + length);
}

void fa_arm_at(struct fa_engine *engine, struct fa_alarm *alarm, fa_time wall,
               enum fa_alarm_clock clock)
{
    fa_time left = wall - engine->now.wall;
    fa_arm(engine, &engine->alarm_heap, &alarm->deadline, left > 0 ? left : 0);
    alarm->clock = (uint8_t)clock;
}

void fa_disarm(struct fa_heap *heap, struct fa_deadline *deadline)
{
    deadline->length = FA_NEVER;
    fa_heap_remove(heap, &deadline->node);
}

void fa_add_comment(struct fa_comment **comments, size_t *count, size_t *cap,
                    struct fa_comment comment)
{
    *comments = fa_xgrow(*comments, *count, cap, sizeof(struct fa_comment));
    (*comments)[(*count)++] = comment;
}

int fa_comment_fits(const struct fa_comment *comments, size_t count, const char *text)
{
    size_t bytes = strlen(text);
    for (size_t i = 0; i < count && bytes <= FA_COMMENTS_BYTES_MAX; i++) {
        bytes += strlen(comments[i].text) + sizeof(struct fa_comment);
        bytes += comments[i].who != NULL ? strlen(comments[i].who) : 0;
    }
    return bytes <= FA_COMMENTS_BYTES_MAX ? 0 : FA_EFULL;
}

const char *fa_use_policy(struct fa_engine *engine, const struct fa_policy *policy)
{
    struct fa_policy_ref *ref = NULL;
    HASH_FIND_STR(engine->policies, policy->hash, ref);
    if (ref == NULL) {
        struct fa_buf buf;
        uint8_t key[16];
        fa_buf_init(&buf, FA_ROW_BYTES_MAX);
        ref = fa_xcalloc(1, sizeof *ref);
        fa_policy_encode(policy, &buf);
        int rc = fa_policy_decode(fa_buf_str(&buf), &ref->policy);
        fa_assert(rc == 0);
        HASH_ADD_KEYPTR(hh, engine->policies, ref->policy.hash, strlen(ref->policy.hash), ref);
        rc = fa_unhex(fa_str_of(policy->hash), key, sizeof key);
        fa_assert(rc == 0);
        fa_add_row(engine, FA_ROW_POLICY, key, sizeof key, &buf);
        fa_buf_done(&buf);
    }
    return fa_intern(&engine->texts, policy->hash);
}

const struct fa_policy *fa_policy_of(const struct fa_engine *engine, const struct fa_alarm *alarm)
{
    struct fa_policy_ref *ref = NULL;
    HASH_FIND_STR(engine->policies, alarm->texts->policy_hash, ref);
    /* A policy's row can be lost to damage; the one of that name is then the best there is. */
    const struct fa_policy *named = fa_setup_policy(engine->setup, alarm->texts->policy);
    return ref != NULL     ? &ref->policy
           : named != NULL ? named
                           : fa_setup_policy(engine->setup, FA_POLICY_OPERATORS);
}

struct fa_engine *fa_engine_new(const struct fa_setup *setup)
{
    struct fa_engine *engine = fa_xcalloc(1, sizeof *engine);
    engine->setup = setup;
    engine->hiders.due = FA_NEVER;
    engine->weekly_due = FA_NEVER;
    return engine;
}

void fa_engine_free(struct fa_engine *engine)
{
    if (engine == NULL) {
        return;
    }
    struct fa_notification *n_next;
    for (struct fa_notification *n = engine->notifications.first; n != NULL; n = n_next) {
        n_next = n->after;
        fa_notification_free(n);
    }
    struct fa_alarm *a_next;
    for (struct fa_alarm *a = engine->alarms.first; a != NULL; a = a_next) {
        a_next = a->after;
        fa_alarm_free(a);
    }
    struct fa_incident *i_next;
    for (struct fa_incident *i = engine->incidents.first; i != NULL; i = i_next) {
        i_next = i->after;
        fa_incident_free(i);
    }
    fa_silences_free(engine);
    fa_inhibit_free_groups(engine);
    fa_book_done(&engine->notifications);
    fa_book_done(&engine->alarms);
    fa_book_done(&engine->incidents);
    fa_names_done(&engine->identities);
    fa_conditions_forget(engine);
    struct fa_policy_ref *p, *p_next;
    HASH_ITER(hh, engine->policies, p, p_next) {
        HASH_DELETE(hh, engine->policies, p);
        fa_policy_done(&p->policy);
        free(p);
    }
    fa_paces_done(engine);
    fa_drills_done(engine);
    fa_tallies_done(engine);
    fa_kept_out_done(engine);
    fa_further_done(engine);
    free(engine->dirty_alarms.list);
    free(engine->dirty_incidents.list);
    free(engine->dirty_notifications.list);
    fa_heap_done(&engine->alarm_heap);
    fa_heap_done(&engine->incident_heap);
    fa_heap_done(&engine->notification_heap);
    fa_intern_done(&engine->texts);
    free(engine);
}

/* ---- events ---- */

static struct fa_heap_node *due(const struct fa_heap *heap, struct fa_now now)
{
    return fa_heap_next(heap) <= now.mono ? fa_heap_first(heap) : NULL;
}

static void tick_notifications(struct fa_engine *engine)
{
    struct fa_heap_node *node;
    if (engine->hiders.due <= engine->now.mono) {
        fa_silences_due(engine);
    }
    while ((node = due(&engine->notification_heap, engine->now)) != NULL) {
        fa_notification_due(engine, fa_container_of(node, struct fa_notification, deadline.node));
    }
}

static void tick(struct fa_engine *engine)
{
    struct fa_heap_node *node;
    tick_notifications(engine);
    while ((node = due(&engine->alarm_heap, engine->now)) != NULL) {
        struct fa_alarm *alarm = fa_container_of(node, struct fa_alarm, deadline.node);
        fa_disarm(&engine->alarm_heap, &alarm->deadline);
        int rc = fa_alarm_event(engine, alarm, FA_AEV_DUE, NULL);
        fa_assert(rc == 0);
    }
    while ((node = due(&engine->incident_heap, engine->now)) != NULL) {
        fa_incident_due(engine, fa_container_of(node, struct fa_incident, due.node));
    }
    fa_further_promote(engine);
    tick_notifications(engine); /* what the steps of this turn tell together */
    if (engine->weekly_due <= engine->now.mono) {
        fa_weekly_run(engine);
    }
}

static void identify(struct fa_buf *buf, const char *rule, const char *labels)
{
    fa_buf_puts(buf, rule);
    fa_buf_putc(buf, '{');
    fa_buf_puts(buf, labels);
    fa_buf_putc(buf, '}');
}

/* The alerts behind it now; its texts stay those that it was raised with: a message that is tried
 * again says the same words. */
static void renew_source(struct fa_alarm *alarm, const struct fa_source *source)
{
    struct fa_source fresh = *source;
    fresh.details = alarm->source != NULL ? alarm->source->details : source->details;
    struct fa_source *copy = fa_source_copy(&fresh);
    free(alarm->source);
    alarm->source = copy;
}

void fa_alarm_spec_of(const struct fa_engine *engine, const struct fa_signal *signal,
                      const char *identity, struct fa_alarm_spec *ret_spec)
{
    const struct fa_rule *rule = signal->rule;
    *ret_spec = (struct fa_alarm_spec){
        .identity = identity,
        .rule = rule->name,
        .category = rule->category,
        .severity = rule->severity,
        .labels = signal->labels,
        .summary = rule->summary,
        .expect = rule->expect,
        .policy = fa_setup_policy(engine->setup, rule->policy),
        .flags = (rule->latched ? FA_FLAG_LATCHED : 0) | (rule->shadow ? FA_FLAG_SHADOW : 0),
        .for_ms = rule->for_ms,
        .for_measure = rule->for_measure,
        .since = signal->since,
        .value = signal->value,
        .source = signal->source,
    };
}

static void signal_new(struct fa_engine *engine, const struct fa_signal *signal,
                       const char *identity)
{
    struct fa_alarm_spec spec;
    if (!fa_further_takes(engine, signal, identity)) {
        fa_alarm_spec_of(engine, signal, identity, &spec);
        fa_alarm_start(engine, fa_alarm_begin(engine, &spec));
    }
}

/* What the signal says that is worth to be looked at again later. */
static void note_signal(struct fa_alarm *alarm, const struct fa_signal *signal)
{
    static const uint32_t causes[FA_LEVEL__COUNT] = {
        [FA_LEVEL_UNKNOWN] = FA_CAUSE_UNKNOWN,
        [FA_LEVEL_CLEAR] = FA_CAUSE_CLEAR,
    };
    if (signal->level != alarm->level) {
        fa_want_evidence(alarm, causes[signal->level]);
    }
    if (signal->level == FA_LEVEL_FIRING && ((signal->worse > 0 && signal->value > alarm->worst) ||
                                             (signal->worse < 0 && signal->value < alarm->worst))) {
        alarm->worst = signal->value;
        fa_want_evidence(alarm, FA_CAUSE_WORSE);
    }
}

static void on_signal(struct fa_engine *engine, const struct fa_signal *signal)
{
    static const enum fa_alarm_event events[FA_LEVEL__COUNT] = {
        [FA_LEVEL_UNKNOWN] = FA_AEV_UNKNOWN,
        [FA_LEVEL_CLEAR] = FA_AEV_CLEAR,
        [FA_LEVEL_FIRING] = FA_AEV_FIRE,
    };
    struct fa_buf identity;
    fa_buf_init(&identity, FA_ROW_BYTES_MAX);
    identify(&identity, signal->rule->name, signal->labels);
    struct fa_alarm *alarm = fa_names_find(&engine->identities, fa_buf_text(&identity));
    if (alarm != NULL) {
        note_signal(alarm, signal);
        alarm->level = signal->level;
        if (signal->level == FA_LEVEL_FIRING) {
            alarm->value = signal->value;
        }
        if (signal->source != NULL) {
            renew_source(alarm, signal->source);
        }
        if (signal->level != FA_LEVEL_UNKNOWN) {
            alarm->flags &= ~(FA_FLAG_UNKNOWN | FA_FLAG_OVER);
            alarm->flags |= signal->level == FA_LEVEL_CLEAR ? FA_FLAG_OVER : 0;
        }
        fa_touch_alarm(engine, alarm);
        int rc = fa_alarm_event(engine, alarm, events[signal->level], NULL);
        fa_assert(rc == 0);
    } else {
        signal_new(engine, signal, fa_buf_text(&identity));
    }
    fa_buf_done(&identity);
}

bool fa_channel_is_troubled(const struct fa_engine *engine, const char *channel)
{
    static const char prefix[] = "firealarm:channel-";
    char identity[128];
    size_t len = strlen(channel);
    if (len + sizeof prefix + 2 > 96) {
        return true; /* fa_trouble() will cut it and look itself */
    }
    memcpy(identity, prefix, sizeof prefix - 1);
    memcpy(identity + sizeof prefix - 1, channel, len);
    memcpy(identity + sizeof prefix - 1 + len, "{}", 3);
    return fa_names_find(&engine->identities, identity) != NULL;
}

void fa_trouble(struct fa_engine *engine, const char *code, const char *text, bool over)
{
    char identity[128], rule[96];
    snprintf(rule, sizeof rule, "firealarm:%s", code);
    snprintf(identity, sizeof identity, "%s{}", rule);
    struct fa_alarm *alarm = fa_names_find(&engine->identities, identity);
    if (alarm != NULL) {
        alarm->level = over ? FA_LEVEL_CLEAR : FA_LEVEL_FIRING;
        fa_touch_alarm(engine, alarm);
        int rc = fa_alarm_event(engine, alarm, over ? FA_AEV_CLEAR : FA_AEV_FIRE, NULL);
        fa_assert(rc == 0);
    } else if (!over) {
        struct fa_alarm_spec spec = {
            .identity = identity,
            .rule = rule,
            .category = "operators",
            .severity = engine->setup->severities[0].name,
            .labels = "",
            .summary = text,
            .expect = "Mend it, then resolve this alarm",
            .policy = fa_setup_policy(engine->setup, FA_POLICY_OPERATORS),
            .flags = FA_FLAG_TROUBLE,
            .since = engine->now.wall,
            .value = (double)NAN,
        };
        fa_alarm_start(engine, fa_alarm_begin(engine, &spec));
    }
}

void fa_trouble_once(struct fa_engine *engine, const char *code, const char *text)
{
    char identity[128];
    fa_trouble(engine, code, text, false);
    snprintf(identity, sizeof identity, "firealarm:%s{}", code);
    struct fa_alarm *alarm = fa_names_find(&engine->identities, identity);
    fa_assert(alarm != NULL);
    alarm->level = FA_LEVEL_CLEAR;
}

static int on_deed(struct fa_engine *engine, const struct fa_event *event)
{
    struct fa_alarm *alarm = fa_book_find(&engine->alarms, event->u.act.alarm.id);
    struct fa_deed deed = {event->u.act.who, event->u.act.text, event->u.act.for_ms};
    if (alarm == NULL || alarm->state == FA_ALARM_PENDING) {
        return FA_ENOTFOUND;
    }
    bool worded = deed.text != NULL && deed.text[0] != '\0';
    int rc = worded
                 ? fa_comment_fits(alarm->people->comments, alarm->people->comment_count, deed.text)
                 : 0;
    if (event->kind != FA_EV_COMMENT) {
        worded = worded && rc == 0; /* the deed counts, whether or not its words fit */
        rc = fa_alarm_event(engine, alarm, event->kind == FA_EV_ACK ? FA_AEV_ACK : FA_AEV_RESOLVE,
                            &deed);
    }
    if (rc == 0 && event->kind == FA_EV_ACK) {
        fa_guesses_forget(alarm, deed.who);
    }
    if (rc == 0 && worded) {
        fa_alarm_add_comment(alarm, (struct fa_comment){fa_xstrdup(deed.who), fa_xstrdup(deed.text),
                                                        engine->now.wall});
        fa_touch_alarm(engine, alarm);
        if (event->kind == FA_EV_COMMENT) {
            fa_journal_alarm(engine, FA_J_COMMENTED, alarm, deed.who, 0);
        }
    }
    return rc;
}

static void on_clock(struct fa_engine *engine, fa_time delta)
{
    if (fa_clock_is_stepped(delta)) {
        fa_conditions_forget(engine);
        fa_journal(engine, FA_J_CLOCK, (struct fa_journal_ids){0}, NULL, delta);
        fa_shift_all(engine, delta);
        fa_trouble_once(engine, "clock-stepped", "the wall clock stepped; deadlines were kept");
    }
    fa_silences_due(engine);
    fa_weekly_run(engine);
}

static void on_reload(struct fa_engine *engine, const struct fa_event *event)
{
    engine->setup = event->u.reload.setup;
    if (!event->u.reload.same_rules) {
        fa_conditions_forget(engine);
    }
    fa_journal(engine, FA_J_RELOAD, (struct fa_journal_ids){0}, NULL, 0);
    fa_mark_orphans(engine);
    fa_climb_reckon(engine);
    fa_incidents_reckon(engine);
    fa_quiet_reckon(engine);
    fa_hiding_reload(engine);
    fa_tally_review(engine);
    fa_weekly_run(engine);
    engine->further_room = true; /* the limits may be others */
}

static int dispatch(struct fa_engine *engine, const struct fa_event *event, struct fa_action *reply)
{
    switch (event->kind) {
    case FA_EV_START:
        fa_engine_start(engine, event->u.start.last_wall);
        return 0;
    case FA_EV_TICK:
        tick(engine);
        return 0;
    case FA_EV_CLOCK:
        on_clock(engine, event->u.clock.delta);
        return 0;
    case FA_EV_RELOAD:
        on_reload(engine, event);
        return 0;
    case FA_EV_SIGNAL:
        if (fa_rule_is_combined(event->u.signal->rule)) {
            fa_condition_signal(engine, event->u.signal);
        } else {
            on_signal(engine, event->u.signal);
        }
        return 0;
    case FA_EV_FILE:
        reply->u.reply.incident = event->u.file->id;
        return fa_file(engine, event->u.file, &reply->u.reply.already);
    case FA_EV_REPORTER:
        reply->u.reply.incident = event->u.reporter.incident;
        return fa_reporter_word(engine, event->u.reporter.incident, event->u.reporter.text,
                                event->u.reporter.done);
    case FA_EV_ACK:
    case FA_EV_RESOLVE:
    case FA_EV_COMMENT:
        reply->u.reply.alarm = event->u.act.alarm;
        return on_deed(engine, event);
    case FA_EV_WRONG_CODE:
        return fa_wrong_code(engine, fa_book_find(&engine->alarms, event->u.act.alarm.id),
                             event->u.act.who);
    case FA_EV_RECUSE:
        reply->u.reply.alarm = event->u.recuse.alarm;
        return fa_recuse(engine, event->u.recuse.alarm, event->u.recuse.who,
                         event->u.recuse.person);
    case FA_EV_VERDICT:
        return fa_notification_verdict(engine, event);
    case FA_EV_REPLAY:
        return fa_notification_replay(engine, event->u.note.id);
    case FA_EV_DROP:
        return fa_notification_drop(engine, event->u.note.id);
    case FA_EV_TEST: {
        fa_person person =
            fa_directory_find(engine->setup->people, fa_str_of(event->u.test.person));
        reply->u.reply.count = person == FA_NOBODY ? 0 : fa_notify_test(engine, person);
        return reply->u.reply.count > 0 ? 0 : FA_ENOTFOUND;
    }
    case FA_EV_TROUBLE:
        if (event->u.trouble.once) {
            fa_trouble_once(engine, event->u.trouble.code, event->u.trouble.text);
        } else {
            fa_trouble(engine, event->u.trouble.code, event->u.trouble.text, event->u.trouble.over);
        }
        return 0;
    case FA_EV_DRILL:
        return fa_drill_begin(engine, event, &reply->u.reply.alarm);
    case FA_EV_SILENCE:
        return fa_silence_set(engine, event->u.silence, &reply->u.reply.silence);
    case FA_EV_UNSILENCE:
        reply->u.reply.silence = event->u.unsilence.id;
        return fa_silence_end(engine, event->u.unsilence.id, event->u.unsilence.who);
    case FA_EV_RECONCILE:
        fa_engine_reconcile(engine);
        return 0;
    case FA_EV_SEEN:
        for (size_t i = 0; i < event->u.seen.count; i++) {
            fa_tally_seen(engine, &event->u.seen.list[i]);
        }
        return 0;
    case FA_EV_GAPS:
        reply->u.reply.count = fa_engine_note_gaps(engine, event->u.start.last_wall) ? 1 : 0;
        return 0;
    case FA_EV__COUNT:
        break;
    }
    fa_panic(__FILE__, __LINE__, "an event of no kind");
}

void fa_engine_step(struct fa_engine *engine, const struct fa_event *event, struct fa_now now,
                    struct fa_actions *actions)
{
    struct fa_action reply = {.kind = FA_ACT_REPLY};
    engine->now = now;
    engine->rng = event->rng;
    if (event->rng.state[0] == 0 && event->rng.state[1] == 0) {
        engine->rng.state[0] =
            1; /* the generator's one fixed point: it would give zeros for ever */
    }
    engine->actions = actions;
    engine->stats.steps++;
    reply.u.reply.to = event->reply_to;
    reply.u.reply.code = dispatch(engine, event, &reply);
    fa_further_promote(engine);
    fa_flush(engine);
    if (event->reply_to != 0) {
        *fa_add_action(actions, FA_ACT_REPLY) = reply;
    }
    engine->actions = NULL;
}

fa_time fa_engine_next_deadline(const struct fa_engine *engine)
{
    const struct fa_heap *heaps[] = {&engine->alarm_heap, &engine->incident_heap,
                                     &engine->notification_heap};
    fa_time first = engine->hiders.due;
    for (size_t i = 0; i < 3; i++) {
        fa_time next = fa_heap_next(heaps[i]);
        first = next < first ? next : first;
    }
    return engine->weekly_due < first ? engine->weekly_due : first;
}

fa_time fa_engine_due(const struct fa_engine *engine, const struct fa_alarm *alarm)
{
    return fa_heap_at(&engine->alarm_heap, &alarm->deadline.node);
}
