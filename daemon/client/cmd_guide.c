/* SPDX-License-Identifier: MIT */
/* `firealarm guide`: the examples, so that somebody can decide before anything is at stake. */
#include "client/commands.h"

#include "client/api.h"
#include "client/guide.h"
#include "client/render.h"

static const struct fa_example examples[] = {
    {"firealarm guide", "Is this mine to solve, or is it time to raise the alarm?"},
};

/* --json means the daemon's own words, so the kept copy does not do. */
static int print_json(struct fa_client *client)
{
    struct fa_answer answer;
    int code = fa_api_ask(client, "/v1/guide", NULL, &answer);
    if (code == FA_EXIT_OK) {
        fa_api_printed(client, &answer);
        fa_answer_done(&answer);
    }
    return code;
}

static int run(struct fa_client *client, const struct fa_args *args)
{
    struct fa_guide guide;
    if (client->json) {
        return print_json(client);
    }
    if (fa_guide_load(client, &guide) != 0) {
        return FA_EXIT_STOPPED;
    }
    int code = FA_EXIT_OK;
    if (guide.source == FA_GUIDE_BUILT_IN) {
        fa_put_wrapped(&client->talk, 0, NULL,
                       "The guide is with the daemon, which cannot be reached now. 'firealarm "
                       "file' works all the same.");
        code = FA_EXIT_UNREACHABLE;
    } else {
        if (guide.source == FA_GUIDE_KEPT) {
            fa_say(&client->talk, "The daemon cannot be reached; this is the guide as it was when "
                                  "you last saw it.\n\n");
        }
        fa_render_guide(&client->out, guide.json);
    }
    fa_guide_done(&guide);
    return code;
}

const struct fa_cmd fa_cmd_guide = {
    .name = "guide",
    .usage = "",
    .summary = "print what is worth an alarm, with examples",
    .about = "Prints the kinds of problems that your company wants to hear of, with examples, and "
             "whether each is yours to solve, one where you help, or one to raise the alarm.",
    .examples = examples,
    .example_count = FA_COUNT(examples),
    .run = run,
};
