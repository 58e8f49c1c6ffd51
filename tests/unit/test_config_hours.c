/* SPDX-License-Identifier: MIT */
/* Weekly hours and days away, as they are written and as time. */
#include "fa_test.h"

#include "config/hours.h"

#include <string.h>

static struct fa_zone_shift shifts[] = {{0, 3600, "CET"},
                                        {INT64_C(1774746000000), 7200, "CEST"}, /* 2026-03-29T01Z */
                                        {INT64_C(1792890000000), 3600, "CET"}}; /* 2026-10-25T01Z */
static const struct fa_zone berlin = {.shifts = shifts, .count = 3};

static fa_time at(const char *text)
{
    fa_time wall = 0;
    assert_int_equal(fa_parse_time(fa_str_of(text), &wall), 0);
    return wall;
}

/* "03-30 07:00-15:00 ..." of the spans in a week. */
static const char *week(const char *hours, const char *from, char buf[512])
{
    struct fa_hours parsed;
    struct fa_spans spans = {0};
    struct fa_err err;
    size_t len = 0;
    if (fa_hours_parse(fa_str_of(hours), &parsed, &err) != 0) {
        snprintf(buf, 512, "%s", err.text);
        return buf;
    }
    fa_hours_spread(&parsed, &berlin, (struct fa_span){at(from), at(from) + 7 * FA_DAY}, &spans);
    buf[0] = '\0';
    for (size_t i = 0; i < spans.count; i++) {
        char a[32], b[32];
        fa_time_format(spans.list[i].from, a);
        fa_time_format(spans.list[i].until, b);
        len += (size_t)snprintf(buf + len, 512 - len, "%s%.2s %.5s-%.2s %.5s", i > 0 ? ", " : "",
                                a + 8, a + 11, b + 8, b + 11);
    }
    fa_spans_done(&spans);
    return buf;
}

static void hours_are_what_clocks_show(void **state)
{
    static const struct {
        const char *hours, *from, *expect;
    } cases[] = {
        /* 2026-03-23 is a Monday; the week ends with the leap. */
        {"Mon-Fri 09:00-17:00", "2026-03-23T00:00:00Z",
         "23 08:00-23 16:00, 24 08:00-24 16:00, 25 08:00-25 16:00, 26 08:00-26 16:00, 27 "
         "08:00-27 16:00"},
        {"Sat,Sun 10:00-12:00", "2026-03-23T00:00:00Z", "28 09:00-28 11:00, 29 08:00-29 10:00"},
        {"sun 02:15-02:45", "2026-03-23T00:00:00Z", ""},
        {"Sun 02:15-04:00", "2026-03-23T00:00:00Z", "29 01:00-29 02:00"},
        {"Sun 02:15-02:45", "2026-10-19T00:00:00Z", "25 00:15-25 01:45"},
        {"Mon 00:00-24:00", "2026-03-30T00:00:00Z", "30 00:00-30 22:00, 05 22:00-06 00:00"},
        {"Fri-Mon 00:00-24:00", "2026-03-23T12:00:00Z", "23 12:00-23 23:00, 26 23:00-30 12:00"},
        {"Tue 22:00-06:00", "2026-03-23T00:00:00Z", "24 21:00-25 05:00"},
        {"Sun 22:00-06:00", "2026-03-23T00:00:00Z", "23 00:00-23 05:00, 29 20:00-30 00:00"},
        {"Mon-Sun 00:00-24:00", "2026-03-25T00:00:00Z", "25 00:00-01 00:00"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char buf[512];
        assert_string_equal(week(cases[i].hours, cases[i].from, buf), cases[i].expect);
    }
}

static void what_are_no_hours_is_refused(void **state)
{
    static const char *const texts[] = {"",
                                        "Mon",
                                        "09:00-17:00",
                                        "Mon 9:00-17:00",
                                        "Mon 09:00",
                                        "Mon 09:00-",
                                        "Mon 09:00-25:00",
                                        "Mon 09:60-17:00",
                                        "Mon 09:00-09:00",
                                        "Mon 24:00-06:00",
                                        "Mo 09:00-17:00",
                                        "Mon-Fr 09:00-17:00",
                                        "Mon,,Tue 09:00-17:00",
                                        "Mon- 09:00-17:00",
                                        "Monday 09:00-17:00",
                                        "Mon 09:00-17:00 CET",
                                        "Mon 24:01-24:30",
                                        "Mon 09.00-17.00"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct fa_hours hours;
        struct fa_err err = {0};
        assert_int_equal(fa_hours_parse(fa_str_of(texts[i]), &hours, &err), FA_EPARSE);
        assert_non_null(strstr(err.text, "write them like \"Mon-Fri 09:00-17:00\""));
    }
}

static void days_are_read_and_the_last_one_counts(void **state)
{
    struct fa_span days;
    struct fa_err err;
    assert_int_equal(fa_days_parse(FA_STR("2026-12-24"), &days, &err), 0);
    assert_int_equal(days.from, at("2026-12-24T00:00:00Z"));
    assert_int_equal(days.until, at("2026-12-25T00:00:00Z"));
    assert_int_equal(fa_days_parse(FA_STR("2026-12-24..2027-01-02"), &days, &err), 0);
    assert_int_equal(days.from, at("2026-12-24T00:00:00Z"));
    assert_int_equal(days.until, at("2027-01-03T00:00:00Z"));
    static const char *const texts[] = {"",
                                        "2026-12",
                                        "2026-13-01",
                                        "2026-02-30",
                                        "24.12.2026",
                                        "2026-12-24..",
                                        "2026-12-24 ",
                                        "2026-12-24..2026-12-23",
                                        "2026-12-24-2026-12-26",
                                        "2026-12-24..2026-12-2x"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_int_equal(fa_days_parse(fa_str_of(texts[i]), &days, &err), FA_EPARSE);
    }
    /* A text ends with its length, not with a NUL. */
    struct fa_str part = {"2026-12-24..2026-12-23, and more", 22};
    assert_int_equal(fa_days_parse(part, &days, &err), FA_EPARSE);
    assert_string_equal(err.text, "'2026-12-24..2026-12-23' ends before it begins");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hours_are_what_clocks_show),
        cmocka_unit_test(what_are_no_hours_is_refused),
        cmocka_unit_test(days_are_read_and_the_last_one_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
