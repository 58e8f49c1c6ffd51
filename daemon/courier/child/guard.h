/* SPDX-License-Identifier: MIT */
/* What may leave: addresses that may be connected to, and texts that may reach a protocol line. */
#ifndef FA_COURIER_CHILD_GUARD_H
#define FA_COURIER_CHILD_GUARD_H

#include "base/err.h"
#include "base/str.h"

#include <firealarm/notifier.h>
#include <sys/socket.h>

/* Loopback, private, link-local, CGNAT, unique local, multicast, reserved, and IPv6 forms that
 * carry such an IPv4 address; everything that is neither IPv4 nor IPv6. */
bool fa_guard_is_private(const struct sockaddr *addr, socklen_t len);

/* Is the request safe to hand to a protocol library that checks nothing itself? FA_EINVAL says what
 * is not, without quoting it. */
int fa_guard_request(const struct firealarm_request_out *req, struct fa_err *err) FA_MUST_CHECK;

#endif
