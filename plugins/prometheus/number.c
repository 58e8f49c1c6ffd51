/* SPDX-License-Identifier: MIT */
/* Numbers as Prometheus reads them, correctly rounded whatever the locale.
 *
 * Up to 19 digits with a power of ten up to 22 are an exact integer times or over an exact power,
 * which one operation rounds correctly; the rest is left to strtod under the "C" locale.
 * Hexadecimal floats are read, digits with underscores are not. */
#include "prometheus.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SLOW_MAX 400 /* characters; more digits say nothing */
#define TIME_MAX (INT64_C(1) << 53)

static const double POWERS[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* digits [ "." digits ], with a sign; 0: of another shape, or not exact. */
static int read_plain(struct firealarm_text text, double *ret_value)
{
    const char *at = text.ptr, *end = at + text.len;
    int negative = at < end && *at == '-', digits = 0, after = 0;
    uint64_t number = 0;
    at += negative || (at < end && *at == '+');
    for (; at < end && is_digit(*at); at++, digits++) {
        number = number * 10 + (uint64_t)(*at - '0');
    }
    if (digits > 0 && at < end && *at == '.') {
        for (at++; at < end && is_digit(*at); at++, after++) {
            number = number * 10 + (uint64_t)(*at - '0');
        }
    }
    if (at != end || digits == 0 || digits + after > 18 || number > (UINT64_C(1) << 53)) {
        return 0;
    }
    double value = (double)number / POWERS[after];
    *ret_value = negative ? -value : value;
    return 1;
}

static int read_special(struct firealarm_text text, double *ret_value)
{
    int has_sign = text.len > 0 && (*text.ptr == '-' || *text.ptr == '+');
    const char *word = text.ptr + has_sign;
    size_t len = text.len - (size_t)has_sign;
    if (len == 3 && !has_sign && strncasecmp(word, "nan", 3) == 0) {
        static const uint64_t bits = UINT64_C(0x7ff8000000000001);
        memcpy(ret_value, &bits, sizeof bits);
        return 1;
    }
    if ((len == 3 && strncasecmp(word, "inf", 3) == 0) ||
        (len == 8 && strncasecmp(word, "infinity", 8) == 0)) {
        *ret_value = *text.ptr == '-' ? -INFINITY : INFINITY;
        return 1;
    }
    return 0;
}

/* Only what strtod and Prometheus understand alike. */
static int is_spelled_well(struct firealarm_text text)
{
    size_t from = text.len > 0 && (*text.ptr == '-' || *text.ptr == '+') ? 1 : 0;
    int is_hex = text.len - from > 2 && text.ptr[from] == '0' && (text.ptr[from + 1] | 32) == 'x';
    const char *letters = is_hex ? "0123456789abcdefABCDEFxXpP.+-" : "0123456789eE.+-";
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\0' || strchr(letters, text.ptr[i]) == NULL) {
            return 0;
        }
    }
    /* Prometheus wants the exponent of a hexadecimal one written out. */
    return text.len > from && (!is_hex || memchr(text.ptr, 'p', text.len) != NULL ||
                               memchr(text.ptr, 'P', text.len) != NULL);
}

int prom_number(const struct prom *prom, struct firealarm_text text, double *ret_value)
{
    char copy[SLOW_MAX + 1], *end;
    if (read_plain(text, ret_value) || read_special(text, ret_value)) {
        return 1;
    }
    if (text.len > SLOW_MAX || !is_spelled_well(text)) {
        return 0;
    }
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    double value = strtod_l(copy, &end, prom->plain);
    if (end != copy + text.len || isinf(value)) {
        return 0; /* a number out of range is refused there too */
    }
    *ret_value = value;
    return 1;
}

int prom_milliseconds(struct firealarm_text text, int64_t *ret_ms)
{
    size_t i = text.len > 0 && (*text.ptr == '-' || *text.ptr == '+') ? 1 : 0;
    int64_t ms = 0;
    if (i == text.len) {
        return 0;
    }
    for (; i < text.len; i++) {
        if (!is_digit(text.ptr[i]) || ms >= TIME_MAX) {
            return 0;
        }
        ms = ms * 10 + (text.ptr[i] - '0');
    }
    *ret_ms = *text.ptr == '-' ? -ms : ms;
    return 1;
}

int prom_seconds(const struct prom *prom, struct firealarm_text text, int64_t *ret_ms)
{
    double seconds;
    if (!prom_number(prom, text, &seconds) || !(fabs(seconds) < (double)TIME_MAX / 1000)) {
        return 0;
    }
    *ret_ms = (int64_t)llround(seconds * 1000);
    return 1;
}
