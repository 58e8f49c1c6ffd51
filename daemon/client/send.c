/* SPDX-License-Identifier: MIT */
/* The order that makes "accepted means kept" true on this side of the wire:
 *
 *   keep (spool, synced) -> send -> print the receipt -> remove
 *
 * A crash between any two repeats from "send" at the next run under the same key, and the daemon
 * answers with the same receipt. If the receipt cannot be printed, the file stays. What the daemon
 * refuses as it is becomes KEY.refused, out of the way of the others, and is never thrown away. */
#include "client/send.h"

#include "client/api.h"
#include "client/render.h"

#include "base/panic.h"

#include <stdlib.h>
#include <string.h>

struct sending {
    struct fa_client *client;
    const struct fa_filing *filing;
    struct fa_spool_entry entry;
    bool kept;  /* it lies in the spool */
    bool fresh; /* filed by this run: its receipt is this run's result */
};

static void step(const struct fa_spool *spool, const char *name)
{
    if (spool->on_step != NULL) {
        spool->on_step(name);
    }
}

static void complain(struct fa_client *client, const struct fa_err *err)
{
    char text[1024];
    fa_put_wrapped(&client->talk, 0, NULL, fa_err_format(err, text, sizeof text));
}

static bool print_receipt(const struct sending *sending, const struct fa_answer *answer)
{
    struct fa_client *client = sending->client;
    struct fa_screen *screen = sending->fresh ? &client->out : &client->talk;
    if (!sending->fresh) {
        fa_say(screen, "A filing that waited here has been sent.\n");
    }
    if (!sending->fresh || !fa_api_printed(client, answer)) {
        fa_render_receipt(screen, answer->json);
    }
    if (!sending->fresh) {
        fa_say(screen, "\n");
    }
    return fflush(screen->file) == 0 && !ferror(screen->file);
}

static int on_filed(const struct sending *sending, const struct fa_answer *answer,
                    char **ret_receipt)
{
    struct fa_client *client = sending->client;
    const char *receipt = fa_member_text(answer->json, "receipt");
    struct fa_err err;
    step(&client->spool, "send: answered");
    if (sending->filing->keep_receipt &&
        fa_receipt_keep(&client->spool, sending->filing->key, receipt, &err) != 0) {
        fa_err_wrap(&err, "The receipt could not be kept");
        complain(client, &err);
    }
    if (!print_receipt(sending, answer)) {
        fa_say(&client->talk, "The receipt could not be printed; the next run prints it.\n");
        return FA_EXIT_IO;
    }
    step(&client->spool, "send: printed");
    if (sending->kept && fa_spool_remove(&client->spool, &sending->entry, &err) != 0) {
        complain(client, &err);
    }
    *ret_receipt = fa_xstrdup(receipt);
    return FA_EXIT_OK;
}

static int on_refused(const struct sending *sending, const struct fa_answer *answer)
{
    struct fa_client *client = sending->client;
    struct fa_err err;
    struct fa_spool_entry refused = sending->entry;
    refused.kind = FA_SPOOL_REFUSED;
    fa_say(&client->talk, "The daemon did not take the filing as it is:\n");
    fa_put_wrapped(&client->talk, 2, NULL, fa_buf_text(&answer->message));
    if (!sending->kept) {
        fa_say(&client->talk, "It was not kept.\n");
        return FA_EXIT_REFUSED;
    }
    if (fa_spool_move(&client->spool, &sending->entry, FA_SPOOL_REFUSED, &err) != 0) {
        complain(client, &err);
        return FA_EXIT_IO;
    }
    char *path = fa_spool_path(&client->spool, &refused);
    fa_say(&client->talk,
           "\nNothing is lost; it is kept in\n  %s\nMend it there, then send it again with\n"
           "  firealarm spool retry %.8s\nor throw it away with\n  firealarm spool drop %.8s\n",
           path, refused.key, refused.key);
    free(path);
    return FA_EXIT_REFUSED;
}

static int on_waiting(const struct sending *sending, const struct fa_answer *answer)
{
    struct fa_client *client = sending->client;
    bool denied = answer->kind == FA_ANSWER_DENIED;
    if (!sending->kept) {
        fa_put_wrapped(&client->talk, 0, NULL, fa_buf_text(&answer->message));
        fa_put_wrapped(&client->talk, 0, NULL,
                       "The filing could be neither sent nor kept. Copy your words from above and "
                       "tell somebody in person.");
        return FA_EXIT_IO;
    }
    if (!sending->fresh) {
        fa_say(&client->talk, "A filing of yours still waits here: ");
        fa_put(&client->talk, FA_PLAIN, fa_buf_text(&answer->message));
        fa_say(&client->talk, "\n");
        return denied ? FA_EXIT_DENIED : FA_EXIT_KEPT;
    }
    char *path = fa_spool_path(&client->spool, &sending->entry);
    fa_put_wrapped(&client->talk, 0, NULL, fa_buf_text(&answer->message));
    fa_say(&client->talk,
           "\nYour filing is safe, and not sent yet. It is kept in\n  %s\n"
           "It is sent, once, the next time you run firealarm, for example\n"
           "  firealarm spool send\n",
           path);
    free(path);
    return denied ? FA_EXIT_DENIED : FA_EXIT_KEPT;
}

static int send_one(const struct sending *sending, char **ret_receipt)
{
    struct fa_answer answer;
    int code;
    step(&sending->client->spool, "send: before");
    fa_api_call(&sending->client->settings, "/v1/incidents", sending->filing->request, &answer);
    if (answer.kind == FA_ANSWER_OK && fa_member_text(answer.json, "receipt") == NULL) {
        answer.kind = FA_ANSWER_STRANGE;
        fa_buf_puts(&answer.message, "What answers gave no receipt; it may not be firealarmd.");
    }
    switch (answer.kind) {
    case FA_ANSWER_OK:
        code = on_filed(sending, &answer, ret_receipt);
        break;
    case FA_ANSWER_REFUSED:
    case FA_ANSWER_CONFLICT:
        code = on_refused(sending, &answer);
        break;
    case FA_ANSWER_UNREACHABLE:
    case FA_ANSWER_LATER:
    case FA_ANSWER_DENIED:
    case FA_ANSWER_NOT_FOUND:
    case FA_ANSWER_STRANGE:
    case FA_ANSWER_STOPPED:
    default:
        code = on_waiting(sending, &answer);
        break;
    }
    fa_answer_done(&answer);
    return code;
}

int fa_send_new(struct fa_client *client, const struct fa_filing *filing, char **ret_receipt)
{
    struct sending sending = {.client = client, .filing = filing, .fresh = true, .kept = true};
    struct fa_err err;
    int lock = -1;
    memcpy(sending.entry.key, filing->key, FA_KEY_SIZE);
    sending.entry.kind = FA_SPOOL_WAITING;
    *ret_receipt = NULL;
    if (fa_spool_put(&client->spool, filing, &lock, &err) != 0) {
        fa_err_wrap(&err, "The filing cannot be kept on this machine, so it is sent at once");
        complain(client, &err);
        sending.kept = false;
    }
    int code = send_one(&sending, ret_receipt);
    fa_spool_release(lock);
    return code;
}

/* False: there is no point in trying the next one. */
static bool send_entry(struct fa_client *client, const struct fa_spool_entry *entry, int *worst)
{
    struct fa_filing filing;
    struct fa_err err;
    char *receipt = NULL;
    int lock = -1, rc = fa_spool_take(&client->spool, entry, &filing, &lock, &err);
    if (rc == FA_EBUSY || rc == FA_ENOTFOUND) {
        return true;
    }
    if (rc != 0) {
        complain(client, &err);
        *worst = FA_EXIT_IO;
        return true;
    }
    struct sending sending = {.client = client, .filing = &filing, .entry = *entry, .kept = true};
    int code = send_one(&sending, &receipt);
    *worst = code > *worst ? code : *worst;
    free(receipt);
    fa_filing_done(&filing);
    fa_spool_release(lock);
    return code == FA_EXIT_OK || code == FA_EXIT_REFUSED;
}

int fa_send_waiting(struct fa_client *client)
{
    struct fa_spool_list list;
    struct fa_err err;
    int worst = FA_EXIT_OK;
    if (fa_spool_list(&client->spool, &list, &err) != 0) {
        complain(client, &err);
        return FA_EXIT_IO;
    }
    for (size_t i = 0; i < list.count; i++) {
        if (list.entries[i].kind == FA_SPOOL_WAITING &&
            !send_entry(client, &list.entries[i], &worst)) {
            break;
        }
    }
    fa_spool_list_done(&list);
    return worst;
}
