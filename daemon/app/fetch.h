/* SPDX-License-Identifier: MIT */
/* A fetch job, between the file that runs it (fetch.c) and the one that makes it, keeps it over a
 * reload and tells of it (fetch_jobs.c). */
#ifndef FA_APP_FETCH_H
#define FA_APP_FETCH_H

#include "app/internal.h"
#include "fetcher/link.h"
#include "fetcher/plan.h"

enum fa_job_state { FA_FETCH_UNKNOWN, FA_FETCH_UP, FA_FETCH_DOWN };

struct fa_fetch_job {
    struct fa_daemon *daemon;
    const struct fa_fetch_entry *entry; /* of the running configuration */
    struct fa_feed_socket source;       /* its decoder and its place in the metrics */
    struct fa_turns turns;
    fa_time unknown_at; /* mono; if no result comes before */
    uint64_t run;       /* under way; 0: none */
    struct fa_pull pull;
    struct fa_intake intake; /* open from the first piece of a body to its end */
    struct firealarm_request view;
    char type[FA_FETCH_TYPE_MAX + 1]; /* the answer's Content-Type */
    struct firealarm_label header;
    bool spoilt; /* the decoder takes no more of this body */
    char error[FA_FETCH_ERROR_MAX + 1];
    enum fa_job_state state;
    fa_time duration;
    uint32_t status;
    uint64_t bytes, samples, runs, failures;
    unsigned in_vain; /* heartbeats since the last that was taken */
};

/* beat.c */
#define FA_BEAT_TRIES 3u /* in vain, and operators hear of it */
/* May one leave? Else a proof is asked for, and this is to be asked again. */
bool fa_beat_may_leave(struct fa_daemon *daemon);
bool fa_beat_is_awaited(const struct fa_daemon *daemon);
void fa_beat_left(struct fa_daemon *daemon);
/* After heartbeats were taken or not, or are others. */
void fa_beat_tell(struct fa_daemon *daemon);

/* Nothing is known of it: what it brought is stale, and `up` too. */
void fa_fetch_forget(struct fa_fetch_job *job);
/* fa_fetch_bind() but for the fetcher. */
void fa_fetch_bind_jobs(struct fa_daemon *daemon);
/* Starts the fetcher, or stops it, as there are jobs or none, and what is due. */
void fa_fetch_go(struct fa_daemon *daemon);
void fa_fetch_stop_child(struct fa_daemon *daemon);

#endif
