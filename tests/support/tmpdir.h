/* SPDX-License-Identifier: MIT */
/* A directory of the test's own under TMPDIR or /var/tmp, and small files in it. */
#ifndef FA_TEST_TMPDIR_H
#define FA_TEST_TMPDIR_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct tmpdir {
    char path[128];
};

static inline void tmpdir_make(struct tmpdir *dir)
{
    const char *base = getenv("TMPDIR");
    snprintf(dir->path, sizeof dir->path, "%s/fa-test-XXXXXX", base != NULL ? base : "/var/tmp");
    if (mkdtemp(dir->path) == NULL) {
        perror(dir->path);
        abort();
    }
}

/* Two paths in turn, so that a call can name two files. */
static inline const char *tmpdir_file(const struct tmpdir *dir, const char *name)
{
    static char paths[2][512];
    static int next;
    next ^= 1;
    snprintf(paths[next], sizeof paths[next], "%s/%s", dir->path, name);
    return paths[next];
}

static inline void tmpdir_write(const struct tmpdir *dir, const char *name, const char *text,
                                mode_t mode)
{
    FILE *file = fopen(tmpdir_file(dir, name), "we");
    if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0 ||
        chmod(tmpdir_file(dir, name), mode) < 0) {
        perror(name);
        abort();
    }
}

/* Removes it with the plain files in it. */
static inline void tmpdir_remove(const struct tmpdir *dir)
{
    DIR *stream = opendir(dir->path);
    if (stream == NULL) {
        return;
    }
    for (struct dirent *at; (at = readdir(stream)) != NULL;) {
        if (strcmp(at->d_name, ".") != 0 && strcmp(at->d_name, "..") != 0) {
            (void)unlink(tmpdir_file(dir, at->d_name));
        }
    }
    closedir(stream);
    (void)rmdir(dir->path);
}

#endif
