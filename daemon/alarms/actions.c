/* SPDX-License-Identifier: MIT */
/* What a step gives out: journal entries and sends as they are decided, and at its end each object
 * that it changed, once, in the order policies, incidents, alarms, notifications, silences. What is
 * history leaves the memory here, so nothing may point to an object that is closed and unlinked. */
#include "alarms/evidence.h"
#include "alarms/internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define DIRTY_KEPT 1024

/* ---- actions ---- */

void fa_actions_init(struct fa_actions *actions)
{
    *actions = (struct fa_actions){0};
    fa_buf_init(&actions->bytes, (size_t)1 << 30);
    fa_buf_init(&actions->row, FA_ROW_BYTES_MAX);
}

void fa_actions_done(struct fa_actions *actions)
{
    free(actions->list);
    fa_buf_done(&actions->bytes);
    fa_buf_done(&actions->row);
    *actions = (struct fa_actions){0};
}

void fa_actions_clear(struct fa_actions *actions)
{
    actions->count = 0;
    fa_buf_clear(&actions->bytes);
}

struct fa_action *fa_add_action(struct fa_actions *actions, enum fa_action_kind kind)
{
    actions->list =
        fa_xgrow(actions->list, actions->count, &actions->cap, sizeof(struct fa_action));
    struct fa_action *action = &actions->list[actions->count++];
    *action = (struct fa_action){.kind = kind};
    return action;
}

void fa_journal(struct fa_engine *engine, enum fa_journal_code code, struct fa_journal_ids ids,
                const char *who, int64_t number)
{
    struct fa_action *action = fa_add_action(engine->actions, FA_ACT_JOURNAL);
    action->u.journal.code = code;
    action->u.journal.alarm = ids.alarm;
    action->u.journal.incident = ids.incident;
    action->u.journal.notification = ids.notification;
    action->u.journal.silence = ids.silence;
    action->u.journal.number = number;
    if (who != NULL) {
        action->u.journal.who_at = engine->actions->bytes.len;
        action->u.journal.who_len = strlen(who);
        fa_buf_puts(&engine->actions->bytes, who);
    }
}

void fa_journal_alarm(struct fa_engine *engine, enum fa_journal_code code, struct fa_alarm *alarm,
                      const char *who, int64_t number)
{
    const struct fa_moment moment = {.when = engine->now.wall,
                                     .person = fa_intern(&engine->texts, who),
                                     .number = number,
                                     .code = (uint8_t)code};
    fa_journal(engine, code, (struct fa_journal_ids){.alarm = alarm->id}, who, number);
    fa_diary_note(&engine->texts, alarm, &moment);
    fa_touch_alarm(engine, alarm);
}

struct fa_action *fa_add_row(struct fa_engine *engine, enum fa_row_kind kind, const void *key,
                             size_t key_len, const struct fa_buf *value)
{
    struct fa_action *action = fa_add_action(engine->actions, FA_ACT_PUT);
    fa_assert(key_len <= sizeof action->u.row.key && !value->over);
    action->u.row.kind = kind;
    action->u.row.live = true;
    action->u.row.time = engine->now.wall;
    memcpy(action->u.row.key, key, key_len);
    action->u.row.key_len = key_len;
    action->u.row.at = engine->actions->bytes.len;
    action->u.row.len = value->len;
    fa_buf_putstr(&engine->actions->bytes, fa_buf_str(value));
    fa_assert(!engine->actions->bytes.over);
    return action;
}

static void key_of(const char *name, uint8_t key[16])
{
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits(name, strlen(name)));
    memcpy(key, canonical.digest, 16);
}

void fa_put_named_row(struct fa_engine *engine, enum fa_row_kind kind, const char *name,
                      const struct fa_buf *value)
{
    uint8_t key[16];
    key_of(name, key);
    fa_add_row(engine, kind, key, sizeof key, value);
}

void fa_erase_named_row(struct fa_engine *engine, enum fa_row_kind kind, const char *name)
{
    struct fa_action *erase = fa_add_action(engine->actions, FA_ACT_ERASE);
    erase->u.row.kind = kind;
    erase->u.row.time = engine->now.wall;
    erase->u.row.key_len = 16;
    key_of(name, erase->u.row.key);
}

void fa_engine_send(struct fa_engine *engine, struct fa_notification_id id)
{
    fa_add_action(engine->actions, FA_ACT_SEND)->u.send = id;
}

/* ---- the end of a step ---- */

/* What was touched last comes first. A list that one step made long is given back. */
static void *take(struct fa_dirty *dirty)
{
    void *object = dirty->list[--dirty->count];
    if (dirty->count == 0 && dirty->cap > DIRTY_KEPT) {
        free(dirty->list);
        *dirty = (struct fa_dirty){0};
    }
    return object;
}

static void flush_incidents(struct fa_engine *engine, struct fa_buf *buf)
{
    while (engine->dirty_incidents.count > 0) {
        struct fa_incident *i = take(&engine->dirty_incidents);
        i->dirty = false;
        fa_buf_clear(buf);
        fa_incident_encode(i, buf);
        struct fa_action *row =
            fa_add_row(engine, FA_ROW_INCIDENT, i->id.id.bytes, FA_ID_BYTES, buf);
        /* A closed filing without a deadline has no further part in any pattern. */
        row->u.row.live = i->state != FA_INCIDENT_CLOSED || i->due.length != FA_NEVER;
        fa_count_incident(engine, i, row->u.row.live);
        if (!row->u.row.live) {
            fa_book_remove(&engine->incidents, i);
            fa_heap_remove(&engine->incident_heap, &i->due.node);
            fa_incident_free(i);
        }
    }
}

static bool alarm_is_gone(const struct fa_alarm *a)
{
    return a->state == FA_ALARM_RESOLVED && a->deadline.length == FA_NEVER &&
           a->notifications == NULL;
}

void fa_want_evidence(struct fa_alarm *alarm, uint32_t cause)
{
    bool is_open = alarm->state == FA_ALARM_UNACKED || alarm->state == FA_ALARM_ACKED ||
                   alarm->state == FA_ALARM_RETURNED;
    if ((alarm->flags & FA_FLAG_FILED) != 0) {
        cause &= isnan(alarm->value) ? 0 : FA_CAUSE_RAISED; /* the numbers that confirmed it */
    }
    if (is_open && (alarm->flags & FA_FLAG_TROUBLE) == 0) {
        alarm->wanted |= (uint8_t)cause;
    }
}

static void put_evidence(struct fa_engine *engine, const struct fa_alarm *a, unsigned slot,
                         struct fa_buf *buf)
{
    struct fa_held held;
    const struct fa_evidence evidence = {
        .causes = a->wanted,
        .at = engine->now.wall,
        .level = a->level,
        .value = a->value,
        .since = a->since,
        .for_ms = a->for_ms,
        .step = a->climbing ? a->step + 1 : 0,
        .loop = a->loop,
        .rule = fa_str_of(a->texts->rule),
        .labels = fa_str_of((a->flags & FA_FLAG_FILED) != 0 &&
                                    fa_condition_holds(engine, a->texts->rule, a->labels, &held)
                                ? held.labels
                                : a->labels),
    };
    uint8_t key[FA_EVIDENCE_KEY_BYTES];
    fa_buf_clear(buf);
    fa_evidence_encode_head(&evidence, buf);
    fa_evidence_key(a->id, slot, key);
    fa_add_row(engine, slot == 0 ? FA_ROW_RAISED : FA_ROW_EVIDENCE, key, sizeof key, buf)
        ->u.row.live = false;
}

static void flush_evidence(struct fa_engine *engine, struct fa_alarm *a, struct fa_buf *buf)
{
    if ((a->wanted & FA_CAUSE_RAISED) != 0) {
        put_evidence(engine, a, 0, buf);
    } else if ((a->wanted & ~(unsigned)FA_CAUSE_WORSE) != 0) {
        put_evidence(engine, a, 2 + a->evidence++ % FA_EVIDENCE_RING, buf);
    }
    if ((a->wanted & FA_CAUSE_WORSE) != 0) {
        put_evidence(engine, a, 1, buf);
    }
    a->wanted = 0;
}

static void flush_alarms(struct fa_engine *engine, struct fa_buf *buf)
{
    while (engine->dirty_alarms.count > 0) {
        struct fa_alarm *a = take(&engine->dirty_alarms);
        a->dirty = false;
        flush_evidence(engine, a, buf);
        fa_buf_clear(buf);
        fa_alarm_encode(a, buf);
        struct fa_action *row = fa_add_row(engine, FA_ROW_ALARM, a->id.id.bytes, FA_ID_BYTES, buf);
        row->u.row.live = !alarm_is_gone(a);
        fa_count_alarm(engine, a, row->u.row.live);
        if (!row->u.row.live) {
            /* One that never was raised leaves no history. */
            if (a->changed == 0) {
                row->kind = FA_ACT_ERASE;
            }
            fa_book_remove(&engine->alarms, a);
            fa_heap_remove(&engine->alarm_heap, &a->deadline.node);
            fa_alarm_free(a);
        }
    }
}

static void flush_notifications(struct fa_engine *engine, struct fa_buf *buf)
{
    while (engine->dirty_notifications.count > 0) {
        struct fa_notification *n = take(&engine->dirty_notifications);
        n->dirty = false;
        fa_buf_clear(buf);
        fa_notification_encode(n, buf);
        struct fa_action *row =
            fa_add_row(engine, FA_ROW_NOTIFICATION, n->id.id.bytes, FA_ID_BYTES, buf);
        row->u.row.live = n->state != FA_NOTICE_SENT && n->state != FA_NOTICE_DROPPED;
        fa_count_notification(engine, n, row->u.row.live);
        if (!row->u.row.live) {
            fa_silence_notice(engine, n, -1);
            fa_book_remove(&engine->notifications, n);
            fa_heap_remove(&engine->notification_heap, &n->deadline.node);
            fa_notification_free(n);
        }
    }
}

void fa_flush(struct fa_engine *engine)
{
    struct fa_buf *buf = &engine->actions->row;
    flush_incidents(engine, buf);
    flush_alarms(engine, buf);
    flush_notifications(engine, buf);
    fa_pace_flush(engine, buf);
    fa_drills_flush(engine, buf);
    fa_tally_flush(engine, buf);
    fa_silences_flush(engine, buf);
}
