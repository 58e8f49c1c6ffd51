/* SPDX-License-Identifier: MIT */
/* `firealarm spool ...`: a person's own filings that the daemon has not confirmed. What they say is
 * not shown: somebody may be looking over the shoulder. */
#include "client/commands.h"

#include "client/ask.h"
#include "client/send.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int complain_no_key(struct fa_client *client, const char *why)
{
    struct fa_err err;
    fa_err_set(&err, FA_EINVAL, "%s; 'firealarm spool list' shows what is kept", why);
    return fa_complain(client, FA_EXIT_FAILED, &err);
}

/* By an unmistakable beginning of its key. */
static int find_entry(struct fa_client *client, const char *word, struct fa_spool_entry *ret_entry)
{
    struct fa_spool_list list;
    struct fa_err err;
    size_t found = 0;
    if (fa_spool_list(&client->spool, &list, &err) != 0) {
        return fa_complain(client, FA_EXIT_IO, &err);
    }
    for (size_t i = 0; word[0] != '\0' && i < list.count; i++) {
        if (strncasecmp(list.entries[i].key, word, strlen(word)) == 0) {
            *ret_entry = list.entries[i];
            found++;
        }
    }
    fa_spool_list_done(&list);
    if (found == 1) {
        return FA_EXIT_OK;
    }
    return complain_no_key(client, found == 0 ? "there is no such filing here"
                                              : "several filings begin like that");
}

static int run_list(struct fa_client *client, const struct fa_args *args)
{
    struct fa_spool_list list;
    struct fa_err err;
    if (fa_spool_list(&client->spool, &list, &err) != 0) {
        return fa_complain(client, FA_EXIT_IO, &err);
    }
    if (list.count == 0 && !client->json) {
        fa_say(&client->out, "Nothing waits here.\n");
    }
    json_t *all = json_array();
    for (size_t i = 0; i < list.count; i++) {
        const char *state = list.entries[i].kind == FA_SPOOL_WAITING ? "waiting" : "refused";
        char *path = fa_spool_path(&client->spool, &list.entries[i]);
        if (client->json) {
            json_array_append_new(all, json_pack("{s:s,s:s,s:s}", "key", list.entries[i].key,
                                                 "state", state, "file", path));
        } else {
            fa_say(&client->out, "%.8s  %s  ", list.entries[i].key, state);
            fa_put(&client->out, FA_DIM, path);
            fa_say(&client->out, "\n");
        }
        free(path);
    }
    if (client->json) {
        char *text = json_dumps(all, JSON_INDENT(2));
        fa_say(&client->out, "%s\n", text != NULL ? text : "[]");
        free(text);
    }
    json_decref(all);
    fa_spool_list_done(&list);
    return FA_EXIT_OK;
}

static int run_send(struct fa_client *client, const struct fa_args *args)
{
    return fa_send_waiting(client);
}

static int run_retry(struct fa_client *client, const struct fa_args *args)
{
    struct fa_spool_entry entry;
    struct fa_err err;
    int code = find_entry(client, args->rest[0], &entry);
    if (code != FA_EXIT_OK) {
        return code;
    }
    if (entry.kind == FA_SPOOL_REFUSED &&
        fa_spool_move(&client->spool, &entry, FA_SPOOL_WAITING, &err) != 0) {
        return fa_complain(client, FA_EXIT_IO, &err);
    }
    return fa_send_waiting(client);
}

static int run_drop(struct fa_client *client, const struct fa_args *args)
{
    struct fa_spool_entry entry;
    struct fa_err err;
    bool yes = true;
    int code = find_entry(client, args->rest[0], &entry);
    if (code != FA_EXIT_OK) {
        return code;
    }
    if (client->interactive &&
        fa_ask_yes(client, "Throw this filing away? It was never received.", &yes) != 0) {
        yes = false;
    }
    if (!yes) {
        fa_say(&client->talk, "It is still there.\n");
        return FA_EXIT_STOPPED;
    }
    return fa_spool_remove(&client->spool, &entry, &err) != 0
               ? fa_complain(client, FA_EXIT_IO, &err)
               : FA_EXIT_OK;
}

static const struct fa_example list_examples[] = {
    {"firealarm spool list", "Did everything I filed go out?"},
};
static const struct fa_example send_examples[] = {
    {"firealarm spool send", "Send now what could not be sent before."},
};
static const struct fa_example retry_examples[] = {
    {"firealarm spool retry 4f1c", "Send again what was refused, after its file was mended."},
};
static const struct fa_example drop_examples[] = {
    {"firealarm spool drop 4f1c", "Throw a filing away that was never received."},
};

const struct fa_cmd fa_cmd_spool_list = {
    .name = "spool list",
    .usage = "",
    .summary = "list your filings that were not received yet",
    .about = "waiting: it is sent at the next run of any command. refused: the daemon does not "
             "take it as it is; mend the file and say 'firealarm spool retry'.",
    .examples = list_examples,
    .example_count = FA_COUNT(list_examples),
    .run = run_list,
};
const struct fa_cmd fa_cmd_spool_send = {
    .name = "spool send",
    .usage = "",
    .summary = "send what waits in your spool",
    .about = "Every command does this before its own work; this one does nothing else. It prints "
             "the receipts on standard error.",
    .examples = send_examples,
    .example_count = FA_COUNT(send_examples),
    .run = run_send,
};
const struct fa_cmd fa_cmd_spool_retry = {
    .name = "spool retry",
    .usage = "KEY",
    .args_min = 1,
    .args_max = 1,
    .summary = "send a refused filing again",
    .about = "KEY is the beginning of the file's name.",
    .examples = retry_examples,
    .example_count = FA_COUNT(retry_examples),
    .run = run_retry,
};
const struct fa_cmd fa_cmd_spool_drop = {
    .name = "spool drop",
    .usage = "KEY",
    .args_min = 1,
    .args_max = 1,
    .summary = "throw a filing away that was not received",
    .about = "KEY is the beginning of the file's name. On a terminal it asks first.",
    .examples = drop_examples,
    .example_count = FA_COUNT(drop_examples),
    .run = run_drop,
};
