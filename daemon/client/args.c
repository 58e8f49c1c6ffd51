/* SPDX-License-Identifier: MIT */
/* Reads a command line against the tables. Options and arguments may be mixed; "--" ends the
 * options; "--name value" and "--name=value" mean the same; names are never abbreviated (but for
 * -v), since an abbreviation that works today may mean something else tomorrow. What is not known
 * is refused with the nearest name that is. A value is never repeated in an error: it may be what
 * somebody should not have typed there. */
#include "client/command.h"

#include "base/str.h"

#include <stdio.h>
#include <string.h>

static const char *const colours[] = {"auto", "always", "never", NULL};

const struct fa_opt fa_global_options[] = {
    {.name = "config",
     .value = "FILE",
     .file = true,
     .help = "Read this configuration instead of ~/.config/firealarm/client.cfg or "
             "/etc/firealarm/client.cfg."},
    {.name = "json", .help = "Print what the daemon answered, as JSON, for programs."},
    {.name = "colour",
     .value = "WHEN",
     .choices = colours,
     .help = "Colour the output: auto (on a terminal unless NO_COLOR is set), always, never."},
    {.name = "no-input", .help = "Ask nothing, even on a terminal."},
    {.name = "help", .help = "Explain the command and stop."},
    {.name = "version", .help = "Print the version and stop."},
};
const size_t fa_global_option_count = FA_COUNT(fa_global_options);

#define NAMES_MAX 64

static const struct fa_opt *find_in(const struct fa_opt *options, size_t count, struct fa_str name)
{
    for (size_t i = 0; i < count; i++) {
        if (fa_str_is(name, options[i].name)) {
            return &options[i];
        }
    }
    return NULL;
}

static const struct fa_opt *find_option(const struct fa_cmd *cmd, struct fa_str name)
{
    const struct fa_opt *opt = cmd != NULL ? find_in(cmd->options, cmd->option_count, name) : NULL;
    return opt != NULL ? opt : find_in(fa_global_options, fa_global_option_count, name);
}

static int unknown_option(const struct fa_cmd *cmd, struct fa_str name, struct fa_err *err)
{
    const char *names[NAMES_MAX];
    size_t count = 0;
    for (size_t i = 0; cmd != NULL && i < cmd->option_count && count < NAMES_MAX; i++) {
        names[count++] = cmd->options[i].name;
    }
    for (size_t i = 0; i < fa_global_option_count && count < NAMES_MAX; i++) {
        names[count++] = fa_global_options[i].name;
    }
    char word[64];
    snprintf(word, sizeof word, "%.*s", FA_STR_ARG(name));
    const char *near = fa_suggest(word, names, count);
    return fa_err_set(err, FA_EINVAL, "there is no option --%s%s%s%s", word,
                      near != NULL ? "; do you mean --" : "", near != NULL ? near : "",
                      near != NULL ? "?" : "");
}

static int check_choice(const struct fa_opt *opt, const char *value, struct fa_err *err)
{
    char all[160] = "";
    if (opt->choices == NULL) {
        return 0;
    }
    for (size_t i = 0; opt->choices[i] != NULL; i++) {
        if (strcmp(opt->choices[i], value) == 0) {
            return 0;
        }
        size_t len = strlen(all);
        snprintf(all + len, sizeof all - len, "%s%s", i > 0 ? ", " : "", opt->choices[i]);
    }
    return fa_err_set(err, FA_EINVAL, "--%s is one of: %s", opt->name, all);
}

static int take_option(struct fa_args *args, const struct fa_opt *opt, const char *value,
                       struct fa_err *err)
{
    int rc = check_choice(opt, value, err);
    if (rc != 0) {
        return rc;
    }
    if (!opt->many && fa_args_has(args, opt->name)) {
        return fa_err_set(err, FA_EINVAL, "--%s is given twice", opt->name);
    }
    if (args->given_count == FA_ARGS_MAX) {
        return fa_err_set(err, FA_EINVAL, "there are more than %d options", FA_ARGS_MAX);
    }
    args->given[args->given_count].opt = opt;
    args->given[args->given_count++].value = value;
    return 0;
}

/* argv[*at] starts with "--"; *at moves over a value of its own. */
static int read_option(int argc, const char *const *argv, int *at, struct fa_args *args,
                       struct fa_err *err)
{
    struct fa_str value, name = fa_str_cut(fa_str_of(argv[*at] + 2), '=', &value);
    const struct fa_opt *opt = find_option(args->cmd, name);
    if (opt == NULL) {
        return unknown_option(args->cmd, name, err);
    }
    if (opt->value == NULL) {
        return value.ptr != NULL ? fa_err_set(err, FA_EINVAL, "--%s takes no value", opt->name)
                                 : take_option(args, opt, "", err);
    }
    if (value.ptr != NULL) {
        return take_option(args, opt, value.ptr, err);
    }
    if (*at + 1 >= argc) {
        return fa_err_set(err, FA_EINVAL, "--%s needs its %s", opt->name, opt->value);
    }
    return take_option(args, opt, argv[++*at], err);
}

/* Is it the command's name, or the first word of it? */
static bool is_group(const char *name, const char *word)
{
    size_t len = strlen(word);
    return strncmp(name, word, len) == 0 && name[len] == ' ';
}

static int unknown_command(const char *word, const char *second, struct fa_err *err)
{
    char whole[128];
    const char *names[NAMES_MAX];
    size_t count = 0;
    snprintf(whole, sizeof whole, second != NULL ? "%s %s" : "%s", word,
             second != NULL ? second : "");
    for (size_t i = 0; i < fa_command_count && count < NAMES_MAX; i++) {
        if ((fa_commands[i]->flags & FA_CMD_HIDDEN) == 0) {
            names[count++] = fa_commands[i]->name;
        }
    }
    const char *near = fa_suggest(whole, names, count);
    if (near != NULL) {
        return fa_err_set(err, FA_EINVAL, "there is no command '%s'; do you mean '%s'?", whole,
                          near);
    }
    return fa_err_set(err, FA_EINVAL, "there is no command '%s'; 'firealarm --help' lists them",
                      whole);
}

/* Finds the command that the words begin with; *ret_words is how many of them name it. */
static int find_command(struct fa_args *args, size_t *ret_words, struct fa_err *err)
{
    const char *first = args->rest[0], *second = args->rest_count > 1 ? args->rest[1] : NULL;
    bool group = false;
    for (size_t i = 0; i < fa_command_count; i++) {
        const struct fa_cmd *cmd = fa_commands[i];
        if (strcmp(cmd->name, first) == 0) {
            args->cmd = cmd;
            *ret_words = 1;
            return 0;
        }
        if (is_group(cmd->name, first)) {
            group = true;
            if (second != NULL && strcmp(cmd->name + strlen(first) + 1, second) == 0) {
                args->cmd = cmd;
                *ret_words = 2;
                return 0;
            }
        }
    }
    if (group && second == NULL) {
        args->group = first;
        return 0;
    }
    return unknown_command(first, group ? second : NULL, err);
}

/* The words that are no options, without looking at what the options mean: enough to find the
 * command, whose options are then known. */
static void first_words(int argc, const char *const *argv, struct fa_args *args)
{
    for (int i = 1; i < argc && args->rest_count < 2; i++) {
        struct fa_str value, name;
        if (strcmp(argv[i], "--") == 0) {
            return;
        }
        if (strncmp(argv[i], "--", 2) != 0) {
            args->rest[args->rest_count++] = argv[i];
            continue;
        }
        name = fa_str_cut(fa_str_of(argv[i] + 2), '=', &value);
        const struct fa_opt *opt = find_option(NULL, name);
        i += opt != NULL && opt->value != NULL && value.ptr == NULL;
    }
}

static int check_count(const struct fa_args *args, struct fa_err *err)
{
    const struct fa_cmd *cmd = args->cmd;
    if (args->rest_count < cmd->args_min) {
        return fa_err_set(err, FA_EINVAL, "firealarm %s needs: %s", cmd->name, cmd->usage);
    }
    if (args->rest_count <= cmd->args_max) {
        return 0;
    }
    if (cmd->args_max > 0) {
        return fa_err_set(err, FA_EINVAL, "firealarm %s takes only: %s", cmd->name, cmd->usage);
    }
    bool reads_text = find_in(cmd->options, cmd->option_count, FA_STR("text-file")) != NULL;
    return fa_err_set(err, FA_EINVAL, "firealarm %s takes no words behind its options; %s",
                      cmd->name,
                      reads_text ? "a text is read from standard input" : "--help lists those");
}

/* The last argument of some commands is a text that may begin like an option. */
static bool is_last_word(const struct fa_cmd *cmd, int argc, const char *const *argv, int i)
{
    return (cmd->flags & FA_CMD_LAST_WORD) != 0 && i == argc - 1 &&
           strcmp(argv[i], "--help") != 0 && strcmp(argv[i], "--version") != 0 &&
           strcmp(argv[i], cmd->name) != 0;
}

int fa_args_parse(int argc, const char *const *argv, struct fa_args *ret_args, struct fa_err *err)
{
    struct fa_args args = {0};
    size_t words = 0;
    int rc = 0;
    first_words(argc, argv, &args);
    if (args.rest_count > 0) {
        rc = find_command(&args, &words, err);
        if (rc != 0) {
            return rc;
        }
    }
    args.rest_count = 0;
    bool options = true;
    for (int i = 1; i < argc && rc == 0; i++) {
        options = options && !(args.cmd != NULL && is_last_word(args.cmd, argc, argv, i));
        if (options && strcmp(argv[i], "--") == 0) {
            options = false;
        } else if (options && strncmp(argv[i], "--", 2) == 0) {
            rc = read_option(argc, argv, &i, &args, err);
        } else if (options && strcmp(argv[i], "-v") == 0 &&
                   find_option(args.cmd, FA_STR("verbose")) != NULL) {
            rc = take_option(&args, find_option(args.cmd, FA_STR("verbose")), "", err);
        } else if (options && argv[i][0] == '-' && argv[i][1] != '\0') {
            rc = fa_err_set(err, FA_EINVAL, "options are whole words with two dashes, like --help");
        } else if (words > 0) {
            words--;
        } else if (args.rest_count == FA_ARGS_MAX) {
            rc = fa_err_set(err, FA_EINVAL, "there are more than %d words", FA_ARGS_MAX);
        } else {
            args.rest[args.rest_count++] = argv[i];
        }
    }
    bool stop = fa_args_has(&args, "help") || fa_args_has(&args, "version");
    if (rc == 0 && !stop && args.cmd != NULL) {
        rc = check_count(&args, err);
    }
    if (rc == 0) {
        *ret_args = args;
    }
    return rc;
}

const char *fa_args_next(const struct fa_args *args, const char *name, size_t *at)
{
    while (*at < args->given_count) {
        size_t i = (*at)++;
        if (strcmp(args->given[i].opt->name, name) == 0) {
            return args->given[i].value;
        }
    }
    return NULL;
}

const char *fa_args_get(const struct fa_args *args, const char *name)
{
    const char *last = NULL, *value;
    for (size_t at = 0; (value = fa_args_next(args, name, &at)) != NULL;) {
        last = value;
    }
    return last;
}

bool fa_args_has(const struct fa_args *args, const char *name)
{
    return fa_args_get(args, name) != NULL;
}
