/* SPDX-License-Identifier: MIT */
/* Listening stream sockets: made from an address or adopted (socket activation), with a cap on
 * connections in total and for each peer. Running out of descriptors pauses it for 250 ms, so that
 * it never spins; a reserve descriptor lets it turn the first callers away instead of leaving them
 * in the queue. */
#ifndef FA_NET_LISTENER_H
#define FA_NET_LISTENER_H

#include "net/loop.h"
#include "net/peer.h"

struct fa_listener;

/* Ends one connection that only keeps its seat warm, of this peer or (NULL) of anybody; false: all
 * are at work. */
typedef bool fa_make_room_fn(void *self, const struct fa_peer *of);

struct fa_listener_options {
    const char *address;           /* see fa_endpoint_parse; NULL: fd is adopted */
    int fd;                        /* listening socket, taken over; unused with an address */
    uint32_t mode;                 /* of a Unix socket's file, e.g. 0660 */
    uint32_t connections;          /* open at once, at least 1 */
    uint32_t connections_per_peer; /* of these, from one uid or address; 0: all */
    fa_make_room_fn *make_room;    /* asked, with self, before a caller is refused; NULL: nobody */
    const char *busy_text;         /* sent to those refused, as far as it fits; NULL: nothing */
};

struct fa_listener_counters {
    uint64_t accepted;
    uint64_t refused_limit; /* over connections */
    uint64_t refused_peer;  /* over connections_per_peer */
    uint64_t fd_pauses;     /* out of descriptors or memory */
    uint64_t accept_errors; /* all others but a caller who left */
    uint32_t open_now;
};

/* One place of `connections`, inside the owner of the accepted socket. */
struct fa_seat {
    struct fa_listener *listener; /* NULL: given back */
    struct fa_seat *prev, *next;
    struct fa_peer peer;
};

/* Takes fd. The receiver calls fa_listener_seat() at once with a place to keep the seat and
 * fa_seat_leave() when it closes the socket. */
typedef void fa_accept_fn(void *self, int fd, const struct fa_peer *peer);

/* Opens, and listens from the next turn. A Unix path: a socket that nobody answers is replaced; one
 * that is answered is FA_EBUSY, anything else there FA_EEXISTS; a directory that strangers may
 * write to is FA_EDENIED. The strings of cfg are copied. */
struct fa_listener *fa_listener_open(struct fa_loop *loop, const struct fa_listener_options *cfg,
                                     fa_accept_fn *fn, void *self, struct fa_err *err);
/* Stops accepting and closes the socket, the file of a Unix socket of our own making too. Seats
 * may outlive it. Accepts NULL. */
void fa_listener_close(struct fa_listener *listener);
/* From now on; those that are there stay. As in fa_listener_options. */
void fa_listener_set_limits(struct fa_listener *listener, uint32_t connections,
                            uint32_t connections_per_peer);
void fa_listener_seat(struct fa_listener *listener, struct fa_seat *seat,
                      const struct fa_peer *peer);
/* Harmless when given back already. */
void fa_seat_leave(struct fa_seat *seat);
/* The bound port of a TCP socket, also when 0 was asked for; 0 for a Unix socket. */
uint16_t fa_listener_port(const struct fa_listener *listener);
const struct fa_listener_counters *fa_listener_counters(const struct fa_listener *listener);

#endif
