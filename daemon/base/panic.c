/* SPDX-License-Identifier: MIT */
#include "base/panic.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static fa_panic_fn *panic_hook;

void fa_panic_set_hook(fa_panic_fn *hook)
{
    panic_hook = hook;
}

_Noreturn void fa_panic(const char *file, int line, const char *what)
{
    if (panic_hook != NULL) {
        panic_hook(file, line, what);
    }
    abort();
}

static void *checked(void *ptr)
{
    if (ptr == NULL) {
        fa_panic(__FILE__, __LINE__, "out of memory");
    }
    return ptr;
}

void *fa_xmalloc(size_t size)
{
    return checked(malloc(size > 0 ? size : 1));
}

void *fa_xcalloc(size_t count, size_t size)
{
    return checked(calloc(count > 0 ? count : 1, size > 0 ? size : 1));
}

void *fa_xrealloc(void *ptr, size_t size)
{
    return checked(realloc(ptr, size > 0 ? size : 1));
}

char *fa_xstrdup(const char *text)
{
    return text == NULL ? NULL : fa_xstrndup(text, strlen(text));
}

char *fa_xstrndup(const char *text, size_t len)
{
    char *copy = fa_xmalloc(len + 1);
    memcpy(copy, text, len);
    copy[len] = '\0';
    return copy;
}

void *fa_xgrow(void *array, size_t count, size_t *cap, size_t element_bytes)
{
    if (count < *cap) {
        return array;
    }
    size_t next = *cap < 8 ? 8 : *cap * 2;
    fa_assert(next < SIZE_MAX / element_bytes);
    *cap = next;
    return fa_xrealloc(array, next * element_bytes);
}
