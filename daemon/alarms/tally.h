/* SPDX-License-Identifier: MIT */
/* What the engine counts for the weekly digest: of each person who was told something, and of each
 * rule. Kept by the hour, so that each reader's week is counted exactly wherever they live, and a
 * message that is sent again says the same numbers. Nothing is counted while no digest is
 * configured. */
#ifndef FA_ALARMS_TALLY_H
#define FA_ALARMS_TALLY_H

#include "alarms/alarm.h"

#include <uthash.h>

/* Hours are kept for one week and the time that a message may wait to be sent. */
#define FA_TALLY_KEPT  (15 * FA_DAY)
#define FA_TALLY_HOURS 512 /* at most */

enum fa_tally_kind { FA_TALLY_PERSON = 'p', FA_TALLY_RULE = 'r' };

/* What an hour counts. */
/* clang-format off */
enum fa_tally_count {
    FA_TALLY_GOT = 0,    /* of a person: messages that arrived where people read */
    FA_TALLY_FAILED,     /* messages that arrived nowhere */
    FA_TALLY_KEPT_WORD,
    FA_TALLY_MISSED_WORD,
    FA_TALLY_RAISED = 0, /* of a rule: alarms */
    FA_TALLY_BRIEF,      /* its `for` began and did not complete */
    FA_TALLY_NEAR,       /* its number came near to the threshold */
    FA_TALLY__COUNT = 4
};
/* clang-format on */

struct fa_tally_hour {
    int64_t hour;                     /* since 1970 */
    uint16_t counts[FA_TALLY__COUNT]; /* stays at the most */
    uint16_t peak;                    /* of a rule: how near, in thousandths of the threshold */
};

struct fa_tally {
    const char *key; /* (interned) the kind's letter, ':' and the name */
    fa_time since;   /* wall: counted since */
    fa_time last;    /* wall: of a person: something arrived; of a rule: it raised; 0: never */
    fa_time told;    /* wall: of a reader: up to when digests were told */
    fa_time fed;     /* wall: of a rule: its newest sample; 0: none known */
    fa_time gap;     /* of a rule: the longest time between two of them */
    fa_time fed_row; /* fed, as its row says */
    bool looked;     /* fed is of this run of the daemon, not of the row */
    bool dirty;
    struct fa_tally_hour *hours; /* owned, in their order */
    size_t count, cap;
    struct fa_tally *next_dirty;
    UT_hash_handle hh;
};

struct fa_engine;

/* NULL: there is none. */
struct fa_tally *fa_tally_find(const struct fa_engine *engine, enum fa_tally_kind kind,
                               const char *name);
/* Made when there is none. */
struct fa_tally *fa_tally_take(struct fa_engine *engine, enum fa_tally_kind kind, const char *name);
void fa_tally_touch(struct fa_engine *engine, struct fa_tally *tally);
void fa_tally_add(struct fa_engine *engine, enum fa_tally_kind kind, const char *name,
                  enum fa_tally_count which, uint32_t count);
/* Of from <= hour < until. tally may be NULL. */
uint32_t fa_tally_sum(const struct fa_tally *tally, enum fa_tally_count which, int64_t from,
                      int64_t until);
uint32_t fa_tally_peak(const struct fa_tally *tally, int64_t from, int64_t until);
static inline const char *fa_tally_name(const struct fa_tally *tally)
{
    return tally->key + 2;
}

/* What outbox.c and state.c tell of. Nothing of what is kept from anybody is counted. */
void fa_tally_sent(struct fa_engine *engine, const struct fa_notification *n);
void fa_tally_digest_sent(struct fa_engine *engine, const struct fa_notification *digest);
void fa_tally_failed(struct fa_engine *engine, const struct fa_notification *n);
void fa_tally_alarm(struct fa_engine *engine, const struct fa_alarm *alarm,
                    enum fa_tally_count which, const char *who);
/* What rules read came, or is still missing. */
void fa_tally_seen(struct fa_engine *engine, const struct fa_rule_seen *list, size_t count);
/* It is kept from somebody from now on: what was counted of it is taken back. */
void fa_tally_forget(struct fa_engine *engine, const struct fa_alarm *alarm);

int fa_tally_load(struct fa_engine *engine, struct fa_str value);
/* After loading and after a reload: rules that are new are known from now on, who and what is gone
 * is forgotten. */
void fa_tally_review(struct fa_engine *engine);
void fa_tally_flush(struct fa_engine *engine, struct fa_buf *buf);
void fa_tallies_done(struct fa_engine *engine);

#endif
