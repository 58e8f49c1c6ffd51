/* SPDX-License-Identifier: MIT */
/* What stands for the world in tests of the whole daemon: one thread with an HTTP and an SMTP
 * socket on loopback. It answers each path as it is told and writes down everything that came, in
 * the order in which it came. */
#ifndef FA_TEST_RECEIVER_H
#define FA_TEST_RECEIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECEIVER_HANG (-1) /* takes the request and never answers */

struct received {
    bool mail;
    int64_t at;    /* ms, monotonic */
    char path[64]; /* HTTP: the path; mail: the recipient */
    char key[128]; /* webhook-id, or a mail's Message-ID */
    int status;    /* what was answered */
    char *body;
};

struct receiver;

struct receiver *receiver_start(void);
void receiver_stop(struct receiver *receiver); /* accepts NULL */
unsigned receiver_http(const struct receiver *receiver);
unsigned receiver_smtp(const struct receiver *receiver);

/* From now on; 200 for a path nothing was said about. For mail: 250 or 550 and the like. */
void receiver_answer(struct receiver *receiver, const char *path, int status);
/* The same, with this body. Borrowed. */
void receiver_say(struct receiver *receiver, const char *path, int status, const char *body);

size_t receiver_count(struct receiver *receiver);
/* Number i in order of arrival; stays good until receiver_stop(). */
const struct received *receiver_at(struct receiver *receiver, size_t i);
/* How many came to this path (NULL: any) with a body that holds word (NULL: any). */
size_t receiver_matches(struct receiver *receiver, const char *path, const char *word);
/* The first of them; NULL. */
const struct received *receiver_find(struct receiver *receiver, const char *path, const char *word);

#endif
