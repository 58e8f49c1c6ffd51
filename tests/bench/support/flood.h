/* SPDX-License-Identifier: MIT */
/* A generator of StatsD datagrams of 1,024 bytes over UDP, on a core of its own, and the barest
 * receiver there can be: the yardstick that the daemon's figures are divided by. */
#ifndef FA_BENCH_FLOOD_H
#define FA_BENCH_FLOOD_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define FLOOD_BYTES 1024 /* of each datagram; filled up with empty lines */

/* The line of series n with some value, newline included; returns its length. */
typedef size_t flood_line_fn(char *at, size_t size, unsigned n, unsigned value);

struct flood {
    char *bytes; /* count datagrams */
    size_t count;
    double lines_each; /* in the mean */
    uint32_t *lines;   /* of each */
    size_t next;       /* where the next send goes on */
};

/* in_order: each series once after the other, as a sender that reports all it has; else drawn. */
void flood_init(struct flood *flood, size_t datagrams, unsigned series, int in_order,
                flood_line_fn *line);
void flood_done(struct flood *flood);
/* Sends at that many lines a second (0: as fast as it goes) for ms; segments: one call hands over
 * many datagrams (UDP GSO). Returns the lines sent. */
double flood_send(struct flood *flood, int fd, double lines_per_second, double ms);
/* Every datagram once, 8 every 200 us: slow enough for anybody. */
void flood_send_once(struct flood *flood, int fd);

/* All threads of a process, or the calling thread (0), onto one core. */
void flood_pin(pid_t pid, int core);
/* User and system time of a process so far. */
double flood_cpu_us(pid_t pid);

/* A child that receives with recvmmsg, cuts lines, reads value and tag, hashes the key, adds the
 * value to its cell, and counts; nothing else. */
struct bare {
    pid_t pid;
    unsigned port;
    struct {
        volatile uint64_t lines, dropped, stop;
    } * shared;
};
void bare_start(struct bare *bare, int core, size_t series);
void bare_stop(struct bare *bare);

#endif
