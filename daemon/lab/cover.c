/* SPDX-License-Identifier: MIT */
/* What was visited: cells of the alarm state table, journal codes, flags, kinds of messages. The
 * event's cell is told from outside, by the state that each alarm is in before the step; a cell
 * that follows from another one within a step (a climb on a failed delivery) is not counted. */
#include "lab/world.h"

#include <stdio.h>

static void visit(struct fa_lab *lab, const struct fa_alarm *alarm, enum fa_alarm_event event)
{
    lab->cover.cells[alarm->state][event]++;
}

static void visit_signal(struct fa_lab *lab, const struct fa_signal *signal)
{
    static const enum fa_alarm_event events[FA_LEVEL__COUNT] = {
        [FA_LEVEL_UNKNOWN] = FA_AEV_UNKNOWN,
        [FA_LEVEL_CLEAR] = FA_AEV_CLEAR,
        [FA_LEVEL_FIRING] = FA_AEV_FIRE,
    };
    struct fa_buf identity;
    fa_buf_init(&identity, FA_ROW_BYTES_MAX);
    fa_buf_printf(&identity, "%s{%s}", signal->rule->name, signal->labels);
    const struct fa_alarm *alarm = fa_engine_alarm_by_identity(lab->engine, fa_buf_text(&identity));
    if (alarm != NULL && !signal->rule->is_incident) {
        visit(lab, alarm, events[signal->level]);
    }
    fa_buf_done(&identity);
}

static void visit_trouble(struct fa_lab *lab, const struct fa_event *event)
{
    char identity[128];
    snprintf(identity, sizeof identity, "firealarm:%.64s{}", event->u.trouble.code);
    const struct fa_alarm *alarm = fa_engine_alarm_by_identity(lab->engine, identity);
    if (alarm != NULL) {
        visit(lab, alarm, event->u.trouble.over ? FA_AEV_CLEAR : FA_AEV_FIRE);
    }
}

static void visit_due(void *ctx, const struct fa_alarm *alarm)
{
    struct fa_lab *lab = ctx;
    if (fa_engine_due(lab->engine, alarm) <= fa_lab_now(lab).mono) {
        visit(lab, alarm, FA_AEV_DUE);
    }
}

void fa_lab_cover_event(struct fa_lab *lab, const struct fa_event *event)
{
    const struct fa_alarm *alarm;
    lab->cover.steps++;
    switch ((int)event->kind) {
    case FA_EV_SIGNAL:
        visit_signal(lab, event->u.signal);
        break;
    case FA_EV_TROUBLE:
        visit_trouble(lab, event);
        break;
    case FA_EV_TICK:
        fa_engine_each_alarm(lab->engine, visit_due, lab);
        break;
    case FA_EV_ACK:
    case FA_EV_RESOLVE:
        alarm = fa_engine_alarm(lab->engine, event->u.act.alarm);
        if (alarm != NULL && alarm->state != FA_ALARM_PENDING) { /* answered before the table */
            visit(lab, alarm, event->kind == FA_EV_ACK ? FA_AEV_ACK : FA_AEV_RESOLVE);
        }
        break;
    case FA_EV_RECUSE:
        alarm = fa_engine_alarm(lab->engine, event->u.recuse.alarm);
        if (alarm != NULL && alarm->state == FA_ALARM_ACKED && event->u.recuse.person == NULL &&
            alarm->people->owner != NULL &&
            strcmp(alarm->people->owner, event->u.recuse.who) == 0) {
            visit(lab, alarm, FA_AEV_DISOWN);
        }
        break;
    case FA_EV_VERDICT:
        lab->cover.verdicts[event->u.verdict.verdict]++;
        break;
    default:
        break;
    }
}

static void count_step(struct fa_lab *lab, struct fa_alarm_id id, int64_t number)
{
    const struct fa_alarm *alarm = fa_engine_alarm(lab->engine, id);
    lab->cover.overdue_wide +=
        alarm != NULL && (alarm->flags & FA_FLAG_OVERDUE) != 0 && number > 1000;
    lab->cover.widest += number > 4000;
}

static void count_flags(void *ctx, const struct fa_alarm *alarm)
{
    struct fa_lab *lab = ctx;
    struct fa_lab_alarm *seen = fa_lab_find_alarm(lab, alarm->id);
    for (unsigned bit = 0;
         seen != NULL && bit < sizeof lab->cover.flags / sizeof lab->cover.flags[0]; bit++) {
        uint32_t flag = 1u << bit;
        lab->cover.flags[bit] += (alarm->flags & flag) != 0 && (seen->counted & flag) == 0;
        seen->counted |= alarm->flags & flag;
    }
}

void fa_lab_cover_step(struct fa_lab *lab)
{
    for (size_t i = lab->step_from; i < lab->actions.count; i++) {
        const struct fa_action *action = &lab->actions.list[i];
        if (action->kind == FA_ACT_JOURNAL) {
            enum fa_journal_code code = action->u.journal.code;
            fa_assert((size_t)code < FA_LAB_CODES);
            lab->cover.codes[code]++;
            if (code == FA_J_NOTIFY) {
                lab->cover.kinds[action->u.journal.number]++;
            } else if (code == FA_J_STEP) {
                count_step(lab, action->u.journal.alarm, action->u.journal.number);
            }
        } else if (action->kind == FA_ACT_REPLY) {
            lab->cover.replies_already += action->u.reply.already;
            lab->cover.replies_ok += action->u.reply.code == 0;
            lab->cover.replies_refused += action->u.reply.code != 0;
            lab->cover.at_limit += action->u.reply.code == FA_EFULL;
        }
    }
    fa_lab_each_looked_at(lab, count_flags);
}
