/* SPDX-License-Identifier: MIT */
/* `firealarm check`: proves a configuration without a daemon, as the daemon itself would. One that
 * runs is asked which rules read what never came, or comes too seldom for them, and what windows
 * and inhibitions would have hidden; without it, or without leave, nothing is said. */
#include "client/commands.h"

#include "calendar/reader.h"
#include "client/api.h"
#include "client/hindsight.h"
#include "config/config.h"
#include "host/plugins.h"
#include "rules/rules.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct fa_opt options[] = {
    {"plugins", "DIR", "The directory that holds decoders/, notifiers/ and stores/.", NULL, false,
     true},
};

static const struct fa_example examples[] = {
    {"firealarm check", "Is /etc/firealarm/firealarm.cfg sound? Every fault is said at once."},
    {"firealarm check new/firealarm.cfg && sudo systemctl reload firealarmd",
     "Nothing goes live that cannot be proved."},
    {"firealarm check --json | jq -r '.faults[] | \"\\(.file):\\(.line): \\(.text)\"'",
     "For editors and other programs."},
};

struct tally {
    struct fa_client *client;
    json_t *list;   /* of all that was said; NULL: said to people */
    json_t *hiding; /* what windows and inhibitions would have hidden; NULL: nobody was asked */
    unsigned faults, warnings;
};

static void on_fault(void *ctx, bool is_warning, const struct fa_err *err)
{
    struct tally *tally = ctx;
    char text[1024];
    tally->faults += !is_warning;
    tally->warnings += is_warning;
    if (tally->list != NULL) {
        json_array_append_new(tally->list,
                              json_pack("{s:s, s:o, s:i, s:i, s:o}", "kind",
                                        is_warning ? "warning" : "error", "file",
                                        fa_json_clean(err->file), "line", (int)err->line, "column",
                                        (int)err->col, "text", fa_json_clean(err->text)));
        return;
    }
    fa_put(&tally->client->out, is_warning ? FA_PLAIN : FA_BOLD,
           is_warning ? "warning: " : "error: ");
    /* An expression is shown on further lines, with a caret under the place. */
    char *line = text, *end;
    (void)fa_err_format(err, text, sizeof text);
    do {
        end = strchr(line, '\n');
        if (end != NULL) {
            *end = '\0';
        }
        size_t blanks = strspn(line, " ");
        fa_say(&tally->client->out, "%*s", (int)blanks, "");
        fa_put(&tally->client->out, FA_PLAIN, line + blanks);
        fa_say(&tally->client->out, "\n");
        line = end != NULL ? end + 1 : NULL;
    } while (line != NULL);
}

static void say_end(struct fa_client *client, const char *path, const struct fa_config *config,
                    const struct tally *tally)
{
    fa_put(&client->out, FA_PLAIN, path);
    if (config == NULL) {
        fa_say(&client->out, " is refused: %u fault%s\n", tally->faults,
               tally->faults == 1 ? "" : "s");
        return;
    }
    fa_say(&client->out, " is sound: %zu people, %zu policies, %zu rules, %u warning%s\n",
           config->people->people_count, config->setup.policy_count, config->rule_count,
           tally->warnings, tally->warnings == 1 ? "" : "s");
    if (config->setup.weekly.to_count == 0) {
        fa_say(&client->out,
               "Nobody gets a weekly digest of near misses, feeds that stopped and people "
               "never reached: weekly = { to = [ \"role:...\" ]; } would send one.\n");
    }
}

/* What business time comes to, with today's date: it shows whether the calendar is the right one.
 */
static void say_business(struct fa_client *client, const struct fa_config *config)
{
    char text[FA_CONFIG_EXAMPLE_SIZE];
    for (size_t i = 0; config != NULL && i < config->rule_count; i++) {
        if (fa_config_example(config, config->rules[i], text)) {
            fa_say(&client->out, "rule %s: %s\n", config->rules[i]->name, text);
        }
    }
    for (size_t i = 0; config != NULL && i < config->setup.category_count; i++) {
        if (fa_config_due_example(config, &config->setup.categories[i], text)) {
            fa_say(&client->out, "category %s: %s\n", config->setup.categories[i].name, text);
        }
    }
}

static void print_json(const struct tally *tally, const char *path, bool is_sound)
{
    struct fa_client *client = tally->client;
    json_t *all = json_pack("{s:o, s:b, s:O}", "file", fa_json_clean(path), "sound", is_sound,
                            "faults", tally->list);
    json_object_set_new(all, "hiding",
                        tally->hiding != NULL ? json_incref(tally->hiding) : json_array());
    char *text =
        json_dumps(all, (client->out.tty ? JSON_INDENT(2) : JSON_COMPACT) | JSON_ENSURE_ASCII);
    fa_say(&client->out, "%s\n", text != NULL ? text : "{}");
    free(text);
    json_decref(all);
}

static const struct fa_rule *rule_named(const struct fa_config *config, const char *name)
{
    for (size_t i = 0; name != NULL && i < config->rule_count; i++) {
        if (strcmp(config->rules[i]->name, name) == 0) {
            return config->rules[i];
        }
    }
    return NULL;
}

/* Twice the interval in whole days, hours or minutes: one sample may be late. */
static fa_time enough(fa_time interval)
{
    fa_time unit = interval >= FA_DAY / 2 ? FA_DAY : interval >= FA_HOUR / 2 ? FA_HOUR : FA_MINUTE;
    return (2 * interval + unit / 10) / unit * unit > interval
               ? (2 * interval + unit / 10) / unit * unit
               : unit;
}

/* In words, what is wrong with the feed and what would be right. */
static void put_sparse(struct fa_buf *buf, const struct fa_rule_feed *feed, fa_time interval,
                       const char *seen)
{
    char window[40], set[40];
    fa_time part = feed->pair ? interval * 3 / 2 : interval;
    (void)fa_format_duration(feed->window > 0 ? feed->window : feed->serves, window);
    (void)fa_format_duration(enough(part), set);
    if (feed->window == 0) {
        fa_buf_printf(
            buf,
            "which was seen to come every %s, and looks back %s: in between it is unknown, "
            "and no \"for\" goes on. Write look_back = \"%s\"",
            seen, window, set);
        return;
    }
    bool is_never = fa_rule_feed_pace(feed, interval) == FA_PACE_NEVER;
    fa_buf_printf(buf,
                  "which was seen to come every %s, over a window of %s: that %s, so the rule %s. "
                  "Write [%s]",
                  seen, window,
                  is_never     ? "never has two samples"
                  : feed->pair ? "often has less than two samples"
                               : "often has no sample",
                  is_never ? "never knows anything" : "is unknown then", set);
}

/* Of a rule of the new configuration that reads what the daemon knows to come seldom. */
static void say_sparse(struct tally *tally, const struct fa_rule *rule, struct fa_rules *rules,
                       const json_t *item)
{
    const char *selector = fa_member_text(item, "selector");
    const char *text = fa_member_text(item, "interval");
    struct fa_rule_feed feed;
    fa_time interval;
    bool more = rule != NULL && selector != NULL && text != NULL &&
                fa_parse_duration(fa_str_of(text), &interval) == 0;
    for (size_t i = 0; more; i++) {
        struct fa_buf own, words;
        fa_buf_init(&own, (size_t)64 << 10);
        fa_buf_init(&words, 1024);
        more = fa_rules_feed(rules, rule->name, i, &feed, &own);
        if (more && fa_str_is(fa_buf_str(&own), selector) &&
            fa_rule_feed_pace(&feed, interval) != FA_PACE_ENOUGH) {
            char seen[40];
            struct fa_err err;
            fa_time part = interval >= FA_HOUR ? FA_MINUTE : FA_SECOND;
            (void)fa_format_duration((interval + part / 2) / part * part, seen);
            put_sparse(&words, &feed, interval, seen);
            (void)fa_err_at(&err, FA_EINVAL, rule->file, rule->line, 0,
                            "rule '%.80s' reads %.200s, %s", rule->name, selector,
                            fa_buf_text(&words));
            on_fault(tally, true, &err);
            more = false;
        }
        fa_buf_done(&own);
        fa_buf_done(&words);
    }
}

static void say_sparse_rules(struct tally *tally, const struct fa_config *config,
                             const json_t *list)
{
    struct fa_metrics *metrics = fa_metrics_new(NULL);
    struct fa_rules *rules = fa_rules_new(config->setup.rules, config->setup.rule_count, metrics);
    const json_t *item;
    size_t i;
    json_array_foreach(list, i, item)
    {
        say_sparse(tally, rule_named(config, fa_member_text(item, "rule")), rules, item);
    }
    fa_rules_free(rules);
    fa_metrics_free(metrics);
}

/* What it may come down to must have been seen to work. Of people that this configuration has. */
static void ask_tested(struct fa_client *client, const struct fa_config *config,
                       struct tally *tally)
{
    struct fa_answer answer;
    const json_t *item;
    size_t i;
    fa_api_call(&client->settings, "/v1/channels/untested", NULL, &answer);
    json_array_foreach(json_object_get(answer.json, "untested"), i, item)
    {
        const char *person = fa_member_text(item, "person");
        const char *channel = fa_member_text(item, "channel");
        struct fa_err err;
        if (person != NULL && channel != NULL &&
            fa_directory_find(config->people, fa_str_of(person)) != FA_NOBODY) {
            (void)fa_err_set(&err, FA_EINVAL,
                             "the channel '%.64s' of '%.64s' was never tested: firealarm channel "
                             "test %.64s",
                             channel, person, person);
            on_fault(tally, true, &err);
        }
    }
    fa_answer_done(&answer);
}

/* What a daemon that runs here knows of the rules of these names; silent when there is none, or it
 * does not tell this person. */
static void ask_daemon(struct fa_client *client, const struct fa_args *args,
                       const struct fa_config *config, struct tally *tally)
{
    struct fa_answer answer;
    const json_t *item;
    size_t i;
    struct fa_err unread;
    if (fa_settings_load(client->world, fa_args_get(args, "config"), &client->settings, &unread) !=
        0) {
        return;
    }
    fa_api_call(&client->settings, "/v1/feeds", NULL, &answer);
    json_array_foreach(json_object_get(answer.json, "unfed"), i, item)
    {
        const struct fa_rule *rule = rule_named(config, fa_member_text(item, "rule"));
        const char *selector = fa_member_text(item, "selector");
        struct fa_err err;
        if (rule != NULL && selector != NULL) {
            (void)fa_err_at(&err, FA_EINVAL, rule->file, rule->line, 0,
                            "rule '%.80s' reads %.300s, of which the daemon that runs never had a "
                            "sample: is the name right, and does somebody send it?",
                            rule->name, selector);
            on_fault(tally, true, &err);
        }
    }
    say_sparse_rules(tally, config, json_object_get(answer.json, "sparse"));
    fa_answer_done(&answer);
    ask_tested(client, config, tally);
    tally->hiding = fa_hindsight_ask(client, config);
    fa_settings_done(&client->settings);
}

static int run(struct fa_client *client, const struct fa_args *args)
{
    const char *path = args->rest_count > 0 ? args->rest[0] : "/etc/firealarm/firealarm.cfg";
    const char *dir = fa_args_get(args, "plugins");
    struct tally tally = {client, client->json ? json_array() : NULL, NULL, 0, 0};
    struct fa_plugins *plugins = fa_plugins_new(dir != NULL ? dir : FA_PLUGIN_DIR);
    struct fa_config *config = NULL;
    fa_time now = (fa_time)time(NULL) * FA_SECOND;
    const struct fa_calendars_config range = fa_calendars_ahead(now);
    struct fa_config_world world = {.plugins = plugins, .calendars = fa_calendars_new(&range)};
    int rc = fa_config_load(path, &world, on_fault, &tally, &config);
    fa_calendars_free(world.calendars);
    if (rc == 0) {
        ask_daemon(client, args, config, &tally);
    }
    if (tally.list != NULL) {
        print_json(&tally, path, rc == 0);
        json_decref(tally.list);
    } else {
        say_end(client, path, config, &tally);
        say_business(client, config);
        fa_hindsight_say(&client->out, tally.hiding);
    }
    json_decref(tally.hiding);
    fa_config_free(config);
    fa_plugins_free(plugins);
    return rc == 0 ? FA_EXIT_OK : FA_EXIT_FAILED;
}

const struct fa_cmd fa_cmd_check = {
    .name = "check",
    .usage = "[FILE]",
    .args_max = 1,
    .summary = "prove a configuration before it is live",
    .about =
        "Reads the configuration with all its rules.d/ and conf.d/ files and proves it as the "
        "daemon does: that every policy ends with somebody, that whoever is accused an "
        "independent contact remains, that rules can fire and clear. Every fault is said, "
        "with its file and line. Operators hear, too, which rules read what the daemon that "
        "runs has never had a sample of, whose samples were seen to lie too far apart for their "
        "look_back or range, which channels were never tested, and how many alarms of the last 30 "
        "days each maintenance window and each inhibition would have hidden.",
    .options = options,
    .option_count = FA_COUNT(options),
    .examples = examples,
    .example_count = FA_COUNT(examples),
    .run = run,
    .flags = FA_CMD_QUIET,
};
