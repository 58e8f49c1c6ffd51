/* SPDX-License-Identifier: MIT */
/* The key file. It is made once, at the first start, and must outlive every store it was used for:
 * without it no row of the store verifies. Its mode is checked on the opened descriptor. */
#include "store/key.h"

#include "base/id.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT_BYTES (2 * FA_STORE_KEY_BYTES)

static int sync_parent(const char *path)
{
    char copy[4096];
    snprintf(copy, sizeof copy, "%s", path);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return -1;
    }
    int rc = fsync(fd);
    close(fd);
    return rc;
}

static bool write_new(const char *path)
{
    uint8_t key[FA_STORE_KEY_BYTES];
    char text[TEXT_BYTES + 2];
    (void)unlink(path); /* of an earlier life, which had the same pid */
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return false;
    }
    randombytes_buf(key, sizeof key);
    fa_hex(key, sizeof key, text);
    text[TEXT_BYTES] = '\n';
    bool written = write(fd, text, TEXT_BYTES + 1) == TEXT_BYTES + 1 && fsync(fd) == 0;
    int code = errno;
    close(fd);
    errno = code;
    sodium_memzero(key, sizeof key);
    sodium_memzero(text, sizeof text);
    return written;
}

/* The file gets its name only when it is whole: a start after a crash in here would refuse half a
 * key, and every start after it. */
static int create_file(const char *path, struct fa_err *err)
{
    char new_path[4096];
    int len = snprintf(new_path, sizeof new_path, "%s.%ld", path, (long)getpid());
    errno = ENAMETOOLONG;
    bool done = len > 0 && (size_t)len < sizeof new_path && write_new(new_path) &&
                link(new_path, path) == 0;
    int code = errno;
    (void)unlink(new_path);
    if (!done) {
        return fa_err_set(err, code == EEXIST ? FA_EEXISTS : FA_EIO, "%s: cannot be written: %s",
                          path, strerror(code));
    }
    return 0;
}

static int check_mode(int fd, const char *path, struct fa_err *err)
{
    struct stat st;
    if (fstat(fd, &st) < 0) {
        return fa_err_set(err, FA_EIO, "%s: %s", path, strerror(errno));
    }
    if (!S_ISREG(st.st_mode)) {
        return fa_err_set(err, FA_EDENIED, "%s: not a plain file", path);
    }
    if ((st.st_mode & 027) != 0) {
        return fa_err_set(err, FA_EDENIED,
                          "%s: mode %04o lets others at the store's key (chmod 0600)", path,
                          (unsigned)(st.st_mode & 07777));
    }
    return 0;
}

static int read_file(const char *path, uint8_t ret_key[FA_STORE_KEY_BYTES], struct fa_err *err)
{
    char text[TEXT_BYTES + 2];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        int code = errno == ENOENT ? FA_ENOTFOUND : errno == EACCES ? FA_EDENIED : FA_EIO;
        return fa_err_set(err, code, "%s: %s", path, strerror(errno));
    }
    int rc = check_mode(fd, path, err);
    if (rc == 0) {
        ssize_t len = read(fd, text, sizeof text);
        struct fa_str hex = {text, TEXT_BYTES};
        if (len < 0) {
            rc = fa_err_set(err, FA_EIO, "%s: %s", path, strerror(errno));
        } else if (len < TEXT_BYTES || len > TEXT_BYTES + 1 ||
                   (len == TEXT_BYTES + 1 && text[TEXT_BYTES] != '\n') ||
                   fa_unhex(hex, ret_key, FA_STORE_KEY_BYTES) < 0) {
            rc = fa_err_set(err, FA_EPARSE,
                            "%s: not a store key (one line of %d hexadecimal digits)", path,
                            TEXT_BYTES);
        }
    }
    close(fd);
    sodium_memzero(text, sizeof text);
    return rc;
}

/* Whoever made the file may have been killed before its name was on the disk, so each start makes
 * sure. A directory that we may not open is an administrator's, who put the key there. */
static int settle(const char *path, bool made, struct fa_err *err)
{
    if (sync_parent(path) == 0 || (!made && errno == EACCES)) {
        return 0;
    }
    int code = errno;
    if (made) {
        (void)unlink(path);
    }
    return fa_err_set(err, FA_EIO, "%s: its directory cannot be synced: %s", path, strerror(code));
}

int fa_store_key_read(const char *path, bool create, uint8_t ret_key[FA_STORE_KEY_BYTES],
                      struct fa_err *err)
{
    bool made = false;
    int rc = read_file(path, ret_key, err);
    if (rc == FA_ENOTFOUND && create) {
        rc = create_file(path, err);
        made = rc == 0;
        /* Somebody else made it in between: theirs is as good. */
        if (rc == 0 || rc == FA_EEXISTS) {
            rc = read_file(path, ret_key, err);
        }
    }
    return rc == 0 && create ? settle(path, made, err) : rc;
}
