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

struct fa_now {
    fa_time mono; /* CLOCK_BOOTTIME: counts through suspend, never steps */
    fa_time wall; /* CLOCK_REALTIME */
};

/* RFC 3339 in UTC, seconds ("2026-11-22T08:15:00Z") or with milliseconds; buf of 32 bytes. */
const char *fa_time_format(fa_time wall, char buf[32]);
const char *fa_time_format_ms(fa_time wall, char buf[32]);

#endif
