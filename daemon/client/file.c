/* SPDX-License-Identifier: MIT */
/* The few ways in which the client writes and reads files. No temporary file is made anywhere but
 * beside what it becomes; nothing is ever readable by others, whatever the umask. */
#include "client/file.h"

#include "base/panic.h"
#include "client/interrupt.h"
#include "host/write.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static int io_error(struct fa_err *err, const char *path, const char *what)
{
    return fa_err_at(err, FA_EIO, path, 0, 0, "%s: %s", what, strerror(errno));
}

int fa_dir_make(const char *path, struct fa_err *err)
{
    struct stat info;
    char *copy = fa_xstrdup(path);
    int rc = 0;
    for (char *at = copy + 1; rc == 0 && *at != '\0'; at++) {
        if (*at == '/') {
            *at = '\0';
            rc = mkdir(copy, 0700) != 0 && errno != EEXIST
                     ? io_error(err, copy, "cannot make the directory")
                     : 0;
            *at = '/';
        }
    }
    if (rc == 0 && mkdir(path, 0700) != 0 && errno != EEXIST) {
        rc = io_error(err, path, "cannot make the directory");
    }
    if (rc == 0 && stat(path, &info) != 0) {
        rc = io_error(err, path, "cannot look at the directory");
    } else if (rc == 0 && !S_ISDIR(info.st_mode)) {
        rc = fa_err_at(err, FA_EINVAL, path, 0, 0, "is no directory");
    } else if (rc == 0 && (info.st_uid != geteuid() || (info.st_mode & 077) != 0)) {
        rc = fa_err_at(err, FA_EDENIED, path, 0, 0,
                       "the directory is not yours alone. Say 'chmod 700' on it");
    }
    free(copy);
    return rc;
}

int fa_dir_sync(const char *path, struct fa_err *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return io_error(err, path, "cannot be opened");
    }
    int rc = fsync(fd) != 0 ? io_error(err, path, "cannot be brought to disk") : 0;
    close(fd);
    return rc;
}

int fa_file_create(const char *path, const char *text, int *ret_fd, struct fa_err *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return io_error(err, path, "cannot be made");
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0 || !fa_write_all(fd, fa_str_of(text)) || fsync(fd) != 0) {
        int rc = io_error(err, path, "cannot be written");
        unlink(path);
        close(fd);
        return rc;
    }
    *ret_fd = fd;
    return 0;
}

int fa_file_read(int fd, const char *name, struct fa_buf *buf, struct fa_err *err)
{
    char bytes[4096];
    for (;;) {
        ssize_t n = read(fd, bytes, sizeof bytes);
        if (n < 0 && errno == EINTR && !fa_interrupted()) {
            continue;
        }
        if (n < 0) {
            int rc = fa_interrupted() ? fa_err_set(err, FA_ECLOSED, "stopped")
                                      : io_error(err, name, "cannot be read");
            return rc;
        }
        if (n == 0) {
            explicit_bzero(bytes, sizeof bytes);
            return 0;
        }
        fa_buf_put(buf, bytes, (size_t)n);
        if (buf->over) {
            return fa_err_at(err, FA_ETOOBIG, name, 0, 0, "is longer than %zu KiB", buf->max >> 10);
        }
    }
}
