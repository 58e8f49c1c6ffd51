/* SPDX-License-Identifier: MIT */
/* Many independent tries over all processors: forked workers that draw numbers from a common
 * counter. What they count is in memory they share, and what they print is theirs. A worker that
 * dies fails the test. */
#ifndef FA_TEST_PARALLEL_H
#define FA_TEST_PARALLEL_H

#include "fa_test.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* One try. counts is shared: add to it with parallel_add. */
typedef void parallel_fn(void *ctx, size_t number, long *counts);

static inline void parallel_add(long *count, long by)
{
    __atomic_fetch_add(count, by, __ATOMIC_SEQ_CST);
}

/* Tries numbers 0 to tries - 1; ret_counts holds `counts` sums afterwards. */
static inline void parallel_run(parallel_fn *fn, void *ctx, size_t tries, long *ret_counts,
                                size_t counts)
{
    size_t bytes = (counts + 1) * sizeof(long);
    long *shared = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(shared != MAP_FAILED);
    long *next = &shared[counts];
    long workers = tries > 1 ? sysconf(_SC_NPROCESSORS_ONLN) : 1;
    fflush(NULL);
    for (long i = 0; i < workers; i++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            size_t number;
            while ((number = (size_t)__atomic_fetch_add(next, 1, __ATOMIC_SEQ_CST)) < tries) {
                fn(ctx, number, shared);
            }
            fflush(NULL);
            _exit(0);
        }
    }
    for (long i = 0; i < workers; i++) {
        int status = 0;
        assert_true(wait(&status) > 0);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
            fail_msg("a worker ended with status %#x", (unsigned)status);
        }
    }
    memcpy(ret_counts, shared, counts * sizeof(long));
    munmap(shared, bytes);
}

#endif
