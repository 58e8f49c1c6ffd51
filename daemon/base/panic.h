/* SPDX-License-Identifier: MIT */
/* The end of the process for a bug or a failed allocation: one hook that app/ sets, then abort().
 * Durability makes an abort safe; a daemon that goes on with broken state is not. */
#ifndef FA_BASE_PANIC_H
#define FA_BASE_PANIC_H

#include <stdbool.h>
#include <stddef.h>

typedef void fa_panic_fn(const char *file, int line, const char *what);

/* The hook runs before abort() and may not return control by longjmp. NULL: none. */
void fa_panic_set_hook(fa_panic_fn *hook);
_Noreturn void fa_panic(const char *file, int line, const char *what);

/* Stays on in a release build. Programming errors only; the environment's errors are returned. */
#define fa_assert(cond) ((cond) ? (void)0 : fa_panic(__FILE__, __LINE__, #cond))

/* Allocation that cannot fail, for what no peer can size. Freed with free(). */
void *fa_xmalloc(size_t size);
void *fa_xcalloc(size_t count, size_t size);
void *fa_xrealloc(void *ptr, size_t size);
/* NULL stays NULL. */
char *fa_xstrdup(const char *text);
char *fa_xstrndup(const char *text, size_t len);

/* Makes room for one more element of a growing array: returns the array, with *cap updated. */
void *fa_xgrow(void *array, size_t count, size_t *cap, size_t element_bytes);

/* Every object handed through a void * carries a magic as its first member, checked on the way in.
 */
#define FA_MAGIC_CHECK(ptr, value)                                                                 \
    fa_assert((ptr) != NULL && *(const unsigned int *)(const void *)(ptr) == (value))

#endif
