/* SPDX-License-Identifier: MIT */
/* Hindsight: of a window it is known when it was open; of an inhibition, for each set of values of
 * its `equal` labels, when one of the alarms that it rests on was there. Both are stretches, merged
 * and looked up by halves, so that an alarm costs the same however many there were. */
#include "alarms/hindsight.h"

#include "alarms/internal.h"

#include <stdlib.h>
#include <string.h>

struct fa_hindsight_group {
    char *key; /* owned */
    struct fa_spans there;
    UT_hash_handle hh;
};

void fa_hindsight_done(struct fa_hindsight *hindsight)
{
    struct fa_hindsight_group *group, *next;
    HASH_ITER(hh, hindsight->groups, group, next) {
        HASH_DELETE(hh, hindsight->groups, group);
        fa_spans_done(&group->there);
        free(group->key);
        free(group);
    }
    fa_spans_done(&hindsight->during);
    fa_inhibition_done(&hindsight->hiding);
}

static struct fa_hindsight_group *find(const struct fa_hindsight *hindsight,
                                       struct fa_matched *matched, struct fa_buf *key)
{
    struct fa_hindsight_group *group = NULL;
    fa_inhibit_key(&hindsight->hiding, matched, key);
    HASH_FIND_STR(hindsight->groups, fa_buf_text(key), group);
    return group;
}

void fa_hindsight_explain(struct fa_hindsight *hindsight, const struct fa_alarm *alarm,
                          struct fa_span was)
{
    struct fa_matched matched = fa_hiding_matched(alarm);
    struct fa_buf key;
    fa_buf_init(&key, FA_ROW_BYTES_MAX);
    if (fa_hiding_takes_part(alarm) && fa_matchers_match(&hindsight->hiding.when, &matched)) {
        struct fa_hindsight_group *group = find(hindsight, &matched, &key);
        if (group == NULL) {
            group = fa_xcalloc(1, sizeof *group);
            group->key = fa_xstrdup(fa_buf_text(&key));
            HASH_ADD_KEYPTR(hh, hindsight->groups, group->key, strlen(group->key), group);
        }
        fa_spans_add(&group->there, was);
    }
    fa_buf_done(&key);
    fa_matched_done(&matched);
}

bool fa_hindsight_hides(const struct fa_hindsight *hindsight, const struct fa_engine *engine,
                        const struct fa_alarm *alarm, struct fa_span was)
{
    struct fa_matched matched = fa_hiding_matched(alarm);
    const struct fa_spans *spans = &hindsight->during;
    struct fa_buf key;
    fa_buf_init(&key, FA_ROW_BYTES_MAX);
    bool takes =
        fa_engine_may_hide(engine, alarm) && fa_matchers_match(&hindsight->hiding.hide, &matched);
    if (takes && hindsight->hiding.when.count > 0) {
        const struct fa_hindsight_group *group = find(hindsight, &matched, &key);
        takes = group != NULL;
        spans = takes ? &group->there : NULL;
    }
    fa_time first = takes ? fa_spans_inside(spans, was.from) : FA_NEVER;
    fa_buf_done(&key);
    fa_matched_done(&matched);
    return first < was.until || first == was.from;
}
