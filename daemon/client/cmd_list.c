/* SPDX-License-Identifier: MIT */
/* `firealarm list` and `firealarm show`: the alarms that this caller may see. */
#include "client/commands.h"

#include "client/api.h"
#include "client/render.h"
#include "client/when.h"

#include <string.h>

static const char *const states[] = {"open", "closed", "all", NULL};

static const struct fa_opt options[] = {
    {.name = "state",
     .value = "STATE",
     .choices = states,
     .help = "open (the default), closed, "
             "all."},
    {.name = "limit", .value = "N", .help = "At most N alarms."},
    {.name = "before",
     .value = "WHEN",
     .help = "Only those raised (closed ones: over) before then: "
             "yesterday, 3d, 2026-11-20."},
};

static const struct fa_example list_examples[] = {
    {"firealarm list", "What is open now."},
    {"firealarm list --state all --limit 20", "The last twenty, however they ended."},
    {"firealarm list --json | jq -r '.alarms[].id'", "For programs."},
};

static int add_options(struct fa_client *client, const struct fa_args *args, struct fa_buf *path)
{
    const char *limit = fa_args_get(args, "limit"), *before = fa_args_get(args, "before");
    const char *state = fa_args_get(args, "state");
    char when[FA_WHEN_SIZE];
    uint64_t number = 0;
    struct fa_err err;
    fa_buf_printf(path, "/v1/alarms?state=%s", state != NULL ? state : "open");
    if (limit != NULL) {
        if (fa_parse_u64(fa_str_of(limit), &number) != 0 || number < 1 || number > 500) {
            fa_err_set(&err, FA_EINVAL, "--limit is a number from 1 to 500");
            return fa_complain(client, FA_EXIT_USAGE, &err);
        }
        fa_buf_printf(path, "&limit=%llu", (unsigned long long)number);
    }
    if (before != NULL) {
        if (fa_when_parse(fa_str_of(before), client->world->now, when, &err) != 0) {
            fa_err_wrap(&err, "--before");
            return fa_complain(client, FA_EXIT_USAGE, &err);
        }
        fa_buf_printf(path, "&before=%s%s", when, strlen(when) == 10 ? "T00:00:00Z" : "");
    }
    return FA_EXIT_OK;
}

static int run_list(struct fa_client *client, const struct fa_args *args)
{
    struct fa_buf path;
    struct fa_answer answer;
    fa_buf_init(&path, 512);
    int code = add_options(client, args, &path);
    code = code != FA_EXIT_OK ? code : fa_api_ask(client, fa_buf_text(&path), NULL, &answer);
    fa_buf_done(&path);
    if (code != FA_EXIT_OK) {
        return code;
    }
    if (!fa_api_printed(client, &answer)) {
        fa_render_alarms(&client->out, answer.json, client->world->now);
    }
    fa_answer_done(&answer);
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
    .about = "One line an alarm, the newest first. ALARM is the beginning of its id, as long as it "
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
