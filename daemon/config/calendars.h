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

#endif
