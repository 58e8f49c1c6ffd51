/* SPDX-License-Identifier: MIT */
/* One alarm for those who are told of it, and what they do with it. fa_may() decides; what it
 * refuses is not there. */
#include "api/internal.h"
#include "base/panic.h"
#include "metrics/labels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool fa_call_may(const struct fa_call *call, const struct fa_alarm *alarm, enum fa_verb verb)
{
    struct fa_access access;
    struct fa_viewer viewer = {call->caller.person};
    if (alarm->state == FA_ALARM_PENDING) {
        return false;
    }
    fa_access_init(&access, call->engine, alarm);
    bool allowed = fa_may(call->people, viewer, verb, &access.object);
    fa_access_done(&access);
    return allowed;
}

static json_t *flags_json(uint32_t flags)
{
    static const char *const names[] = {"latched", "unknown", "orphaned", "shadow",
                                        "emptied", "filed",   "overdue",  "operators"};
    json_t *list = json_array();
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if ((flags >> i & 1) != 0) {
            json_array_append_new(list, json_string(names[i]));
        }
    }
    return list;
}

static json_t *labels_json(const struct fa_alarm *alarm)
{
    json_t *labels = json_object();
    struct fa_labels *parsed = NULL;
    if (fa_labels_parse(fa_str_of(alarm->labels), &parsed) == 0) {
        for (size_t i = 0; i < parsed->count; i++) {
            json_object_setn_new_nocheck(
                labels, parsed->items[i].name.ptr, parsed->items[i].name.len,
                json_stringn(parsed->items[i].value.ptr, parsed->items[i].value.len));
        }
        fa_labels_free(parsed);
    }
    return labels;
}

json_t *fa_call_alarm_json(const struct fa_call *call, const struct fa_alarm *alarm, bool whole)
{
    fa_time now = call->api->host.now(call->api->host.ctx).wall;
    char id[FA_ID_TEXT_SIZE];
    json_t *item = json_object();
    struct fa_describe describe;
    struct fa_buf text;
    fa_buf_init(&text, 8192);
    fa_describe_init(&describe, call->engine, alarm, alarm->value);
    fa_describe_title(&describe, alarm, now, &text);
    fa_json_set_text(item, "id", fa_id_format(alarm->id.id, id));
    fa_json_set_text(item, "state", fa_alarm_state_name(alarm->state));
    json_object_set_new(item, "flags", flags_json(alarm->flags));
    fa_json_set_text(item, "severity", alarm->severity);
    fa_json_set_text(item, "category", alarm->category);
    fa_json_set_text(item, "rule", alarm->rule);
    fa_json_set_text(item, "title", fa_buf_text(&text));
    json_object_set_new(item, "labels", labels_json(alarm));
    fa_json_set_time(item, "raised", alarm->raised);
    fa_json_set_time(item, "since", alarm->since);
    json_object_set_new(item, "value",
                        isfinite(alarm->value) ? json_real(alarm->value) : json_null());
    fa_json_set_text(item, "owner", alarm->owner);
    fa_json_set_time(item, "promised", alarm->promised);
    json_object_set_new(item, "step", json_integer(alarm->climbing ? alarm->step + 1 : 0));
    json_object_set_new(item, "loop", json_integer(alarm->loop));
    fa_json_set_text(item, "policy", alarm->policy);
    bool armed = alarm->deadline.length != FA_NEVER && alarm->state == FA_ALARM_UNACKED;
    fa_json_set_time(item, "next", armed ? alarm->deadline.armed + alarm->deadline.length : 0);
    json_object_set_new(item, "filings", json_integer((json_int_t)alarm->incident_count));
    if (whole) {
        fa_buf_clear(&text);
        fa_describe_summary(&describe, alarm, now, &text);
        fa_json_set_text(item, "summary", fa_buf_text(&text));
        fa_json_set_text(item, "expect", alarm->expect);
    }
    fa_describe_done(&describe);
    fa_buf_done(&text);
    return item;
}

/* ---- one alarm ---- */

struct search {
    const struct fa_call *call;
    char wanted[32]; /* symbols without dashes, in capitals */
    const struct fa_alarm *found;
    unsigned matches;
};

static void squeeze(const char *text, char *out, size_t size)
{
    size_t at = 0;
    for (; *text != '\0' && at + 1 < size; text++) {
        char c = *text >= 'a' && *text <= 'z' ? (char)(*text - 'a' + 'A') : *text;
        c = c == 'O' ? '0' : c == 'I' || c == 'L' ? '1' : c;
        if (c != '-') {
            out[at++] = c;
        }
    }
    out[at] = '\0';
}

static void match(void *ctx, const struct fa_alarm *alarm)
{
    struct search *search = ctx;
    char id[FA_ID_TEXT_SIZE], symbols[FA_ID_TEXT_SIZE];
    squeeze(fa_id_format(alarm->id.id, id), symbols, sizeof symbols);
    if (strncmp(symbols, search->wanted, strlen(search->wanted)) == 0 &&
        fa_call_may(search->call, alarm, FA_VERB_LIST)) {
        search->found = alarm;
        search->matches++;
    }
}

/* The alarm that the path names, if this caller may do that with it; NULL after an answer. */
static const struct fa_alarm *named_alarm(struct fa_call *call, enum fa_verb verb)
{
    struct search search = {.call = call};
    squeeze(call->id, search.wanted, sizeof search.wanted);
    if (strlen(search.wanted) >= 4) {
        fa_engine_each_alarm(call->engine, match, &search);
    }
    if (search.matches > 1) {
        fa_answer_problem(call, 409, "More than one alarm begins like this; give more of its id.");
        return NULL;
    }
    if (search.matches == 0) {
        fa_answer_problem(call, 404, "There is no open alarm with this id that you may see.");
        return NULL;
    }
    if (!fa_call_may(call, search.found, verb)) {
        fa_answer_problem(call, 403, "You may see this alarm, but not do that with it.");
        return NULL;
    }
    return search.found;
}

static const char *channel_state(const struct fa_alarm *alarm, const char *person)
{
    for (const struct fa_notification *n = alarm->notifications; n != NULL; n = n->next) {
        if (strcmp(n->person, person) == 0) {
            return fa_notification_state_name(n->state);
        }
    }
    return "sent";
}

static json_t *told_json(const struct fa_call *call, const struct fa_alarm *alarm)
{
    json_t *list = json_array();
    for (size_t i = 0; i < alarm->told_count; i++) {
        json_t *item = json_object();
        fa_person person = fa_directory_find(call->people, fa_str_of(alarm->told[i].person));
        fa_json_set_text(item, "name", alarm->told[i].person);
        fa_json_set_text(item, "display",
                         person != FA_NOBODY ? call->people->people[person].display
                                             : alarm->told[i].person);
        fa_json_set_text(item, "channel", alarm->told[i].channel);
        fa_json_set_text(item, "state", channel_state(alarm, alarm->told[i].person));
        fa_json_set_time(item, "time", alarm->told[i].when);
        json_array_append_new(list, item);
    }
    return list;
}

static json_t *filing_json(const struct fa_incident *incident)
{
    static const char *const known[] = {"seen", "told", "heard"};
    json_t *item = json_object();
    fa_json_set_text(item, "customer", incident->customer);
    fa_json_set_text(item, "text", incident->text);
    fa_json_set_text(item, "since", incident->since);
    fa_json_set_text(item, "known", known[incident->known]);
    fa_json_set_text(item, "reporter", incident->reporter);
    fa_json_set_time(item, "time", incident->filed);
    return item;
}

static json_t *filings_json(const struct fa_call *call, const struct fa_alarm *alarm)
{
    json_t *list = json_array();
    for (size_t i = 0; i < alarm->incident_count; i++) {
        const struct fa_incident *incident = fa_engine_incident(call->engine, alarm->incidents[i]);
        if (incident != NULL) {
            json_array_append_new(list, filing_json(incident));
        }
    }
    return list;
}

static json_t *comments_json(const struct fa_alarm *alarm)
{
    json_t *list = json_array();
    for (size_t i = 0; i < alarm->comment_count; i++) {
        json_t *item = json_object();
        fa_json_set_text(item, "who", alarm->comments[i].who);
        fa_json_set_time(item, "time", alarm->comments[i].when);
        fa_json_set_text(item, "text", alarm->comments[i].text);
        json_array_append_new(list, item);
    }
    return list;
}

void fa_route_alarm(struct fa_call *call)
{
    const struct fa_alarm *alarm = named_alarm(call, FA_VERB_SHOW);
    if (alarm == NULL) {
        return;
    }
    json_t *item = fa_call_alarm_json(call, alarm, true);
    json_object_set_new(item, "told", told_json(call, alarm));
    json_object_set_new(item, "filings", filings_json(call, alarm));
    json_object_set_new(item, "comments", comments_json(alarm));
    fa_answer_json(call, 200, item);
}

/* ---- deeds ---- */

static void answer_state(struct fa_call *call, struct fa_alarm_id id)
{
    const struct fa_alarm *alarm = fa_engine_alarm(call->engine, id);
    json_t *body = json_object();
    fa_json_set_text(body, "state", alarm != NULL ? fa_alarm_state_name(alarm->state) : "resolved");
    fa_json_set_text(body, "owner", alarm != NULL ? alarm->owner : NULL);
    fa_json_set_time(body, "promised", alarm != NULL ? alarm->promised : 0);
    fa_answer_json(call, 200, body);
}

static void deed(struct fa_call *call, struct fa_event *event, enum fa_verb verb)
{
    const struct fa_api_host *host = &call->api->host;
    const struct fa_alarm *alarm = named_alarm(call, verb);
    if (alarm == NULL) {
        return;
    }
    struct fa_alarm_id id = alarm->id;
    event->u.act.alarm = id;
    event->u.act.who = call->people->people[call->caller.person].name;
    struct fa_api_answer answer = host->step(host->ctx, event);
    if (answer.code == FA_EFULL) {
        fa_answer_problem(call, 409, FA_WORDS_FULL);
        return;
    }
    if (answer.code != 0) {
        fa_answer_code(call, answer.code, "This alarm is closed already.");
        return;
    }
    answer_state(call, id);
}

/* Reads {"for", note}: note under its own name, needed for a comment only. */
static void read_and_do(struct fa_call *call, struct fa_event *event, enum fa_verb verb,
                        const char *note)
{
    const char *names[] = {note, event->kind == FA_EV_ACK ? "for" : NULL, NULL};
    struct fa_json_text spec = {note, 8192, event->kind == FA_EV_COMMENT, true};
    struct fa_faults faults = {0};
    json_t *root = fa_http_body(call->req).len > 0 ? fa_json_body(call->req) : json_object();
    if (root == NULL) {
        return;
    }
    fa_json_only(root, names, &faults);
    event->u.act.text = fa_json_text(root, &spec, &faults);
    event->u.act.for_ms = event->kind == FA_EV_ACK ? fa_json_duration(root, "for", &faults) : 0;
    if (!fa_answer_faults(call, &faults)) {
        deed(call, event, verb);
    }
    json_decref(root);
}

void fa_route_ack(struct fa_call *call)
{
    struct fa_event event = {.kind = FA_EV_ACK};
    read_and_do(call, &event, FA_VERB_ACK, "note");
}

void fa_route_resolve(struct fa_call *call)
{
    struct fa_event event = {.kind = FA_EV_RESOLVE};
    read_and_do(call, &event, FA_VERB_RESOLVE, "note");
}

void fa_route_comment(struct fa_call *call)
{
    struct fa_event event = {.kind = FA_EV_COMMENT};
    read_and_do(call, &event, FA_VERB_COMMENT, "text");
}
