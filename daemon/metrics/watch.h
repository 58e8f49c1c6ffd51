/* SPDX-License-Identifier: MIT */
/* How rules say which series they need and learn which of them changed. A watcher (one for each
 * struct fa_rules) holds watches; every series that matches a watch gets a link to it. A sample
 * puts the links of its series on their watchers' dirty lists, each at most once. */
#ifndef FA_METRICS_WATCH_H
#define FA_METRICS_WATCH_H

#include "metrics/metrics.h"
#include "metrics/window.h"

struct fa_watcher;

struct fa_watch_spec {
    struct fa_str metric;
    const struct fa_label *matches; /* the series must carry all of these */
    size_t match_count;
    fa_time over; /* window; 0: only the newest sample is read */
    bool sketch;  /* quantiles of the window are read */
    void *owner;  /* the caller's, found in fa_link */
};

struct fa_link {
    void *owner;  /* of the watch */
    void *member; /* the caller's, for this series; NULL at first */
    struct fa_series *series;
    bool gone; /* the series was dropped: forget the member, then release the link */
    /* metrics/ only */
    bool dirty;
    struct fa_watch *watch;
    struct fa_window *window; /* NULL for over 0 */
    struct fa_link *next_dirty;
    struct fa_link *next_in_series, *next_in_watch, *prev_in_watch;
};

struct fa_watcher *fa_watcher_new(struct fa_metrics *metrics);
/* Removes its watches and links; series stay until fa_metrics_sweep. Accepts NULL. */
void fa_watcher_free(struct fa_watcher *watcher);
/* Series that are there already are linked and dirty at once. Everything is copied. */
void fa_watcher_add(struct fa_watcher *watcher, const struct fa_watch_spec *spec);
/* The next changed link, oldest change first; NULL when there is none. A `gone` one must be
 * released by the caller. */
struct fa_link *fa_watcher_take_dirty(struct fa_watcher *watcher);
void fa_link_release(struct fa_link *link);

const struct fa_labels *fa_link_labels(const struct fa_link *link);
enum fa_kind fa_link_kind(const struct fa_link *link);
/* Wall time of the first sample that the link's window (over 0: the series) ever took. */
fa_time fa_link_since(const struct fa_link *link);
/* The newest sample. False: none yet, or the sender said that the series ended. */
bool fa_link_newest(const struct fa_link *link, fa_time *ret_time, double *ret_value);
/* The window as fa_window_read gives it. */
void fa_link_read(const struct fa_link *link, fa_time now, fa_time over,
                  struct fa_summary *ret_summary, struct fa_sketch *sketch);

#endif
