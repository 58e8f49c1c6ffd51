/* SPDX-License-Identifier: MIT */
/* Why an alarm is there, and who was told: from its own row, its rows of evidence and its policy,
 * all of which outlive the rule. fa_may() decides as for reading the alarm.
 *
 * Nobody is named but those who were told, are to be told, or did something with the alarm: of whom
 * it keeps out there are numbers alone. What was filed, and by whom, is not in it. */
#include "api/internal.h"
#include "alarms/evidence.h"
#include "base/panic.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- numbers ---- */

static void set_number(json_t *object, const char *name, bool has, double value)
{
    json_object_set_new(object, name, has && isfinite(value) ? json_real(value) : json_null());
}

static void set_str(json_t *object, const char *name, struct fa_str text)
{
    char *copy = text.len > 0 ? fa_xstrndup(text.ptr, text.len) : NULL;
    fa_json_set_text(object, name, copy);
    free(copy);
}

static void set_length(json_t *object, const char *name, fa_time ms)
{
    if (ms > 0) {
        fa_json_set_duration(object, name, ms);
    } else {
        json_object_set_new(object, name, json_null());
    }
}

/* To the millisecond: what happened within a second has an order. */
static void set_moment(json_t *object, fa_time wall)
{
    char text[32];
    fa_json_set_text(object, "time", fa_time_format_ms(wall, text));
}

static json_t *parts_json(const struct fa_evidence *e)
{
    json_t *list = json_array();
    for (size_t i = 0; i < e->part_count; i++) {
        json_t *item = json_object();
        json_object_set_new(item, "depth", json_integer(e->parts[i].depth));
        set_str(item, "text", e->parts[i].text);
        set_number(item, "value", true, e->parts[i].value);
        set_str(item, "labels", e->parts[i].labels);
        json_object_set_new(item, "samples", json_integer((json_int_t)e->parts[i].samples));
        json_object_set_new(item, "clear", json_boolean(e->parts[i].is_clear));
        json_array_append_new(list, item);
    }
    return list;
}

static json_t *points_json(const struct fa_evidence *e)
{
    json_t *list = json_array();
    for (size_t i = 0; i < e->point_count; i++) {
        json_t *item = json_object();
        set_moment(item, e->points[i].at);
        set_number(item, "last", true, e->points[i].last);
        set_number(item, "min", true, e->points[i].min);
        json_array_append_new(list, item);
    }
    return list;
}

static void add_rule(json_t *item, const struct fa_evidence *e)
{
    set_str(item, "expr", e->expr);
    set_str(item, "full", e->full);
    set_number(item, "value", true, e->now_value);
    set_number(item, "above", e->has_above, e->above);
    set_number(item, "below", e->has_below, e->below);
    json_object_set_new(item, "or_equal", json_boolean(e->or_equal));
    set_number(item, "clear_above", e->has_clear_above, e->clear_above);
    set_number(item, "clear_below", e->has_clear_below, e->clear_below);
    set_length(item, "over", e->over);
    set_length(item, "look_back", e->look_back);
    fa_json_set_time(item, "newest", e->newest);
    fa_json_set_time(item, "covered", e->covered_at == FA_NEVER ? 0 : e->covered_at);
    json_object_set_new(item, "samples", json_integer((json_int_t)e->samples));
    set_str(item, "empty", e->empty);
    set_str(item, "reason", e->reason);
    json_object_set_new(item, "parts", parts_json(e));
    json_object_set_new(item, "points", points_json(e));
    json_object_set_new(item, "bucketed", json_boolean(e->bucketed));
}

static json_t *evidence_json(const struct fa_evidence *e)
{
    static const char *const levels[FA_LEVEL__COUNT] = {"unknown", "clear", "firing"};
    json_t *item = json_object();
    set_moment(item, e->at);
    fa_json_set_text(item, "cause", fa_evidence_cause_name(e->causes));
    fa_json_set_text(item, "level", levels[e->level]);
    set_number(item, "signalled", true, e->value);
    fa_json_set_time(item, "since", e->since);
    json_object_set_new(item, "step", json_integer(e->step));
    json_object_set_new(item, "loop", json_integer(e->loop));
    json_object_set_new(item, "cut", json_boolean(e->cut));
    if (e->has_rule) {
        add_rule(item, e);
    }
    return item;
}

/* ---- the diary ---- */

static void set_person(const struct fa_call *call, json_t *item, const char *name)
{
    fa_person person = name != NULL ? fa_directory_find(call->people, fa_str_of(name)) : FA_NOBODY;
    fa_json_set_text(item, "person", name);
    fa_json_set_text(item, "display",
                     person != FA_NOBODY ? call->people->people[person].display : name);
}

static void add_delivery(json_t *item, const struct fa_moment *moment)
{
    fa_json_set_text(item, "channel", moment->channel);
    fa_json_set_text(item, "kind",
                     fa_notification_kind_name((enum fa_notification_kind)moment->kind));
    json_object_set_new(item, "attempt", json_integer(moment->attempt));
    json_object_set_new(item, "answer",
                        moment->number > 0 ? json_integer(moment->number) : json_null());
}

static json_t *moment_json(const struct fa_call *call, const struct fa_moment *moment)
{
    json_t *item = json_object();
    set_moment(item, moment->when);
    fa_json_set_text(item, "what", fa_moment_name(moment));
    set_person(call, item, moment->person);
    json_object_set_new(item, "times", json_integer(moment->times > 1 ? moment->times : 1));
    if (moment->code == FA_J_HELD || moment->code == FA_J_PAUSED) {
        fa_json_set_text(item, "channel", moment->channel);
        fa_json_set_time(item, "until", moment->number);
    } else if (moment->channel != NULL) {
        add_delivery(item, moment);
    } else if (moment->code == FA_J_STEP || moment->code == FA_J_SKIPPED) {
        json_object_set_new(item, "step", json_integer(moment->number % 1000));
        json_object_set_new(item, "loop", json_integer(moment->number / 1000));
    } else if (moment->code == FA_J_ACKED || moment->code == FA_J_PENDING) {
        fa_json_set_time(item, "until", moment->when + moment->number);
    } else if (moment->code == FA_J_SHELVED) {
        fa_json_set_time(item, "until", moment->number);
    } else if (moment->code == FA_J_HEARD) {
        fa_json_set_duration(item, "after", moment->number);
    } else if (moment->code == FA_J_START) {
        fa_json_set_time(item, "since", moment->number);
    } else if (moment->code == FA_J_ORPHANED) {
        json_object_set_new(item, "gone", json_boolean(moment->number != 0));
    } else if (moment->number > 0) {
        json_object_set_new(item, "count", json_integer(moment->number));
    }
    return item;
}

static json_t *diary_json(const struct fa_call *call, const struct fa_alarm *alarm)
{
    json_t *list = json_array();
    struct fa_moment moments[FA_DIARY_MAX];
    uint32_t count = fa_diary_read(alarm, moments);
    for (uint32_t i = 0; i < count; i++) {
        json_array_append_new(list, moment_json(call, &moments[i]));
    }
    return list;
}

/* ---- who was told, and who was not ---- */

static const struct fa_told *told_of(const struct fa_alarm *alarm, const char *person)
{
    for (size_t i = 0; i < alarm->told_count; i++) {
        if (strcmp(alarm->told[i].to->person, person) == 0) {
            return &alarm->told[i];
        }
    }
    return NULL;
}

static const struct fa_notification *open_of(const struct fa_alarm *alarm, const char *person)
{
    for (const struct fa_notification *n = alarm->notifications; n != NULL; n = n->next) {
        if (strcmp(n->person, person) == 0) {
            return n;
        }
    }
    return NULL;
}

/* Why nobody of that step was told by it, or would be: its alarm stopped before it, or did not
 * come so far yet. */
static const char *why_not(const struct fa_alarm *alarm, bool reached)
{
    if ((alarm->flags & FA_FLAG_SHADOW) != 0) {
        return "shadow";
    }
    if (reached) {
        return "not-reached";
    }
    if ((alarm->flags & (FA_FLAG_SHELVED | FA_FLAG_SUPPRESSED)) != 0) {
        return "hidden";
    }
    switch (alarm->state) {
    case FA_ALARM_ACKED:
        return "owned";
    case FA_ALARM_RETURNED:
        return "returned";
    case FA_ALARM_RESOLVED:
        return "closed";
    case FA_ALARM_PENDING:
    case FA_ALARM_UNACKED:
    case FA_ALARM__COUNT:
        break;
    }
    return "later";
}

/* What told the person of that step, which counts from 1: whoever was told of an earlier one need
 * not have been told of this. *ret_known: the diary still says when the step came. */
static bool sent_in(const struct fa_alarm *alarm, const char *person, uint32_t step,
                    struct fa_moment *ret_sent, bool *ret_known)
{
    struct fa_moment list[FA_DIARY_MAX];
    uint32_t count = fa_diary_read(alarm, list);
    bool within = false;
    *ret_known = false;
    for (uint32_t i = 0; i < count; i++) {
        const struct fa_moment *moment = &list[i];
        if (moment->code == FA_J_STEP) {
            within = moment->number % 1000 == step;
            *ret_known = *ret_known || within;
        } else if (within && moment->code == FA_J_SENT && moment->kind == FA_NOTE_ALARM &&
                   moment->person != NULL && strcmp(moment->person, person) == 0) {
            *ret_sent = *moment;
            return true;
        }
    }
    return false;
}

/* False: not of this step. */
static bool told_in(const struct fa_alarm *alarm, const char *person, uint32_t step,
                    struct fa_moment *ret_sent)
{
    bool known;
    if (sent_in(alarm, person, step, ret_sent, &known)) {
        return true;
    }
    const struct fa_told *told = known ? NULL : told_of(alarm, person);
    if (told != NULL) {
        ret_sent->channel = told->to->channel;
        ret_sent->when = told->when;
    }
    return told != NULL;
}

static json_t *person_json(const struct fa_call *call, const struct fa_alarm *alarm,
                           fa_person person, uint32_t step, bool reached)
{
    const char *name = call->people->people[person].name;
    struct fa_moment sent;
    bool told = reached && told_in(alarm, name, step, &sent);
    const struct fa_notification *open = reached ? open_of(alarm, name) : NULL;
    json_t *item = json_object();
    set_person(call, item, name);
    fa_json_set_text(item, "state",
                     told           ? "told"
                     : open != NULL ? "trying"
                                    : why_not(alarm, reached));
    fa_json_set_text(item, "channel", told ? sent.channel : open != NULL ? open->channel : NULL);
    fa_json_set_time(item, "time", told ? sent.when : 0);
    return item;
}

static json_t *steps_json(const struct fa_call *call, const struct fa_alarm *alarm)
{
    json_t *list = json_array();
    struct fa_rung rung;
    for (uint32_t step = 0; fa_rung_init(&rung, call->engine, alarm, step); step++) {
        bool reached = alarm->climbing && (alarm->loop > 0 || step <= alarm->step);
        bool hidden = (alarm->flags & (FA_FLAG_SHELVED | FA_FLAG_SUPPRESSED)) != 0;
        bool next = alarm->state == FA_ALARM_UNACKED && !hidden &&
                    alarm->deadline.length != FA_NEVER &&
                    step == (alarm->climbing ? alarm->step + 1 : 0) && alarm->loop == 0;
        json_t *item = json_object(), *people = json_array();
        for (fa_person p = fa_pset_next(&rung.people, 0); p != FA_NOBODY;
             p = fa_pset_next(&rung.people, p + 1)) {
            json_array_append_new(people, person_json(call, alarm, p, step + 1, reached));
        }
        json_object_set_new(item, "step", json_integer(step + 1));
        fa_json_set_measured(item, "wait", rung.wait, rung.measure);
        fa_json_set_text(item, "during", rung.during);
        json_object_set_new(item, "reached", json_boolean(reached));
        json_object_set_new(item, "independent", json_boolean(rung.independent));
        fa_json_set_time(item, "due", next ? alarm->deadline.armed + alarm->deadline.length : 0);
        json_object_set_new(item, "people", people);
        json_array_append_new(list, item);
        fa_rung_done(&rung);
    }
    return list;
}

/* ---- the answer ---- */

/* First when it was raised, if only history knows, and the evidence, whoever asks; then the alarm,
 * and may they? So what is refused takes as long as what is not there. */
struct late_explain {
    struct fa_call call;
    struct fa_alarm_id id;
    fa_time raised; /* 0: of an alarm that is nowhere */
    struct {
        fa_time at;
        json_t *json;
    } rows[FA_EVIDENCE_SLOTS]; /* by time */
    size_t count, waiting;
    bool unread; /* some could not be read */
};

static void free_late(struct late_explain *late)
{
    for (size_t i = 0; i < late->count; i++) {
        json_decref(late->rows[i].json);
    }
    free(late);
}

static void fail_late(struct late_explain *late, int status, const char *detail)
{
    fa_answer_problem(&late->call, status, detail);
    free_late(late);
}

/* Takes late. alarm: NULL when it is nowhere. */
static void answer(struct late_explain *late, const struct fa_alarm *alarm)
{
    const struct fa_call *call = &late->call;
    if (alarm == NULL || !fa_call_may(call, alarm, FA_VERB_SHOW)) {
        fail_late(late, 404, FA_WORDS_NO_ALARM);
        return;
    }
    bool by_rule = (alarm->flags & (FA_FLAG_FILED | FA_FLAG_TROUBLE)) == 0;
    json_t *body = json_object(), *evidence = json_array();
    for (size_t i = 0; i < late->count; i++) {
        json_array_append(evidence, late->rows[i].json);
    }
    json_object_set_new(body, "alarm", fa_call_alarm_json(call, alarm, true));
    fa_json_set_text(body, "you", call->people->people[call->caller.person].name);
    json_object_set_new(
        body, "configured",
        json_boolean(!by_rule || fa_setup_rule(call->setup, alarm->texts->rule) != NULL));
    fa_json_set_text(body, "for", NULL);
    if (alarm->for_ms > 0) {
        fa_json_set_measured(body, "for", alarm->for_ms, (enum fa_measure)alarm->for_measure);
    }
    json_object_set_new(body, "steps", steps_json(call, alarm));
    json_object_set_new(body, "diary", diary_json(call, alarm));
    json_object_set_new(body, "diary_lost", json_integer(alarm->moments_lost));
    json_object_set_new(body, "evidence", evidence);
    json_object_set_new(body, "evidence_unread", json_boolean(late->unread));
    fa_answer_json(&late->call, 200, body);
    free_late(late);
}

static void on_row(void *ctx, const struct fa_store_answer *got)
{
    struct late_explain *late = ctx;
    struct fa_alarm *alarm = NULL;
    if (!fa_call_renew(&late->call)) {
        free_late(late);
        return;
    }
    if (got->code != 0 && got->code != FA_ENOTFOUND && got->code != FA_ECORRUPT) {
        fail_late(late, 503, FA_WORDS_UNREADABLE);
        return;
    }
    if (got->code == 0 && got->row_count == 1 &&
        fa_engine_read_alarm(late->call.engine, got->rows[0].value, &alarm) != 0) {
        alarm = NULL;
    }
    answer(late, alarm);
    if (alarm != NULL) {
        fa_alarm_free(alarm);
    }
}

static void find_alarm(struct late_explain *late)
{
    const struct fa_api_host *host = &late->call.api->host;
    const struct fa_alarm *alarm = fa_engine_alarm(late->call.engine, late->id);
    struct fa_store *store = host->store(host->ctx);
    if (alarm != NULL) {
        answer(late, alarm);
    } else if (store == NULL) {
        fail_late(late, 503, FA_WORDS_UNREADABLE);
    } else {
        fa_store_get(store, FA_ROW_ALARM,
                     (struct fa_str){(const char *)late->id.id.bytes, FA_ID_BYTES}, on_row, late);
    }
}

static void keep(struct late_explain *late, fa_time at, json_t *json)
{
    size_t place = late->count++;
    for (; place > 0 && late->rows[place - 1].at > at; place--) {
        late->rows[place] = late->rows[place - 1];
    }
    late->rows[place].at = at;
    late->rows[place].json = json;
}

/* Takes what there is of one slot; FA_ENOTFOUND: nothing. */
static void take_evidence(struct late_explain *late, int code, const struct fa_row *row)
{
    struct fa_evidence evidence;
    if (code == 0 && fa_evidence_decode(row->value, &evidence) == 0) {
        keep(late, evidence.at, evidence_json(&evidence));
    } else {
        late->unread = late->unread || code != FA_ENOTFOUND;
    }
    if (--late->waiting == 0) {
        if (fa_call_renew(&late->call)) {
            find_alarm(late);
        } else {
            free_late(late);
        }
    }
}

static void on_evidence(void *ctx, const struct fa_store_answer *got)
{
    int code = got->code == 0 && got->row_count != 1 ? FA_ENOTFOUND : got->code;
    take_evidence(ctx, code, got->rows);
}

/* Slot 0 is asked for by its time: the newest row that is not after it. */
static void on_first(void *ctx, const struct fa_store_answer *got)
{
    struct late_explain *late = ctx;
    uint8_t key[FA_EVIDENCE_KEY_BYTES];
    fa_evidence_key(late->id, 0, key);
    bool is_it = got->code == 0 && got->row_count == 1 && got->rows[0].time == late->raised &&
                 fa_str_eq(got->rows[0].key, (struct fa_str){(const char *)key, sizeof key});
    int none = got->damaged > 0 ? FA_ECORRUPT : FA_ENOTFOUND;
    take_evidence(late, got->code == 0 && !is_it ? none : got->code, got->rows);
}

static void ask_evidence(struct late_explain *late, struct fa_store *store)
{
    uint8_t key[FA_EVIDENCE_KEY_BYTES + 1] = {0};
    late->waiting = FA_EVIDENCE_SLOTS;
    fa_evidence_key(late->id, 0, key);
    fa_store_query(store, FA_ROW_RAISED, late->raised,
                   (struct fa_str){(const char *)key, sizeof key}, 1, on_first, late);
    for (unsigned slot = 1; slot < FA_EVIDENCE_SLOTS; slot++) {
        fa_evidence_key(late->id, slot, key);
        fa_store_get(store, FA_ROW_EVIDENCE,
                     (struct fa_str){(const char *)key, FA_EVIDENCE_KEY_BYTES}, on_evidence, late);
    }
}

static void on_history(void *ctx, const struct fa_store_answer *got)
{
    struct late_explain *late = ctx;
    struct fa_alarm *alarm = NULL;
    const struct fa_api_host *host = &late->call.api->host;
    if (!fa_call_renew(&late->call)) {
        free_late(late);
        return;
    }
    if (got->code == 0 && got->row_count == 1 &&
        fa_engine_read_alarm(late->call.engine, got->rows[0].value, &alarm) == 0) {
        late->raised = alarm->raised;
        fa_alarm_free(alarm);
    }
    ask_evidence(late, host->store(host->ctx));
}

void fa_route_explain(struct fa_call *call)
{
    const struct fa_api_host *host = &call->api->host;
    struct fa_alarm_id id;
    const struct fa_alarm *alarm = fa_call_named_alarm(call, FA_VERB_SHOW, &id);
    if (alarm == NULL && fa_id_is_zero(id.id)) {
        return;
    }
    struct late_explain *late = fa_xcalloc(1, sizeof *late);
    struct fa_store *store = host->store(host->ctx);
    late->call = *call;
    late->id = alarm != NULL ? alarm->id : id;
    if (store == NULL) {
        late->unread = true;
        find_alarm(late);
        return;
    }
    if (alarm != NULL) {
        late->raised = alarm->raised;
        ask_evidence(late, store);
        return;
    }
    fa_store_get(store, FA_ROW_ALARM, (struct fa_str){(const char *)late->id.id.bytes, FA_ID_BYTES},
                 on_history, late);
}
