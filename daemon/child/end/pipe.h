/* SPDX-License-Identifier: MIT */
/* A child's end of the socket to the daemon. When that end closes, or the daemon takes nothing
 * any more, or says what no daemon of this build says, the process ends: nobody would record what
 * it still did. */
#ifndef FA_CHILD_END_PIPE_H
#define FA_CHILD_END_PIPE_H

#include "base/time.h"
#include "child/frame.h"

#include <event2/event.h>

struct fa_pipe;

/* A negative code ends the process with err's text. */
typedef int fa_pipe_frame_fn(void *ctx, const struct fa_frame *frame, struct fa_err *err);

/* After the frames that came together. */
typedef void fa_pipe_read_fn(void *ctx);

/* who: "firealarm-courier", borrowed. */
struct fa_pipe *fa_pipe_new(struct event_base *base, int fd, const char *who,
                            fa_pipe_frame_fn *on_frame, fa_pipe_read_fn *on_read, void *ctx);

/* Whenever the daemon has taken all that was said, after it had not. */
void fa_pipe_on_drained(struct fa_pipe *pipe, fa_pipe_read_fn *fn);

void fa_pipe_hello(struct fa_pipe *pipe, const char *build);
void fa_pipe_pong(struct fa_pipe *pipe, uint64_t n);
/* For frames of the child's own: append to it, then hand on what the encoder returned. */
struct fa_buf *fa_pipe_out(struct fa_pipe *pipe);
void fa_pipe_queued(struct fa_pipe *pipe, int rc);
void fa_pipe_log(struct fa_pipe *pipe, uint32_t level, const char *fmt, ...) FA_PRINTF(3, 4);
/* What is said between the two leaves in one piece. */
void fa_pipe_hold(struct fa_pipe *pipe);
void fa_pipe_release(struct fa_pipe *pipe);
/* Waits until everything is taken, at most for `within`. */
void fa_pipe_flush(struct fa_pipe *pipe, fa_time within);

/* Says why to the daemon and to stderr, and leaves. Never waits for libcurl's resolver. */
_Noreturn void fa_pipe_leave(struct fa_pipe *pipe, int status, const char *why);

#endif
