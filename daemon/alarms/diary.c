/* SPDX-License-Identifier: MIT */
/* An alarm's diary: what was decided and what came of it, for `explain`.
 *
 * Invariants:
 *  1. Bounded: the first FA_DIARY_FIRST moments stay, then the newest; how many are gone is
 * counted.
 *  2. A receiver that gives the same answer again and again, and an outbox that stays full, take
 * one moment: it is told by its newest time and how often it was.
 *
 * It is written for every alarm of a storm and read for few, so it lies packed, one moment behind
 * the other, of ten bytes or so: code, which of the rest there is, the time since the moment
 * before, and that rest; numbers as in varints. What repeats, or has to go, is found among all of
 * them unpacked.
 *
 * It decides nothing. What is taken back from the weekly digest's counts is found in it (tally.c).
 */
#include "alarms/internal.h"

#include <stdlib.h>
#include <string.h>

/* Of a packed moment, beside code and time. */
#define HAS_WHO      1u /* the address of a fa_reach */
#define HAS_NUMBER   2u
#define HAS_TIMES    4u
#define HAS_DELIVERY 8u /* attempt and kind */

#define VARINT_MAX 10
#define PACKED_MAX (2 + sizeof(void *) + 1 + 4 * VARINT_MAX)

static size_t put_varint(uint8_t *at, uint64_t value)
{
    size_t len = 0;
    for (; value >= 0x80; value >>= 7) {
        at[len++] = (uint8_t)(value | 0x80);
    }
    at[len++] = (uint8_t)value;
    return len;
}

static uint64_t get_varint(const uint8_t **at)
{
    uint64_t value = 0;
    unsigned shift = 0;
    for (; (**at & 0x80) != 0; shift += 7) {
        value |= (uint64_t)(*(*at)++ & 0x7f) << shift;
    }
    return value | (uint64_t) * (*at)++ << shift;
}

/* Small ones are short, whatever their sign. */
static uint64_t fold(int64_t value)
{
    return (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0);
}

static int64_t unfold(uint64_t value)
{
    return (int64_t)(value >> 1 ^ ((value & 1) != 0 ? UINT64_MAX : 0));
}

static size_t pack(struct fa_interned **texts, const struct fa_moment *moment, fa_time before,
                   uint8_t ret[PACKED_MAX])
{
    bool has_who = moment->person != NULL || moment->channel != NULL;
    bool delivers = moment->attempt != 0 || moment->kind != 0;
    ret[0] = moment->code;
    ret[1] = (uint8_t)((has_who ? HAS_WHO : 0) | (moment->number != 0 ? HAS_NUMBER : 0) |
                       (moment->times != 0 ? HAS_TIMES : 0) | (delivers ? HAS_DELIVERY : 0));
    size_t len =
        2 + put_varint(ret + 2, fold((int64_t)((uint64_t)moment->when - (uint64_t)before)));
    if (has_who) {
        const struct fa_reach *who = fa_reach(texts, moment->person, moment->channel);
        memcpy(ret + len, &who, sizeof who);
        len += sizeof who;
    }
    if (moment->number != 0) {
        len += put_varint(ret + len, fold(moment->number));
    }
    if (moment->times != 0) {
        len += put_varint(ret + len, moment->times);
    }
    if (delivers) {
        len += put_varint(ret + len, moment->attempt);
        ret[len++] = moment->kind;
    }
    return len;
}

static void unpack(const uint8_t **at, fa_time before, struct fa_moment *ret)
{
    *ret = (struct fa_moment){.code = *(*at)++};
    unsigned has = *(*at)++;
    ret->when = (fa_time)((uint64_t)before + (uint64_t)unfold(get_varint(at)));
    if ((has & HAS_WHO) != 0) {
        const struct fa_reach *who;
        memcpy(&who, *at, sizeof who);
        *at += sizeof who;
        ret->person = who->person;
        ret->channel = who->channel;
    }
    ret->number = (has & HAS_NUMBER) != 0 ? unfold(get_varint(at)) : 0;
    ret->times = (has & HAS_TIMES) != 0 ? (uint32_t)get_varint(at) : 0;
    if ((has & HAS_DELIVERY) != 0) {
        ret->attempt = (uint16_t)get_varint(at);
        ret->kind = *(*at)++;
    }
}

uint32_t fa_diary_read(const struct fa_alarm *alarm, struct fa_moment ret_list[FA_DIARY_MAX])
{
    const uint8_t *at = alarm->diary;
    fa_time when = 0;
    for (uint32_t i = 0; i < alarm->moment_count; i++) {
        unpack(&at, when, &ret_list[i]);
        when = ret_list[i].when;
    }
    return alarm->moment_count;
}

static void append(struct fa_interned **texts, struct fa_alarm *alarm,
                   const struct fa_moment *moment)
{
    uint8_t packed[PACKED_MAX];
    struct fa_moment last = {0};
    const uint8_t *end = alarm->diary;
    for (uint32_t i = 0; i < alarm->moment_count; i++) {
        unpack(&end, last.when, &last);
    }
    size_t before = alarm->moment_count > 0 ? (size_t)(end - alarm->diary) : 0;
    size_t len = pack(texts, moment, last.when, packed);
    alarm->diary = fa_xrealloc(alarm->diary, before + len);
    memcpy(alarm->diary + before, packed, len);
    alarm->moment_count++;
}

bool fa_diary_add(struct fa_interned **texts, struct fa_alarm *alarm,
                  const struct fa_moment *moment)
{
    if (alarm->moment_count >= FA_DIARY_MAX) {
        return false;
    }
    append(texts, alarm, moment);
    return true;
}

/* Texts are interned: equal ones are one. */
static bool is_again(const struct fa_moment *a, const struct fa_moment *b)
{
    return a->code == b->code && a->kind == b->kind && a->number == b->number &&
           a->person == b->person && a->channel == b->channel;
}

static bool may_repeat(const struct fa_moment *moment)
{
    return moment->code == FA_J_RETRY || moment->code == FA_J_REJECTED ||
           moment->code == FA_M_LOST || moment->code == FA_M_FULL;
}

/* The newest of the same, that the moment takes the place of; count: none. The first of all stays
 * what and where it is. */
static uint32_t find_again(const struct fa_moment *list, uint32_t count,
                           const struct fa_moment *moment)
{
    uint32_t again = count;
    for (uint32_t i = count; i > 0; i--) {
        if (!is_again(&list[i - 1], moment)) {
            continue;
        }
        if (again < count) {
            return again;
        }
        again = i - 1;
    }
    return count;
}

/* Without that one. */
static void write_anew(struct fa_interned **texts, struct fa_alarm *alarm,
                       const struct fa_moment *list, uint32_t without)
{
    uint32_t count = alarm->moment_count;
    alarm->moment_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (i != without) {
            append(texts, alarm, &list[i]);
        }
    }
}

void fa_diary_note(struct fa_interned **texts, struct fa_alarm *alarm,
                   const struct fa_moment *moment)
{
    struct fa_moment added = *moment, list[FA_DIARY_MAX];
    bool is_full = alarm->moment_count >= FA_DIARY_MAX;
    if (is_full || may_repeat(moment)) {
        uint32_t count = fa_diary_read(alarm, list);
        uint32_t again = may_repeat(moment) ? find_again(list, count, moment) : count;
        if (again < count) {
            uint32_t times = list[again].times;
            added.times = times < 2 ? 2 : times < UINT32_MAX ? times + 1 : times;
            write_anew(texts, alarm, list, again);
        } else if (is_full) {
            write_anew(texts, alarm, list, FA_DIARY_FIRST);
            alarm->moments_lost++;
        }
    }
    append(texts, alarm, &added);
}
