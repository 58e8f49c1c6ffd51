/* SPDX-License-Identifier: MIT */
/* Turns of jobs. A turn keeps its place in time: a late start does not move the next one, and turns
 * that have passed meanwhile are counted as missed, never made up for. */
#include "fetcher/plan.h"

#include <stdint.h>

#define FIRST_WITHIN (15 * FA_SECOND)

/* FNV-1a: the same for a name in every process, so that a restart moves nobody. */
static uint32_t hash_of(const char *name)
{
    uint32_t hash = 2166136261u;
    for (; *name != '\0'; name++) {
        hash = (hash ^ (unsigned char)*name) * 16777619u;
    }
    return hash ^ hash >> 15;
}

void fa_turns_init(struct fa_turns *turns, const char *name, fa_time every, fa_time mono)
{
    fa_time within = every < FIRST_WITHIN ? every : FIRST_WITHIN;
    *turns = (struct fa_turns){.every = every, .next = mono + hash_of(name) % within};
}

bool fa_turns_start(struct fa_turns *turns, fa_time mono)
{
    if (mono < turns->next) {
        return false;
    }
    fa_time passed = (mono - turns->next) / turns->every;
    bool start = !turns->running;
    turns->missed += (unsigned long)passed + !start;
    turns->next += (passed + 1) * turns->every;
    turns->running = true;
    return start;
}

void fa_turns_finish(struct fa_turns *turns)
{
    turns->running = false;
}
