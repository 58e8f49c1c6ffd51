/* SPDX-License-Identifier: MIT */
/* The client's own configuration: where the daemon is and who we are to it. */
#ifndef FA_CLIENT_SETTINGS_H
#define FA_CLIENT_SETTINGS_H

#include "base/str.h"

#define FA_DEFAULT_SOCKET "/run/firealarm/api.sock"

struct fa_world;

struct fa_settings {
    char *file;      /* what was read; NULL: the defaults */
    char *socket;    /* of the daemon's api listener; NULL when url is set */
    char *url;       /* "https://host[:port]" without a path; NULL when socket is set */
    char *ca;        /* PEM file of the authority to trust; NULL: the machine's */
    char *token;     /* the bearer token itself; NULL: none */
    char *spool;     /* directory; NULL: below the state directory */
    fa_time timeout; /* for one request */
};

/* Reads `path`, or when it is NULL the person's client.cfg, or else the machine's, or else takes
 * the defaults. FA_EPARSE and FA_EINVAL name file and line; FA_EDENIED: others can read the token.
 */
int fa_settings_load(const struct fa_world *world, const char *path,
                     struct fa_settings *ret_settings, struct fa_err *err) FA_MUST_CHECK;
/* The token is wiped. */
void fa_settings_done(struct fa_settings *settings);

#endif
