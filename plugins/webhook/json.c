/* SPDX-License-Identifier: MIT */
/* Escapes what JSON must have escaped and nothing else; refuses what is not UTF-8 (also surrogates
 * and overlong forms), as a receiver would refuse the whole body for it. */
#include "json.h"

#include <stdlib.h>
#include <string.h>

void json_done(struct json *json)
{
    free(json->text);
    *json = (struct json){0};
}

static void put(struct json *json, const char *bytes, size_t len)
{
    if (json->bad || len == 0) {
        return;
    }
    if (len >= json->cap - json->len) {
        size_t cap = json->cap > 0 ? json->cap : 1024;
        while (cap - json->len <= len) {
            cap *= 2;
        }
        char *text = realloc(json->text, cap);
        json->bad = text == NULL;
        if (json->bad) {
            return;
        }
        json->text = text;
        json->cap = cap;
    }
    memcpy(json->text + json->len, bytes, len);
    json->len += len;
    json->text[json->len] = '\0';
}

void json_raw(struct json *json, const char *text)
{
    put(json, text, strlen(text));
}

/* Bytes of the character at p, of which `left` bytes are there; 0: it is none. */
static size_t character(const unsigned char *p, size_t left)
{
    size_t len = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    if (p[0] > 0xf4 || len > left) {
        return 0;
    }
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    int overlong = (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xf0 && p[1] < 0x90);
    int no_character = (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf4 && p[1] > 0x8f);
    return overlong || no_character ? 0 : len;
}

static void escape(struct json *json, unsigned char c)
{
    static const char hex[] = "0123456789abcdef", from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
    const char *at = memchr(from, c, sizeof from - 1);
    if (at != NULL) {
        put(json, (char[]){'\\', to[at - from]}, 2);
    } else {
        put(json, (char[]){'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]}, 6);
    }
}

void json_text(struct json *json, struct firealarm_text text, size_t max)
{
    const unsigned char *p = (const unsigned char *)text.ptr;
    size_t len = text.len, from = 0, at = 0;
    if (len > max) {
        len = max;
        while (len > 0 && (p[len] & 0xc0) == 0x80) {
            len--;
        }
    }
    put(json, "\"", 1);
    while (at < len) {
        size_t bytes = p[at] - 0x20u < 0x60u ? 1 : character(p + at, len - at);
        if (p[at] < 0x20 || p[at] == '"' || p[at] == '\\') {
            put(json, text.ptr + from, at - from);
            escape(json, p[at]);
            from = at + 1;
        }
        json->bad = json->bad || bytes == 0;
        at += bytes > 0 ? bytes : 1;
    }
    put(json, len > 0 ? text.ptr + from : "", len - from);
    put(json, "\"", 1);
}

/* The decimal digits of a number, at least `width` of them. */
static void digits(struct json *json, uint64_t number, size_t width)
{
    char buf[20];
    size_t at = sizeof buf;
    while (number > 0 || sizeof buf - at < width) {
        buf[--at] = (char)('0' + number % 10);
        number /= 10;
    }
    put(json, buf + at, sizeof buf - at);
}

void json_number(struct json *json, int64_t number)
{
    if (number < 0) {
        put(json, "-", 1);
    }
    digits(json, number < 0 ? 0 - (uint64_t)number : (uint64_t)number, 1);
}

/* By the calendar's rules alone (days from 1 March of year 0): this runs four times a message. */
void json_time(struct json *json, int64_t ms)
{
    uint64_t seconds = ms > 0 ? (uint64_t)ms / 1000 : 0, days = seconds / 86400 + 719468;
    if (ms <= 0) {
        json_raw(json, "null");
        return;
    }
    uint64_t era = days / 146097, day = days % 146097;
    uint64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    uint64_t of_year = day - (365 * year + year / 4 - year / 100);
    uint64_t month = (5 * of_year + 2) / 153;
    const uint64_t parts[] = {era * 400 + year + (month >= 10),
                              month < 10 ? month + 3 : month - 9,
                              of_year - (153 * month + 2) / 5 + 1,
                              seconds / 3600 % 24,
                              seconds / 60 % 60,
                              seconds % 60};
    static const char before[] = "\"--T::";
    for (size_t i = 0; i < 6; i++) {
        put(json, &before[i], 1);
        digits(json, parts[i], i == 0 ? 4 : 2);
    }
    put(json, "Z\"", 2);
}
