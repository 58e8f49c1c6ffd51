/* SPDX-License-Identifier: MIT */
/* One alarm for those who are told of it, and what they do with it. fa_may() decides; what it
 * refuses is not there. */
#include "api/internal.h"
#include "base/crashpoint.h"
#include "base/panic.h"
#include "metrics/labels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CLOSED_ALREADY "This alarm is closed already."

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

static json_t *flags_json(const struct fa_alarm *alarm, fa_time now)
{
    static const char *const names[] = {"latched", "unknown", "orphaned",  "shadow",  "emptied",
                                        "filed",   "overdue", "operators", "shelved", "suppressed"};
    json_t *list = json_array();
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if ((alarm->flags >> i & 1) != 0) {
            json_array_append_new(list, json_string(names[i]));
        }
    }
    if ((alarm->flags & FA_FLAG_DRILL) != 0) {
        json_array_append_new(list, json_string("drill"));
    }
    if (fa_alarm_flaps(alarm, now) > 0) {
        json_array_append_new(list, json_string("flapping"));
    }
    return list;
}

json_t *fa_labels_json(const char *text)
{
    json_t *labels = json_object();
    struct fa_labels *parsed = NULL;
    if (fa_labels_parse(fa_str_of(text), &parsed) == 0) {
        for (size_t i = 0; i < parsed->count; i++) {
            json_object_setn_new_nocheck(
                labels, parsed->items[i].name.ptr, parsed->items[i].name.len,
                json_stringn(parsed->items[i].value.ptr, parsed->items[i].value.len));
        }
        fa_labels_free(parsed);
    }
    return labels;
}

struct others {
    const struct fa_call *call;
    const struct fa_alarm *last;
    json_t *list; /* of inhibitors; NULL: only counted */
    json_int_t count;
};

/* One whom the caller may not know of is in no list and no count. */
static bool is_other(struct others *others, const struct fa_alarm *alarm)
{
    if (alarm == others->last || !fa_call_may(others->call, alarm, FA_VERB_LIST)) {
        return false;
    }
    others->last = alarm;
    others->count++;
    return true;
}

static void count_other(void *ctx, const struct fa_alarm *alarm)
{
    (void)is_other(ctx, alarm);
}

static void add_inhibitor(void *ctx, const struct fa_alarm *alarm, const struct fa_inhibition *by)
{
    struct others *others = ctx;
    char id[FA_ID_TEXT_SIZE];
    if (is_other(others, alarm) && others->count <= 20) {
        json_t *item = json_object();
        fa_json_set_text(item, "id", fa_id_format(alarm->id.id, id));
        fa_json_set_text(item, "rule", alarm->texts->rule);
        json_object_set_new(item, "labels", fa_labels_json(fa_alarm_labels(alarm)));
        fa_call_set_owner(others->call, item, by->owner);
        fa_json_set_text(item, "reason", by->reason);
        json_array_append_new(others->list, item);
    }
}

static json_int_t count_inhibited(const struct fa_call *call, const struct fa_alarm *alarm)
{
    struct others others = {.call = call};
    fa_engine_each_inhibited(alarm, count_other, &others);
    return others.count;
}

/* By what, with whom to ask and until when. */
static json_t *hidden_json(const struct fa_call *call, const struct fa_alarm *alarm)
{
    struct others others = {.call = call, .list = json_array()};
    const struct fa_silence *silence = fa_engine_silence_of(call->engine, alarm);
    json_t *item = json_object();
    fa_engine_each_inhibitor(alarm, add_inhibitor, &others);
    json_object_set_new(item, "silence",
                        silence != NULL ? fa_call_silence_json(call, silence) : json_null());
    json_object_set_new(item, "alarms", others.list);
    return item;
}

json_t *fa_call_alarm_json(const struct fa_call *call, const struct fa_alarm *alarm, bool whole)
{
    fa_time now = call->api->host.now(call->api->host.ctx).wall;
    char id[FA_ID_TEXT_SIZE];
    json_t *item = json_object();
    struct fa_describe describe;
    struct fa_buf text;
    fa_buf_init(&text, 8192);
    struct fa_reader reader = {
        .zone =
            call->caller.person != FA_NOBODY
                ? fa_directory_zone_of(call->people, call->people->people[call->caller.person].name)
                : NULL};
    fa_describe_init(&describe, call->engine, alarm, alarm->value, reader);
    fa_describe_title(&describe, alarm, now, &text);
    fa_json_set_text(item, "id", fa_id_format(alarm->id.id, id));
    fa_json_set_text(item, "state", fa_alarm_state_name(alarm->state));
    json_object_set_new(item, "flags", flags_json(alarm, now));
    json_object_set_new(item, "flaps", json_integer(fa_alarm_flaps(alarm, now)));
    fa_json_set_text(item, "severity", alarm->texts->severity);
    fa_json_set_text(item, "category", alarm->texts->category);
    fa_json_set_text(item, "rule", alarm->texts->rule);
    fa_json_set_text(item, "title", fa_buf_text(&text));
    json_object_set_new(item, "labels", fa_labels_json(fa_alarm_labels(alarm)));
    fa_json_set_time(item, "raised", alarm->raised);
    fa_json_set_time(item, "since", alarm->since);
    json_object_set_new(item, "value",
                        isfinite(alarm->value) ? json_real(alarm->value) : json_null());
    fa_json_set_text(item, "owner", alarm->people->owner);
    fa_json_set_time(item, "promised", alarm->people->promised);
    json_object_set_new(item, "step", json_integer(alarm->climbing ? alarm->step + 1 : 0));
    json_object_set_new(item, "loop", json_integer(alarm->loop));
    fa_json_set_text(item, "policy", alarm->texts->policy);
    bool hidden = (alarm->flags & (FA_FLAG_SHELVED | FA_FLAG_SUPPRESSED)) != 0;
    bool armed = alarm->deadline.length != FA_NEVER && alarm->state == FA_ALARM_UNACKED && !hidden;
    fa_json_set_time(item, "next", armed ? alarm->deadline.armed + alarm->deadline.length : 0);
    json_object_set_new(item, "filings", json_integer((json_int_t)alarm->people->incident_count));
    json_object_set_new(item, "hidden", hidden ? hidden_json(call, alarm) : json_null());
    json_object_set_new(item, "hides", json_integer(count_inhibited(call, alarm)));
    if (whole) {
        fa_buf_clear(&text);
        fa_describe_summary(&describe, alarm, now, &text);
        fa_json_set_text(item, "summary", fa_buf_text(&text));
        fa_json_set_text(item, "expect", alarm->texts->expect);
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

static void squeeze(struct fa_str text, char *out, size_t size)
{
    char plain[FA_CALL_ID_SIZE];
    size_t at = 0, len = fa_str_typed(text, plain);
    for (size_t i = 0; i < len && at + 1 < size; i++) {
        char c = plain[i] >= 'a' && plain[i] <= 'z' ? (char)(plain[i] - 'a' + 'A') : plain[i];
        c = c == 'O' ? '0' : c == 'I' || c == 'L' ? '1' : c;
        if (c != '-') {
            out[at++] = c;
        }
    }
    out[at] = '\0';
}

bool fa_call_id_begins(const char *id, struct fa_str typed)
{
    char symbols[FA_ID_TEXT_SIZE], wanted[32];
    squeeze(fa_str_of(id), symbols, sizeof symbols);
    squeeze(typed, wanted, sizeof wanted);
    return strlen(wanted) >= 4 && strncmp(symbols, wanted, strlen(wanted)) == 0;
}

static void match(void *ctx, const struct fa_alarm *alarm)
{
    struct search *search = ctx;
    char id[FA_ID_TEXT_SIZE], symbols[FA_ID_TEXT_SIZE];
    squeeze(fa_str_of(fa_id_format(alarm->id.id, id)), symbols, sizeof symbols);
    if (strncmp(symbols, search->wanted, strlen(search->wanted)) == 0 &&
        fa_call_may(search->call, alarm, FA_VERB_LIST)) {
        search->found = alarm;
        search->matches++;
    }
}

const struct fa_alarm *fa_call_named_alarm(struct fa_call *call, enum fa_verb verb,
                                           struct fa_alarm_id *ret_whole)
{
    struct search search = {.call = call};
    *ret_whole = (struct fa_alarm_id){0};
    squeeze(fa_str_of(call->id), search.wanted, sizeof search.wanted);
    if (strlen(search.wanted) >= 4) {
        fa_engine_each_alarm(call->engine, match, &search);
    }
    if (search.matches > 1) {
        fa_answer_problem(call, 409, "More than one alarm begins like this; give more of its id.");
        return NULL;
    }
    if (search.matches == 0) {
        bool stranger = call->caller.person == FA_NOBODY; /* nothing there is for him */
        bool whole = fa_id_parse(fa_str_of(search.wanted), &ret_whole->id) == 0;
        if (stranger || !whole || fa_id_is_zero(ret_whole->id)) { /* zeros are nobody's */
            *ret_whole = (struct fa_alarm_id){0};
            fa_answer_problem(call, 404, FA_WORDS_NO_ALARM);
        }
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
        fa_person person = fa_directory_find(call->people, fa_str_of(alarm->told[i].to->person));
        fa_json_set_text(item, "name", alarm->told[i].to->person);
        fa_json_set_text(item, "display",
                         person != FA_NOBODY ? call->people->people[person].display
                                             : alarm->told[i].to->person);
        fa_json_set_text(item, "channel", alarm->told[i].to->channel);
        fa_json_set_text(item, "state", channel_state(alarm, alarm->told[i].to->person));
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
    fa_json_set_text(item, "called", incident->called);
    fa_json_set_time(item, "time", incident->filed);
    return item;
}

/* old: those that history alone has, by id. */
static json_t *filings_json(const struct fa_call *call, const struct fa_alarm *alarm, json_t *old,
                            size_t *ret_unread)
{
    json_t *list = json_array();
    *ret_unread = 0;
    for (size_t i = 0; i < alarm->people->incident_count; i++) {
        const struct fa_incident *incident =
            fa_engine_incident(call->engine, alarm->people->incidents[i]);
        char id[FA_ID_TEXT_SIZE];
        json_t *item = json_object_get(old, fa_id_format(alarm->people->incidents[i].id, id));
        if (incident != NULL) {
            json_array_append_new(list, filing_json(incident));
        } else if (item != NULL) {
            json_array_append(list, item);
        } else {
            ++*ret_unread;
        }
    }
    return list;
}

static json_t *comments_json(const struct fa_alarm *alarm)
{
    json_t *list = json_array();
    for (size_t i = 0; i < alarm->people->comment_count; i++) {
        json_t *item = json_object();
        fa_json_set_text(item, "who", alarm->people->comments[i].who);
        fa_json_set_time(item, "time", alarm->people->comments[i].when);
        fa_json_set_text(item, "text", alarm->people->comments[i].text);
        json_array_append_new(list, item);
    }
    return list;
}

static void answer_alarm(struct fa_call *call, const struct fa_alarm *alarm, json_t *old)
{
    size_t unread = 0;
    json_t *item = fa_call_alarm_json(call, alarm, true);
    json_object_set_new(item, "told", told_json(call, alarm));
    json_object_set_new(item, "filings", filings_json(call, alarm, old, &unread));
    json_object_set_new(item, "filings_unread", json_integer((json_int_t)unread));
    json_object_set_new(item, "comments", comments_json(alarm));
    fa_answer_json(call, 200, item);
}

/* ---- what history has ---- */

/* An alarm or some of its filings are not in the engine. First the alarm says which filings it has,
 * then these are fetched one by one, and then the alarm once more: between two answers of the store
 * it may have moved to history, and a reload may have changed who may see it. */
struct late_alarm {
    struct fa_call call;
    enum fa_verb verb; /* SHOW, or what comes too late for a closed one */
    struct fa_alarm_id id;
    bool present; /* in the engine; else its row decides, also about one that is hidden there */
    struct fa_incident_id *filings; /* NULL: not known yet */
    size_t count, at;
    json_t *old; /* filings by their ids */
};

static void free_late(struct late_alarm *late)
{
    free(late->filings);
    json_decref(late->old);
    free(late);
}

static void fail_late(struct late_alarm *late, int status, const char *detail)
{
    fa_answer_problem(&late->call, status, detail);
    free_late(late);
}

static void on_row(void *ctx, const struct fa_store_answer *answer);
static void on_filing(void *ctx, const struct fa_store_answer *answer);

static void look_further(struct late_alarm *late);

/* alarm: of the engine or read from its row; NULL when it is nowhere. */
static void with_alarm(struct late_alarm *late, const struct fa_alarm *alarm)
{
    struct fa_call *call = &late->call;
    if (alarm == NULL || !fa_call_may(call, alarm, FA_VERB_SHOW)) {
        fail_late(late, 404, FA_WORDS_NO_ALARM);
    } else if (late->verb != FA_VERB_SHOW) {
        fail_late(late, 409, CLOSED_ALREADY);
    } else if (late->filings == NULL && alarm->people->incident_count > 0) {
        size_t size = alarm->people->incident_count * sizeof late->filings[0];
        late->filings = fa_xmalloc(size);
        memcpy(late->filings, alarm->people->incidents, size);
        late->count = alarm->people->incident_count;
        look_further(late);
    } else {
        answer_alarm(call, alarm, late->old);
        free_late(late);
    }
}

static void look_further(struct late_alarm *late)
{
    const struct fa_api_host *host = &late->call.api->host;
    struct fa_engine *engine = late->call.engine;
    struct fa_store *store = host->store(host->ctx);
    while (late->at < late->count && fa_engine_incident(engine, late->filings[late->at]) != NULL) {
        late->at++;
    }
    bool filing = late->at < late->count;
    const struct fa_alarm *alarm =
        late->present && !filing ? fa_engine_alarm(engine, late->id) : NULL;
    if (alarm != NULL) {
        with_alarm(late, alarm);
    } else if (store == NULL) {
        fail_late(late, 503, FA_WORDS_UNREADABLE);
    } else {
        const uint8_t *key = filing ? late->filings[late->at].id.bytes : late->id.id.bytes;
        fa_store_get(store, filing ? FA_ROW_INCIDENT : FA_ROW_ALARM,
                     (struct fa_str){(const char *)key, FA_ID_BYTES}, filing ? on_filing : on_row,
                     late);
    }
}

static void on_filing(void *ctx, const struct fa_store_answer *answer)
{
    struct late_alarm *late = ctx;
    struct fa_incident *incident = NULL;
    if (!fa_call_renew(&late->call)) {
        free_late(late);
        return;
    }
    if (answer->code == 0 && answer->row_count == 1 &&
        fa_engine_read_incident(late->call.engine, answer->rows[0].value, &incident) == 0) {
        char id[FA_ID_TEXT_SIZE];
        fa_id_format(late->filings[late->at].id, id);
        json_object_set_new(late->old, id, filing_json(incident));
        fa_incident_free(incident);
    }
    late->at++; /* one that cannot be read is counted in the answer */
    look_further(late);
}

/* A damaged row is in no list either: as if it were not there. */
static void on_row(void *ctx, const struct fa_store_answer *answer)
{
    struct late_alarm *late = ctx;
    struct fa_alarm *alarm = NULL;
    if (!fa_call_renew(&late->call)) {
        free_late(late);
        return;
    }
    if (answer->code != 0 && answer->code != FA_ENOTFOUND && answer->code != FA_ECORRUPT) {
        fail_late(late, 503, FA_WORDS_UNREADABLE);
        return;
    }
    if (answer->code == 0 && answer->row_count == 1 &&
        fa_engine_read_alarm(late->call.engine, answer->rows[0].value, &alarm) != 0) {
        alarm = NULL;
    }
    with_alarm(late, alarm);
    if (alarm != NULL) {
        fa_alarm_free(alarm);
    }
}

/* present: NULL, or the alarm when only filings of it are missing. */
static void look_in_history(struct fa_call *call, struct fa_alarm_id id,
                            const struct fa_alarm *present, enum fa_verb verb)
{
    struct late_alarm *late = fa_xcalloc(1, sizeof *late);
    *late = (struct late_alarm){.call = *call, .verb = verb, .id = id, .old = json_object()};
    if (present != NULL) {
        late->present = true;
        with_alarm(late, present);
    } else {
        look_further(late);
    }
}

static bool has_old_filings(const struct fa_call *call, const struct fa_alarm *alarm)
{
    for (size_t i = 0; i < alarm->people->incident_count; i++) {
        if (fa_engine_incident(call->engine, alarm->people->incidents[i]) == NULL) {
            return true;
        }
    }
    return false;
}

void fa_route_alarm(struct fa_call *call)
{
    struct fa_alarm_id id;
    const struct fa_alarm *alarm = fa_call_named_alarm(call, FA_VERB_SHOW, &id);
    if (alarm != NULL && !has_old_filings(call, alarm)) {
        answer_alarm(call, alarm, NULL);
    } else if (alarm != NULL || !fa_id_is_zero(id.id)) {
        look_in_history(call, alarm != NULL ? alarm->id : id, alarm, FA_VERB_SHOW);
    }
}

/* ---- deeds ---- */

/* calm: its data had said that it is over, maybe without a word to anybody so far, when it was
 * acknowledged. */
static void answer_state(struct fa_call *call, struct fa_alarm_id id, bool calm)
{
    const struct fa_alarm *alarm = fa_engine_alarm(call->engine, id);
    json_t *body = json_object();
    fa_json_set_text(body, "state", alarm != NULL ? fa_alarm_state_name(alarm->state) : "resolved");
    fa_json_set_text(body, "owner", alarm != NULL ? alarm->people->owner : NULL);
    fa_json_set_time(body, "promised", alarm != NULL ? alarm->people->promised : 0);
    json_object_set_new(body, "calm", json_boolean(calm));
    fa_answer_json(call, 200, body);
}

static void deed(struct fa_call *call, struct fa_event *event, enum fa_verb verb)
{
    const struct fa_api_host *host = &call->api->host;
    struct fa_alarm_id id;
    const struct fa_alarm *alarm = fa_call_named_alarm(call, verb, &id);
    if (alarm == NULL) {
        if (!fa_id_is_zero(id.id)) {
            look_in_history(call, id, NULL, verb);
        }
        return;
    }
    bool calm = event->kind == FA_EV_ACK && alarm->state == FA_ALARM_RETURNED;
    id = alarm->id;
    event->u.act.alarm = id;
    event->u.act.who = call->people->people[call->caller.person].name;
    FA_CRASHPOINT("api.before_deed");
    struct fa_api_answer answer = host->step(host->ctx, event);
    FA_CRASHPOINT("api.after_deed");
    if (answer.code == FA_EFULL) {
        fa_answer_problem(call, 409, fa_call_text(call, FA_PHRASE_REFUSED_FULL));
        return;
    }
    if (answer.code != 0) {
        fa_answer_code(call, answer.code, CLOSED_ALREADY);
        return;
    }
    answer_state(call, id, calm);
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
    if (event->u.act.for_ms > 0 && event->u.act.for_ms < FA_PROMISE_MIN) {
        fa_json_fault(&faults, "for",
                      "Too short to do anything: promise your next word in 1m or more.");
    }
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

/* ---- recusal ---- */

static void recuse(struct fa_call *call, const char *about)
{
    const struct fa_api_host *host = &call->api->host;
    struct fa_alarm_id id;
    const struct fa_alarm *alarm = fa_call_named_alarm(call, FA_VERB_ACK, &id);
    if (alarm == NULL) {
        if (!fa_id_is_zero(id.id)) {
            look_in_history(call, id, NULL, FA_VERB_ACK);
        }
        return;
    }
    struct fa_event event = {.kind = FA_EV_RECUSE,
                             .u.recuse = {.alarm = alarm->id,
                                          .who = call->people->people[call->caller.person].name,
                                          .person = about}};
    struct fa_api_answer answer = host->step(host->ctx, &event);
    if (answer.code == 0) {
        fa_answer_json(call, 200, json_object()); /* how it stands is theirs no more */
        return;
    }
    const char *detail = answer.code == FA_EINVAL    ? "There is nobody of this name."
                         : answer.code == FA_EDENIED ? "It goes to the independent contacts: they "
                                                       "can step out only by themselves."
                         : answer.code == FA_EFULL   ? fa_call_text(call, FA_PHRASE_REFUSED_FULL)
                                                     : CLOSED_ALREADY;
    fa_answer_code(call, answer.code, detail);
}

/* Reads {"about": a person's name}; without it the caller steps out. */
void fa_route_recuse(struct fa_call *call)
{
    const char *names[] = {"about", NULL};
    struct fa_json_text spec = {"about", 64, false, false};
    struct fa_faults faults = {0};
    json_t *root = fa_http_body(call->req).len > 0 ? fa_json_body(call->req) : json_object();
    if (root == NULL) {
        return;
    }
    fa_json_only(root, names, &faults);
    const char *about = fa_json_text(root, &spec, &faults);
    if (!fa_answer_faults(call, &faults)) {
        recuse(call, about);
    }
    json_decref(root);
}
