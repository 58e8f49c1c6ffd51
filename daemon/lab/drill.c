/* SPDX-License-Identifier: MIT */
/* Drills in a scenario, begun as the daemon's HTTP side would, and what must hold of them after
 * every step, told from outside:
 *
 *   3  one that runs is an alarm that climbs, and not past its end; one that failed left an alarm
 *   4  none is in a count of alarms (check.c counts those that are no drill) */
#include "lab/world.h"

#include <stdio.h>
#include <string.h>

void fa_lab_do_drill(struct fa_lab *lab, const struct fa_script_line *line)
{
    const char *who = fa_script_text(line, "by"), *policy = fa_script_text(line, "NAME");
    const struct fa_directory *dir = lab->config->people;
    const struct fa_object nothing = {.reporter = FA_NOBODY};
    if (!fa_lab_is_up(lab)) {
        return;
    }
    fa_lab_tell(lab, "%s drills %s", who, policy);
    if (!fa_may(dir, (struct fa_viewer){fa_directory_find(dir, fa_str_of(who))}, FA_VERB_DRILL,
                &nothing)) {
        fa_lab_refuse(lab, FA_EDENIED);
        return;
    }
    struct fa_event event = {.kind = FA_EV_DRILL,
                             .reply_to = fa_lab_ask(lab),
                             .u.drill = {.policy = policy,
                                         .who = who,
                                         .within = fa_script_duration(line, "within", 0),
                                         .urgent = fa_script_slot(line, "now") != NULL}};
    fa_lab_turn(lab, &event);
}

void fa_lab_expect_drill(struct fa_lab *lab, const struct fa_script_line *line)
{
    const struct fa_drill *drill =
        lab->engine != NULL ? fa_engine_drill(lab->engine, fa_script_text(line, "NAME")) : NULL;
    if (drill == NULL) {
        fa_lab_fail(lab, "there was no drill of '%s'", fa_script_text(line, "NAME"));
    } else if (strcmp(fa_drill_state_name(drill->state), fa_script_text(line, "choice")) != 0) {
        fa_lab_fail(lab, "it is %s", fa_drill_state_name(drill->state));
    }
}

/* ---- after a step ---- */

/* A deadline does not mind that the clock steps by less than a minute. */
static bool is_past(const struct fa_lab *lab, fa_time wall)
{
    return wall <= fa_lab_now(lab).wall + FA_MINUTE;
}

bool fa_lab_drill_is_over(const struct fa_lab *lab, const struct fa_lab_alarm *seen)
{
    if ((seen->flags & FA_FLAG_DRILL) == 0 || seen->policy == NULL) {
        return false;
    }
    const struct fa_drill *drill = fa_engine_drill(lab->engine, seen->policy->name);
    return drill != NULL && fa_id_eq(drill->alarm.id, seen->id.id) &&
           drill->state == FA_DRILL_FAILED && is_past(lab, drill->until);
}

static void check(void *ctx, const struct fa_drill *drill)
{
    struct fa_lab *lab = ctx;
    const struct fa_alarm *alarm = fa_engine_alarm(lab->engine, drill->alarm);
    fa_time now = fa_lab_now(lab).wall;
    char identity[200];
    snprintf(identity, sizeof identity, "firealarm:drill-failed{policy=\"%s\"}", drill->policy);
    if (drill->state == FA_DRILL_RUNNING) {
        if (alarm == NULL || alarm->state != FA_ALARM_UNACKED ||
            (alarm->flags & FA_FLAG_DRILL) == 0) {
            fa_lab_fail(lab, "invariant 3: the drill of %s runs and is no alarm", drill->policy);
        } else if (alarm->deadline.armed + alarm->deadline.length > drill->until + FA_MINUTE) {
            fa_lab_fail(lab, "invariant 3: the drill of %s goes on past its end", drill->policy);
        }
    } else if (drill->state == FA_DRILL_FAILED && drill->ended == now &&
               is_past(lab, drill->until) &&
               fa_engine_alarm_by_identity(lab->engine, identity) == NULL) {
        fa_lab_fail(lab, "invariant 3: a drill of %s failed and no alarm says so", drill->policy);
    }
}

void fa_lab_check_drills(struct fa_lab *lab)
{
    fa_engine_each_drill(lab->engine, check, lab);
}
