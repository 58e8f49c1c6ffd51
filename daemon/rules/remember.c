/* SPDX-License-Identifier: MIT */
/* What rules remember of label sets beyond the alarms' own records, as bytes for a start after this
 * run: which of the last samples it held at, since when a kept alarm is over, and that it fired and
 * has had no data since, for its alarm may have been closed by hand. What fires or is pending comes
 * from the alarms (fa_rules_restore), all else from the samples.
 *
 * Written a slice at a time: label sets by their place in the rule's pool, where a free place has
 * no labels. The newest sample is judged again at the start, so the judgement of it is left out. */
#include "base/rec.h"
#include "rules/group.h"
#include "rules/rules.h"

#define F_GROUP 16u /* beside the fields of fa_metrics_save */

enum { G_RULE = 1, G_LABELS, G_JUDGED, G_COUNT, G_OVER, G_LOST };

static void save_group(const struct fa_group *group, struct fa_buf *buf)
{
    size_t from = buf->len;
    bool is_lost = group->held && group->level == FA_LEVEL_UNKNOWN;
    if (group->labels == NULL || (group->judged_count == 0 && group->over_since == 0 && !is_lost)) {
        return;
    }
    fa_rec_put_text(buf, G_RULE, group->state->rule->name);
    fa_rec_put_text(buf, G_LABELS, group->labels);
    fa_rec_put_u64(buf, G_JUDGED, group->judged);
    fa_rec_put_u64(buf, G_COUNT, group->judged_count);
    fa_rec_put_i64(buf, G_OVER, group->over_since);
    fa_rec_put_u64(buf, G_LOST, is_lost);
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

static void load_group(struct fa_rules *rules, struct fa_str bytes)
{
    struct fa_rec_reader reader = fa_rec_read(bytes);
    struct fa_rec_field field;
    struct fa_str rule = FA_STR(""), labels = FA_STR("");
    uint64_t judged = 0, count = 0;
    bool is_lost = false;
    fa_time over = 0;
    while (fa_rec_next(&reader, &field)) {
        rule = field.tag == G_RULE ? field.bytes : rule;
        labels = field.tag == G_LABELS ? field.bytes : labels;
        judged = field.tag == G_JUDGED ? field.u64 : judged;
        count = field.tag == G_COUNT ? field.u64 : count;
        over = field.tag == G_OVER ? field.i64 : over;
        is_lost = field.tag == G_LOST ? field.u64 != 0 : is_lost;
    }
    for (size_t i = 0; i < rules->count; i++) {
        struct fa_rule_state *state = rules->states[i];
        struct fa_labels *set = NULL;
        bool is_his = fa_str_is(rule, state->rule->name) && count <= state->rule->of;
        if (!is_his || over < 0 || fa_labels_parse(labels, &set) < 0) {
            continue;
        }
        struct fa_group *group = fa_group_take(rules, state, labels);
        group->judged = judged >> 1;
        group->judged_count = (uint8_t)(count > 0 ? count - 1 : 0);
        group->held = group->held || is_lost;
        group->over_since = group->held && state->rule->keep_firing_for > 0 ? over : 0;
        fa_group_mark(rules, group, false);
        fa_labels_free(set);
    }
}

void fa_rules_load(struct fa_rules *rules, struct fa_str bytes)
{
    struct fa_rec_reader reader = fa_rec_read(bytes);
    struct fa_rec_field field;
    while (fa_rec_next(&reader, &field)) {
        if (field.tag == F_GROUP) {
            load_group(rules, field.bytes);
        }
    }
}
