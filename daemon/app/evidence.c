/* SPDX-License-Identifier: MIT */
/* What the rules say about a decision, for `explain`: behind the engine's words in a row of
 * evidence, at the moment it is written; and each rule's last changes of level, in memory.
 *
 * A row is finished within the engine's step, so what it says is what was decided on: rules have
 * evaluated that label set just then, or nothing of it changed since. */
#include "app/internal.h"

#include "alarms/evidence.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- a row ---- */

struct picture {
    struct fa_evidence *evidence;
    fa_time from;
    bool begins;
};

static void add_points(void *ctx, const struct fa_point *points, size_t count, bool more)
{
    struct picture *picture = ctx;
    for (size_t i = 0; i < count; i++) {
        fa_evidence_add(picture->evidence, points[i], picture->from, picture->begins);
        picture->begins = false;
    }
    picture->begins = !more;
}

static void add_threshold(struct fa_evidence *e, const struct fa_metric_rule *metric)
{
    e->has_above = metric->has_above, e->above = metric->above;
    e->has_below = metric->has_below, e->below = metric->below;
    e->has_clear_above = metric->has_clear_above, e->clear_above = metric->clear_above;
    e->has_clear_below = metric->has_clear_below, e->clear_below = metric->clear_below;
    e->over = metric->over;
    e->look_back = metric->look_back;
}

void fa_evidence_finish(struct fa_daemon *daemon, struct fa_str head, struct fa_buf *row)
{
    struct fa_evidence e;
    struct fa_rule_status status;
    char rule[FA_EVIDENCE_TEXT_MAX], labels[FA_EVIDENCE_TEXT_MAX + 1];
    struct fa_buf expr;
    fa_buf_putstr(row, head);
    if (fa_evidence_decode(head, &e) != 0 || e.cut) {
        return;
    }
    snprintf(rule, sizeof rule, "%.*s", FA_STR_ARG(e.rule));
    snprintf(labels, sizeof labels, "%.*s", FA_STR_ARG(e.labels));
    if (!fa_rules_look(daemon->rules, rule, labels, &status)) {
        return;
    }
    fa_buf_init(&expr, FA_EVIDENCE_BYTES_MAX);
    fa_rules_text(daemon->rules, rule, &expr);
    e.has_rule = true;
    e.expr = fa_buf_str(&expr);
    e.now_value = status.value;
    e.newest = status.newest;
    e.covered_at = status.covered_at;
    e.samples = status.samples;
    add_threshold(&e, &status.rule->metric);
    struct picture picture = {&e, e.at - (e.over > 0 ? e.over : e.look_back), true};
    fa_rules_points(daemon->rules, rule, labels, add_points, &picture);
    fa_evidence_seal(&e);
    fa_evidence_encode_rule(&e, row);
    fa_buf_done(&expr);
}

/* ---- the last changes of each rule ---- */

struct fa_rule_changes {
    char *rule;
    struct fa_rule_change list[FA_RULE_CHANGES]; /* a ring; the texts are owned */
    size_t next, count;
    UT_hash_handle hh;
};

static struct fa_rule_changes *changes_of(struct fa_daemon *daemon, const char *rule)
{
    struct fa_rule_changes *changes = NULL;
    HASH_FIND_STR(daemon->changes, rule, changes);
    return changes;
}

/* The one that happened `ago` changes before the newest. */
static const struct fa_rule_change *change_at(const struct fa_rule_changes *changes, size_t ago)
{
    return &changes->list[(changes->next + FA_RULE_CHANGES - 1 - ago) % FA_RULE_CHANGES];
}

/* A firing one that became worse is signalled too, and is no change. */
static bool is_known(const struct fa_rule_changes *changes, const struct fa_signal *signal)
{
    for (size_t i = 0; i < changes->count; i++) {
        const struct fa_rule_change *change = change_at(changes, i);
        if (strcmp(change->labels, signal->labels) == 0) {
            return change->level == signal->level;
        }
    }
    return false;
}

void fa_changes_note(struct fa_daemon *daemon, const struct fa_signal *signal)
{
    struct fa_rule_changes *changes = changes_of(daemon, signal->rule->name);
    if (changes == NULL) {
        changes = fa_xcalloc(1, sizeof *changes);
        changes->rule = fa_xstrdup(signal->rule->name);
        HASH_ADD_KEYPTR(hh, daemon->changes, changes->rule, strlen(changes->rule), changes);
    }
    if (is_known(changes, signal)) {
        return;
    }
    struct fa_rule_change *change = &changes->list[changes->next];
    free(change->labels);
    *change = (struct fa_rule_change){signal->since, signal->level, signal->value,
                                      fa_xstrdup(signal->labels)};
    changes->next = (changes->next + 1) % FA_RULE_CHANGES;
    changes->count += changes->count < FA_RULE_CHANGES;
}

size_t fa_changes_read(struct fa_daemon *daemon, const char *rule,
                       struct fa_rule_change ret[FA_RULE_CHANGES])
{
    const struct fa_rule_changes *changes = changes_of(daemon, rule);
    for (size_t i = 0; changes != NULL && i < changes->count; i++) {
        ret[i] = *change_at(changes, i);
    }
    return changes != NULL ? changes->count : 0;
}

static void drop(struct fa_daemon *daemon, struct fa_rule_changes *changes)
{
    HASH_DELETE(hh, daemon->changes, changes);
    for (size_t i = 0; i < FA_RULE_CHANGES; i++) {
        free(changes->list[i].labels);
    }
    free(changes->rule);
    free(changes);
}

void fa_changes_sweep(struct fa_daemon *daemon)
{
    struct fa_rule_changes *changes, *next;
    HASH_ITER(hh, daemon->changes, changes, next) {
        if (!fa_rules_has(daemon->rules, changes->rule)) {
            drop(daemon, changes);
        }
    }
}

void fa_changes_done(struct fa_daemon *daemon)
{
    struct fa_rule_changes *changes, *next;
    HASH_ITER(hh, daemon->changes, changes, next) {
        drop(daemon, changes);
    }
}
