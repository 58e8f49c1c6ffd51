/* SPDX-License-Identifier: MIT */
/* Samples of the past for `firealarm backtest`: from a file or from a server that speaks
 * Prometheus' HTTP API. */
#ifndef FA_CLIENT_PAST_H
#define FA_CLIENT_PAST_H

#include "client/client.h"
#include "config/config.h"
#include "lab/history.h"

struct fa_past {
    const char *from;               /* a file, "-", or a URL that begins with http */
    const char *metric;             /* of CSV that names none; may be NULL */
    fa_time begin, end;             /* asked of a server */
    fa_time step;                   /* between samples that a server gives */
    const struct fa_config *config; /* a server is asked for what its rules read */
};

bool fa_past_is_url(const char *from);
/* Fills the history. FA_EIO: cannot be opened or reached; FA_EPARSE, FA_ETOOBIG, FA_EPROTO. */
int fa_past_load(struct fa_client *client, const struct fa_past *past, struct fa_history *history,
                 struct fa_err *err) FA_MUST_CHECK;

/* On a terminal, one line that is written over; done: 0 to 1, and above 1 it goes away. */
void fa_past_progress(struct fa_client *client, const char *what, double done);

#endif
