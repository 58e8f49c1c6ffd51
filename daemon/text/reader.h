/* SPDX-License-Identifier: MIT */
/* Times, lengths and numbers as people read them, on a phone, at night. Months, units, points and
 * the order of a date are as the language has them; NULL is English. The figures are 0 to 9 and a
 * percent sign comes behind them in every language. */
#ifndef FA_TEXT_READER_H
#define FA_TEXT_READER_H

#include "base/time.h"
#include "text/phrase.h"

/* A reader's zone at the moment in question; who knows zones works out the offset. */
struct fa_reader_zone {
    int32_t offset_seconds; /* east of UTC */
    const char *name;       /* "CET" */
};

/* What clocks show for the reader at a time; the name is borrowed from zone. */
typedef void fa_reader_zone_fn(const void *zone, fa_time wall, struct fa_reader_zone *ret_zone);

#define FA_READER_TIME_SIZE 200

/* "22 Nov 08:15 UTC (25 min ago)", "(in 5 min)", "(now)"; with the year when that is not the year
 * of `now`. now 0: without the brackets. zone NULL: UTC. Times before 1970 or after 9999 give
 * "an unknown time". */
const char *fa_reader_time(const struct fa_language *language, fa_time wall, fa_time now,
                           const struct fa_reader_zone *zone, char buf[FA_READER_TIME_SIZE]);
/* Two units at most: "250 ms", "1.5 s", "45 s", "5 min 12 s", "2 h 5 min", "3 d 4 h", "-5 min". */
const char *fa_reader_duration(const struct fa_language *language, fa_time ms, char buf[40]);
/* The same of business time: "2 business days", "1.5 business hours". */
const char *fa_reader_measured(const struct fa_language *language, fa_time length,
                               enum fa_measure measure, char buf[40]);
/* Four digits that matter, thousands set apart: "12,346", "0.02341", "-3.5"; "unknown" for NaN. */
const char *fa_reader_number(const struct fa_language *language, double value, char buf[40]);
/* A fraction: 0.0234 is "2.3 %". */
const char *fa_reader_percent(const struct fa_language *language, double fraction, char buf[40]);

/* Appends text fit for a notice: UTF-8 for sure, every control character but newline a blank, CRLF
 * and CR a newline, and without the characters that turn the direction of writing or hide text. */
void fa_reader_clean(struct fa_buf *out, struct fa_str text);

#endif
