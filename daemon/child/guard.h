/* SPDX-License-Identifier: MIT */
/* Which addresses a child may connect to when nobody said that private ones are meant. */
#ifndef FA_CHILD_GUARD_H
#define FA_CHILD_GUARD_H

#include <stdbool.h>
#include <sys/socket.h>

/* Loopback, private, link-local, CGNAT, unique local, multicast, reserved, and IPv6 forms that
 * carry such an IPv4 address; everything that is neither IPv4 nor IPv6. */
bool fa_guard_is_private(const struct sockaddr *addr, socklen_t len);

#endif
