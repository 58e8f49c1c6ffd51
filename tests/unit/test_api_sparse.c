/* SPDX-License-Identifier: MIT */
#include "api/internal.h"
#include "fa_test.h"

#define BACK  (5 * FA_MINUTE)
#define TIMES 10

/* A letter a change, in the order they happened: the label set in capitals for known. */
static fa_time interval_of(const char *sets, const fa_time *times)
{
    static char *const names[] = {"q=\"a\"", "q=\"b\""};
    struct fa_rule_change changes[TIMES];
    size_t count = strlen(sets);
    for (size_t i = 0; i < count; i++) {
        bool is_known = sets[i] == 'A' || sets[i] == 'B';
        changes[count - 1 - i] = (struct fa_rule_change){
            .when = FA_DAY + times[i],
            .level = is_known ? FA_LEVEL_FIRING : FA_LEVEL_UNKNOWN,
            .labels = names[sets[i] == 'B' || sets[i] == 'b'],
        };
    }
    return fa_changes_interval(changes, count, BACK);
}

static void samples_that_come_later_than_the_look_back_show_their_interval(void **state)
{
    const fa_time d = FA_DAY, m = FA_MINUTE, h = FA_HOUR;
    const struct {
        const char *what, *sets;
        fa_time times[TIMES], interval;
    } cases[] = {
        {"nothing", "", {0}, 0},
        {"once a day, for the third time", "AaAaA", {0, 5 * m, d, d + 5 * m, 2 * d}, d},
        {"the same, unknown again", "AaAaAa", {0, 5 * m, d, d + 5 * m, 2 * d, 2 * d + 5 * m}, d},
        {"twice may be chance", "AaAa", {0, 5 * m, d, d + 5 * m}, 0},
        {"the longest counts: a weekend", "AaAaA", {0, 5 * m, d, d + 5 * m, 4 * d}, 3 * d},
        {"an outage of what comes often", "AaA", {0, 7 * h, 9 * h}, 0},
        {"several outages", "AaAaAa", {0, 7 * h, 9 * h, 20 * h, 22 * h, 30 * h}, 0},
        {"it came often once", "AaAaAaA", {0, 7 * h, d, d + 5 * m, 2 * d, 2 * d + 5 * m, 3 * d}, d},
        {"and it comes often now", "AaAaAaA", {0, 5 * m, d, d + 5 * m, 2 * d, 2 * d + h, 3 * d}, 0},
        {"firing and clear are both known", "AAaAaA", {0, m, 5 * m, d, d + 5 * m, 2 * d}, d},
        {"two label sets, each too seldom", "ABabAB", {0, m, 5 * m, 6 * m, d, d + m}, 0},
        {"one of two", "ABaAaAa", {0, m, 5 * m, d, d + 5 * m, 2 * d, 2 * d + 5 * m}, d},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fa_time interval = interval_of(cases[i].sets, cases[i].times);
        if (interval != cases[i].interval) {
            fail_msg("%s: %lld", cases[i].what, (long long)interval);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_that_come_later_than_the_look_back_show_their_interval),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
