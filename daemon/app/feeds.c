/* SPDX-License-Identifier: MIT */
/* Feeds: a datagram socket, a decoder plugin, and the adapter from its sink to metrics/. A decode
 * unit ends with its datagram; the rules run at the turn's end. */
#include "app/internal.h"
#include "app/place.h"
#include "base/panic.h"

#include <stdlib.h>
#include <string.h>

_Static_assert(sizeof(struct firealarm_label) == sizeof(struct fa_label),
               "a decoder's label is laid out as ours");

static struct fa_str str_of(struct firealarm_text text)
{
    return (struct fa_str){text.ptr, text.len};
}

static uint64_t sink_key(void *ctx, uint32_t kind, struct firealarm_text raw)
{
    struct fa_feed_socket *feed = ctx;
    return fa_metrics_key(feed->feed, (enum fa_kind)kind, str_of(raw));
}

_Static_assert(sizeof(struct firealarm_text) == sizeof(struct fa_str) &&
                   offsetof(struct firealarm_text, len) == offsetof(struct fa_str, len),
               "a decoder's text is laid out as ours");

static void sink_keys(void *ctx, const uint32_t *kinds, const struct firealarm_text *raws,
                      uint64_t *handles, uint32_t n)
{
    struct fa_feed_socket *feed = ctx;
    fa_metrics_keys(feed->feed, kinds, (const struct fa_str *)(const void *)raws, handles, n);
}

static uint64_t sink_define(void *ctx, uint32_t kind, struct firealarm_text raw,
                            struct firealarm_text name, const struct firealarm_label *labels,
                            uint32_t label_count)
{
    struct fa_feed_socket *feed = ctx;
    return fa_metrics_define(feed->feed, (enum fa_kind)kind, str_of(raw), str_of(name),
                             (const struct fa_label *)(const void *)labels, label_count);
}

static void sink_push(void *ctx, const uint64_t *handles, const double *values,
                      const double *weights, const int64_t *times, uint32_t n)
{
    struct fa_feed_socket *feed = ctx;
    fa_metrics_push(feed->feed, fa_loop_now(feed->daemon->loop), handles, values, weights, times,
                    n);
    feed->daemon->rules_dirty = true;
}

static void sink_event(void *ctx, const struct firealarm_event *event)
{
    ((struct fa_feed_socket *)ctx)->events_ignored++;
}

static bool is_within(const struct fa_feed_socket *limits, const struct firealarm_alert *alert)
{
    for (uint32_t i = 0; i < alert->label_count; i++) {
        if (alert->labels[i].name.len > limits->name_max ||
            alert->labels[i].value.len > limits->value_max) {
            return false;
        }
    }
    return alert->label_count <= limits->labels_max;
}

static void sink_alert(void *ctx, const struct firealarm_alert *alert)
{
    struct fa_feed_socket *feed = ctx;
    struct fa_alert one = {
        .labels = (const struct fa_label *)(const void *)alert->labels,
        .annotations = (const struct fa_label *)(const void *)alert->annotations,
        .label_count = alert->label_count,
        .annotation_count = alert->annotation_count,
        .starts = alert->starts,
        .ends = alert->ends,
        .resolved = alert->resolved != 0,
    };
    size_t rules = 0;
    feed->alerts++;
    int rc = is_within(feed, alert) ? fa_foreign_take(feed->daemon->foreign, &one,
                                                      fa_loop_now(feed->daemon->loop), &rules)
                                    : FA_ETOOBIG;
    feed->alerts_refused += rc != 0;
    feed->alerts_untaken += rc == 0 && rules == 0;
    feed->daemon->rules_dirty = feed->daemon->rules_dirty || rules > 0;
}

static void sink_stale(void *ctx, uint64_t handle, int64_t time)
{
    struct fa_feed_socket *feed = ctx;
    fa_metrics_stale(feed->feed, handle, time);
    feed->daemon->rules_dirty = true;
}

static void sink_reject(void *ctx, const char *reason, struct firealarm_text excerpt)
{
    struct fa_feed_socket *feed = ctx;
    feed->rejected++;
    /* The bytes may hold anything a customer's name can be in: they stay out of every log. */
    snprintf(feed->last_reject, sizeof feed->last_reject, "%s", reason);
}

static void sink_reply(void *ctx, uint32_t status, struct firealarm_text type,
                       struct firealarm_text body)
{
}

static void on_datagram(void *self, struct fa_str bytes, const struct fa_peer *peer)
{
    struct fa_feed_socket *feed = self;
    struct firealarm_error error = {{0}};
    struct firealarm_sink sink = {
        .abi = FIREALARM_DECODER_ABI,
        .size = sizeof sink,
        .ctx = feed,
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
    if (feed->plugin->decoder->feed(feed->conn, &sink,
                                    (struct firealarm_text){bytes.ptr, bytes.len},
                                    FIREALARM_FEED_END, &error) != 0) {
        feed->rejected++;
    }
}

/* ---- opening ---- */

static void close_one(struct fa_feed_socket *feed)
{
    if (feed == NULL) {
        return;
    }
    fa_dgram_close(feed->dgram);
    if (feed->plugin != NULL && feed->conn != NULL) {
        feed->plugin->decoder->close(feed->conn);
    }
    if (feed->plugin != NULL && feed->self != NULL) {
        fa_plugin_destroy(feed->plugin, feed->self);
    }
    fa_options_free(feed->options);
    free(feed->name);
    free(feed->address);
    free(feed);
}

static void on_option_error(void *ctx, const struct fa_err *err)
{
    fa_log_err(FA_LOG_ERROR, err);
}

static int open_decoder(struct fa_feed_socket *feed, const struct fa_feed_entry *entry,
                        struct fa_err *err)
{
    struct fa_daemon *daemon = feed->daemon;
    int rc = fa_plugins_load(daemon->plugins, FA_PLUGIN_DECODER, entry->decoder.plugin,
                             &feed->plugin, err);
    if (rc != 0) {
        return rc;
    }
    struct fa_options_input input = {
        .table = feed->plugin->options,
        .what = "feed",
        .name = entry->name,
        .given = entry->decoder.given,
        .count = entry->decoder.given_count,
        .file = entry->decoder.file,
        .line = entry->decoder.line,
        .credentials_dir = daemon->options->credentials,
    };
    rc = fa_options_parse(&input, on_option_error, NULL, &feed->options);
    if (rc != 0) {
        return fa_err_set(err, rc, "feed '%s': its options are not right", entry->name);
    }
    rc = fa_plugin_create(feed->plugin, &daemon->host, fa_options_settings(feed->options),
                          &feed->self, err);
    if (rc != 0) {
        return rc;
    }
    struct firealarm_error error = {{0}};
    static const struct firealarm_request request = {.size = sizeof request,
                                                     .transport = FIREALARM_DATAGRAM};
    if (feed->plugin->decoder->open(feed->self, &request, &feed->conn, &error) != 0) {
        return fa_err_set(err, FA_EINVAL, "feed '%s': %s", entry->name, error.text);
    }
    return 0;
}

/* "udp:127.0.0.1:8125" and "unixgram:/path" as net/ writes them. */
static const char *bare_address(const char *address)
{
    if (strncmp(address, "udp:", 4) == 0) {
        return address + 4;
    }
    return strncmp(address, "unixgram:", 9) == 0 ? address + 9 : address;
}

static int open_one(struct fa_daemon *daemon, const struct fa_feed_entry *entry,
                    struct fa_feed_socket **ret_feed, struct fa_err *err)
{
    struct fa_feed_socket *feed = fa_xcalloc(1, sizeof *feed);
    feed->daemon = daemon;
    feed->name = fa_xstrdup(entry->name);
    feed->address = fa_xstrdup(entry->address);
    int rc = open_decoder(feed, entry, err);
    if (rc != 0) {
        close_one(feed);
        return rc;
    }
    if (strncmp(entry->address, "unixgram:", 9) == 0) {
        fa_place_parent(bare_address(entry->address), 0755);
    }
    struct fa_dgram_config config = {
        .address = bare_address(entry->address),
        .fd = -1,
        .mode = entry->mode,
        .rcvbuf_bytes = 16u << 20,
    };
    feed->dgram = fa_dgram_open(daemon->loop, &config, on_datagram, feed, err);
    if (feed->dgram == NULL) {
        rc = fa_err_wrap(err, "feed '%s'", entry->name);
        close_one(feed);
        return rc;
    }
    *ret_feed = feed;
    return 0;
}

/* One that stays across a reload keeps its socket: nothing sent meanwhile is lost. */
static struct fa_feed_socket *find_same(struct fa_daemon *daemon, const struct fa_feed_entry *entry)
{
    for (size_t i = 0; i < daemon->feed_count; i++) {
        struct fa_feed_socket *feed = daemon->feeds[i];
        if (strcmp(feed->name, entry->name) == 0 && strcmp(feed->address, entry->address) == 0) {
            return feed;
        }
    }
    return NULL;
}

/* The decoder with its new options, for a feed that keeps its socket. */
static int renew_decoder(struct fa_daemon *daemon, const struct fa_feed_entry *entry,
                         struct fa_feed_socket **ret_fresh, struct fa_err *err)
{
    struct fa_feed_socket *fresh = fa_xcalloc(1, sizeof *fresh);
    fresh->daemon = daemon;
    int rc = open_decoder(fresh, entry, err);
    if (rc != 0) {
        close_one(fresh);
        return rc;
    }
    *ret_fresh = fresh;
    return 0;
}

/* The old feed goes on with the fresh decoder; its old one is closed. */
static void take_decoder(struct fa_feed_socket *feed, struct fa_feed_socket *fresh)
{
    struct fa_feed_socket old = *feed;
    feed->plugin = fresh->plugin;
    feed->options = fresh->options;
    feed->self = fresh->self;
    feed->conn = fresh->conn;
    fresh->plugin = old.plugin;
    fresh->options = old.options;
    fresh->self = old.self;
    fresh->conn = old.conn;
    close_one(fresh);
}

/* All of it could be opened: those that stay leave the old list, which closes the rest. */
static void keep_same(struct fa_daemon *daemon, struct fa_feed_socket **feeds,
                      struct fa_feed_socket **same, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; same[i] != NULL && k < daemon->feed_count; k++) {
            if (daemon->feeds[k] == same[i]) {
                take_decoder(same[i], feeds[i]);
                feeds[i] = same[i];
                daemon->feeds[k] = NULL;
                break;
            }
        }
    }
}

int fa_feeds_open(struct fa_daemon *daemon, const struct fa_config *config,
                  struct fa_feed_socket ***ret_feeds, size_t *ret_count, struct fa_err *err)
{
    struct fa_feed_socket **feeds = fa_xcalloc(config->feed_count, sizeof(struct fa_feed_socket *));
    struct fa_feed_socket **same = fa_xcalloc(config->feed_count, sizeof(struct fa_feed_socket *));
    int rc = 0;
    for (size_t i = 0; i < config->feed_count && rc == 0; i++) {
        const struct fa_feed_entry *entry = &config->feeds[i];
        same[i] = find_same(daemon, entry);
        rc = same[i] != NULL ? renew_decoder(daemon, entry, &feeds[i], err)
                             : open_one(daemon, entry, &feeds[i], err);
    }
    if (rc != 0) {
        fa_feeds_close(feeds, config->feed_count);
    } else {
        keep_same(daemon, feeds, same, config->feed_count);
        *ret_feeds = feeds;
        *ret_count = config->feed_count;
    }
    free(same);
    return rc;
}

void fa_feeds_bind(struct fa_daemon *daemon)
{
    for (size_t i = 0; i < daemon->feed_count; i++) {
        const struct fa_feed_entry *entry = &daemon->config->feeds[i];
        struct fa_metrics_limits limits = {
            .series = entry->series_max,
            .labels = entry->labels_max,
            .name_bytes = entry->name_max,
            .value_bytes = entry->value_max,
        };
        daemon->feeds[i]->labels_max = limits.labels;
        daemon->feeds[i]->name_max = limits.name_bytes;
        daemon->feeds[i]->value_max = limits.value_bytes;
        daemon->feeds[i]->feed = fa_metrics_feed(daemon->metrics, entry->name);
        fa_feed_set_limits(daemon->feeds[i]->feed, &limits);
        daemon->feeds[i]->series_refused_seen =
            fa_feed_stats(daemon->feeds[i]->feed).series_refused;
    }
}

void fa_feeds_close(struct fa_feed_socket **feeds, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        close_one(feeds[i]);
    }
    free(feeds);
}

/* ---- watching ---- */

static void watch_series(struct fa_feed_socket *feed)
{
    struct fa_feed_stats stats = fa_feed_stats(feed->feed);
    char code[80];
    bool over = stats.series_refused > feed->series_refused_seen;
    feed->series_refused_seen = stats.series_refused;
    if (over != feed->over_budget || !feed->watched) {
        feed->over_budget = over;
        snprintf(code, sizeof code, "feed-%s-series", feed->name);
        fa_turn_trouble(feed->daemon, code, !over,
                        "feed '%s' is at its limit of %llu series: new ones are refused",
                        feed->name, (unsigned long long)stats.series);
    }
}

static void watch_alerts(struct fa_feed_socket *feed)
{
    char code[80];
    bool over = feed->alerts_refused > feed->alerts_refused_seen;
    feed->alerts_refused_seen = feed->alerts_refused;
    if (over != feed->over_alerts || !feed->watched) {
        feed->over_alerts = over;
        snprintf(code, sizeof code, "feed-%s-alerts", feed->name);
        fa_turn_trouble(feed->daemon, code, !over,
                        "feed '%s' sends alerts beyond a limit (their number, or the length or "
                        "number of their labels): those are refused",
                        feed->name);
    }
}

void fa_feeds_watch(struct fa_daemon *daemon)
{
    for (size_t i = 0; i < daemon->feed_count; i++) {
        watch_series(daemon->feeds[i]);
        watch_alerts(daemon->feeds[i]);
        /* The first look ends what a daemon before this one may have left open. */
        daemon->feeds[i]->watched = true;
    }
}

void fa_feeds_metrics(const struct fa_daemon *daemon, struct fa_buf *out)
{
    static const char *const heads[] = {
        "# TYPE firealarm_feed_samples counter\n",
        "# TYPE firealarm_feed_series gauge\n",
        "# TYPE firealarm_feed_series_refused counter\n",
        "# TYPE firealarm_feed_rejected counter\n",
        "# TYPE firealarm_feed_packets counter\n",
        "# TYPE firealarm_feed_kernel_dropped counter\n",
        "# TYPE firealarm_feed_alerts counter\n",
        "# TYPE firealarm_feed_alerts_untaken counter\n",
        "# TYPE firealarm_feed_alerts_refused counter\n",
    };
    static const char *const names[] = {"samples_total",        "series",
                                        "series_refused_total", "rejected_total",
                                        "packets_total",        "kernel_dropped_total",
                                        "alerts_total",         "alerts_untaken_total",
                                        "alerts_refused_total"};
    for (size_t m = 0; m < sizeof names / sizeof names[0]; m++) {
        fa_buf_puts(out, heads[m]);
        for (size_t i = 0; i < daemon->feed_count; i++) {
            const struct fa_feed_socket *feed = daemon->feeds[i];
            struct fa_feed_stats stats = fa_feed_stats(feed->feed);
            const struct fa_dgram_counters *socket = fa_dgram_counters(feed->dgram);
            uint64_t values[] = {stats.samples,  stats.series,         stats.series_refused,
                                 feed->rejected, socket->packets,      socket->kernel_dropped,
                                 feed->alerts,   feed->alerts_untaken, feed->alerts_refused};
            fa_buf_printf(out, "firealarm_feed_%s{feed=\"%s\"} %llu\n", names[m], feed->name,
                          (unsigned long long)values[m]);
        }
    }
}
