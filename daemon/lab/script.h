/* SPDX-License-Identifier: MIT */
/* Scenarios: what happens to a firealarm daemon, and what must come of it. One statement a line,
 * "#" begins a comment, times are virtual. A file is read whole and proved before it is played.
 *
 *   config firealarm.cfg                  a file beside the scenario, with rules.d/ and conf.d/
 *                                         beside it as the daemon reads them; several are joined
 *   config <<END                          END alone ends the text
 *   rules = ( ... );
 *   END
 *   at +30m expect tell coo via mail      everything until 30 m after the beginning happens first;
 *                                         told at that very time
 *   advance 5m
 *
 * Words are separated by blanks; a text with blanks stands in "quotes". In the table of verbs
 * (verbs.c, `firealarm test --language`) a word in capitals stands for:
 *
 *   ALARM     rule{label="value"}; the labels may be left out while only one of the rule's alarms
 *             is or was; @R names the alarm that the filing with receipt R is in, rule@R that of a
 *             pattern. The newest of several with one identity is meant.
 *   SERIES    metric{label="value",...}
 *   NAME      a person, channel, receipt, rule ... ; FILE a path beside the scenario
 *   NUMBERS   12.5 or several, 10,20,90: one after the other and again; none: a value that is no
 *             number. As promtool writes samples (runs.h), "100+10x20 _x5 stale 7", they come once;
 *             so does a list in quotes
 *   DURATION  30s 15m 1h30m; SIGNED the same behind + or -
 *   BLOCK     <<WORD and the lines up to one that is WORD
 *   PAIRS     key=value ...
 *   [x]       may be left out; a|b|c one of them
 *
 * `maybe` before a verb: where it cannot be done (no such alarm, receipt or channel, the daemon is
 * down, or up already), it is left out. For scenarios that a program writes.
 *
 * What is told is matched once: `expect tell` takes the oldest delivery that fits and was not taken
 * yet; `expect nothing` says that none is left. `never tell` holds for the rest of the scenario.
 * With `at`, `expect tell` means that very time, and may stand behind what happened later: so the
 * whole timeline can be stated at the end, as --verbose prints it. `nothing else` closes it: what
 * was told, no expectation took and no `allow tell` allows is a fault at the end.
 *
 * An expectation that fails does not end the scenario: all that fail are reported. */
#ifndef FA_LAB_SCRIPT_H
#define FA_LAB_SCRIPT_H

#include "base/buf.h"

#define FA_SCRIPT_SLOTS 12

enum fa_verb_id {
    FA_DO_CONFIG,
    FA_DO_RELOAD,
    FA_DO_RELOAD_REFUSED,
    FA_DO_ADVANCE,
    FA_DO_METRIC,
    FA_DO_INTERVAL,
    FA_DO_QUIET,
    FA_DO_STALE,
    FA_DO_ALERT,
    FA_DO_FILE,
    FA_DO_WORD,
    FA_DO_DONE,
    FA_DO_ACK,
    FA_DO_RESOLVE,
    FA_DO_COMMENT,
    FA_DO_RECUSE,
    FA_DO_GUESS,
    FA_DO_TEST,
    FA_DO_RECEIVER,
    FA_DO_COURIER,
    FA_DO_CRASH,
    FA_DO_RESTART,
    FA_DO_STOP,
    FA_DO_START,
    FA_DO_JUMP,
    FA_DO_FAIL_STORE,
    FA_DO_STORE_TAKES,
    FA_DO_REPLAY,
    FA_DO_DROP,
    FA_DO_TROUBLE,
    FA_DO_SILENCE,
    FA_DO_UNSILENCE,
    FA_DO_DRILL,
    FA_DO_FORGET,
    FA_DO_NO_RESTARTS,
    FA_DO_NEVER,
    FA_DO_ALLOW,
    FA_DO_NOTHING_ELSE,
    FA_EXPECT_TELL,
    FA_EXPECT_MESSAGES,
    FA_EXPECT_NO_TELL,
    FA_EXPECT_TRY,
    FA_EXPECT_NOTHING,
    FA_EXPECT_ALARM,
    FA_EXPECT_NO_ALARM,
    FA_EXPECT_OWNER,
    FA_EXPECT_STEP,
    FA_EXPECT_VALUE,
    FA_EXPECT_FILINGS,
    FA_EXPECT_REPLY,
    FA_EXPECT_RECEIPT,
    FA_EXPECT_FILING,
    FA_EXPECT_JOURNAL,
    FA_EXPECT_NO_JOURNAL,
    FA_EXPECT_OUTBOX,
    FA_EXPECT_SEES,
    FA_EXPECT_HEARD,
    FA_EXPECT_BLIND,
    FA_EXPECT_SILENCE,
    FA_EXPECT_DRILL,
    FA_VERB_ID__COUNT
};

/* A word that the table asked for. `name` is the keyword before it, or its kind in small letters.
 */
struct fa_script_slot {
    const char *name;
    size_t name_len;
    char *text; /* owned; of a BLOCK its lines */
    uint32_t col;
    double number;
    fa_time duration;
    bool quoted;
};

struct fa_script_line {
    enum fa_verb_id verb;
    uint32_t line, col;
    fa_time at;   /* since the beginning; FA_NEVER: now */
    bool maybe;   /* left out where it cannot be done */
    char *source; /* owned: the line as written, for messages */
    struct fa_script_slot slots[FA_SCRIPT_SLOTS];
    size_t slot_count;
    char **rest; /* owned: PAIRS or further words */
    size_t rest_count;
};

struct fa_script {
    char *file; /* owned */
    struct fa_script_line *lines;
    size_t count, cap;
};

/* FA_EPARSE with file, line, column and, where one is near, a suggestion. */
int fa_script_parse(const char *file, struct fa_str text, struct fa_script *ret_script,
                    struct fa_err *err) FA_MUST_CHECK;
void fa_script_done(struct fa_script *script);
/* NULL: not given. */
const struct fa_script_slot *fa_script_slot(const struct fa_script_line *line, const char *name);
const char *fa_script_text(const struct fa_script_line *line, const char *name);
fa_time fa_script_duration(const struct fa_script_line *line, const char *name, fa_time otherwise);
/* The table in words, a line each; NULL past the last. */
const char *fa_script_verb(size_t index, const char **ret_help);

#endif
