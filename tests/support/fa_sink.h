/* SPDX-License-Identifier: MIT */
/* A decoder's sink that writes down what it is told, one line each, so that a decoder's test is a
 * table of input and expected text:
 *
 *   gauge cpu{host="a"} 1.5 x10 @1700000000000     weight and time only where they say something
 *   reject a value is missing: cpu:|g
 *   event TITLE|TEXT|SOURCE @TIME {labels}         alert {labels} {annotations} STARTS..ENDS
 * RESOLVED stale cpu{host="a"} @TIME                      reply 204 text/plain BODY
 *
 * A metric whose name starts with "ignored" is one that no rule needs. */
#ifndef FA_SINK_H
#define FA_SINK_H

#include "fa_test.h"
#include "firealarm/decoder.h"

#define FA_SINK_SERIES 256

struct fa_sink {
    struct firealarm_sink sink;
    struct {
        uint32_t kind;
        char raw[600], text[1200];
    } series[FA_SINK_SERIES];
    uint32_t series_count;
    uint32_t defines;
    size_t samples, len;
    char text[1 << 16];
};

static void fa_sink_put(struct fa_sink *self, const char *text, size_t len)
{
    if (len < sizeof self->text - self->len) {
        memcpy(self->text + self->len, text, len);
        self->len += len;
        self->text[self->len] = '\0';
    }
}

#define fa_sink_printf(self, ...)                                                                  \
    do {                                                                                           \
        char line_[4096];                                                                          \
        snprintf(line_, sizeof line_, __VA_ARGS__);                                                \
        fa_sink_put(self, line_, strlen(line_));                                                   \
    } while (0)

static inline void fa_sink_labels(char *out, size_t size, const struct firealarm_label *labels,
                                  uint32_t count)
{
    size_t len = 0;
    out[0] = '\0';
    for (uint32_t i = 0; i < count && len < size; i++) {
        len += (size_t)snprintf(out + len, size - len, "%s%.*s=\"%.*s\"", i > 0 ? "," : "",
                                (int)labels[i].name.len, labels[i].name.ptr,
                                (int)labels[i].value.len, labels[i].value.ptr);
    }
}

static inline uint64_t fa_sink_key(void *ctx, uint32_t kind, struct firealarm_text raw)
{
    struct fa_sink *self = ctx;
    for (uint32_t i = 0; i < self->series_count; i++) {
        if (self->series[i].kind == kind && strlen(self->series[i].raw) == raw.len &&
            memcmp(self->series[i].raw, raw.ptr, raw.len) == 0) {
            return i + 1;
        }
    }
    return FIREALARM_MISS;
}

static inline uint64_t fa_sink_define(void *ctx, uint32_t kind, struct firealarm_text raw,
                                      struct firealarm_text name,
                                      const struct firealarm_label *labels, uint32_t count)
{
    static const char *const kinds[] = {"?",    "gauge", "delta", "total",
                                        "dist", "set",   "state", "gdelta"};
    struct fa_sink *self = ctx;
    char list[1000];
    self->defines++;
    if (name.len >= 7 && memcmp(name.ptr, "ignored", 7) == 0) {
        return FIREALARM_IGNORED;
    }
    if (self->series_count == FA_SINK_SERIES || raw.len >= sizeof self->series[0].raw) {
        return FIREALARM_IGNORED;
    }
    uint32_t i = self->series_count++;
    self->series[i].kind = kind;
    memcpy(self->series[i].raw, raw.ptr, raw.len);
    self->series[i].raw[raw.len] = '\0';
    fa_sink_labels(list, sizeof list, labels, count);
    snprintf(self->series[i].text, sizeof self->series[i].text, "%s %.*s%s%s%s", kinds[kind % 8],
             (int)name.len, name.ptr, count > 0 ? "{" : "", list, count > 0 ? "}" : "");
    return i + 1;
}

static inline void fa_sink_push(void *ctx, const uint64_t *handles, const double *values,
                                const double *weights, const int64_t *times, uint32_t n)
{
    struct fa_sink *self = ctx;
    for (uint32_t i = 0; i < n; i++) {
        if (handles[i] == FIREALARM_IGNORED || handles[i] > self->series_count) {
            continue;
        }
        self->samples++;
        const char *text = self->series[handles[i] - 1].text;
        if (self->series[handles[i] - 1].kind == FIREALARM_SET) {
            fa_sink_printf(self, "%s", text); /* a member's hash says nothing to a reader */
        } else {
            fa_sink_printf(self, "%s %.17g", text, values[i]);
        }
        if (weights != NULL && weights[i] != 1) {
            fa_sink_printf(self, " x%.6g", weights[i]);
        }
        if (times != NULL && times[i] != 0) {
            fa_sink_printf(self, " @%lld", (long long)times[i]);
        }
        fa_sink_put(self, "\n", 1);
    }
}

static inline void fa_sink_event(void *ctx, const struct firealarm_event *event)
{
    char list[1000];
    fa_sink_labels(list, sizeof list, event->labels, event->label_count);
    fa_sink_printf((struct fa_sink *)ctx, "event %.*s|%.*s|%.*s @%lld {%s}\n",
                   (int)event->title.len, event->title.ptr, (int)event->text.len, event->text.ptr,
                   (int)event->source.len, event->source.ptr, (long long)event->time, list);
}

static inline void fa_sink_alert(void *ctx, const struct firealarm_alert *alert)
{
    char labels[1000], annotations[1000];
    fa_sink_labels(labels, sizeof labels, alert->labels, alert->label_count);
    fa_sink_labels(annotations, sizeof annotations, alert->annotations, alert->annotation_count);
    fa_sink_printf((struct fa_sink *)ctx, "alert {%s} {%s} %lld..%lld %s\n", labels, annotations,
                   (long long)alert->starts, (long long)alert->ends,
                   alert->resolved ? "resolved" : "firing");
}

static inline void fa_sink_stale(void *ctx, uint64_t handle, int64_t time)
{
    struct fa_sink *self = ctx;
    fa_sink_printf(self, "stale %s @%lld\n", self->series[handle - 1].text, (long long)time);
}

static inline void fa_sink_reject(void *ctx, const char *reason, struct firealarm_text excerpt)
{
    assert_true(strlen(reason) <= 60);
    fa_sink_printf((struct fa_sink *)ctx, "reject %s: %.*s\n", reason,
                   (int)(excerpt.len < 200 ? excerpt.len : 200), excerpt.ptr);
}

static inline void fa_sink_reply(void *ctx, uint32_t status, struct firealarm_text content_type,
                                 struct firealarm_text body)
{
    fa_sink_printf((struct fa_sink *)ctx, "reply %u %.*s %.*s\n", status, (int)content_type.len,
                   content_type.ptr, (int)body.len, body.ptr);
}

/* Empties it, series included; now: the wall clock of the calls to come. */
static inline void fa_sink_init(struct fa_sink *self, int64_t now)
{
    self->series_count = self->defines = 0;
    self->samples = self->len = 0;
    self->text[0] = '\0';
    self->sink = (struct firealarm_sink){
        .abi = FIREALARM_DECODER_ABI,
        .size = sizeof self->sink,
        .ctx = self,
        .now = now,
        .key = fa_sink_key,
        .define = fa_sink_define,
        .push = fa_sink_push,
        .event = fa_sink_event,
        .alert = fa_sink_alert,
        .stale = fa_sink_stale,
        .reject = fa_sink_reject,
        .reply = fa_sink_reply,
    };
}

/* Feeds the bytes in pieces of `piece` (0: all at once, from memory of exactly that size, so that a
 * read past the end is seen), END with the last. Returns what feed returned last. */
static inline int32_t fa_sink_feed(struct fa_sink *self, const struct firealarm_decoder *decoder,
                                   void *conn, const char *bytes, size_t len, size_t piece)
{
    struct firealarm_error error = {{0}};
    int32_t rc = 0;
    size_t at = 0;
    do {
        size_t n = piece == 0 || len - at < piece ? len - at : piece;
        char *copy = malloc(n > 0 ? n : 1);
        memcpy(copy, bytes + at, n);
        at += n;
        rc = decoder->feed(conn, &self->sink, (struct firealarm_text){copy, n},
                           at == len ? FIREALARM_FEED_END : 0, &error);
        free(copy);
    } while (rc == 0 && at < len);
    if (rc != 0) {
        fa_sink_printf(self, "closed: %s\n", error.text);
    }
    return rc;
}

#endif
