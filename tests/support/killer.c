/* SPDX-License-Identifier: MIT */
/* The tracer is a process of its own, for only the one that attached may wait for the traced; it
 * and the test share one page. When it is killed, the kernel lets the traced go on. */
#include "killer.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/ptrace.h>

struct shared {
    atomic_ulong count;
    atomic_bool fired;
};

struct killer {
    pid_t tracer;
    struct shared *shared;
};

static bool is_entry(pid_t tid)
{
    struct ptrace_syscall_info info;
    return ptrace(PTRACE_GET_SYSCALL_INFO, tid, (void *)sizeof info, &info) > 0 &&
           info.op == PTRACE_SYSCALL_INFO_ENTRY;
}

/* One stop of one thread; lets it go on. */
static void on_stop(struct shared *shared, pid_t pid, pid_t tid, int status, unsigned long at)
{
    long deliver = 0;
    if (WSTOPSIG(status) == (SIGTRAP | 0x80)) {
        if (is_entry(tid) && atomic_fetch_add(&shared->count, 1) + 1 == at) {
            atomic_store(&shared->fired, true);
            kill(pid, SIGKILL);
            return;
        }
    } else if (status >> 16 == 0) {
        deliver = WSTOPSIG(status);
    }
    (void)ptrace(PTRACE_SYSCALL, tid, NULL, (void *)deliver);
}

static void trace(struct shared *shared, pid_t pid, pid_t tid, unsigned long at, long options,
                  int ready)
{
    int status;
    pid_t stopped;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (ptrace(PTRACE_SEIZE, tid, NULL, (void *)(PTRACE_O_TRACESYSGOOD | options)) != 0 ||
        ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) != 0 || waitpid(tid, &status, __WALL) != tid ||
        !WIFSTOPPED(status) || ptrace(PTRACE_SYSCALL, tid, NULL, NULL) != 0 ||
        write(ready, "y", 1) != 1) {
        _exit(1);
    }
    while ((stopped = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR) {
        if (stopped > 0 && WIFSTOPPED(status)) {
            on_stop(shared, pid, stopped, status, at);
        }
    }
    _exit(0);
}

struct killer *killer_aim(pid_t pid, pid_t tid, unsigned long at, bool follow)
{
    int ready[2];
    char byte;
    struct killer *killer = calloc(1, sizeof *killer);
    killer->shared = mmap(NULL, sizeof *killer->shared, PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (killer->shared == MAP_FAILED || pipe2(ready, 0) != 0) {
        abort();
    }
    killer->tracer = fork();
    if (killer->tracer == 0) {
        close(ready[0]);
        trace(killer->shared, pid, tid, at, follow ? PTRACE_O_TRACECLONE : 0, ready[1]);
    }
    close(ready[1]);
    bool armed = killer->tracer > 0 && read(ready[0], &byte, 1) == 1;
    close(ready[0]);
    if (!armed) {
        killer_release(killer);
        return NULL;
    }
    return killer;
}

unsigned long killer_count(const struct killer *killer)
{
    return atomic_load(&killer->shared->count);
}

bool killer_has_fired(const struct killer *killer)
{
    return atomic_load(&killer->shared->fired);
}

bool killer_disarm(struct killer *killer)
{
    if (killer->tracer > 0) {
        kill(killer->tracer, SIGKILL);
        while (waitpid(killer->tracer, NULL, 0) < 0 && errno == EINTR) {
        }
        killer->tracer = 0;
    }
    return killer_has_fired(killer);
}

unsigned long killer_release(struct killer *killer)
{
    if (killer == NULL) {
        return 0;
    }
    (void)killer_disarm(killer);
    unsigned long count = atomic_load(&killer->shared->count);
    munmap(killer->shared, sizeof *killer->shared);
    free(killer);
    return count;
}
