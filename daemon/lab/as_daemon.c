/* SPDX-License-Identifier: MIT */
/* The samples that an expression's selectors find are sent in the order of their times, each when
 * its time is now. A series counts as a gauge: the text does not say what it is, and the windows
 * keep the increase of gauges too. */
#include "lab/as_daemon.h"

#include "base/panic.h"
#include "rules/windowed.h"

#include <stdlib.h>

#define SERIES_MAX 10000000

struct sample {
    fa_time at;
    size_t number; /* in the order found: equal times keep it */
    uint64_t handle;
    double value;
};

struct fa_as_daemon {
    const struct fa_query_source *source;
    struct fa_metrics *metrics;
    struct fa_feed *feed;
    struct fa_windowed *windowed;
    fa_time at;
    struct sample *samples;
    size_t count, cap;
};

static int by_time(const void *left, const void *right)
{
    const struct sample *a = left, *b = right;
    if (a->at != b->at) {
        return a->at < b->at ? -1 : 1;
    }
    return a->number < b->number ? -1 : a->number > b->number;
}

/* A series that several selectors find is sent once. */
static int on_found(void *ctx, const struct fa_labels *labels, void *series)
{
    struct fa_as_daemon *self = ctx;
    struct fa_str name = fa_labels_get(labels, FA_STR("__name__")), raw;
    struct fa_label own[FA_LABELS_MAX];
    const struct fa_point *points;
    size_t count = 0;
    raw = (struct fa_str){(const char *)&series, sizeof series};
    for (size_t i = 0; i < labels->count && count < FA_LABELS_MAX; i++) {
        if (!fa_str_is(labels->items[i].name, "__name__")) {
            own[count++] = labels->items[i];
        }
    }
    uint64_t handle = fa_metrics_key(self->feed, FA_KIND_GAUGE, raw);
    if (handle != FA_HANDLE_MISS) {
        return 0;
    }
    handle = fa_metrics_define(self->feed, FA_KIND_GAUGE, raw, name, own, count);
    size_t points_count =
        self->source->read(self->source->ctx, series, INT64_MIN, self->at, &points);
    for (size_t i = 0; i < points_count; i++) {
        self->samples = fa_xgrow(self->samples, self->count, &self->cap, sizeof self->samples[0]);
        self->samples[self->count] =
            (struct sample){points[i].at, self->count, handle, points[i].value};
        self->count++;
    }
    return 0;
}

static void find_all(struct fa_as_daemon *self, const struct fa_promql_node *node)
{
    switch (node->kind) {
    case FA_PROMQL_SELECTOR: {
        int ret = self->source->select(self->source->ctx, node->u.selector.matchers,
                                       node->u.selector.matcher_count, on_found, self);
        fa_assert(ret == 0); /* on_found never ends it */
        break;
    }
    case FA_PROMQL_SUBQUERY:
    case FA_PROMQL_NEGATE:
    case FA_PROMQL_PAREN:
        find_all(self, node->u.arg);
        break;
    case FA_PROMQL_CALL:
        for (size_t i = 0; i < node->u.call.count; i++) {
            find_all(self, node->u.call.args[i]);
        }
        break;
    case FA_PROMQL_AGGREGATE:
        find_all(self, node->u.aggregate.arg);
        if (node->u.aggregate.param != NULL) {
            find_all(self, node->u.aggregate.param);
        }
        break;
    case FA_PROMQL_BINARY:
        find_all(self, node->u.binary.left);
        find_all(self, node->u.binary.right);
        break;
    case FA_PROMQL_NUMBER:
    case FA_PROMQL_TEXT:
        break;
    }
}

static void send_all(struct fa_as_daemon *self)
{
    if (self->count > 0) {
        qsort(self->samples, self->count, sizeof self->samples[0], by_time);
    }
    for (size_t i = 0; i < self->count; i++) {
        const struct sample *sample = &self->samples[i];
        struct fa_now now = {.mono = sample->at, .wall = sample->at};
        int64_t at = sample->at;
        if (fa_is_stale(sample->value)) {
            fa_metrics_stale(self->feed, sample->handle, at);
        } else {
            fa_metrics_push(self->feed, now, &sample->handle, &sample->value, NULL, &at, 1);
        }
    }
}

struct fa_as_daemon *fa_as_daemon_new(const struct fa_promql *promql,
                                      const struct fa_query_source *source, fa_time at)
{
    struct fa_as_daemon *self = fa_xcalloc(1, sizeof *self);
    struct fa_metrics_limits limits = {.series = SERIES_MAX};
    self->source = source;
    self->at = at;
    self->metrics = fa_metrics_new(&limits);
    self->feed = fa_metrics_feed(self->metrics, "history");
    self->windowed = fa_windowed_new(promql, FA_LOOK_BACK, self->metrics);
    find_all(self, promql->root);
    send_all(self);
    return self;
}

void fa_as_daemon_free(struct fa_as_daemon *self)
{
    if (self != NULL) {
        fa_windowed_free(self->windowed);
        fa_metrics_free(self->metrics);
        free(self->samples);
        free(self);
    }
}

int fa_as_daemon_run(struct fa_as_daemon *self, struct fa_query **ret_query,
                     struct fa_query_value *ret_value, struct fa_err *err)
{
    return fa_windowed_run(self->windowed, self->at, ret_query, ret_value, err);
}
