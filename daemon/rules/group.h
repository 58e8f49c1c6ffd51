/* SPDX-License-Identifier: MIT */
/* Inside rules/ only: one rule and its label sets. rules.c says when they are evaluated, groups.c
 * keeps them, group.c evaluates one, results.c those of an expression that is evaluated whole. */
#ifndef FA_RULES_GROUP_H
#define FA_RULES_GROUP_H

#include "base/heap.h"
#include "metrics/index.h"
#include "metrics/pool.h"
#include "rules/eval.h"
#include "rules/quiet.h"
#include "rules/rules.h"
#include "rules/signal.h"
#include "rules/whole.h"

struct fa_rule_state;

/* One of the series of which it is seen how often samples come (sparse.c). */
struct fa_pace {
    struct fa_probe since;
    fa_time before, longer_ago; /* from sample to sample in the two times before; 0: not known */
};
#define FA_PACES 4

/* A leaf as the owner of a watch: what a link leads back to. */
struct fa_leaf {
    struct fa_rule_state *state;
    size_t number;
    bool follows;           /* as fa_plan_leaf_follows says */
    fa_time heard, hearing; /* wall: its last sample came; 0: not known; of the survey under way */
    struct fa_pace paces[FA_PACES];
    size_t pace_count;
};

struct fa_rule_state {
    const struct fa_rule *rule;
    struct fa_promql *own; /* owned; the short form compiled, NULL for an expression */
    struct fa_plan plan;
    struct fa_limits limits;
    const struct fa_promql_node *number; /* what the limits are about; NULL: there are none */
    struct fa_shape shape;
    fa_time look_back, settle;
    bool each;    /* it goes by the newest value alone: each is judged, also one that is passed */
    fa_time rest; /* its label sets may rest until their newest sample is so old; 0: never */
    bool minds_near;        /* that a number comes near to a threshold is counted */
    uint32_t near;          /* how often since it was asked last */
    uint32_t nearest;       /* the nearest then, in thousandths */
    struct fa_quiet calm;   /* shared by the label sets that neither fire nor add up */
    struct fa_leaf *leaves; /* owned, as many as the plan has */
    struct fa_pool groups_pool, members_pool, quiets_pool;
    struct fa_index groups; /* by hash of the labels */
    struct fa_group *first_group, *last_group;
    struct fa_whole *whole; /* owned; NULL: keyed */
    struct fa_group *self;  /* stands for the whole expression: is scheduled, and no label set */
    fa_time since;          /* wall: silence counts from here; FA_NEVER: no run yet */
    uint64_t reads;         /* a hash of the series it reads and how far back */
    struct fa_err err;      /* of its last evaluation; code 0: none */
    char *text;             /* owned; NULL until somebody asks for it */
};

#define FA_LACKS_NONE UINT16_MAX

struct fa_group {
    struct fa_rule_state *state;
    char *labels; /* owned, canonical */
    uint32_t place, hash;
    struct fa_heap_node due;
    struct fa_group *next, *prev; /* of the rule */
    struct fa_group *next_dirty;
    /* A fa_quiet of the rule's pool, of one that does not add up without its sums; FA_POOL_NONE
     * until it needs one of its own. */
    uint32_t quiet_place;
    uint16_t lacks; /* of an expression: the leaf without enough samples; FA_LACKS_NONE */
    uint16_t stale; /* of an expression: the range without a fresh sample; FA_LACKS_NONE */
    bool dirty : 1;
    bool by_sample : 1;      /* dirty because of a sample, not of the clock */
    bool settles : 1;        /* a sample came, and others are waited for */
    bool fires : 1;          /* of a whole expression: the result has it */
    bool seen : 1;           /* among the results of the evaluation that is going on */
    bool pinned : 1;         /* exists without series: a rule of `absent` whose labels are known */
    bool near_counted : 1;   /* this time that it is near */
    bool held : 1;           /* it fired and has not cleared since */
    enum fa_level level : 8; /* as last signalled */
    uint16_t near_peak;      /* in thousandths, since it is near */
    uint8_t judged_count;    /* samples judged, as many as the rule's `of` */
    fa_time near_since;      /* near to a threshold, where that is minded; 0: it is not */
    fa_time grace_until;     /* restored: its level stands so long till data come */
    double value;            /* as last evaluated; NaN: none */
    double worst;            /* the worst signalled since it fires */
    fa_time newest_at;       /* of all samples ever seen; 0: none */
    fa_time covered_at;      /* as in struct fa_rule_status */
    uint64_t samples;
    uint64_t judged;    /* a bit for each sample, the last one lowest: it held */
    fa_time over_since; /* it is kept firing, though it is over since then; 0: it is not */
    struct fa_population leaves[]; /* as many as the plan has */
};

/* Evaluates, signals what changed through fn, and returns when to look again without a sample
 * (FA_NEVER). */
fa_time fa_group_evaluate(struct fa_group *group, fa_time now, struct fa_room *room,
                          fa_signal_fn *fn, void *ctx);
/* It is known of an expression's label set whether the result has it, of which value, whether it
 * may clear, what it lacks and what is stale: what level is it? */
enum fa_level fa_group_level(struct fa_group *group, bool fires, bool clears, fa_time now,
                             fa_time *next_at);
/* hold.c. What comes of the level by the rule's hits and keep_firing_for. Once an evaluation. */
enum fa_level fa_group_hold(struct fa_group *group, enum fa_level level, fa_time now,
                            fa_time *next_at);
/* Of the samples that count, it held at some. */
bool fa_group_has_hits(const struct fa_group *group);
/* Signals the level if that is news. */
void fa_group_signal(struct fa_group *group, enum fa_level level, fa_time now, fa_signal_fn *fn,
                     void *ctx);

/* Nothing of it would be missed: it can be made again from its only series. next_at: as evaluated.
 */
bool fa_group_may_rest(const struct fa_group *group, fa_time now, fa_time next_at);
/* As it was before its only series, of that link, went to rest. */
void fa_group_awake(struct fa_group *group, const struct fa_link *link);

/* Brings what it shows (value, newest_at, covered_at, samples) up to date and decides nothing. */
void fa_group_look(struct fa_group *group, fa_time now, struct fa_room *room);

/* ---- groups.c ---- */

struct fa_rules {
    struct fa_metrics *metrics;
    struct fa_watcher *watcher;
    struct fa_rule_state **states;  /* owned, one a metric rule */
    struct fa_rule_state **by_name; /* the same */
    size_t count;
    struct fa_heap due;
    struct fa_group *dirty_first, *dirty_last;
    struct fa_room room;
    struct fa_buf text;   /* of the status told last */
    struct fa_buf labels; /* of the label set looked for last */
    bool has_run;
    fa_time started; /* wall time of the first run */
    fa_time ran;     /* wall time of the last */
    uint64_t evaluations;
    uint32_t survey_at; /* where the survey under way is */
    size_t pace_at;     /* likewise of what sparse.c does each hour */
    fa_time pace_next;
    uint32_t made; /* label sets ever; orders equal deadlines */
};

/* The rules' watcher gets its watches. as_whole: even if it could be keyed. */
struct fa_rule_state *fa_state_new(const struct fa_rule *rule, struct fa_rules *rules,
                                   bool as_whole);
void fa_state_free(struct fa_rule_state *state);
/* Of that canonical text; made when it is not there. */
struct fa_group *fa_group_take(struct fa_rules *rules, struct fa_rule_state *state,
                               struct fa_str labels);
/* NULL: it is not there. */
struct fa_group *fa_group_find(const struct fa_rules *rules, const struct fa_rule_state *state,
                               struct fa_str labels);
/* It has no member left. */
void fa_group_drop(struct fa_rules *rules, struct fa_group *group);
/* Its next evaluation comes soon, and once. */
void fa_group_mark(struct fa_rules *rules, struct fa_group *group, bool by_sample);
bool fa_group_is_forgettable(const struct fa_group *group, fa_time now);

struct fa_member *fa_member_join(struct fa_group *group, struct fa_link *link);
void fa_member_drop(struct fa_member *member);
/* The label set that the series' labels name, made when it is not there. */
struct fa_group *fa_group_of(struct fa_rules *rules, struct fa_rule_state *state,
                             const struct fa_link *link);
/* The link's member, made with its label set when it is not there. Only of keyed rules. */
struct fa_member *fa_member_take(struct fa_rules *rules, struct fa_link *link);

/* ---- rules.c and status.c ---- */

/* What the whole of its expression is, as text. Borrowed from the state. */
const char *fa_state_text(struct fa_rule_state *state);
/* NULL: there is no such rule. */
struct fa_rule_state *fa_state_find(const struct fa_rules *rules, const char *name);
/* Texts are borrowed until the next call with these rules. */
struct fa_rule_status fa_group_status(struct fa_rules *rules, struct fa_group *group);

/* Takes note of every series that changed, came or went, and evaluates nothing. */
void fa_rules_collect(struct fa_rules *rules);
/* The series of a label set at rest, to be read only. */
bool fa_rules_find_rested(struct fa_rules *rules, struct fa_rule_state *state, struct fa_str labels,
                          struct fa_link *ret_link);

/* ---- sparse.c ---- */

/* A series of the leaf, perhaps a new one. */
void fa_rules_note_pace(const struct fa_rules *rules, struct fa_leaf *leaf,
                        const struct fa_link *link);
/* Goes on with what has to be done each hour. */
void fa_rules_pace(struct fa_rules *rules, fa_time now);

/* ---- results.c ---- */

/* A whole expression: evaluates, signals, keeps and forgets label sets. Returns when to look again.
 */
fa_time fa_results_evaluate(struct fa_rules *rules, struct fa_rule_state *state, fa_time now,
                            fa_signal_fn *fn, void *ctx);

#endif
