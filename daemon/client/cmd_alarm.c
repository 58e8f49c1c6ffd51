/* SPDX-License-Identifier: MIT */
/* `firealarm ack`, `resolve`, `comment` and `recuse`: what those who were told do with an alarm. */
#include "client/commands.h"

#include "client/api.h"
#include "client/ask.h"
#include "client/filing.h"
#include "client/when.h"

#include <string.h>

static const struct fa_opt ack_options[] = {
    {.name = "for",
     .value = "TIME",
     .help = "How long until you say more, e.g. 1h or 2d; what the "
             "policy says if you leave it away."},
    {.name = "note", .help = "Add a word; it is asked for, or read from standard input."},
    {.name = "text-file", .value = "FILE", .file = true, .help = "Read that word from FILE."},
};
static const struct fa_opt text_options[] = {
    {.name = "text-file",
     .value = "FILE",
     .file = true,
     .help = "Read the text from FILE instead of asking or reading standard input."},
};

static const struct fa_opt recuse_options[] = {
    {.name = "about",
     .value = "PERSON",
     .help = "It is about this person: they are kept out of it, with everybody who is too near."},
};

static const struct fa_example ack_examples[] = {
    {"firealarm ack 7K2Q", "It is yours now, and nobody else is called."},
    {"firealarm ack 7K2Q --for 2h --note", "You will say more within two hours."},
};
static const struct fa_example resolve_examples[] = {
    {"firealarm resolve 7K2Q", "It asks what was done, and closes the alarm."},
};
static const struct fa_example comment_examples[] = {
    {"firealarm comment 7K2Q", "Say how it stands."},
    {"echo 'Plumber is on the way' | firealarm comment 7K2Q", "The same from a script."},
};

static const struct fa_example recuse_examples[] = {
    {"firealarm recuse 7K2Q", "You are too near to it: you hear no more of it."},
    {"firealarm recuse 7K2Q --about frank", "It is about Frank, as you find out now."},
};

/* Posts and prints. request is taken. */
static int act(struct fa_client *client, const struct fa_args *args, const char *verb,
               json_t *request, struct fa_answer *ret_answer)
{
    struct fa_buf path;
    int code = FA_EXIT_USAGE;
    fa_buf_init(&path, 512);
    if (fa_id_path(client, "alarms", args->rest[0], verb, &path)) {
        code = fa_api_ask(client, fa_buf_text(&path), json_incref(request), ret_answer);
    }
    json_decref(request);
    fa_buf_done(&path);
    return code;
}

/* Adds a text under `member`. */
static int add_text(struct fa_client *client, const struct fa_args *args, const char *question,
                    json_t *request, const char *member)
{
    struct fa_buf text;
    fa_buf_init(&text, 2 * FA_TEXT_MAX);
    int code = fa_take_text(client, fa_args_get(args, "text-file"), question, &text);
    if (code == FA_EXIT_OK) {
        json_object_set_new(request, member, json_stringn(fa_buf_text(&text), text.len));
    }
    fa_buf_done(&text);
    return code;
}

static void print_owned(struct fa_client *client, const json_t *answer)
{
    char buf[FA_WHEN_SIZE];
    const char *state = fa_member_text(answer, "state");
    if (state != NULL && strcmp(state, "resolved") == 0) {
        fa_put(&client->out, FA_GREEN, "Closed");
        fa_say(&client->out, fa_member_is(answer, "calm")
                                 ? ": it is calm now. Nobody is called, and nothing is promised.\n"
                                 : ": you answered, and the drill is over.\n");
        return;
    }
    const char *owner = fa_member_text(answer, "owner");
    const char *promised = fa_member_text(answer, "promised");
    fa_put(&client->out, FA_GREEN, owner != NULL ? owner : "You");
    fa_say(&client->out, owner != NULL ? " owns it" : " own it");
    if (promised != NULL) {
        fa_say(&client->out, " until %s; without a word by then it climbs on",
               fa_when_show(promised, buf));
    }
    fa_say(&client->out, ".\n");
}

static int run_ack(struct fa_client *client, const struct fa_args *args)
{
    struct fa_answer answer;
    struct fa_err err;
    fa_time length = 0;
    const char *time = fa_args_get(args, "for");
    if (time != NULL && (fa_parse_duration(fa_str_of(time), &length) != 0 || length < FA_MINUTE)) {
        fa_err_set(&err, FA_EINVAL,
                   "--for is a length of time such as 30m, 2h or 1d12h, a minute at least");
        return fa_complain(client, FA_EXIT_USAGE, &err);
    }
    json_t *request = json_pack("{s:s?}", "for", time);
    int code = fa_args_has(args, "note") || fa_args_has(args, "text-file")
                   ? add_text(client, args, "What do you want to tell the others?", request, "note")
                   : FA_EXIT_OK;
    if (code != FA_EXIT_OK) {
        json_decref(request);
        return code;
    }
    code = act(client, args, "/ack", request, &answer);
    if (code == FA_EXIT_OK) {
        if (!fa_api_printed(client, &answer)) {
            print_owned(client, answer.json);
        }
        fa_answer_done(&answer);
    }
    return code;
}

/* resolve and comment: a text, a word when it is done. */
static int say(struct fa_client *client, const struct fa_args *args, const char *question,
               const char *member, const char *verb)
{
    struct fa_answer answer;
    json_t *request = json_object();
    int code = add_text(client, args, question, request, member);
    if (code != FA_EXIT_OK) {
        json_decref(request);
        return code;
    }
    code = act(client, args, verb, request, &answer);
    if (code == FA_EXIT_OK) {
        if (!fa_api_printed(client, &answer)) {
            const char *state = fa_member_text(answer.json, "state");
            fa_say(&client->out, "Done");
            if (state != NULL) {
                fa_say(&client->out, ": it is ");
                fa_put(&client->out, FA_GREEN, state);
            }
            fa_say(&client->out, ".\n");
        }
        fa_answer_done(&answer);
    }
    return code;
}

static int run_resolve(struct fa_client *client, const struct fa_args *args)
{
    return say(client, args, "What was done about it?", "note", "/resolve");
}

static int run_comment(struct fa_client *client, const struct fa_args *args)
{
    return say(client, args, "What do you want to say?", "text", "/comment");
}

static int run_recuse(struct fa_client *client, const struct fa_args *args)
{
    struct fa_answer answer;
    const char *about = fa_args_get(args, "about");
    bool yes = true;
    if (client->interactive &&
        (fa_ask_yes(client, "There is no way back. Go on?", &yes) != 0 || !yes)) {
        return FA_EXIT_STOPPED;
    }
    int code = act(client, args, "/recuse", json_pack("{s:s?}", "about", about), &answer);
    if (code == FA_EXIT_OK) {
        if (!fa_api_printed(client, &answer)) {
            fa_say(&client->out, "%s hear%s no more of it.\n", about != NULL ? about : "You",
                   about != NULL ? "s" : "");
        }
        fa_answer_done(&answer);
    }
    return code;
}

const struct fa_cmd fa_cmd_ack = {
    .name = "ack",
    .usage = "ALARM",
    .args_min = 1,
    .args_max = 1,
    .summary = "own an alarm",
    .about = "From now on it is yours, and nobody further up is called, until the time you gave is "
             "over. Say more before then, or it climbs on. An alarm that is calm at that moment is "
             "closed by it, and the answer says so.",
    .options = ack_options,
    .option_count = FA_COUNT(ack_options),
    .examples = ack_examples,
    .example_count = FA_COUNT(ack_examples),
    .run = run_ack,
};
const struct fa_cmd fa_cmd_resolve = {
    .name = "resolve",
    .usage = "ALARM",
    .args_min = 1,
    .args_max = 1,
    .summary = "close an alarm, and say what was done",
    .about = "Asks what was done about it (or reads standard input), and closes the alarm. Those "
             "who were told hear of it.",
    .options = text_options,
    .option_count = FA_COUNT(text_options),
    .examples = resolve_examples,
    .example_count = FA_COUNT(resolve_examples),
    .run = run_resolve,
};
const struct fa_cmd fa_cmd_comment = {
    .name = "comment",
    .usage = "ALARM",
    .args_min = 1,
    .args_max = 1,
    .summary = "add a word to an alarm",
    .about = "Asks for the word, or reads it from standard input.",
    .options = text_options,
    .option_count = FA_COUNT(text_options),
    .examples = comment_examples,
    .example_count = FA_COUNT(comment_examples),
    .run = run_comment,
};
const struct fa_cmd fa_cmd_recuse = {
    .name = "recuse",
    .usage = "ALARM",
    .args_min = 1,
    .args_max = 1,
    .summary = "step out of an alarm that is about you or a friend",
    .about = "From now on you are told nothing more of the alarm and do not see it, and it climbs "
             "on without you; a step that is emptied goes to the independent contacts. There is no "
             "way back.",
    .options = recuse_options,
    .option_count = FA_COUNT(recuse_options),
    .examples = recuse_examples,
    .example_count = FA_COUNT(recuse_examples),
    .run = run_recuse,
};
