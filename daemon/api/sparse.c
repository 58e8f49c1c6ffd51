/* SPDX-License-Identifier: MIT */
/* Rules whose samples come too seldom for what they ask of them, as the rules have seen it: a KPI
 * that comes once a day is known for five minutes of it, and a `for` of an hour never ends. */
#include "api/internal.h"

#define SPARSE_MAX 1000

static json_t *item_of(const char *rule, const struct fa_rule_feed *feed, const char *selector)
{
    json_t *item = json_object();
    fa_json_set_text(item, "rule", rule);
    fa_json_set_text(item, "selector", selector);
    fa_json_set_duration(item, "interval", feed->interval);
    fa_json_set_duration(item, feed->window > 0 ? "window" : "look_back",
                         feed->window > 0 ? feed->window : feed->serves);
    if (feed->window > 0) {
        json_object_set_new(item, "samples", json_integer(feed->pair ? 2 : 1));
    }
    return item;
}

static void add_rule(json_t *list, struct fa_rules *rules, const char *rule)
{
    struct fa_rule_feed feed;
    bool more = true;
    for (size_t i = 0; more && json_array_size(list) < SPARSE_MAX; i++) {
        struct fa_buf selector;
        fa_buf_init(&selector, (size_t)64 << 10);
        more = fa_rules_feed(rules, rule, i, &feed, &selector);
        if (more && fa_rule_feed_pace(&feed, feed.interval) != FA_PACE_ENOUGH) {
            json_array_append_new(list, item_of(rule, &feed, fa_buf_text(&selector)));
        }
        fa_buf_done(&selector);
    }
}

json_t *fa_seldom_json(const struct fa_call *call, struct fa_rules *rules)
{
    json_t *list = json_array();
    for (size_t i = 0; i < call->setup->rule_count; i++) {
        add_rule(list, rules, call->setup->rules[i]->name);
    }
    return list;
}
