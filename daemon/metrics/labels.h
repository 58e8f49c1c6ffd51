/* SPDX-License-Identifier: MIT */
/* Label sets: sorted by name, one value a name, no empty values, bounded. Their canonical text,
 * name="value",... is what alarms are told apart by; values are escaped as in Prometheus text
 * (backslash, quote, newline). A name with other bytes than A-Z a-z 0-9 _ . : / - is quoted too. */
#ifndef FA_METRICS_LABELS_H
#define FA_METRICS_LABELS_H

#include "base/buf.h"

#include <stdbool.h>

#define FA_LABELS_MAX 64 /* labels of one set, whatever a limit says */

/* Same layout as a decoder's label: two slices. */
struct fa_label {
    struct fa_str name, value;
};

/* Owned by its holder: one allocation that the slices point into. */
struct fa_labels {
    size_t count;
    struct fa_label items[];
};

/* A sorted copy. Duplicate names: the last wins; empty values are left out; bytes that are no UTF-8
 * become '?'. Control bytes or an empty name: FA_EINVAL; more than FA_LABELS_MAX: FA_ETOOBIG. */
int fa_labels_new(const struct fa_label *labels, size_t count,
                  struct fa_labels **ret_labels) FA_MUST_CHECK;
void fa_labels_free(struct fa_labels *labels); /* accepts NULL */
/* The value of a label; len 0 when the set does not have it. */
struct fa_str fa_labels_get(const struct fa_labels *labels, struct fa_str name);
/* The set in few bytes; equal sets give equal bytes. 0: some text is too long for it. */
size_t fa_labels_packed_size(const struct fa_labels *labels);
/* out: room for so many. */
void fa_labels_pack(const struct fa_labels *labels, char *out);
/* *ret_labels has room for FA_LABELS_MAX; its slices point into packed. Returns its size. */
size_t fa_labels_unpack(const char *packed, struct fa_labels *ret_labels);
/* Appends the canonical text of the set. */
void fa_labels_format(const struct fa_labels *labels, struct fa_buf *buf);
/* The same for those labels only whose name is in `names`. */
void fa_labels_format_only(const struct fa_labels *labels, const char *const *names, size_t count,
                           struct fa_buf *buf);
/* Appends one name="value", with a comma before it when buf is not empty. */
void fa_label_format(struct fa_str name, struct fa_str value, struct fa_buf *buf);
/* Reads canonical text back. FA_EPARSE for anything that format does not write. */
int fa_labels_parse(struct fa_str text, struct fa_labels **ret_labels) FA_MUST_CHECK;

#endif
