/* SPDX-License-Identifier: MIT */
/* What a campaign of faults measures: one row of the table that tests/promise prints and the README
 * carries. A campaign is a program tests/faults/fault_NAME.c. It is run at the size that
 * FA_PROMISE_SIZE names: test (the default, a few seconds, in every test run), ci, night or
 * release.
 */
#ifndef FA_TEST_PROMISE_H
#define FA_TEST_PROMISE_H

#include <stddef.h>

#define PROMISE_NOT_LOOKED_AT (-1L)

/* How often to try, by size; 0 for release: as often as by night. */
struct promise_sizes {
    size_t test, ci, night, release;
};
size_t promise_tries(const struct promise_sizes *sizes);
/* Whether this run is to try every place there is, not an even spread of them. */
int promise_is_exhaustive(void); /* night and release */

struct promise_row {
    const char *fault; /* as it stands in the table: "kill -9 at each system call" */
    size_t tries;
    /* Each a count or PROMISE_NOT_LOOKED_AT. */
    long lost;         /* acknowledged filings without a delivery or an open deadline */
    long missed;       /* steps not taken, or taken late beyond what the fault allows */
    long duplicates;   /* deliveries beyond the first, each under the same key */
    long leaks;        /* canaries seen where they must not be */
    const char *bound; /* of duplicates, in words: "1 a crash"; NULL: none are allowed */
    const char *note;  /* what else a reader should know, or NULL */
};

/* Prints the row, hands it to tests/promise, and then fails the test if anything was lost, missed
 * or leaked, or nothing was tried. Duplicates beyond the bound are the campaign's to fail. */
void promise_print(const struct promise_row *row);

#endif
