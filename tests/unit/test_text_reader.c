/* SPDX-License-Identifier: MIT */
#include "fa_test.h"
#include "text/reader.h"

#define MORNING INT64_C(1763799300000) /* 22 Nov 2025 08:15 UTC */

static void a_time_is_said_with_its_distance(void **state)
{
    static const struct fa_reader_zone tokyo = {9 * 3600, "JST"};
    static const struct {
        fa_time wall, now;
        const struct fa_reader_zone *zone;
        const char *expect;
    } table[] = {
        {MORNING, 0, NULL, "22 Nov 08:15 UTC"},
        {MORNING, MORNING, NULL, "22 Nov 08:15 UTC (now)"},
        {MORNING, MORNING + 59 * FA_SECOND, NULL, "22 Nov 08:15 UTC (59 s ago)"},
        {MORNING, MORNING + 25 * FA_MINUTE + 3 * FA_SECOND, NULL, "22 Nov 08:15 UTC (25 min ago)"},
        {MORNING, MORNING + 125 * FA_MINUTE, NULL, "22 Nov 08:15 UTC (2 h 5 min ago)"},
        {MORNING, MORNING + 12 * FA_HOUR + 7 * FA_MINUTE, NULL, "22 Nov 08:15 UTC (12 h ago)"},
        {MORNING, MORNING - 5 * FA_MINUTE, NULL, "22 Nov 08:15 UTC (in 5 min)"},
        {MORNING, MORNING + 60 * FA_DAY, NULL, "22 Nov 2025 08:15 UTC (60 d ago)"},
        {MORNING, MORNING + FA_MINUTE, &tokyo, "22 Nov 17:15 JST (1 min ago)"},
        {0, MORNING, NULL, "an unknown time"},
        {-5, MORNING, NULL, "an unknown time"},
        {INT64_MAX, MORNING, &tokyo, "an unknown time"},
        {MORNING, INT64_MAX, NULL, "22 Nov 08:15 UTC"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        char buf[FA_READER_TIME_SIZE];
        assert_string_equal(fa_reader_time(NULL, table[i].wall, table[i].now, table[i].zone, buf),
                            table[i].expect);
    }
}

static void a_length_has_two_units_at_most(void **state)
{
    static const struct {
        fa_time ms;
        const char *expect;
    } table[] = {
        {0, "0 s"},
        {250, "250 ms"},
        {1000, "1 s"},
        {1500, "1.5 s"},
        {2049, "2 s"},
        {9990, "9.9 s"},
        {45 * FA_SECOND, "45 s"},
        {312 * FA_SECOND, "5 min 12 s"},
        {5 * FA_MINUTE, "5 min"},
        {2 * FA_HOUR + 5 * FA_MINUTE + 9 * FA_SECOND, "2 h 5 min"},
        {3 * FA_DAY + 4 * FA_HOUR, "3 d 4 h"},
        {3 * FA_DAY + 4 * FA_MINUTE, "3 d"},
        {-5 * FA_MINUTE, "-5 min"},
        {INT64_MIN, "-106751991167 d 7 h"},
        {INT64_MAX, "106751991167 d 7 h"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        char buf[40];
        assert_string_equal(fa_reader_duration(NULL, table[i].ms, buf), table[i].expect);
    }
}

static void a_number_has_the_digits_that_matter(void **state)
{
    static const struct {
        double value;
        const char *number, *percent;
    } table[] = {
        {0, "0", "0 %"},
        {-0.0, "0", "0 %"},
        {1, "1", "100 %"},
        {-3.5, "-3.5", "-350 %"},
        {0.0234, "0.0234", "2.3 %"},
        {0.00012, "0.00012", "0.012 %"},
        {12.3456, "12.35", "1,235 %"},
        {12345.678, "12,346", "1,234,568 %"},
        {1234567, "1,234,567", "123,456,700 %"},
        {-1234, "-1,234", "-123,400 %"},
        {1e20, "1.000e+20", "1.000e+22 %"},
        {INFINITY, "infinite", "infinite %"},
        {NAN, "unknown", "unknown %"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        char buf[40];
        assert_string_equal(fa_reader_number(NULL, table[i].value, buf), table[i].number);
        assert_string_equal(fa_reader_percent(NULL, table[i].value, buf), table[i].percent);
    }
}

static void text_loses_what_could_mislead_a_reader(void **state)
{
    static const struct {
        const char *text, *expect;
    } table[] = {
        {"plain\ntext", "plain\ntext"},
        {"a\r\nb\rc", "a\nb\nc"},
        {"a\tb\x1b[31mred\x7f", "a b [31mred "},
        {"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x94\xa5", "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x94\xa5"},
        {"\xe2\x80\xaegpj.exe", "gpj.exe"},
        {"a\xe2\x80\x8b"
         "b\xef\xbb\xbf"
         "c\xe2\x81\xa6"
         "d\xc2\x9b",
         "abcd"},
        {"a\xff"
         "b\xc3",
         "a\xef\xbf\xbd"
         "b\xef\xbf\xbd"},
        {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct fa_buf out;
        fa_buf_init(&out, 1000);
        fa_reader_clean(&out, fa_str_of(table[i].text));
        assert_string_equal(fa_buf_text(&out), table[i].expect);
        fa_buf_done(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_time_is_said_with_its_distance),
        cmocka_unit_test(a_length_has_two_units_at_most),
        cmocka_unit_test(a_number_has_the_digits_that_matter),
        cmocka_unit_test(text_loses_what_could_mislead_a_reader),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
