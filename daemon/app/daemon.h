/* SPDX-License-Identifier: MIT */
/* The daemon: wiring of all rooms, one loop turn, start, reload and stop. */
#ifndef FA_APP_DAEMON_H
#define FA_APP_DAEMON_H

#include "config/config.h"
#include "host/plugins.h"

struct fa_daemon_options {
    const char *config;      /* path of the main file */
    const char *plugins;     /* directory of decoders/, notifiers/, stores/ */
    const char *courier;     /* path of firealarm-courier */
    const char *fetcher;     /* path of firealarm-fetcher */
    const char *calendar;    /* path of firealarm-calendar; NULL: the installed one */
    const char *state;       /* where accepted.cfg is kept; NULL: nowhere */
    const char *witness;     /* where `head` is kept, outside the store; NULL: nowhere */
    const char *credentials; /* systemd's credential directory; NULL: none */
    bool quiet_start;        /* no line for each listener */
};

/* sysexits: what systemd and people go by. */
#define FA_EXIT_OK      0
#define FA_EXIT_FAILED  1
#define FA_EXIT_USAGE   2
#define FA_EXIT_BUSY    73 /* another daemon holds the store */
#define FA_EXIT_UNKNOWN 74 /* the outcome of a commit is unknown: recover from disk */
#define FA_EXIT_CONFIG  78 /* no configuration that can be proved */

/* Runs until SIGTERM or SIGINT; gives the exit status. */
int fa_daemon_run(const struct fa_daemon_options *options);
/* Puts the copy in directory `from` in place of the store, which no daemon may have in use; asks
 * before it does so unless `yes`. An exit status. */
int fa_daemon_restore(const struct fa_daemon_options *options, const char *from, bool yes);
/* Reads and proves the configuration, prints every fault on stderr; an exit status. */
int fa_daemon_check(const struct fa_daemon_options *options);

#endif
