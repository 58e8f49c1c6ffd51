/* SPDX-License-Identifier: MIT */
/* What the files of the engine share: its state and the verbs that one file does for another. */
#ifndef FA_ALARMS_INTERNAL_H
#define FA_ALARMS_INTERNAL_H

#include "alarms/engine.h"
#include "alarms/hiding.h"
#include "alarms/intern.h"
#include "base/panic.h"
#include "rules/incident.h"

#define uthash_fatal(msg) fa_panic(__FILE__, __LINE__, msg)
#include <uthash.h>

#include "alarms/tally.h"

#define FA_ROW_BYTES_MAX ((size_t)512 * 1024)
/* A dead letter can be replayed so long, then it goes to history as dropped. */
#define FA_DEAD_LETTER_KEPT (7 * FA_DAY)
/* A closed filing still counts for patterns so long, where no rule says `within`. */
#define FA_INCIDENT_KEPT (30 * FA_DAY)
/* What is put off because the outbox is full is tried again after so long. */
#define FA_OUTBOX_FULL_WAIT (30 * FA_SECOND)
/* What people write on one alarm or filing, and what one filing holds: bytes. A row always fits. */
#define FA_COMMENTS_BYTES_MAX ((size_t)128 * 1024)
#define FA_FILING_BYTES_MAX   ((size_t)64 * 1024)
/* Names that one alarm's filings together keep out: a further filing is left to its own alarm. */
#define FA_SUBJECTS_BYTES_MAX ((size_t)128 * 1024)
/* Filings that one alarm takes; the next gets its own. */
#define FA_ALARM_FILINGS_MAX 500

/* One that has a row: durable, or on the way. */
struct fa_policy_ref {
    struct fa_policy policy;
    UT_hash_handle hh;
};

/* What leaves together, in the order it came. */
struct fa_pack {
    struct fa_notification *first, *last;
    size_t count;
    struct fa_notification *digest; /* whose lines they are; NULL: held back */
    struct fa_notification_id *ids; /* owned: of the lines that it had when it left first */
    size_t id_count, id_cap;
};
/* Of a notification in a pack. */
struct fa_place {
    struct fa_pack *pack;
    struct fa_notification *next, *prev;
};

/* A person may get FA_PACE_MESSAGES in FA_PACE_SPAN; what comes beyond leaves in a digest, what
 * somebody has to act on after FA_PACE_WAIT at the latest. */
#define FA_PACE_MESSAGES 5
/* Of digests beyond the limit so many more are remembered, as some may arrive nowhere. */
#define FA_PACE_KEPT    (FA_PACE_MESSAGES + 5)
#define FA_PACE_SPAN    (10 * FA_MINUTE)
#define FA_PACE_WAIT    FA_MINUTE
#define FA_DIGEST_LINES 200 /* mail readers cut what is longer; more go in a second one */
struct fa_pace {
    const char *person;         /* (interned) */
    fa_time left[FA_PACE_KEPT]; /* wall: when the latest ones left first, oldest first; 0: none */
    struct fa_pack held;        /* in memory alone: their own rows say that they wait */
    struct fa_pace *next_dirty;
    bool dirty;
    UT_hash_handle hh; /* by person */
};

/* What the step under way has touched. */
struct fa_dirty {
    void **list; /* owned; the objects are not */
    size_t count, cap;
};

struct fa_engine {
    const struct fa_setup *setup;
    struct fa_book alarms, incidents, notifications;
    struct fa_cells identities; /* of alarms */
    struct fa_policy_ref *policies;
    struct fa_hiders hiders;
    struct fa_interned *texts;
    struct fa_condition *conditions; /* that hold now, of rules over filings and numbers */
    struct fa_heap alarm_heap, incident_heap, notification_heap;
    struct fa_dirty dirty_alarms, dirty_incidents, dirty_notifications;
    struct fa_pace *paces, *dirty_paces;
    struct fa_drill_ref *drills; /* by policy */
    bool drills_changed;
    struct fa_tally *tallies, *dirty_tallies;
    fa_time weekly_due;           /* mono: of the next weekly digest; FA_NEVER */
    struct fa_kept_out *kept_out; /* of alarms that are closed, by identity */
    struct fa_further *further;   /* by rule */
    size_t further_sets;          /* of all rules */
    bool further_room;            /* an alarm is gone since the last look */
    struct fa_engine_stats stats;
    const struct fa_alarm *gaps_noted; /* before START: the last one that knows of its gap */
    uint32_t dead_letters;             /* among notifications */
    size_t series_live; /* notifications about series that are neither settled nor dead: filings
                           and tests take no room from feeds' alarms */
    /* The step under way. */
    struct fa_now now;
    struct fa_rng rng;
    struct fa_actions *actions;
    uint32_t tie; /* makes equal deadlines come out in the order they were armed */
};

/* actions.c */
struct fa_action *fa_add_action(struct fa_actions *actions, enum fa_action_kind kind);
struct fa_action *fa_add_row(struct fa_engine *engine, enum fa_row_kind kind, const void *key,
                             size_t key_len, const struct fa_buf *value);
/* The end of a step: rows for everything that was touched. */
void fa_flush(struct fa_engine *engine);

/* diary.c: takes a copy. What is the same again replaces what it repeats. */
void fa_diary_note(struct fa_interned **texts, struct fa_alarm *alarm,
                   const struct fa_moment *moment);
/* One more at the end, whatever it is; false: there is no room. */
bool fa_diary_add(struct fa_interned **texts, struct fa_alarm *alarm,
                  const struct fa_moment *moment);

/* count.c: when a step ends, of each that was touched; before it is freed, is_there false. */
void fa_count_alarm(struct fa_engine *engine, struct fa_alarm *alarm, bool is_there);
void fa_count_incident(struct fa_engine *engine, struct fa_incident *incident, bool is_there);
void fa_count_notification(struct fa_engine *engine, struct fa_notification *notification,
                           bool is_there);

/* load.c */
void fa_engine_start(struct fa_engine *engine, fa_time last_wall);
/* A page of its rows, those of the alarms that come next. True: there are more. */
bool fa_engine_note_gaps(struct fa_engine *engine, fa_time last_wall);
/* Moves every deadline along with a step of the wall clock, and sets the heaps. */
void fa_shift_all(struct fa_engine *engine, fa_time shift);
void fa_mark_orphans(struct fa_engine *engine);
/* Looks for what must not be: an alarm that climbs and has no deadline, a raised filing without an
 * alarm. It is mended, and the operators hear of it. */
void fa_engine_reconcile(struct fa_engine *engine);

/* engine.c */
void fa_touch_alarm(struct fa_engine *engine, struct fa_alarm *alarm);
void fa_touch_incident(struct fa_engine *engine, struct fa_incident *incident);
void fa_touch_notification(struct fa_engine *engine, struct fa_notification *notification);
void fa_arm(struct fa_engine *engine, struct fa_heap *heap, struct fa_deadline *deadline,
            fa_time length);
/* At a moment of a calendar. */
void fa_arm_at(struct fa_engine *engine, struct fa_alarm *alarm, fa_time wall,
               enum fa_alarm_clock clock);
void fa_disarm(struct fa_heap *heap, struct fa_deadline *deadline);
struct fa_journal_ids {
    struct fa_alarm_id alarm;
    struct fa_incident_id incident;
    struct fa_notification_id notification;
    struct fa_silence_id silence;
};
void fa_journal(struct fa_engine *engine, enum fa_journal_code code, struct fa_journal_ids ids,
                const char *who, int64_t number);
/* Into the alarm's diary as well. */
void fa_journal_alarm(struct fa_engine *engine, enum fa_journal_code code, struct fa_alarm *alarm,
                      const char *who, int64_t number);
/* The row of a policy that an alarm refers to is written once. Returns its interned hash. */
const char *fa_use_policy(struct fa_engine *engine, const struct fa_policy *policy);
const struct fa_policy *fa_policy_of(const struct fa_engine *engine, const struct fa_alarm *alarm);
void fa_trouble(struct fa_engine *engine, const char *code, const char *text, bool over);
/* Of what happened, not of what lasts: once a person closed it, only the next time raises it. */
void fa_trouble_once(struct fa_engine *engine, const char *code, const char *text);
/* One more at the end. Room for one at first: most alarms tell one or two. */
struct fa_told *fa_alarm_add_told(struct fa_alarm *alarm);
/* Is there an alarm about this channel, open or not yet forgotten? */
bool fa_channel_is_troubled(const struct fa_engine *engine, const char *channel);
/* object.c */
const struct fa_reach *fa_reach(struct fa_interned **texts, const char *person,
                                const char *channel);
/* One more filing, to be set; one more comment, taken. */
struct fa_incident_id *fa_alarm_add_incident(struct fa_alarm *alarm);
void fa_alarm_add_comment(struct fa_alarm *alarm, struct fa_comment comment);
void fa_add_comment(struct fa_comment **comments, size_t *count, size_t *cap,
                    struct fa_comment comment);
/* FA_EFULL: so much was written there that this text does not fit any more. */
int fa_comment_fits(const struct fa_comment *comments, size_t count, const char *text);

/* Asks for evidence of this moment at the step's end; nothing for what no rule raised, or is not
 * raised, or closed. The alarm must be touched. */
void fa_want_evidence(struct fa_alarm *alarm, uint32_t cause);

/* Asks the host to hand the notification to the courier once this step is durable. */
void fa_engine_send(struct fa_engine *engine, struct fa_notification_id id);

/* guess.c */
/* FA_ENOTFOUND: no such open alarm (it may be NULL); FA_EDENIED: the links are locked already. */
int fa_wrong_code(struct fa_engine *engine, struct fa_alarm *alarm, const char *who);
void fa_guesses_forget(struct fa_alarm *alarm, const char *person);
/* One more at the end, zeroed, of nobody. */
struct fa_guess *fa_guess_add(struct fa_alarm *alarm);

/* state.c: the alarm state table. */
enum fa_alarm_event {
    FA_AEV_FIRE,
    FA_AEV_CLEAR,
    FA_AEV_UNKNOWN,
    FA_AEV_DUE,
    FA_AEV_ACK,
    FA_AEV_RESOLVE,
    FA_AEV_DISOWN, /* its owner may not know of it any more */
    FA_AEV__COUNT
};
/* What ACK and RESOLVE bring along. */
struct fa_deed {
    const char *who, *text;
    fa_time for_ms;
};
/* FA_ECONFLICT when the state refuses it. The alarm may be freed at the end of the step. */
int fa_alarm_event(struct fa_engine *engine, struct fa_alarm *alarm, enum fa_alarm_event event,
                   const struct fa_deed *deed);
/* A new alarm, in PENDING and not yet armed. */
struct fa_alarm_spec {
    const char *identity, *rule, *category, *severity, *labels, *summary, *expect;
    const struct fa_policy *policy;
    uint32_t flags;
    fa_time for_ms, since;
    enum fa_measure for_measure;
    double value;
    const struct fa_source *source; /* copied; may be NULL */
};
/* As the rule's signal says. */
void fa_alarm_spec_of(const struct fa_engine *engine, const struct fa_signal *signal,
                      const char *identity, struct fa_alarm_spec *ret_spec);
struct fa_alarm *fa_alarm_begin(struct fa_engine *engine, const struct fa_alarm_spec *spec);
/* Arms `for`, or raises at once when there is none. */
void fa_alarm_start(struct fa_engine *engine, struct fa_alarm *alarm);
/* Retires a closed alarm that nothing needs any more. */
void fa_alarm_settle(struct fa_engine *engine, struct fa_alarm *alarm);
/* The table in words, for ARCHITECTURE.md; NULL past the last cell. */
struct fa_alarm_cell_text {
    const char *state, *event, *next, *why;
};
bool fa_alarm_cell(size_t index, struct fa_alarm_cell_text *ret_text);

/* climb.c */
void fa_climb(struct fa_engine *engine, struct fa_alarm *alarm);
/* Is its circle as wide as its loops make it? */
bool fa_climb_is_widest(const struct fa_engine *engine, const struct fa_alarm *alarm);
/* How much of the wait of the step that was told last is left, in the time that it counts. */
fa_time fa_climb_left(const struct fa_engine *engine, const struct fa_alarm *alarm);
/* NULL: there is none of that name, or no name. */
const struct fa_calendar_entry *fa_calendar_named(const struct fa_engine *engine, const char *name);
/* When what is left of a pending alarm's `for` is over that runs since `from`. */
fa_time fa_for_over(const struct fa_engine *engine, const struct fa_alarm *alarm, fa_time from);
/* Tells the step that was told last once more. */
void fa_climb_again(struct fa_engine *engine, struct fa_alarm *alarm);
/* That step goes on with what is left of its wait: of those whom it means only who was not told
 * since then is told. */
void fa_climb_go_on(struct fa_engine *engine, struct fa_alarm *alarm, fa_time since);
/* Tells who is meant by that step and was not told since then, and nobody else. */
void fa_climb_tell_rest(struct fa_engine *engine, struct fa_alarm *alarm, fa_time since);
/* The calendars or the clock are others now: what waits for one of them waits by what it says now.
 */
void fa_climb_reckon(struct fa_engine *engine);
void fa_climb_reckon_one(struct fa_engine *engine, struct fa_alarm *alarm);
/* Tells those who were told, except `but` (a name, may be NULL). */
void fa_tell_told(struct fa_engine *engine, struct fa_alarm *alarm, enum fa_notification_kind kind,
                  const char *but);
/* Tells the nearest level above a person; false when there is none or it has no channel. */
bool fa_tell_above(struct fa_engine *engine, struct fa_alarm *alarm, const char *person,
                   enum fa_notification_kind kind);
/* Tells the managers of all whom the rung means; everybody on the policy when there is none. */
void fa_tell_above_rung(struct fa_engine *engine, struct fa_alarm *alarm,
                        enum fa_notification_kind kind);
struct fa_circle { /* who must not be told */
    struct fa_pset conflicted, struck;
};
void fa_circle_init(struct fa_circle *circle, const struct fa_directory *dir, char *const *about,
                    size_t about_count, char *const *struck, size_t struck_count);
void fa_circle_done(struct fa_circle *circle);
/* When the directory does not know one whom the alarm or filing keeps out (either may be NULL),
 * that one may be anybody in it under a new name: adds all but the independent contacts and those
 * who know of the alarm already. */
void fa_circle_close(const struct fa_directory *dir, const struct fa_alarm *alarm,
                     const struct fa_incident *incident, struct fa_pset *set);
void fa_circle_of(struct fa_circle *circle, const struct fa_engine *engine,
                  const struct fa_alarm *alarm);
void fa_circle_keep_out(const struct fa_circle *circle, struct fa_pset *set);

/* aim.c: whom steps mean at a moment. Fill it for what is no alarm yet; else fa_aim_init(). */
struct fa_aim {
    const struct fa_directory *dir;
    const struct fa_policy *policy;
    struct fa_ask ask;
    struct fa_labels *labels; /* what ask points to; owned, as all below */
    struct fa_ask_label *asked;
    char *customer;
};
/* For the step under way, or as it was at the end of the last. */
void fa_aim_init(struct fa_aim *aim, const struct fa_engine *engine, const struct fa_alarm *alarm);
void fa_aim_done(struct fa_aim *aim);
/* The name to ask with, where `reporter.manager` says nothing that a reader may not know; NULL. */
const char *fa_reporter_asked(const struct fa_incident *incident);
/* Each adds to set: one person or who stands in; whom a step names; the same wider by so many
 * loops; the managers of those, without them; the independent contacts (circle may be NULL). */
void fa_aim_person(const struct fa_aim *aim, fa_person person, struct fa_pset *set);
void fa_aim_step(const struct fa_aim *aim, uint32_t step, struct fa_pset *set);
void fa_aim_rung(const struct fa_aim *aim, uint32_t step, uint32_t loop, struct fa_pset *set);
void fa_aim_above(const struct fa_aim *aim, uint32_t step, uint32_t loop, struct fa_pset *set);
void fa_aim_independents(const struct fa_aim *aim, const struct fa_circle *circle,
                         struct fa_pset *set);
/* The loop from which on nobody more is added. */
uint32_t fa_aim_widest(const struct fa_aim *aim);
/* clang-format off */
enum fa_aimed {
    FA_AIMED_SOMEBODY,
    FA_AIMED_NOBODY,  /* it means nobody: nobody is on duty, or has that label */
    FA_AIMED_EMPTIED, /* a conflict left nobody, and the independent contacts stand in */
};
/* clang-format on */
/* Whom a rung tells. */
enum fa_aimed fa_aim_targets(const struct fa_aim *aim, uint32_t step, uint32_t loop,
                             const struct fa_circle *circle, struct fa_pset *ret_set);

/* outbox.c */
struct fa_note_spec {
    struct fa_alarm *alarm;             /* or NULL */
    const struct fa_incident *incident; /* for HELP */
    const struct fa_silence *silence;   /* of its beginning and end */
    fa_person person;
    enum fa_notification_kind kind;
    uint32_t contact;           /* first contact to try */
    bool instead;               /* of a digest's line that failed */
    const struct fa_step *step; /* its channels, NULL: any */
};
/* False: no contact of the person can carry it. */
bool fa_notify(struct fa_engine *engine, const struct fa_note_spec *spec);
void fa_notification_due(struct fa_engine *engine, struct fa_notification *notification);
int fa_notification_verdict(struct fa_engine *engine, const struct fa_event *event);
int fa_notification_replay(struct fa_engine *engine, struct fa_notification_id id);
int fa_notification_drop(struct fa_engine *engine, struct fa_notification_id id);
uint32_t fa_notify_test(struct fa_engine *engine, fa_person person);
/* The alarm is owned or closed: what has not left stays behind. */
void fa_notifications_stop(struct fa_engine *engine, struct fa_alarm *alarm);
/* Somebody is out from now on: what is queued for them, or is read by them, stays behind. */
void fa_notifications_recuse(struct fa_engine *engine, struct fa_alarm *alarm);
/* Is anybody of the rung under way who may know told, or being told? */
bool fa_rung_is_heard(const struct fa_engine *engine, const struct fa_alarm *alarm);
/* After loading: with the courier none, all queued ones are asked for again. */
void fa_notifications_restart(struct fa_engine *engine);
/* Is there no room for what this alarm would tell? What people filed and the daemon's own troubles
 * are bounded by their own limits and never wait for feeds. */
bool fa_outbox_is_full(const struct fa_engine *engine, const struct fa_alarm *alarm);
/* The first contact of the person from `first` on that may carry it; his contact_count: none, or
 * he must not be told. */
struct fa_circle;
uint32_t fa_usable_contact(const struct fa_engine *engine, const struct fa_circle *circle,
                           bool is_filing, fa_person person, uint32_t first,
                           const struct fa_step *step);
/* Is it about a filing or an alarm with a subject? Such are in no count. */
bool fa_notification_is_hidden(const struct fa_engine *engine,
                               const struct fa_notification *notification);
/* Counts one that is new or came from a row, once it is linked. */
void fa_notification_loaded(struct fa_engine *engine, const struct fa_notification *notification);
/* Links a notification into its alarm's list, and out. */
void fa_notification_link(struct fa_alarm *alarm, struct fa_notification *notification);
void fa_notification_unlink(struct fa_notification *notification);

/* What digest.c does with a notification as outbox.c does. */
bool fa_notification_is_critical(const struct fa_engine *engine, const struct fa_notification *n);
/* Into the alarm's diary; record: into the journal, too. */
void fa_notification_note(struct fa_engine *engine, const struct fa_notification *n, unsigned code,
                          int64_t number);
void fa_notification_record(struct fa_engine *engine, const struct fa_notification *n,
                            enum fa_journal_code code, int64_t number);
void fa_notification_send(struct fa_engine *engine, struct fa_notification *n);
void fa_notification_settle(struct fa_engine *engine, struct fa_notification *n,
                            enum fa_notification_state state);
void fa_notification_to_state(struct fa_engine *engine, struct fa_notification *n,
                              enum fa_notification_state state);
/* Sends it, or drops what may not or need not leave any more and lets the escalation go on: false.
 */
bool fa_notification_leave(struct fa_engine *engine, struct fa_notification *n);
/* Until the quiet hours of its addressee are over; false: they do not matter, or are over. */
bool fa_notification_hold(struct fa_engine *engine, struct fa_notification *n);
void fa_notification_refuse(struct fa_engine *engine, struct fa_notification *n);
bool fa_notification_may_leave(const struct fa_engine *engine, const struct fa_notification *n);
/* It arrived. */
void fa_notification_sent(struct fa_engine *engine, struct fa_notification *n);
/* The escalation does not count on it any more. */
void fa_notification_move_on(struct fa_engine *engine, struct fa_notification *n);
bool fa_notification_is_wanted(const struct fa_notification *n);
bool fa_notification_is_climb(const struct fa_notification *n);
bool fa_notification_is_superseded(const struct fa_notification *n);
/* One more, about nothing yet. */
struct fa_notification *fa_notification_begin(struct fa_engine *engine, const char *person,
                                              const struct fa_contact *contact,
                                              enum fa_notification_kind kind);

/* pace.c: how many messages a person got. */
/* NULL: the channel's reader is a program, or it is a test: then there is no limit. */
struct fa_pace *fa_pace_of(struct fa_engine *engine, const struct fa_notification *n);
/* How long until there is room for one more; 0: there is. */
fa_time fa_pace_full(const struct fa_engine *engine, const struct fa_pace *pace);
/* One leaves for the first time; and that one arrived nowhere. */
void fa_pace_count(struct fa_engine *engine, struct fa_pace *pace);
void fa_pace_uncount(struct fa_engine *engine, const struct fa_notification *n);
int fa_pace_load(struct fa_engine *engine, struct fa_str value);
/* After loading: those that are over are forgotten. */
void fa_pace_start(struct fa_engine *engine);
void fa_pace_shift(struct fa_engine *engine, fa_time shift);
void fa_pace_flush(struct fa_engine *engine, struct fa_buf *buf);
void fa_paces_done(struct fa_engine *engine);

/* drill.c: FA_EEXISTS: one runs; FA_ECONFLICT: the alarm about the last one is open; FA_EAGAIN:
 * somebody is not to be disturbed now; and as fa_engine_plan_drill(). */
int fa_drill_begin(struct fa_engine *engine, const struct fa_event *event,
                   struct fa_alarm_id *ret_alarm);
/* What the event means for an alarm that is a drill: RESOLVE once it is over. */
enum fa_alarm_event fa_drill_event(struct fa_engine *engine, struct fa_alarm *alarm,
                                   enum fa_alarm_event event, const struct fa_deed *deed);
/* No deadline of a drill is after its end. Any alarm may be given. */
void fa_drill_clip(struct fa_engine *engine, struct fa_alarm *alarm);
bool fa_drill_is_urgent(const struct fa_engine *engine, const struct fa_alarm *alarm);
int fa_drill_load(struct fa_engine *engine, struct fa_str value);
void fa_drills_start(struct fa_engine *engine);
void fa_drills_shift(struct fa_engine *engine, fa_time shift);
void fa_drills_flush(struct fa_engine *engine, struct fa_buf *buf);
void fa_drills_done(struct fa_engine *engine);

/* digest.c */
/* A new one leaves now, with others at the turn's end, or in a digest. */
void fa_digest_take(struct fa_engine *engine, struct fa_notification *n);
/* Is it held back until more can leave with it? */
bool fa_digest_holds(const struct fa_notification *n);
/* What was held back is due. */
void fa_digest_due(struct fa_engine *engine, struct fa_notification *n);
/* Out of its pack, for it is settled or leaves by itself. A digest that has no line left is settled
 * too. */
void fa_digest_remove(struct fa_engine *engine, struct fa_notification *n);
/* Of a digest, as outbox.c does it with one message. */
bool fa_digest_leave(struct fa_engine *engine, struct fa_notification *digest);
bool fa_digest_is_wanted(const struct fa_notification *digest);
void fa_digest_sent(struct fa_engine *engine, struct fa_notification *digest);
void fa_digest_move_on(struct fa_engine *engine, struct fa_notification *digest);
/* Lines that nobody needs any more become dead letters of their own; false: all of them. */
bool fa_digest_slow_down(struct fa_engine *engine, struct fa_notification *digest);
void fa_digest_add_id(struct fa_pack *pack, struct fa_notification_id id);
/* After loading: the packs are made as they were. */
void fa_digest_restore(struct fa_engine *engine);

/* flap.c: what the state table asks when the data of an alarm come and go. */
/* Its data cleared. True: a calm like those before, which is not told unless it stays. */
bool fa_flap_calm(struct fa_engine *engine, struct fa_alarm *alarm);
/* It is in such a calm. */
bool fa_flap_is_calm(const struct fa_alarm *alarm);
/* The calm has stayed: what is told of one is told. */
void fa_flap_stays(struct fa_engine *engine, struct fa_alarm *alarm);
/* Its data fire again. True: the climb goes on as if they had not cleared. */
bool fa_flap_resume(struct fa_engine *engine, struct fa_alarm *alarm);
/* It fires on; is it worse than ever, and those who were told do not know that it fires? */
bool fa_flap_is_news(struct fa_engine *engine, struct fa_alarm *alarm);
void fa_flap_shift(struct fa_alarm *alarm, fa_time shift);
void fa_flap_encode(const struct fa_alarm *alarm, struct fa_buf *buf, uint32_t tag);
void fa_flap_decode(struct fa_alarm *alarm, struct fa_str bytes);

/* quiet.c */
/* Wall: when it may leave; not after now: it may. */
fa_time fa_quiet_until(const struct fa_engine *engine, const struct fa_notification *notification);
/* The calendars or people's hours are others now. */
void fa_quiet_reckon(struct fa_engine *engine);

/* recuse.c: person NULL: who says it. FA_ENOTFOUND, FA_ECONFLICT: closed, FA_EDENIED: an
 * independent contact cannot be named, FA_EINVAL: nobody of that name, FA_EFULL. */
int fa_recuse(struct fa_engine *engine, struct fa_alarm_id id, const char *who, const char *person);

/* outlive.c: who stepped out of an alarm stays out of the next of the same identity. */
/* Of any label set of the rule. */
bool fa_kept_out_of_rule(const struct fa_engine *engine, const char *rule);
/* It is closed. */
void fa_kept_out_note(struct fa_engine *engine, const struct fa_alarm *alarm);
/* It begins: kept from whoever may not know of what has that identity, or had it last. */
void fa_kept_out_apply(struct fa_engine *engine, struct fa_alarm *alarm, const char *identity);
/* Will somebody be kept out when it begins? */
bool fa_kept_out_has(const struct fa_engine *engine, const char *identity);
int fa_kept_out_load(struct fa_engine *engine, struct fa_str value);
/* After loading: those whose time is over are forgotten. */
void fa_kept_out_forget(struct fa_engine *engine);
void fa_kept_out_shift(struct fa_engine *engine, fa_time shift);
void fa_kept_out_done(struct fa_engine *engine);

/* further.c: what a rule holds for beyond its limit of alarms */
/* An alarm has its name now, or not any more. */
void fa_further_count(struct fa_engine *engine, const struct fa_alarm *alarm, bool is_there);
/* Of a label set without an alarm. False: it fires and begins one. */
bool fa_further_takes(struct fa_engine *engine, const struct fa_signal *signal,
                      const char *identity);
/* The end of a step: where there is room again, further label sets get alarms of their own. */
void fa_further_promote(struct fa_engine *engine);
/* An alarm is gone for good. */
void fa_further_closed(struct fa_engine *engine, const struct fa_alarm *alarm);
int fa_further_load(struct fa_engine *engine, struct fa_str value);
void fa_further_start(struct fa_engine *engine);
void fa_further_shift(struct fa_engine *engine, fa_time shift);
void fa_further_done(struct fa_engine *engine);

/* filing.c */
int fa_file(struct fa_engine *engine, const struct fa_filing *filing, bool *ret_already);
/* A raised filing whose alarms are lost is raised again; called at START. */
void fa_incidents_reconcile(struct fa_engine *engine);
int fa_reporter_word(struct fa_engine *engine, struct fa_incident_id id, const char *text,
                     bool done);
void fa_incident_due(struct fa_engine *engine, struct fa_incident *incident);
/* The calendars or the clock are others now. */
void fa_incidents_reckon(struct fa_engine *engine);
/* The rule's pattern and its numbers hold, and they did not when it was filed. */
void fa_incident_confirmed(struct fa_engine *engine, struct fa_incident *incident,
                           const struct fa_rule *rule);
/* The word that was promised on their alarm came in time, or did not. */
void fa_incidents_word(struct fa_engine *engine, const struct fa_alarm *alarm, bool is_kept);
/* An alarm with these filings was closed. */
void fa_incidents_closed(struct fa_engine *engine, const struct fa_alarm *alarm);

/* condition.c: the numbers of rules over filings and numbers together */
bool fa_rule_is_combined(const struct fa_rule *rule);
/* The rules' word; when a condition begins to hold, filings are looked at again. */
void fa_condition_signal(struct fa_engine *engine, const struct fa_signal *signal);
void fa_conditions_forget(struct fa_engine *engine);
struct fa_held {
    const char *labels; /* of the condition; borrowed until the step's end */
    double value;
};
/* Does one hold whose labels agree with those of the alarm, where both have a label? */
bool fa_condition_holds(const struct fa_engine *engine, const char *rule, const char *labels,
                        struct fa_held *ret_held);

/* record.c */
/* Times that sums of a few cannot overflow, whatever damage wrote. */
fa_time fa_row_time(const struct fa_rec_field *field);
void fa_alarm_encode(const struct fa_alarm *alarm, struct fa_buf *buf);
void fa_incident_encode(const struct fa_incident *incident, struct fa_buf *buf);
void fa_notification_encode(const struct fa_notification *notification, struct fa_buf *buf);
int fa_alarm_decode(struct fa_str bytes, struct fa_interned **texts, struct fa_alarm **ret_alarm);
int fa_incident_decode(struct fa_str bytes, struct fa_interned **texts,
                       struct fa_incident **ret_incident);
int fa_notification_decode(struct fa_str bytes, struct fa_interned **texts,
                           struct fa_notification **ret_notification);
void fa_notification_free(struct fa_notification *notification);

#endif
