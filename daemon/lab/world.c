/* SPDX-License-Identifier: MIT */
/* The clock, a turn of the loop, starts and stops.
 *
 * Invariants:
 *  1. Time moves from one thing that is due to the next, never past one.
 *  2. Everything that happens at one instant happens in one order: commits, verdicts, samples,
 *     rules, the engine's own deadlines.
 *  3. The seed of an event follows from its time, its kind and its place among those of its kind at
 *     that instant: a restart between two events changes no id of the second.
 *
 * It knows nothing of scenarios. What a real host decides by itself (the order of sockets, how many
 * events share a turn) is fixed here; the promises to the engine are the same. */
#include "lab/world.h"

#include "metrics/save.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUSY_MAX 20000u

void fa_lab_init(struct fa_lab *lab)
{
    *lab = (struct fa_lab){.mono_offset = 5 * FA_SECOND,
                           .interval = FA_MINUTE,
                           .upset = -FA_HOUR,
                           .reloaded = -FA_HOUR};
    fa_actions_init(&lab->actions);
    fa_lab_store_init(&lab->store);
    fa_lab_post_init(&lab->post);
    fa_buf_init(&lab->story, (size_t)8 << 20);
    fa_buf_init(&lab->checkpoint, SIZE_MAX / 2);
    lab->digest = UINT64_C(14695981039346656037);
}

static void drop_daemon(struct fa_lab *lab)
{
    fa_rules_free(lab->rules);
    fa_foreign_free(lab->foreign);
    fa_metrics_free(lab->metrics);
    fa_engine_free(lab->engine);
    lab->rules = NULL;
    lab->foreign = NULL;
    lab->metrics = NULL;
    lab->engine = NULL;
    fa_actions_clear(&lab->actions);
}

void fa_lab_done(struct fa_lab *lab)
{
    drop_daemon(lab);
    fa_buf_done(&lab->checkpoint);
    fa_actions_done(&lab->actions);
    fa_lab_store_done(&lab->store);
    fa_lab_post_done(&lab->post);
    fa_lab_feed_done(lab);
    fa_lab_alerts_done(lab);
    fa_lab_fed_done(lab);
    fa_lab_numbers_done(lab);
    fa_lab_seen_done(lab);
    fa_lab_weekly_done(lab);
    free(lab->spared);
    fa_config_free(lab->config);
    for (size_t i = 0; i < lab->piece_count; i++) {
        free(lab->pieces[i].name);
        free(lab->pieces[i].text);
    }
    free(lab->pieces);
    fa_buf_done(&lab->story);
}

struct fa_now fa_lab_now(const struct fa_lab *lab)
{
    return (struct fa_now){.mono = lab->elapsed + lab->mono_offset,
                           .wall = FA_LAB_BEGIN + lab->elapsed + lab->wall_offset};
}

void fa_lab_fail(struct fa_lab *lab, const char *fmt, ...)
{
    va_list args;
    if (lab->failed) {
        return;
    }
    lab->failed = true;
    va_start(args, fmt);
    vsnprintf(lab->failure, sizeof lab->failure, fmt, args);
    va_end(args);
}

void fa_lab_tell(struct fa_lab *lab, const char *fmt, ...)
{
    char text[1024], since[48];
    va_list args;
    if (lab->mute) {
        return;
    }
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    fa_buf_printf(&lab->story, "  %-12s %s\n", fa_lab_since(lab->elapsed, since), text);
}

/* ---- a turn ---- */

static uint64_t mix(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static void hash_bytes(struct fa_lab *lab, const void *data, size_t len)
{
    const unsigned char *bytes = data;
    for (size_t i = 0; i < len; i++) {
        lab->digest = (lab->digest ^ bytes[i]) * UINT64_C(1099511628211);
    }
}

static void hash_action(struct fa_lab *lab, const struct fa_action *action)
{
    hash_bytes(lab, &action->kind, sizeof action->kind);
    switch (action->kind) {
    case FA_ACT_PUT:
    case FA_ACT_ERASE:
        hash_bytes(lab, &action->u.row.kind, sizeof action->u.row.kind);
        hash_bytes(lab, &action->u.row.live, sizeof action->u.row.live);
        hash_bytes(lab, action->u.row.key, action->u.row.key_len);
        break;
    case FA_ACT_JOURNAL:
        hash_bytes(lab, &action->u.journal.code, sizeof action->u.journal.code);
        hash_bytes(lab, &action->u.journal.number, sizeof action->u.journal.number);
        hash_bytes(lab, &action->u.journal.alarm, sizeof action->u.journal.alarm);
        break;
    case FA_ACT_SEND:
        hash_bytes(lab, &action->u.send, sizeof action->u.send);
        break;
    case FA_ACT_REPLY:
        hash_bytes(lab, &action->u.reply.code, sizeof action->u.reply.code);
        break;
    }
}

static void hash_step(struct fa_lab *lab)
{
    for (size_t i = lab->step_from; i < lab->actions.count; i++) {
        hash_action(lab, &lab->actions.list[i]);
    }
    struct fa_str bytes = fa_buf_str(&lab->actions.bytes);
    hash_bytes(lab, bytes.ptr, bytes.len);
}

void fa_lab_step(struct fa_lab *lab, struct fa_event *event)
{
    uint64_t place = ((uint64_t)event->kind << 32) | lab->events[event->kind]++;
    event->rng.state[0] = mix((uint64_t)lab->elapsed ^ mix(place));
    event->rng.state[1] = mix(event->rng.state[0]);
    lab->step_from = lab->actions.count;
    lab->event = event;
    fa_lab_cover_event(lab, event);
    fa_engine_step(lab->engine, event, fa_lab_now(lab), &lab->actions);
    hash_step(lab);
    fa_lab_choose_look(lab);
    fa_lab_note_rows(lab, &lab->actions, lab->step_from);
    fa_lab_see_step(lab);
    if (!lab->unchecked) {
        fa_lab_check_step(lab);
        fa_lab_owed_step(lab);
        fa_lab_storm_step(lab);
        fa_lab_due_step(lab);
        fa_lab_weekly_step(lab);
    }
    fa_lab_see_alarms(lab);
    fa_lab_cover_step(lab);
    lab->event = NULL;
}

void fa_lab_turn_end(struct fa_lab *lab)
{
    fa_lab_check_turn(lab);
    fa_lab_commit_take(lab, &lab->actions);
}

void fa_lab_turn(struct fa_lab *lab, struct fa_event *event)
{
    fa_lab_step(lab, event);
    fa_lab_turn_end(lab);
}

/* ---- time ---- */

static fa_time earlier(fa_time a, fa_time b)
{
    return a < b ? a : b;
}

static fa_time engine_next(const struct fa_lab *lab)
{
    fa_time at = lab->engine != NULL ? fa_engine_next_deadline(lab->engine) : FA_NEVER;
    return at != FA_NEVER ? at - lab->mono_offset : FA_NEVER;
}

static fa_time rules_next(const struct fa_lab *lab)
{
    fa_time at = lab->rules != NULL
                     ? earlier(fa_rules_next(lab->rules), fa_foreign_next(lab->foreign))
                     : FA_NEVER;
    return at != FA_NEVER ? at - FA_LAB_BEGIN - lab->wall_offset : FA_NEVER;
}

fa_time fa_lab_next(const struct fa_lab *lab)
{
    fa_time next = earlier(fa_lab_commit_next(lab), fa_lab_post_next(lab));
    next = earlier(next, fa_lab_feed_next(lab));
    next = earlier(next, fa_lab_alerts_next(lab));
    next = earlier(next, rules_next(lab));
    return earlier(next, engine_next(lab));
}

static void move_to(struct fa_lab *lab, fa_time elapsed)
{
    if (elapsed > lab->elapsed) {
        lab->elapsed = elapsed;
        lab->busy = 0;
        memset(lab->events, 0, sizeof lab->events);
    } else if (++lab->busy > BUSY_MAX) {
        fa_lab_fail(lab, "something is due again and again and time cannot go on");
    }
}

static void run_due(struct fa_lab *lab)
{
    fa_lab_commit_due(lab);
    fa_lab_post_due(lab);
    fa_lab_feed_due(lab);
    fa_lab_alerts_due(lab);
    if (rules_next(lab) <= lab->elapsed) {
        fa_lab_run_rules(lab);
    }
    if (engine_next(lab) <= lab->elapsed) {
        struct fa_event tick = {.kind = FA_EV_TICK};
        fa_lab_turn(lab, &tick);
    }
}

void fa_lab_advance_to(struct fa_lab *lab, fa_time elapsed)
{
    for (fa_time next; !lab->failed && (next = fa_lab_next(lab)) <= elapsed;) {
        move_to(lab, next);
        run_due(lab);
    }
    if (!lab->failed && elapsed > lab->elapsed) {
        move_to(lab, elapsed);
    }
}

/* ---- starts and stops ---- */

/* As app/ does it: windows are kept by wall time. */
static void forget_windows(struct fa_lab *lab, fa_time shift)
{
    struct fa_metrics *old = lab->metrics;
    fa_lab_fed_forget(lab, NULL);
    lab->metrics = fa_metrics_new(NULL);
    lab->remade = lab->elapsed;
    fa_lab_make_rules(lab, shift);
    fa_metrics_free(old);
}

/* As app/ does it: samples and what rules remember come from the checkpoint, and what cannot be
 * used leaves nothing behind. */
static void load_checkpoint(struct fa_lab *lab)
{
    struct fa_str bytes = fa_buf_str(&lab->checkpoint);
    struct fa_loaded loaded;
    struct fa_err err;
    bool there = bytes.len > 0;
    lab->metrics = fa_metrics_new(NULL);
    (void)fa_metrics_feed(lab->metrics, "lab");
    fa_lab_make_rules(lab, 0);
    if (there && fa_metrics_load(lab->metrics, bytes, fa_lab_now(lab), &loaded, &err) == 0) {
        fa_rules_load(lab->rules, bytes);
    } else if (there) {
        forget_windows(lab, 0);
    }
}

void fa_lab_start(struct fa_lab *lab)
{
    const struct fa_setup *setup = &lab->config->setup;
    /* A boot clock that has nothing to do with the last one. */
    lab->mono_offset = 5 * FA_SECOND - lab->elapsed;
    fa_lab_owed_start(lab);
    fa_lab_storm_start(lab);
    lab->engine = fa_engine_new(setup);
    fa_lab_load(lab);
    fa_lab_check_load(lab);
    lab->remade = lab->elapsed;
    load_checkpoint(lab);
    for (size_t i = 0; i < lab->alarm_count; i++) {
        lab->alarms[i].last_step = lab->elapsed;
    }
    fa_lab_tell(lab, "the daemon starts");
    struct fa_event start = {.kind = FA_EV_START, .u.start.last_wall = lab->store.last_wall};
    fa_lab_turn(lab, &start);
    fa_lab_run_rules(lab);
}

/* Samples and what rules remember; a kill comes before the first was written. */
static void keep_checkpoint(struct fa_lab *lab, bool clean)
{
    struct fa_save save = {0};
    struct fa_rules_save rules = {0};
    fa_buf_clear(&lab->checkpoint);
    if (clean) {
        (void)fa_metrics_save(lab->metrics, &save, fa_lab_now(lab), SIZE_MAX, &lab->checkpoint);
        (void)fa_rules_save(lab->rules, &rules, SIZE_MAX, &lab->checkpoint);
    } else {
        fa_lab_fed_forget(lab, NULL);
    }
}

void fa_lab_stop(struct fa_lab *lab, bool clean)
{
    keep_checkpoint(lab, clean);
    if (clean && !lab->store.full) {
        fa_lab_commit_all(lab);
    }
    bool is_lost = lab->store.count > 0;
    fa_lab_commit_lose(lab);
    fa_lab_post_drop(lab);
    fa_lab_owed_stop(lab);
    fa_lab_due_stop(lab, clean && !is_lost);
    fa_lab_weekly_stop(lab, is_lost);
    if (is_lost && lab->elapsed <= lab->jumped + lab->store.takes) {
        lab->stopped_offset = FA_NEVER; /* that the clock stepped may not have been durable */
    }
    drop_daemon(lab);
    fa_lab_tell(lab, clean ? "the daemon stops" : "the daemon is killed");
}

void fa_lab_jump(struct fa_lab *lab, fa_time delta)
{
    struct fa_event event = {.kind = FA_EV_CLOCK, .u.clock.delta = delta};
    char length[40];
    lab->wall_offset += delta;
    lab->jumped = lab->upset = lab->elapsed;
    fa_lab_tell(lab, "the wall clock jumps %s%s", delta < 0 ? "-" : "+",
                fa_format_duration(delta < 0 ? -delta : delta, length));
    if (lab->engine != NULL) {
        fa_lab_turn(lab, &event);
        if (fa_clock_is_stepped(delta)) {
            forget_windows(lab, delta);
            fa_lab_run_rules(lab);
        }
    }
}

void fa_lab_reload(struct fa_lab *lab, struct fa_config *config)
{
    struct fa_config *old = lab->config;
    struct fa_event event = {.kind = FA_EV_RELOAD, .u.reload.setup = &config->setup};
    lab->config = config;
    fa_lab_tell(lab, "another configuration");
    if (lab->engine != NULL) {
        fa_lab_make_rules(lab, 0);
        fa_metrics_sweep(lab->metrics);
        fa_lab_step(lab, &event);
        fa_lab_turn_end(lab);
    }
    fa_config_free(old);
    if (lab->engine != NULL) {
        fa_lab_run_rules(lab);
    }
}
