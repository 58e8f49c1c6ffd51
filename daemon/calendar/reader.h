/* SPDX-License-Identifier: MIT */
/* Calendars and zones as whoever builds a directory needs them: asks firealarm-calendar, one
 * process for each, and remembers the answers. Knows no loop; what blocks says so. */
#ifndef FA_CALENDAR_READER_H
#define FA_CALENDAR_READER_H

#include "calendar/frame.h"

struct fa_calendars_config {
    const char *program; /* firealarm-calendar; NULL: fa_calendars_program() */
    fa_time from, until; /* the range of all that is asked */
    fa_time now; /* from then on nobody may be missing; 0: the past is looked at, or nothing */
};

/* How far the past and the time to come are read. */
#define FA_CALENDARS_BEFORE (70 * FA_DAY) /* as long as 30 business days can be */
#define FA_CALENDARS_AFTER  (400 * FA_DAY)

/* Where it was installed, or as FIREALARM_CALENDAR says. */
const char *fa_calendars_program(void);

/* The range of who looks ahead from now on. */
struct fa_calendars_config fa_calendars_ahead(fa_time now);

struct fa_calendars;

/* The config is copied. */
struct fa_calendars *fa_calendars_new(const struct fa_calendars_config *config);
void fa_calendars_free(struct fa_calendars *calendars); /* accepts NULL */
fa_time fa_calendars_from(const struct fa_calendars *calendars);
fa_time fa_calendars_until(const struct fa_calendars *calendars);
fa_time fa_calendars_now(const struct fa_calendars *calendars);

/* Makes sure that the answer will be there; text as in struct fa_calendar_ask, copied. */
void fa_calendars_want(struct fa_calendars *calendars, const char *zone, struct fa_str text);
/* Nothing of what was wanted is missing. */
bool fa_calendars_is_ready(const struct fa_calendars *calendars);
/* Blocks until everything that was wanted is there, or its time is over; some at once. May run on a
 * thread of its own while nobody else uses the calendars. */
void fa_calendars_read(struct fa_calendars *calendars);
/* The answer, borrowed. FA_EAGAIN: it was not read; any other code with the text for people. */
int fa_calendars_get(const struct fa_calendars *calendars, const char *zone, struct fa_str text,
                     const struct fa_calendar_answer **ret_answer,
                     struct fa_err *err) FA_MUST_CHECK;

#endif
