/* SPDX-License-Identifier: MIT */
/* links: fa_daemon_rig */
/* needs: fa_daemon_programs */
/* A store that cannot be used: filings are refused, operators hear of it and not too often, and
 * what was stored goes on when it is back. */
#include "daemon_rig.h"

#include <stdlib.h>
#include <unistd.h>

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

static size_t tries(struct rig *rig)
{
    char *log = rig_log(rig);
    size_t count = 0;
    for (const char *at = log; (at = strstr(at, "no store: ")) != NULL; at++) {
        count++;
    }
    free(log);
    return count;
}

static void operators_hear_once_of_a_store_that_cannot_be_loaded(void **state)
{
    struct rig *rig = *state;
    char receipt[64], other[64];
    if (!rig_has_hooks()) {
        print_message("SKIPPED: the clock cannot be moved in this build\n");
        return;
    }
    rig_start(rig);
    assert_int_equal(rig_file(rig, 1, "danger", receipt), 201);
    rig_stop(rig);
    char *key = read_key(rig);
    rig_write(rig, KEY, other_key, 0600);
    rig_again(rig);
    assert_int_equal(rig_file(rig, 2, "danger", other), 503);
    /* Who asks what became of a filing is not told to file it again. */
    const struct rig_reply *reply =
        rig_post(rig, "/v1/status", "{\"receipt\":\"7K2Q-M9XA-3DTR-WZ5E\"}");
    assert_int_equal(reply->status, 503);
    assert_contains(reply->body, "nothing can be looked up");
    rig_until(rig, receiver_find(rig->receiver, "/ines", AWAY) != NULL);
    size_t told = receiver_matches(rig->receiver, "/ines", AWAY);
    /* And why. */
    assert_int_equal(receiver_matches(rig->receiver, "/ines", "the key belongs to another store"),
                     told);
    for (size_t i = 2; i < 6; i++) {
        rig_later(rig);
        rig_until(rig, tries(rig) == i);
    }
    assert_int_equal(rig_file(rig, 2, "danger", other), 503);
    assert_int_equal(receiver_matches(rig->receiver, "/ines", AWAY), told);
    rig_write(rig, KEY, key, 0600);
    rig_later(rig);
    rig_until(rig, rig_status(rig, receipt) == 200);
    assert_int_equal(rig_file(rig, 2, "danger", other), 201);
    rig_stop(rig);
}

static void a_first_start_makes_its_places_and_a_lost_store_is_not_replaced(void **state)
{
    struct rig *rig = *state;
    char receipt[64], other[64];
    char *key = strdup(rig_path(rig, KEY)), *store = strdup(rig_path(rig, "store"));
    char *gone = strdup(rig_path(rig, "store.gone"));
    assert_int_equal(unlink(key), 0);
    assert_int_equal(rmdir(store), 0);
    rig_start(rig);
    assert_int_equal(rig_file(rig, 1, "danger", receipt), 201);
    rig_stop(rig);
    assert_int_equal(rename(store, gone), 0);
    rig_again(rig);
    assert_int_equal(rig_file(rig, 2, "danger", other), 503);
    assert_int_not_equal(access(store, F_OK), 0);
    assert_int_equal(rename(gone, store), 0);
    rig_stop(rig);
    rig_again(rig);
    assert_int_equal(rig_status(rig, receipt), 200);
    rig_stop(rig);
    free(key);
    free(store);
    free(gone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(operators_hear_once_of_a_store_that_cannot_be_loaded,
                                        rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(
            a_first_start_makes_its_places_and_a_lost_store_is_not_replaced, rig_setup,
            rig_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
