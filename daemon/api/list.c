/* SPDX-License-Identifier: MIT */
/* The list of alarms: what the engine has, and then history, newest first. fa_may() decides on each
 * before anything is counted or cut; what it refuses is not there. */
#include "api/internal.h"
#include "base/panic.h"
#include "net/query.h"

#include <stdlib.h>

#define LIST_MAX 500
/* Of history that one request looks through. */
#define PAGES_MAX 20

struct ranked {
    const struct fa_alarm *alarm;
    uint32_t rank; /* of its severity */
};

struct list {
    struct fa_call *call;
    struct ranked *alarms;
    size_t count, cap;
    bool open, closed;
};

static uint32_t rank_of(const struct fa_call *call, const struct fa_alarm *alarm)
{
    const struct fa_severity *severity = fa_setup_severity(call->setup, alarm->severity);
    return severity != NULL ? severity->rank : UINT32_MAX;
}

static void collect(void *ctx, const struct fa_alarm *alarm)
{
    struct list *list = ctx;
    bool is_closed = alarm->state == FA_ALARM_RESOLVED;
    if ((is_closed ? list->closed : list->open) && fa_call_may(list->call, alarm, FA_VERB_LIST)) {
        list->alarms = fa_xgrow(list->alarms, list->count, &list->cap, sizeof list->alarms[0]);
        list->alarms[list->count++] = (struct ranked){alarm, rank_of(list->call, alarm)};
    }
}

/* Unowned first, then the worst, then the oldest. */
static int by_urgency(const void *left, const void *right)
{
    const struct ranked *a = left, *b = right;
    if (a->alarm->state != b->alarm->state) {
        return a->alarm->state < b->alarm->state ? -1 : 1;
    }
    if (a->rank != b->rank) {
        return a->rank < b->rank ? -1 : 1;
    }
    return (a->alarm->raised > b->alarm->raised) - (a->alarm->raised < b->alarm->raised);
}

static json_t *list_json(struct list *list, size_t limit)
{
    json_t *items = json_array();
    if (list->count > 0) {
        qsort(list->alarms, list->count, sizeof list->alarms[0], by_urgency);
    }
    for (size_t i = 0; i < list->count && i < limit; i++) {
        json_array_append_new(items, fa_call_alarm_json(list->call, list->alarms[i].alarm, false));
    }
    return items;
}

struct late_list {
    struct fa_call call;
    json_t *items;
    size_t limit;
    unsigned pages;
};

static void on_history(void *ctx, const struct fa_store_answer *answer);

/* Pages are of one size whatever the caller asked for, and go on until he has so many or there are
 * none: a short answer must not tell him that something is there which he may not know of. */
static void ask_history(struct late_list *late, fa_time before, struct fa_str key)
{
    const struct fa_api_host *host = &late->call.api->host;
    fa_store_query(host->store(host->ctx), FA_ROW_ALARM, before, key, LIST_MAX, on_history, late);
}

static void take_page(struct late_list *late, const struct fa_store_answer *answer)
{
    struct fa_call *call = &late->call;
    for (size_t i = 0; i < answer->row_count && json_array_size(late->items) < late->limit; i++) {
        struct fa_alarm *alarm = NULL;
        if (fa_engine_read_alarm(call->engine, answer->rows[i].value, &alarm) != 0) {
            continue;
        }
        if (fa_call_may(call, alarm, FA_VERB_LIST)) {
            json_array_append_new(late->items, fa_call_alarm_json(call, alarm, false));
        }
        fa_alarm_free(alarm);
    }
}

static void on_history(void *ctx, const struct fa_store_answer *answer)
{
    struct late_list *late = ctx;
    struct fa_call *call = &late->call;
    const struct fa_api_host *host = &call->api->host;
    bool renewed = fa_call_renew(call);
    if (!renewed || answer->code != 0) {
        if (renewed) {
            fa_answer_problem(call, 503, "The store cannot be read now.");
        }
        json_decref(late->items);
        free(late);
        return;
    }
    take_page(late, answer);
    if (answer->more && json_array_size(late->items) < late->limit && ++late->pages < PAGES_MAX &&
        host->store(host->ctx) != NULL) {
        ask_history(late, answer->next_before, answer->next_key);
        return;
    }
    json_t *body = json_object();
    json_object_set_new(body, "alarms", late->items);
    fa_answer_json(call, 200, body);
    free(late);
}

static void answer_list(struct fa_call *call, struct list *list, size_t limit)
{
    const struct fa_api_host *host = &call->api->host;
    json_t *items = list_json(list, limit);
    bool stranger = call->caller.person == FA_NOBODY; /* nothing there is for him */
    struct fa_store *store = list->closed && !stranger ? host->store(host->ctx) : NULL;
    struct late_list *late = store != NULL ? malloc(sizeof *late) : NULL;
    free(list->alarms);
    if (late != NULL) {
        *late = (struct late_list){.call = *call, .items = items, .limit = limit};
        ask_history(late, FA_NEVER, (struct fa_str){"", 0});
        return;
    }
    json_t *body = json_object();
    json_object_set_new(body, "alarms", items);
    fa_answer_json(call, 200, body);
}

void fa_route_alarms(struct fa_call *call)
{
    struct fa_buf value;
    struct list list = {.call = call, .open = true};
    uint64_t limit = 200;
    bool bad = false;
    fa_buf_init(&value, 256);
    int rc = fa_query_get(fa_http_query(call->req), "state", &value);
    if (rc == 0) {
        list.open = !fa_str_is(fa_buf_str(&value), "closed");
        list.closed = !fa_str_is(fa_buf_str(&value), "open");
        bad = list.open && list.closed && !fa_str_is(fa_buf_str(&value), "all");
    }
    bad = bad || (rc != 0 && rc != FA_ENOTFOUND);
    rc = fa_query_get(fa_http_query(call->req), "limit", &value);
    bad = bad || (rc == 0 && fa_parse_u64(fa_buf_str(&value), &limit) != 0);
    fa_buf_done(&value);
    if (bad || limit == 0 || limit > LIST_MAX) {
        fa_answer_problem(call, 400, "state is open, closed or all; limit is 1 to 500.");
        return;
    }
    fa_engine_each_alarm(call->engine, collect, &list);
    answer_list(call, &list, (size_t)limit);
}
