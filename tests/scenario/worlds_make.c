/* SPDX-License-Identifier: MIT */
/* What happens in a random world. Each world has a leaning (people who own, data that flap, broken
 * receivers, crashes, reloads, clocks, floods ...), so that rare places are reached by worlds that
 * go there again and again. What cannot be done when its time comes is left out (`maybe`).
 *
 * A steady world has nothing in it that depends on the moment of a restart. A restart empties the
 * windows, by design, so there each sample says all: no windows, no `for`, one series and one kind
 * for each alarm; no receivers that are slow, no crash. */
#include "worlds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECEIPTS_MAX     64
#define ONE_OF(rng, ...) worlds_one_of((rng), (const char *const[]){__VA_ARGS__, NULL})

struct maker {
    struct worlds_rng rng;
    struct worlds_firm firm;
    struct fa_buf *out;
    uint32_t receipts[RECEIPTS_MAX]; /* the category of each */
    uint32_t receipt_count;
    uint32_t hushes; /* silences that were asked for */
    uint32_t moods;  /* people with a mood of their own: set of indices */
    bool steady;
};

static const struct worlds_person *anybody(struct maker *m)
{
    return &m->firm.people[worlds_below(&m->rng, m->firm.people_count)];
}

/* Somebody whom the policy's first step is likely to tell. */
static const char *reader_of(struct maker *m, uint32_t policy)
{
    const char *targets = m->firm.policies[policy].steps[0].targets;
    if (worlds_chance(&m->rng, 25)) {
        return anybody(m)->name;
    }
    for (uint32_t i = 0; i < m->firm.people_count; i++) {
        char quoted[32];
        snprintf(quoted, sizeof quoted, "\"%s\"", m->firm.people[i].name);
        if (strstr(targets, quoted) != NULL) {
            return m->firm.people[i].name;
        }
    }
    return m->firm
        .people[strstr(targets, "independent") != NULL ? worlds_below(&m->rng, 2)
                : strstr(targets, "support") != NULL   ? 3u
                : strstr(targets, "sales") != NULL     ? 4u
                                                       : 2 + worlds_below(&m->rng, 2)]
        .name;
}

/* ---- alarms and series by name ---- */

/* Writes an alarm's name; returns who may own it. */
static const char *write_alarm(struct maker *m, struct fa_buf *buf)
{
    const struct worlds_rule *rule = &m->firm.rules[worlds_below(&m->rng, m->firm.rule_count)];
    uint32_t policy =
        rule->policy != WORLDS_NONE ? rule->policy : m->firm.categories[rule->category].policy;
    uint32_t receipt = m->receipt_count > 0 ? worlds_below(&m->rng, m->receipt_count) : 0;
    if (worlds_chance(&m->rng, 5)) {
        fa_buf_printf(buf, "firealarm:%s", ONE_OF(&m->rng, "channel-mail", "clock-stepped", "lab"));
        return m->firm.people[m->firm.people_count - 1].name;
    }
    if (m->receipt_count > 0 && worlds_chance(&m->rng, 45)) {
        fa_buf_printf(buf, "filing@F%u", receipt + 1);
        return reader_of(m, m->firm.categories[m->receipts[receipt]].policy);
    }
    fa_buf_printf(buf, "rule%u", rule->number);
    if (worlds_is_filed(rule) && rule->per_customer) {
        fa_buf_printf(buf, "{customer=\"%s\"}", ONE_OF(&m->rng, "Initech", "Globex"));
    } else if (worlds_is_filed(rule) && m->receipt_count > 0) {
        fa_buf_printf(buf, "@F%u", receipt + 1);
    } else if (!worlds_is_filed(rule) && rule->per_label) {
        fa_buf_printf(buf, "{queue=\"%s\"}", ONE_OF(&m->rng, "north", "north", "south"));
    }
    return reader_of(m, policy);
}

/* One over samples or alerts. */
static const struct worlds_rule *a_fed_rule(struct maker *m)
{
    uint32_t first = worlds_below(&m->rng, m->firm.rule_count);
    for (uint32_t i = 0; i < m->firm.rule_count; i++) {
        const struct worlds_rule *rule = &m->firm.rules[(first + i) % m->firm.rule_count];
        if (worlds_is_fed(rule) || rule->kind == WORLDS_ALERT) {
            return rule;
        }
    }
    return NULL;
}

static void write_series(struct maker *m, const struct worlds_rule *rule)
{
    bool is_switch = worlds_has_switch(rule) && worlds_chance(&m->rng, 40);
    const char *name = rule->kind == WORLDS_ALERT ? "A" : is_switch ? "s" : "m";
    fa_buf_printf(m->out, " %s%u", name, rule->number);
    if (rule->kind == WORLDS_CONFIRMED) {
        fa_buf_printf(m->out, "{customer=\"%s\"}", ONE_OF(&m->rng, "Initech", "Globex"));
    } else if (rule->per_label) {
        fa_buf_printf(m->out, "{queue=\"%s\"}", ONE_OF(&m->rng, "north", "north", "south"));
    } else if (worlds_chance(&m->rng, 20) && !m->steady) {
        fa_buf_puts(m->out, "{host=\"a\"}");
    }
}

/* ---- samples, alerts ---- */

/* One that fires has its end ahead, as Prometheus sends it; one that is over, behind. */
static void write_end(struct maker *m)
{
    fa_buf_printf(m->out, " ends %s",
                  ONE_OF(&m->rng, "+4m", "+4m", "+1m", "+1h", "-1s", "-1s", "-10m"));
}

static void write_values(struct maker *m, const struct worlds_rule *rule, bool fires)
{
    bool below = worlds_is_below(rule);
    const char *kind = NULL, *values = NULL;
    switch ((int)rule->kind) {
    case WORLDS_RATE:
    case WORLDS_INCREASE:
    case WORLDS_EXPR_RATE:
        kind = ONE_OF(&m->rng, "total", "total", "counter");
        values = fires ? "0,200,600,1000,20,400" : "7";
        break;
    case WORLDS_SHARE:
        values = fires ? "1,1,0,1" : "0,0,0,1";
        break;
    case WORLDS_P90:
        kind = "timer";
        values = fires ? "30,40,1" : "1,2";
        break;
    default:
        values = fires != below ? ONE_OF(&m->rng, "11", "20", "35,20,90", "99")
                                : ONE_OF(&m->rng, "0", "0.4", "0.1,0.2");
        values = below && !fires ? ONE_OF(&m->rng, "13", "20,30", "11") : values;
    }
    if (worlds_chance(&m->rng, 5) && !m->steady) {
        values = ONE_OF(&m->rng, "none", "20,none", "none,0", "7");
    }
    if (worlds_chance(&m->rng, 4) && !m->steady) {
        kind = ONE_OF(&m->rng, "gauge", "counter", "total", "timer", "set", "state");
    }
    fa_buf_printf(m->out, " %s%s%s", values, kind != NULL ? " as " : "", kind != NULL ? kind : "");
}

static void do_sample(struct maker *m, bool repeats)
{
    const struct worlds_rule *rule = a_fed_rule(m);
    if (rule == NULL) {
        return;
    }
    fa_buf_puts(m->out, rule->kind == WORLDS_ALERT ? "alert" : "metric");
    write_series(m, rule);
    if (rule->kind == WORLDS_ALERT) {
        write_end(m);
    } else {
        write_values(m, rule, worlds_chance(&m->rng, 60));
    }
    if (repeats) {
        fa_buf_printf(m->out, " every %s for %s", ONE_OF(&m->rng, "20s", "1m", "2m"),
                      ONE_OF(&m->rng, "8m", "30m", "2h", "5h"));
    }
    fa_buf_putc(m->out, '\n');
}

static void do_silence(struct maker *m)
{
    const struct worlds_rule *rule = a_fed_rule(m);
    if (rule != NULL && worlds_is_fed(rule)) {
        fa_buf_puts(m->out, worlds_chance(&m->rng, 50) ? "quiet" : "stale");
        write_series(m, rule);
        fa_buf_putc(m->out, '\n');
    }
}

/* ---- filings ---- */

static void do_file(struct maker *m)
{
    uint32_t category = worlds_below(&m->rng, m->firm.category_count);
    if (m->receipt_count == RECEIPTS_MAX) {
        return;
    }
    m->receipts[m->receipt_count++] = category;
    fa_buf_printf(m->out, "maybe file %s category=kind%u receipt=F%u",
                  worlds_chance(&m->rng, 15) ? "nobody" : anybody(m)->name, category + 1,
                  m->receipt_count);
    if (worlds_chance(&m->rng, 55)) {
        fa_buf_printf(m->out, " customer=%s", ONE_OF(&m->rng, "Initech", "Globex"));
    }
    if (worlds_chance(&m->rng, 45)) {
        uint32_t draw = worlds_below(&m->rng, 100);
        fa_buf_printf(m->out, " about=%s",
                      draw < 65   ? anybody(m)->name
                      : draw < 75 ? "role:leader"
                      : draw < 90 ? "team:support"
                                  : "team:sales");
        if (worlds_chance(&m->rng, 15)) {
            fa_buf_printf(m->out, ",%s", anybody(m)->name);
        }
    }
    if (worlds_chance(&m->rng, 20)) {
        fa_buf_printf(m->out, " strike=%s", anybody(m)->name);
    }
    if (worlds_chance(&m->rng, 25)) {
        fa_buf_printf(m->out, " level=%s", ONE_OF(&m->rng, "raise", "raise", "help", "solve"));
    }
    if (worlds_chance(&m->rng, 12)) {
        fa_buf_printf(m->out, " key=%s", ONE_OF(&m->rng, "k1", "k2"));
    }
    fa_buf_puts(m->out, "\n");
}

static void do_word(struct maker *m, const char *verb)
{
    if (m->receipt_count > 0) {
        fa_buf_printf(m->out, "maybe %s F%u \"one more word\"\n", verb,
                      1 + worlds_below(&m->rng, m->receipt_count));
    }
}

/* ---- deeds ---- */

static void do_deed(struct maker *m, const char *verb)
{
    struct fa_buf name;
    fa_buf_init(&name, 256);
    const char *who = write_alarm(m, &name);
    fa_buf_printf(m->out, "maybe %s %s by %s", verb, fa_buf_text(&name), who);
    if (strcmp(verb, "ack") == 0 && worlds_chance(&m->rng, 70)) {
        fa_buf_printf(m->out, " for %s", ONE_OF(&m->rng, "1m", "5m", "20m", "1h", "2d"));
    }
    fa_buf_puts(m->out, strcmp(verb, "comment") == 0 ? " \"I look at it\"\n" : "\n");
    fa_buf_done(&name);
}

static void do_recuse(struct maker *m)
{
    struct fa_buf name;
    fa_buf_init(&name, 256);
    const char *who = write_alarm(m, &name);
    fa_buf_printf(m->out, "maybe recuse %s by %s", fa_buf_text(&name), who);
    if (worlds_chance(&m->rng, 30)) {
        fa_buf_printf(m->out, " about %s", anybody(m)->name);
    }
    fa_buf_puts(m->out, "\n");
    fa_buf_done(&name);
}

static void do_operator(struct maker *m)
{
    fa_buf_printf(m->out, "maybe %s %s via %s\n", ONE_OF(&m->rng, "replay", "drop"),
                  anybody(m)->name, ONE_OF(&m->rng, "mail", "pager", "chat"));
}

/* ---- what breaks ---- */

static void do_receiver(struct maker *m, bool heals)
{
    const char *mood = heals       ? "ok"
                       : m->steady ? ONE_OF(&m->rng, "404", "ok")
                                   : ONE_OF(&m->rng, "503", "404", "hang", "lost", "404");
    if (m->steady) { /* or a restart would try again what was refused the moment before */
        fa_buf_puts(m->out, "advance 1s\n");
    }
    fa_buf_printf(m->out, "receiver %s %s", worlds_one_of(&m->rng, worlds_channels), mood);
    /* One channel that works and fails at one instant is a trouble or none, by the order of
     * answers. */
    if (worlds_chance(&m->rng, 35) && !m->steady) {
        uint32_t person = worlds_below(&m->rng, m->firm.people_count);
        m->moods |= 1u << person;
        fa_buf_printf(m->out, " for %s", m->firm.people[person].name);
    }
    fa_buf_putc(m->out, '\n');
}

static void do_crash(struct maker *m)
{
    fa_buf_printf(m->out, "maybe crash%s", worlds_chance(&m->rng, 30) ? " kept" : "");
    if (worlds_chance(&m->rng, 40)) {
        fa_buf_printf(m->out, " for %s", ONE_OF(&m->rng, "1s", "3m", "50m", "9h", "3d"));
    }
    fa_buf_putc(m->out, '\n');
}

static void do_down(struct maker *m)
{
    if (worlds_chance(&m->rng, 50)) {
        fa_buf_printf(m->out, "maybe restart after %s\n",
                      ONE_OF(&m->rng, "0s", "10s", "7m", "2h", "20h", "8d"));
    } else {
        fa_buf_puts(m->out, worlds_chance(&m->rng, 50) ? "maybe stop\n" : "maybe start\n");
    }
}

static void do_jump(struct maker *m)
{
    fa_buf_printf(m->out, "jump clock %s%s\n", worlds_chance(&m->rng, 50) ? "+" : "-",
                  ONE_OF(&m->rng, "2m", "30m", "1h", "1d", "365d"));
}

static void do_store(struct maker *m)
{
    if (worlds_chance(&m->rng, 40)) {
        fa_buf_printf(m->out, "fail store %u\n", 1 + worlds_below(&m->rng, 200));
    } else {
        fa_buf_printf(m->out, "store takes %s\n", ONE_OF(&m->rng, "0s", "0s", "20ms", "2s", "40s"));
    }
}

/* By the one who is an operator in every firm. */
static void do_drill(struct maker *m)
{
    uint32_t policy = 1 + worlds_below(&m->rng, m->firm.policy_count);
    const char *within = ONE_OF(&m->rng, "", " within 40s", " within 31m");
    fa_buf_printf(m->out, "maybe drill climb%u by %s%s%s\n", policy,
                  m->firm.people[m->firm.people_count - 1].name, within,
                  worlds_chance(&m->rng, 50) ? " now" : "");
}

static void do_trouble(struct maker *m)
{
    if (worlds_chance(&m->rng, 50)) {
        do_drill(m);
        return;
    }
    fa_buf_printf(m->out, "maybe trouble lab%s\n", worlds_chance(&m->rng, 40) ? " over" : "");
}

/* ---- configurations ---- */

static void write_block(struct maker *m, const char *verb, const char *more)
{
    fa_buf_printf(m->out, "%s <<END\n", verb);
    worlds_firm_write(&m->firm, m->out);
    fa_buf_puts(m->out, more);
    worlds_duty_write(&m->firm, m->out);
    fa_buf_puts(m->out, "END\n");
}

static void do_reload(struct maker *m)
{
    worlds_firm_change(&m->rng, &m->firm);
    write_block(m, "maybe reload", "");
}

static void do_refused(struct maker *m)
{
    static const char *const bad[] = {
        "policies",      "rules",      "categories", /* given twice */
        "nonsense = 1;", "people = (", "times = { rearm = \"1 fortnight\"; };",
        "company = 5;",  NULL};
    const char *one = worlds_one_of(&m->rng, bad);
    char more[64];
    snprintf(more, sizeof more, strpbrk(one, "=") != NULL ? "%s\n" : "%s = ( );\n", one);
    write_block(m, "maybe reload refused", more);
}

/* ---- floods ---- */

static void do_flood(struct maker *m)
{
    const struct worlds_rule *rule = a_fed_rule(m);
    if (worlds_chance(&m->rng, 50) || rule == NULL || !rule->per_label || !worlds_is_fed(rule)) {
        fa_buf_printf(m->out, "maybe file %s category=kind1 times %u\n",
                      worlds_chance(&m->rng, 30) ? "nobody" : anybody(m)->name,
                      60 + worlds_below(&m->rng, 60));
        return;
    }
    bool below = worlds_is_below(rule);
    uint32_t count = 80 + worlds_below(&m->rng, 40);
    for (uint32_t i = 0; i < count; i++) {
        fa_buf_printf(m->out, "metric m%u{queue=\"q%u\"} %s\n", rule->number, i,
                      below ? "1" : "50");
    }
}

/* A person silences alarms, or ends that. */
static void do_hush(struct maker *m)
{
    const struct worlds_rule *rule = &m->firm.rules[worlds_below(&m->rng, m->firm.rule_count)];
    const char *who = worlds_chance(&m->rng, 50)
                          ? m->firm.people[m->firm.people_count - 1].name
                          : reader_of(m, rule->policy != WORLDS_NONE ? rule->policy : 0);
    if (m->hushes > 0 && worlds_chance(&m->rng, 30)) {
        fa_buf_printf(m->out, "maybe unsilence S%u by %s\n", 1 + worlds_below(&m->rng, m->hushes),
                      who);
        return;
    }
    fa_buf_printf(m->out, "maybe silence S%u \"", ++m->hushes);
    if (worlds_chance(&m->rng, 40)) {
        fa_buf_printf(m->out, "rule=rule%u", rule->number);
    } else {
        fa_buf_puts(m->out, ONE_OF(&m->rng, "category=~.+", "queue=north", "rule=~rule.*",
                                   "severity=~.+ queue!=south"));
    }
    fa_buf_printf(m->out, "\" by %s for %s", who, ONE_OF(&m->rng, "5m", "31m", "2h", "26h", "3d"));
    fa_buf_puts(m->out, ONE_OF(&m->rng, "\n", "\n", " after 10m\n", " upto warning\n"));
}

/* ---- leanings ---- */

enum deed {
    FILE_IT,
    SAMPLE,
    REPEAT,
    SILENCE,
    ACK,
    RESOLVE,
    COMMENT,
    WORD,
    DONE,
    BREAK,
    HEAL,
    COURIER,
    CRASH,
    DOWN,
    JUMP,
    STORE,
    RELOAD,
    REFUSED,
    TEST,
    OPERATE,
    TROUBLE,
    FLOOD,
    WAIT,
    WAIT_LONG,
    HUSH,
    DEED__COUNT
};

enum leaning {
    MIXED,
    OWNED,
    FLAPPING,
    BROKEN,
    CRASHING,
    RELOADED,
    CLOCKS,
    FLOODED,
    STEADY,
    LEANING__COUNT
};

/* clang-format off */
static const uint8_t weights[LEANING__COUNT][DEED__COUNT] = {
    /*            file smp rep sil ack res com wrd don brk hea cou cra dwn jmp sto rel ref tst opr tro flo wai lng hus */
    [MIXED]    = { 12, 10,  8,  3, 12,  4,  2,  2,  3,  5,  3,  4,  4,  3,  2,  3,  3,  1,  1,  2,  2,  0, 20,  6,  4},
    [OWNED]    = { 10, 10,  5,  1, 28,  4,  2,  2,  2,  2,  1,  1,  2,  2,  0,  0,  1,  0,  0,  1,  3,  0, 18, 10,  4},
    [FLAPPING] = {  2, 36, 10,  6,  8,  5,  0,  0,  0,  1,  1,  0,  1,  1,  0,  0,  1,  0,  0,  0,  2,  0, 24,  4,  6},
    [BROKEN]   = { 12, 10,  3,  1,  6,  2,  0,  0,  0, 22,  6,  8,  3,  2,  0,  0,  1,  0,  3,  6,  1,  0, 18,  6,  3},
    [CRASHING] = { 14, 10,  3,  1, 12,  4,  2,  3,  3,  3,  2,  4, 20,  8,  1, 14,  1,  0,  0,  1,  1,  0, 18,  3,  4},
    [RELOADED] = { 18, 10,  4,  1, 10,  3,  1,  1,  2,  4,  2,  3,  3,  2,  0,  3, 16,  4,  0,  1,  1,  0, 18,  4,  4},
    [CLOCKS]   = { 10, 10,  6,  1, 14,  3,  0,  0,  2,  2,  1,  0,  3, 10, 20,  1,  0,  0,  0,  0,  1,  0, 20,  4,  6},
    [FLOODED]  = {  4,  4,  2,  1,  8,  4,  0,  0,  2,  4,  3,  1,  2,  1,  0,  1,  0,  0,  0,  1,  1, 16, 16,  0,  2},
    [STEADY]   = { 20, 16,  0,  0, 18,  8,  3,  3,  5,  4,  0,  0,  0,  0,  0,  0,  0,  2,  0,  0,  2,  0, 26,  6,  2},
};
/* clang-format on */

static enum deed draw_deed(struct maker *m, enum leaning leaning)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < DEED__COUNT; i++) {
        sum += weights[leaning][i];
    }
    uint32_t draw = worlds_below(&m->rng, sum);
    size_t i = 0;
    while (draw >= weights[leaning][i]) {
        draw -= weights[leaning][i++];
    }
    return (enum deed)i;
}

static void do_one(struct maker *m, enum deed deed)
{
    switch (deed) {
    case FILE_IT:
        do_file(m);
        break;
    case SAMPLE:
        do_sample(m, false);
        break;
    case REPEAT:
        do_sample(m, true);
        break;
    case SILENCE:
        do_silence(m);
        break;
    case ACK:
        do_deed(m, "ack");
        break;
    case RESOLVE:
        do_deed(m, "resolve");
        break;
    case COMMENT:
        if (worlds_chance(&m->rng, 50)) {
            do_recuse(m);
        } else {
            do_deed(m, "comment");
        }
        break;
    case WORD:
        do_word(m, "word");
        break;
    case DONE:
        do_word(m, "done");
        break;
    case BREAK:
        do_receiver(m, false);
        break;
    case HEAL:
        do_receiver(m, true);
        break;
    case COURIER:
        fa_buf_puts(m->out, worlds_chance(&m->rng, 40) ? "courier dies\n" : "courier returns\n");
        break;
    case CRASH:
        do_crash(m);
        break;
    case DOWN:
        do_down(m);
        break;
    case JUMP:
        do_jump(m);
        break;
    case STORE:
        do_store(m);
        break;
    case RELOAD:
        do_reload(m);
        break;
    case REFUSED:
        do_refused(m);
        break;
    case TEST:
        fa_buf_printf(m->out, "maybe test %s\n", anybody(m)->name);
        break;
    case OPERATE:
        do_operator(m);
        break;
    case TROUBLE:
        do_trouble(m);
        break;
    case FLOOD:
        do_flood(m);
        break;
    case WAIT:
        fa_buf_printf(m->out, "advance %s\n",
                      ONE_OF(&m->rng, "100ms", "1s", "15s", "61s", "3m", "6m", "11m", "31m"));
        break;
    case WAIT_LONG:
        fa_buf_printf(m->out, "advance %s\n", ONE_OF(&m->rng, "1h", "2h", "5h", "13h", "26h"));
        break;
    case HUSH:
        do_hush(m);
        break;
    case DEED__COUNT:
        break;
    }
}

/* Everything works again; whoever is owed a message gets it. */
static void do_end(struct maker *m, const char *last)
{
    fa_buf_puts(m->out, "advance 1s\n");
    for (size_t i = 0; i < WORLDS_CHANNELS; i++) {
        fa_buf_printf(m->out, "receiver %s ok\n", worlds_channels[i]);
        for (uint32_t p = 0; p < m->firm.people_count; p++) {
            if ((m->moods >> p & 1) != 0) {
                fa_buf_printf(m->out, "receiver %s ok for %s\n", worlds_channels[i],
                              m->firm.people[p].name);
            }
        }
    }
    fa_buf_puts(m->out, "fail store 0\nstore takes 0s\ncourier returns\nmaybe start\n"
                        "advance ");
    fa_buf_printf(m->out, "%s\nexpect no silence\n", last);
}

static void make_firm(struct maker *m, enum leaning leaning)
{
    do {
        worlds_firm_make(&m->rng, &m->firm);
        m->firm.season = leaning == STEADY ? 0 : m->firm.season;
        m->firm.tight = leaning == FLOODED;
        for (uint32_t i = 0; i < m->firm.rule_count; i++) {
            struct worlds_rule *rule = &m->firm.rules[i];
            if (leaning == STEADY) {
                rule->for_text = NULL;
                rule->kind = rule->kind == WORLDS_PATTERN ? WORLDS_PATTERN
                             : i % 2 == 0                 ? WORLDS_LAST
                                                          : WORLDS_LAST_BELOW;
            } else if (leaning == FLOODED || leaning == FLAPPING) {
                rule->kind = i % 2 == 0 ? WORLDS_LAST : rule->kind;
                rule->per_label = rule->per_label || i == 0;
            }
        }
    } while (!worlds_firm_is_sound(&m->firm));
}

char *worlds_make(uint64_t seed, bool *ret_steady)
{
    static const enum leaning leanings[] = {MIXED,    OWNED,  FLAPPING, BROKEN, CRASHING, RELOADED,
                                            CLOCKS,   STEADY, MIXED,    OWNED,  CRASHING, RELOADED,
                                            FLAPPING, BROKEN, STEADY,   FLOODED};
    struct fa_buf buf;
    struct maker m = {.rng = {seed}, .out = &buf};
    fa_buf_init(&buf, (size_t)4 << 20);
    worlds_next(&m.rng);
    enum leaning leaning = leanings[worlds_below(&m.rng, sizeof leanings / sizeof leanings[0])];
    m.steady = *ret_steady = leaning == STEADY;
    make_firm(&m, leaning);
    fa_buf_printf(&buf, "# World %llu\n", (unsigned long long)seed);
    write_block(&m, "config", "");
    if (!m.steady) {
        fa_buf_puts(&buf, "no restarts \"a world with windows, failures or crashes\"\n");
    }
    if (worlds_season_begins(&m.firm) != NULL) {
        fa_buf_printf(&buf, "jump clock +%s\n", worlds_season_begins(&m.firm));
    }
    uint32_t count = 20 + worlds_below(&m.rng, 40);
    for (uint32_t i = 0; i < count; i++) {
        do_one(&m, draw_deed(&m, leaning));
    }
    do_end(&m, leaning == FLOODED ? "40m" : "6h"); /* hundreds of climbs */
    fa_assert(!buf.over);
    return fa_buf_take(&buf);
}
