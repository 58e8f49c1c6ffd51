/* SPDX-License-Identifier: MIT */
/* `firealarm list` and `firealarm show`: the alarms that this caller may see. */
#include "client/commands.h"

#include "base/panic.h"
#include "client/api.h"
#include "client/render.h"
#include "client/when.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const states[] = {"open", "closed", "all", NULL};

static const struct fa_opt options[] = {
    {.name = "state",
     .value = "STATE",
     .choices = states,
     .help = "open (the default), closed, "
             "all."},
    {.name = "limit", .value = "N", .help = "At most N alarms, the most urgent."},
    {.name = "all",
     .help =
         "Every one, page by page and the oldest first; closed ones come behind them, the newest "
         "first. With --json each page is a document of its own."},
    {.name = "before",
     .value = "WHEN",
     .help = "Only those raised (closed ones: over) before then: "
             "yesterday, 3d, 2026-11-20."},
};

static const struct fa_example list_examples[] = {
    {"firealarm list", "What is open now."},
    {"firealarm list --state all --limit 20", "The last twenty, however they ended."},
    {"firealarm list --all --json | jq -r '.alarms[].id'", "For programs."},
};

/* What is asked for: both go behind the path. */
struct query {
    struct fa_buf fixed; /* of every page */
    struct fa_buf from;  /* where this page begins */
    char before[FA_WHEN_SIZE + 32];
    bool all;
};

static int add_before(struct fa_client *client, const char *before, struct query *query)
{
    char when[FA_WHEN_SIZE];
    struct fa_err err;
    if (fa_when_parse(fa_str_of(before), client->world->now, when, &err) != 0) {
        fa_err_wrap(&err, "--before");
        return fa_complain(client, FA_EXIT_USAGE, &err);
    }
    snprintf(query->before, sizeof query->before, "&before=%s%s", when,
             strlen(when) == 10 ? "T00:00:00Z" : "");
    return FA_EXIT_OK;
}

static int read_options(struct fa_client *client, const struct fa_args *args, struct query *query)
{
    const char *limit = fa_args_get(args, "limit"), *before = fa_args_get(args, "before");
    const char *state = fa_args_get(args, "state");
    uint64_t number = 500;
    struct fa_err err;
    query->all = fa_args_has(args, "all");
    if (limit != NULL && query->all) {
        fa_err_set(&err, FA_EINVAL, "--all has no limit: leave --limit away");
        return fa_complain(client, FA_EXIT_USAGE, &err);
    }
    if (limit != NULL &&
        (fa_parse_u64(fa_str_of(limit), &number) != 0 || number < 1 || number > 500)) {
        fa_err_set(&err, FA_EINVAL, "--limit is a number from 1 to 500");
        return fa_complain(client, FA_EXIT_USAGE, &err);
    }
    fa_buf_printf(&query->fixed, "/v1/alarms?state=%s", state != NULL ? state : "open");
    if (limit != NULL || query->all) {
        fa_buf_printf(&query->fixed, "&limit=%llu", (unsigned long long)number);
    }
    int code = before != NULL ? add_before(client, before, query) : FA_EXIT_OK;
    fa_buf_printf(&query->from, "%s%s", query->before, query->all ? "&after=" : "");
    return code;
}

/* Where the page after this one begins; "" after the last. What the daemon gave goes into an
 * address, so it is looked at first; and no page leads to itself. */
static bool read_next(const json_t *page, struct query *query)
{
    const char *next = fa_member_text(page, "next"), *older = fa_member_text(page, "older");
    const char *place = next != NULL ? next : older != NULL ? older : "";
    char *old = fa_xstrdup(fa_buf_text(&query->from));
    fa_buf_clear(&query->from);
    if (place[0] != '\0') {
        fa_buf_printf(&query->from, next != NULL ? "%s&after=%s" : "%s&before=%s",
                      next != NULL ? query->before : "", place);
    }
    bool good = place[strspn(place, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ:./-")] == '\0' &&
                (query->from.len == 0 || strcmp(old, fa_buf_text(&query->from)) != 0);
    free(old);
    return good;
}

static int list_page(struct fa_client *client, struct query *query, bool is_first)
{
    struct fa_buf path;
    struct fa_answer answer;
    struct fa_err err;
    fa_buf_init(&path, 1024);
    fa_buf_printf(&path, "%s%s", fa_buf_text(&query->fixed), fa_buf_text(&query->from));
    int code = fa_api_ask(client, fa_buf_text(&path), NULL, &answer);
    fa_buf_done(&path);
    if (code != FA_EXIT_OK) {
        return code;
    }
    bool any = json_array_size(json_object_get(answer.json, "alarms")) > 0;
    if (!fa_api_printed(client, &answer) && (is_first || any)) {
        fa_render_alarms(&client->out, answer.json, client->world->now);
    }
    if (query->all && !read_next(answer.json, query)) {
        fa_err_set(&err, FA_EPARSE, "the daemon does not say where its next page begins");
        code = fa_complain(client, FA_EXIT_STRANGE, &err);
    }
    fa_answer_done(&answer);
    return code;
}

static int run_list(struct fa_client *client, const struct fa_args *args)
{
    struct query query = {.before = ""};
    bool is_first = true;
    fa_buf_init(&query.fixed, 256);
    fa_buf_init(&query.from, 1024);
    int code = read_options(client, args, &query);
    while (code == FA_EXIT_OK && (is_first || (query.all && query.from.len > 0))) {
        code = list_page(client, &query, is_first);
        is_first = false;
    }
    fa_buf_done(&query.from);
    fa_buf_done(&query.fixed);
    return code;
}

static int run_show(struct fa_client *client, const struct fa_args *args)
{
    struct fa_buf path;
    struct fa_answer answer;
    int code = FA_EXIT_USAGE;
    fa_buf_init(&path, 512);
    if (fa_id_path(client, "alarms", args->rest[0], "", &path)) {
        code = fa_api_ask(client, fa_buf_text(&path), NULL, &answer);
    }
    fa_buf_done(&path);
    if (code != FA_EXIT_OK) {
        return code;
    }
    if (!fa_api_printed(client, &answer)) {
        fa_render_alarm(&client->out, answer.json, client->world->now);
    }
    fa_answer_done(&answer);
    return code;
}

const struct fa_cmd fa_cmd_list = {
    .name = "list",
    .usage = "",
    .summary = "list the alarms that you may see",
    .about =
        "One line an alarm, the most urgent first: unowned ones, then the severe, then the old; "
        "closed ones stand behind, the newest first. ALARM is the beginning of its id, as long as it "
        "must be to be unmistakable; every command takes it.",
    .options = options,
    .option_count = FA_COUNT(options),
    .examples = list_examples,
    .example_count = FA_COUNT(list_examples),
    .run = run_list,
};

static const struct fa_example show_examples[] = {
    {"firealarm show 7K2Q", "Everything about one alarm: what, since when, who was told."},
};

const struct fa_cmd fa_cmd_show = {
    .name = "show",
    .usage = "ALARM",
    .args_min = 1,
    .args_max = 1,
    .summary = "show one alarm with all that belongs to it",
    .about = "ALARM is the alarm's id, or its beginning.",
    .examples = show_examples,
    .example_count = FA_COUNT(show_examples),
    .run = run_show,
};
