/* SPDX-License-Identifier: MIT */
/* What the engine goes by: policies, severities, categories and times, as configured. config/
 * builds one fa_setup for each accepted configuration; it is immutable, and the engine swaps it
 * whole. */
#ifndef FA_ALARMS_POLICY_H
#define FA_ALARMS_POLICY_H

#include "alarms/silence.h"
#include "base/rec.h"
#include "people/directory.h"
#include "rules/rule.h"
#include "text/phrase.h"

/* One rung of a policy. */
struct fa_step {
    char **targets; /* "maria", "role:coo", "team:support", "independent" */
    size_t target_count;
    char **channels; /* only these channels; none: each person's own, in order */
    size_t channel_count;
    fa_time wait;            /* from this step to the next; of the last: to its next loop */
    enum fa_measure measure; /* of wait */
    char *during; /* a calendar: it is told only while that is open, and its wait runs only then;
                   * NULL: always */
    char *by;     /* the calendar that measure counts by where `during` is NULL; may be NULL */
    bool urgent;  /* quiet hours do not hold it back */
};

struct fa_policy {
    char *name;
    struct fa_step *steps;
    size_t step_count;
    uint32_t repeat; /* the step, from 1, that loops go back to; 0: the last repeats alone */
    char hash[33];   /* of the encoded policy, hexadecimal: what open alarms refer to */
};

/* How hard a severity is pressed. */
struct fa_severity {
    char *name;             /* "critical", "warning", "info" */
    uint32_t rank;          /* 0 is the worst */
    fa_time ack_default;    /* until the next word, when the acknowledger names none */
    fa_time ack_max;        /* longest promise */
    uint32_t fail_attempts; /* tries of one notification before the escalation moves on */
    fa_time fail_after;     /* or this long of failing, whichever is first */
    bool urgent;            /* people's quiet hours do not hold it back */
};

/* A kind of problem that people file. */
enum fa_guidance { FA_GUIDE_SOLVE, FA_GUIDE_HELP, FA_GUIDE_RAISE, FA_GUIDE__COUNT };

struct fa_category {
    char *name, *title;
    char **examples;
    size_t example_count;
    char *hint; /* one sentence: why this guidance */
    enum fa_guidance guidance;
    char *severity, *policy; /* of the alarm that a raised filing becomes */
    char **helpers;          /* targets told of a filing that asks for help */
    size_t helper_count;
    fa_time due; /* until when "solve" and "help" must be done; then it is raised */
    enum fa_measure due_measure;
    char *calendar;     /* that due_measure counts by; NULL where it is of the clock */
    char *value;        /* the company value that it violates; NULL: none */
    bool unsilenceable; /* nothing hides its alarms */
};

/* A value that the company stands for, named once. */
struct fa_value {
    char *name, *title;
    char **violations; /* category names */
    size_t violation_count;
};

/* Who gets a digest each week. */
struct fa_weekly {
    char **to; /* targets that neither time nor alarm decide; none: nobody */
    size_t to_count;
    uint32_t minute; /* of the week from Monday 00:00, by each reader's clocks */
    uint32_t budget; /* messages a week to a person that has no budget of their own; 0: none */
};

struct fa_setup {
    const struct fa_directory *people;
    struct fa_policy *policies;
    size_t policy_count;
    struct fa_severity *severities; /* worst first */
    size_t severity_count;
    struct fa_category *categories;
    size_t category_count;
    struct fa_value *values;
    size_t value_count;
    struct fa_maintenance *maintenance;
    size_t maintenance_count;
    struct fa_inhibition *inhibitions;
    size_t inhibition_count;
    struct fa_weekly weekly;
    struct fa_language *languages; /* that people may read; English is not among them */
    size_t language_count;
    const struct fa_rule *const *rules; /* metric and incident rules; borrowed array */
    size_t rule_count;
    fa_time rearm;        /* firing again so soon after a return resumes the alarm (1 h) */
    fa_time returned_max; /* returned and unowned so long: "nobody owned it" (24 h) */
    fa_time slow_retry;   /* between tries of a rejected notification (5 min) */
    uint32_t filings_open_max, alarms_open_max, outbox_max; /* limits; reached ones raise trouble */
    uint32_t alarms_per_rule_max;                           /* beyond: see further.c */
};

#define FA_POLICY_OPERATORS   "operators"
#define FA_TARGET_CONDUIT     "account.conduit"
/* The conduit of a customer as a subject: "conduit:CUSTOMER". */
#define FA_ABOUT_CONDUIT "conduit:"
/* Of a filing whose reporter had no list to choose from. */
#define FA_CATEGORY_UNSORTED "unsorted"

const struct fa_policy *fa_setup_policy(const struct fa_setup *setup, const char *name);
const struct fa_severity *fa_setup_severity(const struct fa_setup *setup, const char *name);
const struct fa_category *fa_setup_category(const struct fa_setup *setup, const char *name);
const struct fa_rule *fa_setup_rule(const struct fa_setup *setup, const char *name);

/* How the step's wait is counted, and by which calendar; it may be NULL. */
enum fa_measure fa_step_measure(const struct fa_step *step, const char **ret_calendar);
/* When the wait of a step that is told at `from` is over. */
fa_time fa_step_over(const struct fa_step *step, const struct fa_directory *dir, fa_time from,
                     fa_time wait);
/* The step, from 0, that loops go back to. */
uint32_t fa_policy_repeat(const struct fa_policy *policy);
/* Fills policy->hash from its content. */
void fa_policy_seal(struct fa_policy *policy);
void fa_policy_done(struct fa_policy *policy);
void fa_policy_encode(const struct fa_policy *policy, struct fa_buf *buf);
/* FA_ECORRUPT when the bytes are no policy. */
int fa_policy_decode(struct fa_str bytes, struct fa_policy *ret_policy) FA_MUST_CHECK;

/* Everybody the policy may tell by its steps at that moment, without widening. */
void fa_policy_people(const struct fa_policy *policy, const struct fa_directory *dir,
                      const struct fa_ask *ask, struct fa_pset *set);

#endif
