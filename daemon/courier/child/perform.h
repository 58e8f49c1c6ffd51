/* SPDX-License-Identifier: MIT */
/* Performs requests: libcurl's multi interface on libevent (perform.c), and says what an answer
 * means (outcome.c). The only users of libcurl here. */
#ifndef FA_COURIER_CHILD_PERFORM_H
#define FA_COURIER_CHILD_PERFORM_H

#include "base/err.h"
#include "base/time.h"

#include <event2/event.h>
#include <firealarm/notifier.h>

#define FA_PERFORM_BODY_MAX ((size_t)64 * 1024) /* bytes of an answer, and of its headers */

/* Beside libcurl's codes in firealarm_response.transport, which are below 1000. */
#define FA_TRANSPORT_DENIED  1001 /* the address is private and that was not meant */
#define FA_TRANSPORT_TOOBIG  1002 /* the answer was over its limit */
#define FA_TRANSPORT_TIMEOUT 1003 /* by our own clock */

struct fa_outcome {
    struct firealarm_response response; /* its texts are borrowed until the callback returns */
    uint32_t kind;                      /* FIREALARM_REQUEST_* */
    const char *location_host;          /* of a redirect that was not followed; "" if none */
};

/* Exactly once for each start that returned 0, from the loop, never from within the start. */
typedef void fa_outcome_fn(void *ctx, const struct fa_outcome *outcome);

struct fa_performer;
struct fa_transfer;

struct fa_performer *fa_performer_new(struct event_base *base, struct fa_err *err);

/* Those that were started begin now, and not in the loop's next turn. Not from an outcome. */
void fa_performer_go(struct fa_performer *performer);

/* Copies all it needs of req. FA_EINVAL: the request is not fit to be sent. */
int fa_perform_start(struct fa_performer *performer, const struct firealarm_request_out *req,
                     fa_time timeout, fa_outcome_fn *done, void *ctx,
                     struct fa_err *err) FA_MUST_CHECK;

/* What is right where a plugin has no judge(): the answer's verdict, and why in detail. */
uint32_t fa_outcome_judge(const struct fa_outcome *outcome, struct firealarm_error *why);

/* Retry-After: seconds or an HTTP date, bounded to a day; -1 for what is neither. */
fa_time fa_retry_after_parse(const char *value, fa_time wall);

/* "host:port" of a URL in lower case, for the limit per host. FA_EINVAL. */
int fa_url_endpoint(struct firealarm_text url, char *buf, size_t size) FA_MUST_CHECK;

#endif
