/* SPDX-License-Identifier: MIT */
/* The daemon's side of the courier: starts firealarm-courier, feeds it, watches it and replaces it
 * (child/child.h). Knows no loop: the caller watches its child's fd, calls in when something
 * happens and again at fa_link_next_deadline. Nothing here blocks.
 *
 * A courier that sits on an attempt is ended, too. Every attempt that was open at an end gets the
 * verdict FA_FRAME_OUTCOME_UNKNOWN; the caller sends it again under the same key. A notification
 * whose plugin code ran (or, when that is not known, that was the oldest) at two such ends is sent
 * `plain` from then on; after an end within the code for several messages each goes `alone` for
 * 10 s, so that the next end names one. */
#ifndef FA_COURIER_LINK_H
#define FA_COURIER_LINK_H

#include "child/child.h"
#include "courier/frame.h"

#define FA_LINK_OPEN_MAX    4096u /* attempts under way */
#define FA_LINK_CHANNEL_MAX 256u  /* of them for one channel: see fa_link_channel_open */
#define FA_LINK_OUT_MAX     ((size_t)8 * 1024 * 1024) /* bytes not yet taken by the courier */

struct fa_link_config {
    const char *path;        /* of firealarm-courier */
    const char *plugins_dir; /* see fa_frame_hello */
    const char *credentials_dir;
    char *const *env; /* the child's environment; NULL: only PATH and LC_ALL */
};

/* Called from within the functions below, never after fa_link_free; they may call fa_link_send and
 * fa_link_set_channels, not fa_link_free. */
struct fa_link_callbacks {
    /* Exactly once for every attempt that fa_link_send took, also when the courier ends. */
    void (*on_verdict)(void *ctx, const struct fa_frame_verdict *verdict);
    void (*on_log)(void *ctx, uint32_t level, const char *text);
    /* The descriptor is another one (or -1) after this. why: one line for people, "" if none. */
    void (*on_state)(void *ctx, enum fa_child_state state, const char *why);
};

struct fa_link;

/* The config's texts are copied, env is borrowed. */
struct fa_link *fa_link_new(const struct fa_link_config *config,
                            const struct fa_link_callbacks *callbacks, void *ctx);
/* Kills and reaps without a word; open attempts get no verdict any more. Accepts NULL. */
void fa_link_free(struct fa_link *link);

/* The set of channels; sent at once and again to every later courier. Attempts under way go on.
 * FA_ETOOBIG: a channel is over a limit; FA_EAGAIN: the courier has not taken earlier sets yet. The
 * old set stays then. */
int fa_link_set_channels(struct fa_link *link, const struct fa_frame_channel *channels,
                         size_t count, struct fa_err *err) FA_MUST_CHECK;
/* Starts the courier; a failure to is reported by on_state(WAITING) and tried again. */
void fa_link_start(struct fa_link *link, struct fa_now now);

/* 0: taken, a verdict will come. FA_EAGAIN: no courier is up, send when on_state says UP. FA_EFULL:
 * too much is under way, send again after a verdict. FA_EEXISTS: that id is under way. FA_ETOOBIG:
 * it never fits a frame. */
int fa_link_send(struct fa_link *link, const struct fa_frame_send *send,
                 struct fa_now now) FA_MUST_CHECK;

/* For its descriptor, its pid and its end; its ticks and deadlines are the link's. After
 * fa_link_send, which only queues, fa_child_on_writable. */
struct fa_child *fa_link_child(struct fa_link *link);
void fa_link_on_tick(struct fa_link *link, struct fa_now now);
/* By the monotonic clock; FA_NEVER: none. */
fa_time fa_link_next_deadline(const struct fa_link *link);

/* Attempts under way for this channel. At FA_LINK_CHANNEL_MAX the caller keeps more for later, lest
 * one that hangs takes all places; fa_link_send itself does not refuse them. */
size_t fa_link_channel_open(const struct fa_link *link, const char *channel);
/* Attempts under way. */
size_t fa_link_open_count(const struct fa_link *link);

#endif
