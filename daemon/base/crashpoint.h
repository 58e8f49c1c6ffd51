/* SPDX-License-Identifier: MIT */
/* Named places where a test can kill the process: FA_CRASH_AT=store.after_commit:3 raises SIGKILL
 * at the third pass. Without FA_TEST_HOOKS there is no code at all. */
#ifndef FA_BASE_CRASHPOINT_H
#define FA_BASE_CRASHPOINT_H

#if defined(FA_TEST_HOOKS)
void fa_crashpoint(const char *name);
#define FA_CRASHPOINT(name) fa_crashpoint(name)
#else
#define FA_CRASHPOINT(name) ((void)0)
#endif

#endif
