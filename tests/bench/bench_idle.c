/* SPDX-License-Identifier: MIT */
/* links: fa_bench_rig */
/* What the daemon takes while nothing happens: memory of each process (Pss: shared pages are
 * divided among those that share them), how often each of its threads wakes up in a minute, the
 * libraries it has loaded, and how long a start takes until sd_notify says READY. Aims: 10 MiB for
 * the daemon, 20 for all, 2 wake-ups a minute a process, 15 ms. */
#include "flood.h"
#include "rig.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define STARTS    9
#define SETTLE_US 3000000
#define MINUTE_MS 60000.0

static int open_notify(char *path, size_t size)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    struct timeval guard = {30, 0};
    snprintf(path, size, "/tmp/fa-bench-notify-%d", (int)getpid());
    snprintf(addr.sun_path, sizeof addr.sun_path, "%s", path);
    unlink(path);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (bind(fd, (struct sockaddr *)&addr, sizeof addr) != 0) {
        bench_fail("%s: %s", path, strerror(errno));
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &guard, sizeof guard);
    setenv("NOTIFY_SOCKET", path, 1);
    return fd;
}

/* Ends when READY=1 came. */
static void await_ready(int fd)
{
    char text[256];
    do {
        ssize_t len = recv(fd, text, sizeof text - 1, 0);
        if (len < 0) {
            bench_fail("no READY: %s", strerror(errno));
        }
        text[len] = '\0';
    } while (strstr(text, "READY=1") == NULL);
}

static void drain(int fd)
{
    char text[256];
    while (recv(fd, text, sizeof text, MSG_DONTWAIT) > 0) {
    }
}

static void measure_starts(struct rig *rig, int notify)
{
    struct figures first = {0}, again = {0};
    for (int i = 0; i < STARTS; i++) {
        drain(notify);
        int64_t start = bench_ns();
        rig_exec(rig);
        await_ready(notify);
        figures_add(i == 0 ? &first : &again, bench_ms_since(start));
        rig_await(rig);
        if (i + 1 < STARTS) {
            rig_stop(rig);
        }
    }
    figures_print(&first, "idle_first_start_ready_ms");
    figures_print(&again, "idle_start_ready_ms");
    figures_done(&first);
    figures_done(&again);
}

static double field_of(pid_t pid, const char *file, const char *name)
{
    char path[64], line[256];
    double value = 0;
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, file);
    FILE *in = fopen(path, "re");
    while (in != NULL && fgets(line, sizeof line, in) != NULL) {
        if (strncmp(line, name, strlen(name)) == 0) {
            value = strtod(line + strlen(name), NULL);
        }
    }
    if (in != NULL) {
        fclose(in);
    }
    return value;
}

/* Of all threads: each time one was put to run after it had waited. */
static double wakeups_of(pid_t pid)
{
    char path[64], file[300];
    double sum = 0;
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *dir = opendir(path);
    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] != '.') {
            snprintf(file, sizeof file, "task/%s/status", entry->d_name);
            sum += field_of(pid, file, "voluntary_ctxt_switches:");
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
    return sum;
}

static void print_libraries(pid_t pid, const char *name)
{
    char path[64], line[512], last[512] = "";
    unsigned count = 0;
    snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
    FILE *in = fopen(path, "re");
    printf("idle_%s_libraries=\"", name);
    while (in != NULL && fgets(line, sizeof line, in) != NULL) {
        char *file = strrchr(line, '/'), *end = file != NULL ? strstr(file, ".so") : NULL;
        if (end == NULL || strcmp(file, last) == 0) {
            continue;
        }
        snprintf(last, sizeof last, "%s", file);
        *end = '\0';
        printf("%s%s", count++ > 0 ? " " : "", file + 1);
    }
    if (in != NULL) {
        fclose(in);
    }
    printf("\" idle_%s_library_count=%u\n", name, count);
}

int main(void)
{
    struct rig rig = {.rules = NULL};
    char path[64];
    int notify = open_notify(path, sizeof path);
    rig_open(&rig);
    measure_starts(&rig, notify);
    pid_t pids[] = {rig.pid, rig_courier(&rig)};
    static const char *const names[] = {"daemon", "courier"};
    double wakeups[2], cpu[2], all = 0;
    bench_pause_us(SETTLE_US);
    for (size_t i = 0; i < 2; i++) {
        wakeups[i] = wakeups_of(pids[i]);
        cpu[i] = flood_cpu_us(pids[i]);
    }
    bench_pause_us((long)(MINUTE_MS * 1000));
    for (size_t i = 0; i < 2; i++) {
        double pss = field_of(pids[i], "smaps_rollup", "Pss:") / 1024;
        all += pss;
        printf("idle_%s_pss_mib=%.1f idle_%s_rss_mib=%.1f idle_%s_wakeups_a_minute=%.0f "
               "idle_%s_cpu_us_a_minute=%.0f\n",
               names[i], pss, names[i], usage_of(pids[i]).rss_mib, names[i],
               wakeups_of(pids[i]) - wakeups[i], names[i], flood_cpu_us(pids[i]) - cpu[i]);
        print_libraries(pids[i], names[i]);
    }
    printf("idle_all_pss_mib=%.1f\n", all);
    rig_close(&rig);
    close(notify);
    unlink(path);
    return 0;
}
