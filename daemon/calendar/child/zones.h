/* SPDX-License-Identifier: MIT */
/* Zones as tables of shifts: those of the system by name, and any other by its offsets. */
#ifndef FA_CALENDAR_CHILD_ZONES_H
#define FA_CALENDAR_CHILD_ZONES_H

#include "base/err.h"
#include "people/span.h"

/* What clocks show at a moment. */
typedef struct fa_zone_shift fa_zones_look_fn(void *ctx, fa_time wall);

/* The table between two moments, found by looking every six hours and halving. FA_ETOOBIG: more
 * than FA_CALENDAR_SHIFTS_MAX shifts. ret_zone is owned; its name is a copy. */
int fa_zones_scan(const char *name, fa_time from, fa_time until, fa_zones_look_fn *look, void *ctx,
                  struct fa_zone *ret_zone) FA_MUST_CHECK;

/* A zone of the system's: its file is opened and looked at first, as libc takes any name that it
 * does not know for UTC. FA_ENOTFOUND with the near name. Changes TZ: for this process only. */
int fa_zones_load(const char *name, fa_time from, fa_time until, struct fa_zone *ret_zone,
                  struct fa_err *err) FA_MUST_CHECK;
void fa_zone_done(struct fa_zone *zone);

#endif
