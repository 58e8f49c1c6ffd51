/* SPDX-License-Identifier: MIT */
/* `firealarm file`: from options and standard input, or from a conversation. The text is never an
 * argument, because arguments stand in the shell's history and in everybody's list of processes. */
#include "client/commands.h"

#include "client/api.h"
#include "client/ask.h"
#include "client/file.h"
#include "client/filing.h"
#include "client/interview.h"
#include "client/render.h"
#include "client/send.h"
#include "client/when.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const known_values[] = {"seen", "told", "heard", NULL};
static const char *const level_values[] = {"solve", "help", "raise", NULL};

static const struct fa_opt options[] = {
    {.name = "category",
     .value = "NAME",
     .help = "The kind of problem; 'firealarm guide' lists "
             "them with examples."},
    {.name = "customer", .value = "NAME", .help = "The customer whom it hurts."},
    {.name = "since",
     .value = "WHEN",
     .help = "yesterday, monday, 3d (three days ago), "
             "2026-11-20, 2026-11-20 14:30."},
    {.name = "known",
     .value = "HOW",
     .choices = known_values,
     .help = "seen: you saw it yourself; told: somebody who was there told you; heard: you heard "
             "of it."},
    {.name = "about",
     .value = "WHO",
     .many = true,
     .help = "A person, team:NAME or role:NAME whom it is about, or account.conduit for whoever "
             "answers for the customer; they are never told. May be given several times."},
    {.name = "strike",
     .value = "PERSON",
     .many = true,
     .help = "Somebody who must not be told, without a reason. May be given several times."},
    {.name = "level",
     .value = "LEVEL",
     .choices = level_values,
     .help = "What you want it to be, instead of what the guidance says: solve (yours to solve), "
             "help (help resolve), raise (raise the alarm)."},
    {.name = "text-file",
     .value = "FILE",
     .file = true,
     .help = "Read what happened from FILE; '-' is standard input, which is also what is read "
             "when nobody can be asked."},
    {.name = "request",
     .value = "FILE",
     .file = true,
     .help = "Read the whole filing as JSON (members as in the options, and \"text\"), '-' for "
             "standard input. So nothing of it is on the command line."},
    {.name = "keep-receipt",
     .help = "Keep the receipt in your own state directory. Who can read "
             "your files can then see that you filed."},
    {.name = "preview",
     .help = "Show what would happen and who would be told, without asking and without what "
             "happened; file nothing."},
};

static const struct fa_example examples[] = {
    {"firealarm file", "Answer a few questions; nothing is filed before you say yes."},
    {"firealarm file --category broken-promise --known seen --customer Initech < what-happened.txt",
     "File without a conversation."},
    {"firealarm file --request - < filing.json", "File what a program wrote."},
};

/* "yesterday" is known now, and not any more when a daemon is back that takes days and times. */
static int settle_since(const struct fa_client *client, struct fa_filing *filing,
                        struct fa_err *err)
{
    const char *since = fa_filing_get(filing, "since");
    char when[FA_WHEN_SIZE];
    fa_time wall;
    if (since == NULL || fa_parse_since(fa_str_of(since), client->world->now, &wall, err) == 0) {
        return 0;
    }
    int rc = fa_when_since(fa_str_of(since), client->world->now, when, err);
    if (rc == 0) {
        fa_filing_set(filing, "since", when);
    }
    return rc;
}

static int read_request(struct fa_client *client, const char *file, struct fa_filing *ret_filing)
{
    struct fa_buf buf;
    struct fa_err err;
    bool standard = strcmp(file, "-") == 0;
    int fd = standard ? client->world->in : open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        fa_err_at(&err, FA_EIO, file, 0, 0, "cannot be opened: %s", strerror(errno));
        return fa_complain(client, FA_EXIT_IO, &err);
    }
    fa_buf_init(&buf, FA_FILING_FILE_MAX);
    int rc = fa_file_read(fd, file, &buf, &err);
    if (rc == 0) {
        rc = fa_filing_decode_request(fa_buf_str(&buf), ret_filing, &err);
        rc = rc == 0 ? settle_since(client, ret_filing, &err) : rc;
        if (rc != 0) {
            fa_err_wrap(&err, "%s", standard ? "standard input" : file);
        }
    }
    fa_buf_done(&buf);
    if (!standard) {
        close(fd);
    }
    return rc == 0 ? FA_EXIT_OK
                   : fa_complain(client, rc == FA_EIO ? FA_EXIT_IO : FA_EXIT_USAGE, &err);
}

static int take_options(struct fa_client *client, const struct fa_args *args,
                        struct fa_filing *filing)
{
    static const char *const texts[] = {"category", "customer", "known", "level"};
    static const char *const lists[] = {"about", "strike"};
    char when[FA_WHEN_SIZE];
    struct fa_err err;
    const char *value, *since = fa_args_get(args, "since");
    for (size_t i = 0; i < FA_COUNT(texts); i++) {
        if (fa_args_has(args, texts[i])) {
            fa_filing_set(filing, texts[i], fa_args_get(args, texts[i]));
        }
    }
    for (size_t i = 0; i < FA_COUNT(lists); i++) {
        for (size_t at = 0; (value = fa_args_next(args, lists[i], &at)) != NULL;) {
            fa_filing_add(filing, lists[i], value);
        }
    }
    if (since != NULL) {
        if (fa_when_since(fa_str_of(since), client->world->now, when, &err) != 0) {
            fa_err_wrap(&err, "--since");
            return fa_complain(client, FA_EXIT_USAGE, &err);
        }
        fa_filing_set(filing, "since", when);
    }
    filing->keep_receipt = filing->keep_receipt || fa_args_has(args, "keep-receipt");
    return FA_EXIT_OK;
}

/* Everything that is missing is said at once. */
static int check_complete(struct fa_client *client, const struct fa_filing *filing)
{
    struct fa_err err;
    bool category = fa_filing_get(filing, "category") != NULL;
    bool known = fa_filing_get(filing, "known") != NULL;
    if (category && known) {
        return FA_EXIT_OK;
    }
    fa_err_set(&err, FA_EINVAL, "nothing is asked here, so please say %s%s%s",
               category ? "" : "--category NAME ('firealarm guide' lists them)",
               category || known ? "" : " and ", known ? "" : "--known seen, told or heard");
    return fa_complain(client, FA_EXIT_USAGE, &err);
}

/* What a conversation would ask must be there when there is none; a preview needs no text. */
static int fill_in(struct fa_client *client, const struct fa_args *args, struct fa_filing *filing)
{
    struct fa_buf text;
    const char *file = fa_args_get(args, "text-file");
    bool talks = client->interactive && !fa_args_has(args, "preview");
    bool wants = fa_filing_get(filing, "text") == NULL && !fa_args_has(args, "preview") &&
                 (!talks || file != NULL);
    int code = take_options(client, args, filing);
    if (code == FA_EXIT_OK && !talks) {
        code = check_complete(client, filing);
    }
    if (code == FA_EXIT_OK && wants) {
        fa_buf_init(&text, 2 * FA_TEXT_MAX);
        code = fa_take_text(client, file, "", &text);
        if (code == FA_EXIT_OK) {
            fa_filing_set(filing, "text", fa_buf_text(&text));
        }
        fa_buf_done(&text);
    }
    return code;
}

static int show_preview(struct fa_client *client, const struct fa_filing *filing)
{
    struct fa_answer answer;
    int code = fa_api_ask(client, "/v1/incidents/preview", fa_filing_outline(filing), &answer);
    if (code != FA_EXIT_OK) {
        return code;
    }
    if (!fa_api_printed(client, &answer)) {
        fa_render_preview(&client->out, answer.json);
    }
    fa_answer_done(&answer);
    return code;
}

static void offer_to_keep(struct fa_client *client, const struct fa_filing *filing,
                          const char *receipt)
{
    struct fa_err err;
    bool yes = false;
    if (!client->interactive || filing->keep_receipt) {
        return;
    }
    fa_say(&client->talk, "\n");
    fa_put_wrapped(&client->talk, 0, NULL,
                   "A copy of the receipt can be kept among your files. Who can read them would "
                   "see that you filed.");
    if (fa_ask_yes(client, "Keep a copy?", &yes) != 0 || !yes) {
        return;
    }
    if (fa_receipt_keep(&client->spool, filing->key, receipt, &err) != 0) {
        fa_complain(client, 0, &err);
    }
}

static int file_it(struct fa_client *client, struct fa_filing *filing)
{
    char *receipt = NULL;
    if (client->interactive && fa_interview(client, filing) != 0) {
        fa_say(&client->talk, "\nStopped. Nothing was filed, and nothing was kept.\n");
        return FA_EXIT_STOPPED;
    }
    int code = fa_send_new(client, filing, &receipt);
    if (receipt != NULL) {
        offer_to_keep(client, filing, receipt);
        free(receipt);
    }
    return code;
}

static int run(struct fa_client *client, const struct fa_args *args)
{
    struct fa_filing filing = {0};
    const char *request = fa_args_get(args, "request");
    int code = FA_EXIT_OK;
    if (request != NULL) {
        code = read_request(client, request, &filing);
    } else {
        fa_filing_init(&filing);
    }
    code = code != FA_EXIT_OK ? code : fill_in(client, args, &filing);
    if (code == FA_EXIT_OK) {
        code =
            fa_args_has(args, "preview") ? show_preview(client, &filing) : file_it(client, &filing);
    }
    fa_filing_done(&filing);
    return code;
}

const struct fa_cmd fa_cmd_file = {
    .name = "file",
    .usage = "",
    .summary = "tell those who can act about a problem",
    .about =
        "On a terminal it asks what happened, shows what it is (yours to solve, help resolve, or "
        "raise the alarm) and who will be told, lets you strike names, and asks once before it "
        "files. It prints a receipt: your proof, and your key to what became of it.\n\n"
        "Without a terminal it takes options, and what happened from standard input. The text is "
        "never an argument. Others on this machine can see options while the command runs: for "
        "anything delicate use the conversation or --request.\n\n"
        "If the daemon cannot be reached, the filing stays in your own spool and is sent, once, "
        "at the next run of any firealarm command (exit code 75).",
    .options = options,
    .option_count = FA_COUNT(options),
    .examples = examples,
    .example_count = FA_COUNT(examples),
    .run = run,
};
