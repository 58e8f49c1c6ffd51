/* SPDX-License-Identifier: MIT */
/* links: fa_bench_rig fa_plugin_sqlite_static fa_host PkgConfig::SQLITE3 */
/* Filings a second, each durable before its receipt, by 1 and by 64 clients that keep their
 * connection and wait for each receipt before they file again. Beside it, in the same directory and
 * round, what the disk itself can do: 512 bytes appended and synchronised, one after the other. One
 * client cannot beat that; 64 can, because one commit takes all filings of a turn.
 *
 * What one client waits for is shown in its parts, measured alone: the disk, the store plugin
 * without a daemon (a row and an entry of a filing's size in one commit, from this thread), and an
 * answer of the loop that needs no store. The rest is the way from thread to thread and back. */
#include "rig.h"

#include "firealarm/store.h"
#include "host/plugins.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROUNDS   5
#define CLIENTS  64
#define DISK_OPS 200
#define ONE      300
#define MANY     3000
#define ROW      400 /* bytes of a filing's row, about */
#define ENTRY    120

struct client {
    int fd;
    int64_t sent;
    size_t len;
    char answer[8192];
};

struct column {
    struct figures rate, ratio, latency, cpu;
};

static double disk_rate(const struct rig *rig)
{
    static const char block[512];
    char path[256];
    snprintf(path, sizeof path, "%s/disk", rig->dir);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int64_t start = bench_ns();
    for (int i = 0; i < DISK_OPS; i++) {
        if (pwrite(fd, block, sizeof block, (off_t)i * (off_t)sizeof block) != sizeof block ||
            fdatasync(fd) != 0) {
            bench_fail("%s: %s", path, strerror(errno));
        }
    }
    double rate = DISK_OPS * 1000.0 / bench_ms_since(start);
    close(fd);
    unlink(path);
    return rate;
}

/* ms of one commit by the store plugin alone. */
static void store_alone(const struct rig *rig, struct figures *figures)
{
    char path[256], bytes[ROW] = {0};
    snprintf(path, sizeof path, "%s/alone", rig->dir);
    if (mkdir(path, 0700) != 0) {
        bench_fail("%s: %s", path, strerror(errno));
    }
    struct firealarm_value values[3] = {
        {.text = {path, strlen(path)}}, {.number = 0}, {.number = 1}};
    struct firealarm_settings settings = {"alone", values, 3};
    struct firealarm_host host = fa_host_table(NULL, NULL);
    struct firealarm_error error = {""};
    void *self = NULL;
    int32_t rc = firealarm_store.open(&host, &settings, &self, &error);
    for (unsigned i = 1; rc == 0 && i <= ONE; i++) {
        char key[17];
        snprintf(key, sizeof key, "%016x", i * 2654435761U); /* as spread as a filing's id */
        struct firealarm_row row = {
            .kind = 1, .live = 1, .time = i, .key = {key, 16}, .value = {bytes, ROW}};
        struct firealarm_entry entry = {.n = i, .time = i, .body = {bytes, ENTRY}};
        int64_t start = bench_ns();
        if ((rc = firealarm_store.begin(self, &error)) == 0 &&
            (rc = firealarm_store.put(self, &row, &error)) == 0 &&
            (rc = firealarm_store.append(self, &entry, &error)) == 0) {
            rc = firealarm_store.commit(self, &error);
        }
        figures_add(figures, bench_ms_since(start));
    }
    if (rc != 0) {
        bench_fail("the store alone: %s", error.text);
    }
    firealarm_store.close(self);
}

/* ms of an answer of the loop that waits for nothing else. */
static void loop_alone(const struct rig *rig, struct figures *figures)
{
    int fd = rig_connect_http(rig);
    for (int i = 0; i < ONE; i++) {
        int64_t start = bench_ns();
        if (rig_get(fd, "/-/healthy", NULL, 0) != 200) {
            bench_fail("no answer of the loop");
        }
        figures_add(figures, bench_ms_since(start));
    }
    close(fd);
}

static void file_one(struct client *client, const char *category, unsigned n)
{
    char request[1024];
    size_t len = rig_filing(request, sizeof request, category, n);
    client->len = 0;
    client->sent = bench_ns();
    if (send(client->fd, request, len, MSG_NOSIGNAL) != (ssize_t)len) {
        bench_fail("cannot file: %s", strerror(errno));
    }
}

/* True when the receipt is whole. */
static int read_receipt(struct client *client)
{
    ssize_t n =
        recv(client->fd, client->answer + client->len, sizeof client->answer - 1 - client->len, 0);
    if (n <= 0) {
        bench_fail("no receipt: %s", n == 0 ? "closed" : strerror(errno));
    }
    client->len += (size_t)n;
    client->answer[client->len] = '\0';
    if (strncmp(client->answer, "HTTP/1.1 201", 12) != 0) {
        bench_fail("refused: %.1000s", client->answer);
    }
    return client->answer[client->len - 1] == '}';
}

/* Gives the filings a second of all clients together. */
static double run(const struct rig *rig, unsigned clients, unsigned filings, const char *category,
                  struct figures *latency)
{
    static struct client list[CLIENTS];
    struct epoll_event events[CLIENTS];
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    unsigned begun = 0, done = 0;
    int64_t start = bench_ns();
    for (unsigned i = 0; i < clients; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &list[i]};
        list[i].fd = rig_connect_api(rig);
        epoll_ctl(epoll, EPOLL_CTL_ADD, list[i].fd, &event);
        file_one(&list[i], category, begun++);
    }
    while (done < filings) {
        int n = epoll_wait(epoll, events, CLIENTS, 30000);
        if (n <= 0) {
            bench_fail("no receipt in 30 s");
        }
        for (int i = 0; i < n; i++) {
            struct client *client = events[i].data.ptr;
            if (read_receipt(client)) {
                figures_add(latency, bench_ms_since(client->sent));
                done++;
                if (begun < filings) {
                    file_one(client, category, begun++);
                }
            }
        }
    }
    double rate = filings * 1000.0 / bench_ms_since(start);
    for (unsigned i = 0; i < clients; i++) {
        close(list[i].fd);
    }
    close(epoll);
    return rate;
}

static void measure(struct rig *rig, unsigned clients, const char *category, double disk,
                    struct column *column)
{
    unsigned filings = clients == 1 ? ONE : MANY;
    double cpu = usage_of(rig->pid).cpu_ms;
    double rate = run(rig, clients, filings, category, &column->latency);
    figures_add(&column->rate, rate);
    figures_add(&column->ratio, rate / disk);
    figures_add(&column->cpu, (usage_of(rig->pid).cpu_ms - cpu) * 1000 / filings);
}

static void print(struct column *column, const char *name)
{
    char text[80];
    snprintf(text, sizeof text, "%s_per_second", name);
    figures_print(&column->rate, text);
    snprintf(text, sizeof text, "%s_to_disk_ratio", name);
    figures_print(&column->ratio, text);
    snprintf(text, sizeof text, "%s_receipt_ms", name);
    figures_print_latency(&column->latency, text);
    snprintf(text, sizeof text, "%s_daemon_cpu_us_each", name);
    figures_print(&column->cpu, text);
    figures_done(&column->rate);
    figures_done(&column->ratio);
    figures_done(&column->latency);
    figures_done(&column->cpu);
}

static void ignore(void *ctx, int64_t ns, const char *path, const char *body)
{
}

int main(void)
{
    struct column one = {0}, many = {0}, raised = {0};
    struct figures disk = {0}, store = {0}, loop = {0};
    for (int round = 0; round < ROUNDS; round++) {
        struct rig rig = {.on_post = ignore};
        rig_open(&rig);
        rig_start(&rig);
        double rate = disk_rate(&rig);
        figures_add(&disk, rate);
        store_alone(&rig, &store);
        loop_alone(&rig, &loop);
        measure(&rig, 1, "question", rate, &one);
        measure(&rig, CLIENTS, "question", rate, &many);
        measure(&rig, CLIENTS, "danger", rate, &raised);
        rig_close(&rig);
    }
    figures_print(&disk, "filing_disk_syncs_per_second");
    figures_print_latency(&store, "filing_store_alone_ms");
    figures_print_latency(&loop, "filing_loop_alone_ms");
    print(&one, "filing_1_client");
    print(&many, "filing_64_clients");
    print(&raised, "filing_64_clients_raised");
    figures_done(&disk);
    figures_done(&store);
    figures_done(&loop);
    return 0;
}
