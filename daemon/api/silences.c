/* SPDX-License-Identifier: MIT */
/* Silences over HTTP: what one would hide before it is set, setting it, the list, ending it.
 *
 * Whoever may silence what the matchers take may do all of it (fa_engine_may_silence(): those who
 * are to be told, and operators). What is counted or listed is filtered alarm by alarm first, and
 * filings are in no rule, count or list here: nobody learns of one through a preview. */
#include "api/lookback.h"
#include "base/panic.h"

#include <stdlib.h>
#include <string.h>

#define REASON_NEEDED "Say why: whoever misses an alarm reads it."

/* What a request asks for; texts are owned, so that it can wait for the store. */
struct wish {
    struct fa_silence_id id; /* of the caller's key; zero: none */
    struct fa_matchers where;
    char *reason, *upto;
    fa_time begin, end;
};

static void wish_done(struct wish *wish)
{
    fa_matchers_done(&wish->where);
    free(wish->reason);
    free(wish->upto);
}

static struct fa_silence_spec spec_of(const struct fa_call *call, const struct wish *wish)
{
    return (struct fa_silence_spec){
        .id = wish->id,
        .where = &wish->where,
        .owner = call->people->people[call->caller.person].name,
        .reason = wish->reason,
        .upto = wish->upto,
        .begin = wish->begin,
        .end = wish->end,
    };
}

/* ---- reading ---- */

void fa_call_read_matchers(json_t *root, const char *name, struct fa_matchers *ret,
                           struct fa_faults *faults)
{
    const char **texts = NULL;
    struct fa_err err;
    char pointer[32];
    size_t count = fa_json_texts(root, name, FA_MATCHERS_MAX, &texts, faults);
    for (size_t i = 0; i < count; i++) {
        if (fa_matchers_add(ret, fa_str_of(texts[i]), &err) != 0) {
            snprintf(pointer, sizeof pointer, "%s/%zu", name, i);
            fa_json_fault(faults, pointer, "%s", err.text);
        }
    }
    free(texts);
    if (faults->list == NULL && fa_matchers_check(ret, &err) != 0) {
        fa_json_fault(faults, name, "%s", err.text);
    }
}

/* A rule that is asked for by name and is not there, or none that the caller may know of. */
static void check_rule(const struct fa_call *call, const struct wish *wish,
                       struct fa_faults *faults)
{
    for (size_t i = 0; i < wish->where.count; i++) {
        const struct fa_matcher *m = &wish->where.list[i];
        const char *near = strcmp(m->name, "rule") == 0 && m->kind == FA_MATCH_EQUAL &&
                                   fa_setup_rule(call->setup, m->value) == NULL
                               ? fa_call_near_rule(call, m->value)
                               : NULL;
        if (near != NULL) {
            fa_json_fault(faults, "where", "There is no rule '%.100s': did you mean '%s'?",
                          m->value, near);
        }
    }
}

/* Without a word about it: as bad as the rules are today that it takes; worse ones are heard. */
static const char *usual_scope(const struct fa_call *call, const struct wish *wish)
{
    const struct fa_severity *worst = NULL;
    for (size_t i = 0; i < call->setup->rule_count; i++) {
        const struct fa_rule *rule = call->setup->rules[i];
        struct fa_matched matched = {
            .rule = rule->name, .severity = rule->severity, .category = rule->category};
        const struct fa_severity *severity = fa_setup_severity(call->setup, rule->severity);
        if (!rule->is_incident && severity != NULL && fa_matchers_match(&wish->where, &matched) &&
            (worst == NULL || severity->rank < worst->rank)) {
            worst = severity;
        }
    }
    return worst != NULL ? worst->name : NULL;
}

/* The same key of the same caller is the same silence, whatever became of the first answer. */
static void read_key(const struct fa_call *call, json_t *root, struct wish *wish,
                     struct fa_faults *faults)
{
    static const struct fa_json_text spec = {"key", 64, false, false};
    const char *key = fa_json_text(root, &spec, faults);
    uint8_t bytes[16];
    char material[400];
    if (key == NULL || call->caller.person == FA_NOBODY) {
        return; /* whom nobody knows is refused */
    }
    if (fa_unhex(fa_str_of(key), bytes, sizeof bytes) != 0) {
        fa_json_fault(faults, "key", "The key must be 32 lower-case hexadecimal digits.");
        return;
    }
    int len = snprintf(material, sizeof material, "silence|%.200s|%s",
                       call->people->people[call->caller.person].name, key);
    wish->id.id = fa_receipt_of(call->api, (struct fa_str){material, (size_t)len});
}

static void read_scope(const struct fa_call *call, json_t *root, struct wish *wish,
                       struct fa_faults *faults)
{
    static const struct fa_json_text spec = {"upto", 100, false, false};
    const char *upto = fa_json_text(root, &spec, faults);
    if (upto != NULL && fa_setup_severity(call->setup, upto) == NULL) {
        fa_json_fault(faults, "upto", "There is no severity '%.100s'.", upto);
    }
    wish->upto = fa_xstrdup(upto != NULL ? upto : usual_scope(call, wish));
}

static void read_times(const struct fa_call *call, json_t *root, struct wish *wish,
                       struct fa_faults *faults)
{
    static const struct fa_json_text spec = {"begin", 40, false, false};
    fa_time now = call->api->host.now(call->api->host.ctx).wall;
    const char *begin = fa_json_text(root, &spec, faults);
    fa_time length = fa_json_duration(root, "for", faults);
    wish->begin = now;
    if (begin != NULL && fa_parse_time(fa_str_of(begin), &wish->begin) != 0) {
        fa_json_fault(faults, "begin", "This is no time such as 2026-11-22T22:00:00Z.");
    } else if (wish->begin > now + FA_SILENCE_LONGEST) {
        fa_json_fault(faults, "begin", "It begins within 30 days; plans are maintenance windows.");
    }
    wish->begin = wish->begin > now ? wish->begin : now;
    wish->end = wish->begin + length;
    if (length <= 0 || length > FA_SILENCE_LONGEST) {
        fa_json_fault(faults, "for", "Say for how long, 30 days at most: 30m, 2h, 3d.");
    }
}

/* False after an answer. */
static bool check_may(struct fa_call *call, const struct fa_matchers *where)
{
    bool may = fa_engine_may_silence(call->engine, call->caller.person, where);
    if (!may) {
        fa_answer_problem(call, 403,
                          "You may silence what you are to be told of: these matchers take other "
                          "alarms, or none. An operator may silence any that nobody filed.");
    }
    return may;
}

/* False after an answer. */
static bool read_wish(struct fa_call *call, bool needs_reason, struct wish *ret)
{
    static const char *const names[] = {"where", "reason", "upto", "begin", "for", "key", NULL};
    const struct fa_json_text reason = {"reason", FA_SILENCE_REASON_MAX, needs_reason, false};
    struct fa_faults faults = {0};
    json_t *root = fa_json_body(call->req);
    *ret = (struct wish){0};
    if (root == NULL) {
        return false;
    }
    fa_json_only(root, names, &faults);
    fa_call_read_matchers(root, "where", &ret->where, &faults);
    ret->reason = fa_xstrdup(fa_json_text(root, &reason, &faults));
    if (needs_reason && ret->reason != NULL && fa_str_trim(fa_str_of(ret->reason)).len == 0) {
        fa_json_fault(&faults, "reason", REASON_NEEDED);
    }
    read_key(call, root, ret, &faults);
    read_scope(call, root, ret, &faults);
    read_times(call, root, ret, &faults);
    check_rule(call, ret, &faults);
    json_decref(root);
    if (fa_answer_faults(call, &faults)) {
        wish_done(ret);
        return false;
    }
    if (!check_may(call, &ret->where)) {
        wish_done(ret);
        return false;
    }
    return true;
}

/* Whoever believes in a silence that does nothing is woken in spite of it. */
static void set_hides_nothing(const struct fa_call *call, const struct fa_silence_spec *spec,
                              json_t *body)
{
    static const char *const words[] = {
        [FA_HIDES_NO_RULE] = "No rule here raises an alarm that fits.",
        [FA_HIDES_NEVER] = "All that fits is what people file, or of a category that is "
                           "unsilenceable.",
        [FA_HIDES_WORSE] = "All that fits is worse than the severity that it covers.",
        [FA_HIDES] = NULL,
    };
    fa_json_set_text(body, "hides_nothing", words[fa_engine_could_hide(call->engine, spec)]);
}

/* ---- preview ---- */

struct preview {
    struct fa_lookback walk;
    struct wish wish;
    json_int_t open, count, told;
    json_t *open_list, *past_list;
};

static void free_preview(void *ctx)
{
    struct preview *p = ctx;
    wish_done(&p->wish);
    json_decref(p->open_list);
    json_decref(p->past_list);
    free(p);
}

static bool may_go_on(void *ctx)
{
    struct preview *p = ctx;
    return check_may(&p->walk.call, &p->wish.where);
}

static bool takes(const struct preview *p, const struct fa_alarm *alarm)
{
    const struct fa_silence_spec spec = spec_of(&p->walk.call, &p->wish);
    return fa_engine_would_hide(p->walk.call.engine, &spec, alarm) &&
           fa_call_may(&p->walk.call, alarm, FA_VERB_LIST);
}

static void count_open(void *ctx, const struct fa_alarm *alarm)
{
    struct preview *p = ctx;
    if (alarm->state != FA_ALARM_RESOLVED && takes(p, alarm)) {
        p->open++;
        fa_lookback_example(&p->walk, p->open_list, alarm);
    }
}

static void count_past(void *ctx, const struct fa_alarm *alarm, fa_time ended)
{
    struct preview *p = ctx;
    (void)ended;
    if (takes(p, alarm)) {
        p->count++;
        p->told += (json_int_t)alarm->told_count;
        fa_lookback_example(&p->walk, p->past_list, alarm);
    }
}

static void answer_preview(void *ctx, bool complete)
{
    struct preview *p = ctx;
    json_t *body = json_object(), *now = json_object(), *past = json_object();
    fa_json_set_time(body, "begin", p->wish.begin);
    fa_json_set_time(body, "end", p->wish.end);
    fa_json_set_text(body, "upto", p->wish.upto);
    const struct fa_silence_spec spec = spec_of(&p->walk.call, &p->wish);
    set_hides_nothing(&p->walk.call, &spec, body);
    json_object_set_new(now, "count", json_integer(p->open));
    json_object_set(now, "alarms", p->open_list);
    fa_json_set_time(past, "since", p->walk.from);
    json_object_set_new(past, "count", json_integer(p->count));
    json_object_set_new(past, "told", json_integer(p->told));
    json_object_set(past, "alarms", p->past_list);
    json_object_set_new(past, "complete", json_boolean(complete));
    json_object_set_new(body, "open", now);
    json_object_set_new(body, "past", past);
    fa_answer_json(&p->walk.call, 200, body);
    free_preview(p);
}

void fa_route_silence_preview(struct fa_call *call)
{
    static const struct fa_lookback_reader reader = {may_go_on, count_past, answer_preview,
                                                     free_preview};
    struct wish wish;
    if (!read_wish(call, false, &wish)) {
        return;
    }
    struct preview *p = fa_xcalloc(1, sizeof *p);
    fa_lookback_init(&p->walk, call, &reader, p);
    p->wish = wish;
    p->open_list = json_array();
    p->past_list = json_array();
    fa_engine_each_alarm(call->engine, count_open, p);
    fa_lookback_walk(&p->walk);
}

/* ---- the list ---- */

static bool may_see(const struct fa_call *call, const struct fa_silence *silence)
{
    if (call->caller.person == FA_NOBODY) {
        return false;
    }
    const char *name = call->people->people[call->caller.person].name;
    bool known = strcmp(silence->owner, name) == 0;
    for (size_t i = 0; i < silence->told_count && !known; i++) {
        known = strcmp(silence->told[i], name) == 0;
    }
    return known || fa_engine_may_silence(call->engine, call->caller.person, &silence->where);
}

struct hidden {
    const struct fa_call *call;
    const struct fa_silence *silence;
    json_int_t count;
};

static void count_hidden(void *ctx, const struct fa_alarm *alarm)
{
    struct hidden *hidden = ctx;
    if (fa_engine_silence_of(hidden->call->engine, alarm) == hidden->silence &&
        fa_call_may(hidden->call, alarm, FA_VERB_LIST)) {
        hidden->count++;
    }
}

void fa_call_set_owner(const struct fa_call *call, json_t *item, const char *name)
{
    fa_person person = fa_directory_find(call->people, fa_str_of(name));
    fa_json_set_text(item, "owner", name);
    fa_json_set_text(item, "display",
                     person != FA_NOBODY ? call->people->people[person].display : name);
}

json_t *fa_call_silence_json(const struct fa_call *call, const struct fa_silence *silence)
{
    char id[FA_ID_TEXT_SIZE];
    json_t *item = json_object(), *where = json_array();
    for (size_t i = 0; i < silence->where.count; i++) {
        struct fa_buf text;
        fa_buf_init(&text, 4096);
        fa_matcher_format(&silence->where.list[i], &text);
        json_array_append_new(where, json_stringn(fa_buf_text(&text), text.len));
        fa_buf_done(&text);
    }
    fa_json_set_text(item, "id", fa_id_format(silence->id.id, id));
    fa_json_set_text(item, "state", fa_silence_state_name(silence->state));
    json_object_set_new(item, "where", where);
    fa_json_set_text(item, "upto", silence->upto);
    fa_call_set_owner(call, item, silence->owner);
    fa_json_set_text(item, "reason", silence->reason);
    fa_json_set_text(item, "window", silence->window);
    fa_json_set_time(item, "begin", silence->begin);
    fa_json_set_time(item, "end", silence->end);
    return item;
}

struct list {
    struct fa_call *call;
    json_t *items;
};

static void add_silence(void *ctx, const struct fa_silence *silence)
{
    struct list *list = ctx;
    struct hidden hidden = {list->call, silence, 0};
    if (silence->state == FA_SILENCE_OVER || !may_see(list->call, silence)) {
        return;
    }
    json_t *item = fa_call_silence_json(list->call, silence);
    if (silence->state == FA_SILENCE_ACTIVE) {
        fa_engine_each_alarm(list->call->engine, count_hidden, &hidden);
    }
    json_object_set_new(item, "hides", json_integer(hidden.count));
    json_array_append_new(list->items, item);
}

void fa_route_silences(struct fa_call *call)
{
    struct list list = {call, json_array()};
    fa_engine_each_silence(call->engine, add_silence, &list);
    json_t *body = json_object();
    json_object_set_new(body, "silences", list.items);
    fa_answer_json(call, 200, body);
}

/* ---- deeds ---- */

static void answer_set(struct fa_call *call, int status, const struct fa_silence_spec *spec,
                       const struct fa_silence *silence)
{
    json_t *body = fa_call_silence_json(call, silence);
    set_hides_nothing(call, spec, body);
    fa_answer_json(call, status, body);
}

void fa_route_silence(struct fa_call *call)
{
    const struct fa_api_host *host = &call->api->host;
    struct wish wish;
    if (!read_wish(call, true, &wish)) {
        return;
    }
    struct fa_silence_spec spec = spec_of(call, &wish);
    const struct fa_silence *known = fa_engine_silence(call->engine, wish.id);
    if (known != NULL) {
        answer_set(call, 200, &spec, known);
        wish_done(&wish);
        return;
    }
    struct fa_event event = {.kind = FA_EV_SILENCE, .u.silence = &spec};
    struct fa_api_answer answer = host->step(host->ctx, &event);
    const struct fa_silence *silence = fa_engine_silence(call->engine, answer.silence);
    if (answer.code != 0 || silence == NULL) {
        fa_answer_code(call, answer.code != 0 ? answer.code : FA_EINVAL,
                       answer.code == FA_EFULL ? "There are too many silences: end some first."
                                               : "Its time is over, or it lasts too long.");
    } else {
        answer_set(call, 201, &spec, silence);
    }
    wish_done(&wish);
}

struct search {
    const struct fa_call *call;
    struct fa_str wanted;
    const struct fa_silence *found;
    unsigned matches;
};

static void match(void *ctx, const struct fa_silence *silence)
{
    struct search *search = ctx;
    char id[FA_ID_TEXT_SIZE];
    if (silence->state != FA_SILENCE_OVER && may_see(search->call, silence) &&
        fa_call_id_begins(fa_id_format(silence->id.id, id), search->wanted)) {
        search->found = silence;
        search->matches++;
    }
}

void fa_route_silence_end(struct fa_call *call)
{
    const struct fa_api_host *host = &call->api->host;
    struct search search = {.call = call, .wanted = fa_str_of(call->id)};
    fa_engine_each_silence(call->engine, match, &search);
    if (search.matches != 1) {
        fa_answer_problem(
            call, search.matches > 1 ? 409 : 404,
            search.matches > 1
                ? "More than one silence begins like this; give more of its id."
                : "There is no silence with this id that you may see, or it is over.");
        return;
    }
    const char *who = call->people->people[call->caller.person].name;
    if (strcmp(search.found->owner, who) != 0 &&
        !fa_engine_may_silence(call->engine, call->caller.person, &search.found->where)) {
        fa_answer_problem(call, 403, "You may see this silence, but not end it.");
        return;
    }
    struct fa_event event = {.kind = FA_EV_UNSILENCE,
                             .u.unsilence = {.id = search.found->id, .who = who}};
    struct fa_api_answer answer = host->step(host->ctx, &event);
    if (answer.code != 0) {
        fa_answer_code(call, answer.code, "This silence is over already.");
        return;
    }
    json_t *body = json_object();
    fa_json_set_text(body, "state", fa_silence_state_name(FA_SILENCE_OVER));
    fa_answer_json(call, 200, body);
}
