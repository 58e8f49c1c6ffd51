/* SPDX-License-Identifier: MIT */
/* The HTTP interface of API.md over net/http.h: who calls, may they, what does it mean, what became
 * of it. Decides nothing about alarms: it asks the engine through the host and answers when the
 * host says that the answer is durable. */
#ifndef FA_API_API_H
#define FA_API_API_H

#include "alarms/engine.h"
#include "net/http.h"
#include "rules/rules.h"
#include "store/store.h"

#define FA_API_ROUTES_INGEST  1u
#define FA_API_ROUTES_API     2u
#define FA_API_ROUTES_PAGES   4u
#define FA_API_ROUTES_METRICS 8u

/* What a step answered. */
struct fa_api_answer {
    int code;
    bool already;
    uint32_t count;
    struct fa_silence_id silence;
};

/* A rule's change of level for one label set. */
#define FA_RULE_CHANGES 20
struct fa_rule_change {
    fa_time when; /* wall */
    enum fa_level level;
    double value; /* NaN: none */
    char *labels;
};

/* A fetch job, as operators see it; borrowed. */
struct fa_api_fetch {
    const char *name, *kind, *url;
    const char *state; /* "up", "down", or "unknown": no result for too long, or none yet */
    const char *error; /* of the newest run; "" if it went well */
    fa_time duration;
    uint64_t samples, runs, failures, missed;
};

/* Where a feed takes requests: one of these for each of its listeners. */
struct fa_api_feed {
    const char *name;
    char *const *paths;
    size_t path_count;
    const char *place; /* "unix:/path", "http://127.0.0.1:8652" or "https://..." */
    uint32_t body_bytes;
};
typedef void fa_api_place_fn(void *ctx, const struct fa_api_feed *feed);

/* A channel of a person that should have been tested and never was; borrowed. */
typedef void fa_api_untested_fn(void *ctx, const char *person, const char *channel);

/* The application, as the interface sees it. */
struct fa_api_host {
    void *ctx;
    struct fa_engine *(*engine)(void *ctx);
    /* NULL while the store cannot be used. */
    struct fa_store *(*store)(void *ctx);
    struct fa_now (*now)(void *ctx);
    /* Runs the event now; what it changed becomes durable with this turn. */
    struct fa_api_answer (*step)(void *ctx, struct fa_event *event);
    /* The number that the next journal entry will get. */
    uint64_t (*next_journal)(void *ctx);
    /* Takes req; answers it when everything of this turn is durable. body is copied. */
    void (*reply)(void *ctx, struct fa_http_request *req, int status, const char *type,
                  struct fa_str body);
    /* 0, or why filings are not taken now. */
    const char *(*refusing)(void *ctx);
    /* The receipt is ours and proves that journal entry n was durable; the store does not have it.
     * Who showed it is nobody's business. */
    void (*lost)(void *ctx, uint64_t n);
    /* Starts a copy of the store, or (start false) only tells how the newest one is doing. Of
     * starting: FA_EBUSY when one is under way, which is told; others fill err. */
    int (*copy)(void *ctx, bool start, struct fa_store_copy *ret_copy, struct fa_err *err);
    /* May history hold a filing of that id? False is certain, and spares a look. */
    bool (*may_know)(void *ctx, struct fa_incident_id id);
    /* The running rules, and the last changes of one of them, newest first: how many. */
    struct fa_rules *(*rules)(void *ctx);
    const struct fa_foreign *(*foreign)(void *ctx);
    size_t (*changes)(void *ctx, const char *rule, struct fa_rule_change ret[FA_RULE_CHANGES]);
    /* 0 bytes written: healthy (ready); else why not. */
    const char *(*unhealthy)(void *ctx, bool ready);
    /* Requests to feeds. feed_find: the feed that takes this path at that listener, or NULL. What
     * feed_head routed is the host's until it answered; its data is not NULL until then. */
    void *(*feed_find)(void *ctx, const char *listener, const char *path);
    void (*feed_head)(void *ctx, void *feed, struct fa_http_request *req,
                      struct fa_http_route *route);
    void (*feed_body)(void *ctx, struct fa_http_request *req, struct fa_str piece);
    void (*feed_end)(void *ctx, struct fa_http_request *req);
    void (*feed_gone)(void *ctx, struct fa_http_request *req);
    /* Fetch job i in the configuration's order; false: there are not so many. */
    bool (*fetch)(void *ctx, size_t i, struct fa_api_fetch *ret_fetch);
    void (*feeds)(void *ctx, fa_api_place_fn *fn, void *fn_ctx);
    void (*untested)(void *ctx, fa_api_untested_fn *fn, void *fn_ctx);
    /* Appends the daemon's own metrics in OpenMetrics text, without "# EOF". */
    void (*metrics)(void *ctx, struct fa_buf *out);
    const char *company, *notice, *version;
    const char *pages_url; /* NULL: messages carry no links */
};

struct fa_api;

/* Receipts and links come from these. */
struct fa_api_keys {
    uint8_t receipts[32], links[32];
};

/* host and keys are copied; the host's texts are borrowed. */
struct fa_api *fa_api_new(const struct fa_api_host *host, const struct fa_api_keys *keys);
void fa_api_free(struct fa_api *api); /* accepts NULL */
/* When the store's key was read later than the interface was made. */
void fa_api_set_keys(struct fa_api *api, const struct fa_api_keys *keys);
/* After a reload. */
void fa_api_set_texts(struct fa_api *api, const char *company, const char *notice,
                      const char *pages_url);

/* By which one person owns one alarm: a line of its own in any message to that person alone. Never
 * put it where others read. */
struct fa_api_link {
    char url[512];
    char code[8]; /* "482 913" */
};
/* step, loop: of the notification; made: when it was written, so that a retry says the same. False:
 * no page could take it. */
bool fa_api_make_link(const struct fa_api *api, struct fa_alarm_id alarm, const char *person,
                      uint32_t step, uint32_t loop, fa_time made, struct fa_api_link *ret_link);

/* What a listener serves and to whom. */
struct fa_api_doors {
    uint32_t routes; /* FA_API_ROUTES_* */
    /* Of those who feed, as BLAKE2b-256 of bearer tokens; none: whoever can connect. Borrowed until
     * the next fa_api_listener_set(). */
    const uint8_t (*tokens)[FA_TOKEN_HASH_BYTES];
    size_t token_count;
};
/* One for each listener, with its name. Lives as long as api. */
struct fa_api_listener;
struct fa_api_listener *fa_api_listener(struct fa_api *api, const char *name,
                                        const struct fa_api_doors *doors);
void fa_api_listener_set(struct fa_api_listener *listener, const struct fa_api_doors *doors);
/* For struct fa_http_config: its self is the fa_api_listener. */
const struct fa_http_handler *fa_api_handler(void);

#endif
