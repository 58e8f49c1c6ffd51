/* SPDX-License-Identifier: MIT */
/* What alerts of other systems mean.
 *
 * A label set (group) keeps one small record of each of its alerts (member): a fingerprint of the
 * labels, what was said last, and until when that stands.
 *
 *   firing     until its end; then it has lapsed
 *   lapsed     for as long as another alert of the label set is known, else for a week
 *   resolved   so long that no repeated word of its end (Prometheus repeats it for 15 min) looks
 *              like news; then it is forgotten
 *
 * Invariants: a level is signalled when it changes, and again when the alerts behind it do, so that
 * whoever keeps the last signal can restore it. A label set is clear only if each of its alerts
 * was said to be over: one that lapsed, or was refused for a limit, keeps it unknown. Same alerts
 * and same times in, same signals out, in the same order.
 *
 * Texts are kept of the alert that made the label set fire: its annotations, and the labels that
 * `per` leaves out. They are bounded; what does not fit is left out. */
#include "rules/foreign.h"
#include "base/heap.h"
#include "base/panic.h"
#include "metrics/index.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ALERTS_MAX    100000
#define RESOLVED_KEPT (20 * FA_MINUTE)
#define LAPSED_KEPT   (7 * FA_DAY)
#define UNTAKEN_MAX   1000
#define VALUE_MAX     ((size_t)1000) /* bytes of one text */
#define DETAILS_MAX   ((size_t)4000) /* bytes of the texts of one label set */

enum said { SAID_FIRING, SAID_LAPSED, SAID_RESOLVED };

struct member {
    uint64_t fingerprint; /* 0: stands for those that were refused */
    fa_time until;
    enum said said;
};

struct group {
    const struct fa_rule *rule;
    char *labels, *details; /* owned, canonical; details NULL: none */
    struct member *members; /* owned */
    size_t count, cap;
    uint32_t place, hash;
    enum fa_level level; /* as last signalled */
    fa_time since;       /* of what fires */
    bool dirty;
    bool changed; /* its alerts, since the last signal */
    struct group *next_dirty;
    struct fa_heap_node due;
};

struct fa_foreign {
    const struct fa_rule **rules; /* those that take alerts */
    size_t rule_count;
    struct group **groups;
    size_t group_count, group_cap;
    struct fa_index index;
    struct fa_heap due;
    struct group *dirty_first, *dirty_last;
    size_t alerts, alerts_max;
    uint64_t hash_seed;
    uint32_t made;
    char **untaken;
    size_t untaken_count, untaken_cap;
};

struct fa_foreign *fa_foreign_new(const struct fa_rule *const *rules, size_t count,
                                  size_t alerts_max, uint64_t hash_seed)
{
    struct fa_foreign *self = fa_xcalloc(1, sizeof *self);
    self->rules = fa_xcalloc(count + 1, sizeof self->rules[0]);
    self->alerts_max = alerts_max > 0 ? alerts_max : ALERTS_MAX;
    self->hash_seed = hash_seed;
    for (size_t i = 0; i < count; i++) {
        if (rules[i]->is_alert) {
            self->rules[self->rule_count++] = rules[i];
        }
    }
    return self;
}

static void free_group(struct group *group)
{
    free(group->labels);
    free(group->details);
    free(group->members);
    free(group);
}

void fa_foreign_free(struct fa_foreign *foreign)
{
    if (foreign == NULL) {
        return;
    }
    for (size_t i = 0; i < foreign->group_count; i++) {
        free_group(foreign->groups[i]);
    }
    for (size_t i = 0; i < foreign->untaken_count; i++) {
        free(foreign->untaken[i]);
    }
    free(foreign->untaken);
    free(foreign->groups);
    fa_index_done(&foreign->index);
    fa_heap_done(&foreign->due);
    free(foreign->rules);
    free(foreign);
}

static void mark(struct fa_foreign *foreign, struct group *group)
{
    if (group->dirty) {
        return;
    }
    group->dirty = true;
    group->next_dirty = NULL;
    *(foreign->dirty_last != NULL ? &foreign->dirty_last->next_dirty : &foreign->dirty_first) =
        group;
    foreign->dirty_last = group;
}

/* ---- label sets ---- */

static uint32_t hash_of(const struct fa_foreign *foreign, const struct fa_rule *rule,
                        struct fa_str labels)
{
    uint64_t seed = fa_hash(fa_str_of(rule->name), foreign->hash_seed);
    return fa_index_hash(fa_hash(labels, seed));
}

static struct group *take_group(struct fa_foreign *foreign, const struct fa_rule *rule,
                                struct fa_str labels)
{
    uint32_t hash = hash_of(foreign, rule, labels);
    size_t cursor;
    uint32_t id = fa_index_first(&foreign->index, hash, &cursor);
    for (; id != FA_INDEX_NONE; id = fa_index_next(&foreign->index, hash, &cursor)) {
        struct group *group = foreign->groups[id];
        if (group->rule == rule && fa_str_is(labels, group->labels)) {
            return group;
        }
    }
    struct group *group = fa_xcalloc(1, sizeof *group);
    *group = (struct group){.rule = rule,
                            .labels = fa_xstrndup(labels.ptr, labels.len),
                            .hash = hash,
                            .place = (uint32_t)foreign->group_count,
                            .level = FA_LEVEL_UNKNOWN,
                            .due.tie = ++foreign->made};
    foreign->groups = fa_xgrow(foreign->groups, foreign->group_count, &foreign->group_cap,
                               sizeof foreign->groups[0]);
    foreign->groups[foreign->group_count++] = group;
    fa_index_add(&foreign->index, hash, group->place);
    return group;
}

/* The last one takes its place. */
static void drop_group(struct fa_foreign *foreign, struct group *group)
{
    struct group *last = foreign->groups[--foreign->group_count];
    fa_index_remove(&foreign->index, group->hash, group->place);
    if (last != group) {
        fa_index_remove(&foreign->index, last->hash, last->place);
        last->place = group->place;
        foreign->groups[last->place] = last;
        fa_index_add(&foreign->index, last->hash, last->place);
    }
    fa_heap_remove(&foreign->due, &group->due);
    free_group(group);
}

static struct member *find_member(struct group *group, uint64_t fingerprint)
{
    for (size_t i = 0; i < group->count; i++) {
        if (group->members[i].fingerprint == fingerprint) {
            return &group->members[i];
        }
    }
    return NULL;
}

static struct member *add_member(struct fa_foreign *foreign, struct group *group,
                                 struct member member)
{
    group->members = fa_xgrow(group->members, group->count, &group->cap, sizeof member);
    group->members[group->count] = member;
    foreign->alerts++;
    return &group->members[group->count++];
}

/* The one of that fingerprint, or a new one that is not known to fire. NULL: a limit was reached.
 */
static struct member *take_member(struct fa_foreign *foreign, struct group *group,
                                  uint64_t fingerprint)
{
    struct member fresh = {fingerprint, 0, SAID_RESOLVED},
                  *member = find_member(group, fingerprint);
    if (member != NULL) {
        return member;
    }
    if (foreign->alerts < foreign->alerts_max && group->count < FA_FOREIGN_MEMBERS_MAX - 1) {
        return add_member(foreign, group, fresh);
    }
    for (size_t i = 0; i < group->count; i++) {
        if (group->members[i].said == SAID_RESOLVED) {
            group->members[i] = fresh;
            return &group->members[i];
        }
    }
    return NULL;
}

/* One that fires was refused: whether all are over cannot be known any more. */
static void note_refused(struct fa_foreign *foreign, struct group *group, fa_time wall)
{
    if (group->count > 0 && find_member(group, 0) == NULL) {
        add_member(foreign, group, (struct member){0, wall + LAPSED_KEPT, SAID_LAPSED});
        group->changed = true;
    }
}

/* ---- what an alert says ---- */

uint64_t fa_alert_fingerprint(const struct fa_labels *labels)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < labels->count; i++) {
        const struct fa_str texts[] = {labels->items[i].name, labels->items[i].value};
        for (size_t k = 0; k < 2; k++) {
            for (size_t at = 0; at <= texts[k].len; at++) {
                unsigned char c = at < texts[k].len ? (unsigned char)texts[k].ptr[at] : 0xff;
                hash = (hash ^ c) * UINT64_C(1099511628211);
            }
        }
    }
    return hash != 0 ? hash : 1;
}

/* Each name of `where` with one of its values. */
static bool fits(const struct fa_alert_rule *rule, const struct fa_labels *labels)
{
    for (size_t i = 0; i < rule->match_count; i++) {
        struct fa_str value = fa_labels_get(labels, fa_str_of(rule->matches[i].name));
        bool found = false;
        for (size_t k = 0; k < rule->match_count && !found; k++) {
            found = strcmp(rule->matches[k].name, rule->matches[i].name) == 0 &&
                    fa_str_is(value, rule->matches[k].value);
        }
        if (!found) {
            return false;
        }
    }
    return true;
}

static bool is_per(const struct fa_alert_rule *rule, struct fa_str name)
{
    for (size_t i = 0; i < rule->per_count; i++) {
        if (fa_str_is(name, rule->per[i])) {
            return true;
        }
    }
    return rule->per_count == 0;
}

struct details {
    struct fa_label items[FA_LABELS_MAX];
    size_t count, bytes;
    char texts[DETAILS_MAX];
};

/* A copy, cut, and with blanks for control characters; one that does not fit is left out. */
static void add_detail(struct details *details, const struct fa_label *label)
{
    size_t len = fa_utf8_cut(label->value, VALUE_MAX);
    if (details->count == FA_LABELS_MAX || label->name.len + len > DETAILS_MAX - details->bytes ||
        label->name.len == 0 || fa_str_has_control(label->name)) {
        return;
    }
    char *copy = details->texts + details->bytes;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)label->value.ptr[i];
        copy[i] = (c < 0x20 && c != '\n') || c == 0x7f ? ' ' : (char)c;
    }
    details->bytes += label->name.len + len;
    details->items[details->count++] = (struct fa_label){label->name, {copy, len}};
}

/* Annotations, then labels: of equal names the label counts. */
static char *details_of(const struct fa_alert_rule *rule, const struct fa_alert *alert,
                        const struct fa_labels *labels)
{
    struct details details = {.count = 0};
    struct fa_labels *set = NULL;
    struct fa_buf text;
    for (size_t i = 0; i < alert->annotation_count; i++) {
        add_detail(&details, &alert->annotations[i]);
    }
    for (size_t i = 0; i < labels->count; i++) {
        if (!is_per(rule, labels->items[i].name)) {
            add_detail(&details, &labels->items[i]);
        }
    }
    fa_buf_init(&text, SIZE_MAX / 2);
    int rc = fa_labels_new(details.items, details.count, &set);
    fa_assert(rc == 0); /* add_detail let nothing else through */
    fa_labels_format(set, &text);
    fa_labels_free(set);
    return fa_buf_take(&text);
}

static void say(struct group *group, struct member *member, const struct fa_alert *alert,
                fa_time wall)
{
    enum said was = member->said;
    member->said = alert->resolved ? SAID_RESOLVED : SAID_FIRING;
    member->until = alert->resolved    ? wall + RESOLVED_KEPT
                    : alert->ends != 0 ? alert->ends
                                       : wall + FA_FOREIGN_RENEWED;
    if ((was == SAID_RESOLVED) != alert->resolved) {
        group->changed = true;
    }
}

static int take_by_rule(struct fa_foreign *foreign, const struct fa_rule *rule,
                        const struct fa_alert *alert, const struct fa_labels *labels, fa_time wall)
{
    struct fa_buf text;
    fa_buf_init(&text, SIZE_MAX / 2);
    if (rule->alert.per_count == 0) {
        fa_labels_format(labels, &text);
    } else {
        fa_labels_format_only(labels, (const char *const *)rule->alert.per, rule->alert.per_count,
                              &text);
    }
    struct group *group = take_group(foreign, rule, fa_buf_str(&text));
    fa_buf_done(&text);
    struct member *member = take_member(foreign, group, fa_alert_fingerprint(labels));
    mark(foreign, group);
    if (member == NULL) {
        if (!alert->resolved) {
            note_refused(foreign, group, wall);
        }
        return FA_EFULL;
    }
    say(group, member, alert, wall);
    if (!alert->resolved && group->level != FA_LEVEL_FIRING) {
        free(group->details);
        group->details = details_of(&rule->alert, alert, labels);
        group->since = alert->starts > 0 && alert->starts < wall ? alert->starts : wall;
    }
    return 0;
}

/* For people who write rules: names only. */
static void remember_untaken(struct fa_foreign *foreign, struct fa_str name)
{
    name.len = fa_utf8_cut(name, 200);
    if (foreign->untaken_count == UNTAKEN_MAX) {
        return;
    }
    for (size_t i = 0; i < foreign->untaken_count; i++) {
        if (fa_str_is(name, foreign->untaken[i])) {
            return;
        }
    }
    foreign->untaken = fa_xgrow(foreign->untaken, foreign->untaken_count, &foreign->untaken_cap,
                                sizeof foreign->untaken[0]);
    foreign->untaken[foreign->untaken_count++] = fa_xstrndup(name.ptr, name.len);
}

int fa_foreign_take(struct fa_foreign *foreign, const struct fa_alert *alert, struct fa_now now,
                    size_t *ret_rules)
{
    struct fa_labels *labels = NULL;
    size_t taken = 0;
    int rc = fa_labels_new(alert->labels, alert->label_count, &labels);
    if (rc != 0) {
        return rc;
    }
    for (size_t i = 0; i < foreign->rule_count; i++) {
        if (fits(&foreign->rules[i]->alert, labels)) {
            int one = take_by_rule(foreign, foreign->rules[i], alert, labels, now.wall);
            rc = one != 0 ? one : rc;
            taken++;
        }
    }
    if (taken == 0) {
        remember_untaken(foreign, fa_labels_get(labels, FA_STR("alertname")));
    }
    fa_labels_free(labels);
    *ret_rules = taken;
    return rc;
}

/* ---- levels ---- */

struct count {
    size_t firing, lapsed;
};

/* What stands no longer. Lapsed ones go together, when nothing else is known. */
static struct count age(struct fa_foreign *foreign, struct group *group, fa_time wall)
{
    struct count count = {0};
    fa_time kept_until = 0;
    for (size_t i = group->count; i-- > 0;) {
        struct member *member = &group->members[i];
        if (member->said == SAID_FIRING && member->until <= wall) {
            member->said = SAID_LAPSED;
            member->until += LAPSED_KEPT;
        }
        if (member->said == SAID_RESOLVED && member->until <= wall) {
            *member = group->members[--group->count];
            foreign->alerts--;
            continue;
        }
        count.firing += member->said == SAID_FIRING;
        count.lapsed += member->said == SAID_LAPSED;
        kept_until = member->until > kept_until ? member->until : kept_until;
    }
    if (count.lapsed == group->count && kept_until <= wall) {
        foreign->alerts -= group->count;
        group->count = 0;
    }
    return count;
}

static fa_time next_of(const struct group *group)
{
    fa_time first = FA_NEVER, last = 0;
    for (size_t i = 0; i < group->count; i++) {
        fa_time until = group->members[i].until;
        last = until > last ? until : last;
        first = group->members[i].said != SAID_LAPSED && until < first ? until : first;
    }
    return first != FA_NEVER ? first : last;
}

static void tell(const struct group *group, fa_time wall, fa_signal_fn *fn, void *ctx)
{
    uint64_t members[FA_FOREIGN_MEMBERS_MAX];
    struct fa_source source = {.details = group->details, .members = members};
    struct fa_signal signal = {.rule = group->rule,
                               .labels = group->labels,
                               .level = group->level,
                               .value = (double)NAN,
                               .since = group->level == FA_LEVEL_FIRING ? group->since : wall,
                               .source = &source};
    for (size_t i = 0; i < group->count; i++) {
        if (group->members[i].said != SAID_RESOLVED) {
            members[source.member_count++] = group->members[i].fingerprint;
        }
    }
    fn(ctx, &signal);
}

static void evaluate(struct fa_foreign *foreign, struct group *group, fa_time wall,
                     fa_signal_fn *fn, void *ctx)
{
    struct count count = age(foreign, group, wall);
    if (group->count == 0) {
        drop_group(foreign, group);
        return;
    }
    enum fa_level level = count.firing > 0   ? FA_LEVEL_FIRING
                          : count.lapsed > 0 ? FA_LEVEL_UNKNOWN
                                             : FA_LEVEL_CLEAR;
    bool news = level != group->level || group->changed;
    group->level = level;
    group->changed = false;
    fa_heap_set(&foreign->due, &group->due, next_of(group));
    if (news) {
        tell(group, wall, fn, ctx);
    }
}

bool fa_foreign_run_some(struct fa_foreign *foreign, struct fa_now now, size_t max,
                         fa_signal_fn *fn, void *ctx)
{
    while (fa_heap_next(&foreign->due) <= now.wall) {
        struct fa_heap_node *node = fa_heap_first(&foreign->due);
        fa_heap_remove(&foreign->due, node);
        mark(foreign, fa_container_of(node, struct group, due));
    }
    for (; max > 0 && foreign->dirty_first != NULL; max--) {
        struct group *group = foreign->dirty_first;
        foreign->dirty_first = group->next_dirty;
        if (foreign->dirty_first == NULL) {
            foreign->dirty_last = NULL;
        }
        group->dirty = false;
        evaluate(foreign, group, now.wall, fn, ctx);
    }
    return foreign->dirty_first != NULL;
}

fa_time fa_foreign_next(const struct fa_foreign *foreign)
{
    return fa_heap_next(&foreign->due);
}

bool fa_foreign_each_of(const struct fa_foreign *foreign, const char *rule, fa_rule_set_fn *fn,
                        void *ctx)
{
    bool goes_on = true, found = false;
    for (size_t i = 0; i < foreign->rule_count; i++) {
        found = found || strcmp(foreign->rules[i]->name, rule) == 0;
    }
    for (size_t i = 0; i < foreign->group_count && goes_on; i++) {
        const struct group *group = foreign->groups[i];
        struct fa_rule_status status = {.rule = group->rule,
                                        .labels = group->labels,
                                        .level = group->level,
                                        .value = (double)NAN};
        for (size_t k = 0; k < group->count; k++) {
            status.samples += group->members[k].said != SAID_RESOLVED;
        }
        goes_on = strcmp(group->rule->name, rule) != 0 || fn(ctx, &status);
    }
    return found;
}

void fa_foreign_text(const struct fa_rule *rule, struct fa_buf *buf)
{
    const struct fa_rule_match *matches = rule->alert.matches;
    size_t count = rule->alert.match_count;
    fa_buf_putc(buf, '{');
    for (size_t i = 0; i < count; i++) {
        bool goes_on = i > 0 && strcmp(matches[i].name, matches[i - 1].name) == 0;
        bool several = i + 1 < count && strcmp(matches[i].name, matches[i + 1].name) == 0;
        if (goes_on) {
            fa_buf_putc(buf, '|');
        } else {
            fa_buf_printf(buf, "%s%s=%s\"", i > 0 ? "," : "", matches[i].name, several ? "~" : "");
        }
        fa_buf_puts(buf, matches[i].value);
        fa_buf_puts(buf, several ? "" : "\"");
    }
    fa_buf_putc(buf, '}');
}

void fa_foreign_restore(struct fa_foreign *foreign, const char *rule, const char *labels,
                        const struct fa_source *source, fa_time wall)
{
    size_t i = 0;
    while (i < foreign->rule_count && strcmp(foreign->rules[i]->name, rule) != 0) {
        i++;
    }
    if (i == foreign->rule_count || source == NULL || source->member_count == 0) {
        return;
    }
    struct group *group = take_group(foreign, foreign->rules[i], fa_str_of(labels));
    for (size_t m = 0; m < source->member_count && group->count < FA_FOREIGN_MEMBERS_MAX; m++) {
        struct member member = {source->members[m], wall + LAPSED_KEPT, SAID_LAPSED};
        if (find_member(group, member.fingerprint) == NULL) {
            add_member(foreign, group, member);
        }
    }
    group->changed = true; /* so that it is told whatever comes first */
    fa_heap_set(&foreign->due, &group->due, wall + FA_FOREIGN_RENEWED);
}

const char *fa_foreign_untaken(const struct fa_foreign *foreign, size_t index)
{
    return index < foreign->untaken_count ? foreign->untaken[index] : NULL;
}

size_t fa_foreign_count(const struct fa_foreign *foreign)
{
    return foreign->alerts;
}
