/* SPDX-License-Identifier: MIT */
/* The metric rules of one configuration over the samples in fa_metrics: who fires, who clears, who
 * is unknown. Of incident rules only the expressions that go with them, alert rules not at all (see
 * incident.h and foreign.h). Reads no
 * clock; evaluates a label set only when one of its series got a sample or a time of its own came
 * due. */
#ifndef FA_RULES_RULES_H
#define FA_RULES_RULES_H

#include "base/buf.h"
#include "metrics/metrics.h"
#include "metrics/points.h"
#include "rules/signal.h"

struct fa_rules;

/* Both are borrowed and must outlive it. For a reload: new rules, fa_rules_restore of what is
 * active, fa_rules_hand_on, fa_rules_free of the old, fa_metrics_sweep. Samples of series that both
 * want are kept. */
struct fa_rules *fa_rules_new(const struct fa_rule *const *rules, size_t count,
                              struct fa_metrics *metrics);
void fa_rules_free(struct fa_rules *rules); /* accepts NULL */

/* Evaluates what got samples since the last run and what is due, and reports every change of level,
 * and firing values that became worse. fn must not call back into
 * rules or metrics, but as fa_rules_look says. */
void fa_rules_run(struct fa_rules *rules, struct fa_now now, fa_signal_fn *fn, void *ctx);
/* The same for at most max label sets, the longest waiting first. True: some are left for the next
 * call, which has to follow soon whatever fa_rules_next says. */
bool fa_rules_run_some(struct fa_rules *rules, struct fa_now now, size_t max, fa_signal_fn *fn,
                       void *ctx);
/* Wall time of the next evaluation that no sample causes; FA_NEVER. */
fa_time fa_rules_next(const struct fa_rules *rules);

/* What a label set was before the restart or reload: an active one inside its dead band stays
 * firing, and one whose data does not come back turns unknown, never clear. Unknown is what fired
 * and then had no data. Before the first run; a rule or label text that is not known is ignored. */
void fa_rules_restore(struct fa_rules *rules, const char *rule, const char *labels,
                      enum fa_level level);

/* What is remembered of label sets beyond their alarms, for a start after this run. save: where it
 * is, zeros at first. Appends to what fa_metrics_save wrote, of about so many label sets; false:
 * that was all. */
struct fa_rules_save {
    size_t rule;
    uint32_t place;
};
bool fa_rules_save(const struct fa_rules *rules, struct fa_rules_save *save, size_t groups,
                   struct fa_buf *buf);
/* After fa_rules_restore and before the first run. What is no sense is left out. */
void fa_rules_load(struct fa_rules *rules, struct fa_str bytes);
/* The same from one to the other, as nothing was missed between them: what a rule reads that is in
 * both has been silent for as long as before. shift: of the wall clock; if it stepped, the samples
 * are forgotten. */
void fa_rules_hand_on(const struct fa_rules *from, struct fa_rules *to, fa_time shift);

/* Label sets evaluated since fa_rules_new. Samples that cannot change what a label set says are not
 * evaluated. */
uint64_t fa_rules_evaluations(const struct fa_rules *rules);

/* For the weekly digest: looks at up to max series. False: that was all of them, and what rule i
 * (in their order) has seen is brought up to date. */
bool fa_rules_survey(struct fa_rules *rules, size_t max);
/* Counts from now on how often a number comes near to its threshold, of rules that compare one
 * label set's number with a threshold; before the first run. */
void fa_rules_mind_near(struct fa_rules *rules);
/* Its counts begin anew. False: there are not so many. */
bool fa_rules_seen(struct fa_rules *rules, size_t i, struct fa_rule_seen *ret_seen);

#ifdef FA_TEST_HOOKS
/* Before the first run: every sample is evaluated, whatever it may change, and nothing rests. */
void fa_rules_test_always(struct fa_rules *rules);
/* Label sets at rest. */
size_t fa_rules_test_rested(struct fa_rules *rules);
#endif

/* One label set as it stands after the last run, for explain and lists. */
struct fa_rule_status {
    const struct fa_rule *rule;
    const char *labels; /* borrowed until the next call with these rules; NULL: of the rule itself,
                           whose evaluation failed with no label set to show it at */
    const char *text;   /* why it is unknown, where that can be said; borrowed likewise */
    enum fa_level level;
    double value;       /* NaN: none */
    fa_time newest;     /* wall time of its newest sample; 0: none */
    fa_time covered_at; /* wall: from then on the window is covered by data; until then it is
                           warming. 0: needs no cover; FA_NEVER: no data yet */
    uint64_t samples;   /* in the window */
};
typedef void fa_rule_status_fn(void *ctx, const struct fa_rule_status *status);
void fa_rules_each(struct fa_rules *rules, fa_rule_status_fn *fn, void *ctx);
/* Is there such a rule of metrics? */
bool fa_rules_has(const struct fa_rules *rules, const char *rule);
/* Appends the rule's expression as it was written, or what the short form is compiled to; with
 * `defined`, what it is with the named expressions put in. */
void fa_rules_text(const struct fa_rules *rules, const char *rule, bool defined,
                   struct fa_buf *buf);
/* Appends the first selector of the rule that no series has ever matched, and says that there is
 * one. What may be missing (absent(), the right side of unless) is left out. */
bool fa_rules_unfed(struct fa_rules *rules, const char *rule, struct fa_buf *selector);
/* A selector of a rule, as how often its samples come matters to it. */
struct fa_rule_feed {
    fa_time window;   /* of its range; 0: it reads the newest sample */
    fa_time serves;   /* so long is a sample of use */
    bool pair;        /* in its range two samples are needed */
    fa_time interval; /* from sample to sample, as seen of some series, the longest; 0: not seen */
};
/* The rule's selector number i, those that may find nothing left out: appends its text without
 * ranges. False: there are not so many. */
bool fa_rules_feed(struct fa_rules *rules, const char *rule, size_t i,
                   struct fa_rule_feed *ret_feed, struct fa_buf *selector);
enum fa_feed_pace {
    FA_PACE_ENOUGH,
    FA_PACE_SELDOM, /* often no sample, or no pair, is there when it is needed */
    FA_PACE_NEVER,  /* a pair is never there */
};
/* Does it do, when samples come at that interval? */
enum fa_feed_pace fa_rule_feed_pace(const struct fa_rule_feed *feed, fa_time interval);

/* The label sets of one rule, those that fire first, then those that are awake, until fn says
 * false. */
typedef bool fa_rule_set_fn(void *ctx, const struct fa_rule_status *status);
void fa_rules_each_of(struct fa_rules *rules, const char *rule, fa_rule_set_fn *fn, void *ctx);

/* One label set, more closely. */
struct fa_rule_look {
    struct fa_rule_status status; /* without text */
    bool is_whole; /* its expression is evaluated whole, over all of `series`, for each part that
                      is explained */
    size_t series; /* 0: not whole */
    bool has_above, has_below, has_clear_above, has_clear_below;
    double above, below, clear_above, clear_below;
    bool or_equal;           /* it fires at above or below, too */
    fa_time over, look_back; /* the longest window it reads, 0: none; how old a sample may be */
};
/* Appends to *empty the selector that finds too few samples, to *reason why an evaluation failed.
 * False: there is no such rule, or nothing is known of the label set.
 *
 * This, fa_rules_points() and, if it is not evaluated whole, fa_rules_explain() may be called by
 * fn of fa_rules_run(), of the label set that fn is told of and of no other. */
bool fa_rules_look(struct fa_rules *rules, const char *rule, const char *labels,
                   struct fa_rule_look *ret_look, struct fa_buf *empty, struct fa_buf *reason);
/* The samples that its first selector finds now: fn for each series, up to 64, oldest first, some
 * at a time; `more` is false with the last ones of a series. */
typedef void fa_rule_points_fn(void *ctx, const struct fa_point *points, size_t count, bool more);
void fa_rules_points(struct fa_rules *rules, const char *rule, const char *labels,
                     fa_rule_points_fn *fn, void *ctx);

/* A part of a rule's expression, and an element of what it yields for one label set now. */
struct fa_explained {
    const char *text;   /* of the part: PromQL; of the short form what it is compiled to */
    const char *define; /* the named expression that its place is in; NULL: the rule's own text */
    uint32_t from, to;  /* its place, in bytes: [from, to); both 0 for the short form */
    unsigned depth;     /* of nesting, the whole expression is 0 */
    bool is_clear;      /* of the clear condition */
    const char *labels; /* of the element, canonical text, with the metric's name where the
                           expression might mean several; NULL: a number, or nothing */
    bool has_value;     /* false: the part yields nothing */
    double value;       /* of a range: the newest sample in it */
    uint64_t samples;   /* of a range: how many are in it; else 0 */
};
typedef void fa_explain_fn(void *ctx, const struct fa_explained *part);
#define FA_EXPLAIN_ELEMENTS 20 /* of one part; what else it yields is left out */
/* Calls fn for each element of each part, a part before those it is made of, as of the last run.
 * Elements are those that agree with the labels where both have a label. The short form too; its
 * thresholds are not in the tree. fn's argument is borrowed until fn returns. FA_ENOTFOUND: there
 * is no such rule, or labels is no canonical text. */
int fa_rules_explain(struct fa_rules *rules, const char *rule, const char *labels,
                     fa_explain_fn *fn, void *ctx) FA_MUST_CHECK;

#endif
