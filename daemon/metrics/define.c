/* SPDX-License-Identifier: MIT */
/* Series: how they come to be, are found again by what senders call them, and go.
 *
 * Two ways lead to a series: its raw spelling in a feed (fast, one lookup a sample, no parsing) and
 * its name, sorted labels and kind (once for each spelling). Handles carry the place, the kind as
 * sent and a generation, so that a handle that outlives its series hits nothing.
 *
 * Order of refusal in fa_metrics_define: a name that no rule wants goes to the catalogue and costs
 * nothing more; then malformed or too many labels; then labels that no rule matches; then the
 * feed's limit on series, which refuses new ones and lets the old go on. Refused spellings are
 * remembered by hash in a table of fixed size, so that a flood of them is cheap; it is forgotten
 * whenever the answer could change. The hash is seeded by the host: nobody can aim at a collision.
 *
 * Spellings of one series are limited too (RAWS_PER_SERIES on average): a sender that permutes its
 * tags loses speed, not our memory. */
#include "metrics/series.h"
#include "base/panic.h"

#include <stdlib.h>
#include <string.h>

#define RAWS_PER_SERIES   4
#define SILENT_SERIES_MAX FA_DAY
#define KIND_SHIFT        32
#define GENERATION_SHIFT  36
#define GENERATION_MAX    ((UINT32_C(1) << 27) - 1)

enum fa_kind fa_kind_stored(enum fa_kind kind)
{
    return kind == FA_KIND_STATE || kind == FA_KIND_GAUGE_DELTA ? FA_KIND_GAUGE : kind;
}

static enum fa_fold fold_of(enum fa_kind stored)
{
    if (stored == FA_KIND_SET) {
        return FA_FOLD_NONE;
    }
    bool delta = stored == FA_KIND_COUNTER_DELTA || stored == FA_KIND_DISTRIBUTION;
    return delta ? FA_FOLD_DELTA : FA_FOLD_VALUE;
}

static uint64_t handle_of(const struct fa_metrics *metrics, const struct fa_series *series,
                          enum fa_kind kind)
{
    uint64_t generation = metrics->slots[series->place].generation;
    return generation << GENERATION_SHIFT | (uint64_t)kind << KIND_SHIFT | series->place;
}

static uint64_t raw_hash(const struct fa_feed *feed, enum fa_kind kind, struct fa_str raw)
{
    /* Never 0: that is a free cell of the table of ignored ones. */
    return fa_hash(raw, feed->metrics->limits.hash_seed ^ (uintptr_t)feed ^ (uint64_t)kind) | 1;
}

static struct fa_raw *find_raw(const struct fa_feed *feed, enum fa_kind kind, struct fa_str raw,
                               uint64_t hash)
{
    size_t cursor;
    struct fa_raw *found = fa_index_first(&feed->metrics->raws, hash, &cursor);
    while (found != NULL) {
        struct fa_str bytes = {found->bytes, found->len};
        if (found->feed == feed && found->kind == kind && fa_str_eq(bytes, raw)) {
            return found;
        }
        found = fa_index_next(&feed->metrics->raws, hash, &cursor);
    }
    return NULL;
}

uint64_t fa_metrics_key(struct fa_feed *feed, enum fa_kind kind, struct fa_str raw)
{
    uint64_t hash = raw_hash(feed, kind, raw);
    const struct fa_raw *found = find_raw(feed, kind, raw, hash);
    if (found != NULL) {
        return handle_of(feed->metrics, found->series, kind);
    }
    bool ignored = feed->metrics->ignored[(hash >> 1) & (FA_IGNORED_CELLS - 1)] == hash;
    return ignored ? FA_HANDLE_IGNORED : FA_HANDLE_MISS;
}

void fa_metrics_forget_ignored(struct fa_metrics *metrics)
{
    memset(metrics->ignored, 0, sizeof metrics->ignored);
}

static void remember_raw(struct fa_feed *feed, enum fa_kind kind, struct fa_str raw,
                         struct fa_series *series)
{
    struct fa_metrics *metrics = feed->metrics;
    uint64_t hash = raw_hash(feed, kind, raw);
    if (metrics->raws.count >= RAWS_PER_SERIES * (metrics->series.count + 16) ||
        find_raw(feed, kind, raw, hash) != NULL) {
        return;
    }
    struct fa_raw *entry = fa_xmalloc(sizeof *entry + raw.len);
    *entry = (struct fa_raw){.hash = hash,
                             .feed = feed,
                             .series = series,
                             .next = series->raws,
                             .kind = kind,
                             .len = (uint32_t)raw.len};
    memcpy(entry->bytes, raw.ptr, raw.len);
    series->raws = entry;
    fa_index_add(&metrics->raws, hash, entry);
}

static bool fits(const struct fa_metrics_limits *limits, const struct fa_label *labels,
                 size_t count)
{
    if (count > limits->labels) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (labels[i].name.len > limits->name_bytes || labels[i].value.len > limits->value_bytes) {
            return false;
        }
    }
    return true;
}

static void note_unwatched(struct fa_feed *feed, struct fa_str name)
{
    struct fa_metrics *metrics = feed->metrics;
    feed->stats.unwatched++;
    if (metrics->catalogue_count >= metrics->limits.catalogue ||
        name.len > feed->limits.name_bytes || fa_str_has_control(name) || !fa_utf8_valid(name)) {
        return;
    }
    size_t cursor;
    uint64_t hash = fa_hash(name, metrics->limits.hash_seed);
    const char *seen = fa_index_first(&metrics->catalogue_index, hash, &cursor);
    while (seen != NULL && !fa_str_is(name, seen)) {
        seen = fa_index_next(&metrics->catalogue_index, hash, &cursor);
    }
    if (seen == NULL) {
        metrics->catalogue = fa_xgrow(metrics->catalogue, metrics->catalogue_count,
                                      &metrics->catalogue_cap, sizeof metrics->catalogue[0]);
        char *copy = fa_xstrndup(name.ptr, name.len);
        metrics->catalogue[metrics->catalogue_count++] = copy;
        fa_index_add(&metrics->catalogue_index, hash, copy);
    }
}

static bool same_labels(const struct fa_labels *a, const struct fa_labels *b)
{
    if (a->count != b->count) {
        return false;
    }
    for (size_t i = 0; i < a->count; i++) {
        if (!fa_str_eq(a->items[i].name, b->items[i].name) ||
            !fa_str_eq(a->items[i].value, b->items[i].value)) {
            return false;
        }
    }
    return true;
}

static uint64_t series_hash(const struct fa_metrics *metrics, enum fa_kind stored,
                            struct fa_str name, const struct fa_labels *labels)
{
    uint64_t hash = fa_hash(name, metrics->limits.hash_seed ^ (uint64_t)stored);
    for (size_t i = 0; i < labels->count; i++) {
        hash = fa_hash(labels->items[i].name, hash);
        hash = fa_hash(labels->items[i].value, hash);
    }
    return hash;
}

static struct fa_series *find_series(const struct fa_metrics *metrics, uint64_t hash,
                                     enum fa_kind stored, struct fa_str name,
                                     const struct fa_labels *labels)
{
    size_t cursor;
    struct fa_series *series = fa_index_first(&metrics->series, hash, &cursor);
    while (series != NULL && !(series->kind == stored && fa_str_is(name, series->watched->name) &&
                               same_labels(series->labels, labels))) {
        series = fa_index_next(&metrics->series, hash, &cursor);
    }
    return series;
}

static void place_series(struct fa_metrics *metrics, struct fa_series *series)
{
    if (metrics->first_free != UINT32_MAX) {
        series->place = metrics->first_free;
        metrics->first_free = metrics->slots[series->place].next_free;
    } else {
        metrics->slots = fa_xgrow(metrics->slots, metrics->slot_count, &metrics->slot_cap,
                                  sizeof metrics->slots[0]);
        series->place = metrics->slot_count++;
        metrics->slots[series->place].generation = 1;
    }
    metrics->slots[series->place].series = series;
    fa_index_add(&metrics->series, series->hash, series);
}

/* Takes labels. */
static struct fa_series *make_series(struct fa_feed *feed, enum fa_kind stored,
                                     struct fa_watched *watched, struct fa_labels *labels,
                                     uint64_t hash)
{
    struct fa_series *series = fa_xcalloc(1, sizeof *series);
    series->feed = feed;
    series->kind = stored;
    series->fold = fold_of(stored);
    series->watched = watched;
    series->next_of_name = watched->series;
    if (watched->series != NULL) {
        watched->series->prev_of_name = series;
    }
    watched->series = series;
    series->labels = labels;
    series->hash = hash;
    series->since = FA_NEVER;
    place_series(feed->metrics, series);
    feed->stats.series++;
    for (struct fa_watch *watch = watched->watches; watch != NULL; watch = watch->next_of_name) {
        if (fa_watch_matches(watch, labels)) {
            fa_watch_link(watch, series);
        }
    }
    return series;
}

static bool is_wanted(const struct fa_watched *watched, const struct fa_labels *labels)
{
    const struct fa_watch *watch = watched->watches;
    while (watch != NULL && !fa_watch_matches(watch, labels)) {
        watch = watch->next_of_name;
    }
    return watch != NULL;
}

/* NULL: refused or not wanted, and counted. */
static struct fa_series *take_series(struct fa_feed *feed, enum fa_kind kind, struct fa_str name,
                                     const struct fa_label *labels, size_t count)
{
    struct fa_metrics *metrics = feed->metrics;
    struct fa_watched *watched = fa_watched_find(metrics, name);
    if (watched == NULL || watched->watches == NULL) {
        note_unwatched(feed, name);
        return NULL;
    }
    struct fa_labels *set = NULL;
    if (!fits(&feed->limits, labels, count) || fa_labels_new(labels, count, &set) < 0) {
        feed->stats.labels_refused++;
        return NULL;
    }
    enum fa_kind stored = fa_kind_stored(kind);
    uint64_t hash = series_hash(metrics, stored, name, set);
    struct fa_series *series = find_series(metrics, hash, stored, name, set);
    if (series != NULL) {
        fa_labels_free(set);
        return series;
    }
    bool wanted = is_wanted(watched, set);
    if (wanted && feed->stats.series < feed->limits.series) {
        return make_series(feed, stored, watched, set, hash);
    }
    if (wanted) {
        feed->stats.series_refused++;
    } else {
        feed->stats.unwatched++;
    }
    fa_labels_free(set);
    return NULL;
}

uint64_t fa_metrics_define(struct fa_feed *feed, enum fa_kind kind, struct fa_str raw,
                           struct fa_str name, const struct fa_label *labels, size_t count)
{
    fa_assert(kind > 0 && kind < FA_KIND__COUNT);
    struct fa_series *series = take_series(feed, kind, name, labels, count);
    if (series == NULL) {
        uint64_t hash = raw_hash(feed, kind, raw);
        feed->metrics->ignored[(hash >> 1) & (FA_IGNORED_CELLS - 1)] = hash;
        return FA_HANDLE_IGNORED;
    }
    remember_raw(feed, kind, raw, series);
    return handle_of(feed->metrics, series, kind);
}

static void leave_name(struct fa_metrics *metrics, struct fa_series *series)
{
    if (series->prev_of_name != NULL) {
        series->prev_of_name->next_of_name = series->next_of_name;
    } else {
        series->watched->series = series->next_of_name;
    }
    if (series->next_of_name != NULL) {
        series->next_of_name->prev_of_name = series->prev_of_name;
    }
    fa_watched_release(metrics, series->watched);
}

static void drop_raws(struct fa_metrics *metrics, struct fa_series *series)
{
    while (series->raws != NULL) {
        struct fa_raw *raw = series->raws;
        series->raws = raw->next;
        fa_index_remove(&metrics->raws, raw->hash, raw);
        free(raw);
    }
}

void fa_set_done(struct fa_set *set)
{
    free(set->cells);
    *set = (struct fa_set){0};
}

void fa_series_drop(struct fa_metrics *metrics, struct fa_series *series)
{
    while (series->links != NULL) {
        struct fa_link *link = series->links;
        series->links = link->next_in_series;
        link->gone = true;
        link->series = NULL;
        link->window = NULL;
        fa_link_mark(link);
    }
    drop_raws(metrics, series);
    leave_name(metrics, series);
    fa_index_remove(&metrics->series, series->hash, series);
    struct fa_slot_of_series *slot = &metrics->slots[series->place];
    slot->series = NULL;
    slot->generation = slot->generation == GENERATION_MAX ? 1 : slot->generation + 1;
    slot->next_free = metrics->first_free;
    metrics->first_free = (uint32_t)series->place;
    series->feed->stats.series--;
    for (size_t i = 0; i < series->window_count; i++) {
        fa_window_done(series->windows[i]);
        free(series->windows[i]);
    }
    free(series->windows);
    fa_set_done(&series->set);
    fa_labels_free(series->labels);
    free(series);
}

/* Frees windows that no link reads. */
static void trim_windows(struct fa_series *series)
{
    size_t kept = 0;
    for (size_t i = 0; i < series->window_count; i++) {
        const struct fa_link *link = series->links;
        while (link != NULL && link->window != series->windows[i]) {
            link = link->next_in_series;
        }
        if (link != NULL) {
            series->windows[kept++] = series->windows[i];
        } else {
            fa_window_done(series->windows[i]);
            free(series->windows[i]);
        }
    }
    series->window_count = kept;
}

void fa_metrics_sweep(struct fa_metrics *metrics)
{
    for (size_t i = 0; i < metrics->slot_count; i++) {
        struct fa_series *series = metrics->slots[i].series;
        if (series != NULL && series->links == NULL) {
            fa_series_drop(metrics, series);
        } else if (series != NULL) {
            trim_windows(series);
        }
    }
    fa_metrics_forget_ignored(metrics);
}

static bool is_over(const struct fa_series *series, fa_time now)
{
    fa_time silent = SILENT_SERIES_MAX;
    for (size_t i = 0; i < series->window_count; i++) {
        silent = series->windows[i]->span > silent ? series->windows[i]->span : silent;
    }
    return series->heard_at <= now - silent;
}

size_t fa_metrics_expire(struct fa_metrics *metrics, struct fa_now now)
{
    size_t dropped = 0;
    for (size_t i = 0; i < metrics->slot_count; i++) {
        struct fa_series *series = metrics->slots[i].series;
        if (series != NULL && series->heard_at > 0 && is_over(series, now.wall)) {
            fa_series_drop(metrics, series);
            dropped++;
        }
    }
    if (dropped > 0) {
        fa_metrics_forget_ignored(metrics);
    }
    return dropped;
}
