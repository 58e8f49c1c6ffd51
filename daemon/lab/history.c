/* SPDX-License-Identifier: MIT */
/* Series by their label sets, samples by their time. Texts and sets lie in one arena; samples are
 * put in order once, before the first question. What fills it is elsewhere (history_text.c,
 * history_csv.c). */
#include "lab/history.h"

#include "base/panic.h"

#include <stdlib.h>
#include <string.h>

struct series {
    const struct fa_labels *labels;
    struct fa_point *points; /* owned */
    size_t count, cap;
};

struct fa_history {
    struct fa_scratch arena;
    struct series *series; /* owned; in order of labels once sealed */
    size_t count, cap, samples;
    uint32_t *slots; /* owned; number + 1, by hash */
    size_t slot_count;
    bool sealed;
    struct fa_query_source source;
};

struct fa_scratch *fa_history_arena(struct fa_history *history)
{
    return &history->arena;
}

struct fa_history *fa_history_new(void)
{
    struct fa_history *history = fa_xcalloc(1, sizeof *history);
    fa_scratch_init(&history->arena, FA_HISTORY_BYTES_MAX);
    return history;
}

void fa_history_free(struct fa_history *history)
{
    if (history == NULL) {
        return;
    }
    for (size_t i = 0; i < history->count; i++) {
        free(history->series[i].points);
    }
    free(history->series);
    free(history->slots);
    fa_scratch_done(&history->arena);
    free(history);
}

size_t fa_history_series(const struct fa_history *history)
{
    return history->count;
}

size_t fa_history_samples(const struct fa_history *history)
{
    return history->samples;
}

/* ---- series by labels ---- */

static void widen(struct fa_history *history)
{
    if (history->count * 2 < history->slot_count) {
        return;
    }
    free(history->slots);
    history->slot_count = history->slot_count == 0 ? 64 : history->slot_count * 2;
    history->slots = fa_xcalloc(history->slot_count, sizeof *history->slots);
    for (size_t i = 0; i < history->count; i++) {
        size_t slot = fa_labels_hash(history->series[i].labels) & (history->slot_count - 1);
        while (history->slots[slot] != 0) {
            slot = (slot + 1) & (history->slot_count - 1);
        }
        history->slots[slot] = (uint32_t)i + 1;
    }
}

size_t fa_history_add(struct fa_history *history, const struct fa_label *labels, size_t count)
{
    union {
        struct fa_labels set;
        char room[sizeof(struct fa_labels) + FA_HISTORY_LABELS_MAX * sizeof(struct fa_label)];
    } given;
    fa_assert(!history->sealed && count <= FA_HISTORY_LABELS_MAX);
    given.set.count = count;
    memcpy(given.set.items, labels, count * sizeof labels[0]);
    widen(history);
    size_t slot = fa_labels_hash(&given.set) & (history->slot_count - 1);
    while (history->slots[slot] != 0) {
        if (fa_labels_cmp(history->series[history->slots[slot] - 1].labels, &given.set) == 0) {
            return history->slots[slot] - 1;
        }
        slot = (slot + 1) & (history->slot_count - 1);
    }
    struct fa_labels *set =
        fa_scratch_take(&history->arena, sizeof *set + count * sizeof set->items[0]);
    set->count = count;
    for (size_t i = 0; i < count; i++) {
        set->items[i].name = fa_scratch_str(&history->arena, labels[i].name);
        set->items[i].value = fa_scratch_str(&history->arena, labels[i].value);
    }
    history->series =
        fa_xgrow(history->series, history->count, &history->cap, sizeof *history->series);
    history->series[history->count] = (struct series){.labels = set};
    history->slots[slot] = (uint32_t)++history->count;
    return history->count - 1;
}

void fa_history_append(struct fa_history *history, size_t number, struct fa_point point)
{
    struct series *series = &history->series[number];
    series->points = fa_xgrow(series->points, series->count, &series->cap, sizeof *series->points);
    series->points[series->count++] = point;
    history->samples++;
}

/* ---- questions ---- */

static int by_labels(const void *a, const void *b)
{
    return fa_labels_cmp(((const struct series *)a)->labels, ((const struct series *)b)->labels);
}

/* By merging, so that the later of two lines stays behind the other. */
static void sort_points(struct fa_point *points, size_t count, struct fa_point *scratch)
{
    size_t half = count / 2, i = 0, j = half, k = 0;
    if (count < 2) {
        return;
    }
    sort_points(points, half, scratch);
    sort_points(points + half, count - half, scratch);
    if (points[half - 1].at <= points[half].at) {
        return;
    }
    memcpy(scratch, points, count * sizeof *points);
    while (k < count) {
        bool right = i == half || (j < count && scratch[j].at < scratch[i].at);
        points[k++] = right ? scratch[j++] : scratch[i++];
    }
}

static void order(struct series *series)
{
    size_t kept = 1;
    while (kept < series->count && series->points[kept - 1].at < series->points[kept].at) {
        kept++;
    }
    if (kept >= series->count) {
        return; /* as most are */
    }
    kept = 0;
    struct fa_point *scratch = fa_xmalloc(series->count * sizeof *scratch);
    sort_points(series->points, series->count, scratch);
    free(scratch);
    for (size_t i = 0; i < series->count; i++) {
        if (kept > 0 && series->points[kept - 1].at == series->points[i].at) {
            kept--;
        }
        series->points[kept++] = series->points[i];
    }
    series->count = kept;
}

static int select_series(void *ctx, const struct fa_promql_matcher *matchers, size_t count,
                         fa_query_found_fn *found, void *found_ctx)
{
    struct fa_history *history = ctx;
    for (size_t i = 0; i < history->count; i++) {
        size_t match = 0;
        while (match < count && fa_promql_matches(&matchers[match], history->series[i].labels)) {
            match++;
        }
        int ret =
            match == count ? found(found_ctx, history->series[i].labels, &history->series[i]) : 0;
        if (ret != 0) {
            return ret;
        }
    }
    return 0;
}

/* How many points are at `at` or before. */
static size_t until(const struct series *series, fa_time at)
{
    size_t low = 0, high = series->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (series->points[middle].at <= at) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static size_t read_points(void *ctx, void *handle, fa_time from, fa_time to,
                          const struct fa_point **ret_points)
{
    const struct series *series = handle;
    size_t first = until(series, from), end = until(series, to);
    *ret_points = end > first ? series->points + first : NULL;
    return end > first ? end - first : 0;
}

const struct fa_query_source *fa_history_source(struct fa_history *history)
{
    if (!history->sealed) {
        history->sealed = true;
        for (size_t i = 0; i < history->count; i++) {
            order(&history->series[i]);
        }
        if (history->count > 0) {
            qsort(history->series, history->count, sizeof *history->series, by_labels);
        }
        free(history->slots);
        history->slots = NULL;
        history->source =
            (struct fa_query_source){.ctx = history, .select = select_series, .read = read_points};
    }
    return &history->source;
}
