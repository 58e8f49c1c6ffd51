/* SPDX-License-Identifier: MIT */
/* A random company for tests of the whole daemon: people with managers, deputies, assistants,
 * delegates and leave, teams, roles, turns of duty, customers, policies, each with a webhook and a
 * mailbox of their own; what a reload changes of it; and who must not know of a filing, told once
 * more here from the lists alone. */
#ifndef FA_TEST_FIRM_H
#define FA_TEST_FIRM_H

#include "daemon_rig.h"

#include <stdint.h>
#include <time.h>

#define FIRM_PEOPLE 14
#define FIRM_LINE   10 /* those before are told, run things and can be accused */
enum { FIRM_OPS = FIRM_LINE, FIRM_RUTH, FIRM_LEO, FIRM_ZELDA };

struct firm_person {
    int manager; /* -1: nobody */
    uint32_t deputies, assistants, delegates;
    bool independent, is_operator, away, crew, seller;
    bool machine, mail_first; /* their webhook is a program's; their mailbox comes first */
    bool gone;                /* left the directory */
};

struct firm {
    uint64_t chance;
    time_t made;
    struct firm_person people[FIRM_PEOPLE];
    int conduit;         /* of Initech; Hooli has none but the sellers */
    int duty[3];         /* two take turns by the day, the third is on call each day */
    char policy[2][600]; /* the steps of "line" and "other" */
    char helpers[64];
};

extern const char *const firm_names[FIRM_PEOPLE];

uint64_t firm_draw(struct firm *firm, uint64_t below);
void firm_make(struct firm *firm, uint64_t seed);
/* People come under other managers, get other deputies, roles, leave and turns; one may leave. */
void firm_change(struct firm *firm);
/* As rig->config. */
void firm_write(struct firm *firm, struct rig *rig);
const char *firm_token(int person, char buf[96]);

/* Who must not learn of it, as a set of bits. */
uint32_t firm_kept_out(const struct firm *firm, uint32_t subjects, uint32_t struck);
/* Whom "about" means: a name, "team:crew", "role:seller", "conduit:Initech", "conduit:Hooli",
 * "account.conduit" (of Initech). */
uint32_t firm_meant(const struct firm *firm, const char *about);

#endif
