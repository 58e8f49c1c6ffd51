/* SPDX-License-Identifier: MIT */
/* What leaves together. A notification about one alarm is decided on and settled as ever; here it
 * is only decided in which message it travels.
 *
 *   below the limit (pace.c)   it leaves at once; alarms of one rule and customer that reach a
 * person at one rung in one turn leave as one message at the turn's end beyond it it is held back,
 * and all that is held for one address leaves as one digest: what somebody has to act on after
 * FA_PACE_WAIT at the latest, word that a lesser alarm is owned or over when there is room again
 *
 * A digest is a notification of its own, with its own key, and its lines are the notifications that
 * it carries. Its verdict is theirs.
 *
 * Invariants:
 *  1. What is held back is named in a digest, whatever became of its alarm meanwhile, or dropped
 *     with an entry in the journal: reminders of a lesser alarm that the person knows of
 *     (SPARED), word that it is calm or owned when it is so no more, and what may not be told any
 * more.
 *  2. The lines of a digest are fixed when it leaves first. Later it only loses some: those that
 * may not be told any more, and once it failed those whose alarm is owned or told anew.
 *  3. A digest that failed moves each of its lines on: they leave together over the next channel.
 */
#include "alarms/internal.h"
#include "metrics/labels.h"

#include <stdlib.h>
#include <string.h>

/* ---- packs ---- */

static bool is_under_way(const struct fa_notification *n)
{
    return n->state == FA_NOTICE_QUEUED || n->state == FA_NOTICE_WAITING ||
           n->state == FA_NOTICE_SLOW;
}

static void put(struct fa_pack *pack, struct fa_notification *n)
{
    n->place = fa_xmalloc(sizeof *n->place);
    *n->place = (struct fa_place){.pack = pack, .prev = pack->last};
    if (pack->last != NULL) {
        pack->last->place->next = n;
    } else {
        pack->first = n;
    }
    pack->last = n;
    pack->count++;
}

static struct fa_pack *take_out(struct fa_notification *n)
{
    struct fa_place *place = n->place;
    struct fa_pack *pack = place->pack;
    *(place->prev != NULL ? &place->prev->place->next : &pack->first) = place->next;
    *(place->next != NULL ? &place->next->place->prev : &pack->last) = place->prev;
    pack->count--;
    n->place = NULL;
    free(place);
    return pack;
}

bool fa_digest_holds(const struct fa_notification *n)
{
    return n->place != NULL && n->place->pack->digest == NULL;
}

void fa_digest_remove(struct fa_engine *engine, struct fa_notification *n)
{
    if (n->place == NULL) {
        return;
    }
    struct fa_pack *pack = take_out(n);
    if (pack->digest != NULL && pack->count == 0 && is_under_way(pack->digest)) {
        fa_notification_settle(engine, pack->digest, FA_NOTICE_DROPPED);
    }
}

/* ---- holding back ---- */

static bool is_critical(const struct fa_engine *engine, const struct fa_notification *n)
{
    return fa_notification_is_critical(engine, n);
}

/* Has somebody to act on it, or is it about what is worst? */
static bool is_urgent(const struct fa_engine *engine, const struct fa_notification *n)
{
    return fa_notification_is_climb(n) || n->kind == FA_NOTE_UNOWNED || n->kind == FA_NOTE_HELP ||
           is_critical(engine, n);
}

/* Who was told before that may have heard since that it is calm, owned or hidden. */
static fa_time news_of(const struct fa_alarm *alarm)
{
    fa_time lifted = alarm->hiding != NULL ? alarm->hiding->lifted : 0;
    return lifted > alarm->changed ? lifted : alarm->changed;
}

/* When it is one more reminder of what the person was told, and that is neither filed nor of the
 * worst kind; else NULL. */
static struct fa_told *knows_already(const struct fa_engine *engine,
                                     const struct fa_notification *n)
{
    const struct fa_alarm *alarm = n->owner_alarm;
    if (n->kind != FA_NOTE_REMINDER || alarm == NULL || is_critical(engine, n)) {
        return NULL;
    }
    for (size_t i = 0; i < alarm->told_count; i++) {
        if (strcmp(alarm->told[i].to->person, n->person) == 0) {
            return alarm->told[i].when >= news_of(alarm) ? &alarm->told[i] : NULL;
        }
    }
    return NULL;
}

static void hold(struct fa_engine *engine, struct fa_pace *pace, struct fa_notification *n,
                 fa_time wait)
{
    if (n->place == NULL) {
        put(&pace->held, n);
    }
    fa_notification_to_state(engine, n, FA_NOTICE_QUEUED);
    fa_arm(engine, &engine->notification_heap, &n->deadline, wait);
}

static void hold_back(struct fa_engine *engine, struct fa_pace *pace, struct fa_notification *n,
                      fa_time full)
{
    struct fa_told *told = knows_already(engine, n);
    if (told != NULL) {
        told->spared = engine->now.wall; /* their step counts on them as on who was told */
        engine->stats.spared += !fa_notification_is_hidden(engine, n);
        fa_journal(engine, FA_J_SPARED,
                   (struct fa_journal_ids){n->alarm, n->incident, n->id, {{{0}}}}, n->person,
                   (int64_t)n->kind);
        fa_notification_note(engine, n, FA_J_SPARED, 0);
        fa_notification_settle(engine, n, FA_NOTICE_DROPPED);
        return;
    }
    hold(engine, pace, n, is_urgent(engine, n) && full > FA_PACE_WAIT ? FA_PACE_WAIT : full);
}

void fa_digest_take(struct fa_engine *engine, struct fa_notification *n)
{
    struct fa_pace *pace = fa_pace_of(engine, n);
    if (pace == NULL) {
        fa_notification_send(engine, n);
        return;
    }
    fa_time full = fa_pace_full(engine, pace);
    if (n->instead || (full == 0 && n->of_series)) {
        hold(engine, pace, n, 0); /* until the turn's end */
    } else if (full > 0) {
        hold_back(engine, pace, n, full);
    } else {
        fa_pace_count(engine, pace);
        fa_notification_send(engine, n);
    }
}

/* ---- leaving ---- */

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool same_way(const struct fa_notification *a, const struct fa_notification *b)
{
    return same_text(a->channel, b->channel) && same_text(a->address, b->address);
}

static bool same_customer(const struct fa_alarm *a, const struct fa_alarm *b)
{
    struct fa_labels *one = NULL, *two = NULL;
    bool same = strcmp(a->labels, b->labels) == 0;
    if (!same && fa_labels_parse(fa_str_of(a->labels), &one) == 0 &&
        fa_labels_parse(fa_str_of(b->labels), &two) == 0) {
        same = fa_str_eq(fa_labels_get(one, FA_STR("customer")),
                         fa_labels_get(two, FA_STR("customer")));
    }
    fa_labels_free(one);
    fa_labels_free(two);
    return same;
}

static bool same_group(const struct fa_notification *a, const struct fa_notification *b)
{
    if (a == b || (a->instead && b->instead)) {
        return true;
    }
    return !a->instead && !b->instead && a->of_series && b->of_series && a->kind == b->kind &&
           a->step == b->step && a->loop == b->loop &&
           a->owner_alarm->texts->rule == b->owner_alarm->texts->rule &&
           same_customer(a->owner_alarm, b->owner_alarm);
}

static struct fa_notification *begin(struct fa_engine *engine, const struct fa_notification *n)
{
    const struct fa_contact contact = {(char *)(uintptr_t)n->channel,
                                       (char *)(uintptr_t)n->address};
    struct fa_notification *digest =
        fa_notification_begin(engine, n->person, &contact, FA_NOTE_DIGEST);
    digest->lines = fa_xcalloc(1, sizeof *digest->lines);
    digest->lines->digest = digest;
    fa_journal(engine, FA_J_NOTIFY, (struct fa_journal_ids){.notification = digest->id}, n->person,
               (int64_t)FA_NOTE_DIGEST);
    return digest;
}

static void add_line(struct fa_engine *engine, struct fa_notification *digest,
                     struct fa_notification *n)
{
    take_out(n);
    put(digest->lines, n);
    fa_disarm(&engine->notification_heap, &n->deadline);
    fa_touch_notification(engine, n);
    fa_journal(engine, FA_J_PACKED,
               (struct fa_journal_ids){n->alarm, n->incident, digest->id, {{{0}}}}, NULL, 0);
}

/* Did the hours of its addressee close while it waited? */
static bool is_late(const struct fa_engine *engine, const struct fa_notification *n)
{
    return fa_quiet_until(engine, n) > engine->now.wall;
}

static struct fa_notification *companion(const struct fa_engine *engine, struct fa_notification *m,
                                         const struct fa_notification *n, bool is_all)
{
    while (m != NULL &&
           (m == n || !same_way(m, n) || !(is_all || same_group(m, n)) || is_late(engine, m))) {
        m = m->place->next;
    }
    return m;
}

/* The first one of what goes with it leaves alone when there is no second. */
static void leave(struct fa_engine *engine, struct fa_pace *pace, struct fa_notification *n,
                  bool is_all)
{
    struct fa_notification *digest = NULL, *m = companion(engine, pace->held.first, n, is_all),
                           *next;
    if (m != NULL) {
        digest = begin(engine, n);
        add_line(engine, digest, n); /* before any next is asked for: it might be this one */
    }
    for (; m != NULL && digest->lines->count < FA_DIGEST_LINES; m = next) {
        next = companion(engine, m->place->next, n, is_all);
        add_line(engine, digest, m);
    }
    if (digest == NULL) {
        take_out(n);
    }
    if (fa_notification_leave(engine, digest != NULL ? digest : n)) {
        fa_pace_count(engine, pace);
    }
}

void fa_digest_due(struct fa_engine *engine, struct fa_notification *n)
{
    struct fa_pace *pace = fa_pace_of(engine, n);
    bool is_turns = n->deadline.length == 0; /* it waited for the others of its turn */
    if (pace == NULL) {                      /* since a reload a program reads it */
        take_out(n);
        fa_notification_leave(engine, n);
        return;
    }
    fa_time full = fa_pace_full(engine, pace);
    if (is_late(engine, n)) {
        take_out(n);
        (void)fa_notification_hold(engine, n);
    } else if (is_turns && full > 0 && !n->instead) {
        hold_back(engine, pace, n, full);
    } else {
        leave(engine, pace, n, !is_turns);
    }
}

/* ---- a digest on its way ---- */

/* What happens to one line may take others out: none is looked at that is not one any more. */
static void each_line(struct fa_engine *engine, struct fa_notification *digest,
                      void (*fn)(struct fa_engine *engine, struct fa_notification *digest,
                                 struct fa_notification *line))
{
    struct fa_pack *pack = digest->lines;
    size_t count = 0;
    struct fa_notification **list =
        fa_xmalloc((pack->count + 1) * sizeof(struct fa_notification *));
    for (struct fa_notification *n = pack->first; n != NULL; n = n->place->next) {
        list[count++] = n;
    }
    for (size_t i = 0; i < count; i++) { /* what is settled is there until the step's end */
        if (list[i]->place != NULL && list[i]->place->pack == pack) {
            fn(engine, digest, list[i]);
        }
    }
    free(list);
}

static void refuse_line(struct fa_engine *engine, struct fa_notification *digest,
                        struct fa_notification *line)
{
    if (!fa_notification_may_leave(engine, line)) {
        fa_notification_refuse(engine, line);
    }
}

void fa_digest_add_id(struct fa_pack *pack, struct fa_notification_id id)
{
    pack->ids = fa_xgrow(pack->ids, pack->id_count, &pack->id_cap, sizeof id);
    pack->ids[pack->id_count++] = id;
}

static void send_line(struct fa_engine *engine, struct fa_notification *digest,
                      struct fa_notification *line)
{
    line->with_courier = true;
    if (line->failing == 0) {
        fa_digest_add_id(digest->lines, line->id);
        line->failing = digest->failing;
        fa_touch_notification(engine, line);
    }
}

bool fa_digest_leave(struct fa_engine *engine, struct fa_notification *digest)
{
    each_line(engine, digest, refuse_line);
    if (digest->lines->count == 0) {
        return false; /* settled with its last line */
    }
    fa_notification_send(engine, digest);
    each_line(engine, digest, send_line);
    return true;
}

bool fa_digest_is_wanted(const struct fa_notification *digest)
{
    const struct fa_notification *n = digest->lines->first;
    while (n != NULL && !fa_notification_is_wanted(n)) {
        n = n->place->next;
    }
    return n != NULL;
}

static void line_sent(struct fa_engine *engine, struct fa_notification *digest,
                      struct fa_notification *line)
{
    line->status = digest->status;
    line->attempts = digest->attempts;
    if (fa_engine_may_send(engine, line)) {
        fa_notification_sent(engine, line);
    } else {
        fa_notification_refuse(engine, line); /* it was left out on the way */
    }
}

void fa_digest_sent(struct fa_engine *engine, struct fa_notification *digest)
{
    size_t counted = 0;
    for (const struct fa_notification *n = digest->lines->first; n != NULL; n = n->place->next) {
        counted += !fa_notification_is_hidden(engine, n);
    }
    engine->stats.digests += counted > 1;
    fa_tally_digest_sent(engine, digest);
    fa_notification_record(engine, digest, FA_J_SENT, digest->status);
    fa_notification_settle(engine, digest, FA_NOTICE_SENT);
    each_line(engine, digest, line_sent);
}

static void line_moves_on(struct fa_engine *engine, struct fa_notification *digest,
                          struct fa_notification *line)
{
    line->status = digest->status;
    line->attempts = digest->attempts;
    if (!line->moved_on) {
        fa_notification_move_on(engine, line);
        fa_touch_notification(engine, line);
    }
}

void fa_digest_move_on(struct fa_engine *engine, struct fa_notification *digest)
{
    digest->moved_on = true;
    fa_notification_record(engine, digest, FA_J_MOVED_ON, digest->status);
    each_line(engine, digest, line_moves_on);
}

static void slow_down(struct fa_engine *engine, struct fa_notification *digest,
                      struct fa_notification *line)
{
    bool is_wanted = fa_notification_is_wanted(line);
    line->with_courier = false;
    if (is_wanted && fa_notification_is_superseded(line)) {
        fa_notification_record(engine, line, FA_J_DROPPED, line->status);
        fa_notification_settle(engine, line, FA_NOTICE_DROPPED);
    } else if (is_wanted) {
        fa_notification_to_state(engine, line, FA_NOTICE_SLOW);
    } else {
        fa_notification_record(engine, line, FA_J_DEAD, line->status);
        fa_notification_settle(engine, line, FA_NOTICE_DEAD);
    }
}

bool fa_digest_slow_down(struct fa_engine *engine, struct fa_notification *digest)
{
    each_line(engine, digest, slow_down);
    return digest->lines->count > 0;
}

void fa_engine_each_line(const struct fa_engine *engine, const struct fa_notification *digest,
                         fa_notification_fn *fn, void *ctx)
{
    const struct fa_notification *n = digest->lines != NULL ? digest->lines->first : NULL;
    for (; n != NULL; n = n->place->next) {
        if (fa_engine_may_send(engine, n)) {
            fn(ctx, n);
        }
    }
}

/* ---- after a restart ---- */

static void restore_lines(struct fa_engine *engine, struct fa_notification *digest)
{
    struct fa_pack *pack = digest->lines;
    pack->digest = digest;
    for (size_t i = 0; i < pack->id_count && is_under_way(digest); i++) {
        struct fa_notification *n = fa_book_find(&engine->notifications, pack->ids[i].id);
        if (n != NULL && n->place == NULL && n->lines == NULL && is_under_way(n)) {
            put(pack, n);
            n->with_courier = digest->state != FA_NOTICE_SLOW;
            fa_disarm(&engine->notification_heap, &n->deadline);
        }
    }
    if (pack->count == 0) {
        fa_notification_settle(engine, digest, FA_NOTICE_DROPPED);
    }
}

void fa_digest_restore(struct fa_engine *engine)
{
    for (struct fa_notification *n = engine->notifications.first; n != NULL; n = n->after) {
        if (n->lines != NULL) {
            restore_lines(engine, n);
        }
    }
    for (struct fa_notification *n = engine->notifications.first; n != NULL; n = n->after) {
        bool is_held = n->place == NULL && n->lines == NULL && n->state == FA_NOTICE_QUEUED &&
                       n->failing == 0 && n->deadline.length != FA_NEVER;
        struct fa_pace *pace = is_held ? fa_pace_of(engine, n) : NULL;
        if (pace != NULL && !fa_notification_hold(engine, n)) { /* hours may have closed since */
            put(&pace->held, n);
        }
    }
}
