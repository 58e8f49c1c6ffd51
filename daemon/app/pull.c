/* SPDX-License-Identifier: MIT */
/* What a pull adds to its decoder's intake: labels that tell one target from another, and the
 * memory of which series came. One that came last time and does not come any more has ended: it is
 * marked stale, so that nothing old passes for well.
 *
 * Targets send the same series in the same order nearly always; then that is one comparison. */
#include "app/internal.h"
#include "base/panic.h"

#include <stdlib.h>
#include <string.h>

/* ---- labels ---- */

void fa_pull_add_label(struct fa_pull *pull, const char *name, const char *value)
{
    if (pull->label_count < FA_PULL_LABELS_MAX) {
        struct fa_pull_label *label = &pull->labels[pull->label_count++];
        label->name = fa_xstrdup(name);
        label->value = fa_xstrdup(value);
        label->exported = fa_xmalloc(strlen(name) + sizeof "exported_");
        sprintf(label->exported, "exported_%s", name);
    }
}

size_t fa_pull_labels(const struct fa_pull *pull, const struct fa_label *labels, size_t count,
                      struct fa_label *ret_all)
{
    memcpy(ret_all, labels, count * sizeof *labels);
    for (size_t i = 0; i < pull->label_count; i++) {
        const struct fa_pull_label *own = &pull->labels[i];
        for (size_t k = 0; k < count; k++) {
            if (fa_str_is(ret_all[k].name, own->name)) {
                ret_all[k].name = fa_str_of(own->exported);
            }
        }
        ret_all[count + i] = (struct fa_label){fa_str_of(own->name), fa_str_of(own->value)};
    }
    return count + pull->label_count;
}

/* ---- series ---- */

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void sort_unique(struct fa_handles *handles)
{
    size_t kept = 0;
    qsort(handles->items, handles->count, sizeof *handles->items, by_number);
    for (size_t i = 0; i < handles->count; i++) {
        if (kept == 0 || handles->items[kept - 1] != handles->items[i]) {
            handles->items[kept++] = handles->items[i];
        }
    }
    handles->count = kept;
}

static void put(struct fa_handles *handles, uint64_t handle)
{
    handles->items =
        fa_xgrow(handles->items, handles->count, &handles->cap, sizeof *handles->items);
    handles->items[handles->count++] = fa_handle_of_series(handle);
}

void fa_pull_recall(struct fa_pull *pull, uint64_t handle)
{
    put(&pull->before, handle);
}

void fa_pull_forget(struct fa_pull *pull)
{
    pull->before.count = pull->now.count = 0;
}

void fa_pull_note(struct fa_pull *pull, const uint64_t *handles, size_t n)
{
    struct fa_handles *now = &pull->now;
    pull->samples += n;
    for (size_t i = 0; i < n; i++) {
        if (now->count == now->cap && now->count > 0) {
            sort_unique(now); /* a body that repeats itself does not grow it */
        }
        put(now, handles[i]);
    }
}

static bool is_same(const struct fa_handles *a, const struct fa_handles *b)
{
    return a->count == b->count &&
           (a->count == 0 || memcmp(a->items, b->items, a->count * sizeof *a->items) == 0);
}

/* Calls stale for each of `before` that is not in `now`; both are sorted afterwards. */
static void each_gone(struct fa_pull *pull, struct fa_feed *feed, fa_time wall)
{
    size_t k = 0;
    if (pull->before.count > 0) {
        sort_unique(&pull->before);
    }
    if (pull->now.count > 0) {
        sort_unique(&pull->now);
    }
    for (size_t i = 0; i < pull->before.count; i++) {
        uint64_t handle = pull->before.items[i];
        while (k < pull->now.count && pull->now.items[k] < handle) {
            k++;
        }
        if (k == pull->now.count || pull->now.items[k] != handle) {
            fa_metrics_stale(feed, handle, wall);
        }
    }
}

void fa_pull_end(struct fa_pull *pull, struct fa_feed *feed, bool ok, fa_time wall)
{
    struct fa_handles came = pull->now;
    if (!ok) {
        /* What half a body brought ends with the rest. */
        for (size_t i = 0; i < came.count; i++) {
            fa_metrics_stale(feed, came.items[i], wall);
        }
        pull->now.count = 0;
    }
    if (!is_same(&pull->before, &pull->now)) {
        struct fa_handles in_order = {NULL, pull->now.count, pull->now.count};
        in_order.items = fa_xcalloc(in_order.count + 1, sizeof *in_order.items);
        memcpy(in_order.items, pull->now.items != NULL ? pull->now.items : in_order.items,
               in_order.count * sizeof *in_order.items);
        each_gone(pull, feed, wall);
        free(pull->before.items);
        pull->before = in_order;
    }
    pull->now.count = 0;
    pull->samples = pull->named = 0;
}

void fa_pull_done(struct fa_pull *pull)
{
    for (size_t i = 0; i < pull->label_count; i++) {
        free(pull->labels[i].name);
        free(pull->labels[i].value);
        free(pull->labels[i].exported);
    }
    free(pull->now.items);
    free(pull->before.items);
    *pull = (struct fa_pull){0};
}
