/* SPDX-License-Identifier: MIT */
/* Open time, business hours and business days: when they are over, and how much has passed. */
#include "fa_test.h"
#include "base/id.h"
#include "people/directory.h"

/* A Thursday, 1 January 1970, is day 0; hours are those of UTC. */
#define AT(day, hour) ((day)*FA_DAY + (hour)*FA_HOUR)

struct office {
    struct fa_calendar_entry entry;
    fa_time days[64];
};

static void add_day(struct office *o, fa_time day, fa_time from, fa_time until)
{
    fa_spans_add(&o->entry.open, (struct fa_span){AT(day, from), AT(day, until)});
    o->days[o->entry.day_count++] = AT(day, from);
    o->entry.days = o->days;
}

/* Two weeks from Monday, day 4, on, 9 to 17; Friday only to 13; the second Wednesday is a holiday,
 * and the second Thursday has a break from 12 to 13. */
static void open_office(struct office *o)
{
    *o = (struct office){.entry.known_until = AT(4 + 14, 0)};
    for (fa_time week = 0; week < 2; week++) {
        for (fa_time day = 0; day < 5; day++) {
            if (week == 0 || day != 2) {
                add_day(o, 4 + 7 * week + day, 9, day == 4 ? 13 : 17);
            }
        }
    }
    fa_spans_remove(&o->entry.open, (struct fa_span){AT(14, 12), AT(14, 13)});
}

static void business_time_is_over_when_it_should_be(void **state)
{
    static const struct {
        enum fa_measure measure;
        fa_time from, length, over;
    } rows[] = {
        {FA_MEASURE_CLOCK, AT(4, 16), FA_DAY, AT(5, 16)},
        {FA_MEASURE_OPEN, AT(4, 16), 2 * FA_HOUR, AT(5, 10)},
        {FA_MEASURE_OPEN, AT(8, 12), 2 * FA_HOUR, AT(11, 10)}, /* over the weekend */
        {FA_MEASURE_DAYS, AT(4, 16), FA_DAY, AT(5, 16)},
        {FA_MEASURE_DAYS, AT(4, 16), 2 * FA_DAY, AT(6, 16)},
        {FA_MEASURE_DAYS, AT(4, 9), FA_DAY, AT(4, 17)},  /* a day from its beginning to its end */
        {FA_MEASURE_DAYS, AT(4, 17), FA_DAY, AT(5, 17)}, /* closed: from the next opening */
        {FA_MEASURE_DAYS, AT(4, 3), FA_DAY, AT(4, 17)},
        {FA_MEASURE_DAYS, AT(1, 0), FA_DAY, AT(4, 17)},  /* before all that is known */
        {FA_MEASURE_DAYS, AT(7, 13), FA_DAY, AT(8, 11)}, /* half a day, and half of a short one */
        {FA_MEASURE_DAYS, AT(8, 11), FA_DAY, AT(11, 13)},
        {FA_MEASURE_DAYS, AT(9, 11), FA_DAY, AT(11, 17)},           /* Saturday */
        {FA_MEASURE_DAYS, AT(12, 16), FA_DAY, AT(14, 16) + 450000}, /* over the holiday */
        {FA_MEASURE_DAYS, AT(14, 9), FA_DAY * 3 / 7, AT(14, 12)},   /* up to the break */
        {FA_MEASURE_DAYS, AT(14, 9), FA_DAY * 4 / 7, AT(14, 14)},   /* and past it */
        {FA_MEASURE_DAYS, AT(15, 13), FA_DAY, AT(18, 0) + FA_DAY},  /* beyond: days of 24 hours */
        {FA_MEASURE_DAYS, AT(40, 0), FA_DAY, AT(41, 0)},
    };
    struct office o;
    open_office(&o);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fa_time over = fa_calendar_after(&o.entry, rows[i].measure, rows[i].from, rows[i].length);
        fa_time between = fa_calendar_between(&o.entry, rows[i].measure, rows[i].from, over);
        fa_time late = over - rows[i].over, off = between - rows[i].length;
        if (late < -1 || late > 1 || off < -1 || off > 1) {
            fail_msg("row %zu: over %lld late, %lld too much", i, (long long)late, (long long)off);
        }
    }
    fa_spans_done(&o.entry.open);
}

static void without_a_calendar_all_time_is_business_time(void **state)
{
    for (enum fa_measure m = 0; m < FA_MEASURE__COUNT; m++) {
        assert_int_equal(fa_calendar_after(NULL, m, 100, FA_DAY), 100 + FA_DAY);
        assert_int_equal(fa_calendar_between(NULL, m, 100, 300), 200);
    }
}

static void days_of_equal_hours_are_over_at_the_minute_at_which_they_began(void **state)
{
    struct office o = {.entry.known_until = FA_NEVER};
    for (fa_time day = 0; day < 60; day++) {
        add_day(&o, day, 8, 17);
    }
    for (fa_time minute = 1; minute < 9 * 60; minute++) {
        fa_time from = AT(3, 8) + minute * FA_MINUTE;
        assert_int_equal(fa_calendar_after(&o.entry, FA_MEASURE_DAYS, from, 3 * FA_DAY),
                         from + 3 * FA_DAY);
    }
    fa_spans_done(&o.entry.open);
}

/* Hours of any length, breaks and holidays: later never ends earlier, nothing ends while it is
 * closed, and what passed is what was asked for. */
static void any_hours_keep_order_and_lose_nothing(void **state)
{
    for (uint32_t seed = 1; seed <= 200; seed++) {
        struct fa_rng rng = {{seed, 43}};
        struct office o = {.entry.known_until = AT(60, 0)};
        for (fa_time day = 0; day < 60; day++) {
            fa_time from = (fa_time)(fa_rng_next(&rng) % 12);
            if (fa_rng_next(&rng) % 4 != 0) {
                add_day(&o, day, from, from + 1 + (fa_time)(fa_rng_next(&rng) % 12));
            }
        }
        fa_time last = 0, length = 1 + (fa_time)(fa_rng_next(&rng) % (uint64_t)(10 * FA_DAY));
        for (fa_time from = 0; from < AT(20, 0); from += 7 * FA_MINUTE) {
            fa_time over = fa_calendar_after(&o.entry, FA_MEASURE_DAYS, from, length);
            fa_time passed = fa_calendar_between(&o.entry, FA_MEASURE_DAYS, from, over);
            assert_true(over >= last && over > from);
            assert_true(passed - length < 60000 && length - passed < 60000);
            if (over < AT(60, 0)) {
                assert_true(fa_spans_has(&o.entry.open, over - 1));
            }
            last = over;
        }
        fa_spans_done(&o.entry.open);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(business_time_is_over_when_it_should_be),
        cmocka_unit_test(without_a_calendar_all_time_is_business_time),
        cmocka_unit_test(days_of_equal_hours_are_over_at_the_minute_at_which_they_began),
        cmocka_unit_test(any_hours_keep_order_and_lose_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
