/* SPDX-License-Identifier: MIT */
/* What a test and the allocator it has preloaded (shim_memory.c) share. */
#ifndef FA_TEST_SHIM_MEMORY_H
#define FA_TEST_SHIM_MEMORY_H

#include <stdatomic.h>

struct shim_memory {
    _Atomic long count;   /* allocations so far */
    _Atomic long fail_at; /* the number of the first that fails; 0: none does */
    _Atomic long burst;   /* how many fail from there on */
    _Atomic long failed;
};

#endif
