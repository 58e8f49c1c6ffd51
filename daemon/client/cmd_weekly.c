/* SPDX-License-Identifier: MIT */
/* `firealarm weekly`: what the caller's weekly digest would say now. */
#include "client/commands.h"

#include "client/api.h"

static int run(struct fa_client *client, const struct fa_args *args)
{
    struct fa_answer answer;
    int code = fa_api_ask(client, "/v1/weekly", NULL, &answer);
    if (code == FA_EXIT_OK) {
        if (!fa_api_printed(client, &answer)) {
            fa_put(&client->out, FA_BOLD, fa_member_text(answer.json, "week"));
            fa_say(&client->out, "\n\n");
            fa_put_wrapped(&client->out, 0, NULL, fa_member_text(answer.json, "text"));
        }
        fa_answer_done(&answer);
    }
    return code;
}

static const struct fa_example examples[] = {
    {"firealarm weekly", "What would my weekly digest say now?"},
};

const struct fa_cmd fa_cmd_weekly = {
    .name = "weekly",
    .usage = "",
    .summary = "show what your weekly digest would say now",
    .about = "Near misses, feeds that stopped, rules that never fired, people never reached, "
             "alarms past due that you may see, how you kept your own promises, and the messages "
             "you got against the budget set for you: of the last seven days, and only what you "
             "may know. The message itself comes at the time that the configuration says "
             "(weekly), by your own clocks. Promises of others are counted nowhere, and messages "
             "about what people filed in no number of messages.",
    .examples = examples,
    .example_count = FA_COUNT(examples),
    .run = run,
};
