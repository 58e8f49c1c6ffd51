/* SPDX-License-Identifier: MIT */
#include "base/time.h"

#include <stddef.h>

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

/* By hand: each message has several times in it. */
static char *put_digits(char *at, unsigned value, int count)
{
    for (int i = count; i > 0; i--) {
        at[i - 1] = (char)('0' + value % 10);
        value /= 10;
    }
    return at + count;
}

/* The end of what it wrote. */
static char *format_seconds(fa_time wall, char buf[32])
{
    int64_t days = floor_div(wall, FA_DAY), year;
    unsigned month, day;
    civil(days, &year, &month, &day);
    unsigned sec = (unsigned)((wall - days * FA_DAY) / FA_SECOND);
    year %= 10000;
    char *at = buf;
    if (year < 0) {
        *at++ = '-';
    }
    /* As printf has it: a sign is one of the four places. */
    at = put_digits(at, (unsigned)(year < 0 ? -year : year), year < 0 && year > -1000 ? 3 : 4);
    const struct {
        char before;
        unsigned value;
    } parts[] = {
        {'-', month}, {'-', day}, {'T', sec / 3600}, {':', sec / 60 % 60}, {':', sec % 60}};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        *at++ = parts[i].before;
        at = put_digits(at, parts[i].value, 2);
    }
    return at;
}

const char *fa_time_format(fa_time wall, char buf[32])
{
    char *at = format_seconds(wall, buf);
    at[0] = 'Z';
    at[1] = '\0';
    return buf;
}

const char *fa_time_format_ms(fa_time wall, char buf[32])
{
    char *at = format_seconds(wall, buf);
    *at++ = '.';
    at = put_digits(at, (unsigned)(wall - floor_div(wall, FA_SECOND) * FA_SECOND), 3);
    at[0] = 'Z';
    at[1] = '\0';
    return buf;
}
