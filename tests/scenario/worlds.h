/* SPDX-License-Identifier: MIT */
/* Random worlds: a number becomes a company, its rules and what happens to it, written as a
 * scenario that anybody can read, replay and keep. */
#ifndef FA_TEST_WORLDS_H
#define FA_TEST_WORLDS_H

#include "lab/world.h"

/* ---- chance ---- */

struct worlds_rng {
    uint64_t state;
};
uint64_t worlds_next(struct worlds_rng *rng); /* splitmix64 */
uint32_t worlds_below(struct worlds_rng *rng, uint32_t limit);
bool worlds_chance(struct worlds_rng *rng, uint32_t percent);
/* One of a list that NULL ends. */
const char *worlds_one_of(struct worlds_rng *rng, const char *const *list);

/* ---- worlds_firm.c: who there is and what is watched ---- */

#define WORLDS_PEOPLE   12
#define WORLDS_CHANNELS 5
#define WORLDS_RULES    7
#define WORLDS_NONE     99u

struct worlds_person {
    const char *name;
    uint32_t manager; /* an index; WORLDS_NONE */
    bool gone, independent, is_operator, leads, helps;
    uint32_t deputies, assistants, delegates; /* sets of indices */
    uint32_t contacts[3];
    uint32_t contact_count;
    bool quiet;        /* the office's hours are theirs */
    const char *leave; /* a day or some; NULL: none */
};

enum worlds_rule_kind {
    WORLDS_LAST,
    WORLDS_LAST_BELOW,
    WORLDS_AVG,
    WORLDS_MAX,
    WORLDS_MIN,
    WORLDS_SUM,
    WORLDS_COUNT,
    WORLDS_RATE,
    WORLDS_INCREASE,
    WORLDS_SHARE,
    WORLDS_P90,
    WORLDS_ABSENT,
    WORLDS_PATTERN,
    WORLDS_CONFIRMED, /* a pattern, and numbers */
    WORLDS_ALERT,     /* of another system */
    WORLDS_EXPR,      /* PromQL: a comparison */
    WORLDS_EXPR_SUM,
    WORLDS_EXPR_RATE,
    WORLDS_EXPR_AND, /* with another metric, which has a sample of its own */
    WORLDS_EXPR_UNLESS,
    WORLDS_EXPR_ABSENT,
    WORLDS_RULE__COUNT
};

struct worlds_rule {
    enum worlds_rule_kind kind;
    uint32_t number; /* of its name and metric */
    uint32_t category, policy;
    bool gone, latched, shadow, per_label, clears_apart;
    const char *for_text; /* NULL: none */
    uint32_t count, reporters;
    bool per_customer, within;
};

struct worlds_step {
    char targets[96];
    const char *channel; /* NULL: any */
    const char *wait;
    bool during, urgent; /* the office's hours */
};

struct worlds_policy {
    struct worlds_step steps[4];
    uint32_t step_count;
    uint32_t repeat_from; /* 0: not said */
};

enum worlds_duty {
    WORLDS_NO_DUTY,
    WORLDS_DAY_AND_NIGHT,
    WORLDS_AT_THE_CHANGE, /* handed over at half past two in the night */
    WORLDS_WEEKS,
    WORLDS_WITH_GAPS,
    WORLDS_DUTY__COUNT
};

#define WORLDS_POLICIES   4 /* besides "operators" */
#define WORLDS_CATEGORIES 4

struct worlds_firm {
    struct worlds_person people[WORLDS_PEOPLE];
    uint32_t people_count;
    uint32_t team[2]; /* sets of indices */
    uint32_t readers; /* of the room */
    struct worlds_policy policies[WORLDS_POLICIES], operators;
    uint32_t policy_count;
    struct {
        const char *guidance, *due, *severity;
        uint32_t policy;
    } categories[WORLDS_CATEGORIES];
    uint32_t category_count;
    struct worlds_rule rules[WORLDS_RULES];
    uint32_t rule_count;
    const char *ack_default, *ack_max, *fail_after, *rearm, *slow_retry;
    uint32_t fail_attempts;
    bool tight;      /* the lowest limits */
    uint32_t office; /* its hours: which of a few */
    struct {
        const char *to, *at; /* at NULL: none */
    } weekly;
    uint32_t season; /* its zone, and the day of the year that a world begins on */
    struct {
        enum worlds_duty shape;
        uint32_t members[3]; /* two take turns; with swap the third stands in once */
        bool swap;
    } duty;
};

extern const char *const worlds_channels[WORLDS_CHANNELS + 1];

void worlds_firm_make(struct worlds_rng *rng, struct worlds_firm *firm);
/* A change as a reload brings it: people and rules come and go, policies and readers change. */
void worlds_firm_change(struct worlds_rng *rng, struct worlds_firm *firm);
/* Calendars end a text: worlds_duty_write() behind all else. */
void worlds_firm_write(const struct worlds_firm *firm, struct fa_buf *buf);
bool worlds_firm_is_sound(const struct worlds_firm *firm);

/* ---- worlds_rules.c ---- */

void worlds_rule_make(struct worlds_rng *rng, const struct worlds_firm *firm,
                      struct worlds_rule *rule, uint32_t number);
void worlds_rule_write(const struct worlds_rule *rule, struct fa_buf *buf);
/* Over what people file; over samples. */
bool worlds_is_filed(const struct worlds_rule *rule);
bool worlds_is_fed(const struct worlds_rule *rule);
/* Has the rule a second metric, which opens or shuts it? */
bool worlds_has_switch(const struct worlds_rule *rule);
/* It fires on low numbers. */
bool worlds_is_below(const struct worlds_rule *rule);

/* ---- worlds_hours.c: zone, hours, leave, duty, weekly digests ---- */

void worlds_season_make(struct worlds_rng *rng, struct worlds_firm *firm);
/* How far the clock steps first; NULL: it does not. */
const char *worlds_season_begins(const struct worlds_firm *firm);
void worlds_times_make(struct worlds_rng *rng, struct worlds_firm *firm);
void worlds_weekly_make(struct worlds_rng *rng, struct worlds_firm *firm);
void worlds_times_change(struct worlds_rng *rng, struct worlds_firm *firm);
void worlds_times_write(const struct worlds_firm *firm, struct fa_buf *buf);
void worlds_leave_change(struct worlds_firm *firm, uint32_t person);
void worlds_duty_make(struct worlds_rng *rng, struct worlds_firm *firm);
void worlds_duty_write(const struct worlds_firm *firm, struct fa_buf *buf);

/* ---- worlds_make.c ---- */

/* The scenario of a seed; the caller frees it. *ret_steady: nothing in it depends on when the
 * daemon was restarted, so it must bear --restart-everywhere. */
char *worlds_make(uint64_t seed, bool *ret_steady);

/* ---- worlds_shrink.c ---- */

/* A smaller text that fails in the same way, within `seconds`; the caller frees it. */
char *worlds_shrink(const char *text, bool steady, double seconds);
/* Plays a text as --seeds does. */
void worlds_judge(const char *name, const char *text, bool steady,
                  struct fa_lab_result *ret_result);

/* ---- worlds_watch.c ---- */

/* From here the program's end is this world's failure: an abort, or too much time. */
void worlds_watch(uint64_t seed);
void worlds_watch_ends(void);

/* ---- worlds_cover.c ---- */

void worlds_cover_add(struct fa_lab_cover *sum, const struct fa_lab_cover *one);
void worlds_cover_print(const struct fa_lab_cover *cover, FILE *out);
/* Cells of the state table that can be reached and were not. */
size_t worlds_cover_missing(const struct fa_lab_cover *cover);

#endif
