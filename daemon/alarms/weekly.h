/* SPDX-License-Identifier: MIT */
/* The weekly digest: what came close, what stopped, whom nobody reached, whose word is past due and
 * how many messages its reader got. Composed for one reader when it leaves, of what that reader may
 * know then. */
#ifndef FA_ALARMS_WEEKLY_H
#define FA_ALARMS_WEEKLY_H

#include "alarms/describe.h"

#define FA_WEEK (7 * FA_DAY)

/* Does the configuration send it to this person? */
bool fa_weekly_is_reader(const struct fa_engine *engine, fa_person person);
/* What is to be composed: for whom, and how they read it. */
struct fa_weekly_ask {
    fa_person reader;
    struct fa_reader as;
    fa_time until; /* the end of the week, wall; its hours are whole */
    fa_time now;   /* as things stand then */
};
/* Appends what it says: parts of lines, apart by an empty line. Returns how many of them somebody
 * should look at; 0: all is quiet. */
size_t fa_weekly_compose(const struct fa_engine *engine, const struct fa_weekly_ask *ask,
                         struct fa_buf *out);

/* The first moment after `after` at which clocks in the zone (NULL: UTC) show that minute of the
 * week, from Monday 00:00. One that they leap over is the leap's; of two it is the first. */
fa_time fa_weekly_next(const struct fa_zone *zone, uint32_t minute, fa_time after);

/* When the next one is due; sends those that are. After START, RELOAD and a step of the clock,
 * and when engine->weekly_due has passed. */
void fa_weekly_run(struct fa_engine *engine);

#endif
