/* SPDX-License-Identifier: MIT */
/* The list of alarms: what the engine has, and then history, newest first. fa_may() decides on each
 * before anything is counted or cut; what it refuses is not there. */
#include "api/internal.h"
#include "base/panic.h"
#include "net/query.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIST_MAX 500
/* Of history that one request looks through. */
#define PAGES_MAX 20

/* What the caller wants to see. */
struct wanted {
    bool open, closed;
    size_t limit;
    fa_time before; /* FA_NEVER: not said */
    /* Where history begins, beside the time: 0 bytes, or a row's key and one byte more, so that
     * "older than that" means the row and what is older. */
    uint8_t key[FA_ID_BYTES + 1];
    size_t key_len;
};

struct ranked {
    const struct fa_alarm *alarm;
    uint32_t rank; /* of its severity */
};

struct list {
    struct fa_call *call;
    const struct wanted *wanted;
    fa_time now; /* wall */
    struct ranked *alarms;
    size_t count, cap;
};

static uint32_t rank_of(const struct fa_call *call, const struct fa_alarm *alarm)
{
    const struct fa_severity *severity = fa_setup_severity(call->setup, alarm->texts->severity);
    return severity != NULL ? severity->rank : UINT32_MAX;
}

/* A closed one that is still here ends in the future; a further page is of history alone. */
static bool is_wanted(const struct list *list, const struct fa_alarm *alarm)
{
    const struct wanted *wanted = list->wanted;
    if (wanted->key_len > 0) {
        return false;
    }
    return alarm->state == FA_ALARM_RESOLVED ? wanted->closed && list->now < wanted->before
                                             : wanted->open && alarm->raised < wanted->before;
}

static void collect(void *ctx, const struct fa_alarm *alarm)
{
    struct list *list = ctx;
    if (is_wanted(list, alarm) && fa_call_may(list->call, alarm, FA_VERB_LIST)) {
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

/* What the engine has. */
static json_t *present_json(struct fa_call *call, const struct wanted *wanted)
{
    struct list list = {.call = call, .wanted = wanted};
    json_t *items = json_array();
    list.now = call->api->host.now(call->api->host.ctx).wall;
    fa_engine_each_alarm(call->engine, collect, &list);
    if (list.count > 0) {
        qsort(list.alarms, list.count, sizeof list.alarms[0], by_urgency);
    }
    for (size_t i = 0; i < list.count && i < wanted->limit; i++) {
        json_array_append_new(items, fa_call_alarm_json(call, list.alarms[i].alarm, false));
    }
    free(list.alarms);
    return items;
}

/* Takes items. older: NULL, or where the next page begins. */
static void answer_list(struct fa_call *call, json_t *items, const char *older)
{
    json_t *body = json_object();
    json_object_set_new(body, "alarms", items);
    if (older != NULL) {
        fa_json_set_text(body, "older", older);
    }
    fa_answer_json(call, 200, body);
}

/* ---- history ---- */

struct late_list {
    struct fa_call call;
    json_t *items;
    size_t limit;
    unsigned pages;
    char older[64]; /* the first that the caller may see and that found no place; "": none */
};

static void on_history(void *ctx, const struct fa_store_answer *answer);

/* Pages are of one size whatever the caller asked for, and go on until he has so many or there are
 * none: a short answer must not tell him that something is there which he may not know of. */
static void ask_history(struct late_list *late, fa_time before, struct fa_str key)
{
    const struct fa_api_host *host = &late->call.api->host;
    fa_store_query(host->store(host->ctx), FA_ROW_ALARM, before, key, LIST_MAX, on_history, late);
}

static void take_alarm(struct late_list *late, const struct fa_alarm *alarm, fa_time ended)
{
    char time[32], id[FA_ID_TEXT_SIZE];
    if (!fa_call_may(&late->call, alarm, FA_VERB_LIST)) {
        return;
    }
    if (json_array_size(late->items) >= late->limit) {
        snprintf(late->older, sizeof late->older, "%s/%s", fa_time_format_ms(ended, time),
                 fa_id_format(alarm->id.id, id));
        return;
    }
    json_t *item = fa_call_alarm_json(&late->call, alarm, false);
    fa_json_set_time(item, "ended", ended);
    json_array_append_new(late->items, item);
}

static void take_page(struct late_list *late, const struct fa_store_answer *answer)
{
    for (size_t i = 0; i < answer->row_count && late->older[0] == '\0'; i++) {
        struct fa_alarm *alarm = NULL;
        if (fa_engine_read_alarm(late->call.engine, answer->rows[i].value, &alarm) == 0) {
            take_alarm(late, alarm, answer->rows[i].time);
            fa_alarm_free(alarm);
        }
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
    if (answer->more && late->older[0] == '\0' && ++late->pages < PAGES_MAX &&
        host->store(host->ctx) != NULL) {
        ask_history(late, answer->next_before, answer->next_key);
        return;
    }
    answer_list(call, late->items, late->older[0] != '\0' ? late->older : NULL);
    free(late);
}

/* ---- what is asked for ---- */

static bool read_state(struct fa_str text, struct wanted *ret)
{
    ret->open = !fa_str_is(text, "closed");
    ret->closed = !fa_str_is(text, "open");
    return !ret->open || !ret->closed || fa_str_is(text, "all");
}

static bool read_limit(struct fa_str text, struct wanted *ret)
{
    uint64_t limit = 0;
    bool good = fa_parse_u64(text, &limit) == 0 && limit >= 1 && limit <= LIST_MAX;
    ret->limit = good ? (size_t)limit : 0;
    return good;
}

/* A time, or "TIME/ID" as the page before said it. */
static bool read_before(struct fa_str text, struct wanted *ret)
{
    struct fa_str rest;
    struct fa_id id;
    struct fa_str time = fa_str_cut(text, '/', &rest);
    if (fa_parse_time(time, &ret->before) != 0) {
        return false;
    }
    if (rest.ptr != NULL) {
        if (fa_id_parse(rest, &id) != 0) {
            return false;
        }
        memcpy(ret->key, id.bytes, FA_ID_BYTES);
        ret->key[FA_ID_BYTES] = 0;
        ret->key_len = sizeof ret->key;
    }
    return true;
}

static const struct parameter {
    const char *name;
    bool (*read)(struct fa_str text, struct wanted *ret);
    const char *fault;
} parameters[] = {
    {"state", read_state, "state is open, closed or all."},
    {"limit", read_limit, "limit is a number from 1 to 500."},
    {"before", read_before,
     "before is an RFC 3339 time like 2026-11-22T08:15:00Z (the + of an offset is written %2B), or "
     "the text that the answer before gave as older."},
};

/* NULL, or what is wrong. */
static const char *read_query(struct fa_str query, struct wanted *ret)
{
    const char *fault = NULL;
    struct fa_buf value;
    fa_buf_init(&value, 256);
    for (size_t i = 0; i < sizeof parameters / sizeof parameters[0] && fault == NULL; i++) {
        int rc = fa_query_get(query, parameters[i].name, &value);
        if (rc == 0 && !parameters[i].read(fa_buf_str(&value), ret)) {
            fault = parameters[i].fault;
        } else if (rc != 0 && rc != FA_ENOTFOUND) {
            fault =
                "What follows the ? cannot be read: a % that is no escape, or bytes that are no "
                "UTF-8.";
        }
    }
    fa_buf_done(&value);
    return fault;
}

void fa_route_alarms(struct fa_call *call)
{
    const struct fa_api_host *host = &call->api->host;
    struct wanted wanted = {.open = true, .limit = 200, .before = FA_NEVER};
    const char *fault = read_query(fa_http_query(call->req), &wanted);
    if (fault != NULL) {
        fa_answer_problem(call, 400, fault);
        return;
    }
    json_t *items = present_json(call, &wanted);
    bool stranger = call->caller.person == FA_NOBODY; /* nothing there is for him */
    if (!wanted.closed || stranger || host->store(host->ctx) == NULL) {
        answer_list(call, items, NULL);
        return;
    }
    struct late_list *late = fa_xcalloc(1, sizeof *late);
    *late = (struct late_list){.call = *call, .items = items, .limit = wanted.limit};
    ask_history(late, wanted.before, (struct fa_str){(const char *)wanted.key, wanted.key_len});
}
