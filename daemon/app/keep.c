/* SPDX-License-Identifier: MIT */
/* The store's life: opening, loading, what its troubles mean, and doing without it.
 *
 *   - cannot be opened, held by another daemon: exit 73;
 *   - cannot be opened or loaded, anything else: go on without, refuse filings, tell the operators
 *     from the configuration alone, once an hour; try every 30 s;
 *   - full: refuse new filings, the writer tries again by itself;
 *   - a commit's outcome is unknown: answer nothing more, exit 74, recover from disk.
 */
#include "app/internal.h"
#include "app/place.h"
#include "base/crashpoint.h"
#include "base/panic.h"
#include "host/secret.h"
#include "store/key.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STORE_RETRY_MS (30 * FA_SECOND)
#define CLOSE_MS       4000u

static void on_wake(void *self)
{
    struct fa_daemon *daemon = self;
    if (daemon->store != NULL) {
        fa_store_poll(daemon->store);
        fa_keep_watch(daemon);
        fa_copies_watch(daemon);
        fa_checkpoint_watch(daemon);
        fa_turn_release(daemon);
    }
}

static void wake(void *ctx)
{
    struct fa_daemon *daemon = ctx;
    fa_waker_wake(daemon->store_waker);
}

int fa_keep_take_row(void *ctx, const struct fa_row *row, struct fa_err *err)
{
    struct fa_daemon *daemon = ctx;
    if (row->kind < FA_ROW_ALARM || row->kind > FA_ROW__LAST) {
        return 0; /* of a later version */
    }
    int rc =
        fa_engine_load_row(daemon->engine, (enum fa_row_kind)row->kind, row->key, row->value, err);
    if (rc != 0) {
        /* Damaged in spite of its MAC, or of a later version: the others must be kept going. */
        fa_log_err(FA_LOG_ERROR, err);
        daemon->known.unread = daemon->known.unread || row->kind == FA_ROW_INCIDENT;
    }
    return 0;
}

static void damaged(void *ctx, uint32_t kind, struct fa_str key)
{
    char hex[65];
    fa_log(FA_LOG_ERROR, "store: a row of kind %u is damaged and left out (key %s)", kind,
           fa_hex(key.ptr, key.len < 32 ? key.len : 32, hex));
}

static void on_option_error(void *ctx, const struct fa_err *err)
{
    fa_log_err(FA_LOG_ERROR, err);
}

static int parse_options(struct fa_daemon *daemon, const struct fa_plugin *plugin,
                         struct fa_err *err)
{
    const struct fa_plugin_config *store = &daemon->config->store;
    struct fa_options_input input = {
        .table = plugin->options,
        .what = "store",
        .name = "store",
        .given = store->given,
        .count = store->given_count,
        .file = store->file,
        .line = store->line,
        .credentials_dir = daemon->options->credentials,
    };
    int rc = fa_options_parse(&input, on_option_error, daemon, &daemon->store_options);
    return rc == 0 ? 0 : fa_err_set(err, rc, "store: its options are not right");
}

const char *fa_keep_path(const struct fa_daemon *daemon, char buf[FA_STORE_PATH_SIZE])
{
    const struct fa_plugin_config *store = &daemon->config->store;
    buf[0] = '\0';
    for (size_t i = 0; i < store->given_count; i++) {
        if (strcmp(store->given[i].name, "path") == 0) {
            snprintf(buf, FA_STORE_PATH_SIZE, "%.*s", FA_STR_ARG(store->given[i].text));
        }
    }
    return buf;
}

/* The first start of a configuration makes the places for key and store. Only together: a store
 * whose directory is gone while its key is there was lost or not mounted, and an empty one in its
 * place would hide that. */
static void make_first(struct fa_daemon *daemon, const char *key_path)
{
    char path[FA_STORE_PATH_SIZE];
    if (access(key_path, F_OK) == 0 || errno != ENOENT) {
        return;
    }
    fa_place_parent(key_path, 0700);
    if (fa_keep_path(daemon, path)[0] != '\0') {
        (void)mkdir(path, 0700); /* the plugin says what is wrong with it */
    }
}

static int read_key(struct fa_daemon *daemon, struct fa_err *err)
{
    char *path = NULL;
    int rc = fa_secret_resolve(fa_str_of(daemon->config->mac_key_file),
                               daemon->options->credentials, &path, err);
    if (rc == 0) {
        make_first(daemon, path);
        rc = fa_store_key_read(path, true, daemon->key, err);
    }
    free(path);
    return rc;
}

int fa_keep_plugin(struct fa_daemon *daemon, struct fa_store_options *ret_options,
                   char witness[FA_STORE_PATH_SIZE], struct fa_err *err)
{
    const struct fa_plugin *plugin = NULL;
    int rc = fa_plugins_load(daemon->plugins, FA_PLUGIN_STORE, daemon->config->store.plugin,
                             &plugin, err);
    if (rc == 0 && daemon->store_options == NULL) {
        rc = parse_options(daemon, plugin, err);
    }
    if (rc != 0) {
        return rc;
    }
    *ret_options = (struct fa_store_options){
        .ended_kinds = 1u << FA_ROW_NOTIFICATION | 1u << FA_ROW_RAISED,
        .plugin = plugin->store,
        .settings = fa_options_settings(daemon->store_options),
        .host = &daemon->host,
        .wake = wake,
        .ctx = daemon,
    };
#if defined(FA_TEST_HOOKS)
    const char *retry = getenv("FA_TEST_STORE_RETRY_MS"); /* how often a full disk is tried again */
    ret_options->retry_ms = retry != NULL ? (uint32_t)strtoul(retry, NULL, 10) : 0;
#endif
    if (daemon->options->witness != NULL) {
        snprintf(witness, FA_STORE_PATH_SIZE, "%s/head", daemon->options->witness);
        ret_options->witness = witness;
    }
    memcpy(ret_options->key, daemon->key, sizeof ret_options->key);
    return 0;
}

static int open_store(struct fa_daemon *daemon, struct fa_err *err)
{
    struct fa_store_options options;
    char witness[FA_STORE_PATH_SIZE];
    int rc = read_key(daemon, err);
    rc = rc == 0 ? fa_keep_plugin(daemon, &options, witness, err) : rc;
    if (rc == 0) {
        rc = fa_store_open(&options, &daemon->store, err);
        sodium_memzero(options.key, sizeof options.key);
    }
    return rc;
}

/* Into an engine of its own. What told the operators meanwhile knows nothing of the stored alarms;
 * it goes on when these cannot be loaded. */
static int load(struct fa_daemon *daemon, struct fa_store_head *ret_head, struct fa_err *err)
{
    struct fa_store_visitor visitor = {fa_keep_take_row, damaged, daemon};
    struct fa_engine *before = daemon->engine;
    daemon->engine = fa_engine_new(&daemon->config->setup);
    daemon->known.unread = false;
    int rc = fa_store_load(daemon->store, &visitor, ret_head, err);
    if (rc == 0) {
        rc = fa_store_start(daemon->store, err);
    }
    if (rc != 0) {
        (void)!fa_store_close(daemon->store, CLOSE_MS);
        daemon->store = NULL;
        fa_engine_free(daemon->engine);
        daemon->engine = before;
        return rc;
    }
    fa_engine_free(before);
    return 0;
}

/* Damage that was found, once for each kind; it is over when nothing is found any more. */
static void tell_damage(struct fa_daemon *daemon, const struct fa_store_head *head)
{
    struct fa_store_stats stats;
    fa_store_stats(daemon->store, &stats);
    fa_turn_trouble(daemon, "store-damaged", stats.damaged == 0,
                    "%llu stored rows are damaged and were left out",
                    (unsigned long long)stats.damaged);
    fa_turn_trouble(daemon, "store-incomplete", head->complete || stats.damaged > 0,
                    "stored rows are missing or old: was something put back or taken out?");
    fa_turn_trouble(daemon, "journal-broken", head->intact,
                    "the journal's newest entry does not verify: was an old copy put back?");
}

static void tell_old(struct fa_daemon *daemon, const char *code, const char *fmt, ...)
    FA_PRINTF(3, 4);
static void tell_old(struct fa_daemon *daemon, const char *code, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    fa_log(FA_LOG_ERROR, "store: %s", text);
    fa_turn_trouble_once(daemon, code, text);
}

/* What the witness says. It is told in the first commit, before the witness is written anew. */
static void tell_age(struct fa_daemon *daemon, const struct fa_store_head *head)
{
    unsigned long long n = head->n, reached = head->reached;
    daemon->store_old = head->age == FA_STORE_AGE_OLDER || head->age == FA_STORE_AGE_OTHER;
    if (head->restored != 0) {
        tell_old(daemon, "store-restored",
                 "a copy of the store was put in place with firealarm restore: its journal ends at "
                 "%llu, the one before went to %llu",
                 n, (unsigned long long)head->replaced_n);
    } else if (head->age == FA_STORE_AGE_OLDER) {
        tell_old(daemon, "store-older",
                 "an older copy of the store is in place: its journal ends at %llu, it had reached "
                 "%llu; filings and alarms since then are gone",
                 n, reached);
    } else if (head->age == FA_STORE_AGE_OTHER) {
        tell_old(daemon, "store-other",
                 "another store is in place: its journal goes to %llu, but entry %llu is not the "
                 "one that was written",
                 n, reached);
    } else if (head->age == FA_STORE_AGE_UNSEEN) {
        tell_old(daemon, "witness-missing",
                 "%s/head, which says how far the journal was, is missing or damaged, so an older "
                 "copy of the store would go unseen: the journal ends at %llu; let those who filed "
                 "last try firealarm status, which knows a receipt that is newer",
                 daemon->options->witness, n);
    }
}

/* Is there nothing that the first commit has to tell, before it writes over what shows it? */
static bool is_as_left(const struct fa_daemon *daemon, const struct fa_store_head *head)
{
    struct fa_store_stats stats;
    fa_store_stats(daemon->store, &stats);
    return stats.damaged == 0 && head->complete && head->intact && head->restored == 0 &&
           head->age == FA_STORE_AGE_FINE;
}

/* What START says of each of very many alarms: as one step, memory would hold all of these rows
 * three times over. Two pages are on the way, no more. */
static void write_gaps(struct fa_daemon *daemon, const struct fa_store_head *head)
{
    bool more = is_as_left(daemon, head);
    while (more) {
        struct fa_event event = {.kind = FA_EV_GAPS, .u.start = {head->time}};
        uint64_t before = daemon->last_commit;
        more = fa_turn_step(daemon, &event).count > 0;
        if (more) {
            fa_turn_submit(daemon);
            more = fa_store_wait(daemon->store, before);
        }
    }
}

void fa_keep_tell_lost(struct fa_daemon *daemon, uint64_t n)
{
    if (!daemon->store_old) {
        daemon->store_old = true;
        tell_old(daemon, "store-older",
                 "a receipt was shown for journal entry %llu, and the store does not have its "
                 "filing: an older copy of the store is in place",
                 (unsigned long long)n);
    }
}

int fa_keep_open(struct fa_daemon *daemon, struct fa_err *err)
{
    struct fa_store_head head = {0};
    int rc = open_store(daemon, err);
    if (rc != 0) {
        return rc;
    }
    rc = load(daemon, &head, err);
    if (rc != 0) {
        return rc;
    }
    FA_CRASHPOINT("start.after_load");
    daemon->journal_next = head.n + 1;
    fa_windows_restore(daemon);
    write_gaps(daemon, &head);
    struct fa_event event = {.kind = FA_EV_START, .u.start = {head.time}};
    fa_turn_step(daemon, &event);
    tell_damage(daemon, &head);
    tell_age(daemon, &head);
    FA_CRASHPOINT("start.after_recovery");
    fa_known_open(daemon);
    return 0;
}

static void try_again(void *self)
{
    struct fa_daemon *daemon = self;
    struct fa_err err;
    int rc = fa_keep_open(daemon, &err);
    if (rc == 0) {
        fa_daemon_renew_keys(daemon);
        fa_log(FA_LOG_NOTICE, "the store can be used again");
        return;
    }
    fa_keep_without(daemon, &err);
}

void fa_keep_without(struct fa_daemon *daemon, const struct fa_err *err)
{
    struct fa_now now = fa_loop_now(daemon->loop);
    char text[800];
    fa_log(FA_LOG_ERROR, "no store: %s", fa_err_format(err, text, sizeof text));
    bool first = daemon->store_told == 0;
    if (first || now.mono - daemon->store_told >= FA_HOUR) {
        fa_engine_free(daemon->engine);
        daemon->engine = fa_engine_new(&daemon->config->setup);
        daemon->store_told = now.mono;
        struct fa_event event = {.kind = FA_EV_START, .u.start = {now.wall}};
        fa_turn_step(daemon, &event);
        fa_turn_trouble(daemon, "store-unusable", false,
                        "the store cannot be opened: filings are refused, nothing is recorded: %s",
                        text);
    }
    fa_timer_set(&daemon->store_retry, STORE_RETRY_MS);
}

void fa_keep_watch(struct fa_daemon *daemon)
{
    enum fa_store_state state = fa_store_state(daemon->store);
    char path[FA_STORE_PATH_SIZE];
    struct fa_err err;
    if (state == FA_STORE_UNKNOWN) {
        fa_store_trouble(daemon->store, &err);
        fa_log_err(FA_LOG_ERROR, &err);
        fa_log(FA_LOG_ERROR, "a commit's outcome is unknown: leaving to recover from disk");
        /* Nothing may be answered or sent on what is only in memory. */
        _Exit(FA_EXIT_UNKNOWN);
    }
    bool full = state == FA_STORE_FULL || state == FA_STORE_LOW;
    if (full != daemon->store_full) {
        daemon->store_full = full;
        const char *where = fa_keep_path(daemon, path)[0] != '\0' ? path : "it";
        fa_log(full ? FA_LOG_ERROR : FA_LOG_NOTICE,
               full ? "the disk is full: filings are refused until %s has room"
                    : "the disk has room again: %s",
               where);
        fa_turn_trouble(daemon, "store-full", !full,
                        "the store's disk is full: new filings are refused until %s has room",
                        where);
    }
}

int fa_keep_close(struct fa_daemon *daemon)
{
    int rc = 0;
    if (daemon->txn != NULL) {
        daemon->last_commit = fa_txn_submit(daemon->txn);
        daemon->txn = NULL;
    }
    if (daemon->store != NULL) {
        FA_CRASHPOINT("stop.before_close");
        rc = fa_store_close(daemon->store, CLOSE_MS);
        FA_CRASHPOINT("stop.after_close");
        daemon->store = NULL;
        if (rc == FA_ETIMEOUT) {
            fa_log(FA_LOG_ERROR, "the disk does not answer: leaving without it");
            _Exit(FA_EXIT_UNKNOWN);
        }
    }
    fa_known_done(daemon);
    fa_options_free(daemon->store_options);
    daemon->store_options = NULL;
    sodium_memzero(daemon->key, sizeof daemon->key);
    return rc == 0 ? FA_EXIT_OK : FA_EXIT_UNKNOWN;
}

int fa_keep_init(struct fa_daemon *daemon, struct fa_err *err)
{
    fa_timer_init(&daemon->store_retry, daemon->loop, try_again, daemon);
    daemon->store_waker = fa_waker_new(daemon->loop, on_wake, daemon, err);
    return daemon->store_waker != NULL ? 0 : err->code;
}
