/* SPDX-License-Identifier: MIT */
/* Hindsight for `firealarm check`: when a window was open in the last 30 days is worked out here,
 * of the configuration that is checked; which alarms there were then is the daemon's to say. */
#include "client/hindsight.h"

#include "client/api.h"

#include <string.h>

#define PAST          (30 * FA_DAY)
#define STRETCHES_MAX 1000 /* that the daemon takes */
#define TITLES_MAX    3

static json_t *where_of(const struct fa_matchers *matchers)
{
    json_t *list = json_array();
    for (size_t i = 0; i < matchers->count; i++) {
        struct fa_buf text;
        fa_buf_init(&text, 4096);
        fa_matcher_format(&matchers->list[i], &text);
        json_array_append_new(list, fa_json_clean(fa_buf_text(&text)));
        fa_buf_done(&text);
    }
    return list;
}

/* The newest ones, should there be more than the daemon takes. */
static json_t *during_of(const struct fa_maintenance *window, const struct fa_directory *people,
                         fa_time now)
{
    json_t *list = json_array();
    char begin[32], end[32];
    fa_time change;
    for (fa_time at = now - PAST; at < now; at = change) {
        if (fa_maintenance_has(window, people, at, &change)) {
            fa_time until = change < now + FA_DAY ? change : now + FA_DAY; /* clocks differ */
            json_array_append_new(list, json_pack("{s:s, s:s}", "begin", fa_time_format(at, begin),
                                                  "end", fa_time_format(until, end)));
        }
        if (json_array_size(list) > STRETCHES_MAX) {
            json_array_remove(list, 0);
        }
    }
    return list;
}

static json_t *equal_of(const struct fa_inhibition *inhibition)
{
    json_t *list = json_array();
    for (size_t i = 0; i < inhibition->equal_count; i++) {
        json_array_append_new(list, fa_json_clean(inhibition->equal[i]));
    }
    return list;
}

/* Takes request and item; false when the daemon does not tell. */
static bool ask(const struct fa_client *client, json_t *request, json_t *item, json_t *list)
{
    struct fa_answer answer;
    fa_api_call(&client->settings, "/v1/hiding/preview", request, &answer);
    bool told = answer.kind == FA_ANSWER_OK && json_object_update(item, answer.json) == 0;
    if (told) {
        json_array_append(list, item);
    }
    fa_answer_done(&answer);
    json_decref(request);
    json_decref(item);
    return told;
}

/* An inhibition has no name of its own. */
static json_t *name_of(const struct fa_inhibition *inhibition)
{
    struct fa_buf text;
    fa_buf_init(&text, (size_t)64 << 10);
    fa_matchers_format(&inhibition->hide, &text);
    fa_buf_puts(&text, " while ");
    fa_matchers_format(&inhibition->when, &text);
    json_t *name = fa_json_clean(fa_buf_text(&text));
    fa_buf_done(&text);
    return name;
}

json_t *fa_hindsight_ask(const struct fa_client *client, const struct fa_config *config)
{
    const struct fa_setup *setup = &config->setup;
    json_t *list = json_array();
    bool told = true;
    for (size_t i = 0; told && i < setup->maintenance_count; i++) {
        const struct fa_maintenance *window = &setup->maintenance[i];
        json_t *during = during_of(window, config->people, client->world->now);
        json_t *item =
            json_pack("{s:s, s:o, s:i}", "kind", "maintenance", "name", fa_json_clean(window->name),
                      "stretches", (int)json_array_size(during));
        told = ask(client,
                   json_pack("{s:o, s:o}", "where", where_of(&window->where), "during", during),
                   item, list);
    }
    for (size_t i = 0; told && i < setup->inhibition_count; i++) {
        const struct fa_inhibition *inhibition = &setup->inhibitions[i];
        json_t *item = json_pack("{s:s, s:o}", "kind", "inhibition", "name", name_of(inhibition));
        told = ask(client,
                   json_pack("{s:o, s:o, s:o}", "where", where_of(&inhibition->hide), "when",
                             where_of(&inhibition->when), "equal", equal_of(inhibition)),
                   item, list);
    }
    return list;
}

static void say(struct fa_screen *screen, const json_t *item)
{
    const json_t *alarms = json_object_get(item, "alarms"), *stretches, *alarm;
    long long count = (long long)fa_member_int(item, "count");
    size_t i;
    fa_say(screen, "%s ", fa_member_text(item, "kind"));
    fa_put(screen, FA_PLAIN, fa_member_text(item, "name"));
    fa_say(screen, ": would have hidden %s%lld alarm%s of the last 30 days",
           fa_member_is(item, "complete") ? "" : "at least ", count, count == 1 ? "" : "s");
    stretches = json_object_get(item, "stretches");
    if (json_is_integer(stretches) && json_integer_value(stretches) == 0) {
        fa_say(screen, ": it was not open in them");
    }
    json_array_foreach(alarms, i, alarm)
    {
        if (i == TITLES_MAX) {
            break;
        }
        fa_say(screen, "%s", i == 0 ? ", for instance " : "; ");
        fa_put(screen, FA_PLAIN, fa_member_text(alarm, "title"));
    }
    fa_say(screen, "\n");
}

void fa_hindsight_say(struct fa_screen *screen, const json_t *list)
{
    const json_t *item;
    size_t i;
    json_array_foreach(list, i, item)
    {
        say(screen, item);
    }
}
