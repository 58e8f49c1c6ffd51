/* SPDX-License-Identifier: MIT */
/* Business time: which calendar counts it for each rule, step and category, when the days of a
 * calendar begin, and that there is as much of it as is waited for.
 *
 * Invariant: whatever counts business time afterwards names a calendar that is there. */
#include "config/calendars.h"

#include "alarms/describe.h"
#include "base/str.h"
#include "base/texts.h"
#include "text/reader.h"

#include <stdlib.h>
#include <string.h>

struct business {
    struct fa_faults *faults;
    const struct fa_draft *draft;
    const struct fa_directory *dir;
    fa_time now; /* 0: nobody looks ahead */
};

/* Of a stretch that goes over midnight each day begins anew. */
static void add_days(struct fa_calendar_entry *entry, const struct fa_zone *zone,
                     const struct fa_span *span, size_t *cap)
{
    for (fa_time at = span->from; at < span->until;) {
        fa_time today = fa_zone_local(zone, at) / FA_DAY;
        size_t count = entry->day_count;
        if (count == 0 || fa_zone_local(zone, entry->days[count - 1]) / FA_DAY != today) {
            entry->days = fa_xgrow(entry->days, count, cap, sizeof *entry->days);
            entry->days[entry->day_count++] = at;
        }
        fa_time next = fa_zone_instant(zone, (today + 1) * FA_DAY, false);
        at = next > at ? next : span->until; /* of a day that comes twice */
    }
}

void fa_build_days(struct fa_calendar_entry *entry, const struct fa_zone *zone)
{
    size_t cap = 0;
    for (size_t i = 0; i < entry->open.count; i++) {
        add_days(entry, zone, &entry->open.list[i], &cap);
    }
}

static const struct fa_calendar_entry *find(const struct business *b, const char *name)
{
    for (size_t i = 0; i < b->dir->calendar_count; i++) {
        const char *other = b->dir->calendars[i].name;
        if (other != NULL && strcmp(other, name) == 0) {
            return &b->dir->calendars[i];
        }
    }
    return NULL;
}

static void unknown(const struct business *b, const config_setting_t *at, const char *name)
{
    const char **names = fa_xcalloc(b->dir->calendar_count + 1, sizeof *names);
    char hint[96];
    for (size_t i = 0; i < b->dir->calendar_count; i++) {
        names[i] = b->dir->calendars[i].name;
    }
    fa_fault_key(b->faults, at, "calendar", FA_ENOTFOUND,
                 "calendar: there is no calendar '%.64s'%s", name,
                 fa_did_you_mean(name, names, b->dir->calendar_count, hint));
    free(names);
}

/* Is there so much of it? */
static void prove(const struct business *b, const config_setting_t *at, const char *key,
                  const char *name, enum fa_measure measure, fa_time length)
{
    const struct fa_calendar_entry *calendar = name != NULL ? find(b, name) : NULL;
    char text[40], left[40];
    if (name == NULL) {
        fa_fault_key(b->faults, at, key, FA_EINVAL,
                     "%s: \"%s\" by which calendar? Name the company's, for instance calendar = "
                     "\"office\"; beside zone, and say its hours in calendars",
                     key, fa_format_measured(length, measure, text));
        return;
    }
    if (calendar == NULL || b->now == 0) {
        return;
    }
    fa_time end = calendar->known_until;
    fa_time known = end > b->now ? fa_calendar_between(calendar, measure, b->now, end) : 0;
    if (known < length) {
        fa_fault_key(b->faults, at, key, FA_ERANGE,
                     "%s: \"%s\" is never over: all that '%.64s' has from now on is %s", key,
                     fa_format_measured(length, measure, text), name,
                     fa_format_measured(known, measure, left));
    }
}

static void build_step(const struct business *b, const struct fa_draft_step *draft,
                       struct fa_step *step)
{
    if (step->measure == FA_MEASURE_CLOCK) {
        return;
    }
    if (step->during == NULL && b->draft->calendar != NULL) {
        step->by = fa_xstrdup(b->draft->calendar);
    }
    prove(b, draft->at, "wait", step->during != NULL ? step->during : step->by, step->measure,
          step->wait);
}

/* What a rule or a category counts, and by which calendar: given, or the company's then. */
struct counted {
    const char *key;
    enum fa_measure measure;
    fa_time length;
    char **calendar;
};

static void build_counted(const struct business *b, const config_setting_t *at,
                          const struct counted *counted)
{
    char **calendar = counted->calendar;
    if (*calendar != NULL && find(b, *calendar) == NULL) {
        unknown(b, at, *calendar);
    }
    if (counted->measure == FA_MEASURE_CLOCK) {
        if (*calendar != NULL) {
            fa_fault_key(b->faults, at, "calendar", FA_EINVAL,
                         "calendar says nothing here: %s is no business time, for instance "
                         "\"2 business days\"",
                         counted->key);
        }
        return;
    }
    if (*calendar == NULL && b->draft->calendar != NULL) {
        *calendar = fa_xstrdup(b->draft->calendar);
    }
    prove(b, at, counted->key, *calendar, counted->measure, counted->length);
}

void fa_build_business(struct fa_faults *faults, const struct fa_draft *draft,
                       struct fa_config *config)
{
    const struct business b = {faults, draft, config->people, config->walk_from};
    if (draft->calendar != NULL && find(&b, draft->calendar) == NULL) {
        unknown(&b, draft->at, draft->calendar);
    }
    for (size_t i = 0; i < draft->policies.count; i++) {
        for (size_t s = 0; s < draft->policies.items[i].steps.count; s++) {
            build_step(&b, &draft->policies.items[i].steps.items[s],
                       &config->setup.policies[i].steps[s]);
        }
    }
    for (size_t i = 0; i < draft->rules.count; i++) {
        struct fa_rule *rule = config->rules[i];
        build_counted(&b, draft->rules.items[i].at,
                      &(struct counted){"for", rule->for_measure, rule->for_ms, &rule->calendar});
    }
    for (size_t i = 0; i < draft->categories.count; i++) {
        struct fa_category *category = &config->setup.categories[i];
        build_counted(
            &b, draft->categories.items[i].at,
            &(struct counted){"due", category->due_measure, category->due, &category->calendar});
    }
}

static const char *clock_text(const struct fa_zone *zone, fa_time at, char buf[96])
{
    static const char days[7][4] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
    struct fa_reader_zone shown;
    char text[FA_READER_TIME_SIZE];
    fa_describe_zone_at(zone, at, &shown);
    snprintf(buf, 96, "%s %.80s", days[(at + shown.offset_seconds * FA_SECOND) / FA_DAY % 7],
             fa_reader_time(NULL, at, 0, &shown, text));
    return buf;
}

static void put_example(const struct fa_config *config, const struct counted *counted,
                        const char *begins, const char *ends, char text[FA_CONFIG_EXAMPLE_SIZE])
{
    const struct fa_calendar_entry *calendar =
        fa_directory_calendar(config->people, *counted->calendar);
    const struct fa_zone *zone = fa_directory_zone(config->people, calendar->zone);
    fa_time now = config->walk_from;
    char length[40], from[96], until[96];
    fa_time over = fa_calendar_after(calendar, counted->measure, now, counted->length);
    snprintf(text, FA_CONFIG_EXAMPLE_SIZE, "%s of %s: what %s %s %s on %s",
             fa_format_measured(counted->length, counted->measure, length), calendar->name, begins,
             clock_text(zone, now, from), ends, clock_text(zone, over, until));
}

bool fa_config_example(const struct fa_config *config, const struct fa_rule *rule,
                       char ret_text[FA_CONFIG_EXAMPLE_SIZE])
{
    char *calendar = rule->calendar;
    if (rule->for_measure == FA_MEASURE_CLOCK) {
        return false;
    }
    put_example(config, &(struct counted){"for", rule->for_measure, rule->for_ms, &calendar},
                "holds since", "fires", ret_text);
    return true;
}

bool fa_config_due_example(const struct fa_config *config, const struct fa_category *category,
                           char ret_text[FA_CONFIG_EXAMPLE_SIZE])
{
    char *calendar = category->calendar;
    if (category->due_measure == FA_MEASURE_CLOCK) {
        return false;
    }
    put_example(config, &(struct counted){"due", category->due_measure, category->due, &calendar},
                "is filed on", "is due", ret_text);
    return true;
}
