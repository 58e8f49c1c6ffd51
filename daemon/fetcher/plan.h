/* SPDX-License-Identifier: MIT */
/* When each job is run: every so often, spread by the hash of its name so that they do not start
 * together, never twice at once, and no more than so many at all. Pure: times come in. */
#ifndef FA_FETCHER_PLAN_H
#define FA_FETCHER_PLAN_H

#include "base/time.h"

#include <stdbool.h>
#include <stddef.h>

/* In its job, which sets every. */
struct fa_turns {
    fa_time every;
    fa_time next; /* by the monotonic clock */
    bool running;
    unsigned long
        missed; /* turns that came while the one before was still running, or far too late */
};

/* A job's first turn is within its `every`, and within 15 s at most. */
void fa_turns_init(struct fa_turns *turns, const char *name, fa_time every, fa_time mono);
/* May it start? Then it is running, and its next turn is set. */
bool fa_turns_start(struct fa_turns *turns, fa_time mono);
void fa_turns_finish(struct fa_turns *turns);

#endif
