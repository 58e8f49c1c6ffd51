/* SPDX-License-Identifier: MIT */
/* What firealarm-calendar is asked and answers: one record (base/rec.h) each way, each up to the
 * end of its stream. The reader of an answer trusts no byte of it. */
#ifndef FA_CALENDAR_FRAME_H
#define FA_CALENDAR_FRAME_H

#include "base/buf.h"
#include "people/span.h"

#define FA_CALENDAR_TEXT_MAX   ((size_t)1024 * 1024) /* bytes of one iCalendar text */
#define FA_CALENDAR_ASK_MAX    (FA_CALENDAR_TEXT_MAX + 4096)
#define FA_CALENDAR_ANSWER_MAX ((size_t)4 * 1024 * 1024)
#define FA_CALENDAR_EVENTS_MAX 20000u /* that lie in the range of one ask */
#define FA_CALENDAR_SHIFTS_MAX 1000u  /* of one zone */

struct fa_calendar_ask {
    const char *build; /* of who asks */
    fa_time from, until;
    const char *zone;   /* "Europe/Berlin"; floating times and whole days are its */
    struct fa_str text; /* iCalendar; ptr NULL: only the zone is asked for */
};

struct fa_calendar_event {
    struct fa_span span; /* within the range */
    /* A single event or one that was moved or changed: it stands in the place of recurring ones. */
    bool is_special;
    char *summary;    /* NULL: none */
    char **attendees; /* mail addresses */
    size_t attendee_count;
};

struct fa_calendar_answer {
    char *error;         /* NULL: it could be read */
    struct fa_zone zone; /* shifts from 400 days before the range to its end */
    struct fa_calendar_event *events;
    size_t event_count, event_cap;
};

/* This side's build. */
const char *fa_calendar_build(void);

void fa_calendar_answer_done(struct fa_calendar_answer *answer);

/* FA_ETOOBIG: over a limit. */
int fa_calendar_put_ask(struct fa_buf *out, const struct fa_calendar_ask *ask) FA_MUST_CHECK;
int fa_calendar_put_answer(struct fa_buf *out,
                           const struct fa_calendar_answer *answer) FA_MUST_CHECK;
/* FA_EPROTO, or FA_EVERSION when the other side is of another build. The ask's texts are borrowed
 * from the record; the answer is owned (fa_calendar_answer_done), also after an error. */
int fa_calendar_get_ask(struct fa_str record, struct fa_calendar_ask *ret_ask,
                        struct fa_err *err) FA_MUST_CHECK;
int fa_calendar_get_answer(struct fa_str record, const struct fa_calendar_ask *ask,
                           struct fa_calendar_answer *ret_answer, struct fa_err *err) FA_MUST_CHECK;

#endif
