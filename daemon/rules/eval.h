/* SPDX-License-Identifier: MIT */
/* The value of a tree for one label set: the series that fall together under its labels. */
#ifndef FA_RULES_EVAL_H
#define FA_RULES_EVAL_H

#include "metrics/watch.h"
#include "rules/expr.h"

/* A series as one leaf of one label set reads it. */
struct fa_member {
    struct fa_member *next, *prev;
    void *group; /* the caller's */
    struct fa_link *link;
    uint32_t leaf, place; /* place: the caller's */
    uint32_t version;     /* of the series when it was read */
    bool read;            /* what follows is up to date but for samples and time's passing */
    fa_time read_at;
    struct fa_summary summary[]; /* of the window, one; none for a leaf without window */
};

struct fa_population {
    struct fa_member *first, *last;
    size_t count;
};

struct fa_eval {
    fa_time now;
    const struct fa_population *leaves; /* as numbered by the plan */
    struct fa_sketch *scratch;          /* reused between evaluations */
};

/* Brings a member up to date when it changed or a sample has left its window. */
void fa_member_refresh(struct fa_member *member, fa_time over, fa_time now);
/* False: there is no value. A value is finite. Members must be refreshed. */
bool fa_eval(const struct fa_eval *eval, const struct fa_expr *expr, double *ret_value);

#endif
