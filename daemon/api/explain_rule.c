/* SPDX-License-Identifier: MIT */
/* A rule as it stands: what it says of each label set now, and its last changes. Of a rule over
 * incidents there is only how it is written, and what its numbers say: whatever it counts would
 * tell a subject that something was filed. Of others, whoever is kept out of a label set's alarm
 * finds nothing of that label set: numbers that fire and no alarm would say that there is one. */
#include "api/internal.h"
#include "base/panic.h"
#include "rules/foreign.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SETS_MAX 200 /* that are told; firing ones come first */

#define NO_RULE "There is no rule of this name that you may see."

static const char *const levels[FA_LEVEL__COUNT] = {"unknown", "clear", "firing"};

bool fa_call_may_see_rule(const struct fa_call *call, const struct fa_rule *rule)
{
    return fa_engine_may_rule(call->engine, call->caller.person, FA_VERB_SHOW, rule,
                              call->api->host.now(call->api->host.ctx).wall);
}

static void set_number(json_t *object, const char *name, bool has, double value)
{
    json_object_set_new(object, name, has && isfinite(value) ? json_real(value) : json_null());
}

static void set_length(json_t *object, const char *name, fa_time ms)
{
    if (ms > 0) {
        fa_json_set_duration(object, name, ms);
    } else {
        json_object_set_new(object, name, json_null());
    }
}

/* Why its level is what it is, in a word. */
static const char *why(const struct fa_rule_status *status, fa_time now)
{
    if (status->level == FA_LEVEL_FIRING && isnan(status->value)) {
        return "kept";
    }
    if (status->level != FA_LEVEL_UNKNOWN) {
        return status->level == FA_LEVEL_FIRING ? "holds" : "does-not-hold";
    }
    if (status->rule->is_alert) {
        return "not-renewed";
    }
    if (status->newest == 0 || status->covered_at == FA_NEVER) {
        return "no-data";
    }
    if (status->covered_at > now) {
        return "warming";
    }
    return status->samples > 0 && status->samples < status->rule->metric.at_least ? "too-few"
                                                                                  : "stale";
}

static void put_identity(const struct fa_rule *rule, const char *labels, struct fa_buf *buf)
{
    fa_buf_init(buf, (size_t)1 << 20);
    fa_buf_printf(buf, "%s{%s}", rule->name, labels);
}

static bool is_kept_out(const struct fa_call *call, const struct fa_rule *rule, const char *labels)
{
    struct fa_buf identity;
    put_identity(rule, labels, &identity);
    bool is_out = !rule->is_incident &&
                  fa_engine_is_kept_out(call->engine, call->caller.person, fa_buf_text(&identity));
    fa_buf_done(&identity);
    return is_out;
}

static json_t *alarm_json(const struct fa_call *call, const struct fa_rule_status *status)
{
    struct fa_buf identity;
    char id[FA_ID_TEXT_SIZE];
    if (status->rule->is_incident) {
        return json_null();
    }
    put_identity(status->rule, status->labels, &identity);
    const struct fa_alarm *alarm =
        fa_engine_alarm_by_identity(call->engine, fa_buf_text(&identity));
    fa_buf_done(&identity);
    bool pending = alarm != NULL && alarm->state == FA_ALARM_PENDING;
    if (alarm == NULL || (!pending && !fa_call_may(call, alarm, FA_VERB_LIST))) {
        return json_null();
    }
    json_t *item = json_object();
    bool armed = alarm->deadline.length != FA_NEVER;
    fa_json_set_text(item, "id", pending ? NULL : fa_id_format(alarm->id.id, id));
    fa_json_set_text(item, "state", fa_alarm_state_name(alarm->state));
    fa_json_set_time(item, "since", alarm->raised);
    fa_json_set_time(item, "due",
                     pending && armed ? alarm->deadline.armed + alarm->deadline.length : 0);
    return item;
}

struct sets {
    const struct fa_call *call;
    fa_time now; /* wall */
    json_t *list, *body;
    bool more;
};

static bool take_set(void *ctx, const struct fa_rule_status *status)
{
    struct sets *sets = ctx;
    if (json_array_size(sets->list) >= SETS_MAX) {
        sets->more = true;
        return false;
    }
    if (status->labels == NULL) {
        fa_json_set_text(sets->body, "error", status->text);
        return true;
    }
    if (is_kept_out(sets->call, status->rule, status->labels)) {
        return true;
    }
    json_t *item = json_object();
    bool warming = status->covered_at != FA_NEVER && status->covered_at > sets->now;
    json_object_set_new(item, "labels", fa_labels_json(status->labels));
    fa_json_set_text(item, "level", levels[status->level]);
    fa_json_set_text(item, "why", why(status, sets->now));
    fa_json_set_text(item, "reason", status->text);
    set_number(item, "value", true, status->value);
    fa_json_set_time(item, "newest", status->newest);
    fa_json_set_time(item, "warming", warming ? status->covered_at : 0);
    json_object_set_new(item, "samples", json_integer((json_int_t)status->samples));
    json_object_set_new(item, "alarm", alarm_json(sets->call, status));
    json_array_append_new(sets->list, item);
    return true;
}

static json_t *changes_json(const struct fa_call *call, const struct fa_rule *rule)
{
    const struct fa_api_host *host = &call->api->host;
    struct fa_rule_change changes[FA_RULE_CHANGES];
    size_t count = host->changes(host->ctx, rule->name, changes);
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        if (is_kept_out(call, rule, changes[i].labels)) {
            continue;
        }
        json_t *item = json_object();
        fa_json_set_time(item, "time", changes[i].when);
        json_object_set_new(item, "labels", fa_labels_json(changes[i].labels));
        fa_json_set_text(item, "level", levels[changes[i].level]);
        set_number(item, "value", true, changes[i].value);
        json_array_append_new(list, item);
    }
    return list;
}

/* Its expression is the selector of what it takes. */
static void add_alert(struct fa_call *call, const struct fa_rule *rule, json_t *body)
{
    const struct fa_api_host *host = &call->api->host;
    struct sets sets = {
        .call = call, .now = host->now(host->ctx).wall, .list = json_array(), .more = false};
    struct fa_buf expr;
    fa_buf_init(&expr, (size_t)1 << 20);
    fa_foreign_text(rule, &expr);
    fa_json_set_text(body, "expr", fa_buf_text(&expr));
    fa_buf_done(&expr);
    (void)fa_foreign_each_of(host->foreign(host->ctx), rule->name, take_set, &sets);
    json_object_set_new(body, "sets", sets.list);
    json_object_set_new(body, "more", json_boolean(sets.more));
    json_object_set_new(body, "changes", changes_json(call, rule));
}

static void add_metric(struct fa_call *call, const struct fa_rule *rule, json_t *body)
{
    const struct fa_api_host *host = &call->api->host;
    const struct fa_metric_rule *metric = &rule->metric;
    struct sets sets = {
        .call = call, .now = host->now(host->ctx).wall, .list = json_array(), .body = body};
    struct fa_rules *rules = host->rules(host->ctx);
    struct fa_buf expr;
    fa_buf_init(&expr, (size_t)1 << 20);
    fa_rules_text(rules, rule->name, false, &expr);
    fa_json_set_text(body, "expr", fa_buf_text(&expr));
    fa_json_set_text(body, "clear_expr", rule->query.clear_text);
    fa_buf_done(&expr);
    set_number(body, "above", metric->has_above, metric->above);
    set_number(body, "below", metric->has_below, metric->below);
    set_number(body, "clear_above", metric->has_clear_above, metric->clear_above);
    set_number(body, "clear_below", metric->has_clear_below, metric->clear_below);
    set_length(body, "over", metric->over);
    set_length(body, "look_back", metric->look_back);
    set_length(body, "absent", metric->absent);
    fa_json_set_text(body, "error", NULL);
    fa_rules_each_of(rules, rule->name, take_set, &sets);
    json_object_set_new(body, "sets", sets.list);
    json_object_set_new(body, "more", json_boolean(sets.more));
    json_object_set_new(body, "changes", changes_json(call, rule));
}

static void add_incident(const struct fa_incident_rule *incident, json_t *body)
{
    json_t *list = json_array();
    for (size_t i = 0; i < incident->category_count; i++) {
        json_array_append_new(list, json_string(incident->categories[i]));
    }
    json_object_set_new(body, "categories", list);
    json_object_set_new(body, "count", json_integer(incident->count));
    json_object_set_new(body, "distinct_reporters", json_integer(incident->distinct_reporters));
    set_length(body, "within", incident->within);
}

const char *fa_call_near_rule(const struct fa_call *call, const char *name)
{
    const char **names = fa_xcalloc(call->setup->rule_count + 1, sizeof *names);
    size_t count = 0;
    for (size_t i = 0; i < call->setup->rule_count; i++) {
        if (fa_call_may_see_rule(call, call->setup->rules[i])) {
            names[count++] = call->setup->rules[i]->name;
        }
    }
    const char *near = fa_suggest(name, names, count);
    free(names);
    return near;
}

static void answer_no_rule(struct fa_call *call)
{
    const char *near = fa_call_near_rule(call, call->id);
    char text[300];
    snprintf(text, sizeof text, NO_RULE " Did you mean '%.200s'?", near != NULL ? near : "");
    fa_answer_problem(call, 404, near != NULL ? text : NO_RULE);
}

void fa_route_rule(struct fa_call *call)
{
    const struct fa_rule *rule = fa_setup_rule(call->setup, call->id);
    if (rule == NULL || !fa_call_may_see_rule(call, rule)) {
        answer_no_rule(call);
        return;
    }
    json_t *body = json_object();
    fa_json_set_text(body, "rule", rule->name);
    fa_json_set_text(body, "kind",
                     rule->is_incident ? "incident"
                     : rule->is_alert  ? "alert"
                                       : "metric");
    fa_json_set_text(body, "category", rule->category);
    fa_json_set_text(body, "severity", rule->severity);
    fa_json_set_text(body, "policy", rule->policy);
    fa_json_set_text(body, "for", NULL);
    if (rule->for_ms > 0) {
        fa_json_set_measured(body, "for", rule->for_ms, rule->for_measure);
    }
    fa_json_set_text(body, "calendar", rule->calendar);
    json_object_set_new(body, "latched", json_boolean(rule->latched));
    json_object_set_new(body, "shadow", json_boolean(rule->shadow));
    if (rule->is_incident) {
        add_incident(&rule->incident, body);
    }
    if (rule->is_alert) {
        add_alert(call, rule, body);
    } else if (!rule->is_incident || rule->query.expr != NULL) {
        add_metric(call, rule, body);
    }
    fa_answer_json(call, 200, body);
}
