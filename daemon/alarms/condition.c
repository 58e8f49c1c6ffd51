/* SPDX-License-Identifier: MIT */
/* Rules over filings and numbers together (`incident` with `and_expr`): the expression is a
 * condition that the rules signal under the rule's name, and that raises nothing by itself.
 *
 * Invariants:
 *  1. Only what holds now is kept, and nothing of it is stored: after a start, a reload or a step
 * of the clock the rules, made anew, say anew what holds, and never that it ended. Unknown is "does
 * not hold", so that numbers never raise what they do not confirm; the filing's own category is
 * never asked here and climbs whatever they say.
 *  2. One filing is raised by one such rule once (struct fa_incident.raised_by): neither a
 * condition that comes and goes nor a restart opens again what a person has closed.
 *  3. When a condition begins to hold, filings that nobody has closed are looked at as if each were
 *     filed just now, but for its age.
 */
#include "alarms/internal.h"
#include "base/texts.h"
#include "rules/plan.h"

#include <stdlib.h>
#include <string.h>

struct fa_condition {
    char *key;        /* owned: rule{labels} */
    const char *rule; /* (interned) */
    char *labels;     /* owned, canonical */
    struct fa_labels *set;
    double value;
    UT_hash_handle hh;
};

static void drop(struct fa_engine *engine, struct fa_condition *condition)
{
    HASH_DELETE(hh, engine->conditions, condition);
    fa_labels_free(condition->set);
    free(condition->labels);
    free(condition->key);
    free(condition);
}

void fa_conditions_forget(struct fa_engine *engine)
{
    struct fa_condition *condition, *next;
    HASH_ITER(hh, engine->conditions, condition, next) {
        drop(engine, condition);
    }
}

bool fa_rule_is_combined(const struct fa_rule *rule)
{
    return rule->is_incident && rule->query.expr != NULL;
}

bool fa_condition_holds(const struct fa_engine *engine, const char *rule, const char *labels,
                        struct fa_held *ret_held)
{
    const struct fa_condition *found = NULL;
    struct fa_labels *set = NULL;
    if (engine->conditions == NULL || fa_labels_parse(fa_str_of(labels), &set) != 0) {
        return false;
    }
    for (const struct fa_condition *c = engine->conditions; c != NULL && found == NULL;
         c = c->hh.next) {
        found = strcmp(c->rule, rule) == 0 && fa_plan_agree(c->set, set) ? c : NULL;
    }
    fa_labels_free(set);
    if (found != NULL) {
        *ret_held = (struct fa_held){found->labels, found->value};
    }
    return found != NULL;
}

/* ---- a condition begins ---- */

struct candidate {
    struct fa_incident *incident;
    struct fa_incident_fact fact;
    size_t order;
};

static const char *text_of(const char *text)
{
    return text != NULL ? text : "";
}

static int by_customer(const void *left, const void *right)
{
    const struct candidate *a = left, *b = right;
    int order = strcmp(text_of(a->fact.customer), text_of(b->fact.customer));
    return order != 0 ? order : a->order < b->order ? -1 : a->order > b->order;
}

static bool is_young(const struct fa_engine *engine, const struct fa_rule *rule,
                     const struct fa_incident *incident)
{
    return rule->incident.within == 0 || engine->now.wall - incident->filed < rule->incident.within;
}

/* All that count for the rule; with `per`, those of one customer behind each other. */
static struct candidate *gather(const struct fa_engine *engine, const struct fa_rule *rule,
                                size_t *ret_count)
{
    struct candidate *list = fa_xcalloc(engine->incidents.count + 1, sizeof *list);
    size_t count = 0;
    for (struct fa_incident *i = engine->incidents.first; i != NULL; i = i->after) {
        struct fa_incident_fact fact = {i->category, i->customer, i->reporter, i->filed};
        if (is_young(engine, rule, i) && fa_incident_rule_matches(rule, &fact)) {
            list[count] = (struct candidate){i, fact, count};
            count++;
        }
    }
    if (rule->incident.per_count > 0) {
        qsort(list, count, sizeof list[0], by_customer);
    }
    *ret_count = count;
    return list;
}

static bool is_waiting(const struct fa_rule *rule, const struct fa_incident *incident)
{
    return incident->state != FA_INCIDENT_CLOSED &&
           !fa_texts_has(incident->raised_by, incident->raised_by_count, rule->name);
}

/* Filings whose `per` is equal: together they are the pattern, so one of them asks for all. */
static void try_group(struct fa_engine *engine, const struct fa_rule *rule,
                      const struct candidate *list, size_t count)
{
    struct fa_incident_fact *others = fa_xcalloc(count, sizeof *others);
    struct fa_held held;
    struct fa_buf labels;
    fa_buf_init(&labels, 4096);
    fa_incident_rule_labels(rule, &list[0].fact, &labels);
    for (size_t i = 1; i < count; i++) {
        others[i - 1] = list[i].fact;
    }
    if (fa_condition_holds(engine, rule->name, fa_buf_text(&labels), &held) &&
        fa_incident_rule_holds(rule, &list[0].fact, others, count - 1, engine->now.wall)) {
        for (size_t i = 0; i < count; i++) {
            if (is_waiting(rule, list[i].incident)) {
                fa_incident_confirmed(engine, list[i].incident, rule);
            }
        }
    }
    fa_buf_done(&labels);
    free(others);
}

static void recheck(struct fa_engine *engine, const struct fa_rule *rule)
{
    size_t count, to;
    struct candidate *list = gather(engine, rule, &count);
    for (size_t from = 0; from < count; from = to) {
        to = from + 1;
        while (to < count &&
               (rule->incident.per_count == 0 ||
                strcmp(text_of(list[to].fact.customer), text_of(list[from].fact.customer)) == 0)) {
            to++;
        }
        try_group(engine, rule, list + from, to - from);
    }
    free(list);
}

static struct fa_condition *add(struct fa_engine *engine, const struct fa_signal *signal,
                                const char *key)
{
    struct fa_labels *set = NULL;
    if (HASH_COUNT(engine->conditions) >= engine->setup->alarms_open_max) {
        fa_trouble_once(engine, "conditions-full",
                        "the limit of open alarms is reached by conditions of rules over filings: "
                        "further ones raise nothing");
        return NULL;
    }
    if (fa_labels_parse(fa_str_of(signal->labels), &set) != 0) {
        return NULL; /* rules write them: there is no such text */
    }
    struct fa_condition *condition = fa_xcalloc(1, sizeof *condition);
    condition->key = fa_xstrdup(key);
    condition->rule = fa_intern(&engine->texts, signal->rule->name);
    condition->labels = fa_xstrdup(signal->labels);
    condition->set = set;
    HASH_ADD_KEYPTR(hh, engine->conditions, condition->key, strlen(condition->key), condition);
    return condition;
}

void fa_condition_signal(struct fa_engine *engine, const struct fa_signal *signal)
{
    struct fa_condition *condition = NULL;
    struct fa_buf key;
    fa_buf_init(&key, FA_ROW_BYTES_MAX);
    fa_buf_printf(&key, "%s{%s}", signal->rule->name, signal->labels);
    HASH_FIND_STR(engine->conditions, fa_buf_text(&key), condition);
    bool begins = condition == NULL && signal->level == FA_LEVEL_FIRING;
    if (begins) {
        condition = add(engine, signal, fa_buf_text(&key));
    }
    if (condition != NULL && signal->level == FA_LEVEL_FIRING) {
        condition->value = signal->value;
    } else if (condition != NULL) {
        drop(engine, condition);
    }
    if (begins && condition != NULL && !signal->rule->shadow) {
        recheck(engine, signal->rule);
    }
    fa_buf_done(&key);
}
