/* SPDX-License-Identifier: MIT */
/* What a maintenance window or an inhibition would have hidden, told of alarms that were: open ones
 * and those of history, one after the other. */
#ifndef FA_ALARMS_HINDSIGHT_H
#define FA_ALARMS_HINDSIGHT_H

#include "alarms/engine.h"
#include "people/span.h"

struct fa_hindsight_group;

/* Zeroed, then `hiding.hide` and either `during` or the rest of `hiding` are filled. */
struct fa_hindsight {
    struct fa_inhibition hiding;
    struct fa_spans during;            /* of a window: when it was open */
    struct fa_hindsight_group *groups; /* of an inhibition; owned */
};
void fa_hindsight_done(struct fa_hindsight *hindsight);
/* Of an inhibition: one that may have explained others in that stretch. All of them come before
 * anything is asked. That it had returned or was hidden itself for a while is not looked at. */
void fa_hindsight_explain(struct fa_hindsight *hindsight, const struct fa_alarm *alarm,
                          struct fa_span was);
/* Would it have hidden this one for some of that stretch? An empty one is a moment. */
bool fa_hindsight_hides(const struct fa_hindsight *hindsight, const struct fa_engine *engine,
                        const struct fa_alarm *alarm, struct fa_span was);

#endif
