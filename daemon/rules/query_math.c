/* SPDX-License-Identifier: MIT */
/* Sums, quantiles, order and the writing of numbers, each exactly as Prometheus has it. */
#include "rules/query_walk.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

double fa_stale_marker(void)
{
    uint64_t bits = UINT64_C(0x7ff0000000000002);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

bool fa_is_stale(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits == UINT64_C(0x7ff0000000000002);
}

void fa_sum_add(double value, double *sum, double *c)
{
    double total = *sum + value;
    if (isinf(total)) {
        *c = 0; /* nothing to make good beyond infinity */
    } else if (fabs(*sum) >= fabs(value)) {
        *c += (*sum - total) + value;
    } else {
        *c += (value - total) + *sum;
    }
    *sum = total;
}

/* ---- order ---- */

void fa_samples_sort(struct fa_query *query, struct fa_query_sample *items, size_t count,
                     fa_sample_less_fn *less, const void *ctx)
{
    struct fa_query_sample *from = items;
    struct fa_query_sample *to = fa_scratch_take(&query->arena, count * sizeof *items);
    for (size_t width = 1; width < count; width *= 2) {
        for (size_t start = 0; start < count; start += 2 * width) {
            size_t middle = start + width < count ? start + width : count;
            size_t end = start + 2 * width < count ? start + 2 * width : count;
            size_t i = start, j = middle;
            for (size_t k = start; k < end; k++) {
                bool right = i == middle || (j < end && less(&from[j], &from[i], ctx));
                to[k] = right ? from[j++] : from[i++];
            }
        }
        struct fa_query_sample *other = from;
        from = to;
        to = other;
    }
    if (from != items) {
        memcpy(items, from, count * sizeof *items);
    }
}

/* NaN is the smallest. */
static bool is_before(double a, double b)
{
    return isnan(a) ? !isnan(b) : a < b;
}

static void sift(double *values, size_t at, size_t count)
{
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= count) {
            return;
        }
        if (child + 1 < count && is_before(values[child], values[child + 1])) {
            child++;
        }
        if (!is_before(values[at], values[child])) {
            return;
        }
        double other = values[at];
        values[at] = values[child];
        values[child] = other;
        at = child;
    }
}

static void sort_values(double *values, size_t count)
{
    for (size_t i = count / 2; i-- > 0;) {
        sift(values, i, count);
    }
    for (size_t end = count; end > 1; end--) {
        double last = values[end - 1];
        values[end - 1] = values[0];
        values[0] = last;
        sift(values, 0, end - 1);
    }
}

double fa_quantile(double quantile, double *values, size_t count)
{
    if (count == 0 || isnan(quantile)) {
        return (double)NAN;
    }
    if (quantile < 0 || quantile > 1) {
        return quantile < 0 ? -(double)INFINITY : (double)INFINITY;
    }
    sort_values(values, count);
    double rank = quantile * (double)(count - 1);
    double lower = floor(rank), upper = lower + 1 < (double)count ? lower + 1 : (double)(count - 1);
    double weight = rank - lower;
    return values[(size_t)lower] * (1 - weight) + values[(size_t)upper] * weight;
}

/* ---- numbers as text ---- */

/* The fewest decimal digits that read back; *ret_exponent: of the first digit. */
static size_t shortest(double value, char digits[20], int *ret_exponent)
{
    char text[40];
    double again;
    for (int precision = 0;; precision++) {
        snprintf(text, sizeof text, "%.*e", precision, value);
        if (precision == 16 || (fa_parse_double(fa_str_of(text), &again) == 0 && again == value)) {
            break;
        }
    }
    char *mark = strchr(text, 'e');
    int64_t exponent = 0;
    bool minus = mark[1] == '-';
    (void)!fa_parse_i64(fa_str_of(mark + 2), &exponent);
    *ret_exponent = (int)(minus ? -exponent : exponent);
    size_t count = 0;
    for (char *c = text; c < mark; c++) {
        if (*c != '.') {
            digits[count++] = *c;
        }
    }
    while (count > 1 && digits[count - 1] == '0') {
        count--;
    }
    return count;
}

static void put_positional(struct fa_buf *buf, const char *digits, size_t count, int exponent)
{
    if (exponent < 0) {
        fa_buf_puts(buf, "0.");
        for (int i = -1; i > exponent; i--) {
            fa_buf_putc(buf, '0');
        }
        fa_buf_put(buf, digits, count);
        return;
    }
    for (size_t i = 0; i <= (size_t)exponent || i < count; i++) {
        if (i == (size_t)exponent + 1) {
            fa_buf_putc(buf, '.');
        }
        fa_buf_putc(buf, i < count ? digits[i] : '0');
    }
}

const char *fa_number_format(double value, bool exponents, char buf[FA_NUMBER_TEXT_SIZE])
{
    char digits[20];
    int exponent;
    struct fa_buf text;
    if (isnan(value) || isinf(value)) {
        snprintf(buf, FA_NUMBER_TEXT_SIZE, "%s",
                 isnan(value) ? "NaN"
                 : value > 0  ? "+Inf"
                              : "-Inf");
        return buf;
    }
    if (value == 0) {
        snprintf(buf, FA_NUMBER_TEXT_SIZE, "%s", signbit(value) ? "-0" : "0");
        return buf;
    }
    fa_buf_init(&text, FA_NUMBER_TEXT_SIZE - 1);
    size_t count = shortest(fabs(value), digits, &exponent);
    fa_buf_puts(&text, value < 0 ? "-" : "");
    if (exponents && (fabs(value) < 1e-6 || fabs(value) >= 1e21)) {
        fa_buf_putc(&text, digits[0]);
        fa_buf_puts(&text, count > 1 ? "." : "");
        fa_buf_put(&text, digits + 1, count - 1);
        fa_buf_printf(&text, "e%c%02d", exponent < 0 ? '-' : '+',
                      exponent < 0 ? -exponent : exponent);
    } else {
        put_positional(&text, digits, count, exponent);
    }
    snprintf(buf, FA_NUMBER_TEXT_SIZE, "%s", fa_buf_text(&text));
    fa_buf_done(&text);
    return buf;
}

int fa_number_parse(struct fa_str text, double *ret_value)
{
    static const struct {
        char text[12];
        double value;
    } words[] = {{"nan", (double)NAN},
                 {"inf", (double)INFINITY},
                 {"+inf", (double)INFINITY},
                 {"-inf", -(double)INFINITY},
                 {"infinity", (double)INFINITY},
                 {"+infinity", (double)INFINITY},
                 {"-infinity", -(double)INFINITY}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (text.len == strlen(words[i].text) &&
            strncasecmp(text.ptr, words[i].text, text.len) == 0) {
            *ret_value = words[i].value;
            return 0;
        }
    }
    if (text.len > 1 && text.ptr[0] == '+' && text.ptr[1] != '-') {
        text.ptr++;
        text.len--;
    }
    return fa_parse_double(text, ret_value);
}
