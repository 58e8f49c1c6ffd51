/* SPDX-License-Identifier: MIT */
/* Addresses: where a socket listens, and who is at the other end. */
#ifndef FA_NET_PEER_H
#define FA_NET_PEER_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* No uid is known; also what the kernel itself calls nobody (uid_t)-1. */
#define FA_UID_NONE UINT32_MAX

enum fa_peer_kind { FA_PEER_UNIX, FA_PEER_INET };

struct fa_peer {
    enum fa_peer_kind kind;
    /* FA_PEER_UNIX: the uid at connect() time. In a user namespace every uid without a mapping
     * shows as 65534. */
    uint32_t uid;
    uint8_t addr[16]; /* FA_PEER_INET: IPv6, IPv4 as ::ffff:a.b.c.d */
    uint16_t port;
    bool is_v6;
};

/* Big enough for every peer's and endpoint's text but a Unix path. */
#define FA_PEER_TEXT_SIZE 64
/* "unix uid 1000", "192.0.2.7:4711" or "[2001:db8::7]:4711"; returns buf. */
const char *fa_peer_text(const struct fa_peer *peer, char buf[FA_PEER_TEXT_SIZE]);
/* Same for limits: equal uids, equal IPv4 addresses, or one /64 of IPv6. */
bool fa_peer_same(const struct fa_peer *a, const struct fa_peer *b);

/* A parsed "where": "/run/x.sock" or "unix:/run/x.sock", "127.0.0.1:8650", "[::1]:8650", "*:8650"
 * (every address, IPv6 and IPv4). Names are not resolved: nothing here may wait. */
struct fa_endpoint {
    struct sockaddr_storage addr;
    socklen_t len;
};
int fa_endpoint_parse(const char *text, struct fa_endpoint *ret, struct fa_err *err) FA_MUST_CHECK;

#endif
