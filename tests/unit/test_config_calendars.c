/* SPDX-License-Identifier: MIT */
/* links: fa_calendar */
/* needs: firealarm-calendar */
/* Zones, calendars, schedules and leave of a configuration: who is on duty when, and what is
 * refused. */
#include "fa_test.h"

#include "calendars.h"
#include "fa_config_test.h"

#include <sys/stat.h>
#include <unistd.h>

#define PEOPLE(maria)                                                                              \
    "company = \"ACME\"; zone = \"Europe/Berlin\";\n"                                              \
    "channels = ( { name = \"mail\"; plugin = \"email\"; } );\n"                                   \
    "people = (\n"                                                                                 \
    "{ name = \"maria\"; display = \"Maria Lopez\"; channels = ( { channel = \"mail\"; address = " \
    "\"maria@example.com\"; } ); " maria " },\n"                                                   \
    "{ name = \"otto\"; zone = \"Asia/Tokyo\"; channels = ( { channel = \"mail\"; address = "      \
    "\"otto@example.com\"; } ); },\n"                                                              \
    "{ name = \"ida\"; independent = true; channels = ( { channel = \"mail\"; address = "          \
    "\"ida@example.com\"; } ); },\n"                                                               \
    "{ name = \"ivo\"; independent = true; channels = ( { channel = \"mail\"; address = "          \
    "\"ivo@example.com\"; } ); } );\n"                                                             \
    "policies = ( { name = \"operators\"; steps = ( { targets = \"otto\"; } ); } );\n"

#define EVENT(lines) "BEGIN:VEVENT\n" lines "\nEND:VEVENT\n"

static char dir[64];

static fa_time at(const char *text)
{
    fa_time wall = 0;
    assert_int_equal(fa_parse_time(fa_str_of(text), &wall), 0);
    return wall;
}

static void write_ics(const char *name, const char *events)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *file = fopen(path, "w");
    fprintf(file, "BEGIN:VCALENDAR\nVERSION:2.0\n%sEND:VCALENDAR\n", events);
    fclose(file);
    assert_int_equal(chmod(path, 0644), 0);
}

static struct fa_calendars *new_calendars(void)
{
    return calendars_new(at("2026-01-01T00:00:00Z"), at("2027-01-01T00:00:00Z"));
}

static struct fa_config *parse_with(const char *text, const struct fa_config_world *world,
                                    struct fa_test_told *told)
{
    struct fa_config *config = NULL;
    struct fa_buf whole;
    fa_test_told_init(told);
    fa_buf_init(&whole, 65536);
    fa_buf_printf(&whole, "#@ directory %s\n#@ file t.cfg\n%s", dir, text);
    int rc = fa_config_parse("t.cfg", fa_buf_str(&whole), world, fa_test_told_fault, told, &config);
    fa_buf_done(&whole);
    return rc == 0 ? config : NULL;
}

static struct fa_config *parse(const char *text)
{
    struct fa_test_told told;
    struct fa_config_world world = {.calendars = new_calendars()};
    struct fa_config *config = parse_with(text, &world, &told);
    if (config == NULL) {
        fail_msg("refused: %s", fa_buf_text(&told.faults));
    }
    fa_test_told_done(&told);
    fa_calendars_free(world.calendars);
    return config;
}

/* "05-01 07:00-05-01 15:00 maria|..." */
static const char *turns(const struct fa_config *config, const char *name, char buf[1024])
{
    const struct fa_schedule_entry *entry = fa_directory_schedule(config->people, fa_str_of(name));
    size_t len = 0;
    buf[0] = '\0';
    assert_non_null(entry);
    for (size_t i = 0; i < entry->turn_count; i++) {
        char a[32], b[32];
        fa_time_format(entry->turns[i].span.from, a);
        fa_time_format(entry->turns[i].span.until, b);
        len +=
            (size_t)snprintf(buf + len, 1024 - len, "%s%.5s %.5s-%.5s %.5s %s", i > 0 ? "|" : "",
                             a + 5, a + 11, b + 5, b + 11, entry->members[entry->turns[i].member]);
    }
    return buf;
}

#define ROTA "schedules = ( { name = \"support\"; file = \"./rota.ics\"; } );\n"

static void a_schedule_says_who_is_on_duty_by_name_display_or_mail(void **state)
{
    char buf[1024];
    write_ics("rota.ics",
              EVENT("UID:1\nSUMMARY:maria\nDTSTART:20260504T090000\nDURATION:PT8H")
                  EVENT("UID:2\nSUMMARY:MARIA LOPEZ\nDTSTART:20260505T090000\nDURATION:PT8H") EVENT(
                      "UID:3\nSUMMARY:On call\nATTENDEE:mailto:OTTO@example.com\n"
                      "DTSTART:20260506T090000\nDURATION:PT8H")
                      EVENT("UID:4\nSUMMARY:otto\\, Maria Lopez\nATTENDEE:mailto:team@example.com\n"
                            "DTSTART:20260507T090000\nDURATION:PT8H"));
    struct fa_config *config = parse(PEOPLE("") ROTA);
    assert_string_equal(turns(config, "support", buf),
                        "05-04 07:00-05-04 15:00 maria|05-05 07:00-05-05 15:00 maria|"
                        "05-06 07:00-05-06 15:00 otto|05-07 07:00-05-07 15:00 maria|"
                        "05-07 07:00-05-07 15:00 otto");
    assert_int_equal(config->known_until, at("2027-01-01T00:00:00Z"));
    fa_config_free(config);
}

static void single_and_changed_events_take_their_time_from_what_recurs(void **state)
{
    char buf[1024];
    write_ics("rota.ics",
              EVENT("UID:1\nSUMMARY:maria\nDTSTART:20260504T090000Z\nDTEND:20260511T090000Z\n"
                    "RRULE:FREQ=WEEKLY;INTERVAL=2;COUNT=2")
                  EVENT("UID:2\nSUMMARY:otto\nDTSTART:20260511T090000Z\nDTEND:20260518T090000Z\n"
                        "RRULE:FREQ=WEEKLY;INTERVAL=2;COUNT=2")
              /* a swap of a day, a third who shares it, and a week that was changed */
              EVENT("UID:3\nSUMMARY:otto\nDTSTART:20260506T000000Z\nDURATION:P1D")
                  EVENT("UID:4\nSUMMARY:ida\nDTSTART:20260506T120000Z\nDURATION:P1D")
                      EVENT("UID:2\nSUMMARY:ivo\nRECURRENCE-ID:20260525T090000Z\n"
                            "DTSTART:20260525T090000Z\nDTEND:20260601T090000Z"));
    struct fa_config *config = parse(PEOPLE("") ROTA);
    assert_string_equal(turns(config, "support", buf),
                        "05-04 09:00-05-06 00:00 maria|05-06 00:00-05-07 00:00 otto|"
                        "05-06 12:00-05-07 12:00 ida|05-07 12:00-05-11 09:00 maria|"
                        "05-11 09:00-05-18 09:00 otto|05-18 09:00-05-25 09:00 maria|"
                        "05-25 09:00-06-01 09:00 ivo");
    fa_config_free(config);
}

static void working_hours_are_without_holidays(void **state)
{
    write_ics("holidays.ics", EVENT("UID:1\nSUMMARY:May Day\nDTSTART;VALUE=DATE:20260501"));
    struct fa_config *config = parse(PEOPLE(
        "hours = \"office\"; leave = [ \"2026-07-01..2026-07-14\", \"holidays\" ];") "calendars = ( { name = \"office\"; hours = [ \"Mon-Fri 09:00-17:00\", \"Sat "
                                                                                     "10:00-12:00\" ]; except = \"holidays\"; },\n"
                                                                                     "{ name = \"holidays\"; file = \"./holidays.ics\"; },\n"
                                                                                     "{ name = \"tokyo\"; zone = \"Asia/Tokyo\"; hours = \"Mon 09:00-10:00\"; } );\n");
    const struct fa_spans *open = &fa_directory_calendar(config->people, "office")->open;
    assert_true(fa_spans_has(open, at("2026-04-30T14:59:00Z")));
    assert_false(fa_spans_has(open, at("2026-04-30T15:00:00Z")));
    assert_false(fa_spans_has(open, at("2026-05-01T10:00:00Z")));
    assert_true(fa_spans_has(open, at("2026-05-02T09:00:00Z")));
    assert_false(fa_spans_has(open, at("2026-05-03T09:00:00Z")));
    assert_true(fa_spans_has(&fa_directory_calendar(config->people, "tokyo")->open,
                             at("2026-05-04T00:00:00Z")));
    const struct fa_person_entry *maria = &config->people->people[0];
    assert_string_equal(maria->hours, "office");
    assert_false(fa_spans_has(&maria->leave, at("2026-06-30T21:59:00Z")));
    assert_true(fa_spans_has(&maria->leave, at("2026-06-30T22:00:00Z")));
    assert_true(fa_spans_has(&maria->leave, at("2026-07-14T21:59:00Z")));
    assert_false(fa_spans_has(&maria->leave, at("2026-07-14T22:00:00Z")));
    assert_true(fa_spans_has(&maria->leave, at("2026-05-01T10:00:00Z")));
    fa_config_free(config);
}

/* A shift over midnight has two days, one that never closes as many as there are; the 25 October is
 * 25 hours long, and half of it is half a day. */
static void days_begin_by_the_calendar_s_clocks(void **state)
{
    struct fa_config *config = parse(PEOPLE(
        "") "calendars = ( { name = \"night\"; hours = \"Mon 22:00-06:00\"; },\n"
            "{ name = \"always\"; hours = \"Mon-Sun 00:00-24:00\"; },\n"
            "{ name = \"tokyo\"; zone = \"Asia/Tokyo\"; hours = \"Mon 00:00-24:00\"; } );\n");
    const struct fa_directory *people = config->people;
    const struct fa_calendar_entry *night = fa_directory_calendar(people, "night");
    assert_int_equal(night->days[0], at("2026-01-05T21:00:00Z"));
    assert_int_equal(night->days[1], at("2026-01-05T23:00:00Z"));
    assert_int_equal(night->days[2], at("2026-01-12T21:00:00Z"));
    const struct fa_calendar_entry *always = fa_directory_calendar(people, "always");
    assert_int_equal(always->days[1], at("2026-01-01T23:00:00Z"));
    assert_int_equal(always->days[180], at("2026-06-29T22:00:00Z"));
    assert_int_equal(always->day_count, 366); /* the first and the last are parts */
    assert_int_equal(
        fa_calendar_after(always, FA_MEASURE_DAYS, at("2026-10-24T22:00:00Z"), FA_DAY / 2),
        at("2026-10-25T10:30:00Z"));
    const struct fa_calendar_entry *tokyo = fa_directory_calendar(people, "tokyo");
    assert_int_equal(tokyo->days[0], at("2026-01-04T15:00:00Z"));
    assert_int_equal(tokyo->day_count, 52);
    fa_config_free(config);
}

static void a_calendar_that_has_ended_counts_as_open_from_then_on(void **state)
{
    struct fa_config *config;
    write_ics("rota.ics", EVENT("UID:1\nSUMMARY:x\nDTSTART:20260504T090000Z\nDURATION:PT8H\n"
                                "RRULE:FREQ=DAILY;COUNT=3"));
    write_ics("holidays.ics", EVENT("UID:1\nSUMMARY:x\nDTSTART:20200504T090000Z\nDURATION:PT8H"));
    config = parse(PEOPLE("") "calendars = ( { name = \"three\"; file = \"./rota.ics\"; },\n"
                              "{ name = \"past\"; file = \"./holidays.ics\"; },\n"
                              "{ name = \"office\"; hours = \"Mon-Fri 09:00-17:00\"; } );\n");
    const struct fa_calendar_entry *three = fa_directory_calendar(config->people, "three");
    assert_int_equal(three->known_until, at("2026-05-06T17:00:00Z"));
    assert_int_equal(fa_calendar_opens(three, at("2026-05-05T18:00:00Z")),
                     at("2026-05-06T09:00:00Z"));
    assert_int_equal(fa_calendar_opens(three, at("2026-05-07T01:00:00Z")),
                     at("2026-05-07T01:00:00Z"));
    const struct fa_calendar_entry *past = fa_directory_calendar(config->people, "past");
    assert_int_equal(fa_calendar_opens(past, at("2026-03-01T01:00:00Z")),
                     at("2026-03-01T01:00:00Z"));
    assert_int_equal(fa_directory_calendar(config->people, "office")->known_until,
                     at("2027-01-01T00:00:00Z"));
    fa_config_free(config);
}

static void people_have_the_company_s_zone_or_their_own(void **state)
{
    struct fa_config *config = parse(PEOPLE(""));
    const struct fa_directory *people = config->people;
    assert_string_equal(people->people[0].zone, "Europe/Berlin");
    assert_string_equal(people->people[1].zone, "Asia/Tokyo");
    const struct fa_zone *berlin = fa_directory_zone(people, "Europe/Berlin");
    assert_string_equal(fa_zone_at(berlin, at("2026-07-01T00:00:00Z"))->abbr, "CEST");
    assert_int_equal(fa_zone_at(berlin, at("2026-07-01T00:00:00Z"))->offset_s, 7200);
    assert_int_equal(fa_zone_at(berlin, at("2025-07-01T00:00:00Z"))->offset_s, 7200);
    fa_config_free(config);
}

/* ---- refused ---- */

#define BUSINESS(top, rule)                                                                        \
    PEOPLE("")                                                                                     \
    top "calendars = ( { name = \"office\"; hours = \"Mon 09:00-17:00\"; } ); rules = ( { name = " \
        "\"r\"; metric = \"m\"; above = 1.0; " rule " } );\n"

#define DUE(keys)                                                                                  \
    "#@ file u.cfg\ncategories = ( { name = \"late\"; title = \"Late\"; guidance = \"solve\"; "    \
    "severity = \"warning\"; policy = \"leaders\"; " keys " } );\n"

#define WINDOW(keys)                                                                               \
    PEOPLE("")                                                                                     \
    "maintenance = ( { name = \"w\"; where = \"rule=x\"; reason = \"r\"; owner = \"otto\"; " keys  \
    " } ); calendars = ( { name = \"office\"; hours = \"Mon 09:00-17:00\"; } );\n"

static const struct {
    const char *events, *text, *part;
} refused[] = {
    {"", PEOPLE("zone = \"Europe/Berln\";"),
     "t.cfg:4: zone: 'Europe/Berln' is no time zone of this machine (did you mean "
     "'Europe/Berlin'?)"},
    {"", PEOPLE("zone = \"Not/AZone\";"), "'Not/AZone' is no time zone"},
    {"",
     PEOPLE("hours = \"offices\";") "calendars = ( { name = \"office\"; hours = \"Mon "
                                    "09:00-17:00\"; } );\n",
     "t.cfg:4: hours: there is no calendar 'offices' (did you mean 'office'?)"},
    {"", PEOPLE("leave = \"tomorrow\";"), "t.cfg:4: leave: 'tomorrow' is neither a calendar nor"},
    {"", PEOPLE("") "calendars = ( { name = \"a\"; } );\n", "a calendar has one of hours"},
    {"",
     PEOPLE("") "calendars = ( { name = \"a\"; hours = \"Mon 09:00-17:00\"; file = "
                "\"./rota.ics\"; } );\n",
     "a calendar has one of hours"},
    {"", PEOPLE("") "calendars = ( { name = \"a\"; hours = \"Mon 9-17\"; } );\n",
     "t.cfg:9: hours: 'Mon 9-17' are no hours"},
    {"",
     PEOPLE("") "calendars = ( { name = \"a\"; hours = \"Mon 09:00-17:00\"; except = \"b\"; } "
                ");\n",
     "t.cfg:9: except: there is no calendar 'b'"},
    {"",
     PEOPLE("") "calendars = ( { name = \"a\"; hours = \"Mon 09:00-17:00\"; except = \"b\"; "
                "},\n{ name = \"b\"; hours = \"Mon 09:00-17:00\"; except = \"c\"; },\n"
                "{ name = \"c\"; hours = \"Mon 09:00-17:00\"; } );\n",
     "except: 'b' has exceptions of its own"},
    {"",
     PEOPLE("") "calendars = ( { name = \"a\"; hours = \"Mon 09:00-17:00\"; }, { name = "
                "\"a\"; hours = \"Tue 09:00-17:00\"; } );\n",
     "there is a calendar 'a' already"},
    {"",
     PEOPLE("") "schedules = ( { name = \"s\"; file = \"./rota.ics\"; }, { name = \"s\"; file "
                "= \"./rota.ics\"; } );\n",
     "there is a schedule 's' already"},
    {"", PEOPLE("") "schedules = ( { name = \"s\"; } );\n", "a schedule lacks file"},
    {"", PEOPLE("") "schedules = ( { name = \"s\"; file = \"./none.ics\"; } );\n",
     "none.ics: cannot be opened: No such file or directory"},
    {EVENT("UID:1\nSUMMARY:mria\nDTSTART:20260504T090000\nDURATION:PT8H"), PEOPLE("") ROTA,
     "the event 'mria' of 2026-05-04: nobody is called 'mria' (did you mean 'maria'?)"},
    {EVENT("UID:1\nDTSTART:20260504T090000\nDURATION:PT8H"), PEOPLE("") ROTA,
     "nobody is called ''"},
    {EVENT("UID:1\nSUMMARY:x\nATTENDEE:mailto:otto@example.com\nATTENDEE:mailto:x@example.com\n"
           "DTSTART:20260504T090000\nDURATION:PT8H"),
     PEOPLE("") ROTA, "nobody is called 'x@example.com'"},
    {EVENT("UID:1\nSUMMARY:maria\nDTSTART:20260504T090000\nDURATION:PT8H\nRRULE:FREQ=HOURLY"),
     PEOPLE("") ROTA, "rota.ics: event 'maria': an RRULE repeats DAILY"},
    {"BEGIN:VEVENT\n", PEOPLE("") ROTA, "rota.ics: "},
    {"", WINDOW("weekly = \"sun 02:00-04:00\"; zone = \"Europe/Berln\";"),
     "t.cfg:9: zone: 'Europe/Berln' is no time zone of this machine (did you mean"},
    {"", WINDOW("calendar = \"office\"; zone = \"Europe/Berlin\";"),
     "t.cfg:9: zone is of weekly; a calendar has its own"},
    {"", PEOPLE("") "calendars = ( { name = \"a\"; url = \"https://x.example/a.ics\"; } );\n",
     "t.cfg:9: url needs file: where its copy lies"},
    {"",
     PEOPLE("") "calendars = ( { name = \"a\"; url = \"https://x.example/a.ics\"; "
                "file = \"./none.ics\"; } );\n",
     "none.ics' has no copy yet: the daemon fetches it at its start and when it reloads"},
    {"",
     PEOPLE("") "schedules = ( { name = \"a\"; url = \"http://127.0.0.1/a.ics\"; file = "
                "\"./rota.ics\"; } );\n",
     "is a private address: say allow_private = true"},
    {"",
     PEOPLE("") "schedules = ( { name = \"a\"; url = \"https://me:hush@x.example/a.ics\"; file = "
                "\"./rota.ics\"; } );\n",
     "url holds a login"},
    {"",
     PEOPLE("") "schedules = ( { name = \"a\"; url = \"http://x.example/\"; token = \"/t\"; file = "
                "\"./rota.ics\"; } );\n",
     "a secret would go over http://"},
    {"",
     PEOPLE("") "calendar = \"ofice\"; calendars = ( { name = \"office\"; hours = \"Mon "
                "09:00-17:00\"; } );\n",
     "calendar: there is no calendar 'ofice' (did you mean 'office'?)"},
    {"", BUSINESS("", "for = \"2 business days\";"),
     "t.cfg:9: for: \"2 business days\" by which calendar? Name the company's, for instance "
     "calendar = \"office\";"},
    {"", BUSINESS("", "for = \"2 business days\"; calendar = \"of\";"),
     "calendar: there is no calendar 'of'"},
    {"", BUSINESS("", "calendar = \"office\";"), "calendar says nothing here"},
    {"", BUSINESS("calendar = \"office\";", "for = \"31 business days\";"),
     "for must be from 0s to 30d"},
    {"", BUSINESS("calendar = \"office\";", "for = \"2 busy days\";"),
     "for: '2 busy days' is no duration: write for instance 30s, 15m, 1h30m, 2d, 4 business"},
    {"", BUSINESS("calendar = \"office\";", "keep_firing_for = \"2 business days\";"),
     "keep_firing_for: '2 business days': business time is for \"for\" of a rule, \"wait\" of "
     "a step and \"due\" of a category"},
    {"", BUSINESS("", "") DUE("due = \"2 business days\";"),
     "u.cfg:1: due: \"2 business days\" by which calendar? Name the company's"},
    {"", BUSINESS("", "") DUE("due = \"2 business days\"; calendar = \"of\";"),
     "calendar: there is no calendar 'of'"},
    {"", BUSINESS("", "") DUE("due = \"2d\"; calendar = \"office\";"),
     "u.cfg:1: calendar says nothing here: due is no business time"},
    {"",
     BUSINESS(
         "",
         "") "#@ file u.cfg\npolicies = ( { name = \"slow\"; steps = ( { targets = \"otto\"; wait = "
             "\"4 business hours\"; } ); } );\n",
     "wait: \"4 business hours\" by which calendar?"},
};

static void what_is_wrong_is_refused_with_its_line_and_a_way_out(void **state)
{
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        struct fa_test_told told;
        struct fa_config_world world = {.calendars = new_calendars()};
        write_ics("rota.ics", refused[i].events);
        struct fa_config *config = parse_with(refused[i].text, &world, &told);
        if (config != NULL || strstr(fa_buf_text(&told.faults), refused[i].part) == NULL) {
            fail_msg("wanted '%s', told: %s", refused[i].part, fa_buf_text(&told.faults));
        }
        fa_test_told_done(&told);
        fa_calendars_free(world.calendars);
    }
}

static void a_time_in_which_nobody_would_be_told_is_refused_and_named(void **state)
{
    static const struct {
        const char *steps, *part; /* NULL: sound */
    } rows[] = {
        {"{ targets = [ \"schedule:support\" ]; }",
         "u.cfg:1: from 11 May 11:00 CEST (in 70 d) to 12 May 09:00 CEST "
         "(in 71 d) the last step of 'duty' tells nobody"},
        {"{ targets = [ \"schedule:support\", \"otto\" ]; }", NULL},
        {"{ targets = [ \"schedule:past\" ]; }, { targets = [ \"otto\" ]; }",
         "u.cfg:1: from 1 Mar 13:00 CET (now) to 1 Jun 02:00 CEST (in 91 d), which is all that is known, "
         "step 1 of 'duty' tells nobody: add turns to its schedules, or a person or a role to it, "
         "or take it out"},
        {"{ targets = [ \"schedule:past\", \"maria\" ]; }, { targets = [ \"otto\" ]; }", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[4096], program[512];
        struct fa_test_told told;
        struct fa_calendars_config range = {.program = calendars_program(program),
                                            .from = at("2026-02-01T00:00:00Z"),
                                            .until = at("2026-06-01T00:00:00Z"),
                                            .now = at("2026-03-01T12:00:00Z")};
        struct fa_config_world world = {.calendars = fa_calendars_new(&range)};
        write_ics("rota.ics",
                  EVENT("UID:1\nSUMMARY:maria\nDTSTART:20260301T000000\nDTEND:20260511T110000")
                      EVENT("UID:2\nSUMMARY:otto\nDTSTART:20260512T090000\nDTEND:20260701T000000"));
        write_ics("past.ics",
                  EVENT("UID:1\nSUMMARY:maria\nDTSTART:20260101T000000\nDTEND:20260228T000000"));
        snprintf(text, sizeof text,
                 PEOPLE("") "schedules = ( { name = \"support\"; file = \"./rota.ics\"; },\n"
                            "{ name = \"past\"; file = \"./past.ics\"; } );\n"
                            "#@ file u.cfg\npolicies = ( { name = \"duty\"; steps = ( %s ); } );\n",
                 rows[i].steps);
        struct fa_config *config = parse_with(text, &world, &told);
        const char *faults = fa_buf_text(&told.faults);
        if ((config != NULL) != (rows[i].part == NULL) ||
            (rows[i].part != NULL && strstr(faults, rows[i].part) == NULL)) {
            fail_msg("row %zu: %s", i, faults);
        }
        fa_config_free(config);
        fa_test_told_done(&told);
        fa_calendars_free(world.calendars);
    }
}

static void a_calendar_that_everybody_may_write_is_refused(void **state)
{
    struct fa_test_told told;
    struct fa_config_world world = {.calendars = new_calendars()};
    char path[128];
    write_ics("rota.ics", "");
    snprintf(path, sizeof path, "%s/rota.ics", dir);
    assert_int_equal(chmod(path, 0666), 0);
    assert_null(parse_with(PEOPLE("") ROTA, &world, &told));
    assert_non_null(strstr(fa_buf_text(&told.faults), "everybody on this machine may write it"));
    fa_test_told_done(&told);
    fa_calendars_free(world.calendars);
}

/* ---- when it is read ---- */

static void the_kept_copy_holds_the_calendars_and_is_read_afresh_when_asked(void **state)
{
    char buf[1024];
    struct fa_test_told told;
    struct fa_config_world world = {.calendars = new_calendars()};
    write_ics("rota.ics", EVENT("UID:1\nSUMMARY:maria\nDTSTART:20260504T090000Z\nDURATION:PT8H"));
    struct fa_config *config = parse(PEOPLE("") ROTA);
    write_ics("rota.ics", EVENT("UID:1\nSUMMARY:otto\nDTSTART:20260504T090000Z\nDURATION:PT8H"));
    struct fa_config *kept = NULL, *fresh = NULL, *again = NULL;
    fa_test_told_init(&told);
    assert_int_equal(fa_config_parse("kept", fa_str_of(config->source), &world, fa_test_told_fault,
                                     &told, &kept),
                     0);
    assert_string_equal(turns(kept, "support", buf), "05-04 09:00-05-04 17:00 maria");
    assert_string_equal(kept->source, config->source);
    world.is_fresh = true;
    assert_int_equal(fa_config_parse("kept", fa_str_of(config->source), &world, fa_test_told_fault,
                                     &told, &fresh),
                     0);
    assert_string_equal(turns(fresh, "support", buf), "05-04 09:00-05-04 17:00 otto");
    world.is_fresh = false;
    assert_int_equal(fa_config_parse("kept", fa_str_of(fresh->source), &world, fa_test_told_fault,
                                     &told, &again),
                     0);
    assert_string_equal(turns(again, "support", buf), "05-04 09:00-05-04 17:00 otto");
    assert_string_equal(again->source, fresh->source);
    fa_config_free(config);
    fa_config_free(kept);
    fa_config_free(fresh);
    fa_config_free(again);
    fa_test_told_done(&told);
    fa_calendars_free(world.calendars);
}

static void who_waits_elsewhere_is_told_to_come_again(void **state)
{
    struct fa_test_told told;
    struct fa_config_world world = {.calendars = new_calendars(), .is_waiting_elsewhere = true};
    struct fa_config *config = NULL;
    fa_test_told_init(&told);
    struct fa_str text = FA_STR(PEOPLE(""));
    assert_int_equal(fa_config_parse("t", text, &world, fa_test_told_fault, &told, &config),
                     FA_EAGAIN);
    assert_null(config);
    assert_int_equal(told.fault_count, 0);
    fa_calendars_read(world.calendars);
    assert_int_equal(fa_config_parse("t", text, &world, fa_test_told_fault, &told, &config), 0);
    fa_config_free(config);
    fa_test_told_done(&told);
    fa_calendars_free(world.calendars);
}

static void without_calendars_nothing_is_known_and_nothing_is_read(void **state)
{
    struct fa_test_told told;
    struct fa_config *config = parse_with(PEOPLE("") ROTA, NULL, &told);
    assert_non_null(config);
    assert_int_equal(config->known_until, 0);
    assert_int_equal(fa_directory_schedule(config->people, FA_STR("support"))->turn_count, 0);
    fa_config_free(config);
    fa_test_told_done(&told);
}

static void a_program_that_is_not_there_is_told_and_nothing_is_taken_for_utc(void **state)
{
    struct fa_test_told told;
    struct fa_calendars_config none = {.program = "/nowhere/firealarm-calendar",
                                       .from = at("2026-01-01T00:00:00Z"),
                                       .until = at("2027-01-01T00:00:00Z")};
    struct fa_config_world world = {.calendars = fa_calendars_new(&none)};
    assert_null(parse_with(PEOPLE(""), &world, &told));
    assert_non_null(strstr(fa_buf_text(&told.faults),
                           "zone: /nowhere/firealarm-calendar: No such file or directory"));
    fa_test_told_done(&told);
    fa_calendars_free(world.calendars);
}

static int set_up(void **state)
{
    snprintf(dir, sizeof dir, "/tmp/fa-calendars-XXXXXX");
    return mkdtemp(dir) == NULL;
}

static int tear_down(void **state)
{
    char path[128];
    static const char *const names[] = {"rota.ics", "holidays.ics", "past.ics"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        unlink(path);
    }
    return rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_schedule_says_who_is_on_duty_by_name_display_or_mail),
        cmocka_unit_test(single_and_changed_events_take_their_time_from_what_recurs),
        cmocka_unit_test(working_hours_are_without_holidays),
        cmocka_unit_test(days_begin_by_the_calendar_s_clocks),
        cmocka_unit_test(a_calendar_that_has_ended_counts_as_open_from_then_on),
        cmocka_unit_test(people_have_the_company_s_zone_or_their_own),
        cmocka_unit_test(what_is_wrong_is_refused_with_its_line_and_a_way_out),
        cmocka_unit_test(a_time_in_which_nobody_would_be_told_is_refused_and_named),
        cmocka_unit_test(a_calendar_that_everybody_may_write_is_refused),
        cmocka_unit_test(the_kept_copy_holds_the_calendars_and_is_read_afresh_when_asked),
        cmocka_unit_test(who_waits_elsewhere_is_told_to_come_again),
        cmocka_unit_test(without_calendars_nothing_is_known_and_nothing_is_read),
        cmocka_unit_test(a_program_that_is_not_there_is_told_and_nothing_is_taken_for_utc),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down) != 0;
}
