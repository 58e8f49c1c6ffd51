/* SPDX-License-Identifier: MIT */
/* Weekly hours and days away. Knows no holidays and no exceptions: those are iCalendar. Days are
 * words of one language, as all words of the configuration are. */
#include "config/hours.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char *const day_words[7] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};

static int find_day(struct fa_str word)
{
    for (int i = 0; i < 7; i++) {
        if (word.len == 3 && strncasecmp(word.ptr, day_words[i], 3) == 0) {
            return i;
        }
    }
    return -1;
}

/* "Mon", "Mon-Fri", "Sat-Mon". */
static bool take_days(struct fa_str text, bool days[7])
{
    struct fa_str last, first = fa_str_cut(text, '-', &last);
    int from = find_day(first), until = last.ptr != NULL ? find_day(last) : from;
    if (from < 0 || until < 0) {
        return false;
    }
    for (int i = from;; i = (i + 1) % 7) {
        days[i] = true;
        if (i == until) {
            return true;
        }
    }
}

/* "09:00". */
static bool take_clock(struct fa_str text, fa_time *ret)
{
    unsigned digits[4];
    static const size_t places[4] = {0, 1, 3, 4};
    if (text.len != 5 || text.ptr[2] != ':') {
        return false;
    }
    for (int i = 0; i < 4; i++) {
        char c = text.ptr[places[i]];
        if (c < '0' || c > '9') {
            return false;
        }
        digits[i] = (unsigned)(c - '0');
    }
    unsigned hour = digits[0] * 10 + digits[1], minute = digits[2] * 10 + digits[3];
    *ret = hour * FA_HOUR + minute * FA_MINUTE;
    return minute < 60 && *ret <= FA_DAY;
}

int fa_hours_parse(struct fa_str text, struct fa_hours *ret_hours, struct fa_err *err)
{
    struct fa_hours hours = {0};
    struct fa_str clock, until, days = fa_str_cut(fa_str_trim(text), ' ', &clock);
    bool is_right = days.len > 0;
    while (days.len > 0 && is_right) {
        is_right = take_days(fa_str_cut(days, ',', &days), hours.days);
    }
    clock = fa_str_cut(fa_str_trim(clock), '-', &until);
    if (!is_right || !take_clock(clock, &hours.from) || !take_clock(until, &hours.until) ||
        hours.from == FA_DAY || hours.from == hours.until) {
        return fa_err_set(err, FA_EPARSE,
                          "'%.*s' are no hours: write them like \"Mon-Fri 09:00-17:00\" or "
                          "\"Sat,Sun 00:00-24:00\"",
                          (int)(text.len < 60 ? text.len : 60), text.len > 0 ? text.ptr : "");
    }
    hours.until += hours.until < hours.from ? FA_DAY : 0;
    *ret_hours = hours;
    return 0;
}

void fa_hours_spread(const struct fa_hours *hours, const struct fa_zone *zone, struct fa_span range,
                     struct fa_spans *spans)
{
    fa_time first = fa_zone_local(zone, range.from) / FA_DAY * FA_DAY - FA_DAY;
    fa_time last = fa_zone_local(zone, range.until);
    for (fa_time day = first; day <= last; day += FA_DAY) {
        if (!hours->days[(day / FA_DAY + 3) % 7]) { /* 1970 began with a Thursday */
            continue;
        }
        struct fa_span span = {fa_zone_instant(zone, day + hours->from, false),
                               fa_zone_instant(zone, day + hours->until, true)};
        span.from = span.from > range.from ? span.from : range.from;
        span.until = span.until < range.until ? span.until : range.until;
        fa_spans_add(spans, span);
    }
}

static bool take_date(struct fa_str text, fa_time *ret)
{
    char full[32];
    if (text.len != 10) {
        return false;
    }
    snprintf(full, sizeof full, "%.10sT00:00:00Z", text.ptr);
    return fa_parse_time(fa_str_of(full), ret) == 0;
}

int fa_days_parse(struct fa_str text, struct fa_span *ret_local, struct fa_err *err)
{
    struct fa_span days;
    size_t dots = 10;
    struct fa_str first = {text.ptr, text.len < dots ? text.len : dots}, last = first;
    bool is_right = text.len == dots;
    if (text.len > dots + 2 && memcmp(text.ptr + dots, "..", 2) == 0) {
        last = (struct fa_str){text.ptr + dots + 2, text.len - dots - 2};
        is_right = true;
    }
    if (!is_right || !take_date(first, &days.from) || !take_date(last, &days.until)) {
        return fa_err_set(err, FA_EPARSE,
                          "'%.*s' is neither a calendar nor days: write \"2026-12-24\" or "
                          "\"2026-12-24..2027-01-02\"",
                          (int)(text.len < 60 ? text.len : 60), text.len > 0 ? text.ptr : "");
    }
    if (days.until < days.from) {
        return fa_err_set(err, FA_EPARSE, "'%.*s' ends before it begins", FA_STR_ARG(text));
    }
    days.until += FA_DAY;
    *ret_local = days;
    return 0;
}
