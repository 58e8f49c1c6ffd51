/* SPDX-License-Identifier: MIT */
/* Plugins proved: each can be loaded, its options are its own and in range, its check() agrees, and
 * people's addresses are ones that the notifier can reach. Secrets are not read: one that cannot be
 * read costs its channel at run time, not the configuration.
 *
 * An unknown option is reported here and not by host/, which knows only the plugin's table: the key
 * that was meant may be one of the group's own. */
#include "config/proof.h"
#include "host/plugins.h"

#include <stdlib.h>
#include <string.h>

/* A credential's plain name is right wherever the proof runs, also by hand, where the service
 * manager has made no directory; nothing is read from it here. */
#define ANY_CREDENTIALS "/run/credentials/firealarmd.service"

struct use {
    enum fa_plugin_kind kind;
    const struct fa_plugin_config *config;
    const config_setting_t *at;
    const char *key;        /* that names the plugin */
    const char *const *own; /* the group's own keys, for suggestions */
    size_t own_count;
};

static void on_error(void *ctx, const struct fa_err *err)
{
    fa_fault_err(ctx, err);
}

static bool in_table(const struct firealarm_option *table, const char *name)
{
    for (; table->name != NULL; table++) {
        if (strcmp(table->name, name) == 0) {
            return true;
        }
    }
    return false;
}

static void unknown_option(const struct fa_proof *proof, const struct use *use,
                           const struct firealarm_option *table,
                           const struct fa_option_given *given)
{
    size_t options = fa_options_count(table), count = 0;
    const char **names = fa_xcalloc(options + use->own_count + 1, sizeof *names);
    for (size_t i = 0; i < options; i++) {
        names[count++] = table[i].name;
    }
    for (size_t i = 0; i < use->own_count; i++) {
        names[count++] = use->own[i];
    }
    char hint[96];
    struct fa_err err;
    fa_err_at(&err, FA_ENOTFOUND, given->file, given->line, 0,
              "unknown key '%.60s': neither %s '%s' nor its plugin '%s' has it%s", given->name,
              use->key, use->config->name, use->config->plugin,
              fa_did_you_mean(given->name, names, count, hint));
    fa_fault_err(proof->faults, &err);
    free(names);
}

/* Those options that the plugin has; the others are reported. The caller frees the array. */
static struct fa_option_given *known_options(const struct fa_proof *proof, const struct use *use,
                                             const struct firealarm_option *table,
                                             size_t *ret_count)
{
    const struct fa_plugin_config *config = use->config;
    struct fa_option_given *known = fa_xcalloc(config->given_count + 1, sizeof *known);
    *ret_count = 0;
    for (size_t i = 0; i < config->given_count; i++) {
        if (in_table(table, config->given[i].name)) {
            known[(*ret_count)++] = config->given[i];
        } else {
            unknown_option(proof, use, table, &config->given[i]);
        }
    }
    return known;
}

static void prove_options(const struct fa_proof *proof, const struct use *use,
                          const struct fa_plugin *plugin)
{
    struct fa_options *options = NULL;
    char what[200];
    size_t count = 0;
    struct fa_option_given *known = known_options(proof, use, plugin->options, &count);
    snprintf(what, sizeof what, "%s \"%s\"", fa_plugin_kind_name(use->kind), use->config->name);
    struct fa_options_input input = {.table = plugin->options,
                                     .what = what,
                                     .name = use->config->name,
                                     .given = known,
                                     .count = count,
                                     .file = use->config->file,
                                     .line = use->config->line,
                                     .credentials_dir = ANY_CREDENTIALS,
                                     .flags = FA_OPTIONS_SECRETS_UNREAD};
    if (fa_options_parse(&input, on_error, proof->faults, &options) == 0) {
        struct fa_err err;
        if (fa_plugin_check(plugin, fa_options_settings(options), &err) != 0) {
            fa_fault(proof->faults, use->at, FA_EINVAL, "%s", err.text);
        }
    }
    fa_options_free(options);
    free(known);
}

/* NULL after a fault. */
static const struct fa_plugin *prove_use(const struct fa_proof *proof, const struct use *use)
{
    const struct fa_plugin *plugin = NULL;
    struct fa_err err;
    if (use->config->name == NULL || use->config->plugin == NULL) {
        return NULL; /* reported where it was read */
    }
    if (fa_plugins_load(proof->plugins, use->kind, use->config->plugin, &plugin, &err) != 0) {
        fa_fault_key(proof->faults, use->at, use->key, err.code, "%s", err.text);
        return NULL;
    }
    prove_options(proof, use, plugin);
    return plugin;
}

static void prove_addresses(const struct fa_proof *proof, const struct fa_plugin *plugin,
                            const char *channel)
{
    const struct fa_directory *dir = proof->config->people;
    if (plugin->notifier->check_address == NULL) {
        return;
    }
    for (size_t p = 0; p < dir->people_count; p++) {
        for (size_t c = 0; c < dir->people[p].contact_count; c++) {
            const struct fa_contact *contact = &dir->people[p].contacts[c];
            if (contact->channel == NULL || contact->address == NULL ||
                strcmp(contact->channel, channel) != 0) {
                continue;
            }
            struct firealarm_text address = {contact->address, strlen(contact->address)};
            struct firealarm_error why = {{0}};
            if (plugin->notifier->check_address(address, &why) != 0) {
                fa_fault_key(proof->faults, proof->draft->people.items[p].contacts.items[c].at,
                             "address", FA_EINVAL, "'%.100s' cannot be reached by channel '%s': %s",
                             contact->address, channel, why.text);
            }
        }
    }
}

static void prove_channels(const struct fa_proof *proof)
{
    static const char *const own[] = {"name", "plugin", "shared", "machine", "readers"};
    for (size_t i = 0; i < proof->draft->channels.count; i++) {
        struct use use = {FA_PLUGIN_NOTIFIER,
                          &proof->config->channels[i],
                          proof->draft->channels.items[i].at,
                          "channel",
                          own,
                          sizeof own / sizeof own[0]};
        const struct fa_plugin *plugin = prove_use(proof, &use);
        if (plugin != NULL) {
            prove_addresses(proof, plugin, use.config->name);
        }
    }
}

/* Where requests come by default is the decoder's to say; from here on it is as if written. */
static void take_paths(struct fa_feed_entry *entry, const char *words)
{
    while (words != NULL && *words != '\0') {
        size_t len = strcspn(words, " ");
        entry->paths = fa_xrealloc(entry->paths, (entry->path_count + 1) * sizeof *entry->paths);
        entry->paths[entry->path_count++] = fa_xstrndup(words, len);
        words += len + (words[len] == ' ');
    }
}

static void prove_transport(const struct fa_proof *proof, size_t i,
                            const struct firealarm_decoder *decoder)
{
    struct fa_feed_entry *entry = &proof->config->feeds[i];
    const config_setting_t *at = proof->draft->feeds.items[i].at;
    bool asks = entry->address == NULL;
    if ((decoder->transports & (1u << (asks ? FIREALARM_HTTP : FIREALARM_DATAGRAM))) == 0) {
        fa_fault_key(proof->faults, at, "decoder", FA_EUNSUPPORTED,
                     asks ? "the decoder '%s' does not read requests: give the feed an address"
                          : "the decoder '%s' does not read datagrams: leave the address out, and "
                            "it takes requests",
                     decoder->name);
    } else if (asks && entry->path_count == 0) {
        take_paths(entry, decoder->paths);
        if (entry->path_count == 0) {
            fa_fault(proof->faults, at, FA_EINVAL,
                     "the decoder '%s' has no path of its own: give the feed one", decoder->name);
        }
    }
}

static void prove_feeds(const struct fa_proof *proof)
{
    static const char *const own[] = {"name", "address", "mode",  "listener",
                                      "path", "decoder", "limits"};
    for (size_t i = 0; i < proof->draft->feeds.count; i++) {
        struct use use = {FA_PLUGIN_DECODER,
                          &proof->config->feeds[i].decoder,
                          proof->draft->feeds.items[i].at,
                          "decoder",
                          own,
                          sizeof own / sizeof own[0]};
        const struct fa_plugin *plugin = prove_use(proof, &use);
        if (plugin != NULL) {
            prove_transport(proof, i, plugin->decoder);
        }
    }
}

static void prove_fetches(const struct fa_proof *proof)
{
    static const char *const own[] = {
        "name",        "kind",    "url",       "every",  "timeout",   "query", "metric",
        "labels",      "user",    "password",  "token",  "headers",   "ca",    "allow_private",
        "allow_plain", "decoder", "max_bytes", "limits", "secret_url"};
    const struct firealarm_decoder *decoder;
    for (size_t i = 0; i < proof->draft->fetches.count; i++) {
        struct use use = {FA_PLUGIN_DECODER,
                          &proof->config->fetches[i].decoder,
                          proof->draft->fetches.items[i].at,
                          "decoder",
                          own,
                          sizeof own / sizeof own[0]};
        const struct fa_plugin *plugin = prove_use(proof, &use);
        decoder = plugin != NULL ? plugin->decoder : NULL;
        if (decoder != NULL &&
            (decoder->transports & (1u << FIREALARM_HTTP | 1u << FIREALARM_STREAM)) == 0) {
            fa_fault_key(proof->faults, use.at, "decoder", FA_EUNSUPPORTED,
                         "the decoder '%s' reads datagrams alone, not what is pulled",
                         decoder->name);
        }
    }
}

void fa_prove_plugins(const struct fa_proof *proof)
{
    static const char *const own[] = {"plugin", "mac_key"};
    if (proof->plugins == NULL) {
        return;
    }
    prove_channels(proof);
    prove_feeds(proof);
    prove_fetches(proof);
    if (proof->draft->store.at == NULL) {
        fa_fault(proof->faults, NULL, FA_EINVAL,
                 "there is no store: add store = { plugin = \"sqlite\"; path = \"...\"; mac_key = "
                 "\"...\"; }");
        return;
    }
    struct use use = {
        FA_PLUGIN_STORE, &proof->config->store, proof->draft->store.at, "plugin", own, 2};
    (void)prove_use(proof, &use);
}
