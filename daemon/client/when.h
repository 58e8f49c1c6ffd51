/* SPDX-License-Identifier: MIT */
/* Times as people say and read them. The zone of the machine is used for both; the wire is UTC. */
#ifndef FA_CLIENT_WHEN_H
#define FA_CLIENT_WHEN_H

#include "base/str.h"

#define FA_WHEN_SIZE 48

/* "today", "yesterday", "monday", "2026-11-20", "2026-11-20 14:30", RFC 3339, or how long ago:
 * "3d", "2h". Writes what the daemon reads: a date, or RFC 3339 UTC. FA_EPARSE with an explanation;
 * FA_ERANGE for what was before 1970. */
int fa_when_parse(struct fa_str text, fa_time now, char ret_when[FA_WHEN_SIZE],
                  struct fa_err *err) FA_MUST_CHECK;
/* The same of what has happened: FA_ERANGE for the future, too (fa_parse_since, as the daemon). */
int fa_when_since(struct fa_str text, fa_time now, char ret_when[FA_WHEN_SIZE],
                  struct fa_err *err) FA_MUST_CHECK;
/* RFC 3339 with Z or an offset. */
int fa_when_read(struct fa_str text, fa_time *ret_wall) FA_MUST_CHECK;
/* "Sun 22 Nov 2026 08:15" here; text that is no time comes back as "?". */
const char *fa_when_show(const char *rfc3339, char buf[FA_WHEN_SIZE]);
/* A length in its largest unit: "45s", "12m", "3h", "2d"; negative ones are "0s". */
const char *fa_when_age(fa_time length, char buf[FA_WHEN_SIZE]);

#endif
