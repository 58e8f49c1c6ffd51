/* SPDX-License-Identifier: MIT */
/* What rate() and its like ask of a raw window, found from what it was the time before: slots that
 * came are added, those that left are taken out, and nothing in between is looked at.
 *
 * An increase is `last - first`, as in Prometheus, and what the slots have more than that: at a
 * reset what was before it, of several samples in a second what lies between them. Most slots have
 * nothing more. What has, is added up in two parts, of the front's chunk and of all behind it.
 *
 * Invariants:
 *  1. Nothing is ever subtracted from a part: when something leaves it, it is added up anew. The
 *     first part is a chunk; the second is read anew once a chunk leaves it, if anything is in it.
 *  2. The front's chunk was never given back and nothing in it changed: else `changes` differs.
 *     An id that came to be another chunk of the same window begins later than the range's first
 *     slot, and one of another window is not in this one's list. */
#include "metrics/keep.h"

/* What the increase up to this slot has more than the difference of the last values. */
static double more_of(enum fa_fold fold, double before, const struct fa_slot *slot)
{
    double direct = slot->last - (fold == FA_FOLD_DELTA ? before : slot->u.first);
    double reset = fold == FA_FOLD_DELTA || slot->u.first >= before ? 0 : before;
    bool is_direct = fold == FA_FOLD_DELTA ? slot->increase == direct
                                           : slot->samples == 1 || slot->increase == direct;
    return is_direct ? reset : reset + (slot->increase - direct);
}

static void add_more(struct fa_follow *follow, uint32_t chunk, double more)
{
    if (more == 0) {
        return;
    }
    if (chunk == follow->front.chunk) {
        follow->front_more += more;
    } else {
        follow->back_more += more;
        follow->back_any = true;
    }
}

static struct fa_pack_place place_of(const struct fa_unpack *unpack, uint32_t chunk)
{
    return (struct fa_pack_place){.chunk = chunk,
                                  .delta = unpack->at.delta,
                                  .bits = unpack->at.bits,
                                  .done = (uint8_t)(unpack->chunk->count - unpack->left)};
}

static struct fa_pack_place beginning_of(uint32_t chunk)
{
    return (struct fa_pack_place){.chunk = chunk};
}

/* at, last: of the slot before the place. */
static void resume(struct fa_unpack *unpack, const struct fa_windows *all,
                   const struct fa_window *window, const struct fa_pack_place *place,
                   struct fa_point before)
{
    struct fa_pack at = {
        .last_at = before.at, .last = before.value, .delta = place->delta, .bits = place->bits};
    fa_unpack_begin(unpack, fa_raw_at(all, place->chunk), fa_raw_size(place->chunk),
                    (enum fa_fold)window->fold);
    if (place->done > 0) {
        fa_unpack_skip(unpack, &at, place->done);
    }
}

/* The slots that came. False: one is of a later time. */
static bool push(const struct fa_windows *all, const struct fa_window *window, fa_time to,
                 struct fa_follow *follow)
{
    enum fa_fold fold = (enum fa_fold)window->fold;
    struct fa_pack_place *back = &follow->back;
    while (back->chunk != window->last_chunk || back->bits != window->size) {
        struct fa_unpack unpack;
        struct fa_slot slot;
        resume(&unpack, all, window, back, (struct fa_point){follow->back_at, follow->back_last});
        while (fa_unpack_next(&unpack, &slot)) {
            if (slot.last_at > to) {
                return false;
            }
            add_more(follow, back->chunk, more_of(fold, follow->back_last, &slot));
            follow->samples += slot.samples;
            follow->points++;
            follow->back_at = slot.last_at;
            follow->back_last = slot.last;
        }
        *back = place_of(&unpack, back->chunk);
        if (back->chunk != window->last_chunk) {
            *back = beginning_of(unpack.chunk->next);
        } else if (unpack.is_damaged || back->bits != window->size) {
            return false;
        }
    }
    return true;
}

static void take_first(struct fa_follow *follow, enum fa_fold fold, const struct fa_slot *slot,
                       struct fa_summary *summary)
{
    follow->first_samples = slot->samples;
    follow->first_increase = slot->increase;
    if (fold == FA_FOLD_VALUE && follow->has_before) {
        follow->first_increase += fa_slot_difference(summary->first, slot->u.first);
    }
    summary->first = slot->last;
    summary->first_at = slot->last_at;
}

static void add_front_anew(struct fa_unpack unpack, enum fa_fold fold, double before,
                           struct fa_follow *follow)
{
    struct fa_slot slot;
    for (follow->front_more = 0; fa_unpack_next(&unpack, &slot); before = slot.last) {
        add_more(follow, follow->front.chunk, more_of(fold, before, &slot));
    }
}

/* The slots that left; all that came are there. False: none is left, or all is to be read anew. */
static bool pop(const struct fa_windows *all, const struct fa_window *window, fa_time from,
                struct fa_follow *follow, struct fa_summary *summary)
{
    enum fa_fold fold = (enum fa_fold)window->fold;
    struct fa_unpack unpack;
    struct fa_slot slot;
    bool has_left = false;
    if (summary->first_at > from) {
        return true;
    }
    resume(&unpack, all, window, &follow->front,
           (struct fa_point){summary->first_at, summary->first});
    while (summary->first_at <= from) {
        if (!fa_unpack_next(&unpack, &slot)) {
            if (unpack.is_damaged || follow->front.chunk == follow->back.chunk ||
                follow->back_any) {
                return false;
            }
            follow->front = beginning_of(unpack.chunk->next);
            follow->front_more = 0;
            has_left = false;
            resume(&unpack, all, window, &follow->front, (struct fa_point){0, 0});
            continue;
        }
        has_left = has_left || more_of(fold, summary->first, &slot) != 0;
        follow->samples -= follow->first_samples;
        follow->points--;
        follow->has_before = true;
        take_first(follow, fold, &slot, summary);
    }
    follow->front = place_of(&unpack, follow->front.chunk);
    if (has_left) {
        add_front_anew(unpack, fold, summary->first, follow);
    }
    return true;
}

/* Reads all of the range. False: no slot of it is packed, or one is of a later time. */
static bool begin(const struct fa_windows *all, const struct fa_window *window,
                  struct fa_range range, struct fa_follow *follow, struct fa_summary *summary)
{
    enum fa_fold fold = (enum fa_fold)window->fold;
    struct fa_slots slots;
    struct fa_slot slot;
    *follow = (struct fa_follow){.version = follow->version, .changes = window->changes};
    *summary = (struct fa_summary){0};
    fa_slots_begin(&slots, all, window, range.from);
    slots.is_open = true; /* it is none of those */
    for (; fa_slots_next(&slots, &slot); follow->back_last = slot.last) {
        if (slot.last_at > range.to) {
            return false;
        }
        if (slot.last_at <= range.from) {
            follow->has_before = true;
            summary->first = slot.last;
            continue;
        }
        if (follow->points == 0) {
            take_first(follow, fold, &slot, summary);
            follow->front = place_of(&slots.unpack, slots.own);
            slots.whole = range.to;
        } else {
            add_more(follow, slots.own, more_of(fold, follow->back_last, &slot));
        }
        follow->samples += slot.samples;
        follow->points += (uint32_t)slots.points;
        follow->back_at = slot.last_at;
    }
    if (follow->points > 0) {
        follow->back = place_of(&slots.unpack, slots.own);
    }
    return follow->points > 0 && !slots.unpack.is_damaged;
}

/* Is the front where it was? */
static bool is_there(const struct fa_windows *all, const struct fa_window *window,
                     struct fa_follow *follow, fa_time first_at)
{
    if (((follow->changes ^ window->changes) & (FA_CHANGE_INSIDE * 15u)) != 0) {
        return false;
    }
    if (follow->changes == window->changes) {
        return true;
    }
    uint32_t id = window->u.raw.first;
    while (id != follow->front.chunk && id != window->last_chunk) {
        id = fa_raw_at(all, id)->next;
    }
    follow->changes = window->changes;
    return id == follow->front.chunk && fa_packed_begins(fa_raw_at(all, id)) <= first_at;
}

void fa_window_follow(const struct fa_windows *all, const struct fa_window *window,
                      struct fa_range range, struct fa_follow *follow, struct fa_summary *summary)
{
    bool follows = follow->is_valid && is_there(all, window, follow, summary->first_at) &&
                   push(all, window, range.to, follow) &&
                   pop(all, window, range.from, follow, summary);
    bool has_open = window->open_end != INT64_MIN;
    follow->is_valid = (follows || begin(all, window, range, follow, summary)) &&
                       !(has_open && window->open->last_at > range.to);
    if (!follow->is_valid) {
        *summary = fa_window_read(all, window, range.from, range.to, NULL);
        return;
    }
    summary->samples = follow->samples;
    summary->points = follow->points;
    summary->last = follow->back_last;
    summary->last_at = follow->back_at;
    summary->between = follow->front_more + follow->back_more;
    if (has_open) {
        const struct fa_slot *open = window->open;
        summary->between += more_of((enum fa_fold)window->fold, summary->last, open);
        summary->samples += open->samples;
        summary->points++;
        summary->last = open->last;
        summary->last_at = open->last_at;
    }
    summary->between += summary->last - summary->first;
    summary->increase = follow->first_increase + summary->between;
    summary->next_at = summary->first_at + (range.to - range.from);
    summary->has_increase =
        window->fold == FA_FOLD_DELTA || follow->has_before || summary->samples > 1;
}
