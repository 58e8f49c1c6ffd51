/* SPDX-License-Identifier: MIT */
/* Times as people write them in a configuration: weekly hours and days away. */
#ifndef FA_CONFIG_HOURS_H
#define FA_CONFIG_HOURS_H

#include "base/str.h"
#include "people/span.h"

/* "Mon-Fri 09:00-17:00". */
struct fa_hours {
    bool days[7];        /* from Monday */
    fa_time from, until; /* since midnight; until is after from, and after 24 h when it is of the
                            next day ("22:00-06:00") */
};

/* Days are Mon, Tue, Wed, Thu, Fri, Sat, Sun, "Mon-Fri", or several with commas; times 00:00 to
 * 24:00. FA_EPARSE says what is wrong and how it is written. */
int fa_hours_parse(struct fa_str text, struct fa_hours *ret_hours,
                   struct fa_err *err) FA_MUST_CHECK;
/* Adds those hours of the weeks in `range`, as clocks in the zone show them. */
void fa_hours_spread(const struct fa_hours *hours, const struct fa_zone *zone, struct fa_span range,
                     struct fa_spans *spans);

/* "2026-12-24" or "2026-12-24..2027-01-02" (both days included) as midnights by the clocks, as if
 * it were UTC. FA_EPARSE. */
int fa_days_parse(struct fa_str text, struct fa_span *ret_local, struct fa_err *err) FA_MUST_CHECK;

#endif
