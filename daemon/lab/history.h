/* SPDX-License-Identifier: MIT */
/* Samples in memory for tools that ask about the past: read from Prometheus text, then queried. */
#ifndef FA_LAB_HISTORY_H
#define FA_LAB_HISTORY_H

#include "rules/query.h"

#define FA_HISTORY_BYTES_MAX ((size_t)4 << 30)

struct fa_history;

struct fa_history *fa_history_new(void);
void fa_history_free(struct fa_history *history); /* accepts NULL */
/* Adds Prometheus text, one `name{labels} value milliseconds` a line in any order; empty lines and
 * those that begin with # say nothing. A value may be the word stale: there the series ended. Of
 * two samples of one series and time the later line counts. FA_EPARSE with `name`, line and column;
 * FA_ETOOBIG. */
int fa_history_read(struct fa_history *history, struct fa_str text, const char *name,
                    struct fa_err *err) FA_MUST_CHECK;
size_t fa_history_series(const struct fa_history *history);
size_t fa_history_samples(const struct fa_history *history);
/* To query what has been read; nothing may be read afterwards. Borrowed from the history. */
const struct fa_query_source *fa_history_source(struct fa_history *history);

#endif
