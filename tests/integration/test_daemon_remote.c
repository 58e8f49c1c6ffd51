/* SPDX-License-Identifier: MIT */
/* links: fa_daemon_rig */
/* needs: fa_daemon_programs */
/* Calendars that lie elsewhere: fetched before the first start and at a reload that wants a new
 * one, then each day. What cannot be fetched or used changes nothing and is told once. */
#include "daemon_rig.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CALENDAR(events) "BEGIN:VCALENDAR\nVERSION:2.0\n" events "END:VCALENDAR\n"
#define EVENT(uid, who, more)                                                                      \
    "BEGIN:VEVENT\nUID:" uid "\nSUMMARY:" who                                                      \
    "\nDTSTART;VALUE=DATE:20200101\nDTEND;VALUE=DATE:20200102\n" more "END:VEVENT\n"
#define DAILY(who) CALENDAR(EVENT("1", who, "RRULE:FREQ=DAILY\n"))
#define PATH       "/rota.ics?key=hush"

/* A schedule that is elsewhere, and a policy that ends with it alone. */
static void want_rota(struct rig *rig)
{
    static char more[1024];
    snprintf(more, sizeof more,
             "zone = \"Europe/Berlin\";\n"
             "schedules = ( { name = \"it\"; url = \"http://127.0.0.1:%u" PATH "\";"
             " file = \"./copy.ics\"; allow_private = true; } );\n",
             receiver_http(rig->receiver));
    rig->words.more = more;
    rig->words.policies =
        "policies = ( { name = \"leaders\"; steps = ( { targets = [ \"chris\" ]; } ); },\n"
        "  { name = \"independent\"; steps = ( { targets = [ \"independent\" ]; } ); },\n"
        "  { name = \"operators\"; steps = ( { targets = [ \"ines\", \"team:it\" ]; } ); },\n"
        "  { name = \"duty\"; steps = ( { targets = [ \"schedule:it\" ]; } ); } );\n";
}

/* What `firealarm fetch` is told: the state, and with it a part of the error. */
static bool is_told(struct rig *rig, const char *state, const char *error)
{
    json_t *body = rig_json(
        rig_ask(rig, &(struct rig_call){.method = "GET", .path = "/v1/fetch", .uid = 2007}));
    const json_t *item = json_array_get(json_object_get(body, "jobs"), 0);
    const char *is = json_string_value(json_object_get(item, "state"));
    const char *says = json_string_value(json_object_get(item, "error"));
    bool ok = is != NULL && strcmp(is, state) == 0 &&
              (error == NULL || (says != NULL && strstr(says, error) != NULL));
    char *text = json_dumps(item, 0);
    assert_null(text != NULL ? strstr(text, "hush") : NULL);
    free(text);
    json_decref(body);
    return ok;
}

static bool has_hooks(void)
{
    if (!rig_has_hooks()) {
        print_message("SKIPPED: built without test hooks\n");
    }
    return rig_has_hooks();
}

static void a_first_start_fetches_it_and_a_later_one_does_without(void **state)
{
    struct rig *rig = *state;
    want_rota(rig);
    receiver_say(rig->receiver, PATH, 200, DAILY("ines"));
    rig_start(rig);
    assert_true(rig_is_on_duty(rig, "ines"));
    assert_int_equal(receiver_matches(rig->receiver, PATH, NULL), 1);
    assert_true(is_told(rig, "unknown", NULL));
    assert_true(rig_metric(rig, "firealarm_calendar_copied_seconds{calendar=\"it\"}") > 0);
    rig_stop(rig);
    receiver_answer(rig->receiver, PATH, 500);
    rig_again(rig);
    assert_true(rig_is_on_duty(rig, "ines"));
    assert_false(rig_logged(rig, "accepted last"));
    rig_stop(rig);
}

static void a_first_start_that_cannot_have_it_says_which_is_missing(void **state)
{
    struct rig *rig = *state;
    int status = 0;
    want_rota(rig);
    receiver_answer(rig->receiver, PATH, 404);
    rig_write_config(rig);
    rig_spawn(rig);
    rig_until(rig, rig_has_ended(rig, &status));
    assert_int_equal(WEXITSTATUS(status), 78);
    assert_true(rig_logged(rig, "copy.ics' has no copy yet, and its url cannot be fetched"));
    assert_true(rig_logged(rig, "404"));
}

static void each_day_it_is_fetched_and_what_is_bad_changes_nothing(void **state)
{
    struct rig *rig = *state;
    static const struct {
        int status;
        const char *body, *error;
    } bad[] = {
        {200, "<html>Please log in</html>", "no iCalendar"},
        {200, "", "no iCalendar"},
        {200, "BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VEVENT\n", "no iCalendar"},
        {404, "", "404"},
        {302, "", "302"},
        {200, DAILY("nobody"), "nobody is called 'nobody'"},
        {200, CALENDAR(EVENT("1", "ines", "")), "tells nobody"},
        {200, NULL, "longer than"}, /* too large */
    };
    if (!has_hooks()) {
        skip();
    }
    want_rota(rig);
    rig->every = "200ms";
    char *huge = malloc((1 << 20) + 2);
    memset(huge, 'x', (1 << 20) + 1);
    huge[(1 << 20) + 1] = '\0';
    receiver_say(rig->receiver, PATH, 200, DAILY("ines"));
    rig_start(rig);
    rig_until(rig, is_told(rig, "up", NULL));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const char *who = i % 2 == 0 ? "noah" : "ines";
        receiver_say(rig->receiver, PATH, bad[i].status, bad[i].body != NULL ? bad[i].body : huge);
        rig_until(rig, is_told(rig, "down", bad[i].error));
        assert_true(rig_is_on_duty(rig, i % 2 == 0 ? "ines" : "noah"));
        assert_true(rig_metric(rig, "firealarm_calendar_up{calendar=\"it\"}") == 0);
        receiver_say(rig->receiver, PATH, 200,
                     strcmp(who, "noah") == 0 ? DAILY("noah") : DAILY("ines"));
        rig_until(rig, rig_is_on_duty(rig, who));
        rig_until(rig, is_told(rig, "up", NULL));
    }
    rig_until(rig, receiver_find(rig->receiver, "/ines", "calendars cannot be fetched") != NULL);
    rig_until(rig, receiver_find(rig->receiver, "/ines", "those read last stay") != NULL);
    rig_stop(rig);
    free(huge);
}

static void what_fails_again_and_again_is_told_once(void **state)
{
    struct rig *rig = *state;
    if (!has_hooks()) {
        skip();
    }
    want_rota(rig);
    rig->every = "100ms";
    receiver_say(rig->receiver, PATH, 200, DAILY("ines"));
    rig_start(rig);
    receiver_answer(rig->receiver, PATH, 500);
    rig_until(rig, rig_log_count(rig, "cannot be fetched: ") >= 4);
    rig_until(rig, receiver_find(rig->receiver, "/ines", "calendars cannot be fetched") != NULL);
    json_t *body = rig_json(
        rig_ask(rig, &(struct rig_call){.method = "GET", .path = "/v1/alarms", .uid = 2007}));
    size_t open = 0, i;
    const json_t *alarm;
    json_array_foreach(json_object_get(body, "alarms"), i, alarm)
    {
        char *text = json_dumps(alarm, 0);
        open += strstr(text, "calendars cannot be fetched") != NULL;
        free(text);
    }
    json_decref(body);
    assert_int_equal(open, 1);
    rig_stop(rig);
}

static void a_server_that_hangs_holds_nobody_up(void **state)
{
    struct rig *rig = *state;
    char receipt[64];
    if (!has_hooks()) {
        skip();
    }
    want_rota(rig);
    rig->every = "200ms";
    receiver_say(rig->receiver, PATH, 200, DAILY("ines"));
    rig_start(rig);
    receiver_answer(rig->receiver, PATH, RECEIVER_HANG);
    size_t before = receiver_matches(rig->receiver, PATH, NULL);
    rig_until(rig, receiver_matches(rig->receiver, PATH, NULL) > before);
    assert_int_equal(rig_file(rig, 1, "danger", receipt), 201);
    assert_true(rig_is_on_duty(rig, "ines"));
    rig_stop(rig); /* in good time, though 30 s are not over */
}

/* Beside the schedule. */
static void want_calendars(struct rig *rig, unsigned count)
{
    static char more[20000];
    want_rota(rig);
    size_t at = (size_t)snprintf(more, sizeof more, "%scalendars = (", rig->words.more);
    for (unsigned i = 0; i < count; i++) {
        at += (size_t)snprintf(more + at, sizeof more - at,
                               "%s { name = \"team-%u\"; url = \"http://127.0.0.1:%u" PATH
                               "\"; file = \"./%u.ics\"; allow_private = true; }",
                               i > 0 ? ",\n" : "", i, receiver_http(rig->receiver), i);
    }
    snprintf(more + at, sizeof more - at, ");\n");
    rig->words.more = more;
}

/* More than a fetcher has under way at a time. */
static void each_team_may_have_a_calendar_elsewhere(void **state)
{
    struct rig *rig = *state;
    receiver_say(rig->receiver, PATH, 200, DAILY("ines"));
    want_calendars(rig, 70);
    rig_start(rig);
    assert_int_equal(receiver_matches(rig->receiver, PATH, NULL), 71);
    assert_true(rig_is_on_duty(rig, "ines"));
    rig_stop(rig);
}

/* 20 of 1 MB are more than is held at a time, and than a configuration takes. */
static void all_calendars_together_have_a_limit(void **state)
{
    struct rig *rig = *state;
    int status;
    char *huge = malloc(1000001);
    want_calendars(rig, 20);
    memset(huge, 'x', 1000000);
    huge[1000000] = '\0';
    receiver_say(rig->receiver, PATH, 200, huge);
    rig_write_config(rig);
    rig_spawn(rig);
    rig_until(rig, rig_has_ended(rig, &status));
    assert_true(rig_logged(rig, "or than that of all together"));
    free(huge);
}

static void a_reload_fetches_what_is_new_to_it(void **state)
{
    struct rig *rig = *state;
    rig_start(rig);
    want_rota(rig);
    receiver_answer(rig->receiver, PATH, 503);
    rig_write_config(rig);
    rig_signal(rig, SIGHUP);
    rig_until(rig, rig_logged(rig, "the new configuration is refused"));
    assert_true(rig_logged(rig, "has no copy yet, and its url cannot be fetched"));
    receiver_say(rig->receiver, PATH, 200, DAILY("noah"));
    rig_signal(rig, SIGHUP);
    rig_until(rig, rig_logged(rig, "the new configuration holds"));
    assert_true(rig_is_on_duty(rig, "noah"));
    rig_stop(rig);
}

/* ---- what lies where the copy is written first ---- */

enum in_the_way { WAY_FIFO, WAY_LINK, WAY_DANGLING, WAY_FILE, WAY__COUNT };

#define OTHERS "somebody else's words\n"

static void put_in_the_way(const struct rig *rig, enum in_the_way what)
{
    const char *at = rig_path(rig, "copy.ics.new");
    if (what == WAY_FIFO) {
        assert_int_equal(mkfifo(at, 0666), 0);
    } else if (what == WAY_FILE) {
        rig_write(rig, "copy.ics.new", OTHERS, 0666);
    } else {
        const char *to = rig_path(rig, what == WAY_LINK ? "others" : "nothing");
        assert_int_equal(symlink(to, at), 0);
    }
}

/* Its own file with what was fetched, and nothing is left beside it. */
static bool is_copied(const struct rig *rig, const char *who)
{
    struct stat st;
    char *text = NULL;
    const char *at = rig_path(rig, "copy.ics");
    bool is = lstat(at, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 0777) == 0600 &&
              rig_has_text(at, who, &text);
    free(text);
    return is && lstat(rig_path(rig, "copy.ics.new"), &st) != 0 && errno == ENOENT;
}

static void what_lies_where_a_copy_is_written_neither_stops_it_nor_is_opened(void **state)
{
    struct rig *rig = *state;
    struct stat st;
    char *text = NULL;
    want_rota(rig);
    receiver_say(rig->receiver, PATH, 200, DAILY("ines"));
    rig_write(rig, "others", OTHERS, 0666);
    for (enum in_the_way what = 0; what < WAY__COUNT; what++) {
        (void)unlink(rig_path(rig, "copy.ics"));
        put_in_the_way(rig, what);
        rig_start(rig); /* has no copy, so it fetches; a FIFO that is opened would hold it */
        assert_true(rig_is_on_duty(rig, "ines"));
        rig_until(rig, is_copied(rig, "SUMMARY:ines"));
        assert_false(rig_logged(rig, "cannot be written"));
        rig_stop(rig);
    }
    assert_true(rig_has_text(rig_path(rig, "others"), OTHERS, &text));
    assert_string_equal(text, OTHERS);
    assert_int_not_equal(lstat(rig_path(rig, "nothing"), &st), 0);
    free(text);
}

static void
a_directory_where_a_copy_is_written_is_named_and_the_daemon_runs_without_it(void **state)
{
    struct rig *rig = *state;
    struct stat st;
    want_rota(rig);
    receiver_say(rig->receiver, PATH, 200, DAILY("ines"));
    assert_int_equal(mkdir(rig_path(rig, "copy.ics.new"), 0700), 0);
    rig_start(rig);
    assert_true(rig_is_on_duty(rig, "ines"));
    rig_until(rig, rig_logged(rig, "copy.ics.new is in the way: Is a directory; remove it"));
    assert_int_not_equal(stat(rig_path(rig, "copy.ics"), &st), 0);
    assert_int_equal(stat(rig_path(rig, "copy.ics.new"), &st), 0);
    rig_stop(rig);
    assert_int_equal(rmdir(rig_path(rig, "copy.ics.new")), 0);
    rig_again(rig);
    rig_until(rig, is_copied(rig, "SUMMARY:ines"));
    assert_false(rig_logged(rig, "in the way"));
    rig_stop(rig);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_first_start_fetches_it_and_a_later_one_does_without),
        TEST(a_first_start_that_cannot_have_it_says_which_is_missing),
        TEST(each_day_it_is_fetched_and_what_is_bad_changes_nothing),
        TEST(what_fails_again_and_again_is_told_once),
        TEST(a_server_that_hangs_holds_nobody_up),
        TEST(each_team_may_have_a_calendar_elsewhere),
        TEST(all_calendars_together_have_a_limit),
        TEST(a_reload_fetches_what_is_new_to_it),
        TEST(what_lies_where_a_copy_is_written_neither_stops_it_nor_is_opened),
        TEST(a_directory_where_a_copy_is_written_is_named_and_the_daemon_runs_without_it),
    };
    signal(SIGPIPE, SIG_IGN);
    cmocka_set_test_filter(getenv("FA_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
