/* SPDX-License-Identifier: MIT */
/* Preloaded into a program: its n-th allocation fails, and some after it. The control is a file of
 * struct shim_memory that a test has mapped too (FA_SHIM_MEMORY, its path). Allocations before the
 * program's own start-up are not counted. With AddressSanitizer there is another allocator in the
 * way and nothing here is called. */
#include "shim_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

/* glibc's own, under the names that it exports for this purpose. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *ptr, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

EXPORT void *malloc(size_t size);
EXPORT void *calloc(size_t count, size_t size);
EXPORT void *realloc(void *ptr, size_t size);
EXPORT int posix_memalign(void **ret, size_t alignment, size_t size);
EXPORT void *aligned_alloc(size_t alignment, size_t size);

static struct shim_memory *control;

static bool fails(void)
{
    if (control == NULL) {
        return false;
    }
    long at = atomic_fetch_add(&control->count, 1) + 1, from = atomic_load(&control->fail_at);
    if (from == 0 || at < from || at >= from + atomic_load(&control->burst)) {
        return false;
    }
    atomic_fetch_add(&control->failed, 1);
    errno = ENOMEM;
    return true;
}

void *malloc(size_t size)
{
    return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *ptr, size_t size)
{
    return fails() ? NULL : __libc_realloc(ptr, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return fails() ? NULL : __libc_memalign(alignment, size);
}

int posix_memalign(void **ret, size_t alignment, size_t size)
{
    void *ptr = aligned_alloc(alignment, size);
    if (ptr == NULL) {
        return ENOMEM;
    }
    *ret = ptr;
    return 0;
}

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("FA_SHIM_MEMORY");
    int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd >= 0) {
        void *map = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        close(fd);
        control = map != MAP_FAILED ? map : NULL;
    }
}
