/* SPDX-License-Identifier: MIT */
/* Memory that is given back all at once: a parsed expression, or what one evaluation makes. */
#ifndef FA_RULES_SCRATCH_H
#define FA_RULES_SCRATCH_H

#include "base/str.h"

#include <stdbool.h>

struct fa_scratch_block;

struct fa_scratch {
    struct fa_scratch_block *blocks; /* owned */
    size_t used, max;                /* bytes given out, and the limit on them */
    bool over;                       /* more than max was asked for: the owner ends its work soon */
};

void fa_scratch_init(struct fa_scratch *arena, size_t max);
void fa_scratch_done(struct fa_scratch *arena);
/* Zeroed memory, aligned for every type, good until fa_scratch_done(). Never NULL: beyond the limit
 * it sets `over` and still gives, so that only loops have to look. */
void *fa_scratch_take(struct fa_scratch *arena, size_t bytes);
void *fa_scratch_copy(struct fa_scratch *arena, const void *data, size_t bytes);
/* A copy with a NUL behind it. */
struct fa_str fa_scratch_str(struct fa_scratch *arena, struct fa_str text);
/* Room for one more element of a growing array, as fa_xgrow(). */
void *fa_scratch_grow(struct fa_scratch *arena, void *array, size_t count, size_t *cap,
                      size_t element_bytes);

#endif
