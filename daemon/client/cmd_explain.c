/* SPDX-License-Identifier: MIT */
/* `firealarm explain`: why an alarm fired and who was told, or why a rule does not fire. What is
 * named is the rule of exactly that name if there is one, else the alarm whose id begins so. */
#include "client/commands.h"

#include "client/api.h"
#include "client/render.h"

#include <string.h>

static const struct fa_example examples[] = {
    {"firealarm explain 7K2Q", "Why this alarm fired, who was told when over what, and who not."},
    {"firealarm explain support-queue-slow", "What the rule says now, and why it does not fire."},
};

/* Sixteen symbols, as an alarm's id is written in full. */
static bool is_whole_id(const char *text)
{
    size_t symbols = 0;
    for (const char *at = text; *at != '\0'; at++) {
        symbols += *at != '-';
    }
    return symbols == 16 && strspn(text, "0123456789ABCDEFGHJKMNPQRSTVWXYZ-") == strlen(text);
}

/* An id, as far as its letters go: fa_id_path() would complain of others. */
static bool may_be_id(const char *text)
{
    static const char symbols[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    size_t count = 0;
    for (const char *at = text; *at != '\0'; at++) {
        if (*at != '-' && strchr(symbols, *at) == NULL) {
            return false;
        }
        count += *at != '-';
    }
    return count >= 4 && count <= 16;
}

static void put_escaped(struct fa_buf *path, const char *text)
{
    for (const char *at = text; *at != '\0'; at++) {
        bool plain = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') ||
                     (*at >= '0' && *at <= '9') || strchr("-._~", *at) != NULL;
        if (plain) {
            fa_buf_putc(path, *at);
        } else {
            fa_buf_printf(path, "%%%02X", (unsigned)(unsigned char)*at);
        }
    }
}

static int explain_rule(struct fa_client *client, const struct fa_answer *answer)
{
    if (!fa_api_printed(client, answer)) {
        fa_render_rule(&client->out, answer->json);
    }
    return FA_EXIT_OK;
}

static int explain_alarm(struct fa_client *client, const char *id)
{
    struct fa_answer answer;
    struct fa_buf path;
    int code = FA_EXIT_USAGE;
    fa_buf_init(&path, 512);
    if (fa_id_path(client, "alarms", id, "/explain", &path)) {
        code = fa_api_ask(client, fa_buf_text(&path), NULL, &answer);
    }
    fa_buf_done(&path);
    if (code == FA_EXIT_OK) {
        if (!fa_api_printed(client, &answer)) {
            fa_render_explain(&client->out, answer.json);
        }
        fa_answer_done(&answer);
    }
    return code;
}

static int run(struct fa_client *client, const struct fa_args *args)
{
    const char *name = args->rest[0];
    struct fa_answer answer;
    struct fa_buf path;
    if (is_whole_id(name)) {
        return explain_alarm(client, name);
    }
    fa_buf_init(&path, 4096);
    fa_buf_puts(&path, "/v1/rules/");
    put_escaped(&path, name);
    fa_api_call(&client->settings, fa_buf_text(&path), NULL, &answer);
    fa_buf_done(&path);
    int code = fa_answer_exit(answer.kind);
    if (answer.kind == FA_ANSWER_OK) {
        code = explain_rule(client, &answer);
    } else if (answer.kind == FA_ANSWER_NOT_FOUND && may_be_id(name)) {
        code = explain_alarm(client, name);
    }
    if (code != FA_EXIT_OK) { /* also where an alarm was looked for in vain: with a near rule */
        fa_put_wrapped(&client->talk, 0, NULL, fa_buf_text(&answer.message));
    }
    fa_answer_done(&answer);
    return code;
}

const struct fa_cmd fa_cmd_explain = {
    .name = "explain",
    .usage = "ALARM|RULE",
    .args_min = 1,
    .args_max = 1,
    .summary = "say why an alarm fired, or why a rule does not",
    .about = "Of an alarm: what was decided and when, with the numbers it was decided on, each try "
             "to tell somebody with the receiver's answer, and who was not told and why. It is "
             "answered from what was kept at the time: the rule may be gone by now.\n\n"
             "Of a rule: what it says of each label set now, and its last twenty changes.\n\n"
             "Who may read the alarm may have it explained; nobody is named whom it keeps out.",
    .examples = examples,
    .example_count = FA_COUNT(examples),
    .run = run,
};
