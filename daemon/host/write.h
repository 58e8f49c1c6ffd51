/* SPDX-License-Identifier: MIT */
/* What write() leaves to its caller. */
#ifndef FA_HOST_WRITE_H
#define FA_HOST_WRITE_H

#include "base/str.h"

/* All of the bytes, whatever interrupts it; it may block. False with errno: some were not written.
 */
bool fa_write_all(int fd, struct fa_str bytes) FA_MUST_CHECK;

#endif
