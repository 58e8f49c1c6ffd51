/* SPDX-License-Identifier: MIT */
/* One loop turn: events into the engine as they come; at the turn's end the rules run, what is due
 * ticks, all records of the turn go to the store as one transaction, and what depends on it is
 * parked under its number.
 *
 * Invariants:
 *  1. No reply and no send leaves before the number it is parked under is durable.
 *  2. Journal numbers are given out in the order of the actions, within this turn's transaction.
 *  3. Without a store nothing is written; then only the operators' own troubles are told.
 */
#include "alarms/evidence.h"
#include "app/internal.h"
#include "base/crashpoint.h"
#include "base/panic.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Label sets evaluated in one turn; each may be an alarm, of about 20 us. What is left is evaluated
 * in the next turns, so that thousands at once hold up nobody. */
#define EVALUATE_MAX 128
/* Bytes that may wait for the writer before rules are evaluated further: what they raise could not
 * leave any earlier, and would only wait in memory. Bytes and not turns: while a slow disk syncs,
 * many turns bring a verdict or two, and the next group would hold little else. */
#define BEHIND_BYTES ((size_t)2 << 20)
/* What has left the queue of the parked gives its room back from so many on. */
#define PARKED_MAX 1024

#define SEED_COUNT (sizeof((struct fa_daemon *)NULL)->seeds / sizeof(struct fa_rng))

enum journal_tag { J_CODE = 1, J_ALARM, J_INCIDENT, J_NOTIFICATION, J_WHO, J_NUMBER, J_SILENCE };

static struct fa_parked *park(struct fa_daemon *daemon)
{
    struct fa_parking *parking = &daemon->parking;
    if (parking->first > 0 && parking->first == parking->count) {
        parking->first = parking->count = daemon->turn_from = 0;
    } else if (parking->first >= PARKED_MAX && parking->first >= parking->count / 2) {
        parking->count -= parking->first;
        daemon->turn_from -= parking->first;
        memmove(parking->items, parking->items + parking->first,
                parking->count * sizeof(struct fa_parked));
        parking->first = 0;
    }
    parking->items =
        fa_xgrow(parking->items, parking->count, &parking->cap, sizeof(struct fa_parked));
    struct fa_parked *item = &parking->items[parking->count++];
    *item = (struct fa_parked){0};
    return item;
}

void fa_turn_park_reply(struct fa_daemon *daemon, struct fa_http_request *req, int status,
                        const char *type, struct fa_str body)
{
    struct fa_parked *item = park(daemon);
    item->req = req;
    item->status = status;
    item->type = type;
    item->body = fa_xstrndup(body.ptr, body.len);
    item->body_len = body.len;
    fa_loop_again(daemon->loop);
}

/* ---- actions into the turn's transaction ---- */

static struct fa_txn *open_txn(struct fa_daemon *daemon)
{
    if (daemon->txn == NULL) {
        daemon->txn = fa_txn_begin(daemon->store);
    }
    return daemon->txn;
}

/* People are in the journal as keyed hashes: equal for one person, told to nobody by the file. */
static void put_who(struct fa_daemon *daemon, struct fa_str who, struct fa_buf *body)
{
    uint8_t hash[16];
    crypto_generichash(hash, sizeof hash, (const unsigned char *)who.ptr, who.len, daemon->key,
                       sizeof daemon->key);
    fa_rec_put_bytes(body, J_WHO, hash, sizeof hash);
}

static void put_id(struct fa_buf *body, uint32_t tag, struct fa_id id)
{
    if (!fa_id_is_zero(id)) {
        fa_rec_put_bytes(body, tag, id.bytes, FA_ID_BYTES);
    }
}

static void write_journal(struct fa_daemon *daemon, const struct fa_action *action, fa_time wall)
{
    struct fa_buf *body = &daemon->journal_body;
    fa_buf_clear(body);
    fa_rec_put_u64(body, J_CODE, action->u.journal.code);
    put_id(body, J_ALARM, action->u.journal.alarm.id);
    put_id(body, J_INCIDENT, action->u.journal.incident.id);
    put_id(body, J_NOTIFICATION, action->u.journal.notification.id);
    put_id(body, J_SILENCE, action->u.journal.silence.id);
    if (action->u.journal.who_len > 0) {
        put_who(daemon,
                (struct fa_str){daemon->actions.bytes.data + action->u.journal.who_at,
                                action->u.journal.who_len},
                body);
    }
    fa_rec_put_i64(body, J_NUMBER, action->u.journal.number);
    uint64_t n = 0;
    int rc = fa_txn_journal(open_txn(daemon), wall, fa_buf_str(body), &n);
    fa_assert(rc == 0);
    daemon->journal_next = n + 1;
}

static void put_row(struct fa_daemon *daemon, const struct fa_row *row)
{
    int rc = fa_txn_put(open_txn(daemon), row);
    fa_assert(rc == 0);
    if (row->kind == FA_ROW_INCIDENT && !row->live) {
        fa_known_add(daemon, row->key);
    }
}

/* What the rules cannot say yet is put off. */
static void write_evidence(struct fa_daemon *daemon, struct fa_row *row,
                           const struct fa_action *action)
{
    if (!fa_evidence_finish(daemon, row->value, &daemon->evidence)) {
        struct fa_actions *unfinished = &daemon->unfinished;
        unfinished->list =
            fa_xgrow(unfinished->list, unfinished->count, &unfinished->cap, sizeof *action);
        struct fa_action *kept = &unfinished->list[unfinished->count++];
        *kept = *action;
        kept->u.row.at = unfinished->bytes.len;
        fa_buf_putstr(&unfinished->bytes, row->value);
        return;
    }
    row->value = fa_buf_str(&daemon->evidence);
    put_row(daemon, row);
}

static void write_row(struct fa_daemon *daemon, const struct fa_action *action,
                      const struct fa_buf *bytes)
{
    struct fa_row row = {
        .kind = action->u.row.kind,
        .live = action->u.row.live,
        .time = action->u.row.time,
        .key = {(const char *)action->u.row.key, action->u.row.key_len},
        .value = {bytes->data + action->u.row.at, action->u.row.len},
    };
    if (action->kind == FA_ACT_ERASE) {
        int rc = fa_txn_erase(open_txn(daemon), row.kind, row.key);
        fa_assert(rc == 0);
    } else if (row.kind == FA_ROW_EVIDENCE || row.kind == FA_ROW_RAISED) {
        write_evidence(daemon, &row, action);
    } else {
        put_row(daemon, &row);
    }
}

static void write_unfinished(struct fa_daemon *daemon)
{
    struct fa_actions *unfinished = &daemon->unfinished;
    for (size_t i = 0; i < unfinished->count; i++) {
        write_row(daemon, &unfinished->list[i], &unfinished->bytes);
    }
    fa_actions_clear(unfinished);
    daemon->explained = 0;
}

static void carry_out(struct fa_daemon *daemon, fa_time wall, struct fa_api_answer *answer)
{
    for (size_t i = 0; i < daemon->actions.count; i++) {
        const struct fa_action *action = &daemon->actions.list[i];
        switch (action->kind) {
        case FA_ACT_PUT:
        case FA_ACT_ERASE:
            if (daemon->store != NULL) {
                write_row(daemon, action, &daemon->actions.bytes);
            }
            break;
        case FA_ACT_JOURNAL:
            if (daemon->store != NULL) {
                write_journal(daemon, action, wall);
            }
            break;
        case FA_ACT_SEND:
            park(daemon)->send = action->u.send;
            break;
        case FA_ACT_REPLY:
            answer->code = action->u.reply.code;
            answer->already = action->u.reply.already;
            answer->count = action->u.reply.count;
            answer->silence = action->u.reply.silence;
            break;
        }
    }
    fa_actions_clear(&daemon->actions);
}

/* The kernel is asked for many seeds at once: a storm is thousands of events. */
static void seed(struct fa_daemon *daemon, struct fa_rng *rng)
{
    if (daemon->seed_left == 0) {
        randombytes_buf(daemon->seeds, sizeof daemon->seeds);
        daemon->seed_left = SEED_COUNT;
    }
    struct fa_rng *next = &daemon->seeds[--daemon->seed_left];
    *rng = *next;
    *next = (struct fa_rng){{0}};
}

struct fa_api_answer fa_turn_step(struct fa_daemon *daemon, struct fa_event *event)
{
    struct fa_api_answer answer = {0};
    struct fa_now now = fa_loop_now(daemon->loop);
    seed(daemon, &event->rng);
    event->reply_to = 1;
    fa_engine_step(daemon->engine, event, now, &daemon->actions);
    carry_out(daemon, now.wall, &answer);
    if (!daemon->rules_run) { /* else this turn still submits it */
        fa_loop_again(daemon->loop);
    }
    return answer;
}

uint64_t fa_turn_next_journal(const struct fa_daemon *daemon)
{
    return daemon->journal_next;
}

void fa_turn_trouble(struct fa_daemon *daemon, const char *code, bool over, const char *fmt, ...)
{
    char text[256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    text[fa_utf8_cut(fa_str_of(text), sizeof text)] = '\0'; /* long ones may end in a character */
    if (daemon->engine != NULL) {
        struct fa_event event = {.kind = FA_EV_TROUBLE,
                                 .u.trouble = {.code = code, .text = text, .over = over}};
        fa_turn_step(daemon, &event);
    }
}

void fa_turn_trouble_once(struct fa_daemon *daemon, const char *code, const char *text)
{
    struct fa_event event = {.kind = FA_EV_TROUBLE,
                             .u.trouble = {.code = code, .text = text, .once = true}};
    fa_turn_step(daemon, &event);
}

/* ---- the turn's end ---- */

static void on_signal(void *ctx, const struct fa_signal *signal)
{
    struct fa_event event = {.kind = FA_EV_SIGNAL, .u.signal = signal};
    fa_turn_step(ctx, &event);
    fa_changes_note(ctx, signal);
}

/* A disk that is full is another matter: what happens meanwhile must not be forgotten. */
static bool is_behind(const struct fa_daemon *daemon)
{
    struct fa_store_stats stats;
    fa_store_stats(daemon->store, &stats);
    return !daemon->store_full && stats.waiting_bytes > BEHIND_BYTES;
}

/* Wall time of what rules do that neither sample nor alert causes. */
static fa_time next_rule(const struct fa_daemon *daemon)
{
    fa_time rules = fa_rules_next(daemon->rules), foreign = fa_foreign_next(daemon->foreign);
    return rules < foreign ? rules : foreign;
}

static void run_rules(struct fa_daemon *daemon, struct fa_now now)
{
    bool due = daemon->rules_dirty || next_rule(daemon) <= now.wall;
    if (due && daemon->store != NULL && !daemon->stopping && !is_behind(daemon)) {
        FA_CRASHPOINT("app.before_rules");
        bool foreign = fa_foreign_run_some(daemon->foreign, now, EVALUATE_MAX, on_signal, daemon);
        daemon->rules_run = true;
        daemon->rules_dirty =
            fa_rules_run_some(daemon->rules, now, EVALUATE_MAX, on_signal, daemon) || foreign;
        daemon->rules_run = false;
        write_unfinished(daemon);
        FA_CRASHPOINT("app.after_rules");
        if (daemon->rules_dirty) {
            fa_loop_again(daemon->loop);
        }
    }
}

static void set_deadline(struct fa_daemon *daemon, struct fa_now now)
{
    fa_time next = fa_engine_next_deadline(daemon->engine);
    /* The writer's next commit makes a turn too. */
    bool wait = daemon->store == NULL || is_behind(daemon);
    fa_time rules = wait ? FA_NEVER : next_rule(daemon);
    next = next == FA_NEVER ? FA_NEVER : now.wall + (next - now.mono);
    fa_loop_set_deadline(daemon->loop, next < rules ? next : rules);
}

void fa_turn_release(struct fa_daemon *daemon)
{
    struct fa_parking *parking = &daemon->parking;
    uint64_t durable = daemon->store != NULL ? fa_store_durable(daemon->store) : UINT64_MAX;
    while (parking->first < daemon->turn_from && parking->items[parking->first].commit <= durable) {
        /* A copy: the next request of this connection may be read at once and park its own. */
        struct fa_parked item = parking->items[parking->first++];
        if (item.req != NULL) {
            FA_CRASHPOINT("app.before_reply");
            fa_http_reply(item.req, item.status, item.type,
                          (struct fa_str){item.body, item.body_len});
            FA_CRASHPOINT("app.after_reply");
            free(item.body);
        } else {
            fa_sender_queue(daemon, item.send);
        }
    }
    fa_sender_pump(daemon);
}

void fa_turn_submit(struct fa_daemon *daemon)
{
    if (daemon->txn != NULL) {
        FA_CRASHPOINT("app.before_submit");
        daemon->last_commit = fa_txn_submit(daemon->txn);
        daemon->txn = NULL;
    }
}

uint64_t fa_turn_write(struct fa_daemon *daemon, uint32_t kind, struct fa_str key)
{
    fa_time wall = fa_loop_now(daemon->loop).wall;
    struct fa_row row = {
        .kind = kind,
        .live = true,
        .time = wall,
        .key = key,
        .value = {(const char *)&wall, sizeof wall},
    };
    put_row(daemon, &row);
    fa_turn_submit(daemon);
    return daemon->last_commit;
}

static void end_turn(void *self)
{
    struct fa_daemon *daemon = self;
    struct fa_now now = fa_loop_now(daemon->loop);
    if (daemon->engine == NULL) {
        return;
    }
    run_rules(daemon, now);
    if (fa_engine_next_deadline(daemon->engine) <= now.mono) {
        struct fa_event event = {.kind = FA_EV_TICK};
        FA_CRASHPOINT("app.before_tick");
        fa_turn_step(daemon, &event);
        FA_CRASHPOINT("app.after_tick");
    }
    fa_turn_submit(daemon);
    for (size_t i = daemon->turn_from; i < daemon->parking.count; i++) {
        daemon->parking.items[i].commit = daemon->last_commit;
    }
    daemon->turn_from = daemon->parking.count;
    fa_turn_release(daemon);
    set_deadline(daemon, now);
}

static void on_deadline(void *self)
{
    /* The turn's end looks at what is due. */
}

static void on_jump(void *self, const struct fa_clock_jump *jump)
{
    struct fa_daemon *daemon = self;
    struct fa_event event = {.kind = FA_EV_CLOCK, .u.clock = {jump->delta_ms}};
    char length[40];
    bool back = jump->delta_ms < 0, far = fa_clock_is_stepped(jump->delta_ms);
    fa_log(FA_LOG_WARNING, "the wall clock stepped %s by %s%s", back ? "back" : "forward",
           fa_format_duration(back ? -jump->delta_ms : jump->delta_ms, length),
           far ? ": deadlines keep their length, and samples are gathered anew" : "");
    if (daemon->engine != NULL) {
        fa_turn_step(daemon, &event);
        fa_windows_step(daemon, jump->delta_ms);
    }
}

void fa_turn_init(struct fa_daemon *daemon)
{
    fa_actions_init(&daemon->actions);
    fa_buf_init(&daemon->journal_body, 4096);
    fa_buf_init(&daemon->evidence, FA_EVIDENCE_BYTES_MAX);
    fa_actions_init(&daemon->unfinished);
    fa_loop_on_turn(daemon->loop, end_turn, daemon);
    fa_loop_on_deadline(daemon->loop, on_deadline, daemon);
    fa_loop_on_clock_jump(daemon->loop, on_jump, daemon);
}

void fa_turn_done(struct fa_daemon *daemon)
{
    for (size_t i = daemon->parking.first; i < daemon->parking.count; i++) {
        if (daemon->parking.items[i].req != NULL) {
            fa_http_release(daemon->parking.items[i].req);
            free(daemon->parking.items[i].body);
        }
    }
    free(daemon->parking.items);
    fa_actions_done(&daemon->actions);
    fa_buf_done(&daemon->journal_body);
    fa_buf_done(&daemon->evidence);
    fa_actions_done(&daemon->unfinished);
}
