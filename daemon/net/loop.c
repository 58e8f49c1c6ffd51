/* SPDX-License-Identifier: MIT */
/* The loop: libevent's base, turned one round at a time so that each turn has an end.
 *
 * Invariants
 * 1. The clocks are read once a turn, at the first use, and never go backwards in mono. Everything
 *    that happens in one turn happens at one time.
 * 2. Both kinds of timer are timerfds. libevent's own timers run on CLOCK_MONOTONIC, which stands
 *    still while the machine sleeps; CLOCK_BOOTTIME and CLOCK_REALTIME do not.
 * 3. The wall timer is armed always, a day ahead when there is no deadline, because the kernel
 *    reports a set clock (TFD_TIMER_CANCEL_ON_SET) only to armed timers.
 * 4. Timers fire in the order of their times, and those set while firing wait for the next turn, so
 *    that a timer that sets itself to 0 ms cannot hold the turn.
 *
 * CLOCK_BOOTTIME and CLOCK_REALTIME are slewed alike, so wall - mono changes by steps alone;
 * several small steps count together because the offset last reported stays the measure.
 *
 * Tests: tests/unit/test_net_loop.c. */
#include "net/loop_base.h"

#include "base/panic.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define JUMP_MIN       FA_SECOND
#define INGEST_TURN_NS 1000000 /* ingest has at most 1 ms a turn: a filing waits for two */
#define SIGNAL_MAX     64

struct hook {
    fa_loop_fn *fn;
    void *self;
};

struct grave {
    void *object;
    void (*free_fn)(void *object);
};

struct signal_slot {
    struct event *event;
    fa_signo_fn *fn;
    void *self;
};

struct fa_loop {
    struct event_base *base;
    bool stopping, again;
    bool now_is_read;
    struct fa_now now;
    fa_time wall_shift, mono_shift; /* what tests added to the clocks */
    int64_t ingest_start_ns;        /* 0: no datagram read in this turn yet */

    struct hook *hooks;
    size_t hook_count, hook_cap;
    struct grave *graves;
    size_t grave_count, grave_cap;

    struct fa_heap timers; /* on mono */
    int mono_fd;
    struct event *mono_event;
    fa_time mono_armed; /* what mono_fd is set to; FA_NEVER: off */

    fa_time deadline; /* wall */
    int wall_fd;
    struct event *wall_event;
    bool wall_fired; /* is off until armed again */
    struct hook on_deadline;
    fa_clock_jump_fn *on_jump;
    void *on_jump_self;
    fa_time offset; /* wall - mono at the last report */

    struct signal_slot signals[SIGNAL_MAX + 1];
};

/* --- the clocks --- */

static fa_time read_clock(clockid_t clock)
{
    struct timespec ts;
    fa_assert(clock_gettime(clock, &ts) == 0);
    return (fa_time)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int64_t monotonic_ns(void)
{
    struct timespec ts;
    fa_assert(clock_gettime(CLOCK_MONOTONIC, &ts) == 0);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

struct fa_now fa_loop_now(struct fa_loop *loop)
{
    if (loop->now_is_read) {
        return loop->now;
    }
    /* A process that is stopped between the two reads must not take the pause for a jump. */
    fa_time mono = read_clock(CLOCK_BOOTTIME), wall = 0, again = 0;
    for (int i = 0; i < 5; i++) {
        wall = read_clock(CLOCK_REALTIME);
        again = read_clock(CLOCK_BOOTTIME);
        if (again - mono < 2) {
            break;
        }
        mono = again;
    }
    mono += loop->mono_shift;
    loop->now.mono = mono > loop->now.mono ? mono : loop->now.mono;
    loop->now.wall = wall + loop->wall_shift;
    loop->now_is_read = true;
    return loop->now;
}

bool fa_loop_ingest_left(struct fa_loop *loop)
{
    int64_t ns = monotonic_ns();
    if (loop->ingest_start_ns == 0) {
        loop->ingest_start_ns = ns;
    }
    return ns - loop->ingest_start_ns < INGEST_TURN_NS;
}

/* --- timers --- */

static void arm(int fd, fa_time at, int flags)
{
    struct itimerspec spec = {{0, 0}, {0, 0}};
    if (at != FA_NEVER) {
        at = at < 1 ? 1 : at; /* zeros would disarm */
        spec.it_value.tv_sec = (time_t)(at / 1000);
        spec.it_value.tv_nsec = (long)(at % 1000) * 1000000;
    }
    /* ECANCELED: the clock was set since the last read; the timer is armed all the same and the
     * next read of the clocks sees the jump. */
    fa_assert(timerfd_settime(fd, flags, &spec, NULL) == 0 || errno == ECANCELED);
}

static void arm_mono(struct fa_loop *loop)
{
    fa_time at = fa_heap_next(&loop->timers);
    if (at != loop->mono_armed) {
        arm(loop->mono_fd, at == FA_NEVER ? at : at - loop->mono_shift, TFD_TIMER_ABSTIME);
        loop->mono_armed = at;
    }
}

static void arm_wall(struct fa_loop *loop)
{
    loop->wall_fired = false;
    fa_time far = read_clock(CLOCK_REALTIME) + FA_DAY;
    fa_time at = loop->deadline == FA_NEVER ? far : loop->deadline - loop->wall_shift;
    arm(loop->wall_fd, at < far ? at : far, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET);
}

static void drain(int fd)
{
    uint64_t count;
    while (read(fd, &count, sizeof count) < 0 && errno == EINTR) {
    }
}

static void on_mono_event(evutil_socket_t fd, short what, void *arg)
{
    struct fa_loop *loop = arg;
    drain(fd);
    loop->mono_armed = FA_NEVER;
}

static void on_wall_event(evutil_socket_t fd, short what, void *arg)
{
    struct fa_loop *loop = arg;
    drain(fd);
    loop->wall_fired = true;
}

/* A timer set while this runs lies at least 1 ms ahead of the turn's now, hence the end. */
static void run_timers(struct fa_loop *loop)
{
    fa_time mono = fa_loop_now(loop).mono;
    while (fa_heap_next(&loop->timers) <= mono) {
        struct fa_heap_node *node = fa_heap_first(&loop->timers);
        struct fa_timer *timer = fa_container_of(node, struct fa_timer, node);
        fa_heap_remove(&loop->timers, node);
        timer->fn(timer->self);
    }
}

void fa_timer_init(struct fa_timer *timer, struct fa_loop *loop, fa_loop_fn *fn, void *self)
{
    *timer = (struct fa_timer){.loop = loop, .fn = fn, .self = self};
}

void fa_timer_set(struct fa_timer *timer, fa_time ms)
{
    fa_time mono = fa_loop_now(timer->loop).mono;
    ms = ms < 1 ? 1 : ms;
    fa_heap_set(&timer->loop->timers, &timer->node,
                ms > FA_NEVER - 1 - mono ? FA_NEVER : mono + ms);
}

void fa_timer_stop(struct fa_timer *timer)
{
    if (timer->loop != NULL) {
        fa_heap_remove(&timer->loop->timers, &timer->node);
    }
}

static void check_clock(struct fa_loop *loop)
{
    struct fa_now now = fa_loop_now(loop);
    struct fa_clock_jump jump = {.old_offset = loop->offset, .new_offset = now.wall - now.mono};
    jump.delta_ms = jump.new_offset - jump.old_offset;
    if (jump.delta_ms > -JUMP_MIN && jump.delta_ms < JUMP_MIN) {
        return;
    }
    loop->offset = jump.new_offset;
    arm_wall(loop);
    if (loop->on_jump != NULL) {
        loop->on_jump(loop->on_jump_self, &jump);
    }
}

static void check_deadline(struct fa_loop *loop)
{
    if (loop->deadline <= fa_loop_now(loop).wall) {
        fa_loop_set_deadline(loop, FA_NEVER);
        if (loop->on_deadline.fn != NULL) {
            loop->on_deadline.fn(loop->on_deadline.self);
        }
    }
    if (loop->wall_fired) {
        arm_wall(loop);
    }
}

/* What was computed on mono differs by 1 ms from turn to turn, as the two clocks' milliseconds do
 * not begin together: the earlier stays, and is set anew if it came too early. */
void fa_loop_set_deadline(struct fa_loop *loop, fa_time wall)
{
    if (wall < loop->deadline || wall - 1 > loop->deadline) {
        loop->deadline = wall;
        arm_wall(loop);
    }
}

void fa_loop_on_deadline(struct fa_loop *loop, fa_loop_fn *fn, void *self)
{
    loop->on_deadline = (struct hook){fn, self};
}

void fa_loop_on_clock_jump(struct fa_loop *loop, fa_clock_jump_fn *fn, void *self)
{
    loop->on_jump = fn;
    loop->on_jump_self = self;
}

#ifdef FA_TEST_HOOKS
static void shift(struct fa_loop *loop, fa_time wall_ms, fa_time mono_ms)
{
    loop->wall_shift += wall_ms;
    loop->mono_shift += mono_ms;
    loop->now_is_read = false;
    loop->mono_armed = FA_NEVER;
    arm_mono(loop);
    arm_wall(loop);
    loop->again = true; /* the next turn looks at the clock as a cancelled timer would make it */
}

void fa_loop_test_advance(struct fa_loop *loop, fa_time ms)
{
    shift(loop, ms, ms);
}

void fa_loop_test_jump(struct fa_loop *loop, fa_time ms)
{
    shift(loop, ms, 0);
}
#endif

/* --- signals --- */

static void on_signal_event(evutil_socket_t signo, short what, void *arg)
{
    struct fa_loop *loop = arg;
    const struct signal_slot *slot = &loop->signals[signo];
    slot->fn(slot->self, signo);
}

int fa_loop_on_signal(struct fa_loop *loop, int signo, fa_signo_fn *fn, void *self,
                      struct fa_err *err)
{
    fa_assert(signo > 0 && signo <= SIGNAL_MAX);
    struct signal_slot *slot = &loop->signals[signo];
    slot->fn = fn;
    slot->self = self;
    if (slot->event != NULL) {
        return 0;
    }
    slot->event = evsignal_new(loop->base, signo, on_signal_event, loop);
    if (slot->event == NULL || event_add(slot->event, NULL) != 0) {
        return fa_err_set(err, FA_EIO, "signal %d cannot be watched: %s", signo, strerror(errno));
    }
    return 0;
}

/* --- the turn --- */

void fa_loop_on_turn(struct fa_loop *loop, fa_loop_fn *fn, void *self)
{
    loop->hooks = fa_xgrow(loop->hooks, loop->hook_count, &loop->hook_cap, sizeof loop->hooks[0]);
    loop->hooks[loop->hook_count++] = (struct hook){fn, self};
}

void fa_loop_again(struct fa_loop *loop)
{
    loop->again = true;
}

void fa_loop_bury(struct fa_loop *loop, void *object, void (*free_fn)(void *object))
{
    loop->graves =
        fa_xgrow(loop->graves, loop->grave_count, &loop->grave_cap, sizeof loop->graves[0]);
    loop->graves[loop->grave_count++] = (struct grave){object, free_fn};
}

/* Freeing one object may bury another. */
static void free_graves(struct fa_loop *loop)
{
    for (size_t i = 0; i < loop->grave_count; i++) {
        struct grave grave = loop->graves[i];
        grave.free_fn(grave.object);
    }
    loop->grave_count = 0;
}

void fa_loop_turn(struct fa_loop *loop, bool block)
{
    loop->now_is_read = false;
    loop->ingest_start_ns = 0;
    /* Without EVLOOP_ONCE a flood would keep libevent within one call for ever. */
    int flags = EVLOOP_ONCE | (!block || loop->again ? EVLOOP_NONBLOCK : 0);
    loop->again = false;
    arm_mono(loop);
    fa_assert(event_base_loop(loop->base, flags) >= 0);
    check_clock(loop);
    run_timers(loop);
    check_deadline(loop);
    for (size_t i = 0; i < loop->hook_count; i++) {
        loop->hooks[i].fn(loop->hooks[i].self);
    }
    free_graves(loop);
}

void fa_loop_run(struct fa_loop *loop)
{
    while (!loop->stopping) {
        fa_loop_turn(loop, true);
    }
    loop->stopping = false;
}

void fa_loop_stop(struct fa_loop *loop)
{
    loop->stopping = true;
    loop->again = true;
}

/* --- life --- */

static int open_timer(struct fa_loop *loop, clockid_t clock, event_callback_fn fn, int *ret_fd,
                      struct event **ret_event)
{
    *ret_fd = timerfd_create(clock, TFD_NONBLOCK | TFD_CLOEXEC);
    if (*ret_fd < 0) {
        return FA_EIO;
    }
    *ret_event = event_new(loop->base, *ret_fd, EV_READ | EV_PERSIST, fn, loop);
    return *ret_event != NULL && event_add(*ret_event, NULL) == 0 ? 0 : FA_EIO;
}

struct fa_loop *fa_loop_new(struct fa_err *err)
{
    /* An answer that libevent could not copy would be cut short, or never leave. */
    event_set_mem_functions(fa_xmalloc, fa_xrealloc, free);
    struct fa_loop *loop = fa_xcalloc(1, sizeof *loop);
    loop->mono_fd = loop->wall_fd = -1;
    loop->mono_armed = loop->deadline = FA_NEVER;
    signal(SIGPIPE, SIG_IGN);
    struct event_config *config = event_config_new();
    if (config != NULL) {
        event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_IGNORE_ENV);
        loop->base = event_base_new_with_config(config);
        event_config_free(config);
    }
    if (loop->base == NULL ||
        open_timer(loop, CLOCK_BOOTTIME, on_mono_event, &loop->mono_fd, &loop->mono_event) != 0 ||
        open_timer(loop, CLOCK_REALTIME, on_wall_event, &loop->wall_fd, &loop->wall_event) != 0) {
        fa_err_set(err, FA_EIO, "the event loop cannot start: %s", strerror(errno));
        fa_loop_free(loop);
        return NULL;
    }
    struct fa_now now = fa_loop_now(loop);
    loop->offset = now.wall - now.mono;
    arm_wall(loop);
    return loop;
}

static void free_event(struct event *event)
{
    if (event != NULL) {
        event_free(event);
    }
}

void fa_loop_free(struct fa_loop *loop)
{
    if (loop == NULL) {
        return;
    }
    free_graves(loop);
    free_event(loop->mono_event);
    free_event(loop->wall_event);
    for (int i = 0; i <= SIGNAL_MAX; i++) {
        free_event(loop->signals[i].event);
    }
    if (loop->base != NULL) {
        event_base_free(loop->base);
    }
    if (loop->mono_fd >= 0) {
        close(loop->mono_fd);
    }
    if (loop->wall_fd >= 0) {
        close(loop->wall_fd);
    }
    fa_heap_done(&loop->timers);
    free(loop->hooks);
    free(loop->graves);
    free(loop);
}

struct event_base *fa_loop_base(struct fa_loop *loop)
{
    return loop->base;
}
