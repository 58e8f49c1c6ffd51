/* SPDX-License-Identifier: MIT */
/* What every store plugin must do, as one suite. A test program sets a store up and runs it:
 *
 *   static int setup(void **state) { *state = <struct fa_conformance on an empty store>; ... }
 *   failed += fa_conformance_run("sqlite", setup, teardown);
 */
#ifndef FA_TEST_STORE_CONFORMANCE_H
#define FA_TEST_STORE_CONFORMANCE_H

#include <firealarm/store.h>

struct fa_conformance {
    const struct firealarm_store *plugin;
    struct firealarm_settings settings; /* open() with these gives the same store each time */
    struct firealarm_host host;
};

/* setup and teardown are called around each test; *state is a struct fa_conformance *. Returns how
 * many failed. */
int fa_conformance_run(const char *group, int (*setup)(void **state),
                       int (*teardown)(void **state));

#endif
