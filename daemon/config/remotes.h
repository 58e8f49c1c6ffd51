/* SPDX-License-Identifier: MIT */
/* Calendars that lie elsewhere. Whoever reads a configuration leaves word here which are wanted;
 * somebody else fetches them, and it is read once more. What was fetched stands in the place of the
 * copy in its file, which is written when the configuration with it holds. */
#ifndef FA_CONFIG_REMOTES_H
#define FA_CONFIG_REMOTES_H

#include "base/buf.h"
#include "config/config.h"

#define FA_REMOTE_TIME  (30 * FA_SECOND)  /* for one, in all */
#define FA_REMOTE_BYTES ((size_t)1 << 20) /* of one */

enum fa_remote_state { FA_REMOTE_WANTED, FA_REMOTE_FETCHED, FA_REMOTE_FAILED };

/* Texts are owned. */
struct fa_remote {
    char *url, *file;                   /* file: where its copy lies, absolute */
    char *user, *password, *token, *ca; /* as in struct fa_fetch_entry */
    bool allow_private;
    enum fa_remote_state state;
    struct fa_buf text; /* FETCHED */
    char *error;        /* FAILED */
};

struct fa_remotes {
    struct fa_remote **items;
    size_t count;
    bool all; /* also those of which there is a copy */
};

struct fa_remotes *fa_remotes_new(bool all);
void fa_remotes_free(struct fa_remotes *remotes); /* accepts NULL */
/* Wants what the entry (of which the address and what goes with it count) says, unless there is a
 * copy that will do. FA_EEXISTS: another address has this file. */
int fa_remotes_want(struct fa_remotes *remotes, const struct fa_fetch_entry *entry,
                    const char *file) FA_MUST_CHECK;
/* NULL: it was not wanted. */
struct fa_remote *fa_remotes_find(const struct fa_remotes *remotes, const char *file);
/* Of all that was wanted it is known what became of it. */
bool fa_remotes_is_ready(const struct fa_remotes *remotes);

#endif
