/* SPDX-License-Identifier: MIT */
/* Samples one after the other as promtool's tests write them: `100+10x20 _x5 stale 7`. */
#ifndef FA_LAB_RUNS_H
#define FA_LAB_RUNS_H

#include "base/str.h"

enum fa_run_kind {
    FA_RUN_VALUE,
    FA_RUN_MISSING, /* nothing comes */
    FA_RUN_STALE,   /* the sender says that the series ends */
};

/* `count` samples: first, first + step, first + 2 step ... */
struct fa_run {
    enum fa_run_kind kind;
    double first, step; /* not finite where it is written so: NaN, none, Inf */
    uint32_t count;
};

#define FA_RUN_COUNT_MAX 1000000u

/* Takes the first item off *rest (blanks or a comma end one; blanks before it are skipped):
 *
 *   5  NaN  none  +Inf   one value          5x3    four times 5: x counts what follows the first
 *   _  _x3               one missing, three 0+10x3  0 10 20 30; 9-2x3  9 7 5 3
 *   stale                the series ends
 *
 * FA_EPARSE: it is none of these, or nothing is left; FA_ERANGE: more than FA_RUN_COUNT_MAX. */
int fa_run_next(struct fa_str *rest, struct fa_run *ret_run) FA_MUST_CHECK;
double fa_run_value(const struct fa_run *run, uint32_t at);

#endif
