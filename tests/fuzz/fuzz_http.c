/* SPDX-License-Identifier: MIT */
/* links: fa_net */
/* The HTTP byte machine. The first byte is the seed of how the rest is cut into pieces. However it
 * is cut, the events and the bytes of bodies are those of the whole fed at once. */
#include "net/http_parse.h"

#include "base/panic.h"

#include <stdlib.h>
#include <string.h>

struct result {
    uint64_t hash; /* of all events in order, heads and bodies included */
    unsigned events;
};

static void mix(struct result *result, const void *data, size_t len)
{
    const uint8_t *bytes = data;
    for (size_t i = 0; i < len; i++) {
        result->hash = (result->hash ^ bytes[i]) * UINT64_C(1099511628211);
    }
}

static void mix_head(struct result *result, const struct fa_http_head *head)
{
    mix(result, fa_buf_text(&head->path), head->path.len);
    mix(result, head->method.ptr, head->method.len);
    mix(result, head->query.ptr, head->query.len);
    for (size_t i = 0; i < head->field_count; i++) {
        mix(result, head->fields[i].name.ptr, head->fields[i].name.len);
        mix(result, head->fields[i].value.ptr, head->fields[i].value.len);
    }
    fa_assert(head->path.len > 0 && head->method.len > 0);
    fa_assert(strlen(fa_buf_text(&head->path)) == head->path.len);
    fa_assert(fa_http_head_field(head, "no-such-field-was-ever-sent").ptr == NULL);
}

/* Takes every second head away, as a server does. */
static void on_event(struct fa_http_parse *parse, enum fa_http_event event, struct fa_str piece,
                     struct result *result)
{
    if (event == FA_HTTP_BODY) {
        mix(result, piece.ptr, piece.len); /* pieces differ by the cut, bytes do not */
        return;
    }
    result->events++;
    mix(result, &event, sizeof event);
    if (event == FA_HTTP_HEAD) {
        mix_head(result, parse->head);
        if (result->events % 4 == 1) {
            fa_http_head_free(parse->head);
            parse->head = NULL;
        }
    } else if (event == FA_HTTP_BAD) {
        mix(result, &parse->status, sizeof parse->status);
        fa_assert(parse->status >= 400 && parse->reason != NULL);
    }
}

static struct result run(const uint8_t *data, size_t size, uint32_t seed)
{
    struct result result = {.hash = UINT64_C(14695981039346656037)};
    struct fa_http_parse parse;
    enum fa_http_event event = FA_HTTP_MORE;
    fa_http_parse_init(&parse, 256);
    for (size_t at = 0; at < size && event != FA_HTTP_BAD;) {
        seed = seed * 1664525u + 1013904223u;
        size_t len = seed >> 30 == 0 ? 1 : (seed >> 20) % 64 + 1;
        len = seed == 0 || len > size - at ? size - at : len;
        char *copy = malloc(len); /* of its exact size, for the sanitizer */
        memcpy(copy, data + at, len);
        struct fa_str input = {copy, len}, piece = {NULL, 0};
        do {
            event = fa_http_parse_feed(&parse, &input, &piece);
            if (event != FA_HTTP_MORE) {
                on_event(&parse, event, piece, &result);
            }
        } while (event != FA_HTTP_MORE && event != FA_HTTP_BAD);
        fa_assert(event == FA_HTTP_BAD || input.len == 0);
        free(copy);
        at += len;
    }
    fa_http_parse_done(&parse);
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    struct result pieces = run(data + 1, size - 1, data[0] * 2654435761u + 1);
    struct result bytewise = run(data + 1, size - 1, 7);
    fa_assert(pieces.hash == bytewise.hash && pieces.events == bytewise.events);
    return 0;
}
