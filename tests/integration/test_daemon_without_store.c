/* SPDX-License-Identifier: MIT */
/* links: fa_daemon_rig */
/* needs: fa_daemon_programs */
/* A store that cannot be used: filings are refused, operators hear of it and not too often, and
 * what was stored goes on when it is back. */
#include "daemon_rig.h"

#define KEY  "secrets/mac.key"
#define AWAY "the store cannot be opened"

static const char other_key[] =
    "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n";

/* As it was written when the rig was set up. */
static char *read_key(const struct rig *rig)
{
    static char text[128];
    FILE *file = fopen(rig_path(rig, KEY), "r");
    assert_non_null(file);
    size_t len = fread(text, 1, sizeof text - 1, file);
    text[len] = '\0';
    fclose(file);
    return text;
}

static void operators_hear_once_of_a_store_that_cannot_be_loaded(void **state)
{
    struct rig *rig = *state;
    char receipt[64], other[64];
    if (!rig_has_hooks()) {
        print_message("not run: the clock cannot be moved in this build\n");
        return;
    }
    rig_start(rig);
    assert_int_equal(rig_file(rig, 1, "danger", receipt), 201);
    rig_stop(rig);
    char *key = read_key(rig);
    rig_write(rig, KEY, other_key, 0600);
    rig_again(rig);
    assert_int_equal(rig_file(rig, 2, "danger", other), 503);
    assert_int_equal(rig_status(rig, receipt), 503);
    rig_until(rig, receiver_find(rig->receiver, "/ines", AWAY) != NULL);
    size_t told = receiver_matches(rig->receiver, "/ines", AWAY);
    for (int i = 0; i < 4; i++) {
        rig_later(rig);
        assert_int_equal(rig_file(rig, 2, "danger", other), 503);
    }
    assert_int_equal(receiver_matches(rig->receiver, "/ines", AWAY), told);
    rig_write(rig, KEY, key, 0600);
    rig_later(rig);
    rig_until(rig, rig_status(rig, receipt) == 200);
    assert_int_equal(rig_file(rig, 2, "danger", other), 201);
    rig_stop(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(operators_hear_once_of_a_store_that_cannot_be_loaded,
                                        rig_setup, rig_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
