/* SPDX-License-Identifier: MIT */
/* `firealarm outbox ...` and `firealarm channel test`: for those who run the daemon. */
#include "client/commands.h"

#include "client/api.h"
#include "client/render.h"

static int run_list(struct fa_client *client, const struct fa_args *args)
{
    struct fa_answer answer;
    int code = fa_api_ask(client, "/v1/outbox", NULL, &answer);
    if (code == FA_EXIT_OK) {
        if (!fa_api_printed(client, &answer)) {
            fa_render_outbox(&client->out, answer.json, client->world->now);
        }
        fa_answer_done(&answer);
    }
    return code;
}

static int post(struct fa_client *client, const struct fa_args *args, const char *verb)
{
    struct fa_buf path;
    struct fa_answer answer;
    int code = FA_EXIT_USAGE;
    fa_buf_init(&path, 512);
    if (fa_id_path(client, "outbox", args->rest[0], verb, &path)) {
        code = fa_api_ask(client, fa_buf_text(&path), json_object(), &answer);
    }
    fa_buf_done(&path);
    if (code == FA_EXIT_OK) {
        if (!fa_api_printed(client, &answer)) {
            const char *state = fa_member_text(answer.json, "state");
            fa_put(&client->out, FA_PLAIN, state != NULL ? state : "done");
            fa_say(&client->out, "\n");
        }
        fa_answer_done(&answer);
    }
    return code;
}

static int run_retry(struct fa_client *client, const struct fa_args *args)
{
    return post(client, args, "/retry");
}

static int run_drop(struct fa_client *client, const struct fa_args *args)
{
    return post(client, args, "/drop");
}

static int run_test(struct fa_client *client, const struct fa_args *args)
{
    struct fa_answer answer;
    struct fa_err err;
    json_t *request = json_pack("{s:s}", "person", args->rest[0]);
    if (request == NULL) {
        fa_err_set(&err, FA_EINVAL, "that name is not UTF-8");
        return fa_complain(client, FA_EXIT_USAGE, &err);
    }
    int code = fa_api_ask(client, "/v1/channels/test", request, &answer);
    if (code == FA_EXIT_OK) {
        if (!fa_api_printed(client, &answer)) {
            long long count = fa_member_int(answer.json, "notifications");
            fa_say(&client->out,
                   count == 0 ? "Nothing was sent: no channel is configured for them.\n"
                              : "%lld test %s on the way. See 'firealarm outbox list', and ask "
                                "whether they arrived.\n",
                   count, count == 1 ? "message is" : "messages are");
        }
        fa_answer_done(&answer);
    }
    return code;
}

static const struct fa_example list_examples[] = {
    {"firealarm outbox list", "What has not been delivered, and what was answered."},
};
static const struct fa_example retry_examples[] = {
    {"firealarm outbox retry 9QXK", "Try again now."},
};
static const struct fa_example drop_examples[] = {
    {"firealarm outbox drop 9QXK", "Give it up; the alarm itself goes on climbing."},
};
static const struct fa_example test_examples[] = {
    {"firealarm channel test maria", "Send a test over each of Maria's channels."},
};

const struct fa_cmd fa_cmd_outbox_list = {
    .name = "outbox list",
    .usage = "",
    .summary = "list the messages that are not delivered yet",
    .about = "Ids, states and codes only; never what a message says. STATE is queued or "
             "waiting for the next try; slow: given up for this step, tried now and then while "
             "nobody owns the alarm; dead: not tried again. NEXT is the next try, of a dead one "
             "when it is thrown away. CODE is what the receiver answered last, - is no answer; "
             "the daemon's log says why, by the same id.",
    .examples = list_examples,
    .example_count = FA_COUNT(list_examples),
    .run = run_list,
};
const struct fa_cmd fa_cmd_outbox_retry = {
    .name = "outbox retry",
    .usage = "ID",
    .args_min = 1,
    .args_max = 1,
    .summary = "deliver a message again, now",
    .about = "ID is the message's id in 'firealarm outbox list', or its beginning.",
    .examples = retry_examples,
    .example_count = FA_COUNT(retry_examples),
    .run = run_retry,
};
const struct fa_cmd fa_cmd_outbox_drop = {
    .name = "outbox drop",
    .usage = "ID",
    .args_min = 1,
    .args_max = 1,
    .summary = "give a message up",
    .about = "ID is the message's id in 'firealarm outbox list', or its beginning. The journal "
             "says who gave it up.",
    .examples = drop_examples,
    .example_count = FA_COUNT(drop_examples),
    .run = run_drop,
};
const struct fa_cmd fa_cmd_channel_test = {
    .name = "channel test",
    .usage = "PERSON",
    .args_min = 1,
    .args_max = 1,
    .summary = "send a test message to somebody",
    .about = "Sends a message that says it is a test over each channel of that person. The daemon "
             "remembers which arrived; check, the metrics and the log at a start name the channels "
             "on which it may come down and that were never tested.",
    .examples = test_examples,
    .example_count = FA_COUNT(test_examples),
    .run = run_test,
};
