/* SPDX-License-Identifier: MIT */
/* Series at rest: what needs no link, because nothing that may come soon changes what its only
 * watch's rule says of it.
 *
 * A series at rest is in one of these lists, or in none when no time will change it:
 *   the watcher's queue   a sample came that is to be seen, or it is new; in the order of that
 *   the watcher's wheel   by the time when its newest sample will be too old
 * Quiet samples do not touch the lists. So a series comes up in the wheel when the newest sample
 * that it had when it was put there is too old, and mostly is only moved on.
 *
 * Invariants:
 *  1. A series at rest has no link, one watch that matches it, and no window; queued ones keep
 *     their fa_quiet, which says what they were before.
 *  2. Nothing in the wheel is due before `at`. It lies at the level of the highest 6 bits in which
 *     its time differs from `at`, so the lowest level in use has what is due first. Only a list
 *     that is just being moved lies at the bits of `at` itself. */
#include "metrics/series.h"
#include "base/panic.h"

#define BITS       6
#define LISTS_FROM UINT32_C(0xffff0000) /* as a predecessor: a list */
#define QUEUE      (LISTS_FROM + FA_WHEEL_LEVELS * FA_WHEEL_LISTS)
#define TIME_MAX   ((INT64_C(1) << (BITS * FA_WHEEL_LEVELS)) - 1)

void fa_wheel_init(struct fa_wheel *wheel)
{
    *wheel = (struct fa_wheel){0};
    for (size_t i = 0; i < FA_WHEEL_LEVELS * FA_WHEEL_LISTS; i++) {
        wheel->first[i] = FA_POOL_NONE;
    }
}

static unsigned digit(fa_time time, unsigned level)
{
    return (unsigned)(time >> (BITS * level)) & (FA_WHEEL_LISTS - 1);
}

static bool is_empty(const struct fa_wheel *wheel)
{
    uint64_t used = 0;
    for (unsigned level = 0; level < FA_WHEEL_LEVELS; level++) {
        used |= wheel->used[level];
    }
    return used == 0;
}

static void set_first(struct fa_watcher *watcher, uint32_t list, uint32_t id)
{
    if (list == QUEUE) {
        watcher->queue_first = id;
        return;
    }
    struct fa_wheel *wheel = &watcher->wheel;
    uint32_t at = list - LISTS_FROM;
    uint64_t bit = UINT64_C(1) << at % FA_WHEEL_LISTS, *used = &wheel->used[at / FA_WHEEL_LISTS];
    wheel->first[at] = id;
    *used = id != FA_POOL_NONE ? *used | bit : *used & ~bit;
}

/* Out of the list it is in, if any. */
static void take_out(struct fa_watcher *watcher, uint32_t id)
{
    struct fa_origin *origin = fa_origin_at(watcher->metrics, id);
    uint32_t next = origin->next_at_rest, prev = origin->prev_at_rest;
    if (prev == FA_POOL_NONE) {
        return;
    }
    if (next != FA_POOL_NONE) {
        fa_origin_at(watcher->metrics, next)->prev_at_rest = prev;
    } else if (origin->queued) {
        watcher->queue_last = prev < LISTS_FROM ? prev : FA_POOL_NONE;
    }
    if (prev < LISTS_FROM) {
        fa_origin_at(watcher->metrics, prev)->next_at_rest = next;
    } else {
        set_first(watcher, prev, next);
    }
    origin->next_at_rest = origin->prev_at_rest = FA_POOL_NONE;
    origin->queued = false;
}

static fa_time due_of(const struct fa_series *series)
{
    fa_time due = series->newest_at + series->by.watch->spec.rest;
    return due < 0 ? 0 : due > TIME_MAX ? TIME_MAX : due;
}

static void put(struct fa_watcher *watcher, uint32_t id, fa_time due)
{
    fa_time at = watcher->wheel.at;
    due = due < at ? at : due;
    unsigned level = due == at ? 0 : (63 - (unsigned)__builtin_clzll((uint64_t)(due ^ at))) / BITS;
    uint32_t list = level * FA_WHEEL_LISTS + digit(due, level);
    uint32_t first = watcher->wheel.first[list];
    struct fa_origin *origin = fa_origin_at(watcher->metrics, id);
    fa_assert(id < LISTS_FROM);
    origin->prev_at_rest = LISTS_FROM + list;
    origin->next_at_rest = first;
    if (first != FA_POOL_NONE) {
        fa_origin_at(watcher->metrics, first)->prev_at_rest = id;
    }
    set_first(watcher, LISTS_FROM + list, id);
}

/* The clock was set back: all is put where it belongs from then. */
static void rewind_to(struct fa_watcher *watcher, fa_time at)
{
    struct fa_wheel old = watcher->wheel;
    fa_wheel_init(&watcher->wheel);
    watcher->wheel.at = at;
    for (size_t i = 0; i < FA_WHEEL_LEVELS * FA_WHEEL_LISTS; i++) {
        for (uint32_t id = old.first[i], next; id != FA_POOL_NONE; id = next) {
            next = fa_origin_at(watcher->metrics, id)->next_at_rest;
            fa_time due = due_of(fa_series_at(watcher->metrics, id));
            put(watcher, id, due);
        }
    }
}

void fa_rest_begin(struct fa_watch *watch, struct fa_series *series, struct fa_quiet *quiet)
{
    struct fa_watcher *watcher = watch->watcher;
    series->at_rest = true;
    series->read_newest = true;
    series->by.watch = watch;
    series->quiet = quiet;
    if (quiet == NULL) {
        return;
    }
    fa_time due = due_of(series);
    if (is_empty(&watcher->wheel)) {
        watcher->wheel.at = series->newest_at < 0 ? 0 : series->newest_at;
    } else if (due < watcher->wheel.at) {
        rewind_to(watcher, due & ~((INT64_C(1) << 3 * BITS) - 1));
    }
    put(watcher, series->place, due);
}

void fa_rest_queue(struct fa_series *series)
{
    struct fa_watcher *watcher = series->by.watch->watcher;
    struct fa_origin *origin = fa_origin_at(watcher->metrics, series->place);
    if (origin->queued) {
        return;
    }
    take_out(watcher, series->place);
    origin->queued = true;
    origin->next_at_rest = FA_POOL_NONE;
    origin->prev_at_rest = QUEUE;
    if (watcher->queue_last != FA_POOL_NONE) {
        fa_origin_at(watcher->metrics, watcher->queue_last)->next_at_rest = series->place;
        origin->prev_at_rest = watcher->queue_last;
    } else {
        watcher->queue_first = series->place;
    }
    watcher->queue_last = series->place;
}

void fa_rest_end(struct fa_series *series)
{
    take_out(series->by.watch->watcher, series->place);
    series->at_rest = false;
    series->by.links = NULL;
    series->quiet = NULL;
}

struct fa_link *fa_rest_wake(struct fa_series *series)
{
    struct fa_watch *watch = series->by.watch;
    bool was_quiet = series->quiet != NULL;
    bool fresh = fa_origin_at(watch->watcher->metrics, series->place)->queued;
    fa_rest_end(series);
    struct fa_link *link = fa_watch_take_link(watch, series);
    link->rested = true;
    link->fresh = fresh;
    link->was_quiet = was_quiet;
    return link;
}

bool fa_link_rest(struct fa_link *link)
{
    struct fa_series *series = link->series;
    struct fa_watch *watch = link->watch;
    struct fa_quiet *quiet = link->quiet;
    if (watch->spec.rest == 0 || fa_link_kind(link) == FA_KIND_SET || link->dirty || link->gone ||
        series->windows != NULL || series->by.links != link || link->next_in_series != NULL) {
        return false;
    }
    fa_pool_give(&watch->watcher->metrics->links, link->place);
    fa_rest_begin(watch, series, quiet);
    return true;
}

struct fa_link *fa_watcher_take_queued(struct fa_watcher *watcher)
{
    uint32_t id = watcher->queue_first;
    return id != FA_POOL_NONE ? fa_rest_wake(fa_series_at(watcher->metrics, id)) : NULL;
}

bool fa_watcher_is_queued(const struct fa_watcher *watcher)
{
    return watcher->queue_first != FA_POOL_NONE;
}

/* The list that is to be looked at first, and when. */
static fa_time find_next(const struct fa_wheel *wheel, unsigned *ret_level, unsigned *ret_list)
{
    for (unsigned level = FA_WHEEL_LEVELS - 1; level > 0; level--) {
        *ret_level = level;
        *ret_list = digit(wheel->at, level);
        if ((wheel->used[level] >> *ret_list & 1) != 0) {
            return wheel->at;
        }
    }
    for (unsigned level = 0; level < FA_WHEEL_LEVELS; level++) {
        if (wheel->used[level] != 0) {
            fa_time upper = wheel->at >> (BITS * (level + 1)) << (BITS * (level + 1));
            *ret_level = level;
            *ret_list = (unsigned)__builtin_ctzll(wheel->used[level]);
            return upper | (fa_time)*ret_list << (BITS * level);
        }
    }
    return FA_NEVER;
}

fa_time fa_watcher_next_due(const struct fa_watcher *watcher)
{
    unsigned level, list;
    return find_next(&watcher->wheel, &level, &list);
}

struct fa_link *fa_watcher_take_due(struct fa_watcher *watcher, fa_time now, size_t *moves)
{
    struct fa_wheel *wheel = &watcher->wheel;
    for (; *moves > 0; (*moves)--) {
        unsigned level, list;
        fa_time time = find_next(wheel, &level, &list);
        if (time > now) {
            wheel->at = wheel->at < now ? now : wheel->at;
            return NULL;
        }
        wheel->at = time;
        uint32_t id = wheel->first[level * FA_WHEEL_LISTS + list];
        struct fa_series *series = fa_series_at(watcher->metrics, id);
        fa_time due = due_of(series);
        if (due <= now) {
            return fa_rest_wake(series);
        }
        take_out(watcher, id);
        put(watcher, id, due);
    }
    return NULL;
}

bool fa_link_may_have_namesake(const struct fa_link *link, bool all_labels)
{
    unsigned own = all_labels ? 1u << fa_link_kind(link) : 0;
    return (link->watch->watcher->metrics->kinds & ~own) != 0;
}

struct fa_link *fa_link_wake_named(const struct fa_link *link, const struct fa_labels *labels)
{
    struct fa_metrics *metrics = link->watch->watcher->metrics;
    for (int kind = 1; kind < FA_KIND__COUNT; kind++) {
        uint32_t id =
            (metrics->kinds >> kind & 1) != 0
                ? fa_series_find(metrics, (enum fa_kind)kind, link->watch->spec.metric, labels)
                : FA_POOL_NONE;
        struct fa_series *series = id != FA_POOL_NONE ? fa_series_at(metrics, id) : NULL;
        if (series != NULL && series->at_rest && series->by.watch == link->watch) {
            return fa_rest_wake(series);
        }
    }
    return NULL;
}

bool fa_watcher_each_at_rest(struct fa_watcher *watcher, const void *owner, uint32_t *cursor,
                             struct fa_link *ret_link)
{
    struct fa_metrics *metrics = watcher->metrics;
    while (*cursor < metrics->all.count) {
        struct fa_series *series = fa_series_at(metrics, (*cursor)++);
        bool is_new = series->quiet == NULL && fa_origin_at(metrics, series->place)->queued;
        if (series->at_rest && !is_new && series->by.watch->watcher == watcher &&
            series->by.watch->spec.owner == owner) {
            *ret_link = (struct fa_link){.series = series,
                                         .watch = series->by.watch,
                                         .quiet = series->quiet,
                                         .rested = true,
                                         .was_quiet = series->quiet != NULL};
            return true;
        }
    }
    return false;
}
