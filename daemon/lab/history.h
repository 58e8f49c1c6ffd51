/* SPDX-License-Identifier: MIT */
/* Samples in memory for tools that ask about the past: read from Prometheus text, from CSV or added
 * by a program, then queried. */
#ifndef FA_LAB_HISTORY_H
#define FA_LAB_HISTORY_H

#include "rules/query.h"
#include "rules/scratch.h"

#define FA_HISTORY_BYTES_MAX  ((size_t)4 << 30)
#define FA_HISTORY_LABELS_MAX 256 /* of one series */

struct fa_history;

struct fa_history *fa_history_new(void);
void fa_history_free(struct fa_history *history); /* accepts NULL */
/* Adds Prometheus text, one `name{labels} value milliseconds` a line in any order; empty lines and
 * those that begin with # say nothing. A value may be the word stale: there the series ended. Of
 * two samples of one series and time the later line counts. FA_EPARSE with `name`, line and column;
 * FA_ETOOBIG. */
int fa_history_read(struct fa_history *history, struct fa_str text, const char *name,
                    struct fa_err *err) FA_MUST_CHECK;
/* Adds CSV with a header. One column is the time (named time, timestamp, date, datetime or ts; else
 * the first): RFC 3339, "2026-11-22", "2026-11-22 08:15[:00]" in UTC, or seconds or milliseconds
 * since 1970. With a column `value` each line is a sample: the column metric, name or __name__
 * names the metric (none: `metric`, which may be NULL), the others are labels. Without, each other
 * column is a series, named by its title: name{label="value",...} or any text. Parted by commas,
 * semicolons or tabs, as the header is. An empty value is none. As fa_history_read(). */
int fa_history_read_csv(struct fa_history *history, struct fa_str text, const char *name,
                        const char *metric, struct fa_err *err) FA_MUST_CHECK;
/* Does it begin as CSV does and not as Prometheus text? */
bool fa_history_is_csv(struct fa_str text);
/* The series of these labels (sorted by name, none twice, at most FA_HISTORY_LABELS_MAX; copied),
 * made if it is not there: its number, good until the first question. */
size_t fa_history_add(struct fa_history *history, const struct fa_label *labels, size_t count);
/* The same of `name{label="value",...}`; FA_EPARSE. */
int fa_history_name(struct fa_history *history, struct fa_str text, size_t *ret_series,
                    struct fa_err *err) FA_MUST_CHECK;
void fa_history_append(struct fa_history *history, size_t series, struct fa_point point);
/* For texts that live as long as the history. */
struct fa_scratch *fa_history_arena(struct fa_history *history);
size_t fa_history_series(const struct fa_history *history);
size_t fa_history_samples(const struct fa_history *history);
/* To query what has been read; nothing may be read afterwards. Borrowed from the history. */
const struct fa_query_source *fa_history_source(struct fa_history *history);

#endif
