/* SPDX-License-Identifier: MIT */
/* Incident patterns: how many filings, by how many people, within what time.
 *
 * One filing always has one reporter, proved or not, so `distinct_reporters = 1` asks nothing more
 * than a filing. From two on, each must be a proved person: two unproved filings may be one person
 * twice. The fact just filed counts whatever its time says; earlier ones by their age. */
#include "rules/incident.h"
#include "base/panic.h"
#include "metrics/labels.h"

#include <stdlib.h>
#include <string.h>

static const char *per_value(const struct fa_incident_fact *fact, const char *per)
{
    const char *value = strcmp(per, "customer") == 0 ? fact->customer : NULL;
    return value != NULL ? value : "";
}

bool fa_incident_rule_matches(const struct fa_rule *rule, const struct fa_incident_fact *fact)
{
    const struct fa_incident_rule *incident = &rule->incident;
    size_t i = 0;
    while (i < incident->category_count && strcmp(incident->categories[i], fact->category) != 0) {
        i++;
    }
    if (!rule->is_incident || i == incident->category_count) {
        return false;
    }
    for (size_t k = 0; k < incident->per_count; k++) {
        if (per_value(fact, incident->per[k])[0] == '\0') {
            return false;
        }
    }
    return true;
}

static bool counts_too(const struct fa_rule *rule, const struct fa_incident_fact *fact,
                       const struct fa_incident_fact *earlier, fa_time now)
{
    const struct fa_incident_rule *incident = &rule->incident;
    if (incident->within > 0 && earlier->time <= now - incident->within) {
        return false;
    }
    for (size_t i = 0; i < incident->per_count; i++) {
        if (strcmp(per_value(fact, incident->per[i]), per_value(earlier, incident->per[i])) != 0) {
            return false;
        }
    }
    return fa_incident_rule_matches(rule, earlier);
}

struct people {
    const char **seen; /* room for `needed` */
    size_t count, needed;
};

static void add_person(struct people *people, const char *reporter)
{
    if (reporter == NULL || people->count == people->needed) {
        return;
    }
    for (size_t i = 0; i < people->count; i++) {
        if (strcmp(people->seen[i], reporter) == 0) {
            return;
        }
    }
    people->seen[people->count++] = reporter;
}

bool fa_incident_rule_holds(const struct fa_rule *rule, const struct fa_incident_fact *fact,
                            const struct fa_incident_fact *earlier, size_t n, fa_time now)
{
    if (!fa_incident_rule_matches(rule, fact)) {
        return false;
    }
    size_t count = 1;
    struct people people = {.needed = rule->incident.distinct_reporters};
    people.seen = fa_xcalloc(people.needed + 1, sizeof people.seen[0]);
    add_person(&people, fact->reporter);
    for (size_t i = 0; i < n; i++) {
        if (counts_too(rule, fact, &earlier[i], now)) {
            count++;
            add_person(&people, earlier[i].reporter);
        }
    }
    free(people.seen);
    return count >= rule->incident.count && (people.needed <= 1 || people.count == people.needed);
}

void fa_incident_rule_labels(const struct fa_rule *rule, const struct fa_incident_fact *fact,
                             struct fa_buf *buf)
{
    for (size_t i = 0; i < rule->incident.per_count; i++) {
        const char *name = rule->incident.per[i];
        fa_label_format(fa_str_of(name), fa_str_of(per_value(fact, name)), buf);
    }
}
