/* SPDX-License-Identifier: MIT */
/* The real `firealarm` program against fake_api.py, in a home directory of its own. */
#ifndef CLIENT_RIG_H
#define CLIENT_RIG_H

#include "fa_test.h"

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define RIG_TEXT  (256u << 10)
#define RIG_WORDS 24

struct rig {
    char root[40], home[64], log[64], mode[80], socket[64], program[512];
    pid_t server; /* 0: none */
    int port;
    char out[RIG_TEXT], err[RIG_TEXT]; /* of the last run */
};

static inline void rig_path(char *path, size_t size, const struct rig *rig, const char *name)
{
    snprintf(path, size, "%s/%s", rig->root, name);
}

static inline void rig_write(const struct rig *rig, const char *name, const char *text)
{
    char path[128];
    rig_path(path, sizeof path, rig, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    assert_int_equal(chmod(path, 0600), 0);
}

/* The file's text, "" if there is none. */
static inline void rig_read(const struct rig *rig, const char *name, char *text)
{
    char path[128];
    rig_path(path, sizeof path, rig, name);
    FILE *file = fopen(path, "r");
    size_t len = file != NULL ? fread(text, 1, RIG_TEXT - 1, file) : 0;
    text[len] = '\0';
    if (file != NULL) {
        fclose(file);
    }
}

static inline void rig_serve(struct rig *rig, const char *const *arguments)
{
    char script[512], line[64] = "";
    const char *argv[RIG_WORDS] = {"/usr/bin/python3", script, "--log", rig->log};
    size_t argc = 4;
    int ready[2];
    snprintf(script, sizeof script, "%s/tests/support/fake_api.py", getenv("FA_SOURCE_DIR"));
    for (size_t i = 0; arguments[i] != NULL && argc + 1 < RIG_WORDS; i++) {
        argv[argc++] = arguments[i];
    }
    assert_int_equal(pipe(ready), 0);
    rig->server = fork();
    if (rig->server == 0) {
        dup2(ready[1], STDOUT_FILENO);
        close(ready[0]);
        execv(argv[0], (char *const *)argv);
        _exit(127);
    }
    close(ready[1]);
    FILE *file = fdopen(ready[0], "r");
    assert_non_null(fgets(line, sizeof line, file));
    fclose(file);
    assert_int_equal(strncmp(line, "ready", 5), 0);
    rig->port = (int)strtol(line + 5, NULL, 10);
}

static inline void rig_stop(struct rig *rig)
{
    if (rig->server > 0) {
        kill(rig->server, SIGKILL);
        waitpid(rig->server, NULL, 0);
        rig->server = 0;
    }
}

/* With a server on the Unix socket that the configuration names. */
static inline int rig_open(void **state)
{
    struct rig *rig = calloc(1, sizeof *rig);
    char config[256], dir[128];
    assert_non_null(getenv("FA_BUILD_DIR"));
    strcpy(rig->root, "/tmp/fa-client-XXXXXX");
    assert_non_null(mkdtemp(rig->root));
    snprintf(rig->home, sizeof rig->home, "%s/home", rig->root);
    snprintf(rig->log, sizeof rig->log, "%s/log", rig->root);
    snprintf(rig->mode, sizeof rig->mode, "%s/log.mode", rig->root);
    snprintf(rig->socket, sizeof rig->socket, "%s/api.sock", rig->root);
    snprintf(rig->program, sizeof rig->program, "%s/daemon/client/firealarm",
             getenv("FA_BUILD_DIR"));
    assert_int_equal(mkdir(rig->home, 0700), 0);
    snprintf(dir, sizeof dir, "%s/.config", rig->home);
    assert_int_equal(mkdir(dir, 0700), 0);
    snprintf(dir, sizeof dir, "%s/.config/firealarm", rig->home);
    assert_int_equal(mkdir(dir, 0700), 0);
    snprintf(config, sizeof config, "socket = \"%s\";\ntimeout = \"2s\";\n", rig->socket);
    rig_write(rig, "home/.config/firealarm/client.cfg", config);
    rig_serve(rig, (const char *const[]){"--unix", rig->socket, NULL});
    *state = rig;
    return 0;
}

static inline int rig_remove_one(const char *path, const struct stat *info, int kind,
                                 struct FTW *at)
{
    return remove(path);
}

static inline int rig_close(void **state)
{
    struct rig *rig = *state;
    rig_stop(rig);
    nftw(rig->root, rig_remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(rig);
    return 0;
}

/* In the child: becomes the program. */
static inline void rig_exec(const struct rig *rig, const char *const *arguments)
{
    char home[128];
    const char *argv[RIG_WORDS] = {rig->program};
    const char *env[] = {home,
                         "TZ=UTC",
                         "TERM=xterm",
                         "http_proxy=http://127.0.0.1:9",
                         "ASAN_OPTIONS=handle_segv=2:exitcode=99",
                         NULL};
    snprintf(home, sizeof home, "HOME=%s", rig->home);
    for (size_t i = 0; arguments[i] != NULL && i + 2 < RIG_WORDS; i++) {
        argv[i + 1] = arguments[i];
    }
    execve(rig->program, (char *const *)argv, (char *const *)env);
    _exit(127);
}

/* Starts it with input on standard input. */
static inline pid_t rig_start(struct rig *rig, const char *const *arguments, const char *input)
{
    static const char *const names[] = {"in", "out", "err"};
    rig_write(rig, "in", input);
    pid_t pid = fork();
    if (pid == 0) {
        for (int fd = 0; fd < 3; fd++) {
            char path[128];
            rig_path(path, sizeof path, rig, names[fd]);
            int file = open(path, fd == 0 ? O_RDONLY : O_WRONLY | O_CREAT | O_TRUNC, 0600);
            dup2(file, fd);
        }
        rig_exec(rig, arguments);
    }
    return pid;
}

static inline int rig_finish(struct rig *rig, pid_t pid)
{
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    rig_read(rig, "out", rig->out);
    rig_read(rig, "err", rig->err);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

#define RIG_RUN(rig, input, ...)                                                                   \
    rig_finish(rig, rig_start(rig, (const char *const[]){__VA_ARGS__, NULL}, input))

static inline void rig_mode(struct rig *rig, const char *mode)
{
    if (mode == NULL) {
        unlink(rig->mode);
    } else {
        rig_write(rig, "log.mode", mode);
    }
}

/* How often `needle` stands in what the server was sent. */
static inline size_t rig_sent(const struct rig *rig, const char *needle)
{
    char *text = malloc(RIG_TEXT);
    size_t count = 0;
    rig_read(rig, "log", text);
    for (const char *at = text; (at = strstr(at, needle)) != NULL; at++) {
        count++;
    }
    free(text);
    return count;
}

#endif
