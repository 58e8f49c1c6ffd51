/* SPDX-License-Identifier: MIT */
/* Three documents of one table: help on the screen, the man page, the completion of bash. */
#ifndef FA_CLIENT_HELP_H
#define FA_CLIENT_HELP_H

#include "client/command.h"
#include "client/screen.h"

/* All commands, or those that begin with the word `group` when it is not NULL. */
void fa_help_all(struct fa_screen *screen, const char *group);
void fa_help_command(struct fa_screen *screen, const struct fa_cmd *cmd);
/* firealarm(1) in the man macros. */
void fa_man(FILE *file);
/* A script for bash to source. */
void fa_completion(FILE *file);

#endif
