/* SPDX-License-Identifier: MIT */
/* Notifier plugins: a notice in, a request out. They run in the courier, describe what to send and
 * judge what came back; the courier performs, times out and limits, the daemon queues and retries.
 * A plugin that fails, hangs or crashes falls back to the built-in body.
 */
#ifndef FIREALARM_NOTIFIER_H
#define FIREALARM_NOTIFIER_H

#include "firealarm/plugin.h"
#include "firealarm/words.h"

#define FIREALARM_NOTIFIER_ABI 1u

/* A named value of the alarm: its labels, then anything a template may want. */
struct firealarm_field {
    struct firealarm_text name, value;
};

/* One alarm (or call for help) of a digest. */
struct firealarm_line {
    struct firealarm_text alarm; /* its id; len 0: a call for help */
    struct firealarm_text kind;  /* as of a notice of its own */
    struct firealarm_text severity, rule, state;
    struct firealarm_text owner;             /* who owns it, if somebody does */
    struct firealarm_text title;             /* one line */
    struct firealarm_text when;              /* since when, written for this reader */
    struct firealarm_text ack_url, ack_code; /* as a notice's */
};

/* Read-only view of one message to one reader. Texts are UTF-8 without control characters other
 * than newline; absent ones have len 0. Times are milliseconds since 1970 UTC, 0: none. */
struct firealarm_notice {
    uint32_t size;
    uint32_t attempt;            /* 1 for the first try */
    struct firealarm_text key;   /* idempotency key, the same in every try */
    struct firealarm_text kind;  /* alarm, reminder, help, acknowledged, overdue,
                                    returned, resolved, unowned, test, digest (several
                                    of the others: lines), weekly (in details); take
                                    one that you do not know for an alarm */
    struct firealarm_text alarm; /* alarm id */
    struct firealarm_text severity, category, rule, policy, state;
    struct firealarm_text address;        /* the person's address on this channel; len 0: the
                                             channel's own */
    struct firealarm_text recipient;      /* display name of who is told */
    struct firealarm_text title;          /* one line */
    struct firealarm_text summary;        /* what happened, one paragraph */
    struct firealarm_text details;        /* several lines; a filing's words */
    struct firealarm_text expect;         /* what is expected of the reader */
    struct firealarm_text told;           /* who else was told, one line */
    struct firealarm_text owner;          /* who owns it, if somebody does */
    struct firealarm_text how_to_ack;     /* one line: how to own it */
    struct firealarm_text thread;         /* the same for all messages about this alarm */
    int64_t since, raised, now, promised; /* now: of this try; promised: the owner's time for
                                             the next word */
    uint32_t step, loop;                  /* 1-based step of the policy; loops done */
    const struct firealarm_field *fields;
    uint32_t field_count;
    uint32_t reserved;
    struct firealarm_text when; /* since, written for this reader */
    /* Where the reader, and nobody else, owns it, and the code to type there; both or neither.
     * Never in a log, a header or a message to another. */
    struct firealarm_text ack_url, ack_code;
    const struct firealarm_line *lines; /* of a digest; each is to be named */
    uint32_t line_count;
    uint32_t word_count;
    /* Texts for people are in the reader's language; what names something (kind, state, severity)
     * is not. What the plugin adds of its own comes from here: words[FIREALARM_WORD_X], where that
     * is below word_count and has a length; else it is said in English. */
    const struct firealarm_text *words;
    struct firealarm_text language;                 /* "de"; len 0: English */
    struct firealarm_text promised_when, sent_when; /* promised and now, written as `when` is */
};

/* What to send. All memory belongs to the plugin until the next render() of the same self. */
#define FIREALARM_REQUEST_HTTP 1u
#define FIREALARM_REQUEST_SMTP 2u
struct firealarm_request_out {
    uint32_t size;
    uint32_t kind;
    struct firealarm_text url;    /* https://... or smtps://host:port or smtp://host:port */
    struct firealarm_text method; /* HTTP; len 0: POST */
    const struct firealarm_field *headers; /* HTTP; CR, LF, NUL in one is refused by the courier */
    uint32_t header_count;
    uint32_t flags;                           /* FIREALARM_REQ_* */
    struct firealarm_text body;               /* HTTP body, or the whole mail with CRLF lines */
    struct firealarm_text mail_from, rcpt_to; /* SMTP, bare addresses */
    struct firealarm_text user, password;     /* SMTP AUTH or HTTP basic; len 0: none */
    struct firealarm_text ca_file;            /* PEM; len 0: the system's */
    struct firealarm_text helo;               /* SMTP EHLO name */
};
#define FIREALARM_REQ_ALLOW_PLAIN   1u /* http:// or SMTP without TLS is meant (loopback relays) */
#define FIREALARM_REQ_ALLOW_PRIVATE 2u /* private and loopback addresses are meant */
#define FIREALARM_REQ_FRESH         4u /* never on a reused connection */

struct firealarm_response {
    uint32_t size;
    int32_t transport; /* 0: an answer came; else the courier's code, see `error` */
    uint32_t status;   /* HTTP status or SMTP reply code; 0: none */
    uint32_t reserved;
    int64_t retry_after;         /* milliseconds; -1: not said */
    struct firealarm_text body;  /* at most 64 KiB */
    struct firealarm_text error; /* the transport's words */
};

#define FIREALARM_SENT     1u /* done */
#define FIREALARM_RETRY    2u /* try again later */
#define FIREALARM_REJECTED 3u /* the next channel now; slow retry while the alarm is unowned */

struct firealarm_notifier {
    uint32_t abi, size;
    const char *name, *version, *summary;
    const struct firealarm_option *options;
    /* Runs in the daemon too (configuration check), where secrets have a NULL text. */
    int32_t (*check)(const struct firealarm_settings *settings, struct firealarm_error *error);
    int32_t (*create)(const struct firealarm_host *host, const struct firealarm_settings *settings,
                      void **ret_self, struct firealarm_error *error);
    void (*destroy)(void *self); /* accepts NULL */
    int32_t (*render)(void *self, const struct firealarm_notice *notice,
                      struct firealarm_request_out *ret_request, struct firealarm_error *error);
    /* NULL: 2xx (SMTP 250) sent; network trouble, 408, 425, 429, 5xx (SMTP 4xx) retry; else
     * rejected. Returns FIREALARM_SENT, _RETRY or _REJECTED and may say why, or 0: as for NULL. */
    uint32_t (*judge)(void *self, const struct firealarm_response *response,
                      struct firealarm_error *why);
    /* May be NULL: is `address` one that this channel can reach? For the configuration check. */
    int32_t (*check_address)(struct firealarm_text address, struct firealarm_error *error);
    /* Several messages in one request, for readers that are programs; all three or none. The
     * courier puts together only what waits already, and one message alone goes through render().
     * The request's verdict counts for each message in it; a batch that is answered with 4xx is
     * sent again one by one, so that a message the receiver cannot take costs no other. */
    uint32_t (*batch_max)(void *self); /* messages in one request; 1: none are put together */
    /* Takes one message into the request under construction; not 0: it is left out. */
    int32_t (*batch_add)(void *self, const struct firealarm_notice *notice,
                         struct firealarm_error *error);
    /* The request of all that were added since the last call; begins a new one in any case. */
    int32_t (*batch_render)(void *self, struct firealarm_request_out *ret_request,
                            struct firealarm_error *error);
};

extern const struct firealarm_notifier firealarm_notifier;

#endif
