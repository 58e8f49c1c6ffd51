/* SPDX-License-Identifier: MIT */
/* An alarm in words, for lists, messages and pages: its title, summary and filings, from the same
 * fields everywhere. */
#ifndef FA_ALARMS_DESCRIBE_H
#define FA_ALARMS_DESCRIBE_H

#include "alarms/engine.h"
#include "text/template.h"

/* Names that a summary may use beside the labels; NULL-terminated. config/ checks rules by them. */
extern const char *const fa_describe_names[];

/* Who reads it. All zero: somebody whose times are UTC, and who reads English. */
struct fa_reader {
    const struct fa_zone *zone;
    const struct fa_language *language;
};
struct fa_reader fa_describe_reader(const struct fa_engine *engine, const char *person);
/* The same of a message; what a program gets is in English. */
struct fa_reader fa_describe_reader_of(const struct fa_engine *engine,
                                       const struct fa_notification *n);
/* fa_reader_time() for them. */
const char *fa_describe_time(struct fa_reader reader, fa_time wall, fa_time now,
                             char buf[FA_READER_TIME_SIZE]);

/* The fields of one alarm. Texts live until fa_describe_done(). */
struct fa_describe {
    struct fa_template_field fields[64];
    size_t count;
    struct fa_buf texts; /* what the values point into */
    struct fa_reader reader;
    const char *drilled_by; /* of a drill, who began it, if that is known still */
    uint32_t flaps;         /* as of a notification; 0, as it is made: the summary says nothing */
};
void fa_describe_init(struct fa_describe *describe, const struct fa_engine *engine,
                      const struct fa_alarm *alarm, double value, struct fa_reader reader);
void fa_describe_done(struct fa_describe *describe);

/* What clocks show in a zone (struct fa_zone; NULL: UTC), for readers of texts. */
void fa_describe_zone_at(const void *zone, fa_time wall, struct fa_reader_zone *ret_zone);

/* Appends to out. now: wall. */
void fa_describe_summary(const struct fa_describe *describe, const struct fa_alarm *alarm,
                         fa_time now, struct fa_buf *out);
/* One line: "Support queue ... (queue north)". */
void fa_describe_title(const struct fa_describe *describe, const struct fa_alarm *alarm,
                       fa_time now, struct fa_buf *out);

/* The same of a summary that is made already. */
void fa_describe_title_of(struct fa_str summary, struct fa_buf *out);

/* What a call for help with a filing says. */
void fa_describe_help(const struct fa_engine *engine, const struct fa_incident *incident,
                      const struct fa_language *language, struct fa_buf *out);
/* What a message about the beginning or the end of a silence says to its reader. */
void fa_describe_silence(const struct fa_engine *engine, const struct fa_silence *silence,
                         const struct fa_notification *n, struct fa_buf *out);
/* Of a weekly digest, which days it is about. until: wall. */
void fa_describe_week(struct fa_reader reader, fa_time until, struct fa_buf *out);
/* The summary of any message: of an alarm, a call for help, a silence or a test; all of a weekly
 * digest. Nothing when what
 * it was about is gone. */
void fa_describe_message(const struct fa_engine *engine, const struct fa_notification *n,
                         struct fa_buf *out);

#endif
