/* SPDX-License-Identifier: MIT */
/* Functions of instant vectors and numbers. Each that computes drops the metric's name. */
#include "rules/functions.h"
#include "rules/query_walk.h"

#include <math.h>

static const double pi = 3.14159265358979323846;

/* ---- one number from another ---- */

static double to_radians(double value)
{
    return value * pi / 180;
}

static double to_degrees(double value)
{
    return value * 180 / pi;
}

static double sign_of(double value)
{
    return value < 0 ? -1 : value > 0 ? 1 : value;
}

/* ---- the calendar, in UTC ---- */

struct date {
    int64_t year;
    int month, day, weekday, yearday, hour, minute; /* month, day, yearday from 1; Sunday is 0 */
};

static bool is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int month_days(int64_t year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && is_leap(year) ? 1 : 0);
}

/* Proleptic Gregorian; years of 400 repeat every 146,097 days, and begin in March. */
static struct date date_of(int64_t seconds)
{
    int64_t day = seconds / 86400, rest = seconds % 86400;
    if (rest < 0) {
        day--;
        rest += 86400;
    }
    int64_t weekday = (day % 7 + 11) % 7;
    day += 719468;
    int64_t era = (day >= 0 ? day : day - 146096) / 146097, of_era = day - era * 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * of_year + 2) / 153;
    struct date date = {.day = (int)(of_year - (153 * month + 2) / 5 + 1),
                        .month = (int)(month < 10 ? month + 3 : month - 9),
                        .weekday = (int)weekday,
                        .hour = (int)(rest / 3600),
                        .minute = (int)(rest / 60 % 60)};
    date.year = year + era * 400 + (date.month <= 2 ? 1 : 0);
    date.yearday = date.day;
    for (int i = 1; i < date.month; i++) {
        date.yearday += month_days(date.year, i);
    }
    return date;
}

double fa_fn_date(enum fa_promql_fn fn, double seconds)
{
    if (!(fabs(seconds) < 1e15)) {
        return (double)NAN; /* no calendar reaches so far */
    }
    struct date date = date_of((int64_t)seconds);
    switch ((int)fn) {
    case FA_PROMQL_FN_DAY_OF_MONTH:
        return date.day;
    case FA_PROMQL_FN_DAY_OF_WEEK:
        return date.weekday;
    case FA_PROMQL_FN_DAY_OF_YEAR:
        return date.yearday;
    case FA_PROMQL_FN_DAYS_IN_MONTH:
        return month_days(date.year, date.month);
    case FA_PROMQL_FN_HOUR:
        return date.hour;
    case FA_PROMQL_FN_MINUTE:
        return date.minute;
    case FA_PROMQL_FN_MONTH:
        return date.month;
    default:
        return (double)date.year;
    }
}

static int dates(struct fa_query *query, const struct fa_promql_node *node, fa_time at,
                 struct fa_query_value *ret_value)
{
    enum fa_promql_fn fn = node->u.call.fn;
    struct fa_query_value vector;
    if (node->u.call.count == 0) {
        *ret_value = fa_vector_new(query, 1);
        fa_vector_add(ret_value, fa_labels_none(), fa_fn_date(fn, (double)(at / 1000)), at);
        return 0;
    }
    int ret = fa_walk(query, node->u.call.args[0], at, &vector);
    if (ret != 0) {
        return ret;
    }
    *ret_value = fa_vector_new(query, vector.count);
    for (size_t i = 0; i < vector.count; i++) {
        fa_vector_add(ret_value, fa_labels_nameless(query, vector.samples[i].labels),
                      fa_fn_date(fn, vector.samples[i].value), at);
    }
    return fa_walk_distinct(query, node, ret_value);
}

/* ---- element by element ---- */

typedef double fa_float_fn(double);

static fa_float_fn *float_fn(enum fa_promql_fn fn)
{
    static fa_float_fn *const table[FA_PROMQL_FN__COUNT] = {
        [FA_PROMQL_FN_ABS] = fabs,       [FA_PROMQL_FN_CEIL] = ceil,
        [FA_PROMQL_FN_FLOOR] = floor,    [FA_PROMQL_FN_EXP] = exp,
        [FA_PROMQL_FN_SQRT] = sqrt,      [FA_PROMQL_FN_LN] = log,
        [FA_PROMQL_FN_LOG2] = log2,      [FA_PROMQL_FN_LOG10] = log10,
        [FA_PROMQL_FN_SIN] = sin,        [FA_PROMQL_FN_COS] = cos,
        [FA_PROMQL_FN_TAN] = tan,        [FA_PROMQL_FN_ASIN] = asin,
        [FA_PROMQL_FN_ACOS] = acos,      [FA_PROMQL_FN_ATAN] = atan,
        [FA_PROMQL_FN_SINH] = sinh,      [FA_PROMQL_FN_COSH] = cosh,
        [FA_PROMQL_FN_TANH] = tanh,      [FA_PROMQL_FN_ASINH] = asinh,
        [FA_PROMQL_FN_ACOSH] = acosh,    [FA_PROMQL_FN_ATANH] = atanh,
        [FA_PROMQL_FN_RAD] = to_radians, [FA_PROMQL_FN_DEG] = to_degrees,
        [FA_PROMQL_FN_SGN] = sign_of,
    };
    return table[fn];
}

/* Unlike fmin() and fmax(), NaN stays NaN. */
static double clamp(double value, double least, double most)
{
    return isnan(value) || isnan(least) || isnan(most) ? (double)NAN
           : value < least                             ? least
           : value > most                              ? most
                                                       : value;
}

double fa_fn_element(enum fa_promql_fn fn, double value, const double params[2])
{
    double inverse;
    switch ((int)fn) {
    case FA_PROMQL_FN_CLAMP:
        return clamp(value, params[0], params[1]);
    case FA_PROMQL_FN_CLAMP_MIN:
        return clamp(value, params[0], (double)INFINITY);
    case FA_PROMQL_FN_CLAMP_MAX:
        return clamp(value, -(double)INFINITY, params[0]);
    case FA_PROMQL_FN_ROUND:
        inverse = 1.0 / params[0];
        return floor(value * inverse + 0.5) / inverse;
    default:
        return float_fn(fn)(value);
    }
}

bool fa_fn_is_element(enum fa_promql_fn fn)
{
    return float_fn(fn) != NULL || fn == FA_PROMQL_FN_CLAMP || fn == FA_PROMQL_FN_CLAMP_MIN ||
           fn == FA_PROMQL_FN_CLAMP_MAX || fn == FA_PROMQL_FN_ROUND;
}

bool fa_fn_is_date(enum fa_promql_fn fn)
{
    return fn == FA_PROMQL_FN_DAY_OF_MONTH || fn == FA_PROMQL_FN_DAY_OF_WEEK ||
           fn == FA_PROMQL_FN_DAY_OF_YEAR || fn == FA_PROMQL_FN_DAYS_IN_MONTH ||
           fn == FA_PROMQL_FN_HOUR || fn == FA_PROMQL_FN_MINUTE || fn == FA_PROMQL_FN_MONTH ||
           fn == FA_PROMQL_FN_YEAR;
}

static int elements(struct fa_query *query, const struct fa_promql_node *node, fa_time at,
                    struct fa_query_value *ret_value)
{
    enum fa_promql_fn fn = node->u.call.fn;
    struct fa_query_value vector;
    double params[2] = {1, 0};
    int ret = fa_walk(query, node->u.call.args[0], at, &vector);
    for (size_t i = 1; i < node->u.call.count && ret == 0; i++) {
        ret = fa_walk_number(query, node->u.call.args[i], at, &params[i - 1]);
    }
    if (ret != 0) {
        return ret;
    }
    *ret_value = fa_vector_new(query, vector.count);
    if (fn == FA_PROMQL_FN_CLAMP && params[1] < params[0]) {
        return 0; /* nothing lies between */
    }
    for (size_t i = 0; i < vector.count; i++) {
        fa_vector_add(ret_value, fa_labels_nameless(query, vector.samples[i].labels),
                      fa_fn_element(fn, vector.samples[i].value, params), at);
    }
    return fa_walk_distinct(query, node, ret_value);
}

/* ---- the rest ---- */

static int timestamps(struct fa_query *query, const struct fa_promql_node *node, fa_time at,
                      struct fa_query_value *ret_value)
{
    bool own = fa_promql_bare(node->u.call.args[0])->kind == FA_PROMQL_SELECTOR;
    struct fa_query_value vector;
    int ret = fa_walk(query, node->u.call.args[0], at, &vector);
    if (ret != 0) {
        return ret;
    }
    *ret_value = fa_vector_new(query, vector.count);
    for (size_t i = 0; i < vector.count; i++) {
        fa_time of = own ? vector.samples[i].at : at;
        fa_vector_add(ret_value, fa_labels_nameless(query, vector.samples[i].labels),
                      (double)of / 1000, at);
    }
    return fa_walk_distinct(query, node, ret_value);
}

static bool is_less(const struct fa_query_sample *a, const struct fa_query_sample *b,
                    const void *ctx)
{
    bool falling = *(const bool *)ctx;
    if (isnan(a->value) || isnan(b->value)) {
        return !isnan(a->value) && isnan(b->value); /* NaN stands last either way */
    }
    return falling ? a->value > b->value : a->value < b->value;
}

static int sorted(struct fa_query *query, const struct fa_promql_node *node, fa_time at,
                  struct fa_query_value *ret_value)
{
    bool falling = node->u.call.fn == FA_PROMQL_FN_SORT_DESC;
    int ret = fa_walk(query, node->u.call.args[0], at, ret_value);
    if (ret == 0) {
        fa_samples_sort(query, ret_value->samples, ret_value->count, is_less, &falling);
    }
    return ret;
}

static int absent(struct fa_query *query, const struct fa_promql_node *node, fa_time at,
                  struct fa_query_value *ret_value)
{
    struct fa_query_value vector;
    int ret = fa_walk(query, node->u.call.args[0], at, &vector);
    *ret_value = fa_vector_new(query, 1);
    if (ret == 0 && vector.count == 0) {
        fa_vector_add(ret_value, fa_labels_absent(query, fa_promql_bare(node->u.call.args[0])), 1,
                      at);
    }
    return ret;
}

static int scalar(struct fa_query *query, const struct fa_promql_node *node, fa_time at,
                  struct fa_query_value *ret_value)
{
    struct fa_query_value vector;
    int ret = fa_walk(query, node->u.call.args[0], at, &vector);
    if (ret == 0) {
        ret_value->number = vector.count == 1 ? vector.samples[0].value : (double)NAN;
    }
    return ret;
}

int fa_walk_call(struct fa_query *query, const struct fa_promql_node *node, fa_time at,
                 struct fa_query_value *ret_value)
{
    double number;
    int ret;
    switch ((int)node->u.call.fn) {
    case FA_PROMQL_FN_TIME:
        ret_value->number = (double)at / 1000;
        return 0;
    case FA_PROMQL_FN_PI:
        ret_value->number = pi;
        return 0;
    case FA_PROMQL_FN_SCALAR:
        return scalar(query, node, at, ret_value);
    case FA_PROMQL_FN_VECTOR:
        ret = fa_walk_number(query, node->u.call.args[0], at, &number);
        *ret_value = fa_vector_new(query, 1);
        fa_vector_add(ret_value, fa_labels_none(), number, at);
        return ret;
    case FA_PROMQL_FN_ABSENT:
        return absent(query, node, at, ret_value);
    case FA_PROMQL_FN_TIMESTAMP:
        return timestamps(query, node, at, ret_value);
    case FA_PROMQL_FN_SORT:
    case FA_PROMQL_FN_SORT_DESC:
        return sorted(query, node, at, ret_value);
    case FA_PROMQL_FN_HISTOGRAM_QUANTILE:
    case FA_PROMQL_FN_HISTOGRAM_FRACTION:
        return fa_walk_histogram(query, node, at, ret_value);
    case FA_PROMQL_FN_LABEL_REPLACE:
    case FA_PROMQL_FN_LABEL_JOIN:
    case FA_PROMQL_FN_SORT_BY_LABEL:
    case FA_PROMQL_FN_SORT_BY_LABEL_DESC:
        return fa_walk_relabel(query, node, at, ret_value);
    default:
        break;
    }
    if (fa_fn_is_date(node->u.call.fn)) {
        return dates(query, node, at, ret_value);
    }
    return fa_fn_is_element(node->u.call.fn) ? elements(query, node, at, ret_value)
                                             : fa_walk_over_time(query, node, at, ret_value);
}
