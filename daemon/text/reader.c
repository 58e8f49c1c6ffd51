/* SPDX-License-Identifier: MIT */
/* How a time, a length and a number look to a person.
 *
 * Decides: two units at most, four digits at most, a year only where it is not the current one.
 * The wall clock and the zone come in as arguments; no table of zones is read here. Output is plain
 * ASCII but for what a caller's zone name holds. */
#include "text/reader.h"
#include "text/utf8.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define YEAR_10000 INT64_C(253402300800000)

static const char *const MONTHS[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

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

static void put_distance(fa_time distance, char buf[48])
{
    char text[40];
    if (distance < FA_SECOND && distance > -FA_SECOND) {
        snprintf(buf, 48, " (now)");
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
    fa_reader_duration(length / unit * unit, text);
    snprintf(buf, 48, distance > 0 ? " (%s ago)" : " (in %s)", text);
}

const char *fa_reader_time(fa_time wall, fa_time now, const struct fa_reader_zone *zone,
                           char buf[FA_READER_TIME_SIZE])
{
    fa_time offset = zone != NULL ? zone->offset_seconds * FA_SECOND : 0;
    char year[8] = "", distance[48] = "";
    if (wall < FA_DAY || wall >= YEAR_10000 - FA_DAY) {
        snprintf(buf, FA_READER_TIME_SIZE, "an unknown time");
        return buf;
    }
    struct date date = date_of(wall + offset);
    if (now > FA_DAY && now < YEAR_10000 - FA_DAY) {
        if (date_of(now + offset).year != date.year) {
            snprintf(year, sizeof year, " %d", date.year);
        }
        put_distance(now - wall, distance);
    }
    snprintf(buf, FA_READER_TIME_SIZE, "%d %s%s %02d:%02d %.12s%s", date.day,
             MONTHS[(date.month + 11) % 12], year, date.hour, date.minute,
             zone != NULL && zone->name != NULL ? zone->name : "UTC", distance);
    return buf;
}

static const struct {
    fa_time ms;
    const char *name;
} UNITS[] = {{FA_DAY, "d"}, {FA_HOUR, "h"}, {FA_MINUTE, "min"}, {FA_SECOND, "s"}};

const char *fa_reader_duration(fa_time ms, char buf[40])
{
    const char *sign = ms < 0 ? "-" : "";
    uint64_t rest = ms < 0 ? 0 - (uint64_t)ms : (uint64_t)ms;
    if (rest < (uint64_t)FA_SECOND) {
        snprintf(buf, 40, rest == 0 ? "%s0 s" : "%s%u ms", sign, (unsigned)rest);
        return buf;
    }
    if (rest < 10 * (uint64_t)FA_SECOND && rest % 1000 >= 50) {
        uint64_t tenths = rest / 100;
        snprintf(buf, 40, tenths % 10 != 0 ? "%s%u.%u s" : "%s%u s", sign, (unsigned)(tenths / 10),
                 (unsigned)(tenths % 10));
        return buf;
    }
    size_t first = 0;
    while ((uint64_t)UNITS[first].ms > rest) {
        first++;
    }
    uint64_t large = rest / (uint64_t)UNITS[first].ms, small = 0;
    if (first + 1 < sizeof UNITS / sizeof UNITS[0]) {
        small = rest % (uint64_t)UNITS[first].ms / (uint64_t)UNITS[first + 1].ms;
    }
    int len = snprintf(buf, 40, "%s%llu %s", sign, (unsigned long long)large, UNITS[first].name);
    if (small > 0) {
        snprintf(buf + len, 40 - (size_t)len, " %u %s", (unsigned)small, UNITS[first + 1].name);
    }
    return buf;
}

/* Commas between the thousands of a plain "[-]digits[.digits]". */
static void group_thousands(const char *text, char buf[40])
{
    size_t sign = text[0] == '-', digits = strspn(text + sign, "0123456789"), len = 0;
    for (size_t i = 0; i < sign + digits; i++) {
        if (i > sign && (sign + digits - i) % 3 == 0) {
            buf[len++] = ',';
        }
        buf[len++] = text[i];
    }
    snprintf(buf + len, 40 - len, "%s", text + sign + digits);
}

const char *fa_reader_number(double value, char buf[40])
{
    char text[40], *end;
    double size = fabs(value);
    if (isnan(value) || isinf(value)) {
        snprintf(buf, 40, isnan(value) ? "unknown" : value > 0 ? "infinite" : "-infinite");
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
    group_thousands(strcmp(text, "-0") == 0 ? "0" : text, buf);
    return buf;
}

const char *fa_reader_percent(double fraction, char buf[40])
{
    char number[40];
    double percent = fraction * 100;
    if (fabs(percent) < 1e9 && fabs(percent) >= 0.1) {
        percent = round(percent * 10) / 10;
    }
    snprintf(buf, 40, "%.37s %%", fa_reader_number(percent, number));
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
