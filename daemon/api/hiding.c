/* SPDX-License-Identifier: MIT */
/* What a maintenance window or an inhibition would have hidden in the last 30 days: for operators,
 * before a configuration that has it is live. So all that it is comes with the request, and the
 * daemon's own configuration is not asked.
 *
 * An alarm counts when it was there, from its raise to its end, while the window was open, or while
 * one was there that explains it. What the caller may not see is in no count and explains nothing;
 * filings neither. An inhibition needs two walks: the first looks for what explains. */
#include "alarms/hindsight.h"
#include "api/lookback.h"
#include "base/panic.h"

#include <stdlib.h>

#define STRETCHES_MAX 1000

struct preview {
    struct fa_lookback walk;
    struct fa_hindsight hindsight;
    fa_time counted; /* when the open ones were: history since then is of them */
    bool explains;   /* the walk of those that explain */
    bool complete;
    json_int_t count, told;
    json_t *list;
};

/* ---- reading ---- */

static void read_moment(json_t *stretch, const char *name, size_t at, fa_time *ret,
                        struct fa_faults *faults)
{
    char pointer[48];
    const char *text = json_string_value(json_object_get(stretch, name));
    if (text == NULL || fa_parse_time(fa_str_of(text), ret) != 0) {
        snprintf(pointer, sizeof pointer, "during/%zu/%s", at, name);
        fa_json_fault(faults, pointer, "This is no time such as 2026-11-22T22:00:00Z.");
    }
}

static void read_during(const json_t *root, struct fa_spans *spans, struct fa_faults *faults)
{
    const json_t *list = json_object_get(root, "during");
    json_t *stretch;
    size_t i;
    if (!json_is_array(list) || json_array_size(list) > STRETCHES_MAX) {
        fa_json_fault(faults, "during", "Say when it was open: at most %d stretches.",
                      STRETCHES_MAX);
        return;
    }
    json_array_foreach(list, i, stretch)
    {
        struct fa_span span = {0};
        read_moment(stretch, "begin", i, &span.from, faults);
        read_moment(stretch, "end", i, &span.until, faults);
        fa_spans_add(spans, span);
    }
}

static void read_inhibition(json_t *root, struct fa_inhibition *inhibition,
                            struct fa_faults *faults)
{
    const char **equal = NULL;
    struct fa_err err;
    size_t at;
    fa_call_read_matchers(root, "when", &inhibition->when, faults);
    inhibition->equal_count = fa_json_texts(root, "equal", FA_INHIBIT_EQUAL_MAX, &equal, faults);
    inhibition->equal = fa_xcalloc(inhibition->equal_count + 1, sizeof(char *));
    for (size_t i = 0; i < inhibition->equal_count; i++) {
        inhibition->equal[i] = fa_xstrdup(equal[i]);
    }
    free(equal);
    if (faults->list == NULL && fa_inhibitions_check(inhibition, 1, &at, &err) != 0) {
        fa_json_fault(faults, "when", "%s", err.text);
    }
}

/* False after an answer. */
static bool read_hindsight(struct fa_call *call, struct fa_hindsight *ret)
{
    static const char *const window[] = {"where", "during", NULL};
    static const char *const inhibition[] = {"where", "when", "equal", NULL};
    struct fa_faults faults = {0};
    json_t *root = fa_json_body(call->req);
    *ret = (struct fa_hindsight){0};
    if (root == NULL) {
        return false;
    }
    bool explains = json_object_get(root, "when") != NULL;
    fa_json_only(root, explains ? inhibition : window, &faults);
    fa_call_read_matchers(root, "where", &ret->hiding.hide, &faults);
    if (explains) {
        read_inhibition(root, &ret->hiding, &faults);
    } else {
        read_during(root, &ret->during, &faults);
    }
    json_decref(root);
    if (fa_answer_faults(call, &faults)) {
        fa_hindsight_done(ret);
        return false;
    }
    return true;
}

/* ---- looking back ---- */

static void free_preview(void *ctx)
{
    struct preview *p = ctx;
    fa_hindsight_done(&p->hindsight);
    json_decref(p->list);
    free(p);
}

static bool may_go_on(void *ctx)
{
    return !fa_call_refuse_others(&((struct preview *)ctx)->walk.call);
}

/* What was before the 30 days is not looked at. */
static struct fa_span stretch_of(const struct preview *p, const struct fa_alarm *alarm, fa_time end)
{
    fa_time from = alarm->raised > p->walk.from ? alarm->raised : p->walk.from;
    return (struct fa_span){from, alarm->state == FA_ALARM_RESOLVED ? alarm->changed : end};
}

static void look_at(struct preview *p, const struct fa_alarm *alarm, fa_time end)
{
    struct fa_span was = stretch_of(p, alarm, end);
    if (was.until < was.from || !fa_call_may(&p->walk.call, alarm, FA_VERB_LIST)) {
        return;
    }
    if (p->explains) {
        fa_hindsight_explain(&p->hindsight, alarm, was);
    } else if (fa_hindsight_hides(&p->hindsight, p->walk.call.engine, alarm, was)) {
        p->count++;
        p->told += (json_int_t)alarm->told_count;
        fa_lookback_example(&p->walk, p->list, alarm);
    }
}

static void look_at_open(void *ctx, const struct fa_alarm *alarm)
{
    struct preview *p = ctx;
    look_at(p, alarm, p->counted);
}

static void take(void *ctx, const struct fa_alarm *alarm, fa_time ended)
{
    struct preview *p = ctx;
    if (ended < p->counted) {
        look_at(p, alarm, ended);
    }
}

static void look_back(struct preview *p)
{
    const struct fa_api_host *host = &p->walk.call.api->host;
    p->counted = host->now(host->ctx).wall;
    fa_engine_each_alarm(p->walk.call.engine, look_at_open, p);
    fa_lookback_walk(&p->walk);
}

static void over(void *ctx, bool complete)
{
    struct preview *p = ctx;
    p->complete = p->complete && complete;
    if (p->explains) {
        p->explains = false;
        look_back(p);
        return;
    }
    json_t *body = json_object();
    fa_json_set_time(body, "since", p->walk.from);
    json_object_set_new(body, "count", json_integer(p->count));
    json_object_set_new(body, "told", json_integer(p->told));
    json_object_set(body, "alarms", p->list);
    json_object_set_new(body, "complete", json_boolean(p->complete));
    fa_answer_json(&p->walk.call, 200, body);
    free_preview(p);
}

void fa_route_hiding_preview(struct fa_call *call)
{
    static const struct fa_lookback_reader reader = {may_go_on, take, over, free_preview};
    struct fa_hindsight hindsight;
    if (fa_call_refuse_others(call) || !read_hindsight(call, &hindsight)) {
        return;
    }
    struct preview *p = fa_xcalloc(1, sizeof *p);
    fa_lookback_init(&p->walk, call, &reader, p);
    p->hindsight = hindsight;
    p->explains = hindsight.hiding.when.count > 0;
    p->complete = true;
    p->list = json_array();
    look_back(p);
}
