/* SPDX-License-Identifier: MIT */
/* What the engine's files share about hidden alarms. Whether an alarm is hidden is derived, never
 * counted up: fa_hiding_review() asks anew, whoever calls it and however often. */
#ifndef FA_ALARMS_HIDING_H
#define FA_ALARMS_HIDING_H

#include "alarms/alarm.h"
#include "alarms/intern.h"
#include "alarms/silence.h"

struct fa_engine;
struct fa_inhibit_link;
struct fa_inhibit_group;

/* Of an alarm that is hidden, or that an inhibition knows. */
struct fa_hiding {
    struct fa_silence_id silence; /* zero: none */
    fa_time since;                /* wall: hidden since; 0: it is not */
    fa_time lifted;               /* wall: heard again since; 0: it was never hidden */
    fa_time left;                 /* of its step's wait when it was hidden; 0: all of it */
    fa_time news;                 /* wall: since when its step was told, for what explains it ended;
                                     0: it was not, or those told do not know how it stands */
    struct fa_inhibit_link *links; /* owned */
};

/* Part of the engine. */
struct fa_hiders {
    struct fa_book silences;
    struct fa_silence *dirty;
    fa_time due; /* mono: when a silence or window begins or ends; FA_NEVER */
    struct fa_inhibit_group *groups;
};

#define FA_FLAGS_HIDDEN (FA_FLAG_SHELVED | FA_FLAG_SUPPRESSED)

static inline bool fa_is_hidden(const struct fa_alarm *alarm)
{
    return (alarm->flags & FA_FLAGS_HIDDEN) != 0;
}

/* hiding.c */
/* Is it of those that hide others or may be hidden, unsilenceable categories aside? */
bool fa_hiding_takes_part(const struct fa_alarm *alarm);
/* It was raised and has told nobody yet. */
void fa_hiding_raise(struct fa_engine *engine, struct fa_alarm *alarm);
/* Its state may have changed. */
void fa_hiding_follow(struct fa_engine *engine, struct fa_alarm *alarm);
/* Is it hidden now? Stops its climb or lets it go on. */
void fa_hiding_review(struct fa_engine *engine, struct fa_alarm *alarm);
void fa_hiding_review_all(struct fa_engine *engine);
/* When all is loaded; after a reload. */
void fa_hiding_start(struct fa_engine *engine);
void fa_hiding_reload(struct fa_engine *engine);
/* Its deadline has passed while it is hidden. */
void fa_hiding_due(struct fa_engine *engine, struct fa_alarm *alarm);
void fa_hiding_encode(const struct fa_alarm *alarm, struct fa_buf *buf, uint32_t tag);
void fa_hiding_decode(struct fa_alarm *alarm, struct fa_str bytes);
void fa_hiding_free(struct fa_hiding *hiding); /* accepts NULL */
void fa_hiding_shift(struct fa_alarm *alarm, fa_time shift);
/* It is worse than ever. */
void fa_hiding_worse(struct fa_alarm *alarm);
/* Wall: who was told since then, was told in the step that it is on. */
fa_time fa_hiding_told_since(const struct fa_alarm *alarm);
/* How long the step waits that the alarm is on: no longer than was left of it. */
fa_time fa_hiding_wait(const struct fa_alarm *alarm, fa_time wait);
/* It stops for a while: the step that it is on waits no longer than is left of it, then. */
void fa_hiding_keep_left(const struct fa_engine *engine, struct fa_alarm *alarm);
/* Another step begins: it waits all its time. */
void fa_hiding_new_step(struct fa_alarm *alarm);
/* Of an alarm without one: makes it. */
struct fa_hiding *fa_hiding_of(struct fa_alarm *alarm);

/* silence.c */
/* The alarm, for matchers; fa_matched_done(). */
struct fa_matched fa_hiding_matched(const struct fa_alarm *alarm);
int fa_silence_set(struct fa_engine *engine, const struct fa_silence_spec *spec,
                   struct fa_silence_id *ret_id);
/* FA_ENOTFOUND; FA_ECONFLICT: it is over. */
int fa_silence_end(struct fa_engine *engine, struct fa_silence_id id, const char *who);
/* Begins and ends what is due, windows too, and looks when the next is. */
void fa_silences_due(struct fa_engine *engine);
void fa_silences_shift(struct fa_engine *engine, fa_time shift);
/* The active one that takes the alarm; NULL. */
struct fa_silence *fa_silence_for(const struct fa_engine *engine, const struct fa_alarm *alarm);
/* Tells those who must know that it hides this one, each once for each silence. */
void fa_silence_hides(struct fa_engine *engine, struct fa_silence *silence,
                      const struct fa_alarm *alarm);
int fa_silence_load(struct fa_engine *engine, struct fa_str value);
/* A notification about a silence is new, was loaded (by 1) or is settled (by -1). */
void fa_silence_notice(struct fa_engine *engine, const struct fa_notification *n, int by);
/* The end of a step, after all that may settle notices. */
void fa_silences_flush(struct fa_engine *engine, struct fa_buf *buf);
void fa_silences_free(struct fa_engine *engine);
void fa_silence_encode(const struct fa_silence *silence, struct fa_buf *buf);
int fa_silence_decode(struct fa_str bytes, struct fa_interned **texts,
                      struct fa_silence **ret_silence);
void fa_silence_free(struct fa_silence *silence);

/* inhibit.c */
/* Appends the values of its `equal` labels: the same for alarms that concern each other. */
void fa_inhibit_key(const struct fa_inhibition *inhibition, struct fa_matched *matched,
                    struct fa_buf *buf);
void fa_inhibit_link(struct fa_engine *engine, struct fa_alarm *alarm);
void fa_inhibit_unlink(struct fa_engine *engine, struct fa_alarm *alarm);
/* What it hides is looked at again when it began or ceased to hide. */
void fa_inhibit_follow(struct fa_engine *engine, struct fa_alarm *alarm);
bool fa_is_inhibited(const struct fa_alarm *alarm);
void fa_inhibit_free_links(struct fa_inhibit_link *links);
void fa_inhibit_free_groups(struct fa_engine *engine);

#endif
