/* SPDX-License-Identifier: MIT */
/* Inside metrics/ only: what metrics.c (samples in), define.c (series made and dropped) and watch.c
 * (rules' side) share. */
#ifndef FA_METRICS_SERIES_H
#define FA_METRICS_SERIES_H

#include "metrics/index.h"
#include "metrics/watch.h"

#define FA_SET_PERIOD    (10 * FA_SECOND)
#define FA_IGNORED_CELLS 8192u /* a power of two */

/* One spelling of a series. The bytes follow it. */
struct fa_raw {
    uint64_t hash;
    const struct fa_feed *feed;
    struct fa_series *series;
    struct fa_raw *next; /* of the series */
    enum fa_kind kind;
    uint32_t len;
    char bytes[];
};

/* The distinct members of the current period of a set. */
struct fa_set {
    fa_time period, last_at;
    uint64_t *cells; /* owned; 0: free, so a member 0 is kept as has_zero */
    size_t count, cap;
    bool has_zero;
};

struct fa_series {
    struct fa_feed *feed; /* who made it and whose limit it counts on */
    enum fa_kind kind;    /* GAUGE, COUNTER_DELTA, COUNTER_CUMULATIVE, DISTRIBUTION or SET */
    enum fa_fold fold;
    struct fa_watched *watched; /* its name */
    struct fa_series *next_of_name, *prev_of_name;
    struct fa_labels *labels; /* owned */
    uint64_t hash;
    size_t place; /* in metrics->slots */
    struct fa_raw *raws;
    double total; /* of a counter of deltas */
    bool has_newest, stale;
    bool read_newest; /* a watch without window is, or was, interested */
    double newest;
    fa_time newest_at;
    fa_time heard_at;           /* arrival of its last sample */
    fa_time since;              /* time of the oldest sample taken; FA_NEVER */
    struct fa_window **windows; /* owned */
    size_t window_count, window_cap;
    struct fa_set set;
    struct fa_link *links;
};

struct fa_watch {
    struct fa_watcher *watcher;
    struct fa_watch_spec spec; /* the texts are owned */
    struct fa_label *matches;  /* owned, as their texts */
    struct fa_link *links;
    struct fa_watch *next_of_name, *next_of_watcher;
};

struct fa_watcher {
    struct fa_metrics *metrics;
    struct fa_watch *watches;
    struct fa_link *dirty_first, *dirty_last;
};

/* A metric name that somebody watches, or that series are still kept of. */
struct fa_watched {
    char *name;
    uint64_t hash;
    struct fa_watch *watches;
    struct fa_series *series;
    struct fa_watched *next; /* of all */
};

struct fa_feed {
    struct fa_metrics *metrics;
    char *name;
    struct fa_metrics_limits limits;
    struct fa_feed_stats stats;
    struct fa_feed *next;
};

struct fa_slot_of_series {
    struct fa_series *series; /* NULL: free */
    uint32_t generation;
    uint32_t next_free;
};

struct fa_metrics {
    struct fa_metrics_limits limits;
    struct fa_feed *feeds;
    struct fa_slot_of_series *slots; /* what handles point into */
    size_t slot_count, slot_cap;
    uint32_t first_free;    /* UINT32_MAX: none */
    struct fa_index raws;   /* struct fa_raw */
    struct fa_index series; /* struct fa_series by name, labels, kind */
    struct fa_index names;  /* struct fa_watched */
    struct fa_watched *watched;
    uint64_t ignored[FA_IGNORED_CELLS]; /* hashes of raw keys known to be ignored; 0: free */
    char **catalogue;
    size_t catalogue_count, catalogue_cap;
    struct fa_index catalogue_index;
};

/* Every stored kind is one of five: a delta or a state is a gauge once it is stored. */
enum fa_kind fa_kind_stored(enum fa_kind kind);
struct fa_watched *fa_watched_find(const struct fa_metrics *metrics, struct fa_str name);
/* Frees it when neither watches nor series are left. */
void fa_watched_release(struct fa_metrics *metrics, struct fa_watched *watched);
bool fa_watch_matches(const struct fa_watch *watch, const struct fa_labels *labels);
/* Links the series to the watch and gives it the window it needs. */
void fa_watch_link(struct fa_watch *watch, struct fa_series *series);
void fa_link_mark(struct fa_link *link);
void fa_series_drop(struct fa_metrics *metrics, struct fa_series *series);
void fa_set_done(struct fa_set *set);
void fa_metrics_forget_ignored(struct fa_metrics *metrics);

#endif
