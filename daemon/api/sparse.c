/* SPDX-License-Identifier: MIT */
/* Rules that look back less far than what they read takes to come: a KPI that comes once a day is
 * known for five minutes of it, and a `for` of an hour never ends. Told from the rules' last
 * changes: each sample made a label set known, and when its look-back was over it was unknown
 * again. Two such in a row are an interval; one may be an outage, and what was known for longer is
 * fed well. */
#include "api/internal.h"

#include <string.h>

#define SLACK      (2 * FA_SECOND) /* until somebody looked */
#define SPARSE_MAX 1000

struct spells {
    fa_time known, before; /* since when it is known, and was the time before; 0: it is, was not */
    fa_time longest;       /* between samples in a row that came too late */
    unsigned count;        /* of these times */
};

static void take_change(struct spells *spells, const struct fa_rule_change *change,
                        fa_time look_back)
{
    bool is_unknown = change->level == FA_LEVEL_UNKNOWN;
    if (is_unknown && spells->known != 0) {
        bool is_single = change->when - spells->known <= look_back + SLACK;
        *spells = is_single ? (struct spells){0, spells->known, spells->longest, spells->count}
                            : (struct spells){0};
    } else if (!is_unknown && spells->known == 0) {
        fa_time apart = change->when - spells->before;
        if (spells->before != 0) {
            spells->longest = apart > spells->longest ? apart : spells->longest;
            spells->count++;
        }
        spells->known = change->when;
    }
}

fa_time fa_changes_interval(const struct fa_rule_change *changes, size_t count, fa_time look_back)
{
    fa_time interval = 0;
    for (size_t set = 0; set < count; set++) {
        struct spells spells = {0};
        for (size_t i = count; i-- > 0;) { /* the oldest first */
            if (strcmp(changes[i].labels, changes[set].labels) == 0) {
                take_change(&spells, &changes[i], look_back);
            }
        }
        interval = spells.count >= 2 && spells.longest > interval ? spells.longest : interval;
    }
    return interval;
}

json_t *fa_seldom_json(const struct fa_call *call)
{
    const struct fa_api_host *host = &call->api->host;
    json_t *list = json_array();
    for (size_t i = 0; i < call->setup->rule_count && json_array_size(list) < SPARSE_MAX; i++) {
        const struct fa_rule *rule = call->setup->rules[i];
        struct fa_rule_change changes[FA_RULE_CHANGES];
        /* With a window other times count, and alerts have ends. */
        if (rule->is_alert || rule->metric.over > 0 || rule->metric.absent > 0) {
            continue;
        }
        size_t count = host->changes(host->ctx, rule->name, changes);
        fa_time interval = fa_changes_interval(changes, count, rule->metric.look_back);
        if (interval > rule->metric.look_back) {
            json_t *item = json_object();
            fa_json_set_text(item, "rule", rule->name);
            fa_json_set_duration(item, "interval", interval);
            fa_json_set_duration(item, "look_back", rule->metric.look_back);
            json_array_append_new(list, item);
        }
    }
    return list;
}
