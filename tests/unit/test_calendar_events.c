/* SPDX-License-Identifier: MIT */
/* links: fa_calendar fa_base */
/* needs: firealarm-calendar */
/* What iCalendar texts mean, told by the program itself. */
#include "fa_test.h"

#include "calendars.h"

#include <string.h>

static fa_time at(const char *text)
{
    fa_time wall = 0;
    assert_int_equal(fa_parse_time(fa_str_of(text), &wall), 0);
    return wall;
}

static void put_time(struct fa_buf *out, fa_time wall)
{
    char buf[32];
    fa_time_format(wall, buf);
    fa_buf_printf(out, "%.5s %.5s", buf + 5, buf + 11);
}

static int by_begin(const void *a, const void *b)
{
    const struct fa_calendar_event *left = a, *right = b;
    return (left->span.from > right->span.from) - (left->span.from < right->span.from);
}

/* "11-23 08:00-11-23 16:00 maria\n" each, in their order; a special one with a star. */
static void tell(const struct fa_calendar_answer *answer, struct fa_buf *out)
{
    struct fa_calendar_event sorted[64];
    assert_true(answer->event_count <= 64);
    for (size_t i = 0; i < answer->event_count; i++) {
        sorted[i] = answer->events[i];
    }
    qsort(sorted, answer->event_count, sizeof *sorted, by_begin);
    for (size_t i = 0; i < answer->event_count; i++) {
        put_time(out, sorted[i].span.from);
        fa_buf_puts(out, "-");
        put_time(out, sorted[i].span.until);
        fa_buf_printf(out, " %s%s", sorted[i].summary != NULL ? sorted[i].summary : "?",
                      sorted[i].is_special ? "*" : "");
        for (size_t k = 0; k < sorted[i].attendee_count; k++) {
            fa_buf_printf(out, " <%s>", sorted[i].attendees[k]);
        }
        fa_buf_puts(out, "\n");
    }
}

static void read_calendar(const char *text, const char *zone, struct fa_buf *out)
{
    struct fa_calendars *calendars =
        calendars_new(at("2026-01-01T00:00:00Z"), at("2027-01-01T00:00:00Z"));
    const struct fa_calendar_answer *answer = NULL;
    struct fa_err err;
    fa_buf_init(out, 65536);
    fa_calendars_want(calendars, zone, fa_str_of(text));
    assert_false(fa_calendars_is_ready(calendars));
    fa_calendars_read(calendars);
    assert_true(fa_calendars_is_ready(calendars));
    if (fa_calendars_get(calendars, zone, fa_str_of(text), &answer, &err) == 0) {
        tell(answer, out);
    } else {
        fa_buf_puts(out, err.text);
    }
    fa_calendars_free(calendars);
}

static void read_events(const char *events, const char *zone, struct fa_buf *out)
{
    char text[4096];
    snprintf(text, sizeof text, "BEGIN:VCALENDAR\nVERSION:2.0\n%s\nEND:VCALENDAR\n", events);
    read_calendar(text, zone, out);
}

#define EVENT(lines) "BEGIN:VEVENT\n" lines "\nEND:VEVENT\n"

static const struct {
    const char *what, *events, *zone, *expect;
} cases[] = {
    {"one event in UTC",
     EVENT("UID:1\nSUMMARY:maria\nDTSTART:20260302T080000Z\nDTEND:20260302T100000Z"),
     "Europe/Berlin", "03-02 08:00-03-02 10:00 maria*\n"},
    {"a floating one is in the calendar's zone",
     EVENT("UID:1\nSUMMARY:maria\nDTSTART:20260302T080000\nDURATION:PT2H"), "Europe/Berlin",
     "03-02 07:00-03-02 09:00 maria*\n"},
    {"TZID names a zone of the system",
     EVENT("UID:1\nSUMMARY:maria\nDTSTART;TZID=America/New_York:20260302T080000\nDURATION:PT2H"),
     "Europe/Berlin", "03-02 13:00-03-02 15:00 maria*\n"},
    {"an end in another zone",
     EVENT("UID:1\nSUMMARY:m\nDTSTART;TZID=America/New_York:"
           "20260302T080000\nDTEND:20260302T153000Z"),
     "Europe/Berlin", "03-02 13:00-03-02 15:30 m*\n"},
    {"a whole day is the calendar's zone's",
     EVENT("UID:1\nSUMMARY:Labour Day\nDTSTART;VALUE=DATE:20260501"), "Europe/Berlin",
     "04-30 22:00-05-01 22:00 Labour Day*\n"},
    {"several whole days",
     EVENT("UID:1\nSUMMARY:x\nDTSTART;VALUE=DATE:20261224\nDTEND;VALUE=DATE:"
           "20261227"),
     "UTC", "12-24 00:00-12-27 00:00 x*\n"},
    {"every week as the clocks say, over the shift in spring",
     EVENT("UID:1\nSUMMARY:m\nDTSTART:20260322T090000\nDTEND:20260329T090000\n"
           "RRULE:FREQ=WEEKLY;COUNT=3"),
     "Europe/Berlin",
     "03-22 08:00-03-29 07:00 m\n03-29 07:00-04-05 07:00 m\n04-05 07:00-04-12 07:00 m\n"},
    {"the day after a gap is no hour late",
     EVENT("UID:1\nSUMMARY:m\nDTSTART:20260328T023000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=3"),
     "Europe/Berlin",
     "03-28 01:30-03-28 02:30 m\n03-29 01:00-03-29 01:30 m\n03-30 00:30-03-30 01:30 m\n"},
    {"what lies in a gap as a whole is nothing",
     EVENT("UID:1\nSUMMARY:m\nDTSTART:20260329T020000\nDTEND:20260329T030000"), "Europe/Berlin",
     ""},
    {"a time that occurs twice is the first for a start and the second for an end",
     EVENT("UID:1\nSUMMARY:m\nDTSTART:20261025T023000\nDTEND:20261025T030000")
         EVENT("UID:2\nSUMMARY:n\nDTSTART:20261025T010000\nDTEND:20261025T023000"),
     "Europe/Berlin", "10-24 23:00-10-25 01:30 n*\n10-25 00:30-10-25 02:00 m*\n"},
    {"twelve hours by the clocks in the night of a shift",
     EVENT("UID:1\nSUMMARY:night\nDTSTART:20261024T200000\nDURATION:PT12H"), "Europe/Berlin",
     "10-24 18:00-10-25 07:00 night*\n"},
    {"EXDATE takes one out",
     EVENT("UID:1\nSUMMARY:m\nDTSTART:20260302T080000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=3\n"
           "EXDATE:20260303T080000Z"),
     "UTC", "03-02 08:00-03-02 09:00 m\n03-04 08:00-03-04 09:00 m\n"},
    {"EXDATE in another zone and as a date",
     EVENT("UID:1\nSUMMARY:m\nDTSTART;TZID=Europe/Berlin:20260302T090000\nDURATION:PT1H\n"
           "RRULE:FREQ=DAILY;COUNT=4\nEXDATE:20260303T080000Z\nEXDATE;VALUE=DATE:20260304"),
     "UTC", "03-02 08:00-03-02 09:00 m\n03-05 08:00-03-05 09:00 m\n"},
    {"RDATE adds, also as a period",
     EVENT("UID:1\nSUMMARY:m\nDTSTART:20260302T080000Z\nDURATION:PT1H\nRDATE:20260401T080000Z\n"
           "RDATE;VALUE=PERIOD:20260501T080000Z/PT3H"),
     "UTC", "03-02 08:00-03-02 09:00 m\n04-01 08:00-04-01 09:00 m\n05-01 08:00-05-01 11:00 m\n"},
    {"RDATE and two rules beside EXDATE",
     EVENT("UID:1\nSUMMARY:m\nDTSTART:20260302T080000Z\nDURATION:PT1H\n"
           "RRULE:FREQ=WEEKLY;COUNT=3\nRRULE:FREQ=MONTHLY;COUNT=2\nEXDATE:20260309T080000Z\n"
           "RDATE:20260501T080000Z\nRDATE:20260601T080000Z"),
     "UTC",
     "03-02 08:00-03-02 09:00 m\n03-02 08:00-03-02 09:00 m\n03-16 08:00-03-16 09:00 m\n"
     "04-02 08:00-04-02 09:00 m\n05-01 08:00-05-01 09:00 m\n06-01 08:00-06-01 09:00 m\n"},
    {"RECURRENCE-ID moves one and is special",
     EVENT("UID:1\nSUMMARY:m\nDTSTART;TZID=Europe/Berlin:20260302T090000\nDURATION:PT1H\n"
           "RRULE:FREQ=DAILY;COUNT=3")
         EVENT("UID:1\nSUMMARY:otto\nRECURRENCE-ID:20260303T080000Z\nDTSTART:20260303T120000Z\n"
               "DURATION:PT1H"),
     "UTC",
     "03-02 08:00-03-02 09:00 m\n03-03 12:00-03-03 13:00 otto*\n03-04 08:00-03-04 09:00 m\n"},
    {"another UID takes nothing out",
     EVENT("UID:1\nSUMMARY:m\nDTSTART:20260302T080000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=1")
         EVENT("UID:2\nSUMMARY:o\nRECURRENCE-ID:20260302T080000Z\nDTSTART:20260302T120000Z\n"
               "DURATION:PT1H"),
     "UTC", "03-02 08:00-03-02 09:00 m\n03-02 12:00-03-02 13:00 o*\n"},
    {"one that was cancelled is not there, nor is its occurrence",
     EVENT("UID:1\nSUMMARY:m\nDTSTART:20260302T080000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=2")
         EVENT("UID:1\nSTATUS:CANCELLED\nRECURRENCE-ID:20260302T080000Z\n"
               "DTSTART:20260302T080000Z\nDURATION:PT1H"),
     "UTC", "03-03 08:00-03-03 09:00 m\n"},
    {"UNTIL in UTC is the last by the clocks",
     EVENT("UID:1\nSUMMARY:m\nDTSTART;TZID=Europe/Berlin:20260327T090000\nDURATION:PT1H\n"
           "RRULE:FREQ=DAILY;UNTIL=20260330T070000Z"),
     "UTC",
     "03-27 08:00-03-27 09:00 m\n03-28 08:00-03-28 09:00 m\n03-29 07:00-03-29 08:00 m\n"
     "03-30 07:00-03-30 08:00 m\n"},
    {"UNTIL as a date is through that day",
     EVENT("UID:1\nSUMMARY:m\nDTSTART:20260327T090000Z\nDURATION:PT1H\n"
           "RRULE:FREQ=DAILY;UNTIL=20260328"),
     "UTC", "03-27 09:00-03-27 10:00 m\n03-28 09:00-03-28 10:00 m\n"},
    {"what began before the range is cut, and what is outside is not there",
     EVENT("UID:1\nSUMMARY:m\nDTSTART:20251231T120000Z\nDTEND:20260101T060000Z")
         EVENT("UID:2\nSUMMARY:n\nDTSTART:20251230T120000Z\nDTEND:20251231T060000Z")
             EVENT("UID:3\nSUMMARY:o\nDTSTART:20261231T120000Z\nDTEND:20270101T060000Z"),
     "UTC", "01-01 00:00-01-01 06:00 m*\n12-31 12:00-01-01 00:00 o*\n"},
    {"a series that began long ago",
     EVENT("UID:1\nSUMMARY:New Year\nDTSTART;VALUE=DATE:19700101\nRRULE:FREQ=YEARLY"), "UTC",
     "01-01 00:00-01-02 00:00 New Year\n"},
    {"the people who take part, and no rooms",
     EVENT("UID:1\nSUMMARY:Watch\nDTSTART:20260302T080000Z\nDURATION:PT1H\n"
           "ATTENDEE;CN=Maria:MAILTO:maria@example.com\n"
           "ATTENDEE;CUTYPE=ROOM:mailto:room1@example.com\nATTENDEE:mailto:otto@example.com"),
     "UTC", "03-02 08:00-03-02 09:00 Watch* <maria@example.com> <otto@example.com>\n"},
    {"an empty description is nothing to refuse",
     EVENT("UID:1\nSUMMARY:m\nDESCRIPTION:\nDTSTART:20260302T080000Z\nDURATION:PT1H"), "UTC",
     "03-02 08:00-03-02 09:00 m*\n"},
    {"a VTIMEZONE of its own",
     "BEGIN:VTIMEZONE\nTZID:Office\nBEGIN:STANDARD\nDTSTART:20001029T030000\n"
     "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100\nEND:STANDARD\n"
     "BEGIN:DAYLIGHT\nDTSTART:20000326T020000\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3\n"
     "TZOFFSETFROM:+0100\nTZOFFSETTO:+0200\nEND:DAYLIGHT\nEND:VTIMEZONE\n" EVENT(
         "UID:1\nSUMMARY:m\nDTSTART;TZID=Office:20260328T023000\nDURATION:PT1H\n"
         "RRULE:FREQ=DAILY;COUNT=3"),
     "UTC", "03-28 01:30-03-28 02:30 m\n03-29 01:00-03-29 01:30 m\n03-30 00:30-03-30 01:30 m\n"},
    {"a zone of the system is the system's, whatever the file says of it",
     "BEGIN:VTIMEZONE\nTZID:Europe/Berlin\nBEGIN:STANDARD\nDTSTART:20001029T030000\n"
     "TZOFFSETFROM:+0500\nTZOFFSETTO:+0500\nEND:STANDARD\nEND:VTIMEZONE\n" EVENT(
         "UID:1\nSUMMARY:m\nDTSTART;TZID=Europe/Berlin:20260302T080000\nDURATION:PT1H"),
     "UTC", "03-02 07:00-03-02 08:00 m*\n"},
    {"no events", "", "UTC", ""},
    {"words with blanks and control characters",
     EVENT("UID:1\nSUMMARY:  Maria\\nLopez \nDTSTART:20260302T080000Z\nDURATION:PT1H"), "UTC",
     "03-02 08:00-03-02 09:00 Maria Lopez*\n"},
};

static void texts_mean_what_the_standard_and_our_words_say(void **state)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fa_buf out;
        read_events(cases[i].events, cases[i].zone, &out);
        if (strcmp(fa_buf_text(&out), cases[i].expect) != 0) {
            fail_msg("%s: expected\n%sbut it is\n%s", cases[i].what, cases[i].expect,
                     fa_buf_text(&out));
        }
        fa_buf_done(&out);
    }
}

#define TIMES "DTSTART:20260302T080000Z\nDURATION:PT1H\n"

static const struct {
    const char *events, *part;
} refused[] = {
    {EVENT("UID:1\nSUMMARY:m\n" TIMES "RRULE:FREQ=HOURLY"),
     "event 'm': an RRULE repeats DAILY, WEEKLY, MONTHLY or YEARLY"},
    {EVENT("UID:1\nSUMMARY:m\n" TIMES "RRULE:FREQ=SECONDLY"), "not more often"},
    {EVENT("UID:1\n" TIMES "RRULE:FREQ=DAILY;BYHOUR=8,20"), "event '1': BYHOUR"},
    {EVENT("UID:1\n" TIMES "RRULE:FREQ=DAILY;BYMINUTE=0"), "BYMINUTE"},
    {EVENT("UID:1\n" TIMES "RRULE:FREQ=DAILY;BYSECOND=0"), "BYSECOND"},
    {EVENT("UID:1\n" TIMES "RRULE:FREQ=WEEKLY;BYDAY=TU"), "begin at the first of them"},
    {EVENT("UID:1\n" TIMES "RRULE:FREQ=WEAKLY"), "RRULE"},
    {EVENT("UID:1\n" TIMES "EXRULE:FREQ=WEEKLY"), "EXRULE is not read"},
    {EVENT("UID:1\nSUMMARY:m\nDTSTART:monday\nDURATION:PT1H"), "DTSTART"},
    {EVENT("UID:1\nSUMMARY:m\nDTEND:20260302T080000Z"), "it has no DTSTART"},
    {EVENT("UID:1\nDTSTART:20260302T080000Z\nDTEND:20260301T080000Z"), "it ends before it begins"},
    {EVENT("UID:1\nDTSTART;VALUE=DATE:20260302\nDTEND:20260303T080000Z"), "none"},
    {EVENT("UID:1\nDTSTART;TZID=Europe/Berln:20260302T080000\nDURATION:PT1H"),
     "'Europe/Berln' is no time zone of this machine (did you mean 'Europe/Berlin'?), and no "
     "VTIMEZONE"},
    {EVENT("UID:1\nDTSTART;TZID=../../../etc/passwd:20260302T080000\nDURATION:PT1H"),
     "is no time zone of this machine"},
    {EVENT("UID:1\n" TIMES "RECURRENCE-ID;RANGE=THISANDFUTURE:20260302T080000Z"),
     "RANGE=THISANDFUTURE is not read"},
    {EVENT(TIMES "RECURRENCE-ID:20260302T080000Z"), "a RECURRENCE-ID without UID"},
    {EVENT("UID:1\nDTSTART:20260302T080000Z\nDURATION:P1X"), "DURATION"},
};

static void what_cannot_be_meant_is_refused_with_the_event_and_a_way_out(void **state)
{
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        struct fa_buf out;
        read_events(refused[i].events, "UTC", &out);
        if (strstr(fa_buf_text(&out), refused[i].part) == NULL) {
            fail_msg("%s: expected '%s' in '%s'", refused[i].events, refused[i].part,
                     fa_buf_text(&out));
        }
        fa_buf_done(&out);
    }
}

static void what_is_no_calendar_is_refused(void **state)
{
    static const struct {
        const char *text, *zone, *part;
    } texts[] = {
        {"", "UTC", "there is no line BEGIN:VCALENDAR"},
        {"<html>404</html>", "UTC", "there is no line BEGIN:VCALENDAR"},
        {"BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VEVENT\n", "UTC", "it breaks off"},
        {"BEGIN:VCALENDAR\nEND:VCALENDAR\n", "Not/AZone", "'Not/AZone' is no time zone"},
        {"BEGIN:VCALENDAR\nEND:VCALENDAR\n", "berlin", "did you mean 'Europe/Berlin'?"},
        {"BEGIN:VCALENDAR\nEND:VCALENDAR\n", "europe/berlin", "did you mean 'Europe/Berlin'?"},
        {"BEGIN:VCALENDAR\nEND:VCALENDAR\n", "", "'' is no time zone"},
        {"BEGIN:VCALENDAR\nEND:VCALENDAR\n", "tzdata.zi", "is no time zone"},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct fa_buf out;
        read_calendar(texts[i].text, texts[i].zone, &out);
        if (strstr(fa_buf_text(&out), texts[i].part) == NULL) {
            fail_msg("expected '%s' in '%s'", texts[i].part, fa_buf_text(&out));
        }
        fa_buf_done(&out);
    }
}

static void too_many_events_are_refused_and_not_cut(void **state)
{
    struct fa_buf text, out;
    fa_buf_init(&text, FA_CALENDAR_TEXT_MAX);
    fa_buf_puts(&text, "BEGIN:VCALENDAR\n");
    for (int i = 0; i < 60; i++) {
        fa_buf_printf(&text,
                      EVENT("UID:%d\nDTSTART:20250101T080000Z\nDURATION:PT1H\n"
                            "RRULE:FREQ=DAILY"),
                      i);
    }
    fa_buf_puts(&text, "END:VCALENDAR\n");
    read_calendar(fa_buf_text(&text), "UTC", &out);
    assert_non_null(strstr(fa_buf_text(&out), "more than 20000 events"));
    fa_buf_done(&out);
    fa_buf_done(&text);
}

static void a_rule_that_never_gives_a_time_costs_its_own_process_two_seconds_at_most(void **state)
{
    struct fa_buf out;
    read_events(EVENT("UID:1\n" TIMES "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"), "UTC", &out);
    const char *text = fa_buf_text(&out);
    assert_true(strstr(text, "more than 2 s") != NULL || strstr(text, "RRULE") != NULL);
    fa_buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_mean_what_the_standard_and_our_words_say),
        cmocka_unit_test(what_cannot_be_meant_is_refused_with_the_event_and_a_way_out),
        cmocka_unit_test(what_is_no_calendar_is_refused),
        cmocka_unit_test(too_many_events_are_refused_and_not_cut),
        cmocka_unit_test(a_rule_that_never_gives_a_time_costs_its_own_process_two_seconds_at_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
