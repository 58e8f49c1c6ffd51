/* SPDX-License-Identifier: MIT */
/* The adapter from a decoder's sink to metrics/ and rules/: one intake is one connection of a
 * decoder, be it a datagram socket or one request's body. The rules run at the turn's end, never
 * within a unit.
 *
 * What was refused is counted; the words go back to who sent it, if anybody waits for an answer,
 * and to nobody else: the bytes may hold anything that a customer's name can be in, so they stay
 * out of every log. */
#include "app/internal.h"
#include "base/panic.h"

#include <stdlib.h>
#include <string.h>

#define REPLY_MAX 65536

_Static_assert(sizeof(struct firealarm_label) == sizeof(struct fa_label),
               "a decoder's label is laid out as ours");

_Static_assert(sizeof(struct firealarm_text) == sizeof(struct fa_str) &&
                   offsetof(struct firealarm_text, len) == offsetof(struct fa_str, len),
               "a decoder's text is laid out as ours");

static struct fa_str str_of(struct firealarm_text text)
{
    return (struct fa_str){text.ptr, text.len};
}

static struct fa_feed_socket *feed_of(void *ctx)
{
    return ((struct fa_intake *)ctx)->feed;
}

/* Counted where it was pulled: an answer in which nothing is a series is no answer. */
static void count_named(void *ctx, uint32_t n)
{
    struct fa_intake *intake = ctx;
    if (intake->pull != NULL) {
        intake->pull->named += n;
    }
}

/* Who wants to hear what was ignored is asked for its definition each time, and so for its name. */
static uint64_t or_miss(const struct fa_intake *intake, uint64_t handle)
{
    return intake->count != NULL && handle == FA_HANDLE_IGNORED ? FA_HANDLE_MISS : handle;
}

static uint64_t sink_key(void *ctx, uint32_t kind, struct firealarm_text raw)
{
    count_named(ctx, 1);
    return or_miss(ctx, fa_metrics_key(feed_of(ctx)->feed, (enum fa_kind)kind, str_of(raw)));
}

static void sink_keys(void *ctx, const uint32_t *kinds, const struct firealarm_text *raws,
                      uint64_t *handles, uint32_t n)
{
    count_named(ctx, n);
    fa_metrics_keys(feed_of(ctx)->feed, kinds, (const struct fa_str *)(const void *)raws, handles,
                    n);
    for (uint32_t i = 0; i < n; i++) {
        handles[i] = or_miss(ctx, handles[i]);
    }
}

/* Of a long name the beginning: behind all ten the answer still says what was refused. */
static void note_ignored(struct fa_intake_count *count, struct fa_str name)
{
    count->ignored++;
    name.len = fa_utf8_valid(name) ? fa_utf8_cut(name, FA_INTAKE_NAME_BYTES) : 0;
    for (size_t i = 0; i < count->name_count; i++) {
        if (fa_str_is(name, count->names[i])) {
            return;
        }
    }
    if (count->name_count < FA_INTAKE_NAMES && name.len > 0 && !fa_str_has_control(name)) {
        count->names[count->name_count++] = fa_xstrndup(name.ptr, name.len);
    }
}

static void put_excerpt(struct fa_refusal *refusal, struct firealarm_text bytes)
{
    size_t len = bytes.len < sizeof refusal->excerpt - 1 ? bytes.len : sizeof refusal->excerpt - 1;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)bytes.ptr[i];
        refusal->excerpt[i] = c < 0x20 || c >= 0x7f ? '?' : (char)c;
    }
    refusal->excerpt[len] = '\0';
}

static void refuse(struct fa_intake *intake, const char *reason, struct firealarm_text excerpt)
{
    if (intake->refused < FA_INTAKE_TOLD) {
        struct fa_refusal *refusal = &intake->first[intake->refused];
        snprintf(refusal->reason, sizeof refusal->reason, "%s", reason);
        put_excerpt(refusal, excerpt);
    }
    intake->refused++;
    intake->feed->rejected++;
}

static uint64_t sink_define(void *ctx, uint32_t kind, struct firealarm_text raw,
                            struct firealarm_text name, const struct firealarm_label *labels,
                            uint32_t label_count)
{
    struct fa_intake *intake = ctx;
    struct fa_feed_stats before = fa_feed_stats(intake->feed->feed);
    const struct fa_label *own = (const struct fa_label *)(const void *)labels;
    struct fa_label all[FA_LABELS_MAX + FA_PULL_LABELS_MAX];
    size_t count = label_count;
    if (intake->pull != NULL && label_count <= FA_LABELS_MAX) {
        count = fa_pull_labels(intake->pull, own, label_count, all);
        own = all;
    }
    uint64_t handle = fa_metrics_define(intake->feed->feed, (enum fa_kind)kind, str_of(raw),
                                        str_of(name), own, count);
    struct fa_feed_stats after = fa_feed_stats(intake->feed->feed);
    if (intake->count != NULL && after.unwatched > before.unwatched) {
        note_ignored(intake->count, str_of(name));
    }
    if (after.labels_refused > before.labels_refused) {
        refuse(intake, "a series' labels: too many, too long, or with control characters", name);
    }
    return handle;
}

static void sink_push(void *ctx, const uint64_t *handles, const double *values,
                      const double *weights, const int64_t *times, uint32_t n)
{
    struct fa_intake *intake = ctx;
    struct fa_feed_socket *feed = intake->feed;
    if (intake->pull != NULL) {
        fa_pull_note(intake->pull, handles, n);
    }
    struct fa_feed_stats before = fa_feed_stats(feed->feed);
    fa_metrics_push(feed->feed, fa_loop_now(feed->daemon->loop), handles, values, weights, times,
                    n);
    struct fa_feed_stats after = fa_feed_stats(feed->feed);
    if (intake->count != NULL) {
        intake->count->taken += after.samples - before.samples;
    }
    if (after.future > before.future) {
        refuse(intake, "a sample from more than an hour ahead", FIREALARM_TEXT(""));
    }
    feed->daemon->rules_dirty = true;
}

static void sink_event(void *ctx, const struct firealarm_event *event)
{
    feed_of(ctx)->events_ignored++;
}

/* An alarm is not lost for what somebody wrote into a label: control characters become blanks, and
 * what is too long is cut. False: there are too many labels, or a name that is none. bytes: owns
 * the values of ret_items. */
static bool clean_labels(const struct fa_feed_socket *limits, const struct firealarm_alert *alert,
                         struct fa_label *ret_items, char **ret_bytes)
{
    size_t size = 0;
    *ret_bytes = NULL;
    if (alert->label_count > limits->labels_max || alert->label_count > FA_LABELS_MAX) {
        return false;
    }
    for (uint32_t i = 0; i < alert->label_count; i++) {
        struct fa_str value = str_of(alert->labels[i].value);
        if (alert->labels[i].name.len > limits->name_max) {
            return false;
        }
        value.len = fa_utf8_cut(value, limits->value_max);
        ret_items[i] = (struct fa_label){str_of(alert->labels[i].name), value};
        size += value.len;
    }
    char *at = *ret_bytes = fa_xmalloc(size + 1);
    for (uint32_t i = 0; i < alert->label_count; i++) {
        struct fa_str value = ret_items[i].value;
        for (size_t k = 0; k < value.len; k++) {
            unsigned char c = (unsigned char)value.ptr[k];
            at[k] = c < 0x20 || c == 0x7f ? ' ' : (char)c;
        }
        ret_items[i].value.ptr = at;
        at += value.len;
    }
    return true;
}

/* Taken into memory, and signalled at the turn's end: its sender repeats it while it fires. */
static void sink_alert(void *ctx, const struct firealarm_alert *alert)
{
    struct fa_feed_socket *feed = feed_of(ctx);
    struct fa_daemon *daemon = feed->daemon;
    struct fa_label labels[FA_LABELS_MAX];
    char *bytes;
    bool is_within = clean_labels(feed, alert, labels, &bytes);
    struct fa_alert one = {
        .labels = labels,
        .annotations = (const struct fa_label *)(const void *)alert->annotations,
        .label_count = alert->label_count,
        .annotation_count = alert->annotation_count,
        .starts = alert->starts,
        .ends = alert->ends,
        .resolved = alert->resolved != 0,
    };
    size_t rules = 0;
    feed->alerts++;
    int rc = is_within ? fa_foreign_take(daemon->foreign, &one, fa_loop_now(daemon->loop), &rules)
                       : FA_ETOOBIG;
    free(bytes);
    feed->alerts_refused += rc != 0;
    feed->alerts_untaken += rc == 0 && rules == 0;
    daemon->rules_dirty = daemon->rules_dirty || rules > 0;
}

static void sink_stale(void *ctx, uint64_t handle, int64_t time)
{
    struct fa_feed_socket *feed = feed_of(ctx);
    fa_metrics_stale(feed->feed, handle, time);
    feed->daemon->rules_dirty = true;
}

static void sink_reject(void *ctx, const char *reason, struct firealarm_text excerpt)
{
    refuse(ctx, reason, excerpt);
}

static void sink_reply(void *ctx, uint32_t status, struct firealarm_text type,
                       struct firealarm_text body)
{
    struct fa_intake *intake = ctx;
    bool is_text = type.len < sizeof intake->type && !fa_str_has_control(str_of(type));
    if (intake->status != 0 || status < 200 || status > 599) {
        return;
    }
    intake->status = (int)status;
    snprintf(intake->type, sizeof intake->type, "%.*s", is_text ? (int)type.len : 0, type.ptr);
    fa_buf_putstr(&intake->body, str_of(body));
}

int fa_intake_open(struct fa_intake *intake, struct fa_feed_socket *feed,
                   const struct firealarm_request *request, struct fa_err *err)
{
    struct firealarm_error error = {{0}};
    *intake = (struct fa_intake){.feed = feed};
    fa_buf_init(&intake->body, REPLY_MAX);
    if (feed->plugin->decoder->open(feed->self, request, &intake->conn, &error) != 0) {
        return fa_err_set(err, FA_EINVAL, "feed '%s': %s", feed->name, error.text);
    }
    return 0;
}

void fa_intake_close(struct fa_intake *intake)
{
    if (intake->feed != NULL) {
        intake->feed->plugin->decoder->close(intake->conn);
        fa_buf_done(&intake->body);
        for (size_t i = 0; intake->count != NULL && i < intake->count->name_count; i++) {
            free(intake->count->names[i]);
        }
        free(intake->count);
        intake->count = NULL;
        intake->feed = NULL;
    }
}

int fa_intake_feed(struct fa_intake *intake, struct fa_str bytes, bool end, struct fa_err *err)
{
    struct fa_feed_socket *feed = intake->feed;
    struct firealarm_error error = {{0}};
    struct firealarm_sink sink = {
        .abi = FIREALARM_DECODER_ABI,
        .size = sizeof sink,
        .ctx = intake,
        .now = fa_loop_now(feed->daemon->loop).wall,
        .key = sink_key,
        .define = sink_define,
        .push = sink_push,
        .event = sink_event,
        .alert = sink_alert,
        .stale = sink_stale,
        .reject = sink_reject,
        .reply = sink_reply,
        .keys = sink_keys,
    };
    if (feed->plugin->decoder->feed(intake->conn, &sink,
                                    (struct firealarm_text){bytes.ptr, bytes.len},
                                    end ? FIREALARM_FEED_END : 0, &error) != 0) {
        refuse(intake, error.text, (struct firealarm_text){"", 0});
        return fa_err_set(err, FA_EINVAL, "%s", error.text);
    }
    return 0;
}
