/* SPDX-License-Identifier: MIT */
/* Draft to configuration: moves what was read into the structs that the other rooms take. */
#ifndef FA_CONFIG_BUILD_H
#define FA_CONFIG_BUILD_H

#include "config/draft.h"

/* Moves out of the draft; what is left there are settings and the lists' lengths. Faults in what
 * has a notation of its own (tokens, takes, routes) are reported. Policies are not sealed yet. */
struct fa_config *fa_build(struct fa_faults *faults, struct fa_draft *draft);
/* Once values are proved: gives rules what they leave to their category, and values' violations. */
void fa_build_inherit(struct fa_config *config, const struct fa_draft *draft);

/* build_exprs.c: named expressions, then those of a rule; faults are reported. */
void fa_build_defines(struct fa_faults *faults, struct fa_draft *draft, struct fa_config *config);
void fa_build_defines_free(struct fa_config *config);
void fa_build_query(struct fa_faults *faults, const struct fa_config *config,
                    struct fa_draft_rule *from, struct fa_rule *rule);

#endif
