/* SPDX-License-Identifier: MIT */
/* Directories that the configuration speaks of and that are not there yet. */
#ifndef FA_APP_PLACE_H
#define FA_APP_PLACE_H

#include <sys/types.h>

/* Makes the directory that path lies in, one level; one that is there stays as it is. Silent: who
 * needs the directory says what is wrong with it. */
void fa_place_parent(const char *path, mode_t mode);

#endif
