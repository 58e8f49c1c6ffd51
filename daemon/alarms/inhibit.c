/* SPDX-License-Identifier: MIT */
/* Inhibition: of each configured one, and of each set of values of its `equal` labels that occurs,
 * a group knows the alarms on both sides, so that raising one costs the same however many are open.
 *
 * Invariants:
 *  1. An alarm hides others while it is unacknowledged or acknowledged, and is not hidden itself.
 *  2. No alarm is on both sides by way of any others: the configuration proves that no circle is
 *     possible, so looking again from alarm to alarm ends.
 *  3. Groups are made from the configuration and the open alarms; nothing of them is stored.
 */
#include "alarms/internal.h"
#include "base/texts.h"

#include <stdlib.h>
#include <string.h>

struct fa_inhibit_link {
    struct fa_inhibit_link *next;           /* of the same alarm */
    struct fa_inhibit_link *after, *before; /* of the same group and side */
    struct fa_alarm *alarm;
    struct fa_inhibit_group *group;
    bool is_source;
    bool hides; /* a source that counts now */
};

struct fa_inhibit_group {
    char *key;                              /* owned: the inhibition's place and the values */
    const struct fa_inhibition *inhibition; /* of the setup */
    struct fa_inhibit_link *sources, *targets;
    struct fa_inhibit_link *coming; /* the target to be looked at next; NULL: none */
    uint32_t hiding;                /* sources that count */
    UT_hash_handle hh;
};

/* ---- groups ---- */

void fa_inhibit_key(const struct fa_inhibition *inhibition, struct fa_matched *matched,
                    struct fa_buf *buf)
{
    for (size_t i = 0; i < inhibition->equal_count; i++) {
        struct fa_str value = fa_matched_value(matched, inhibition->equal[i]);
        fa_buf_printf(buf, ",%zu:", value.len);
        fa_buf_putstr(buf, value);
    }
}

static struct fa_inhibit_group *group_of(struct fa_engine *engine, size_t at, const char *key)
{
    struct fa_inhibit_group *group = NULL;
    HASH_FIND_STR(engine->hiders.groups, key, group);
    if (group == NULL) {
        group = fa_xcalloc(1, sizeof *group);
        group->key = fa_xstrdup(key);
        group->inhibition = &engine->setup->inhibitions[at];
        HASH_ADD_KEYPTR(hh, engine->hiders.groups, group->key, strlen(group->key), group);
    }
    return group;
}

static void free_group(struct fa_engine *engine, struct fa_inhibit_group *group)
{
    HASH_DELETE(hh, engine->hiders.groups, group);
    free(group->key);
    free(group);
}

void fa_inhibit_free_groups(struct fa_engine *engine)
{
    struct fa_inhibit_group *group, *next;
    HASH_ITER(hh, engine->hiders.groups, group, next) {
        free_group(engine, group);
    }
}

/* ---- links ---- */

static void join(struct fa_alarm *alarm, struct fa_inhibit_group *group, bool is_source)
{
    struct fa_hiding *hiding = fa_hiding_of(alarm);
    struct fa_inhibit_link *link = fa_xcalloc(1, sizeof *link);
    link->alarm = alarm;
    link->is_source = is_source;
    link->group = group;
    struct fa_inhibit_link **side = is_source ? &link->group->sources : &link->group->targets;
    link->after = *side;
    if (link->after != NULL) {
        link->after->before = link;
    }
    *side = link;
    link->next = hiding->links;
    hiding->links = link;
}

void fa_inhibit_link(struct fa_engine *engine, struct fa_alarm *alarm)
{
    const struct fa_setup *setup = engine->setup;
    struct fa_matched matched = fa_hiding_matched(alarm);
    struct fa_buf key;
    fa_buf_init(&key, FA_ROW_BYTES_MAX);
    for (size_t i = 0; i < setup->inhibition_count; i++) {
        bool when = fa_matchers_match(&setup->inhibitions[i].when, &matched);
        bool hide = fa_matchers_match(&setup->inhibitions[i].hide, &matched);
        if (when || hide) {
            fa_buf_clear(&key);
            fa_buf_printf(&key, "%zu", i);
            fa_inhibit_key(&setup->inhibitions[i], &matched, &key);
        }
        if (when) {
            join(alarm, group_of(engine, i, fa_buf_text(&key)), true);
        }
        if (hide) {
            join(alarm, group_of(engine, i, fa_buf_text(&key)), false);
        }
    }
    fa_buf_done(&key);
    fa_matched_done(&matched);
}

void fa_inhibit_free_links(struct fa_inhibit_link *links)
{
    while (links != NULL) {
        struct fa_inhibit_link *next = links->next;
        free(links);
        links = next;
    }
}

void fa_inhibit_unlink(struct fa_engine *engine, struct fa_alarm *alarm)
{
    for (struct fa_inhibit_link *link = alarm->hiding->links; link != NULL; link = link->next) {
        struct fa_inhibit_group *group = link->group;
        struct fa_inhibit_link **side = link->is_source ? &group->sources : &group->targets;
        fa_assert(!link->hides);
        *(link->before != NULL ? &link->before->after : side) = link->after;
        if (link->after != NULL) {
            link->after->before = link->before;
        }
        if (group->coming == link) {
            group->coming = link->after;
        }
        if (group->sources == NULL && group->targets == NULL) {
            free_group(engine, group);
        }
    }
    fa_inhibit_free_links(alarm->hiding->links);
    alarm->hiding->links = NULL;
}

/* ---- what they do ---- */

static bool fires(const struct fa_alarm *alarm)
{
    return (alarm->state == FA_ALARM_UNACKED || alarm->state == FA_ALARM_ACKED) &&
           !fa_is_hidden(alarm);
}

/* An alarm that is heard again may be over at once: it leaves the group then, or another one that
 * it kept hidden does. */
static void review_targets(struct fa_engine *engine, struct fa_inhibit_group *group)
{
    group->coming = group->targets;
    while (group->coming != NULL) {
        struct fa_alarm *alarm = group->coming->alarm;
        group->coming = group->coming->after;
        fa_hiding_review(engine, alarm);
    }
}

void fa_inhibit_follow(struct fa_engine *engine, struct fa_alarm *alarm)
{
    struct fa_inhibit_link *link = alarm->hiding != NULL ? alarm->hiding->links : NULL;
    for (; link != NULL; link = link->next) {
        bool hides = link->is_source && fires(alarm);
        if (hides == link->hides) {
            continue;
        }
        link->hides = hides;
        link->group->hiding += hides ? 1 : UINT32_MAX;
        if (link->group->hiding == (hides ? 1 : 0)) {
            review_targets(engine, link->group);
        }
    }
}

bool fa_is_inhibited(const struct fa_alarm *alarm)
{
    const struct fa_inhibit_link *link = alarm->hiding != NULL ? alarm->hiding->links : NULL;
    while (link != NULL && (link->is_source || link->group->hiding == 0)) {
        link = link->next;
    }
    return link != NULL;
}

void fa_engine_each_inhibitor(const struct fa_alarm *alarm, fa_inhibitor_fn *fn, void *ctx)
{
    const struct fa_inhibit_link *link = alarm->hiding != NULL ? alarm->hiding->links : NULL;
    for (; link != NULL; link = link->next) {
        const struct fa_inhibit_link *other = link->is_source ? NULL : link->group->sources;
        for (; other != NULL; other = other->after) {
            if (other->hides) {
                fn(ctx, other->alarm, link->group->inhibition);
            }
        }
    }
}

void fa_engine_each_inhibited(const struct fa_alarm *alarm, fa_alarm_fn *fn, void *ctx)
{
    const struct fa_inhibit_link *link = alarm->hiding != NULL ? alarm->hiding->links : NULL;
    for (; link != NULL; link = link->next) {
        const struct fa_inhibit_link *other = link->hides ? link->group->targets : NULL;
        for (; other != NULL; other = other->after) {
            if ((other->alarm->flags & FA_FLAG_SUPPRESSED) != 0) {
                fn(ctx, other->alarm);
            }
        }
    }
}

/* ---- proof ---- */

void fa_inhibition_done(struct fa_inhibition *inhibition)
{
    fa_matchers_done(&inhibition->when);
    fa_matchers_done(&inhibition->hide);
    fa_texts_free(inhibition->equal, inhibition->equal_count);
    free(inhibition->reason);
    free(inhibition->owner);
    *inhibition = (struct fa_inhibition){0};
}

/* Can what `from` hides be what `to` rests on? Then `to` hides or not as `from` does. */
static bool leads_to(const struct fa_inhibition *from, const struct fa_inhibition *to)
{
    return fa_matchers_meet(&from->hide, &to->when);
}

/* Depth first; state: 0 not seen, 1 on the way here, 2 leads to no circle. */
static size_t find_circle(const struct fa_inhibition *list, size_t count, size_t at, uint8_t *state)
{
    state[at] = 1;
    for (size_t i = 0; i < count; i++) {
        if (state[i] == 2 || !leads_to(&list[at], &list[i])) {
            continue;
        }
        size_t found = state[i] == 1 ? at : find_circle(list, count, i, state);
        if (found < count) {
            return found;
        }
    }
    state[at] = 2;
    return count;
}

int fa_inhibitions_check(const struct fa_inhibition *list, size_t count, size_t *ret_at,
                         struct fa_err *err)
{
    uint8_t state[FA_INHIBITIONS_MAX] = {0};
    fa_assert(count <= FA_INHIBITIONS_MAX);
    for (size_t i = 0; i < count; i++) {
        size_t found = state[i] == 0 ? find_circle(list, count, i, state) : count;
        if (found < count) {
            *ret_at = found;
            return fa_err_set(err, FA_ECONFLICT,
                              "it may hide what hides it: an alarm that hide takes can be one that "
                              "an inhibition rests on, in a circle. Keep the two apart by a "
                              "matcher, for instance severity=critical in when and "
                              "severity!=critical in hide");
        }
    }
    return 0;
}
