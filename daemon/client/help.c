/* SPDX-License-Identifier: MIT */
/* Help that teaches: what it is for, then how, then an example to copy. */
#include "client/help.h"

#include "client/exits.h"

#include <string.h>

static bool in_group(const struct fa_cmd *cmd, const char *group)
{
    size_t len = group != NULL ? strlen(group) : 0;
    return (cmd->flags & FA_CMD_HIDDEN) == 0 &&
           (group == NULL || (strncmp(cmd->name, group, len) == 0 && cmd->name[len] == ' '));
}

static void put_option(struct fa_screen *screen, const struct fa_opt *opt)
{
    fa_say(screen, "  ");
    fa_put(screen, FA_BOLD, "--");
    fa_put(screen, FA_BOLD, opt->name);
    fa_say(screen, "%s%s\n", opt->value != NULL ? " " : "", opt->value != NULL ? opt->value : "");
    fa_put_wrapped(screen, 6, NULL, opt->help);
}

static void put_heading(struct fa_screen *screen, const char *text)
{
    fa_say(screen, "\n");
    fa_put(screen, FA_BOLD, text);
    fa_say(screen, "\n");
}

/* Where the summaries begin: behind the longest name. */
static unsigned summary_column(const char *group)
{
    size_t longest = 0;
    for (size_t i = 0; i < fa_command_count; i++) {
        size_t len = in_group(fa_commands[i], group) ? strlen(fa_commands[i]->name) : 0;
        longest = len > longest ? len : longest;
    }
    return (unsigned)longest + 4;
}

static void put_commands(struct fa_screen *screen, const char *group)
{
    unsigned column = summary_column(group);
    for (size_t i = 0; i < fa_command_count; i++) {
        const struct fa_cmd *cmd = fa_commands[i];
        if (in_group(cmd, group)) {
            fa_say(screen, "  ");
            fa_put(screen, FA_BOLD, cmd->name);
            fa_say(screen, "%*s", (int)(column - 2 - strlen(cmd->name)), "");
            fa_put_wrapped(screen, column, "", cmd->summary);
        }
    }
}

static void put_exit_code(struct fa_screen *screen, int number, const char *text)
{
    char head[16];
    snprintf(head, sizeof head, "  %3d  ", number);
    fa_put_wrapped(screen, (unsigned)strlen(head), head, text);
}

void fa_help_all(struct fa_screen *screen, const char *group)
{
    if (group == NULL) {
        fa_put_wrapped(screen, 0, NULL,
                       "firealarm: say what is wrong before it is too late, and see who has taken "
                       "it.");
        put_heading(screen, "To raise something now");
        fa_say(screen, "  firealarm file\n");
        put_heading(screen, "Commands");
    }
    put_commands(screen, group);
    if (group == NULL) {
        put_heading(screen, "Options of every command");
        for (size_t i = 0; i < fa_global_option_count; i++) {
            put_option(screen, &fa_global_options[i]);
        }
        put_heading(screen, "Exit codes");
#define X(name, number, text) put_exit_code(screen, number, text);
        FA_EXIT_LIST(X)
#undef X
    }
    fa_say(screen, "\n'firealarm COMMAND --help' explains one command.\n");
}

void fa_help_command(struct fa_screen *screen, const struct fa_cmd *cmd)
{
    fa_say(screen, "firealarm %s%s%s%s\n", cmd->name, cmd->usage[0] != '\0' ? " " : "", cmd->usage,
           cmd->option_count > 0 ? " [OPTIONS]" : "");
    fa_say(screen, "\n");
    fa_put_wrapped(screen, 0, NULL, cmd->about);
    if (cmd->option_count > 0) {
        put_heading(screen, "Options");
    }
    for (size_t i = 0; i < cmd->option_count; i++) {
        put_option(screen, &cmd->options[i]);
    }
    if (cmd->example_count > 0) {
        put_heading(screen, "Examples");
    }
    for (size_t i = 0; i < cmd->example_count; i++) {
        fa_say(screen, "  %s\n", cmd->examples[i].command);
        fa_put_wrapped(screen, 6, NULL, cmd->examples[i].why);
    }
    fa_say(screen, "\n'firealarm --help' lists the options of every command and the exit codes.\n");
}
