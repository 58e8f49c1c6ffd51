/* SPDX-License-Identifier: MIT */
/* A small organisation, a setup and an engine for tests, built in a few lines:
 *
 *   struct world w;
 *   world_init(&w);
 *   world_person(&w, "rep", "lead"); world_contact(&w, "rep", "mail");
 *   world_policy(&w, "line"); world_step(&w, "lead", 15 * FA_MINUTE);
 *   world_rule(&w, "slow", "line", 0);
 *   world_begin(&w);                       START
 *   world_signal(&w, "slow", "", FA_LEVEL_FIRING);
 *
 * Every step's rows go to an in-memory table and its sends to a list, so that a second engine can
 * be made from them at any moment (world_restart). Time moves only by world_advance(). The rules
 * of DESIGN section 3 that can be checked are checked after each step by world_check(). */
#ifndef FA_WORLD_H
#define FA_WORLD_H

#include "alarms/internal.h"

struct world_row {
    enum fa_row_kind kind;
    uint8_t key[16];
    size_t key_len;
    char *value; /* owned */
    size_t len;
    bool live;
};

struct world {
    struct fa_directory *dir; /* owned */
    struct fa_setup setup;
    struct fa_rule **rules; /* owned, setup.rules points to it */
    struct fa_engine *engine;
    struct fa_actions actions; /* of the last step */
    struct fa_now now;
    uint64_t seed;
    struct world_row *rows;
    size_t row_count, row_cap;
    struct fa_notification_id *sends; /* not answered yet */
    size_t send_count, send_cap;
    struct fa_action reply; /* of the last step with world.reply_to */
    uint64_t journal_n;
    bool unchecked; /* leave world_check() out */
};

void world_init(struct world *w); /* severities, limits, policy "operators", person "ops" */
void world_done(struct world *w);
struct fa_person_entry *world_person(struct world *w, const char *name, const char *manager);
struct fa_person_entry *world_find(struct world *w, const char *name);
void world_contact(struct world *w, const char *person, const char *channel);
void world_text(char ***texts, size_t *count, const char *text);
struct fa_channel_entry *world_channel(struct world *w, const char *name, bool shared);
struct fa_team_entry *world_team(struct world *w, const char *name);
struct fa_policy *world_policy(struct world *w, const char *name);
/* Adds a step to the newest policy; targets separated by blanks. */
struct fa_step *world_step(struct world *w, const char *targets, fa_time wait);
struct fa_rule *world_rule(struct world *w, const char *name, const char *policy, fa_time for_ms);
struct fa_category *world_category(struct world *w, const char *name, enum fa_guidance guidance,
                                   const char *policy);
/* Seals all and starts an engine. */
void world_begin(struct world *w);
/* lead <- boss <- ceo, reps, independents i1 and i2, channels mail and sms, policy "line" of three
 * steps (lead, boss, role:top), rule "slow" without `for`, "late" with one of 30 min, categories.
 * Uids from WORLD_UID on: ops, ceo, boss, lead, rep, rep2, i1, i2. */
#define WORLD_UID 70000u
void world_begin_firm(struct world *w);

void world_step_event(struct world *w, struct fa_event event);
void world_signal(struct world *w, const char *rule, const char *labels, enum fa_level level);
/* Moves time, with a TICK at each deadline on the way. */
void world_advance(struct world *w, fa_time by);
/* Sets a silence from now on; what the engine answered. */
int world_silence(struct world *w, const char *where, const char *owner, const char *reason,
                  fa_time length);
int world_act(struct world *w, enum fa_event_kind kind, const struct fa_alarm *alarm,
              const char *who, fa_time for_ms);
/* Files; `about` may be NULL. The id's first byte is `key`. */
int world_file(struct world *w, uint8_t key, const char *category, const char *about, int level);
int world_verdict(struct world *w, struct fa_notification_id id, enum fa_verdict_kind verdict);
/* Answers everything that waits for a verdict now; what that sends waits for the next call. */
void world_answer(struct world *w, enum fa_verdict_kind verdict);
/* The one alarm; NULL when there is none. Fails when there are several. */
const struct fa_alarm *world_alarm(const struct world *w);
const struct fa_alarm *world_alarm_of(const struct world *w, const char *rule);
/* "lead/mail boss/mail" of what waits for a verdict, in the order of the names. */
const char *world_waiting(const struct world *w, char *buf, size_t size);
size_t world_journalled(const struct world *w, enum fa_journal_code code); /* in the last step */
/* A second engine from the rows so far, START at now. */
struct fa_engine *world_restored(const struct world *w, struct fa_now now,
                                 struct fa_actions *actions);
/* Drops the engine and goes on with one made from the rows. */
void world_restart(struct world *w);
/* NULL, or which of the invariants is broken. */
const char *world_check(const struct fa_engine *engine);

#endif
