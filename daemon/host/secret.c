/* SPDX-License-Identifier: MIT */
/* Secrets from files. Decides what may be taken for a secret: a plain file that others cannot
 * read, of at most 64 KiB. The mode is checked on the opened descriptor, so that what was checked
 * is what is read. The environment is never asked: the credential directory is handed in.
 *
 * Messages name paths but never repeat the value that was given: somebody may have written the
 * secret itself where its file's name belongs. */
#include "host/secret.h"

#include "base/panic.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int fa_secret_resolve(struct fa_str value, const char *credentials_dir, char **ret_path,
                      struct fa_err *err)
{
    if (value.len == 0 || memchr(value.ptr, '\0', value.len) != NULL) {
        return fa_err_set(err, FA_EINVAL,
                          "empty: give a file's absolute path or a credential's "
                          "name");
    }
    if (value.ptr[0] == '/') {
        *ret_path = fa_xstrndup(value.ptr, value.len);
        return 0;
    }
    if (memchr(value.ptr, '/', value.len) != NULL || fa_str_is(value, ".") ||
        fa_str_is(value, "..")) {
        return fa_err_set(err, FA_EINVAL,
                          "neither an absolute path nor a credential's name (a secret is not "
                          "written into the configuration itself)");
    }
    if (credentials_dir == NULL) {
        return fa_err_set(err, FA_EINVAL,
                          "a credential's name, but the service was started without credentials: "
                          "give a file's absolute path, or LoadCredential= in the unit");
    }
    size_t size = strlen(credentials_dir) + value.len + 2;
    *ret_path = fa_xmalloc(size);
    snprintf(*ret_path, size, "%s/%.*s", credentials_dir, FA_STR_ARG(value));
    return 0;
}

static int check_file(int fd, const char *path, struct fa_err *err)
{
    struct stat st;
    if (fstat(fd, &st) < 0) {
        return fa_err_set(err, FA_EIO, "%s: %s", path, strerror(errno));
    }
    if (!S_ISREG(st.st_mode)) {
        return fa_err_set(err, FA_EINVAL, "%s: not a plain file", path);
    }
    if ((st.st_mode & 007) != 0) {
        return fa_err_set(err, FA_EDENIED,
                          "%s: mode %04o lets others at this secret (chmod o= and change the "
                          "secret)",
                          path, (unsigned)(st.st_mode & 07777));
    }
    if (st.st_size > (off_t)FA_SECRET_MAX) {
        return fa_err_set(err, FA_ETOOBIG, "%s: larger than 64 KiB, that is no secret", path);
    }
    return 0;
}

/* Reads up to size bytes; -1 with errno. */
static ssize_t read_all(int fd, char *buf, size_t size)
{
    size_t len = 0;
    while (len < size) {
        ssize_t n = read(fd, buf + len, size - len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return -1;
        }
        if (n == 0) {
            break;
        }
        len += (size_t)n;
    }
    return (ssize_t)len;
}

static size_t without_newline(const char *text, size_t len)
{
    if (len > 0 && text[len - 1] == '\n') {
        len -= len > 1 && text[len - 2] == '\r' ? 2 : 1;
    }
    return len;
}

int fa_secret_read(const char *path, char **ret_text, size_t *ret_len, struct fa_err *err)
{
    char *text = NULL;
    /* O_NONBLOCK: a FIFO put there must not hang the caller. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        int code = errno == ENOENT ? FA_ENOTFOUND : errno == EACCES ? FA_EDENIED : FA_EIO;
        return fa_err_set(err, code, "%s: %s", path, strerror(errno));
    }
    int rc = check_file(fd, path, err);
    if (rc < 0) {
        goto out;
    }
    text = fa_xcalloc(1, FA_SECRET_MAX + 2);
    ssize_t len = read_all(fd, text, FA_SECRET_MAX + 1);
    if (len < 0) {
        rc = fa_err_set(err, FA_EIO, "%s: %s", path, strerror(errno));
    } else if (len > (ssize_t)FA_SECRET_MAX) {
        rc = fa_err_set(err, FA_ETOOBIG, "%s: larger than 64 KiB, that is no secret", path);
    } else if (without_newline(text, (size_t)len) == 0) {
        rc = fa_err_set(err, FA_EINVAL, "%s: the secret is empty", path);
    } else {
        *ret_len = without_newline(text, (size_t)len);
        text[*ret_len] = '\0';
        *ret_text = text;
        text = NULL;
    }
out:
    fa_secret_free(text, FA_SECRET_MAX);
    close(fd);
    return rc;
}

void fa_secret_free(char *text, size_t len)
{
    if (text != NULL) {
        explicit_bzero(text, len);
        free(text);
    }
}
