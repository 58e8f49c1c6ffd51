/* SPDX-License-Identifier: MIT */
/* Phrases and languages: what a language may say, what stands for what it lacks, and how times and
 * numbers look in it. */
#include "fa_test.h"
#include "text/reader.h"

#define MORNING INT64_C(1763799300000) /* 22 Nov 2025 08:15 UTC */

/* Texts are borrowed from here: tests free nothing. */
static struct fa_language german(void)
{
    struct fa_language language = {0};
    static const struct {
        enum fa_phrase phrase;
        char text[48];
    } texts[] = {
        {FA_PHRASE_DECIMAL_POINT, ","},
        {FA_PHRASE_THOUSANDS_POINT, "."},
        {FA_PHRASE_UNIT_MINUTE, "Min."},
        {FA_PHRASE_MONTH_11, "Nov."},
        {FA_PHRASE_MONTH_3, "M\xc3\xa4rz"},
        {FA_PHRASE_DATE, "{day}. {month}, {time} Uhr"},
        {FA_PHRASE_DATE_OF_YEAR, "{day}. {month} {year}, {time} Uhr"},
        {FA_PHRASE_TIME_AGO, "vor {length}"},
        {FA_PHRASE_NUMBER_UNKNOWN, "unbekannt"},
        {FA_PHRASE_BUSINESS_DAYS, "{count} Arbeitstage"},
        {FA_PHRASE_SILENCED, "Bis {time}: {reason} ({owner}, {alarms})"},
    };
    static char copies[sizeof texts / sizeof texts[0]][48];
    static char name[] = "de";
    language.name = name;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        memcpy(copies[i], texts[i].text, sizeof copies[i]);
        language.texts[texts[i].phrase] = copies[i];
    }
    return language;
}

static void every_phrase_has_a_name_and_an_english_text_that_is_sound(void **state)
{
    for (enum fa_phrase i = 0; i < FA_PHRASE__COUNT; i++) {
        char name[FA_PHRASE_NAME_SIZE];
        struct fa_err err;
        assert_int_equal(fa_phrase_find(fa_phrase_name(i, name)), i);
        if (fa_phrase_check(i, fa_str_of(fa_phrase_text(NULL, i)), &err) != 0) {
            fail_msg("%s: %s", name, err.text);
        }
    }
    assert_int_equal(fa_phrase_find("no_such_phrase"), FA_PHRASE__COUNT);
    assert_int_equal(fa_phrase_find(""), FA_PHRASE__COUNT);
}

static void a_text_that_does_not_say_all_is_refused(void **state)
{
    static const struct {
        enum fa_phrase phrase;
        const char *text, *expect; /* NULL: it may be said */
    } table[] = {
        {FA_PHRASE_SILENCED, "{reason} {time} {alarms} {owner}", NULL},
        {FA_PHRASE_SILENCED, "{reason} {time} {alarms}", "a place is missing"},
        {FA_PHRASE_SILENCED, "", "is empty"},
        {FA_PHRASE_SILENCED, "{owner} {owner} {alarms} {time} {reason}",
         "{owner} stands there twice"},
        {FA_PHRASE_SILENCED, "{owner} {alarms} {zeit} {reason}", "{zeit} is no place"},
        {FA_PHRASE_SILENCED, "{owner} {alarms} {time} {reason} {", "a brace that belongs to no"},
        {FA_PHRASE_SILENCED, "{owner} {alarms} {time} {reason} }", "a brace that belongs to no"},
        {FA_PHRASE_SILENCED, "} {owner} {alarms} {time} {reason}", "no place"},
        {FA_PHRASE_SILENCED, "{{owner} {alarms} {time} {reason}", "{{owner} is no place"},
        {FA_PHRASE_OWN_IT,
         "Ich \xc3\xbc"
         "bernehme",
         NULL},
        {FA_PHRASE_OWN_IT, "{name}", "{name} is no place"},
        {FA_PHRASE_OWN_IT, "a\xffz", "is not UTF-8"},
        {FA_PHRASE_OWN_IT, "a\nb", "controls, hides or turns"},
        {FA_PHRASE_OWN_IT, "a\x01z", "controls, hides or turns"},
        {FA_PHRASE_OWN_IT, "a\xe2\x80\xaez", "controls, hides or turns"},
        {FA_PHRASE_OWN_IT, "a\xc2\x85z", "controls, hides or turns"},
        {FA_PHRASE_UNIT_DAY, "jour(s)!!", "longer than 8"},
        {FA_PHRASE_THOUSANDS_POINT, "\xe2\x80\xaf", NULL},
        {FA_PHRASE_DECIMAL_POINT, "komma", "longer than 4"},
        {FA_PHRASE_MONTH_12, "123456789012345678901", "longer than 20"},
        {FA_PHRASE_TIME_AHEAD, "in {length} 012345678901234567890123456789", "longer than 40"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct fa_err err = {0};
        int rc = fa_phrase_check(table[i].phrase, fa_str_of(table[i].text), &err);
        if ((rc == 0) != (table[i].expect == NULL)) {
            fail_msg("'%s': %s", table[i].text, rc == 0 ? "was taken" : err.text);
        }
        if (rc != 0) {
            assert_contains(err.text, table[i].expect);
        }
    }
}

static void values_go_to_their_places_in_any_order_and_are_read_for_none(void **state)
{
    struct fa_language language = german();
    struct fa_buf out;
    fa_buf_init(&out, 1000);
    fa_phrase_put(&out, &language, FA_PHRASE_SILENCED,
                  FA_VALUES("ann", "{time}", "noon", "{owner} }{"));
    assert_string_equal(fa_buf_text(&out), "Bis noon: {owner} }{ (ann, {time})");
    fa_buf_clear(&out);
    fa_phrase_put(&out, NULL, FA_PHRASE_SILENCED, FA_VALUES("ann", "all", "noon", "why"));
    assert_string_equal(fa_buf_text(&out), "ann silenced all until noon: why");
    fa_buf_clear(&out);
    fa_phrase_put(&out, &language, FA_PHRASE_TEST_TITLE, NULL);
    assert_string_equal(fa_buf_text(&out), "Test of this channel"); /* left out */
    fa_buf_done(&out);
}

static void times_and_numbers_are_as_the_language_has_them(void **state)
{
    struct fa_language language = german();
    char time[FA_READER_TIME_SIZE], text[40];
    assert_string_equal(fa_reader_time(&language, MORNING, MORNING + 125 * FA_MINUTE, NULL, time),
                        "22. Nov., 08:15 Uhr UTC (vor 2 h 5 Min.)");
    assert_string_equal(fa_reader_time(&language, MORNING, MORNING + 60 * FA_DAY, NULL, time),
                        "22. Nov. 2025, 08:15 Uhr UTC (vor 60 d)");
    assert_string_equal(fa_reader_time(&language, MORNING - 250 * FA_DAY, 0, NULL, time),
                        "17. M\xc3\xa4rz, 08:15 Uhr UTC");
    assert_string_equal(fa_reader_duration(&language, 1500, text), "1,5 s");
    assert_string_equal(fa_reader_number(&language, -1234567.8, text), "-1.234.568");
    assert_string_equal(fa_reader_number(&language, 3.25, text), "3,25");
    assert_string_equal(fa_reader_number(&language, (double)NAN, text), "unbekannt");
    assert_string_equal(fa_reader_percent(&language, 0.0234, text), "2,3 %");
    assert_string_equal(fa_reader_measured(&language, 2 * FA_DAY, FA_MEASURE_DAYS, text),
                        "2 Arbeitstage");
    assert_string_equal(fa_reader_measured(&language, FA_HOUR, FA_MEASURE_OPEN, text),
                        "1 business hour");
    assert_string_equal(fa_reader_measured(&language, 3 * FA_HOUR / 2, FA_MEASURE_OPEN, text),
                        "1,5 business hours");
    assert_string_equal(fa_reader_measured(&language, FA_MINUTE, FA_MEASURE_CLOCK, text), "1 Min.");
}

/* The longest that a language may say, at the largest numbers. */
static void what_a_language_says_of_times_and_numbers_fits(void **state)
{
    static char point[] = "\xf0\x9f\x94\xa5", unit[] = "12345678", month[] = "12345678901234567890";
    static char when[] = "{length} 123456789012345678901234567890";
    static char day[] = "12345678 {day} {month} {year} {time}", dated[] = "{day} {month} {time}";
    struct fa_language language = {.name = unit};
    for (enum fa_phrase i = FA_PHRASE_DECIMAL_POINT; i <= FA_PHRASE_TIME_UNKNOWN; i++) {
        language.texts[i] = i < FA_PHRASE_UNIT_DAY  ? point
                            : i < FA_PHRASE_MONTH_1 ? unit
                            : i < FA_PHRASE_DATE    ? month
                                                    : when;
    }
    language.texts[FA_PHRASE_DATE] = dated;
    language.texts[FA_PHRASE_DATE_OF_YEAR] = day;
    const struct fa_reader_zone zone = {0, "ABCDEFGHIJKL"};
    char time[FA_READER_TIME_SIZE], text[40];
    fa_reader_time(&language, MORNING, MORNING + 8000 * FA_DAY, &zone, time);
    assert_string_equal(time, "12345678 22 12345678901234567890 2025 08:15 ABCDEFGHIJKL "
                              "(8000 12345678 123456789012345678901234567890)");
    assert_string_equal(fa_reader_duration(&language, INT64_MIN, text),
                        "-106751991167 12345678 7 12345678");
    assert_string_equal(fa_reader_number(&language, -999999999999999.0, text),
                        "-999\xf0\x9f\x94\xa5"
                        "999\xf0\x9f\x94\xa5"
                        "999\xf0\x9f\x94\xa5"
                        "999\xf0\x9f\x94\xa5"
                        "999");
    assert_string_equal(fa_reader_number(&language, -(double)INFINITY, text),
                        "-12345678901234567890");
}

static void a_language_is_found_by_its_tag_or_the_first_part_of_it(void **state)
{
    static char de[] = "de", pt[] = "pt-br", fr[] = "fr";
    const struct fa_language list[] = {{.name = de}, {.name = pt}, {.name = fr}};
    static const struct {
        const char *name, *found;
    } table[] = {
        {"de", "de"},       {"DE", "de"}, {"de-AT", "de"}, {"de-AT-x-a", "de"},
        {"pt-BR", "pt-br"}, {"pt", "en"}, {"d", "en"},     {"deu", "en"},
        {"", "en"},         {"-", "en"},  {"xx-de", "en"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        assert_string_equal(fa_language_name(fa_language_find(list, 3, fa_str_of(table[i].name))),
                            table[i].found);
    }
}

static void a_browser_gets_what_it_likes_best_of_what_there_is(void **state)
{
    static char de[] = "de", fr[] = "fr";
    const struct fa_language list[] = {{.name = de}, {.name = fr}};
    static const struct {
        const char *field, *found;
    } table[] = {
        {"", "en"},
        {"de", "de"},
        {"de-CH, fr;q=0.9", "de"},
        {"es, fr;q=0.8, de;q=0.9", "de"},
        {"fr;q=0.8,de;q=0.8", "fr"},
        {"en-US,en;q=0.5", "en"},
        {"en-US, de;q=0.9", "en"},
        {"en;q=0.1, de;q=0.2", "de"},
        {"en, de", "en"},
        {"de;q=0, fr;q=0", "en"},
        {"*", "en"},
        {"de;q=x, fr ; q=0.1", "fr"},
        {"de;q=-1, fr;q=1e9", "fr"},
        {"<script>, ;;;,,, =, q=1", "en"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        const struct fa_language *found = fa_language_accept(list, 2, fa_str_of(table[i].field));
        if (strcmp(fa_language_name(found), table[i].found) != 0) {
            fail_msg("'%s' gives %s", table[i].field, fa_language_name(found));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_phrase_has_a_name_and_an_english_text_that_is_sound),
        cmocka_unit_test(a_text_that_does_not_say_all_is_refused),
        cmocka_unit_test(values_go_to_their_places_in_any_order_and_are_read_for_none),
        cmocka_unit_test(times_and_numbers_are_as_the_language_has_them),
        cmocka_unit_test(what_a_language_says_of_times_and_numbers_fits),
        cmocka_unit_test(a_language_is_found_by_its_tag_or_the_first_part_of_it),
        cmocka_unit_test(a_browser_gets_what_it_likes_best_of_what_there_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
