/* SPDX-License-Identifier: MIT */
/* `firealarm oncall`: who is on duty in each schedule, until when, and who comes next. */
#include "client/commands.h"

#include "client/api.h"

#include <string.h>

static void put_escaped(struct fa_buf *path, const char *text)
{
    for (const char *at = text; *at != '\0'; at++) {
        fa_buf_printf(path, "%%%02X", (unsigned)(unsigned char)*at);
    }
}

/* "Maria Lopez until Mon 23 Nov 09:00 CET (away: otto)". */
static void put_duty(struct fa_screen *screen, const json_t *one)
{
    const json_t *others = json_object_get(one, "stand_ins"), *other;
    const char *until = fa_member_text(one, "until_here");
    size_t i;
    fa_say(screen, "  ");
    fa_put(screen, FA_BOLD, fa_member_text(one, "display"));
    if (until != NULL) {
        fa_say(screen, " until ");
        fa_put(screen, FA_PLAIN, until);
    }
    json_array_foreach(others, i, other)
    {
        fa_say(screen, i == 0 ? ", away: in their place " : ", ");
        fa_put(screen, FA_BOLD, json_string_value(other));
    }
    fa_say(screen, "\n");
}

static void put_next(struct fa_screen *screen, const json_t *next)
{
    const json_t *people = json_object_get(next, "people"), *one;
    const char *from = fa_member_text(next, "from_here");
    size_t i;
    if (from == NULL) {
        fa_say(screen, "  nobody after that, as far as is known\n");
        return;
    }
    fa_say(screen, "  from ");
    fa_put(screen, FA_PLAIN, from);
    json_array_foreach(people, i, one)
    {
        fa_say(screen, i == 0 ? " " : ", ");
        fa_put(screen, FA_PLAIN, json_string_value(one));
    }
    fa_say(screen, "\n");
}

static void put_answer(struct fa_screen *screen, const json_t *answer, bool say_at)
{
    const json_t *list = json_object_get(answer, "schedules"), *one, *duty;
    size_t i, k;
    if (say_at) {
        fa_say(screen, "On ");
        fa_put(screen, FA_PLAIN, fa_member_text(answer, "at_here"));
        fa_say(screen, ":\n");
    }
    json_array_foreach(list, i, one)
    {
        const json_t *on_duty = json_object_get(one, "on_duty");
        fa_put(screen, FA_PLAIN, fa_member_text(one, "display"));
        fa_say(screen, "\n");
        json_array_foreach(on_duty, k, duty)
        {
            put_duty(screen, duty);
        }
        if (json_array_size(on_duty) == 0) {
            fa_say(screen, "  ");
            fa_put(screen, FA_RED, "nobody");
            fa_say(screen, "\n");
        }
        put_next(screen, json_object_get(one, "next"));
    }
    if (json_array_size(list) == 0) {
        fa_say(screen, "No schedule is configured.\n");
    }
}

static int run(struct fa_client *client, const struct fa_args *args)
{
    const char *at = fa_args_get(args, "at");
    struct fa_answer answer;
    struct fa_buf path;
    fa_buf_init(&path, 512);
    fa_buf_puts(&path, "/v1/oncall");
    if (at != NULL) {
        fa_buf_puts(&path, "?at=");
        put_escaped(&path, at);
    }
    int code = fa_api_ask(client, fa_buf_text(&path), NULL, &answer);
    fa_buf_done(&path);
    if (code == FA_EXIT_OK) {
        if (!fa_api_printed(client, &answer)) {
            put_answer(&client->out, answer.json, at != NULL);
        }
        fa_answer_done(&answer);
    }
    return code;
}

static const struct fa_opt options[] = {
    {.name = "at",
     .value = "TIME",
     .help = "At that time instead of now: 2026-12-24, '2026-12-24 09:00' by your clocks, RFC "
             "3339, or how far ahead: 3d."},
};
static const struct fa_example examples[] = {
    {"firealarm oncall", "Who is on duty now, until when, and who comes next?"},
    {"firealarm oncall --at '2026-12-24 22:00'", "Who has Christmas Eve?"},
};

const struct fa_cmd fa_cmd_oncall = {
    .name = "oncall",
    .usage = "",
    .summary = "say who is on duty",
    .about = "Each schedule with the people who are on duty, until when, and who comes next. Times "
             "are in your zone, as the configuration knows it. For somebody who is away their "
             "deputy is named.",
    .options = options,
    .option_count = FA_COUNT(options),
    .examples = examples,
    .example_count = FA_COUNT(examples),
    .run = run,
};
