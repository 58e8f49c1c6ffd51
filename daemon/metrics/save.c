/* SPDX-License-Identifier: MIT */
/* Series and names as records (base/rec.h), one field each, behind one that says how to read them.
 * Windows are written as they lie in memory, so the version goes up when slot.h, pack.c, ring.c or
 * sketch.h change, and another order of bytes is another version.
 *
 * Reading trusts nothing: each number that leads to memory is checked, chunks are unpacked once
 * before they are kept. A series is made as if a sample of it had come, so that watches and limits
 * hold; what was saved is built up as windows of its own, and those that the rules want take from
 * them what they can (fa_window_seed). The members of a set's current period are not saved. */
#include "metrics/save.h"
#include "base/rec.h"
#include "metrics/keep.h"
#include "metrics/series.h"

#include <stdio.h>
#include <string.h>

#define VERSION     2u
#define VERSION_MIN 1u /* all of whose bytes mean the same */
#define ORDER       UINT64_C(0x0102030405060708)
#define AHEAD_MAX   FA_MINUTE
#define SPAN_MAX    (3650 * FA_DAY)
#define WINDOWS_MAX 64
/* What was not sent to us for so long, or for that part of a longer window, is not missing much. */
#define HOLE_MAX  (90 * FA_SECOND)
#define HOLE_PART 40

enum { F_HEAD = 1, F_NAME, F_SERIES };
enum { H_VERSION = 1, H_ORDER, H_SAVED };
enum {
    S_FEED = 1,
    S_NAME,
    S_KIND,
    S_LABEL_NAME,
    S_LABEL_VALUE,
    S_NEWEST_AT,
    S_NEWEST,
    S_STALE,
    S_TOTAL,
    S_HEARD,
    S_WINDOW,
};
enum { W_SPAN = 1, W_SINCE, W_SKETCH, W_READS, W_SMALL, W_LARGE, W_SLOT, W_OPEN, W_BINS };

/* ---- writing ---- */

static void put_str(struct fa_buf *buf, uint32_t tag, struct fa_str text)
{
    fa_rec_put_bytes(buf, tag, text.ptr, text.len);
}

static void save_head(fa_time now, struct fa_buf *buf)
{
    const uint64_t order = ORDER;
    size_t from = buf->len;
    fa_rec_put_u64(buf, H_VERSION, VERSION);
    fa_rec_put_bytes(buf, H_ORDER, &order, sizeof order);
    fa_rec_put_i64(buf, H_SAVED, now);
    fa_rec_wrap(buf, F_HEAD, from);
}

static void save_bins(const struct fa_window *window, size_t i, struct fa_buf *buf)
{
    size_t from = buf->len;
    if (window->sketch) {
        fa_sketch_save(fa_ring_sketch(window, i), buf);
        fa_rec_wrap(buf, W_BINS, from);
    }
}

static void save_slots(const struct fa_windows *all, const struct fa_window *window,
                       struct fa_buf *buf)
{
    uint32_t id = window->is_raw ? window->u.raw.first : FA_POOL_NONE;
    while (id != FA_POOL_NONE) {
        struct fa_str bytes;
        bool is_large;
        id = fa_raw_chunk(all, id, &bytes, &is_large);
        put_str(buf, is_large ? W_LARGE : W_SMALL, bytes);
    }
    for (size_t i = 0; !window->is_raw && i < window->u.ring.count; i++) {
        char slot[FA_RING_SAVED_MAX];
        save_bins(window, i, buf);
        fa_rec_put_bytes(buf, W_SLOT, slot, fa_ring_save(window, i, slot));
    }
    if (window->open_end != INT64_MIN) {
        if (!window->is_raw) {
            save_bins(window, window->u.ring.count, buf);
        }
        fa_rec_put_bytes(buf, W_OPEN, window->open, sizeof window->open[0]);
    }
}

static void save_window(const struct fa_windows *all, const struct fa_window *window,
                        struct fa_buf *buf)
{
    size_t from = buf->len;
    fa_rec_put_i64(buf, W_SPAN, fa_window_span(window));
    fa_rec_put_i64(buf, W_SINCE, window->since);
    fa_rec_put_u64(buf, W_SKETCH, window->sketch);
    fa_rec_put_u64(buf, W_READS, window->is_raw ? FA_READS_ALL : window->reads);
    save_slots(all, window, buf);
    fa_rec_wrap(buf, S_WINDOW, from);
}

static void save_series(struct fa_metrics *metrics, uint32_t place, struct fa_buf *buf)
{
    const struct fa_series *series = fa_series_at(metrics, place);
    const struct fa_origin *origin = fa_origin_at(metrics, place);
    const struct fa_labels *labels = fa_series_labels(metrics, place);
    size_t from = buf->len;
    fa_rec_put_text(buf, S_FEED, metrics->feeds_by_number[origin->feed]->name);
    fa_rec_put_text(buf, S_NAME, fa_watched_at(metrics, origin->watched)->name);
    fa_rec_put_u64(buf, S_KIND, origin->kind);
    for (size_t i = 0; i < labels->count; i++) {
        put_str(buf, S_LABEL_NAME, labels->items[i].name);
        put_str(buf, S_LABEL_VALUE, labels->items[i].value);
    }
    if (series->has_newest) {
        fa_rec_put_i64(buf, S_NEWEST_AT, series->newest_at);
        fa_rec_put_f64(buf, S_NEWEST, series->newest);
        fa_rec_put_u64(buf, S_STALE, series->stale);
    }
    if (origin->kind == FA_KIND_COUNTER_DELTA) {
        fa_rec_put_f64(buf, S_TOTAL, series->own.total);
    }
    fa_rec_put_u64(buf, S_HEARD, series->heard_s);
    for (const struct fa_window *window = series->windows; window != NULL; window = window->next) {
        save_window(&metrics->windows, window, buf);
    }
    fa_rec_wrap(buf, F_SERIES, from);
}

bool fa_metrics_save(struct fa_metrics *metrics, struct fa_save *save, struct fa_now now,
                     size_t bytes, struct fa_buf *buf)
{
    size_t from = buf->len;
    if (!save->begun) {
        save_head(now.wall, buf);
        save->begun = true;
    }
    for (; save->name < metrics->catalogue_count && buf->len - from < bytes; save->name++) {
        fa_rec_put_text(buf, F_NAME, metrics->catalogue[save->name]);
    }
    for (; save->place < metrics->all.count && buf->len - from < bytes; save->place++) {
        if (fa_origin_at(metrics, save->place)->kind != 0) {
            save_series(metrics, save->place, buf);
        }
    }
    return save->name < metrics->catalogue_count || save->place < metrics->all.count;
}

/* ---- reading ---- */

/* A series as it was saved. */
struct saved {
    struct fa_str feed, name;
    enum fa_kind kind;
    struct fa_label labels[FA_LABELS_MAX];
    size_t label_count;
    fa_time newest_at;
    double newest, total;
    bool has_newest, stale;
    uint32_t heard_s;
    struct fa_str windows[WINDOWS_MAX];
    size_t window_count;
};

static int load_label(struct saved *saved, const struct fa_rec_field *field)
{
    bool is_name = field->tag == S_LABEL_NAME;
    if (is_name && saved->label_count == FA_LABELS_MAX) {
        return FA_EPARSE;
    }
    if (is_name) {
        saved->labels[saved->label_count++] = (struct fa_label){field->bytes, FA_STR("")};
    } else if (saved->label_count > 0) {
        saved->labels[saved->label_count - 1].value = field->bytes;
    }
    return 0;
}

static int load_field(struct saved *saved, const struct fa_rec_field *field)
{
    switch (field->tag) {
    case S_FEED:
        saved->feed = field->bytes;
        return 0;
    case S_NAME:
        saved->name = field->bytes;
        return 0;
    case S_KIND:
        saved->kind = field->u64 < FA_KIND__COUNT ? (enum fa_kind)field->u64 : 0;
        return 0;
    case S_LABEL_NAME:
    case S_LABEL_VALUE:
        return load_label(saved, field);
    case S_NEWEST_AT:
        saved->newest_at = field->i64;
        saved->has_newest = true;
        return 0;
    case S_NEWEST:
        saved->newest = field->f64;
        return 0;
    case S_STALE:
        saved->stale = field->u64 != 0;
        return 0;
    case S_TOTAL:
        saved->total = field->f64;
        return 0;
    case S_HEARD:
        saved->heard_s = (uint32_t)field->u64;
        return 0;
    case S_WINDOW:
        if (saved->window_count == WINDOWS_MAX) {
            return FA_EPARSE;
        }
        saved->windows[saved->window_count++] = field->bytes;
        return 0;
    default:
        return 0;
    }
}

static int load_open(struct fa_windows *all, struct fa_window *window, struct fa_str bytes)
{
    struct fa_slot slot;
    if (bytes.len != sizeof slot) {
        return FA_EPARSE;
    }
    memcpy(&slot, bytes.ptr, sizeof slot);
    return fa_window_load_open(all, window, &slot);
}

static int load_slot(struct fa_windows *all, struct fa_window *window,
                     const struct fa_rec_field *field)
{
    bool is_chunk = field->tag == W_SMALL || field->tag == W_LARGE;
    if (field->tag < W_SMALL || field->tag > W_BINS) {
        return 0;
    }
    if (window->open_end != INT64_MIN || (is_chunk != window->is_raw && field->tag != W_OPEN)) {
        return FA_EPARSE; /* the open slot is the last */
    }
    if (is_chunk) {
        return fa_raw_load(all, window, field->bytes, field->tag == W_LARGE);
    }
    if (field->tag == W_BINS) {
        return window->sketch ? fa_ring_load_sketch(window, field->bytes) : FA_EPARSE;
    }
    if (window->sketch && !fa_ring_has_open_sketch(window)) {
        return FA_EPARSE;
    }
    return field->tag == W_OPEN ? load_open(all, window, field->bytes)
                                : fa_ring_load(window, field->bytes);
}

/* *ret_window: NULL when it is damaged. */
static int load_window(struct fa_windows *all, enum fa_fold fold, struct fa_str bytes,
                       struct fa_window **ret_window)
{
    struct fa_rec_reader reader = fa_rec_read(bytes);
    struct fa_rec_field field;
    fa_time span = 0, since = FA_NEVER;
    bool sketch = false;
    uint8_t reads = 0;
    int rc = 0;
    *ret_window = NULL;
    while (rc == 0 && fa_rec_next(&reader, &field)) {
        span = field.tag == W_SPAN ? field.i64 : span;
        since = field.tag == W_SINCE ? field.i64 : since;
        sketch = field.tag == W_SKETCH ? field.u64 != 0 : sketch;
        reads = field.tag == W_READS ? (uint8_t)(field.u64 & FA_READS_ALL) : reads;
        if (field.tag < W_SMALL) {
            continue;
        }
        if (*ret_window == NULL && (span <= 0 || span > SPAN_MAX)) {
            return FA_EPARSE;
        }
        if (*ret_window == NULL) {
            *ret_window = fa_window_new(all, fold, span, reads, sketch);
        }
        rc = load_slot(all, *ret_window, &field);
    }
    rc = rc == 0 && (reader.bad || !(since == FA_NEVER || fa_slot_is_time(since))) ? FA_EPARSE : rc;
    if (*ret_window != NULL && rc == 0) {
        (*ret_window)->since = since;
    } else if (*ret_window != NULL) {
        fa_window_free(all, *ret_window);
        *ret_window = NULL;
    }
    return rc;
}

/* What came between the save and now is missing: after a long hole nothing before it covers. */
static void note_hole(struct fa_series *series, fa_time saved, fa_time now)
{
    for (struct fa_window *window = series->windows; window != NULL; window = window->next) {
        fa_time part = fa_window_span(window) / HOLE_PART;
        if (window->since < now && now - saved > (part > HOLE_MAX ? part : HOLE_MAX)) {
            window->since = now;
        }
    }
}

static int load_windows(struct fa_metrics *metrics, struct fa_series *series,
                        const struct saved *saved)
{
    struct fa_windows *all = &metrics->windows;
    struct fa_window *first = NULL, **last = &first;
    enum fa_fold fold = fa_fold_of(saved->kind);
    int rc = 0;
    for (size_t i = 0; i < saved->window_count && rc == 0; i++) {
        rc = load_window(all, fold, saved->windows[i], last);
        last = *last != NULL ? &(*last)->next : last;
    }
    if (rc == 0) {
        fa_series_seed(metrics, series, first);
    }
    while (first != NULL) {
        struct fa_window *window = first;
        first = window->next;
        fa_window_free(all, window);
    }
    return rc;
}

static void load_newest(struct fa_series *series, const struct saved *saved)
{
    if (saved->has_newest && !series->has_newest) {
        series->has_newest = true;
        series->newest_at = saved->newest_at;
        series->newest = saved->newest;
        series->stale = saved->stale;
        series->version++;
    }
    if (saved->kind == FA_KIND_COUNTER_DELTA) {
        series->own.total = saved->total;
    }
    series->heard_s = saved->heard_s > series->heard_s ? saved->heard_s : series->heard_s;
}

static int load_series(struct fa_metrics *metrics, struct fa_str bytes, struct fa_now now,
                       struct fa_loaded *loaded)
{
    struct saved saved = {.label_count = 0};
    struct fa_rec_reader reader = fa_rec_read(bytes);
    struct fa_rec_field field;
    char feed[64];
    int rc = 0;
    while (rc == 0 && fa_rec_next(&reader, &field)) {
        rc = load_field(&saved, &field);
    }
    if (rc != 0 || reader.bad || saved.kind == 0 || saved.kind != fa_kind_stored(saved.kind) ||
        saved.feed.len == 0 || saved.name.len == 0 || saved.feed.len >= sizeof feed ||
        !fa_slot_is_time(saved.newest_at) || saved.newest_at > now.wall + AHEAD_MAX) {
        return FA_EPARSE;
    }
    snprintf(feed, sizeof feed, "%.*s", FA_STR_ARG(saved.feed));
    struct fa_feed *of = fa_metrics_find_feed(metrics, feed);
    uint32_t place =
        of != NULL ? fa_series_take(of, saved.kind, saved.name, saved.labels, saved.label_count)
                   : FA_POOL_NONE;
    if (place == FA_POOL_NONE) {
        loaded->unwanted++;
        return 0;
    }
    loaded->series++;
    load_newest(fa_series_at(metrics, place), &saved);
    rc = load_windows(metrics, fa_series_at(metrics, place), &saved);
    note_hole(fa_series_at(metrics, place), loaded->saved, now.wall);
    return rc;
}

static int load_head(struct fa_str bytes, struct fa_now now, struct fa_loaded *loaded,
                     struct fa_err *err)
{
    struct fa_rec_reader reader = fa_rec_read(bytes);
    struct fa_rec_field field;
    const uint64_t ours = ORDER;
    uint64_t version = 0, order = 0;
    while (fa_rec_next(&reader, &field)) {
        version = field.tag == H_VERSION ? field.u64 : version;
        loaded->saved = field.tag == H_SAVED ? field.i64 : loaded->saved;
        if (field.tag == H_ORDER && field.bytes.len == sizeof order) {
            memcpy(&order, field.bytes.ptr, sizeof order);
        }
    }
    if (version < VERSION_MIN || version > VERSION || order != ours) {
        return fa_err_set(err, FA_EVERSION, "saved by another version or machine");
    }
    return loaded->saved <= now.wall + AHEAD_MAX
               ? 0
               : fa_err_set(err, FA_EINVAL, "saved later than now: the clock was set back");
}

int fa_metrics_load(struct fa_metrics *metrics, struct fa_str bytes, struct fa_now now,
                    struct fa_loaded *ret_loaded, struct fa_err *err)
{
    struct fa_rec_reader reader = fa_rec_read(bytes);
    struct fa_rec_field field;
    struct fa_loaded loaded = {0};
    bool has_head = false;
    int rc = 0;
    while (rc == 0 && fa_rec_next(&reader, &field)) {
        if (field.tag == F_HEAD) {
            rc = load_head(field.bytes, now, &loaded, err);
            has_head = true;
        } else if (!has_head) {
            break;
        } else if (field.tag == F_NAME && metrics->feeds != NULL) {
            fa_catalogue_add(metrics->feeds, field.bytes);
        } else if (field.tag == F_SERIES && load_series(metrics, field.bytes, now, &loaded) != 0) {
            rc = fa_err_set(err, FA_EPARSE, "a series in it is damaged");
        }
    }
    if (rc == 0 && (reader.bad || !has_head)) {
        rc = fa_err_set(err, FA_EPARSE, "it is damaged");
    }
    if (rc == 0) {
        *ret_loaded = loaded;
    }
    return rc;
}
