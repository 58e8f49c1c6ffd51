/* SPDX-License-Identifier: MIT */
/* Inside metrics/ only: what metrics.c (samples in), define.c (series made and dropped) and watch.c
 * (rules' side) share. */
#ifndef FA_METRICS_SERIES_H
#define FA_METRICS_SERIES_H

#include "metrics/index.h"
#include "metrics/pool.h"
#include "metrics/watch.h"

#define FA_SET_PERIOD    (10 * FA_SECOND)
#define FA_IGNORED_CELLS 65536u /* a power of two */

/* One spelling of a series, in the arena. */
struct fa_raw {
    uint64_t handle; /* what the spelling means, kind included */
    uint32_t next;   /* of the series, FA_POOL_NONE at the end */
    uint16_t feed;   /* its number */
    uint16_t len;
    char bytes[];
};

/* The distinct members of the current period of a set. */
struct fa_set {
    fa_time period, last_at;
    uint64_t *cells; /* owned; 0: free, so a member 0 is kept as has_zero */
    size_t count, cap;
    bool has_zero;
};

/* The first cache line is all that a sample of a series without windows touches. */
struct fa_series {
    double newest;
    fa_time newest_at;
    double total;           /* of a counter of deltas */
    struct fa_quiet *quiet; /* of its only link; NULL: ask each link */
    struct fa_link *links;
    struct fa_window *windows; /* owned */
    uint32_t generation;       /* of its place: stays when the series goes */
    uint32_t version;          /* counts its samples */
    uint8_t kind;              /* as stored: fa_kind_stored */
    uint8_t fold;
    bool has_newest : 1, stale : 1;
    bool read_newest : 1; /* a watch without window is, or was, interested */
    bool parted : 1;      /* a window was too short for the newest sample: it knows another */
    uint32_t heard_s;     /* arrival of its last sample, whole seconds, rounded up; 0: none */

    struct fa_feed *feed; /* who made it and whose limit it counts on; NULL: the place is free */
    struct fa_watched *watched;          /* its name */
    struct fa_labels *labels;            /* owned */
    struct fa_set *set;                  /* owned; of a set */
    uint32_t place;                      /* its id in the pool */
    uint32_t next_of_name, prev_of_name; /* ids */
    uint32_t raws;                       /* in the arena */
    uint32_t hash;
};
_Static_assert(offsetof(struct fa_series, feed) == 64 && sizeof(struct fa_series) <= 128,
               "two cache lines");

struct fa_watch {
    struct fa_watcher *watcher;
    struct fa_watch_spec spec; /* the texts are owned */
    struct fa_label *matches;  /* owned, as their texts */
    struct fa_watch *next_of_name, *next_of_watcher;
};

struct fa_watcher {
    struct fa_metrics *metrics;
    struct fa_watch *watches;
    struct fa_link *dirty_first, *dirty_last;
};

/* A metric name that somebody watches, or that series are still kept of. */
struct fa_watched {
    char *name; /* owned */
    uint32_t place, hash;
    struct fa_watch *watches;
    uint32_t series; /* the first's id */
};

struct fa_feed {
    struct fa_metrics *metrics;
    char *name;
    struct fa_metrics_limits limits;
    struct fa_feed_stats stats;
    uint16_t number;
    struct fa_feed *next;
};

struct fa_metrics {
    struct fa_metrics_limits limits;
    struct fa_feed *feeds;
    uint16_t feed_count;
    struct fa_pool all;        /* struct fa_series: what handles point into */
    struct fa_pool links;      /* struct fa_link */
    struct fa_pool windows;    /* struct fa_window */
    struct fa_pool watched;    /* struct fa_watched */
    struct fa_arena raw_bytes; /* struct fa_raw */
    struct fa_index raws;      /* of the arena */
    struct fa_index series;    /* of the pool, by name, labels, kind */
    struct fa_index names;     /* of watched */
    size_t series_count;
    uint32_t expire_at; /* the place where fa_metrics_expire goes on */
    uint64_t *ignored;  /* hashes of raw keys known to be ignored; 0: free */
    char **catalogue;
    size_t catalogue_count, catalogue_cap;
    struct fa_index catalogue_index;
};

static inline struct fa_series *fa_series_at(const struct fa_metrics *metrics, uint32_t id)
{
    return fa_pool_at(&metrics->all, id);
}
static inline struct fa_watched *fa_watched_at(const struct fa_metrics *metrics, uint32_t id)
{
    return fa_pool_at(&metrics->watched, id);
}

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
void fa_set_free(struct fa_set *set); /* accepts NULL */
void fa_metrics_forget_ignored(struct fa_metrics *metrics);

#endif
