/* SPDX-License-Identifier: MIT */
/* `firealarm drill`: begins a drill after its operator saw whom it tells, shows what happens until
 * it is over, and says how the last one of each policy went. The drill is the daemon's: it goes on
 * whether or not somebody watches. */
#include "client/commands.h"

#include "client/api.h"
#include "client/ask.h"
#include "client/screen.h"
#include "client/when.h"
#include "text/reader.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#define LOOK_MS 1000
/* Looks in vain, one after the other, before it is given up: a daemon is restarted in less. */
#define LOOKS_MAX 60

static const struct fa_opt options[] = {
    {.name = "within",
     .value = "TIME",
     .help = "Until when somebody must answer, e.g. 10m; else the wait of the policy's first "
             "step."},
    {.name = "now", .help = "Also in people's quiet hours; else there is no drill then."},
    {.name = "preview", .help = "Only say whom it would tell now."},
    {.name = "yes", .help = "Begin it without asking."},
    {.name = "no-wait", .help = "Do not wait for its end. With --json that is always so."},
};

static const struct fa_example examples[] = {
    {"firealarm drill senior-leadership",
     "Says whom it would tell, asks, and waits for an answer."},
    {"firealarm drill operators --within 10m --yes --no-wait", "From a timer; nobody is asked."},
    {"firealarm drill", "How the last drill of each policy went."},
};

static int complain(struct fa_client *client, int code, const char *text)
{
    struct fa_err err;
    fa_err_set(&err, FA_EINVAL, "%s", text);
    return fa_complain(client, code, &err);
}

static const char *or_dash(const char *text)
{
    return text != NULL ? text : "-";
}

/* ---- the last ones ---- */

static void add_row(struct fa_table *table, const json_t *drill)
{
    const char *state = or_dash(fa_member_text(drill, "state"));
    const char *began = fa_member_text(drill, "began");
    bool passed = strcmp(state, "passed") == 0, failed = strcmp(state, "failed") == 0;
    char when[FA_WHEN_SIZE], length[40];
    fa_table_add(table, FA_PLAIN, or_dash(fa_member_text(drill, "policy")));
    fa_table_add(table, passed ? FA_GREEN : failed ? FA_RED : FA_YELLOW, state);
    fa_table_add(table, FA_PLAIN, began != NULL ? fa_when_show(began, when) : "-");
    fa_table_add(table, FA_PLAIN, or_dash(fa_member_text(drill, "by")));
    fa_table_add(table, FA_PLAIN, or_dash(fa_member_text(drill, "display")));
    fa_table_add(table, FA_PLAIN,
                 passed ? fa_reader_duration(NULL, fa_member_int(drill, "answer_ms"), length)
                        : "-");
}

static void render_list(struct fa_screen *screen, const json_t *answer)
{
    struct fa_table table = {.titles = {"POLICY", "STATE", "BEGAN", "BY", "ANSWERED", "AFTER"},
                             .columns = 6};
    const json_t *list = json_object_get(answer, "drills"), *drill;
    size_t i;
    json_array_foreach(list, i, drill)
    {
        add_row(&table, drill);
    }
    if (table.count == 0) {
        fa_say(screen, "There was no drill yet: 'firealarm drill POLICY' begins one.\n");
    } else {
        fa_table_print(screen, &table);
    }
    fa_table_done(&table);
}

static int run_list(struct fa_client *client)
{
    struct fa_answer answer;
    int code = fa_api_ask(client, "/v1/drills", NULL, &answer);
    if (code == FA_EXIT_OK) {
        if (!fa_api_printed(client, &answer)) {
            render_list(&client->out, answer.json);
        }
        fa_answer_done(&answer);
    }
    return code;
}

/* ---- whom it would tell ---- */

static void put_target(struct fa_screen *screen, const json_t *target)
{
    const char *channel = fa_member_text(target, "channel"), *quiet;
    char when[FA_WHEN_SIZE];
    fa_say(screen, "  ");
    fa_put(screen, FA_BOLD, or_dash(fa_member_text(target, "display")));
    if (channel != NULL) {
        fa_say(screen, ", over ");
        fa_put(screen, FA_PLAIN, channel);
    } else {
        fa_put(screen, FA_RED, ", over no channel: they cannot be told");
    }
    quiet = fa_member_text(target, "quiet");
    if (quiet != NULL) {
        fa_say(screen, " (quiet hours until %s)", fa_when_show(quiet, when));
    }
    fa_say(screen, "\n");
}

static void render_preview(struct fa_screen *screen, const json_t *preview)
{
    const json_t *people = json_object_get(preview, "people"), *one;
    const char *opens = fa_member_text(preview, "opens");
    char when[FA_WHEN_SIZE];
    size_t i;
    fa_say(screen, "A drill of ");
    fa_put(screen, FA_BOLD, or_dash(fa_member_text(preview, "policy")));
    fa_say(screen, " would tell now, by step %lld:\n", (long long)fa_member_int(preview, "step"));
    json_array_foreach(people, i, one)
    {
        put_target(screen, one);
    }
    if (opens != NULL) {
        fa_say(screen, "That step is told to nobody before %s.\n", fa_when_show(opens, when));
    }
    char text[200];
    snprintf(text, sizeof text,
             "It fails when nobody acknowledges it within %.60s; then those one step above get an "
             "alarm.",
             or_dash(fa_member_text(preview, "within")));
    fa_put_wrapped(screen, 0, NULL, text);
}

/* FA_EXIT_OK and *ret_yes: shown, and answered. */
static int ask_first(struct fa_client *client, const json_t *request, bool only, bool *ret_yes)
{
    struct fa_answer answer;
    int code = fa_api_ask(client, "/v1/drills/preview", json_deep_copy(request), &answer);
    *ret_yes = false;
    if (code != FA_EXIT_OK) {
        return code;
    }
    if (only && fa_api_printed(client, &answer)) {
        fa_answer_done(&answer);
        return code;
    }
    render_preview(only ? &client->out : &client->talk, answer.json);
    fa_answer_done(&answer);
    if (only) {
        return code;
    }
    if (!client->interactive) {
        return complain(client, FA_EXIT_USAGE,
                        "nobody is there to be asked: look at this, then add --yes");
    }
    return fa_ask_yes(client, "Begin it?", ret_yes) == 0 ? FA_EXIT_OK : FA_EXIT_STOPPED;
}

/* ---- what happens ---- */

struct watch {
    struct fa_client *client;
    char policy[256], path[64]; /* of its alarm */
    size_t told;                /* that were shown */
    unsigned in_vain;
};

static void show_told(struct watch *watch, const json_t *alarm)
{
    const json_t *told = json_object_get(alarm, "told");
    struct fa_screen *screen = &watch->client->out;
    for (; watch->told < json_array_size(told); watch->told++) {
        const json_t *one = json_array_get(told, watch->told);
        const char *time = fa_member_text(one, "time");
        char when[FA_WHEN_SIZE];
        fa_say(screen, "%s  told ", time != NULL ? fa_when_show(time, when) : "-");
        fa_put(screen, FA_PLAIN, or_dash(fa_member_text(one, "display")));
        fa_say(screen, " over ");
        fa_put(screen, FA_PLAIN, or_dash(fa_member_text(one, "channel")));
        fa_say(screen, "\n");
    }
    fflush(screen->file);
}

/* The exit code. */
static int show_end(struct watch *watch)
{
    struct fa_client *client = watch->client;
    struct fa_answer answer;
    const json_t *drill;
    size_t i;
    int code = fa_api_ask(client, "/v1/drills", NULL, &answer);
    if (code != FA_EXIT_OK) {
        return code;
    }
    code = FA_EXIT_FAILED;
    json_array_foreach(json_object_get(answer.json, "drills"), i, drill)
    {
        char length[40];
        const char *policy = fa_member_text(drill, "policy");
        if (policy == NULL || strcmp(policy, watch->policy) != 0) {
            continue;
        }
        const char *state = or_dash(fa_member_text(drill, "state"));
        if (strcmp(state, "passed") == 0) {
            code = FA_EXIT_OK;
            fa_put(&client->out, FA_GREEN, "Passed");
            fa_say(&client->out, ": ");
            fa_put(&client->out, FA_BOLD, or_dash(fa_member_text(drill, "display")));
            fa_say(&client->out, " answered after %s.\n",
                   fa_reader_duration(NULL, fa_member_int(drill, "answer_ms"), length));
        } else {
            fa_put(&client->out, FA_RED, "Failed");
            fa_say(&client->out, ": nobody answered in time. Those one step above have an "
                                 "alarm.\n");
        }
    }
    fa_answer_done(&answer);
    return code;
}

/* -1: it goes on; else the exit code. */
static int look(struct watch *watch)
{
    struct fa_answer answer;
    struct fa_client *client = watch->client;
    int code = -1;
    fa_api_call(&client->settings, watch->path, NULL, &answer);
    bool silent = answer.kind == FA_ANSWER_UNREACHABLE || answer.kind == FA_ANSWER_LATER;
    watch->in_vain = silent ? watch->in_vain + 1 : 0;
    if (answer.kind == FA_ANSWER_OK) {
        const char *state = fa_member_text(answer.json, "state");
        show_told(watch, answer.json);
        code = state != NULL && strcmp(state, "resolved") == 0 ? show_end(watch) : -1;
    } else if (answer.kind == FA_ANSWER_STOPPED) {
        code = FA_EXIT_STOPPED;
    } else if (!silent || watch->in_vain > LOOKS_MAX) {
        code = complain(client, fa_answer_exit(answer.kind), fa_buf_text(&answer.message));
    }
    fa_answer_done(&answer);
    return code;
}

static int watch_drill(struct fa_client *client, const json_t *drill)
{
    struct watch watch = {.client = client};
    snprintf(watch.policy, sizeof watch.policy, "%s", or_dash(fa_member_text(drill, "policy")));
    snprintf(watch.path, sizeof watch.path, "/v1/alarms/%s",
             or_dash(fa_member_text(drill, "alarm")));
    int code;
    while ((code = look(&watch)) < 0) {
        if (poll(NULL, 0, LOOK_MS) < 0 && errno == EINTR) {
            code = FA_EXIT_STOPPED;
            break;
        }
    }
    if (code == FA_EXIT_STOPPED) {
        fa_say(&client->talk, "The drill goes on; 'firealarm drill' says how it went.\n");
    }
    return code;
}

static int begin(struct fa_client *client, const struct fa_args *args, json_t *request)
{
    struct fa_answer answer;
    char until[FA_WHEN_SIZE];
    int code = fa_api_ask(client, "/v1/drills", request, &answer);
    if (code != FA_EXIT_OK) {
        return code;
    }
    if (!fa_api_printed(client, &answer)) {
        const char *time = fa_member_text(answer.json, "until");
        fa_say(&client->out, "The drill is under way, until %s at the latest.\n",
               time != NULL ? fa_when_show(time, until) : "?");
        code = fa_args_has(args, "no-wait") ? FA_EXIT_OK : watch_drill(client, answer.json);
    }
    fa_answer_done(&answer);
    return code;
}

static int run(struct fa_client *client, const struct fa_args *args)
{
    const char *within = fa_args_get(args, "within");
    bool only = fa_args_has(args, "preview"), yes = fa_args_has(args, "yes") && !only;
    if (args->rest_count == 0 && (within != NULL || only || yes)) {
        return complain(client, FA_EXIT_USAGE, "say which policy: firealarm drill POLICY");
    }
    if (args->rest_count == 0) {
        return run_list(client);
    }
    json_t *request =
        json_pack("{s:s, s:b}", "policy", args->rest[0], "now", fa_args_has(args, "now"));
    if (request == NULL ||
        (within != NULL && json_object_set_new(request, "within", json_string(within)) != 0)) {
        json_decref(request);
        return complain(client, FA_EXIT_USAGE, "what was given is not UTF-8");
    }
    int code = yes ? FA_EXIT_OK : ask_first(client, request, only, &yes);
    if (code == FA_EXIT_OK && yes) {
        return begin(client, args, request);
    }
    json_decref(request);
    if (code == FA_EXIT_OK && !only) {
        fa_say(&client->talk, "Nothing was sent.\n");
    }
    return code;
}

const struct fa_cmd fa_cmd_drill = {
    .name = "drill",
    .usage = "[POLICY]",
    .args_max = 1,
    .summary = "send a marked test through a policy, and see who answers",
    .about = "For operators. The first step of the policy is told as by an alarm, over their true "
             "channels, in messages that begin with DRILL. Whoever acknowledges it first, as they "
             "would an alarm, ends it, and the time that took is kept. When nobody does in time "
             "the drill has failed: those one step above get an alarm, a true one, that says who "
             "did not answer, and this command ends with 1. A drill counts in no statistics, is "
             "hidden by no silence, and is not begun while somebody whom it would tell has quiet "
             "hours. One drill of a policy runs at a time. Without POLICY: how the last drill of "
             "each policy went.",
    .options = options,
    .option_count = FA_COUNT(options),
    .examples = examples,
    .example_count = FA_COUNT(examples),
    .run = run,
};
