/* SPDX-License-Identifier: MIT */
/* Samples of one piece of time, folded together. Sums only grow: nothing is ever taken out, so what
 * is no number leaves no trace once its slot is gone. */
#include "metrics/slot.h"

static uint32_t clip(uint64_t samples)
{
    return samples < UINT32_MAX ? (uint32_t)samples : UINT32_MAX;
}

struct fa_slot fa_slot_of(const struct fa_sample *sample, enum fa_fold fold, fa_time width)
{
    struct fa_slot slot = {.last_at = sample->time,
                           .last = sample->value,
                           .sum = sample->value * sample->weight,
                           .min = sample->value,
                           .max = sample->value,
                           .samples = 1};
    slot.first_ms = (uint32_t)(sample->time - fa_slot_id(sample->time, width) * width);
    if (fold == FA_FOLD_DELTA) {
        slot.increase = sample->increase;
        slot.u.count = sample->weight;
    } else {
        slot.u.first = sample->value;
    }
    return slot;
}

static double increase_of(const struct fa_slot *slot, const struct fa_sample *sample,
                          fa_time first_at)
{
    if (sample->time >= slot->last_at) {
        return fa_slot_difference(slot->last, sample->value);
    }
    return sample->time < first_at ? fa_slot_difference(sample->value, slot->u.first) : 0;
}

void fa_slot_fold(struct fa_slot *slot, const struct fa_sample *sample, enum fa_fold fold,
                  fa_time width)
{
    fa_time begins = fa_slot_id(slot->last_at, width) * width;
    if (sample->corrects && slot->samples == 1 && sample->time == slot->last_at) {
        *slot = fa_slot_of(sample, fold, width);
        return;
    }
    if (fold == FA_FOLD_DELTA) {
        slot->increase += sample->increase;
        slot->u.count += sample->weight;
    } else if (fold == FA_FOLD_VALUE) {
        slot->increase += increase_of(slot, sample, begins + slot->first_ms);
    }
    if (sample->time < begins + slot->first_ms) {
        slot->first_ms = (uint32_t)(sample->time - begins);
        if (fold != FA_FOLD_DELTA) {
            slot->u.first = sample->value;
        }
    }
    if (sample->time >= slot->last_at) {
        slot->last_at = sample->time;
        slot->last = sample->value;
    }
    slot->min = fa_least(slot->min, sample->value);
    slot->max = fa_most(slot->max, sample->value);
    slot->sum += sample->value * sample->weight;
    slot->samples = clip((uint64_t)slot->samples + 1);
}

void fa_slot_append(struct fa_slot *slot, const struct fa_slot *later, enum fa_fold fold)
{
    slot->increase += later->increase;
    if (fold == FA_FOLD_VALUE) {
        slot->increase += fa_slot_difference(slot->last, later->u.first);
    } else if (fold == FA_FOLD_DELTA) {
        slot->u.count += later->u.count;
    }
    slot->last_at = later->last_at;
    slot->last = later->last;
    slot->min = fa_least(slot->min, later->min);
    slot->max = fa_most(slot->max, later->max);
    slot->sum += later->sum;
    slot->samples = clip((uint64_t)slot->samples + later->samples);
}

bool fa_slot_is_sound(const struct fa_slot *slot, fa_time width)
{
    return slot->samples > 0 && fa_slot_is_time(slot->last_at) &&
           slot->first_ms <= slot->last_at - fa_slot_id(slot->last_at, width) * width;
}
