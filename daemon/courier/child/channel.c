/* SPDX-License-Identifier: MIT */
/* Channels: plugin, options, secrets, instance.
 *
 * A channel that cannot be made costs itself and nothing else: it stays in the set, broken, and
 * says why to everything that is sent through it. References keep a replaced channel until what is
 * under way through it has come back. */
#include "courier/child/channel.h"
#include "base/panic.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_TIMEOUT (10 * FA_SECOND)
#define BATCH_MAX       500u

/* Keeps the first; there may be several. */
static void on_option_error(void *ctx, const struct fa_err *err)
{
    struct fa_channel *channel = ctx;
    if (channel->broken[0] == '\0') {
        fa_err_format(err, channel->broken, sizeof channel->broken);
    }
}

static void break_channel(struct fa_channel *channel, const struct fa_err *err)
{
    if (channel->broken[0] == '\0') {
        fa_err_format(err, channel->broken, sizeof channel->broken);
    }
    if (channel->broken[0] == '\0') {
        snprintf(channel->broken, sizeof channel->broken, "it cannot be used");
    }
}

static int make_options(struct fa_channel *channel, const char *credentials_dir,
                        const struct fa_frame_channel *spec)
{
    char what[160];
    snprintf(what, sizeof what, "notifier \"%.120s\"", spec->name);
    struct fa_options_input input = {.table = channel->plugin->options,
                                     .what = what,
                                     .name = channel->name,
                                     .given = spec->options,
                                     .count = spec->option_count,
                                     .file = spec->file,
                                     .line = spec->line,
                                     .credentials_dir = credentials_dir};
    return fa_options_parse(&input, on_option_error, channel, &channel->options);
}

static int make(struct fa_channel *channel, struct fa_plugins *plugins, const char *credentials_dir,
                const struct firealarm_host *host, const struct fa_frame_channel *spec,
                struct fa_err *err)
{
    const struct fa_plugin *plugin = NULL;
    int rc = fa_plugins_load(plugins, FA_PLUGIN_NOTIFIER, spec->plugin, &plugin, err);
    if (rc < 0) {
        return rc;
    }
    channel->plugin = plugin;
    rc = make_options(channel, credentials_dir, spec);
    if (rc < 0) {
        return rc;
    }
    const struct firealarm_settings *settings = fa_options_settings(channel->options);
    rc = fa_plugin_check(plugin, settings, err);
    return rc < 0 ? rc : fa_plugin_create(plugin, host, settings, &channel->self, err);
}

static char *endpoint_of(struct fa_channel *channel)
{
    char endpoint[300];
    if (channel->options != NULL) {
        fa_builtin_url(channel->plugin->options, fa_options_settings(channel->options),
                       &channel->builtin.url);
        struct fa_str url = fa_buf_str(&channel->builtin.url);
        if (fa_url_endpoint((struct firealarm_text){url.ptr, url.len}, endpoint, sizeof endpoint) ==
            0) {
            return fa_xstrdup(endpoint);
        }
    }
    snprintf(endpoint, sizeof endpoint, "channel %.200s", channel->name);
    return fa_xstrdup(endpoint);
}

static uint32_t batch_of(const struct fa_channel *channel)
{
    const struct firealarm_notifier *notifier = channel->plugin->notifier;
    bool can = notifier->batch_max != NULL && notifier->batch_add != NULL &&
               notifier->batch_render != NULL;
    uint32_t max = can ? notifier->batch_max(channel->self) : 1;
    return max < 1 ? 1 : max > BATCH_MAX ? BATCH_MAX : max;
}

struct fa_channel *fa_channel_new(struct fa_plugins *plugins, const char *credentials_dir,
                                  const struct firealarm_host *host,
                                  const struct fa_frame_channel *spec)
{
    struct fa_channel *channel = fa_xcalloc(1, sizeof *channel);
    struct fa_err err = {0};
    channel->refs = 1;
    channel->name = fa_xstrdup(spec->name);
    channel->machine = spec->machine;
    channel->timeout = spec->timeout > 0 ? spec->timeout : DEFAULT_TIMEOUT;
    channel->batch = 1;
    fa_builtin_init(&channel->builtin);
    if (make(channel, plugins, credentials_dir, host, spec, &err) < 0) {
        break_channel(channel, &err);
    } else {
        channel->batch = batch_of(channel);
    }
    channel->endpoint = endpoint_of(channel);
    return channel;
}

struct fa_channel *fa_channel_ref(struct fa_channel *channel)
{
    channel->refs++;
    return channel;
}

void fa_channel_unref(struct fa_channel *channel)
{
    if (channel == NULL || --channel->refs > 0) {
        return;
    }
    if (channel->self != NULL) {
        fa_plugin_destroy(channel->plugin, channel->self);
    }
    fa_options_free(channel->options);
    fa_builtin_done(&channel->builtin);
    free(channel->endpoint);
    free(channel->name);
    free(channel);
}

static int failed(struct firealarm_error *why, struct fa_err *err)
{
    why->text[sizeof why->text - 1] = '\0';
    return fa_err_set(err, FA_EINVAL, "%s",
                      why->text[0] != '\0' ? why->text : "the plugin did not say why");
}

int fa_channel_render(struct fa_channel *channel, const struct firealarm_notice *notice,
                      struct firealarm_request_out *ret_request, struct fa_err *err)
{
    struct firealarm_request_out req = {.size = sizeof req};
    struct firealarm_error why = {""};
    if (channel->plugin->notifier->render(channel->self, notice, &req, &why) != 0) {
        return failed(&why, err);
    }
    *ret_request = req;
    return 0;
}

int fa_channel_batch_add(struct fa_channel *channel, const struct firealarm_notice *notice,
                         struct fa_err *err)
{
    struct firealarm_error why = {""};
    return channel->plugin->notifier->batch_add(channel->self, notice, &why) == 0
               ? 0
               : failed(&why, err);
}

int fa_channel_batch_render(struct fa_channel *channel, struct firealarm_request_out *ret_request,
                            struct fa_err *err)
{
    struct firealarm_request_out req = {.size = sizeof req};
    struct firealarm_error why = {""};
    if (channel->plugin->notifier->batch_render(channel->self, &req, &why) != 0) {
        return failed(&why, err);
    }
    *ret_request = req;
    return 0;
}

int fa_channel_render_plain(struct fa_channel *channel, const struct firealarm_notice *notice,
                            struct firealarm_request_out *ret_request, struct fa_err *err)
{
    return fa_builtin_render(&channel->builtin, channel->plugin->options,
                             fa_options_settings(channel->options), notice, ret_request, err);
}

uint32_t fa_channel_judge(struct fa_channel *channel, const struct fa_outcome *outcome,
                          struct firealarm_error *why)
{
    uint32_t verdict = fa_outcome_judge(outcome, why);
    if (channel->plugin->notifier->judge == NULL) {
        return verdict;
    }
    struct firealarm_error own = {""};
    uint32_t given = channel->plugin->notifier->judge(channel->self, &outcome->response, &own);
    own.text[sizeof own.text - 1] = '\0';
    if (given < FIREALARM_SENT || given > FIREALARM_REJECTED) {
        return verdict; /* nonsense from a plugin is no verdict */
    }
    if (own.text[0] != '\0') {
        *why = own;
    }
    return given;
}
