/* SPDX-License-Identifier: MIT */
/* Watches and links.
 *
 * Invariants:
 *  1. A link exists for every pair of a series and a watch that matches it, from the moment both
 *     exist, and is in its series' list; a `gone` one is in no list but the dirty one. A series at
 *     rest has none (rest.c).
 *  2. A dirty link is on its watcher's list exactly once.
 *  3. A series has one raw window, at the longest span, and one for each other width and use of
 *     sketches that was asked for; who reads other fields of those than are kept has one more.
 *  4. A series knows what its link allows when it has one link only.
 *
 * A window that is new on an old series starts with what another window of the series knows. */
#include "metrics/series.h"
#include "base/panic.h"
#include "metrics/keep.h"

#include <stdlib.h>
#include <string.h>

struct fa_watcher *fa_watcher_new(struct fa_metrics *metrics)
{
    struct fa_watcher *watcher = fa_xcalloc(1, sizeof *watcher);
    watcher->metrics = metrics;
    watcher->queue_first = watcher->queue_last = FA_POOL_NONE;
    fa_past_init(watcher);
    fa_wheel_init(&watcher->wheel);
    return watcher;
}

struct fa_watched *fa_watched_find(const struct fa_metrics *metrics, struct fa_str name)
{
    size_t cursor;
    uint32_t hash = fa_index_hash(fa_hash(name, metrics->limits.hash_seed));
    uint32_t id = fa_index_first(&metrics->names, hash, &cursor);
    while (id != FA_INDEX_NONE && !fa_str_is(name, fa_watched_at(metrics, id)->name)) {
        id = fa_index_next(&metrics->names, hash, &cursor);
    }
    return id != FA_INDEX_NONE ? fa_watched_at(metrics, id) : NULL;
}

struct fa_watched *fa_watched_take(struct fa_metrics *metrics, struct fa_str name)
{
    struct fa_watched *watched = fa_watched_find(metrics, name);
    if (watched == NULL) {
        uint32_t place = fa_pool_take(&metrics->watched);
        watched = fa_watched_at(metrics, place);
        *watched =
            (struct fa_watched){.name = fa_xstrndup(name.ptr, name.len),
                                .place = place,
                                .hash = fa_index_hash(fa_hash(name, metrics->limits.hash_seed)),
                                .series = FA_POOL_NONE};
        fa_index_add(&metrics->names, watched->hash, place);
    }
    return watched;
}

static struct fa_str copy_of(struct fa_str text)
{
    return (struct fa_str){fa_xstrndup(text.ptr, text.len), text.len};
}

static struct fa_watch *new_watch(struct fa_watcher *watcher, const struct fa_watch_spec *spec)
{
    struct fa_watch *watch = fa_xcalloc(1, sizeof *watch);
    watch->watcher = watcher;
    watch->spec = *spec;
    watch->spec.metric = copy_of(spec->metric);
    watch->matches = fa_xcalloc(spec->match_count + 1, sizeof watch->matches[0]);
    for (size_t i = 0; i < spec->match_count; i++) {
        watch->matches[i].name = copy_of(spec->matches[i].name);
        watch->matches[i].value = copy_of(spec->matches[i].value);
    }
    watch->spec.matches = watch->matches;
    return watch;
}

static void free_watch(struct fa_watch *watch)
{
    for (size_t i = 0; i < watch->spec.match_count; i++) {
        free((char *)(uintptr_t)watch->matches[i].name.ptr);
        free((char *)(uintptr_t)watch->matches[i].value.ptr);
    }
    free(watch->matches);
    free((char *)(uintptr_t)watch->spec.metric.ptr);
    free(watch);
}

bool fa_watch_matches(const struct fa_watch *watch, struct fa_str name,
                      const struct fa_labels *labels)
{
    for (size_t i = 0; i < watch->spec.match_count; i++) {
        if (!fa_str_eq(fa_labels_get(labels, watch->matches[i].name), watch->matches[i].value)) {
            return false;
        }
    }
    return watch->spec.accepts == NULL ||
           watch->spec.accepts(watch->spec.accepts_ctx, name, labels);
}

/* Does a window keep all that is to be read of slots like another's? */
static bool has_fields(const struct fa_window *window, const struct fa_window *wanted)
{
    uint8_t needed = wanted->is_raw ? FA_READS_ALL : wanted->reads;
    return (window->sketch || !wanted->sketch) &&
           (window->is_raw || (window->reads & needed) == needed);
}

/* The richest of the windows that the new one can start from. */
static const struct fa_window *find_seed(const struct fa_window *window,
                                         const struct fa_window *wanted)
{
    const struct fa_window *best = NULL;
    for (; window != NULL; window = window->next) {
        if (has_fields(window, wanted) &&
            (best == NULL || fa_window_span(window) > fa_window_span(best))) {
            best = window;
        }
    }
    return best;
}

static bool can_share(const struct fa_window *window, const struct fa_watch_spec *spec)
{
    uint8_t reads = spec->reads == 0 ? FA_READS_ALL : spec->reads;
    if (window->is_raw) {
        return spec->over <= FA_RAW_MAX && !spec->sketch;
    }
    return window->u.ring.width == fa_window_width(spec->over, spec->sketch) &&
           window->sketch == spec->sketch && (window->reads & reads) == reads &&
           (spec->over > FA_RAW_MAX || spec->sketch);
}

static struct fa_window *take_window(struct fa_metrics *metrics, struct fa_series *series,
                                     const struct fa_watch_spec *spec)
{
    enum fa_kind stored = (enum fa_kind)fa_origin_at(metrics, series->place)->kind;
    for (struct fa_window *window = series->windows; window != NULL; window = window->next) {
        if (can_share(window, spec)) {
            fa_window_extend(&metrics->windows, window, spec->over);
            return window;
        }
    }
    struct fa_window *window =
        fa_window_new(&metrics->windows, fa_fold_of(stored), spec->over, spec->reads, spec->sketch);
    const struct fa_window *seed = find_seed(series->windows, window);
    if (seed != NULL) {
        fa_window_seed(&metrics->windows, window, seed);
    }
    window->next = series->windows;
    series->windows = window;
    return window;
}

void fa_series_seed(struct fa_metrics *metrics, struct fa_series *series, struct fa_window *list)
{
    struct fa_window *raw = NULL, *saved = NULL;
    for (struct fa_window *window = series->windows; window != NULL; window = window->next) {
        const struct fa_window *seed = find_seed(list, window);
        if (window->is_raw && !window->is_busy && window->since == FA_NEVER) {
            raw = window;
        } else if (window->since == FA_NEVER && seed != NULL) {
            fa_window_seed(&metrics->windows, window, seed);
        }
    }
    for (struct fa_window *window = list; window != NULL; window = window->next) {
        saved = window->is_raw ? window : saved;
    }
    if (raw != NULL && saved != NULL) {
        fa_raw_move(&metrics->windows, raw, saved); /* last: the others have read it */
    } else if (raw != NULL && find_seed(list, raw) != NULL) {
        fa_window_seed(&metrics->windows, raw, find_seed(list, raw));
    }
}

struct fa_window *fa_series_wake_window(struct fa_metrics *metrics, struct fa_series *series,
                                        struct fa_window *window)
{
    struct fa_window **at = &series->windows;
    while (*at != window) {
        at = &(*at)->next;
    }
    *at = fa_window_wake(&metrics->windows, window);
    for (struct fa_link *link = series->by.links; link != NULL; link = link->next_in_series) {
        link->window = link->window == window ? *at : link->window;
    }
    return *at;
}

struct fa_link *fa_watch_take_link(struct fa_watch *watch, struct fa_series *series)
{
    struct fa_pool *links = &watch->watcher->metrics->links;
    uint32_t place = fa_pool_take(links);
    struct fa_link *link = fa_pool_at(links, place);
    *link = (struct fa_link){.series = series, .watch = watch, .place = place};
    if (watch->spec.over > 0) {
        link->window = take_window(watch->watcher->metrics, series, &watch->spec);
    } else {
        series->read_newest = true;
    }
    link->next_in_series = series->by.links;
    series->by.links = link;
    return link;
}

void fa_watch_link(struct fa_watch *watch, struct fa_series *series)
{
    if (series->at_rest) {
        fa_link_mark(fa_rest_wake(series));
    }
    fa_link_mark(fa_watch_take_link(watch, series));
}

static void note_quiet(struct fa_series *series)
{
    const struct fa_link *only = series->by.links;
    series->quiet = only != NULL && only->next_in_series == NULL ? only->quiet : NULL;
}

void fa_link_set_quiet(struct fa_link *link, struct fa_quiet *quiet)
{
    link->fresh = false;
    link->quiet = quiet;
    note_quiet(link->series);
}

bool fa_link_is_quiet(const struct fa_link *link)
{
    return link->quiet != NULL;
}

void fa_link_mark(struct fa_link *link)
{
    if (link->dirty) {
        return;
    }
    struct fa_watcher *watcher = link->watch->watcher;
    link->dirty = true;
    if (!link->gone) {
        link->quiet = NULL;
        note_quiet(link->series);
    }
    link->next_dirty = NULL;
    if (watcher->dirty_last != NULL) {
        watcher->dirty_last->next_dirty = link;
    } else {
        watcher->dirty_first = link;
    }
    watcher->dirty_last = link;
}

void fa_series_mark(struct fa_series *series)
{
    if (series->at_rest) {
        fa_rest_queue(series);
        return;
    }
    for (struct fa_link *link = series->by.links; link != NULL; link = link->next_in_series) {
        fa_link_mark(link);
    }
}

struct fa_link *fa_watcher_take_dirty(struct fa_watcher *watcher)
{
    struct fa_link *link = watcher->dirty_first;
    if (link != NULL) {
        watcher->dirty_first = link->next_dirty;
        if (watcher->dirty_first == NULL) {
            watcher->dirty_last = NULL;
        }
        link->dirty = false;
    }
    return link;
}

static struct fa_metrics *metrics_of(const struct fa_link *link)
{
    return link->watch->watcher->metrics;
}

void fa_link_release(struct fa_link *link)
{
    fa_assert(link->gone && !link->dirty);
    fa_pool_give(&metrics_of(link)->links, link->place);
}

void *fa_link_owner(const struct fa_link *link)
{
    return link->watch->spec.owner;
}

uint32_t fa_link_version(const struct fa_link *link)
{
    return link->series->version;
}

/* One that nobody watches waits at rest for its first evaluation. */
static void watch_series(struct fa_watch *watch, struct fa_series *series)
{
    bool is_free = !series->at_rest && series->by.links == NULL && series->windows == NULL;
    if (is_free && watch->spec.rest > 0) {
        fa_rest_begin(watch, series, NULL);
        fa_rest_queue(series);
    } else {
        fa_watch_link(watch, series);
    }
}

static void watch_if_matches(struct fa_watch *watch, uint32_t id)
{
    struct fa_metrics *metrics = watch->watcher->metrics;
    struct fa_str name =
        fa_str_of(fa_watched_at(metrics, fa_origin_at(metrics, id)->watched)->name);
    if (fa_watch_matches(watch, name, fa_series_labels(metrics, id))) {
        watch_series(watch, fa_series_at(metrics, id));
    }
}

static void watch_name(struct fa_watch *watch, const struct fa_watched *watched)
{
    for (uint32_t id = watched->series; id != FA_POOL_NONE;) {
        watch_if_matches(watch, id);
        id = fa_origin_at(watch->watcher->metrics, id)->next_of_name;
    }
}

void fa_watcher_add(struct fa_watcher *watcher, const struct fa_watch_spec *spec)
{
    struct fa_metrics *metrics = watcher->metrics;
    struct fa_watch *watch = new_watch(watcher, spec), **first = &metrics->nameless;
    if (spec->metric.len > 0) {
        first = &fa_watched_take(metrics, spec->metric)->watches;
    }
    watch->next_of_name = *first;
    *first = watch;
    watch->next_of_watcher = watcher->watches;
    watcher->watches = watch;
    if (spec->metric.len > 0) {
        watch_name(watch, fa_watched_find(metrics, spec->metric));
    }
    for (uint32_t id = 0; spec->metric.len == 0 && id < metrics->all.count; id++) {
        if (fa_origin_at(metrics, id)->kind != 0) {
            watch_if_matches(watch, id);
        }
    }
    fa_metrics_forget_ignored(metrics);
}

void fa_watched_release(struct fa_metrics *metrics, struct fa_watched *watched)
{
    if (watched->watches != NULL || watched->series != FA_POOL_NONE) {
        return;
    }
    fa_index_remove(&metrics->names, watched->hash, watched->place);
    free(watched->name);
    fa_pool_give(&metrics->watched, watched->place);
}

static void remove_watch(struct fa_metrics *metrics, struct fa_watch *watch)
{
    bool has_name = watch->spec.metric.len > 0;
    struct fa_watched *watched = has_name ? fa_watched_find(metrics, watch->spec.metric) : NULL;
    struct fa_watch **at = has_name ? &watched->watches : &metrics->nameless;
    while (*at != watch) {
        at = &(*at)->next_of_name;
    }
    *at = watch->next_of_name;
    if (has_name) {
        fa_watched_release(metrics, watched);
    }
}

/* The links of this watcher, out of every series. */
static void remove_links(struct fa_watcher *watcher)
{
    struct fa_metrics *metrics = watcher->metrics;
    for (uint32_t id = 0; id < metrics->all.count; id++) {
        struct fa_series *series = fa_series_at(metrics, id);
        bool any = false;
        if (series->at_rest && series->by.watch->watcher == watcher) {
            fa_rest_end(series);
        }
        for (struct fa_link **at = &series->by.links; !series->at_rest && *at != NULL;) {
            struct fa_link *link = *at;
            if (link->watch->watcher == watcher) {
                *at = link->next_in_series;
                fa_pool_give(&metrics->links, link->place);
                any = true;
            } else {
                at = &link->next_in_series;
            }
        }
        if (any) {
            note_quiet(series);
        }
    }
}

void fa_watcher_free(struct fa_watcher *watcher)
{
    if (watcher == NULL) {
        return;
    }
    struct fa_link *link;
    while ((link = fa_watcher_take_dirty(watcher)) != NULL) {
        if (link->gone) {
            fa_link_release(link);
        }
    }
    remove_links(watcher);
    while (watcher->watches != NULL) {
        struct fa_watch *watch = watcher->watches;
        watcher->watches = watch->next_of_watcher;
        remove_watch(watcher->metrics, watch);
        free_watch(watch);
    }
    fa_past_done(watcher);
    free(watcher);
}

struct fa_str fa_link_metric(const struct fa_link *link)
{
    const struct fa_metrics *metrics = metrics_of(link);
    return fa_str_of(
        fa_watched_at(metrics, fa_origin_at(metrics, link->series->place)->watched)->name);
}

const struct fa_labels *fa_link_labels(const struct fa_link *link)
{
    return fa_series_labels(metrics_of(link), link->series->place);
}

enum fa_kind fa_link_kind(const struct fa_link *link)
{
    return (enum fa_kind)fa_origin_at(metrics_of(link), link->series->place)->kind;
}

fa_time fa_link_since(const struct fa_link *link)
{
    const struct fa_series *series = link->series;
    if (link->window != NULL) {
        return link->window->since;
    }
    return series->has_newest ? series->newest_at : FA_NEVER;
}

bool fa_link_newest(const struct fa_link *link, fa_time *ret_time, double *ret_value)
{
    const struct fa_series *series = link->series;
    *ret_time = series->newest_at;
    *ret_value = series->newest;
    return series->has_newest && !series->stale;
}

size_t fa_link_points(const struct fa_link *link, fa_time from, fa_time to, struct fa_point *ret,
                      size_t max)
{
    struct fa_point newest;
    bool is_alive = fa_link_newest(link, &newest.at, &newest.value);
    struct fa_range range = {from, to};
    size_t count = 0;
    if (link->window != NULL && fa_link_kind(link) == FA_KIND_SET && to >= newest.at) {
        range.to = newest.at - 1; /* a set's current period is not in its window yet */
    }
    if (link->window != NULL) {
        count = fa_window_points(&metrics_of(link)->windows, link->window, range, ret, max);
    }
    if (link->window != NULL && fa_link_kind(link) != FA_KIND_SET) {
        return count;
    }
    if (is_alive && newest.at > from && newest.at <= to) {
        if (count < max) {
            ret[count] = newest;
        }
        count++;
    }
    return count;
}

/* A distribution's increases have nothing to do with its values, a set's window lacks its newest.
 */
static bool can_follow(const struct fa_link *link)
{
    enum fa_kind kind = fa_link_kind(link);
    return link->window->is_raw && kind != FA_KIND_DISTRIBUTION && kind != FA_KIND_SET;
}

void fa_link_follow(const struct fa_link *link, fa_time now, fa_time over, struct fa_follow *follow,
                    struct fa_summary *summary)
{
    struct fa_range range = {now - over, now};
    uint32_t version = link->series->version;
    if (!can_follow(link)) {
        fa_link_read(link, now, over, summary, NULL);
        return;
    }
    follow->is_valid = follow->is_valid && version - follow->version < FA_CHANGE_SAMPLES;
    follow->version = version;
    fa_window_follow(&metrics_of(link)->windows, link->window, range, follow, summary);
}

void fa_link_read(const struct fa_link *link, fa_time now, fa_time over,
                  struct fa_summary *ret_summary, struct fa_sketch *sketch)
{
    *ret_summary =
        fa_window_read(&metrics_of(link)->windows, link->window, now - over, now, sketch);
    /* A set's current period is not in its window yet: its count still grows. */
    const struct fa_set *set = fa_link_kind(link) == FA_KIND_SET ? link->series->own.set : NULL;
    size_t members = set != NULL ? set->count + set->has_zero : 0;
    if (members > 0 && set->last_at > now - over && set->last_at <= now) {
        struct fa_sample sample = {.time = set->last_at, .value = (double)members, .weight = 1};
        fa_summary_add(ret_summary, &sample);
        ret_summary->next_at =
            ret_summary->next_at == FA_NEVER ? set->last_at + over : ret_summary->next_at;
        if (sketch != NULL) {
            fa_sketch_add(sketch, sample.value, 1);
        }
    }
}
