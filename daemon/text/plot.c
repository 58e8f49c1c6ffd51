/* SPDX-License-Identifier: MIT */
/* What a plot shows, whatever it is drawn with: scale, ticks, and the value in a place. Where
 * several values fall into one place the worst stands for them, so that no peak is lost. */
#include "text/plot.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void widen(struct fa_plot_scale *scale, double value)
{
    if (isfinite(value)) {
        scale->low = fmin(scale->low, value);
        scale->high = fmax(scale->high, value);
    }
}

struct fa_plot_scale fa_plot_scale_of(const struct fa_plot *plot)
{
    struct fa_plot_scale scale = {INFINITY, -INFINITY};
    for (size_t i = 0; i < plot->count; i++) {
        widen(&scale, plot->values[i]);
    }
    if (plot->has_threshold) {
        widen(&scale, plot->threshold);
    }
    if (plot->has_clear) {
        widen(&scale, plot->clear);
    }
    if (!(scale.low <= scale.high)) {
        return (struct fa_plot_scale){0, 1};
    }
    if (scale.low > 0 && scale.low < scale.high / 2) {
        scale.low = 0;
    }
    double room = (scale.high - scale.low) / 20;
    room = room > 0 ? room : fmax(fabs(scale.high) / 10, 1e-9);
    if (!isfinite(room)) {
        return scale;
    }
    scale.high += room;
    scale.low -= scale.low == 0 ? 0 : room;
    return scale;
}

double fa_plot_value(const struct fa_plot *plot, size_t part, size_t parts)
{
    size_t from = plot->count * part / parts, to = plot->count * (part + 1) / parts;
    double value = (double)NAN;
    to = to > from ? to : from + 1;
    for (size_t i = from; i < to && i < plot->count; i++) {
        if (isfinite(plot->values[i])) {
            value = isnan(value)       ? plot->values[i]
                    : plot->low_is_bad ? fmin(value, plot->values[i])
                                       : fmax(value, plot->values[i]);
        }
    }
    return value;
}

fa_time fa_plot_tick(const struct fa_plot *plot, unsigned most, fa_time *ret_first)
{
    static const fa_time lengths[] = {
        FA_MINUTE,    5 * FA_MINUTE, 15 * FA_MINUTE, FA_HOUR,      3 * FA_HOUR,   6 * FA_HOUR,
        12 * FA_HOUR, FA_DAY,        2 * FA_DAY,     7 * FA_DAY,   14 * FA_DAY,   30 * FA_DAY,
        60 * FA_DAY,  90 * FA_DAY,   180 * FA_DAY,   365 * FA_DAY, 3650 * FA_DAY, 36500 * FA_DAY};
    fa_time span = plot->to - plot->from;
    size_t i = 0;
    while (i + 1 < sizeof lengths / sizeof lengths[0] && span / lengths[i] > (fa_time)most) {
        i++;
    }
    fa_time rest = plot->from % lengths[i];
    rest = rest < 0 ? rest + lengths[i] : rest;
    *ret_first = rest == 0 ? plot->from : plot->from - rest + lengths[i];
    return lengths[i];
}

double fa_plot_step(struct fa_plot_scale scale)
{
    double rough = (scale.high - scale.low) / 4;
    double unit = pow(10, floor(log10(rough)));
    double part = rough / unit;
    return unit * (part < 1.5 ? 1 : part < 3.5 ? 2 : part < 7.5 ? 5 : 10);
}

const char *fa_plot_time(fa_time at, fa_time tick, char buf[24])
{
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    char whole[32]; /* 2026-11-22T08:15:00Z */
    (void)fa_time_format(at, whole);
    size_t month = (size_t)(whole[5] - '0') * 10 + (size_t)(whole[6] - '0') - 1;
    if (strlen(whole) != 20 || month >= 12) {
        snprintf(buf, 24, "?");
        return buf;
    }
    int day = (whole[8] - '0') * 10 + (whole[9] - '0');
    if (tick < FA_DAY) {
        snprintf(buf, 24, "%d %s %.5s", day, months[month], whole + 11);
    } else if (tick < 300 * FA_DAY) {
        snprintf(buf, 24, "%d %s", day, months[month]);
    } else {
        snprintf(buf, 24, "%s %.4s", months[month], whole);
    }
    return buf;
}
