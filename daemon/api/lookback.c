/* SPDX-License-Identifier: MIT */
/* The walk through the alarms of the last 30 days. It is bounded: so many pages of so many rows,
 * one in a turn of the loop. What it does not do is say who may know of an alarm: the reader asks
 * that of each. */
#include "api/lookback.h"

#define PAST      (30 * FA_DAY)
#define PAGE_ROWS 500
#define PAGES_MAX 40

void fa_lookback_init(struct fa_lookback *walk, const struct fa_call *call,
                      const struct fa_lookback_reader *reader, void *ctx)
{
    const struct fa_api_host *host = &call->api->host;
    *walk = (struct fa_lookback){
        .call = *call, .reader = reader, .ctx = ctx, .from = host->now(host->ctx).wall - PAST};
}

static void refuse(struct fa_lookback *walk)
{
    fa_answer_problem(&walk->call, 503, FA_WORDS_UNREADABLE);
    walk->reader->free(walk->ctx);
}

static void on_page(void *ctx, const struct fa_store_answer *answer)
{
    struct fa_lookback *walk = ctx;
    const struct fa_api_host *host = &walk->call.api->host;
    if (!fa_call_renew(&walk->call) || !walk->reader->may_go_on(walk->ctx)) {
        walk->reader->free(walk->ctx);
        return;
    }
    if (answer->code != 0) {
        refuse(walk);
        return;
    }
    bool over = false;
    for (size_t i = 0; i < answer->row_count && !over; i++) {
        struct fa_alarm *alarm = NULL;
        over = answer->rows[i].time < walk->from;
        if (!over && fa_engine_read_alarm(walk->call.engine, answer->rows[i].value, &alarm) == 0) {
            walk->reader->take(walk->ctx, alarm, answer->rows[i].time);
            fa_alarm_free(alarm);
        }
    }
    over = over || !answer->more;
    struct fa_store *store = host->store(host->ctx);
    if (over || ++walk->pages >= PAGES_MAX || store == NULL) {
        walk->reader->over(walk->ctx, over && answer->damaged == 0);
    } else {
        fa_store_query(store, FA_ROW_ALARM, answer->next_before, answer->next_key, PAGE_ROWS,
                       on_page, walk);
    }
}

void fa_lookback_walk(struct fa_lookback *walk)
{
    const struct fa_api_host *host = &walk->call.api->host;
    struct fa_store *store = host->store(host->ctx);
    walk->pages = 0;
    if (store == NULL) {
        refuse(walk);
        return;
    }
    fa_store_query(store, FA_ROW_ALARM, FA_NEVER, (struct fa_str){"", 0}, PAGE_ROWS, on_page, walk);
}

void fa_lookback_example(const struct fa_lookback *walk, json_t *list, const struct fa_alarm *alarm)
{
    if (json_array_size(list) < FA_LOOKBACK_EXAMPLES) {
        json_array_append_new(list, fa_call_alarm_json(&walk->call, alarm, false));
    }
}
