/* SPDX-License-Identifier: MIT */
/* A window: the recent samples of one series, folded into slots of a fixed width. A slot exists
 * only where samples came. It is inside a window of length `over` while its newest sample is
 * (left-open: time > now - over), so at one sample a slot the window is exact, and above that a
 * sample leaves at most one slot's width late. */
#ifndef FA_METRICS_WINDOW_H
#define FA_METRICS_WINDOW_H

#include "base/time.h"
#include "metrics/sketch.h"

#include <stdbool.h>

/* max(1 s, over / 1000); with a sketch at least 10 s. */
fa_time fa_window_width(fa_time over, bool sketch);

struct fa_slot {
    fa_time id;                /* time / width */
    fa_time first_at, last_at; /* times of the oldest and newest sample */
    double first, last;        /* their values */
    double count;              /* sum of weights */
    double sum, min, max;      /* weighted sum; extremes */
    double increase;           /* inside the slot, resets corrected */
    uint64_t samples;          /* really received */
    struct fa_sketch *sketch;  /* owned; NULL without */
};

/* How a sample changes a slot. */
enum fa_fold {
    FA_FOLD_VALUE, /* gauges and cumulative totals: increase is what lies between samples */
    FA_FOLD_DELTA, /* the sample brings its own increase */
    FA_FOLD_SET,   /* the sample replaces the one of the same period (see period) */
};

struct fa_sample {
    fa_time time;
    double value, weight;
    double increase; /* FA_FOLD_DELTA */
    fa_time period;  /* FA_FOLD_SET: number of the 10 s period */
};

struct fa_window {
    fa_time width, span; /* span: the longest `over` that somebody reads */
    bool sketch;
    fa_time since;         /* time of the first sample ever taken; FA_NEVER: none yet */
    struct fa_slot *slots; /* ring of cap (a power of two), oldest first from head */
    size_t head, count, cap;
    struct fa_slot base;   /* FA_FOLD_SET: the newest slot without the current period */
    fa_time base_period;
};

void fa_window_init(struct fa_window *window, fa_time width, fa_time span, bool sketch);
void fa_window_done(struct fa_window *window);
/* False: older than the span, dropped. */
bool fa_window_add(struct fa_window *window, enum fa_fold fold, const struct fa_sample *sample,
                   fa_time now);
/* Folds another window's slots in; for a wider window that starts with what is known. */
void fa_window_seed(struct fa_window *window, const struct fa_window *from);
void fa_window_expire(struct fa_window *window, fa_time now);

/* The samples of one series, or of a population, in (now - over, now]. */
struct fa_summary {
    uint64_t samples; /* 0: all else is meaningless */
    double count, sum, min, max, increase;
    double last;
    fa_time last_at;
    fa_time next_at; /* when the oldest slot leaves; FA_NEVER */
    bool has_increase; /* at least two samples, or deltas */
};

/* With a sketch not NULL, the slots' sketches are merged into it. */
void fa_window_read(const struct fa_window *window, enum fa_fold fold, fa_time now, fa_time over,
                    struct fa_summary *ret_summary, struct fa_sketch *sketch);

#endif
