/* SPDX-License-Identifier: MIT */
/* The daemon's side of a child program: starts it, greets it, watches it and replaces it. What the
 * two say to each other beyond that is the owner's (courier/link.c, fetcher/link.c).
 * Knows no loop: the caller watches fa_child.fd, calls in when something happens and again at
 * fa_child_next_deadline. Nothing here blocks.
 *
 * A child that ends, does not answer a ping for 1.2 s (longer after each that was silent) or breaks
 * the protocol is killed by its pid, reaped and replaced after 100 ms, doubling up to 5 s. The
 * caller must not reap children with waitpid(-1). */
#ifndef FA_CHILD_CHILD_H
#define FA_CHILD_CHILD_H

#include "base/time.h"
#include "child/frame.h"

#include <sys/types.h>

#define FA_CHILD_EXTRA_FD 4 /* where fa_child.extra_fd is in the child; its socket is 3 */

enum fa_child_state {
    FA_CHILD_STOPPED,  /* not started, or stopped */
    FA_CHILD_STARTING, /* started, its HELLO has not come */
    FA_CHILD_UP,       /* takes frames */
    FA_CHILD_WAITING,  /* ended; will be started again */
    FA_CHILD__COUNT
};

struct fa_child_config {
    const char *path;        /* of the program */
    const char *who;         /* "courier", for texts; the program is "firealarm-WHO" */
    const char *build;       /* both sides' */
    const char *plugins_dir; /* see fa_frame_hello */
    const char *credentials_dir;
    char *const *env; /* the child's environment; NULL: only PATH and LC_ALL */
    size_t out_max;   /* bytes not yet taken by the child */
    size_t read_max;  /* bytes taken from it in one turn */
    fa_time ping_ms;  /* between two pings while it is busy */
};

/* Called from within the functions below, never after fa_child_done. They may append to out. */
struct fa_child_callbacks {
    /* Before each start; 0, or an errno that keeps it from starting. May be NULL. */
    int (*prepare)(void *ctx);
    /* Appends what follows HELLO. */
    void (*greet)(void *ctx, struct fa_buf *out);
    /* One of its own frames. A negative code ends it with err's text. */
    int (*on_frame)(void *ctx, const struct fa_frame *frame, fa_time mono, struct fa_err *err);
    void (*on_log)(void *ctx, uint32_t level, const char *text);
    /* The descriptor is another one (or -1) after this. why: one line for people, "" if none. After
     * an end (WAITING or STOPPED) nothing more comes from what was begun with it. */
    void (*on_state)(void *ctx, enum fa_child_state state, const char *why, fa_time mono);
    /* One that has nothing to do delays nobody when it hangs, and is left alone. */
    bool (*is_busy)(void *ctx);
};

/* In place; the members are for child.c, but for those that the comments give away. */
struct fa_child {
    struct fa_child_config config;
    struct fa_child_callbacks callbacks;
    void *ctx;
    enum fa_child_state state; /* read */
    pid_t pid;                 /* read; 0: none, or reaped */
    int fd;                    /* read; -1: none */
    int extra_fd;              /* write, in prepare(); -1: none */
    bool stopping;             /* read; fa_child_stop was called */
    struct fa_buf in;
    struct fa_buf out; /* append; fa_child_on_writable sends it */
    fa_time up_since, backoff;
    fa_time answered_at;                            /* read; mono, of the newest answer to a ping */
    fa_time hello_by, stop_by, restart_at, reap_at; /* FA_NEVER: not armed */
    fa_time ping_at, pong_by;
    /* For the next pong. It doubles with each child that was silent and falls with each that
     * answers: a machine that is merely slow must not have them killed one after the other. */
    fa_time patience;
    uint64_t ping_n;
};

/* The config's texts but env are copied. */
void fa_child_init(struct fa_child *child, const struct fa_child_config *config,
                   const struct fa_child_callbacks *callbacks, void *ctx);
/* Kills and reaps without a word. */
void fa_child_done(struct fa_child *child);

/* Starts it; a failure to is reported by on_state(WAITING) and tried again. */
void fa_child_start(struct fa_child *child, struct fa_now now);
/* Asks it to end; after 2 s it is killed. on_state(STOPPED) says that it is gone. */
void fa_child_stop(struct fa_child *child, struct fa_now now);
/* Ends it: it did what its owner cannot have. */
void fa_child_end(struct fa_child *child, fa_time mono, const char *why);
/* Something was begun, or somebody wants to know: ask soon whether it lives. */
void fa_child_expect(struct fa_child *child, fa_time mono);

bool fa_child_wants_write(const struct fa_child *child);
/* True: the descriptor has nothing more now, or may have; false: it ended. */
bool fa_child_on_readable(struct fa_child *child, struct fa_now now);
/* Also right after something was appended to out. */
void fa_child_on_writable(struct fa_child *child, struct fa_now now);
/* Before on_tick, with the owner's earliest deadline: how long the machine slept or this process
 * stood still, 0 if it did not. The child's own deadlines are moved by it; the owner's should be.
 */
fa_time fa_child_slept(struct fa_child *child, struct fa_now now, fa_time deadline);
void fa_child_on_tick(struct fa_child *child, struct fa_now now);
/* By the monotonic clock; FA_NEVER: none. */
fa_time fa_child_next_deadline(const struct fa_child *child);

#endif
