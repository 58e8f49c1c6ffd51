/* SPDX-License-Identifier: MIT */
/* An alarm's diary: what was decided and what came of it, for `explain`.
 *
 * Invariants:
 *  1. Bounded: the first FA_DIARY_FIRST moments stay, then the newest; how many are gone is
 * counted.
 *  2. A receiver that gives the same answer again and again, and an outbox that stays full, take
 * one moment: it is told by its newest time and how often it was.
 *
 * It decides nothing. What is taken back from the weekly digest's counts is found in it (tally.c).
 */
#include "alarms/internal.h"

#include <stdlib.h>
#include <string.h>

struct fa_moment *fa_diary_add(struct fa_alarm *alarm)
{
    uint32_t count = alarm->moment_count;
    if (count >= FA_DIARY_MAX) {
        return NULL;
    }
    /* In a storm most alarms have three. */
    if (count < 4 || (count & (count - 1)) == 0) { /* it is full */
        alarm->moments = fa_xrealloc(alarm->moments, (count < 4 ? count + 1 : 2 * count) *
                                                         sizeof(struct fa_moment));
    }
    return &alarm->moments[alarm->moment_count++];
}

static void drop(struct fa_alarm *alarm, uint32_t at)
{
    memmove(&alarm->moments[at], &alarm->moments[at + 1],
            (alarm->moment_count - at - 1) * sizeof(struct fa_moment));
    alarm->moment_count--;
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

void fa_diary_note(struct fa_alarm *alarm, const struct fa_moment *moment)
{
    struct fa_moment added = *moment;
    uint32_t again = alarm->moment_count; /* the newest of the same */
    for (uint32_t i = alarm->moment_count; i > 0 && may_repeat(moment); i--) {
        if (!is_again(&alarm->moments[i - 1], moment)) {
            continue;
        }
        if (again < alarm->moment_count) { /* the first of all stays what and where it is */
            uint32_t times = alarm->moments[again].times;
            added.times = times < 2 ? 2 : times < UINT32_MAX ? times + 1 : times;
            drop(alarm, again);
            break;
        }
        again = i - 1;
    }
    if (alarm->moment_count >= FA_DIARY_MAX) {
        drop(alarm, FA_DIARY_FIRST);
        alarm->moments_lost++;
    }
    *fa_diary_add(alarm) = added;
}
