/* SPDX-License-Identifier: MIT */
/* Rules over what other systems have decided: alerts that Prometheus, Grafana and others send. Who
 * fires, who clears, who is unknown, as in rules.h; metric and incident rules are skipped here.
 *
 * A rule takes an alert whose labels fit its `where`. Alerts with equal labels of `per` (without
 * `per`: of all labels) are one label set. It fires while one of its alerts does; it is clear when
 * all were said to be over; else it is unknown: an alert that nobody renews up to its end (without
 * one: for FA_FOREIGN_RENEWED) says nothing any longer, and that is never "ok". */
#ifndef FA_RULES_FOREIGN_H
#define FA_RULES_FOREIGN_H

#include "metrics/labels.h"
#include "rules/rules.h"

/* Without an end, and after a restart, an alert must be renewed within so long. */
#define FA_FOREIGN_RENEWED (5 * FA_MINUTE)
/* Alerts of one label set; if there are more, it never clears by itself. */
#define FA_FOREIGN_MEMBERS_MAX ((size_t)256)

struct fa_foreign;

struct fa_alert {
    const struct fa_label *labels, *annotations; /* in any order; of equal names the last counts */
    size_t label_count, annotation_count;
    fa_time starts, ends; /* wall; 0: not given */
    bool resolved;        /* said to be over */
};

/* rules are borrowed and must outlive it. alerts_max: kept at once; 0: 100,000. */
struct fa_foreign *fa_foreign_new(const struct fa_rule *const *rules, size_t count,
                                  size_t alerts_max, uint64_t hash_seed);
void fa_foreign_free(struct fa_foreign *foreign); /* accepts NULL */

/* *ret_rules: how many rules take it; the name of one that none takes is remembered. What follows
 * is signalled by the next run. FA_EINVAL, FA_ETOOBIG: its labels are none, or too many; FA_EFULL:
 * a limit was reached and a rule did not get it. */
int fa_foreign_take(struct fa_foreign *foreign, const struct fa_alert *alert, struct fa_now now,
                    size_t *ret_rules) FA_MUST_CHECK;
/* What came since the last run and what lapsed: signals each label set whose level or alerts
 * changed, at most max of them. True: some are left. fn must not call back. */
bool fa_foreign_run_some(struct fa_foreign *foreign, struct fa_now now, size_t max,
                         fa_signal_fn *fn, void *ctx);
/* Wall time at which the next alert lapses or is forgotten; FA_NEVER. */
fa_time fa_foreign_next(const struct fa_foreign *foreign);

/* A label set that was active before a restart or reload: source is that of its last signal. It is
 * unknown until one of its alerts is heard of, and said to be so after FA_FOREIGN_RENEWED. A rule
 * that is not known, or takes no alerts, is ignored, as is a source without members. */
void fa_foreign_restore(struct fa_foreign *foreign, const char *rule, const char *labels,
                        const struct fa_source *source, fa_time wall);

/* The label sets of one rule, until fn says false: of the status value and newest say nothing, and
 * samples are the alerts that were not said to be over. False: there is no such rule of alerts. */
bool fa_foreign_each_of(const struct fa_foreign *foreign, const char *rule, fa_rule_set_fn *fn,
                        void *ctx);
/* Appends what the rule takes, as a selector: {alertname="A",severity=~"critical|page"}. */
void fa_foreign_text(const struct fa_rule *rule, struct fa_buf *buf);

/* Values of `alertname` that no rule took, in the order seen; NULL past the last. */
const char *fa_foreign_untaken(const struct fa_foreign *foreign, size_t index);
/* Alerts kept now. */
size_t fa_foreign_count(const struct fa_foreign *foreign);

/* As Alertmanager tells alerts apart. Exposed for tests. */
uint64_t fa_alert_fingerprint(const struct fa_labels *labels);

#endif
