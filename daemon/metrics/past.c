/* SPDX-License-Identifier: MIT */
/* Values that were the newest of their series for less than a turn: a sample that must be judged
 * came, and before it was, the next one. Rules that judge each value get them from here.
 *
 * Invariants:
 *  1. Only what is waited for is kept: the series is marked or queued because of that sample, by a
 *     watch that asks for each value. A sample that is quiet never comes here.
 *  2. At most FA_PAST_MAX of a watcher; what finds no room is counted with its feed. The newest of
 *     a turn is always judged.
 *  3. Nothing outlives its series. */
#include "metrics/series.h"

/* One value; the values of a series are chained, the oldest is in the index. */
struct fa_past {
    uint32_t series, next, last; /* last: of the oldest only */
    fa_time at;
    double value;
};

static struct fa_past *past_at(const struct fa_watcher *watcher, uint32_t id)
{
    return fa_pool_at(&watcher->past, id);
}

static uint32_t hash_of(const struct fa_series *series)
{
    return series->place * UINT32_C(0x9e3779b9);
}

/* The oldest of the series; FA_INDEX_NONE. */
static uint32_t find(const struct fa_watcher *watcher, const struct fa_series *series)
{
    size_t cursor;
    uint32_t id = fa_index_first(&watcher->past_index, hash_of(series), &cursor);
    while (id != FA_INDEX_NONE && past_at(watcher, id)->series != series->place) {
        id = fa_index_next(&watcher->past_index, hash_of(series), &cursor);
    }
    return id;
}

static void add(struct fa_watcher *watcher, struct fa_series *series)
{
    if (watcher->past_count >= FA_PAST_MAX) {
        struct fa_metrics *metrics = watcher->metrics;
        uint16_t feed = fa_origin_at(metrics, series->place)->feed;
        metrics->feeds_by_number[feed]->stats.unjudged++;
        return;
    }
    uint32_t first = find(watcher, series), id = fa_pool_take(&watcher->past);
    *past_at(watcher, id) = (struct fa_past){.series = series->place,
                                             .next = FA_POOL_NONE,
                                             .last = id,
                                             .at = series->newest_at,
                                             .value = series->newest};
    watcher->past_count++;
    if (first == FA_INDEX_NONE) {
        fa_index_add(&watcher->past_index, hash_of(series), id);
    } else {
        past_at(watcher, past_at(watcher, first)->last)->next = id;
        past_at(watcher, first)->last = id;
    }
}

/* The oldest goes. */
static void drop(struct fa_watcher *watcher, const struct fa_series *series, uint32_t id)
{
    struct fa_past past = *past_at(watcher, id);
    fa_index_remove(&watcher->past_index, hash_of(series), id);
    if (past.next != FA_POOL_NONE) {
        past_at(watcher, past.next)->last = past.last;
        fa_index_add(&watcher->past_index, hash_of(series), past.next);
    }
    fa_pool_give(&watcher->past, id);
    watcher->past_count--;
}

void fa_past_init(struct fa_watcher *watcher)
{
    fa_pool_init(&watcher->past, sizeof(struct fa_past));
}

void fa_past_done(struct fa_watcher *watcher)
{
    fa_pool_done(&watcher->past);
    fa_index_done(&watcher->past_index);
}

void fa_past_forget(struct fa_watcher *watcher, const struct fa_series *series)
{
    uint32_t id;
    while (watcher->past_count > 0 && (id = find(watcher, series)) != FA_INDEX_NONE) {
        drop(watcher, series, id);
    }
}

void fa_past_keep(struct fa_series *series)
{
    if (!series->has_newest || series->stale) {
        return;
    }
    if (series->at_rest) {
        if (fa_origin_at(series->by.watch->watcher->metrics, series->place)->queued) {
            add(series->by.watch->watcher, series);
        }
        return;
    }
    for (struct fa_link *link = series->by.links; link != NULL; link = link->next_in_series) {
        if (link->fresh && link->watch->spec.each) {
            add(link->watch->watcher, series);
        }
    }
}

bool fa_link_recall(struct fa_link *link, struct fa_recalled *now)
{
    struct fa_watcher *watcher = link->watch->watcher;
    struct fa_series *series = link->series;
    uint32_t id = watcher->past_count > 0 ? find(watcher, series) : FA_INDEX_NONE;
    if (id == FA_INDEX_NONE) {
        return false;
    }
    *now = (struct fa_recalled){series->newest_at, series->newest, series->stale};
    series->newest_at = past_at(watcher, id)->at;
    series->newest = past_at(watcher, id)->value;
    series->stale = false;
    drop(watcher, series, id);
    return true;
}

void fa_link_forth(struct fa_link *link, const struct fa_recalled *now)
{
    struct fa_series *series = link->series;
    series->newest_at = now->at;
    series->newest = now->value;
    series->stale = now->is_stale;
}
