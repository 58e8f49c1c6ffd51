/* SPDX-License-Identifier: MIT */
/* Taking a copy of the daemon's store and putting one back, for tests of the whole daemon. */
#ifndef FA_TEST_COPY_RIG_H
#define FA_TEST_COPY_RIG_H

#include "daemon_rig.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#define RIG_OPERATOR 2007 /* ines */

static inline const struct rig_reply *rig_backup_ask(struct rig *rig, const char *method)
{
    return rig_ask(rig, &(struct rig_call){.method = method,
                                           .path = "/v1/backup",
                                           .body = method[0] == 'P' ? "{}" : NULL,
                                           .uid = getuid() == 0 ? RIG_OPERATOR : 0});
}

/* The state; the text of one member in ret when that is not NULL. */
static inline bool rig_backup_is(struct rig *rig, const char *state, const char *member,
                                 char ret[400])
{
    json_t *root = rig_json(rig_backup_ask(rig, "GET"));
    const char *is = json_string_value(json_object_get(root, "state"));
    const char *text = member != NULL ? json_string_value(json_object_get(root, member)) : NULL;
    bool found = is != NULL && strcmp(is, state) == 0;
    if (ret != NULL) {
        snprintf(ret, 400, "%s", text != NULL ? text : "");
    }
    json_decref(root);
    return found;
}

/* Takes one and gives its directory. */
static inline void rig_backup(struct rig *rig, char path[400])
{
    assert_int_equal(rig_backup_ask(rig, "POST")->status, 202);
    rig_until(rig, rig_backup_is(rig, "done", "path", path));
}

/* Starts firealarmd --restore, its words go to the file "restore.out"; under: see struct rig. */
static inline pid_t rig_restore_start(struct rig *rig, const char *const *under, const char *copy,
                                      bool yes)
{
    char build[3][300];
    const char *argv[40], *dir = getenv("FA_BUILD_DIR");
    size_t n = 0;
    snprintf(build[0], sizeof build[0], "%s/daemon/app/firealarmd",
             dir != NULL ? dir : "build-dev");
    snprintf(build[1], sizeof build[1], "%s/plugins", dir != NULL ? dir : "build-dev");
    snprintf(build[2], sizeof build[2], "%s", rig_path(rig, "state"));
    while (under != NULL && under[n] != NULL) {
        argv[n] = under[n];
        n++;
    }
    const char *own[] = {build[0],    "--restore",          copy,     "-c",
                         rig->config, "--plugins",          build[1], "--state",
                         build[2],    yes ? "--yes" : NULL, NULL};
    memcpy(argv + n, own, sizeof own);
    pid_t pid = fork();
    if (pid == 0) {
        int out = open(rig_path(rig, "restore.out"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
        int in = open("/dev/null", O_RDONLY);
        dup2(in, 0);
        dup2(out, 1);
        dup2(out, 2);
        if (under != NULL) {
            setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
        }
        execvp(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    return pid;
}

/* Its wait status. */
static inline int rig_restore(struct rig *rig, const char *const *under, const char *copy, bool yes)
{
    int status = 0;
    pid_t pid = rig_restore_start(rig, under, copy, yes);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static inline bool rig_restore_said(struct rig *rig, const char *word)
{
    char *text = NULL;
    bool said = rig_has_text(rig_path(rig, "restore.out"), word, &text);
    if (said) {
        free(text);
    }
    return said;
}

#endif
