/* SPDX-License-Identifier: MIT */
/* Another system's server, run beside ours for comparison: in a directory of its own, on a free
 * port of 127.0.0.1, killed with the bench. */
#ifndef FA_BENCH_PEER_H
#define FA_BENCH_PEER_H

#include <stddef.h>
#include <sys/types.h>

struct peer {
    char dir[64];
    unsigned port; /* free when the peer was opened */
    pid_t pid;
};

/* The program that the environment names, else the first of the places that is there; NULL: none.
 * places end with NULL. */
const char *peer_program(const char *variable, const char *const *places);

/* The same, with /usr/bin/NAME as the only place. */
const char *peer_installed(const char *variable, const char *name);

void peer_open(struct peer *peer);
/* A file of its configuration. */
void peer_write(const struct peer *peer, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Its output goes to DIR/log. Waits until GET ready is answered 200. */
void peer_start(struct peer *peer, const char *const *argv, const char *ready);
void peer_close(struct peer *peer);

unsigned peer_free_port(void);
/* A connection to 127.0.0.1; -1: refused. */
int peer_connect(unsigned port);

#endif
