/* SPDX-License-Identifier: MIT */
/* `firealarm test`: plays scenarios on a virtual clock through rules, policies and people. */
#include "client/commands.h"

#include "lab/lab.h"

#include <string.h>

static const struct fa_opt options[] = {
    {"verbose", NULL, "Or -v: print all that happened, and what was told as statements to paste.",
     NULL, false, false},
    {"write", NULL, "Write what is told to the end of each FILE as what is expected from now on.",
     NULL, false, false},
    {"restart-everywhere", NULL, "Play each again with a restart after every line.", NULL, false,
     false},
    {"language", NULL, "Print what a scenario can say.", NULL, false, false},
};

static const struct fa_example examples[] = {
    {"firealarm test tests/", "Every scenario (*.fas) in there: is each told what it should be?"},
    {"firealarm test --write escalation.fas",
     "Have the timeline written down, read it, and keep it as the test."},
    {"firealarm test --language", "The words that scenarios are written in."},
};

static int run(struct fa_client *client, const struct fa_args *args)
{
    char *argv[FA_ARGS_MAX + 8] = {(char[]){"firealarm test"}};
    int argc = 1;
    static char json[] = "--json", verbose[] = "--verbose", restart[] = "--restart-everywhere",
                language[] = "--language", write[] = "--write";
    const struct {
        bool given;
        char *word;
    } flags[] = {
        {client->json, json},
        {fa_args_has(args, "verbose"), verbose},
        {fa_args_has(args, "restart-everywhere"), restart},
        {fa_args_has(args, "language"), language},
        {fa_args_has(args, "write"), write},
    };
    for (size_t i = 0; i < FA_COUNT(flags); i++) {
        if (flags[i].given) {
            argv[argc++] = flags[i].word;
        }
    }
    for (size_t i = 0; i < args->rest_count; i++) {
        argv[argc++] = (char *)(uintptr_t)args->rest[i]; /* only read */
    }
    return fa_lab_main(argc, argv, client->out.file, stderr);
}

const struct fa_cmd fa_cmd_test = {
    .name = "test",
    .usage = "FILE|DIRECTORY...",
    .args_max = FA_ARGS_MAX - 8,
    .summary = "play scenarios of a configuration on a virtual clock",
    .about = "A scenario feeds samples, files incidents, lets receivers fail and clocks jump, and "
             "says who must be told when, over which channel, in which words, and who must never "
             "be. Months are played in milliseconds. Expectations that fail are shown beside what "
             "came instead. Exit code 1: some failed; 2: a file could not be understood.",
    .options = options,
    .option_count = FA_COUNT(options),
    .examples = examples,
    .example_count = FA_COUNT(examples),
    .run = run,
    .flags = FA_CMD_QUIET,
};
