/* SPDX-License-Identifier: MIT */
/* The store's directory: which file system it may be on, the lock, the ballast.
 *
 * Invariants:
 *  1. Two daemons never have one directory. SQLite's own locks cannot promise that: POSIX locks
 *     are gone as soon as anything in the process opens and closes the database file. So the lock
 *     is an flock on a file of its own, which the kernel frees when the holder dies; it holds the
 *     pid for the message of whoever comes second.
 *  2. The database file is never opened here by path once SQLite has it, for the same reason.
 *  3. What was committed counts only while the files still have their names: open ones outlive
 *     `rm -r`, and what is written into them is lost. */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

/* File systems that forget at power loss, lie about locks or lose what was synced. */
static const struct {
    uint32_t magic;
    const char *name;
} unsafe_fs[] = {
    {0x00006969, "NFS"},    {0x0000517b, "SMB"},       {0xff534d42, "CIFS"},  {0xfe534d42, "SMB2"},
    {0x01021997, "9p"},     {0x65735546, "FUSE"},      {0x00c36400, "Ceph"},  {0x5346414f, "AFS"},
    {0x0bd00bd0, "Lustre"}, {0x01161970, "GFS2"},      {0x7461636f, "OCFS2"}, {0x01021994, "tmpfs"},
    {0x858458f6, "ramfs"},  {0x794c7630, "overlayfs"},
};

int32_t sqlite_fail(struct firealarm_error *error, int32_t code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(error->text, sizeof error->text, fmt, ap);
    va_end(ap);
    return code;
}

static int32_t check_fs(const struct dir *dir, struct firealarm_error *error)
{
    struct statfs fs;
    if (fstatfs(dir->fd, &fs) < 0) {
        return sqlite_fail(error, FIREALARM_STORE_FAILED, "%s: %s", dir->path, strerror(errno));
    }
    for (size_t i = 0; i < sizeof unsafe_fs / sizeof unsafe_fs[0]; i++) {
        if ((uint32_t)fs.f_type == unsafe_fs[i].magic) {
            return sqlite_fail(error, FIREALARM_STORE_FAILED,
                               "%s is on %s, which can lose what was stored: use a local disk, or "
                               "set allow_unsafe_fs = true",
                               dir->path, unsafe_fs[i].name);
        }
    }
    return 0;
}

static int32_t say_holder(const struct dir *dir, struct firealarm_error *error)
{
    char pid[24] = "";
    ssize_t n = pread(dir->lock_fd, pid, sizeof pid - 1, 0);
    pid[n > 0 ? n : 0] = '\0';
    pid[strspn(pid, "0123456789")] = '\0';
    return sqlite_fail(error, FIREALARM_STORE_BUSY, "%s is held by process %s", dir->path,
                       pid[0] != '\0' ? pid : "(not known)");
}

static int32_t take_lock(struct dir *dir, struct firealarm_error *error)
{
    dir->lock_fd = openat(dir->fd, LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (dir->lock_fd < 0) {
        return sqlite_fail(error, FIREALARM_STORE_FAILED, "%s/%s: %s", dir->path, LOCK_FILE,
                           strerror(errno));
    }
    if (flock(dir->lock_fd, LOCK_EX | LOCK_NB) < 0) {
        if (errno == EWOULDBLOCK) {
            return say_holder(dir, error);
        }
        return sqlite_fail(error, FIREALARM_STORE_FAILED, "%s/%s: %s", dir->path, LOCK_FILE,
                           strerror(errno));
    }
    char pid[24];
    int len = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    /* A full disk must not keep us from starting: the pid is a courtesy, the lock is not. */
    if (ftruncate(dir->lock_fd, 0) == 0 && pwrite(dir->lock_fd, pid, (size_t)len, 0) != len) {
        (void)!ftruncate(dir->lock_fd, 0);
    }
    return 0;
}

int32_t sqlite_dir_open(struct dir *dir, const char *path, bool allow_unsafe_fs,
                        struct firealarm_error *error)
{
    int32_t rc = 0;
    dir->lock_fd = -1;
    dir->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir->fd < 0) {
        return sqlite_fail(error, FIREALARM_STORE_FAILED, "%s: %s%s", path, strerror(errno),
                           errno == ENOENT ? " (make it, or set StateDirectory= in the unit)" : "");
    }
    dir->path = strdup(path);
    if (dir->path == NULL) {
        rc = sqlite_fail(error, FIREALARM_STORE_FAILED, "out of memory");
    }
    if (rc == 0 && !allow_unsafe_fs) {
        rc = check_fs(dir, error);
    }
    if (rc == 0) {
        rc = take_lock(dir, error);
    }
    if (rc != 0) {
        sqlite_dir_close(dir);
    }
    return rc;
}

void sqlite_dir_close(struct dir *dir)
{
    if (dir->lock_fd >= 0) {
        close(dir->lock_fd);
    }
    if (dir->fd >= 0) {
        close(dir->fd);
    }
    free(dir->path);
    *dir = (struct dir){.fd = -1, .lock_fd = -1};
}

int32_t sqlite_dir_there(const struct dir *dir, struct firealarm_error *error)
{
    static const char *const files[] = {DB_FILE, DB_FILE "-wal", LOCK_FILE};
    struct stat ours, found;
    if (fstat(dir->fd, &ours) < 0 || stat(dir->path, &found) < 0 || ours.st_dev != found.st_dev ||
        ours.st_ino != found.st_ino) {
        return sqlite_fail(error, FIREALARM_STORE_UNKNOWN,
                           "%s was removed or moved away while it was in use: put it back",
                           dir->path);
    }
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        if (fstatat(dir->fd, files[i], &found, AT_SYMLINK_NOFOLLOW) < 0) {
            return sqlite_fail(error, FIREALARM_STORE_UNKNOWN,
                               "%s/%s was removed while it was in use: put a backup back",
                               dir->path, files[i]);
        }
    }
    return 0;
}

/* As much again must stay free, or the next commits would be full again at once. */
static bool has_room(const struct dir *dir)
{
    struct statvfs fs;
    return fstatvfs(dir->fd, &fs) == 0 &&
           (uint64_t)fs.f_bavail * fs.f_frsize >= 2 * (uint64_t)dir->ballast_bytes;
}

int32_t sqlite_dir_hold(struct dir *dir, struct firealarm_error *error)
{
    struct stat st;
    if (dir->ballast_bytes == 0 || (fstatat(dir->fd, BALLAST_FILE, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
                                    st.st_size == dir->ballast_bytes)) {
        return 0;
    }
    if (!has_room(dir)) {
        return sqlite_fail(error, FIREALARM_STORE_FULL, "%s: no room for the ballast file",
                           dir->path);
    }
    int fd =
        openat(dir->fd, BALLAST_FILE, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    int code = fd < 0 ? errno : posix_fallocate(fd, 0, dir->ballast_bytes);
    if (fd >= 0) {
        close(fd);
    }
    if (code != 0) {
        (void)unlinkat(dir->fd, BALLAST_FILE, 0);
        return sqlite_fail(error, code == ENOSPC ? FIREALARM_STORE_FULL : FIREALARM_STORE_FAILED,
                           "%s/%s: %s", dir->path, BALLAST_FILE, strerror(code));
    }
    return 0;
}

int32_t sqlite_dir_release(struct dir *dir, struct firealarm_error *error)
{
    if (unlinkat(dir->fd, BALLAST_FILE, 0) < 0) {
        int32_t code = errno == ENOENT ? FIREALARM_STORE_NOT_FOUND : FIREALARM_STORE_FAILED;
        return sqlite_fail(error, code, "%s/%s: %s", dir->path, BALLAST_FILE, strerror(errno));
    }
    return 0;
}
