/* SPDX-License-Identifier: MIT */
/* Turns of jobs: the clock is moved, nothing is waited for. */
#include "fa_test.h"
#include "fetcher/plan.h"

static void first_turns_are_spread_and_soon(void **state)
{
    size_t slots[15] = {0};
    for (int i = 0; i < 1500; i++) {
        struct fa_turns turns;
        char name[32];
        snprintf(name, sizeof name, "job-%d", i);
        fa_turns_init(&turns, name, i % 2 == 0 ? 15 * FA_SECOND : FA_DAY, 1000);
        assert_in_range(turns.next, 1000, 1000 + 15 * FA_SECOND - 1);
        slots[(turns.next - 1000) / FA_SECOND]++;
    }
    for (size_t i = 0; i < 15; i++) {
        assert_in_range(slots[i], 60, 140); /* 100 on average */
    }
    struct fa_turns a, b;
    fa_turns_init(&a, "shop", FA_SECOND, 5000);
    fa_turns_init(&b, "shop", FA_SECOND, 5000);
    assert_int_equal(a.next, b.next);
    assert_in_range(a.next, 5000, 5999);
}

static void a_turn_keeps_its_place_however_late_it_starts(void **state)
{
    struct fa_turns turns;
    fa_turns_init(&turns, "shop", 10 * FA_SECOND, 0);
    fa_time first = turns.next;
    assert_false(fa_turns_start(&turns, first - 1));
    assert_true(fa_turns_start(&turns, first + 9999));
    assert_int_equal(turns.next, first + 10 * FA_SECOND);
    assert_int_equal(turns.missed, 0);
    fa_turns_finish(&turns);
    assert_true(fa_turns_start(&turns, first + 10 * FA_SECOND));
    fa_turns_finish(&turns);
    /* Three turns have passed meanwhile: one is made, the others are counted. */
    assert_true(fa_turns_start(&turns, first + 45 * FA_SECOND));
    assert_int_equal(turns.missed, 2);
    assert_int_equal(turns.next, first + 50 * FA_SECOND);
}

static void a_job_that_is_late_is_not_started_twice(void **state)
{
    struct fa_turns turns;
    fa_turns_init(&turns, "shop", FA_SECOND, 0);
    fa_time first = turns.next;
    assert_true(fa_turns_start(&turns, first));
    assert_false(fa_turns_start(&turns, first + 1000));
    assert_false(fa_turns_start(&turns, first + 2000));
    assert_int_equal(turns.missed, 2);
    fa_turns_finish(&turns);
    assert_false(fa_turns_start(&turns, first + 2500));
    assert_true(fa_turns_start(&turns, first + 3000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_turns_are_spread_and_soon),
        cmocka_unit_test(a_turn_keeps_its_place_however_late_it_starts),
        cmocka_unit_test(a_job_that_is_late_is_not_started_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
