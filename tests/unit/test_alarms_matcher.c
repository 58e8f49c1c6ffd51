/* SPDX-License-Identifier: MIT */
/* Matchers of silences and inhibitions, the times of maintenance windows, and which inhibitions go
 * in a circle. */
#include "fa_test.h"

#include "alarms/silence.h"
#include "base/heap.h"
#include "base/panic.h"

#include <stdlib.h>
#include <string.h>

static struct fa_matchers read_all(const char *text)
{
    struct fa_matchers matchers = {0};
    struct fa_err err;
    struct fa_str rest = fa_str_of(text);
    while (rest.len > 0) {
        struct fa_str one = fa_str_cut(rest, ';', &rest);
        assert_int_equal(fa_matchers_add(&matchers, one, &err), 0);
    }
    return matchers;
}

static void a_matcher_takes_what_it_says(void **state)
{
    static const struct {
        const char *where;
        bool takes;
    } rows[] = {
        {"rule=queue", true},
        {"rule = \"queue\"", true},
        {"rule!=queue", false},
        {"rule=~que.*", true},
        {"rule=~que", false}, /* anchored */
        {"rule!~que.*", false},
        {"severity=critical", true}, /* the alarm's own, not the label */
        {"severity=page", false},
        {"category=service;site=eu-1", true},
        {"category=service;site=eu-2", false},
        {"site=~\"eu-.*\";host!~lab.*", true},
        {"host=", true}, /* not there is empty */
        {"host!=", false},
        {"note=a \"b\" = c", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fa_matchers matchers = read_all(rows[i].where);
        struct fa_matched matched = {
            .rule = "queue",
            .severity = "critical",
            .category = "service",
            .labels = "note=\"a \\\"b\\\" = c\",severity=\"page\",site=\"eu-1\""};
        if (fa_matchers_match(&matchers, &matched) != rows[i].takes) {
            fail_msg("%s", rows[i].where);
        }
        fa_matched_done(&matched);
        fa_matchers_done(&matchers);
    }
}

static void what_is_no_matcher_is_refused_with_what_would_be_right(void **state)
{
    static const struct {
        const char *text;
        int code;
        const char *says;
    } rows[] = {
        {"queue", FA_EPARSE, "NAME=VALUE"},
        {"=queue", FA_EPARSE, "NAME=VALUE"},
        {"", FA_EPARSE, "NAME=VALUE"},
        {"rule!queue", FA_EPARSE, "NAME=VALUE"},
        {"rule=a\nb", FA_EPARSE, "NAME=VALUE"},
        {"rule=\xff", FA_EPARSE, "NAME=VALUE"},
        {"rule=~(", FA_EPARSE, "regular expression"},
        {"rule=~(?=a)b", FA_EUNSUPPORTED, ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fa_matchers matchers = {0};
        struct fa_err err = {0};
        assert_int_equal(fa_matchers_add(&matchers, fa_str_of(rows[i].text), &err), rows[i].code);
        assert_contains(err.text, rows[i].says);
        assert_int_equal(matchers.count, 0);
    }
    struct fa_matchers matchers = {0};
    struct fa_err err;
    for (int i = 0; i < FA_MATCHERS_MAX; i++) {
        assert_int_equal(fa_matchers_add(&matchers, FA_STR("a!=b"), &err), 0);
    }
    assert_int_equal(fa_matchers_add(&matchers, FA_STR("a=b"), &err), FA_EFULL);
    assert_int_equal(fa_matchers_check(&matchers, &err), FA_EINVAL); /* nearly all */
    fa_matchers_done(&matchers);
    matchers = read_all("a=~.*;b=");
    assert_int_equal(fa_matchers_check(&matchers, &err), FA_EINVAL);
    fa_matchers_done(&matchers);
    matchers = read_all("a=~.+");
    assert_int_equal(fa_matchers_check(&matchers, &err), 0);
    fa_matchers_done(&matchers);
}

static void what_is_written_reads_back(void **state)
{
    static const char *const rows[] = {"a=b", "a=", "a= \" x \"", "a=\"\"b\"\"", "a=\"", "a!~b.*"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fa_matchers first = read_all(rows[i]), again;
        fa_matchers_copy(&first, &again);
        assert_true(fa_matchers_eq(&first, &again));
        fa_matchers_done(&again);
        fa_matchers_done(&first);
    }
}

/* ---- windows ---- */

#define MONDAY INT64_C(1767571200000) /* 2026-01-05T00:00:00Z */

static fa_time at(int day, int hour, int minute)
{
    return MONDAY + day * FA_DAY + hour * FA_HOUR + minute * FA_MINUTE;
}

static void a_weekly_window_is_open_at_its_times(void **state)
{
    static const struct {
        const char *text;
        int day, hour, minute;
        bool open;
        int change_minutes; /* from then */
    } rows[] = {
        {"sun 02:00-04:00", 6, 1, 59, false, 1},
        {"sun 02:00-04:00", 6, 2, 0, true, 120},
        {"sun 02:00-04:00", 6, 3, 59, true, 1},
        {"sun 02:00-04:00", 6, 4, 0, false, 7 * 1440 - 120},
        {"sun 22:00-02:00", 6, 23, 0, true, 180}, /* over the week's end */
        {"sun 22:00-02:00", 7, 1, 0, true, 60},
        {"sun 22:00-02:00", 7, 2, 0, false, 6 * 1440 + 1200},
        {"mon-fri 22:00-02:00", 5, 1, 0, true, 60}, /* Friday's night */
        {"mon-fri 22:00-02:00", 5, 23, 0, false, 1440 + 1380},
        {"fri-mon 12:00-13:00", 0, 12, 30, true, 30},
        {"fri-mon 12:00-13:00", 2, 12, 30, false, 2 * 1440 - 30},
        {"daily 00:00-24:00", 3, 5, 0, true, 1140},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fa_maintenance window = {0};
        struct fa_err err;
        fa_time now = at(rows[i].day, rows[i].hour, rows[i].minute) + 25 * FA_SECOND, change = 0;
        assert_int_equal(fa_maintenance_add_weekly(&window, fa_str_of(rows[i].text), &err), 0);
        assert_int_equal(fa_maintenance_has(&window, NULL, now, &change), rows[i].open);
        assert_int_equal(change, now - 25 * FA_SECOND + rows[i].change_minutes * FA_MINUTE);
        fa_maintenance_done(&window);
    }
}

static void what_is_no_time_of_the_week_is_refused(void **state)
{
    static const char *const rows[] = {"",
                                       "sunday 02:00-04:00",
                                       "sun",
                                       "sun 2:00-04:00",
                                       "sun 02:00",
                                       "sun 02:00-02:00",
                                       "sun 24:00-02:00",
                                       "sun 02:60-03:00",
                                       "sun-xyz 02:00-03:00"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fa_maintenance window = {0};
        struct fa_err err;
        assert_int_equal(fa_maintenance_add_weekly(&window, fa_str_of(rows[i]), &err), FA_EPARSE);
        assert_contains(err.text, "daily 03:00-03:30");
        fa_maintenance_done(&window);
    }
}

static void a_window_in_a_zone_follows_its_clocks(void **state)
{
    struct fa_maintenance window = {.zone = fa_xstrdup("Europe/Berlin")};
    struct fa_directory *dir = fa_directory_new();
    struct fa_err err;
    fa_time change;
    dir->zones = fa_xcalloc(1, sizeof *dir->zones);
    dir->zone_count = 1;
    dir->zones[0].name = fa_xstrdup("Europe/Berlin");
    dir->zones[0].shifts = fa_xcalloc(2, sizeof(struct fa_zone_shift));
    dir->zones[0].count = 2;
    dir->zones[0].shifts[0] = (struct fa_zone_shift){0, 3600, "CET"};
    dir->zones[0].shifts[1] = (struct fa_zone_shift){at(6, 1, 0), 7200, "CEST"};
    assert_int_equal(fa_directory_seal(dir, &err), 0);
    assert_int_equal(fa_maintenance_add_weekly(&window, FA_STR("sun 01:00-04:00"), &err), 0);
    assert_true(fa_maintenance_has(&window, dir, at(6, 0, 0), &change)); /* 01:00 CET */
    assert_int_equal(change, at(6, 1, 0));                               /* the shift */
    assert_true(fa_maintenance_has(&window, dir, at(6, 1, 0), &change)); /* 03:00 CEST */
    assert_int_equal(change, at(6, 2, 0));
    assert_false(fa_maintenance_has(&window, dir, at(6, 2, 0), &change));
    fa_maintenance_done(&window);
    fa_directory_free(dir);
}

static void a_calendar_that_is_not_known_any_more_hides_nothing(void **state)
{
    struct fa_maintenance window = {.calendar = fa_xstrdup("works")};
    struct fa_directory *dir = fa_directory_new();
    struct fa_err err;
    fa_time change;
    dir->calendars = fa_xcalloc(1, sizeof *dir->calendars);
    dir->calendar_count = 1;
    dir->calendars[0] = (struct fa_calendar_entry){.name = fa_xstrdup("works"), .known_until = 500};
    fa_spans_add(&dir->calendars[0].open, (struct fa_span){100, 200});
    fa_spans_add(&dir->calendars[0].open, (struct fa_span){400, 900});
    assert_int_equal(fa_directory_seal(dir, &err), 0);
    assert_false(fa_maintenance_has(&window, dir, 50, &change));
    assert_int_equal(change, 100);
    assert_true(fa_maintenance_has(&window, dir, 100, &change));
    assert_int_equal(change, 200);
    assert_true(fa_maintenance_has(&window, dir, 450, &change));
    assert_int_equal(change, 500);
    assert_false(fa_maintenance_has(&window, dir, 500, &change));
    assert_true(change == FA_NEVER);
    fa_maintenance_done(&window);
    fa_directory_free(dir);
}

/* ---- circles ---- */

static void inhibitions_that_could_hide_each_other_are_found(void **state)
{
    static const struct {
        const char *when[3], *hide[3];
        bool sound;
    } rows[] = {
        {{"severity=critical"}, {"severity=warning"}, true},
        {{"severity=critical"}, {"severity!=critical"}, true},
        {{"severity=critical"}, {"site=~.+"}, false}, /* two critical ones of a site */
        {{"rule=a"}, {"rule=a"}, false},
        {{"rule=a"}, {"rule=~b.*"}, true},
        {{"rule=~a.*"}, {"rule=~b.*"}, false}, /* of two regular expressions nobody asks */
        {{"rule=a", "rule=b"}, {"rule=b", "rule=c"}, true}, /* a chain */
        {{"rule=a", "rule=b"}, {"rule=b", "rule=a"}, false},
        {{"rule=a", "rule=b", "rule=c"}, {"rule=b", "rule=c", "rule=a"}, false},
        {{"rule=a", "rule=b", "rule=c"}, {"rule=b", "rule=c", "rule=d"}, true},
        {{"rule=a;site=eu"}, {"rule=b;site=us"}, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fa_inhibition list[3] = {0};
        struct fa_err err;
        size_t count = 0, found = 0;
        while (count < 3 && rows[i].when[count] != NULL) {
            list[count].when = read_all(rows[i].when[count]);
            list[count].hide = read_all(rows[i].hide[count]);
            count++;
        }
        int rc = fa_inhibitions_check(list, count, &found, &err);
        if (rc != (rows[i].sound ? 0 : FA_ECONFLICT)) {
            fail_msg("row %zu", i);
        }
        for (size_t k = 0; k < count; k++) {
            fa_inhibition_done(&list[k]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_matcher_takes_what_it_says),
        cmocka_unit_test(what_is_no_matcher_is_refused_with_what_would_be_right),
        cmocka_unit_test(what_is_written_reads_back),
        cmocka_unit_test(a_weekly_window_is_open_at_its_times),
        cmocka_unit_test(what_is_no_time_of_the_week_is_refused),
        cmocka_unit_test(a_window_in_a_zone_follows_its_clocks),
        cmocka_unit_test(a_calendar_that_is_not_known_any_more_hides_nothing),
        cmocka_unit_test(inhibitions_that_could_hide_each_other_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
