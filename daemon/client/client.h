/* SPDX-License-Identifier: MIT */
/* What a command works with. main() reads the process (streams, environment, clock) into a
 * fa_world; nothing below it looks at them again, so that a test can be the world. */
#ifndef FA_CLIENT_CLIENT_H
#define FA_CLIENT_CLIENT_H

#include "base/buf.h"
#include "client/exits.h"
#include "client/screen.h"
#include "client/settings.h"
#include "client/spool.h"

/* All borrowed; must outlive the run. */
struct fa_world {
    int in;          /* answers and texts are read from here */
    FILE *out, *err; /* results; the conversation and complaints */
    bool in_tty, out_tty, err_tty;
    bool no_colour;                                    /* NO_COLOR is set or the terminal is dumb */
    unsigned columns;                                  /* of the terminal; 0: unknown */
    bool ascii;                                        /* the locale knows no other characters */
    const char *config_home, *state_home, *cache_home; /* absolute, as in XDG's base directories */
    const char *system_config;                         /* the machine's client.cfg */
    fa_time now;
};

/* Lines from a terminal or a pipe; see ask.h. */
struct fa_lines {
    struct fa_buf buf;
    bool eof;
};

struct fa_client {
    const struct fa_world *world;
    struct fa_settings settings;
    struct fa_spool spool;
    struct fa_screen out, talk; /* results on world->out, everything else on world->err */
    struct fa_lines lines;
    bool json;        /* --json: the daemon's own words */
    bool interactive; /* somebody is there who can be asked */
};

/* Runs one command line; returns the exit code. The one entry of this room. */
int fa_client_main(const struct fa_world *world, int argc, const char *const *argv);

#endif
