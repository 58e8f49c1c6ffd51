/* SPDX-License-Identifier: MIT */
/* Start, the 30 s tick, stop. The watchdog is fed on progress only: the loop turns and no deadline
 * of the engine is overdue. */
#include "app/internal.h"
#include "base/panic.h"
#include "calendar/reader.h"
#include "host/secret.h"

#include <errno.h>
#include <signal.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

/* An engine's deadline that is late by more shows that time is not being acted on. */
#define OVERDUE_MAX (20 * FA_SECOND)
#define DRAIN_MS    (3 * FA_SECOND)

/* ---- the interface's host ---- */

static struct fa_engine *host_engine(void *ctx)
{
    return ((struct fa_daemon *)ctx)->engine;
}

static struct fa_store *host_store(void *ctx)
{
    return ((struct fa_daemon *)ctx)->store;
}

static struct fa_now host_now(void *ctx)
{
    return fa_loop_now(((struct fa_daemon *)ctx)->loop);
}

static struct fa_api_answer host_step(void *ctx, struct fa_event *event)
{
    return fa_turn_step(ctx, event);
}

static uint64_t host_next_journal(void *ctx)
{
    return fa_turn_next_journal(ctx);
}

static void host_reply(void *ctx, struct fa_http_request *req, int status, const char *type,
                       struct fa_str body)
{
    struct fa_daemon *daemon = ctx;
    /* A refusal promises nothing. While the disk is full nothing becomes durable, and people must
     * still be told so, and see what there is. */
    bool is_read = fa_str_is(fa_http_method(req), "GET") || fa_str_is(fa_http_method(req), "HEAD");
    if (status >= 400 || (is_read && daemon->store_full)) {
        fa_http_reply(req, status, type, body);
    } else {
        fa_turn_park_reply(daemon, req, status, type, body);
    }
}

static const char *host_refusing(void *ctx)
{
    struct fa_daemon *daemon = ctx;
    if (daemon->store == NULL) {
        return "The store cannot be used: nothing is taken now and nothing can be looked up. The "
               "operators are told.";
    }
    return daemon->store_full ? "The store's disk is full: nothing new is taken until it has room. "
                                "The operators are told."
                              : NULL;
}

static void host_lost(void *ctx, uint64_t n)
{
    fa_keep_tell_lost(ctx, n);
}

static int host_copy(void *ctx, bool start, struct fa_store_copy *ret_copy, struct fa_err *err)
{
    return fa_copies_ask(ctx, start, ret_copy, err);
}

static bool host_may_know(void *ctx, struct fa_incident_id id)
{
    return fa_known_may_have(ctx, id);
}

static struct fa_rules *host_rules(void *ctx)
{
    struct fa_daemon *daemon = ctx;
    return daemon->rules;
}

static const struct fa_foreign *host_foreign(void *ctx)
{
    const struct fa_daemon *daemon = ctx;
    return daemon->foreign;
}

static size_t host_changes(void *ctx, const char *rule, struct fa_rule_change ret[FA_RULE_CHANGES])
{
    return fa_changes_read(ctx, rule, ret);
}

static const char *host_unhealthy(void *ctx, bool ready)
{
    struct fa_daemon *daemon = ctx;
    if (daemon->store == NULL) {
        return "no store: filings are refused\n";
    }
    if (ready && daemon->store_full) {
        return "the disk is full: filings are refused\n";
    }
    if (ready && daemon->courier.down_since != 0) {
        return "the courier is not up\n";
    }
    return ready && daemon->stopping ? "stopping\n" : NULL;
}

static void host_metrics(void *ctx, struct fa_buf *out)
{
    struct fa_daemon *daemon = ctx;
    fa_feeds_metrics(daemon, out);
    fa_fetch_metrics(daemon, out);
    fa_remote_metrics(daemon, out);
    fa_tested_metrics(daemon, out);
    fa_listeners_metrics(daemon, out);
    fa_buf_printf(out,
                  "# TYPE firealarm_store_up gauge\nfirealarm_store_up %d\n"
                  "# TYPE firealarm_store_full gauge\nfirealarm_store_full %d\n",
                  daemon->store != NULL, daemon->store_full);
    fa_buf_printf(out,
                  "# TYPE firealarm_configuration_up gauge\n"
                  "# HELP firealarm_configuration_up What the files say now runs (0: refused).\n"
                  "firealarm_configuration_up %d\n",
                  !daemon->is_refused);
    fa_buf_printf(out, "# TYPE firealarm_log_dropped counter\nfirealarm_log_dropped_total %llu\n",
                  fa_log_dropped());
    fa_buf_printf(out, "# TYPE firealarm_store_old gauge\nfirealarm_store_old %d\n",
                  daemon->store_old);
    fa_copies_metrics(daemon, out);
    fa_checkpoint_metrics(daemon, out);
    fa_buf_printf(out, "# TYPE firealarm_courier_up gauge\nfirealarm_courier_up %d\n",
                  daemon->courier.down_since == 0);
    if (daemon->store != NULL) {
        struct fa_store_stats stats;
        fa_store_stats(daemon->store, &stats);
        fa_buf_printf(out,
                      "# TYPE firealarm_store_commits counter\n"
                      "firealarm_store_commits_total %llu\n"
                      "# TYPE firealarm_store_transactions counter\n"
                      "firealarm_store_transactions_total %llu\n"
                      "# TYPE firealarm_store_waiting gauge\nfirealarm_store_waiting %llu\n",
                      (unsigned long long)stats.commits, (unsigned long long)stats.transactions,
                      (unsigned long long)stats.waiting);
    }
    fa_buf_printf(out,
                  "# TYPE firealarm_rule_evaluations counter\n"
                  "firealarm_rule_evaluations_total %llu\n",
                  (unsigned long long)fa_rules_evaluations(daemon->rules));
}

/* Receipts and links have keys of their own, so that nothing else under the store's key can be one,
 * and neither the other. */
static void derive_keys(const struct fa_daemon *daemon, struct fa_api_keys *keys)
{
    crypto_generichash(keys->receipts, sizeof keys->receipts, (const unsigned char *)"receipts", 8,
                       daemon->key, sizeof daemon->key);
    crypto_generichash(keys->links, sizeof keys->links, (const unsigned char *)"links", 5,
                       daemon->key, sizeof daemon->key);
}

void fa_daemon_renew_keys(struct fa_daemon *daemon)
{
    struct fa_api_keys keys;
    derive_keys(daemon, &keys);
    fa_api_set_keys(daemon->api, &keys);
    sodium_memzero(&keys, sizeof keys);
}

static void make_api(struct fa_daemon *daemon)
{
    struct fa_api_host host = {
        .ctx = daemon,
        .engine = host_engine,
        .store = host_store,
        .now = host_now,
        .step = host_step,
        .next_journal = host_next_journal,
        .reply = host_reply,
        .refusing = host_refusing,
        .lost = host_lost,
        .copy = host_copy,
        .may_know = host_may_know,
        .rules = host_rules,
        .foreign = host_foreign,
        .changes = host_changes,
        .unhealthy = host_unhealthy,
        .feeds = fa_ingest_each,
        .feed_find = fa_ingest_find,
        .feed_head = fa_ingest_head,
        .feed_body = fa_ingest_body,
        .feed_end = fa_ingest_end,
        .feed_gone = fa_ingest_gone,
        .fetch = fa_fetch_tell,
        .untested = fa_tested_each_missing,
        .metrics = host_metrics,
        .company = daemon->config->company,
        .notice = daemon->config->notice,
        .version = FA_VERSION,
        .pages_url = daemon->config->pages_url,
    };
    struct fa_api_keys keys;
    derive_keys(daemon, &keys);
    daemon->api = fa_api_new(&host, &keys);
    sodium_memzero(&keys, sizeof keys);
}

/* ---- tick, signals, stop ---- */

static bool progresses(const struct fa_daemon *daemon)
{
    fa_time next = fa_engine_next_deadline(daemon->engine);
    return next == FA_NEVER || fa_loop_now(daemon->loop).mono - next < OVERDUE_MAX;
}

bool fa_daemon_is_well(const struct fa_daemon *daemon)
{
    return daemon->store != NULL && !daemon->store_full && !daemon->stopping &&
           daemon->courier.down_since == 0 && progresses(daemon);
}

static void on_tick(void *self)
{
    struct fa_daemon *daemon = self;
    fa_timer_set(&daemon->tick, FA_TICK_MS);
    fa_setup_look(daemon);
    fa_feeds_watch(daemon);
    fa_metrics_expire(daemon->metrics, fa_loop_now(daemon->loop));
    fa_checkpoint_tick(daemon);
    fa_windows_survey(daemon);
    struct fa_event event = {.kind = FA_EV_RECONCILE};
    fa_turn_step(daemon, &event);
    if (progresses(daemon)) {
        sd_notify(0, "WATCHDOG=1");
    } else {
        fa_log(FA_LOG_ERROR, "a deadline is overdue: the watchdog is not fed");
    }
}

static void stop_loop(void *self)
{
    fa_loop_stop(((struct fa_daemon *)self)->loop);
}

static void on_drained(void *self)
{
    struct fa_daemon *daemon = self;
    if (--daemon->draining == 0) {
        fa_loop_stop(daemon->loop);
    }
}

/* What the courier has begun is worth a moment: its verdict spares a second message. */
static void wait_for_courier(void *self)
{
    struct fa_daemon *daemon = self;
    if (daemon->stopping && !daemon->courier_drained && fa_sender_is_idle(daemon)) {
        daemon->courier_drained = true;
        on_drained(daemon);
    }
}

static void stop(struct fa_daemon *daemon)
{
    if (daemon->stopping) {
        return;
    }
    daemon->stopping = true;
    sd_notify(0, "STOPPING=1");
    fa_log(FA_LOG_NOTICE, "stopping");
    fa_timer_set(&daemon->stop_timer, DRAIN_MS + FA_SECOND);
    daemon->draining = 2; /* the courier, and this function */
    for (size_t i = 0; i < daemon->listening_count; i++) {
        daemon->draining++;
        fa_http_server_drain(daemon->listening[i].http, DRAIN_MS, on_drained, daemon);
    }
    on_drained(daemon);
}

static void on_os_signal(void *self, int signo)
{
    struct fa_daemon *daemon = self;
    if (signo == SIGHUP) {
        fa_renewal_reload(daemon);
    } else {
        stop(daemon);
    }
}

#if defined(FA_TEST_HOOKS)
/* For tests: half a minute passes, so that what is done each 30 s and after 20 s is done now. */
static void on_test_signal(void *self, int signo)
{
    fa_loop_test_advance(((struct fa_daemon *)self)->loop, FA_TICK_MS);
    fa_log(FA_LOG_INFO, "for a test, half a minute has passed");
}
#endif

static int watch_signals(struct fa_daemon *daemon, struct fa_err *err)
{
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP};
    int rc = 0;
    for (size_t i = 0; i < 3 && rc == 0; i++) {
        rc = fa_loop_on_signal(daemon->loop, signals[i], on_os_signal, daemon, err);
    }
#if defined(FA_TEST_HOOKS)
    rc = rc == 0 ? fa_loop_on_signal(daemon->loop, SIGUSR1, on_test_signal, daemon, err) : rc;
#endif
    return rc;
}

/* ---- start ---- */

static void on_plugin_log(void *ctx, uint32_t level, const char *text)
{
    fa_log((enum fa_log_level)(level < 3 ? 3 : level > 6 ? 6 : level), "plugin: %s", text);
}

static void panic(const char *file, int line, const char *what)
{
    fa_log(FA_LOG_ERROR, "bug or out of memory at %s:%d: %s; aborting", file, line, what);
}

static int open_rooms(struct fa_daemon *daemon, struct fa_err *err)
{
    fa_turn_init(daemon);
    fa_loop_on_turn(daemon->loop, wait_for_courier, daemon);
    fa_windows_open(daemon);
    int rc = fa_keep_init(daemon, err);
    return rc == 0 ? watch_signals(daemon, err) : rc;
}

/* Opens everything that faces outward, when the state behind it is loaded. */
static int open_doors(struct fa_daemon *daemon, struct fa_err *err)
{
    make_api(daemon);
    struct fa_fetch_job **jobs = NULL;
    int rc = fa_sender_open(daemon, err);
    if (rc == 0) {
        rc = fa_fetch_open(daemon, daemon->config, &jobs, err);
    }
    if (rc == 0) {
        fa_fetch_swap(daemon, jobs, daemon->config->fetch_count);
        fa_fetch_bind(daemon);
    }
    if (rc == 0) {
        rc = fa_feeds_open(daemon, daemon->config, &daemon->feeds, &daemon->feed_count, err);
        fa_feeds_bind(daemon);
        fa_checkpoint_open(daemon);
    }
    if (rc == 0) {
        rc = fa_listeners_open(daemon, daemon->config, &daemon->listening, &daemon->listening_count,
                               err);
    }
    return rc;
}

static void say_where(const char *what, const char *name, const char *address, unsigned port)
{
    if (port != 0) {
        fa_log(FA_LOG_INFO, "%s %s: %s port %u", what, name, address, port);
    } else {
        fa_log(FA_LOG_INFO, "%s %s: %s", what, name, address);
    }
}

void fa_daemon_announce(const struct fa_daemon *daemon)
{
    for (size_t i = 0; i < daemon->listening_count; i++) {
        const struct fa_listening *one = &daemon->listening[i];
        say_where("listener", one->name, one->address, fa_http_server_port(one->http));
    }
    for (size_t i = 0; i < daemon->feed_count; i++) {
        const struct fa_feed_socket *one = daemon->feeds[i];
        if (one->dgram != NULL) {
            say_where("feed", one->name, one->address, fa_dgram_port(one->dgram));
        }
        for (size_t k = 0; k < one->path_count; k++) {
            say_where("feed", one->name, one->paths[k], 0);
        }
    }
}

static void announce(struct fa_daemon *daemon)
{
    fa_daemon_announce(daemon);
    fa_tested_announce(daemon);
    fa_log(FA_LOG_NOTICE, "ready");
    sd_notify(0, "READY=1");
}

static int start(struct fa_daemon *daemon, struct fa_err *err)
{
    int rc = open_rooms(daemon, err);
    if (rc != 0) {
        return rc;
    }
    rc = fa_keep_open(daemon, err);
    if (rc == FA_EBUSY) {
        daemon->exit_status = FA_EXIT_BUSY;
        return rc;
    }
    if (rc != 0) {
        fa_keep_without(daemon, err);
    }
    rc = open_doors(daemon, err);
    rc = rc == 0 ? fa_renewal_open(daemon, err) : rc;
    fa_tested_open(daemon);
    if (rc == 0) {
        if (!daemon->on_accepted) {
            fa_setup_remember(daemon);
        }
        fa_turn_trouble(daemon, "configuration-refused", !daemon->on_accepted,
                        "the configuration was refused at start; the one accepted last runs");
        fa_timer_init(&daemon->tick, daemon->loop, on_tick, daemon);
        fa_timer_init(&daemon->stop_timer, daemon->loop, stop_loop, daemon);
        fa_timer_set(&daemon->tick, FA_TICK_MS);
    }
    return rc;
}

static int finish(struct fa_daemon *daemon)
{
    fa_checkpoint_stop(daemon);
    int status = fa_keep_close(daemon);
    fa_listeners_close(daemon->listening, daemon->listening_count);
    fa_feeds_close(daemon->feeds, daemon->feed_count);
    fa_fetch_stop(daemon);
    fa_sender_close(daemon);
    fa_renewal_close(daemon);
    fa_tested_close(daemon);
    fa_timer_stop(&daemon->tick);
    fa_timer_stop(&daemon->stop_timer);
    fa_timer_stop(&daemon->store_retry);
    fa_turn_done(daemon);
    fa_waker_free(daemon->store_waker);
    fa_api_free(daemon->api);
    fa_engine_free(daemon->engine);
    daemon->engine = NULL;
    fa_windows_close(daemon);
    fa_loop_free(daemon->loop);
    return status;
}

int fa_daemon_run(const struct fa_daemon_options *options)
{
    struct fa_daemon daemon = {
        .options = options, .exit_status = FA_EXIT_FAILED, .directory_refused = -1};
    struct fa_err err;
    fa_panic_set_hook(panic);
    if (sodium_init() < 0) {
        fa_log(FA_LOG_ERROR, "libsodium cannot be used");
        return FA_EXIT_FAILED;
    }
    daemon.host = fa_host_table(on_plugin_log, NULL);
    daemon.plugins = fa_plugins_new(options->plugins);
    if (fa_setup_load(&daemon) != 0) {
        fa_plugins_free(daemon.plugins);
        return FA_EXIT_CONFIG;
    }
    daemon.loop = fa_loop_new(&err);
    int status = FA_EXIT_FAILED;
    if (daemon.loop == NULL) {
        fa_log_err(FA_LOG_ERROR, &err);
    } else if (start(&daemon, &err) != 0) {
        fa_log_err(FA_LOG_ERROR, &err);
        status = daemon.exit_status;
        finish(&daemon);
    } else {
        announce(&daemon);
        fa_loop_run(daemon.loop);
        status = finish(&daemon);
    }
    fa_config_free(daemon.config);
    fa_plugins_free(daemon.plugins);
    return status;
}

static void print_fault(void *ctx, bool is_warning, const struct fa_err *err)
{
    char text[800];
    fprintf(stderr, "%s: %s\n", is_warning ? "warning" : "error",
            fa_err_format(err, text, sizeof text));
    *(unsigned *)ctx += !is_warning;
}

/* The proof leaves secrets unread. By hand those are looked at that are files of their own and that
 * the caller may read; credentials are there for the service only. */
static void look_at_secret(const char *file, unsigned line, const char *key, struct fa_str path)
{
    struct fa_err err;
    char *name = NULL, *text = NULL, words[800];
    size_t len = 0;
    if (path.len == 0 || path.ptr[0] != '/') {
        return;
    }
    name = fa_xstrndup(path.ptr, path.len);
    bool hidden = access(name, R_OK) != 0 && errno == EACCES;
    if (!hidden && fa_secret_read(name, &text, &len, &err) != 0) {
        fprintf(stderr, "warning: %s", file);
        if (line > 0) {
            fprintf(stderr, ":%u", line);
        }
        fprintf(stderr, ": %s: %s\n", key, fa_err_format(&err, words, sizeof words));
    }
    fa_secret_free(text, len);
    free(name);
}

static void look_at_plugin(struct fa_plugins *plugins, enum fa_plugin_kind kind,
                           const struct fa_plugin_config *config)
{
    const struct fa_plugin *plugin =
        config->plugin != NULL ? fa_plugins_find(plugins, kind, config->plugin) : NULL;
    for (size_t i = 0; plugin != NULL && i < config->given_count; i++) {
        const struct firealarm_option *option = plugin->options;
        while (option->name != NULL && strcmp(option->name, config->given[i].name) != 0) {
            option++;
        }
        if (option->name != NULL && option->type == FIREALARM_OPT_SECRET) {
            look_at_secret(config->given[i].file, config->given[i].line, option->name,
                           config->given[i].text);
        }
    }
}

static void look_at_secrets(const struct fa_config *config, struct fa_plugins *plugins)
{
    for (size_t i = 0; i < config->channel_count; i++) {
        look_at_plugin(plugins, FA_PLUGIN_NOTIFIER, &config->channels[i]);
    }
    for (size_t i = 0; i < config->fetch_count; i++) {
        const struct fa_fetch_entry *fetch = &config->fetches[i];
        look_at_secret(fetch->file, fetch->line, "password", fa_str_of(fetch->password));
        look_at_secret(fetch->file, fetch->line, "token", fa_str_of(fetch->token));
        look_at_secret(fetch->file, fetch->line, "secret_url", fa_str_of(fetch->secret_url));
    }
    look_at_plugin(plugins, FA_PLUGIN_STORE, &config->store);
    if (config->mac_key_file != NULL) {
        look_at_secret(config->store.file, config->store.line, "mac_key",
                       fa_str_of(config->mac_key_file));
    }
}

int fa_daemon_check(const struct fa_daemon_options *options)
{
    struct fa_plugins *plugins = fa_plugins_new(options->plugins);
    struct fa_config *config = NULL;
    unsigned faults = 0;
    struct fa_daemon daemon = {.options = options};
    struct fa_config_world world = {
        .plugins = plugins,
        .calendars = fa_renewal_calendars(&daemon, (fa_time)time(NULL) * FA_SECOND)};
    int rc = fa_config_load(options->config, &world, print_fault, &faults, &config);
    fa_calendars_free(world.calendars);
    if (rc == 0) {
        look_at_secrets(config, plugins);
        printf("%s is sound: %zu people, %zu policies, %zu rules\n", options->config,
               config->people->people_count, config->setup.policy_count, config->rule_count);
    } else {
        fprintf(stderr, "%s is refused: %u fault%s\n", options->config, faults,
                faults == 1 ? "" : "s");
    }
    fa_config_free(config);
    fa_plugins_free(plugins);
    return rc == 0 ? FA_EXIT_OK : FA_EXIT_CONFIG;
}
