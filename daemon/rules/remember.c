/* SPDX-License-Identifier: MIT */
/* What rules remember of label sets beyond the alarms' own records, as bytes for a start after this
 * run: which of the last samples it held at, since when a kept alarm is over, that it fired and
 * has had no data since, for its alarm may have been closed by hand, and of a rule of `absent` when
 * it was heard of last, for its series may be long gone. What fires or is pending comes from the
 * alarms (fa_rules_restore), all else from the samples.
 *
 * Silence counts from the start, as nobody listened before; after a reload, and when the clock
 * steps, it goes on.
 *
 * Written a slice at a time: label sets by their place in the rule's pool, where a free place has
 * no labels. The newest sample is judged again at the start, so the judgement of it is left out. */
#include "base/panic.h"
#include "base/rec.h"
#include "rules/group.h"
#include "rules/rules.h"

#include <stdlib.h>

#define F_GROUP 16u /* beside the fields of fa_metrics_save */

enum { G_RULE = 1, G_LABELS, G_JUDGED, G_COUNT, G_OVER, G_LOST, G_HEARD, G_READS, G_FIRES };

static void save_group(const struct fa_group *group, struct fa_buf *buf)
{
    size_t from = buf->len;
    if (group->labels == NULL) {
        return;
    }
    const struct fa_rule_state *state = group->state;
    bool is_lost = group->held && group->level == FA_LEVEL_UNKNOWN;
    bool is_heard = state->rule->metric.absent > 0 && group->newest_at > 0;
    if (group->judged_count == 0 && group->over_since == 0 && !is_lost && !is_heard) {
        return;
    }
    fa_rec_put_text(buf, G_RULE, state->rule->name);
    fa_rec_put_text(buf, G_LABELS, group->labels);
    fa_rec_put_u64(buf, G_JUDGED, group->judged);
    fa_rec_put_u64(buf, G_COUNT, group->judged_count);
    fa_rec_put_i64(buf, G_OVER, group->over_since);
    fa_rec_put_u64(buf, G_LOST, is_lost);
    if (is_heard) {
        fa_rec_put_i64(buf, G_HEARD, group->newest_at);
        fa_rec_put_u64(buf, G_READS, state->reads);
        fa_rec_put_u64(buf, G_FIRES, group->level == FA_LEVEL_FIRING);
    }
    fa_rec_wrap(buf, F_GROUP, from);
}

bool fa_rules_save(const struct fa_rules *rules, struct fa_rules_save *save, size_t groups,
                   struct fa_buf *buf)
{
    for (; save->rule < rules->count; save->rule++, save->place = 0) {
        const struct fa_rule_state *state = rules->states[save->rule];
        for (; save->place < state->groups_pool.count; save->place++) {
            if (groups-- == 0) {
                return true;
            }
            save_group(fa_pool_at(&state->groups_pool, save->place), buf);
        }
    }
    return false;
}

struct remembered {
    struct fa_str rule, labels;
    uint64_t judged, count, reads;
    fa_time over, heard;
    bool is_lost, fires;
};

static void read_group(struct fa_str bytes, struct remembered *ret)
{
    struct fa_rec_reader reader = fa_rec_read(bytes);
    struct fa_rec_field field;
    *ret = (struct remembered){.rule = FA_STR(""), .labels = FA_STR("")};
    while (fa_rec_next(&reader, &field)) {
        ret->rule = field.tag == G_RULE ? field.bytes : ret->rule;
        ret->labels = field.tag == G_LABELS ? field.bytes : ret->labels;
        ret->judged = field.tag == G_JUDGED ? field.u64 : ret->judged;
        ret->count = field.tag == G_COUNT ? field.u64 : ret->count;
        ret->over = field.tag == G_OVER ? field.i64 : ret->over;
        ret->is_lost = field.tag == G_LOST ? field.u64 != 0 : ret->is_lost;
        ret->heard = field.tag == G_HEARD ? field.i64 : ret->heard;
        ret->reads = field.tag == G_READS ? field.u64 : ret->reads;
        ret->fires = field.tag == G_FIRES ? field.u64 != 0 : ret->fires;
    }
}

/* Are these the labels that tell the rule's label sets from one another? */
static bool has_labels_of(const struct fa_metric_rule *rule, const struct fa_labels *set)
{
    bool has = set->count == rule->per_count;
    for (size_t i = 0; i < rule->per_count && has; i++) {
        has = fa_labels_get(set, fa_str_of(rule->per[i])).len > 0;
    }
    return has;
}

/* What is silent has no series that could make its label set; but if it fired, its alarm may have
 * been closed by hand. */
static void load_heard(struct fa_rules *rules, struct fa_rule_state *state,
                       const struct remembered *was, const struct fa_labels *set)
{
    const struct fa_metric_rule *rule = &state->rule->metric;
    if (was->heard <= 0 || rule->absent == 0 || was->reads != state->reads ||
        !has_labels_of(rule, set)) {
        return;
    }
    struct fa_group *group = was->fires ? fa_group_find(rules, state, was->labels)
                                        : fa_group_take(rules, state, was->labels);
    if (group != NULL) {
        group->newest_at = was->heard > group->newest_at ? was->heard : group->newest_at;
        group->pinned = true;
        fa_group_mark(rules, group, false);
    }
}

static void load_group(struct fa_rules *rules, struct fa_str bytes, fa_time shift)
{
    struct remembered was;
    struct fa_labels *set = NULL;
    read_group(bytes, &was);
    char *name = fa_xstrndup(was.rule.ptr, was.rule.len);
    struct fa_rule_state *state = fa_state_find(rules, name);
    free(name);
    if (state == NULL || was.count > state->rule->of || was.over < 0 ||
        fa_labels_parse(was.labels, &set) < 0) {
        return;
    }
    if (was.count > 0 || was.over > 0 || was.is_lost) {
        struct fa_group *group = fa_group_take(rules, state, was.labels);
        group->judged = was.judged >> 1;
        group->judged_count = (uint8_t)(was.count > 0 ? was.count - 1 : 0);
        group->held = group->held || was.is_lost;
        group->over_since =
            group->held && state->rule->keep_firing_for > 0 && was.over > 0 ? was.over + shift : 0;
        fa_group_mark(rules, group, false);
    }
    was.heard += shift;
    load_heard(rules, state, &was, set);
    fa_labels_free(set);
}

static void load(struct fa_rules *rules, struct fa_str bytes, fa_time shift)
{
    struct fa_rec_reader reader = fa_rec_read(bytes);
    struct fa_rec_field field;
    while (fa_rec_next(&reader, &field)) {
        if (field.tag == F_GROUP) {
            load_group(rules, field.bytes, shift);
        }
    }
}

void fa_rules_load(struct fa_rules *rules, struct fa_str bytes)
{
    load(rules, bytes, 0);
}

void fa_rules_hand_on(const struct fa_rules *from, struct fa_rules *to, fa_time shift)
{
    struct fa_rules_save save = {0};
    struct fa_buf buf;
    fa_buf_init(&buf, SIZE_MAX / 2);
    (void)fa_rules_save(from, &save, SIZE_MAX, &buf);
    load(to, fa_buf_str(&buf), shift);
    fa_buf_done(&buf);
    for (size_t i = 0; i < to->count; i++) {
        struct fa_rule_state *state = to->states[i];
        const struct fa_rule_state *old = fa_state_find(from, state->rule->name);
        bool is_known = shift == 0 || state->rule->metric.absent > 0; /* beyond the samples */
        if (old != NULL && old->since != FA_NEVER && old->reads == state->reads && is_known) {
            state->since = old->since + shift;
        }
    }
}
