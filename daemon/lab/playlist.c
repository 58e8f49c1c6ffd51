/* SPDX-License-Identifier: MIT */
/* The series' samples are sorted already. Cursors whose samples are of the time that comes next are
 * ready; a heap holds the others. Series that are sampled at the same times, as most are, stay
 * ready together and never see the heap. */
#include "lab/playlist.h"

#include "base/panic.h"

#include <stdlib.h>
#include <string.h>

#define FEED      "lab"
#define BATCH_MAX 4096u

struct cursor {
    const struct fa_point *points;
    size_t count, next;
    uint64_t handle;
};

struct fa_playlist {
    const struct fa_query_source *source;
    struct fa_metrics *metrics;
    struct fa_feed *feed;
    fa_time from, to, first, last;
    struct cursor *cursors; /* owned */
    size_t count, cap;
    uint32_t *ready; /* owned: cursors at `at` */
    uint32_t *heap;  /* owned: those that come later, the earliest first */
    size_t ready_count, heap_count;
    fa_time at;                  /* FA_NEVER: nothing is left */
    uint64_t handles[BATCH_MAX]; /* of the time under way */
    double values[BATCH_MAX];
    size_t batch, played, total;
};

enum fa_kind fa_playlist_kind(struct fa_str name)
{
    static const char *const endings[] = {"_total", "_count", "_sum", "_bucket"};
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        size_t len = strlen(endings[i]);
        if (name.len > len && memcmp(name.ptr + name.len - len, endings[i], len) == 0) {
            return FA_KIND_COUNTER_CUMULATIVE;
        }
    }
    return FA_KIND_GAUGE;
}

/* ---- by time ---- */

static fa_time time_of(const struct fa_playlist *list, uint32_t cursor)
{
    const struct cursor *at = &list->cursors[cursor];
    return at->next < at->count ? at->points[at->next].at : FA_NEVER;
}

static bool is_before(const struct fa_playlist *list, size_t a, size_t b)
{
    return time_of(list, list->heap[a]) < time_of(list, list->heap[b]);
}

static void swap(struct fa_playlist *list, size_t a, size_t b)
{
    uint32_t cursor = list->heap[a];
    list->heap[a] = list->heap[b];
    list->heap[b] = cursor;
}

static void add_later(struct fa_playlist *list, uint32_t cursor)
{
    size_t place = list->heap_count++;
    list->heap[place] = cursor;
    while (place > 0 && is_before(list, place, (place - 1) / 2)) {
        swap(list, place, (place - 1) / 2);
        place = (place - 1) / 2;
    }
}

static uint32_t take_first(struct fa_playlist *list)
{
    uint32_t first = list->heap[0];
    list->heap[0] = list->heap[--list->heap_count];
    for (size_t place = 0;;) {
        size_t least = place, left = place * 2 + 1;
        if (left < list->heap_count && is_before(list, left, least)) {
            least = left;
        }
        if (left + 1 < list->heap_count && is_before(list, left + 1, least)) {
            least = left + 1;
        }
        if (least == place) {
            return first;
        }
        swap(list, place, least);
        place = least;
    }
}

/* The time that comes next, and who is ready for it. */
static void get_ready(struct fa_playlist *list)
{
    fa_time at = list->heap_count > 0 ? time_of(list, list->heap[0]) : FA_NEVER;
    size_t kept = 0;
    for (size_t i = 0; i < list->ready_count; i++) {
        fa_time own = time_of(list, list->ready[i]);
        at = own < at ? own : at;
    }
    for (size_t i = 0; i < list->ready_count; i++) {
        fa_time own = time_of(list, list->ready[i]);
        if (own == at && at != FA_NEVER) {
            list->ready[kept++] = list->ready[i];
        } else if (own != FA_NEVER) {
            add_later(list, list->ready[i]);
        }
    }
    list->ready_count = kept;
    while (list->heap_count > 0 && time_of(list, list->heap[0]) == at) {
        list->ready[list->ready_count++] = take_first(list);
    }
    list->at = at;
}

/* ---- series ---- */

static int add_series(void *ctx, const struct fa_labels *labels, void *series)
{
    struct fa_playlist *list = ctx;
    struct cursor cursor = {0};
    struct fa_str name = fa_labels_get(labels, FA_STR("__name__"));
    struct fa_label rest[FA_HISTORY_LABELS_MAX];
    struct fa_buf raw;
    size_t count = 0;
    for (size_t i = 0; i < labels->count; i++) {
        if (!fa_str_is(labels->items[i].name, "__name__")) {
            rest[count++] = labels->items[i];
        }
    }
    fa_buf_init(&raw, 1 << 20);
    fa_labels_format(labels, &raw);
    cursor.count =
        list->source->read(list->source->ctx, series, list->from, list->to, &cursor.points);
    if (cursor.count > 0) {
        cursor.handle = fa_metrics_define(list->feed, fa_playlist_kind(name), fa_buf_str(&raw),
                                          name, rest, count);
    }
    fa_buf_done(&raw);
    if (cursor.count > 0 && cursor.handle != FA_HANDLE_IGNORED) {
        fa_time last = cursor.points[cursor.count - 1].at;
        list->cursors = fa_xgrow(list->cursors, list->count, &list->cap, sizeof cursor);
        list->cursors[list->count++] = cursor;
        list->total += cursor.count;
        list->first = cursor.points[0].at < list->first ? cursor.points[0].at : list->first;
        list->last = last > list->last ? last : list->last;
    }
    return 0;
}

struct fa_playlist *fa_playlist_new(struct fa_history *history, struct fa_metrics *metrics,
                                    fa_time from, fa_time to)
{
    struct fa_playlist *list = fa_xcalloc(1, sizeof *list);
    list->source = fa_history_source(history);
    list->metrics = metrics;
    list->feed = fa_metrics_feed(metrics, FEED);
    list->from = from != FA_NEVER ? from - 1 : INT64_MIN;
    list->to = to;
    list->first = FA_NEVER;
    list->last = INT64_MIN;
    (void)!list->source->select(list->source->ctx, NULL, 0, add_series, list);
    list->heap = fa_xcalloc(list->count + 1, sizeof list->heap[0]);
    list->ready = fa_xcalloc(list->count + 1, sizeof list->ready[0]);
    for (size_t i = 0; i < list->count; i++) {
        list->ready[list->ready_count++] = (uint32_t)i;
    }
    get_ready(list);
    return list;
}

void fa_playlist_free(struct fa_playlist *list)
{
    if (list != NULL) {
        free(list->cursors);
        free(list->heap);
        free(list->ready);
        free(list);
    }
}

size_t fa_playlist_series(const struct fa_playlist *list)
{
    return list->count;
}

size_t fa_playlist_samples(const struct fa_playlist *list)
{
    return list->total;
}

double fa_playlist_done(const struct fa_playlist *list)
{
    return list->total > 0 ? (double)list->played / (double)list->total : 1;
}

fa_time fa_playlist_first(const struct fa_playlist *list)
{
    return list->first;
}

fa_time fa_playlist_last(const struct fa_playlist *list)
{
    return list->last;
}

/* ---- playing ---- */

fa_time fa_playlist_next(const struct fa_playlist *list)
{
    return list->at;
}

static void flush(struct fa_playlist *list, struct fa_now now)
{
    fa_metrics_push(list->feed, now, list->handles, list->values, NULL, NULL, list->batch);
    list->batch = 0;
}

void fa_playlist_push(struct fa_playlist *list, struct fa_now now)
{
    for (size_t i = 0; i < list->ready_count; i++) {
        struct cursor *cursor = &list->cursors[list->ready[i]];
        double value = cursor->points[cursor->next++].value;
        if (fa_is_stale(value)) {
            fa_metrics_stale(list->feed, cursor->handle, list->at);
            continue;
        }
        list->handles[list->batch] = cursor->handle;
        list->values[list->batch++] = value;
        if (list->batch == BATCH_MAX) {
            flush(list, now);
        }
    }
    flush(list, now);
    list->played += list->ready_count;
    get_ready(list);
}
