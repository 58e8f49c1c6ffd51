/* SPDX-License-Identifier: MIT */
/* Secrets are files: an absolute path, or the name of a systemd credential. */
#ifndef FA_HOST_SECRET_H
#define FA_HOST_SECRET_H

#include "base/err.h"
#include "base/str.h"

#define FA_SECRET_MAX ((size_t)64 * 1024) /* bytes */

/* An absolute path stays what it is, a plain name becomes credentials_dir/NAME. FA_EINVAL says what
 * to write instead. *ret_path is the caller's (free). */
int fa_secret_resolve(struct fa_str value, const char *credentials_dir, char **ret_path,
                      struct fa_err *err) FA_MUST_CHECK;

/* The file's content less one trailing newline ("\n" or "\r\n"), NUL-terminated; the caller frees
 * it with fa_secret_free. FA_EDENIED: others may read it, FA_ETOOBIG, FA_ENOTFOUND, FA_EIO,
 * FA_EINVAL: empty or no plain file. */
int fa_secret_read(const char *path, char **ret_text, size_t *ret_len,
                   struct fa_err *err) FA_MUST_CHECK;
/* Overwrites and frees; accepts NULL. */
void fa_secret_free(char *text, size_t len);

#endif
