/* SPDX-License-Identifier: MIT */
/* The system calls of the code under test, by the linker's --wrap: those on the fake disk go there,
 * all others to the system. Descriptors of the fake disk begin at FIRST_FD, where no real one is.
 */
#include "fake_disk.h"

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

#define FIRST_FD   (1 << 24)
#define FDS        16
#define EXT4_MAGIC 0xef53

struct fd {
    bool used, is_dir;
    size_t node;
    off_t at;
    char path[64];
};
static struct fd fds[FDS];

/* The linker's names, as declared and as defined here. */
int __real_open(const char *path, int flags, ...);
int __real_openat(int dir, const char *name, int flags, ...);
int __real_close(int fd);
ssize_t __real_read(int fd, void *buf, size_t len);
ssize_t __real_pread(int fd, void *buf, size_t len, off_t offset);
ssize_t __real_write(int fd, const void *buf, size_t len);
ssize_t __real_pwrite(int fd, const void *buf, size_t len, off_t offset);
int __real_ftruncate(int fd, off_t size);
int __real_posix_fallocate(int fd, off_t offset, off_t len);
int __real_fsync(int fd);
int __real_fdatasync(int fd);
int __real_flock(int fd, int how);
int __real_fstat(int fd, struct stat *st);
int __real_stat(const char *path, struct stat *st);
int __real_fstatat(int dir, const char *name, struct stat *st, int flags);
int __real_fstatfs(int fd, struct statfs *fs);
int __real_fstatvfs(int fd, struct statvfs *fs);
int __real_fchmodat(int dir, const char *name, mode_t mode, int flags);
int __real_unlink(const char *path);
int __real_unlinkat(int dir, const char *name, int flags);
int __real_link(const char *from, const char *to);
int __real_rename(const char *from, const char *to);
int __real_renameat(int from_dir, const char *from, int to_dir, const char *to);

int __wrap_open(const char *path, int flags, ...);
int __wrap_openat(int dir, const char *name, int flags, ...);
int __wrap_close(int fd);
ssize_t __wrap_read(int fd, void *buf, size_t len);
ssize_t __wrap_pread(int fd, void *buf, size_t len, off_t offset);
ssize_t __wrap_write(int fd, const void *buf, size_t len);
ssize_t __wrap_pwrite(int fd, const void *buf, size_t len, off_t offset);
int __wrap_ftruncate(int fd, off_t size);
int __wrap_posix_fallocate(int fd, off_t offset, off_t len);
int __wrap_fsync(int fd);
int __wrap_fdatasync(int fd);
int __wrap_flock(int fd, int how);
int __wrap_fstat(int fd, struct stat *st);
int __wrap_stat(const char *path, struct stat *st);
int __wrap_fstatat(int dir, const char *name, struct stat *st, int flags);
int __wrap_fstatfs(int fd, struct statfs *fs);
int __wrap_fstatvfs(int fd, struct statvfs *fs);
int __wrap_fchmodat(int dir, const char *name, mode_t mode, int flags);
int __wrap_unlink(const char *path);
int __wrap_unlinkat(int dir, const char *name, int flags);
int __wrap_link(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __wrap_renameat(int from_dir, const char *from, int to_dir, const char *to);

static bool is_ours(const char *path)
{
    return strncmp(path, FAKE_ROOT, strlen(FAKE_ROOT)) == 0;
}

static bool is_dir(const char *path)
{
    return strcmp(path, FAKE_STORE) == 0 || strcmp(path, FAKE_KEYS) == 0;
}

static struct fd *fd_of(int fd)
{
    return fd >= FIRST_FD && fd < FIRST_FD + FDS && fds[fd - FIRST_FD].used ? &fds[fd - FIRST_FD]
                                                                            : NULL;
}

/* The path of a name in a directory of ours; false: it is the system's. */
static bool join(int dir, const char *name, char path[64])
{
    const struct fd *fd = fd_of(dir);
    if (fd == NULL || strlen(fd->path) + 1 + strlen(name) >= 64) {
        return false;
    }
    snprintf(path, 64, "%s/", fd->path);
    strcat(path, name);
    return true;
}

static int said(int code)
{
    errno = code;
    return code == 0 ? 0 : -1;
}

static int new_fd(const char *path, size_t node)
{
    for (int i = 0; i < FDS; i++) {
        if (!fds[i].used) {
            fds[i] = (struct fd){.used = true, .is_dir = node == FAKE_NONE, .node = node};
            snprintf(fds[i].path, sizeof fds[i].path, "%s", path);
            return FIRST_FD + i;
        }
    }
    return said(EMFILE);
}

static int open_ours(const char *path, int flags)
{
    if (fake_fails(FAKE_OPEN)) {
        return -1;
    }
    if (is_dir(path)) {
        return new_fd(path, FAKE_NONE);
    }
    size_t node = fake_find(path);
    if (node != FAKE_NONE && (flags & O_CREAT) && (flags & O_EXCL)) {
        return said(EEXIST);
    }
    if (node == FAKE_NONE && !(flags & O_CREAT)) {
        return said(ENOENT);
    }
    if (node == FAKE_NONE) {
        node = fake_create(path);
    } else if (flags & O_TRUNC) {
        (void)fake_resize(FAKE_TRUNCATE, node, 0);
    }
    return new_fd(path, node);
}

static mode_t mode_of(va_list ap, int flags)
{
    return flags & O_CREAT ? va_arg(ap, mode_t) : 0;
}

int __wrap_open(const char *path, int flags, ...)
{
    va_list ap;
    va_start(ap, flags);
    mode_t mode = mode_of(ap, flags);
    va_end(ap);
    return is_ours(path) ? open_ours(path, flags) : __real_open(path, flags, mode);
}

int __wrap_openat(int dir, const char *name, int flags, ...)
{
    char path[64];
    va_list ap;
    va_start(ap, flags);
    mode_t mode = mode_of(ap, flags);
    va_end(ap);
    return join(dir, name, path) ? open_ours(path, flags) : __real_openat(dir, name, flags, mode);
}

int __wrap_close(int fd)
{
    struct fd *ours = fd_of(fd);
    if (ours == NULL) {
        return __real_close(fd);
    }
    ours->used = false;
    return 0;
}

static ssize_t read_ours(struct fd *fd, void *buf, size_t len, off_t offset)
{
    return fake_fails(FAKE_READ) ? -1 : (ssize_t)fake_read(fd->node, (uint64_t)offset, buf, len);
}

ssize_t __wrap_read(int fd, void *buf, size_t len)
{
    struct fd *ours = fd_of(fd);
    if (ours == NULL) {
        return __real_read(fd, buf, len);
    }
    ssize_t got = read_ours(ours, buf, len, ours->at);
    ours->at += got > 0 ? got : 0;
    return got;
}

ssize_t __wrap_pread(int fd, void *buf, size_t len, off_t offset)
{
    struct fd *ours = fd_of(fd);
    return ours == NULL ? __real_pread(fd, buf, len, offset) : read_ours(ours, buf, len, offset);
}

static ssize_t write_ours(struct fd *fd, const void *buf, size_t len, off_t offset)
{
    int code = fake_write(FAKE_WRITE, fd->node, (uint64_t)offset, buf, len);
    if (code != 0 && fake_disk_now()->fault.half && !fake_disk_now()->frozen) {
        return (ssize_t)(len / 2);
    }
    return said(code) == 0 ? (ssize_t)len : -1;
}

ssize_t __wrap_write(int fd, const void *buf, size_t len)
{
    struct fd *ours = fd_of(fd);
    if (ours == NULL) {
        return __real_write(fd, buf, len);
    }
    ssize_t done = write_ours(ours, buf, len, ours->at);
    ours->at += done > 0 ? done : 0;
    return done;
}

ssize_t __wrap_pwrite(int fd, const void *buf, size_t len, off_t offset)
{
    struct fd *ours = fd_of(fd);
    return ours == NULL ? __real_pwrite(fd, buf, len, offset) : write_ours(ours, buf, len, offset);
}

int __wrap_ftruncate(int fd, off_t size)
{
    struct fd *ours = fd_of(fd);
    return ours == NULL ? __real_ftruncate(fd, size)
                        : said(fake_resize(FAKE_TRUNCATE, ours->node, (uint64_t)size));
}

int __wrap_posix_fallocate(int fd, off_t offset, off_t len)
{
    struct fd *ours = fd_of(fd);
    return ours == NULL ? __real_posix_fallocate(fd, offset, len)
                        : fake_resize(FAKE_ALLOCATE, ours->node, (uint64_t)(offset + len));
}

int __wrap_fsync(int fd)
{
    struct fd *ours = fd_of(fd);
    if (ours == NULL) {
        return __real_fsync(fd);
    }
    return said(ours->is_dir ? fake_sync_dir(FAKE_SYNC, ours->path)
                             : fake_sync(FAKE_SYNC, ours->node));
}

int __wrap_fdatasync(int fd)
{
    return fd_of(fd) == NULL ? __real_fdatasync(fd) : __wrap_fsync(fd);
}

int __wrap_flock(int fd, int how)
{
    return fd_of(fd) == NULL ? __real_flock(fd, how) : fake_fails(FAKE_FLOCK) ? -1 : 0;
}

static int stat_ours(const char *path, size_t node, struct stat *st)
{
    if (fake_fails(FAKE_STAT)) {
        return -1;
    }
    *st = (struct stat){.st_dev = 77, .st_nlink = 1};
    if (node == FAKE_NONE && !is_dir(path)) {
        return said(ENOENT);
    }
    if (node == FAKE_NONE) {
        st->st_mode = S_IFDIR | 0700;
        st->st_ino = strlen(path); /* the directories' names differ in length */
        return 0;
    }
    st->st_mode = S_IFREG | 0600;
    st->st_ino = 1000 + node;
    st->st_size = (off_t)fake_disk_now()->now.nodes[node].size;
    return 0;
}

int __wrap_fstat(int fd, struct stat *st)
{
    struct fd *ours = fd_of(fd);
    return ours == NULL ? __real_fstat(fd, st) : stat_ours(ours->path, ours->node, st);
}

int __wrap_stat(const char *path, struct stat *st)
{
    return is_ours(path) ? stat_ours(path, fake_find(path), st) : __real_stat(path, st);
}

int __wrap_fstatat(int dir, const char *name, struct stat *st, int flags)
{
    char path[64];
    return join(dir, name, path) ? stat_ours(path, fake_find(path), st)
                                 : __real_fstatat(dir, name, st, flags);
}

int __wrap_fstatfs(int fd, struct statfs *fs)
{
    if (fd_of(fd) == NULL) {
        return __real_fstatfs(fd, fs);
    }
    *fs = (struct statfs){.f_type = EXT4_MAGIC};
    return fake_fails(FAKE_STATFS) ? -1 : 0;
}

int __wrap_fstatvfs(int fd, struct statvfs *fs)
{
    if (fd_of(fd) == NULL) {
        return __real_fstatvfs(fd, fs);
    }
    const struct fake_disk *disk = fake_disk_now();
    size_t used = fake_disk_used(disk);
    size_t left = disk->capacity == 0     ? (size_t)1 << 30
                  : disk->capacity > used ? disk->capacity - used
                                          : 0;
    *fs = (struct statvfs){.f_bsize = 4096, .f_frsize = 4096, .f_bavail = left / 4096};
    return fake_fails(FAKE_STATFS) ? -1 : 0;
}

int __wrap_fchmodat(int dir, const char *name, mode_t mode, int flags)
{
    return fd_of(dir) == NULL       ? __real_fchmodat(dir, name, mode, flags)
           : fake_fails(FAKE_CHMOD) ? -1
                                    : 0;
}

static int unlink_ours(const char *path)
{
    if (fake_fails(FAKE_UNLINK)) {
        return -1;
    }
    if (fake_find(path) == FAKE_NONE) {
        return said(ENOENT);
    }
    fake_remove(path);
    return 0;
}

int __wrap_unlink(const char *path)
{
    return is_ours(path) ? unlink_ours(path) : __real_unlink(path);
}

int __wrap_unlinkat(int dir, const char *name, int flags)
{
    char path[64];
    return join(dir, name, path) ? unlink_ours(path) : __real_unlinkat(dir, name, flags);
}

static int link_ours(const char *from, const char *to)
{
    if (fake_fails(FAKE_LINK)) {
        return -1;
    }
    if (fake_find(from) == FAKE_NONE || fake_find(to) != FAKE_NONE) {
        return said(fake_find(to) != FAKE_NONE ? EEXIST : ENOENT);
    }
    fake_link(from, to);
    return 0;
}

int __wrap_link(const char *from, const char *to)
{
    return is_ours(from) ? link_ours(from, to) : __real_link(from, to);
}

static int rename_ours(const char *from, const char *to)
{
    if (fake_fails(FAKE_RENAME)) {
        return -1;
    }
    if (fake_find(from) == FAKE_NONE) {
        return said(ENOENT);
    }
    fake_rename(from, to);
    return 0;
}

int __wrap_rename(const char *from, const char *to)
{
    return is_ours(from) ? rename_ours(from, to) : __real_rename(from, to);
}

int __wrap_renameat(int from_dir, const char *from, int to_dir, const char *to)
{
    char path[64], path2[64];
    return join(from_dir, from, path) && join(to_dir, to, path2)
               ? rename_ours(path, path2)
               : __real_renameat(from_dir, from, to_dir, to);
}
