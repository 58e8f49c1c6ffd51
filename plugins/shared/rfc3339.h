/* SPDX-License-Identifier: MIT */
/* Times as JSON senders write them: RFC 3339 with "Z" or an offset and any number of fraction
 * digits, for the decoders that meet them. A header, so that a plugin stays one shared object that
 * links nothing of ours. */
#ifndef FA_PLUGINS_RFC3339_H
#define FA_PLUGINS_RFC3339_H

#include "firealarm/plugin.h"

/* n digits, nothing else. -1: they are none. */
static inline int rfc3339_digits(const char *at, size_t n)
{
    int value = 0;
    for (size_t i = 0; i < n; i++) {
        if (at[i] < '0' || at[i] > '9') {
            return -1;
        }
        value = value * 10 + (at[i] - '0');
    }
    return value;
}

/* Days since 1970-01-01 of a date of the Gregorian calendar: years begin in March, so that the odd
 * day is the last. */
static inline int64_t rfc3339_days(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    int64_t era = year / 400, of_era = year - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* "Z", "+01:00" or "-05:30" up to end, in minutes. 0: it is none of them. */
static inline int rfc3339_zone(const char *at, const char *end, int *ret_minutes)
{
    if (end - at == 1 && (*at == 'Z' || *at == 'z')) {
        *ret_minutes = 0;
        return 1;
    }
    if (end - at != 6 || (*at != '+' && *at != '-') || at[3] != ':') {
        return 0;
    }
    int hours = rfc3339_digits(at + 1, 2), minutes = rfc3339_digits(at + 4, 2);
    if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) {
        return 0;
    }
    *ret_minutes = (*at == '-' ? -1 : 1) * (hours * 60 + minutes);
    return 1;
}

/* Milliseconds since 1970, before it negative; digits beyond them are cut off. 0: it is no time. */
static inline int rfc3339_parse(struct firealarm_text text, int64_t *ret_ms)
{
    static const int lengths[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const char *at = text.ptr, *end = text.ptr + text.len;
    if (text.len < 20 || at[4] != '-' || at[7] != '-' || (at[10] != 'T' && at[10] != 't') ||
        at[13] != ':' || at[16] != ':') {
        return 0;
    }
    int year = rfc3339_digits(at, 4), month = rfc3339_digits(at + 5, 2);
    int day = rfc3339_digits(at + 8, 2), hour = rfc3339_digits(at + 11, 2);
    int minute = rfc3339_digits(at + 14, 2), second = rfc3339_digits(at + 17, 2), zone;
    int is_short = month == 2 && (year % 4 != 0 || (year % 100 == 0 && year % 400 != 0));
    if (year < 0 || month < 1 || month > 12 || day < 1 || day > lengths[month - 1] - is_short ||
        hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60) {
        return 0;
    }
    int64_t ms = 0, unit = 100;
    at += 19;
    if (*at == '.') {
        const char *first = ++at;
        for (; at < end && *at >= '0' && *at <= '9'; at++, unit /= 10) {
            ms += (*at - '0') * unit;
        }
        if (at == first) {
            return 0;
        }
    }
    if (!rfc3339_zone(at, end, &zone)) {
        return 0;
    }
    int64_t minutes = (rfc3339_days(year, month, day) * 24 + hour) * 60 + minute - zone;
    *ret_ms = (minutes * 60 + second) * 1000 + ms;
    return 1;
}

#endif
