/* SPDX-License-Identifier: MIT */
/* How a time, a length and a number look to a person.
 *
 * Decides: two units at most, four digits at most, a year only where it is not the current one.
 * The wall clock, the zone and the language come in as arguments; no table of zones is read here.
 * In English the output is plain ASCII but for what a caller's zone name holds. Everything fits: a
 * language's texts for it are bounded (phrase.c). */
#include "text/reader.h"
#include "text/utf8.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define YEAR_10000 INT64_C(253402300800000)

/* The fields of an RFC 3339 text as base/ writes it. */
struct date {
    int year, month, day, hour, minute;
};

static int digits(const char *two)
{
    return (two[0] - '0') * 10 + two[1] - '0';
}

static struct date date_of(fa_time wall)
{
    char text[32];
    const char *at = fa_time_format(wall, text);
    return (struct date){digits(at) * 100 + digits(at + 2), digits(at + 5), digits(at + 8),
                         digits(at + 11), digits(at + 14)};
}

static void put_distance(const struct fa_language *language, fa_time distance, struct fa_buf *out)
{
    char text[40];
    if (distance < FA_SECOND && distance > -FA_SECOND) {
        fa_phrase_put(out, language, FA_PHRASE_TIME_NOW, NULL);
        return;
    }
    /* Only the larger unit: beside the time itself the second one is noise. */
    fa_time length = distance < 0 ? -distance : distance;
    fa_time unit = length >= FA_DAY      ? FA_DAY
                   : length >= FA_HOUR   ? FA_HOUR
                   : length >= FA_MINUTE ? FA_MINUTE
                                         : FA_SECOND;
    if (length < 10 * FA_HOUR && length >= FA_HOUR) {
        unit = FA_MINUTE;
    }
    fa_reader_duration(language, length / unit * unit, text);
    fa_phrase_put(out, language, distance > 0 ? FA_PHRASE_TIME_AGO : FA_PHRASE_TIME_AHEAD,
                  FA_VALUES(text));
}

static void put_date(const struct fa_language *language, struct date date, bool with_year,
                     struct fa_buf *out)
{
    char day[8], year[8], time[8];
    const char *month = fa_phrase_text(
        language, (enum fa_phrase)(FA_PHRASE_MONTH_1 + (unsigned)(date.month + 11) % 12));
    snprintf(day, sizeof day, "%d", date.day);
    snprintf(year, sizeof year, "%d", date.year);
    snprintf(time, sizeof time, "%02d:%02d", date.hour % 100, date.minute % 100);
    if (with_year) {
        fa_phrase_put(out, language, FA_PHRASE_DATE_OF_YEAR, FA_VALUES(day, month, year, time));
    } else {
        fa_phrase_put(out, language, FA_PHRASE_DATE, FA_VALUES(day, month, time));
    }
}

const char *fa_reader_time(const struct fa_language *language, fa_time wall, fa_time now,
                           const struct fa_reader_zone *zone, char buf[FA_READER_TIME_SIZE])
{
    fa_time offset = zone != NULL ? zone->offset_seconds * FA_SECOND : 0;
    struct fa_buf out;
    if (wall < FA_DAY || wall >= YEAR_10000 - FA_DAY) {
        snprintf(buf, FA_READER_TIME_SIZE, "%s", fa_phrase_text(language, FA_PHRASE_TIME_UNKNOWN));
        return buf;
    }
    fa_buf_init(&out, FA_READER_TIME_SIZE - 1);
    struct date date = date_of(wall + offset);
    bool with_now = now > FA_DAY && now < YEAR_10000 - FA_DAY;
    put_date(language, date, with_now && date_of(now + offset).year != date.year, &out);
    fa_buf_printf(&out, " %.12s", zone != NULL && zone->name != NULL ? zone->name : "UTC");
    if (with_now) {
        fa_buf_puts(&out, " (");
        put_distance(language, now - wall, &out);
        fa_buf_puts(&out, ")");
    }
    snprintf(buf, FA_READER_TIME_SIZE, "%s", fa_buf_text(&out));
    fa_buf_done(&out);
    return buf;
}

static const struct {
    fa_time ms;
    enum fa_phrase name;
} UNITS[] = {{FA_DAY, FA_PHRASE_UNIT_DAY},
             {FA_HOUR, FA_PHRASE_UNIT_HOUR},
             {FA_MINUTE, FA_PHRASE_UNIT_MINUTE},
             {FA_SECOND, FA_PHRASE_UNIT_SECOND}};

/* Less than ten seconds, with tenths where they count. */
static const char *short_duration(const struct fa_language *language, const char *sign,
                                  uint64_t rest, char buf[40])
{
    const char *second = fa_phrase_text(language, FA_PHRASE_UNIT_SECOND);
    unsigned whole = (unsigned)(rest / 1000), tenth = (unsigned)(rest / 100 % 10);
    if (rest == 0 || (rest >= (uint64_t)FA_SECOND && tenth == 0)) {
        snprintf(buf, 40, "%s%u %s", sign, whole, second);
    } else if (rest < (uint64_t)FA_SECOND) {
        snprintf(buf, 40, "%s%u %s", sign, (unsigned)rest,
                 fa_phrase_text(language, FA_PHRASE_UNIT_MILLISECOND));
    } else {
        snprintf(buf, 40, "%s%u%s%u %s", sign, whole,
                 fa_phrase_text(language, FA_PHRASE_DECIMAL_POINT), tenth, second);
    }
    return buf;
}

const char *fa_reader_duration(const struct fa_language *language, fa_time ms, char buf[40])
{
    const char *sign = ms < 0 ? "-" : "";
    uint64_t rest = ms < 0 ? 0 - (uint64_t)ms : (uint64_t)ms;
    if (rest < 10 * (uint64_t)FA_SECOND) {
        return short_duration(language, sign, rest, buf);
    }
    size_t first = 0;
    while ((uint64_t)UNITS[first].ms > rest) {
        first++;
    }
    uint64_t large = rest / (uint64_t)UNITS[first].ms, small = 0;
    if (first + 1 < sizeof UNITS / sizeof UNITS[0]) {
        small = rest % (uint64_t)UNITS[first].ms / (uint64_t)UNITS[first + 1].ms;
    }
    int len = snprintf(buf, 40, "%s%llu %s", sign, (unsigned long long)large,
                       fa_phrase_text(language, UNITS[first].name));
    if (small > 0) {
        snprintf(buf + len, 40 - (size_t)len, " %u %s", (unsigned)small,
                 fa_phrase_text(language, UNITS[first + 1].name));
    }
    return buf;
}

const char *fa_reader_measured(const struct fa_language *language, fa_time length,
                               enum fa_measure measure, char buf[40])
{
    bool days = measure == FA_MEASURE_DAYS, one = length == (days ? FA_DAY : FA_HOUR);
    enum fa_phrase phrase = days  ? one ? FA_PHRASE_BUSINESS_DAYS_ONE : FA_PHRASE_BUSINESS_DAYS
                            : one ? FA_PHRASE_BUSINESS_HOURS_ONE
                                  : FA_PHRASE_BUSINESS_HOURS;
    char number[40];
    struct fa_buf out;
    if (measure == FA_MEASURE_CLOCK) {
        return fa_reader_duration(language, length, buf);
    }
    fa_buf_init(&out, 39);
    fa_reader_number(language, (double)length / (double)(days ? FA_DAY : FA_HOUR), number);
    fa_phrase_put(&out, language, phrase, FA_VALUES(number));
    snprintf(buf, 40, "%s", fa_buf_text(&out));
    fa_buf_done(&out);
    return buf;
}

/* A plain "[-]digits[.digits]" with the language's points: one between the thousands, the other
 * before the fraction. */
static void put_points(const struct fa_language *language, const char *text, char buf[40])
{
    const char *thousands = fa_phrase_text(language, FA_PHRASE_THOUSANDS_POINT);
    size_t sign = text[0] == '-', digits = strspn(text + sign, "0123456789");
    struct fa_buf out;
    fa_buf_init(&out, 39);
    for (size_t i = 0; i < sign + digits; i++) {
        if (i > sign && (sign + digits - i) % 3 == 0) {
            fa_buf_puts(&out, thousands);
        }
        fa_buf_putc(&out, text[i]);
    }
    if (text[sign + digits] == '.') {
        fa_buf_printf(&out, "%s%s", fa_phrase_text(language, FA_PHRASE_DECIMAL_POINT),
                      text + sign + digits + 1);
    }
    snprintf(buf, 40, "%s", fa_buf_text(&out));
    fa_buf_done(&out);
}

const char *fa_reader_number(const struct fa_language *language, double value, char buf[40])
{
    char text[40], *end;
    double size = fabs(value);
    if (isnan(value) || isinf(value)) {
        snprintf(buf, 40, "%s%s", isinf(value) && value < 0 ? "-" : "",
                 fa_phrase_text(language, isnan(value) ? FA_PHRASE_NUMBER_UNKNOWN
                                                       : FA_PHRASE_NUMBER_INFINITE));
        return buf;
    }
    if (size >= 1e15 || (size > 0 && size < 1e-6)) {
        snprintf(buf, 40, "%.3e", value);
        return buf;
    }
    int before = size >= 1 ? (int)floor(log10(size)) + 1 : 0;
    int after = size == 0 ? 0 : before > 0 ? 4 - before : 3 - (int)floor(log10(size));
    snprintf(text, sizeof text, "%.*f", after > 0 ? after : 0, value);
    if (strchr(text, '.') != NULL) {
        for (end = text + strlen(text) - 1; *end == '0' || *end == '.'; end--) {
            bool point = *end == '.';
            *end = '\0';
            if (point) {
                break;
            }
        }
    }
    put_points(language, strcmp(text, "-0") == 0 ? "0" : text, buf);
    return buf;
}

const char *fa_reader_percent(const struct fa_language *language, double fraction, char buf[40])
{
    char number[40];
    double percent = fraction * 100;
    if (fabs(percent) < 1e9 && fabs(percent) >= 0.1) {
        percent = round(percent * 10) / 10;
    }
    snprintf(buf, 40, "%.37s %%", fa_reader_number(language, percent, number));
    return buf;
}

/* Marks that reorder or hide what follows: U+200B..200F, 202A..202E, 2060..2064, 2066..206F, FEFF,
 * and the C1 controls U+0080..009F. Directional marks U+200E and 200F serve honest text too, but an
 * alarm's words must read as they are stored. */
static bool is_hidden(const char *p, size_t len)
{
    const unsigned char *c = (const unsigned char *)p;
    if (len == 2) {
        return c[0] == 0xc2 && c[1] < 0xa0;
    }
    if (len != 3) {
        return false;
    }
    return (c[0] == 0xe2 && c[1] == 0x80 &&
            ((c[2] >= 0x8b && c[2] <= 0x8f) || (c[2] >= 0xa8 && c[2] <= 0xae))) ||
           (c[0] == 0xe2 && c[1] == 0x81 && c[2] >= 0xa0 && c[2] <= 0xaf) ||
           (c[0] == 0xef && c[1] == 0xbb && c[2] == 0xbf);
}

/* How many bytes from the beginning are plain ASCII: nearly all of most texts. */
static size_t plain_run(struct fa_str text)
{
    size_t len = 0;
    while (len < text.len && text.ptr[len] >= 0x20 && text.ptr[len] < 0x7f) {
        len++;
    }
    return len;
}

void fa_reader_clean(struct fa_buf *out, struct fa_str text)
{
    for (size_t i = 0; i < text.len;) {
        struct fa_str rest = {text.ptr + i, text.len - i};
        size_t run = plain_run(rest);
        if (run > 0) {
            fa_buf_put(out, rest.ptr, run);
            i += run;
            continue;
        }
        size_t len = fa_utf8_first(rest);
        unsigned char c = (unsigned char)text.ptr[i];
        if (len == 0) {
            fa_buf_puts(out, "\xef\xbf\xbd");
            len = 1;
        } else if (c == '\r') {
            fa_buf_putc(out, '\n');
            len += i + 1 < text.len && text.ptr[i + 1] == '\n';
        } else if (len == 1 && (c < 0x20 || c == 0x7f) && c != '\n') {
            fa_buf_putc(out, ' ');
        } else if (!is_hidden(text.ptr + i, len)) {
            fa_buf_put(out, text.ptr + i, len);
        }
        i += len;
    }
}
