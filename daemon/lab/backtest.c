/* SPDX-License-Identifier: MIT */
/* Plays samples of the past through the virtual world and notes what the rules and the engine say.
 *
 * A firing begins when its alarm is raised (so `for` is over) or resumed, and ends when the rule
 * says that it is over: what people would have done to the alarm is not known. Missing data end
 * none. All samples of one time are one decode unit. */
#include "lab/backtest.h"
#include "lab/backtest_parts.h"
#include "lab/playlist.h"
#include "lab/world.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PROGRESS_EACH 4096u
/* What the newest sample made due is still played. */
#define AFTER FA_MINUTE

struct open_firing {
    struct fa_backtest_rule *rule;
    size_t firing; /* index */
};

struct owner { /* who will own an alarm, and when */
    struct fa_alarm_id alarm;
    const char *who;
    fa_time at; /* elapsed */
};

struct replay {
    struct fa_lab lab;
    const struct fa_backtest_options *options;
    struct fa_backtest *report;
    fa_time begin; /* wall time of the world's beginning */
    struct open_firing *open;
    size_t open_count, open_cap;
    struct owner *owners;
    size_t owner_count, owner_cap;
    uint32_t column; /* of the plots: the one under way */
};

/* ---- what is noted ---- */

static struct fa_backtest_rule *rule_named(struct replay *replay, const char *name)
{
    for (size_t i = 0; i < replay->report->rule_count; i++) {
        if (strcmp(replay->report->rules[i].rule->name, name) == 0) {
            return &replay->report->rules[i];
        }
    }
    return NULL;
}

static void note_value(struct replay *replay, struct fa_backtest_rule *rule, double value)
{
    double threshold;
    bool above = true;
    if (isnan(value) || replay->column >= replay->report->columns) {
        return;
    }
    (void)fa_backtest_threshold(rule->rule, &threshold, &above);
    double *worst = &rule->values[replay->column];
    if (isnan(*worst) || (above ? value > *worst : value < *worst)) {
        *worst = value;
    }
}

static void end_firing(struct replay *replay, const struct fa_backtest_rule *rule,
                       const char *labels, fa_time at)
{
    for (size_t i = 0; i < replay->open_count; i++) {
        struct open_firing *open = &replay->open[i];
        struct fa_backtest_firing *firing = &open->rule->firings[open->firing];
        if (open->rule == rule && strcmp(firing->labels, labels) == 0) {
            firing->to = at;
            firing->open = false;
            *open = replay->open[--replay->open_count];
            return;
        }
    }
}

static void on_signal(void *ctx, const struct fa_signal *signal)
{
    struct replay *replay = ctx;
    struct fa_backtest_rule *rule = rule_named(replay, signal->rule->name);
    if (rule != NULL && signal->level == FA_LEVEL_FIRING) {
        note_value(replay, rule, signal->value);
    } else if (rule != NULL && signal->level == FA_LEVEL_CLEAR) {
        end_firing(replay, rule, signal->labels, fa_lab_now(&replay->lab).wall);
    }
}

static void begin_firing(struct replay *replay, struct fa_backtest_rule *rule, const char *labels)
{
    fa_time now = fa_lab_now(&replay->lab).wall;
    end_firing(replay, rule, labels, now);
    rule->firings =
        fa_xgrow(rule->firings, rule->firing_count, &rule->firing_cap, sizeof rule->firings[0]);
    replay->open =
        fa_xgrow(replay->open, replay->open_count, &replay->open_cap, sizeof replay->open[0]);
    replay->open[replay->open_count++] = (struct open_firing){rule, rule->firing_count};
    rule->firings[rule->firing_count++] = (struct fa_backtest_firing){
        .from = now, .to = now, .labels = fa_xstrdup(labels), .open = true};
}

static void on_journal(void *ctx, const struct fa_action *action, const struct fa_lab_alarm *seen)
{
    struct replay *replay = ctx;
    enum fa_journal_code code = action->u.journal.code;
    struct fa_backtest_rule *rule = seen != NULL ? rule_named(replay, seen->rule) : NULL;
    if (rule == NULL) {
        return;
    }
    if (code == FA_J_RAISED || code == FA_J_RESUMED) {
        begin_firing(replay, rule, seen->labels);
    } else if (code == FA_J_STEP) {
        rule->steps =
            fa_xgrow(rule->steps, rule->step_count, &rule->step_cap, sizeof rule->steps[0]);
        rule->steps[rule->step_count++] =
            (struct fa_backtest_step){.at = fa_lab_now(&replay->lab).wall,
                                      .step = (uint32_t)(action->u.journal.number % 1000),
                                      .loop = (uint32_t)(action->u.journal.number / 1000)};
    }
}

/* ---- who is called, and answers ---- */

static bool is_call(enum fa_notification_kind kind)
{
    return kind == FA_NOTE_ALARM || kind == FA_NOTE_REMINDER || kind == FA_NOTE_OVERDUE ||
           kind == FA_NOTE_UNOWNED;
}

static bool is_night(const struct fa_backtest_options *options, fa_time wall)
{
    fa_time local = wall + (options->zone != NULL ? options->zone(wall) : 0);
    fa_time minute = ((local % FA_DAY + FA_DAY) % FA_DAY) / FA_MINUTE;
    return options->night_from <= options->night_to
               ? minute >= options->night_from && minute < options->night_to
               : minute >= options->night_from || minute < options->night_to;
}

static void count_call(struct fa_backtest *report, const char *who, bool at_night)
{
    size_t i = 0;
    while (i < report->person_count && strcmp(report->people[i].name, who) != 0) {
        i++;
    }
    if (i < report->person_count) { /* everybody of the configuration is there meanwhile */
        report->people[i].calls++;
        report->people[i].at_night += at_night;
    }
}

static void plan_owner(struct replay *replay, const struct fa_lab_delivery *delivery)
{
    for (size_t i = 0; i < replay->owner_count; i++) {
        if (fa_id_eq(replay->owners[i].alarm.id, delivery->alarm.id)) {
            return;
        }
    }
    const struct fa_directory *dir = replay->lab.config->people;
    fa_person person = fa_directory_find(dir, fa_str_of(delivery->person));
    replay->owners =
        fa_xgrow(replay->owners, replay->owner_count, &replay->owner_cap, sizeof(struct owner));
    replay->owners[replay->owner_count++] =
        (struct owner){delivery->alarm, dir->people[person].name,
                       replay->lab.elapsed + replay->options->owned_after};
}

static void on_told(void *ctx, const struct fa_lab_delivery *delivery)
{
    struct replay *replay = ctx;
    const struct fa_lab_alarm *seen = fa_lab_find_alarm(&replay->lab, delivery->alarm);
    struct fa_backtest_rule *rule = seen != NULL ? rule_named(replay, seen->rule) : NULL;
    if (rule == NULL) {
        return;
    }
    if (!is_call(delivery->kind)) {
        rule->messages++;
        return;
    }
    bool at_night = is_night(replay->options, fa_lab_now(&replay->lab).wall);
    rule->calls++;
    rule->calls_at_night += at_night;
    count_call(replay->report, delivery->person, at_night);
    if (rule->step_count > 0) {
        rule->steps[rule->step_count - 1].people++;
    }
    if (replay->options->owned_after != FA_NEVER) {
        plan_owner(replay, delivery);
    }
}

static struct owner *next_owner(const struct replay *replay)
{
    struct owner *next = NULL;
    for (size_t i = 0; i < replay->owner_count; i++) {
        if (next == NULL || replay->owners[i].at < next->at) {
            next = &replay->owners[i];
        }
    }
    return next;
}

/* Owns it, for as long as the severity lets, and renews the promise in time until it is over. */
static void own(struct replay *replay, struct owner *owner)
{
    struct fa_lab *lab = &replay->lab;
    const struct fa_alarm *alarm = fa_engine_alarm(lab->engine, owner->alarm);
    if (alarm == NULL || alarm->state == FA_ALARM_RESOLVED || alarm->state == FA_ALARM_RETURNED) {
        *owner = replay->owners[--replay->owner_count];
        return;
    }
    const struct fa_severity *severity =
        fa_setup_severity(&lab->config->setup, alarm->texts->severity);
    fa_time length = severity != NULL ? severity->ack_max : FA_HOUR;
    struct fa_event event = {.kind = FA_EV_ACK,
                             .u.act = {.alarm = owner->alarm, .who = owner->who, .for_ms = length}};
    owner->at = lab->elapsed + (length > 2 * FA_MINUTE ? length - FA_MINUTE : length / 2 + 1);
    fa_lab_turn(lab, &event);
}

static void advance(struct replay *replay, fa_time to)
{
    struct fa_lab *lab = &replay->lab;
    for (;;) {
        struct owner *owner = next_owner(replay);
        fa_time next = fa_lab_next(lab);
        bool owns = owner != NULL && owner->at <= next;
        next = owns ? owner->at : next;
        if (next > to || lab->failed) {
            break;
        }
        fa_lab_advance_to(lab, next);
        if (owns && !lab->failed) {
            own(replay, owner);
        }
    }
    fa_lab_advance_to(lab, to);
}

/* ---- time ---- */

/* The columns that end before this time are complete: what the rules say now is their value. */
static void look(void *ctx, const struct fa_rule_status *status)
{
    struct fa_backtest_rule *rule = rule_named(ctx, status->rule->name);
    if (rule != NULL) {
        note_value(ctx, rule, status->value);
    }
}

static void fill_columns(struct replay *replay, fa_time now)
{
    const struct fa_backtest *report = replay->report;
    while (replay->column < report->columns && now >= report->from + (report->to - report->from) *
                                                                         (replay->column + 1) /
                                                                         (fa_time)report->columns) {
        fa_rules_each(replay->lab.rules, look, replay);
        replay->column++;
    }
}

static void play_all(struct replay *replay, struct fa_playlist *list)
{
    const struct fa_backtest_options *options = replay->options;
    struct fa_lab *lab = &replay->lab;
    fa_time at;
    for (size_t i = 0; (at = fa_playlist_next(list)) != FA_NEVER && !lab->failed; i++) {
        advance(replay, at - replay->begin);
        fa_playlist_push(list, fa_lab_now(lab));
        fa_lab_run_rules(lab);
        fill_columns(replay, at);
        if (options->progress != NULL && i % PROGRESS_EACH == 0) {
            options->progress(options->ctx, fa_playlist_done(list));
        }
    }
    advance(replay, lab->elapsed + AFTER);
}

/* ---- the world ---- */

static void start(struct replay *replay, const struct fa_config *config)
{
    struct fa_lab *lab = &replay->lab;
    fa_lab_init(lab);
    lab->mute = lab->unchecked = true;
    lab->config = (struct fa_config *)(uintptr_t)config; /* taken out again before the end */
    lab->wall_offset = replay->begin - FA_LAB_BEGIN;
    fa_lab_start(lab);
}

static void stop(struct replay *replay)
{
    replay->lab.config = NULL;
    fa_lab_done(&replay->lab);
    free(replay->open);
    free(replay->owners);
}

int fa_backtest_play(const struct fa_config *config, struct fa_history *history,
                     const struct fa_backtest_options *options, struct fa_backtest *report,
                     struct fa_err *err)
{
    struct replay replay = {.options = options, .report = report};
    const struct fa_lab_watch watch = {on_signal, on_journal, on_told, &replay};
    int ret = fa_backtest_span(history, options, &replay.begin, err);
    if (ret != 0) {
        return ret;
    }
    start(&replay, config);
    replay.lab.watch = &watch;
    struct fa_playlist *list =
        fa_playlist_new(history, replay.lab.metrics, options->from, options->to);
    report->from = fa_playlist_first(list);
    report->to = fa_playlist_last(list);
    report->series = fa_playlist_series(list);
    report->samples = fa_playlist_samples(list);
    if (report->series == 0) {
        ret = fa_backtest_unread(report, history, err);
    } else {
        play_all(&replay, list);
        ret = replay.lab.failed ? fa_err_set(err, FA_EINVAL, "%s", replay.lab.failure) : 0;
    }
    for (size_t i = 0; i < replay.open_count; i++) {
        replay.open[i].rule->firings[replay.open[i].firing].to = report->to;
    }
    fa_playlist_free(list);
    stop(&replay);
    return ret;
}
