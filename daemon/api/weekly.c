/* SPDX-License-Identifier: MIT */
/* What the caller's weekly digest would say now: composed for the caller by what composes the
 * message, so it can show nothing that the message would not. */
#include "alarms/weekly.h"
#include "api/internal.h"

#define TEXT_MAX ((size_t)48 * 1024)

void fa_route_weekly(struct fa_call *call)
{
    const struct fa_api_host *host = &call->api->host;
    fa_person reader = call->caller.person;
    struct fa_buf text, week;
    if (!fa_weekly_is_reader(call->engine, reader)) {
        fa_answer_problem(call, 403,
                          "You get no weekly digest: the configuration's weekly names who does.");
        return;
    }
    fa_time now = host->now(host->ctx).wall;
    fa_time until = now - now % FA_HOUR + FA_HOUR; /* this hour counts, too */
    json_t *body = json_object();
    fa_buf_init(&text, TEXT_MAX);
    fa_buf_init(&week, 256);
    struct fa_weekly_ask ask = {
        .reader = reader,
        .as = {.zone = fa_describe_reader(call->engine, call->people->people[reader].name).zone},
        .until = until,
        .now = now,
    };
    size_t matters = fa_weekly_compose(call->engine, &ask, &text);
    fa_describe_week(ask.as, now, &week);
    fa_json_set_text(body, "week", fa_buf_text(&week));
    json_object_set_new(body, "matters", json_integer((json_int_t)matters));
    fa_json_set_text(body, "text", fa_buf_text(&text));
    fa_buf_done(&text);
    fa_buf_done(&week);
    fa_answer_json(call, 200, body);
}
