/* SPDX-License-Identifier: MIT */
/* An alarm whose data come and go. Each coming and going is a change; an alarm that fires again,
 * and has changed five times within the hour, is flapping from then on. Its climb goes on as if it
 * fired all the time, and what it tells is what that climb tells:
 *
 * - A calm is not told unless it stays for FLAP_CALM; the clock of the step runs on.
 * - Firing after it tells those of the step who have not heard that it is flapping; a step that
 * fell due in the calm is told then.
 * - Worse than ever tells the whole step at once, once for each time it fires.
 * - A calm that stays is told as any other, and ends it.
 * - Who owns it in a calm closes it, told or not: the answer says so.
 *
 * Invariants:
 *  1. Whoever was told that it is over is told when it fires again: only a calm that was not told
 * is followed by firing that is not told.
 *  2. A step comes no later than if the data had never cleared, but that none is told in a calm.
 *  3. Nobody's first word is left out.
 *
 * Changes are counted in slots of five minutes, so that a day of them takes no more room than two.
 * Of an owned alarm nothing is decided here: its first calm closes it. */
#include "alarms/evidence.h"
#include "alarms/internal.h"
#include "base/rec.h"

#include <stdlib.h>
#include <string.h>

#define FLAPS     5u
#define FLAP_SLOT (5 * FA_MINUTE)
#define FLAP_SPAN 12 /* slots: an hour */
#define FLAP_CALM (10 * FA_MINUTE)

struct fa_flaps {
    fa_time from;             /* wall: when the newest slot begins */
    uint16_t slot[FLAP_SPAN]; /* the newest first */
    bool calm;                /* it was not told, and `deadline` is what it interrupts */
    uint8_t clock;
    fa_time armed, length; /* of the climb */
    fa_time left;          /* of the wait of its step when the calm began; 0: it is on none */
    fa_time news;          /* wall: who was told since then knows that it is flapping */
};

enum flap_tag { F_FROM = 1, F_SLOT, F_CALM, F_ARMED, F_LENGTH, F_CLOCK, F_NEWS, F_LEFT };

/* ---- counting ---- */

static uint32_t count(const struct fa_flaps *flaps, fa_time wall)
{
    uint32_t sum = 0;
    for (int i = 0; i < FLAP_SPAN && wall - flaps->from + i * FLAP_SLOT < FLAP_SPAN * FLAP_SLOT;
         i++) {
        sum += flaps->slot[i];
    }
    return sum;
}

uint32_t fa_alarm_flaps(const struct fa_alarm *alarm, fa_time wall)
{
    uint32_t changes = alarm->flaps != NULL ? count(alarm->flaps, wall) : 0;
    return (alarm->flags & FA_FLAG_FLAPPING) != 0 && changes >= FLAPS ? changes : 0;
}

static void add(struct fa_flaps *flaps, fa_time wall)
{
    fa_time slots = (wall - flaps->from) / FLAP_SLOT;
    if (slots >= FLAP_SPAN || wall < flaps->from) {
        memset(flaps->slot, 0, sizeof flaps->slot);
        flaps->from = wall;
    } else if (slots > 0) {
        memmove(&flaps->slot[slots], flaps->slot,
                (size_t)(FLAP_SPAN - slots) * sizeof flaps->slot[0]);
        memset(flaps->slot, 0, (size_t)slots * sizeof flaps->slot[0]);
        flaps->from += slots * FLAP_SLOT;
    }
    flaps->slot[0] = (uint16_t)(flaps->slot[0] + (flaps->slot[0] < UINT16_MAX));
}

/* One more. That it was raised is the first. */
static struct fa_flaps *note(const struct fa_engine *engine, struct fa_alarm *alarm)
{
    if (alarm->flaps == NULL) {
        alarm->flaps = fa_xcalloc(1, sizeof *alarm->flaps);
        alarm->flaps->from = alarm->raised;
        add(alarm->flaps, alarm->raised);
    }
    add(alarm->flaps, engine->now.wall);
    return alarm->flaps;
}

/* ---- what follows ---- */

bool fa_flap_is_calm(const struct fa_alarm *alarm)
{
    return alarm->flaps != NULL && alarm->flaps->calm && alarm->state == FA_ALARM_RETURNED;
}

bool fa_flap_calm(struct fa_engine *engine, struct fa_alarm *alarm)
{
    struct fa_flaps *flaps = note(engine, alarm);
    flaps->calm = fa_alarm_flaps(alarm, engine->now.wall) > 0 && !fa_is_hidden(alarm) &&
                  alarm->deadline.length != FA_NEVER;
    if (!flaps->calm) {
        alarm->flags &= ~FA_FLAG_FLAPPING;
        return false;
    }
    flaps->armed = alarm->deadline.armed;
    flaps->length = alarm->deadline.length;
    flaps->clock = alarm->clock;
    bool on_step = alarm->climbing && (alarm->flags & FA_FLAG_PUT_OFF) == 0;
    fa_time left = on_step ? fa_climb_left(engine, alarm) : 0;
    flaps->left = on_step && left <= 0 ? 1 : left;
    fa_arm(engine, &engine->alarm_heap, &alarm->deadline, FLAP_CALM);
    return true;
}

/* The deadline of the climb again, as it would be now. */
static void restore(struct fa_engine *engine, struct fa_alarm *alarm)
{
    struct fa_flaps *flaps = alarm->flaps;
    fa_time left = flaps->armed + flaps->length - engine->now.wall;
    fa_arm(engine, &engine->alarm_heap, &alarm->deadline, left > 0 ? left : 0);
    alarm->deadline.armed = flaps->armed;
    alarm->deadline.length = flaps->length;
    alarm->clock = flaps->clock;
    flaps->calm = false;
    fa_climb_reckon_one(engine, alarm); /* the clock or the calendar may be another since */
}

void fa_flap_stays(struct fa_engine *engine, struct fa_alarm *alarm)
{
    alarm->flaps->calm = false;
    if (alarm->flaps->left > 0) { /* should it fire again, the step goes on from here */
        fa_hiding_of(alarm)->left = alarm->flaps->left;
    }
    fa_tell_told(engine, alarm, FA_NOTE_RETURNED, NULL);
    alarm->flags &= ~FA_FLAG_FLAPPING;
    fa_time left = alarm->changed + engine->setup->returned_max - engine->now.wall;
    fa_arm(engine, &engine->alarm_heap, &alarm->deadline, left > 0 ? left : 0);
    fa_touch_alarm(engine, alarm);
}

static bool is_worse(const struct fa_alarm *alarm)
{
    return (alarm->wanted & FA_CAUSE_WORSE) != 0;
}

bool fa_flap_resume(struct fa_engine *engine, struct fa_alarm *alarm)
{
    struct fa_flaps *flaps = note(engine, alarm);
    bool was_calm = flaps->calm;
    if (was_calm) {
        restore(engine, alarm);
    }
    if (was_calm && !is_worse(alarm) && !fa_is_hidden(alarm)) {
        if (alarm->deadline.armed + alarm->deadline.length <= engine->now.wall) {
            fa_climb(engine, alarm);
        } else {
            fa_climb_tell_rest(engine, alarm, flaps->news);
        }
        return true;
    }
    if (was_calm) {
        fa_hiding_keep_left(engine, alarm);
    }
    flaps->news = engine->now.wall;
    alarm->flags &= ~FA_FLAG_FLAPPING;
    alarm->flags |= count(flaps, engine->now.wall) >= FLAPS ? FA_FLAG_FLAPPING : 0;
    return false;
}

bool fa_flap_is_news(struct fa_engine *engine, struct fa_alarm *alarm)
{
    if (fa_alarm_flaps(alarm, engine->now.wall) == 0 || !is_worse(alarm) || fa_is_hidden(alarm) ||
        alarm->flaps->news >= alarm->changed) {
        return false;
    }
    alarm->flaps->news = engine->now.wall;
    fa_hiding_keep_left(engine, alarm);
    return true;
}

/* ---- rows ---- */

void fa_flap_shift(struct fa_alarm *alarm, fa_time shift)
{
    if (alarm->flaps != NULL) {
        alarm->flaps->from += shift;
        alarm->flaps->armed += shift;
        alarm->flaps->news += shift;
    }
}

void fa_flap_encode(const struct fa_alarm *alarm, struct fa_buf *buf, uint32_t tag)
{
    const struct fa_flaps *flaps = alarm->flaps;
    size_t from = buf->len;
    if (flaps == NULL) {
        return;
    }
    fa_rec_put_i64(buf, F_FROM, flaps->from);
    for (int i = 0; i < FLAP_SPAN; i++) {
        fa_rec_put_u64(buf, F_SLOT, flaps->slot[i]);
    }
    fa_rec_put_i64(buf, F_NEWS, flaps->news);
    if (flaps->calm) {
        fa_rec_put_u64(buf, F_CALM, 1);
        fa_rec_put_i64(buf, F_ARMED, flaps->armed);
        fa_rec_put_i64(buf, F_LENGTH, flaps->length);
        fa_rec_put_u64(buf, F_CLOCK, flaps->clock);
        fa_rec_put_i64(buf, F_LEFT, flaps->left);
    }
    fa_rec_wrap(buf, tag, from);
}

void fa_flap_decode(struct fa_alarm *alarm, struct fa_str bytes)
{
    struct fa_rec_reader reader = fa_rec_read(bytes);
    struct fa_rec_field field;
    struct fa_flaps *flaps = fa_xcalloc(1, sizeof *flaps);
    size_t slots = 0;
    while (fa_rec_next(&reader, &field)) {
        if (field.tag == F_FROM) {
            flaps->from = fa_row_time(&field);
        } else if (field.tag == F_SLOT && slots < FLAP_SPAN) {
            flaps->slot[slots++] = (uint16_t)field.u64;
        } else if (field.tag == F_CALM) {
            flaps->calm = field.u64 != 0;
        } else if (field.tag == F_ARMED) {
            flaps->armed = fa_row_time(&field);
        } else if (field.tag == F_LENGTH) {
            flaps->length = field.i64 > FA_DURATION_MAX ? FA_DURATION_MAX : field.i64;
        } else if (field.tag == F_CLOCK) {
            flaps->clock = (uint8_t)(field.u64 < FA_CLOCK__COUNT ? field.u64 : FA_CLOCK_ELAPSED);
        } else if (field.tag == F_NEWS) {
            flaps->news = fa_row_time(&field);
        } else if (field.tag == F_LEFT) {
            flaps->left = fa_row_time(&field);
        }
    }
    flaps->length = flaps->length > 0 ? flaps->length : 0;
    free(alarm->flaps);
    alarm->flaps = flaps;
}
