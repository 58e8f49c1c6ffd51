/* SPDX-License-Identifier: MIT */
/* Files are written whole or not at all: who calls this syncs, renames or takes back. */
#include "host/write.h"

#include <errno.h>
#include <unistd.h>

bool fa_write_all(int fd, struct fa_str bytes)
{
    while (bytes.len > 0) {
        ssize_t n = write(fd, bytes.ptr, bytes.len);
        if (n < 0 && errno != EINTR) {
            return false;
        }
        bytes.ptr += n > 0 ? n : 0;
        bytes.len -= n > 0 ? (size_t)n : 0;
    }
    return true;
}
