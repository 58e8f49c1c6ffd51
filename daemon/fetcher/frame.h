/* SPDX-License-Identifier: MIT */
/* Frames between the daemon and the fetcher (see child/frame.h for what holds for all):
 *
 *   daemon -> fetcher: HELLO, then RUN and PING as they come, at last STOP
 *   fetcher -> daemon: HELLO, then for each RUN its BODY*, DONE, and between them LOG and PONG
 *
 * A RUN holds all that is to be known: the fetcher keeps nothing from one to the next, and a reload
 * concerns the daemon alone. BODY comes only of an answer that is whole and right. */
#ifndef FA_FETCHER_FRAME_H
#define FA_FETCHER_FRAME_H

#include "base/time.h"
#include "child/frame.h"

enum { FA_FRAME_RUN = FA_FRAME_OWN, FA_FRAME_BODY, FA_FRAME_DONE };

#define FA_FETCH_HEADERS_MAX 32u
#define FA_FETCH_PIECE_MAX   ((size_t)64 * 1024) /* bytes of one BODY */
#define FA_FETCH_BODY_MAX    ((uint64_t)256 * 1024 * 1024)
#define FA_FETCH_ERROR_MAX   400u
#define FA_FETCH_TYPE_MAX    200u

enum fa_fetch_kind {
    FA_FETCH_SCRAPE,    /* GET, the answer is the body */
    FA_FETCH_QUERY,     /* PromQL to a server's /api/v1/query; the body is Prometheus' text */
    FA_FETCH_CHECK,     /* does it answer? no body */
    FA_FETCH_HEARTBEAT, /* tell somebody outside that we are well; no body */
    FA_FETCH_CALENDAR,  /* GET, the answer is the body */
    FA_FETCH__COUNT
};

struct fa_fetch_header {
    const char *name, *value;
};

struct fa_fetch_run {
    uint64_t n; /* names the run */
    enum fa_fetch_kind kind;
    const char *url;              /* a check's may be tcp://HOST:PORT; NULL of a heartbeat */
    const char *secret_url;       /* of a heartbeat: a path or a credential's name */
    const char *query, *metric;   /* of a query: the expression, and what its answer is called */
    const char *user;             /* NULL: none; as are the next three */
    const char *password, *token; /* a path or a credential's name: the fetcher reads it */
    const char *ca;
    bool allow_private;
    bool allow_plain; /* what is read from secret_url may be http:// */
    fa_time timeout;
    uint64_t body_max; /* bytes, decompressed */
    struct fa_fetch_header headers[FA_FETCH_HEADERS_MAX];
    uint32_t header_count;
};

struct fa_fetch_body {
    uint64_t n;
    struct fa_str type; /* the answer's Content-Type */
    struct fa_str bytes;
};

struct fa_fetch_done {
    uint64_t n;
    bool ok;
    uint32_t status; /* HTTP's; 0: none came */
    fa_time duration;
    struct fa_str error; /* why it failed; no word of a secret, no text of the answer */
};

int fa_fetch_frame_put_run(struct fa_buf *out, const struct fa_fetch_run *run) FA_MUST_CHECK;
int fa_fetch_frame_put_body(struct fa_buf *out, const struct fa_fetch_body *body) FA_MUST_CHECK;
int fa_fetch_frame_put_done(struct fa_buf *out, const struct fa_fetch_done *done) FA_MUST_CHECK;

/* Each FA_EPROTO with what is wrong. */
int fa_fetch_frame_get_run(struct fa_str record, struct fa_fetch_run *ret_run,
                           struct fa_err *err) FA_MUST_CHECK;
int fa_fetch_frame_get_body(struct fa_str record, struct fa_fetch_body *ret_body,
                            struct fa_err *err) FA_MUST_CHECK;
int fa_fetch_frame_get_done(struct fa_str record, struct fa_fetch_done *ret_done,
                            struct fa_err *err) FA_MUST_CHECK;

/* Names this build of daemon and fetcher. */
const char *fa_fetcher_build(void);

#endif
