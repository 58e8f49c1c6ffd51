/* SPDX-License-Identifier: MIT */
/* A channel as the courier has it: its plugin's instance with its options and secrets. */
#ifndef FA_COURIER_CHILD_CHANNEL_H
#define FA_COURIER_CHILD_CHANNEL_H

#include "courier/child/builtin.h"
#include "courier/child/perform.h"
#include "courier/frame.h"
#include "host/plugins.h"

struct fa_channel {
    unsigned refs;
    char *name;
    char *endpoint; /* what shares a limit: the host and port it sends to */
    bool machine;
    uint32_t batch; /* messages in one request; 1: each has its own */
    fa_time timeout;
    const struct fa_plugin *plugin; /* NULL when broken */
    struct fa_options *options;
    void *self;
    struct fa_builtin builtin;
    char broken[512]; /* why it cannot be used; "": it can */
};

/* Never NULL: one that cannot be made is `broken`. host must outlive it. One reference. */
struct fa_channel *fa_channel_new(struct fa_plugins *plugins, const char *credentials_dir,
                                  const struct firealarm_host *host,
                                  const struct fa_frame_channel *spec);
struct fa_channel *fa_channel_ref(struct fa_channel *channel);
void fa_channel_unref(struct fa_channel *channel); /* accepts NULL */

/* The plugin's request. It lives until the next call for this channel. */
int fa_channel_render(struct fa_channel *channel, const struct firealarm_notice *notice,
                      struct firealarm_request_out *ret_request, struct fa_err *err) FA_MUST_CHECK;
/* One more message for a request of several; FA_EINVAL: it is left out. */
int fa_channel_batch_add(struct fa_channel *channel, const struct firealarm_notice *notice,
                         struct fa_err *err) FA_MUST_CHECK;
/* The request of those that were added since the last call. */
int fa_channel_batch_render(struct fa_channel *channel, struct firealarm_request_out *ret_request,
                            struct fa_err *err) FA_MUST_CHECK;
/* The built-in one. */
int fa_channel_render_plain(struct fa_channel *channel, const struct firealarm_notice *notice,
                            struct firealarm_request_out *ret_request,
                            struct fa_err *err) FA_MUST_CHECK;
/* FIREALARM_SENT, _RETRY or _REJECTED. */
uint32_t fa_channel_judge(struct fa_channel *channel, const struct fa_outcome *outcome,
                          struct firealarm_error *why);

#endif
