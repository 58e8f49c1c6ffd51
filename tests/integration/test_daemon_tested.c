/* SPDX-License-Identifier: MIT */
/* links: fa_daemon_rig */
/* needs: fa_daemon_programs */
/* Channels on which it may come down, and whether a test ever passed them: said at start, to
 * operators and in the metrics, and not forgotten with a restart. */
#include "daemon_rig.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define METRIC "firealarm_channels_untested"

static const struct rig_reply *ask(struct rig *rig, uint32_t uid)
{
    return rig_ask(
        rig, &(struct rig_call){.method = "GET", .path = "/v1/channels/untested", .uid = uid});
}

static bool is_untested(struct rig *rig, const char *person)
{
    json_t *body = rig_json(ask(rig, 2007));
    const json_t *item;
    size_t i;
    bool found = false;
    json_array_foreach(json_object_get(body, "untested"), i, item)
    {
        found = found || strcmp(json_string_value(json_object_get(item, "person")), person) == 0;
    }
    json_decref(body);
    return found;
}

static void test_channels(struct rig *rig, const char *person)
{
    char body[100];
    snprintf(body, sizeof body, "{\"person\": \"%s\"}", person);
    assert_int_equal(rig_ask(rig, &(struct rig_call){.method = "POST",
                                                     .path = "/v1/channels/test",
                                                     .body = body,
                                                     .uid = 2007})
                         ->status,
                     202);
}

static void what_was_never_tested_is_named_until_a_test_arrives(void **state)
{
    struct rig *rig = *state;
    rig_start(rig);
    assert_true(rig_logged(rig, "channels that were never tested: "));
    assert_int_equal(ask(rig, 2005)->status, 403);
    assert_true(is_untested(rig, "ines") && is_untested(rig, "noah"));
    double before = rig_metric(rig, METRIC);
    receiver_answer(rig->receiver, "/noah", 404);
    test_channels(rig, "noah"); /* does not arrive */
    test_channels(rig, "ines");
    rig_until(rig, !is_untested(rig, "ines"));
    rig_until(rig, receiver_find(rig->receiver, "/noah", "") != NULL);
    rig_until(rig, rig_logged(rig, "not delivered (404)"));
    assert_true(is_untested(rig, "noah"));
    assert_true(rig_metric(rig, METRIC) == before - 1);
    rig_stop(rig);
    rig_again(rig);
    assert_false(is_untested(rig, "ines"));
    assert_true(is_untested(rig, "noah"));
    rig_stop(rig);
}

static void a_name_that_is_nearly_right_is_suggested_to_operators_alone(void **state)
{
    struct rig *rig = *state;
    struct rig_call call = {.method = "POST",
                            .path = "/v1/channels/test",
                            .body = "{\"person\": \"inse\"}",
                            .uid = 2007};
    rig_start(rig);
    assert_int_equal(rig_ask(rig, &call)->status, 422);
    assert_contains(rig_ask(rig, &call)->body, "Did you mean \\\"ines\\\"?");
    call.uid = 2005;
    assert_int_equal(rig_ask(rig, &call)->status, 422);
    assert_null(strstr(rig_ask(rig, &call)->body, "Did you mean"));
    rig_stop(rig);
}

/* By each test it would be a sync of the disk for each, in the loop. */
static void what_was_tested_is_written_each_half_minute_and_survives_a_kill(void **state)
{
    struct rig *rig = *state;
    if (!rig_has_hooks()) {
        skip();
    }
    rig_start(rig);
    test_channels(rig, "ines");
    test_channels(rig, "noah");
    rig_until(rig, !is_untested(rig, "ines") && !is_untested(rig, "noah"));
    assert_int_not_equal(access(rig_path(rig, "state/tested"), F_OK), 0);
    rig_later(rig);
    rig_until(rig, access(rig_path(rig, "state/tested"), F_OK) == 0);
    rig_kill(rig);
    rig_again(rig);
    assert_false(is_untested(rig, "ines") || is_untested(rig, "noah"));
    rig_stop(rig);
}

static void a_damaged_list_is_worth_nothing_and_stops_nothing(void **state)
{
    struct rig *rig = *state;
    rig_start(rig);
    test_channels(rig, "ines");
    rig_until(rig, !is_untested(rig, "ines"));
    rig_stop(rig);
    rig_write(rig, "state/tested", "\t\t\n2026-01-01T00:00:00Z\tines\nnoah\tx\ty\tz\n\xff\xfe",
              0600);
    rig_again(rig);
    assert_true(is_untested(rig, "ines") && is_untested(rig, "noah"));
    test_channels(rig, "ines");
    rig_until(rig, !is_untested(rig, "ines"));
    rig_stop(rig);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_never_tested_is_named_until_a_test_arrives),
        TEST(a_name_that_is_nearly_right_is_suggested_to_operators_alone),
        TEST(what_was_tested_is_written_each_half_minute_and_survives_a_kill),
        TEST(a_damaged_list_is_worth_nothing_and_stops_nothing),
    };
    signal(SIGPIPE, SIG_IGN);
    cmocka_set_test_filter(getenv("FA_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
