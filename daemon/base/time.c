/* SPDX-License-Identifier: MIT */
#include "base/time.h"

#include <stdio.h>

/* Days since 1970 to a date of the proleptic Gregorian calendar (Hinnant's civil_from_days). */
static void civil(int64_t days, int64_t *year, unsigned *month, unsigned *day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    unsigned doe = (unsigned)(days - era * 146097);
    unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    unsigned mp = (5 * doy + 2) / 153;
    *day = doy - (153 * mp + 2) / 5 + 1;
    *month = mp < 10 ? mp + 3 : mp - 9;
    *year = (int64_t)yoe + era * 400 + (*month <= 2);
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static int format_seconds(fa_time wall, char buf[32])
{
    int64_t days = floor_div(wall, FA_DAY), year;
    unsigned month, day;
    civil(days, &year, &month, &day);
    unsigned sec = (unsigned)((wall - days * FA_DAY) / FA_SECOND);
    return snprintf(buf, 32, "%04lld-%02u-%02uT%02u:%02u:%02u", (long long)year % 10000, month, day,
                    sec / 3600, sec / 60 % 60, sec % 60);
}

const char *fa_time_format(fa_time wall, char buf[32])
{
    int len = format_seconds(wall, buf);
    snprintf(buf + len, (size_t)(32 - len), "Z");
    return buf;
}

const char *fa_time_format_ms(fa_time wall, char buf[32])
{
    int len = format_seconds(wall, buf);
    snprintf(buf + len, (size_t)(32 - len), ".%03uZ",
             (unsigned)(wall - floor_div(wall, FA_SECOND) * FA_SECOND));
    return buf;
}
