/* SPDX-License-Identifier: MIT */
/* Written beside, synced, renamed, synced: at every moment there is a whole file, the old or the
 * new one. Root writes for the daemon's user, to whom the directory belongs: the new file is given
 * to that user, by its descriptor, as in a directory of somebody else's a name proves nothing. */
#include "client/swap.h"

#include "base/panic.h"
#include "host/write.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static int failed(const struct fa_swap *swap, const char *what, struct fa_err *err)
{
    int why = errno;
    return fa_err_at(err, FA_EIO, swap->dir, 0, 0, "%s: %s%s", what, strerror(why),
                     why == EACCES || why == EPERM ? "; run it as root or as the daemon's user"
                                                   : "");
}

int fa_swap_begin(struct fa_swap *swap, const char *path, struct fa_err *err)
{
    const char *slash = strrchr(path, '/');
    fa_assert(slash != NULL);
    *swap = (struct fa_swap){.dir = slash == path ? fa_xstrdup("/")
                                                  : fa_xstrndup(path, (size_t)(slash - path)),
                             .name = fa_xstrdup(slash + 1)};
    swap->dir_fd = open(swap->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (swap->dir_fd < 0) {
        return failed(swap, "cannot be opened", err);
    }
    if (flock(swap->dir_fd, LOCK_EX | LOCK_NB) != 0) {
        return errno == EWOULDBLOCK
                   ? fa_err_at(err, FA_EBUSY, swap->dir, 0, 0, "another import is under way")
                   : failed(swap, "cannot be locked", err);
    }
    return 0;
}

static bool give_away(const struct fa_swap *swap, int fd)
{
    struct stat st;
    return geteuid() != 0 ||
           (fstat(swap->dir_fd, &st) == 0 && fchown(fd, st.st_uid, st.st_gid) == 0);
}

/* The name behind which the text lies then, whole. */
static int replace(const struct fa_swap *swap, const char *suffix, struct fa_str text,
                   struct fa_err *err)
{
    char temp[300], name[300];
    snprintf(temp, sizeof temp, "%.250s.new", swap->name);
    snprintf(name, sizeof name, "%.250s%s", swap->name, suffix);
    (void)unlinkat(swap->dir_fd, temp, 0); /* of an import that was ended */
    int fd = openat(swap->dir_fd, temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool ok = fd >= 0 && give_away(swap, fd) && fa_write_all(fd, text) && fsync(fd) == 0 &&
              renameat(swap->dir_fd, temp, swap->dir_fd, name) == 0 && fsync(swap->dir_fd) == 0;
    int rc = ok ? 0 : failed(swap, "the file cannot be written", err);
    if (fd >= 0) {
        close(fd);
    }
    if (rc != 0) {
        (void)unlinkat(swap->dir_fd, temp, 0);
    }
    return rc;
}

int fa_swap_write(struct fa_swap *swap, struct fa_str text, struct fa_err *err)
{
    char mark[300];
    int rc = replace(swap, "", text, err);
    snprintf(mark, sizeof mark, "%.250s" FA_SWAP_REFUSED, swap->name);
    if (rc == 0 && unlinkat(swap->dir_fd, mark, 0) != 0 && errno != ENOENT) {
        rc = failed(swap, "the mark of a refused import cannot be taken away", err);
    }
    return rc;
}

int fa_swap_refuse(struct fa_swap *swap, const char *why, struct fa_err *err)
{
    return replace(swap, FA_SWAP_REFUSED, fa_str_of(why), err);
}

void fa_swap_end(struct fa_swap *swap)
{
    if (swap->dir_fd >= 0) {
        close(swap->dir_fd);
    }
    free(swap->dir);
    free(swap->name);
    *swap = (struct fa_swap){.dir_fd = -1};
}
