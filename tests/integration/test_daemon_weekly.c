/* SPDX-License-Identifier: MIT */
/* links: fa_daemon_rig */
/* needs: fa_daemon_programs */
/* The weekly digest of the running daemon: what its readers see beforehand, what others do not, and
 * the message itself, once. */
#include "daemon_rig.h"

#include <time.h>

/* At the minute of the week that comes after the next. */
static void configure(struct rig *rig)
{
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static char more[200];
    time_t soon = time(NULL) + 60;
    struct tm tm;
    gmtime_r(&soon, &tm);
    snprintf(more, sizeof more,
             "weekly = { to = [ \"chris\", \"ines\" ]; at = \"%s %02d:%02d\"; budget = 7; };\n",
             days[tm.tm_wday], tm.tm_hour, tm.tm_min);
    rig->words.more = more;
}

static json_t *preview(struct rig *rig)
{
    const struct rig_call ask = {
        .method = "GET", .path = "/v1/weekly", .header = "Authorization: Bearer " RIG_TOKEN "\r\n"};
    const struct rig_reply *reply = rig_ask(rig, &ask);
    assert_int_equal(reply->status, 200);
    return rig_json(reply);
}

static void its_readers_see_it_beforehand_and_nobody_else_does(void **state)
{
    struct rig *rig = *state;
    configure(rig);
    rig_start(rig);
    json_t *body = preview(rig);
    const char *text = json_string_value(json_object_get(body, "text"));
    assert_contains(text, "People never reached\n");
    assert_contains(text, "Messages to you this week: 0 of 7");
    assert_contains(json_string_value(json_object_get(body, "week")), "Your week from ");
    assert_true(json_integer_value(json_object_get(body, "matters")) > 0);
    json_decref(body);
    assert_int_equal(rig_get(rig, "/v1/weekly")->status, 403); /* maria */
    assert_contains(rig_get(rig, "/v1/weekly")->body, "You get no weekly digest");
    rig_stop(rig);
}

static void what_was_filed_about_a_reader_is_in_no_number_of_theirs(void **state)
{
    struct rig *rig = *state;
    configure(rig);
    rig_start(rig);
    json_t *before = preview(rig);
    assert_int_equal(
        rig_post(rig, "/v1/incidents",
                 "{\"key\":\"0123456789abcdef0123456789abcdef\",\"category\":\"lying\","
                 "\"customer\":null,\"text\":\"The coo took an envelope\",\"known\":\"seen\","
                 "\"about\":[\"chris\"],\"level\":null,\"since\":null,\"strike\":[]}")
            ->status,
        201);
    rig_until(rig, receiver_find(rig->receiver, "/ruth", "envelope") != NULL);
    json_t *after = preview(rig);
    assert_string_equal(json_string_value(json_object_get(before, "text")),
                        json_string_value(json_object_get(after, "text")));
    json_decref(before);
    json_decref(after);
    rig_stop(rig);
}

static void it_comes_at_its_time_and_once(void **state)
{
    struct rig *rig = *state;
    if (!rig_has_hooks()) {
        skip();
    }
    configure(rig);
    rig_start(rig);
    assert_null(receiver_find(rig->receiver, "/first", "Weekly digest"));
    for (int i = 0; i < 4; i++) {
        rig_later(rig);
    }
    rig_until(rig, receiver_find(rig->receiver, "/first", "Weekly digest") != NULL);
    rig_until(rig, receiver_find(rig->receiver, "/ines", "Weekly digest") != NULL);
    assert_non_null(receiver_find(rig->receiver, "/first", "\"kind\":\"weekly\""));
    rig_stop(rig);
    rig_again(rig);
    rig_later(rig);
    assert_int_equal(rig_get(rig, "/v1/version")->status, 200);
    rig_stop(rig);
    assert_int_equal(receiver_matches(rig->receiver, "/first", "Weekly digest"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(its_readers_see_it_beforehand_and_nobody_else_does,
                                        rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(what_was_filed_about_a_reader_is_in_no_number_of_theirs,
                                        rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(it_comes_at_its_time_and_once, rig_setup, rig_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
