/* SPDX-License-Identifier: MIT */
/* One table of commands, and for each command one table of options. Parsing, --help, the man page
 * and the completion of the shell are all made from them; a new command is one file with its
 * fa_cmd, one line in commands.h and one in commands.c. */
#ifndef FA_CLIENT_COMMAND_H
#define FA_CLIENT_COMMAND_H

#include "base/err.h"

#include <stdbool.h>

struct fa_client;
struct fa_args;

struct fa_opt {
    const char *name;           /* without the dashes */
    const char *value;          /* what its value is called in help, e.g. "NAME"; NULL: a flag */
    const char *help;           /* one sentence */
    const char *const *choices; /* the values allowed, NULL-ended; NULL: any */
    bool many;                  /* may be given several times */
    bool file;                  /* the value is a file: completed as one */
};

struct fa_example {
    const char *command, *why;
};

enum fa_cmd_flags {
    FA_CMD_QUIET = 1,     /* does not talk to the daemon: needs no settings and sends no spool */
    FA_CMD_HIDDEN = 2,    /* not in the lists */
    FA_CMD_LAST_WORD = 4, /* the last argument is no option, even when it begins with a dash */
};

struct fa_cmd {
    const char *name;  /* "list", "outbox retry": words parted by one blank */
    const char *usage; /* the arguments, e.g. "ALARM"; "" if none */
    unsigned args_min, args_max;
    const char *summary; /* one line, no full stop */
    const char *about;   /* paragraphs parted by "\n\n" */
    const struct fa_opt *options;
    size_t option_count;
    const struct fa_example *examples;
    size_t example_count;
    int (*run)(struct fa_client *client, const struct fa_args *args); /* returns an exit code */
    unsigned flags;
};

#define FA_COUNT(array) (sizeof(array) / sizeof((array)[0]))

extern const struct fa_cmd *const fa_commands[];
extern const size_t fa_command_count;
/* Those that every command takes. */
extern const struct fa_opt fa_global_options[];
extern const size_t fa_global_option_count;

#define FA_ARGS_MAX 128

struct fa_args {
    const struct fa_cmd *cmd; /* NULL: no command was named */
    struct {
        const struct fa_opt *opt;
        const char *value; /* "" for a flag */
    } given[FA_ARGS_MAX];
    size_t given_count;
    const char *rest[FA_ARGS_MAX]; /* the arguments that are no options */
    size_t rest_count;
    const char *group; /* "outbox" when only that much was said */
};

/* Values point into argv. FA_EINVAL with a text that teaches. --help and --version stop the checks
 * that would stand in their way. */
int fa_args_parse(int argc, const char *const *argv, struct fa_args *ret_args,
                  struct fa_err *err) FA_MUST_CHECK;
/* The option's last value; NULL if it was not given. */
const char *fa_args_get(const struct fa_args *args, const char *name);
bool fa_args_has(const struct fa_args *args, const char *name);
/* The next value of an option that may be given several times; *at starts at 0. NULL at the end. */
const char *fa_args_next(const struct fa_args *args, const char *name, size_t *at);

#endif
