/* SPDX-License-Identifier: MIT */
/* The times of a random company: its zone, its office's hours, who is away, and who is on duty
 * when.
 *
 * A season is a zone and a day: a world of the first begins on the scenarios' own Monday, in UTC;
 * each other one begins, after a step of the clock, on the day before its zone changes to summer
 * time or back, so that hours, turns and leave are lived through that night. */
#include "worlds.h"

#include <stdio.h>
#include <string.h>

#define ONE_OF(rng, ...) worlds_one_of((rng), (const char *const[]){__VA_ARGS__, NULL})

static const struct {
    const char *zone, *begins;
    const char *days[4];
} seasons[] = {
    {NULL, NULL, {"2026-01-05", "2026-01-06", "2026-01-05..2026-01-07", NULL}},
    {"Europe/Berlin", "82d", {"2026-03-28", "2026-03-29", "2026-03-28..2026-03-30", NULL}},
    {"Europe/Berlin", "292d", {"2026-10-24", "2026-10-25", "2026-10-24..2026-10-26", NULL}},
    {"America/New_York", "61d", {"2026-03-07", "2026-03-08", "2026-03-07..2026-03-09", NULL}},
    {"America/New_York", "299d", {"2026-10-31", "2026-11-01", "2026-10-31..2026-11-02", NULL}},
    {"Australia/Lord_Howe", "88d", {"2026-04-03", "2026-04-05", "2026-04-03..2026-04-06", NULL}},
    {"Australia/Lord_Howe", "270d", {"2026-10-02", "2026-10-04", "2026-10-02..2026-10-05", NULL}},
};
#define SEASONS (sizeof seasons / sizeof seasons[0])

/* The second is the first as after a change to summer time; the last lie around such a change. */
static const char *const offices[] = {
    "Mon-Fri 08:20-12:00", "Mon-Fri 07:20-11:00", "Mon-Fri 09:00-17:00", "Mon-Sun 22:00-08:30",
    "Mon-Sun 02:00-03:30", "Sat-Sun 00:30-02:30", "Fri-Sun 07:00-23:00"};
#define OFFICES (sizeof offices / sizeof offices[0])

void worlds_times_make(struct worlds_rng *rng, struct worlds_firm *firm)
{
    firm->office = worlds_below(rng, OFFICES);
    for (uint32_t i = 0; i < firm->people_count; i++) {
        firm->people[i].quiet = worlds_chance(rng, 20);
        firm->people[i].leave =
            worlds_chance(rng, 20) ? worlds_one_of(rng, seasons[firm->season].days) : NULL;
    }
    for (uint32_t i = 0; i < firm->policy_count; i++) {
        struct worlds_policy *policy = &firm->policies[i];
        policy->repeat_from =
            worlds_chance(rng, 40) ? 1 + worlds_below(rng, policy->step_count) : 0;
        for (uint32_t s = 0; s < policy->step_count; s++) {
            policy->steps[s].during = worlds_chance(rng, 15);
            policy->steps[s].urgent = worlds_chance(rng, 15);
        }
    }
}

/* By each reader's clocks; on Sundays in a leap of theirs, or beside it. */
void worlds_weekly_make(struct worlds_rng *rng, struct worlds_firm *firm)
{
    firm->weekly.at = worlds_chance(rng, 60) ? ONE_OF(rng, "Mon 09:30", "Tue 02:30", "Wed 08:00",
                                                      "Sat 12:00", "Sun 02:15", "Sun 03:00")
                                             : NULL;
    firm->weekly.to = ONE_OF(rng, "\"role:leader\", \"team:support\"", "\"independent\"",
                             "\"team:sales\", \"role:helper\"");
}

void worlds_times_change(struct worlds_rng *rng, struct worlds_firm *firm)
{
    firm->office = firm->office < 2 ? 1 - firm->office : worlds_below(rng, OFFICES);
}

void worlds_leave_change(struct worlds_firm *firm, uint32_t person)
{
    struct worlds_person *who = &firm->people[person];
    who->leave = who->leave == NULL ? seasons[firm->season].days[0] : NULL;
}

void worlds_season_make(struct worlds_rng *rng, struct worlds_firm *firm)
{
    firm->season = worlds_chance(rng, 30) ? 1 + worlds_below(rng, SEASONS - 1) : 0;
}

const char *worlds_season_begins(const struct worlds_firm *firm)
{
    return seasons[firm->season].begins;
}

/* ---- duty ---- */

void worlds_duty_make(struct worlds_rng *rng, struct worlds_firm *firm)
{
    firm->duty.shape = (enum worlds_duty)worlds_below(rng, WORLDS_DUTY__COUNT);
    for (uint32_t i = 0; i < 3; i++) {
        firm->duty.members[i] = worlds_below(rng, firm->people_count);
    }
    firm->duty.swap = worlds_chance(rng, 40);
}

/* One event of a rotation; nothing when its member has left. */
static void write_turn(const struct worlds_firm *firm, uint32_t member, const char *when,
                       struct fa_buf *buf)
{
    const struct worlds_person *person = &firm->people[firm->duty.members[member]];
    if (!person->gone) {
        fa_buf_printf(buf,
                      "BEGIN:VEVENT\nUID:turn%u@acme\nDTSTAMP:20260101T000000Z\n%s\nSUMMARY:%s\n"
                      "END:VEVENT\n",
                      member, when, person->name);
    }
}

void worlds_duty_write(const struct worlds_firm *firm, struct fa_buf *buf)
{
    /* Of two members; the times are those of clocks in the company's zone. */
    static const char *const shapes[WORLDS_DUTY__COUNT][2] = {
        [WORLDS_DAY_AND_NIGHT] =
            {"DTSTART:20260101T080000\nDTEND:20260101T200000\nRRULE:FREQ=DAILY",
             "DTSTART:20260101T200000\nDTEND:20260102T080000\nRRULE:FREQ=DAILY"},
        [WORLDS_AT_THE_CHANGE] =
            {"DTSTART:20260101T023000\nDTEND:20260101T093000\nRRULE:FREQ=DAILY",
             "DTSTART:20260101T093000\nDTEND:20260102T023000\nRRULE:FREQ=DAILY"},
        [WORLDS_WEEKS] = {"DTSTART:20260105T000000\nDURATION:P7D\nRRULE:FREQ=WEEKLY;INTERVAL=2",
                          "DTSTART:20260112T000000\nDURATION:P7D\nRRULE:FREQ=WEEKLY;INTERVAL=2"},
        [WORLDS_WITH_GAPS] =
            {"DTSTART:20260105T090000\nDTEND:20260105T170000\n"
             "RRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
             "DTSTART:20260103T013000\nDTEND:20260103T040000\nRRULE:FREQ=WEEKLY;BYDAY=SA,SU"},
    };
    if (firm->duty.shape == WORLDS_NO_DUTY) {
        return;
    }
    fa_buf_puts(buf, "#@ calendar /world/duty.ics\nBEGIN:VCALENDAR\nVERSION:2.0\n"
                     "PRODID:-//ACME//duty//EN\n");
    for (uint32_t i = 0; i < 2; i++) {
        write_turn(firm, i, shapes[firm->duty.shape][i], buf);
    }
    if (firm->duty.swap) { /* three hours in the season's first afternoon */
        char when[80], day[16];
        snprintf(day, sizeof day, "%.4s%.2s%.2s", seasons[firm->season].days[0],
                 seasons[firm->season].days[0] + 5, seasons[firm->season].days[0] + 8);
        snprintf(when, sizeof when, "DTSTART:%sT110000\nDTEND:%sT140000", day, day);
        write_turn(firm, 2, when, buf);
    }
    fa_buf_puts(buf, "END:VCALENDAR\n");
}

void worlds_times_write(const struct worlds_firm *firm, struct fa_buf *buf)
{
    if (seasons[firm->season].zone != NULL) {
        fa_buf_printf(buf, "zone = \"%s\";\n", seasons[firm->season].zone);
    }
    fa_buf_puts(buf, "calendar = \"office\";\n");
    fa_buf_printf(buf, "calendars = ( { name = \"office\"; hours = [ \"%s\" ]; } );\n",
                  offices[firm->office]);
    if (firm->weekly.at != NULL) {
        fa_buf_printf(buf, "weekly = { to = [ %s ]; at = \"%s\"; };\n", firm->weekly.to,
                      firm->weekly.at);
    }
    if (firm->duty.shape != WORLDS_NO_DUTY) {
        fa_buf_puts(buf, "schedules = ( { name = \"duty\"; file = \"/world/duty.ics\"; } );\n");
    }
}
