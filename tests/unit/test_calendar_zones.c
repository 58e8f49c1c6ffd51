/* SPDX-License-Identifier: MIT */
/* links: fa_calendar_child fa_calendar fa_base */
/* needs: firealarm-calendar */
/* Zones and what clocks show: of all zones of this machine that shift in the next ten years. */
#include "fa_test.h"

#include "calendar/child/zones.h"
#include "base/panic.h"
#include "calendars.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BEGIN (INT64_C(1767225600) * FA_SECOND) /* 2026-01-01 */
#define END   (BEGIN + 3653 * FA_DAY)

/* Berlin's spring and autumn of 2026, and a day on which Apia leapt over a date. */
static struct fa_zone_shift berlin_shifts[] = {
    {INT64_C(1761440400000), 3600, "CET"},
    {INT64_C(1774746000000), 7200, "CEST"}, /* 2026-03-29T01:00Z */
    {INT64_C(1792890000000), 3600, "CET"},  /* 2026-10-25T01:00Z */
};
static const struct fa_zone berlin = {.shifts = berlin_shifts, .count = 3};
static struct fa_zone_shift apia_shifts[] = {
    {0, -10 * 3600, "-10"}, {INT64_C(1325239200000), 14 * 3600, "+14"}, /* 2011-12-30T10:00Z */
};
static const struct fa_zone apia = {.shifts = apia_shifts, .count = 2};

static fa_time at(const char *text)
{
    fa_time wall = 0;
    assert_int_equal(fa_parse_time(fa_str_of(text), &wall), 0);
    return wall;
}

static void what_clocks_show_is_one_moment(void **state)
{
    static const struct {
        const struct fa_zone *zone;
        const char *local, *first, *last;
    } cases[] = {
        {&berlin, "2026-01-10T12:00:00Z", "2026-01-10T11:00:00Z", "2026-01-10T11:00:00Z"},
        {&berlin, "2026-07-10T12:00:00Z", "2026-07-10T10:00:00Z", "2026-07-10T10:00:00Z"},
        {&berlin, "2026-03-29T01:59:59Z", "2026-03-29T00:59:59Z", "2026-03-29T00:59:59Z"},
        {&berlin, "2026-03-29T02:00:00Z", "2026-03-29T01:00:00Z", "2026-03-29T01:00:00Z"},
        {&berlin, "2026-03-29T02:30:00Z", "2026-03-29T01:00:00Z", "2026-03-29T01:00:00Z"},
        {&berlin, "2026-03-29T03:00:00Z", "2026-03-29T01:00:00Z", "2026-03-29T01:00:00Z"},
        {&berlin, "2026-10-25T01:59:59Z", "2026-10-24T23:59:59Z", "2026-10-24T23:59:59Z"},
        {&berlin, "2026-10-25T02:00:00Z", "2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z"},
        {&berlin, "2026-10-25T02:30:00Z", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"},
        {&berlin, "2026-10-25T03:00:00Z", "2026-10-25T02:00:00Z", "2026-10-25T02:00:00Z"},
        {&berlin, "2020-01-01T12:00:00Z", "2020-01-01T11:00:00Z", "2020-01-01T11:00:00Z"},
        {&apia, "2011-12-29T23:00:00Z", "2011-12-30T09:00:00Z", "2011-12-30T09:00:00Z"},
        {&apia, "2011-12-30T12:00:00Z", "2011-12-30T10:00:00Z", "2011-12-30T10:00:00Z"},
        {&apia, "2011-12-31T00:00:00Z", "2011-12-30T10:00:00Z", "2011-12-30T10:00:00Z"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(fa_zone_instant(cases[i].zone, at(cases[i].local), false),
                         at(cases[i].first));
        assert_int_equal(fa_zone_instant(cases[i].zone, at(cases[i].local), true),
                         at(cases[i].last));
    }
    assert_int_equal(fa_zone_local(&berlin, at("2026-07-10T10:00:00Z")),
                     at("2026-07-10T12:00:00Z"));
}

/* ---- every zone ---- */

/* A rota of weeks that hands over at `hour` on the weekday of each shift in turn. */
static void check_rota(const struct fa_zone *zone, fa_time handover)
{
    for (fa_time local = handover - 7 * FA_DAY; local < handover + 8 * FA_DAY;
         local += 7 * FA_DAY) {
        fa_time until = fa_zone_instant(zone, local, true);
        fa_time next = fa_zone_instant(zone, local, false);
        if (next > until) {
            fail_msg("%s: nobody is on duty at the handover of %lld", zone->name, (long long)local);
        }
        /* More than one only while clocks show the same again. */
        if (next < until && fa_zone_local(zone, next) != fa_zone_local(zone, until)) {
            fail_msg("%s: two are on duty at the handover of %lld", zone->name, (long long)local);
        }
    }
}

static size_t check_zone(const char *name)
{
    struct fa_zone zone;
    struct fa_err err;
    assert_int_equal(fa_zones_load(name, BEGIN, END, &zone, &err), 0);
    for (size_t i = 1; i < zone.count; i++) {
        fa_time before = zone.shifts[i].from + zone.shifts[i - 1].offset_s * FA_SECOND;
        fa_time after = zone.shifts[i].from + zone.shifts[i].offset_s * FA_SECOND;
        fa_time low = before < after ? before : after, high = before < after ? after : before;
        for (fa_time local = low - FA_HOUR; local <= high + FA_HOUR; local += 10 * FA_MINUTE) {
            check_rota(&zone, local);
            fa_time first = fa_zone_instant(&zone, local, false);
            bool is_gap = before < after && local >= before && local < after;
            assert_int_equal(fa_zone_local(&zone, first), is_gap ? after : local);
        }
        assert_int_equal(fa_zone_local(&zone, zone.shifts[i].from - 1) + 1, before);
    }
    size_t shifts = zone.count - 1;
    fa_zone_done(&zone);
    return shifts;
}

static void each_zone(const char *dir, const char *under, int depth, size_t *zones, size_t *shifts)
{
    char path[512], name[512];
    snprintf(path, sizeof path, "%s/%s", dir, under);
    DIR *list = opendir(path);
    for (struct dirent *entry; list != NULL && (entry = readdir(list)) != NULL;) {
        struct stat st;
        if (entry->d_name[0] < 'A' || entry->d_name[0] > 'Z') {
            continue;
        }
        snprintf(name, sizeof name, "%s%s%s", under, under[0] != '\0' ? "/" : "", entry->d_name);
        snprintf(path, sizeof path, "%s/%s", dir, name);
        if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
            each_zone(dir, name, depth + 1, zones, shifts);
        } else {
            *shifts += check_zone(name);
            *zones += 1;
        }
    }
    if (list != NULL) {
        closedir(list);
    }
}

static void no_zone_leaves_a_hole_at_a_handover_in_the_next_ten_years(void **state)
{
    size_t zones = 0, shifts = 0;
    each_zone("/usr/share/zoneinfo", "", 0, &zones, &shifts);
    print_message("%zu zones, %zu shifts\n", zones, shifts);
    assert_true(zones > 300);
    assert_true(shifts > 1000);
}

/* Each week one event, from Monday 02:30 to Monday 02:30: the time that shifts like most. */
static void a_weekly_rota_as_a_calendar_leaves_no_hole(void **state)
{
    static const char *const names[] = {
        "Europe/Berlin",       "America/New_York", "America/Santiago", "Africa/Casablanca",
        "Australia/Lord_Howe", "Asia/Beirut",      "America/Havana",   "Pacific/Chatham"};
    static const char text[] = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\nSUMMARY:a\n"
                               "DTSTART:20260104T023000\nDTEND:20260111T023000\n"
                               "RRULE:FREQ=WEEKLY\nEND:VEVENT\nEND:VCALENDAR\n";
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct fa_calendars *calendars = calendars_new(BEGIN + 10 * FA_DAY, END);
        const struct fa_calendar_answer *answer;
        struct fa_spans spans = {0};
        struct fa_err err;
        fa_calendars_want(calendars, names[i], fa_str_of(text));
        fa_calendars_read(calendars);
        assert_int_equal(fa_calendars_get(calendars, names[i], fa_str_of(text), &answer, &err), 0);
        assert_true(answer->event_count > 500);
        for (size_t k = 0; k < answer->event_count; k++) {
            fa_spans_add(&spans, answer->events[k].span);
        }
        assert_int_equal(spans.count, 1);
        assert_int_equal(spans.list[0].from, BEGIN + 10 * FA_DAY);
        assert_int_equal(spans.list[0].until, END);
        fa_spans_done(&spans);
        fa_calendars_free(calendars);
    }
}

/* ---- tables ---- */

/* Seven zones in a row: found all, to the second. */
static struct fa_zone_shift look_restless(void *ctx, fa_time wall)
{
    int64_t n = (wall - BEGIN) / (fa_time)(uintptr_t)ctx;
    return (struct fa_zone_shift){.offset_s = (int32_t)(n % 7)};
}

static void shifts_are_found_to_the_second(void **state)
{
    struct fa_zone zone;
    fa_time each = 30 * FA_DAY + 1234 * FA_SECOND;
    assert_int_equal(fa_zones_scan("x", BEGIN, BEGIN + 400 * FA_DAY, look_restless,
                                   (void *)(uintptr_t)each, &zone),
                     0);
    assert_int_equal(zone.count, 14);
    for (size_t i = 0; i < zone.count; i++) {
        assert_int_equal(zone.shifts[i].from, BEGIN + (fa_time)i * each);
    }
    fa_zone_done(&zone);
    assert_int_equal(
        fa_zones_scan("x", BEGIN, END, look_restless, (void *)(uintptr_t)FA_DAY, &zone),
        FA_ETOOBIG);
}

static void a_name_that_libc_would_take_for_utc_is_refused(void **state)
{
    static const char *const names[] = {"Not/AZone", "",       "CET-1CEST", "/etc/localtime",
                                        "..",        "Europe", ":",         "zone.tab"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct fa_zone zone;
        struct fa_err err;
        assert_int_equal(fa_zones_load(names[i], BEGIN, END, &zone, &err), FA_ENOTFOUND);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_clocks_show_is_one_moment),
        cmocka_unit_test(no_zone_leaves_a_hole_at_a_handover_in_the_next_ten_years),
        cmocka_unit_test(a_weekly_rota_as_a_calendar_leaves_no_hole),
        cmocka_unit_test(shifts_are_found_to_the_second),
        cmocka_unit_test(a_name_that_libc_would_take_for_utc_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
