/* SPDX-License-Identifier: MIT */
/* The bits of a chunk, from the first byte on and each number with its lowest bit first:
 *
 *   style       scale 4, time_bits 4, value_bits 6, is_full 1, unused 1
 *   begins      44, signed: the time before the first slot's, so that its own difference is 0
 *   each slot   its time: the change of the difference to the one before, as a number of time_bits;
 *               of 0 bits: 6 bits of a length and as many bits of the second slot's, and nothing of
 *               the others', as none changes
 *               its last value, as a value
 *               is_full: 0 for a plain sample, or 1 and the rest of it
 *
 *   number      so many bits; when all of them are 1: 6 bits of a length, and as many bits
 *   value       the difference to the one before, in units of the scale, as a number of value_bits;
 *               of length 63: the 64 bits of a double, and the next one is measured from 0
 *               scale FA_SCALE_NONE: 0 for the same bits as before; else 1, 6 bits for how many low
 *               bits are the same, 6 for how many follow less one, and those
 *   flag        0 for what is expected; else 1 and 64 bits
 *
 * A value is a decimal when it is the double nearest to one: division says so, and gives it back.
 * Reading never looks behind the chunk, whatever is in it. */
#include "metrics/pack.h"

#include <math.h>
#include <string.h>

#define BITS_BEFORE  40u /* next and count */
#define STYLE_BITS   16u
#define BEGINS_BITS  44u
#define LENGTH_BITS  6u
#define LENGTH_RAW   63u
#define TIME_MAX     15u
#define VALUE_MAX    40u
#define DECIMALS_MAX 4503599627370496.0 /* 2^52 */

static const double POWERS[FA_SCALE_MAX + 1] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};

static size_t limit_of(size_t size)
{
    return 8 * (size == FA_CHUNK_LARGE ? size - sizeof(struct fa_slot) : size);
}

static uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static double double_of(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint64_t zigzag(int64_t value)
{
    return (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0);
}

static int64_t unzigzag(uint64_t value)
{
    return (int64_t)(value >> 1 ^ (0 - (value & 1)));
}

static unsigned length_of(uint64_t value)
{
    return value == 0 ? 0 : 64 - (unsigned)__builtin_clzll(value);
}

/* False: it is no decimal of that scale. */
static bool to_scale(double value, unsigned scale, int64_t *ret_scaled)
{
    double wide = value * POWERS[scale];
    if (!(fabs(wide) < DECIMALS_MAX)) {
        return false;
    }
    *ret_scaled = (int64_t)(wide < 0 ? wide - 0.5 : wide + 0.5);
    return bits_of((double)*ret_scaled / POWERS[scale]) == bits_of(value);
}

static bool is_plain(const struct fa_slot *slot, enum fa_fold fold, bool has_before, double before)
{
    return slot->samples == 1 &&
           (fold != FA_FOLD_DELTA || (has_before && bits_of(slot->u.count) == bits_of(1) &&
                                      bits_of(slot->increase) == bits_of(slot->last - before)));
}

struct fa_pack_style fa_pack_style_for(struct fa_pack_style found, const struct fa_slot *slot,
                                       enum fa_fold fold)
{
    int64_t scaled;
    unsigned scale = found.scale == FA_SCALE_NONE ? 0 : found.scale;
    while (scale <= FA_SCALE_MAX && !to_scale(slot->last, scale, &scaled)) {
        scale++;
    }
    found.scale = scale <= FA_SCALE_MAX ? (uint8_t)scale : found.scale;
    found.is_full = found.is_full || !is_plain(slot, fold, false, 0);
    return found;
}

/* The number of bits that takes least for what was found. */
static uint8_t best_bits(const uint16_t *lengths, unsigned max)
{
    unsigned best = 1, most = FA_PACK_LENGTHS - 1, under = 0, over = 0, over_bits = 0;
    size_t best_cost = SIZE_MAX;
    for (unsigned i = 0; i < FA_PACK_LENGTHS; i++) {
        under += lengths[i];
    }
    while (most > 1 && lengths[most] == 0) {
        most--;
    }
    for (unsigned bits = most; bits >= 1; bits--) {
        size_t cost = (size_t)bits * (under + over) + (size_t)over * LENGTH_BITS + over_bits;
        if (bits <= max && cost <= best_cost) {
            best = bits;
            best_cost = cost;
        }
        under -= lengths[bits];
        over += lengths[bits];
        over_bits += lengths[bits] * bits;
    }
    return (uint8_t)best;
}

struct fa_pack_style fa_pack_style_after(struct fa_pack_style style,
                                         const struct fa_pack_found *found)
{
    if (2 * found->raw > found->count) {
        style.scale = FA_SCALE_NONE;
    } else if (style.scale != FA_SCALE_NONE && style.scale > 0 && !found->is_fine) {
        style.scale--;
    }
    bool is_even = found->count > 3 && found->times[0] + 2u >= found->count;
    style.time_bits = is_even ? 0 : best_bits(found->times, TIME_MAX);
    style.value_bits = best_bits(found->values, VALUE_MAX);
    style.is_full = found->is_full;
    return style;
}

struct writer {
    struct fa_packed *chunk;
    size_t bit, limit;
    bool is_over;
};

/* bits: at most 32. The eight bytes around stay inside the chunk. */
static inline void put(struct writer *writer, uint64_t value, unsigned bits)
{
    if (writer->bit + bits > writer->limit) {
        writer->is_over = true;
        return;
    }
    size_t byte = writer->bit / 8, last = writer->limit / 8 - sizeof(uint64_t);
    byte = byte < last ? byte : last;
    uint64_t word;
    memcpy(&word, (char *)writer->chunk + byte, sizeof word);
    word |= value << (writer->bit - 8 * byte);
    memcpy((char *)writer->chunk + byte, &word, sizeof word);
    writer->bit += bits;
}

static void put_long(struct writer *writer, uint64_t value, unsigned bits)
{
    unsigned low = bits < 32 ? bits : 32;
    put(writer, value & ((UINT64_C(1) << low) - 1), low);
    if (bits > low) {
        put(writer, value >> 32, bits - low);
    }
}

static void put_number(struct writer *writer, uint64_t value, unsigned bits)
{
    uint64_t escape = (UINT64_C(1) << bits) - 1;
    if (value < escape) {
        put_long(writer, value, bits);
        return;
    }
    put_long(writer, escape, bits);
    put(writer, length_of(value), LENGTH_BITS);
    put_long(writer, value, length_of(value));
}

static void put_change(struct writer *writer, uint64_t change, unsigned bits)
{
    if (bits > 0) {
        put_number(writer, change, bits);
    } else if (writer->chunk->count == 1) {
        put(writer, length_of(change), LENGTH_BITS);
        put_long(writer, change, length_of(change));
    }
}

static void put_xor(struct writer *writer, uint64_t differs)
{
    if (differs == 0) {
        put(writer, 0, 1);
        return;
    }
    unsigned low = (unsigned)__builtin_ctzll(differs), bits = length_of(differs) - low;
    put(writer, 1 | low << 1 | (bits - 1) << (1 + LENGTH_BITS), 1 + 2 * LENGTH_BITS);
    put_long(writer, differs >> low, bits);
}

/* before, before_scaled: what it is measured from. Returns what the next one is. */
static int64_t put_value(struct writer *writer, struct fa_pack_style style, double value,
                         double before, int64_t before_scaled)
{
    int64_t scaled = 0;
    if (style.scale == FA_SCALE_NONE) {
        put_xor(writer, bits_of(value) ^ bits_of(before));
    } else if (to_scale(value, style.scale, &scaled)) {
        put_number(writer, zigzag(scaled - before_scaled), style.value_bits);
    } else {
        put_long(writer, (UINT64_C(1) << style.value_bits) - 1, style.value_bits);
        put(writer, LENGTH_RAW, LENGTH_BITS);
        put_long(writer, bits_of(value), 64);
        scaled = 0;
    }
    return scaled;
}

static void put_flag(struct writer *writer, double value, double expected)
{
    put(writer, bits_of(value) != bits_of(expected), 1);
    if (bits_of(value) != bits_of(expected)) {
        put_long(writer, bits_of(value), 64);
    }
}

static double expected_increase(const struct fa_slot *slot, enum fa_fold fold)
{
    return fold == FA_FOLD_DELTA ? slot->u.count : slot->last - slot->u.first;
}

static void put_rest(struct writer *writer, struct fa_pack_style style, enum fa_fold fold,
                     const struct fa_slot *slot, int64_t scaled)
{
    put_number(writer, slot->samples - 1, 1);
    if (fold == FA_FOLD_DELTA) {
        put_flag(writer, slot->u.count, slot->samples);
    }
    if (slot->samples > 1) {
        put_value(writer, style, slot->min, slot->last, scaled);
        put_value(writer, style, slot->max, slot->last, scaled);
        put_long(writer, bits_of(slot->sum), 64);
        put(writer, slot->first_ms, 10);
        if (fold != FA_FOLD_DELTA) {
            put_value(writer, style, slot->u.first, slot->last, scaled);
        }
    }
    if (slot->samples > 1 || fold == FA_FOLD_DELTA) {
        put_flag(writer, slot->increase, expected_increase(slot, fold));
    }
}

void fa_pack_begin(struct fa_packed *chunk, size_t size, struct fa_pack_style style,
                   struct fa_pack *ret_pack)
{
    uint32_t next = chunk->next;
    memset(chunk, 0, size);
    chunk->next = next;
    struct writer writer = {.chunk = chunk, .bit = BITS_BEFORE, .limit = limit_of(size)};
    put(&writer,
        style.scale | (uint64_t)style.time_bits << 4 | (uint64_t)style.value_bits << 8 |
            (uint64_t)style.is_full << 14,
        STYLE_BITS);
    *ret_pack = (struct fa_pack){.bits = (uint16_t)writer.bit};
}

static struct fa_pack_style style_of(const struct fa_packed *chunk)
{
    unsigned bits = (unsigned)chunk->bytes[0] | (unsigned)chunk->bytes[1] << 8;
    return (struct fa_pack_style){.scale = bits & 15,
                                  .time_bits = bits >> 4 & 15,
                                  .value_bits = bits >> 8 & 63,
                                  .is_full = (bits >> 14 & 1) != 0};
}

/* Could another scale hold the value? */
static bool has_scale(double value, unsigned from)
{
    int64_t scaled;
    while (from <= FA_SCALE_MAX && !to_scale(value, from, &scaled)) {
        from++;
    }
    return from <= FA_SCALE_MAX;
}

static bool suits(const struct fa_packed *chunk, struct fa_pack_style style,
                  const struct fa_pack *pack, enum fa_fold fold, const struct fa_slot *slot)
{
    int64_t scaled;
    if (chunk->count == FA_CHUNK_SLOTS || (style.time_bits == 0 && chunk->count > 1 &&
                                           slot->last_at - pack->last_at != (fa_time)pack->delta)) {
        return false;
    }
    if (!style.is_full && !is_plain(slot, fold, chunk->count > 0, pack->last)) {
        return false;
    }
    return style.scale == FA_SCALE_NONE || to_scale(slot->last, style.scale, &scaled) ||
           !has_scale(slot->last, style.scale + 1u);
}

static uint32_t clip_delta(fa_time delta)
{
    return delta < 0 ? 0 : delta > UINT32_MAX ? UINT32_MAX : (uint32_t)delta;
}

bool fa_pack_append(struct fa_packed *chunk, size_t size, struct fa_pack *pack, enum fa_fold fold,
                    const struct fa_slot *slot)
{
    struct writer writer = {.chunk = chunk, .bit = pack->bits, .limit = limit_of(size)};
    struct fa_pack_style style = style_of(chunk);
    if (!suits(chunk, style, pack, fold, slot)) {
        return false;
    }
    bool is_first = chunk->count == 0;
    int64_t scaled = 0;
    fa_time delta = slot->last_at - pack->last_at;
    if (is_first) {
        put_long(&writer, (uint64_t)slot->last_at & ((UINT64_C(1) << BEGINS_BITS) - 1),
                 BEGINS_BITS);
        delta = 0;
    } else {
        put_change(&writer, zigzag(delta - (fa_time)pack->delta), style.time_bits);
        if (style.scale != FA_SCALE_NONE && !to_scale(pack->last, style.scale, &scaled)) {
            scaled = 0;
        }
    }
    scaled = put_value(&writer, style, slot->last, is_first ? 0 : pack->last, scaled);
    if (style.is_full) {
        bool plain = is_plain(slot, fold, !is_first, pack->last);
        put(&writer, !plain, 1);
        if (!plain) {
            put_rest(&writer, style, fold, slot, scaled);
        }
    }
    if (writer.is_over) {
        return false;
    }
    chunk->count++;
    *pack = (struct fa_pack){.last_at = slot->last_at,
                             .last = slot->last,
                             .delta = clip_delta(delta),
                             .bits = (uint16_t)writer.bit};
    return true;
}

/* bits: 1 to 32. */
static inline uint64_t get(struct fa_unpack *unpack, unsigned bits)
{
    if (unpack->bit + bits > unpack->limit) {
        unpack->is_damaged = true;
        return 0;
    }
    size_t byte = unpack->bit / 8, last = unpack->limit / 8 - sizeof(uint64_t);
    byte = byte < last ? byte : last;
    uint64_t word;
    memcpy(&word, (const char *)unpack->chunk + byte, sizeof word);
    word = word >> (unpack->bit - 8 * byte) & ((UINT64_C(1) << bits) - 1);
    unpack->bit += bits;
    return word;
}

static uint64_t get_long(struct fa_unpack *unpack, unsigned bits)
{
    unsigned low = bits < 32 ? bits : 32;
    if (bits == 0) {
        return 0; /* it may stand at the very end */
    }
    uint64_t value = get(unpack, low);
    return bits > low ? value | get(unpack, bits - low) << 32 : value;
}

/* *ret_length: of an escaped one, else 0. */
static uint64_t get_number(struct fa_unpack *unpack, unsigned bits, unsigned *ret_length)
{
    uint64_t value = get_long(unpack, bits);
    *ret_length = 0;
    if (value != (UINT64_C(1) << bits) - 1) {
        return value;
    }
    *ret_length = (unsigned)get(unpack, LENGTH_BITS);
    return *ret_length == LENGTH_RAW ? 0 : get_long(unpack, *ret_length);
}

static double get_double(struct fa_unpack *unpack)
{
    return double_of(get_long(unpack, 64));
}

static double get_xor(struct fa_unpack *unpack, double before)
{
    if (get(unpack, 1) == 0) {
        return before;
    }
    unsigned low = (unsigned)get(unpack, LENGTH_BITS);
    unsigned bits = (unsigned)get(unpack, LENGTH_BITS) + 1;
    return double_of(bits_of(before) ^ get_long(unpack, bits) << low);
}

static double get_value(struct fa_unpack *unpack, double before, int64_t *scaled)
{
    struct fa_pack_style style = unpack->style;
    struct fa_pack_found *found = unpack->found;
    if (style.scale == FA_SCALE_NONE) {
        return get_xor(unpack, before);
    }
    unsigned length;
    uint64_t number = get_number(unpack, style.value_bits, &length);
    if (length == LENGTH_RAW) {
        *scaled = 0;
        if (found != NULL) {
            found->raw++;
        }
        return get_double(unpack);
    }
    *scaled = (int64_t)((uint64_t)*scaled + (uint64_t)unzigzag(number));
    if (found != NULL) {
        found->values[length_of(number) % FA_PACK_LENGTHS]++;
        found->is_fine = found->is_fine || *scaled % 10 != 0;
    }
    return (double)*scaled / POWERS[style.scale];
}

static double get_flag(struct fa_unpack *unpack, double expected)
{
    return get(unpack, 1) == 0 ? expected : get_double(unpack);
}

static void get_rest(struct fa_unpack *unpack, struct fa_slot *slot)
{
    unsigned length;
    bool is_delta = unpack->fold == FA_FOLD_DELTA;
    uint64_t more = get_number(unpack, 1, &length);
    if (more >= UINT32_MAX || length == LENGTH_RAW) {
        unpack->is_damaged = true;
        return;
    }
    slot->samples = (uint32_t)more + 1;
    slot->u.count = is_delta ? get_flag(unpack, slot->samples) : slot->u.count;
    slot->sum = slot->last * (is_delta ? slot->u.count : 1);
    if (slot->samples > 1) {
        int64_t scaled = unpack->scaled;
        slot->min = get_value(unpack, slot->last, &scaled);
        scaled = unpack->scaled;
        slot->max = get_value(unpack, slot->last, &scaled);
        slot->sum = get_double(unpack);
        slot->first_ms = (uint32_t)get(unpack, 10);
        if (!is_delta) {
            scaled = unpack->scaled;
            slot->u.first = get_value(unpack, slot->last, &scaled);
        }
    }
    if (slot->samples > 1 || is_delta) {
        slot->increase = get_flag(unpack, expected_increase(slot, unpack->fold));
    }
}

void fa_unpack_begin(struct fa_unpack *unpack, const struct fa_packed *chunk, size_t size,
                     enum fa_fold fold)
{
    struct fa_pack_style style = style_of(chunk);
    *unpack = (struct fa_unpack){.chunk = chunk,
                                 .bit = BITS_BEFORE + STYLE_BITS,
                                 .limit = limit_of(size),
                                 .fold = fold,
                                 .style = style,
                                 .left = chunk->count};
    unpack->is_damaged = (style.scale > FA_SCALE_MAX && style.scale != FA_SCALE_NONE) ||
                         style.value_bits == 0 || style.value_bits > VALUE_MAX;
}

void fa_unpack_skip(struct fa_unpack *unpack, const struct fa_pack *at, unsigned done)
{
    unpack->at = *at;
    unpack->bit = at->bits;
    unpack->left = unpack->chunk->count - done;
    if (unpack->is_damaged || unpack->style.scale == FA_SCALE_NONE ||
        !to_scale(at->last, unpack->style.scale, &unpack->scaled)) {
        unpack->scaled = 0;
    }
}

static int64_t get_begins(struct fa_unpack *unpack)
{
    return (int64_t)(get_long(unpack, BEGINS_BITS) << (64 - BEGINS_BITS)) >> (64 - BEGINS_BITS);
}

fa_time fa_packed_begins(const struct fa_packed *chunk)
{
    struct fa_unpack unpack = {
        .chunk = chunk, .bit = BITS_BEFORE + STYLE_BITS, .limit = limit_of(FA_CHUNK_SMALL)};
    return get_begins(&unpack);
}

static uint64_t get_change(struct fa_unpack *unpack)
{
    unsigned length;
    if (unpack->style.time_bits > 0) {
        return get_number(unpack, unpack->style.time_bits, &length);
    }
    bool is_second = unpack->left + 1 == unpack->chunk->count;
    return is_second ? get_long(unpack, (unsigned)get(unpack, LENGTH_BITS)) : 0;
}

static void next_time(struct fa_unpack *unpack)
{
    if (unpack->left == unpack->chunk->count) {
        unpack->at.last_at = get_begins(unpack);
        return;
    }
    uint64_t number = get_change(unpack);
    fa_time delta = (fa_time)unpack->at.delta + unzigzag(number);
    if (delta <= 0 || delta > INT64_C(1) << (BEGINS_BITS + 1)) {
        unpack->is_damaged = true;
        return;
    }
    if (unpack->found != NULL) {
        unpack->found->times[length_of(number) % FA_PACK_LENGTHS]++;
    }
    unpack->at.last_at += delta;
    unpack->at.delta = clip_delta(delta);
}

bool fa_unpack_next(struct fa_unpack *unpack, struct fa_slot *ret_slot)
{
    if (unpack->left == 0 || unpack->is_damaged) {
        return false;
    }
    double before = unpack->at.last;
    next_time(unpack);
    double last = get_value(unpack, before, &unpack->scaled);
    bool is_delta = unpack->fold == FA_FOLD_DELTA;
    fa_time at = unpack->at.last_at;
    *ret_slot = (struct fa_slot){
        .last_at = at,
        .last = last,
        .sum = last,
        .min = last,
        .max = last,
        .increase = is_delta ? last - before : 0,
        .u = {is_delta ? 1 : last},
        .samples = 1,
        .first_ms = (uint32_t)(at - fa_slot_id(at, FA_PACK_WIDTH) * FA_PACK_WIDTH)};
    bool is_full = unpack->style.is_full && get(unpack, 1) != 0;
    if (is_full) {
        get_rest(unpack, ret_slot);
    }
    if (unpack->is_damaged) {
        return false;
    }
    if (unpack->found != NULL) {
        unpack->found->count++;
        unpack->found->is_full = unpack->found->is_full || is_full;
    }
    unpack->at.last = last;
    unpack->left--;
    unpack->at.bits = (uint16_t)unpack->bit;
    return true;
}
