/* SPDX-License-Identifier: MIT */
/* The event loop, one a process, and the only reader of the OS clock. A turn: wait, run the
 * callbacks of everything that is ready, run the turn hooks, free what was buried. All callbacks
 * run on the thread in fa_loop_run(); only fa_waker_wake() may be called from elsewhere.
 * fa_loop_new() ignores SIGPIPE for the process. */
#ifndef FA_NET_LOOP_H
#define FA_NET_LOOP_H

#include "base/err.h"
#include "base/heap.h"
#include "base/time.h"

#include <stdbool.h>

struct fa_loop;

/* NULL and *err on failure. */
struct fa_loop *fa_loop_new(struct fa_err *err);
/* Frees what is buried; everything made on the loop must be closed before. Accepts NULL. */
void fa_loop_free(struct fa_loop *loop);
/* Turns until fa_loop_stop(); the turn that stops is finished with its hooks. */
void fa_loop_run(struct fa_loop *loop);
void fa_loop_stop(struct fa_loop *loop);
/* One turn for tests and for draining at exit; block: wait until something is ready. */
void fa_loop_turn(struct fa_loop *loop, bool block);
/* Read once a turn, at its first use; the same value until the turn ends. */
struct fa_now fa_loop_now(struct fa_loop *loop);

typedef void fa_loop_fn(void *self);
/* Runs at the end of every turn, in the order of registration: the place for the engine's step and
 * for replies. Cannot be taken back; self is borrowed and must outlive the loop's last turn. */
void fa_loop_on_turn(struct fa_loop *loop, fa_loop_fn *fn, void *self);
/* Makes sure that another turn follows without waiting; for hooks that have more to do. */
void fa_loop_again(struct fa_loop *loop);
/* Frees the object at the end of the turn, after the hooks: for objects that callbacks further up
 * the stack still use. Takes object. */
void fa_loop_bury(struct fa_loop *loop, void *object, void (*free_fn)(void *object));

/* The one deadline of the engine, in wall time; FA_NEVER: none. When it has passed on_deadline runs
 * once and the deadline is gone until it is set again. */
void fa_loop_set_deadline(struct fa_loop *loop, fa_time wall);
void fa_loop_on_deadline(struct fa_loop *loop, fa_loop_fn *fn, void *self);

/* The wall clock was set: wall minus mono changed by more than a second since the last report. */
struct fa_clock_jump {
    fa_time old_offset, new_offset; /* wall - mono */
    fa_time delta_ms;               /* new - old; positive: the clock went forward */
};
typedef void fa_clock_jump_fn(void *self, const struct fa_clock_jump *jump);
void fa_loop_on_clock_jump(struct fa_loop *loop, fa_clock_jump_fn *fn, void *self);

/* fn runs on the loop, not in the signal handler. One fn a signal; a second call replaces it. */
typedef void fa_signo_fn(void *self, int signo);
int fa_loop_on_signal(struct fa_loop *loop, int signo, fa_signo_fn *fn, void *self,
                      struct fa_err *err) FA_MUST_CHECK;

/* A relative timer on CLOCK_BOOTTIME, inside its owner. Fires once; may be set again in fn. */
struct fa_timer {
    struct fa_heap_node node;
    struct fa_loop *loop;
    fa_loop_fn *fn;
    void *self;
};
void fa_timer_init(struct fa_timer *timer, struct fa_loop *loop, fa_loop_fn *fn, void *self);
/* Starts or moves it: fires in ms from the turn's now. */
void fa_timer_set(struct fa_timer *timer, fa_time ms);
/* Harmless on a stopped timer or one of zeros. Required before the owner is freed. */
void fa_timer_stop(struct fa_timer *timer);

/* Readiness of a descriptor that somebody else owns, e.g. a child's socketpair. Level-triggered. */
enum { FA_WATCH_READ = 1, FA_WATCH_WRITE = 2 };
struct fa_watch;
typedef void fa_watch_fn(void *self, unsigned what);
/* Watches for reading. fd is borrowed and stays open until fa_watch_free(). */
struct fa_watch *fa_watch_new(struct fa_loop *loop, int fd, fa_watch_fn *fn, void *self);
/* A set of FA_WATCH_*; 0 pauses. */
void fa_watch_set(struct fa_watch *watch, unsigned what);
/* May be called from its own fn. Accepts NULL. */
void fa_watch_free(struct fa_watch *watch);

/* Wakes the loop from another thread: fn runs on the loop's thread, once for any number of wakes
 * since it last ran. */
struct fa_waker;
struct fa_waker *fa_waker_new(struct fa_loop *loop, fa_loop_fn *fn, void *self, struct fa_err *err);
/* Any thread, also a signal handler. */
void fa_waker_wake(struct fa_waker *waker);
/* No other thread may still hold it. Accepts NULL. */
void fa_waker_free(struct fa_waker *waker);

#ifdef FA_TEST_HOOKS
/* Moves both clocks, and with them every timer and deadline, forward by ms. */
void fa_loop_test_advance(struct fa_loop *loop, fa_time ms);
/* Sets the wall clock alone by ms, either way: what settimeofday() would do. */
void fa_loop_test_jump(struct fa_loop *loop, fa_time ms);
#endif

#endif
