/* SPDX-License-Identifier: MIT */
/* Decoder plugins: bytes in, samples out. One `self` for each configured feed, one `conn` for each
 * connection or datagram socket. feed() accepts any split of a stream's bytes; a datagram or an
 * HTTP body piece arrives whole as one call, with FIREALARM_FEED_END on the last. An HTTP request
 * without body is one call of no bytes with FIREALARM_FEED_END: there is always a chance to reply.
 * A stream that ends is one too: its unfinished last line is complete then.
 *
 * Series: a decoder turns the raw spelling of a series (the bytes up to where they stop naming it)
 * into a handle with sink->key(). On FIREALARM_MISS it parses the labels, once, and calls
 * define(). Many keys at once are cheaper: sink->keys(). A key may be put together in the decoder's
 * memory where the format names a series in several places. It then pushes samples in batches.
 * Handle 0 (FIREALARM_IGNORED) means that no rule needs this series or that a limit refused it:
 * skip its samples, that is no error.
 *
 * One bad line never spoils the batch: reject() it with a reason and go on.
 */
#ifndef FIREALARM_DECODER_H
#define FIREALARM_DECODER_H

#include "firealarm/plugin.h"

#define FIREALARM_DECODER_ABI 1u

/* What a series' values mean. */
#define FIREALARM_GAUGE              1u /* the value itself */
#define FIREALARM_COUNTER_DELTA      2u /* add to a cumulative total */
#define FIREALARM_COUNTER_CUMULATIVE 3u /* a total that may reset to 0 */
#define FIREALARM_DISTRIBUTION       4u /* one observation, counted `weights` times */
#define FIREALARM_SET                5u /* the value is a hash of a member (any 53-bit integer) */
#define FIREALARM_STATE              6u /* 0 or 1 */
#define FIREALARM_GAUGE_DELTA        7u /* change the gauge by this; one never seen starts at 0 */

#define FIREALARM_MISS    UINT64_MAX
#define FIREALARM_IGNORED 0u

/* Time 0 means "when it arrived". Milliseconds since 1970 UTC. */
struct firealarm_label {
    struct firealarm_text name, value;
};

/* A person's report or a foreign alert that comes through a feed. */
struct firealarm_event {
    struct firealarm_text title, text, source;
    int64_t time;
    const struct firealarm_label *labels;
    uint32_t label_count;
};
struct firealarm_alert {
    const struct firealarm_label *labels, *annotations;
    uint32_t label_count, annotation_count;
    int64_t starts, ends; /* 0: not given */
    int64_t resolved;     /* 0 or 1, as the decoder judged from `now` */
};

struct firealarm_sink {
    uint32_t abi, size;
    void *ctx;
    int64_t now; /* wall clock of this call, milliseconds */
    /* A kind is part of the key: the same raw bytes as gauge and as counter are two series. */
    uint64_t (*key)(void *ctx, uint32_t kind, struct firealarm_text raw);
    /* `name` is the metric's name as sent, labels need no order; duplicate names: the last wins. */
    uint64_t (*define)(void *ctx, uint32_t kind, struct firealarm_text raw,
                       struct firealarm_text name, const struct firealarm_label *labels,
                       uint32_t label_count);
    /* Parallel arrays of n. weights (>= 1 / sample rate) and times may be NULL: all 1, all now.
     * For COUNTER_DELTA the host multiplies value by weight. */
    void (*push)(void *ctx, const uint64_t *handles, const double *values, const double *weights,
                 const int64_t *times, uint32_t n);
    void (*event)(void *ctx, const struct firealarm_event *event);
    void (*alert)(void *ctx, const struct firealarm_alert *alert);
    /* The series said that it ends (a stale marker). */
    void (*stale)(void *ctx, uint64_t handle, int64_t time);
    /* reason: a constant of the plugin, at most 60 bytes (it becomes a metric label); excerpt: the
     * offending bytes, cut and escaped by the host. */
    void (*reject)(void *ctx, const char *reason, struct firealarm_text excerpt);
    /* HTTP only, at most once: what to answer. Without it the host answers 204, or 400 when
     * something was rejected. */
    void (*reply)(void *ctx, uint32_t status, struct firealarm_text content_type,
                  struct firealarm_text body);
    /* key() for n keys at once, of parallel arrays: several times faster where many series are
     * known. May be NULL, and is not there when `size` ends before it. */
    void (*keys)(void *ctx, const uint32_t *kinds, const struct firealarm_text *raws,
                 uint64_t *handles, uint32_t n);
};

/* How a connection came about. */
struct firealarm_request {
    uint32_t size;
    uint32_t transport;                        /* FIREALARM_DATAGRAM, _STREAM or _HTTP */
    struct firealarm_text peer;                /* for messages only */
    struct firealarm_text method, path, query; /* HTTP; query undecoded, without '?' */
    const struct firealarm_label *headers;     /* HTTP; names in lower case */
    uint32_t header_count;
};
#define FIREALARM_DATAGRAM 1u
#define FIREALARM_STREAM   2u
#define FIREALARM_HTTP     3u

/* For feed()'s flags: no more bytes will follow in this datagram, body or stream. */
#define FIREALARM_FEED_END 1u

struct firealarm_decoder {
    uint32_t abi, size;
    const char *name, *version, *summary;
    const struct firealarm_option *options;
    uint32_t transports; /* bit (1 << FIREALARM_DATAGRAM) ...: what it can read */
    uint32_t reserved;
    /* Checks settings without running; may be NULL. 0, or -1 with error->text. */
    int32_t (*check)(const struct firealarm_settings *settings, struct firealarm_error *error);
    int32_t (*create)(const struct firealarm_host *host, const struct firealarm_settings *settings,
                      void **ret_self, struct firealarm_error *error);
    void (*destroy)(void *self); /* accepts NULL */
    /* The request and what it points to live until close(). */
    int32_t (*open)(void *self, const struct firealarm_request *request, void **ret_conn,
                    struct firealarm_error *error);
    /* 0: go on. -1: the connection is of no further use; error->text says why. */
    int32_t (*feed)(void *conn, const struct firealarm_sink *sink, struct firealarm_text bytes,
                    uint32_t flags, struct firealarm_error *error);
    void (*close)(void *conn); /* accepts NULL */
    /* FIREALARM_HTTP: where requests come unless the configuration says so, separated by blanks,
     * e.g. "/api/v1/write /write". NULL: it must say so. */
    const char *paths;
};

extern const struct firealarm_decoder firealarm_decoder;

#endif
