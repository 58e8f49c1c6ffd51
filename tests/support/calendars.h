/* SPDX-License-Identifier: MIT */
/* For tests that need calendars and zones: the built firealarm-calendar. */
#ifndef FA_TESTS_CALENDARS_H
#define FA_TESTS_CALENDARS_H

#include "calendar/reader.h"

#include <stdio.h>
#include <stdlib.h>

static inline const char *calendars_program(char buf[512])
{
    const char *dir = getenv("FA_BUILD_DIR");
    snprintf(buf, 512, "%s/daemon/calendar/firealarm-calendar", dir != NULL ? dir : ".");
    return buf;
}

static inline struct fa_calendars *calendars_new(fa_time from, fa_time until)
{
    char program[512];
    return fa_calendars_new(&(struct fa_calendars_config){
        .program = calendars_program(program), .from = from, .until = until});
}

#endif
