/* SPDX-License-Identifier: MIT */
/* SQLite's way to the fake disk. It answers as SQLite's own unix VFS does, to the error code: which
 * failures it reports and which it passes over (that of the directory's sync after a journal was
 * made) is part of what is tested. It has no shared memory: the store must do without. */
#include "fake_disk.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

struct file {
    sqlite3_file base;
    size_t node;
    bool sync_dir;          /* its name is new: the first sync is the directory's too */
    char dir[64], path[64]; /* empty: it has no name */
    bool delete_on_close;
};

static struct file *file_of(sqlite3_file *file)
{
    return (struct file *)file;
}

/* As the system: success leaves errno alone. */
static int failed(int code, int sqlite_code)
{
    errno = code;
    return sqlite_code;
}

static int x_close(sqlite3_file *base)
{
    struct file *file = file_of(base);
    if (file->delete_on_close && file->path[0] != '\0' && !fake_disk_now()->frozen) {
        fake_remove(file->path);
    }
    return SQLITE_OK;
}

static int x_read(sqlite3_file *base, void *buf, int amount, sqlite3_int64 offset)
{
    if (fake_fails(FAKE_X_READ)) {
        return errno == EIO ? SQLITE_IOERR_CORRUPTFS : SQLITE_IOERR_READ;
    }
    size_t got = fake_read(file_of(base)->node, (uint64_t)offset, buf, (size_t)amount);
    if (got < (size_t)amount) {
        memset((char *)buf + got, 0, (size_t)amount - got);
        return SQLITE_IOERR_SHORT_READ;
    }
    return SQLITE_OK;
}

static int x_write(sqlite3_file *base, const void *buf, int amount, sqlite3_int64 offset)
{
    int code = fake_write(FAKE_X_WRITE, file_of(base)->node, (uint64_t)offset, buf, (size_t)amount);
    return code == 0 ? SQLITE_OK : failed(code, code == ENOSPC ? SQLITE_FULL : SQLITE_IOERR_WRITE);
}

static int x_truncate(sqlite3_file *base, sqlite3_int64 size)
{
    int code = fake_resize(FAKE_X_TRUNCATE, file_of(base)->node, (uint64_t)size);
    return code == 0 ? SQLITE_OK : failed(code, SQLITE_IOERR_TRUNCATE);
}

static int x_sync(sqlite3_file *base, int flags)
{
    struct file *file = file_of(base);
    int code = fake_sync(FAKE_X_SYNC, file->node);
    if (code != 0) {
        return failed(code, SQLITE_IOERR_FSYNC);
    }
    if (file->sync_dir) {
        (void)fake_sync_dir(FAKE_X_SYNC_DIR, file->dir);
        file->sync_dir = false;
    }
    return SQLITE_OK;
}

static int x_file_size(sqlite3_file *base, sqlite3_int64 *ret_size)
{
    if (fake_fails(FAKE_X_SIZE)) {
        return SQLITE_IOERR_FSTAT;
    }
    *ret_size = (sqlite3_int64)fake_disk_now()->now.nodes[file_of(base)->node].size;
    return SQLITE_OK;
}

static int x_lock(sqlite3_file *base, int lock)
{
    if (fake_fails(FAKE_X_LOCK)) {
        return SQLITE_IOERR_LOCK;
    }
    return SQLITE_OK;
}

static int x_unlock(sqlite3_file *base, int lock)
{
    return SQLITE_OK;
}

static int x_check_reserved_lock(sqlite3_file *base, int *ret_locked)
{
    *ret_locked = 0;
    return SQLITE_OK;
}

static int x_file_control(sqlite3_file *base, int op, void *arg)
{
    if (op == SQLITE_FCNTL_MMAP_SIZE) {
        *(sqlite3_int64 *)arg = 0;
        return SQLITE_OK;
    }
    return SQLITE_NOTFOUND;
}

static int x_sector_size(sqlite3_file *base)
{
    return 4096;
}

static int x_device_characteristics(sqlite3_file *base)
{
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static const sqlite3_io_methods methods = {
    .iVersion = 1,
    .xClose = x_close,
    .xRead = x_read,
    .xWrite = x_write,
    .xTruncate = x_truncate,
    .xSync = x_sync,
    .xFileSize = x_file_size,
    .xLock = x_lock,
    .xUnlock = x_unlock,
    .xCheckReservedLock = x_check_reserved_lock,
    .xFileControl = x_file_control,
    .xSectorSize = x_sector_size,
    .xDeviceCharacteristics = x_device_characteristics,
};

static void set_path(struct file *file, const char *path)
{
    snprintf(file->path, sizeof file->path, "%s", path);
    snprintf(file->dir, sizeof file->dir, "%.*s", (int)(strrchr(path, '/') - path), path);
}

static int x_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *base, int flags, int *ret_flags)
{
    struct file *file = file_of(base);
    *file = (struct file){.node = FAKE_NONE};
    if (fake_fails(FAKE_X_OPEN)) {
        return SQLITE_CANTOPEN;
    }
    if (path != NULL) {
        set_path(file, path);
        file->node = fake_find(path);
    }
    if (file->node == FAKE_NONE) {
        if (path != NULL && !(flags & SQLITE_OPEN_CREATE)) {
            errno = ENOENT;
            return SQLITE_CANTOPEN;
        }
        file->node = fake_create(path);
        file->sync_dir =
            path != NULL &&
            (flags & (SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_WAL | SQLITE_OPEN_SUPER_JOURNAL)) != 0;
    }
    file->delete_on_close = (flags & SQLITE_OPEN_DELETEONCLOSE) != 0;
    file->base.pMethods = &methods;
    if (ret_flags != NULL) {
        *ret_flags = flags;
    }
    return SQLITE_OK;
}

static int x_delete(sqlite3_vfs *vfs, const char *path, int sync_dir)
{
    if (fake_fails(FAKE_X_DELETE)) {
        return SQLITE_IOERR_DELETE;
    }
    if (fake_find(path) == FAKE_NONE) {
        errno = ENOENT;
        return SQLITE_IOERR_DELETE_NOENT;
    }
    fake_remove(path);
    if (sync_dir) {
        char dir[64];
        snprintf(dir, sizeof dir, "%.*s", (int)(strrchr(path, '/') - path), path);
        int code = fake_sync_dir(FAKE_X_SYNC_DIR, dir);
        return code == 0 ? SQLITE_OK : failed(code, SQLITE_IOERR_DIR_FSYNC);
    }
    return SQLITE_OK;
}

static int x_access(sqlite3_vfs *vfs, const char *path, int flags, int *ret_there)
{
    if (fake_fails(FAKE_X_ACCESS)) {
        return SQLITE_IOERR_ACCESS;
    }
    size_t node = fake_find(path);
    *ret_there = node != FAKE_NONE &&
                 (flags != SQLITE_ACCESS_EXISTS || fake_disk_now()->now.nodes[node].size > 0);
    return SQLITE_OK;
}

static int x_full_pathname(sqlite3_vfs *vfs, const char *path, int size, char *ret_path)
{
    if (fake_fails(FAKE_X_FULL_PATH)) {
        return SQLITE_CANTOPEN;
    }
    return snprintf(ret_path, (size_t)size, "%s", path) < size ? SQLITE_OK : SQLITE_CANTOPEN;
}

static int x_randomness(sqlite3_vfs *vfs, int size, char *ret_bytes)
{
    for (int i = 0; i < size; i++) {
        ret_bytes[i] = (char)fake_random(&fake_disk_now()->random);
    }
    return size;
}

static int x_sleep(sqlite3_vfs *vfs, int us)
{
    return us;
}

static int x_current_time(sqlite3_vfs *vfs, sqlite3_int64 *ret_ms)
{
    *ret_ms = 0;
    return SQLITE_OK;
}

static int x_get_last_error(sqlite3_vfs *vfs, int size, char *buf)
{
    return errno;
}

int fake_vfs_register(void)
{
    static sqlite3_vfs vfs = {
        .iVersion = 2,
        .szOsFile = sizeof(struct file),
        .mxPathname = 63,
        .zName = "fake",
        .xOpen = x_open,
        .xDelete = x_delete,
        .xAccess = x_access,
        .xFullPathname = x_full_pathname,
        .xRandomness = x_randomness,
        .xSleep = x_sleep,
        .xGetLastError = x_get_last_error,
        .xCurrentTimeInt64 = x_current_time,
    };
    return sqlite3_vfs_register(&vfs, 1);
}
