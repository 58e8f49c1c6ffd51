/* SPDX-License-Identifier: MIT */
/* Feeds: a decoder plugin, and what it reads: a datagram socket, or requests (ingest.c). A decode
 * unit ends with its datagram; the rules run at the turn's end. */
#include "app/internal.h"
#include "app/place.h"
#include "base/panic.h"

#include <stdlib.h>
#include <string.h>

static void on_datagram(void *self, struct fa_str bytes, const struct fa_peer *peer)
{
    struct fa_feed_socket *feed = self;
    struct fa_err err;
    (void)!fa_intake_feed(&feed->datagrams, bytes, true, &err); /* counted there */
}

/* ---- opening ---- */

static void free_paths(struct fa_feed_socket *feed)
{
    for (size_t i = 0; i < feed->path_count; i++) {
        free(feed->paths[i]);
    }
    free(feed->paths);
    free(feed->listener);
}

static void copy_paths(struct fa_feed_socket *feed, const struct fa_feed_entry *entry)
{
    feed->paths = fa_xcalloc(entry->path_count, sizeof *feed->paths);
    feed->path_count = entry->path_count;
    for (size_t i = 0; i < entry->path_count; i++) {
        feed->paths[i] = fa_xstrdup(entry->paths[i]);
    }
    feed->listener = entry->listener != NULL ? fa_xstrdup(entry->listener) : NULL;
}

static void close_one(struct fa_feed_socket *feed)
{
    if (feed == NULL) {
        return;
    }
    fa_dgram_close(feed->dgram);
    fa_ingest_stop(feed);
    fa_intake_close(&feed->datagrams);
    fa_decoder_close(feed);
    free_paths(feed);
    free(feed->name);
    free(feed->address);
    free(feed);
}

static void on_option_error(void *ctx, const struct fa_err *err)
{
    fa_log_err(FA_LOG_ERROR, err);
}

int fa_decoder_open(struct fa_feed_socket *feed, const struct fa_plugin_config *config,
                    struct fa_err *err)
{
    struct fa_daemon *daemon = feed->daemon;
    int rc =
        fa_plugins_load(daemon->plugins, FA_PLUGIN_DECODER, config->plugin, &feed->plugin, err);
    if (rc != 0) {
        return rc;
    }
    struct fa_options_input input = {
        .table = feed->plugin->options,
        .what = "feed",
        .name = feed->name,
        .given = config->given,
        .count = config->given_count,
        .file = config->file,
        .line = config->line,
        .credentials_dir = daemon->options->credentials,
    };
    rc = fa_options_parse(&input, on_option_error, NULL, &feed->options);
    if (rc != 0) {
        return fa_err_set(err, rc, "feed '%s': its options are not right", feed->name);
    }
    return fa_plugin_create(feed->plugin, &daemon->host, fa_options_settings(feed->options),
                            &feed->self, err);
}

void fa_decoder_close(struct fa_feed_socket *feed)
{
    if (feed->plugin != NULL && feed->self != NULL) {
        fa_plugin_destroy(feed->plugin, feed->self);
    }
    fa_options_free(feed->options);
}

static int open_decoder(struct fa_feed_socket *feed, const struct fa_feed_entry *entry,
                        struct fa_err *err)
{
    static const struct firealarm_request datagrams = {.size = sizeof datagrams,
                                                       .transport = FIREALARM_DATAGRAM};
    int rc = fa_decoder_open(feed, &entry->decoder, err);
    if (rc == 0 && entry->address != NULL) {
        return fa_intake_open(&feed->datagrams, feed, &datagrams, err);
    }
    if (rc == 0) {
        copy_paths(feed, entry);
    }
    return rc;
}

/* "udp:127.0.0.1:8125" and "unixgram:/path" as net/ writes them. */
static const char *bare_address(const char *address)
{
    if (strncmp(address, "udp:", 4) == 0) {
        return address + 4;
    }
    return strncmp(address, "unixgram:", 9) == 0 ? address + 9 : address;
}

static int open_datagrams(struct fa_feed_socket *feed, const struct fa_feed_entry *entry,
                          struct fa_err *err)
{
    if (strncmp(entry->address, "unixgram:", 9) == 0) {
        fa_place_parent(bare_address(entry->address), 0755);
    }
    struct fa_dgram_config config = {
        .address = bare_address(entry->address),
        .fd = -1,
        .mode = entry->mode,
        .rcvbuf_bytes = 16u << 20,
    };
    feed->address = fa_xstrdup(entry->address);
    feed->dgram = fa_dgram_open(feed->daemon->loop, &config, on_datagram, feed, err);
    return feed->dgram != NULL ? 0 : fa_err_wrap(err, "feed '%s'", entry->name);
}

static int open_one(struct fa_daemon *daemon, const struct fa_feed_entry *entry,
                    struct fa_feed_socket **ret_feed, struct fa_err *err)
{
    struct fa_feed_socket *feed = fa_xcalloc(1, sizeof *feed);
    feed->daemon = daemon;
    feed->name = fa_xstrdup(entry->name);
    int rc = open_decoder(feed, entry, err);
    if (rc == 0 && entry->address != NULL) {
        rc = open_datagrams(feed, entry, err);
    }
    if (rc != 0) {
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
        bool same = (feed->address == NULL) == (entry->address == NULL) &&
                    (feed->address == NULL || strcmp(feed->address, entry->address) == 0);
        if (same && strcmp(feed->name, entry->name) == 0) {
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
    fresh->name = fa_xstrdup(entry->name);
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
    fa_ingest_stop(feed);
    struct fa_feed_socket old = *feed;
    feed->plugin = fresh->plugin;
    feed->options = fresh->options;
    feed->self = fresh->self;
    feed->datagrams = fresh->datagrams;
    feed->paths = fresh->paths;
    feed->path_count = fresh->path_count;
    feed->listener = fresh->listener;
    feed->datagrams.feed = fresh->datagrams.feed != NULL ? feed : NULL;
    fresh->plugin = old.plugin;
    fresh->options = old.options;
    fresh->self = old.self;
    fresh->datagrams = old.datagrams;
    fresh->datagrams.feed = old.datagrams.feed != NULL ? fresh : NULL;
    fresh->paths = old.paths;
    fresh->path_count = old.path_count;
    fresh->listener = old.listener;
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

static void put_line(struct fa_buf *out, const char *name, const struct fa_feed_socket *feed,
                     const char *more, uint64_t value)
{
    fa_buf_printf(out, "firealarm_feed_%s{feed=\"%s\"%s} %llu\n", name, feed->name, more,
                  (unsigned long long)value);
}

static void put_answers(const struct fa_daemon *daemon, struct fa_buf *out)
{
    static const char *const classes[] = {",code=\"2xx\"", ",code=\"4xx\"", ",code=\"5xx\""};
    static const size_t digits[] = {2, 4, 5};
    fa_buf_puts(out, "# TYPE firealarm_feed_requests counter\n");
    for (size_t i = 0; i < daemon->feed_count; i++) {
        for (size_t k = 0; k < 3 && daemon->feeds[i]->dgram == NULL; k++) {
            put_line(out, "requests_total", daemon->feeds[i], classes[k],
                     daemon->feeds[i]->answers[digits[k]]);
        }
    }
}

void fa_feeds_metrics(const struct fa_daemon *daemon, struct fa_buf *out)
{
    static const char *const names[] = {"samples_total",        "series",
                                        "series_refused_total", "rejected_total",
                                        "alerts_total",         "alerts_untaken_total",
                                        "alerts_refused_total", "labels_refused_total",
                                        "too_old_total",        "future_total",
                                        "not_finite_total",     "unjudged_total",
                                        "packets_total",        "kernel_dropped_total"};
    static const struct fa_dgram_counters none = {0};
    for (size_t m = 0; m < sizeof names / sizeof names[0]; m++) {
        size_t len = strlen(names[m]);
        bool total = len > 6 && strcmp(names[m] + len - 6, "_total") == 0;
        fa_buf_printf(out, "# TYPE firealarm_feed_%.*s %s\n", (int)(total ? len - 6 : len),
                      names[m], total ? "counter" : "gauge");
        for (size_t i = 0; i < daemon->feed_count; i++) {
            const struct fa_feed_socket *feed = daemon->feeds[i];
            struct fa_feed_stats stats = fa_feed_stats(feed->feed);
            const struct fa_dgram_counters *socket =
                feed->dgram != NULL ? fa_dgram_counters(feed->dgram) : &none;
            uint64_t values[] = {stats.samples,        stats.series,          stats.series_refused,
                                 feed->rejected,       feed->alerts,          feed->alerts_untaken,
                                 feed->alerts_refused, stats.labels_refused,  stats.too_old,
                                 stats.future,         stats.not_finite,      stats.unjudged,
                                 socket->packets,      socket->kernel_dropped};
            if (m < 12 || feed->dgram != NULL) {
                put_line(out, names[m], feed, "", values[m]);
            }
        }
    }
    put_answers(daemon, out);
}
