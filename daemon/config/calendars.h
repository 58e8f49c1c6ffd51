/* SPDX-License-Identifier: MIT */
/* Zones, calendars, schedules and leave: from the draft into the directory. */
#ifndef FA_CONFIG_CALENDARS_H
#define FA_CONFIG_CALENDARS_H

#include "config/draft.h"

/* After fa_build(), before the proof. files: where calendars are read and remembered. FA_EAGAIN:
 * they must be read first, and the world does not wait (struct fa_config_world); all else that is
 * wrong is a fault. */
int fa_build_calendars(struct fa_faults *faults, struct fa_files *files,
                       const struct fa_draft *draft, const struct fa_config_world *world,
                       struct fa_config *config) FA_MUST_CHECK;

/* business.c: the days on which a calendar is open, once its open time stands. */
void fa_build_days(struct fa_calendar_entry *entry, const struct fa_zone *zone);
/* After fa_build_calendars(): gives rules and steps the calendar that they count business time by,
 * and proves that there is enough of it. */
void fa_build_business(struct fa_faults *faults, const struct fa_draft *draft,
                       struct fa_config *config);

#endif
