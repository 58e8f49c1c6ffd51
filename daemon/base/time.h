/* SPDX-License-Identifier: MIT */
/* Time is data: one struct, read once a loop turn by net/, passed by value to everything else. */
#ifndef FA_BASE_TIME_H
#define FA_BASE_TIME_H

#include <stdint.h>

/* Milliseconds: since 1970 UTC (wall), since boot (mono), or a length. */
typedef int64_t fa_time;

#define FA_SECOND       INT64_C(1000)
#define FA_MINUTE       (60 * FA_SECOND)
#define FA_HOUR         (60 * FA_MINUTE)
#define FA_DAY          (24 * FA_HOUR)
#define FA_DURATION_MAX (36525 * FA_DAY)
/* "No deadline", later than every time. */
#define FA_NEVER INT64_MAX

/* How a length of time is counted. */
/* clang-format off */
enum fa_measure {
    FA_MEASURE_CLOCK, /* all time counts */
    FA_MEASURE_OPEN,  /* the open time of a calendar alone: business hours */
    FA_MEASURE_DAYS,  /* the days on which a calendar is open, FA_DAY for each: part of its open
                         time is as much of the day */
    FA_MEASURE__COUNT
};
/* clang-format on */

struct fa_now {
    fa_time mono; /* CLOCK_BOOTTIME: counts through suspend, never steps */
    fa_time wall; /* CLOCK_REALTIME */
};

/* RFC 3339 in UTC, seconds ("2026-11-22T08:15:00Z") or with milliseconds; buf of 32 bytes. */
const char *fa_time_format(fa_time wall, char buf[32]);
const char *fa_time_format_ms(fa_time wall, char buf[32]);

#endif
