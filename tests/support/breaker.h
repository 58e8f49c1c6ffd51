/* SPDX-License-Identifier: MIT */
/* Makes system calls of one thread fail or wait, by strace: the n-th of a kind, or all from there
 * on. It ends with breaker_stop(); the thread then goes on unharmed. */
#ifndef FA_TEST_BREAKER_H
#define FA_TEST_BREAKER_H

#include "daemon_rig.h"

#include <dirent.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* The store's writer: the thread of the daemon that is not the first. */
static inline pid_t breaker_writer(pid_t pid)
{
    char path[64];
    pid_t found = 0;
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *dir = opendir(path);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        long tid = strtol(entry->d_name, NULL, 10);
        found = tid > 0 && tid != pid ? (pid_t)tid : found;
    }
    closedir(dir);
    assert_true(found > 0);
    return found;
}

static inline bool breaker_is_traced(pid_t pid, pid_t tid)
{
    char path[64], line[200];
    long tracer = 0;
    snprintf(path, sizeof path, "/proc/%d/task/%d/status", (int)pid, (int)tid);
    FILE *file = fopen(path, "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        (void)sscanf(line, "TracerPid: %ld", &tracer);
    }
    if (file != NULL) {
        fclose(file);
    }
    return tracer != 0;
}

/* what: e.g. "error=EIO:when=3" or "delay_enter=2000000". 0: strace may not be used here; -1: the
 * daemon ended at once. */
static inline pid_t breaker_start(struct rig *rig, pid_t tid, const char *call, const char *what)
{
    char inject[200], trace[100], who[24];
    const char *out = rig_path(rig, "broken");
    snprintf(inject, sizeof inject, "inject=%s:%s", call, what);
    snprintf(trace, sizeof trace, "trace=%s", call);
    snprintf(who, sizeof who, "%d", (int)tid);
    (void)unlink(out);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        execlp("strace", "strace", "-qq", "-o", out, "-e", trace, "-e", inject, "-p", who,
               (char *)NULL);
        _exit(127);
    }
    int status;
    bool over = false;
    rig_until(rig,
              breaker_is_traced(rig->pid, tid) || (over = waitpid(pid, &status, WNOHANG) == pid));
    return !over ? pid : WIFEXITED(status) && WEXITSTATUS(status) == 0 ? -1 : 0;
}

/* True when it has broken something. */
static inline bool breaker_stop(struct rig *rig, pid_t pid)
{
    char *text = NULL;
    if (pid > 0) {
        kill(pid, SIGTERM);
        (void)waitpid(pid, NULL, 0);
    }
    bool broke = rig_has_text(rig_path(rig, "broken"), "INJECTED", &text) ||
                 rig_has_text(rig_path(rig, "broken"), "DELAYED", &text);
    free(text);
    return broke;
}

#endif
