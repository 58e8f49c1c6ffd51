/* SPDX-License-Identifier: MIT */
/* Copies of the database: taken while it is in use, opened, and put in its place.
 *
 * Invariants:
 *  1. A copy is read through the connection that writes: SQLite then carries what is committed
 *     meanwhile over into the pages that were copied already, and the exclusive lock stays.
 *  2. The copy's own file is opened as any other file of SQLite is; it is never the live one.
 *  3. Putting a copy in place is one rename, of "restore" to "adopt": before it the old store is
 *     there, after it the new one is decided on, and sqlite_copy_finish(), which every open() calls
 *     first, does the rest however often it was interrupted. A WAL of the old database must never
 *     meet the new one: it goes first.
 *
 * What it does not do: sync a copy that was taken, name it or delete it (the host does). */
#include "internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STAGE_DIR   "restore"
#define ADOPT_DIR   "adopt"
#define KEPT_PREFIX "replaced-"
#define STEP_PAGES  64 /* of 4 KiB: well below a millisecond from the cache */
#define BLOCK_BYTES 65536
#define NAME_BYTES  64
#define PAGE_BYTES  4096

struct copy {
    sqlite3 *to;
    sqlite3_backup *backup;
};

/* ---- taking one ---- */

static int32_t open_target(struct copy *copy, const char *dir, struct firealarm_error *error)
{
    char path[4200];
    snprintf(path, sizeof path, "%s/%s", dir, DB_FILE);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return sqlite_fail(error, errno == ENOSPC ? FIREALARM_STORE_FULL : FIREALARM_STORE_FAILED,
                           "%s: %s", path, strerror(errno));
    }
    close(fd);
    if (sqlite3_open_v2(path, &copy->to,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX |
                            SQLITE_OPEN_PRIVATECACHE,
                        NULL) != SQLITE_OK ||
        /* The host syncs it when it is whole; half of one is thrown away. */
        sqlite3_exec(copy->to, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF", NULL, NULL,
                     NULL) != SQLITE_OK) {
        int32_t rc = sqlite_fail_db(error, copy->to, path);
        return rc == FIREALARM_STORE_UNKNOWN ? FIREALARM_STORE_FAILED : rc;
    }
    return 0;
}

void sqlite_copy_end(struct copy *copy)
{
    if (copy != NULL) {
        sqlite3_backup_finish(copy->backup);
        sqlite3_close(copy->to);
        free(copy);
    }
}

int32_t sqlite_copy_begin(sqlite3 *db, const char *dir, struct copy **ret_copy,
                          struct firealarm_error *error)
{
    struct copy *copy = calloc(1, sizeof *copy);
    if (copy == NULL) {
        return sqlite_fail(error, FIREALARM_STORE_FAILED, "out of memory");
    }
    int32_t rc = open_target(copy, dir, error);
    if (rc == 0 && (copy->backup = sqlite3_backup_init(copy->to, "main", db, "main")) == NULL) {
        rc = sqlite_fail_db(error, copy->to, "copy");
    }
    if (rc != 0) {
        sqlite_copy_end(copy);
        return rc;
    }
    *ret_copy = copy;
    return 0;
}

int32_t sqlite_copy_step(struct copy *copy, uint64_t *ret_done, uint64_t *ret_total,
                         struct firealarm_error *error)
{
    int rc = sqlite3_backup_step(copy->backup, STEP_PAGES);
    uint64_t total = (uint64_t)sqlite3_backup_pagecount(copy->backup);
    uint64_t left = (uint64_t)sqlite3_backup_remaining(copy->backup);
    *ret_total = total * PAGE_BYTES;
    *ret_done = (total - left) * PAGE_BYTES;
    if (rc == SQLITE_OK) {
        return 1;
    }
    if (rc == SQLITE_DONE) {
        return 0;
    }
    /* The store's own outcome is not in question. */
    return sqlite_fail(error,
                       (rc & 0xff) == SQLITE_FULL ? FIREALARM_STORE_FULL : FIREALARM_STORE_FAILED,
                       "copy: %s (%d)", sqlite3_errstr(rc), rc);
}

/* ---- opening one away from its place ---- */

static void remove_stage(const struct dir *dir)
{
    static const char *const files[] = {DB_FILE, DB_FILE "-wal", DB_FILE "-journal", LOCK_FILE};
    char path[NAME_BYTES];
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        snprintf(path, sizeof path, STAGE_DIR "/%s", files[i]);
        (void)unlinkat(dir->fd, path, 0);
    }
    (void)unlinkat(dir->fd, STAGE_DIR, AT_REMOVEDIR);
}

static int copy_bytes(int from, int to)
{
    static char block[BLOCK_BYTES]; /* one thread at a time calls a store */
    ssize_t n;
    while ((n = read(from, block, sizeof block)) != 0) {
        for (ssize_t at = 0; at < n;) {
            ssize_t put = write(to, block + at, (size_t)(n - at));
            if (put < 0 && errno != EINTR) {
                return -1;
            }
            at += put > 0 ? put : 0;
        }
        if (n < 0 && errno != EINTR) {
            return -1;
        }
    }
    return 0;
}

static int32_t stage_file(const struct dir *dir, const char *from_dir, const char *name,
                          bool must_be, struct firealarm_error *error)
{
    char from_path[4200], path[NAME_BYTES];
    struct stat st;
    snprintf(from_path, sizeof from_path, "%s/%s", from_dir, name);
    snprintf(path, sizeof path, STAGE_DIR "/%s", name);
    int from = open(from_path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (from < 0) {
        return errno == ENOENT && !must_be ? 0
                                           : sqlite_fail(error, FIREALARM_STORE_FAILED, "%s: %s",
                                                         from_path, strerror(errno));
    }
    int32_t rc = 0;
    int to = -1;
    if (fstat(from, &st) < 0 || !S_ISREG(st.st_mode)) {
        rc = sqlite_fail(error, FIREALARM_STORE_FAILED, "%s: no plain file", from_path);
    } else if ((to = openat(dir->fd, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) < 0 ||
               copy_bytes(from, to) < 0) {
        rc = sqlite_fail(error, errno == ENOSPC ? FIREALARM_STORE_FULL : FIREALARM_STORE_FAILED,
                         "%s/%s: %s", dir->path, path, strerror(errno));
    }
    close(from);
    if (to >= 0) {
        close(to);
    }
    return rc;
}

int32_t sqlite_copy_stage(const struct dir *dir, const char *from, char *path, size_t size,
                          struct firealarm_error *error)
{
    remove_stage(dir);
    if (mkdirat(dir->fd, STAGE_DIR, 0700) < 0) {
        return sqlite_fail(error, FIREALARM_STORE_FAILED, "%s/" STAGE_DIR ": %s", dir->path,
                           strerror(errno));
    }
    int32_t rc = stage_file(dir, from, DB_FILE, true, error);
    if (rc == 0) {
        rc = stage_file(dir, from, DB_FILE "-wal", false, error);
    }
    if (rc != 0) {
        remove_stage(dir);
    } else if ((size_t)snprintf(path, size, "%s/" STAGE_DIR, dir->path) >= size) {
        rc = sqlite_fail(error, FIREALARM_STORE_FAILED, "path is too long");
    }
    return rc;
}

void sqlite_copy_unstage(const struct dir *dir)
{
    remove_stage(dir);
}

/* ---- putting one in place ---- */

/* The newest place for what was replaced; 0: none yet, -1: cannot be known. */
static long newest_kept(const struct dir *dir)
{
    long newest = 0;
    int fd = openat(dir->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *list = fd >= 0 ? fdopendir(fd) : NULL;
    if (list == NULL) {
        if (fd >= 0) {
            close(fd);
        }
        return -1;
    }
    const struct dirent *entry;
    while ((entry = readdir(list)) != NULL) {
        if (strncmp(entry->d_name, KEPT_PREFIX, sizeof KEPT_PREFIX - 1) == 0) {
            long n = strtol(entry->d_name + sizeof KEPT_PREFIX - 1, NULL, 10);
            newest = n > newest ? n : newest;
        }
    }
    closedir(list);
    return newest;
}

/* An empty one, reserved before anything is decided. */
static int reserve_kept(const struct dir *dir)
{
    char name[NAME_BYTES], file[NAME_BYTES + sizeof DB_FILE + 1];
    struct stat st;
    long n = newest_kept(dir);
    if (n < 0) {
        return -1;
    }
    snprintf(name, sizeof name, KEPT_PREFIX "%ld", n);
    snprintf(file, sizeof file, "%s/%s", name, DB_FILE);
    if (n > 0 && fstatat(dir->fd, file, &st, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT) {
        return 0;
    }
    snprintf(name, sizeof name, KEPT_PREFIX "%ld", n + 1);
    return mkdirat(dir->fd, name, 0700);
}

/* Moves name into the newest place, if it is there. */
static int keep_file(const struct dir *dir, const char *name)
{
    char to[NAME_BYTES];
    long n = newest_kept(dir);
    snprintf(to, sizeof to, KEPT_PREFIX "%ld/%s", n, name);
    return n > 0 && (renameat(dir->fd, name, dir->fd, to) == 0 || errno == ENOENT) ? 0 : -1;
}

int32_t sqlite_copy_finish(const struct dir *dir, struct firealarm_error *error)
{
    struct stat st;
    if (fstatat(dir->fd, ADOPT_DIR, &st, AT_SYMLINK_NOFOLLOW) < 0) {
        return errno == ENOENT ? 0
                               : sqlite_fail(error, FIREALARM_STORE_FAILED, "%s/" ADOPT_DIR ": %s",
                                             dir->path, strerror(errno));
    }
    bool moved = fstatat(dir->fd, ADOPT_DIR "/" DB_FILE, &st, AT_SYMLINK_NOFOLLOW) < 0;
    if ((!moved &&
         (keep_file(dir, DB_FILE "-wal") < 0 || keep_file(dir, DB_FILE) < 0 || fsync(dir->fd) < 0 ||
          renameat(dir->fd, ADOPT_DIR "/" DB_FILE, dir->fd, DB_FILE) < 0)) ||
        fsync(dir->fd) < 0 || unlinkat(dir->fd, ADOPT_DIR, AT_REMOVEDIR) < 0) {
        return sqlite_fail(error, FIREALARM_STORE_FAILED, "%s: a copy is being put in place: %s",
                           dir->path, strerror(errno));
    }
    return 0;
}

static int sync_stage(const struct dir *dir)
{
    int file = openat(dir->fd, STAGE_DIR "/" DB_FILE, O_RDONLY | O_CLOEXEC);
    int stage = openat(dir->fd, STAGE_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = file >= 0 && stage >= 0 && fsync(file) == 0 && fsync(stage) == 0 ? 0 : -1;
    if (file >= 0) {
        close(file);
    }
    if (stage >= 0) {
        close(stage);
    }
    return rc;
}

int32_t sqlite_copy_adopt(const struct dir *dir, struct firealarm_error *kept,
                          struct firealarm_error *error)
{
    struct stat st;
    /* Closed in order, it has no WAL any more; one that has would be put in place without it. */
    if (fstatat(dir->fd, STAGE_DIR "/" DB_FILE "-wal", &st, AT_SYMLINK_NOFOLLOW) == 0) {
        return sqlite_fail(error, FIREALARM_STORE_FAILED, "the copy could not be closed whole");
    }
    (void)unlinkat(dir->fd, STAGE_DIR "/" LOCK_FILE, 0);
    if (sync_stage(dir) < 0 || reserve_kept(dir) < 0 || fsync(dir->fd) < 0 ||
        renameat(dir->fd, STAGE_DIR, dir->fd, ADOPT_DIR) < 0 || fsync(dir->fd) < 0) {
        return sqlite_fail(error, FIREALARM_STORE_FAILED, "%s: the copy cannot be put in place: %s",
                           dir->path, strerror(errno));
    }
    snprintf(kept->text, sizeof kept->text, "%s/" KEPT_PREFIX "%ld", dir->path, newest_kept(dir));
    return sqlite_copy_finish(dir, error);
}
