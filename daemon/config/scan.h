/* SPDX-License-Identifier: MIT */
/* Looks at a file's text before libconfig does: libconfig 1.5 wraps large numbers silently, says
 * only "syntax error", nests without limit and would read @include from anywhere. */
#ifndef FA_CONFIG_SCAN_H
#define FA_CONFIG_SCAN_H

#include "base/err.h"
#include "base/str.h"

#define FA_SCAN_DEPTH_MAX 16u

/* Numbers that libconfig would wrap are reported here, and their lines remembered, so that what it
 * made of them is not judged a second time. */
struct fa_scan {
    uint32_t *wrapped_lines; /* owned; rising */
    size_t wrapped_count;
};

typedef void fa_scan_fault_fn(void *ctx, const struct fa_err *err);

/* 0: libconfig may have it (also when numbers were reported). FA_EPARSE: it may not; the first
 * error of grammar was reported and ends the file. */
int fa_scan_text(const char *file, struct fa_str text, fa_scan_fault_fn *fault, void *ctx,
                 struct fa_scan *ret_scan) FA_MUST_CHECK;
bool fa_scan_is_wrapped(const struct fa_scan *scan, uint32_t line);
void fa_scan_done(struct fa_scan *scan);

#endif
