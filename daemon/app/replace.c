/* SPDX-License-Identifier: MIT */
/* A small file that the daemon writes anew: temporary file, sync, rename, sync of the directory, so
 * that there is always a whole one. The temporary file is its own: what lies there, of a try that
 * was ended or from somebody who may write beside it (a FIFO, a link), is never opened. */
#include "app/internal.h"
#include "base/crashpoint.h"
#include "host/write.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool sync_directory_of(const char *path)
{
    char dir[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t len = slash != NULL ? (size_t)(slash - path) : 0;
    snprintf(dir, sizeof dir, "%.*s", (int)len, path);
    int fd = open(slash == NULL ? "." : len > 0 ? dir : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0) {
        close(fd);
    }
    return ok;
}

int fa_file_replace(const char *path, mode_t mode, struct fa_str bytes, struct fa_err *err)
{
    char temp[PATH_MAX];
    if (snprintf(temp, sizeof temp, "%s.new", path) >= (int)sizeof temp) {
        return fa_err_set(err, FA_EINVAL, "the name %.300s... is too long", path);
    }
    if (unlink(temp) != 0 && errno != ENOENT) {
        return fa_err_set(err, FA_EIO,
                          "%.300s cannot be written: %.300s is in the way: %s; remove it", path,
                          temp, strerror(errno));
    }
    int fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    bool ok = fd >= 0 && fa_write_all(fd, bytes) && fsync(fd) == 0;
    int error = errno;
    if (fd >= 0) {
        close(fd);
    }
    FA_CRASHPOINT("app.before_replace");
    if (ok && rename(temp, path) != 0) {
        error = errno;
        ok = false;
    }
    FA_CRASHPOINT("app.after_replace");
    if (ok && !sync_directory_of(path)) {
        error = errno;
        ok = false;
    }
    return ok ? 0 : fa_err_set(err, FA_EIO, "%.300s cannot be written: %s", path, strerror(error));
}
