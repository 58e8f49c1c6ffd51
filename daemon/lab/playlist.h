/* SPDX-License-Identifier: MIT */
/* A history's samples in the order of their times, pushed into metrics/ as one feed brings them. */
#ifndef FA_LAB_PLAYLIST_H
#define FA_LAB_PLAYLIST_H

#include "lab/history.h"
#include "metrics/metrics.h"

struct fa_playlist;

/* Takes the series that rules watch (so after fa_rules_new) with samples from..to. Both are
 * borrowed and must outlive it. The history may be asked, not filled, from now on. */
struct fa_playlist *fa_playlist_new(struct fa_history *history, struct fa_metrics *metrics,
                                    fa_time from, fa_time to);
void fa_playlist_free(struct fa_playlist *list); /* accepts NULL */
size_t fa_playlist_series(const struct fa_playlist *list);
size_t fa_playlist_samples(const struct fa_playlist *list);
/* 0 to 1: of its samples. */
double fa_playlist_done(const struct fa_playlist *list);
fa_time fa_playlist_first(const struct fa_playlist *list);
fa_time fa_playlist_last(const struct fa_playlist *list);
/* The time of the samples that come next; FA_NEVER: none is left. */
fa_time fa_playlist_next(const struct fa_playlist *list);
/* Pushes all samples of that time. */
void fa_playlist_push(struct fa_playlist *list, struct fa_now now);

/* What a series is by the ending of its name: Prometheus text says no more. */
enum fa_kind fa_playlist_kind(struct fa_str name);

#endif
