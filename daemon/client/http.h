/* SPDX-License-Identifier: MIT */
/* One request to the daemon over its Unix socket or TLS. */
#ifndef FA_CLIENT_HTTP_H
#define FA_CLIENT_HTTP_H

#include "base/buf.h"
#include "client/settings.h"

#define FA_REPLY_MAX (4u << 20) /* bytes of a body that are read */

struct fa_reply {
    long status;
    struct fa_buf body;
};

/* body NULL: a GET; else a POST of JSON. 0 when an answer came, whatever its status; then the
 * caller frees it with fa_reply_done(). FA_EIO: nobody answers there, FA_ETIMEOUT, FA_EDENIED: the
 * socket or the certificate does not let us, FA_ETOOBIG, FA_EPROTO: it is no HTTP, FA_ECLOSED:
 * Ctrl-C. After an error of a POST it is unknown whether the daemon acted. */
int fa_http_call(const struct fa_settings *settings, const char *path, const char *body,
                 struct fa_reply *ret_reply, struct fa_err *err) FA_MUST_CHECK;
/* The same with any body of any type, for feeds: the url may be http too. */
int fa_http_send(const struct fa_settings *settings, const char *path, struct fa_str body,
                 const char *type, struct fa_reply *ret_reply, struct fa_err *err) FA_MUST_CHECK;
/* Reads what stands at a URL (http, https) and hands it on as it comes; a negative code of fn ends
 * it and is returned. FA_EIO: it cannot be had, or its status is no 2xx. */
typedef int fa_http_bytes_fn(void *ctx, struct fa_str bytes, struct fa_err *err);
int fa_http_fetch(const char *url, fa_http_bytes_fn *fn, void *ctx,
                  struct fa_err *err) FA_MUST_CHECK;
void fa_reply_done(struct fa_reply *reply);

#endif
