/* SPDX-License-Identifier: MIT */
/* What feeds bring and rules read: series, their windows, and the limits on both. Only series that
 * a rule watches are kept (see watch.h); names of the others go to a small catalogue.
 *
 * The host adapts a decoder's sink to fa_metrics_key, _define and _push: they mirror it. All state
 * belongs to struct fa_metrics; a feed lives as long as it. */
#ifndef FA_METRICS_METRICS_H
#define FA_METRICS_METRICS_H

#include "base/str.h"
#include "base/time.h"
#include "metrics/labels.h"

#include <stdbool.h>

struct fa_metrics;
struct fa_feed;

/* The numbers of firealarm/decoder.h. */
enum fa_kind {
    FA_KIND_GAUGE = 1,
    FA_KIND_COUNTER_DELTA,
    FA_KIND_COUNTER_CUMULATIVE,
    FA_KIND_DISTRIBUTION,
    FA_KIND_SET,
    FA_KIND_STATE,
    FA_KIND_GAUGE_DELTA,
    FA_KIND__COUNT
};

#define FA_HANDLE_IGNORED UINT64_C(0)
#define FA_HANDLE_MISS    UINT64_MAX

/* How far ahead of our clock a sample may be: up to that it is taken at its arrival, past it
 * rejected. */
#define FA_METRICS_AHEAD_MAX FA_HOUR

/* 0 in any field means the default. */
struct fa_metrics_limits {
    uint32_t series;      /* of one feed; 100,000 */
    uint32_t labels;      /* of one series; 32 (at most FA_LABELS_MAX) */
    uint32_t name_bytes;  /* of a metric's or label's name; 200 */
    uint32_t value_bytes; /* of a label's value; 200 */
    uint32_t catalogue;   /* unwatched names remembered, all feeds together; 1,000 */
    uint32_t set_members; /* distinct members of a set counted in 10 s; 10,000 */
    uint64_t hash_seed;   /* from the kernel, so that no sender can aim at one bucket */
};

/* Counts since the feed was made. */
struct fa_feed_stats {
    uint64_t samples;        /* taken */
    uint64_t series;         /* kept now */
    uint64_t series_refused; /* new series over the limit */
    uint64_t labels_refused; /* series with too many, too long or malformed labels */
    uint64_t unwatched;      /* definitions that no rule asks for */
    uint64_t not_finite;     /* NaN and infinite samples, or totals that would become so */
    uint64_t bad_weight;     /* weights that are not a finite number of at least 1 */
    uint64_t future;         /* more than FA_METRICS_AHEAD_MAX ahead */
    uint64_t ahead;          /* ahead by less, taken at arrival */
    uint64_t late;           /* older than the series' newest, taken into their slot */
    uint64_t too_old;        /* outside every window of the series, dropped */
    uint64_t stale_handle;   /* pushed to a series that was dropped meanwhile */
    uint64_t set_overflow;   /* members past set_members, not counted */
    uint64_t unjudged;       /* values that passed within a turn and that rules had no room for */
};

/* limits: copied; NULL gives the defaults. Never NULL. */
struct fa_metrics *fa_metrics_new(const struct fa_metrics_limits *limits);
void fa_metrics_free(
    struct fa_metrics *metrics); /* accepts NULL; every fa_rules over it goes first */

/* The seed of fa_metrics_new, for hash tables over label texts that senders choose. */
uint64_t fa_metrics_hash_seed(const struct fa_metrics *metrics);
/* The feed of that name, made at its first mention; borrowed. */
struct fa_feed *fa_metrics_feed(struct fa_metrics *metrics, const char *name);
/* NULL: it was not mentioned yet. */
struct fa_feed *fa_metrics_find_feed(struct fa_metrics *metrics, const char *name);
/* Own limits for one feed; 0 means the default of fa_metrics_new. catalogue, set_members and
 * hash_seed are not a feed's. Series over a lowered limit stay. */
void fa_feed_set_limits(struct fa_feed *feed, const struct fa_metrics_limits *limits);

/* FA_HANDLE_MISS: define it. A handle stays good until its series is dropped. */
uint64_t fa_metrics_key(struct fa_feed *feed, enum fa_kind kind, struct fa_str raw);
/* The same for n keys: much faster when many series are known. */
void fa_metrics_keys(struct fa_feed *feed, const uint32_t *kinds, const struct fa_str *raws,
                     uint64_t *handles, size_t n);
/* FA_HANDLE_IGNORED: not watched, or refused and counted. labels need no order. */
uint64_t fa_metrics_define(struct fa_feed *feed, enum fa_kind kind, struct fa_str raw,
                           struct fa_str name, const struct fa_label *labels, size_t count);
/* The same for each handle of a series, whatever kind its spelling is of: good for
 * fa_metrics_stale, and what fa_metrics_each_valued gives. */
static inline uint64_t fa_handle_of_series(uint64_t handle)
{
    return handle & ~(UINT64_C(15) << 32);
}
/* Each series that has a value and has not ended, with the feed it is of. */
typedef void fa_valued_fn(void *ctx, struct fa_feed *feed, uint64_t handle);
void fa_metrics_each_valued(struct fa_metrics *metrics, fa_valued_fn *fn, void *ctx);
/* Parallel arrays of n as in the sink: weights and times may be NULL; a time of 0 is now.wall. */
void fa_metrics_push(struct fa_feed *feed, struct fa_now now, const uint64_t *handles,
                     const double *values, const double *weights, const int64_t *times, size_t n);
/* The sender says that the series ends: its newest value is no value any longer. */
void fa_metrics_stale(struct fa_feed *feed, uint64_t handle, fa_time time);

/* Samples taken, of all feeds. */
uint64_t fa_metrics_samples(const struct fa_metrics *metrics);
struct fa_feed_stats fa_feed_stats(const struct fa_feed *feed);

/* Unwatched names, in the order seen; NULL past the last. */
const char *fa_metrics_catalogue(const struct fa_metrics *metrics, size_t index);

/* Drops series that nobody watches any longer: after the old rules of a reload were freed. */
void fa_metrics_sweep(struct fa_metrics *metrics);
/* Drops series that are silent for a day and outside all their windows. Returns how many. Looks at
 * some of them in each call and goes on where it was, so that no call takes long. */
size_t fa_metrics_expire(struct fa_metrics *metrics, struct fa_now now);

#endif
