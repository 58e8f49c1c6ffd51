/* SPDX-License-Identifier: MIT */
/* The table of commands, and what happens around each of them: read the command line, read the
 * settings, send what waits in the spool, run. A new command is a row here, a line in commands.h
 * and a file cmd_NAME.c. */
#include "client/commands.h"

#include "base/id.h"
#include "base/panic.h"
#include "client/ask.h"
#include "client/file.h"
#include "client/filing.h"
#include "client/help.h"
#include "client/send.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct fa_cmd *const fa_commands[] = {
    &fa_cmd_file,
    &fa_cmd_guide,
    &fa_cmd_status,
    &fa_cmd_list,
    &fa_cmd_show,
    &fa_cmd_explain,
    &fa_cmd_ack,
    &fa_cmd_resolve,
    &fa_cmd_comment,
    &fa_cmd_recuse,
    &fa_cmd_silence_add,
    &fa_cmd_silence_list,
    &fa_cmd_silence_end,
    &fa_cmd_spool_list,
    &fa_cmd_spool_send,
    &fa_cmd_spool_retry,
    &fa_cmd_spool_drop,
    &fa_cmd_outbox_list,
    &fa_cmd_outbox_retry,
    &fa_cmd_outbox_drop,
    &fa_cmd_channel_test,
    &fa_cmd_drill,
    &fa_cmd_feed_import,
    &fa_cmd_fetch_list,
    &fa_cmd_directory_list,
    &fa_cmd_directory_show,
    &fa_cmd_directory_import,
    &fa_cmd_backup,
    &fa_cmd_restore,
    &fa_cmd_check,
    &fa_cmd_expr,
    &fa_cmd_test,
    &fa_cmd_backtest,
    &fa_cmd_oncall,
    &fa_cmd_weekly,
};
const size_t fa_command_count = FA_COUNT(fa_commands);

#define LINES_MAX (1u << 20)

int fa_complain(struct fa_client *client, int code, const struct fa_err *err)
{
    char text[1024];
    fa_say(&client->talk, "firealarm: ");
    fa_put(&client->talk, FA_PLAIN, fa_err_format(err, text, sizeof text));
    fa_say(&client->talk, "\n");
    return code;
}

static int read_text(struct fa_client *client, const char *file, struct fa_buf *raw,
                     struct fa_err *err)
{
    bool standard = file == NULL || strcmp(file, "-") == 0;
    int fd = standard ? client->world->in : open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        return fa_err_at(err, FA_EIO, file, 0, 0, "cannot be opened: %s", strerror(errno));
    }
    int rc = fa_file_read(fd, standard ? "standard input" : file, raw, err);
    if (!standard) {
        close(fd);
    }
    return rc;
}

int fa_take_text(struct fa_client *client, const char *file, const char *question,
                 struct fa_buf *ret_text)
{
    struct fa_buf raw;
    struct fa_err err;
    if (file == NULL && client->interactive) {
        fa_say(&client->talk, "%s To finish, type a single dot on a line of its own.\n", question);
        return fa_ask_text(client, ret_text) == 0 ? FA_EXIT_OK : FA_EXIT_STOPPED;
    }
    fa_buf_init(&raw, FA_TEXT_MAX + 1);
    int rc = read_text(client, file, &raw, &err);
    rc = rc != 0 ? rc : fa_filing_text(fa_buf_str(&raw), ret_text, &err);
    fa_buf_done(&raw);
    if (rc == 0) {
        return FA_EXIT_OK;
    }
    int code = rc == FA_EIO ? FA_EXIT_IO : rc == FA_ECLOSED ? FA_EXIT_STOPPED : FA_EXIT_USAGE;
    return fa_complain(client, code, &err);
}

bool fa_id_path(struct fa_client *client, const char *collection, const char *id, const char *verb,
                struct fa_buf *ret_path)
{
    struct fa_err err;
    size_t symbols = 0;
    char *plain = fa_xstrdup(id);
    plain[fa_str_typed(fa_str_of(id), plain)] = '\0';
    fa_buf_printf(ret_path, "/v1/%s/", collection);
    for (const char *at = plain; *at != '\0'; at++) {
        bool letter = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z');
        bool digit = *at >= '0' && *at <= '9';
        if (!letter && !digit && *at != '-') {
            symbols = 0;
            break;
        }
        symbols += *at != '-';
        fa_buf_putc(ret_path, *at >= 'a' && *at <= 'z' ? (char)(*at - 'a' + 'A') : *at);
    }
    free(plain);
    fa_buf_puts(ret_path, verb);
    if (symbols >= 4 && symbols <= 16) {
        return true;
    }
    fa_err_set(&err, FA_EINVAL,
               "that is no id: it looks like 7K2Q-M9XA-3DTR-WZ5E, and its "
               "beginning (at least four symbols) is enough");
    fa_complain(client, 0, &err);
    return false;
}

static void init_screen(struct fa_screen *screen, FILE *file, bool tty,
                        const struct fa_world *world, const char *when)
{
    bool wanted = when == NULL || strcmp(when, "auto") == 0 ? tty && !world->no_colour
                                                            : strcmp(when, "always") == 0;
    *screen = (struct fa_screen){.file = file, .tty = tty, .colour = wanted};
    screen->columns = world->columns >= 40 ? world->columns : 80;
    screen->columns = screen->columns > 110 && !tty ? 80 : screen->columns;
}

static int run_command(struct fa_client *client, const struct fa_args *args)
{
    struct fa_err err;
    struct fa_buf state;
    if ((args->cmd->flags & FA_CMD_QUIET) != 0) {
        return args->cmd->run(client, args);
    }
    if (fa_settings_load(client->world, fa_args_get(args, "config"), &client->settings, &err) !=
        0) {
        return fa_complain(client, FA_EXIT_CONFIG, &err);
    }
    fa_buf_init(&state, 8192);
    fa_buf_printf(&state, "%s/firealarm/spool%c%s/firealarm/receipts", client->world->state_home,
                  '\0', client->world->state_home);
    const char *dir = fa_buf_text(&state), *receipts = dir + strlen(dir) + 1;
    fa_spool_init(&client->spool, client->settings.spool != NULL ? client->settings.spool : dir,
                  receipts, client->world->now);
    fa_buf_done(&state);
    if (strncmp(args->cmd->name, "spool ", 6) != 0) {
        (void)fa_send_waiting(client); /* said what there was to say; the command goes on */
    }
    int code = args->cmd->run(client, args);
    fa_spool_done(&client->spool);
    fa_settings_done(&client->settings);
    return code;
}

/* The requests that are no commands: --help, --version, and what the build asks for. */
static bool answered(struct fa_client *client, const struct fa_args *args, int *ret_code)
{
    *ret_code = FA_EXIT_OK;
    if (fa_args_has(args, "version")) {
        fa_say(&client->out, "firealarm %s\n", FA_VERSION);
    } else if (fa_args_has(args, "help") && args->cmd != NULL) {
        fa_help_command(&client->out, args->cmd);
    } else if (fa_args_has(args, "help")) {
        fa_help_all(&client->out, args->group);
    } else if (args->cmd == NULL) {
        fa_help_all(&client->talk, args->group);
        *ret_code = FA_EXIT_USAGE;
    } else {
        return false;
    }
    return true;
}

/* Words that only the build uses. */
static bool made_document(struct fa_client *client, int argc, const char *const *argv)
{
    if (argc == 2 && strcmp(argv[1], "--man") == 0) {
        fa_man(client->out.file);
        return true;
    }
    if (argc == 2 && strcmp(argv[1], "--bash-completion") == 0) {
        fa_completion(client->out.file);
        return true;
    }
    return false;
}

int fa_client_main(const struct fa_world *world, int argc, const char *const *argv)
{
    struct fa_client client = {.world = world};
    struct fa_args args;
    struct fa_err err;
    int code = FA_EXIT_OK;
    init_screen(&client.out, world->out, world->out_tty, world, NULL);
    init_screen(&client.talk, world->err, world->err_tty, world, NULL);
    fa_buf_init(&client.lines.buf, LINES_MAX);
    if (made_document(&client, argc, argv)) {
        return fflush(world->out) == 0 ? FA_EXIT_OK : FA_EXIT_IO;
    }
    if (fa_args_parse(argc, argv, &args, &err) != 0) {
        return fa_complain(&client, FA_EXIT_USAGE, &err);
    }
    const char *colour = fa_args_get(&args, "colour");
    init_screen(&client.out, world->out, world->out_tty, world, colour);
    init_screen(&client.talk, world->err, world->err_tty, world, colour);
    client.json = fa_args_has(&args, "json");
    client.interactive = world->in_tty && world->err_tty && !fa_args_has(&args, "no-input");
    if (!answered(&client, &args, &code)) {
        code = run_command(&client, &args);
    }
    fa_buf_done(&client.lines.buf);
    if (fflush(world->out) != 0 || ferror(world->out)) {
        return code == FA_EXIT_OK ? FA_EXIT_IO : code;
    }
    return code;
}
