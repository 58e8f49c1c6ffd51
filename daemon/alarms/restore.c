/* SPDX-License-Identifier: MIT */
/* What rules made anew (a start, a reload) are told of their active label sets: what the alarms
 * say, and those beyond the limit that stand in one. Daemon and virtual world ask here, so that
 * neither forgets what the other remembers. */
#include "alarms/engine.h"
#include "rules/foreign.h"
#include "rules/rules.h"

struct restoring {
    struct fa_rules *rules;
    struct fa_foreign *foreign;
    fa_time wall;
};

static void restore(void *ctx, const struct fa_alarm *alarm)
{
    const struct restoring *to = ctx;
    if ((alarm->flags & (FA_FLAG_FILED | FA_FLAG_TROUBLE)) != 0 || fa_is_further(alarm)) {
        return;
    }
    if (fa_alarm_keeps_level(alarm)) {
        fa_rules_restore(to->rules, alarm->texts->rule, fa_alarm_labels(alarm), alarm->level);
    }
    fa_foreign_restore(to->foreign, alarm->texts->rule, fa_alarm_labels(alarm), alarm->source,
                       to->wall);
}

static void restore_further(void *ctx, const char *rule, const char *labels,
                            const struct fa_source *source)
{
    const struct restoring *to = ctx;
    fa_rules_restore(to->rules, rule, labels, FA_LEVEL_FIRING);
    fa_foreign_restore(to->foreign, rule, labels, source, to->wall);
}

void fa_engine_restore_rules(const struct fa_engine *engine, struct fa_rules *rules,
                             struct fa_foreign *foreign, fa_time wall)
{
    struct restoring to = {rules, foreign, wall};
    fa_engine_each_alarm(engine, restore, &to);
    fa_engine_each_further(engine, restore_further, &to);
}
