/* SPDX-License-Identifier: MIT */
/* Attempts: each SEND waits for its turn, leaves in a request of its own or together with others
 * for the same channel, and gets its one VERDICT. */
#ifndef FA_COURIER_CHILD_ATTEMPT_H
#define FA_COURIER_CHILD_ATTEMPT_H

#include "courier/child/channel.h"
#include "courier/child/perform.h"
#include "child/end/pipe.h"
#include "courier/child/queue.h"

struct fa_attempts {
    struct fa_pipe *pipe;
    struct fa_performer *performer;
    struct fa_courier_at *at; /* the page shared with the daemon */
    struct fa_queue queue;
    struct event *timer;
    struct fa_frame_lists lists;
};

/* What it is given must outlive it. */
void fa_attempts_init(struct fa_attempts *attempts, struct event_base *base, struct fa_pipe *pipe,
                      struct fa_performer *performer, struct fa_courier_at *at);
/* record is the SEND frame's own, which was decoded into send; both are copied. */
void fa_attempts_add(struct fa_attempts *attempts, struct fa_channel *channel,
                     const struct fa_frame_send *send, struct fa_str record);
/* Starts what may start. What was added before the call may leave together. */
void fa_attempts_pump(struct fa_attempts *attempts);

#endif
