/* SPDX-License-Identifier: MIT */
/* What the other files of this room need of the loop, and nobody else. */
#ifndef FA_NET_LOOP_BASE_H
#define FA_NET_LOOP_BASE_H

#include "net/loop.h"

#include <event2/event.h>

struct event_base *fa_loop_base(struct fa_loop *loop);

/* The datagram sockets' common budget: true while the turn has some left. */
bool fa_loop_ingest_left(struct fa_loop *loop);

#endif
