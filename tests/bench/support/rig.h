/* SPDX-License-Identifier: MIT */
/* A firealarmd of this build with its courier, in a directory of its own that is removed at the
 * end.
 *
 * The company: "filer" is whoever runs the bench; "boss" is told first over channel "first", then
 * "top"; channels post to the receiver's path "/NAME". Rules, people and channels can be added. */
#ifndef FA_BENCH_RIG_H
#define FA_BENCH_RIG_H

#include "figures.h"
#include "receiver.h"

#include <sys/types.h>

struct rig {
    /* Set before rig_open(); each may be NULL. */
    const char *people, *channels, *policies, *listeners; /* groups with a comma before them */
    const char *rules;       /* the whole list, and what else a configuration may hold */
    const char *feed_limits; /* of the feed "udp"; begins with a blank */
    const char *fail_after;  /* of severity critical; NULL: "1m" */
    receiver_fn *on_post;
    void *ctx;
    int silent_dns; /* names are asked of a server that never answers */
    /* Set by it. */
    char dir[128], api[160], statsd[160];
    struct receiver *receiver;
    pid_t pid;
    long log_from;
    unsigned http_port, push_port, udp_port; /* of the running one */
    int dns_fd;
};

void rig_open(struct rig *rig);
void rig_close(struct rig *rig); /* ends the daemon and removes the directory */
/* Gives the ms from exec until GET /-/healthy answers 200. */
double rig_start(struct rig *rig);
/* The two halves of it: begins a start, and waits for its end. */
void rig_exec(struct rig *rig);
void rig_await(struct rig *rig);
void rig_stop(struct rig *rig);           /* SIGTERM; fails when it does not end with status 0 */
pid_t rig_courier(const struct rig *rig); /* waits for one that runs */
/* True when this user may give the daemon a resolver of its own. */
int rig_can_silence_dns(void);

/* ---- what the processes take ---- */
struct usage {
    double cpu_ms;
    double rss_mib, peak_mib;
};
struct usage usage_of(pid_t pid);

/* ---- the disk, in the rig's directory: 512 bytes appended as number i, with fdatasync ---- */
int rig_open_disk(const struct rig *rig);
double rig_sync_ms(int fd, unsigned i);

/* ---- speaking: blocking sockets, one request at a time ---- */
int rig_connect_api(const struct rig *rig);
int rig_connect_http(const struct rig *rig);
int rig_connect_push(const struct rig *rig);
int rig_connect_listener(const struct rig *rig, const char *name); /* one of rig->listeners */
int rig_connect_statsd(const struct rig *rig); /* Unix datagrams: a full queue blocks the sender */
int rig_connect_udp(const struct rig *rig);
/* The status; the body is put into body (NUL at the end, cut to size) unless it is NULL. */
int rig_ask(int fd, const char *request, size_t len, char *body, size_t size);
int rig_get(int fd, const char *path, char *body, size_t size);
/* A whole POST /v1/incidents with a key that no other call in this run has; gives its length. The
 * text ends with "<n>". */
size_t rig_filing(char *buf, size_t size, const char *category, unsigned n);
/* One line of /metrics; fails when there is none. */
double rig_metric(int fd, const char *name);

/* ---- the loop's lag: /-/healthy every ms on a connection of its own ---- */
struct probe;
struct probe *probe_start(const struct rig *rig);
/* Adds latencies in ms, and by how much each sleep of 1 ms between them was too long: what the
 * machine itself held up. */
void probe_stop(struct probe *probe, struct figures *ret_lag, struct figures *ret_machine);

#endif
