/* SPDX-License-Identifier: MIT */
/* The configuration: libconfig files turned into one immutable, proved object, or refused whole
 * with every error at once. The main file's directory also holds rules.d/ and conf.d/, whose *.cfg
 * files are read in the order of their names; lists (people, rules, policies ...) are joined over
 * all files, a scalar given twice is an error that names both places. */
#ifndef FA_CONFIG_CONFIG_H
#define FA_CONFIG_CONFIG_H

#include "alarms/policy.h"
#include "host/options.h"
#include "rules/promql.h"

#include <stdio.h>

/* The settings of a plugin's instance as they were written: checked by host/ against the plugin's
 * own option table. Everything that the configuration does not know by itself goes here. */
struct fa_plugin_config {
    char *name; /* the instance */
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

struct fa_listener_entry {
    char *name;
    char *address; /* "unix:/run/firealarm/api.sock", "127.0.0.1:8443", "[::1]:8443" */
    uint32_t mode; /* of a Unix socket, e.g. 0666 */
    uint32_t routes;
    /* PEM; both or neither. NULL: no TLS (Unix sockets and loopback only). A path, or for key the
     * name of a systemd credential too: fa_secret_resolve(). */
    char *cert, *key;
    uint8_t (*tokens)[FA_TOKEN_HASH_BYTES]; /* of those who feed; none: whoever can connect */
    size_t token_count;
    struct fa_http_limits_config limits;
    char *file;
    uint32_t line;
};

struct fa_feed_entry {
    char *name;
    /* "udp:127.0.0.1:8125", "unixgram:/run/firealarm/statsd.sock"; NULL: it takes requests at
     * these paths, the decoder's own if none were written. */
    char *address;
    char *listener; /* of requests: the only one that takes them; NULL: all that serve ingest */
    char **paths;
    size_t path_count;
    uint32_t mode; /* of a Unix socket */
    struct fa_plugin_config decoder;
    uint32_t series_max, labels_max, name_max, value_max;
};

/* What a fetch job does; the numbers are the places in its key's choices. */
enum fa_fetch_job_kind { FA_JOB_SCRAPE, FA_JOB_QUERY, FA_JOB_CHECK, FA_JOB_HEARTBEAT };

#define FA_FETCH_JOB_HEADERS_MAX 32u
#define FA_FETCH_JOB_LABELS_MAX  16u

/* One job of the fetcher. */
struct fa_fetch_entry {
    char *name, *url; /* a check's may be "tcp://HOST:PORT"; NULL of a heartbeat */
    char *secret_url; /* of a heartbeat: a path or a credential's name, for fa_secret_resolve() */
    uint32_t kind;    /* enum fa_fetch_job_kind */
    fa_time every, timeout;
    char *query, *metric;   /* of a query */
    char *user;             /* may be NULL, as the next three */
    char *password, *token; /* a path or a credential's name, for fa_secret_resolve() */
    char *ca;
    struct fa_rule_match *headers, *labels; /* pairs of name and value */
    size_t header_count, label_count;
    bool allow_private, allow_plain;
    uint32_t max_bytes;
    struct fa_plugin_config decoder; /* plugin NULL: nothing comes that is to be read */
    uint32_t series_max, labels_max, name_max, value_max;
    char *file;
    uint32_t line;
};

/* Which state of a file was read; all 0: none. */
struct fa_file_mark {
    uint64_t dev, ino;
    int64_t size, changed_ns;
};
struct fa_file_mark fa_file_mark_of(const char *path); /* NULL: none */

/* A calendar or schedule whose file is the copy of one that lies elsewhere. */
struct fa_mirror_entry {
    char *name, *file;
    char *host; /* where it comes from, without the path: that may be a secret */
};

struct fa_config {
    char *company;
    char *notice;                       /* what the client says before it asks */
    char *directory;                    /* the file that an import writes, absolute; NULL: none */
    struct fa_file_mark directory_mark; /* not newer than what was read of it */
    struct fa_setup setup;
    struct fa_directory *people; /* owned; setup.people points here */
    struct fa_rule **rules;      /* owned; setup.rules points here */
    size_t rule_count;
    struct fa_promql_define *defines; /* owned, with their names and trees: rules borrow them */
    size_t define_count;
    struct fa_plugin_config *channels;
    size_t channel_count;
    struct fa_plugin_config store; /* plugin NULL: none was given (texts without plugins only) */
    char *mac_key_file;            /* 32 bytes as 64 hex digits, outside the store: a path or the
                                      name of a systemd credential, for fa_secret_resolve() */
    char *pages_url;               /* without a slash at its end; NULL: messages carry no links */
    struct fa_listener_entry *listeners;
    size_t listener_count;
    struct fa_feed_entry *feeds;
    size_t feed_count;
    struct fa_fetch_entry *fetches;
    size_t fetch_count;
    struct fa_mirror_entry *mirrors;
    size_t mirror_count;
    fa_time walk_from;   /* nobody may be missing from then on; 0: that is not asked */
    fa_time known_until; /* of calendars and zones; 0: they were not read */
    char *source; /* the files' text, with that of calendars, for the store's copy; fa_config_parse
                     reads it back with the same places. Secrets are never in it: they are files,
                     and the configuration holds only their names */
};

/* A path begins with "/", or with "./" or "../" and is then taken from the main file's directory,
 * wherever the daemon runs. That holds for our own keys, for addresses ("unix:./api.sock") and for
 * plugins' options; the configuration that is given out has absolute ones only. */

/* Called for every fault, with file and line; warnings do not refuse. */
typedef void fa_config_fault_fn(void *ctx, bool is_warning, const struct fa_err *err);

/* What the configuration is proved against: which plugins exist and what they take. They are loaded
 * on first use, hence not const; where they lie is said on the command line, for a configuration
 * cannot be proved before. */
struct fa_plugins;
struct fa_calendars;
struct fa_remotes;

/* What a configuration is read with beside its files. NULL for all of it stands for {0}. */
struct fa_config_world {
    struct fa_plugins *plugins; /* NULL: options are not looked at, a store is not asked for */
    /* NULL: calendars and zones are not read. Then nobody is on duty, no calendar is open, and
     * every zone is UTC. */
    struct fa_calendars *calendars;
    const struct fa_str *directory; /* tried in place of what the directory's file holds, be it
                                       there or not; NULL: the file */
    struct fa_remotes *remotes; /* which calendars are to be fetched, and those that were; FA_EAGAIN
                                   when some are missing. NULL: their copies have to do */
    bool is_waiting_elsewhere;  /* what has to be read first is: FA_EAGAIN, instead of blocking */
    bool is_fresh;              /* of calendars that a kept text holds, what their files say now */
};

/* Reads and proves. 0 with *ret_config (fa_config_free), FA_EINVAL after one or more faults, none
 * of which is left out but those that follow from another; FA_EAGAIN: see struct fa_config_world.
 */
int fa_config_load(const char *path, const struct fa_config_world *world, fa_config_fault_fn *fault,
                   void *ctx, struct fa_config **ret_config) FA_MUST_CHECK;
/* Where the files say that the directory lies; NULL: nowhere. The caller frees it. FA_EINVAL after
 * faults of reading and grammar. */
int fa_config_directory(const char *path, fa_config_fault_fn *fault, void *ctx,
                        char **ret_path) FA_MUST_CHECK;
/* As fa_config_load, from a text (the copy kept in the store, lab's worlds); name stands for the
 * file. */
int fa_config_parse(const char *name, struct fa_str text, const struct fa_config_world *world,
                    fa_config_fault_fn *fault, void *ctx,
                    struct fa_config **ret_config) FA_MUST_CHECK;
void fa_config_free(struct fa_config *config); /* accepts NULL */

/* What a rule's summary may use beside the labels in its `per` and `where`: the names that api/
 * fills (fa_describe_names; a test holds the two lists together). A rule for a metric without
 * summary gets "{rule}: {value} since {since|time}". */
const char *const *fa_config_summary_fields(size_t *ret_count);

/* Of a rule whose `for` is business time: what it comes to from today on, for people. False: it is
 * none. */
#define FA_CONFIG_EXAMPLE_SIZE 360
bool fa_config_example(const struct fa_config *config, const struct fa_rule *rule,
                       char ret_text[FA_CONFIG_EXAMPLE_SIZE]);
/* The same of a category's `due`. */
bool fa_config_due_example(const struct fa_config *config, const struct fa_category *category,
                           char ret_text[FA_CONFIG_EXAMPLE_SIZE]);

/* The manual page firealarm.cfg(5), made from the tables that read the files, with the options of
 * those plugins that are there; NULL: without. */
void fa_config_reference(FILE *out, struct fa_plugins *plugins);

#endif
