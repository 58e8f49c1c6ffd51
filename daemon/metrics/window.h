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

/* Where the increase of a series comes from. */
enum fa_fold {
    FA_FOLD_NONE,  /* it has none */
    FA_FOLD_VALUE, /* what lies between two samples, found at the later one; a fall is a reset */
    FA_FOLD_DELTA, /* each sample brings its own */
};

struct fa_sample {
    fa_time time;
    double value, weight;
    double increase; /* FA_FOLD_DELTA */
};

struct fa_window {
    fa_time width, span; /* span: the longest `over` that somebody reads */
    enum fa_fold fold;
    bool sketch;
    fa_time since;         /* the samples from then on are known; FA_NEVER: none yet */
    struct fa_slot *slots; /* ring of cap (a power of two), oldest first from head */
    size_t head, count, cap;
};

/* width: as fa_window_width gives it for span. */
void fa_window_init(struct fa_window *window, enum fa_fold fold, fa_time span, bool sketch);
void fa_window_done(struct fa_window *window);
/* Takes a longer span from now on. What has left the shorter one stays unknown. */
void fa_window_extend(struct fa_window *window, fa_time span);
/* An empty window takes over what another of the same series knows. */
void fa_window_seed(struct fa_window *window, const struct fa_window *from);
/* False: older than the span, dropped. A late sample goes into its own slot. */
bool fa_window_add(struct fa_window *window, const struct fa_sample *sample, fa_time now);

/* The samples of one series in a window. */
struct fa_summary {
    uint64_t samples; /* 0: all else is meaningless */
    double count, sum, min, max, increase;
    double last;
    fa_time last_at;
    fa_time next_at;   /* when the oldest slot leaves; FA_NEVER */
    bool has_increase; /* at least one pair of samples, or a delta */
};

/* With a sketch not NULL, the slots' sketches are merged into it. */
void fa_window_read(const struct fa_window *window, fa_time now, fa_time over,
                    struct fa_summary *ret_summary, struct fa_sketch *sketch);
/* Adds one more sample to what was read. */
void fa_summary_add(struct fa_summary *summary, const struct fa_sample *sample);

#endif
