/* SPDX-License-Identifier: MIT */
/* The list of alarms: what the engine has, and then history, newest first. fa_may() decides on each
 * before it is counted or cut off; what it refuses is not there, and no number says that it is.
 *
 * Invariant of pages (`after`): they go by what never changes of an alarm, when it was raised and
 * its id. So one that is there all the while is in exactly one page whatever becomes of it and of
 * others meanwhile, and one that is raised meanwhile comes at the end. A page begins behind the
 * last alarm that the caller was shown, so it needs no memory here.
 *
 * Alarms are looked at as they lie in memory, and the first of them in the list's order are kept in
 * a heap. fa_may() is what takes the time: of one that would stand behind a full page it is asked
 * only until it is known that there are more. */
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
    bool by_pages; /* the oldest first, behind this one */
    fa_time after;
    struct fa_id after_id;
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
    int (*order)(const void *left, const void *right);
    struct ranked *alarms; /* a heap whose first is the last in the order; limit places */
    size_t count;
    bool more; /* than these, and the caller may see them */
};

#define PLACE_SIZE 64 /* "TIME/ID" */

struct answer {
    json_t *items;
    bool by_pages;          /* next is of interest */
    bool more;              /* the limit left out some that are not history */
    char next[PLACE_SIZE];  /* where their next page begins; "": nowhere */
    char older[PLACE_SIZE]; /* the first of history that found no place; "": none */
};

static void put_place(char place[PLACE_SIZE], fa_time time, struct fa_id id)
{
    char text[32], symbols[FA_ID_TEXT_SIZE];
    snprintf(place, PLACE_SIZE, "%s/%s", fa_time_format_ms(time, text), fa_id_format(id, symbols));
}

static uint32_t rank_of(const struct fa_call *call, const struct fa_alarm *alarm)
{
    const struct fa_severity *severity = fa_setup_severity(call->setup, alarm->texts->severity);
    return severity != NULL ? severity->rank : UINT32_MAX;
}

/* In the order of pages. */
static int by_raise(const struct fa_alarm *alarm, fa_time raised, struct fa_id id)
{
    int order = (alarm->raised > raised) - (alarm->raised < raised);
    return order != 0 ? order : memcmp(alarm->id.id.bytes, id.bytes, FA_ID_BYTES);
}

/* A closed one that is still here ends in the future; a further page is of history alone. */
static bool is_wanted(const struct list *list, const struct fa_alarm *alarm)
{
    const struct wanted *wanted = list->wanted;
    if (wanted->key_len > 0 || alarm->state == FA_ALARM_PENDING ||
        (wanted->by_pages && by_raise(alarm, wanted->after, wanted->after_id) <= 0)) {
        return false;
    }
    return alarm->state == FA_ALARM_RESOLVED ? wanted->closed && list->now < wanted->before
                                             : wanted->open && alarm->raised < wanted->before;
}

static int by_age(const void *left, const void *right)
{
    const struct ranked *a = left, *b = right;
    return by_raise(a->alarm, b->alarm->raised, b->alarm->id.id);
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
    return by_age(left, right);
}

static void rise(struct list *list, size_t at)
{
    struct ranked moved = list->alarms[at];
    for (; at > 0 && list->order(&list->alarms[(at - 1) / 2], &moved) < 0; at = (at - 1) / 2) {
        list->alarms[at] = list->alarms[(at - 1) / 2];
    }
    list->alarms[at] = moved;
}

/* Puts one in the place of the first. */
static void sink(struct list *list, struct ranked moved)
{
    size_t at = 0;
    for (size_t child; (child = 2 * at + 1) < list->count; at = child) {
        bool is_right = child + 1 < list->count &&
                        list->order(&list->alarms[child], &list->alarms[child + 1]) < 0;
        child += is_right;
        if (list->order(&list->alarms[child], &moved) <= 0) {
            break;
        }
        list->alarms[at] = list->alarms[child];
    }
    list->alarms[at] = moved;
}

static void collect(void *ctx, const struct fa_alarm *alarm)
{
    struct list *list = ctx;
    bool is_full = list->count == list->wanted->limit;
    if (!is_wanted(list, alarm)) {
        return;
    }
    struct ranked one = {alarm, is_full ? rank_of(list->call, alarm) : 0};
    bool is_behind = is_full && list->order(&one, &list->alarms[0]) > 0;
    if ((is_behind && list->more) || !fa_call_may(list->call, alarm, FA_VERB_LIST)) {
        return;
    }
    list->more = list->more || is_full;
    if (!is_full) {
        one.rank = rank_of(list->call, alarm);
        list->alarms[list->count++] = one;
        rise(list, list->count - 1);
    } else if (!is_behind) {
        sink(list, one);
    }
}

/* What the engine has and the caller may see, up to the limit. */
static void take_present(struct fa_call *call, const struct wanted *wanted, struct answer *answer)
{
    struct list list = {.call = call, .wanted = wanted};
    list.now = call->api->host.now(call->api->host.ctx).wall;
    list.order = wanted->by_pages ? by_age : by_urgency;
    list.alarms = fa_xcalloc(wanted->limit, sizeof list.alarms[0]);
    fa_engine_each_alarm(call->engine, collect, &list);
    if (list.count > 0) {
        qsort(list.alarms, list.count, sizeof list.alarms[0], list.order);
    }
    for (size_t i = 0; i < list.count; i++) {
        json_array_append_new(answer->items, fa_call_alarm_json(call, list.alarms[i].alarm, false));
    }
    answer->more = list.more;
    if (wanted->by_pages && list.more) {
        const struct fa_alarm *last = list.alarms[list.count - 1].alarm;
        put_place(answer->next, last->raised, last->id.id);
    }
    free(list.alarms);
}

/* Takes the items. */
static void answer_list(struct fa_call *call, struct answer *answer)
{
    json_t *body = json_object();
    json_object_set_new(body, "alarms", answer->items);
    json_object_set_new(body, "more", json_boolean(answer->more));
    if (answer->by_pages) {
        fa_json_set_text(body, "next", answer->next[0] != '\0' ? answer->next : NULL);
    }
    if (answer->older[0] != '\0') {
        fa_json_set_text(body, "older", answer->older);
    }
    fa_answer_json(call, 200, body);
}

/* ---- history ---- */

struct late_list {
    struct fa_call call;
    struct answer answer;
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

static void take_alarm(struct late_list *late, const struct fa_alarm *alarm, fa_time ended)
{
    if (!fa_call_may(&late->call, alarm, FA_VERB_LIST)) {
        return;
    }
    if (json_array_size(late->answer.items) >= late->limit) {
        put_place(late->answer.older, ended, alarm->id.id);
        return;
    }
    json_t *item = fa_call_alarm_json(&late->call, alarm, false);
    fa_json_set_time(item, "ended", ended);
    json_array_append_new(late->answer.items, item);
}

static void take_page(struct late_list *late, const struct fa_store_answer *answer)
{
    for (size_t i = 0; i < answer->row_count && late->answer.older[0] == '\0'; i++) {
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
        json_decref(late->answer.items);
        free(late);
        return;
    }
    take_page(late, answer);
    if (answer->more && late->answer.older[0] == '\0' && ++late->pages < PAGES_MAX &&
        host->store(host->ctx) != NULL) {
        ask_history(late, answer->next_before, answer->next_key);
        return;
    }
    answer_list(call, &late->answer);
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

/* "TIME/ID"; without an id, *ret_is_whole is false. */
static bool read_place(struct fa_str text, fa_time *ret_time, struct fa_id *ret_id,
                       bool *ret_is_whole)
{
    struct fa_str rest;
    struct fa_str time = fa_str_cut(text, '/', &rest);
    *ret_is_whole = rest.ptr != NULL;
    return fa_parse_time(time, ret_time) == 0 &&
           (rest.ptr == NULL || fa_id_parse(rest, ret_id) == 0);
}

/* A time, or what the page before said. */
static bool read_before(struct fa_str text, struct wanted *ret)
{
    struct fa_id id;
    bool is_whole;
    if (!read_place(text, &ret->before, &id, &is_whole)) {
        return false;
    }
    if (is_whole) {
        memcpy(ret->key, id.bytes, FA_ID_BYTES);
        ret->key[FA_ID_BYTES] = 0;
        ret->key_len = sizeof ret->key;
    }
    return true;
}

/* Nothing for the first page, or what the page before said. */
static bool read_after(struct fa_str text, struct wanted *ret)
{
    bool is_whole = true;
    ret->by_pages = true;
    return text.len == 0 || (read_place(text, &ret->after, &ret->after_id, &is_whole) && is_whole);
}

static const struct parameter {
    const char *name;
    bool (*read)(struct fa_str text, struct wanted *ret);
    const char *fault;
} parameters[] = {
    {"state", read_state, "state is open, closed or all."},
    {"limit", read_limit, "limit is a number from 1 to 500."},
    {"before", read_before,
     "before is an RFC 3339 time of 1970 or later like 2026-11-22T08:15:00Z (the + of an offset is written %2B), or "
     "the text that the answer before gave as older."},
    {"after", read_after,
     "after is the text that the answer before gave as next, and empty for the first page."},
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
    struct answer answer = {.items = json_array(), .by_pages = wanted.by_pages};
    take_present(call, &wanted, &answer);
    bool stranger = call->caller.person == FA_NOBODY; /* nothing there is for him */
    bool goes_on = answer.next[0] != '\0';            /* history comes behind the last of these */
    if (!wanted.closed || stranger || goes_on || host->store(host->ctx) == NULL) {
        answer_list(call, &answer);
        return;
    }
    struct late_list *late = fa_xcalloc(1, sizeof *late);
    *late = (struct late_list){.call = *call, .answer = answer, .limit = wanted.limit};
    ask_history(late, wanted.before, (struct fa_str){(const char *)wanted.key, wanted.key_len});
}
