/* SPDX-License-Identifier: MIT */
/* Listeners of the HTTP interface: opened from the configuration or taken over from systemd by the
 * listener's name. One that a reload leaves as it is keeps its socket and connections. */
#include "app/internal.h"
#include "app/place.h"
#include "base/panic.h"
#include "host/secret.h"

#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

_Static_assert(FA_ROUTES_INGEST == FA_API_ROUTES_INGEST && FA_ROUTES_API == FA_API_ROUTES_API &&
                   FA_ROUTES_PAGES == FA_API_ROUTES_PAGES &&
                   FA_ROUTES_METRICS == FA_API_ROUTES_METRICS,
               "config/ and api/ mean the same by a route group");

/* The descriptor that systemd passes under this name, -1 if none; each is given out once. */
static int adopted(const char *name)
{
    static char **names;
    static int count = -1;
    if (count < 0) {
        count = sd_listen_fds_with_names(1, &names);
        count = count < 0 ? 0 : count;
    }
    for (int i = 0; i < count; i++) {
        if (names[i] != NULL && strcmp(names[i], name) == 0) {
            names[i][0] = '\0';
            return SD_LISTEN_FDS_START + i;
        }
    }
    return -1;
}

static int open_tls(struct fa_daemon *daemon, const struct fa_listener_entry *entry,
                    struct fa_tls **ret_tls, struct fa_err *err)
{
    char *key = NULL;
    *ret_tls = NULL;
    if (entry->cert == NULL) {
        return 0;
    }
    int rc = fa_secret_resolve(fa_str_of(entry->key), daemon->options->credentials, &key, err);
    if (rc == 0) {
        *ret_tls = fa_tls_open(entry->cert, key, err);
        rc = *ret_tls != NULL ? 0 : err->code;
    }
    free(key);
    return rc;
}

static void close_one(struct fa_listening *one)
{
    fa_http_server_close(one->http);
    fa_tls_close(one->tls);
    free(one->name);
    free(one->address);
    *one = (struct fa_listening){0};
}

/* One caller cannot take all places; a quarter is plenty for a person. */
static uint32_t per_peer(const struct fa_listener_entry *entry)
{
    return entry->limits.connections / 4 + 1;
}

static struct fa_http_limits limits_of(const struct fa_listener_entry *entry)
{
    return (struct fa_http_limits){
        .header_bytes = entry->limits.header_bytes,
        .body_bytes = entry->limits.body_bytes,
        .header_ms = entry->limits.header_ms,
        .total_ms = entry->limits.total_ms,
        .idle_ms = entry->limits.idle_ms,
    };
}

static struct fa_api_doors doors_of(const struct fa_listener_entry *entry)
{
    return (struct fa_api_doors){entry->routes, entry->tokens, entry->token_count};
}

static int open_one(struct fa_daemon *daemon, const struct fa_listener_entry *entry,
                    struct fa_listening *ret, struct fa_err *err)
{
    struct fa_api_doors doors = doors_of(entry);
    struct fa_listening one = {.api = fa_api_listener(daemon->api, entry->name, &doors)};
    int rc = open_tls(daemon, entry, &one.tls, err);
    if (rc != 0) {
        return fa_err_wrap(err, "listener '%s'", entry->name);
    }
    int fd = adopted(entry->name);
    if (fd < 0 && strncmp(entry->address, "unix:", 5) == 0) {
        fa_place_parent(entry->address + 5, 0755);
    }
    struct fa_http_config config = {
        .listener =
            {
                .address = fd >= 0 ? NULL : entry->address,
                .fd = fd,
                .mode = entry->mode,
                .connections = entry->limits.connections,
                .connections_per_peer = per_peer(entry),
            },
        .tls = one.tls,
        .limits = limits_of(entry),
        .handler = fa_api_handler(),
        .self = one.api,
    };
    one.http = fa_http_server_open(daemon->loop, &config, err);
    if (one.http == NULL) {
        fa_tls_close(one.tls);
        return fa_err_wrap(err, "listener '%s'", entry->name);
    }
    one.name = fa_xstrdup(entry->name);
    one.address = fa_xstrdup(entry->address);
    *ret = one;
    return 0;
}

static struct fa_listening *find_same(struct fa_daemon *daemon,
                                      const struct fa_listener_entry *entry)
{
    for (size_t i = 0; i < daemon->listening_count; i++) {
        struct fa_listening *one = &daemon->listening[i];
        if (one->name != NULL && strcmp(one->name, entry->name) == 0 &&
            strcmp(one->address, entry->address) == 0 &&
            (one->tls != NULL) == (entry->cert != NULL)) {
            return one;
        }
    }
    return NULL;
}

/* What cannot change on a socket that stays is said, not passed over. */
static void say_what_waits(const struct fa_daemon *daemon, const struct fa_listener_entry *entry)
{
    for (size_t i = 0; i < daemon->config->listener_count; i++) {
        const struct fa_listener_entry *was = &daemon->config->listeners[i];
        if (strcmp(was->name, entry->name) == 0 && was->mode != entry->mode) {
            fa_log(FA_LOG_WARNING, "listener %s: its new mode holds after a restart", entry->name);
        }
    }
}

/* New certificates for one that stays; the old ones hold if the new cannot be read. */
static int renew_tls(struct fa_daemon *daemon, const struct fa_listener_entry *entry,
                     struct fa_listening *one, struct fa_err *err)
{
    struct fa_tls *tls = NULL;
    int rc = open_tls(daemon, entry, &tls, err);
    say_what_waits(daemon, entry);
    if (rc == 0 && tls != NULL) {
        fa_http_server_set_tls(one->http, tls);
        fa_tls_close(one->tls);
        one->tls = tls;
    }
    return rc;
}

int fa_listeners_open(struct fa_daemon *daemon, const struct fa_config *config,
                      struct fa_listening **ret_list, size_t *ret_count, struct fa_err *err)
{
    struct fa_listening *list = fa_xcalloc(config->listener_count, sizeof *list);
    struct fa_listening **same = fa_xcalloc(config->listener_count, sizeof *same);
    int rc = 0;
    size_t i = 0;
    for (; i < config->listener_count && rc == 0; i++) {
        same[i] = find_same(daemon, &config->listeners[i]);
        rc = same[i] != NULL ? renew_tls(daemon, &config->listeners[i], same[i], err)
                             : open_one(daemon, &config->listeners[i], &list[i], err);
    }
    for (size_t k = 0; k < i; k++) {
        if (rc != 0 && same[k] == NULL && list[k].http != NULL) {
            close_one(&list[k]);
        } else if (rc == 0 && same[k] != NULL) {
            list[k] = *same[k];
            list[k].kept = true;
            *same[k] = (struct fa_listening){0};
        }
    }
    free(same);
    if (rc != 0) {
        free(list);
        return rc;
    }
    *ret_list = list;
    *ret_count = config->listener_count;
    return 0;
}

void fa_listeners_renew(struct fa_listening *list, size_t count, const struct fa_config *config)
{
    for (size_t i = 0; i < count; i++) {
        const struct fa_listener_entry *entry = &config->listeners[i];
        struct fa_http_limits limits = limits_of(entry);
        if (list[i].kept) {
            fa_http_server_set_limits(list[i].http, &limits, entry->limits.connections,
                                      per_peer(entry));
            struct fa_api_doors doors = doors_of(entry);
            fa_api_listener_set(list[i].api, &doors);
        }
    }
}

void fa_listeners_restore(struct fa_daemon *daemon, struct fa_listening *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct fa_listening *home = NULL;
        for (size_t k = 0; k < daemon->listening_count && list[i].kept; k++) {
            home = home == NULL && daemon->listening[k].http == NULL ? &daemon->listening[k] : home;
        }
        if (home != NULL) {
            *home = list[i];
            list[i] = (struct fa_listening){0};
        }
    }
    fa_listeners_close(list, count);
}

void fa_listeners_close(struct fa_listening *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (list[i].http != NULL) {
            close_one(&list[i]);
        }
    }
    free(list);
}

void fa_listeners_metrics(const struct fa_daemon *daemon, struct fa_buf *out)
{
    static const char *const names[] = {
        "connections_total",    "refused_total",       "fd_pauses_total",      "requests_total",
        "header_timeout_total", "total_timeout_total", "header_too_big_total", "body_too_big_total",
        "bad_requests_total",   "gave_way_total",
    };
    for (size_t m = 0; m < sizeof names / sizeof names[0]; m++) {
        fa_buf_printf(out, "# TYPE firealarm_http_%.*s counter\n", (int)(strlen(names[m]) - 6),
                      names[m]);
        for (size_t i = 0; i < daemon->listening_count; i++) {
            struct fa_http_counters c;
            fa_http_server_counters(daemon->listening[i].http, &c);
            uint64_t values[] = {
                c.listener.accepted,
                c.listener.refused_limit + c.listener.refused_peer,
                c.listener.fd_pauses,
                c.requests,
                c.header_timeout,
                c.total_timeout,
                c.header_too_big,
                c.body_too_big,
                c.bad,
                c.gave_way,
            };
            fa_buf_printf(out, "firealarm_http_%s{listener=\"%s\"} %llu\n", names[m],
                          daemon->listening[i].name, (unsigned long long)values[m]);
        }
    }
}
