/* SPDX-License-Identifier: MIT */
/* Frames between the daemon and the courier, over a stream socket pair:
 *
 *   frame = u32 little-endian length of what follows, u8 type, record (base/rec.h)
 *
 *   daemon -> courier: HELLO, CHANNEL*, CHANNELS_END, then SEND and PING as they come, at last STOP
 *   courier -> daemon: HELLO, then VERDICT, LOG and PONG
 *
 * The first frame of each side is HELLO, with the build it comes from; another build is refused, as
 * no two builds need to understand each other. CHANNEL..CHANNELS_END again replaces the set.
 * Beside the socket both have one page in memory, struct fa_courier_at: whose plugin code runs now.
 *
 * The reader of frames trusts no byte: a frame that is too long, of an unknown type or with a field
 * missing is FA_EPROTO with what was wrong.
 *
 * Encoders append one whole frame or nothing (FA_ETOOBIG: the frame is over its limit; FA_EFULL:
 * out has no room; out stays usable). Decoded texts are borrowed from the frame's bytes; those that
 * are `const char *` are NUL-terminated in it. */
#ifndef FA_COURIER_FRAME_H
#define FA_COURIER_FRAME_H

#include "base/buf.h"
#include "base/err.h"
#include "base/id.h"
#include "base/str.h"
#include "base/time.h"
#include "host/options.h"

#include <firealarm/notifier.h>

#define FA_FRAME_MAX         ((size_t)1024 * 1024) /* bytes, without the length itself */
#define FA_FRAME_OPTIONS_MAX 64u
#define FA_FRAME_FIELDS_MAX  128u
#define FA_FRAME_ABI         1u

enum fa_frame_type {
    FA_FRAME_HELLO = 1,
    FA_FRAME_CHANNEL,
    FA_FRAME_CHANNELS_END,
    FA_FRAME_SEND,
    FA_FRAME_VERDICT,
    FA_FRAME_PING,
    FA_FRAME_PONG,
    FA_FRAME_LOG,
    FA_FRAME_STOP,
    FA_FRAME__END
};

struct fa_frame {
    enum fa_frame_type type;
    struct fa_str record; /* borrowed */
};

struct fa_frame_hello {
    const char *build;           /* fa_courier_build() of the sender */
    uint32_t abi;                /* FA_FRAME_ABI */
    const char *plugins_dir;     /* from the daemon: holds notifiers/; NULL: only those linked in */
    const char *credentials_dir; /* from the daemon: where named secrets are; NULL: none */
};

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
    struct firealarm_notice notice; /* notice.fields borrowed, at most FA_FRAME_FIELDS_MAX */
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

struct fa_frame_ping {
    uint64_t n;
};

struct fa_frame_log {
    uint32_t level; /* as in syslog */
    struct fa_str text;
};

int fa_frame_put_hello(struct fa_buf *out, const struct fa_frame_hello *hello) FA_MUST_CHECK;
int fa_frame_put_channel(struct fa_buf *out, const struct fa_frame_channel *chan) FA_MUST_CHECK;
int fa_frame_put_send(struct fa_buf *out, const struct fa_frame_send *send) FA_MUST_CHECK;
int fa_frame_put_verdict(struct fa_buf *out, const struct fa_frame_verdict *ver) FA_MUST_CHECK;
/* FA_FRAME_PING or FA_FRAME_PONG. */
int fa_frame_put_ping(struct fa_buf *out, enum fa_frame_type type,
                      const struct fa_frame_ping *ping) FA_MUST_CHECK;
int fa_frame_put_log(struct fa_buf *out, const struct fa_frame_log *log) FA_MUST_CHECK;
/* FA_FRAME_CHANNELS_END or FA_FRAME_STOP. */
int fa_frame_put_empty(struct fa_buf *out, enum fa_frame_type type) FA_MUST_CHECK;

/* Takes the first whole frame off *bytes: 1 and *ret_frame, 0 when more bytes are needed,
 * FA_EPROTO. */
int fa_frame_next(struct fa_str *bytes, struct fa_frame *ret_frame,
                  struct fa_err *err) FA_MUST_CHECK;

/* A decoder's storage for lists; the decoded struct points into it. */
struct fa_frame_lists {
    struct fa_option_given options[FA_FRAME_OPTIONS_MAX];
    struct firealarm_field fields[FA_FRAME_FIELDS_MAX];
};

/* Each FA_EPROTO with what is wrong. */
int fa_frame_get_hello(struct fa_str record, struct fa_frame_hello *ret_hello,
                       struct fa_err *err) FA_MUST_CHECK;
int fa_frame_get_channel(struct fa_str record, struct fa_frame_lists *lists,
                         struct fa_frame_channel *ret_channel, struct fa_err *err) FA_MUST_CHECK;
int fa_frame_get_send(struct fa_str record, struct fa_frame_lists *lists,
                      struct fa_frame_send *ret_send, struct fa_err *err) FA_MUST_CHECK;
int fa_frame_get_verdict(struct fa_str record, struct fa_frame_verdict *ret_verdict,
                         struct fa_err *err) FA_MUST_CHECK;
int fa_frame_get_ping(struct fa_str record, struct fa_frame_ping *ret_ping,
                      struct fa_err *err) FA_MUST_CHECK;
int fa_frame_get_log(struct fa_str record, struct fa_frame_log *ret_log,
                     struct fa_err *err) FA_MUST_CHECK;

/* Names this build of daemon and courier: the version and a hash of what both must agree on. */
const char *fa_courier_build(void);
/* FA_EVERSION says which two builds met and what to do. */
int fa_frame_check_hello(const struct fa_frame_hello *hello, struct fa_err *err) FA_MUST_CHECK;

#endif
