/* SPDX-License-Identifier: MIT */
/* The oracle of tests of faults: what the world outside the daemon knows. It notes what was filed
 * and answered, what was delivered and who took an alarm over; at the end it asks the daemon about
 * the rest, reads its journal when it has ended, and says what the promise lost.
 *
 * Lost: a receipt that the daemon no longer knows, whose filing has neither a delivery nor an open
 * deadline, or that changed between two tries under one key; an owner whose acknowledgement was
 * confirmed and is gone; a journal that does not verify.
 *
 * Missed: an open alarm without a next step on the clock, or with one that is overdue; a step that
 * was passed without a message; a level that went down; a message that no filing explains; the same
 * message under another key; one that waits in the outbox though its receiver takes everything.
 *
 * Duplicates: deliveries after one under the same key was accepted.
 *
 * Leaks: canaries where they must not be. Words of filings, names of reporters and subjects,
 * secrets and receipts in the log, the journal, /metrics, an error's text, the arguments or
 * environment of a process, a file that is not the store; any message to somebody it is about or
 * who is too near to them, as rig_company.h has it; a reporter's name in a message.
 *
 * Ways to use it: ledger_file() for each filing, again and again under whatever fault; then
 * ledger_check(), which settles, asks, ends the daemon and judges, and ledger_print(). One ledger
 * for one store. Alarms can be asked about by root only; others get what receipts can tell. */
#ifndef FA_TEST_LEDGER_H
#define FA_TEST_LEDGER_H

#include "daemon_rig.h"
#include "promise.h"

#include <time.h>

/* In every text and customer that the ledger files. */
#define LEDGER_CANARY "Zq7-CANARY"

struct ledger_filing {
    char category[32], about[32]; /* about: a person's name, "" for nobody */
    char receipt[64];             /* "": not answered yet */
    char alarm[32];               /* as a message or the daemon names it; "" */
    bool known;                   /* the daemon answers to the receipt */
    bool open, due;               /* it says: not closed; with a date of its own, so not climbing */
    bool delivered;
    bool changed; /* another receipt under the same key */
};

struct ledger_delivery {
    const char *path; /* borrowed, from the receiver; of a batch each member is a delivery */
    const char *body; /* a mail's with its parts decoded */
    char *decoded;    /* the ledger's own, or NULL */
    char key[128];    /* the same in every try */
    bool accepted;    /* answered with success */
    bool mail;
    char alarm[32], kind[24];    /* "": the body does not say */
    unsigned step, loop, filing; /* step 0: not said; filing: the first it speaks of, 0: none */
};

struct ledger_alarm {
    char id[32], state[24], owner[64];
    unsigned step, loop;
    bool listed;        /* at the last look; gone else */
    bool messages;      /* of it are still in the outbox */
    time_t next;        /* 0: no step on the clock */
    bool promised;      /* its owner's next word is on the clock */
    bool fell;          /* its level was higher at an earlier look */
    char confirmed[64]; /* who was told that he owns it; "" */
};

struct ledger_result {
    long lost, missed, duplicates, leaks;
    long most;                                    /* times that one message was accepted */
    size_t filings, receipts, deliveries, alarms; /* what there was to judge */
    char first_lost[256], first_missed[256], first_duplicate[256], first_leak[256];
};

struct ledger {
    struct ledger_filing *filings; /* number n is filings[n - 1] */
    size_t filing_count, filing_cap;
    struct ledger_delivery *deliveries;
    size_t delivery_count, delivery_cap;
    struct ledger_alarm *alarms;
    size_t alarm_count, alarm_cap;
    size_t received;   /* how many of the receiver's records were taken */
    bool asked_alarms; /* a look at the alarms succeeded */
    time_t now;        /* of the last look */
    time_t ahead;      /* by so much the daemon's wall clock is, where a test has moved it */
    long broken;       /* journals that do not verify */
    long leaks;        /* found so far */
    char first_leak[256], first_broken[256];
    const char *secrets[16]; /* borrowed; the rig's own are there */
    size_t secret_count;
    const char *store;  /* its directory within the rig's; "store" */
    int guard_ms;       /* how long a filing or deed waits for its answer; 0: the rig's */
    int patience_ms;    /* how long a settling ledger waits while nothing moves */
    bool may_wait;      /* receivers refuse or hang: the outbox need not be empty in the end */
    bool other_filings; /* somebody else files too: messages without a known filing are no fault */
};

struct ledger *ledger_new(void);
void ledger_free(struct ledger *ledger); /* accepts NULL */
/* A text that must be nowhere at all, such as a password. Borrowed. */
void ledger_secret(struct ledger *ledger, const char *secret);

/* ---- what happens ---- */

/* A new filing of that category, about that person (NULL: nobody); gives its number, from 1. */
unsigned ledger_add(struct ledger *ledger, const char *category, const char *about);
/* The same, every third about victor: then ruth is told, and none of those near to him. */
unsigned ledger_add_any(struct ledger *ledger, const char *category);
/* Sends it, or sends it again under the same key. The HTTP status, 0 for no answer. */
int ledger_file(struct ledger *ledger, struct rig *rig, unsigned n);
/* What is sent for it, for one that is sent by other means. */
#define LEDGER_BODY_MAX 512
void ledger_put_body(const struct ledger *ledger, unsigned n, char body[LEDGER_BODY_MAX]);
/* Its receipt. */
void ledger_note_receipt(struct ledger *ledger, unsigned n, const char *receipt);
/* Acknowledges as that person (root only), for 4 h. The HTTP status; 200 is noted. */
int ledger_own(struct ledger *ledger, struct rig *rig, const char *alarm, const char *person,
               unsigned uid);
/* The user of who is told of that filing first: chris, or ruth of one about victor. */
unsigned ledger_first_told(const struct ledger *ledger, unsigned n);
/* Acknowledges the alarm of that filing as that one. */
int ledger_take_over(struct ledger *ledger, struct rig *rig, unsigned n);
void ledger_note_owner(struct ledger *ledger, const char *alarm, const char *person);
/* The alarm of this filing as far as messages have named it; "" when none has. */
const char *ledger_alarm_of(struct ledger *ledger, struct rig *rig, unsigned n);
/* Takes what the receiver has got since. */
void ledger_take_deliveries(struct ledger *ledger, struct rig *rig);
void ledger_note_delivery(struct ledger *ledger, const struct received *item);
/* Looks at the alarms, so that a level that falls later is noticed. Needs a running daemon. */
void ledger_look(struct ledger *ledger, struct rig *rig);
/* One alarm as it was seen. */
void ledger_note_alarm(struct ledger *ledger, const struct ledger_alarm *alarm);

/* What a text is searched for; receipts count as secrets. */
enum { LEDGER_WORDS = 1, LEDGER_NAMES = 2, LEDGER_SECRETS = 4, LEDGER_ALL = 7 };
void ledger_scan(struct ledger *ledger, const char *where, unsigned what, const char *bytes,
                 size_t len);

/* ---- the end ---- */

/* Files again what has no receipt, and waits until all is told and the outbox is empty, or nothing
 * moves any more for patience_ms. */
void ledger_settle(struct ledger *ledger, struct rig *rig);
/* Asks the running daemon about receipts and alarms, and looks for canaries in it. */
void ledger_ask(struct ledger *ledger, struct rig *rig);
/* Reads the closed store's journal, the log and the files around it. */
void ledger_read_files(struct ledger *ledger, struct rig *rig);
/* What all of it means; looks at nothing but the ledger. */
void ledger_judge(const struct ledger *ledger, struct ledger_result *ret_result);

/* All of the above, in this order; starts the daemon if it does not run and ends it. Says the first
 * of each kind that it found. */
void ledger_check(struct ledger *ledger, struct rig *rig, struct ledger_result *ret_result);
/* For campaigns of several stores: adds one's result to the sum, which begins as {0}. */
void ledger_sum(struct ledger_result *sum, const struct ledger_result *one);
/* Puts the figures into the row and prints it; more duplicates than that fail the test too. */
void ledger_print(const struct ledger_result *result, const struct promise_row *row,
                  long duplicates_max);

#endif
