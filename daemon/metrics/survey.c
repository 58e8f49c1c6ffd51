/* SPDX-License-Identifier: MIT */
/* When the samples of each watch came last, found by a walk over the series in pieces, and how
 * often those of one series come. Nothing is noted when a sample comes: that is the one path that
 * must not cost more. A series that comes or goes during the walk may be left out; the next walk
 * sees it. */
#include "metrics/keep.h"
#include "metrics/series.h"

bool fa_watcher_survey(struct fa_watcher *watcher, uint32_t *cursor, size_t max,
                       fa_watch_heard_fn *fn, void *ctx)
{
    struct fa_metrics *metrics = watcher->metrics;
    for (; max > 0 && *cursor < metrics->all.count; max--, (*cursor)++) {
        const struct fa_series *series = fa_series_at(metrics, *cursor);
        fa_time at = series->heard_s * FA_SECOND;
        if (fa_origin_at(metrics, *cursor)->kind == 0 || series->heard_s == 0) {
            continue;
        }
        if (series->at_rest) {
            if (series->by.watch->watcher == watcher) {
                fn(ctx, series->by.watch->spec.owner, at);
            }
            continue;
        }
        for (const struct fa_link *link = series->by.links; link != NULL;
             link = link->next_in_series) {
            if (link->watch->watcher == watcher) {
                fn(ctx, link->watch->spec.owner, at);
            }
        }
    }
    return *cursor < metrics->all.count;
}

static struct fa_probe probe_of(const struct fa_series *series)
{
    return (struct fa_probe){.place = series->place,
                             .generation = series->generation,
                             .samples = series->version,
                             .newest_at = series->newest_at};
}

bool fa_link_probe(const struct fa_link *link, struct fa_probe *ret_probe)
{
    if (!link->series->has_newest) {
        return false;
    }
    *ret_probe = probe_of(link->series);
    return true;
}

bool fa_watcher_probe(const struct fa_watcher *watcher, const struct fa_probe *before,
                      struct fa_probe *ret_probe)
{
    const struct fa_metrics *metrics = watcher->metrics;
    const struct fa_series *series = fa_series_at(metrics, before->place);
    if (fa_origin_at(metrics, before->place)->kind == 0 ||
        series->generation != before->generation) {
        return false;
    }
    *ret_probe = probe_of(series);
    return true;
}
