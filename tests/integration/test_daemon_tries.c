/* SPDX-License-Identifier: MIT */
/* links: fa_daemon_rig */
/* needs: fa_daemon_programs */
/* One message, tried more than once: after a refusal for now, and after a courier died with it. */
#include "daemon_rig.h"

#include <signal.h>

/* Patient, so that nothing moves on to the next channel while a test looks. */
static const char patient[] = "severities = ( { name = \"critical\"; fail_attempts = 50;"
                              " fail_after = \"60s\"; }, { name = \"info\"; } );\n";

/* The nth of the first filing's messages at /first. */
static const struct received *try_number(struct rig *rig, size_t n)
{
    const struct received *item;
    for (size_t i = 0; (item = receiver_at(rig->receiver, i)) != NULL; i++) {
        if (strcmp(item->path, "/first") == 0 && strstr(item->body, "text-1") != NULL && n-- == 1) {
            return item;
        }
    }
    return NULL;
}

static void file(struct rig *rig)
{
    char receipt[64];
    rig->words.severities = patient;
    rig_start(rig);
    assert_int_equal(rig_file(rig, 1, "danger", receipt), 201);
    rig_until(rig, try_number(rig, 1) != NULL);
}

static void what_a_courier_died_with_is_sent_again_under_its_key(void **state)
{
    struct rig *rig = *state;
    receiver_answer(rig->receiver, "/first", RECEIVER_HANG);
    file(rig);
    receiver_answer(rig->receiver, "/first", 200);
    assert_int_equal(kill(rig_courier(rig), SIGKILL), 0);
    rig_until(rig, try_number(rig, 2) != NULL);
    assert_string_equal(try_number(rig, 2)->key, try_number(rig, 1)->key);
    assert_null(receiver_find(rig->receiver, "/second", "text-1"));
    rig_stop(rig);
}

/* Or a receiver that wants fresh signatures refuses every try but the first. */
static void each_try_says_when_it_was_sent(void **state)
{
    struct rig *rig = *state;
    receiver_answer(rig->receiver, "/first", 503);
    file(rig);
    rig_until(rig, try_number(rig, 3) != NULL);
    const char *first = strstr(try_number(rig, 1)->body, "\"sent\":");
    const char *third = strstr(try_number(rig, 3)->body, "\"sent\":");
    assert_non_null(first);
    assert_non_null(third);
    assert_memory_not_equal(first, third, strlen("\"sent\":\"2026-11-22T08:40:00Z\""));
    assert_string_equal(try_number(rig, 3)->key, try_number(rig, 1)->key);
    rig_stop(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_a_courier_died_with_is_sent_again_under_its_key,
                                        rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(each_try_says_when_it_was_sent, rig_setup, rig_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
