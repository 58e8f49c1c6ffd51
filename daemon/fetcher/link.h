/* SPDX-License-Identifier: MIT */
/* The daemon's side of the fetcher: starts firealarm-fetcher, gives it runs, and takes what came of
 * them (child/child.h for start, watch and replacement). Knows no loop: the caller watches
 * fa_fetch_link_child()->fd, calls in when something happens and again at the next deadline.
 *
 * A fetcher that sits on a run, sends more of a body than was asked for or speaks of a run that is
 * not under way is ended. Every run that was open at an end fails. */
#ifndef FA_FETCHER_LINK_H
#define FA_FETCHER_LINK_H

#include "child/child.h"
#include "fetcher/frame.h"

#define FA_FETCH_OPEN_MAX 64u /* runs under way: each is a process */

struct fa_fetch_link_config {
    const char *path; /* of firealarm-fetcher */
    const char *credentials_dir;
    char *const *env; /* see fa_child_config */
};

/* Called from within the functions below; they may call fa_fetch_link_run, not _free. */
struct fa_fetch_link_callbacks {
    /* A piece of the body, before on_done. */
    void (*on_body)(void *ctx, const struct fa_fetch_body *body);
    /* Exactly once for each run that was taken, also when the fetcher ends. */
    void (*on_done)(void *ctx, const struct fa_fetch_done *done);
    void (*on_log)(void *ctx, uint32_t level, const char *text);
    /* As in struct fa_child_callbacks; after an end each open run's on_done follows. */
    void (*on_state)(void *ctx, enum fa_child_state state, const char *why);
};

struct fa_fetch_link;

/* The config's texts are copied, env is borrowed. */
struct fa_fetch_link *fa_fetch_link_new(const struct fa_fetch_link_config *config,
                                        const struct fa_fetch_link_callbacks *callbacks, void *ctx);
/* Kills and reaps; open runs get no word any more. Accepts NULL. */
void fa_fetch_link_free(struct fa_fetch_link *link);

/* 0: taken. FA_EAGAIN: no fetcher is up. FA_EFULL: too many are under way. FA_EEXISTS: that n is.
 * FA_ETOOBIG: it never fits a frame. */
int fa_fetch_link_run(struct fa_fetch_link *link, const struct fa_fetch_run *run,
                      struct fa_now now) FA_MUST_CHECK;
size_t fa_fetch_link_open_count(const struct fa_fetch_link *link);

/* For fa_child_start, _stop, _on_readable, _on_writable and what may be read of it. */
struct fa_child *fa_fetch_link_child(struct fa_fetch_link *link);
/* In place of fa_child_on_tick and fa_child_next_deadline. */
void fa_fetch_link_on_tick(struct fa_fetch_link *link, struct fa_now now);
fa_time fa_fetch_link_next_deadline(const struct fa_fetch_link *link);

#endif
