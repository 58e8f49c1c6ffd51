/* SPDX-License-Identifier: MIT */
/* A window: the recent samples of one series, folded into slots of a fixed width. A slot exists
 * only where samples came. It is inside a window of length `over` while its newest sample is
 * (left-open: time > now - over), so at one sample a slot the window is exact, and above that a
 * sample leaves at most one slot's width late. */
#ifndef FA_METRICS_WINDOW_H
#define FA_METRICS_WINDOW_H

#include "base/time.h"
#include "metrics/points.h"
#include "metrics/sketch.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* max(1 s, over / 1000); with a sketch at least 10 s. */
fa_time fa_window_width(fa_time over, bool sketch);

/* One cache line, and the ring's begin on one. Weights other than 1 come with deltas only, so what
 * counts them and what only values need share a place. */
struct fa_slot {
    fa_time last_at;      /* time of the newest sample */
    double last;          /* its value */
    double sum, min, max; /* weighted sum; extremes */
    double increase;      /* inside the slot, resets corrected */
    union {
        double count; /* FA_FOLD_DELTA: sum of weights; else it is `samples` */
        double first; /* FA_FOLD_VALUE: value of the oldest sample */
    } u;
    uint32_t samples;  /* really received; stays at its most */
    uint32_t first_ms; /* time of the oldest sample, from the slot's beginning */
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
    fa_time open_end;       /* the newest slot takes samples before it; 0: there is none */
    struct fa_window *next; /* of the series; the owner's */
    fa_time span;           /* the longest `over` that somebody reads */
    uint8_t fold;
    bool sketch;
    uint16_t head, count, cap; /* count: slots, the newest included */
    struct fa_slot *slots;     /* ring of all but the newest, oldest first from head; cap: a power
                                  of two. With sketches, its pointers to them follow it, and the
                                  newest slot's after those */
    fa_time since;             /* the samples from then on are known; FA_NEVER: none yet */
    uint32_t width;
    uint32_t place; /* the owner's */
    _Alignas(64) struct fa_slot
        open; /* the newest: here, so that a sample touches two lines side by side */
};
_Static_assert(sizeof(struct fa_slot) == 64 && offsetof(struct fa_window, open) == 64,
               "cache lines");

/* width: as fa_window_width gives it for span. weights other than 1: FA_FOLD_DELTA only. */
void fa_window_init(struct fa_window *window, enum fa_fold fold, fa_time span, bool sketch);
void fa_window_done(struct fa_window *window);
/* Takes a longer span from now on. What has left the shorter one stays unknown. */
void fa_window_extend(struct fa_window *window, fa_time span);
/* An empty window takes over what another of the same series knows. */
void fa_window_seed(struct fa_window *window, const struct fa_window *from);
/* False: older than the span, dropped. A late sample goes into its own slot. */
bool fa_window_take(struct fa_window *window, const struct fa_sample *sample, fa_time now);

static inline double fa_window_difference(double before, double after)
{
    return after >= before ? after - before : after;
}

/* The same, and fast for what nearly all samples are: not before the newest in the newest slot. */
static inline bool fa_window_add(struct fa_window *window, const struct fa_sample *sample,
                                 fa_time now)
{
    struct fa_slot *slot = &window->open;
    if (sample->time >= window->open_end || sample->time < slot->last_at || window->sketch ||
        sample->time <= now - window->span) {
        return fa_window_take(window, sample, now);
    }
    if (window->fold == FA_FOLD_DELTA) {
        slot->increase += sample->increase;
        slot->u.count += sample->weight;
    } else if (window->fold == FA_FOLD_VALUE) {
        slot->increase += fa_window_difference(slot->last, sample->value);
    }
    slot->last_at = sample->time;
    slot->last = sample->value;
    slot->sum += sample->value * sample->weight;
    slot->min = sample->value < slot->min ? sample->value : slot->min;
    slot->max = sample->value > slot->max ? sample->value : slot->max;
    slot->samples += slot->samples < UINT32_MAX;
    return true;
}

/* The samples of one series in a window. */
struct fa_summary {
    uint64_t samples; /* 0: all else is meaningless */
    double count, sum, min, max, increase;
    double first, last; /* the points fa_window_points gives first and last */
    fa_time first_at, last_at;
    double between;    /* the increase from `first` to `last`, resets corrected */
    fa_time next_at;   /* when the oldest slot leaves; FA_NEVER */
    bool has_increase; /* at least one pair of samples, or a delta */
};

/* With a sketch not NULL, the slots' sketches are merged into it. */
void fa_window_read(const struct fa_window *window, fa_time now, fa_time over,
                    struct fa_summary *ret_summary, struct fa_sketch *sketch);
/* As fa_link_points; the newest sample of each slot is a point. */
size_t fa_window_points(const struct fa_window *window, fa_time from, fa_time to,
                        struct fa_point *ret, size_t max);
/* Adds one more sample to what was read. */
void fa_summary_add(struct fa_summary *summary, const struct fa_sample *sample);

#endif
