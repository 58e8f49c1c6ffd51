/* SPDX-License-Identifier: MIT */
#include "net_bench.h"

#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

static int setup(void **state)
{
    struct fa_err err;
    *state = fa_loop_new(&err);
    assert_non_null(*state);
    return 0;
}

static int teardown(void **state)
{
    fa_loop_free(*state);
    return 0;
}

static char trace[64];

static void note(void *self)
{
    strcat(trace, self);
}

static void timers_fire_in_the_order_of_their_times(void **state)
{
    struct fa_loop *loop = *state;
    struct fa_timer a, b, c, d;
    trace[0] = '\0';
    fa_timer_init(&a, loop, note, "a");
    fa_timer_init(&b, loop, note, "b");
    fa_timer_init(&c, loop, note, "c");
    fa_timer_init(&d, loop, note, "d");
    fa_timer_set(&a, 300000);
    fa_timer_set(&b, 100000);
    fa_timer_set(&c, 200000);
    fa_timer_set(&d, 150000);
    fa_timer_stop(&d);
    fa_timer_stop(&d);
    fa_loop_test_advance(loop, 99000);
    fa_loop_turn(loop, false);
    assert_string_equal(trace, "");
    fa_loop_test_advance(loop, 101000);
    fa_loop_turn(loop, false);
    assert_string_equal(trace, "bc");
    fa_loop_test_advance(loop, 100000);
    fa_loop_turn(loop, false);
    assert_string_equal(trace, "bca");
}

struct again {
    struct fa_timer timer;
    int count;
};

static void set_again(void *self)
{
    struct again *again = self;
    again->count++;
    fa_timer_set(&again->timer, 0);
}

static void a_timer_that_sets_itself_waits_for_another_turn(void **state)
{
    struct fa_loop *loop = *state;
    struct again again = {.count = 0};
    fa_timer_init(&again.timer, loop, set_again, &again);
    fa_timer_set(&again.timer, 0);
    fa_loop_test_advance(loop, 1);
    fa_loop_turn(loop, false);
    assert_int_equal(again.count, 1);
    fa_loop_turn(loop, true); /* the kernel's timer wakes it */
    assert_int_equal(again.count, 2);
    fa_timer_stop(&again.timer);
}

static void now_is_the_same_for_the_whole_turn(void **state)
{
    struct fa_loop *loop = *state;
    struct fa_now first = fa_loop_now(loop);
    usleep(3000);
    struct fa_now second = fa_loop_now(loop);
    assert_int_equal(first.mono, second.mono);
    assert_int_equal(first.wall, second.wall);
    fa_loop_turn(loop, false);
    assert_true(fa_loop_now(loop).mono >= first.mono + 3);
}

static void the_deadline_fires_once_by_the_wall(void **state)
{
    struct fa_loop *loop = *state;
    trace[0] = '\0';
    fa_loop_on_deadline(loop, note, "D");
    fa_loop_set_deadline(loop, fa_loop_now(loop).wall + 10 * FA_DAY);
    fa_loop_test_advance(loop, 9 * FA_DAY);
    fa_loop_turn(loop, false);
    assert_string_equal(trace, "");
    fa_loop_test_advance(loop, FA_DAY);
    fa_loop_turn(loop, false);
    fa_loop_turn(loop, false);
    assert_string_equal(trace, "D");
    fa_loop_set_deadline(loop, fa_loop_now(loop).wall + 2);
    for (int i = 0; i < 3 && strlen(trace) < 2; i++) {
        fa_loop_turn(loop, true); /* the kernel's timer wakes it */
    }
    assert_string_equal(trace, "DD");
    fa_loop_set_deadline(loop, fa_loop_now(loop).wall - FA_DAY); /* overdue: at once */
    fa_loop_turn(loop, true);
    assert_string_equal(trace, "DDD");
}

struct jumps {
    int count;
    struct fa_clock_jump last;
};

static void on_jump(void *self, const struct fa_clock_jump *jump)
{
    struct jumps *jumps = self;
    jumps->count++;
    jumps->last = *jump;
}

static void a_set_wall_clock_is_reported_once_with_its_size(void **state)
{
    struct fa_loop *loop = *state;
    struct jumps jumps = {0};
    fa_loop_on_clock_jump(loop, on_jump, &jumps);
    fa_loop_test_advance(loop, FA_HOUR); /* both clocks: time passed, nobody set anything */
    fa_loop_turn(loop, false);
    assert_int_equal(jumps.count, 0);
    fa_loop_test_jump(loop, -FA_HOUR);
    fa_loop_turn(loop, false);
    fa_loop_turn(loop, false);
    assert_int_equal(jumps.count, 1);
    assert_in_range(-jumps.last.delta_ms, FA_HOUR - 5, FA_HOUR + 5);
    assert_int_equal(jumps.last.new_offset - jumps.last.old_offset, jumps.last.delta_ms);
    fa_loop_test_jump(loop, 600);
    fa_loop_turn(loop, false);
    assert_int_equal(jumps.count, 1);
    fa_loop_test_jump(loop, 600); /* small steps count together */
    fa_loop_turn(loop, false);
    assert_int_equal(jumps.count, 2);
    assert_in_range(jumps.last.delta_ms, 1195, 1205);
}

static void a_jump_forward_makes_the_deadline_due_and_leaves_timers_alone(void **state)
{
    struct fa_loop *loop = *state;
    struct fa_timer timer;
    trace[0] = '\0';
    fa_loop_on_deadline(loop, note, "D");
    fa_timer_init(&timer, loop, note, "t");
    fa_timer_set(&timer, FA_HOUR);
    fa_loop_set_deadline(loop, fa_loop_now(loop).wall + FA_HOUR);
    fa_loop_test_jump(loop, 2 * FA_HOUR);
    fa_loop_turn(loop, false);
    assert_string_equal(trace, "D");
    fa_timer_stop(&timer);
}

static void hooks_run_at_the_end_of_each_turn_and_graves_after_them(void **state)
{
    struct fa_loop *loop = *state;
    trace[0] = '\0';
    fa_loop_on_turn(loop, note, "1");
    fa_loop_on_turn(loop, note, "2");
    fa_loop_bury(loop, "x", note);
    assert_string_equal(trace, "");
    fa_loop_turn(loop, false);
    assert_string_equal(trace, "12x");
    fa_loop_again(loop);
    fa_loop_turn(loop, true); /* would block otherwise */
    assert_string_equal(trace, "12x12");
}

static void on_signal(void *self, int signo)
{
    *(int *)self = signo;
}

static void signals_arrive_on_the_loop(void **state)
{
    struct fa_loop *loop = *state;
    struct fa_err err;
    int got = 0;
    assert_int_equal(fa_loop_on_signal(loop, SIGUSR1, on_signal, &got, &err), 0);
    assert_int_equal(fa_loop_on_signal(loop, SIGHUP, on_signal, &got, &err), 0);
    raise(SIGUSR1);
    assert_int_equal(got, 0);
    fa_loop_turn(loop, true);
    assert_int_equal(got, SIGUSR1);
    raise(SIGHUP);
    fa_loop_turn(loop, true);
    assert_int_equal(got, SIGHUP);
    assert_int_equal(raise(SIGPIPE), 0); /* ignored */
}

struct wake {
    struct fa_loop *loop;
    struct fa_waker *waker;
    int count;
};

static void on_wake(void *self)
{
    struct wake *wake = self;
    wake->count++;
    fa_loop_stop(wake->loop);
}

static void *wake_it(void *arg)
{
    for (int i = 0; i < 1000; i++) {
        fa_waker_wake(arg);
    }
    return NULL;
}

static void another_thread_wakes_the_loop(void **state)
{
    struct fa_err err;
    struct wake wake = {.loop = *state};
    wake.waker = fa_waker_new(wake.loop, on_wake, &wake, &err);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, wake_it, wake.waker), 0);
    fa_loop_run(wake.loop);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_in_range(wake.count, 1, 1000);
    fa_waker_free(wake.waker);
}

struct watched {
    struct fa_watch *watch;
    unsigned seen;
};

static void on_watched(void *self, unsigned what)
{
    struct watched *watched = self;
    watched->seen = what;
    if (what == FA_WATCH_READ) {
        fa_watch_free(watched->watch);
        watched->watch = NULL;
    }
}

static void foreign_descriptors_are_watched_as_asked(void **state)
{
    struct fa_loop *loop = *state;
    struct watched watched = {0};
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    watched.watch = fa_watch_new(loop, pair[0], on_watched, &watched);
    fa_loop_turn(loop, false);
    assert_int_equal(watched.seen, 0);
    fa_watch_set(watched.watch, FA_WATCH_READ | FA_WATCH_WRITE);
    fa_loop_turn(loop, false);
    assert_int_equal(watched.seen, FA_WATCH_WRITE);
    watched.seen = 0;
    fa_watch_set(watched.watch, 0);
    assert_int_equal(write(pair[1], "x", 1), 1);
    fa_loop_turn(loop, false);
    assert_int_equal(watched.seen, 0);
    fa_watch_set(watched.watch, FA_WATCH_READ);
    fa_loop_turn(loop, false);
    assert_int_equal(watched.seen, FA_WATCH_READ);
    assert_null(watched.watch); /* freed in its own callback */
    close(pair[0]);
    close(pair[1]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(timers_fire_in_the_order_of_their_times),
        TEST(a_timer_that_sets_itself_waits_for_another_turn),
        TEST(now_is_the_same_for_the_whole_turn),
        TEST(the_deadline_fires_once_by_the_wall),
        TEST(a_set_wall_clock_is_reported_once_with_its_size),
        TEST(a_jump_forward_makes_the_deadline_due_and_leaves_timers_alone),
        TEST(hooks_run_at_the_end_of_each_turn_and_graves_after_them),
        TEST(signals_arrive_on_the_loop),
        TEST(another_thread_wakes_the_loop),
        TEST(foreign_descriptors_are_watched_as_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
