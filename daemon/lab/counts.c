/* SPDX-License-Identifier: MIT */
/* Invariant 4 in numbers: what the engine counts, counted anew from what the scenario said of each
 * filing. What has a subject, or tests people, is in no count. */
#include "lab/world.h"

#include <string.h>

static bool is_about_somebody(const struct fa_lab *lab, struct fa_incident_id id)
{
    for (size_t i = 0; i < lab->filing_count; i++) {
        if (fa_id_eq(lab->filings[i].id.id, id.id) && lab->filings[i].about_count > 0) {
            return true;
        }
    }
    return false;
}

/* It has a subject, or tests people: it is in no count. */
static bool is_uncounted(const struct fa_lab *lab, const struct fa_alarm *alarm)
{
    if (strncmp(alarm->identity, "firealarm:drill{", 16) == 0) {
        return true;
    }
    for (size_t i = 0; i < alarm->people->incident_count; i++) {
        if (is_about_somebody(lab, alarm->people->incidents[i])) {
            return true;
        }
    }
    return fa_lab_is_recused(lab, alarm->id);
}

struct tally {
    struct fa_lab *lab;
    uint32_t alarms[FA_ALARM__COUNT], outbox, filings;
};

static void count_alarm(void *ctx, const struct fa_alarm *alarm)
{
    struct tally *tally = ctx;
    tally->alarms[alarm->state] += !is_uncounted(tally->lab, alarm);
}

static void count_notification(void *ctx, const struct fa_notification *n)
{
    struct tally *tally = ctx;
    const struct fa_alarm *alarm = fa_engine_alarm(tally->lab->engine, n->alarm);
    bool hidden = (alarm != NULL && is_uncounted(tally->lab, alarm)) ||
                  is_about_somebody(tally->lab, n->incident);
    tally->outbox += !hidden && n->lines == NULL; /* its lines count, themselves */
}

static void count_incident(void *ctx, const struct fa_incident *incident)
{
    struct tally *tally = ctx;
    tally->filings += incident->state != FA_INCIDENT_CLOSED && incident->about_count == 0;
}

void fa_lab_check_counts(struct fa_lab *lab)
{
    struct fa_engine_stats stats;
    struct tally tally = {.lab = lab};
    fa_engine_stats(lab->engine, &stats);
    fa_engine_each_alarm(lab->engine, count_alarm, &tally);
    fa_engine_each_notification(lab->engine, count_notification, &tally);
    fa_engine_each_incident(lab->engine, count_incident, &tally);
    for (int state = 0; state < FA_ALARM__COUNT; state++) {
        if (stats.alarms[state] != tally.alarms[state]) {
            fa_lab_fail(lab, "invariant 4 (not by a count): %u alarms are counted as %s, not %u",
                        stats.alarms[state], fa_alarm_state_name((enum fa_alarm_state)state),
                        tally.alarms[state]);
        }
    }
    if (stats.outbox != tally.outbox) {
        fa_lab_fail(lab, "invariant 4 (not by a count): %u notifications are counted, not %u",
                    stats.outbox, tally.outbox);
    }
    if (stats.filings_open != tally.filings) {
        fa_lab_fail(lab, "invariant 4 (not by a count): %u filings are counted as open, not %u",
                    stats.filings_open, tally.filings);
    }
}
