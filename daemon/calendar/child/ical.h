/* SPDX-License-Identifier: MIT */
/* One iCalendar text as events in UTC. The only user of libical. */
#ifndef FA_CALENDAR_CHILD_ICAL_H
#define FA_CALENDAR_CHILD_ICAL_H

#include "calendar/frame.h"

/* Adds the events of ask->text that lie in its range to answer, whose zone is there already. Errors
 * name the event and say what to do. May loop for long or for ever: the process has limits. */
int fa_ical_read(const struct fa_calendar_ask *ask, struct fa_calendar_answer *answer,
                 struct fa_err *err) FA_MUST_CHECK;

#endif
