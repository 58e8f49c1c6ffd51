/* SPDX-License-Identifier: MIT */
/* A Prometheus-compatible server's answer to /api/v1/query as Prometheus' text. */
#ifndef FA_FETCHER_CHILD_QUERY_H
#define FA_FETCHER_CHILD_QUERY_H

#include "base/buf.h"

/* Appends a line `metric{labels} value milliseconds` for each sample of an instant vector or a
 * scalar; the name that the server gives a series is dropped for `metric`. FA_EPROTO: the answer is
 * an error (its kind is said, none of its text), none of the two, or none that can be read.
 * FA_ETOOBIG: out has no room. */
int fa_query_answer_parse(struct fa_str json, const char *metric, struct fa_buf *out,
                          struct fa_err *err) FA_MUST_CHECK;

#endif
