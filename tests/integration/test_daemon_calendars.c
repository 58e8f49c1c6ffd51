/* SPDX-License-Identifier: MIT */
/* links: fa_daemon_rig */
/* needs: fa_daemon_programs firealarm */
/* Calendars in the running daemon: read beside the loop at SIGHUP and once a day; what cannot be
 * used keeps what runs; a start finds those that were accepted last. */
#include "daemon_rig.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define EVENT(uid, who, more)                                                                      \
    "BEGIN:VEVENT\nUID:" uid "\nSUMMARY:" who                                                      \
    "\nDTSTART;VALUE=DATE:20200101\nDTEND;VALUE=DATE:20200102\n" more "END:VEVENT\n"
#define DAILY "RRULE:FREQ=DAILY\n"

static const char duty[] = "zone = \"Europe/Berlin\";\n"
                           "schedules = ( { name = \"it\"; display = \"IT on duty\"; file = "
                           "\"./rota.ics\"; } );\n";

static void write_rota(struct rig *rig, const char *events)
{
    char text[2048];
    snprintf(text, sizeof text, "BEGIN:VCALENDAR\nVERSION:2.0\n%sEND:VCALENDAR\n", events);
    rig_write(rig, "rota.ics", text, 0644);
}

/* Whatever comes of it. */
static void reload_once(struct rig *rig)
{
    static const char word[] = "the new configuration ";
    size_t before = rig_log_count(rig, word);
    rig_signal(rig, SIGHUP);
    rig_until(rig, rig_log_count(rig, word) == before + 1);
}

static void reload(struct rig *rig, bool good)
{
    const char *word = good ? "the new configuration holds" : "the new configuration is refused";
    size_t before = rig_log_count(rig, word);
    reload_once(rig);
    assert_int_equal(rig_log_count(rig, word), before + 1);
}

static void a_reload_takes_the_calendar_as_it_is_now_or_leaves_all_as_it_was(void **state)
{
    struct rig *rig = *state;
    rig->words.more = duty;
    write_rota(rig, EVENT("1", "ines", DAILY));
    rig_start(rig);
    assert_true(rig_is_on_duty(rig, "ines"));
    write_rota(rig, EVENT("1", "noah", DAILY));
    assert_true(rig_is_on_duty(rig, "ines"));
    reload(rig, true);
    assert_true(rig_is_on_duty(rig, "noah"));
    write_rota(rig, EVENT("1", "nobody", DAILY));
    reload(rig, false);
    assert_true(rig_logged(rig, "nobody is called 'nobody'"));
    assert_true(rig_is_on_duty(rig, "noah"));
    rig_until(rig,
              receiver_find(rig->receiver, "/ines", "changed configuration was refused") != NULL);
    rig_stop(rig);
}

static void a_calendar_that_is_never_read_to_its_end_holds_nobody_up(void **state)
{
    struct rig *rig = *state;
    char receipt[64];
    rig->words.more = duty;
    write_rota(rig, EVENT("1", "ines", DAILY));
    rig_start(rig);
    write_rota(rig, EVENT("1", "noah", "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30\n"));
    size_t before = rig_log_count(rig, "the new configuration");
    rig_signal(rig, SIGHUP);
    rig_signal(rig, SIGHUP);
    assert_int_equal(rig_file(rig, 1, "danger", receipt), 201);
    assert_int_equal(rig_status(rig, receipt), 200);
    rig_until(rig, rig_log_count(rig, "the new configuration") == before + 2 ||
                       rig_log_count(rig, "the new configuration") == before + 1);
    assert_true(rig_is_on_duty(rig, "ines"));
    write_rota(rig, EVENT("1", "noah", DAILY));
    rig_until(rig, (rig_signal(rig, SIGHUP), rig_is_on_duty(rig, "noah")));
    rig_stop(rig);
}

static void an_end_in_the_midst_of_reading_is_orderly(void **state)
{
    struct rig *rig = *state;
    rig->words.more = duty;
    write_rota(rig, EVENT("1", "ines", DAILY));
    rig_start(rig);
    write_rota(rig, EVENT("1", "noah", "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30\n"));
    rig_signal(rig, SIGHUP);
    rig_stop(rig);
}

static void each_day_the_calendars_are_read_and_nothing_else(void **state)
{
    struct rig *rig = *state;
    if (!rig_has_hooks()) {
        print_message("SKIPPED: built without test hooks\n");
        skip();
    }
    rig->words.more = duty;
    rig->every = "200ms";
    write_rota(rig, EVENT("1", "ines", DAILY));
    rig_start(rig);
    rig_write(rig, "firealarm.cfg", "what is this", 0644); /* nobody asked for a reload */
    write_rota(rig, EVENT("1", "noah", DAILY));
    rig_until(rig, rig_is_on_duty(rig, "noah"));
    assert_false(rig_logged(rig, "the new configuration"));
    write_rota(rig, "BEGIN:VEVENT\n");
    rig_until(rig, rig_logged(rig, "the calendars are refused, those that were read last stay"));
    assert_true(rig_is_on_duty(rig, "noah"));
    rig_until(rig, receiver_find(rig->receiver, "/ines", "those read last stay") != NULL);
    rig_stop(rig);
}

static void a_start_with_a_broken_calendar_runs_on_the_one_that_was_accepted(void **state)
{
    struct rig *rig = *state;
    rig->words.more = duty;
    write_rota(rig, EVENT("1", "ines", DAILY));
    rig_start(rig);
    rig_stop(rig);
    write_rota(rig, "BEGIN:VEVENT\n");
    rig_again(rig);
    assert_true(rig_logged(rig, "running on the configuration that was accepted last"));
    assert_true(rig_is_on_duty(rig, "ines"));
    rig_until(rig,
              receiver_find(rig->receiver, "/ines", "configuration was refused at start") != NULL);
    rig_stop(rig);
}

static void a_first_start_without_the_program_says_so(void **state)
{
    struct rig *rig = *state;
    int status = 0;
    rig->words.more = duty;
    rig->calendar = "/nowhere/firealarm-calendar";
    write_rota(rig, EVENT("1", "ines", DAILY));
    rig_write_config(rig);
    rig_spawn(rig);
    rig_until(rig, rig_has_ended(rig, &status));
    assert_int_equal(WEXITSTATUS(status), 78);
    assert_true(rig_logged(rig, "/nowhere/firealarm-calendar: No such file or directory"));
}

static void duty_is_told_in_the_caller_s_zone_and_to_people_alone(void **state)
{
    struct rig *rig = *state;
    rig->words.more = duty;
    write_rota(rig, EVENT("1", "ines", DAILY) "BEGIN:VEVENT\nUID:2\nSUMMARY:noah\n"
                                              "DTSTART;VALUE=DATE:20301224\nEND:VEVENT\n");
    rig_start(rig);
    const struct rig_reply *reply = rig_get(rig, "/v1/oncall?at=3d");
    assert_int_equal(reply->status, 200);
    json_t *body = rig_json(reply);
    assert_string_equal(json_string_value(json_object_get(body, "zone")), "Europe/Berlin");
    const char *here = json_string_value(json_object_get(body, "at_here"));
    assert_true(strstr(here, "CET") != NULL || strstr(here, "CEST") != NULL);
    json_decref(body);
    assert_int_equal(rig_get(rig, "/v1/oncall?at=tomorrow")->status, 400);
    assert_int_equal(rig_get(rig, "/v1/oncall?at=2026-12-24%2022:00")->status, 200);
    assert_int_equal(rig_get(rig, "/v1/oncall?at=2026-13-24")->status, 400);
    if (getuid() == 0) { /* only root can call as somebody else */
        const struct rig_call stranger = {.method = "GET", .path = "/v1/oncall", .uid = 54321};
        reply = rig_ask(rig, &stranger);
        assert_int_equal(reply->status, 403);
        assert_null(strstr(reply->body, "ines"));
        assert_null(strstr(reply->body, "Ines"));
    }
    rig_stop(rig);
}

/* One day ines, the next one noah, the third nobody, and so on since 2020. */
#define IN_TURNS                                                                                   \
    EVENT("1", "ines", "RRULE:FREQ=DAILY;INTERVAL=3\n")                                            \
    "BEGIN:VEVENT\nUID:2\nSUMMARY:noah\nDTSTART;VALUE=DATE:20200102\n"                             \
    "RRULE:FREQ=DAILY;INTERVAL=3\nEND:VEVENT\n"
#define FIRST_TURN 18262 /* 2020-01-01, in days since 1970 */

/* The first schedule at noon of that day. who: on duty, "" for nobody; next: after that. */
static void ask_at_noon(struct rig *rig, time_t day, char date[16], char who[32], char until[40],
                        char next[80])
{
    char path[80];
    struct tm tm;
    time_t at = day * 86400;
    strftime(date, 16, "%Y-%m-%d", gmtime_r(&at, &tm));
    snprintf(path, sizeof path, "/v1/oncall?at=%s%%2012:00", date);
    json_t *body = rig_json(rig_get(rig, path));
    const json_t *one = json_array_get(json_object_get(body, "schedules"), 0);
    const json_t *on = json_array_get(json_object_get(one, "on_duty"), 0);
    const json_t *then = json_object_get(one, "next");
    const char *person = json_string_value(json_object_get(on, "person"));
    const char *here = json_string_value(json_object_get(on, "until_here"));
    snprintf(who, 32, "%s", person != NULL ? person : "");
    snprintf(until, 40, "%s", here != NULL ? here : "");
    snprintf(next, 80, "from %s %s", json_string_value(json_object_get(then, "from_here")),
             json_string_value(json_array_get(json_object_get(then, "people"), 0)));
    json_decref(body);
}

static void on_duty_is_who_has_the_turn_then_until_it_ends(void **state)
{
    static const struct {
        const char *who, *display, *next;
        int next_day;
    } turns[] = {
        {"ines", "Ines Roth", "noah", 1}, {"noah", "Noah Lind", "ines", 2}, {"", "", "ines", 1}};
    struct rig *rig = *state;
    rig->words.more = duty;
    write_rota(rig, IN_TURNS);
    rig_start(rig);
    rig_client_settings(rig, false);
    time_t first = time(NULL) / 86400 + 2;
    first += 2 - (first - FIRST_TURN + 2) % 3; /* of ines */
    for (int i = 0; i < 3; i++) {
        char date[16], who[32], until[40], next[80], midnight[40], wanted[200], words[60],
            out[2000];
        struct tm tm;
        time_t end = (first + i + turns[i].next_day) * 86400;
        ask_at_noon(rig, first + i, date, who, until, next);
        assert_string_equal(who, turns[i].who);
        strftime(midnight, sizeof midnight, "from %a %-d %b 00:00 CE", gmtime_r(&end, &tm));
        assert_contains(next, midnight);
        assert_contains(next, turns[i].next);
        if (who[0] != '\0') {
            end = (first + i + 1) * 86400;
            strftime(midnight, sizeof midnight, "%a %-d %b 00:00 CE", gmtime_r(&end, &tm));
            assert_contains(until, midnight);
            snprintf(wanted, sizeof wanted, "IT on duty\n  %s until %s\n  %s\n", turns[i].display,
                     until, next);
        } else {
            snprintf(wanted, sizeof wanted, "IT on duty\n  nobody\n  %s\n", next);
        }
        snprintf(words, sizeof words, "oncall --at '%s 12:00'", date);
        assert_int_equal(rig_client(rig, words, out, sizeof out), 0);
        assert_contains(out, wanted);
        assert_contains(out, " 12:00 CE");
    }
    rig_stop(rig);
}

/* Another calendar at each moment, always a whole one. */
static pid_t keep_writing(struct rig *rig)
{
    char path[600], temp[610], text[400];
    snprintf(path, sizeof path, "%s", rig_path(rig, "rota.ics"));
    snprintf(temp, sizeof temp, "%s.new", path);
    pid_t pid = fork();
    assert_true(pid >= 0);
    for (unsigned n = 0; pid == 0; n++) {
        int len = snprintf(
            text, sizeof text,
            "BEGIN:VCALENDAR\nVERSION:2.0\nX-N:%u\n" EVENT("1", "ines", DAILY) "END:VCALENDAR\n",
            n);
        int fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        if (fd < 0 || write(fd, text, (size_t)len) != len || rename(temp, path) != 0) {
            _exit(1);
        }
        close(fd);
    }
    return pid;
}

static void what_changes_while_it_is_read_is_refused_with_that_reason(void **state)
{
    struct rig *rig = *state;
    rig->words.more = duty;
    write_rota(rig, EVENT("1", "ines", DAILY));
    rig_start(rig);
    pid_t writer = keep_writing(rig);
    /* A whole reading may fit between two of its writes, where the processors are busy. */
    rig_until(rig, (reload_once(rig), rig_logged(rig, "the new configuration is refused")));
    kill(writer, SIGKILL);
    assert_int_equal(waitpid(writer, NULL, 0), writer);
    assert_true(rig_logged(rig, "the calendars change while they are read"));
    reload(rig, true);
    rig_stop(rig);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_reload_takes_the_calendar_as_it_is_now_or_leaves_all_as_it_was),
        TEST(a_calendar_that_is_never_read_to_its_end_holds_nobody_up),
        TEST(an_end_in_the_midst_of_reading_is_orderly),
        TEST(each_day_the_calendars_are_read_and_nothing_else),
        TEST(a_start_with_a_broken_calendar_runs_on_the_one_that_was_accepted),
        TEST(a_first_start_without_the_program_says_so),
        TEST(duty_is_told_in_the_caller_s_zone_and_to_people_alone),
        TEST(on_duty_is_who_has_the_turn_then_until_it_ends),
        TEST(what_changes_while_it_is_read_is_refused_with_that_reason),
    };
    signal(SIGPIPE, SIG_IGN);
    cmocka_set_test_filter(getenv("FA_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
