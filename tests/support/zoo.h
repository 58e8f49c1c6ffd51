/* SPDX-License-Identifier: MIT */
/* The zoo of tests/support/zoo.py for tests in C: its animals as a table, and what they saw. */
#ifndef FA_TEST_ZOO_H
#define FA_TEST_ZOO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define ZOO_MAX 200

enum zoo_verdict { ZOO_SENT, ZOO_LATER, ZOO_REJECTED, ZOO_FAILS };

struct animal {
    char name[40], options[512], address[64]; /* of a channel that leads there */
    enum zoo_verdict verdict;
    char word[64]; /* in the daemon's log line about a try; "": none */
};

struct zoo {
    struct animal animals[ZOO_MAX];
    size_t count;
    char log[200];
    pid_t pid;
    int input;
};

/* Fails the test when it does not start. log: a file to be made. names: the address on loopback
 * where its name server is to be (port 53), or NULL for no animals that are names. */
void zoo_open(struct zoo *zoo, const char *log, const char *names);
void zoo_close(struct zoo *zoo); /* accepts one of zeros */

struct zoo_event {
    int64_t at;      /* as rig_ms() */
    char what[16];   /* contact, request, mail, ... */
    char words[160]; /* what follows it */
};

/* What happened at that animal (NULL: at any) in its order, the events called `what` (NULL: all);
 * the caller frees. */
struct zoo_event *zoo_events(const struct zoo *zoo, const char *name, const char *what,
                             size_t *ret_count);
size_t zoo_count(const struct zoo *zoo, const char *name, const char *what);

#endif
