/* SPDX-License-Identifier: MIT */
/* Walks a policy through the time that is known, from one change of duty or leave to the next, and
 * says when its climb would end with nobody. */
#ifndef FA_ALARMS_WALK_H
#define FA_ALARMS_WALK_H

#include "alarms/policy.h"

/* clang-format off */
enum fa_walk_kind {
    FA_WALK_NOBODY,      /* the last step tells nobody in this time */
    FA_WALK_UNREACHABLE, /* a step that tells nobody at any time */
};
/* clang-format on */

struct fa_walk_finding {
    enum fa_walk_kind kind;
    const struct fa_policy *policy;
    uint32_t step;       /* from 0 */
    struct fa_span when; /* of NOBODY; ends with the time that was walked at the latest */
};
typedef void fa_walk_fn(void *ctx, const struct fa_walk_finding *finding);

/* In the order of time. is_filing: over channels that may carry what people file. What depends on
 * an alarm's customer, labels or reporter counts as nobody in the last step; a step that has such
 * targets is never called unreachable. */
void fa_walk_policy(const struct fa_directory *dir, const struct fa_policy *policy, bool is_filing,
                    struct fa_span time, fa_walk_fn *fn, void *ctx);

#endif
