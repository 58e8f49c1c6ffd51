/* SPDX-License-Identifier: MIT */
/* Making and adopting sockets: what listeners and datagram sockets share. Inner to this room. */
#ifndef FA_NET_SOCKET_H
#define FA_NET_SOCKET_H

#include "net/peer.h"

struct fa_socket {
    int fd;            /* -1: none */
    char *path;        /* file of ours to remove at close; NULL: none */
    uint64_t dev, ino; /* of that file: another's is not removed */
    uint16_t port;     /* bound port; 0: not INET */
    bool is_unix;
};

struct fa_socket_config {
    const char *address; /* NULL: adopted_fd, which is taken over */
    int adopted_fd;
    int type; /* SOCK_STREAM or SOCK_DGRAM */
    uint32_t mode;
};

/* A bound, non-blocking, close-on-exec socket; not yet listening unless adopted so. */
int fa_socket_open(const struct fa_socket_config *cfg, struct fa_socket *ret,
                   struct fa_err *err) FA_MUST_CHECK;
void fa_socket_close(struct fa_socket *sock);
/* A Unix address gives uid FA_UID_NONE. */
void fa_peer_of_sockaddr(const struct sockaddr_storage *addr, struct fa_peer *ret_peer);

#endif
