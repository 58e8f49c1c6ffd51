/* SPDX-License-Identifier: MIT */
/* links: fa_daemon_rig */
/* needs: fa_daemon_programs */
/* What people file, over the socket of the whole daemon. */
#include "daemon_rig.h"

static void a_filing_reaches_the_first_step_by_webhook(void **state)
{
    struct rig *rig = *state;
    char receipt[64];
    rig_start(rig);
    assert_int_equal(rig_file(rig, 1, "danger", receipt), 201);
    rig_until(rig, receiver_find(rig->receiver, "/first", "text-1") != NULL);
    assert_int_equal(rig_status(rig, receipt), 200);
    rig_stop(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_filing_reaches_the_first_step_by_webhook, rig_setup,
                                        rig_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
