/* SPDX-License-Identifier: MIT */
/* Which texts may reach a protocol line. */
#ifndef FA_COURIER_CHILD_GUARD_H
#define FA_COURIER_CHILD_GUARD_H

#include "base/err.h"
#include "base/str.h"

#include <firealarm/notifier.h>

/* Is the request safe to hand to a protocol library that checks nothing itself? FA_EINVAL says what
 * is not, without quoting it. */
int fa_guard_request(const struct firealarm_request_out *req, struct fa_err *err) FA_MUST_CHECK;

#endif
