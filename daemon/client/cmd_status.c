/* SPDX-License-Identifier: MIT */
/* `firealarm status`: what became of a filing, for the holder of its receipt. The receipt is a
 * secret, so the command asks for it rather than wanting it as an argument; that works, too. */
#include "client/commands.h"

#include "client/api.h"
#include "client/ask.h"
#include "client/filing.h"
#include "client/render.h"

#include <stdlib.h>
#include <string.h>

#define KEPT_SHOWN 20

static const struct fa_opt options[] = {
    {.name = "comment",
     .help = "Add a word of yours; it is asked for, or read from standard "
             "input."},
    {.name = "text-file",
     .value = "FILE",
     .file = true,
     .help = "Read the word of --comment from FILE."},
    {.name = "done",
     .help = "Close it: it is settled. Works for what is yours to solve or to help "
             "resolve; an alarm is closed by those who were told."},
};

static const struct fa_example examples[] = {
    {"firealarm status", "It asks for the receipt, so that it is in no shell's history."},
    {"firealarm status --comment", "Tell those who read it what has changed."},
};

/* In any case, with hyphens or nothing between. */
static bool is_receipt(const char *text)
{
    size_t len = strspn(text, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-");
    return len >= 16 && len <= 120 && text[len] == '\0';
}

/* One of the kept receipts, by its number, or one that is typed. */
static int ask_receipt(struct fa_client *client, struct fa_buf *receipt)
{
    char *kept[KEPT_SHOWN];
    uint64_t number = 0;
    size_t count = fa_receipt_list(&client->spool, kept, KEPT_SHOWN);
    if (count > 0) {
        fa_say(&client->talk, "Receipts kept here:\n");
    }
    for (size_t i = 0; i < count; i++) {
        fa_say(&client->talk, "  %2zu  ", i + 1);
        fa_put(&client->talk, FA_PLAIN, kept[i]);
        fa_say(&client->talk, "\n");
    }
    int rc = fa_ask_line(client, count > 0 ? "Receipt, or its number: " : "Receipt: ", receipt);
    if (rc == 0 && fa_parse_u64(fa_buf_str(receipt), &number) == 0 && number >= 1 &&
        number <= count) {
        fa_buf_clear(receipt);
        fa_buf_puts(receipt, kept[number - 1]);
    }
    for (size_t i = 0; i < count; i++) {
        free(kept[i]);
    }
    return rc == 0 ? FA_EXIT_OK : FA_EXIT_STOPPED;
}

/* From the argument, the person, or the first line of standard input. */
static int take_receipt(struct fa_client *client, const struct fa_args *args,
                        struct fa_buf *receipt)
{
    struct fa_err err;
    int code = FA_EXIT_OK;
    if (args->rest_count > 0) { /* one word, or typed with blanks */
        for (size_t i = 0; i < args->rest_count; i++) {
            fa_buf_printf(receipt, "%s%s", i > 0 ? "-" : "", args->rest[i]);
        }
    } else if (client->interactive) {
        code = ask_receipt(client, receipt);
    } else if (fa_ask_line(client, "", receipt) != 0) {
        fa_err_set(&err, FA_EINVAL, "give the receipt as the first line of standard input");
        return fa_complain(client, FA_EXIT_USAGE, &err);
    }
    fa_buf_cut(receipt, fa_str_typed(fa_buf_str(receipt), receipt->data));
    if (code == FA_EXIT_OK && !is_receipt(fa_buf_text(receipt))) {
        fa_err_set(&err, FA_EINVAL,
                   "that is no receipt: it looks like 7K2Q-M9XA-3DTR-WZ5E-8GTR-02NC-X7QM-5BHD");
        return fa_complain(client, FA_EXIT_USAGE, &err);
    }
    return code;
}

static int add_comment(struct fa_client *client, const struct fa_args *args, json_t *request)
{
    struct fa_buf text;
    struct fa_err err;
    if (!fa_args_has(args, "comment")) {
        return FA_EXIT_OK;
    }
    if (!client->interactive && args->rest_count == 0 && !fa_args_has(args, "text-file")) {
        fa_err_set(&err, FA_EINVAL,
                   "standard input holds the receipt, so give the word of "
                   "--comment with --text-file");
        return fa_complain(client, FA_EXIT_USAGE, &err);
    }
    fa_buf_init(&text, 2 * FA_TEXT_MAX);
    int code =
        fa_take_text(client, fa_args_get(args, "text-file"), "What do you want to add?", &text);
    if (code == FA_EXIT_OK) {
        json_object_set_new(request, "comment", json_stringn(fa_buf_text(&text), text.len));
    }
    fa_buf_done(&text);
    return code;
}

static int run(struct fa_client *client, const struct fa_args *args)
{
    struct fa_buf receipt;
    struct fa_answer answer;
    json_t *request = json_object();
    fa_buf_init(&receipt, 256);
    int code = take_receipt(client, args, &receipt);
    code = code != FA_EXIT_OK ? code : add_comment(client, args, request);
    if (code == FA_EXIT_OK) {
        json_object_set_new(request, "receipt", json_stringn(fa_buf_text(&receipt), receipt.len));
        if (fa_args_has(args, "done")) {
            json_object_set_new(request, "done", json_true());
        }
        code = fa_api_ask(client, "/v1/status", json_incref(request), &answer);
        if (code == FA_EXIT_OK) {
            if (!fa_api_printed(client, &answer)) {
                fa_render_status(&client->out, answer.json);
            }
            fa_answer_done(&answer);
        }
    }
    json_decref(request);
    fa_buf_done(&receipt);
    return code;
}

const struct fa_cmd fa_cmd_status = {
    .name = "status",
    .usage = "[RECEIPT]",
    .args_max = 8,
    .summary = "see what became of what you filed",
    .about = "Shows when it was filed, whether somebody has taken it, how many were told, and "
             "what happened since. The receipt is a secret: leave it away and the command asks "
             "for it (or reads the first line of standard input), so that it stays out of the "
             "shell's history and the list of processes.",
    .options = options,
    .option_count = FA_COUNT(options),
    .examples = examples,
    .example_count = FA_COUNT(examples),
    .run = run,
};
