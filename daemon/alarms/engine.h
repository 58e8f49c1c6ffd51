/* SPDX-License-Identifier: MIT */
/* The engine: events in, actions out. It decides what is escalated, to whom and when; it calls
 * nothing, reads no clock and draws no chance but what the event brings.
 *
 *   fa_engine_load_row() for each stored row, then a START event;
 *   fa_engine_step(engine, event, now, actions) for everything that happens;
 *   a TICK when fa_engine_next_deadline() has passed.
 *
 * The host makes the actions of one loop turn one transaction, in order, and lets replies and
 * sends leave only when it is durable. */
#ifndef FA_ALARMS_ENGINE_H
#define FA_ALARMS_ENGINE_H

#include "alarms/alarm.h"
#include "people/may.h"

struct fa_engine;

/* Kinds of rows the engine stores. The host uses numbers from 64 on for its own. */
enum fa_row_kind {
    FA_ROW_ALARM = 1,
    FA_ROW_INCIDENT,
    FA_ROW_NOTIFICATION,
    FA_ROW_POLICY,
    FA_ROW_EVIDENCE, /* see evidence.h; never live, so that no start reads it */
    FA_ROW_RAISED,   /* slot 0 of it: written once, and found by its time */
    FA_ROW_SILENCE,
    FA_ROW_PACE,     /* when a person's latest messages left */
    FA_ROW_DRILL,    /* the last drill of a policy */
    FA_ROW_TALLY,    /* what the weekly digest counts of a person or a rule */
    FA_ROW_KEPT_OUT, /* who stepped out of an alarm that is closed */
    FA_ROW_FURTHER,  /* a label set beyond its rule's limit of alarms */
    FA_ROW__LAST = FA_ROW_FURTHER
};

/* clang-format off */
#define FA_JOURNAL_CODES(X)                                                                        \
    X(START, 1) X(RELOAD, 2) X(CLOCK, 3) X(FILED, 10) X(REPORTER_WORD, 11) X(INCIDENT_DUE, 12)     \
    X(INCIDENT_CLOSED, 13) X(PENDING, 20) X(RAISED, 21) X(STEP, 22) X(EMPTIED, 23) X(RETURNED, 24) \
    X(RESUMED, 25) X(ACKED, 26) X(OVERDUE, 27) X(RESOLVED, 28) X(UNOWNED, 29) X(COMMENTED, 30)     \
    X(UNKNOWN, 31) X(ATTACHED, 32) X(ORPHANED, 33) X(SKIPPED, 34) X(PAUSED, 35) X(KEPT, 36) X(RECUSED, 37) X(HELD, 49) X(NOTIFY, 40)      \
    X(SENT, 41) X(RETRY, 42) X(REJECTED, 43) X(MOVED_ON, 44) X(DEAD, 45) X(DROPPED, 46)            \
    X(REPLAY, 47) X(UNREACHED, 48) X(SILENCE_SET, 50) X(SILENCE_BEGAN, 51) X(SILENCE_OVER, 52)     \
    X(SHELVED, 53) X(SUPPRESSED, 54) X(HEARD, 55) X(HIDDEN, 56) X(WRONG_CODE, 60) X(LOCKED, 61)     \
    X(PACKED, 62) X(SPARED, 63) X(DRILL, 70) X(ANSWERED, 71) X(SILENT, 72)
/* clang-format on */

enum fa_journal_code {
#define X(name, number) FA_J_##name = (number),
    FA_JOURNAL_CODES(X)
#undef X
};
const char *fa_journal_code_name(enum fa_journal_code code);
/* What a moment of the diary is called: "raised", "sent" ... */
const char *fa_moment_name(const struct fa_moment *moment);

/* clang-format off */
enum fa_event_kind {
    FA_EV_START,     /* rows are loaded; u.start */
    FA_EV_TICK,      /* time has passed */
    FA_EV_CLOCK,     /* the wall clock stepped by u.clock.delta */
    FA_EV_RELOAD,    /* u.reload.setup holds from now on; the old one is no longer used after */
    FA_EV_SIGNAL,    /* u.signal */
    FA_EV_FILE,      /* u.file */
    FA_EV_REPORTER,  /* u.reporter: the reporter's later word */
    FA_EV_ACK,       /* u.act, also RESOLVE and COMMENT */
    FA_EV_RESOLVE,
    FA_EV_COMMENT,
    FA_EV_WRONG_CODE, /* u.act.alarm and who: one was typed on a link of theirs */
    FA_EV_RECUSE,    /* u.recuse */
    FA_EV_VERDICT,   /* u.verdict */
    FA_EV_REPLAY,    /* u.note: an operator wants it tried now, also DROP */
    FA_EV_DROP,
    FA_EV_TEST,      /* u.test: tell a person over each of his channels */
    FA_EV_TROUBLE,   /* u.trouble: the daemon's own */
    FA_EV_SILENCE,   /* u.silence */
    FA_EV_UNSILENCE, /* u.unsilence: a person ends one */
    FA_EV_DRILL,     /* u.drill */
    FA_EV_RECONCILE, /* each half minute: what is due is derived anew, not believed */
    FA_EV_SEEN,      /* u.seen: for the weekly digest, now and then */
    FA_EV_GAPS,      /* u.start: a page of what START would write, before it, where there are very
                        many; the reply's count is not 0 while there are more */
    FA_EV__COUNT
};
/* clang-format on */

/* Of FA_EV_CLOCK: up to a minute is drift. Beyond, deadlines are moved and what samples said is
 * forgotten: the host makes rules and windows anew. */
static inline bool fa_clock_is_stepped(fa_time delta)
{
    return delta > FA_MINUTE || delta < -FA_MINUTE;
}

/* The shortest promise: what is shorter is over before anybody has done anything. Whoever asks for
 * an acknowledgement sees to it. */
#define FA_PROMISE_MIN FA_MINUTE

struct fa_filing {
    struct fa_incident_id id; /* derived from the client's key: the same at each retry */
    const char *category, *customer, *text, *since, *reporter;
    const char *called; /* without a reporter: the name that was typed; may be NULL */
    enum fa_known known;
    const char *const *about, *const *struck; /* FA_TARGET_CONDUIT: the customer's */
    size_t about_count, struck_count;
    int level;          /* enum fa_guidance, -1: as the guidance says */
    uint64_t journal_n; /* the number that this step's first journal entry will get */
};

enum fa_verdict_kind { FA_VERDICT_SENT, FA_VERDICT_RETRY, FA_VERDICT_REJECTED, FA_VERDICT_UNKNOWN };

struct fa_event {
    enum fa_event_kind kind;
    struct fa_rng rng; /* seeded by the host for this event */
    uint64_t reply_to; /* comes back in the REPLY action; 0: nobody waits */
    union {
        struct {
            fa_time last_wall; /* of the newest journal entry; a clock before it is not believed */
        } start;
        struct {
            fa_time delta;
        } clock;
        struct {
            const struct fa_setup *setup;
            bool same_rules; /* they were not made anew, and will not say again what holds */
        } reload;
        const struct fa_signal *signal;
        const struct fa_filing *file;
        struct {
            struct fa_incident_id incident;
            const char *text; /* may be NULL */
            bool done;        /* closes "solve" and "help" */
        } reporter;
        struct {
            struct fa_alarm_id alarm;
            const char *who;  /* a person's name; the host has asked fa_may() */
            const char *text; /* may be NULL, but for COMMENT */
            fa_time for_ms;   /* ACK: until the next word; 0: the severity's default */
        } act;
        struct {
            struct fa_alarm_id alarm;
            const char *who;    /* the host has asked fa_may() */
            const char *person; /* whom it is about; NULL: `who` steps out */
        } recuse;
        struct {
            struct fa_notification_id id;
            enum fa_verdict_kind verdict;
            uint32_t status;
            fa_time retry_after; /* -1: not said */
        } verdict;
        struct {
            struct fa_notification_id id;
        } note;
        struct {
            const char *person;
        } test;
        struct {
            const char *policy;
            const char *who; /* an operator's name; the host has asked fa_may() */
            fa_time within;  /* until when somebody must answer; 0: the step's wait */
            bool urgent;     /* also in quiet hours */
        } drill;
        struct {
            const char *code; /* stable, e.g. "store-full" */
            const char *text; /* ids and codes only */
            bool over;
            bool once; /* it happened and has no end: after a person resolved it, it is not
                        * raised again by itself */
        } trouble;
        const struct fa_silence_spec *silence; /* the host has asked fa_may() */
        struct {
            struct fa_silence_id id;
            const char *who;
        } unsilence;
        struct {
            const struct fa_rule_seen *list;
            size_t count;
        } seen;
    } u;
};

enum fa_action_kind { FA_ACT_PUT, FA_ACT_ERASE, FA_ACT_JOURNAL, FA_ACT_SEND, FA_ACT_REPLY };

/* Everything in an action is a copy or belongs to the actions list. */
struct fa_action {
    enum fa_action_kind kind;
    union {
        struct {
            enum fa_row_kind kind;
            bool live;
            fa_time time;
            uint8_t key[16];
            size_t key_len;
            size_t at, len; /* the value: in actions->bytes */
        } row;              /* PUT, ERASE */
        struct {
            enum fa_journal_code code;
            struct fa_alarm_id alarm;
            struct fa_incident_id incident;
            struct fa_notification_id notification;
            struct fa_silence_id silence;
            size_t who_at, who_len; /* a person's name in actions->bytes: the host writes a keyed
                                       hash of it. who_len 0: nobody */
            int64_t number;         /* step, status, delta ...: by code */
        } journal;
        struct fa_notification_id send; /* look it up when durable: it may be settled by then */
        struct {
            uint64_t to;
            int code;     /* 0 or FA_E* */
            bool already; /* a filing whose key was known */
            struct fa_alarm_id alarm;
            struct fa_incident_id incident;
            uint32_t count; /* TEST: notifications made */
            struct fa_silence_id silence;
        } reply;
    } u;
};

struct fa_actions {
    struct fa_action *list;
    size_t count, cap;
    struct fa_buf bytes;
    struct fa_buf row; /* the one that is being encoded */
};
void fa_actions_init(struct fa_actions *actions);
void fa_actions_done(struct fa_actions *actions);
void fa_actions_clear(struct fa_actions *actions);

/* setup is borrowed until a RELOAD replaces it. */
struct fa_engine *fa_engine_new(const struct fa_setup *setup);
void fa_engine_free(struct fa_engine *engine); /* accepts NULL */

/* Before START. FA_ECORRUPT: the row cannot be understood; err says which. */
int fa_engine_load_row(struct fa_engine *engine, enum fa_row_kind kind, struct fa_str key,
                       struct fa_str value, struct fa_err *err) FA_MUST_CHECK;
void fa_engine_step(struct fa_engine *engine, const struct fa_event *event, struct fa_now now,
                    struct fa_actions *actions);
/* Monotonic time of the next TICK; FA_NEVER. */
fa_time fa_engine_next_deadline(const struct fa_engine *engine);
/* Monotonic time of the alarm's deadline; FA_NEVER: it has none. */
fa_time fa_engine_due(const struct fa_engine *engine, const struct fa_alarm *alarm);

/* Reading. */
const struct fa_setup *fa_engine_setup(const struct fa_engine *engine);
const struct fa_alarm *fa_engine_alarm(const struct fa_engine *engine, struct fa_alarm_id id);
const struct fa_alarm *fa_engine_alarm_by_identity(const struct fa_engine *engine,
                                                   const char *identity);
/* It stands for all label sets of its rule beyond the limit of alarms. */
bool fa_is_further(const struct fa_alarm *alarm);
/* source: of a rule over alerts; else NULL. */
typedef void fa_further_fn(void *ctx, const char *rule, const char *labels,
                           const struct fa_source *source);
/* Those label sets. */
void fa_engine_each_further(const struct fa_engine *engine, fa_further_fn *fn, void *ctx);
struct fa_rules;
struct fa_foreign;
/* Tells rules that were made anew what they knew of their active label sets (restore.c). */
void fa_engine_restore_rules(const struct fa_engine *engine, struct fa_rules *rules,
                             struct fa_foreign *foreign, fa_time wall);
const struct fa_incident *fa_engine_incident(const struct fa_engine *engine,
                                             struct fa_incident_id id);
const struct fa_notification *fa_engine_notification(const struct fa_engine *engine,
                                                     struct fa_notification_id id);
/* Is it, or one that it tells of, of an alarm or a filing that somebody is kept out of? */
bool fa_engine_has_subject(const struct fa_engine *engine, const struct fa_notification *n);
const struct fa_silence *fa_engine_silence(const struct fa_engine *engine, struct fa_silence_id id);
/* The silence that hides the alarm; NULL: none does. */
const struct fa_silence *fa_engine_silence_of(const struct fa_engine *engine,
                                              const struct fa_alarm *alarm);
/* Is it of those that may be hidden at all? */
bool fa_engine_may_hide(const struct fa_engine *engine, const struct fa_alarm *alarm);
/* May this person silence what the matchers take? Who is to be told of it, or runs the daemon: of
 * each rule that they take, filings' left out; and there must be one, but for operators. */
bool fa_engine_may_silence(const struct fa_engine *engine, fa_person person,
                           const struct fa_matchers *where);
/* Would it hide the alarm, were it active? alarm may be one of history. */
bool fa_engine_would_hide(const struct fa_engine *engine, const struct fa_silence_spec *spec,
                          const struct fa_alarm *alarm);
/* What could come of it, from the least: what rules there are and what stands open says it. */
enum fa_hides {
    FA_HIDES_NO_RULE, /* no rule raises what the matchers take */
    FA_HIDES_NEVER,   /* all that they take may not be hidden */
    FA_HIDES_WORSE,   /* all that may be is worse than it covers */
    FA_HIDES,
};
enum fa_hides fa_engine_could_hide(const struct fa_engine *engine,
                                   const struct fa_silence_spec *spec);
/* May it still leave? A reload may have brought its addressee or a reader of its channel too near
 * while it waited for the courier. If not, a verdict UNKNOWN lets the escalation go on without it.
 */
bool fa_engine_may_send(const struct fa_engine *engine, const struct fa_notification *notification);
typedef void fa_alarm_fn(void *ctx, const struct fa_alarm *alarm);
typedef void fa_incident_fn(void *ctx, const struct fa_incident *incident);
typedef void fa_notification_fn(void *ctx, const struct fa_notification *notification);
void fa_engine_each_alarm(const struct fa_engine *engine, fa_alarm_fn *fn, void *ctx);
void fa_engine_each_incident(const struct fa_engine *engine, fa_incident_fn *fn, void *ctx);
void fa_engine_each_notification(const struct fa_engine *engine, fa_notification_fn *fn, void *ctx);
/* The lines of a digest that may leave now, in their order; none of any other notification. */
void fa_engine_each_line(const struct fa_engine *engine, const struct fa_notification *digest,
                         fa_notification_fn *fn, void *ctx);
typedef void fa_silence_fn(void *ctx, const struct fa_silence *silence);
void fa_engine_each_silence(const struct fa_engine *engine, fa_silence_fn *fn, void *ctx);
struct fa_inhibition;
typedef void fa_inhibitor_fn(void *ctx, const struct fa_alarm *alarm,
                             const struct fa_inhibition *by);
/* Those that hide the alarm now, by the inhibition that says so, each one's together; and those
 * that it hides; one may come more than once. */
void fa_engine_each_inhibitor(const struct fa_alarm *alarm, fa_inhibitor_fn *fn, void *ctx);
void fa_engine_each_inhibited(const struct fa_alarm *alarm, fa_alarm_fn *fn, void *ctx);

/* An alarm or incident as it stands in a stored row, for history. The caller frees it. */
int fa_engine_read_alarm(struct fa_engine *engine, struct fa_str value,
                         struct fa_alarm **ret_alarm) FA_MUST_CHECK;
int fa_engine_read_incident(struct fa_engine *engine, struct fa_str value,
                            struct fa_incident **ret_incident) FA_MUST_CHECK;
void fa_alarm_free(struct fa_alarm *alarm);
void fa_incident_free(struct fa_incident *incident);

/* Counts for /metrics. Alarms and filings with a subject are in none of them. */
struct fa_engine_stats {
    uint32_t alarms[FA_ALARM__COUNT];
    uint32_t filings_open, outbox;
    uint32_t silences, shelved, suppressed;   /* active ones; alarms that they, and alarms, hide */
    uint64_t notifications[FA_NOTICE__COUNT]; /* settled since start, by state; no digests */
    uint64_t digests, spared;                 /* of several lines that count; told in none */
    uint64_t steps;                           /* calls of fa_engine_step */
};
/* Counts anew what was loaded, as the first step does: for an engine that makes none. */
void fa_engine_count(struct fa_engine *engine);
/* Costs the same however many there are. */
void fa_engine_stats(const struct fa_engine *engine, struct fa_engine_stats *ret_stats);

/* clang-format off */
enum fa_drill_state {
    FA_DRILL_RUNNING,
    FA_DRILL_PASSED, /* somebody answered */
    FA_DRILL_FAILED, /* nobody did, in time: there is an alarm about it */
    FA_DRILL__COUNT
};
/* clang-format on */
const char *fa_drill_state_name(enum fa_drill_state state);
/* The last drill of a policy. Its texts live as long as the engine. */
struct fa_drill {
    const char *policy, *by;     /* by: who began it */
    const char *who;             /* answered it; NULL: nobody */
    struct fa_alarm_id alarm;    /* that it is; in history once it is over */
    fa_time began, until, ended; /* wall; ended 0: it runs */
    bool urgent;
    enum fa_drill_state state;
};
/* NULL: there was none. */
const struct fa_drill *fa_engine_drill(const struct fa_engine *engine, const char *policy);
typedef void fa_drill_fn(void *ctx, const struct fa_drill *drill);
void fa_engine_each_drill(const struct fa_engine *engine, fa_drill_fn *fn, void *ctx);

/* Whom a drill would tell first. */
struct fa_drill_target {
    fa_person person;
    const char *channel; /* NULL: no channel can carry it */
    fa_time quiet;       /* wall: until when they are not to be disturbed; 0: they may be */
};
struct fa_drill_plan {
    fa_time at;
    uint32_t step;  /* from 0: the first that means anybody */
    fa_time within; /* its wait */
    fa_time opens;  /* when it is told at all; `at`: now */
    struct fa_drill_target *targets;
    size_t count;
};
/* FA_ENOTFOUND: no such policy; FA_EINVAL: none of its steps means anybody. Done in any case. */
int fa_engine_plan_drill(const struct fa_engine *engine, const char *policy, fa_time at,
                         struct fa_drill_plan *ret_plan) FA_MUST_CHECK;
void fa_drill_plan_done(struct fa_drill_plan *plan);
/* Until when somebody would be disturbed, or the step is told to nobody; 0: it can be now. */
fa_time fa_drill_plan_quiet(const struct fa_drill_plan *plan);

/* What fa_may() says of the alarms that the rule would raise at that moment (wall). */
bool fa_engine_may_rule(const struct fa_engine *engine, fa_person person, enum fa_verb verb,
                        const struct fa_rule *rule, fa_time at);

/* Is the person kept out of the alarm of that identity, or of the next one when there is none? */
bool fa_engine_is_kept_out(const struct fa_engine *engine, fa_person person, const char *identity);

/* What fa_may() needs of an alarm. The sets belong to the access. */
struct fa_access {
    struct fa_pset conflicted, struck, targets;
    struct fa_object object;
};
void fa_access_init(struct fa_access *access, const struct fa_engine *engine,
                    const struct fa_alarm *alarm);
/* The same without targets and reporter, for rows of the queue. */
void fa_access_init_queue(struct fa_access *access, const struct fa_engine *engine,
                          const struct fa_notification *notification);
void fa_access_done(struct fa_access *access);

/* One step of the alarm's policy, as it is now. */
struct fa_rung {
    fa_time wait;
    enum fa_measure measure; /* of wait */
    const char *during;      /* a calendar's name; NULL: always */
    struct fa_pset people;   /* whom it means now, without those whom the alarm keeps out */
    bool independent;        /* a conflict leaves nobody: the independent contacts stand in */
};
/* False: the policy has no such step (it counts from 0). */
bool fa_rung_init(struct fa_rung *rung, const struct fa_engine *engine,
                  const struct fa_alarm *alarm, uint32_t step);
void fa_rung_done(struct fa_rung *rung);

/* Who would be told of a filing, in the order of the steps. Nothing changes. */
struct fa_preview_line {
    fa_person person;
    fa_time when; /* after filing */
};
struct fa_preview {
    enum fa_guidance level, guidance;
    const char *hint; /* borrowed from the setup; may be NULL */
    fa_time due;      /* 0: none */
    enum fa_measure due_measure;
    bool independent; /* a conflict emptied a step */
    bool nobody;      /* somebody is to be told now, and no channel may carry it to anybody */
    struct fa_preview_line *lines; /* owned: fa_preview_done() */
    size_t line_count;
};
/* FA_ENOTFOUND: no such category; FA_EINVAL: a level below what the guidance demands. */
int fa_engine_preview(const struct fa_engine *engine, const struct fa_filing *filing, fa_time wall,
                      struct fa_preview *ret_preview) FA_MUST_CHECK;
void fa_preview_done(struct fa_preview *preview);

#endif
