/* SPDX-License-Identifier: MIT */
/* How rules say which series they need and learn which of them changed. A watcher (one for each
 * struct fa_rules) holds watches; every series that matches a watch gets a link to it. A sample
 * puts the links of its series on their watchers' dirty lists, each at most once.
 *
 * Most samples change nothing that a rule says. So whoever has evaluated a link may leave a
 * `fa_quiet` with it: what samples may come without the link being marked. It holds for samples in
 * the order of their times; a late one, a stale mark and the end of a series always mark.
 *
 * A series of which the same can be said until a time may go to rest: its link is given up. It has
 * a new one when a sample comes that is to be seen (fa_watcher_take_queued), and when its newest
 * sample is as old as the watch says (fa_watcher_take_due). */
#ifndef FA_METRICS_WATCH_H
#define FA_METRICS_WATCH_H

#include "metrics/metrics.h"
#include "metrics/points.h"
#include "metrics/window.h"

struct fa_watcher;

struct fa_watch_spec {
    struct fa_str metric;           /* len 0: of any name; only with accepts */
    const struct fa_label *matches; /* the series must carry all of these */
    size_t match_count;
    /* What else is asked of a series; NULL: nothing. The same answer each time. */
    bool (*accepts)(const void *ctx, struct fa_str metric, const struct fa_labels *labels);
    const void *accepts_ctx; /* borrowed */
    fa_time over;            /* window; 0: only the newest sample is read */
    bool sketch;             /* quantiles of the window are read */
    /* What of a window over FA_RAW_MAX is read, enum fa_reads; 0: all. The points always are. */
    uint8_t reads;
    bool each;    /* with over 0: every value is judged, see fa_link_recall */
    fa_time rest; /* with over 0: at rest until the newest sample is so old; 0: never at rest */
    void *owner;  /* the caller's, found in fa_link */
};

enum fa_quiet_kind {
    FA_QUIET_POINT, /* each new value lies in low..high */
    FA_QUIET_MIN,   /* no new value is under low */
    FA_QUIET_MAX,   /* no new value is over high */
    FA_QUIET_ROOM,  /* sums may still grow so much */
};

/* ROOM: a sample of value v, weight w and increase i uses up, of
 *   room_up    w * (of_value * v - high) + of_increase * i
 *   room_down  w * (low - of_value * v) - of_increase * i
 * where that is above 0, and gives nothing back: the rooms get smaller only, so no rounding can
 * hide a crossing that the margin of whoever set them does not cover. */
struct fa_quiet {
    enum fa_quiet_kind kind;
    double low, high;
    double of_value, of_increase;
    double room_up, room_down;
};

struct fa_link {
    void *member; /* the caller's, for this series; NULL at first */
    struct fa_series *series;
    /* metrics/ only */
    struct fa_watch *watch;
    struct fa_window *window; /* NULL for over 0 */
    struct fa_quiet *quiet;   /* the caller's; NULL: every sample marks */
    struct fa_link *next_dirty;
    struct fa_link *next_in_series;
    uint32_t place;
    bool dirty;
    bool fresh; /* dirty because of the newest sample: nobody has looked at it yet */
    bool gone;  /* the series was dropped: forget the member, then release the link */
    bool rested : 1, was_quiet : 1; /* made anew after a rest; fa_link_set_quiet had been called */
};
_Static_assert(sizeof(struct fa_link) == 64, "a cache line");

struct fa_watcher *fa_watcher_new(struct fa_metrics *metrics);
/* Removes its watches and links; series stay until fa_metrics_sweep. Accepts NULL. */
void fa_watcher_free(struct fa_watcher *watcher);
/* Series that are there already are linked and dirty at once. Everything is copied. */
void fa_watcher_add(struct fa_watcher *watcher, const struct fa_watch_spec *spec);
/* The next changed link, oldest change first; NULL when there is none. A `gone` one must be
 * released by the caller. */
struct fa_link *fa_watcher_take_dirty(struct fa_watcher *watcher);
void fa_link_release(struct fa_link *link);

/* The owner of the link's watch. */
void *fa_link_owner(const struct fa_link *link);
/* Until the next mark, samples that *quiet allows do not mark the link. Borrowed until then; links
 * of one group of series may share it, ROOM included. NULL: every sample marks. */
void fa_link_set_quiet(struct fa_link *link, struct fa_quiet *quiet);
/* Is there one? */
bool fa_link_is_quiet(const struct fa_link *link);
/* Changes with every sample of the link's series. */
uint32_t fa_link_version(const struct fa_link *link);

/* Gives the link up: its series rests. Samples that its fa_quiet allows leave it at rest; without
 * one every sample wakes it, and nothing else does. False: it has to stay, as others read the
 * series, or it is marked. */
bool fa_link_rest(struct fa_link *link);
/* The next link made anew because of a sample, the oldest first; NULL: none. It is not marked. */
struct fa_link *fa_watcher_take_queued(struct fa_watcher *watcher);
bool fa_watcher_is_queued(const struct fa_watcher *watcher);
/* The same of those whose newest sample is too old; in the order of time. Looks at no more series
 * than *moves and counts it down; at 0 the next call goes on. */
struct fa_link *fa_watcher_take_due(struct fa_watcher *watcher, fa_time now, size_t *moves);
/* When fa_watcher_take_due has something to do, perhaps too early; FA_NEVER. */
fa_time fa_watcher_next_due(const struct fa_watcher *watcher);
/* Another series at rest of the link's metric and watch, with exactly these labels and of any kind:
 * its link, made anew, not marked. NULL: none. */
struct fa_link *fa_link_wake_named(const struct fa_link *link, const struct fa_labels *labels);
/* Can there be one? False: no, cheaply, when labels are all that the link's series has. */
bool fa_link_may_have_namesake(const struct fa_link *link, bool all_labels);
/* Fills *ret_link, to be read only, for the next series at rest of that owner's watch. *cursor
 * begins with 0. False: that was all. */
bool fa_watcher_each_at_rest(struct fa_watcher *watcher, const void *owner, uint32_t *cursor,
                             struct fa_link *ret_link);

/* Of a watch with `each`: a value that was the series' newest since the link was looked at last,
 * and is not any longer. Puts the oldest of them in the place of the newest until fa_link_forth.
 * False: there is none, and nothing was changed. */
struct fa_recalled { /* what it stands for */
    fa_time at;
    double value;
    bool is_stale;
};
bool fa_link_recall(struct fa_link *link, struct fa_recalled *now);
void fa_link_forth(struct fa_link *link, const struct fa_recalled *now);

/* Calls fn for up to max series, for each watch that reads one with when its last sample came
 * (wall). *cursor begins with 0. False: that was all. */
typedef void fa_watch_heard_fn(void *ctx, void *owner, fa_time at);
bool fa_watcher_survey(struct fa_watcher *watcher, uint32_t *cursor, size_t max,
                       fa_watch_heard_fn *fn, void *ctx);

/* A series and how its samples were at some time: two of them say how often they come. */
struct fa_probe {
    uint32_t place, generation; /* of the series */
    uint32_t samples;           /* counted, from any number on */
    fa_time newest_at;
};
/* False: it has no sample yet. */
bool fa_link_probe(const struct fa_link *link, struct fa_probe *ret_probe);
/* The same series now. False: it is gone. */
bool fa_watcher_probe(const struct fa_watcher *watcher, const struct fa_probe *before,
                      struct fa_probe *ret_probe);

struct fa_str fa_link_metric(const struct fa_link *link);
/* Borrowed until the next call that reads or changes series. */
const struct fa_labels *fa_link_labels(const struct fa_link *link);
enum fa_kind fa_link_kind(const struct fa_link *link);
/* A value of its own each time, or something that happened. Cheaper than the kind with a window. */
enum fa_fold fa_link_fold(const struct fa_link *link);
/* Asks the memory for what fa_link_follow will read. */
void fa_link_prefetch(const struct fa_link *link, const struct fa_follow *follow);
/* Wall time of the first sample that the link's window ever took; over 0: of some sample of the
 * series. FA_NEVER: none. */
fa_time fa_link_since(const struct fa_link *link);
/* The newest sample. False: none yet, or the sender said that the series ended. */
bool fa_link_newest(const struct fa_link *link, fa_time *ret_time, double *ret_value);
/* The samples of the link's window with from < at <= to, oldest first: at most max of them to *ret,
 * the oldest. Returns how many there are. Where many samples came in a second, or in a slot of a
 * window over FA_RAW_MAX, the newest of them stands for all: then summary.points of fa_link_read is
 * less than summary.samples. Without a window: the newest sample alone. */
size_t fa_link_points(const struct fa_link *link, fa_time from, fa_time to, struct fa_point *ret,
                      size_t max);
/* The samples of (now - over, now], as fa_window_read gives them. */
void fa_link_read(const struct fa_link *link, fa_time now, fa_time over,
                  struct fa_summary *ret_summary, struct fa_sketch *sketch);
/* The same without what fa_window_follow leaves out. now is not before that of the last call with
 * this *follow, over is the same, and *summary what that call gave. */
void fa_link_follow(const struct fa_link *link, fa_time now, fa_time over, struct fa_follow *follow,
                    struct fa_summary *summary);

#endif
