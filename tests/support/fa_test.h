/* SPDX-License-Identifier: MIT */
/* The one include of every cmocka test: cmocka's own include order, and what version 1.1.5 lacks.
 * Every main ends `return cmocka_run_group_tests(...) != 0;`: the count of failures alone would
 * become the exit status modulo 256. */
#ifndef FA_TEST_H
#define FA_TEST_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdbool.h>
#include <string.h>
#include <stdio.h>
#include <stdlib.h>
#include <math.h>
#include <cmocka.h>

#define assert_double_near(a, b, epsilon)                                                          \
    do {                                                                                           \
        double a_ = (a), b_ = (b);                                                                 \
        if (!(fabs(a_ - b_) <= (epsilon))) {                                                       \
            fail_msg("%s is %.17g, expected %.17g", #a, a_, b_);                                   \
        }                                                                                          \
    } while (0)

#define assert_contains(haystack, needle)                                                          \
    do {                                                                                           \
        const char *h_ = (haystack), *n_ = (needle);                                               \
        if (strstr(h_, n_) == NULL) {                                                              \
            fail_msg("\"%s\" is not in \"%s\"", n_, h_);                                           \
        }                                                                                          \
    } while (0)

#endif
