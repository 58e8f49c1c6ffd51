/* SPDX-License-Identifier: MIT */
/* One copy of each text that many alarms share (rule, policy and people's names). Bounded by what
 * configurations and the directory name; freed with the engine. */
#ifndef FA_ALARMS_INTERN_H
#define FA_ALARMS_INTERN_H

#include "base/str.h"

struct fa_interned;

/* NULL gives NULL. Lives until fa_intern_done(). */
const char *fa_intern(struct fa_interned **set, const char *text);
const char *fa_intern_str(struct fa_interned **set, struct fa_str text);
/* Of any bytes, which lie as any object may. */
const void *fa_intern_bytes(struct fa_interned **set, const void *bytes, size_t len);
void fa_intern_done(struct fa_interned **set);

#endif
