/* SPDX-License-Identifier: MIT */
/* `firealarm check`: proves a configuration without a daemon, as the daemon itself would. */
#include "client/commands.h"

#include "config/config.h"
#include "host/plugins.h"

static const struct fa_opt options[] = {
    {"plugins", "DIR", "The directory that holds decoders/, notifiers/ and stores/.", NULL, false,
     true},
};

static const struct fa_example examples[] = {
    {"firealarm check", "Is /etc/firealarm/firealarm.cfg sound? Every fault is said at once."},
    {"firealarm check new/firealarm.cfg && sudo systemctl reload firealarmd",
     "Nothing goes live that cannot be proved."},
};

struct tally {
    struct fa_client *client;
    unsigned faults, warnings;
};

static void on_fault(void *ctx, bool is_warning, const struct fa_err *err)
{
    struct tally *tally = ctx;
    char text[1024];
    tally->faults += !is_warning;
    tally->warnings += is_warning;
    fa_put(&tally->client->out, is_warning ? FA_PLAIN : FA_BOLD,
           is_warning ? "warning: " : "error: ");
    fa_put(&tally->client->out, FA_PLAIN, fa_err_format(err, text, sizeof text));
    fa_say(&tally->client->out, "\n");
}

static int run(struct fa_client *client, const struct fa_args *args)
{
    const char *path = args->rest_count > 0 ? args->rest[0] : "/etc/firealarm/firealarm.cfg";
    const char *dir = fa_args_get(args, "plugins");
    struct tally tally = {client, 0, 0};
    struct fa_plugins *plugins = fa_plugins_new(dir != NULL ? dir : FA_PLUGIN_DIR);
    struct fa_config *config = NULL;
    int rc = fa_config_load(path, plugins, on_fault, &tally, &config);
    if (rc == 0) {
        fa_put(&client->out, FA_PLAIN, path);
        fa_say(&client->out, " is sound: %zu people, %zu policies, %zu rules, %u warning%s\n",
               config->people->people_count, config->setup.policy_count, config->rule_count,
               tally.warnings, tally.warnings == 1 ? "" : "s");
    } else {
        fa_put(&client->out, FA_PLAIN, path);
        fa_say(&client->out, " is refused: %u fault%s\n", tally.faults,
               tally.faults == 1 ? "" : "s");
    }
    fa_config_free(config);
    fa_plugins_free(plugins);
    return rc == 0 ? FA_EXIT_OK : FA_EXIT_FAILED;
}

const struct fa_cmd fa_cmd_check = {
    .name = "check",
    .usage = "[FILE]",
    .args_max = 1,
    .summary = "prove a configuration before it is live",
    .about = "Reads the configuration with all its rules.d/ and conf.d/ files and proves it as the "
             "daemon does: that every policy ends with somebody, that whoever is accused an "
             "independent contact remains, that rules can fire and clear. Every fault is said, "
             "with its file and line.",
    .options = options,
    .option_count = FA_COUNT(options),
    .examples = examples,
    .example_count = FA_COUNT(examples),
    .run = run,
    .flags = FA_CMD_QUIET,
};
