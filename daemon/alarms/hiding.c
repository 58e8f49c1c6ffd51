/* SPDX-License-Identifier: MIT */
/* Whether an alarm is hidden, and what follows from it.
 *
 * Invariants:
 *  1. What people filed, what has a subject, what is `unsilenceable`, the daemon's own troubles and
 *     what stands for all further series of a rule are never hidden.
 *  2. A hidden alarm takes no step. Unowned its deadline is the next word in the journal that it is
 *     still hidden, after a day; what else falls due meanwhile (a promise, a day without owner) is
 *     kept until it is heard again. Then it is told at once, never later than if it had been raised
 *     at that moment.
 *  3. What a person does with a hidden alarm, and its end, is told to those who had been told; that
 *     it recovered, when it is heard again.
 *  4. Asked again with nothing changed, nothing is done.
 *  5. The time that it was hidden aside, no step comes later than its wait, however often it is
 *     hidden and heard again.
 */
#include "alarms/internal.h"
#include "base/rec.h"

#include <stdlib.h>
#include <string.h>

enum hiding_tag { H_SILENCE = 1, H_SINCE, H_LIFTED, H_LEFT, H_NEWS };

static bool is_open(const struct fa_alarm *alarm)
{
    return alarm->state == FA_ALARM_UNACKED || alarm->state == FA_ALARM_ACKED ||
           alarm->state == FA_ALARM_RETURNED;
}

bool fa_hiding_takes_part(const struct fa_alarm *alarm)
{
    return (alarm->flags & (FA_FLAG_FILED | FA_FLAG_TROUBLE | FA_FLAG_SHADOW)) == 0 &&
           alarm->people->about_count == 0 && alarm->people->struck_count == 0 &&
           !fa_is_further(alarm);
}

bool fa_engine_may_hide(const struct fa_engine *engine, const struct fa_alarm *alarm)
{
    const struct fa_category *category = fa_setup_category(engine->setup, alarm->texts->category);
    return fa_hiding_takes_part(alarm) && (category == NULL || !category->unsilenceable);
}

struct fa_hiding *fa_hiding_of(struct fa_alarm *alarm)
{
    if (alarm->hiding == NULL) {
        alarm->hiding = fa_xcalloc(1, sizeof *alarm->hiding);
    }
    return alarm->hiding;
}

void fa_hiding_free(struct fa_hiding *hiding)
{
    if (hiding != NULL) {
        fa_inhibit_free_links(hiding->links);
        free(hiding);
    }
}

/* Its deadline is gone when what fell due was kept back. */
static bool was_due(const struct fa_alarm *alarm)
{
    return alarm->deadline.length == FA_NEVER;
}

fa_time fa_hiding_wait(const struct fa_alarm *alarm, fa_time wait)
{
    fa_time left = alarm->hiding != NULL ? alarm->hiding->left : 0;
    return left > 0 && left < wait ? left : wait;
}

void fa_hiding_new_step(struct fa_alarm *alarm)
{
    if (alarm->hiding != NULL) {
        alarm->hiding->left = alarm->hiding->news = 0;
    }
}

void fa_hiding_shift(struct fa_alarm *alarm, fa_time shift)
{
    if (alarm->hiding != NULL && alarm->hiding->news != 0) {
        alarm->hiding->news += shift;
    }
}

void fa_hiding_worse(struct fa_alarm *alarm)
{
    if (alarm->hiding != NULL && fa_is_hidden(alarm)) {
        alarm->hiding->news = 0;
    }
}

fa_time fa_hiding_told_since(const struct fa_alarm *alarm)
{
    fa_time news = alarm->hiding != NULL ? alarm->hiding->news : 0;
    return news != 0 && news < alarm->deadline.armed ? news : alarm->deadline.armed;
}

/* Of a step that is put off, what was left before stays; of a hidden alarm, too. */
void fa_hiding_keep_left(const struct fa_engine *engine, struct fa_alarm *alarm)
{
    if (alarm->climbing && alarm->deadline.length != FA_NEVER &&
        (alarm->flags & FA_FLAG_PUT_OFF) == 0) {
        fa_time left = fa_climb_left(engine, alarm);
        fa_hiding_of(alarm)->left = left > 0 ? left : 1;
    }
}

static void hide(struct fa_engine *engine, struct fa_alarm *alarm)
{
    alarm->hiding->since = engine->now.wall;
    fa_notifications_stop(engine, alarm);
    if (alarm->state == FA_ALARM_UNACKED) {
        fa_hiding_keep_left(engine, alarm);
        fa_arm(engine, &engine->alarm_heap, &alarm->deadline, FA_DAY);
    }
    fa_inhibit_follow(engine, alarm);
}

/* Its step is told once more, but not for each time that what explains it comes and goes: then
 * until the step's wait is over only those who have not heard are told. */
static void tell_again(struct fa_engine *engine, struct fa_alarm *alarm, bool by_alarm)
{
    const struct fa_policy *policy = fa_policy_of(engine, alarm);
    fa_time news = alarm->hiding->news;
    if (by_alarm && news != 0 && alarm->step < policy->step_count &&
        engine->now.wall - news < policy->steps[alarm->step].wait) {
        fa_climb_go_on(engine, alarm, news);
        return;
    }
    alarm->hiding->news = by_alarm ? engine->now.wall : 0;
    fa_climb_again(engine, alarm);
}

static void lift(struct fa_engine *engine, struct fa_alarm *alarm, bool by_alarm)
{
    fa_time since = alarm->hiding->since;
    alarm->hiding->since = 0;
    alarm->hiding->lifted = engine->now.wall;
    if (is_open(alarm)) {
        fa_journal_alarm(engine, FA_J_HEARD, alarm, NULL, engine->now.wall - since);
    }
    fa_inhibit_follow(engine, alarm);
    if (alarm->state == FA_ALARM_UNACKED) {
        tell_again(engine, alarm, by_alarm);
        return;
    }
    if (alarm->state == FA_ALARM_RETURNED && alarm->changed >= since && !fa_flap_is_calm(alarm)) {
        fa_tell_told(engine, alarm, FA_NOTE_RETURNED, NULL);
    }
    if (is_open(alarm) && was_due(alarm)) {
        int rc = fa_alarm_event(engine, alarm, FA_AEV_DUE, NULL);
        fa_assert(rc == 0);
    }
}

static void count(struct fa_engine *engine, const struct fa_alarm *alarm, uint32_t flags)
{
    engine->stats.shelved += (flags & FA_FLAG_SHELVED) != 0;
    engine->stats.shelved -= (alarm->flags & FA_FLAG_SHELVED) != 0;
    engine->stats.suppressed += (flags & FA_FLAG_SUPPRESSED) != 0;
    engine->stats.suppressed -= (alarm->flags & FA_FLAG_SUPPRESSED) != 0;
}

static void set(struct fa_engine *engine, struct fa_alarm *alarm, struct fa_silence *silence,
                uint32_t flags)
{
    uint32_t was = alarm->flags & FA_FLAGS_HIDDEN;
    struct fa_silence_id id = silence != NULL ? silence->id : (struct fa_silence_id){0};
    bool other = alarm->hiding != NULL && !fa_id_eq(alarm->hiding->silence.id, id.id);
    if (was == flags && !other) {
        return;
    }
    struct fa_hiding *hiding = fa_hiding_of(alarm);
    bool newly = silence != NULL && !fa_id_eq(hiding->silence.id, id.id);
    hiding->silence = id;
    count(engine, alarm, flags);
    alarm->flags = (alarm->flags & ~FA_FLAGS_HIDDEN) | flags;
    fa_touch_alarm(engine, alarm);
    if (newly) {
        fa_journal_alarm(engine, FA_J_SHELVED, alarm, silence->owner, silence->end);
    }
    if ((flags & ~was & FA_FLAG_SUPPRESSED) != 0) {
        fa_journal_alarm(engine, FA_J_SUPPRESSED, alarm, NULL, 0);
    }
    if (was == 0 && flags != 0) {
        hide(engine, alarm);
    } else if (was != 0 && flags == 0) {
        lift(engine, alarm, was == FA_FLAG_SUPPRESSED);
    }
    if (newly) {
        fa_silence_hides(engine, silence, alarm);
    }
}

void fa_hiding_review(struct fa_engine *engine, struct fa_alarm *alarm)
{
    bool may = is_open(alarm) && fa_engine_may_hide(engine, alarm);
    struct fa_silence *silence = may ? fa_silence_for(engine, alarm) : NULL;
    uint32_t flags = (silence != NULL ? FA_FLAG_SHELVED : 0) |
                     (may && fa_is_inhibited(alarm) ? FA_FLAG_SUPPRESSED : 0);
    set(engine, alarm, silence, flags);
}

void fa_hiding_review_all(struct fa_engine *engine)
{
    for (struct fa_alarm *a = engine->alarms.first; a != NULL; a = a->after) {
        if (is_open(a) || fa_is_hidden(a)) {
            fa_hiding_review(engine, a);
        }
    }
}

void fa_hiding_raise(struct fa_engine *engine, struct fa_alarm *alarm)
{
    if (fa_hiding_takes_part(alarm)) {
        fa_inhibit_link(engine, alarm);
        fa_hiding_review(engine, alarm);
        fa_inhibit_follow(engine, alarm);
    }
}

void fa_hiding_follow(struct fa_engine *engine, struct fa_alarm *alarm)
{
    if (alarm->hiding == NULL) {
        return;
    }
    if (alarm->state != FA_ALARM_UNACKED) {
        alarm->hiding->news = 0;
    }
    if (alarm->state != FA_ALARM_UNACKED && alarm->state != FA_ALARM_RETURNED) {
        alarm->hiding->left = 0;
    }
    if (alarm->state == FA_ALARM_RESOLVED) {
        set(engine, alarm, NULL, 0);
    }
    fa_inhibit_follow(engine, alarm);
    if (alarm->state == FA_ALARM_RESOLVED) {
        fa_inhibit_unlink(engine, alarm);
    }
}

/* Links are derived from the configuration and the alarms that are open. */
static void link_all(struct fa_engine *engine)
{
    for (struct fa_alarm *a = engine->alarms.first; a != NULL; a = a->after) {
        if (is_open(a) && fa_hiding_takes_part(a)) {
            fa_inhibit_link(engine, a);
        }
    }
    for (struct fa_alarm *a = engine->alarms.first; a != NULL; a = a->after) {
        if (a->hiding != NULL) {
            fa_inhibit_follow(engine, a);
        }
    }
}

void fa_hiding_start(struct fa_engine *engine)
{
    for (struct fa_alarm *a = engine->alarms.first; a != NULL; a = a->after) {
        engine->stats.shelved += (a->flags & FA_FLAG_SHELVED) != 0;
        engine->stats.suppressed += (a->flags & FA_FLAG_SUPPRESSED) != 0;
        if (fa_is_hidden(a)) {
            fa_hiding_of(a); /* a damaged row may have lost what it was */
        }
    }
    link_all(engine);
    fa_silences_due(engine);
    fa_hiding_review_all(engine);
}

void fa_hiding_reload(struct fa_engine *engine)
{
    for (struct fa_alarm *a = engine->alarms.first; a != NULL; a = a->after) {
        if (a->hiding != NULL) {
            fa_inhibit_free_links(a->hiding->links);
            a->hiding->links = NULL;
        }
    }
    fa_inhibit_free_groups(engine);
    link_all(engine);
    fa_silences_due(engine);
    fa_hiding_review_all(engine);
}

void fa_hiding_due(struct fa_engine *engine, struct fa_alarm *alarm)
{
    if (alarm->state == FA_ALARM_UNACKED) {
        fa_journal_alarm(engine, FA_J_HIDDEN, alarm, NULL,
                         (engine->now.wall - alarm->hiding->since) / FA_DAY);
        fa_arm(engine, &engine->alarm_heap, &alarm->deadline, FA_DAY);
    }
    fa_touch_alarm(engine, alarm);
}

void fa_hiding_encode(const struct fa_alarm *alarm, struct fa_buf *buf, uint32_t tag)
{
    const struct fa_hiding *hiding = alarm->hiding;
    size_t from = buf->len;
    if (hiding == NULL || (hiding->since == 0 && hiding->lifted == 0 && hiding->left == 0)) {
        return;
    }
    if (!fa_id_is_zero(hiding->silence.id)) {
        fa_rec_put_bytes(buf, H_SILENCE, hiding->silence.id.bytes, FA_ID_BYTES);
    }
    fa_rec_put_i64(buf, H_SINCE, hiding->since);
    fa_rec_put_i64(buf, H_LIFTED, hiding->lifted);
    fa_rec_put_i64(buf, H_LEFT, hiding->left);
    if (hiding->news != 0) {
        fa_rec_put_i64(buf, H_NEWS, hiding->news);
    }
    fa_rec_wrap(buf, tag, from);
}

void fa_hiding_decode(struct fa_alarm *alarm, struct fa_str bytes)
{
    struct fa_rec_reader reader = fa_rec_read(bytes);
    struct fa_rec_field field;
    struct fa_hiding *hiding = fa_hiding_of(alarm);
    while (fa_rec_next(&reader, &field)) {
        if (field.tag == H_SILENCE && field.type == FA_REC_BYTES &&
            field.bytes.len == FA_ID_BYTES) {
            memcpy(hiding->silence.id.bytes, field.bytes.ptr, FA_ID_BYTES);
        } else if (field.tag == H_SINCE) {
            hiding->since = fa_row_time(&field);
        } else if (field.tag == H_LIFTED) {
            hiding->lifted = fa_row_time(&field);
        } else if (field.tag == H_LEFT) {
            hiding->left = fa_row_time(&field);
        } else if (field.tag == H_NEWS) {
            hiding->news = fa_row_time(&field);
        }
    }
}
