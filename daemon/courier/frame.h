/* SPDX-License-Identifier: MIT */
/* Frames between the daemon and the courier (see child/frame.h for what holds for all):
 *
 *   daemon -> courier: HELLO, CHANNEL*, CHANNELS_END, then SEND and PING as they come, at last STOP
 *   courier -> daemon: HELLO, then VERDICT, LOG and PONG
 *
 * CHANNEL..CHANNELS_END again replaces the set. Beside the socket both have one page in memory,
 * struct fa_courier_at: whose plugin code runs now. */
#ifndef FA_COURIER_FRAME_H
#define FA_COURIER_FRAME_H

#include "base/id.h"
#include "base/time.h"
#include "child/frame.h"
#include "host/options.h"

#include <firealarm/notifier.h>

#define FA_FRAME_OPTIONS_MAX 64u
#define FA_FRAME_FIELDS_MAX  128u
#define FA_FRAME_LINES_MAX   200u

enum { FA_FRAME_CHANNEL = FA_FRAME_OWN, FA_FRAME_CHANNELS_END, FA_FRAME_SEND, FA_FRAME_VERDICT };

/* One channel. Options are the plugin's own, as written; a secret's text is its path or name. */
struct fa_frame_channel {
    const char *name, *plugin;
    const char *file; /* where it is configured; may be NULL */
    uint32_t line;
    bool machine;    /* read by a program: 32 at a time to one host instead of 2 */
    fa_time timeout; /* of one attempt; 0: 10 s */
    const struct fa_option_given *options;
    uint32_t option_count;
};

/* Order of service: lower first. */
enum fa_priority { FA_PRIORITY_CRITICAL, FA_PRIORITY_HIGH, FA_PRIORITY_NORMAL, FA_PRIORITY__COUNT };

struct fa_frame_send {
    struct fa_notification_id id; /* with notice.attempt names the attempt */
    const char *channel;
    bool plain; /* the built-in body, none of the plugin's: it brought the courier down twice */
    bool alone; /* in a request of its own, whatever else waits */
    enum fa_priority priority;
    struct firealarm_notice notice; /* fields and lines borrowed, at most FA_FRAME_FIELDS_MAX and
                                       FA_FRAME_LINES_MAX; words too */
};

/* Beside FIREALARM_SENT, _RETRY and _REJECTED: the courier ended while it was under way. An
 * enumerator and no macro, so that the engine's own FA_VERDICT_UNKNOWN can never become it. */
enum { FA_FRAME_OUTCOME_UNKNOWN = 4 };

struct fa_frame_verdict {
    struct fa_notification_id id;
    uint32_t attempt;
    uint32_t verdict;
    uint32_t status;      /* HTTP status or SMTP reply; 0: none came */
    bool plain;           /* it went out with the built-in body */
    struct fa_str detail; /* why; no word of what was sent, no answer's text */
    fa_time retry_after;  /* -1: not said */
    fa_time duration;
};

/* Whose plugin code the courier has entered; a zero id: it left it. No frame, as it changes several
 * times for each message and matters only when the courier has ended. */
#define FA_COURIER_AT_FD 4
struct fa_courier_at {
    struct fa_notification_id id;
    uint8_t batched; /* the code works on several messages, of which this is one */
};

int fa_frame_put_channel(struct fa_buf *out, const struct fa_frame_channel *chan) FA_MUST_CHECK;
int fa_frame_put_send(struct fa_buf *out, const struct fa_frame_send *send) FA_MUST_CHECK;
int fa_frame_put_verdict(struct fa_buf *out, const struct fa_frame_verdict *ver) FA_MUST_CHECK;

/* A decoder's storage for lists; the decoded struct points into it. */
struct fa_frame_lists {
    struct fa_option_given options[FA_FRAME_OPTIONS_MAX];
    struct firealarm_field fields[FA_FRAME_FIELDS_MAX];
    struct firealarm_line lines[FA_FRAME_LINES_MAX];
    struct firealarm_text words[FIREALARM_WORD__COUNT];
};

/* Each FA_EPROTO with what is wrong. */
int fa_frame_get_channel(struct fa_str record, struct fa_frame_lists *lists,
                         struct fa_frame_channel *ret_channel, struct fa_err *err) FA_MUST_CHECK;
int fa_frame_get_send(struct fa_str record, struct fa_frame_lists *lists,
                      struct fa_frame_send *ret_send, struct fa_err *err) FA_MUST_CHECK;
int fa_frame_get_verdict(struct fa_str record, struct fa_frame_verdict *ret_verdict,
                         struct fa_err *err) FA_MUST_CHECK;

/* Names this build of daemon and courier: the version and a hash of what both must agree on. */
const char *fa_courier_build(void);

#endif
