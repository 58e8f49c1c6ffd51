/* SPDX-License-Identifier: MIT */
/* Incident rules: which filings raise an alarm. Pure questions about facts; alarms/ keeps the
 * filings. Times are wall milliseconds. */
#ifndef FA_RULES_INCIDENT_H
#define FA_RULES_INCIDENT_H

#include "base/buf.h"
#include "rules/rule.h"

struct fa_incident_fact {
    const char *category;
    const char *customer; /* NULL or "": not said */
    const char *reporter; /* any text that is equal for one person; NULL: not proved */
    fa_time time;
};

/* Is the category one of the rule's, and are the labels of `per` there? */
bool fa_incident_rule_matches(const struct fa_rule *rule, const struct fa_incident_fact *fact);
/* Does the rule hold now that `fact` was filed? earlier: n facts in any order, of any category or
 * customer; only those that match the rule, have the same `per` values and are younger than
 * `within` count. One without reporter counts for `count`, never for `distinct_reporters`: beyond
 * one person, only proved people are different people. */
bool fa_incident_rule_holds(const struct fa_rule *rule, const struct fa_incident_fact *fact,
                            const struct fa_incident_fact *earlier, size_t n, fa_time now);
/* Writes the canonical labels of the alarm, e.g. customer="Acme", to an empty buf; nothing without
 * `per`. */
void fa_incident_rule_labels(const struct fa_rule *rule, const struct fa_incident_fact *fact,
                             struct fa_buf *buf);

#endif
