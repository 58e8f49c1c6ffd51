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
#define RAW_MAX           8192 /* longer spellings are defined anew each time */
#define KEYS_AT_ONCE      64
#define EXPIRE_AT_ONCE    65536 /* places looked at: some ms */

static uint64_t handle_of(const struct fa_series *series, enum fa_kind kind)
{
    uint64_t generation = series->generation;
    return generation << GENERATION_SHIFT | (uint64_t)kind << KIND_SHIFT | series->place;
}

void fa_metrics_each_valued(struct fa_metrics *metrics, fa_valued_fn *fn, void *ctx)
{
    for (uint32_t place = 0; place < metrics->all.count; place++) {
        const struct fa_series *series = fa_series_at(metrics, place);
        const struct fa_origin *origin = fa_origin_at(metrics, place);
        if (origin->kind != 0 && series->has_newest && !series->stale) {
            uint64_t handle = handle_of(series, (enum fa_kind)origin->kind);
            fn(ctx, metrics->feeds_by_number[origin->feed], fa_handle_of_series(handle));
        }
    }
}

static uint64_t raw_hash(const struct fa_feed *feed, enum fa_kind kind, struct fa_str raw)
{
    /* Never 0: that is a free cell of the table of ignored ones. */
    uint64_t own = (uint64_t)feed->number << 8 | (uint64_t)kind;
    return fa_hash(raw, feed->metrics->limits.hash_seed ^ own << 40) | 1;
}

/* memcmp for the short texts that keys are, in place. */
static inline bool same_bytes(const char *a, const char *b, size_t len)
{
    uint64_t x, y;
    if (len < sizeof x) {
        return memcmp(a, b, len) == 0;
    }
    for (size_t i = 0; i + sizeof x < len; i += sizeof x) {
        memcpy(&x, a + i, sizeof x);
        memcpy(&y, b + i, sizeof y);
        if (x != y) {
            return false;
        }
    }
    memcpy(&x, a + len - sizeof x, sizeof x);
    memcpy(&y, b + len - sizeof y, sizeof y);
    return x == y;
}

static inline uint64_t handle_in(const struct fa_raw *raw)
{
    return (uint64_t)raw->mark << 32 | raw->place;
}

static inline bool is_raw(const struct fa_feed *feed, enum fa_kind kind, struct fa_str raw,
                          const struct fa_raw *known)
{
    return known->len == raw.len && known->feed == feed->number && (known->mark & 15) == kind &&
           same_bytes(known->bytes, raw.ptr, raw.len);
}

static const struct fa_raw *find_raw(const struct fa_feed *feed, enum fa_kind kind,
                                     struct fa_str raw, uint64_t hash)
{
    const struct fa_metrics *metrics = feed->metrics;
    size_t cursor;
    uint32_t id = fa_index_first(&metrics->raws, fa_index_hash(hash), &cursor);
    while (id != FA_INDEX_NONE) {
        const struct fa_raw *known = fa_arena_at(&metrics->raw_bytes, id);
        if (is_raw(feed, kind, raw, known)) {
            return known;
        }
        id = fa_index_next(&metrics->raws, fa_index_hash(hash), &cursor);
    }
    return NULL;
}

static uint64_t unknown_key(const struct fa_metrics *metrics, uint64_t hash)
{
    bool ignored = metrics->ignored[(hash >> 1) & (FA_IGNORED_CELLS - 1)] == hash;
    return ignored ? FA_HANDLE_IGNORED : FA_HANDLE_MISS;
}

uint64_t fa_metrics_key(struct fa_feed *feed, enum fa_kind kind, struct fa_str raw)
{
    uint64_t hash = raw_hash(feed, kind, raw);
    const struct fa_raw *found = find_raw(feed, kind, raw, hash);
    return found != NULL ? handle_in(found) : unknown_key(feed->metrics, hash);
}

/* Each pass asks the memory for what the next one reads, so that their waits overlap. */
static void find_batch(struct fa_feed *feed, const uint32_t *kinds, const struct fa_str *raws,
                       uint64_t *handles, size_t n)
{
    struct fa_metrics *metrics = feed->metrics;
    uint64_t hashes[KEYS_AT_ONCE];
    uint32_t first[KEYS_AT_ONCE];
    for (size_t i = 0; i < n; i++) {
        hashes[i] = raw_hash(feed, (enum fa_kind)kinds[i], raws[i]);
        fa_index_prefetch(&metrics->raws, fa_index_hash(hashes[i]));
        __builtin_prefetch(&metrics->ignored[(hashes[i] >> 1) & (FA_IGNORED_CELLS - 1)]);
    }
    for (size_t i = 0; i < n; i++) {
        size_t cursor;
        first[i] = fa_index_first(&metrics->raws, fa_index_hash(hashes[i]), &cursor);
        if (first[i] != FA_INDEX_NONE) {
            __builtin_prefetch(fa_arena_at(&metrics->raw_bytes, first[i]));
        }
    }
    for (size_t i = 0; i < n; i++) {
        const struct fa_raw *known =
            first[i] != FA_INDEX_NONE ? fa_arena_at(&metrics->raw_bytes, first[i]) : NULL;
        if (known != NULL && !is_raw(feed, (enum fa_kind)kinds[i], raws[i], known)) {
            known = find_raw(feed, (enum fa_kind)kinds[i], raws[i], hashes[i]);
        }
        handles[i] = known != NULL ? handle_in(known) : unknown_key(metrics, hashes[i]);
        if (known != NULL) {
            __builtin_prefetch(fa_series_at(metrics, known->place));
        }
    }
}

void fa_metrics_keys(struct fa_feed *feed, const uint32_t *kinds, const struct fa_str *raws,
                     uint64_t *handles, size_t n)
{
    for (size_t at = 0; at < n; at += KEYS_AT_ONCE) {
        size_t some = n - at < KEYS_AT_ONCE ? n - at : KEYS_AT_ONCE;
        find_batch(feed, kinds + at, raws + at, handles + at, some);
    }
}

void fa_metrics_forget_ignored(struct fa_metrics *metrics)
{
    /* Anew, not cleared: what nobody writes to takes no memory. And only when something is to be
     * forgotten: each rule of a configuration asks for it. */
    if (metrics->ignored == NULL || metrics->ignores) {
        free(metrics->ignored);
        metrics->ignored = fa_xcalloc(FA_IGNORED_CELLS, sizeof metrics->ignored[0]);
        metrics->ignores = false;
    }
}

static void remember_raw(struct fa_feed *feed, enum fa_kind kind, struct fa_str raw, uint32_t place)
{
    struct fa_metrics *metrics = feed->metrics;
    struct fa_origin *origin = fa_origin_at(metrics, place);
    uint64_t hash = raw_hash(feed, kind, raw);
    if (metrics->raws.count >= RAWS_PER_SERIES * (metrics->series_count + 16) ||
        raw.len > RAW_MAX || find_raw(feed, kind, raw, hash) != NULL) {
        return;
    }
    bool has_next = origin->raws != FA_POOL_NONE;
    size_t size = FA_RAW_HEAD + raw.len + (has_next ? sizeof origin->raws : 0);
    uint32_t id = fa_arena_take(&metrics->raw_bytes, size);
    struct fa_raw *entry = fa_arena_at(&metrics->raw_bytes, id);
    entry->place = place;
    entry->mark = (uint32_t)(handle_of(fa_series_at(metrics, place), kind) >> 32);
    entry->feed = feed->number;
    entry->len = raw.len & 0x7fff;
    entry->has_next = has_next;
    memcpy(entry->bytes, raw.ptr, raw.len);
    if (has_next) {
        memcpy(entry->bytes + raw.len, &origin->raws, sizeof origin->raws);
    }
    origin->raws = id;
    fa_index_add(&metrics->raws, fa_index_hash(hash), id);
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
    uint32_t hash = fa_index_hash(fa_hash(name, metrics->limits.hash_seed));
    uint32_t seen = fa_index_first(&metrics->catalogue_index, hash, &cursor);
    while (seen != FA_INDEX_NONE && !fa_str_is(name, metrics->catalogue[seen])) {
        seen = fa_index_next(&metrics->catalogue_index, hash, &cursor);
    }
    if (seen == FA_INDEX_NONE) {
        metrics->catalogue = fa_xgrow(metrics->catalogue, metrics->catalogue_count,
                                      &metrics->catalogue_cap, sizeof metrics->catalogue[0]);
        char *copy = fa_xstrndup(name.ptr, name.len);
        metrics->catalogue[metrics->catalogue_count] = copy;
        fa_index_add(&metrics->catalogue_index, hash, (uint32_t)metrics->catalogue_count++);
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

static uint32_t series_hash(const struct fa_metrics *metrics, enum fa_kind stored,
                            struct fa_str name, const struct fa_labels *labels)
{
    uint64_t hash = fa_hash(name, metrics->limits.hash_seed ^ (uint64_t)stored);
    for (size_t i = 0; i < labels->count; i++) {
        hash = fa_hash(labels->items[i].name, hash);
        hash = fa_hash(labels->items[i].value, hash);
    }
    return fa_index_hash(hash);
}

uint32_t fa_series_find(const struct fa_metrics *metrics, enum fa_kind stored, struct fa_str name,
                        const struct fa_labels *labels)
{
    size_t cursor;
    uint32_t hash = series_hash(metrics, stored, name, labels);
    uint32_t id = fa_index_first(&metrics->series, hash, &cursor);
    while (id != FA_INDEX_NONE) {
        const struct fa_origin *origin = fa_origin_at(metrics, id);
        (void)fa_labels_unpack(fa_arena_at(&metrics->raw_bytes, origin->labels), metrics->scratch);
        if (origin->kind == stored && same_labels(metrics->scratch, labels) &&
            fa_str_is(name, fa_watched_at(metrics, origin->watched)->name)) {
            return id;
        }
        id = fa_index_next(&metrics->series, hash, &cursor);
    }
    return FA_POOL_NONE;
}

const struct fa_labels *fa_series_labels(struct fa_metrics *metrics, uint32_t id)
{
    uint32_t packed = fa_origin_at(metrics, id)->labels;
    (void)fa_labels_unpack(fa_arena_at(&metrics->raw_bytes, packed), metrics->scratch);
    return metrics->scratch;
}

/* A place in both pools, with nothing of who had it before but the generation. */
static struct fa_series *place_series(struct fa_metrics *metrics, struct fa_feed *feed,
                                      enum fa_kind stored)
{
    uint32_t place = fa_pool_take(&metrics->all);
    uint32_t same = fa_pool_take(&metrics->origins);
    fa_assert(same == place);
    struct fa_series *series = fa_series_at(metrics, place);
    uint32_t generation = series->generation > 0 ? series->generation : 1;
    *series = (struct fa_series){.place = place, .generation = generation & GENERATION_MAX};
    *fa_origin_at(metrics, place) = (struct fa_origin){.feed = feed->number,
                                                       .kind = (uint8_t)stored,
                                                       .raws = FA_POOL_NONE,
                                                       .next_of_name = FA_POOL_NONE,
                                                       .prev_of_name = FA_POOL_NONE,
                                                       .next_at_rest = FA_POOL_NONE,
                                                       .prev_at_rest = FA_POOL_NONE};
    metrics->series_count++;
    metrics->kinds |= 1u << stored;
    feed->stats.series++;
    return series;
}

static void join_name(struct fa_metrics *metrics, struct fa_watched *watched, uint32_t place)
{
    struct fa_origin *origin = fa_origin_at(metrics, place);
    origin->watched = watched->place;
    origin->next_of_name = watched->series;
    if (watched->series != FA_POOL_NONE) {
        fa_origin_at(metrics, watched->series)->prev_of_name = place;
    }
    watched->series = place;
}

static uint32_t keep_labels(struct fa_metrics *metrics, const struct fa_labels *labels)
{
    uint32_t id = fa_arena_take(&metrics->raw_bytes, fa_labels_packed_size(labels));
    fa_labels_pack(labels, fa_arena_at(&metrics->raw_bytes, id));
    return id;
}

/* The next watch of the name, or of any, that matches; the first after NULL. */
static struct fa_watch *next_match(const struct fa_metrics *metrics, struct fa_str name,
                                   const struct fa_labels *labels, struct fa_watch *after)
{
    const struct fa_watched *watched = NULL;
    struct fa_watch *watch = after != NULL ? after->next_of_name : NULL;
    bool named = after == NULL || after->spec.metric.len > 0;
    if (after == NULL) {
        watched = fa_watched_find(metrics, name);
        watch = watched != NULL ? watched->watches : NULL;
    }
    for (;;) {
        if (watch == NULL && named) {
            named = false;
            watch = metrics->nameless;
        }
        if (watch == NULL || fa_watch_matches(watch, name, labels)) {
            return watch;
        }
        watch = watch->next_of_name;
    }
}

static void link_all(struct fa_metrics *metrics, struct fa_str name, const struct fa_labels *labels,
                     struct fa_series *series)
{
    struct fa_watch *watch = next_match(metrics, name, labels, NULL);
    if (watch->spec.rest > 0 && next_match(metrics, name, labels, watch) == NULL) {
        fa_rest_begin(watch, series, NULL);
        fa_rest_queue(series);
        return;
    }
    for (; watch != NULL; watch = next_match(metrics, name, labels, watch)) {
        fa_watch_link(watch, series);
    }
}

static uint32_t make_series(struct fa_feed *feed, enum fa_kind stored, struct fa_watched *watched,
                            const struct fa_labels *labels)
{
    struct fa_metrics *metrics = feed->metrics;
    struct fa_series *series = place_series(metrics, feed, stored);
    fa_origin_at(metrics, series->place)->labels = keep_labels(metrics, labels);
    if (stored == FA_KIND_SET) {
        series->own.set = fa_xcalloc(1, sizeof *series->own.set);
    }
    join_name(metrics, watched, series->place);
    fa_index_add(&metrics->series, series_hash(metrics, stored, fa_str_of(watched->name), labels),
                 series->place);
    link_all(metrics, fa_str_of(watched->name), labels, series);
    return series->place;
}

/* Does somebody watch series of this very name? */
static bool is_named(const struct fa_metrics *metrics, struct fa_str name)
{
    const struct fa_watched *watched = fa_watched_find(metrics, name);
    return watched != NULL && watched->watches != NULL;
}

/* FA_POOL_NONE: refused or not wanted, and counted. */
static uint32_t take_labelled(struct fa_feed *feed, enum fa_kind stored, struct fa_str name,
                              const struct fa_labels *labels)
{
    uint32_t place = fa_series_find(feed->metrics, stored, name, labels);
    bool wanted = place != FA_POOL_NONE || next_match(feed->metrics, name, labels, NULL) != NULL;
    if (place != FA_POOL_NONE) {
        return place;
    }
    if (wanted && feed->stats.series < feed->limits.series) {
        return make_series(feed, stored, fa_watched_take(feed->metrics, name), labels);
    }
    if (wanted) {
        feed->stats.series_refused++;
    } else if (is_named(feed->metrics, name)) {
        feed->stats.unwatched++;
    } else {
        note_unwatched(feed, name);
    }
    return FA_POOL_NONE;
}

static uint32_t take_series(struct fa_feed *feed, enum fa_kind kind, struct fa_str name,
                            const struct fa_label *labels, size_t count)
{
    bool named = is_named(feed->metrics, name);
    if (!named && feed->metrics->nameless == NULL) {
        note_unwatched(feed, name);
        return FA_POOL_NONE;
    }
    struct fa_labels *set = NULL;
    bool is_name = named || (name.len <= feed->limits.name_bytes && !fa_str_has_control(name) &&
                             fa_utf8_valid(name));
    if (!is_name || !fits(&feed->limits, labels, count) || fa_labels_new(labels, count, &set) < 0) {
        feed->stats.labels_refused++;
        return FA_POOL_NONE;
    }
    uint32_t place = FA_POOL_NONE;
    size_t size = fa_labels_packed_size(set);
    if (size > 0 && size <= FA_ARENA_MAX) {
        place = take_labelled(feed, fa_kind_stored(kind), name, set);
    } else {
        feed->stats.labels_refused++;
    }
    fa_labels_free(set);
    return place;
}

uint64_t fa_metrics_define(struct fa_feed *feed, enum fa_kind kind, struct fa_str raw,
                           struct fa_str name, const struct fa_label *labels, size_t count)
{
    fa_assert(kind > 0 && kind < FA_KIND__COUNT);
    uint32_t place = take_series(feed, kind, name, labels, count);
    if (place == FA_POOL_NONE) {
        uint64_t hash = raw_hash(feed, kind, raw);
        feed->metrics->ignored[(hash >> 1) & (FA_IGNORED_CELLS - 1)] = hash;
        feed->metrics->ignores = true;
        return FA_HANDLE_IGNORED;
    }
    remember_raw(feed, kind, raw, place);
    return handle_of(fa_series_at(feed->metrics, place), kind);
}

uint32_t fa_series_take(struct fa_feed *feed, enum fa_kind stored, struct fa_str name,
                        const struct fa_label *labels, size_t count)
{
    return take_series(feed, stored, name, labels, count);
}

void fa_catalogue_add(struct fa_feed *feed, struct fa_str name)
{
    note_unwatched(feed, name);
    feed->stats.unwatched--;
}

static void leave_name(struct fa_metrics *metrics, const struct fa_origin *origin)
{
    struct fa_watched *watched = fa_watched_at(metrics, origin->watched);
    if (origin->prev_of_name != FA_POOL_NONE) {
        fa_origin_at(metrics, origin->prev_of_name)->next_of_name = origin->next_of_name;
    } else {
        watched->series = origin->next_of_name;
    }
    if (origin->next_of_name != FA_POOL_NONE) {
        fa_origin_at(metrics, origin->next_of_name)->prev_of_name = origin->prev_of_name;
    }
    fa_watched_release(metrics, watched);
}

static void drop_raws(struct fa_metrics *metrics, struct fa_origin *origin)
{
    while (origin->raws != FA_POOL_NONE) {
        uint32_t id = origin->raws;
        const struct fa_raw *raw = fa_arena_at(&metrics->raw_bytes, id);
        struct fa_str bytes = {raw->bytes, raw->len};
        uint64_t hash =
            raw_hash(metrics->feeds_by_number[raw->feed], (enum fa_kind)(raw->mark & 15), bytes);
        size_t size = FA_RAW_HEAD + bytes.len + (raw->has_next ? sizeof id : 0);
        origin->raws = FA_POOL_NONE;
        if (raw->has_next) {
            memcpy(&origin->raws, raw->bytes + raw->len, sizeof origin->raws);
        }
        fa_index_remove(&metrics->raws, fa_index_hash(hash), id);
        fa_arena_give(&metrics->raw_bytes, id, size);
    }
}

void fa_set_free(struct fa_set *set)
{
    if (set != NULL) {
        free(set->cells);
        free(set);
    }
}

static void drop_links(struct fa_series *series)
{
    if (series->at_rest) {
        fa_past_forget(series->by.watch->watcher, series);
        fa_rest_end(series);
    }
    while (series->by.links != NULL) {
        struct fa_link *link = series->by.links;
        fa_past_forget(link->watch->watcher, series);
        series->by.links = link->next_in_series;
        link->gone = true;
        link->series = NULL;
        link->window = NULL;
        link->quiet = NULL;
        fa_link_mark(link);
    }
}

static void drop_labels(struct fa_metrics *metrics, const struct fa_origin *origin, uint32_t place)
{
    const struct fa_labels *labels = fa_series_labels(metrics, place);
    struct fa_str name = fa_str_of(fa_watched_at(metrics, origin->watched)->name);
    uint32_t hash = series_hash(metrics, (enum fa_kind)origin->kind, name, labels);
    fa_index_remove(&metrics->series, hash, place);
    fa_arena_give(&metrics->raw_bytes, origin->labels, fa_labels_packed_size(labels));
}

void fa_series_drop(struct fa_metrics *metrics, struct fa_series *series)
{
    struct fa_origin *origin = fa_origin_at(metrics, series->place);
    drop_links(series);
    drop_raws(metrics, origin);
    drop_labels(metrics, origin, series->place);
    leave_name(metrics, origin);
    metrics->feeds_by_number[origin->feed]->stats.series--;
    metrics->series_count--;
    while (series->windows != NULL) {
        struct fa_window *window = series->windows;
        series->windows = window->next;
        fa_window_free(&metrics->windows, window);
    }
    if (origin->kind == FA_KIND_SET) {
        fa_set_free(series->own.set);
    }
    origin->kind = 0;
    uint32_t generation = series->generation == GENERATION_MAX ? 1 : series->generation + 1u;
    series->generation = generation & GENERATION_MAX;
    uint32_t place = series->place;
    fa_pool_give(&metrics->all, place);
    fa_pool_give(&metrics->origins, place);
}

static bool is_read(const struct fa_series *series, const struct fa_window *window)
{
    const struct fa_link *link = series->at_rest ? NULL : series->by.links;
    while (link != NULL && link->window != window) {
        link = link->next_in_series;
    }
    return link != NULL;
}

/* Frees windows that no link reads. */
static void trim_windows(struct fa_metrics *metrics, struct fa_series *series)
{
    for (struct fa_window **at = &series->windows; *at != NULL;) {
        struct fa_window *window = *at;
        if (is_read(series, window)) {
            at = &window->next;
        } else {
            *at = window->next;
            fa_window_free(&metrics->windows, window);
        }
    }
}

void fa_metrics_sweep(struct fa_metrics *metrics)
{
    for (uint32_t id = 0; id < metrics->all.count; id++) {
        struct fa_series *series = fa_series_at(metrics, id);
        bool is_used = fa_origin_at(metrics, id)->kind != 0;
        if (is_used && !series->at_rest && series->by.links == NULL) {
            fa_series_drop(metrics, series);
        } else if (is_used) {
            trim_windows(metrics, series);
        }
    }
    fa_metrics_forget_ignored(metrics);
}

static bool is_over(const struct fa_series *series, fa_time now)
{
    fa_time silent = SILENT_SERIES_MAX;
    if (series->at_rest && series->quiet != NULL) {
        return false; /* its rule still goes by its newest sample */
    }
    for (const struct fa_window *window = series->windows; window != NULL; window = window->next) {
        silent = fa_window_span(window) > silent ? fa_window_span(window) : silent;
    }
    return (fa_time)series->heard_s * FA_SECOND <= now - silent;
}

size_t fa_metrics_expire(struct fa_metrics *metrics, struct fa_now now)
{
    size_t dropped = 0;
    uint32_t count = metrics->all.count, most = count < EXPIRE_AT_ONCE ? count : EXPIRE_AT_ONCE;
    for (uint32_t i = 0; i < most; i++) {
        metrics->expire_at = metrics->expire_at + 1 < count ? metrics->expire_at + 1 : 0;
        struct fa_series *series = fa_series_at(metrics, metrics->expire_at);
        bool is_used = fa_origin_at(metrics, metrics->expire_at)->kind != 0;
        if (is_used && series->heard_s > 0 && is_over(series, now.wall)) {
            fa_series_drop(metrics, series);
            dropped++;
        }
    }
    if (dropped > 0) {
        fa_metrics_forget_ignored(metrics);
    }
    return dropped;
}
