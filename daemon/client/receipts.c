/* SPDX-License-Identifier: MIT */
/* Receipts on disk, only for those who asked: on a machine that others use, a receipt is a proof of
 * who filed. A file is named after the filing's key, so that keeping it again after a crash keeps
 * it once; its name says nothing. */
#include "client/spool.h"

#include "base/panic.h"
#include "client/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RECEIPT_MAX 64
#define SEEN_MAX    1000

int fa_receipt_keep(const struct fa_spool *spool, const char *key, const char *receipt,
                    struct fa_err *err)
{
    struct fa_buf path;
    fa_buf_init(&path, 4096);
    fa_buf_printf(&path, "%s/%s.receipt", spool->receipts, key);
    int fd = -1, rc = fa_dir_make(spool->receipts, err);
    if (rc == 0 && access(fa_buf_text(&path), F_OK) != 0) {
        rc = fa_file_create(fa_buf_text(&path), receipt, &fd, err);
        rc = rc != 0 ? rc : fa_dir_sync(spool->receipts, err);
    }
    if (fd >= 0) {
        close(fd);
    }
    fa_buf_done(&path);
    return rc;
}

struct dated {
    struct timespec at;
    char *receipt;
};

static int newest_first(const void *a, const void *b)
{
    const struct dated *x = a, *y = b;
    if (x->at.tv_sec != y->at.tv_sec) {
        return x->at.tv_sec > y->at.tv_sec ? -1 : 1;
    }
    return x->at.tv_nsec > y->at.tv_nsec ? -1 : x->at.tv_nsec < y->at.tv_nsec;
}

/* NULL for what is not a receipt of ours. */
static char *read_one(int dir, const char *name, struct timespec *ret_at)
{
    struct fa_buf buf;
    struct fa_err err;
    struct stat info;
    char *receipt = NULL;
    const char *dot = strrchr(name, '.');
    if (dot == NULL || strcmp(dot, ".receipt") != 0) {
        return NULL;
    }
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) {
        return NULL;
    }
    fa_buf_init(&buf, RECEIPT_MAX);
    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && fa_file_read(fd, name, &buf, &err) == 0) {
        *ret_at = info.st_mtim;
        receipt = fa_buf_take(&buf);
    }
    close(fd);
    fa_buf_done(&buf);
    return receipt;
}

size_t fa_receipt_list(const struct fa_spool *spool, char **ret_receipts, size_t max)
{
    DIR *dir = opendir(spool->receipts);
    struct dated *found = NULL;
    size_t count = 0, cap = 0;
    if (dir == NULL) {
        return 0;
    }
    for (const struct dirent *item; (item = readdir(dir)) != NULL && count < SEEN_MAX;) {
        struct dated one = {.receipt = NULL};
        one.receipt = read_one(dirfd(dir), item->d_name, &one.at);
        if (one.receipt != NULL) {
            found = fa_xgrow(found, count, &cap, sizeof found[0]);
            found[count++] = one;
        }
    }
    closedir(dir);
    if (count > 0) {
        qsort(found, count, sizeof found[0], newest_first);
    }
    for (size_t i = 0; i < count; i++) {
        if (i < max) {
            ret_receipts[i] = found[i].receipt;
        } else {
            free(found[i].receipt);
        }
    }
    free(found);
    return count < max ? count : max;
}
