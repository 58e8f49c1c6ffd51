/* SPDX-License-Identifier: MIT */
/* The key of MACs and chain: one file of 64 hexadecimal digits that lies outside the store. */
#ifndef FA_STORE_KEY_H
#define FA_STORE_KEY_H

#include "store/store.h"

/* Reads the key; with `create`, a missing file is made (0600, synced, its directory too).
 * FA_ENOTFOUND, FA_EDENIED: group or others may write it or others read it, FA_EPARSE, FA_EIO. */
int fa_store_key_read(const char *path, bool create, uint8_t ret_key[FA_STORE_KEY_BYTES],
                      struct fa_err *err) FA_MUST_CHECK;

#endif
