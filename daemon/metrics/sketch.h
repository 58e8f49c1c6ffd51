/* SPDX-License-Identifier: MIT */
/* Quantiles of many numbers in little memory: logarithmic bins of 1 % relative accuracy (after
 * DDSketch), mergeable without loss, at most FA_SKETCH_BINS bins a sign; past that the bins nearest
 * to zero are folded together, so that the outliers a rule asks about stay exact to 1 %. */
#ifndef FA_METRICS_SKETCH_H
#define FA_METRICS_SKETCH_H

#include "base/buf.h"

#include <stddef.h>
#include <stdint.h>

#define FA_SKETCH_BINS 512

struct fa_sketch_bin {
    int32_t index; /* gamma^(index-1) < |value| <= gamma^index */
    double weight;
};
struct fa_sketch_side {
    struct fa_sketch_bin *bins; /* owned, sorted by index */
    uint32_t count, cap;
};
struct fa_sketch {
    struct fa_sketch_side positive, negative;
    double zero;                 /* weight of values too small for a bin */
    double count, sum, min, max; /* exact; min and max are meaningless while count is 0 */
};

/* All zero bytes is an empty sketch. */
void fa_sketch_done(struct fa_sketch *sketch);
void fa_sketch_clear(struct fa_sketch *sketch);
/* value is finite, weight > 0. */
void fa_sketch_add(struct fa_sketch *sketch, double value, double weight);
void fa_sketch_merge(struct fa_sketch *into, const struct fa_sketch *from);
/* The value at rank q * count, q in 0..1, within min..max; NaN for an empty sketch. */
double fa_sketch_quantile(const struct fa_sketch *sketch, double q);

/* Appends it in the byte order of this machine. */
void fa_sketch_save(const struct fa_sketch *sketch, struct fa_buf *buf);
/* Into an empty one. FA_EPARSE: not what save writes; it is empty then. */
int fa_sketch_load(struct fa_str bytes, struct fa_sketch *sketch) FA_MUST_CHECK;

#endif
