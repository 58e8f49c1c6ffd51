/* SPDX-License-Identifier: MIT */
/* Drills: a marked test through the true chain of a policy to true people, and how long it took
 * until somebody answered.
 *
 * A drill is an alarm as any other, with a flag; so it is told, retried, moved on and climbs as
 * one. It differs in three things only: an acknowledgement ends it; the end of its time does; and
 * it is in no count, as the daemon's own troubles are hidden by nothing. Its time is the wait of
 * the first step that means anybody, unless the operator gives another.
 *
 * Invariants:
 *  1. One drill of a policy runs at a time, and none while the alarm about the last one is open.
 *  2. A drill that nobody answered in time is an alarm, a true one, on the same policy: it begins
 *     one rung above the one where the drill ended.
 *  3. Nobody is disturbed in their quiet hours, unless the operator says so: then there is no drill
 *     at all, as a message that waits for the morning measures nothing.
 *  4. Of each policy the last drill is kept, over restarts, until the next one begins.
 *
 * Time goes on while the daemon is down, as for every deadline. A drill has no label, customer or
 * reporter: steps that name people by those mean nobody, and are skipped. */
#include "alarms/internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define RULE        "firealarm:drill"
#define RULE_FAILED "firealarm:drill-failed"
/* Of the alarm about one that failed: a message is read on a phone. */
#define NAMES_MAX 20

enum drill_tag { D_POLICY = 1, D_BY, D_WHO, D_ALARM, D_BEGAN, D_UNTIL, D_ENDED, D_URGENT, D_STATE };

struct fa_drill_ref {
    struct fa_drill drill;
    fa_time ends;      /* mono: drill.until, as deadlines are kept; of one that runs */
    bool dirty;        /* as it is now it is not stored */
    UT_hash_handle hh; /* by policy */
};

const char *fa_drill_state_name(enum fa_drill_state state)
{
    static const char *const names[FA_DRILL__COUNT] = {"running", "passed", "failed"};
    return names[state];
}

static void touch(struct fa_engine *engine, struct fa_drill_ref *ref)
{
    ref->dirty = engine->drills_changed = true;
}

/* The clock may have stepped by too little for anybody to mind since a deadline was armed. */
static void reckon(const struct fa_engine *engine, struct fa_drill_ref *ref)
{
    ref->ends = engine->now.mono + ref->drill.until - engine->now.wall;
}

static struct fa_drill_ref *find(const struct fa_engine *engine, const char *policy)
{
    struct fa_drill_ref *ref = NULL;
    HASH_FIND_STR(engine->drills, policy, ref);
    return ref;
}

const struct fa_drill *fa_engine_drill(const struct fa_engine *engine, const char *policy)
{
    const struct fa_drill_ref *ref = find(engine, policy);
    return ref != NULL ? &ref->drill : NULL;
}

void fa_engine_each_drill(const struct fa_engine *engine, fa_drill_fn *fn, void *ctx)
{
    for (const struct fa_drill_ref *ref = engine->drills; ref != NULL; ref = ref->hh.next) {
        fn(ctx, &ref->drill);
    }
}

/* ---- whom it would tell ---- */

static void add_target(const struct fa_engine *engine, const struct fa_circle *circle,
                       const struct fa_step *step, fa_person person, struct fa_drill_plan *plan)
{
    const struct fa_directory *dir = engine->setup->people;
    const struct fa_person_entry *entry = &dir->people[person];
    uint32_t contact = fa_usable_contact(engine, circle, false, person, 0, step);
    struct fa_drill_target *target = &plan->targets[plan->count++];
    *target = (struct fa_drill_target){.person = person};
    if (contact < entry->contact_count) {
        target->channel = entry->contacts[contact].channel;
    }
    if (entry->hours != NULL && !step->urgent) {
        target->quiet = fa_calendar_opens(fa_directory_calendar(dir, entry->hours), plan->at);
    }
}

static void plan_step(const struct fa_engine *engine, const struct fa_circle *circle,
                      const struct fa_step *step, const struct fa_pset *set,
                      struct fa_drill_plan *plan)
{
    const struct fa_directory *dir = engine->setup->people;
    plan->within = step->wait < FA_DAY ? step->wait : FA_DAY; /* nobody drills for longer */
    plan->opens = step->during != NULL
                      ? fa_calendar_opens(fa_directory_calendar(dir, step->during), plan->at)
                      : plan->at;
    plan->targets = fa_xcalloc(dir->people_count, sizeof *plan->targets);
    for (fa_person p = fa_pset_next(set, 0); p != FA_NOBODY; p = fa_pset_next(set, p + 1)) {
        add_target(engine, circle, step, p, plan);
    }
}

int fa_engine_plan_drill(const struct fa_engine *engine, const char *name, fa_time at,
                         struct fa_drill_plan *ret_plan)
{
    const struct fa_policy *policy = fa_setup_policy(engine->setup, name);
    struct fa_aim aim = {.dir = engine->setup->people, .policy = policy, .ask = {.at = at}};
    struct fa_circle circle;
    *ret_plan = (struct fa_drill_plan){.at = at};
    if (policy == NULL) {
        return FA_ENOTFOUND;
    }
    fa_circle_init(&circle, aim.dir, NULL, 0, NULL, 0);
    for (uint32_t i = 0; i < policy->step_count && ret_plan->targets == NULL; i++) {
        struct fa_pset set;
        fa_pset_init(&set, aim.dir);
        if (fa_aim_targets(&aim, i, 0, &circle, &set) == FA_AIMED_SOMEBODY) {
            ret_plan->step = i;
            plan_step(engine, &circle, &policy->steps[i], &set, ret_plan);
        }
        fa_pset_done(&set);
    }
    fa_circle_done(&circle);
    return ret_plan->targets != NULL ? 0 : FA_EINVAL;
}

void fa_drill_plan_done(struct fa_drill_plan *plan)
{
    free(plan->targets);
}

fa_time fa_drill_plan_quiet(const struct fa_drill_plan *plan)
{
    fa_time until = plan->opens;
    for (size_t i = 0; i < plan->count; i++) {
        until = plan->targets[i].quiet > until ? plan->targets[i].quiet : until;
    }
    return until > plan->at ? until : 0;
}

/* ---- beginning ---- */

/* The alarm of that rule about that policy; policies' names need no escape in labels. */
static void name_of(const char *rule, const char *policy, char identity[200], char labels[120])
{
    snprintf(labels, 120, "policy=\"%s\"", policy);
    snprintf(identity, 200, "%s{%s}", rule, labels);
}

static struct fa_alarm *begin_alarm(struct fa_engine *engine, const char *rule,
                                    const struct fa_policy *policy, const char *summary,
                                    uint32_t flags)
{
    char identity[200], labels[120];
    name_of(rule, policy->name, identity, labels);
    struct fa_alarm_spec spec = {
        .identity = identity,
        .rule = rule,
        .category = "operators",
        .severity = engine->setup->severities[0].name,
        .labels = labels,
        .summary = summary,
        .expect = (flags & FA_FLAG_DRILL) != 0
                      ? "Acknowledge it, as you would an alarm; there is nothing else to do"
                      : "See why they did not answer: an alarm would have reached nobody either",
        .policy = policy,
        .flags = flags,
        .since = engine->now.wall,
        .value = (double)NAN,
    };
    struct fa_alarm *alarm = fa_alarm_begin(engine, &spec);
    alarm->level = FA_LEVEL_CLEAR; /* closed, it is over: there is no series that goes on */
    return alarm;
}

/* May one begin? */
static int judge(const struct fa_engine *engine, const char *policy,
                 const struct fa_drill_plan *plan, bool urgent)
{
    const struct fa_drill *last = fa_engine_drill(engine, policy);
    char identity[200], labels[120];
    name_of(RULE, policy, identity, labels);
    if ((last != NULL && last->state == FA_DRILL_RUNNING) ||
        fa_names_find(&engine->identities, identity) != NULL) {
        return FA_EEXISTS;
    }
    name_of(RULE_FAILED, policy, identity, labels);
    if (fa_names_find(&engine->identities, identity) != NULL) {
        return FA_ECONFLICT;
    }
    return plan->opens > plan->at || (!urgent && fa_drill_plan_quiet(plan) != 0) ? FA_EAGAIN : 0;
}

static struct fa_drill_ref *renew(struct fa_engine *engine, const char *policy)
{
    struct fa_drill_ref *ref = find(engine, policy);
    if (ref == NULL) {
        ref = fa_xcalloc(1, sizeof *ref);
        ref->drill.policy = fa_intern(&engine->texts, policy);
        HASH_ADD_KEYPTR(hh, engine->drills, ref->drill.policy, strlen(ref->drill.policy), ref);
    }
    touch(engine, ref);
    return ref;
}

static void begin(struct fa_engine *engine, const struct fa_event *event, fa_time within)
{
    const struct fa_policy *policy = fa_setup_policy(engine->setup, event->u.drill.policy);
    struct fa_buf summary;
    fa_buf_init(&summary, 300);
    fa_phrase_put(&summary, NULL, FA_PHRASE_DRILL_CALL,
                  FA_VALUES(policy->name, event->u.drill.who));
    struct fa_alarm *alarm =
        begin_alarm(engine, RULE, policy, fa_buf_text(&summary), FA_FLAG_TROUBLE | FA_FLAG_DRILL);
    fa_buf_done(&summary);
    struct fa_drill_ref *ref = renew(engine, policy->name);
    struct fa_drill *drill = &ref->drill;
    *drill = (struct fa_drill){
        .policy = drill->policy,
        .by = fa_intern(&engine->texts, event->u.drill.who),
        .alarm = alarm->id,
        .began = engine->now.wall,
        .until = engine->now.wall + within,
        .urgent = event->u.drill.urgent,
    };
    reckon(engine, ref);
    fa_journal_alarm(engine, FA_J_DRILL, alarm, drill->by, within);
    fa_alarm_start(engine, alarm);
}

int fa_drill_begin(struct fa_engine *engine, const struct fa_event *event,
                   struct fa_alarm_id *ret_alarm)
{
    struct fa_drill_plan plan;
    const char *policy = event->u.drill.policy;
    int rc = fa_engine_plan_drill(engine, policy, engine->now.wall, &plan);
    rc = rc == 0 ? judge(engine, policy, &plan, event->u.drill.urgent) : rc;
    if (rc == 0) {
        begin(engine, event, event->u.drill.within > 0 ? event->u.drill.within : plan.within);
        *ret_alarm = fa_engine_drill(engine, policy)->alarm;
    }
    fa_drill_plan_done(&plan);
    return rc;
}

/* ---- its end ---- */

static struct fa_drill_ref *ref_of(const struct fa_engine *engine, const struct fa_alarm *alarm)
{
    struct fa_drill_ref *ref =
        (alarm->flags & FA_FLAG_DRILL) != 0 ? find(engine, alarm->texts->policy) : NULL;
    return ref != NULL && fa_id_eq(ref->drill.alarm.id, alarm->id.id) ? ref : NULL;
}

bool fa_drill_is_urgent(const struct fa_engine *engine, const struct fa_alarm *alarm)
{
    const struct fa_drill_ref *ref = ref_of(engine, alarm);
    return ref != NULL && ref->drill.urgent;
}

static void end(struct fa_engine *engine, struct fa_drill_ref *ref, struct fa_alarm *alarm,
                const char *who)
{
    ref->drill.state = who != NULL ? FA_DRILL_PASSED : FA_DRILL_FAILED;
    ref->drill.who = fa_intern(&engine->texts, who);
    ref->drill.ended = engine->now.wall;
    touch(engine, ref);
    fa_journal_alarm(engine, who != NULL ? FA_J_ANSWERED : FA_J_SILENT, alarm, who,
                     engine->now.wall - ref->drill.began);
}

/* A summary is a template. */
static void put_name(const struct fa_engine *engine, const char *name, struct fa_buf *words)
{
    const struct fa_directory *dir = engine->setup->people;
    fa_person person = fa_directory_find(dir, fa_str_of(name));
    const char *display = person != FA_NOBODY ? dir->people[person].display : NULL;
    for (const char *at = display != NULL ? display : name; *at != '\0'; at++) {
        if (*at != '{' && *at != '}') {
            fa_buf_putc(words, *at);
        }
    }
}

static bool was_told(const struct fa_alarm *alarm, const char *person)
{
    bool told = false;
    for (size_t i = 0; i < alarm->told_count && !told; i++) {
        told = strcmp(alarm->told[i].to->person, person) == 0;
    }
    return told;
}

/* The first of its alarm's that are to this person; a climb has one for each channel and loop. */
static bool is_first_to(const struct fa_alarm *alarm, const struct fa_notification *n)
{
    const struct fa_notification *other = alarm->notifications;
    while (other != n &&
           (!fa_notification_is_climb(other) || strcmp(other->person, n->person) != 0)) {
        other = other->next;
    }
    return other == n;
}

/* One more in a list; the first has its head. */
static void put_one(const struct fa_engine *engine, const char *head, const char *name,
                    size_t *count, struct fa_buf *words)
{
    if (*count < NAMES_MAX) {
        fa_buf_puts(words, *count == 0 ? head : ", ");
        put_name(engine, name, words);
    } else if (*count == NAMES_MAX) {
        fa_buf_puts(words, " and others");
    }
    ++*count;
}

/* Who did not answer, and who could not be told. */
static void put_silent(const struct fa_engine *engine, const struct fa_alarm *alarm,
                       struct fa_buf *words)
{
    size_t count = 0;
    for (size_t i = 0; i < alarm->told_count; i++) {
        put_one(engine, " Told, and silent: ", alarm->told[i].to->person, &count, words);
    }
    fa_buf_puts(words, count > 0 ? "." : " Nobody could be told.");
    count = 0;
    for (const struct fa_notification *n = alarm->notifications; n != NULL; n = n->next) {
        if (fa_notification_is_climb(n) && !was_told(alarm, n->person) && is_first_to(alarm, n)) {
            put_one(engine, " Not reached: ", n->person, &count, words);
        }
    }
}

static void fail(struct fa_engine *engine, const struct fa_drill *drill,
                 const struct fa_alarm *alarm)
{
    char identity[200], labels[120], length[40];
    struct fa_buf words;
    name_of(RULE_FAILED, drill->policy, identity, labels);
    if (fa_names_find(&engine->identities, identity) != NULL) {
        return;
    }
    fa_buf_init(&words, 16384);
    fa_buf_printf(&words, "A drill of the policy %s failed: nobody acknowledged it within %s.",
                  drill->policy, fa_format_duration(drill->until - drill->began, length));
    put_silent(engine, alarm, &words);
    const struct fa_policy *policy = fa_setup_policy(engine->setup, drill->policy);
    policy = policy != NULL ? policy : fa_policy_of(engine, alarm);
    struct fa_alarm *failed =
        begin_alarm(engine, RULE_FAILED, policy, fa_buf_text(&words), FA_FLAG_TROUBLE);
    fa_buf_done(&words);
    failed->climbing = alarm->climbing; /* one rung above */
    failed->step = alarm->step;
    failed->loop = alarm->loop;
    fa_alarm_start(engine, failed);
}

enum fa_alarm_event fa_drill_event(struct fa_engine *engine, struct fa_alarm *alarm,
                                   enum fa_alarm_event event, const struct fa_deed *deed)
{
    struct fa_drill_ref *ref = ref_of(engine, alarm);
    bool answered = event == FA_AEV_ACK || event == FA_AEV_RESOLVE;
    if (alarm->state != FA_ALARM_UNACKED || !(answered || event == FA_AEV_DUE)) {
        return event;
    }
    if (!answered && ref != NULL && engine->now.mono < ref->ends) {
        return event;
    }
    if (ref != NULL) {
        end(engine, ref, alarm, answered ? deed->who : NULL);
    }
    if (ref != NULL && !answered) {
        fail(engine, &ref->drill, alarm);
    }
    return FA_AEV_RESOLVE;
}

void fa_drill_clip(struct fa_engine *engine, struct fa_alarm *alarm)
{
    const struct fa_drill_ref *ref = ref_of(engine, alarm);
    if (ref != NULL && alarm->state == FA_ALARM_UNACKED &&
        (alarm->deadline.length == FA_NEVER || fa_engine_due(engine, alarm) > ref->ends)) {
        fa_time left = ref->ends - engine->now.mono;
        fa_arm(engine, &engine->alarm_heap, &alarm->deadline, left > 0 ? left : 0);
    }
}

/* ---- its row ---- */

static void key_of(const struct fa_drill *drill, uint8_t key[16])
{
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits(drill->policy, strlen(drill->policy)));
    memcpy(key, canonical.digest, 16);
}

void fa_drills_flush(struct fa_engine *engine, struct fa_buf *buf)
{
    uint8_t key[16];
    if (!engine->drills_changed) {
        return;
    }
    engine->drills_changed = false;
    for (struct fa_drill_ref *ref = engine->drills; ref != NULL; ref = ref->hh.next) {
        const struct fa_drill *drill = &ref->drill;
        if (!ref->dirty) {
            continue;
        }
        ref->dirty = false;
        fa_buf_clear(buf);
        fa_rec_put_text(buf, D_POLICY, drill->policy);
        fa_rec_put_text(buf, D_BY, drill->by);
        fa_rec_put_text(buf, D_WHO, drill->who);
        fa_rec_put_bytes(buf, D_ALARM, drill->alarm.id.bytes, FA_ID_BYTES);
        fa_rec_put_i64(buf, D_BEGAN, drill->began);
        fa_rec_put_i64(buf, D_UNTIL, drill->until);
        fa_rec_put_i64(buf, D_ENDED, drill->ended);
        fa_rec_put_u64(buf, D_URGENT, drill->urgent);
        fa_rec_put_u64(buf, D_STATE, (uint64_t)drill->state);
        key_of(drill, key);
        fa_add_row(engine, FA_ROW_DRILL, key, sizeof key, buf);
    }
}

static bool take_field(struct fa_engine *engine, const struct fa_rec_field *field,
                       struct fa_drill *drill)
{
    switch (field->tag) {
    case D_POLICY:
        drill->policy = fa_intern_str(&engine->texts, field->bytes);
        return field->bytes.len > 0;
    case D_BY:
        drill->by = fa_intern_str(&engine->texts, field->bytes);
        return true;
    case D_WHO:
        drill->who = field->bytes.len > 0 ? fa_intern_str(&engine->texts, field->bytes) : NULL;
        return true;
    case D_ALARM:
        if (field->bytes.len == FA_ID_BYTES) {
            memcpy(drill->alarm.id.bytes, field->bytes.ptr, FA_ID_BYTES);
        }
        return field->bytes.len == FA_ID_BYTES;
    case D_BEGAN:
        drill->began = fa_row_time(field);
        return true;
    case D_UNTIL:
        drill->until = fa_row_time(field);
        return true;
    case D_ENDED:
        drill->ended = fa_row_time(field);
        return true;
    case D_URGENT:
        drill->urgent = field->u64 != 0;
        return true;
    case D_STATE:
        drill->state = (enum fa_drill_state)field->u64;
        return field->u64 < FA_DRILL__COUNT;
    default:
        return true;
    }
}

int fa_drill_load(struct fa_engine *engine, struct fa_str value)
{
    struct fa_rec_reader reader = fa_rec_read(value);
    struct fa_rec_field field;
    struct fa_drill drill = {0};
    bool good = true;
    while (good && fa_rec_next(&reader, &field)) {
        good = take_field(engine, &field, &drill);
    }
    if (!good || reader.bad || drill.policy == NULL || drill.by == NULL ||
        find(engine, drill.policy) != NULL) {
        return FA_ECORRUPT;
    }
    struct fa_drill_ref *ref = renew(engine, drill.policy);
    ref->drill = drill;
    ref->dirty = false;
    return 0;
}

void fa_drills_start(struct fa_engine *engine)
{
    for (struct fa_drill_ref *ref = engine->drills; ref != NULL; ref = ref->hh.next) {
        struct fa_alarm *alarm = fa_book_find(&engine->alarms, ref->drill.alarm.id);
        bool runs = alarm != NULL && alarm->state == FA_ALARM_UNACKED;
        if (ref->drill.state == FA_DRILL_RUNNING && !runs) { /* its alarm's row was damaged */
            ref->drill.state = FA_DRILL_FAILED;
            ref->drill.ended = engine->now.wall;
            touch(engine, ref);
        }
    }
}

void fa_drills_shift(struct fa_engine *engine, fa_time shift)
{
    for (struct fa_drill_ref *ref = engine->drills; ref != NULL; ref = ref->hh.next) {
        if (ref->drill.state == FA_DRILL_RUNNING && shift != 0) {
            ref->drill.began += shift;
            ref->drill.until += shift;
            touch(engine, ref);
        }
        reckon(engine, ref);
    }
}

void fa_drills_done(struct fa_engine *engine)
{
    struct fa_drill_ref *ref, *next;
    HASH_ITER(hh, engine->drills, ref, next) {
        HASH_DELETE(hh, engine->drills, ref);
        free(ref);
    }
}
