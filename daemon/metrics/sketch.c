/* SPDX-License-Identifier: MIT */
/* Quantile sketches. A bin holds the values between two powers of gamma = (1 + a) / (1 - a) with
 * a = 0.01; any value of a bin is within 1 % of the bin's representative 2 gamma^i / (gamma + 1).
 *
 * Invariants: bins are sorted by index with positive weight; count is the sum of all weights;
 * merging adds weights and so loses nothing. When a side passes FA_SKETCH_BINS its two bins of
 * smallest magnitude become one: only quantiles near zero lose accuracy, and only when the values
 * span more than about four decades.
 *
 * Magnitudes below 1e-9 count as zero: no index grows without bound. */
#include "metrics/sketch.h"
#include "base/panic.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define GAMMA     (1.01 / 0.99)
#define LOG_GAMMA 0.020000666706669435 /* ln(GAMMA) */
#define TOO_SMALL 1e-9

static int32_t bin_of(double magnitude)
{
    return (int32_t)ceil(log(magnitude) / LOG_GAMMA);
}

static double value_of(int32_t index)
{
    return 2 * exp((double)index * LOG_GAMMA) / (GAMMA + 1);
}

void fa_sketch_done(struct fa_sketch *sketch)
{
    free(sketch->positive.bins);
    free(sketch->negative.bins);
    memset(sketch, 0, sizeof *sketch);
}

void fa_sketch_clear(struct fa_sketch *sketch)
{
    sketch->positive.count = sketch->negative.count = 0;
    sketch->zero = sketch->count = sketch->sum = sketch->min = sketch->max = 0;
}

static void side_add(struct fa_sketch_side *side, int32_t index, double weight)
{
    uint32_t low = 0, high = side->count;
    while (low < high) {
        uint32_t mid = (low + high) / 2;
        if (side->bins[mid].index < index) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    if (low < side->count && side->bins[low].index == index) {
        side->bins[low].weight += weight;
        return;
    }
    if (side->count == FA_SKETCH_BINS) {
        if (low <= 1) {
            side->bins[0].index = low == 0 ? side->bins[0].index : index;
            side->bins[0].weight += weight;
            return;
        }
        side->bins[1].weight += side->bins[0].weight;
        memmove(side->bins, side->bins + 1, (side->count - 1) * sizeof side->bins[0]);
        side->count--;
        low--;
    }
    size_t cap = side->cap;
    side->bins = fa_xgrow(side->bins, side->count, &cap, sizeof side->bins[0]);
    side->cap = (uint32_t)cap;
    memmove(side->bins + low + 1, side->bins + low, (side->count - low) * sizeof side->bins[0]);
    side->bins[low] = (struct fa_sketch_bin){index, weight};
    side->count++;
}

static void add_exact(struct fa_sketch *sketch, double count, double sum, double min, double max)
{
    sketch->min = sketch->count > 0 ? fmin(sketch->min, min) : min;
    sketch->max = sketch->count > 0 ? fmax(sketch->max, max) : max;
    sketch->count += count;
    sketch->sum += sum;
}

void fa_sketch_add(struct fa_sketch *sketch, double value, double weight)
{
    add_exact(sketch, weight, value * weight, value, value);
    if (fabs(value) < TOO_SMALL) {
        sketch->zero += weight;
    } else {
        side_add(value > 0 ? &sketch->positive : &sketch->negative, bin_of(fabs(value)), weight);
    }
}

void fa_sketch_merge(struct fa_sketch *into, const struct fa_sketch *from)
{
    if (from->count <= 0) {
        return;
    }
    add_exact(into, from->count, from->sum, from->min, from->max);
    into->zero += from->zero;
    for (uint32_t i = 0; i < from->positive.count; i++) {
        side_add(&into->positive, from->positive.bins[i].index, from->positive.bins[i].weight);
    }
    for (uint32_t i = 0; i < from->negative.count; i++) {
        side_add(&into->negative, from->negative.bins[i].index, from->negative.bins[i].weight);
    }
}

static double value_at(const struct fa_sketch *sketch, double rank)
{
    double seen = 0;
    for (uint32_t i = sketch->negative.count; i-- > 0;) {
        seen += sketch->negative.bins[i].weight;
        if (seen >= rank) {
            return -value_of(sketch->negative.bins[i].index);
        }
    }
    seen += sketch->zero;
    if (sketch->zero > 0 && seen >= rank) {
        return 0;
    }
    for (uint32_t i = 0; i < sketch->positive.count; i++) {
        seen += sketch->positive.bins[i].weight;
        if (seen >= rank) {
            return value_of(sketch->positive.bins[i].index);
        }
    }
    return sketch->max;
}

double fa_sketch_quantile(const struct fa_sketch *sketch, double q)
{
    if (sketch->count <= 0) {
        return NAN;
    }
    if (q <= 0) {
        return sketch->min;
    }
    if (q >= 1) {
        return sketch->max;
    }
    /* Weights of 1 / rate do not add up exactly; without the slack a rank that is a whole number
     * could fall into the next bin. */
    double rank = q * sketch->count * (1 - 1e-12);
    return fmax(sketch->min, fmin(sketch->max, value_at(sketch, rank)));
}

static void save_side(const struct fa_sketch_side *side, struct fa_buf *buf)
{
    fa_buf_put(buf, &side->count, sizeof side->count);
    for (uint32_t i = 0; i < side->count; i++) {
        fa_buf_put(buf, &side->bins[i].index, sizeof side->bins[i].index);
        fa_buf_put(buf, &side->bins[i].weight, sizeof side->bins[i].weight);
    }
}

void fa_sketch_save(const struct fa_sketch *sketch, struct fa_buf *buf)
{
    const double numbers[] = {sketch->zero, sketch->count, sketch->sum, sketch->min, sketch->max};
    fa_buf_put(buf, numbers, sizeof numbers);
    save_side(&sketch->positive, buf);
    save_side(&sketch->negative, buf);
}

/* False: there is not so much left. */
static bool take(struct fa_str *bytes, void *to, size_t len)
{
    if (bytes->len < len) {
        return false;
    }
    memcpy(to, bytes->ptr, len);
    *bytes = (struct fa_str){bytes->ptr + len, bytes->len - len};
    return true;
}

static bool load_side(struct fa_str *bytes, struct fa_sketch_side *side)
{
    uint32_t count = 0;
    if (!take(bytes, &count, sizeof count) || count > FA_SKETCH_BINS) {
        return false;
    }
    side->bins = fa_xcalloc(count + 1, sizeof side->bins[0]);
    side->cap = count + 1;
    for (uint32_t i = 0; i < count; i++) {
        struct fa_sketch_bin bin = {0};
        if (!take(bytes, &bin.index, sizeof bin.index) ||
            !take(bytes, &bin.weight, sizeof bin.weight) || !(bin.weight > 0) ||
            (i > 0 && bin.index <= side->bins[i - 1].index)) {
            return false;
        }
        side->bins[side->count++] = bin;
    }
    return true;
}

int fa_sketch_load(struct fa_str bytes, struct fa_sketch *sketch)
{
    double numbers[5];
    bool sound = take(&bytes, numbers, sizeof numbers) && load_side(&bytes, &sketch->positive) &&
                 load_side(&bytes, &sketch->negative) && bytes.len == 0;
    if (!sound) {
        fa_sketch_done(sketch);
        return FA_EPARSE;
    }
    sketch->zero = numbers[0];
    sketch->count = numbers[1];
    sketch->sum = numbers[2];
    sketch->min = numbers[3];
    sketch->max = numbers[4];
    return 0;
}
