/* SPDX-License-Identifier: MIT */
/* The bodies that need no plugin's code: what goes out when a plugin cannot render, so that the
 * reader is told at all. It knows the plugin's options by their customary names. */
#ifndef FA_COURIER_CHILD_BUILTIN_H
#define FA_COURIER_CHILD_BUILTIN_H

#include "base/buf.h"
#include "base/err.h"

#include <firealarm/notifier.h>

struct fa_builtin {
    struct fa_buf body, url, from, rcpt;
    struct firealarm_field headers[2];
};

void fa_builtin_init(struct fa_builtin *own);
void fa_builtin_done(struct fa_builtin *own);

/* The text of an option by its name; len 0 where there is none. */
struct firealarm_text fa_builtin_option(const struct firealarm_option *table,
                                        const struct firealarm_settings *settings,
                                        const char *name);

/* The URL that options `url` or `relay` and `tls` name; empty if the plugin has neither. */
void fa_builtin_url(const struct firealarm_option *table, const struct firealarm_settings *settings,
                    struct fa_buf *out);

/* JSON by POST for a plugin with an option `url`, a plain mail for one with `relay` and `from`;
 * FA_EUNSUPPORTED for others. The request lives in own until the next call. */
int fa_builtin_render(struct fa_builtin *own, const struct firealarm_option *table,
                      const struct firealarm_settings *settings,
                      const struct firealarm_notice *notice,
                      struct firealarm_request_out *ret_request, struct fa_err *err) FA_MUST_CHECK;

#endif
