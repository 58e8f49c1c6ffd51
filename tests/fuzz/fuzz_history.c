/* SPDX-License-Identifier: MIT */
/* links: fa_lab fa_rules fa_metrics fa_base */
/* History as Prometheus text (the first byte is odd) or CSV: what is refused names its line; what
 * is read is the same when it comes twice, though lines are then known by their beginnings. */
#include "lab/history.h"

#include "base/panic.h"

#include <stdlib.h>
#include <string.h>

static int read_any(struct fa_history *history, bool csv, struct fa_str text, struct fa_err *err)
{
    return csv ? fa_history_read_csv(history, text, "fuzz", "m", err)
               : fa_history_read(history, text, "fuzz", err);
}

struct sum {
    const struct fa_query_source *source;
    uint64_t hash;
};

static int add_series(void *ctx, const struct fa_labels *labels, void *series)
{
    struct sum *sum = ctx;
    const struct fa_point *points;
    size_t count = sum->source->read(sum->source->ctx, series, INT64_MIN, INT64_MAX, &points);
    sum->hash = sum->hash * 31 + fa_labels_hash(labels) + count;
    for (size_t i = 0; i < count; i++) {
        uint64_t bits;
        memcpy(&bits, &points[i].value, sizeof bits);
        sum->hash = sum->hash * 31 + bits + (uint64_t)points[i].at;
        fa_assert(i == 0 || points[i - 1].at < points[i].at);
    }
    return 0;
}

static uint64_t sum_of(struct fa_history *history)
{
    struct sum sum = {.source = fa_history_source(history)};
    int ret = sum.source->select(sum.source->ctx, NULL, 0, add_series, &sum);
    fa_assert(ret == 0);
    return sum.hash;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fa_err err = {0};
    if (size == 0) {
        return 0;
    }
    bool csv = data[0] % 2 == 0;
    struct fa_str text = {(const char *)data + 1, size - 1};
    struct fa_history *once = fa_history_new(), *twice = fa_history_new();
    (void)fa_history_is_csv(text);
    if (read_any(once, csv, text, &err) != 0) {
        fa_assert(err.code != 0 && err.line > 0 && err.text[0] != '\0');
    } else {
        int first = read_any(twice, csv, text, &err), second = read_any(twice, csv, text, &err);
        fa_assert(first == 0 && second == 0);
        fa_assert(fa_history_samples(twice) == 2 * fa_history_samples(once));
        fa_assert(sum_of(once) == sum_of(twice));
    }
    fa_history_free(once);
    fa_history_free(twice);
    return 0;
}
