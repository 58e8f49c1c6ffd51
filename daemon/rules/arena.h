/* SPDX-License-Identifier: MIT */
/* Memory that is given back all at once: a parsed expression, or what one evaluation makes. */
#ifndef FA_RULES_ARENA_H
#define FA_RULES_ARENA_H

#include "base/str.h"

#include <stdbool.h>

struct fa_arena_block;

struct fa_arena {
    struct fa_arena_block *blocks; /* owned */
    size_t used, max;              /* bytes given out, and the limit on them */
    bool over;                     /* more than max was asked for: the owner ends its work soon */
};

void fa_arena_init(struct fa_arena *arena, size_t max);
void fa_arena_done(struct fa_arena *arena);
/* Zeroed memory, aligned for every type, good until fa_arena_done(). Never NULL: beyond the limit
 * it sets `over` and still gives, so that only loops have to look. */
void *fa_arena_take(struct fa_arena *arena, size_t bytes);
void *fa_arena_copy(struct fa_arena *arena, const void *data, size_t bytes);
/* A copy with a NUL behind it. */
struct fa_str fa_arena_str(struct fa_arena *arena, struct fa_str text);
/* Room for one more element of a growing array, as fa_xgrow(). */
void *fa_arena_grow(struct fa_arena *arena, void *array, size_t count, size_t *cap,
                    size_t element_bytes);

#endif
