/* SPDX-License-Identifier: MIT */
#include "peer.h"

#include "figures.h"
#include "rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define GUARD_MS 60000

const char *peer_program(const char *variable, const char *const *places)
{
    const char *named = getenv(variable);
    if (named != NULL) {
        return named;
    }
    for (; *places != NULL; places++) {
        if (access(*places, X_OK) == 0) {
            return *places;
        }
    }
    return NULL;
}

const char *peer_installed(const char *variable, const char *name)
{
    char place[64];
    snprintf(place, sizeof place, "/usr/bin/%s", name);
    const char *const places[] = {place, NULL};
    const char *found = peer_program(variable, places);
    return found == NULL ? NULL : strdup(found);
}

static int new_socket(unsigned port, struct sockaddr_in *ret_addr)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
    struct timeval guard = {GUARD_MS / 1000, 0};
    *ret_addr = (struct sockaddr_in){.sin_family = AF_INET,
                                     .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                     .sin_port = htons((uint16_t)port)};
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &guard, sizeof guard);
    return fd;
}

unsigned peer_free_port(void)
{
    struct sockaddr_in addr;
    socklen_t len = sizeof addr;
    int fd = new_socket(0, &addr);
    if (bind(fd, (struct sockaddr *)&addr, len) != 0 ||
        getsockname(fd, (struct sockaddr *)&addr, &len) != 0) {
        bench_fail("no free port: %s", strerror(errno));
    }
    close(fd);
    return ntohs(addr.sin_port);
}

int peer_connect(unsigned port)
{
    struct sockaddr_in addr;
    int fd = new_socket(port, &addr);
    if (connect(fd, (struct sockaddr *)&addr, sizeof addr) == 0) {
        return fd;
    }
    close(fd);
    return -1;
}

void peer_open(struct peer *peer)
{
    const char *base = getenv("TMPDIR");
    *peer = (struct peer){.port = peer_free_port()};
    snprintf(peer->dir, sizeof peer->dir, "%.30s/fa-peer-XXXXXX", base != NULL ? base : "/var/tmp");
    if (mkdtemp(peer->dir) == NULL) {
        bench_fail("%s: %s", peer->dir, strerror(errno));
    }
}

void peer_write(const struct peer *peer, const char *name, const char *fmt, ...)
{
    char path[128];
    va_list args;
    snprintf(path, sizeof path, "%s/%s", peer->dir, name);
    FILE *file = fopen(path, "we");
    if (file == NULL) {
        bench_fail("%s: %s", path, strerror(errno));
    }
    va_start(args, fmt);
    vfprintf(file, fmt, args);
    va_end(args);
    fclose(file);
}

static void exec_peer(const struct peer *peer, const char *const *argv)
{
    char log[128];
    snprintf(log, sizeof log, "%s/log", peer->dir);
    int fd = open(log, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    dup2(fd, 1);
    dup2(fd, 2);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execv(argv[0], (char *const *)argv);
    _exit(127);
}

void peer_start(struct peer *peer, const char *const *argv, const char *ready)
{
    fflush(stdout);
    peer->pid = fork();
    if (peer->pid == 0) {
        exec_peer(peer, argv);
    }
    int64_t start = bench_ns();
    for (int status = 0, fd; status != 200;) {
        if (bench_ms_since(start) > GUARD_MS || waitpid(peer->pid, NULL, WNOHANG) != 0) {
            bench_fail("%s does not start: see %s/log", argv[0], peer->dir);
        }
        bench_pause_us(10000);
        if ((fd = peer_connect(peer->port)) >= 0) {
            status = rig_get(fd, ready, NULL, 0);
            close(fd);
        }
    }
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    return remove(path);
}

void peer_close(struct peer *peer)
{
    kill(peer->pid, SIGKILL);
    waitpid(peer->pid, NULL, 0);
    nftw(peer->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
