/* SPDX-License-Identifier: MIT */
/* Datagrams are written once and sent over and over; what paces them is the clock, not a sleep. */
#include "flood.h"
#include "figures.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/udp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TOGETHER 16 /* datagrams a call */

void flood_init(struct flood *flood, size_t datagrams, unsigned series, int in_order,
                flood_line_fn *line)
{
    *flood = (struct flood){.count = datagrams,
                            .bytes = malloc(datagrams * FLOOD_BYTES),
                            .lines = calloc(datagrams, sizeof flood->lines[0])};
    if (flood->bytes == NULL || flood->lines == NULL) {
        bench_fail("out of memory");
    }
    memset(flood->bytes, '\n', datagrams * FLOOD_BYTES);
    uint64_t random = 1, all = 0;
    unsigned serial = 0;
    for (size_t i = 0; i < datagrams; i++) {
        char text[128], *at = flood->bytes + i * FLOOD_BYTES;
        size_t used = 0;
        for (;;) {
            random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            unsigned n = in_order ? serial % series : (unsigned)(random >> 33) % series;
            size_t len = line(text, sizeof text, n, (unsigned)(random >> 54));
            if (used + len > FLOOD_BYTES) {
                break;
            }
            memcpy(at + used, text, len);
            used += len;
            flood->lines[i]++;
            serial++;
        }
        all += flood->lines[i];
    }
    flood->lines_each = (double)all / (double)datagrams;
}

void flood_done(struct flood *flood)
{
    free(flood->bytes);
    free(flood->lines);
}

/* The number of datagrams handed over. */
static size_t send_some(struct flood *flood, int fd, size_t most)
{
    size_t left = flood->count - flood->next, count = most < left ? most : left;
    ssize_t sent;
    do {
        sent = send(fd, flood->bytes + flood->next * FLOOD_BYTES, count * FLOOD_BYTES, 0);
    } while (sent < 0 && (errno == EINTR || errno == ENOBUFS || errno == ECONNREFUSED));
    if (sent != (ssize_t)(count * FLOOD_BYTES)) {
        bench_fail("cannot send %zu datagrams: %s", count, strerror(errno));
    }
    return count;
}

static double count_lines(struct flood *flood, size_t count)
{
    double lines = 0;
    for (size_t i = 0; i < count; i++) {
        lines += flood->lines[flood->next + i];
    }
    flood->next = (flood->next + count) % flood->count;
    return lines;
}

static void segment(int fd)
{
    int size = FLOOD_BYTES;
    if (setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof size) != 0) {
        bench_fail("no UDP_SEGMENT: %s", strerror(errno));
    }
}

double flood_send(struct flood *flood, int fd, double lines_per_second, double ms)
{
    int64_t start = bench_ns();
    double lines = 0, now;
    segment(fd);
    while ((now = bench_ms_since(start)) < ms) {
        if (lines_per_second == 0 || lines < lines_per_second * now / 1000) {
            lines += count_lines(flood, send_some(flood, fd, TOGETHER));
        }
    }
    return lines;
}

void flood_send_once(struct flood *flood, int fd)
{
    segment(fd);
    for (size_t sent = 0; sent < flood->count;) {
        int64_t start = bench_ns();
        size_t count = send_some(flood, fd, 8);
        (void)count_lines(flood, count);
        sent += count;
        while (bench_ms_since(start) < 0.2) {
        }
    }
}

void flood_pin(pid_t pid, int core)
{
    char path[64];
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)core, &set);
    if (pid == 0) {
        (void)sched_setaffinity(0, sizeof set, &set);
        return;
    }
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *dir = opendir(path);
    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] != '.') {
            (void)sched_setaffinity((pid_t)atoi(entry->d_name), sizeof set, &set);
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
}

double flood_cpu_us(pid_t pid)
{
    clockid_t clock;
    struct timespec ts;
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &ts) != 0) {
        bench_fail("the CPU clock of %d cannot be read", (int)pid);
    }
    return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

/* ---- the barest receiver ---- */

#define BATCH 64

struct cell {
    uint64_t hash;
    double sum;
};
struct table {
    struct cell *cells;
    size_t mask;
};

static uint64_t mix(uint64_t hash, const char *at, size_t len)
{
    for (; len >= 8; at += 8, len -= 8) {
        uint64_t word;
        memcpy(&word, at, 8);
        hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 29;
    }
    uint64_t word = 0;
    memcpy(&word, at, len);
    hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 32;
}

static void add(const struct table *table, uint64_t hash, double value)
{
    hash |= 1;
    size_t at = hash >> 7 & table->mask;
    while (table->cells[at].hash != 0 && table->cells[at].hash != hash) {
        at = (at + 1) & table->mask;
    }
    table->cells[at].hash = hash;
    table->cells[at].sum += value;
}

static uint64_t read_lines(const struct table *table, const char *at, size_t len)
{
    uint64_t lines = 0;
    for (const char *end = at + len; at < end;) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        stop = stop != NULL ? stop : end;
        const char *colon = memchr(at, ':', (size_t)(stop - at));
        if (colon != NULL) {
            const char *p = colon + 1;
            double value = 0;
            for (; *p >= '0' && *p <= '9'; p++) {
                value = value * 10 + (*p - '0');
            }
            add(table, mix(mix(0, at, (size_t)(colon - at)), p, (size_t)(stop - p)), value);
            lines++;
        }
        at = stop + 1;
    }
    return lines;
}

static void run_bare(struct bare *bare, int fd, const struct table *table)
{
    static char buffers[BATCH][FLOOD_BYTES + 16];
    static struct mmsghdr msgs[BATCH];
    static struct iovec iov[BATCH];
    static union {
        struct cmsghdr align;
        char bytes[64];
    } control[BATCH];
    while (!bare->shared->stop) {
        for (int i = 0; i < BATCH; i++) {
            iov[i] = (struct iovec){buffers[i], FLOOD_BYTES};
            msgs[i].msg_hdr = (struct msghdr){.msg_iov = &iov[i],
                                              .msg_iovlen = 1,
                                              .msg_control = control[i].bytes,
                                              .msg_controllen = sizeof control[i].bytes};
        }
        int count = recvmmsg(fd, msgs, BATCH, MSG_WAITFORONE, NULL);
        for (int i = 0; i < count; i++) {
            struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msgs[i].msg_hdr);
            if (cmsg != NULL && cmsg->cmsg_type == SO_RXQ_OVFL) {
                uint32_t dropped;
                memcpy(&dropped, CMSG_DATA(cmsg), sizeof dropped);
                bare->shared->dropped = dropped;
            }
            bare->shared->lines += read_lines(table, buffers[i], msgs[i].msg_len);
        }
    }
}

void bare_start(struct bare *bare, int core, size_t series)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof addr;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), on = 1, bytes = 16 << 20;
    struct timeval guard = {0, 50000};
    bare->shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (bind(fd, (struct sockaddr *)&addr, len) != 0 ||
        getsockname(fd, (struct sockaddr *)&addr, &len) != 0 || bare->shared == MAP_FAILED) {
        bench_fail("the yardstick cannot listen: %s", strerror(errno));
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes);
    (void)setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &guard, sizeof guard);
    bare->port = ntohs(addr.sin_port);
    bare->pid = fork();
    if (bare->pid == 0) {
        flood_pin(0, core);
        struct table table = {.mask = 1};
        while (table.mask < 4 * series) {
            table.mask = table.mask * 2 + 1;
        }
        table.cells = calloc(table.mask + 1, sizeof table.cells[0]);
        if (table.cells != NULL) {
            run_bare(bare, fd, &table);
        }
        _exit(0);
    }
    close(fd);
}

void bare_stop(struct bare *bare)
{
    int status;
    bare->shared->stop = 1;
    waitpid(bare->pid, &status, 0);
    munmap(bare->shared, 4096);
}
