/* SPDX-License-Identifier: MIT */
/* Samples: what each kind of value means once it is stored.
 *
 *   gauge, state          the value; a weight means nothing
 *   gauge delta           the newest value changed by it; one never seen starts at 0
 *   counter, delta        value * weight added to a total; the total is the value, the delta its
 *                         increase, so the first delta counts too
 *   counter, cumulative   the total; a fall is a reset
 *   distribution          one observation that stands for `weight` of them; its increase is that
 *                         weight, so `rate` is observations a second
 *   set                   the number of different members in 10 s, one sample a period
 *
 * Invariant: no stored number is NaN or infinite, and no sum of stored numbers can become so:
 * magnitudes over VALUE_MAX are rejected, which leaves room for 10^18 of them.
 *
 * Time: a sample ahead of our clock is taken at its arrival, so nothing stored lies in the future
 * and nothing waits for it; too far ahead is a broken clock and is rejected. Late ones go into
 * their slot. What makes and drops a series is in define.c. */
#include "metrics/series.h"
#include "base/panic.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define VALUE_MAX        1e290
#define PLACE_MASK       UINT64_C(0xffffffff)
#define KIND_SHIFT       32
#define GENERATION_SHIFT 36
#define AHEAD            8 /* samples */

static const struct fa_metrics_limits DEFAULTS = {.series = 100000,
                                                  .labels = 32,
                                                  .name_bytes = 200,
                                                  .value_bytes = 200,
                                                  .catalogue = 1000,
                                                  .set_members = 10000};

static uint32_t or_default(uint32_t value, uint32_t fallback)
{
    return value > 0 ? value : fallback;
}

static struct fa_metrics_limits fill(const struct fa_metrics_limits *limits,
                                     const struct fa_metrics_limits *defaults)
{
    struct fa_metrics_limits full = {
        .series = or_default(limits->series, defaults->series),
        .labels = or_default(limits->labels, defaults->labels),
        .name_bytes = or_default(limits->name_bytes, defaults->name_bytes),
        .value_bytes = or_default(limits->value_bytes, defaults->value_bytes),
        .catalogue = or_default(limits->catalogue, defaults->catalogue),
        .set_members = or_default(limits->set_members, defaults->set_members),
        .hash_seed = limits->hash_seed,
    };
    if (full.labels > FA_LABELS_MAX) {
        full.labels = FA_LABELS_MAX;
    }
    return full;
}

struct fa_metrics *fa_metrics_new(const struct fa_metrics_limits *limits)
{
    struct fa_metrics *metrics = fa_xcalloc(1, sizeof *metrics);
    metrics->limits = limits != NULL ? fill(limits, &DEFAULTS) : DEFAULTS;
    fa_metrics_forget_ignored(metrics);
    metrics->scratch =
        fa_xmalloc(sizeof *metrics->scratch + FA_LABELS_MAX * sizeof metrics->scratch->items[0]);
    fa_pool_init(&metrics->all, sizeof(struct fa_series));
    fa_pool_init(&metrics->origins, sizeof(struct fa_origin));
    fa_pool_init(&metrics->links, sizeof(struct fa_link));
    fa_windows_init(&metrics->windows);
    fa_pool_init(&metrics->watched, sizeof(struct fa_watched));
    return metrics;
}

void fa_metrics_free(struct fa_metrics *metrics)
{
    if (metrics == NULL) {
        return;
    }
    for (uint32_t id = 0; id < metrics->all.count; id++) {
        if (fa_origin_at(metrics, id)->kind != 0) {
            fa_series_drop(metrics, fa_series_at(metrics, id));
        }
    }
    fa_assert(metrics->names.count == 0); /* else rules are left that point into this */
    while (metrics->feeds != NULL) {
        struct fa_feed *feed = metrics->feeds;
        metrics->feeds = feed->next;
        free(feed->name);
        free(feed);
    }
    for (size_t i = 0; i < metrics->catalogue_count; i++) {
        free(metrics->catalogue[i]);
    }
    free(metrics->catalogue);
    free(metrics->ignored);
    free(metrics->scratch);
    free(metrics->feeds_by_number);
    fa_pool_done(&metrics->all);
    fa_pool_done(&metrics->origins);
    fa_pool_done(&metrics->links);
    fa_windows_done(&metrics->windows);
    fa_pool_done(&metrics->watched);
    fa_arena_done(&metrics->raw_bytes);
    fa_index_done(&metrics->catalogue_index);
    fa_index_done(&metrics->raws);
    fa_index_done(&metrics->series);
    fa_index_done(&metrics->names);
    free(metrics);
}

uint64_t fa_metrics_hash_seed(const struct fa_metrics *metrics)
{
    return metrics->limits.hash_seed;
}

struct fa_feed *fa_metrics_find_feed(struct fa_metrics *metrics, const char *name)
{
    struct fa_feed *feed = metrics->feeds;
    while (feed != NULL && strcmp(feed->name, name) != 0) {
        feed = feed->next;
    }
    return feed;
}

struct fa_feed *fa_metrics_feed(struct fa_metrics *metrics, const char *name)
{
    struct fa_feed **at = &metrics->feeds;
    while (*at != NULL && strcmp((*at)->name, name) != 0) {
        at = &(*at)->next;
    }
    if (*at == NULL) {
        *at = fa_xcalloc(1, sizeof **at);
        (*at)->metrics = metrics;
        (*at)->name = fa_xstrdup(name);
        (*at)->limits = metrics->limits;
        fa_assert(metrics->feed_count < UINT16_MAX);
        (*at)->number = metrics->feed_count;
        metrics->feeds_by_number = fa_xgrow(metrics->feeds_by_number, metrics->feed_count,
                                            &metrics->feed_cap, sizeof(struct fa_feed *));
        metrics->feeds_by_number[metrics->feed_count++] = *at;
    }
    return *at;
}

void fa_feed_set_limits(struct fa_feed *feed, const struct fa_metrics_limits *limits)
{
    feed->limits = fill(limits, &feed->metrics->limits);
    fa_metrics_forget_ignored(feed->metrics);
}

static void rehash_set(struct fa_set *set)
{
    struct fa_set old = *set;
    set->cap = old.cap == 0 ? 16 : old.cap * 2;
    set->cells = fa_xcalloc(set->cap, sizeof set->cells[0]);
    for (size_t i = 0; i < old.cap; i++) {
        if (old.cells[i] != 0) {
            size_t at = (size_t)(old.cells[i] * UINT64_C(0x9e3779b97f4a7c15)) & (set->cap - 1);
            while (set->cells[at] != 0) {
                at = (at + 1) & (set->cap - 1);
            }
            set->cells[at] = old.cells[i];
        }
    }
    free(old.cells);
}

/* False: the limit is reached. */
static bool set_insert(struct fa_set *set, uint64_t member, uint32_t limit)
{
    if (member == 0) {
        set->has_zero = true;
        return true;
    }
    if (4 * (set->count + 1) > 3 * set->cap) {
        rehash_set(set);
    }
    size_t at = (size_t)(member * UINT64_C(0x9e3779b97f4a7c15)) & (set->cap - 1);
    while (set->cells[at] != 0 && set->cells[at] != member) {
        at = (at + 1) & (set->cap - 1);
    }
    if (set->cells[at] == 0) {
        if (set->count >= limit) {
            return false;
        }
        set->cells[at] = member;
        set->count++;
    }
    return true;
}

static void note_newest(struct fa_series *series, fa_time time, double value)
{
    if (!series->has_newest || time >= series->newest_at) {
        series->has_newest = true;
        series->stale = false;
        series->newest = value;
        series->newest_at = time;
    }
}

/* True: somebody can use it, in a window or as the newest sample. */
static inline bool to_windows(struct fa_metrics *metrics, struct fa_series *series,
                              const struct fa_sample *sample, fa_time now, bool *ret_parted)
{
    struct fa_windows *all = &metrics->windows;
    bool taken = series->read_newest, parted = false;
    for (struct fa_window *window = series->windows; window != NULL; window = window->next) {
        enum fa_taken by_it = fa_window_add(all, window, sample, now);
        if (by_it == FA_TAKEN_LATER) {
            window = fa_series_wake_window(metrics, series, window);
            by_it = fa_window_add(all, window, sample, now);
        }
        taken |= by_it == FA_TAKEN;
        parted |= by_it != FA_TAKEN;
    }
    *ret_parted = parted;
    return taken;
}

static bool take_member(struct fa_feed *feed, struct fa_series *series,
                        const struct fa_sample *sent, fa_time now)
{
    struct fa_set *set = series->own.set;
    struct fa_feed_stats *stats = &feed->stats;
    fa_time period = sent->time / FA_SET_PERIOD;
    size_t members = set->count + set->has_zero;
    if (members > 0 && period < set->period) {
        stats->too_old++;
        return false;
    }
    if (members > 0 && period > set->period) {
        struct fa_sample sample = {.time = set->last_at, .value = (double)members, .weight = 1};
        bool parted;
        (void)to_windows(feed->metrics, series, &sample, now, &parted);
        if (set->cap > 0) {
            memset(set->cells, 0, set->cap * sizeof set->cells[0]);
        }
        set->count = 0;
        set->has_zero = false;
    }
    set->period = period;
    set->last_at = sent->time > set->last_at ? sent->time : set->last_at;
    uint64_t member;
    memcpy(&member, &sent->value, sizeof member);
    if (!set_insert(set, member, feed->limits.set_members)) {
        stats->set_overflow++;
    }
    note_newest(series, set->last_at, (double)(set->count + set->has_zero));
    return true;
}

/* What is to be stored for a sample as sent. False: it would leave the range of numbers. */
static bool convert(struct fa_series *series, enum fa_kind kind, struct fa_sample *sample)
{
    if (kind == FA_KIND_COUNTER_DELTA) {
        sample->increase = sample->value * sample->weight;
        sample->value = series->own.total + sample->increase;
    } else if (kind == FA_KIND_DISTRIBUTION) {
        sample->increase = sample->weight;
    } else if (kind == FA_KIND_GAUGE_DELTA) {
        sample->value += series->has_newest ? series->newest : 0;
        sample->time = series->has_newest && series->newest_at > sample->time ? series->newest_at
                                                                              : sample->time;
    }
    if (kind != FA_KIND_DISTRIBUTION) {
        sample->weight = 1;
    }
    return fabs(sample->value * sample->weight) <= VALUE_MAX && fabs(sample->increase) <= VALUE_MAX;
}

/* The sample's own time, or its arrival. False: too far ahead. What has a time of its own corrects
 * what came with the same. */
static bool set_time(struct fa_feed_stats *stats, enum fa_kind kind, struct fa_sample *sample,
                     fa_time now)
{
    sample->corrects = sample->time != 0 && (kind == FA_KIND_GAUGE || kind == FA_KIND_STATE ||
                                             kind == FA_KIND_COUNTER_CUMULATIVE);
    if (sample->time == 0) {
        sample->time = now;
    }
    if (sample->time > now + FA_METRICS_AHEAD_MAX) {
        stats->future++;
        return false;
    }
    if (sample->time > now) {
        stats->ahead++;
        sample->time = now;
        sample->corrects = false;
    }
    return true;
}

static bool has_room(struct fa_quiet *quiet, const struct fa_sample *sample)
{
    double value = quiet->of_value * sample->value, more = quiet->of_increase * sample->increase;
    double up = sample->weight * (value - quiet->high) + more;
    double down = sample->weight * (quiet->low - value) - more;
    quiet->room_up -= up > 0 ? up : 0;
    quiet->room_down -= down > 0 ? down : 0;
    return quiet->room_up > 0 && quiet->room_down > 0;
}

/* Of a series at rest whose newest sample is waited for with: what comes then is not quiet. */
static const struct fa_quiet nothing_is_quiet = {
    .kind = FA_QUIET_POINT, .low = HUGE_VAL, .high = -HUGE_VAL};

static bool is_quiet(struct fa_quiet *quiet, const struct fa_sample *sample)
{
    switch (quiet->kind) {
    case FA_QUIET_POINT:
        return sample->value >= quiet->low && sample->value <= quiet->high;
    case FA_QUIET_MIN:
        return sample->value >= quiet->low;
    case FA_QUIET_MAX:
        return sample->value <= quiet->high;
    case FA_QUIET_ROOM:
        return has_room(quiet, sample);
    }
    return false;
}

/* The sample will be the series' newest, and somebody is to look at it; NULL: everybody is. */
static void mark_newest(struct fa_series *series, const struct fa_sample *sample)
{
    fa_past_keep(series);
    if (series->at_rest) {
        fa_rest_queue(series);
        /* Nobody takes from one of this kind. */
        series->quiet =
            series->quiet != NULL ? (struct fa_quiet *)(uintptr_t)&nothing_is_quiet : NULL;
        return;
    }
    for (struct fa_link *link = series->by.links; link != NULL; link = link->next_in_series) {
        if (sample == NULL || link->quiet == NULL || !is_quiet(link->quiet, sample)) {
            fa_link_mark(link);
            link->fresh = true;
        }
    }
}

/* The sample is the series' newest. */
static inline void tell(struct fa_series *series, const struct fa_sample *sample)
{
    if (series->quiet == NULL || !is_quiet(series->quiet, sample)) {
        mark_newest(series, sample);
    }
}

/* False: too old. */
static bool store_late(struct fa_feed *feed, struct fa_series *series,
                       const struct fa_sample *sample, fa_time now)
{
    bool parted;
    if (!to_windows(feed->metrics, series, sample, now, &parted)) {
        return false;
    }
    feed->stats.late++;
    fa_series_mark(series);
    if (sample->time == series->newest_at) {
        series->newest = sample->value;
    } else if (sample->time == now) { /* the clock was put back a little: it is the newest */
        note_newest(series, series->newest_at, sample->value);
        series->parted = true;
    }
    return true;
}

/* False: too old. */
static bool store_newest(struct fa_metrics *metrics, struct fa_series *series, enum fa_kind kind,
                         struct fa_sample *sample, fa_time now)
{
    if (series->has_newest && fa_fold_of(fa_kind_stored(kind)) == FA_FOLD_VALUE) {
        sample->increase = fa_slot_difference(series->newest, sample->value);
    }
    bool parted;
    if (!to_windows(metrics, series, sample, now, &parted)) {
        return false;
    }
    /* The increase is of the newest value, which not every window has seen. */
    if (!series->has_newest || parted || series->parted) {
        mark_newest(series, NULL);
        series->parted = parted;
    } else {
        tell(series, sample);
    }
    note_newest(series, sample->time, sample->value);
    return true;
}

/* False: dropped and counted. */
static bool store_sample(struct fa_feed *feed, struct fa_series *series, enum fa_kind kind,
                         struct fa_sample *sample, fa_time now)
{
    if (kind == FA_KIND_SET) {
        bool taken = take_member(feed, series, sample, now);
        if (taken) {
            fa_series_mark(series);
        }
        return taken;
    }
    if (!convert(series, kind, sample)) {
        feed->stats.not_finite++;
        return false;
    }
    bool late = series->has_newest && sample->time < series->newest_at + sample->corrects;
    bool taken = late ? store_late(feed, series, sample, now)
                      : store_newest(feed->metrics, series, kind, sample, now);
    feed->stats.too_old += !taken;
    if (taken && kind == FA_KIND_COUNTER_DELTA) {
        series->own.total = sample->value;
    }
    return taken;
}

static inline void push_one(struct fa_feed *feed, struct fa_series *series, enum fa_kind kind,
                            struct fa_sample *sample, fa_time now)
{
    if (!isfinite(sample->value)) {
        feed->stats.not_finite++;
        return;
    }
    if (!(sample->weight >= 1 && isfinite(sample->weight))) {
        feed->stats.bad_weight++;
        return;
    }
    if (!set_time(&feed->stats, kind, sample, now) ||
        !store_sample(feed, series, kind, sample, now)) {
        return;
    }
    feed->stats.samples++;
    series->version++;
    series->heard_s = (uint32_t)((now + FA_SECOND - 1) / FA_SECOND);
}

/* NULL: ignored, or dropped since the handle was given out. */
static struct fa_series *resolve(struct fa_feed *feed, uint64_t handle)
{
    const struct fa_metrics *metrics = feed->metrics;
    uint32_t place = (uint32_t)(handle & PLACE_MASK);
    if (handle == FA_HANDLE_IGNORED) {
        return NULL;
    }
    if (handle == FA_HANDLE_MISS || place >= metrics->all.count) {
        feed->stats.stale_handle++;
        return NULL;
    }
    /* A series that goes takes a new generation at once. */
    struct fa_series *series = fa_series_at(metrics, place);
    if (series->generation != handle >> GENERATION_SHIFT) {
        feed->stats.stale_handle++;
        return NULL;
    }
    return series;
}

/* Asks the memory for what a sample that comes soon will change. */
static inline void prefetch(const struct fa_metrics *metrics, uint64_t handle)
{
    uint32_t place = (uint32_t)(handle & PLACE_MASK);
    if (place < metrics->all.count) {
        const struct fa_series *series = fa_series_at(metrics, place);
        const struct fa_window *window = series->windows;
        __builtin_prefetch(series->quiet);
        if (window != NULL) {
            __builtin_prefetch(window);
            __builtin_prefetch(window->open);
        }
    }
}

void fa_metrics_push(struct fa_feed *feed, struct fa_now now, const uint64_t *handles,
                     const double *values, const double *weights, const int64_t *times, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (i + AHEAD < n) {
            prefetch(feed->metrics, handles[i + AHEAD]);
        }
        struct fa_series *series = resolve(feed, handles[i]);
        if (series != NULL) {
            struct fa_sample sample = {.time = times != NULL ? times[i] : 0,
                                       .value = values[i],
                                       .weight = weights != NULL ? weights[i] : 1};
            push_one(feed, series, (enum fa_kind)(handles[i] >> KIND_SHIFT & 15), &sample,
                     now.wall);
        }
    }
}

void fa_metrics_stale(struct fa_feed *feed, uint64_t handle, fa_time time)
{
    struct fa_series *series = resolve(feed, handle);
    if (series != NULL && series->has_newest && time >= series->newest_at) {
        fa_past_keep(series);
        series->stale = true;
        fa_series_mark(series);
    }
}

uint64_t fa_metrics_samples(const struct fa_metrics *metrics)
{
    uint64_t samples = 0;
    for (const struct fa_feed *feed = metrics->feeds; feed != NULL; feed = feed->next) {
        samples += feed->stats.samples;
    }
    return samples;
}

struct fa_feed_stats fa_feed_stats(const struct fa_feed *feed)
{
    return feed->stats;
}

const char *fa_metrics_catalogue(const struct fa_metrics *metrics, size_t index)
{
    return index < metrics->catalogue_count ? metrics->catalogue[index] : NULL;
}
