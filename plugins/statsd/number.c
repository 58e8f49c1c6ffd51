/* SPDX-License-Identifier: MIT */
/* Numbers, strictly and without a locale. Upstream reads values as JavaScript does, where 0x10 is
 * 16 and 1e400 is Infinity; here both are refused.
 *
 *   number = [ "+" / "-" ] ( digits [ "." [ digits ] ] / "." digits ) [ ( "e" / "E" ) [ sign ]
 * digits ]
 *
 * Up to 19 digits are gathered in an integer, the rest only moves the point. An integer up to 2^53
 * times or over a power of ten up to 10^22 is one correctly rounded operation; anything else goes
 * through long double. */
#include "statsd.h"

#include <math.h>

#define DIGITS_MAX   19
#define EXPONENT_MAX 5000

static const double POWERS[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

struct decimal {
    uint64_t digits;
    int count;    /* significant digits gathered */
    int exponent; /* of ten */
    int any;      /* a digit was there */
};

static const char *take_digits(struct decimal *decimal, const char *at, const char *end,
                               int fraction)
{
    for (; at < end && *at >= '0' && *at <= '9'; at++) {
        decimal->any = 1;
        if (decimal->count < DIGITS_MAX) {
            decimal->digits = decimal->digits * 10 + (uint64_t)(*at - '0');
            decimal->count += decimal->digits != 0;
            decimal->exponent -= fraction;
        } else {
            decimal->exponent += !fraction;
        }
    }
    return at;
}

/* From the "e" on. NULL: no exponent there. */
static const char *take_exponent(struct decimal *decimal, const char *at, const char *end)
{
    int negative = 0, exponent = 0;
    at++;
    if (at < end && (*at == '+' || *at == '-')) {
        negative = *at++ == '-';
    }
    if (at == end) {
        return NULL;
    }
    for (; at < end && *at >= '0' && *at <= '9'; at++) {
        exponent = exponent < EXPONENT_MAX ? exponent * 10 + (*at - '0') : exponent;
    }
    decimal->exponent += negative ? -exponent : exponent;
    return at;
}

static double slow_value(const struct decimal *decimal)
{
    long double value = (long double)decimal->digits, power = 10;
    unsigned exponent = (unsigned)(decimal->exponent < 0 ? -decimal->exponent : decimal->exponent);
    if (decimal->digits == 0 || decimal->exponent < -400) {
        return 0;
    }
    if (exponent > 400) {
        return INFINITY;
    }
    for (; exponent != 0; exponent /= 2, power *= power) {
        if (exponent % 2 != 0) {
            value = decimal->exponent < 0 ? value / power : value * power;
        }
    }
    return (double)value;
}

static double value_of(const struct decimal *decimal)
{
    if (decimal->digits <= (UINT64_C(1) << 53)) {
        if (decimal->exponent == 0) {
            return (double)decimal->digits;
        }
        if (decimal->exponent > 0 && decimal->exponent <= 22) {
            return (double)decimal->digits * POWERS[decimal->exponent];
        }
        if (decimal->exponent < 0 && decimal->exponent >= -22) {
            return (double)decimal->digits / POWERS[-decimal->exponent];
        }
    }
    return slow_value(decimal);
}

int statsd_number(const char *from, const char *end, double *ret_value)
{
    struct decimal decimal = {0};
    const char *at = from;
    int negative = 0;
    if (at < end && (*at == '+' || *at == '-')) {
        negative = *at++ == '-';
    }
    at = take_digits(&decimal, at, end, 0);
    if (at < end && *at == '.') {
        at = take_digits(&decimal, at + 1, end, 1);
    }
    if (decimal.any && at < end && (*at == 'e' || *at == 'E')) {
        at = take_exponent(&decimal, at, end);
    }
    if (!decimal.any || at != end) {
        return 0;
    }
    double value = value_of(&decimal);
    *ret_value = negative ? -value : value;
    return isfinite(value);
}

int statsd_integer(const char *from, const char *end, int64_t *ret_value)
{
    int64_t value = 0;
    if (from == end || end - from > 18) {
        return 0;
    }
    for (; from < end; from++) {
        if (*from < '0' || *from > '9') {
            return 0;
        }
        value = value * 10 + (*from - '0');
    }
    *ret_value = value;
    return 1;
}
