/* SPDX-License-Identifier: MIT */
/* Inside metrics/ only: what metrics.c (samples in), define.c (series made and dropped) and watch.c
 * (rules' side) share. */
#ifndef FA_METRICS_SERIES_H
#define FA_METRICS_SERIES_H

#include "metrics/index.h"
#include "metrics/watch.h"

#define FA_SET_PERIOD    (10 * FA_SECOND)
#define FA_IGNORED_CELLS 65536u /* a power of two */

/* One spelling of a series, in the arena. Most series have one. */
struct fa_raw {
    uint32_t place, mark; /* what the spelling means: the handle's halves; mark has the kind */
    uint16_t feed;        /* its number */
    uint16_t len : 15;
    uint16_t has_next : 1; /* behind the bytes is the id of the next of the series, 4 bytes */
    char bytes[];
};
#define FA_RAW_HEAD offsetof(struct fa_raw, bytes)
_Static_assert(_Alignof(struct fa_raw) <= FA_ARENA_UNIT, "where the arena puts it");

/* The distinct members of the current period of a set. */
struct fa_set {
    fa_time period, last_at;
    uint64_t *cells; /* owned; 0: free, so a member 0 is kept as has_zero */
    size_t count, cap;
    bool has_zero;
};

/* One cache line: all that a sample of a series without windows touches. What else there is of it
 * lies at the same place in another pool (struct fa_origin).
 *
 * At rest it has no link, only the one watch that matches it: see rest.c. */
struct fa_series {
    double newest;
    fa_time newest_at;
    struct fa_quiet *quiet; /* of its only link, or at rest; NULL: ask each link */
    union {
        struct fa_link *links;
        struct fa_watch *watch; /* at rest */
    } by;
    union {
        double total;       /* of a counter of deltas */
        struct fa_set *set; /* owned; of a set */
    } own;
    struct fa_window *windows; /* owned */
    uint32_t generation : 27;  /* of its place: stays when the series goes */
    uint32_t has_newest : 1;
    uint32_t stale : 1;
    uint32_t read_newest : 1; /* a watch without window is, or was, interested */
    uint32_t parted : 1;      /* a window was too short for the newest sample: it knows another */
    uint32_t at_rest : 1;
    uint32_t version; /* counts its samples */
    uint32_t heard_s; /* arrival of its last sample, whole seconds, rounded up; 0: none */
    uint32_t place;   /* its id in the pool */
};
_Static_assert(sizeof(struct fa_series) == 64, "a cache line");

/* Where a series comes from and where it is listed. */
struct fa_origin {
    uint32_t labels;                     /* packed, in the arena; of a free place: the pool's */
    uint16_t feed;                       /* number of who made it and whose limit it counts on */
    uint8_t kind;                        /* as stored: fa_kind_stored; 0: the place is free */
    bool queued;                         /* at rest: a sample has come that its rule must see */
    uint32_t watched;                    /* its name: an id */
    uint32_t raws;                       /* in the arena */
    uint32_t next_of_name, prev_of_name; /* ids */
    uint32_t next_at_rest, prev_at_rest; /* ids, or the list whose first it is */
};

struct fa_watch {
    struct fa_watcher *watcher;
    struct fa_watch_spec spec; /* the texts are owned */
    struct fa_label *matches;  /* owned, as their texts */
    struct fa_watch *next_of_name, *next_of_watcher;
};

/* Lists of series at rest by the time they are to be looked at, as hands of a clock: list n of
 * level k is looked at when n comes up among the 6 bits k of the time. */
#define FA_WHEEL_LEVELS 8
#define FA_WHEEL_LISTS  64

struct fa_wheel {
    fa_time at; /* all that is due before it was taken out */
    uint64_t used[FA_WHEEL_LEVELS];
    uint32_t first[FA_WHEEL_LEVELS * FA_WHEEL_LISTS];
};

struct fa_watcher {
    struct fa_metrics *metrics;
    struct fa_watch *watches;
    struct fa_wheel wheel;
    uint32_t queue_first, queue_last; /* of what is at rest: a sample came */
    struct fa_link *dirty_first, *dirty_last;
    struct fa_pool past; /* values that are still to be judged (past.c) */
    struct fa_index past_index;
    uint32_t past_count;
};

#define FA_PAST_MAX 65536u

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
    struct fa_feed **feeds_by_number;
    size_t feed_cap;
    struct fa_pool all;     /* struct fa_series: what handles point into */
    struct fa_pool origins; /* struct fa_origin, at the same places */
    struct fa_pool links;   /* struct fa_link */
    struct fa_windows windows;
    struct fa_pool watched;    /* struct fa_watched */
    struct fa_arena raw_bytes; /* struct fa_raw, and packed labels */
    struct fa_labels *scratch; /* those that were unpacked last */
    unsigned kinds;            /* bits: those that a series ever had */
    struct fa_index raws;      /* of the arena */
    struct fa_index series;    /* of the pool, by name, labels, kind */
    struct fa_index names;     /* of watched */
    struct fa_watch *nameless; /* watches of any name, by next_of_name */
    size_t series_count;
    uint32_t expire_at; /* the place where fa_metrics_expire goes on */
    uint64_t *ignored;  /* hashes of raw keys known to be ignored; 0: free */
    bool ignores;       /* there are any */
    char **catalogue;
    size_t catalogue_count, catalogue_cap;
    struct fa_index catalogue_index;
};

static inline struct fa_series *fa_series_at(const struct fa_metrics *metrics, uint32_t id)
{
    return fa_pool_at(&metrics->all, id);
}
static inline struct fa_origin *fa_origin_at(const struct fa_metrics *metrics, uint32_t id)
{
    return fa_pool_at(&metrics->origins, id);
}
static inline struct fa_watched *fa_watched_at(const struct fa_metrics *metrics, uint32_t id)
{
    return fa_pool_at(&metrics->watched, id);
}

/* Every stored kind is one of five: a delta or a state is a gauge once it is stored. */
static inline enum fa_kind fa_kind_stored(enum fa_kind kind)
{
    return kind == FA_KIND_STATE || kind == FA_KIND_GAUGE_DELTA ? FA_KIND_GAUGE : kind;
}
static inline enum fa_fold fa_fold_of(enum fa_kind stored)
{
    if (stored == FA_KIND_SET) {
        return FA_FOLD_NONE;
    }
    bool delta = stored == FA_KIND_COUNTER_DELTA || stored == FA_KIND_DISTRIBUTION;
    return delta ? FA_FOLD_DELTA : FA_FOLD_VALUE;
}
struct fa_watched *fa_watched_find(const struct fa_metrics *metrics, struct fa_str name);
/* Frees it when neither watches nor series are left. */
void fa_watched_release(struct fa_metrics *metrics, struct fa_watched *watched);
struct fa_watched *fa_watched_take(struct fa_metrics *metrics, struct fa_str name);
bool fa_watch_matches(const struct fa_watch *watch, struct fa_str name,
                      const struct fa_labels *labels);
/* Links the series to the watch, gives it the window it needs and marks the link. */
void fa_watch_link(struct fa_watch *watch, struct fa_series *series);
void fa_link_mark(struct fa_link *link);
/* The series' windows that are empty take over what the list knows, which may be empty then. */
void fa_series_seed(struct fa_metrics *metrics, struct fa_series *series, struct fa_window *list);
/* The same window with an open slot, in the place of the one. */
struct fa_window *fa_series_wake_window(struct fa_metrics *metrics, struct fa_series *series,
                                        struct fa_window *window);
/* All who read the series are to look at it. */
void fa_series_mark(struct fa_series *series);
/* Borrowed until the next call. */
const struct fa_labels *fa_series_labels(struct fa_metrics *metrics, uint32_t id);
/* FA_POOL_NONE when there is none. stored: as fa_kind_stored gives it. */
uint32_t fa_series_find(const struct fa_metrics *metrics, enum fa_kind stored, struct fa_str name,
                        const struct fa_labels *labels);
/* The series, made when it is not there and watched; FA_POOL_NONE: refused or not, and counted. */
uint32_t fa_series_take(struct fa_feed *feed, enum fa_kind stored, struct fa_str name,
                        const struct fa_label *labels, size_t count);
void fa_catalogue_add(struct fa_feed *feed, struct fa_str name);
void fa_series_drop(struct fa_metrics *metrics, struct fa_series *series);
void fa_set_free(struct fa_set *set); /* accepts NULL */
void fa_metrics_forget_ignored(struct fa_metrics *metrics);

/* The same without a mark; the series is not at rest. */
struct fa_link *fa_watch_take_link(struct fa_watch *watch, struct fa_series *series);

/* rest.c. A series without links and windows goes to rest; quiet NULL: every sample wakes it. */
void fa_rest_begin(struct fa_watch *watch, struct fa_series *series, struct fa_quiet *quiet);
/* The sample just taken is to be seen. */
void fa_rest_queue(struct fa_series *series);
/* It has no link and no watch any longer. */
void fa_rest_end(struct fa_series *series);
/* It has a link again. */
struct fa_link *fa_rest_wake(struct fa_series *series);
void fa_wheel_init(struct fa_wheel *wheel);

/* past.c. Before a newest value that somebody should have judged is overwritten. */
void fa_past_keep(struct fa_series *series);
/* The watcher does not read the series any longer. */
void fa_past_forget(struct fa_watcher *watcher, const struct fa_series *series);
void fa_past_init(struct fa_watcher *watcher);
void fa_past_done(struct fa_watcher *watcher);

#endif
