/* SPDX-License-Identifier: MIT */
/* Datagrams in, over UDP or a Unix socket, for feeds. Reads in batches until the socket is empty
 * or the turn's budget is spent: 1 ms for all datagram sockets of a loop together, though each
 * ready socket gets at least one batch. A flood thus delays nothing else; what the kernel had to
 * drop is counted. */
#ifndef FA_NET_DGRAM_H
#define FA_NET_DGRAM_H

#include "base/str.h"
#include "net/loop.h"
#include "net/peer.h"

#define FA_DGRAM_MAX 65507 /* bytes; the most that UDP over IPv4 carries */

struct fa_dgram;

struct fa_dgram_config {
    const char *address;   /* see fa_endpoint_parse; NULL: fd is adopted */
    int fd;                /* bound socket, taken over; unused with an address */
    uint32_t mode;         /* of a Unix socket's file */
    uint32_t rcvbuf_bytes; /* asked of the kernel, which may give less; 0: its default */
};

struct fa_dgram_counters {
    uint64_t packets, bytes;
    uint64_t truncated;      /* larger than FA_DGRAM_MAX: dropped, not delivered */
    uint64_t kernel_dropped; /* the socket's buffer was full */
    uint64_t budget_spent;   /* turns that left packets for the next one */
    uint64_t errors;
};

/* bytes and peer are borrowed until return; see fa_peer_text() for the text. A Unix peer's uid is
 * that of the sender of this packet. */
typedef void fa_dgram_fn(void *self, struct fa_str bytes, const struct fa_peer *peer);

/* As for fa_listener_open(). */
struct fa_dgram *fa_dgram_open(struct fa_loop *loop, const struct fa_dgram_config *cfg,
                               fa_dgram_fn *fn, void *self, struct fa_err *err);
/* Not from within fn. Accepts NULL. */
void fa_dgram_close(struct fa_dgram *dgram);
uint16_t fa_dgram_port(const struct fa_dgram *dgram);
const struct fa_dgram_counters *fa_dgram_counters(const struct fa_dgram *dgram);

#endif
