/* SPDX-License-Identifier: MIT */
/* `firealarm silence add`, `list` and `end`. Nothing is set before the person has seen what it
 * would have hidden in the last thirty days, or has said --yes. */
#include "client/commands.h"

#include "client/api.h"
#include "client/ask.h"
#include "client/render.h"

#include <string.h>

static const struct fa_opt add_options[] = {
    {.name = "rule", .value = "RULE", .help = "Alarms of this rule."},
    {.name = "label",
     .value = "NAME=VALUE",
     .many = true,
     .help = "Alarms with this label. Also NAME!=VALUE, NAME=~REGEX and NAME!~REGEX; NAME may be "
             "severity or category, too. All that is given must fit."},
    {.name = "for", .value = "TIME", .help = "How long, e.g. 2h or 3d; at most 30d."},
    {.name = "begin",
     .value = "WHEN",
     .help = "When it begins, e.g. 2026-11-22T22:00:00Z; else now."},
    {.name = "reason", .value = "TEXT", .help = "Why; whoever misses an alarm reads it."},
    {.name = "upto",
     .value = "SEVERITY",
     .help = "The worst severity that it hides; else what the rules have today that it takes."},
    {.name = "yes", .help = "Set it without asking."},
};

static const struct fa_example add_examples[] = {
    {"firealarm silence add --rule queue-slow --label site=eu-1 --for 2h --reason \"new switch\"",
     "Shows what that would have hidden, and asks."},
    {"firealarm silence add --label 'site=~lab-.*' --for 3d --reason \"lab moves\" --yes --json",
     "From a script."},
};
static const struct fa_example list_examples[] = {
    {"firealarm silence list", "What is silenced, by whom, why and until when."},
};
static const struct fa_example end_examples[] = {
    {"firealarm silence end 7K2Q", "What still holds is told at once."},
};

static int complain(struct fa_client *client, const char *text)
{
    struct fa_err err;
    fa_err_set(&err, FA_EINVAL, "%s", text);
    return fa_complain(client, FA_EXIT_USAGE, &err);
}

/* What the options ask for; NULL after a complaint. */
static json_t *make_request(struct fa_client *client, const struct fa_args *args)
{
    static const char *const members[] = {"for", "begin", "reason", "upto"};
    json_t *request = json_object(), *where = json_array();
    const char *rule = fa_args_get(args, "rule"), *label;
    size_t at = 0;
    bool good = true;
    if (rule != NULL) {
        json_t *text = json_sprintf("rule=%s", rule);
        good = text != NULL && json_array_append_new(where, text) == 0;
    }
    while ((label = fa_args_next(args, "label", &at)) != NULL) {
        json_t *text = json_string(label);
        good = good && text != NULL && json_array_append_new(where, text) == 0;
    }
    for (size_t i = 0; i < FA_COUNT(members); i++) {
        const char *value = fa_args_get(args, members[i]);
        good = good &&
               (value == NULL || json_object_set_new(request, members[i], json_string(value)) == 0);
    }
    good = good && json_object_set(request, "where", where) == 0;
    size_t count = json_array_size(where);
    json_decref(where);
    if (good && count > 0 && json_object_get(request, "for") != NULL &&
        json_object_get(request, "reason") != NULL) {
        return request;
    }
    json_decref(request);
    (void)complain(client, !good        ? "what was given is not UTF-8"
                           : count == 0 ? "say what: --rule RULE, --label NAME=VALUE or both"
                                        : "say for how long and why: --for 2h --reason \"...\"");
    return NULL;
}

/* FA_EXIT_OK and *ret_yes: shown, and answered. */
static int ask_first(struct fa_client *client, const json_t *request, bool *ret_yes)
{
    struct fa_answer answer;
    int code = fa_api_ask(client, "/v1/silences/preview", json_deep_copy(request), &answer);
    if (code != FA_EXIT_OK) {
        return code;
    }
    fa_render_silence_preview(&client->talk, answer.json, client->world->now);
    fa_answer_done(&answer);
    if (!client->interactive) {
        return complain(client, "nobody is there to be asked: look at this, then add --yes");
    }
    return fa_ask_yes(client, "Silence it?", ret_yes) == 0 ? FA_EXIT_OK : FA_EXIT_STOPPED;
}

static int run_add(struct fa_client *client, const struct fa_args *args)
{
    struct fa_answer answer;
    bool yes = fa_args_has(args, "yes");
    json_t *request = make_request(client, args);
    if (request == NULL) {
        return FA_EXIT_USAGE;
    }
    int code = yes ? FA_EXIT_OK : ask_first(client, request, &yes);
    if (code != FA_EXIT_OK || !yes) {
        json_decref(request);
        if (code == FA_EXIT_OK) {
            fa_say(&client->talk, "Nothing was changed.\n");
        }
        return code;
    }
    code = fa_api_ask(client, "/v1/silences", request, &answer);
    if (code == FA_EXIT_OK) {
        if (!fa_api_printed(client, &answer)) {
            fa_render_silence_set(&client->out, answer.json);
        }
        fa_answer_done(&answer);
    }
    return code;
}

static int run_list(struct fa_client *client, const struct fa_args *args)
{
    struct fa_answer answer;
    int code = fa_api_ask(client, "/v1/silences", NULL, &answer);
    if (code == FA_EXIT_OK) {
        if (!fa_api_printed(client, &answer)) {
            fa_render_silences(&client->out, answer.json);
        }
        fa_answer_done(&answer);
    }
    return code;
}

static int run_end(struct fa_client *client, const struct fa_args *args)
{
    struct fa_answer answer;
    struct fa_buf path;
    int code = FA_EXIT_USAGE;
    fa_buf_init(&path, 512);
    if (fa_id_path(client, "silences", args->rest[0], "/end", &path)) {
        code = fa_api_ask(client, fa_buf_text(&path), json_object(), &answer);
    }
    fa_buf_done(&path);
    if (code == FA_EXIT_OK) {
        if (!fa_api_printed(client, &answer)) {
            fa_say(&client->out, "It is over. What still holds is told now.\n");
        }
        fa_answer_done(&answer);
    }
    return code;
}

const struct fa_cmd fa_cmd_silence_add = {
    .name = "silence add",
    .usage = "",
    .summary = "keep alarms from telling anybody for a while",
    .about = "Shows what it hides now and what it would have hidden in the last 30 days, and asks. "
             "A silenced alarm is raised and recorded, and tells nobody; when the silence ends and "
             "it still holds, it is told at once. You, those who had been told, and of an alarm "
             "that has climbed the level above hear of its beginning and end.\n\n"
             "You may silence what you are to be told of; an operator whatever a rule raises. What "
             "people file is never silenced, nor are categories that are unsilenceable. What comes "
             "back every week is a maintenance window: see firealarm.cfg(5).",
    .options = add_options,
    .option_count = FA_COUNT(add_options),
    .examples = add_examples,
    .example_count = FA_COUNT(add_examples),
    .run = run_add,
};
const struct fa_cmd fa_cmd_silence_list = {
    .name = "silence list",
    .usage = "",
    .summary = "list what is silenced, by whom, why and until when",
    .about = "HIDES counts the open alarms that you may see. Those of maintenance windows are "
             "there while the window is open.",
    .examples = list_examples,
    .example_count = FA_COUNT(list_examples),
    .run = run_list,
};
const struct fa_cmd fa_cmd_silence_end = {
    .name = "silence end",
    .usage = "ID",
    .args_min = 1,
    .args_max = 1,
    .summary = "end a silence before its time",
    .about = "ID is the silence's id in 'firealarm silence list', or its beginning. What it hid "
             "and still holds is told at once. A maintenance window that is ended so begins again "
             "when it opens the next time.",
    .examples = end_examples,
    .example_count = FA_COUNT(end_examples),
    .run = run_end,
};
