/* SPDX-License-Identifier: MIT */
/* What keeps alarms quiet by intent: silences that people set, maintenance windows (silences that
 * the configuration sets), and inhibition (an alarm that another one explains).
 *
 * A hidden alarm is raised, keeps evidence and journal, can be owned and closed, and tells nobody
 * of its own accord: its climb stands still. When nothing hides it any more it is told at once,
 * from the step where it was, or from the first if it had told nobody.
 *
 * Never hidden: what people filed, what has a subject, categories with `unsilenceable`, the
 * daemon's own troubles, and the one alarm that stands for a rule's series beyond the limit of open
 * alarms: its labels are none of theirs. */
#ifndef FA_ALARMS_SILENCE_H
#define FA_ALARMS_SILENCE_H

#include "alarms/matcher.h"
#include "base/id.h"
#include "people/directory.h"

#define FA_SILENCES_MAX        1000
#define FA_SILENCE_REASON_MAX  500 /* bytes */
#define FA_SILENCE_LONGEST     (30 * FA_DAY)
#define FA_SILENCE_NOTICES_MAX 100 /* people whom one silence tells of itself */
#define FA_INHIBITIONS_MAX     64
#define FA_INHIBIT_EQUAL_MAX   8
#define FA_MAINTENANCE_SLOTS   16
#define FA_MINUTES_OF_WEEK     (7 * 24 * 60)

struct fa_silence_id {
    struct fa_id id;
};

/* clang-format off */
#define FA_SILENCE_STATES(X)                                                                       \
    X(WAITING, "waiting") /* for its beginning */                                                  \
    X(ACTIVE, "active")                                                                            \
    X(OVER, "over")       /* kept while its notices are under way, or its window lasts */
/* clang-format on */

enum fa_silence_state {
#define X(name, text) FA_SILENCE_##name,
    FA_SILENCE_STATES(X)
#undef X
        FA_SILENCE__COUNT
};
const char *fa_silence_state_name(enum fa_silence_state state);

struct fa_silence {
    struct fa_silence_id id;
    struct fa_silence *after, *before; /* of all, in the order they came */
    enum fa_silence_state state;
    struct fa_matchers where;
    const char *upto;   /* (interned) the worst severity that it hides; NULL: any */
    const char *owner;  /* (interned) a person's name */
    const char *window; /* (interned) of the configuration; NULL: a person set it */
    const char *ended;  /* (interned) who ended it before its time; NULL: nobody */
    char *reason;       /* owned */
    fa_time begin, end; /* wall */
    const char **told;  /* owned list of (interned) people who had a notice of it */
    size_t told_count, told_cap;
    uint32_t notices; /* notifications about it that are not settled */
    bool dirty;       /* the engine's */
    struct fa_silence *next_dirty;
};

/* What a person asks for; texts are copied. */
struct fa_silence_spec {
    struct fa_silence_id id; /* zero: any; else one that none has */
    const struct fa_matchers *where;
    const char *owner, *reason;
    const char *upto;   /* may be NULL */
    fa_time begin, end; /* wall; begin in the past: now */
};

/* One stretch of each week, in minutes since Monday 00:00; from > until goes over the week's end.
 */
struct fa_week_slot {
    uint32_t from, until;
};

/* A silence that the configuration sets again and again. */
struct fa_maintenance {
    char *name, *reason, *owner;
    struct fa_matchers where;
    char *calendar; /* silent while it is open; NULL: weekly */
    char *zone;     /* of weekly; NULL: UTC */
    struct fa_week_slot *weekly;
    size_t weekly_count;
};
void fa_maintenance_done(struct fa_maintenance *window);
/* Appends "sun 02:00-04:00", "mon-fri 22:00-02:00" or "daily 03:00-03:30": a slot for each day.
 * FA_EPARSE, FA_EFULL. */
int fa_maintenance_add_weekly(struct fa_maintenance *window, struct fa_str text,
                              struct fa_err *err) FA_MUST_CHECK;
/* Is it silent at that moment? *ret_change: the next moment at which that is to be asked again. */
bool fa_maintenance_has(const struct fa_maintenance *window, const struct fa_directory *dir,
                        fa_time at, fa_time *ret_change);

/* While an alarm that `when` takes fires, those that `hide` takes are hidden, where the labels
 * `equal` have the same values. */
struct fa_inhibition {
    char *reason, *owner;
    struct fa_matchers when, hide;
    char **equal;
    size_t equal_count;
};
void fa_inhibition_done(struct fa_inhibition *inhibition);
/* FA_ECONFLICT: what one of them hides may be what another (or it itself) rests on, in a circle;
 * *ret_at is one of these. */
int fa_inhibitions_check(const struct fa_inhibition *list, size_t count, size_t *ret_at,
                         struct fa_err *err) FA_MUST_CHECK;

#endif
