/* SPDX-License-Identifier: MIT */
/* What is kept of the samples of one piece of time: of a second in a window that is kept raw, of a
 * thousandth of the window in a longer one. Mostly that is a single sample. */
#ifndef FA_METRICS_SLOT_H
#define FA_METRICS_SLOT_H

#include "base/time.h"

#include <stdbool.h>

/* One cache line. Weights other than 1 come with deltas only, so what counts them and what only
 * values need share a place. */
struct fa_slot {
    fa_time last_at;      /* time of the newest sample */
    double last;          /* its value */
    double sum, min, max; /* weighted sum; extremes */
    double increase;      /* inside the slot, resets corrected */
    union {
        double count; /* FA_FOLD_DELTA: sum of weights; else it is `samples` */
        double first; /* FA_FOLD_VALUE: value of the oldest sample */
    } u;
    uint32_t samples;  /* really received; stays at its most; 0: there is no slot */
    uint32_t first_ms; /* time of the oldest sample, from the slot's beginning */
};
_Static_assert(sizeof(struct fa_slot) == 64, "a cache line");

/* Where the increase of a series comes from. */
enum fa_fold {
    FA_FOLD_NONE,  /* it has none */
    FA_FOLD_VALUE, /* what lies between two samples, found at the later one; a fall is a reset */
    FA_FOLD_DELTA, /* each sample brings its own */
};

struct fa_sample {
    fa_time time;
    double value, weight; /* weights other than 1: FA_FOLD_DELTA only */
    double increase;      /* FA_FOLD_DELTA */
    bool corrects;        /* takes the place of a single sample of the same time */
};

static inline double fa_slot_difference(double before, double after)
{
    return after >= before ? after - before : after;
}

/* As fmin and fmax: no number gives way to a number. */
static inline double fa_least(double old, double value)
{
    return value < old || old != old ? value : old;
}
static inline double fa_most(double old, double value)
{
    return value > old || old != old ? value : old;
}

/* Sum of weights. */
static inline double fa_slot_count(const struct fa_slot *slot, enum fa_fold fold)
{
    return fold == FA_FOLD_DELTA ? slot->u.count : slot->samples;
}

/* Which piece of time it is. */
static inline fa_time fa_slot_id(fa_time time, fa_time width)
{
    fa_time id = time / width;
    return time % width < 0 ? id - 1 : id;
}

/* A time that slots can have: until the year 2109. */
static inline bool fa_slot_is_time(fa_time time)
{
    return time < (fa_time)1 << 42 && time > -((fa_time)1 << 42);
}
/* Can samples have made it? */
bool fa_slot_is_sound(const struct fa_slot *slot, fa_time width);
/* The slot of one sample. */
struct fa_slot fa_slot_of(const struct fa_sample *sample, enum fa_fold fold, fa_time width);
/* Adds a sample that lies in the slot, wherever. A late one between the first and the last cannot
 * say what it adds to an increase and is taken to lie on the way. */
void fa_slot_fold(struct fa_slot *slot, const struct fa_sample *sample, enum fa_fold fold,
                  fa_time width);
/* Appends what another slot of the same or a later time has; widths: of either. */
void fa_slot_append(struct fa_slot *slot, const struct fa_slot *later, enum fa_fold fold);

#endif
