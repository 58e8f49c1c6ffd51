/* SPDX-License-Identifier: MIT */
/* A rule's state without label sets: all of its series belong to the whole. */
#include "rules/windowed.h"

#include "base/panic.h"
#include "rules/group.h"

#include <stdlib.h>

struct fa_windowed {
    struct fa_rule rule;
    struct fa_rules inside;
    struct fa_rule_state *state;
};

struct fa_windowed *fa_windowed_new(const struct fa_promql *promql, fa_time look_back,
                                    struct fa_metrics *metrics)
{
    struct fa_windowed *self = fa_xcalloc(1, sizeof *self);
    self->rule.query.expr = (struct fa_promql *)(uintptr_t)promql;
    self->rule.query.look_back = look_back;
    self->inside.metrics = metrics;
    self->inside.watcher = fa_watcher_new(metrics);
    self->state = fa_state_new(&self->rule, &self->inside, true);
    return self;
}

void fa_windowed_free(struct fa_windowed *windowed)
{
    if (windowed != NULL) {
        fa_state_free(windowed->state);
        fa_watcher_free(windowed->inside.watcher);
        free(windowed);
    }
}

int fa_windowed_run(struct fa_windowed *windowed, fa_time now, struct fa_query **ret_query,
                    struct fa_query_value *ret_value, struct fa_err *err)
{
    struct fa_whole *whole = windowed->state->whole;
    struct fa_link *link;
    while ((link = fa_watcher_take_dirty(windowed->inside.watcher)) != NULL) {
        if (link->gone && link->member != NULL) {
            fa_whole_drop(link);
        } else if (!link->gone && link->member == NULL) {
            fa_whole_join(whole, ((const struct fa_leaf *)fa_link_owner(link))->number, link);
        }
        if (link->gone) {
            fa_link_release(link);
        }
    }
    return fa_whole_run(whole, &windowed->state->plan.tree, windowed->rule.query.expr, now,
                        ret_query, ret_value, err);
}
