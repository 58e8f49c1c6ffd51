/* SPDX-License-Identifier: MIT */
/* What operators and their machines ask: the queue (ids and codes only), channel tests, metrics. */
#include "api/internal.h"
#include "rules/foreign.h"

#include <stdlib.h>
#include <string.h>

#define UNFED_MAX    1000 /* rules that are told */
#define UNTESTED_MAX 1000

static bool may_queue(const struct fa_call *call, const struct fa_notification *notification)
{
    struct fa_access access;
    struct fa_viewer viewer = {call->caller.person};
    if (notification->kind == FA_NOTE_DIGEST) {
        return false; /* its lines are shown, each to whom it may be */
    }
    fa_access_init_queue(&access, call->engine, notification);
    bool allowed = fa_may(call->people, viewer, FA_VERB_QUEUE, &access.object);
    fa_access_done(&access);
    return allowed;
}

struct queue {
    struct fa_call *call;
    json_t *items;
};

static void add_row(void *ctx, const struct fa_notification *n)
{
    struct queue *queue = ctx;
    char id[FA_ID_TEXT_SIZE];
    if (!may_queue(queue->call, n) || json_array_size(queue->items) >= 1000) {
        return;
    }
    json_t *item = json_object();
    fa_json_set_text(item, "id", fa_id_format(n->id.id, id));
    fa_json_set_text(item, "alarm",
                     fa_id_is_zero(n->alarm.id) ? NULL : fa_id_format(n->alarm.id, id));
    fa_json_set_text(item, "to", n->person);
    fa_json_set_text(item, "channel", n->channel);
    fa_json_set_text(item, "kind", fa_notification_kind_name(n->kind));
    fa_json_set_text(item, "state", fa_notification_state_name(n->state));
    json_object_set_new(item, "attempts", json_integer(n->attempts));
    bool timed = n->deadline.length != FA_NEVER && n->state != FA_NOTICE_QUEUED;
    fa_json_set_time(item, "next", timed ? n->deadline.armed + n->deadline.length : 0);
    json_object_set_new(item, "code", json_integer(n->status));
    json_array_append_new(queue->items, item);
}

static bool is_operator(const struct fa_call *call)
{
    return call->caller.person != FA_NOBODY && call->people->people[call->caller.person].operator_;
}

bool fa_call_refuse_others(struct fa_call *call)
{
    if (is_operator(call)) {
        return false;
    }
    fa_answer_problem(call, 403, "This is for operators (operator = true in the directory).");
    return true;
}

void fa_route_outbox(struct fa_call *call)
{
    if (fa_call_refuse_others(call)) {
        return;
    }
    struct queue queue = {call, json_array()};
    fa_engine_each_notification(call->engine, add_row, &queue);
    json_t *body = json_object();
    json_object_set_new(body, "notifications", queue.items);
    fa_answer_json(call, 200, body);
}

static void queue_deed(struct fa_call *call, enum fa_event_kind kind)
{
    const struct fa_api_host *host = &call->api->host;
    struct fa_event event = {.kind = kind};
    const struct fa_notification *n = NULL;
    if (fa_call_refuse_others(call)) {
        return;
    }
    if (fa_id_parse(fa_str_of(call->id), &event.u.note.id.id) == 0) {
        n = fa_engine_notification(call->engine, event.u.note.id);
    }
    if (n == NULL || !may_queue(call, n)) {
        fa_answer_problem(call, 404, "There is no such notification in the outbox.");
        return;
    }
    struct fa_api_answer answer = host->step(host->ctx, &event);
    if (answer.code != 0) {
        fa_answer_code(call, answer.code, "It is with the courier at this moment.");
        return;
    }
    n = fa_engine_notification(call->engine, event.u.note.id);
    json_t *body = json_object();
    fa_json_set_text(body, "state", n != NULL ? fa_notification_state_name(n->state) : "dropped");
    fa_answer_json(call, 200, body);
}

void fa_route_retry(struct fa_call *call)
{
    queue_deed(call, FA_EV_REPLAY);
}

void fa_route_drop(struct fa_call *call)
{
    queue_deed(call, FA_EV_DROP);
}

void fa_route_test(struct fa_call *call)
{
    static const char *const names[] = {"person", NULL};
    const struct fa_api_host *host = &call->api->host;
    struct fa_json_text spec = {"person", 200, true, false};
    struct fa_faults faults = {0};
    json_t *root = fa_json_body(call->req);
    if (root == NULL) {
        return;
    }
    fa_json_only(root, names, &faults);
    const char *person = fa_json_text(root, &spec, &faults);
    fa_person found = person != NULL ? fa_directory_find(call->people, fa_str_of(person)) : 0;
    if (person != NULL && found == FA_NOBODY) {
        char hint[300] = "";
        if (is_operator(call)) {
            fa_call_suggest_person(call, person, hint, sizeof hint);
        }
        fa_json_fault(&faults, "person", "Nobody here is called \"%s\".%s", person, hint);
    }
    if (fa_answer_faults(call, &faults)) {
        /* answered */
    } else if (found != call->caller.person && !is_operator(call)) {
        fa_answer_problem(call, 403, "You may test your own channels; operators may test all.");
    } else {
        struct fa_event event = {.kind = FA_EV_TEST, .u.test = {person}};
        struct fa_api_answer answer = host->step(host->ctx, &event);
        json_t *body = json_object();
        json_object_set_new(body, "notifications", json_integer(answer.count));
        fa_answer_json(call, 202, body);
    }
    json_decref(root);
}

void fa_route_fetch(struct fa_call *call)
{
    const struct fa_api_host *host = &call->api->host;
    struct fa_api_fetch fetch;
    if (fa_call_refuse_others(call)) {
        return;
    }
    json_t *list = json_array(), *body = json_object();
    for (size_t i = 0; host->fetch(host->ctx, i, &fetch); i++) {
        json_t *item = json_object();
        fa_json_set_text(item, "name", fetch.name);
        fa_json_set_text(item, "kind", fetch.kind);
        fa_json_set_text(item, "url", fetch.url);
        fa_json_set_text(item, "state", fetch.state);
        fa_json_set_text(item, "error", fetch.error[0] != '\0' ? fetch.error : NULL);
        json_object_set_new(item, "duration_ms", json_integer(fetch.duration));
        json_object_set_new(item, "samples", json_integer((json_int_t)fetch.samples));
        json_object_set_new(item, "runs", json_integer((json_int_t)fetch.runs));
        json_object_set_new(item, "failures", json_integer((json_int_t)fetch.failures));
        json_object_set_new(item, "missed", json_integer((json_int_t)fetch.missed));
        json_array_append_new(list, item);
    }
    json_object_set_new(body, "jobs", list);
    fa_answer_json(call, 200, body);
}

static void add_untested(void *ctx, const char *person, const char *channel)
{
    if (json_array_size(ctx) < UNTESTED_MAX) {
        json_t *item = json_object();
        fa_json_set_text(item, "person", person);
        fa_json_set_text(item, "channel", channel);
        json_array_append_new(ctx, item);
    }
}

void fa_route_untested(struct fa_call *call)
{
    const struct fa_api_host *host = &call->api->host;
    if (fa_call_refuse_others(call)) {
        return;
    }
    json_t *list = json_array(), *body = json_object();
    host->untested(host->ctx, add_untested, list);
    json_object_set_new(body, "untested", list);
    fa_answer_json(call, 200, body);
}

static void add_feed(void *ctx, const struct fa_api_feed *feed)
{
    json_t *item = json_object(), *paths = json_array();
    for (size_t i = 0; i < feed->path_count; i++) {
        json_array_append_new(paths, json_string(feed->paths[i]));
    }
    fa_json_set_text(item, "name", feed->name);
    fa_json_set_text(item, "place", feed->place);
    json_object_set_new(item, "paths", paths);
    json_object_set_new(item, "body_bytes", json_integer(feed->body_bytes));
    json_array_append_new(ctx, item);
}

/* Names of alerts that no rule takes: whoever writes rules sees what is sent in vain. */
static json_t *untaken_json(const struct fa_foreign *foreign)
{
    json_t *names = json_array();
    const char *name;
    for (size_t i = 0; (name = fa_foreign_untaken(foreign, i)) != NULL; i++) {
        json_array_append_new(names, json_string(name));
    }
    return names;
}

/* Rules that read what never came: a name is misspelt, or nobody sends it. */
static json_t *unfed_json(const struct fa_call *call, struct fa_rules *rules)
{
    json_t *list = json_array();
    for (size_t i = 0; i < call->setup->rule_count && json_array_size(list) < UNFED_MAX; i++) {
        const char *name = call->setup->rules[i]->name;
        struct fa_buf selector;
        fa_buf_init(&selector, (size_t)64 << 10);
        if (fa_rules_unfed(rules, name, &selector)) {
            json_t *item = json_object();
            fa_json_set_text(item, "rule", name);
            fa_json_set_text(item, "selector", fa_buf_text(&selector));
            json_array_append_new(list, item);
        }
        fa_buf_done(&selector);
    }
    return list;
}

void fa_route_feeds(struct fa_call *call)
{
    const struct fa_api_host *host = &call->api->host;
    if (fa_call_refuse_others(call)) {
        return;
    }
    json_t *body = json_object(), *feeds = json_array();
    host->feeds(host->ctx, add_feed, feeds);
    json_object_set_new(body, "feeds", feeds);
    json_object_set_new(body, "untaken", untaken_json(host->foreign(host->ctx)));
    json_object_set_new(body, "unfed", unfed_json(call, host->rules(host->ctx)));
    json_object_set_new(body, "sparse", fa_seldom_json(call, host->rules(host->ctx)));
    fa_answer_json(call, 200, body);
}

void fa_route_version(struct fa_call *call)
{
    json_t *body = json_object();
    fa_json_set_text(body, "version", call->api->host.version);
    fa_answer_json(call, 200, body);
}

/* ---- copies of the store ---- */

static void answer_copy(struct fa_call *call, int status, const struct fa_store_copy *copy)
{
    static const char *const states[] = {"none", "running", "checking", "done", "failed"};
    bool done = copy->state == FA_COPY_DONE;
    json_t *body = json_object();
    fa_json_set_text(body, "state", states[copy->state]);
    json_object_set_new(body, "done", json_integer((json_int_t)copy->done));
    json_object_set_new(body, "total", json_integer((json_int_t)copy->total));
    fa_json_set_text(body, "path", done ? copy->path : NULL);
    if (done) {
        json_object_set_new(body, "journal", json_integer((json_int_t)copy->n));
        json_object_set_new(body, "damaged", json_integer((json_int_t)copy->findings.damaged));
        json_object_set_new(body, "first_bad", json_integer((json_int_t)copy->findings.first_bad));
    }
    fa_json_set_text(body, "error", copy->state == FA_COPY_FAILED ? copy->err.text : NULL);
    fa_answer_json(call, status, body);
}

/* The copy stays on this machine, in a place that only the daemon's user may read: whoever asks for
 * one is told where it is, never what is in it. */
static void copy_call(struct fa_call *call, bool start)
{
    const struct fa_api_host *host = &call->api->host;
    struct fa_store_copy copy;
    struct fa_err err;
    if (fa_call_refuse_others(call)) {
        return;
    }
    int rc = host->store(host->ctx) == NULL ? FA_EIO : 0;
    if (rc != 0) {
        fa_answer_problem(call, 503, host->refusing(host->ctx));
        return;
    }
    rc = host->copy(host->ctx, start, &copy, &err);
    if (rc == 0 || rc == FA_EBUSY) {
        answer_copy(call, start ? 202 : 200, &copy);
    } else {
        fa_answer_problem(call, rc == FA_EUNSUPPORTED ? 409 : 503, err.text);
    }
}

void fa_route_backup(struct fa_call *call)
{
    copy_call(call, true);
}

void fa_route_backup_state(struct fa_call *call)
{
    copy_call(call, false);
}

/* ---- machines ---- */

static void gauge(struct fa_buf *out, const char *name, const char *help)
{
    fa_buf_printf(out, "# TYPE firealarm_%s gauge\n# HELP firealarm_%s %s\n", name, name, help);
}

static void engine_metrics(const struct fa_engine *engine, struct fa_buf *out)
{
    struct fa_engine_stats stats;
    fa_engine_stats(engine, &stats);
    gauge(out, "alarms", "Alarms by state; none that has a subject.");
    for (size_t i = 0; i < FA_ALARM__COUNT; i++) {
        fa_buf_printf(out, "firealarm_alarms{state=\"%s\"} %u\n",
                      fa_alarm_state_name((enum fa_alarm_state)i), stats.alarms[i]);
    }
    gauge(out, "filings_open", "Open filings; none that has a subject.");
    fa_buf_printf(out, "firealarm_filings_open %u\n", stats.filings_open);
    gauge(out, "outbox", "Notifications not yet settled.");
    fa_buf_printf(out, "firealarm_outbox %u\n", stats.outbox);
    gauge(out, "silences", "Silences and maintenance windows that are active.");
    fa_buf_printf(out, "firealarm_silences %u\n", stats.silences);
    gauge(out, "alarms_hidden", "Open alarms that tell nobody, by what hides them.");
    fa_buf_printf(out, "firealarm_alarms_hidden{by=\"silence\"} %u\n", stats.shelved);
    fa_buf_printf(out, "firealarm_alarms_hidden{by=\"alarm\"} %u\n", stats.suppressed);
    fa_buf_puts(out, "# TYPE firealarm_notifications counter\n"
                     "# HELP firealarm_notifications Settled since start, by outcome.\n");
    for (size_t i = FA_NOTICE_SENT; i <= FA_NOTICE_DROPPED; i++) {
        fa_buf_printf(out, "firealarm_notifications_total{outcome=\"%s\"} %llu\n",
                      fa_notification_state_name((enum fa_notification_state)i),
                      (unsigned long long)stats.notifications[i]);
    }
    fa_buf_puts(out, "# TYPE firealarm_digests counter\n"
                     "# HELP firealarm_digests Messages of several lines that arrived.\n");
    fa_buf_printf(out, "firealarm_digests_total %llu\n", (unsigned long long)stats.digests);
    fa_buf_puts(out, "# TYPE firealarm_reminders_spared counter\n"
                     "# HELP firealarm_reminders_spared Reminders that were not sent, as their "
                     "reader had got too many messages.\n");
    fa_buf_printf(out, "firealarm_reminders_spared_total %llu\n", (unsigned long long)stats.spared);
    fa_drill_metrics(engine, out);
    fa_buf_puts(out, "# TYPE firealarm_engine_steps counter\n"
                     "# HELP firealarm_engine_steps Events decided since start.\n");
    fa_buf_printf(out, "firealarm_engine_steps_total %llu\n", (unsigned long long)stats.steps);
}

void fa_route_metrics(struct fa_call *call)
{
    const struct fa_api_host *host = &call->api->host;
    struct fa_buf out;
    fa_buf_init(&out, (size_t)4 << 20);
    engine_metrics(call->engine, &out);
    host->metrics(host->ctx, &out);
    fa_buf_puts(&out, "# EOF\n");
    /* Not through host->reply: a full or slow disk is when these are looked at. */
    fa_http_reply(call->req, 200, "application/openmetrics-text; version=1.0.0; charset=utf-8",
                  fa_buf_str(&out));
    fa_buf_done(&out);
}

static void answer_health(struct fa_call *call, bool ready)
{
    const struct fa_api_host *host = &call->api->host;
    const char *why = host->unhealthy(host->ctx, ready);
    /* Not through host->reply: it must answer also while nothing can become durable. */
    fa_http_reply(call->req, why == NULL ? 200 : 503, "text/plain; charset=utf-8",
                  why == NULL ? FA_STR("ok\n") : fa_str_of(why));
}

void fa_route_healthy(struct fa_call *call)
{
    answer_health(call, false);
}

void fa_route_ready(struct fa_call *call)
{
    answer_health(call, true);
}
