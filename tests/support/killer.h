/* SPDX-License-Identifier: MIT */
/* Kills a process at its n-th system call: as a tracer it stops one thread (or all of a process) at
 * the entry of each call, counts, and sends SIGKILL in place of the n-th. What the process did up
 * to there happened, nothing after it did: between two calls it can change nothing that survives
 * it. */
#ifndef FA_TEST_KILLER_H
#define FA_TEST_KILLER_H

#include <stdbool.h>
#include <sys/types.h>

struct killer;

/* Aims at a thread of pid (tid) or, with follow, at it and all threads it makes; at 0 only counts.
 * Returns when each further call counts; NULL: nothing may be traced here, or it is gone. */
struct killer *killer_aim(pid_t pid, pid_t tid, unsigned long at, bool follow);
unsigned long killer_count(const struct killer *killer);
bool killer_has_fired(const struct killer *killer);
/* Lets go of the process, if it lives; has it fired? That changes no more. */
bool killer_disarm(struct killer *killer);
/* Disarms, gives the count and frees. Accepts NULL. */
unsigned long killer_release(struct killer *killer);

#endif
