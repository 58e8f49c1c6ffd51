/* SPDX-License-Identifier: MIT */
/* Inside lab/ only: the world that a scenario plays in. It is the host of the engine, so it keeps a
 * host's promises (a turn's actions are one transaction; replies and sends leave when it is
 * durable) and breaks nothing by itself but what the scenario asks for.
 *
 *   world.c    the clock, a turn, starts and stops      store.c   rows, commits, what is durable
 *   post.c     the courier and the receivers            feed.c    samples and rules
 *   check.c    DESIGN's invariants after every step     oracle.c  the conflict rule, told anew
 *   seen.c     what was told, journalled and answered   config.c  configurations out of pieces
 *   alert.c    alerts of other systems       silence.c   silences and what they hide
 *   play.c     lines on the world, file.c what people file, expect.c what must come of it,
 *              told.c of messages         claim.c   how expectations went
 *   owed.c     what the daemon owes, told from outside     cover.c   what was visited
 *   numbers.c  what expressions make of the samples, told anew
 *   storm.c    how many messages a person gets, and that none of them is lost
 *   duty.c     who is on duty and what is open, told anew     recuse.c  who stepped out
 *   due.c      how long a `for` and a wait last               weekly.c  when digests come */
#ifndef FA_LAB_WORLD_H
#define FA_LAB_WORLD_H

#include "alarms/internal.h"
#include "config/config.h"
#include "lab/runs.h"
#include "lab/script.h"
#include "metrics/metrics.h"
#include "rules/foreign.h"
#include "rules/rules.h"

#include <stdio.h>

/* 2026-01-05T08:00:00Z, a Monday. */
#define FA_LAB_BEGIN INT64_C(1767600000000)

#define FA_LAB_CODES 80 /* journal codes are below */

/* ---- store.c ---- */

struct fa_lab_row {
    uint32_t kind;
    uint8_t key[16];
    size_t key_len;
    bool live;
    fa_time time;
    char *value; /* owned; NULL: erased */
    size_t len;
};

struct fa_lab_rows {
    struct fa_lab_row *list;
    size_t count, cap;
    uint32_t *slots;   /* by key: index in the list + 1 */
    size_t slot_count; /* a power of two */
};

/* The actions of one turn on their way to the disk. */
struct fa_lab_commit {
    struct fa_actions actions;
    fa_time at; /* elapsed: when it is tried (again) */
    fa_time wall;
};

struct fa_lab_store {
    struct fa_lab_rows durable;
    struct fa_lab_rows latest; /* durable and what is on the way */
    struct fa_lab_commit *queue;
    size_t count, cap;
    fa_time takes;
    uint32_t failing;  /* commits that will find it full */
    bool full;         /* the last one did */
    fa_time last_wall; /* of the newest durable journal entry; 0: none */
    uint64_t journal_n;
};

/* ---- seen.c ---- */

struct fa_lab_delivery {
    fa_time at; /* since the beginning */
    struct fa_notification_id id;
    struct fa_alarm_id alarm;
    struct fa_incident_id incident;
    char *person, *channel, *address, *identity; /* owned; identity: of the alarm, NULL: none */
    char *name;    /* owned: of the alarm, as a scenario writes it; NULL: none */
    char *summary; /* owned: as it was rendered */
    enum fa_notification_kind kind;
    uint32_t step, loop;
    double value;
    struct fa_notification_id message; /* of a digest's line: the digest; else the same as id */
    uint32_t lines;                    /* of its message */
    bool reached;                      /* the receiver took it */
    bool again;                        /* this key had reached it before */
    bool taken;                        /* by an expectation */
};

struct fa_lab_entry {
    enum fa_journal_code code;
    struct fa_alarm_id alarm;
    struct fa_incident_id incident;
    struct fa_notification_id notification;
    int64_t number;
    bool taken;
};

/* Places in a list whose items begin with their id. */
struct fa_lab_index {
    uint32_t *slots;   /* index in the list + 1 */
    size_t slot_count; /* a power of two */
};

/* What one key is: the same person, channel and content for ever. */
struct fa_lab_key {
    struct fa_notification_id id;
    size_t before; /* index + 1 of the key of the same alarm before it; 0: none */
    size_t first;  /* index of its first delivery */
    bool reached;
    bool settled; /* its verdict `sent` is durable */
    /* for owed.c */
    struct fa_alarm_id alarm;
    enum fa_notification_kind kind;
    uint32_t step, loop, retries;
    fa_time created;     /* wall: when it was decided on */
    fa_time tried, sent; /* elapsed: first try, verdict; FA_NEVER: none */
    fa_time refused;     /* wall: it was rejected last */
    bool rejected;
    struct fa_notification_id message; /* it left in */
    bool excused;    /* a stop came between: what the daemon knows of it is not certain */
    bool may_repeat; /* since it reached: crash, lost answer, dead courier or an operator's word */
};

/* How long the condition of a pending alarm has held; due.c's. */
struct fa_lab_lasting {
    bool judged;
    enum fa_measure measure;
    fa_time length; /* of its `for` */
    fa_time done;   /* in its measure: before `from` */
    fa_time from;   /* wall: it holds since; 0: nobody knows whether it does */
};

struct fa_lab_alarm { /* remembers alarms that the engine has let go */
    struct fa_alarm_id id;
    size_t last_key;                        /* index + 1; 0: nobody was told of it */
    char *identity, *rule, *labels, *owner; /* owned */
    enum fa_alarm_state state;
    uint32_t flags, step, loop;
    uint32_t counted; /* flags, by cover.c */
    size_t filings;
    double value;
    bool raised;    /* it was more than pending */
    bool gone;      /* not in the engine any more */
    fa_time closed; /* elapsed: of its RESOLVED or UNOWNED */
    bool climbing;
    fa_time last_step; /* elapsed: of its last STEP, of the start, or when it was heard again */
    fa_time told_from; /* elapsed: of its last STEP */
    bool spared;       /* since its last STEP: one was not told again, for they know of it */
    bool resumed;      /* in this step */
    bool told_anew;    /* a step was, or will be, told once more: resumed or overdue */
    struct fa_lab_lasting lasts;
    fa_time step_due;         /* wall: the wait of the step that was told is over; 0: not known */
    struct fa_policy *policy; /* owned: a copy of what it began with; NULL: it had none */
};

struct fa_lab_filing {
    char *name; /* owned: the receipt's name in the scenario */
    struct fa_incident_id id;
    char **about, **struck; /* owned */
    size_t about_count, struck_count;
    bool accepted; /* a positive reply left */
};

/* A message that somebody has to act on and that has not left. */
struct fa_lab_wait {
    struct fa_notification_id id;
    fa_time since; /* elapsed */
    bool is_quiet; /* until the quiet hours of its addressee are over */
};

/* An acknowledgement. */
struct fa_lab_promise {
    uint64_t reply_to;
    struct fa_alarm_id alarm;
    char *who;     /* owned */
    fa_time until; /* elapsed */
    bool given;    /* a positive answer left */
    bool over;
};

/* Somebody stepped out of an alarm, or was named as whom it is about. */
struct fa_lab_recusal {
    struct fa_alarm_id alarm;
    char *name; /* owned */
    bool is_subject;
    uint64_t asked;
    bool given; /* a positive answer left */
};

/* A reader of the weekly digest. */
struct fa_lab_week {
    char *person; /* owned */
    fa_time told; /* wall: the last one was decided on, or they became a reader */
    bool is_reader;
    bool unsure; /* what the daemon knows of it: until the next one */
};

struct fa_lab_never {
    char *person, *channel; /* owned; channel NULL: any */
    uint32_t line;
};

/* ---- claim.c ---- */

/* An expectation and how it went. */
struct fa_lab_claim {
    const struct fa_script_line *line; /* borrowed from the script */
    fa_time at;                        /* since the beginning: when it was looked at, or its `at` */
    size_t delivery;                   /* index + 1 of the one it took; 0: none */
    char *failure, *hint;              /* owned; NULL: it held; nothing to say */
};

/* ---- post.c ---- */

enum fa_lab_mood { FA_MOOD_OK, FA_MOOD_503, FA_MOOD_404, FA_MOOD_HANG, FA_MOOD_LOST };

struct fa_lab_receiver {
    char *channel, *person; /* owned; person NULL: everybody */
    enum fa_lab_mood mood;
};

struct fa_lab_flight {
    struct fa_notification_id id;
    fa_time at; /* elapsed: when its verdict comes */
    enum fa_verdict_kind verdict;
    uint32_t status;
};

struct fa_lab_post {
    bool dead;
    struct fa_lab_receiver *receivers;
    size_t receiver_count;
    struct fa_lab_flight *flights;
    size_t flight_count, flight_cap;
    struct fa_notification_id *held; /* handed over while the courier was dead */
    size_t held_count, held_cap;
};

/* ---- feed.c ---- */

struct fa_lab_sender {
    char *series; /* owned */
    enum fa_kind kind;
    struct fa_run *runs; /* owned */
    size_t run_count, run;
    uint32_t next; /* of the run */
    bool once;     /* and not again from the first */
    uint32_t times;
    fa_time at, every, until; /* elapsed */
    fa_time ago;              /* how old a sample says that it is */
};

/* Of another system. */
struct fa_lab_alert {
    char *series;             /* owned: alertname{labels} */
    char *says;               /* owned: its summary; NULL: none */
    fa_time ends;             /* after each sending */
    fa_time at, every, until; /* elapsed */
};

struct fa_lab_word { /* on one alert */
    char *labels;    /* owned, canonical */
    bool resolved;
    fa_time heard; /* elapsed */
};

struct fa_lab_signal { /* a copy */
    const struct fa_rule *rule;
    char *labels;
    enum fa_level level;
    double value;
    fa_time since;
    int worse;
    struct fa_source *source;
};

/* ---- fed.c ---- */

struct fa_lab_fed {
    char *series; /* owned */
    enum fa_kind kind;
    bool mixed;   /* came as more than one kind */
    fa_time last; /* elapsed */
    double value;
};

/* ---- numbers.c ---- */

struct fa_lab_held {      /* an element that an expression yields */
    char *rule, *labels;  /* owned */
    fa_time since, until; /* elapsed; until: when the first of its samples is too old */
    bool is_there;
};

/* ---- the world ---- */

enum fa_lab_reply_state { FA_LAB_REPLY_NOT_ASKED, FA_LAB_REPLY_NONE, FA_LAB_REPLY_GIVEN };

struct fa_lab_piece {  /* of a configuration */
    char *name, *text; /* owned */
    bool is_block;
    uint32_t line;
};

/* Who plays the world and looks on. Each may be NULL. */
struct fa_lab_watch {
    void (*signal)(void *ctx, const struct fa_signal *signal);
    /* seen: NULL: it is about no alarm. */
    void (*journal)(void *ctx, const struct fa_action *action, const struct fa_lab_alarm *seen);
    void (*told)(void *ctx, const struct fa_lab_delivery *delivery);
    void *ctx;
};

/* How often what was visited: a world that never gets somewhere proves nothing about it. */
struct fa_lab_cover {
    uint64_t verbs[FA_VERB_ID__COUNT], left_out[FA_VERB_ID__COUNT];
    uint64_t cells[FA_ALARM__COUNT][FA_AEV__COUNT]; /* of the alarm state table */
    uint64_t codes[FA_LAB_CODES];                   /* of the journal */
    uint64_t kinds[FA_NOTE__COUNT], verdicts[FA_VERDICT_UNKNOWN + 1];
    uint64_t replies_ok, replies_already, replies_refused;
    uint64_t flags[10];    /* alarms that had the flag, by its bit */
    uint64_t again;        /* deliveries under a key that had arrived before */
    uint64_t overdue_wide; /* an alarm whose promise was missed came to a wider loop */
    uint64_t widest;       /* a loop from the fourth on */
    uint64_t at_limit;     /* the engine answered that it is full */
    uint64_t steps;        /* of the engine, each of them checked */
};

struct fa_lab {
    struct fa_lab_cover cover;
    /* time */
    fa_time elapsed; /* since the beginning: true time, what the scenario speaks of */
    fa_time wall_offset, mono_offset;
    /* configuration */
    struct fa_lab_piece *pieces;
    size_t piece_count;
    struct fa_config *config;
    /* the daemon; engine NULL: it is down */
    struct fa_engine *engine;
    struct fa_metrics *metrics;
    struct fa_rules *rules;
    fa_time surveyed;         /* elapsed: the engine heard what they have seen; 0: it has not */
    struct fa_buf checkpoint; /* of the last stop; empty: it was a kill */
    struct fa_foreign *foreign;
    struct fa_actions actions; /* of the turn under way */
    size_t step_from;          /* first action of the step under way */
    const struct fa_event *event;
    /* around it */
    struct fa_lab_store store;
    struct fa_lab_post post;
    struct fa_lab_sender *senders;
    size_t sender_count, sender_cap;
    struct fa_lab_alert *alerts;
    size_t alert_count, alert_cap;
    struct fa_lab_word *words;
    size_t word_count, word_cap;
    struct fa_lab_signal *signals;
    size_t signal_count, signal_cap;
    /* seen */
    struct fa_lab_delivery *deliveries;
    size_t delivery_count, delivery_cap;
    struct fa_lab_key *keys;
    size_t key_count, key_cap;
    struct fa_lab_index key_index, alarm_index;
    struct fa_lab_entry *journal;
    size_t journal_count, journal_cap;
    struct fa_lab_alarm *alarms;
    size_t alarm_count, alarm_cap;
    struct fa_lab_filing *filings;
    size_t filing_count, filing_cap;
    struct fa_lab_wait *waits;
    size_t wait_count, wait_cap;
    struct fa_notification_id replayed; /* by an operator: it leaves at any hour */
    fa_time reloaded;                   /* elapsed */
    char *spared;   /* owned: who a reminder, for want of room: "\nNAME\nNAME\n"; NULL: nobody */
    fa_time remade; /* elapsed: when samples were forgotten last */
    fa_time jumped; /* elapsed: when the clock was set last */
    fa_time upset;  /* elapsed: when the clock was set last, or what had piled up left at once */
    struct fa_lab_silence *silences; /* silence.c's */
    size_t silence_count;
    struct fa_lab_promise *promises;
    size_t promise_count, promise_cap;
    struct fa_lab_recusal *recusals;
    size_t recusal_count, recusal_cap;
    struct fa_lab_week *weeks; /* weekly.c's */
    size_t week_count, week_cap;
    fa_time stopped_offset; /* of the wall clock when the daemon went */
    struct fa_lab_fed *fed;
    size_t fed_count, fed_cap;
    struct fa_lab_held *held; /* numbers.c's */
    size_t held_count, held_cap;
    struct fa_lab_never *nevers;
    size_t never_count;
    const struct fa_script_line **allowed; /* lines `allow tell`, borrowed from the script */
    size_t allowed_count;
    struct fa_lab_claim *claims;
    size_t claim_count, claim_cap;
    const struct fa_script_line *closing; /* `nothing else`; NULL: it was not said */
    fa_time interval;                     /* between samples of a list that says no `every` */
    uint64_t asked;                       /* reply_to of the last question */
    enum fa_lab_reply_state reply_state;
    int reply_code;
    bool reply_already;
    struct fa_incident_id reply_incident;
    struct fa_buf story;              /* the timeline */
    const struct fa_lab_watch *watch; /* borrowed; NULL: nobody */
    bool mute;                        /* without a story */
    /* judgement */
    bool unchecked;
    bool looks_at_all; /* after this step, see check.c */
    bool claiming;     /* what fails now is an expectation: the scenario goes on */
    bool failed;
    char failure[1024];
    uint64_t digest;               /* of all actions so far */
    uint32_t events[FA_EV__COUNT]; /* of each kind at this instant: seeds differ */
    uint32_t busy;                 /* turns at this instant */
};

/* world.c */
void fa_lab_init(struct fa_lab *lab);
void fa_lab_done(struct fa_lab *lab);
struct fa_now fa_lab_now(const struct fa_lab *lab);
/* When something is due next; FA_NEVER. */
fa_time fa_lab_next(const struct fa_lab *lab);
/* Everything due until then happens. */
void fa_lab_advance_to(struct fa_lab *lab, fa_time elapsed);
/* One event as one turn: step, checks, commit. */
void fa_lab_turn(struct fa_lab *lab, struct fa_event *event);
/* Several events in one turn: begin, step ..., end. */
void fa_lab_step(struct fa_lab *lab, struct fa_event *event);
void fa_lab_turn_end(struct fa_lab *lab);
void fa_lab_start(struct fa_lab *lab);
/* A clean stop lets the store finish; else what is not durable is lost. */
void fa_lab_stop(struct fa_lab *lab, bool clean);
void fa_lab_jump(struct fa_lab *lab, fa_time delta);
void fa_lab_reload(struct fa_lab *lab, struct fa_config *config);
/* The first failure stops the scenario. */
void fa_lab_fail(struct fa_lab *lab, const char *fmt, ...) FA_PRINTF(2, 3);
/* A line of the timeline. */
void fa_lab_tell(struct fa_lab *lab, const char *fmt, ...) FA_PRINTF(2, 3);

/* config.c: joins the pieces; a block is padded so that its lines are the scenario's. */
void fa_lab_add_piece(struct fa_lab *lab, const char *name, const char *text, bool is_block,
                      uint32_t line);
void fa_lab_drop_blocks(struct fa_lab *lab);
/* 0 or FA_EINVAL with the first faults in faults. */
int fa_lab_configure(const struct fa_lab *lab, struct fa_buf *faults,
                     struct fa_config **ret_config) FA_MUST_CHECK;

/* store.c */
void fa_lab_store_init(struct fa_lab_store *store);
void fa_lab_store_done(struct fa_lab_store *store);
/* Takes the actions of a turn (and leaves an empty list). */
void fa_lab_commit_take(struct fa_lab *lab, struct fa_actions *actions);
void fa_lab_commit_due(struct fa_lab *lab);
fa_time fa_lab_commit_next(const struct fa_lab *lab);
/* What is on the way: durable now, or lost. */
void fa_lab_commit_all(struct fa_lab *lab);
void fa_lab_commit_lose(struct fa_lab *lab);
/* The oldest is durable, and neither its replies nor its sends have left. */
void fa_lab_commit_keep(struct fa_lab *lab);
void fa_lab_load(struct fa_lab *lab);
void fa_lab_note_rows(struct fa_lab *lab, const struct fa_actions *actions, size_t from);
const struct fa_lab_row *fa_lab_find_row(const struct fa_lab_rows *rows, uint32_t kind,
                                         const void *key, size_t key_len);

/* post.c */
void fa_lab_post_init(struct fa_lab_post *post);
void fa_lab_post_done(struct fa_lab_post *post);
void fa_lab_post_send(struct fa_lab *lab, struct fa_notification_id id);
void fa_lab_post_due(struct fa_lab *lab);
fa_time fa_lab_post_next(const struct fa_lab *lab);
void fa_lab_post_die(struct fa_lab *lab);
void fa_lab_post_return(struct fa_lab *lab);
/* The daemon goes and the courier with it. */
void fa_lab_post_drop(struct fa_lab *lab);
void fa_lab_set_receiver(struct fa_lab *lab, const char *channel, const char *person,
                         enum fa_lab_mood mood);

/* feed.c */
void fa_lab_feed(struct fa_lab *lab, const struct fa_script_line *line);
void fa_lab_quiet(struct fa_lab *lab, const char *series);
void fa_lab_stale(struct fa_lab *lab, const char *series);
void fa_lab_feed_due(struct fa_lab *lab);
fa_time fa_lab_feed_next(const struct fa_lab *lab);
/* Rules over what was pushed; signals become steps. */
void fa_lab_run_rules(struct fa_lab *lab);
/* Made anew of the configuration, over the samples that are there; what they knew is handed on. */
void fa_lab_make_rules(struct fa_lab *lab, fa_time shift);
void fa_lab_feed_done(struct fa_lab *lab);

/* seen.c */
void fa_lab_see_step(struct fa_lab *lab);
void fa_lab_see_alarms(struct fa_lab *lab);
void fa_lab_see_durable(struct fa_lab *lab, const struct fa_actions *actions);
/* message: n, or the digest that it is a line of. */
struct fa_lab_key *fa_lab_see_attempt(struct fa_lab *lab, const struct fa_notification *n,
                                      const struct fa_notification *message);
struct fa_lab_key *fa_lab_find_key(struct fa_lab *lab, struct fa_notification_id id);
struct fa_lab_alarm *fa_lab_find_alarm(struct fa_lab *lab, struct fa_alarm_id id);
struct fa_lab_filing *fa_lab_find_filing(struct fa_lab *lab, struct fa_incident_id id);
struct fa_lab_filing *fa_lab_named_filing(struct fa_lab *lab, const char *name);
/* An ALARM of a scenario; NULL after fa_lab_fail() unless quiet. text NULL: the only one. */
struct fa_lab_alarm *fa_lab_named_alarm(struct fa_lab *lab, const char *text, bool quiet);
const char *fa_lab_since(fa_time elapsed, char buf[48]);
/* The delivery as the statement that expects it. */
void fa_lab_put_expectation(const struct fa_lab_delivery *delivery, struct fa_buf *buf);
void fa_lab_deliveries_free(struct fa_lab_delivery *deliveries, size_t count);
void fa_lab_seen_done(struct fa_lab *lab);

/* storm.c */
void fa_lab_storm_step(struct fa_lab *lab);
/* A message is about to leave; its lines are not seen yet. */
void fa_lab_storm_attempt(struct fa_lab *lab, const struct fa_notification *n);
/* A message to the person about the alarm was suppressed in this step. */
bool fa_lab_storm_is_suppressed(const struct fa_lab *lab, const struct fa_alarm *alarm,
                                const char *person);
void fa_lab_storm_start(struct fa_lab *lab);
/* At the end: what has not left yet may be another message with restarts. */
void fa_lab_storm_end(struct fa_lab *lab);

/* owed.c */
void fa_lab_owed_step(struct fa_lab *lab);
void fa_lab_owed_reconcile(struct fa_lab *lab);
void fa_lab_owed_ask(struct fa_lab *lab, const struct fa_event *event);
void fa_lab_owed_reply(struct fa_lab *lab, const struct fa_action *action);
void fa_lab_owed_stop(struct fa_lab *lab);
void fa_lab_owed_start(struct fa_lab *lab);
void fa_lab_owed_heard(struct fa_lab *lab);

/* due.c */
void fa_lab_due_step(struct fa_lab *lab);
void fa_lab_due_stop(struct fa_lab *lab, bool clean);

/* weekly.c */
void fa_lab_weekly_step(struct fa_lab *lab);
void fa_lab_weekly_stop(struct fa_lab *lab, bool is_lost);
void fa_lab_weekly_attempt(struct fa_lab *lab, const struct fa_notification *n);
void fa_lab_weekly_done(struct fa_lab *lab);

/* alert.c */
void fa_lab_alert(struct fa_lab *lab, const struct fa_script_line *line);
void fa_lab_alerts_due(struct fa_lab *lab);
fa_time fa_lab_alerts_next(const struct fa_lab *lab);
void fa_lab_alerts_check_clear(struct fa_lab *lab, const struct fa_signal *signal,
                               const char *identity);
void fa_lab_alerts_done(struct fa_lab *lab);

/* fed.c */
void fa_lab_fed_push(struct fa_lab *lab, const struct fa_lab_sender *sender, double value);
void fa_lab_fed_forget(struct fa_lab *lab, const char *series); /* NULL: all */
void fa_lab_fed_check_clear(struct fa_lab *lab, const struct fa_signal *signal,
                            const char *identity);
void fa_lab_fed_check_rules(struct fa_lab *lab);
void fa_lab_fed_done(struct fa_lab *lab);

/* numbers.c */
void fa_lab_numbers_check_clear(struct fa_lab *lab, const struct fa_signal *signal,
                                const char *identity);
/* After the rules ran. */
void fa_lab_numbers_check_rules(struct fa_lab *lab);
/* A rule over filings and numbers raised it in this step. */
void fa_lab_numbers_check_raised(struct fa_lab *lab, const struct fa_alarm *alarm);
void fa_lab_numbers_forget(struct fa_lab *lab);
void fa_lab_numbers_done(struct fa_lab *lab);

/* cover.c: before and after a step of the engine. */
void fa_lab_cover_event(struct fa_lab *lab, const struct fa_event *event);
void fa_lab_cover_step(struct fa_lab *lab);

/* check.c. While alarms and messages are few everything is looked at after every step. While they
 * are many, it is what the step has stored, and everything after every 16th: what stays wrong once
 * it is, and what changed and was not stored, is found then. */
void fa_lab_choose_look(struct fa_lab *lab);
/* The alarms that are looked at after this step. */
void fa_lab_each_looked_at(struct fa_lab *lab, void (*fn)(void *ctx, const struct fa_alarm *alarm));
void fa_lab_check_step(struct fa_lab *lab);
void fa_lab_check_turn(struct fa_lab *lab);
void fa_lab_check_attempt(struct fa_lab *lab, const struct fa_notification *n);
void fa_lab_check_reply(struct fa_lab *lab, const struct fa_action *action);
void fa_lab_check_load(struct fa_lab *lab);

/* oracle.c: told from DESIGN's words, with no code of people/. */
bool fa_lab_is_conflicted(const struct fa_directory *dir, const char *person, const char *subject);
bool fa_lab_is_struck(const struct fa_directory *dir, const char *person, const char *struck);
bool fa_lab_is_meant(const struct fa_directory *dir, const char *target,
                     const struct fa_person_entry *entry);
/* recuse.c */
void fa_lab_recuse(struct fa_lab *lab, struct fa_alarm_id alarm, const char *who,
                   const char *person);
void fa_lab_recused_reply(struct fa_lab *lab, const struct fa_action *action);
void fa_lab_recused_start(struct fa_lab *lab);
/* A new alarm: is it one that follows another? */
void fa_lab_recused_anew(struct fa_lab *lab, const struct fa_alarm *alarm);
/* Was a subject named since it was raised? */
bool fa_lab_is_recused(const struct fa_lab *lab, struct fa_alarm_id alarm);
void fa_lab_recused_done(struct fa_lab *lab);

/* duty.c: the same way, now. Sets have a place for each person of the directory; SIZE_MAX: nobody.
 */
size_t fa_lab_person(const struct fa_directory *dir, const char *name, size_t len);
bool fa_lab_is_away(const struct fa_lab *lab, size_t person);
/* Adds the person, or who stands in. */
void fa_lab_add_there(const struct fa_lab *lab, size_t person, bool *set);
void fa_lab_add_target(const struct fa_lab *lab, const struct fa_alarm *alarm, const char *target,
                       bool *set);
/* Of a calendar by its name; NULL, or one that there is none of: always open. */
bool fa_lab_is_open(const struct fa_lab *lab, const char *calendar);
/* How much of from..until counts in that measure of the calendar. */
fa_time fa_lab_measured(const struct fa_lab *lab, const char *calendar, enum fa_measure measure,
                        fa_time from, fa_time until);
/* Wall: when the wait of the step will be over that is told now. */
fa_time fa_lab_due_by(const struct fa_lab *lab, const struct fa_step *step);
/* Has somebody left the directory whom a filing of the alarm is to be kept from? */
bool fa_lab_has_unknown(const struct fa_lab *lab, const struct fa_alarm *alarm);
/* May a message about these filings go to the person over the channel? NULL: yes; else why not. */
const char *fa_lab_why_not(const struct fa_lab *lab, const struct fa_alarm *alarm,
                           struct fa_incident_id incident, const char *person, const char *channel);

/* play.c */
struct fa_lab_result {
    struct fa_lab_cover cover;
    bool failed;
    uint32_t line, col;
    char failure[1024]; /* the first */
    char *story;        /* owned */
    uint64_t digest;
    char *told;   /* owned: who was told what, for comparing runs */
    char *spared; /* owned: to whom a reminder found no room or had not left: "\nNAME\nNAME\n" */
    const char *no_restarts; /* borrowed from the script: why; NULL */
    size_t steps;
    bool broken;                 /* it ended before its last line; that is the failure */
    struct fa_lab_claim *claims; /* owned */
    size_t claim_count;
    struct fa_lab_delivery *deliveries; /* owned */
    size_t delivery_count;
    bool closed;     /* it says `nothing else` */
    char *unwatched; /* owned: names that were sent and that no rule reads, "a, b"; "": none */
};
enum fa_lab_how {
    FA_LAB_CHECKED,
    FA_LAB_AGAIN, /* for its digest: steps are not looked at once more */
    FA_LAB_RESTARTS,
};
void fa_lab_play(const struct fa_script *script, enum fa_lab_how how,
                 struct fa_lab_result *ret_result);
/* lab.c: plays it twice, and once more with restarts when they are asked for. */
void fa_lab_judge(const struct fa_script *script, bool restarts, struct fa_lab_result *ret_result);
void fa_lab_result_done(struct fa_lab_result *result);
bool fa_lab_is_up(struct fa_lab *lab); /* or the scenario fails */
/* A question: what reply_to it gets. Or one that is refused before the engine hears of it. */
uint64_t fa_lab_ask(struct fa_lab *lab);
void fa_lab_refuse(struct fa_lab *lab, int code);
int fa_lab_index_of(const char *value, const char *const *names, int count); /* -1: none */
/* file.c */
void fa_lab_file(struct fa_lab *lab, const struct fa_script_line *line);
void fa_lab_word(struct fa_lab *lab, const struct fa_script_line *line);
/* drill.c */
void fa_lab_do_drill(struct fa_lab *lab, const struct fa_script_line *line);
void fa_lab_expect_drill(struct fa_lab *lab, const struct fa_script_line *line);
/* Is the alarm a drill whose time is over? Then its climb may have stopped. */
bool fa_lab_drill_is_over(const struct fa_lab *lab, const struct fa_lab_alarm *seen);
void fa_lab_check_drills(struct fa_lab *lab);
/* silence.c */
void fa_lab_do_silence(struct fa_lab *lab, const struct fa_script_line *line);
bool fa_lab_has_silence(const struct fa_lab *lab, const char *name);
void fa_lab_expect_silence(struct fa_lab *lab, const struct fa_script_line *line);
void fa_lab_check_hidden(struct fa_lab *lab, const struct fa_alarm *alarm);
void fa_lab_check_hidden_counts(struct fa_lab *lab);
void fa_lab_silences_free(struct fa_lab *lab);
/* expect.c */
void fa_lab_expect(struct fa_lab *lab, const struct fa_script_line *line);
bool fa_lab_count_is(const struct fa_script_line *line, const char *name, uint64_t value);
/* told.c */
void fa_lab_expect_tell(struct fa_lab *lab, const struct fa_script_line *line);
void fa_lab_expect_no_tell(struct fa_lab *lab, const struct fa_script_line *line);
void fa_lab_expect_messages(struct fa_lab *lab, const struct fa_script_line *line);
void fa_lab_expect_try(struct fa_lab *lab, const struct fa_script_line *line);
void fa_lab_expect_nothing(struct fa_lab *lab, const struct fa_script_line *line);
/* The time that an expectation lets pass before it is judged. */
fa_time fa_lab_waits_until(const struct fa_lab *lab, const struct fa_script_line *line);
/* What `nothing else` minds: it reached somebody, nothing took it and nothing allows it. */
bool fa_lab_is_unexpected(const struct fa_lab *lab, const struct fa_lab_delivery *delivery);
/* claim.c: asks a line that expects. A failure is the claim's own and the scenario goes on, but
 * for what fails while time passes. */
void fa_lab_claim(struct fa_lab *lab, const struct fa_script_line *line);
/* Who and what a line names must be in the configuration, or it could never fail. */
void fa_lab_check_names(struct fa_lab *lab, const struct fa_script_line *line);
/* At the end: `nothing else`, and hints for what failed. */
void fa_lab_claims_close(struct fa_lab *lab);
void fa_lab_claims_free(struct fa_lab_claim *claims, size_t count);
/* report.c: what a command prints of a result. */
void fa_lab_print_text(FILE *out, const char *path, const struct fa_lab_result *result,
                       bool verbose);
void fa_lab_print_json(FILE *out, const char *path, const struct fa_lab_result *result,
                       bool verbose);

#endif
