/* SPDX-License-Identifier: MIT */
/* The configuration: libconfig files turned into one immutable, proved object, or refused whole with
 * every error at once. The main file's directory also holds rules.d/ and conf.d/, whose *.cfg files
 * are read in the order of their names; lists (people, rules, policies ...) are joined over all files,
 * a scalar given twice is an error that names both places. */
#ifndef FA_CONFIG_CONFIG_H
#define FA_CONFIG_CONFIG_H

#include "alarms/policy.h"
#include "host/options.h"

/* The settings of a plugin's instance as they were written: checked by host/ against the plugin's
 * own option table. Everything that the configuration does not know by itself goes here. */
struct fa_plugin_config {
    char *name;    /* the instance */
    char *plugin;
    struct fa_option_given *given;
    size_t given_count;
    char *file;
    uint32_t line;
};

#define FA_ROUTES_INGEST  1u
#define FA_ROUTES_API     2u
#define FA_ROUTES_PAGES   4u
#define FA_ROUTES_METRICS 8u

struct fa_http_limits_config {
    uint32_t connections, header_bytes, body_bytes;
    fa_time header_ms, total_ms, idle_ms;
};

struct fa_listener_config {
    char *name;
    char *address; /* "unix:/run/firealarm/api.sock", "127.0.0.1:8443", "[::1]:8443" */
    uint32_t mode; /* of a Unix socket, e.g. 0666 */
    uint32_t routes;
    char *cert, *key; /* PEM files; NULL: no TLS (Unix sockets and loopback only) */
    struct fa_http_limits_config limits;
    char *file;
    uint32_t line;
};

struct fa_feed_config {
    char *name;
    char *address;    /* "udp:127.0.0.1:8125", "unixgram:/run/firealarm/statsd.sock" */
    uint32_t mode;
    struct fa_plugin_config decoder;
    uint32_t series_max, labels_max, name_max, value_max;
    fa_time look_back; /* 0: the rule's or the default */
};

struct fa_config {
    char *company;
    char *notice;      /* what the client says before it asks */
    struct fa_setup setup;
    struct fa_directory *people;     /* owned; setup.people points here */
    struct fa_rule **rules;          /* owned; setup.rules points here */
    size_t rule_count;
    struct fa_plugin_config *channels;
    size_t channel_count;
    struct fa_plugin_config store;
    char *mac_key_file;              /* 32 bytes as 64 hex digits; outside the store */
    struct fa_listener_config *listeners;
    size_t listener_count;
    struct fa_feed_config *feeds;
    size_t feed_count;
    char *plugin_dir;                /* NULL: the built-in place */
    char *source;                    /* the files' text without secrets, for the store's copy */
};

/* Called for every fault; warnings do not refuse. */
typedef void fa_config_fault_fn(void *ctx, bool is_warning, const struct fa_err *err);

/* What the configuration is proved against: which plugins exist and what they take. */
struct fa_plugins;

/* Reads and proves. 0 with *ret_config (fa_config_free), or a code after one or more faults. */
int fa_config_load(const char *path, const struct fa_plugins *plugins, fa_config_fault_fn *fault,
                   void *ctx, struct fa_config **ret_config) FA_MUST_CHECK;
/* The same from a text (the copy kept in the store, lab's worlds); name stands for the file. */
int fa_config_parse(const char *name, struct fa_str text, const struct fa_plugins *plugins,
                    fa_config_fault_fn *fault, void *ctx, struct fa_config **ret_config) FA_MUST_CHECK;
void fa_config_free(struct fa_config *config); /* accepts NULL */

#endif
