/* SPDX-License-Identifier: MIT */
/* firealarm(1), made of the tables that drive the program: it cannot say what is not so. Dashes are
 * written \- so that what is copied from the page is what was meant. */
#include "client/help.h"

#include "client/exits.h"
#include "client/settings.h"

#include <string.h>

/* One line of text: escapes what troff reads. */
static void put_roff(FILE *file, const char *text)
{
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '\\') {
            fputs("\\e", file);
        } else if (*at == '-') {
            fputs("\\-", file);
        } else if (*at == '\'' && (at == text || at[-1] == '\n')) {
            fputs("\\(aq", file);
        } else if (*at == '.' && (at == text || at[-1] == '\n')) {
            fputs("\\&.", file);
        } else if (*at == '\n' && at[1] == '\n') {
            fputs("\n.PP\n", file);
            at++;
        } else {
            fputc(*at, file);
        }
    }
}

static void put_line(FILE *file, const char *text)
{
    put_roff(file, text);
    fputc('\n', file);
}

static void put_option(FILE *file, const struct fa_opt *opt)
{
    fputs(".TP\n\\fB\\-\\-", file);
    put_roff(file, opt->name);
    fputs("\\fR", file);
    if (opt->value != NULL) {
        fprintf(file, " \\fI%s\\fR", opt->value);
    }
    fputc('\n', file);
    put_line(file, opt->help);
}

static void put_command(FILE *file, const struct fa_cmd *cmd)
{
    fputs(".SS firealarm ", file);
    put_roff(file, cmd->name);
    fprintf(file, "%s%s\n", cmd->usage[0] != '\0' ? " " : "", cmd->usage);
    put_line(file, cmd->about);
    for (size_t i = 0; i < cmd->option_count; i++) {
        put_option(file, &cmd->options[i]);
    }
}

static void put_files(FILE *file)
{
    static const struct {
        const char *path, *what;
    } rows[] = {
        {"~/.config/firealarm/client.cfg, /etc/firealarm/client.cfg",
         "Where the daemon is; the first that is there holds. Settings: socket (its Unix socket, "
         "normally " FA_DEFAULT_SOCKET "), or url (https://host:port) with ca (whom to trust, a "
         "PEM file) and token_file (readable by you alone); spool (a directory of your own); "
         "timeout (of one request, \"15s\")."},
        {"~/.local/state/firealarm/spool/",
         "Filings that were not received yet. KEY.filing waits; KEY.refused is to be mended."},
        {"~/.local/state/firealarm/receipts/", "Receipts that you asked to keep."},
        {"~/.cache/firealarm/guide.json", "The guide as you last saw it."},
    };
    fputs(".SH FILES\n", file);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fputs(".TP\n.I ", file);
        put_line(file, rows[i].path);
        put_line(file, rows[i].what);
    }
}

static void put_examples(FILE *file)
{
    fputs(".SH EXAMPLES\n", file);
    for (size_t i = 0; i < fa_command_count; i++) {
        const struct fa_cmd *cmd = fa_commands[i];
        for (size_t e = 0; (cmd->flags & FA_CMD_HIDDEN) == 0 && e < cmd->example_count; e++) {
            fputs(".TP\n.B ", file);
            put_line(file, cmd->examples[e].command);
            put_line(file, cmd->examples[e].why);
        }
    }
}

void fa_man(FILE *file)
{
    fprintf(file, ".TH FIREALARM 1 \"\" \"firealarm %s\" \"User commands\"\n", FA_VERSION);
    fputs(".SH NAME\nfirealarm \\- tell those who can act, and see who has taken it\n"
          ".SH SYNOPSIS\n.B firealarm\n.I COMMAND\n[\\fIOPTIONS\\fR]\n"
          ".SH DESCRIPTION\n",
          file);
    put_line(file, "firealarm talks to firealarmd. Whoever touches a customer files what must not "
                   "wait; those who are told see it, own it and close it. Say 'firealarm file' and "
                   "answer its questions: nothing is filed before you say yes.");
    fputs(".SH COMMANDS\n", file);
    for (size_t i = 0; i < fa_command_count; i++) {
        if ((fa_commands[i]->flags & FA_CMD_HIDDEN) == 0) {
            put_command(file, fa_commands[i]);
        }
    }
    fputs(".SH OPTIONS\nEvery command takes these.\n", file);
    for (size_t i = 0; i < fa_global_option_count; i++) {
        put_option(file, &fa_global_options[i]);
    }
    put_examples(file);
    fputs(".SH \"EXIT STATUS\"\n", file);
#define X(name, number, text)                                                                      \
    fprintf(file, ".TP\n.B %d\n", number);                                                         \
    put_line(file, text);
    FA_EXIT_LIST(X)
#undef X
    put_files(file);
    fputs(".SH ENVIRONMENT\n", file);
    put_line(file,
             "NO_COLOR switches colours off. XDG_CONFIG_HOME, XDG_STATE_HOME and "
             "XDG_CACHE_HOME move the files above. Proxies are never used. FIREALARM_CALENDAR "
             "says where firealarm-calendar is, for who checks or tests without an "
             "installation.");
    fputs(".SH \"WHO CAN READ IT\"\n", file);
    put_line(file, "Whoever administers this machine can read along. What only one person could "
                   "know points at that person. Neither what happened nor a receipt has to be on "
                   "the command line, and firealarm writes them nowhere but into your spool, until "
                   "they are received.");
}
