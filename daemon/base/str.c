/* SPDX-License-Identifier: MIT */
#include "base/str.h"
#include "base/panic.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fa_str fa_str_of(const char *text)
{
    return text == NULL ? (struct fa_str){"", 0} : (struct fa_str){text, strlen(text)};
}

bool fa_str_eq(struct fa_str a, struct fa_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool fa_str_is(struct fa_str a, const char *text)
{
    return fa_str_eq(a, fa_str_of(text));
}

bool fa_str_starts(struct fa_str a, const char *prefix)
{
    size_t len = strlen(prefix);
    return a.len >= len && memcmp(a.ptr, prefix, len) == 0;
}

int fa_str_cmp(struct fa_str a, struct fa_str b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len > 0 ? memcmp(a.ptr, b.ptr, len) : 0;
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

struct fa_str fa_str_trim(struct fa_str a)
{
    while (a.len > 0 && (a.ptr[0] == ' ' || a.ptr[0] == '\t')) {
        a.ptr++;
        a.len--;
    }
    while (a.len > 0 && (a.ptr[a.len - 1] == ' ' || a.ptr[a.len - 1] == '\t')) {
        a.len--;
    }
    return a;
}

struct fa_str fa_str_cut(struct fa_str a, char sep, struct fa_str *rest)
{
    const char *at = a.len > 0 ? memchr(a.ptr, sep, a.len) : NULL;
    if (at == NULL) {
        *rest = (struct fa_str){NULL, 0};
        return a;
    }
    size_t len = (size_t)(at - a.ptr);
    *rest = (struct fa_str){at + 1, a.len - len - 1};
    return (struct fa_str){a.ptr, len};
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Checks the grammar [+-] digits [. digits] [e [+-] digits] with a digit somewhere in the
 * mantissa, and gathers up to 19 digits of it. */
struct decimal {
    uint64_t mantissa;
    int exponent;         /* of ten, as written and by the place of the point */
    bool negative, exact; /* exact: no digit was left out */
};

static bool scan_decimal(struct fa_str text, struct decimal *ret)
{
    const char *p = text.ptr, *end = text.ptr + text.len;
    struct decimal d = {.exact = true};
    bool digits = false;
    int written = 0;
    if (p < end && (*p == '+' || *p == '-')) {
        d.negative = *p++ == '-';
    }
    for (bool fraction = false; p < end && (is_digit(*p) || (*p == '.' && !fraction)); p++) {
        if (*p == '.') {
            fraction = true;
            continue;
        }
        digits = true;
        if (d.mantissa < 1000000000000000000u) {
            d.mantissa = d.mantissa * 10 + (uint64_t)(*p - '0');
            d.exponent -= fraction;
        } else {
            d.exact = d.exact && *p == '0';
            d.exponent += !fraction;
        }
    }
    if (!digits) {
        return false;
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        bool minus = false;
        p++;
        if (p < end && (*p == '+' || *p == '-')) {
            minus = *p++ == '-';
        }
        if (p == end) {
            return false;
        }
        for (; p < end && is_digit(*p); p++) {
            written = written < 100000 ? written * 10 + (*p - '0') : written;
        }
        d.exponent += minus ? -written : written;
    }
    *ret = d;
    return p == end;
}

int fa_parse_double(struct fa_str text, double *ret_value)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                    1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    struct decimal d;
    if (text.len == 0 || text.len > 400 || !scan_decimal(text, &d)) {
        return FA_EPARSE;
    }
    double value;
    if (d.exact && d.mantissa <= (UINT64_C(1) << 53) && d.exponent >= -22 && d.exponent <= 22) {
        /* Both operands are exact, so one rounding gives the right double (Clinger). */
        value = (double)d.mantissa;
        value = d.exponent < 0 ? value / powers[-d.exponent] : value * powers[d.exponent];
        value = d.negative ? -value : value;
    } else {
        /* The grammar was checked above and no room ever sets LC_NUMERIC, so strtod agrees. */
        char copy[404];
        memcpy(copy, text.ptr, text.len);
        copy[text.len] = '\0';
        value = strtod(copy, NULL);
    }
    if (isinf(value)) {
        return FA_ERANGE;
    }
    *ret_value = value;
    return 0;
}

int fa_parse_u64(struct fa_str text, uint64_t *ret_value)
{
    uint64_t value = 0;
    if (text.len == 0) {
        return FA_EPARSE;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (!is_digit(text.ptr[i])) {
            return FA_EPARSE;
        }
        uint64_t digit = (uint64_t)(text.ptr[i] - '0');
        if (value > (UINT64_MAX - digit) / 10) {
            return FA_ERANGE;
        }
        value = value * 10 + digit;
    }
    *ret_value = value;
    return 0;
}

int fa_parse_i64(struct fa_str text, int64_t *ret_value)
{
    if (text.len == 0) {
        return FA_EPARSE; /* ptr may be NULL, to which nothing is added */
    }
    bool negative = text.ptr[0] == '-';
    uint64_t value = 0;
    int rc = fa_parse_u64((struct fa_str){text.ptr + negative, text.len - negative}, &value);
    if (rc != 0) {
        return rc;
    }
    if (value > (uint64_t)INT64_MAX + negative) {
        return FA_ERANGE;
    }
    *ret_value = negative ? (int64_t)(0 - value) : (int64_t)value;
    return 0;
}

static const char *format_whole(int64_t value, char buf[32])
{
    char *at = buf + 31;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    *at = '\0';
    do {
        *--at = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0) {
        *--at = '-';
    }
    memmove(buf, at, (size_t)(buf + 32 - at));
    return buf;
}

const char *fa_format_double(double value, char buf[32])
{
    /* Most are whole numbers, and %.15g writes those below 10^15 as they are. */
    if (value > -1e15 && value < 1e15 && value == (double)(int64_t)value && /* NOLINT */
        (value != 0 || !signbit(value))) {
        return format_whole((int64_t)value, buf);
    }
    for (int digits = 15; digits <= 17; digits++) {
        double back = 0;
        char text[64]; /* roomier than any double needs, so that the compiler sees it fit */
        snprintf(text, sizeof text, "%.*g", digits, value);
        memcpy(buf, text, strnlen(text, 31) + 1);
        buf[31] = '\0';
        if (!isfinite(value) ||
            (fa_parse_double(fa_str_of(buf), &back) == 0 && back == value)) { /* NOLINT */
            break;
        }
    }
    return buf;
}

static const struct {
    const char *name;
    fa_time ms;
    /* clang-format off */
} duration_units[] = {
    /* clang-format on */
    {"w", 7 * FA_DAY}, {"d", FA_DAY}, {"h", FA_HOUR}, {"m", FA_MINUTE}, {"s", FA_SECOND}, {"ms", 1},
};
#define UNIT_COUNT (sizeof duration_units / sizeof duration_units[0])

int fa_parse_duration(struct fa_str text, fa_time *ret_ms)
{
    if (text.len == 0) {
        return FA_EPARSE;
    }
    const char *p = text.ptr, *end = text.ptr + text.len;
    fa_time total = 0;
    size_t next_unit = 0;
    while (p < end) {
        const char *start = p;
        uint64_t count = 0;
        while (p < end && is_digit(*p)) {
            p++;
        }
        if (fa_parse_u64((struct fa_str){start, (size_t)(p - start)}, &count) != 0) {
            return p == start ? FA_EPARSE : FA_ERANGE;
        }
        start = p;
        while (p < end && *p >= 'a' && *p <= 'z') {
            p++;
        }
        struct fa_str unit = {start, (size_t)(p - start)};
        while (next_unit < UNIT_COUNT && !fa_str_is(unit, duration_units[next_unit].name)) {
            next_unit++;
        }
        if (next_unit == UNIT_COUNT) {
            return FA_EPARSE;
        }
        if (count > (uint64_t)(FA_DURATION_MAX / duration_units[next_unit].ms)) {
            return FA_ERANGE;
        }
        total += (fa_time)count * duration_units[next_unit++].ms;
        if (total > FA_DURATION_MAX) {
            return FA_ERANGE;
        }
    }
    *ret_ms = total;
    return 0;
}

const char *fa_format_duration(fa_time ms, char buf[40])
{
    size_t at = 0;
    if (ms <= 0) {
        snprintf(buf, 40, "0s");
        return buf;
    }
    for (size_t i = 0; i < UNIT_COUNT && ms > 0; i++) {
        fa_time count = ms / duration_units[i].ms;
        /* Whole weeks only: "10d" is easier to read than "1w3d". */
        if (count == 0 || (i == 0 && ms % duration_units[i].ms != 0)) {
            continue;
        }
        at +=
            (size_t)snprintf(buf + at, 40 - at, "%lld%s", (long long)count, duration_units[i].name);
        ms -= count * duration_units[i].ms;
    }
    return buf;
}

static const struct {
    const char *one, *many;
    fa_time ms;
} business_units[FA_MEASURE__COUNT] = {
    [FA_MEASURE_OPEN] = {"business hour", "business hours", FA_HOUR},
    [FA_MEASURE_DAYS] = {"business day", "business days", FA_DAY},
};

int fa_parse_measured(struct fa_str text, fa_time *ret_length, enum fa_measure *ret_measure)
{
    struct fa_str unit;
    struct fa_str number = fa_str_cut(text, ' ', &unit);
    uint64_t count = 0;
    if (unit.ptr == NULL) {
        *ret_measure = FA_MEASURE_CLOCK;
        return fa_parse_duration(text, ret_length);
    }
    unit = fa_str_trim(unit);
    for (enum fa_measure m = FA_MEASURE_OPEN; m < FA_MEASURE__COUNT; m++) {
        if (!fa_str_is(unit, business_units[m].one) && !fa_str_is(unit, business_units[m].many)) {
            continue;
        }
        int rc = fa_parse_u64(number, &count);
        if (rc != 0 || count > (uint64_t)(FA_DURATION_MAX / business_units[m].ms)) {
            return rc != 0 ? rc : FA_ERANGE;
        }
        *ret_length = (fa_time)count * business_units[m].ms;
        *ret_measure = m;
        return 0;
    }
    return FA_EPARSE;
}

const char *fa_format_measured(fa_time length, enum fa_measure measure, char buf[40])
{
    if (measure == FA_MEASURE_CLOCK) {
        return fa_format_duration(length, buf);
    }
    snprintf(buf, 40, "%.4g %s", (double)length / (double)business_units[measure].ms,
             length == business_units[measure].ms ? business_units[measure].one
                                                  : business_units[measure].many);
    return buf;
}

/* ---- times ---- */

/* Exactly `count` digits at *text, which moves on. */
static bool take_digits(struct fa_str *text, size_t count, int *ret_value)
{
    int value = 0;
    for (size_t i = 0; i < count; i++) {
        if (i >= text->len || !is_digit(text->ptr[i])) {
            return false;
        }
        value = value * 10 + (text->ptr[i] - '0');
    }
    *text = (struct fa_str){text->ptr + count, text->len - count};
    *ret_value = value;
    return true;
}

/* One of two letters, which differ in case or meaning. */
static bool take_either(struct fa_str *text, char one, char other)
{
    if (text->len == 0 || (text->ptr[0] != one && text->ptr[0] != other)) {
        return false;
    }
    *text = (struct fa_str){text->ptr + 1, text->len - 1};
    return true;
}

static int days_of_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

/* Years count from March, so that the leap day is a year's last. */
static fa_time days_since_1970(int year, int month, int day)
{
    fa_time y = year - (month <= 2), m = month > 2 ? month - 3 : month + 9;
    return y * 365 + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

static bool take_date(struct fa_str *text, fa_time *ret_wall)
{
    int year, month, day;
    if (!take_digits(text, 4, &year) || !take_either(text, '-', '-') ||
        !take_digits(text, 2, &month) || !take_either(text, '-', '-') ||
        !take_digits(text, 2, &day) || year < 1970 || month < 1 || month > 12 || day < 1 ||
        day > days_of_month(year, month)) {
        return false;
    }
    *ret_wall = days_since_1970(year, month, day) * FA_DAY;
    return true;
}

/* A leap second is the second after it. */
static bool take_clock(struct fa_str *text, fa_time *ret_ms)
{
    int hour, minute, second, digit;
    if (!take_digits(text, 2, &hour) || !take_either(text, ':', ':') ||
        !take_digits(text, 2, &minute) || !take_either(text, ':', ':') ||
        !take_digits(text, 2, &second) || hour > 23 || minute > 59 || second > 60) {
        return false;
    }
    fa_time ms = hour * FA_HOUR + minute * FA_MINUTE + second * FA_SECOND;
    if (take_either(text, '.', '.')) {
        fa_time unit = 100;
        if (!take_digits(text, 1, &digit)) {
            return false;
        }
        do {
            ms += digit * unit;
            unit /= 10;
        } while (take_digits(text, 1, &digit));
    }
    *ret_ms = ms;
    return true;
}

static bool take_offset(struct fa_str *text, fa_time *ret_ms)
{
    int hours, minutes;
    *ret_ms = 0;
    if (take_either(text, 'Z', 'z')) {
        return true;
    }
    int sign = text->len > 0 && text->ptr[0] == '-' ? -1 : 1;
    if (!take_either(text, '+', '-') || !take_digits(text, 2, &hours) ||
        !take_either(text, ':', ':') || !take_digits(text, 2, &minutes) || hours > 23 ||
        minutes > 59) {
        return false;
    }
    *ret_ms = sign * (hours * FA_HOUR + minutes * FA_MINUTE);
    return true;
}

int fa_parse_time(struct fa_str text, fa_time *ret_wall)
{
    fa_time date, clock, offset;
    if (!take_date(&text, &date) || !take_either(&text, 'T', 't') || !take_clock(&text, &clock) ||
        !take_offset(&text, &offset) || text.len > 0) {
        return FA_EPARSE;
    }
    *ret_wall = date + clock - offset;
    return 0;
}

static int parse_day_or_time(struct fa_str text, fa_time *ret_wall)
{
    char whole[48];
    if (text.len != 10) {
        return fa_parse_time(text, ret_wall);
    }
    snprintf(whole, sizeof whole, "%.*sT00:00:00Z", FA_STR_ARG(text));
    return fa_parse_time(fa_str_of(whole), ret_wall);
}

/* Is it a time of before 1970? Days are the same every 400 years. */
static bool is_before_1970(struct fa_str text)
{
    char later[48];
    struct fa_str rest = text;
    fa_time wall;
    int year;
    if (text.len >= sizeof later || !take_digits(&rest, 4, &year) || year >= 1970) {
        return false;
    }
    snprintf(later, sizeof later, "%04d%.*s", year + 2000, FA_STR_ARG(rest));
    return parse_day_or_time(fa_str_of(later), &wall) == 0;
}

int fa_parse_since(struct fa_str text, fa_time now, fa_time *ret_wall, struct fa_err *err)
{
    fa_time wall;
    char clock[32];
    int rc = parse_day_or_time(text, &wall);
    if (rc == 0 ? wall < 0 : is_before_1970(text)) {
        return fa_err_set(err, FA_ERANGE, "that is before 1970: write a later day, or none");
    }
    if (rc != 0) {
        return fa_err_set(err, FA_EPARSE,
                          "that is no time: write a day as 2026-11-20, or 2026-11-20T08:15:00Z");
    }
    if (now != FA_NEVER && wall > now + FA_DAY) {
        return fa_err_set(err, FA_ERANGE, "that is in the future: it is %s now",
                          fa_time_format(now, clock));
    }
    *ret_wall = wall;
    return 0;
}

/* Length of the well-formed character at p, 0 if there is none. */
static size_t utf8_char(const unsigned char *p, size_t left)
{
    if (p[0] < 0x80) {
        return 1;
    }
    size_t len = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4 || left < len) {
        return 0;
    }
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    bool overlong = (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xf0 && p[1] < 0x90);
    bool beyond = (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf4 && p[1] > 0x8f);
    return overlong || beyond ? 0 : len;
}

bool fa_utf8_valid(struct fa_str text)
{
    return fa_utf8_cut(text, text.len) == text.len;
}

size_t fa_utf8_cut(struct fa_str text, size_t max)
{
    size_t at = 0;
    while (at < text.len) {
        size_t len = utf8_char((const unsigned char *)text.ptr + at, text.len - at);
        if (len == 0 || at + len > max) {
            break;
        }
        at += len;
    }
    return at;
}

/* What stands for a dash or a blank, or is not seen. */
static const struct typed_range {
    uint32_t first, last;
    char plain; /* '\0': left out */
} typed_ranges[] = {
    {0x00a0, 0x00a0, '-'},  {0x00ad, 0x00ad, '\0'}, {0x034f, 0x034f, '\0'}, {0x061c, 0x061c, '\0'},
    {0x1680, 0x1680, '-'},  {0x180e, 0x180e, '\0'}, {0x2000, 0x200a, '-'},  {0x200b, 0x200f, '\0'},
    {0x2010, 0x2015, '-'},  {0x2028, 0x2029, '-'},  {0x202a, 0x202e, '\0'}, {0x202f, 0x202f, '-'},
    {0x2043, 0x2043, '-'},  {0x205f, 0x205f, '-'},  {0x2060, 0x206f, '\0'}, {0x2212, 0x2212, '-'},
    {0x3000, 0x3000, '-'},  {0x30fc, 0x30fc, '-'}, /* a Japanese keyboard gives it for "-" */
    {0xfe00, 0xfe0f, '\0'}, {0xfe58, 0xfe58, '-'},  {0xfe63, 0xfe63, '-'},  {0xfeff, 0xfeff, '\0'},
};

static uint32_t code_point(const unsigned char *p, size_t len)
{
    static const unsigned char masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t code = p[0] & masks[len];
    for (size_t i = 1; i < len; i++) {
        code = code << 6 | (p[i] & 0x3fu);
    }
    return code;
}

/* '\0': it is left out; -1: it stays as it is. */
static int typed_plain(uint32_t code)
{
    if (code < 0x80) {
        return code == ' ' || code == '\t' ? '-' : -1;
    }
    if (code >= 0xff01 && code <= 0xff5e) {
        return (int)(code - 0xff01 + '!');
    }
    for (size_t i = 0; i < sizeof typed_ranges / sizeof typed_ranges[0]; i++) {
        if (code >= typed_ranges[i].first && code <= typed_ranges[i].last) {
            return typed_ranges[i].plain;
        }
    }
    return -1;
}

size_t fa_str_typed(struct fa_str text, char *out)
{
    size_t put = 0;
    for (size_t at = 0, len; at < text.len; at += len) {
        const unsigned char *p = (const unsigned char *)text.ptr + at;
        len = utf8_char(p, text.len - at);
        int plain = len > 0 ? typed_plain(code_point(p, len)) : -1;
        len = len > 0 ? len : 1;
        if (plain < 0) {
            memmove(out + put, p, len);
            put += len;
        } else if (plain > 0) {
            out[put++] = (char)plain;
        }
    }
    return put;
}

bool fa_str_has_control(struct fa_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c < 0x20 || c == 0x7f) {
            return true;
        }
    }
    return false;
}

/* Levenshtein distance, words cut at 63 bytes. */
static unsigned edit_distance(const char *a, const char *b)
{
    unsigned row[64];
    size_t alen = strlen(a) < 63 ? strlen(a) : 63, blen = strlen(b) < 63 ? strlen(b) : 63;
    for (size_t j = 0; j <= blen; j++) {
        row[j] = (unsigned)j;
    }
    for (size_t i = 1; i <= alen; i++) {
        unsigned diagonal = row[0];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= blen; j++) {
            unsigned change = diagonal + (a[i - 1] != b[j - 1]);
            unsigned gap = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            diagonal = row[j];
            row[j] = change < gap ? change : gap;
        }
    }
    return row[blen];
}

const char *fa_suggest(const char *word, const char *const *candidates, size_t count)
{
    const char *best = NULL;
    unsigned least = (unsigned)(strlen(word) / 3) + 2;
    for (size_t i = 0; i < count; i++) {
        unsigned distance = candidates[i] != NULL ? edit_distance(word, candidates[i]) : least;
        if (distance < least) {
            least = distance;
            best = candidates[i];
        }
    }
    return best;
}
