/* SPDX-License-Identifier: MIT */
/* Decides what a person means by "since". A day is kept as a day: nobody knows the minute, and a
 * finer time than was said tells more about the reporter than about the matter. */
#include "client/when.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

/* Exactly `digits` digits at *text, which moves on. */
static bool number(struct fa_str *text, size_t digits, int *ret_value)
{
    uint64_t value = 0;
    if (text->len < digits || fa_parse_u64((struct fa_str){text->ptr, digits}, &value) != 0) {
        return false;
    }
    *text = (struct fa_str){text->ptr + digits, text->len - digits};
    *ret_value = (int)value;
    return true;
}

static bool literal(struct fa_str *text, const char *set)
{
    if (text->len == 0 || strchr(set, text->ptr[0]) == NULL || text->ptr[0] == '\0') {
        return false;
    }
    *text = (struct fa_str){text->ptr + 1, text->len - 1};
    return true;
}

static int days_of(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

static bool read_date(struct fa_str *text, struct tm *tm)
{
    int year, month, day;
    if (!number(text, 4, &year) || !literal(text, "-") || !number(text, 2, &month) ||
        !literal(text, "-") || !number(text, 2, &day) || month < 1 || month > 12 || day < 1 ||
        day > days_of(year, month)) {
        return false;
    }
    tm->tm_year = year - 1900;
    tm->tm_mon = month - 1;
    tm->tm_mday = day;
    return true;
}

/* "HH:MM" or "HH:MM:SS", with fractions dropped. */
static bool read_clock(struct fa_str *text, struct tm *tm)
{
    if (!number(text, 2, &tm->tm_hour) || !literal(text, ":") || !number(text, 2, &tm->tm_min) ||
        tm->tm_hour > 23 || tm->tm_min > 59) {
        return false;
    }
    if (literal(text, ":") && (!number(text, 2, &tm->tm_sec) || tm->tm_sec > 60)) {
        return false;
    }
    if (literal(text, ".")) {
        while (literal(text, "0123456789")) {
        }
    }
    return true;
}

int fa_when_read(struct fa_str text, fa_time *ret_wall)
{
    struct tm tm = {0};
    int hours = 0, minutes = 0, sign = 0;
    if (!read_date(&text, &tm) || !literal(&text, "Tt ") || !read_clock(&text, &tm)) {
        return FA_EPARSE;
    }
    if (!literal(&text, "Zz")) {
        sign = text.len > 0 && text.ptr[0] == '-' ? -1 : 1;
        if (!literal(&text, "+-") || !number(&text, 2, &hours) || !literal(&text, ":") ||
            !number(&text, 2, &minutes) || hours > 23 || minutes > 59) {
            return FA_EPARSE;
        }
    }
    if (text.len > 0) {
        return FA_EPARSE;
    }
    *ret_wall = (fa_time)timegm(&tm) * FA_SECOND - sign * (hours * FA_HOUR + minutes * FA_MINUTE);
    return 0;
}

static void put_day(fa_time wall, char ret_when[FA_WHEN_SIZE])
{
    time_t seconds = (time_t)(wall / FA_SECOND);
    struct tm tm;
    localtime_r(&seconds, &tm);
    snprintf(ret_when, FA_WHEN_SIZE, "%04d-%02d-%02d", tm.tm_year + 1900, tm.tm_mon + 1,
             tm.tm_mday);
}

static bool is_word(struct fa_str text, const char *word)
{
    return text.len == strlen(word) && strncasecmp(text.ptr, word, text.len) == 0;
}

/* How many days ago the named day was; -1 if it is no name of a day. Today's name is a week ago:
 * who means today says so. */
static int days_ago(struct fa_str text, fa_time now)
{
    static const char *const days[] = {"sunday",   "monday", "tuesday", "wednesday",
                                       "thursday", "friday", "saturday"};
    time_t seconds = (time_t)(now / FA_SECOND);
    struct tm tm;
    localtime_r(&seconds, &tm);
    if (is_word(text, "today") || is_word(text, "now")) {
        return 0;
    }
    if (is_word(text, "yesterday")) {
        return 1;
    }
    for (int day = 0; day < 7; day++) {
        if (is_word(text, days[day]) ||
            (text.len == 3 && strncasecmp(text.ptr, days[day], 3) == 0)) {
            int ago = (tm.tm_wday - day + 7) % 7;
            return ago == 0 ? 7 : ago;
        }
    }
    return -1;
}

static void from_length(fa_time ago, fa_time now, char ret_when[FA_WHEN_SIZE])
{
    if (ago >= FA_DAY || ago > now) {
        put_day(now - ago, ret_when);
    } else {
        char buf[32];
        snprintf(ret_when, FA_WHEN_SIZE, "%s",
                 fa_time_format((now - ago) / FA_MINUTE * FA_MINUTE, buf));
    }
}

/* "2026-11-20", or with a time of the machine's zone behind it. */
static bool from_date(struct fa_str text, char ret_when[FA_WHEN_SIZE], fa_time *ret_wall)
{
    struct tm tm = {.tm_isdst = -1};
    struct fa_str rest = text;
    if (!read_date(&rest, &tm)) {
        return false;
    }
    bool day = rest.len == 0;
    if (!day && (!literal(&rest, " Tt") || !read_clock(&rest, &tm) || rest.len > 0)) {
        return false;
    }
    *ret_wall = (fa_time)mktime(&tm) * FA_SECOND;
    if (day) {
        snprintf(ret_when, FA_WHEN_SIZE, "%.*s", FA_STR_ARG(text));
    } else {
        char buf[32];
        snprintf(ret_when, FA_WHEN_SIZE, "%s", fa_time_format(*ret_wall, buf));
    }
    return true;
}

/* As the daemon reads it, whatever it is. */
static int spell(struct fa_str text, fa_time now, char ret_when[FA_WHEN_SIZE], struct fa_err *err)
{
    fa_time length = 0, wall = 0;
    text = fa_str_trim(text);
    if (text.len > 4 && is_word((struct fa_str){text.ptr + text.len - 4, 4}, " ago")) {
        text = fa_str_trim((struct fa_str){text.ptr, text.len - 4});
    }
    int ago = days_ago(text, now);
    if (ago >= 0) {
        put_day(now - ago * FA_DAY, ret_when);
        return 0;
    }
    if (fa_parse_duration(text, &length) == 0) {
        from_length(length, now, ret_when);
        return 0;
    }
    if (!from_date(text, ret_when, &wall)) {
        char buf[32];
        if (fa_when_read(text, &wall) != 0) {
            return fa_err_set(err, FA_EPARSE,
                              "That is no time I can read. Write for example: yesterday, "
                              "monday, 3d (three days ago), 2026-11-20, 2026-11-20 14:30");
        }
        snprintf(ret_when, FA_WHEN_SIZE, "%s", fa_time_format(wall, buf));
    }
    return 0;
}

int fa_when_parse(struct fa_str text, fa_time now, char ret_when[FA_WHEN_SIZE], struct fa_err *err)
{
    fa_time wall;
    int rc = spell(text, now, ret_when, err);
    return rc != 0 ? rc : fa_parse_since(fa_str_of(ret_when), FA_NEVER, &wall, err);
}

int fa_when_since(struct fa_str text, fa_time now, char ret_when[FA_WHEN_SIZE], struct fa_err *err)
{
    fa_time wall;
    int rc = spell(text, now, ret_when, err);
    return rc != 0 ? rc : fa_parse_since(fa_str_of(ret_when), now, &wall, err);
}

const char *fa_when_show(const char *rfc3339, char buf[FA_WHEN_SIZE])
{
    fa_time wall = 0;
    struct tm tm;
    if (fa_when_read(fa_str_of(rfc3339), &wall) != 0) {
        snprintf(buf, FA_WHEN_SIZE, "?");
        return buf;
    }
    time_t seconds = (time_t)(wall / FA_SECOND);
    if (localtime_r(&seconds, &tm) == NULL ||
        strftime(buf, FA_WHEN_SIZE, "%a %d %b %Y %H:%M", &tm) == 0) {
        snprintf(buf, FA_WHEN_SIZE, "?");
    }
    return buf;
}

const char *fa_when_age(fa_time length, char buf[FA_WHEN_SIZE])
{
    static const struct {
        fa_time unit;
        const char *name;
    } units[] = {{FA_DAY, "d"}, {FA_HOUR, "h"}, {FA_MINUTE, "m"}, {FA_SECOND, "s"}};
    size_t i = 0;
    while (i < 3 && length < units[i].unit) {
        i++;
    }
    snprintf(buf, FA_WHEN_SIZE, "%lld%s", (long long)(length > 0 ? length / units[i].unit : 0),
             units[i].name);
    return buf;
}
