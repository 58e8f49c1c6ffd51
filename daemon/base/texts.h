/* SPDX-License-Identifier: MIT */
/* A list of owned texts, kept by its owner as an array and a count. */
#ifndef FA_BASE_TEXTS_H
#define FA_BASE_TEXTS_H

#include "base/str.h"

/* Appends a copy; text may hold no NUL. */
void fa_texts_add(char ***texts, size_t *count, struct fa_str text);
bool fa_texts_has(char *const *texts, size_t count, const char *text);
void fa_texts_free(char **texts, size_t count); /* accepts NULL with 0 */

#endif
