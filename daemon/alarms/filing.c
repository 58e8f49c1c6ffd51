/* SPDX-License-Identifier: MIT */
/* What people file: from the words to a record with a due time or to alarms that climb.
 *
 * Invariants:
 *  1. A filing with the same id (the same key of the client) is answered, not filed again.
 *  2. A raised filing is in at least one alarm: that of an incident rule, or its own.
 *  3. A filing joins an alarm only if both keep the same people out; else it gets its own, so that
 *     nobody learns by somebody else's alarm what he must not.
 *  4. "solve" and "help" have a due time; when it passes they are raised. Business time is counted
 *     from the filing by the calendar as it is now.
 */
#include "alarms/internal.h"
#include "base/texts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Names in one filing: an alarm with its most filings still fits a row. */
#define SUBJECTS_MAX  256
#define CATEGORY_RULE "filing"
/* The fields are describe.h's. */
#define FILING_SUMMARY             "{kind}: {filing}"
#define FILING_SUMMARY_OF_CUSTOMER "{kind}{at_customer}: {filing}"

/* The category of a filing. One that nobody sorted goes where the first category goes that is
 * always raised: too loud is better than unheard. */
static const struct fa_category *category_of(const struct fa_setup *setup, const char *name)
{
    const struct fa_category *found = fa_setup_category(setup, name);
    if (found != NULL || strcmp(name, FA_CATEGORY_UNSORTED) != 0) {
        return found;
    }
    for (size_t i = 0; i < setup->category_count && found == NULL; i++) {
        found = setup->categories[i].guidance == FA_GUIDE_RAISE ? &setup->categories[i] : NULL;
    }
    return found;
}

static struct fa_incident_fact fact_of(const struct fa_incident *incident)
{
    return (struct fa_incident_fact){incident->category, incident->customer, incident->reporter,
                                     incident->filed};
}

static struct fa_incident_fact fact_of_filing(const struct fa_filing *filing, fa_time wall)
{
    return (struct fa_incident_fact){filing->category, filing->customer, filing->reporter, wall};
}

static bool names(const struct fa_incident *incident, const char *reporter)
{
    if (reporter == NULL || strncmp(reporter, "person:", 7) != 0) {
        return false;
    }
    return fa_texts_has(incident->about, incident->about_count, reporter + 7) ||
           fa_texts_has(incident->struck, incident->struck_count, reporter + 7);
}

/* Whoever is accused in a filing, or struck from it, makes no pattern with it: they could file the
 * same to see whether theirs is raised at once, and be told how many heard. */
static bool keep_apart(const struct fa_incident *a, const struct fa_incident *b)
{
    return names(a, b->reporter) || names(b, a->reporter);
}

/* Facts of all raised or open filings but one, for patterns. The array is the caller's. Where `but`
 * is NULL nothing is filed yet and whoever asks may be the subject of one: what has a subject is
 * left out then, so that no preview tells that it is there. */
static struct fa_incident_fact *gather(const struct fa_engine *engine,
                                       const struct fa_incident *but, size_t *ret_count)
{
    struct fa_incident_fact *facts =
        fa_xcalloc(engine->incidents.count, sizeof(struct fa_incident_fact));
    *ret_count = 0;
    for (const struct fa_incident *i = engine->incidents.first; i != NULL; i = i->after) {
        bool told_apart =
            but != NULL ? keep_apart(i, but) : i->about_count > 0 || i->struck_count > 0;
        if (i != but && !told_apart) {
            facts[(*ret_count)++] = fact_of(i);
        }
    }
    return facts;
}

/* Do the numbers of the rule say so too? */
static bool is_confirmed(const struct fa_engine *engine, const struct fa_rule *rule,
                         const struct fa_incident_fact *fact)
{
    struct fa_held held;
    struct fa_buf labels;
    fa_buf_init(&labels, 4096);
    fa_incident_rule_labels(rule, fact, &labels);
    bool holds = fa_condition_holds(engine, rule->name, fa_buf_text(&labels), &held);
    fa_buf_done(&labels);
    return holds;
}

static bool rule_holds(const struct fa_engine *engine, const struct fa_rule *rule,
                       const struct fa_incident_fact *fact, const struct fa_incident *but,
                       fa_time wall)
{
    if (!rule->is_incident || rule->shadow || !fa_incident_rule_matches(rule, fact)) {
        return false;
    }
    size_t count = 0;
    struct fa_incident_fact *facts = gather(engine, but, &count);
    bool holds = fa_incident_rule_holds(rule, fact, facts, count, wall);
    free(facts);
    return holds && (!fa_rule_is_combined(rule) || is_confirmed(engine, rule, fact));
}

static bool single(const struct fa_rule *rule)
{
    return rule->incident.count <= 1 && rule->incident.distinct_reporters <= 1;
}

/* For one filing, instead of its category's alarm. What numbers must confirm never is: they may
 * fail, and the filing climbs all the same. */
static bool is_alone(const struct fa_rule *rule)
{
    return rule->is_incident && single(rule) && !fa_rule_is_combined(rule);
}

/* ---- alarms from filings ---- */

/* Each once. */
static void add_text(char ***texts, size_t *count, const char *text)
{
    if (!fa_texts_has(*texts, *count, text)) {
        fa_texts_add(texts, count, fa_str_of(text));
    }
}

static bool same_texts(char *const *a, size_t a_count, char *const *b, size_t b_count)
{
    size_t found = 0;
    for (size_t i = 0; i < a_count; i++) {
        for (size_t j = 0; j < b_count; j++) {
            found += strcmp(a[i], b[j]) == 0;
        }
    }
    return found == a_count && a_count == b_count;
}

static size_t bytes_of(char *const *texts, size_t count)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        bytes += strlen(texts[i]) + 8;
    }
    return bytes;
}

/* Would the alarm's row still hold everybody whom the two keep out? */
static bool subjects_fit(const struct fa_alarm *alarm, const struct fa_incident *incident)
{
    return bytes_of(alarm->people->about, alarm->people->about_count) +
               bytes_of(alarm->people->struck, alarm->people->struck_count) +
               bytes_of(incident->about, incident->about_count) +
               bytes_of(incident->struck, incident->struck_count) <=
           FA_SUBJECTS_BYTES_MAX;
}

static void join(struct fa_engine *engine, struct fa_alarm *alarm, struct fa_incident *incident)
{
    for (size_t i = 0; i < alarm->people->incident_count; i++) {
        if (fa_id_eq(alarm->people->incidents[i].id, incident->id.id)) {
            return;
        }
    }
    *fa_alarm_add_incident(alarm) = incident->id;
    incident->alarms = fa_xgrow(incident->alarms, incident->alarm_count, &incident->alarm_cap,
                                sizeof(struct fa_alarm_id));
    incident->alarms[incident->alarm_count++] = alarm->id;
    struct fa_alarm_people *people = fa_alarm_people(alarm);
    for (size_t i = 0; i < incident->about_count; i++) {
        add_text(&people->about, &people->about_count, incident->about[i]);
    }
    for (size_t i = 0; i < incident->struck_count; i++) {
        add_text(&people->struck, &people->struck_count, incident->struck[i]);
    }
    fa_touch_alarm(engine, alarm);
    fa_touch_incident(engine, incident);
}

/* The other filings that made a pattern hold belong to its alarm too. */
static void join_pattern(struct fa_engine *engine, struct fa_alarm *alarm,
                         const struct fa_rule *rule, const struct fa_incident *newest)
{
    struct fa_buf mine, other;
    struct fa_incident_fact fact = fact_of(newest);
    fa_buf_init(&mine, 4096);
    fa_buf_init(&other, 4096);
    fa_incident_rule_labels(rule, &fact, &mine);
    for (struct fa_incident *i = engine->incidents.first; i != NULL; i = i->after) {
        fact = fact_of(i);
        fa_time age = engine->now.wall - i->filed;
        if (i == newest || keep_apart(i, newest) || !fa_incident_rule_matches(rule, &fact) ||
            alarm->people->incident_count >= FA_ALARM_FILINGS_MAX || !subjects_fit(alarm, i) ||
            (rule->incident.within > 0 && age >= rule->incident.within)) {
            continue;
        }
        fa_buf_clear(&other);
        fa_incident_rule_labels(rule, &fact, &other);
        if (fa_str_eq(fa_buf_str(&mine), fa_buf_str(&other))) {
            join(engine, alarm, i);
        }
    }
    fa_buf_done(&mine);
    fa_buf_done(&other);
}

/* An open alarm took one more filing: whoever owns or heard of it hears that it grew. */
static void grew(struct fa_engine *engine, struct fa_alarm *alarm)
{
    fa_journal_alarm(engine, FA_J_ATTACHED, alarm, NULL, (int64_t)alarm->people->incident_count);
    if (alarm->state == FA_ALARM_RETURNED) {
        int rc = fa_alarm_event(engine, alarm, FA_AEV_FIRE, NULL);
        fa_assert(rc == 0);
    } else if (alarm->state == FA_ALARM_ACKED) {
        fa_tell_told(engine, alarm, FA_NOTE_REMINDER, NULL);
    }
}

static struct fa_alarm *begin_filed(struct fa_engine *engine, struct fa_incident *incident,
                                    const struct fa_rule *rule, const char *labels,
                                    const char *identity)
{
    const struct fa_category *category = category_of(engine->setup, incident->category);
    const char *policy_name = rule != NULL       ? rule->policy
                              : category != NULL ? category->policy
                                                 : "";
    const struct fa_policy *policy = fa_setup_policy(engine->setup, policy_name);
    struct fa_alarm_spec spec = {
        .identity = identity,
        .rule = rule != NULL ? rule->name : CATEGORY_RULE,
        .category = incident->category,
        .severity = rule != NULL       ? rule->severity
                    : category != NULL ? category->severity
                                       : engine->setup->severities[0].name,
        .labels = labels,
        .summary = rule != NULL && rule->summary != NULL ? rule->summary
                   : incident->customer != NULL          ? FILING_SUMMARY_OF_CUSTOMER
                                                         : FILING_SUMMARY,
        .expect = rule != NULL ? rule->expect : NULL,
        /* A category that a reload took away still has somebody to climb to. */
        .policy = policy != NULL ? policy : fa_setup_policy(engine->setup, FA_POLICY_OPERATORS),
        .flags = FA_FLAG_FILED,
        .since = incident->filed,
        .value = (double)NAN,
    };
    struct fa_held held = {.value = (double)NAN};
    if (rule != NULL && fa_rule_is_combined(rule)) {
        (void)!fa_condition_holds(engine, rule->name, labels,
                                  &held); /* else it would not be here */
        spec.value = held.value;
    }
    struct fa_alarm *alarm = fa_alarm_begin(engine, &spec);
    join(engine, alarm, incident);
    return alarm;
}

/* Its filings are raised by this rule no more. */
static void note_raised(struct fa_engine *engine, const struct fa_alarm *alarm)
{
    for (size_t i = 0; i < alarm->people->incident_count; i++) {
        struct fa_incident *incident =
            fa_book_find(&engine->incidents, alarm->people->incidents[i].id);
        if (incident != NULL) {
            add_text(&incident->raised_by, &incident->raised_by_count, alarm->texts->rule);
            fa_touch_incident(engine, incident);
        }
    }
}

static void raise_by_rule(struct fa_engine *engine, struct fa_incident *incident,
                          const struct fa_rule *rule)
{
    struct fa_incident_fact fact = fact_of(incident);
    struct fa_buf labels, identity;
    char id[FA_ID_TEXT_SIZE];
    fa_buf_init(&labels, 4096);
    fa_buf_init(&identity, 8192);
    fa_incident_rule_labels(rule, &fact, &labels);
    fa_buf_printf(&identity, "%s{%s}", rule->name, fa_buf_text(&labels));
    if (rule->incident.per_count == 0 && single(rule)) {
        fa_buf_printf(&identity, "/%s", fa_id_format(incident->id.id, id));
    }
    struct fa_alarm *alarm = fa_names_find(&engine->identities, fa_buf_text(&identity));
    if (alarm != NULL && !(alarm->people->incident_count < FA_ALARM_FILINGS_MAX &&
                           same_texts(alarm->people->about, alarm->people->about_count,
                                      incident->about, incident->about_count) &&
                           same_texts(alarm->people->struck, alarm->people->struck_count,
                                      incident->struck, incident->struck_count))) {
        fa_buf_printf(&identity, "/%s", fa_id_format(incident->id.id, id));
        alarm = NULL;
    }
    if (alarm != NULL) {
        join(engine, alarm, incident);
        grew(engine, alarm);
    } else {
        alarm = begin_filed(engine, incident, rule, fa_buf_text(&labels), fa_buf_text(&identity));
        if (!single(rule)) {
            join_pattern(engine, alarm, rule, incident);
        }
        fa_alarm_start(engine, alarm);
    }
    if (fa_rule_is_combined(rule)) {
        note_raised(engine, alarm);
    }
    fa_buf_done(&labels);
    fa_buf_done(&identity);
}

static void raise_by_category(struct fa_engine *engine, struct fa_incident *incident)
{
    char identity[64], id[FA_ID_TEXT_SIZE];
    snprintf(identity, sizeof identity, CATEGORY_RULE "/%s", fa_id_format(incident->id.id, id));
    fa_alarm_start(engine, begin_filed(engine, incident, NULL, "", identity));
}

/* Raises what the incident rules say: all that hold, or only the patterns (those that take more
 * than one filing). *ret_single: one of them is for this filing alone. */
static bool raise_by_rules(struct fa_engine *engine, struct fa_incident *incident,
                           bool patterns_only, bool *ret_single)
{
    struct fa_incident_fact fact = fact_of(incident);
    bool any = false;
    for (size_t i = 0; i < engine->setup->rule_count; i++) {
        const struct fa_rule *rule = engine->setup->rules[i];
        bool alone = is_alone(rule);
        if ((patterns_only && alone) ||
            !rule_holds(engine, rule, &fact, incident, engine->now.wall)) {
            continue;
        }
        raise_by_rule(engine, incident, rule);
        *ret_single = *ret_single || alone;
        any = true;
    }
    return any;
}

static void mark_raised(struct fa_engine *engine, struct fa_incident *incident)
{
    incident->state = FA_INCIDENT_RAISED;
    fa_disarm(&engine->incident_heap, &incident->due);
    fa_touch_incident(engine, incident);
}

static void raise_incident(struct fa_engine *engine, struct fa_incident *incident)
{
    bool has_own = false;
    mark_raised(engine, incident);
    raise_by_rules(engine, incident, false, &has_own);
    if (!has_own) {
        raise_by_category(engine, incident);
    }
}

void fa_incident_confirmed(struct fa_engine *engine, struct fa_incident *incident,
                           const struct fa_rule *rule)
{
    raise_by_rule(engine, incident, rule);
    if (incident->state == FA_INCIDENT_OPEN) {
        mark_raised(engine, incident);
    }
}

/* ---- filing ---- */

static char *copy_known(const char *text)
{
    return text != NULL && text[0] != '\0' ? fa_xstrdup(text) : NULL;
}

/* "account.conduit" with its customer named, so that it says the same wherever it is kept. Of an
 * unknown customer it stays as it is: a name that nobody has, so only independent contacts hear. */
static const char *subject_of(const struct fa_directory *dir, const char *target,
                              const char *customer, struct fa_buf *buf)
{
    if (strcmp(target, FA_TARGET_CONDUIT) != 0 || customer == NULL ||
        fa_directory_account(dir, customer) == NULL) {
        return target;
    }
    fa_buf_clear(buf);
    fa_buf_printf(buf, FA_ABOUT_CONDUIT "%s", customer);
    return fa_buf_text(buf);
}

/* Whom it means now: of a customer's conduit also who stands in for them at this moment. */
static void add_meant(const struct fa_directory *dir, const char *subject, fa_time at,
                      struct fa_pset *meant)
{
    if (fa_directory_resolve(dir, fa_str_of(subject), meant) == 0 &&
        fa_str_starts(fa_str_of(subject), FA_ABOUT_CONDUIT)) {
        struct fa_ask ask = {.at = at, .customer = subject + strlen(FA_ABOUT_CONDUIT)};
        (void)!fa_directory_reach(dir, FA_STR(FA_TARGET_CONDUIT), &ask, meant);
    }
}

/* The subjects and all whom they mean today, who stay out whatever the directory says tomorrow; of
 * more than SUBJECTS_MAX the directory is asked each time. The caller frees the texts. */
static char **subjects_of(const struct fa_engine *engine, const struct fa_filing *filing,
                          fa_time wall, size_t *ret_count)
{
    const struct fa_directory *dir = engine->setup->people;
    char **about = NULL;
    struct fa_buf buf;
    *ret_count = 0;
    fa_buf_init(&buf, FA_FILING_BYTES_MAX);
    for (size_t i = 0; i < filing->about_count; i++) {
        const char *subject = subject_of(dir, filing->about[i], filing->customer, &buf);
        struct fa_pset meant;
        fa_pset_init(&meant, dir);
        add_text(&about, ret_count, subject);
        add_meant(dir, subject, wall, &meant);
        for (fa_person p = fa_pset_next(&meant, 0); p != FA_NOBODY && *ret_count < SUBJECTS_MAX;
             p = fa_pset_next(&meant, p + 1)) {
            add_text(&about, ret_count, dir->people[p].name);
        }
        fa_pset_done(&meant);
    }
    fa_buf_done(&buf);
    return about;
}

static struct fa_incident *make_incident(struct fa_engine *engine, const struct fa_filing *filing,
                                         enum fa_guidance level)
{
    struct fa_incident *incident = fa_xcalloc(1, sizeof *incident);
    incident->id = filing->id;
    incident->category = fa_intern(&engine->texts, filing->category);
    incident->customer = copy_known(filing->customer);
    incident->text = fa_xstrdup(filing->text);
    incident->since = copy_known(filing->since);
    incident->known = filing->known;
    incident->reporter = copy_known(filing->reporter);
    incident->called = copy_known(filing->called);
    incident->about = subjects_of(engine, filing, engine->now.wall, &incident->about_count);
    for (size_t i = 0; i < filing->struck_count; i++) {
        add_text(&incident->struck, &incident->struck_count, filing->struck[i]);
    }
    incident->level = level;
    incident->filed = engine->now.wall;
    incident->journal_n = filing->journal_n;
    incident->due.length = FA_NEVER;
    fa_book_add(&engine->incidents, incident);
    fa_touch_incident(engine, incident);
    return incident;
}

/* A level below what the category demands is refused; a higher one never is. */
static int effective_level(const struct fa_category *category, int asked, enum fa_guidance *ret)
{
    if (asked >= FA_GUIDE__COUNT) {
        return FA_EINVAL;
    }
    if (asked < 0) {
        *ret = category->guidance;
        return 0;
    }
    if (category->guidance == FA_GUIDE_RAISE && asked != FA_GUIDE_RAISE) {
        return FA_EINVAL;
    }
    *ret = (enum fa_guidance)asked;
    return 0;
}

static void add_helpers(const struct fa_category *category, const struct fa_directory *dir,
                        const struct fa_ask *ask, struct fa_pset *set)
{
    for (size_t i = 0; i < category->helper_count; i++) {
        (void)!fa_directory_reach(dir, fa_str_of(category->helpers[i]), ask, set);
    }
}

static bool ask_for_help(struct fa_engine *engine, const struct fa_incident *incident,
                         const struct fa_pset *set)
{
    bool any = false;
    for (fa_person p = fa_pset_next(set, 0); p != FA_NOBODY; p = fa_pset_next(set, p + 1)) {
        struct fa_note_spec spec = {.incident = incident, .person = p, .kind = FA_NOTE_HELP};
        any = fa_notify(engine, &spec) || any;
    }
    return any;
}

/* When it can be told to none of them, as all are too near, the independent contacts are asked. */
static void ask_helpers(struct fa_engine *engine, const struct fa_incident *incident,
                        const struct fa_category *category)
{
    const struct fa_directory *dir = engine->setup->people;
    struct fa_pset set;
    const struct fa_ask ask = {.at = engine->now.wall,
                               .customer = incident->customer,
                               .reporter = fa_reporter_asked(incident)};
    fa_pset_init(&set, dir);
    add_helpers(category, dir, &ask, &set);
    if (!ask_for_help(engine, incident, &set) && category->helper_count > 0) {
        (void)!fa_directory_resolve(dir, FA_STR(FA_TARGET_INDEPENDENT), &set);
        (void)ask_for_help(engine, incident, &set);
    }
    fa_pset_done(&set);
}

static size_t filing_bytes(const struct fa_filing *filing)
{
    size_t bytes = strlen(filing->text);
    bytes += filing->customer != NULL ? strlen(filing->customer) : 0;
    bytes += filing->since != NULL ? strlen(filing->since) : 0;
    bytes += filing->called != NULL ? strlen(filing->called) : 0;
    for (size_t i = 0; i < filing->about_count; i++) {
        bytes += strlen(filing->about[i]);
    }
    for (size_t i = 0; i < filing->struck_count; i++) {
        bytes += strlen(filing->struck[i]);
    }
    return bytes;
}

static bool same_reporter(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* One reporter leaves a quarter of the limit to all others, or he could keep them from being heard.
 * All who are not proved are one in this: they may be one. */
static bool has_share(const struct fa_engine *engine, const char *reporter)
{
    size_t open = 0, most = engine->setup->filings_open_max - engine->setup->filings_open_max / 4;
    if (engine->incidents.count < most) {
        return true; /* nobody has more than there are: nearly always nothing has to be counted */
    }
    for (const struct fa_incident *i = engine->incidents.first; i != NULL; i = i->after) {
        open += i->state != FA_INCIDENT_CLOSED && same_reporter(i->reporter, reporter);
    }
    return open < most;
}

/* False when the limit of open filings is reached. Closed ones are kept for patterns beside them,
 * as many again: beyond that the one that would leave next goes to history now. */
static bool make_room(struct fa_engine *engine)
{
    struct fa_incident *oldest = NULL;
    size_t closed = 0, open = 0;
    fa_time first = FA_NEVER;
    if (engine->incidents.count < engine->setup->filings_open_max) {
        return true;
    }
    for (struct fa_incident *i = engine->incidents.first; i != NULL; i = i->after) {
        if (i->state != FA_INCIDENT_CLOSED) {
            open++;
            continue;
        }
        closed++;
        fa_time at = fa_heap_at(&engine->incident_heap, &i->due.node);
        if (oldest == NULL || at < first) {
            oldest = i;
            first = at;
        }
    }
    if (closed > engine->setup->filings_open_max) {
        fa_incident_due(engine, oldest);
    }
    return open < engine->setup->filings_open_max;
}

/* When what was begun then is due by the category's calendar as it is now. */
static fa_time due_at(const struct fa_engine *engine, const struct fa_incident *incident,
                      const struct fa_category *category, fa_time begun)
{
    return fa_calendar_after(fa_calendar_named(engine, category->calendar),
                             (enum fa_measure)incident->due_measure, begun, incident->due_in);
}

static void arm_due(struct fa_engine *engine, struct fa_incident *incident,
                    const struct fa_category *category)
{
    fa_time length = category->due;
    if (category->due_measure != FA_MEASURE_CLOCK) {
        incident->due_in = category->due;
        incident->due_measure = (uint8_t)category->due_measure;
        length = due_at(engine, incident, category, engine->now.wall) - engine->now.wall;
    }
    fa_arm(engine, &engine->incident_heap, &incident->due, length);
}

static void reckon_due(struct fa_engine *engine, struct fa_incident *incident)
{
    const struct fa_category *category = fa_setup_category(engine->setup, incident->category);
    struct fa_deadline *due = &incident->due;
    if (incident->state != FA_INCIDENT_OPEN || incident->due_measure == FA_MEASURE_CLOCK ||
        due->length == FA_NEVER || category == NULL || category->calendar == NULL) {
        return; /* without a calendar it stays as it was reckoned last */
    }
    fa_time length = due_at(engine, incident, category, due->armed) - due->armed;
    if (length != due->length) {
        fa_time left = due->armed + length - engine->now.wall;
        due->length = length;
        fa_heap_set(&engine->incident_heap, &due->node, engine->now.mono + (left > 0 ? left : 0));
        fa_touch_incident(engine, incident);
    }
}

void fa_incidents_reckon(struct fa_engine *engine)
{
    for (struct fa_incident *i = engine->incidents.first; i != NULL; i = i->after) {
        reckon_due(engine, i);
    }
}

int fa_file(struct fa_engine *engine, const struct fa_filing *filing, bool *ret_already)
{
    const struct fa_category *category = category_of(engine->setup, filing->category);
    enum fa_guidance level = FA_GUIDE_RAISE;
    *ret_already = fa_engine_incident(engine, filing->id) != NULL;
    if (*ret_already) {
        return 0;
    }
    if (category == NULL) {
        return FA_ENOTFOUND;
    }
    if (fa_id_is_zero(filing->id.id)) {
        return FA_EINVAL; /* zero is "no filing" in everything that refers to one */
    }
    if (effective_level(category, filing->level, &level) != 0) {
        return FA_EINVAL;
    }
    if (filing_bytes(filing) > FA_FILING_BYTES_MAX) {
        return FA_ETOOBIG;
    }
    if (!make_room(engine) || !has_share(engine, filing->reporter)) {
        fa_trouble_once(engine, "filings-full", "the limit of open filings is reached");
        return FA_EFULL;
    }
    /* First of this step: its journal number is part of the receipt. */
    fa_journal(engine, FA_J_FILED, (struct fa_journal_ids){.incident = filing->id},
               filing->reporter, (int64_t)level);
    struct fa_incident *incident = make_incident(engine, filing, level);
    if (level == FA_GUIDE_RAISE) {
        raise_incident(engine, incident);
        return 0;
    }
    arm_due(engine, incident, category);
    if (level == FA_GUIDE_HELP) {
        ask_helpers(engine, incident, category);
    }
    /* What one may solve alone is an alarm when it is the same again and again. */
    bool alone = false;
    if (raise_by_rules(engine, incident, true, &alone)) {
        mark_raised(engine, incident);
    }
    return 0;
}

static fa_time kept_for(const struct fa_engine *engine)
{
    fa_time kept = FA_INCIDENT_KEPT;
    for (size_t i = 0; i < engine->setup->rule_count; i++) {
        const struct fa_rule *rule = engine->setup->rules[i];
        if (rule->is_incident && rule->incident.within > kept) {
            kept = rule->incident.within;
        }
    }
    return kept;
}

/* Closed filings stay for a while: they still count for patterns. */
static void close_incident(struct fa_engine *engine, struct fa_incident *incident)
{
    incident->state = FA_INCIDENT_CLOSED;
    incident->closed = engine->now.wall;
    fa_journal(engine, FA_J_INCIDENT_CLOSED, (struct fa_journal_ids){.incident = incident->id},
               NULL, 0);
    fa_arm(engine, &engine->incident_heap, &incident->due, kept_for(engine));
    fa_touch_incident(engine, incident);
}

void fa_incident_due(struct fa_engine *engine, struct fa_incident *incident)
{
    fa_disarm(&engine->incident_heap, &incident->due);
    fa_touch_incident(engine, incident);
    if (incident->state == FA_INCIDENT_OPEN) {
        fa_journal(engine, FA_J_INCIDENT_DUE, (struct fa_journal_ids){.incident = incident->id},
                   NULL, 0);
        raise_incident(engine, incident);
    }
}

int fa_reporter_word(struct fa_engine *engine, struct fa_incident_id id, const char *text,
                     bool done)
{
    struct fa_incident *incident = fa_book_find(&engine->incidents, id.id);
    if (incident == NULL) {
        return FA_ENOTFOUND;
    }
    if (done && incident->state != FA_INCIDENT_OPEN) {
        return FA_ECONFLICT; /* what climbs is closed by those who were told */
    }
    if (text != NULL && fa_comment_fits(incident->comments, incident->comment_count, text) != 0) {
        return FA_EFULL;
    }
    if (text != NULL && text[0] != '\0') {
        fa_add_comment(&incident->comments, &incident->comment_count, &incident->comment_cap,
                       (struct fa_comment){NULL, fa_xstrdup(text), engine->now.wall});
        fa_journal(engine, FA_J_REPORTER_WORD, (struct fa_journal_ids){.incident = id}, NULL, 0);
        fa_touch_incident(engine, incident);
    }
    if (done) {
        close_incident(engine, incident);
    }
    return 0;
}

static bool has_open_alarm(const struct fa_engine *engine, const struct fa_incident *incident)
{
    for (size_t i = 0; i < incident->alarm_count; i++) {
        const struct fa_alarm *alarm = fa_engine_alarm(engine, incident->alarms[i]);
        if (alarm != NULL && alarm->state != FA_ALARM_RESOLVED) {
            return true;
        }
    }
    return false;
}

/* The alarm goes to history; its filing keeps what the reporter may ask for. */
static void remember(struct fa_incident *incident, const struct fa_alarm *alarm)
{
    incident->told += (uint32_t)alarm->told_count;
    fa_time first = fa_alarm_first_told(alarm);
    if (first != 0 && (incident->told_first == 0 || first < incident->told_first)) {
        incident->told_first = first;
    }
    if (alarm->people->owned != 0 &&
        (incident->owned == 0 || alarm->people->owned < incident->owned)) {
        incident->owned = alarm->people->owned;
    }
}

void fa_incidents_word(struct fa_engine *engine, const struct fa_alarm *alarm, bool is_kept)
{
    for (size_t i = 0; i < alarm->people->incident_count; i++) {
        struct fa_incident *incident =
            fa_book_find(&engine->incidents, alarm->people->incidents[i].id);
        if (incident != NULL) {
            incident->kept += is_kept;
            incident->missed += !is_kept;
            fa_touch_incident(engine, incident);
        }
    }
}

void fa_incidents_closed(struct fa_engine *engine, const struct fa_alarm *alarm)
{
    for (size_t i = 0; i < alarm->people->incident_count; i++) {
        struct fa_incident *incident =
            fa_book_find(&engine->incidents, alarm->people->incidents[i].id);
        if (incident == NULL || incident->state != FA_INCIDENT_RAISED) {
            continue;
        }
        remember(incident, alarm);
        fa_touch_incident(engine, incident);
        if (!has_open_alarm(engine, incident)) {
            close_incident(engine, incident);
        }
    }
}

void fa_incidents_reconcile(struct fa_engine *engine)
{
    for (struct fa_incident *i = engine->incidents.first; i != NULL; i = i->after) {
        bool lost = i->state == FA_INCIDENT_RAISED && !has_open_alarm(engine, i);
        bool undue = i->state == FA_INCIDENT_OPEN && i->due.length == FA_NEVER;
        if (lost || undue) {
            raise_incident(engine, i);
        } else if (i->state == FA_INCIDENT_CLOSED && i->due.length == FA_NEVER) {
            fa_touch_incident(engine, i); /* the step's end moves it to history */
        }
    }
}

/* ---- preview ---- */

static void add_line(struct fa_preview *preview, fa_person person, fa_time when)
{
    for (size_t i = 0; i < preview->line_count; i++) {
        if (preview->lines[i].person == person) {
            return;
        }
    }
    preview->lines =
        fa_xrealloc(preview->lines, (preview->line_count + 1) * sizeof(struct fa_preview_line));
    preview->lines[preview->line_count++] = (struct fa_preview_line){person, when};
}

/* Adds those of set who have a channel that may carry it; false when nobody has. */
static bool preview_set(const struct fa_engine *engine, const struct fa_circle *circle,
                        const struct fa_pset *set, const struct fa_step *step, fa_time when,
                        struct fa_preview *preview)
{
    const struct fa_directory *dir = engine->setup->people;
    bool any = false;
    for (fa_person p = fa_pset_next(set, 0); p != FA_NOBODY; p = fa_pset_next(set, p + 1)) {
        if (fa_usable_contact(engine, circle, true, p, 0, step) < dir->people[p].contact_count) {
            add_line(preview, p, when);
            any = true;
        }
    }
    return any;
}

/* What its steps would be asked with, at the moment of filing. */
static struct fa_ask ask_of(const struct fa_filing *filing, fa_time wall)
{
    /* The names are only read. */
    const struct fa_incident as_if = {.reporter = (char *)(uintptr_t)filing->reporter,
                                      .about_count = filing->about_count,
                                      .struck_count = filing->struck_count};
    return (struct fa_ask){
        .at = wall, .customer = filing->customer, .reporter = fa_reporter_asked(&as_if)};
}

/* Each step as it will be when its turn comes. */
static void preview_policy(const struct fa_engine *engine, const char *name,
                           const struct fa_circle *circle, const struct fa_ask *ask,
                           struct fa_preview *preview)
{
    struct fa_aim aim = {
        .dir = engine->setup->people, .policy = fa_setup_policy(engine->setup, name), .ask = *ask};
    for (uint32_t step = 0; step < aim.policy->step_count; step++) {
        const struct fa_step *rung = &aim.policy->steps[step];
        const struct fa_calendar_entry *calendar =
            rung->during != NULL ? fa_directory_calendar(aim.dir, rung->during) : NULL;
        struct fa_pset set;
        fa_pset_init(&set, aim.dir);
        aim.ask.at = fa_calendar_opens(calendar, aim.ask.at);
        bool emptied = fa_aim_targets(&aim, step, 0, circle, &set) == FA_AIMED_EMPTIED;
        preview->independent = preview->independent || emptied;
        if (preview_set(engine, circle, &set, emptied ? NULL : rung, aim.ask.at - ask->at,
                        preview)) {
            aim.ask.at = fa_step_over(rung, aim.dir, aim.ask.at, rung->wait);
        }
        fa_pset_done(&set);
    }
}

static void preview_helpers(const struct fa_engine *engine, const struct fa_category *category,
                            const struct fa_circle *circle, const struct fa_ask *ask,
                            struct fa_preview *preview)
{
    struct fa_pset set;
    fa_pset_init(&set, engine->setup->people);
    add_helpers(category, engine->setup->people, ask, &set);
    if (!preview_set(engine, circle, &set, NULL, 0, preview) && category->helper_count > 0) {
        (void)!fa_directory_resolve(engine->setup->people, FA_STR(FA_TARGET_INDEPENDENT), &set);
        preview->independent = preview_set(engine, circle, &set, NULL, 0, preview);
    }
    fa_pset_done(&set);
}

/* The rules that would raise it; true when one of them is for this filing alone. */
static bool preview_rules(const struct fa_engine *engine, const struct fa_filing *filing,
                          const struct fa_circle *circle, struct fa_preview *preview, fa_time wall)
{
    struct fa_incident_fact fact = fact_of_filing(filing, wall);
    const struct fa_ask ask = ask_of(filing, wall);
    bool has_own = false;
    for (size_t i = 0; i < engine->setup->rule_count; i++) {
        const struct fa_rule *rule = engine->setup->rules[i];
        bool alone = is_alone(rule);
        if ((preview->level == FA_GUIDE_RAISE || !alone) &&
            rule_holds(engine, rule, &fact, NULL, wall)) {
            preview_policy(engine, rule->policy, circle, &ask, preview);
            has_own = has_own || alone;
        }
    }
    return has_own;
}

int fa_engine_preview(const struct fa_engine *engine, const struct fa_filing *filing, fa_time wall,
                      struct fa_preview *ret_preview)
{
    const struct fa_category *category = category_of(engine->setup, filing->category);
    struct fa_preview preview = {0};
    struct fa_circle circle;
    size_t about_count = 0;
    if (category == NULL) {
        return FA_ENOTFOUND;
    }
    if (effective_level(category, filing->level, &preview.level) != 0) {
        return FA_EINVAL;
    }
    const struct fa_ask ask = ask_of(filing, wall);
    preview.guidance = category->guidance;
    preview.hint = category->hint;
    /* The names are only read. */
    char **about = subjects_of(engine, filing, wall, &about_count);
    const struct fa_incident like = {.about = about,
                                     .struck = (char **)(uintptr_t)filing->struck,
                                     .about_count = about_count,
                                     .struck_count = filing->struck_count};
    fa_circle_init(&circle, engine->setup->people, like.about, like.about_count, like.struck,
                   like.struck_count);
    fa_circle_close(engine->setup->people, NULL, &like, &circle.conflicted);
    fa_texts_free(about, about_count);
    if (preview.level == FA_GUIDE_HELP) {
        preview_helpers(engine, category, &circle, &ask, &preview);
    }
    preview.due = preview.level != FA_GUIDE_RAISE ? category->due : 0;
    preview.due_measure = category->due_measure;
    bool has_own = preview_rules(engine, filing, &circle, &preview, wall);
    if (preview.level == FA_GUIDE_RAISE && !has_own) {
        preview_policy(engine, category->policy, &circle, &ask, &preview);
    }
    fa_circle_done(&circle);
    preview.nobody = preview.level != FA_GUIDE_SOLVE && preview.line_count == 0;
    *ret_preview = preview;
    return 0;
}

void fa_preview_done(struct fa_preview *preview)
{
    free(preview->lines);
    *preview = (struct fa_preview){0};
}
