/* SPDX-License-Identifier: MIT */
/* links: fa_plugin_alertmanager_static fa_public */
/* Any body, whole and in pieces (the first byte says how long), as one POST of alerts. Checked
 * beside memory: both say the same; each alert has labels with names and values, sane times, and is
 * resolved exactly when its end is past; there is one answer, 400 when something was refused. */
#include "firealarm/decoder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOW INT64_C(1700000000000)

#define CHECK(cond)                                                                                \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            fprintf(stderr, "not true: %s\n", #cond);                                              \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

struct said {
    uint64_t alerts, sum, rejects, replies;
    uint32_t status;
};

static void add(struct said *said, struct firealarm_text text)
{
    for (size_t i = 0; i < text.len; i++) {
        said->sum = said->sum * 31 + (unsigned char)text.ptr[i];
    }
}

static void alert(void *ctx, const struct firealarm_alert *one)
{
    struct said *said = ctx;
    CHECK(one->label_count > 0 && one->starts >= 0 && one->ends >= 0);
    CHECK(one->ends == 0 || one->ends >= one->starts);
    CHECK(one->resolved == (one->ends > 0 && one->ends <= NOW));
    for (uint32_t i = 0; i < one->label_count; i++) {
        CHECK(one->labels[i].name.len > 0 && one->labels[i].value.len > 0);
        add(said, one->labels[i].name);
        add(said, one->labels[i].value);
    }
    for (uint32_t i = 0; i < one->annotation_count; i++) {
        CHECK(one->annotations[i].name.len > 0 && one->annotations[i].value.len > 0);
        add(said, one->annotations[i].value);
    }
    said->alerts++;
}

static void reject(void *ctx, const char *reason, struct firealarm_text excerpt)
{
    struct said *said = ctx;
    CHECK(strlen(reason) <= 60 && excerpt.len <= 200);
    add(said, excerpt);
    said->rejects++;
}

static void reply(void *ctx, uint32_t status, struct firealarm_text type,
                  struct firealarm_text body)
{
    struct said *said = ctx;
    said->status = status;
    said->replies++;
    add(said, type);
    add(said, body);
}

static struct said run(const uint8_t *data, size_t size, size_t piece)
{
    struct said said = {0};
    struct firealarm_error error;
    struct firealarm_request request = {.size = sizeof request,
                                        .transport = FIREALARM_HTTP,
                                        .method = FIREALARM_TEXT("POST"),
                                        .path = FIREALARM_TEXT("/api/v2/alerts")};
    struct firealarm_sink sink = {.abi = FIREALARM_DECODER_ABI,
                                  .size = sizeof sink,
                                  .ctx = &said,
                                  .now = NOW,
                                  .alert = alert,
                                  .reject = reject,
                                  .reply = reply};
    void *conn = NULL;
    CHECK(firealarm_decoder.open(NULL, &request, &conn, &error) == 0);
    size_t at = 0;
    do {
        size_t n = piece == 0 || size - at < piece ? size - at : piece;
        struct firealarm_text bytes = {(const char *)data + at, n};
        at += n;
        CHECK(firealarm_decoder.feed(conn, &sink, bytes, at == size ? FIREALARM_FEED_END : 0,
                                     &error) == 0);
    } while (at < size);
    firealarm_decoder.close(conn);
    CHECK(said.replies == 1 && said.status == (said.rejects > 0 ? 400 : 200));
    return said;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    struct said whole = run(data + 1, size - 1, 0);
    struct said cut = run(data + 1, size - 1, (size_t)data[0] + 1);
    CHECK(memcmp(&whole, &cut, sizeof whole) == 0);
    return 0;
}
