/* SPDX-License-Identifier: MIT */
/* Files that must survive a crash and be nobody else's to read. */
#ifndef FA_CLIENT_FILE_H
#define FA_CLIENT_FILE_H

#include "base/buf.h"

/* Makes the directory and its parents, the last with mode 0700. FA_EDENIED: it is there, and others
 * may write in it or it belongs to somebody else. */
int fa_dir_make(const char *path, struct fa_err *err) FA_MUST_CHECK;
int fa_dir_sync(const char *path, struct fa_err *err) FA_MUST_CHECK;
/* Writes text and syncs it. The file must not be there; mode 0600; locked. The caller closes
 * *ret_fd; on failure the file is gone. */
int fa_file_create(const char *path, const char *text, int *ret_fd,
                   struct fa_err *err) FA_MUST_CHECK;
/* Appends at most buf->max bytes of an open file or pipe to buf. FA_ETOOBIG. */
int fa_file_read(int fd, const char *name, struct fa_buf *buf, struct fa_err *err) FA_MUST_CHECK;

#endif
