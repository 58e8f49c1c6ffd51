/* SPDX-License-Identifier: MIT */
/* links: fa_daemon_rig */
/* needs: fa_daemon_programs firealarm */
/* Drills with real processes: the message that people get, the command that its operator sees, the
 * answer over each way, a drill that fails while the daemon is replaced, and what is counted. */
#include "page_rig.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHRIS "Authorization: Bearer " RIG_TOKEN "\r\n"

/* maria, who runs the test, is the operator. */
static void begin(struct rig *rig)
{
    static char people[2048];
    snprintf(people, sizeof people,
             "people = (\n"
             "  { name = \"maria\"; display = \"Maria Lopez\"; operator = true; uid = %u;\n"
             "    channels = ( { channel = \"noah\"; } ); },\n"
             "  { name = \"chris\"; display = \"Chris Olsen\"; manager = \"dana\"; uid = 2005;\n"
             "    token = \"6b043e295017b702aa7d10a6b6b41d3cae5639fe2eec1e0a1b8065f4c29deadc\";\n"
             "    channels = ( { channel = \"first\"; }, { channel = \"second\"; } ); },\n"
             "  { name = \"dana\"; display = \"Dana Whitfield\"; manager = \"ruth\"; uid = 2006;\n"
             "    channels = ( { channel = \"dana\"; } ); },\n"
             "  { name = \"ruth\"; independent = true; channels = ( { channel = \"ruth\"; } ); },\n"
             "  { name = \"leo\"; independent = true; channels = ( { channel = \"leo\"; } ); },\n"
             "  { name = \"ines\"; operator = true; uid = 2007;\n"
             "    channels = ( { channel = \"ines\"; } ); }\n"
             ");\nteams = ( { name = \"it\"; members = [ \"ines\", \"maria\" ]; } );\n",
             getuid());
    rig->words.people = people;
    rig_start(rig);
    rig_client_settings(rig, false);
}

/* "state" and "alarm" of the last drill of leaders; "" when there was none. */
static const char *last(struct rig *rig, const char *member)
{
    static char text[64];
    json_t *root = rig_json(rig_get(rig, "/v1/drills"));
    const json_t *drill = json_array_get(json_object_get(root, "drills"), 0);
    const char *value = json_string_value(json_object_get(drill, member));
    snprintf(text, sizeof text, "%s", value != NULL ? value : "");
    json_decref(root);
    return text;
}

static int answer(struct rig *rig, const char *verb)
{
    char path[128];
    snprintf(path, sizeof path, "/v1/alarms/%s/%s", last(rig, "alarm"), verb);
    return rig_ask(
               rig,
               &(struct rig_call){.method = "POST", .path = path, .body = "{}", .header = CHRIS})
        ->status;
}

static void a_drill_is_told_answered_and_shown(void **state)
{
    struct rig *rig = *state;
    char out[8192];
    begin(rig);
    assert_int_equal(rig_client(rig, "drill", out, sizeof out), 0);
    assert_contains(out, "There was no drill yet");
    assert_int_equal(rig_client(rig, "drill leaders --preview", out, sizeof out), 0);
    assert_contains(out, "Chris Olsen, over first");
    assert_contains(out, "within 15m");
    assert_int_equal(rig_client(rig, "drill leaders", out, sizeof out), 2); /* nobody to ask */
    assert_contains(out, "add --yes");
    assert_int_equal(receiver_count(rig->receiver), 0);

    FILE *waiting = rig_client_start(rig, "drill leaders --yes");
    rig_until(rig, receiver_find(rig->receiver, "/first",
                                 "\"title\":\"DRILL of the policy "
                                 "leaders, begun by maria") != NULL);
    const struct received *told = receiver_find(rig->receiver, "/first", "DRILL");
    assert_contains(told->body, "\"summary\":\"DRILL of the policy");
    assert_contains(told->body, "\"severity\":\"drill\"");
    assert_true(rig_metric(rig, "firealarm_drill_passed{policy=\"leaders\"}") == -1);
    assert_true(rig_metric(rig, "firealarm_alarms{state=\"unacknowledged\"}") == 0);
    assert_true(rig_metric(rig, "firealarm_outbox") == 0);
    json_t *alarms = rig_json(
        rig_ask(rig, &(struct rig_call){.method = "GET", .path = "/v1/alarms", .header = CHRIS}));
    char *text = json_dumps(alarms, 0);
    assert_contains(text, "\"drill\""); /* marked in the list */
    free(text);
    json_decref(alarms);

    assert_int_equal(answer(rig, "ack"), 200);
    assert_int_equal(rig_client_end(waiting, out, sizeof out), 0);
    assert_contains(out, "told Chris Olsen over first");
    assert_contains(out, "Passed: Chris Olsen answered after ");
    assert_string_equal(last(rig, "state"), "passed");
    assert_true(rig_metric(rig, "firealarm_drill_passed{policy=\"leaders\"}") == 1);
    assert_true(rig_metric(rig, "firealarm_drill_answer_ms{policy=\"leaders\"}") >= 0);
    assert_int_equal(rig_client(rig, "drill", out, sizeof out), 0);
    assert_contains(out, "Chris Olsen");
    assert_int_equal(answer(rig, "ack"), 409); /* it is over */
    assert_int_equal(receiver_matches(rig->receiver, "/dana", NULL), 0);
}

static void a_drill_is_answered_by_the_link_in_its_message(void **state)
{
    struct rig *rig = *state;
    char form[200], seen[40];
    rig->words.listeners = page_listeners;
    begin(rig);
    assert_int_equal(rig_post(rig, "/v1/drills", "{\"policy\":\"leaders\"}")->status, 201);
    struct page_link link = link_of(rig, "/first", "DRILL");
    const struct rig_reply *reply = page(rig, "GET", link.path, NULL);
    assert_has(reply->body, "This is a drill. Will you answer?");
    assert_has(reply->body, "DRILL of the policy leaders");
    assert_lacks(reply->body, "I say more in");
    hidden(reply, "seen", seen, sizeof seen);
    assert_string_equal(last(rig, "state"), "running");
    snprintf(form, sizeof form, "code=%.3s%s&seen=%s", link.code, link.code + 4, seen);
    reply = page(rig, "POST", link.path, form);
    assert_int_equal(reply->status, 200);
    assert_has(reply->body, "The drill is over");
    assert_string_equal(last(rig, "state"), "passed");
    assert_string_equal(last(rig, "who"), "chris");
    assert_int_equal(page(rig, "GET", link.path, NULL)->status, 404);
}

static void who_runs_nothing_begins_none_and_sees_none(void **state)
{
    struct rig *rig = *state;
    begin(rig);
    static const struct rig_call calls[] = {
        {.method = "GET", .path = "/v1/drills", .header = CHRIS},
        {.method = "POST",
         .path = "/v1/drills",
         .body = "{\"policy\":\"leaders\"}",
         .header = CHRIS},
        {.method = "POST",
         .path = "/v1/drills/preview",
         .body = "{\"policy\":\"leaders\"}",
         .header = CHRIS},
    };
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        assert_int_equal(rig_ask(rig, &calls[i])->status, 403);
    }
    static const struct {
        const char *body, *says;
    } rows[] = {
        {"{}", "policy"},
        {"{\"policy\":\"nonsense\"}", "There is no policy \\\"nonsense\\\"."},
        {"{\"policy\":\"leader\"}", "Did you mean \\\"leaders\\\"?"},
        {"{\"policy\":\"leaders\",\"within\":\"1s\"}", "Between 10s and 1d."},
        {"{\"policy\":\"leaders\",\"within\":\"2d\"}", "Between 10s and 1d."},
        {"{\"policy\":\"leaders\",\"within\":7}", "within"},
        {"{\"policy\":\"leaders\",\"now\":\"yes\"}", "now"},
        {"{\"policy\":\"leaders\",\"nwo\":true}", "nwo"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct rig_reply *reply = rig_post(rig, "/v1/drills", rows[i].body);
        assert_int_equal(reply->status, 422);
        assert_contains(reply->body, rows[i].says);
    }
    assert_string_equal(last(rig, "state"), "");
    assert_int_equal(rig_post(rig, "/v1/drills", "{\"policy\":\"leaders\"}")->status, 201);
    const struct rig_reply *again = rig_post(rig, "/v1/drills", "{\"policy\":\"leaders\"}");
    assert_int_equal(again->status, 409);
    assert_contains(again->body, "is under way");
}

/* With its end in a second process, and the operator's command watching all the while. */
static void a_drill_that_nobody_answers_is_an_alarm_after_a_restart(void **state)
{
    struct rig *rig = *state;
    char out[8192];
    if (!rig_has_hooks()) {
        skip();
    }
    begin(rig);
    FILE *waiting = rig_client_start(rig, "drill leaders --within 40s --yes");
    rig_until(rig, receiver_find(rig->receiver, "/first", "DRILL") != NULL);
    /* That it arrived must be known, or half a minute makes it a message that did not. */
    rig_until(rig, strstr(rig_get(rig, "/v1/outbox")->body, "[]") != NULL);
    rig_kill(rig);
    rig_again(rig);
    assert_string_equal(last(rig, "state"), "running");
    rig_until(rig, rig_metric(rig, "firealarm_courier_up") == 1); /* likewise */
    rig_later(rig);
    assert_string_equal(last(rig, "state"), "running");
    rig_later(rig);
    rig_until(rig, strcmp(last(rig, "state"), "failed") == 0);
    rig_until(rig, receiver_find(rig->receiver, "/dana",
                                 "A drill of the policy leaders failed: "
                                 "nobody acknowledged it within 40s. Told, "
                                 "and silent: Chris Olsen.") != NULL);
    assert_null(strstr(receiver_find(rig->receiver, "/dana", "failed")->body, "\"DRILL"));
    rig_until(rig, receiver_find(rig->receiver, "/first", "is over: nobody answered") != NULL);
    assert_int_equal(rig_client_end(waiting, out, sizeof out), 1);
    assert_contains(out, "told Chris Olsen over first");
    assert_contains(out, "Failed: nobody answered in time.");
    assert_true(rig_metric(rig, "firealarm_drill_passed{policy=\"leaders\"}") == 0);
    assert_true(rig_metric(rig, "firealarm_alarms{state=\"unacknowledged\"}") == 1);
    const struct rig_reply *again = rig_post(rig, "/v1/drills", "{\"policy\":\"leaders\"}");
    assert_int_equal(again->status, 409);
    assert_contains(again->body, "is still open");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        T(a_drill_is_told_answered_and_shown),
        T(a_drill_is_answered_by_the_link_in_its_message),
        T(who_runs_nothing_begins_none_and_sees_none),
        T(a_drill_that_nobody_answers_is_an_alarm_after_a_restart),
    };
    signal(SIGPIPE, SIG_IGN);
    cmocka_set_test_filter(getenv("FA_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
