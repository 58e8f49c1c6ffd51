/* SPDX-License-Identifier: MIT */
/* What can be said of an expression before any sample came: comparisons that can never hold or
 * always do, and label sets that can never meet. It speaks only of what is certain from the text
 * and from what functions can give; a number it knows nothing of may be any number. */
#ifndef FA_RULES_SOUND_H
#define FA_RULES_SOUND_H

#include "rules/promql.h"

struct fa_sound_finding {
    bool is_error;                     /* the rule can never fire; else it is worth a warning */
    const struct fa_promql_node *node; /* what it is about */
    const char *text;                  /* what, why and what to do; borrowed until the call ends */
};
typedef void fa_sound_fn(void *ctx, const struct fa_sound_finding *finding);

/* Tells every finding, inner nodes before outer ones; what follows from a finding already told is
 * not told again. */
void fa_sound(const struct fa_promql *promql, fa_sound_fn *fn, void *ctx);

/* A condition and the one that clears it: does a value fire and clear at once? The finding's node
 * is of `clear`. Speaks only of two comparisons of the same expression with numbers. */
void fa_sound_clear(const struct fa_promql *promql, const struct fa_promql *clear, fa_sound_fn *fn,
                    void *ctx);

#endif
