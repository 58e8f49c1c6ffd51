/* SPDX-License-Identifier: MIT */
/* Who is on duty, until when, and who comes next. Told to everybody in the directory: it says
 * nothing of any alarm. Times are given on the wire's clock and, for reading, on the caller's. */
#include "api/internal.h"
#include "net/query.h"

#include <stdlib.h>
#include <string.h>

struct asked {
    const struct fa_directory *people;
    const struct fa_zone *zone; /* the caller's; NULL: UTC */
    fa_time at;
};

/* "2026-12-24", "2026-12-24 09:00" by the caller's clocks. */
static bool read_local(struct fa_str text, const struct fa_zone *zone, fa_time *ret_at)
{
    char full[32];
    fa_time local;
    if (text.len != 10 && text.len != 16) {
        return false;
    }
    snprintf(full, sizeof full, "%.10sT%.5s:00Z", text.ptr,
             text.len == 16 ? text.ptr + 11 : "00:00");
    if (fa_parse_time(fa_str_of(full), &local) != 0) {
        return false;
    }
    *ret_at = zone != NULL ? fa_zone_instant(zone, local, false) : local;
    return true;
}

static bool read_at(struct fa_str query, struct asked *asked)
{
    struct fa_buf value;
    fa_time length;
    fa_buf_init(&value, 64);
    int rc = fa_query_get(query, "at", &value);
    struct fa_str text = fa_buf_str(&value);
    bool ok = rc == FA_ENOTFOUND;
    if (rc == 0) {
        ok = fa_parse_time(text, &asked->at) == 0 || read_local(text, asked->zone, &asked->at);
        if (!ok && fa_parse_duration(text, &length) == 0) {
            asked->at += length;
            ok = true;
        }
    }
    fa_buf_done(&value);
    return ok;
}

/* "Mon 23 Nov 09:00 CET". */
static void set_here(json_t *object, const char *name, fa_time wall, const struct asked *asked)
{
    static const char *const days[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
    struct fa_reader_zone zone;
    char time[FA_READER_TIME_SIZE], text[FA_READER_TIME_SIZE + 8];
    fa_describe_zone_at(asked->zone, wall, &zone);
    size_t day = (size_t)((wall + zone.offset_seconds * FA_SECOND) / FA_DAY + 3) % 7;
    snprintf(text, sizeof text, "%s %s", days[day], fa_reader_time(NULL, wall, 0, &zone, time));
    fa_json_set_text(object, name, text);
}

/* Who stands in for somebody who is away; an empty list for who is there. */
static json_t *stand_ins(const struct asked *asked, fa_person person)
{
    struct fa_ask ask = {.at = asked->at};
    struct fa_pset set;
    json_t *list = json_array();
    fa_pset_init(&set, asked->people);
    (void)!fa_directory_reach(asked->people, fa_str_of(asked->people->people[person].name), &ask,
                              &set);
    for (fa_person p = fa_pset_next(&set, 0); p != FA_NOBODY && !fa_pset_has(&set, person);
         p = fa_pset_next(&set, p + 1)) {
        json_array_append_new(list, json_string(asked->people->people[p].name));
    }
    fa_pset_done(&set);
    return list;
}

static json_t *on_duty_json(const struct asked *asked, const struct fa_schedule_entry *schedule,
                            const struct fa_turn *turn)
{
    json_t *item = json_object();
    const char *name = schedule->members[turn->member];
    fa_person person = fa_directory_find(asked->people, fa_str_of(name));
    bool is_known = turn->span.until < schedule->known_until;
    fa_json_set_text(item, "person", name);
    fa_json_set_text(item, "display",
                     person != FA_NOBODY ? asked->people->people[person].display : name);
    fa_json_set_time(item, "until", is_known ? turn->span.until : 0);
    if (is_known) {
        set_here(item, "until_here", turn->span.until, asked);
    }
    json_object_set_new(item, "stand_ins",
                        person != FA_NOBODY ? stand_ins(asked, person) : json_array());
    return item;
}

static json_t *next_json(const struct asked *asked, const struct fa_schedule_entry *schedule,
                         size_t first)
{
    if (first == schedule->turn_count) {
        return json_null();
    }
    json_t *next = json_object(), *list = json_array();
    fa_time from = schedule->turns[first].span.from;
    fa_json_set_time(next, "from", from);
    set_here(next, "from_here", from, asked);
    for (size_t i = first; i < schedule->turn_count && schedule->turns[i].span.from == from; i++) {
        const char *name = schedule->members[schedule->turns[i].member];
        json_array_append_new(list, json_string(name));
    }
    json_object_set_new(next, "people", list);
    return next;
}

static json_t *schedule_json(const struct asked *asked, const struct fa_schedule_entry *schedule)
{
    json_t *item = json_object(), *list = json_array();
    size_t i = 0;
    for (; i < schedule->turn_count && schedule->turns[i].span.from <= asked->at; i++) {
        if (schedule->turns[i].span.until > asked->at) {
            json_array_append_new(list, on_duty_json(asked, schedule, &schedule->turns[i]));
        }
    }
    fa_json_set_text(item, "name", schedule->name);
    fa_json_set_text(item, "display", schedule->display);
    json_object_set_new(item, "on_duty", list);
    json_object_set_new(item, "next", next_json(asked, schedule, i));
    fa_json_set_time(item, "known_until", schedule->known_until);
    return item;
}

void fa_route_oncall(struct fa_call *call)
{
    const struct fa_api_host *host = &call->api->host;
    if (call->caller.person == FA_NOBODY) {
        fa_answer_problem(call, 403, "This is for people of the directory.");
        return;
    }
    const char *name = call->people->people[call->caller.person].name;
    struct asked asked = {.people = call->people,
                          .zone = fa_directory_zone_of(call->people, name),
                          .at = host->now(host->ctx).wall};
    if (!read_at(fa_http_query(call->req), &asked)) {
        fa_answer_problem(call, 400,
                          "at is a time by your clocks like 2026-12-24 09:00, RFC 3339 like "
                          "2026-12-24T08:00:00Z, or how far ahead: 3d.");
        return;
    }
    json_t *body = json_object(), *list = json_array();
    for (size_t i = 0; i < call->people->schedule_count; i++) {
        json_array_append_new(list, schedule_json(&asked, &call->people->schedules[i]));
    }
    fa_json_set_time(body, "at", asked.at);
    set_here(body, "at_here", asked.at, &asked);
    fa_json_set_text(body, "zone", asked.zone != NULL ? asked.zone->name : "UTC");
    json_object_set_new(body, "schedules", list);
    fa_answer_json(call, 200, body);
}
