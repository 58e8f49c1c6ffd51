/* SPDX-License-Identifier: MIT */
/* What the engine knows, for reading: alarms, incidents, notifications. Owned by the engine,
 * borrowed by others until the next fa_engine_step(). Texts marked (interned) live as long as the
 * engine. */
#ifndef FA_ALARMS_ALARM_H
#define FA_ALARMS_ALARM_H

#include "alarms/book.h"
#include "alarms/policy.h"
#include "base/heap.h"
#include "base/id.h"
#include "rules/signal.h"

/* After ISA-18.2. */
#define FA_ALARM_STATES(X)                                                                         \
    X(PENDING, "pending")        /* the condition holds, `for` is running */                       \
    X(UNACKED, "unacknowledged") /* climbing */                                                    \
    X(ACKED, "acknowledged")     /* owned until the promised time */                               \
    X(RETURNED, "returned")      /* the data say it is over, nobody owned it */                    \
    X(RESOLVED, "resolved")      /* closed; stays while its series still fires */

enum fa_alarm_state {
#define X(name, text) FA_ALARM_##name,
    FA_ALARM_STATES(X)
#undef X
        FA_ALARM__COUNT
};
const char *fa_alarm_state_name(enum fa_alarm_state state);

#define FA_FLAG_LATCHED    1u    /* only a person closes it */
#define FA_FLAG_UNKNOWN    2u    /* its data are missing; it climbs on */
#define FA_FLAG_ORPHANED   4u    /* its rule is no longer configured; it climbs on */
#define FA_FLAG_SHADOW     8u    /* recorded, tells nobody */
#define FA_FLAG_EMPTIED    16u   /* a conflict emptied a step: the independent contact has it */
#define FA_FLAG_FILED      32u   /* raised from what people filed */
#define FA_FLAG_OVERDUE    64u   /* a promise about it was missed */
#define FA_FLAG_TROUBLE    128u  /* the daemon's own */
#define FA_FLAG_SHELVED    256u  /* a silence hides it */
#define FA_FLAG_SUPPRESSED 512u  /* an alarm that explains it hides it */
#define FA_FLAG_PUT_OFF    1024u /* its step is told once more, when hours or room allow */
#define FA_FLAG_FLAPPING   2048u /* it comes and goes: a brief calm is not told, see flap.c */
#define FA_FLAG_OVER       8192u /* the last that its data said, before they were missing maybe */
#define FA_FLAG_DRILL      (1u << 20) /* a test of who answers (drill.c); TROUBLE is set, too */

/* An elapsed deadline: `length` after `armed`, moved along when the wall clock steps. */
struct fa_deadline {
    fa_time armed;            /* wall */
    fa_time length;           /* FA_NEVER: none */
    struct fa_heap_node node; /* there monotonic */
};

/* What an alarm's deadline runs by. The last two are moments of a calendar, and reckoned anew when
 * the clock steps or the calendar is another. */
/* clang-format off */
enum fa_alarm_clock {
    FA_CLOCK_ELAPSED,
    FA_CLOCK_OPEN_TIME, /* the wait of the step that was told last, in open time alone; while it
                           is pending, what is left of its for */
    FA_CLOCK_OPENING,   /* the next step is told when its calendar opens */
    FA_CLOCK__COUNT
};
/* clang-format on */

/* Who over which channel; either may be NULL. (interned, as its texts) */
struct fa_reach {
    const char *person, *channel;
};

struct fa_told {
    const struct fa_reach *to; /* whom, and over which channel first */
    fa_time when;              /* wall: the latest */
    fa_time spared; /* wall: when a reminder was left out, for they know of it; 0: none */
};

/* An alarm's diary: what the journal says of it in codes, here with names, for whoever may read the
 * alarm. The first FA_DIARY_FIRST moments and the newest are kept, FA_DIARY_MAX in all. */
#define FA_DIARY_FIRST 16
#define FA_DIARY_MAX   64

/* What the journal has no code for. */
enum fa_moment_code {
    FA_M_LEFT_OUT = 128, /* number: people whom the step names and the circle keeps out */
    FA_M_MUTE,           /* number: people whom no channel could carry it to; person: of one alone,
                            never of a filing */
    FA_M_LOST,           /* the courier ended with it: the outcome of this attempt is unknown */
    FA_M_FULL,           /* the outbox had no room for the step */
};

struct fa_moment {
    fa_time when;        /* wall */
    const char *person;  /* (interned) who did it, or was to be told; NULL: nobody */
    const char *channel; /* (interned) NULL: it is no delivery */
    int64_t number;      /* as the journal's: step, status, length ... by code */
    uint32_t times;      /* > 1: the same again and again; `when` and `attempt` are the newest's */
    uint16_t attempt;    /* of a delivery */
    uint8_t code;        /* enum fa_journal_code or fa_moment_code */
    uint8_t kind;        /* of a delivery: enum fa_notification_kind */
};

struct fa_comment {
    char *who; /* NULL: the reporter */
    char *text;
    fa_time when;
};

struct fa_notification;

/* Wrong codes typed on links to the alarm, by the links' owners. */
#define FA_GUESSES_MAX 5
struct fa_guess {
    const char *person; /* (interned) */
    uint32_t wrong;
};
struct fa_guesses {
    size_t count;
    struct fa_guess items[];
};

/* What all alarms of a rule have in common: one for all of them, and never changed. (interned) */
struct fa_alarm_texts {
    const char *rule, *category, *severity, *policy, *policy_hash, *summary, *expect;
    fa_time for_ms; /* the rule's */
};

/* What people bring: of most alarms of a storm there is none of it. */
struct fa_alarm_people {
    char *owner;      /* a person's name; NULL: nobody */
    fa_time promised; /* wall: the owner's next word */
    fa_time owned;    /* wall: when somebody first owned it; 0: nobody did */
    struct fa_incident_id *incidents;
    size_t incident_count, incident_cap;
    /* Targets it is about, with all whom they meant when it was filed; people whom the reporters
     * struck. */
    char **about, **struck;
    size_t about_count, struck_count;
    struct fa_guesses *guesses; /* NULL: nobody mistyped a code */
    struct fa_comment *comments;
    size_t comment_count, comment_cap;
};

/* There are a hundred thousand in a storm: what is small lies together, so that no room is lost. */
struct fa_alarm {
    struct fa_alarm_id id;
    bool climbing;                   /* step has been told at least once */
    bool dirty, named;               /* the engine's */
    uint8_t counted;                 /* as which state + 1 in the engine's counts; 0: in none */
    uint8_t clock;                   /* enum fa_alarm_clock: what the deadline runs by */
    uint8_t for_measure;             /* enum fa_measure: of for_ms and held */
    struct fa_alarm *after, *before; /* of all, in the order they came */
    uint32_t name_hash;
    enum fa_alarm_state state : 8;
    enum fa_level level : 8; /* of the series, as last signalled */
    uint8_t moment_count;
    uint8_t wanted; /* bits of enum fa_evidence_cause: evidence of the step under way */
    char *identity; /* rule and labels (or the filing), what makes it the same alarm; behind it, in
                       its memory, its labels */
    const struct fa_alarm_texts *texts;
    const struct fa_alarm_people *people; /* fa_alarm_people() changes it; never NULL */
    double value;                         /* NaN: none */
    double worst;                         /* of all values since it was raised; NaN: none */
    fa_time since;                        /* wall: when what it is about began */
    fa_time raised;                       /* wall: when the alarm began (or its `for`) */
    fa_time changed;                      /* wall: of its state */
    fa_time held; /* how much of `for` had passed when the data went missing, or before it was an
                     alarm (further.c) */
    uint32_t flags;
    uint32_t step;       /* 0-based step that was told last */
    uint32_t loop;       /* how often the last step was repeated */
    uint32_t told_count; /* room is a power of two */
    struct fa_deadline deadline;
    fa_time first_told;       /* wall: when somebody first heard; 0: see fa_alarm_first_told() */
    struct fa_source *source; /* owned, one allocation; NULL: not of a rule over alerts */
    struct fa_told *told;
    uint8_t *diary; /* packed: fa_diary_read() */
    uint32_t moments_lost;
    uint32_t evidence; /* rows of it that were written, but the first and the worst */
    struct fa_notification *notifications; /* unsettled ones, a list */
    struct fa_hiding *hiding; /* owned; NULL: it is not hidden, and no inhibition knows it */
    struct fa_flaps *flaps;   /* owned; NULL: its data never cleared */
};

/* Its labels, canonical, "" for none. */
const char *fa_alarm_labels(const struct fa_alarm *alarm);
/* Do the rules go on from its level after a start or reload? Not where it was over before its data
 * were missing: "unknown" says to them that it had fired. */
bool fa_alarm_keeps_level(const struct fa_alarm *alarm);

/* Its diary, oldest first; returns how many moments there are. */
uint32_t fa_diary_read(const struct fa_alarm *alarm, struct fa_moment ret_list[FA_DIARY_MAX]);
/* Wall: when somebody was told of it for the first time; 0: nobody was. In a row of before this was
 * kept it is as near as the row still knows. */
fa_time fa_alarm_first_told(const struct fa_alarm *alarm);
/* A copy in one allocation; NULL of NULL. */
struct fa_source *fa_source_copy(const struct fa_source *source);
/* How many wrong codes may still be typed on this person's links; 0: they are locked. */
uint32_t fa_alarm_guesses_left(const struct fa_alarm *alarm, const char *person);
/* How often its data came and went in the last hour, to five minutes; 0: it is not flapping. */
uint32_t fa_alarm_flaps(const struct fa_alarm *alarm, fa_time wall);
/* One about nothing yet, with no deadline and no value. fa_alarm_free(). */
struct fa_alarm *fa_alarm_new(void);
/* What people brought, to be changed. */
struct fa_alarm_people *fa_alarm_people(struct fa_alarm *alarm);
/* Where they brought nothing. */
extern const struct fa_alarm_people fa_alarm_nobody;
/* Sets identity and labels, once. */
void fa_alarm_name(struct fa_alarm *alarm, struct fa_str identity, struct fa_str labels);

enum fa_incident_state { FA_INCIDENT_OPEN, FA_INCIDENT_RAISED, FA_INCIDENT_CLOSED };
enum fa_known { FA_KNOWN_SEEN, FA_KNOWN_TOLD, FA_KNOWN_HEARD, FA_KNOWN__COUNT };

struct fa_incident {
    struct fa_incident_id id;
    struct fa_incident *after, *before; /* of all, in the order they came */
    const char *category;               /* (interned) */
    char *customer, *text, *since;      /* since: as the reporter wrote it; NULL where not given */
    enum fa_known known;
    char *reporter; /* "person:NAME" or "uid:N"; NULL: not proved */
    char *called;   /* the name that an unproved reporter typed; it proves nothing */
    char **about, **struck;
    size_t about_count, struck_count;
    enum fa_guidance level;
    enum fa_incident_state state;
    fa_time filed, closed;  /* wall */
    uint64_t journal_n;     /* of its filing; part of the receipt */
    struct fa_deadline due; /* "solve" and "help": then it is raised */
    fa_time due_in;         /* of business time: how much of it; else 0 */
    uint8_t due_measure;    /* enum fa_measure */
    struct fa_alarm_id *alarms;
    size_t alarm_count, alarm_cap;
    char **raised_by; /* rules over filings and numbers that have raised it: each does so once */
    size_t raised_by_count;
    struct fa_comment *comments;
    size_t comment_count, comment_cap;
    /* What came of alarms that are closed, for the reporter; none of it says who. */
    uint32_t told;             /* people */
    fa_time told_first, owned; /* wall; 0: never */
    uint32_t kept, missed;     /* words that were promised about it */
    bool dirty, counted;       /* the engine's */
};

/* clang-format off */
enum fa_notification_kind {
    FA_NOTE_ALARM,
    FA_NOTE_REMINDER,
    FA_NOTE_HELP,         /* somebody asks for help with a filing */
    FA_NOTE_ACKNOWLEDGED,
    FA_NOTE_OVERDUE,
    FA_NOTE_RETURNED,
    FA_NOTE_RESOLVED,
    FA_NOTE_UNOWNED,      /* it went away and nobody had owned it */
    FA_NOTE_TEST,
    FA_NOTE_SILENCED,     /* a silence began */
    FA_NOTE_SILENCE_OVER,
    FA_NOTE_DIGEST,       /* several of the others in one message: its lines */
    FA_NOTE_WEEKLY,       /* the weekly digest */
    FA_NOTE__COUNT
};
/* clang-format on */
const char *fa_notification_kind_name(enum fa_notification_kind kind);

/* clang-format off */
enum fa_notification_state {
    FA_NOTICE_QUEUED,  /* to be sent, or with the courier */
    FA_NOTICE_WAITING, /* failed, tried again soon */
    FA_NOTICE_SLOW,    /* the escalation moved on; still tried while the alarm is unowned */
    FA_NOTICE_SENT,
    FA_NOTICE_DEAD,    /* rejected and the alarm is owned or closed; can be replayed */
    FA_NOTICE_DROPPED,
    FA_NOTICE_HELD,    /* not tried yet: its addressee's quiet hours are not over */
    FA_NOTICE__COUNT
};
/* clang-format on */
const char *fa_notification_state_name(enum fa_notification_state state);

struct fa_notification {
    struct fa_notification_id id; /* also the idempotency key */
    bool moved_on;                /* the escalation does not count on it any more */
    bool with_courier;            /* a SEND was asked for and has no verdict yet */
    bool of_series; /* of an alarm that no person filed: counts for the outbox's limit */
    bool instead;   /* takes the place of a digest's line that failed */
    bool dirty;     /* the engine's */
    bool hidden;    /* in no count, see fa_notification_is_hidden() */
    struct fa_notification *after, *before; /* of all, in the order they came */
    struct fa_alarm_id alarm;               /* zero for a test, for help, of a silence */
    struct fa_incident_id incident;         /* of a call for help */
    struct fa_silence_id silence;           /* of its beginning and end */
    enum fa_notification_kind kind : 8;
    enum fa_notification_state state : 7;
    bool counted : 1;                       /* the engine's */
    const char *person, *channel, *address; /* (interned); address may be NULL */
    uint32_t attempts, step, loop;
    uint32_t contact; /* index into the person's contacts */
    uint32_t status;  /* of the last answer: HTTP or SMTP code, 0: none */
    uint32_t flaps;   /* of its alarm when it was written, see fa_alarm_flaps() */
    double value;     /* of the series when it was written: a retry says the same */
    fa_time created;  /* wall */
    fa_time failing;  /* wall: of the first failure or first try without an answer; 0: none */
    struct fa_deadline deadline;
    struct fa_notification *next, *prev; /* of the same alarm */
    struct fa_alarm *owner_alarm;
    struct fa_place *place; /* held back, or a line of a digest; NULL: it leaves by itself */
    struct fa_pack *lines;  /* of a digest */
};

#endif
