/* SPDX-License-Identifier: MIT */
/* `firealarm fetch list`: what the daemon pulls, and how the newest run of each job went. */
#include "client/commands.h"

#include "client/api.h"
#include "client/screen.h"

#include <string.h>

static const char *or_dash(const char *text)
{
    return text != NULL ? text : "-";
}

static void add_number(struct fa_table *table, json_int_t number)
{
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)number);
    fa_table_add(table, FA_PLAIN, text);
}

static enum fa_paint paint_of(const char *state)
{
    return strcmp(state, "up") == 0 ? FA_GREEN : strcmp(state, "down") == 0 ? FA_RED : FA_YELLOW;
}

static void add_row(struct fa_table *table, const json_t *job)
{
    const char *state = or_dash(fa_member_text(job, "state"));
    const char *error = fa_member_text(job, "error");
    fa_table_add(table, FA_PLAIN, or_dash(fa_member_text(job, "name")));
    fa_table_add(table, FA_PLAIN, or_dash(fa_member_text(job, "kind")));
    fa_table_add(table, paint_of(state), state);
    add_number(table, fa_member_int(job, "duration_ms"));
    add_number(table, fa_member_int(job, "samples"));
    add_number(table, fa_member_int(job, "failures"));
    add_number(table, fa_member_int(job, "missed"));
    fa_table_add(table, FA_PLAIN, error != NULL ? error : or_dash(fa_member_text(job, "url")));
}

static void render(struct fa_screen *screen, const json_t *answer)
{
    struct fa_table table = {
        .titles = {"NAME", "KIND", "STATE", "MS", "SAMPLES", "FAILED", "MISSED", "WHAT"},
        .columns = 8};
    const json_t *list = json_object_get(answer, "jobs"), *job;
    size_t i;
    json_array_foreach(list, i, job)
    {
        add_row(&table, job);
    }
    if (table.count == 0) {
        fa_say(screen, "Nothing is pulled: the configuration has no fetch job.\n");
    } else {
        fa_table_print(screen, &table);
    }
    fa_table_done(&table);
}

static int run(struct fa_client *client, const struct fa_args *args)
{
    struct fa_answer answer;
    int code = fa_api_ask(client, "/v1/fetch", NULL, &answer);
    if (code == FA_EXIT_OK) {
        if (!fa_api_printed(client, &answer)) {
            render(&client->out, answer.json);
        }
        fa_answer_done(&answer);
    }
    return code;
}

static const struct fa_example examples[] = {
    {"firealarm fetch list", "What is pulled, and what does not answer."},
};

const struct fa_cmd fa_cmd_fetch_list = {
    .name = "fetch list",
    .usage = "",
    .summary = "list what the daemon pulls, and how that goes",
    .about = "For operators. STATE is up, down, or unknown: no result came for too long. MS and "
             "SAMPLES are of the newest run, SAMPLES those that rules watch; FAILED and MISSED "
             "count runs since the start, MISSED those that were due while the one before them was "
             "not over. WHAT is why the newest run failed, or the address.",
    .examples = examples,
    .example_count = FA_COUNT(examples),
    .run = run,
};
