/* SPDX-License-Identifier: MIT */
/* Listeners and feeds proved: addresses that can be opened without a resolver, no two on one
 * address, TLS and tokens wherever strangers could listen in or feed, never people and feeds on one
 * listener, and no request that two feeds could take. */
#include "config/proof.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

enum reach { REACH_BAD, REACH_UNIX, REACH_LOOPBACK, REACH_NETWORK };

static enum reach unix_reach(const char *path)
{
    return path[0] == '/' && strlen(path) < sizeof((struct sockaddr_un *)NULL)->sun_path
               ? REACH_UNIX
               : REACH_BAD;
}

static bool is_port(const char *text)
{
    uint64_t port = 0;
    return fa_parse_u64(fa_str_of(text), &port) == 0 && port <= 65535;
}

/* HOST:PORT, [IPv6]:PORT or *:PORT; numbers only. */
static enum reach inet_reach(const char *text)
{
    const char *colon = strrchr(text, ':');
    if (colon == NULL || !is_port(colon + 1)) {
        return REACH_BAD;
    }
    char host[64];
    size_t len = (size_t)(colon - text);
    if (len >= sizeof host) {
        return REACH_BAD;
    }
    bool is_v6 = len > 2 && text[0] == '[' && text[len - 1] == ']';
    snprintf(host, sizeof host, "%.*s", (int)(is_v6 ? len - 2 : len), is_v6 ? text + 1 : text);
    struct in6_addr v6;
    struct in_addr v4;
    if (strcmp(host, "*") == 0) {
        return REACH_NETWORK;
    }
    if (is_v6) {
        return inet_pton(AF_INET6, host, &v6) != 1 ? REACH_BAD
               : IN6_IS_ADDR_LOOPBACK(&v6)         ? REACH_LOOPBACK
                                                   : REACH_NETWORK;
    }
    if (inet_pton(AF_INET, host, &v4) != 1) {
        return REACH_BAD;
    }
    return ntohl(v4.s_addr) >> 24 == 127 ? REACH_LOOPBACK : REACH_NETWORK;
}

static enum reach listener_reach(const char *address)
{
    if (strncmp(address, "unix:", 5) == 0) {
        return unix_reach(address + 5);
    }
    return inet_reach(address);
}

static enum reach feed_reach(const char *address)
{
    if (strncmp(address, "unixgram:", 9) == 0) {
        return unix_reach(address + 9);
    }
    return strncmp(address, "udp:", 4) == 0 ? inet_reach(address + 4) : REACH_BAD;
}

static void prove_tls(const struct fa_proof *proof, size_t i, enum reach reach)
{
    const struct fa_listener_entry *entry = &proof->config->listeners[i];
    const config_setting_t *at = proof->draft->listeners.items[i].at;
    if ((entry->cert == NULL) != (entry->key == NULL)) {
        fa_fault_key(proof->faults, at, entry->cert != NULL ? "cert" : "key", FA_EINVAL,
                     "cert and key go together: %s is missing",
                     entry->cert != NULL ? "key" : "cert");
    } else if (reach == REACH_NETWORK && entry->cert == NULL) {
        fa_fault_key(
            proof->faults, at, "address", FA_EDENIED,
            "'%.100s' is reachable from other machines: give cert and key for TLS, or listen "
            "on 127.0.0.1, [::1] or a Unix socket",
            entry->address);
    } else if (reach == REACH_UNIX && entry->cert != NULL) {
        fa_fault_key(proof->faults, at, "cert", FA_EINVAL, "a Unix socket takes no TLS");
    }
}

static void prove_tokens(const struct fa_proof *proof, size_t i, enum reach reach)
{
    const struct fa_listener_entry *entry = &proof->config->listeners[i];
    const config_setting_t *at = proof->draft->listeners.items[i].at;
    bool feeds = (entry->routes & FA_ROUTES_INGEST) != 0;
    if (feeds && reach == REACH_NETWORK && proof->draft->listeners.items[i].token.count == 0) {
        fa_fault_key(proof->faults, at, "routes", FA_EDENIED,
                     "everybody who reaches '%.100s' could raise and clear alarms: give token, "
                     "which senders must show",
                     entry->address);
    } else if (!feeds && proof->draft->listeners.items[i].token.count > 0) {
        fa_fault_key(proof->faults, at, "token", FA_EINVAL,
                     "token is what feeds show, and this listener does not serve ingest; people "
                     "have their own tokens");
    }
}

static void prove_listener(const struct fa_proof *proof, size_t i)
{
    const struct fa_listener_entry *entry = &proof->config->listeners[i];
    const config_setting_t *at = proof->draft->listeners.items[i].at;
    if (entry->address != NULL) {
        enum reach reach = listener_reach(entry->address);
        prove_tokens(proof, i, reach);
        if (reach == REACH_BAD) {
            fa_fault_key(proof->faults, at, "address", FA_EPARSE,
                         "'%.120s' is no address: write \"unix:/path\" (up to 107 bytes), "
                         "\"127.0.0.1:8650\", \"[::1]:8650\" or \"*:8650\"; names are not resolved",
                         entry->address);
        } else {
            prove_tls(proof, i, reach);
        }
    }
    if ((entry->routes & FA_ROUTES_INGEST) != 0 &&
        (entry->routes & (FA_ROUTES_API | FA_ROUTES_PAGES)) != 0) {
        fa_fault_key(
            proof->faults, at, "routes", FA_EINVAL,
            "ingest may not share a listener with api or pages: a flood of samples must not "
            "keep people from filing; give it its own");
    }
}

static void prove_feed(const struct fa_proof *proof, size_t i)
{
    const struct fa_feed_entry *entry = &proof->config->feeds[i];
    const config_setting_t *at = proof->draft->feeds.items[i].at;
    enum reach reach = entry->address != NULL ? feed_reach(entry->address) : REACH_UNIX;
    if (reach == REACH_BAD) {
        fa_fault_key(
            proof->faults, at, "address", FA_EPARSE,
            "'%.120s' is no feed's address: write \"udp:127.0.0.1:8125\", \"udp:[::1]:8125\" "
            "or \"unixgram:/path\" (up to 107 bytes)",
            entry->address);
    } else if (reach == REACH_NETWORK) {
        fa_warn(proof->faults, at, "everybody who can send to '%.100s' can raise and clear alarms",
                entry->address);
    }
}

/* ---- feeds that take requests ---- */

static bool serves(const struct fa_listener_entry *listener, const struct fa_feed_entry *feed)
{
    return (listener->routes & FA_ROUTES_INGEST) != 0 &&
           (feed->listener == NULL ||
            (listener->name != NULL && strcmp(listener->name, feed->listener) == 0));
}

static void prove_served(const struct fa_proof *proof, size_t i)
{
    const struct fa_feed_entry *feed = &proof->config->feeds[i];
    const config_setting_t *at = proof->draft->feeds.items[i].at;
    if (feed->listener != NULL &&
        fa_proof_need(proof, FA_KIND_LISTENER, feed->listener, at, "listener") == FA_NONE) {
        return;
    }
    for (size_t k = 0; k < proof->config->listener_count; k++) {
        if (serves(&proof->config->listeners[k], feed)) {
            return;
        }
    }
    if (feed->listener != NULL) {
        fa_fault_key(proof->faults, at, "listener", FA_EINVAL,
                     "the listener '%.64s' does not serve ingest", feed->listener);
    } else {
        fa_fault(proof->faults, at, FA_EINVAL,
                 "without an address a feed takes requests, and no listener serves ingest: give "
                 "the feed an address, or a listener routes = [ \"ingest\" ]");
    }
}

static bool is_path(const char *path)
{
    size_t len = strlen(path);
    bool plain = path[0] == '/' && len <= 200;
    for (size_t i = 0; i < len && plain; i++) {
        plain = path[i] > ' ' && path[i] < 0x7f && strchr("?#%*", path[i]) == NULL;
    }
    return plain;
}

static const char *twice(const struct fa_feed_entry *a, const struct fa_feed_entry *b)
{
    bool meet =
        a->address == NULL && b->address == NULL &&
        (a->listener == NULL || b->listener == NULL || strcmp(a->listener, b->listener) == 0);
    for (size_t i = 0; i < a->path_count && meet; i++) {
        for (size_t k = 0; k < b->path_count; k++) {
            if (strcmp(a->paths[i], b->paths[k]) == 0) {
                return a->paths[i];
            }
        }
    }
    return NULL;
}

static void prove_paths(const struct fa_proof *proof, size_t i)
{
    const struct fa_feed_entry *feed = &proof->config->feeds[i];
    const config_setting_t *at = proof->draft->feeds.items[i].at;
    for (size_t k = 0; k < feed->path_count; k++) {
        if (!is_path(feed->paths[k])) {
            fa_fault_key(proof->faults, at, "path", FA_EPARSE,
                         "'%.100s' is no path: it begins with \"/\" and holds neither blanks nor "
                         "any of ?#%%*",
                         feed->paths[k]);
        }
    }
    for (size_t k = 0; k < i; k++) {
        const char *path = twice(feed, &proof->config->feeds[k]);
        char place[200];
        if (path != NULL) {
            fa_fault_key(proof->faults, at, "path", FA_EEXISTS,
                         "requests to '%.100s' go to the feed at %s; give one of them another "
                         "path or listener",
                         path, fa_place_of(proof->faults, proof->draft->feeds.items[k].at, place));
        }
    }
}

static void prove_requests(const struct fa_proof *proof, size_t i)
{
    const struct fa_feed_entry *feed = &proof->config->feeds[i];
    const config_setting_t *at = proof->draft->feeds.items[i].at;
    if (feed->address == NULL) {
        prove_served(proof, i);
        prove_paths(proof, i);
    } else if (feed->listener != NULL || feed->path_count > 0) {
        fa_fault_key(proof->faults, at, feed->listener != NULL ? "listener" : "path", FA_EINVAL,
                     "listener and path are of requests, and this feed has an address for "
                     "datagrams: two feeds may have one decoder");
    }
}

/* ---- addresses ---- */

static const char *address_of(const struct fa_proof *proof, size_t i,
                              const config_setting_t **ret_at)
{
    size_t listeners = proof->draft->listeners.count;
    *ret_at = i < listeners ? proof->draft->listeners.items[i].at
                            : proof->draft->feeds.items[i - listeners].at;
    return i < listeners ? proof->config->listeners[i].address
                         : proof->config->feeds[i - listeners].address;
}

/* "unix:/x" and "unixgram:/x" are one file; a TCP and a UDP port are two. */
static bool same_address(const char *a, const char *b)
{
    const char *file_a = strchr(a, '/'), *file_b = strchr(b, '/');
    bool has_port =
        strchr(a, '/') == NULL && strrchr(a, ':') != NULL && strcmp(strrchr(a, ':'), ":0") != 0;
    if (file_a != NULL && file_b != NULL) {
        return strcmp(file_a, file_b) == 0;
    }
    return has_port && strcmp(a, b) == 0;
}

static void prove_addresses_apart(const struct fa_proof *proof)
{
    size_t count = proof->draft->listeners.count + proof->draft->feeds.count;
    for (size_t i = 0; i < count; i++) {
        const config_setting_t *at = NULL, *first_at = NULL;
        const char *address = address_of(proof, i, &at);
        for (size_t k = 0; address != NULL && k < i; k++) {
            const char *first = address_of(proof, k, &first_at);
            char place[200];
            if (first != NULL && same_address(first, address)) {
                fa_fault_key(proof->faults, at, "address", FA_EEXISTS,
                             "'%.100s' is taken by the entry at %s", address,
                             fa_place_of(proof->faults, first_at, place));
            }
        }
    }
}

/* ---- pages ---- */

/* A host's name or number, perhaps a port and a path: what an address in a mail may hold. */
static bool is_plain(const char *text)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    for (; *text != '\0'; text++) {
        if (strchr(letters, *text) == NULL && strchr("-._~:/[]", *text) == NULL) {
            return false;
        }
    }
    return true;
}

static bool is_loopback_url(const char *url)
{
    static const char *const hosts[] = {"127.0.0.1", "[::1]", "localhost"};
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        size_t len = strlen(hosts[i]);
        if (strncmp(url, hosts[i], len) == 0 && strchr(":/", url[len]) != NULL) {
            return true;
        }
    }
    return false;
}

static void prove_pages(const struct fa_proof *proof, uint32_t routes)
{
    const config_setting_t *at = proof->draft->pages.at;
    char *url = proof->config->pages_url;
    bool served = (routes & FA_ROUTES_PAGES) != 0;
    if (url == NULL) {
        if (served && at == NULL) {
            fa_warn(proof->faults, NULL,
                    "a listener serves pages, and pages = { url = \"https://...\"; } does not say "
                    "where phones reach it: messages carry no link to own an alarm");
        }
        return;
    }
    bool tls = strncmp(url, "https://", 8) == 0, plain = strncmp(url, "http://", 7) == 0;
    const char *host = url + (tls ? 8 : 7);
    if ((!tls && !plain) || !is_plain(host) || host[0] == '\0' || host[0] == '/') {
        fa_fault_key(
            proof->faults, at, "url", FA_EINVAL,
            "'%.120s' is no address of pages: write \"https://alarm.example.com\", without "
            "user, ? or #",
            url);
    } else if (plain && !is_loopback_url(host)) {
        fa_fault_key(proof->faults, at, "url", FA_EDENIED,
                     "'%.120s' would carry codes in clear over the network: write https://", url);
    } else if (!served) {
        fa_fault_key(proof->faults, at, "url", FA_EINVAL,
                     "links would lead nowhere: no listener serves pages; give one routes = [ "
                     "\"pages\" ]");
    }
    for (size_t len = strlen(url); len > 0 && url[len - 1] == '/'; len--) {
        url[len - 1] = '\0';
    }
}

void fa_prove_sockets(const struct fa_proof *proof)
{
    uint32_t routes = 0;
    for (size_t i = 0; i < proof->draft->listeners.count; i++) {
        prove_listener(proof, i);
        routes |= proof->config->listeners[i].routes;
    }
    for (size_t i = 0; i < proof->draft->feeds.count; i++) {
        prove_feed(proof, i);
        prove_requests(proof, i);
    }
    prove_pages(proof, routes);
    prove_addresses_apart(proof);
    if (proof->plugins != NULL && (routes & FA_ROUTES_API) == 0) {
        fa_warn(proof->faults, NULL, "no listener serves api: nobody can file or acknowledge");
    }
}
