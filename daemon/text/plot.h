/* SPDX-License-Identifier: MIT */
/* A series over time with its threshold: as a picture (SVG) and as lines of characters. Pure. */
#ifndef FA_TEXT_PLOT_H
#define FA_TEXT_PLOT_H

#include "base/buf.h"
#include "base/time.h"

#include <stdbool.h>

struct fa_plot_span { /* while it fired */
    fa_time from, to;
};
struct fa_plot_mark { /* something happened */
    fa_time at;
    const char *text; /* any bytes: escaped */
};

/* Everything is borrowed. Times are shown in UTC. */
struct fa_plot {
    const char *title; /* any bytes: escaped */
    fa_time from, to;
    const double *values; /* evenly over the time; NaN: there was none */
    size_t count;
    bool has_threshold, has_clear;
    double threshold, clear;
    bool low_is_bad; /* of several values in one place the least is shown, else the largest */
    const struct fa_plot_span *spans;
    size_t span_count;
    const struct fa_plot_mark *marks;
    size_t mark_count;
};

/* One picture, the plots one below the other. */
void fa_plot_svg(const struct fa_plot *plots, size_t count, struct fa_buf *out);
/* columns: of the terminal, at least 40 are used; rows: of the curve. ascii: no character beyond
 * it, else Braille patterns. The title is left to the caller. */
void fa_plot_text(const struct fa_plot *plot, unsigned columns, unsigned rows, bool ascii,
                  struct fa_buf *out);

/* What both kinds draw by. */
struct fa_plot_scale {
    double low, high;
};
struct fa_plot_scale fa_plot_scale_of(const struct fa_plot *plot);
/* The value in part `part` of `parts` equal ones; NaN: none. */
double fa_plot_value(const struct fa_plot *plot, size_t part, size_t parts);
/* A round length of which `most` at most fit into the time, and the first multiple of it. */
fa_time fa_plot_tick(const struct fa_plot *plot, unsigned most, fa_time *ret_first);
/* A round number of which three to seven fit between low and high. */
double fa_plot_step(struct fa_plot_scale scale);
/* "22 Nov", or "22 Nov 08:15" for ticks shorter than a day; buf of 24 bytes. */
const char *fa_plot_time(fa_time at, fa_time tick, char buf[24]);

#endif
