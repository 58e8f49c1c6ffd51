/* SPDX-License-Identifier: MIT */
/* Inside rules/ only: what sound.c (numbers) and sound_labels.c (label sets) share. */
#ifndef FA_RULES_SOUND_WALK_H
#define FA_RULES_SOUND_WALK_H

#include "rules/sound.h"

struct fa_sound {
    fa_sound_fn *fn;
    void *ctx;
};

/* In the words, %s stands for the node's own text. */
FA_PRINTF(4, 5)
void fa_sound_tell(struct fa_sound *sound, bool is_error, const struct fa_promql_node *node,
                   const char *fmt, ...);

/* The matchers of one selector. False: it finds nothing, and that was told. */
bool fa_sound_selector(struct fa_sound *sound, const struct fa_promql_node *node);
/* A call of histogram_quantile() or histogram_fraction(); all others pass. False: what it reads has
 * no buckets, and that was told. */
bool fa_sound_buckets(struct fa_sound *sound, const struct fa_promql_node *node);
/* The two vectors of an operator. False: no element of one ever meets one of the other, and that
 * was told. */
bool fa_sound_match(struct fa_sound *sound, const struct fa_promql_node *node);

#endif
