/* SPDX-License-Identifier: MIT */
#include "app/place.h"
#include "base/panic.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void fa_place_parent(const char *path, mode_t mode)
{
    const char *slash = path != NULL ? strrchr(path, '/') : NULL;
    if (slash == NULL || slash == path) {
        return;
    }
    char *parent = fa_xstrndup(path, (size_t)(slash - path));
    /* The umask hides from others what a socket's directory must show them. */
    if (mkdir(parent, mode) == 0 && chmod(parent, mode) != 0) {
        (void)rmdir(parent);
    }
    free(parent);
}
