/* SPDX-License-Identifier: MIT */
/* Crash points, for tests that must know that a kill at this very place loses nothing. The passes
 * are counted for one name only, the one that FA_CRASH_AT names. */
#include "base/crashpoint.h"

#if defined(FA_TEST_HOOKS)

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

void fa_crashpoint(const char *name)
{
    static atomic_ulong passes;
    const char *wanted = getenv("FA_CRASH_AT");
    size_t len = strlen(name);
    if (wanted == NULL || strncmp(wanted, name, len) != 0 || wanted[len] != ':') {
        return;
    }
    if (atomic_fetch_add(&passes, 1) + 1 == strtoul(wanted + len + 1, NULL, 10)) {
        raise(SIGKILL);
    }
}

#else

typedef int fa_crashpoint_none;

#endif
