/* SPDX-License-Identifier: MIT */
/* Series are looked up a batch at a time, so that waits for memory overlap; what the sink is told
 * is in the order in which it was sent, whatever the batches were.
 *
 * Invariant: an item's texts stay where they are until the flush, so whoever owns their memory
 * flushes before moving it. */
#include "prometheus.h"

#include <stdlib.h>
#include <string.h>

static void push_samples(struct prom_conn *conn)
{
    struct prom_batch *batch = &conn->batch;
    if (batch->samples > 0) {
        conn->sink->push(conn->sink->ctx, batch->handles, batch->values, NULL,
                         batch->has_times ? batch->times : NULL, batch->samples);
    }
    batch->samples = 0;
    batch->has_times = 0;
}

void prom_push(struct prom_conn *conn, uint64_t handle, double value, int64_t time)
{
    struct prom_batch *batch = &conn->batch;
    batch->handles[batch->samples] = handle;
    batch->values[batch->samples] = value;
    batch->times[batch->samples] = time;
    batch->has_times |= time != 0;
    if (++batch->samples == PROM_BATCH) {
        push_samples(conn);
    }
}

void prom_stale(struct prom_conn *conn, uint64_t handle, int64_t time)
{
    push_samples(conn);
    conn->sink->stale(conn->sink->ctx, handle, time);
}

static void look_up(struct prom_conn *conn, uint64_t *handles)
{
    const struct firealarm_sink *sink = conn->sink;
    const struct prom_batch *batch = &conn->batch;
    struct firealarm_text raws[PROM_BATCH];
    uint32_t kinds[PROM_BATCH];
    size_t known = offsetof(struct firealarm_sink, keys) + sizeof sink->keys;
    for (uint32_t i = 0; i < batch->count; i++) {
        raws[i] = batch->items[i].raw;
        kinds[i] = batch->items[i].kind;
    }
    if (sink->size >= known && sink->keys != NULL) {
        sink->keys(sink->ctx, kinds, raws, handles, batch->count);
        return;
    }
    for (uint32_t i = 0; i < batch->count; i++) {
        handles[i] = sink->key(sink->ctx, kinds[i], raws[i]);
    }
}

/* One that nobody knew when the batch was looked up; by now an item before it may have made it. */
static uint64_t make(struct prom_conn *conn, const struct prom_item *item)
{
    uint64_t handle = conn->sink->key(conn->sink->ctx, item->kind, item->raw);
    return handle != FIREALARM_MISS ? handle : conn->define(conn, item);
}

void prom_flush(struct prom_conn *conn)
{
    uint64_t handles[PROM_BATCH];
    uint32_t count = conn->batch.count;
    if (count > 0) {
        look_up(conn, handles);
        conn->batch.count = 0;
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct prom_item *item = &conn->batch.items[i];
        if (handles[i] == FIREALARM_MISS) {
            handles[i] = make(conn, item);
        }
        if (handles[i] != FIREALARM_IGNORED && handles[i] != FIREALARM_MISS) {
            conn->deliver(conn, item, handles[i]);
        }
    }
    push_samples(conn);
}

struct prom_item *prom_next(struct prom_conn *conn)
{
    if (conn->batch.count == PROM_BATCH) {
        prom_flush(conn);
    }
    return &conn->batch.items[conn->batch.count++];
}

void prom_reject(struct prom_conn *conn, const char *why, struct firealarm_text excerpt)
{
    if (conn->batch.count > 0) {
        prom_flush(conn);
    }
    push_samples(conn);
    conn->sink->reject(conn->sink->ctx, why, excerpt);
}

/* ---- names ---- */

int prom_is(struct firealarm_text text, const char *word)
{
    return text.len == strlen(word) && memcmp(text.ptr, word, text.len) == 0;
}

int prom_ends_with(struct firealarm_text text, const char *end)
{
    size_t len = strlen(end);
    return text.len >= len && memcmp(text.ptr + text.len - len, end, len) == 0;
}

uint32_t prom_kind_of(struct firealarm_text name)
{
    int is_total = prom_ends_with(name, "_total") || prom_ends_with(name, "_count") ||
                   prom_ends_with(name, "_sum") || prom_ends_with(name, "_bucket");
    return is_total ? FIREALARM_COUNTER_CUMULATIVE : FIREALARM_GAUGE;
}

int prom_is_utf8(struct firealarm_text text)
{
    const unsigned char *at = (const unsigned char *)text.ptr, *end = at + text.len;
    while (at < end) {
        unsigned char c = *at++;
        if (c < 0x80) {
            continue;
        }
        int more = c >= 0xc2 && c < 0xe0   ? 1
                   : c >= 0xe0 && c < 0xf0 ? 2
                   : c >= 0xf0 && c < 0xf5 ? 3
                                           : 0;
        if (more == 0 || end - at < more) {
            return 0;
        }
        int too_short = (c == 0xe0 && at[0] < 0xa0) || (c == 0xf0 && at[0] < 0x90);
        int too_high = (c == 0xed && at[0] > 0x9f) || (c == 0xf4 && at[0] > 0x8f);
        if (too_short || too_high) {
            return 0;
        }
        for (; more > 0; more--) {
            if ((*at++ & 0xc0) != 0x80) {
                return 0;
            }
        }
    }
    return 1;
}

static int by_name(const void *a, const void *b)
{
    const struct firealarm_text *x = &((const struct firealarm_label *)a)->name;
    const struct firealarm_text *y = &((const struct firealarm_label *)b)->name;
    int order = memcmp(x->ptr, y->ptr, x->len < y->len ? x->len : y->len);
    return order != 0 ? order : (x->len > y->len) - (x->len < y->len);
}

const char *prom_check_labels(struct firealarm_label *labels, uint32_t *count)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < *count; i++) {
        if (labels[i].name.len == 0) {
            return "a label has no name";
        }
        if (!prom_is_utf8(labels[i].name) || !prom_is_utf8(labels[i].value)) {
            return "a label is not UTF-8";
        }
    }
    if (*count > 1) {
        qsort(labels, *count, sizeof *labels, by_name);
    }
    for (uint32_t i = 0; i < *count; i++) {
        if (i > 0 && by_name(&labels[i - 1], &labels[i]) == 0) {
            return "a label comes twice";
        }
    }
    for (uint32_t i = 0; i < *count; i++) {
        if (labels[i].value.len > 0) {
            labels[kept++] = labels[i];
        }
    }
    *count = kept;
    return NULL;
}
