/* SPDX-License-Identifier: MIT */
/* Keeps filings in the person's own directory.
 *
 * 1. KEY.filing appears by rename, after its bytes were synced; the directory is synced before
 *    fa_spool_put() returns. So a crash leaves the whole filing or none of it.
 * 2. It goes only by fa_spool_remove(), which the sender calls after the receipt was given.
 * 3. The lock is on the file itself, taken before it gets its name: no moment in which a second run
 *    could send it. A lock dies with its process.
 * 4. .KEY.new is a filing being written. Nobody was promised anything about it; once it is a minute
 *    old and unlocked its writer is dead, and it goes, since it holds somebody's words.
 *
 * It does not send, and it decides nothing about what to keep. Tests: test_client_spool.c kills a
 * child at each step. */
#include "client/spool.h"

#include "base/id.h"
#include "base/panic.h"
#include "client/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_BYTES      4096
#define REMAINS_AGE_SEC 60

static const char *const suffixes[] = {
    [FA_SPOOL_WAITING] = ".filing",
    [FA_SPOOL_REFUSED] = ".refused",
};

void fa_spool_init(struct fa_spool *spool, const char *dir, const char *receipts, fa_time now)
{
    *spool =
        (struct fa_spool){.dir = fa_xstrdup(dir), .receipts = fa_xstrdup(receipts), .now = now};
}

void fa_spool_done(struct fa_spool *spool)
{
    free(spool->dir);
    free(spool->receipts);
    *spool = (struct fa_spool){0};
}

static void step(const struct fa_spool *spool, const char *name)
{
    if (spool->on_step != NULL) {
        spool->on_step(name);
    }
}

static char *join(const char *dir, const char *prefix, const char *name, const char *suffix)
{
    struct fa_buf buf;
    fa_buf_init(&buf, PATH_BYTES);
    fa_buf_printf(&buf, "%s/%s%s%s", dir, prefix, name, suffix);
    return fa_buf_take(&buf);
}

char *fa_spool_path(const struct fa_spool *spool, const struct fa_spool_entry *entry)
{
    return join(spool->dir, "", entry->key, suffixes[entry->kind]);
}

static int io_error(struct fa_err *err, const char *path, const char *what)
{
    int code = errno == ENOENT ? FA_ENOTFOUND : FA_EIO;
    return fa_err_at(err, code, path, 0, 0, "%s: %s", what, strerror(errno));
}

int fa_spool_put(const struct fa_spool *spool, const struct fa_filing *filing, int *ret_lock,
                 struct fa_err *err)
{
    struct fa_spool_entry entry = {.kind = FA_SPOOL_WAITING};
    memcpy(entry.key, filing->key, FA_KEY_SIZE);
    char *path = fa_spool_path(spool, &entry), *fresh = join(spool->dir, ".", entry.key, ".new");
    char *text = fa_filing_encode(filing);
    int lock = -1, rc = fa_dir_make(spool->dir, err);
    step(spool, "put: before writing");
    rc = rc != 0 ? rc : fa_file_create(fresh, text, &lock, err);
    step(spool, "put: written");
    if (rc == 0 && rename(fresh, path) != 0) {
        rc = io_error(err, path, "cannot be named");
        unlink(fresh);
    }
    step(spool, "put: named");
    rc = rc != 0 ? rc : fa_dir_sync(spool->dir, err);
    step(spool, "put: kept");
    if (rc == 0) {
        *ret_lock = lock;
    } else if (lock >= 0) {
        close(lock);
    }
    explicit_bzero(text, strlen(text));
    free(text);
    free(path);
    free(fresh);
    return rc;
}

/* Opens and locks; the file may have been sent and removed between the two. */
static int open_locked(const char *path, int *ret_lock, struct fa_err *err)
{
    struct stat info;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) {
        return io_error(err, path, "cannot be opened");
    }
    int rc = 0;
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        rc = fa_err_at(err, FA_EBUSY, path, 0, 0, "another firealarm is working with it");
    } else if (fstat(fd, &info) != 0 || info.st_nlink == 0) {
        rc = fa_err_at(err, FA_ENOTFOUND, path, 0, 0, "was sent meanwhile");
    } else if (!S_ISREG(info.st_mode)) {
        rc = fa_err_at(err, FA_EINVAL, path, 0, 0, "is no ordinary file");
    }
    if (rc != 0) {
        close(fd);
        return rc;
    }
    *ret_lock = fd;
    return 0;
}

int fa_spool_take(const struct fa_spool *spool, const struct fa_spool_entry *entry,
                  struct fa_filing *ret_filing, int *ret_lock, struct fa_err *err)
{
    char *path = fa_spool_path(spool, entry);
    struct fa_buf buf;
    fa_buf_init(&buf, FA_FILING_FILE_MAX);
    int lock = -1, rc = open_locked(path, &lock, err);
    rc = rc != 0 ? rc : fa_file_read(lock, path, &buf, err);
    if (rc == 0) {
        rc = fa_filing_decode(fa_buf_str(&buf), ret_filing, err);
        if (rc == 0 && strcmp(ret_filing->key, entry->key) != 0) {
            fa_filing_done(ret_filing);
            rc = fa_err_set(err, FA_EPARSE, "the key in it is not the key in its name");
        }
        if (rc != 0) {
            fa_err_wrap(err, "%s", path);
        }
    }
    if (rc != 0 && lock >= 0) {
        close(lock);
    } else if (rc == 0) {
        *ret_lock = lock;
    }
    fa_buf_done(&buf);
    free(path);
    return rc;
}

void fa_spool_release(int lock)
{
    if (lock >= 0) {
        close(lock);
    }
}

int fa_spool_remove(const struct fa_spool *spool, const struct fa_spool_entry *entry,
                    struct fa_err *err)
{
    char *path = fa_spool_path(spool, entry);
    step(spool, "remove: before");
    int rc = unlink(path) != 0 ? io_error(err, path, "cannot be removed") : 0;
    step(spool, "remove: gone");
    rc = rc != 0 ? rc : fa_dir_sync(spool->dir, err);
    free(path);
    return rc;
}

int fa_spool_move(const struct fa_spool *spool, const struct fa_spool_entry *entry,
                  enum fa_spool_kind to, struct fa_err *err)
{
    struct fa_spool_entry moved = *entry;
    moved.kind = to;
    char *path = fa_spool_path(spool, entry), *target = fa_spool_path(spool, &moved);
    int rc = rename(path, target) != 0 ? io_error(err, path, "cannot be renamed") : 0;
    rc = rc != 0 ? rc : fa_dir_sync(spool->dir, err);
    free(path);
    free(target);
    return rc;
}

static bool is_entry(const char *name, struct fa_spool_entry *ret_entry)
{
    unsigned char bytes[16];
    if (fa_unhex((struct fa_str){name, strnlen(name, 32)}, bytes, sizeof bytes) != 0) {
        return false;
    }
    for (size_t kind = 0; kind < 2; kind++) {
        if (strcmp(name + 32, suffixes[kind]) == 0) {
            memcpy(ret_entry->key, name, 32);
            ret_entry->key[32] = '\0';
            ret_entry->kind = (enum fa_spool_kind)kind;
            return true;
        }
    }
    return false;
}

/* Invariant 4. */
static void remove_remains(const struct fa_spool *spool, int dir, const char *name)
{
    struct stat info;
    size_t len = strlen(name);
    if (name[0] != '.' || len < 5 || strcmp(name + len - 4, ".new") != 0) {
        return;
    }
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd >= 0 && fstat(fd, &info) == 0 &&
        (fa_time)info.st_mtime + REMAINS_AGE_SEC < spool->now / FA_SECOND &&
        flock(fd, LOCK_EX | LOCK_NB) == 0) {
        unlinkat(dir, name, 0);
    }
    if (fd >= 0) {
        close(fd);
    }
}

struct dated {
    struct timespec at;
    struct fa_spool_entry entry;
};

static int by_age(const void *a, const void *b)
{
    const struct dated *x = a, *y = b;
    if (x->at.tv_sec != y->at.tv_sec) {
        return x->at.tv_sec < y->at.tv_sec ? -1 : 1;
    }
    return x->at.tv_nsec < y->at.tv_nsec ? -1 : x->at.tv_nsec > y->at.tv_nsec;
}

static struct dated *read_dir(const struct fa_spool *spool, DIR *dir, size_t *ret_count)
{
    struct dated *found = NULL;
    size_t count = 0, cap = 0;
    for (const struct dirent *item; (item = readdir(dir)) != NULL;) {
        struct dated one;
        struct stat info;
        if (!is_entry(item->d_name, &one.entry)) {
            remove_remains(spool, dirfd(dir), item->d_name);
            continue;
        }
        if (fstatat(dirfd(dir), item->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0) {
            one.at = info.st_mtim;
            found = fa_xgrow(found, count, &cap, sizeof found[0]);
            found[count++] = one;
        }
    }
    *ret_count = count;
    return found;
}

int fa_spool_list(const struct fa_spool *spool, struct fa_spool_list *ret_list, struct fa_err *err)
{
    DIR *dir = opendir(spool->dir);
    *ret_list = (struct fa_spool_list){0};
    if (dir == NULL) {
        return errno == ENOENT ? 0 : io_error(err, spool->dir, "cannot be listed");
    }
    size_t count = 0;
    struct dated *found = read_dir(spool, dir, &count);
    closedir(dir);
    if (count > 0) {
        qsort(found, count, sizeof found[0], by_age);
        ret_list->entries = fa_xcalloc(count, sizeof ret_list->entries[0]);
        for (size_t i = 0; i < count; i++) {
            ret_list->entries[i] = found[i].entry;
        }
        ret_list->count = count;
    }
    free(found);
    return 0;
}

void fa_spool_list_done(struct fa_spool_list *list)
{
    free(list->entries);
    *list = (struct fa_spool_list){0};
}
