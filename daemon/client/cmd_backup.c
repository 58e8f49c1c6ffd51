/* SPDX-License-Identifier: MIT */
/* `firealarm backup` and `firealarm restore`: for those who run the daemon. A copy is written by
 * the daemon into a place of its own, and put back by firealarmd itself, since neither its content
 * nor its format is this program's business. */
#include "client/commands.h"

#include "client/api.h"
#include "client/render.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define LOOK_MS 100

static void show_progress(struct fa_client *client, const json_t *copy, bool *shown)
{
    json_int_t done = fa_member_int(copy, "done"), total = fa_member_int(copy, "total");
    if (client->interactive && total > 0) {
        fa_say(&client->talk, "\r%3d %% of %lld KiB", (int)(done * 100 / total),
               (long long)(total / 1024));
        *shown = true;
    }
}

static void show_copy(struct fa_screen *screen, const json_t *copy)
{
    const char *path = fa_member_text(copy, "path");
    fa_say(screen, "Journal     to entry %lld\n", (long long)fa_member_int(copy, "journal"));
    fa_say(screen, "Size        %lld KiB\n", (long long)(fa_member_int(copy, "total") / 1024));
    fa_say(screen, "It is in    ");
    fa_put(screen, FA_PLAIN, path != NULL ? path : "?");
    fa_say(screen, "\n");
    if (fa_member_int(copy, "damaged") > 0 || fa_member_int(copy, "first_bad") > 0) {
        fa_say(screen, "The store itself is damaged, and so is the copy: see the daemon's log.\n");
    }
    fa_say(screen, "Keep it on another machine, and the key (mac_key) elsewhere: it takes both to "
                   "restore.\n");
}

/* Asks how the copy is doing until it is settled. */
static int wait_for_copy(struct fa_client *client, struct fa_answer *answer)
{
    bool shown = false;
    int code = fa_api_ask(client, "/v1/backup", json_object(), answer);
    while (code == FA_EXIT_OK) {
        const char *state = fa_member_text(answer->json, "state");
        bool going =
            state != NULL && (strcmp(state, "running") == 0 || strcmp(state, "checking") == 0);
        show_progress(client, answer->json, &shown);
        if (!going) {
            break;
        }
        fa_answer_done(answer);
        if (poll(NULL, 0, LOOK_MS) < 0 && errno == EINTR) {
            code = FA_EXIT_STOPPED;
            break;
        }
        code = fa_api_ask(client, "/v1/backup", NULL, answer);
    }
    fa_say(&client->talk, shown ? "\n" : "");
    return code;
}

static int run_backup(struct fa_client *client, const struct fa_args *args)
{
    struct fa_answer answer;
    struct fa_err err;
    int code = wait_for_copy(client, &answer);
    if (code != FA_EXIT_OK) {
        return code;
    }
    const char *state = fa_member_text(answer.json, "state");
    const char *why = fa_member_text(answer.json, "error");
    if (state == NULL || strcmp(state, "done") != 0) {
        fa_err_set(&err, FA_EIO, "no copy was made: %s",
                   why != NULL ? why : "the daemon says not why");
        code = fa_complain(client, FA_EXIT_FAILED, &err);
    } else if (!fa_api_printed(client, &answer)) {
        show_copy(&client->out, answer.json);
    }
    fa_answer_done(&answer);
    return code;
}

/* Becomes firealarmd, which asks and answers for itself. */
static int run_restore(struct fa_client *client, const struct fa_args *args)
{
    static const char *const passed[] = {"daemon-config", "--config",  "state",   "--state",
                                         "witness",       "--witness", "plugins", "--plugins"};
    const char *daemon = fa_args_get(args, "daemon");
    const char *argv[16] = {daemon != NULL ? daemon : FA_DAEMON_PATH, "--restore", args->rest[0]};
    size_t n = 3;
    struct fa_err err;
    for (size_t i = 0; i < FA_COUNT(passed); i += 2) {
        if (fa_args_has(args, passed[i])) {
            argv[n++] = passed[i + 1];
            argv[n++] = fa_args_get(args, passed[i]);
        }
    }
    if (fa_args_has(args, "yes")) {
        argv[n++] = "--yes";
    }
    execv(argv[0], (char *const *)(uintptr_t)argv);
    fa_err_set(&err, FA_EIO, "%s: %s", argv[0], strerror(errno));
    return fa_complain(client, FA_EXIT_IO, &err);
}

static const struct fa_example backup_examples[] = {
    {"firealarm backup", "Copy the store and say where the copy is."},
};
static const struct fa_opt restore_options[] = {
    {.name = "yes", .help = "Do it without asking."},
    {.name = "daemon-config",
     .value = "FILE",
     .file = true,
     .help = "The daemon's configuration (/etc/firealarm/firealarm.cfg)."},
    {.name = "state",
     .value = "DIR",
     .file = true,
     .help = "The daemon's state directory, if it is started with --state."},
    {.name = "witness",
     .value = "DIR",
     .file = true,
     .help = "Where the daemon keeps how far its journal was, if it is started with --witness."},
    {.name = "plugins", .value = "DIR", .file = true, .help = "The daemon's plugins."},
    {.name = "daemon",
     .value = "FILE",
     .file = true,
     .help = "Another firealarmd than the installed."},
};
static const struct fa_example restore_examples[] = {
    {"firealarm restore /var/lib/firealarm/backups/2026-11-22T081500Z-142",
     "Show what the copy holds and what would be lost, and ask."},
};

const struct fa_cmd fa_cmd_backup = {
    .name = "backup",
    .usage = "",
    .summary = "copy what the daemon keeps",
    .about =
        "The daemon copies its store while it works, reads the copy once, and says where it is: "
        "a directory below its state directory that only its own user may read. Copies are not "
        "deleted. The key that proves what is in it (mac_key) is not in it: keep that too, and "
        "elsewhere, for without it no copy can be restored.",
    .examples = backup_examples,
    .example_count = FA_COUNT(backup_examples),
    .run = run_backup,
};
const struct fa_cmd fa_cmd_restore = {
    .name = "restore",
    .usage = "COPY",
    .args_min = 1,
    .args_max = 1,
    .summary = "put a copy in place of the store",
    .about =
        "COPY is the directory that 'firealarm backup' named. The daemon must not run: stop the "
        "service and its socket, which would start it again. The copy "
        "is read whole and verified with the daemon's key; what it holds is shown, and what "
        "would be lost against the store that is there; then it asks. The replaced store is kept "
        "beside the new one, and operators are told at the next start. Exit status: 73 when a "
        "daemon has the store in use, 1 when nothing was changed.\n\n"
        "Run it as root or as the daemon's user. Root becomes that user, who must be able to read "
        "the copy.",
    .options = restore_options,
    .option_count = FA_COUNT(restore_options),
    .examples = restore_examples,
    .example_count = FA_COUNT(restore_examples),
    .run = run_restore,
    .flags = FA_CMD_QUIET,
};
