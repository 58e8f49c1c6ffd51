/* SPDX-License-Identifier: MIT */
/* The directory's file replaced whole: by one import at a time, durable, and readable by whom the
 * directory that it lies in belongs to. */
#ifndef FA_CLIENT_SWAP_H
#define FA_CLIENT_SWAP_H

#include "base/str.h"
#include "base/err.h"

#define FA_SWAP_REFUSED ".refused" /* beside the file: the last import was refused, and why */

struct fa_swap {
    char *dir, *name; /* owned */
    int dir_fd;       /* locked while it is open; -1: not begun */
};

/* FA_EBUSY another import has it, FA_EIO it cannot be opened. */
int fa_swap_begin(struct fa_swap *swap, const char *path, struct fa_err *err) FA_MUST_CHECK;
/* Puts text in place of the file, and takes the mark of a refusal away. */
int fa_swap_write(struct fa_swap *swap, struct fa_str text, struct fa_err *err) FA_MUST_CHECK;
/* Leaves the file and marks it: the daemon tells its operators. */
int fa_swap_refuse(struct fa_swap *swap, const char *why, struct fa_err *err) FA_MUST_CHECK;
void fa_swap_end(struct fa_swap *swap);

#endif
