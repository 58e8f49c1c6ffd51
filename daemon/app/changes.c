/* SPDX-License-Identifier: MIT */
/* Each rule's last changes of level, for `explain` of what did not fire: in memory, and with the
 * checkpoint of samples, so that a restart forgets those of a minute at most.
 *
 * Invariants: at most FA_RULE_CHANGES of a rule that is configured; a level that is said again, as
 * after a restart, is no change. A rule with more label sets than there is room for does not know
 * them all: at a start each says anew that it is clear, which is no news (RECALL_MS). */
#include "app/internal.h"

#include "base/panic.h"
#include "base/rec.h"

#include <stdlib.h>
#include <string.h>
#define uthash_fatal(msg) fa_panic(__FILE__, __LINE__, msg)
#include <uthash.h>

#define RECALL_MS (10 * FA_SECOND) /* for what is evaluated first, and what has to settle */

#define F_CHANGE 17u /* beside the fields of fa_metrics_save and fa_rules_save */

enum { C_RULE = 1, C_LABELS, C_WHEN, C_LEVEL, C_VALUE };

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

static bool is_recalled(const struct fa_daemon *daemon, const struct fa_rule_changes *changes,
                        const struct fa_signal *signal)
{
    return changes->count == FA_RULE_CHANGES && signal->level != FA_LEVEL_FIRING &&
           daemon->checkpoint.recalled != 0 &&
           fa_loop_now(daemon->loop).mono - daemon->checkpoint.recalled < RECALL_MS;
}

static struct fa_rule_changes *take(struct fa_daemon *daemon, const char *rule)
{
    struct fa_rule_changes *changes = changes_of(daemon, rule);
    if (changes == NULL) {
        changes = fa_xcalloc(1, sizeof *changes);
        changes->rule = fa_xstrdup(rule);
        HASH_ADD_KEYPTR(hh, daemon->changes, changes->rule, strlen(changes->rule), changes);
    }
    return changes;
}

/* Takes the labels. */
static void add(struct fa_rule_changes *changes, struct fa_rule_change change)
{
    free(changes->list[changes->next].labels);
    changes->list[changes->next] = change;
    changes->next = (changes->next + 1) % FA_RULE_CHANGES;
    changes->count += changes->count < FA_RULE_CHANGES;
}

void fa_changes_note(struct fa_daemon *daemon, const struct fa_signal *signal)
{
    struct fa_rule_changes *changes = take(daemon, signal->rule->name);
    bool is_news = !is_known(changes, signal) && !is_recalled(daemon, changes, signal);
    if (is_news) {
        add(changes, (struct fa_rule_change){signal->since, signal->level, signal->value,
                                             fa_xstrdup(signal->labels)});
    }
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
        if (!fa_rules_has(daemon->rules, changes->rule) &&
            fa_setup_rule(&daemon->config->setup, changes->rule) == NULL) {
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

/* ---- with the checkpoint ---- */

static void save_one(const char *rule, const struct fa_rule_change *change, struct fa_buf *buf)
{
    size_t from = buf->len;
    fa_rec_put_text(buf, C_RULE, rule);
    fa_rec_put_text(buf, C_LABELS, change->labels);
    fa_rec_put_i64(buf, C_WHEN, change->when);
    fa_rec_put_u64(buf, C_LEVEL, change->level);
    fa_rec_put_f64(buf, C_VALUE, change->value);
    fa_rec_wrap(buf, F_CHANGE, from);
}

bool fa_changes_save(const struct fa_daemon *daemon, struct fa_changes_save *save, size_t rules,
                     struct fa_buf *buf)
{
    const struct fa_rule_changes *changes = save->is_begun ? save->next : daemon->changes;
    save->is_begun = true;
    for (; changes != NULL && rules > 0; changes = changes->hh.next, rules--) {
        for (size_t ago = changes->count; ago-- > 0;) {
            save_one(changes->rule, change_at(changes, ago), buf);
        }
    }
    save->next = changes;
    return changes != NULL;
}

static void load_one(struct fa_daemon *daemon, struct fa_str bytes)
{
    struct fa_rec_reader reader = fa_rec_read(bytes);
    struct fa_rec_field field;
    struct fa_str name = FA_STR(""), labels = FA_STR("");
    struct fa_rule_change change = {.level = FA_LEVEL__COUNT};
    struct fa_labels *set = NULL;
    while (fa_rec_next(&reader, &field)) {
        bool is_text = field.type == FA_REC_BYTES;
        name = is_text && field.tag == C_RULE ? field.bytes : name;
        labels = is_text && field.tag == C_LABELS ? field.bytes : labels;
        change.when = field.tag == C_WHEN ? field.i64 : change.when;
        change.value = field.tag == C_VALUE ? field.f64 : change.value;
        if (field.tag == C_LEVEL && field.type == FA_REC_U64 && field.u64 < FA_LEVEL__COUNT) {
            change.level = (enum fa_level)field.u64;
        }
    }
    char *rule = fa_xstrndup(name.ptr, name.len);
    if (change.level < FA_LEVEL__COUNT && fa_labels_parse(labels, &set) == 0 &&
        fa_setup_rule(&daemon->config->setup, rule) != NULL) {
        change.labels = fa_xstrndup(labels.ptr, labels.len);
        add(take(daemon, rule), change);
    }
    fa_labels_free(set);
    free(rule);
}

void fa_changes_load(struct fa_daemon *daemon, struct fa_str bytes)
{
    struct fa_rec_reader reader = fa_rec_read(bytes);
    struct fa_rec_field field;
    while (fa_rec_next(&reader, &field)) {
        if (field.tag == F_CHANGE && field.type == FA_REC_BYTES) {
            load_one(daemon, field.bytes);
        }
    }
}
